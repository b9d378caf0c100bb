/* What is in its form and what is refused: sheets, release tables, offers of a job,
 * legends, rosters. */
#include <string.h>

#include "proto/agree.h"
#include "server/join.h"
#include "tests/vectors/exchange/scene.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define ROW(s)                                                                           \
	{                                                                                \
		(const uint8_t *)(s), sizeof(s) - 1                                      \
	}
#define BYTES(s) ((struct ov_bytes)ROW(s))

/* --- lists of names in a sheet (6.1.1) --- */

static void
add(struct ov_json *in, struct ov_json *out, struct ov_bytes bytes, bool taken)
{
	scene_hex(in, NULL, bytes);
	ov_json_number(out, NULL, taken);
}

#define NAME_16 "0123456789abcdef"
#define NAME_64 NAME_16 NAME_16 NAME_16 NAME_16

static void
populations(struct scene_file *f)
{
	static const struct ov_bytes c[] = { ROW(""), ROW("\2\1a"), ROW("\3\1a\1\1b"),
		ROW("\0\1a"), ROW("\4\1a"), ROW("\2\0"), ROW("\2"), ROW("\2\2a"),
		ROW("\2\1a\2"), ROW("\2\1a\1\1a"), ROW("\2\1a\1\1A"),
		ROW("\2\40" NAME_16 NAME_16), ROW("\2\41" NAME_16 NAME_16 "0"),
		ROW("\2\2a\37"), ROW("\2\2a\40"), ROW("\2\2a\177"), ROW("\2\2\303\244"),
		ROW("\1\1a\1\1b\1\1c\1\1d\1\1e\1\1f\1\1g\1\1h\1\1i\1\1j\1\1k\1\1l\1\1m"
		    "\1\1n"
		    "\1\1o"),
		ROW("\1\1a\1\1b\1\1c\1\1d\1\1e\1\1f\1\1g\1\1h\1\1i\1\1j\1\1k\1\1l\1\1m"
		    "\1\1n"
		    "\1\1o\1\1p") };
	struct ov_json *in = ov_json_array(f->in, "populations");
	struct ov_json *out = ov_json_array(f->out, "populations");
	struct ov_population p[OV_POPULATIONS_MAX];
	size_t n;

	for (size_t i = 0; i < COUNT(c); i++)
		add(in, out, c[i], ov_populations_unpack(p, &n, c[i]) == OV_OK);
}

static void
columns(struct scene_file *f)
{
	static const struct ov_bytes c[] = { ROW(""), ROW("\1a"), ROW("\1a\1b"),
		ROW("\0"), ROW("\2a"), ROW("\1a\2b"), ROW("\1a\1a"), ROW("\1a\1A"),
		ROW("\2\303\244\2\303\204"), ROW("\100" NAME_64), ROW("\101" NAME_64 "0"),
		ROW("\2a\37"), ROW("\2a\177"),
		ROW("\1a\1b\1c\1d\1e\1f\1g\1h\1i\1j\1k\1l\1m\1n\1o\1p\1q\1r\1s\1t\1u\1v"
		    "\1w"
		    "\1x"),
		ROW("\1a\1b\1c\1d\1e\1f\1g\1h\1i\1j\1k\1l\1m\1n\1o\1p\1q\1r\1s\1t\1u\1v"
		    "\1w"
		    "\1x\1y") };
	struct ov_json *in = ov_json_array(f->in, "columns");
	struct ov_json *out = ov_json_array(f->out, "columns");
	struct ov_shared_columns all;

	for (size_t i = 0; i < COUNT(c); i++)
		add(in, out, c[i], ov_shared_columns_unpack(&all, c[i]) == OV_OK);
}

/* --- release tables (6.2.1) --- */

static void
tables(const struct scene *s, struct scene_file *f)
{
	struct ov_json *in = ov_json_array(f->in, "tables");
	struct ov_json *out = ov_json_array(f->out, "tables");
	struct ov_msg_release good, m;
	struct ov_release r;
	struct ov_buf bytes = { 0 };

	MUST(ov_msg_decode(&good, OV_MSG_RELEASE, OV_BUF_BYTES(&s->release)) == OV_OK);
	for (unsigned int i = 0; i < 14; i++) {
		m = good;
		if (i == 1)
			m.ranks |= 1;
		if (i == 2)
			m.version = 2;
		if (i == 3)
			m.levels_low = BYTES("\1\4");
		if (i == 4)
			m.levels_high = BYTES("\0\1\2\3\0\1\2\3\0\1\2\3\0\1\2\3");
		if (i == 5)
			m.levels_high = BYTES("\0\1\2\3\0\1\2\3\0\1\2\3\0\1\2");
		if (i >= 6) /* a rank that refuses its own edges */
			m.veto[i - 6] = (uint8_t)(1U << (i - 6));
		bytes.len = 0;
		MUST(ov_msg_encode(&bytes, OV_MSG_RELEASE, &m) == OV_OK);
		add(in, out, OV_BUF_BYTES(&bytes),
		    ov_release_decode(&r, OV_BUF_BYTES(&bytes)) == OV_OK);
	}
	ov_buf_free(&bytes);
}

