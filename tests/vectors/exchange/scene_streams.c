/* Points, rosters and tags of both sides, and their COMPLETEs. */
#include <string.h>

#include "common/psi/psi.h"
#include "proto/chunk.h"
#include "tests/vectors/exchange/scene.h"

static const char *const step_names[2][3] = {
	{ "COMPLETE_POINTS_A", "COMPLETE_ROSTER_A", "COMPLETE_TAGS_A" },
	{ "COMPLETE_POINTS_B", "COMPLETE_ROSTER_B", "COMPLETE_TAGS_B" },
};

/* --- what each side computes --- */

static void
make_legend(const struct scene *s, struct company *c)
{
	struct ov_release release;

	MUST(ov_release_decode(&release, OV_BUF_BYTES(&s->release)) == OV_OK);
	MUST(book_legend(&c->legend, c->book, release.level[c == s->low ? 0 : 1],
		 c->list.n_records) == OV_OK);
	c->legend_chunk[0] = (uint8_t)(c->legend.len >> 8);
	c->legend_chunk[1] = (uint8_t)c->legend.len;
	memcpy(c->legend_chunk + 2, c->legend.p, c->legend.len);
	MUST(book_legend_holds(
	    c->legend_chunk, c->book, release.level[c == s->low ? 0 : 1]));
}

static void
make_rows(struct company *c, const uint8_t roster_key[16])
{
	for (uint32_t i = 0; i < c->slots; i++) {
		uint8_t token[OV_DECK_TOKEN_MAX];
		struct ov_bytes t = OV_BYTES(token, ov_deck_token(token, &c->deck, i));
		struct ov_roster_row row;

		MUST(ov_psi_blind_tokens(
			 c->points + OV_POINT_ROW * i, &t, 1, c->scalar) == OV_OK);
		ov_deck_roster(&row, &c->deck, i, roster_key);
		ov_roster_pack(c->roster + OV_ROSTER_ROW * i, &row);
	}
}

static void
make_tags(
    struct scene *s, struct company *c, const struct company *other, enum ov_role role)
{
	static uint8_t out[SCENE_SLOTS_MAX * OV_POINT_ROW], ok[SCENE_SLOTS_MAX];

	MUST(ov_psi_blind_points(out, ok, other->points, other->slots, c->scalar) == 0);
	for (uint32_t i = 0; i < other->slots; i++) {
		uint8_t *row = c->tags + OV_TAG_ROW * i;

		ov_blake2b(row, OV_TAG_LEN, s->keys.tag,
		    OV_BYTES(out + OV_POINT_ROW * i, OV_POINT_ROW), OV_BYTES(NULL, 0));
		ov_proof_mac(row + OV_TAG_LEN, s->keys.proof[role], i, row);
	}
}

static struct ov_chunk_key
points_key(const struct scene *s, enum ov_role role)
{
	return (struct ov_chunk_key){ s->th, s->keys.points[role], s->keys.nonce[role],
		(uint8_t)ov_stream_of(OV_STREAM_POINTS_A, role) };
}

static void
seal(struct ov_buf *out, const struct ov_chunk_key *key, uint32_t index,
    struct ov_bytes plain)
{
	MUST(ov_buf_reserve(out, plain.len + OV_CHUNK_OVERHEAD) == OV_OK);
	ov_chunk_seal(out->p, key, index, index == 1, plain);
	out->len = plain.len + OV_CHUNK_OVERHEAD;
}

/* --- what goes to the broker --- */

/* Puts the chunks of a stream and its COMPLETE; plain and sent are apart where they are
 * sealed. */
static void
send_stream(struct scene *s, struct company *c, enum ov_role role, unsigned int kind,
    const struct ov_bytes *plain, const struct ov_bytes *sent, uint32_t n, uint32_t rows)
{
	unsigned int stream = OV_STREAM_POINTS_A + 2 * kind + (unsigned int)role;
	struct ov_msg_complete m = { .stream = stream, .count = rows };
	struct ov_hash over_plain, over_sent;

	memcpy(m.job, s->job, OV_ID);
	memcpy(m.th, s->th, OV_HASH_LEN);
	ov_stream_digest_init(&over_plain, (uint8_t)stream);
	ov_stream_digest_init(&over_sent, (uint8_t)stream);
	for (uint32_t i = 0; i < n; i++) {
		MUST(put_chunk(c->actor, s->job, stream, i, i + 1 == n, sent[i].p,
			 sent[i].len) == OV_OK);
		ov_hash_lv(&over_plain, plain[i].p, plain[i].len);
		ov_hash_lv(&over_sent, sent[i].p, sent[i].len);
	}
	ov_hash_final(&over_plain, m.plain);
	ov_hash_final(&over_sent, m.sent);
	scene_put(s, &c->complete[kind], c, ov_stream_complete_step(stream), &m,
	    step_names[role][kind]);
}

