/* policy.h - what one partner may learn of this book: the owner's file for it.
 *
 *     version: 1
 *     populations:
 *       customers: matches      # which of ITS accounts are in this population
 *       open_opportunities: hidden
 *       prospects: counts       # how many, with noise
 *     reciprocal: no            # yes: no level above the highest that the partner gives
 *     icp_fit: yes              # in each cell, how many accounts fit my ICP, for the
 *                               # partner
 *     icp: my.icp.yaml          # criteria that the partner is asked to evaluate on its
 *                               # columns: a file beside this one, or the criteria here
 *     icp_columns: [industry]   # my columns that the partner's criteria may be about
 *     name_only_keys: no        # keys from names without a country
 *     duns_must_agree: no       # yes: no match of two accounts whose DUNS numbers differ
 *     size: 1000                # my list's size, rounded to this; left out: not told
 *     noise: laplace            # none: exact counts, if the partner agrees to them
 *     epsilon: 1/3              # of one view of counts; or 0.333
 *     view_days: 28             # from one view to the next
 *     year_epsilon: 13/3        # of all views in 365 days
 *     shown_from: 20            # least number that is shown, with noise
 *     minimum_count: 10         # least number that is shown, and its rest, without
 *     caps:
 *       slots: 1_000_000        # keys that the partner may ask in one run
 *       minimum_list: 100       # a shorter list of the partner is refused
 *       runs_per_30_days: 31
 *     group: emea               # partners of one group share caps and epsilon
 *
 * A population that the file does not name is hidden.  Without a file the built-in
 * populations are at `matches` and everything else is as above, without icp, icp_columns,
 * size and group.
 */
#ifndef OV_CLIENT_BOOK_POLICY_H
#define OV_CLIENT_BOOK_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/book/fault.h"
#include "client/book/icp_asked.h"
#include "client/book/population.h"
#include "common/status.h"
#include "proto/terms.h"

#define OV_POLICY_SLOTS_MIN 1024
#define OV_POLICY_SLOTS_MAX (1U << 24)
#define OV_POLICY_LIST_MAX 1000000
#define OV_POLICY_RUNS_MAX 1000
#define OV_POLICY_GROUP_MAX 64

struct ov_policy {
	uint32_t version;
	size_t n_populations; /* in the file's order */
	struct ov_population population[OV_POPULATIONS_MAX];
	uint64_t populations_line; /* of the whole; 0 without a file, as the others */
	uint64_t population_line[OV_POPULATIONS_MAX];
	bool reciprocal;
	bool share_icp_fit;
	bool name_only_keys;
	bool duns_must_agree;
	size_t icp_len;		    /* 0: nothing is asked of the partner */
	char icp[OV_ICP_ASKED_MAX]; /* as ov_icp_write has it */
	struct ov_shared_columns icp_columns;
	uint64_t icp_column_line[OV_SHARED_COLUMNS_MAX];
	uint32_t size;		/* step that the list's size is rounded to; 0: not told */
	bool exact;		/* `noise: none` */
	uint32_t epsilon_milli; /* thousandths, of one view */
	uint32_t view_days;
	uint32_t year_epsilon_milli;
	uint32_t shown_from, minimum_count;
	uint32_t slots;	       /* cap on the partner's padded list */
	uint32_t minimum_list; /* tokens that the partner's list has at least */
	uint32_t runs_per_30_days;
	char group[OV_POLICY_GROUP_MAX + 1]; /* "": none */
};

/* The policy that holds without a file. */
void ov_policy_default(struct ov_policy *out);

/* Reads a policy.  Settings that are left out have their defaults, except populations:
 * those not named are hidden.  path: of the policy, beside which a file that it names is
 * looked for; NULL: such a file is not read, and what it asks for is left out.  Fails
 * with OV_E_POLICY_INVALID and line, reason and remedy in fault, also for what a later
 * release will know (fields ...); OV_E_IO, OV_E_NOMEM.  *out is then untouched. */
OV_MUST_CHECK enum ov_status ov_policy_read(struct ov_policy *out, const char *path,
    const void *bytes, size_t len, struct ov_fault *fault);
OV_MUST_CHECK enum ov_status ov_policy_read_file(
    struct ov_policy *out, const char *path, struct ov_fault *fault);

/* The level of a population of the book; OV_LEVEL_HIDDEN if it is not named. */
enum ov_level ov_policy_level(const struct ov_policy *p, const char *population);

/* Refuses, with its line, a policy that names a population which the book does not have:
 * a spelling mistake would hide a population or, worse, leave it at another level. */
OV_MUST_CHECK enum ov_status ov_policy_check(
    const struct ov_policy *p, const struct ov_populations *book, struct ov_fault *fault);

/* Bit i for population i of the book that is at level hidden; a record with a row in any
 * of them stays out of the job. */
uint32_t ov_policy_hidden_mask(
    const struct ov_policy *p, const struct ov_populations *book);

/* "hidden", "counts", "matches", "fields". */
const char *ov_level_name(enum ov_level level);

#endif /* OV_CLIENT_BOOK_POLICY_H */
