/* Signed steps of jobs: what comes in, what goes out, and what the broker itself does to
 * a job (PROTOCOL.md 7). */
#include "server/jobs.h"

#include <string.h>

#include "common/crypto/sign.h"
#include "common/log.h"
#include "proto/keys.h"
#include "proto/slots.h"
#include "server/dispatch.h"
#include "server/events.h"
#include "server/limits.h"
#include "server/log.h"
#include "server/mail.h"
#include "server/report.h"
#include "server/streams.h"

#define LIST_ROW 77
#define LIST_ROWS 400 /* * 77 <= 32768 */

enum ov_status
ov_job_of(struct ov_job *job, enum ov_role *role, struct ov_tx *tx,
    const uint8_t id[OV_ID], const uint8_t company[OV_ID])
{
	enum ov_status st = ov_store_job(tx, job, id);

	if (st == OV_E_NOT_FOUND)
		return OV_E_BROKER_UNKNOWN;
	if (st != OV_OK)
		return st;
	if (memcmp(job->a, company, OV_ID) == 0)
		*role = OV_ROLE_A;
	else if (memcmp(job->b, company, OV_ID) == 0)
		*role = OV_ROLE_B;
	else
		return OV_E_BROKER_UNKNOWN;
	return OV_OK;
}

enum ov_status
ov_job_why_not(const struct ov_job *job)
{
	switch (job->state) {
	case OV_JOB_NONE:
	case OV_JOB_PROPOSED:
	case OV_JOB_ACCEPTED:
	case OV_JOB_EXCHANGING:
	case OV_JOB_REPORTED:
	case OV_JOB_CONFIRMING:
		return OV_E_BROKER_WAIT;
	case OV_JOB_CLOSED:
	case OV_JOB_UNCHANGED:
		return OV_E_NOT_FOUND;
	case OV_JOB_REFUSED:
		return OV_E_JOB_REFUSED;
	case OV_JOB_CANCELLED:
		return OV_E_JOB_CANCELLED;
	case OV_JOB_EXPIRED:
		return OV_E_PROTO_EXPIRED;
	case OV_JOB_EQUIVOCATION:
		return OV_E_PROTO_EQUIVOCATION;
	case OV_JOB_MISBEHAVED:
		return OV_E_PROTO_MISBEHAVED;
	case OV_JOB_CONFIRM_FAILED:
	case OV_JOB_FAILED:
	case OV_JOB_STATES:
		break;
	}
	return OV_E_JOB_FAILED;
}

enum ov_status
ov_job_transcript(uint8_t th[OV_DIGEST], struct ov_tx *tx, const uint8_t job[OV_ID])
{
	struct ov_buf propose = { 0 }, accept = { 0 };
	struct ov_step_row row;
	enum ov_status st = OV_OK;

	OV_TRY(ov_store_step(tx, &row, &propose, job, OV_STEP_PROPOSE));
	st = ov_store_step(tx, &row, &accept, job, OV_STEP_ACCEPT);
	OV_REQUIRE(st != OV_E_NOT_FOUND, OV_E_PROTO_UNEXPECTED);
	OV_TRY(st);
	ov_transcript(th, OV_BUF_BYTES(&propose), OV_BUF_BYTES(&accept));
done:
	ov_buf_free(&propose);
	ov_buf_free(&accept);
	return st;
}

/* Enters a state; in a final one nothing of the streams is left. */
static enum ov_status
enter(struct ov_job *job, struct ov_tx *tx, enum ov_job_state state)
{
	enum ov_status st = OV_OK;

	job->state = state;
	OV_TRY(ov_store_job_update(tx, job));
	if (ov_job_final(state))
		OV_TRY(ov_store_streams_drop(tx, job->id));
done:
	return st;
}

enum ov_status
ov_job_conclude(
    struct ov_job *job, struct ov_tx *tx, enum ov_step step, enum ov_status reason)
{
	enum ov_leaf leaf = step == OV_STEP_EXPIRE	     ? OV_LEAF_EXPIRED
			    : step == OV_STEP_BOTH_UNCHANGED ? OV_LEAF_CLOSED
							     : OV_LEAF_FAILED;
	enum ov_job_state to;
	enum ov_status st = OV_OK;

