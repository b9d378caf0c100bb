/* Merging: which rows are one account, whatever their order; each key in one record. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include <stdbool.h>

#include "client/book/merge.h"

/* One row: claims as "lei:L1 cik:7 web:acme.com mail:b.com cc:US_acme name:acme";
 * '_' stands for a space. */
static void
claim_text(struct ov_merge *m, const char *text)
{
	static const struct {
		const char *kind;
		enum ov_rank rank;
		enum ov_claim_source source;
	} kinds[] = { { "lei", OV_RANK_LEI, OV_CLAIM_COLUMN },
		{ "cik", OV_RANK_CIK, OV_CLAIM_COLUMN },
		{ "duns", OV_RANK_DUNS, OV_CLAIM_COLUMN },
		{ "vat", OV_RANK_VAT, OV_CLAIM_COLUMN },
		{ "web", OV_RANK_DOMAIN, OV_CLAIM_WEBSITE },
		{ "mail", OV_RANK_DOMAIN, OV_CLAIM_EMAIL },
		{ "cc", OV_RANK_NAME_COUNTRY, OV_CLAIM_COLUMN },
		{ "name", OV_RANK_NAME, OV_CLAIM_COLUMN } };
	char copy[1024], *save, *part;

	assert_true(strlen(text) < sizeof(copy));
	memcpy(copy, text, strlen(text) + 1);
	assert_int_equal(ov_merge_row(m), OV_OK);
	for (part = strtok_r(copy, " ", &save); part; part = strtok_r(NULL, " ", &save)) {
		char *value = strchr(part, ':');
		size_t k = 0;

		assert_non_null(value);
		*value++ = '\0';
		while (strcmp(kinds[k].kind, part) != 0)
			assert_true(++k < sizeof(kinds) / sizeof(kinds[0]));
		for (char *p = value; *p != '\0'; p++)
			*p = *p == '_' ? ' ' : *p;
		assert_int_equal(ov_merge_claim(m, kinds[k].rank, kinds[k].source,
				     OV_BYTES(value, strlen(value))),
		    OV_OK);
	}
}

static struct ov_merge *
merge_of(const char *const *rows, size_t n)
{
	struct ov_merge *m;

	assert_int_equal(ov_merge_new(&m), OV_OK);
	for (size_t i = 0; i < n; i++)
		claim_text(m, rows[i]);
	assert_int_equal(ov_merge_run(m), OV_OK);
	return m;
}

/* "domain=acme.com namecc=US acme" of the record of a row. */
static const char *
keys_of(const struct ov_merge *m, uint32_t row)
{
	static char text[4096];
	struct ov_merge_token t[OV_MERGE_TOKENS_MAX];
	size_t n = ov_merge_tokens(t, m, ov_merge_record_of(m, row)), len = 0;

	text[0] = '\0';
	for (size_t i = 0; i < n; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s=%.*s",
		    i > 0 ? " " : "", ov_rank_kind((uint8_t)t[i].rank),
		    (int)t[i].value.len, (const char *)t[i].value.p);
	return text;
}

static void
expect_keys(const struct ov_merge *m, uint32_t row, const char *want)
{
	assert_string_equal(keys_of(m, row), want);
}

#define MERGE(...)                                                                       \
	merge_of((const char *const[]){ __VA_ARGS__ },                                   \
	    sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))

static bool
together(const struct ov_merge *m, uint32_t a, uint32_t b)
{
	return ov_merge_record_of(m, a) == ov_merge_record_of(m, b);
}

/* The reason for which row's claim of value is no key, OV_MERGE_KEPT if it is one. */
struct search {
	uint32_t row;
	const char *value;
	enum ov_merge_drop found;
};

static enum ov_status
search_drop(
    void *ctx, uint32_t row, const struct ov_merge_token *t, enum ov_merge_drop why)
{
	struct search *s = ctx;

	if (row == s->row && t->value.len == strlen(s->value) &&
	    memcmp(t->value.p, s->value, t->value.len) == 0)
		s->found = why;
	return OV_OK;
}

