#include <libgen.h>
#include <stdlib.h>
#include <string.h>

#include "client/book/book.h"
#include "client/book/build.h"
#include "client/book/deals.h"
#include "client/book/held.h"
#include "client/book/renew.h"
#include "client/book/row.h"

#define BAD OV_E_IMPORT_COLUMNS
#define PROGRESS_ROWS 10000
#define HEADINGS_WITHIN 20 /* rows of titles that may stand above the headings */

struct import {
	struct ov_db *db;
	const struct ov_import_options *options;
	struct ov_import_result *result;
	struct ov_import_file *file; /* being read */
	bool has_headings;
	enum ov_status bad_headings; /* what the first row was refused for */
	struct ov_populations populations;
	uint8_t fallback;
	bool pending; /* populations are settled when all files are read */
	int64_t last_old;
	char *directory;
	struct ov_row row;
	struct ov_renew *renew;
	struct ov_deals *deals;
	bool makes_none;	       /* the deal at hand: no account is made of it */
	const char *kept[OV_KEEP_MAX]; /* headings of the kept columns */
	size_t n_kept;
	struct ov_fault *fault;
};

/* --- one row --- */

static enum ov_status
population_of(uint8_t *out, struct import *im, uint64_t line)
{
	const struct ov_row *r = &im->row;
	struct ov_population_signs signs = { ov_row_cell(r, OV_FIELD_POPULATION),
		ov_row_cell(r, OV_FIELD_TYPE), ov_row_cell(r, OV_FIELD_LIFECYCLE),
		ov_row_cell(r, OV_FIELD_STAGE), ov_row_cell(r, OV_FIELD_WON),
		ov_row_cell(r, OV_FIELD_LOST), ov_row_cell(r, OV_FIELD_CLOSED) };

	if (ov_population_of(out, &im->populations, &signs, OV_POPULATION_NONE))
		return OV_OK;
	return ov_fault_set(im->fault, BAD, line,
	    "the population column holds a value that is no population of this book; "
	    "correct it, or name it under `populations:` of a mapping file (--map)");
}

/* By the account's own column: its type and its deals do not matter. */
static bool
is_told(const struct import *im)
{
	return ov_population_is_told(ov_row_cell(&im->row, OV_FIELD_POPULATION));
}

/* How an account's population is stored until all files are read. */
static uint8_t
stored_population(const struct import *im, uint8_t population)
{
	if (population == OV_POPULATION_NONE)
		return im->pending ? OV_PENDING_NONE : im->fallback;
	if (im->pending && is_told(im))
		return OV_PENDING_FIXED | population;
	return population;
}

static enum ov_status
store_row(struct import *im, uint8_t population)
{
	const struct ov_text *c = im->row.cell;
	const bool told = population != OV_PENDING_DEAL && is_told(im);

	return ov_db_run(im->db,
	    "INSERT INTO book_row(ext_id, name, population, websites, email_domains,"
	    " country, lei, cik, duns, vat, industry, employees, revenue, type, "
	    "lifecycle,"
	    " stage, kept, owner, told, ids)"
	    " VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
	    OV_DB_TEXT(c[OV_FIELD_ID].p), OV_DB_TEXT(c[OV_FIELD_NAME].p),
	    OV_DB_I64(population), OV_DB_TEXT(c[OV_FIELD_WEBSITE].p),
	    OV_DB_TEXT(c[OV_FIELD_EMAIL].p), OV_DB_TEXT(c[OV_FIELD_COUNTRY].p),
	    OV_DB_TEXT(c[OV_FIELD_LEI].p), OV_DB_TEXT(c[OV_FIELD_CIK].p),
	    OV_DB_TEXT(c[OV_FIELD_DUNS].p), OV_DB_TEXT(c[OV_FIELD_VAT].p),
	    OV_DB_TEXT(c[OV_FIELD_INDUSTRY].p), OV_DB_TEXT(c[OV_FIELD_EMPLOYEES].p),
	    OV_DB_TEXT(c[OV_FIELD_REVENUE].p), OV_DB_TEXT(c[OV_FIELD_TYPE].p),
	    OV_DB_TEXT(c[OV_FIELD_LIFECYCLE].p), OV_DB_TEXT(c[OV_FIELD_STAGE].p),
	    OV_DB_TEXT(c[OV_FIELD_KEEP].p), OV_DB_TEXT(c[OV_FIELD_OWNER].p),
	    OV_DB_I64(told), OV_DB_TEXT(c[OV_FIELD_SCHEME].p));
}

