#include "common/psi/expand.h"

#include <assert.h>
#include <string.h>

#include "common/crypto/memory.h"
#include "common/psi/psi.h"

#define BLOCK_LEN 128 /* of SHA-512 */

/* Z_pad is one block of zeros: its state is the same for every message. */
static void
start(struct ov_hash *h)
{
	static const uint8_t z_pad[BLOCK_LEN] = { 0 };

	ov_hash_init(h);
	ov_hash_raw(h, z_pad, sizeof(z_pad));
}

static void
add_dst_prime(struct ov_hash *h, struct ov_bytes dst)
{
	uint8_t len = (uint8_t)dst.len; /* <= 255 by the callers */

	assert(dst.len <= 255);
	ov_hash_raw(h, dst.p, dst.len);
	ov_hash_raw(h, &len, 1);
}

/* b_0 = H(Z_pad || msg || I2OSP(out_len, 2) || 0x00 || DST_prime) */
static void
first_block(uint8_t b0[OV_HASH_LEN], const struct ov_hash *padded, size_t out_len,
    struct ov_bytes msg, struct ov_bytes dst)
{
	const uint8_t tail[3] = { (uint8_t)(out_len >> 8), (uint8_t)out_len, 0 };
	struct ov_hash h = *padded;

	ov_hash_raw(&h, msg.p, msg.len);
	ov_hash_raw(&h, tail, sizeof(tail));
	add_dst_prime(&h, dst);
	ov_hash_final(&h, b0);
}

/* b_i = H((b_0 xor b_(i-1)) || I2OSP(i, 1) || DST_prime); b_0 xor nothing for i = 1. */
static void
next_block(
    uint8_t b[OV_HASH_LEN], const uint8_t in[OV_HASH_LEN], uint8_t i, struct ov_bytes dst)
{
	struct ov_hash h;

	ov_hash_init(&h);
	ov_hash_raw(&h, in, OV_HASH_LEN);
	ov_hash_raw(&h, &i, 1);
	add_dst_prime(&h, dst);
	ov_hash_final(&h, b);
}

enum ov_status
ov_psi_expand(uint8_t *out, size_t out_len, struct ov_bytes msg, struct ov_bytes dst)
{
	uint8_t b0[OV_HASH_LEN], in[OV_HASH_LEN], b[OV_HASH_LEN];
	struct ov_hash padded;

	if (dst.len > 255 || out_len > (size_t)255 * OV_HASH_LEN) {
		memset(out, 0, out_len);
		return OV_E_BUG;
	}
	start(&padded);
	first_block(b0, &padded, out_len, msg, dst);
	memcpy(in, b0, sizeof(in));
	for (size_t done = 0, i = 1; done < out_len; i++) {
		size_t take = out_len - done < sizeof(b) ? out_len - done : sizeof(b);

		assert(i <= 255); /* by out_len */
		next_block(b, in, (uint8_t)i, dst);
		memcpy(out + done, b, take);
		done += take;
		for (size_t j = 0; j < sizeof(in); j++)
			in[j] = b0[j] ^ b[j];
	}
	ov_wipe(b0, sizeof(b0));
	ov_wipe(in, sizeof(in));
	ov_wipe(b, sizeof(b));
	return OV_OK;
}

void
ov_psi_expand_tokens(uint8_t *out, const struct ov_bytes *msgs, size_t n)
{
	const struct ov_bytes dst = OV_LITERAL(OV_PSI_DST);
	uint8_t b0[OV_HASH_LEN];
	struct ov_hash padded;

	start(&padded);
	for (size_t i = 0; i < n; i++) {
		if (msgs[i].len > OV_TOKEN_MAX) {
			memset(out + OV_UNIFORM_LEN * i, 0, OV_UNIFORM_LEN);
			continue;
		}
		first_block(b0, &padded, OV_UNIFORM_LEN, msgs[i], dst);
		next_block(out + OV_UNIFORM_LEN * i, b0, 1, dst);
	}
	ov_wipe(b0, sizeof(b0));
}
