/* What a receiver checks of its view of counts, and of the partner's legend. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include "client/job/counted.h"
#include "client/job/legend.h"
#include "common/crypto/memory.h"
#include "proto/budget.h"

/* I give two populations; the partner one at `matches`, two at `counts`. */
static struct ov_release release;
static const uint32_t accounts[OV_POPULATIONS_MAX + 1] = { 0, 100, 200 };
static struct ov_counted_input in;
static struct ov_cell_row cells[16];
static struct ov_held_row held[4];
static size_t n_cells, n_held;

static int
setup(void **state)
{
	(void)state;
	release = (struct ov_release){ .epsilon_milli = 333,
		.view_days = 28,
		.year_epsilon_milli = 4333,
		.shown_from = 20,
		.minimum_count = 10,
		.fit = { true, true },
		.level = { { 0, 2, 2 }, { 0, 2, 1, 1 } } };
	in = (struct ov_counted_input){ .release = &release,
		.mine = 0,
		.theirs = 1,
		.allowed = true,
		.epsilon_charged = 333,
		.accounts = accounts,
		.their_slots = 1024 };
	n_cells = n_held = 0;
	return 0;
}

static enum ov_status
verify(void)
{
	uint8_t c[16 * OV_CELL_ROW], h[4 * OV_HELD_ROW];
	struct ov_msg_view view = { .cells = OV_BYTES(c, n_cells * OV_CELL_ROW),
		.held = OV_BYTES(h, n_held * OV_HELD_ROW) };

	for (size_t i = 0; i < n_cells; i++)
		ov_cell_pack(c + i * OV_CELL_ROW, &cells[i]);
	for (size_t i = 0; i < n_held; i++)
		ov_held_pack(h + i * OV_HELD_ROW, &held[i]);
	return ov_counted_verify(&in, &view);
}

#define MATCHED 2 /* cells before those of what is counted */

/* Exact cells of the population that is seen one by one. */
static void
matched_cells(void)
{
	setup(NULL);
	for (uint8_t x = 1; x < 3; x++)
		cells[n_cells++] = (struct ov_cell_row){ x, 1, 3, 1, 0, 0, 0 };
}

/* All that a view with noise has. */
static void
noisy_view(void)
{
	matched_cells();
	for (uint8_t y = 2; y < 4; y++)
		for (uint8_t x = 1; x < 3; x++)
			cells[n_cells++] = (struct ov_cell_row){ x, y, 40, 30, 20,
				ov_plus_minus_pairs(333), ov_plus_minus_fits(333) };
}

static void
exact_view(void)
{
	noisy_view();
	release.exact = true;
	in.allowed = false;
	in.epsilon_charged = 0;
	for (size_t i = MATCHED; i < n_cells; i++)
		cells[i] = (struct ov_cell_row){ cells[i].own, cells[i].other, 40, 30, 10,
			0, 0 };
}

static void
held_view(enum ov_held_reason reason, uint64_t next)
{
	matched_cells();
	in.epsilon_charged = 0;
	held[n_held++] = (struct ov_held_row){ 0, (uint8_t)reason, next };
}

#define GOOD(make, change)                                                               \
	do {                                                                             \
		make;                                                                    \
		change;                                                                  \
		assert_int_equal(verify(), OV_OK);                                       \
	} while (0)
#define BAD(make, change)                                                                \
	do {                                                                             \
		make;                                                                    \
		change;                                                                  \
		assert_int_equal(verify(), OV_E_PROTO_MISBEHAVED);                       \
	} while (0)
#define SMALL(y)                                                                         \
	held[n_held++] = (struct ov_held_row)                                            \
	{                                                                                \
		(y), OV_HELD_SMALL, 0                                                    \
	}