static enum ov_merge_drop
dropped(const struct ov_merge *m, uint32_t row, const char *value)
{
	struct search s = { row, value, OV_MERGE_KEPT };

	assert_int_equal(ov_merge_dropped(m, search_drop, &s), OV_OK);
	return s.found;
}

static void
rows_that_share_a_key_are_one_record(void **state)
{
	struct ov_merge *m = MERGE("web:acme.com cc:US_acme name:acme",
	    "mail:acme.com cc:US_acme_holdings name:acme_holdings",
	    "cc:US_acme name:acme", "duns:1 name:beta", "duns:1 web:beta.io",
	    "web:gamma.io vat:V1", "vat:V2");

	(void)state;
	assert_int_equal(ov_merge_n_rows(m), 7);
	assert_int_equal(ov_merge_n_records(m), 4);
	assert_true(together(m, 0, 1));
	assert_true(together(m, 0, 2));
	assert_true(together(m, 3, 4));
	expect_keys(m, 2,
	    "domain=acme.com namecc=US acme namecc=US acme holdings name=acme "
	    "name=acme holdings");
	expect_keys(m, 3, "duns=1 domain=beta.io name=beta");
	/* by the bytes of the first key: duns before vat before domain */
	assert_int_equal(ov_merge_record_of(m, 3), 0);
	assert_int_equal(ov_merge_record_of(m, 5), 1);
	assert_int_equal(ov_merge_record_of(m, 6), 2);
	assert_int_equal(ov_merge_record_of(m, 0), 3);
	ov_merge_free(m);
}

static void
vat_and_bare_name_join_nothing(void **state)
{
	struct ov_merge *m = MERGE("vat:V1 web:a.com name:acme",
	    "vat:V1 web:b.com name:acme", "name:acme", "name:acme", "name:solo");

	(void)state;
	assert_false(together(m, 0, 1));
	assert_true(together(m, 2, 3)); /* nothing tells them apart */
	assert_int_equal(ov_merge_n_records(m), 4);
	expect_keys(m, 0, "domain=a.com");
	expect_keys(m, 2, "");
	expect_keys(m, 4, "name=solo");
	assert_int_equal(dropped(m, 1, "V1"), OV_MERGE_SHARED);
	assert_int_equal(dropped(m, 3, "acme"), OV_MERGE_SHARED);
	/* without keys: last */
	assert_int_equal(ov_merge_record_of(m, 2), 3);
	ov_merge_free(m);
}

static void
conflicting_ids_are_not_merged(void **state)
{
	struct ov_merge *m = MERGE("lei:L1 web:acme.com cc:US_acme",
	    "lei:L2 web:acme.com cc:DE_acme", "web:acme.com cc:FR_acme",
	    "cik:1 cc:US_beta", "cik:2 cc:US_beta", "lei:L3 cik:9", "lei:L4 cik:9",
	    "lei:L5 cik:5 cc:US_x", "lei:L5 cik:6 cc:US_x");

	(void)state;
	assert_false(together(m, 0, 1));
	assert_false(together(m, 0, 2));
	expect_keys(m, 0, "lei=L1 namecc=US acme");
	expect_keys(m, 2, "namecc=FR acme");
	assert_int_equal(dropped(m, 0, "acme.com"), OV_MERGE_CONFLICT);
	assert_int_equal(dropped(m, 2, "acme.com"), OV_MERGE_CONFLICT);
	assert_false(together(m, 3, 4));
	expect_keys(m, 3, "cik=1");
	/* an LEI goes before a CIK, both ways */
	assert_false(together(m, 5, 6));
	expect_keys(m, 5, "lei=L3");
	assert_true(together(m, 7, 8));
	expect_keys(m, 7, "lei=L5 cik=5 cik=6 namecc=US x");
	ov_merge_free(m);
}

/* A joins B by one domain, B joins C by another: no single value is in conflict. */
static void
conflicts_are_found_through_chains(void **state)
{
	struct ov_merge *m = MERGE("lei:L1 web:one.com cc:US_one",
	    "web:one.com web:two.com cc:US_mid", "lei:L2 web:two.com cc:US_two");

	(void)state;
	assert_int_equal(ov_merge_n_records(m), 3);
	expect_keys(m, 0, "lei=L1 namecc=US one");
	expect_keys(m, 1, "namecc=US mid");
	assert_int_equal(dropped(m, 1, "two.com"), OV_MERGE_CONFLICT);
	ov_merge_free(m);
}

