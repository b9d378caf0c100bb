/* What the exchange of these files has no place for: jobs that end otherwise, a question
 * for more, a change of identity, the end of the partnership. */
#include <string.h>

#include "server/enrol.h"
#include "server/jobs.h"
#include "tests/vectors/exchange/scene.h"

/* A signed step of another job, under the name it has in the file. */
static void
put_named(struct scene *s, struct scene_file *f, const struct company *who,
    const uint8_t job[OV_ID], unsigned int step, const void *message, const char *name)
{
	struct signed_message m = { 0 };

	MUST(put_step(who->actor, job, step, message, &m.bytes) == OV_OK);
	scene_sign(&m, who, ov_step_context(step));
	scene_leaf_signed(s, name, &m);
	scene_write_signed(f->out, name, &m);
	ov_buf_free(&m.bytes);
}

/* --- jobs --- */

/* Begins a job of its own; what it says, and its inputs. */
static struct scene_offer
offer(const struct scene *s, struct scene_file *f, const char *name, uint8_t job[OV_ID],
    const struct company *from, struct ov_msg_propose *m)
{
	struct scene_offer o = { .job = job,
		.proposer = from,
		.acceptor = from == &s->a ? &s->b : &s->a,
		.from = from };
	struct ov_json *in = ov_json_object(f->in, name);

	clock_now += 60;
	scene_fixed(job, OV_ID, name);
	scene_offer_draw(&o, name);
	scene_offer_fill(m, &o, s, 600);
	scene_hex(in, "job", OV_BYTES(job, OV_ID));
	scene_offer_write(in, &o);
	return o;
}

static void
refused(struct scene *s, struct scene_file *f)
{
	struct ov_msg_propose p = { 0 };
	struct ov_msg_refuse m = { .reason = OV_LITERAL("E_LIST_TOO_SMALL") };
	struct signed_message first = { 0 };
	uint8_t job[OV_ID];

	(void)offer(s, f, "refused", job, &s->a, &p);
	put_named(s, f, &s->a, job, OV_STEP_PROPOSE, &p, "PROPOSE_REFUSED");
	MUST(ov_msg_encode(&first.bytes, OV_MSG_PROPOSE, &p) == OV_OK);
	clock_now += 60;
	memcpy(m.job, job, OV_ID);
	ov_digest(m.propose, "propose", OV_BUF_BYTES(&first.bytes));
	m.created = (uint64_t)clock_now;
	put_named(s, f, &s->b, job, OV_STEP_REFUSE, &m, "REFUSE");
	ov_json_number(f->in, "refuse_created", m.created);
	ov_buf_free(&first.bytes);
}

/* Bob proposes here, and takes it back. */
static void
cancelled(struct scene *s, struct scene_file *f)
{
	struct ov_msg_propose p = { 0 };
	struct ov_msg_cancel m = { .reason = OV_LITERAL("E_TERMS_CHANGED") };
	uint8_t job[OV_ID];

	(void)offer(s, f, "cancelled", job, &s->b, &p);
	put_named(s, f, &s->b, job, OV_STEP_PROPOSE, &p, "PROPOSE_CANCELLED");
	clock_now += 60;
	memcpy(m.job, job, OV_ID);
	m.created = (uint64_t)clock_now;
	put_named(s, f, &s->b, job, OV_STEP_CANCEL_A, &m, "CANCEL");
	ov_json_number(f->in, "cancel_created", m.created);
}

static void
expired(struct scene *s, struct scene_file *f)
{
	struct ov_msg_propose p = { 0 };
	int64_t next;

	s->expired.name = "expired";
	(void)offer(s, f, s->expired.name, s->expired.job, &s->a, &p);
	put_named(s, f, &s->a, s->expired.job, OV_STEP_PROPOSE, &p, "PROPOSE_EXPIRED");
	clock_now += 600;
	MUST(ov_jobs_expire(&broker, &next) == OV_OK);
}

