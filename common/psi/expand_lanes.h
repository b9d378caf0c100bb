/* expand_lanes.h - expand_message_xmd with SHA-512 (RFC 9380 section 5.3.1, FIPS 180-4),
 * LANES messages side by side.
 *
 * Included by a kernel after its field.  For 64 bytes of output two hashes are needed:
 *   b_0 = H(Z_pad || msg || 0x0040 || 0x00 || DST_prime)
 *   b_1 = H(b_0 || 0x01 || DST_prime)
 * Z_pad is a block of its own, so its state is computed once; b_1 is 64 + 1 + 46 = 111
 * bytes, which with its padding is one block exactly.
 */
#ifndef OV_COMMON_PSI_EXPAND_LANES_H
#define OV_COMMON_PSI_EXPAND_LANES_H

#include "common/psi/expand.h"
#include "common/psi/psi.h"

#define BLOCK_LEN 128
#define DST_PRIME OV_PSI_DST "\x2d" /* its length, 45, follows it */
#define DST_PRIME_LEN 46
/* I2OSP(64, 2) || 0x00 || DST_prime, then the 0x80 that begins SHA-512's padding */
#define TAIL "\0\x40\0" DST_PRIME "\x80"
#define TAIL_LEN (3 + DST_PRIME_LEN + 1)
#define BLOCKS_MAX ((OV_TOKEN_MAX + TAIL_LEN + 16 + BLOCK_LEN - 1) / BLOCK_LEN)
_Static_assert(sizeof(DST_PRIME) - 1 == DST_PRIME_LEN, "DST_prime");
_Static_assert(sizeof(TAIL) - 1 == TAIL_LEN, "tail");

typedef __typeof__(V_ZERO) word; /* one SHA-512 word of each lane */

struct sha512_lanes {
	word h[8];
};

static const uint64_t sha512_initial[8] = { 0x6a09e667f3bcc908, 0xbb67ae8584caa73b,
	0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1, 0x510e527fade682d1, 0x9b05688c2b3e6c1f,
	0x1f83d9abfb41bd6b, 0x5be0cd19137e2179 };

static const uint64_t sha512_k[80] = {
	0x428a2f98d728ae22,
	0x7137449123ef65cd,
	0xb5c0fbcfec4d3b2f,
	0xe9b5dba58189dbbc,
	0x3956c25bf348b538,
	0x59f111f1b605d019,
	0x923f82a4af194f9b,
	0xab1c5ed5da6d8118,
	0xd807aa98a3030242,
	0x12835b0145706fbe,
	0x243185be4ee4b28c,
	0x550c7dc3d5ffb4e2,
	0x72be5d74f27b896f,
	0x80deb1fe3b1696b1,
	0x9bdc06a725c71235,
	0xc19bf174cf692694,
	0xe49b69c19ef14ad2,
	0xefbe4786384f25e3,
	0x0fc19dc68b8cd5b5,
	0x240ca1cc77ac9c65,
	0x2de92c6f592b0275,
	0x4a7484aa6ea6e483,
	0x5cb0a9dcbd41fbd4,
	0x76f988da831153b5,
	0x983e5152ee66dfab,
	0xa831c66d2db43210,
	0xb00327c898fb213f,
	0xbf597fc7beef0ee4,
	0xc6e00bf33da88fc2,
	0xd5a79147930aa725,
	0x06ca6351e003826f,
	0x142929670a0e6e70,
	0x27b70a8546d22ffc,
	0x2e1b21385c26c926,
	0x4d2c6dfc5ac42aed,
	0x53380d139d95b3df,
	0x650a73548baf63de,
	0x766a0abb3c77b2a8,
	0x81c2c92e47edaee6,
	0x92722c851482353b,
	0xa2bfe8a14cf10364,
	0xa81a664bbc423001,
	0xc24b8b70d0f89791,
	0xc76c51a30654be30,
	0xd192e819d6ef5218,
	0xd69906245565a910,
	0xf40e35855771202a,
	0x106aa07032bbd1b8,
	0x19a4c116b8d2d0c8,
	0x1e376c085141ab53,
	0x2748774cdf8eeb99,
	0x34b0bcb5e19b48a8,
	0x391c0cb3c5c95a63,
	0x4ed8aa4ae3418acb,
	0x5b9cca4f7763e373,
	0x682e6ff3d6b2b8a3,
	0x748f82ee5defb2fc,
	0x78a5636f43172f60,
	0x84c87814a1f0ab72,
	0x8cc702081a6439ec,
	0x90befffa23631e28,
	0xa4506cebde82bde9,
	0xbef9a3f7b2c67915,
	0xc67178f2e372532b,
	0xca273eceea26619c,
	0xd186b8c721c0c207,
	0xeada7dd6cde0eb1e,
	0xf57d4f7fee6ed178,
	0x06f067aa72176fba,
	0x0a637dc5a2c898a6,
	0x113f9804bef90dae,
	0x1b710b35131c471b,
	0x28db77f523047d84,
	0x32caab7b40c72493,
	0x3c9ebe0a15c9bebc,
	0x431d67c49c100d4c,
	0x4cc5d4becb3e42b6,
	0x597f299cfc657e2a,
	0x5fcb6fab3ad6faec,
	0x6c44198c4a475817,
};

