/* budget.h - when a view of counts with noise may be drawn, and how far its numbers are
 * from the true ones (PROTOCOL.md 7.19.2, 7.19.3).
 *
 * Broker and giver ask the same of ledgers of their own: the days between two views and
 * the epsilon of 365 days.  Pure; whole numbers only.
 */
#ifndef OV_PROTO_BUDGET_H
#define OV_PROTO_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/slots.h"
#include "proto/terms.h"

#define OV_BUDGET_DAY INT64_C(86400)
#define OV_BUDGET_YEAR (365 * OV_BUDGET_DAY)
#define OV_BUDGET_SLACK 3600 /* seconds that the broker allows, since clocks differ */

/* What a ledger says of the views of one receiver: times of charges, 0 for none. */
struct ov_budget_past {
	int64_t last; /* the newest view */
	/* the newest view that, with all after it and one more, makes more than the
	 * epsilon of 365 days: one more is due when this one is over a year old */
	int64_t full;
};

struct ov_budget_due {
	bool due;
	enum ov_held_reason reason; /* when not due: OV_HELD_NOT_DUE or OV_HELD_BUDGET */
	uint64_t next;		    /* when one is due at the earliest; 0: never */
};

/* slack_s: 0, or OV_BUDGET_SLACK. */
void ov_budget_due(struct ov_budget_due *out, const struct ov_release *r,
    const struct ov_budget_past *past, int64_t now, int64_t slack_s);

/* Is there a population of this level in a giver's row of the release table? */
bool ov_release_has(const uint8_t level[OV_POPULATIONS_MAX + 1], enum ov_level wanted);

/* No single draw of noise is beyond this, either way. */
#define OV_NOISE_MAX INT64_C(5000000)

/* Half the width around a shown number in which the true one lies in at least 95 of 100
 * cases: of pairs, the sum of four atoms, and of fits, the sum of two.  At least 1.
 * epsilon_milli > 0. */
uint32_t ov_plus_minus_pairs(uint32_t epsilon_milli);
uint32_t ov_plus_minus_fits(uint32_t epsilon_milli);

#endif /* OV_PROTO_BUDGET_H */
