#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include "common/crypto/sign.h"
#include "fake_broker.h"

/* Handlers run on the edge's threads, where cmocka's asserts do not work. */
#define MUST(cond)                                                                       \
	do {                                                                             \
		if (!(cond))                                                             \
			abort();                                                         \
	} while (0)

/* --- the log --- */

/* Hash of the complete node; a test's tree is small. */
static enum ov_status
read_node(void *arg, uint8_t out[32], unsigned int level, uint64_t index)
{
	const struct fake_tree *t = arg;
	uint8_t left[32], right[32];

	if (level == 0) {
		memcpy(out, t->leaf[index], 32);
		return OV_OK;
	}
	(void)!read_node(arg, left, level - 1, 2 * index);
	(void)!read_node(arg, right, level - 1, 2 * index + 1);
	ov_merkle_node(out, left, right);
	return OV_OK;
}

static struct ov_merkle_store
nodes_of(struct fake_tree *t)
{
	return (struct ov_merkle_store){ read_node, NULL, t };
}

static void
append(struct fake_tree *t, unsigned int type, struct ov_bytes body)
{
	struct ov_buf leaf = { 0 };
	uint8_t first = (uint8_t)type, salt[16] = { 0 };

	MUST(t->size < FAKE_LEAVES);
	MUST(ov_buf_append(&leaf, &first, 1) == OV_OK);
	MUST(ov_buf_append(&leaf, salt, 16) == OV_OK);
	MUST(ov_buf_append(&leaf, body.p, body.len) == OV_OK);
	ov_merkle_leaf(t->leaf[t->size++], OV_BUF_BYTES(&leaf));
	ov_buf_free(&leaf);
}

uint64_t
fake_append(struct fake_broker *b, unsigned int type, struct ov_bytes body)
{
	append(&b->tree, type, body);
	append(&b->other, type, OV_BYTES("other", 5));
	return b->tree.size - 1;
}

void
fake_head(struct fake_head *h, struct fake_broker *b, uint64_t seen)
{
	struct fake_tree *t = b->lie == LIE_FORK ? &b->other : &b->tree;
	struct ov_merkle_store nodes = nodes_of(t);
	struct ov_msg_tree_head m = { .size = t->size, .time = 2 };
	struct ov_buf buf = { 0 };

	memset(h, 0, sizeof(*h));
	memset(m.log, b->lie == LIE_LOG ? 8 : 7, sizeof(m.log));
	if (b->lie == LIE_SMALLER)
		m.size = t->size / 2;
	MUST(ov_merkle_root(m.root, &nodes, m.size) == OV_OK);
	if (seen <= m.size && b->lie != LIE_CONSISTENCY)
		MUST(ov_merkle_prove_consistency(&h->consistency, &nodes, seen, m.size) ==
		     OV_OK);
	MUST(ov_msg_encode(&buf, OV_MSG_TREE_HEAD, &m) == OV_OK);
	MUST(buf.len <= sizeof(h->bytes));
	memcpy(h->bytes, buf.p, buf.len);
	h->len = buf.len;
	ov_sign(h->signature, site_log_sk, "head", OV_BUF_BYTES(&buf));
	if (b->lie == LIE_SIGNATURE)
		h->signature[5] ^= 1;
	ov_buf_free(&buf);
}

void
fake_prove(struct fake_proof *p, struct fake_broker *b, uint64_t index, uint64_t seen)
{
	struct fake_tree *t = b->lie == LIE_FORK ? &b->other : &b->tree;
	struct ov_merkle_store nodes = nodes_of(t);

	fake_head(&p->head, b, seen);
	MUST(ov_merkle_prove_inclusion(&p->inclusion, &nodes, index, t->size) == OV_OK);
	if (b->lie == LIE_PROOF)
		p->inclusion.bytes[0] ^= 1;
}

/* --- messages --- */

void
fake_error(struct ov_buf *reply, const char *status, uint32_t retry_ms)
{
	struct ov_msg_error e = { .status = OV_BYTES(status, strlen(status)),
		.retry_ms = retry_ms };

	reply->len = 0;
	MUST(ov_msg_encode(reply, OV_MSG_ERROR, &e) == OV_OK);
}

static void
hello(struct ov_buf *reply, struct fake_broker *b, const struct ov_msg_hello *m)
{
	struct fake_head h;
	struct ov_msg_welcome w = { .version = b->lie == LIE_VERSION ? 2 : 1 };

	fake_head(&h, b, m->seen);
	w.head = OV_BYTES(h.bytes, h.len);
	memcpy(w.head_signature, h.signature, 64);
	w.consistency = OV_BYTES(h.consistency.bytes, h.consistency.len);
	MUST(ov_msg_encode(reply, OV_MSG_WELCOME, &w) == OV_OK);
}

static void
get_head(struct ov_buf *reply, struct fake_broker *b, const struct ov_msg_get_head *m)
{
	struct fake_head h;
	struct ov_msg_head r = { 0 };

	fake_head(&h, b, m->seen);
	r.head = OV_BYTES(h.bytes, h.len);
	memcpy(r.head_signature, h.signature, 64);
	r.consistency = OV_BYTES(h.consistency.bytes, h.consistency.len);
	MUST(ov_msg_encode(reply, OV_MSG_HEAD, &r) == OV_OK);
}

static void
get_consistency(
    struct ov_buf *reply, struct fake_broker *b, const struct ov_msg_get_consistency *m)
{
	struct ov_merkle_store nodes = nodes_of(&b->tree);
	struct ov_msg_consistency r = { 0 };
	struct ov_merkle_proof proof;

