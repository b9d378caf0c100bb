/* Views that are not as they must be, each in one respect, and what their receiver says.
 *
 * A case is the true view with bytes at one place cut out and others put in.  Where a
 * MAC would find the change first, it is made anew with the partner's key: so that the
 * rule that the case is about decides. */
#include <string.h>

#include "proto/slots.h"
#include "tests/vectors/exchange/scene.h"

enum part { ROWS, CELLS, HELD, PARTS };
static const char *const part_names[PARTS] = { "rows", "cells", "held" };

/* A view, and how it is judged. */
struct judged {
	struct scene *s;
	const struct company *c, *other;
	const struct ov_release *release;
	const char *base; /* which view: "matches", or of what is counted */
	bool counted;	  /* what is counted is judged, with these */
	bool allowed;
	uint32_t charged;
	uint64_t matches;
	struct ov_bytes
	    levels; /* of the partner, where they are not those of the terms */
	struct ov_bytes part[PARTS];
	struct ov_json *in, *out;
};

struct edit {
	enum part part;
	size_t at, cut;
	struct ov_bytes put;
};

static void
splice(struct ov_bytes *x, struct ov_buf *out, const struct edit *e)
{
	out->len = 0;
	MUST(e->at <= x->len && e->cut <= x->len - e->at);
	MUST(ov_buf_append(out, x->p, e->at) == OV_OK);
	MUST(ov_buf_append(out, e->put.p, e->put.len) == OV_OK);
	MUST(ov_buf_append(out, x->p + e->at + e->cut, x->len - e->at - e->cut) == OV_OK);
	*x = OV_BUF_BYTES(out);
}

static void
write_edits(struct ov_json *in, const struct edit *e, size_t n)
{
	struct ov_json *list = ov_json_array(in, "edits");

	for (size_t i = 0; i < n; i++) {
		struct ov_json *at = ov_json_object(list, NULL);

		ov_json_text(at, "part", part_names[e[i].part]);
		ov_json_number(at, "at", e[i].at);
		ov_json_number(at, "cut", e[i].cut);
		scene_hex(at, "put", e[i].put);
	}
}

#define EDITS_MAX 2

/* One case: with each edit `cut` bytes at `at` of a part become `put`. */
static void
judge_edits(const struct judged *j, const char *what, const struct edit *e, size_t n)
{
	struct ov_json *in = ov_json_object(j->in, NULL);
	struct ov_buf bytes[EDITS_MAX] = { { 0 } };
	struct ov_bytes now[PARTS];
	struct ov_msg_view view = { .matches = j->matches };
	enum ov_status st;

	MUST(n <= EDITS_MAX);
	memcpy(now, j->part, sizeof(now));
	for (size_t i = 0; i < n; i++)
		splice(&now[e[i].part], &bytes[i], &e[i]);
	view.cells = now[CELLS];
	view.held = now[HELD];
	st = j->counted ? scene_verify_counted(
			      j->s, j->c, j->release, j->allowed, j->charged, &view)
			: scene_verify_matches(j->s, j->c, now[ROWS], &view);

	ov_json_text(in, "what", what);
	ov_json_text(in, "view", j->base);
	if (j->counted) {
		ov_json_number(in, "counts", j->allowed);
		ov_json_number(in, "charged", j->charged);
	} else {
		ov_json_number(in, "matches", j->matches);
	}
	if (j->levels.len > 0)
		scene_hex(in, "levels", j->levels);
	write_edits(in, e, n);
	MUST(st == OV_OK || st == OV_E_PROTO_MISBEHAVED);
	ov_json_text(j->out, NULL, ov_status_name(st));
	for (size_t i = 0; i < n; i++)
		ov_buf_free(&bytes[i]);
}

static void
judge(const struct judged *j, const char *what, enum part part, size_t at, size_t cut,
    struct ov_bytes put)
{
	const struct edit e = { part, at, cut, put };

	judge_edits(j, what, &e, 1);
}

static void
judge_as_it_is(const struct judged *j, const char *what)
{
	judge_edits(j, what, NULL, 0);
}

/* --- matches --- */

static struct ov_match_row
row_of(const struct judged *j, size_t i)
{
	struct ov_match_row r;

	MUST((i + 1) * OV_MATCH_ROW <= j->part[ROWS].len);
	ov_match_unpack(&r, j->part[ROWS].p + i * OV_MATCH_ROW);
	return r;
}

