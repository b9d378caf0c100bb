/* Rules at their edges: numbers that are padded or rounded, streams of several chunks,
 * more keys than a record keeps, dates of views, codes that were typed. */
#include <string.h>

#include "client/book/merge.h"
#include "proto/budget.h"
#include "proto/chunk.h"
#include "proto/code.h"
#include "tests/vectors/exchange/scene.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* --- numbers --- */

static void
padded(struct scene_file *f)
{
	static const uint32_t n[] = { 1, 1024, 1025, 1280, 1281, 1536, 1537, 1792, 1793,
		2048, 2049, 50000, 1000000, 0x70000000, 0x70000001, 0x80000000,
		0x80000001 };
	struct ov_json *in = ov_json_array(f->in, "padded");
	struct ov_json *out = ov_json_array(f->out, "padded");

	for (size_t i = 0; i < COUNT(n); i++) {
		ov_json_number(in, NULL, n[i]);
		ov_json_number(out, NULL, ov_padded_slots(n[i]));
	}
}

/* Sizes of legends: number of records, step. */
static void
sizes(struct scene_file *f)
{
	static const struct {
		uint64_t n;
		uint32_t step;
	} c[] = { { 20, 0 }, { 20, 1 }, { 20, 8 }, { 19, 8 }, { 499, 1000 },
		{ 500, 1000 }, { 1499, 1000 }, { 1500, 1000 }, { 7, 5 }, { 8, 5 } };
	struct ov_json *in = ov_json_array(f->in, "sizes");
	struct ov_json *out = ov_json_array(f->out, "sizes");

	for (size_t i = 0; i < COUNT(c); i++) {
		struct ov_json *pair = ov_json_array(in, NULL);

		ov_json_number(pair, NULL, c[i].n);
		ov_json_number(pair, NULL, c[i].step);
		ov_json_number(out, NULL, book_legend_size(c[i].n, c[i].step));
	}
}

static void
widths(struct scene_file *f)
{
	static const uint32_t epsilon[] = { 1, 333, 668, 669, 670, 8228, 8229, 11386,
		11387, 100000 };
	struct ov_json *in = ov_json_array(f->in, "plus_minus");
	struct ov_json *out = ov_json_array(f->out, "plus_minus");

	for (size_t i = 0; i < COUNT(epsilon); i++) {
		struct ov_json *pair = ov_json_array(out, NULL);

		ov_json_number(in, NULL, epsilon[i]);
		ov_json_number(pair, NULL, ov_plus_minus_pairs(epsilon[i]));
		ov_json_number(pair, NULL, ov_plus_minus_fits(epsilon[i]));
	}
}

/* --- chunks --- */

/* Row i: its number, eight times. */
static void
fill_rows(struct ov_buf *out, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		uint8_t row[OV_POINT_ROW];

		for (size_t k = 0; k < sizeof(row); k += 4)
			ov_put32(row + k, i);
		MUST(ov_buf_append(out, row, sizeof(row)) == OV_OK);
	}
}

/* Chunk `index` of A's POINTS; its nonce, and both digests go on. */
static void
seal_one(const struct scene *s, struct ov_json *nonces, struct ov_hash digest[2],
    uint32_t index, bool last, struct ov_bytes plain)
{
	const struct ov_chunk_key key = { s->th, s->keys.points[0], s->keys.nonce[0],
		OV_STREAM_POINTS_A };
	struct ov_buf sealed = { 0 };

	MUST(ov_buf_reserve(&sealed, plain.len + OV_CHUNK_OVERHEAD) == OV_OK);
	ov_chunk_seal(sealed.p, &key, index, last, plain);
	sealed.len = plain.len + OV_CHUNK_OVERHEAD;
	scene_hex(nonces, NULL, OV_BYTES(sealed.p, 24));
	ov_hash_lv(&digest[0], plain.p, plain.len);
	ov_hash_lv(&digest[1], sealed.p, sealed.len);
	ov_buf_free(&sealed);
}

