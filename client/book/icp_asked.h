/* icp_asked.h - criteria that one side asks the other to evaluate on the other's columns.
 *
 * They cross the wire as text (GRANTS.icp), become part of the terms, and are evaluated
 * only on columns that the other side lists (GRANTS.icp_columns).  What may be asked of a
 * column depends on what it holds, so that no free text can be guessed value by value:
 *
 *     country, industry, type, lifecycle, stage    equals, one_of, exists
 *     employees, revenue, columns kept by a map    between, exists
 *
 * Ids, names, keys, populations, owners and what makes a deal won or closed can neither
 * be listed nor asked about.
 */
#ifndef OV_CLIENT_BOOK_ICP_ASKED_H
#define OV_CLIENT_BOOK_ICP_ASKED_H

#include "client/book/icp.h"
#include "proto/codec.h"
#include "proto/terms.h"

#define OV_ICP_ASKED_MAX 8192 /* bytes, as in GRANTS */

/* Writes a profile as it was understood, without comments, in the one form that is taken
 * (PROTOCOL 6.6.1).  Appends.  OV_E_ICP_INVALID if it is over OV_ICP_ASKED_MAX, or holds
 * characters that cannot be sent (fault). */
OV_MUST_CHECK enum ov_status ov_icp_write(
    struct ov_buf *out, const struct ov_icp *icp, struct ov_fault *fault);

/* Reads criteria that came from a partner; bounded in bytes, depth and number.  Fails as
 * ov_icp_read does, also for what ov_icp_write would not have written so: two sides that
 * signed the same bytes read the same criteria. */
OV_MUST_CHECK enum ov_status ov_icp_read_asked(
    struct ov_icp **out, struct ov_bytes text, struct ov_fault *fault);

/* Refuses, with line and reason, criteria about a column that is not listed, or of a kind
 * that may not be asked of it: OV_E_ICP_INVALID.  columns NULL: not known yet, so only
 * the kinds are looked at. */
OV_MUST_CHECK enum ov_status ov_icp_check_asked(const struct ov_icp *icp,
    const struct ov_shared_columns *columns, struct ov_fault *fault);

/* What may be asked of a column, in words ("equals, one_of, exists"); NULL if it cannot
 * be listed at all. */
const char *ov_icp_askable(const char *column);

#endif /* OV_CLIENT_BOOK_ICP_ASKED_H */
