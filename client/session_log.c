#include <string.h>

#include "client/hold.h"
#include "client/session_impl.h"
#include "common/log.h"
#include "common/merkle/merkle.h"

#define CALL_TIMEOUT_MS 30000
#define STORE_TRIES 5

enum ov_status
ov_pin_load(struct ov_pin *pin, struct ov_home *home)
{
	struct ov_db_stmt *q = NULL;
	struct ov_bytes head;
	enum ov_status st = OV_OK;
	bool row;

	memset(pin, 0, sizeof(*pin));
	OV_TRY(ov_db_query(&q, home->db,
	    "SELECT log, size, root, head, signature FROM pin WHERE id = 1"));
	OV_TRY(ov_db_step(q, &row));
	if (!row)
		goto done;
	OV_TRY(ov_db_copy(pin->log, sizeof(pin->log), q, 0));
	pin->size = (uint64_t)ov_db_i64(q, 1);
	OV_TRY(ov_db_copy(pin->root, sizeof(pin->root), q, 2));
	head = ov_db_blob(q, 3);
	OV_REQUIRE(head.len > 0 && head.len <= sizeof(pin->head), OV_E_DB_FAILED);
	memcpy(pin->head, head.p, head.len);
	pin->head_len = head.len;
	OV_TRY(ov_db_copy(pin->signature, sizeof(pin->signature), q, 4));
	pin->set = true;
done:
	ov_db_finish(q);
	return st;
}

static bool
same_tree(const struct ov_pin *a, const struct ov_pin *b)
{
	return a->set == b->set && a->size == b->size &&
	       memcmp(a->log, b->log, OV_ID) == 0 && memcmp(a->root, b->root, 32) == 0;
}

/* A head as a pin, if the pinned log key signed it. */
static enum ov_status
read_head(struct ov_pin *out, const struct ov_home *home, struct ov_bytes head,
    const uint8_t signature[64])
{
	struct ov_msg_tree_head m;
	enum ov_status st = OV_OK;

	memset(out, 0, sizeof(*out));
	OV_REQUIRE(head.len > 0 && head.len <= sizeof(out->head), OV_E_LOG_PROOF);
	OV_REQUIRE(
	    ov_verify_vartime(signature, home->broker.log_key, "head", head) == OV_OK,
	    OV_E_LOG_PROOF);
	OV_REQUIRE(ov_msg_decode(&m, OV_MSG_TREE_HEAD, head) == OV_OK, OV_E_LOG_PROOF);
	out->set = true;
	memcpy(out->log, m.log, OV_ID);
	out->size = m.size;
	memcpy(out->root, m.root, 32);
	memcpy(out->head, head.p, head.len);
	out->head_len = head.len;
	memcpy(out->signature, signature, 64);
done:
	return st;
}

/* That `now` can be the tree `before` or extend it. */
static enum ov_status
check_order(const struct ov_pin *before, const struct ov_pin *now)
{
	if (memcmp(before->log, now->log, OV_ID) != 0)
		return OV_E_LOG_IDENTITY;
	return now->size < before->size ? OV_E_LOG_ROLLBACK : OV_OK;
}

/* That it does. */
static enum ov_status
check_growth(
    const struct ov_pin *before, const struct ov_pin *now, struct ov_bytes consistency)
{
	enum ov_status st;

	if (!before->set)
		return OV_OK;
	OV_TRY(check_order(before, now));
	OV_TRY(ov_merkle_verify_consistency(
	    before->size, before->root, now->size, now->root, consistency));
done:
	return st;
}

static bool
is_log_failure(enum ov_status st)
{
	return st == OV_E_LOG_IDENTITY || st == OV_E_LOG_ROLLBACK || st == OV_E_LOG_PROOF;
}

/* A failed proof becomes a hold before anybody acts on anything else. */
static enum ov_status
hold_if_wrong(struct ov_session *s, enum ov_status st)
{
	enum ov_status held;

	if (!is_log_failure(st))
		return st;
	ov_log(OV_LOG_ERROR, "log.wrong", OV_F_STATUS(st), OV_F_U64("size", s->pin.size));
	held = ov_hold_set(s->home, OV_HOLD_LOG, NULL, st);
	return held == OV_OK ? st : held;
}

