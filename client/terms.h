/* terms.h - terms with a partner, from two grant sheets to two signatures (PROTOCOL 6).
 *
 * A person consents to a sheet: what this company gives.  From then on everything that
 * follows from it and any sheet of the partner gives away at most that (levels are the
 * giver's alone, caps the smaller, minima the larger, permissions both), so the signature
 * can be finished without a person.  Once both sheets are known a changed sheet of the
 * partner needs a person again where it makes this company give more than under the one
 * that was seen (a reciprocal sheet, larger caps, exact counts), or asks for other
 * criteria to be evaluated here; where this company only gives less, or gets more, it
 * needs none.
 *
 * Sequence number of terms: the greater of the two newest offers'.  An offer that changes
 * a sheet has one more than the greatest number seen.
 */
#ifndef OV_CLIENT_TERMS_H
#define OV_CLIENT_TERMS_H

#include "client/book/fault.h"
#include "client/partner.h"
#include "client/session.h"
#include "proto/terms.h"

enum ov_terms_state {
	OV_TERMS_NONE = 0,     /* nobody offered anything */
	OV_TERMS_OFFERED = 1,  /* I offered; the partner has not */
	OV_TERMS_ASKED = 2,    /* the partner offered; a person here must decide */
	OV_TERMS_READY = 3,    /* both offered and a person consented: to be signed */
	OV_TERMS_SIGNED = 4,   /* signed here; the partner has not, or not yet seen */
	OV_TERMS_IN_FORCE = 5, /* signed by both, in the log */
	OV_TERMS_ENDED = 6
};

/* Terms in force, as a job needs them. */
struct ov_terms {
	uint8_t partner[OV_ID];
	uint64_t sequence;
	bool low;			   /* this company is `low` */
	uint8_t digest[OV_DIGEST];	   /* PROPOSE.terms */
	uint8_t release_digest[OV_DIGEST]; /* PROPOSE.release */
	struct ov_release release;
	/* what I give and what the partner gives, by number - 1 */
	struct ov_population mine[OV_POPULATIONS_MAX], theirs[OV_POPULATIONS_MAX];
	size_t n_mine, n_theirs;
	/* steps that the sizes of the lists are rounded to; 0: not told */
	uint32_t size_mine, size_theirs;
	uint64_t since; /* when this home saw the second signature */
};

/* What this home keeps is looked at as if it had just come: both signatures, digests, and
 * that all follows from the two sheets.  OV_E_TERMS_MISSING if none are in force;
 * OV_E_TERMS_DAMAGED. */
OV_MUST_CHECK enum ov_status ov_terms_in_force(
    struct ov_terms *out, struct ov_home *home, const uint8_t partner[OV_ID]);

/* The same of terms of this number, which newer ones may have followed. */
OV_MUST_CHECK enum ov_status ov_terms_were_in_force(struct ov_terms *out,
    struct ov_home *home, const uint8_t partner[OV_ID], uint64_t sequence);

/* Do the terms in force give no more than a person here consented to, by the newest sheet
 * and the text of its policy?  OV_E_POLICY_REFUSED otherwise, also if a newer sheet gives
 * less and the partner has not signed it yet. */
OV_MUST_CHECK enum ov_status ov_terms_check_consent(
    struct ov_home *home, const uint8_t partner[OV_ID]);

/* Of these terms: one side's criteria (appended) and the other's columns that they may be
 * about. */
enum ov_criteria_side { OV_CRITERIA_MINE, OV_CRITERIA_THEIRS };
OV_MUST_CHECK enum ov_status ov_terms_criteria(struct ov_buf *text,
    struct ov_shared_columns *columns, struct ov_home *home, const struct ov_terms *terms,
    enum ov_criteria_side side);

/* Both sheets (encoded GRANTS) of the terms in force, appended.  OV_E_TERMS_MISSING. */
OV_MUST_CHECK enum ov_status ov_terms_sheets(struct ov_buf *mine, struct ov_buf *theirs,
    struct ov_home *home, const uint8_t partner[OV_ID]);

/* The exact bytes for the audit file: TERMS, TERMS_BODY, RELEASE, both signatures. */
struct ov_terms_text {
	struct ov_buf terms, body, release;
	uint8_t signature_low[64], signature_high[64];
};
OV_MUST_CHECK enum ov_status ov_terms_text(
    struct ov_terms_text *out, struct ov_home *home, const uint8_t partner[OV_ID]);
void ov_terms_text_free(struct ov_terms_text *t);

/* How the newest terms stand, with both newest sheets (encoded GRANTS, empty if not
 * there; owned by the caller: ov_terms_view_free). */
struct ov_terms_view {
	enum ov_terms_state state;
	uint64_t sequence;	 /* of the newest terms under way */
	uint64_t force_sequence; /* in force; 0: none */
	struct ov_buf mine, theirs;
	bool consented; /* a person here consented to what follows */
	/* Why nothing is signed although both offered: OV_E_TERMS_CRITERIA or
	 * OV_E_TERMS_TOO_SOON; OV_OK: nothing stands against it. */
	enum ov_status obstacle;
};
OV_MUST_CHECK enum ov_status ov_terms_view(
    struct ov_terms_view *out, struct ov_home *home, const uint8_t partner[OV_ID]);
void ov_terms_view_free(struct ov_terms_view *v);

/* What stands against signing terms that follow from these sheets, which a person's
 * consent does not overcome: words in fault; OV_OK if nothing does, or one is empty. */
OV_MUST_CHECK enum ov_status ov_terms_obstacle(struct ov_home *home,
    const uint8_t partner[OV_ID], struct ov_bytes mine, struct ov_bytes theirs,
    struct ov_fault *fault);

/* What a person decided on. */
struct ov_terms_consent {
	struct ov_bytes sheet;	/* encoded GRANTS: what is given */
	struct ov_bytes theirs; /* the partner's sheet as it was shown; may be empty */
	/* Text of the policy file that the sheet came from, kept for the job; may be
	 * empty. */
	struct ov_bytes policy;
	/* of the partner, which stays on this machine; "": none, NULL: as it is */
	const char *group;
};

/* A person consents to give the sheet, and to evaluate the criteria of the partner's
 * sheet as shown.  Stores it and, if the sheet is new, puts an offer into the outbox. The
 * same again changes nothing. */
OV_MUST_CHECK enum ov_status ov_terms_consent(struct ov_home *home,
    const struct ov_partner *partner, const struct ov_terms_consent *consent);

/* The policy text that this company's newest consented sheet came from; appended. */
OV_MUST_CHECK enum ov_status ov_terms_policy(
    struct ov_buf *out, struct ov_home *home, const uint8_t partner[OV_ID]);

/* A TERMS_OFFER mail came.  Wrong signature or partner: OV_E_CRYPTO_SIGNATURE,
 * OV_E_PARTNER_ UNPAIRED ...; an old one is dropped. */
OV_MUST_CHECK enum ov_status ov_terms_take_offer(
    struct ov_home *home, const uint8_t from[OV_ID], struct ov_bytes body);

/* Moves the terms with a partner as far as they go without a person: derives, signs,
 * sends, asks the broker how they stand, verifies both signatures and the log.
 * Idempotent. */
OV_MUST_CHECK enum ov_status ov_terms_advance(
    struct ov_home *home, struct ov_session *s, const struct ov_partner *partner);

#endif /* OV_CLIENT_TERMS_H */
