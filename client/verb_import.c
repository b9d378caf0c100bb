/* overlap import: a CSV export of the CRM becomes the book. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "client/book/book.h"
#include "client/cli_fault.h"
#include "client/examples.h"
#include "client/job/freeze.h"
#include "client/progress.h"
#include "client/screen.h"
#include "client/stats_print.h"
#include "client/verbs.h"

const char ov_help_import[] =
    "usage: overlap import FILE.csv [--map FILE] [--population NAME] [--add]\n"
    "                      [--delimiter C] [--dry-run] [--show] [--json]\n"
    "\n"
    "Reads accounts from a CSV or tab-separated file (Salesforce, HubSpot and plain\n"
    "exports are understood; `-` is standard input) into the book of this home.  The "
    "file\n"
    "is the whole book afterwards, unless --add.  Nothing leaves this machine.  If\n"
    "anything is wrong, the book stays as it was.\n"
    "\n"
    "  --map FILE         which column is what, further columns, populations (YAML)\n"
    "  --population NAME  where accounts go that do not say it themselves\n"
    "  --add              its rows come to those that are there; a row with an id that "
    "is\n"
    "                     there takes that row's place\n"
    "  --delimiter C      `,`, `;` or `tab`; found out by itself otherwise\n"
    "  --dry-run          shows which columns would be taken for what; changes nothing\n"
    "  --show             shows examples of values that made no key\n"
    "\n"
    "JSON: file, encoding, delimiter, columns [{column, heading, field}], rows, "
    "replaced,\n"
    "repeated_ids, footers, empty, accounts_before, book {as `overlap accounts stats`},\n"
    "examples [{why, id, name, key, value}] with --show.\n"
    "Exit codes: 0 done; 1 this machine failed; 2 the file or the command is wrong; 5\n"
    "another overlap process works in this home.\n"
    "\n"
    "examples: overlap import accounts.csv\n"
    "          overlap import prospects.csv --population prospects --add\n";

struct import {
	struct ov_cli *cli;
	struct ov_home *home;
	const char *path, *map_path;
	struct ov_import_options options;
	bool dry, show;
	FILE *f;
	uint64_t size; /* bytes of the file; 0: not known */
	uint64_t accounts_before;
	struct ov_map *map;
	struct ov_import_result *result;
	struct ov_book_stats stats;
	struct ov_progress progress;
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
read_options(struct import *im, int argc, char **argv)
{
	static const struct option options[] = { { "map", required_argument, NULL, 'm' },
		{ "population", required_argument, NULL, 'p' },
		{ "add", no_argument, NULL, 'a' },
		{ "delimiter", required_argument, NULL, 'd' },
		{ "dry-run", no_argument, NULL, 'n' }, { "show", no_argument, NULL, 's' },
		{ NULL, 0, NULL, 0 } };
	enum ov_status st = OV_OK;

	for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		if (c == 'm')
			im->map_path = optarg;
		else if (c == 'p')
			im->options.population = optarg;
		else if (c == 'a')
			im->options.mode = OV_IMPORT_ADD;
		else if (c == 'd')
			OV_TRY(read_delimiter(im, optarg));
		else if (c == 'n')
			im->dry = true;
		else if (c == 's')
			im->show = true;
		else
			return ov_cli_bad_option(im->cli, argv, "import");
	}
	if (optind != argc - 1)
		return ov_cli_fail(
		    im->cli, OV_E_USAGE, "name one file: overlap import FILE.csv");
	im->path = argv[optind];
done:
	return st;
}

/* --- reading --- */

