/* What the broker does with messages: a real store, real certificates and signatures, no
 * network.  Companies ada, bob and eve. */
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
#include "server/enrol.h"
#include "server/jobs.h"
#include "server/site.h"
#include "tests/unit/broker_site.h"

/* --- enrolment --- */

static void
token_admits_one_company_and_repeats_its_answer(void **state)
{
	char text[OV_TOKEN_TEXT];
	uint8_t secret[16], spki[OV_TLS_SPKI_LEN], wrong[16] = { 1 }, first[4096];
	struct ov_msg_enrolled reply;
	struct actor zoe;
	size_t n;

	(void)state;
	actor_init(&zoe, "Zoe SA");
	assert_int_equal(ov_tls_key_public(spki, zoe.tls_key), OV_OK);
	assert_int_equal(ov_enrol_token(text, &broker, zoe.name), OV_OK);
	token_secret(secret, text);
	assert_int_equal(enrol_with(&zoe, wrong, spki, &reply), OV_E_BROKER_TOKEN);
	assert_int_equal(enrol_with(&zoe, secret, spki, &reply), OV_OK);
	assert_memory_equal(reply.name.p, "Zoe SA", 6);
	n = reply.certificate.len;
	memcpy(first, reply.certificate.p, n);
	assert_int_equal(enrol_with(&zoe, secret, spki, &reply), OV_OK);
	assert_int_equal(reply.certificate.len, n);
	assert_memory_equal(reply.certificate.p, first, n);
	actor_fini(&zoe);
	actor_init(&zoe, "another identity");
	assert_int_equal(enrol_with(&zoe, secret, spki, &reply), OV_E_BROKER_TOKEN);
	actor_fini(&zoe);
}

static void
token_dies_after_a_day(void **state)
{
	char text[OV_TOKEN_TEXT];
	uint8_t secret[16], spki[OV_TLS_SPKI_LEN];
	struct ov_msg_enrolled reply;
	struct actor zoe;

	(void)state;
	actor_init(&zoe, "Zoe SA");
	assert_int_equal(ov_tls_key_public(spki, zoe.tls_key), OV_OK);
	assert_int_equal(ov_enrol_token(text, &broker, zoe.name), OV_OK);
	token_secret(secret, text);
	clock_now += OV_TOKEN_LIFE;
	assert_int_equal(enrol_with(&zoe, secret, spki, &reply), OV_E_BROKER_TOKEN);
	clock_now -= 1;
	assert_int_equal(enrol_with(&zoe, secret, spki, &reply), OV_OK); /* control */
	actor_fini(&zoe);
}

static void
name_belongs_to_one_identity(void **state)
{
	char text[OV_TOKEN_TEXT];
	uint8_t secret[16], spki[OV_TLS_SPKI_LEN], old[32];
	struct ov_msg_enrolled reply;
	struct ov_msg_company who;
	struct ov_msg_who ask = { 0 };
	struct ov_certificate cert;
	struct actor zoe;
	char pem[4097];

	(void)state;
	actor_init(&zoe, "Zoe SA");
	assert_int_equal(ov_tls_key_public(spki, zoe.tls_key), OV_OK);
	assert_int_equal(ov_enrol_token(text, &broker, "Ada Ltd"), OV_OK);
	token_secret(secret, text);
	assert_int_equal(enrol_with(&zoe, secret, spki, &reply), OV_E_BROKER_EXISTS);
	/* Ada herself gets a new certificate by it, and the old one is over */
	assert_int_equal(enrol_with(&ada, secret, spki, &reply), OV_OK);
	memcpy(pem, reply.certificate.p, reply.certificate.len);
	pem[reply.certificate.len] = '\0';
	assert_int_equal(ov_certificate_read(&cert, pem), OV_OK);
	memcpy(ask.company, bob.id, OV_ID);
	assert_int_equal(
	    call(&ada, OV_MSG_WHO, &ask, OV_MSG_COMPANY, &who), OV_E_BROKER_UNKNOWN);
	memcpy(old, ada.fingerprint, 32);
	memcpy(ada.fingerprint, cert.fingerprint, 32);
	assert_memory_not_equal(old, ada.fingerprint, 32);
	assert_int_equal(call(&ada, OV_MSG_WHO, &ask, OV_MSG_COMPANY, &who), OV_OK);
	assert_memory_equal(who.identity, bob.pk, 32);
	/* one identity cannot take a second name */
	assert_int_equal(ov_enrol_token(text, &broker, "Ada Two"), OV_OK);
	token_secret(secret, text);
	assert_int_equal(enrol_with(&ada, secret, spki, &reply), OV_E_BROKER_EXISTS);
	actor_fini(&zoe);
}

static void
token_names_and_numbers_are_limited(void **state)
{
	char text[OV_TOKEN_TEXT], longest[66];

	(void)state;
	memset(longest, 'x', sizeof(longest));
	longest[65] = '\0';
	assert_int_equal(ov_enrol_token(text, &broker, longest), OV_E_USAGE);
	assert_int_equal(ov_enrol_token(text, &broker, ""), OV_E_USAGE);
	assert_int_equal(ov_enrol_token(text, &broker, "a\nb"), OV_E_USAGE);
	longest[64] = '\0';
	assert_int_equal(ov_enrol_token(text, &broker, longest), OV_OK);
	broker.limits.tokens = 2;
	assert_int_equal(ov_enrol_token(text, &broker, "two"), OV_OK);
	assert_int_equal(ov_enrol_token(text, &broker, "three"), OV_E_BROKER_QUOTA);
}

static void
enrolment_needs_the_signature_of_the_identity(void **state)
{
	char text[OV_TOKEN_TEXT];
	struct ov_msg_enrol_body body = { .version = 1, .created = 1 };
	struct ov_msg_enrol m = { 0 };
	struct ov_msg_enrolled reply;
	uint8_t spki[OV_TLS_SPKI_LEN];
	struct ov_buf buf = { 0 };

	(void)state;
	assert_int_equal(ov_enrol_token(text, &broker, "Zoe SA"), OV_OK);
	token_secret(body.token, text);
	assert_int_equal(ov_tls_key_public(spki, eve.tls_key), OV_OK);
	body.tls_key = OV_BYTES(spki, sizeof(spki));
	memcpy(body.identity, bob.pk, 32);
	assert_int_equal(ov_msg_encode(&buf, OV_MSG_ENROL_BODY, &body), OV_OK);
	m.body = OV_BUF_BYTES(&buf);
	ov_sign(m.signature, eve.sk, "enrol", m.body);
	assert_int_equal(call_enrol(&m, &reply), OV_E_CRYPTO_SIGNATURE);
	ov_buf_free(&buf);
}