static void
send_side(
    struct scene *s, struct company *c, const struct company *other, enum ov_role role)
{
	const struct ov_bytes points[] = { OV_BYTES(c->legend_chunk, OV_LEGEND_LEN),
		OV_BYTES(c->points, OV_POINT_ROW * c->slots) };
	const struct ov_bytes sealed[] = { OV_BUF_BYTES(&c->sealed[0]),
		OV_BUF_BYTES(&c->sealed[1]) };
	const struct ov_bytes roster = OV_BYTES(c->roster, OV_ROSTER_ROW * c->slots);
	const struct ov_bytes tags = OV_BYTES(c->tags, OV_TAG_ROW * other->slots);

	send_stream(s, c, role, 0, points, sealed, 2, c->slots);
	send_stream(s, c, role, 1, &roster, &roster, 1, c->slots);
	send_stream(s, c, role, 2, &tags, &tags, 1, other->slots);
}

/* --- streams.json --- */

static void
write_shown(struct ov_json *out, const struct company *c)
{
	struct ov_json *tokens = ov_json_array(out, "first_tokens");
	struct ov_json *points = ov_json_array(out, "first_points");

	for (uint32_t i = 0; i < SCENE_SHOWN; i++) {
		uint8_t token[OV_DECK_TOKEN_MAX];
		size_t len = ov_deck_token(token, &c->deck, i);

		scene_hex(tokens, NULL, OV_BYTES(token, len));
		scene_hex(
		    points, NULL, OV_BYTES(c->points + OV_POINT_ROW * i, OV_POINT_ROW));
	}
}

static void
write_side(struct scene_file *f, const char *key, const struct company *c,
    uint32_t other_slots, enum ov_role role)
{
	struct ov_json *out = ov_json_object(f->out, key);

	scene_hex(out, "LEGEND", OV_BUF_BYTES(&c->legend));
	write_shown(out, c);
	scene_digest(out, "points_digest", OV_BYTES(c->points, OV_POINT_ROW * c->slots));
	scene_hex(out, "sealed_legend_first", OV_BYTES(c->sealed[0].p, 64));
	scene_digest(out, "sealed_legend_digest", OV_BUF_BYTES(&c->sealed[0]));
	scene_hex(out, "sealed_points_first", OV_BYTES(c->sealed[1].p, 64));
	scene_digest(out, "sealed_points_digest", OV_BUF_BYTES(&c->sealed[1]));
	scene_hex(out, "ROSTER", OV_BYTES(c->roster, OV_ROSTER_ROW * c->slots));
	scene_hex(out, "TAGS", OV_BYTES(c->tags, OV_TAG_ROW * other_slots));
	for (unsigned int i = 0; i < 3; i++)
		scene_write_signed(out, step_names[role][i], &c->complete[i]);
}

static void
prepare(struct scene *s, struct company *c, enum ov_role role)
{
	const struct ov_chunk_key key = points_key(s, role);

	make_legend(s, c);
	MUST(ov_deck_init(&c->deck, &c->list, c->slots, &c->local) == OV_OK);
	make_rows(c, s->keys.roster[role]);
	seal(&c->sealed[0], &key, 0, OV_BYTES(c->legend_chunk, OV_LEGEND_LEN));
	seal(&c->sealed[1], &key, 1, OV_BYTES(c->points, OV_POINT_ROW * c->slots));
}

void
scene_streams(struct scene *s)
{
	struct scene_file f = scene_open(
	    "What both send: the legends, points (in the clear: the first of them and "
	    "the "
	    "hash of all; sealed: the first 64 bytes and the hash), rosters, tags and "
	    "COMPLETEs (PROTOCOL.md 7.11 to 7.18).  There are no inputs but those of the "
	    "other files.");

	prepare(s, &s->a, OV_ROLE_A);
	prepare(s, &s->b, OV_ROLE_B);
	make_tags(s, &s->a, &s->b, OV_ROLE_A);
	make_tags(s, &s->b, &s->a, OV_ROLE_B);
	clock_now += 60;
	send_side(s, &s->a, &s->b, OV_ROLE_A);
	send_side(s, &s->b, &s->a, OV_ROLE_B);
	write_side(&f, "a", &s->a, s->b.slots, OV_ROLE_A);
	write_side(&f, "b", &s->b, s->a.slots, OV_ROLE_B);
	scene_close(s, "streams", &f);
}
