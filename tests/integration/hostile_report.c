/* hostile_report.c - false reports, made with all that a broker has: both rosters, all
 * tags with their MACs, its report key, its log.  What is said is consistent in itself
 * (digests, signature, leaf, cells), so that only the check that a lie is about finds it.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/crypto/sign.h"
#include "hostile_broker.h"
#include "proto/chunk.h"
#include "proto/rank.h"
#include "proto/slots.h"
#include "server/jobs.h"
#include "server/streams.h"

#define CELLS_MAX 225

/* A stream as the broker has it, its rows one after the other. */
struct rows {
	uint8_t *p;
	size_t len;
};

/* A view and its report while they are changed. */
struct forgery {
	uint8_t job[OV_ID];
	enum ov_role role, other;
	struct rows roster[2], tags[2]; /* by who sent them */
	struct ov_buf chunk0;		/* the honest one; view borrows from it */
	struct ov_msg_view view;
	struct ov_cell_row cells[CELLS_MAX + 1]; /* a lie may be one more */
	size_t n_cells;
	struct ov_held_row held[OV_POPULATIONS_MAX];
	size_t n_held;
	struct ov_match_row *rows;
	size_t n;
	struct ov_msg_report report;
	uint8_t completes[6 * OV_DIGEST];
	struct ov_charges charges;
	bool short_rows, wrong_key, wrong_digest;
};

/* --- what the broker knows --- */

static enum ov_status
take_rows(void *arg, struct ov_bytes chunk)
{
	struct rows *r = arg;

	r->p = realloc(r->p, r->len + chunk.len);
	MUST(r->p != NULL);
	memcpy(r->p + r->len, chunk.p, chunk.len);
	r->len += chunk.len;
	return OV_OK;
}

static bool
read_stream(
    struct rows *r, const struct scene *s, const struct forgery *f, unsigned int stream)
{
	return ov_stream_read(s->b->store, f->job, stream, take_rows, r) == OV_OK;
}

static enum ov_status
take_view(void *arg, struct ov_bytes chunk)
{
	struct forgery *f = arg;

	if (f->chunk0.len == 0) {
		MUST(ov_buf_append(&f->chunk0, chunk.p, chunk.len) == OV_OK);
		MUST(ov_msg_decode(&f->view, OV_MSG_VIEW, OV_BUF_BYTES(&f->chunk0)) ==
		     OV_OK);
		for (size_t at = 0; at < f->view.cells.len; at += OV_CELL_ROW)
			ov_cell_unpack(&f->cells[f->n_cells++], f->view.cells.p + at);
		for (size_t at = 0; at < f->view.held.len; at += OV_HELD_ROW)
			ov_held_unpack(&f->held[f->n_held++], f->view.held.p + at);
		f->rows = calloc(f->view.matches + 1, sizeof(f->rows[0]));
		MUST(f->rows != NULL);
		return OV_OK;
	}
	for (size_t at = 0; at < chunk.len; at += OV_MATCH_ROW)
		ov_match_unpack(&f->rows[f->n++], chunk.p + at);
	return OV_OK;
}

static void
forgery_fini(struct forgery *f)
{
	for (unsigned int r = 0; r < 2; r++) {
		free(f->roster[r].p);
		free(f->tags[r].p);
	}
	free(f->rows);
	ov_buf_free(&f->chunk0);
}

/* False if the job has ended meanwhile, and its streams with it. */
static bool
forgery_init(
    struct forgery *f, const struct scene *s, const uint8_t job[OV_ID], enum ov_role role)
{
	bool all = true;

	*f = (struct forgery){ .role = role, .other = 1 - role };
	memcpy(f->job, job, OV_ID);
	for (unsigned int r = 0; r < 2 && all; r++)
		all = read_stream(&f->roster[r], s, f, OV_STREAM_ROSTER_A + r) &&
		      read_stream(&f->tags[r], s, f, OV_STREAM_TAGS_A + r);
	all = all && ov_stream_read(s->b->store, job,
			 ov_stream_of(OV_STREAM_VIEW_A, role), take_view, f) == OV_OK;
	MUST(!all || (f->n >= 2 && f->n < OV_CHUNK_SLOTS));
	if (!all)
		forgery_fini(f);
	return all;
}