static enum ov_status
open_file(struct import *im)
{
	struct stat sb;

	im->f = strcmp(im->path, "-") == 0 ? stdin : fopen(im->path, "re");
	if (im->f == NULL)
		return ov_cli_no_file(im->cli, im->path);
	if (fstat(fileno(im->f), &sb) != 0)
		return ov_cli_no_file(im->cli, im->path);
	if (S_ISDIR(sb.st_mode)) {
		errno = EISDIR;
		return ov_cli_no_file(im->cli, im->path);
	}
	if (S_ISREG(sb.st_mode) && sb.st_size > 0)
		im->size = (uint64_t)sb.st_size;
	return OV_OK;
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

/* How many rows there will be follows from how much of the file they took so far. */
static void
show_progress(void *ctx, uint64_t rows)
{
	struct import *im = ctx;
	off_t at = im->size > 0 ? ftello(im->f) : -1;
	uint64_t all = 0;

	if (at > 0)
		all = (uint64_t)((double)rows * (double)im->size / (double)at);
	ov_progress_update(&im->progress, rows, all);
}

static enum ov_status
run_import(struct import *im)
{
	enum ov_status st;

	OV_TRY(ov_book_stats(&im->stats, im->home->db));
	im->accounts_before = im->stats.records;
	/* open jobs go on with the accounts that they began with */
	OV_TRY(ov_freeze_keep_accounts(im->home));
	ov_progress_start(&im->progress, "importing", "rows");
	im->options.progress = show_progress;
	im->options.progress_ctx = im;
	st = ov_book_import(im->result, im->home->db, im->f, &im->options, &im->fault);
	ov_progress_end(&im->progress);
	if (st != OV_OK)
		return ov_cli_fault(im->cli, st, im->path, &im->fault);
	OV_TRY(ov_book_stats(&im->stats, im->home->db));
done:
	return st;
}

/* A dry run: columns are decided, rows are counted, nothing is stored. */
static enum ov_status
look_at_row(void *ctx, const struct ov_table_row *row)
{
	struct import *im = ctx;
	struct ov_import_result *r = im->result;

	if (row->number == 0)
		return ov_columns_guess(&r->columns, row, im->map, &im->fault);
	if (ov_columns_is_footer(&r->columns, row))
		r->footers++;
	else
		r->rows++;
	return OV_OK;
}

static enum ov_status
check_population(struct import *im)
{
	const char *name = im->options.population;
	struct ov_populations p;

	ov_populations_default(&p);
	if (im->map != NULL)
		p = *ov_map_populations(im->map);
	if (name == NULL ||
	    ov_population_find(&p, name, strlen(name)) != OV_POPULATION_NONE)
		return OV_OK;
	return ov_fault_set(&im->fault, OV_E_IMPORT_COLUMNS, 0,
	    "there is no population `%s`; name it under `populations:` of a mapping file",
	    name);
}

static enum ov_status
run_dry(struct import *im)
{
	enum ov_status st;

	OV_TRY(check_population(im));
	OV_TRY(ov_table_read(im->f, im->options.delimiter, look_at_row, im,
	    &im->result->table, &im->fault));
done:
	return st == OV_OK ? st : ov_cli_fault(im->cli, st, im->path, &im->fault);
}

/* --- printing --- */

static const char *
delimiter_name(char c)
{
	return c == '\t' ? "tab" : c == ';' ? "semicolon" : "comma";
}

static void
print_line(FILE *out, uint64_t n, const char *text)
{
	char count[OV_COUNT_TEXT];

	if (n > 0)
		fprintf(out, "%s %s\n", ov_count_text(count, n), text);
}

static enum ov_status
print_example(void *arg, const struct ov_example *e)
{
	FILE *out = ((struct import *)arg)->cli->out;

	fprintf(out, "  no %s from \"", e->key);
	ov_screen_cell(out, e->value, 0, OV_SCREEN_LEFT);
	fputs("\" of ", out);
	ov_screen_cell(out, e->name[0] != '\0' ? e->name : e->id, 0, OV_SCREEN_LEFT);
	fprintf(out, ": %s\n", e->why);
	return OV_OK;
}

/* That every row went to one population is easily overlooked. */
static void
print_no_population(const struct import *im)
{
	const struct ov_columns *c = &im->result->columns;

	if (im->options.population != NULL || im->map != NULL)
		return;
	for (size_t i = 0; i < c->n; i++)
		if (c->field[i] == OV_FIELD_TYPE || c->field[i] == OV_FIELD_LIFECYCLE ||
		    c->field[i] == OV_FIELD_STAGE || c->field[i] == OV_FIELD_POPULATION)
			return;
	fputs("No column says who is a customer: all rows are prospects.  --population "
	      "NAME puts\nthem elsewhere, --map names the column.\n",
	    im->cli->out);
}

static enum ov_status
print_text(struct import *im)
{
	const struct ov_import_result *r = im->result;
	char count[OV_COUNT_TEXT];
	FILE *out = im->cli->out;
	enum ov_status st = OV_OK;

	fprintf(out, "%s, separated by %ss, %s rows\n\nColumns taken\n",
	    ov_encoding_name(r->table.encoding), delimiter_name(r->table.delimiter),
	    ov_count_text(count, r->rows));
	ov_columns_explain(out, &r->columns);
	fputc('\n', out);
	print_line(out, r->footers, "lines are no accounts (totals and the like)");
	print_line(out, r->empty, "lines have no name, website, e-mail or registry id");
	print_line(out, r->replaced, "rows took the place of rows with their id");
	print_line(
	    out, r->repeated_ids, "rows have an id that stands on another row too");
	print_line(
	    out, r->table.stray_quotes, "stray quotation marks were taken as text");
	print_no_population(im);
	if (im->dry) {
		fputs("Nothing was changed.  Wrong columns are set right with --map.\n",
		    out);
		return OV_OK;
	}
	if (im->accounts_before > 0)
		fprintf(out, "Before: %s accounts\n",
		    ov_count_text(count, im->accounts_before));
	ov_stats_print(out, &im->stats);
	if (im->show) {
		fputs("\nExamples\n", out);
		OV_TRY(ov_examples(im->home->db, print_example, im));
	}
	fputs("\n`overlap accounts why NAME` shows all keys of one account", out);
	fputs(im->show ? ".\n" : "; --show, values that made no key.\n", out);
done:
	return st;
}

static enum ov_status
put_example(void *arg, const struct ov_example *e)
{
	struct ov_json *at = ov_json_object(arg, NULL);

	ov_json_text(at, "why", e->why);
	ov_json_text(at, "id", e->id);
	ov_json_text(at, "name", e->name);
	ov_json_text(at, "key", e->key);
	ov_json_text(at, "value", e->value);
	return OV_OK;
}

static void
put_columns(struct ov_json *doc, const struct ov_columns *c)
{
	struct ov_json *list = ov_json_array(doc, "columns"), *at;

	for (size_t i = 0; i < c->n; i++) {
		if (c->field[i] == OV_FIELD_NONE)
			continue;
		at = ov_json_object(list, NULL);
		ov_json_number(at, "column", i + 1);
		ov_json_text(at, "heading", c->heading[i]);
		ov_json_text(at, "field", ov_field_name((enum ov_field)c->field[i]));
	}
}

static enum ov_status
print_json(struct import *im)
{
	const struct ov_import_result *r = im->result;
	struct ov_json *doc = ov_json_new();
	enum ov_status st = OV_OK;

	ov_json_text(doc, "file", im->path);
	ov_json_bool(doc, "dry_run", im->dry);
	ov_json_text(doc, "encoding", ov_encoding_name(r->table.encoding));
	ov_json_text(doc, "delimiter", delimiter_name(r->table.delimiter));
	put_columns(doc, &r->columns);
	ov_json_number(doc, "rows", r->rows);
	ov_json_number(doc, "footers", r->footers);
	if (!im->dry) {
		ov_json_number(doc, "replaced", r->replaced);
		ov_json_number(doc, "repeated_ids", r->repeated_ids);
		ov_json_number(doc, "empty", r->empty);
		ov_json_number(doc, "accounts_before", im->accounts_before);
		ov_stats_json(ov_json_object(doc, "book"), &im->stats);
		if (im->show)
			OV_TRY(ov_examples(
			    im->home->db, put_example, ov_json_array(doc, "examples")));
	}
	st = ov_json_write(im->cli->out, doc);
done:
	ov_json_free(doc);
	return st;
}

enum ov_status
ov_verb_import(struct ov_cli *cli, int argc, char **argv)
{
	struct import *im = calloc(1, sizeof(*im));
	enum ov_status st;

	OV_REQUIRE(im != NULL, OV_E_NOMEM);
	im->cli = cli;
	im->result = calloc(1, sizeof(*im->result));
	OV_REQUIRE(im->result != NULL, OV_E_NOMEM);
	OV_TRY(read_options(im, argc, argv));
	OV_TRY(ov_normalise_init());
	OV_TRY(ov_cli_home(&im->home, cli));
	OV_TRY(read_map(im));
	OV_TRY(open_file(im));
	if (!im->dry)
		OV_TRY(ov_home_claim_within(im->home, OV_HOME_CLAIM_WAIT_MS));
	OV_TRY(im->dry ? run_dry(im) : run_import(im));
	OV_TRY(cli->json ? print_json(im) : print_text(im));
done:
	if (im != NULL) {
		if (im->f != NULL && im->f != stdin)
			fclose(im->f);
		ov_map_free(im->map);
		ov_home_close(im->home);
		free(im->result);
	}
	free(im);
	return st;
}