static void
revoked_company_is_refused_at_once(void **state)
{
	struct ov_msg_get_head ask = { 0 };
	struct ov_msg_head head;
	struct ov_msg_who who = { 0 };
	struct ov_msg_company company;
	uint8_t fp[32];

	(void)state;
	assert_int_equal(call(&eve, OV_MSG_GET_HEAD, &ask, OV_MSG_HEAD, &head), OV_OK);
	assert_int_equal(
	    ov_enrol_revoke(fp, &broker, "Eve Inc", OV_COMPANY_REVOKED), OV_OK);
	assert_memory_equal(fp, eve.fingerprint, 32);
	assert_int_equal(
	    call(&eve, OV_MSG_GET_HEAD, &ask, OV_MSG_HEAD, &head), OV_E_BROKER_REVOKED);
	memcpy(who.company, eve.id, OV_ID);
	assert_int_equal(
	    call(&ada, OV_MSG_WHO, &who, OV_MSG_COMPANY, &company), OV_E_BROKER_UNKNOWN);
	assert_int_equal(
	    ov_enrol_revoke(fp, &broker, "Nobody", OV_COMPANY_REVOKED), OV_E_NOT_FOUND);
}

/* Its certificate was good when the call came; then it waited for its turn. */
static void
revocation_reaches_calls_that_wait_for_their_turn(void **state)
{
	union ov_msg_any m = { .put_mail = { .kind = OV_MAIL_COSELL } };
	struct ov_buf reply = { 0 };
	struct ov_call c = { .broker = &broker, .now = clock_now, .reply = &reply };
	uint8_t fp[32];

	(void)state;
	assert_int_equal(
	    ov_store_company_of_certificate(broker.store, &c.who, eve.fingerprint),
	    OV_OK);
	memcpy(m.put_mail.to, ada.id, OV_ID);
	assert_int_equal(ov_handle_put_mail(&c, &m), OV_OK); /* control */
	assert_int_equal(
	    ov_enrol_revoke(fp, &broker, "Eve Inc", OV_COMPANY_REVOKED), OV_OK);
	m.put_mail.mail[0] = 1;
	assert_int_equal(ov_handle_put_mail(&c, &m), OV_E_BROKER_REVOKED);
	ov_buf_free(&reply);
}

/* --- dispatch --- */

static void
strangers_and_wrong_listeners_are_refused(void **state)
{
	struct ov_msg_get_head ask = { 0 };
	struct ov_msg_hello hello = { .version_min = 2, .version_max = 3 };
	struct ov_msg_welcome welcome;
	struct ov_msg_head head;
	struct ov_buf reply = { 0 }, q = { 0 };
	struct actor nobody = ada;
	struct ov_call c;

	(void)state;
	nobody.fingerprint[0] ^= 1;
	assert_int_equal(call(&nobody, OV_MSG_GET_HEAD, &ask, OV_MSG_HEAD, &head),
	    OV_E_BROKER_UNKNOWN);
	assert_int_equal(call(&ada, OV_MSG_HELLO, &hello, OV_MSG_WELCOME, &welcome),
	    OV_E_PROTO_VERSION);
	hello.version_min = 1;
	assert_int_equal(
	    call(&ada, OV_MSG_HELLO, &hello, OV_MSG_WELCOME, &welcome), OV_OK);
	assert_int_equal(welcome.version, 1);
	/* a company's call on the enrolment listener, a reply as a call, rubbish */
	assert_int_equal(ov_msg_encode(&q, OV_MSG_GET_HEAD, &ask), OV_OK);
	assert_int_equal(ov_dispatch(&c, &broker, OV_LISTENER_ENROLMENT, ada.fingerprint,
			     OV_BUF_BYTES(&q), &reply),
	    OV_E_WIRE_UNKNOWN);
	assert_int_equal(ov_dispatch(&c, &broker, OV_LISTENER_COMPANIES, ada.fingerprint,
			     OV_BUF_BYTES(&reply), &q),
	    OV_E_WIRE_UNKNOWN);
	assert_int_equal(ov_dispatch(&c, &broker, OV_LISTENER_COMPANIES, ada.fingerprint,
			     OV_LITERAL("\xff\xff"), &reply),
	    OV_E_WIRE_UNKNOWN);
	assert_int_equal(ov_dispatch(&c, &broker, OV_LISTENER_COMPANIES, ada.fingerprint,
			     OV_BYTES(NULL, 0), &reply),
	    OV_E_WIRE_UNKNOWN);
	ov_buf_free(&reply);
	ov_buf_free(&q);
}

/* --- mail --- */

static enum ov_status
post(const struct actor *from, const struct actor *to, uint8_t id, unsigned int kind,
    struct ov_bytes body, uint64_t *seq)
{
	struct ov_msg_put_mail m = { .kind = kind, .body = body };
	struct ov_msg_done done;
	enum ov_status st;

	memcpy(m.to, to->id, OV_ID);
	memset(m.mail, id, OV_ID);
	st = call(from, OV_MSG_PUT_MAIL, &m, OV_MSG_DONE, &done);
	if (st == OV_OK)
		*seq = done.seq;
	return st;
}

