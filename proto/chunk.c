#include "proto/chunk.h"

#include <string.h>

#include "common/crypto/memory.h"
#include "proto/slots.h"

#define AD_LEN (OV_HASH_LEN + 1 + 4 + 1)

static void
associated_data(
    uint8_t ad[AD_LEN], const struct ov_chunk_key *k, uint32_t index, bool last)
{
	memcpy(ad, k->th, OV_HASH_LEN);
	ad[OV_HASH_LEN] = k->stream;
	ov_put32(ad + OV_HASH_LEN + 1, index);
	ad[OV_HASH_LEN + 5] = last ? 1 : 0;
}

void
ov_chunk_seal(uint8_t *out, const struct ov_chunk_key *k, uint32_t index, bool last,
    struct ov_bytes in)
{
	uint8_t lv_ad[8 + AD_LEN] = { [7] = AD_LEN };

	associated_data(lv_ad + 8, k, index, last);
	ov_blake2b(out, OV_SEAL_NONCE_LEN, k->nonce, OV_BYTES(lv_ad, sizeof(lv_ad)), in);
	ov_seal(out + OV_SEAL_NONCE_LEN, k->key, out, OV_BYTES(lv_ad + 8, AD_LEN), in);
}

enum ov_status
ov_chunk_open(uint8_t *out, const struct ov_chunk_key *k, uint32_t index, bool last,
    struct ov_bytes in)
{
	uint8_t ad[AD_LEN];

	if (in.len < OV_CHUNK_OVERHEAD)
		return OV_E_CRYPTO_OPEN;
	associated_data(ad, k, index, last);
	return ov_open(out, k->key, in.p, OV_BYTES(ad, sizeof(ad)),
	    OV_BYTES(in.p + OV_SEAL_NONCE_LEN, in.len - OV_SEAL_NONCE_LEN));
}

void
ov_stream_digest_init(struct ov_hash *h, uint8_t stream)
{
	ov_hash_init(h);
	ov_hash_lv(h, "stream", 6);
	ov_hash_raw(h, &stream, 1);
}
