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
 *
 * Memory is bounded, whatever the number of rows: claims are sorted (sort.h) and pass by
 * value after value, and what is known of each row is in pages (paged.h).  Both use
 * scratch files in a directory that the caller names.  One thread.  All functions fail
 * with OV_E_IO and OV_E_NOMEM; then only freeing is left.
 */
#ifndef OV_CLIENT_BOOK_MERGE_H
#define OV_CLIENT_BOOK_MERGE_H

#include <stdbool.h>
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

/* directory is copied. */
OV_MUST_CHECK enum ov_status ov_merge_new(struct ov_merge **out, const char *directory);
void ov_merge_free(struct ov_merge *m); /* NULL is fine */

/* Begins the next row: 0, 1 ...  tag is given back with it.  At most 2^30 rows and 2^30
 * claims (OV_E_LIST_TOO_LARGE). */
OV_MUST_CHECK enum ov_status ov_merge_row(struct ov_merge *m, uint64_t tag);

/* The row claims value, of 1 to 255 bytes without a zero (else OV_E_BUG), copied.  Again
 * the same: the earlier source in the enum counts.  A row's first bare name is the one
 * that the family rule looks at. */
OV_MUST_CHECK enum ov_status ov_merge_claim(struct ov_merge *m, enum ov_rank rank,
    enum ov_claim_source source, struct ov_bytes value);

/* Decides.  Once, after the last row. */
OV_MUST_CHECK enum ov_status ov_merge_run(struct ov_merge *m);

/* Afterwards. */
uint32_t ov_merge_n_rows(const struct ov_merge *m);
uint32_t ov_merge_n_records(const struct ov_merge *m);

struct ov_merge_token {
	enum ov_rank rank;
	enum ov_claim_source source;
	struct ov_bytes value; /* borrowed */
};

struct ov_merge_record {
	uint32_t number; /* 0, 1 ... */
	size_t n;
	struct ov_merge_token token[OV_MERGE_TOKENS_MAX]; /* by rank and bytes */
};

/* The next record, by the bytes of the first key, first by rank; those without a key come
 * last, by their first row.  *any: whether there is one.  Borrowed until the next call.
 */
OV_MUST_CHECK enum ov_status ov_merge_next_record(
    bool *any, struct ov_merge_record *out, struct ov_merge *m);
/* The next row of the record that was given last, in order; its tag. */
OV_MUST_CHECK enum ov_status ov_merge_next_member(
    bool *any, uint64_t *tag, struct ov_merge *m);

/* The next claim that is no key, in the order of rows, ranks and bytes.  Borrowed until
 * the next call. */
struct ov_merge_dropped {
	uint64_t tag; /* of the row */
	struct ov_merge_token claim;
	enum ov_merge_drop why;
};
OV_MUST_CHECK enum ov_status ov_merge_next_dropped(
    bool *any, struct ov_merge_dropped *out, struct ov_merge *m);

/* One sentence for the owner of the account. */
const char *ov_merge_drop_text(enum ov_merge_drop why);

#endif /* OV_CLIENT_BOOK_MERGE_H */
