/* suffix.h - the public suffix list (the only user of libpsl).
 *
 * Our own copy of the list, with its private section, is compiled in.
 */
#ifndef OV_CLIENT_NORMALISE_SUFFIX_H
#define OV_CLIENT_NORMALISE_SUFFIX_H

#include <stdbool.h>

#include "common/status.h"

enum ov_suffix {
	OV_SUFFIX_UNKNOWN, /* no rule of the list covers the name */
	OV_SUFFIX_BELOW,   /* there is a registrable part */
	OV_SUFFIX_ICANN,   /* itself a suffix of a registry: co.uk */
	OV_SUFFIX_PRIVATE  /* itself a suffix that a company declared: github.io */
};

OV_MUST_CHECK enum ov_status ov_suffix_init(void);
void ov_suffix_fini(void);

/* host: lower-case ASCII, no final dot.  *registrable points into host where the result
 * is OV_SUFFIX_BELOW, and is NULL otherwise. */
enum ov_suffix ov_suffix_of(const char *host, const char **registrable);

#endif /* OV_CLIENT_NORMALISE_SUFFIX_H */
