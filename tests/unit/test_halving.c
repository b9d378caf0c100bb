/* Attacks on populations that are only counted, by a partner who makes up lists: halving,
 * which finds every member where counts are exact, and the same question again and again
 * about one account.  With the noise and the budget of the default terms they fail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include "common/crypto/hash.h"
#include "proto/budget.h"
#include "server/counts.h"
#include "tests/unit/join_books.h"

#define CANDIDATES 1000
#define MEMBERS 54 /* of the candidates */
#define GROUPS 12  /* own populations: questions in one list */
#define KNOWN 20   /* in each group: certain members, and certain others */
#define SLOTS (CANDIDATES + 2 * GROUPS * KNOWN)
#define LIFT 80 /* certain members beside one account: far from every threshold */
#define YEAR 365

/* The default terms: epsilon 1/3 a view, one in 28 days, 13/3 in a year, shown from 20.
 * Exact: from 10, with a rest of 10. */
static struct ov_release
terms(bool exact)
{
	struct ov_release r = { .epsilon_milli = 333,
		.view_days = 28,
		.year_epsilon_milli = 4333,
		.shown_from = 20,
		.minimum_count = 10,
		.exact = exact,
		.fit = { true, true } };

	for (unsigned int p = 1; p <= GROUPS; p++)
		r.level[0][p] = OV_LEVEL_MATCHES;
	r.level[1][1] = OV_LEVEL_COUNTS;
	return r;
}

/* --- lists --- */

/* The attacker is A, who lists companies by number. */
struct roster {
	struct ov_join_side side;
	uint8_t tag[SLOTS][OV_TAG_LEN];
	uint32_t record[SLOTS];
	uint8_t rank[SLOTS], label[SLOTS], fit[SLOTS];
};

static void
roster_init(struct roster *r, const uint8_t level[OV_POPULATIONS_MAX + 1])
{
	memset(r, 0, sizeof(*r));
	r->side = (struct ov_join_side){ .tag = r->tag[0],
		.record = r->record,
		.rank = r->rank,
		.label = r->label,
		.fit = r->fit,
		.ranks = OV_RANK_BIT(OV_RANK_DOMAIN) };
	memcpy(r->side.level, level, sizeof(r->side.level));
}

static void
list_fit(struct roster *r, uint32_t company, unsigned int population, enum ov_fit own)
{
	size_t i = r->side.n++;

	assert_true(i < SLOTS);
	ov_put32(r->tag[i], company);
	r->record[i] = (uint32_t)i;
	r->rank[i] = OV_RANK_DOMAIN;
	r->label[i] = OV_LABEL(population, 0U);
	r->fit[i] = OV_FIT(own, OV_FIT_UNKNOWN);
}

static void
list(struct roster *r, uint32_t company, unsigned int population)
{
	list_fit(r, company, population, OV_FIT_YES);
}

/* Companies: candidates from 0, certain members and certain others behind them. */
static uint32_t
certain_member(unsigned int group, unsigned int i)
{
	return CANDIDATES + group * KNOWN + i;
}

static uint32_t
certain_other(unsigned int group, unsigned int i)
{
	return 2 * CANDIDATES + group * KNOWN + i;
}

/* --- the broker, night after night --- */

struct world {
	struct ov_release release;
	struct roster b; /* the victim's list */
	bool is_member[CANDIDATES];
	struct ov_noise noise;
	uint32_t noise_block;
	int64_t views[YEAR]; /* times */
	unsigned int n_views, night;
};

/* The same noise every time: what fails here fails again. */
static void
seeded(void *arg, void *out, size_t len)
{
	static const uint8_t key[32] = { 7 };
	struct world *w = arg;

	ov_keystream(out, len, key, w->noise_block);
	w->noise_block += (uint32_t)(len / 64 + 1);
}

static void
world_init(struct world *w, bool exact)
{
	unsigned int left = MEMBERS;

	memset(w, 0, sizeof(*w));
	w->release = terms(exact);
	roster_init(&w->b, w->release.level[1]);
	draw_seed(54);
	while (left > 0) {
		uint32_t c = draw(CANDIDATES);

		if (w->is_member[c])
			continue;
		w->is_member[c] = true;
		list(&w->b, c, 1);
		left--;
	}
	for (unsigned int g = 0; g < GROUPS; g++)
		for (unsigned int i = 0; i < KNOWN; i++)
			list(&w->b, certain_member(g, i), 1);
	ov_noise_init_with(&w->noise, seeded, w);
}

