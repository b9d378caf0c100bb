/* After a batch, nothing of the scalar, of the tokens or of what was computed from them
 * is left on the stack of the thread that worked, or in its vector registers: each kernel
 * runs on a stack that the test owns and then searches. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include <pthread.h>
#include <sodium.h>

#include "common/crypto/memory.h"
#include "common/psi/expand.h"
#include "common/psi/kernel.h"
#include "common/psi/psi.h"
#include "tests/unit/psi_parts.h"

#define STACK_LEN (4 * 1024 * 1024)
#define N 48 /* whole pairs of vectors: no lane holds padding */
#define NEEDLE 16

static const struct psi_parts *const vector_kernels[] = {
#ifdef OVERLAP_SIMD
	&psi_parts_ifma,
	&psi_parts_avx2,
#endif
	NULL,
};

/* The parts of a kernel; NULL of the portable one. */
static const struct psi_parts *
parts_of(const struct ov_psi_kernel *k)
{
	for (size_t i = 0; vector_kernels[i] != NULL; i++)
		if (vector_kernels[i]->kernel == k)
			return vector_kernels[i];
	return NULL;
}

struct job {
	const struct ov_psi_kernel *kernel;
	struct ov_bytes tokens[N];
	uint8_t text[N][32], scalar[32], half[32], minus_half[32];
	uint8_t uniform[N * OV_UNIFORM_LEN], points[N * OV_POINT_LEN];
	uint8_t out[N * 32], hashed[N * OV_UNIFORM_LEN], ok[N], key[32],
	    tags[N * OV_PSI_TAG_LEN];
	/* what parts->forget() gave of the call that is tried */
	int8_t digits[PSI_DIGITS + 1];
	uint8_t kept[PSI_KEPT_MAX];
	size_t needles; /* of kept: the first, sorted */
};

/* What is tried: functions for a thread, which return NULL, or their argument on failure.
 */
static void *
run_tokens(void *arg)
{
	struct job *j = arg;

	return ov_psi_blind_tokens(j->out, j->tokens, N, j->scalar) == OV_OK ? NULL : j;
}

static void *
run_points(void *arg)
{
	struct job *j = arg;

	return ov_psi_blind_points(j->out, j->ok, j->points, N, j->scalar) == 0 ? NULL
										: j;
}

static void *
run_tags(void *arg)
{
	struct job *j = arg;

	ov_psi_tag(j->tags, j->points, N, j->key);
	return NULL;
}

static void
forget_call(struct job *j, bool points)
{
	const struct psi_call call = { .points = points,
		.in = points ? j->points : j->uniform,
		.scalar = j->scalar,
		.n = N };

	j->needles = parts_of(j->kernel)->forget(j->digits, j->kept, &call) / NEEDLE;
}

/* The controls: what nobody wiped. */
static void *
forget_tokens(void *arg)
{
	forget_call(arg, false);
	return NULL;
}

static void *
forget_points(void *arg)
{
	forget_call(arg, true);
	return NULL;
}

/* A copy as deep in the stack as a kernel works, where the end of a thread does not
 * overwrite it. */
static void *
forget_scalar(void *arg)
{
	struct job *j = arg;
	volatile uint8_t deep[128 * 1024];

	for (size_t i = 0; i < 32; i++)
		deep[i] = j->half[i];
	(void)deep[0];
	return NULL;
}

static int
by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, NEEDLE);
}

/* Two lanes of the same, or of small numbers, are constants and masks. */
static bool
is_telling(const uint8_t *needle)
{
	uint64_t word[2];

	memcpy(word, needle, sizeof(word));
	return word[0] != word[1] && word[0] >> 16 != 0 && word[1] >> 16 != 0;
}

/* Keeps the needles that tell something, and sorts them for the search. */
static void
sort_needles(struct job *j)
{
	size_t n = 0;

	for (size_t i = 0; i < j->needles; i++)
		if (is_telling(j->kept + NEEDLE * i))
			memmove(j->kept + NEEDLE * n++, j->kept + NEEDLE * i, NEEDLE);
	j->needles = n;
	qsort(j->kept, n, NEEDLE, by_bytes);
}

static size_t
count(const uint8_t *stack, const void *needle)
{
	const uint8_t *p = stack, *end = stack + STACK_LEN;
	size_t n = 0;

	while ((p = memmem(p, (size_t)(end - p), needle, NEEDLE)) != NULL) {
		n++;
		p++;
	}
	return n;
}

