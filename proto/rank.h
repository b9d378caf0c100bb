/* rank.h - the kinds of identifiers, strongest first (PROTOCOL.md 7.10).
 *
 * The numbers cross the wire in ROSTER and reports and never change.
 */
#ifndef OV_PROTO_RANK_H
#define OV_PROTO_RANK_H

#include <stdbool.h>
#include <stdint.h>

#include "common/crypto/hash.h"

enum ov_rank {
	OV_RANK_LEI = 1,
	OV_RANK_CIK = 2,
	OV_RANK_DUNS = 3,
	OV_RANK_VAT = 4, /* and identifiers of schemes that partners agreed on */
	OV_RANK_DOMAIN = 5,
	OV_RANK_NAME_COUNTRY = 6,
	OV_RANK_NAME = 7
};
#define OV_RANK_MIN 1
#define OV_RANK_MAX 7
#define OV_TOKENS_PER_RECORD 6

/* The key kind as it is hashed: "lei", "cik", "duns", "vat", "domain", "namecc", "name";
 * of rank 4 that of its tokens which are of no scheme.  NULL for a number that is no
 * rank. */
const char *ov_rank_kind(uint8_t rank);

/* A scheme: a letter, then letters, digits and hyphens, all lower case, 1 to
 * OV_SCHEME_MAX. */
#define OV_SCHEME_MAX 16
#define OV_SCHEME_CAP (OV_SCHEME_MAX + 1)
bool ov_scheme_ok(const char *p, size_t len);

/* What is hashed of a token whose value in a list is `value`: its kind, and what stands
 * under it.  In a list, an identifier of a scheme is "scheme=value"; no VAT number has a
 * `=`.  The value is borrowed.  False: there is no such rank, or the value is none of
 * it. */
#define OV_KIND_CAP (3 + OV_SCHEME_CAP) /* "id:acme" */
struct ov_token_parts {
	char kind[OV_KIND_CAP];
	struct ov_bytes value;
};
bool ov_token_split(struct ov_token_parts *out, uint8_t rank, struct ov_bytes value);

/* Bit set of ranks: bit r for rank r. */
#define OV_RANK_BIT(r) ((uint8_t)(1U << (r)))

/* veto[v]: the ranks whose edges rank v refuses when both records have tokens of
 * rank v and share none.  LEI and CIK over all weaker ranks, domain and name+country over
 * bare name: two companies of one bare name and two domains are rarely one. */
extern const uint8_t ov_veto_default[OV_RANK_MAX + 1];

#endif /* OV_PROTO_RANK_H */
