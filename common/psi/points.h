/* points.h - arithmetic on edwards25519, LANES points side by side, and their product
 * with one secret scalar.
 *
 * Included by a kernel after its field: one set of formulas over all of them.  Points are
 * in extended coordinates on -x^2 + y^2 = 1 + d x^2 y^2 (Hisil, Wong, Carter, Dawson,
 * "Twisted Edwards Curves Revisited", 2008, sections 3.1 and 3.3), in four forms, each
 * ready for what comes next.  What each formula adds up before it carries is bounded
 * beside it, in the u of the field; NOTES.md has the sums.
 */
#ifndef OV_COMMON_PSI_POINTS_H
#define OV_COMMON_PSI_POINTS_H

#include <string.h>

#include "common/psi/constants.h"

#define DIGITS 63 /* of a scalar of at most 2^251 + 2^125 */

/* Sums that the next step carries beside its first products are handed on as they are:
 * the members of type struct wide. */
struct double_in {
	struct fe X, Y;
	struct wide Z, S; /* S = X + Y */
};
struct add_in {
	struct fe P, M, T; /* P = Y + X, M = Y - X, T = XY / Z */
	struct wide Z;
};
struct cached {
	struct fe P, M, Z2, Td; /* Y + X, Y - X, 2 Z, 2 d T */
};
struct row {
	struct stored P, M, Z2, Td; /* a struct cached, as tables hold it */
};
struct completed {
	struct fe f, g; /* x = e / f, y = g / h */
	struct wide e, h;
};

/* A cached point on its way out of a table. */
struct entry {
	struct searching P, M, Z2, Td;
	all_mask negative; /* the point is to be subtracted */
};

#define CONST(name) fe_const(CONST_##name)

/* 2 p, first half: 4 squarings, and neither T nor d is needed.
 *   f = Y^2 - X^2, g = Y^2 + X^2, e = 2 X Y, h = 2 Z^2 - f
 * Columns: a square is < 502u, 2^8 p is > 511u and <= 1024u, 2^10 p is four times that.
 *   - f: B + 2^8 p - A is covered, < 1526u
 *   - e: S^2 + 2^10 p - (A + B + 2^8 p) is covered by 1533u > 1004u, < 502u + 3072u
 *   - g: A + B + 2^8 p < 1004u + 1024u
 *   - h: 2 (Z^2 + 2^8 p) - (B + 2^8 p - A) is covered by 511u > 502u, < 1004u + 2048u */
INLINE void
double_half(struct completed *r, const struct double_in *p)
{
	struct wide A, B, C, S, F, H;
	struct fe z, x_plus_y;

	wide_sqr(&B, &p->Y, 8, BESIDE(.carry = { { &z, &p->Z } }));
	wide_sqr(&A, &p->X, 0, BESIDE(.carry = { { &x_plus_y, &p->S } }));
	F = wide_sub(B, A);
	H = wide_add(A, B);
	CHECK_SUM(F, 1526);
	CHECK_SUM(H, 2028);
	wide_sqr(&C, &z, 8, NOTHING_BESIDE);
	r->h = wide_sub(wide_add(C, C), F);
	CHECK_SUM(r->h, 3052);
	wide_sqr(&S, &x_plus_y, 10, BESIDE(.carry = { { &r->f, &F } }));
	r->e = wide_sub(S, H);
	CHECK_SUM(r->e, 3574);
	r->g = fe_carry(H);
}

/* Second half: X = e h, Y = g f, Z = f h (T = e g).  X + Y is < 8u. */
INLINE void
to_double_in(struct double_in *r, const struct completed *c)
{
	struct wide X, Y;
	struct fe e, h;

	wide_mul(&Y, &c->g, &c->f, 0, BESIDE(.carry = { { &h, &c->h }, { &e, &c->e } }));
	wide_mul(&X, &e, &h, 0, BESIDE(.carry = { { &r->Y, &Y } }));
	wide_mul(&r->Z, &c->f, &h, 0, BESIDE(.carry = { { &r->X, &X } }));
	r->S = wide_add(wide_of(r->X), wide_of(r->Y));
	CHECK_SUM(r->S, 8);
}

/* P = Y + 2^8 p + X < 1004u + 1024u; M is covered by 511u > 502u, < 1526u.  Two of the
 * searches of q, which may be NULL, go beside the products. */
