/* report_print.h - a report and its matches as text, JSON and CSV.
 *
 * Keys of the JSON and columns of the CSV are documented in the help of `overlap report`
 * and `overlap matches`; they are added to, never changed.  A number that is held back is
 * null in JSON.  All print from the one struct ov_report and fail with OV_E_IO when out
 * does.
 */
#ifndef OV_CLIENT_REPORT_PRINT_H
#define OV_CLIENT_REPORT_PRINT_H

#include <stdio.h>

#include "client/report.h"

OV_MUST_CHECK enum ov_status ov_report_print_text(FILE *out, const struct ov_report *r);
OV_MUST_CHECK enum ov_status ov_report_print_json(FILE *out, const struct ov_report *r);

/* Parts of the text: what was held back, accounts that are not in the own list, charges.
 */
void ov_report_print_held(FILE *out, const struct ov_report *r);
void ov_report_print_greenfield(FILE *out, const struct ov_report *r);
void ov_report_print_charges(FILE *out, const struct ov_report *r);

/* "not_due", "budget", "small", "partner" for enum ov_held_reason; "?" otherwise. */
const char *ov_held_name(uint8_t reason);

/* A table for the screen, in two walks over the matches: widths, then lines. */
OV_MUST_CHECK enum ov_status ov_matches_print_table(FILE *out, struct ov_db *db,
    const struct ov_report *r, const struct ov_match_filter *filter);

/* RFC 4180: CRLF, quotes where needed.  A spreadsheet runs cells that begin with = + - @
 * or a tab, and may split the file at ; or tabs; OV_CSV_SPREADSHEET quotes every text and
 * puts an apostrophe before such characters at its beginning and after ; and tab, at the
 * price that they are no longer what they were. */
enum ov_csv { OV_CSV_VERBATIM, OV_CSV_SPREADSHEET };
OV_MUST_CHECK enum ov_status ov_matches_print_csv(FILE *out, struct ov_db *db,
    const struct ov_report *r, const struct ov_match_filter *filter, enum ov_csv kind);

/* The matrix, a line a cell; a number that is held back is empty. */
OV_MUST_CHECK enum ov_status ov_report_print_csv(
    FILE *out, const struct ov_report *r, enum ov_csv kind);
/* One field of a line. */
void ov_csv_field(FILE *out, const char *text, enum ov_csv kind);

OV_MUST_CHECK enum ov_status ov_matches_print_json(FILE *out, struct ov_db *db,
    const struct ov_report *r, const struct ov_match_filter *filter);

/* OV_E_IO if anything printed to out before was lost. */
OV_MUST_CHECK enum ov_status ov_print_flushed(FILE *out);

#endif /* OV_CLIENT_REPORT_PRINT_H */
