/* Every kernel this machine can run against libsodium itself, one item at a time: special
 * inputs, bad items in every lane, any alignment.  Random inputs are test_psi_random.c's,
 * batches of every length test_psi_lengths.c's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include "common/crypto/memory.h"
#include "common/psi/expand.h"
#include "common/psi/psi.h"
#include "tests/unit/psi_compare.h"

#define GUARD 64

static void
unhex32(uint8_t out[32], const char *hex)
{
	memset(out, 0, 32);
	assert_true(ov_unhex(out, strlen(hex) / 2, hex));
}

/* Values where reduction, signs or square roots turn. */
static const char *const field_elements[] = {
	"00", "01", "02",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", /* p - 1 */
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", /* p */
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", /* p + 1 */
	"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	"0000000000000000000000000000000000000000000000000000000000000080",
	"b0a00e4a271beec478e42fad0618432fa7d7fb3d99004d2b0bdfc14f8024832b", /* sqrt(-1) */
	"3d5ff1b5d8e4113b871bd052f9e7bcd0582804c266ffb2d4f4203eb07fdb7c54",
	"f7ffffffffffff7f", "ffffffffffff07",
	"f6ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff3f", /* 1 / 2 */
};
#define N_ELEMENTS (sizeof(field_elements) / sizeof(field_elements[0]))

static void
special_uniform_strings(void **state)
{
	static uint8_t in[N_ELEMENTS * N_ELEMENTS * 64], halves[300 * 64];
	uint8_t s[32];

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS * N_ELEMENTS; i++) {
		unhex32(in + 64 * i, field_elements[i / N_ELEMENTS]);
		unhex32(in + 64 * i + 32, field_elements[i % N_ELEMENTS]);
	}
	fill_scalar(s);
	/* some of these sums are the identity: refused */
	assert_true(
	    compare(in, 64, N_ELEMENTS * N_ELEMENTS, s) < N_ELEMENTS * N_ELEMENTS);
	for (size_t i = 0; i < 300; i++) { /* the sum of a point and itself */
		fill(halves + 64 * i, 32);
		memcpy(halves + 64 * i + 32, halves + 64 * i, 32);
	}
	assert_int_equal(compare(halves, 64, 300, s), 300);
}

static void
special_encodings(void **state)
{
	uint8_t in[N_ELEMENTS * 32], s[32];

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS; i++)
		unhex32(in + 32 * i, field_elements[i]);
	fill_scalar(s);
	(void)compare(in, 32, N_ELEMENTS, s);
}

/* As little-endian bytes; l is the order of the group. */
static const char *const scalars[] = {
	"01",
	"02",
	"07",
	"08",
	"09",
	"0f",
	"10",
	"1f",
	"20",
	"21",
	"80",
	"f0",
	"ff",
	"0001",
	"ecd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010", /* l - 1 */
	"ebd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010", /* l - 2 */
	"f7e97a2e8d31092c6bce7b51ef7c6f0a00000000000000000000000000000008", /* 1 / 2 */
	"f6e97a2e8d31092c6bce7b51ef7c6f0a00000000000000000000000000000008",
	"0000000000000000000000000000000000000000000000000000000000000010", /* 2^252 */
	"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff0f",
	/* halves 2^251 - 1, 0788..8 and 0777..7: where the kernels change sign, and all
	 * digits at their limits */
	"feffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff0f",
	"101111111111111111111111111111111111111111111111111111111111110f",
	"eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee0e",
	"8888888888888888888888888888888888888888888888888888888888888808",
	"7777777777777777777777777777777777777777777777777777777777777707",
	"1042082184104208218410420821841042082184104208218410420821841002",
	"0000000000000000000000000000008000000000000000000000000000000000",
};

static void
special_scalars(void **state)
{
	enum { N = 35 };
	static uint8_t uniform[N * 64], points[N * 32];
	uint8_t s[32];

	(void)state;
	for (size_t i = 0; i < sizeof(scalars) / sizeof(scalars[0]); i++) {
		unhex32(s, scalars[i]);
		fill(uniform, sizeof(uniform));
		fill_points(points, N);
		assert_int_equal(compare(uniform, 64, N, s), N);
		assert_int_equal(compare(points, 32, N, s), N);
	}
	for (int i = 0; i < 100; i++) {
		fill_scalar(s);
		assert_int_equal(compare(points, 32, 3, s), 3);
	}
}

static void
scalar_zero_refuses_every_item(void **state)
{
	enum { N = 35 };
	static uint8_t uniform[N * 64], points[N * 32];
	const uint8_t zero[32] = { 0 };

	(void)state;
	fill(uniform, sizeof(uniform));
	fill_points(points, N);
	assert_int_equal(compare(uniform, 64, N, zero), 0);
	assert_int_equal(compare(points, 32, N, zero), 0);
}