INLINE void
to_add_in(struct add_in *r, const struct completed *c, struct entry *q)
{
	struct searching *p = q != NULL ? &q->P : NULL, *m = q != NULL ? &q->M : NULL;
	struct wide X, Y, P, M, T;
	struct fe e, h;

	wide_mul(&Y, &c->g, &c->f, 8, BESIDE(.carry = { { &h, &c->h }, { &e, &c->e } }));
	wide_mul(&X, &e, &h, 0, BESIDE(.search = p));
	P = wide_add(Y, X);
	M = wide_sub(Y, X);
	CHECK_SUM(P, 2028);
	CHECK_SUM(M, 1526);
	wide_mul(&T, &e, &c->g, 0, BESIDE(.carry = { { &r->P, &P }, { &r->M, &M } }));
	wide_mul(&r->Z, &c->f, &h, 0, BESIDE(.carry = { { &r->T, &T } }, .search = m));
}

/* p + q, or p - q: P and M of q then change places, and the negation of T makes f and h
 * do so.  Offsets of 2^8 p cover one product; differences are < 1526u, sums < 1004u +
 * 1024u.  P and M of q have been found; the other two searches go beside the products. */
INLINE void
add_half(struct completed *r, const struct add_in *p, struct entry *q)
{
	struct wide PP, MM, TT, ZZ, F, G;
	struct fe z;

	fe_exchange(q->negative, &q->P.found, &q->M.found);
	wide_mul(&PP, &p->P, &q->P.found, 8, BESIDE(.carry = { { &z, &p->Z } }));
	wide_mul(&MM, &p->M, &q->M.found, 0, BESIDE(.search = &q->Td));
	r->e = wide_sub(PP, MM);
	G = wide_add(PP, MM);
	CHECK_SUM(r->e, 1526);
	CHECK_SUM(G, 2028);
	wide_mul(&TT, &p->T, &q->Td.found, 0, BESIDE(.search = &q->Z2));
	wide_mul(&ZZ, &z, &q->Z2.found, 8, BESIDE(.carry = { { &r->g, &G } }));
	F = wide_add(ZZ, TT);
	r->h = wide_sub(ZZ, TT);
	CHECK_SUM(F, 2028);
	CHECK_SUM(r->h, 1526);
	wide_exchange(q->negative, &F, &r->h);
	r->f = fe_carry(F);
}

/* 2 Z is < 1004u. */
INLINE void
to_cached(struct cached *r, const struct add_in *p)
{
	const struct fe two_d = CONST(2D);
	const struct wide twice = wide_add(p->Z, p->Z);

	CHECK_SUM(twice, 1004);
	r->P = p->P;
	r->M = p->M;
	r->Z2 = fe_carry(twice);
	fe_mul(&r->Td, &p->T, &two_d);
}

/* (2X : 2Y : 2Z): any representative will do. */
INLINE void
add_in_to_double_in(struct double_in *r, const struct fe *P, const struct fe *M)
{
	r->X = fe_sub(*P, *M);
	r->Y = fe_add(*P, *M);
	r->S = wide_add(wide_of(*P), wide_of(*P));
}

/* An entry that is no table's: all found. */
INLINE void
to_entry(struct entry *r, const struct cached *q)
{
	r->P.found = q->P;
	r->M.found = q->M;
	r->Z2.found = q->Z2;
	r->Td.found = q->Td;
	r->P.column = r->M.column = r->Z2.column = r->Td.column = NULL;
	r->negative = all_mask_of(0);
}

/* n > 0 times: what one hands to the next stays in registers. */
NOINLINE void
point_double(struct double_in *p, int n)
{
	struct double_in q = *p;
	struct completed c;

	do {
		double_half(&c, &q);
		to_double_in(&q, &c);
	} while (--n > 0);
	*p = q;
}

NOINLINE void
point_double_to_add(struct add_in *r, const struct double_in *p)
{
	struct completed c;

	double_half(&c, p);
	to_add_in(r, &c, NULL);
}

NOINLINE void
point_add(struct add_in *r, const struct add_in *p, const struct cached *q)
{
	struct completed c;
	struct entry e;

	to_entry(&e, q);
	add_half(&c, p, &e);
	to_add_in(r, &c, NULL);
}

/* s = sum of digits[i] 16^i, each from -8 to 8, for s from 0 to 2^251 + 2^125; all digits
 * change sign where negative is all ones.  Constant time.
 *
 * A nibble of 8 or more passes a carry on and becomes negative.  The top one must not: if
 * it is 8, the nibbles from bit 125 up to it are 0 and pass none to it. */