	OV_TRY(ov_job_step(&to, job->state, OV_ROLE_S, step));
	if (reason != OV_OK) {
		strncpy(job->reason, ov_status_name(reason), OV_REASON_MAX);
		job->reason[OV_REASON_MAX] = '\0';
	}
	OV_TRY(enter(job, tx, to));
	if (step != OV_STEP_BOTH_CLOSED) /* both CLOSEs are leaves */
		OV_TRY(ov_log_event(tx, leaf, job->id, to));
	ov_log(OV_LOG_INFO, "job.concluded", OV_F_ID("job", job->id),
	    OV_F_U64("state", to), OV_F_STATUS(reason));
done:
	return st;
}

/* --- PUT_STEP --- */

/* What can be said without the store: a known step, of this sender, well signed. */
static enum ov_status
open_put(struct ov_put *put, const struct ov_call *c, const struct ov_msg_put_step *m)
{
	enum ov_msg type = ov_step_message((unsigned int)m->step);
	enum ov_status st = OV_OK;

	*put = (struct ov_put){ .broker = c->broker,
		.now = c->now,
		.identity = c->who.identity,
		.step = (unsigned int)m->step,
		.body = m->body };
	OV_REQUIRE(type != OV_MSG_NONE && ov_step_sender(put->step) != OV_ROLE_S,
	    OV_E_BROKER_DENIED);
	OV_TRY(ov_msg_decode(&put->m, type, m->body));
	OV_TRY(ov_verify_vartime(
	    m->signature, c->who.identity, ov_step_context(put->step), m->body));
	if (type == OV_MSG_PROPOSE)
		OV_REQUIRE(
		    memcmp(put->m.propose.job, m->job, OV_ID) == 0, OV_E_PROTO_MISMATCH);
done:
	return st;
}

/* A step that is stored already: its leaf if it is the same.  Another one is kept as
 * evidence; a second PROPOSE or ACCEPT ends a job without a report, since two transcripts
 * would be about.  OV_E_NOT_FOUND: it is new. */
static enum ov_status
repeat(uint64_t *leaf, struct ov_job *job, const struct ov_put *put,
    const uint8_t signature[64])
{
	struct ov_buf stored = { 0 };
	struct ov_step_row row;
	enum ov_status st = OV_OK;
	enum ov_put_result how;

	OV_TRY(ov_store_step(put->tx, &row, &stored, job->id, put->step));
	*leaf = row.leaf;
	memcpy(row.signature, signature, 64);
	OV_TRY(ov_store_step_put(put->tx, &how, job->id, put->step, &row, put->body));
	if (how == OV_PUT_SAME)
		goto done;
	if (put->step <= OV_STEP_ACCEPT && job->state < OV_JOB_REPORTED)
		OV_TRY(ov_job_conclude(
		    job, put->tx, OV_STEP_EQUIVOCATE, OV_E_PROTO_EQUIVOCATION));
	st = OV_E_PROTO_EQUIVOCATION;
done:
	ov_buf_free(&stored);
	return st;
}

static void
set_reason(struct ov_job *job, struct ov_bytes text)
{
	size_t n = text.len < OV_REASON_MAX ? text.len : OV_REASON_MAX;

	memcpy(job->reason, text.p, n);
	job->reason[n] = '\0';
}

static bool
says(struct ov_bytes text, const char *word)
{
	return text.len == strlen(word) && memcmp(text.p, word, text.len) == 0;
}

/* Whether a CLOSE speaks against the job: OV_STEP_BOTH_CLOSED, it does not. */
static enum ov_status
read_close(
    enum ov_step *says_so, struct ov_tx *tx, const struct ov_job *job, unsigned int step)
{
	const char *void_report = ov_status_name(OV_E_PROTO_MISBEHAVED);
	struct ov_buf body = { 0 };
	struct ov_step_row row;
	struct ov_msg_close m;
	enum ov_status st = OV_OK;

	*says_so = OV_STEP_BOTH_CLOSED;
	if ((job->steps & 1U << step) == 0)
		goto done;
	OV_TRY(ov_store_step(tx, &row, &body, job->id, step));
	OV_TRY(ov_msg_decode(&m, OV_MSG_CLOSE, OV_BUF_BYTES(&body)));
	if (says(m.verdict, void_report))
		*says_so = OV_STEP_MISBEHAVED;
	else if (m.confirmation == 2 && job->state == OV_JOB_CONFIRMING)
		*says_so = OV_STEP_CONFIRM_FAIL;
done:
	ov_buf_free(&body);
	return st;
}