	if (b->lie == LIE_NO_PROOF_OF_GROWTH || m->from > m->to || m->to > b->tree.size) {
		fake_error(reply, "E_NOT_FOUND", 0);
		return;
	}
	MUST(ov_merkle_prove_consistency(&proof, &nodes, m->from, m->to) == OV_OK);
	r.proof = OV_BYTES(proof.bytes, proof.len);
	MUST(ov_msg_encode(reply, OV_MSG_CONSISTENCY, &r) == OV_OK);
}

/* A step: its body becomes a leaf. */
static void
put_step(struct ov_buf *reply, struct fake_broker *b, const struct ov_msg_put_step *m)
{
	uint64_t at = fake_append(b, OV_LEAF_PROPOSED, m->body);
	struct ov_msg_proven r = { .leaf_type = OV_LEAF_PROPOSED };
	struct fake_proof p;

	fake_prove(&p, b, at, m->seen);
	FAKE_PROVEN_INTO(&r, &p, at);
	if (b->lie == LIE_SALT)
		r.salt[0] = 1;
	if (b->lie == LIE_TYPE)
		r.leaf_type = OV_LEAF_ACCEPTED;
	MUST(ov_msg_encode(reply, OV_MSG_PROVEN, &r) == OV_OK);
}

static void
answer(struct ov_buf *reply, struct fake_broker *b, struct ov_bytes in,
    const uint8_t fingerprint[32])
{
	union ov_msg_any m;
	struct ov_msg_done done = { 0 };
	enum ov_msg type = ov_msg_type(in);

	MUST(ov_msg_decode(&m, type, in) == OV_OK);
	if (type == OV_MSG_HELLO) {
		atomic_fetch_add(&b->hellos, 1);
		hello(reply, b, &m.hello);
	} else if (type == OV_MSG_GET_HEAD) {
		get_head(reply, b, &m.get_head);
	} else if (type == OV_MSG_GET_CONSISTENCY) {
		get_consistency(reply, b, &m.get_consistency);
	} else if (type == OV_MSG_PUT_STEP && !b->extra_steps) {
		put_step(reply, b, &m.put_step);
	} else if (type == OV_MSG_PUT_CHUNK) {
		atomic_fetch_add(&b->chunks[m.put_chunk.index % 64], 1);
		done.seq = m.put_chunk.index;
		MUST(ov_msg_encode(reply, OV_MSG_DONE, &done) == OV_OK);
	} else if (b->extra != NULL) {
		b->extra(b->arg, reply, in, fingerprint);
	} else {
		fake_error(reply, "E_BROKER_WAIT", 1000);
	}
}

/* Takes one of *n, if one is left. */
static bool
take_one(atomic_uint *n)
{
	unsigned int left = atomic_load(n);

	while (left > 0)
		if (atomic_compare_exchange_weak(n, &left, left - 1))
			return true;
	return false;
}

static void
handle(void *ctx, struct ov_request *r)
{
	struct fake_broker *b = ctx;
	struct ov_bytes in = ov_request_body(r);
	struct ov_buf reply = { 0 };
	bool is_hello = ov_msg_type(in) == OV_MSG_HELLO;

	atomic_fetch_add(&b->requests, 1);
	if (!is_hello && take_one(&b->drop)) {
		ov_request_drop(r);
		return;
	}
	pthread_mutex_lock(&b->mx);
	if (!is_hello && take_one(&b->errors))
		fake_error(&reply, b->error, b->retry_ms);
	else
		answer(&reply, b, in, ov_request_peer(r));
	pthread_mutex_unlock(&b->mx);
	ov_request_reply(r, OV_BUF_BYTES(&reply));
	ov_buf_free(&reply);
}

static bool
is_allowed(void *arg, const uint8_t fingerprint[OV_FINGERPRINT_LEN])
{
	(void)arg;
	(void)fingerprint;
	return true;
}

/* --- life --- */

void
fake_up(struct fake_broker *b)
{
	struct ov_edge_options o;

	ov_edge_options_default(&o);
	o.address = b->address;
	o.ctx = b;
	o.handle = handle;
	o.tls = b->tls;
	assert_int_equal(ov_edge_start(&b->edge, &o), OV_OK);
	snprintf(b->address, sizeof(b->address), "127.0.0.1:%u", ov_edge_port(b->edge));
}

void
fake_down(struct fake_broker *b)
{
	ov_edge_stop(b->edge, 1000);
	ov_edge_free(b->edge);
	b->edge = NULL;
}

void
fake_start(struct fake_broker *b)
{
	memset(b, 0, sizeof(*b));
	pthread_mutex_init(&b->mx, NULL);
	pki_init(&b->pki);
	pki_issue_client(&b->pki, &b->company, 0);
	assert_int_equal(ov_tls_server_new(&b->tls,
			     &(struct ov_tls_server_options){ b->pki.server.cert,
				 b->pki.server.key, b->pki.root.cert, is_allowed, b }),
	    OV_OK);
	snprintf(b->address, sizeof(b->address), "127.0.0.1:0");
	fake_up(b);
}

void
fake_stop(struct fake_broker *b)
{
	if (b->edge != NULL)
		fake_down(b);
	ov_tls_context_free(b->tls);
	pair_free(&b->company);
	pki_fini(&b->pki);
	pthread_mutex_destroy(&b->mx);
}

struct ov_home *
fake_home(struct fake_broker *b, const char *name)
{
	struct pair p = { 0 };
	struct ov_home *h;

	pki_issue_client(&b->pki, &p, 0);
	h = site_joined(
	    name, &(struct site_broker){ b->address, b->pki.root.cert, p.cert, p.key });
	pair_free(&p);
	return h;
}
