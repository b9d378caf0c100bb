/* Batches of every length from 0 to 600, through the public functions, which cut them
 * into groups: the same bytes at every length, nothing written beyond.
 *
 * The portable kernel takes items one by one, 60 us each.  So of its points only those
 * near the ends of groups are good at every length: the others, which cost nothing, are
 * refused.  Tokens have nothing that is cheap: it is given batches of every length to a
 * whole group, which is all that a kernel ever sees, and beyond that in steps and around
 * groups; of every length where OVERLAP_ALL_LENGTHS is set.
 *
 *     unit_psi_lengths tokens|points */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include "common/crypto/memory.h"
#include "common/psi/expand.h"
#include "common/psi/psi.h"
#include "tests/unit/psi_compare.h"

#define SIZES_MAX 600
#define GUARD 64

static void
use_kernel(const struct ov_psi_kernel *k)
{
	assert_int_equal(setenv("OVERLAP_KERNEL", k->name, 1), 0);
	assert_int_equal(ov_psi_init(), OV_OK);
	assert_string_equal(ov_psi_kernel(), k->name);
}

/* Whether item or length n is near a whole number of groups. */
static bool
near_groups(size_t n)
{
	return (n + 2) % OV_PSI_GROUP <= 4;
}

/* The length after n of a batch of tokens. */
static size_t
next_length(const struct ov_psi_kernel *k, size_t n)
{
	n++;
	if (k == &ov_psi_kernel_portable && getenv("OVERLAP_ALL_LENGTHS") == NULL)
		while (
		    n > OV_PSI_GROUP && n < SIZES_MAX && n % 37 != 0 && !near_groups(n))
			n++;
	return n;
}

struct points {
	uint8_t in[SIZES_MAX * 32], want[SIZES_MAX * 32], ok[SIZES_MAX];
};

static void
check_points(const struct points *p, size_t n, const uint8_t s[32])
{
	static uint8_t out[SIZES_MAX * 32 + GUARD], ok[SIZES_MAX + GUARD];
	size_t bad = 0;

	memset(out, 0xa5, sizeof(out));
	memset(ok, 0xa5, sizeof(ok));
	for (size_t i = 0; i < n; i++)
		bad += p->ok[i] == 0;
	assert_int_equal(ov_psi_blind_points(out, ok, p->in, n, s), bad);
	assert_memory_equal(out, p->want, 32 * n);
	assert_memory_equal(ok, p->ok, n);
	for (size_t i = 0; i < GUARD; i++)
		assert_true(out[32 * n + i] == 0xa5 && ok[n + i] == 0xa5);
}

/* Of n points, leaves good what is near the ends of groups and of the batch. */
static void
thin_out(struct points *thin, const struct points *all, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		bool good = near_groups(i) || i + 3 >= n;

		memcpy(thin->in + 32 * i, all->in + 32 * i, 32);
		memcpy(thin->want + 32 * i, all->want + 32 * i, 32);
		thin->ok[i] = good;
		if (!good) {
			thin->in[32 * i] |= 1; /* negative */
			memset(thin->want + 32 * i, 0, 32);
		}
	}
}

static void
batches_of_points(void **state)
{
	static struct points all, thin;
	uint8_t s[32];

	(void)state;
	fill_points(all.in, SIZES_MAX);
	fill_scalar(s);
	reference(all.want, all.ok, all.in, OV_POINT_LEN, SIZES_MAX, s);
	FOR_KERNELS(k)
	{
		use_kernel(k);
		for (size_t n = 0; n <= SIZES_MAX; n++) {
			thin_out(&thin, &all, n);
			check_points(k == &ov_psi_kernel_portable ? &thin : &all, n, s);
		}
	}
}

static void
check_tokens(
    const struct ov_bytes *tokens, const uint8_t *want, size_t n, const uint8_t s[32])
{
	static uint8_t out[SIZES_MAX * 32 + GUARD];

	memset(out, 0xa5, sizeof(out));
	assert_int_equal(ov_psi_blind_tokens(out, tokens, n, s), OV_OK);
	assert_memory_equal(out, want, 32 * n);
	for (size_t i = 0; i < GUARD; i++)
		assert_int_equal(out[32 * n + i], 0xa5);
}

static void
batches_of_tokens(void **state)
{
	static uint8_t text[SIZES_MAX][20], uniform[SIZES_MAX * 64];
	static uint8_t want[SIZES_MAX * 32], ok[SIZES_MAX];
	struct ov_bytes tokens[SIZES_MAX];
	uint8_t s[32];

	(void)state;
	fill(text, sizeof(text));
	fill_scalar(s);
	for (size_t i = 0; i < SIZES_MAX; i++) {
		tokens[i] = OV_BYTES(text[i], sizeof(text[i]));
		assert_int_equal(ov_psi_expand(uniform + 64 * i, 64, tokens[i],
				     OV_LITERAL(OV_PSI_DST)),
		    OV_OK);
	}
	reference(want, ok, uniform, OV_UNIFORM_LEN, SIZES_MAX, s);
	FOR_KERNELS(k)
	{
		use_kernel(k);
		for (size_t n = 0; n <= SIZES_MAX; n = next_length(k, n))
			check_tokens(tokens, want, n, s);
	}
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(batches_of_points),
		cmocka_unit_test(batches_of_tokens),
	};

	if (!choose_half(argc, argv))
		return 2;
	if (ov_crypto_init() != OV_OK)
		return 1;
	return cmocka_run_group_tests_name("psi_lengths", tests, NULL, NULL);
}
