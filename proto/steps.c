#include "proto/steps.h"

#include <stddef.h>

#define A OV_ROLE_A
#define B OV_ROLE_B
#define S OV_ROLE_S

/* The life of a job.  Read it top to bottom; what is not here cannot happen. */
static const struct {
	enum ov_job_state from;
	enum ov_role who;
	enum ov_step step;
	enum ov_job_state to;
} table[] = {
	{ OV_JOB_NONE, A, OV_STEP_PROPOSE, OV_JOB_PROPOSED },

	{ OV_JOB_PROPOSED, B, OV_STEP_ACCEPT, OV_JOB_ACCEPTED },
	{ OV_JOB_PROPOSED, B, OV_STEP_REFUSE, OV_JOB_REFUSED },
	{ OV_JOB_PROPOSED, A, OV_STEP_CANCEL_A, OV_JOB_CANCELLED },
	{ OV_JOB_PROPOSED, B, OV_STEP_CANCEL_B, OV_JOB_CANCELLED },
	{ OV_JOB_PROPOSED, S, OV_STEP_EXPIRE, OV_JOB_EXPIRED },
	{ OV_JOB_PROPOSED, S, OV_STEP_EQUIVOCATE, OV_JOB_EQUIVOCATION },
	{ OV_JOB_PROPOSED, S, OV_STEP_FAIL, OV_JOB_FAILED },

	{ OV_JOB_ACCEPTED, S, OV_STEP_BOTH_UNCHANGED, OV_JOB_UNCHANGED },
	{ OV_JOB_ACCEPTED, A, OV_STEP_CHUNK, OV_JOB_EXCHANGING },
	{ OV_JOB_ACCEPTED, B, OV_STEP_CHUNK, OV_JOB_EXCHANGING },
	{ OV_JOB_ACCEPTED, A, OV_STEP_CANCEL_A, OV_JOB_CANCELLED },
	{ OV_JOB_ACCEPTED, B, OV_STEP_CANCEL_B, OV_JOB_CANCELLED },
	{ OV_JOB_ACCEPTED, S, OV_STEP_EXPIRE, OV_JOB_EXPIRED },
	{ OV_JOB_ACCEPTED, S, OV_STEP_EQUIVOCATE, OV_JOB_EQUIVOCATION },
	{ OV_JOB_ACCEPTED, S, OV_STEP_FAIL, OV_JOB_FAILED },

	{ OV_JOB_EXCHANGING, A, OV_STEP_CHUNK, OV_JOB_EXCHANGING },
	{ OV_JOB_EXCHANGING, B, OV_STEP_CHUNK, OV_JOB_EXCHANGING },
	{ OV_JOB_EXCHANGING, A, OV_STEP_COMPLETE_POINTS_A, OV_JOB_EXCHANGING },
	{ OV_JOB_EXCHANGING, B, OV_STEP_COMPLETE_POINTS_B, OV_JOB_EXCHANGING },
	{ OV_JOB_EXCHANGING, A, OV_STEP_COMPLETE_ROSTER_A, OV_JOB_EXCHANGING },
	{ OV_JOB_EXCHANGING, B, OV_STEP_COMPLETE_ROSTER_B, OV_JOB_EXCHANGING },
	{ OV_JOB_EXCHANGING, A, OV_STEP_COMPLETE_TAGS_A, OV_JOB_EXCHANGING },
	{ OV_JOB_EXCHANGING, B, OV_STEP_COMPLETE_TAGS_B, OV_JOB_EXCHANGING },
	{ OV_JOB_EXCHANGING, S, OV_STEP_REPORT, OV_JOB_REPORTED },
	{ OV_JOB_EXCHANGING, A, OV_STEP_CANCEL_A, OV_JOB_CANCELLED },
	{ OV_JOB_EXCHANGING, B, OV_STEP_CANCEL_B, OV_JOB_CANCELLED },
	{ OV_JOB_EXCHANGING, S, OV_STEP_EXPIRE, OV_JOB_EXPIRED },
	{ OV_JOB_EXCHANGING, S, OV_STEP_EQUIVOCATE, OV_JOB_EQUIVOCATION },
	{ OV_JOB_EXCHANGING, S, OV_STEP_FAIL, OV_JOB_FAILED },

	{ OV_JOB_REPORTED, A, OV_STEP_CONFIRM_A, OV_JOB_CONFIRMING },
	{ OV_JOB_REPORTED, A, OV_STEP_CLOSE_A, OV_JOB_REPORTED },
	{ OV_JOB_REPORTED, B, OV_STEP_CLOSE_B, OV_JOB_REPORTED },
	{ OV_JOB_REPORTED, S, OV_STEP_BOTH_CLOSED, OV_JOB_CLOSED },
	{ OV_JOB_REPORTED, S, OV_STEP_MISBEHAVED, OV_JOB_MISBEHAVED },
	{ OV_JOB_REPORTED, S, OV_STEP_EXPIRE, OV_JOB_EXPIRED },
	{ OV_JOB_REPORTED, S, OV_STEP_FAIL, OV_JOB_FAILED },

	{ OV_JOB_CONFIRMING, B, OV_STEP_CONFIRM_B, OV_JOB_CONFIRMING },
	{ OV_JOB_CONFIRMING, A, OV_STEP_CONFIRMED_A, OV_JOB_CONFIRMING },
	{ OV_JOB_CONFIRMING, A, OV_STEP_CHUNK, OV_JOB_CONFIRMING },
	{ OV_JOB_CONFIRMING, B, OV_STEP_CHUNK, OV_JOB_CONFIRMING },
	{ OV_JOB_CONFIRMING, A, OV_STEP_COMPLETE_FIELDS_A, OV_JOB_CONFIRMING },
	{ OV_JOB_CONFIRMING, B, OV_STEP_COMPLETE_FIELDS_B, OV_JOB_CONFIRMING },
	{ OV_JOB_CONFIRMING, A, OV_STEP_CLOSE_A, OV_JOB_CONFIRMING },
	{ OV_JOB_CONFIRMING, B, OV_STEP_CLOSE_B, OV_JOB_CONFIRMING },
	{ OV_JOB_CONFIRMING, S, OV_STEP_BOTH_CLOSED, OV_JOB_CLOSED },
	{ OV_JOB_CONFIRMING, S, OV_STEP_CONFIRM_FAIL, OV_JOB_CONFIRM_FAILED },
	{ OV_JOB_CONFIRMING, S, OV_STEP_MISBEHAVED, OV_JOB_MISBEHAVED },
	{ OV_JOB_CONFIRMING, S, OV_STEP_EXPIRE, OV_JOB_EXPIRED },
	{ OV_JOB_CONFIRMING, S, OV_STEP_FAIL, OV_JOB_FAILED },
};

