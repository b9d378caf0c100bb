/* dispatch.h - one table from message to handler, the same for the network and tests.
 *
 * A call is the bytes of one message and the certificate it came under.  It is
 * answered with the bytes of one message, always: a failure becomes ERROR with the
 * name of its status.  Handlers know no connection and keep nothing between calls.
 *
 * What the messages do is PROTOCOL.md's; what it leaves open is fixed here:
 *   PUT_TERMS     answers TERMS_SIGNED as GET_TERMS does; before the second signature
 *                 leaf_type is 0 and only the head of the proof is there.
 *   TERMS_SIGNED  sealed is the envelope that the partner sent for the asker.
 *   TERMS_END     a mail of that kind; its body is the message, then the signature.
 *   LIST_JOBS     after: JOB_LIST row number to go on from, 0 at first.  A row is
 *                 77 bytes: number u64 || job (16) || a (16) || b (16) || state u8 ||
 *                 created u64 || deadline u64 || steps u32; at most 400 rows.
 *   JOB.steps     bit s is set if step s is stored; JOB.a and JOB.b are company ids.
 *   GET_STEP, GET_CHUNK on a job that is over and has it not: the status that fits its
 *                 end (E_JOB_REFUSED, E_JOB_CANCELLED, E_PROTO_EXPIRED, ...), or
 *                 E_NOT_FOUND after `closed` and `unchanged`.
 *   certificates in ENROLLED are PEM.
 */
#ifndef OV_SERVER_DISPATCH_H
#define OV_SERVER_DISPATCH_H

#include "server/broker.h"

enum ov_listener {
	OV_LISTENER_COMPANIES, /* client certificates; everything but ENROL */
	OV_LISTENER_ENROLMENT  /* none; ENROL alone */
};

/* One call and its answer. */
struct ov_call {
	const struct ov_broker *broker;
	struct ov_company who; /* zero on the enrolment listener */
	int64_t now;
	struct ov_buf *reply;
	/* Set with OV_E_BROKER_WAIT: what to wait for and how long. */
	uint8_t wait_id[OV_ID];
	uint32_t wait_ms;
};

typedef enum ov_status ov_handler(struct ov_call *c, const union ov_msg_any *m);

/* The handlers, by file.  Each appends its answer to c->reply; on failure the reply is
 * replaced by ERROR. */
ov_handler ov_handle_hello, ov_handle_who, ov_handle_get_head, ov_handle_get_consistency;
ov_handler ov_handle_enrol;
ov_handler ov_handle_put_mail, ov_handle_get_mail, ov_handle_drop_mail;
ov_handler ov_handle_put_terms, ov_handle_get_terms;
ov_handler ov_handle_put_step, ov_handle_get_step, ov_handle_get_job, ov_handle_list_jobs;
ov_handler ov_handle_put_chunk, ov_handle_get_chunk, ov_handle_have;

/* Begins the transaction of a company's call: its certificate is in force in it, also if
 * it was revoked while the call waited for its turn.  OV_E_BROKER_REVOKED,
 * OV_E_BROKER_UNKNOWN: *tx stays NULL. */
OV_MUST_CHECK enum ov_status ov_call_begin(struct ov_tx **tx, const struct ov_call *c);

/* Appends a message to the answer. */
OV_MUST_CHECK enum ov_status ov_call_reply(
    struct ov_call *c, enum ov_msg type, const void *msg);

/* The same: PROVEN, of a leaf of the log (log.h).  seen: as the call names it, or 0. */
OV_MUST_CHECK enum ov_status ov_call_reply_proven(
    struct ov_call *c, struct ov_tx *tx, uint64_t leaf, uint64_t seen);

/* Answers the call `in` of the certificate `fingerprint` (ignored on the enrolment
 * listener).  OV_E_BROKER_WAIT: wait_id and wait_ms of *c are set, and the reply holds
 * the ERROR to send when waiting is over; every other status has been answered in the
 * reply and is returned for the log.  The reply is overwritten.  Thread-safe. */
enum ov_status ov_dispatch(struct ov_call *c, const struct ov_broker *b,
    enum ov_listener listener, const uint8_t fingerprint[32], struct ov_bytes in,
    struct ov_buf *reply);

/* An ERROR message. */
void ov_dispatch_error(struct ov_buf *reply, enum ov_status st);

#endif /* OV_SERVER_DISPATCH_H */
