/* deals.h - deals (opportunities) find their accounts and say what population these are
 * in.
 *
 * By the account's id, or, for a deal without one and where no account has one, by the
 * account's name as it stands (case aside).  An account is in the first, in the owner's
 * order, of what it says of itself and of what its deals say; but what a population
 * column of its own says holds, also against deals that come to the book later.  A deal
 * whose account is nowhere stands for the account, if it names it: one row for all its
 * deals, that of the deal with the fewest empty cells.  Nothing depends on the order of
 * rows.
 */
#ifndef OV_CLIENT_BOOK_DEALS_H
#define OV_CLIENT_BOOK_DEALS_H

#include "client/book/population.h"
#include "client/book/row.h"
#include "common/db/db.h"

/* book_row.population while an import is under way; afterwards it is < 64. */
#define OV_PENDING_FIXED                                                                 \
	64 /* and the population: its column says it, deals do not matter */
#define OV_PENDING_NONE 128 /* nothing says it so far */
#define OV_PENDING_DEAL 192 /* a deal, not an account */
#define OV_PENDING 64	    /* from here on */

struct ov_deals_result {
	uint64_t deals;	    /* read */
	uint64_t joined;    /* with an account of the files or the book */
	uint64_t accounts;  /* accounts that have any */
	uint64_t stand_ins; /* accounts that only deals name */
	uint64_t lost;	    /* deals of accounts that are nowhere and not named */
};

struct ov_deals;

/* directory is borrowed until the end. */
OV_MUST_CHECK enum ov_status ov_deals_new(struct ov_deals **out, const char *directory);
void ov_deals_free(struct ov_deals *d); /* NULL is fine */

/* A deal, which is row number `row` of book_row, or 0: it has nothing that could be an
 * account. */
OV_MUST_CHECK enum ov_status ov_deals_add(
    struct ov_deals *d, const struct ov_row *deal, int64_t row, uint8_t population);

/* Inside the caller's transaction, after all rows are in: rows up to last_old are those
 * of the book before, others those of the import.  scope: whether they may
 * have deals, too.  p: to tell what a row of the book says of itself. */
enum ov_deals_scope {
	OV_DEALS_OF_IMPORT,
	OV_DEALS_OF_BOOK, /* instead of the deals before: what those said is forgotten */
	OV_DEALS_ADDED	  /* beside them: where an account is counts as its own word */
};
OV_MUST_CHECK enum ov_status ov_deals_join(struct ov_deals_result *out,
    struct ov_deals *d, struct ov_db *db, int64_t last_old, enum ov_deals_scope scope,
    const struct ov_populations *p);

#endif /* OV_CLIENT_BOOK_DEALS_H */