/* Both MACs as the partner would make them. */
static void
prove(const struct judged *j, struct ov_match_row *r)
{
	unsigned int partner = j->c == &j->s->a ? OV_ROLE_B : OV_ROLE_A;

	ov_proof_mac(r->proof, j->s->keys.proof[partner], r->own,
	    j->c->tags + (size_t)OV_TAG_ROW * r->other);
	ov_roster_mac(r->roster, j->s->keys.roster[partner], r->other, r->rank, r->label);
}

/* Row i becomes r. */
static void
judge_row(
    const struct judged *j, const char *what, size_t i, const struct ov_match_row *r)
{
	uint8_t p[OV_MATCH_ROW];

	ov_match_pack(p, r);
	judge(j, what, ROWS, i * OV_MATCH_ROW, OV_MATCH_ROW, OV_BYTES(p, sizeof(p)));
}

static size_t
cell_at(const struct judged *j, uint8_t own, uint8_t other, struct ov_cell_row *c)
{
	for (size_t at = 0; at < j->part[CELLS].len; at += OV_CELL_ROW) {
		ov_cell_unpack(c, j->part[CELLS].p + at);
		if (c->own == own && c->other == other)
			return at;
	}
	MUST(false);
	return 0;
}

/* r comes after the last row, and its cell says so. */
static void
judge_more(
    const struct judged *j, const char *what, const struct ov_match_row *r, uint8_t own)
{
	struct judged more = *j;
	struct ov_cell_row c;
	uint8_t row[OV_MATCH_ROW], cell[OV_CELL_ROW];
	struct edit e[2] = { { ROWS, j->part[ROWS].len, 0, OV_BYTES(row, sizeof(row)) },
		{ CELLS, 0, OV_CELL_ROW, OV_BYTES(cell, sizeof(cell)) } };

	more.matches++;
	e[1].at = cell_at(j, own, OV_LABEL_POPULATION(r->label), &c);
	c.pairs++;
	c.fit_own++; /* such a pair is taken */
	ov_match_pack(row, r);
	ov_cell_pack(cell, &c);
	judge_edits(&more, what, e, 2);
}

/* Another key of a pair that is a match: its positions, with all proofs. */
static struct ov_match_row
second_key(const struct judged *j, const struct ov_match_row *first)
{
	struct ov_match_row r = *first;
	size_t record, other_record;
	uint8_t rank;

	MUST(ov_deck_record(&record, &rank, &j->c->deck, first->own));
	for (r.own = 0; r.own < j->c->slots; r.own++) {
		const uint8_t *tag = j->other->tags + (size_t)OV_TAG_ROW * r.own;

		if (r.own == first->own ||
		    !ov_deck_record(&other_record, &r.rank, &j->c->deck, r.own) ||
		    other_record != record)
			continue;
		for (r.other = 0; r.other < j->other->slots; r.other++)
			if (memcmp(j->c->tags + (size_t)OV_TAG_ROW * r.other, tag,
				OV_TAG_LEN) == 0) {
				prove(j, &r);
				return r;
			}
	}
	r.number = 0;
	return r;
}

/* Of this rank, so that nothing else is wrong with it. */
static uint32_t
padding_position(const struct judged *j, uint8_t wanted)
{
	uint32_t at = 0;
	size_t record;
	uint8_t rank;

	while (ov_deck_record(&record, &rank, &j->c->deck, at) ||
	       j->c->roster[(size_t)OV_ROSTER_ROW * at + 4] != wanted)
		MUST(++at < j->c->slots);
	return at;
}

static void
spoil_positions(const struct judged *j)
{
	struct ov_match_row r = row_of(j, 1), next = row_of(j, 2);

	r.own = j->c->slots;
	judge_row(j, "an own position beyond the list", 1, &r);
	r = row_of(j, 1);
	r.own = padding_position(j, r.rank);
	prove(j, &r);
	judge_row(j, "an own position that is padding", 1, &r);
	r = row_of(j, 1);
	r.other = j->other->slots;
	judge_row(j, "a position beyond the partner's list", 1, &r);
	r = row_of(j, 1);
	r.other = next.other;
	judge_row(j, "the position of another match", 1, &r);
	prove(j, &r);
	judge_row(j, "the position of another match, with its proofs", 1, &r);
	next.number = r.number;
	judge_row(j, "a match twice, under two numbers", 1, &next);
}