static void
noisy_views_are_as_the_terms_say(void **state)
{
	(void)state;
	GOOD(noisy_view(), (void)0);
	GOOD(noisy_view(), cells[2].fit_own = 1020); /* noise: more than the pairs */
	GOOD(noisy_view(), cells[2].pairs = OV_HELD_BACK; SMALL(2));
	GOOD(noisy_view(), cells[5].fit_other = OV_HELD_BACK; SMALL(3));
	BAD(noisy_view(), cells[2].pairs = 19);
	BAD(noisy_view(), cells[2].fit_own = 0);
	BAD(noisy_view(), cells[2].pairs = 0xfffffffe);
	BAD(noisy_view(), cells[2].plus_minus--);
	BAD(noisy_view(), cells[2].plus_minus = 0);
	BAD(noisy_view(), cells[2].plus_minus_fit++);
	/* what is held back has its row, and no row is of nothing */
	BAD(noisy_view(), cells[2].pairs = OV_HELD_BACK);
	BAD(noisy_view(), cells[2].pairs = OV_HELD_BACK; SMALL(3));
	BAD(noisy_view(), cells[2].pairs = OV_HELD_BACK; SMALL(2); SMALL(2));
	BAD(noisy_view(), cells[2].pairs = OV_HELD_BACK; SMALL(2); held[0].next = 1);
	BAD(noisy_view(), SMALL(2));
	BAD(noisy_view(), SMALL(0));
	BAD(noisy_view(), SMALL(255));
	/* the partner does not show its fits: no row for these */
	BAD(noisy_view(), release.fit[1] = false);
	noisy_view();
	release.fit[1] = false;
	for (size_t i = MATCHED; i < n_cells; i++)
		cells[i].fit_other = OV_HELD_BACK;
	assert_int_equal(verify(), OV_OK);
}

/* Whatever the view, each cell of the terms is there once, zero or not, in its place. */
static void
cells_are_those_of_the_terms(void (*make)(void))
{
	size_t n;

	make();
	n = n_cells;
	assert_int_equal(verify(), OV_OK);
	for (size_t i = 0; i < n; i++) {
		struct ov_cell_row c;

		make();
		c = cells[i];
		memmove(cells + i, cells + i + 1, (--n_cells - i) * sizeof(c));
		assert_int_equal(verify(), OV_E_PROTO_MISBEHAVED); /* left out */
		BAD(make(), cells[n_cells++] = cells[i]);
		BAD(make(), cells[i] = cells[(i + 1) % n]);
		BAD(make(), c = cells[i]; cells[i] = cells[(i + 1) % n];
		    cells[(i + 1) % n] = c);
		BAD(make(), cells[i].own = 3); /* none of mine, or hidden */
		BAD(make(), cells[i].own = 0);
		BAD(make(), cells[i].own = 255);
		BAD(make(), cells[i].other = 4); /* hidden by the partner */
		BAD(make(), cells[i].other = 0);
		BAD(make(), cells[i].other = 255);
		/* of another level */
		BAD(make(), cells[i].other = i < MATCHED ? 2 : 1);
	}
	for (uint8_t y = 0; y < 6; y++) { /* one more, at either end */
		BAD(make(),
		    cells[n_cells++] = ((struct ov_cell_row){ .own = 3, .other = y }));
		BAD(make(), memmove(cells + 1, cells, n_cells++ * sizeof(cells[0]));
		    cells[0] = ((struct ov_cell_row){ .own = 3, .other = y }));
	}
	BAD(make(), n_cells = 0);
	BAD(make(), release.level[0][2] = OV_LEVEL_HIDDEN); /* I hide one of mine */
	BAD(make(), release.level[0][3] = OV_LEVEL_COUNTS); /* or show one more */
}

static void
held_back(void)
{
	held_view(OV_HELD_NOT_DUE, 5);
}

static void
matched(void)
{
	held_view(OV_HELD_NOT_DUE, 5);
	n_held = 0;
	release.level[1][2] = release.level[1][3] = OV_LEVEL_HIDDEN;
}

static void
cells_are_those_of_the_terms_in_each_view(void **state)
{
	(void)state;
	cells_are_those_of_the_terms(noisy_view);
	cells_are_those_of_the_terms(exact_view);
	cells_are_those_of_the_terms(held_back);
	cells_are_those_of_the_terms(matched);
}

/* Rows of cells that were cut. */
static void
a_part_of_a_cell_is_none(void **state)
{
	uint8_t c[16 * OV_CELL_ROW];
	struct ov_msg_view view = { 0 };

	(void)state;
	noisy_view();
	for (size_t i = 0; i < n_cells; i++)
		ov_cell_pack(c + i * OV_CELL_ROW, &cells[i]);
	for (size_t cut = 0; cut <= n_cells * OV_CELL_ROW; cut++) {
		view.cells = OV_BYTES(c, cut);
		assert_int_equal(ov_counted_verify(&in, &view),
		    cut == n_cells * OV_CELL_ROW ? OV_OK : OV_E_PROTO_MISBEHAVED);
	}
}

