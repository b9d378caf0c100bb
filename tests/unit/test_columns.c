/* Columns: headings of Salesforce, HubSpot, Crossbeam; mapping files; populations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include "client/book/columns.h"

static struct ov_columns columns;
static struct ov_fault fault;

/* Headings separated by '|'. */
static enum ov_status
guess(const char *headings, const struct ov_map *map)
{
	struct ov_bytes field[64];
	struct ov_table_row row = { 0, 1, 0, field };

	for (const char *p = headings;; p++) {
		size_t len = strcspn(p, "|");

		field[row.n++] = OV_BYTES(p, len);
		p += len;
		if (*p == '\0')
			break;
	}
	memset(&fault, 0, sizeof(fault));
	return ov_columns_guess(&columns, &row, map, OV_COLUMNS_ALL, &fault);
}

/* want: a field's name for each column, "-" for none. */
static void
expect(const char *headings, const struct ov_map *map, const char *want)
{
	char have[512] = "";

	if (guess(headings, map) != OV_OK)
		fail_msg("%s", fault.text);
	for (size_t k = 0; k < columns.n; k++) {
		strncat(have, k > 0 ? " " : "", 2);
		strncat(have,
		    columns.field[k] == OV_FIELD_NONE
			? "-"
			: ov_field_name((enum ov_field)columns.field[k]),
		    20);
	}
	assert_string_equal(have, want);
}

static struct ov_map *
map_of(const char *yaml)
{
	struct ov_map *map = NULL;

	if (ov_map_read(&map, yaml, strlen(yaml), &fault) != OV_OK)
		fail_msg("line %d: %s", (int)fault.line, fault.text);
	return map;
}

static void
refuses_map(const char *yaml, unsigned line, const char *words)
{
	struct ov_map *map = NULL;

	memset(&fault, 0, sizeof(fault));
	assert_int_equal(
	    ov_map_read(&map, yaml, strlen(yaml), &fault), OV_E_IMPORT_COLUMNS);
	assert_null(map);
	if (strstr(fault.text, words) == NULL || fault.line != line)
		fail_msg("line %d: %s", (int)fault.line, fault.text);
}

static void
salesforce_is_known(void **state)
{
	(void)state;
	expect(
	    "Last Activity|Account Owner|Account Name|Billing State/Province|Type|Last "
	    "Modified Date|Account ID|Website|Billing Country|Employees|Annual Revenue",
	    NULL, "- - name - type - id website country employees revenue");
	expect(
	    "Id|Name|BillingCountry|BillingCountryCode|Website|OwnerId|NumberOfEmployees|"
	    "AnnualRevenue|Industry|SystemModstamp",
	    NULL, "id name - country website - employees revenue industry -");
	/* a custom report */
	expect("Account: Account Name|Account: ID|Account: Website|Owner: Name", NULL,
	    "name id website -");
	/* a contact's name is not the company's */
	expect("Name|Company|Email", NULL, "- name email");
	expect(
	    "Opportunity: Opportunity Name|Account Name: Account Name|Stage|Won|Closed",
	    NULL, "deal name stage won closed");
	expect("Id|AccountId|Name|StageName|Amount|CloseDate|IsWon|IsClosed|Type|"
	       "ContactEmail",
	    NULL, "- id - stage - - won closed - -");
	assert_int_equal(columns.kind, OV_TABLE_DEALS);
	/* a report of opportunities */
	expect("Opportunity Name|Account Name|Account ID|Stage|Amount|Close Date", NULL,
	    "deal name id stage - -");
}

static void
hubspot_is_known(void **state)
{
	(void)state;
	expect(
	    "Record ID|Company name|Company owner|Create Date|Phone Number|Last Activity "
	    "Date|City|Country/Region|Industry|Company Domain Name|Lifecycle "
	    "Stage|Number "
	    "of Employees|Website URL",
	    NULL,
	    "id name - - - - - country industry website lifecycle employees website");
	expect("hs_object_id|name|domain|hs_additional_domains|country|lifecyclestage|"
	       "hubspot_owner_id|numberofemployees|annualrevenue",
	    NULL, "id name website website country lifecycle - employees revenue");
	expect("  COMPANY NAME |company domain NAME", NULL, "name website");
}

/* Headings out of web pages, and of files that were saved twice. */
static void
spaces_that_nobody_sees_are_passed(void **state)
{
	(void)state;
	expect("\xef\xbb\xbf"
	       "Account\xc2\xa0Name|Website\xe2\x80\x8b|Billing\xc2\xa0 Country",
	    NULL, "name website country");
}

