#include "client/book/held.h"

#include <stdio.h>
#include <string.h>

#include "client/book/book.h"
#include "client/book/build.h"

/* book_held_list.kind: the lists that go with the rows. */
#define LIST_POPULATION 1
#define LIST_KEPT 2
#define LIST_COLUMN 3

enum ov_status
ov_held_get(struct ov_held *out, struct ov_db *db)
{
	struct ov_db_stmt *s = NULL;
	bool row;
	enum ov_status st;

	memset(out, 0, sizeof(*out));
	OV_TRY(
	    ov_db_query(&s, db, "SELECT rows, rows_before, shrank, lost FROM book_held"));
	OV_TRY(ov_db_step(s, &row));
	OV_REQUIRE(row, OV_E_NOT_FOUND);
	out->rows = (uint64_t)ov_db_i64(s, 0);
	out->rows_before = (uint64_t)ov_db_i64(s, 1);
	out->shrank = ov_db_i64(s, 2) != 0;
	snprintf(out->lost, sizeof(out->lost), "%s", ov_db_text(s, 3));
done:
	ov_db_finish(s);
	return st;
}

/* --- columns --- */

/* How many columns of the name ("website", "id:acme") the table has that has most of
 * them. */
static size_t
count_columns(const struct ov_columns *const *tables, size_t n, const char *name)
{
	char buf[OV_KIND_CAP];
	size_t most = 0;

	for (size_t t = 0; t < n; t++) {
		size_t count = 0;

		for (size_t k = 0; k < tables[t]->n; k++)
			count += strcmp(ov_column_name(buf, tables[t], k), name) == 0;
		most = count > most ? count : most;
	}
	return most;
}

/* The names of all columns, once each, of which something is made. */
struct names {
	size_t table, column; /* next to be looked at */
	char buf[OV_KIND_CAP];
};

static bool
is_new(const struct ov_columns *const *tables, const struct names *at, const char *name)
{
	char buf[OV_KIND_CAP];

	for (size_t t = 0; t <= at->table; t++)
		for (size_t k = 0; k < (t < at->table ? tables[t]->n : at->column); k++)
			if (strcmp(ov_column_name(buf, tables[t], k), name) == 0)
				return false;
	return true;
}

static const char *
next_name(struct names *at, const struct ov_columns *const *tables, size_t n)
{
	for (; at->table < n; at->table++, at->column = 0)
		for (; at->column < tables[at->table]->n; at->column++) {
			const struct ov_columns *c = tables[at->table];
			const char *name = ov_column_name(at->buf, c, at->column);

			if (c->field[at->column] != OV_FIELD_NONE &&
			    c->field[at->column] != OV_FIELD_DEAL &&
			    is_new(tables, at, name)) {
				at->column++;
				return name;
			}
		}
	return NULL;
}

enum ov_status
ov_held_note_columns(struct ov_db *db, const struct ov_columns *const *tables, size_t n)
{
	struct names at = { 0 };
	const char *name;
	enum ov_status st;

	OV_TRY(ov_db_run(db, "DELETE FROM book_column"));
	while ((name = next_name(&at, tables, n)) != NULL)
		OV_TRY(ov_db_run(db, "INSERT INTO book_column(field, n) VALUES(?,?)",
		    OV_DB_TEXT(name), OV_DB_I64(count_columns(tables, n, name))));
done:
	return st;
}

/* Fields that had more columns. */
static enum ov_status
find_lost(char lost[OV_HELD_LOST_TEXT], struct ov_db *db,
    const struct ov_columns *const *tables, size_t n)
{
	struct ov_db_stmt *s = NULL;
	size_t len = 0;
	bool row;
	enum ov_status st;

	lost[0] = '\0';
	OV_TRY(ov_db_query(&s, db, "SELECT field, n FROM book_column ORDER BY field"));
	for (;;) {
		OV_TRY(ov_db_step(s, &row));
		if (!row)
			break;
		if (count_columns(tables, n, ov_db_text(s, 0)) <
			(size_t)ov_db_i64(s, 1) &&
		    len < OV_HELD_LOST_TEXT)
			len += (size_t)snprintf(lost + len, OV_HELD_LOST_TEXT - len,
			    "%s%s", len > 0 ? ", " : "", ov_db_text(s, 0));
	}
done:
	ov_db_finish(s);
	return st;
}

