/* suffix.h - the public suffix list (the only user of libpsl).
 *
 * Our own copy of the list, with its private section, is compiled in.  Read-only once
 * loaded: threads may share it.
 */
#ifndef OV_CLIENT_NORMALISE_SUFFIX_H
#define OV_CLIENT_NORMALISE_SUFFIX_H

#include <stdbool.h>

#include "client/normalise/lists.h"
#include "common/status.h"

enum ov_suffix {
	OV_SUFFIX_UNKNOWN, /* no rule of the list covers the name */
	OV_SUFFIX_BELOW,   /* there is a registrable part */
	OV_SUFFIX_ICANN,   /* itself a suffix of a registry: co.uk */
	OV_SUFFIX_PRIVATE  /* itself a suffix that a company declared: github.io */
};

struct ov_suffixes;

/* From the bytes of the list.  OV_E_NOMEM; OV_E_BUG if that is no such list. */
OV_MUST_CHECK enum ov_status ov_suffixes_new(
    struct ov_suffixes **out, struct ov_list_file file);
void ov_suffixes_free(struct ov_suffixes *s); /* NULL is fine */

/* host: lower-case ASCII, no final dot.  *registrable points into host where the result
 * is OV_SUFFIX_BELOW, and is NULL otherwise. */
enum ov_suffix ov_suffix_of(
    const struct ov_suffixes *s, const char *host, const char **registrable);

#endif /* OV_CLIENT_NORMALISE_SUFFIX_H */
