/* terms.h - from two grant sheets to terms and release table, the same on both
 * sides (PROTOCOL.md 6.2).
 *
 * `low` is the partner whose company id is smaller bytewise, `high` the other.
 * Level: the giver's alone; caps, epsilon, views: the smaller; minimum list,
 * minimum count: the larger; permissions: both.  Pure; any thread.
 */
#ifndef OV_PROTO_TERMS_H
#define OV_PROTO_TERMS_H

#include <stdbool.h>

#include "common/status.h"
#include "proto/codec.h"
#include "proto/rank.h"

/* Levels, as numbered on the wire. */
enum ov_level {
	OV_LEVEL_HIDDEN = 0,
	OV_LEVEL_COUNTS = 1,
	OV_LEVEL_MATCHES = 2,
	OV_LEVEL_FIELDS = 3
};

#define OV_POPULATIONS_MAX 15
#define OV_POPULATION_NAME_MAX 32

/* One population of a grant sheet.  Its number is its place, from 1. */
struct ov_population {
	char name[OV_POPULATION_NAME_MAX + 1];
	enum ov_level level;
};

/* GRANTS.populations: per population level u8, name length u8, name.  Appends to out. */
OV_MUST_CHECK enum ov_status ov_populations_pack(
    struct ov_buf *out, const struct ov_population *p, size_t n);
/* Up to OV_POPULATIONS_MAX; names distinct, not empty, without control characters. */
OV_MUST_CHECK enum ov_status ov_populations_unpack(
    struct ov_population p[OV_POPULATIONS_MAX], size_t *n, struct ov_bytes in);

/* The columns of GRANTS.icp_columns, on which the other side's criteria may be evaluated.
 * Case makes no difference. */
#define OV_SHARED_COLUMNS_MAX 24
#define OV_COLUMN_NAME_MAX 64
struct ov_shared_columns {
	size_t n;
	char name[OV_SHARED_COLUMNS_MAX][OV_COLUMN_NAME_MAX + 1];
};
/* Per column length u8, name; appends to out.  Back: names distinct, not empty, without
 * control characters; *c is untouched on failure. */
OV_MUST_CHECK enum ov_status ov_shared_columns_pack(
    struct ov_buf *out, const struct ov_shared_columns *c);
OV_MUST_CHECK enum ov_status ov_shared_columns_unpack(
    struct ov_shared_columns *c, struct ov_bytes in);
bool ov_shared_columns_have(const struct ov_shared_columns *c, const char *name);

/* What a giver with GRANTS.reciprocal gives: no population at a level above the highest
 * that the other side's sheet has.  p: the giver's, lowered in place. */
void ov_populations_reciprocate(
    struct ov_population *p, size_t n, const struct ov_population *other, size_t n_other);

struct ov_terms_input {
	const uint8_t *low, *high; /* identities, 32 bytes each */
	uint64_t sequence;
	struct ov_bytes grants_low, grants_high; /* encoded GRANTS */
};

/* Appends the encoded TERMS and RELEASE that follow from both sheets; fills body
 * (what both sign).  Fails on sheets that do not decode or contradict. */
OV_MUST_CHECK enum ov_status ov_terms_derive(struct ov_buf *terms, struct ov_buf *release,
    struct ov_msg_terms_body *body, const struct ov_terms_input *in);

/* The release table as the broker uses it, decoded and checked. */
struct ov_release {
	uint8_t ranks; /* bit set of allowed ranks */
	uint8_t veto[OV_RANK_MAX + 1];
	uint32_t slots, minimum_list, runs;
	/* counts with noise: epsilon of one view, days between views, epsilon of all
	 * views in 365 days, least number that is shown */
	uint32_t epsilon_milli, view_days, year_epsilon_milli, shown_from;
	uint32_t minimum_count; /* of exact counts: least number, and least rest */
	bool exact;		/* exact counts, both agreed */
	bool fit[2];		/* [0]: low's partner-visible ICP fit numbers */
	bool bands[2];		/* [0]: low's roster tells how records fit high's ICP */
	uint8_t level[2][OV_POPULATIONS_MAX + 1]; /* [low/high as giver][number] */
};
OV_MUST_CHECK enum ov_status ov_release_decode(struct ov_release *r, struct ov_bytes in);

/* true if a is `low` of the two company ids. */
bool ov_is_low(const uint8_t a[16], const uint8_t b[16]);

#endif /* OV_PROTO_TERMS_H */