/* Needles of j->kept; lanes stand at multiples of eight bytes. */
static size_t
count_kept(const uint8_t *area, size_t len, const struct job *j)
{
	size_t n = 0;

	for (size_t at = 0; at + NEEDLE <= len; at += 8)
		n += is_telling(area + at) &&
		     bsearch(area + at, j->kept, j->needles, NEEDLE, by_bytes) != NULL;
	return n;
}

/* Runs fn in a thread of its own; its stack is the caller's to free. */
static uint8_t *
stack_after(struct job *j, void *(*fn)(void *))
{
	uint8_t *stack = aligned_alloc(4096, STACK_LEN);
	pthread_attr_t attr;
	pthread_t thread;
	void *result;

	assert_non_null(stack);
	memset(stack, 0, STACK_LEN);
	assert_int_equal(pthread_attr_init(&attr), 0);
	assert_int_equal(pthread_attr_setstack(&attr, stack, STACK_LEN), 0);
	assert_int_equal(pthread_create(&thread, &attr, fn, j), 0);
	assert_int_equal(pthread_join(thread, &result), 0);
	assert_null(result);
	pthread_attr_destroy(&attr);
	return stack;
}

/* Pieces of what was put in. */
static size_t
count_secrets(const uint8_t *stack, const struct job *j)
{
	return count(stack, j->scalar) + count(stack, j->scalar + NEEDLE) +
	       count(stack, j->half) + count(stack, j->half + NEEDLE) +
	       count(stack, j->minus_half) + count(stack, j->minus_half + NEEDLE) +
	       count(stack, j->key) + count(stack, j->key + NEEDLE) +
	       count(stack, j->text[N - 1]) + count(stack, j->text[0]) +
	       count(stack, j->uniform) + count(stack, j->uniform + 32);
}

static size_t
count_digits(const uint8_t *stack, const struct job *j)
{
	return count(stack, j->digits) + count(stack, j->digits + 16) +
	       count(stack, j->digits + 32) + count(stack, j->digits + 47);
}

static void
fill_job(struct job *j, const struct ov_psi_kernel *k)
{
	uint8_t wide[64];

	j->kernel = k;
	j->needles = 0;
	assert_int_equal(setenv("OVERLAP_KERNEL", k->name, 1), 0);
	assert_int_equal(ov_psi_init(), OV_OK);
	ov_random(wide, sizeof(wide));
	assert_int_equal(ov_psi_scalar(j->scalar, wide), OV_OK);
	ov_psi_scalar_half(j->half, j->minus_half, j->scalar);
	ov_random(j->text, sizeof(j->text));
	ov_random(j->key, sizeof(j->key));
	for (size_t i = 0; i < N; i++)
		j->tokens[i] = OV_BYTES(j->text[i], sizeof(j->text[i]));
	ov_psi_expand_tokens(j->uniform, j->tokens, N);
	ov_random(wide, sizeof(wide));
	assert_int_equal(ov_psi_scalar(wide, wide), OV_OK);
	assert_int_equal(ov_psi_blind_tokens(j->points, j->tokens, N, wide), OV_OK);
}

/* Nothing stays of run; all of it stays of its control, where there is one. */
static void
try_stack(struct job *j, void *(*run)(void *), void *(*forget)(void *))
{
	bool searched = forget != NULL && parts_of(j->kernel) != NULL;
	uint8_t *stack;

	if (searched) {
		stack = stack_after(j, forget);
		sort_needles(j);
		assert_in_range(j->needles, 1000, PSI_KEPT_MAX / NEEDLE);
		assert_true(count_kept(stack, STACK_LEN, j) > j->needles / 2);
		assert_int_not_equal(count_digits(stack, j), 0);
		free(stack);
	}
	stack = stack_after(j, run);
	if (count_secrets(stack, j) != 0)
		fail_msg("kernel %s left a secret", j->kernel->name);
	if (searched && count_digits(stack, j) != 0)
		fail_msg("kernel %s left digits", j->kernel->name);
	if (searched && count_kept(stack, STACK_LEN, j) != 0)
		fail_msg("kernel %s left a part of its work", j->kernel->name);
	free(stack);
}

static void
no_secret_stays_on_the_stack(void **state)
{
	static struct job j;

	(void)state;
	for (size_t i = 0; ov_psi_kernels[i] != NULL; i++) {
		if (!ov_psi_kernels[i]->usable())
			continue;
		fill_job(&j, ov_psi_kernels[i]);
		try_stack(&j, run_tokens, forget_tokens);
		try_stack(&j, run_points, forget_points);
		try_stack(&j, run_tags, NULL);
	}
}

