/* hash.h - SHA-512 over length-prefixed parts, HKDF-SHA-512 (RFC 5869), BLAKE2b
 * and SipHash, as PROTOCOL.md names them.
 *
 * lv(x) is the length of x as 64-bit big-endian, then x.
 */
#ifndef OV_COMMON_CRYPTO_HASH_H
#define OV_COMMON_CRYPTO_HASH_H

#include <stddef.h>
#include <stdint.h>

#define OV_HASH_LEN 64 /* SHA-512 */

/* Opaque; big enough for a SHA-512 state, checked in hash.c.  May be copied: both go on
 * from there. */
struct ov_hash {
	uint64_t opaque[28];
};

struct ov_bytes {
	const uint8_t *p; /* borrowed; may be NULL when len is 0 */
	size_t len;
};

#define OV_BYTES(ptr, n) ((struct ov_bytes){ (const uint8_t *)(ptr), (n) })
/* Of a string literal, without the NUL. */
#define OV_LITERAL(s) ((struct ov_bytes){ (const uint8_t *)("" s), sizeof(s) - 1 })

/* Streaming SHA-512.  ov_hash_lv adds lv(x), ov_hash_raw adds x. */
void ov_hash_init(struct ov_hash *h);
void ov_hash_raw(struct ov_hash *h, const void *x, size_t len);
void ov_hash_lv(struct ov_hash *h, const void *x, size_t len);
void ov_hash_len(
    struct ov_hash *h, uint64_t len); /* the length alone: parts follow raw */
/* Wipes h, and the stack below, where the message's words stood. */
void ov_hash_final(struct ov_hash *h, uint8_t out[OV_HASH_LEN]);

/* H(lv(part 0) || lv(part 1) ...). */
void ov_hash_parts(uint8_t out[OV_HASH_LEN], const struct ov_bytes *parts, size_t n);

/* SHA-256 of one byte string with a one-byte prefix and up to two parts, for the
 * Merkle tree (RFC 9162 section 2.1.1). */
void ov_sha256_prefixed(
    uint8_t out[32], uint8_t prefix, struct ov_bytes a, struct ov_bytes b);

/* HMAC-SHA-512 (RFC 2104) under a key of any length. */
void ov_hmac(uint8_t out[OV_HASH_LEN], struct ov_bytes key, struct ov_bytes message);

/* HKDF-SHA-512.  Expand: out_len <= 255 * 64; SECRET prk and output. */
void ov_hkdf_extract(uint8_t prk[OV_HASH_LEN], struct ov_bytes salt, struct ov_bytes ikm);
void ov_hkdf_expand(
    uint8_t *out, size_t out_len, const uint8_t prk[OV_HASH_LEN], struct ov_bytes info);

/* Keyed BLAKE2b (RFC 7693) with out_len of 16 to 64 bytes and a 32-byte key,
 * over a || b. */
void ov_blake2b(uint8_t *out, size_t out_len, const uint8_t key[32], struct ov_bytes a,
    struct ov_bytes b);

/* SipHash-2-4, 8 bytes. */
void ov_siphash(uint8_t out[8], const uint8_t key[16], struct ov_bytes message);

/* len bytes of the ChaCha20 (RFC 8439, 96-bit nonce zero) keystream of key, from
 * 64-byte block number `block` on: the deterministic stream of secret orders and
 * padding. */
void ov_keystream(uint8_t *out, size_t len, const uint8_t key[32], uint32_t block);

#endif /* OV_COMMON_CRYPTO_HASH_H */
