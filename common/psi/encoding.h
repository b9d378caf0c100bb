/* encoding.h - ristretto255 (RFC 9496 section 4) in lanes: hash to group, decoding, and
 * encoding of many points with one inversion.
 *
 * Included by a kernel after its field and points.h.  Square roots work on two vectors in
 * step, so that one hides the waiting times of the other.
 */
#ifndef OV_COMMON_PSI_ENCODING_H
#define OV_COMMON_PSI_ENCODING_H

#include "common/psi/points.h"

#define PAIR 2
#define BOTH for (int i_ = 0; i_ < PAIR; i_++)

struct pair {
	struct fe v[PAIR];
};

/* The two take turns: each is carried beside the other's next square.  A function of its
 * own: expanded, gcc also writes each step to memory, which nobody reads. */
NOINLINE void
pair_sqr_n(struct pair *r, const struct pair *a, int n)
{
	struct fe x, y = a->v[1];
	struct wide xx, yy;

	wide_sqr(&xx, &a->v[0], 0, NOTHING_BESIDE);
	for (int j = 1; j < n; j++) {
		wide_sqr(&yy, &y, 0, BESIDE(.carry = { { &x, &xx } }));
		wide_sqr(&xx, &x, 0, BESIDE(.carry = { { &y, &yy } }));
	}
	wide_sqr(&yy, &y, 0, BESIDE(.carry = { { &r->v[0], &xx } }));
	r->v[1] = fe_carry(yy);
}

INLINE void
pair_mul(struct pair *r, const struct pair *a, const struct pair *b)
{
	struct wide x, y;

	wide_mul(&x, &a->v[0], &b->v[0], 0, NOTHING_BESIDE);
	wide_mul(&y, &a->v[1], &b->v[1], 0, BESIDE(.carry = { { &r->v[0], &x } }));
	r->v[1] = fe_carry(y);
}

/* r = x^(2^252 - 3); the comments give the exponent. */
NOINLINE void
pair_pow22523(struct pair *r, const struct pair *x)
{
	struct pair a = *x, s, t, u;

	pair_sqr_n(&s, &a, 1); /* 2 */
	pair_sqr_n(&t, &s, 2); /* 8 */
	pair_mul(&t, &a, &t);  /* 9 */
	pair_mul(&s, &s, &t);  /* 11 */
	pair_sqr_n(&s, &s, 1); /* 22 */
	pair_mul(&s, &t, &s);  /* 2^5 - 1 */
	pair_sqr_n(&t, &s, 5);
	pair_mul(&s, &t, &s); /* 2^10 - 1 */
	pair_sqr_n(&t, &s, 10);
	pair_mul(&t, &t, &s); /* 2^20 - 1 */
	pair_sqr_n(&u, &t, 20);
	pair_mul(&t, &u, &t); /* 2^40 - 1 */
	pair_sqr_n(&t, &t, 10);
	pair_mul(&s, &t, &s); /* 2^50 - 1 */
	pair_sqr_n(&t, &s, 50);
	pair_mul(&t, &t, &s); /* 2^100 - 1 */
	pair_sqr_n(&u, &t, 100);
	pair_mul(&t, &u, &t); /* 2^200 - 1 */
	pair_sqr_n(&t, &t, 50);
	pair_mul(&s, &t, &s); /* 2^250 - 1 */
	pair_sqr_n(&s, &s, 2);
	pair_mul(r, &s, &a); /* 2^252 - 3 */
}

/* z^(p - 2) = (z^(2^252 - 3))^8 z^3; 0 for 0.  Once a group: the second vector is idle.
 */
static void
fe_invert(struct fe *r, const struct fe *z)
{
	struct pair x = { { *z, *z } };
	struct fe z3;

	pair_pow22523(&x, &x);
	pair_sqr_n(&x, &x, 3);
	fe_sqr(&z3, z);
	fe_mul(&z3, &z3, z);
	fe_mul(r, &x.v[0], &z3);
}

/* a times a constant. */
INLINE void
fe_scale(struct fe *r, const struct fe *a, struct fe constant)
{
	fe_mul(r, a, &constant);
}

INLINE struct fe
fe_abs(struct fe a)
{
	return fe_select(fe_is_negative(a), fe_neg(a), a);
}

struct pair_mask {
	lane_mask m[PAIR];
};

/* r = |sqrt(u / v)|, or |sqrt(i u / v)| where u / v is no square; square tells which
 * (SQRT_RATIO_M1, section 4.2). */
NOINLINE void
pair_sqrt_ratio(
    struct pair *r, struct pair_mask *square, const struct pair *u, const struct pair *v)
{
	struct pair uv3, root;

