/* agree.h - do PROPOSE and ACCEPT fit what both partners signed (PROTOCOL.md 7.3, 7.4).
 *
 * Pure: the caller brings the clock and the terms.
 */
#ifndef OV_PROTO_AGREE_H
#define OV_PROTO_AGREE_H

#include "common/status.h"
#include "proto/messages.h"
#include "proto/terms.h"

#define OV_PROPOSAL_LIFE_S (72 * 3600)
#define OV_CLOCK_SKEW_S 300

struct ov_agree {
	const uint8_t *a, *b;		/* identities, 32 bytes each */
	const uint8_t *terms, *release; /* digests that are in force here */
	const uint8_t *profile;		/* digest of a profile that this release has */
	const struct ov_release *table;
	uint64_t now;
};

/* PROPOSE.counts is 1 of a side (low or not) only where it gives counts with noise, and
 * with no job named as unchanged: so a view that is due is drawn. */
bool ov_agree_counts(
    const struct ov_release *r, bool low, uint64_t counts, size_t unchanged_len);

/* OV_E_PROTO_VERSION, _MISMATCH (identities, terms, release table, profile, counts),
 * _CLOCK, _EXPIRED, _COUNT (slots not padded), OV_E_LIST_TOO_LARGE, OV_E_LIST_TOO_SMALL.
 */
OV_MUST_CHECK enum ov_status ov_agree_propose(
    const struct ov_msg_propose *p, const struct ov_agree *in);

/* The same of ACCEPT, and that it answers exactly these PROPOSE bytes. */
OV_MUST_CHECK enum ov_status ov_agree_accept(const struct ov_msg_accept *m,
    const struct ov_msg_propose *p, struct ov_bytes propose, const struct ov_agree *in);

#endif /* OV_PROTO_AGREE_H */
