/* field_avx2.h - GF(2^255 - 19), four independent elements, one per 64-bit lane, with
 * AVX2.
 *
 * An element has ten limbs of radix 2^25.5 (26, 25, 26, ... bits), each in the low half
 * of its lane. struct fe    "carried": even limbs < 2^26 + 2^17, odd limbs < 2^25 + 2^17,
 * so the value is < 2p.  Only these may be multiplied: vpmuludq reads 32 bits, and 19 or
 *                4 times a limb still fits.
 *   struct wide  ten columns of 64 bits: sums of products before the carry.
 * Bounds are in units u = 2^50.  Even columns of a product are < 502u, odd < 311u: from
 * products of 4u (even by even), 2u (odd, counted twice where both are odd), one time or
 * 19 times, with 0.7 % for what limbs hold beyond their bits. A debug build checks every
 * bound named here.
 */
#ifndef OV_COMMON_PSI_FIELD_AVX2_H
#define OV_COMMON_PSI_FIELD_AVX2_H

#include <assert.h>
#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#define LANES 4
#define LIMBS 10
#define INLINE static inline __attribute__((always_inline))
#define NOINLINE static __attribute__((noinline))
#define UNROLL _Pragma("GCC unroll 10")

struct fe {
	__m256i l[LIMBS];
};
struct wide {
	__m256i l[LIMBS];
};
typedef __m256i lane_mask; /* all bits of a lane, or none */
typedef __m256i all_mask;  /* every bit of every lane the same */

/* An element as it stands in a table: limbs 2 i and 2 i + 1 share a lane, which halves
 * the search. */
struct stored {
	__m256i l[LIMBS / 2];
};

#include "common/psi/beside.h"

#define V_SET(x) _mm256_set1_epi64x((long long)(x))
#define V_ZERO _mm256_setzero_si256()
#define V_ADD _mm256_add_epi64
#define V_SUB _mm256_sub_epi64
#define V_AND _mm256_and_si256
#define V_OR _mm256_or_si256
#define V_XOR _mm256_xor_si256
#define V_SRL _mm256_srli_epi64
#define V_SLL _mm256_slli_epi64
#define V_MUL _mm256_mul_epu32
#define M26 ((1ULL << 26) - 1)
#define M25 ((1ULL << 25) - 1)
#define BITS(i) ((i)&1 ? 25 : 26)
#define MASK(i) ((i)&1 ? M25 : M26)

#define CARRIED_BELOW(i) ((1ULL << BITS(i)) + (1ULL << 17))
#define WIDE_BELOW(i) (1ULL << 62) /* 4096u */
/* Column i of a product, in u. */
#define PRODUCT_BELOW(i) ((i)&1 ? 311ULL : 502ULL)

#ifdef NDEBUG
#define CHECK_BELOW(a, bound) ((void)0)
#define CHECK_COVERS(a, b) ((void)0)
#define CHECK_SUM(w, units) ((void)0)
#define CHECK_PRODUCT(w, start) ((void)0)
#else
/* holds: a mask for limb i_. */
#define CHECK_EACH(holds)                                                                \
	do {                                                                             \
		__m256i all_ = V_SET(-1);                                                \
		for (int i_ = 0; i_ < LIMBS; i_++)                                       \
			all_ = V_AND(all_, (holds));                                     \
		assert(_mm256_movemask_epi8(all_) == -1);                                \
	} while (0)
/* Signed comparison: columns stay under 2^63, checked by the sign. */
#define CHECK_EACH_BELOW(a, bound)                                                       \
	CHECK_EACH(V_AND(_mm256_cmpgt_epi64((bound), (a).l[i_]),                         \
	    _mm256_cmpgt_epi64((a).l[i_], V_SET(-1))))
#define CHECK_BELOW(a, bound) CHECK_EACH_BELOW(a, V_SET(bound(i_)))
/* Every column of a sum is below so many u. */
#define CHECK_SUM(w, units) CHECK_EACH_BELOW(w, V_SET((uint64_t)(units) << 50))
/* A product, and what the accumulators started with. */
#define CHECK_PRODUCT(w, start)                                                          \
	CHECK_EACH_BELOW(w, V_ADD(V_SET(PRODUCT_BELOW(i_) << 50), start_limb(start, i_)))
#define CHECK_COVERS(a, b)                                                               \
	CHECK_EACH(V_XOR(_mm256_cmpgt_epi64((b).l[i_], (a).l[i_]), V_SET(-1)))
#endif

