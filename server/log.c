#include "server/log.h"

#include <string.h>

#include "common/crypto/sign.h"

static enum ov_status
sign_head(struct ov_signed_head *out, const struct ov_broker *b, struct ov_tx *tx,
    uint64_t size)
{
	struct ov_merkle_store nodes = ov_store_log_nodes(tx);
	struct ov_msg_tree_head head = { .size = size, .time = (uint64_t)b->now() };
	struct ov_buf buf = { 0 };
	enum ov_status st = OV_OK;

	memcpy(head.log, b->log_id, OV_ID);
	OV_TRY(ov_merkle_root(head.root, &nodes, size));
	OV_TRY(ov_msg_encode(&buf, OV_MSG_TREE_HEAD, &head));
	OV_REQUIRE(buf.len <= sizeof(out->bytes), OV_E_BUG);
	memcpy(out->bytes, buf.p, buf.len);
	out->len = buf.len;
	ov_sign(out->signature, b->log_sk, "head", OV_BUF_BYTES(&buf));
done:
	ov_buf_free(&buf);
	return st;
}

enum ov_status
ov_log_head(struct ov_signed_head *out, const struct ov_broker *b, struct ov_tx *tx,
    uint64_t seen)
{
	struct ov_merkle_store nodes = ov_store_log_nodes(tx);
	enum ov_status st = OV_OK;
	uint64_t size;

	OV_TRY(ov_store_log_size(tx, &size));
	OV_TRY(sign_head(out, b, tx, size));
	/* One that saw more than there is will find the head too small by itself. */
	OV_TRY(ov_merkle_prove_consistency(
	    &out->consistency, &nodes, seen <= size ? seen : 0, size));
done:
	return st;
}

enum ov_status
ov_log_prove(struct ov_proven *out, const struct ov_broker *b, struct ov_tx *tx,
    uint64_t index, uint64_t seen)
{
	struct ov_merkle_store nodes = ov_store_log_nodes(tx);
	enum ov_status st = OV_OK;
	uint64_t size;

	OV_TRY(ov_store_log_leaf(tx, &out->leaf, NULL, index));
	OV_TRY(ov_store_log_size(tx, &size));
	OV_TRY(ov_merkle_prove_inclusion(&out->inclusion, &nodes, index, size));
	OV_TRY(ov_log_head(&out->head, b, tx, seen));
done:
	return st;
}

enum ov_status
ov_log_prove_nothing(
    struct ov_proven *out, const struct ov_broker *b, struct ov_tx *tx, uint64_t seen)
{
	out->leaf = (struct ov_log_leaf){ 0 };
	out->inclusion.len = 0;
	return ov_log_head(&out->head, b, tx, seen);
}

enum ov_status
ov_log_signed(struct ov_log_leaf *out, struct ov_tx *tx, enum ov_leaf type,
    struct ov_bytes message, struct ov_bytes signature)
{
	struct ov_bytes parts[] = { message, signature };
	uint8_t body[OV_DIGEST];

	ov_hash_parts(body, parts, 2);
	return ov_store_log_append(tx, out, type, OV_BYTES(body, sizeof(body)));
}

enum ov_status
ov_log_event(
    struct ov_tx *tx, enum ov_leaf type, const uint8_t job[OV_ID], enum ov_job_state s)
{
	struct ov_log_leaf leaf;
	uint8_t body[OV_ID + 1];

	memcpy(body, job, OV_ID);
	body[OV_ID] = (uint8_t)s;
	return ov_store_log_append(tx, &leaf, type, OV_BYTES(body, sizeof(body)));
}
