/* hostile_broker - overlapd with a lie; see hostile_broker.h and test_lies.py.
 *
 * What it is asked for by GET_CHUNK it notes in the file OVERLAP_LIE with `.asked` behind
 * its name: COMPANY ROLE STREAM, a line each.
 */
#include "hostile_broker.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/crypto/memory.h"
#include "common/crypto/sign.h"
#include "proto/keys.h"
#include "proto/terms.h"
#include "server/jobs.h"

#define WORD_MAX 64

/* --- scenes --- */

bool
scene_reply(union ov_msg_any *m, const struct scene *s, enum ov_msg type)
{
	struct ov_bytes in = OV_BUF_BYTES(s->reply);

	return ov_msg_type(in) == type && ov_msg_decode(m, type, in) == OV_OK;
}

void
scene_say(const struct scene *s, enum ov_msg type, const void *m)
{
	struct ov_buf out = { 0 };

	MUST(ov_msg_encode(&out, type, m) == OV_OK);
	ov_buf_free(s->reply);
	*s->reply = out;
	*s->said = true;
}

void
scene_error(const struct scene *s, const char *status)
{
	struct ov_msg_error e = { .status = OV_BYTES(status, strlen(status)) };

	scene_say(s, OV_MSG_ERROR, &e);
}

bool
scene_role(enum ov_role *role, const struct scene *s, const uint8_t job[OV_ID])
{
	struct ov_job j;
	struct ov_tx *tx = NULL;
	bool found;

	MUST(ov_tx_begin(&tx, s->b->store) == OV_OK);
	found = ov_job_of(&j, role, tx, job, s->who->id) == OV_OK;
	ov_tx_end(&tx);
	return found;
}

void
scene_prove(struct ov_proven *out, const struct scene *s, enum ov_leaf type,
    struct ov_bytes body, const uint8_t signature[64])
{
	struct ov_log_leaf leaf;
	struct ov_tx *tx = NULL;

	MUST(ov_tx_begin(&tx, s->b->store) == OV_OK);
	MUST(ov_log_signed(&leaf, tx, type, body, OV_BYTES(signature, 64)) == OV_OK);
	MUST(ov_log_prove(out, s->b, tx, leaf.index, s->q->get_step.seen) == OV_OK);
	MUST(ov_tx_commit(&tx, "hostile.step") == OV_OK);
}

static bool
is(const struct scene *s, const char *how)
{
	return strcmp(s->how, how) == 0;
}

/* --- impersonation --- */

/* Keys of the broker's own in the place of a company's. */
static void
own_keys(uint8_t identity[32], uint8_t envelope[32], const struct scene *s)
{
	uint8_t sk[64];

	if (is(s, "identity"))
		ov_sign_keypair(identity, sk);
	else
		ov_random(envelope, 32);
	ov_wipe(sk, sizeof(sk));
}

/* In the answer about a company. */
static void
lie_in_who(const struct scene *s)
{
	union ov_msg_any m;

	if (!scene_reply(&m, s, OV_MSG_COMPANY))
		return;
	own_keys(m.company.identity, m.company.envelope, s);
	scene_say(s, OV_MSG_COMPANY, &m);
}

/* In the mails of pairing; with another identity the sender fits it. */
static void
lie_in_mail(const struct scene *s)
{
	struct ov_msg_pair_request r;
	struct ov_buf body = { 0 };
	union ov_msg_any m;
	enum ov_msg type;

	if (!scene_reply(&m, s, OV_MSG_MAIL) || m.mail.kind > OV_MAIL_PAIR_REPLY)
		return;
	type = ov_msg_type(m.mail.body); /* both have the same fields */
	MUST(ov_msg_decode(&r, type, m.mail.body) == OV_OK);
	own_keys(r.identity, r.envelope, s);
	MUST(ov_msg_encode(&body, type, &r) == OV_OK);
	m.mail.body = OV_BUF_BYTES(&body);
	ov_company_id(m.mail.from, r.identity);
	scene_say(s, OV_MSG_MAIL, &m);
	ov_buf_free(&body);
}

/* --- streams between the partners --- */

#define CHUNKS_KEPT 2 /* legend and points of a small list */

/* POINTS of the last job that was told without a lie, by stream. */
static struct {
	pthread_mutex_t mx;
	struct ov_buf chunk[OV_STREAM_POINTS_B + 1][CHUNKS_KEPT];
} old = { .mx = PTHREAD_MUTEX_INITIALIZER };

