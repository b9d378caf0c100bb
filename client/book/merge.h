/* merge.h - which rows of a book are one account, and which keys stand for it.
 *
 * Rows claim key values (a row's LEI, its domains, its name with country ...).  Rows
 * that share a claim of LEI, CIK, DUNS, domain or name+country become one record, rank
 * after rank, the strongest first, with these exceptions; normalise/NOTES.md has what was
 * measured of each.
 *
 * Conflict: two groups that both have an LEI, or both a CIK, are different companies.  A
 * value that would join them, alone or in a chain with others of its rank, joins nothing
 * and is no key.
 *
 * Family: a domain on rows of different names may be that of a house with its funds,
 * projects, franchises or what it bought.  On up to OV_MERGE_NAMES_MAX names it stays
 * with those that are named like it, and joins these only; if none is, all are one
 * record, unless there are funds among them.  On more names it stays with those whose
 * name is exactly the domain's; if none is, it is no key.
 *
 * What the family rule parts is still one family to whoever wants one of it kept out:
 * marks of a row (ov_merge_marks) are also those of the record that keeps its domain, and
 * of the rows that lost it to that.
 *
 * Fund: never the house.  It has no domain that is not named like it.
 *
 * Told: a name that a website tells (OV_CLAIM_WEBSITE) is a key only of an account that
 * keeps a domain of its own, and only where no other account's own name or website says
 * the same.  It joins nothing.
 *
 * Weak: a name, in one country, on accounts with different domains, or in a chain of
 * names that would join such, joins nothing and is no key.
 *
 * Namesakes: a name of rows whose legal forms tell two companies apart ("Bank AG", "Bank
 * GmbH") joins nothing and is no key.
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

#include "client/normalise/normalise.h"
#include "common/crypto/hash.h"
#include "common/status.h"
#include "proto/rank.h"

#define OV_MERGE_NAMES_MAX 4
/* Kept per record: 6 of the ranks above the bare name, and 6 bare names. */
#define OV_MERGE_TOKENS_MAX (2 * OV_TOKENS_PER_RECORD)

enum ov_claim_source {
	OV_CLAIM_COLUMN, /* of its own; a domain: a person said so, whatever its name */
	OV_CLAIM_WEBSITE,
	OV_CLAIM_EMAIL
};

/* Why a claim is no key of its row's record.  Stored in books: append only. */
enum ov_merge_drop {
	OV_MERGE_KEPT = 0,
	OV_MERGE_CONFLICT,
	OV_MERGE_FAMILY,
	OV_MERGE_SHARED,
	OV_MERGE_OVER_CAP, /* the record has 6 stronger ones */
	OV_MERGE_NAMESAKE
};
#define OV_MERGE_DROPS 6

struct ov_merge;

/* directory is copied. */
OV_MUST_CHECK enum ov_status ov_merge_new(struct ov_merge **out, const char *directory);
void ov_merge_free(struct ov_merge *m); /* NULL is fine */

/* Begins the next row: 0, 1 ...  tag is given back with it.  At most 2^30 rows and 2^30
 * claims (OV_E_LIST_TOO_LARGE). */
OV_MUST_CHECK enum ov_status ov_merge_row(struct ov_merge *m, uint64_t tag);

/* The row claims value, of 1 to 255 bytes without a zero (else OV_E_BUG), copied.  Again
 * the same: the earlier source in the enum counts. */
OV_MUST_CHECK enum ov_status ov_merge_claim(struct ov_merge *m, enum ov_rank rank,
    enum ov_claim_source source, struct ov_bytes value);

/* What the row's name says beside its value: the family rule looks at it.  The first call
 * for a row counts. */
void ov_merge_signs(struct ov_merge *m, const struct ov_name_signs *signs);

/* Bits that the caller wants to know of records: of the row that was begun last. */
void ov_merge_marks(struct ov_merge *m, uint16_t marks);

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
	uint16_t marks;	 /* of its rows, and of those with a domain of theirs */
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
