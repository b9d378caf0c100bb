/* The frozen lists, both first messages and the keys that follow from them. */
#include <string.h>

#include "common/crypto/sign.h"
#include "common/psi/psi.h"
#include "tests/vectors/exchange/scene.h"

/* --- lists.json --- */

static int
before(const struct ov_list_token *x, const struct ov_list_token *y)
{
	size_t n = x->value.len < y->value.len ? x->value.len : y->value.len;
	int d = memcmp(x->value.p, y->value.p, n);

	if (x->rank != y->rank)
		return x->rank < y->rank;
	return d != 0 ? d < 0 : x->value.len < y->value.len;
}

/* The tokens of a record in the order that a list wants. */
static size_t
tokens_of(struct ov_list_token t[OV_TOKENS_PER_RECORD], const struct book_record *record)
{
	size_t n = 0;

	for (; record->tokens[n].rank != 0; n++) {
		struct ov_list_token x = { record->tokens[n].rank,
			scene_text(record->tokens[n].value) };
		size_t at = n;

		for (; at > 0 && before(&x, &t[at - 1]); at--)
			t[at] = t[at - 1];
		t[at] = x;
	}
	return n;
}

static void
write_record(struct ov_json *list, const struct book_record *r)
{
	struct ov_json *at = ov_json_object(list, NULL);
	struct ov_json *tokens;

	ov_json_number(at, "population", r->population);
	ov_json_number(at, "fit", r->fit);
	ov_json_number(at, "band", r->band);
	tokens = ov_json_array(at, "tokens");
	for (size_t i = 0; r->tokens[i].rank != 0; i++) {
		struct ov_json *pair = ov_json_array(tokens, NULL);

		ov_json_number(pair, NULL, r->tokens[i].rank);
		ov_json_text(pair, NULL, r->tokens[i].value);
	}
}

static void
make_list(struct scene_file *f, const char *key, struct company *c)
{
	struct ov_json *in = ov_json_array(f->in, key);
	struct ov_json *out = ov_json_object(f->out, key), *order;
	struct ov_list_token t[OV_TOKENS_PER_RECORD];

	for (size_t i = 0; i < c->book->n; i++) {
		const struct book_record *r = &c->book->records[i];

		write_record(in, r);
		MUST(ov_list_add(&c->list, i, OV_LABEL(r->population, r->band),
			 OV_FIT(r->fit, ov_band_fit(r->band)), t,
			 tokens_of(t, r)) == OV_OK);
	}
	MUST(ov_list_sort(&c->list) == OV_OK);
	ov_list_digest(c->list_digest, &c->list);
	order = ov_json_array(out, "order");
	for (size_t i = 0; i < c->list.n_records; i++)
		ov_json_number(order, NULL, c->list.records[i].account);
	ov_json_number(out, "tokens", c->list.n_tokens);
	HEX(out, "list_digest", c->list_digest);
}

void
scene_lists(struct scene *s)
{
	struct scene_file f = scene_open(
	    "The lists of both: records with population, own fit and tokens (rank, "
	    "value), "
	    "in no order; the order of their records, and the digest (PROTOCOL.md 7.9, "
	    "7.10).");

	make_list(&f, "a", &s->a);
	make_list(&f, "b", &s->b);
	scene_close(s, "lists", &f);
}

/* --- job.json --- */

void
scene_offer_draw(struct scene_offer *o, const char *name)
{
	const struct company *other = o->from == o->proposer ? o->acceptor : o->proposer;
	const struct ov_ephemeral_input in = { .seed_e = o->seed_e,
		.job = o->job,
		.role = o->from == o->proposer ? OV_ROLE_A : OV_ROLE_B,
		.partner = other->actor->pk,
		.list = o->from->list_digest };
	char text[64];

	snprintf(text, sizeof(text), "seedE %s", name);
	scene_fixed(o->seed_e, 32, text);
	snprintf(text, sizeof(text), "commitment %s", name);
	scene_fixed(o->commitment_random, 32, text);
	ov_ephemeral(o->ephemeral_secret, &in);
	ov_dh_public(o->ephemeral, o->ephemeral_secret);
}

void
scene_offer_fill(
    struct ov_msg_propose *m, struct scene_offer *o, const struct scene *s, int life_s)
{
	o->created = (uint64_t)clock_now;
	o->expiry = o->created + (uint64_t)life_s;
	m->version = 1;
	memcpy(m->job, o->job, OV_ID);
	memcpy(m->a, o->proposer->actor->pk, 32);
	memcpy(m->b, o->acceptor->actor->pk, 32);
	memcpy(m->terms, s->body.terms, OV_DIGEST);
	memcpy(m->release, s->body.release, OV_DIGEST);
	memcpy(m->profile, s->profile, OV_DIGEST);
	m->slots = o->from->slots;
	memcpy(m->ephemeral, o->ephemeral, 32);
	ov_commitment(m->commitment, o->commitment_random, o->from->list_digest);
	m->created = o->created;
	m->expiry = o->expiry;
	o->head_size = scene_head(o->from, &m->head, &m->head_signature);
}

#define COPY_U(S, name, lo, hi) out->name = m->name;
#define COPY_B(S, name, n) memcpy(out->name, m->name, (n));