/* The constant of four little-endian words, < 2^255, in every lane. */
INLINE struct fe
fe_const(uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	return (struct fe){ {
	    V_SET(a & M26),
	    V_SET(a >> 26 & M25),
	    V_SET((a >> 51 | b << 13) & M26),
	    V_SET(b >> 13 & M25),
	    V_SET(b >> 38),
	    V_SET(c & M25),
	    V_SET(c >> 25 & M26),
	    V_SET((c >> 51 | d << 13) & M25),
	    V_SET(d >> 12 & M26),
	    V_SET(d >> 38 & M25),
	} };
}

/* Two interleaved chains, twelve carries.  Columns < 2^62 give carries < 2^37 + 2^12;
 * that out of limb 9, times 19, is < 2^42, so limb 1 takes less than 2^17 in the last
 * step; limb 5 takes less than 2^13 in the second carry out of limb 4. */
INLINE struct fe
fe_carry(struct wide w)
{
	struct fe r;
	__m256i c;

	CHECK_BELOW(w, WIDE_BELOW);
	UNROLL for (int i = 0; i < LIMBS; i++) r.l[i] = w.l[i];
#define CARRY(i)                                                                         \
	do {                                                                             \
		c = V_SRL(r.l[i], BITS(i));                                              \
		r.l[i] = V_AND(r.l[i], V_SET(MASK(i)));                                  \
		r.l[(i) + 1] = V_ADD(r.l[(i) + 1], c);                                   \
	} while (0)
	CARRY(0);
	CARRY(4);
	CARRY(1);
	CARRY(5);
	CARRY(2);
	CARRY(6);
	CARRY(3);
	CARRY(7);
	CARRY(4);
	CARRY(8);
	c = V_SRL(r.l[9], 25);
	r.l[9] = V_AND(r.l[9], V_SET(M25));
	/* 19 c = c + 2 c + 16 c; c has more than 32 bits */
	r.l[0] = V_ADD(V_ADD(r.l[0], c), V_ADD(V_SLL(c, 1), V_SLL(c, 4)));
	CARRY(0);
#undef CARRY
	CHECK_BELOW(r, CARRIED_BELOW);
	return r;
}

INLINE struct wide
wide_of(struct fe a)
{
	struct wide r;

	UNROLL for (int i = 0; i < LIMBS; i++) r.l[i] = a.l[i];
	return r;
}

INLINE struct wide
wide_add(struct wide a, struct wide b)
{
	UNROLL for (int i = 0; i < LIMBS; i++) a.l[i] = V_ADD(a.l[i], b.l[i]);
	return a;
}

/* a - b, where a holds a multiple of p that keeps every column >= that of b. */
INLINE struct wide
wide_sub(struct wide a, struct wide b)
{
	CHECK_COVERS(a, b);
	UNROLL for (int i = 0; i < LIMBS; i++) a.l[i] = V_SUB(a.l[i], b.l[i]);
	return a;
}

/* Limb i of 2^(k + 26) p: even columns 2^(k + 2) u, odd columns 2^(k + 1) u. */
#define OFFSET(i, k)                                                                     \
	((k) == 0 ? V_ZERO : V_SET(((i) == 0 ? M26 - 18 : MASK(i)) << ((k) + 26)))

INLINE struct wide
wide_offset(const int k)
{
	struct wide r;

	UNROLL for (int i = 0; i < LIMBS; i++) r.l[i] = OFFSET(i, k);
	return r;
}

INLINE struct fe
fe_add(struct fe a, struct fe b)
{
	return fe_carry(wide_add(wide_of(a), wide_of(b)));
}

INLINE struct fe
fe_sub(struct fe a, struct fe b)
{
	return fe_carry(wide_sub(wide_add(wide_of(a), wide_offset(2)), wide_of(b)));
}

INLINE struct fe
fe_neg(struct fe a)
{
	return fe_carry(wide_sub(wide_offset(2), wide_of(a)));
}

/* m is 0 or all ones. */
INLINE all_mask
all_mask_of(uint64_t m)
{
	return V_SET(m);
}

/* Exchanges a and b where m is all ones. */
INLINE void
v_exchange(all_mask m, __m256i *a, __m256i *b)
{
	__m256i t = V_AND(m, V_XOR(*a, *b));

	*a = V_XOR(*a, t);
	*b = V_XOR(*b, t);
}

INLINE void
fe_exchange(all_mask m, struct fe *a, struct fe *b)
{
	UNROLL for (int i = 0; i < LIMBS; i++) v_exchange(m, &a->l[i], &b->l[i]);
}

INLINE void
wide_exchange(all_mask m, struct wide *a, struct wide *b)
{
	UNROLL for (int i = 0; i < LIMBS; i++) v_exchange(m, &a->l[i], &b->l[i]);
}

