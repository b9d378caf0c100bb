/* record.h - what this home keeps of a job, and its signed steps at the broker.
 *
 * A job's row, frozen list and first own message are written in one transaction before
 * anything is sent.  Seeds are sealed; they and the list are deleted when the job ends.
 */
#ifndef OV_CLIENT_JOB_RECORD_H
#define OV_CLIENT_JOB_RECORD_H

#include "client/home.h"
#include "client/job/list.h"
#include "client/session.h"
#include "proto/keys.h"
#include "proto/steps.h"

struct ov_job {
	uint8_t id[OV_ID], partner[OV_ID];
	enum ov_role role;
	enum ov_job_state state; /* as this home knows it */
	uint64_t created, expiry, closed;
	uint32_t slots;		  /* own, padded */
	uint32_t tokens, records; /* own, without padding */
	uint8_t list_digest[OV_HASH_LEN];
	uint8_t profile[OV_HASH_LEN]; /* digest of the normaliser's profile */
	uint8_t commitment_random[32];
	uint64_t terms_sequence;
	uint64_t generation;   /* of the book that the list came from */
	enum ov_status reason; /* of an end that is not `closed` */
	uint32_t matches;
	uint8_t
	    unchanged_since[OV_ID]; /* job whose report stands, when state is unchanged */
};

struct ov_job_seeds {
	uint8_t r[32], e[32];
};

/* A signed step. */
struct ov_step_text {
	struct ov_buf body;
	uint8_t signature[64];
};
void ov_step_free(struct ov_step_text *s);

/* Inside the caller's transaction: the row, sealed seeds, list and own first step. */
OV_MUST_CHECK enum ov_status ov_job_insert(struct ov_home *home, const struct ov_job *j,
    const struct ov_job_seeds *seeds, const struct ov_list *list);
OV_MUST_CHECK enum ov_status ov_job_get(
    struct ov_job *out, struct ov_home *home, const uint8_t id[OV_ID]);
/* The job with this partner that is not final, else OV_E_NOT_FOUND. */
OV_MUST_CHECK enum ov_status ov_job_open_with(
    struct ov_job *out, struct ov_home *home, const uint8_t partner[OV_ID]);
/* The newest closed job whose report stands; partner NULL: with anyone.  Of two that
 * closed in one second the one whose report is later in the log: so both sides of
 * `unchanged` mean the same. */
OV_MUST_CHECK enum ov_status ov_job_last_report(
    struct ov_job *out, struct ov_home *home, const uint8_t *partner);
/* Every job, newest first. */
OV_MUST_CHECK enum ov_status ov_job_each(struct ov_home *home,
    enum ov_status (*visit)(void *arg, const struct ov_job *j), void *arg);

OV_MUST_CHECK enum ov_status ov_job_load_list(
    struct ov_list *out, struct ov_home *home, const struct ov_job *j);
/* SECRET: wipe. */
OV_MUST_CHECK enum ov_status ov_job_load_seeds(
    struct ov_job_seeds *out, struct ov_home *home, const struct ov_job *j);

/* Writes the state, in a transaction of its own.  A final state deletes seeds and list
 * and what was pledged of the ledger, and any but `closed` the report.  A closed job with
 * a reason is one that the broker ended before it had both CLOSEs: its report stands, but
 * it is not named as unchanged.
 */
OV_MUST_CHECK enum ov_status ov_job_set_state(struct ov_home *home, struct ov_job *j,
    enum ov_job_state state, enum ov_status reason);

/* Inside the caller's transaction: every open job with this partner (NULL: with anyone)
 * ends as `cancelled`, or, where the report is here, as `closed`, with this reason, as
 * ov_job_set_state has it. */
OV_MUST_CHECK enum ov_status ov_job_end_open(
    struct ov_home *home, const uint8_t *partner, enum ov_status reason);

/* Inside the caller's transaction: what is kept of accounts of a book that is gone, and
 * no open job or report has, goes. */
OV_MUST_CHECK enum ov_status ov_job_drop_accounts(struct ov_home *home);

/* Charges the job, once, before the first byte of ROSTER or TAGS leaves.  Of a job that
 * was not charged yet: OV_E_CAP_GROUP if partner and group have had as many runs as the
 * terms allow, or if the view that this job allows is not due (another job of the group
 * may have come in between, or the group itself). */
struct ov_job_cost {
	uint32_t other_slots;
	bool counts_out, counts_in;	  /* a view of counts: the partner's, ours */
	const struct ov_release *release; /* what runs and views the terms allow */
};
OV_MUST_CHECK enum ov_status ov_job_charge(
    struct ov_home *home, const struct ov_job *j, const struct ov_job_cost *cost);

/* Stores an own step inside the caller's transaction. */
OV_MUST_CHECK enum ov_status ov_step_keep(struct ov_home *home, const uint8_t job[OV_ID],
    unsigned int step, struct ov_bytes body, const uint8_t signature[64]);
/* A step that this home has; OV_E_NOT_FOUND.  Appends to out->body. */
OV_MUST_CHECK enum ov_status ov_step_load(struct ov_step_text *out, struct ov_home *home,
    const uint8_t job[OV_ID], unsigned int step);

/* Signs and stores an own step unless it is stored already, then sends it until the
 * broker has it and proved that its log has it.  body is ignored when one is stored. */
OV_MUST_CHECK enum ov_status ov_step_send(struct ov_home *home, struct ov_session *s,
    const uint8_t job[OV_ID], unsigned int step, struct ov_bytes body);

/* Fetches a step of the partner or the broker, waiting up to wait_ms, checks signer's
 * signature and log, and stores it durably.  A stored one is given without asking.
 * OV_E_BROKER_WAIT: not there yet. */
OV_MUST_CHECK enum ov_status ov_step_fetch(struct ov_step_text *out, struct ov_home *home,
    struct ov_session *s, const uint8_t job[OV_ID], unsigned int step,
    const uint8_t signer[32], uint32_t wait_ms);

/* Asks the broker again for a step of somebody else, of which this home may have one, and
 * compares.  *twice: another message came for it with signer's signature and a place in
 * the log; it is kept beside the first, which stands.  That the broker has nothing to say
 * is no answer.  Fails as ov_session_check_proven does. */
OV_MUST_CHECK enum ov_status ov_step_compare(bool *twice, struct ov_home *home,
    struct ov_session *s, const uint8_t job[OV_ID], unsigned int step,
    const uint8_t signer[32]);

/* Tables of this module. */
extern const char ov_job_schema_1[], ov_job_schema_2[], ov_job_schema_3[],
    ov_job_schema_4[], ov_job_schema_5[], ov_job_schema_6[], ov_job_bands_schema_1[];

#endif /* OV_CLIENT_JOB_RECORD_H */
