/* kernel.h - what a blinding kernel is, for psi.c, the kernels and their tests.
 *
 * A kernel works on a group of at most OV_PSI_GROUP items with a reduced scalar.  It
 * wipes what it kept of the scalar, of the tokens and of its tables.
 */
#ifndef OV_COMMON_PSI_KERNEL_H
#define OV_COMMON_PSI_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/crypto/hash.h"
#include "common/status.h"

#define OV_PSI_GROUP 256

struct ov_psi_kernel {
	const char *name;

	/* True if the processor has the instructions and the system saves the registers.
	 * May be called on any machine. */
	bool (*usable)(void);

	/* uniform[64 * i] = expand_message_xmd of tokens[i] under OV_PSI_DST.  64 zeros
	 * if that token is longer than OV_TOKEN_MAX: blind_uniform refuses them. */
	void (*expand)(uint8_t *uniform, const struct ov_bytes *tokens, size_t n);

	/* out[32 * i] = scalar * (map of the 64 uniform bytes, RFC 9496 section 4.3.4).
	 * Outputs as ov_psi_blind_points: only an identity is refused. */
	void (*blind_uniform)(uint8_t *out, uint8_t *ok, const uint8_t *uniform, size_t n,
	    const uint8_t scalar[32]);

	/* As ov_psi_blind_points. */
	void (*blind_points)(uint8_t *out, uint8_t *ok, const uint8_t *points, size_t n,
	    const uint8_t scalar[32]);

	/* As ov_psi_tag, of any number. */
	void (*tag)(
	    uint8_t *tags, const uint8_t *points, size_t n, const uint8_t key[32]);
};

extern const struct ov_psi_kernel ov_psi_kernel_portable;
extern const struct ov_psi_kernel ov_psi_kernel_avx2; /* x86-64 with OVERLAP_SIMD */
extern const struct ov_psi_kernel ov_psi_kernel_ifma;

/* Every kernel of this build, fastest first, the portable one last; NULL ends the list.
 */
extern const struct ov_psi_kernel *const ov_psi_kernels[];

/* Compares k with the portable kernel on fixed inputs.  OV_E_PSI_SELFTEST if they differ
 * in any byte. */
OV_MUST_CHECK enum ov_status ov_psi_selftest(const struct ov_psi_kernel *k);

/* s = s mod l for any 32 bytes; true if the result is not 0.  Constant time. */
bool ov_psi_scalar_reduce(uint8_t s[32]);

/* half = s / 2 mod l and minus_half = -half mod l, of a reduced s: for kernels that
 * double while they encode.  Constant time. */
void ov_psi_scalar_half(uint8_t half[32], uint8_t minus_half[32], const uint8_t s[32]);

/* Of public bytes: false if they can be no ristretto255 encoding because they are not
 * reduced (p or more, bit 255 included), negative (odd) or the identity. */
bool ov_psi_plausible_vartime(const uint8_t point[32]);

#endif /* OV_COMMON_PSI_KERNEL_H */
