#include "client/job/counted.h"

#include "proto/budget.h"

/* What this view of counts must be. */
enum kind { NONE, HELD, NOISY, EXACT };

static enum kind
kind_of(const struct ov_counted_input *in)
{
	const struct ov_release *r = in->release;

	if (!ov_release_has(r->level[in->theirs], OV_LEVEL_COUNTS))
		return NONE;
	if (r->exact)
		return EXACT;
	return in->epsilon_charged > 0 ? NOISY : HELD;
}

/* Charged is the epsilon of a view, and only for one that the partner allowed. */
static bool
is_charge_right(const struct ov_counted_input *in, enum kind kind)
{
	if (kind != NOISY)
		return in->epsilon_charged == 0;
	return in->allowed && in->epsilon_charged == in->release->epsilon_milli;
}

/* --- which cells --- */

static bool
is_next(size_t *at, struct ov_bytes cells, unsigned int own, unsigned int other)
{
	if (cells.len - *at < OV_CELL_ROW || cells.p[*at] != own ||
	    cells.p[*at + 1] != other)
		return false;
	*at += OV_CELL_ROW;
	return true;
}

bool
ov_counted_cells_are_due(const struct ov_counted_input *in, struct ov_bytes cells)
{
	const uint8_t *own = in->release->level[in->mine];
	const uint8_t *theirs = in->release->level[in->theirs];
	enum kind kind = kind_of(in);
	bool drawn = kind == NOISY || kind == EXACT;
	size_t at = 0;

	for (unsigned int x = 1; x <= OV_POPULATIONS_MAX; x++)
		for (unsigned int y = 1; y <= OV_POPULATIONS_MAX; y++)
			if (own[x] != OV_LEVEL_HIDDEN && theirs[y] >= OV_LEVEL_MATCHES &&
			    !is_next(&at, cells, x, y))
				return false;
	for (unsigned int y = 1; y <= OV_POPULATIONS_MAX; y++)
		for (unsigned int x = 1; x <= OV_POPULATIONS_MAX; x++)
			if (drawn && own[x] != OV_LEVEL_HIDDEN &&
			    theirs[y] == OV_LEVEL_COUNTS && !is_next(&at, cells, x, y))
				return false;
	return at == cells.len;
}

/* --- what they say --- */

/* Whether a number is held back, or at least `least` and at most `most`. */
static bool
is_within(uint32_t n, uint64_t least, uint64_t most)
{
	return n == OV_HELD_BACK || (n >= least && n <= most);
}

static bool
is_noisy_right(const struct ov_counted_input *in, const struct ov_cell_row *c)
{
	const struct ov_release *r = in->release;
	/* each of the partner's records once, and the noise of four atoms */
	uint64_t most = (uint64_t)in->their_slots + 4 * OV_NOISE_MAX;

	return c->plus_minus == ov_plus_minus_pairs(r->epsilon_milli) &&
	       c->plus_minus_fit == ov_plus_minus_fits(r->epsilon_milli) &&
	       is_within(c->pairs, r->shown_from, most) &&
	       is_within(c->fit_own, r->shown_from, most) &&
	       is_within(c->fit_other, r->shown_from, most);
}

/* A fit is part of pairs that are shown, and leaves enough of them. */
static bool
is_exact_fit_right(const struct ov_counted_input *in, uint32_t pairs, uint32_t fit)
{
	uint32_t minimum = in->release->minimum_count;

	return fit == OV_HELD_BACK || (pairs != OV_HELD_BACK && fit >= minimum &&
					  fit <= pairs && pairs - fit >= minimum);
}

static bool
is_exact_right(const struct ov_counted_input *in, const struct ov_cell_row *c)
{
	return c->plus_minus == 0 && c->plus_minus_fit == 0 &&
	       is_within(c->pairs, in->release->minimum_count, in->accounts[c->own]) &&
	       is_exact_fit_right(in, c->pairs, c->fit_own) &&
	       is_exact_fit_right(in, c->pairs, c->fit_other);
}

/* small[y]: some number of the partner's population y is held back. */
static bool
is_cell_right(bool small[OV_POPULATIONS_MAX + 1], const struct ov_counted_input *in,
    const struct ov_cell_row *c)
{
	bool fit = in->release->fit[in->theirs];

	if (in->release->exact ? !is_exact_right(in, c) : !is_noisy_right(in, c))
		return false;
	if (!fit && c->fit_other != OV_HELD_BACK)
		return false;
	if (c->pairs == OV_HELD_BACK || c->fit_own == OV_HELD_BACK ||
	    (fit && c->fit_other == OV_HELD_BACK))
		small[c->other] = true;
	return true;
}

/* Cells of what is seen one by one are for verify.h. */
static bool
are_cells_right(bool small[OV_POPULATIONS_MAX + 1], const struct ov_counted_input *in,
    struct ov_bytes cells)
{
	const uint8_t *theirs = in->release->level[in->theirs];
	struct ov_cell_row c;

	for (size_t at = 0; at < cells.len; at += OV_CELL_ROW) {
		ov_cell_unpack(&c, cells.p + at);
		if (theirs[c.other] == OV_LEVEL_COUNTS && !is_cell_right(small, in, &c))
			return false;
	}
	return true;
}

/* --- what is held back --- */

static bool
is_reason_right(const struct ov_counted_input *in, const struct ov_held_row *h)
{
	if (h->population != 0 || h->next > OV_TIME_MAX)
		return false;
	if (h->reason == OV_HELD_BY_PARTNER)
		return !in->allowed && h->next == 0;
	if (h->reason == OV_HELD_NOT_DUE)
		return h->next > 0;
	return h->reason == OV_HELD_BUDGET;
}

/* Each population of which something is missing is named once, and no other. */
static bool
are_small_right(const bool small[OV_POPULATIONS_MAX + 1], struct ov_bytes held)
{
	bool said[OV_POPULATIONS_MAX + 1] = { false };
	struct ov_held_row h;

	for (size_t at = 0; at < held.len; at += OV_HELD_ROW) {
		ov_held_unpack(&h, held.p + at);
		if (h.reason != OV_HELD_SMALL || h.next != 0 ||
		    h.population > OV_POPULATIONS_MAX || said[h.population])
			return false;
		said[h.population] = true;
	}
	for (unsigned int y = 0; y <= OV_POPULATIONS_MAX; y++)
		if (said[y] != small[y])
			return false;
	return true;
}

enum ov_status
ov_counted_verify(const struct ov_counted_input *in, const struct ov_msg_view *view)
{
	enum kind kind = kind_of(in);
	bool small[OV_POPULATIONS_MAX + 1] = { false };
	struct ov_held_row h;
	enum ov_status st = OV_OK;

	OV_REQUIRE(view->held.len % OV_HELD_ROW == 0, OV_E_PROTO_MISBEHAVED);
	OV_REQUIRE(is_charge_right(in, kind), OV_E_PROTO_MISBEHAVED);
	OV_REQUIRE(ov_counted_cells_are_due(in, view->cells), OV_E_PROTO_MISBEHAVED);
	OV_REQUIRE(are_cells_right(small, in, view->cells), OV_E_PROTO_MISBEHAVED);
	if (kind == HELD) {
		OV_REQUIRE(view->held.len == OV_HELD_ROW, OV_E_PROTO_MISBEHAVED);
		ov_held_unpack(&h, view->held.p);
		OV_REQUIRE(is_reason_right(in, &h), OV_E_PROTO_MISBEHAVED);
		goto done;
	}
	OV_REQUIRE(are_small_right(small, view->held), OV_E_PROTO_MISBEHAVED);
done:
	return st;
}