/* What is kept of a heading is text, wherever it is cut. */
static void
long_headings_are_cut_between_characters(void **state)
{
	char text[256] = "Web", yaml[300];
	struct ov_map *map;

	(void)state;
	for (size_t len = 3; len < 200; len += 2)
		memcpy(text + len, "\xc3\xa4", 3);
	for (size_t n = 0; n < 2; n++) {
		snprintf(yaml, sizeof(yaml), "columns: {website: %s}\n", text + n);
		map = map_of(yaml);
		expect(text + n, map, "website");
		assert_int_equal(strlen(columns.heading[0]), n == 0 ? 127 : 126);
		ov_map_free(map);
	}
	assert_int_equal(guess(text, NULL), OV_E_IMPORT_COLUMNS);
	assert_non_null(strstr(fault.text, "\xc3\xa4\""));
}

static void
persons_are_not_read(void **state)
{
	FILE *out;
	char *text = NULL;
	size_t len = 0;

	(void)state;
	/* Crossbeam's sheet */
	expect("Company Name|Company URL|Account Owner Email|Account Owner Name|Account "
	       "Owner Phone|First Name|Last Name|Contact",
	    NULL, "name website - - - - - -");
	out = open_memstream(&text, &len);
	ov_columns_explain(out, &columns);
	fclose(out);
	assert_non_null(strstr(text, "name       from column 1, \"Company Name\""));
	assert_non_null(strstr(text, "6 other columns are not read"));
	assert_null(strstr(text, "Owner"));
	free(text);
}

static void
registry_ids_are_known(void **state)
{
	(void)state;
	expect("LEI|CIK|D-U-N-S Number|VAT ID|Ticker|E-mail", NULL,
	    "lei cik duns vat ticker email");
	expect("Company|Stock Symbol|Stock Exchange", NULL, "name ticker exchange");
	expect("Name|Ticker Symbol|Exchange", NULL, "name ticker exchange");
}

/* Each has a name of its own, and is enough to know a company by. */
static void
schemes_are_named_by_a_mapping_file(void **state)
{
	struct ov_map *map = map_of("columns:\n  id:acme: Partner ID\n  id:x-2: Other\n");
	char buf[OV_KIND_CAP], *text = NULL;
	size_t len = 0;
	FILE *out;

	(void)state;
	ov_map_free(map_of("columns: {id:abcdefghijklmnop: X}\n"));
	expect("Other|Colour|Partner ID", map, "ids - ids");
	assert_string_equal(ov_column_name(buf, &columns, 0), "id:x-2");
	assert_string_equal(ov_column_name(buf, &columns, 2), "id:acme");
	assert_string_equal(ov_column_name(buf, &columns, 1), "none");
	out = open_memstream(&text, &len);
	ov_columns_explain(out, &columns);
	fclose(out);
	assert_non_null(strstr(text, "id:acme    from column 3, \"Partner ID\""));
	free(text);
	ov_map_free(map);
	refuses_map("columns: {id:: X}\n", 1, "`id:` is no field");
	refuses_map("columns: {id:Acme: X}\n", 1, "`id:Acme` is no field");
	refuses_map("columns: {id:1a: X}\n", 1, "is no field");
	refuses_map("columns: {id:a=b: X}\n", 1, "is no field");
	refuses_map("columns: {id:abcdefghijklmnopq: X}\n", 1, "is no field");
	refuses_map("columns: {id:ticker: X}\n", 1, "is no field"); /* has one */
	refuses_map("columns: {id:vat: X}\n", 1, "is no field");
	refuses_map("columns: {ids: X}\n", 1, "is no field");
	refuses_map("columns:\n  id:a: X\n  id:a: Y\n", 3, "stands twice");
}

static void
missing_columns_list_the_headings(void **state)
{
	(void)state;
	assert_int_equal(guess("Colour|Shape|Owner", NULL), OV_E_IMPORT_COLUMNS);
	assert_non_null(strstr(fault.text, "\"Colour\", \"Shape\", \"Owner\""));
	assert_non_null(strstr(fault.text, "--map FILE"));
	/* an e-mail or an id alone is not enough to know a company by */
	assert_int_equal(guess("Id|Country", NULL), OV_E_IMPORT_COLUMNS);
}

static void
a_mapping_file_overrules_the_guess(void **state)
{
	struct ov_map *map = map_of("columns:\n"
				    "  name: Kunde (Name)\n"
				    "  website: [Netz, Shop]\n"
				    "ignore: [Email]\n"
				    "keep: [Tech Stack]\n");

	(void)state;
	expect("Name|Kunde (Name)|Shop|Netz|Website|Email|Tech Stack|Land", map,
	    "- name website website - - keep country");
	assert_int_equal(guess("Name|Shop|Tech Stack", map), OV_E_IMPORT_COLUMNS);
	assert_non_null(strstr(fault.text, "\"Kunde (Name)\""));
	assert_int_equal(fault.line, 2);
	ov_map_free(map);
}