static enum ov_status
take_account(struct import *im, uint64_t line)
{
	uint8_t population;
	enum ov_status st = OV_OK;

	if (ov_row_has_no_key(&im->row) && (im->options->mode != OV_IMPORT_UPDATE ||
					       im->row.cell[OV_FIELD_ID].len == 0)) {
		im->file->empty++;
		goto done;
	}
	OV_TRY(population_of(&population, im, line));
	OV_TRY(store_row(im, stored_population(im, population)));
	OV_TRY(ov_renew_add(
	    im->renew, ov_row_cell(&im->row, OV_FIELD_ID), ov_db_last_id(im->db)));
	im->file->rows++;
done:
	return st;
}

static enum ov_status
take_deal(struct import *im, uint64_t line)
{
	int64_t row = 0;
	uint8_t population;
	enum ov_status st;

	if (im->deals == NULL)
		OV_TRY(ov_deals_new(&im->deals, im->directory));
	OV_TRY(population_of(&population, im, line));
	if (!im->makes_none && !ov_row_has_no_key(&im->row)) {
		OV_TRY(store_row(im, OV_PENDING_DEAL));
		row = ov_db_last_id(im->db);
	}
	OV_TRY(ov_deals_add(im->deals, &im->row, row, population));
	im->file->rows++;
done:
	return st;
}

/* --- one file --- */

/* Headings are the first row in which columns are recognised. */
static enum ov_status
try_headings(struct import *im, const struct ov_table_row *row)
{
	struct ov_fault *fault = row->number == 0 ? im->fault : NULL;
	const unsigned int need =
	    (im->result->n_files > 1 ? OV_COLUMNS_PARTIAL : OV_COLUMNS_ALL) |
	    (im->options->mode == OV_IMPORT_UPDATE ? OV_COLUMNS_BY_ID : 0);
	enum ov_status st;

	st = ov_columns_guess(&im->file->columns, row, im->options->map, need, fault);
	im->has_headings = st == OV_OK;
	if (row->number == 0)
		im->bad_headings = st;
	if (st != BAD)
		return st;
	return row->number + 1 < HEADINGS_WITHIN ? OV_OK : im->bad_headings;
}

static enum ov_status
is_erased(bool *out, struct import *im)
{
	struct ov_row *r = &im->row;
	const struct ov_row_cells cells = { .name = ov_row_cell(r, OV_FIELD_NAME),
		.websites = ov_row_cell(r, OV_FIELD_WEBSITE),
		.email_domains = ov_row_cell(r, OV_FIELD_EMAIL),
		.country = ov_row_cell(r, OV_FIELD_COUNTRY),
		.lei = ov_row_cell(r, OV_FIELD_LEI),
		.cik = ov_row_cell(r, OV_FIELD_CIK),
		.duns = ov_row_cell(r, OV_FIELD_DUNS),
		.vat = ov_row_cell(r, OV_FIELD_VAT),
		.ids = ov_row_cell(r, OV_FIELD_SCHEME) };

	enum ov_erased_deal of;
	enum ov_status st;

	if (im->file->columns.kind != OV_TABLE_DEALS)
		return ov_erased_has(
		    out, im->options->erased, ov_row_cell(r, OV_FIELD_ID), &cells);
	OV_TRY(ov_erased_strike_deal(
	    &of, im->options->erased, &r->cell[OV_FIELD_ACCOUNTS], cells.name));
	*out = of == OV_DEAL_OF_ERASED;
	/* by a site or an id of a register that it tells */
	if (of <= OV_DEAL_LIKE_ERASED && r->cell[OV_FIELD_ACCOUNTS].len == 0)
		OV_TRY(ov_erased_has(out, im->options->erased, OV_BYTES("", 0), &cells));
	im->makes_none = of == OV_DEAL_LIKE_ERASED;
	if (of ==
	    OV_DEAL_OF_BOTH) /* joins the others; all else may be the erased one's */
		OV_TRY(ov_row_leave_accounts(r));
done:
	return st;
}

