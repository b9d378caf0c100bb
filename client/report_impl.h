/* report_impl.h - parts of ov_report_load that have files of their own. */
#ifndef OV_CLIENT_REPORT_IMPL_H
#define OV_CLIENT_REPORT_IMPL_H

#include "client/report.h"

/* Both after populations, cells and totals are there. */

/* What was held back, the terms, and the greenfield. */
OV_MUST_CHECK enum ov_status ov_report_load_counts(struct ov_report *r, struct ov_db *db);
/* Charges by the broker's word and by this home's. */
OV_MUST_CHECK enum ov_status ov_report_load_charges(
    struct ov_report *r, struct ov_db *db);

#endif /* OV_CLIENT_REPORT_IMPL_H */
