/* Any bytes as a company name, country or registry id: bounded, clean, and the same when
 * done twice, by every profile.  The first byte chooses the country. */
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
check_name(const struct ov_profile *p, const char *in, size_t len, const char *cc)
{
	char out[OV_TOKEN_VALUE_CAP], again[OV_TOKEN_VALUE_CAP];
	struct ov_name_signs signs;
	enum ov_drop why = ov_normalise_name(p, out, in, len, cc);

	require_clean(why, out);
	if (why == OV_DROP_NONE &&
	    (ov_normalise_name(p, again, out, strlen(out), cc) != OV_DROP_NONE ||
		strcmp(out, again) != 0))
		abort();
	why = ov_normalise_name_signs(p, out, &signs, in, len, cc);
	require_clean(why, out);
	if (memchr(signs.kind, 0, sizeof(signs.kind)) == NULL ||
	    memchr(signs.initials, 0, sizeof(signs.initials)) == NULL)
		abort();
	why = ov_normalise_name_country(p, out, in, len, cc);
	require_clean(why, out);
}

/* A domain whose letters are those that the bytes choose of the name: the beginnings of
 * its words, as often as not. */
static void
check_label(const struct ov_profile *p, const struct ov_name_signs *signs, const char *in,
    size_t len, const char *cc)
{
	char domain[OV_TOKEN_VALUE_CAP], out[OV_TOKEN_VALUE_CAP];
	size_t n = 0;

	if (memchr(signs->spelt, 0, sizeof(signs->spelt)) == NULL ||
	    signs->own > strlen(signs->spelt))
		abort();
	for (size_t i = 0; signs->spelt[i] != '\0' && i < len; i++)
		if ((in[i] & 1) != 0)
			domain[n++] = signs->spelt[i];
	memcpy(domain + n, ".com", sizeof(".com"));
	require_clean(ov_normalise_label_name(p, out, domain, signs, cc), out);
}

/* Parts of the input, none empty; and what a website tells beside each. */
static void
check_names(const struct ov_profile *p, const char *in, size_t len, const char *cc)
{
	struct ov_name_part part[OV_NAMES_MAX];
	char out[OV_TOKEN_VALUE_CAP];
	struct ov_name_signs signs;
	size_t n = ov_normalise_names(p, part, in, len);

	if (n < 1 || n > OV_NAMES_MAX)
		abort();
	for (size_t i = 0; i < n; i++) {
		if (part[i].p < in || part[i].p + part[i].len > in + len)
			abort();
		(void)ov_normalise_name_signs(p, out, &signs, part[i].p, part[i].len, cc);
		require_clean(
		    ov_normalise_label_name(p, out, "acmesoftware.com", &signs, cc), out);
		check_label(p, &signs, in, len, cc);
	}
}

/* Short enough to stand behind its scheme, and the same when done twice. */
static void
check_scheme(const struct ov_profile *p, const char *scheme, const char *in, size_t len)
{
	char out[OV_TOKEN_VALUE_CAP], again[OV_TOKEN_VALUE_CAP];
	enum ov_drop why = ov_normalise_scheme_id(p, out, scheme, in, len);

	require_clean(why, out);
	if (why == OV_DROP_NONE && (strlen(out) > OV_SCHEME_VALUE_MAX ||
				       ov_normalise_scheme_id(p, again, scheme, out,
					   strlen(out)) != OV_DROP_NONE ||
				       strcmp(out, again) != 0))
		abort();
}

static void
check_all(const struct ov_profile *p, const char *in, size_t len, const char *cc)
{
	char out[OV_TOKEN_VALUE_CAP];

	check_name(p, in, len, cc);
	check_names(p, in, len, cc);
	require_clean(ov_normalise_country(p, out, in, len), out);
	require_clean(ov_normalise_lei(p, out, in, len), out);
	require_clean(ov_normalise_cik(p, out, in, len), out);
	require_clean(ov_normalise_duns(p, out, in, len), out);
	require_clean(ov_normalise_vat(p, out, in, len, cc), out);
	check_scheme(p, "acme", in, len);
	check_scheme(p, OV_SCHEME_TICKER, in, len);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const countries[] = { NULL, "DE", "US", "JP", "FR", "SE", "ID",
		"BR" };
	const struct ov_profile *p;

	if (ov_normalise_init() != OV_OK)
		abort();
	if (size == 0)
		return 0;
	for (size_t i = 0; (p = ov_profile_at(i)) != NULL; i++)
		check_all(p, (const char *)data + 1, size - 1, countries[data[0] % 8]);
	return 0;
}