	BOTH
	{
		struct fe v2;

		fe_sqr(&v2, &v->v[i_]);
		fe_mul(&uv3.v[i_], &v2, &v->v[i_]);
		fe_mul(&uv3.v[i_], &uv3.v[i_], &u->v[i_]);
		fe_sqr(&v2, &v2);
		fe_mul(&root.v[i_], &uv3.v[i_], &v2); /* u v^7 */
	}
	pair_pow22523(&root, &root);
	pair_mul(&root, &root, &uv3);
	BOTH
	{
		struct fe check, i_u, i_root;
		lane_mask correct, flipped, flipped_i;

		fe_sqr(&check, &root.v[i_]);
		fe_mul(&check, &check, &v->v[i_]);
		fe_scale(&i_u, &u->v[i_], CONST(SQRT_M1));
		fe_scale(&i_root, &root.v[i_], CONST(SQRT_M1));
		correct = fe_is_zero(fe_sub(check, u->v[i_]));
		flipped = fe_is_zero(fe_add(check, u->v[i_]));
		flipped_i = fe_is_zero(fe_add(check, i_u));
		r->v[i_] =
		    fe_abs(fe_select(mask_or(flipped, flipped_i), i_root, root.v[i_]));
		square->m[i_] = mask_or(correct, flipped);
	}
}

/* u and v of the map (section 4.3.4), the numerator and denominator under the root. */
INLINE void
map_ratio(struct fe *u, struct fe *v, struct fe *r, const struct fe *t)
{
	struct fe a, b;

	fe_sqr(r, t);
	fe_scale(r, r, CONST(SQRT_M1));
	a = fe_add(*r, CONST(ONE));
	fe_scale(u, &a, CONST(ONE_MINUS_D_SQ));
	fe_scale(&a, r, CONST(D));
	a = fe_neg(fe_add(CONST(ONE), a));
	b = fe_add(*r, CONST(D));
	fe_mul(v, &a, &b);
}

/* The rest of the map.  e and h are < 8u. */
INLINE void
map_finish(struct completed *w, lane_mask square, struct fe s, const struct fe *v,
    const struct fe *r, const struct fe *t)
{
	struct fe s_prime, c, n, a;

	fe_mul(&s_prime, &s, t);
	s_prime = fe_neg(fe_abs(s_prime));
	c = fe_select(square, fe_neg(CONST(ONE)), *r);
	s = fe_select(square, s, s_prime);
	a = fe_sub(*r, CONST(ONE));
	fe_mul(&n, &c, &a);
	fe_scale(&n, &n, CONST(D_MINUS_ONE_SQ));
	n = fe_sub(n, *v);
	fe_mul(&a, &s, v);
	w->e = wide_add(wide_of(a), wide_of(a));
	fe_scale(&w->f, &n, CONST(SQRT_AD_MINUS_ONE));
	fe_sqr(&a, &s);
	w->g = fe_sub(CONST(ONE), a);
	w->h = wide_add(wide_of(CONST(ONE)), wide_of(a));
	CHECK_SUM(w->e, 8);
	CHECK_SUM(w->h, 8);
}

/* The sum of two maps (section 4.3.4) of LANES times 64 bytes, 64 bytes apart: the two
 * halves are the pair.  Bit 255 of each half is dropped, as the RFC says. */
NOINLINE void
map_uniform(struct add_in *out, const uint8_t *uniform)
{
	struct pair r, t, u, v, s;
	struct pair_mask square;
	struct add_in sum[PAIR];
	struct cached second;

	BOTH
	{
		t.v[i_] = fe_load(uniform + 32 * i_, 64);
		map_ratio(&u.v[i_], &v.v[i_], &r.v[i_], &t.v[i_]);
	}
	pair_sqrt_ratio(&s, &square, &u, &v);
	BOTH
	{
		struct completed w;

		map_finish(&w, square.m[i_], s.v[i_], &v.v[i_], &r.v[i_], &t.v[i_]);
		to_add_in(&sum[i_], &w, NULL);
	}
	to_cached(&second, &sum[1]);
	point_add(out, &sum[0], &second);
}

/* Two vectors of encodings, 32 bytes apart (section 4.3.1), canonical and not negative:
 * ov_psi_plausible_vartime() has seen to that.  Lanes whose bit in ok is clear hold
 * rubbish that is no point, but within the bounds. */
