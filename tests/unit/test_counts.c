/* What a receiver gets of populations that are only counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include "common/crypto/hash.h"
#include "common/crypto/memory.h"
#include "proto/budget.h"
#include "server/counts.h"
#include "server/views.h"
#include "tests/unit/join_books.h"

#define NEARLY_NO_NOISE 100000 /* epsilon 100: zero but for one draw in e^100 */

static const unsigned int giver[2] = { 0, 1 };

/* Cells of one receiver by [own][theirs]; .own is 0 where there is none. */
struct seen {
	struct ov_cell_row cell[16][16];
	struct ov_held_row held[16];
	size_t n_cells, n_held;
};

static void
read_rows(struct seen *s, const struct ov_buf *cells, const struct ov_buf *held)
{
	struct ov_cell_row c;

	memset(s, 0, sizeof(*s));
	memset(&c, 0, sizeof(c)); /* cells are compared as memory */
	for (size_t at = 0; at < cells->len; at += OV_CELL_ROW, s->n_cells++) {
		ov_cell_unpack(&c, cells->p + at);
		assert_true(c.own > 0 && c.own < 16 && c.other > 0 && c.other < 16);
		assert_int_equal(s->cell[c.own][c.other].own, 0);
		s->cell[c.own][c.other] = c;
	}
	for (size_t at = 0; at < held->len; at += OV_HELD_ROW)
		ov_held_unpack(&s->held[s->n_held++], held->p + at);
}

/* Levels as book_init has them on both sides. */
static struct ov_release
release_of(const struct book *a, const struct book *b, uint32_t epsilon)
{
	struct ov_release r = { .epsilon_milli = epsilon,
		.year_epsilon_milli = epsilon,
		.fit = { true, true } };

	memcpy(r.level[0], a->side.level, sizeof(a->side.level));
	memcpy(r.level[1], b->side.level, sizeof(b->side.level));
	return r;
}

static void
draw_counts(struct seen *s, const struct book *a, const struct book *b,
    enum ov_join_role receiver, const struct ov_release *r, struct ov_counts_due due)
{
	struct ov_buf cells = { 0 }, held = { 0 };
	struct ov_join *j;
	struct ov_noise noise;
	const struct ov_counts_input in = {
		.release = r, .giver = giver, .receiver = receiver, .noise = &noise
	};
	struct ov_counts_input with = in;

	ov_noise_init(&noise);
	assert_int_equal(ov_join_new(&j, &a->side, &b->side, ov_veto_default), OV_OK);
	with.join = j;
	assert_int_equal(ov_counts_draw(&cells, &held, &with, &due), OV_OK);
	read_rows(s, &cells, &held);
	ov_join_free(j);
	ov_noise_fini(&noise);
	ov_buf_free(&cells);
	ov_buf_free(&held);
}

static const struct ov_counts_due noisy = { .how = OV_COUNTS_NOISY };
static const struct ov_counts_due exact = { .how = OV_COUNTS_EXACT };

/* --- with noise --- */

static bool
fits(const struct book *own, size_t i, const struct book *other, size_t k)
{
	uint8_t word = OV_FIT_OWN(own->fit[i]);

	return (word != OV_FIT_UNKNOWN ? word : OV_FIT_OTHER(other->fit[k])) ==
	       OV_FIT_YES;
}

/* The cells of A's view by the naive join: each record of B counted at its best edge. */
static void
naive_cells(struct ov_cell_row want[16][16], const struct book *a, const struct book *b)
{
	bool all[BOOK_SLOTS], one[BOOK_SLOTS];
	const struct naive_edge *e;

	memset(want, 0, sizeof(struct ov_cell_row) * 16 * 16);
	memset(all, true, sizeof(all));
	naive_edges(a, b, ov_veto_default);
	for (size_t record = 0; record < BOOK_SLOTS; record++) {
		struct ov_cell_row *c;

		memset(one, false, sizeof(one));
		one[record] = true;
		e = naive_best(all, one);
		if (e == NULL)
			continue;
		c = &want[OV_LABEL_POPULATION(a->label[e->a])]
			 [OV_LABEL_POPULATION(b->label[e->b])];
		c->pairs++;
		c->fit_own += fits(a, e->a, b, e->b);
		c->fit_other += fits(b, e->b, a, e->a);
	}
}

