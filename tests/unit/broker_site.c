#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include "common/crypto/memory.h"
#include "common/crypto/sign.h"
#include "proto/terms.h"
#include "server/digests.h"
#include "server/enrol.h"
#include "server/site.h"
#include "tests/unit/broker_site.h"

struct ov_broker broker;
int64_t clock_start = 1800000000;
int64_t clock_now;
char site_dir[64];
uint64_t seen;
static uint8_t seen_root[32];
static char parent[40];
static struct ov_buf question, answer;

static int64_t
test_clock(void)
{
	return clock_now;
}

void
site_reopen(void)
{
	ov_site_close(&broker);
	assert_int_equal(ov_site_open(&broker, site_dir), OV_OK);
	broker.now = test_clock;
}

int
site_setup(void **state)
{
	static const char *const hosts[] = { "localhost" };
	struct ov_site_options o = { .name = "test", .hosts = hosts, .n_hosts = 1 };

	(void)state;
	clock_now = clock_start;
	seen = 0;
	snprintf(parent, sizeof(parent), "/tmp/overlap-broker-XXXXXX");
	if (mkdtemp(parent) == NULL)
		return -1;
	snprintf(site_dir, sizeof(site_dir), "%s/site", parent);
	if (ov_site_create(site_dir, &o) != OV_OK)
		return -1;
	if (ov_site_open(&broker, site_dir) != OV_OK)
		return -1;
	broker.now = test_clock;
	return 0;
}

int
site_teardown(void **state)
{
	char command[80];

	(void)state;
	ov_digests_free(broker.digests);
	ov_site_close(&broker);
	ov_buf_free(&question);
	ov_buf_free(&answer);
	snprintf(command, sizeof(command), "rm -rf '%s'", parent);
	return system(command);
}

void
actor_init(struct actor *a, const char *name)
{
	uint8_t envelope_sk[32];

	memset(a, 0, sizeof(*a));
	a->name = name;
	ov_sign_keypair(a->pk, a->sk);
	ov_random(envelope_sk, 32);
	ov_dh_public(a->envelope, envelope_sk);
	ov_company_id(a->id, a->pk);
	assert_int_equal(ov_tls_key_create(&a->tls_key), OV_OK);
}

void
actor_fini(struct actor *a)
{
	ov_secret_free(a->tls_key);
}

static enum ov_status
answered(enum ov_msg want, void *reply)
{
	struct ov_msg_error error;
	char name[65];

	if (ov_msg_type(OV_BUF_BYTES(&answer)) == OV_MSG_ERROR) {
		assert_int_equal(
		    ov_msg_decode(&error, OV_MSG_ERROR, OV_BUF_BYTES(&answer)), OV_OK);
		memcpy(name, error.status.p, error.status.len);
		name[error.status.len] = '\0';
		return ov_status_by_name(name);
	}
	assert_int_equal(ov_msg_decode(reply, want, OV_BUF_BYTES(&answer)), OV_OK);
	return OV_OK;
}

enum ov_status
call(
    const struct actor *a, enum ov_msg type, const void *m, enum ov_msg want, void *reply)
{
	struct ov_call c;
	enum ov_status st;

	question.len = 0;
	assert_int_equal(ov_msg_encode(&question, type, m), OV_OK);
	st = ov_dispatch(&c, &broker, OV_LISTENER_COMPANIES, a->fingerprint,
	    OV_BUF_BYTES(&question), &answer);
	assert_int_equal(answered(want, reply), st); /* the wire says the same */
	return st;
}

enum ov_status
call_enrol(const void *m, struct ov_msg_enrolled *reply)
{
	static const uint8_t nobody[32];
	struct ov_call c;
	enum ov_status st;

	question.len = 0;
	assert_int_equal(ov_msg_encode(&question, OV_MSG_ENROL, m), OV_OK);
	st = ov_dispatch(
	    &c, &broker, OV_LISTENER_ENROLMENT, nobody, OV_BUF_BYTES(&question), &answer);
	assert_int_equal(answered(OV_MSG_ENROLLED, reply), st);
	return st;
}

