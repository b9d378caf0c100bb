/* overlap import: exports of the CRM become the book. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/book/book.h"
#include "client/cli_fault.h"
#include "client/erase.h"
#include "client/hold.h"
#include "client/import_print.h"
#include "client/job/freeze.h"
#include "client/progress.h"
#include "client/screen.h"
#include "client/verbs.h"

const char ov_help_import[] =
    "usage: overlap import FILE... [--replace | --add | --update] [--map FILE]\n"
    "                      [--population NAME] [--delimiter C] [--accept] [--dry-run]\n"
    "                      [--show] [--json]\n"
    "\n"
    "Reads accounts, and deals (opportunities) that belong to them, from CSV or\n"
    "tab-separated files into the book of this home.  Reports and API exports of\n"
    "Salesforce, exports of HubSpot, Crossbeam's sheet and plain tables are understood\n"
    "as they are; `-` is standard input.  Deals find their accounts by the account's "
    "id,\n"
    "else by its name: a won one makes a customer, an open one an open opportunity.\n"
    "Salesforce's account ids of 15 characters are kept in their form of 18.\n"
    "Nothing leaves this machine.  If anything is wrong, the book stays as it was.\n"
    "\n"
    "  --replace          the files are the whole book afterwards (this is the default)\n"
    "  --add              their rows come to those that are there; a row with an id "
    "that\n"
    "                     is there takes that row's place\n"
    "  --update           cells take the place of those of the row with that id; empty\n"
    "                     ones change nothing, and rows with other ids are left out.\n"
    "                     Deals take the place of what deals before said of an "
    "account;\n"
    "                     with --add they come beside it\n"
    "  --map FILE         which column is what, further columns, populations (YAML)\n"
    "  --population NAME  where accounts go that do not say it themselves\n"
    "  --delimiter C      `,`, `;` or `tab`; found out by itself otherwise\n"
    "  --accept           takes a file that would be held\n"
    "  --dry-run          shows what each column is taken for, the first rows, and the\n"
    "                     report, and changes nothing\n"
    "  --show             shows examples of values that made no key, which a terminal\n"
    "                     shows anyway\n"
    "\n"
    "A file that is to be the whole book, and has fewer than half of its rows or lacks "
    "a\n"
    "column that the one before had, is held: the book stays as it was, and a person\n"
    "decides in `overlap inbox`.  The newest such file counts.\n"
    "\n"
    "Columns that are not recognised are not read; so owners, contacts, telephone\n"
    "numbers and e-mail addresses (but for their domains) stay in the file.  `owner:` "
    "in\n"
    "the mapping file keeps the account's owner; a person never becomes a key.\n"
    "\n"
    "A ticker is a key with its exchange, in a column beside it or before it "
    "(NYSE:IBM);\n"
    "a cell may hold several (NYSE: ABC; LSE: ABCL).\n"
    "\n"
    "A mapping file, each part of which may be left out:\n"
    "  columns: {name: Firma, website: [Web, Shop], owner: Account Owner,\n"
    "            id:acme: Partner ID}    # an id:<scheme>, of a list of ids that you "
    "and\n"
    "                                    # the partner have: the same word on both "
    "sides\n"
    "  ignore: [Email]                   # not to be guessed\n"
    "  keep: [Tech Stack]                # further columns, for the ICP\n"
    "  populations: {customers: [Kunde], prospects: []}\n"
    "  default: prospects                # who says nothing\n"
    "\n"
    "JSON: dry_run, files [{file, kind, encoding, delimiter, columns [{column, heading,\n"
    "field}], rows, footers, empty, first_rows}], rows (accounts), deals {read, joined,\n"
    "accounts_named_by_deals_alone, without_account}, replaced, updated, unknown_ids,\n"
    "repeated_ids, erased, held {rows, rows_before, shrank, lost_columns} or null,\n"
    "accounts_before, book {as `overlap accounts stats`} or null, examples [{why, id,\n"
    "name, key, value}].\n"
    "Exit codes: 0 done; 1 this machine failed; 2 the file or the command is wrong; 4 "
    "the\n"
    "import is held; 5 another overlap process works in this home.\n"
    "\n"
    "examples: overlap import accounts.csv\n"
    "          overlap import accounts.csv opportunities.csv --dry-run\n"
    "          overlap import prospects.csv --population prospects --add\n";

/* What is printed of a file, gathered while it is read. */
struct gathered {
	const char *path;
	uint64_t size; /* bytes; 0: not known */
	FILE *rows;    /* text of its first rows */
	char *text;
	size_t len;
	struct ov_json *json; /* its object, and the list of its first rows */
	struct ov_json *first_rows;
};

