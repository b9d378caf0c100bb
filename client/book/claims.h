/* claims.h - what rows claim, each value once: the memory behind merge.h.
 *
 * For merge.c alone; claims.c fills it.
 */
#ifndef OV_CLIENT_BOOK_CLAIMS_H
#define OV_CLIENT_BOOK_CLAIMS_H

#include <stdbool.h>

#include "client/book/merge.h"

#define NONE UINT32_MAX

struct claim {
	uint32_t row, value;
	uint8_t source;
	uint8_t lost; /* OV_MERGE_FAMILY: this row's claim alone is no key */
};

/* A key value, once, whoever claims it. */
struct value {
	uint64_t hash;
	size_t offset; /* in text */
	uint8_t len, rank;
	uint8_t drop;	/* enum ov_merge_drop, for all its claims */
	uint8_t source; /* best of its live claims */
	bool links;	/* joins records in the present stage */
	uint32_t owner; /* root of the one record it is a key of, or NONE */
};

/* Groups of rows, as a forest: the root is the smallest row. */
struct forest {
	uint32_t *up;
};

/* Signs that a group has a claim of a rank. */
#define HAS_LEI 1U
#define HAS_CIK 2U
#define HAS_MORE_THAN_NAME 4U
#define HAS_DOMAIN 8U /* that is a key; known after the domains are done */

struct ov_merge {
	uint32_t n_rows, rows_cap;
	uint32_t *name; /* of each row: its bare name's value or NONE */
	uint8_t *signs; /* of each row, then of each root */
	struct claim *claim;
	uint32_t n_claims, claims_cap, row_claims; /* row_claims: first of this row */
	struct value *value;
	uint32_t n_values, values_cap;
	char *text;
	size_t n_text, text_cap;
	uint32_t *slot; /* open addressing over values, NONE: free */
	uint32_t slots; /* a power of two */
	/* made by the run */
	uint32_t *begin; /* claims of value v: by_value[begin[v]] .. [begin[v + 1] - 1] */
	uint32_t *by_value;
	struct forest rows, stage;
	uint32_t *stamp; /* of each row, for counting distinct roots */
	uint32_t now;
	uint32_t n_records;
	uint32_t *record;	   /* of each row */
	uint32_t *key_begin, *key; /* keys of each record: value numbers */
};

/* Calls for each live claim of value v: `struct claim *c` is it. */
#define FOR_CLAIMS(m, v, c)                                                              \
	for (uint32_t i_ = (m)->begin[v]; i_ < (m)->begin[(v) + 1]; i_++)                \
		for (struct claim *c = &(m)->claim[(m)->by_value[i_]]; c != NULL;        \
		     c = NULL)

/* Sorts the claims by value into by_value, rows in order.  OV_E_NOMEM. */
OV_MUST_CHECK enum ov_status ov_claims_index(struct ov_merge *m);

/* Like memcmp, over the bytes of two values; the shorter of two equal beginnings first.
 */
int ov_claims_compare(
    const struct ov_merge *m, const struct value *a, const struct value *b);

#endif /* OV_CLIENT_BOOK_CLAIMS_H */
