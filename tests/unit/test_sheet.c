/* Sheets from policies, what is given under two of them, and that said in plain words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include "client/giving.h"
#include "client/sheet.h"

static struct ov_fault fault;

/* The sheet of a policy with these lines; freed by the caller. */
static struct ov_buf
sheet_of(const char *yaml)
{
	struct ov_policy p;
	struct ov_buf sheet = { 0 };

	if (ov_policy_read(&p, NULL, yaml, strlen(yaml), &fault) != OV_OK)
		fail_msg("line %d: %s", (int)fault.line, fault.text);
	assert_int_equal(ov_sheet_of_policy(&sheet, &p), OV_OK);
	return sheet;
}

static struct ov_giving
giving_of(const char *mine, const char *theirs)
{
	struct ov_buf a = sheet_of(mine), b = { 0 };
	struct ov_giving g;

	if (theirs != NULL)
		b = sheet_of(theirs);
	assert_int_equal(ov_giving_of(&g, OV_BUF_BYTES(&a), OV_BUF_BYTES(&b)), OV_OK);
	ov_buf_free(&a);
	ov_buf_free(&b);
	return g;
}

static void
every_setting_reaches_the_sheet(void **state)
{
	const char *all = "populations: {customers: matches, x: hidden,"
			  " prospects: counts}\n"
			  "icp_fit: no\nname_only_keys: yes\nsize: 500\n"
			  "duns_must_agree: yes\n"
			  "noise: none\nepsilon: 1/5\nview_days: 30\n"
			  "year_epsilon: 3\nshown_from: 21\n"
			  "minimum_count: 11\n"
			  "caps: {slots: 2048, minimum_list: 7,"
			  " runs_per_30_days: 3}\n";
	struct ov_giving g = giving_of(all, all);

	(void)state;
	assert_int_equal(g.n, 2);
	assert_string_equal(g.population[1].name, "prospects");
	assert_int_equal(g.population[1].level, OV_LEVEL_COUNTS);
	assert_false(g.fit);
	assert_true((g.ranks & OV_RANK_BIT(OV_RANK_NAME)) != 0);
	assert_true(g.duns_veto);
	assert_int_equal(g.size, 500);
	assert_true(g.exact);
	assert_true(g.counts);
	assert_int_equal(g.epsilon_milli, 200);
	assert_int_equal(g.view_days, 30);
	assert_int_equal(g.year_epsilon_milli, 3000);
	assert_int_equal(g.shown_from, 21);
	assert_int_equal(g.minimum_count, 11);
	assert_int_equal(g.slots, 2048);
	assert_int_equal(g.minimum_list, 7);
	assert_int_equal(g.runs, 3);
}

static void
a_policy_that_grants_nothing_makes_no_sheet(void **state)
{
	struct ov_policy p;
	struct ov_buf sheet = { 0 };
	const char *yaml = "populations: {customers: hidden}\n";

	(void)state;
	assert_int_equal(ov_policy_read(&p, NULL, yaml, strlen(yaml), &fault), OV_OK);
	assert_int_equal(ov_sheet_of_policy(&sheet, &p), OV_E_POLICY_REFUSED);
	assert_int_equal(sheet.len, 0);
	ov_buf_free(&sheet);
}

/* --- more or less --- */

#define FROM "populations: {customers: counts}\n"

/* Under my sheet, the partner's changing from one to another: do I give more? */
static bool
more(const char *mine, const char *then, const char *now)
{
	struct ov_giving a = giving_of(mine, then), b = giving_of(mine, now);

	return ov_giving_is_more(&a, &b);
}

static void
a_partner_can_make_me_give_more_only_where_i_am_told(void **state)
{
	static const struct {
		const char *mine, *less, *more;
	} cases[] = {
		/* a reciprocal sheet follows the partner's */
		{ "populations: {customers: matches}\nreciprocal: yes\n", FROM,
		    "populations: {customers: hidden, prospects: matches}\n" },
		{ FROM "caps: {slots: 8192}\n", FROM "caps: {slots: 2048}\n",
		    FROM "caps: {slots: 4096}\n" },
		{ FROM, FROM "caps: {runs_per_30_days: 3}\n", FROM },
		{ FROM, FROM "caps: {minimum_list: 200}\n", FROM },
		{ FROM "noise: none\n", FROM, FROM "noise: none\n" },
		{ FROM, FROM "epsilon: 1/4\n", FROM },
		{ FROM, FROM "year_epsilon: 1\n", FROM },
		{ FROM, FROM "view_days: 56\n", FROM },
		{ FROM, FROM "shown_from: 30\n", FROM },
		{ FROM "noise: none\n", FROM "noise: none\nminimum_count: 12\n",
		    FROM "noise: none\n" },
		{ FROM "name_only_keys: yes\n", FROM, FROM "name_only_keys: yes\n" },
		{ FROM "duns_must_agree: yes\n", FROM "duns_must_agree: yes\n", FROM },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (!more(cases[i].mine, cases[i].less, cases[i].more))
			fail_msg("case %zu: not more", i);
		if (more(cases[i].mine, cases[i].more, cases[i].less))
			fail_msg("case %zu: less is more", i);
		if (more(cases[i].mine, cases[i].more, cases[i].more))
			fail_msg("case %zu: the same is more", i);
	}
}

