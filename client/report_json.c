#include "client/json.h"
#include "client/report_print.h"

/* A number of the matrix; null when it is held back. */
static void
put_number(struct ov_json *at, const char *key, uint32_t n)
{
	if (n == OV_HELD_BACK)
		ov_json_null(at, key);
	else
		ov_json_number(at, key, n);
}

static void
put_populations(struct ov_json *doc, const struct ov_report *r)
{
	struct ov_json *list = ov_json_array(doc, "mine"), *p;

	for (size_t i = 0; i < r->n_mine; i++) {
		p = ov_json_object(list, NULL);
		ov_json_number(p, "number", r->mine[i].number);
		ov_json_text(p, "name", r->mine[i].name);
		ov_json_number(p, "accounts", r->mine[i].accounts);
		ov_json_number(p, "matched", r->mine[i].matched);
		ov_json_number(p, "rows", r->mine[i].rows);
	}
	list = ov_json_array(doc, "theirs");
	for (size_t i = 0; i < r->n_theirs; i++) {
		p = ov_json_object(list, NULL);
		ov_json_number(p, "number", r->theirs[i].number);
		ov_json_text(p, "name", r->theirs[i].name);
		ov_json_text(p, "level",
		    r->theirs[i].level == OV_LEVEL_COUNTS ? "counts" : "matches");
	}
}

static void
put_cells(struct ov_json *doc, const struct ov_report *r)
{
	struct ov_json *list = ov_json_array(doc, "cells"), *cell;
	const struct ov_cell_row *c;

	for (size_t i = 0; i < r->n_cells; i++) {
		c = &r->cell[i];
		cell = ov_json_object(list, NULL);
		ov_json_number(cell, "mine", c->own);
		ov_json_number(cell, "theirs", c->other);
		put_number(cell, "pairs", c->pairs);
		put_number(cell, "fits_mine", c->fit_own);
		put_number(cell, "fits_theirs", c->fit_other);
		put_number(cell, "plus_minus", c->plus_minus);
		put_number(cell, "plus_minus_fits", c->plus_minus_fit);
	}
}

static void
put_held(struct ov_json *doc, const struct ov_report *r)
{
	struct ov_json *list = ov_json_array(doc, "held_back"), *o;

	for (size_t i = 0; i < r->n_held; i++) {
		const struct ov_held_row *h = &r->held[i];

		o = ov_json_object(list, NULL);
		ov_json_text(o, "theirs",
		    h->population > 0 ? ov_report_theirs(r, h->population) : NULL);
		ov_json_text(o, "reason", ov_held_name(h->reason));
		ov_json_time(o, "next_view", h->next);
	}
}

static void
put_greenfield(struct ov_json *doc, const struct ov_report_greenfield *g)
{
	struct ov_json *o;

	if (!g->is) {
		ov_json_null(doc, "greenfield");
		return;
	}
	o = ov_json_object(doc, "greenfield");
	ov_json_number(o, "their_accounts", g->size);
	ov_json_number(o, "not_mine", g->accounts);
	ov_json_bool(o, "approximate", true);
	ov_json_bool(o, "at_most", g->at_most);
}

/* Thousandths of epsilon, as the policy has them. */
static void
put_epsilon(struct ov_json *at, const char *key, const struct ov_report_epsilon *e)
{
	struct ov_json *o;

	if (!e->is) {
		ov_json_null(at, key);
		return;
	}
	o = ov_json_object(at, key);
	ov_json_number(o, "epsilon_milli", e->job);
	ov_json_number(o, "epsilon_milli_365_days", e->year);
	ov_json_number(o, "epsilon_milli_365_days_own_count", e->own_year);
	ov_json_number(o, "epsilon_milli_left", e->left);
	ov_json_time(o, "next_view", e->next);
}

static void
put_charges(struct ov_json *doc, const struct ov_report_charges *c)
{
	struct ov_json *at = ov_json_object(doc, "charged");

	ov_json_number(at, "slots", c->slots);
	ov_json_number(at, "slots_own_count", c->own_slots);
	ov_json_number(at, "their_slots", c->their_slots);
	ov_json_number(at, "their_slots_own_count", c->own_their_slots);
	ov_json_number(at, "slots_30_days", c->slots_month);
	ov_json_number(at, "slots_30_days_own_count", c->own_slots_month);
	ov_json_number(at, "their_slots_30_days", c->their_slots_month);
	ov_json_number(at, "their_slots_30_days_own_count", c->own_their_slots_month);
	ov_json_number(at, "runs_30_days", c->runs_month);
	ov_json_number(at, "runs_30_days_own_count", c->own_runs_month);
	ov_json_number(at, "runs_left", c->runs_left);
	ov_json_text(at, "group", c->group[0] != '\0' ? c->group : NULL);
	ov_json_number(at, "group_runs_30_days", c->group_runs_month);
	put_epsilon(at, "my_views", &c->mine);
	put_epsilon(at, "their_views", &c->theirs);
	ov_json_bool(at, "differs", c->differs);
}

