#include "server/dispatch.h"

#include <string.h>

#include "common/log.h"
#include "server/log.h"

static const struct {
	enum ov_msg type;
	enum ov_listener listener;
	ov_handler *handle;
} table[] = {
	{ OV_MSG_ENROL, OV_LISTENER_ENROLMENT, ov_handle_enrol },
	{ OV_MSG_HELLO, OV_LISTENER_COMPANIES, ov_handle_hello },
	{ OV_MSG_WHO, OV_LISTENER_COMPANIES, ov_handle_who },
	{ OV_MSG_GET_HEAD, OV_LISTENER_COMPANIES, ov_handle_get_head },
	{ OV_MSG_GET_CONSISTENCY, OV_LISTENER_COMPANIES, ov_handle_get_consistency },
	{ OV_MSG_PUT_MAIL, OV_LISTENER_COMPANIES, ov_handle_put_mail },
	{ OV_MSG_GET_MAIL, OV_LISTENER_COMPANIES, ov_handle_get_mail },
	{ OV_MSG_DROP_MAIL, OV_LISTENER_COMPANIES, ov_handle_drop_mail },
	{ OV_MSG_PUT_TERMS, OV_LISTENER_COMPANIES, ov_handle_put_terms },
	{ OV_MSG_GET_TERMS, OV_LISTENER_COMPANIES, ov_handle_get_terms },
	{ OV_MSG_PUT_STEP, OV_LISTENER_COMPANIES, ov_handle_put_step },
	{ OV_MSG_GET_STEP, OV_LISTENER_COMPANIES, ov_handle_get_step },
	{ OV_MSG_GET_JOB, OV_LISTENER_COMPANIES, ov_handle_get_job },
	{ OV_MSG_LIST_JOBS, OV_LISTENER_COMPANIES, ov_handle_list_jobs },
	{ OV_MSG_PUT_CHUNK, OV_LISTENER_COMPANIES, ov_handle_put_chunk },
	{ OV_MSG_GET_CHUNK, OV_LISTENER_COMPANIES, ov_handle_get_chunk },
	{ OV_MSG_HAVE, OV_LISTENER_COMPANIES, ov_handle_have },
};

enum ov_status
ov_call_reply(struct ov_call *c, enum ov_msg type, const void *msg)
{
	return ov_msg_encode(c->reply, type, msg);
}

enum ov_status
ov_call_reply_proven(struct ov_call *c, struct ov_tx *tx, uint64_t leaf, uint64_t seen)
{
	struct ov_msg_proven m = { 0 };
	struct ov_proven proven;
	enum ov_status st = OV_OK;

	OV_TRY(ov_log_prove(&proven, c->broker, tx, leaf, seen));
	OV_LOG_PROVEN_INTO(&m, &proven);
	OV_TRY(ov_call_reply(c, OV_MSG_PROVEN, &m));
done:
	return st;
}

enum ov_status
ov_call_begin(struct ov_tx **tx, const struct ov_call *c)
{
	struct ov_company now;
	enum ov_status st = OV_OK;

	OV_TRY(ov_tx_begin(tx, c->broker->store));
	st = ov_store_company(*tx, &now, c->who.id);
	OV_REQUIRE(st != OV_E_NOT_FOUND, OV_E_BROKER_UNKNOWN);
	OV_TRY(st);
	OV_REQUIRE(now.status == OV_COMPANY_ACTIVE, OV_E_BROKER_REVOKED);
	OV_REQUIRE(
	    memcmp(now.fingerprint, c->who.fingerprint, 32) == 0, OV_E_BROKER_UNKNOWN);
done:
	if (st != OV_OK)
		ov_tx_end(tx);
	return st;
}

/* How long a client should wait before it tries again; 0: trying again is no use. */
static uint64_t
retry_after(enum ov_status st)
{
	if (st == OV_E_BROKER_WAIT)
		return 1000;
	if (st == OV_E_DB_CONFLICT)
		return 0;
	if (st == OV_E_BROKER_QUOTA || st == OV_E_NET_LIMIT)
		return 60000;
	return ov_status_class(st) == OV_CLASS_HOST ? 5000 : 0;
}

void
ov_dispatch_error(struct ov_buf *reply, enum ov_status st)
{
	const char *name = ov_status_name(st);
	struct ov_msg_error m = { .status = OV_BYTES(name, strlen(name)),
		.retry_ms = retry_after(st) };

	reply->len = 0;
	/* Out of memory even for this: the empty answer closes the connection. */
	if (ov_msg_encode(reply, OV_MSG_ERROR, &m) != OV_OK)
		reply->len = 0;
}

/* The caller is the certificate, and it must be in force now. */
static enum ov_status
authenticate(struct ov_company *who, const struct ov_broker *b, const uint8_t fp[32])
{
	enum ov_status st = ov_store_company_of_certificate(b->store, who, fp);

	if (st == OV_E_NOT_FOUND)
		return OV_E_BROKER_UNKNOWN;
	if (st == OV_OK && who->status != OV_COMPANY_ACTIVE)
		return OV_E_BROKER_REVOKED;
	return st;
}

