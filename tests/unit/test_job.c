/* Lists, decks and the check of a view: two honest sides meet in a real join, then a
 * broker that lies about one match, one label, one position is caught. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client/job/deck.h"
#include "client/job/list.h"
#include "client/job/verify.h"
#include "common/crypto/memory.h"
#include "common/crypto/sign.h"
#include "common/psi/psi.h"
#include "server/join.h"

#define SLOTS 1024

static void
add(struct ov_list *l, uint64_t account, uint8_t population, const char *domain,
    const char *name)
{
	const struct ov_list_token t[] = {
		{ OV_RANK_DOMAIN, OV_BYTES(domain, strlen(domain)) },
		{ OV_RANK_NAME_COUNTRY, OV_BYTES(name, strlen(name)) },
	};

	assert_int_equal(
	    ov_list_add(l, account, population, (uint8_t)(account % 3), t, 2), OV_OK);
}

/* n records d<from>.example ..., in list order by construction. */
static void
fill(struct ov_list *l, int from, int n)
{
	for (int i = from; i < from + n; i++) {
		char domain[32], name[32];

		snprintf(domain, sizeof(domain), "d%04d.example", i);
		snprintf(name, sizeof(name), "US company %04d", i);
		add(l, (uint64_t)i, (uint8_t)(1 + i % 2), domain, name);
	}
}

struct side {
	struct ov_list list;
	struct ov_deck deck;
	uint8_t scalar[32];
	uint8_t points[SLOTS * 32];
	uint8_t tags[SLOTS * OV_TAG_LEN]; /* of the other's points */
	struct ov_roster_row roster[SLOTS];
};

static struct side *sides; /* [0] A, [1] B */
static struct ov_shared_keys keys;

static void
blind(struct side *s)
{
	for (uint32_t i = 0; i < SLOTS; i++) {
		uint8_t token[OV_DECK_TOKEN_MAX];
		struct ov_bytes t = OV_BYTES(token, ov_deck_token(token, &s->deck, i));

		assert_int_equal(
		    ov_psi_blind_tokens(s->points + 32 * i, &t, 1, s->scalar), OV_OK);
	}
}

static void
tag(struct side *own, const struct side *other)
{
	static uint8_t out[SLOTS * 32], ok[SLOTS];

	assert_int_equal(
	    ov_psi_blind_points(out, ok, other->points, SLOTS, own->scalar), 0);
	for (size_t i = 0; i < SLOTS; i++)
		ov_blake2b(own->tags + OV_TAG_LEN * i, OV_TAG_LEN, keys.tag,
		    OV_BYTES(out + 32 * i, 32), OV_BYTES(NULL, 0));
}

static int
set_up(void **state)
{
	uint8_t th[64] = { 1 }, e[2][32], pk[2][32];

	(void)state;
	sides = calloc(2, sizeof(*sides));
	if (sides == NULL)
		return 1;
	for (int i = 0; i < 2; i++) {
		ov_random(e[i], 32);
		ov_dh_public(pk[i], e[i]);
	}
	assert_int_equal(ov_shared_keys_derive(&keys, th, e[0], pk[1]), OV_OK);
	fill(&sides[0].list, 0, 300);
	fill(&sides[1].list, 200, 250); /* 100 in common */
	for (int i = 0; i < 2; i++) {
		struct ov_local_keys local;
		uint8_t seed[32], digest[64];

		ov_random(seed, 32);
		ov_list_digest(digest, &sides[i].list);
		ov_local_keys_derive(&local, th, seed, digest);
		assert_int_equal(
		    ov_psi_scalar(sides[i].scalar, local.scalar_wide), OV_OK);
		assert_int_equal(
		    ov_deck_init(&sides[i].deck, &sides[i].list, SLOTS, &local), OV_OK);
		for (uint32_t p = 0; p < SLOTS; p++)
			ov_deck_roster(
			    &sides[i].roster[p], &sides[i].deck, p, keys.roster[i]);
		blind(&sides[i]);
	}
	tag(&sides[0], &sides[1]);
	tag(&sides[1], &sides[0]);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		ov_deck_fini(&sides[i].deck);
		ov_list_fini(&sides[i].list);
	}
	free(sides);
	return 0;
}

