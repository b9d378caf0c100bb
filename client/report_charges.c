/* What a report says of counts beyond its cells: what was held back, what was charged,
 * and how much of that this home counted itself. */
#include <string.h>

#include "client/report_impl.h"
#include "proto/codec.h"
#include "proto/keys.h"

/* --- what is not shown --- */

static enum ov_status
load_held(struct ov_report *r, struct ov_db *db)
{
	struct ov_db_stmt *q = NULL;
	bool row;
	enum ov_status st;

	OV_TRY(ov_db_query(&q, db,
	    "SELECT population, reason, next FROM job_held WHERE job = ?"
	    " ORDER BY population",
	    OV_DB_BLOB(r->job, OV_ID)));
	for (;;) {
		OV_TRY(ov_db_step(q, &row));
		if (!row)
			break;
		OV_REQUIRE(r->n_held < OV_POPULATIONS_MAX, OV_E_DB_FAILED);
		r->held[r->n_held++] = (struct ov_held_row){ (uint8_t)ov_db_i64(q, 0),
			(uint8_t)ov_db_i64(q, 1), (uint64_t)ov_db_i64(q, 2) };
	}
done:
	ov_db_finish(q);
	return st;
}

/* The terms that the job ran under, if this home still has them. */
static enum ov_status
load_terms(struct ov_report *r, struct ov_db *db)
{
	struct ov_msg_terms_body body;
	struct ov_db_stmt *q = NULL;
	uint8_t low[OV_ID];
	int64_t theirs;
	enum ov_status st;

	OV_TRY(ov_db_query(&q, db,
	    "SELECT body, release FROM terms WHERE company = ? AND sequence = ?",
	    OV_DB_BLOB(r->partner, OV_ID), OV_DB_I64(r->terms_sequence)));
	OV_TRY(ov_db_step(q, &r->has_terms));
	if (!r->has_terms)
		goto done;
	OV_TRY(ov_msg_decode(&body, OV_MSG_TERMS_BODY, ov_db_blob(q, 0)));
	ov_company_id(low, body.low);
	/* the partner may have been another company when these were signed */
	OV_TRY(ov_db_number(&theirs, db,
	    "SELECT ?1 = ?2 OR EXISTS (SELECT 1 FROM partner_past WHERE company = ?2"
	    " AND was = ?1)",
	    OV_DB_BLOB(low, OV_ID), OV_DB_BLOB(r->partner, OV_ID)));
	r->my_row = theirs != 0 ? 1 : 0;
	OV_TRY(ov_release_decode(&r->release, ov_db_blob(q, 1)));
done:
	ov_db_finish(q);
	return st;
}

/* What matches is each match, and the pairs of what is counted where they are shown. */
static enum ov_status
load_greenfield(struct ov_report *r, struct ov_db *db)
{
	struct ov_report_greenfield *g = &r->greenfield;
	uint64_t matched = r->matches;
	const struct ov_cell_row *c;
	int64_t size;
	enum ov_status st;

	OV_TRY(ov_db_number(&size, db, "SELECT other_size FROM job WHERE id = ?",
	    OV_DB_BLOB(r->job, OV_ID)));
	g->size = (uint64_t)size;
	g->is = size > 0;
	for (size_t i = 0; i < r->n_theirs; i++) {
		if (r->theirs[i].level != OV_LEVEL_COUNTS)
			continue;
		for (size_t k = 0; k < r->n_mine; k++) {
			c = ov_report_cell(r, r->mine[k].number, r->theirs[i].number);
			if (c == NULL || c->pairs == OV_HELD_BACK)
				g->at_most = true;
			else
				matched += c->pairs;
		}
	}
	g->accounts = g->size > matched ? g->size - matched : 0;
done:
	return st;
}

enum ov_status
ov_report_load_counts(struct ov_report *r, struct ov_db *db)
{
	enum ov_status st;

	OV_TRY(load_held(r, db));
	OV_TRY(load_terms(r, db));
	OV_TRY(load_greenfield(r, db));
done:
	return st;
}

/* --- charges --- */

static enum ov_status
load_said(struct ov_charges *said, uint64_t *created, const struct ov_report *r,
    struct ov_db *db)
{
	struct ov_msg_report report;
	struct ov_db_stmt *q = NULL;
	bool row = false;
	enum ov_status st;

	OV_TRY(ov_db_query(&q, db, "SELECT body FROM job_step WHERE job = ? AND step = ?",
	    OV_DB_BLOB(r->job, OV_ID), OV_DB_I64(OV_STEP_REPORT)));
	OV_TRY(ov_db_step(q, &row));
	OV_REQUIRE(row, OV_E_DB_FAILED);
	OV_TRY(ov_msg_decode(&report, OV_MSG_REPORT, ov_db_blob(q, 0)));
	OV_REQUIRE(report.charges.len == OV_CHARGES_LEN, OV_E_DB_FAILED);
	ov_charges_unpack(said, report.charges.p);
	*created = report.created;
done:
	ov_db_finish(q);
	return st;
}

/* This home's own ledger as it was when the broker wrote its report: at the later of that
 * and of the job's own charge.  A charge that is about 30 or 365 days old counts here and
 * not there, or the other way round, since clocks differ and both charge at their own
 * time: so also as it was an hour before and after. */
struct own {
	int64_t at;
	struct ov_ledger now, before, after;
};

