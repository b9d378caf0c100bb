/* The transparency log and the mailboxes. */
#include <string.h>

#include "common/crypto/memory.h"
#include "server/store_db.h"

/* --- log --- */

static enum ov_status
read_node(void *arg, uint8_t out[OV_MERKLE_LEN], unsigned int level, uint64_t index)
{
	struct ov_tx *tx = arg;
	struct ov_db_stmt *s = NULL;
	enum ov_status st = OV_OK;

	OV_TRY(
	    ov_db_query(&s, tx->db, "SELECT hash FROM node WHERE level = ? AND idx = ?",
		OV_DB_I64(level), OV_DB_I64(index)));
	OV_TRY(ov_store_row(s));
	OV_TRY(ov_db_copy(out, OV_MERKLE_LEN, s, 0));
done:
	ov_db_finish(s);
	/* A node that the tree must have: the file is damaged. */
	return st == OV_E_NOT_FOUND ? OV_E_DB_FAILED : st;
}

static enum ov_status
write_node(
    void *arg, const uint8_t hash[OV_MERKLE_LEN], unsigned int level, uint64_t index)
{
	struct ov_tx *tx = arg;

	return ov_db_run(tx->db, "INSERT INTO node(level, idx, hash) VALUES (?, ?, ?)",
	    OV_DB_I64(level), OV_DB_I64(index), OV_DB_BLOB(hash, OV_MERKLE_LEN));
}

struct ov_merkle_store
ov_store_log_nodes(struct ov_tx *tx)
{
	return (struct ov_merkle_store){ read_node, write_node, tx };
}

enum ov_status
ov_store_log_size(struct ov_tx *tx, uint64_t *size)
{
	int64_t n;
	enum ov_status st =
	    ov_db_number(&n, tx->db, "SELECT coalesce(max(idx) + 1, 0) FROM leaf");

	*size = (uint64_t)n;
	return st;
}

enum ov_status
ov_store_log_append(
    struct ov_tx *tx, struct ov_log_leaf *out, enum ov_leaf type, struct ov_bytes body)
{
	struct ov_merkle_store nodes = ov_store_log_nodes(tx);
	struct ov_log_leaf leaf = { .type = (uint8_t)type };
	uint8_t head[17], hash[OV_MERKLE_LEN];
	struct ov_buf whole = { 0 };
	enum ov_status st = OV_OK;

	OV_TRY(ov_store_log_size(tx, &leaf.index));
	OV_REQUIRE(leaf.index < OV_U32, OV_E_DB_FAILED); /* what the wire can say */
	ov_random(leaf.salt, sizeof(leaf.salt));
	head[0] = leaf.type;
	memcpy(head + 1, leaf.salt, sizeof(leaf.salt));
	OV_TRY(ov_buf_append(&whole, head, sizeof(head)));
	OV_TRY(ov_buf_append(&whole, body.p, body.len));
	ov_merkle_leaf(hash, OV_BUF_BYTES(&whole));
	OV_TRY(ov_db_run(tx->db,
	    "INSERT INTO leaf(idx, type, salt, body) VALUES (?, ?, ?, ?)",
	    OV_DB_I64(leaf.index), OV_DB_I64(leaf.type),
	    OV_DB_BLOB(leaf.salt, sizeof(leaf.salt)), OV_DB_BYTES(body)));
	OV_TRY(ov_merkle_append(&nodes, leaf.index, hash));
	*out = leaf;
done:
	ov_buf_free(&whole);
	return st;
}

enum ov_status
ov_store_log_leaf(
    struct ov_tx *tx, struct ov_log_leaf *out, struct ov_buf *body, uint64_t index)
{
	struct ov_db_stmt *s = NULL;
	enum ov_status st = OV_OK;

	OV_TRY(ov_db_query(&s, tx->db, "SELECT type, salt, body FROM leaf WHERE idx = ?",
	    OV_DB_I64(index)));
	OV_TRY(ov_store_row(s));
	OV_TRY(ov_db_copy(out->salt, sizeof(out->salt), s, 1));
	out->index = index;
	out->type = (uint8_t)ov_db_i64(s, 0);
	if (body != NULL)
		OV_TRY(ov_store_append(body, s, 2));
done:
	ov_db_finish(s);
	return st;
}

/* --- mail --- */

