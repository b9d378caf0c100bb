#include "proto/agree.h"

#include <string.h>

#include "proto/budget.h"
#include "proto/keys.h"
#include "proto/slots.h"

bool
ov_agree_counts(
    const struct ov_release *r, bool low, uint64_t counts, size_t unchanged_len)
{
	return counts == 0 || (unchanged_len == 0 && !r->exact &&
				  ov_release_has(r->level[low ? 0 : 1], OV_LEVEL_COUNTS));
}

/* sender, other: identities. */
static bool
counts_fit(const struct ov_msg_propose *p, const struct ov_agree *in,
    const uint8_t sender[32], const uint8_t other[32])
{
	uint8_t one[OV_ID], two[OV_ID];

	ov_company_id(one, sender);
	ov_company_id(two, other);
	return ov_agree_counts(
	    in->table, ov_is_low(one, two), p->counts, p->unchanged_since.len);
}

/* What both messages share. */
static enum ov_status
check_offer(const struct ov_msg_propose *p, const struct ov_agree *in)
{
	enum ov_status st = OV_OK;

	OV_REQUIRE(p->version == OV_PROTOCOL_VERSION, OV_E_PROTO_VERSION);
	OV_REQUIRE(memcmp(p->a, in->a, 32) == 0 && memcmp(p->b, in->b, 32) == 0,
	    OV_E_PROTO_MISMATCH);
	OV_REQUIRE(memcmp(p->terms, in->terms, OV_DIGEST) == 0 &&
		       memcmp(p->release, in->release, OV_DIGEST) == 0 &&
		       memcmp(p->profile, in->profile, OV_DIGEST) == 0,
	    OV_E_PROTO_MISMATCH);
	OV_REQUIRE(p->unchanged_since.len == 0 || p->unchanged_since.len == OV_ID,
	    OV_E_WIRE_RANGE);
	OV_REQUIRE(
	    p->head_signature.len == (p->head.len > 0 ? 64U : 0U), OV_E_WIRE_RANGE);
	OV_REQUIRE(p->created <= in->now + OV_CLOCK_SKEW_S, OV_E_PROTO_CLOCK);
	OV_REQUIRE(p->expiry > p->created && p->expiry - p->created <= OV_PROPOSAL_LIFE_S,
	    OV_E_PROTO_MISMATCH);
	OV_REQUIRE(p->expiry > in->now, OV_E_PROTO_EXPIRED);
	OV_REQUIRE(ov_padded_slots((uint32_t)p->slots) == p->slots, OV_E_PROTO_COUNT);
	OV_REQUIRE(p->slots <= ov_padded_bound(in->table->slots), OV_E_LIST_TOO_LARGE);
	OV_REQUIRE(
	    p->slots >= ov_padded_bound(in->table->minimum_list), OV_E_LIST_TOO_SMALL);
done:
	return st;
}

enum ov_status
ov_agree_propose(const struct ov_msg_propose *p, const struct ov_agree *in)
{
	enum ov_status st;

	OV_TRY(check_offer(p, in));
	OV_REQUIRE(counts_fit(p, in, in->a, in->b), OV_E_PROTO_MISMATCH);
done:
	return st;
}

#define COPY_U(S, name, lo, hi) p->name = m->name;
#define COPY_B(S, name, n) memcpy(p->name, m->name, (n));

enum ov_status
ov_agree_accept(const struct ov_msg_accept *m, const struct ov_msg_propose *offer,
    struct ov_bytes propose, const struct ov_agree *in)
{
	struct ov_msg_propose own, *p = &own;
	uint8_t digest[OV_HASH_LEN];
	enum ov_status st;

	OV_FIELDS_PROPOSE(, COPY_U, COPY_B, COPY_U, COPY_U)
	ov_digest(digest, "propose", propose);
	OV_REQUIRE(memcmp(digest, m->propose, sizeof(digest)) == 0, OV_E_PROTO_MISMATCH);
	OV_REQUIRE(memcmp(m->job, offer->job, OV_ID) == 0, OV_E_PROTO_MISMATCH);
	/* a reflected key or commitment is nobody's honest answer */
	OV_REQUIRE(memcmp(m->ephemeral, offer->ephemeral, 32) != 0 &&
		       memcmp(m->commitment, offer->commitment, OV_DIGEST) != 0,
	    OV_E_PROTO_MISMATCH);
	OV_TRY(check_offer(p, in));
	OV_REQUIRE(counts_fit(p, in, in->b, in->a), OV_E_PROTO_MISMATCH);
done:
	return st;
}