static void
views_are_drawn_where_allowed_and_charged(void **state)
{
	(void)state;
	BAD(noisy_view(), in.allowed = false);
	BAD(noisy_view(), in.epsilon_charged = 332);
	BAD(noisy_view(), in.epsilon_charged = 0);
	BAD(held_view(OV_HELD_NOT_DUE, 5), in.epsilon_charged = 333);
	/* nothing is counted at all */
	BAD(noisy_view(), release.level[1][2] = release.level[1][3] = 0);
	GOOD(noisy_view(), release.level[1][2] = release.level[1][3] = 0;
	     n_cells = MATCHED; in.epsilon_charged = 0);
	BAD(noisy_view(), release.level[1][2] = release.level[1][3] = 0;
	    n_cells = MATCHED);
}

static void
held_views_say_why(void **state)
{
	(void)state;
	GOOD(held_view(OV_HELD_NOT_DUE, 1700000000), (void)0);
	GOOD(held_view(OV_HELD_NOT_DUE, 1700000000), in.allowed = false);
	GOOD(held_view(OV_HELD_BUDGET, 0), (void)0);
	GOOD(held_view(OV_HELD_BUDGET, 1700000000), (void)0);
	GOOD(held_view(OV_HELD_BY_PARTNER, 0), in.allowed = false);
	BAD(held_view(OV_HELD_BY_PARTNER, 0), (void)0); /* it said 1 */
	BAD(held_view(OV_HELD_BY_PARTNER, 1), in.allowed = false);
	BAD(held_view(OV_HELD_NOT_DUE, 0), (void)0);
	BAD(held_view(OV_HELD_NOT_DUE, UINT64_MAX), (void)0);
	BAD(held_view(OV_HELD_SMALL, 0), (void)0);
	BAD(held_view((enum ov_held_reason)0, 0), (void)0);
	BAD(held_view((enum ov_held_reason)9, 0), (void)0);
	BAD(held_view(OV_HELD_NOT_DUE, 5), held[0].population = 2);
	BAD(held_view(OV_HELD_NOT_DUE, 5), n_held = 0);
	BAD(held_view(OV_HELD_NOT_DUE, 5), held[n_held++] = held[0]);
	BAD(held_view(OV_HELD_NOT_DUE, 5),
	    cells[n_cells++] = ((struct ov_cell_row){ 1, 2, 40, 30, 20, 17, 12 }));
}

static void
exact_views_keep_the_minimum(void **state)
{
	(void)state;
	GOOD(exact_view(), (void)0);
	BAD(exact_view(), in.epsilon_charged = 333);
	BAD(exact_view(), cells[2].plus_minus = 17);
	BAD(exact_view(), cells[2].pairs = 9);
	BAD(exact_view(), cells[2].pairs = 101); /* more than I have there */
	BAD(exact_view(), cells[2].fit_own = 31);
	BAD(exact_view(), cells[2].fit_other = 9);
	BAD(exact_view(), cells[2].pairs = OV_HELD_BACK; SMALL(2));
	GOOD(exact_view(),
	     cells[2].pairs = cells[2].fit_own = cells[2].fit_other = OV_HELD_BACK;
	     SMALL(2));
	BAD(exact_view(),
	    held[n_held++] = ((struct ov_held_row){ 0, OV_HELD_NOT_DUE, 5 }));
}

/* --- the legend --- */

static struct ov_terms
terms_of_both(void)
{
	return (struct ov_terms){ .mine = { { "customers", OV_LEVEL_MATCHES },
				      { "prospects", OV_LEVEL_COUNTS } },
		.theirs = { { "customers", OV_LEVEL_MATCHES },
		    { "prospects", OV_LEVEL_COUNTS } },
		.n_mine = 2,
		.n_theirs = 2,
		.size_mine = 1000,
		.size_theirs = 1000 };
}

static size_t
write_legend(uint8_t chunk[OV_LEGEND_LEN], const struct ov_terms *t, uint64_t n)
{
	struct ov_buf buf = { 0 };
	size_t len;

	assert_int_equal(ov_legend_encode(&buf, t, n), OV_OK);
	memset(chunk, 0, OV_LEGEND_LEN);
	chunk[0] = (uint8_t)(buf.len >> 8);
	chunk[1] = (uint8_t)buf.len;
	memcpy(chunk + 2, buf.p, buf.len);
	len = buf.len;
	ov_buf_free(&buf);
	return len;
}

