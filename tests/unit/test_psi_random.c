/* 100,000 inputs a kernel against libsodium: 40 % first blindings, 60 % second ones, of
 * which a third is mostly invalid.
 *
 *     unit_psi_random tokens|points */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include "common/crypto/memory.h"
#include "tests/unit/psi_compare.h"

/* Sanitizers are slow and look for other things. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MANY 2000
#else
#define MANY 40000
#endif

static void
uniform_strings_of_tokens(void **state)
{
	static uint8_t in[500 * 64];
	uint8_t s[32];

	(void)state;
	for (size_t i = 0; i < MANY; i += 500) {
		fill(in, sizeof(in));
		fill_scalar(s);
		assert_int_equal(compare(in, 64, 500, s), 500);
	}
}

static void
points(void **state)
{
	static uint8_t in[500 * 32];
	uint8_t s[32];

	(void)state;
	for (size_t i = 0; i < MANY; i += 500) {
		fill_points(in, 500);
		fill_scalar(s);
		assert_int_equal(compare(in, 32, 500, s), 500);
	}
}

/* Random bytes are mostly no encodings; between them good points and their bit flips. */
static void
bytes_among_points(void **state)
{
	static uint8_t in[500 * 32];
	uint8_t s[32];
	size_t good = 0;

	(void)state;
	for (size_t round = 0; round < MANY; round += 1000) {
		fill(in, sizeof(in));
		for (size_t i = 0; i < 500; i++) {
			uint8_t *p = in + 32 * i;
			uint8_t byte = p[8] & 31, bit = p[9] & 7;

			if (i % 5 != 0) {
				p[0] &= 0xfe; /* plausible, so that decoding decides */
				p[31] &= 0x7f;
			}
			if (i % 3 == 0)
				fill_points(p, 1);
			if (i % 6 == 0)
				p[byte] ^= (uint8_t)(1 << bit);
		}
		fill_scalar(s);
		good += compare(in, 32, 500, s);
	}
	assert_in_range(good, MANY / 20, MANY / 2); /* both kinds came up */
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(uniform_strings_of_tokens),
		cmocka_unit_test(points),
		cmocka_unit_test(bytes_among_points),
	};

	if (!choose_half(argc, argv))
		return 2;
	if (ov_crypto_init() != OV_OK)
		return 1;
	return cmocka_run_group_tests_name("psi_random", tests, NULL, NULL);
}