static struct ov_roster_row
slot(const struct forgery *f, enum ov_role role, uint32_t position)
{
	struct ov_roster_row row;

	ov_roster_unpack(&row, f->roster[role].p + (size_t)position * OV_ROSTER_ROW);
	return row;
}

/* A row that says: own is other, with the MACs that the broker has for these two. */
static void
say_pair(const struct forgery *f, struct ov_match_row *m, uint32_t own, uint32_t other)
{
	struct ov_roster_row theirs = slot(f, f->other, other);

	m->own = own;
	m->other = other;
	m->rank = slot(f, f->role, own).rank;
	m->label = theirs.label;
	memcpy(m->roster, theirs.mac, OV_MAC_LEN);
	memcpy(m->proof, f->tags[f->other].p + (size_t)own * OV_TAG_ROW + OV_TAG_LEN,
	    OV_MAC_LEN);
}

/* The cells with a match more (+1) or less (-1). */
static void
count(struct forgery *f, const struct ov_match_row *m, int change)
{
	struct ov_roster_row own = slot(f, f->role, m->own);
	struct ov_roster_row other = slot(f, f->other, m->other);
	unsigned int fit = OV_FIT_OWN(own.fit);
	struct ov_cell_row *c = f->cells;

	while (c->own != OV_LABEL_POPULATION(own.label) ||
	       c->other != OV_LABEL_POPULATION(m->label))
		MUST(++c < f->cells + f->n_cells);
	if (fit == OV_FIT_UNKNOWN)
		fit = OV_FIT_OTHER(other.fit);
	c->pairs = (uint32_t)((int)c->pairs + change);
	if (fit == OV_FIT_YES)
		c->fit_own = (uint32_t)((int)c->fit_own + change);
}

/* A cell with pairs. */
static struct ov_cell_row *
some_cell(struct forgery *f)
{
	struct ov_cell_row *c = f->cells;

	while (c->pairs == 0)
		MUST(++c < f->cells + f->n_cells);
	return c;
}

/* --- lies about matches: f->rows[0] is the victim --- */

static void
drop(struct forgery *f)
{
	count(f, &f->rows[0], -1);
	memmove(&f->rows[0], &f->rows[1], --f->n * sizeof(f->rows[0]));
}

static bool
is_matched(const struct forgery *f, uint32_t own, uint32_t other)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->rows[i].own == own || f->rows[i].other == other)
			return true;
	return false;
}

/* One of the partner's positions that no match names, of this rank. */
static bool
free_position(uint32_t *at, const struct forgery *f, uint8_t rank_wanted)
{
	size_t n = f->roster[f->other].len / OV_ROSTER_ROW;

	for (*at = 0; *at < n; ++*at)
		if (slot(f, f->other, *at).rank == rank_wanted &&
		    !is_matched(f, UINT32_MAX, *at))
			return true;
	return false;
}

/* One match more, of slots that have none. */
static void
invent(struct forgery *f)
{
	struct ov_match_row *m = &f->rows[f->n];
	uint32_t own = 0, other;

	while (is_matched(f, own, UINT32_MAX) ||
	       !free_position(&other, f, slot(f, f->role, own).rank))
		MUST(++own < f->roster[f->role].len / OV_ROSTER_ROW);
	say_pair(f, m, own, other);
	m->number = f->rows[f->n - 1].number + 1;
	count(f, m, 1);
	f->n++;
}

/* The receiver's account, which is matched, with another account of the partner. */
static void
move(struct forgery *f)
{
	struct ov_match_row *m = f->rows;
	uint32_t other;

	while (!free_position(&other, f, m->rank))
		MUST(++m < f->rows + f->n);
	count(f, m, -1);
	say_pair(f, m, m->own, other);
	count(f, m, 1);
}

