/* The broker's report, both CLOSEs, and the log of it all. */
#include <string.h>

#include "client/job/counted.h"
#include "client/job/verify.h"
#include "proto/slots.h"
#include "server/report.h"
#include "tests/vectors/exchange/scene.h"

/* --- report.json --- */

static void
append(struct ov_buf *out, struct ov_bytes x)
{
	MUST(ov_buf_append(out, x.p, x.len) == OV_OK);
}

static void
fetch_report(struct scene *s)
{
	struct ov_msg_get_step m = { .step = OV_STEP_REPORT };
	struct ov_msg_step reply;

	memcpy(m.job, s->job, OV_ID);
	MUST(call(s->a.actor, OV_MSG_GET_STEP, &m, OV_MSG_STEP, &reply) == OV_OK);
	append(&s->report.bytes, reply.body);
	memcpy(s->report.signature, reply.signature, 64);
}

static void
fetch_view(struct scene *s, struct company *c, enum ov_role role)
{
	unsigned int stream = ov_stream_of(OV_STREAM_VIEW_A, role);
	struct ov_msg_chunk chunk;

	MUST(get_chunk(c->actor, s->job, stream, 0, &chunk) == OV_OK && !chunk.last);
	append(&c->view, chunk.body);
	MUST(get_chunk(c->actor, s->job, stream, 1, &chunk) == OV_OK && chunk.last);
	append(&c->rows, chunk.body);
}

static uint16_t
visible(const uint8_t levels[OV_POPULATIONS_MAX + 1])
{
	uint16_t set = 0;

	for (unsigned int n = 1; n <= OV_POPULATIONS_MAX; n++)
		if (levels[n] >= OV_LEVEL_MATCHES)
			set |= (uint16_t)(1U << n);
	return set;
}

enum ov_status
scene_verify_matches(const struct scene *s, const struct company *c, struct ov_bytes rows,
    const struct ov_msg_view *view)
{
	static uint8_t tags[SCENE_SLOTS_MAX * OV_TAG_LEN];
	enum ov_role role = c == &s->a ? OV_ROLE_A : OV_ROLE_B;
	const struct company *other = c == &s->a ? &s->b : &s->a;
	struct ov_verify_input in = { .deck = &c->deck,
		.tags = tags,
		.other_slots = other->slots,
		.proof_key = s->keys.proof[1 - role],
		.roster_key = s->keys.roster[1 - role],
		.bands = other == &s->b }; /* who evaluated the other's criteria */
	struct ov_release release;
	const struct ov_counted_input cells = { .release = &release, /* it says `exact` */
		.mine = c == s->low ? 0 : 1,
		.theirs = c == s->low ? 1 : 0 };
	struct ov_verify v;
	struct ov_match match;
	enum ov_status st = OV_OK;

	MUST(ov_release_decode(&release, OV_BUF_BYTES(&s->release)) == OV_OK);
	in.visible = visible(release.level[other == s->low ? 0 : 1]);
	in.fits = release.fit[other == s->low ? 0 : 1];
	for (uint32_t i = 0; i < other->slots; i++)
		memcpy(tags + OV_TAG_LEN * i, c->tags + OV_TAG_ROW * i, OV_TAG_LEN);
	MUST(ov_verify_init(&v, &in) == OV_OK);
	for (size_t at = 0; st == OV_OK && at < rows.len; at += OV_MATCH_ROW)
		st = ov_verify_row(&match, &v, rows.p + at);
	if (st == OV_OK)
		st = ov_verify_view(&v, view);
	if (st == OV_OK && !ov_counted_cells_are_due(&cells, view->cells))
		st = OV_E_PROTO_MISBEHAVED;
	ov_verify_fini(&v);
	return st;
}

/* The client's own checks: these vectors are ones that it takes. */
static void
verify(const struct scene *s, const struct company *c)
{
	struct ov_release release;
	struct ov_msg_view view;

	MUST(ov_release_decode(&release, OV_BUF_BYTES(&s->release)) == OV_OK);
	MUST(ov_msg_decode(&view, OV_MSG_VIEW, OV_BUF_BYTES(&c->view)) == OV_OK);
	MUST(scene_verify_matches(s, c, OV_BUF_BYTES(&c->rows), &view) == OV_OK);
	MUST(scene_verify_counted(s, c, &release, false, 0, &view) == OV_OK);
}