static void
mail_goes_round_and_is_repeatable(void **state)
{
	struct ov_msg_get_mail get = { .wait_ms = 500 };
	struct ov_msg_drop_mail drop = { 0 };
	struct ov_msg_mail mail;
	struct ov_msg_done done;
	uint64_t seq, again;

	(void)state;
	assert_int_equal(
	    call(&bob, OV_MSG_GET_MAIL, &get, OV_MSG_MAIL, &mail), OV_E_BROKER_WAIT);
	assert_int_equal(
	    post(&ada, &bob, 1, OV_MAIL_TERMS_ASK, OV_LITERAL("hello"), &seq), OV_OK);
	assert_int_equal(
	    post(&ada, &bob, 1, OV_MAIL_TERMS_ASK, OV_LITERAL("hello"), &again), OV_OK);
	assert_int_equal(seq, again);
	assert_int_equal(
	    post(&ada, &bob, 1, OV_MAIL_TERMS_ASK, OV_LITERAL("other"), &again),
	    OV_E_DB_CONFLICT);
	assert_int_equal(call(&bob, OV_MSG_GET_MAIL, &get, OV_MSG_MAIL, &mail), OV_OK);
	assert_memory_equal(mail.from, ada.id, OV_ID);
	assert_memory_equal(mail.body.p, "hello", 5);
	drop.upto = mail.seq;
	assert_int_equal(call(&bob, OV_MSG_DROP_MAIL, &drop, OV_MSG_DONE, &done), OV_OK);
	assert_int_equal(
	    call(&bob, OV_MSG_GET_MAIL, &get, OV_MSG_MAIL, &mail), OV_E_BROKER_WAIT);
}

static void
companies_cannot_write_the_brokers_mail(void **state)
{
	struct actor nobody = eve;
	uint64_t seq;

	(void)state;
	assert_int_equal(
	    post(&ada, &bob, 1, OV_MAIL_JOB, OV_LITERAL("x"), &seq), OV_E_BROKER_DENIED);
	assert_int_equal(post(&ada, &bob, 1, OV_MAIL_TERMS_SIGNED, OV_LITERAL("x"), &seq),
	    OV_E_BROKER_DENIED);
	assert_int_equal(
	    post(&ada, &bob, 1, 15, OV_LITERAL("x"), &seq), OV_E_BROKER_DENIED);
	nobody.id[0] ^= 1;
	assert_int_equal(post(&ada, &nobody, 1, OV_MAIL_COSELL, OV_LITERAL("x"), &seq),
	    OV_E_BROKER_UNKNOWN);
}

static void
stored_bytes_are_limited(void **state)
{
	uint64_t seq;

	(void)state;
	broker.limits.stored_bytes = 10 + 2 * OV_STORE_ROW;
	assert_int_equal(
	    post(&ada, &bob, 1, OV_MAIL_COSELL, OV_LITERAL("123456"), &seq), OV_OK);
	assert_int_equal(post(&ada, &bob, 2, OV_MAIL_COSELL, OV_LITERAL("12345"), &seq),
	    OV_E_BROKER_QUOTA);
	assert_int_equal(
	    post(&ada, &bob, 3, OV_MAIL_COSELL, OV_LITERAL("1234"), &seq), OV_OK);
	/* a mail costs also when it is empty, and when it is dropped */
	assert_int_equal(
	    post(&ada, &bob, 5, OV_MAIL_COSELL, OV_LITERAL(""), &seq), OV_E_BROKER_QUOTA);
	/* others are not concerned */
	assert_int_equal(
	    post(&eve, &bob, 4, OV_MAIL_COSELL, OV_LITERAL("1234567"), &seq), OV_OK);
}

/* --- terms --- */

/* Sequence after sequence of one side's hand is stored, so it counts. */
static void
terms_count_as_stored(void **state)
{
	struct ov_msg_terms_signed reply;
	struct deal d;
	enum ov_status st = OV_OK;
	uint64_t n;

	(void)state;
	broker.limits.stored_bytes = 16384;
	for (n = 1; st == OV_OK && n < 100; n++) {
		make_deal(&d, n);
		st = sign_deal(&ada, &bob, &d, &reply);
		if (st == OV_OK) /* the same again costs nothing */
			assert_int_equal(sign_deal(&ada, &bob, &d, &reply), OV_OK);
		deal_free(&d);
	}
	assert_int_equal(st, OV_E_BROKER_QUOTA);
	assert_true(n > 3);
	make_deal(&d, 1); /* the other has room for its signature */
	assert_int_equal(sign_deal(&bob, &ada, &d, &reply), OV_OK);
	deal_free(&d);
}

static void
terms_are_in_the_log_when_both_signed(void **state)
{
	struct ov_msg_terms_signed reply;
	struct ov_msg_get_terms get = { 0 };
	struct ov_msg_get_mail get_mail = { 0 };
	struct ov_msg_mail mail;
	struct ov_msg_proven proven;
	uint8_t leaf[OV_DIGEST];
	struct deal d;

	(void)state;
	make_deal(&d, 1);
	assert_int_equal(sign_deal(&ada, &bob, &d, &reply), OV_OK);
	assert_int_equal(reply.leaf_type, 0);
	assert_int_equal(reply.signature_low.len + reply.signature_high.len, 64);
	assert_int_equal(reply.sealed.len, 0); /* Bob's envelope is not there yet */
	assert_int_equal(
	    call(&bob, OV_MSG_GET_MAIL, &get_mail, OV_MSG_MAIL, &mail), OV_OK);
	assert_int_equal(mail.kind, OV_MAIL_TERMS_SIGNED);
	assert_memory_equal(mail.from, ada.id, OV_ID);
	assert_int_equal(sign_deal(&bob, &ada, &d, &reply), OV_OK);
	assert_memory_equal(reply.sealed.p, ada.name, strlen(ada.name));
	for (int i = 0; i < 2; i++) { /* now, and asked again by the other */
		struct ov_bytes parts[] = { reply.body, reply.signature_low,
			reply.signature_high };

		assert_int_equal(reply.signature_low.len, 64);
		assert_int_equal(reply.signature_high.len, 64);
		ov_hash_parts(leaf, parts, 3);
		PROVEN_OF(&proven, &reply);
		check_proven(&proven, OV_LEAF_TERMS, OV_BYTES(leaf, sizeof(leaf)));
		memcpy(get.partner, bob.id, OV_ID);
		get.seen = seen;
		assert_int_equal(
		    call(&ada, OV_MSG_GET_TERMS, &get, OV_MSG_TERMS_SIGNED, &reply),
		    OV_OK);
	}
	deal_free(&d);
}

