/* The public batch interface: what it accepts, refuses and returns, on whichever kernel
 * is in use.  tests/unit/test_psi_kernels.c compares the kernels. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include <sodium.h>

#include "common/crypto/memory.h"
#include "common/psi/expand.h"
#include "common/psi/kernel.h"
#include "common/psi/psi.h"

static const uint8_t zeros[64];

static void
random_scalar(uint8_t s[32])
{
	uint8_t wide[64];

	ov_random(wide, sizeof(wide));
	assert_int_equal(ov_psi_scalar(s, wide), OV_OK);
}

static void
init_honours_the_environment(void **state)
{
	(void)state;
	assert_int_equal(setenv("OVERLAP_KERNEL", "portable", 1), 0);
	assert_int_equal(ov_psi_init(), OV_OK);
	assert_string_equal(ov_psi_kernel(), "portable");
	assert_int_equal(setenv("OVERLAP_KERNEL", "abacus", 1), 0);
	assert_int_equal(ov_psi_init(), OV_E_PSI_KERNEL);
	assert_int_equal(setenv("OVERLAP_KERNEL", "IFMA", 1), 0);
	assert_int_equal(ov_psi_init(), OV_E_PSI_KERNEL);
	assert_string_equal(ov_psi_kernel(), "portable");
	for (size_t i = 0; ov_psi_kernels[i] != NULL; i++) {
		const char *name = ov_psi_kernels[i]->name;

		assert_int_equal(setenv("OVERLAP_KERNEL", name, 1), 0);
		if (ov_psi_kernels[i]->usable()) {
			assert_int_equal(ov_psi_init(), OV_OK);
			assert_string_equal(ov_psi_kernel(), name);
		} else {
			assert_int_equal(ov_psi_init(), OV_E_PSI_UNAVAILABLE);
		}
	}
	assert_int_equal(unsetenv("OVERLAP_KERNEL"), 0);
	assert_int_equal(ov_psi_init(), OV_OK);
}

/* avx2 and ifma are words in every build; a build or a machine may lack them. */
static void
a_kernel_that_cannot_run_here_is_no_typo(void **state)
{
	const char *const names[] = { "avx2", "ifma" };

	(void)state;
	for (size_t n = 0; n < 2; n++) {
		bool usable = false;

		for (size_t i = 0; ov_psi_kernels[i] != NULL; i++)
			usable |= strcmp(ov_psi_kernels[i]->name, names[n]) == 0 &&
				  ov_psi_kernels[i]->usable();
		assert_int_equal(setenv("OVERLAP_KERNEL", names[n], 1), 0);
		assert_int_equal(ov_psi_init(), usable ? OV_OK : OV_E_PSI_UNAVAILABLE);
	}
	assert_int_equal(unsetenv("OVERLAP_KERNEL"), 0);
	assert_int_equal(ov_psi_init(), OV_OK);
}

/* Kernels that are wrong in one bit of one item, or in one verdict. */
static void
wrong_expand(uint8_t *uniform, const struct ov_bytes *tokens, size_t n)
{
	ov_psi_kernel_portable.expand(uniform, tokens, n);
	uniform[63] ^= 1;
}

static void
wrong_uniform(
    uint8_t *out, uint8_t *ok, const uint8_t *uniform, size_t n, const uint8_t scalar[32])
{
	ov_psi_kernel_portable.blind_uniform(out, ok, uniform, n, scalar);
	out[32 * (n - 1) + 31] ^= 1;
}

static void
wrong_uniform_ok(
    uint8_t *out, uint8_t *ok, const uint8_t *uniform, size_t n, const uint8_t scalar[32])
{
	ov_psi_kernel_portable.blind_uniform(out, ok, uniform, n, scalar);
	ok[n - 1] = 0;
}

static void
wrong_points(
    uint8_t *out, uint8_t *ok, const uint8_t *points, size_t n, const uint8_t scalar[32])
{
	ov_psi_kernel_portable.blind_points(out, ok, points, n, scalar);
	out[32 * (n - 1)] ^= 2;
}

static void
wrong_points_ok(
    uint8_t *out, uint8_t *ok, const uint8_t *points, size_t n, const uint8_t scalar[32])
{
	ov_psi_kernel_portable.blind_points(out, ok, points, n, scalar);
	ok[5] = 1;
}

