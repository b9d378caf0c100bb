/* views.h - what each partner's view of a join holds (PROTOCOL.md 7.20): cells, and which
 * pairs under which numbers.
 *
 * Pure but for the random match numbers and the noise.  A receiver's list is joined over
 * the other's records at `matches` or higher and all its own; its cells over those
 * populations are the exact counts of that list.  Cells of what is only counted are
 * apart (counts.h).
 */
#ifndef OV_SERVER_VIEWS_H
#define OV_SERVER_VIEWS_H

#include "proto/codec.h"
#include "proto/terms.h"
#include "server/counts.h"
#include "server/join.h"

/* A pair that at least one side sees. */
struct ov_view_match {
	uint32_t a, b; /* positions */
	uint32_t number;
	uint8_t rank;
	uint8_t seen; /* bit OV_JOIN_A, bit OV_JOIN_B: who sees it */
};

struct ov_views {
	struct ov_view_match *match; /* by number, ascending */
	size_t n;
	size_t seen[2];		/* by receiver: how many of them it sees */
	struct ov_buf cells[2]; /* packed, by receiver */
	struct ov_buf held[2];	/* packed, by receiver */
};

struct ov_views_input {
	const struct ov_join *join;
	const struct ov_release *release;
	const unsigned int
	    *giver; /* by role: the row of release->level that is its word */
	const struct ov_counts_due *due; /* by receiver */
};

/* OV_E_NOMEM.  On failure *out is empty. */
OV_MUST_CHECK enum ov_status ov_views_draw(
    struct ov_views *out, const struct ov_views_input *in);
void ov_views_fini(struct ov_views *v);

#endif /* OV_SERVER_VIEWS_H */