static void
mapping_files_are_checked(void **state)
{
	(void)state;
	refuses_map("colums:\n  name: X\n", 1, "`colums` is not a setting here");
	refuses_map("version: 2\n", 1, "`version`");
	refuses_map("columns:\n  name: X\n  nam: Y\n", 3, "`nam` is no field");
	refuses_map("columns:\n  name: [X, Y]\n", 2, "needs one heading");
	refuses_map("columns: [name]\n", 1, "`name: value` lines");
	refuses_map("columns:\n  name: X\n  name: Y\n", 3, "stands twice");
	refuses_map("ignore: {a: b}\n", 1, "a heading or a list");
	refuses_map("ignore: [[a]]\n", 1, "one value");
	refuses_map("keep: [1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]\n", 1, "over 16");
	refuses_map("a: &x 1\nb: *x\n", 1, "anchors");
	refuses_map("columns:\n\t- x\n", 2, "indent with spaces");
	refuses_map("a: [1\n", 2, "not YAML");
	refuses_map("- a\n", 1, "`name: value` lines");
	refuses_map("a: 1\n---\nb: 2\n", 2, "second document");
	refuses_map("[a]: 1\n", 1, "cannot be a name");
	refuses_map("populations:\n  a: [X]\n  b: [x]\n", 3, "two populations");
	refuses_map("populations:\n  a: X\n", 2, "needs a list");
	refuses_map("populations:\n  a: []\n  A: []\n", 3, "name of its own");
	refuses_map("populations: {}\n", 1, "names none");
	refuses_map("populations:\n  a: []\ndefault: b\n", 3, "must name one");
	refuses_map(
	    "populations:\n  aaaaaaaaaabbbbbbbbbbccccccccccddd: []\n", 2, "32 bytes");
	assert_int_equal(
	    ov_map_read_file(&(struct ov_map *){ NULL }, "/nonexistent", &fault),
	    OV_E_NOT_FOUND);
}

static void
footers_are_told_from_accounts(void **state)
{
	static const struct {
		size_t n;
		const char *field[4];
		bool footer;
	} rows[] = {
		{ 4, { "Grand Totals (7 records)", "", "", "" }, true },
		{ 4, { "", "Grand Total", "7", "" }, true },
		{ 1, { "Confidential Information - Do Not Distribute" }, true },
		{ 4, { "Copyright (c) 2000-2026 salesforce.com, inc.", "", "", "" },
		    true },
		{ 1, { "Accounts by owner" }, true },
		{ 4, { "Grand Total Wine", "001", "grandtotal.com", "US" }, false },
		{ 4, { "Total", "7", "", "" }, true },
		{ 4, { "TOTALS", "", "", "" }, true },
		{ 4, { "Subtotal", "Count", "1,204", "EUR 9.000,50" }, true },
		{ 4, { "", "Sum", "$1,204.00", "-3 %" }, true },
		{ 4, { "Count", "7", "", "0" }, true },
		{ 4, { "Total", "", "total.com", "" }, false },
		{ 4, { "Total", "7", "", "France" }, false },
		{ 4, { "Total", "0015e00000Ab1Cd", "", "" }, false },
		{ 4, { "Total Wine", "7", "", "" }, false },
		{ 4, { "7", "Total", "", "" }, false }, /* an account's number */
		{ 4, { "Sum", "-", "", "" }, false },
		{ 4, { "Count", "EURO 7", "", "" }, false },
		{ 4, { "7", "8", "", "" }, false },
		{ 4, { "Acme", "", "", "" }, false },
		{ 2, { "Acme", "acme.com" }, false },
	};

	(void)state;
	assert_int_equal(guess("Account Name|Account ID|Website|Country", NULL), OV_OK);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ov_bytes field[4];
		struct ov_table_row row = { 5, 9, rows[i].n, field };

		for (size_t k = 0; k < rows[i].n; k++)
			field[k] = OV_BYTES(rows[i].field[k], strlen(rows[i].field[k]));
		if (ov_columns_is_footer(&columns, &row) != rows[i].footer)
			fail_msg("row %zu", i);
	}
	/* a registry id is no sum; a list of names alone has none */
	assert_int_equal(guess("Account Name|DUNS", NULL), OV_OK);
	assert_false(ov_columns_is_footer(&columns,
	    &(struct ov_table_row){ 5, 9, 2,
		(struct ov_bytes[]){ OV_BYTES("Total", 5), OV_BYTES("150483782", 9) } }));
	assert_int_equal(guess("Account Name", NULL), OV_OK);
	assert_false(ov_columns_is_footer(
	    &columns, &(struct ov_table_row){
			  5, 9, 1, (struct ov_bytes[]){ OV_BYTES("Total", 5) } }));
}

