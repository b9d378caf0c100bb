/* keys.h - identities' ids, the transcript hash and the key schedule of a job
 * (PROTOCOL.md 7.8).
 *
 * Everything but public ids and digests is SECRET.  Pure; any thread.
 */
#ifndef OV_PROTO_KEYS_H
#define OV_PROTO_KEYS_H

#include "common/crypto/hash.h"
#include "common/status.h"
#include "proto/steps.h"

/* H(lv("identity") || lv(public key)), first 16 bytes: the id of a company. */
void ov_company_id(uint8_t id[16], const uint8_t identity[32]);

/* H(lv(label) || lv(x)): digests of messages and tables. */
void ov_digest(uint8_t out[OV_HASH_LEN], const char *label, struct ov_bytes x);

/* H(lv(random) || lv(list digest)): PROPOSE.commitment. */
void ov_commitment(
    uint8_t out[OV_HASH_LEN], const uint8_t random[32], const uint8_t list[OV_HASH_LEN]);

/* H(lv("transcript") || lv(PROPOSE) || lv(ACCEPT)), both as signed. */
void ov_transcript(
    uint8_t th[OV_HASH_LEN], struct ov_bytes propose, struct ov_bytes accept);

/* The X25519 scalar of a job: before ACCEPT it is the only derived secret. */
struct ov_ephemeral_input {
	const uint8_t *seed_e;	/* 32 */
	const uint8_t *job;	/* 16 */
	enum ov_role role;	/* A or B */
	const uint8_t *partner; /* 32: the partner's identity */
	const uint8_t *list;	/* 64: own list digest */
};
void ov_ephemeral(uint8_t e[32], const struct ov_ephemeral_input *in);

/* Keys that both partners hold. */
struct ov_shared_keys {
	uint8_t points[2][32]; /* [0]: A > B, [1]: B > A */
	uint8_t nonce[2][32];
	uint8_t tag[32];
	uint8_t proof[2][16];  /* by the side that computes: A, B */
	uint8_t roster[2][16]; /* by the side whose roster it is */
	uint8_t confirm[64];
};

/* Keys of one side alone. */
struct ov_local_keys {
	uint8_t scalar_wide[64]; /* to be reduced modulo the group order, not 0 */
	uint8_t order[32];
	uint8_t records[32];
	uint8_t padding[32];
};

/* From e and the partner's ephemeral key.  OV_E_CRYPTO_KEY on the all-zero result. */
OV_MUST_CHECK enum ov_status ov_shared_keys_derive(struct ov_shared_keys *k,
    const uint8_t th[OV_HASH_LEN], const uint8_t e[32], const uint8_t peer[32]);

void ov_local_keys_derive(struct ov_local_keys *k, const uint8_t th[OV_HASH_LEN],
    const uint8_t seed_r[32], const uint8_t list[OV_HASH_LEN]);

/* HMAC key of an invitation, and its public id, from the 128-bit secret. */
void ov_pair_key(uint8_t key[32], uint8_t invitation[16], const uint8_t secret[16]);

/* The proof that both sides exchange: kind is "pair request" or "pair reply";
 * inviter and acceptor as identity || envelope || name each. */
struct ov_pair_party {
	const uint8_t *identity; /* 32 */
	const uint8_t *envelope; /* 32 */
	struct ov_bytes name;
};
void ov_pair_mac(uint8_t mac[64], const uint8_t key[32], const char *kind,
    const struct ov_pair_party *inviter, const struct ov_pair_party *acceptor,
    const uint8_t log_key[32]);

#endif /* OV_PROTO_KEYS_H */