static void
close_side(struct scene *s, struct company *c, unsigned int step, const char *name)
{
	struct ov_msg_close m = { .verdict = OV_LITERAL("OK"),
		.created = (uint64_t)clock_now };

	memcpy(m.job, s->job, OV_ID);
	memcpy(m.th, s->th, OV_HASH_LEN);
	ov_digest(m.report, "report", OV_BUF_BYTES(&s->report.bytes));
	c->close_head_size = scene_head(c, &m.head, &m.head_signature);
	scene_put(s, &c->close, c, step, &m, name);
}

static bool
has_row(const struct ov_buf *rows, uint32_t own, uint32_t other)
{
	struct ov_match_row m;

	for (size_t i = 0; i < rows->len; i += OV_MATCH_ROW) {
		ov_match_unpack(&m, rows->p + i);
		if (m.own == own && m.other == other)
			return true;
	}
	return false;
}

/* Match numbers are drawn: they are inputs, by both positions. */
static void
write_numbers(struct scene_file *f, const struct scene *s)
{
	struct ov_json *at = ov_json_object(f->in, "numbers");

	for (int role = 0; role < 2; role++) {
		const struct ov_buf *rows = role == 0 ? &s->a.rows : &s->b.rows;

		for (size_t i = 0; i < rows->len; i += OV_MATCH_ROW) {
			struct ov_match_row m;
			char key[32];

			ov_match_unpack(&m, rows->p + i);
			if (role == 1 && has_row(&s->a.rows, m.other, m.own))
				continue; /* both see it, under one number */
			snprintf(key, sizeof(key), "%u,%u", role == 0 ? m.own : m.other,
			    role == 0 ? m.other : m.own);
			ov_json_number(at, key, m.number);
		}
	}
}

static void
write_view(struct scene_file *f, const char *key, const struct company *c)
{
	struct ov_json *in = ov_json_object(f->in, key);
	struct ov_json *out = ov_json_object(f->out, key);
	struct ov_msg_view view;

	MUST(ov_msg_decode(&view, OV_MSG_VIEW, OV_BUF_BYTES(&c->view)) == OV_OK);
	HEX(in, "salt", view.salt);
	ov_json_number(in, "close_created", (uint64_t)clock_now);
	ov_json_number(in, "close_head_size", c->close_head_size);
	scene_hex(out, "VIEW", OV_BUF_BYTES(&c->view));
	scene_hex(out, "matches", OV_BUF_BYTES(&c->rows));
}

void
scene_report(struct scene *s)
{
	struct scene_file f = scene_open("Both views, the report and both CLOSEs "
					 "(PROTOCOL.md 7.19 to 7.25).  Salts and "
					 "match numbers are drawn by the broker, so they "
					 "are inputs; a number belongs to "
					 "\"position in A,position in B\".");
	struct ov_msg_report report;
	struct ov_msg_tree_head head;

	clock_now += 60;
	MUST(ov_report_make(&broker, s->job) == OV_OK);
	fetch_report(s);
	fetch_view(s, &s->a, OV_ROLE_A);
	fetch_view(s, &s->b, OV_ROLE_B);
	verify(s, &s->a);
	verify(s, &s->b);
	scene_leaf_signed(s, "REPORT", &s->report);
	MUST(ov_msg_decode(&report, OV_MSG_REPORT, OV_BUF_BYTES(&s->report.bytes)) ==
	     OV_OK);
	MUST(ov_msg_decode(&head, OV_MSG_TREE_HEAD, report.head) == OV_OK);
	clock_now += 60;
	close_side(s, &s->a, OV_STEP_CLOSE_A, "CLOSE_A");
	close_side(s, &s->b, OV_STEP_CLOSE_B, "CLOSE_B");

	ov_json_number(f.in, "created", report.created);
	ov_json_number(f.in, "head_size", head.size);
	write_numbers(&f, s);
	write_view(&f, "a", &s->a);
	write_view(&f, "b", &s->b);
	scene_hex(f.out, "charges", report.charges);
	scene_write_signed(f.out, "REPORT", &s->report);
	scene_write_signed(f.out, "CLOSE_A", &s->a.close);
	scene_write_signed(f.out, "CLOSE_B", &s->b.close);
	scene_close(s, "report", &f);
}

/* --- log.json --- */

static const char *
name_of(const struct scene *s, const struct ov_buf *body)
{
	for (size_t i = 0; i < s->n_leaves; i++) {
		const struct ov_buf *b = &s->leaves[i].body;

		if (b->len == body->len && memcmp(b->p, body->p, b->len) == 0)
			return s->leaves[i].name;
	}
	return NULL; /* job || state: no message */
}