/* The name of the population, "?" when refused. */
static const char *
population(const struct ov_populations *p, const char *pop, const char *type,
    const char *lifecycle, const char *stage)
{
	struct ov_population_signs s = { .population = OV_BYTES(pop, strlen(pop)),
		.type = OV_BYTES(type, strlen(type)),
		.lifecycle = OV_BYTES(lifecycle, strlen(lifecycle)),
		.stage = OV_BYTES(stage, strlen(stage)) };
	uint8_t out;

	return ov_population_of(&out, p, &s, p->otherwise) ? p->name[out] : "?";
}

static void
populations_follow_default_rules(void **state)
{
	struct ov_populations p;

	(void)state;
	ov_populations_default(&p);
	assert_string_equal(population(&p, "", "Customer - Direct", "", ""), "customers");
	assert_string_equal(population(&p, "", "Prospect", "", ""), "prospects");
	assert_string_equal(population(&p, "", "", "", ""), "prospects");
	assert_string_equal(population(&p, "", "Analyst", "", ""), "prospects");
	assert_string_equal(population(&p, "", "", "customer", ""), "customers");
	assert_string_equal(
	    population(&p, "", "", "opportunity", ""), "open_opportunities");
	assert_string_equal(
	    population(&p, "", "", "marketingqualifiedlead", ""), "prospects");
	assert_string_equal(population(&p, "", "", "", "Closed Won"), "customers");
	assert_string_equal(population(&p, "", "", "", "closedwon"), "customers");
	assert_string_equal(population(&p, "", "", "", "Closed Lost"), "prospects");
	assert_string_equal(population(&p, "", "", "", "Closed - Other"), "prospects");
	assert_string_equal(
	    population(&p, "", "", "", "Negotiation/Review"), "open_opportunities");
	/* the first in the owner's order */
	assert_string_equal(
	    population(&p, "", "Customer", "", "Negotiation/Review"), "customers");
	assert_string_equal(population(&p, "", "Prospect", "", "Value Proposition"),
	    "open_opportunities");
	/* a population column has the last word, and no value is guessed at */
	assert_string_equal(population(&p, "Open Opportunities", "Customer", "", ""),
	    "open_opportunities");
	assert_string_equal(population(&p, "Closed Won", "", "", ""), "customers");
	assert_string_equal(population(&p, "Do not share", "Customer", "", ""), "?");
	assert_string_equal(population(&p, "-", "Customer", "", ""), "customers");
}

static void
populations_can_be_renamed_and_added(void **state)
{
	struct ov_map *map = map_of("populations:\n"
				    "  secret: [Do not share]\n"
				    "  clients: [Customer, Closed Won]\n"
				    "  open_opportunities: [Verhandlung]\n"
				    "  rest: []\n"
				    "default: rest\n");
	const struct ov_populations *p = ov_map_populations(map);

	(void)state;
	assert_true(ov_map_has_populations(map));
	assert_int_equal(p->n, 4);
	assert_string_equal(population(p, "do not share", "", "", ""), "secret");
	assert_string_equal(population(p, "", "Customer", "", ""), "clients");
	assert_string_equal(
	    population(p, "", "", "Opportunity", ""), "open_opportunities");
	assert_string_equal(population(p, "", "", "", "Scoping"), "open_opportunities");
	assert_string_equal(population(p, "", "Prospect", "", ""), "rest");
	assert_int_equal(ov_population_find(p, "CLIENTS", 7), 1);
	assert_int_equal(ov_population_find(p, "customers", 9), OV_POPULATION_NONE);
	ov_map_free(map);
	map = map_of("open_stages: prospects\n");
	assert_false(ov_map_has_populations(map));
	assert_string_equal(
	    population(ov_map_populations(map), "", "", "", "Scoping"), "prospects");
	ov_map_free(map);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(salesforce_is_known),
		cmocka_unit_test(hubspot_is_known),
		cmocka_unit_test(spaces_that_nobody_sees_are_passed),
		cmocka_unit_test(long_headings_are_cut_between_characters),
		cmocka_unit_test(persons_are_not_read),
		cmocka_unit_test(registry_ids_are_known),
		cmocka_unit_test(schemes_are_named_by_a_mapping_file),
		cmocka_unit_test(missing_columns_list_the_headings),
		cmocka_unit_test(a_mapping_file_overrules_the_guess),
		cmocka_unit_test(mapping_files_are_checked),
		cmocka_unit_test(footers_are_told_from_accounts),
		cmocka_unit_test(populations_follow_default_rules),
		cmocka_unit_test(populations_can_be_renamed_and_added),
	};

	return cmocka_run_group_tests_name("columns", tests, NULL, NULL);
}
