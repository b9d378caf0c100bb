#include "server/counts.h"

#include <stdlib.h>

#include "common/crypto/memory.h"
#include "proto/budget.h"

static const uint8_t *
level_of(const struct ov_counts_input *in, unsigned int role)
{
	return in->release->level[in->giver[role]];
}

/* The partner's ICP is its own to show; that it does not is no small number. */
static bool
shows_fit_other(const struct ov_counts_input *in)
{
	return in->release->fit[in->giver[1 - in->receiver]];
}

/* --- with noise --- */

static enum ov_status
add_noise(
    int64_t noisy[2][2], const uint32_t atom[2][2], const struct ov_counts_input *in)
{
	int64_t z;
	enum ov_status st = OV_OK;

	for (unsigned int a = 0; a < 2; a++)
		for (unsigned int b = 0; b < 2; b++) {
			OV_TRY(
			    ov_noise_laplace(&z, in->noise, in->release->epsilon_milli));
			noisy[a][b] = (int64_t)atom[a][b] + z;
		}
done:
	return st;
}

/* The threshold is on what is shown anyway, so it costs nothing.  A sum is at most 4 *
 * (2^28 + OV_NOISE_MAX) < OV_HELD_BACK. */
static uint32_t
shown_from(const struct ov_counts_input *in, int64_t n)
{
	return n >= 0 && n >= in->release->shown_from ? (uint32_t)n : OV_HELD_BACK;
}

static enum ov_status
noisy_cell(struct ov_cell_row *c, const struct ov_counts_input *in,
    const struct ov_join_atoms *atoms)
{
	bool is_a = in->receiver == OV_JOIN_A;
	int64_t n[2][2], fits_a, fits_b; /* by fits A's ICP, fits B's ICP */
	enum ov_status st = OV_OK;

	OV_TRY(add_noise(
	    n, is_a ? atoms->n[c->own][c->other] : atoms->n[c->other][c->own], in));
	fits_a = n[1][0] + n[1][1];
	fits_b = n[0][1] + n[1][1];
	c->pairs = shown_from(in, n[0][0] + n[0][1] + fits_a);
	c->fit_own = shown_from(in, is_a ? fits_a : fits_b);
	if (shows_fit_other(in))
		c->fit_other = shown_from(in, is_a ? fits_b : fits_a);
	c->plus_minus = ov_plus_minus_pairs(in->release->epsilon_milli);
	c->plus_minus_fit = ov_plus_minus_fits(in->release->epsilon_milli);
done:
	ov_wipe(n, sizeof(n));
	return st;
}

/* --- without --- */

/* Everything exact that a cell of the receiver is judged by. */
struct exact {
	struct ov_join_cells cells;
	struct ov_join_records own;
};

/* n of all may be seen: neither it nor what it leaves is small. */
static bool
is_large(const struct ov_counts_input *in, uint64_t n, uint64_t all)
{
	uint64_t minimum = in->release->minimum_count;

	return n >= minimum && all >= n && all - n >= minimum;
}

/* Pairs that fit an ICP, of a cell whose pairs are shown: the two parts of the cell, and
 * each of them within the receiver's records that may be in it by their own word. */
static bool
is_large_fit(const struct ov_counts_input *in, uint64_t pairs, uint64_t fit,
    const uint32_t word[3])
{
	uint64_t yes = (uint64_t)word[OV_FIT_YES] + word[OV_FIT_UNKNOWN];
	uint64_t no = (uint64_t)word[OV_FIT_NO] + word[OV_FIT_UNKNOWN];

	return fit <= pairs && is_large(in, fit, yes) && is_large(in, pairs - fit, no);
}

/* A row is held back whole where what it leaves, all its cells taken together, is small.
 */
static bool
is_row_large(const struct ov_counts_input *in, const struct exact *e, uint8_t own)
{
	bool is_a = in->receiver == OV_JOIN_A;

	return is_large(
	    in, is_a ? e->cells.records_a[own] : e->cells.records_b[own], e->own.n[own]);
}

