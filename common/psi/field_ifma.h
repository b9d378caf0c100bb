/* field_ifma.h - GF(2^255 - 19), eight independent elements, one per 64-bit lane, with
 * AVX-512 IFMA.
 *
 * An element has five limbs of radix 2^51.
 *   struct fe    "carried": every limb < 2^51 + 2^16, so the value is < 2p.  Only these
 * may be multiplied: vpmadd52 reads 52 bits of its factors and drops the rest without a
 * word. struct wide  five columns of 64 bits: sums of products before the carry. Bounds
 * are in units u = 2^50.  A product of two carried limbs gives vpmadd52 a low part < 4u
 * and a high part < (1 + 2^-30) u. A debug build checks every bound named here.
 */
#ifndef OV_COMMON_PSI_FIELD_IFMA_H
#define OV_COMMON_PSI_FIELD_IFMA_H

#include <assert.h>
#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#define LANES 8
#define INLINE static inline __attribute__((always_inline))
#define NOINLINE static __attribute__((noinline))

struct fe {
	__m512i l0, l1, l2, l3, l4;
};
struct wide {
	__m512i l0, l1, l2, l3, l4;
};
typedef __mmask8 lane_mask; /* one bit a lane */
typedef __mmask8 all_mask;  /* the same, and all bits are equal */

/* An element as it stands in a table. */
struct stored {
	struct fe f;
};

#include "common/psi/beside.h"

#define V_SET(x) _mm512_set1_epi64((long long)(x))
#define V_ZERO _mm512_setzero_si512()
#define V_ADD _mm512_add_epi64
#define V_SUB _mm512_sub_epi64
#define V_AND _mm512_and_si512
#define V_OR _mm512_or_si512
#define V_SRL _mm512_srli_epi64
#define V_SLL _mm512_slli_epi64
#define V_LO _mm512_madd52lo_epu64
#define V_HI _mm512_madd52hi_epu64
#define M51 ((1ULL << 51) - 1)

#define CARRIED_BELOW ((1ULL << 51) + (1ULL << 16))
#define WIDE_BELOW (1ULL << 62) /* 4096u */
/* Column i of a product, in u; limb i of 2^k p, k > 0, is less than 2^(k + 1) u. */
#define PRODUCT_BELOW(i) (499 - 108 * (uint64_t)(i))
#define OFFSET_BELOW(k) ((k) ? 2ULL << (k) : 0)

#ifdef NDEBUG
#define CHECK_LANES_BELOW(v, bound) ((void)0)
#define CHECK_BELOW(a, bound) ((void)0)
#define CHECK_COVERS(a, b) ((void)0)
#define CHECK_PRODUCT(w, k) ((void)0)
#else
#define LANES_BELOW(v, bound) _mm512_cmplt_epu64_mask((v), V_SET(bound))
#define LANES_COVER(v, w) _mm512_cmpge_epu64_mask((v), (w))
#define CHECK_LANES_BELOW(v, bound) assert(LANES_BELOW(v, bound) == 0xff)
#define CHECK_BELOW(a, bound)                                                            \
	assert((LANES_BELOW((a).l0, bound) & LANES_BELOW((a).l1, bound) &                \
		   LANES_BELOW((a).l2, bound) & LANES_BELOW((a).l3, bound) &             \
		   LANES_BELOW((a).l4, bound)) == 0xff)
#define CHECK_COVERS(a, b)                                                               \
	assert((LANES_COVER((a).l0, (b).l0) & LANES_COVER((a).l1, (b).l1) &              \
		   LANES_COVER((a).l2, (b).l2) & LANES_COVER((a).l3, (b).l3) &           \
		   LANES_COVER((a).l4, (b).l4)) == 0xff)