/* --- offers (7.3, 7.3.1, 7.4) --- */

/* What A says in PROPOSE, beside what is right in all of them. */
struct offer {
	uint64_t slots;
	int64_t created, expiry; /* from now */
	size_t unchanged, head, signature;
	uint64_t counts;
	uint32_t most, least; /* RELEASE */
	bool exact, counted;
};

static bool
is_offer(const struct offer *o)
{
	static const uint8_t zeros[128], a[32] = { 1 }, b[32] = { 2 };
	const uint64_t now = 1800000000;
	struct ov_release table = {
		.slots = o->most, .minimum_list = o->least, .exact = o->exact
	};
	const struct ov_agree in = { a, b, zeros, zeros, zeros, &table, now };
	struct ov_msg_propose p = { .version = 1,
		.slots = o->slots,
		.unchanged_since = OV_BYTES(zeros, o->unchanged),
		.head = OV_BYTES(zeros, o->head),
		.head_signature = OV_BYTES(zeros, o->signature),
		.counts = o->counts,
		.created = (uint64_t)((int64_t)now + o->created),
		.expiry = (uint64_t)((int64_t)now + o->expiry) };

	for (int side = 0; side < 2; side++)
		table.level[side][1] = o->counted ? OV_LEVEL_COUNTS : OV_LEVEL_MATCHES;
	memcpy(p.a, a, 32);
	memcpy(p.b, b, 32);
	return ov_agree_propose(&p, &in) == OV_OK;
}

static void
offers(struct scene_file *f)
{
	static const struct offer c[] = {
		{ 1024, 0, 3600, 0, 0, 0, 0, 4096, 10, false, false },
		{ 1025, 0, 3600, 0, 0, 0, 0, 4096, 10, false, false },
		{ 1000, 0, 3600, 0, 0, 0, 0, 4096, 10, false, false },
		{ 4096, 0, 3600, 0, 0, 0, 0, 4096, 10, false, false },
		{ 5120, 0, 3600, 0, 0, 0, 0, 4096, 10, false, false },
		{ 5120, 0, 3600, 0, 0, 0, 0, 4097, 10, false, false },
		{ 1024, 0, 3600, 0, 0, 0, 0, 4096, 1025, false, false },
		{ 1280, 0, 3600, 0, 0, 0, 0, 4096, 1025, false, false },
		{ 0x80000000, 0, 3600, 0, 0, 0, 0, 0x80000000, 10, false, false },
		{ 0x80000000, 0, 3600, 0, 0, 0, 0, 0x80000001, 10, false, false },
		{ 0x80000000, 0, 3600, 0, 0, 0, 0, 0x80000000, 0x80000001, false, false },
		{ 1024, 300, 3600, 0, 0, 0, 0, 4096, 10, false, false },
		{ 1024, 301, 3600, 0, 0, 0, 0, 4096, 10, false, false },
		{ 1024, -100, 0, 0, 0, 0, 0, 4096, 10, false, false },
		{ 1024, -100, 1, 0, 0, 0, 0, 4096, 10, false, false },
		{ 1024, 60, 60, 0, 0, 0, 0, 4096, 10, false, false },
		{ 1024, 60, 61, 0, 0, 0, 0, 4096, 10, false, false },
		{ 1024, -100, 259100, 0, 0, 0, 0, 4096, 10, false, false },
		{ 1024, -100, 259101, 0, 0, 0, 0, 4096, 10, false, false },
		{ 1024, 0, 3600, 16, 0, 0, 0, 4096, 10, false, false },
		{ 1024, 0, 3600, 15, 0, 0, 0, 4096, 10, false, false },
		{ 1024, 0, 3600, 1, 0, 0, 0, 4096, 10, false, false },
		{ 1024, 0, 3600, 0, 90, 64, 0, 4096, 10, false, false },
		{ 1024, 0, 3600, 0, 90, 0, 0, 4096, 10, false, false },
		{ 1024, 0, 3600, 0, 90, 63, 0, 4096, 10, false, false },
		{ 1024, 0, 3600, 0, 0, 64, 0, 4096, 10, false, false },
		{ 1024, 0, 3600, 0, 0, 0, 1, 4096, 10, false, true },
		{ 1024, 0, 3600, 0, 0, 0, 1, 4096, 10, false, false },
		{ 1024, 0, 3600, 0, 0, 0, 1, 4096, 10, true, true },
		{ 1024, 0, 3600, 16, 0, 0, 1, 4096, 10, false, true },
		{ 1024, 0, 3600, 16, 0, 0, 0, 4096, 10, false, true },
	};
	struct ov_json *in = ov_json_array(f->in, "offers");
	struct ov_json *out = ov_json_array(f->out, "offers");

	for (size_t i = 0; i < COUNT(c); i++) {
		struct ov_json *o = ov_json_object(in, NULL);

		ov_json_number(o, "slots", c[i].slots);
		ov_json_real(o, "created", (double)c[i].created);
		ov_json_real(o, "expiry", (double)c[i].expiry);
		ov_json_number(o, "unchanged_since", c[i].unchanged);
		ov_json_number(o, "head", c[i].head);
		ov_json_number(o, "head_signature", c[i].signature);
		ov_json_number(o, "counts", c[i].counts);
		ov_json_number(o, "most", c[i].most);
		ov_json_number(o, "least", c[i].least);
		ov_json_number(o, "exact", c[i].exact);
		ov_json_number(o, "counted", c[i].counted);
		ov_json_number(out, NULL, is_offer(&c[i]));
	}
}

