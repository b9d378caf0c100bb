/* Over real company lists: applying a rule twice changes nothing, and a name with a
 * letter becomes nothing only where it is a filler ("Unknown"), which few companies are
 * called.  The lists are not part of the repository: ../shared/data. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include "client/normalise/normalise.h"

#define COLUMNS 4 /* id, name, website, country */

static const char *const lists[] = { "fortune1000_2015", "fortune1000_2022", "sp500",
	"sec", "cncf_landscape", "yc_2014", "yc_2023", "twofactorauth" };

static const char *
data_directory(void)
{
	const char *set = getenv("OVERLAP_TEST_LISTS");

	return set != NULL ? set : OV_SOURCE_DIR "/../shared/data/lists";
}

/* The first COLUMNS cells of one record (RFC 4180) of an open list. */
static bool
read_record(FILE *f, char cell[COLUMNS][2048])
{
	size_t column = 0, len = 0;
	bool quoted = false, any = false;
	int c;

	memset(cell, 0, sizeof(char[COLUMNS][2048]));
	while ((c = fgetc(f)) != EOF) {
		any = true;
		if (c == '"') {
			quoted = !quoted;
		} else if (c == '\n' && !quoted) {
			return true;
		} else if (c == ',' && !quoted) {
			column++;
			len = 0;
		} else if (column < COLUMNS && len < 2047 && c != '\r') {
			cell[column][len++] = (char)c;
		}
	}
	return any;
}

static bool
has_letter(const char *text)
{
	for (; *text != '\0'; text++)
		if ((*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z') ||
		    (*text >= '0' && *text <= '9'))
			return true;
	return false;
}

/* Names that are taken for fillers, by all profiles and with the country or without. */
static size_t n_fillers;

static void
check_name(const struct ov_profile *p, const char *name, const char *cc)
{
	char out[OV_TOKEN_VALUE_CAP], again[OV_TOKEN_VALUE_CAP];
	enum ov_drop why = ov_normalise_name(p, out, name, strlen(name), cc);

	n_fillers += why == OV_DROP_PLACEHOLDER;
	if (has_letter(name) && why != OV_DROP_PLACEHOLDER)
		assert_int_equal(why, OV_DROP_NONE);
	if (why != OV_DROP_NONE)
		return;
	assert_true(out[0] != '\0');
	assert_int_equal(ov_normalise_name(p, again, out, strlen(out), cc), OV_DROP_NONE);
	assert_string_equal(again, out);
}

static void
check_website(const struct ov_profile *p, const char *site)
{
	char out[OV_TOKEN_VALUE_CAP], again[OV_TOKEN_VALUE_CAP];

	if (ov_normalise_domain(p, out, site, strlen(site), OV_FROM_WEBSITE) !=
	    OV_DROP_NONE)
		return;
	assert_int_equal(ov_normalise_domain(p, again, out, strlen(out), OV_FROM_WEBSITE),
	    OV_DROP_NONE);
	assert_string_equal(again, out);
}

/* By every profile of the release. */
static void
check_row(char cell[COLUMNS][2048])
{
	const struct ov_profile *p;
	char cc[OV_COUNTRY_CAP];

	for (size_t i = 0; (p = ov_profile_at(i)) != NULL; i++) {
		(void)ov_normalise_country(p, cc, cell[3], strlen(cell[3]));
		check_name(p, cell[1], NULL);
		check_name(p, cell[1], cc);
		check_website(p, cell[2]);
	}
}

static void
real_lists_normalise_once_and_for_all(void **state)
{
	static char cell[COLUMNS][2048];
	char path[4096];
	size_t rows = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		FILE *f;

		snprintf(path, sizeof(path), "%s/%s.csv", data_directory(), lists[i]);
		f = fopen(path, "r");
		if (f == NULL) {
			print_message(
			    "skipped: no %s.csv in %s\n", lists[i], data_directory());
			continue;
		}
		for (; read_record(f, cell); rows++)
			check_row(cell);
		fclose(f);
	}
	print_message("%zu rows, %zu times a filler\n", rows, n_fillers);
	if (rows == 0)
		skip();
	/* under 1 in 1,000 */
	assert_true(n_fillers < rows / 1000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(real_lists_normalise_once_and_for_all),
	};
	int failed;

	if (ov_normalise_init() != OV_OK)
		return 1;
	failed = cmocka_run_group_tests_name("normalise lists", tests, NULL, NULL);
	ov_normalise_fini();
	return failed;
}
