/* Mail between companies, and the mails that the broker writes itself. */
#include "server/mail.h"

#include <string.h>

#include "common/crypto/sign.h"
#include "proto/terms.h"
#include "server/dispatch.h"
#include "server/events.h"
#include "server/jobs.h"
#include "server/limits.h"
#include "server/log.h"

#define SIGNATURE_LEN 64

enum ov_status
ov_mail_write(struct ov_tx *tx, int64_t now, enum ov_mail kind, const uint8_t from[OV_ID],
    const uint8_t to[OV_ID], const uint8_t mail[OV_ID], struct ov_bytes body)
{
	struct ov_mail_row row = { .kind = (uint8_t)kind, .sent = now };
	enum ov_put_result how;

	memcpy(row.from, from, OV_ID);
	memcpy(row.to, to, OV_ID);
	memcpy(row.mail, mail, OV_ID);
	return ov_store_mail_put(tx, &how, &row, body); /* there already: as good */
}

/* A signed message as mail: the caller's, for the receiver. */
static enum ov_status
check_signed(struct ov_bytes *message, struct ov_bytes *signature,
    const struct ov_call *c, const struct ov_msg_put_mail *m)
{
	enum ov_status st = OV_OK;

	OV_REQUIRE(m->body.len > SIGNATURE_LEN, OV_E_WIRE_TRUNCATED);
	*message = OV_BYTES(m->body.p, m->body.len - SIGNATURE_LEN);
	*signature = OV_BYTES(m->body.p + message->len, SIGNATURE_LEN);
	OV_TRY(ov_verify_vartime(signature->p, c->who.identity, "end", *message));
done:
	return st;
}

/* The jobs of the two that are under way. */
static enum ov_status
fail_jobs(const struct ov_call *c, struct ov_tx *tx, const uint8_t other[OV_ID])
{
	struct ov_job job;
	enum ov_status st;

	while ((st = ov_store_job_between(tx, &job, c->who.id, other)) == OV_OK) {
		OV_TRY(ov_job_conclude(&job, tx, OV_STEP_FAIL, OV_E_TERMS_MISSING));
		ov_events_fire(c->broker->events, job.id);
	}
	if (st == OV_E_NOT_FOUND)
		st = OV_OK;
done:
	return st;
}

/* --- words about the end of a partnership: mail for the partner, and a fact --- */

static bool
is_fact(uint64_t kind)
{
	return kind == OV_MAIL_TERMS_END || kind == OV_MAIL_TERMS_ENDED;
}

static enum ov_status
read_end(
    struct ov_bytes message, const struct ov_call *c, const struct ov_msg_put_mail *m)
{
	struct ov_msg_terms_end end;
	enum ov_status st;

	OV_TRY(ov_msg_decode(&end, OV_MSG_TERMS_END, message));
	OV_REQUIRE(
	    memcmp(end.from, c->who.id, OV_ID) == 0 && memcmp(end.to, m->to, OV_ID) == 0,
	    OV_E_PROTO_MISMATCH);
done:
	return st;
}

static enum ov_status
end_terms(struct ov_call *c, struct ov_tx *tx, const uint8_t other[OV_ID])
{
	bool low = ov_is_low(c->who.id, other);
	enum ov_status st;

	OV_TRY(fail_jobs(c, tx, other));
	OV_TRY(ov_store_terms_end(tx, low ? c->who.id : other, low ? other : c->who.id));
done:
	return st;
}

/* That the other side has deleted its part. */
static enum ov_status
read_ended(
    struct ov_bytes message, const struct ov_call *c, const struct ov_msg_put_mail *m)
{
	struct ov_msg_terms_ended ended;
	enum ov_status st;

	OV_TRY(ov_msg_decode(&ended, OV_MSG_TERMS_ENDED, message));
	OV_REQUIRE(memcmp(ended.from, c->who.id, OV_ID) == 0 &&
		       memcmp(ended.to, m->to, OV_ID) == 0,
	    OV_E_PROTO_MISMATCH);
done:
	return st;
}

/* What such a mail brings about, when it is new; and its place in the log, once. */
static enum ov_status
take_fact(struct ov_mail_row *row, struct ov_call *c, struct ov_tx *tx,
    const struct ov_msg_put_mail *m, bool new)
{
	bool end = m->kind == OV_MAIL_TERMS_END;
	struct ov_bytes message, signature;
	struct ov_log_leaf leaf;
	enum ov_status st;

	OV_TRY(check_signed(&message, &signature, c, m));
	OV_TRY(end ? read_end(message, c, m) : read_ended(message, c, m));
	if (end && new)
		OV_TRY(end_terms(c, tx, m->to));
	OV_TRY(ov_log_signed(&leaf, tx, OV_LEAF_ENDED, message, signature));
	row->leaf = leaf.index;
	OV_TRY(ov_store_mail_logged(tx, row));
done:
	return st;
}