static const char *const bad_encodings[] = {
	"00", /* the identity */
	"0000000000000000000000000000000000000000000000000000000000000080",
	"01",								    /* negative */
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", /* p + 1 */
	"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	"26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371", /* no square
									     */
	"3eb858e78f5a7254d8c9731174a94f76755fd3941c0ac93735c07ba14579630e", /* xy < 0 */
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", /* y = 0 */
};

/* One bad item, in each place of three vectors: it alone is refused. */
static void
a_bad_item_in_any_lane(void **state)
{
	enum { N = 24 };
	uint8_t good[N * 32], in[N * 32], s[32];

	(void)state;
	fill_points(good, N);
	fill_scalar(s);
	for (size_t b = 0; b < sizeof(bad_encodings) / sizeof(bad_encodings[0]); b++) {
		for (size_t lane = 0; lane < N; lane++) {
			memcpy(in, good, sizeof(in));
			unhex32(in + 32 * lane, bad_encodings[b]);
			assert_int_equal(compare(in, 32, N, s), N - 1);
		}
	}
}

/* The identity in each lane of a map's result. */
static void
an_identity_in_any_lane(void **state)
{
	enum { N = 17 };
	uint8_t in[N * 64], s[32];

	(void)state;
	fill_scalar(s);
	for (size_t lane = 0; lane < N; lane++) {
		fill(in, sizeof(in));
		memset(in + 64 * lane, 0, 64);
		assert_int_equal(compare(in, 64, N, s), N - 1);
	}
}

/* A buffer that begins at any address: SHIFTS bytes are spare. */
#define SHIFTS 64
#define SHIFTED(name, len) static uint8_t name[(len) + SHIFTS]

static void
misaligned_points(void **state)
{
	enum { N = 21 };
	static uint8_t in[N * 32], want[N * 32], want_ok[N];
	SHIFTED(in_at, N * 32);
	SHIFTED(out_at, N * 32);
	SHIFTED(ok_at, N);
	SHIFTED(s_at, 32);
	uint8_t s[32];

	(void)state;
	fill_points(in, N);
	fill_scalar(s);
	reference(want, want_ok, in, 32, N, s);
	FOR_KERNELS(k)
	{
		for (size_t shift = 1; shift < SHIFTS; shift += 2) {
			uint8_t *out = out_at + shift * 7 % SHIFTS;

			memcpy(in_at + shift, in, sizeof(in));
			memcpy(s_at + shift * 3 % SHIFTS, s, 32);
			k->blind_points(out, ok_at + shift, in_at + shift, N,
			    s_at + shift * 3 % SHIFTS);
			assert_memory_equal(out, want, sizeof(want));
			assert_memory_equal(ok_at + shift, want_ok, N);
			/* in place */
			k->blind_points(in_at + shift, ok_at, in_at + shift, N, s);
			assert_memory_equal(in_at + shift, want, sizeof(want));
		}
	}
}

static void
misaligned_uniform_strings(void **state)
{
	enum { N = 21 };
	static uint8_t in[N * 64], want[N * 32], want_ok[N];
	SHIFTED(in_at, N * 64);
	SHIFTED(out_at, N * 32);
	SHIFTED(ok_at, N);
	SHIFTED(s_at, 32);
	uint8_t s[32];

	(void)state;
	fill(in, sizeof(in));
	fill_scalar(s);
	reference(want, want_ok, in, 64, N, s);
	FOR_KERNELS(k)
	{
		for (size_t shift = 1; shift < SHIFTS; shift += 2) {
			uint8_t *out = out_at + shift * 7 % SHIFTS;

			memcpy(in_at + shift, in, sizeof(in));
			memcpy(s_at + shift * 3 % SHIFTS, s, 32);
			k->blind_uniform(out, ok_at + shift, in_at + shift, N,
			    s_at + shift * 3 % SHIFTS);
			assert_memory_equal(out, want, sizeof(want));
			assert_memory_equal(ok_at + shift, want_ok, N);
		}
	}
}

static void
misaligned_tokens(void **state)
{
	enum { N = 21, LEN = 150 }; /* two blocks of SHA-512 */
	static uint8_t text[LEN], want[N * 64];
	SHIFTED(text_at, N * LEN);
	SHIFTED(out_at, N * 64);
	struct ov_bytes tokens[N];

	(void)state;
	fill(text, sizeof(text));
	for (size_t i = 0; i < N; i++)
		assert_int_equal(ov_psi_expand(want + 64 * i, 64, OV_BYTES(text, LEN - i),
				     OV_LITERAL(OV_PSI_DST)),
		    OV_OK);
	FOR_KERNELS(k)
	{
		for (size_t shift = 1; shift < SHIFTS; shift += 2) {
			uint8_t *out = out_at + shift * 7 % SHIFTS;
			uint8_t *at = text_at + shift;

			for (size_t i = 0; i < N; at += tokens[i++].len) {
				tokens[i] = OV_BYTES(at, LEN - i);
				memcpy(at, text, LEN - i);
			}
			k->expand(out, tokens, N);
			assert_memory_equal(out, want, sizeof(want));
		}
	}
}

