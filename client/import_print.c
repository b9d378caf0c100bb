#include "client/import_print.h"

#include <inttypes.h>
#include <string.h>

#include "client/screen.h"
#include "client/stats_print.h"

#define CELL_WIDTH 48 /* longer cells of first rows are cut on the screen */

static const char *
delimiter_name(char c)
{
	return c == '\t' ? "tab" : c == ';' ? "semicolon" : "comma";
}

static const char *
kind_name(const struct ov_import_file *f)
{
	return f->columns.kind == OV_TABLE_DEALS ? "deals" : "accounts";
}

/* --- first rows --- */

/* Fields of a row that are shown: each once, by number. */
static bool
is_shown(const struct ov_columns *c, const struct ov_row *row, int f)
{
	return f != OV_FIELD_DEAL && row->cell[f].len > 0 &&
	       memchr(c->field, f, c->n) != NULL;
}

void
ov_import_print_row(FILE *out, const struct ov_columns *c, const struct ov_row *row)
{
	const char *gap = "  ";

	for (int f = OV_FIELD_ID; f < OV_FIELD_ACCOUNTS; f++) {
		char cell[512];
		size_t n = 0;

		if (!is_shown(c, row, f))
			continue;
		for (; n < row->cell[f].len && n < sizeof(cell) - 1; n++)
			cell[n] = row->cell[f].p[n] == '\n' ? ' ' : row->cell[f].p[n];
		cell[n] = '\0';
		fprintf(out, "%s%s \"", gap, ov_field_name((enum ov_field)f));
		ov_screen_cell(out, cell,
		    ov_screen_width(cell) > CELL_WIDTH ? CELL_WIDTH : 0, OV_SCREEN_LEFT);
		fputc('"', out);
		gap = ", ";
	}
	fputc('\n', out);
}

void
ov_import_put_row(
    struct ov_json *list, const struct ov_columns *c, const struct ov_row *row)
{
	struct ov_json *at = ov_json_object(list, NULL);

	for (int f = OV_FIELD_ID; f < OV_FIELD_ACCOUNTS; f++)
		if (is_shown(c, row, f))
			ov_json_text(at, ov_field_name((enum ov_field)f), row->cell[f].p);
}

/* --- text --- */

static void
print_line(FILE *out, uint64_t n, const char *one, const char *many)
{
	char count[OV_COUNT_TEXT];

	if (n > 0)
		fprintf(out, "%s %s\n", ov_count_text(count, n), n == 1 ? one : many);
}

static void
print_file(FILE *out, const struct ov_import_report *r, size_t i)
{
	const struct ov_import_file *f = &r->result->file[i];
	char count[OV_COUNT_TEXT];

	if (i > 0)
		fputc('\n', out);
	ov_screen_cell(out, strcmp(r->path[i], "-") != 0 ? r->path[i] : "standard input",
	    0, OV_SCREEN_LEFT);
	fprintf(out, ": %s %.*s; %s, separated by %ss\n", ov_count_text(count, f->rows),
	    (int)strlen(kind_name(f)) - (f->rows == 1), kind_name(f),
	    ov_encoding_name(f->table.encoding), delimiter_name(f->table.delimiter));
	ov_columns_explain(out, &f->columns);
	if (r->rows != NULL)
		fprintf(out, "First rows\n%s", r->rows[i]);
	print_line(out, f->footers, "line is no account (totals and the like)",
	    "lines are no accounts (totals and the like)");
	print_line(out, f->empty, "line has no name, website, e-mail or registry id",
	    "lines have no name, website, e-mail or registry id");
	print_line(out, f->table.stray_quotes, "stray quotation mark was taken as text",
	    "stray quotation marks were taken as text");
}

static void
print_deals(FILE *out, const struct ov_deals_result *d)
{
	char a[OV_COUNT_TEXT], b[OV_COUNT_TEXT];

	if (d->deals == 0)
		return;
	if (d->joined > 0 || d->stand_ins == 0)
		fprintf(out, "%s of %s deals belong to accounts\n",
		    ov_count_text(a, d->joined), ov_count_text(b, d->deals));
	print_line(out, d->stand_ins,
	    "account is named by deals alone, and taken from there",
	    "accounts are named by deals alone, and taken from there");
	print_line(out, d->lost,
	    "deal belongs to an account that is not known and not named",
	    "deals belong to accounts that are not known and not named");
}

static void
print_ids(FILE *out, const struct ov_import_report *r)
{
	const struct ov_import_result *i = r->result;

	print_line(out, i->ids.replaced, "row gave its place to the one with its id",
	    "rows gave their place to those with their ids");
	if (r->options->mode == OV_IMPORT_UPDATE) {
		print_line(out, i->ids.updated, "row was updated", "rows were updated");
		print_line(out, i->ids.unknown_ids,
		    "id is not in the book: its row was left out (--add takes it in)",
		    "ids are not in the book: their rows were left out (--add takes them "
		    "in)");
	}
	print_line(out, i->erased, "row was left out: its account was erased",
	    "rows were left out: their accounts were erased");
	print_line(out, i->ids.repeated_ids,
	    "row has an id that stands on another row too",
	    "rows have an id that stands on another row too");
}