/* --- the broker's part, honest --- */

struct arrays {
	uint32_t record[SLOTS];
	uint8_t rank[SLOTS], label[SLOTS], fit[SLOTS];
};

static struct ov_join_side
join_side(struct arrays *a, const struct side *s, const uint8_t *tags)
{
	struct ov_join_side j = { .n = SLOTS,
		.tag = tags,
		.record = a->record,
		.rank = a->rank,
		.label = a->label,
		.fit = a->fit,
		.ranks = 0x7e,
		.level = { 0, 2, 2 } };

	for (size_t i = 0; i < SLOTS; i++) {
		a->record[i] = s->roster[i].record;
		a->rank[i] = s->roster[i].rank;
		a->label[i] = s->roster[i].label;
		a->fit[i] = s->roster[i].fit;
	}
	return j;
}

/* The view of one side (0 A, 1 B): rows for it, numbers 10, 20, ... */
static size_t
view_of(size_t who, uint8_t rows[][OV_MATCH_ROW], struct ov_join_cells *cells)
{
	static struct arrays arrays[2];
	/* tags of A's points come from B, in A's order, and the other way round */
	struct ov_join_side a = join_side(&arrays[0], &sides[0], sides[1].tags);
	struct ov_join_side b = join_side(&arrays[1], &sides[1], sides[0].tags);
	const struct side *partner = &sides[1 - who];
	struct ov_join_list list;
	struct ov_join *j;
	size_t n;

	assert_int_equal(ov_join_new(&j, &a, &b, ov_veto_default), OV_OK);
	assert_int_equal(
	    ov_join_list(j, who == 0 ? OV_JOIN_A : OV_JOIN_B, OV_LEVEL_MATCHES, &list),
	    OV_OK);
	ov_join_count(j, &list, cells);
	for (size_t i = 0; i < list.n; i++) {
		const struct ov_join_pair *p = &list.pairs[i];
		struct ov_match_row r = { .own = who == 0 ? p->a : p->b,
			.other = who == 0 ? p->b : p->a,
			.rank = p->rank,
			.number = (uint32_t)(10 * i + 10) };

		r.label = partner->roster[r.other].label;
		/* the partner's TAGS row for the own point */
		ov_proof_mac(r.proof, keys.proof[1 - who], r.own,
		    partner->tags + OV_TAG_LEN * r.own);
		memcpy(r.roster, partner->roster[r.other].mac, OV_MAC_LEN);
		ov_match_pack(rows[i], &r);
	}
	n = list.n;
	ov_join_list_fini(&list);
	ov_join_free(j);
	return n;
}

static size_t
a_view(uint8_t rows[][OV_MATCH_ROW], struct ov_join_cells *cells)
{
	return view_of(0, rows, cells);
}

static struct ov_verify_input
a_input(void)
{
	return (struct ov_verify_input){ &sides[0].deck, sides[0].tags, SLOTS,
		keys.proof[1], keys.roster[1], 0x6, false, true };
}

