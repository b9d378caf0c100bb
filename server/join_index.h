/* join_index.h - which slots of two lists hold the same tag (for join.c alone).
 *
 * Open-addressed tables over parts of both lists, one after the other, keyed by SipHash
 * under a fresh random key; 4 bytes a slot, dropped before the call returns.
 */
#ifndef OV_SERVER_JOIN_INDEX_H
#define OV_SERVER_JOIN_INDEX_H

#include "server/join.h"

#define OV_JOIN_NONE UINT32_MAX

/* A tag shared at equal rank: its slots in A and in B. */
struct ov_join_hit {
	uint32_t a, b;
	uint32_t next; /* for the caller's chains */
};

/* Writes the hits, in no order, to hits, which has room for the shorter list, and
 * their number to *n.  Both lists are checked and within OV_JOIN_SLOTS_MAX.
 * OV_E_PSI_DUPLICATE if a tag stands twice in one list; OV_E_NOMEM. */
OV_MUST_CHECK enum ov_status ov_join_find_hits(struct ov_join_hit *hits, size_t *n,
    const struct ov_join_side *a, const struct ov_join_side *b);

#endif /* OV_SERVER_JOIN_INDEX_H */