void
token_secret(uint8_t secret[16], const char *text)
{
	static const char alphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";
	uint8_t bytes[65];
	unsigned int bits = 0, have = 0;
	size_t n = 0;

	assert_memory_equal(text, "ovt1-", 5);
	assert_int_equal(strlen(text), 5 + 104);
	for (text += 5; *text != '\0' && n < sizeof(bytes); text++) {
		const char *at = strchr(alphabet, *text);

		assert_non_null(at);
		bits = (bits << 5 | (unsigned int)(at - alphabet)) & 0xfff;
		have += 5;
		if (have >= 8) {
			have -= 8;
			bytes[n++] = (uint8_t)(bits >> have);
		}
	}
	assert_int_equal(n, 65);
	assert_int_equal(bytes[0], 1);
	assert_memory_equal(bytes + 1, broker.ca_sha256, 32);
	memcpy(secret, bytes + 49, 16);
}

enum ov_status
enrol_with(const struct actor *a, const uint8_t secret[16], const uint8_t *spki,
    struct ov_msg_enrolled *reply)
{
	struct ov_msg_enrol_body body = { .version = 1,
		.tls_key = OV_BYTES(spki, OV_TLS_SPKI_LEN),
		.created = (uint64_t)clock_now };
	struct ov_msg_enrol m = { 0 };
	struct ov_buf buf = { 0 };
	enum ov_status st;

	memcpy(body.token, secret, 16);
	memcpy(body.identity, a->pk, 32);
	memcpy(body.envelope, a->envelope, 32);
	assert_int_equal(ov_msg_encode(&buf, OV_MSG_ENROL_BODY, &body), OV_OK);
	m.body = OV_BUF_BYTES(&buf);
	ov_sign(m.signature, a->sk, "enrol", m.body);
	st = call_enrol(&m, reply);
	ov_buf_free(&buf);
	return st;
}

void
actor_enrol(struct actor *a, const char *name)
{
	char text[OV_TOKEN_TEXT];
	uint8_t secret[16], spki[OV_TLS_SPKI_LEN];
	struct ov_msg_enrolled reply;
	struct ov_certificate cert;

	actor_init(a, name);
	assert_int_equal(ov_enrol_token(text, &broker, name), OV_OK);
	token_secret(secret, text);
	assert_int_equal(ov_tls_key_public(spki, a->tls_key), OV_OK);
	assert_int_equal(enrol_with(a, secret, spki, &reply), OV_OK);
	assert_memory_equal(reply.log_key, broker.log_pk, 32);
	memcpy(a->certificate, reply.certificate.p, reply.certificate.len);
	a->certificate[reply.certificate.len] = '\0';
	assert_int_equal(ov_certificate_read(&cert, a->certificate), OV_OK);
	memcpy(a->fingerprint, cert.fingerprint, 32);
}

void
check_proven(const struct ov_msg_proven *p, enum ov_leaf type, struct ov_bytes body)
{
	struct ov_msg_tree_head head;
	uint8_t hash[32];
	struct ov_buf leaf = { 0 };
	uint8_t type_byte = (uint8_t)type;

	assert_int_equal(p->leaf_type, type);
	assert_int_equal(
	    ov_verify_vartime(p->head_signature, broker.log_pk, "head", p->head), OV_OK);
	assert_int_equal(ov_msg_decode(&head, OV_MSG_TREE_HEAD, p->head), OV_OK);
	assert_memory_equal(head.log, broker.log_id, OV_ID);
	assert_int_equal(ov_buf_append(&leaf, &type_byte, 1), OV_OK);
	assert_int_equal(ov_buf_append(&leaf, p->salt, 16), OV_OK);
	assert_int_equal(ov_buf_append(&leaf, body.p, body.len), OV_OK);
	ov_merkle_leaf(hash, OV_BUF_BYTES(&leaf));
	assert_int_equal(
	    ov_merkle_verify_inclusion(hash, p->index, head.size, head.root, p->proof),
	    OV_OK);
	if (seen > 0)
		assert_int_equal(ov_merkle_verify_consistency(seen, seen_root, head.size,
				     head.root, p->consistency),
		    OV_OK);
	seen = head.size;
	memcpy(seen_root, head.root, 32);
	ov_buf_free(&leaf);
}