/* Rounds t to t + 15 on the variables v[], which turn by one place each round; w[] holds
 * the last sixteen words of the schedule. */
INLINE void
sha512_round(word v[8], word w[16], int t)
{
	word *a = &v[(80 - t) & 7], *b = &v[(81 - t) & 7], *c = &v[(82 - t) & 7];
	word *d = &v[(83 - t) & 7], *e = &v[(84 - t) & 7], *f = &v[(85 - t) & 7];
	word *g = &v[(86 - t) & 7], *h = &v[(87 - t) & 7], w15, w2, t1, t2;

	if (t >= 16) {
		w15 = w[(t + 1) & 15];
		w2 = w[(t + 14) & 15];
		t1 = v_xor3(v_ror(w15, 1), v_ror(w15, 8), V_SRL(w15, 7));
		t2 = v_xor3(v_ror(w2, 19), v_ror(w2, 61), V_SRL(w2, 6));
		w[t & 15] = V_ADD(V_ADD(w[t & 15], w[(t + 9) & 15]), V_ADD(t1, t2));
	}
	t1 = V_ADD(V_ADD(*h, v_choose(*e, *f, *g)), V_ADD(V_SET(sha512_k[t]), w[t & 15]));
	t1 = V_ADD(t1, v_xor3(v_ror(*e, 14), v_ror(*e, 18), v_ror(*e, 41)));
	t2 = V_ADD(
	    v_xor3(v_ror(*a, 28), v_ror(*a, 34), v_ror(*a, 39)), v_majority(*a, *b, *c));
	*d = V_ADD(*d, t1);
	*h = V_ADD(t1, t2);
}

/* Adds one block; in the lanes outside `active` the state stays. */
NOINLINE void
sha512_block(struct sha512_lanes *s, const word block[16], lane_mask active)
{
	word v[8], w[16];

	memcpy(v, s->h, sizeof(v));
	memcpy(w, block, sizeof(w));
	for (int t = 0; t < 80; t += 16) {
#pragma GCC unroll 16
		for (int i = 0; i < 16; i++)
			sha512_round(v, w, t + i);
	}
	for (int i = 0; i < 8; i++)
		s->h[i] = v_select(active, V_ADD(s->h[i], v[i]), s->h[i]);
}

INLINE uint64_t
load_be(const uint8_t *p)
{
	uint64_t x;

	memcpy(&x, p, sizeof(x));
	return __builtin_bswap64(x);
}

/* Messages of LANES tokens, padded, with their lengths in blocks. */
struct expand_scratch {
	struct sha512_lanes state;
	word block[16];
	uint64_t words[16][LANES];
	uint8_t text[LANES][BLOCKS_MAX * BLOCK_LEN];
	size_t blocks[LANES];
};

/* What handles the contents of tokens is functions of their own, whose arguments are
 * lengths and addresses: so tests/ct/inspect.py can read them.  The rest knows no more
 * than lengths. */

