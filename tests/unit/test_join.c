/* The join against a naive reference over random small books; swapped sides, vetoes,
 * ties, bad rosters; and that one protected record moves one count by one, with the
 * control that plain matching does not have that property. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants those above first */
#include <cmocka.h>

#include "common/crypto/memory.h"
#include "server/join.h"
#include "tests/unit/join_books.h"

#define BOOKS 1600

/* --- properties over random books --- */

static void
assert_list_is_naive(const struct ov_join_list *list, const struct book *a,
    const struct book *b, enum ov_join_role receiver, uint8_t floor)
{
	bool row[BOOK_SLOTS] = { false }, column[BOOK_SLOTS] = { false };
	const struct naive_edge *e;
	size_t n = 0;

	for (size_t i = 0; i < a->side.n; i++)
		row[a->record[i]] =
		    receiver == OV_JOIN_A || a->side.level[a->label[i] & 15] >= floor;
	for (size_t i = 0; i < b->side.n; i++)
		column[b->record[i]] =
		    receiver == OV_JOIN_B || b->side.level[b->label[i] & 15] >= floor;
	while ((e = naive_best(row, column)) != NULL) {
		assert_true(n < list->n);
		assert_int_equal(list->pairs[n].a, e->a);
		assert_int_equal(list->pairs[n].b, e->b);
		assert_int_equal(list->pairs[n].rank, e->strongest);
		row[a->record[e->a]] = column[b->record[e->b]] = false;
		n++;
	}
	assert_int_equal(list->n, n);
}

static struct ov_join *
join(const struct book *a, const struct book *b, const uint8_t veto[8])
{
	struct ov_join *j = NULL;

	assert_int_equal(ov_join_new(&j, &a->side, &b->side, veto), OV_OK);
	return j;
}

static struct ov_join_list
list_of(const struct ov_join *j, enum ov_join_role receiver, enum ov_level floor)
{
	struct ov_join_list list;

	assert_int_equal(ov_join_list(j, receiver, floor, &list), OV_OK);
	return list;
}

/* Every third veto table is the default, the others are arbitrary. */
static void
draw_veto(uint8_t veto[8])
{
	memcpy(veto, ov_veto_default, 8);
	if (draw(3) == 0)
		return;
	for (int v = 1; v < 8; v++)
		veto[v] = draw(3) == 0 ? (uint8_t)draw(256) : 0;
}

static void
lists_equal_reference(void **state)
{
	static const enum ov_level floors[] = { OV_LEVEL_MATCHES, OV_LEVEL_COUNTS };
	static struct book a, b;
	size_t pairs = 0;

	(void)state;
	draw_seed(1);
	for (int i = 0; i < BOOKS / 4; i++) {
		uint8_t veto[8];
		struct ov_join *j;

		book_draw(&a, draw(24), 10 + draw(120));
		book_draw(&b, draw(24), 10 + draw(120));
		draw_veto(veto);
		j = join(&a, &b, veto);
		naive_edges(&a, &b, veto);
		for (int k = 0; k < 4; k++) {
			enum ov_join_role receiver = k & 1 ? OV_JOIN_B : OV_JOIN_A;
			struct ov_join_list list = list_of(j, receiver, floors[k / 2]);

			assert_list_is_naive(
			    &list, &a, &b, receiver, (uint8_t)floors[k / 2]);
			pairs += list.n;
			ov_join_list_fini(&list);
		}
		ov_join_free(j);
	}
	assert_true(pairs > 2000); /* the books do meet */
}