#define COLUMN_BELOW(w, i, k)                                                            \
	LANES_BELOW((w).l##i, (PRODUCT_BELOW(i) + OFFSET_BELOW(k)) << 50)
#define CHECK_PRODUCT(w, k)                                                              \
	assert((COLUMN_BELOW(w, 0, k) & COLUMN_BELOW(w, 1, k) & COLUMN_BELOW(w, 2, k) &  \
		   COLUMN_BELOW(w, 3, k) & COLUMN_BELOW(w, 4, k)) == 0xff)
#endif
/* Every column of a sum is below so many u. */
#define CHECK_SUM(w, units) CHECK_BELOW(w, (uint64_t)(units) << 50)

/* 19 and 38 times a column.  In assembly, because gcc makes four shifts and additions of
 * a vpmullq by a constant. */
static const uint64_t v_c19[LANES]
    __attribute__((aligned(64))) = { 19, 19, 19, 19, 19, 19, 19, 19 };
static const uint64_t v_c38[LANES]
    __attribute__((aligned(64))) = { 38, 38, 38, 38, 38, 38, 38, 38 };

INLINE __m512i
v_times(__m512i h, const uint64_t *c)
{
	__m512i t;

	__asm__("vpmullq %2, %1, %0" : "=v"(t) : "v"(h), "m"(*(const __m512i *)c));
	return t;
}

/* z + c h: a column of weight 2^255 or more comes down five places. */
INLINE __m512i
v_fold(__m512i z, __m512i h, const uint64_t *c)
{
	return V_ADD(z, v_times(h, c));
}

/* The constant of four little-endian words, < 2^255, in every lane. */
INLINE struct fe
fe_const(uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	return (struct fe){
		V_SET(a & M51),
		V_SET((a >> 51 | b << 13) & M51),
		V_SET((b >> 38 | c << 26) & M51),
		V_SET((c >> 25 | d << 39) & M51),
		V_SET(d >> 12 & M51),
	};
}

/* All five carries at once, limb by limb.  Columns < 2^62 give carries < 2^11, so limbs
 * < 2^51 + 2^11, the lowest < 2^51 + 19 * 2^11 < 2^51 + 2^16. */
#define KEEP(c, i) V_AND((c)->w->l##i, V_SET(M51))
#define PASS(c, i) V_SRL((c)->w->l##i, 51)
#define CARRIED(c, i, sum)                                                               \
	do {                                                                             \
		(c)->r->l##i = (sum);                                                    \
		CHECK_LANES_BELOW((c)->r->l##i, CARRIED_BELOW);                          \
	} while (0)

INLINE void
carry_step(const struct carrying *c, const int limb)
{
	if (limb == 0) {
		CHECK_BELOW(*c->w, WIDE_BELOW);
		CARRIED(c, 0, V_LO(KEEP(c, 0), PASS(c, 4), V_SET(19)));
	} else if (limb == 1) {
		CARRIED(c, 1, V_ADD(KEEP(c, 1), PASS(c, 0)));
	} else if (limb == 2) {
		CARRIED(c, 2, V_ADD(KEEP(c, 2), PASS(c, 1)));
	} else if (limb == 3) {
		CARRIED(c, 3, V_ADD(KEEP(c, 3), PASS(c, 2)));
	} else {
		CARRIED(c, 4, V_ADD(KEEP(c, 4), PASS(c, 3)));
	}
}
#undef KEEP
#undef PASS
#undef CARRIED

INLINE struct fe
fe_carry(struct wide w)
{
	struct fe r;
	const struct carrying c = { &r, &w };

	for (int i = 0; i < 5; i++)
		carry_step(&c, i);
	return r;
}

INLINE struct stored
fe_put(struct fe a)
{
	return (struct stored){ a };
}

INLINE struct wide
wide_of(struct fe a)
{
	return (struct wide){ a.l0, a.l1, a.l2, a.l3, a.l4 };
}

INLINE struct wide
wide_add(struct wide a, struct wide b)
{
	return (struct wide){ V_ADD(a.l0, b.l0), V_ADD(a.l1, b.l1), V_ADD(a.l2, b.l2),
		V_ADD(a.l3, b.l3), V_ADD(a.l4, b.l4) };
}

/* a - b, where a holds a multiple of p that keeps every column >= that of b. */
INLINE struct wide
wide_sub(struct wide a, struct wide b)
{
	CHECK_COVERS(a, b);
	return (struct wide){ V_SUB(a.l0, b.l0), V_SUB(a.l1, b.l1), V_SUB(a.l2, b.l2),
		V_SUB(a.l3, b.l3), V_SUB(a.l4, b.l4) };
}

/* Limb 0 and limbs 1 to 4 of 2^k p, divided by 2^shift; nothing for k = 0. */
#define OFFSET0(k, shift)                                                                \
	((k) ? V_SET(((1ULL << (51 + (k))) - (19ULL << (k))) >> (shift)) : V_ZERO)
#define OFFSETI(k, shift)                                                                \
	((k) ? V_SET(((1ULL << (51 + (k))) - (1ULL << (k))) >> (shift)) : V_ZERO)

/* 2^k p as columns: 2^(k + 1) u each, less 2^-50 of that. */
INLINE struct wide
wide_offset(const int k)
{
	return (struct wide){ OFFSET0(k, 0), OFFSETI(k, 0), OFFSETI(k, 0), OFFSETI(k, 0),
		OFFSETI(k, 0) };
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

/* m ? a : b, lane by lane.  In assembly, so that it is from registers to a register: the
 * compilers would make a masked load of it, and a mask would decide over an access to
 * memory. */
INLINE __m512i
v_select(lane_mask m, __m512i a, __m512i b)
{
	__m512i r;

	__asm__("vpblendmq %2, %1, %0 %{%3%}" : "=v"(r) : "v"(b), "v"(a), "Yk"(m));
	return r;
}

/* m is 0 or all ones. */
INLINE all_mask
all_mask_of(uint64_t m)
{
	return (all_mask)m;
}

/* Takes element j - 1 where it is the one. */
INLINE void
search_row(struct searching *s, const int j)
{
	const struct fe *f = &((const struct stored *)((const char *)s->column +
						       (size_t)(j - 1) * s->stride))
				  ->f;

	s->found.l0 = v_select(s->is[j], f->l0, s->found.l0);
	s->found.l1 = v_select(s->is[j], f->l1, s->found.l1);
	s->found.l2 = v_select(s->is[j], f->l2, s->found.l2);
	s->found.l3 = v_select(s->is[j], f->l3, s->found.l3);
	s->found.l4 = v_select(s->is[j], f->l4, s->found.l4);
}

/* Step 0 to 4 of what goes beside a product. */
#define STEPS 5
INLINE void
beside_step(const struct beside *x, const int step)
{
	for (int i = 0; i < 2; i++)
		if (x->carry[i].r != NULL)
			carry_step(&x->carry[i], (step + 1) % STEPS);
	if (x->search != NULL && x->search->column != NULL)
		for (int j = step * TABLE / STEPS; j < (step + 1) * TABLE / STEPS; j++)
			search_row(x->search, j + 1);
}

/* A search without a product. */
INLINE struct fe
fe_search(struct searching s)
{
	for (int j = 1; j <= TABLE; j++)
		search_row(&s, j);
	return s.found;
}

/* Exchanges a and b where m is all ones. */
#define EXCHANGE(m, a, b)                                                                \
	do {                                                                             \
		__m512i t_ = v_select(m, b, a);                                          \
		b = v_select(m, a, b);                                                   \
		a = t_;                                                                  \
	} while (0)

INLINE void
fe_exchange(all_mask m, struct fe *a, struct fe *b)
{
	EXCHANGE(m, a->l0, b->l0);
	EXCHANGE(m, a->l1, b->l1);
	EXCHANGE(m, a->l2, b->l2);
	EXCHANGE(m, a->l3, b->l3);
	EXCHANGE(m, a->l4, b->l4);
}

INLINE void
wide_exchange(all_mask m, struct wide *a, struct wide *b)
{
	EXCHANGE(m, a->l0, b->l0);
	EXCHANGE(m, a->l1, b->l1);
	EXCHANGE(m, a->l2, b->l2);
	EXCHANGE(m, a->l3, b->l3);
	EXCHANGE(m, a->l4, b->l4);
}
#undef EXCHANGE

/* Product number i of a row: the five accumulators take the parts of ai times b. */
#define ROW(part, ai, p, q, s, t, u)                                                     \
	p = part(p, ai, b.l0);                                                           \
	q = part(q, ai, b.l1);                                                           \
	s = part(s, ai, b.l2);                                                           \
	t = part(t, ai, b.l3);                                                           \
	u = part(u, ai, b.l4)
#define DOUBLE(x) x = V_ADD(x, x)

/* a b + 2^k p: the offset rides free in the accumulators' start values.
 *
 * High parts count twice (52 bits against radix 2^51), so they come first, are doubled,
 * and take the low parts on top.  Columns then hold at most, from 0 to 9: 4, 10, 16, 22,
 * 28, 26, 20, 14, 8, 2 u; folded, without the offset: 498, 390, 282, 174, 66 u, and less
 * than 2^-24 u more for what limbs hold beyond 2^51.  A column of 5 or more is folded as
 * soon as it is complete. */
INLINE void
wide_mul(struct wide *r, const struct fe *fa, const struct fe *fb, const int k,
    struct beside x)
{
	const struct fe a = *fa, b = *fb;
	__m512i z0 = OFFSET0(k, 0), z1 = OFFSETI(k, 1), z2 = OFFSETI(k, 1);
	__m512i z3 = OFFSETI(k, 1), z4 = OFFSETI(k, 1), z5 = V_ZERO, z6 = V_ZERO;
	__m512i z7 = V_ZERO, z8 = V_ZERO, z9 = V_ZERO;

	CHECK_BELOW(a, CARRIED_BELOW);
	CHECK_BELOW(b, CARRIED_BELOW);
	ROW(V_HI, a.l4, z5, z6, z7, z8, z9);
	beside_step(&x, 0);
	ROW(V_HI, a.l3, z4, z5, z6, z7, z8);
	beside_step(&x, 1);
	ROW(V_HI, a.l2, z3, z4, z5, z6, z7);
	beside_step(&x, 2);
	ROW(V_HI, a.l1, z2, z3, z4, z5, z6);
	beside_step(&x, 3);
	DOUBLE(z8);
	DOUBLE(z7);
	ROW(V_HI, a.l0, z1, z2, z3, z4, z5);
	DOUBLE(z6);
	DOUBLE(z4);
	z4 = v_fold(z4, z9, v_c38); /* doubled and folded in one */
	DOUBLE(z5);
	ROW(V_LO, a.l4, z4, z5, z6, z7, z8);
	beside_step(&x, 4);
	DOUBLE(z3);
	z3 = v_fold(z3, z8, v_c19);
	ROW(V_LO, a.l3, z3, z4, z5, z6, z7);
	DOUBLE(z2);
	z2 = v_fold(z2, z7, v_c19);
	ROW(V_LO, a.l2, z2, z3, z4, z5, z6);
	DOUBLE(z1);
	z1 = v_fold(z1, z6, v_c19);
	ROW(V_LO, a.l1, z1, z2, z3, z4, z5);
	z0 = v_fold(z0, z5, v_c19);
	ROW(V_LO, a.l0, z0, z1, z2, z3, z4);
	*r = (struct wide){ z0, z1, z2, z3, z4 };
	CHECK_PRODUCT(*r, k);
}

/* a^2 + 2^k p, same bounds.  Cross products count twice; a doubled limb might not fit 52
 * bits, so accumulators are doubled instead: once more for high parts.  z5, z7 and z9
 * lack a doubling and are folded with 38. */
INLINE void
wide_sqr(struct wide *r, const struct fe *a, const int k, struct beside x)
{
	const __m512i a0 = a->l0, a1 = a->l1, a2 = a->l2, a3 = a->l3, a4 = a->l4;
	__m512i z0, z1, z2, z3, z4, z5, z6, z7, z8, z9;

	CHECK_BELOW(*a, CARRIED_BELOW);
	z5 = V_HI(V_ZERO, a0, a4);
	z6 = V_HI(V_ZERO, a1, a4);
	z7 = V_HI(V_ZERO, a2, a4);
	z8 = V_HI(V_ZERO, a3, a4);
	z9 = V_HI(V_ZERO, a4, a4);
	beside_step(&x, 0);
	z5 = V_HI(z5, a1, a3);
	z6 = V_HI(z6, a2, a3);
	z4 = V_HI(OFFSETI(k, 2), a0, a3);
	z3 = V_HI(OFFSETI(k, 2), a0, a2);
	DOUBLE(z7);
	beside_step(&x, 1);
	z2 = V_HI(OFFSETI(k, 2), a0, a1);
	z8 = V_SLL(z8, 2);
	z4 = V_HI(z4, a1, a2);
	DOUBLE(z5);
	z7 = V_HI(z7, a3, a3);
	DOUBLE(z6);
	z8 = V_LO(z8, a4, a4);
	beside_step(&x, 2);
	z6 = V_LO(z6, a2, a4);
	DOUBLE(z3);
	z5 = V_HI(z5, a2, a2);
	z1 = V_HI(OFFSETI(k, 1), a0, a0);
	DOUBLE(z2);
	z7 = V_LO(z7, a3, a4);
	DOUBLE(z4);
	z3 = V_HI(z3, a1, a1);
	beside_step(&x, 3);
	z5 = V_LO(z5, a1, a4);
	DOUBLE(z6);
	z4 = V_LO(z4, a0, a4);
	z2 = V_LO(z2, a0, a2);
	z1 = V_LO(z1, a0, a1);
	z6 = V_LO(z6, a3, a3);
	beside_step(&x, 4);
	z3 = V_LO(z3, a0, a3);
	z5 = V_LO(z5, a2, a3);
	z4 = V_LO(z4, a1, a3);
	DOUBLE(z2);
	DOUBLE(z1);
	z3 = V_LO(z3, a1, a2);
	z1 = v_fold(z1, z6, v_c19);
	z2 = v_fold(z2, z7, v_c38);
	DOUBLE(z4);
	z4 = v_fold(z4, z9, v_c38);
	z0 = OFFSET0(k, 0);
	DOUBLE(z3);
	z2 = V_LO(z2, a1, a1);
	z0 = k ? v_fold(z0, z5, v_c38) : v_times(z5, v_c38);
	z3 = v_fold(z3, z8, v_c19);
	z4 = V_LO(z4, a2, a2);
	z0 = V_LO(z0, a0, a0);
	*r = (struct wide){ z0, z1, z2, z3, z4 };
	CHECK_PRODUCT(*r, k);
}
#undef ROW
#undef DOUBLE

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
INLINE __m512i
v_quotient(struct fe a)
{
	__m512i q = V_SRL(V_ADD(a.l0, V_SET(19)), 51);

	q = V_SRL(V_ADD(a.l1, q), 51);
	q = V_SRL(V_ADD(a.l2, q), 51);
	q = V_SRL(V_ADD(a.l3, q), 51);
	return V_SRL(V_ADD(a.l4, q), 51);
}

/* The canonical value: adds 19 q and drops bit 255. */
INLINE struct fe
fe_canonical(struct fe a)
{
	const __m512i m = V_SET(M51);
	__m512i t = V_LO(a.l0, v_quotient(a), V_SET(19));
	struct fe r;

	CHECK_BELOW(a, CARRIED_BELOW);
	r.l0 = V_AND(t, m);
	t = V_ADD(a.l1, V_SRL(t, 51));
	r.l1 = V_AND(t, m);
	t = V_ADD(a.l2, V_SRL(t, 51));
	r.l2 = V_AND(t, m);
	t = V_ADD(a.l3, V_SRL(t, 51));
	r.l3 = V_AND(t, m);
	t = V_ADD(a.l4, V_SRL(t, 51));
	r.l4 = V_AND(t, m);
	return r;
}

/* RFC 9496 section 4.1: the canonical value is odd.  p is odd, so taking it off flips. */
INLINE lane_mask
fe_is_negative(struct fe a)
{
	CHECK_BELOW(a, CARRIED_BELOW);
	return _mm512_test_epi64_mask(_mm512_xor_si512(a.l0, v_quotient(a)), V_SET(1));
}

INLINE lane_mask
fe_is_zero(struct fe a)
{
	struct fe c = fe_canonical(a);
	__m512i any = V_OR(V_OR(V_OR(c.l0, c.l1), V_OR(c.l2, c.l3)), c.l4);

	return _mm512_testn_epi64_mask(any, any);
}

INLINE lane_mask
mask_and(lane_mask a, lane_mask b)
{
	return a & b;
}

INLINE lane_mask
mask_or(lane_mask a, lane_mask b)
{
	return a | b;
}

INLINE lane_mask
mask_not(lane_mask a)
{
	return (lane_mask)~a;
}

/* Bit i for lane i. */
INLINE unsigned
mask_bits(lane_mask a)
{
	return a;
}

/* m ? a : b, lane by lane. */
INLINE struct fe
fe_select(lane_mask m, struct fe a, struct fe b)
{
	return (struct fe){ v_select(m, a.l0, b.l0), v_select(m, a.l1, b.l1),
		v_select(m, a.l2, b.l2), v_select(m, a.l3, b.l3),
		v_select(m, a.l4, b.l4) };
}

INLINE __m512i
v_load_two(const uint8_t *low, const uint8_t *high)
{
	__m256i a = _mm256_loadu_si256((const void *)low);

	return _mm512_inserti64x4(
	    _mm512_castsi256_si512(a), _mm256_loadu_si256((const void *)high), 1);
}

/* Eight times 32 little-endian bytes, `stride` apart; bit 255 is dropped.  Transposes
 * four words each of lanes 0 to 3 and of 4 to 7. */
INLINE struct fe
fe_load(const uint8_t *p, size_t stride)
{
	const __m512i low = _mm512_setr_epi64(0, 1, 8, 9, 4, 5, 12, 13);
	const __m512i high = _mm512_setr_epi64(2, 3, 10, 11, 6, 7, 14, 15);
	__m512i a = v_load_two(p, p + 4 * stride);
	__m512i b = v_load_two(p + stride, p + 5 * stride);
	__m512i c = v_load_two(p + 2 * stride, p + 6 * stride);
	__m512i d = v_load_two(p + 3 * stride, p + 7 * stride);
	__m512i ab0 = _mm512_unpacklo_epi64(a, b), ab1 = _mm512_unpackhi_epi64(a, b);
	__m512i cd0 = _mm512_unpacklo_epi64(c, d), cd1 = _mm512_unpackhi_epi64(c, d);
	__m512i w0 = _mm512_permutex2var_epi64(ab0, low, cd0);
	__m512i w1 = _mm512_permutex2var_epi64(ab1, low, cd1);
	__m512i w2 = _mm512_permutex2var_epi64(ab0, high, cd0);
	__m512i w3 = _mm512_permutex2var_epi64(ab1, high, cd1);
	const __m512i m = V_SET(M51);

	return (struct fe){
		V_AND(w0, m),
		V_AND(V_OR(V_SRL(w0, 51), V_SLL(w1, 13)), m),
		V_AND(V_OR(V_SRL(w1, 38), V_SLL(w2, 26)), m),
		V_AND(V_OR(V_SRL(w2, 25), V_SLL(w3, 39)), m),
		V_AND(V_SRL(w3, 12), m),
	};
}

/* Eight canonical encodings, 32 bytes apart. */
INLINE void
fe_store(uint8_t *p, struct fe a)
{
	uint64_t words[4][LANES] __attribute__((aligned(64)));
	struct fe c = fe_canonical(a);

	_mm512_store_si512(words[0], V_OR(c.l0, V_SLL(c.l1, 51)));
	_mm512_store_si512(words[1], V_OR(V_SRL(c.l1, 13), V_SLL(c.l2, 38)));
	_mm512_store_si512(words[2], V_OR(V_SRL(c.l2, 26), V_SLL(c.l3, 25)));
	_mm512_store_si512(words[3], V_OR(V_SRL(c.l3, 39), V_SLL(c.l4, 12)));
	for (size_t i = 0; i < LANES; i++)
		for (size_t j = 0; j < 4; j++)
			__builtin_memcpy(p + 32 * i + 8 * j, &words[j][i], 8);
}

/* Every lane whose bits are all set. */
INLINE lane_mask
v_mask(__m512i m)
{
	return _mm512_movepi64_mask(m);
}

/* For SHA-512 and BLAKE2b. */
INLINE __m512i
v_ror(__m512i x, const int n)
{
	return _mm512_or_si512(_mm512_srli_epi64(x, (unsigned)n),
	    _mm512_slli_epi64(x, (unsigned)(64 - n))); /* becomes one vprorq */
}

INLINE __m512i
v_xor(__m512i a, __m512i b)
{
	return _mm512_xor_si512(a, b);
}

INLINE __m512i
v_xor3(__m512i a, __m512i b, __m512i c)
{
	return _mm512_ternarylogic_epi64(a, b, c, 0x96);
}

/* a ? b : c and the majority of three, bit by bit. */
INLINE __m512i
v_choose(__m512i a, __m512i b, __m512i c)
{
	return _mm512_ternarylogic_epi64(a, b, c, 0xca);
}

INLINE __m512i
v_majority(__m512i a, __m512i b, __m512i c)
{
	return _mm512_ternarylogic_epi64(a, b, c, 0xe8);
}

/* Leaves nothing in the vector registers. */
INLINE void
v_wipe_registers(void)
{
	_mm256_zeroall();
	__asm__ volatile("vpxorq %%zmm16, %%zmm16, %%zmm16\n\t"
			 "vpxorq %%zmm17, %%zmm17, %%zmm17\n\t"
			 "vpxorq %%zmm18, %%zmm18, %%zmm18\n\t"
			 "vpxorq %%zmm19, %%zmm19, %%zmm19\n\t"
			 "vpxorq %%zmm20, %%zmm20, %%zmm20\n\t"
			 "vpxorq %%zmm21, %%zmm21, %%zmm21\n\t"
			 "vpxorq %%zmm22, %%zmm22, %%zmm22\n\t"
			 "vpxorq %%zmm23, %%zmm23, %%zmm23\n\t"
			 "vpxorq %%zmm24, %%zmm24, %%zmm24\n\t"
			 "vpxorq %%zmm25, %%zmm25, %%zmm25\n\t"
			 "vpxorq %%zmm26, %%zmm26, %%zmm26\n\t"
			 "vpxorq %%zmm27, %%zmm27, %%zmm27\n\t"
			 "vpxorq %%zmm28, %%zmm28, %%zmm28\n\t"
			 "vpxorq %%zmm29, %%zmm29, %%zmm29\n\t"
			 "vpxorq %%zmm30, %%zmm30, %%zmm30\n\t"
			 "vpxorq %%zmm31, %%zmm31, %%zmm31"
			 :
			 :
			 : "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22",
			 "xmm23", "xmm24", "xmm25", "xmm26", "xmm27", "xmm28", "xmm29",
			 "xmm30", "xmm31");
}

#endif /* OV_COMMON_PSI_FIELD_IFMA_H */
