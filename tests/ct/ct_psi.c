/* ct_psi - runs a blinding kernel with its secrets marked undefined, for valgrind: a
 * branch or an address that depends on them is then reported as a use of undefined
 * memory.
 *
 *     valgrind --error-exitcode=99 ct_psi KERNEL scalar|tokens|leak-branch|leak-address
 *
 * `scalar` marks the scalar, `tokens` the tokens and what they hash to; the `leak` modes
 * are controls, which must be reported.  Exit code 77: no such kernel here. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <valgrind/memcheck.h>

#include "common/crypto/memory.h"
#include "common/psi/expand.h"
#include "common/psi/kernel.h"
#include "common/psi/psi.h"

#define N 21 /* not a whole number of vectors */
#define SKIP 77

static const struct ov_psi_kernel *
find_kernel(const char *name)
{
	for (size_t i = 0; ov_psi_kernels[i] != NULL; i++)
		if (strcmp(ov_psi_kernels[i]->name, name) == 0 &&
		    ov_psi_kernels[i]->usable())
			return ov_psi_kernels[i];
	return NULL;
}

struct items {
	uint8_t text[N][100], uniform[N * OV_UNIFORM_LEN];
	struct ov_bytes tokens[N];
	uint8_t points[N * OV_POINT_LEN], ok[N], scalar[OV_SCALAR_LEN];
};

static void
prepare(struct items *it)
{
	uint8_t wide[64];

	ov_random(it->text, sizeof(it->text));
	ov_random(wide, sizeof(wide));
	for (size_t i = 0; i < N; i++)
		it->tokens[i] = OV_BYTES(it->text[i], 5 * i); /* one and two blocks */
	if (ov_psi_scalar(it->scalar, wide) != OV_OK ||
	    ov_psi_blind_tokens(it->points, it->tokens, N, it->scalar) != OV_OK)
		abort();
}

static void
secret_scalar(const struct ov_psi_kernel *k, struct items *it)
{
	uint8_t wide[64], s[OV_SCALAR_LEN];
	enum ov_status st;

	k->expand(it->uniform, it->tokens, N);
	VALGRIND_MAKE_MEM_UNDEFINED(it->scalar, sizeof(it->scalar));
	k->blind_uniform(it->points, it->ok, it->uniform, N, it->scalar);
	VALGRIND_MAKE_MEM_DEFINED(it->points, sizeof(it->points));
	k->blind_points(it->points, it->ok, it->points, N, it->scalar);
	VALGRIND_MAKE_MEM_UNDEFINED(it->points, sizeof(it->points));
	k->tag(it->uniform, it->points, N, it->scalar); /* as its key */
	/* reduction: only whether the result is 0 may show, and is looked at */
	ov_random(wide, sizeof(wide));
	VALGRIND_MAKE_MEM_UNDEFINED(wide, sizeof(wide));
	st = ov_psi_scalar(s, wide);
	VALGRIND_MAKE_MEM_DEFINED(&st, sizeof(st));
}

static void
secret_tokens(const struct ov_psi_kernel *k, struct items *it)
{
	VALGRIND_MAKE_MEM_UNDEFINED(it->text, sizeof(it->text));
	k->expand(it->uniform, it->tokens, N);
	k->blind_uniform(it->points, it->ok, it->uniform, N, it->scalar);
}

static void
leak_branch(struct items *it)
{
	static volatile int sink;

	VALGRIND_MAKE_MEM_UNDEFINED(it->scalar, sizeof(it->scalar));
	if (it->scalar[3] & 1)
		sink++;
}

static void
leak_address(struct items *it)
{
	static volatile uint8_t table[256], sink;

	VALGRIND_MAKE_MEM_UNDEFINED(it->scalar, sizeof(it->scalar));
	sink = table[it->scalar[3]];
	(void)sink;
}

int
main(int argc, char **argv)
{
	static struct items it;
	const struct ov_psi_kernel *k;

	if (argc != 3)
		return 2;
	k = find_kernel(argv[1]);
	if (k == NULL) {
		(void)printf("skipped: no kernel %s here\n", argv[1]);
		return SKIP;
	}
	if (ov_crypto_init() != OV_OK)
		return 1;
	prepare(&it);
	if (strcmp(argv[2], "scalar") == 0)
		secret_scalar(k, &it);
	else if (strcmp(argv[2], "tokens") == 0)
		secret_tokens(k, &it);
	else if (strcmp(argv[2], "leak-branch") == 0)
		leak_branch(&it);
	else if (strcmp(argv[2], "leak-address") == 0)
		leak_address(&it);
	else
		return 2;
	return 0;
}