static void
swapped_sides_give_the_same_pairs(void **state)
{
	static struct book a, b;

	(void)state;
	draw_seed(2);
	for (int i = 0; i < BOOKS; i++) {
		struct ov_join_list one, two;
		struct ov_join *j, *k;

		book_draw(&a, draw(24), 10 + draw(60));
		book_draw(&b, draw(24), 10 + draw(60));
		j = join(&a, &b, ov_veto_default);
		k = join(&b, &a, ov_veto_default);
		one = list_of(j, OV_JOIN_A, OV_LEVEL_MATCHES);
		two = list_of(k, OV_JOIN_B, OV_LEVEL_MATCHES);
		assert_int_equal(one.n, two.n);
		for (size_t p = 0; p < one.n; p++) {
			assert_int_equal(one.pairs[p].a, two.pairs[p].b);
			assert_int_equal(one.pairs[p].b, two.pairs[p].a);
			assert_int_equal(one.pairs[p].rank, two.pairs[p].rank);
		}
		ov_join_list_fini(&one);
		ov_join_list_fini(&two);
		ov_join_free(j);
		ov_join_free(k);
	}
}

/* What only counts for the receiver cannot shape the receiver's list: taking those
 * records away changes nothing but slot numbers, which the copy below keeps. */
static void
counted_records_do_not_shape_a_list(void **state)
{
	static struct book a, b, less;
	int shaped = 0;

	(void)state;
	draw_seed(3);
	for (int i = 0; i < BOOKS / 4; i++) {
		struct ov_join_list one, two, wide;
		struct ov_join *j, *k;

		book_draw(&a, 20, 60);
		book_draw(&b, 20, 60);
		less = b;
		book_init(&less);
		for (size_t s = 0; s < b.side.n; s++) /* gone, but a slot stays */
			book_add(&less, b.record[s], b.rank[s],
			    b.side.level[b.label[s] & 15] >= OV_LEVEL_MATCHES
				? book_tag(&b, s)
				: (unsigned int)(0xf000 + s),
			    b.label[s], b.fit[s]);
		j = join(&a, &b, ov_veto_default);
		k = join(&a, &less, ov_veto_default);
		one = list_of(j, OV_JOIN_A, OV_LEVEL_MATCHES);
		two = list_of(k, OV_JOIN_A, OV_LEVEL_MATCHES);
		wide = list_of(j, OV_JOIN_A, OV_LEVEL_COUNTS);
		assert_int_equal(one.n, two.n);
		for (size_t p = 0; p < one.n; p++) {
			assert_int_equal(one.pairs[p].a, two.pairs[p].a);
			assert_int_equal(one.pairs[p].b, two.pairs[p].b);
		}
		shaped += wide.n != one.n;
		ov_join_list_fini(&one);
		ov_join_list_fini(&two);
		ov_join_list_fini(&wide);
		ov_join_free(j);
		ov_join_free(k);
	}
	assert_true(shaped > 100); /* control: at the lower floor they do */
}

/* --- counts --- */

static unsigned int
distance(const uint32_t *x, const uint32_t *y, size_t n)
{
	unsigned int sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += x[i] > y[i] ? x[i] - y[i] : y[i] - x[i];
	return sum;
}

static struct ov_join_atoms
atoms_of(const struct ov_join *j, enum ov_join_role side)
{
	struct ov_join_atoms atoms;

	assert_int_equal(ov_join_atoms(j, side, &atoms), OV_OK);
	return atoms;
}

/* Largest changes that one protected record makes, over random books. */
static void
measure_sensitivity(unsigned int *counting, unsigned int *matching)
{
	static struct book a, b, less;

	*counting = *matching = 0;
	for (int i = 0; i < BOOKS / 4; i++) {
		struct ov_join_atoms one, two;
		struct ov_join_cells c, d;
		struct ov_join_list list;
		struct ov_join *j;
		unsigned int l1;

		book_draw(&a, 20, 40);
		book_draw(&b, 4 + draw(12), 40);
		if (b.side.n == 0)
			continue;
		j = join(&a, &b, ov_veto_default);
		one = atoms_of(j, OV_JOIN_B);
		list = list_of(j, OV_JOIN_A, OV_LEVEL_COUNTS);
		ov_join_count(j, &list, &c);
		ov_join_list_fini(&list);
		ov_join_free(j);
		book_without(&less, &b, b.record[draw((uint32_t)b.side.n)]);
		j = join(&a, &less, ov_veto_default);
		two = atoms_of(j, OV_JOIN_B);
		list = list_of(j, OV_JOIN_A, OV_LEVEL_COUNTS);
		ov_join_count(j, &list, &d);
		ov_join_list_fini(&list);
		ov_join_free(j);
		l1 = distance(one.n[0][0][0], two.n[0][0][0], sizeof(one.n) / 4);
		*counting = l1 > *counting ? l1 : *counting;
		l1 = distance(c.pairs[0], d.pairs[0], sizeof(c.pairs) / 4);
		*matching = l1 > *matching ? l1 : *matching;
	}
}

