/* merge.h - which rows of a book are one account, and which keys stand for it.
 *
 * Rows claim key values (a row's LEI, its domains, its name with country ...).  Rows
 * that share a claim of LEI, CIK, DUNS, domain or name+country become one record, rank
 * after rank, the strongest first, with these exceptions.
 *
 * Conflict: two groups that both have an LEI, or both a CIK, are different companies.  A
 * value that would join them, alone or in a chain with others of its rank, joins nothing
 * and is no key.
 *
 * Family: a domain on rows of more than OV_MERGE_NAMES_MAX different names is that of a
 * house (of funds, projects, franchises).  It stays with the rows whose name is the
 * domain's (initials count) and joins these only; without such rows it is no key.
 * Measured: up to 4 names, 95 in 100 pairs of rows on one domain are one company.
 *
 * Weak: a name of one word, in one country, on accounts with different domains joins
 * nothing and is no key.  Measured: inside one list of start-ups 29 of 31 such joins were
 * wrong; across two lists of large companies most were right, but those accounts still
 * have their domains.
 *
 * Shared: a value of a rank that joins nothing (VAT, bare name) and that stands in two
 * records is no key of either.
 *
 * A record keeps 6 keys: the strongest ranks, websites before e-mail, then by bytes.
 * Rows that claim nothing but the same bare name are one record.  So each value is a key
 * of at most one record, and the result depends on the set of rows, not on their order.
 * Pure, in memory: about 250 bytes a row.  One thread.
 */
#ifndef OV_CLIENT_BOOK_MERGE_H
#define OV_CLIENT_BOOK_MERGE_H

#include <stddef.h>
#include <stdint.h>

#include "common/crypto/hash.h"
#include "common/status.h"
#include "proto/rank.h"

#define OV_MERGE_NAMES_MAX 4
/* Kept per record: 6 of the ranks above the bare name, and 6 bare names. */
#define OV_MERGE_TOKENS_MAX (2 * OV_TOKENS_PER_RECORD)

enum ov_claim_source { OV_CLAIM_COLUMN, OV_CLAIM_WEBSITE, OV_CLAIM_EMAIL };

/* Why a claim is no key of its row's record.  Stored in books: append only. */
enum ov_merge_drop {
	OV_MERGE_KEPT = 0,
	OV_MERGE_CONFLICT,
	OV_MERGE_FAMILY,
	OV_MERGE_SHARED,
	OV_MERGE_OVER_CAP /* the record has 6 stronger ones */
};
#define OV_MERGE_DROPS 5

struct ov_merge;

OV_MUST_CHECK enum ov_status ov_merge_new(struct ov_merge **out);
void ov_merge_free(struct ov_merge *m); /* NULL is fine */

/* Begins the next row: 0, 1 ...  At most 2^31 - 1 rows and claims (OV_E_LIST_TOO_LARGE).
 */
OV_MUST_CHECK enum ov_status ov_merge_row(struct ov_merge *m);

/* The row claims value, of 1 to 255 bytes, copied.  Again the same: the earlier source
 * in the enum counts. */
OV_MUST_CHECK enum ov_status ov_merge_claim(struct ov_merge *m, enum ov_rank rank,
    enum ov_claim_source source, struct ov_bytes value);

/* Decides.  Once, after the last row. */
OV_MUST_CHECK enum ov_status ov_merge_run(struct ov_merge *m);

/* Afterwards.  Records are 0 .. n-1 by the bytes of their first key, first by rank; those
 * without a key come last, by their first row. */
uint32_t ov_merge_n_rows(const struct ov_merge *m);
uint32_t ov_merge_n_records(const struct ov_merge *m);
uint32_t ov_merge_record_of(const struct ov_merge *m, uint32_t row);

struct ov_merge_token {
	enum ov_rank rank;
	enum ov_claim_source source;
	struct ov_bytes value; /* borrowed from m */
};
/* The keys of a record, by rank and bytes; returns their number. */
size_t ov_merge_tokens(struct ov_merge_token out[OV_MERGE_TOKENS_MAX],
    const struct ov_merge *m, uint32_t record);

/* Calls fn for each claim, in the order of the rows, that is no key, with the reason.
 * A failure of fn ends the walk and is passed on. */
typedef enum ov_status ov_merge_drop_fn(
    void *ctx, uint32_t row, const struct ov_merge_token *claim, enum ov_merge_drop why);
OV_MUST_CHECK enum ov_status ov_merge_dropped(
    const struct ov_merge *m, ov_merge_drop_fn *fn, void *ctx);

/* One sentence for the owner of the account. */
const char *ov_merge_drop_text(enum ov_merge_drop why);

#endif /* OV_CLIENT_BOOK_MERGE_H */
