/* Random books: the same rows in another order, once more, or in two halves are the same
 * list of a job. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include "book_site.h"
#include "common/crypto/memory.h"

#define ROWS 24
#define ROW_TEXT 256
#define FILE_TEXT (ROWS * ROW_TEXT + 256)
#define LIST_TEXT (1 << 17)

/* Few values, so that rows share them; empty ones among them. */
static const char *const names[] = { "Alder GmbH", "Alder AG", "ALDER", "Birch Inc.",
	"Birch Fund I", "Birch Fund II", "Cedar", "Cedar / Dogwood", "Elm (formerly Fir)",
	"", "Ginkgo S.A.R.L." };
static const char *const websites[] = { "alder.de", "www.birch.com", "cedar.com",
	"dogwood.io; cedar.com", "cedarlogistics.com", "alderpartners.de",
	"https://github.com/elm", "", "", "" };
static const char *const countries[] = { "DE", "US", "France", "" };
static const char *const ciks[] = { "", "", "", "", "", "320193", "789019" };
static const char *const types[] = { "Customer", "Prospect", "", "" };
static const char *const industries[] = { "Software", "Banking", "", "" };
static const char *const employees[] = { "10", "500", "20000", "", "" };

#define DRAW(list, seed) ((list)[draw((seed), sizeof(list) / sizeof((list)[0]))])

/* 0 .. n - 1 */
static size_t
draw(uint64_t *seed, size_t n)
{
	*seed = *seed * 6364136223846793005U + 1442695040888963407U;
	return (size_t)(*seed >> 33) % n;
}

static void
shuffle(char row[][ROW_TEXT], size_t n, uint64_t *seed)
{
	for (size_t i = n; i > 1; i--) {
		size_t j = draw(seed, i);
		char was[ROW_TEXT];

		memcpy(was, row[i - 1], ROW_TEXT);
		memcpy(row[i - 1], row[j], ROW_TEXT);
		memcpy(row[j], was, ROW_TEXT);
	}
}

#define ACCOUNT_HEADINGS "Id,Name,Website,Country,CIK,Type,Industry,Employees\n"
#define DEAL_HEADINGS "Deal Name,Company ID,Company,Website,Country,Deal Stage,Industry\n"

/* Some have an id, each its own. */
static void
draw_account(char row[ROW_TEXT], size_t i, uint64_t *seed)
{
	char id[16] = "";

	if (draw(seed, 3) == 0)
		snprintf(id, sizeof(id), "%zu", i);
	snprintf(row, ROW_TEXT, "%s,%s,%s,%s,%s,%s,%s,%s\n", id, DRAW(names, seed),
	    DRAW(websites, seed), DRAW(countries, seed), DRAW(ciks, seed),
	    DRAW(types, seed), DRAW(industries, seed), DRAW(employees, seed));
}

static void
draw_deal(char row[ROW_TEXT], size_t i, uint64_t *seed)
{
	static const char *const stages[] = { "Closed Won", "Negotiation", "Closed Lost",
		"" };
	char id[16] = "";

	if (draw(seed, 2) == 0)
		snprintf(id, sizeof(id), "%zu", draw(seed, 2 * ROWS));
	snprintf(row, ROW_TEXT, "deal %zu,%s,%s,%s,%s,%s,%s\n", i, id, DRAW(names, seed),
	    DRAW(websites, seed), DRAW(countries, seed), DRAW(stages, seed),
	    DRAW(industries, seed));
}

static void
write_table(char text[FILE_TEXT], const char *headings, char row[][ROW_TEXT], size_t n)
{
	size_t len = (size_t)snprintf(text, FILE_TEXT, "%s", headings);

	for (size_t i = 0; i < n; i++)
		len += (size_t)snprintf(text + len, FILE_TEXT - len, "%s", row[i]);
	assert_true(len < FILE_TEXT);
}

static struct ov_icp *
profile(void)
{
	static const char yaml[] = "threshold: 2\nbands: {A: 3, B: 2, C: 1}\ncriteria:\n"
				   "  - {column: industry, equals: Software, weight: 2}\n"
				   "  - {column: employees, between: [100, 1000]}\n"
				   "  - {column: country, equals: DE}\n";
	struct ov_icp *icp = NULL;

	if (ov_icp_read(&icp, yaml, strlen(yaml), &fault) != OV_OK)
		fail_msg("line %d: %s", (int)fault.line, fault.text);
	return icp;
}

static void
import_texts(
    struct ov_db *db, enum ov_import_mode mode, const char *accounts, const char *deals)
{
	const char *const files[] = { accounts, deals, NULL };
	const struct ov_import_options o = { .mode = mode, .accept = true };

	if (import_files(db, files, &o) != OV_OK)
		fail_msg("line %d: %s", (int)fault.line, fault.text);
}

