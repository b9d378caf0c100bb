/* The policy of a partner: levels, caps, refusals with lines, plain words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include "client/book/policy.h"

static struct ov_fault fault;

static struct ov_policy
policy_of(const char *yaml)
{
	struct ov_policy p;

	if (ov_policy_read(&p, NULL, yaml, strlen(yaml), &fault) != OV_OK)
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
	assert_false(p.duns_must_agree);
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
				       "duns_must_agree: yes\n"
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
	assert_true(p.duns_must_agree);
	assert_int_equal(p.slots, 2048);
	assert_int_equal(p.minimum_list, 7);
	assert_int_equal(p.runs_per_30_days, 3);
}

static void
counts_have_their_settings(void **state)
{
	struct ov_policy p = policy_of("populations: {customers: counts}\n");

	(void)state;
	assert_int_equal(ov_policy_level(&p, "customers"), OV_LEVEL_COUNTS);
	assert_false(p.reciprocal);
	assert_false(p.exact);
	assert_int_equal(p.size, 0);
	assert_int_equal(p.epsilon_milli, 333);
	assert_int_equal(p.view_days, 28);
	assert_int_equal(p.year_epsilon_milli, 4333);
	assert_int_equal(p.shown_from, 20);
	assert_int_equal(p.minimum_count, 10);
	assert_string_equal(p.group, "");
	p = policy_of("populations: {customers: counts}\n"
		      "reciprocal: yes\nnoise: none\nsize: 1_000\n"
		      "epsilon: 0.25\nview_days: 91\nyear_epsilon: 1\n"
		      "shown_from: 0\nminimum_count: 25\ngroup: emea\n");
	assert_true(p.reciprocal);
	assert_true(p.exact);
	assert_int_equal(p.size, 1000);
	assert_int_equal(p.epsilon_milli, 250);
	assert_int_equal(p.view_days, 91);
	assert_int_equal(p.year_epsilon_milli, 1000);
	assert_int_equal(p.shown_from, 0);
	assert_int_equal(p.minimum_count, 25);
	assert_string_equal(p.group, "emea");
}

static uint32_t
epsilon_of(const char *text)
{
	char yaml[128];
	struct ov_policy p;

	snprintf(yaml, sizeof(yaml),
	    "populations: {customers: counts}\nyear_epsilon: 100\nepsilon: %s\n", text);
	return ov_policy_read(&p, NULL, yaml, strlen(yaml), &fault) == OV_OK
		   ? p.epsilon_milli
		   : 0;
}

static void
fractions_are_rounded_down(void **state)
{
	static const char *const none[] = { "0", "0.0009", "1/3000", "2.001", "-1", "1/0",
		"1/", "/3", "1.", ".5", "1e-1", "1/3/3", "0.3333333333", "1 /3", "x",
		"9999999999/9999999999", "{}" };

	(void)state;
	assert_int_equal(epsilon_of("1/3"), 333);
	assert_int_equal(epsilon_of("2/3"), 666);
	assert_int_equal(epsilon_of("0.333"), 333);
	assert_int_equal(epsilon_of("0.3339"), 333);
	assert_int_equal(epsilon_of("0.001"), 1);
	assert_int_equal(epsilon_of("2"), 2000);
	assert_int_equal(epsilon_of("13/39"), 333);
	assert_int_equal(epsilon_of("0.333333333"), 333);
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		if (epsilon_of(none[i]) != 0)
			fail_msg("read: %s", none[i]);
}

static void
refuses(const char *yaml, unsigned line, const char *words)
{
	struct ov_policy p, before;

	memset(&p, 0x55, sizeof(p));
	before = p;
	memset(&fault, 0, sizeof(fault));
	assert_int_equal(
	    ov_policy_read(&p, NULL, yaml, strlen(yaml), &fault), OV_E_POLICY_INVALID);
	assert_memory_equal(&p, &before, sizeof(p));
	if (strstr(fault.text, words) == NULL || fault.line != line)
		fail_msg("line %d: %s", (int)fault.line, fault.text);
}

static void
faults_have_line_and_remedy(void **state)
{
	(void)state;
	refuses("", 0, "`populations:` is missing");
	refuses(
	    "populations:\n  customers: match\n", 2, "`matches`, `counts` or `hidden`");
	refuses("populations:\n  a: hidden\n  customers: fields\n", 3,
	    "level `fields` (for `customers`) comes with introductions later");
	refuses("populations:\n  customers: [matches]\n", 2, "`matches`, `counts`");
	refuses("populations: [customers]\n", 1, "`name: value` lines");
	refuses("populations:\n  a: hidden\n  a: matches\n", 3, "stands twice");
	refuses(
	    "populations:\n  aaaaaaaaaabbbbbbbbbbccccccccccddd: hidden\n", 2, "32 bytes");
	refuses("populations:\n  a: hidden\nfields: x\n", 3, "not in this release");
	refuses("populations:\n  a: hidden\nnoise: gauss\n", 3, "`laplace`, or `none`");
	refuses("populations:\n  a: hidden\nnoise: {}\n", 3, "`laplace`, or `none`");
	refuses("populations:\n  a: hidden\nreciprocal: 1\n", 3, "yes or no");
	refuses("populations:\n  a: hidden\nsize: 9\n", 3, "10 to 1000000");
	refuses("populations:\n  a: hidden\nview_days: 0\n", 3, "1 to 366");
	refuses("populations:\n  a: hidden\nshown_from: -1\n", 3, "whole number");
	refuses("populations:\n  a: hidden\nminimum_count: 0\n", 3, "1 to 1000000");
	refuses("populations:\n  a: hidden\nyear_epsilon: 0.3\n", 3, "never be a view");
	refuses("populations:\n  a: hidden\nyear_epsilon: 2\nepsilon: 2/1\nepsilon: 1\n",
	    5, "stands twice");
	refuses("populations:\n  a: hidden\nyear_epsilon: 101\n", 3, "0.001 to 100");
	refuses("populations:\n  a: hidden\nicp: [x]\n", 3, "a file of criteria");
	refuses("populations:\n  a: hidden\nicp:\n  criteria:\n    - {column: x}\n", 5,
	    "exactly one of");
	refuses("populations:\n  a: hidden\nicp:\n  criteria: [{column: tech,\n"
		"    equals: SAP}]\n",
	    4, "between, exists");
	refuses("populations:\n  a: hidden\nicp: {}\n", 3, "`criteria:` is missing");
	refuses("populations:\n  a: hidden\nicp_columns: x\n", 3, "a list");
	refuses("populations:\n  a: hidden\nicp_columns:\n  - x\n  - X\n", 5, "twice");
	refuses("populations:\n  a: hidden\nicp_columns:\n  - website\n", 4,
	    "cannot be listed");
	refuses("populations:\n  a: hidden\ngroup: ''\n", 3, "1 to 64 bytes");
	refuses("populations:\n  a: hidden\ngroup: [x]\n", 3, "1 to 64 bytes");
	refuses("populations:\n  a: hidden\ncaps: {slots: 1024, minimum_list: 1025}\n", 3,
	    "over `slots`");
	refuses("populations:\n  a: hidden\nlevel: x\n", 3, "is not a setting here");
	refuses("populations:\n  a: hidden\ncaps: {slots: 5}\n", 3, "1024 to 16777216");
	refuses("populations:\n  a: hidden\ncaps:\n  runs: 5\n", 4, "`runs`");
	refuses("populations:\n  a: hidden\ncaps:\n  runs_per_30_days: many\n", 4,
	    "whole number");
	refuses(
	    "populations:\n  a: hidden\ncaps:\n  minimum_list: 99999999999999999999\n", 4,
	    "whole number");
	refuses("populations:\n  a: hidden\nicp_fit: 2\n", 3, "yes or no");
	refuses("populations:\n  a: hidden\nduns_must_agree: x\n", 3, "yes or no");
	refuses("version: 2\npopulations:\n  a: hidden\n", 1, "`version` must be 1;");
	refuses("populations:\n\ta: hidden\n", 2, "indent with spaces");
	assert_int_equal(
	    ov_policy_read_file(&(struct ov_policy){ 0 }, "/nonexistent", &fault),
	    OV_E_NOT_FOUND);
}

static void
the_example_has_every_setting(void **state)
{
	struct ov_populations book;
	struct ov_policy p;

	(void)state;
	if (ov_policy_read_file(&p, OV_TEST_DATA "/policy.yaml", &fault) != OV_OK)
		fail_msg("line %d: %s", (int)fault.line, fault.text);
	ov_populations_default(&book);
	assert_int_equal(ov_policy_check(&p, &book, &fault), OV_OK);
	assert_int_equal(ov_policy_level(&p, "prospects"), OV_LEVEL_COUNTS);
	assert_int_equal(p.icp_columns.n, 3);
	assert_true(p.icp_len > 0 && p.reciprocal && p.duns_must_agree);
	assert_int_equal(p.size, 1000);
	assert_string_equal(p.group, "emea");
}

static void
criteria_stand_in_the_policy_or_beside_it(void **state)
{
	char dir[] = "/tmp/overlap-policy-XXXXXX", icp[64], path[64];
	const char *yaml = "populations: {a: matches}\nicp: my.icp.yaml\n";
	const char *in_line = "populations: {a: matches}\nicp:\n  criteria:\n"
			      "    - {column: industry, equals: x}\n";
	struct ov_policy p, q;
	FILE *f;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(icp, sizeof(icp), "%s/my.icp.yaml", dir);
	snprintf(path, sizeof(path), "%s/policy.yaml", dir);
	f = fopen(icp, "w");
	assert_non_null(f);
	fputs("# a comment\ncriteria: [{column: industry, one_of: [x]}]\n", f);
	fclose(f);
	assert_int_equal(ov_policy_read(&p, path, yaml, strlen(yaml), &fault), OV_OK);
	assert_int_equal(
	    ov_policy_read(&q, NULL, in_line, strlen(in_line), &fault), OV_OK);
	assert_true(p.icp_len > 0 && p.icp_len == q.icp_len);
	assert_memory_equal(p.icp, q.icp, p.icp_len);
	assert_int_equal(ov_policy_read(&q, NULL, yaml, strlen(yaml), &fault), OV_OK);
	assert_int_equal(q.icp_len, 0); /* files are not opened without a place */
	f = fopen(icp, "w");
	assert_non_null(f);
	fputs("criteria:\n  - {column: name, exists: yes}\n", f);
	fclose(f);
	assert_int_equal(
	    ov_policy_read(&p, path, yaml, strlen(yaml), &fault), OV_E_POLICY_INVALID);
	assert_int_equal(fault.line, 2);
	assert_non_null(strstr(fault.text, "`icp: my.icp.yaml`, line 2: "));
	unlink(icp);
	assert_int_equal(
	    ov_policy_read(&p, path, yaml, strlen(yaml), &fault), OV_E_POLICY_INVALID);
	assert_non_null(strstr(fault.text, "No such file"));
	rmdir(dir);
}

static void
a_misspelt_population_is_found(void **state)
{
	struct ov_policy p = policy_of("populations:\n  customers: matches\n"
				       "  prospcts: hidden\n");
	struct ov_populations book;

	(void)state;
	ov_populations_default(&book);
	assert_int_equal(ov_policy_check(&p, &book, &fault), OV_E_POLICY_INVALID);
	assert_non_null(strstr(fault.text, "`prospcts`"));
	assert_int_equal(fault.line, 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_without_a_file),
		cmocka_unit_test(a_file_is_read),
		cmocka_unit_test(faults_have_line_and_remedy),
		cmocka_unit_test(the_example_has_every_setting),
		cmocka_unit_test(criteria_stand_in_the_policy_or_beside_it),
		cmocka_unit_test(a_misspelt_population_is_found),
		cmocka_unit_test(counts_have_their_settings),
		cmocka_unit_test(fractions_are_rounded_down),
	};

	return cmocka_run_group_tests_name("policy", tests, NULL, NULL);
}
