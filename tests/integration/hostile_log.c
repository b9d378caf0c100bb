/* hostile_log.c - lies about the log, in every reply that carries a head. */
#include <stdlib.h>
#include <string.h>

#include "common/crypto/sign.h"
#include "hostile_broker.h"
#include "server/log.h"

/* The fields of one reply that speak of the log, and the reply. */
struct claim {
	const struct scene *s;
	struct ov_tx *tx;
	enum ov_msg type;
	union ov_msg_any m;
	uint64_t seen, size; /* by the company; of the real log */
	struct ov_bytes *head, *consistency;
	uint8_t *signature;
	/* of a leaf; NULL without one */
	uint64_t *leaf_type, *index;
	uint8_t *salt;
	struct ov_bytes *proof;
	/* what changed fields point to */
	struct ov_buf bytes;
	struct ov_merkle_proof growth, inclusion;
};

#define HEAD_OF(c, message)                                                              \
	do {                                                                             \
		(c)->head = &(message)->head;                                            \
		(c)->signature = (message)->head_signature;                              \
		(c)->consistency = &(message)->consistency;                              \
	} while (0)
#define LEAF_OF(c, message)                                                              \
	do {                                                                             \
		HEAD_OF(c, message);                                                     \
		(c)->leaf_type = &(message)->leaf_type;                                  \
		(c)->index = &(message)->index;                                          \
		(c)->salt = (message)->salt;                                             \
		(c)->proof = &(message)->proof;                                          \
	} while (0)

static bool
read_claim(struct claim *c, const struct scene *s)
{
	const union ov_msg_any *q = s->q;

	*c = (struct claim){ .s = s, .type = ov_msg_type(OV_BUF_BYTES(s->reply)) };
	if (c->type == OV_MSG_ERROR || ov_msg_size(c->type) == 0 ||
	    !scene_reply(&c->m, s, c->type))
		return false;
	if (c->type == OV_MSG_WELCOME) {
		HEAD_OF(c, &c->m.welcome);
		c->seen = q->hello.seen;
	} else if (c->type == OV_MSG_HEAD) {
		HEAD_OF(c, &c->m.head);
		c->seen = q->get_head.seen;
	} else if (c->type == OV_MSG_PROVEN) {
		LEAF_OF(c, &c->m.proven);
		/* who sends mail names no size */
		c->seen = s->asked == OV_MSG_PUT_MAIL ? 0 : q->put_step.seen;
	} else if (c->type == OV_MSG_STEP) {
		LEAF_OF(c, &c->m.step);
		c->seen = q->get_step.seen;
	} else if (c->type == OV_MSG_TERMS_SIGNED) {
		LEAF_OF(c, &c->m.terms_signed);
		c->seen =
		    s->asked == OV_MSG_GET_TERMS ? q->get_terms.seen : q->put_terms.seen;
	}
	return c->head != NULL;
}

/* A head of `size` leaves of some tree, signed by the log key. */
static void
say_head(struct claim *c, const struct ov_merkle_store *nodes, uint64_t size)
{
	const struct ov_broker *b = c->s->b;
	struct ov_msg_tree_head h = { .size = size, .time = (uint64_t)b->now() };

	memcpy(h.log, b->log_id, OV_ID);
	if (strcmp(c->s->how, "id") == 0)
		h.log[0] ^= 1;
	MUST(ov_merkle_root(h.root, nodes, size) == OV_OK);
	MUST(ov_msg_encode(&c->bytes, OV_MSG_TREE_HEAD, &h) == OV_OK);
	*c->head = OV_BUF_BYTES(&c->bytes);
	ov_sign(c->signature, b->log_sk, "head", *c->head);
	MUST(ov_merkle_prove_consistency(
		 &c->growth, nodes, c->seen <= size ? c->seen : 0, size) == OV_OK);
	*c->consistency = OV_BYTES(c->growth.bytes, c->growth.len);
}

static void
shrunk(struct claim *c)
{
	struct ov_merkle_store nodes = ov_store_log_nodes(c->tx);

	if (c->s->asked ==
	    OV_MSG_PUT_MAIL) /* two leaves at most since the caller's head */
		c->seen = c->size - 2;
	MUST(c->seen > 0);
	say_head(c, &nodes, c->seen - 1);
}

static void
id(struct claim *c)
{
	struct ov_merkle_store nodes = ov_store_log_nodes(c->tx);

	say_head(c, &nodes, c->size);
}

static void
signature(struct claim *c)
{
	c->signature[0] ^= 1;
}

/* A bit of a path, which the scene's reply owns. */
static void
flip(const struct ov_bytes *path)
{
	if (path->len > 0)
		((uint8_t *)(uintptr_t)path->p)[0] ^= 1;
}

