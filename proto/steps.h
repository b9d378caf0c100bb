/* steps.h - which step may follow which in a job: one table, both ends run it.
 *
 * Pure: no clock, no store.  What is not in the table cannot happen.
 */
#ifndef OV_PROTO_STEPS_H
#define OV_PROTO_STEPS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/status.h"
#include "proto/messages.h"

/* States of a job, as numbered on the wire (JOB.state).  From OV_JOB_CLOSED on they are
 * final. */
enum ov_job_state {
	OV_JOB_NONE = 0,
	OV_JOB_PROPOSED = 1,
	OV_JOB_ACCEPTED = 2,
	OV_JOB_EXCHANGING = 3,
	OV_JOB_REPORTED = 4,
	OV_JOB_CONFIRMING = 5,
	OV_JOB_CLOSED = 6,
	OV_JOB_UNCHANGED = 7,
	OV_JOB_REFUSED = 8,
	OV_JOB_CANCELLED = 9,
	OV_JOB_EXPIRED = 10,
	OV_JOB_EQUIVOCATION = 11,
	OV_JOB_MISBEHAVED = 12,
	OV_JOB_CONFIRM_FAILED = 13,
	OV_JOB_FAILED = 14,
	OV_JOB_STATES = 15
};

/* Who takes a step: the proposer, the acceptor, the broker. */
enum ov_role { OV_ROLE_A = 0, OV_ROLE_B = 1, OV_ROLE_S = 2, OV_ROLES = 3 };

/* Steps: those below OV_STEP_STORED are signed messages, kept as (job, step), the
 * first one wins.  The others are events without a message. */
enum ov_step {
	OV_STEP_PROPOSE = 1,
	OV_STEP_ACCEPT = 2,
	OV_STEP_REFUSE = 3,
	OV_STEP_CANCEL_A = 4,
	OV_STEP_CANCEL_B = 5,
	OV_STEP_COMPLETE_POINTS_A = 6,
	OV_STEP_COMPLETE_POINTS_B = 7,
	OV_STEP_COMPLETE_ROSTER_A = 8,
	OV_STEP_COMPLETE_ROSTER_B = 9,
	OV_STEP_COMPLETE_TAGS_A = 10,
	OV_STEP_COMPLETE_TAGS_B = 11,
	OV_STEP_REPORT = 12,
	OV_STEP_CONFIRM_A = 13,
	OV_STEP_CONFIRM_B = 14,
	OV_STEP_CONFIRMED_A = 15,
	OV_STEP_COMPLETE_FIELDS_A = 16,
	OV_STEP_COMPLETE_FIELDS_B = 17,
	OV_STEP_CLOSE_A = 18,
	OV_STEP_CLOSE_B = 19,
	OV_STEP_STORED = 20,

	OV_STEP_CHUNK = 20,	     /* a chunk of a stream came */
	OV_STEP_BOTH_UNCHANGED = 21, /* ACCEPT and PROPOSE name the same last job */
	OV_STEP_BOTH_CLOSED = 22,
	OV_STEP_EXPIRE = 23,
	OV_STEP_EQUIVOCATE = 24, /* a second PROPOSE or ACCEPT, before the report */
	OV_STEP_MISBEHAVED = 25, /* both closed, one with a verdict against the report */
	OV_STEP_CONFIRM_FAIL = 26,
	OV_STEP_FAIL = 27,
	OV_STEPS = 28
};

/* Streams of a job.  A's streams are odd, B's even. */
enum ov_stream {
	OV_STREAM_POINTS_A = 1,
	OV_STREAM_POINTS_B = 2,
	OV_STREAM_ROSTER_A = 3,
	OV_STREAM_ROSTER_B = 4,
	OV_STREAM_TAGS_A = 5, /* sent by A: tags of B's points, in B's order */
	OV_STREAM_TAGS_B = 6,
	OV_STREAM_VIEW_A = 7, /* sent by S to A */
	OV_STREAM_VIEW_B = 8,
	OV_STREAM_FIELDS_A = 9,
	OV_STREAM_FIELDS_B = 10,
	OV_STREAMS = 11
};

/* The state after `who` took `step` in `from`; OV_E_PROTO_UNEXPECTED (and *to
 * untouched) if the table does not allow it. */
OV_MUST_CHECK enum ov_status ov_job_step(
    enum ov_job_state *to, enum ov_job_state from, enum ov_role who, enum ov_step step);

bool ov_job_final(enum ov_job_state s);

/* Lower-case name as the CLI writes it ("exchanging"); "?" if none. */
const char *ov_job_state_name(enum ov_job_state s);

/* The message type of a stored step, its signing context, its sender and its log
 * leaf type; OV_MSG_NONE/NULL/OV_ROLES/0 for events and unknown numbers. */
enum ov_msg ov_step_message(unsigned int step);
const char *ov_step_context(unsigned int step);
enum ov_role ov_step_sender(unsigned int step);
uint8_t ov_step_leaf(unsigned int step);

/* Sender and receiver of a stream (OV_ROLES when unknown).  ROSTER and TAGS go to S. */
enum ov_role ov_stream_sender(unsigned int stream);
enum ov_role ov_stream_receiver(unsigned int stream);

/* The COMPLETE step of a stream that a partner sends; 0 if it has none. */
unsigned int ov_stream_complete_step(unsigned int stream);

/* The stream of this kind (a POINTS_A .. FIELDS_A number) that role A or B sends. */
static inline unsigned int
ov_stream_of(enum ov_stream of_a, enum ov_role role)
{
	return (unsigned int)of_a + (role == OV_ROLE_B ? 1U : 0U);
}

#endif /* OV_PROTO_STEPS_H */