static void
spoil_words(const struct judged *j, uint8_t hidden, uint8_t wrong_band)
{
	struct ov_match_row r = row_of(j, 1);

	r.rank = r.rank == OV_RANK_LEI ? OV_RANK_CIK : OV_RANK_LEI;
	prove(j, &r);
	judge_row(j, "a rank that is not the own slot's", 1, &r);
	r = row_of(j, 1);
	r.label = OV_LABEL(hidden, OV_LABEL_BAND(r.label));
	judge_row(j, "another population", 1, &r);
	prove(j, &r);
	judge_row(j, "a population below `matches`", 1, &r);
	r = row_of(j, 1);
	r.label = OV_LABEL(OV_LABEL_POPULATION(r.label), wrong_band);
	prove(j, &r);
	judge_row(j, "a band that the terms do not have", 1, &r);
	r = row_of(j, 1);
	r.proof[OV_MAC_LEN - 1] ^= 1;
	judge_row(j, "one bit of a proof", 1, &r);
	r = row_of(j, 1);
	r.roster[0] ^= 0x80;
	judge_row(j, "one bit of a roster MAC", 1, &r);
}

static const struct ov_list_record *
own_record(const struct judged *j, const struct ov_match_row *r)
{
	size_t record;
	uint8_t rank;

	MUST(ov_deck_record(&record, &rank, &j->c->deck, r->own));
	return &j->c->list.records[record];
}

static uint8_t
own_population(const struct judged *j, const struct ov_match_row *r)
{
	return OV_LABEL_POPULATION(own_record(j, r)->label);
}

/* By the own word, which decides. */
static bool
fits_own(const struct judged *j, const struct ov_match_row *r)
{
	return OV_FIT_OWN(own_record(j, r)->fit) == OV_FIT_YES;
}

/* What is not at `matches` stands in no cell either. */
static void
spoil_level(const struct judged *j, uint8_t population)
{
	struct ov_match_row r = row_of(j, 1);
	struct ov_cell_row c;
	uint8_t row[OV_MATCH_ROW], cell[OV_CELL_ROW];
	struct edit e[2] = { { ROWS, OV_MATCH_ROW, OV_MATCH_ROW,
				 OV_BYTES(row, sizeof(row)) },
		{ CELLS, 0, OV_CELL_ROW, OV_BYTES(cell, sizeof(cell)) } };

	e[1].at = cell_at(j, own_population(j, &r), OV_LABEL_POPULATION(r.label), &c);
	c.pairs--;
	c.fit_own -= fits_own(j, &r);
	ov_cell_pack(cell, &c);
	r.label = OV_LABEL(population, OV_LABEL_BAND(r.label));
	prove(j, &r);
	ov_match_pack(row, &r);
	judge_edits(j, "a population below `matches`, and not counted", e, 2);
}

/* Who has no word of its own goes by the band. */
static void
change_bands(const struct judged *j)
{
	size_t i = 0;

	while (
	    OV_FIT_OWN(
		own_record(j, &(struct ov_match_row){ .own = row_of(j, i).own })->fit) !=
	    OV_FIT_UNKNOWN)
		MUST(++i < j->matches);
	for (uint8_t band = 0; band < 16; band++) {
		struct ov_match_row r = row_of(j, i);

		r.label = OV_LABEL(OV_LABEL_POPULATION(r.label), band);
		prove(j, &r);
		judge_row(j, "another band of who has no word of its own", i, &r);
	}
}

static void
spoil_numbers(const struct judged *j)
{
	struct ov_match_row r = row_of(j, 1), second;

	r.number = row_of(j, 0).number;
	judge_row(j, "a number twice", 1, &r);
	r.number--;
	judge_row(j, "a number that does not ascend", 1, &r);
	for (size_t i = 0; i < j->matches; i++) {
		r = row_of(j, i);
		second = second_key(j, &r);
		if (second.number == 0 || !fits_own(j, &r))
			continue;
		judge_row(j, "another key of a pair that is a match", i, &second);
		second.number = OV_U32;
		judge_more(j, "one match by two keys, and counted so", &second,
		    own_population(j, &r));
		return;
	}
	MUST(false); /* the lists have such a pair */
}

