#include "client/giving.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum ov_status
ov_sheet_of_policy(struct ov_buf *out, const struct ov_policy *p)
{
	struct ov_msg_grants g = { .version = OV_PROTOCOL_VERSION,
		.fit = p->share_icp_fit,
		.reciprocal = p->reciprocal,
		.name_only = p->name_only_keys,
		.duns_veto = p->duns_must_agree,
		.slots = p->slots,
		.minimum_list = p->minimum_list,
		.runs = p->runs_per_30_days,
		.epsilon_milli = p->epsilon_milli,
		.view_days = p->view_days,
		.year_epsilon_milli = p->year_epsilon_milli,
		.minimum_count = p->minimum_count,
		.exact = p->exact,
		.size = p->size,
		.icp = OV_BYTES(p->icp, p->icp_len),
		.shown_from = p->shown_from };
	struct ov_population granted[OV_POPULATIONS_MAX];
	struct ov_buf packed = { 0 }, columns = { 0 };
	size_t n = 0;
	enum ov_status st = OV_OK;

	for (size_t i = 0; i < p->n_populations; i++)
		if (p->population[i].level != OV_LEVEL_HIDDEN)
			granted[n++] = p->population[i];
	OV_REQUIRE(n > 0 && p->runs_per_30_days > 0, OV_E_POLICY_REFUSED);
	OV_TRY(ov_populations_pack(&packed, granted, n));
	OV_TRY(ov_shared_columns_pack(&columns, &p->icp_columns));
	g.populations = OV_BUF_BYTES(&packed);
	g.icp_columns = OV_BUF_BYTES(&columns);
	OV_TRY(ov_msg_encode(out, OV_MSG_GRANTS, &g));
done:
	ov_buf_free(&packed);
	ov_buf_free(&columns);
	return st;
}

enum ov_status
ov_giving_of(struct ov_giving *out, struct ov_bytes giver, struct ov_bytes other)
{
	static const uint8_t nobody[32];
	struct ov_terms_input in = { .low = nobody,
		.high = nobody,
		.grants_low = giver,
		.grants_high = other.len > 0 ? other : giver };
	struct ov_buf terms = { 0 }, release = { 0 };
	struct ov_msg_terms_body body;
	struct ov_msg_grants g;
	struct ov_release r;
	enum ov_status st;

	memset(out, 0, sizeof(*out));
	OV_TRY(ov_msg_decode(&g, OV_MSG_GRANTS, giver));
	OV_TRY(ov_populations_unpack(out->population, &out->n, g.populations));
	in.sequence = 1;
	OV_TRY(ov_terms_derive(&terms, &release, &body, &in));
	OV_TRY(ov_release_decode(&r, OV_BUF_BYTES(&release)));
	for (size_t i = 0; i < out->n; i++) {
		out->population[i].level = (enum ov_level)r.level[0][i + 1];
		out->counts |= out->population[i].level == OV_LEVEL_COUNTS;
	}
	out->fit = r.fit[0];
	out->size = (uint32_t)g.size;
	out->bands = other.len > 0 && r.bands[0];
	out->exact = r.exact;
	/* needs both, and the most is given where the other does not want it */
	out->duns_veto = other.len > 0 && r.veto[OV_RANK_DUNS] != 0;
	out->ranks = r.ranks;
	out->slots = r.slots;
	out->minimum_list = r.minimum_list;
	out->runs = r.runs;
	out->epsilon_milli = r.epsilon_milli;
	out->view_days = r.view_days;
	out->year_epsilon_milli = r.year_epsilon_milli;
	out->shown_from = r.shown_from;
	out->minimum_count = r.minimum_count;
done:
	ov_buf_free(&terms);
	ov_buf_free(&release);
	return st;
}

/* --- differences --- */

struct walk {
	void (*visit)(void *arg, const struct ov_giving_change *c);
	void *arg;
};

static void
tell(const struct walk *w, const char *key, const char *words, const char *from,
    const char *to, bool more)
{
	struct ov_giving_change c = { key, words, from, to, more };

	w->visit(w->arg, &c);
}

static enum ov_level
level_of(const struct ov_giving *g, const char *name)
{
	for (size_t i = 0; i < g->n; i++)
		if (strcmp(g->population[i].name, name) == 0)
			return g->population[i].level;
	return OV_LEVEL_HIDDEN;
}

static void
compare_population(const struct walk *w, const struct ov_giving *then,
    const struct ov_giving *now, const char *name)
{
	enum ov_level from = level_of(then, name), to = level_of(now, name);

	if (from != to)
		tell(w, name, name, ov_level_name(from), ov_level_name(to), to > from);
}

