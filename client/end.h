/* end.h - a partnership ends (PROTOCOL 6.5): by one side's signed word, which the other
 * confirms when it has deleted the same.
 *
 * What goes: reports, matches and everything else that is kept of the jobs with the
 * partner; both sheets, terms, questions, mail; holds.  What stays: the ledger of what
 * was charged and the group, since they count again if the same company is paired anew;
 * the criteria that were accepted last; the number under which the next terms begin; that
 * it ended, when, and by whom.
 */
#ifndef OV_CLIENT_END_H
#define OV_CLIENT_END_H

#include "client/partner.h"
#include "client/session.h"
#include "common/crypto/sign.h"

/* What would be deleted here. */
struct ov_end_counts {
	uint64_t jobs, open_jobs, reports, matches, terms, mails;
};
OV_MUST_CHECK enum ov_status ov_end_count(
    struct ov_end_counts *out, struct ov_home *home, const uint8_t partner[OV_ID]);

/* Ends it: deletes, marks the partner as ended and puts TERMS_END into the outbox, in one
 * transaction.  The caller has claimed the home.  OV_E_PARTNER_UNPAIRED. */
OV_MUST_CHECK enum ov_status ov_end_begin(
    struct ov_home *home, const struct ov_partner *partner);

/* Inside the transaction in which this company gets another identity: what it said by the
 * old one, and what has not left yet, is said again by the new one (company id and SECRET
 * key), after whatever is in the outbox already. */
OV_MUST_CHECK enum ov_status ov_end_say_again(struct ov_home *home,
    const uint8_t company[OV_ID], const uint8_t identity_sk[OV_SIGN_SECRET_LEN]);

/* A TERMS_END mail came: deletes the same and puts TERMS_ENDED into the outbox.  The same
 * again changes nothing and succeeds; so does one that is older than what was signed or
 * ended since. */
OV_MUST_CHECK enum ov_status ov_end_take(
    struct ov_home *home, const uint8_t from[OV_ID], struct ov_bytes body);

/* A TERMS_ENDED mail came: the partner has deleted its part. */
OV_MUST_CHECK enum ov_status ov_end_take_confirmation(
    struct ov_home *home, const uint8_t from[OV_ID], struct ov_bytes body);

/* What this side says of an end, the body of a mail of these kinds, is a leaf of the log:
 * the broker answers with its place.  Checks it (proven NULL: there is none) as
 * ov_session_check_placed does; and keeps it with what was said, inside the caller's
 * transaction. */
bool ov_end_is_logged(enum ov_mail kind);
OV_MUST_CHECK enum ov_status ov_end_check_proof(
    struct ov_session *s, struct ov_bytes body, const struct ov_msg_proven *proven);
OV_MUST_CHECK enum ov_status ov_end_keep_proof(struct ov_home *home,
    const uint8_t partner[OV_ID], enum ov_mail kind, struct ov_bytes body,
    const struct ov_msg_proven *proven);

/* The last end of a partnership with this company.  OV_E_NOT_FOUND. */
struct ov_end {
	bool mine;	    /* this side ended it */
	uint64_t at;	    /* when */
	uint64_t confirmed; /* when the other side's word came; 0: not yet, or not mine */
	bool logged;	    /* what this side said of it stands in the log: */
	uint64_t entry;
};
OV_MUST_CHECK enum ov_status ov_end_of(
    struct ov_end *out, struct ov_home *home, const uint8_t partner[OV_ID]);

/* The greatest number of terms that ended; 0: none.  New ones are above it. */
OV_MUST_CHECK enum ov_status ov_end_sequence(
    uint64_t *out, struct ov_home *home, const uint8_t partner[OV_ID]);

#endif /* OV_CLIENT_END_H */