struct import {
	struct ov_cli *cli;
	struct ov_home *home;
	const char *map_path;
	struct ov_import_options options;
	struct ov_import_result result;
	struct ov_import_file file[OV_IMPORT_FILES_MAX];
	struct gathered gathered[OV_IMPORT_FILES_MAX];
	bool show;
	uint64_t size; /* of all; 0: not known */
	uint64_t accounts_before;
	struct ov_map *map;
	struct ov_examples *examples;
	struct ov_erased *erased;
	FILE *example_lines;
	char *example_text;
	size_t example_len;
	struct ov_json *doc; /* with --json */
	struct ov_json *example_list;
	struct ov_book_stats stats;
	struct ov_progress progress;
	enum ov_build_phase phase;
	struct ov_fault fault;
};

/* --- the command line --- */

static enum ov_status
read_delimiter(struct import *im, const char *text)
{
	if (strcmp(text, "tab") == 0 || strcmp(text, "\\t") == 0)
		text = "\t";
	if (strlen(text) != 1 || strchr(",;\t", text[0]) == NULL)
		return ov_cli_fail(
		    im->cli, OV_E_USAGE, "--delimiter takes `,`, `;` or `tab`");
	im->options.delimiter = text[0];
	return OV_OK;
}

static enum ov_status
read_option(struct import *im, int c, char **argv)
{
	switch (c) {
	case 'm':
		im->map_path = optarg;
		return OV_OK;
	case 'p':
		im->options.population = optarg;
		return OV_OK;
	case 'd':
		return read_delimiter(im, optarg);
	case 'y':
		im->options.accept = true;
		return OV_OK;
	case 'n':
		im->options.dry = true;
		return OV_OK;
	case 's':
		im->show = true;
		return OV_OK;
	default:
		return ov_cli_bad_option(im->cli, argv, "import");
	}
}

static enum ov_status
read_options(struct import *im, int argc, char **argv)
{
	static const struct option options[] = { { "map", required_argument, NULL, 'm' },
		{ "population", required_argument, NULL, 'p' },
		{ "replace", no_argument, NULL, 'r' }, { "add", no_argument, NULL, 'a' },
		{ "update", no_argument, NULL, 'u' },
		{ "delimiter", required_argument, NULL, 'd' },
		{ "accept", no_argument, NULL, 'y' },
		{ "dry-run", no_argument, NULL, 'n' }, { "show", no_argument, NULL, 's' },
		{ NULL, 0, NULL, 0 } };
	int modes = 0;
	enum ov_status st = OV_OK;

	for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		if (c == 'r' || c == 'a' || c == 'u') {
			modes++;
			im->options.mode = c == 'a'   ? OV_IMPORT_ADD
					   : c == 'u' ? OV_IMPORT_UPDATE
						      : OV_IMPORT_REPLACE;
		} else {
			OV_TRY(read_option(im, c, argv));
		}
	}
	if (modes > 1)
		return ov_cli_fail(
		    im->cli, OV_E_USAGE, "one of --replace, --add and --update");
	if (optind == argc)
		return ov_cli_fail(
		    im->cli, OV_E_USAGE, "name a file: overlap import FILE.csv");
	if (argc - optind > OV_IMPORT_FILES_MAX)
		return ov_cli_fail(
		    im->cli, OV_E_USAGE, "at most %d files at once", OV_IMPORT_FILES_MAX);
	for (; optind < argc; optind++)
		im->gathered[im->result.n_files++].path = argv[optind];
done:
	return st;
}

/* --- reading --- */

static enum ov_status
open_file(struct import *im, size_t i)
{
	struct gathered *g = &im->gathered[i];
	FILE **f = &im->file[i].f;
	struct stat sb;

	*f = strcmp(g->path, "-") == 0 ? stdin : fopen(g->path, "re");
	if (*f == NULL || fstat(fileno(*f), &sb) != 0)
		return ov_cli_no_file(im->cli, g->path);
	if (S_ISDIR(sb.st_mode)) {
		errno = EISDIR;
		return ov_cli_no_file(im->cli, g->path);
	}
	if (S_ISREG(sb.st_mode) && sb.st_size > 0)
		g->size = (uint64_t)sb.st_size;
	return OV_OK;
}

