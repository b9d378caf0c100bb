/* Which kernel ov_psi_init() takes, on a machine that the test makes up: psi.c among two
 * vector kernels that are the portable one under other names, usable or not, right or
 * wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include <unistd.h>

#include "common/crypto/memory.h"
#include "common/log.h"
#include "common/psi/kernel.h"
#include "common/psi/psi.h"

/* What a kernel of this machine is like, and the calls that reached it. */
struct machine {
	bool usable, wrong;
	size_t calls;
};
static struct machine avx2, ifma;

/* The functions of a kernel over its struct machine. */
#define KERNEL(m)                                                                        \
	static bool m##_usable(void)                                                     \
	{                                                                                \
		return m.usable;                                                         \
	}                                                                                \
	static void m##_expand(                                                          \
	    uint8_t *uniform, const struct ov_bytes *tokens, size_t n)                   \
	{                                                                                \
		m.calls++;                                                               \
		ov_psi_kernel_portable.expand(uniform, tokens, n);                       \
	}                                                                                \
	static void m##_blind_uniform(uint8_t *out, uint8_t *ok, const uint8_t *uniform, \
	    size_t n, const uint8_t scalar[32])                                          \
	{                                                                                \
		m.calls++;                                                               \
		ov_psi_kernel_portable.blind_uniform(out, ok, uniform, n, scalar);       \
	}                                                                                \
	static void m##_blind_points(uint8_t *out, uint8_t *ok, const uint8_t *points,   \
	    size_t n, const uint8_t scalar[32])                                          \
	{                                                                                \
		m.calls++;                                                               \
		ov_psi_kernel_portable.blind_points(out, ok, points, n, scalar);         \
	}                                                                                \
	static void m##_tag(                                                             \
	    uint8_t *tags, const uint8_t *points, size_t n, const uint8_t key[32])       \
	{                                                                                \
		m.calls++;                                                               \
		ov_psi_kernel_portable.tag(tags, points, n, key);                        \
		tags[0] ^= m.wrong;                                                      \
	}                                                                                \
	const struct ov_psi_kernel ov_psi_kernel_##m = { .name = #m,                     \
		.usable = m##_usable,                                                    \
		.expand = m##_expand,                                                    \
		.blind_uniform = m##_blind_uniform,                                      \
		.blind_points = m##_blind_points,                                        \
		.tag = m##_tag }

KERNEL(avx2);
KERNEL(ifma);

static int
any_machine(void **state)
{
	(void)state;
	avx2 = ifma = (struct machine){ .usable = true };
	assert_int_equal(setenv("OVERLAP_KERNEL", "portable", 1), 0);
	assert_int_equal(ov_psi_init(), OV_OK);
	assert_int_equal(unsetenv("OVERLAP_KERNEL"), 0);
	return 0;
}

/* NULL: the environment says nothing. */
static enum ov_status
init_with(const char *kernel)
{
	if (kernel == NULL)
		assert_int_equal(unsetenv("OVERLAP_KERNEL"), 0);
	else
		assert_int_equal(setenv("OVERLAP_KERNEL", kernel, 1), 0);
	return ov_psi_init();
}

static void
the_fastest_that_is_usable_is_taken(void **state)
{
	(void)state;
	assert_int_equal(init_with(NULL), OV_OK);
	assert_string_equal(ov_psi_kernel(), "ifma");
	ifma.usable = false;
	assert_int_equal(init_with(NULL), OV_OK);
	assert_string_equal(ov_psi_kernel(), "avx2");
	avx2.usable = false;
	assert_int_equal(init_with(NULL), OV_OK);
	assert_string_equal(ov_psi_kernel(), "portable");
}

static void
the_environment_names_another(void **state)
{
	const char *const names[] = { "avx2", "portable", "ifma" };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(init_with(names[i]), OV_OK);
		assert_string_equal(ov_psi_kernel(), names[i]);
	}
	assert_int_equal(init_with("avx2"), OV_OK);
	assert_int_equal(init_with(""), OV_OK); /* as if it were not set */
	assert_string_equal(ov_psi_kernel(), "ifma");
}

