#include "client/normalise/idn.h"

#include <idn2.h>
#include <string.h>

/* 253 characters of name need at most four bytes each, and some slack for
 * characters that the mapping drops. */
#define HOST_IN_MAX 2048

bool
ov_idn_to_ascii(char *out, size_t cap, const char *host, size_t len)
{
	uint8_t in[HOST_IN_MAX + 1], *ascii = NULL;
	size_t n;
	bool ok;

	out[0] = '\0';
	if (len > HOST_IN_MAX)
		return false;
	memcpy(in, host, len);
	in[len] = '\0';
	/* An A-label in the input is decoded and checked too. */
	if (idn2_lookup_u8(in, &ascii,
		IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL | IDN2_ALABEL_ROUNDTRIP) != IDN2_OK)
		return false;
	n = strlen((const char *)ascii);
	ok = n > 0 && n < cap;
	if (ok)
		memcpy(out, ascii, n + 1);
	idn2_free(ascii);
	return ok;
}