static void
a_family_leaves_the_domain_to_its_house(void **state)
{
	struct ov_merge *m = MERGE("web:big.com cc:US_big name:big",
	    "web:big.com cc:US_big_fund_one name:big_fund_one",
	    "web:big.com cc:US_big_fund_two name:big_fund_two",
	    "web:big.com cc:US_big_fund_six name:big_fund_six",
	    "web:big.com cc:US_other name:other", "web:big.com cc:DE_big name:big");

	(void)state;
	assert_int_equal(ov_merge_n_records(m), 5);
	assert_true(together(m, 0, 5));
	expect_keys(m, 0, "domain=big.com namecc=DE big namecc=US big name=big");
	expect_keys(m, 1, "namecc=US big fund one name=big fund one");
	assert_int_equal(dropped(m, 1, "big.com"), OV_MERGE_FAMILY);
	assert_int_equal(dropped(m, 0, "big.com"), OV_MERGE_KEPT);
	ov_merge_free(m);
	/* four names are one company; without a house nobody has the domain; initials */
	m = MERGE("web:x.com name:a", "web:x.com name:b", "web:x.com name:c",
	    "web:x.com name:d", "web:y.com name:e cc:US_e", "web:y.com name:f",
	    "web:y.com name:g", "web:y.com name:h", "web:y.com name:i",
	    "web:ibm.com name:international_business_machines", "web:ibm.com name:j",
	    "web:ibm.com name:k", "web:ibm.com name:l", "web:ibm.com name:m");
	assert_true(together(m, 0, 3));
	assert_false(together(m, 4, 5));
	expect_keys(m, 4, "namecc=US e name=e");
	expect_keys(m, 9, "domain=ibm.com name=international business machines");
	ov_merge_free(m);
}

static void
names_of_one_record_are_no_family(void **state)
{
	struct ov_merge *m = MERGE("lei:L web:x.com name:a", "lei:L web:x.com name:b",
	    "lei:L web:x.com name:c", "lei:L web:x.com name:d", "lei:L web:x.com name:e",
	    "web:x.com name:f");

	(void)state;
	assert_int_equal(ov_merge_n_records(m), 1);
	ov_merge_free(m);
}

static void
keys_are_capped_by_rank_and_source(void **state)
{
	struct ov_merge *m = MERGE(
	    "mail:a.com mail:b.com web:z.com web:y.com web:x.com cc:US_n lei:L duns:7 "
	    "name:n mail:y.com");

	(void)state;
	expect_keys(m, 0,
	    "lei=L duns=7 domain=a.com domain=x.com domain=y.com domain=z.com "
	    "name=n");
	assert_int_equal(dropped(m, 0, "b.com"), OV_MERGE_OVER_CAP);
	assert_int_equal(dropped(m, 0, "US n"), OV_MERGE_OVER_CAP);
	ov_merge_free(m);
}

static void
a_name_of_one_word_does_not_join_different_domains(void **state)
{
	struct ov_merge *m = MERGE("web:a.com cc:US_arc", "web:b.com cc:US_arc",
	    "web:c.com cc:US_arc_cameras", "web:d.com cc:US_arc_cameras",
	    "web:e.com cc:US_solo", "cc:US_solo", "cc:US_arc");

	(void)state;
	assert_false(together(m, 0, 1));
	expect_keys(m, 0, "domain=a.com");
	expect_keys(m, 6, "");
	assert_int_equal(dropped(m, 0, "US arc"), OV_MERGE_SHARED);
	assert_true(together(m, 2, 3));
	assert_true(together(m, 4, 5));
	ov_merge_free(m);
}

/* A small generator (Knuth's MMIX constants): the same rows on every machine. */
static uint32_t
draw(uint64_t *seed, uint32_t below)
{
	*seed = *seed * 6364136223846793005U + 1442695040888963407U;
	return (uint32_t)(*seed >> 33) % below;
}

#define RANDOM_ROWS 40

