/* Any bytes as a web or e-mail address: bounded, clean, and the same when done twice. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "client/normalise/normalise.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(const char *in, size_t len, enum ov_domain_source source)
{
	char out[OV_TOKEN_VALUE_CAP], again[OV_TOKEN_VALUE_CAP];

	if (ov_normalise_domain(out, in, len, source) != OV_DROP_NONE) {
		if (out[0] != '\0')
			abort();
		return;
	}
	for (const char *p = out; *p != '\0'; p++)
		if (*p <= 0x20 || *p >= 0x7f)
			abort();
	if (ov_normalise_domain(again, out, strlen(out), source) != OV_DROP_NONE ||
	    strcmp(out, again) != 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (ov_normalise_init() != OV_OK)
		abort();
	check((const char *)data, size, OV_FROM_WEBSITE);
	check((const char *)data, size, OV_FROM_EMAIL);
	return 0;
}
