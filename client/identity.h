/* identity.h - an identity that changes (PROTOCOL 5.4): of this company, and of a
 * partner.
 *
 * Own: new keys are drawn and stored, the new identity enrols with a token of its own,
 * and then everything changes in one transaction: the keys, the certificate, the terms
 * (which end), and a statement for each partner, signed with the old identity, in the
 * outbox.  Until that transaction the old identity is the company's; after it the old
 * secret keys are gone.
 *
 * A partner's: a statement moves all that is kept of it to its new company id.  No person
 * is asked, for nothing more is given; `inbox` and `partner list` show it.
 */
#ifndef OV_CLIENT_IDENTITY_H
#define OV_CLIENT_IDENTITY_H

#include "client/home.h"
#include "client/session.h"
#include "proto/code.h"

struct ov_identity_options {
	const struct ov_token_code *token;
	const char *broker; /* NULL: as it was */
	const char *enrol;  /* HOST:PORT of the enrolment listener */
};

/* Repeatable with the same token after any failure or crash; then what is done is not
 * done again.  The caller has claimed the home, and closes it afterwards: in memory it is
 * as it was.  Open jobs end.  Fails as ov_enrol. */
OV_MUST_CHECK enum ov_status ov_identity_change(
    struct ov_home *home, const struct ov_identity_options *options);

/* Who this company was before the last change.  OV_E_NOT_FOUND. */
OV_MUST_CHECK enum ov_status ov_identity_was(
    uint8_t company[OV_ID], char name[OV_NAME_MAX + 1], struct ov_home *home);

/* Jobs that a change would end. */
OV_MUST_CHECK enum ov_status ov_identity_open_jobs(uint64_t *n, struct ov_home *home);

/* Statements that did not reach the broker yet. */
OV_MUST_CHECK enum ov_status ov_identity_unsent(uint64_t *n, struct ov_home *home);

/* An IDENTITY_CHANGE mail came from company `from`.  Moves the partner, in one
 * transaction that also marks this mail as done; the statement that led to what it is now
 * changes nothing.  A partner that may not know of this company's own change is told
 * again.  Nothing is changed by a failure: OV_E_CRYPTO_SIGNATURE; OV_E_PARTNER_UNPAIRED
 * (the old identity is no partner's, or its partnership ended); OV_E_IDENTITY_OLD (taken
 * before, or older than what is known); OV_E_IDENTITY_UNKNOWN (the broker knows no such
 * company); OV_E_PROTO_CLOCK (genuine, but ahead of this clock: again later);
 * OV_E_PROTO_MISMATCH, OV_E_WIRE_*. */
OV_MUST_CHECK enum ov_status ov_identity_take(struct ov_home *home, struct ov_session *s,
    const uint8_t from[OV_ID], struct ov_bytes body);

/* A partner's change that was taken. */
struct ov_identity_note {
	uint8_t was[OV_ID], company[OV_ID]; /* company: as it is called now */
	uint64_t at;
	bool seen; /* a person cleared it in the inbox */
};
/* Oldest first; visit's failure ends the walk. */
OV_MUST_CHECK enum ov_status ov_identity_each(struct ov_home *home,
    enum ov_status (*visit)(void *arg, const struct ov_identity_note *note), void *arg);
OV_MUST_CHECK enum ov_status ov_identity_clear(struct ov_home *home);

/* When this partner's identity changed last; 0: never. */
OV_MUST_CHECK enum ov_status ov_identity_since(
    uint64_t *at, struct ov_home *home, const uint8_t company[OV_ID]);

/* Tables of this module. */
extern const char ov_identity_schema_1[], ov_identity_schema_2[];

#endif /* OV_CLIENT_IDENTITY_H */