static void
stream(const struct scene *s, struct scene_file *f, uint32_t n)
{
	const size_t chunk = (size_t)OV_CHUNK_SLOTS * OV_POINT_ROW;
	struct ov_json *out =
	    ov_json_object(f->out, n <= OV_CHUNK_SLOTS ? "one_chunk" : "two_chunks");
	struct ov_json *nonces = ov_json_array(out, "nonces");
	struct ov_buf rows = { 0 };
	struct ov_hash digest[2];
	uint8_t h[2][OV_HASH_LEN];
	uint32_t index = 1;

	fill_rows(&rows, n);
	for (int i = 0; i < 2; i++)
		ov_stream_digest_init(&digest[i], OV_STREAM_POINTS_A);
	seal_one(s, nonces, digest, 0, false, OV_BYTES(s->a.legend_chunk, OV_LEGEND_LEN));
	for (size_t at = 0; at < rows.len; at += chunk, index++) {
		size_t len = rows.len - at < chunk ? rows.len - at : chunk;

		seal_one(s, nonces, digest, index, at + len == rows.len,
		    OV_BYTES(rows.p + at, len));
	}
	ov_json_number(f->in, n <= OV_CHUNK_SLOTS ? "one_chunk" : "two_chunks", n);
	for (int i = 0; i < 2; i++)
		ov_hash_final(&digest[i], h[i]);
	HEX(out, "plain", h[0]);
	HEX(out, "sent", h[1]);
	ov_buf_free(&rows);
}

/* --- keys of one record --- */

static void
six_keys(struct scene_file *f)
{
	static const struct {
		enum ov_rank rank;
		enum ov_claim_source source;
		const char *value;
	} c[] = {
		{ OV_RANK_NAME_COUNTRY, OV_CLAIM_COLUMN, "US acme" },
		{ OV_RANK_DOMAIN, OV_CLAIM_EMAIL, "aaa.example" },
		{ OV_RANK_DOMAIN, OV_CLAIM_WEBSITE, "zzz.example" },
		{ OV_RANK_VAT, OV_CLAIM_COLUMN, "DE136695976" },
		{ OV_RANK_LEI, OV_CLAIM_COLUMN, "5493001KJTIIGC8Y1R12" },
		{ OV_RANK_CIK, OV_CLAIM_COLUMN, "0000320193" },
		{ OV_RANK_DUNS, OV_CLAIM_COLUMN, "123456789" },
		{ OV_RANK_DOMAIN, OV_CLAIM_EMAIL, "bbb.example" },
	};
	struct ov_json *in = ov_json_array(f->in, "keys");
	struct ov_json *out = ov_json_array(f->out, "keys");
	struct ov_merge_record record;
	struct ov_merge *m;
	bool any;

	MUST(ov_merge_new(&m, site_dir) == OV_OK);
	MUST(ov_merge_row(m, 0) == OV_OK);
	for (size_t i = 0; i < COUNT(c); i++) {
		struct ov_json *claim = ov_json_array(in, NULL);

		MUST(ov_merge_claim(m, c[i].rank, c[i].source, scene_text(c[i].value)) ==
		     OV_OK);
		ov_json_number(claim, NULL, c[i].rank);
		ov_json_number(claim, NULL, c[i].source == OV_CLAIM_EMAIL);
		ov_json_text(claim, NULL, c[i].value);
	}
	MUST(ov_merge_run(m) == OV_OK);
	MUST(ov_merge_next_record(&any, &record, m) == OV_OK && any);
	MUST(record.n == OV_TOKENS_PER_RECORD);
	for (size_t i = 0; i < record.n; i++)
		scene_hex(out, NULL, record.token[i].value);
	ov_merge_free(m);
}

/* --- dates of views --- */

struct ledger_case {
	uint32_t view_days, epsilon, year;
	int64_t now; /* days, and seconds */
	int64_t now_s;
	size_t n;
	struct {
		int64_t day;
		uint32_t epsilon;
	} view[4];
};

static void
ask_ledger(struct ov_budget_past *past, struct ov_tx *tx, size_t number,
    const struct ledger_case *c, int64_t now)
{
	struct ov_charge charge = { 0 };
	struct ov_ledger ledger;
	struct ov_ledger_query q = { .low = charge.low,
		.high = charge.high,
		.now = now,
		.epsilon = c->epsilon,
		.year_epsilon = c->year };

	memset(charge.low, 1, OV_ID);
	charge.low[0] = (uint8_t)number;
	memset(charge.high, 2, OV_ID);
	for (size_t i = 0; i < c->n; i++) {
		charge.job[0] = (uint8_t)(number + 1);
		charge.job[1] = (uint8_t)i;
		charge.at = clock_start + c->view[i].day * OV_BUDGET_DAY;
		charge.epsilon[0] = c->view[i].epsilon;
		MUST(ov_store_charge(tx, &charge) == OV_OK);
	}
	MUST(ov_store_ledger(tx, &ledger, &q) == OV_OK);
	*past = ledger.views[0];
}

