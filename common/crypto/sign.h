/* sign.h - Ed25519 identities and X25519 agreement (libsodium).
 *
 * A signature is over lv("Overlap1 " context) || message, the message as it
 * crosses the wire.  Contexts are listed in PROTOCOL.md.
 */
#ifndef OV_COMMON_CRYPTO_SIGN_H
#define OV_COMMON_CRYPTO_SIGN_H

#include "common/crypto/hash.h"
#include "common/status.h"

#define OV_SIGN_PUBLIC_LEN 32
#define OV_SIGN_SECRET_LEN 64 /* libsodium's seed || public */
#define OV_SIGNATURE_LEN 64
#define OV_DH_LEN 32

/* Fresh key pair; sk is SECRET: ov_secret_alloc it. */
void ov_sign_keypair(uint8_t pk[OV_SIGN_PUBLIC_LEN], uint8_t sk[OV_SIGN_SECRET_LEN]);

/* context: a literal such as "propose". */
void ov_sign(uint8_t sig[OV_SIGNATURE_LEN], const uint8_t sk[OV_SIGN_SECRET_LEN],
    const char *context, struct ov_bytes message);

/* OV_E_CRYPTO_SIGNATURE if it does not verify.  _vartime: public data. */
OV_MUST_CHECK enum ov_status ov_verify_vartime(const uint8_t sig[OV_SIGNATURE_LEN],
    const uint8_t pk[OV_SIGN_PUBLIC_LEN], const char *context, struct ov_bytes message);

/* X25519 (RFC 7748): public key of a 32-byte SECRET scalar, and agreement.
 * ov_dh fails with OV_E_CRYPTO_KEY on the all-zero result; out is then zero. */
void ov_dh_public(uint8_t pk[OV_DH_LEN], const uint8_t sk[OV_DH_LEN]);
OV_MUST_CHECK enum ov_status ov_dh(
    uint8_t out[OV_DH_LEN], const uint8_t sk[OV_DH_LEN], const uint8_t peer[OV_DH_LEN]);

#endif /* OV_COMMON_CRYPTO_SIGN_H */