/* msg || tail || zeros || length in bits, Z_pad counted; returns how many blocks. */
NOINLINE size_t
pad_message(uint8_t *text, struct ov_bytes msg)
{
	uint64_t bits = 8 * (uint64_t)(BLOCK_LEN + msg.len + TAIL_LEN - 1); /* < 2^12 */
	size_t used = msg.len + TAIL_LEN;				    /* <= 350 */
	size_t blocks = (used + 16 + BLOCK_LEN - 1) / BLOCK_LEN; /* <= BLOCKS_MAX */

	assert(used <= 350 && blocks <= BLOCKS_MAX && bits < 1 << 12);
	if (msg.len > 0)
		memcpy(text, msg.p, msg.len);
	memcpy(text + msg.len, TAIL, TAIL_LEN);
	memset(text + used, 0, blocks * BLOCK_LEN - used);
	for (size_t i = 0; i < 8; i++)
		text[blocks * BLOCK_LEN - 1 - i] = (uint8_t)(bits >> (8 * i));
	return blocks;
}

/* Block number b of one lane. */
NOINLINE void
gather_lane(struct expand_scratch *x, size_t lane, size_t b)
{
	for (size_t j = 0; j < 16; j++)
		x->words[j][lane] = load_be(x->text[lane] + BLOCK_LEN * b + 8 * j);
}

/* Block number b of every lane that has one; the others keep old words, not active. */
static void
gather_block(struct expand_scratch *x, size_t b)
{
	for (size_t lane = 0; lane < LANES; lane++)
		if (b < x->blocks[lane])
			gather_lane(x, lane, b);
	memcpy(x->block, x->words, sizeof(x->block));
}

/* The first eight words of one lane. */
NOINLINE void
give_lane(uint8_t *uniform, const struct expand_scratch *x, size_t lane)
{
	for (size_t j = 0; j < 8; j++) {
		uint64_t be = __builtin_bswap64(x->words[j][lane]);

		memcpy(uniform + 8 * j, &be, 8);
	}
}

static lane_mask
lanes_longer_than(const size_t blocks[LANES], size_t b)
{
	uint64_t m[LANES];
	word longer;

	for (size_t i = 0; i < LANES; i++)
		m[i] = blocks[i] > b ? UINT64_MAX : 0;
	memcpy(&longer, m, sizeof(longer));
	return v_mask(longer);
}

/* b_1's block after b_0: 0x01 || DST_prime || 0x80 || zeros || 111 * 8 bits. */
NOINLINE void
second_block(word block[16], const word b0[8])
{
	uint8_t rest[64] = { 1 };

	memcpy(rest + 1, DST_PRIME "\x80", DST_PRIME_LEN + 1);
	rest[62] = (111 * 8) >> 8;
	rest[63] = (111 * 8) & 0xff;
	for (size_t j = 0; j < 8; j++) {
		block[j] = b0[j];
		block[8 + j] = V_SET(load_be(rest + 8 * j));
	}
}

/* State after Z_pad, a block of zeros. */
static void
sha512_start(struct sha512_lanes *s)
{
	const word zeros[16] = { 0 };

	for (int i = 0; i < 8; i++)
		s->h[i] = V_SET(sha512_initial[i]);
	sha512_block(s, zeros, v_mask(V_SET(UINT64_MAX)));
}

/* LANES uniform strings, of `n` <= LANES tokens; the lanes beyond, and those of tokens
 * that are too long, hash nothing.  Of the latter zeros come out. */
static void
expand_vector(uint8_t *uniform, struct expand_scratch *x,
    const struct sha512_lanes *start, const struct ov_bytes *tokens, size_t n)
{
	size_t longest = 0;

	for (size_t i = 0; i < LANES; i++) {
		x->blocks[i] = 0;
		if (i < n && tokens[i].len <= OV_TOKEN_MAX)
			x->blocks[i] = pad_message(x->text[i], tokens[i]);
		longest = x->blocks[i] > longest ? x->blocks[i] : longest;
	}
	x->state = *start;
	for (size_t b = 0; b < longest; b++) {
		gather_block(x, b);
		sha512_block(&x->state, x->block, lanes_longer_than(x->blocks, b));
	}
	second_block(x->block, x->state.h);
	for (int i = 0; i < 8; i++)
		x->state.h[i] = V_SET(sha512_initial[i]);
	sha512_block(&x->state, x->block, v_mask(V_SET(UINT64_MAX)));
	memcpy(x->words, x->state.h, sizeof(x->state.h));
	for (size_t i = 0; i < n; i++) {
		if (x->blocks[i] > 0)
			give_lane(uniform + OV_UNIFORM_LEN * i, x, i);
		else
			memset(uniform + OV_UNIFORM_LEN * i, 0, OV_UNIFORM_LEN);
	}
}

#endif /* OV_COMMON_PSI_EXPAND_LANES_H */