/* --- legends (7.14, 7.14.1) --- */

struct legend {
	struct ov_bytes populations, bands;
	uint32_t size, step;
	size_t at; /* a byte that is flipped; AFTER: the one behind the message */
	uint8_t flip;
};
#define AFTER 0

static void
legend(struct ov_json *in, struct ov_json *out, const struct legend *c)
{
	const struct ov_msg_legend m = { .version = 1,
		.populations = c->populations,
		.bands = c->bands,
		.size = c->size };
	const struct company_book giver = { .populations = { { "a", 0 }, { "bb", 0 } },
		.n_populations = 2,
		.grants = { .size = c->step } };
	const uint8_t levels[] = { 0, OV_LEVEL_MATCHES, OV_LEVEL_COUNTS };
	uint8_t chunk[OV_LEGEND_LEN] = { 0 };
	struct ov_buf bytes = { 0 };

	MUST(ov_msg_encode(&bytes, OV_MSG_LEGEND, &m) == OV_OK);
	chunk[0] = (uint8_t)(bytes.len >> 8);
	chunk[1] = (uint8_t)bytes.len;
	memcpy(chunk + 2, bytes.p, bytes.len);
	chunk[c->at == AFTER ? 2 + bytes.len : c->at] ^= c->flip;
	in = ov_json_object(in, NULL);
	scene_hex(in, "begins", OV_BYTES(chunk, bytes.len + 4));
	ov_json_number(in, "last", chunk[OV_LEGEND_LEN - 1]);
	ov_json_number(in, "step", c->step);
	ov_json_number(out, NULL, book_legend_holds(chunk, &giver, levels));
	ov_buf_free(&bytes);
}

static void
legends(struct scene_file *f)
{
#define GOOD ROW("\2\1a\1\2bb")
	static const struct legend c[] = { { .populations = GOOD },
		{ .populations = GOOD, .flip = 1 }, /* behind the message */
		{ .populations = GOOD, .flip = 0x80 },
		{ .populations = GOOD, .at = OV_LEGEND_LEN - 1, .flip = 1 },
		{ .populations = GOOD, .at = 1, .flip = 1 }, /* another length */
		{ .populations = GOOD, .at = 3, .flip = 1 }, /* another message */
		{ .populations = GOOD, .at = 4, .flip = 3 }, /* version 2 */
		{ .populations = GOOD, .bands = ROW("x") },
		{ .populations = GOOD, .size = 8 },
		{ .populations = GOOD, .size = 8, .step = 4 },
		{ .populations = GOOD, .size = 9, .step = 4 },
		{ .populations = GOOD, .size = 0, .step = 4 },
		{ .populations = ROW("\2\1a") }, { .populations = ROW("\2\1a\2\2bb") },
		{ .populations = ROW("\1\2bb\2\1a") },
		{ .populations = ROW("\2\1a\1\2bc") },
		{ .populations = ROW("\2\1a\1\2bb\1\1c") } };
	struct ov_json *in = ov_json_array(f->in, "legends");
	struct ov_json *out = ov_json_array(f->out, "legends");

	for (size_t i = 0; i < COUNT(c); i++)
		legend(in, out, &c[i]);
}

/* --- rosters (7.16, 7.19) --- */

#define ROSTER_SLOTS 8

struct slot {
	uint32_t record;
	uint8_t rank, label, fit;
};