/* How a job ends that has its report: by the CLOSEs that are there.  Not before both are,
 * or the time is over: who speaks against the report takes nobody else's away. */
static enum ov_status
conclude_reported(struct ov_job *job, struct ov_tx *tx, bool expired)
{
	enum ov_step a, b, how;
	enum ov_status st = OV_OK;

	OV_TRY(read_close(&a, tx, job, OV_STEP_CLOSE_A));
	OV_TRY(read_close(&b, tx, job, OV_STEP_CLOSE_B));
	how = a == OV_STEP_BOTH_CLOSED || b == OV_STEP_MISBEHAVED ? b : a;
	if (how == OV_STEP_BOTH_CLOSED && expired)
		how = OV_STEP_EXPIRE;
	OV_TRY(ov_job_conclude(job, tx, how,
	    how == OV_STEP_MISBEHAVED ? OV_E_PROTO_MISBEHAVED
	    : how == OV_STEP_EXPIRE   ? OV_E_PROTO_EXPIRED
				      : OV_OK));
done:
	return st;
}

/* What a step brings the broker to do at once. */
static enum ov_status
follow(struct ov_job *job, const struct ov_put *put, bool unchanged)
{
	const uint32_t both = 1U << OV_STEP_CLOSE_A | 1U << OV_STEP_CLOSE_B;

	if (unchanged)
		return ov_job_conclude(job, put->tx, OV_STEP_BOTH_UNCHANGED, OV_OK);
	if (ov_step_message(put->step) == OV_MSG_CLOSE && (job->steps & both) == both)
		return conclude_reported(job, put->tx, false);
	return OV_OK;
}

/* Stores the step with its leaf and moves the job; PROPOSE has added the job. */
static enum ov_status
keep(uint64_t *index, struct ov_job *job, const struct ov_put *put,
    enum ov_job_state state, const uint8_t signature[64])
{
	struct ov_step_row row = { 0 };
	struct ov_log_leaf leaf;
	enum ov_put_result how;
	enum ov_status st = OV_OK;

	memcpy(row.signature, signature, 64);
	OV_TRY(ov_log_signed(
	    &leaf, put->tx, ov_step_leaf(put->step), put->body, OV_BYTES(signature, 64)));
	row.leaf = leaf.index;
	OV_TRY(ov_store_step_put(put->tx, &how, job->id, put->step, &row, put->body));
	OV_REQUIRE(how == OV_PUT_NEW, OV_E_BUG);
	job->steps |= 1U << put->step;
	OV_TRY(enter(job, put->tx, state));
	*index = leaf.index;
done:
	return st;
}

static enum ov_status
take_propose(uint64_t *leaf, struct ov_job *job, struct ov_put *put, struct ov_call *c,
    const uint8_t signature[64])
{
	enum ov_job_state to;
	enum ov_status st = OV_OK;

	*job = (struct ov_job){ .state = OV_JOB_NONE };
	OV_REQUIRE(put->step == OV_STEP_PROPOSE, OV_E_BROKER_UNKNOWN);
	OV_TRY(ov_job_step(&to, OV_JOB_NONE, OV_ROLE_A, OV_STEP_PROPOSE));
	OV_TRY(ov_limit_jobs(c, put->tx));
	OV_TRY(ov_limit_stored(c, put->tx, OV_STORE_ROW)); /* its mail */
	OV_TRY(ov_check_propose(job, put, c->who.id));
	job->state = to;
	OV_TRY(ov_store_job_add(put->tx, job));
	OV_TRY(keep(leaf, job, put, to, signature));
	OV_TRY(ov_mail_write(put->tx, c->now, OV_MAIL_JOB, job->a, job->b, job->id,
	    OV_BYTES(job->id, OV_ID)));
done:
	return st;
}

static enum ov_status
take_step(
    uint64_t *leaf, struct ov_job *job, struct ov_put *put, const uint8_t signature[64])
{
	enum ov_msg type = ov_step_message(put->step);
	enum ov_job_state to;
	bool unchanged = false;
	enum ov_status st = OV_OK;

	OV_TRY(ov_job_step(&to, job->state, put->role, (enum ov_step)put->step));
	if (put->step == OV_STEP_ACCEPT)
		OV_TRY(ov_check_accept(job, &unchanged, put));
	else
		OV_TRY(ov_check_step(job, put));
	if (type == OV_MSG_REFUSE)
		set_reason(job, put->m.refuse.reason);
	else if (type == OV_MSG_CANCEL)
		set_reason(job, put->m.cancel.reason);
	OV_TRY(keep(leaf, job, put, to, signature));
	OV_TRY(follow(job, put, unchanged));
done:
	return st;
}