static void
honest_view_holds(void **state)
{
	static uint8_t rows[SLOTS][OV_MATCH_ROW];
	static struct ov_join_cells cells;
	struct ov_verify_input in = a_input();
	struct ov_msg_view view = { .receiver = 0 };
	uint8_t packed[4 * OV_CELL_ROW];
	struct ov_verify v;
	size_t n = a_view(rows, &cells), k = 0;

	(void)state;
	assert_int_equal(n, 100);
	assert_int_equal(ov_verify_init(&v, &in), OV_OK);
	for (size_t i = 0; i < n; i++) {
		struct ov_match m;

		assert_int_equal(ov_verify_row(&m, &v, rows[i]), OV_OK);
		assert_in_range(m.record->account, 200, 299);
		assert_int_equal(
		    OV_LABEL_POPULATION(m.label), OV_LABEL_POPULATION(m.record->label));
	}
	for (uint8_t x = 1; x < 3; x++)
		for (uint8_t y = 1; y < 3; y++) {
			struct ov_cell_row c = { x, y, cells.pairs[x][y],
				cells.fits_a[x][y], cells.fits_b[x][y], 0, 0 };

			ov_cell_pack(packed + OV_CELL_ROW * k++, &c);
		}
	view.matches = n;
	view.cells = OV_BYTES(packed, sizeof(packed));
	assert_int_equal(ov_verify_view(&v, &view), OV_OK);
	v.in.fits = false; /* numbers of a profile that the terms do not give */
	assert_int_equal(ov_verify_view(&v, &view), OV_E_PROTO_MISBEHAVED);
	v.in.fits = true;
	view.matches = n - 1;
	assert_int_equal(ov_verify_view(&v, &view), OV_E_PROTO_MISBEHAVED);
	view.matches = n;
	packed[5] ^= 1; /* pairs of the first cell */
	assert_int_equal(ov_verify_view(&v, &view), OV_E_PROTO_MISBEHAVED);
	packed[5] ^= 1;
	memset(packed + 6, 0xff, 4); /* nothing of what is seen is held back */
	assert_int_equal(ov_verify_view(&v, &view), OV_E_PROTO_MISBEHAVED);
	ov_put32(packed + 6, cells.fits_a[1][1]);
	assert_int_equal(ov_verify_view(&v, &view), OV_OK);
	memset(packed + 10, 0xff, 4); /* nor a fit that the partner shows */
	assert_int_equal(ov_verify_view(&v, &view), OV_E_PROTO_MISBEHAVED);
	ov_verify_fini(&v);
}

/* Every single changed bit of a row but those of the match number voids the report. */
static void
any_changed_bit_is_caught(void **state)
{
	static uint8_t rows[SLOTS][OV_MATCH_ROW];
	static struct ov_join_cells cells;
	struct ov_verify_input in = a_input();

	(void)state;
	assert_int_equal(a_view(rows, &cells), 100);
	for (size_t bit = 0; bit < 8 * OV_MATCH_ROW; bit++) {
		struct ov_verify v;
		struct ov_match m;

		if (bit / 8 >= 10 && bit / 8 < 14)
			continue;
		assert_int_equal(ov_verify_init(&v, &in), OV_OK);
		rows[0][bit / 8] ^= (uint8_t)(1U << bit % 8);
		assert_int_equal(ov_verify_row(&m, &v, rows[0]), OV_E_PROTO_MISBEHAVED);
		rows[0][bit / 8] ^= (uint8_t)(1U << bit % 8);
		ov_verify_fini(&v);
	}
}

/* The broker pairs an own real position with another real match's other half. */
static void
crossed_and_repeated_matches_are_caught(void **state)
{
	static uint8_t rows[SLOTS][OV_MATCH_ROW];
	static struct ov_join_cells cells;
	struct ov_verify_input in = a_input();
	struct ov_verify v;
	struct ov_match m;
	uint8_t crossed[OV_MATCH_ROW];

	(void)state;
	assert_int_equal(a_view(rows, &cells), 100);
	memcpy(crossed, rows[0], OV_MATCH_ROW);
	memcpy(crossed + 4, rows[1] + 4, 4);   /* the other position */
	memcpy(crossed + 9, rows[1] + 9, 1);   /* its label */
	memcpy(crossed + 22, rows[1] + 22, 8); /* its roster MAC, genuine */
	assert_int_equal(ov_verify_init(&v, &in), OV_OK);
	assert_int_equal(ov_verify_row(&m, &v, crossed), OV_E_PROTO_MISBEHAVED);
	assert_int_equal(ov_verify_row(&m, &v, rows[0]), OV_OK);
	assert_int_equal(ov_verify_row(&m, &v, rows[0]), OV_E_PROTO_MISBEHAVED);
	memcpy(crossed, rows[0], OV_MATCH_ROW);
	ov_put32(crossed + 10, 4000000000U); /* the same match under a new number */
	assert_int_equal(ov_verify_row(&m, &v, crossed), OV_E_PROTO_MISBEHAVED);
	ov_verify_fini(&v);
}

/* Where A's other key of the same record stands, and B's: all of it true, but the match
 * was had. */
