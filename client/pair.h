/* pair.h - how two companies become partners (PROTOCOL 5): an invitation code that
 * travels outside the broker, and a proof from each side under its secret.
 *
 * Proofs travel as mail; the functions here take and give message bytes and keep the
 * state in the home.  None talks to the broker.
 */
#ifndef OV_CLIENT_PAIR_H
#define OV_CLIENT_PAIR_H

#include "client/partner.h"
#include "proto/code.h"

#define OV_INVITATION_DAYS 14

/* Draws and stores an invitation that lives `days` (1 to OV_INVITATION_DAYS), seals its
 * secret, and writes the code.  The code is SECRET until it is used. */
OV_MUST_CHECK enum ov_status ov_pair_invite(
    char text[OV_PAIR_CODE_TEXT], struct ov_home *home, unsigned int days);

/* Accepts a code: checks it against the pinned log key (OV_E_PAIR_BROKER), checks that
 * the identity in who hashes to the inviter in the code (OV_E_PAIR_PROOF), and puts a
 * PAIR_REQUEST into the outbox.  The inviter is no partner before its reply is verified.
 * Repeating it with the same code changes nothing and succeeds. */
OV_MUST_CHECK enum ov_status ov_pair_accept(struct ov_home *home,
    const struct ov_pair_code *code, const struct ov_msg_company *who);

/* A PAIR_REQUEST came from company `from` (the broker's word): verifies the proof, marks
 * the invitation used, stores the partner and puts a PAIR_REPLY into the outbox, all in
 * one transaction; the same request again changes nothing and succeeds. OV_E_PAIR_PROOF:
 * wrong proof; OV_E_PAIR_EXPIRED: no such invitation, expired, or used by another.
 * Nothing is changed then: the real partner may still come. */
OV_MUST_CHECK enum ov_status ov_pair_take_request(
    struct ov_home *home, const uint8_t from[OV_ID], struct ov_bytes request);

/* A PAIR_REPLY came: verifies it and stores the partner. */
OV_MUST_CHECK enum ov_status ov_pair_take_reply(
    struct ov_home *home, const uint8_t from[OV_ID], struct ov_bytes reply);

/* An invitation that is not used up. */
struct ov_invitation {
	uint8_t id[OV_ID];
	bool
	    mine; /* made here; else accepted here, and the other side has not answered */
	uint64_t created, expiry;
	char name[OV_NAME_MAX + 1]; /* of the inviter, when accepted here */
};

/* Oldest first; expired ones too.  visit does not write to the database. */
OV_MUST_CHECK enum ov_status ov_pair_each(struct ov_home *home,
    enum ov_status (*visit)(void *arg, const struct ov_invitation *inv), void *arg);

#endif /* OV_CLIENT_PAIR_H */