/* Inside the transaction: the step is kept, or known, and the answer is there. */
static enum ov_status
put_step(struct ov_job *job, struct ov_put *put, struct ov_call *c,
    const struct ov_msg_put_step *m)
{
	uint64_t leaf = 0;
	enum ov_status st = ov_job_of(job, &put->role, put->tx, m->job, c->who.id);

	if (st == OV_E_BROKER_UNKNOWN && put->step == OV_STEP_PROPOSE) {
		struct ov_job other; /* an id that is taken, between others */

		st = ov_store_job(put->tx, &other, m->job);
		OV_REQUIRE(st != OV_OK, OV_E_BROKER_UNKNOWN);
		OV_REQUIRE(st == OV_E_NOT_FOUND, st);
		OV_TRY(take_propose(&leaf, job, put, c, m->signature));
	} else {
		OV_TRY(st);
		OV_REQUIRE(ov_step_sender(put->step) == put->role, OV_E_BROKER_DENIED);
		st = repeat(&leaf, job, put, m->signature);
		if (st == OV_E_NOT_FOUND)
			st = take_step(&leaf, job, put, m->signature);
		OV_TRY(st);
	}
	OV_TRY(ov_call_reply_proven(c, put->tx, leaf, m->seen));
done:
	return st;
}

enum ov_status
ov_handle_put_step(struct ov_call *c, const union ov_msg_any *any)
{
	const struct ov_msg_put_step *m = &any->put_step;
	const struct ov_broker *b = c->broker;
	struct ov_job job = { 0 };
	struct ov_put put;
	struct ov_tx *tx = NULL;
	enum ov_status st = OV_OK, outcome;

	OV_TRY(open_put(&put, c, m));
	if (ov_step_message(put.step) == OV_MSG_COMPLETE)
		OV_TRY(ov_stream_measure(&put, &c->who, m->job));
	OV_TRY(ov_call_begin(&tx, c));
	put.tx = tx;
	outcome = put_step(&job, &put, c, m);
	/* Evidence of a second message is a fact too. */
	OV_REQUIRE(outcome == OV_OK || outcome == OV_E_PROTO_EQUIVOCATION, outcome);
	OV_TRY(ov_tx_commit(&tx, "job.step"));
	ov_events_fire(b->events, job.id);
	if (put.step == OV_STEP_PROPOSE)
		ov_events_fire(b->events, job.b);
	if (ov_job_is_joinable(&job))
		ov_joiner_kick(b->joiner);
	ov_log(OV_LOG_INFO, "job.step", OV_F_ID("job", job.id),
	    OV_F_U64("step", put.step), OV_F_U64("state", job.state),
	    OV_F_STATUS(outcome));
	st = outcome;
done:
	ov_tx_end(&tx);
	return st;
}

/* --- reading --- */

enum ov_status
ov_handle_get_step(struct ov_call *c, const union ov_msg_any *any)
{
	const struct ov_msg_get_step *m = &any->get_step;
	struct ov_msg_step reply = { .step = m->step };
	struct ov_buf body = { 0 };
	struct ov_proven proven;
	struct ov_step_row row;
	struct ov_job job;
	struct ov_tx *tx = NULL;
	enum ov_role role;
	enum ov_status st = OV_OK;

	memcpy(c->wait_id, m->job, OV_ID);
	c->wait_ms = (uint32_t)m->wait_ms;
	OV_TRY(ov_call_begin(&tx, c));
	OV_TRY(ov_job_of(&job, &role, tx, m->job, c->who.id));
	st = ov_store_step(tx, &row, &body, job.id, (unsigned int)m->step);
	OV_REQUIRE(st != OV_E_NOT_FOUND, ov_job_why_not(&job));
	OV_TRY(st);
	OV_TRY(ov_log_prove(&proven, c->broker, tx, row.leaf, m->seen));
	OV_LOG_PROVEN_INTO(&reply, &proven);
	reply.body = OV_BUF_BYTES(&body);
	memcpy(reply.signature, row.signature, 64);
	OV_TRY(ov_call_reply(c, OV_MSG_STEP, &reply));
done:
	ov_tx_end(&tx);
	ov_buf_free(&body);
	return st;
}