/* Asks the broker to prove that the smaller of two trees is the beginning of the other.
 */
static enum ov_status
ask_growth(struct ov_session *s, const struct ov_pin *a, const struct ov_pin *b)
{
	const struct ov_pin *small = a->size <= b->size ? a : b;
	const struct ov_pin *large = small == a ? b : a;
	struct ov_msg_get_consistency get = { .from = small->size, .to = large->size };
	struct ov_msg_consistency reply;
	struct ov_buf owner = { 0 };
	enum ov_status st;

	if (memcmp(a->log, b->log, OV_ID) != 0)
		return OV_E_LOG_IDENTITY;
	if (a->size == b->size)
		return memcmp(a->root, b->root, 32) == 0 ? OV_OK : OV_E_LOG_ROLLBACK;
	st = ov_session_call(s, OV_MSG_GET_CONSISTENCY, &get, OV_MSG_CONSISTENCY, &reply,
	    &owner, CALL_TIMEOUT_MS);
	/* It signed both heads and must be able to connect them. */
	OV_REQUIRE(st != OV_E_NOT_FOUND, OV_E_LOG_ROLLBACK);
	OV_TRY(st);
	OV_TRY(check_growth(small, large, reply.proof));
done:
	ov_buf_free(&owner);
	return st;
}

/* Writes `now` if the stored pin still is `before`.  *moved: it was not. */
static enum ov_status
replace(bool *moved, struct ov_home *home, const struct ov_pin *before,
    const struct ov_pin *now)
{
	struct ov_pin stored;
	enum ov_status st;

	OV_TRY(ov_db_begin(home->db));
	OV_TRY(ov_pin_load(&stored, home));
	*moved = !same_tree(&stored, before);
	if (*moved)
		goto done;
	OV_TRY(ov_db_run(home->db,
	    "INSERT INTO pin(id, log, size, root, head, signature) VALUES (1, ?, ?, ?, "
	    "?, "
	    "?) ON CONFLICT(id) DO UPDATE SET log = excluded.log, size = excluded.size, "
	    "root = excluded.root, head = excluded.head, signature = excluded.signature",
	    OV_DB_BLOB(now->log, OV_ID), OV_DB_I64(now->size), OV_DB_BLOB(now->root, 32),
	    OV_DB_BLOB(now->head, now->head_len), OV_DB_BLOB(now->signature, 64)));
	OV_TRY(ov_db_commit(home->db, "log.pin"));
done:
	ov_db_rollback(home->db);
	return st;
}

/* Makes `now` the pin.  Another process of this home may have moved the stored one
 * meanwhile: then both must be of one tree, and the larger is kept. */
static enum ov_status
remember(struct ov_session *s, const struct ov_pin *now)
{
	struct ov_pin stored;
	enum ov_status st = OV_OK;
	bool moved = true;

	for (int i = 0; moved; i++) {
		OV_REQUIRE(i < STORE_TRIES, OV_E_DB_BUSY);
		OV_TRY(ov_pin_load(&stored, s->home));
		if (stored.set && !same_tree(&stored, &s->pin))
			OV_TRY(ask_growth(s, &stored, now));
		if (stored.set && stored.size >= now->size)
			break;
		OV_TRY(replace(&moved, s->home, &stored, now));
	}
	s->pin = *now;
	memcpy(s->home->broker.log, now->log, OV_ID);
done:
	return st;
}

enum ov_status
ov_session_compare_head(struct ov_session *s, struct ov_bytes head,
    const uint8_t signature[64], struct ov_bytes consistency)
{
	struct ov_pin now;
	enum ov_status st;

	OV_TRY(read_head(&now, s->home, head, signature));
	OV_TRY(check_growth(&s->pin, &now, consistency));
done:
	return hold_if_wrong(s, st);
}

enum ov_status
ov_session_check_head(struct ov_session *s, struct ov_bytes head,
    const uint8_t signature[64], struct ov_bytes consistency)
{
	struct ov_pin now;
	enum ov_status st;

	OV_TRY(read_head(&now, s->home, head, signature));
	OV_TRY(check_growth(&s->pin, &now, consistency));
	OV_TRY(remember(s, &now));
done:
	return hold_if_wrong(s, st);
}