static void
second_key(uint8_t out[OV_MATCH_ROW], const uint8_t row[OV_MATCH_ROW])
{
	struct ov_match_row r;
	size_t record, other;
	uint8_t rank;
	uint32_t first;

	ov_match_unpack(&r, row);
	first = r.own;
	assert_true(ov_deck_record(&record, &rank, &sides[0].deck, first));
	for (r.own = 0;
	     r.own == first || !ov_deck_record(&other, &r.rank, &sides[0].deck, r.own) ||
	     other != record;
	     r.own++)
		assert_true(r.own < SLOTS);
	for (r.other = 0; memcmp(sides[0].tags + OV_TAG_LEN * r.other,
			      sides[1].tags + OV_TAG_LEN * r.own, OV_TAG_LEN) != 0;
	     r.other++)
		assert_true(r.other < SLOTS);
	r.label = sides[1].roster[r.other].label;
	r.number++;
	ov_proof_mac(r.proof, keys.proof[1], r.own, sides[1].tags + OV_TAG_LEN * r.own);
	memcpy(r.roster, sides[1].roster[r.other].mac, OV_MAC_LEN);
	ov_match_pack(out, &r);
}

static void
one_pair_is_one_match_by_whichever_key(void **state)
{
	static uint8_t rows[SLOTS][OV_MATCH_ROW];
	static struct ov_join_cells cells;
	struct ov_verify_input in = a_input();
	uint8_t again[OV_MATCH_ROW];
	struct ov_verify v;
	struct ov_match m;

	(void)state;
	assert_int_equal(a_view(rows, &cells), 100);
	second_key(again, rows[0]);
	assert_int_equal(ov_verify_init(&v, &in), OV_OK);
	assert_int_equal(
	    ov_verify_row(&m, &v, again), OV_OK); /* the control: by itself */
	ov_verify_fini(&v);
	assert_int_equal(ov_verify_init(&v, &in), OV_OK);
	assert_int_equal(ov_verify_row(&m, &v, rows[0]), OV_OK);
	assert_int_equal(ov_verify_row(&m, &v, again), OV_E_PROTO_MISBEHAVED);
	ov_verify_fini(&v);
}

/* B's labels tell how its records fit A's ICP: where A does not know, they decide. */
static void
bands_of_the_partner_decide_where_the_own_word_is_missing(void **state)
{
	static uint8_t rows[SLOTS][OV_MATCH_ROW];
	static struct ov_join_cells cells;
	struct ov_verify_input in = a_input();
	struct ov_msg_view view = { .receiver = 0 };
	uint8_t packed[4 * OV_CELL_ROW];
	struct ov_verify v;
	struct ov_match m;
	size_t n = a_view(rows, &cells), k = 0, yes = 0;

	(void)state;
	/* without bands in the terms a label with one is no honest broker's */
	in.bands = true;
	assert_int_equal(ov_verify_init(&v, &in), OV_OK);
	assert_int_equal(ov_verify_row(&m, &v, rows[0]), OV_E_PROTO_MISBEHAVED);
	ov_verify_fini(&v);
	for (size_t i = 0; i < n; i++) {
		struct ov_match_row r;
		uint8_t band = (uint8_t)(1 + i % 11); /* unknown, no, yes, 1 .. 8 */

		ov_match_unpack(&r, rows[i]);
		r.label = OV_LABEL(OV_LABEL_POPULATION(r.label), band);
		ov_roster_mac(r.roster, keys.roster[1], r.other, r.rank, r.label);
		ov_match_pack(rows[i], &r);
	}
	in.bands = false;
	assert_int_equal(ov_verify_init(&v, &in), OV_OK);
	assert_int_equal(ov_verify_row(&m, &v, rows[0]), OV_E_PROTO_MISBEHAVED);
	ov_verify_fini(&v);
	in.bands = true;
	memset(cells.fits_a, 0, sizeof(cells.fits_a));
	assert_int_equal(ov_verify_init(&v, &in), OV_OK);
	for (size_t i = 0; i < n; i++) {
		uint8_t own, theirs;
		bool fits;

		assert_int_equal(ov_verify_row(&m, &v, rows[i]), OV_OK);
		own = OV_LABEL_POPULATION(m.record->label);
		theirs = OV_LABEL_POPULATION(m.label);
		/* fit was account % 3 */
		fits = m.record->account % 3 == OV_FIT_YES ||
		       (m.record->account % 3 == OV_FIT_UNKNOWN && i % 11 >= 2);
		cells.fits_a[own][theirs] += fits;
		yes += fits;
	}
	assert_in_range(yes, 34, 99);
	for (uint8_t x = 1; x < 3; x++)
		for (uint8_t y = 1; y < 3; y++) {
			struct ov_cell_row c = { x, y, cells.pairs[x][y],
				cells.fits_a[x][y], 0, 0, 0 };

			ov_cell_pack(packed + OV_CELL_ROW * k++, &c);
		}
	view.matches = n;
	view.cells = OV_BYTES(packed, sizeof(packed));
	assert_int_equal(ov_verify_view(&v, &view), OV_OK);
	packed[9] ^= 1; /* fits of the first cell: one more or less is a lie */
	assert_int_equal(ov_verify_view(&v, &view), OV_E_PROTO_MISBEHAVED);
	ov_verify_fini(&v);
}

