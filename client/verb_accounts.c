/* overlap accounts: what is in the book, and why an account has the keys it has. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "client/book/book.h"
#include "client/job/freeze.h"
#include "client/screen.h"
#include "client/stats_print.h"
#include "client/verb_erase.h"
#include "client/verbs.h"

#define NO_ACCOUNT                                                                       \
	"no account of the book has a row of that name, id or domain; take them as "     \
	"the export has them"

const char ov_help_accounts[] =
    "usage: overlap accounts [stats] [--json]\n"
    "       overlap accounts why NAME-OR-ID [NAME-OR-ID] [--json]\n"
    "       overlap accounts alias [--json]\n"
    "       overlap accounts alias add NAME-OR-ID [--domain D]... [--name N]...\n"
    "       overlap accounts alias remove NAME-OR-ID [--domain D]... [--name N]...\n"
    "       overlap accounts erase ID-OR-NAME [--absent] [--yes] [--json]\n"
    "       overlap accounts erase --list | --undo ID [--json]\n"
    "       overlap accounts rebuild\n"
    "\n"
    "  stats    accounts and rows by population, keys by kind, what made no key and why\n"
    "  why      for each account with a row of this name, id or domain: its population,\n"
    "           its keys, by which profile, and why other values of it are none; of "
    "two,\n"
    "           why they are one account or two\n"
    "  alias    further domains and former names of accounts, which no export has: they\n"
    "           make keys as the export's own do.  They belong to the account's id, so\n"
    "           they stay when the list is imported again.  Without more: lists them\n"
    "  erase    deletes one account and all that this home keeps of it, also in stored\n"
    "           reports, and leaves it out of later imports; it says what it will "
    "delete\n"
    "           and asks, --yes agrees.  --list: when accounts were erased (which ones "
    "is\n"
    "           not kept in readable form); --undo: the next import may bring it again.\n"
    "           --absent: also if nothing here has that id, domain or name (a company "
    "that\n"
    "           is in no list any more): imports leave out every row that has it\n"
    "  rebuild  makes all keys anew from the stored rows, after a new release came with\n"
    "           new rules (`stats` says when that is so)\n"
    "\n"
    "JSON of stats: rows, accounts, matchable, name_only, unmatchable, populations\n"
    "[{name, accounts, rows}], keys {lei, cik, duns, vat, domain, namecc, name, id}, "
    "dropped\n"
    "[{why, values}], stale.  JSON of why: name, lines.  JSON of alias: aliases [{id, "
    "kind,\n"
    "value, name}].  JSON of erase: rows, held_rows, aliases, kept_names, matches, "
    "marks;\n"
    "of --list: n, accounts [{erased}]; of --undo: forgotten.\n"
    "Exit codes: 0 done; 1 this machine failed; 2 no such account, or the command is\n"
    "wrong; 4 an open job has the account that is to be erased; 5 another overlap "
    "process\n"
    "works in this home.\n"
    "\n"
    "examples: overlap accounts stats\n"
    "          overlap accounts why 'Ajax Manufacturing'\n"
    "          overlap accounts alias add 0015e00000Ab1Cd --domain ajax-old.com\n";

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

/* Of one account, or, with a second name, of the two. */
static enum ov_status
why(struct ov_cli *cli, struct ov_home *home, const char *name, const char *second)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = NULL;
	enum ov_status st;

	f = open_memstream(&text, &len);
	OV_REQUIRE(f != NULL, OV_E_NOMEM);
	st = second == NULL ? ov_book_why(f, home->db, name)
			    : ov_book_why_two(f, home->db, name, second);
	OV_REQUIRE(fclose(f) == 0, OV_E_NOMEM);
	if (st == OV_OK && cli->json)
		st = write_lines(cli->out, name, text);
	else if (st == OV_OK)
		print_lines(cli->out, text);
	if (st == OV_E_NOT_FOUND)
		st = ov_cli_fail(cli, st,
		    second == NULL
			? NO_ACCOUNT
			: "one of the two is no name, id or domain of the book");
	if (st == OV_E_DB_CONFLICT)
		st = ov_cli_fail(
		    cli, OV_E_USAGE, "both are the same row: name two of them, by id");
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

