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

/* A mark that the row's text alone decides. */
static uint16_t
mark_of(const char *text)
{
	unsigned int sum = 0;

	for (; *text != '\0'; text++)
		sum += (unsigned char)*text;
	return (uint16_t)(1U << sum % 16);
}

/* One row: claims as "lei:L1 cik:7 web:acme.com mail:b.com cc:US_acme name:acme", and
 * what its name says, "kind:ag", "initials:ibm", "unit:"; "told:" and "toldname:" are
 * names that the website tells; '_' stands for a space. */
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
		{ "name", OV_RANK_NAME, OV_CLAIM_COLUMN },
		{ "told", OV_RANK_NAME_COUNTRY, OV_CLAIM_WEBSITE },
		{ "toldname", OV_RANK_NAME, OV_CLAIM_WEBSITE } };
	struct ov_name_signs signs = { .kind = "" };
	char copy[1024], *save, *part;

	assert_true(strlen(text) < sizeof(copy));
	memcpy(copy, text, strlen(text) + 1);
	assert_int_equal(ov_merge_row(m, ov_merge_n_rows(m)), OV_OK);
	ov_merge_marks(m, mark_of(text));
	for (part = strtok_r(copy, " ", &save); part; part = strtok_r(NULL, " ", &save)) {
		char *value = strchr(part, ':');
		size_t k = 0;

		assert_non_null(value);
		*value++ = '\0';
		if (strcmp(part, "kind") == 0) {
			snprintf(signs.kind, sizeof(signs.kind), "%s", value);
			continue;
		}
		if (strcmp(part, "initials") == 0) {
			snprintf(signs.initials, sizeof(signs.initials), "%s", value);
			continue;
		}
		if (strcmp(part, "unit") == 0) {
			signs.is_unit = true;
			continue;
		}
		if (strcmp(part, "name") == 0 && signs.written[0] == '\0')
			snprintf(signs.written, sizeof(signs.written), "%s", value);
		while (strcmp(kinds[k].kind, part) != 0)
			assert_true(++k < sizeof(kinds) / sizeof(kinds[0]));
		for (char *p = value; *p != '\0'; p++)
			*p = *p == '_' ? ' ' : *p;
		assert_int_equal(ov_merge_claim(m, kinds[k].rank, kinds[k].source,
				     OV_BYTES(value, strlen(value))),
		    OV_OK);
	}
	ov_merge_signs(m, &signs);
}

/* All that merging gave: records in their order, and what it dropped. */
#define KEYS_TEXT 512
#define VALUE_TEXT 64
struct merged {
	uint32_t n_rows, n_records, *record; /* of each row */
	uint16_t *marks;		     /* of each record */
	char (*keys)[KEYS_TEXT]; /* "domain=acme.com namecc=US acme" of each record */
	struct dropped {
		uint32_t row;
		char value[VALUE_TEXT];
		enum ov_merge_drop why;
	} * drop;
	size_t n_drops;
};

static void
read_record(struct merged *out, struct ov_merge *m, const struct ov_merge_record *r)
{
	char *keys = out->keys[r->number];
	uint64_t row, before = 0;
	size_t len = 0, rows = 0;
	bool any;

	assert_int_equal(r->number, out->n_records);
	for (size_t i = 0; i < r->n; i++)
		len += (size_t)snprintf(keys + len, KEYS_TEXT - len, "%s%s=%.*s",
		    i > 0 ? " " : "", ov_rank_kind((uint8_t)r->token[i].rank),
		    (int)r->token[i].value.len, (const char *)r->token[i].value.p);
	assert_true(len < KEYS_TEXT);
	out->marks[r->number] = r->marks;
	for (;; rows++) {
		assert_int_equal(ov_merge_next_member(&any, &row, m), OV_OK);
		if (!any)
			break;
		assert_true(row < out->n_rows && (rows == 0 || before < row));
		out->record[row] = r->number;
		before = row;
	}
	assert_true(rows > 0);
	out->n_records++;
}

