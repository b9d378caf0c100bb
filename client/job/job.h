/* job.h - a job from proposal to closed report, as one company sees it.
 *
 *     ov_job_propose | ov_job_answer  ->  ov_job_advance, until it is final
 *
 * Every step is durable before it is sent, so advance may be called again after any
 * failure or crash, by any process of the home, and goes on where it was.  The caller
 * holds the home's claim.
 */
#ifndef OV_CLIENT_JOB_JOB_H
#define OV_CLIENT_JOB_JOB_H

#include <stdatomic.h>

#include "client/job/ready.h"
#include "client/job/record.h"
#include "client/partner.h"
#include "client/session.h"
#include "client/terms.h"

/* Where the time of a job went, in milliseconds: wall clock of its stages, and CPU time
 * of all threads for work in the group and for sealing. */
struct ov_job_stages {
	uint64_t freeze_ms, send_ms, receive_ms, report_ms;
	uint64_t group_cpu_ms, seal_cpu_ms;
};

/* The list of the job that began last, until that job takes it: it need not be read again
 * at once.  The list of an open job never changes. */
struct ov_job_frozen {
	uint8_t job[OV_ID];
	struct ov_list list; /* empty: none */
};

struct ov_job_run {
	struct ov_home *home;
	struct ov_session *session;
	uint32_t wait_ms;	   /* for the partner, at each step */
	const atomic_bool *cancel; /* may be NULL */
	void (*progress)(void *ctx, uint64_t done, uint64_t all); /* may be NULL; slots */
	void *progress_ctx;
	struct ov_job_stages stages;  /* added up */
	struct ov_job_frozen *frozen; /* may be NULL; its list is the caller's to free */
	struct ov_ready *ready;	      /* the same; ov_job_prepare needs one */
};

/* What a job with the partner would be, without proposing it. */
struct ov_job_plan {
	uint32_t records, tokens, slots;
	uint32_t runs, runs_allowed; /* in 30 days */
	struct ov_terms terms;
	uint32_t per_population[OV_POPULATIONS_MAX]; /* records, by number - 1 */
};
OV_MUST_CHECK enum ov_status ov_job_plan(
    struct ov_job_plan *out, struct ov_job_run *run, const struct ov_partner *partner);

/* Before a wait for proposals: freezes the list for the partner with whom the last job is
 * the longest ago, of those who may propose one.  What stands against it, the proposal is
 * told.  Does nothing where run->ready holds that list. */
void ov_job_prepare(struct ov_job_run *run);

/* Freezes the list and stores a proposal; sends nothing.  Gives the open job with this
 * partner if there is one.  OV_E_TERMS_MISSING, OV_E_CAP_RUNS, OV_E_PARTNER_SUSPENDED, a
 * log hold's status, and the failures of ov_freeze. */
OV_MUST_CHECK enum ov_status ov_job_propose(
    struct ov_job *out, struct ov_job_run *run, const struct ov_partner *partner);

/* A proposal waits at the broker: fetches and checks it, and stores ACCEPT or sends
 * REFUSE.  *out is the job (final if it was refused).  Does nothing for a job that is
 * known.  A status of class HOST: try again later. */
OV_MUST_CHECK enum ov_status ov_job_answer(
    struct ov_job *out, struct ov_job_run *run, const uint8_t id[OV_ID]);

/* Goes on with a job until it is final here.  OV_OK: closed or unchanged.
 * OV_E_PROTO_PROFILE: the partner's release has not the profile of this proposal; the
 * next one is under the profile before, if this release has one (profile.h).
 * OV_E_JOB_WAITING: the partner has not come within wait_ms; nothing is lost.  Other
 * ends are told by status and stand in *j. */
OV_MUST_CHECK enum ov_status ov_job_advance(struct ov_job *j, struct ov_job_run *run);

/* Says by CANCEL that the job ends for this reason; the state here stays.  Fails as
 * ov_step_send does: OV_E_PROTO_UNEXPECTED if the broker has made its report, or the job
 * is over. */
OV_MUST_CHECK enum ov_status ov_job_cancel(struct ov_home *home, struct ov_session *s,
    const struct ov_job *j, enum ov_status why);

/* Before the open job with a partner is ended here (ov_job_end_open): ends it at the
 * broker, too, so that no report comes of it.  OV_E_JOB_WAITING: there is a report, which
 * this side has not read; the job is to go on first, for as long as the broker may have
 * it.  OV_OK also without such a job. */
OV_MUST_CHECK enum ov_status ov_job_leave(struct ov_home *home, struct ov_session *s,
    const uint8_t partner[OV_ID], enum ov_status why);

/* What ov_job_advance knows of a job that was accepted, for the parts that follow. */
struct ov_job_live {
	struct ov_partner partner;
	struct ov_terms terms;
	struct ov_step_text propose, accept;
	uint8_t th[OV_HASH_LEN];
	uint32_t other_slots;
	uint8_t other_unchanged[OV_ID], own_unchanged[OV_ID]; /* zero: none */
	uint8_t other_ephemeral[32];
	bool own_counts, other_counts; /* PROPOSE.counts, ACCEPT.counts */
};

#endif /* OV_CLIENT_JOB_JOB_H */