/* The job of a leaf without a message; NULL for the one of job.json. */
static const char *
job_of(const struct scene *s, const struct ov_buf *body)
{
	const struct named_job *named[] = { &s->expired, &s->unchanged };

	MUST(body->len == OV_ID + 1);
	for (size_t i = 0; i < 2; i++)
		if (memcmp(body->p, named[i]->job, OV_ID) == 0)
			return named[i]->name;
	MUST(memcmp(body->p, s->job, OV_ID) == 0);
	return NULL;
}

static void
write_event(const struct scene *s, struct ov_json *in, const struct ov_buf *body)
{
	const char *job = job_of(s, body);

	if (job != NULL)
		ov_json_text(in, "job", job);
	ov_json_number(in, "state", body->p[OV_ID]);
}

/* The arrays of log.json, filled leaf by leaf. */
struct log_file {
	struct ov_json *leaves, *bodies, *roots, *inclusion, *consistency;
};

static void
write_leaf(const struct scene *s, struct log_file *l, struct ov_tx *tx, uint64_t index)
{
	struct ov_json *in = ov_json_object(l->leaves, NULL);
	struct ov_log_leaf leaf;
	struct ov_buf body = { 0 };
	const char *of;

	MUST(ov_store_log_leaf(tx, &leaf, &body, index) == OV_OK);
	of = name_of(s, &body);
	ov_json_number(in, "type", leaf.type);
	HEX(in, "salt", leaf.salt);
	if (of != NULL)
		ov_json_text(in, "of", of);
	else
		write_event(s, in, &body);
	scene_hex(l->bodies, NULL, OV_BUF_BYTES(&body));
	ov_buf_free(&body);
}

/* Root of the first `size` leaves, the proof that the last of them is in the whole tree,
 * and the proof that the whole tree begins with them. */
static void
write_proofs(struct log_file *l, struct ov_tx *tx, uint64_t size, uint64_t whole)
{
	const struct ov_merkle_store nodes = ov_store_log_nodes(tx);
	struct ov_merkle_proof proof;
	uint8_t root[OV_MERKLE_LEN];

	MUST(ov_merkle_root(root, &nodes, size) == OV_OK);
	HEX(l->roots, NULL, root);
	MUST(ov_merkle_prove_inclusion(&proof, &nodes, size - 1, whole) == OV_OK);
	scene_hex(l->inclusion, NULL, OV_BYTES(proof.bytes, proof.len));
	MUST(ov_merkle_prove_consistency(&proof, &nodes, size, whole) == OV_OK);
	scene_hex(l->consistency, NULL, OV_BYTES(proof.bytes, proof.len));
}

void
scene_log(struct scene *s)
{
	struct scene_file f = scene_open("The broker's log: a salt is drawn for each "
					 "leaf; `of` names the company or the "
					 "signed message that it is of, `state` is of a "
					 "leaf without a message, of the job of job.json "
					 "or the one named.  Arrays "
					 "go by index of the leaf: the root of the tree "
					 "that ends with it, the inclusion "
					 "proof in the whole tree, the consistency proof "
					 "from the tree that ends with it "
					 "to the whole (PROTOCOL.md 3).");
	struct log_file l = { .leaves = ov_json_array(f.in, "leaves"),
		.bodies = ov_json_array(f.out, "bodies"),
		.roots = ov_json_array(f.out, "roots"),
		.inclusion = ov_json_array(f.out, "inclusion"),
		.consistency = ov_json_array(f.out, "consistency") };
	struct signed_message head = { 0 };
	struct ov_bytes bytes, signature;
	struct ov_tx *tx = NULL;
	uint64_t whole = scene_head(&s->b, &bytes, &signature);

	append(&head.bytes, bytes);
	memcpy(head.signature, signature.p, 64);
	MUST(ov_tx_begin(&tx, broker.store) == OV_OK);
	for (uint64_t i = 0; i < whole; i++) {
		write_leaf(s, &l, tx, i);
		write_proofs(&l, tx, i + 1, whole);
	}
	ov_tx_end(&tx);
	ov_json_number(f.in, "time", (uint64_t)clock_now);
	scene_write_signed(f.out, "TREE_HEAD", &head);
	scene_close(s, "log", &f);
	ov_buf_free(&head.bytes);
}
