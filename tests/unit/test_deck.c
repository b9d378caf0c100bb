/* A deck as the broker and a partner see it: that records of padding are told from real
 * ones by nothing, and positions guessed by nobody (PROTOCOL 9.2, 9.13).
 *
 * Many decks of one list, each under keys of its own, and for each question one number
 * that is nearly normal, with mean 0 and deviation 1, if there is nothing to see.  Keys
 * are fixed, so a failure comes again.  Each number has a control: decks in which one
 * thing is not as random as it must be, where it is far off.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include <math.h>

#include "client/job/deck.h"
#include "common/crypto/hash.h"
#include "common/crypto/memory.h"

#define RECORDS 300
#define SLOTS 1024
#define DECKS 300
#define GUESSES 4096
#define PARTS 32 /* of the positions */

#define NOTHING 4.5
#define SOMETHING 20.0

static struct ov_list list;

/* What is not as it should be, for controls. */
enum spoilt { NOTHING_SPOILT, NUMBERS, POSITIONS, PAIRS, SHAPES, SAME_KEYS };

static void
keys_of(struct ov_local_keys *k, uint32_t deck)
{
	uint8_t *const part[] = { k->order, k->records, k->padding };

	memset(k, 0, sizeof(*k));
	for (uint8_t i = 0; i < 3; i++) {
		uint8_t seed[8] = { i };

		ov_put32(seed + 4, deck);
		ov_blake2b(part[i], 32, (const uint8_t[32]){ 1 },
		    OV_BYTES(seed, sizeof(seed)), OV_BYTES(NULL, 0));
	}
}

static void
open_deck(struct ov_deck *d, uint32_t number, enum spoilt spoilt)
{
	struct ov_local_keys keys;

	keys_of(&keys, spoilt == SAME_KEYS ? 0 : number);
	assert_int_equal(ov_deck_init(d, &list, SLOTS, &keys), OV_OK);
	for (uint32_t i = 0; spoilt == NUMBERS && i < d->records; i++)
		d->record_number[i] = i;
	for (uint32_t i = 0; spoilt == POSITIONS && i < SLOTS; i++)
		d->slot_at[i] = i;
	if (spoilt == PAIRS) /* padding stands in its order, among shuffled real slots */
		for (uint32_t i = 0, pad = (uint32_t)list.n_tokens; i < SLOTS; i++)
			if (d->slot_at[i] >= list.n_tokens)
				d->slot_at[i] = pad++;
	for (uint32_t i = 0; spoilt == SHAPES && i < d->records - RECORDS; i++)
		while (list.records[d->model[i]].n_tokens < 3)
			d->model[i] = (d->model[i] + 1) % RECORDS;
}

/* Three kinds of records, told apart by ranks, label and fit; one of them may have
 * another label. */
static void
fill(struct ov_list *l, char values[RECORDS][3][24], char first, unsigned int other)
{
	static const uint8_t ranks[] = { OV_RANK_LEI, OV_RANK_DOMAIN,
		OV_RANK_NAME_COUNTRY };

	for (unsigned int i = 0; i < RECORDS; i++) {
		struct ov_list_token t[3];
		size_t n = 0;

		for (unsigned int k = i % 3; k < 3; k++) {
			snprintf(values[i][k], sizeof(values[i][k]), "%c%04u.example",
			    first, i);
			t[n++] = (struct ov_list_token){ ranks[k],
				OV_BYTES(values[i][k], strlen(values[i][k])) };
		}
		assert_int_equal(
		    ov_list_add(l, i, OV_LABEL(i == other ? 4 : 1 + i % 3, 0U),
			(uint8_t)(i % 3), t, n),
		    OV_OK);
	}
	assert_int_equal(ov_list_sort(l), OV_OK);
}

static int
set_up(void **state)
{
	static char values[RECORDS][3][24];

	(void)state;
	fill(&list, values, 'v', RECORDS);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	ov_list_fini(&list);
	return 0;
}

/* --- what the broker sees --- */

struct record {
	bool real; /* this it does not see */
	uint32_t slots, first, last;
	uint8_t label;
};

static uint32_t
look(struct record r[SLOTS], uint32_t number, enum spoilt spoilt)
{
	static const uint8_t key[16];
	struct ov_deck d;
	uint32_t n;

	open_deck(&d, number, spoilt);
	memset(r, 0, SLOTS * sizeof(*r));
	for (uint32_t p = 0; p < SLOTS; p++) {
		struct ov_roster_row row;
		struct record *seen;
		size_t record;
		uint8_t rank;

		ov_deck_roster(&row, &d, p, key);
		assert_true(row.record < d.records);
		seen = &r[row.record];
		if (seen->slots++ == 0)
			seen->first = p;
		seen->last = p;
		seen->label = row.label;
		seen->real = ov_deck_record(&record, &rank, &d, p);
	}
	n = d.records;
	ov_deck_fini(&d);
	return n;
}

/* Something of a record that it sees; false: nothing of this one. */
typedef bool feature_fn(double *out, const struct record *r, uint32_t number);

static bool
record_number(double *out, const struct record *r, uint32_t number)
{
	(void)r;
	*out = number;
	return true;
}

static bool
first_position(double *out, const struct record *r, uint32_t number)
{
	(void)number;
	*out = r->first;
	return r->slots == 1; /* else the first is the least of some */
}

static bool
distance(double *out, const struct record *r, uint32_t number)
{
	(void)number;
	*out = r->last - r->first;
	return r->slots == 2;
}

static bool
population(double *out, const struct record *r, uint32_t number)
{
	(void)number;
	*out = r->label == OV_LABEL(1, 0U);
	return true;
}

