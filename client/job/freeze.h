/* freeze.h - from the book to the frozen list of a job, and back from its records to
 * accounts when the matches are in.
 *
 * Record numbers of the book are good for one generation of it.  An import while a job
 * is open first calls ov_freeze_keep_accounts, which writes down what the report will
 * need.
 */
#ifndef OV_CLIENT_JOB_FREEZE_H
#define OV_CLIENT_JOB_FREEZE_H

#include "client/home.h"
#include "client/job/list.h"
#include "client/job/record.h"
#include "client/normalise/normalise.h"
#include "client/terms.h"

/* The list as it stands: what the terms in force give, keys by the profile, fits by the
 * stored ICP.  A book that an older release made is first made anew.
 * OV_E_BOOK_EMPTY; OV_E_LIST_TOO_SMALL, OV_E_LIST_TOO_LARGE by the terms.  *generation:
 * of the book. */
OV_MUST_CHECK enum ov_status ov_freeze(struct ov_list *out, uint64_t *generation,
    struct ov_home *home, const struct ov_terms *terms, const struct ov_profile *profile);

/* Before an import: what reports need of the accounts of this generation of the book, of
 * every open job and of every match there is. */
OV_MUST_CHECK enum ov_status ov_freeze_keep_accounts(struct ov_home *home);

/* The company's own ICP file as stored by `overlap icp`; appended, empty if none. */
OV_MUST_CHECK enum ov_status ov_icp_text(struct ov_buf *out, struct ov_home *home);
OV_MUST_CHECK enum ov_status ov_icp_store(struct ov_home *home, struct ov_bytes text);

#endif /* OV_CLIENT_JOB_FREEZE_H */