/* --- cells --- */

static void
judge_cell(
    const struct judged *j, const char *what, size_t at, const struct ov_cell_row *c)
{
	uint8_t p[OV_CELL_ROW];

	ov_cell_pack(p, c);
	judge(j, what, CELLS, at, OV_CELL_ROW, OV_BYTES(p, sizeof(p)));
}

/* A cell more, behind all others, of nothing. */
static void
judge_cell_more(const struct judged *j, const char *what, uint8_t own, uint8_t other)
{
	const struct ov_cell_row c = { own, other, OV_HELD_BACK, OV_HELD_BACK,
		OV_HELD_BACK, 0, 0 };
	uint8_t p[OV_CELL_ROW];

	ov_cell_pack(p, &c);
	judge(j, what, CELLS, j->part[CELLS].len, 0, OV_BYTES(p, sizeof(p)));
}

/* One field of a cell becomes this. */
#define JUDGE_CELL(j, what, own, other, field, value)                                    \
	do {                                                                             \
		struct ov_cell_row cell;                                                 \
		size_t place = cell_at((j), (own), (other), &cell);                      \
		cell.field = (value);                                                    \
		judge_cell((j), (what), place, &cell);                                   \
	} while (0)

/* What is wrong with any cell. */
static void
spoil_cells(const struct judged *j, uint8_t own, uint8_t other)
{
	struct ov_cell_row c;
	size_t at = cell_at(j, own, other, &c);

	judge(j, "a cell is missing", CELLS, at, OV_CELL_ROW, OV_BYTES(NULL, 0));
	judge(j, "a cell twice", CELLS, at, 0,
	    OV_BYTES(j->part[CELLS].p + at, OV_CELL_ROW));
	judge(j, "part of a cell", CELLS, at, 1, OV_BYTES(NULL, 0));
	judge_cell_more(j, "a cell of no own population", 0, other);
	judge_cell_more(j, "a cell of no population of the partner", own, 16);
	JUDGE_CELL(j, "pairs in doubt", own, other, plus_minus, c.plus_minus + 1);
	JUDGE_CELL(j, "fits in doubt", own, other, plus_minus_fit, c.plus_minus_fit + 1);
}

static void
spoil_matches(const struct judged *j, uint8_t own, uint8_t other)
{
	const struct judged *as_said = j;
	struct judged fewer = *j;
	size_t last = (size_t)(j->matches - 1) * OV_MATCH_ROW;
	struct ov_cell_row c;

	(void)cell_at(j, own, other, &c);
	judge(as_said, "a match is missing", ROWS, last, OV_MATCH_ROW, OV_BYTES(NULL, 0));
	fewer.matches--;
	judge(&fewer, "a match is missing, and not counted", ROWS, last, OV_MATCH_ROW,
	    OV_BYTES(NULL, 0));
	judge_as_it_is(&fewer, "too few matches are said");
	JUDGE_CELL(j, "a pair more than matches", own, other, pairs, c.pairs + 1);
	JUDGE_CELL(j, "a fit more than matches", own, other, fit_own, c.fit_own + 1);
	JUDGE_CELL(j, "a fit held back", own, other, fit_own, OV_HELD_BACK);
}

/* In which order the cells are says nothing. */
static void
spoil_order(const struct judged *j)
{
	struct ov_bytes all = j->part[CELLS];
	struct edit e[2] = { { CELLS, 0, OV_CELL_ROW, OV_BYTES(NULL, 0) },
		{ CELLS, 0, 0, OV_BYTES(all.p, OV_CELL_ROW) } };

	e[1].at = OV_CELL_ROW;
	judge_edits(j, "two cells in each other's place", e, 2);
	e[1].at = all.len - OV_CELL_ROW;
	judge_edits(j, "the first cell behind all others", e, 2);
}

/* --- what is counted --- */

static void
judge_held(const struct judged *j, const char *what, uint8_t population, uint8_t reason,
    uint64_t next)
{
	uint8_t p[OV_HELD_ROW];

	ov_held_pack(p, &(struct ov_held_row){ population, reason, next });
	judge(j, what, HELD, 0, j->part[HELD].len, OV_BYTES(p, sizeof(p)));
}

