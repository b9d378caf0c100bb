/* leave.c - a job is given up by this side's word (job.h). */
#include <string.h>

#include "client/job/job.h"

#define ANSWER_MS 60000
/* A job is over at the broker 7 days after its REPORT, which comes before ACCEPT.expiry,
 * at most 3 days after that of PROPOSE (PROTOCOL 7.2.1, 7.3). */
#define OVER_AFTER_S (10 * 86400U)

enum ov_status
ov_job_cancel(struct ov_home *home, struct ov_session *s, const struct ov_job *j,
    enum ov_status why)
{
	const char *name = ov_status_name(why);
	struct ov_msg_cancel m = { .reason = OV_BYTES(name, strlen(name)),
		.created = ov_home_now(home) };
	struct ov_buf body = { 0 };
	enum ov_status st;

	memcpy(m.job, j->id, OV_ID);
	OV_TRY(ov_msg_encode(&body, OV_MSG_CANCEL, &m));
	OV_TRY(ov_step_send(home, s, j->id,
	    j->role == OV_ROLE_A ? OV_STEP_CANCEL_A : OV_STEP_CANCEL_B,
	    OV_BUF_BYTES(&body)));
done:
	ov_buf_free(&body);
	return st;
}

/* As the broker says it; none for a job that it does not know. */
static enum ov_status
ask_state(enum ov_job_state *state, struct ov_session *s, const struct ov_job *j)
{
	struct ov_msg_get_job ask;
	struct ov_msg_job reply = { 0 };
	struct ov_buf owner = { 0 };
	enum ov_status st;

	*state = OV_JOB_NONE;
	memcpy(ask.job, j->id, OV_ID);
	st = ov_session_call(
	    s, OV_MSG_GET_JOB, &ask, OV_MSG_JOB, &reply, &owner, ANSWER_MS);
	if (st == OV_OK)
		*state = (enum ov_job_state)reply.state;
	ov_buf_free(&owner);
	return st == OV_E_BROKER_UNKNOWN ? OV_OK : st;
}

enum ov_status
ov_job_leave(struct ov_home *home, struct ov_session *s, const uint8_t partner[OV_ID],
    enum ov_status why)
{
	enum ov_job_state state;
	struct ov_job j;
	enum ov_status st = ov_job_open_with(&j, home, partner);

	if (st == OV_E_NOT_FOUND)
		return OV_OK;
	OV_TRY(st);
	if (j.state == OV_JOB_REPORTED) /* its report is here */
		goto done;
	OV_TRY(ask_state(&state, s, &j));
	if (state > OV_JOB_NONE && state < OV_JOB_REPORTED) {
		st = ov_job_cancel(home, s, &j, why);
		if (st != OV_E_PROTO_UNEXPECTED) /* else it is reported just now */
			goto done;
		OV_TRY(ask_state(&state, s, &j));
	}
	if ((state == OV_JOB_REPORTED || state == OV_JOB_CONFIRMING) &&
	    ov_home_now(home) < j.expiry + OVER_AFTER_S)
		st = OV_E_JOB_WAITING;
done:
	return st;
}
