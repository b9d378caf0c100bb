/* build.h - records from the rows of the book: tokenise, merge, write, count. */
#ifndef OV_CLIENT_BOOK_BUILD_H
#define OV_CLIENT_BOOK_BUILD_H

#include <stdbool.h>

#include "client/book/examples.h"
#include "client/normalise/normalise.h"
#include "common/crypto/hash.h"
#include "common/db/db.h"
#include "common/status.h"

/* Records are numbered from 0 by the current profile, and from here on by the one before
 * it, which are only made when a job needs them. */
#define OV_BOOK_PREVIOUS ((int64_t)1 << 40)

/* Rows r of an account, in an order that follows from what they say and not from where
 * they stood in a file: of several that say something, the first counts. */
#define OV_BOOK_ROW_ORDER                                                                \
	"r.ext_id, r.name, r.country, r.industry, r.employees, r.revenue, r.type,"       \
	" r.lifecycle, r.stage, r.kept, r.row"

/* What takes the time of an import. */
enum ov_build_phase { OV_BUILD_READING, OV_BUILD_KEYS, OV_BUILD_RECORDS };

/* Inside the caller's transaction.  All records are replaced by those of the current
 * profile, the generation counts up.  Memory is bounded (merge.h). */
struct ov_build_options {
	struct ov_examples *examples; /* gathered; NULL: none */
	/* Now and then; may be NULL.  all 0: not known. */
	void (*progress)(
	    void *ctx, enum ov_build_phase phase, uint64_t done, uint64_t all);
	void *ctx;
};
OV_MUST_CHECK enum ov_status ov_book_build(
    struct ov_db *db, const struct ov_build_options *options); /* NULL: none */

/* The same by the profile before, beside those of the current one: counts, reasons and
 * generation stay. */
OV_MUST_CHECK enum ov_status ov_book_build_previous(
    struct ov_db *db, const struct ov_profile *p);

/* What book_count.what means; append only. */
enum ov_book_count {
	OV_COUNT_ROWS = 1,
	OV_COUNT_RECORDS = 2,
	OV_COUNT_MATCHABLE = 3,
	OV_COUNT_NAME_ONLY = 4,
	OV_COUNT_KEYS = 5,		 /* which: rank */
	OV_COUNT_DROPPED = 6,		 /* which: enum ov_drop */
	OV_COUNT_UNMERGED = 7,		 /* which: enum ov_merge_drop */
	OV_COUNT_POPULATION_ROWS = 8,	 /* which: population */
	OV_COUNT_POPULATION_RECORDS = 9, /* which: population */
	OV_COUNT_SCHEME_IDS = 10
};

/* A key in book_record.keys: rank, source, length, value; the keys one after another, as
 * ov_merge_tokens gives them.  Reads the one at *at and moves on; false at the end.
 * OV_E_DB_FAILED is for the caller to give if *ok comes back false. */
struct ov_merge_token;
bool ov_book_next_key(
    struct ov_merge_token *out, size_t *at, struct ov_bytes keys, bool *ok);

#endif /* OV_CLIENT_BOOK_BUILD_H */
