/* view.h - the report of a job: fetched, checked against everything this home knows,
 * and kept (PROTOCOL.md 7.20 - 7.22).
 */
#ifndef OV_CLIENT_JOB_VIEW_H
#define OV_CLIENT_JOB_VIEW_H

#include "client/job/exchange.h"
#include "client/job/job.h"

struct ov_view_input {
	struct ov_job_run *run;
	struct ov_job *job;
	const struct ov_job_live *live;
	const struct ov_exchange *exchange; /* complete */
	const struct ov_deck *deck;
	const struct ov_shared_keys *keys;
};

/* Fetches the partner's COMPLETEs and REPORT (waiting), checks them, streams the own view
 * into the database row by row, and turns the job to `reported` when all of it holds.
 * OV_E_JOB_WAITING: not there yet.  OV_E_PROTO_MISBEHAVED: the report is void, nothing
 * of it is kept but the signed message; OV_E_PROTO_DIGEST: the partner's COMPLETE does
 * not fit what came. */
OV_MUST_CHECK enum ov_status ov_view_fetch(const struct ov_view_input *in);

/* The rounded size of the partner's list, 0 if it is not told. */
OV_MUST_CHECK enum ov_status ov_view_size(
    struct ov_home *home, const struct ov_job *j, uint32_t size);

/* Tables that a report needs beside its matches: names and numbers of populations,
 * names of the own bands where the partner answers by them. */
OV_MUST_CHECK enum ov_status ov_view_populations(struct ov_home *home,
    const struct ov_job *j, const struct ov_terms *terms, const struct ov_list *list);

#endif /* OV_CLIENT_JOB_VIEW_H */