struct actor ada, bob, eve;

int
companies_setup(void **state)
{
	if (site_setup(state) != 0)
		return -1;
	actor_enrol(&ada, "Ada Ltd");
	actor_enrol(&bob, "Bob GmbH");
	actor_enrol(&eve, "Eve Inc");
	return 0;
}

int
companies_teardown(void **state)
{
	actor_fini(&ada);
	actor_fini(&bob);
	actor_fini(&eve);
	return site_teardown(state);
}

/* --- terms --- */

void
deal_free(struct deal *d)
{
	ov_buf_free(&d->terms);
	ov_buf_free(&d->release);
	ov_buf_free(&d->body_bytes);
}

static void
make_grants(struct ov_buf *out, enum ov_level level)
{
	struct ov_population p[2] = { { .level = level }, { .level = OV_LEVEL_COUNTS } };
	struct ov_msg_grants g = { .version = 1,
		.fit = 1,
		.slots = 4096,
		.minimum_list = 1,
		.runs = 2,
		.epsilon_milli = 333,
		.view_days = 28,
		.year_epsilon_milli = 4333,
		.minimum_count = 10,
		.exact = 1 };
	struct ov_buf populations = { 0 };

	memcpy(p[0].name, "customers", 9);
	memcpy(p[1].name, "prospects", 9);
	assert_int_equal(ov_populations_pack(&populations, p, 2), OV_OK);
	g.populations = OV_BUF_BYTES(&populations);
	assert_int_equal(ov_msg_encode(out, OV_MSG_GRANTS, &g), OV_OK);
	ov_buf_free(&populations);
}

void
make_deal(struct deal *d, uint64_t sequence)
{
	bool ada_low = ov_is_low(ada.id, bob.id);
	struct ov_buf grants = { 0 };
	struct ov_terms_input in = { .low = ada_low ? ada.pk : bob.pk,
		.high = ada_low ? bob.pk : ada.pk,
		.sequence = sequence };

	memset(d, 0, sizeof(*d));
	make_grants(&grants, OV_LEVEL_MATCHES);
	in.grants_low = in.grants_high = OV_BUF_BYTES(&grants);
	assert_int_equal(ov_terms_derive(&d->terms, &d->release, &d->body, &in), OV_OK);
	assert_int_equal(
	    ov_msg_encode(&d->body_bytes, OV_MSG_TERMS_BODY, &d->body), OV_OK);
	ov_buf_free(&grants);
}

enum ov_status
sign_deal(const struct actor *a, const struct actor *partner, const struct deal *d,
    struct ov_msg_terms_signed *reply)
{
	struct ov_msg_put_terms m = { .body = OV_BUF_BYTES(&d->body_bytes),
		.release = OV_BUF_BYTES(&d->release),
		.sealed = OV_BYTES(a->name, strlen(a->name)),
		.seen = seen };

	memcpy(m.partner, partner->id, OV_ID);
	ov_sign(m.signature, a->sk, "terms", m.body);
	return call(a, OV_MSG_PUT_TERMS, &m, OV_MSG_TERMS_SIGNED, reply);
}

/* --- jobs --- */

struct deal deal;

int
deal_setup(void **state)
{
	struct ov_msg_terms_signed reply;

	if (companies_setup(state) != 0)
		return -1;
	make_deal(&deal, 1);
	return sign_deal(&ada, &bob, &deal, &reply) == OV_OK &&
		       sign_deal(&bob, &ada, &deal, &reply) == OV_OK
		   ? 0
		   : -1;
}

int
deal_teardown(void **state)
{
	deal_free(&deal);
	return companies_teardown(state);
}

enum ov_status
put(const struct actor *a, const uint8_t job[OV_ID], unsigned int step,
    struct ov_bytes body, struct ov_msg_proven *reply)
{
	struct ov_msg_put_step m = { .step = step, .body = body, .seen = seen };