static enum ov_status
take_row(void *ctx, const struct ov_table_row *row)
{
	struct import *im = ctx;
	const struct ov_columns *c = &im->file->columns;
	bool erased;
	enum ov_status st;

	if (!im->has_headings)
		return try_headings(im, row);
	if (ov_columns_is_footer(c, row)) {
		im->file->footers++;
		return OV_OK;
	}
	OV_TRY(ov_row_gather(&im->row, c, row));
	OV_TRY(is_erased(&erased, im));
	if (erased) {
		im->result->erased++;
		return OV_OK;
	}
	if (im->options->preview != NULL && im->file->rows < OV_IMPORT_PREVIEW)
		OV_TRY(im->options->preview(im->options->ctx, im->file, &im->row));
	OV_TRY(c->kind == OV_TABLE_DEALS ? take_deal(im, row->line)
					 : take_account(im, row->line));
	if (++im->result->read % PROGRESS_ROWS == 0 && im->options->progress != NULL)
		im->options->progress(
		    im->options->ctx, OV_BUILD_READING, im->result->read, 0);
done:
	return st;
}

static enum ov_status
read_file(struct import *im, struct ov_import_file *file)
{
	enum ov_status st;

	im->file = file;
	im->has_headings = false;
	OV_TRY(ov_table_read(
	    file->f, im->options->delimiter, take_row, im, &file->table, im->fault));
	OV_REQUIRE(im->has_headings, im->bad_headings);
	if (file->columns.kind == OV_TABLE_ACCOUNTS)
		im->result->rows += file->rows;
done:
	return st;
}

/* --- what the rows mean for those that were there --- */

/* Rows that nothing put into a population. */
static enum ov_status
settle_populations(struct import *im)
{
	if (!im->pending)
		return OV_OK;
	/* OR ROLLBACK: else SQLite keeps each changed page in memory, to undo this alone
	 */
	return ov_db_run(im->db,
	    "UPDATE OR ROLLBACK book_row SET population = CASE population WHEN ?1 THEN ?2"
	    " ELSE population & 63 END WHERE row > ?3 AND population >= ?4",
	    OV_DB_I64(OV_PENDING_NONE), OV_DB_I64(im->fallback), OV_DB_I64(im->last_old),
	    OV_DB_I64(OV_PENDING));
}

static enum ov_status
store_lists(struct import *im)
{
	enum ov_status st;

	OV_TRY(ov_db_run(im->db, "DELETE FROM book_population"));
	OV_TRY(ov_db_run(im->db, "DELETE FROM book_kept"));
	for (size_t i = 0; i < im->populations.n; i++)
		OV_TRY(ov_db_run(im->db,
		    "INSERT INTO book_population(population, name) VALUES(?,?)",
		    OV_DB_I64(i), OV_DB_TEXT(im->populations.name[i])));
	for (size_t i = 0; i < im->n_kept; i++)
		OV_TRY(
		    ov_db_run(im->db, "INSERT INTO book_kept(place, heading) VALUES(?,?)",
			OV_DB_I64(i), OV_DB_TEXT(im->kept[i])));
done:
	return st;
}

/* Rows that stay and rows that come must mean the same by their kept columns. */
static enum ov_status
check_kept(struct import *im)
{
	struct ov_db_stmt *s = NULL;
	bool row = true, same = true;
	enum ov_status st;

	OV_TRY(ov_db_query(&s, im->db, "SELECT heading FROM book_kept ORDER BY place"));
	for (size_t i = 0; i < im->n_kept && row; i++) {
		OV_TRY(ov_db_step(s, &row));
		same = same && row && strcmp(ov_db_text(s, 0), im->kept[i]) == 0;
	}
	if (row)
		OV_TRY(ov_db_step(s, &row));
	if (row || !same)
		st = ov_fault_set(im->fault, BAD, 0,
		    "the book keeps other columns (`keep:` of the mapping file) than "
		    "this file brings; import all files with one mapping file");
done:
	ov_db_finish(s);
	return st;
}

