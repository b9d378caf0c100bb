/* Any bytes as a company name, country or registry id: bounded, clean, and the same when
 * done twice.  The first byte chooses the country. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "client/normalise/normalise.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require_clean(enum ov_drop why, const char *out)
{
	if ((why == OV_DROP_NONE) != (out[0] != '\0'))
		abort();
	for (const char *p = out; *p != '\0'; p++)
		if ((uint8_t)*p < 0x20 || *p == 0x7f)
			abort();
}

static void
check_name(const char *in, size_t len, const char *cc)
{
	char out[OV_TOKEN_VALUE_CAP], again[OV_TOKEN_VALUE_CAP];
	enum ov_drop why = ov_normalise_name(out, in, len, cc);

	require_clean(why, out);
	if (why == OV_DROP_NONE &&
	    (ov_normalise_name(again, out, strlen(out), cc) != OV_DROP_NONE ||
		strcmp(out, again) != 0))
		abort();
	why = ov_normalise_name_long(out, in, len, cc);
	require_clean(why, out);
	why = ov_normalise_name_country(out, in, len, cc);
	require_clean(why, out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const countries[] = { NULL, "DE", "US", "JP", "FR", "SE", "ID",
		"BR" };
	const char *in, *cc;
	char out[OV_TOKEN_VALUE_CAP];

	if (ov_normalise_init() != OV_OK)
		abort();
	if (size == 0)
		return 0;
	cc = countries[data[0] % 8];
	in = (const char *)data + 1;
	check_name(in, size - 1, cc);
	require_clean(ov_normalise_country(out, in, size - 1), out);
	require_clean(ov_normalise_lei(out, in, size - 1), out);
	require_clean(ov_normalise_cik(out, in, size - 1), out);
	require_clean(ov_normalise_duns(out, in, size - 1), out);
	require_clean(ov_normalise_vat(out, in, size - 1, cc), out);
	return 0;
}
