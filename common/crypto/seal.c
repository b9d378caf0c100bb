#include "common/crypto/seal.h"

#include <sodium.h>
#include <string.h>

#include "common/crypto/memory.h"
#include "common/crypto/sign.h"

void
ov_seal(uint8_t *out, const uint8_t key[OV_SEAL_KEY_LEN],
    const uint8_t nonce[OV_SEAL_NONCE_LEN], struct ov_bytes ad, struct ov_bytes in)
{
	(void)crypto_aead_xchacha20poly1305_ietf_encrypt(
	    out, NULL, in.p, in.len, ad.p, ad.len, NULL, nonce, key);
}

enum ov_status
ov_open(uint8_t *out, const uint8_t key[OV_SEAL_KEY_LEN],
    const uint8_t nonce[OV_SEAL_NONCE_LEN], struct ov_bytes ad, struct ov_bytes in)
{
	if (in.len < OV_SEAL_TAG_LEN)
		return OV_E_CRYPTO_OPEN;
	if (crypto_aead_xchacha20poly1305_ietf_decrypt(
		out, NULL, NULL, in.p, in.len, ad.p, ad.len, nonce, key) != 0) {
		ov_wipe(out, in.len - OV_SEAL_TAG_LEN);
		return OV_E_CRYPTO_OPEN;
	}
	return OV_OK;
}

/* key = Expand(Extract(salt = ephemeral || recipient, X25519), context). */
static enum ov_status
envelope_key(uint8_t key[32], const uint8_t sk[32], const uint8_t peer[32],
    const uint8_t eph_pk[32], const uint8_t recipient_pk[32], const char *context)
{
	uint8_t shared[32], salt[64], prk[OV_HASH_LEN];
	enum ov_status st;

	OV_TRY(ov_dh(shared, sk, peer));
	memcpy(salt, eph_pk, 32);
	memcpy(salt + 32, recipient_pk, 32);
	ov_hkdf_extract(
	    prk, OV_BYTES(salt, sizeof(salt)), OV_BYTES(shared, sizeof(shared)));
	ov_hkdf_expand(key, 32, prk, OV_BYTES(context, strlen(context)));
done:
	ov_wipe(shared, sizeof(shared));
	ov_wipe(prk, sizeof(prk));
	return st;
}

enum ov_status
ov_envelope_seal(uint8_t *out, const uint8_t recipient_pk[32], const char *context,
    struct ov_bytes ad, struct ov_bytes in)
{
	uint8_t sk[32], key[32];
	uint8_t *nonce = out + 32;
	enum ov_status st;

	ov_random(sk, sizeof(sk));
	ov_dh_public(out, sk);
	OV_TRY(envelope_key(key, sk, recipient_pk, out, recipient_pk, context));
	ov_random(nonce, OV_SEAL_NONCE_LEN);
	ov_seal(nonce + OV_SEAL_NONCE_LEN, key, nonce, ad, in);
done:
	ov_wipe(sk, sizeof(sk));
	ov_wipe(key, sizeof(key));
	return st;
}

enum ov_status
ov_envelope_open(uint8_t *out, const uint8_t recipient_sk[32], const char *context,
    struct ov_bytes ad, struct ov_bytes in)
{
	uint8_t key[32], pk[32];
	enum ov_status st;

	OV_REQUIRE(in.len >= OV_ENVELOPE_OVERHEAD, OV_E_CRYPTO_OPEN);
	ov_dh_public(pk, recipient_sk);
	OV_TRY(envelope_key(key, recipient_sk, in.p, in.p, pk, context));
	OV_TRY(ov_open(out, key, in.p + 32, ad,
	    OV_BYTES(in.p + 32 + OV_SEAL_NONCE_LEN, in.len - 32 - OV_SEAL_NONCE_LEN)));
done:
	ov_wipe(key, sizeof(key));
	return st;
}

enum ov_status
ov_passphrase_key(uint8_t key[32], struct ov_bytes passphrase, const uint8_t salt[16])
{
	if (crypto_pwhash(key, 32, (const char *)passphrase.p, passphrase.len, salt, 3,
		64U << 20, crypto_pwhash_ALG_ARGON2ID13) != 0)
		return OV_E_NOMEM;
	return OV_OK;
}