/* The portable kernel's control: a mapped point in a frame of about its depth. */
static void *
forget_mapped(void *arg)
{
	struct job *j = arg;
	volatile uint8_t deep[16 * 1024];
	uint8_t p[32];

	(void)crypto_core_ristretto255_from_hash(p, j->uniform);
	for (size_t i = 0; i < 32; i++)
		deep[i] = p[i];
	(void)deep[0];
	return NULL;
}

/* Encodings of what the first and the last token are mapped to: who has one can try
 * tokens, as with the token itself. */
static size_t
count_mapped(const uint8_t *stack, const struct job *j)
{
	const size_t tokens[] = { 0, N - 1 };
	size_t n = 0;

	for (size_t i = 0; i < 2; i++) {
		uint8_t p[32];

		(void)crypto_core_ristretto255_from_hash(
		    p, j->uniform + OV_UNIFORM_LEN * tokens[i]);
		n += count(stack, p) + count(stack, p + NEEDLE);
	}
	return n;
}

static void
no_mapped_point_stays_of_the_portable_kernel(void **state)
{
	static struct job j;
	uint8_t *stack;

	(void)state;
	fill_job(&j, &ov_psi_kernel_portable);
	stack = stack_after(&j, forget_mapped);
	assert_int_not_equal(count_mapped(stack, &j), 0);
	free(stack);
	stack = stack_after(&j, run_tokens);
	assert_int_equal(count_mapped(stack, &j), 0);
	free(stack);
}

/* One function of a kernel, with nothing before or behind it. */
static void *
only_expand(void *arg)
{
	struct job *j = arg;

	j->kernel->expand(j->hashed, j->tokens, N);
	return NULL;
}

static void *
only_blind_uniform(void *arg)
{
	struct job *j = arg;

	j->kernel->blind_uniform(j->out, j->ok, j->uniform, N, j->scalar);
	return NULL;
}

static void *
only_blind_points(void *arg)
{
	struct job *j = arg;

	j->kernel->blind_points(j->out, j->ok, j->points, N, j->scalar);
	return NULL;
}

static void *
only_tag(void *arg)
{
	struct job *j = arg;

	j->kernel->tag(j->tags, j->points, N, j->key);
	return NULL;
}

static bool
is_zero(const uint8_t registers[PSI_REGISTERS_LEN])
{
	uint8_t any = 0;

	for (size_t i = 0; i < PSI_REGISTERS_LEN; i++)
		any |= registers[i];
	return any == 0;
}

static void
nothing_stays_in_vector_registers(void **state)
{
	static struct job j;
	void *(*const runs[])(
	    void *) = { only_expand, only_blind_uniform, only_blind_points, only_tag };
	uint8_t registers[PSI_REGISTERS_LEN];

	(void)state;
	for (size_t i = 0; vector_kernels[i] != NULL; i++) {
		const struct psi_parts *parts = vector_kernels[i];

		if (!parts->kernel->usable())
			continue;
		fill_job(&j, parts->kernel);
		parts->registers_after(registers, forget_points, &j); /* the control */
		sort_needles(&j);
		assert_int_not_equal(count_kept(registers, sizeof(registers), &j), 0);
		for (size_t r = 0; r < sizeof(runs) / sizeof(runs[0]); r++) {
			parts->registers_after(registers, runs[r], &j);
			if (!is_zero(registers))
				fail_msg(
				    "kernel %s, function %zu", parts->kernel->name, r);
		}
	}
}

static void
the_search_finds_a_copy(void **state)
{
	static struct job j;
	uint8_t *stack;

	(void)state;
	fill_job(&j, &ov_psi_kernel_portable);
	stack = stack_after(&j, forget_scalar);
	assert_int_not_equal(count_secrets(stack, &j), 0);
	free(stack);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_secret_stays_on_the_stack),
		cmocka_unit_test(no_mapped_point_stays_of_the_portable_kernel),
		cmocka_unit_test(nothing_stays_in_vector_registers),
		cmocka_unit_test(the_search_finds_a_copy),
	};

	if (ov_crypto_init() != OV_OK)
		return 1;
	return cmocka_run_group_tests_name("psi_wipe", tests, NULL, NULL);
}