static void
read_dropped(struct merged *out, struct ov_merge *m)
{
	struct ov_merge_dropped d;
	size_t cap = 0;
	bool any;

	for (;; out->n_drops++) {
		struct dropped *to;

		assert_int_equal(ov_merge_next_dropped(&any, &d, m), OV_OK);
		if (!any)
			break;
		if (out->n_drops == cap) {
			cap = 2 * cap + 16;
			out->drop = realloc(out->drop, cap * sizeof(*out->drop));
			assert_non_null(out->drop);
		}
		assert_true(d.claim.value.len < VALUE_TEXT);
		to = &out->drop[out->n_drops];
		to->row = (uint32_t)d.tag;
		memcpy(to->value, d.claim.value.p, d.claim.value.len);
		to->value[d.claim.value.len] = '\0';
		to->why = d.why;
		assert_true(out->n_drops == 0 || to[-1].row <= to->row);
	}
}

/* Decides, reads all, frees m. */
static struct merged *
finish(struct ov_merge *m)
{
	struct merged *out = calloc(1, sizeof(*out));
	struct ov_merge_record r;
	uint32_t n;
	bool any;

	assert_non_null(out);
	assert_int_equal(ov_merge_run(m), OV_OK);
	out->n_rows = ov_merge_n_rows(m);
	n = ov_merge_n_records(m);
	out->record = calloc(out->n_rows + 1, sizeof(*out->record));
	out->keys = calloc(n + 1, sizeof(*out->keys));
	out->marks = calloc(n + 1, sizeof(*out->marks));
	assert_true(out->record != NULL && out->keys != NULL && out->marks != NULL);
	for (;;) {
		assert_int_equal(ov_merge_next_record(&any, &r, m), OV_OK);
		if (!any)
			break;
		read_record(out, m, &r);
	}
	assert_int_equal(out->n_records, n);
	read_dropped(out, m);
	ov_merge_free(m);
	return out;
}

static void
forget(struct merged *m)
{
	free(m->record);
	free(m->keys);
	free(m->marks);
	free(m->drop);
	free(m);
}

static struct ov_merge *
new_merge(void)
{
	struct ov_merge *m;

	assert_int_equal(ov_merge_new(&m, "/tmp"), OV_OK);
	return m;
}

static struct merged *
merge_of(const char *const *rows, size_t n)
{
	struct ov_merge *m = new_merge();

	for (size_t i = 0; i < n; i++)
		claim_text(m, rows[i]);
	return finish(m);
}

static const char *
keys_of(const struct merged *m, uint32_t row)
{
	return m->keys[m->record[row]];
}

static void
expect_keys(const struct merged *m, uint32_t row, const char *want)
{
	assert_string_equal(keys_of(m, row), want);
}

#define MERGE(...)                                                                       \
	merge_of((const char *const[]){ __VA_ARGS__ },                                   \
	    sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))

static bool
together(const struct merged *m, uint32_t a, uint32_t b)
{
	return m->record[a] == m->record[b];
}

/* The reason for which row's claim of value is no key, OV_MERGE_KEPT if it is one. */
static enum ov_merge_drop
dropped(const struct merged *m, uint32_t row, const char *value)
{
	for (size_t i = 0; i < m->n_drops; i++)
		if (m->drop[i].row == row && strcmp(m->drop[i].value, value) == 0)
			return m->drop[i].why;
	return OV_MERGE_KEPT;
}

static void
rows_that_share_a_key_are_one_record(void **state)
{
	struct merged *m = MERGE("web:acme.com cc:US_acme name:acme",
	    "mail:acme.com cc:US_acme_holdings name:acme_holdings",
	    "cc:US_acme name:acme", "duns:1 name:beta", "duns:1 web:beta.io",
	    "web:gamma.io vat:V1", "vat:V2");

	(void)state;
	assert_int_equal(m->n_rows, 7);
	assert_int_equal(m->n_records, 4);
	assert_true(together(m, 0, 1));
	assert_true(together(m, 0, 2));
	assert_true(together(m, 3, 4));
	expect_keys(m, 2,
	    "domain=acme.com namecc=US acme namecc=US acme holdings name=acme "
	    "name=acme holdings");
	expect_keys(m, 3, "duns=1 domain=beta.io name=beta");
	/* by the bytes of the first key: duns before vat before domain */
	assert_int_equal(m->record[3], 0);
	assert_int_equal(m->record[5], 1);
	assert_int_equal(m->record[6], 2);
	assert_int_equal(m->record[0], 3);
	forget(m);
}

