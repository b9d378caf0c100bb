/* merge_rules.h - what a value that several rows claim means: the rules of merge.h, apart
 * from where the rows are kept.  Pure. */
#ifndef OV_CLIENT_BOOK_MERGE_RULES_H
#define OV_CLIENT_BOOK_MERGE_RULES_H

#include <stdbool.h>

#include "client/book/merge.h"
#include "client/normalise/kinship.h"

/* Of the groups of rows that claim a value: how many there are, and how many of them have
 * an LEI, a CIK, a domain. */
struct ov_group_tally {
	uint32_t groups, lei, cik, domain;
};

/* Distinct texts, counted up to one more than OV_MERGE_NAMES_MAX. */
struct ov_text_tally {
	uint64_t hash[OV_MERGE_NAMES_MAX + 1];
	size_t n;
};
void ov_rules_count(struct ov_text_tally *t, struct ov_bytes text); /* "": none */

/* How near a bare name is to the domain that its row claims.  A unit never has it.
 * The note of a domain's claim: a bare name, the same as it is written, and its initials,
 * parted by separators, and one more behind them if it is a unit; or "". */
#define OV_NOTE_SEPARATOR 0x1f
struct ov_bytes ov_rules_note_name(struct ov_bytes note);
enum ov_kinship ov_rules_kinship(struct ov_bytes note, struct ov_bytes domain);

/* All that is known of a value that stands on two rows or more. */
struct ov_shared_value {
	enum ov_rank rank;
	struct ov_group_tally all;
	/* groups with a row that is at least so near.  Of a name, a house is whose own it
	 * is, near whose website tells it; an id is everybody's own. */
	struct ov_group_tally other, near, house;
	struct ov_text_tally notes; /* bare names of a domain, kinds of a name */
};

struct ov_verdict {
	enum ov_merge_drop drop; /* OV_MERGE_KEPT, or for all claims */
	enum ov_kinship least;	 /* rows that are not so near lose it */
	bool links;		 /* it joins its groups */
};
struct ov_verdict ov_rules_judge(const struct ov_shared_value *v);

/* May a value of this rank not join groups that have so many LEIs and CIKs? */
bool ov_rules_is_conflict(enum ov_rank rank, uint32_t lei, uint32_t cik);
/* May a value of this rank not join so many groups that have a domain each? */
bool ov_rules_is_weak(enum ov_rank rank, uint32_t domains);

#endif /* OV_CLIENT_BOOK_MERGE_RULES_H */
