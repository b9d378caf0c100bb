/* jobs.h - the life of a job at the broker: what the parts of it share.
 */
#ifndef OV_SERVER_JOBS_H
#define OV_SERVER_JOBS_H

#include "server/broker.h"

/* The job of a call and the caller's part in it.  OV_E_BROKER_UNKNOWN if there is none or
 * it is between others: they are told apart to nobody. */
OV_MUST_CHECK enum ov_status ov_job_of(struct ov_job *job, enum ov_role *role,
    struct ov_tx *tx, const uint8_t id[OV_ID], const uint8_t company[OV_ID]);

/* Why there is nothing to wait for in a job that is over; OV_E_BROKER_WAIT if it is not.
 */
enum ov_status ov_job_why_not(const struct ov_job *job);

/* Takes a step of the broker itself (BOTH_CLOSED, EXPIRE, FAIL ...): new state, reason
 * (may be OV_OK), leaf; a job that is over loses its streams.  Inside the caller's
 * transaction. */
OV_MUST_CHECK enum ov_status ov_job_conclude(
    struct ov_job *job, struct ov_tx *tx, enum ov_step step, enum ov_status reason);

/* Transcript hash of a job whose PROPOSE and ACCEPT are stored. */
OV_MUST_CHECK enum ov_status ov_job_transcript(
    uint8_t th[OV_DIGEST], struct ov_tx *tx, const uint8_t job[OV_ID]);

/* Bits of the six COMPLETEs before the join. */
#define OV_STEPS_BEFORE_JOIN                                                             \
	(1U << OV_STEP_COMPLETE_POINTS_A | 1U << OV_STEP_COMPLETE_POINTS_B |             \
	    1U << OV_STEP_COMPLETE_ROSTER_A | 1U << OV_STEP_COMPLETE_ROSTER_B |          \
	    1U << OV_STEP_COMPLETE_TAGS_A | 1U << OV_STEP_COMPLETE_TAGS_B)
static inline bool
ov_job_is_joinable(const struct ov_job *job)
{
	return job->state == OV_JOB_EXCHANGING &&
	       (job->steps & OV_STEPS_BEFORE_JOIN) == OV_STEPS_BEFORE_JOIN;
}

/* Ends what is past its deadline, deletes what is past its life.  *next: when to call
 * again at the latest, in seconds since 1970. */
OV_MUST_CHECK enum ov_status ov_jobs_expire(const struct ov_broker *b, int64_t *next);

/* --- checks of signed bodies (checks.c), inside a transaction --- */

/* A step that is being put: its body as it came and decoded. */
struct ov_put {
	const struct ov_broker *broker;
	struct ov_tx *tx;
	int64_t now;
	const uint8_t *identity; /* of the caller, 32 */
	enum ov_role role;
	unsigned int step;
	struct ov_bytes body;
	union ov_msg_any m;
	/* COMPLETE: the digest of what is stored of the stream, and how much */
	uint8_t sent[OV_DIGEST];
	struct ov_stream_row stream;
};

/* Fills job from a PROPOSE that is in order. */
OV_MUST_CHECK enum ov_status ov_check_propose(
    struct ov_job *job, const struct ov_put *put, const uint8_t a[OV_ID]);
/* *unchanged: both name the same last job. */
OV_MUST_CHECK enum ov_status ov_check_accept(
    struct ov_job *job, bool *unchanged, const struct ov_put *put);
/* All others: that they name this job and its transcript, and fit what is stored. */
OV_MUST_CHECK enum ov_status ov_check_step(
    const struct ov_job *job, const struct ov_put *put);

/* The terms a job runs under and their release table. */
struct ov_release;
OV_MUST_CHECK enum ov_status ov_job_release(struct ov_release *out,
    struct ov_terms_row *row, struct ov_tx *tx, const struct ov_job *job);

#endif /* OV_SERVER_JOBS_H */