static void
vat_and_bare_name_join_nothing(void **state)
{
	struct merged *m = MERGE("vat:V1 web:a.com name:acme",
	    "vat:V1 web:b.com name:acme", "name:acme", "name:acme", "name:solo");

	(void)state;
	assert_false(together(m, 0, 1));
	assert_true(together(m, 2, 3)); /* nothing tells them apart */
	assert_int_equal(m->n_records, 4);
	expect_keys(m, 0, "domain=a.com");
	expect_keys(m, 2, "");
	expect_keys(m, 4, "name=solo");
	assert_int_equal(dropped(m, 1, "V1"), OV_MERGE_SHARED);
	assert_int_equal(dropped(m, 3, "acme"), OV_MERGE_SHARED);
	/* without keys: last */
	assert_int_equal(m->record[2], 3);
	forget(m);
}

static void
conflicting_ids_are_not_merged(void **state)
{
	struct merged *m = MERGE("lei:L1 web:acme.com cc:US_acme",
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
	forget(m);
}

/* A joins B by one domain, B joins C by another: no single value is in conflict. */
static void
conflicts_are_found_through_chains(void **state)
{
	struct merged *m = MERGE("lei:L1 web:one.com cc:US_one",
	    "web:one.com web:two.com cc:US_mid", "lei:L2 web:two.com cc:US_two");

	(void)state;
	assert_int_equal(m->n_records, 3);
	expect_keys(m, 0, "lei=L1 namecc=US one");
	expect_keys(m, 1, "namecc=US mid");
	assert_int_equal(dropped(m, 1, "two.com"), OV_MERGE_CONFLICT);
	forget(m);
}

/* More than OV_MERGE_NAMES_MAX names: funds of a house. */
static void
a_family_leaves_the_domain_to_its_house(void **state)
{
	struct merged *m = MERGE("web:big.com cc:US_big name:big",
	    "web:big.com cc:US_bigone name:bigone",
	    "web:big.com cc:US_bigtwo name:bigtwo",
	    "web:big.com cc:US_bigsix name:bigsix", "web:big.com cc:US_other name:other",
	    "web:big.com cc:DE_big name:big");

	(void)state;
	assert_int_equal(m->n_records, 5);
	assert_true(together(m, 0, 5));
	expect_keys(m, 0, "domain=big.com namecc=DE big namecc=US big name=big");
	expect_keys(m, 1, "namecc=US bigone name=bigone");
	assert_int_equal(dropped(m, 1, "big.com"), OV_MERGE_FAMILY);
	assert_int_equal(dropped(m, 0, "big.com"), OV_MERGE_KEPT);
	forget(m);
	/* without a house nobody has the domain; initials are a house's name, too */
	m = MERGE("web:y.com name:e cc:US_e", "web:y.com name:f", "web:y.com name:g",
	    "web:y.com name:h", "web:y.com name:i",
	    "web:ibm.com name:internationalbusinessmachines initials:ibm",
	    "web:ibm.com name:j", "web:ibm.com name:k", "web:ibm.com name:l",
	    "web:ibm.com name:m");
	assert_false(together(m, 0, 1));
	expect_keys(m, 0, "namecc=US e name=e");
	expect_keys(m, 5, "domain=ibm.com name=internationalbusinessmachines");
	forget(m);
}

/* Up to OV_MERGE_NAMES_MAX names. */
static void
a_company_leaves_the_domain_of_another_to_it(void **state)
{
	struct merged *m = MERGE("web:archrock.com name:archrock",
	    "web:archrock.com name:onemain", "web:archrock.com name:archrockservices",
	    "web:archrock.com", "web:thehartford.com name:hartford",
	    "web:thehartford.com name:navigators", "web:bosch.com name:robertbosch",
	    "web:bosch.com name:bosch");

	(void)state;
	assert_true(together(m, 0, 2));
	assert_true(together(m, 0, 3)); /* it has no other name */
	assert_false(together(m, 0, 1));
	expect_keys(m, 1, "name=onemain");
	assert_int_equal(dropped(m, 1, "archrock.com"), OV_MERGE_FAMILY);
	assert_false(together(m, 4, 5));
	expect_keys(m, 4, "domain=thehartford.com name=hartford");
	assert_true(together(m, 6, 7));
	forget(m);
	/* none of them is named like it: one company under several names */
	m = MERGE("web:x.com name:a", "web:x.com name:b", "web:x.com name:c",
	    "web:x.com name:d");
	assert_int_equal(m->n_records, 1);
	forget(m);
}

static void
a_fund_is_not_its_house(void **state)
{
	struct merged *m = MERGE("web:acme.com name:acmegrowthfund",
	    "web:acme.com name:acmevaluefund", "web:solo.com name:soloetf",
	    "web:big.com name:big", "web:big.com name:bigincomeetf");

	(void)state;
	assert_false(together(m, 0, 1));
	expect_keys(m, 0, "name=acmegrowthfund");
	assert_int_equal(dropped(m, 0, "acme.com"), OV_MERGE_FAMILY);
	expect_keys(m, 2, "name=soloetf"); /* the house may be in the other book */
	assert_int_equal(dropped(m, 2, "solo.com"), OV_MERGE_FAMILY);
	assert_false(together(m, 3, 4));
	expect_keys(m, 3, "domain=big.com name=big");
	expect_keys(m, 4, "name=bigincomeetf");
	forget(m);
}

/* "Partners IV", "Restaurant 4521" */
static void
one_of_many_is_not_the_house(void **state)
{
	struct merged *m = MERGE("web:acme.com name:acme",
	    "web:acme.com name:acmepartnersiv unit:", "web:solo.com name:solo4521 unit:",
	    "web:initials.com name:pacificmanagement",
	    "web:initials.com name:initialsreturnfund",
	    "web:forward66.com name:forward66 unit:");

	(void)state;
	expect_keys(m, 0, "domain=acme.com name=acme");
	expect_keys(m, 1, "name=acmepartnersiv");
	expect_keys(m, 2, "name=solo4521");
	/* who is left when the funds are out */
	expect_keys(m, 3, "domain=initials.com name=pacificmanagement");
	expect_keys(m, 4, "name=initialsreturnfund");
	expect_keys(m, 5, "domain=forward66.com name=forward66");
	forget(m);
}

static void
a_fund_may_have_a_site_of_its_own(void **state)
{
	struct merged *m = MERGE("web:theglobalfund.org name:globalfundtofightaids");

	(void)state;
	expect_keys(m, 0, "domain=theglobalfund.org name=globalfundtofightaids");
	forget(m);
}

/* "Capital One Financial" at capitalone.com is "Capital One", too; but not where that is
 * somebody else, or the site is somebody else's. */
static void
a_website_tells_a_name(void **state)
{
	struct merged *m = MERGE("web:solo.com cc:US_soloworks told:US_solo",
	    "web:mine.com cc:US_mineworks told:US_mine", "web:my.com cc:US_mine",
	    "web:one.com cc:US_oneworks told:US_both",
	    "web:two.com cc:US_twoworks told:US_both",
	    "web:house.com name:house cc:US_house",
	    "web:house.com name:housefund told:US_house toldname:house",
	    "web:lost.com name:lostfund told:US_lost toldname:lost");

	(void)state;
	expect_keys(m, 0, "domain=solo.com namecc=US solo namecc=US soloworks");
	expect_keys(m, 1, "domain=mine.com namecc=US mineworks");
	expect_keys(m, 2, "domain=my.com namecc=US mine");
	expect_keys(m, 3, "domain=one.com namecc=US oneworks");
	expect_keys(m, 4, "domain=two.com namecc=US twoworks");
	expect_keys(m, 5, "domain=house.com namecc=US house name=house");
	expect_keys(m, 6, "name=housefund");
	expect_keys(m, 7, "name=lostfund");
	assert_int_equal(m->n_records, 8);
	forget(m);
}

static void
a_name_with_two_legal_forms_is_two_companies(void **state)
{
	struct merged *m = MERGE("cc:DE_bank name:bank kind:ag",
	    "cc:DE_bank name:bank kind:gmbh", "cc:DE_solo name:solo kind:ag",
	    "cc:DE_solo name:solo", "name:bare kind:ag", "name:bare kind:gmbh",
	    "web:acme.de cc:DE_acme name:acme kind:ag",
	    "web:acme.de cc:DE_acme name:acme kind:gmbh");

	(void)state;
	assert_false(together(m, 0, 1));
	expect_keys(m, 0, "");
	assert_int_equal(dropped(m, 0, "DE bank"), OV_MERGE_NAMESAKE);
	assert_int_equal(dropped(m, 1, "bank"), OV_MERGE_NAMESAKE);
	assert_true(together(m, 2, 3)); /* left out is not another */
	assert_false(together(m, 4, 5));
	expect_keys(m, 4, "");
	/* the domain has joined them already */
	assert_true(together(m, 6, 7));
	expect_keys(m, 6, "domain=acme.de namecc=DE acme name=acme");
	forget(m);
}

static void
names_of_one_record_are_no_family(void **state)
{
	struct merged *m = MERGE("lei:L web:x.com name:a", "lei:L web:x.com name:b",
	    "lei:L web:x.com name:c", "lei:L web:x.com name:d", "lei:L web:x.com name:e",
	    "web:x.com name:f");

	(void)state;
	assert_int_equal(m->n_records, 1);
	forget(m);
}

static void
keys_are_capped_by_rank_and_source(void **state)
{
	struct merged *m = MERGE(
	    "mail:a.com mail:b.com web:z.com web:y.com web:x.com cc:US_n lei:L duns:7 "
	    "name:n mail:y.com");

	(void)state;
	expect_keys(m, 0,
	    "lei=L duns=7 domain=a.com domain=x.com domain=y.com domain=z.com "
	    "name=n");
	assert_int_equal(dropped(m, 0, "b.com"), OV_MERGE_OVER_CAP);
	assert_int_equal(dropped(m, 0, "US n"), OV_MERGE_OVER_CAP);
	forget(m);
}

static void
a_name_does_not_join_different_domains(void **state)
{
	struct merged *m = MERGE("web:a.com cc:US_arc", "web:b.com cc:US_arc",
	    "web:e.com cc:US_solo", "cc:US_solo", "cc:US_arc");

	(void)state;
	assert_false(together(m, 0, 1));
	expect_keys(m, 0, "domain=a.com");
	expect_keys(m, 4, "");
	assert_int_equal(dropped(m, 0, "US arc"), OV_MERGE_SHARED);
	assert_true(together(m, 2, 3));
	forget(m);
	/* nor through accounts of several names; where one domain is known, it is theirs
	 */
	m = MERGE("web:a.com cc:US_one", "cc:US_one cc:US_two", "cc:US_two cc:US_three",
	    "web:b.com cc:US_three", "web:c.com cc:DE_one", "cc:DE_one cc:DE_two",
	    "cc:DE_two");
	assert_int_equal(m->n_records, 5);
	expect_keys(m, 0, "domain=a.com");
	expect_keys(m, 1, "");
	assert_int_equal(dropped(m, 1, "US one"), OV_MERGE_SHARED);
	assert_int_equal(dropped(m, 1, "US two"), OV_MERGE_SHARED);
	expect_keys(m, 6, "domain=c.com namecc=DE one namecc=DE two");
	forget(m);
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
		"cc", "name", "told", "toldname" };
	static const uint32_t odds[] = { 6, 6, 8, 8, 2, 4, 2, 2, 3, 3 };
	size_t len = 0;

	out[0] = '\0';
	for (size_t k = 0; k < 10; k++)
		if (draw(seed, odds[k]) == 0)
			len += (size_t)snprintf(out + len, size - len, "%s:v%u.x ",
			    kinds[k], (unsigned)draw(seed, 12));
	if (draw(seed, 4) == 0)
		(void)snprintf(
		    out + len, size - len, "kind:k%u ", (unsigned)draw(seed, 2));
}