/* The first row says what is small. */
static void
spoil_held(const struct judged *j)
{
	uint8_t small = j->part[HELD].p[0];

	judge(j, "what is held back has no reason", HELD, 0, OV_HELD_ROW,
	    OV_BYTES(NULL, 0));
	judge(j, "a reason twice", HELD, 0, 0, OV_BYTES(j->part[HELD].p, OV_HELD_ROW));
	judge(j, "part of a reason", HELD, 0, 1, OV_BYTES(NULL, 0));
	judge_held(j, "a reason for nothing", small + 1, OV_HELD_SMALL, 0);
	judge_held(j, "another reason", small, OV_HELD_BUDGET, 0);
	judge_held(j, "small, but not for ever", small, OV_HELD_SMALL, 1800086400);
}

static void
exact_counts(struct judged j, uint8_t own, uint8_t other, uint8_t hidden)
{
	struct ov_cell_row c;

	j.base = "exact";
	j.counted = true;
	(void)cell_at(&j, own, other, &c);
	judge_as_it_is(&j, "exact counts as they are");
	j.charged = 669;
	judge_as_it_is(&j, "exact counts that were charged");
	j.allowed = true;
	judge_as_it_is(&j, "exact counts that were charged, and said so");
	j.allowed = false;
	j.charged = 0;
	spoil_cells(&j, own, other);
	judge_cell_more(&j, "a hidden population of the own", 5, other);
	judge_cell_more(&j, "a hidden population of the partner", own, hidden);
	JUDGE_CELL(
	    &j, "fits of pairs that are held back", own, other, pairs, OV_HELD_BACK);
	JUDGE_CELL(&j, "a fit of the partner's ICP", own, other, fit_other, 1);
	JUDGE_CELL(&j, "pairs below the minimum", own, other, pairs, 0);
	JUDGE_CELL(&j, "more pairs than own records", own, other, pairs, 100);
	JUDGE_CELL(&j, "a fit below the minimum", own, other, fit_own, 0);
	JUDGE_CELL(&j, "a fit that leaves too few", own, other, fit_own, c.pairs);
}

/* Every number is shown that may be; then one of this population is not. */
static void
nothing_held(const struct judged *j, uint8_t population)
{
	const bool granted = j->release->fit[j->other == j->s->low ? 0 : 1];
	const struct edit reasons = { HELD, 0, j->part[HELD].len, OV_BYTES(NULL, 0) };
	struct ov_buf all = { 0 };
	struct edit e[2] = { { CELLS, 0, j->part[CELLS].len, OV_BYTES(NULL, 0) },
		reasons };
	struct ov_cell_row c;
	size_t last = 0;

	MUST(ov_buf_append(&all, j->part[CELLS].p, j->part[CELLS].len) == OV_OK);
	for (size_t at = 0; at < all.len; at += OV_CELL_ROW) {
		ov_cell_unpack(&c, all.p + at);
		if (c.plus_minus == 0)
			continue;
		c.pairs = c.fit_own = 7;
		c.fit_other = granted ? 7 : OV_HELD_BACK;
		ov_cell_pack(all.p + at, &c);
		last = c.other == population ? at : last;
	}
	e[0].put = OV_BUF_BYTES(&all);
	judge_edits(j, "nothing is held back", e, 2);
	ov_cell_unpack(&c, all.p + last);
	for (int field = 0; field < 3; field++) {
		struct ov_cell_row held = c;

		held.pairs = field == 0 ? OV_HELD_BACK : c.pairs;
		held.fit_own = field == 1 ? OV_HELD_BACK : c.fit_own;
		held.fit_other = field == 2 ? OV_HELD_BACK : c.fit_other;
		ov_cell_pack(all.p + last, &held);
		judge_edits(j, "one number is held back for no reason", e, 2);
	}
	ov_buf_free(&all);
}

/* Rows of what is small, in the other order. */
static void
swap_reasons(const struct judged *j)
{
	const struct ov_bytes held = j->part[HELD];
	struct edit e[2] = { { HELD, 0, OV_HELD_ROW, OV_BYTES(NULL, 0) },
		{ HELD, held.len - OV_HELD_ROW, 0, OV_BYTES(held.p, OV_HELD_ROW) } };

	if (held.len > OV_HELD_ROW)
		judge_edits(j, "reasons in another order", e, 2);
}