static void
write_views(struct ov_json *at, const struct ledger_case *c)
{
	struct ov_json *list = ov_json_array(at, "views");

	for (size_t i = 0; i < c->n; i++) {
		struct ov_json *view = ov_json_array(list, NULL);

		ov_json_number(
		    view, NULL, (uint64_t)(clock_start + c->view[i].day * OV_BUDGET_DAY));
		ov_json_number(view, NULL, c->view[i].epsilon);
	}
}

static void
date(struct ov_json *in, struct ov_json *out, struct ov_tx *tx, size_t number,
    const struct ledger_case *c)
{
	const struct ov_release r = { .view_days = c->view_days,
		.epsilon_milli = c->epsilon,
		.year_epsilon_milli = c->year };
	int64_t now = clock_start + c->now * OV_BUDGET_DAY + c->now_s;
	struct ov_budget_past past;
	struct ov_budget_due giver, broker_s;

	ask_ledger(&past, tx, number, c, now);
	ov_budget_due(&giver, &r, &past, now, 0);
	ov_budget_due(&broker_s, &r, &past, now, OV_BUDGET_SLACK);
	in = ov_json_object(in, NULL);
	ov_json_number(in, "view_days", c->view_days);
	ov_json_number(in, "epsilon_milli", c->epsilon);
	ov_json_number(in, "year_epsilon_milli", c->year);
	write_views(in, c);
	ov_json_number(in, "now", (uint64_t)now);
	out = ov_json_object(out, NULL);
	ov_json_number(out, "giver", giver.due);
	ov_json_number(out, "broker", broker_s.due);
	ov_json_number(out, "reason", giver.due ? 0 : (uint64_t)giver.reason);
	ov_json_number(out, "next", giver.next);
}

static void
dates(struct scene_file *f)
{
	static const struct ledger_case cases[] = {
		{ 28, 333, 4333, 0, 0, 0, { { 0, 0 } } },
		{ 28, 333, 4333, 27, 0, 1, { { 0, 333 } } },
		{ 28, 333, 4333, 28, -3601, 1, { { 0, 333 } } },
		{ 28, 333, 4333, 28, -3600, 1, { { 0, 333 } } },
		{ 28, 333, 4333, 28, 0, 1, { { 0, 333 } } },
		/* what is left is enough for this one, but not more */
		{ 28, 333, 999, 60, 0, 2, { { 0, 333 }, { 30, 333 } } },
		{ 28, 333, 998, 60, 0, 2, { { 0, 333 }, { 30, 333 } } },
		/* the oldest of all must be a year old, then the next */
		{ 28, 333, 999, 100, 0, 3, { { 0, 333 }, { 30, 333 }, { 60, 333 } } },
		{ 28, 500, 999, 364, 0, 3, { { 0, 333 }, { 30, 333 }, { 60, 333 } } },
		{ 28, 333, 999, 365, 0, 3, { { 0, 333 }, { 30, 333 }, { 60, 333 } } },
		{ 28, 333, 500, 364, 43200, 1, { { 0, 333 } } },
		/* both rules, one date: the days */
		{ 365, 333, 500, 100, 0, 1, { { 0, 333 } } },
		{ 366, 333, 500, 100, 0, 1, { { 0, 333 } } },
		{ 28, 0, 4333, 0, 0, 0, { { 0, 0 } } },
		{ 28, 4333, 4333, 0, 0, 0, { { 0, 0 } } },
		{ 28, 4334, 4333, 0, 0, 0, { { 0, 0 } } },
	};
	struct ov_json *in = ov_json_array(f->in, "dates");
	struct ov_json *out = ov_json_array(f->out, "dates");
	struct ov_tx *tx = NULL;

	MUST(ov_tx_begin(&tx, broker.store) == OV_OK);
	for (size_t i = 0; i < COUNT(cases); i++)
		date(in, out, tx, i, &cases[i]);
	ov_tx_end(&tx); /* and none of it was */
}

/* --- codes --- */

static void
code(struct ov_json *in, struct ov_json *out, const char *text)
{
	struct ov_pair_code c;

	ov_json_text(in, NULL, text);
	if (ov_pair_code_read(&c, text) == OV_OK)
		HEX(out, NULL, c.secret);
	else
		ov_json_text(out, NULL, "");
}

