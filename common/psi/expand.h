/* expand.h - expand_message_xmd with SHA-512 (RFC 9380 section 5.3.1).
 *
 * Messages are SECRET; running time depends on their lengths.
 */
#ifndef OV_COMMON_PSI_EXPAND_H
#define OV_COMMON_PSI_EXPAND_H

#include "common/crypto/hash.h"
#include "common/status.h"

#define OV_UNIFORM_LEN 64

/* out_len bytes of msg under dst, of any size the RFC allows: dst.len <= 255, out_len <=
 * 255 * 64.  OV_E_BUG, with out zeroed, beyond that. */
OV_MUST_CHECK enum ov_status ov_psi_expand(
    uint8_t *out, size_t out_len, struct ov_bytes msg, struct ov_bytes dst);

/* out[64 * i] = the 64 bytes of msgs[i] under OV_PSI_DST; zeros, which map to the
 * identity, of one that is longer than OV_TOKEN_MAX. */
void ov_psi_expand_tokens(uint8_t *out, const struct ov_bytes *msgs, size_t n);

#endif /* OV_COMMON_PSI_EXPAND_H */