struct drops {
	uint32_t n[RANDOM_ROWS][OV_MERGE_DROPS];
};

static void
count_drops(struct drops *out, const struct merged *m)
{
	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < m->n_drops; i++)
		out->n[m->drop[i].row][m->drop[i].why]++;
}

/* A key's place: its rank, then its bytes. */
static int
compare_texts(const char *a, const char *b)
{
	static const char *const order = "lei cik duns vat domain namecc name";
	const char *x = strchr(a, '='), *y = strchr(b, '=');
	char kind[2][16];

	snprintf(kind[0], sizeof(kind[0]), "%.*s", (int)(x - a), a);
	snprintf(kind[1], sizeof(kind[1]), "%.*s", (int)(y - b), b);
	if (strcmp(kind[0], kind[1]) != 0)
		return strcmp(kind[1], "name") == 0 ? -1
		       : strcmp(kind[0], "name") == 0
			   ? 1
			   : (int)(strstr(order, kind[0]) - strstr(order, kind[1]));
	return strcmp(x, y);
}

/* Each value once, ranks and bytes ascending, records in the order of their first key. */
static void
check_keys(const struct merged *m)
{
	static char all[RANDOM_ROWS * OV_MERGE_TOKENS_MAX][64];
	size_t n = 0, first = 0;
	bool ended = false;

	for (uint32_t r = 0; r < m->n_records; r++) {
		char copy[KEYS_TEXT], *save, *key;
		size_t begin = n;

		memcpy(copy, m->keys[r], sizeof(copy));
		for (key = strtok_r(copy, " ", &save); key != NULL;
		     key = strtok_r(NULL, " ", &save)) {
			snprintf(all[n], sizeof(all[n]), "%s", key);
			assert_true(n == begin || compare_texts(all[n - 1], all[n]) < 0);
			n++;
		}
		assert_false(ended && n > begin);
		ended = n == begin;
		assert_true(
		    ended || begin == 0 || compare_texts(all[first], all[begin]) < 0);
		first = begin;
	}
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(all[i], all[j]);
}

