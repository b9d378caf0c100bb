/* Terms between two companies: the broker keeps what both sign and reads the release
 * table alone (PROTOCOL.md 6). */
#include "proto/terms.h"

#include <string.h>

#include "common/crypto/memory.h"
#include "common/crypto/sign.h"
#include "proto/keys.h"
#include "server/dispatch.h"
#include "server/events.h"
#include "server/limits.h"
#include "server/log.h"
#include "server/mail.h"

static enum ov_status
set(struct ov_buf *b, struct ov_bytes v)
{
	b->len = 0;
	return ov_buf_append(b, v.p, v.len);
}

/* The pair in order; which of it the caller is. */
struct pair {
	const uint8_t *low, *high;
	bool caller_is_low;
};

static struct pair
pair_of(const struct ov_call *c, const uint8_t partner[OV_ID])
{
	bool low = ov_is_low(c->who.id, partner);

	return (struct pair){ low ? c->who.id : partner, low ? partner : c->who.id, low };
}

/* TERMS_SIGNED for the caller: proof if it is in the log, the partner's envelope. */
static enum ov_status
reply_terms(struct ov_call *c, struct ov_tx *tx, const struct ov_terms_row *row,
    const struct ov_terms_bytes *text, uint64_t seen)
{
	bool low = memcmp(row->low, c->who.id, OV_ID) == 0;
	const struct ov_buf *sealed = low ? &text->sealed_high : &text->sealed_low;
	struct ov_msg_terms_signed m = { .body = OV_BUF_BYTES(&text->body),
		.release = OV_BUF_BYTES(&text->release),
		.sealed = OV_BUF_BYTES(sealed) };
	struct ov_proven proven;
	enum ov_status st = OV_OK;

	if (row->has_low)
		m.signature_low = OV_BYTES(row->signature_low, 64);
	if (row->has_high)
		m.signature_high = OV_BYTES(row->signature_high, 64);
	if (row->has_low && row->has_high)
		OV_TRY(ov_log_prove(&proven, c->broker, tx, row->leaf, seen));
	else
		OV_TRY(ov_log_prove_nothing(&proven, c->broker, tx, seen));
	OV_LOG_PROVEN_INTO(&m, &proven);
	OV_TRY(ov_call_reply(c, OV_MSG_TERMS_SIGNED, &m));
done:
	return st;
}

/* Everything that can be said of PUT_TERMS without looking into the store. */
static enum ov_status
check_put(const struct ov_call *c, struct ov_msg_terms_body *body, const struct pair *p,
    const struct ov_msg_put_terms *m)
{
	struct ov_release release;
	uint8_t id[OV_ID], digest[OV_DIGEST];
	enum ov_status st = OV_OK;

	OV_REQUIRE(memcmp(p->low, p->high, OV_ID) != 0, OV_E_BROKER_DENIED);
	OV_TRY(ov_msg_decode(body, OV_MSG_TERMS_BODY, m->body));
	OV_REQUIRE(body->version == OV_PROTOCOL_VERSION, OV_E_PROTO_VERSION);
	ov_company_id(id, body->low);
	OV_REQUIRE(memcmp(id, p->low, OV_ID) == 0, OV_E_PROTO_MISMATCH);
	ov_company_id(id, body->high);
	OV_REQUIRE(memcmp(id, p->high, OV_ID) == 0, OV_E_PROTO_MISMATCH);
	ov_digest(digest, "release", m->release);
	OV_REQUIRE(memcmp(digest, body->release, OV_DIGEST) == 0, OV_E_PROTO_DIGEST);
	OV_TRY(ov_release_decode(&release, m->release));
	OV_TRY(ov_verify_vartime(m->signature, c->who.identity, "terms", m->body));
done:
	return st;
}

/* A new sequence number is above the one in force, whose place it will take, and above
 * all that are ended. */
static enum ov_status
check_sequence(struct ov_tx *tx, const struct pair *p, uint64_t sequence)
{
	struct ov_terms_row row;
	enum ov_status st =
	    ov_store_terms(tx, &row, NULL, p->low, p->high, OV_STORE_TERMS_IN_FORCE);

	if (st == OV_E_NOT_FOUND) {
		st = ov_store_terms(
		    tx, &row, NULL, p->low, p->high, OV_STORE_TERMS_NEWEST);
		if (st == OV_E_NOT_FOUND || (st == OV_OK && !row.ended))
			return OV_OK;
	}
	if (st == OV_OK && sequence <= row.sequence)
		return OV_E_DB_CONFLICT;
	return st;
}

static enum ov_status
new_row(struct ov_terms_row *row, struct ov_terms_bytes *text, const struct pair *p,
    uint64_t sequence, const struct ov_msg_put_terms *m)
{
	enum ov_status st = OV_OK;

	*row = (struct ov_terms_row){ .sequence = sequence };
	memcpy(row->low, p->low, OV_ID);
	memcpy(row->high, p->high, OV_ID);
	OV_TRY(set(&text->body, m->body));
	OV_TRY(set(&text->release, m->release));
done:
	return st;
}