static void
growth(struct claim *c)
{
	flip(c->consistency);
}

static void
proof(struct claim *c)
{
	if (c->proof != NULL)
		flip(c->proof);
}

static void
salt(struct claim *c)
{
	if (c->salt != NULL)
		c->salt[0] ^= 1;
}

static void
type(struct claim *c)
{
	if (c->leaf_type != NULL)
		*c->leaf_type =
		    *c->leaf_type == OV_LEAF_CLOSED ? OV_LEAF_FAILED : OV_LEAF_CLOSED;
}

/* --- a second history: the real log with one leaf more, from `fork_at` on --- */

static uint64_t fork_at;

static void
real_leaf(uint8_t out[32], struct ov_tx *tx, uint64_t index)
{
	struct ov_merkle_store nodes = ov_store_log_nodes(tx);

	MUST(nodes.read(nodes.arg, out, 0, index) == OV_OK);
}

static enum ov_status
read_forked(void *arg, uint8_t out[32], unsigned int level, uint64_t index)
{
	uint8_t left[32], right[32];

	if (level > 0) {
		(void)!read_forked(arg, left, level - 1, 2 * index);
		(void)!read_forked(arg, right, level - 1, 2 * index + 1);
		ov_merkle_node(out, left, right);
	} else if (index == fork_at) {
		ov_merkle_leaf(out, OV_LITERAL("what the others never see"));
	} else {
		real_leaf(out, arg, index < fork_at ? index : index - 1);
	}
	return OV_OK;
}

static void
fork_log(struct claim *c)
{
	struct ov_merkle_store nodes = { read_forked, NULL, c->tx };

	if (fork_at == 0)
		fork_at = c->seen;
	say_head(c, &nodes, c->size + 1);
	if (c->proof == NULL || *c->leaf_type == 0)
		return;
	*c->index += *c->index >= fork_at ? 1 : 0;
	MUST(ov_merkle_prove_inclusion(&c->inclusion, &nodes, *c->index, c->size + 1) ==
	     OV_OK);
	*c->proof = OV_BYTES(c->inclusion.bytes, c->inclusion.len);
}

/* What connects two heads of the second history. */
static void
connect_forked(const struct scene *s)
{
	const struct ov_msg_get_consistency *q = &s->q->get_consistency;
	struct ov_msg_consistency m = { 0 };
	struct ov_merkle_proof proof_of;
	struct ov_tx *tx = NULL;
	uint64_t size;

	MUST(ov_tx_begin(&tx, s->b->store) == OV_OK);
	MUST(ov_store_log_size(tx, &size) == OV_OK);
	if (q->from <= q->to && q->to <= size + 1) {
		struct ov_merkle_store nodes = { read_forked, NULL, tx };

		MUST(ov_merkle_prove_consistency(&proof_of, &nodes, q->from, q->to) ==
		     OV_OK);
		m.proof = OV_BYTES(proof_of.bytes, proof_of.len);
		scene_say(s, OV_MSG_CONSISTENCY, &m);
	}
	ov_tx_end(&tx);
}

/* In the answer to a word about the end of a partnership alone: one of the lies about the
 * log, or (omit) no proof of its place in the log at all. */
void
lie_about_end(const struct scene *s)
{
	struct ov_msg_done done = { .seq = 1 };
	union ov_msg_any m;

	if (s->asked != OV_MSG_PUT_MAIL || !scene_reply(&m, s, OV_MSG_PROVEN))
		return;
	if (strcmp(s->how, "omit") == 0)
		scene_say(s, OV_MSG_DONE, &done);
	else
		lie_about_log(s);
}

/* One of the lies above in the reply, if it speaks of the log. */
void
lie_about_log(const struct scene *s)
{
	static const struct {
		const char *name;
		void (*change)(struct claim *c);
	} lies[] = {
		{ "shrunk", shrunk },
		{ "id", id },
		{ "signature", signature },
		{ "growth", growth },
		{ "proof", proof },
		{ "salt", salt },
		{ "type", type },
		{ "fork", fork_log },
	};
	struct claim c;
	size_t i = 0;

	if (s->asked == OV_MSG_GET_CONSISTENCY && strcmp(s->how, "fork") == 0)
		connect_forked(s);
	if (!read_claim(&c, s))
		return;
	MUST(ov_tx_begin(&c.tx, s->b->store) == OV_OK);
	MUST(ov_store_log_size(c.tx, &c.size) == OV_OK);
	while (strcmp(lies[i].name, s->how) != 0)
		MUST(++i < sizeof(lies) / sizeof(lies[0]));
	lies[i].change(&c);
	ov_tx_end(&c.tx);
	scene_say(s, c.type, &c.m);
	ov_buf_free(&c.bytes);
}
