/* Houses and their funds, chains, universities, daughters on the parent's site, offices
 * under one roof, sites that anybody may have: tests/data/lists/families_*.csv, written
 * by hand, rows of one company having one word in the column `org`.  How many pairs
 * between the two lists are found, and how many of them are false? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include "client/normalise/normalise.h"
#include "common/crypto/memory.h"
#include "tests/bench/matching_lists.h"

#define DATA OV_SOURCE_DIR "/tests/data"
#define RANKS (OV_RANK_BIT(OV_RANK_DOMAIN) | OV_RANK_BIT(OV_RANK_NAME_COUNTRY))

struct score {
	size_t known, found, wrong;
};

static bool
has_partner(const struct bench_row *a, const struct bench_list *b, bool in_pair)
{
	for (size_t k = 0; k < b->n; k++)
		if (strcmp(a->key, b->rows[k].key) == 0 &&
		    (!in_pair || (a->pair != NO_PAIR && a->pair == b->rows[k].pair)))
			return true;
	return false;
}

/* Is one of the rows of list a in this pair a row of the other's company? */
static bool
is_right(const struct bench_list *a, const struct bench_list *b, uint32_t pair)
{
	for (size_t i = 0; i < a->n; i++)
		if (a->rows[i].pair == pair && has_partner(&a->rows[i], b, true))
			return true;
	return false;
}

static struct score
match(const char *first, const char *second)
{
	struct bench_list a, b;
	struct bench_pairs found;
	struct score s = { 0 };

	assert_true(bench_list_open(&a, DATA, first, "org"));
	assert_true(bench_list_open(&b, DATA, second, "org"));
	bench_match(&found, &a, &b, ov_profile_current(), RANKS);
	for (size_t i = 0; i < a.n; i++) {
		s.known += has_partner(&a.rows[i], &b, false);
		s.found += has_partner(&a.rows[i], &b, true);
	}
	for (uint32_t p = 0; p < found.n; p++)
		s.wrong += !is_right(&a, &b, p);
	print_message("%s x %s: %zu of %zu found, %zu false\n", first, second, s.found,
	    s.known, s.wrong);
	bench_pairs_free(&found);
	bench_list_close(&a);
	bench_list_close(&b);
	return s;
}

/* What is left: a chain and who runs one of it, a fund and two daughters, each alone on
 * the house's site and without a word that tells; and an office without a host. */
static void
families_are_kept_apart(void **state)
{
	struct score s = match("families_a", "families_b");

	(void)state;
	assert_int_equal(s.known, 51);
	assert_true(s.found >= 50);
	assert_true(s.wrong <= 5);
}

/* The measure itself: a list agrees with itself, but for rows that share all their keys.
 */
static void
a_list_is_found_in_itself(void **state)
{
	struct score s = match("families_a", "families_a");

	(void)state;
	assert_true(s.found * 100 >= s.known * 90);
	assert_int_equal(s.wrong, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(families_are_kept_apart),
		cmocka_unit_test(a_list_is_found_in_itself),
	};
	int failed;

	if (ov_crypto_init() != OV_OK || ov_normalise_init() != OV_OK)
		return 1;
	failed = cmocka_run_group_tests_name("families", tests, NULL, NULL);
	ov_normalise_fini();
	return failed;
}