INLINE struct stored
fe_put(struct fe a)
{
	struct stored r;

	CHECK_BELOW(a, CARRIED_BELOW);
	UNROLL for (int i = 0; i < LIMBS / 2; i++) r.l[i] =
	    V_OR(a.l[2 * i], V_SLL(a.l[2 * i + 1], 32)); /* limbs < 2^27 */
	return r;
}

INLINE struct fe
fe_search(struct searching s)
{
	const struct stored first = fe_put(s.found);
	struct fe r;

	UNROLL for (int i = 0; i < LIMBS / 2; i++)
	{
		__m256i x = V_AND(first.l[i], s.is[0]);

		_Pragma("GCC unroll 16") for (size_t j = 0; j < TABLE; j++)
		{
			const char *at = (const char *)s.column + j * s.stride;

			x = V_OR(
			    x, V_AND(((const struct stored *)at)->l[i], s.is[j + 1]));
		}
		r.l[2 * i] = V_AND(x, V_SET(UINT32_MAX));
		r.l[2 * i + 1] = V_SRL(x, 32);
	}
	return r;
}

/* Products are functions of their own here: what goes beside them goes behind them. */
INLINE void
beside(struct beside x)
{
	for (int i = 0; i < 2; i++)
		if (x.carry[i].r != NULL)
			*x.carry[i].r = fe_carry(*x.carry[i].w);
	if (x.search != NULL && x.search->column != NULL)
		x.search->found = fe_search(*x.search);
}

/* Keeps the ten accumulators in registers, row by row: without it the compilers hoist the
 * multiplications of many rows and spill everything. */
#define ROW_END(r)                                                                       \
	__asm__ volatile(""                                                              \
			 : "+x"(r.l[0]), "+x"(r.l[1]), "+x"(r.l[2]), "+x"(r.l[3]),       \
			 "+x"(r.l[4]), "+x"(r.l[5]), "+x"(r.l[6]), "+x"(r.l[7]),         \
			 "+x"(r.l[8]), "+x"(r.l[9]))

/* Limbs 0, 1 and 2 of 2^(k + 26) p, of which all others are copies: what the accumulators
 * start with. */
struct start {
	uint64_t limb[3][LANES] __attribute__((aligned(32)));
};
#define FOUR(x)                                                                          \
	{                                                                                \
		x, x, x, x                                                               \
	}
#define START(k)                                                                         \
	{                                                                                \
		{                                                                        \
			FOUR((M26 - 18) << ((k) + 26)), FOUR(M25 << ((k) + 26)),         \
			    FOUR(M26 << ((k) + 26))                                      \
		}                                                                        \
	}
static const struct start start_0 = { { FOUR(0), FOUR(0), FOUR(0) } };
static const struct start start_8 = START(8), start_10 = START(10);

INLINE const struct start *
start_of(const int k)
{
	assert(k == 0 || k == 8 || k == 10);
	return k == 0 ? &start_0 : k == 8 ? &start_8 : &start_10;
}

INLINE __m256i
start_limb(const struct start *s, int i)
{
	return _mm256_load_si256((const void *)s->limb[i < 2 ? i : i & 1 ? 1 : 2]);
}

/* Products and squares are functions of their own and not expanded: all of a
 * multiplication then stays in the caches for instructions, which is worth a quarter of
 * its time. */

/* a b + start.  Limb i times limb j has weight 2^ceil(25.5 i) 2^ceil(25.5 j): twice that
 * of column i + j where both are odd. */
NOINLINE void
wide_mul_from(
    struct wide *out, const struct start *start, const struct fe *a, const struct fe *b)
{
	struct wide r;
	__m256i b19[LIMBS]; /* < 2^30.3 */

	CHECK_BELOW(*a, CARRIED_BELOW);
	CHECK_BELOW(*b, CARRIED_BELOW);
	UNROLL for (int j = 1; j < LIMBS; j++) b19[j] = V_MUL(b->l[j], V_SET(19));
	UNROLL for (int i = 0; i < LIMBS; i++) r.l[i] = start_limb(start, i);
	UNROLL for (int i = 0; i < LIMBS; i++)
	{
		__m256i x = a->l[i], x2 = V_ADD(x, x);

		UNROLL for (int j = 0; j < LIMBS; j++) r.l[(i + j) % LIMBS] =
		    V_ADD(r.l[(i + j) % LIMBS],
			V_MUL((i & j & 1) ? x2 : x, i + j >= LIMBS ? b19[j] : b->l[j]));
		ROW_END(r);
	}
	CHECK_PRODUCT(r, start);
	*out = r;
}

