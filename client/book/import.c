#include "client/book/book.h"

#include <stdlib.h>
#include <string.h>

#include "client/book/build.h"

#define BAD OV_E_IMPORT_COLUMNS
#define PROGRESS_ROWS 10000

/* Text under construction, reused row after row. */
struct text {
	char *p;
	size_t len, cap;
};

struct import {
	struct ov_db *db;
	const struct ov_import_options *options;
	struct ov_import_result *result;
	struct ov_populations populations;
	uint8_t fallback;
	int64_t last_row;
	struct text websites, emails, kept, cell[OV_FIELD_COUNT];
	struct ov_fault *fault;
};

static enum ov_status
text_add(struct text *t, const void *bytes, size_t len)
{
	size_t want = t->cap == 0 ? 256 : t->cap;
	char *more;

	while (want < t->len + len + 1) /* a row is at most 1 MiB */
		want *= 2;
	if (want > t->cap) {
		if ((more = realloc(t->p, want)) == NULL)
			return OV_E_NOMEM;
		t->p = more;
		t->cap = want;
	}
	if (len > 0)
		memcpy(t->p + t->len, bytes, len);
	t->len += len;
	t->p[t->len] = '\0';
	return OV_OK;
}

/* Adds the cell without control characters and outer spaces. */
static enum ov_status
text_add_cell(struct text *t, struct ov_bytes cell)
{
	size_t from = t->len, n;
	enum ov_status st;

	while (cell.len > 0 && cell.p[0] <= ' ') {
		cell.p++;
		cell.len--;
	}
	while (cell.len > 0 && cell.p[cell.len - 1] <= ' ')
		cell.len--;
	n = cell.len;
	if ((st = text_add(t, cell.p, n)) != OV_OK)
		return st;
	for (size_t i = from; i < t->len; i++)
		if ((unsigned char)t->p[i] < 0x20 || t->p[i] == 0x7f)
			t->p[i] = ' ';
	return OV_OK;
}

static bool
is_list_mark(uint8_t c)
{
	return c <= ' ' || c == ';' || c == ',' || c == '|';
}

/* The next part of a cell that may hold several; empty at its end. */
static struct ov_bytes
next_part(struct ov_bytes *rest)
{
	struct ov_bytes part;

	while (rest->len > 0 && is_list_mark(rest->p[0])) {
		rest->p++;
		rest->len--;
	}
	part = OV_BYTES(rest->p, 0);
	while (rest->len > 0 && !is_list_mark(rest->p[0])) {
		rest->p++;
		rest->len--;
		part.len++;
	}
	return part;
}

/* The domain of one part of an e-mail cell: what follows the last @, up to a closing
 * bracket or quote.  A cell without any @ may be a domain by itself, and must then be a
 * good one; all else there ("Jane", "j.doe") may be a person's and is not taken. */
static struct ov_bytes
email_domain(struct ov_bytes part, bool cell_has_at)
{
	struct ov_bytes none = { NULL, 0 };
	char domain[OV_TOKEN_VALUE_CAP];
	const uint8_t *at = memrchr(part.p, '@', part.len);

	if (at == NULL) {
		if (cell_has_at ||
		    ov_normalise_domain(ov_profile_current(), domain,
			(const char *)part.p, part.len, OV_FROM_EMAIL) != OV_DROP_NONE)
			return none;
		return part;
	}
	part.len -= (size_t)(at + 1 - part.p);
	part.p = at + 1;
	for (size_t i = 0; i < part.len; i++)
		if (part.p[i] == '>' || part.p[i] == ')' || part.p[i] == '"')
			part.len = i;
	return part;
}

static enum ov_status
add_list(struct text *t, struct ov_bytes cell, bool email)
{
	bool at = email && cell.len > 0 && memchr(cell.p, '@', cell.len) != NULL;
	enum ov_status st = OV_OK;
	struct ov_bytes part;

	while (st == OV_OK && (part = next_part(&cell)).len > 0) {
		if (email)
			part = email_domain(part, at);
		if (part.len == 0)
			continue;
		if (t->len > 0)
			st = text_add(t, "\n", 1);
		if (st == OV_OK)
			st = text_add_cell(t, part);
	}
	return st;
}

static enum ov_status
gather(struct import *im, const struct ov_table_row *row)
{
	const struct ov_columns *c = &im->result->columns;
	enum ov_status st = OV_OK;

	im->websites.len = im->emails.len = im->kept.len = 0;
	for (size_t f = 0; f < OV_FIELD_COUNT; f++) {
		im->cell[f].len = 0;
		OV_TRY(text_add(&im->cell[f], NULL, 0));
	}
	OV_TRY(text_add(&im->websites, NULL, 0));
	OV_TRY(text_add(&im->emails, NULL, 0));
	OV_TRY(text_add(&im->kept, NULL, 0));
	for (size_t k = 0; k < c->n; k++) {
		struct ov_bytes cell = k < row->n ? row->field[k] : OV_BYTES("", 0);

		if (c->field[k] == OV_FIELD_WEBSITE) {
			OV_TRY(add_list(&im->websites, cell, false));
		} else if (c->field[k] == OV_FIELD_EMAIL) {
			OV_TRY(add_list(&im->emails, cell, true));
		} else if (c->field[k] == OV_FIELD_KEEP) {
			OV_TRY(text_add_cell(&im->kept, cell));
			OV_TRY(text_add(&im->kept, "\n", 1));
		} else if (c->field[k] != OV_FIELD_NONE) {
			OV_TRY(text_add_cell(&im->cell[c->field[k]], cell));
		}
	}
done:
	return st;
}