/* Two true matches of one rank, each with the other's account of the partner. */
static void
cross(struct forgery *f)
{
	struct ov_match_row *x = f->rows, *y = x + 1, *end = f->rows + f->n;
	uint32_t other;

	while (y->rank != x->rank)
		if (++y == end) {
			MUST(++x + 1 < end);
			y = x + 1;
		}
	other = x->other;
	count(f, x, -1);
	count(f, y, -1);
	say_pair(f, x, x->own, y->other);
	say_pair(f, y, y->own, other);
	count(f, x, 1);
	count(f, y, 1);
}

static void
swap_proofs(struct forgery *f)
{
	uint8_t proof[OV_MAC_LEN];

	memcpy(proof, f->rows[0].proof, OV_MAC_LEN);
	memcpy(f->rows[0].proof, f->rows[1].proof, OV_MAC_LEN);
	memcpy(f->rows[1].proof, proof, OV_MAC_LEN);
}

/* Another population of the partner that the receiver may see. */
static void
relabel(struct forgery *f)
{
	struct ov_match_row *m = &f->rows[0];
	const struct ov_cell_row *c = f->cells;

	while (c->other == OV_LABEL_POPULATION(m->label))
		MUST(++c < f->cells + f->n_cells);
	count(f, m, -1);
	m->label = OV_LABEL(c->other, OV_LABEL_BAND(m->label));
	count(f, m, 1);
}

static void
band(struct forgery *f)
{
	f->rows[0].label ^= 0x10;
}

static void
rank(struct forgery *f)
{
	f->rows[0].rank =
	    f->rows[0].rank == OV_RANK_DOMAIN ? OV_RANK_NAME_COUNTRY : OV_RANK_DOMAIN;
}

static void
proof(struct forgery *f)
{
	f->rows[0].proof[7] ^= 1;
}

static void
roster(struct forgery *f)
{
	f->rows[0].roster[7] ^= 1;
}

static void
twice(struct forgery *f)
{
	f->rows[f->n] = f->rows[0];
	f->rows[f->n].number = f->rows[f->n - 1].number + 1;
	count(f, &f->rows[0], 1);
	f->n++;
}

static const uint8_t *
tag(const struct forgery *f, enum ov_role role, uint32_t position)
{
	return f->tags[1 - role].p + (size_t)position * OV_TAG_ROW;
}

/* Another pair of slots, equal in truth, of two records that are a match already. */
static bool
other_key(
    uint32_t *own, uint32_t *other, const struct forgery *f, const struct ov_match_row *m)
{
	uint32_t n = (uint32_t)(f->roster[f->role].len / OV_ROSTER_ROW);
	uint32_t k = (uint32_t)(f->roster[f->other].len / OV_ROSTER_ROW);
	uint32_t record = slot(f, f->role, m->own).record;

	for (*own = 0; *own < n; ++*own) {
		if (*own == m->own || slot(f, f->role, *own).record != record)
			continue;
		for (*other = 0; *other < k; ++*other)
			if (memcmp(tag(f, f->role, *own), tag(f, f->other, *other),
				OV_TAG_LEN) == 0)
				return true;
	}
	return false;
}

/* A true match counted twice, by two keys that the two accounts share. */
static void
two_keys(struct forgery *f)
{
	struct ov_match_row *m = &f->rows[f->n];
	uint32_t own, other;
	size_t i = 0;

	while (!other_key(&own, &other, f, &f->rows[i]))
		MUST(++i < f->n);
	say_pair(f, m, own, other);
	m->number = f->rows[f->n - 1].number + 1;
	count(f, m, 1);
	f->n++;
}

static void
number(struct forgery *f)
{
	f->rows[1].number = f->rows[0].number;
}

static void
beyond(struct forgery *f)
{
	f->rows[0].other = (uint32_t)(f->roster[f->other].len / OV_ROSTER_ROW);
}

/* --- lies about numbers --- */

static void
cell(struct forgery *f)
{
	some_cell(f)->pairs++;
}

