/* Sorting of many numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/work/numbers.h"

static uint64_t
next(uint64_t *state)
{
	*state = *state * 6364136223846793005U + 1442695040888963407U;
	return *state ^ *state >> 29;
}

static int
compare(const void *a, const void *b)
{
	uint64_t x, y;

	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
	return x < y ? -1 : x > y;
}

/* n numbers under a mask, against the C library. */
static void
check(size_t n, uint64_t mask)
{
	uint64_t *v = malloc((n + 1) * sizeof(*v)), *want = malloc((n + 1) * sizeof(*v));
	uint64_t *spare = malloc((n + 1) * sizeof(*v)), seed = n + mask;

	assert_true(v != NULL && want != NULL && spare != NULL);
	for (size_t i = 0; i < n; i++)
		want[i] = v[i] = next(&seed) & mask;
	v[n] = spare[n] = 42; /* just past the end */
	qsort(want, n, sizeof(*want), compare);
	ov_numbers_sort(v, spare, n);
	assert_memory_equal(v, want, n * sizeof(*v));
	assert_int_equal(v[n], 42);
	assert_int_equal(spare[n], 42);
	free(v);
	free(want);
	free(spare);
}

static void
any_number_of_numbers(void **state)
{
	(void)state;
	for (size_t n = 0; n < 300; n++)
		check(n, UINT64_MAX);
	check(100000, UINT64_MAX);
}

/* Passes are left out where a byte is the same in all: an odd and an even number of
 * them, the first and the last among them. */
static void
bytes_that_are_the_same_in_all(void **state)
{
	(void)state;
	check(1000, 0);
	for (unsigned int p = 0; p < 8; p++) {
		check(1000, UINT64_C(255) << (8 * p));
		check(1000, ~(UINT64_C(255) << (8 * p)));
	}
	check(1000, 1); /* many equal ones */
	check(1000, UINT64_C(1) << 63);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_number_of_numbers),
		cmocka_unit_test(bytes_that_are_the_same_in_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