static void
one_record_moves_one_atom_by_one(void **state)
{
	unsigned int counting, matching;

	(void)state;
	draw_seed(4);
	measure_sensitivity(&counting, &matching);
	assert_int_equal(counting, 1);
	assert_true(matching > 1); /* control: matching that uses records up does not */
}

/* A chain of ties: with y0 there, each next pair moves to another population. */
static void
matching_moves_a_chain_of_counts(void **state)
{
	static struct book a, b, less;
	struct ov_join_cells c, d;
	struct ov_join_list list;
	struct ov_join *j;

	(void)state;
	book_init(&a);
	book_init(&b);
	book_add(&a, 0, 5, 10, 1, 0);
	book_add(&a, 0, 5, 11, 1, 0);
	book_add(&a, 1, 5, 12, 2, 0);
	book_add(&a, 1, 5, 13, 2, 0);
	book_add(&a, 2, 5, 14, 3, 0);
	book_add(&b, 0, 5, 10, 1, 0); /* best for A's record 0 */
	book_add(&b, 1, 5, 11, 2, 0); /* else this one; and it could have record 1 */
	book_add(&b, 1, 5, 12, 2, 0);
	book_add(&b, 2, 5, 13, 3, 0);
	book_add(&b, 2, 5, 14, 3, 0);
	book_without(&less, &b, 0);
	j = join(&a, &b, ov_veto_default);
	list = list_of(j, OV_JOIN_A, OV_LEVEL_COUNTS);
	ov_join_count(j, &list, &c);
	ov_join_list_fini(&list);
	ov_join_free(j);
	j = join(&a, &less, ov_veto_default);
	list = list_of(j, OV_JOIN_A, OV_LEVEL_COUNTS);
	ov_join_count(j, &list, &d);
	ov_join_list_fini(&list);
	ov_join_free(j);
	assert_int_equal(distance(c.pairs[0], d.pairs[0], sizeof(c.pairs) / 4), 5);
}

static void
atoms_take_the_best_edge_of_each_record(void **state)
{
	static struct book a, b;
	struct ov_join_atoms atoms;
	struct ov_join *j;

	(void)state;
	book_init(&a);
	book_init(&b);
	book_add(&a, 0, 5, 1, 1, OV_FIT_YES);
	book_add(&a, 1, 3, 2, 2, 0);
	book_add(&b, 0, 5, 1, 3, OV_FIT_NO);
	book_add(&b, 0, 3, 2, 3, OV_FIT_NO); /* DUNS beats the domain */
	j = join(&a, &b, ov_veto_default);
	atoms = atoms_of(j, OV_JOIN_B);
	assert_int_equal(atoms.n[2][3][0][0], 1);
	assert_int_equal(atoms.n[1][3][1][0], 0);
	atoms = atoms_of(j, OV_JOIN_A);
	assert_int_equal(atoms.n[2][3][0][0], 1);
	assert_int_equal(atoms.n[1][3][1][0], 1);
	ov_join_free(j);
}