static void
roster(struct ov_json *in, struct ov_json *out, const struct slot *slots, bool bands)
{
	uint32_t record[ROSTER_SLOTS];
	uint8_t rank[ROSTER_SLOTS], label[ROSTER_SLOTS], fit[ROSTER_SLOTS];
	uint8_t rows[ROSTER_SLOTS * 7];
	const struct ov_join_side side = { .n = ROSTER_SLOTS,
		.record = record,
		.rank = rank,
		.label = label,
		.fit = fit,
		.ranks = 0x7e,
		.level = { 0, OV_LEVEL_COUNTS, OV_LEVEL_MATCHES, OV_LEVEL_HIDDEN },
		.bands = bands };

	for (size_t i = 0; i < ROSTER_SLOTS; i++) {
		record[i] = slots[i].record;
		rank[i] = slots[i].rank;
		label[i] = slots[i].label;
		fit[i] = slots[i].fit;
		ov_put32(rows + 7 * i, record[i]);
		rows[7 * i + 4] = rank[i];
		rows[7 * i + 5] = label[i];
		rows[7 * i + 6] = fit[i];
	}
	in = ov_json_object(in, NULL);
	HEX(in, "rows", rows);
	ov_json_number(in, "bands", bands);
	ov_json_number(out, NULL, ov_join_check(&side) == OV_OK);
}

/* The good one of eight slots, in which one slot is another. */
static void
other_slot(
    struct ov_json *in, struct ov_json *out, bool bands, size_t i, struct slot slot)
{
	struct slot s[ROSTER_SLOTS];

	for (uint32_t k = 0; k < ROSTER_SLOTS; k++)
		s[k] = (struct slot){ k < 5 ? 0 : k, (uint8_t)(1 + k % 6),
			(uint8_t)(bands ? 0x31 : 1), (uint8_t)(bands ? 9 : 1) };
	s[i] = slot;
	roster(in, out, s, bands);
}

static void
rosters(struct scene_file *f)
{
	static const struct slot plain[] = { { 5, 6, 1, 1 }, { 7, 6, 1, 1 },
		{ 8, 6, 1, 1 }, { 0, 6, 1, 1 }, { 0, 6, 2, 1 }, { 0, 6, 1, 2 },
		{ 5, 0, 1, 1 }, { 5, 7, 1, 1 }, { 5, 8, 1, 1 }, { 5, 6, 0, 1 },
		{ 5, 6, 2, 1 }, { 5, 6, 3, 1 }, { 5, 6, 4, 1 }, { 5, 6, 0x11, 1 },
		{ 5, 6, 1, 2 }, { 5, 6, 1, 0 }, { 5, 6, 1, 3 }, { 5, 6, 1, 5 },
		{ 5, 6, 1, 0x11 } };
	static const struct slot banded[] = { { 5, 6, 0x31, 9 }, { 5, 6, 1, 1 },
		{ 5, 6, 0x11, 1 }, { 5, 6, 0x11, 5 }, { 5, 6, 0x21, 5 },
		{ 5, 6, 0x21, 9 }, { 5, 6, 0x41, 9 }, { 5, 6, 0xb1, 9 },
		{ 5, 6, 0xb1, 5 }, { 5, 6, 0xc1, 9 }, { 5, 6, 0xf1, 9 },
		{ 5, 6, 0x31, 13 }, { 5, 6, 0x31, 11 } };
	static const struct slot seven[ROSTER_SLOTS] = { { 0, 1, 1, 1 }, { 0, 2, 1, 1 },
		{ 0, 3, 1, 1 }, { 0, 4, 1, 1 }, { 0, 5, 1, 1 }, { 0, 6, 1, 1 },
		{ 0, 6, 1, 1 }, { 1, 6, 1, 1 } };
	struct ov_json *in = ov_json_array(f->in, "rosters");
	struct ov_json *out = ov_json_array(f->out, "rosters");

	for (size_t i = 0; i < COUNT(plain); i++)
		other_slot(in, out, false, 5, plain[i]);
	for (size_t i = 0; i < COUNT(banded); i++)
		other_slot(in, out, true, 5, banded[i]);
	roster(in, out, seven, false);
}

void
scene_forms(struct scene *s)
{
	struct scene_file f = scene_open(
	    "What is taken (1) and what is refused (0).  populations, columns: fields of "
	    "GRANTS (6.1.1).  tables: RELEASE (6.2.1).  offers: what A says at time 0, "
	    "with "
	    "lengths of fields; most, least, exact are of RELEASE, counted: A has a "
	    "population at `counts` (7.3, 7.3.1, 7.4).  legends: how the chunk begins, "
	    "zeros, "
	    "its last byte; of populations a at `matches` and bb at `counts`, and a step "
	    "of "
	    "size (7.14.1).  rosters: rows without MAC, of populations 1 at `counts`, 2 "
	    "at "
	    "`matches`, under ranks 1 to 6 (7.16, 7.19).");

	populations(&f);
	columns(&f);
	tables(s, &f);
	offers(&f);
	legends(&f);
	rosters(&f);
	scene_close(s, "forms", &f);
}
