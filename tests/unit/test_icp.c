/* The ICP: numbers as people write them, three-valued criteria, faults with lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include <math.h>

#include "client/book/icp_asked.h"
#include "client/book/number.h"
#include "client/normalise/normalise.h"

static struct ov_fault fault;

static void
expect_range(const char *text, double low, double high)
{
	struct ov_range r;

	if (!ov_number_read(&r, text, strlen(text)))
		fail_msg("not read: %s", text);
	if (r.low != low || r.high != high)
		fail_msg("%s: %f to %f", text, r.low, r.high);
}

static void
numbers_are_read_as_written(void **state)
{
	static const char *const none[] = { "", " ", "abc", "1-", "12a", "US", "--5",
		"10-5", "1..2", "2T", "$", "1 2 x", "1234567890123456789012345", "NaN",
		"inf", "0x10", "1e5", "1.2,3.4", "1,2.3,4" };
	struct ov_range r = { 7, 7 };

	(void)state;
	expect_range("1000", 1000, 1000);
	expect_range("1,000", 1000, 1000);
	expect_range("1,234,567", 1234567, 1234567);
	expect_range("1.234.567", 1234567, 1234567);
	expect_range("1.234.567,89", 1234567.89, 1234567.89);
	expect_range("1,234,567.5", 1234567.5, 1234567.5);
	expect_range("1 234 567", 1234567, 1234567);
	expect_range("1'234", 1234, 1234);
	expect_range("1\xc2\xa0"
		     "234",
	    1234, 1234);
	expect_range("2.5", 2.5, 2.5);
	expect_range("2,5", 2.5, 2.5);
	expect_range("$2.5M", 2.5e6, 2.5e6);
	expect_range("USD 1,000", 1000, 1000);
	expect_range("1,000 EUR", 1000, 1000);
	expect_range("\xe2\x82\xac 3 Mio.", 3e6, 3e6);
	expect_range("12.5 billion", 12.5e9, 12.5e9);
	expect_range("4k", 4000, 4000);
	expect_range("1.005k", 1005, 1005); /* not a double's 1004.9999 */
	expect_range("US$ 7bn", 7e9, 7e9);
	expect_range("-5", -5, -5);
	expect_range("51-200", 51, 200);
	expect_range("1,001 - 5,000", 1001, 5000);
	expect_range("1\xe2\x80\x93"
		     "10",
	    1, 10);
	expect_range("1-10M", 1e6, 1e7);
	expect_range("$1M to $10M", 1e6, 1e7);
	expect_range("10,000+", 10000, HUGE_VAL);
	expect_range(" 42 ", 42, 42);
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		if (ov_number_read(&r, none[i], strlen(none[i])))
			fail_msg("read: \"%s\" as %f", none[i], r.low);
	assert_true(r.low == 7);
}

static struct ov_icp *
icp_of(const char *yaml)
{
	struct ov_icp *icp = NULL;

	if (ov_icp_read(&icp, yaml, strlen(yaml), &fault) != OV_OK)
		fail_msg("line %d: %s", (int)fault.line, fault.text);
	return icp;
}

/* Values of the columns, in the order in which the profile names them. */
struct account {
	const char *value[8];
};

static const char *
value_of(void *ctx, size_t i)
{
	return ((const struct account *)ctx)->value[i];
}

static struct ov_icp_result
evaluate(const struct ov_icp *icp, struct account a)
{
	struct ov_icp_result r;

	ov_icp_evaluate(&r, icp, value_of, &a);
	return r;
}

#define FIT(icp, ...) evaluate(icp, (struct account){ { __VA_ARGS__ } }).fit

static const char example[] =
    "version: 1\n"
    "threshold: 3\n"
    "bands: {A: 4, B: 2}\n"
    "criteria:\n"
    "  - {column: industry, one_of: [Software, Banking], weight: 2}\n"
    "  - {column: employees, between: [200, 10000]}\n"
    "  - any_of:\n"
    "      - {column: country, equals: DE}\n"
    "      - {column: Tech Stack, exists: yes}\n"
    "    weight: 1\n";

