/* Any bytes as a web or e-mail address: bounded, clean, and the same when done twice, by
 * every profile. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "client/normalise/normalise.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(
    const struct ov_profile *p, const char *in, size_t len, enum ov_domain_source source)
{
	char out[OV_TOKEN_VALUE_CAP], again[OV_TOKEN_VALUE_CAP];

	if (ov_normalise_domain(p, out, in, len, source) != OV_DROP_NONE) {
		if (out[0] != '\0')
			abort();
		return;
	}
	for (const char *c = out; *c != '\0'; c++)
		if (*c <= 0x20 || *c >= 0x7f)
			abort();
	if (ov_normalise_domain(p, again, out, strlen(out), source) != OV_DROP_NONE ||
	    strcmp(out, again) != 0)
		abort();
}

/* The first line is the account's name, the rest its website. */
static void
check_site(const struct ov_profile *p, const char *in, size_t len)
{
	char out[OV_TOKEN_VALUE_CAP], again[OV_TOKEN_VALUE_CAP];
	const char *end = len > 0 ? memchr(in, '\n', len) : NULL;
	size_t n = end != NULL ? (size_t)(end - in) : 0, rest = end != NULL ? n + 1 : 0;
	const struct ov_kin_name who = { OV_BYTES(in, n), OV_BYTES(in, n),
		OV_BYTES("", 0), false };

	if (n > OV_TOKEN_VALUE_MAX || memchr(in, 0, n) != NULL)
		return; /* no name that the rule of names gives */
	if (ov_normalise_site(p, out, in + rest, len - rest, &who) != OV_DROP_NONE) {
		if (out[0] != '\0')
			abort();
		return;
	}
	if (ov_normalise_site(p, again, out, strlen(out), &who) != OV_DROP_NONE ||
	    strcmp(out, again) != 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct ov_profile *p;

	if (ov_normalise_init() != OV_OK)
		abort();
	for (size_t i = 0; (p = ov_profile_at(i)) != NULL; i++) {
		check(p, (const char *)data, size, OV_FROM_WEBSITE);
		check(p, (const char *)data, size, OV_FROM_EMAIL);
		check_site(p, (const char *)data, size);
	}
	return 0;
}
