/* field_trace.h - prints what a kernel's field and point formulas make of extreme limbs,
 * for field_model.py; included after a field.
 *
 * Output: `case NUMBER NEGATIVE`, then `NAME LANE LIMB...` in hex for the inputs a, b, c,
 * d and each result; `bytes NAME LANE HEX` for encodings; `mask NAME BITS`.  With
 * --corrupt one limb of one result is wrong: the control.  With --bounds what
 * field_bounds.h says instead. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/psi/vector_kernel.h"
#include "tests/unit/field_bounds.h"

#define CASES 200

static uint64_t
next_random(void)
{
	static uint64_t x = 88172645463325252U;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x;
}

/* Any limb below `below`, mostly at the edges. */
static uint64_t
pick_limb(uint64_t below, unsigned bits)
{
	const uint64_t edges[] = { 0, 1, below - 1, below - 2, 1ULL << bits,
		(1ULL << bits) - 1, (1ULL << bits) - 19, below - (1 << 11) };
	uint64_t r = next_random();

	return r % 3 == 0 ? (r >> 8) % below : edges[(r >> 8) % 8];
}

static struct fe
pick(int number)
{
	uint64_t limbs[LIMBS_OF_FE][LANES];
	struct fe r;

	for (size_t i = 0; i < LIMBS_OF_FE; i++)
		for (size_t lane = 0; lane < LANES; lane++)
			limbs[i][lane] = number == 0   ? limb_below((int)i) - 1
					 : number == 1 ? 0
						       : pick_limb(limb_below((int)i),
							     limb_bits((int)i));
	memcpy(&r, limbs, sizeof(r));
	return r;
}

static void
print_fe(const char *name, const struct fe *a)
{
	uint64_t limbs[LIMBS_OF_FE][LANES];

	memcpy(limbs, a, sizeof(limbs));
	for (size_t lane = 0; lane < LANES; lane++) {
		printf("%s %zu", name, lane);
		for (size_t i = 0; i < LIMBS_OF_FE; i++)
			printf(" %llx", (unsigned long long)limbs[i][lane]);
		printf("\n");
	}
}

static void
print_encoding(const struct fe *a)
{
	uint8_t bytes[32 * LANES], again[32 * LANES];
	struct fe back;

	fe_store(bytes, *a);
	for (size_t lane = 0; lane < LANES; lane++) {
		printf("bytes a %zu ", lane);
		for (int i = 31; i >= 0; i--)
			printf("%02x", bytes[32 * lane + (size_t)i]);
		printf("\n");
	}
	printf("mask negative %x\n", mask_bits(fe_is_negative(*a)));
	printf("mask zero %x\n", mask_bits(fe_is_zero(*a)));
	back = fe_load(bytes, 32);
	print_fe("back", &back);
	fe_store(again, back);
	printf("mask same %x\n", memcmp(bytes, again, sizeof(bytes)) == 0);
}

static void
trace_field(const struct fe *a, const struct fe *b, int number, int corrupt)
{
	struct pair x = { { *a, *b } };
	struct fe r;

	fe_mul(&r, a, b);
	if (corrupt && number == 7) {
		uint64_t limb;

		memcpy(&limb, &r, 8);
		limb ^= 1;
		memcpy(&r, &limb, 8);
	}
	print_fe("mul", &r);
	fe_sqr(&r, a);
	print_fe("sqr", &r);
	r = fe_add(*a, *b);
	print_fe("add", &r);
	r = fe_sub(*a, *b);
	print_fe("sub", &r);
	r = fe_neg(*a);
	print_fe("neg", &r);
	print_encoding(a);
	if (number % 20 != 0)
		return;
	pair_pow22523(&x, &x);
	print_fe("pow.a", &x.v[0]);
	print_fe("pow.b", &x.v[1]);
	fe_invert(&r, a);
	print_fe("invert", &r);
}

static void
print_wide(const char *name, const struct wide *w)
{
	struct fe r = fe_carry(*w);

	print_fe(name, &r);
}

static void
print_completed(const char *of, const struct completed *c)
{
	char name[32];

	(void)snprintf(name, sizeof(name), "%s.e", of);
	print_wide(name, &c->e);
	(void)snprintf(name, sizeof(name), "%s.f", of);
	print_fe(name, &c->f);
	(void)snprintf(name, sizeof(name), "%s.g", of);
	print_fe(name, &c->g);
	(void)snprintf(name, sizeof(name), "%s.h", of);
	print_wide(name, &c->h);
}