static void
terms_that_are_not_the_signers_are_refused(void **state)
{
	struct ov_msg_terms_signed reply;
	struct ov_msg_get_terms get = { 0 };
	struct deal d, other;

	(void)state;
	make_deal(&d, 1);
	assert_int_equal(sign_deal(&eve, &bob, &d, &reply), OV_E_PROTO_MISMATCH);
	assert_int_equal(sign_deal(&ada, &ada, &d, &reply), OV_E_BROKER_DENIED);
	d.release.p[d.release.len - 1] ^= 1;
	assert_int_equal(sign_deal(&ada, &bob, &d, &reply), OV_E_PROTO_DIGEST);
	d.release.p[d.release.len - 1] ^= 1;
	assert_int_equal(sign_deal(&ada, &bob, &d, &reply), OV_OK);
	/* other bytes under the same number */
	make_deal(&other, 1);
	other.body.terms[0] ^= 1;
	other.body_bytes.len = 0;
	assert_int_equal(
	    ov_msg_encode(&other.body_bytes, OV_MSG_TERMS_BODY, &other.body), OV_OK);
	assert_int_equal(sign_deal(&bob, &ada, &other, &reply), OV_E_DB_CONFLICT);
	assert_int_equal(sign_deal(&bob, &ada, &d, &reply), OV_OK);
	deal_free(&other);
	make_deal(&other, 1);
	assert_int_equal(sign_deal(&ada, &bob, &other, &reply), OV_OK); /* the same */
	memcpy(get.partner, bob.id, OV_ID);
	assert_int_equal(call(&eve, OV_MSG_GET_TERMS, &get, OV_MSG_TERMS_SIGNED, &reply),
	    OV_E_NOT_FOUND);
	deal_free(&d);
	deal_free(&other);
}

/* --- jobs --- */

static void
proposal_is_kept_told_and_proven(void **state)
{
	struct ov_msg_get_mail get_mail = { 0 };
	struct ov_msg_get_step get = { .step = OV_STEP_PROPOSE, .wait_ms = 100 };
	struct ov_msg_propose p = proposal(7);
	struct ov_msg_proven reply, proven;
	struct ov_msg_step step;
	struct ov_msg_mail mail;
	struct ov_buf bytes = { 0 };
	uint8_t leaf[OV_DIGEST];

	(void)state;
	assert_int_equal(ov_msg_encode(&bytes, OV_MSG_PROPOSE, &p), OV_OK);
	for (int i = 0; i < 3; i++) { /* again, and after a restart */
		assert_int_equal(
		    put(&ada, p.job, OV_STEP_PROPOSE, OV_BUF_BYTES(&bytes), &reply),
		    OV_OK);
		if (i == 1)
			site_reopen();
	}
	get_mail.after = 1; /* the first was about terms */
	assert_int_equal(
	    call(&bob, OV_MSG_GET_MAIL, &get_mail, OV_MSG_MAIL, &mail), OV_OK);
	assert_int_equal(mail.kind, OV_MAIL_JOB);
	assert_memory_equal(mail.body.p, p.job, OV_ID);
	memcpy(get.job, p.job, OV_ID);
	assert_int_equal(call(&bob, OV_MSG_GET_STEP, &get, OV_MSG_STEP, &step), OV_OK);
	assert_int_equal(step.body.len, bytes.len);
	assert_memory_equal(step.body.p, bytes.p, bytes.len);
	{
		struct ov_bytes parts[] = { step.body, OV_BYTES(step.signature, 64) };

		ov_hash_parts(leaf, parts, 2);
	}
	PROVEN_OF(&proven, &step);
	check_proven(&proven, OV_LEAF_PROPOSED, OV_BYTES(leaf, sizeof(leaf)));
	get.step = OV_STEP_ACCEPT;
	assert_int_equal(
	    call(&bob, OV_MSG_GET_STEP, &get, OV_MSG_STEP, &step), OV_E_BROKER_WAIT);
	/* nobody else's business */
	assert_int_equal(
	    call(&eve, OV_MSG_GET_STEP, &get, OV_MSG_STEP, &step), OV_E_BROKER_UNKNOWN);
	ov_buf_free(&bytes);
}

static void
proposals_that_break_a_rule_are_refused(void **state)
{
	struct ov_msg_propose p = proposal(7);
	struct ov_buf bytes = { 0 };

	(void)state;
#define REFUSED(change, status)                                                          \
	do {                                                                             \
		p = proposal(7);                                                         \
		change;                                                                  \
		assert_int_equal(                                                        \
		    put_step(&ada, p.job, OV_STEP_PROPOSE, &p, &bytes), (status));       \
	} while (0)
	REFUSED(memcpy(p.a, eve.pk, 32), OV_E_BROKER_DENIED);
	REFUSED(memcpy(p.b, ada.pk, 32), OV_E_BROKER_DENIED);
	REFUSED(memcpy(p.b, eve.pk, 32), OV_E_TERMS_MISSING);
	REFUSED(p.b[0] ^= 1, OV_E_BROKER_UNKNOWN);
	REFUSED(p.terms[0] ^= 1, OV_E_PROTO_MISMATCH);
	REFUSED(p.release[0] ^= 1, OV_E_PROTO_MISMATCH);
	REFUSED(p.version = 2, OV_E_PROTO_VERSION);
	REFUSED(p.slots = 1025, OV_E_WIRE_RANGE);
	REFUSED(p.slots = 8192, OV_E_LIST_TOO_LARGE);
	broker.limits.slots = 1024; /* the broker's own, whatever two agreed on */
	REFUSED(p.slots = 1280, OV_E_LIST_TOO_LARGE);
	REFUSED(p.created += 301, OV_E_PROTO_CLOCK);
	REFUSED(p.expiry = p.created + 72 * 3600 + 1, OV_E_WIRE_RANGE);
	REFUSED((p.created -= 100, p.expiry = p.created + 50), OV_E_PROTO_EXPIRED);
	REFUSED(p.unchanged_since = OV_LITERAL("short"), OV_E_WIRE_RANGE);
	/* the signature of another */
	p = proposal(7);
	assert_int_equal(
	    put_step(&bob, p.job, OV_STEP_PROPOSE, &p, &bytes), OV_E_BROKER_DENIED);
	broker.limits.open_jobs = 0;
	REFUSED((void)0, OV_E_BROKER_QUOTA);
	broker.limits.open_jobs = 1;
	REFUSED((void)0, OV_OK); /* control */
#undef REFUSED
	ov_buf_free(&bytes);
}