/* --- aliases --- */

#define ALIASES_AT_ONCE 32

struct aliases {
	struct ov_cli *cli;
	struct ov_home *home;
	struct ov_json *list; /* with --json */
	size_t n;	      /* of those named on the command line */
	struct {
		enum ov_alias_kind kind;
		const char *value;
	} named[ALIASES_AT_ONCE];
};

static enum ov_status
show_alias(void *arg, const struct ov_alias *alias)
{
	const char *kind = alias->kind == OV_ALIAS_DOMAIN ? "domain" : "name";
	struct aliases *a = arg;
	struct ov_json *at;

	a->n++;
	if (a->cli->json) {
		at = ov_json_object(a->list, NULL);
		ov_json_text(at, "id", alias->id);
		ov_json_text(at, "kind", kind);
		ov_json_text(at, "value", alias->value);
		ov_json_text(at, "name", alias->name);
		return OV_OK;
	}
	ov_screen_cell(a->cli->out, alias->id, 20, OV_SCREEN_LEFT);
	fprintf(a->cli->out, "  %-6s  ", kind);
	ov_screen_cell(a->cli->out, alias->value, 0, OV_SCREEN_LEFT);
	fputs("  of ", a->cli->out);
	ov_screen_cell(a->cli->out,
	    alias->name != NULL ? alias->name : "no account that is in the book", 0,
	    OV_SCREEN_LEFT);
	fputc('\n', a->cli->out);
	return OV_OK;
}

static enum ov_status
list_aliases(struct aliases *a)
{
	struct ov_json *doc = NULL;
	enum ov_status st;

	if (a->cli->json) {
		doc = ov_json_new();
		a->list = ov_json_array(doc, "aliases");
	}
	OV_TRY(ov_alias_each(a->home->db, NULL, show_alias, a));
	if (a->cli->json)
		OV_TRY(ov_json_write(a->cli->out, doc));
	else if (a->n == 0)
		fputs("No aliases: `overlap accounts alias add NAME-OR-ID --domain D`\n",
		    a->cli->out);
done:
	ov_json_free(doc);
	return st;
}

/* What could never be a key is refused at once. */
static enum ov_status
check_alias(struct aliases *a, enum ov_alias_kind kind, const char *value)
{
	char key[OV_TOKEN_VALUE_CAP];
	size_t len = strlen(value);
	enum ov_drop why;

	if (len > OV_ALIAS_VALUE_MAX)
		why = OV_DROP_TOO_LONG;
	else if (strpbrk(value, "\n\r\t") != NULL)
		why = OV_DROP_CONTROL;
	else if (kind == OV_ALIAS_DOMAIN)
		why = ov_normalise_domain(
		    ov_profile_current(), key, value, len, OV_FROM_WEBSITE);
	else
		why = ov_normalise_name(ov_profile_current(), key, value, len, NULL);
	if (why == OV_DROP_NONE)
		return OV_OK;
	return ov_cli_fail(a->cli, OV_E_USAGE, "%s `%.60s` makes no key: %s",
	    kind == OV_ALIAS_DOMAIN ? "domain" : "name", value, ov_drop_text(why));
}

static enum ov_status
find_account(char **id, struct aliases *a, const char *text)
{
	enum ov_status st = ov_alias_account(id, a->home->db, text);

	if (st == OV_E_NOT_FOUND)
		return ov_cli_fail(a->cli, st, NO_ACCOUNT);
	if (st == OV_E_DB_CONFLICT)
		return ov_cli_fail(a->cli, OV_E_USAGE,
		    "several accounts have that name or domain; give the id (`overlap "
		    "accounts why` shows it)");
	if (st == OV_E_BOOK_EMPTY)
		return ov_cli_fail(a->cli, OV_E_USAGE,
		    "that account has no id of its own, by which an alias could be kept; "
		    "import with the id column");
	return st;
}

