#include "server/noise.h"

#include <stdbool.h>

#include "common/crypto/memory.h"

/* Every loop below goes on with a probability of at most 0.7, so 4,096 rounds of one
 * happen once in 2^2000 draws: never, unless the bits are not random. */
#define ROUNDS_MAX 4096

#define SCALE 1000 /* t of the paper: epsilon is s / t */

_Static_assert(OV_NOISE_MAX > (int64_t)SCALE * (ROUNDS_MAX + 1), "bound of a draw");

static void
fill_from_system(void *arg, void *out, size_t len)
{
	(void)arg;
	ov_random(out, len);
}

void
ov_noise_init(struct ov_noise *n)
{
	ov_noise_init_with(n, fill_from_system, NULL);
}

void
ov_noise_init_with(
    struct ov_noise *n, void (*fill)(void *arg, void *out, size_t len), void *arg)
{
	n->fill = fill;
	n->arg = arg;
	n->left = 0;
}

void
ov_noise_fini(struct ov_noise *n)
{
	ov_wipe(n, sizeof(*n));
}

static uint64_t
next_word(struct ov_noise *n)
{
	if (n->left == 0) {
		n->fill(n->arg, n->word, sizeof(n->word));
		n->left = sizeof(n->word) / sizeof(n->word[0]);
	}
	return n->word[--n->left];
}

/* Uniform in 0 .. range - 1; range > 0.  Words from the last multiple of range below 2^64
 * on are not used: fewer than half of all. */
static enum ov_status
uniform(uint64_t *out, struct ov_noise *n, uint64_t range)
{
	uint64_t over = (UINT64_MAX % range + 1) % range; /* 2^64 mod range */

	for (unsigned int i = 0; i < ROUNDS_MAX; i++) {
		uint64_t w = next_word(n);

		if (w <= UINT64_MAX - over) {
			*out = w % range;
			return OV_OK;
		}
	}
	return OV_E_BUG;
}

/* True with probability exp(-num / den), num <= den <= SCALE (Algorithm 1, gamma in 0 ..
 * 1): the number of successes in a row of Bernoulli(gamma / 1), Bernoulli(gamma / 2) ...
 * is even so often.  den * k <= 2^10 * 2^12. */
static enum ov_status
bernoulli_exp(bool *out, struct ov_noise *n, uint64_t num, uint64_t den)
{
	uint64_t u;
	enum ov_status st = OV_OK;

	for (uint64_t k = 1; k <= ROUNDS_MAX; k++) {
		OV_TRY(uniform(&u, n, den * k));
		if (u >= num) {
			*out = k % 2 == 1;
			goto done;
		}
	}
	st = OV_E_BUG;
done:
	return st;
}

/* x >= 0 with probability proportional to exp(-x / SCALE): lower digit u, the higher ones
 * by counting.  x < SCALE * (ROUNDS_MAX + 1). */
static enum ov_status
geometric(uint64_t *x, bool *accepted, struct ov_noise *n)
{
	uint64_t u, v = 0;
	bool more;
	enum ov_status st = OV_OK;

	OV_TRY(uniform(&u, n, SCALE));
	OV_TRY(bernoulli_exp(accepted, n, u, SCALE));
	if (!*accepted)
		goto done;
	for (;;) {
		OV_TRY(bernoulli_exp(&more, n, 1, 1));
		if (!more)
			break;
		OV_REQUIRE(++v <= ROUNDS_MAX, OV_E_BUG);
	}
	*x = u + SCALE * v;
done:
	return st;
}

/* Algorithm 2 with t = SCALE, s = epsilon_milli.  A round is used with probability
 * (1 - 1/e) or more for the digit, then at least 1/2. */
enum ov_status
ov_noise_laplace(int64_t *out, struct ov_noise *n, uint32_t epsilon_milli)
{
	uint64_t x = 0, negative;
	bool accepted;
	enum ov_status st = OV_OK;

	*out = 0;
	OV_REQUIRE(epsilon_milli > 0 && epsilon_milli <= OV_NOISE_EPSILON_MAX, OV_E_BUG);
	for (unsigned int i = 0; i < ROUNDS_MAX; i++) {
		OV_TRY(geometric(&x, &accepted, n));
		if (!accepted)
			continue;
		x /= epsilon_milli;
		OV_TRY(uniform(&negative, n, 2));
		if (negative == 1 && x == 0)
			continue; /* zero has one sign */
		*out = negative == 1 ? -(int64_t)x : (int64_t)x;
		goto done;
	}
	st = OV_E_BUG;
done:
	return st;
}
