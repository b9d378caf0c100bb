/* The portable kernel, and scalar arithmetic: libsodium's ristretto255.  The module's
 * only door to that library. */
#include <sodium.h>
#include <string.h>

#include "common/crypto/memory.h"
#include "common/psi/expand.h"
#include "common/psi/kernel.h"
#include "common/psi/psi.h"

_Static_assert(crypto_core_ristretto255_BYTES == OV_POINT_LEN, "point");
_Static_assert(crypto_core_ristretto255_SCALARBYTES == OV_SCALAR_LEN, "scalar");
_Static_assert(crypto_core_ristretto255_HASHBYTES == OV_UNIFORM_LEN, "hash");

enum ov_status
ov_psi_scalar(uint8_t s[OV_SCALAR_LEN], const uint8_t wide[64])
{
	crypto_core_ristretto255_scalar_reduce(s, wide);
	return sodium_is_zero(s, OV_SCALAR_LEN) ? OV_E_BUG : OV_OK;
}

bool
ov_psi_scalar_reduce(uint8_t s[32])
{
	uint8_t wide[64] = { 0 };
	bool is_zero;

	memcpy(wide, s, 32);
	is_zero = ov_psi_scalar(s, wide) != OV_OK;
	sodium_memzero(wide, sizeof(wide));
	return !is_zero;
}

void
ov_psi_scalar_half(uint8_t half[32], uint8_t minus_half[32], const uint8_t s[32])
{
	static const uint8_t inverse_of_two[32] = { 0xf7, 0xe9, 0x7a, 0x2e, 0x8d, 0x31,
		0x09, 0x2c, 0x6b, 0xce, 0x7b, 0x51, 0xef, 0x7c, 0x6f, 0x0a, 0, 0, 0, 0, 0,
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x08 }; /* (l + 1) / 2 */

	crypto_core_ristretto255_scalar_mul(half, s, inverse_of_two);
	crypto_core_ristretto255_scalar_negate(minus_half, half);
}

bool
ov_psi_plausible_vartime(const uint8_t point[32])
{
	/* p = 2^255 - 19 = 7f ff .. ff ed, most significant byte first */
	bool reduced = point[31] < 0x7f || (point[31] == 0x7f && point[0] < 0xed);

	for (size_t i = 1; !reduced && i < 31; i++)
		reduced = point[31] == 0x7f && point[i] != 0xff;
	return reduced && (point[0] & 1) == 0 && !sodium_is_zero(point, 32);
}

static bool
always(void)
{
	return true;
}

/* scalar * point and 1, or zeros and 0.  point has no bit 255: libsodium up to 1.0.18
 * would let it pass.  The result depends on the scalar, so it is not branched on here. */
static uint8_t
multiply(uint8_t out[32], const uint8_t scalar[32], const uint8_t point[32])
{
	uint8_t in[32], good;

	memcpy(in, point, sizeof(in)); /* out may be point */
	memset(out, 0, 32);
	good = (uint8_t)(crypto_scalarmult_ristretto255(out, scalar, in) + 1);
	for (size_t i = 0; i < 32; i++)
		out[i] &= (uint8_t)-good;
	sodium_memzero(in, sizeof(in)); /* of a token, in a first blinding */
	return good;
}

static void
blind_uniform(
    uint8_t *out, uint8_t *ok, const uint8_t *uniform, size_t n, const uint8_t scalar[32])
{
	uint8_t p[32];

	for (size_t i = 0; i < n; i++) {
		crypto_core_ristretto255_from_hash(p, uniform + OV_UNIFORM_LEN * i);
		ok[i] = multiply(out + 32 * i, scalar, p);
	}
	sodium_memzero(p, sizeof(p));
	ov_wipe_stack();
}

static void
blind_points(
    uint8_t *out, uint8_t *ok, const uint8_t *points, size_t n, const uint8_t scalar[32])
{
	for (size_t i = 0; i < n; i++) {
		const uint8_t *p = points + 32 * i;

		if (ov_psi_plausible_vartime(p)) {
			ok[i] = multiply(out + 32 * i, scalar, p);
		} else {
			ok[i] = 0;
			memset(out + 32 * i, 0, 32);
		}
	}
	ov_wipe_stack();
}

static void
tag(uint8_t *tags, const uint8_t *points, size_t n, const uint8_t key[32])
{
	for (size_t i = 0; i < n; i++)
		ov_blake2b(tags + OV_PSI_TAG_LEN * i, OV_PSI_TAG_LEN, key,
		    OV_BYTES(points + OV_POINT_LEN * i, OV_POINT_LEN), OV_BYTES(NULL, 0));
}

const struct ov_psi_kernel ov_psi_kernel_portable = {
	.name = "portable",
	.usable = always,
	.expand = ov_psi_expand_tokens,
	.blind_uniform = blind_uniform,
	.blind_points = blind_points,
	.tag = tag,
};