static void
list_tables(const struct ov_columns **out, const struct ov_import_result *r)
{
	for (size_t i = 0; i < r->n_files; i++)
		out[i] = &r->file[i].columns;
}

/* The rows become the book, or wait for a person. */
static enum ov_status
replace_book(struct import *im)
{
	struct ov_import_result *r = im->result;
	const struct ov_columns *tables[OV_IMPORT_FILES_MAX];
	struct ov_held_lists lists = { &im->populations, im->kept, im->n_kept, tables,
		r->n_files };
	enum ov_status st;

	list_tables(tables, r);
	OV_TRY(ov_renew_rows(&r->ids, im->renew, OV_RENEW_REPLACE));
	if (im->last_old > 0 && !im->options->accept)
		OV_TRY(ov_held_compare(
		    &r->held, &r->why, im->db, im->last_old, tables, r->n_files));
	if (r->held && !im->options->dry) {
		OV_TRY(ov_held_put(im->db, &r->why, im->last_old, &lists));
		goto done;
	}
	OV_TRY(ov_held_drop(im->db));
	OV_TRY(ov_db_run(
	    im->db, "DELETE FROM book_row WHERE row <= ?", OV_DB_I64(im->last_old)));
	OV_TRY(store_lists(im));
	OV_TRY(ov_held_note_columns(im->db, tables, r->n_files));
done:
	return st;
}

static enum ov_status
add_to_book(struct import *im, enum ov_renew_as as)
{
	enum ov_status st;

	OV_TRY(check_kept(im));
	OV_TRY(ov_renew_add_book(im->renew));
	OV_TRY(ov_renew_rows(&im->result->ids, im->renew, as));
done:
	return st;
}

static enum ov_status
update_book(struct import *im)
{
	enum ov_status st;

	OV_TRY(add_to_book(im, OV_RENEW_UPDATE));
	OV_TRY(ov_db_run(
	    im->db, "DELETE FROM book_row WHERE row > ?", OV_DB_I64(im->last_old)));
done:
	return st;
}

/* --- the whole --- */

static enum ov_status
choose_populations(struct import *im)
{
	const struct ov_import_options *o = im->options;

	if (o->map != NULL)
		im->populations = *ov_map_populations(o->map);
	else
		ov_populations_default(&im->populations);
	im->fallback = im->populations.otherwise;
	if (o->population == NULL)
		return OV_OK;
	im->fallback =
	    ov_population_find(&im->populations, o->population, strlen(o->population));
	if (im->fallback != OV_POPULATION_NONE)
		return OV_OK;
	return ov_fault_set(im->fault, BAD, 0,
	    "there is no population `%s`; name it under `populations:` of a mapping file",
	    o->population);
}

/* Rows that come to a book are in its populations. */
static enum ov_status
check_populations(struct import *im)
{
	struct ov_populations *have = calloc(1, sizeof(*have));
	enum ov_status st;

	OV_REQUIRE(have != NULL, OV_E_NOMEM);
	OV_TRY(ov_book_populations(have, im->db));
	if (have->n != im->populations.n ||
	    memcmp(have->name, im->populations.name, sizeof(have->name)) != 0)
		st = ov_fault_set(im->fault, BAD, 0,
		    "the book has other populations than this import; use the mapping "
		    "file of the first import, or replace the book");
done:
	free(have);
	return st;
}

static enum ov_status
prepare(struct import *im)
{
	char *path = strdup(ov_db_path(im->db));
	enum ov_status st;

	OV_REQUIRE(path != NULL, OV_E_NOMEM);
	im->directory = strdup(dirname(path));
	OV_REQUIRE(im->directory != NULL, OV_E_NOMEM);
	OV_TRY(choose_populations(im));
	OV_TRY(ov_db_number(
	    &im->last_old, im->db, "SELECT coalesce(max(row), 0) FROM book_row"));
	OV_TRY(ov_renew_new(&im->renew, im->db, im->directory, im->last_old));
	if (im->last_old == 0 && im->options->mode == OV_IMPORT_UPDATE) {
		st = ov_fault_set(im->fault, OV_E_BOOK_EMPTY, 0,
		    "the book is empty, so there is nothing to update");
		goto done;
	}
	if (im->last_old > 0 && im->options->mode != OV_IMPORT_REPLACE)
		OV_TRY(check_populations(im));
	im->pending = im->result->n_files > 1 || im->options->mode == OV_IMPORT_UPDATE;
done:
	free(path);
	return st;
}

