/* Rules at their edges, second part: long fields, keys and points that are none, and the
 * release tables of other sheets. */
#include <string.h>

#include "common/psi/psi.h"
#include "proto/keys.h"
#include "tests/vectors/exchange/scene.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* --- messages whose fields need each of msgpack's headers --- */

static void
long_fields(struct scene_file *f)
{
	static const size_t chunks[] = { 255, 256, 65535, 65536, 614400 };
	static const size_t texts[] = { 31, 32, 255, 256, 500 };
	static uint8_t fill[614400];
	struct ov_json *in = ov_json_object(f->in, "long");
	struct ov_json *out = ov_json_object(f->out, "long");
	struct ov_json *n = ov_json_array(in, "CHUNK"), *h = ov_json_array(out, "CHUNK");
	struct ov_buf bytes = { 0 };

	memset(fill, 'x', sizeof(fill));
	for (size_t i = 0; i < COUNT(chunks); i++) {
		const struct ov_msg_chunk m = { .last = 1,
			.body = OV_BYTES(fill, chunks[i]) };

		bytes.len = 0;
		MUST(ov_msg_encode(&bytes, OV_MSG_CHUNK, &m) == OV_OK);
		ov_json_number(n, NULL, chunks[i]);
		scene_digest(h, NULL, OV_BUF_BYTES(&bytes));
	}
	n = ov_json_array(in, "TERMS_ASK");
	h = ov_json_array(out, "TERMS_ASK");
	for (size_t i = 0; i < COUNT(texts); i++) {
		const struct ov_msg_terms_ask m = { .version = 1,
			.text = OV_BYTES(fill, texts[i]) };

		bytes.len = 0;
		MUST(ov_msg_encode(&bytes, OV_MSG_TERMS_ASK, &m) == OV_OK);
		ov_json_number(n, NULL, texts[i]);
		scene_digest(h, NULL, OV_BUF_BYTES(&bytes));
	}
	ov_buf_free(&bytes);
}

/* --- what is refused of a partner's keys and points --- */

/* Public keys of small order (RFC 7748 section 6.1), and one that is none of these. */
static void
agreements(const struct scene *s, struct scene_file *f)
{
	static const uint8_t small[][32] = { { 0 }, { 1 },
		{ 0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa,
		    0xf1, 0x9f, 0xc4, 0x6a, 0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1,
		    0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00 },
		{ 9 } };
	struct ov_json *in = ov_json_array(f->in, "agreements");
	struct ov_json *out = ov_json_array(f->out, "agreements");
	struct ov_shared_keys keys;

	for (size_t i = 0; i < COUNT(small); i++) {
		HEX(in, NULL, small[i]);
		ov_json_number(out, NULL,
		    ov_shared_keys_derive(
			&keys, s->th, s->a.said.ephemeral_secret, small[i]) == OV_OK);
	}
}

/* Points of Bob as they are, and changed; what Ada makes of them (7.15, 7.18). */
static void
points(const struct scene *s, struct scene_file *f)
{
	static const struct {
		size_t at;
		uint8_t flip;
	} changes[] = { { 0, 0 }, { 31, 0x80 }, { 0, 1 }, { 31, 0x40 } };
	static const uint8_t identity[32];
	struct ov_json *in = ov_json_array(f->in, "points");
	struct ov_json *out = ov_json_array(f->out, "points");
	uint8_t point[32], made[32], ok;

	for (size_t i = 0; i <= COUNT(changes); i++) {
		memcpy(point, i < COUNT(changes) ? s->b.points : identity, 32);
		if (i < COUNT(changes))
			point[changes[i].at] ^= changes[i].flip;
		HEX(in, NULL, point);
		if (ov_psi_blind_points(made, &ok, point, 1, s->a.scalar) == 0)
			HEX(out, NULL, made);
		else
			ov_json_text(out, NULL, "");
	}
}

/* --- release tables --- */

/* What the two sheets of terms.json say otherwise; -1: nothing. */
struct other_sheets {
	int name_only[2], duns_veto[2], exact[2], reciprocal[2];
	int fit[2];
	bool no_icp, no_columns, nothing_granted;
};

