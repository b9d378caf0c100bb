/* tokens.h - from the cells of a row to the key values that it claims. */
#ifndef OV_CLIENT_BOOK_TOKENS_H
#define OV_CLIENT_BOOK_TOKENS_H

#include "client/book/merge.h"
#include "client/normalise/normalise.h"
#include "common/crypto/hash.h"
#include "common/db/db.h"
#include "common/status.h"

/* As book_row stores them; borrowed; lists separated by line feeds, of `ids` each
 * "scheme=value". */
struct ov_row_cells {
	struct ov_bytes name, websites, email_domains, country, lei, cik, duns, vat, ids;
	struct ov_bytes alias_domains, alias_names; /* alias.h */
};

/* Those of a row of book_row or book_held_row: these columns of a query, the first of
 * them at `first`; without aliases.  As long as the statement stands on its row. */
#define OV_ROW_CELL_COLUMNS                                                              \
	"name, websites, email_domains, country, lei, cik, duns, vat, ids"
struct ov_row_cells ov_row_cells_at(struct ov_db_stmt *s, int first);

/* One value tried: kept (why OV_DROP_NONE, value filled) or dropped. */
struct ov_claim_try {
	enum ov_rank rank;
	const char *kind; /* "lei" ... "id:acme"; borrowed for the call */
	enum ov_claim_source source;
	enum ov_drop why;
	struct ov_bytes raw;		/* the cell or its part */
	char value[OV_TOKEN_VALUE_CAP]; /* "" when dropped */
	struct ov_name_signs signs;	/* of a name */
};

/* Calls fn for every cell that is not empty, and each part of a list, by the rules of p.
 * A name gives two: name+country (dropped without a country) and bare name.  A failure of
 * fn is passed on. */
typedef enum ov_status ov_claim_fn(void *ctx, const struct ov_claim_try *t);
OV_MUST_CHECK enum ov_status ov_row_claims(const struct ov_profile *p,
    const struct ov_row_cells *cells, ov_claim_fn *fn, void *ctx);

#endif /* OV_CLIENT_BOOK_TOKENS_H */