/* Against libsodium's BLAKE2b, one at a time; just past the end nothing changes. */
static void
check_tags(size_t n, size_t shift)
{
	uint8_t *points = test_malloc(32 * n + 1), *tags = test_malloc(16 * n + 2);
	uint8_t *want = test_malloc(16 * n + 1), key[32];

	fill(points, 32 * n + 1);
	fill(key, sizeof(key));
	for (size_t i = 0; i < n; i++)
		ov_blake2b(want + 16 * i, 16, key, OV_BYTES(points + shift + 32 * i, 32),
		    OV_BYTES(NULL, 0));
	FOR_KERNELS(k)
	{
		memset(tags, 0xa5, 16 * n + 2);
		k->tag(tags + shift, points + shift, n, key);
		if (memcmp(tags + shift, want, 16 * n) != 0)
			fail_msg("kernel %s differs", k->name);
		assert_int_equal(tags[shift + 16 * n], 0xa5);
	}
	test_free(points);
	test_free(tags);
	test_free(want);
}

static void
tags_in_batches_of_every_length(void **state)
{
	(void)state;
	for (size_t n = 0; n <= 600; n++)
		check_tags(n, n & 1);
	check_tags(100000, 0);
}

/* Every token length, mixed in one batch, so that lanes end in different blocks. */
static void
hashing_tokens_of_every_length(void **state)
{
	enum { N = OV_TOKEN_MAX + 1 };
	static uint8_t text[OV_TOKEN_MAX], want[N * 64], out[N * 64 + GUARD];
	struct ov_bytes tokens[N];

	(void)state;
	fill(text, sizeof(text));
	for (size_t i = 0; i < N; i++) {
		size_t len =
		    i * 61 % N; /* 61 and 301 share no factor: each length once */

		tokens[i] = OV_BYTES(len > 0 ? text : NULL, len);
		assert_int_equal(
		    ov_psi_expand(want + 64 * i, 64, tokens[i], OV_LITERAL(OV_PSI_DST)),
		    OV_OK);
	}
	FOR_KERNELS(k)
	{
		for (size_t n = 0; n <= N; n += n < 20 ? 1 : 281) {
			memset(out, 0xa5, sizeof(out));
			k->expand(out, tokens, n);
			assert_memory_equal(out, want, 64 * n);
			for (size_t i = 0; i < GUARD; i++)
				assert_int_equal(out[64 * n + i], 0xa5);
		}
	}
}

/* Among good ones, in each lane: zeros come out, which no kernel takes for a token's. */
static void
a_token_that_is_too_long(void **state)
{
	enum { N = 17 };
	static const uint8_t text[OV_TOKEN_MAX + 1], zeros[64];
	uint8_t want[64], out[N * 64], blinded[N * 32], ok[N], s[32];
	struct ov_bytes tokens[N];

	(void)state;
	fill_scalar(s);
	assert_int_equal(
	    ov_psi_expand(want, 64, OV_BYTES(text, OV_TOKEN_MAX), OV_LITERAL(OV_PSI_DST)),
	    OV_OK);
	FOR_KERNELS(k)
	{
		for (size_t lane = 0; lane < N; lane++) {
			for (size_t i = 0; i < N; i++)
				tokens[i] = OV_BYTES(text, OV_TOKEN_MAX + (i == lane));
			k->expand(out, tokens, N);
			k->blind_uniform(blinded, ok, out, N, s);
			for (size_t i = 0; i < N; i++) {
				assert_memory_equal(
				    out + 64 * i, i == lane ? zeros : want, 64);
				assert_int_equal(ok[i], i != lane);
			}
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(special_uniform_strings),
		cmocka_unit_test(special_encodings),
		cmocka_unit_test(special_scalars),
		cmocka_unit_test(scalar_zero_refuses_every_item),
		cmocka_unit_test(a_bad_item_in_any_lane),
		cmocka_unit_test(an_identity_in_any_lane),
		cmocka_unit_test(misaligned_points),
		cmocka_unit_test(misaligned_uniform_strings),
		cmocka_unit_test(misaligned_tokens),
		cmocka_unit_test(hashing_tokens_of_every_length),
		cmocka_unit_test(tags_in_batches_of_every_length),
		cmocka_unit_test(a_token_that_is_too_long),
	};

	if (ov_crypto_init() != OV_OK)
		return 1;
	FOR_KERNELS(k)
	print_message("kernel: %s\n", k->name);
	return cmocka_run_group_tests_name("psi_kernels", tests, NULL, NULL);
}
