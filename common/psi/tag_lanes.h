/* tag_lanes.h - BLAKE2b (RFC 7693) with a key of 32 bytes and a digest of 16, of LANES
 * points side by side.
 *
 * Included by a kernel after its field.  The key is a block of its own, so its state is
 * computed once for all points; a point is one block, of which all but the first four
 * words are zero.  Time and addresses depend on nothing.
 */
#ifndef OV_COMMON_PSI_TAG_LANES_H
#define OV_COMMON_PSI_TAG_LANES_H

#include "common/psi/expand_lanes.h"

#define TAG_LEN 16
#define TAG_KEY_LEN 32

static const uint64_t blake2b_iv[8] = { 0x6a09e667f3bcc908, 0xbb67ae8584caa73b,
	0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1, 0x510e527fade682d1, 0x9b05688c2b3e6c1f,
	0x1f83d9abfb41bd6b, 0x5be0cd19137e2179 };

/* What outlives one call of these; the kernel wipes it. */
struct tag_scratch {
	word h[8], m[16]; /* m[4] to m[15] stay zero */
	word keyed[8];	  /* the state after the block of the key */
	uint64_t words[4][LANES] __attribute__((aligned(64)));
};

#define MIX(a, b, c, d, x, y)                                                            \
	do {                                                                             \
		a = V_ADD(V_ADD(a, b), x);                                               \
		d = v_ror(v_xor(d, a), 32);                                              \
		c = V_ADD(c, d);                                                         \
		b = v_ror(v_xor(b, c), 24);                                              \
		a = V_ADD(V_ADD(a, b), y);                                               \
		d = v_ror(v_xor(d, a), 16);                                              \
		c = V_ADD(c, d);                                                         \
		b = v_ror(v_xor(b, c), 63);                                              \
	} while (0)

/* A round takes the message words in the order that its arguments say: numbers in the
 * text, so that no address is looked up. */
#define ROUND(a, b, c, d, e, f, g, h, i, j, k, l, n, o, p, q)                            \
	do {                                                                             \
		MIX(v[0], v[4], v[8], v[12], m[a], m[b]);                                \
		MIX(v[1], v[5], v[9], v[13], m[c], m[d]);                                \
		MIX(v[2], v[6], v[10], v[14], m[e], m[f]);                               \
		MIX(v[3], v[7], v[11], v[15], m[g], m[h]);                               \
		MIX(v[0], v[5], v[10], v[15], m[i], m[j]);                               \
		MIX(v[1], v[6], v[11], v[12], m[k], m[l]);                               \
		MIX(v[2], v[7], v[8], v[13], m[n], m[o]);                                \
		MIX(v[3], v[4], v[9], v[14], m[p], m[q]);                                \
	} while (0)

/* One block (section 3.2) into the state h: len bytes in all so far, under 2^64. */
NOINLINE void
blake2b_block(word h[8], const word m[16], uint64_t len, uint64_t last)
{
	word v[16];

	for (int i = 0; i < 8; i++) {
		v[i] = h[i];
		v[8 + i] = V_SET(blake2b_iv[i]);
	}
	v[12] = v_xor(v[12], V_SET(len));
	v[14] = v_xor(v[14], V_SET(0 - last));
	/* section 2.7; the eleventh and twelfth round are the first two again */
	ROUND(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
	ROUND(14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3);
	ROUND(11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4);
	ROUND(7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8);
	ROUND(9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13);
	ROUND(2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9);
	ROUND(12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11);
	ROUND(13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10);
	ROUND(6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5);
	ROUND(10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0);
	ROUND(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
	ROUND(14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3);
	for (int i = 0; i < 8; i++)
		h[i] = v_xor3(h[i], v[i], v[8 + i]);
}
#undef MIX
#undef ROUND

/* The state after the parameters (section 2.5) and the key's block. */
INLINE void
tag_start(struct tag_scratch *x, const uint8_t key[TAG_KEY_LEN])
{
	uint64_t k[4];

	memcpy(k, key, sizeof(k));
	memset(x, 0, sizeof(*x));
	for (int i = 0; i < 8; i++)
		x->keyed[i] = V_SET(blake2b_iv[i]);
	x->keyed[0] = v_xor(x->keyed[0], V_SET(0x01010000U | TAG_KEY_LEN << 8 | TAG_LEN));
	for (int i = 0; i < 4; i++)
		x->m[i] = V_SET(k[i]);
	blake2b_block(x->keyed, x->m, BLOCK_LEN, 0);
	ov_wipe(k, sizeof(k));
}

/* Tags of n <= LANES points. */
INLINE void
tag_vector(uint8_t *tags, struct tag_scratch *x, const uint8_t *points, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < 4; j++)
			memcpy(&x->words[j][i], points + 32 * i + 8 * j, 8);
	memcpy(x->m, x->words, sizeof(x->words));
	memcpy(x->h, x->keyed, sizeof(x->h));
	blake2b_block(x->h, x->m, BLOCK_LEN + 32, 1);
	memcpy(x->words, x->h, 2 * sizeof(x->words[0]));
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < 2; j++)
			memcpy(tags + TAG_LEN * i + 8 * j, &x->words[j][i], 8);
}

#endif /* OV_COMMON_PSI_TAG_LANES_H */
