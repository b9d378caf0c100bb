/* field_bounds.h - values at each checked limit and one beyond it, for field_model.py;
 * included after a field's limb_below().
 *
 * `bound NAME LIMB LANE BEYOND SIGNAL` for each: what the process died of that tried it,
 * 0 if it lived.  A build without assertions says `unchecked` instead. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/psi/vector_kernel.h"

#define LIMBS_OF_FE (sizeof(struct fe) / (8 * LANES))

/* Where the value stands that is at the limit, or beyond by this much. */
struct place {
	size_t limb, lane;
	uint64_t beyond;
};

static struct fe
fe_of_one(struct place at, uint64_t value)
{
	uint64_t limbs[LIMBS_OF_FE][LANES] = { { 0 } };
	struct fe r;

	limbs[at.limb][at.lane] = value;
	memcpy(&r, limbs, sizeof(r));
	return r;
}

static struct fe
fe_at_limit(struct place at)
{
	return fe_of_one(at, limb_below((int)at.limb) - 1 + at.beyond);
}

static void
bound_first_factor(struct place at)
{
	struct fe a = fe_at_limit(at), b = CONST(ONE), r;

	fe_mul(&r, &a, &b);
}

static void
bound_second_factor(struct place at)
{
	struct fe a = CONST(ONE), b = fe_at_limit(at), r;

	fe_mul(&r, &a, &b);
}

static void
bound_square(struct place at)
{
	struct fe a = fe_at_limit(at), r;

	fe_sqr(&r, &a);
}

static void
bound_encoded(struct place at)
{
	uint8_t out[32 * LANES];

	fe_store(out, fe_at_limit(at));
}

static void
bound_sign(struct place at)
{
	(void)fe_is_negative(fe_at_limit(at));
}

/* A sum before the carry. */
static void
bound_column(struct place at)
{
	(void)fe_carry(wide_of(fe_of_one(at, (1ULL << 62) - 1 + at.beyond)));
}

static void
bound_difference(struct place at)
{
	(void)wide_sub(
	    wide_of(fe_of_one(at, 1000)), wide_of(fe_of_one(at, 1000 + at.beyond)));
}

static void
bound_sum(struct place at)
{
	const struct wide w =
	    wide_of(fe_of_one(at, (UINT64_C(3574) << 50) - 1 + at.beyond));

	CHECK_SUM(w, 3574);
	(void)w;
}

/* No factors within their own limits would do, so the check alone. */
static void
bound_product(struct place at)
{
	const struct wide w = wide_of(
	    fe_of_one(at, ((uint64_t)PRODUCT_BELOW(at.limb) << 50) - 1 + at.beyond));

	CHECK_PRODUCT(w, NO_OFFSET);
	(void)w;
}

/* 2^251 + 2^125 has a top nibble of 8. */
static void
bound_scalar(struct place at)
{
	uint8_t s[32] = { 0 };
	int8_t digits[DIGITS];

	s[31] = (uint8_t)(8 + at.beyond);
	recode(digits, s, 0);
}

static void
bound_token(struct place at)
{
	static const uint8_t token[OV_TOKEN_MAX + 1];
	/* one block more than a token needs, so that only the check can stop it */
	static uint8_t text[(BLOCKS_MAX + 1) * BLOCK_LEN];

	(void)pad_message(text, OV_BYTES(token, OV_TOKEN_MAX + at.beyond));
}

static const struct bound {
	const char *name;
	void (*run)(struct place at);
	size_t limbs, lanes;
} bounds[] = {
	{ "first_factor", bound_first_factor, LIMBS_OF_FE, LANES },
	{ "second_factor", bound_second_factor, LIMBS_OF_FE, LANES },
	{ "square", bound_square, LIMBS_OF_FE, LANES },
	{ "encoded", bound_encoded, LIMBS_OF_FE, LANES },
	{ "sign", bound_sign, LIMBS_OF_FE, LANES },
	{ "column", bound_column, LIMBS_OF_FE, LANES },
	{ "difference", bound_difference, LIMBS_OF_FE, LANES },
	{ "sum", bound_sum, LIMBS_OF_FE, LANES },
	{ "product", bound_product, LIMBS_OF_FE, LANES },
	{ "scalar", bound_scalar, 1, 1 },
	{ "token", bound_token, 1, 1 },
};

/* The signal that ends a process that runs it, or 0. */
static int
signal_of(const struct bound *b, struct place at)
{
	const struct rlimit no_core = { 0, 0 };
	int status;
	pid_t child;

	(void)fflush(stdout);
	child = fork();
	if (child == 0) {
		if (setrlimit(RLIMIT_CORE, &no_core) != 0 ||
		    freopen("/dev/null", "w", stderr) == NULL)
			_exit(1);
		b->run(at);
		_exit(0);
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		exit(1);
	return WIFSIGNALED(status) ? WTERMSIG(status) : -WEXITSTATUS(status);
}

static void
trace_bounds(void)
{
#ifdef NDEBUG
	printf("unchecked\n");
#endif
	for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
		const struct bound *b = &bounds[i];
		struct place at;

		for (at.limb = 0; at.limb < b->limbs; at.limb++)
			for (at.lane = 0; at.lane < b->lanes; at.lane++)
				for (at.beyond = 0; at.beyond < 2; at.beyond++)
					printf("bound %s %zu %zu %d %d\n", b->name,
					    at.limb, at.lane, (int)at.beyond,
					    signal_of(b, at));
	}
}
