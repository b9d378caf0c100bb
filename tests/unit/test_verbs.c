/* The verbs of the book and the report, run in a real home: options, messages, exit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include <getopt.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/book/book.h"
#include "client/outfile.h"
#include "client/verbs.h"

static char dir[64], file[128], home_path[96];
static struct ov_cli cli;
static char *text; /* that the last verb printed */
static size_t text_len;

static const char accounts[] =
    "Account ID,Account Name,Website,Billing Country,Industry,Employees,Type,Secret\n"
    "A1,Ajax GmbH,www.ajax.de,Germany,Software,300,Customer,x\n"
    "A2,Ajax,https://ajax.de/about,Germany,Software,,Customer,x\n"
    "B1,Bolt Inc,bolt.com,USA,Banking,20,Prospect,x\n"
    "C1,Carl's Shop,,,Retail,2,Prospect,x\n"
    "D1,Dora Ltd,192.168.0.1,United Kingdom,,,Prospect,x\n";

static const char profile[] = "threshold: 2\n"
			      "criteria:\n"
			      "  - {column: industry, equals: Software, weight: 2}\n"
			      "  - {column: employees, between: [200, 1000]}\n";

static void
write_file(const char *name, const char *content)
{
	FILE *f;

	snprintf(file, sizeof(file), "%s/%s", dir, name);
	f = fopen(file, "w");
	assert_non_null(f);
	assert_true(fputs(content, f) >= 0);
	fclose(f);
}

static int
fresh_home(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/overlap-verbs-XXXXXX");
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(home_path, sizeof(home_path), "%s/home", dir);
	memset(&cli, 0, sizeof(cli));
	cli.home = (struct ov_home_options){ .path = home_path, .key_fd = -1 };
	return ov_home_init(&cli.home, OV_KEY_BESIDE) == OV_OK ? 0 : -1;
}

static int
remove_home(void **state)
{
	char command[160];

	(void)state;
	free(text);
	text = NULL;
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	return system(command);
}

/* Runs a verb with words separated by NULL. */
static enum ov_status
run(enum ov_status (*verb)(struct ov_cli *, int, char **), ...)
{
	char words[8][128], *argv[10] = { words[0] };
	const char *word;
	int argc = 1;
	enum ov_status st;
	va_list ap;

	snprintf(words[0], sizeof(words[0]), "verb");
	va_start(ap, verb);
	while ((word = va_arg(ap, const char *)) != NULL) {
		assert_in_range(argc, 1, 7);
		snprintf(words[argc], sizeof(words[argc]), "%s", word);
		argv[argc] = words[argc];
		argc++;
	}
	va_end(ap);
	argv[argc] = NULL;
	optind = 0;
	opterr = 0;
	cli.detail[0] = '\0';
	free(text);
	cli.out = open_memstream(&text, &text_len);
	assert_non_null(cli.out);
	st = verb(&cli, argc, argv);
	fclose(cli.out);
	return st;
}

#define OK(...) assert_int_equal(run(__VA_ARGS__, NULL), OV_OK)
#define FAILS(st, ...) assert_int_equal(run(__VA_ARGS__, NULL), st)

static void
prints(const char *want)
{
	if (strstr(text, want) == NULL)
		fail_msg("no `%s` in\n%s", want, text);
}

static void
says(const char *want)
{
	if (strstr(cli.detail, want) == NULL)
		fail_msg("no `%s` in `%s`", want, cli.detail);
}

static void
import_accounts(void)
{
	write_file("accounts.csv", accounts);
	OK(ov_verb_import, file);
}

static void
import_shows_what_it_took(void **state)
{
	(void)state;
	import_accounts();
	prints("accounts.csv: 5 accounts; ASCII, separated by commas");
	prints("\"Account Name\"");
	prints("1 other column is not read");
	prints("          1          2  customers");
	prints("          4          5  together");
	prints("a bare internet address does not name a company");
	assert_null(strstr(text, "192.168.0.1")); /* no value unless asked */
	assert_null(strstr(text, "Before:"));
	OK(ov_verb_import, file, "--show");
	prints("no domain from \"192.168.0.1\" of Dora Ltd: a bare internet address");
	prints("Before: 4 accounts");
}

static void
import_dry_run_changes_nothing(void **state)
{
	(void)state;
	write_file("accounts.csv", accounts);
	OK(ov_verb_import, file, "--dry-run");
	prints("\"Account Name\"");
	prints("First rows");
	prints("name \"");
	prints("Nothing was changed");
	OK(ov_verb_accounts, "stats");
	prints("The book is empty");
	write_file("accounts.csv", accounts);
	FAILS(
	    OV_E_IMPORT_COLUMNS, ov_verb_import, file, "--dry-run", "--population", "x");
	says("no population `x`");
}