static void
keep_chunk(const struct scene *s)
{
	const struct ov_msg_get_chunk *q = &s->q->get_chunk;
	union ov_msg_any m;
	struct ov_buf *c;

	if (s->asked != OV_MSG_GET_CHUNK || q->stream > OV_STREAM_POINTS_B ||
	    q->index >= CHUNKS_KEPT || !scene_reply(&m, s, OV_MSG_CHUNK))
		return;
	pthread_mutex_lock(&old.mx);
	c = &old.chunk[q->stream][q->index];
	c->len = 0;
	MUST(ov_buf_append(c, m.chunk.body.p, m.chunk.body.len) == OV_OK);
	pthread_mutex_unlock(&old.mx);
}

/* Appends a stored chunk of this job. */
static void
stored(struct ov_buf *out, const struct scene *s, unsigned int stream, uint64_t index)
{
	struct ov_chunk_at at = { s->q->get_chunk.job, stream, (uint32_t)index };
	struct ov_tx *tx = NULL;
	bool last;

	MUST(ov_tx_begin(&tx, s->b->store) == OV_OK);
	(void)!ov_store_chunk(tx, out, &last, &at);
	ov_tx_end(&tx);
}

/* In the partner's POINTS. */
static void
lie_in_points(const struct scene *s)
{
	const struct ov_msg_get_chunk *q = &s->q->get_chunk;
	unsigned int other =
	    OV_STREAM_POINTS_A + OV_STREAM_POINTS_B - (unsigned int)q->stream;
	struct ov_buf body = { 0 };
	union ov_msg_any m;

	if (s->asked != OV_MSG_GET_CHUNK || q->stream > OV_STREAM_POINTS_B ||
	    !scene_reply(&m, s, OV_MSG_CHUNK))
		return;
	MUST(ov_buf_append(&body, m.chunk.body.p, m.chunk.body.len) == OV_OK);
	if (is(s, "legend") && q->index == 0)
		body.p[100] ^= 1;
	else if (is(s, "point") && q->index == 1)
		body.p[body.len - 1] ^= 1;
	else if (is(s, "cut") && q->index == 1)
		body.len -= 32;
	else if (is(s, "last"))
		m.chunk.last ^= 1;
	else if (!is(s, "legend") && !is(s, "point") && !is(s, "cut"))
		body.len = 0;
	if (is(s, "order"))
		stored(&body, s, (unsigned int)q->stream, q->index ^ 1);
	else if (is(s, "reflect"))
		stored(&body, s, other, q->index);
	else if (is(s, "tags") || is(s, "roster"))
		stored(&body, s,
		    (unsigned int)q->stream +
			(is(s, "tags") ? OV_STREAM_TAGS_A : OV_STREAM_ROSTER_A) - 1,
		    0);
	else if (is(s, "replay"))
		MUST(ov_buf_append(&body, old.chunk[q->stream][q->index].p,
			 old.chunk[q->stream][q->index].len) == OV_OK);
	m.chunk.body = OV_BUF_BYTES(&body);
	scene_say(s, OV_MSG_CHUNK, &m);
	ov_buf_free(&body);
}

/* The second half of POINTS never comes. */
static void
lie_by_losing(const struct scene *s)
{
	if (s->asked == OV_MSG_GET_CHUNK &&
	    s->q->get_chunk.stream <= OV_STREAM_POINTS_B && s->q->get_chunk.index > 0)
		scene_error(s, "E_BROKER_WAIT");
}

/* --- second messages --- */

/* A file beside that of the lies: its name is the lie's with this behind it. */
static FILE *
open_beside(const char *suffix, const char *mode)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s%s", getenv("OVERLAP_LIE"), suffix);
	return fopen(path, mode);
}

/* The partner's other PROPOSE (how: 1) or ACCEPT (2), which it left in the file `.second`
 * with its signature behind it, in the place of the one that is stored. */
static void
lie_by_a_second(const struct scene *s)
{
	unsigned long step = strtoul(s->how, NULL, 10);
	uint8_t body[4096];
	union ov_msg_any m;
	struct ov_proven proven;
	size_t n;
	FILE *f;

	if (s->asked != OV_MSG_GET_STEP || s->q->get_step.step != step ||
	    !scene_reply(&m, s, OV_MSG_STEP))
		return;
	f = open_beside(".second", "rb");
	MUST(f != NULL && (n = fread(body, 1, sizeof(body), f)) > 64);
	fclose(f);
	n -= 64;
	memcpy(m.step.signature, body + n, 64);
	m.step.body = OV_BYTES(body, n);
	scene_prove(&proven, s,
	    step == OV_STEP_PROPOSE ? OV_LEAF_PROPOSED : OV_LEAF_ACCEPTED, m.step.body,
	    m.step.signature);
	OV_LOG_PROVEN_INTO(&m.step, &proven);
	scene_say(s, OV_MSG_STEP, &m);
}

