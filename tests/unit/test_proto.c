/* Key schedule, sealed chunks, packed rows, terms. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/crypto/memory.h"
#include "common/crypto/sign.h"
#include "proto/chunk.h"
#include "proto/keys.h"
#include "proto/slots.h"
#include "proto/terms.h"

static void
both_sides_derive_the_same_keys(void **state)
{
	uint8_t ea[32], eb[32], pa[32], pb[32], th[64] = { 1 };
	struct ov_shared_keys ka, kb;

	(void)state;
	ov_random(ea, 32);
	ov_random(eb, 32);
	ov_dh_public(pa, ea);
	ov_dh_public(pb, eb);
	assert_int_equal(ov_shared_keys_derive(&ka, th, ea, pb), OV_OK);
	assert_int_equal(ov_shared_keys_derive(&kb, th, eb, pa), OV_OK);
	assert_memory_equal(&ka, &kb, sizeof(ka));
	th[0] ^= 1;
	assert_int_equal(ov_shared_keys_derive(&kb, th, eb, pa), OV_OK);
	assert_memory_not_equal(ka.tag, kb.tag, 32);
	assert_memory_not_equal(ka.points[0], ka.points[1], 32);
}

static void
derivation_refuses_zero_agreement(void **state)
{
	uint8_t e[32] = { 5 }, zero[32] = { 0 }, th[64] = { 0 };
	struct ov_shared_keys k;

	(void)state;
	assert_int_equal(ov_shared_keys_derive(&k, th, e, zero), OV_E_CRYPTO_KEY);
}

static void
local_keys_depend_on_transcript_seed_and_list(void **state)
{
	uint8_t th[64] = { 0 }, seed[32] = { 0 }, list[64] = { 0 };
	struct ov_local_keys k, other;

	(void)state;
	ov_local_keys_derive(&k, th, seed, list);
	th[63] = 1;
	ov_local_keys_derive(&other, th, seed, list);
	assert_memory_not_equal(k.scalar_wide, other.scalar_wide, 64);
	th[63] = 0;
	seed[0] = 1;
	ov_local_keys_derive(&other, th, seed, list);
	assert_memory_not_equal(k.scalar_wide, other.scalar_wide, 64);
	seed[0] = 0;
	list[0] = 1;
	ov_local_keys_derive(&other, th, seed, list);
	assert_memory_not_equal(k.scalar_wide, other.scalar_wide, 64);
}

static void
chunk_opens_only_in_its_place(void **state)
{
	uint8_t th[64] = { 1 }, key[32] = { 2 }, nonce[32] = { 3 };
	struct ov_chunk_key k = { th, key, nonce, OV_STREAM_POINTS_A };
	uint8_t sealed[5 + OV_CHUNK_OVERHEAD], again[sizeof(sealed)], out[5];
	struct ov_bytes box = OV_BYTES(sealed, sizeof(sealed));

	(void)state;
	ov_chunk_seal(sealed, &k, 3, false, OV_LITERAL("hello"));
	ov_chunk_seal(again, &k, 3, false, OV_LITERAL("hello"));
	assert_memory_equal(sealed, again, sizeof(sealed));
	assert_int_equal(ov_chunk_open(out, &k, 3, false, box), OV_OK);
	assert_memory_equal(out, "hello", 5);
	assert_int_equal(ov_chunk_open(out, &k, 4, false, box), OV_E_CRYPTO_OPEN);
	assert_int_equal(ov_chunk_open(out, &k, 3, true, box), OV_E_CRYPTO_OPEN);
	k.stream = OV_STREAM_POINTS_B;
	assert_int_equal(ov_chunk_open(out, &k, 3, false, box), OV_E_CRYPTO_OPEN);
	k.stream = OV_STREAM_POINTS_A;
	for (size_t len = 0; len < sizeof(sealed); len++)
		assert_int_equal(ov_chunk_open(out, &k, 3, false, OV_BYTES(sealed, len)),
		    OV_E_CRYPTO_OPEN);
	/* a changed chunk has another nonce */
	ov_chunk_seal(again, &k, 3, false, OV_LITERAL("hellp"));
	assert_memory_not_equal(sealed, again, OV_SEAL_NONCE_LEN);
}

