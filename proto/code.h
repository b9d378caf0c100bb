/* code.h - codes that people hand to each other: enrolment tokens and invitations.
 *
 * Crockford base32 (no I, L, O, U; read without regard to case, I and L as 1, O as 0,
 * hyphens and spaces ignored) after a prefix.  Bits left over are zero.  An invitation
 * ends with two check bytes, which miss a mistyped character once in 65,536 times (the
 * proof that follows misses none); a mistyped token is found in its hashes or by the
 * broker.  Pure.
 */
#ifndef OV_PROTO_CODE_H
#define OV_PROTO_CODE_H

#include "common/crypto/hash.h"
#include "common/status.h"

/* PROTOCOL 2.3 */
struct ov_token_code {
	uint8_t ca_sha256[32];
	uint8_t log_key_hash[16];
	uint8_t secret[16];
};

/* PROTOCOL 5.1; secret is SECRET */
struct ov_pair_code {
	uint8_t inviter[16];
	uint8_t secret[16];
	uint8_t log_key_hash[16];
};

#define OV_PAIR_CODE_TEXT 112 /* longest text with its NUL */
#define OV_TOKEN_TEXT 128

void ov_pair_code_write(char text[OV_PAIR_CODE_TEXT], const struct ov_pair_code *code);
/* OV_E_PAIR_CODE on anything mistyped; *code untouched. */
OV_MUST_CHECK enum ov_status ov_pair_code_read(
    struct ov_pair_code *code, const char *text);

void ov_token_write(char text[OV_TOKEN_TEXT], const struct ov_token_code *code);
/* OV_E_BROKER_TOKEN on anything malformed. */
OV_MUST_CHECK enum ov_status ov_token_read(struct ov_token_code *code, const char *text);

/* First 16 bytes of H(lv("log key") || lv(log key)): what both codes pin. */
void ov_log_key_hash(uint8_t out[16], const uint8_t log_key[32]);

#endif /* OV_PROTO_CODE_H */