static void
cells_are_sums_of_atoms(void **state)
{
	static struct book a, b;
	static struct ov_cell_row want[16][16];
	static struct seen s, swapped;
	size_t pairs = 0;

	(void)state;
	draw_seed(11);
	for (int round = 0; round < 200; round++) {
		struct ov_release r;

		book_draw(&a, 24, 40);
		book_draw(&b, 24, 40);
		r = release_of(&a, &b, NEARLY_NO_NOISE);
		r.fit[1] = round % 2 == 0;
		draw_counts(&s, &a, &b, OV_JOIN_A, &r, noisy);
		naive_cells(want, &a, &b);
		/* five populations of A by two of B that are only counted: zeros too */
		assert_int_equal(s.n_cells, 10);
		assert_int_equal(s.n_held, 0);
		for (int x = 1; x < 6; x++)
			for (int y = 1; y < 6; y += 3) {
				const struct ov_cell_row *c = &s.cell[x][y];

				assert_int_equal(c->own, x);
				assert_int_equal(c->pairs, want[x][y].pairs);
				assert_int_equal(c->fit_own, want[x][y].fit_own);
				assert_int_equal(c->fit_other,
				    r.fit[1] ? want[x][y].fit_other : OV_HELD_BACK);
				assert_int_equal(c->plus_minus, 1);
				assert_int_equal(c->plus_minus_fit, 1);
				pairs += c->pairs;
			}
		/* the same books with A and B swapped: B's view is the same */
		struct ov_release turned = release_of(&b, &a, NEARLY_NO_NOISE);

		turned.fit[0] = r.fit[1];
		draw_counts(&swapped, &b, &a, OV_JOIN_B, &turned, noisy);
		assert_memory_equal(&s, &swapped, sizeof(s));
	}
	assert_true(pairs > 1000);
}

/* One record of the giver more or less: one atom by one, so at most one cell, and in it
 * each number by one at most. */
static void
one_record_of_the_giver_changes_one_cell_by_one(void **state)
{
	static struct book a, b, without;
	static struct seen s, t;
	int changed = 0;

	(void)state;
	draw_seed(12);
	for (int round = 0; round < 60; round++) {
		struct ov_release r;

		book_draw(&a, 24, 40);
		book_draw(&b, 24, 40);
		r = release_of(&a, &b, NEARLY_NO_NOISE);
		draw_counts(&s, &a, &b, OV_JOIN_A, &r, noisy);
		for (uint32_t record = 0; record < 24; record++) {
			int cells = 0;

			book_without(&without, &b, record);
			draw_counts(&t, &a, &without, OV_JOIN_A, &r, noisy);
			for (int x = 1; x < 16; x++)
				for (int y = 1; y < 16; y++) {
					const struct ov_cell_row *c = &s.cell[x][y];
					const struct ov_cell_row *d = &t.cell[x][y];

					if (memcmp(c, d, sizeof(*c)) == 0)
						continue;
					cells++;
					assert_int_equal(c->pairs, d->pairs + 1);
					assert_true(c->fit_own - d->fit_own <= 1);
					assert_true(c->fit_other - d->fit_other <= 1);
				}
			assert_true(cells <= 1);
			changed += cells;
		}
	}
	assert_true(changed > 100);
}

/* n records of B in population 1, each the same company as one of A's first n, which has
 * `own` records in population 2. */
static void
make_pair(struct book *a, struct book *b, unsigned int own, unsigned int n)
{
	book_init(a);
	book_init(b);
	for (unsigned int i = 0; i < own; i++)
		book_add(a, i, OV_RANK_DOMAIN, i + 1, OV_LABEL(2, 0),
		    OV_FIT(OV_FIT_NO, OV_FIT_UNKNOWN));
	for (unsigned int i = 0; i < n; i++)
		book_add(b, i, OV_RANK_DOMAIN, i + 1, OV_LABEL(1, 0),
		    OV_FIT(OV_FIT_NO, OV_FIT_UNKNOWN));
}

static void
thresholds_hold_on_what_is_shown(void **state)
{
	static struct book a, b;
	static struct seen s;
	struct ov_release r;

	(void)state;
	make_pair(&a, &b, 60, 20);
	r = release_of(&a, &b, NEARLY_NO_NOISE);
	r.shown_from = 20;
	draw_counts(&s, &a, &b, OV_JOIN_A, &r, noisy);
	assert_int_equal(s.cell[2][1].pairs, 20);
	assert_int_equal(s.cell[2][1].fit_own, OV_HELD_BACK); /* 0 */
	assert_int_equal(s.cell[1][1].pairs, OV_HELD_BACK);
	assert_int_equal(s.n_held, 2); /* a row for each counted population of B */
	for (int i = 0; i < 2; i++) {
		assert_int_equal(s.held[i].population, 1 + 3 * i);
		assert_int_equal(s.held[i].reason, OV_HELD_SMALL);
		assert_int_equal(s.held[i].next, 0);
	}
	r.shown_from = 21;
	draw_counts(&s, &a, &b, OV_JOIN_A, &r, noisy);
	assert_int_equal(s.cell[2][1].pairs, OV_HELD_BACK);
}

