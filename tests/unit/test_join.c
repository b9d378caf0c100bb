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

#define SLOTS 96
#define BOOKS 1600

/* --- small books --- */

struct book {
	struct ov_join_side side; /* points into the arrays below */
	uint8_t tag[SLOTS][16];
	uint32_t record[SLOTS];
	uint8_t rank[SLOTS], label[SLOTS], fit[SLOTS];
};

static uint64_t seed;

/* xorshift64*: the same books on every machine. */
static uint32_t
draw(uint32_t below)
{
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return (uint32_t)((seed * 0x2545f4914f6cdd1dULL) >> 33) % below;
}

static void
book_init(struct book *k)
{
	static const uint8_t levels[16] = { 0, 1, 2, 3, 1, 2 };

	memset(k, 0, sizeof(*k));
	k->side.tag = k->tag[0];
	k->side.record = k->record;
	k->side.rank = k->rank;
	k->side.label = k->label;
	k->side.fit = k->fit;
	memcpy(k->side.level, levels, sizeof(levels));
}

/* tag: the number is spread over the first two bytes and the last, in its own order. */
static void
book_add(struct book *k, uint32_t record, uint8_t rank, unsigned int tag, uint8_t label,
    uint8_t fit)
{
	size_t i = k->side.n++;

	assert_true(i < SLOTS);
	memset(k->tag[i], 0, 16);
	k->tag[i][0] = (uint8_t)(tag >> 8);
	k->tag[i][1] = (uint8_t)(tag & 0xc0);
	k->tag[i][15] = (uint8_t)tag;
	k->record[i] = record;
	k->rank[i] = rank;
	k->label[i] = label;
	k->fit[i] = fit;
}

static bool
book_has_tag(const struct book *k, unsigned int tag)
{
	for (size_t i = 0; i < k->side.n; i++)
		if (k->tag[i][0] == (uint8_t)(tag >> 8) && k->tag[i][15] == (uint8_t)tag)
			return true;
	return false;
}

static void
book_shuffle(struct book *k)
{
	for (size_t i = k->side.n; i > 1; i--) {
		size_t x = i - 1, y = draw((uint32_t)i);
		struct book old = *k;

		memcpy(k->tag[x], old.tag[y], 16);
		memcpy(k->tag[y], old.tag[x], 16);
		k->record[x] = old.record[y], k->record[y] = old.record[x];
		k->rank[x] = old.rank[y], k->rank[y] = old.rank[x];
		k->label[x] = old.label[y], k->label[y] = old.label[x];
		k->fit[x] = old.fit[y], k->fit[y] = old.fit[x];
	}
}

/* A dense book: few tags, so that records compete.  The rank follows from the tag, as it
 * does when both are honest, but for one slot in twenty. */
static void
book_draw(struct book *k, uint32_t records, uint32_t tags)
{
	static const uint8_t fits[] = { 0, 1, 2, 4, 5, 6, 8, 9, 10 };

	book_init(k);
	for (uint32_t r = 0; r < records; r++) {
		uint8_t label = (uint8_t)(1 + draw(5) + (draw(4) << 4));
		uint8_t fit = fits[draw(9)];
		uint32_t slots = 1 + draw(OV_TOKENS_PER_RECORD);

		for (uint32_t i = 0; i < slots && k->side.n < SLOTS; i++) {
			uint32_t tag = draw(tags) * 37;
			uint8_t rank = (uint8_t)(1 + (draw(20) == 0 ? draw(7) : tag % 7));

			if (!book_has_tag(k, tag))
				book_add(k, r, rank, tag, label, fit);
		}
	}
	/* record numbers stay under the number of slots */
	for (size_t i = 0; i < k->side.n; i++)
		while (k->record[i] >= k->side.n)
			k->side.n--, i = 0;
	book_shuffle(k);
}

/* --- the reference: quadratic, straight from the text of the protocol --- */

struct naive_edge {
	bool exists, used;
	int strongest, shared;
	uint32_t a, b;	      /* slots to be reported */
	uint8_t smallest[16]; /* of all shared tags */
};

