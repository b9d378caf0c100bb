/* The noise against its distribution, with bits from a fixed seed: what fails once fails
 * always. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include <math.h>

#include "common/crypto/hash.h"
#include "common/crypto/memory.h"
#include "proto/budget.h"
#include "server/noise.h"

#define DRAWS 200000
#define BINS 4096 /* values from -BINS / 2 on */

static uint32_t count[BINS];

struct seed {
	uint8_t key[32];
	uint32_t block;
};

static void
fill_from_seed(void *arg, void *out, size_t len)
{
	struct seed *s = arg;

	ov_keystream(out, len, s->key, s->block);
	s->block += (uint32_t)(len / 64);
}

static void
draw_all(uint32_t epsilon_milli)
{
	struct seed seed = { { 7 }, 0 };
	struct ov_noise n;
	int64_t z;

	memset(count, 0, sizeof(count));
	ov_noise_init_with(&n, fill_from_seed, &seed);
	for (int i = 0; i < DRAWS; i++) {
		assert_int_equal(ov_noise_laplace(&z, &n, epsilon_milli), OV_OK);
		assert_true(z >= -BINS / 2 && z < BINS / 2);
		count[z + BINS / 2]++;
	}
	ov_noise_fini(&n);
}

/* P(z) for the epsilon of the test. */
static double
probability(long z, double epsilon)
{
	double q = exp(-epsilon);

	return (1 - q) / (1 + q) * exp(-epsilon * (double)labs(z));
}

/* P(Z >= z) for z > 0: its geometric tail. */
static double
tail(long z, double epsilon)
{
	double q = exp(-epsilon);

	return exp(-epsilon * (double)z) / (1 + q);
}

/* Distance of the counts from a distribution in standard deviations: chi-square over all
 * values that are expected at least 20 times and the two tails, by the approximation of
 * Wilson and Hilferty. */
static double
distance(double epsilon)
{
	long edge = 1;
	double chi = 0, want, got, df, above = 0, below = 0;

	while (probability(edge, epsilon) * DRAWS >= 20 && edge < BINS / 2 - 1)
		edge++;
	for (long z = -edge + 1; z < edge; z++) {
		want = probability(z, epsilon) * DRAWS;
		got = count[z + BINS / 2];
		chi += (got - want) * (got - want) / want;
	}
	for (long z = edge; z < BINS / 2; z++)
		above += count[z + BINS / 2];
	for (long z = -BINS / 2; z <= -edge; z++)
		below += count[z + BINS / 2];
	want = tail(edge, epsilon) * DRAWS;
	if (want > 1e-3) {
		chi += (above - want) * (above - want) / want;
		chi += (below - want) * (below - want) / want;
		df = (double)(2 * edge);
	} else {
		assert_true(above + below == 0);
		df = (double)(2 * edge - 2);
	}
	return (cbrt(chi / df) - 1 + 2 / (9 * df)) / sqrt(2 / (9 * df));
}

static const uint32_t epsilons[] = { 20, 100, 333, 700, 1000, 1001, 2500, 5000 };
#define N_EPSILONS (sizeof(epsilons) / sizeof(epsilons[0]))

static void
draws_have_the_distribution(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_EPSILONS; i++) {
		double epsilon = epsilons[i] / 1000.0;

		draw_all(epsilons[i]);
		assert_true(fabs(distance(epsilon)) < 3.5);
		/* control: the same draws are not those of an epsilon near by */
		assert_true(distance(epsilon * 1.05) > 6);
		assert_true(distance(epsilon * 0.95) > 6);
	}
}

static void
draws_have_mean_variance_and_symmetry(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_EPSILONS; i++) {
		double epsilon = epsilons[i] / 1000.0, q = exp(-epsilon);
		double variance = 2 * q / ((1 - q) * (1 - q));
		/* fourth moment of this distribution, for the spread of the second */
		double fourth = 2 * q * (1 + 10 * q + q * q) / pow(1 - q, 4);
		double sum = 0, squares = 0, skew = 0;

		draw_all(epsilons[i]);
		for (long z = -BINS / 2; z < BINS / 2; z++) {
			double n = count[z + BINS / 2];

			sum += n * (double)z;
			squares += n * (double)z * (double)z;
			skew += n * (z > 0 ? 1 : z < 0 ? -1 : 0);
		}
		assert_true(fabs(sum) < 4 * sqrt(variance * DRAWS));
		assert_true(fabs(skew) < 4 * sqrt(DRAWS));
		assert_true(fabs(squares - variance * DRAWS) <
			    4 * sqrt((fourth - variance * variance) * DRAWS));
	}
}

/* What the privacy of it rests on: a value is at most e^epsilon times as likely as its
 * neighbour, and exactly so often. */