static void
noisy_counts(struct judged j, uint8_t own, uint8_t other)
{
	const uint32_t most = j.other->slots + 20000000;

	j.base = "noisy";
	j.counted = true;
	j.allowed = true;
	j.charged = 669;
	j.part[CELLS] = OV_BUF_BYTES(&j.c->noisy_cells);
	j.part[HELD] = OV_BUF_BYTES(&j.c->noisy_held);
	judge_as_it_is(&j, "counts with noise as they are");
	j.charged = 333;
	judge_as_it_is(&j, "another charge");
	j.charged = 0;
	judge_as_it_is(&j, "a view that was not charged");
	j.charged = 669;
	j.allowed = false;
	judge_as_it_is(&j, "a view that the partner did not allow");
	j.allowed = true;
	judge(&j, "a cell of no match is missing", CELLS, 0, OV_CELL_ROW,
	    OV_BYTES(NULL, 0));
	spoil_cells(&j, own, other);
	spoil_held(&j);
	swap_reasons(&j);
	JUDGE_CELL(&j, "pairs below what is shown", own, other, pairs, 2);
	JUDGE_CELL(&j, "a fit below what is shown", own, other, fit_own, 2);
	JUDGE_CELL(&j, "a fit of the partner's ICP", own, other, fit_other, 7);
	JUDGE_CELL(&j, "other pairs: nobody can tell", own, other, pairs, 12);
	nothing_held(&j, other);
	JUDGE_CELL(&j, "as many as noise can make", own, other, pairs, most);
	JUDGE_CELL(&j, "more than noise can make", own, other, pairs, most + 1);
}

/* The partner's first population is hidden, so nothing is counted. */
static void
nothing_counted(struct judged j, uint64_t date)
{
	struct ov_release r = *j.release;
	uint8_t *levels = r.level[j.other == j.s->low ? 0 : 1];

	levels[1] = OV_LEVEL_HIDDEN;
	j.release = &r;
	j.levels = OV_BYTES(levels + 1, j.other->book->n_populations);
	judge_as_it_is(&j, "nothing is counted");
	judge_held(&j, "a reason where nothing is counted", 0, OV_HELD_NOT_DUE, date);
}

/* A view of counts that was not drawn. */
static void
held_counts(struct judged j)
{
	const uint64_t date = 1800086400;
	struct ov_bytes all = OV_BUF_BYTES(&j.c->noisy_cells), cell = all;
	struct ov_cell_row c = { 0 };

	j.base = "none";
	j.counted = true;
	j.allowed = true;
	j.part[CELLS] = all;
	j.part[HELD] = OV_BYTES(NULL, 0);
	for (size_t at = 0; at < all.len && c.plus_minus == 0; at += OV_CELL_ROW) {
		ov_cell_unpack(&c, all.p + at);
		j.part[CELLS].len = at;
	}
	cell = OV_BYTES(all.p + j.part[CELLS].len, OV_CELL_ROW); /* the first counted */
	judge_as_it_is(&j, "nothing, and no reason");
	judge_held(&j, "the days are not over", 0, OV_HELD_NOT_DUE, date);
	judge_held(&j, "the days are never over", 0, OV_HELD_NOT_DUE, 0);
	judge_held(&j, "the epsilon is spent", 0, OV_HELD_BUDGET, date);
	judge_held(&j, "there is no epsilon", 0, OV_HELD_BUDGET, 0);
	judge_held(&j, "the first second of all", 0, OV_HELD_NOT_DUE, 1);
	judge_held(&j, "the last date", 0, OV_HELD_NOT_DUE, OV_TIME_MAX);
	judge_held(&j, "a date beyond all", 0, OV_HELD_NOT_DUE, OV_TIME_MAX + 1);
	judge_held(&j, "the last date of a year", 0, OV_HELD_BUDGET, OV_TIME_MAX);
	judge_held(&j, "a date beyond all years", 0, OV_HELD_BUDGET, OV_TIME_MAX + 1);
	judge_held(&j, "one population alone", 1, OV_HELD_NOT_DUE, date);
	judge_held(&j, "small, of a view that is not there", 0, OV_HELD_SMALL, 0);
	judge_held(&j, "a reason that is none", 0, OV_HELD_BY_PARTNER + 1, 0);
	judge_held(&j, "the partner did not allow it, but did", 0, OV_HELD_BY_PARTNER, 0);
	j.allowed = false;
	judge_held(&j, "the partner did not allow it", 0, OV_HELD_BY_PARTNER, 0);
	judge_held(&j, "the partner does not say when", 0, OV_HELD_BY_PARTNER, date);
	judge(
	    &j, "a cell of a view that is not there", CELLS, j.part[CELLS].len, 0, cell);
	nothing_counted(j, date);
}