NOINLINE void
decode_pair(struct add_in out[PAIR], struct pair_mask *ok, const uint8_t *encodings)
{
	struct pair s, u1, u2, v, w, one, root;

	BOTH
	{
		struct fe a, u22;

		s.v[i_] = fe_load(encodings + 32 * LANES * i_, 32);
		fe_sqr(&a, &s.v[i_]);
		u1.v[i_] = fe_sub(CONST(ONE), a);
		u2.v[i_] = fe_add(CONST(ONE), a);
		fe_sqr(&u22, &u2.v[i_]);
		fe_sqr(&a, &u1.v[i_]);
		fe_scale(&a, &a, CONST(D));
		v.v[i_] = fe_neg(fe_add(a, u22));
		fe_mul(&w.v[i_], &v.v[i_], &u22);
		one.v[i_] = CONST(ONE);
	}
	pair_sqrt_ratio(&root, ok, &one, &w);
	BOTH
	{
		struct fe dx, dy, x, y, t;
		lane_mask bad;

		fe_mul(&dx, &root.v[i_], &u2.v[i_]);
		fe_mul(&dy, &root.v[i_], &dx);
		fe_mul(&dy, &dy, &v.v[i_]);
		fe_mul(&x, &s.v[i_], &dx);
		x = fe_abs(fe_add(x, x));
		fe_mul(&y, &u1.v[i_], &dy);
		fe_mul(&t, &x, &y);
		bad = mask_or(fe_is_negative(t), fe_is_zero(y));
		ok->m[i_] = mask_and(ok->m[i_], mask_not(bad));
		out[i_].P = fe_add(y, x);
		out[i_].M = fe_sub(y, x);
		out[i_].Z = wide_of(CONST(ONE));
		out[i_].T = t;
	}
}

/* What encoding one vector of points needs to remember across the shared inversion. */
struct half_encoded {
	struct fe e, f, g, h;
	struct fe eg, fh, before; /* before: the product of all earlier vectors */
	lane_mask zero;
};

/* e f g h, or 1 where that is 0. */
INLINE struct fe
nonzero_product(const struct half_encoded *s)
{
	struct fe r;

	fe_mul(&r, &s->eg, &s->fh);
	return fe_select(s->zero, CONST(ONE), r);
}

/* The encoding of 2 p from (e, f, g, h) and 1 / (e f g h): section 4.3.2 for a point that
 * is twice another, so that every square root in it is known (Hamburg, "Decaf", 2015,
 * section 7; the batch form is from the notes of curve25519-dalek).  In this order:
 * rotate where x y is negative, then make x positive, then |s|. */
INLINE struct fe
encode_one(const struct half_encoded *s, const struct fe *inverse)
{
	struct fe z_inv, t_inv, a, e, f, g, h, magic;
	lane_mask rotate;

	fe_mul(&z_inv, &s->eg, inverse);
	fe_mul(&t_inv, &s->fh, inverse);
	fe_mul(&a, &s->eg, &z_inv); /* x y */
	rotate = fe_is_negative(a);
	fe_scale(&f, &s->f, CONST(SQRT_M1));
	e = fe_select(rotate, s->g, s->e);
	g = fe_select(rotate, fe_neg(s->e), s->g);
	h = fe_select(rotate, f, s->h);
	magic = fe_select(rotate, CONST(SQRT_M1), CONST(INVSQRT_A_MINUS_D));
	fe_mul(&a, &h, &e);
	fe_mul(&a, &a, &z_inv); /* x */
	g = fe_select(fe_is_negative(a), fe_neg(g), g);
	fe_mul(&a, &g, &t_inv);
	fe_mul(&a, &a, &magic);
	h = fe_sub(h, g);
	fe_mul(&a, &a, &h);
	return fe_abs(a);
}

/* 32 bytes each for 2 * p[i], n vectors, one inversion for all of them.  Where e f g h is
 * 0 the point is the identity: its lane counts as 1 in the shared product, gives zeros
 * and sets its bit in is_identity. */
NOINLINE void
double_and_encode(uint8_t *out, unsigned *is_identity, struct half_encoded *work,
    const struct double_in *p, size_t n)
{
	struct fe product = CONST(ONE), factor, inverse;
	struct completed c;

	for (size_t i = 0; i < n; i++) {
		struct half_encoded *s = &work[i];

		double_half(&c, &p[i]);
		s->e = fe_carry(c.e);
		s->f = c.f;
		s->g = c.g;
		s->h = fe_carry(c.h);
		fe_mul(&s->eg, &s->e, &s->g);
		fe_mul(&s->fh, &s->f, &s->h);
		fe_mul(&factor, &s->eg, &s->fh);
		s->zero = fe_is_zero(factor);
		s->before = product;
		factor = fe_select(s->zero, CONST(ONE), factor);
		fe_mul(&product, &product, &factor);
	}
	fe_invert(&product, &product);
	for (size_t i = n; i-- > 0;) {
		struct half_encoded *s = &work[i];

		fe_mul(&inverse, &product, &s->before);
		inverse = fe_select(s->zero, fe_const(0, 0, 0, 0), inverse);
		factor = nonzero_product(s);
		fe_mul(&product, &product, &factor);
		fe_store(out + 32 * LANES * i, encode_one(s, &inverse));
		is_identity[i] = mask_bits(s->zero);
	}
}

#endif /* OV_COMMON_PSI_ENCODING_H */