/* With little noise a true 20 would be shown by 20 always; with the noise of the terms it
 * is by half, and what is shown strays as far as +/- says, in 95 of 100 cases. */
static void
noise_is_on_every_number_and_fresh(void **state)
{
	static struct book a, b;
	static struct seen s;
	int shown = 0, far = 0, zeros = 0, different = 0;
	uint32_t last = OV_HELD_BACK;
	struct ov_release r;

	(void)state;
	make_pair(&a, &b, 60, 20);
	r = release_of(&a, &b, 333);
	for (int i = 0; i < 400; i++) {
		draw_counts(&s, &a, &b, OV_JOIN_A, &r, noisy);
		assert_int_equal(s.cell[2][1].plus_minus, 17);
		assert_int_equal(s.cell[2][1].plus_minus_fit, 12);
		if (s.cell[2][1].pairs != OV_HELD_BACK) { /* not below zero */
			shown++;
			far += abs((int)s.cell[2][1].pairs - 20) > 17;
			different += s.cell[2][1].pairs != last;
			last = s.cell[2][1].pairs;
		}
		/* cells where nobody is in have noise, too */
		zeros += s.cell[5][4].pairs != OV_HELD_BACK && s.cell[5][4].pairs > 0;
	}
	assert_true(shown > 380);
	assert_true(far < 60);
	assert_true(different > 300);
	assert_true(zeros > 100 && zeros < 300);
}

static void
nothing_is_shown_when_no_view_is_due(void **state)
{
	static struct book a, b;
	static struct seen s;
	struct ov_release r;
	struct ov_counts_due due = { OV_COUNTS_HELD, { 0, OV_HELD_BUDGET, 12345 } };

	(void)state;
	make_pair(&a, &b, 60, 30);
	r = release_of(&a, &b, NEARLY_NO_NOISE);
	draw_counts(&s, &a, &b, OV_JOIN_A, &r, due);
	assert_int_equal(s.n_cells, 0);
	assert_int_equal(s.n_held, 1);
	assert_int_equal(s.held[0].population, 0);
	assert_int_equal(s.held[0].reason, OV_HELD_BUDGET);
	assert_int_equal(s.held[0].next, 12345);
	due.how = OV_COUNTS_NONE;
	draw_counts(&s, &a, &b, OV_JOIN_A, &r, due);
	assert_int_equal(s.n_cells + s.n_held, 0);
}

/* --- without --- */

static void
exact_numbers_and_their_rests_are_large(void **state)
{
	static struct book a, b;
	static struct seen s;
	struct ov_release r;
	static const struct {
		unsigned int own, pairs;
		bool shown;
	} tried[] = { { 60, 10, true }, { 60, 9, false }, { 60, 0, false },
		{ 60, 50, true }, { 60, 51, false }, { 60, 60, false } };

	(void)state;
	for (size_t i = 0; i < sizeof(tried) / sizeof(tried[0]); i++) {
		make_pair(&a, &b, tried[i].own, tried[i].pairs);
		r = release_of(&a, &b, 333);
		r.exact = true;
		r.minimum_count = 10;
		draw_counts(&s, &a, &b, OV_JOIN_A, &r, exact);
		assert_int_equal(
		    s.cell[2][1].pairs, tried[i].shown ? tried[i].pairs : OV_HELD_BACK);
		assert_int_equal(s.cell[2][1].plus_minus, 0);
		assert_int_equal(s.cell[2][1].plus_minus_fit, 0);
		assert_int_equal(s.cell[2][1].fit_own, OV_HELD_BACK);
		assert_int_equal(s.held[0].reason, OV_HELD_SMALL);
		r.minimum_count = 0; /* control */
		draw_counts(&s, &a, &b, OV_JOIN_A, &r, exact);
		assert_int_equal(s.cell[2][1].pairs, tried[i].pairs);
		assert_int_equal(s.n_held, 0);
	}
}

/* Two cells, each with a rest that is large, that together take all of a row. */
static void
exact_cells_that_leave_little_of_a_row_are_held_back(void **state)
{
	static struct book a, b;
	static struct seen s;
	struct ov_release r;

	(void)state;
	for (unsigned int n = 45; n <= 60; n += 5) {
		make_pair(&a, &b, 60, n);
		for (unsigned int i = 20; i < n; i++)
			b.label[i] = OV_LABEL(4, OV_BAND_UNKNOWN);
		r = release_of(&a, &b, 333);
		r.exact = true;
		r.minimum_count = 10;
		draw_counts(&s, &a, &b, OV_JOIN_A, &r, exact);
		assert_int_equal(s.cell[2][1].pairs, n <= 50 ? 20 : OV_HELD_BACK);
		assert_int_equal(s.cell[2][4].pairs, n <= 50 ? n - 20 : OV_HELD_BACK);
	}
}

