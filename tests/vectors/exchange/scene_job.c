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

static void
draw_inputs(const struct scene *s, struct company *c, enum ov_role role)
{
	const struct company *other = c == &s->a ? &s->b : &s->a;
	const struct ov_ephemeral_input in = { .seed_e = c->seed_e,
		.job = s->job,
		.role = role,
		.partner = other->actor->pk,
		.list = c->list_digest };

	scene_fixed(c->seed_r, 32, role == OV_ROLE_A ? "seedR A" : "seedR B");
	scene_fixed(c->seed_e, 32, role == OV_ROLE_A ? "seedE A" : "seedE B");
	scene_fixed(c->commitment_random, 32,
	    role == OV_ROLE_A ? "commitment A" : "commitment B");
	ov_ephemeral(c->ephemeral_secret, &in);
	ov_dh_public(c->ephemeral, c->ephemeral_secret);
	c->slots = role == OV_ROLE_A ? SCENE_SLOTS_A : SCENE_SLOTS_B;
}

/* The fields that PROPOSE and ACCEPT share, after those of its own. */
#define FILL_SHARED(m, s, c)                                                             \
	do {                                                                             \
		(m)->version = 1;                                                        \
		memcpy((m)->job, (s)->job, OV_ID);                                       \
		memcpy((m)->a, (s)->a.actor->pk, 32);                                    \
		memcpy((m)->b, (s)->b.actor->pk, 32);                                    \
		memcpy((m)->terms, (s)->body.terms, OV_DIGEST);                          \
		memcpy((m)->release, (s)->body.release, OV_DIGEST);                      \
		memcpy((m)->profile, (s)->profile, OV_DIGEST);                           \
		(m)->slots = (c)->slots;                                                 \
		memcpy((m)->ephemeral, (c)->ephemeral, 32);                              \
		ov_commitment(                                                           \
		    (m)->commitment, (c)->commitment_random, (c)->list_digest);          \
		(m)->created = (c)->created;                                             \
		(m)->expiry = (c)->expiry;                                               \
	} while (0)

static void
propose_and_accept(struct scene *s)
{
	struct ov_msg_propose p = { 0 };
	struct ov_msg_accept m = { 0 };

	s->a.created = (uint64_t)clock_now;
	s->a.expiry = s->a.created + 3600;
	FILL_SHARED(&p, s, &s->a);
	s->a.head_size = scene_head(&s->a, &p.head, &p.head_signature);
	scene_put(s, &s->propose, &s->a, OV_STEP_PROPOSE, &p, "PROPOSE");
	clock_now += 60;
	s->b.created = (uint64_t)clock_now;
	s->b.expiry = s->b.created + 7200;
	FILL_SHARED(&m, s, &s->b);
	ov_digest(m.propose, "propose", OV_BUF_BYTES(&s->propose.bytes));
	s->b.head_size = scene_head(&s->b, &m.head, &m.head_signature);
	scene_put(s, &s->accept, &s->b, OV_STEP_ACCEPT, &m, "ACCEPT");
	ov_transcript(
	    s->th, OV_BUF_BYTES(&s->propose.bytes), OV_BUF_BYTES(&s->accept.bytes));
}

static void
derive(struct scene *s)
{
	struct ov_shared_keys same;

	MUST(ov_shared_keys_derive(
		 &s->keys, s->th, s->a.ephemeral_secret, s->b.ephemeral) == OV_OK);
	MUST(ov_shared_keys_derive(&same, s->th, s->b.ephemeral_secret, s->a.ephemeral) ==
	     OV_OK);
	MUST(memcmp(&same, &s->keys, sizeof(same)) == 0);
	for (struct company *c = &s->a; c != NULL; c = c == &s->a ? &s->b : NULL) {
		ov_local_keys_derive(&c->local, s->th, c->seed_r, c->list_digest);
		MUST(ov_psi_scalar(c->scalar, c->local.scalar_wide) == OV_OK);
	}
}

static void
write_job_side(struct scene_file *f, const char *key, const struct company *c)
{
	struct ov_json *in = ov_json_object(f->in, key);
	struct ov_json *out = ov_json_object(f->out, key);

	HEX(in, "seed_r", c->seed_r);
	HEX(in, "seed_e", c->seed_e);
	HEX(in, "commitment_random", c->commitment_random);
	ov_json_number(in, "slots", c->slots);
	ov_json_number(in, "counts", 0); /* the terms say `exact` */
	ov_json_number(in, "created", c->created);
	ov_json_number(in, "expiry", c->expiry);
	ov_json_number(in, "head_size", c->head_size);
	HEX(out, "ephemeral_secret", c->ephemeral_secret);
	HEX(out, "ephemeral", c->ephemeral);
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