/* Rows over few values, so that chains, conflicts and families come about. */
static void
random_row(char *out, size_t size, uint64_t *seed)
{
	static const char *const kinds[] = { "lei", "cik", "duns", "vat", "web", "mail",
		"cc", "name" };
	static const uint32_t odds[] = { 6, 6, 8, 8, 2, 4, 2, 2 };
	size_t len = 0;

	out[0] = '\0';
	for (size_t k = 0; k < 8; k++)
		if (draw(seed, odds[k]) == 0)
			len += (size_t)snprintf(out + len, size - len, "%s:v%u.x ",
			    kinds[k], (unsigned)draw(seed, 12));
}

struct drops {
	uint32_t n[RANDOM_ROWS][OV_MERGE_DROPS];
};

static enum ov_status
count_drop(
    void *ctx, uint32_t row, const struct ov_merge_token *t, enum ov_merge_drop why)
{
	(void)t;
	((struct drops *)ctx)->n[row][why]++;
	return OV_OK;
}

/* Each value once, ranks and bytes ascending, records in the order of their first key. */
static void
check_keys(const struct ov_merge *m)
{
	static struct ov_merge_token all[RANDOM_ROWS * OV_MERGE_TOKENS_MAX];
	size_t n = 0, first = 0;
	bool ended = false;

	for (uint32_t r = 0; r < ov_merge_n_records(m); r++) {
		size_t k = ov_merge_tokens(all + n, m, r);

		assert_false(ended && k > 0);
		ended = k == 0;
		if (k > 0 && n > 0) {
			const struct ov_merge_token *a = &all[first], *b = &all[n];
			size_t len =
			    a->value.len < b->value.len ? a->value.len : b->value.len;

			assert_true(a->rank < b->rank ||
				    (a->rank == b->rank &&
					memcmp(a->value.p, b->value.p, len) <= 0));
		}
		first = n;
		n += k;
	}
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < i; j++)
			assert_false(all[i].rank == all[j].rank &&
				     all[i].value.len == all[j].value.len &&
				     memcmp(all[i].value.p, all[j].value.p,
					 all[i].value.len) == 0);
}

static const char *
claim_of(const char *row, const char *kind)
{
	return strstr(row, kind);
}

/* Two rows with one LEI are together; two with different ones never are. */
static void
check_leis(const struct ov_merge *m, char rows[RANDOM_ROWS][256])
{
	for (uint32_t a = 0; a < RANDOM_ROWS; a++)
		for (uint32_t b = 0; b < a; b++) {
			const char *x = claim_of(rows[a], "lei:"), *y;

			y = claim_of(rows[b], "lei:");
			if (x != NULL && y != NULL)
				assert_int_equal(together(m, a, b),
				    strcspn(x, " ") == strcspn(y, " ") &&
					strncmp(x, y, strcspn(x, " ")) == 0);
		}
}

static uint32_t
    seen[OV_MERGE_DROPS]; /* over all rounds: the random rows reach all of it */

static void
check_same(const struct ov_merge *m, const struct ov_merge *n, const uint32_t *place)
{
	static struct drops a, b;
	char keys[4096];

	memset(&a, 0, sizeof(a));
	memset(&b, 0, sizeof(b));
	assert_int_equal(ov_merge_dropped(m, count_drop, &a), OV_OK);
	assert_int_equal(ov_merge_dropped(n, count_drop, &b), OV_OK);
	assert_int_equal(ov_merge_n_records(m), ov_merge_n_records(n));
	for (uint32_t i = 0; i < RANDOM_ROWS; i++) {
		snprintf(keys, sizeof(keys), "%s", keys_of(m, i));
		assert_string_equal(keys, keys_of(n, place[i]));
		if (keys[0] != '\0')
			assert_int_equal(
			    ov_merge_record_of(m, i), ov_merge_record_of(n, place[i]));
		assert_memory_equal(a.n[i], b.n[place[i]], sizeof(a.n[i]));
		for (size_t why = 0; why < OV_MERGE_DROPS; why++)
			seen[why] += a.n[i][why];
		for (uint32_t j = 0; j < i; j++)
			assert_int_equal(
			    together(m, i, j), together(n, place[i], place[j]));
	}
}

