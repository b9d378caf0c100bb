/* Do the rows of every case of book.tsv become the accounts, keys and reasons that stand
 * there?  Each goes through a whole import, and leaves the book as a job would take it;
 * then again with its rows turned round. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include "tests/unit/book_site.h"

#define ROWS_MAX 32
#define FIELDS_MAX 16

static const char *const drop_names[OV_MERGE_DROPS] = { "kept", "conflict", "family",
	"shared", "over_cap", "namesake" };

struct one_case {
	char title[128], columns[256];
	char row[ROWS_MAX][512];
	size_t n_rows;
	char file[4096]; /* bytes of a whole file, instead of rows */
	size_t file_len;
	char want[4096]; /* lines of the list */
	size_t want_len;
	uint64_t drops[OV_MERGE_DROPS];
	uint64_t unmatchable;
	uint32_t hidden;
	int line;
};

static size_t cases;

/* Tabs to quoted cells. */
static size_t
add_csv(char *out, size_t size, const char *row)
{
	char copy[512], *rest = copy, *cell;
	size_t len = 0;

	assert_true(strlen(row) < sizeof(copy));
	memcpy(copy, row, strlen(row) + 1);
	while ((cell = strsep(&rest, "\t")) != NULL)
		len += (size_t)snprintf(
		    out + len, size - len, "\"%s\"%s", cell, rest != NULL ? "," : "\n");
	assert_true(len < size);
	return len;
}

static void
check_stats(const struct one_case *c, struct ov_db *db)
{
	struct ov_book_stats s = stats_of(db);

	for (size_t i = 1; i < OV_MERGE_DROPS; i++)
		if (s.unmerged[i] != c->drops[i])
			fail_msg("line %d: %s: %llu claims dropped as %s, not %llu",
			    c->line, c->title, (unsigned long long)s.unmerged[i],
			    drop_names[i], (unsigned long long)c->drops[i]);
	if (s.unmatchable != c->unmatchable)
		fail_msg("line %d: %s: %llu accounts without keys, not %llu", c->line,
		    c->title, (unsigned long long)s.unmatchable,
		    (unsigned long long)c->unmatchable);
}

/* \t \n \r \" \\ and \xHH are what they stand for. */
static void
add_bytes(struct one_case *c, const char *p)
{
	static const char letters[] = "tnr\"\\", bytes[] = "\t\n\r\"\\";

	for (; *p != '\0'; p++) {
		const char *at;
		char out = *p;

		assert_true(c->file_len < sizeof(c->file));
		if (*p == '\\' && p[1] == 'x') {
			char hex[3] = { p[2], p[2] != '\0' ? p[3] : '\0', '\0' };

			out = (char)strtoul(hex, NULL, 16);
			p += 3;
		} else if (*p == '\\' && (at = strchr(letters, p[1])) != NULL) {
			out = bytes[at - letters];
			p++;
		}
		c->file[c->file_len++] = out;
	}
}

static void
check_case(const struct one_case *c, struct ov_db *db, const char *how)
{
	const char *got = freeze(db, c->hidden, ALL_RANKS, NULL);

	if (strcmp(got, c->want) != 0)
		fail_msg("line %d: %s%s: got\n%swant\n%s", c->line, c->title, how, got,
		    c->want);
	check_stats(c, db);
}

static void
run_file(const struct one_case *c)
{
	struct ov_db *db = new_db();

	import_bytes(db, c->file, c->file_len);
	check_case(c, db, "");
	ov_db_close(db);
}

static void
run_in_order(const struct one_case *c, bool turned)
{
	char csv[ROWS_MAX * 600];
	size_t len = add_csv(csv, sizeof(csv), c->columns);
	struct ov_db *db = new_db();

	for (size_t i = 0; i < c->n_rows; i++)
		len += add_csv(
		    csv + len, sizeof(csv) - len, c->row[turned ? c->n_rows - 1 - i : i]);
	import(db, csv);
	check_case(c, db, turned ? ", turned round" : "");
	ov_db_close(db);
}

static void
end_case(struct one_case *c)
{
	if (c->file_len > 0) {
		run_file(c);
		cases++;
	} else if (c->n_rows > 0) {
		run_in_order(c, false);
		run_in_order(c, true);
		cases++;
	}
	memset(c, 0, sizeof(*c));
	snprintf(c->columns, sizeof(c->columns), "Name\tWebsite\tCountry");
}

/* "POPULATION KEYS" as the list has it: fits and bands are not known here. */
static void
add_want(struct one_case *c, const char *text)
{
	c->want_len += (size_t)snprintf(c->want + c->want_len,
	    sizeof(c->want) - c->want_len, "%c/0/0%s\n", text[0], text + 1);
	assert_true(c->want_len < sizeof(c->want));
}

static void
add_drop(struct one_case *c, const char *text)
{
	for (size_t i = 1; i < OV_MERGE_DROPS; i++) {
		size_t n = strlen(drop_names[i]);

		if (strncmp(text, drop_names[i], n) == 0 && text[n] == '\t') {
			c->drops[i] = strtoull(text + n + 1, NULL, 10);
			return;
		}
	}
	fail_msg("line %d: no such reason: %s", c->line, text);
}

static void
take_line(struct one_case *c, char *line)
{
	char *rest = strchr(line, '\t');

	if (line[0] == '\0' || line[0] == '#')
		return;
	assert_non_null(rest);
	*rest++ = '\0';
	if (strcmp(line, "case") == 0) {
		int at = c->line;

		end_case(c);
		c->line = at;
		snprintf(c->title, sizeof(c->title), "%s", rest);
	} else if (strcmp(line, "columns") == 0) {
		snprintf(c->columns, sizeof(c->columns), "%s", rest);
	} else if (strcmp(line, "row") == 0) {
		assert_true(c->n_rows < ROWS_MAX);
		snprintf(c->row[c->n_rows++], sizeof(c->row[0]), "%s", rest);
	} else if (strcmp(line, "file") == 0) {
		add_bytes(c, rest);
	} else if (strcmp(line, "account") == 0) {
		add_want(c, rest);
	} else if (strcmp(line, "drop") == 0) {
		add_drop(c, rest);
	} else if (strcmp(line, "unmatchable") == 0) {
		c->unmatchable = strtoull(rest, NULL, 10);
	} else if (strcmp(line, "hidden") == 0) {
		c->hidden = 1U << strtoul(rest, NULL, 10);
	} else {
		fail_msg("line %d: unknown word %s", c->line, line);
	}
}

static void
every_case_becomes_its_accounts(void **state)
{
	static struct one_case c;
	char line[1024];
	int number = 0;
	FILE *f = fopen(OV_SOURCE_DIR "/tests/vectors/book.tsv", "r");

	(void)state;
	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		number++;
		if (strncmp(line, "case", 4) == 0) {
			end_case(&c);
			c.line = number;
		}
		take_line(&c, line);
	}
	end_case(&c);
	fclose(f);
	assert_true(cases > 20);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_case_becomes_its_accounts),
	};
	int failed;

	if (ov_normalise_init() != OV_OK)
		return 1;
	failed = cmocka_run_group_tests_name("book", tests, site_setup, site_teardown);
	ov_normalise_fini();
	return failed;
}