static void
scores_bands_and_threshold(void **state)
{
	struct ov_icp *icp = icp_of(example);
	struct ov_icp_result r;

	(void)state;
	assert_int_equal(ov_icp_n_columns(icp), 4);
	assert_string_equal(ov_icp_column(icp, 3), "Tech Stack");
	assert_int_equal(ov_icp_column_line(icp, 3), 9);
	assert_string_equal(ov_icp_band_name(icp, 1), "A");
	assert_null(ov_icp_band_name(icp, 0));
	assert_null(ov_icp_band_name(icp, 3));
	r = evaluate(icp, (struct account){ { " software ", "1,500", "Germany", "" } });
	assert_int_equal(r.fit, OV_FIT_YES);
	assert_int_equal(r.score, 4);
	assert_int_equal(r.band, 1);
	r = evaluate(icp, (struct account){ { "BANKING", "300", "FR", NULL } });
	assert_int_equal(r.fit, OV_FIT_YES);
	assert_int_equal(r.score, 3);
	assert_int_equal(r.band, 2);
	r = evaluate(icp, (struct account){ { "Retail", "300", "DE", NULL } });
	assert_int_equal(r.fit, OV_FIT_NO);
	assert_int_equal(r.highest, 2);
	ov_icp_free(icp);
}

static void
missing_data_is_unknown_only_where_it_matters(void **state)
{
	struct ov_icp *icp = icp_of(example);

	(void)state;
	/* without employees 2 of 3 are sure, 3 possible */
	assert_int_equal(FIT(icp, "Software", NULL, "FR", ""), OV_FIT_UNKNOWN);
	assert_int_equal(FIT(icp, "Software", "  ", "DE", ""), OV_FIT_YES);
	assert_int_equal(FIT(icp, NULL, "5", "FR", ""), OV_FIT_NO);
	assert_int_equal(FIT(icp, NULL, NULL, NULL, NULL), OV_FIT_UNKNOWN);
	/* a range that lies across the bound is unknown */
	assert_int_equal(FIT(icp, "Software", "51-200", "FR", ""), OV_FIT_UNKNOWN);
	assert_int_equal(FIT(icp, "Software", "201-500", "FR", ""), OV_FIT_YES);
	assert_int_equal(FIT(icp, "Software", "10-50", "FR", ""), OV_FIT_NO);
	assert_int_equal(FIT(icp, "Software", "10,001+", "FR", ""), OV_FIT_NO);
	assert_int_equal(FIT(icp, "Software", "many", "FR", ""), OV_FIT_UNKNOWN);
	ov_icp_free(icp);
}

static void
required_criteria_decide(void **state)
{
	struct ov_icp *icp = icp_of(
	    "threshold: 1\n"
	    "criteria:\n"
	    "  - {column: country, one_of: [US, Canada], required: yes, weight: 0}\n"
	    "  - all_of:\n"
	    "      - {column: revenue, between: [\"$1M\", \"2.5bn\"]}\n"
	    "      - {column: employees, between: [1, 100]}\n");

	(void)state;
	assert_int_equal(FIT(icp, "USA", "2,000,000", "50"), OV_FIT_YES);
	assert_int_equal(FIT(icp, "CA", "$3M", "50"), OV_FIT_YES);
	assert_int_equal(FIT(icp, "MX", "2,000,000", "50"), OV_FIT_NO);
	assert_int_equal(FIT(icp, "", "2,000,000", "50"), OV_FIT_UNKNOWN);
	assert_int_equal(FIT(icp, "", "9bn", "50"), OV_FIT_NO);
	assert_int_equal(FIT(icp, "US", "", "500"), OV_FIT_NO);
	assert_int_equal(FIT(icp, "US", "", "5"), OV_FIT_UNKNOWN);
	ov_icp_free(icp);
	/* without a threshold all must hold; exists: no */
	icp = icp_of("criteria:\n"
		     "  - {column: a, exists: no}\n"
		     "  - {column: NO, equals: \"no\"}\n");
	assert_int_equal(FIT(icp, "", "NO"), OV_FIT_YES);
	assert_int_equal(FIT(icp, "x", "no"), OV_FIT_NO);
	ov_icp_free(icp);
}

