/* sheet.h - a grant sheet (GRANTS) from a policy, and in words for a person who decides.
 */
#ifndef OV_CLIENT_SHEET_H
#define OV_CLIENT_SHEET_H

#include <stdio.h>

#include "client/book/policy.h"
#include "client/json.h"
#include "proto/codec.h"

/* Appends the encoded sheet that a policy stands for.  Hidden populations are not in it.
 * OV_E_POLICY_REFUSED if it grants nothing or pauses the runs: there is nothing to offer.
 */
OV_MUST_CHECK enum ov_status ov_sheet_of_policy(
    struct ov_buf *out, const struct ov_policy *policy);

/* Both sheets in plain words: what the partner learns, what we learn, what the broker
 * sees, and the limits that follow from both.  theirs may be empty: not offered yet.
 * partner is printed with care.  Fails on sheets that do not decode. */
OV_MUST_CHECK enum ov_status ov_sheet_explain(
    FILE *out, const char *partner, struct ov_bytes mine, struct ov_bytes theirs);

/* The populations and limits of one sheet, into a JSON object. */
OV_MUST_CHECK enum ov_status ov_sheet_json(struct ov_json *at, struct ov_bytes sheet);

#endif /* OV_CLIENT_SHEET_H */