/* --- words --- */

static bool
says(struct ov_bytes text, const char *word)
{
	return text.len == strlen(word) && memcmp(text.p, word, text.len) == 0;
}

/* An ERROR with a text of the liar's choice in the place of the partner's POINTS. */
static void
lie_with_error(const struct scene *s)
{
	if (s->asked == OV_MSG_GET_CHUNK)
		scene_error(s, s->how);
}

/* Mail is there when the company has been told that its proposal crossed another. */
static void
lie_about_mail(const struct scene *s)
{
	static atomic_bool crossed;
	union ov_msg_any m;

	if (s->asked == OV_MSG_PUT_STEP && scene_reply(&m, s, OV_MSG_ERROR) &&
	    says(m.error.status, "E_DB_CONFLICT"))
		atomic_store(&crossed, true);
	if (s->asked == OV_MSG_GET_MAIL && !atomic_load(&crossed))
		scene_error(s, "E_BROKER_WAIT");
}

/* --- terms --- */

static void
say_old_terms(const struct scene *s, union ov_msg_any *m)
{
	const uint8_t *mine = s->who->id;
	const uint8_t *other = s->asked == OV_MSG_PUT_TERMS ? s->q->put_terms.partner
							    : s->q->get_terms.partner;
	bool low = ov_is_low(mine, other);
	struct ov_terms_bytes text = { 0 };
	struct ov_terms_row row;
	struct ov_tx *tx = NULL;

	MUST(ov_tx_begin(&tx, s->b->store) == OV_OK);
	MUST(ov_store_terms(tx, &row, &text, low ? mine : other, low ? other : mine, 1) ==
	     OV_OK);
	ov_tx_end(&tx);
	m->terms_signed.body = OV_BUF_BYTES(&text.body);
	m->terms_signed.release = OV_BUF_BYTES(&text.release);
	m->terms_signed.signature_low = OV_BYTES(row.signature_low, 64);
	m->terms_signed.signature_high = OV_BYTES(row.signature_high, 64);
	scene_say(s, OV_MSG_TERMS_SIGNED, m);
	ov_terms_bytes_free(&text);
}

/* A table that gives the partner more runs than was signed. */
static void
say_other_release(const struct scene *s, union ov_msg_any *m)
{
	struct ov_buf table = { 0 };
	struct ov_msg_release r;

	MUST(ov_msg_decode(&r, OV_MSG_RELEASE, m->terms_signed.release) == OV_OK);
	r.runs = 1000;
	MUST(ov_msg_encode(&table, OV_MSG_RELEASE, &r) == OV_OK);
	m->terms_signed.release = OV_BUF_BYTES(&table);
	scene_say(s, OV_MSG_TERMS_SIGNED, m);
	ov_buf_free(&table);
}

static void
lie_about_terms(const struct scene *s)
{
	union ov_msg_any m;

	if (!scene_reply(&m, s, OV_MSG_TERMS_SIGNED))
		return;
	if (is(s, "old"))
		say_old_terms(s, &m);
	else
		say_other_release(s, &m);
}

/* --- the lie of the moment --- */

static void
tell_truth(const struct scene *s)
{
	keep_chunk(s);
}

static const struct {
	const char *name;
	lie *tell;
} lies[] = {
	{ "truth", tell_truth }, { "report", lie_in_report },
	{ "other-view", lie_with_other_view }, { "log", lie_about_log },
	{ "end", lie_about_end }, { "no-mail", lie_about_mail }, { "who", lie_in_who },
	{ "pair-mail", lie_in_mail }, { "points", lie_in_points },
	{ "second", lie_by_a_second }, { "lose", lie_by_losing },
	{ "error", lie_with_error }, { "terms", lie_about_terms },
	{ "lax", tell_truth }, /* see the checks below */
};

struct moment {
	char name[WORD_MAX], how[WORD_MAX], company[WORD_MAX];
};

static void
read_moment(struct moment *m)
{
	const char *path = getenv("OVERLAP_LIE");
	FILE *f = path != NULL ? fopen(path, "r") : NULL;

	if (f == NULL || fscanf(f, "%63s %63s %63s", m->name, m->how, m->company) != 3)
		*m = (struct moment){ "truth", "-", "*" };
	if (f != NULL)
		fclose(f);
}

static bool
is_moment(const char *name)
{
	struct moment m;

	read_moment(&m);
	return strcmp(m.name, name) == 0;
}