/* --- verdicts.json --- */

static struct judged
begin(struct scene *s, struct scene_file *f, const char *key, const struct company *c)
{
	static struct ov_msg_view view; /* its fields are borrowed from c->view */
	struct judged j = {
		.s = s, .c = c, .other = c == &s->a ? &s->b : &s->a, .base = "matches"
	};

	MUST(ov_msg_decode(&view, OV_MSG_VIEW, OV_BUF_BYTES(&c->view)) == OV_OK);
	j.matches = view.matches;
	j.part[ROWS] = OV_BUF_BYTES(&c->rows);
	j.part[CELLS] = view.cells;
	j.part[HELD] = view.held;
	j.in = ov_json_array(f->in, key);
	j.out = ov_json_array(f->out, key);
	return j;
}

static void
judge_view_of_a(struct scene *s, struct scene_file *f, const struct ov_release *exact,
    const struct ov_release *noisy)
{
	struct judged j = begin(s, f, "a", &s->a);

	judge_as_it_is(&j, "as it is");
	spoil_positions(&j);
	spoil_words(&j, 1, OV_BAND_YES + OV_BANDS_MAX + 1);
	spoil_words(&j, 0, OV_BAND_NONE);
	spoil_words(&j, 6, OV_BAND_YES + OV_BANDS_MAX);
	spoil_level(&j, 1);
	spoil_level(&j, 0);
	spoil_level(&j, 15);
	change_bands(&j);
	spoil_numbers(&j);
	spoil_cells(&j, 1, 2);
	spoil_order(&j);
	judge_cell_more(&j, "a hidden population of the own", 5, 2);
	spoil_matches(&j, 1, 2);
	JUDGE_CELL(&j, "a fit that is not granted", 1, 2, fit_other, 0);
	j.release = exact;
	exact_counts(j, 1, 1, 3);
	j.release = noisy;
	noisy_counts(j, 2, 1);
	held_counts(j);
}

static void
judge_view_of_b(struct scene *s, struct scene_file *f, const struct ov_release *exact,
    const struct ov_release *noisy)
{
	struct judged j = begin(s, f, "b", &s->b);
	struct ov_cell_row c;

	judge_as_it_is(&j, "as it is");
	spoil_words(&j, 2, OV_BAND_YES);
	spoil_words(&j, 5, OV_BAND_UNKNOWN);
	(void)cell_at(&j, 2, 1, &c);
	JUDGE_CELL(
	    &j, "another fit: only the partner can tell", 2, 1, fit_other, c.pairs);
	JUDGE_CELL(&j, "a fit of more than there are", 2, 1, fit_other, c.pairs + 1);
	j.release = exact;
	exact_counts(j, 2, 2, 5);
	j.release = noisy;
	noisy_counts(j, 2, 2);
}

void
scene_verdicts(struct scene *s)
{
	struct ov_release exact, noisy;
	struct scene_file f = scene_open(
	    "Views that are not as they must be, and what their receiver says "
	    "(PROTOCOL.md "
	    "7.22, 7.22.1).  Judged are matches with their cells, or what is said of "
	    "counted populations: exact, `noisy` (counts.json), or `none` at all.  Edits "
	    "are made one after the other: `cut` bytes at `at` of one part become `put`. "
	    " "
	    "`matches` is what VIEW says, `counts` what the partner said, `charged` what "
	    "REPORT says, `levels` the partner's, where they are others.");

	MUST(ov_release_decode(&exact, OV_BUF_BYTES(&s->release)) == OV_OK);
	scene_noisy_release(&noisy, s);
	judge_view_of_a(s, &f, &exact, &noisy);
	judge_view_of_b(s, &f, &exact, &noisy);
	scene_close(s, "verdicts", &f);
}
