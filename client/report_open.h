/* report_open.h - from the words of a command line to a report. */
#ifndef OV_CLIENT_REPORT_OPEN_H
#define OV_CLIENT_REPORT_OPEN_H

#include "client/cli.h"
#include "client/report.h"

/* Opens the home and loads the report of a job (hex, or its first 8 digits or more),
 * else the newest one with this partner, else the newest one; either may be NULL.
 * Explains failures in cli: OV_E_NOT_FOUND, OV_E_PARTNER_UNKNOWN, OV_E_JOB_WAITING when
 * the report is still to come.  The home is the caller's, on failure NULL. */
OV_MUST_CHECK enum ov_status ov_report_open(struct ov_report *out, struct ov_home **home,
    struct ov_cli *cli, const char *partner, const char *job);

#endif /* OV_CLIENT_REPORT_OPEN_H */