static void
trace_points(const struct fe *a, const struct fe *b, const struct fe *c,
    const struct fe *d, int negative)
{
	const struct double_in p = { *a, *b, wide_of(*c), wide_of(*d) };
	const struct completed w = {
		.e = wide_of(*a), .f = *b, .g = *c, .h = wide_of(*d)
	};
	const struct add_in q = { .P = *a, .M = *b, .Z = wide_of(*c), .T = *d };
	const struct cached k = { *d, *c, *b, *a };
	struct completed r;
	struct double_in two;
	struct add_in sum;
	struct entry entry;

	double_half(&r, &p);
	print_completed("double", &r);
	to_double_in(&two, &w);
	print_fe("in.X", &two.X);
	print_fe("in.Y", &two.Y);
	print_wide("in.Z", &two.Z);
	print_wide("in.S", &two.S);
	to_entry(&entry, &k);
	to_add_in(&sum, &w, &entry);
	print_fe("sum.P", &sum.P);
	print_fe("sum.M", &sum.M);
	print_wide("sum.Z", &sum.Z);
	print_fe("sum.T", &sum.T);
	/* what the exchange of P and M undoes, for there they are as found */
	entry.negative = all_mask_of(negative ? UINT64_MAX : 0);
	fe_exchange(entry.negative, &entry.P.found, &entry.M.found);
	add_half(&r, &q, &entry);
	print_completed("add", &r);
}

static void
print_found(int8_t digit, const struct entry *q)
{
	uint64_t first[4];

	memcpy(&first[0], &q->P.found, 8);
	memcpy(&first[1], &q->M.found, 8);
	memcpy(&first[2], &q->Z2.found, 8);
	memcpy(&first[3], &q->Td.found, 8);
	printf("lookup %d %d %d %d %d\n", digit, (int)first[0], (int)first[1],
	    (int)first[2], (int)first[3]);
}

static void
look_alone(const struct row *table, int8_t digit)
{
	all_mask is[TABLE + 1];
	struct entry q;

	begin_search(&q, is, table, digit);
	q.P.found = fe_search(q.P);
	q.M.found = fe_search(q.M);
	q.Z2.found = fe_search(q.Z2);
	q.Td.found = fe_search(q.Td);
	fe_exchange(q.negative, &q.P.found, &q.M.found);
	print_found(digit, &q);
}

static void
look_beside_products(const struct row *table, int8_t digit)
{
	const struct completed c = { .f = CONST(ONE), .g = CONST(ONE) };
	all_mask is[TABLE + 1];
	struct completed r;
	struct add_in sum;
	struct entry q;

	begin_search(&q, is, table, digit);
	to_add_in(&sum, &c, &q);
	add_half(&r, &sum, &q); /* exchanges P and M */
	print_found(digit, &q);
}

/* A table whose element j - 1 has j in every limb: what each digit finds. */
static void
trace_lookup(void)
{
	struct row table[TABLE];
	struct cached q;

	for (uint64_t j = 1; j <= TABLE; j++) {
		struct fe f;
		uint64_t limbs[LIMBS_OF_FE][LANES];

		for (size_t i = 0; i < LIMBS_OF_FE; i++)
			for (size_t lane = 0; lane < LANES; lane++)
				limbs[i][lane] = j;
		memcpy(&f, limbs, sizeof(f));
		q.P = q.Z2 = q.Td = f;
		q.M = fe_add(f, f);
		to_row(&table[j - 1], &q);
	}
	for (int digit = -TABLE; digit <= TABLE; digit++) {
		look_alone(table, (int8_t)digit);
		look_beside_products(table, (int8_t)digit);
	}
}

int
main(int argc, char **argv)
{
	int corrupt = argc > 1 && strcmp(argv[1], "--corrupt") == 0;

	if (!kernel_usable()) {
		printf("skip\n");
		return 0;
	}
	if (argc > 1 && strcmp(argv[1], "--bounds") == 0) {
		trace_bounds();
		return 0;
	}
	for (int n = 0; n < CASES; n++) {
		struct fe a = pick(n), b = pick(n == 1 ? 0 : n), c = pick(n), d = pick(n);

		printf("case %d %d\n", n, n & 1);
		print_fe("a", &a);
		print_fe("b", &b);
		print_fe("c", &c);
		print_fe("d", &d);
		trace_field(&a, &b, n, corrupt);
		trace_points(&a, &b, &c, &d, n & 1);
	}
	trace_lookup();
	return 0;
}
