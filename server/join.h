/* join.h - the broker's pure join of two tagged rosters: matches, cells and atoms.
 *
 * A side is one partner's list as the broker holds it: a tag, a record number, a rank, a
 * label and the fits for every slot.  Two records are joined by an edge if they share a
 * tag at equal rank and no rank vetoes it (PROTOCOL.md 7.19).  Edges stand in one total
 * order that does not depend on who is called A: strongest shared rank, then more shared
 * tags, then smallest shared tag.
 *
 *     ov_join_new -> ov_join_list (once a receiver) -> ov_join_count
 *                 -> ov_join_atoms (once a protected side)
 *
 * Everything is public to the broker, so all of it runs in variable time; the names leave
 * out _vartime.  Tags are placed by SipHash under a fresh random key, so that no list can
 * be made slow on purpose; results never depend on that key.  No clock, file, socket or
 * database.  A join is read-only once made: several threads may use one.
 *
 * Memory, input arrays, join and both receivers' lists together: under 48 bytes a slot of
 * both sides.
 */
#ifndef OV_SERVER_JOIN_H
#define OV_SERVER_JOIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/status.h"
#include "proto/rank.h"
#include "proto/slots.h"
#include "proto/terms.h"

#define OV_JOIN_SLOTS_MAX ((size_t)1 << 28)
#define OV_JOIN_POPULATIONS (OV_POPULATIONS_MAX + 1) /* number 0 is never used */

enum ov_join_role { OV_JOIN_A, OV_JOIN_B };

/* Borrowed arrays of n entries each; they may be NULL when n is 0. */
struct ov_join_side {
	size_t n;
	const uint8_t *tag;		    /* 16 bytes a slot */
	const uint32_t *record;		    /* < n */
	const uint8_t *rank;		    /* enum ov_rank */
	const uint8_t *label;		    /* OV_LABEL */
	const uint8_t *fit;		    /* OV_FIT */
	uint8_t ranks;			    /* OV_RANK_BITs that the terms allow */
	uint8_t level[OV_JOIN_POPULATIONS]; /* enum ov_level of each population */
	bool bands; /* labels and fits tell how records fit the other's ICP */
};

/* Two records that are one company: the slots, in A and in B, of the smallest shared tag
 * at the strongest shared rank. */
struct ov_join_pair {
	uint32_t a, b;
	uint32_t
	    edge; /* its place among all: a pair that is in two lists has it in both */
	uint8_t rank;
};

struct ov_join_list {
	struct ov_join_pair *pairs; /* owned, in the order of the edges */
	size_t n;
};

/* Exact numbers of one list, by [population in A][population in B].  Fits are of pairs,
 * for one side's ICP: that side's own word if it has one, else the other's. */
struct ov_join_cells {
	uint32_t pairs[OV_JOIN_POPULATIONS][OV_JOIN_POPULATIONS];
	uint32_t fits_a[OV_JOIN_POPULATIONS][OV_JOIN_POPULATIONS];
	uint32_t fits_b[OV_JOIN_POPULATIONS][OV_JOIN_POPULATIONS];
	uint32_t records_a[OV_JOIN_POPULATIONS]; /* distinct records in any pair */
	uint32_t records_b[OV_JOIN_POPULATIONS];
};

/* Distinct records of one side's list, padding too, by population and by what they say of
 * their own and of the other's ICP (enum ov_fit). */
struct ov_join_records {
	uint32_t n[OV_JOIN_POPULATIONS];
	uint32_t own[OV_JOIN_POPULATIONS][3], other[OV_JOIN_POPULATIONS][3];
};

/* Disjoint counts by [population in A][population in B][fits A's ICP][fits B's ICP]. */
struct ov_join_atoms {
	uint32_t n[OV_JOIN_POPULATIONS][OV_JOIN_POPULATIONS][2][2];
};

struct ov_join;

/* Checks one roster without its tags (s->tag is not read): record in range, rank allowed,
 * a population that is not hidden, fits in their coding, bands and fits to the other's
 * ICP where the terms release them and nowhere else, one label and fit a record, at most
 * OV_TOKENS_PER_RECORD slots a record.  OV_E_PROTO_ROSTER otherwise and for more than
 * OV_JOIN_SLOTS_MAX slots; OV_E_NOMEM. */
OV_MUST_CHECK enum ov_status ov_join_check(const struct ov_join_side *s);

/* Checks both rosters as ov_join_check does and finds every edge.  *out borrows both
 * sides, arrays included, until ov_join_free; only the tags are not read any more.
 * veto[v] is the set of ranks weaker than v whose edges rank v refuses where both records
 * have slots of rank v and share none. OV_E_PSI_DUPLICATE if a tag stands twice in one
 * list, at whatever rank; OV_E_PROTO_ROSTER; OV_E_NOMEM.  *out is NULL after a failure.
 */
OV_MUST_CHECK enum ov_status ov_join_new(struct ov_join **out,
    const struct ov_join_side *a, const struct ov_join_side *b,
    const uint8_t veto[OV_RANK_MAX + 1]);
void ov_join_free(struct ov_join *j); /* NULL is fine */

/* The pairs of one receiver's view: over all of the receiver's own records and those
 * records of the other whose population is at `floor` or higher, edges are accepted in
 * order while both records are free.  floor OV_LEVEL_MATCHES gives the receiver's list of
 * matches, which nothing that is only counted can shape; OV_LEVEL_COUNTS the pairs behind
 * exact counts.  With both sides and the receiver swapped the pairs are the same.
 * Free with ov_join_list_fini.  OV_E_NOMEM; the list is then empty. */
OV_MUST_CHECK enum ov_status ov_join_list(const struct ov_join *j,
    enum ov_join_role receiver, enum ov_level floor, struct ov_join_list *out);
void ov_join_list_fini(struct ov_join_list *list); /* leaves an empty list */

/* The exact cells of a list made from j. */
void ov_join_count(
    const struct ov_join *j, const struct ov_join_list *list, struct ov_join_cells *out);

/* The numbers that noise is added to: each record of the protected side that has an edge
 * is counted once, at its best edge, and uses nothing up.  So a record of that side added
 * or removed changes one atom by one.  OV_E_NOMEM; the atoms are then zero. */
OV_MUST_CHECK enum ov_status ov_join_atoms(
    const struct ov_join *j, enum ov_join_role protected_side, struct ov_join_atoms *out);

/* OV_E_NOMEM; the numbers are then zero. */
OV_MUST_CHECK enum ov_status ov_join_records(
    const struct ov_join *j, enum ov_join_role side, struct ov_join_records *out);

#endif /* OV_SERVER_JOIN_H */