static const char *
claim_of(const char *row, const char *kind)
{
	return strstr(row, kind);
}

/* Two rows with one LEI are together; two with different ones never are. */
static void
check_leis(const struct merged *m, char rows[RANDOM_ROWS][256])
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
check_same(const struct merged *m, const struct merged *n, const uint32_t *place)
{
	static struct drops a, b;

	count_drops(&a, m);
	count_drops(&b, n);
	assert_int_equal(m->n_records, n->n_records);
	for (uint32_t i = 0; i < RANDOM_ROWS; i++) {
		assert_string_equal(keys_of(m, i), keys_of(n, place[i]));
		assert_int_equal(m->marks[m->record[i]], n->marks[n->record[place[i]]]);
		if (keys_of(m, i)[0] != '\0')
			assert_int_equal(m->record[i], n->record[place[i]]);
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
		struct merged *m, *n;

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
		forget(m);
		forget(n);
	}
	for (size_t why = 1; why < OV_MERGE_DROPS; why++)
		assert_true(seen[why] > 0);
}

/* Those of its rows; and between rows that keep a domain and rows that lose it to them.
 */
static void
marks_are_of_the_house(void **state)
{
	static const char *const row[] = { "web:house.com name:house",
		"web:house.com name:houseone unit:", "web:house.com name:housetwo unit:",
		"web:other.com cc:US_house", "web:other.com name:other" };
	uint16_t mark[5];
	struct merged *m = merge_of(row, 5);

	(void)state;
	for (size_t i = 0; i < 5; i++)
		mark[i] = mark_of(row[i]);
	assert_int_equal(m->marks[m->record[0]], mark[0] | mark[1] | mark[2]);
	assert_int_equal(m->marks[m->record[1]], mark[0] | mark[1]);
	assert_int_equal(m->marks[m->record[2]], mark[0] | mark[2]);
	assert_int_equal(m->marks[m->record[3]], mark[3] | mark[4]);
	for (size_t i = 1; i < 5; i++)
		assert_int_not_equal(mark[i] & mark[0], mark[0]); /* they differ */
	forget(m);
}