static void
import_speaks_json(void **state)
{
	(void)state;
	write_file("accounts.csv", accounts);
	cli.json = true;
	OK(ov_verb_import, file, "--show");
	prints("\"delimiter\":\t\"comma\"");
	prints("\"heading\":\t\"Account Name\"");
	prints("\"accounts\":\t4");
	prints("\"value\":\t\"192.168.0.1\"");
	OK(ov_verb_accounts, "stats");
	prints("\"stale\":\tfalse");
	prints("\"domain\":\t2");
}

static void
import_names_file_and_line(void **state)
{
	(void)state;
	import_accounts();
	write_file(
	    "bad.csv", "name,website\nAjax,ajax.de\nBolt,\"bolt.com\nCarl,carl.com\n");
	FAILS(OV_E_IMPORT_QUOTES, ov_verb_import, file);
	says("bad.csv, line 3: ");
	OK(ov_verb_accounts, "stats"); /* the book is as it was */
	prints("          4          5  together");
	write_file("bad.yaml", "columns:\n  nonsense: x\n");
	FAILS(OV_E_IMPORT_COLUMNS, ov_verb_import, "whatever.csv", "--map", file);
	says("bad.yaml, line 2: ");
	FAILS(OV_E_NOT_FOUND, ov_verb_import, "/nowhere/accounts.csv");
	says("/nowhere/accounts.csv");
}

static void
import_adds_to_a_population(void **state)
{
	(void)state;
	import_accounts();
	write_file("more.csv", "Account ID;Name;Website\nE1;Echo AG;echo.ch\n");
	OK(ov_verb_import, file, "--add", "--population", "customers", "--delimiter",
	    ";");
	prints("1 account; ASCII, separated by semicolons");
	prints("          5          6  together");
	prints("          2          3  customers");
}

static void
import_waits_for_no_other_process(void **state)
{
	struct ov_home *home;

	(void)state;
	import_accounts();
	assert_int_equal(ov_home_open(&home, &cli.home), OV_OK);
	assert_int_equal(ov_home_claim(home), OV_OK);
	FAILS(OV_E_DB_BUSY, ov_verb_import, file);
	ov_home_close(home);
	OK(ov_verb_import, file);
}

static void
wrong_options_are_refused(void **state)
{
	(void)state;
	FAILS(OV_E_USAGE, ov_verb_import, "--nonsense");
	FAILS(OV_E_USAGE, ov_verb_import, "--add");
	says("name a file");
	FAILS(OV_E_USAGE, ov_verb_import, "a.csv", "--add", "--replace");
	FAILS(OV_E_USAGE, ov_verb_import, "a.csv", "--delimiter", "x");
	FAILS(OV_E_USAGE, ov_verb_accounts, "nonsense");
	FAILS(OV_E_USAGE, ov_verb_accounts, "why");
	FAILS(OV_E_USAGE, ov_verb_icp, "--show", "--clear");
	FAILS(OV_E_USAGE, ov_verb_icp, "a.yaml", "--show");
	FAILS(OV_E_USAGE, ov_verb_report, "a", "b");
	FAILS(OV_E_USAGE, ov_verb_report, "--nonsense");
	FAILS(OV_E_USAGE, ov_verb_matches, "--icp", "maybe");
	FAILS(OV_E_USAGE, ov_verb_matches, "--excel");
	says("--csv");
	cli.json = true;
	FAILS(OV_E_USAGE, ov_verb_matches, "--csv", "-");
}

static void
accounts_why_tells_keys(void **state)
{
	(void)state;
	import_accounts();
	OK(ov_verb_accounts, "why", "ajax gmbh");
	prints("key domain ajax.de");
	cli.json = true;
	OK(ov_verb_accounts, "why", "A2");
	prints("\"name\":\t\"A2\"");
	prints("key domain ajax.de");
	FAILS(OV_E_NOT_FOUND, ov_verb_accounts, "why", "nobody");
	OK(ov_verb_accounts, "rebuild");
	prints("\"accounts\":\t4");
}