static void
populations_below_matches_are_refused(void **state)
{
	static uint8_t rows[SLOTS][OV_MATCH_ROW];
	static struct ov_join_cells cells;
	struct ov_verify_input in = a_input();
	size_t n = a_view(rows, &cells), caught = 0;
	struct ov_verify v;

	(void)state;
	in.visible = 0x2; /* population 2 is only counted */
	assert_int_equal(ov_verify_init(&v, &in), OV_OK);
	for (size_t i = 0; i < n; i++) {
		struct ov_match m;

		caught += ov_verify_row(&m, &v, rows[i]) != OV_OK;
	}
	assert_int_equal(caught, 50);
	ov_verify_fini(&v);
}

static void
deck_is_a_permutation_with_padding_shaped_like_records(void **state)
{
	const struct ov_deck *d = &sides[0].deck;
	uint8_t seen[SLOTS] = { 0 };
	static uint32_t per_record[SLOTS];
	size_t real = 0;

	(void)state;
	memset(per_record, 0, sizeof(per_record));
	for (uint32_t p = 0; p < SLOTS; p++) {
		size_t record;
		uint8_t rank;

		assert_int_equal(seen[d->slot_at[p]]++, 0);
		assert_true(sides[0].roster[p].record < d->records);
		per_record[sides[0].roster[p].record]++;
		real += ov_deck_record(&record, &rank, d, p);
	}
	assert_int_equal(real, 600);
	assert_int_equal(d->records, 512); /* all records, real or not, have two tokens */
	for (size_t r = 0; r < d->records; r++)
		assert_int_equal(per_record[r], 2);
}

/* --- tags that a partner puts at other positions (PROTOCOL 9.13) --- */

/* B moves each tag of A's points to the position behind it, and signs what it sends. */
static void
move_tags(void)
{
	uint8_t *tags = sides[1].tags, last[OV_TAG_LEN];

	memcpy(last, tags + OV_TAG_LEN * (SLOTS - 1), OV_TAG_LEN);
	memmove(tags + OV_TAG_LEN, tags, OV_TAG_LEN * (SLOTS - 1));
	memcpy(tags, last, OV_TAG_LEN);
}

/* Rows of A's view that its own check lets pass, and how many of them are true. */
static void
judge_rows(size_t passed[2], uint8_t rows[][OV_MATCH_ROW], size_t n)
{
	const struct ov_verify_input in = a_input();

	passed[0] = passed[1] = 0;
	for (size_t i = 0; i < n; i++) {
		struct ov_verify v;
		struct ov_match m;
		size_t theirs;
		uint8_t rank;

		assert_int_equal(ov_verify_init(&v, &in), OV_OK);
		if (ov_verify_row(&m, &v, rows[i]) == OV_OK) {
			struct ov_match_row r;

			ov_match_unpack(&r, rows[i]);
			assert_true(
			    ov_deck_record(&theirs, &rank, &sides[1].deck, r.other));
			passed[m.record->account ==
			       sides[1].list.records[theirs].account]++;
		}
		ov_verify_fini(&v);
	}
}

/* What B gets for it: for as many positions as it has matches, the population of whatever
 * stands there, padding too. */
