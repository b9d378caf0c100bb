#include "server/ledger.h"

#include <string.h>

#include "common/log.h"
#include "proto/budget.h"
#include "server/jobs.h"

/* The pair of a job as the store has it, and where its roles stand in there: 0 low, 1
 * high. */
struct pair {
	const uint8_t *id[2];
	unsigned int side[2]; /* by role */
};

static struct pair
pair_of(const struct ov_job *job)
{
	struct pair p;

	p.side[OV_ROLE_A] = ov_is_low(job->a, job->b) ? 0 : 1;
	p.side[OV_ROLE_B] = 1 - p.side[OV_ROLE_A];
	p.id[p.side[OV_ROLE_A]] = job->a;
	p.id[p.side[OV_ROLE_B]] = job->b;
	return p;
}

static enum ov_status
read_ledger(struct ov_ledger *l, struct ov_tx *tx, const struct pair *p,
    const struct ov_release *r, int64_t now, const uint8_t *except)
{
	const struct ov_ledger_query q = { .low = p->id[0],
		.high = p->id[1],
		.now = now,
		.except = except,
		.epsilon = r->epsilon_milli,
		.year_epsilon = r->year_epsilon_milli };

	return ov_store_ledger(tx, l, &q);
}

enum ov_status
ov_ledger_runs_left(
    struct ov_tx *tx, const struct ov_job *job, const struct ov_release *r, int64_t now)
{
	struct pair p = pair_of(job);
	struct ov_ledger l;
	enum ov_status st = read_ledger(&l, tx, &p, r, now, job->id);

	return st == OV_OK && l.runs_30d >= r->runs ? OV_E_CAP_RUNS : st;
}

/* Whether each role, as a giver, allowed the other's view (PROPOSE.counts). */
static enum ov_status
read_allowed(bool allowed[2], struct ov_tx *tx, const struct ov_job *job)
{
	struct ov_buf propose = { 0 }, accept = { 0 };
	struct ov_msg_propose p;
	struct ov_msg_accept a;
	struct ov_step_row row;
	enum ov_status st = OV_OK;

	OV_TRY(ov_store_step(tx, &row, &propose, job->id, OV_STEP_PROPOSE));
	OV_TRY(ov_store_step(tx, &row, &accept, job->id, OV_STEP_ACCEPT));
	OV_TRY(ov_msg_decode(&p, OV_MSG_PROPOSE, OV_BUF_BYTES(&propose)));
	OV_TRY(ov_msg_decode(&a, OV_MSG_ACCEPT, OV_BUF_BYTES(&accept)));
	allowed[OV_ROLE_A] = p.counts == 1;
	allowed[OV_ROLE_B] = a.counts == 1;
done:
	ov_buf_free(&propose);
	ov_buf_free(&accept);
	return st;
}

/* What both ledgers say at the time of the charge: without it, so that asking again later
 * says the same. */
static enum ov_status
judge(struct ov_counts_due due[2], struct ov_tx *tx, const struct ov_job *job,
    const struct ov_release *r, int64_t at)
{
	struct pair p = pair_of(job);
	struct ov_budget_due d;
	struct ov_ledger l;
	bool allowed[2];
	enum ov_status st = OV_OK;

	OV_TRY(read_ledger(&l, tx, &p, r, at, job->id));
	OV_TRY(read_allowed(allowed, tx, job));
	for (unsigned int role = 0; role < 2; role++) {
		due[role] = (struct ov_counts_due){ .how = OV_COUNTS_NONE };
		if (!ov_release_has(r->level[p.side[1 - role]], OV_LEVEL_COUNTS))
			continue;
		due[role].how = OV_COUNTS_EXACT;
		if (r->exact)
			continue;
		ov_budget_due(&d, r, &l.views[p.side[role]], at, OV_BUDGET_SLACK);
		due[role].how =
		    d.due && allowed[1 - role] ? OV_COUNTS_NOISY : OV_COUNTS_HELD;
		due[role].why.reason = (uint8_t)(d.due ? OV_HELD_BY_PARTNER : d.reason);
		due[role].why.next = d.due ? 0 : d.next;
	}
done:
	return st;
}

enum ov_status
ov_ledger_charge(struct ov_tx *tx, const struct ov_job *job, int64_t now)
{
	struct pair p = pair_of(job);
	const uint32_t slots[2] = { job->slots_a, job->slots_b };
	struct ov_charge c = { .at = now };
	struct ov_counts_due due[2];
	struct ov_release r;
	struct ov_terms_row row;
	enum ov_status st = OV_OK;

	memcpy(c.job, job->id, OV_ID);
	memcpy(c.low, p.id[0], OV_ID);
	memcpy(c.high, p.id[1], OV_ID);
	OV_TRY(ov_job_release(&r, &row, tx, job));
	OV_TRY(ov_ledger_runs_left(tx, job, &r, now));
	OV_TRY(judge(due, tx, job, &r, now));
	for (unsigned int role = 0; role < 2; role++) {
		c.slots[p.side[role]] = slots[role];
		if (due[role].how == OV_COUNTS_NOISY)
			c.epsilon[p.side[role]] = r.epsilon_milli;
	}
	OV_TRY(ov_store_charge(tx, &c));
	ov_log(OV_LOG_INFO, "job.charged", OV_F_ID("job", job->id),
	    OV_F_U64("slots_a", job->slots_a), OV_F_U64("slots_b", job->slots_b),
	    OV_F_U64("epsilon_a", c.epsilon[p.side[OV_ROLE_A]]),
	    OV_F_U64("epsilon_b", c.epsilon[p.side[OV_ROLE_B]]));
done:
	return st;
}

enum ov_status
ov_ledger_views(struct ov_counts_due due[2], struct ov_tx *tx, const struct ov_job *job,
    const struct ov_release *r)
{
	struct pair p = pair_of(job);
	struct ov_charge c;
	enum ov_status st = OV_OK;

	OV_TRY(ov_store_charged(tx, &c, job->id));
	OV_TRY(judge(due, tx, job, r, c.at));
	for (unsigned int role = 0; role < 2; role++) { /* the charge decides */
		if (c.epsilon[p.side[role]] > 0)
			due[role].how = OV_COUNTS_NOISY;
		else if (due[role].how == OV_COUNTS_NOISY)
			due[role].how = OV_COUNTS_HELD;
	}
done:
	return st;
}

enum ov_status
ov_ledger_report(struct ov_charges *out, struct ov_tx *tx, const struct ov_job *job,
    const struct ov_release *r, int64_t now)
{
	struct pair p = pair_of(job);
	struct ov_budget_due d;
	struct ov_charge c;
	struct ov_ledger l;
	enum ov_status st = OV_OK;

	*out = (struct ov_charges){ .slots = { job->slots_a, job->slots_b } };
	OV_TRY(ov_store_charged(tx, &c, job->id));
	OV_TRY(read_ledger(&l, tx, &p, r, now, NULL));
	out->runs_month = (uint32_t)l.runs_30d;
	out->runs_left = l.runs_30d < r->runs ? r->runs - (uint32_t)l.runs_30d : 0;
	for (unsigned int role = 0; role < 2; role++) {
		unsigned int side = p.side[role];
		bool counted = !r->exact && ov_release_has(r->level[p.side[1 - role]],
						OV_LEVEL_COUNTS);

		ov_budget_due(&d, r, &l.views[side], now, 0);
		out->slots_month[role] = l.slots_30d[side];
		out->view[role] = (struct ov_view_charge){ (uint32_t)c.epsilon[side],
			(uint32_t)l.epsilon_365d[side], counted ? d.next : 0 };
	}
done:
	return st;
}