static void
the_result_does_not_depend_on_the_order_of_rows(void **state)
{
	static char rows[RANDOM_ROWS][256];
	const char *row[RANDOM_ROWS], *moved[RANDOM_ROWS];
	uint32_t place[RANDOM_ROWS];
	uint64_t seed = 20260131;

	(void)state;
	for (size_t round = 0; round < 300; round++) {
		struct ov_merge *m, *n;

		for (uint32_t i = 0; i < RANDOM_ROWS; i++) {
			random_row(rows[i], sizeof(rows[i]), &seed);
			row[i] = rows[i];
			place[i] = i;
		}
		for (uint32_t i = RANDOM_ROWS - 1; i > 0; i--) {
			uint32_t j = draw(&seed, i + 1), t = place[i];

			place[i] = place[j];
			place[j] = t;
		}
		for (uint32_t i = 0; i < RANDOM_ROWS; i++)
			moved[place[i]] = row[i];
		m = merge_of(row, RANDOM_ROWS);
		n = merge_of(moved, RANDOM_ROWS);
		check_keys(m);
		check_leis(m, rows);
		check_same(m, n, place);
		ov_merge_free(m);
		ov_merge_free(n);
	}
	for (size_t why = 1; why < OV_MERGE_DROPS; why++)
		assert_true(seen[why] > 0);
}

static void
many_values_are_kept_apart(void **state)
{
	struct ov_merge *m;
	char text[64];

	(void)state;
	assert_int_equal(ov_merge_new(&m), OV_OK);
	for (unsigned i = 0; i < 20000; i++) {
		snprintf(text, sizeof(text), "web:d%u.com cc:US_n%u", i / 2, i);
		claim_text(m, text);
	}
	assert_int_equal(ov_merge_run(m), OV_OK);
	assert_int_equal(ov_merge_n_records(m), 10000);
	expect_keys(m, 1234, "domain=d617.com namecc=US n1234 namecc=US n1235");
	ov_merge_free(m);
}

static void
wrong_use_is_refused(void **state)
{
	struct ov_merge *m;
	char value[256] = { 0 };

	(void)state;
	assert_int_equal(ov_merge_new(&m), OV_OK);
	assert_int_equal(
	    ov_merge_claim(m, OV_RANK_LEI, OV_CLAIM_COLUMN, OV_BYTES("x", 1)), OV_E_BUG);
	assert_int_equal(ov_merge_row(m), OV_OK);
	assert_int_equal(
	    ov_merge_claim(m, OV_RANK_LEI, OV_CLAIM_COLUMN, OV_BYTES(value, 256)),
	    OV_E_BUG);
	assert_int_equal(
	    ov_merge_claim(m, OV_RANK_LEI, OV_CLAIM_COLUMN, OV_BYTES(value, 0)),
	    OV_E_BUG);
	assert_int_equal(ov_merge_run(m), OV_OK);
	assert_int_equal(ov_merge_run(m), OV_E_BUG);
	ov_merge_free(m);
	/* no rows at all */
	assert_int_equal(ov_merge_new(&m), OV_OK);
	assert_int_equal(ov_merge_run(m), OV_OK);
	assert_int_equal(ov_merge_n_records(m), 0);
	ov_merge_free(m);
	ov_merge_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_that_share_a_key_are_one_record),
		cmocka_unit_test(vat_and_bare_name_join_nothing),
		cmocka_unit_test(conflicting_ids_are_not_merged),
		cmocka_unit_test(conflicts_are_found_through_chains),
		cmocka_unit_test(a_family_leaves_the_domain_to_its_house),
		cmocka_unit_test(names_of_one_record_are_no_family),
		cmocka_unit_test(a_name_of_one_word_does_not_join_different_domains),
		cmocka_unit_test(keys_are_capped_by_rank_and_source),
		cmocka_unit_test(the_result_does_not_depend_on_the_order_of_rows),
		cmocka_unit_test(many_values_are_kept_apart),
		cmocka_unit_test(wrong_use_is_refused),
	};

	return cmocka_run_group_tests_name("merge", tests, NULL, NULL);
}