/* --- mail --- */

static enum ov_status
receiver_is_there(struct ov_tx *tx, const uint8_t to[OV_ID])
{
	struct ov_company other;
	enum ov_status st = ov_store_company(tx, &other, to);

	if (st == OV_E_NOT_FOUND || (st == OV_OK && other.status != OV_COMPANY_ACTIVE))
		return OV_E_BROKER_UNKNOWN;
	return st;
}

enum ov_status
ov_handle_put_mail(struct ov_call *c, const union ov_msg_any *any)
{
	const struct ov_msg_put_mail *m = &any->put_mail;
	struct ov_mail_row row = { .kind = (uint8_t)m->kind, .sent = c->now };
	struct ov_msg_done reply = { 0 };
	struct ov_tx *tx = NULL;
	enum ov_status st = OV_OK;
	enum ov_put_result how;

	/* Two kinds come from the broker's hand alone. */
	OV_REQUIRE(m->kind <= OV_MAIL_SENDABLE_LAST && m->kind != OV_MAIL_JOB &&
		       m->kind != OV_MAIL_TERMS_SIGNED,
	    OV_E_BROKER_DENIED);
	memcpy(row.from, c->who.id, OV_ID);
	memcpy(row.to, m->to, OV_ID);
	memcpy(row.mail, m->mail, OV_ID);
	OV_TRY(ov_call_begin(&tx, c));
	OV_TRY(receiver_is_there(tx, m->to));
	OV_TRY(ov_store_mail_put(tx, &how, &row, m->body));
	OV_REQUIRE(how != OV_PUT_DIFFERENT, OV_E_DB_CONFLICT);
	if (how == OV_PUT_NEW)
		OV_TRY(ov_limit_stored(c, tx, 0)); /* this mail is in it */
	if (is_fact(m->kind) && !row.logged)
		OV_TRY(take_fact(&row, c, tx, m, how == OV_PUT_NEW));
	reply.seq = row.seq;
	OV_TRY(is_fact(m->kind) ? ov_call_reply_proven(c, tx, row.leaf, 0)
				: ov_call_reply(c, OV_MSG_DONE, &reply));
	OV_TRY(ov_tx_commit(&tx, "mail.put"));
	ov_events_fire(c->broker->events, m->to);
done:
	ov_tx_end(&tx);
	return st;
}

enum ov_status
ov_handle_get_mail(struct ov_call *c, const union ov_msg_any *m)
{
	struct ov_mail_row row;
	struct ov_msg_mail reply = { 0 };
	struct ov_buf body = { 0 };
	struct ov_tx *tx = NULL;
	enum ov_status st = OV_OK;

	memcpy(c->wait_id, c->who.id, OV_ID);
	c->wait_ms = (uint32_t)m->get_mail.wait_ms;
	OV_TRY(ov_call_begin(&tx, c));
	st = ov_store_mail_next(tx, &row, &body, c->who.id, m->get_mail.after);
	OV_REQUIRE(st != OV_E_NOT_FOUND, OV_E_BROKER_WAIT);
	OV_TRY(st);
	reply.seq = row.seq;
	memcpy(reply.from, row.from, OV_ID);
	memcpy(reply.mail, row.mail, OV_ID);
	reply.kind = row.kind;
	reply.sent = (uint64_t)row.sent;
	reply.body = OV_BUF_BYTES(&body);
	OV_TRY(ov_call_reply(c, OV_MSG_MAIL, &reply));
done:
	ov_tx_end(&tx);
	ov_buf_free(&body);
	return st;
}

enum ov_status
ov_handle_drop_mail(struct ov_call *c, const union ov_msg_any *m)
{
	struct ov_msg_done reply = { .seq = m->drop_mail.upto };
	struct ov_tx *tx = NULL;
	enum ov_status st = OV_OK;

	OV_TRY(ov_call_begin(&tx, c));
	OV_TRY(ov_store_mail_drop(tx, c->who.id, m->drop_mail.upto));
	OV_TRY(ov_call_reply(c, OV_MSG_DONE, &reply));
	OV_TRY(ov_tx_commit(&tx, "mail.drop"));
done:
	ov_tx_end(&tx);
	return st;
}