static void
exact_cell(struct ov_cell_row *c, const struct ov_counts_input *in, const struct exact *e)
{
	bool is_a = in->receiver == OV_JOIN_A;
	unsigned int a = is_a ? c->own : c->other, b = is_a ? c->other : c->own;
	uint32_t pairs = e->cells.pairs[a][b];
	uint32_t fit_own = is_a ? e->cells.fits_a[a][b] : e->cells.fits_b[a][b];
	uint32_t fit_other = is_a ? e->cells.fits_b[a][b] : e->cells.fits_a[a][b];

	if (!is_large(in, pairs, e->own.n[c->own]) || !is_row_large(in, e, c->own))
		return;
	c->pairs = pairs;
	if (is_large_fit(in, pairs, fit_own, e->own.own[c->own]))
		c->fit_own = fit_own;
	if (shows_fit_other(in) &&
	    is_large_fit(in, pairs, fit_other, e->own.other[c->own]))
		c->fit_other = fit_other;
}

static enum ov_status
count_exactly(struct exact *e, const struct ov_counts_input *in)
{
	struct ov_join_list list = { 0 };
	enum ov_status st = OV_OK;

	OV_TRY(ov_join_list(in->join, in->receiver, OV_LEVEL_COUNTS, &list));
	ov_join_count(in->join, &list, &e->cells);
	OV_TRY(ov_join_records(in->join, in->receiver, &e->own));
done:
	ov_join_list_fini(&list);
	return st;
}

/* --- all cells --- */

struct numbers {
	struct ov_join_atoms atoms; /* with noise */
	struct exact exact;	    /* without */
};

static bool
is_small(const struct ov_cell_row *c, bool fit_other)
{
	return c->pairs == OV_HELD_BACK || c->fit_own == OV_HELD_BACK ||
	       (c->fit_other == OV_HELD_BACK && fit_other);
}

static enum ov_status
put_cell(struct ov_buf *cells, bool *small, const struct ov_counts_input *in,
    const struct numbers *n, struct ov_cell_row c, bool exact)
{
	uint8_t row[OV_CELL_ROW];
	enum ov_status st = OV_OK;

	c.pairs = c.fit_own = c.fit_other = OV_HELD_BACK;
	if (exact)
		exact_cell(&c, in, &n->exact);
	else
		OV_TRY(noisy_cell(&c, in, &n->atoms));
	*small = *small || is_small(&c, shows_fit_other(in));
	ov_cell_pack(row, &c);
	OV_TRY(ov_buf_append(cells, row, sizeof(row)));
done:
	return st;
}

static enum ov_status
put_held(struct ov_buf *held, struct ov_held_row h)
{
	uint8_t row[OV_HELD_ROW];

	ov_held_pack(row, &h);
	return ov_buf_append(held, row, sizeof(row));
}

static enum ov_status
put_cells(struct ov_buf *cells, struct ov_buf *held, const struct ov_counts_input *in,
    const struct numbers *n, bool exact)
{
	const uint8_t *own = level_of(in, in->receiver);
	const uint8_t *theirs = level_of(in, 1 - in->receiver);
	enum ov_status st = OV_OK;

	for (uint8_t y = 1; y <= OV_POPULATIONS_MAX; y++) {
		bool small = false;

		if (theirs[y] != OV_LEVEL_COUNTS)
			continue;
		for (uint8_t x = 1; x <= OV_POPULATIONS_MAX; x++)
			if (own[x] != OV_LEVEL_HIDDEN)
				OV_TRY(put_cell(cells, &small, in, n,
				    (struct ov_cell_row){ .own = x, .other = y }, exact));
		if (small)
			OV_TRY(
			    put_held(held, (struct ov_held_row){ y, OV_HELD_SMALL, 0 }));
	}
done:
	return st;
}

enum ov_status
ov_counts_draw(struct ov_buf *cells, struct ov_buf *held,
    const struct ov_counts_input *in, const struct ov_counts_due *due)
{
	struct numbers *n = NULL;
	enum ov_status st = OV_OK;

	if (due->how == OV_COUNTS_NONE)
		return OV_OK;
	if (due->how == OV_COUNTS_HELD)
		return put_held(held, due->why);
	n = malloc(sizeof(*n));
	OV_REQUIRE(n != NULL, OV_E_NOMEM);
	if (due->how == OV_COUNTS_EXACT)
		OV_TRY(count_exactly(&n->exact, in));
	else
		OV_TRY(ov_join_atoms(in->join, 1 - in->receiver, &n->atoms));
	OV_TRY(put_cells(cells, held, in, n, due->how == OV_COUNTS_EXACT));
done:
	if (n != NULL)
		ov_wipe(n, sizeof(*n));
	free(n);
	return st;
}
