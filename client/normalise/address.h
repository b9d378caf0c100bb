/* address.h - a web or e-mail address, as people write it, taken apart. */
#ifndef OV_CLIENT_NORMALISE_ADDRESS_H
#define OV_CLIENT_NORMALISE_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

#include "client/normalise/normalise.h"

struct ov_address {
	char host[OV_TOKEN_VALUE_CAP]; /* lower-case ASCII (A-labels), no dot at its ends
					*/
	const char *path;	       /* with all that follows; borrowed of the text */
	size_t path_len;
	bool has_path; /* beyond pages that every site has */
	bool from_mailbox;
};

/* The first address of the text: without scheme, userinfo and port.  OV_DROP_EMPTY,
 * _TOO_LONG, _CONTROL, _MALFORMED, _IP_LITERAL. */
enum ov_drop ov_address_read(
    struct ov_address *a, const char *in, size_t len, enum ov_domain_source source);

#endif /* OV_CLIENT_NORMALISE_ADDRESS_H */