/* Adds the caller's signature and envelope; *fresh: it was not there. */
static enum ov_status
add_signature(bool *fresh, struct ov_terms_row *row, struct ov_terms_bytes *text,
    const struct pair *p, const struct ov_msg_put_terms *m)
{
	bool *has = p->caller_is_low ? &row->has_low : &row->has_high;
	uint8_t *signature = p->caller_is_low ? row->signature_low : row->signature_high;

	*fresh = !*has;
	if (*has)
		return OV_OK; /* the first one stands */
	*has = true;
	memcpy(signature, m->signature, 64);
	return set(p->caller_is_low ? &text->sealed_low : &text->sealed_high, m->sealed);
}

static enum ov_status
log_terms(struct ov_terms_row *row, struct ov_tx *tx, struct ov_bytes body)
{
	struct ov_bytes parts[] = { body, OV_BYTES(row->signature_low, 64),
		OV_BYTES(row->signature_high, 64) };
	struct ov_log_leaf leaf;
	uint8_t digest[OV_DIGEST];
	enum ov_status st;

	ov_hash_parts(digest, parts, 3);
	st = ov_store_log_append(
	    tx, &leaf, OV_LEAF_TERMS, OV_BYTES(digest, sizeof(digest)));
	row->leaf = leaf.index;
	return st;
}

static enum ov_status
tell_partner(const struct ov_call *c, struct ov_tx *tx, const uint8_t partner[OV_ID])
{
	uint8_t mail[OV_ID];

	ov_random(mail, sizeof(mail));
	return ov_mail_write(tx, c->now, OV_MAIL_TERMS_SIGNED, c->who.id, partner, mail,
	    OV_BYTES(NULL, 0));
}

enum ov_status
ov_handle_put_terms(struct ov_call *c, const union ov_msg_any *any)
{
	const struct ov_msg_put_terms *m = &any->put_terms;
	struct pair p = pair_of(c, m->partner);
	struct ov_msg_terms_body body;
	struct ov_terms_row row;
	struct ov_terms_bytes text = { 0 };
	struct ov_company partner;
	struct ov_tx *tx = NULL;
	enum ov_status st = OV_OK;
	bool fresh = false;

	OV_TRY(check_put(c, &body, &p, m));
	OV_TRY(ov_call_begin(&tx, c));
	st = ov_store_company(tx, &partner, m->partner);
	OV_REQUIRE(st == OV_OK || st == OV_E_NOT_FOUND, st);
	OV_REQUIRE(
	    st == OV_OK && partner.status == OV_COMPANY_ACTIVE, OV_E_BROKER_UNKNOWN);
	st = ov_store_terms(tx, &row, &text, p.low, p.high, body.sequence);
	if (st == OV_E_NOT_FOUND) {
		OV_TRY(check_sequence(tx, &p, body.sequence));
		st = new_row(&row, &text, &p, body.sequence, m);
	}
	OV_TRY(st);
	OV_REQUIRE(!row.ended, OV_E_TERMS_MISSING);
	OV_REQUIRE(text.body.len == m->body.len &&
		       memcmp(text.body.p, m->body.p, m->body.len) == 0,
	    OV_E_DB_CONFLICT);
	OV_TRY(add_signature(&fresh, &row, &text, &p, m));
	if (fresh) {
		if (row.has_low && row.has_high)
			OV_TRY(log_terms(&row, tx, m->body));
		OV_TRY(ov_store_terms_put(tx, &row, &text));
		OV_TRY(ov_limit_stored(c, tx, 0)); /* these are in it */
		OV_TRY(tell_partner(c, tx, m->partner));
	}
	OV_TRY(reply_terms(c, tx, &row, &text, m->seen));
	OV_TRY(ov_tx_commit(&tx, "terms.put"));
	ov_events_fire(c->broker->events, m->partner);
done:
	ov_tx_end(&tx);
	ov_terms_bytes_free(&text);
	return st;
}

enum ov_status
ov_handle_get_terms(struct ov_call *c, const union ov_msg_any *m)
{
	struct pair p = pair_of(c, m->get_terms.partner);
	struct ov_terms_bytes text = { 0 };
	struct ov_terms_row row;
	struct ov_tx *tx = NULL;
	enum ov_status st = OV_OK;

	OV_TRY(ov_call_begin(&tx, c));
	OV_TRY(ov_store_terms(tx, &row, &text, p.low, p.high, OV_STORE_TERMS_NEWEST));
	OV_TRY(reply_terms(c, tx, &row, &text, m->get_terms.seen));
done:
	ov_tx_end(&tx);
	ov_terms_bytes_free(&text);
	return st;
}
