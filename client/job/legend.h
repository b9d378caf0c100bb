/* legend.h - what the numbers of a list mean: chunk 0 of POINTS (PROTOCOL.md 7.14.1).
 *
 * The partner's says nothing that the terms do not say already, but for the size of its
 * list, where it grants that.  Pure.
 */
#ifndef OV_CLIENT_JOB_LEGEND_H
#define OV_CLIENT_JOB_LEGEND_H

#include "client/terms.h"
#include "proto/slots.h"

/* n to the nearest multiple of step, halves up; 0 for step 0. */
uint32_t ov_legend_size(uint64_t n, uint32_t step);

/* Encoded LEGEND of a list of n records, appended. */
OV_MUST_CHECK enum ov_status ov_legend_encode(
    struct ov_buf *out, const struct ov_terms *terms, uint64_t n);

/* The partner's chunk, opened: OV_E_PROTO_LEGEND if it is not in its form or does not
 * say what both signed.  *size: rounded size of its list, 0 where it is not told. */
OV_MUST_CHECK enum ov_status ov_legend_check(
    uint32_t *size, const uint8_t chunk[OV_LEGEND_LEN], const struct ov_terms *terms);

#endif /* OV_CLIENT_JOB_LEGEND_H */