/* The headings of kept columns: as the first table has them that has them. */
static void
name_kept(struct import *im)
{
	const struct ov_import_result *r = im->result;

	if (im->options->map == NULL)
		return;
	im->n_kept = r->file[0].columns.n_kept;
	for (size_t i = 0; i < im->n_kept; i++)
		im->kept[i] = ov_map_kept(im->options->map, i);
	for (size_t f = r->n_files; f > 0; f--) {
		const struct ov_columns *c = &r->file[f - 1].columns;

		for (size_t k = 0; k < c->n; k++)
			if (c->field[k] == OV_FIELD_KEEP)
				im->kept[c->keep[k]] = c->heading[k];
	}
}

static enum ov_status
read_files(struct import *im)
{
	struct ov_import_result *r = im->result;
	const struct ov_columns *tables[OV_IMPORT_FILES_MAX];
	enum ov_status st;

	for (r->at = 0; r->at < r->n_files; r->at++)
		OV_TRY(read_file(im, &r->file[r->at]));
	if (r->read == 0 || (r->rows == 0 && im->deals == NULL)) {
		r->at = 0;
		st = ov_fault_set(im->fault, OV_E_IMPORT_EMPTY, 0,
		    "the file holds headings but no accounts; the book is as it was");
		goto done;
	}
	list_tables(tables, r);
	if (r->n_files > 1)
		OV_TRY(
		    ov_map_check_used(im->options->map, tables, r->n_files, im->fault));
	name_kept(im);
done:
	return st;
}

static enum ov_status
run(struct import *im)
{
	const struct ov_import_options *o = im->options;
	const struct ov_build_options build = { o->examples, o->progress, o->ctx };
	enum ov_import_mode mode = o->mode;
	struct ov_import_result *r = im->result;
	enum ov_status st;

	OV_TRY(prepare(im));
	OV_TRY(read_files(im));
	if (im->deals != NULL) {
		im->pending = true;
		OV_TRY(ov_deals_join(&r->deals, im->deals, im->db, im->last_old,
		    mode == OV_IMPORT_REPLACE ? OV_DEALS_OF_IMPORT
		    : mode == OV_IMPORT_ADD   ? OV_DEALS_ADDED
					      : OV_DEALS_OF_BOOK,
		    &im->populations));
		ov_deals_free(im->deals); /* what follows needs the memory */
		im->deals = NULL;
	}
	if (mode != OV_IMPORT_UPDATE || im->options->population != NULL)
		OV_TRY(settle_populations(im));
	if (mode == OV_IMPORT_REPLACE || im->last_old == 0)
		OV_TRY(replace_book(im));
	else if (mode == OV_IMPORT_ADD)
		OV_TRY(add_to_book(im, OV_RENEW_REPLACE));
	else
		OV_TRY(update_book(im));
	if (!r->held || im->options->dry)
		OV_TRY(ov_book_build(im->db, &build));
	if (im->options->end != NULL)
		OV_TRY(im->options->end(im->options->ctx, r));
done:
	return st;
}

enum ov_status
ov_book_import(struct ov_import_result *result, struct ov_db *db,
    const struct ov_import_options *options, struct ov_fault *fault)
{
	struct import *im = calloc(1, sizeof(*im));
	enum ov_status st;

	if (im == NULL)
		return OV_E_NOMEM;
	im->db = db;
	im->options = options;
	im->result = result;
	im->fault = fault;
	OV_TRY(ov_db_begin(db));
	OV_TRY(run(im));
	if (!options->dry)
		OV_TRY(ov_db_commit(db, "book.import"));
done:
	ov_db_rollback(db);
	ov_deals_free(im->deals);
	ov_renew_free(im->renew);
	ov_row_fini(&im->row);
	free(im->directory);
	free(im);
	return st;
}
