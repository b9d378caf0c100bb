/* suffix.h - the public suffix list (the only user of libpsl).
 *
 * Our own copy of the list, with its private section, is compiled in.
 */
#ifndef OV_CLIENT_NORMALISE_SUFFIX_H
#define OV_CLIENT_NORMALISE_SUFFIX_H

#include <stdbool.h>

#include "common/status.h"

enum ov_suffix_kind {
	OV_SUFFIX_NOT,	  /* there is a registrable part */
	OV_SUFFIX_ICANN,  /* itself a suffix of a registry: co.uk */
	OV_SUFFIX_PRIVATE /* itself a suffix that a company declared: github.io */
};

OV_MUST_CHECK enum ov_status ov_suffix_init(void);
void ov_suffix_fini(void);

/* host: lower-case ASCII, no final dot.  True if a rule of the list covers it. */
bool ov_suffix_tld_known(const char *host);
enum ov_suffix_kind ov_suffix_kind(const char *host);

/* The registrable part, pointing into host; NULL where host is a suffix. */
const char *ov_suffix_registrable(const char *host);

#endif /* OV_CLIENT_NORMALISE_SUFFIX_H */