static void
no_cell(struct forgery *f)
{
	*some_cell(f) = f->cells[--f->n_cells];
}

static void
cell_twice(struct forgery *f)
{
	f->cells[f->n_cells++] = *some_cell(f);
}

static bool
is_of_cell(const struct forgery *f, const struct ov_match_row *m, struct ov_cell_row c)
{
	return c.own == OV_LABEL_POPULATION(slot(f, f->role, m->own).label) &&
	       c.other == OV_LABEL_POPULATION(m->label);
}

/* All matches of a cell are dropped, and then the cell: no number misses it. */
static void
no_zero(struct forgery *f)
{
	struct ov_cell_row first = f->cells[0];
	size_t kept = 0;

	for (size_t i = 0; i < f->n; i++)
		if (!is_of_cell(f, &f->rows[i], first))
			f->rows[kept++] = f->rows[i];
	MUST(kept < f->n);
	f->n = kept;
	memmove(f->cells, f->cells + 1, --f->n_cells * sizeof(first));
}

/* A cell more, of a population of the receiver that is not in the terms. */
static void
hidden(struct forgery *f)
{
	struct ov_cell_row *last = &f->cells[f->n_cells - 1];

	last[1] = (struct ov_cell_row){ .own = 15, .other = last->other };
	f->n_cells++;
}

/* A cell more, of a population that the partner hides. */
static void
hidden_other(struct forgery *f)
{
	hidden(f);
	f->cells[f->n_cells - 1].own = f->cells[0].own;
	f->cells[f->n_cells - 1].other = 15;
}

/* In another order, which could say something. */
static void
moved(struct forgery *f)
{
	struct ov_cell_row first = f->cells[0];

	f->cells[0] = f->cells[1];
	f->cells[1] = first;
}

/* A number held back for no reason. */
static void
held_fit(struct forgery *f)
{
	some_cell(f)->fit_own = OV_HELD_BACK;
}

/* The same of the fit of the partner's ICP, which the terms show. */
static void
held_given(struct forgery *f)
{
	some_cell(f)->fit_other = OV_HELD_BACK;
}

static void
noise(struct forgery *f)
{
	some_cell(f)->plus_minus = 1;
}

static void
own_fit(struct forgery *f)
{
	struct ov_cell_row *c = some_cell(f);

	c->fit_own = c->pairs + 1;
}

static void
given_fit(struct forgery *f)
{
	struct ov_cell_row *c = some_cell(f);

	c->fit_other = c->pairs + 1;
}

static void
other_fit(struct forgery *f)
{
	struct ov_cell_row *c = some_cell(f);

	c->fit_other = c->fit_other == c->pairs ? c->pairs - 1 : c->pairs;
}

static void
fewer_rows(struct forgery *f)
{
	f->short_rows = true;
}

/* --- lies about what is only counted --- */

/* Number i of the counted cells, in a view of noise. */
static struct ov_cell_row *
counted(struct forgery *f, size_t i)
{
	struct ov_cell_row *c = f->cells;

	for (; c->plus_minus == 0 || i-- > 0; c++)
		MUST(c < f->cells + f->n_cells);
	return c;
}

static struct ov_view_charge *
charge(struct forgery *f)
{
	return &f->charges.view[f->role];
}

/* Every counted number is shown, so that nothing has to be held back. */
static void
show_all(struct forgery *f)
{
	for (size_t i = 0; i < f->n_cells; i++)
		if (f->cells[i].plus_minus > 0)
			f->cells[i].pairs = f->cells[i].fit_own = f->cells[i].fit_other =
			    50;
	f->n_held = 0;
}

static void
count_number(struct forgery *f)
{
	show_all(f);
}

static void
count_small(struct forgery *f)
{
	show_all(f);
	counted(f, 0)->pairs = 19;
}

static void
count_sure(struct forgery *f)
{
	show_all(f);
	counted(f, 1)->plus_minus_fit = 0;
}