static struct naive_edge
naive_edge(const struct book *a, uint32_t x, const struct book *b, uint32_t y,
    const uint8_t veto[8])
{
	struct naive_edge e = { .strongest = 99 };
	uint8_t best[16];
	bool has_x[8] = { false }, has_y[8] = { false }, both[8] = { false };

	for (size_t i = 0; i < a->side.n; i++)
		for (size_t k = 0; k < b->side.n; k++) {
			if (a->record[i] != x || b->record[k] != y)
				continue;
			has_x[a->rank[i]] = has_y[b->rank[k]] = true;
			if (a->rank[i] != b->rank[k] ||
			    memcmp(a->tag[i], b->tag[k], 16) != 0)
				continue;
			both[a->rank[i]] = true;
			if (e.shared++ == 0 || memcmp(a->tag[i], e.smallest, 16) < 0)
				memcpy(e.smallest, a->tag[i], 16);
			if (a->rank[i] > e.strongest ||
			    (a->rank[i] == e.strongest &&
				memcmp(a->tag[i], best, 16) > 0))
				continue;
			e.strongest = a->rank[i];
			memcpy(best, a->tag[i], 16);
			e.a = (uint32_t)i;
			e.b = (uint32_t)k;
		}
	e.exists = e.shared > 0;
	for (int v = 1; v <= 7 && e.exists; v++)
		if (has_x[v] && has_y[v] && !both[v] && (veto[v] >> e.strongest & 1))
			e.exists = false;
	return e;
}

static bool
naive_better(const struct naive_edge *e, const struct naive_edge *f)
{
	if (e->strongest != f->strongest)
		return e->strongest < f->strongest;
	if (e->shared != f->shared)
		return e->shared > f->shared;
	return memcmp(e->smallest, f->smallest, 16) < 0;
}

/* All edges of two books, by record numbers. */
static struct naive_edge edges[SLOTS][SLOTS];

static void
naive_edges(const struct book *a, const struct book *b, const uint8_t veto[8])
{
	for (uint32_t x = 0; x < SLOTS; x++)
		for (uint32_t y = 0; y < SLOTS; y++)
			edges[x][y].exists = false;
	for (size_t i = 0; i < a->side.n; i++)
		for (size_t k = 0; k < b->side.n; k++)
			if (memcmp(a->tag[i], b->tag[k], 16) == 0)
				edges[a->record[i]][b->record[k]] =
				    naive_edge(a, a->record[i], b, b->record[k], veto);
}

/* The best edge among those that `mask` leaves: free rows, free columns. */
static struct naive_edge *
naive_best(const bool *row, const bool *column)
{
	struct naive_edge *best = NULL;

	for (uint32_t x = 0; x < SLOTS; x++)
		for (uint32_t y = 0; y < SLOTS; y++)
			if (edges[x][y].exists && row[x] && column[y] &&
			    (best == NULL || naive_better(&edges[x][y], best)))
				best = &edges[x][y];
	return best;
}