static void
note(const struct scene *s)
{
	char line[160];
	enum ov_role role;
	FILE *f;

	if (getenv("OVERLAP_LIE") == NULL || s->asked != OV_MSG_GET_CHUNK ||
	    !scene_role(&role, s, s->q->get_chunk.job))
		return;
	snprintf(line, sizeof(line), "%s %c %u\n", s->who->name,
	    role == OV_ROLE_A ? 'A' : 'B', (unsigned int)s->q->get_chunk.stream);
	f = open_beside(".asked", "a");
	MUST(f != NULL && fputs(line, f) >= 0 && fclose(f) == 0);
}

static void
tell(const struct scene *s, const struct moment *now)
{
	size_t i = 0;

	while (strcmp(lies[i].name, now->name) != 0)
		MUST(++i < sizeof(lies) / sizeof(lies[0]));
	if (strcmp(now->company, "*") == 0 || strcmp(now->company, s->who->name) == 0)
		lies[i].tell(s);
}

/* The linker gives the broker's callers these in the place of the real ones. */
enum ov_status __real_ov_dispatch(struct ov_call *c, const struct ov_broker *b,
    enum ov_listener listener, const uint8_t fingerprint[32], struct ov_bytes in,
    struct ov_buf *reply);
enum ov_status __wrap_ov_dispatch(struct ov_call *c, const struct ov_broker *b,
    enum ov_listener listener, const uint8_t fingerprint[32], struct ov_bytes in,
    struct ov_buf *reply);
enum ov_status __real_ov_check_propose(
    struct ov_job *job, const struct ov_put *put, const uint8_t a[OV_ID]);
enum ov_status __wrap_ov_check_propose(
    struct ov_job *job, const struct ov_put *put, const uint8_t a[OV_ID]);
enum ov_status __real_ov_check_accept(
    struct ov_job *job, bool *unchanged, const struct ov_put *put);
enum ov_status __wrap_ov_check_accept(
    struct ov_job *job, bool *unchanged, const struct ov_put *put);
enum ov_status __real_ov_store_ledger(
    struct ov_tx *tx, struct ov_ledger *out, const struct ov_ledger_query *q);
enum ov_status __wrap_ov_store_ledger(
    struct ov_tx *tx, struct ov_ledger *out, const struct ov_ledger_query *q);

enum ov_status
__wrap_ov_dispatch(struct ov_call *c, const struct ov_broker *b,
    enum ov_listener listener, const uint8_t fingerprint[32], struct ov_bytes in,
    struct ov_buf *reply)
{
	enum ov_status st = __real_ov_dispatch(c, b, listener, fingerprint, in, reply);
	struct scene s = {
		.b = b, .who = &c->who, .asked = ov_msg_type(in), .reply = reply
	};
	union ov_msg_any q;
	struct moment now;
	bool said = false;

	if (listener != OV_LISTENER_COMPANIES || s.asked == OV_MSG_NONE ||
	    ov_msg_decode(&q, s.asked, in) != OV_OK)
		return st;
	s.q = &q;
	note(&s);
	read_moment(&now);
	s.how = now.how;
	s.said = &said;
	tell(&s, &now);
	return said ? OV_OK : st; /* what is said is not held */
}

/* A lax broker lets everything through: caps, terms, clocks, who is whose partner; and
 * its ledger is always empty. */
enum ov_status
__wrap_ov_check_propose(
    struct ov_job *job, const struct ov_put *put, const uint8_t a[OV_ID])
{
	enum ov_status st = __real_ov_check_propose(job, put, a);
	const struct ov_msg_propose *m = &put->m.propose;

	if (st == OV_OK || !is_moment("lax"))
		return st;
	memcpy(job->id, m->job, OV_ID);
	memcpy(job->a, a, OV_ID);
	ov_company_id(job->b, m->b);
	job->slots_a = (uint32_t)m->slots;
	job->created = put->now;
	job->deadline = put->now + OV_HOUR;
	return OV_OK;
}

enum ov_status
__wrap_ov_check_accept(struct ov_job *job, bool *unchanged, const struct ov_put *put)
{
	enum ov_status st = __real_ov_check_accept(job, unchanged, put);

	if (st == OV_OK || !is_moment("lax"))
		return st;
	job->slots_b = (uint32_t)put->m.accept.slots;
	job->deadline = put->now + OV_HOUR;
	*unchanged = false;
	return OV_OK;
}

enum ov_status
__wrap_ov_store_ledger(
    struct ov_tx *tx, struct ov_ledger *out, const struct ov_ledger_query *q)
{
	enum ov_status st = __real_ov_store_ledger(tx, out, q);

	if (st == OV_OK && is_moment("lax"))
		*out = (struct ov_ledger){ 0 };
	return st;
}
