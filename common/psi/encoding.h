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

INLINE void
pair_sqr_n(struct pair *r, const struct pair *a, int n)
{
	BOTH r->v[i_] = fe_sqr(a->v[i_]);
	for (int j = 1; j < n; j++)
		BOTH r->v[i_] = fe_sqr(r->v[i_]);
}

INLINE void
pair_mul(struct pair *r, const struct pair *a, const struct pair *b)
{
	BOTH r->v[i_] = fe_mul(a->v[i_], b->v[i_]);
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
static struct fe
fe_invert(struct fe z)
{
	struct pair x = { { z, z } };

	pair_pow22523(&x, &x);
	return fe_mul(fe_sqr(fe_sqr(fe_sqr(x.v[0]))), fe_mul(fe_sqr(z), z));
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
	struct pair uv3, uv7;

	BOTH
	{
		struct fe v2 = fe_sqr(v->v[i_]);

		uv3.v[i_] = fe_mul(u->v[i_], fe_mul(v2, v->v[i_]));
		uv7.v[i_] = fe_mul(uv3.v[i_], fe_sqr(v2));
	}
	pair_pow22523(&uv7, &uv7);
	BOTH
	{
		struct fe root = fe_mul(uv7.v[i_], uv3.v[i_]);
		struct fe check = fe_mul(fe_sqr(root), v->v[i_]);
		lane_mask correct = fe_is_zero(fe_sub(check, u->v[i_]));
		lane_mask flipped = fe_is_zero(fe_add(check, u->v[i_]));
		lane_mask flipped_i =
		    fe_is_zero(fe_add(check, fe_mul(u->v[i_], CONST(SQRT_M1))));
		struct fe times_i = fe_mul(root, CONST(SQRT_M1));

		r->v[i_] = fe_abs(fe_select(mask_or(flipped, flipped_i), times_i, root));
		square->m[i_] = mask_or(correct, flipped);
	}
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
		struct fe d_r;

		t.v[i_] = fe_load(uniform + 32 * i_, 64);
		r.v[i_] = fe_mul(fe_sqr(t.v[i_]), CONST(SQRT_M1));
		u.v[i_] = fe_mul(fe_add(r.v[i_], CONST(ONE)), CONST(ONE_MINUS_D_SQ));
		d_r = fe_mul(r.v[i_], CONST(D));
		v.v[i_] =
		    fe_mul(fe_neg(fe_add(CONST(ONE), d_r)), fe_add(r.v[i_], CONST(D)));
	}
	pair_sqrt_ratio(&s, &square, &u, &v);
	BOTH
	{
		lane_mask m = square.m[i_];
		struct fe s_prime = fe_neg(fe_abs(fe_mul(s.v[i_], t.v[i_])));
		struct fe c = fe_select(m, fe_neg(CONST(ONE)), r.v[i_]);
		struct fe root = fe_select(m, s.v[i_], s_prime);
		struct fe n =
		    fe_mul(fe_mul(c, fe_sub(r.v[i_], CONST(ONE))), CONST(D_MINUS_ONE_SQ));
		struct fe s_v = fe_mul(root, v.v[i_]), s2 = fe_sqr(root);
		struct completed w; /* x = w0 / w1, y = w2 / w3 */

		w.e = fe_add(s_v, s_v);
		w.f = fe_mul(fe_sub(n, v.v[i_]), CONST(SQRT_AD_MINUS_ONE));
		w.g = fe_sub(CONST(ONE), s2);
		w.h = fe_add(CONST(ONE), s2);
		to_add_in(&sum[i_], &w);
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
		struct fe ss, u22;

		s.v[i_] = fe_load(encodings + 32 * LANES * i_, 32);
		ss = fe_sqr(s.v[i_]);
		u1.v[i_] = fe_sub(CONST(ONE), ss);
		u2.v[i_] = fe_add(CONST(ONE), ss);
		u22 = fe_sqr(u2.v[i_]);
		v.v[i_] = fe_neg(fe_add(fe_mul(fe_sqr(u1.v[i_]), CONST(D)), u22));
		w.v[i_] = fe_mul(v.v[i_], u22);
		one.v[i_] = CONST(ONE);
	}
	pair_sqrt_ratio(&root, ok, &one, &w);
	BOTH
	{
		struct fe dx = fe_mul(root.v[i_], u2.v[i_]);
		struct fe dy = fe_mul(fe_mul(root.v[i_], dx), v.v[i_]);
		struct fe sx = fe_mul(s.v[i_], dx);
		struct fe x = fe_abs(fe_add(sx, sx));
		struct fe y = fe_mul(u1.v[i_], dy);
		struct fe t = fe_mul(x, y);
		lane_mask bad = mask_or(fe_is_negative(t), fe_is_zero(y));

		ok->m[i_] = mask_and(ok->m[i_], mask_not(bad));
		out[i_].P = fe_add(y, x);
		out[i_].M = fe_sub(y, x);
		out[i_].Z = CONST(ONE);
		out[i_].T = t;
	}
}