static void
recode(int8_t digits[DIGITS], const uint8_t s[32], uint8_t negative)
{
	int carry = 0, flip = -(negative & 1);

	assert(s[31] <= 8);
	for (int i = 0; i < DIGITS; i++) {
		int v = (s[i / 2] >> (4 * (i % 2)) & 15) + carry;

		assert(v <= 16);
		carry = (v + TABLE) >> WINDOW;
		carry &= -(i < DIGITS - 1);
		v -= carry << WINDOW;
		digits[i] = (int8_t)((v ^ flip) - flip);
	}
	assert(digits[DIGITS - 1] <= TABLE && digits[DIGITS - 1] >= -TABLE);
}
_Static_assert(WINDOW == 4, "recode() takes a scalar by nibbles");

/* A digit as masks: is[j] is all ones where its absolute value is j. */
INLINE void
choose(all_mask is[TABLE + 1], all_mask *negative, int8_t digit)
{
	uint64_t sign = (uint64_t)((int64_t)digit >> 63);
	uint64_t absolute = ((uint64_t)(int64_t)digit ^ sign) - sign;

	*negative = all_mask_of(sign);
	for (uint64_t j = 0; j <= TABLE; j++)
		is[j] = all_mask_of(0 - (((absolute ^ j) - 1) >> 63));
}

/* digit * P: the same addresses for every digit, no branch.  Digit 0 is the identity
 * (1, 1, 2, 0). */
INLINE void
begin_search(
    struct entry *r, all_mask is[TABLE + 1], const struct row *table, int8_t digit)
{
	const size_t stride = sizeof(*table);

	choose(is, &r->negative, digit);
	r->P = (struct searching){ CONST(ONE), &table->P, stride, is };
	r->M = (struct searching){ CONST(ONE), &table->M, stride, is };
	r->Z2 = (struct searching){ fe_const(2, 0, 0, 0), &table->Z2, stride, is };
	r->Td = (struct searching){ fe_const(0, 0, 0, 0), &table->Td, stride, is };
}

/* The last doubling of a window, and the addition of digit * P. */
NOINLINE void
point_double_and_add(struct double_in *p, const struct row *table, int8_t digit)
{
	all_mask is[TABLE + 1];
	struct entry q;
	struct completed c;
	struct add_in sum;

	begin_search(&q, is, table, digit);
	double_half(&c, p);
	to_add_in(&sum, &c, &q);
	add_half(&c, &sum, &q);
	to_double_in(p, &c);
}

/* (2X : 2Y : 2Z) of digit * P.  T, which a negative digit would negate, is not needed. */
NOINLINE void
point_first(struct double_in *p, const struct row *table, int8_t digit)
{
	all_mask is[TABLE + 1];
	struct entry q;

	begin_search(&q, is, table, digit);
	q.P.found = fe_search(q.P);
	q.M.found = fe_search(q.M);
	fe_exchange(q.negative, &q.P.found, &q.M.found);
	add_in_to_double_in(p, &q.P.found, &q.M.found);
	p->Z = wide_of(fe_search(q.Z2));
}

/* What a scalar multiplication keeps of its points; the kernel wipes it. */
struct multiply_scratch {
	struct row table[TABLE];
	struct cached first, entry;
	struct add_in sum;
};

INLINE void
to_row(struct row *r, const struct cached *c)
{
	r->P = fe_put(c->P);
	r->M = fe_put(c->M);
	r->Z2 = fe_put(c->Z2);
	r->Td = fe_put(c->Td);
}

static void
fill_table(struct multiply_scratch *w, const struct add_in *p)
{
	struct double_in twice;

	add_in_to_double_in(&twice, &p->P, &p->M);
	twice.Z = wide_add(p->Z, p->Z);
	to_cached(&w->first, p);
	to_row(&w->table[0], &w->first);
	point_double_to_add(&w->sum, &twice);
	for (int i = 1; i < TABLE; i++) {
		to_cached(&w->entry, &w->sum);
		to_row(&w->table[i], &w->entry);
		if (i + 1 < TABLE)
			point_add(&w->sum, &w->sum, &w->first);
	}
}

/* r = scalar * p.  Time and addresses depend on nothing. */
static void
point_multiply(struct double_in *r, struct multiply_scratch *w, const struct add_in *p,
    const int8_t digits[DIGITS])
{
	fill_table(w, p);
	point_first(r, w->table, digits[DIGITS - 1]);
	for (int i = DIGITS - 2; i >= 0; i--) {
		point_double(r, WINDOW - 1);
		point_double_and_add(r, w->table, digits[i]);
	}
}

#endif /* OV_COMMON_PSI_POINTS_H */