static const struct {
	enum ov_msg message;
	const char *context;
	enum ov_role sender;
	uint8_t leaf;
} stored[OV_STEP_STORED] = {
	[0] = { OV_MSG_NONE, NULL, OV_ROLES, 0 },
	[OV_STEP_PROPOSE] = { OV_MSG_PROPOSE, "propose", A, OV_LEAF_PROPOSED },
	[OV_STEP_ACCEPT] = { OV_MSG_ACCEPT, "accept", B, OV_LEAF_ACCEPTED },
	[OV_STEP_REFUSE] = { OV_MSG_REFUSE, "refuse", B, OV_LEAF_FAILED },
	[OV_STEP_CANCEL_A] = { OV_MSG_CANCEL, "cancel", A, OV_LEAF_FAILED },
	[OV_STEP_CANCEL_B] = { OV_MSG_CANCEL, "cancel", B, OV_LEAF_FAILED },
	[OV_STEP_COMPLETE_POINTS_A] = { OV_MSG_COMPLETE, "complete", A,
	    OV_LEAF_COMPLETE },
	[OV_STEP_COMPLETE_POINTS_B] = { OV_MSG_COMPLETE, "complete", B,
	    OV_LEAF_COMPLETE },
	[OV_STEP_COMPLETE_ROSTER_A] = { OV_MSG_COMPLETE, "complete", A,
	    OV_LEAF_COMPLETE },
	[OV_STEP_COMPLETE_ROSTER_B] = { OV_MSG_COMPLETE, "complete", B,
	    OV_LEAF_COMPLETE },
	[OV_STEP_COMPLETE_TAGS_A] = { OV_MSG_COMPLETE, "complete", A, OV_LEAF_COMPLETE },
	[OV_STEP_COMPLETE_TAGS_B] = { OV_MSG_COMPLETE, "complete", B, OV_LEAF_COMPLETE },
	[OV_STEP_REPORT] = { OV_MSG_REPORT, "report", S, OV_LEAF_RELEASED },
	[OV_STEP_CONFIRM_A] = { OV_MSG_CONFIRM_A, "confirm", A, OV_LEAF_CONFIRMED },
	[OV_STEP_CONFIRM_B] = { OV_MSG_CONFIRM_B, "confirm", B, OV_LEAF_CONFIRMED },
	[OV_STEP_CONFIRMED_A] = { OV_MSG_CONFIRMED_A, "confirm", A, OV_LEAF_CONFIRMED },
	[OV_STEP_COMPLETE_FIELDS_A] = { OV_MSG_COMPLETE, "complete", A,
	    OV_LEAF_COMPLETE },
	[OV_STEP_COMPLETE_FIELDS_B] = { OV_MSG_COMPLETE, "complete", B,
	    OV_LEAF_COMPLETE },
	[OV_STEP_CLOSE_A] = { OV_MSG_CLOSE, "close", A, OV_LEAF_CLOSED },
	[OV_STEP_CLOSE_B] = { OV_MSG_CLOSE, "close", B, OV_LEAF_CLOSED },
};

