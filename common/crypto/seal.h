/* seal.h - XChaCha20-Poly1305 with explicit nonces, sealed envelopes to a
 * company's X25519 envelope key, and Argon2id for passphrases (libsodium).
 */
#ifndef OV_COMMON_CRYPTO_SEAL_H
#define OV_COMMON_CRYPTO_SEAL_H

#include "common/crypto/hash.h"
#include "common/status.h"

#define OV_SEAL_KEY_LEN 32
#define OV_SEAL_NONCE_LEN 24
#define OV_SEAL_TAG_LEN 16
#define OV_ENVELOPE_OVERHEAD (32 + OV_SEAL_NONCE_LEN + OV_SEAL_TAG_LEN)

/* out holds in.len + 16 bytes and may equal in.p.  A nonce is used once per key. */
void ov_seal(uint8_t *out, const uint8_t key[OV_SEAL_KEY_LEN],
    const uint8_t nonce[OV_SEAL_NONCE_LEN], struct ov_bytes ad, struct ov_bytes in);

/* out holds in.len - 16 bytes and may equal in.p.  OV_E_CRYPTO_OPEN if it was
 * not sealed so; out is then zeroed. */
OV_MUST_CHECK enum ov_status ov_open(uint8_t *out, const uint8_t key[OV_SEAL_KEY_LEN],
    const uint8_t nonce[OV_SEAL_NONCE_LEN], struct ov_bytes ad, struct ov_bytes in);

/* Envelope: ephemeral X25519 public key || nonce || sealed, PROTOCOL.md 5.5.
 * out holds in.len + OV_ENVELOPE_OVERHEAD bytes.  Fails with OV_E_CRYPTO_KEY on
 * a bad recipient key. */
OV_MUST_CHECK enum ov_status ov_envelope_seal(uint8_t *out,
    const uint8_t recipient_pk[32], const char *context, struct ov_bytes ad,
    struct ov_bytes in);

/* out holds in.len - OV_ENVELOPE_OVERHEAD bytes. */
OV_MUST_CHECK enum ov_status ov_envelope_open(uint8_t *out,
    const uint8_t recipient_sk[32], const char *context, struct ov_bytes ad,
    struct ov_bytes in);

/* Argon2id, 64 MiB, 3 passes: 32-byte key of a passphrase.  OV_E_NOMEM. */
OV_MUST_CHECK enum ov_status ov_passphrase_key(
    uint8_t key[32], struct ov_bytes passphrase, const uint8_t salt[16]);

#endif /* OV_COMMON_CRYPTO_SEAL_H */