/* Hash of type || salt || body. */
static enum ov_status
leaf_hash(
    uint8_t out[32], enum ov_leaf type, const uint8_t salt[16], struct ov_bytes body)
{
	struct ov_buf leaf = { 0 };
	uint8_t first = (uint8_t)type;
	enum ov_status st;

	OV_TRY(ov_buf_append(&leaf, &first, 1));
	OV_TRY(ov_buf_append(&leaf, salt, 16));
	OV_TRY(ov_buf_append(&leaf, body.p, body.len));
	ov_merkle_leaf(out, OV_BUF_BYTES(&leaf));
done:
	ov_buf_free(&leaf);
	return st;
}

/* That the leaf is under this head. */
static enum ov_status
check_leaf(const struct ov_pin *head, enum ov_leaf type, struct ov_bytes leaf_body,
    const struct ov_msg_proven *m)
{
	uint8_t leaf[32];
	enum ov_status st;

	OV_TRY(leaf_hash(leaf, type, m->salt, leaf_body));
	OV_REQUIRE(m->leaf_type == (uint64_t)type, OV_E_LOG_PROOF);
	OV_TRY(
	    ov_merkle_verify_inclusion(leaf, m->index, head->size, head->root, m->proof));
done:
	return st;
}

enum ov_status
ov_session_check_proven(struct ov_session *s, enum ov_leaf type,
    struct ov_bytes leaf_body, const struct ov_msg_proven *m)
{
	struct ov_pin now;
	enum ov_status st;

	OV_TRY(read_head(&now, s->home, m->head, m->head_signature));
	OV_TRY(check_growth(&s->pin, &now, m->consistency));
	OV_TRY(check_leaf(&now, type, leaf_body, m));
	OV_TRY(remember(s, &now));
done:
	return hold_if_wrong(s, st);
}

enum ov_status
ov_session_check_placed(struct ov_session *s, enum ov_leaf type,
    struct ov_bytes leaf_body, const struct ov_msg_proven *m)
{
	struct ov_pin now;
	enum ov_status st;

	OV_REQUIRE(m != NULL, OV_E_LOG_PROOF);
	OV_TRY(read_head(&now, s->home, m->head, m->head_signature));
	if (s->pin.set) {
		OV_TRY(check_order(&s->pin, &now));
		OV_TRY(ask_growth(s, &s->pin, &now));
	}
	OV_TRY(check_leaf(&now, type, leaf_body, m));
	OV_TRY(remember(s, &now));
done:
	return hold_if_wrong(s, st);
}

enum ov_status
ov_session_refresh(struct ov_session *s)
{
	struct ov_msg_get_head get = { .seen = s->pin.size };
	struct ov_msg_head reply;
	struct ov_buf owner = { 0 };
	enum ov_status st;

	OV_TRY(ov_session_call(
	    s, OV_MSG_GET_HEAD, &get, OV_MSG_HEAD, &reply, &owner, CALL_TIMEOUT_MS));
	OV_TRY(ov_session_check_head(
	    s, reply.head, reply.head_signature, reply.consistency));
done:
	ov_buf_free(&owner);
	return st;
}

enum ov_status
ov_session_check_partner_head(
    struct ov_session *s, struct ov_bytes head, const uint8_t signature[64])
{
	struct ov_pin theirs;
	enum ov_status st;

	/* What the log key did not sign says nothing about the broker. */
	if (read_head(&theirs, s->home, head, signature) != OV_OK)
		return OV_E_PROTO_MISMATCH;
	if (!s->pin.set)
		return OV_E_LOG_PROOF; /* nothing of ours was ever seen: not after joining
					*/
	st = ask_growth(s, &s->pin, &theirs);
	return hold_if_wrong(s, st);
}

uint64_t
ov_session_seen(const struct ov_session *s)
{
	return s->pin.size;
}

void
ov_session_head(
    const struct ov_session *s, struct ov_bytes *head, struct ov_bytes *signature)
{
	*head = OV_BYTES(s->pin.head, s->pin.head_len);
	*signature = OV_BYTES(s->pin.signature, s->pin.set ? 64 : 0);
}