static void
compare_populations(
    const struct walk *w, const struct ov_giving *then, const struct ov_giving *now)
{
	for (size_t i = 0; i < now->n; i++)
		compare_population(w, then, now, now->population[i].name);
	for (size_t i = 0; i < then->n; i++) { /* those that are no longer named */
		const char *name = then->population[i].name;
		bool named = false;

		for (size_t k = 0; k < now->n; k++)
			named |= strcmp(now->population[k].name, name) == 0;
		if (!named)
			compare_population(w, then, now, name);
	}
}

static void
compare_bool(const struct walk *w, const char *key, const char *words, bool from, bool to)
{
	if (from != to)
		tell(w, key, words, from ? "yes" : "no", to ? "yes" : "no", to);
}

enum direction { RISES, FALLS }; /* which of them is more */

static void
compare_number(const struct walk *w, const char *key, const char *words, uint32_t from,
    uint32_t to, enum direction more)
{
	char a[16], b[16];

	if (from == to)
		return;
	snprintf(a, sizeof(a), "%" PRIu32, from);
	snprintf(b, sizeof(b), "%" PRIu32, to);
	tell(w, key, words, a, b, (to > from) == (more == RISES));
}

static void
compare_epsilon(
    const struct walk *w, const char *key, const char *words, uint32_t from, uint32_t to)
{
	char a[24], b[24];

	if (from == to)
		return;
	snprintf(a, sizeof(a), "%" PRIu32 ".%03" PRIu32, from / 1000, from % 1000);
	snprintf(b, sizeof(b), "%" PRIu32 ".%03" PRIu32, to / 1000, to % 1000);
	tell(w, key, words, a, b, to > from);
}

/* A size that was not told comes to be told, or to be told more exactly. */
static void
compare_size(const struct walk *w, uint32_t from, uint32_t to)
{
	char a[16], b[16];

	if (from == to)
		return;
	snprintf(a, sizeof(a), "%" PRIu32, from);
	snprintf(b, sizeof(b), "%" PRIu32, to);
	tell(w, "size", "size of the list, rounded to", from > 0 ? a : "not told",
	    to > 0 ? b : "not told", to > 0 && (from == 0 || to < from));
}

/* What becomes of counts; no matter while there are none. */
static void
compare_counts(
    const struct walk *w, const struct ov_giving *then, const struct ov_giving *now)
{
	if (!then->counts || !now->counts)
		return;
	compare_bool(w, "exact", "counts without noise", then->exact, now->exact);
	if (then->exact && now->exact)
		compare_number(w, "minimum_count", "least exact number",
		    then->minimum_count, now->minimum_count, FALLS);
	if (then->exact || now->exact)
		return;
	compare_epsilon(
	    w, "epsilon", "epsilon of a view", then->epsilon_milli, now->epsilon_milli);
	compare_number(
	    w, "view_days", "days between views", then->view_days, now->view_days, FALLS);
	compare_epsilon(w, "year_epsilon", "epsilon in 365 days",
	    then->year_epsilon_milli, now->year_epsilon_milli);
	compare_number(w, "shown_from", "least number shown", then->shown_from,
	    now->shown_from, FALLS);
}

void
ov_giving_compare(const struct ov_giving *then, const struct ov_giving *now,
    void (*visit)(void *arg, const struct ov_giving_change *c), void *arg)
{
	const struct walk w = { visit, arg };

	compare_populations(&w, then, now);
	compare_bool(
	    &w, "icp_fit", "how many fit the giver's profile", then->fit, now->fit);
	compare_bool(
	    &w, "icp", "the other's criteria are evaluated", then->bands, now->bands);
	compare_size(&w, then->size, now->size);
	compare_counts(&w, then, now);
	compare_bool(&w, "name_only_keys", "names without a country match",
	    (then->ranks & OV_RANK_BIT(OV_RANK_NAME)) != 0,
	    (now->ranks & OV_RANK_BIT(OV_RANK_NAME)) != 0);
	if (then->duns_veto != now->duns_veto)
		tell(&w, "duns_must_agree", "DUNS numbers that differ forbid a match",
		    then->duns_veto ? "yes" : "no", now->duns_veto ? "yes" : "no",
		    then->duns_veto);
	compare_number(&w, "slots", "keys in a list", then->slots, now->slots, RISES);
	compare_number(&w, "minimum_list", "keys that a list has at least",
	    then->minimum_list, now->minimum_list, FALLS);
	compare_number(
	    &w, "runs_per_30_days", "runs in 30 days", then->runs, now->runs, RISES);
}

static void
note_more(void *arg, const struct ov_giving_change *c)
{
	*(bool *)arg |= c->more;
}

bool
ov_giving_is_more(const struct ov_giving *then, const struct ov_giving *now)
{
	bool more = false;

	ov_giving_compare(then, now, note_more, &more);
	return more;
}