static void
assert_list_is_naive(const struct ov_join_list *list, const struct book *a,
    const struct book *b, enum ov_join_role receiver, uint8_t floor)
{
	bool row[SLOTS] = { false }, column[SLOTS] = { false };
	struct naive_edge *e;
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

/* --- properties over random books --- */

static struct ov_join *
join(const struct book *a, const struct book *b, const uint8_t veto[8])
{
	struct ov_join *j = NULL;

	assert_int_equal(ov_join_new(&j, &a->side, &b->side, veto), OV_OK);
	return j;
}

static struct ov_join_list
list_of(const struct ov_join *j, enum ov_join_role receiver, enum ov_join_level floor)
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
	static const enum ov_join_level floors[] = { OV_JOIN_MATCHES, OV_JOIN_COUNTS };
	static struct book a, b;
	size_t pairs = 0;

	(void)state;
	seed = 1;
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
	seed = 2;
	for (int i = 0; i < BOOKS; i++) {
		struct ov_join_list one, two;
		struct ov_join *j, *k;

		book_draw(&a, draw(24), 10 + draw(60));
		book_draw(&b, draw(24), 10 + draw(60));
		j = join(&a, &b, ov_veto_default);
		k = join(&b, &a, ov_veto_default);
		one = list_of(j, OV_JOIN_A, OV_JOIN_MATCHES);
		two = list_of(k, OV_JOIN_B, OV_JOIN_MATCHES);
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
	seed = 3;
	for (int i = 0; i < BOOKS / 4; i++) {
		struct ov_join_list one, two, wide;
		struct ov_join *j, *k;

		book_draw(&a, 20, 60);
		book_draw(&b, 20, 60);
		less = b;
		book_init(&less);
		for (size_t s = 0; s < b.side.n; s++) /* gone, but a slot stays */
			book_add(&less, b.record[s], b.rank[s],
			    b.side.level[b.label[s] & 15] >= OV_JOIN_MATCHES
				? (unsigned int)(b.tag[s][0] << 8 | b.tag[s][15])
				: (unsigned int)(0xf000 + s),
			    b.label[s], b.fit[s]);
		j = join(&a, &b, ov_veto_default);
		k = join(&a, &less, ov_veto_default);
		one = list_of(j, OV_JOIN_A, OV_JOIN_MATCHES);
		two = list_of(k, OV_JOIN_A, OV_JOIN_MATCHES);
		wide = list_of(j, OV_JOIN_A, OV_JOIN_COUNTS);
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

/* The same book without one record; where numbers then go past the number of slots, the
 * record stays with slots that meet nothing. */
static void
book_without(struct book *out, const struct book *k, uint32_t record)
{
	book_init(out);
	for (size_t i = 0; i < k->side.n; i++)
		if (k->record[i] != record)
			book_add(out, k->record[i], k->rank[i],
			    (unsigned int)(k->tag[i][0] << 8 | k->tag[i][15]),
			    k->label[i], k->fit[i]);
	for (size_t i = 0; i < out->side.n; i++)
		if (out->record[i] >= out->side.n) {
			book_add(out, record, 7, (unsigned int)(0xe000 + out->side.n),
			    0x01, 0);
			i = (size_t)-1;
		}
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
		list = list_of(j, OV_JOIN_A, OV_JOIN_COUNTS);
		ov_join_count(j, &list, &c);
		ov_join_list_fini(&list);
		ov_join_free(j);
		book_without(&less, &b, b.record[draw((uint32_t)b.side.n)]);
		j = join(&a, &less, ov_veto_default);
		two = atoms_of(j, OV_JOIN_B);
		list = list_of(j, OV_JOIN_A, OV_JOIN_COUNTS);
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
	seed = 4;
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
	list = list_of(j, OV_JOIN_A, OV_JOIN_COUNTS);
	ov_join_count(j, &list, &c);
	ov_join_list_fini(&list);
	ov_join_free(j);
	j = join(&a, &less, ov_veto_default);
	list = list_of(j, OV_JOIN_A, OV_JOIN_COUNTS);
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
	book_add(&a, 0, 5, 1, 1, OV_JOIN_FIT_YES);
	book_add(&a, 1, 3, 2, 2, 0);
	book_add(&b, 0, 5, 1, 3, OV_JOIN_FIT_NO);
	book_add(&b, 0, 3, 2, 3, OV_JOIN_FIT_NO); /* DUNS beats the domain */
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
		book_add(&a, 0, 5, 7, 0xf2, cases[i].fit_a);
		book_add(&b, 0, 5, 7, 0x03, cases[i].fit_b);
		j = join(&a, &b, ov_veto_default);
		list = list_of(j, OV_JOIN_A, OV_JOIN_MATCHES);
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
	struct ov_join_list list = list_of(j, OV_JOIN_A, OV_JOIN_COUNTS);
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
		list = list_of(j, OV_JOIN_A, OV_JOIN_COUNTS);
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
	book_add(k, 2, 7, 3, 0xf5, 10);
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
	WITH(label[2], 0x10); /* population 0 */
	WITH(label[2], 0x06); /* hidden in the release table */
	WITH(label[1], 0x13); /* one record, two populations */
	WITH(label[1], 0x02); /* one record, two bands */
	WITH(fit[1], 1);      /* one record, two fits */
	WITH(fit[2], 3);
	WITH(fit[2], 12);
	WITH(fit[2], 16);
	WITH(fit[2], 0x80);
	WITH(side.n, OV_JOIN_SLOTS_MAX + 1);
#undef WITH
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
		cmocka_unit_test(seventh_slot_of_a_record_is_refused),
		cmocka_unit_test(duplicate_tags_are_refused),
	};

	if (ov_crypto_init() != OV_OK)
		return 1;
	return cmocka_run_group_tests_name("join", tests, NULL, NULL);
}
