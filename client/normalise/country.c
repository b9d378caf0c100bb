#include "client/normalise/country.h"

#include <string.h>
#include <strings.h>

#include "client/normalise/normalise.h"
#include "client/normalise/profile.h"
#include "client/normalise/tokens.h"

static bool
canonical(char out[OV_TOKEN_VALUE_CAP], const char *in, size_t len)
{
	struct ov_words words;
	char folded[OV_FOLDED_CAP];
	size_t n;

	if (ov_unicode_fold(folded, &n, in, len) != OV_DROP_NONE)
		return false;
	if (ov_words_split(&words, folded, n) != OV_DROP_NONE || words.n == 0)
		return false;
	return ov_words_join(out, OV_TOKEN_VALUE_CAP, &words, 0, words.n, " ") > 0;
}

static enum ov_status
add(void *ctx, const struct ov_field *f, size_t n)
{
	struct ov_table *countries = ctx;
	char text[OV_TOKEN_VALUE_CAP];

	if (n != 2 || f[0].len != 2 || !canonical(text, f[1].p, f[1].len))
		return OV_E_BUG;
	/* the first line of a name wins */
	if (ov_table_get(countries, text, strlen(text), NULL))
		return OV_OK;
	return ov_table_put(countries, text, strlen(text),
	    (uint64_t)(uint8_t)f[0].p[0] << 8 | (uint8_t)f[0].p[1]);
}

enum ov_status
ov_countries_load(struct ov_table *out, struct ov_list_file file)
{
	return ov_list_each(file, add, out);
}

static bool
lookup(const struct ov_profile *p, char out[OV_COUNTRY_CAP], const char *in, size_t len)
{
	char text[OV_TOKEN_VALUE_CAP];
	uint64_t cc;

	if (!canonical(text, in, len) ||
	    !ov_table_get(p->countries, text, strlen(text), &cc))
		return false;
	out[0] = (char)(cc >> 8);
	out[1] = (char)(cc & 0xff);
	out[2] = '\0';
	return true;
}

/* "n/a" and "N.A." would be read as Namibia's code; "NA" alone is that. */
static bool
is_filler(const char *in, size_t len)
{
	static const char *const fillers[] = { "n/a", "n.a.", "n.a", "n\\a", "none",
		"-" };

	for (size_t i = 0; i < sizeof(fillers) / sizeof(fillers[0]); i++)
		if (len == strlen(fillers[i]) && strncasecmp(in, fillers[i], len) == 0)
			return true;
	return false;
}

/* Parts between brackets, dashes, slashes and commas, the last first, as addresses end
 * with the country: "United States (US)", "Georgia, USA".  In "US-CA" (ISO 3166-2) the
 * country stands first. */
static bool
lookup_parts(
    const struct ov_profile *p, char out[OV_COUNTRY_CAP], const char *in, size_t len)
{
	size_t end = len;

	if (len >= 4 && len <= 6 && in[2] == '-' && lookup(p, out, in, 2))
		return true;
	for (size_t i = len; i-- > 0;)
		if (strchr("()[],-/|", in[i]) != NULL) {
			if (i + 1 < end && lookup(p, out, in + i + 1, end - i - 1))
				return true;
			end = i;
		}
	return end > 0 && end < len && lookup(p, out, in, end);
}

enum ov_drop
ov_normalise_country(
    const struct ov_profile *p, char out[OV_COUNTRY_CAP], const char *in, size_t len)
{
	memset(out, 0, OV_COUNTRY_CAP);
	while (len > 0 && (in[0] == ' ' || in[0] == '\t'))
		in++, len--;
	while (len > 0 && (in[len - 1] == ' ' || in[len - 1] == '\t'))
		len--;
	if (len == 0 || is_filler(in, len))
		return OV_DROP_NO_COUNTRY;
	if (len > OV_TEXT_MAX)
		return OV_DROP_TOO_LONG;
	for (size_t i = 0; i < len; i++)
		if (((uint8_t)in[i] < 0x20 && in[i] != '\t' && in[i] != '\n' &&
			in[i] != '\r') ||
		    in[i] == 0x7f)
			return OV_DROP_CONTROL;
	return lookup(p, out, in, len) || lookup_parts(p, out, in, len)
		   ? OV_DROP_NONE
		   : OV_DROP_UNKNOWN_COUNTRY;
}
