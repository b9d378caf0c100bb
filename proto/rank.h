/* rank.h - the kinds of identifiers, strongest first (PROTOCOL.md 7.10).
 *
 * The numbers cross the wire in ROSTER and reports and never change.
 */
#ifndef OV_PROTO_RANK_H
#define OV_PROTO_RANK_H

#include <stdint.h>

enum ov_rank {
	OV_RANK_LEI = 1,
	OV_RANK_CIK = 2,
	OV_RANK_DUNS = 3,
	OV_RANK_VAT = 4,
	OV_RANK_DOMAIN = 5,
	OV_RANK_NAME_COUNTRY = 6,
	OV_RANK_NAME = 7
};
#define OV_RANK_MIN 1
#define OV_RANK_MAX 7
#define OV_TOKENS_PER_RECORD 6

/* The key kind as it is hashed: "lei", "cik", "duns", "vat", "domain", "namecc", "name".
 * NULL for a number that is no rank. */
const char *ov_rank_kind(uint8_t rank);

/* Bit set of ranks: bit r for rank r. */
#define OV_RANK_BIT(r) ((uint8_t)(1U << (r)))

/* veto[v]: the ranks whose edges rank v refuses when both records have tokens of
 * rank v and share none.  LEI and CIK over all weaker ranks, domain and name+country over
 * bare name: two companies of one bare name and two domains are rarely one. */
extern const uint8_t ov_veto_default[OV_RANK_MAX + 1];

#endif /* OV_PROTO_RANK_H */
