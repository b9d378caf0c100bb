/* ledger.h - what a pair of companies was charged: runs, slots, epsilon (PROTOCOL.md
 * 7.19.2), and what that leaves.
 *
 * A job is charged once, with its first chunk, for all that it may bring.  Nothing is
 * ever given back, whatever becomes of the job or of the terms; a view of counts is drawn
 * if, and only if, it was charged.
 */
#ifndef OV_SERVER_LEDGER_H
#define OV_SERVER_LEDGER_H

#include "proto/terms.h"
#include "server/counts.h"
#include "server/store.h"

/* OV_E_CAP_RUNS if the pair has no run left, this job not counted. */
OV_MUST_CHECK enum ov_status ov_ledger_runs_left(
    struct ov_tx *tx, const struct ov_job *job, const struct ov_release *r, int64_t now);

/* Charges an accepted job, before its first chunk is stored.  OV_E_CAP_RUNS. */
OV_MUST_CHECK enum ov_status ov_ledger_charge(
    struct ov_tx *tx, const struct ov_job *job, int64_t now);

/* Which views of counts a charged job has, by receiver, and why not. */
OV_MUST_CHECK enum ov_status ov_ledger_views(struct ov_counts_due due[2],
    struct ov_tx *tx, const struct ov_job *job, const struct ov_release *r);

/* REPORT.charges of a charged job. */
OV_MUST_CHECK enum ov_status ov_ledger_report(struct ov_charges *out, struct ov_tx *tx,
    const struct ov_job *job, const struct ov_release *r, int64_t now);

#endif /* OV_SERVER_LEDGER_H */
