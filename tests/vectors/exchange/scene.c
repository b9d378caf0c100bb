#include "tests/vectors/exchange/scene.h"

#include <stdlib.h>
#include <string.h>

#include "common/crypto/memory.h"
#include "common/crypto/seal.h"
#include "common/crypto/sign.h"
#include "tests/vectors/exchange/seeded_random.h"

void
scene_must(int cond, const char *file, int line, const char *text)
{
	if (cond)
		return;
	fprintf(stderr, "%s:%d: not so: %s\n", file, line, text);
	exit(1);
}

struct ov_bytes
scene_text(const char *s)
{
	return OV_BYTES(s, strlen(s));
}

void
scene_fixed(uint8_t *out, size_t len, const char *name)
{
	uint8_t h[OV_HASH_LEN];

	ov_digest(h, "overlap vectors", scene_text(name));
	memcpy(out, h, len);
}

/* --- keys and signatures --- */

static int
is_secret_of(const void *public_key, const uint8_t *draw)
{
	uint8_t pk[32];

	ov_dh_public(pk, draw);
	return memcmp(pk, public_key, 32) == 0;
}

void
scene_secret_of(uint8_t secret[32], const uint8_t public_key[32])
{
	const uint8_t *found = seeded_random_find(32, is_secret_of, public_key);

	MUST(found != NULL);
	memcpy(secret, found, 32);
}

void
scene_seal(struct scene_envelope *out, const struct company *from,
    const struct company *to, const char *context, struct ov_bytes plain)
{
	uint8_t ad[64];

	memcpy(ad, from->actor->pk, 32);
	memcpy(ad + 32, to->actor->pk, 32);
	MUST(ov_buf_reserve(&out->bytes, plain.len + OV_ENVELOPE_OVERHEAD) == OV_OK);
	MUST(ov_envelope_seal(out->bytes.p, to->actor->envelope, context,
		 OV_BYTES(ad, sizeof(ad)), plain) == OV_OK);
	out->bytes.len = plain.len + OV_ENVELOPE_OVERHEAD;
	scene_secret_of(out->ephemeral, out->bytes.p);
}

void
scene_sign(struct signed_message *m, const struct company *who, const char *context)
{
	ov_sign(m->signature, who->actor->sk, context, OV_BUF_BYTES(&m->bytes));
}

void
scene_put(struct scene *s, struct signed_message *m, const struct company *who,
    unsigned int step, const void *message, const char *name)
{
	MUST(put_step(who->actor, s->job, step, message, &m->bytes) == OV_OK);
	scene_sign(m, who, ov_step_context(step));
	scene_leaf_signed(s, name, m);
}

uint64_t
scene_head(const struct company *who, struct ov_bytes *head, struct ov_bytes *signature)
{
	static struct ov_msg_head
	    reply; /* borrowed by the caller's step until the next */
	static uint8_t bytes[OV_HEAD_MAX];
	const struct ov_msg_get_head get = { .seen = 0 };
	struct ov_msg_tree_head tree;

	MUST(call(who->actor, OV_MSG_GET_HEAD, &get, OV_MSG_HEAD, &reply) == OV_OK);
	memcpy(bytes, reply.head.p, reply.head.len);
	*head = OV_BYTES(bytes, reply.head.len);
	*signature = OV_BYTES(reply.head_signature, 64);
	MUST(ov_msg_decode(&tree, OV_MSG_TREE_HEAD, *head) == OV_OK);
	return tree.size;
}

/* --- leaves --- */

void
scene_leaf(struct scene *s, const char *name, struct ov_bytes body)
{
	struct named_leaf *l = &s->leaves[s->n_leaves++];

	MUST(s->n_leaves <= sizeof(s->leaves) / sizeof(s->leaves[0]));
	l->name = name;
	MUST(ov_buf_append(&l->body, body.p, body.len) == OV_OK);
}

void
scene_leaf_signed(struct scene *s, const char *name, const struct signed_message *m)
{
	const struct ov_bytes parts[] = { OV_BUF_BYTES(&m->bytes),
		OV_BYTES(m->signature, sizeof(m->signature)) };
	uint8_t body[OV_HASH_LEN];

	ov_hash_parts(body, parts, 2);
	scene_leaf(s, name, OV_BYTES(body, sizeof(body)));
}

/* --- files --- */

struct scene_file
scene_open(const char *about)
{
	struct scene_file f = { .doc = ov_json_new() };

	ov_json_text(f.doc, "about", about);
	f.in = ov_json_object(f.doc, "inputs");
	f.out = ov_json_object(f.doc, "outputs");
	return f;
}

void
scene_close(const struct scene *s, const char *name, struct scene_file *f)
{
	char path[512];
	FILE *out;

	MUST(
	    snprintf(path, sizeof(path), "%s/%s.json", s->out, name) < (int)sizeof(path));
	out = fopen(path, "w");
	MUST(out != NULL);
	MUST(ov_json_write(out, f->doc) == OV_OK);
	MUST(fclose(out) == 0);
	ov_json_free(f->doc);
}

void
scene_hex(struct ov_json *at, const char *key, struct ov_bytes x)
{
	ov_json_hex(at, key, x.p, x.len);
}

void
scene_write_signed(struct ov_json *at, const char *name, const struct signed_message *m)
{
	char key[64];

	snprintf(key, sizeof(key), "%s_signature", name);
	scene_hex(at, name, OV_BUF_BYTES(&m->bytes));
	HEX(at, key, m->signature);
}

void
scene_digest(struct ov_json *at, const char *key, struct ov_bytes x)
{
	uint8_t h[OV_HASH_LEN];
	struct ov_hash state;

	ov_hash_init(&state);
	ov_hash_raw(&state, x.p, x.len);
	ov_hash_final(&state, h);
	HEX(at, key, h);
}