/* SAME or DIFFERENT if (from, mail) is known; the digest outlives the body. */
static enum ov_status
known_mail(struct ov_tx *tx, enum ov_put_result *how, struct ov_mail_row *row,
    const uint8_t digest[OV_DIGEST])
{
	struct ov_db_stmt *s = NULL;
	enum ov_status st = OV_OK;
	bool same;

	OV_TRY(ov_db_query(&s, tx->db,
	    "SELECT seq, receiver, kind, digest, leaf FROM mail WHERE sender = ? AND "
	    "mail "
	    "= ?",
	    ID(row->from), ID(row->mail)));
	OV_TRY(ov_store_row(s));
	same = ov_store_same(s, 1, OV_BYTES(row->to, OV_ID)) &&
	       ov_db_i64(s, 2) == row->kind &&
	       ov_store_same(s, 3, OV_BYTES(digest, OV_DIGEST));
	*how = same ? OV_PUT_SAME : OV_PUT_DIFFERENT;
	row->seq = (uint64_t)ov_db_i64(s, 0);
	row->logged = !ov_db_is_null(s, 4);
	row->leaf = (uint64_t)ov_db_i64(s, 4);
done:
	ov_db_finish(s);
	return st;
}

enum ov_status
ov_store_mail_put(struct ov_tx *tx, enum ov_put_result *how, struct ov_mail_row *row,
    struct ov_bytes body)
{
	uint8_t digest[OV_DIGEST];
	enum ov_status st = OV_OK;

	ov_hash_parts(digest, &body, 1);
	st = known_mail(tx, how, row, digest);
	if (st != OV_E_NOT_FOUND)
		return st;
	OV_TRY(ov_db_run(tx->db,
	    "INSERT INTO mail(sender, receiver, mail, kind, sent, digest, bytes, body)"
	    " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
	    ID(row->from), ID(row->to), ID(row->mail), OV_DB_I64(row->kind),
	    OV_DB_I64(row->sent), OV_DB_BLOB(digest, OV_DIGEST), OV_DB_I64(body.len),
	    OV_DB_BYTES(body)));
	row->seq = (uint64_t)ov_db_last_id(tx->db);
	row->logged = false;
	*how = OV_PUT_NEW;
done:
	return st;
}

enum ov_status
ov_store_mail_logged(struct ov_tx *tx, const struct ov_mail_row *row)
{
	return ov_db_run(tx->db, "UPDATE mail SET leaf = ? WHERE seq = ?",
	    OV_DB_I64(row->leaf), OV_DB_I64(row->seq));
}

enum ov_status
ov_store_mail_next(struct ov_tx *tx, struct ov_mail_row *out, struct ov_buf *body,
    const uint8_t to[OV_ID], uint64_t after)
{
	struct ov_db_stmt *s = NULL;
	struct ov_mail_row row = { 0 };
	enum ov_status st = OV_OK;

	OV_TRY(ov_db_query(&s, tx->db,
	    "SELECT seq, sender, receiver, mail, kind, sent, body FROM mail"
	    " WHERE receiver = ? AND seq > ? AND body IS NOT NULL ORDER BY seq LIMIT 1",
	    ID(to), OV_DB_I64(after)));
	OV_TRY(ov_store_row(s));
	row.seq = (uint64_t)ov_db_i64(s, 0);
	OV_TRY(ov_db_copy(row.from, OV_ID, s, 1));
	OV_TRY(ov_db_copy(row.to, OV_ID, s, 2));
	OV_TRY(ov_db_copy(row.mail, OV_ID, s, 3));
	row.kind = (uint8_t)ov_db_i64(s, 4);
	row.sent = ov_db_i64(s, 5);
	OV_TRY(ov_store_append(body, s, 6));
	*out = row;
done:
	ov_db_finish(s);
	return st;
}

enum ov_status
ov_store_mail_drop(struct ov_tx *tx, const uint8_t to[OV_ID], uint64_t upto)
{
	return ov_db_run(tx->db,
	    "UPDATE mail SET body = NULL, bytes = 0"
	    " WHERE receiver = ? AND seq <= ? AND body IS NOT NULL",
	    ID(to), OV_DB_I64(upto));
}

enum ov_status
ov_store_mail_expire(struct ov_tx *tx, int64_t before)
{
	return ov_db_run(tx->db, "DELETE FROM mail WHERE sent < ?", OV_DB_I64(before));
}