enum ov_status
ov_handle_get_job(struct ov_call *c, const union ov_msg_any *m)
{
	struct ov_msg_job reply = { 0 };
	struct ov_job job;
	struct ov_tx *tx = NULL;
	enum ov_role role;
	enum ov_status st = OV_OK;

	OV_TRY(ov_call_begin(&tx, c));
	OV_TRY(ov_job_of(&job, &role, tx, m->get_job.job, c->who.id));
	reply.state = job.state;
	memcpy(reply.a, job.a, OV_ID);
	memcpy(reply.b, job.b, OV_ID);
	reply.created = (uint64_t)job.created;
	reply.deadline = (uint64_t)job.deadline;
	reply.steps = job.steps;
	reply.reason = OV_BYTES(job.reason, strlen(job.reason));
	OV_TRY(ov_call_reply(c, OV_MSG_JOB, &reply));
done:
	ov_tx_end(&tx);
	return st;
}

static enum ov_status
pack_job(void *arg, const struct ov_job *job)
{
	uint8_t row[LIST_ROW];

	ov_put64(row, job->seq);
	memcpy(row + 8, job->id, OV_ID);
	memcpy(row + 24, job->a, OV_ID);
	memcpy(row + 40, job->b, OV_ID);
	row[56] = (uint8_t)job->state;
	ov_put64(row + 57, (uint64_t)job->created);
	ov_put64(row + 65, (uint64_t)job->deadline);
	ov_put32(row + 73, job->steps);
	return ov_buf_append(arg, row, sizeof(row));
}

enum ov_status
ov_handle_list_jobs(struct ov_call *c, const union ov_msg_any *m)
{
	struct ov_job_walk walk = { .company = c->who.id,
		.after = m->list_jobs.after,
		.open_only = m->list_jobs.open_only != 0,
		.limit = LIST_ROWS };
	struct ov_msg_job_list reply = { 0 };
	struct ov_buf rows = { 0 };
	struct ov_tx *tx = NULL;
	enum ov_status st = OV_OK;

	OV_TRY(ov_call_begin(&tx, c));
	OV_TRY(ov_store_jobs(tx, &walk, pack_job, &rows));
	reply.jobs = OV_BUF_BYTES(&rows);
	OV_TRY(ov_call_reply(c, OV_MSG_JOB_LIST, &reply));
done:
	ov_tx_end(&tx);
	ov_buf_free(&rows);
	return st;
}

/* --- deadlines --- */

/* Ends the one open job whose deadline is the earliest, if it is past. */
static enum ov_status
expire_one(const struct ov_broker *b, int64_t now, int64_t *deadline)
{
	struct ov_job job;
	struct ov_tx *tx = NULL;
	enum ov_status st = OV_OK;

	OV_TRY(ov_tx_begin(&tx, b->store));
	OV_TRY(ov_store_job_due(tx, &job));
	*deadline = job.deadline;
	if (job.deadline <= now) {
		OV_TRY(
		    job.state >= OV_JOB_REPORTED
			? conclude_reported(&job, tx, true)
			: ov_job_conclude(&job, tx, OV_STEP_EXPIRE, OV_E_PROTO_EXPIRED));
		OV_TRY(ov_tx_commit(&tx, "job.expire"));
		ov_events_fire(b->events, job.id);
	}
done:
	ov_tx_end(&tx);
	return st;
}

enum ov_status
ov_jobs_expire(const struct ov_broker *b, int64_t *next)
{
	int64_t now = b->now(), deadline = now;
	struct ov_tx *tx = NULL;
	enum ov_status st = OV_OK;

	*next = now + OV_HOUR;
	while (st == OV_OK && deadline <= now)
		st = expire_one(b, now, &deadline);
	if (st == OV_OK && deadline < *next)
		*next = deadline;
	OV_REQUIRE(st == OV_OK || st == OV_E_NOT_FOUND, st);
	OV_TRY(ov_tx_begin(&tx, b->store));
	OV_TRY(ov_store_tokens_expire(tx, now));
	OV_TRY(ov_store_mail_expire(tx, now - OV_MAIL_LIFE));
	OV_TRY(ov_tx_commit(&tx, "store.expire"));
done:
	ov_tx_end(&tx);
	return st;
}
