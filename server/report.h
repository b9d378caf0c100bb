/* report.h - the broker's own step: join two rosters, draw both views, sign REPORT
 * (PROTOCOL.md 7.19 to 7.21).
 */
#ifndef OV_SERVER_REPORT_H
#define OV_SERVER_REPORT_H

#include "server/broker.h"

/* Makes the report of one job whose six COMPLETEs are there.  The views are written
 * first, where nobody can read them; charges, REPORT and its leaves are one transaction.
 * A list that breaks the rules fails the job with its reason.  One thread at a time.  A
 * job that is not joinable (any more) is left alone.  Returns only failures of this
 * machine. */
OV_MUST_CHECK enum ov_status ov_report_make(
    const struct ov_broker *b, const uint8_t job[OV_ID]);

/* A thread that makes the reports of all jobs that are ready for it; what a restart
 * interrupted is found in the store. */
struct ov_joiner;
OV_MUST_CHECK enum ov_status ov_joiner_new(
    struct ov_joiner **out, const struct ov_broker *b);
void ov_joiner_kick(struct ov_joiner *j); /* a job may be ready; NULL is fine */
void ov_joiner_free(
    struct ov_joiner *j); /* ends after the join under way; NULL is fine */

#endif /* OV_SERVER_REPORT_H */