static void
a_moved_tag_shows_a_label_at_random(void **state)
{
	static uint8_t rows[SLOTS][OV_MATCH_ROW];
	static struct ov_join_cells cells;
	size_t passed[2], n, padding = 0, own = 0;

	(void)state;
	n = a_view(rows, &cells);
	judge_rows(passed, rows, n);
	assert_int_equal(passed[1], 100); /* the control */
	assert_int_equal(passed[0], 0);
	move_tags();
	n = view_of(1, rows, &cells);
	assert_in_range(n, 20, 100); /* the rank must be the same by chance */
	for (size_t i = 0; i < n; i++) {
		struct ov_match_row r;
		size_t record, listed;
		uint8_t rank;

		ov_match_unpack(&r, rows[i]);
		assert_int_equal(r.label, sides[0].roster[r.other].label);
		assert_true(ov_deck_record(&listed, &rank, &sides[1].deck, r.own));
		if (!ov_deck_record(&record, &rank, &sides[0].deck, r.other))
			padding++;
		else
			own += sides[0].list.records[record].account ==
			       sides[1].list.records[listed].account;
	}
	assert_true(padding > 0);
	assert_in_range(own, 0, 8); /* two keys of one record, side by side */
	n = a_view(rows, &cells);
	judge_rows(passed, rows, n);
	assert_true(passed[0] + passed[1] < n); /* A finds padding among its matches */
	assert_in_range(passed[1], 0, 8);
	tag(&sides[1], &sides[0]); /* as they were */
}

/* A band changes what crosses the wire, so it changes the digest; padding shows the bands
 * of the records that it copies. */
static void
bands_are_in_digest_roster_and_padding(void **state)
{
	const struct ov_list_token t = { OV_RANK_DOMAIN, OV_LITERAL("a.example") };
	const struct ov_local_keys local = { .padding = { 1 }, .order = { 2 } };
	static const uint8_t labels[] = { 0x02, 0x12, 0x22, 0x32, 0x42, 0xb2 };
	uint8_t digest[6][64], key[16] = { 0 };

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		uint8_t fit = OV_FIT(OV_FIT_YES, ov_band_fit(labels[i] >> 4));
		struct ov_list l = { 0 };
		struct ov_deck d;

		assert_int_equal(ov_list_add(&l, 1, labels[i], fit, &t, 1), OV_OK);
		ov_list_digest(digest[i], &l);
		for (size_t k = 0; k < i; k++)
			assert_memory_not_equal(digest[i], digest[k], 64);
		assert_int_equal(ov_deck_init(&d, &l, SLOTS, &local), OV_OK);
		for (uint32_t p = 0; p < SLOTS; p++) {
			struct ov_roster_row row;

			ov_deck_roster(&row, &d, p, key);
			assert_int_equal(row.label, labels[i]);
			assert_int_equal(row.fit, fit);
		}
		ov_deck_fini(&d);
		ov_list_fini(&l);
	}
}

static void
list_survives_the_database(void **state)
{
	struct ov_list again = { 0 };
	struct ov_buf b = { 0 };
	uint8_t x[64], y[64];

	(void)state;
	assert_int_equal(ov_list_save(&b, &sides[0].list, 0, 300), OV_OK);
	assert_int_equal(ov_list_load(&again, OV_BUF_BYTES(&b)), OV_OK);
	ov_list_digest(x, &sides[0].list);
	ov_list_digest(y, &again);
	assert_memory_equal(x, y, 64);
	assert_int_equal(again.records[299].account, 299);
	ov_list_fini(&again);
	for (size_t len = 1; len < 40; len++) {
		enum ov_status st = ov_list_load(&again, OV_BYTES(b.p, len));

		assert_true(st == OV_E_DB_FAILED || again.n_records > 0);
		ov_list_fini(&again);
	}
	ov_buf_free(&b);
}