/* A fit splits a cell; the receiver chose by its own word which of its records may be in
 * which part. */
static void
exact_fits_leave_enough_of_each_part(void **state)
{
	static struct book a, b;
	static struct seen s;
	struct ov_release r;
	/* of 80 own records, 40 of them pairs: how many fit, among the pairs and among
	 * the rest */
	static const struct {
		unsigned int pairs_fit, rest_fit;
		bool shown;
	} tried[] = { { 10, 10, true }, { 9, 10, false }, { 31, 10, false },
		{ 10, 9, false }, { 10, 31, false }, { 30, 30, true } };

	(void)state;
	for (size_t i = 0; i < sizeof(tried) / sizeof(tried[0]); i++) {
		make_pair(&a, &b, 80, 40);
		for (unsigned int k = 0; k < 80; k++)
			if (k < 40 ? k < tried[i].pairs_fit : k - 40 < tried[i].rest_fit)
				a.fit[k] = OV_FIT(OV_FIT_YES, OV_FIT_UNKNOWN);
		r = release_of(&a, &b, 333);
		r.exact = true;
		r.minimum_count = 10;
		draw_counts(&s, &a, &b, OV_JOIN_A, &r, exact);
		assert_int_equal(s.cell[2][1].pairs, 40);
		assert_int_equal(s.cell[2][1].fit_own,
		    tried[i].shown ? tried[i].pairs_fit : OV_HELD_BACK);
	}
	/* the giver's ICP: its own word, shown only where it says so */
	for (unsigned int k = 0; k < 15; k++)
		b.fit[k] = OV_FIT(OV_FIT_YES, OV_FIT_UNKNOWN);
	draw_counts(&s, &a, &b, OV_JOIN_A, &r, exact);
	assert_int_equal(s.cell[2][1].fit_other, 15);
	r.fit[1] = false;
	draw_counts(&s, &a, &b, OV_JOIN_A, &r, exact);
	assert_int_equal(s.cell[2][1].fit_other, OV_HELD_BACK);
}

/* --- a whole view: what is only counted changes nothing of the list --- */

static void
list_and_its_cells_stay_as_they_are(void **state)
{
	static struct book a, b;
	struct ov_views with, without;
	struct ov_counts_due due[2] = { noisy, noisy }, none[2] = { { .how = 0 } };
	struct ov_release r;
	struct ov_join *j;

	(void)state;
	draw_seed(13);
	book_draw(&a, 24, 40);
	book_draw(&b, 24, 40);
	r = release_of(&a, &b, 333);
	assert_int_equal(ov_join_new(&j, &a.side, &b.side, ov_veto_default), OV_OK);
	const struct ov_views_input in = { j, &r, giver, due };
	const struct ov_views_input plain = { j, &r, giver, none };

	assert_int_equal(ov_views_draw(&with, &in), OV_OK);
	assert_int_equal(ov_views_draw(&without, &plain), OV_OK);
	assert_true(without.n > 0);
	assert_int_equal(with.n, without.n);
	for (int side = 0; side < 2; side++) {
		assert_int_equal(with.seen[side], without.seen[side]);
		/* the exact cells come first */
		assert_true(with.cells[side].len > without.cells[side].len);
		assert_memory_equal(
		    with.cells[side].p, without.cells[side].p, without.cells[side].len);
	}
	ov_views_fini(&with);
	ov_views_fini(&without);
	ov_join_free(j);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cells_are_sums_of_atoms),
		cmocka_unit_test(one_record_of_the_giver_changes_one_cell_by_one),
		cmocka_unit_test(thresholds_hold_on_what_is_shown),
		cmocka_unit_test(noise_is_on_every_number_and_fresh),
		cmocka_unit_test(nothing_is_shown_when_no_view_is_due),
		cmocka_unit_test(exact_numbers_and_their_rests_are_large),
		cmocka_unit_test(exact_cells_that_leave_little_of_a_row_are_held_back),
		cmocka_unit_test(exact_fits_leave_enough_of_each_part),
		cmocka_unit_test(list_and_its_cells_stay_as_they_are),
	};

	if (ov_crypto_init() != OV_OK)
		return 1;
	return cmocka_run_group_tests_name("counts", tests, NULL, NULL);
}