/* How letter i may be read off a screen; of the word before the hyphen only the case. */
static char
read_as(char c, size_t i)
{
	if (i >= 5 && c == '0')
		return 'O';
	if (i >= 5 && c == '1')
		return (i & 1) != 0 ? 'I' : 'l';
	return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

static char
next_letter(char c)
{
	static const char alphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";

	return strchr(alphabet, c)[1];
}

/* As people type it. */
static void
codes(const struct scene *s, struct scene_file *f)
{
	struct ov_json *in = ov_json_array(f->in, "codes");
	struct ov_json *out = ov_json_array(f->out, "codes");
	struct ov_pair_code c;
	char text[OV_PAIR_CODE_TEXT], typed[OV_PAIR_CODE_TEXT + 32];
	size_t len;

	memset(c.secret, 0x21, 16); /* has 0 and 1 among its letters */
	memcpy(c.inviter, s->a.actor->id, 16);
	ov_log_key_hash(c.log_key_hash, broker.log_pk);
	ov_pair_code_write(text, &c);
	len = strlen(text);
	code(in, out, text);
	memcpy(typed, text, len + 1);
	for (size_t i = 0; i < len; i++)
		typed[i] = read_as(text[i], i);
	code(in, out, typed);
	typed[3] = 'I'; /* but not in the word before the hyphen */
	code(in, out, typed);
	snprintf(typed, sizeof(typed), " %.20s- -%s \n", text, text + 20);
	code(in, out, typed);
	snprintf(typed, sizeof(typed), "%s0", text); /* a letter too many */
	code(in, out, typed);
	snprintf(typed, sizeof(typed), "%.*s", (int)len - 1, text);
	code(in, out, typed);
	memcpy(typed, text, len + 1);
	typed[len - 1] = '1'; /* what is left over is not zero */
	code(in, out, typed);
	memcpy(typed, text, len + 1);
	typed[20] = text[20] == '7' ? '8' : '7';
	code(in, out, typed);
	memcpy(typed, text, len + 1);
	typed[20] = 'u'; /* not of the alphabet */
	code(in, out, typed);
	memcpy(typed, text, len + 1);
	typed[2] = 't'; /* another kind of code */
	code(in, out, typed);
	memcpy(typed, text, len + 1);
	typed[len - 1] = next_letter(text[len - 1]); /* one bit that is left over */
	code(in, out, typed);
	typed[len - 1] = next_letter(typed[len - 1]); /* the other one */
	code(in, out, typed);
	code(in, out,
	    "ovp1-05mpwxk9ehjq49vk41mp881e5rq0041061050r3gg28a1c60t3gf0t31edm20vv641p6"
	    "yss0ddjqj8033c"); /* made by hand, */
	code(in, out,
	    "ovp1-09mpwxk9ehjq49vk41mp881e5rq0041061050r3gg28a1c60t3gf0t31edm20vv641p6"
	    "yss0ddjqj839sr"); /* and of version 2 */
	code(in, out,
	    "ovp1-05mpwxk9ehjq49vk41mp881e5rqfzzzzzzzzzzzzzzzzzzzzzzzzyt31edm20vv641p6"
	    "yss0ddjqj80dw4"); /* the last letter of the alphabet */
}

void
scene_rules(struct scene *s)
{
	struct scene_file f = scene_open(
	    "Rules at their edges.  padded: 7.12, 0 for none.  sizes: records, step "
	    "(7.14.1).  plus_minus: of pairs and of fits (7.19.3).  one_chunk, "
	    "two_chunks: "
	    "A's POINTS of that many rows, row i being i as u32 eight times: nonces of "
	    "all "
	    "chunks, digests (7.2, 7.14).  keys: rank, whether it comes from an e-mail "
	    "address, value, of one record; the six that it has (7.10).  dates: views "
	    "charged (time, epsilon), and now; whether one is due by the giver's and the "
	    "broker's rule, reason and date (7.19.5).  codes: what an invitation's text "
	    "says: its secret, or nothing (2.3, 5.1).  long: lengths of CHUNK.body and "
	    "TERMS_ASK.text, all 'x', and the SHA-512 of the message (1.2).  agreements: "
	    "keys of a partner that A agrees with (7.8).  points: what A makes of them, "
	    "or "
	    "nothing (7.15).  releases: RELEASE of the sheets of terms.json with these "
	    "fields (6.2).");

	padded(&f);
	sizes(&f);
	widths(&f);
	stream(s, &f, OV_CHUNK_SLOTS);
	stream(s, &f, OV_CHUNK_SLOTS + 1);
	six_keys(&f);
	dates(&f);
	codes(s, &f);
	scene_rules_more(s, &f);
	scene_close(s, "rules", &f);
}
