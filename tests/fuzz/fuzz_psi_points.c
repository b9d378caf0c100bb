/* Points as a partner could send them: every kernel of this machine must give the same
 * verdict and the same bytes as the portable one.  Input: a scalar of 32 bytes, then up
 * to eight points. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/crypto/memory.h"
#include "common/psi/kernel.h"

#define POINTS_MAX 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_kernel(const struct ov_psi_kernel *k, const uint8_t *points, size_t n,
    const uint8_t scalar[32])
{
	uint8_t want[POINTS_MAX * 32], want_ok[POINTS_MAX];
	uint8_t out[POINTS_MAX * 32], ok[POINTS_MAX];
	const uint8_t zero[32] = { 0 };

	ov_psi_kernel_portable.blind_points(want, want_ok, points, n, scalar);
	k->blind_points(out, ok, points, n, scalar);
	if (memcmp(out, want, 32 * n) != 0 || memcmp(ok, want_ok, n) != 0)
		abort();
	for (size_t i = 0; i < n; i++) {
		/* refused is zeros, and what is given back is a point in its turn */
		if (ok[i] != (memcmp(out + 32 * i, zero, 32) != 0))
			abort();
		if (ok[i] && !ov_psi_plausible_vartime(out + 32 * i))
			abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t scalar[32];
	size_t n;

	if (ov_crypto_init() != OV_OK)
		abort();
	if (size < 64)
		return 0;
	memcpy(scalar, data, sizeof(scalar));
	(void)ov_psi_scalar_reduce(scalar);
	n = size / 32 - 1 < POINTS_MAX ? size / 32 - 1 : POINTS_MAX;
	for (size_t i = 0; ov_psi_kernels[i] != NULL; i++)
		if (ov_psi_kernels[i]->usable())
			check_kernel(ov_psi_kernels[i], data + 32, n, scalar);
	return 0;
}
