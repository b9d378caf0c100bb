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

/* How many columns of a field the table has that has most of them. */
static size_t
count_columns(const struct ov_columns *const *tables, size_t n, enum ov_field f)
{
	size_t most = 0;

	if (f == OV_FIELD_DEAL || f == OV_FIELD_TICKER) /* nothing is made of them */
		return 0;
	for (size_t t = 0; t < n; t++) {
		size_t count = 0;

		for (size_t k = 0; k < tables[t]->n; k++)
			count += tables[t]->field[k] == f;
		most = count > most ? count : most;
	}
	return most;
}

enum ov_status
ov_held_note_columns(struct ov_db *db, const struct ov_columns *const *tables, size_t n)
{
	enum ov_status st;

	OV_TRY(ov_db_run(db, "DELETE FROM book_column"));
	for (int f = OV_FIELD_ID; f < OV_FIELD_ACCOUNTS; f++) {
		size_t count = count_columns(tables, n, (enum ov_field)f);

		if (count > 0)
			OV_TRY(
			    ov_db_run(db, "INSERT INTO book_column(field, n) VALUES(?,?)",
				OV_DB_TEXT(ov_field_name((enum ov_field)f)),
				OV_DB_I64(count)));
	}
done:
	return st;
}

/* A field that had more columns. */
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
		for (int f = OV_FIELD_ID; f < OV_FIELD_ACCOUNTS; f++)
			if (strcmp(ov_field_name((enum ov_field)f), ov_db_text(s, 0)) ==
				0 &&
			    count_columns(tables, n, (enum ov_field)f) <
				(size_t)ov_db_i64(s, 1))
				len += (size_t)snprintf(lost + len,
				    OV_HELD_LOST_TEXT - len, "%s%s", len > 0 ? ", " : "",
				    ov_field_name((enum ov_field)f));
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
	enum ov_status st = OV_OK;

	for (size_t i = 0; i < l->populations->n; i++)
		OV_TRY(put_list(db, LIST_POPULATION, i, l->populations->name[i], 0));
	for (size_t i = 0; i < l->n_kept; i++)
		OV_TRY(put_list(db, LIST_KEPT, i, l->kept[i], 0));
	for (int f = OV_FIELD_ID; f < OV_FIELD_ACCOUNTS; f++) {
		size_t count = count_columns(l->tables, l->n_tables, (enum ov_field)f);

		if (count > 0)
			OV_TRY(put_list(db, LIST_COLUMN, (size_t)f,
			    ov_field_name((enum ov_field)f), count));
	}
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