/* What the ledgers allow on this night. */
static struct ov_counts_due
due(const struct world *w)
{
	const unsigned int in_a_year =
	    w->release.year_epsilon_milli / w->release.epsilon_milli;
	struct ov_budget_past past = { 0 };
	struct ov_budget_due d;
	struct ov_counts_due out = { .how = OV_COUNTS_EXACT };

	if (w->release.exact)
		return out;
	if (w->n_views > 0)
		past.last = w->views[w->n_views - 1];
	if (w->n_views >= in_a_year)
		past.full = w->views[w->n_views - in_a_year];
	ov_budget_due(&d, &w->release, &past, (w->night + 1) * OV_BUDGET_DAY, 0);
	out.how = d.due ? OV_COUNTS_NOISY : OV_COUNTS_HELD;
	return out;
}

/* One night's view of A: pairs and fits by own population, OV_HELD_BACK where it is told
 * nothing.  False if no view was due. */
static bool
one_night(struct world *w, const struct roster *a, struct ov_cell_row seen[GROUPS + 1])
{
	static const unsigned int giver[2] = { 0, 1 };
	struct ov_counts_due allowed = due(w);
	struct ov_counts_input in = { .release = &w->release,
		.giver = giver,
		.receiver = OV_JOIN_A,
		.noise = &w->noise };
	struct ov_buf cells = { 0 }, held = { 0 };
	struct ov_join *j;

	w->night++;
	if (allowed.how == OV_COUNTS_HELD)
		return false;
	assert_int_equal(ov_join_new(&j, &a->side, &w->b.side, ov_veto_default), OV_OK);
	in.join = j;
	assert_int_equal(ov_counts_draw(&cells, &held, &in, &allowed), OV_OK);
	for (size_t at = 0; at < cells.len; at += OV_CELL_ROW)
		ov_cell_unpack(&seen[cells.p[at]], cells.p + at);
	if (allowed.how == OV_COUNTS_NOISY)
		w->views[w->n_views++] = w->night * OV_BUDGET_DAY;
	ov_join_free(j);
	ov_buf_free(&cells);
	ov_buf_free(&held);
	return true;
}

/* --- halving --- */

/* Candidates from..to-1 of which `members` are members, as the attacker believes. */
struct range {
	unsigned int from, to, members;
};

struct attack {
	struct range open[CANDIDATES];
	size_t n_open;
	bool found[CANDIDATES];
};

static unsigned int
size_of(struct range r)
{
	return r.to - r.from;
}

static void
conclude(struct attack *x, struct range r)
{
	if (r.members == 0)
		return;
	if (r.members < size_of(r))
		x->open[x->n_open++] = r;
	else
		for (unsigned int c = r.from; c < r.to; c++)
			x->found[c] = true;
}

/* Asks about ranges, one a population, until the broker answers; the certain ones lift
 * each number and its rest above every threshold, and are taken off again.  False when
 * the year is over. */
static bool
ask(unsigned int members[GROUPS], struct world *w, const struct range *about, size_t n)
{
	static struct roster a;
	struct ov_cell_row seen[GROUPS + 1];

	roster_init(&a, w->release.level[0]);
	for (unsigned int g = 0; g < GROUPS; g++)
		for (unsigned int i = 0; i < KNOWN; i++) {
			list(&a, certain_member(g, i), g + 1);
			list(&a, certain_other(g, i), g + 1);
		}
	for (unsigned int g = 0; g < n; g++)
		for (unsigned int c = about[g].from; c < about[g].to; c++)
			list(&a, c, g + 1);
	do {
		if (w->night == YEAR)
			return false;
	} while (!one_night(w, &a, seen));
	for (unsigned int g = 0; g < n; g++) {
		uint32_t pairs = seen[g + 1].pairs;

		members[g] = pairs == OV_HELD_BACK || pairs < KNOWN ? 0 : pairs - KNOWN;
	}
	return true;
}

static unsigned int
between(unsigned int x, unsigned int low, unsigned int high)
{
	return x < low ? low : x > high ? high : x;
}

/* Asks about the left half of up to GROUPS ranges at once. */
static bool
halve(struct attack *x, struct world *w)
{
	struct range whole[GROUPS], left[GROUPS];
	unsigned int members[GROUPS];
	size_t n = 0;

	while (n < GROUPS && x->n_open > 0) {
		struct range r = x->open[--x->n_open];

		whole[n] = r;
		left[n++] = (struct range){ r.from, r.from + size_of(r) / 2, 0 };
	}
	if (!ask(members, w, left, n))
		return false;
	for (size_t i = 0; i < n; i++) {
		struct range r = whole[i], l = left[i];
		unsigned int right = size_of(r) - size_of(l);

		l.members = between(members[i], r.members > right ? r.members - right : 0,
		    r.members < size_of(l) ? r.members : size_of(l));
		conclude(x, l);
		conclude(x, (struct range){ l.to, r.to, r.members - l.members });
	}
	return true;
}