static void
second_of_two_crossing_proposals_is_told_so(void **state)
{
	struct ov_msg_propose p = proposal(1), q = proposal(2);
	struct ov_buf bytes = { 0 };

	(void)state;
	assert_int_equal(put_step(&ada, p.job, OV_STEP_PROPOSE, &p, &bytes), OV_OK);
	memcpy(q.a, bob.pk, 32);
	memcpy(q.b, ada.pk, 32);
	assert_int_equal(
	    put_step(&bob, q.job, OV_STEP_PROPOSE, &q, &bytes), OV_E_DB_CONFLICT);
	/* an id between others is not told from one that is free */
	q = proposal(1);
	memcpy(q.a, eve.pk, 32);
	assert_int_equal(
	    put_step(&eve, q.job, OV_STEP_PROPOSE, &q, &bytes), OV_E_BROKER_UNKNOWN);
	ov_buf_free(&bytes);
}

static void
second_accept_ends_the_job(void **state)
{
	struct run r;
	struct ov_msg_job job;
	struct ov_msg_get_step get = { .step = OV_STEP_REPORT };
	struct ov_msg_step step;

	(void)state;
	start_run(&r, 1);
	assert_int_equal(job_state(&ada, r.p.job).state, OV_JOB_ACCEPTED);
	r.a.commitment[0] ^= 1;
	assert_int_equal(put_step(&bob, r.p.job, OV_STEP_ACCEPT, &r.a, &r.accept),
	    OV_E_PROTO_EQUIVOCATION);
	job = job_state(&ada, r.p.job);
	assert_int_equal(job.state, OV_JOB_EQUIVOCATION);
	/* the first one is what stands */
	r.a.commitment[0] ^= 1;
	assert_int_equal(put_step(&bob, r.p.job, OV_STEP_ACCEPT, &r.a, &r.accept), OV_OK);
	memcpy(get.job, r.p.job, OV_ID);
	assert_int_equal(call(&ada, OV_MSG_GET_STEP, &get, OV_MSG_STEP, &step),
	    OV_E_PROTO_EQUIVOCATION);
	run_free(&r);
}

static void
acceptance_must_fit_the_proposal(void **state)
{
	struct ov_msg_propose p = proposal(1);
	struct ov_msg_accept a;
	struct ov_buf propose = { 0 }, bytes = { 0 };

	(void)state;
	assert_int_equal(put_step(&ada, p.job, OV_STEP_PROPOSE, &p, &propose), OV_OK);
#define REFUSED(change, status)                                                          \
	do {                                                                             \
		a = acceptance(&p, &propose);                                            \
		change;                                                                  \
		assert_int_equal(                                                        \
		    put_step(&bob, p.job, OV_STEP_ACCEPT, &a, &bytes), (status));        \
	} while (0)
	REFUSED(a.propose[0] ^= 1, OV_E_PROTO_MISMATCH);
	REFUSED(a.job[0] ^= 1, OV_E_PROTO_MISMATCH);
	REFUSED(memcpy(a.b, eve.pk, 32), OV_E_PROTO_MISMATCH);
	REFUSED(a.profile[0] ^= 1, OV_E_PROTO_MISMATCH);
	REFUSED(a.terms[0] ^= 1, OV_E_PROTO_MISMATCH);
	REFUSED(a.slots = 999999, OV_E_WIRE_RANGE);
	a = acceptance(&p, &propose);
	assert_int_equal(
	    put_step(&ada, p.job, OV_STEP_ACCEPT, &a, &bytes), OV_E_BROKER_DENIED);
	assert_int_equal(
	    put_step(&eve, p.job, OV_STEP_ACCEPT, &a, &bytes), OV_E_BROKER_UNKNOWN);
	clock_now += 3601;
	REFUSED((void)0, OV_E_PROTO_EXPIRED);
	clock_now -= 3601;
	REFUSED((void)0, OV_OK); /* control */
#undef REFUSED
	ov_buf_free(&propose);
	ov_buf_free(&bytes);
}

static void
refusal_and_cancel_end_with_their_reason(void **state)
{
	struct ov_msg_propose p = proposal(1);
	struct ov_msg_refuse refuse = { .reason = OV_LITERAL("not today"), .created = 1 };
	struct ov_msg_cancel cancel = { .reason = OV_LITERAL("changed my mind") };
	struct ov_buf propose = { 0 }, bytes = { 0 };
	struct ov_msg_job job;
	struct run r;

	(void)state;
	assert_int_equal(put_step(&ada, p.job, OV_STEP_PROPOSE, &p, &propose), OV_OK);
	memcpy(refuse.job, p.job, OV_ID);
	assert_int_equal(put_step(&bob, p.job, OV_STEP_REFUSE, &refuse, &bytes),
	    OV_E_PROTO_MISMATCH); /* of another proposal */
	ov_digest(refuse.propose, "propose", OV_BUF_BYTES(&propose));
	assert_int_equal(put_step(&bob, p.job, OV_STEP_REFUSE, &refuse, &bytes), OV_OK);
	job = job_state(&ada, p.job);
	assert_int_equal(job.state, OV_JOB_REFUSED);
	assert_memory_equal(job.reason.p, "not today", 9);
	start_run(&r, 2);
	memcpy(cancel.job, r.p.job, OV_ID);
	assert_int_equal(put_step(&bob, r.p.job, OV_STEP_CANCEL_A, &cancel, &bytes),
	    OV_E_BROKER_DENIED);
	assert_int_equal(
	    put_step(&bob, r.p.job, OV_STEP_CANCEL_B, &cancel, &bytes), OV_OK);
	assert_int_equal(job_state(&ada, r.p.job).state, OV_JOB_CANCELLED);
	ov_buf_free(&propose);
	ov_buf_free(&bytes);
	run_free(&r);
}

