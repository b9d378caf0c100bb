#include "common/crypto/hash.h"

/* SHA-512 of streams is OpenSSL's, which has assembly where libsodium has C: 850 MB/s and
 * 530 MB/s on Zen 4, at 130 MB a job and party.  By its older functions: their state is
 * the caller's memory and they cannot fail, where EVP allocates. */
#define OPENSSL_API_COMPAT 10101
#include <openssl/sha.h>
#include <sodium.h>
#include <string.h>

#include "common/crypto/memory.h"

_Static_assert(sizeof(SHA512_CTX) <= sizeof(struct ov_hash), "state fits");
_Static_assert(SHA512_DIGEST_LENGTH == OV_HASH_LEN, "SHA-512");

static SHA512_CTX *
sha(struct ov_hash *h)
{
	return (SHA512_CTX *)(void *)h->opaque;
}

static void
store64_be(uint8_t out[8], uint64_t v)
{
	for (int i = 7; i >= 0; i--, v >>= 8)
		out[i] = (uint8_t)v;
}

void
ov_hash_init(struct ov_hash *h)
{
	(void)SHA512_Init(sha(h));
}

void
ov_hash_raw(struct ov_hash *h, const void *x, size_t len)
{
	if (len > 0)
		(void)SHA512_Update(sha(h), x, len);
}

void
ov_hash_len(struct ov_hash *h, uint64_t len)
{
	uint8_t be[8];

	store64_be(be, len);
	ov_hash_raw(h, be, sizeof(be));
}

void
ov_hash_lv(struct ov_hash *h, const void *x, size_t len)
{
	ov_hash_len(h, len);
	ov_hash_raw(h, x, len);
}

void
ov_hash_final(struct ov_hash *h, uint8_t out[OV_HASH_LEN])
{
	(void)SHA512_Final(out, sha(h));
	ov_wipe(h, sizeof(*h));
	ov_wipe_stack(); /* OpenSSL leaves the message's words, plus a constant, there */
}

void
ov_hash_parts(uint8_t out[OV_HASH_LEN], const struct ov_bytes *parts, size_t n)
{
	struct ov_hash h;

	ov_hash_init(&h);
	for (size_t i = 0; i < n; i++)
		ov_hash_lv(&h, parts[i].p, parts[i].len);
	ov_hash_final(&h, out);
}

void
ov_sha256_prefixed(uint8_t out[32], uint8_t prefix, struct ov_bytes a, struct ov_bytes b)
{
	crypto_hash_sha256_state s;

	crypto_hash_sha256_init(&s);
	crypto_hash_sha256_update(&s, &prefix, 1);
	if (a.len > 0)
		crypto_hash_sha256_update(&s, a.p, a.len);
	if (b.len > 0)
		crypto_hash_sha256_update(&s, b.p, b.len);
	crypto_hash_sha256_final(&s, out);
}

void
ov_hmac(uint8_t out[OV_HASH_LEN], struct ov_bytes key, struct ov_bytes message)
{
	crypto_auth_hmacsha512_state s;
	static const uint8_t none[1] = { 0 };

	crypto_auth_hmacsha512_init(&s, key.len > 0 ? key.p : none, key.len);
	crypto_auth_hmacsha512_update(
	    &s, message.len > 0 ? message.p : none, message.len);
	crypto_auth_hmacsha512_final(&s, out);
	ov_wipe(&s, sizeof(s));
}

void
ov_hkdf_extract(uint8_t prk[OV_HASH_LEN], struct ov_bytes salt, struct ov_bytes ikm)
{
	ov_hmac(prk, salt, ikm);
}

void
ov_hkdf_expand(
    uint8_t *out, size_t out_len, const uint8_t prk[OV_HASH_LEN], struct ov_bytes info)
{
	crypto_auth_hmacsha512_state s;
	uint8_t t[OV_HASH_LEN];
	size_t t_len = 0;

	/* out_len <= 255 * 64 by contract, so the counter fits its byte. */
	for (uint8_t counter = 1; out_len > 0; counter++) {
		size_t take = out_len < sizeof(t) ? out_len : sizeof(t);

		crypto_auth_hmacsha512_init(&s, prk, OV_HASH_LEN);
		crypto_auth_hmacsha512_update(&s, t, t_len);
		crypto_auth_hmacsha512_update(&s, info.p, info.len);
		crypto_auth_hmacsha512_update(&s, &counter, 1);
		crypto_auth_hmacsha512_final(&s, t);
		t_len = sizeof(t);
		memcpy(out, t, take);
		out += take;
		out_len -= take;
	}
	ov_wipe(t, sizeof(t));
	ov_wipe(&s, sizeof(s));
}

void
ov_blake2b(uint8_t *out, size_t out_len, const uint8_t key[32], struct ov_bytes a,
    struct ov_bytes b)
{
	crypto_generichash_state s;

	(void)crypto_generichash_init(&s, key, 32, out_len);
	if (a.len > 0)
		(void)crypto_generichash_update(&s, a.p, a.len);
	if (b.len > 0)
		(void)crypto_generichash_update(&s, b.p, b.len);
	(void)crypto_generichash_final(&s, out, out_len);
	ov_wipe(&s, sizeof(s));
}

void
ov_siphash(uint8_t out[8], const uint8_t key[16], struct ov_bytes message)
{
	(void)crypto_shorthash_siphash24(out, message.p, message.len, key);
}

void
ov_keystream(uint8_t *out, size_t len, const uint8_t key[32], uint32_t block)
{
	static const uint8_t nonce[crypto_stream_chacha20_ietf_NONCEBYTES] = { 0 };

	memset(out, 0, len);
	(void)crypto_stream_chacha20_ietf_xor_ic(out, out, len, nonce, block, key);
}