static void
wrong_tag(uint8_t *tags, const uint8_t *points, size_t n, const uint8_t key[32])
{
	ov_psi_kernel_portable.tag(tags, points, n, key);
	tags[OV_PSI_TAG_LEN * n - 1] ^= 0x80;
}

#define WRONG 6

static void
selftest_finds_a_wrong_kernel(void **state)
{
	struct ov_psi_kernel wrong[WRONG];

	(void)state;
	for (size_t i = 0; i < WRONG; i++) {
		wrong[i] = ov_psi_kernel_portable;
		assert_int_equal(ov_psi_selftest(&wrong[i]), OV_OK);
	}
	wrong[0].expand = wrong_expand;
	wrong[1].blind_uniform = wrong_uniform;
	wrong[2].blind_uniform = wrong_uniform_ok;
	wrong[3].blind_points = wrong_points;
	wrong[4].blind_points = wrong_points_ok;
	wrong[5].tag = wrong_tag;
	for (size_t i = 0; i < WRONG; i++)
		assert_int_equal(ov_psi_selftest(&wrong[i]), OV_E_PSI_SELFTEST);
}

/* l = 2^252 + 27742317777372353535851937790883648493, little-endian */
static const uint8_t order[32] = { 0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6,
	0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0x10 };

static void
scalar_is_reduced_and_never_zero(void **state)
{
	uint8_t wide[64] = { 0 }, s[32], one[32] = { 1 };

	(void)state;
	assert_int_equal(ov_psi_scalar(s, wide), OV_E_BUG);
	assert_memory_equal(s, zeros, 32);
	memcpy(wide, order, 32);
	assert_int_equal(ov_psi_scalar(s, wide), OV_E_BUG);
	assert_memory_equal(s, zeros, 32);
	wide[0]++;
	assert_int_equal(ov_psi_scalar(s, wide), OV_OK);
	assert_memory_equal(s, one, 32);
}

static void
token_blinding_is_hash_to_group_times_scalar(void **state)
{
	const struct ov_bytes token = OV_LITERAL("domain\x1f"
						 "example.com");
	uint8_t s[32], out[32], uniform[64], p[32], want[32];

	(void)state;
	random_scalar(s);
	assert_int_equal(ov_psi_blind_tokens(out, &token, 1, s), OV_OK);
	assert_int_equal(
	    ov_psi_expand(uniform, 64, token, OV_LITERAL(OV_PSI_DST)), OV_OK);
	crypto_core_ristretto255_from_hash(p, uniform);
	assert_int_equal(crypto_scalarmult_ristretto255(want, s, p), 0);
	assert_memory_equal(out, want, 32);
	assert_int_equal(sizeof(OV_PSI_DST) - 1, 45);
}

static void
blinding_commutes(void **state)
{
	enum { N = 300 };
	static uint8_t text[N][8], ab[N * 32], ba[N * 32], ok[N];
	struct ov_bytes tokens[N];
	uint8_t a[32], b[32];

	(void)state;
	for (size_t i = 0; i < N; i++) {
		ov_random(text[i], sizeof(text[i]));
		tokens[i] = OV_BYTES(text[i], sizeof(text[i]));
	}
	random_scalar(a);
	random_scalar(b);
	assert_int_equal(ov_psi_blind_tokens(ab, tokens, N, a), OV_OK);
	assert_int_equal(ov_psi_blind_points(ab, ok, ab, N, b), 0);
	assert_int_equal(ov_psi_blind_tokens(ba, tokens, N, b), OV_OK);
	assert_int_equal(ov_psi_blind_points(ba, ok, ba, N, a), 0);
	assert_memory_equal(ab, ba, sizeof(ab));
	assert_memory_not_equal(ab, ab + 32, 32);
}

static void
zero_scalars_are_refused(void **state)
{
	const struct ov_bytes token = OV_LITERAL("lei\x1f"
						 "x");
	uint8_t out[64], ok[2] = { 7, 7 }, points[64], one[32] = { 1 };

	(void)state;
	assert_int_equal(ov_psi_blind_tokens(points, &token, 1, one), OV_OK);
	memcpy(points + 32, points, 32);
	memset(out, 0xa5, sizeof(out));
	assert_int_equal(ov_psi_blind_tokens(out, &token, 1, zeros), OV_E_BUG);
	assert_memory_equal(out, zeros, 32);
	assert_int_equal(ov_psi_blind_tokens(out, &token, 1, order), OV_E_BUG);
	assert_int_equal(ov_psi_blind_points(out, ok, points, 2, zeros), 2);
	assert_memory_equal(out, zeros, 64);
	assert_int_equal(ok[0] | ok[1], 0);
	assert_int_equal(ov_psi_blind_points(out, ok, points, 2, order), 2);
}