/* The whole of it.  Members found, and others that were taken for members. */
static void
attack(unsigned int *hits, unsigned int *misses, struct world *w)
{
	static struct attack x;
	struct range first[GROUPS];
	unsigned int members[GROUPS];
	bool goes_on;

	memset(&x, 0, sizeof(x));
	for (unsigned int g = 0; g < GROUPS; g++)
		first[g] = (struct range){ g * CANDIDATES / GROUPS,
			(g + 1) * CANDIDATES / GROUPS, 0 };
	goes_on = ask(members, w, first, GROUPS);
	for (unsigned int g = 0; g < GROUPS && goes_on; g++) {
		first[g].members = between(members[g], 0, size_of(first[g]));
		conclude(&x, first[g]);
	}
	while (goes_on && x.n_open > 0)
		goes_on = halve(&x, w);
	*hits = *misses = 0;
	for (unsigned int c = 0; c < CANDIDATES; c++) {
		*hits += x.found[c] && w->is_member[c];
		*misses += x.found[c] && !w->is_member[c];
	}
}

static void
halving_finds_every_member_where_counts_are_exact(void **state)
{
	static struct world w;
	unsigned int hits, misses;

	(void)state;
	world_init(&w, true);
	attack(&hits, &misses, &w);
	assert_int_equal(hits, MEMBERS);
	assert_int_equal(misses, 0);
	assert_in_range(w.night, 10, 60); /* two months of nights */
}

static void
halving_finds_nothing_in_a_year_of_views_with_noise(void **state)
{
	static struct world w;
	unsigned int hits, misses;

	(void)state;
	world_init(&w, false);
	attack(&hits, &misses, &w);
	assert_in_range(w.n_views, 1, 13);
	/* of the candidates 5 in 100 are members; of those that it names, not many more
	 */
	assert_in_range(hits, 0, MEMBERS / 3);
	assert_in_range(misses, 4 * hits, CANDIDATES);
}

/* --- one account, in every view of a year --- */

/* Is company 0 a member?  By the mean of all that a year says of it: of the fits, which
 * have less noise than the pairs. */
static bool
guess(struct world *w)
{
	static struct roster a;
	struct ov_cell_row seen[GROUPS + 1];
	double sum = 0;
	unsigned int n = 0;

	roster_init(&a, w->release.level[0]);
	for (unsigned int i = 0; i < LIFT; i++) {
		list(&a, certain_member(i / KNOWN, i % KNOWN), 1);
		list(&a, certain_other(i / KNOWN, i % KNOWN), 1);
	}
	for (unsigned int i = 0; i < KNOWN; i++) { /* and some that do not fit */
		list_fit(&a, certain_member(LIFT / KNOWN, i), 1, OV_FIT_NO);
		list_fit(&a, certain_other(LIFT / KNOWN, i), 1, OV_FIT_NO);
	}
	list(&a, 0, 1);
	while (w->night < YEAR)
		if (one_night(w, &a, seen) && seen[1].fit_own != OV_HELD_BACK) {
			sum += (double)seen[1].fit_own - LIFT;
			n++;
		}
	return n > 0 && sum / n > 0.5;
}

/* How many of `trials` are guessed right; members in half of them. */
static unsigned int
right_guesses(bool exact, unsigned int trials)
{
	static struct world w;
	unsigned int right = 0;
	uint32_t block = 0;

	for (unsigned int t = 0; t < trials; t++) {
		world_init(&w, exact);
		w.noise_block = block; /* other noise each time */
		ov_put32(w.b.tag[0], t % 2 == 0 ? 0 : 3 * CANDIDATES);
		for (size_t i = 1; i < MEMBERS; i++)
			ov_put32(w.b.tag[i], 3 * CANDIDATES + (uint32_t)i);
		right += guess(&w) == (t % 2 == 0);
		block = w.noise_block;
	}
	return right;
}

static void
a_year_of_views_says_little_of_one_account(void **state)
{
	(void)state;
	assert_in_range(right_guesses(false, 300), 120, 225); /* half is chance */
	assert_int_equal(right_guesses(true, 4), 4);	      /* the control */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(halving_finds_every_member_where_counts_are_exact),
		cmocka_unit_test(halving_finds_nothing_in_a_year_of_views_with_noise),
		cmocka_unit_test(a_year_of_views_says_little_of_one_account),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
