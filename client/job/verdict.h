/* verdict.h - what the other side of a job says of its report (PROTOCOL.md 7.25).
 *
 * Nobody waits for the partner's CLOSE, and nothing in it changes the own report: that
 * was checked by itself.  A verdict against a report is shown to a person, since somebody
 * is at fault: the broker, the partner, or a release.  So is a CLOSE that names another
 * REPORT than the one that is stored here: OV_E_PROTO_EQUIVOCATION, for the broker makes
 * one for both.
 */
#ifndef OV_CLIENT_JOB_VERDICT_H
#define OV_CLIENT_JOB_VERDICT_H

#include "client/home.h"
#include "client/session.h"

/* Asks for the CLOSE of every partner whose job closed here in the last days and of whom
 * none came yet, checks and stores it.  The caller has claimed the home.  Fails only for
 * what passes (ov_session_is_passing): a CLOSE that is not there, or is not the
 * partner's, is no failure. */
OV_MUST_CHECK enum ov_status ov_verdict_fetch(struct ov_home *home, struct ov_session *s);

struct ov_verdict_note {
	uint8_t job[OV_ID], partner[OV_ID];
	bool mine; /* the own report is void; else it stands, and the partner's is not */
	enum ov_status verdict;
	uint64_t closed;
};

/* Those against a report that no person has looked at, oldest first; visit's failure ends
 * the walk.  And: a person has. */
OV_MUST_CHECK enum ov_status ov_verdict_each(struct ov_home *home,
    enum ov_status (*visit)(void *arg, const struct ov_verdict_note *note), void *arg);
OV_MUST_CHECK enum ov_status ov_verdict_clear(struct ov_home *home);

extern const char ov_verdict_schema_1[];

#endif /* OV_CLIENT_JOB_VERDICT_H */