void
scene_accept_fill(
    struct ov_msg_accept *out, const struct ov_msg_propose *m, struct ov_bytes propose)
{
	OV_FIELDS_PROPOSE(, COPY_U, COPY_B, COPY_U, COPY_U)
	ov_digest(out->propose, "propose", propose);
}

static void
draw_inputs(struct scene *s, struct company *c, enum ov_role role)
{
	c->slots = role == OV_ROLE_A ? SCENE_SLOTS_A : SCENE_SLOTS_B;
	c->said = (struct scene_offer){
		.job = s->job, .proposer = &s->a, .acceptor = &s->b, .from = c
	};
	scene_offer_draw(&c->said, role == OV_ROLE_A ? "A" : "B");
	scene_fixed(c->seed_r, 32, role == OV_ROLE_A ? "seedR A" : "seedR B");
}

static void
propose_and_accept(struct scene *s)
{
	struct ov_msg_propose p = { 0 }, of_b = { 0 };
	struct ov_msg_accept m = { 0 };

	scene_offer_fill(&p, &s->a.said, s, 3600);
	scene_put(s, &s->propose, &s->a, OV_STEP_PROPOSE, &p, "PROPOSE");
	clock_now += 60;
	scene_offer_fill(&of_b, &s->b.said, s, 7200);
	scene_accept_fill(&m, &of_b, OV_BUF_BYTES(&s->propose.bytes));
	scene_put(s, &s->accept, &s->b, OV_STEP_ACCEPT, &m, "ACCEPT");
	ov_transcript(
	    s->th, OV_BUF_BYTES(&s->propose.bytes), OV_BUF_BYTES(&s->accept.bytes));
}

static void
derive(struct scene *s)
{
	struct ov_shared_keys same;

	MUST(ov_shared_keys_derive(&s->keys, s->th, s->a.said.ephemeral_secret,
		 s->b.said.ephemeral) == OV_OK);
	MUST(ov_shared_keys_derive(
		 &same, s->th, s->b.said.ephemeral_secret, s->a.said.ephemeral) == OV_OK);
	MUST(memcmp(&same, &s->keys, sizeof(same)) == 0);
	for (struct company *c = &s->a; c != NULL; c = c == &s->a ? &s->b : NULL) {
		ov_local_keys_derive(&c->local, s->th, c->seed_r, c->list_digest);
		MUST(ov_psi_scalar(c->scalar, c->local.scalar_wide) == OV_OK);
	}
}

void
scene_offer_write(struct ov_json *in, const struct scene_offer *o)
{
	HEX(in, "seed_e", o->seed_e);
	HEX(in, "commitment_random", o->commitment_random);
	ov_json_number(in, "slots", o->from->slots);
	ov_json_number(in, "counts", 0); /* the terms say `exact` */
	ov_json_number(in, "created", o->created);
	ov_json_number(in, "expiry", o->expiry);
	ov_json_number(in, "head_size", o->head_size);
}

static void
write_job_side(struct scene_file *f, const char *key, const struct company *c)
{
	struct ov_json *in = ov_json_object(f->in, key);
	struct ov_json *out = ov_json_object(f->out, key);

	HEX(in, "seed_r", c->seed_r);
	scene_offer_write(in, &c->said);
	HEX(out, "ephemeral_secret", c->said.ephemeral_secret);
	HEX(out, "ephemeral", c->said.ephemeral);
	HEX(out, "scalar", c->scalar);
	HEX(out, "order", c->local.order);
	HEX(out, "records", c->local.records);
	HEX(out, "padding", c->local.padding);
}

static void
write_shared_keys(struct ov_json *out, const struct ov_shared_keys *k)
{
	struct ov_json *at = ov_json_object(out, "shared");

	HEX(at, "points A>B", k->points[0]);
	HEX(at, "points B>A", k->points[1]);
	HEX(at, "tag", k->tag);
	HEX(at, "proof A", k->proof[0]);
	HEX(at, "proof B", k->proof[1]);
	HEX(at, "roster A", k->roster[0]);
	HEX(at, "roster B", k->roster[1]);
	HEX(at, "nonce A>B", k->nonce[0]);
	HEX(at, "nonce B>A", k->nonce[1]);
	HEX(at, "confirm root", k->confirm);
}

void
scene_job(struct scene *s)
{
	struct scene_file f = scene_open("PROPOSE and ACCEPT, the transcript hash and "
					 "all keys of the job (PROTOCOL.md "
					 "7.3 to 7.8).");

	scene_fixed(s->job, OV_ID, "job");
	scene_fixed(s->profile, OV_DIGEST, "profile");
	draw_inputs(s, &s->a, OV_ROLE_A);
	draw_inputs(s, &s->b, OV_ROLE_B);
	clock_now += 3600;
	propose_and_accept(s);
	derive(s);

	HEX(f.in, "job", s->job);
	HEX(f.in, "profile", s->profile);
	write_job_side(&f, "a", &s->a);
	write_job_side(&f, "b", &s->b);
	scene_write_signed(f.out, "PROPOSE", &s->propose);
	scene_write_signed(f.out, "ACCEPT", &s->accept);
	HEX(f.out, "transcript", s->th);
	write_shared_keys(f.out, &s->keys);
	scene_close(s, "job", &f);
}