struct books {
	struct ov_db *one, *other;
	struct ov_icp *icp;
	char accounts[ROWS][ROW_TEXT], deals[ROWS][ROW_TEXT];
	char text[FILE_TEXT], deal_text[FILE_TEXT], list[LIST_TEXT];
};

static struct books *
new_books(void)
{
	struct books *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	b->one = new_db();
	b->other = new_db();
	b->icp = profile();
	return b;
}

static void
free_books(struct books *b)
{
	ov_db_close(b->one);
	ov_db_close(b->other);
	ov_icp_free(b->icp);
	free(b);
}

static void
keep_list(struct books *b, struct ov_db *db)
{
	const char *list = freeze(db, 0, ALL_RANKS, b->icp);

	assert_true(strlen(list) < sizeof(b->list));
	memcpy(b->list, list, strlen(list) + 1);
}

static void
expect_list(struct books *b, struct ov_db *db, uint64_t round)
{
	const char *list = freeze(db, 0, ALL_RANKS, b->icp);

	if (strcmp(list, b->list) != 0)
		fail_msg("round %d:\n%s--- is not\n%s--- of\n%s%s", (int)round, list,
		    b->list, b->text, b->deal_text);
}

static void
the_order_of_rows_changes_nothing(void **state)
{
	struct books *b = new_books();

	(void)state;
	for (uint64_t round = 0, seed = 1; round < 60; round++) {
		for (size_t i = 0; i < ROWS; i++)
			draw_account(b->accounts[i], i, &seed);
		write_table(b->text, ACCOUNT_HEADINGS, b->accounts, ROWS);
		import_texts(b->one, OV_IMPORT_REPLACE, b->text, NULL);
		keep_list(b, b->one);
		shuffle(b->accounts, ROWS, &seed);
		write_table(b->text, ACCOUNT_HEADINGS, b->accounts, ROWS);
		import_texts(b->one, OV_IMPORT_REPLACE, b->text, NULL);
		expect_list(b, b->one, round);
	}
	free_books(b);
}

static void
the_order_of_deals_changes_nothing(void **state)
{
	struct books *b = new_books();

	(void)state;
	for (uint64_t round = 0, seed = 2; round < 60; round++) {
		for (size_t i = 0; i < ROWS; i++) {
			draw_account(b->accounts[i], i, &seed);
			draw_deal(b->deals[i], i, &seed);
		}
		write_table(b->text, ACCOUNT_HEADINGS, b->accounts, ROWS);
		write_table(b->deal_text, DEAL_HEADINGS, b->deals, ROWS);
		import_texts(b->one, OV_IMPORT_REPLACE, b->text, b->deal_text);
		keep_list(b, b->one);
		shuffle(b->accounts, ROWS, &seed);
		shuffle(b->deals, ROWS, &seed);
		write_table(b->text, ACCOUNT_HEADINGS, b->accounts, ROWS);
		write_table(b->deal_text, DEAL_HEADINGS, b->deals, ROWS);
		import_texts(b->one, OV_IMPORT_REPLACE, b->deal_text, b->text);
		expect_list(b, b->one, round);
	}
	free_books(b);
}

/* The same file once more, and its halves one after the other. */
static void
halves_added_are_the_whole(void **state)
{
	struct books *b = new_books();

	(void)state;
	for (uint64_t round = 0, seed = 3; round < 60; round++) {
		size_t half = 1 + draw(&seed, ROWS - 1);

		for (size_t i = 0; i < ROWS; i++)
			draw_account(b->accounts[i], i, &seed);
		snprintf(b->accounts[0], ROW_TEXT, "0,Alder,alder.de,DE,,,,\n");
		snprintf(b->accounts[half], ROW_TEXT, "h,Birch,birch.de,DE,,,,\n");
		write_table(b->text, ACCOUNT_HEADINGS, b->accounts, ROWS);
		import_texts(b->one, OV_IMPORT_REPLACE, b->text, NULL);
		keep_list(b, b->one);
		import_texts(b->one, OV_IMPORT_REPLACE, b->text, NULL);
		expect_list(b, b->one, round);
		write_table(b->text, ACCOUNT_HEADINGS, b->accounts, half);
		import_texts(b->other, OV_IMPORT_REPLACE, b->text, NULL);
		write_table(b->text, ACCOUNT_HEADINGS, b->accounts + half, ROWS - half);
		import_texts(b->other, OV_IMPORT_ADD, b->text, NULL);
		expect_list(b, b->other, round);
	}
	free_books(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_order_of_rows_changes_nothing),
		cmocka_unit_test(the_order_of_deals_changes_nothing),
		cmocka_unit_test(halves_added_are_the_whole),
	};
	int failed;

	if (ov_crypto_init() != OV_OK || ov_normalise_init() != OV_OK)
		return 1;
	failed =
	    cmocka_run_group_tests_name("book_order", tests, site_setup, site_teardown);
	ov_normalise_fini();
	return failed;
}