/* The mean of real records less that of padding, in one deck. */
static double
difference(const struct record *r, uint32_t n, feature_fn *feature)
{
	double sum[2] = { 0 }, count[2] = { 0 }, x;

	for (uint32_t i = 0; i < n; i++)
		if (feature(&x, &r[i], i)) {
			sum[r[i].real] += x;
			count[r[i].real]++;
		}
	assert_true(count[0] > 20 && count[1] > 20);
	return sum[1] / count[1] - sum[0] / count[0];
}

/* Over all decks, in standard errors. */
static double
tell(feature_fn *feature, enum spoilt spoilt)
{
	static struct record r[SLOTS];
	double sum = 0, squares = 0, mean;

	for (uint32_t i = 0; i < DECKS; i++) {
		double d = difference(r, look(r, i, spoilt), feature);

		sum += d;
		squares += d * d;
	}
	mean = sum / DECKS;
	return mean / sqrt((squares / DECKS - mean * mean) / (DECKS - 1) + 1e-18);
}

static void
padding_is_told_from_real_records_by_nothing(void **state)
{
	static const struct {
		feature_fn *feature;
		enum spoilt control;
	} c[] = { { record_number, NUMBERS }, { first_position, POSITIONS },
		{ distance, PAIRS }, { population, SHAPES } };

	(void)state;
	for (size_t i = 0; i < sizeof(c) / sizeof(c[0]); i++) {
		double nothing = tell(c[i].feature, NOTHING_SPOILT);
		double something = tell(c[i].feature, c[i].control);

		if (!(fabs(nothing) < NOTHING) || !(fabs(something) > SOMETHING))
			fail_msg("%zu: %f, control %f", i, nothing, something);
	}
}

/* Rows of two lists under the same keys that are not the same. */
static size_t
differences(const struct ov_list *one, const struct ov_list *two)
{
	static const uint8_t key[16] = { 7 };
	struct ov_local_keys keys;
	struct ov_deck d[2];
	size_t n = 0;

	keys_of(&keys, 1);
	assert_int_equal(ov_deck_init(&d[0], one, SLOTS, &keys), OV_OK);
	assert_int_equal(ov_deck_init(&d[1], two, SLOTS, &keys), OV_OK);
	for (uint32_t p = 0; p < SLOTS; p++) {
		uint8_t packed[2][OV_ROSTER_ROW];

		for (int i = 0; i < 2; i++) {
			struct ov_roster_row row;

			ov_deck_roster(&row, &d[i], p, key);
			ov_roster_pack(packed[i], &row);
		}
		n += memcmp(packed[0], packed[1], OV_ROSTER_ROW) != 0;
	}
	ov_deck_fini(&d[0]);
	ov_deck_fini(&d[1]);
	return n;
}

static void
rosters_are_of_shapes_and_not_of_tokens(void **state)
{
	static char values[2][RECORDS][3][24];
	struct ov_list renamed = { 0 }, relabelled = { 0 };

	(void)state;
	fill(&renamed, values[0], 'w', RECORDS);
	assert_int_equal(differences(&list, &renamed), 0);
	fill(&relabelled, values[1], 'v', 5); /* the control: one label of one record */
	assert_true(differences(&list, &relabelled) > 0);
	ov_list_fini(&renamed);
	ov_list_fini(&relabelled);
}

/* --- guessing a position --- */

/* How far from even the positions of one slot are, over many jobs: chi square. */
static double
unevenness(enum spoilt spoilt)
{
	double count[PARTS] = { 0 }, chi = 0;

	for (uint32_t i = 0; i < GUESSES; i++) {
		struct ov_deck d;

		open_deck(&d, i, spoilt);
		for (uint32_t p = 0; p < SLOTS; p++)
			if (d.slot_at[p] == 0)
				count[p / (SLOTS / PARTS)]++;
		ov_deck_fini(&d);
	}
	for (size_t i = 0; i < PARTS; i++) {
		double off = count[i] - (double)GUESSES / PARTS;

		chi += off * off * PARTS / GUESSES;
	}
	return (chi - (PARTS - 1)) / sqrt(2.0 * (PARTS - 1));
}

/* How many slots stand where they stood in the job before: one on average. */
static double
staleness(enum spoilt spoilt)
{
	struct ov_deck d[2];
	double same = 0;

	open_deck(&d[0], 0, spoilt);
	for (uint32_t i = 1; i <= DECKS; i++) {
		struct ov_deck *now = &d[i % 2], *before = &d[1 - i % 2];

		open_deck(now, i, spoilt);
		for (uint32_t p = 0; p < SLOTS; p++)
			same += now->slot_at[p] == before->slot_at[p];
		ov_deck_fini(before);
	}
	ov_deck_fini(&d[DECKS % 2]);
	return (same - DECKS) / sqrt(DECKS);
}

static void
a_position_is_anywhere_and_elsewhere_in_the_next_job(void **state)
{
	(void)state;
	assert_true(fabs(unevenness(NOTHING_SPOILT)) < NOTHING);
	assert_true(unevenness(SAME_KEYS) > SOMETHING);
	assert_true(fabs(staleness(NOTHING_SPOILT)) < NOTHING);
	assert_true(staleness(SAME_KEYS) > SOMETHING);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(padding_is_told_from_real_records_by_nothing),
		cmocka_unit_test(rosters_are_of_shapes_and_not_of_tokens),
		cmocka_unit_test(a_position_is_anywhere_and_elsewhere_in_the_next_job),
	};

	if (ov_crypto_init() != OV_OK)
		return 1;
	return cmocka_run_group_tests_name("deck", tests, set_up, tear_down);
}