/* Both name the job of job.json as the last one of the same lists. */
static void
unchanged(struct scene *s, struct scene_file *f)
{
	struct ov_msg_propose p = { 0 }, of_b = { 0 };
	struct ov_msg_accept m = { 0 };
	struct ov_buf propose = { 0 };
	struct scene_offer o, answer;

	s->unchanged.name = "unchanged";
	o = offer(s, f, s->unchanged.name, s->unchanged.job, &s->a, &p);
	p.unchanged_since = OV_BYTES(s->job, OV_ID);
	put_named(
	    s, f, &s->a, s->unchanged.job, OV_STEP_PROPOSE, &p, "PROPOSE_UNCHANGED");
	MUST(ov_msg_encode(&propose, OV_MSG_PROPOSE, &p) == OV_OK);
	clock_now += 60;
	answer = o;
	answer.from = &s->b;
	scene_offer_draw(&answer, "unchanged, answer");
	scene_offer_fill(&of_b, &answer, s, 600);
	of_b.unchanged_since = p.unchanged_since;
	scene_accept_fill(&m, &of_b, OV_BUF_BYTES(&propose));
	put_named(s, f, &s->b, s->unchanged.job, OV_STEP_ACCEPT, &m, "ACCEPT_UNCHANGED");
	scene_offer_write(ov_json_object(f->in, "unchanged_answer"), &answer);
	MUST(job_state(s->a.actor, s->unchanged.job).state == OV_JOB_UNCHANGED);
	ov_buf_free(&propose);
}

/* --- mail --- */

static void
put_mail(struct scene_file *f, const struct actor *from, const struct actor *to,
    enum ov_mail kind, struct ov_bytes body, const char *name)
{
	struct ov_msg_put_mail m = { .kind = kind, .body = body };
	bool logged = kind == OV_MAIL_TERMS_END || kind == OV_MAIL_TERMS_ENDED;
	union ov_msg_any reply;
	uint8_t h[OV_HASH_LEN];
	struct ov_hash state;
	char key[64];

	ov_hash_init(&state);
	ov_hash_raw(&state, body.p, body.len);
	ov_hash_final(&state, h);
	memcpy(m.mail, h, OV_ID);
	memcpy(m.to, to->id, OV_ID);
	MUST(call(from, OV_MSG_PUT_MAIL, &m, logged ? OV_MSG_PROVEN : OV_MSG_DONE,
		 &reply) == OV_OK);
	snprintf(key, sizeof(key), "%s_mail", name);
	HEX(f->out, key, m.mail);
}

/* The mail that is a message and its signature, and then `tail`. */
static void
put_signed_mail(struct scene_file *f, const struct actor *from, const struct actor *to,
    enum ov_mail kind, const struct signed_message *m, struct ov_bytes tail,
    const char *name)
{
	struct ov_buf body = { 0 };

	MUST(ov_buf_append(&body, m->bytes.p, m->bytes.len) == OV_OK);
	MUST(ov_buf_append(&body, m->signature, 64) == OV_OK);
	MUST(ov_buf_append(&body, tail.p, tail.len) == OV_OK);
	scene_write_signed(f->out, name, m);
	put_mail(f, from, to, kind, OV_BUF_BYTES(&body), name);
	ov_buf_free(&body);
}

/* Bob asks for all that Ada's sheet has at `counts`. */
static void
ask(struct scene *s, struct scene_file *f)
{
	static const struct ov_population wanted[] = { { "open", OV_LEVEL_MATCHES },
		{ "former", OV_LEVEL_FIELDS } };
	struct ov_msg_terms_ask m = { .version = 1,
		.sequence = s->body.sequence,
		.text = OV_LITERAL("Bitte auch die offenen Gesch\xc3\xa4"
				   "fte") };
	struct ov_json *in = ov_json_object(f->in, "ask"), *list;
	struct ov_buf populations = { 0 }, plain = { 0 };
	struct scene_envelope sealed = { 0 };
	struct signed_message mail = { 0 };

	MUST(ov_populations_pack(&populations, wanted, 2) == OV_OK);
	m.populations = OV_BUF_BYTES(&populations);
	MUST(ov_msg_encode(&plain, OV_MSG_TERMS_ASK, &m) == OV_OK);
	scene_seal(&sealed, &s->b, &s->a, "ask", OV_BUF_BYTES(&plain));
	MUST(ov_buf_append(&mail.bytes, sealed.bytes.p, sealed.bytes.len) == OV_OK);
	scene_sign(&mail, &s->b, "ask");

	list = ov_json_array(in, "populations");
	for (size_t i = 0; i < 2; i++) {
		struct ov_json *p = ov_json_array(list, NULL);

		ov_json_number(p, NULL, wanted[i].level);
		ov_json_text(p, NULL, wanted[i].name);
	}
	ov_json_text(in, "text",
	    "Bitte auch die offenen Gesch\xc3\xa4"
	    "fte");
	HEX(in, "ephemeral", sealed.ephemeral);
	scene_hex(in, "nonce", OV_BYTES(sealed.bytes.p + 32, 24));
	scene_hex(f->out, "TERMS_ASK", OV_BUF_BYTES(&plain));
	put_signed_mail(f, s->b.actor, s->a.actor, OV_MAIL_TERMS_ASK, &mail,
	    OV_BYTES(NULL, 0), "sealed_ask");
	ov_buf_free(&populations);
	ov_buf_free(&plain);
	ov_buf_free(&sealed.bytes);
	ov_buf_free(&mail.bytes);
}