static void
count_surer(struct forgery *f)
{
	show_all(f);
	counted(f, 1)->plus_minus--;
}

static void
count_no_cell(struct forgery *f)
{
	show_all(f);
	f->n_cells--;
}

static void
count_hidden(struct forgery *f)
{
	show_all(f);
	f->cells[f->n_cells] = f->cells[f->n_cells - 1];
	f->cells[f->n_cells++].other = 4;
}

static void
count_silent(struct forgery *f)
{
	show_all(f);
	counted(f, 0)->fit_own = OV_HELD_BACK;
}

static void
count_reason(struct forgery *f)
{
	show_all(f);
	f->held[f->n_held++] =
	    (struct ov_held_row){ counted(f, 0)->other, OV_HELD_SMALL, 0 };
}

static void
count_uncharged(struct forgery *f)
{
	charge(f)->epsilon_milli = 0;
}

static void
count_dearer(struct forgery *f)
{
	charge(f)->epsilon_milli++;
}

/* A view that was charged is kept back. */
static void
count_withheld(struct forgery *f)
{
	f->n_cells = (size_t)(counted(f, 0) - f->cells);
	f->held[0] = (struct ov_held_row){ 0, OV_HELD_NOT_DUE, f->report.created };
	f->n_held = 1;
}

/* The same, and the charge denied. */
static void
count_denied(struct forgery *f)
{
	count_withheld(f);
	charge(f)->epsilon_milli = charge(f)->epsilon_milli_year = 0;
}

/* A view that the giver did not allow is drawn and charged all the same: of populations 1
 * and 2, which test_lies.py has at `counts`. */
static void
count_drawn(struct forgery *f)
{
	MUST(f->n_held == 1 && charge(f)->epsilon_milli == 0);
	for (uint8_t y = 1; y <= 2; y++)
		for (uint8_t x = 1; x <= 3; x++)
			f->cells[f->n_cells++] =
			    (struct ov_cell_row){ x, y, 50, 50, 50, 17, 12 };
	f->n_held = 0;
	charge(f)->epsilon_milli = 333;
}

/* --- lies about charges --- */

static void
charge_left(struct forgery *f)
{
	f->charges.runs_left += 1000000;
}

static void
charge_runs(struct forgery *f)
{
	f->charges.runs_month -= 1;
}

static void
charge_slots(struct forgery *f)
{
	f->charges.slots[f->role] /= 2;
}

static void
charge_theirs(struct forgery *f)
{
	f->charges.slots[f->other] *= 2;
}

static void
charge_month(struct forgery *f)
{
	f->charges.slots_month[f->other] += 1024;
}

/* --- lies about whose view and report it is --- */

static void
view_of_other(struct forgery *f)
{
	f->view.receiver = (uint64_t)f->other;
}

static void
view_of_job(struct forgery *f)
{
	f->view.job[0] ^= 1;
}

static void
digest(struct forgery *f)
{
	f->wrong_digest = true;
}

static void
transcript(struct forgery *f)
{
	f->report.th[0] ^= 1;
}

static void
report_of_job(struct forgery *f)
{
	f->report.job[0] ^= 1;
}

static void
other_completes(struct forgery *f)
{
	f->completes[4 * OV_DIGEST] ^= 1; /* of A's TAGS */
}

static void
wrong_key(struct forgery *f)
{
	f->wrong_key = true;
}