static void
rows_round_trip(void **state)
{
	struct ov_roster_row r = { 0x01020304, 5, 6, 7, "abcdefg" }, r2;
	struct ov_match_row m = { 1, 0xfffffffe, 3, 4, 0x05060708, "1234567", "7654321" },
			    m2;
	struct ov_cell_row c = { 1, 2, 3, 4, OV_HELD_BACK, 6, 7 }, c2;
	struct ov_held_row h = { 8, OV_HELD_BUDGET, UINT64_C(0x0102030405060708) }, h2;
	struct ov_charges charged = { { 1, 2 }, { 3, 4 }, 5, 6,
		{ { 7, 8, 9 }, { 10, 11, UINT64_C(1) << 40 } } };
	struct ov_charges charged2;
	uint8_t buf[OV_CHARGES_LEN];

	(void)state;
	ov_roster_pack(buf, &r);
	assert_memory_equal(buf,
	    "\x01\x02\x03\x04\x05\x06\x07"
	    "abcdefg",
	    OV_ROSTER_ROW);
	ov_roster_unpack(&r2, buf);
	assert_int_equal(r2.record, r.record);
	assert_memory_equal(r2.mac, r.mac, 8);
	ov_match_pack(buf, &m);
	ov_match_unpack(&m2, buf);
	assert_int_equal(m2.other, m.other);
	assert_int_equal(m2.number, m.number);
	assert_memory_equal(m2.roster, m.roster, 8);
	ov_cell_pack(buf, &c);
	ov_cell_unpack(&c2, buf);
	assert_int_equal(c2.fit_other, OV_HELD_BACK);
	assert_int_equal(c2.plus_minus, 6);
	assert_int_equal(c2.plus_minus_fit, 7);
	ov_held_pack(buf, &h);
	assert_memory_equal(buf, "\x08\x02\x01\x02\x03\x04\x05\x06\x07\x08", OV_HELD_ROW);
	ov_held_unpack(&h2, buf);
	assert_int_equal(h2.population, 8);
	assert_int_equal(h2.reason, OV_HELD_BUDGET);
	assert_true(h2.next == h.next);
	ov_charges_pack(buf, &charged);
	ov_charges_unpack(&charged2, buf);
	assert_memory_equal(&charged, &charged2, sizeof(charged));
}

