/* alias.h - further domains and former names of accounts, which no export has.
 *
 * They belong to an account's own id, so they stay when the list is imported again, and
 * give keys as the cells of the row with that id do.  A row without an id has none.
 */
#ifndef OV_CLIENT_BOOK_ALIAS_H
#define OV_CLIENT_BOOK_ALIAS_H

#include <stdbool.h>

#include "common/db/db.h"
#include "common/status.h"

#define OV_ALIAS_VALUE_MAX 255 /* bytes */

/* Stored: append only. */
enum ov_alias_kind { OV_ALIAS_DOMAIN = 1, OV_ALIAS_NAME = 2 };

struct ov_alias {
	const char *id; /* of the account */
	enum ov_alias_kind kind;
	const char *value; /* as it was typed */
	const char *name;  /* of the row in the book; NULL: there is none of that id */
};

/* The id by which aliases are kept of the account that `text` means (as in ov_book_why):
 * free it.  OV_E_NOT_FOUND; OV_E_DB_CONFLICT if several are meant; OV_E_BOOK_EMPTY if its
 * rows have no id. */
OV_MUST_CHECK enum ov_status ov_alias_account(
    char **id, struct ov_db *db, const char *text);

/* Inside the caller's transaction, which then makes the records anew (build.h).  Adding
 * what is there does nothing; removing what is not: OV_E_NOT_FOUND. */
OV_MUST_CHECK enum ov_status ov_alias_add(
    struct ov_db *db, const char *id, enum ov_alias_kind kind, const char *value);
OV_MUST_CHECK enum ov_status ov_alias_remove(
    struct ov_db *db, const char *id, enum ov_alias_kind kind, const char *value);

/* By id, kind and value.  id: of that account only; NULL: all.  visit's failure ends the
 * walk. */
OV_MUST_CHECK enum ov_status ov_alias_each(struct ov_db *db, const char *id,
    enum ov_status (*visit)(void *arg, const struct ov_alias *a), void *arg);

/* Whether there are any at all. */
OV_MUST_CHECK enum ov_status ov_alias_any(bool *any, struct ov_db *db);

/* The aliases of row r of book_row as two columns of a query, lines each: what
 * struct ov_row_cells wants last; and the same where there are none. */
#define OV_ALIAS_COLUMNS                                                                 \
	"(SELECT group_concat(value, char(10)) FROM book_alias"                          \
	" WHERE account = r.ext_id AND kind = 1),"                                       \
	"(SELECT group_concat(value, char(10)) FROM book_alias"                          \
	" WHERE account = r.ext_id AND kind = 2)"
#define OV_ALIAS_NO_COLUMNS "NULL, NULL"

#endif /* OV_CLIENT_BOOK_ALIAS_H */
