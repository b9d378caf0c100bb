/* chunk.h - sealed chunks of POINTS and FIELDS streams, and stream digests
 * (PROTOCOL.md 7.14).
 *
 * A sealed chunk is nonce (24) || XChaCha20-Poly1305.  The nonce is a keyed hash of
 * everything that is sealed, so a re-sent chunk is byte-identical and a changed
 * one never reuses a nonce.  Pure; any thread.
 */
#ifndef OV_PROTO_CHUNK_H
#define OV_PROTO_CHUNK_H

#include <stdbool.h>

#include "common/crypto/hash.h"
#include "common/crypto/seal.h"
#include "common/status.h"

#define OV_CHUNK_OVERHEAD (OV_SEAL_NONCE_LEN + OV_SEAL_TAG_LEN)

struct ov_chunk_key {
	const uint8_t *th;    /* 64 */
	const uint8_t *key;   /* 32, SECRET: points or fields key of the direction */
	const uint8_t *nonce; /* 32, SECRET: nonce key of the direction */
	uint8_t stream;
};

/* out holds in.len + OV_CHUNK_OVERHEAD bytes, apart from in. */
void ov_chunk_seal(uint8_t *out, const struct ov_chunk_key *k, uint32_t index, bool last,
    struct ov_bytes in);

/* out holds in.len - OV_CHUNK_OVERHEAD bytes, apart from in.  OV_E_CRYPTO_OPEN,
 * out zeroed, if it is not this chunk of this stream. */
OV_MUST_CHECK enum ov_status ov_chunk_open(uint8_t *out, const struct ov_chunk_key *k,
    uint32_t index, bool last, struct ov_bytes in);

/* Digest of a stream: H(lv("stream") || number || lv(chunk 0) || lv(chunk 1) ...).
 * Once over what was sealed (plain) and once over what was sent. */
void ov_stream_digest_init(struct ov_hash *h, uint8_t stream);
/* then ov_hash_lv per chunk, ov_hash_final */

#endif /* OV_PROTO_CHUNK_H */
