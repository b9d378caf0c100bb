/* idn.h - internationalised host names to A-labels (the only user of libidn2). */
#ifndef OV_CLIENT_NORMALISE_IDN_H
#define OV_CLIENT_NORMALISE_IDN_H

#include <stdbool.h>
#include <stddef.h>

/* Writes the IDNA2008 non-transitional (UTS #46) A-label form of host, a string
 * of len bytes of UTF-8, lower case, to out, cap bytes.  False if it has none. */
bool ov_idn_to_ascii(char *out, size_t cap, const char *host, size_t len);

#endif /* OV_CLIENT_NORMALISE_IDN_H */
