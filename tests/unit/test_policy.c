/* The policy of a partner: levels, caps, refusals with lines, plain words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include "client/book/policy.h"

static struct ov_fault fault;

static struct ov_policy
policy_of(const char *yaml)
{
	struct ov_policy p;

	if (ov_policy_read(&p, yaml, strlen(yaml), &fault) != OV_OK)
		fail_msg("line %d: %s", (int)fault.line, fault.text);
	return p;
}

static void
defaults_without_a_file(void **state)
{
	struct ov_populations book;
	struct ov_policy p;

	(void)state;
	ov_policy_default(&p);
	ov_populations_default(&book);
	assert_int_equal(p.n_populations, 3);
	assert_int_equal(ov_policy_level(&p, "customers"), OV_LEVEL_MATCHES);
	assert_int_equal(ov_policy_level(&p, "strangers"), OV_LEVEL_HIDDEN);
	assert_int_equal(ov_policy_hidden_mask(&p, &book), 0);
	assert_true(p.share_icp_fit);
	assert_false(p.name_only_keys);
	assert_int_equal(p.slots, 1000000);
	assert_int_equal(p.minimum_list, 100);
	assert_int_equal(p.runs_per_30_days, 31);
}

static void
a_file_is_read(void **state)
{
	struct ov_populations book;
	struct ov_policy p = policy_of("version: 1\n"
				       "populations:\n"
				       "  customers: matches\n"
				       "  open_opportunities: hidden\n"
				       "icp_fit: no\n"
				       "name_only_keys: true\n"
				       "caps: {slots: 2_048, minimum_list: 7,"
				       " runs_per_30_days: 3}\n");

	(void)state;
	ov_populations_default(&book);
	assert_int_equal(p.n_populations, 2);
	assert_string_equal(p.population[1].name, "open_opportunities");
	/* not named: hidden */
	assert_int_equal(ov_policy_hidden_mask(&p, &book), 6);
	assert_int_equal(ov_policy_check(&p, &book, &fault), OV_OK);
	assert_false(p.share_icp_fit);
	assert_true(p.name_only_keys);
	assert_int_equal(p.slots, 2048);
	assert_int_equal(p.minimum_list, 7);
	assert_int_equal(p.runs_per_30_days, 3);
}

static void
refuses(const char *yaml, unsigned line, const char *words)
{
	struct ov_policy p, before;

	memset(&p, 0x55, sizeof(p));
	before = p;
	memset(&fault, 0, sizeof(fault));
	assert_int_equal(
	    ov_policy_read(&p, yaml, strlen(yaml), &fault), OV_E_POLICY_INVALID);
	assert_memory_equal(&p, &before, sizeof(p));
	if (strstr(fault.text, words) == NULL || fault.line != line)
		fail_msg("line %d: %s", (int)fault.line, fault.text);
}

static void
faults_have_line_and_remedy(void **state)
{
	(void)state;
	refuses("", 0, "`populations:` is missing");
	refuses("populations:\n  customers: match\n", 2, "`matches` or `hidden`");
	refuses("populations:\n  a: hidden\n  customers: counts\n", 3,
	    "level `counts` (for `customers`) is not in this release");
	refuses("populations:\n  customers: fields\n", 2, "not in this release");
	refuses("populations:\n  customers: [matches]\n", 2, "`matches` or `hidden`");
	refuses("populations: [customers]\n", 1, "`name: value` lines");
	refuses("populations:\n  a: hidden\n  a: matches\n", 3, "stands twice");
	refuses(
	    "populations:\n  aaaaaaaaaabbbbbbbbbbccccccccccddd: hidden\n", 2, "32 bytes");
	refuses("populations:\n  a: hidden\nnoise: none\n", 3, "not in this release");
	refuses("populations:\n  a: hidden\nlevel: x\n", 3, "is not a setting here");
	refuses("populations:\n  a: hidden\ncaps: {slots: 5}\n", 3, "1024 to 16777216");
	refuses("populations:\n  a: hidden\ncaps:\n  runs: 5\n", 4, "`runs`");
	refuses("populations:\n  a: hidden\ncaps:\n  runs_per_30_days: many\n", 4,
	    "whole number");
	refuses(
	    "populations:\n  a: hidden\ncaps:\n  minimum_list: 99999999999999999999\n", 4,
	    "whole number");
	refuses("populations:\n  a: hidden\nicp_fit: 2\n", 3, "yes or no");
	refuses("version: 2\npopulations:\n  a: hidden\n", 1, "`version`");
	assert_int_equal(
	    ov_policy_read_file(&(struct ov_policy){ 0 }, "/nonexistent", &fault),
	    OV_E_NOT_FOUND);
}

static void
a_misspelt_population_is_found(void **state)
{
	struct ov_policy p = policy_of("populations:\n  custmers: hidden\n");
	struct ov_populations book;

	(void)state;
	ov_populations_default(&book);
	assert_int_equal(ov_policy_check(&p, &book, &fault), OV_E_POLICY_INVALID);
	assert_non_null(strstr(fault.text, "`custmers`"));
}

static void
it_is_explained_in_plain_words(void **state)
{
	struct ov_policy p = policy_of("populations:\n  customers: matches\n");
	struct ov_populations book;
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	(void)state;
	ov_populations_default(&book);
	ov_policy_explain(out, &p, &book, "Example Ltd");
	fclose(out);
	assert_non_null(strstr(text, "What Example Ltd learns"));
	assert_non_null(strstr(text, "matches: customers\n"));
	assert_non_null(strstr(text, "hidden: open_opportunities, prospects\n"));
	assert_non_null(strstr(text, "What we learn"));
	assert_non_null(strstr(text, "What the broker sees"));
	assert_non_null(strstr(text, "never a name alone"));
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_without_a_file),
		cmocka_unit_test(a_file_is_read),
		cmocka_unit_test(faults_have_line_and_remedy),
		cmocka_unit_test(a_misspelt_population_is_found),
		cmocka_unit_test(it_is_explained_in_plain_words),
	};

	return cmocka_run_group_tests_name("policy", tests, NULL, NULL);
}