static void
neighbours_differ_by_the_factor_of_epsilon(void **state)
{
	(void)state;
	draw_all(333);
	for (long z = -12; z < 12; z++) {
		double more = count[(z < 0 ? z + 1 : z) + BINS / 2];
		double less = count[(z < 0 ? z : z + 1) + BINS / 2];
		double spread = sqrt(1 / more + 1 / less);

		assert_true(fabs(log(less / more) + 0.333) < 4 * spread);
		if (labs(z) < 8) /* control */
			assert_true(fabs(log(less / more) + 0.333 * 1.5) > 4 * spread);
	}
}

static void
fill_with_byte(void *arg, void *out, size_t len)
{
	memset(out, *(uint8_t *)arg, len);
}

static void
bits_that_are_not_random_are_a_failure(void **state)
{
	struct ov_noise n;
	int64_t z = 1;
	uint8_t byte;

	(void)state;
	for (int i = 0; i < 2; i++) {
		byte = i == 0 ? 0 : 0xff;
		ov_noise_init_with(&n, fill_with_byte, &byte);
		assert_int_equal(ov_noise_laplace(&z, &n, 333), OV_E_BUG);
		assert_int_equal(z, 0);
	}
	ov_noise_init(&n);
	assert_int_equal(ov_noise_laplace(&z, &n, 0), OV_E_BUG);
	assert_int_equal(ov_noise_laplace(&z, &n, OV_NOISE_EPSILON_MAX + 1), OV_E_BUG);
	assert_int_equal(ov_noise_laplace(&z, &n, OV_NOISE_EPSILON_MAX), OV_OK);
	assert_int_equal(z, 0); /* but for one in e^100 */
	ov_noise_fini(&n);
}

static void
system_draws_are_fresh(void **state)
{
	int64_t z[2][40];

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct ov_noise n;

		ov_noise_init(&n);
		for (int k = 0; k < 40; k++)
			assert_int_equal(ov_noise_laplace(&z[i][k], &n, 333), OV_OK);
		ov_noise_fini(&n);
	}
	assert_memory_not_equal(z[0], z[1], sizeof(z[0]));
}

/* --- +/- --- */

/* P(|sum of two or four draws| <= n), the sums of two by a closed form and those of four
 * from these. */
static double
coverage(unsigned int draws, long n, double epsilon)
{
	static double two[40001];
	double q = exp(-epsilon), c = (1 - q) / (1 + q), all = 0;
	long size = (long)(36 / epsilon) + 40;

	assert_true(size < 20000);
	for (long s = 0; s <= 2 * size; s++)
		two[s] = c * c * exp(-epsilon * (double)s) *
			 ((double)s + (1 + q * q) / (1 - q * q));
	for (long s = 0; s <= n; s++) {
		double p = 0;

		if (draws == 2)
			p = two[s];
		else
			for (long i = -size; i <= size; i++)
				p += two[labs(i)] * two[labs(s - i)];
		all += s == 0 ? p : 2 * p;
	}
	return all;
}

static void
plus_minus_covers_95_in_100(void **state)
{
	static const uint32_t tried[] = { 20, 47, 100, 150, 250, 333, 500, 667, 1000,
		1500, 2000, 3000, 5000, 9000, 11386, 30000, 100000 };

	(void)state;
	for (size_t i = 0; i < sizeof(tried) / sizeof(tried[0]); i++) {
		double epsilon = tried[i] / 1000.0;
		uint32_t pairs = ov_plus_minus_pairs(tried[i]);
		uint32_t fits = ov_plus_minus_fits(tried[i]);

		assert_true(coverage(4, pairs, epsilon) >= 0.95);
		assert_true(coverage(2, fits, epsilon) >= 0.95);
		/* and not much more */
		assert_true(pairs < 2 || coverage(4, (long)pairs - 2, epsilon) < 0.95);
		assert_true(fits < 2 || coverage(2, (long)fits - 2, epsilon) < 0.95);
	}
	assert_int_equal(ov_plus_minus_pairs(333), 17);
	assert_int_equal(ov_plus_minus_fits(333), 12);
	for (uint32_t e = 20; e < 12000; e++)
		assert_true(coverage(2, ov_plus_minus_fits(e), e / 1000.0) >= 0.95);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(draws_have_the_distribution),
		cmocka_unit_test(draws_have_mean_variance_and_symmetry),
		cmocka_unit_test(neighbours_differ_by_the_factor_of_epsilon),
		cmocka_unit_test(bits_that_are_not_random_are_a_failure),
		cmocka_unit_test(system_draws_are_fresh),
		cmocka_unit_test(plus_minus_covers_95_in_100),
	};

	if (ov_crypto_init() != OV_OK)
		return 1;
	return cmocka_run_group_tests_name("noise", tests, NULL, NULL);
}
