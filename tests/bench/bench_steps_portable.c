/* The steps of the portable kernel: libsodium decodes, multiplies and encodes in one
 * call.
 */
#include <sodium.h>

#include "common/psi/expand.h"
#include "common/psi/kernel.h"
#include "common/psi/psi.h"
#include "tests/bench/bench_kernel.h"

static const char *const step_names[] = { "hash", "map", "multiply", "tag", NULL };

static void
round_of_steps(struct series *steps, const uint8_t *uniform, const uint8_t *encodings,
    const uint8_t scalar[32])
{
	static uint8_t hashed[PORTABLE_ITEMS * OV_UNIFORM_LEN], point[OV_POINT_LEN];
	struct ov_bytes tokens[PORTABLE_ITEMS];
	uint64_t t;

	for (size_t i = 0; i < PORTABLE_ITEMS; i++)
		tokens[i] = OV_BYTES(uniform + OV_UNIFORM_LEN * i, 24);
	t = now_ns();
	ov_psi_kernel_portable.expand(hashed, tokens, PORTABLE_ITEMS);
	series_add(&steps[0], t, PORTABLE_ITEMS);
	t = now_ns();
	for (size_t i = 0; i < PORTABLE_ITEMS; i++)
		(void)!crypto_core_ristretto255_from_hash(
		    point, uniform + OV_UNIFORM_LEN * i);
	series_add(&steps[1], t, PORTABLE_ITEMS);
	t = now_ns();
	for (size_t i = 0; i < PORTABLE_ITEMS; i++)
		(void)!crypto_scalarmult_ristretto255(
		    point, scalar, encodings + OV_POINT_LEN * i);
	series_add(&steps[2], t, PORTABLE_ITEMS);
	t = now_ns();
	ov_psi_kernel_portable.tag(hashed, encodings, PORTABLE_ITEMS, scalar);
	series_add(&steps[3], t, PORTABLE_ITEMS);
}

const struct bench_steps bench_steps_portable = { step_names, round_of_steps };