static void
refuses(const char *yaml, unsigned line, const char *words)
{
	struct ov_icp *icp = (struct ov_icp *)(uintptr_t)1;

	memset(&fault, 0, sizeof(fault));
	assert_int_equal(ov_icp_read(&icp, yaml, strlen(yaml), &fault), OV_E_ICP_INVALID);
	assert_null(icp);
	if (strstr(fault.text, words) == NULL || fault.line != line)
		fail_msg("line %d: %s", (int)fault.line, fault.text);
}

static void
faults_have_line_and_remedy(void **state)
{
	(void)state;
	refuses("", 0, "`criteria:` is missing");
	refuses("criteria: []\n", 1, "needs a list of criteria");
	refuses("criteria: x\n", 1, "needs a list of criteria");
	refuses("criterias: []\n", 1, "`criterias` is not a setting here");
	refuses("criteria:\n  - {column: a}\n", 2, "exactly one of");
	refuses(
	    "criteria:\n  - {column: a, equals: 1, exists: yes}\n", 2, "exactly one of");
	refuses("criteria:\n  - {equals: 1}\n", 2, "needs a `column:`");
	refuses("criteria:\n  - column: a\n    any_of: [{column: a, exists: yes}]\n", 2,
	    "the columns stand inside it");
	refuses("criteria:\n  - {column: a, between: [5, 1]}\n", 2, "the smaller first");
	refuses("criteria:\n  - {column: a, between: [1, x]}\n", 2, "two numbers");
	refuses("criteria:\n  - {column: a, between: 5}\n", 2, "two numbers");
	refuses("criteria:\n  - {column: a, one_of: []}\n", 2, "needs a value");
	refuses("criteria:\n  - {column: a, one_of: [[b]]}\n", 2, "one value");
	refuses("criteria:\n  - {column: a, exists: maybe}\n", 2, "yes or no");
	refuses("criteria:\n  - {column: a, exists: yes, weight: -1}\n", 2, "0 to 1000");
	refuses("criteria:\n  - {column: a, exists: yes, weight: 0}\n", 1, "all weights");
	refuses("criteria:\n  - {column: a, exists: yes, colour: 1}\n", 2, "`colour`");
	refuses("criteria:\n  - any_of:\n      - {column: a, exists: yes, weight: 2}\n",
	    3, "`weight`");
	refuses("threshold: 3\ncriteria:\n  - {column: a, exists: yes}\n", 1, "1 to 1");
	refuses("criteria:\n  - {column: a, exists: yes, weight: 9}\nbands:\n  B: 2\n  "
		"A: 5\n",
	    5, "from the best to the least");
	refuses("version: 2\n", 1, "`version`");
	refuses("criteria:\n  - {column: [a], exists: yes}\n", 2, "`column` must be");
	assert_int_equal(
	    ov_icp_read_file(&(struct ov_icp *){ NULL }, "/nonexistent", &fault),
	    OV_E_NOT_FOUND);
}

static void
deep_nesting_is_refused(void **state)
{
	char yaml[4096] = "criteria: ";
	struct ov_icp *icp;

	(void)state;
	for (size_t i = 0; i < 400; i++)
		strncat(yaml, "[", 2);
	assert_int_equal(ov_icp_read(&icp, yaml, strlen(yaml), &fault), OV_E_ICP_INVALID);
	assert_non_null(strstr(fault.text, "nested"));
}

/* --- criteria for a partner --- */

static const struct ov_shared_columns listed = { 3, { "Industry", "employees", "Tech" } };

static enum ov_status
asked(const char *yaml)
{
	struct ov_icp *icp = icp_of(yaml);
	enum ov_status st = ov_icp_check_asked(icp, &listed, &fault);

	ov_icp_free(icp);
	return st;
}
#define ALLOWED(criterion) assert_int_equal(asked("criteria: [" criterion "]\n"), OV_OK)
#define REFUSED(criterion, words)                                                        \
	do {                                                                             \
		assert_int_equal(                                                        \
		    asked("criteria:\n  - " criterion "\n"), OV_E_ICP_INVALID);          \
		assert_int_equal(fault.line, 2);                                         \
		if (strstr(fault.text, words) == NULL)                                   \
			fail_msg("%s", fault.text);                                      \
	} while (0)