/* a^2 + start, same bounds: cross products once, with a doubled factor. */
NOINLINE void
wide_sqr_from(struct wide *out, const struct start *start, const struct fe *a)
{
	struct wide r;
	__m256i a19[LIMBS];

	CHECK_BELOW(*a, CARRIED_BELOW);
	UNROLL for (int j = 5; j < LIMBS; j++) a19[j] = V_MUL(a->l[j], V_SET(19));
	UNROLL for (int i = 0; i < LIMBS; i++) r.l[i] = start_limb(start, i);
	UNROLL for (int i = 0; i < LIMBS; i++)
	{
		__m256i x = a->l[i], x2 = V_ADD(x, x), x4 = V_ADD(x2, x2);

		UNROLL for (int j = 0; j < LIMBS; j++)
		{
			if (j >= i) {
				__m256i y = i + j >= LIMBS ? a19[j] : a->l[j];
				__m256i z = i == j	? (i & 1) ? x2 : x
					    : i & j & 1 ? x4
							: x2;

				r.l[(i + j) % LIMBS] =
				    V_ADD(r.l[(i + j) % LIMBS], V_MUL(z, y));
			}
		}
		if (i < 9)
			ROW_END(r);
	}
	CHECK_PRODUCT(r, start);
	*out = r;
}

INLINE void
wide_mul(
    struct wide *r, const struct fe *a, const struct fe *b, const int k, struct beside x)
{
	wide_mul_from(r, start_of(k), a, b);
	beside(x);
}

INLINE void
wide_sqr(struct wide *r, const struct fe *a, const int k, struct beside x)
{
	wide_sqr_from(r, start_of(k), a);
	beside(x);
}

/* r may be a or b. */
INLINE void
fe_mul(struct fe *r, const struct fe *a, const struct fe *b)
{
	struct wide w;

	wide_mul(&w, a, b, 0, NOTHING_BESIDE);
	*r = fe_carry(w);
}

INLINE void
fe_sqr(struct fe *r, const struct fe *a)
{
	struct wide w;

	wide_sqr(&w, a, 0, NOTHING_BESIDE);
	*r = fe_carry(w);
}

/* 1 in the lanes where the value is p or more: floor((value + 19) / 2^255), and the value
 * is < 2p. */
INLINE __m256i
v_quotient(struct fe a)
{
	__m256i q = V_SET(19);

	UNROLL for (int i = 0; i < LIMBS; i++) q = V_SRL(V_ADD(a.l[i], q), BITS(i));
	return q;
}

/* The canonical value: adds 19 q and drops bit 255. */
INLINE struct fe
fe_canonical(struct fe a)
{
	__m256i c = V_MUL(v_quotient(a), V_SET(19));

	CHECK_BELOW(a, CARRIED_BELOW);
	UNROLL for (int i = 0; i < LIMBS; i++)
	{
		c = V_ADD(a.l[i], c);
		a.l[i] = V_AND(c, V_SET(MASK(i)));
		c = V_SRL(c, BITS(i));
	}
	return a;
}

/* RFC 9496 section 4.1: the canonical value is odd.  p is odd, so taking it off flips. */
INLINE lane_mask
fe_is_negative(struct fe a)
{
	CHECK_BELOW(a, CARRIED_BELOW);
	return V_SUB(V_ZERO, V_AND(V_XOR(a.l[0], v_quotient(a)), V_SET(1)));
}

INLINE lane_mask
fe_is_zero(struct fe a)
{
	struct fe c = fe_canonical(a);
	__m256i any = c.l[0];

	UNROLL for (int i = 1; i < LIMBS; i++) any = V_OR(any, c.l[i]);
	return _mm256_cmpeq_epi64(any, V_ZERO);
}

INLINE lane_mask
mask_and(lane_mask a, lane_mask b)
{
	return V_AND(a, b);
}

INLINE lane_mask
mask_or(lane_mask a, lane_mask b)
{
	return V_OR(a, b);
}

INLINE lane_mask
mask_not(lane_mask a)
{
	return V_XOR(a, V_SET(-1));
}

/* Bit i for lane i. */
INLINE unsigned
mask_bits(lane_mask a)
{
	return (unsigned)_mm256_movemask_pd(_mm256_castsi256_pd(a));
}

/* m ? a : b, lane by lane. */
INLINE struct fe
fe_select(lane_mask m, struct fe a, struct fe b)
{
	UNROLL for (int i = 0; i < LIMBS; i++) b.l[i] =
	    _mm256_blendv_epi8(b.l[i], a.l[i], m);
	return b;
}

