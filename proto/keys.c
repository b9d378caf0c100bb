#include "proto/keys.h"

#include <string.h>

#include "common/crypto/memory.h"
#include "common/crypto/sign.h"

void
ov_company_id(uint8_t id[16], const uint8_t identity[32])
{
	uint8_t h[OV_HASH_LEN];

	ov_digest(h, "identity", OV_BYTES(identity, 32));
	memcpy(id, h, 16);
}

void
ov_digest(uint8_t out[OV_HASH_LEN], const char *label, struct ov_bytes x)
{
	struct ov_bytes parts[] = { OV_BYTES(label, strlen(label)), x };

	ov_hash_parts(out, parts, 2);
}

void
ov_commitment(
    uint8_t out[OV_HASH_LEN], const uint8_t random[32], const uint8_t list[OV_HASH_LEN])
{
	struct ov_bytes parts[] = { OV_BYTES(random, 32), OV_BYTES(list, OV_HASH_LEN) };

	ov_hash_parts(out, parts, 2);
}

void
ov_transcript(uint8_t th[OV_HASH_LEN], struct ov_bytes propose, struct ov_bytes accept)
{
	struct ov_bytes parts[] = { OV_LITERAL("transcript"), propose, accept };

	ov_hash_parts(th, parts, 3);
}

void
ov_ephemeral(uint8_t e[32], const struct ov_ephemeral_input *in)
{
	uint8_t prk[OV_HASH_LEN], info[3 + 16 + 1 + 32 + OV_HASH_LEN];
	uint8_t *p = info;

	memcpy(p, "eph", 3);
	memcpy(p += 3, in->job, 16);
	*(p += 16) = in->role == OV_ROLE_A ? 'A' : 'B';
	memcpy(p += 1, in->partner, 32);
	memcpy(p += 32, in->list, OV_HASH_LEN);
	ov_hkdf_extract(prk, OV_LITERAL("Overlap1 ephemeral"), OV_BYTES(in->seed_e, 32));
	ov_hkdf_expand(e, 32, prk, OV_BYTES(info, sizeof(info)));
	ov_wipe(prk, sizeof(prk));
}

#define EXPAND(out, prk, name) ov_hkdf_expand((out), sizeof(out), (prk), OV_LITERAL(name))

enum ov_status
ov_shared_keys_derive(struct ov_shared_keys *k, const uint8_t th[OV_HASH_LEN],
    const uint8_t e[32], const uint8_t peer[32])
{
	uint8_t dh[OV_DH_LEN], prk[OV_HASH_LEN];
	enum ov_status st;

	memset(prk, 0, sizeof(prk));
	OV_TRY(ov_dh(dh, e, peer));
	ov_hkdf_extract(prk, OV_BYTES(th, OV_HASH_LEN), OV_BYTES(dh, sizeof(dh)));
	EXPAND(k->points[0], prk, "points A>B");
	EXPAND(k->points[1], prk, "points B>A");
	EXPAND(k->tag, prk, "tag");
	EXPAND(k->proof[0], prk, "proof A");
	EXPAND(k->proof[1], prk, "proof B");
	EXPAND(k->roster[0], prk, "roster A");
	EXPAND(k->roster[1], prk, "roster B");
	EXPAND(k->nonce[0], prk, "nonce A>B");
	EXPAND(k->nonce[1], prk, "nonce B>A");
	EXPAND(k->confirm, prk, "confirm root");
done:
	ov_wipe(dh, sizeof(dh));
	ov_wipe(prk, sizeof(prk));
	return st;
}

void
ov_local_keys_derive(struct ov_local_keys *k, const uint8_t th[OV_HASH_LEN],
    const uint8_t seed_r[32], const uint8_t list[OV_HASH_LEN])
{
	/* lv(seedR) || lv(list digest): both lengths fit the last byte of their prefix */
	uint8_t ikm[8 + 32 + 8 + OV_HASH_LEN] = { [7] = 32, [8 + 32 + 7] = OV_HASH_LEN };
	uint8_t prk[OV_HASH_LEN];

	memcpy(ikm + 8, seed_r, 32);
	memcpy(ikm + 8 + 32 + 8, list, OV_HASH_LEN);
	ov_hkdf_extract(prk, OV_BYTES(th, OV_HASH_LEN), OV_BYTES(ikm, sizeof(ikm)));
	EXPAND(k->scalar_wide, prk, "scalar");
	EXPAND(k->order, prk, "order");
	EXPAND(k->records, prk, "records");
	EXPAND(k->padding, prk, "padding");
	ov_wipe(ikm, sizeof(ikm));
	ov_wipe(prk, sizeof(prk));
}

void
ov_pair_key(uint8_t key[32], uint8_t invitation[16], const uint8_t secret[16])
{
	uint8_t prk[OV_HASH_LEN];

	ov_hkdf_extract(prk, OV_LITERAL("Overlap1 pair"), OV_BYTES(secret, 16));
	ov_hkdf_expand(key, 32, prk, OV_LITERAL("mac"));
	ov_hkdf_expand(invitation, 16, prk, OV_LITERAL("invitation"));
	ov_wipe(prk, sizeof(prk));
}

static void
hash_party(struct ov_hash *h, const struct ov_pair_party *p)
{
	ov_hash_lv(h, p->identity, 32);
	ov_hash_lv(h, p->envelope, 32);
	ov_hash_lv(h, p->name.p, p->name.len);
}

void
ov_pair_mac(uint8_t mac[64], const uint8_t key[32], const char *kind,
    const struct ov_pair_party *inviter, const struct ov_pair_party *acceptor,
    const uint8_t log_key[32])
{
	uint8_t digest[OV_HASH_LEN];
	struct ov_hash h;

	ov_hash_init(&h);
	ov_hash_lv(&h, kind, strlen(kind));
	hash_party(&h, inviter);
	hash_party(&h, acceptor);
	ov_hash_lv(&h, log_key, 32);
	ov_hash_final(&h, digest);
	ov_hmac(mac, OV_BYTES(key, 32), OV_BYTES(digest, sizeof(digest)));
}