static enum ov_status
dispatch(struct ov_call *c, enum ov_listener listener, const uint8_t fp[32],
    struct ov_bytes in)
{
	enum ov_msg type = ov_msg_type(in);
	union ov_msg_any m;
	enum ov_status st = OV_OK;

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (table[i].type != type || table[i].listener != listener)
			continue;
		if (listener == OV_LISTENER_COMPANIES)
			OV_TRY(authenticate(&c->who, c->broker, fp));
		OV_TRY(ov_msg_decode(&m, type, in));
		return table[i].handle(c, &m);
	}
	st = OV_E_WIRE_UNKNOWN;
done:
	return st;
}

static void
log_refusal(const struct ov_call *c, enum ov_msg type, enum ov_status st)
{
	enum ov_class class = ov_status_class(st);
	bool ours =
	    class == OV_CLASS_BUG || (class == OV_CLASS_HOST && st != OV_E_DB_CONFLICT);

	ov_log(ours ? OV_LOG_ERROR : OV_LOG_INFO, "call.refused",
	    OV_F_U64("message", type), OV_F_STATUS(st), OV_F_ID("company", c->who.id));
}

enum ov_status
ov_dispatch(struct ov_call *c, const struct ov_broker *b, enum ov_listener listener,
    const uint8_t fingerprint[32], struct ov_bytes in, struct ov_buf *reply)
{
	enum ov_status st;

	*c = (struct ov_call){ .broker = b, .now = b->now(), .reply = reply };
	reply->len = 0;
	st = dispatch(c, listener, fingerprint, in);
	if (st == OV_OK)
		return st;
	if (st != OV_E_BROKER_WAIT)
		log_refusal(c, ov_msg_type(in), st);
	ov_dispatch_error(reply, st);
	return st;
}

/* --- what asks about the broker itself --- */

enum ov_status
ov_handle_hello(struct ov_call *c, const union ov_msg_any *m)
{
	struct ov_msg_welcome w = { .version = OV_PROTOCOL_VERSION,
		.time = (uint64_t)c->now };
	struct ov_signed_head head;
	struct ov_tx *tx = NULL;
	enum ov_status st = OV_OK;

	OV_REQUIRE(m->hello.version_min <= OV_PROTOCOL_VERSION &&
		       m->hello.version_max >= OV_PROTOCOL_VERSION,
	    OV_E_PROTO_VERSION);
	OV_TRY(ov_call_begin(&tx, c));
	OV_TRY(ov_log_head(&head, c->broker, tx, m->hello.seen));
	OV_LOG_HEAD_INTO(&w, &head);
	OV_TRY(ov_call_reply(c, OV_MSG_WELCOME, &w));
done:
	ov_tx_end(&tx);
	return st;
}

enum ov_status
ov_handle_get_head(struct ov_call *c, const union ov_msg_any *m)
{
	struct ov_msg_head reply = { 0 };
	struct ov_signed_head head;
	struct ov_tx *tx = NULL;
	enum ov_status st = OV_OK;

	OV_TRY(ov_call_begin(&tx, c));
	OV_TRY(ov_log_head(&head, c->broker, tx, m->get_head.seen));
	OV_LOG_HEAD_INTO(&reply, &head);
	OV_TRY(ov_call_reply(c, OV_MSG_HEAD, &reply));
done:
	ov_tx_end(&tx);
	return st;
}

enum ov_status
ov_handle_get_consistency(struct ov_call *c, const union ov_msg_any *m)
{
	struct ov_msg_consistency reply = { 0 };
	struct ov_merkle_store nodes;
	struct ov_merkle_proof proof;
	struct ov_tx *tx = NULL;
	enum ov_status st = OV_OK;
	uint64_t size;

	OV_TRY(ov_call_begin(&tx, c));
	OV_TRY(ov_store_log_size(tx, &size));
	OV_REQUIRE(m->get_consistency.from <= m->get_consistency.to &&
		       m->get_consistency.to <= size,
	    OV_E_NOT_FOUND);
	nodes = ov_store_log_nodes(tx);
	OV_TRY(ov_merkle_prove_consistency(
	    &proof, &nodes, m->get_consistency.from, m->get_consistency.to));
	reply.proof = OV_BYTES(proof.bytes, proof.len);
	OV_TRY(ov_call_reply(c, OV_MSG_CONSISTENCY, &reply));
done:
	ov_tx_end(&tx);
	return st;
}

enum ov_status
ov_handle_who(struct ov_call *c, const union ov_msg_any *m)
{
	struct ov_msg_company reply = { 0 };
	struct ov_company other;
	struct ov_tx *tx = NULL;
	enum ov_status st = OV_OK;

	OV_TRY(ov_call_begin(&tx, c));
	st = ov_store_company(tx, &other, m->who.company);
	OV_REQUIRE(st == OV_OK || st == OV_E_NOT_FOUND, st);
	OV_REQUIRE(st == OV_OK && other.status == OV_COMPANY_ACTIVE, OV_E_BROKER_UNKNOWN);
	reply.name = OV_BYTES(other.name, strlen(other.name));
	memcpy(reply.identity, other.identity, 32);
	memcpy(reply.envelope, other.envelope, 32);
	OV_TRY(ov_call_reply(c, OV_MSG_COMPANY, &reply));
done:
	ov_tx_end(&tx);
	return st;
}