static void
icp_is_checked_kept_and_forgotten(void **state)
{
	(void)state;
	FAILS(OV_E_NOT_FOUND, ov_verb_icp, "--show");
	import_accounts();
	write_file("icp.yaml", profile);
	OK(ov_verb_icp, file);
	prints("Of 4 accounts with a key 1 fit, 2 do not, of 1 too little is known.");
	OK(ov_verb_icp, "--show");
	prints(profile);
	prints("1 fit");
	cli.json = true;
	OK(ov_verb_icp, "--show");
	prints("\"yes\":\t1");
	OK(ov_verb_icp, "--clear");
	prints("\"stored\":\tfalse");
	FAILS(OV_E_NOT_FOUND, ov_verb_icp, "--show");
}

static void
icp_faults_name_file_and_line(void **state)
{
	(void)state;
	import_accounts();
	write_file("icp.yaml", profile);
	OK(ov_verb_icp, file);
	write_file("bad.yaml",
	    "threshold: 1\ncriteria:\n  - {column: Shoe Size, exists: yes}\n");
	FAILS(OV_E_ICP_INVALID, ov_verb_icp, file);
	says("bad.yaml, line 3: the book has no column `Shoe Size`");
	OK(ov_verb_icp, "--show"); /* the old one stands */
	prints("Software");
}

static void
report_says_that_there_is_none(void **state)
{
	(void)state;
	FAILS(OV_E_NOT_FOUND, ov_verb_report);
	says("`overlap run PARTNER` makes one");
	FAILS(OV_E_PARTNER_UNKNOWN, ov_verb_report, "Globex");
	FAILS(OV_E_NOT_FOUND, ov_verb_report, "--job", "0123");
	says("8 to 32 hex digits");
	FAILS(OV_E_NOT_FOUND, ov_verb_matches);
}

/* --- files that are there whole or not at all --- */

static void
expect_file(const char *want)
{
	char have[64] = "";
	FILE *f = fopen(file, "r");

	assert_non_null(f);
	have[fread(have, 1, sizeof(have) - 1, f)] = '\0';
	fclose(f);
	assert_string_equal(have, want);
}

static void
assert_nothing_beside(void)
{
	char command[256];

	snprintf(
	    command, sizeof(command), "test -z \"$(ls -A %s | grep out.csv.)\"", dir);
	assert_int_equal(system(command), 0);
}

/* As a kill leaves it: nothing has a name that is not whole. */
static void
outfile_that_is_interrupted_leaves_nothing(void **state)
{
	struct ov_outfile o;
	char beside[sizeof(file) + 16];

	(void)state;
	write_file("out.csv", "old");
	assert_int_equal(ov_outfile_open(&o, file), OV_OK);
	fputs("half", o.f);
	fflush(o.f);
	if (!o.nameless)
		skip(); /* a file system where nothing is without a name */
	assert_nothing_beside();
	/* killed between the two calls that name it, the one before was whole */
	snprintf(beside, sizeof(beside), "%s.unfinished", file);
	assert_int_equal(symlink("nowhere", beside), 0);
	assert_int_equal(ov_outfile_commit(&o), OV_OK);
	expect_file("half");
	assert_nothing_beside();
}

static void
outfile_replaces_only_on_commit(void **state)
{
	struct ov_outfile o;
	struct stat sb;

	(void)state;
	write_file("out.csv", "old");
	assert_int_equal(ov_outfile_open(&o, file), OV_OK);
	fputs("half", o.f);
	ov_outfile_abandon(&o);
	ov_outfile_abandon(&o);
	expect_file("old");
	assert_int_equal(ov_outfile_open(&o, file), OV_OK);
	fputs("new", o.f);
	expect_file("old");
	assert_int_equal(ov_outfile_commit(&o), OV_OK);
	expect_file("new");
	assert_int_equal(stat(file, &sb), 0);
	assert_int_equal(sb.st_mode & 0777, 0600);
	assert_nothing_beside();
	assert_int_equal(ov_outfile_open(&o, "/nowhere/out.csv"), OV_E_IO);
	assert_int_equal(ov_outfile_open(&o, "/dev/full"), OV_OK);
	fputs("lost", o.f);
	assert_int_equal(ov_outfile_commit(&o), OV_E_IO);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fresh_home, remove_home)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(import_shows_what_it_took),
		TEST(import_dry_run_changes_nothing),
		TEST(import_speaks_json),
		TEST(import_names_file_and_line),
		TEST(import_adds_to_a_population),
		TEST(import_waits_for_no_other_process),
		TEST(wrong_options_are_refused),
		TEST(accounts_why_tells_keys),
		TEST(icp_is_checked_kept_and_forgotten),
		TEST(icp_faults_name_file_and_line),
		TEST(report_says_that_there_is_none),
		TEST(outfile_replaces_only_on_commit),
		TEST(outfile_that_is_interrupted_leaves_nothing),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	ov_normalise_fini();
	return failed;
}