static struct ov_bytes
cell_of(const struct import *im, enum ov_field f)
{
	return OV_BYTES(im->cell[f].p, im->cell[f].len);
}

static bool
has_no_key(const struct import *im)
{
	return im->cell[OV_FIELD_NAME].len == 0 && im->websites.len == 0 &&
	       im->emails.len == 0 && im->cell[OV_FIELD_LEI].len == 0 &&
	       im->cell[OV_FIELD_CIK].len == 0 && im->cell[OV_FIELD_DUNS].len == 0 &&
	       im->cell[OV_FIELD_VAT].len == 0;
}

static enum ov_status
population_of(uint8_t *out, struct import *im, uint64_t line)
{
	struct ov_population_signs signs = { cell_of(im, OV_FIELD_POPULATION),
		cell_of(im, OV_FIELD_TYPE), cell_of(im, OV_FIELD_LIFECYCLE),
		cell_of(im, OV_FIELD_STAGE) };

	if (ov_population_of(out, &im->populations, &signs, im->fallback))
		return OV_OK;
	return ov_fault_set(im->fault, BAD, line,
	    "the population column holds a value that is no population of this book; "
	    "correct it, or name it under `populations:` of a mapping file (--map)");
}

/* The new row takes the place of rows with its id. */
static enum ov_status
replace_row(struct import *im)
{
	enum ov_status st;

	if (im->options->mode != OV_IMPORT_ADD || im->cell[OV_FIELD_ID].len == 0)
		return OV_OK;
	OV_TRY(ov_db_run(im->db, "DELETE FROM book_row WHERE ext_id = ? AND row <= ?",
	    OV_DB_TEXT(im->cell[OV_FIELD_ID].p), OV_DB_I64(im->last_row)));
	im->result->replaced += (uint64_t)ov_db_changed(im->db);
done:
	return st;
}

static enum ov_status
store_row(struct import *im, uint8_t population)
{
	const struct text *c = im->cell;

	return ov_db_run(im->db,
	    "INSERT INTO book_row(ext_id, name, population, websites, email_domains,"
	    " country, lei, cik, duns, vat, industry, employees, revenue, type, "
	    "lifecycle,"
	    " stage, kept) VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
	    OV_DB_TEXT(c[OV_FIELD_ID].p), OV_DB_TEXT(c[OV_FIELD_NAME].p),
	    OV_DB_I64(population), OV_DB_TEXT(im->websites.p), OV_DB_TEXT(im->emails.p),
	    OV_DB_TEXT(c[OV_FIELD_COUNTRY].p), OV_DB_TEXT(c[OV_FIELD_LEI].p),
	    OV_DB_TEXT(c[OV_FIELD_CIK].p), OV_DB_TEXT(c[OV_FIELD_DUNS].p),
	    OV_DB_TEXT(c[OV_FIELD_VAT].p), OV_DB_TEXT(c[OV_FIELD_INDUSTRY].p),
	    OV_DB_TEXT(c[OV_FIELD_EMPLOYEES].p), OV_DB_TEXT(c[OV_FIELD_REVENUE].p),
	    OV_DB_TEXT(c[OV_FIELD_TYPE].p), OV_DB_TEXT(c[OV_FIELD_LIFECYCLE].p),
	    OV_DB_TEXT(c[OV_FIELD_STAGE].p), OV_DB_TEXT(im->kept.p));
}

static enum ov_status
take_account(struct import *im, const struct ov_table_row *row)
{
	uint8_t population;
	enum ov_status st;

	if (ov_columns_is_footer(&im->result->columns, row)) {
		im->result->footers++;
		return OV_OK;
	}
	OV_TRY(gather(im, row));
	if (has_no_key(im)) {
		im->result->empty++;
		goto done;
	}
	OV_TRY(population_of(&population, im, row->line));
	OV_TRY(replace_row(im));
	OV_TRY(store_row(im, population));
	im->result->rows++;
	if (im->options->progress != NULL && im->result->rows % PROGRESS_ROWS == 0)
		im->options->progress(im->options->progress_ctx, im->result->rows);
done:
	return st;
}

/* The kept columns, in the order of the table. */
static enum ov_status
store_kept(struct import *im)
{
	const struct ov_columns *c = &im->result->columns;
	int64_t place = 0;
	enum ov_status st = OV_OK;

	for (size_t k = 0; k < c->n && st == OV_OK; k++)
		if (c->field[k] == OV_FIELD_KEEP)
			st = ov_db_run(im->db,
			    "INSERT INTO book_kept(place, heading) VALUES(?,?)",
			    OV_DB_I64(place++), OV_DB_TEXT(c->heading[k]));
	return st;
}