INLINE __m256i
v_load(const uint8_t *p)
{
	return _mm256_loadu_si256((const void *)p);
}

/* Four times 32 little-endian bytes, `stride` apart; bit 255 is dropped.  A 4 x 4
 * transpose of words. */
INLINE struct fe
fe_load(const uint8_t *p, size_t stride)
{
	__m256i a = v_load(p), b = v_load(p + stride);
	__m256i c = v_load(p + 2 * stride), d = v_load(p + 3 * stride);
	__m256i e = _mm256_unpacklo_epi64(a, b), f = _mm256_unpackhi_epi64(a, b);
	__m256i g = _mm256_unpacklo_epi64(c, d), h = _mm256_unpackhi_epi64(c, d);
	__m256i w0 = _mm256_permute2x128_si256(e, g, 0x20);
	__m256i w1 = _mm256_permute2x128_si256(f, h, 0x20);
	__m256i w2 = _mm256_permute2x128_si256(e, g, 0x31);
	__m256i w3 = _mm256_permute2x128_si256(f, h, 0x31);
	const __m256i m6 = V_SET(M26), m5 = V_SET(M25);

	return (struct fe){ {
	    V_AND(w0, m6),
	    V_AND(V_SRL(w0, 26), m5),
	    V_AND(V_OR(V_SRL(w0, 51), V_SLL(w1, 13)), m6),
	    V_AND(V_SRL(w1, 13), m5),
	    V_SRL(w1, 38),
	    V_AND(w2, m5),
	    V_AND(V_SRL(w2, 25), m6),
	    V_AND(V_OR(V_SRL(w2, 51), V_SLL(w3, 13)), m5),
	    V_AND(V_SRL(w3, 12), m6),
	    V_AND(V_SRL(w3, 38), m5),
	} };
}

/* Four canonical encodings, 32 bytes apart. */
INLINE void
fe_store(uint8_t *p, struct fe a)
{
	struct fe c = fe_canonical(a);
	__m256i w0 = V_OR(V_OR(c.l[0], V_SLL(c.l[1], 26)), V_SLL(c.l[2], 51));
	__m256i w1 = V_OR(V_OR(V_SRL(c.l[2], 13), V_SLL(c.l[3], 13)), V_SLL(c.l[4], 38));
	__m256i w2 = V_OR(V_OR(c.l[5], V_SLL(c.l[6], 25)), V_SLL(c.l[7], 51));
	__m256i w3 = V_OR(V_OR(V_SRL(c.l[7], 13), V_SLL(c.l[8], 12)), V_SLL(c.l[9], 38));
	__m256i e = _mm256_unpacklo_epi64(w0, w1), f = _mm256_unpackhi_epi64(w0, w1);
	__m256i g = _mm256_unpacklo_epi64(w2, w3), h = _mm256_unpackhi_epi64(w2, w3);

	_mm256_storeu_si256((void *)p, _mm256_permute2x128_si256(e, g, 0x20));
	_mm256_storeu_si256((void *)(p + 32), _mm256_permute2x128_si256(f, h, 0x20));
	_mm256_storeu_si256((void *)(p + 64), _mm256_permute2x128_si256(e, g, 0x31));
	_mm256_storeu_si256((void *)(p + 96), _mm256_permute2x128_si256(f, h, 0x31));
}

/* Every lane whose bits are all set. */
INLINE lane_mask
v_mask(__m256i m)
{
	return m;
}

/* m ? a : b, lane by lane. */
INLINE __m256i
v_select(lane_mask m, __m256i a, __m256i b)
{
	return _mm256_blendv_epi8(b, a, m);
}

/* For SHA-512 and BLAKE2b. */
INLINE __m256i
v_ror(__m256i x, const int n)
{
	return V_OR(V_SRL(x, n), V_SLL(x, 64 - n));
}

INLINE __m256i
v_xor(__m256i a, __m256i b)
{
	return V_XOR(a, b);
}

INLINE __m256i
v_xor3(__m256i a, __m256i b, __m256i c)
{
	return V_XOR(V_XOR(a, b), c);
}

/* a ? b : c and the majority of three, bit by bit. */
INLINE __m256i
v_choose(__m256i a, __m256i b, __m256i c)
{
	return V_XOR(c, V_AND(a, V_XOR(b, c)));
}

INLINE __m256i
v_majority(__m256i a, __m256i b, __m256i c)
{
	return V_OR(V_AND(a, b), V_AND(c, V_OR(a, b)));
}

/* Leaves nothing in the vector registers. */
INLINE void
v_wipe_registers(void)
{
	_mm256_zeroall();
}

#endif /* OV_COMMON_PSI_FIELD_AVX2_H */