static void
chunks_go_to_their_receiver_alone(void **state)
{
	static uint8_t legend[LEGEND_CHUNK] = { 9 };
	struct ov_msg_have have = { .stream = OV_STREAM_POINTS_A };
	struct ov_msg_have_reply have_reply;
	struct ov_msg_chunk chunk;
	struct run r;

	(void)state;
	start_run(&r, 1);
	assert_int_equal(
	    get_chunk(&bob, r.p.job, OV_STREAM_POINTS_A, 0, &chunk), OV_E_BROKER_WAIT);
	assert_int_equal(put_chunk(&bob, r.p.job, OV_STREAM_POINTS_A, 0, false, legend,
			     sizeof(legend)),
	    OV_E_BROKER_DENIED);
	assert_int_equal(put_chunk(&eve, r.p.job, OV_STREAM_POINTS_A, 0, false, legend,
			     sizeof(legend)),
	    OV_E_BROKER_UNKNOWN);
	assert_int_equal(put_chunk(&ada, r.p.job, OV_STREAM_VIEW_A, 0, false, legend, 5),
	    OV_E_BROKER_DENIED);
	assert_int_equal(
	    put_chunk(&ada, r.p.job, OV_STREAM_FIELDS_A, 0, false, legend, 5),
	    OV_E_PROTO_UNEXPECTED);
	for (int i = 0; i < 2; i++)
		assert_int_equal(put_chunk(&ada, r.p.job, OV_STREAM_POINTS_A, 0, false,
				     legend, sizeof(legend)),
		    OV_OK);
	legend[0] = 8;
	assert_int_equal(put_chunk(&ada, r.p.job, OV_STREAM_POINTS_A, 0, false, legend,
			     sizeof(legend)),
	    OV_E_DB_CONFLICT);
	legend[0] = 9;
	assert_int_equal(job_state(&ada, r.p.job).state, OV_JOB_EXCHANGING);
	assert_int_equal(get_chunk(&bob, r.p.job, OV_STREAM_POINTS_A, 0, &chunk), OV_OK);
	assert_int_equal(chunk.body.len, sizeof(legend));
	assert_int_equal(
	    get_chunk(&eve, r.p.job, OV_STREAM_POINTS_A, 0, &chunk), OV_E_BROKER_UNKNOWN);
	assert_int_equal(
	    put_chunk(&ada, r.p.job, OV_STREAM_ROSTER_A, 0, false, legend, 15), OV_OK);
	assert_int_equal(
	    get_chunk(&bob, r.p.job, OV_STREAM_ROSTER_A, 0, &chunk), OV_E_BROKER_DENIED);
	assert_int_equal(
	    put_chunk(&ada, r.p.job, OV_STREAM_ROSTER_A, 1, false, legend, 16),
	    OV_E_PROTO_COUNT);
	/* more rows than were announced */
	assert_int_equal(put_chunk(&ada, r.p.job, OV_STREAM_ROSTER_A, 1, false, legend,
			     15 * (LEGEND_CHUNK / 15)),
	    OV_OK);
	for (int i = 0; i < 2; i++)
		assert_int_equal(put_chunk(&ada, r.p.job, OV_STREAM_ROSTER_A,
				     (uint32_t)(2 + i), false, legend, 15 * 275),
		    OV_OK);
	assert_int_equal(
	    put_chunk(&ada, r.p.job, OV_STREAM_ROSTER_A, 4, false, legend, 15 * 275),
	    OV_E_PROTO_COUNT);
	memcpy(have.job, r.p.job, OV_ID);
	assert_int_equal(
	    call(&bob, OV_MSG_HAVE, &have, OV_MSG_HAVE_REPLY, &have_reply), OV_OK);
	assert_int_equal(have_reply.next, 1);
	run_free(&r);
}

/* The least of a message that is in its form. */
static struct ov_bytes
least(struct ov_buf *out, unsigned int step, const struct run *r)
{
	static const uint8_t completes[6 * OV_DIGEST], charges[OV_CHARGES_LEN];
	enum ov_msg type = ov_step_message(step);
	union ov_msg_any m;

	memset(&m, 0, sizeof(m));
	if (type == OV_MSG_PROPOSE)
		m.propose = r->p;
	else if (type == OV_MSG_ACCEPT)
		m.accept = r->a;
	else if (type == OV_MSG_REFUSE)
		m.refuse.reason = OV_LITERAL("OK");
	else if (type == OV_MSG_CANCEL)
		m.cancel.reason = OV_LITERAL("OK");
	else if (type == OV_MSG_COMPLETE)
		m.complete.stream = 1;
	else if (type == OV_MSG_CLOSE)
		m.close.verdict = OV_LITERAL("OK");
	else if (type == OV_MSG_REPORT) {
		m.report.completes = OV_BYTES(completes, sizeof(completes));
		m.report.charges = OV_BYTES(charges, sizeof(charges));
	}
	out->len = 0;
	assert_int_equal(ov_msg_encode(out, type, &m), OV_OK);
	return OV_BUF_BYTES(out);
}

/* Every step, also the broker's own, into a job of others: the job stays as it is, and
 * the stranger does not even learn that there is one. */
static void
no_step_of_a_stranger_is_taken(void **state)
{
	struct ov_msg_job before, after;
	struct ov_msg_proven reply;
	struct ov_buf body = { 0 };
	struct run r;

	(void)state;
	start_run(&r, 1);
	before = job_state(&ada, r.p.job);
	for (unsigned int step = 1; step < OV_STEP_STORED; step++) {
		struct ov_bytes m = least(&body, step, &r);

		assert_int_equal(put(&eve, r.p.job, step, m, &reply),
		    ov_step_sender(step) == OV_ROLE_S ? OV_E_BROKER_DENIED
						      : OV_E_BROKER_UNKNOWN);
	}
	after = job_state(&ada, r.p.job);
	assert_int_equal(after.state, before.state);
	assert_int_equal(after.steps, before.steps);
	ov_buf_free(&body);
	run_free(&r);
}

