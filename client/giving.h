/* giving.h - a grant sheet (GRANTS) from a policy, what one side gives under two of them,
 * and whether that is more than it was.
 *
 * More is whatever lets the other side learn more: a higher level, a larger cap, less
 * noise.  Pure; any thread.
 */
#ifndef OV_CLIENT_GIVING_H
#define OV_CLIENT_GIVING_H

#include "client/book/policy.h"
#include "proto/terms.h"

/* Appends the encoded sheet that a policy stands for.  Hidden populations are not in it.
 * OV_E_POLICY_REFUSED if it grants nothing or pauses the runs: there is nothing to offer.
 */
OV_MUST_CHECK enum ov_status ov_sheet_of_policy(
    struct ov_buf *out, const struct ov_policy *policy);

struct ov_giving {
	/* levels as both sheets have them; hidden ones may be among them */
	struct ov_population population[OV_POPULATIONS_MAX];
	size_t n;
	bool fit;	/* how many of a cell fit its ICP */
	uint32_t size;	/* step of its list's size; 0: not told */
	bool bands;	/* it evaluates the other's criteria */
	bool counts;	/* some population is counted only */
	bool exact;	/* counts without noise */
	bool duns_veto; /* fewer accounts match */
	uint32_t ranks; /* bit set of the keys that match */
	uint32_t slots, minimum_list, runs;
	uint32_t epsilon_milli, view_days, year_epsilon_milli, shown_from, minimum_count;
};

/* giver and other: encoded GRANTS.  other may be empty: then it is the most that the
 * giver's sheet allows, whatever the other's may be, but for criteria, which only the
 * other's sheet can name.  Fails on sheets that do not decode. */
OV_MUST_CHECK enum ov_status ov_giving_of(
    struct ov_giving *out, struct ov_bytes giver, struct ov_bytes other);

/* A difference: "customers" or "runs_per_30_days", in words for the screen too. */
struct ov_giving_change {
	const char *key, *words;
	const char *from, *to; /* "counts", "31", "yes"; borrowed for the call */
	bool more;
};

/* Calls visit for each difference that matters to who is given. */
void ov_giving_compare(const struct ov_giving *then, const struct ov_giving *now,
    void (*visit)(void *arg, const struct ov_giving_change *c), void *arg);

/* Whether anything of it is more. */
bool ov_giving_is_more(const struct ov_giving *then, const struct ov_giving *now);

#endif /* OV_CLIENT_GIVING_H */
