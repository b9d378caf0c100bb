/* counts.h - the cells of populations that are only counted, as their receiver gets them
 * (PROTOCOL.md 7.19.3 - 7.20).
 *
 * With noise: every atom, the zero ones too, gets a fresh draw, once, and all that is
 * shown is sums of these.  Without (both sides agreed): the exact pairs, but no number,
 * and no rest of one, below the minimum.
 */
#ifndef OV_SERVER_COUNTS_H
#define OV_SERVER_COUNTS_H

#include "proto/codec.h"
#include "proto/slots.h"
#include "proto/terms.h"
#include "server/join.h"
#include "server/noise.h"

enum ov_counts_how {
	OV_COUNTS_NONE,	 /* the giver has no population that is only counted */
	OV_COUNTS_HELD,	 /* not in this job: see why */
	OV_COUNTS_NOISY, /* the epsilon of one view was charged */
	OV_COUNTS_EXACT
};

/* What the ledger says of one receiver's view. */
struct ov_counts_due {
	enum ov_counts_how how;
	struct ov_held_row why; /* OV_COUNTS_HELD */
};

struct ov_counts_input {
	const struct ov_join *join;
	const struct ov_release *release;
	const unsigned int *giver; /* by role: that side's row of the release table */
	enum ov_join_role receiver;
	struct ov_noise *noise;
};

/* Appends packed cells and held rows.  OV_E_NOMEM, OV_E_BUG. */
OV_MUST_CHECK enum ov_status ov_counts_draw(struct ov_buf *cells, struct ov_buf *held,
    const struct ov_counts_input *in, const struct ov_counts_due *due);

#endif /* OV_SERVER_COUNTS_H */