static void
first_chunk_is_charged_and_runs_are_capped(void **state)
{
	static uint8_t legend[LEGEND_CHUNK];
	struct ov_msg_cancel cancel = { .reason = OV_LITERAL("enough") };
	struct ov_msg_propose p;
	struct ov_buf bytes = { 0 };
	struct run r;

	(void)state;
	for (uint8_t i = 1; i <= 2; i++) { /* the terms allow two runs */
		start_run(&r, i);
		assert_int_equal(put_chunk(&ada, r.p.job, OV_STREAM_POINTS_A, 0, false,
				     legend, sizeof(legend)),
		    OV_OK);
		memcpy(cancel.job, r.p.job, OV_ID);
		assert_int_equal(
		    put_step(&ada, r.p.job, OV_STEP_CANCEL_A, &cancel, &bytes), OV_OK);
		run_free(&r);
	}
	p = proposal(3);
	assert_int_equal(
	    put_step(&ada, p.job, OV_STEP_PROPOSE, &p, &bytes), OV_E_CAP_RUNS);
	clock_now += 31 * OV_DAY;
	p = proposal(3);
	assert_int_equal(put_step(&ada, p.job, OV_STEP_PROPOSE, &p, &bytes), OV_OK);
	ov_buf_free(&bytes);
}

static void
deadlines_end_jobs_and_delete_streams(void **state)
{
	static uint8_t legend[LEGEND_CHUNK];
	struct ov_msg_chunk chunk;
	struct run r;
	int64_t next;

	(void)state;
	start_run(&r, 1);
	assert_int_equal(put_chunk(&ada, r.p.job, OV_STREAM_POINTS_A, 0, false, legend,
			     sizeof(legend)),
	    OV_OK);
	assert_int_equal(ov_jobs_expire(&broker, &next), OV_OK);
	assert_int_equal(job_state(&ada, r.p.job).state, OV_JOB_EXCHANGING);
	assert_int_equal(next, clock_now + OV_HOUR);
	clock_now += 7200; /* Bob's expiry */
	assert_int_equal(ov_jobs_expire(&broker, &next), OV_OK);
	assert_int_equal(job_state(&ada, r.p.job).state, OV_JOB_EXPIRED);
	assert_int_equal(
	    get_chunk(&bob, r.p.job, OV_STREAM_POINTS_A, 0, &chunk), OV_E_PROTO_EXPIRED);
	run_free(&r);
}

static void
revocation_fails_the_open_jobs(void **state)
{
	struct run r;
	uint8_t fp[32];

	(void)state;
	start_run(&r, 1);
	assert_int_equal(
	    ov_enrol_revoke(fp, &broker, "Bob GmbH", OV_COMPANY_REMOVED), OV_OK);
	assert_int_equal(job_state(&ada, r.p.job).state, OV_JOB_FAILED);
	run_free(&r);
}

/* A word about the end of a partnership, which is answered with its place in the log. */
static enum ov_status
post_word(uint64_t *leaf, const struct actor *from, const struct actor *to, uint8_t id,
    unsigned int kind, struct ov_bytes body)
{
	struct ov_msg_put_mail m = { .kind = kind, .body = body };
	struct ov_bytes parts[] = { OV_BYTES(body.p, body.len - 64),
		OV_BYTES(body.p + body.len - 64, 64) };
	struct ov_msg_proven proven;
	uint8_t digest[OV_DIGEST];
	enum ov_status st;

	memcpy(m.to, to->id, OV_ID);
	memset(m.mail, id, OV_ID);
	st = call(from, OV_MSG_PUT_MAIL, &m, OV_MSG_PROVEN, &proven);
	if (st != OV_OK)
		return st;
	ov_hash_parts(digest, parts, 2);
	seen = 0; /* mail names no size */
	assert_int_equal(proven.consistency.len, 0);
	check_proven(&proven, OV_LEAF_ENDED, OV_BYTES(digest, sizeof(digest)));
	*leaf = proven.index;
	return OV_OK;
}

static void
end_of_terms_stops_new_jobs(void **state)
{
	struct ov_msg_terms_end end = { .version = 1, .sequence = 1, .created = 1 };
	struct ov_msg_propose p = proposal(1);
	struct ov_msg_terms_signed reply;
	struct ov_buf bytes = { 0 }, body = { 0 };
	uint8_t sig[64];
	uint64_t seq, leaf, again;

	(void)state;
	memcpy(end.from, bob.id, OV_ID);
	memcpy(end.to, ada.id, OV_ID);
	assert_int_equal(ov_msg_encode(&body, OV_MSG_TERMS_END, &end), OV_OK);
	ov_sign(sig, eve.sk, "end", OV_BUF_BYTES(&body));
	assert_int_equal(ov_buf_append(&body, sig, 64), OV_OK);
	assert_int_equal(
	    post(&bob, &ada, 1, OV_MAIL_TERMS_END, OV_BUF_BYTES(&body), &seq),
	    OV_E_CRYPTO_SIGNATURE);
	body.len -= 64;
	ov_sign(sig, bob.sk, "end", OV_BUF_BYTES(&body));
	assert_int_equal(ov_buf_append(&body, sig, 64), OV_OK);
	assert_int_equal(
	    post_word(&leaf, &bob, &ada, 1, OV_MAIL_TERMS_END, OV_BUF_BYTES(&body)),
	    OV_OK);
	/* the same again is at the same place */
	assert_int_equal(
	    post_word(&again, &bob, &ada, 1, OV_MAIL_TERMS_END, OV_BUF_BYTES(&body)),
	    OV_OK);
	assert_int_equal(again, leaf);
	assert_int_equal(
	    put_step(&ada, p.job, OV_STEP_PROPOSE, &p, &bytes), OV_E_TERMS_MISSING);
	assert_int_equal(sign_deal(&ada, &bob, &deal, &reply), OV_E_TERMS_MISSING);
	ov_buf_free(&body);
	ov_buf_free(&bytes);
}

static enum ov_status
post_signed(const struct actor *from, const struct actor *to, uint8_t id,
    unsigned int kind, struct ov_buf *message)
{
	uint8_t sig[64];
	uint64_t leaf;

	ov_sign(sig, from->sk, "end", OV_BUF_BYTES(message));
	assert_int_equal(ov_buf_append(message, sig, 64), OV_OK);
	return post_word(&leaf, from, to, id, kind, OV_BUF_BYTES(message));
}

/* Kinds of the mails that wait for a company, as a bit set. */
static unsigned int
waiting(const struct actor *who)
{
	struct ov_msg_get_mail get = { .after = 0 };
	struct ov_msg_mail mail;
	unsigned int kinds = 0;

	while (call(who, OV_MSG_GET_MAIL, &get, OV_MSG_MAIL, &mail) == OV_OK) {
		kinds |= 1U << mail.kind;
		get.after = mail.seq;
	}
	return kinds;
}