static void
put_newer(struct ov_json *doc, const struct ov_report_newer *n)
{
	struct ov_json *at;

	ov_json_bool(doc, "unchanged", n->is && n->state == OV_JOB_UNCHANGED);
	if (!n->is) {
		ov_json_null(doc, "newer_job");
		return;
	}
	at = ov_json_object(doc, "newer_job");
	ov_json_hex(at, "job", n->job, OV_ID);
	ov_json_text(at, "state", ov_job_state_name(n->state));
	ov_json_text(at, "reason", n->reason == OV_OK ? NULL : ov_status_name(n->reason));
	ov_json_time(at, "time", n->time);
}

/* What a list of matches says about the report that it belongs to. */
static void
put_heading(struct ov_json *doc, const struct ov_report *r)
{
	ov_json_hex(doc, "job", r->job, OV_ID);
	ov_json_text(doc, "partner", r->partner_name);
	ov_json_hex(doc, "partner_id", r->partner, OV_ID);
	ov_json_time(doc, "closed", r->closed);
	ov_json_number(doc, "terms", r->terms_sequence);
}

enum ov_status
ov_report_print_json(FILE *out, const struct ov_report *r)
{
	struct ov_json *doc = ov_json_new(), *fits;
	enum ov_status st;

	put_heading(doc, r);
	ov_json_text(doc, "partner_verdict",
	    r->partner_verdict != OV_OK ? ov_status_name(r->partner_verdict) : NULL);
	put_newer(doc, &r->newer);
	put_populations(doc, r);
	put_cells(doc, r);
	put_held(doc, r);
	put_greenfield(doc, &r->greenfield);
	ov_json_number(doc, "matches", r->matches);
	ov_json_number(doc, "wrong", r->wrong);
	ov_json_number(doc, "rows", r->rows);
	fits = ov_json_object(doc, "fits_my_icp");
	ov_json_number(fits, "yes", r->fits[OV_FIT_YES]);
	ov_json_number(fits, "no", r->fits[OV_FIT_NO]);
	ov_json_number(fits, "unknown", r->fits[OV_FIT_UNKNOWN]);
	ov_json_number(fits, "yes_by_their_data_alone", r->fits_by_theirs);
	put_charges(doc, &r->charges);
	st = ov_json_write(out, doc);
	ov_json_free(doc);
	return st != OV_OK ? st : ov_print_flushed(out);
}

/* --- matches, one document at a time: memory does not grow with them --- */

struct writing {
	FILE *out;
	const struct ov_report *r;
	bool any;
};

/* null where the partner evaluated nothing, or has no band for it */
static void
put_their_word(struct ov_json *doc, const struct ov_report *r, uint8_t band)
{
	const char *fit = ov_fit_text((uint8_t)ov_band_fit(band));

	ov_json_text(doc, "fits_by_their_data", band == OV_BAND_NONE ? NULL : fit);
	ov_json_text(doc, "band_by_their_data",
	    band > OV_BAND_YES ? ov_report_band(r, band) : NULL);
}

static enum ov_status
write_match(void *arg, const struct ov_report_match *m)
{
	struct writing *w = arg;
	struct ov_json *doc = ov_json_new();
	enum ov_status st;

	if (w->any)
		fputc(',', w->out);
	w->any = true;
	ov_json_number(doc, "match", m->number);
	ov_json_text(doc, "account_id", m->ids);
	ov_json_text(doc, "name", m->name);
	ov_json_text(doc, "my_population", ov_report_mine(w->r, m->mine));
	ov_json_text(doc, "their_population", ov_report_theirs(w->r, m->theirs));
	ov_json_text(doc, "key", m->kind);
	ov_json_number(doc, "rows", m->rows);
	ov_json_text(doc, "fits_my_icp", ov_fit_text(m->fit));
	ov_json_text(doc, "fits_by_my_data", ov_fit_text(m->own_fit));
	put_their_word(doc, w->r, m->band);
	st = ov_json_write(w->out, doc);
	ov_json_free(doc);
	return st;
}

enum ov_status
ov_matches_print_json(FILE *out, struct ov_db *db, const struct ov_report *r,
    const struct ov_match_filter *filter)
{
	struct writing w = { .out = out, .r = r };
	struct ov_json *doc = ov_json_new();
	enum ov_status st;

	put_heading(doc, r);
	fputs("{\"report\":", out);
	OV_TRY(ov_json_write(out, doc));
	fputs(",\"matches\":[", out);
	OV_TRY(ov_report_matches(db, r, filter, write_match, &w));
	fputs("]}\n", out);
	st = ov_print_flushed(out);
done:
	ov_json_free(doc);
	return st;
}
