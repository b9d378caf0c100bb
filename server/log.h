/* log.h - the transparency log as callers see it: leaves, signed heads, proofs
 * (PROTOCOL.md 3).
 *
 * All functions work inside the caller's transaction, so that a fact and its leaf
 * are committed together and a proof fits the head beside it.
 */
#ifndef OV_SERVER_LOG_H
#define OV_SERVER_LOG_H

#include "server/broker.h"

/* A signed head and that it extends the tree of `seen` leaves. */
struct ov_signed_head {
	uint8_t bytes[OV_HEAD_MAX]; /* TREE_HEAD */
	size_t len;
	uint8_t signature[64];
	struct ov_merkle_proof consistency; /* empty if seen is 0 or beyond this head */
};
OV_MUST_CHECK enum ov_status ov_log_head(struct ov_signed_head *out,
    const struct ov_broker *b, struct ov_tx *tx, uint64_t seen);

/* Leaf `index` of the log, its inclusion in the head. */
struct ov_proven {
	struct ov_log_leaf leaf;
	struct ov_merkle_proof inclusion;
	struct ov_signed_head head;
};
OV_MUST_CHECK enum ov_status ov_log_prove(struct ov_proven *out,
    const struct ov_broker *b, struct ov_tx *tx, uint64_t index, uint64_t seen);

/* Only a head: leaf type 0, nothing proven. */
OV_MUST_CHECK enum ov_status ov_log_prove_nothing(
    struct ov_proven *out, const struct ov_broker *b, struct ov_tx *tx, uint64_t seen);

/* Fills the fields OV_FIELDS_PROVEN of message m, which then borrows from p. */
#define OV_LOG_PROVEN_INTO(m, p)                                                         \
	do {                                                                             \
		(m)->leaf_type = (p)->leaf.type;                                         \
		memcpy((m)->salt, (p)->leaf.salt, sizeof((m)->salt));                    \
		(m)->index = (p)->leaf.index;                                            \
		(m)->proof = OV_BYTES((p)->inclusion.bytes, (p)->inclusion.len);         \
		OV_LOG_HEAD_INTO(m, &(p)->head);                                         \
	} while (0)
#define OV_LOG_HEAD_INTO(m, h)                                                           \
	do {                                                                             \
		(m)->head = OV_BYTES((h)->bytes, (h)->len);                              \
		memcpy((m)->head_signature, (h)->signature, 64);                         \
		(m)->consistency =                                                       \
		    OV_BYTES((h)->consistency.bytes, (h)->consistency.len);              \
	} while (0)

/* The leaf of a signed message: H(lv(message) || lv(signature)). */
OV_MUST_CHECK enum ov_status ov_log_signed(struct ov_log_leaf *out, struct ov_tx *tx,
    enum ov_leaf type, struct ov_bytes message, struct ov_bytes signature);

/* The leaf of something that happened to a job without a message: job id || state. */
OV_MUST_CHECK enum ov_status ov_log_event(
    struct ov_tx *tx, enum ov_leaf type, const uint8_t job[OV_ID], enum ov_job_state s);

#endif /* OV_SERVER_LOG_H */