static const struct {
	const char *name;
	void (*change)(struct forgery *f);
} lies[] = {
	{ "drop", drop },
	{ "invent", invent },
	{ "move", move },
	{ "cross", cross },
	{ "swap-proofs", swap_proofs },
	{ "relabel", relabel },
	{ "band", band },
	{ "rank", rank },
	{ "proof", proof },
	{ "roster", roster },
	{ "twice", twice },
	{ "two-keys", two_keys },
	{ "number", number },
	{ "beyond", beyond },
	{ "cell", cell },
	{ "no-cell", no_cell },
	{ "cell-twice", cell_twice },
	{ "no-zero", no_zero },
	{ "hidden", hidden },
	{ "hidden-other", hidden_other },
	{ "moved", moved },
	{ "held-fit", held_fit },
	{ "held-given", held_given },
	{ "noise", noise },
	{ "own-fit", own_fit },
	{ "given-fit", given_fit },
	{ "other-fit", other_fit },
	{ "count-number", count_number },
	{ "count-small", count_small },
	{ "count-sure", count_sure },
	{ "count-surer", count_surer },
	{ "count-no-cell", count_no_cell },
	{ "count-hidden", count_hidden },
	{ "count-silent", count_silent },
	{ "count-reason", count_reason },
	{ "count-uncharged", count_uncharged },
	{ "count-dearer", count_dearer },
	{ "count-withheld", count_withheld },
	{ "count-denied", count_denied },
	{ "count-drawn", count_drawn },
	{ "charge-left", charge_left },
	{ "charge-runs", charge_runs },
	{ "charge-slots", charge_slots },
	{ "charge-theirs", charge_theirs },
	{ "charge-month", charge_month },
	{ "fewer-rows", fewer_rows },
	{ "view-of-other", view_of_other },
	{ "view-of-job", view_of_job },
	{ "digest", digest },
	{ "transcript", transcript },
	{ "report-of-job", report_of_job },
	{ "completes", other_completes },
	{ "key", wrong_key },
};

static void
change(struct forgery *f, const char *how)
{
	size_t i = 0;

	while (strcmp(lies[i].name, how) != 0)
		MUST(++i < sizeof(lies) / sizeof(lies[0]));
	lies[i].change(f);
}

/* --- telling --- */

/* The chunks of the view that was told last, by receiver. */
static struct {
	pthread_mutex_t mx;
	uint8_t job[2][OV_ID];
	struct ov_buf chunk[2][2];
} told = { .mx = PTHREAD_MUTEX_INITIALIZER };

static void
pack_head(struct ov_buf *out, struct forgery *f)
{
	uint8_t cells[(CELLS_MAX + 1) * OV_CELL_ROW];
	uint8_t held[OV_POPULATIONS_MAX * OV_HELD_ROW];

	for (size_t i = 0; i < f->n_cells; i++)
		ov_cell_pack(cells + i * OV_CELL_ROW, &f->cells[i]);
	for (size_t i = 0; i < f->n_held; i++)
		ov_held_pack(held + i * OV_HELD_ROW, &f->held[i]);
	f->view.cells = OV_BYTES(cells, f->n_cells * OV_CELL_ROW);
	f->view.held = OV_BYTES(held, f->n_held * OV_HELD_ROW);
	f->view.matches = f->n;
	MUST(ov_msg_encode(out, OV_MSG_VIEW, &f->view) == OV_OK);
}

static void
pack_rows(struct ov_buf *out, const struct forgery *f)
{
	uint8_t row[OV_MATCH_ROW];

	for (size_t i = 0; i < f->n - (f->short_rows ? 1 : 0); i++) {
		ov_match_pack(row, &f->rows[i]);
		MUST(ov_buf_append(out, row, sizeof(row)) == OV_OK);
	}
}

/* Keeps the view for GET_CHUNK; its digest. */
static void
tell_view(uint8_t out[OV_DIGEST], struct forgery *f)
{
	struct ov_buf *chunk = told.chunk[f->role];
	struct ov_hash h;

	ov_stream_digest_init(&h, (uint8_t)ov_stream_of(OV_STREAM_VIEW_A, f->role));
	pthread_mutex_lock(&told.mx);
	memcpy(told.job[f->role], f->job, OV_ID);
	chunk[0].len = chunk[1].len = 0;
	pack_head(&chunk[0], f);
	pack_rows(&chunk[1], f);
	for (unsigned int i = 0; i < 2; i++)
		ov_hash_lv(&h, chunk[i].p, chunk[i].len);
	pthread_mutex_unlock(&told.mx);
	ov_hash_final(&h, out);
}