static void
what_the_partner_gives_is_no_matter(void **state)
{
	(void)state;
	assert_false(more(FROM, FROM, "populations: {customers: matches}\n"));
	assert_false(more(FROM, FROM, FROM "icp_fit: no\n"));
	assert_false(more(FROM, FROM, FROM "size: 10\n"));
	/* noise is nothing to a side that counts nothing */
	assert_false(
	    more("populations: {customers: matches}\n", FROM "epsilon: 1/4\n", FROM));
}

/* Nothing that a partner may say goes beyond the own sheet. */
static void
the_own_sheet_is_the_most(void **state)
{
	static const char *const mine[] = { FROM, FROM "reciprocal: yes\nnoise: none\n",
		FROM "caps: {slots: 2048}\nname_only_keys: yes\nduns_must_agree: yes\n" };
	static const char *const theirs[] = { FROM, FROM "noise: none\n",
		"populations: {a: matches}\ncaps: {slots: 16777216, minimum_list: 1,"
		" runs_per_30_days: 1000}\nepsilon: 2\nyear_epsilon: 100\nview_days: 1\n"
		"shown_from: 0\nminimum_count: 1\nname_only_keys: yes\nnoise: none\n" };

	(void)state;
	for (size_t i = 0; i < 3; i++)
		for (size_t k = 0; k < 3; k++) {
			struct ov_giving most = giving_of(mine[i], NULL);
			struct ov_giving g = giving_of(mine[i], theirs[k]);

			assert_false(ov_giving_is_more(&most, &g));
		}
}

/* --- words --- */

static char *text;

static const char *
explain(const char *mine, const char *theirs)
{
	struct ov_buf a = sheet_of(mine), b = { 0 };
	struct ov_populations book;
	size_t len = 0;
	FILE *out;

	free(text);
	text = NULL;
	out = open_memstream(&text, &len);
	if (theirs != NULL)
		b = sheet_of(theirs);
	ov_populations_default(&book);
	assert_int_equal(
	    ov_sheet_explain(out, &(struct ov_sheet_words){ .partner = "Glo\x1b[2Jbex",
				      .mine = OV_BUF_BYTES(&a),
				      .theirs = OV_BUF_BYTES(&b),
				      .book = &book }),
	    OV_OK);
	fclose(out);
	for (char *p = text; *p != '\0'; p++) /* wherever the lines break */
		if (*p == '\n')
			*p = ' ';
	for (char *p = text, *to = text; (*to = *p) != '\0'; p++)
		to += !(*p == ' ' && p[1] == ' ');
	ov_buf_free(&a);
	ov_buf_free(&b);
	return text;
}

static void
says(const char *words)
{
	if (strstr(text, words) == NULL)
		fail_msg("not said: %s\nbut: %s", words, text);
}

static void
says_not(const char *words)
{
	if (strstr(text, words) != NULL)
		fail_msg("said: %s", words);
}

/* It takes matches from both, so both have to say so; a partner that no longer does makes
 * me give more, and the most that I give is without it. */
static void
duns_numbers_forbid_a_match_where_both_say_so(void **state)
{
	const char *yes = FROM "duns_must_agree: yes\n";
	struct ov_giving both = giving_of(yes, yes), one = giving_of(yes, FROM);
	struct ov_giving most = giving_of(yes, NULL);

	(void)state;
	assert_true(both.duns_veto);
	assert_false(one.duns_veto);
	assert_true(ov_giving_is_more(&both, &one));
	assert_false(ov_giving_is_more(&one, &both));
	assert_false(ov_giving_is_more(&most, &one));
	explain(yes, NULL);
	says("whose DUNS numbers differ are never matched, whatever weaker key they "
	     "share, if the partner's policy says `duns_must_agree`, too");
	explain(yes, yes);
	says("never matched, whatever weaker key they share");
	says_not("if the partner's policy says");
	explain(yes, FROM);
	says("DUNS numbers that differ forbid no match: both must say");
	explain(FROM, yes);
	says("both must say");
	explain(FROM, FROM);
	says_not("DUNS");
}