/* That every row went to one population is easily overlooked. */
static void
print_no_population(FILE *out, const struct ov_import_report *r)
{
	const struct ov_import_result *result = r->result;

	if (r->options->population != NULL || r->options->map != NULL ||
	    r->options->mode == OV_IMPORT_UPDATE || result->deals.deals > 0)
		return;
	for (size_t f = 0; f < result->n_files; f++) {
		const struct ov_columns *c = &result->file[f].columns;

		for (size_t i = 0; i < c->n; i++)
			if (c->field[i] == OV_FIELD_TYPE ||
			    c->field[i] == OV_FIELD_LIFECYCLE ||
			    c->field[i] == OV_FIELD_STAGE ||
			    c->field[i] == OV_FIELD_POPULATION)
				return;
	}
	fputs("No column says who is a customer: all rows are prospects.  --population "
	      "NAME puts\nthem elsewhere, --map names the column, a file of deals beside "
	      "it says it, too.\n",
	    out);
}

static void
print_held(FILE *out, const struct ov_import_report *r)
{
	const struct ov_held *h = &r->result->why;
	char a[OV_COUNT_TEXT], b[OV_COUNT_TEXT];

	fputs(r->options->dry ? "\nThis import would be held: " : "\nHeld: ", out);
	if (h->shrank)
		fprintf(out, "%s rows, where the book has %s", ov_count_text(a, h->rows),
		    ov_count_text(b, h->rows_before));
	if (h->lost[0] != '\0')
		fprintf(out, "%scolumns of the book are missing: %s",
		    h->shrank ? "; " : "", h->lost);
	fputs(r->options->dry ? ".  --accept takes it all the same.\n"
			      : ".\nThe book stays as it was; these rows wait in "
				"`overlap inbox`, to be taken or dropped.\n",
	    out);
}

void
ov_import_print_text(FILE *out, const struct ov_import_report *r)
{
	char count[OV_COUNT_TEXT];

	for (size_t i = 0; i < r->result->n_files; i++)
		print_file(out, r, i);
	if (r->result->n_files > 1)
		fputc('\n', out);
	print_deals(out, &r->result->deals);
	print_ids(out, r);
	print_no_population(out, r);
	if (r->result->held)
		print_held(out, r);
	if (r->stats == NULL)
		return;
	if (r->accounts_before > 0)
		fprintf(out, "Before: %s accounts\n",
		    ov_count_text(count, r->accounts_before));
	ov_stats_print(out, r->stats);
	if (r->examples != NULL && r->examples[0] != '\0')
		fprintf(out, "\nExamples\n%s", r->examples);
	if (r->options->dry) {
		fputs("\nNothing was changed.  Wrong columns are set right with --map.\n",
		    out);
		return;
	}
	fputs("\n`overlap accounts why NAME` shows all keys of one account", out);
	fputs(r->examples != NULL ? ".\n" : "; --show, values that made no key.\n", out);
}

/* --- JSON --- */

static void
put_columns(struct ov_json *at, const struct ov_columns *c)
{
	struct ov_json *list = ov_json_array(at, "columns"), *column;
	char name[OV_KIND_CAP];

	for (size_t i = 0; i < c->n; i++) {
		if (c->field[i] == OV_FIELD_NONE)
			continue;
		column = ov_json_object(list, NULL);
		ov_json_number(column, "column", i + 1);
		ov_json_text(column, "heading", c->heading[i]);
		ov_json_text(column, "field", ov_column_name(name, c, i));
	}
}

static void
put_file(struct ov_json *at, const struct ov_import_file *f, const char *path)
{
	ov_json_text(at, "file", path);
	ov_json_text(at, "kind", kind_name(f));
	ov_json_text(at, "encoding", ov_encoding_name(f->table.encoding));
	ov_json_text(at, "delimiter", delimiter_name(f->table.delimiter));
	put_columns(at, &f->columns);
	ov_json_number(at, "rows", f->rows);
	ov_json_number(at, "footers", f->footers);
	ov_json_number(at, "empty", f->empty);
}

static void
put_held(struct ov_json *doc, const struct ov_import_result *result)
{
	struct ov_json *at;

	if (!result->held) {
		ov_json_null(doc, "held");
		return;
	}
	at = ov_json_object(doc, "held");
	ov_json_number(at, "rows", result->why.rows);
	ov_json_number(at, "rows_before", result->why.rows_before);
	ov_json_bool(at, "shrank", result->why.shrank);
	ov_json_text(at, "lost_columns", result->why.lost);
}

void
ov_import_put_json(
    struct ov_json *doc, struct ov_json *const *files, const struct ov_import_report *r)
{
	const struct ov_import_result *i = r->result;
	struct ov_json *at;

	ov_json_bool(doc, "dry_run", r->options->dry);
	for (size_t f = 0; f < i->n_files; f++)
		put_file(files[f], &i->file[f], r->path[f]);
	ov_json_number(doc, "rows", i->rows);
	at = ov_json_object(doc, "deals");
	ov_json_number(at, "read", i->deals.deals);
	ov_json_number(at, "joined", i->deals.joined);
	ov_json_number(at, "accounts_named_by_deals_alone", i->deals.stand_ins);
	ov_json_number(at, "without_account", i->deals.lost);
	ov_json_number(doc, "replaced", i->ids.replaced);
	ov_json_number(doc, "updated", i->ids.updated);
	ov_json_number(doc, "unknown_ids",
	    r->options->mode == OV_IMPORT_UPDATE ? i->ids.unknown_ids : 0);
	ov_json_number(doc, "repeated_ids", i->ids.repeated_ids);
	ov_json_number(doc, "erased", i->erased);
	put_held(doc, i);
	ov_json_number(doc, "accounts_before", r->accounts_before);
	if (r->stats != NULL)
		ov_stats_json(ov_json_object(doc, "book"), r->stats);
	else
		ov_json_null(doc, "book");
}