static void
list_sorts_and_refuses_repeats_and_controls(void **state)
{
	struct ov_list l = { 0 };
	const struct ov_list_token b = { OV_RANK_DOMAIN, OV_LITERAL("b.example") };
	const struct ov_list_token a = { OV_RANK_DOMAIN, OV_LITERAL("a.example") };
	const struct ov_list_token bad = { OV_RANK_NAME, OV_LITERAL("line\nfeed") };

	(void)state;
	assert_int_equal(ov_list_add(&l, 1, 1, 0, &b, 1), OV_OK);
	assert_int_equal(ov_list_add(&l, 2, 1, 0, &a, 1), OV_OK);
	assert_int_equal(ov_list_sort(&l), OV_OK);
	assert_int_equal(l.records[0].account, 2);
	assert_int_equal(ov_list_add(&l, 2, 1, 0, &bad, 1), OV_E_PSI_VALUE);
	assert_int_equal(ov_list_add(&l, 2, 0, 0, &a, 1), OV_E_BUG);
	assert_int_equal(
	    ov_list_add(&l, 2, 0x21, 0, &a, 1), OV_E_BUG); /* no, or unknown */
	assert_int_equal(l.n_records, 2);
	assert_int_equal(
	    ov_list_add(&l, 3, 1, 0, &b, 1), OV_OK); /* the same token twice */
	assert_int_equal(ov_list_sort(&l), OV_E_BUG);
	ov_list_fini(&l);
}

/* Under its own kind, so that no VAT number can be taken for it. */
static void
ids_of_schemes_are_hashed_under_their_kind(void **state)
{
	const struct {
		uint8_t rank;
		struct ov_bytes value;
		const char *hashed; /* NULL: it is no token */
	} cases[] = { { OV_RANK_VAT, OV_LITERAL("acme=P1"), "id:acme\x1fP1" },
		{ OV_RANK_VAT, OV_LITERAL("a-9=x=y"), "id:a-9\x1fx=y" },
		{ OV_RANK_VAT, OV_LITERAL("abcdefghijklmnop=1"),
		    "id:abcdefghijklmnop\x1f"
		    "1" },
		{ OV_RANK_VAT, OV_LITERAL("DE811569869"),
		    "vat\x1f"
		    "DE811569869" },
		{ OV_RANK_DOMAIN, OV_LITERAL("a=b"),
		    "domain\x1f"
		    "a=b" },
		{ OV_RANK_VAT, OV_LITERAL("=P1"), NULL },
		{ OV_RANK_VAT, OV_LITERAL("acme="), NULL },
		{ OV_RANK_VAT, OV_LITERAL("Acme=P1"), NULL },
		{ OV_RANK_VAT, OV_LITERAL("9a=P1"), NULL },
		{ OV_RANK_VAT, OV_LITERAL("abcdefghijklmnopq=1"), NULL },
		{ 8, OV_LITERAL("x"), NULL }, { 0, OV_LITERAL("x"), NULL } };
	const struct ov_local_keys local = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct ov_list_token t = { cases[i].rank, cases[i].value };
		const char *want = cases[i].hashed;
		uint8_t got[OV_DECK_TOKEN_MAX];
		struct ov_list l = { 0 };
		struct ov_deck d;

		assert_int_equal(
		    ov_list_add(&l, 1, 1, 0, &t, 1), want != NULL ? OV_OK : OV_E_BUG);
		if (want != NULL) {
			assert_int_equal(ov_deck_init(&d, &l, 1, &local), OV_OK);
			assert_int_equal(ov_deck_token(got, &d, 0), strlen(want));
			assert_memory_equal(got, want, strlen(want));
			ov_deck_fini(&d);
		}
		ov_list_fini(&l);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(honest_view_holds),
		cmocka_unit_test(bands_are_in_digest_roster_and_padding),
		cmocka_unit_test(any_changed_bit_is_caught),
		cmocka_unit_test(crossed_and_repeated_matches_are_caught),
		cmocka_unit_test(one_pair_is_one_match_by_whichever_key),
		cmocka_unit_test(
		    bands_of_the_partner_decide_where_the_own_word_is_missing),
		cmocka_unit_test(populations_below_matches_are_refused),
		cmocka_unit_test(deck_is_a_permutation_with_padding_shaped_like_records),
		cmocka_unit_test(a_moved_tag_shows_a_label_at_random),
		cmocka_unit_test(list_survives_the_database),
		cmocka_unit_test(ids_of_schemes_are_hashed_under_their_kind),
		cmocka_unit_test(list_sorts_and_refuses_repeats_and_controls),
	};

	if (ov_crypto_init() != OV_OK || ov_psi_init() != OV_OK)
		return 1;
	return cmocka_run_group_tests_name("job", tests, set_up, tear_down);
}
