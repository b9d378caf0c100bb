/* After a batch, nothing of the scalar or of the tokens is left on the stack of the
 * thread that worked: each kernel runs on a stack that the test owns and then searches.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include <pthread.h>

#include "common/crypto/memory.h"
#include "common/psi/expand.h"
#include "common/psi/kernel.h"
#include "common/psi/psi.h"

#define STACK_LEN (4 * 1024 * 1024)
#define N 40
#define NEEDLE 16

struct job {
	struct ov_bytes tokens[N];
	uint8_t text[N][32], scalar[32], half[32], minus_half[32],
	    uniform[OV_UNIFORM_LEN];
	uint8_t out[N * 32], ok[N], key[32], tags[N * OV_PSI_TAG_LEN];
};

static void *
blind_both(void *arg)
{
	struct job *j = arg;

	if (ov_psi_blind_tokens(j->out, j->tokens, N, j->scalar) != OV_OK ||
	    ov_psi_blind_points(j->out, j->ok, j->out, N, j->scalar) != 0)
		return j;
	ov_psi_tag(j->tags, j->out, N, j->key);
	return NULL;
}

/* The control: a copy that nobody wiped, as deep in the stack as a kernel works, where
 * the end of a thread does not overwrite it. */
static void *
forget_to_wipe(void *arg)
{
	struct job *j = arg;
	volatile uint8_t deep[128 * 1024];

	for (size_t i = 0; i < 32; i++)
		deep[i] = j->half[i];
	(void)deep[0];
	return NULL;
}

static size_t
count(const uint8_t *stack, const uint8_t *needle)
{
	const uint8_t *p = stack, *end = stack + STACK_LEN;
	size_t n = 0;

	while ((p = memmem(p, (size_t)(end - p), needle, NEEDLE)) != NULL) {
		n++;
		p++;
	}
	return n;
}

/* Pieces of secrets found on the stack of a thread that ran fn. */
static size_t
leftovers(struct job *j, void *(*fn)(void *))
{
	uint8_t *stack = aligned_alloc(4096, STACK_LEN);
	pthread_attr_t attr;
	pthread_t thread;
	void *result;
	size_t n;

	assert_non_null(stack);
	memset(stack, 0, STACK_LEN);
	assert_int_equal(pthread_attr_init(&attr), 0);
	assert_int_equal(pthread_attr_setstack(&attr, stack, STACK_LEN), 0);
	assert_int_equal(pthread_create(&thread, &attr, fn, j), 0);
	assert_int_equal(pthread_join(thread, &result), 0);
	assert_null(result);
	pthread_attr_destroy(&attr);
	n = count(stack, j->scalar) + count(stack, j->scalar + NEEDLE) +
	    count(stack, j->half) + count(stack, j->half + NEEDLE) +
	    count(stack, j->minus_half) + count(stack, j->minus_half + NEEDLE) +
	    count(stack, j->key) + count(stack, j->key + NEEDLE) +
	    count(stack, j->text[N - 1]) + count(stack, j->text[0]) +
	    count(stack, j->uniform) + count(stack, j->uniform + 32);
	free(stack);
	return n;
}

static void
fill_job(struct job *j)
{
	uint8_t wide[64];

	ov_random(wide, sizeof(wide));
	assert_int_equal(ov_psi_scalar(j->scalar, wide), OV_OK);
	ov_psi_scalar_half(j->half, j->minus_half, j->scalar);
	ov_random(j->text, sizeof(j->text));
	ov_random(j->key, sizeof(j->key));
	for (size_t i = 0; i < N; i++)
		j->tokens[i] = OV_BYTES(j->text[i], sizeof(j->text[i]));
	assert_int_equal(ov_psi_expand(j->uniform, sizeof(j->uniform), j->tokens[0],
			     OV_LITERAL(OV_PSI_DST)),
	    OV_OK);
}

static void
no_secret_stays_on_the_stack(void **state)
{
	static struct job j;

	(void)state;
	fill_job(&j);
	for (size_t i = 0; ov_psi_kernels[i] != NULL; i++) {
		if (!ov_psi_kernels[i]->usable())
			continue;
		assert_int_equal(setenv("OVERLAP_KERNEL", ov_psi_kernels[i]->name, 1), 0);
		assert_int_equal(ov_psi_init(), OV_OK);
		if (leftovers(&j, blind_both) != 0)
			fail_msg("kernel %s", ov_psi_kernels[i]->name);
	}
}

static void
the_search_finds_a_copy(void **state)
{
	static struct job j;

	(void)state;
	fill_job(&j);
	assert_int_not_equal(leftovers(&j, forget_to_wipe), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_secret_stays_on_the_stack),
		cmocka_unit_test(the_search_finds_a_copy),
	};

	if (ov_crypto_init() != OV_OK)
		return 1;
	return cmocka_run_group_tests_name("psi_wipe", tests, NULL, NULL);
}