static enum ov_status
load_own(struct own *o, const struct ov_report *r, struct ov_db *db, uint64_t created)
{
	struct ov_ledger_query q = { .partner = r->partner,
		.epsilon = r->release.epsilon_milli,
		.year_epsilon = r->release.year_epsilon_milli };
	enum ov_status st;

	OV_TRY(ov_db_number(&q.until, db,
	    "SELECT coalesce((SELECT time FROM charge WHERE job = ?), 0)",
	    OV_DB_BLOB(r->job, OV_ID)));
	if (q.until < (int64_t)created)
		q.until = (int64_t)created;
	q.now = o->at = q.until;
	OV_TRY(ov_ledger_read(&o->now, db, &q));
	q.now = o->at - OV_BUDGET_SLACK;
	OV_TRY(ov_ledger_read(&o->before, db, &q));
	q.now = o->at + OV_BUDGET_SLACK;
	OV_TRY(ov_ledger_read(&o->after, db, &q));
done:
	return st;
}

/* The slots of the job itself, by this home's charge; those of the broker where there is
 * none. */
static enum ov_status
load_job_slots(struct ov_report_charges *c, const struct ov_report *r, struct ov_db *db)
{
	struct ov_db_stmt *q = NULL;
	bool row;
	enum ov_status st;

	c->own_slots = c->slots;
	c->own_their_slots = c->their_slots;
	OV_TRY(ov_db_query(&q, db, "SELECT slots, other_slots FROM charge WHERE job = ?",
	    OV_DB_BLOB(r->job, OV_ID)));
	OV_TRY(ov_db_step(q, &row));
	if (row) {
		c->own_slots = (uint64_t)ov_db_i64(q, 0);
		c->own_their_slots = (uint64_t)ov_db_i64(q, 1);
	}
done:
	ov_db_finish(q);
	return st;
}

static uint64_t
larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* The broker's number where this home's may be the same, else this home's. */
static uint64_t
own_count(uint64_t broker, uint64_t now, uint64_t before, uint64_t after)
{
	return broker >= after && broker <= before ? broker : now;
}
#define OWN(o, broker, field)                                                            \
	own_count((broker), (o)->now.partner.field, (o)->before.partner.field,           \
	    (o)->after.partner.field)

/* Views of one direction: in, mine of the partner. */
static void
set_epsilon(struct ov_report_epsilon *e, const struct ov_report *r,
    const struct ov_view_charge *said, const struct own *o, bool in)
{
	const struct ov_ledger *l = &o->now;
	unsigned int giver = in ? 1 - r->my_row : r->my_row;
	uint64_t year = r->release.year_epsilon_milli, spent;
	struct ov_budget_due due;

	e->is = r->has_terms && !r->release.exact &&
		ov_release_has(r->release.level[giver], OV_LEVEL_COUNTS);
	e->job = said->epsilon_milli;
	e->year = said->epsilon_milli_year;
	e->own_year = (uint32_t)(in ? OWN(o, e->year, epsilon_in_year)
				    : OWN(o, e->year, epsilon_out_year));
	spent = in ? l->together.epsilon_in_year : l->together.epsilon_out_year;
	spent = larger(spent, e->year);
	e->left = (uint32_t)(year > spent ? year - spent : 0);
	ov_ledger_due(&due, l, &r->release, o->at, in);
	if (due.next > 0 && said->next > 0)
		e->next = larger(due.next, said->next);
}

static bool
differs(const struct ov_report_charges *c)
{
	return c->slots != c->own_slots || c->their_slots != c->own_their_slots ||
	       c->runs_month != c->own_runs_month ||
	       c->slots_month != c->own_slots_month ||
	       c->their_slots_month != c->own_their_slots_month ||
	       (c->mine.is && c->mine.year != c->mine.own_year) ||
	       (c->theirs.is && c->theirs.year != c->theirs.own_year);
}

enum ov_status
ov_report_load_charges(struct ov_report *r, struct ov_db *db)
{
	struct ov_report_charges *c = &r->charges;
	struct ov_charges said;
	struct own own;
	const struct ov_ledger *l = &own.now;
	uint64_t created = 0;
	enum ov_status st;

	OV_TRY(load_said(&said, &created, r, db));
	OV_TRY(load_own(&own, r, db, created));
	c->slots = said.slots[r->role];
	c->their_slots = said.slots[1 - r->role];
	OV_TRY(load_job_slots(c, r, db));
	c->slots_month = said.slots_month[r->role];
	c->their_slots_month = said.slots_month[1 - r->role];
	c->runs_month = said.runs_month;
	c->runs_left = said.runs_left;
	c->own_runs_month = (uint32_t)OWN(&own, c->runs_month, runs_month);
	c->own_slots_month = OWN(&own, c->slots_month, slots_month);
	c->own_their_slots_month = OWN(&own, c->their_slots_month, their_slots_month);
	memcpy(c->group, l->group, sizeof(c->group));
	c->group_runs_month = l->together.runs_month;
	if (r->has_terms && l->together.runs_month < r->release.runs) {
		uint32_t left = r->release.runs - l->together.runs_month;

		c->runs_left = left < c->runs_left ? left : c->runs_left;
	} else if (r->has_terms) {
		c->runs_left = 0;
	}
	set_epsilon(&c->mine, r, &said.view[r->role], &own, true);
	set_epsilon(&c->theirs, r, &said.view[1 - r->role], &own, false);
	c->differs = differs(c);
done:
	return st;
}