	memcpy(m.job, job, OV_ID);
	ov_sign(m.signature, a->sk, ov_step_context(step), body);
	return call(a, OV_MSG_PUT_STEP, &m, OV_MSG_PROVEN, reply);
}

/* Encodes and puts a step. */
enum ov_status
put_step(const struct actor *a, const uint8_t job[OV_ID], unsigned int step,
    const void *body, struct ov_buf *bytes)
{
	struct ov_msg_proven reply;

	bytes->len = 0;
	assert_int_equal(ov_msg_encode(bytes, ov_step_message(step), body), OV_OK);
	return put(a, job, step, OV_BUF_BYTES(bytes), &reply);
}

struct ov_msg_propose
proposal(uint8_t job)
{
	struct ov_msg_propose m = { .version = 1,
		.slots = 1024,
		.created = (uint64_t)clock_now,
		.expiry = (uint64_t)clock_now + 3600 };

	memset(m.job, job, OV_ID);
	memcpy(m.a, ada.pk, 32);
	memcpy(m.b, bob.pk, 32);
	memcpy(m.terms, deal.body.terms, OV_DIGEST);
	memcpy(m.release, deal.body.release, OV_DIGEST);
	return m;
}

struct ov_msg_accept
acceptance(const struct ov_msg_propose *p, const struct ov_buf *bytes)
{
	struct ov_msg_accept m = { .version = 1,
		.slots = 1280,
		.created = (uint64_t)clock_now,
		.expiry = (uint64_t)clock_now + 7200 };

	ov_digest(m.propose, "propose", OV_BUF_BYTES(bytes));
	memcpy(m.job, p->job, OV_ID);
	memcpy(m.a, p->a, 32);
	memcpy(m.b, p->b, 32);
	memcpy(m.terms, p->terms, OV_DIGEST);
	memcpy(m.release, p->release, OV_DIGEST);
	memcpy(m.profile, p->profile, OV_DIGEST);
	return m;
}

struct ov_msg_job
job_state(const struct actor *a, const uint8_t job[OV_ID])
{
	struct ov_msg_get_job get;
	struct ov_msg_job reply;

	memcpy(get.job, job, OV_ID);
	assert_int_equal(call(a, OV_MSG_GET_JOB, &get, OV_MSG_JOB, &reply), OV_OK);
	return reply;
}

void
run_free(struct run *r)
{
	ov_buf_free(&r->propose);
	ov_buf_free(&r->accept);
}

void
start_run(struct run *r, uint8_t job)
{
	memset(r, 0, sizeof(*r));
	r->p = proposal(job);
	assert_int_equal(
	    put_step(&ada, r->p.job, OV_STEP_PROPOSE, &r->p, &r->propose), OV_OK);
	r->a = acceptance(&r->p, &r->propose);
	assert_int_equal(
	    put_step(&bob, r->p.job, OV_STEP_ACCEPT, &r->a, &r->accept), OV_OK);
	ov_transcript(r->th, OV_BUF_BYTES(&r->propose), OV_BUF_BYTES(&r->accept));
}

enum ov_status
put_chunk(const struct actor *a, const uint8_t job[OV_ID], unsigned int stream,
    uint32_t index, bool last, const void *p, size_t len)
{
	struct ov_msg_put_chunk m = {
		.stream = stream, .index = index, .last = last, .body = OV_BYTES(p, len)
	};
	struct ov_msg_done done;

	memcpy(m.job, job, OV_ID);
	return call(a, OV_MSG_PUT_CHUNK, &m, OV_MSG_DONE, &done);
}

enum ov_status
get_chunk(const struct actor *a, const uint8_t job[OV_ID], unsigned int stream,
    uint32_t index, struct ov_msg_chunk *reply)
{
	struct ov_msg_get_chunk m = { .stream = stream, .index = index, .wait_ms = 10 };

	memcpy(m.job, job, OV_ID);
	return call(a, OV_MSG_GET_CHUNK, &m, OV_MSG_CHUNK, reply);
}
