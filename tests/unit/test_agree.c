/* PROPOSE and ACCEPT against what both signed: each single deviation is refused for its
 * own reason. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "proto/agree.h"
#include "proto/codec.h"
#include "proto/keys.h"

#define NOW 1800000000U

static const uint8_t a[32] = { 1 }, b[32] = { 2 };
static const uint8_t terms[OV_DIGEST] = { 3 }, release[OV_DIGEST] = { 4 },
		     profile[OV_DIGEST] = { 5 };
static const struct ov_release table = {
	.slots = 4000, .minimum_list = 1500, .runs = 31
};

static struct ov_agree
rules(void)
{
	return (struct ov_agree){ a, b, terms, release, profile, &table, NOW };
}

static struct ov_msg_propose
good(void)
{
	struct ov_msg_propose p = { .version = OV_PROTOCOL_VERSION,
		.slots = 2048,
		.created = NOW - 10,
		.expiry = NOW + 3600 };

	memcpy(p.a, a, 32);
	memcpy(p.b, b, 32);
	memcpy(p.terms, terms, OV_DIGEST);
	memcpy(p.release, release, OV_DIGEST);
	memcpy(p.profile, profile, OV_DIGEST);
	memset(p.ephemeral, 7, 32);
	memset(p.commitment, 8, OV_DIGEST);
	return p;
}

static enum ov_status
judge(const struct ov_msg_propose *p)
{
	struct ov_agree in = rules();

	return ov_agree_propose(p, &in);
}

static void
honest_proposal_passes(void **state)
{
	struct ov_msg_propose p = good();

	(void)state;
	assert_int_equal(judge(&p), OV_OK);
}

#define REFUSED(change, status)                                                          \
	do {                                                                             \
		struct ov_msg_propose p = good();                                        \
		change;                                                                  \
		assert_int_equal(judge(&p), (status));                                   \
	} while (0)

static void
each_deviation_has_its_reason(void **state)
{
	(void)state;
	REFUSED(p.version = 2, OV_E_PROTO_VERSION);
	REFUSED(p.a[0] ^= 1, OV_E_PROTO_MISMATCH);
	REFUSED(p.b[31] ^= 1, OV_E_PROTO_MISMATCH);
	REFUSED(p.terms[0] ^= 1, OV_E_PROTO_MISMATCH);
	REFUSED(p.release[63] ^= 1, OV_E_PROTO_MISMATCH);
	REFUSED(p.profile[5] ^= 1, OV_E_PROTO_MISMATCH);
	REFUSED(p.created = NOW + OV_CLOCK_SKEW_S + 1, OV_E_PROTO_CLOCK);
	REFUSED(p.expiry = NOW, OV_E_PROTO_EXPIRED);
	REFUSED(p.expiry = p.created, OV_E_PROTO_MISMATCH);
	REFUSED(p.expiry = p.created + OV_PROPOSAL_LIFE_S + 1, OV_E_PROTO_MISMATCH);
	REFUSED(p.slots = 2047, OV_E_PROTO_COUNT);
	REFUSED(p.slots = 5120, OV_E_LIST_TOO_LARGE);
	REFUSED(p.slots = 1280, OV_E_LIST_TOO_SMALL);
	REFUSED(p.slots = OV_U32, OV_E_PROTO_COUNT);
	REFUSED(p.unchanged_since = OV_BYTES(a, 5), OV_E_WIRE_RANGE);
	REFUSED(p.head_signature = OV_BYTES(terms, 64), OV_E_WIRE_RANGE);
}

static void
clocks_may_differ_by_five_minutes(void **state)
{
	struct ov_msg_propose p = good();

	(void)state;
	p.created = NOW + OV_CLOCK_SKEW_S;
	p.expiry = p.created + OV_PROPOSAL_LIFE_S;
	assert_int_equal(judge(&p), OV_OK);
}

/* Numbers over 2^31 have no padded form. */
static void
bounds_beyond_all_lists_still_bind(void **state)
{
	struct ov_release wide = { .slots = 0x80000001U, .minimum_list = 1 };
	struct ov_msg_propose p = good();
	struct ov_agree in = rules();

	(void)state;
	in.table = &wide;
	assert_int_equal(ov_agree_propose(&p, &in), OV_OK);
	wide.minimum_list = 0x80000001U;
	assert_int_equal(ov_agree_propose(&p, &in), OV_E_LIST_TOO_SMALL);
}

static struct ov_msg_accept
answer(const struct ov_msg_propose *p, struct ov_bytes propose)
{
	struct ov_msg_accept m = {
		.version = p->version, .slots = 1536, .created = NOW, .expiry = NOW + 60
	};

	ov_digest(m.propose, "propose", propose);
	memcpy(m.job, p->job, OV_ID);
	memcpy(m.a, a, 32);
	memcpy(m.b, b, 32);
	memcpy(m.terms, terms, OV_DIGEST);
	memcpy(m.release, release, OV_DIGEST);
	memcpy(m.profile, profile, OV_DIGEST);
	memset(m.ephemeral, 9, 32);
	memset(m.commitment, 10, OV_DIGEST);
	return m;
}

static void
answer_fits_only_its_proposal(void **state)
{
	struct ov_msg_propose p = good();
	struct ov_bytes bytes = OV_LITERAL("the proposal as signed");
	struct ov_msg_accept m = answer(&p, bytes);
	struct ov_agree in = rules();

	(void)state;
	assert_int_equal(ov_agree_accept(&m, &p, bytes, &in), OV_OK);
	assert_int_equal(ov_agree_accept(&m, &p, OV_LITERAL("another proposal"), &in),
	    OV_E_PROTO_MISMATCH);
	m.job[0] ^= 1;
	assert_int_equal(ov_agree_accept(&m, &p, bytes, &in), OV_E_PROTO_MISMATCH);
	m.job[0] ^= 1;
	m.slots = 5120;
	assert_int_equal(ov_agree_accept(&m, &p, bytes, &in), OV_E_LIST_TOO_LARGE);
}

static void
reflected_keys_are_refused(void **state)
{
	struct ov_msg_propose p = good();
	struct ov_bytes bytes = OV_LITERAL("the proposal as signed");
	struct ov_msg_accept m = answer(&p, bytes);
	struct ov_agree in = rules();

	(void)state;
	memcpy(m.ephemeral, p.ephemeral, 32);
	assert_int_equal(ov_agree_accept(&m, &p, bytes, &in), OV_E_PROTO_MISMATCH);
	m = answer(&p, bytes);
	memcpy(m.commitment, p.commitment, OV_DIGEST);
	assert_int_equal(ov_agree_accept(&m, &p, bytes, &in), OV_E_PROTO_MISMATCH);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(honest_proposal_passes),
		cmocka_unit_test(each_deviation_has_its_reason),
		cmocka_unit_test(clocks_may_differ_by_five_minutes),
		cmocka_unit_test(bounds_beyond_all_lists_still_bind),
		cmocka_unit_test(answer_fits_only_its_proposal),
		cmocka_unit_test(reflected_keys_are_refused),
	};

	return cmocka_run_group_tests_name("agree", tests, NULL, NULL);
}
