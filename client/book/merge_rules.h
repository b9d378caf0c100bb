/* merge_rules.h - what a value that several rows claim means: the rules of merge.h, apart
 * from where the rows are kept.  Pure. */
#ifndef OV_CLIENT_BOOK_MERGE_RULES_H
#define OV_CLIENT_BOOK_MERGE_RULES_H

#include <stdbool.h>

#include "client/book/merge.h"

/* Of the groups of rows that claim a value: how many there are, and how many of them have
 * an LEI, a CIK, a domain. */
struct ov_group_tally {
	uint32_t groups, lei, cik, domain;
};

/* Distinct bare names, counted up to one more than OV_MERGE_NAMES_MAX. */
struct ov_name_tally {
	uint64_t hash[OV_MERGE_NAMES_MAX + 1];
	size_t n;
};
void ov_rules_count_name(struct ov_name_tally *t, struct ov_bytes name); /* "": none */

/* Is the domain that of the house of this name: the letters of the name without spaces,
 * or its initials, are those of the domain's first label without hyphens, or of the whole
 * domain without dots ("booking com"). */
bool ov_rules_is_house(struct ov_bytes name, struct ov_bytes domain);

/* All that is known of a value that stands on two rows or more. */
struct ov_shared_value {
	enum ov_rank rank;
	struct ov_bytes value;
	struct ov_group_tally all;
	struct ov_group_tally house; /* of a domain: only rows of its house */
	struct ov_name_tally names;
};

struct ov_verdict {
	enum ov_merge_drop drop; /* OV_MERGE_KEPT, or for all claims */
	bool family;		 /* rows that are not of the house lose it */
	bool links;		 /* it joins its groups */
};
struct ov_verdict ov_rules_judge(const struct ov_shared_value *v);

/* May a value of this rank not join groups that have so many LEIs and CIKs? */
bool ov_rules_is_conflict(enum ov_rank rank, uint32_t lei, uint32_t cik);

#endif /* OV_CLIENT_BOOK_MERGE_RULES_H */