static void
padded_sizes_are_quarters_of_powers_of_two(void **state)
{
	static const uint32_t cases[][2] = { { 0, 1024 }, { 1024, 1024 }, { 1025, 1280 },
		{ 1281, 1536 }, { 1793, 2048 }, { 2048, 2048 }, { 2049, 2560 },
		{ 1048576, 1048576 }, { 1048577, 1310720 }, { 0x80000000U, 0x80000000U },
		{ 0x80000001U, 0 } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(ov_padded_slots(cases[i][0]), cases[i][1]);
	for (uint32_t n = 1; n < 100000; n += 7) {
		uint32_t p = ov_padded_slots(n);

		assert_true(p >= n && (p == 1024 || p <= n + n / 4 + 1));
		assert_int_equal(ov_padded_slots(p), p);
	}
}

static void
encode_grants(struct ov_buf *b, const struct ov_population *p, size_t n, uint64_t slots)
{
	struct ov_buf pops = { 0 };
	struct ov_msg_grants g = { .version = 1,
		.slots = slots,
		.minimum_list = 10,
		.runs = 31,
		.view_days = 28,
		.exact = 1,
		.fit = 1 };

	assert_int_equal(ov_populations_pack(&pops, p, n), OV_OK);
	g.populations = OV_BUF_BYTES(&pops);
	assert_int_equal(ov_msg_encode(b, OV_MSG_GRANTS, &g), OV_OK);
	ov_buf_free(&pops);
}

/* What follows from two sheets, the first one low's. */
static void
derive(struct ov_release *r, const struct ov_msg_grants *low,
    const struct ov_msg_grants *high)
{
	static const struct ov_population p[] = { { "customers", OV_LEVEL_MATCHES },
		{ "leads", OV_LEVEL_COUNTS } };
	const struct ov_msg_grants *of[2] = { low, high };
	struct ov_buf sheet[2] = { { 0 } }, terms = { 0 }, release = { 0 }, pops = { 0 };
	uint8_t ids[2][32] = { { 1 }, { 2 } };
	struct ov_msg_terms_body body;
	struct ov_terms_input in = { .low = ids[0], .high = ids[1], .sequence = 1 };

	for (int i = 0; i < 2; i++) {
		struct ov_msg_grants g = *of[i];

		pops.len = 0;
		assert_int_equal(ov_populations_pack(&pops, p, g.fit ? 2 : 1), OV_OK);
		g.populations = OV_BUF_BYTES(&pops);
		assert_int_equal(ov_msg_encode(&sheet[i], OV_MSG_GRANTS, &g), OV_OK);
	}
	in.grants_low = OV_BUF_BYTES(&sheet[0]);
	in.grants_high = OV_BUF_BYTES(&sheet[1]);
	assert_int_equal(ov_terms_derive(&terms, &release, &body, &in), OV_OK);
	assert_int_equal(ov_release_decode(r, OV_BUF_BYTES(&release)), OV_OK);
	ov_buf_free(&sheet[0]);
	ov_buf_free(&sheet[1]);
	ov_buf_free(&pops);
	ov_buf_free(&terms);
	ov_buf_free(&release);
}

/* Each number of one sheet or the other is the stricter one; whoever is low. */
static void
terms_take_the_stricter_of_both(void **state)
{
	struct ov_msg_grants a = { .version = 1,
		.slots = 4096,
		.minimum_list = 10,
		.runs = 31,
		.epsilon_milli = 333,
		.view_days = 28,
		.year_epsilon_milli = 4333,
		.minimum_count = 10,
		.shown_from = 5,
		.name_only = 1,
		.duns_veto = 1,
		.exact = 1,
		.fit = 1 };
	struct ov_msg_grants b = { .version = 1,
		.slots = 5000,
		.minimum_list = 20,
		.runs = 10,
		.epsilon_milli = 500,
		.view_days = 14,
		.year_epsilon_milli = 2000,
		.minimum_count = 3,
		.shown_from = 20 };

	(void)state;
	for (int low = 0; low < 2; low++) { /* which of the two is b */
		struct ov_release r;

		derive(&r, low ? &a : &b, low ? &b : &a);
		assert_int_equal(r.slots, 4096);
		assert_int_equal(r.minimum_list, 20);
		assert_int_equal(r.runs, 10);
		assert_int_equal(r.epsilon_milli, 333);
		assert_int_equal(r.view_days, 28);
		assert_int_equal(r.year_epsilon_milli, 2000);
		assert_int_equal(r.minimum_count, 10);
		assert_int_equal(r.shown_from, 20);
		assert_false(r.exact);
		assert_int_equal(r.ranks, 0x7e);
		assert_int_equal(r.veto[OV_RANK_DUNS], 0);
		/* what is each giver's own */
		assert_true(r.fit[1 - low] && !r.fit[low]);
		assert_int_equal(r.level[low][1], OV_LEVEL_MATCHES);
		assert_int_equal(r.level[low][2], OV_LEVEL_HIDDEN);
		assert_int_equal(r.level[1 - low][2], OV_LEVEL_COUNTS);
	}
	b.exact = b.name_only = b.duns_veto = 1; /* the control: both */
	for (int low = 0; low < 2; low++) {
		struct ov_release r;

		derive(&r, low ? &a : &b, low ? &b : &a);
		assert_true(r.exact);
		assert_int_equal(r.ranks, 0xfe);
		assert_int_equal(r.veto[OV_RANK_DUNS], 0xf0);
	}
}

/* Who asks for the same back gives no level that the other does not give. */
static void
reciprocal_levels_are_the_others_at_most(void **state)
{
	struct ov_population p[] = { { "a", OV_LEVEL_MATCHES }, { "b", OV_LEVEL_COUNTS },
		{ "c", OV_LEVEL_HIDDEN } };
	static const struct ov_population less[] = { { "x", OV_LEVEL_HIDDEN },
		{ "y", OV_LEVEL_COUNTS } };
	static const struct ov_population more[] = { { "x", OV_LEVEL_FIELDS } };
	struct ov_buf pops = { 0 }, a = { 0 }, b = { 0 }, terms = { 0 }, release = { 0 };
	uint8_t ids[2][32] = { { 1 }, { 2 } };
	struct ov_msg_terms_body body;
	struct ov_msg_grants g;
	struct ov_release r;

	(void)state;
	encode_grants(&b, less, 2, 4096);
	encode_grants(&a, p, 3, 4096);
	assert_int_equal(ov_msg_decode(&g, OV_MSG_GRANTS, OV_BUF_BYTES(&a)), OV_OK);
	assert_int_equal(ov_populations_pack(&pops, p, 3), OV_OK);
	g.populations = OV_BUF_BYTES(&pops);
	g.reciprocal = 1;
	a.len = 0;
	assert_int_equal(ov_msg_encode(&a, OV_MSG_GRANTS, &g), OV_OK);
	const struct ov_terms_input in = { ids[0], ids[1], 1, OV_BUF_BYTES(&a),
		OV_BUF_BYTES(&b) };

	assert_int_equal(ov_terms_derive(&terms, &release, &body, &in), OV_OK);
	assert_int_equal(ov_release_decode(&r, OV_BUF_BYTES(&release)), OV_OK);
	assert_int_equal(r.level[0][1], OV_LEVEL_COUNTS);
	assert_int_equal(r.level[0][2], OV_LEVEL_COUNTS);
	assert_int_equal(r.level[1][2], OV_LEVEL_COUNTS);
	ov_populations_reciprocate(p, 3, more, 1);
	assert_int_equal(p[0].level, OV_LEVEL_MATCHES);
	ov_populations_reciprocate(p, 3, less, 2);
	assert_int_equal(p[0].level, OV_LEVEL_COUNTS);
	assert_int_equal(p[1].level, OV_LEVEL_COUNTS);
	assert_int_equal(p[2].level, OV_LEVEL_HIDDEN);
	ov_buf_free(&pops);
	ov_buf_free(&a);
	ov_buf_free(&b);
	ov_buf_free(&terms);
	ov_buf_free(&release);
}

static void
populations_reject_bad_rows(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
	} bad[] = { { "\x02", 1 }, { "\x02\x00", 2 },
		{ "\x02\x02"
		  "a",
		    3 },
		{ "\x04\x01"
		  "a",
		    3 },
		{ "\x02\x01"
		  "a\x02\x01"
		  "a",
		    6 },
		{ "\x02\x01\x1f", 3 } };
	struct ov_population p[OV_POPULATIONS_MAX];
	size_t n = 7;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_not_equal(
		    ov_populations_unpack(p, &n, OV_BYTES(bad[i].bytes, bad[i].len)),
		    OV_OK);
	assert_int_equal(n, 7);
}