static void
change_number(struct ov_json *in, const char *key, uint64_t *field, int value)
{
	if (value < 0)
		return;
	*field = (uint64_t)value;
	ov_json_number(in, key, *field);
}

static void
change_sheet(struct ov_buf *out, struct ov_json *in, const struct company *c,
    const struct other_sheets *o, unsigned int side)
{
	struct ov_msg_grants g = c->book->grants;
	struct ov_buf populations = { 0 };

	change_number(in, "name_only", &g.name_only, o->name_only[side]);
	change_number(in, "duns_veto", &g.duns_veto, o->duns_veto[side]);
	change_number(in, "exact", &g.exact, o->exact[side]);
	change_number(in, "reciprocal", &g.reciprocal, o->reciprocal[side]);
	change_number(in, "fit", &g.fit, o->fit[side]);
	if (o->no_icp && g.icp.len > 0) {
		g.icp = OV_BYTES(NULL, 0);
		ov_json_text(in, "icp", "");
	}
	if (o->no_columns && g.icp_columns.len > 0) {
		g.icp_columns = OV_BYTES(NULL, 0);
		ov_json_text(in, "icp_columns", "");
	}
	if (o->nothing_granted && side == 0) /* all of it is hidden */
		(void)ov_json_array(in, "populations");
	else
		MUST(ov_populations_pack(&populations, c->book->populations,
			 c->book->n_populations) == OV_OK);
	g.populations = OV_BUF_BYTES(&populations);
	MUST(ov_msg_encode(out, OV_MSG_GRANTS, &g) == OV_OK);
	ov_buf_free(&populations);
}

static void
release(const struct scene *s, struct ov_json *in, struct ov_json *out,
    const struct other_sheets *o)
{
	struct ov_buf sheet[2] = { { 0 } }, terms = { 0 }, table = { 0 };
	struct ov_terms_input t = { s->low->actor->pk, s->high->actor->pk, 8,
		OV_BYTES(NULL, 0), OV_BYTES(NULL, 0) };
	struct ov_msg_terms_body body;

	change_sheet(&sheet[0], ov_json_object(in, "a"), &s->a, o, 0);
	change_sheet(&sheet[1], ov_json_object(in, "b"), &s->b, o, 1);
	t.grants_low = OV_BUF_BYTES(&sheet[s->low == &s->a ? 0 : 1]);
	t.grants_high = OV_BUF_BYTES(&sheet[s->low == &s->a ? 1 : 0]);
	MUST(ov_terms_derive(&terms, &table, &body, &t) == OV_OK);
	scene_hex(out, NULL, OV_BUF_BYTES(&table));
	ov_buf_free(&sheet[0]);
	ov_buf_free(&sheet[1]);
	ov_buf_free(&terms);
	ov_buf_free(&table);
}

#define SAME                                                                             \
	{                                                                                \
		-1, -1                                                                   \
	}
static void
releases(const struct scene *s, struct scene_file *f)
{
	static const struct other_sheets others[] = {
		{ { 1, 0 }, { 0, 1 }, { 1, 0 }, { 1, 1 }, { 0, 1 }, false, false, false },
		{ { 0, 1 }, { 1, 0 }, { 0, 1 }, { 1, 0 }, { 0, 0 }, true, false, false },
		{ { 0, 0 }, { 0, 0 }, { 0, 0 }, { 0, 1 }, { 1, 1 }, false, true, false },
		{ SAME, SAME, SAME, { 1, 1 }, SAME, true, true, true },
		{ SAME, SAME, SAME, { 0, 0 }, SAME, false, false, false },
	};
	struct ov_json *in = ov_json_array(f->in, "releases");
	struct ov_json *out = ov_json_array(f->out, "releases");

	for (size_t i = 0; i < COUNT(others); i++)
		release(s, ov_json_object(in, NULL), out, &others[i]);
}

void
scene_rules_more(struct scene *s, struct scene_file *f)
{
	long_fields(f);
	agreements(s, f);
	points(s, f);
	releases(s, f);
}