static enum ov_status
change_aliases(struct aliases *a, const char *account, bool add)
{
	char *id = NULL;
	enum ov_status st = OV_OK;

	for (size_t i = 0; i < a->n && add; i++)
		OV_TRY(check_alias(a, a->named[i].kind, a->named[i].value));
	OV_TRY(ov_home_claim_within(a->home, OV_HOME_CLAIM_WAIT_MS));
	OV_TRY(find_account(&id, a, account));
	OV_TRY(ov_freeze_keep_accounts(a->home));
	OV_TRY(ov_db_begin(a->home->db));
	for (size_t i = 0; i < a->n; i++) {
		st = (add ? ov_alias_add : ov_alias_remove)(
		    a->home->db, id, a->named[i].kind, a->named[i].value);
		if (st == OV_E_NOT_FOUND)
			st = ov_cli_fail(a->cli, st,
			    "that account has no alias `%.60s`; `overlap accounts alias` "
			    "lists them",
			    a->named[i].value);
		OV_TRY(st);
	}
	OV_TRY(ov_book_rebuild_within(a->home->db));
	OV_TRY(ov_db_commit(a->home->db, "book.alias"));
	a->n = 0;
	st = a->cli->json ? list_aliases(a) : why(a->cli, a->home, id, NULL);
done:
	ov_db_rollback(a->home->db);
	free(id);
	return st;
}

static enum ov_status
alias(struct aliases *a, int n, char **word)
{
	bool add = n > 1 && strcmp(word[0], "add") == 0;

	if (n == 0 && a->n == 0)
		return list_aliases(a);
	if (n == 2 && a->n > 0 && (add || strcmp(word[0], "remove") == 0))
		return change_aliases(a, word[1], add);
	return ov_cli_fail(a->cli, OV_E_USAGE,
	    "alias takes nothing, or `add NAME-OR-ID` or `remove NAME-OR-ID` with "
	    "--domain D or --name N");
}

static enum ov_status
read_options(struct aliases *a, int argc, char **argv)
{
	static const struct option options[] = { { "domain", required_argument, NULL,
						     'd' },
		{ "name", required_argument, NULL, 'n' }, { NULL, 0, NULL, 0 } };

	for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		if (c == '?')
			return ov_cli_bad_option(a->cli, argv, "accounts");
		if (a->n == ALIASES_AT_ONCE)
			return ov_cli_fail(a->cli, OV_E_USAGE,
			    "at most %d aliases at once", ALIASES_AT_ONCE);
		a->named[a->n].kind = c == 'd' ? OV_ALIAS_DOMAIN : OV_ALIAS_NAME;
		a->named[a->n++].value = optarg;
	}
	return OV_OK;
}

enum ov_status
ov_verb_accounts(struct ov_cli *cli, int argc, char **argv)
{
	struct aliases a = { .cli = cli };
	struct ov_home *home = NULL;
	const char *what;
	int n;
	enum ov_status st;

	OV_TRY(ov_normalise_init());
	if (argc > 1 && strcmp(argv[1], "erase") == 0)
		return ov_verb_erase(cli, argc - 1, argv + 1);
	OV_TRY(read_options(&a, argc, argv));
	what = optind < argc ? argv[optind] : "stats";
	n = optind < argc ? argc - optind : 1;
	OV_TRY(ov_cli_home(&home, cli));
	a.home = home;
	if (strcmp(what, "alias") == 0)
		st = alias(&a, n - 1, argv + optind + 1);
	else if (a.n > 0)
		st = ov_cli_fail(
		    cli, OV_E_USAGE, "--domain and --name go with `accounts alias`");
	else if (strcmp(what, "stats") == 0 && n == 1)
		st = stats(cli, home);
	else if (strcmp(what, "why") == 0 && (n == 2 || n == 3))
		st = why(cli, home, argv[optind + 1], n == 3 ? argv[optind + 2] : NULL);
	else if (strcmp(what, "why") == 0)
		st = ov_cli_fail(cli, OV_E_USAGE, "why takes one NAME-OR-ID, or two");
	else if (strcmp(what, "rebuild") == 0 && n == 1)
		st = rebuild(cli, home);
	else
		st = ov_cli_fail(cli, OV_E_USAGE,
		    "accounts takes `stats`, `why NAME-OR-ID`, `alias`, `erase` or "
		    "`rebuild`");
done:
	ov_home_close(home);
	return st;
}
