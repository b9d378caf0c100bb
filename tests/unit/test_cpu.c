/* Which kernels may run: the processor's words and the system's, one bit taken away at a
 * time.  The numbers of bits are from the makers' manuals, not from cpu.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include "common/psi/cpu.h"

#define BIT(n) (UINT32_C(1) << (n))

/* A processor and a system with all of it, and nothing else. */
static const struct ov_cpu_words all = {
	.leaf1_ecx = BIT(27) | BIT(28), /* OSXSAVE, AVX */
	.leaf7_ebx = BIT(5) | BIT(8) |	/* AVX2, BMI2 */
		     BIT(16) | BIT(17) | BIT(21) | BIT(30) |
		     BIT(31), /* AVX-512 F, DQ, IFMA, BW, VL */
	.xcr0 = BIT(1) | BIT(2) | BIT(5) | BIT(6) | BIT(7), /* SSE, AVX; opmask, ZMM */
};

/* Asserts what `all` without these bits may run. */
static void
without(uint32_t leaf1, uint32_t leaf7, uint32_t xcr0, bool avx2, bool ifma)
{
	const struct ov_cpu_words w = { all.leaf1_ecx & ~leaf1, all.leaf7_ebx & ~leaf7,
		all.xcr0 & ~xcr0 };

	assert_int_equal(ov_cpu_words_allow_avx2(&w), avx2);
	assert_int_equal(ov_cpu_words_allow_ifma(&w), ifma);
}

static void
all_of_it_runs_both(void **state)
{
	const struct ov_cpu_words everything = { UINT32_MAX, UINT32_MAX, UINT32_MAX };

	(void)state;
	without(0, 0, 0, true, true);
	assert_true(ov_cpu_words_allow_avx2(&everything));
	assert_true(ov_cpu_words_allow_ifma(&everything));
}

static void
an_instruction_is_missing(void **state)
{
	const uint32_t avx512[] = { BIT(16), BIT(17), BIT(21), BIT(30), BIT(31) };

	(void)state;
	without(BIT(28), 0, 0, false, false); /* AVX */
	without(0, BIT(5), 0, false, false);
	without(0, BIT(8), 0, false, false);
	for (size_t i = 0; i < sizeof(avx512) / sizeof(avx512[0]); i++)
		without(0, avx512[i], 0, true, false);
}

static void
the_system_does_not_save_registers(void **state)
{
	(void)state;
	without(BIT(27), 0, 0, false, false); /* no OSXSAVE: xcr0 means nothing */
	without(0, 0, BIT(1), false, false);  /* xmm */
	without(0, 0, BIT(2), false, false);  /* upper halves of ymm */
	without(0, 0, BIT(5), true, false);   /* opmask */
	without(0, 0, BIT(6), true, false);   /* upper halves of zmm0 to 15 */
	without(0, 0, BIT(7), true, false);   /* zmm16 to 31 */
	without(0, 0, UINT32_MAX, false, false);
}

static void
a_processor_without_the_leaf_runs_none(void **state)
{
	const struct ov_cpu_words old = { all.leaf1_ecx, 0, all.xcr0 }, none = { 0 };

	(void)state;
	assert_false(ov_cpu_words_allow_avx2(&old));
	assert_false(ov_cpu_words_allow_ifma(&old));
	assert_false(ov_cpu_words_allow_avx2(&none));
	assert_false(ov_cpu_words_allow_ifma(&none));
}

/* The compiler's own library reads the same registers. */
static void
this_machine_is_read_as_the_compiler_reads_it(void **state)
{
	bool avx2, ifma;

	(void)state;
	__builtin_cpu_init();
	avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2");
	ifma = avx2 && __builtin_cpu_supports("avx512f") &&
	       __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
	       __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512ifma");
	assert_int_equal(ov_cpu_has_avx2(), avx2);
	assert_int_equal(ov_cpu_has_ifma(), ifma);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_of_it_runs_both),
		cmocka_unit_test(an_instruction_is_missing),
		cmocka_unit_test(the_system_does_not_save_registers),
		cmocka_unit_test(a_processor_without_the_leaf_runs_none),
		cmocka_unit_test(this_machine_is_read_as_the_compiler_reads_it),
	};

	return cmocka_run_group_tests_name("cpu", tests, NULL, NULL);
}