static void
a_partner_may_ask_what_is_listed_and_no_free_text(void **state)
{
	static const char *const never[] = { "id", "name", "website", "email",
		"population", "lei", "cik", "duns", "vat", "ticker", "owner", "Won",
		"id:acme", "ID:lei" };
	struct ov_icp *icp;

	(void)state;
	ALLOWED("{column: INDUSTRY, one_of: [a, b]}");
	ALLOWED("{column: industry, exists: yes}");
	ALLOWED("{column: employees, between: [1, 2]}");
	ALLOWED("{column: employees, exists: no}");
	ALLOWED("{column: tech, between: [1, 2]}");
	ALLOWED("{any_of: [{all_of: [{column: tech, exists: yes}]}]}");
	REFUSED("{column: revenue, between: [1, 2]}", "is not listed");
	REFUSED("{column: name, equals: Acme}", "is not listed");
	REFUSED("{column: tech, equals: SAP}", "between, exists");
	REFUSED("{column: employees, one_of: [1, 2]}", "between, exists");
	REFUSED("{column: industry, between: [1, 2]}", "equals, one_of, exists");
	REFUSED("{any_of: [{all_of: [{column: tech, equals: x}]}]}", "between, exists");
	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++)
		assert_null(ov_icp_askable(never[i]));
	/* a column that nobody lists yet is looked at by its kind alone */
	icp = icp_of("criteria: [{column: revenue, between: [1, 2]}]\n");
	assert_int_equal(ov_icp_check_asked(icp, NULL, &fault), OV_OK);
	ov_icp_free(icp);
	icp = icp_of("criteria: [{column: name, exists: yes}]\n");
	assert_int_equal(ov_icp_check_asked(icp, NULL, &fault), OV_E_ICP_INVALID);
	ov_icp_free(icp);
}

static void
criteria_are_sent_without_comments_and_mean_the_same(void **state)
{
	struct ov_icp *icp = icp_of(
			  "# for our eyes only\n"
			  "threshold: 3\n"
			  "bands: {A: 5, \"B \\\" {\": 3}\n"
			  "criteria:\n"
			  "  - {column: industry, one_of: [\"a\\tb\", 'c\"d\\e', yes],"
			  " weight: 2, required: yes}\n"
			  "  - {column: employees, between: [2.5M, \"10,000,000+\"]}\n"
			  "  - any_of:\n"
			  "      - {column: \"Größe: x\", exists: no}\n"
			  "      - all_of: [{column: country, equals: DE}]\n"
			  "    weight: 3\n"),
		      *again;
	struct ov_buf text = { 0 };
	const char sent[] =
	    "threshold: 3\n"
	    "bands: {\"A\": 5, \"B \\\" {\": 3}\n"
	    "criteria:\n"
	    "  [{column: \"industry\", one_of: [\"a\\x09b\", \"c\\\"d\\\\e\", \"yes\"], "
	    "weight: 2, required: yes},\n"
	    "  {column: \"employees\", between: [\"2.5M\", \"10,000,000+\"], weight: "
	    "1},\n"
	    "  {any_of: [{column: \"Größe: x\", exists: no}, {all_of: [{column: "
	    "\"country\", "
	    "one_of: [\"DE\"]}]}], weight: 3}]\n";

	(void)state;
	assert_int_equal(ov_icp_write(&text, icp, &fault), OV_OK);
	assert_int_equal(text.len, sizeof(sent) - 1);
	assert_memory_equal(text.p, sent, text.len);
	assert_int_equal(ov_icp_read_asked(&again, OV_BUF_BYTES(&text), &fault), OV_OK);
	assert_string_equal(ov_icp_band_name(again, 2), "B \" {");
	for (size_t len = 0; len < text.len; len++) { /* no half of it is read */
		struct ov_icp *part;

		assert_int_equal(ov_icp_read_asked(&part, OV_BYTES(text.p, len), &fault),
		    OV_E_ICP_INVALID);
		assert_null(part);
	}
	ov_icp_free(again);
	ov_icp_free(icp);
	ov_buf_free(&text);
}

