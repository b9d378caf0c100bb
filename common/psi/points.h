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

#define WINDOW 4
#define TABLE (1 << (WINDOW - 1)) /* 1P to 8P */
#define DIGITS 63		  /* of a scalar of at most 2^251 + 2^125 */

struct double_in {
	struct fe X, Y, Z, S; /* S = X + Y */
};
struct add_in {
	struct fe P, M, Z, T; /* P = Y + X, M = Y - X, T = XY / Z */
};
struct cached {
	struct fe P, M, Z2, Td; /* Y + X, Y - X, 2 Z, 2 d T */
};
struct row {
	struct stored P, M, Z2, Td; /* a struct cached, as tables hold it */
};
struct completed {
	struct fe e, f, g, h; /* x = e / f, y = g / h */
};

#define CONST(name) fe_const(CONST_##name)

/* 2 p, first half: 4 squarings, and neither T nor d is needed.
 *   f = Y^2 - X^2, g = Y^2 + X^2, e = 2 X Y, h = 2 Z^2 - f
 * Columns: a square is < 502u, 2^8 p is > 511u and <= 1024u, 2^10 p is four times that.
 *   - f: B + 2^8 p - A is covered, < 1526u
 *   - e: S^2 + 2^10 p - (A + B + 2^8 p) is covered by 1533u > 1004u, < 502u + 3072u
 *   - h: 2 (Z^2 + 2^8 p) - (B + 2^8 p - A) is covered by 511u > 502u, < 1004u + 2048u
 *
 * The order lets each carry run beside the next squaring. */
INLINE void
double_half(struct completed *r, const struct double_in *p)
{
	struct wide A, B, C, S, G, H;

	wide_sqr(&B, &p->Y, 8);
	wide_sqr(&A, &p->X, 0);
	G = wide_sub(B, A);
	H = wide_add(A, B);
	r->f = fe_carry(G);
	r->g = fe_carry(H);
	wide_sqr(&S, &p->S, 10);
	r->e = fe_carry(wide_sub(S, H));
	wide_sqr(&C, &p->Z, 8);
	r->h = fe_carry(wide_sub(wide_add(C, C), G));
}

/* Second half: X = e h, Y = g f, Z = f h (T = e g). */
INLINE void
to_double_in(struct double_in *r, const struct completed *c)
{
	struct wide X, Y;

	wide_mul(&Y, &c->g, &c->f, 0);
	r->Y = fe_carry(Y);
	wide_mul(&X, &c->e, &c->h, 0);
	r->X = fe_carry(X);
	r->S = fe_carry(wide_add(X, Y)); /* < 1004u */
	fe_mul(&r->Z, &c->f, &c->h);
}

INLINE void
to_add_in(struct add_in *r, const struct completed *c)
{
	struct wide X, Y;

	wide_mul(&Y, &c->g, &c->f, 8);
	wide_mul(&X, &c->e, &c->h, 0);
	r->P = fe_carry(wide_add(Y, X)); /* < 1004u + 1024u */
	r->M = fe_carry(wide_sub(Y, X)); /* covered: 511u > 502u */
	fe_mul(&r->T, &c->e, &c->g);
	fe_mul(&r->Z, &c->f, &c->h);
}

/* p + q, or p - q where negative is set and q.P and q.M are already exchanged; negating T
 * then exchanges f and h.  Offsets of 2^8 p cover one product, and sums
 * are < 1004u + 1024u. */
INLINE void
add_half(struct completed *r, const struct add_in *p, const struct cached *q,
    all_mask negative)
{
	struct wide PP, MM, TT, ZZ;

	wide_mul(&PP, &p->P, &q->P, 8);
	wide_mul(&MM, &p->M, &q->M, 0);
	r->e = fe_carry(wide_sub(PP, MM));
	r->g = fe_carry(wide_add(PP, MM));
	wide_mul(&TT, &p->T, &q->Td, 0);
	wide_mul(&ZZ, &p->Z, &q->Z2, 8);
	r->f = fe_carry(wide_add(ZZ, TT));
	r->h = fe_carry(wide_sub(ZZ, TT));
	fe_exchange(negative, &r->f, &r->h);
}

INLINE void
to_cached(struct cached *r, const struct add_in *p)
{
	const struct fe two_d = CONST(2D);

	r->P = p->P;
	r->M = p->M;
	r->Z2 = fe_add(p->Z, p->Z);
	fe_mul(&r->Td, &p->T, &two_d);
}