/* Rows that stay and rows that come must mean the same by their kept columns. */
static enum ov_status
check_kept(struct import *im)
{
	const struct ov_columns *c = &im->result->columns;
	struct ov_db_stmt *s = NULL;
	enum ov_status st;
	bool row = false, same = true;

	OV_TRY(ov_db_query(&s, im->db, "SELECT heading FROM book_kept ORDER BY place"));
	for (size_t k = 0; k < c->n; k++) {
		if (c->field[k] != OV_FIELD_KEEP)
			continue;
		OV_TRY(ov_db_step(s, &row));
		same = same && row && strcmp(ov_db_text(s, 0), c->heading[k]) == 0;
	}
	OV_TRY(ov_db_step(s, &row));
	if (row || !same)
		st = ov_fault_set(im->fault, BAD, 0,
		    "the book keeps other columns (`keep:` of the mapping file) than "
		    "this "
		    "file brings; import all files with one mapping file");
done:
	ov_db_finish(s);
	return st;
}

static enum ov_status
take_headings(struct import *im, const struct ov_table_row *row)
{
	enum ov_status st;

	OV_TRY(ov_columns_guess(&im->result->columns, row, im->options->map, im->fault));
	OV_TRY(im->last_row == 0 ? store_kept(im) : check_kept(im));
done:
	return st;
}

static enum ov_status
take_row(void *ctx, const struct ov_table_row *row)
{
	struct import *im = ctx;

	return row->number == 0 ? take_headings(im, row) : take_account(im, row);
}

/* Empties the book, or, for rows that come to it, checks that its populations are ours.
 */
static enum ov_status
prepare(struct import *im)
{
	struct ov_populations have;
	enum ov_status st;

	OV_TRY(ov_book_populations(&have, im->db));
	if (im->options->mode == OV_IMPORT_REPLACE || have.n == 0) {
		OV_TRY(ov_db_run(im->db, "DELETE FROM book_row"));
		OV_TRY(ov_db_run(im->db, "DELETE FROM book_population"));
		OV_TRY(ov_db_run(im->db, "DELETE FROM book_kept"));
		for (size_t i = 0; i < im->populations.n; i++)
			OV_TRY(ov_db_run(im->db,
			    "INSERT INTO book_population(population, name) VALUES(?,?)",
			    OV_DB_I64(i), OV_DB_TEXT(im->populations.name[i])));
		goto done;
	}
	OV_TRY(ov_db_number(
	    &im->last_row, im->db, "SELECT coalesce(max(row), 0) FROM book_row"));
	OV_TRY(ov_db_run(im->db, "CREATE INDEX book_row_ext_id ON book_row(ext_id)"));
	if (have.n != im->populations.n ||
	    memcmp(have.name, im->populations.name, sizeof(have.name)) != 0)
		st = ov_fault_set(im->fault, BAD, 0,
		    "the book has other populations than this import; use the mapping "
		    "file of the first import, or replace the book");
done:
	return st;
}

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

static enum ov_status
run(struct import *im, FILE *f)
{
	struct ov_import_result *r = im->result;
	int64_t distinct;
	enum ov_status st;

	OV_TRY(choose_populations(im));
	OV_TRY(prepare(im));
	OV_TRY(
	    ov_table_read(f, im->options->delimiter, take_row, im, &r->table, im->fault));
	if (r->rows == 0) {
		st = ov_fault_set(im->fault, OV_E_IMPORT_EMPTY, 0,
		    "the file holds headings but no accounts; the book is as it was");
		goto done;
	}
	if (im->last_row > 0)
		OV_TRY(ov_db_run(im->db, "DROP INDEX book_row_ext_id"));
	OV_TRY(ov_db_number(&distinct, im->db,
	    "SELECT count(*) - count(DISTINCT ext_id) FROM book_row"
	    " WHERE row > ? AND ext_id != ''",
	    OV_DB_I64(im->last_row)));
	r->repeated_ids = (uint64_t)distinct;
	OV_TRY(ov_book_build(im->db));
done:
	return st;
}

enum ov_status
ov_book_import(struct ov_import_result *result, struct ov_db *db, FILE *f,
    const struct ov_import_options *options, struct ov_fault *fault)
{
	struct import *im = calloc(1, sizeof(*im));
	enum ov_status st;

	if (im == NULL)
		return OV_E_NOMEM;
	memset(result, 0, sizeof(*result));
	im->db = db;
	im->options = options;
	im->result = result;
	im->fault = fault;
	OV_TRY(ov_db_begin(db));
	OV_TRY(run(im, f));
	OV_TRY(ov_db_commit(db, "book.import"));
done:
	ov_db_rollback(db);
	free(im->websites.p);
	free(im->emails.p);
	free(im->kept.p);
	for (size_t i = 0; i < OV_FIELD_COUNT; i++)
		free(im->cell[i].p);
	free(im);
	return st;
}
