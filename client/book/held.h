/* held.h - an import that waits for a person.
 *
 * A file that is to be the whole book, and has fewer than half of its rows or lacks a
 * column that the last one had, is more often a mistake than the truth.  Its rows are
 * kept beside the book, without becoming it, until a person takes or drops them.  The
 * newest file counts: another one that is to be the whole book takes their place.
 */
#ifndef OV_CLIENT_BOOK_HELD_H
#define OV_CLIENT_BOOK_HELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/book/columns.h"
#include "common/db/db.h"

#define OV_HELD_LOST_TEXT 256

struct ov_held {
	uint64_t rows, rows_before;
	bool shrank;
	char lost[OV_HELD_LOST_TEXT]; /* columns, "website, type"; "" for none */
};

/* OV_E_NOT_FOUND if none waits. */
OV_MUST_CHECK enum ov_status ov_held_get(struct ov_held *out, struct ov_db *db);

/* All of the following inside the caller's transaction. */

/* What the book was made from: for the next import to be compared with. */
OV_MUST_CHECK enum ov_status ov_held_note_columns(
    struct ov_db *db, const struct ov_columns *const *tables, size_t n);

/* Compares rows from first_row on with the book before them.  *hold: a person must
 * look; then *out says why. */
OV_MUST_CHECK enum ov_status ov_held_compare(bool *hold, struct ov_held *out,
    struct ov_db *db, int64_t last_old, const struct ov_columns *const *tables, size_t n);

/* The rows after last_old, and what goes with them, wait.  What waited before is
 * dropped. */
struct ov_held_lists {
	const struct ov_populations *populations;
	const char *const *kept; /* headings */
	size_t n_kept;
	const struct ov_columns *const *tables;
	size_t n_tables;
};
OV_MUST_CHECK enum ov_status ov_held_put(struct ov_db *db, const struct ov_held *why,
    int64_t last_old, const struct ov_held_lists *lists);

/* What waits becomes the book, and its records are made. */
OV_MUST_CHECK enum ov_status ov_held_take(struct ov_db *db);
OV_MUST_CHECK enum ov_status ov_held_drop(struct ov_db *db);

#endif /* OV_CLIENT_BOOK_HELD_H */