/* What encoding one vector of points needs to remember across the shared inversion. */
struct half_encoded {
	struct completed c;
	struct fe eg, fh, before; /* before: the product of all earlier vectors */
	lane_mask zero;
};

static struct fe
nonzero_product(const struct half_encoded *s)
{
	return fe_select(s->zero, CONST(ONE), fe_mul(s->eg, s->fh));
}

/* The encoding of 2 p from (e, f, g, h) and 1 / (e f g h) (section 4.3.2, for a point
 * that is twice another: Hamburg, "Decaf", 2015, and the batch form of curve25519-dalek's
 * notes). Everything a square root was needed for is known: x = e / f, y = g / h. */
INLINE struct fe
encode_one(const struct half_encoded *s, struct fe inverse)
{
	struct fe z_inv = fe_mul(s->eg, inverse), t_inv = fe_mul(s->fh, inverse);
	lane_mask rotate = fe_is_negative(fe_mul(s->eg, z_inv)); /* x y is negative */
	struct fe e = fe_select(rotate, s->c.g, s->c.e);
	struct fe g = fe_select(rotate, fe_neg(s->c.e), s->c.g);
	struct fe h = fe_select(rotate, fe_mul(s->c.f, CONST(SQRT_M1)), s->c.h);
	struct fe magic = fe_select(rotate, CONST(SQRT_M1), CONST(INVSQRT_A_MINUS_D));
	lane_mask negative = fe_is_negative(fe_mul(fe_mul(h, e), z_inv));

	g = fe_select(negative, fe_neg(g), g);
	return fe_abs(fe_mul(fe_sub(h, g), fe_mul(magic, fe_mul(g, t_inv))));
}

/* 32 bytes each for 2 * p[i], n vectors, one inversion for all of them.  Where e f g h is
 * 0 the point is the identity: its lane counts as 1 in the shared product, gives zeros
 * and sets its bit in is_identity. */
NOINLINE void
double_and_encode(uint8_t *out, unsigned *is_identity, struct half_encoded *work,
    const struct double_in *p, size_t n)
{
	struct fe product = CONST(ONE);

	for (size_t i = 0; i < n; i++) {
		struct half_encoded *s = &work[i];

		double_half(&s->c, &p[i]);
		s->eg = fe_mul(s->c.e, s->c.g);
		s->fh = fe_mul(s->c.f, s->c.h);
		s->zero = fe_is_zero(fe_mul(s->eg, s->fh));
		s->before = product;
		product = fe_mul(product, nonzero_product(s));
	}
	product = fe_invert(product);
	for (size_t i = n; i-- > 0;) {
		struct half_encoded *s = &work[i];
		struct fe inverse = fe_mul(product, s->before);

		product = fe_mul(product, nonzero_product(s));
		inverse = fe_select(s->zero, fe_const(0, 0, 0, 0), inverse);
		fe_store(out + 32 * LANES * i, encode_one(s, inverse));
		is_identity[i] = mask_bits(s->zero);
	}
}

#endif /* OV_COMMON_PSI_ENCODING_H */
