/* psi.h - blinding in ristretto255 (RFC 9496): many items, one secret scalar.
 *
 * First blinding: token -> s * hash_to_ristretto255(token).  Second blinding: point ->
 * s * point.  Both are batches, since the vector kernels behind them work on many points
 * side by side; a batch of any size is cut into groups of 256 inside.  All kernels give
 * the same bytes.  ov_crypto_init() and ov_psi_init() come first, before threads start;
 * then every function here may be called from any thread, with half a megabyte of stack.
 *
 * Scalars and tokens are SECRET.  Running time depends on the number of items, on the
 * lengths of the tokens and on nothing else that is secret; of points received, which the
 * broker has seen, validity may show.
 */
#ifndef OV_COMMON_PSI_PSI_H
#define OV_COMMON_PSI_PSI_H

#include <stddef.h>
#include <stdint.h>

#include "common/crypto/hash.h"
#include "common/status.h"

#define OV_POINT_LEN 32
#define OV_SCALAR_LEN 32
#define OV_TOKEN_MAX 300
#define OV_PSI_TAG_LEN 16

/* The domain separation tag (PROTOCOL.md 7.11): 45 bytes. */
#define OV_PSI_DST "Overlap1-ristretto255_XMD:SHA-512_R255MAP_RO_"

/* Chooses the fastest kernel that the processor and the system support, checks it against
 * the portable one and logs the choice.  The environment variable OVERLAP_KERNEL
 * (portable, avx2, ifma) forces one.  Fails with OV_E_PSI_KERNEL (there is none of that
 * name in any build), OV_E_PSI_UNAVAILABLE (that one cannot run here) or
 * OV_E_PSI_SELFTEST; the kernel in use is then unchanged. */
OV_MUST_CHECK enum ov_status ov_psi_init(void);

/* Name of the kernel in use: "portable" until ov_psi_init() chose. */
const char *ov_psi_kernel(void);

/* s = wide mod l, little-endian (RFC 9496 section 4.4).  wide and s are SECRET.  OV_E_BUG
 * if the result is 0, with s zeroed: for a derived wide that means a broken derivation.
 */
OV_MUST_CHECK enum ov_status ov_psi_scalar(
    uint8_t s[OV_SCALAR_LEN], const uint8_t wide[64]);

/* out[32 * i] = scalar * hash_to_ristretto255(tokens[i]) (RFC 9380 appendix B, DST
 * above). A token is the key kind in ASCII, 0x1f, and the value, of at most OV_TOKEN_MAX
 * bytes. out does not overlap the tokens.  OV_E_BUG, with out zeroed, if a token is
 * longer, if scalar is 0 mod l, or if a token hashes to the identity. */
OV_MUST_CHECK enum ov_status ov_psi_blind_tokens(uint8_t *out,
    const struct ov_bytes *tokens, size_t n, const uint8_t scalar[OV_SCALAR_LEN]);

/* out[32 * i] = scalar * points[32 * i], ok[i] = 1.  An item that is not the canonical
 * encoding of a point, that is the identity, or whose result is the identity gives
 * ok[i] = 0 and 32 zero bytes.  Returns the number of these.  out may equal points. */
OV_MUST_CHECK size_t ov_psi_blind_points(uint8_t *out, uint8_t *ok, const uint8_t *points,
    size_t n, const uint8_t scalar[OV_SCALAR_LEN]);

/* tags[16 * i] = BLAKE2b-128 (RFC 7693) under a SECRET key of points[32 * i], n of them.
 * Constant time in key and points.  tags does not overlap the points. */
void ov_psi_tag(uint8_t *tags, const uint8_t *points, size_t n, const uint8_t key[32]);

#endif /* OV_COMMON_PSI_PSI_H */