static void
tell_report(const struct scene *s, struct forgery *f)
{
	struct ov_msg_step step = { .step = OV_STEP_REPORT };
	struct ov_proven proven;
	struct ov_buf body = { 0 };

	MUST(ov_msg_encode(&body, OV_MSG_REPORT, &f->report) == OV_OK);
	ov_sign(step.signature, f->wrong_key ? s->b->log_sk : s->b->report_sk, "report",
	    OV_BUF_BYTES(&body));
	scene_prove(&proven, s, OV_LEAF_RELEASED, OV_BUF_BYTES(&body), step.signature);
	OV_LOG_PROVEN_INTO(&step, &proven);
	step.body = OV_BUF_BYTES(&body);
	scene_say(s, OV_MSG_STEP, &step);
	ov_buf_free(&body);
}

static void
forge_report(const struct scene *s, const struct ov_msg_step *honest)
{
	uint8_t charges[OV_CHARGES_LEN];
	struct forgery f;
	enum ov_role role;
	uint8_t *digest_of;

	MUST(scene_role(&role, s, s->q->get_step.job));
	if (!forgery_init(&f, s, s->q->get_step.job, role))
		return;
	MUST(ov_msg_decode(&f.report, OV_MSG_REPORT, honest->body) == OV_OK);
	memcpy(f.completes, f.report.completes.p, sizeof(f.completes));
	f.report.completes = OV_BYTES(f.completes, sizeof(f.completes));
	ov_charges_unpack(&f.charges, f.report.charges.p);
	change(&f, s->how);
	ov_charges_pack(charges, &f.charges);
	f.report.charges = OV_BYTES(charges, sizeof(charges));
	digest_of = role == OV_ROLE_A ? f.report.view_a : f.report.view_b;
	tell_view(digest_of, &f);
	digest_of[0] ^= f.wrong_digest ? 1 : 0;
	tell_report(s, &f);
	forgery_fini(&f);
}

/* The company's view, if the question is for one. */
static bool
asks_for_view(enum ov_role *role, const struct scene *s)
{
	const struct ov_msg_get_chunk *q = &s->q->get_chunk;

	return s->asked == OV_MSG_GET_CHUNK && scene_role(role, s, q->job) &&
	       q->stream == ov_stream_of(OV_STREAM_VIEW_A, *role);
}

static void
tell_chunk(const struct scene *s, enum ov_role role)
{
	uint64_t index = s->q->get_chunk.index;
	struct ov_msg_chunk m = { .last = index == 1 };
	struct ov_buf copy = { 0 };

	pthread_mutex_lock(&told.mx);
	if (memcmp(told.job[role], s->q->get_chunk.job, OV_ID) == 0 && index < 2)
		MUST(ov_buf_append(&copy, told.chunk[role][index].p,
			 told.chunk[role][index].len) == OV_OK);
	pthread_mutex_unlock(&told.mx);
	m.body = OV_BUF_BYTES(&copy);
	if (copy.len > 0)
		scene_say(s, OV_MSG_CHUNK, &m);
	ov_buf_free(&copy);
}

/* REPORT and the view that goes with it. */
void
lie_in_report(const struct scene *s)
{
	union ov_msg_any m;
	enum ov_role role;

	if (s->asked == OV_MSG_GET_STEP && s->q->get_step.step == OV_STEP_REPORT &&
	    scene_reply(&m, s, OV_MSG_STEP))
		forge_report(s, &m.step);
	else if (asks_for_view(&role, s))
		tell_chunk(s, role);
}

/* The honest REPORT, and a view that is not of it. */
void
lie_with_other_view(const struct scene *s)
{
	uint8_t ignored[OV_DIGEST];
	struct forgery f;
	enum ov_role role;

	if (!asks_for_view(&role, s))
		return;
	if (s->q->get_chunk.index == 0 &&
	    forgery_init(&f, s, s->q->get_chunk.job, role)) {
		change(&f, s->how);
		tell_view(ignored, &f);
		forgery_fini(&f);
	}
	tell_chunk(s, role);
}