static void
every_level_is_told_with_its_numbers(void **state)
{
	(void)state;
	explain(
	    "populations: {customers: matches, prospects: counts}\nsize: 1000\n", NULL);
	says("What Glo?[2Jbex learns of your accounts");
	says("customers: which accounts both have");
	says("prospects: how many accounts both have");
	says("+/- 17, how many of it fit a profile to about +/- 12");
	says("Less than 20 is not shown");
	says("after 28 days at the earliest, and 13 times in 365 days");
	says("open_opportunities: nothing Hidden: these stay on this machine.");
	says("rounded to 1,000");
	says("up to 1,000,000 keys in a run, in 31 runs in 30 days");
	says("Lists of less than 100 keys are refused");
	says("it has not offered yet");
	says("What the broker sees");
	says("never a name alone");
	says_not("reciprocal");
	says_not("noise: none");
	explain("populations: {customers: counts}\nepsilon: 1\nyear_epsilon: 5\n", NULL);
	says("+/- 6, how many of it fit a profile to about +/- 4");
	says("and 5 times in 365 days");
}

static void
the_stricter_numbers_are_told(void **state)
{
	(void)state;
	explain("populations: {customers: counts}\ncaps: {slots: 4096}\n",
	    "populations: {customers: matches}\nview_days: 56\n"
	    "caps: {runs_per_30_days: 2}\n");
	says("after 56 days");
	says("up to 4,096 keys in a run, in 2 runs");
	says("What you learn of the accounts of Glo?[2Jbex customers: which accounts");
}

static void
exact_counts_are_called_what_they_are(void **state)
{
	(void)state;
	explain(FROM "noise: none\n", NULL);
	says("Without noise if the partner's policy says `noise: none`, too: then the "
	     "partner can find out members");
	explain(FROM "noise: none\n", FROM);
	says("both must agree to exact counts");
	says("+/- 17");
	says_not("can find out members");
	explain(FROM "noise: none\n", FROM "noise: none\n");
	says("Without noise: Glo?[2Jbex can find out members");
	says("Without noise: you can find out members");
	says("Numbers under 10 are not shown, nor those whose rest is");
	says_not("+/-");
}

static void
a_reciprocal_sheet_says_what_follows(void **state)
{
	(void)state;
	explain("populations: {customers: matches}\nreciprocal: yes\n", FROM);
	says("customers: how many accounts both have");
	says("no level above the highest that the partner gives in return");
	says_not("which accounts both have");
}

struct seen {
	char keys[256];
	bool more;
};

static void
note(void *arg, const struct ov_giving_change *c)
{
	struct seen *s = arg;
	size_t at = strlen(s->keys);

	snprintf(s->keys + at, sizeof(s->keys) - at, "%s:%s>%s ", c->key, c->from, c->to);
	s->more |= c->more;
}

static void
changes_are_named(void **state)
{
	struct ov_giving a = giving_of("populations: {customers: matches, x: counts}\n"
				       "size: 100\n",
	    NULL);
	struct ov_giving b = giving_of("populations: {y: counts, customers: counts}\n"
				       "size: 1000\nicp_fit: no\n"
				       "caps: {runs_per_30_days: 4}\n",
	    NULL);
	struct seen s = { "", false };

	(void)state;
	ov_giving_compare(&a, &b, note, &s);
	assert_string_equal(s.keys, "y:hidden>counts customers:matches>counts "
				    "x:counts>hidden icp_fit:yes>no size:100>1000 "
				    "runs_per_30_days:31>4 ");
	assert_true(s.more); /* y */
	assert_true(ov_giving_is_more(&b, &a));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_setting_reaches_the_sheet),
		cmocka_unit_test(a_policy_that_grants_nothing_makes_no_sheet),
		cmocka_unit_test(a_partner_can_make_me_give_more_only_where_i_am_told),
		cmocka_unit_test(what_the_partner_gives_is_no_matter),
		cmocka_unit_test(the_own_sheet_is_the_most),
		cmocka_unit_test(duns_numbers_forbid_a_match_where_both_say_so),
		cmocka_unit_test(every_level_is_told_with_its_numbers),
		cmocka_unit_test(the_stricter_numbers_are_told),
		cmocka_unit_test(exact_counts_are_called_what_they_are),
		cmocka_unit_test(a_reciprocal_sheet_says_what_follows),
		cmocka_unit_test(changes_are_named),
	};
	int failed = cmocka_run_group_tests_name("sheet", tests, NULL, NULL);

	free(text);
	return failed;
}