/* Ada's new identity tells Bob, in the old one's words. */
static void
change_identity(struct scene *s, struct scene_file *f)
{
	struct ov_json *in = ov_json_object(f->in, "identity");
	struct ov_msg_identity_change m = { .version = 1 };
	struct signed_message mail = { 0 };
	uint8_t secret[32];

	clock_now += 60;
	actor_enrol(&s->renamed, "Ada Holding");
	scene_secret_of(secret, s->renamed.envelope);
	scene_leaf(s, s->renamed.name, OV_BYTES(s->renamed.id, OV_ID));
	memcpy(m.old_identity, s->a.actor->pk, 32);
	memcpy(m.identity, s->renamed.pk, 32);
	memcpy(m.envelope, s->renamed.envelope, 32);
	m.created = (uint64_t)clock_now;
	MUST(ov_msg_encode(&mail.bytes, OV_MSG_IDENTITY_CHANGE, &m) == OV_OK);
	scene_sign(&mail, &s->a, "identity");

	ov_json_text(in, "name", s->renamed.name);
	scene_hex(in, "identity_seed", OV_BYTES(s->renamed.sk, 32));
	HEX(in, "envelope_secret", secret);
	ov_json_number(in, "created", m.created);
	HEX(f->out, "new_company_id", s->renamed.id);
	put_signed_mail(f, &s->renamed, s->b.actor, OV_MAIL_IDENTITY, &mail,
	    OV_BYTES(s->b.actor->id, OV_ID), "IDENTITY_CHANGE");
	ov_buf_free(&mail.bytes);
}

/* Bob ends it, Ada says that she did, too; both words are leaves. */
static void
end(struct scene *s, struct scene_file *f)
{
	struct ov_msg_terms_end m = { .version = 1, .sequence = s->body.sequence };
	struct ov_msg_terms_ended ended = { .version = 1, .sequence = m.sequence + 2 };
	struct signed_message first = { 0 }, second = { 0 };

	clock_now += 60;
	memcpy(m.from, s->b.actor->id, OV_ID);
	memcpy(m.to, s->a.actor->id, OV_ID);
	m.created = (uint64_t)clock_now;
	MUST(ov_msg_encode(&first.bytes, OV_MSG_TERMS_END, &m) == OV_OK);
	scene_sign(&first, &s->b, "end");
	put_signed_mail(f, s->b.actor, s->a.actor, OV_MAIL_TERMS_END, &first,
	    OV_BYTES(NULL, 0), "TERMS_END");
	scene_leaf_signed(s, "TERMS_END", &first);

	clock_now += 60;
	memcpy(ended.from, m.to, OV_ID);
	memcpy(ended.to, m.from, OV_ID);
	ov_digest(ended.end, "end", OV_BUF_BYTES(&first.bytes));
	ended.created = (uint64_t)clock_now;
	MUST(ov_msg_encode(&second.bytes, OV_MSG_TERMS_ENDED, &ended) == OV_OK);
	scene_sign(&second, &s->a, "end");
	put_signed_mail(f, s->a.actor, s->b.actor, OV_MAIL_TERMS_ENDED, &second,
	    OV_BYTES(NULL, 0), "TERMS_ENDED");
	scene_leaf_signed(s, "TERMS_ENDED", &second);

	ov_json_number(f->in, "end_created", m.created);
	ov_json_number(f->in, "ended_sequence", ended.sequence);
	ov_json_number(f->in, "ended_created", ended.created);
	ov_buf_free(&first.bytes);
	ov_buf_free(&second.bytes);
}

void
scene_others(struct scene *s)
{
	uint8_t fingerprint[32];
	struct scene_file f = scene_open(
	    "Other words of the same two: jobs that are refused, cancelled (Bob proposed "
	    "that one), run into their expiry and have nothing new to say; a question "
	    "for "
	    "more, a new identity of Ada, the end of the partnership.  NAME_mail is the "
	    "id "
	    "of the mail that carries it (PROTOCOL.md 4, 5.4, 6.5, 6.7, 7.3 to 7.5).");

	refused(s, &f);
	cancelled(s, &f);
	expired(s, &f);
	unchanged(s, &f);
	ask(s, &f);
	change_identity(s, &f);
	end(s, &f);
	/* and the old company goes */
	MUST(ov_enrol_revoke(
		 fingerprint, &broker, s->a.actor->name, OV_COMPANY_REVOKED) == OV_OK);
	scene_close(s, "others", &f);
}