enum ov_status
ov_job_step(
    enum ov_job_state *to, enum ov_job_state from, enum ov_role who, enum ov_step step)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (table[i].from == from && table[i].who == who &&
		    table[i].step == step) {
			*to = table[i].to;
			return OV_OK;
		}
	return OV_E_PROTO_UNEXPECTED;
}

bool
ov_job_final(enum ov_job_state s)
{
	return s >= OV_JOB_CLOSED;
}

const char *
ov_job_state_name(enum ov_job_state s)
{
	static const char *const names[OV_JOB_STATES] = { "none", "proposed", "accepted",
		"exchanging", "reported", "confirming", "closed", "unchanged", "refused",
		"cancelled", "expired", "equivocation", "broker_misbehaved",
		"confirm_failed", "failed" };

	return (unsigned int)s < OV_JOB_STATES ? names[s] : "?";
}

enum ov_msg
ov_step_message(unsigned int step)
{
	return step < OV_STEP_STORED ? stored[step].message : OV_MSG_NONE;
}

const char *
ov_step_context(unsigned int step)
{
	return step < OV_STEP_STORED ? stored[step].context : NULL;
}

enum ov_role
ov_step_sender(unsigned int step)
{
	return step < OV_STEP_STORED ? stored[step].sender : OV_ROLES;
}

uint8_t
ov_step_leaf(unsigned int step)
{
	return step < OV_STEP_STORED ? stored[step].leaf : 0;
}

enum ov_role
ov_stream_sender(unsigned int stream)
{
	if (stream == 0 || stream >= OV_STREAMS)
		return OV_ROLES;
	if (stream == OV_STREAM_VIEW_A || stream == OV_STREAM_VIEW_B)
		return S;
	return (stream & 1) != 0 ? A : B;
}

enum ov_role
ov_stream_receiver(unsigned int stream)
{
	static const enum ov_role to[OV_STREAMS] = { OV_ROLES, B, A, S, S, S, S, A, B, B,
		A };

	return stream < OV_STREAMS ? to[stream] : OV_ROLES;
}

unsigned int
ov_stream_complete_step(unsigned int stream)
{
	static const uint8_t steps[OV_STREAMS] = { 0, OV_STEP_COMPLETE_POINTS_A,
		OV_STEP_COMPLETE_POINTS_B, OV_STEP_COMPLETE_ROSTER_A,
		OV_STEP_COMPLETE_ROSTER_B, OV_STEP_COMPLETE_TAGS_A,
		OV_STEP_COMPLETE_TAGS_B, 0, 0, OV_STEP_COMPLETE_FIELDS_A,
		OV_STEP_COMPLETE_FIELDS_B };

	return stream < OV_STREAMS ? steps[stream] : 0;
}
