/* limits.h - what one company may have at the broker (struct ov_limits).
 */
#ifndef OV_SERVER_LIMITS_H
#define OV_SERVER_LIMITS_H

#include "server/dispatch.h"

/* OV_E_BROKER_QUOTA if the caller's mails and streams, with `more` bytes, are over its
 * limit. */
OV_MUST_CHECK enum ov_status ov_limit_stored(
    const struct ov_call *c, struct ov_tx *tx, uint64_t more);

/* OV_E_BROKER_QUOTA if the caller has as many open jobs as it may. */
OV_MUST_CHECK enum ov_status ov_limit_jobs(const struct ov_call *c, struct ov_tx *tx);

#endif /* OV_SERVER_LIMITS_H */