/* (2X : 2Y : 2Z): any representative will do. */
INLINE void
add_in_to_double_in(struct double_in *r, const struct fe *P, const struct fe *M)
{
	r->X = fe_sub(*P, *M);
	r->Y = fe_add(*P, *M);
	r->S = fe_add(*P, *P);
}

NOINLINE void
point_double(struct double_in *p)
{
	struct completed c;

	double_half(&c, p);
	to_double_in(p, &c);
}

NOINLINE void
point_double_to_add(struct add_in *r, const struct double_in *p)
{
	struct completed c;

	double_half(&c, p);
	to_add_in(r, &c);
}

NOINLINE void
point_add_to_double(struct double_in *r, const struct add_in *p, const struct cached *q,
    uint64_t negative)
{
	struct completed c;

	add_half(&c, p, q, all_mask_of(negative));
	to_double_in(r, &c);
}

NOINLINE void
point_add(struct add_in *r, const struct add_in *p, const struct cached *q)
{
	struct completed c;

	add_half(&c, p, q, all_mask_of(0));
	to_add_in(r, &c);
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

		carry = (v + TABLE) >> WINDOW; /* v <= 16 */
		carry &= -(i < DIGITS - 1);
		v -= carry << WINDOW;
		digits[i] = (int8_t)((v ^ flip) - flip);
	}
	assert(digits[DIGITS - 1] <= TABLE && digits[DIGITS - 1] >= -TABLE);
}
_Static_assert(WINDOW == 4, "recode() takes a scalar by nibbles");

/* A digit as masks: all ones for a negative one, and one mask for each absolute value. */
struct choice {
	uint64_t negative;
	all_mask m[TABLE + 1];
};

INLINE void
choose(struct choice *c, int8_t digit)
{
	uint64_t negative = (uint64_t)((int64_t)digit >> 63);
	uint64_t absolute = ((uint64_t)(int64_t)digit ^ negative) - negative;

	c->negative = negative;
	for (uint64_t j = 0; j <= TABLE; j++)
		c->m[j] = all_mask_of(0 - (((absolute ^ j) - 1) >> 63));
}

/* Two coordinates of digit * P, from a scan of the whole table: the same addresses for
 * every digit, no branch.  P and M change places for a negative digit; add_half() does
 * the rest of the negation.  Digit 0 is the identity (1, 1, 2, 0). */
INLINE void
lookup_pm(struct cached *r, const struct row *table, const struct choice *c)
{
	r->P = fe_scan(&table->P, sizeof(*table), c->m, TABLE, CONST(ONE));
	r->M = fe_scan(&table->M, sizeof(*table), c->m, TABLE, CONST(ONE));
	fe_exchange(all_mask_of(c->negative), &r->P, &r->M);
}

INLINE void
lookup_zt(struct cached *r, const struct row *table, const struct choice *c)
{
	r->Z2 = fe_scan(&table->Z2, sizeof(*table), c->m, TABLE, fe_const(2, 0, 0, 0));
	r->Td = fe_scan(&table->Td, sizeof(*table), c->m, TABLE, fe_const(0, 0, 0, 0));
}

/* The last doubling of a window, with the table's scan woven in: the one waits for
 * multipliers, the other for loads. */
NOINLINE uint64_t
point_double_and_lookup(struct add_in *r, struct cached *q, const struct double_in *p,
    const struct row *table, int8_t digit)
{
	struct completed c;
	struct choice choice;

	choose(&choice, digit);
	double_half(&c, p);
	lookup_pm(q, table, &choice);
	to_add_in(r, &c);
	lookup_zt(q, table, &choice);
	return choice.negative;
}

NOINLINE void
point_lookup(struct cached *q, const struct row *table, int8_t digit)
{
	struct choice choice;

	choose(&choice, digit);
	lookup_pm(q, table, &choice);
	lookup_zt(q, table, &choice);
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
	twice.Z = fe_add(p->Z, p->Z);
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
	uint64_t negative;

	fill_table(w, p);
	/* P and M have changed places for a negative digit: T, which is not negated, is
	 * not needed here */
	point_lookup(&w->entry, w->table, digits[DIGITS - 1]);
	add_in_to_double_in(r, &w->entry.P, &w->entry.M);
	r->Z = w->entry.Z2;
	for (int i = DIGITS - 2; i >= 0; i--) {
		for (int j = 0; j < WINDOW - 1; j++)
			point_double(r);
		negative =
		    point_double_and_lookup(&w->sum, &w->entry, r, w->table, digits[i]);
		point_add_to_double(r, &w->sum, &w->entry, negative);
	}
}

#endif /* OV_COMMON_PSI_POINTS_H */