/* Of a pair that ended the broker keeps log and ledger, and what was signed of terms. */
static void
end_leaves_log_and_ledger(void **state)
{
	struct ov_msg_terms_end end = { .version = 1, .sequence = 1, .created = 1 };
	struct ov_msg_terms_ended ended = { .version = 1, .sequence = 1, .created = 2 };
	struct ov_msg_get_terms get = { .seen = 0 };
	struct ov_msg_terms_signed terms;
	struct ov_msg_get_job get_job;
	struct ov_msg_job job;
	struct ov_buf message = { 0 };
	struct ov_charge charge = { .at = 1 };
	struct ov_tx *tx = NULL;
	uint64_t before, after, seq;
	struct run r;

	(void)state;
	start_run(&r, 1);
	assert_int_equal(
	    post(&ada, &bob, 9, OV_MAIL_TERMS_ASK, OV_LITERAL("more"), &seq), OV_OK);
	assert_true((waiting(&bob) & 1U << OV_MAIL_TERMS_ASK) != 0);
	assert_int_equal(
	    post(&ada, &eve, 8, OV_MAIL_TERMS_ASK, OV_LITERAL("of others"), &seq), OV_OK);
	assert_int_equal(ov_tx_begin(&tx, broker.store), OV_OK);
	memcpy(charge.job, r.p.job, OV_ID);
	assert_int_equal(ov_store_charge(tx, &charge), OV_OK);
	assert_int_equal(ov_store_log_size(tx, &before), OV_OK);
	assert_int_equal(ov_tx_commit(&tx, "test"), OV_OK);
	memcpy(end.from, ada.id, OV_ID);
	memcpy(end.to, bob.id, OV_ID);
	assert_int_equal(ov_msg_encode(&message, OV_MSG_TERMS_END, &end), OV_OK);
	assert_int_equal(post_signed(&ada, &bob, 7, OV_MAIL_TERMS_END, &message), OV_OK);
	/* the job that was under way, its steps and streams */
	memcpy(get_job.job, r.p.job, OV_ID);
	assert_int_equal(
	    call(&ada, OV_MSG_GET_JOB, &get_job, OV_MSG_JOB, &job), OV_E_BROKER_UNKNOWN);
	/* mail between the two, but for the word itself */
	assert_int_equal(waiting(&bob), 1U << OV_MAIL_TERMS_END);
	assert_int_equal(waiting(&ada), 0);
	assert_int_equal(waiting(&eve), 1U << OV_MAIL_TERMS_ASK);
	memcpy(get.partner, bob.id, OV_ID);
	assert_int_equal(
	    call(&ada, OV_MSG_GET_TERMS, &get, OV_MSG_TERMS_SIGNED, &terms), OV_OK);
	assert_int_equal(terms.sealed.len, 0);
	assert_int_equal(terms.signature_low.len + terms.signature_high.len, 128);
	/* the other side's word: checked and logged, too */
	memcpy(ended.from, bob.id, OV_ID);
	memcpy(ended.to, ada.id, OV_ID);
	message.len = 0;
	assert_int_equal(ov_msg_encode(&message, OV_MSG_TERMS_ENDED, &ended), OV_OK);
	assert_int_equal(post_signed(&ada, &bob, 2, OV_MAIL_TERMS_ENDED, &message),
	    OV_E_PROTO_MISMATCH);
	message.len -= 64;
	assert_int_equal(
	    post_signed(&bob, &ada, 2, OV_MAIL_TERMS_ENDED, &message), OV_OK);
	assert_int_equal(waiting(&ada), 1U << OV_MAIL_TERMS_ENDED);
	assert_int_equal(ov_tx_begin(&tx, broker.store), OV_OK);
	assert_int_equal(ov_store_log_size(tx, &after), OV_OK);
	assert_int_equal(after - before, 3); /* the job failed, END, ENDED */
	assert_int_equal(ov_store_charged(tx, &charge, r.p.job), OV_OK);
	ov_tx_end(&tx);
	ov_buf_free(&message);
	run_free(&r);
}

#define PLAIN(f) cmocka_unit_test_setup_teardown(f, companies_setup, companies_teardown)
#define WITH_DEAL(f) cmocka_unit_test_setup_teardown(f, deal_setup, deal_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		PLAIN(token_admits_one_company_and_repeats_its_answer),
		PLAIN(token_dies_after_a_day),
		PLAIN(name_belongs_to_one_identity),
		PLAIN(token_names_and_numbers_are_limited),
		PLAIN(enrolment_needs_the_signature_of_the_identity),
		PLAIN(revoked_company_is_refused_at_once),
		PLAIN(revocation_reaches_calls_that_wait_for_their_turn),
		PLAIN(strangers_and_wrong_listeners_are_refused),
		PLAIN(mail_goes_round_and_is_repeatable),
		PLAIN(companies_cannot_write_the_brokers_mail),
		PLAIN(stored_bytes_are_limited),
		PLAIN(terms_count_as_stored),
		PLAIN(terms_are_in_the_log_when_both_signed),
		PLAIN(terms_that_are_not_the_signers_are_refused),
		WITH_DEAL(proposal_is_kept_told_and_proven),
		WITH_DEAL(proposals_that_break_a_rule_are_refused),
		WITH_DEAL(second_of_two_crossing_proposals_is_told_so),
		WITH_DEAL(second_accept_ends_the_job),
		WITH_DEAL(acceptance_must_fit_the_proposal),
		WITH_DEAL(refusal_and_cancel_end_with_their_reason),
		WITH_DEAL(chunks_go_to_their_receiver_alone),
		WITH_DEAL(no_step_of_a_stranger_is_taken),
		WITH_DEAL(first_chunk_is_charged_and_runs_are_capped),
		WITH_DEAL(deadlines_end_jobs_and_delete_streams),
		WITH_DEAL(revocation_fails_the_open_jobs),
		WITH_DEAL(end_of_terms_stops_new_jobs),
		WITH_DEAL(end_leaves_log_and_ledger),
	};

	if (ov_crypto_init() != OV_OK)
		return 1;
	return cmocka_run_group_tests_name("broker", tests, NULL, NULL);
}
