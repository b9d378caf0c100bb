/* ledger.h - what this company was charged for its jobs, by its own count: runs, slots
 * asked, epsilon of views of counts; of one partner, and of a group of partners that a
 * person thinks of as one (companies of one house, or who may talk).
 *
 * "out" is what a partner may learn of this company, "in" what this company learns of it.
 * Rows are keyed by the partner's company id and keep the group that it was in: they stay
 * when a partnership ends, and count again when the same company is paired anew.  Nothing
 * is ever given back.
 */
#ifndef OV_CLIENT_LEDGER_H
#define OV_CLIENT_LEDGER_H

#include "common/db/db.h"
#include "proto/budget.h"
#include "proto/messages.h"

#define OV_GROUP_MAX 64 /* bytes of a group's name */

struct ov_ledger_charge {
	const uint8_t *job, *partner; /* 16 bytes each */
	uint64_t time;		      /* UNIX seconds */
	uint32_t slots, other_slots;  /* asked by this company, by the partner */
	/* thousandths, for the partner's view of us and for ours of it; 0: none */
	uint32_t epsilon_out, epsilon_in;
};

/* Charges a job, once: the same job again changes nothing.  Inside the caller's
 * transaction. */
OV_MUST_CHECK enum ov_status ov_ledger_charge(
    struct ov_db *db, const struct ov_ledger_charge *c);

/* Was this job charged? */
OV_MUST_CHECK enum ov_status ov_ledger_has(
    bool *charged, struct ov_db *db, const uint8_t job[OV_ID]);

/* This home said in PROPOSE or ACCEPT that a view may be drawn: it counts as spent until
 * the job is charged or ends without.  Inside the caller's transaction. */
OV_MUST_CHECK enum ov_status ov_ledger_pledge(struct ov_db *db, const uint8_t job[OV_ID],
    const uint8_t partner[OV_ID], uint64_t time, uint32_t epsilon);
OV_MUST_CHECK enum ov_status ov_ledger_unpledge(
    struct ov_db *db, const uint8_t job[OV_ID]);

/* The group of a partner; name NULL: none.  Inside the caller's transaction. */
OV_MUST_CHECK enum ov_status ov_ledger_set_group(
    struct ov_db *db, const uint8_t partner[OV_ID], const char *name);

/* "" : in none. */
OV_MUST_CHECK enum ov_status ov_ledger_group(
    char out[OV_GROUP_MAX + 1], struct ov_db *db, const uint8_t partner[OV_ID]);

struct ov_ledger_query {
	const uint8_t *partner;
	int64_t now;
	int64_t until; /* charges after it do not count; 0: all do */
	/* of the terms: what a view costs, and what may be spent in 365 days */
	uint32_t epsilon, year_epsilon;
};

struct ov_ledger_sums {
	uint32_t runs_month;
	uint64_t slots, slots_month, their_slots, their_slots_month;
	uint64_t epsilon_out_year, epsilon_in_year;
	struct ov_budget_past out, in;
};

struct ov_ledger {
	struct ov_ledger_sums partner;
	char group[OV_GROUP_MAX + 1]; /* "" : in none, and then together is partner */
	struct ov_ledger_sums together;
};
OV_MUST_CHECK enum ov_status ov_ledger_read(
    struct ov_ledger *out, struct ov_db *db, const struct ov_ledger_query *q);

/* Whether this company's own ledger allows the partner's view of it (or, with `in`, would
 * allow its own of the partner): of partner and group the later one.  No slack. */
void ov_ledger_due(struct ov_budget_due *out, const struct ov_ledger *l,
    const struct ov_release *r, int64_t now, bool in);

/* Tables of this module. */
extern const char ov_ledger_schema_1[];

#endif /* OV_CLIENT_LEDGER_H */
