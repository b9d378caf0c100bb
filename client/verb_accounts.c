/* overlap accounts: what is in the book, and why an account has the keys it has. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "client/book/book.h"
#include "client/job/freeze.h"
#include "client/screen.h"
#include "client/stats_print.h"
#include "client/verbs.h"

const char ov_help_accounts[] =
    "usage: overlap accounts [stats] [--json]\n"
    "       overlap accounts why NAME [--json]\n"
    "       overlap accounts rebuild\n"
    "\n"
    "  stats    accounts and rows by population, keys by kind, what made no key and why\n"
    "  why      for each account with a row of this name, id or domain: its population,\n"
    "           its keys, and why other values of it are none\n"
    "  rebuild  makes all keys anew from the stored rows, after a new release came with\n"
    "           new rules (`stats` says when that is so)\n"
    "\n"
    "JSON of stats: rows, accounts, matchable, name_only, unmatchable, populations\n"
    "[{name, accounts, rows}], keys {lei, cik, duns, vat, domain, namecc, name}, "
    "dropped\n"
    "[{why, values}], stale.  JSON of why: name, lines.\n"
    "Exit codes: 0 done; 1 this machine failed; 2 no such account, or the command is\n"
    "wrong; 5 another overlap process works in this home.\n"
    "\n"
    "examples: overlap accounts stats\n"
    "          overlap accounts why 'Ajax Manufacturing'\n";

static enum ov_status
stats(struct ov_cli *cli, struct ov_home *home)
{
	struct ov_book_stats s;
	struct ov_json *doc;
	bool stale;
	enum ov_status st;

	OV_TRY(ov_book_stats(&s, home->db));
	OV_TRY(ov_book_is_stale(&stale, home->db));
	if (cli->json) {
		doc = ov_json_new();
		ov_stats_json(doc, &s);
		ov_json_bool(doc, "stale", stale);
		st = ov_json_write(cli->out, doc);
		ov_json_free(doc);
		return st;
	}
	ov_stats_print(cli->out, &s);
	if (stale)
		fputs("\nThese keys were made by the rules of an older release: "
		      "`overlap accounts rebuild`.\n",
		    cli->out);
done:
	return st;
}

static enum ov_status
write_lines(FILE *out, const char *name, char *text)
{
	struct ov_json *doc = ov_json_new(), *lines = ov_json_array(doc, "lines");
	enum ov_status st;

	ov_json_text(doc, "name", name);
	for (char *end; (end = strchr(text, '\n')) != NULL; text = end + 1) {
		*end = '\0';
		ov_json_text(lines, NULL, text);
	}
	st = ov_json_write(out, doc);
	ov_json_free(doc);
	return st;
}

/* What stands in a CRM may come from a form on the web. */
static void
print_lines(FILE *out, char *text)
{
	char *rest = text;

	for (char *line; (line = strsep(&rest, "\n")) != NULL;)
		if (rest != NULL) {
			ov_screen_cell(out, line, 0, OV_SCREEN_LEFT);
			fputc('\n', out);
		}
}

static enum ov_status
why(struct ov_cli *cli, struct ov_home *home, const char *name)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = NULL;
	enum ov_status st;

	f = open_memstream(&text, &len);
	OV_REQUIRE(f != NULL, OV_E_NOMEM);
	st = ov_book_why(f, home->db, name);
	OV_REQUIRE(fclose(f) == 0, OV_E_NOMEM);
	if (st == OV_OK && cli->json)
		st = write_lines(cli->out, name, text);
	else if (st == OV_OK)
		print_lines(cli->out, text);
	if (st == OV_E_NOT_FOUND)
		st = ov_cli_fail(cli, st,
		    "no account of the book has a row of that name, id or domain");
done:
	free(text);
	return st;
}

static enum ov_status
rebuild(struct ov_cli *cli, struct ov_home *home)
{
	enum ov_status st;

	OV_TRY(ov_home_claim_within(home, OV_HOME_CLAIM_WAIT_MS));
	OV_TRY(ov_freeze_keep_accounts(home));
	OV_TRY(ov_book_rebuild(home->db));
	OV_TRY(stats(cli, home));
done:
	return st;
}

enum ov_status
ov_verb_accounts(struct ov_cli *cli, int argc, char **argv)
{
	static const struct option none[] = { { NULL, 0, NULL, 0 } };
	const char *what;
	struct ov_home *home = NULL;
	int n;
	enum ov_status st;

	if (getopt_long(argc, argv, "", none, NULL) != -1)
		return ov_cli_bad_option(cli, argv, "accounts");
	what = optind < argc ? argv[optind] : "stats";
	n = optind < argc ? argc - optind : 1;
	OV_TRY(ov_normalise_init());
	OV_TRY(ov_cli_home(&home, cli));
	if (strcmp(what, "stats") == 0 && n == 1)
		st = stats(cli, home);
	else if (strcmp(what, "why") == 0 && n == 2)
		st = why(cli, home, argv[optind + 1]);
	else if (strcmp(what, "rebuild") == 0 && n == 1)
		st = rebuild(cli, home);
	else
		st = ov_cli_fail(
		    cli, OV_E_USAGE, "accounts takes `stats`, `why NAME` or `rebuild`");
done:
	ov_home_close(home);
	return st;
}