/* Columns that a partner's criteria may be about. */
static void
shared_columns_round_trip_and_are_bounded(void **state)
{
	struct ov_shared_columns c = { 2, { "industry", "Tech Stack" } }, back;
	static const uint8_t zero[] = { 0 }, control[] = { 2, 'a', '\n' };
	static const uint8_t twice[] = { 1, 'a', 1, 'A' };
	struct ov_buf b = { 0 };

	(void)state;
	assert_int_equal(ov_shared_columns_pack(&b, &c), OV_OK);
	assert_int_equal(b.len, 1 + 8 + 1 + 10);
	assert_int_equal(ov_shared_columns_unpack(&back, OV_BUF_BYTES(&b)), OV_OK);
	assert_int_equal(back.n, 2);
	assert_string_equal(back.name[1], "Tech Stack");
	assert_true(ov_shared_columns_have(&back, "TECH stack"));
	assert_false(ov_shared_columns_have(&back, "tech"));
	for (size_t len = 1; len < b.len; len++) /* 9: the first column alone */
		assert_int_equal(ov_shared_columns_unpack(&back, OV_BYTES(b.p, len)),
		    len == 9 ? OV_OK : OV_E_WIRE_TRUNCATED);
	assert_int_equal(
	    ov_shared_columns_unpack(&back, OV_BYTES(zero, 1)), OV_E_WIRE_RANGE);
	assert_int_equal(
	    ov_shared_columns_unpack(&back, OV_BYTES(control, 3)), OV_E_WIRE_RANGE);
	assert_int_equal(
	    ov_shared_columns_unpack(&back, OV_BYTES(twice, 4)), OV_E_WIRE_RANGE);
	b.len = 0;
	for (uint8_t i = 0; i <= OV_SHARED_COLUMNS_MAX; i++) {
		const uint8_t name[2] = { 1, (uint8_t)(0x80 + i) };

		assert_int_equal(
		    ov_shared_columns_unpack(&back, OV_BUF_BYTES(&b)), OV_OK);
		assert_int_equal(back.n, i);
		assert_int_equal(ov_buf_append(&b, name, 2), OV_OK);
	}
	assert_int_equal(
	    ov_shared_columns_unpack(&back, OV_BUF_BYTES(&b)), OV_E_WIRE_LIMIT);
	b.len = 0;
	memset(c.name[0], 'x', sizeof(c.name[0]) - 1);
	assert_int_equal(ov_shared_columns_pack(&b, &c), OV_OK); /* 64 bytes */
	b.p[0]++;
	assert_int_equal(
	    ov_shared_columns_unpack(&back, OV_BUF_BYTES(&b)), OV_E_WIRE_RANGE);
	b.len = 0;
	c.name[1][0] = '\0';
	assert_int_equal(ov_shared_columns_pack(&b, &c), OV_E_WIRE_RANGE);
	assert_int_equal(b.len, 0);
	ov_buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shared_columns_round_trip_and_are_bounded),
		cmocka_unit_test(both_sides_derive_the_same_keys),
		cmocka_unit_test(derivation_refuses_zero_agreement),
		cmocka_unit_test(local_keys_depend_on_transcript_seed_and_list),
		cmocka_unit_test(chunk_opens_only_in_its_place),
		cmocka_unit_test(rows_round_trip),
		cmocka_unit_test(padded_sizes_are_quarters_of_powers_of_two),
		cmocka_unit_test(terms_take_the_stricter_of_both),
		cmocka_unit_test(reciprocal_levels_are_the_others_at_most),
		cmocka_unit_test(populations_reject_bad_rows),
	};

	if (ov_crypto_init() != OV_OK)
		return 1;
	return cmocka_run_group_tests_name("proto", tests, NULL, NULL);
}