static void
cells_count_pairs_and_fits(void **state)
{
	static const struct {
		uint8_t fit_a, fit_b, fits_a, fits_b;
	} cases[] = {
		{ 0, 0, 0, 0 },
		{ 2, 0, 1, 0 },
		{ 0, 8, 1, 0 }, /* A does not know, B says yes of A's ICP */
		{ 1, 8, 0, 0 }, /* A's own no wins */
		{ 2, 4, 1, 0 },
		{ 8, 0, 0, 1 },
		{ 8, 1, 0, 1 - 1 },
		{ 4, 2, 0, 1 },
		{ 2, 2, 1, 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		static struct book a, b;
		struct ov_join_cells c;
		struct ov_join_list list;
		struct ov_join *j;

		book_init(&a);
		book_init(&b);
		book_add(&a, 0, 5, 7, 0x02, cases[i].fit_a);
		book_add(&b, 0, 5, 7, 0x03, cases[i].fit_b);
		j = join(&a, &b, ov_veto_default);
		list = list_of(j, OV_JOIN_A, OV_LEVEL_MATCHES);
		ov_join_count(j, &list, &c);
		assert_int_equal(c.pairs[2][3], 1);
		assert_int_equal(c.records_a[2], 1);
		assert_int_equal(c.records_b[3], 1);
		assert_int_equal(c.fits_a[2][3], cases[i].fits_a);
		assert_int_equal(c.fits_b[2][3], cases[i].fits_b);
		ov_join_list_fini(&list);
		ov_join_free(j);
	}
}

/* --- rules one by one --- */

static size_t
pairs_of(const struct book *a, const struct book *b, const uint8_t veto[8],
    struct ov_join_pair first[2])
{
	struct ov_join *j = join(a, b, veto);
	struct ov_join_list list = list_of(j, OV_JOIN_A, OV_LEVEL_COUNTS);
	size_t n = list.n;

	for (size_t i = 0; i < n && i < 2; i++)
		first[i] = list.pairs[i];
	ov_join_list_fini(&list);
	ov_join_free(j);
	return n;
}

static void
veto_refuses_weaker_edges_on_conflict_only(void **state)
{
	static const uint8_t none[8] = { 0 };
	static struct book a, b;
	struct ov_join_pair p[2];

	(void)state;
	book_init(&a);
	book_init(&b);
	book_add(&a, 0, OV_RANK_DOMAIN, 1, 2, 0);
	book_add(&b, 0, OV_RANK_DOMAIN, 1, 2, 0);
	book_add(&a, 0, OV_RANK_LEI, 2, 2, 0);
	assert_int_equal(pairs_of(&a, &b, ov_veto_default, p), 1); /* one LEI only */
	book_add(&b, 0, OV_RANK_LEI, 3, 2, 0);
	assert_int_equal(pairs_of(&a, &b, ov_veto_default, p), 0); /* they conflict */
	assert_int_equal(pairs_of(&a, &b, none, p), 1);
	book_add(&a, 0, OV_RANK_LEI, 4, 2, 0);
	book_add(&b, 0, OV_RANK_LEI, 4, 2, 0);
	assert_int_equal(pairs_of(&a, &b, ov_veto_default, p), 1); /* one is shared */
	assert_int_equal(p[0].rank, OV_RANK_LEI);
	assert_int_equal(p[0].a, 2);
	assert_int_equal(p[0].b, 2);
	book_add(&a, 0, OV_RANK_CIK, 5, 2, 0);
	book_add(&b, 0, OV_RANK_CIK, 6, 2, 0);
	/* CIK conflicts, but an LEI is stronger */
	assert_int_equal(pairs_of(&a, &b, ov_veto_default, p), 1);
}

static void
equal_tags_at_different_ranks_do_not_meet(void **state)
{
	static struct book a, b;
	struct ov_join_pair p[2];

	(void)state;
	book_init(&a);
	book_init(&b);
	book_add(&a, 0, OV_RANK_DOMAIN, 1, 2, 0);
	book_add(&b, 0, OV_RANK_NAME, 1, 2, 0);
	assert_int_equal(pairs_of(&a, &b, ov_veto_default, p), 0);
}

/* Order: rank, then number of shared tags, then the smallest of all shared tags. */
static void
ties_are_broken_in_the_order_of_the_protocol(void **state)
{
	static struct book a, b;
	struct ov_join_pair p[2];

	(void)state;
	book_init(&a);
	book_init(&b);
	book_add(&a, 0, 5, 0x105, 2, 0);
	book_add(&a, 0, 5, 0x2ff, 2, 0);
	book_add(&b, 0, 5, 0x2ff, 2, 0);
	book_add(&b, 1, 5, 0x105, 2, 0);
	/* smallest tag, bytewise from the first */
	assert_int_equal(pairs_of(&a, &b, ov_veto_default, p), 1);
	assert_int_equal(p[0].b, 1);
	/* more shared tags win; the reported slot stays at the strongest rank */
	book_add(&a, 0, 6, 0x001, 2, 0);
	book_add(&b, 0, 6, 0x001, 2, 0);
	assert_int_equal(pairs_of(&a, &b, ov_veto_default, p), 1);
	assert_int_equal(p[0].a, 1);
	assert_int_equal(p[0].b, 0);
	/* as many shared: the smallest of all shared tags, 0x001 */
	book_add(&a, 0, 6, 0x002, 2, 0);
	book_add(&b, 1, 6, 0x002, 2, 0);
	assert_int_equal(pairs_of(&a, &b, ov_veto_default, p), 1);
	assert_int_equal(p[0].b, 0);
	/* a stronger rank wins over all */
	book_add(&a, 0, 4, 0xfff, 2, 0);
	book_add(&b, 1, 4, 0xfff, 2, 0);
	assert_int_equal(pairs_of(&a, &b, ov_veto_default, p), 1);
	assert_int_equal(p[0].rank, 4);
	assert_int_equal(p[0].b, 4);
}

static void
empty_sides_join_to_nothing(void **state)
{
	static const struct ov_join_side none = { .n = 0 };
	static struct book a;
	struct ov_join_atoms atoms, zero;
	struct ov_join *j;

	(void)state;
	memset(&zero, 0, sizeof(zero));
	book_init(&a);
	book_add(&a, 0, 5, 1, 2, 0);
	for (int i = 0; i < 3; i++) {
		struct ov_join_list list;

		assert_int_equal(ov_join_new(&j, i & 1 ? &a.side : &none,
				     i & 2 ? &a.side : &none, ov_veto_default),
		    OV_OK);
		list = list_of(j, OV_JOIN_A, OV_LEVEL_COUNTS);
		assert_int_equal(list.n, 0);
		atoms = atoms_of(j, OV_JOIN_A);
		assert_memory_equal(&atoms, &zero, sizeof(zero));
		ov_join_list_fini(&list);
		ov_join_free(j);
	}
	ov_join_free(NULL);
}

/* --- refusals --- */

static void
legal_book(struct book *k)
{
	book_init(k);
	book_add(k, 0, 1, 1, 0x12, 0);
	book_add(k, 0, 5, 2, 0x12, 0);
	book_add(k, 2, 7, 3, 0xb5, 10); /* the last band */
}

static void
assert_refused(const struct book *k, enum ov_status want)
{
	static struct book other;
	struct ov_join *j;

	legal_book(&other);
	assert_int_equal(ov_join_new(&j, &k->side, &other.side, ov_veto_default), want);
	assert_null(j);
	assert_int_equal(ov_join_new(&j, &other.side, &k->side, ov_veto_default), want);
	assert_null(j);
	if (want == OV_E_PROTO_ROSTER)
		assert_int_equal(ov_join_check(&k->side), want);
	else
		assert_int_equal(ov_join_check(&k->side), OV_OK);
}

static void
bad_slots_are_refused(void **state)
{
	static struct book k;

	(void)state;
	legal_book(&k);
	assert_int_equal(ov_join_check(&k.side), OV_OK);
#define WITH(field, value)                                                               \
	do {                                                                             \
		legal_book(&k);                                                          \
		k.field = value;                                                         \
		assert_refused(&k, OV_E_PROTO_ROSTER);                                   \
	} while (0)
	WITH(record[2], 3);
	WITH(record[2], UINT32_MAX);
	WITH(rank[0], 0);
	WITH(rank[0], 8);
	WITH(rank[2], 255);
	WITH(side.ranks, 0x7e);	 /* bare names are not in the terms */
	WITH(label[2], 0x10);	 /* population 0 */
	WITH(label[2], 0x06);	 /* hidden in the release table */
	WITH(label[1], 0x13);	 /* one record, two populations */
	WITH(label[1], 0x22);	 /* one record, two bands */
	WITH(label[2], 0x05);	 /* no band, though they are released */
	WITH(label[2], 0xc5);	 /* no such band */
	WITH(label[2], 0x25);	 /* the band says no, the fit yes */
	WITH(fit[2], 6);	 /* the same, turned round */
	WITH(side.bands, false); /* bands are not in the terms */
	WITH(fit[1], 1);	 /* one record, two fits */
	WITH(fit[2], 3);
	WITH(fit[2], 12);
	WITH(fit[2], 16);
	WITH(fit[2], 0x80);
	WITH(side.n, OV_JOIN_SLOTS_MAX + 1);
#undef WITH
}

/* Without bands in the terms a roster says nothing of the other's ICP, in either place.
 */
static void
what_the_terms_do_not_release_is_refused(void **state)
{
	static struct book k;

	(void)state;
	book_init(&k);
	k.side.bands = false;
	book_add(&k, 0, 1, 1, 0x12, 2);
	k.label[0] = 0x02;
	assert_int_equal(ov_join_check(&k.side), OV_OK);
	k.label[0] = 0x12;
	assert_int_equal(ov_join_check(&k.side), OV_E_PROTO_ROSTER);
	k.label[0] = 0x02;
	k.fit[0] = OV_FIT(OV_FIT_YES, OV_FIT_NO);
	assert_int_equal(ov_join_check(&k.side), OV_E_PROTO_ROSTER);
}

static void
seventh_slot_of_a_record_is_refused(void **state)
{
	static struct book k;

	(void)state;
	book_init(&k);
	for (unsigned int i = 0; i < OV_TOKENS_PER_RECORD; i++)
		book_add(&k, 0, 5, i, 2, 0);
	assert_int_equal(ov_join_check(&k.side), OV_OK);
	book_add(&k, 0, 5, 99, 2, 0);
	assert_refused(&k, OV_E_PROTO_ROSTER);
}

static void
duplicate_tags_are_refused(void **state)
{
	static struct book k;

	(void)state;
	legal_book(&k);
	book_add(&k, 1, 7, 3, 2, 0); /* same rank, two records; met by the other side */
	assert_refused(&k, OV_E_PSI_DUPLICATE);
	legal_book(&k);
	book_add(&k, 1, 6, 3, 2, 0); /* other rank */
	assert_refused(&k, OV_E_PSI_DUPLICATE);
	legal_book(&k);
	book_add(&k, 1, 6, 77, 2, 0); /* not met by the other side */
	book_add(&k, 1, 6, 77, 2, 0);
	assert_refused(&k, OV_E_PSI_DUPLICATE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_equal_reference),
		cmocka_unit_test(swapped_sides_give_the_same_pairs),
		cmocka_unit_test(counted_records_do_not_shape_a_list),
		cmocka_unit_test(one_record_moves_one_atom_by_one),
		cmocka_unit_test(matching_moves_a_chain_of_counts),
		cmocka_unit_test(atoms_take_the_best_edge_of_each_record),
		cmocka_unit_test(cells_count_pairs_and_fits),
		cmocka_unit_test(veto_refuses_weaker_edges_on_conflict_only),
		cmocka_unit_test(equal_tags_at_different_ranks_do_not_meet),
		cmocka_unit_test(ties_are_broken_in_the_order_of_the_protocol),
		cmocka_unit_test(empty_sides_join_to_nothing),
		cmocka_unit_test(bad_slots_are_refused),
		cmocka_unit_test(what_the_terms_do_not_release_is_refused),
		cmocka_unit_test(seventh_slot_of_a_record_is_refused),
		cmocka_unit_test(duplicate_tags_are_refused),
	};

	if (ov_crypto_init() != OV_OK)
		return 1;
	return cmocka_run_group_tests_name("join", tests, NULL, NULL);
}