static enum ov_status
open_files(struct import *im)
{
	bool known = true;
	enum ov_status st = OV_OK;

	im->result.file = im->file;
	for (size_t i = 0; i < im->result.n_files; i++) {
		OV_TRY(open_file(im, i));
		known = known && im->gathered[i].size > 0;
		im->size += im->gathered[i].size;
	}
	if (!known)
		im->size = 0;
done:
	return st;
}

static enum ov_status
read_map(struct import *im)
{
	enum ov_status st;

	if (im->map_path == NULL)
		return OV_OK;
	st = ov_map_read_file(&im->map, im->map_path, &im->fault);
	im->options.map = im->map;
	return st == OV_OK ? st : ov_cli_fault(im->cli, st, im->map_path, &im->fault);
}

/* --- while it runs --- */

/* How many rows there will be follows from how much of the files they took so far. */
static uint64_t
guess_rows(struct import *im, uint64_t rows)
{
	off_t at = im->size > 0 ? ftello(im->file[im->result.at].f) : -1;
	uint64_t before = 0;

	for (size_t i = 0; i < im->result.at; i++)
		before += im->gathered[i].size;
	if (at <= 0)
		return 0;
	return (
	    uint64_t)((double)rows * (double)im->size / (double)(before + (uint64_t)at));
}

static void
show_progress(void *ctx, enum ov_build_phase phase, uint64_t done, uint64_t all)
{
	static const char *const work[] = { "reading", "making keys", "writing" };
	static const char *const unit[] = { "rows", "rows", "accounts" };
	struct import *im = ctx;

	if (phase != im->phase) {
		ov_progress_end(&im->progress);
		ov_progress_start(&im->progress, work[phase], unit[phase]);
		im->phase = phase;
	}
	if (phase == OV_BUILD_READING)
		all = guess_rows(im, done);
	ov_progress_update(&im->progress, done, all);
}

static enum ov_status
keep_row(void *ctx, const struct ov_import_file *file, const struct ov_row *row)
{
	struct import *im = ctx;
	struct gathered *g = &im->gathered[file - im->file];

	if (im->cli->json)
		ov_import_put_row(g->first_rows, &file->columns, row);
	else
		ov_import_print_row(g->rows, &file->columns, row);
	return OV_OK;
}

static enum ov_status
keep_example(void *arg, const struct ov_example *e)
{
	struct import *im = arg;
	struct ov_json *at;

	if (im->cli->json) {
		at = ov_json_object(im->example_list, NULL);
		ov_json_text(at, "why", e->why);
		ov_json_text(at, "id", e->id);
		ov_json_text(at, "name", e->name);
		ov_json_text(at, "key", e->key);
		ov_json_text(at, "value", e->value);
		return OV_OK;
	}
	fprintf(im->example_lines, "  no %s from \"", e->key);
	ov_screen_cell(im->example_lines, e->value, 0, OV_SCREEN_LEFT);
	fputs("\" of ", im->example_lines);
	ov_screen_cell(
	    im->example_lines, e->name[0] != '\0' ? e->name : e->id, 0, OV_SCREEN_LEFT);
	fprintf(im->example_lines, ": %s\n", e->why);
	return OV_OK;
}

/* Inside the import's transaction. */
static enum ov_status
conclude(void *ctx, const struct ov_import_result *r)
{
	struct import *im = ctx;
	enum ov_status st = OV_OK;

	if (!r->held || im->options.dry) {
		OV_TRY(ov_book_stats(&im->stats, im->home->db));
		if (im->examples != NULL)
			OV_TRY(ov_examples_each(
			    im->examples, im->home->db, keep_example, im));
	}
	/* the newest whole file counts, and says why it waits */
	if (im->options.mode == OV_IMPORT_REPLACE)
		OV_TRY(ov_hold_end(im->home, OV_HOLD_IMPORT));
	if (r->held)
		OV_TRY(ov_hold_put(im->home, OV_HOLD_IMPORT, NULL,
		    r->why.shrank ? OV_E_IMPORT_SHRANK : OV_E_IMPORT_LOST_COLUMN));
done:
	return st;
}