static void
scalars_are_taken_mod_the_order(void **state)
{
	const struct ov_bytes token = OV_LITERAL("lei\x1f"
						 "x");
	uint8_t big[32], one[32] = { 1 }, a[32], b[32], ok;

	(void)state;
	memcpy(big, order, 32);
	big[0]++;
	assert_int_equal(ov_psi_blind_tokens(a, &token, 1, one), OV_OK);
	assert_int_equal(ov_psi_blind_tokens(b, &token, 1, big), OV_OK);
	assert_memory_equal(a, b, 32);
	assert_int_equal(ov_psi_blind_points(b, &ok, a, 1, big), 0);
	assert_memory_equal(a, b, 32);
}

static void
long_tokens_are_refused_whole(void **state)
{
	uint8_t text[OV_TOKEN_MAX + 1] = { 'x' }, s[32], out[64];
	struct ov_bytes tokens[2] = { OV_BYTES(text, OV_TOKEN_MAX),
		OV_BYTES(text, OV_TOKEN_MAX) };

	(void)state;
	random_scalar(s);
	assert_int_equal(ov_psi_blind_tokens(out, tokens, 2, s), OV_OK);
	tokens[1].len++;
	assert_int_equal(ov_psi_blind_tokens(out, tokens, 2, s), OV_E_BUG);
	assert_memory_equal(out, zeros, 64);
}

static void
empty_batches_are_fine(void **state)
{
	uint8_t s[32];

	(void)state;
	random_scalar(s);
	assert_int_equal(ov_psi_blind_tokens(NULL, NULL, 0, s), OV_OK);
	assert_int_equal(ov_psi_blind_points(NULL, NULL, NULL, 0, s), 0);
}

static void
a_set_bit_255_is_refused(void **state)
{
	const struct ov_bytes token = OV_LITERAL("cik\x1f"
						 "1");
	uint8_t one[32] = { 1 }, p[32], out[32], ok;

	(void)state;
	assert_int_equal(ov_psi_blind_tokens(p, &token, 1, one), OV_OK);
	assert_int_equal(ov_psi_blind_points(out, &ok, p, 1, one), 0);
	p[31] |= 0x80;
	assert_int_equal(ov_psi_blind_points(out, &ok, p, 1, one), 1);
	assert_int_equal(ok, 0);
}

static void
expand_refuses_what_the_rfc_does_not_define(void **state)
{
	static uint8_t out[255 * 64 + 1], dst[256];

	(void)state;
	assert_int_equal(
	    ov_psi_expand(out, 64, OV_LITERAL("m"), OV_BYTES(dst, 255)), OV_OK);
	assert_int_equal(
	    ov_psi_expand(out, 64, OV_LITERAL("m"), OV_BYTES(dst, 256)), OV_E_BUG);
	assert_memory_equal(out, zeros, 64);
	assert_int_equal(
	    ov_psi_expand(out, 255 * 64, OV_LITERAL("m"), OV_BYTES(dst, 1)), OV_OK);
	assert_int_equal(
	    ov_psi_expand(out, 255 * 64 + 1, OV_LITERAL("m"), OV_BYTES(dst, 1)),
	    OV_E_BUG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(init_honours_the_environment),
		cmocka_unit_test(a_kernel_that_cannot_run_here_is_no_typo),
		cmocka_unit_test(selftest_finds_a_wrong_kernel),
		cmocka_unit_test(scalar_is_reduced_and_never_zero),
		cmocka_unit_test(token_blinding_is_hash_to_group_times_scalar),
		cmocka_unit_test(blinding_commutes),
		cmocka_unit_test(zero_scalars_are_refused),
		cmocka_unit_test(scalars_are_taken_mod_the_order),
		cmocka_unit_test(long_tokens_are_refused_whole),
		cmocka_unit_test(empty_batches_are_fine),
		cmocka_unit_test(a_set_bit_255_is_refused),
		cmocka_unit_test(expand_refuses_what_the_rfc_does_not_define),
	};

	if (ov_crypto_init() != OV_OK || ov_psi_init() != OV_OK)
		return 1;
	return cmocka_run_group_tests_name("psi", tests, NULL, NULL);
}
