/* others.h - other names of well-known companies: changed names, initials
 * (other_names.txt, whose head comment says what the columns mean). */
#ifndef OV_CLIENT_NORMALISE_OTHERS_H
#define OV_CLIENT_NORMALISE_OTHERS_H

#include "client/normalise/lists.h"
#include "client/normalise/normalise.h"
#include "common/status.h"

struct ov_others;

/* From a list, by the name rule of p, which has no others yet.  An empty list is fine.
 * OV_E_NOMEM; OV_E_BUG if a line does not parse, stands in another's way, or says
 * nothing. Read-only once loaded. */
OV_MUST_CHECK enum ov_status ov_others_new(
    struct ov_others **out, const struct ov_profile *p, struct ov_list_file file);
void ov_others_free(struct ov_others *o); /* NULL is fine */

/* The name for which a value of the name rule stands, in the country or, for NULL, in
 * any; NULL if it is no other name.  What it gives is none itself. */
const char *ov_others_find(
    const struct ov_others *o, const char *name, size_t len, const char *cc);

#endif /* OV_CLIENT_NORMALISE_OTHERS_H */
