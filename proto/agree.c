#include "proto/agree.h"

#include <string.h>

#include "proto/keys.h"
#include "proto/slots.h"

enum ov_status
ov_agree_propose(const struct ov_msg_propose *p, const struct ov_agree *in)
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
	OV_TRY(ov_agree_propose(p, in));
done:
	return st;
}