/* A legend is no place for words that nobody signed: `bands` is kept for later. */
static void
legend_holds_nothing_unsigned(void **state)
{
	struct ov_terms t = terms_of_both();
	uint8_t chunk[OV_LEGEND_LEN], again[OV_LEGEND_LEN] = { 0 };
	size_t len = write_legend(chunk, &t, 12499);
	struct ov_msg_legend m;
	struct ov_buf buf = { 0 };
	uint32_t size;

	(void)state;
	assert_int_equal(
	    ov_msg_decode(&m, OV_MSG_LEGEND, OV_BYTES(chunk + 2, len)), OV_OK);
	m.bands = OV_BYTES("A", 1);
	assert_int_equal(ov_msg_encode(&buf, OV_MSG_LEGEND, &m), OV_OK);
	again[1] = (uint8_t)buf.len; /* below 256 */
	memcpy(again + 2, buf.p, buf.len);
	assert_int_equal(ov_legend_check(&size, chunk, &t), OV_OK);
	assert_int_equal(ov_legend_check(&size, again, &t), OV_E_PROTO_LEGEND);
	ov_buf_free(&buf);
}

static void
legend_says_what_both_signed(void **state)
{
	struct ov_terms t = terms_of_both(), other;
	uint8_t chunk[OV_LEGEND_LEN];
	uint32_t size;
	size_t len;

	(void)state;
	len = write_legend(chunk, &t, 12499);
	assert_int_equal(ov_legend_check(&size, chunk, &t), OV_OK);
	assert_int_equal(size, 12000);
#define REFUSED(change)                                                                  \
	do {                                                                             \
		other = terms_of_both();                                                 \
		change;                                                                  \
		assert_int_equal(                                                        \
		    ov_legend_check(&size, chunk, &other), OV_E_PROTO_LEGEND);           \
	} while (0)
	REFUSED(other.theirs[0].level = OV_LEVEL_FIELDS);
	REFUSED(other.theirs[1].name[0] = 'x');
	REFUSED(other.n_theirs = 1);
	REFUSED(other.size_theirs = 0);	   /* not granted, and told all the same */
	REFUSED(other.size_theirs = 7000); /* finer than granted */
	REFUSED(chunk[OV_LEGEND_LEN - 1] = 1);
	chunk[OV_LEGEND_LEN - 1] = 0;
	for (size_t cut = 0; cut < len; cut++) {
		chunk[0] = (uint8_t)(cut >> 8);
		chunk[1] = (uint8_t)cut;
		REFUSED((void)0);
	}
	chunk[0] = chunk[1] = 0xff;
	REFUSED((void)0);
#undef REFUSED
	t.size_mine = t.size_theirs = 0;
	write_legend(chunk, &t, 12499);
	assert_int_equal(ov_legend_check(&size, chunk, &t), OV_OK);
	assert_int_equal(size, 0);
}

static void
size_is_rounded_to_the_nearest_step(void **state)
{
	(void)state;
	assert_int_equal(ov_legend_size(1234, 0), 0);
	assert_int_equal(ov_legend_size(1234, 1), 1234);
	assert_int_equal(ov_legend_size(499, 1000), 0);
	assert_int_equal(ov_legend_size(500, 1000), 1000);
	assert_int_equal(ov_legend_size(1499, 1000), 1000);
	assert_int_equal(ov_legend_size(UINT64_C(1) << 31, UINT32_MAX), UINT32_MAX);
	assert_int_equal(ov_legend_size(UINT64_C(1) << 31, 3000000000U), 3000000000U);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(noisy_views_are_as_the_terms_say),
		cmocka_unit_test(cells_are_those_of_the_terms_in_each_view),
		cmocka_unit_test(a_part_of_a_cell_is_none),
		cmocka_unit_test(views_are_drawn_where_allowed_and_charged),
		cmocka_unit_test(held_views_say_why),
		cmocka_unit_test(exact_views_keep_the_minimum),
		cmocka_unit_test(legend_says_what_both_signed),
		cmocka_unit_test(legend_holds_nothing_unsigned),
		cmocka_unit_test(size_is_rounded_to_the_nearest_step),
	};

	return cmocka_run_group_tests_name("counted", tests, NULL, NULL);
}
