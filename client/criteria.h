/* criteria.h - criteria of a partner that are evaluated on this company's columns
 * (PROTOCOL 6.6): may they be, and may they have changed?
 *
 * Changing them night by night would find out a column's values by halving, so other
 * criteria than the last ones are accepted once in OV_CRITERIA_DAYS, of all partners of a
 * group together (ledger.h), who could share the work.  What was accepted last is
 * remembered for each partner, through new terms and the end of them.
 */
#ifndef OV_CLIENT_CRITERIA_H
#define OV_CLIENT_CRITERIA_H

#include "client/book/fault.h"
#include "client/home.h"
#include "proto/codec.h"

#define OV_CRITERIA_DAYS 28

/* The criteria of `theirs` that are evaluated under `mine` (encoded GRANTS): empty if
 * there are none, or mine lists no columns.  Borrowed from theirs, which may be empty. */
OV_MUST_CHECK enum ov_status ov_criteria_of(
    struct ov_bytes *out, struct ov_bytes mine, struct ov_bytes theirs);

/* OV_E_TERMS_CRITERIA, with the reason in fault, if either side's criteria are about
 * columns that the other does not list, or ask what may not be asked.  Both sheets are
 * there. */
OV_MUST_CHECK enum ov_status ov_criteria_check(
    struct ov_bytes mine, struct ov_bytes theirs, struct ov_fault *fault);

/* OV_E_TERMS_TOO_SOON, with the time from which they may, if these criteria are others
 * than the last accepted ones of the partner, or of one of its group, and the last change
 * of any of them is not old enough.  Empty ones always may. */
OV_MUST_CHECK enum ov_status ov_criteria_may(uint64_t *next, struct ov_home *home,
    const uint8_t partner[OV_ID], struct ov_bytes criteria);

/* Whether they are this partner's last accepted ones; empty ones are. */
OV_MUST_CHECK enum ov_status ov_criteria_accepted(bool *out, struct ov_home *home,
    const uint8_t partner[OV_ID], struct ov_bytes criteria);

/* Accepts them, inside the caller's transaction; the last ones again change nothing. */
OV_MUST_CHECK enum ov_status ov_criteria_accept(
    struct ov_home *home, const uint8_t partner[OV_ID], struct ov_bytes criteria);

#endif /* OV_CLIENT_CRITERIA_H */