static void
many_values_are_kept_apart(void **state)
{
	struct ov_merge *m = new_merge();
	struct merged *done;
	char text[64];

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		snprintf(text, sizeof(text), "web:d%u.com cc:US_n%u", i / 2, i);
		claim_text(m, text);
	}
	done = finish(m);
	assert_int_equal(done->n_records, 10000);
	expect_keys(done, 1234, "domain=d617.com namecc=US n1234 namecc=US n1235");
	forget(done);
}

static void
wrong_use_is_refused(void **state)
{
	struct ov_merge *m = new_merge();
	char value[256];
	struct ov_merge_record r;
	bool any;

	(void)state;
	memset(value, 'v', sizeof(value));
	assert_int_equal(
	    ov_merge_claim(m, OV_RANK_LEI, OV_CLAIM_COLUMN, OV_BYTES("x", 1)), OV_E_BUG);
	assert_int_equal(ov_merge_row(m, 0), OV_OK);
	assert_int_equal(
	    ov_merge_claim(m, OV_RANK_LEI, OV_CLAIM_COLUMN, OV_BYTES(value, 256)),
	    OV_E_BUG);
	assert_int_equal(
	    ov_merge_claim(m, OV_RANK_LEI, OV_CLAIM_COLUMN, OV_BYTES(value, 0)),
	    OV_E_BUG);
	assert_int_equal(
	    ov_merge_claim(m, OV_RANK_LEI, OV_CLAIM_COLUMN, OV_BYTES("a\0b", 3)),
	    OV_E_BUG);
	assert_int_equal(ov_merge_next_record(&any, &r, m), OV_E_BUG);
	assert_int_equal(ov_merge_run(m), OV_OK);
	assert_int_equal(ov_merge_run(m), OV_E_BUG);
	ov_merge_free(m);
	/* no rows at all */
	forget(finish(new_merge()));
	ov_merge_free(NULL);
	assert_int_equal(ov_merge_new(&m, "/nowhere"), OV_OK); /* needs no file so far */
	ov_merge_free(m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_that_share_a_key_are_one_record),
		cmocka_unit_test(marks_are_of_the_house),
		cmocka_unit_test(vat_and_bare_name_join_nothing),
		cmocka_unit_test(conflicting_ids_are_not_merged),
		cmocka_unit_test(conflicts_are_found_through_chains),
		cmocka_unit_test(a_family_leaves_the_domain_to_its_house),
		cmocka_unit_test(a_company_leaves_the_domain_of_another_to_it),
		cmocka_unit_test(a_fund_is_not_its_house),
		cmocka_unit_test(one_of_many_is_not_the_house),
		cmocka_unit_test(a_fund_may_have_a_site_of_its_own),
		cmocka_unit_test(a_website_tells_a_name),
		cmocka_unit_test(a_name_with_two_legal_forms_is_two_companies),
		cmocka_unit_test(names_of_one_record_are_no_family),
		cmocka_unit_test(a_name_does_not_join_different_domains),
		cmocka_unit_test(keys_are_capped_by_rank_and_source),
		cmocka_unit_test(the_result_does_not_depend_on_the_order_of_rows),
		cmocka_unit_test(many_values_are_kept_apart),
		cmocka_unit_test(wrong_use_is_refused),
	};

	return cmocka_run_group_tests_name("merge", tests, NULL, NULL);
}