/* Where what is shown of files and examples will be gathered. */
static enum ov_status
prepare(struct import *im)
{
	struct ov_json *files;
	enum ov_status st = OV_OK;

	if (im->cli->json || im->show || isatty(STDOUT_FILENO) == 1)
		OV_TRY(ov_examples_new(&im->examples));
	im->options.examples = im->examples;
	im->options.preview = im->options.dry ? keep_row : NULL;
	im->options.progress = show_progress;
	im->options.end = conclude;
	im->options.ctx = im;
	im->doc = im->cli->json ? ov_json_new() : NULL;
	files = ov_json_array(im->doc, "files");
	im->example_list = ov_json_array(im->doc, "examples");
	for (size_t i = 0; i < im->result.n_files; i++) {
		struct gathered *g = &im->gathered[i];

		g->json = ov_json_object(files, NULL);
		g->first_rows = ov_json_array(g->json, "first_rows");
		g->rows = open_memstream(&g->text, &g->len);
		OV_REQUIRE(g->rows != NULL, OV_E_NOMEM);
	}
	im->example_lines = open_memstream(&im->example_text, &im->example_len);
	OV_REQUIRE(im->example_lines != NULL, OV_E_NOMEM);
done:
	return st;
}

static enum ov_status
run_import(struct import *im)
{
	enum ov_status st;

	OV_TRY(ov_book_stats(&im->stats, im->home->db));
	im->accounts_before = im->stats.records;
	/* open jobs go on with the accounts that they began with */
	if (!im->options.dry)
		OV_TRY(ov_freeze_keep_accounts(im->home));
	OV_TRY(ov_erase_memory(&im->erased, im->home));
	im->options.erased = im->erased;
	ov_progress_start(&im->progress, "reading", "rows");
	st = ov_book_import(&im->result, im->home->db, &im->options, &im->fault);
	ov_progress_end(&im->progress);
	if (st != OV_OK)
		return ov_cli_fault(
		    im->cli, st, im->gathered[im->result.at].path, &im->fault);
done:
	return st;
}

/* --- afterwards --- */

static enum ov_status
print(struct import *im)
{
	const char *paths[OV_IMPORT_FILES_MAX], *rows[OV_IMPORT_FILES_MAX];
	struct ov_json *files[OV_IMPORT_FILES_MAX];
	struct ov_import_report r = { &im->options, &im->result, paths, NULL,
		im->accounts_before,
		im->result.held && !im->options.dry ? NULL : &im->stats, NULL };

	if (fflush(im->example_lines) != 0)
		return OV_E_NOMEM;
	for (size_t i = 0; i < im->result.n_files; i++) {
		if (fflush(im->gathered[i].rows) != 0)
			return OV_E_NOMEM;
		paths[i] = im->gathered[i].path;
		rows[i] = im->gathered[i].text;
		files[i] = im->gathered[i].json;
	}
	if (im->cli->json) {
		ov_import_put_json(im->doc, files, &r);
		return ov_json_write(im->cli->out, im->doc);
	}
	r.rows = im->options.dry ? rows : NULL;
	r.examples = im->examples != NULL ? im->example_text : NULL;
	ov_import_print_text(im->cli->out, &r);
	return OV_OK;
}

/* A held import is told by the exit code, too: nightly ones have no other reader. */
static enum ov_status
verdict(const struct import *im)
{
	const struct ov_import_result *r = &im->result;

	if (!r->held || im->options.dry)
		return OV_OK;
	return r->why.shrank ? OV_E_IMPORT_SHRANK : OV_E_IMPORT_LOST_COLUMN;
}

static void
close_all(struct import *im)
{
	for (size_t i = 0; i < im->result.n_files; i++) {
		if (im->file[i].f != NULL && im->file[i].f != stdin)
			fclose(im->file[i].f);
		if (im->gathered[i].rows != NULL)
			fclose(im->gathered[i].rows);
		free(im->gathered[i].text);
	}
	if (im->example_lines != NULL)
		fclose(im->example_lines);
	free(im->example_text);
	ov_examples_free(im->examples);
	ov_erased_free(im->erased);
	ov_json_free(im->doc);
	ov_map_free(im->map);
	ov_home_close(im->home);
}

enum ov_status
ov_verb_import(struct ov_cli *cli, int argc, char **argv)
{
	struct import *im = calloc(1, sizeof(*im));
	enum ov_status st;

	OV_REQUIRE(im != NULL, OV_E_NOMEM);
	im->cli = cli;
	OV_TRY(read_options(im, argc, argv));
	OV_TRY(ov_normalise_init());
	OV_TRY(ov_cli_home(&im->home, cli));
	OV_TRY(read_map(im));
	OV_TRY(open_files(im));
	OV_TRY(prepare(im));
	OV_TRY(ov_home_claim_within(im->home, OV_HOME_CLAIM_WAIT_MS));
	OV_TRY(run_import(im));
	OV_TRY(print(im));
	OV_TRY(verdict(im));
done:
	if (im != NULL)
		close_all(im);
	free(im);
	return st;
}