enum ov_status
ov_held_compare(bool *hold, struct ov_held *out, struct ov_db *db, int64_t last_old,
    const struct ov_columns *const *tables, size_t n)
{
	int64_t rows, before;
	enum ov_status st;

	memset(out, 0, sizeof(*out));
	OV_TRY(ov_db_number(&rows, db, "SELECT count(*) FROM book_row WHERE row > ?",
	    OV_DB_I64(last_old)));
	OV_TRY(ov_db_number(&before, db, "SELECT count(*) FROM book_row WHERE row <= ?",
	    OV_DB_I64(last_old)));
	out->rows = (uint64_t)rows;
	out->rows_before = (uint64_t)before;
	out->shrank = rows < before - rows;
	OV_TRY(find_lost(out->lost, db, tables, n));
	*hold = out->shrank || out->lost[0] != '\0';
done:
	return st;
}

/* --- rows that wait --- */

static enum ov_status
put_list(struct ov_db *db, int kind, size_t place, const char *name, size_t n)
{
	return ov_db_run(db,
	    "INSERT INTO book_held_list(kind, place, name, n) VALUES(?,?,?,?)",
	    OV_DB_I64(kind), OV_DB_I64(place), OV_DB_TEXT(name), OV_DB_I64(n));
}

static enum ov_status
put_lists(struct ov_db *db, const struct ov_held_lists *l)
{
	struct names at = { 0 };
	const char *name;
	size_t place = 0;
	enum ov_status st = OV_OK;

	for (size_t i = 0; i < l->populations->n; i++)
		OV_TRY(put_list(db, LIST_POPULATION, i, l->populations->name[i], 0));
	for (size_t i = 0; i < l->n_kept; i++)
		OV_TRY(put_list(db, LIST_KEPT, i, l->kept[i], 0));
	while ((name = next_name(&at, l->tables, l->n_tables)) != NULL)
		OV_TRY(put_list(db, LIST_COLUMN, place++, name,
		    count_columns(l->tables, l->n_tables, name)));
done:
	return st;
}

enum ov_status
ov_held_put(struct ov_db *db, const struct ov_held *why, int64_t last_old,
    const struct ov_held_lists *lists)
{
	enum ov_status st;

	OV_TRY(ov_held_drop(db));
	OV_TRY(ov_db_run(db,
	    "INSERT OR ROLLBACK INTO book_held_row SELECT * FROM book_row"
	    " WHERE row > ?",
	    OV_DB_I64(last_old)));
	OV_TRY(ov_db_run(db, "DELETE FROM book_row WHERE row > ?", OV_DB_I64(last_old)));
	OV_TRY(put_lists(db, lists));
	OV_TRY(ov_db_run(db,
	    "INSERT INTO book_held(id, rows, rows_before, shrank, lost)"
	    " VALUES(1,?,?,?,?)",
	    OV_DB_I64(why->rows), OV_DB_I64(why->rows_before), OV_DB_I64(why->shrank),
	    OV_DB_TEXT(why->lost)));
done:
	return st;
}

enum ov_status
ov_held_drop(struct ov_db *db)
{
	enum ov_status st;

	OV_TRY(ov_db_run(db, "DELETE FROM book_held_row"));
	OV_TRY(ov_db_run(db, "DELETE FROM book_held_list"));
	OV_TRY(ov_db_run(db, "DELETE FROM book_held"));
done:
	return st;
}

enum ov_status
ov_held_take(struct ov_db *db)
{
	struct ov_held held;
	enum ov_status st;

	OV_TRY(ov_held_get(&held, db));
	OV_TRY(ov_db_run(db, "DELETE FROM book_row"));
	OV_TRY(ov_db_run(db, "DELETE FROM book_population"));
	OV_TRY(ov_db_run(db, "DELETE FROM book_kept"));
	OV_TRY(ov_db_run(db, "DELETE FROM book_column"));
	OV_TRY(ov_db_run(
	    db, "INSERT OR ROLLBACK INTO book_row SELECT * FROM book_held_row"));
	OV_TRY(ov_db_run(db,
	    "INSERT INTO book_population(population, name)"
	    " SELECT place, name FROM book_held_list WHERE kind = ?",
	    OV_DB_I64(LIST_POPULATION)));
	OV_TRY(ov_db_run(db,
	    "INSERT INTO book_kept(place, heading)"
	    " SELECT place, name FROM book_held_list WHERE kind = ?",
	    OV_DB_I64(LIST_KEPT)));
	OV_TRY(ov_db_run(db,
	    "INSERT INTO book_column(field, n)"
	    " SELECT name, n FROM book_held_list WHERE kind = ?",
	    OV_DB_I64(LIST_COLUMN)));
	OV_TRY(ov_held_drop(db));
	OV_TRY(ov_book_build(db, NULL));
done:
	return st;
}