static void
one_that_cannot_run_is_refused_and_not_replaced(void **state)
{
	(void)state;
	avx2.usable = false;
	assert_int_equal(init_with("avx2"), OV_E_PSI_UNAVAILABLE);
	assert_string_equal(ov_psi_kernel(), "portable");
	assert_int_equal(avx2.calls, 0);
	ifma.usable = false;
	assert_int_equal(init_with("ifma"), OV_E_PSI_UNAVAILABLE);
	assert_int_equal(ifma.calls, 0);
	assert_int_equal(init_with("AVX2"), OV_E_PSI_KERNEL);
	assert_string_equal(ov_psi_kernel(), "portable");
}

static void
one_that_is_wrong_is_not_used(void **state)
{
	(void)state;
	ifma.wrong = true;
	assert_int_equal(init_with(NULL), OV_E_PSI_SELFTEST);
	assert_string_equal(ov_psi_kernel(), "portable");
	assert_int_equal(init_with("ifma"), OV_E_PSI_SELFTEST);
	assert_string_equal(ov_psi_kernel(), "portable");
	assert_int_equal(init_with("avx2"), OV_OK);
	assert_int_equal(init_with("ifma"), OV_E_PSI_SELFTEST);
	assert_string_equal(ov_psi_kernel(), "avx2");
}

static void
all_work_goes_to_the_one_that_was_taken(void **state)
{
	const struct ov_bytes token = OV_LITERAL("lei\x1f"
						 "x");
	uint8_t one[32] = { 1 }, point[32], tag[OV_PSI_TAG_LEN], ok;

	(void)state;
	assert_int_equal(init_with("avx2"), OV_OK);
	avx2.calls = 0;
	assert_int_equal(ov_psi_blind_tokens(point, &token, 1, one), OV_OK);
	assert_int_equal(avx2.calls, 2);
	assert_int_equal(ov_psi_blind_points(point, &ok, point, 1, one), 0);
	assert_int_equal(avx2.calls, 3);
	ov_psi_tag(tag, point, 1, one);
	assert_int_equal(avx2.calls, 4);
	assert_int_equal(ifma.calls, 0);
}

/* What ov_psi_init() writes to standard error. */
static void
log_of(char *text, size_t len, const char *kernel)
{
	FILE *log = tmpfile();
	int saved = dup(STDERR_FILENO);
	enum ov_status st;
	size_t n;

	assert_non_null(log);
	assert_int_not_equal(saved, -1);
	assert_int_equal(dup2(fileno(log), STDERR_FILENO), STDERR_FILENO);
	st = init_with(kernel);
	assert_int_equal(dup2(saved, STDERR_FILENO), STDERR_FILENO);
	assert_int_equal(st, OV_OK);
	close(saved);
	rewind(log);
	n = fread(text, 1, len - 1, log);
	text[n] = '\0';
	fclose(log);
}

static void
the_choice_is_logged(void **state)
{
	const char *const names[] = { "portable", "avx2", "ifma" };
	char text[200], event[40];

	(void)state;
	ov_log_set_level(OV_LOG_INFO);
	for (size_t i = 0; i < 3; i++) {
		(void)snprintf(event, sizeof(event), " info psi.kernel_%s\n", names[i]);
		log_of(text, sizeof(text), names[i]);
		assert_non_null(strstr(text, event));
	}
	ov_log_set_level(OV_LOG_WARN);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_fastest_that_is_usable_is_taken, any_machine),
		cmocka_unit_test_setup(the_environment_names_another, any_machine),
		cmocka_unit_test_setup(
		    one_that_cannot_run_is_refused_and_not_replaced, any_machine),
		cmocka_unit_test_setup(one_that_is_wrong_is_not_used, any_machine),
		cmocka_unit_test_setup(
		    all_work_goes_to_the_one_that_was_taken, any_machine),
		cmocka_unit_test_setup(the_choice_is_logged, any_machine),
	};

	if (ov_crypto_init() != OV_OK)
		return 1;
	return cmocka_run_group_tests_name("psi_choice", tests, NULL, NULL);
}
