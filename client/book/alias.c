#include "client/book/alias.h"

#include <stdlib.h>
#include <string.h>

#include "client/book/find.h"

/* The smallest id of the record's rows; NULL: they have none. */
static enum ov_status
first_id(char **out, struct ov_db *db, int64_t record)
{
	struct ov_db_stmt *s = NULL;
	bool row;
	enum ov_status st;

	*out = NULL;
	OV_TRY(ov_db_query(&s, db,
	    "SELECT r.ext_id FROM book_member m JOIN book_row r ON r.row = m.row"
	    " WHERE m.record = ? AND r.ext_id != '' ORDER BY r.ext_id LIMIT 1",
	    OV_DB_I64(record)));
	OV_TRY(ov_db_step(s, &row));
	OV_REQUIRE(row, OV_E_BOOK_EMPTY);
	*out = strdup(ov_db_text(s, 0));
	OV_REQUIRE(*out != NULL, OV_E_NOMEM);
done:
	ov_db_finish(s);
	return st;
}

/* A row with exactly this id means itself, whatever else has such a name. */
static enum ov_status
by_id(char **out, struct ov_db *db, const char *text)
{
	char *id = ov_find_id(text);
	int64_t n;
	enum ov_status st;

	*out = NULL;
	OV_REQUIRE(id != NULL, OV_E_NOMEM);
	OV_TRY(ov_db_number(&n, db,
	    "SELECT EXISTS (SELECT 1 FROM book_row WHERE ext_id = ?)", OV_DB_TEXT(id)));
	OV_REQUIRE(n > 0 && id[0] != '\0', OV_E_NOT_FOUND);
	*out = id;
	id = NULL;
done:
	free(id);
	return st;
}

enum ov_status
ov_alias_account(char **id, struct ov_db *db, const char *text)
{
	struct ov_db_stmt *s = NULL;
	int64_t record;
	bool row;
	enum ov_status st;

	st = by_id(id, db, text);
	if (st != OV_E_NOT_FOUND)
		return st;
	OV_REQUIRE(text[0] != '\0', OV_E_NOT_FOUND); /* else: all rows without an id */
	OV_TRY(ov_find_records(&s, db, text));
	OV_TRY(ov_db_step(s, &row));
	OV_REQUIRE(row, OV_E_NOT_FOUND);
	record = ov_db_i64(s, 0);
	OV_TRY(ov_db_step(s, &row));
	OV_REQUIRE(!row, OV_E_DB_CONFLICT);
	OV_TRY(first_id(id, db, record));
done:
	ov_db_finish(s);
	return st;
}

enum ov_status
ov_alias_add(struct ov_db *db, const char *id, enum ov_alias_kind kind, const char *value)
{
	return ov_db_run(db,
	    "INSERT OR IGNORE INTO book_alias(account, kind, value) VALUES(?,?,?)",
	    OV_DB_TEXT(id), OV_DB_I64(kind), OV_DB_TEXT(value));
}

enum ov_status
ov_alias_remove(
    struct ov_db *db, const char *id, enum ov_alias_kind kind, const char *value)
{
	enum ov_status st;

	OV_TRY(ov_db_run(db,
	    "DELETE FROM book_alias WHERE account = ? AND kind = ?"
	    " AND value = ? COLLATE NOCASE",
	    OV_DB_TEXT(id), OV_DB_I64(kind), OV_DB_TEXT(value)));
	OV_REQUIRE(ov_db_changed(db) > 0, OV_E_NOT_FOUND);
done:
	return st;
}

enum ov_status
ov_alias_each(struct ov_db *db, const char *id,
    enum ov_status (*visit)(void *arg, const struct ov_alias *a), void *arg)
{
	struct ov_db_stmt *s = NULL;
	struct ov_alias a;
	bool row;
	enum ov_status st;

	OV_TRY(ov_db_query(&s, db,
	    "SELECT a.account, a.kind, a.value, (SELECT r.name FROM book_row r"
	    " WHERE r.ext_id = a.account LIMIT 1) FROM book_alias a"
	    " WHERE ?1 IS NULL OR a.account = ?1 ORDER BY a.account, a.kind, a.value",
	    OV_DB_TEXT(id)));
	for (;;) {
		OV_TRY(ov_db_step(s, &row));
		if (!row)
			break;
		a = (struct ov_alias){ ov_db_text(s, 0),
			(enum ov_alias_kind)ov_db_i64(s, 1), ov_db_text(s, 2),
			ov_db_text(s, 3) };
		OV_REQUIRE(
		    a.kind == OV_ALIAS_DOMAIN || a.kind == OV_ALIAS_NAME, OV_E_DB_FAILED);
		OV_TRY(visit(arg, &a));
	}
done:
	ov_db_finish(s);
	return st;
}

enum ov_status
ov_alias_any(bool *any, struct ov_db *db)
{
	int64_t n;
	enum ov_status st;

	OV_TRY(ov_db_number(&n, db, "SELECT EXISTS (SELECT 1 FROM book_alias)"));
	*any = n != 0;
done:
	return st;
}
