/* renew.h - rows of an import meet the rows of the book that have the same id.
 *
 * Rows are those of book_row: up to last_old the book's, after it the import's.  An id is
 * whatever bytes a file has in its id column; a row without one, or with one too long to
 * be sorted, meets nothing.  Of several new rows with one id the last one counts.  Memory
 * is bounded (sort.h).  One thread.
 */
#ifndef OV_CLIENT_BOOK_RENEW_H
#define OV_CLIENT_BOOK_RENEW_H

#include "common/crypto/hash.h"
#include "common/db/db.h"

struct ov_renewed {
	uint64_t replaced;     /* OV_RENEW_REPLACE: rows of the book */
	uint64_t updated;      /* OV_RENEW_UPDATE: rows of the book */
	uint64_t unknown_ids;  /* ids that the book did not have */
	uint64_t repeated_ids; /* rows whose id stands on another new row, too */
};

struct ov_renew;

/* db and directory are borrowed until the end. */
OV_MUST_CHECK enum ov_status ov_renew_new(
    struct ov_renew **out, struct ov_db *db, const char *directory, int64_t last_old);
void ov_renew_free(struct ov_renew *r); /* NULL is fine */

/* A new row, after last_old. */
OV_MUST_CHECK enum ov_status ov_renew_add(
    struct ov_renew *r, struct ov_bytes id, int64_t row);
/* All rows of the book; without this, new rows are counted and meet nothing. */
OV_MUST_CHECK enum ov_status ov_renew_add_book(struct ov_renew *r);

/* What becomes of a row of the book that a new one meets. */
enum ov_renew_as {
	OV_RENEW_REPLACE, /* it is deleted */
	OV_RENEW_UPDATE	  /* it takes the cells of the new one that are not empty; a
			     population that a column of its own told holds against one that
			     did not */
};

/* Once, after the last row, inside the caller's transaction; then only freeing is left.
 * Fails as the database and ov_sort do. */
OV_MUST_CHECK enum ov_status ov_renew_rows(
    struct ov_renewed *out, struct ov_renew *r, enum ov_renew_as as);

#endif /* OV_CLIENT_BOOK_RENEW_H */