/* What says the same otherwise is another question to whoever compares bytes. */
static void
criteria_have_one_form(void **state)
{
	static const char *const other[] = {
		"criteria: [{column: industry, one_of: [a]}]\n",
		"threshold: 1\ncriteria:\n  [{column: \"industry\", one_of: [\"a\"], "
		"weight: 1}] # now\n",
		"threshold: 1\ncriteria:\n  [{column: \"industry\", equals: \"a\", "
		"weight: 1}]\n",
		"threshold: 1\ncriteria:\n  [{column: \"industry\", one_of: "
		"[\"\\u0061\"], "
		"weight: 1}]\n"
	};
	const char *same =
	    "threshold: 1\ncriteria:\n  [{column: \"industry\", one_of: [\"a\"], "
	    "weight: 1}]\n";
	struct ov_buf text = { 0 };
	struct ov_icp *icp;

	(void)state;
	for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++) {
		struct ov_bytes bytes = OV_BYTES(other[i], strlen(other[i]));

		assert_int_equal(
		    ov_icp_read_asked(&icp, bytes, &fault), OV_E_ICP_INVALID);
		assert_non_null(strstr(fault.text, "one form"));
		icp = icp_of(other[i]);
		text.len = 0;
		assert_int_equal(ov_icp_write(&text, icp, &fault), OV_OK);
		assert_int_equal(text.len, strlen(same));
		assert_memory_equal(text.p, same, text.len);
		ov_icp_free(icp);
	}
	/* an escape may hold what the text itself may not */
	icp = icp_of("criteria: [{column: industry, one_of: [\"a\\u2028z\"]}]\n");
	text.len = 0;
	assert_int_equal(ov_icp_write(&text, icp, &fault), OV_E_ICP_INVALID);
	assert_int_equal(text.len, 0);
	ov_icp_free(icp);
	ov_buf_free(&text);
}

static void
criteria_for_a_partner_are_bounded(void **state)
{
	static char big[OV_ICP_ASKED_MAX + 64];
	const char head[] = "criteria: [{column: industry, one_of: [";
	struct ov_icp *icp;
	struct ov_buf text = { 0 };
	size_t len = sizeof(head) - 1;

	(void)state;
	memcpy(big, head, len);
	while (len < OV_ICP_ASKED_MAX - 10)
		len += (size_t)snprintf(big + len, sizeof(big) - len, "v%zu,", len);
	len += (size_t)snprintf(big + len, sizeof(big) - len, "v]}]\n");
	/* quoting makes it longer than may be sent */
	assert_int_equal(ov_icp_read(&icp, big, len, &fault), OV_OK);
	assert_int_equal(ov_icp_write(&text, icp, &fault), OV_E_ICP_INVALID);
	assert_non_null(strstr(fault.text, "8192 bytes"));
	assert_int_equal(text.len, 0);
	ov_icp_free(icp);
	memset(big + len, ' ', sizeof(big) - len);
	assert_int_equal(
	    ov_icp_read_asked(&icp, OV_BYTES(big, OV_ICP_ASKED_MAX + 1), &fault),
	    OV_E_ICP_INVALID);
	assert_null(icp);
	ov_buf_free(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_partner_may_ask_what_is_listed_and_no_free_text),
		cmocka_unit_test(criteria_are_sent_without_comments_and_mean_the_same),
		cmocka_unit_test(criteria_have_one_form),
		cmocka_unit_test(criteria_for_a_partner_are_bounded),
		cmocka_unit_test(numbers_are_read_as_written),
		cmocka_unit_test(scores_bands_and_threshold),
		cmocka_unit_test(missing_data_is_unknown_only_where_it_matters),
		cmocka_unit_test(required_criteria_decide),
		cmocka_unit_test(faults_have_line_and_remedy),
		cmocka_unit_test(deep_nesting_is_refused),
	};
	int failed;

	if (ov_normalise_init() != OV_OK)
		return 1;
	failed = cmocka_run_group_tests_name("icp", tests, NULL, NULL);
	ov_normalise_fini();
	return failed;
}
