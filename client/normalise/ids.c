#include <stdbool.h>
#include <string.h>

#include "client/normalise/normalise.h"

#define ID_IN_MAX 64

/* Copies letters and digits, in upper case; spaces, hyphens and dots between them
 * go.  Sets *n.  Anything else is no registry id. */
static enum ov_drop
compact(char out[ID_IN_MAX + 1], size_t *n, const char *in, size_t len)
{
	*n = 0;
	for (size_t i = 0; i < len; i++) {
		char c = in[i];

		if (c >= 'a' && c <= 'z')
			c = (char)(c - ('a' - 'A'));
		if ((uint8_t)c == 0xc2 && i + 1 < len && (uint8_t)in[i + 1] == 0xa0) {
			i++; /* no-break space */
			continue;
		}
		if (strchr(" \t\r\n-.'\"", c) != NULL && c != '\0')
			continue;
		if ((uint8_t)c < 0x20 || c == 0x7f)
			return OV_DROP_CONTROL;
		if (!((c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')))
			return OV_DROP_MALFORMED;
		if (*n == ID_IN_MAX)
			return OV_DROP_TOO_LONG;
		out[(*n)++] = c;
	}
	out[*n] = '\0';
	return *n == 0 ? OV_DROP_EMPTY : OV_DROP_NONE;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
all_digits(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!is_digit(p[i]))
			return false;
	return n > 0;
}

static bool
one_digit_repeated(const char *p, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (p[i] != p[0])
			return false;
	return true;
}

/* A number column writes 320193 as "320193.0": the length of the text without. */
static size_t
without_decimals(const char *in, size_t len)
{
	const char *dot = memchr(in, '.', len);
	size_t n = dot != NULL ? (size_t)(dot - in) : len;

	if (dot == NULL || n == 0 || !all_digits(in, n))
		return len;
	for (size_t i = n + 1; i < len; i++)
		if (in[i] != '0')
			return len;
	return n;
}

/* ISO 7064 mod 97-10, letters as 10 .. 35. */
static unsigned int
mod97(const char *p, size_t n)
{
	unsigned int r = 0;

	for (size_t i = 0; i < n; i++) {
		unsigned int v = is_digit(p[i]) ? (unsigned int)(p[i] - '0')
						: (unsigned int)(p[i] - 'A') + 10;

		r = (r * (v < 10 ? 10 : 100) + v) % 97; /* r < 97: no overflow */
	}
	return r;
}

enum ov_drop
ov_normalise_lei(
    const struct ov_profile *p, char out[OV_TOKEN_VALUE_CAP], const char *in, size_t len)
{
	char id[ID_IN_MAX + 1];
	enum ov_drop why;
	size_t n;

	(void)p; /* one rule in all profiles */
	out[0] = '\0';
	why = compact(id, &n, in, len);
	if (why != OV_DROP_NONE)
		return why;
	if (n != 20 || !is_digit(id[18]) || !is_digit(id[19]))
		return OV_DROP_MALFORMED;
	if (one_digit_repeated(id, n))
		return OV_DROP_PLACEHOLDER;
	if (mod97(id, n) != 1)
		return OV_DROP_BAD_CHECKSUM;
	memcpy(out, id, n + 1);
	return OV_DROP_NONE;
}

enum ov_drop
ov_normalise_cik(
    const struct ov_profile *p, char out[OV_TOKEN_VALUE_CAP], const char *in, size_t len)
{
	char id[ID_IN_MAX + 1];
	const char *digits = id;
	enum ov_drop why;
	size_t n;

	(void)p; /* one rule in all profiles */
	out[0] = '\0';
	why = compact(id, &n, in, without_decimals(in, len));
	if (why != OV_DROP_NONE)
		return why;
	if (n > 3 && memcmp(digits, "CIK", 3) == 0)
		digits += 3, n -= 3;
	if (!all_digits(digits, n) || n > 10)
		return OV_DROP_MALFORMED;
	while (n > 0 && digits[0] == '0')
		digits++, n--;
	if (n == 0)
		return OV_DROP_PLACEHOLDER;
	memcpy(out, digits, n + 1);
	return OV_DROP_NONE;
}

enum ov_drop
ov_normalise_duns(
    const struct ov_profile *p, char out[OV_TOKEN_VALUE_CAP], const char *in, size_t len)
{
	char id[ID_IN_MAX + 1];
	const char *digits = id;
	enum ov_drop why;
	size_t n;

	(void)p; /* one rule in all profiles */
	out[0] = '\0';
	why = compact(id, &n, in, without_decimals(in, len));
	if (why != OV_DROP_NONE)
		return why;
	if (n > 4 && memcmp(digits, "DUNS", 4) == 0)
		digits += 4, n -= 4;
	/* numbers begin with at most four zeros; fewer digits are something else */
	if (!all_digits(digits, n) || n > 9 || n < 5)
		return OV_DROP_MALFORMED;
	memset(out, '0', 9);
	memcpy(out + 9 - n, digits, n);
	out[9] = '\0';
	if (one_digit_repeated(digits, n) || memcmp(out, "123456789", 9) == 0) {
		out[0] = '\0';
		return OV_DROP_PLACEHOLDER;
	}
	return OV_DROP_NONE;
}

/* Shapes of VAT numbers without prefix: 9 a digit, @ a letter, * either, others as they
 * are; several lines of one country are alternatives.  From the European
 * Commission's VIES structures, and of GB, NO and CH their registers'. */
static const struct {
	char cc[3], shape[14];
} shapes[] = { { "AT", "U99999999" }, { "BE", "9999999999" }, { "BG", "999999999" },
	{ "BG", "9999999999" }, { "CH", "E999999999" }, { "CY", "99999999@" },
	{ "CZ", "99999999" }, { "CZ", "999999999" }, { "CZ", "9999999999" },
	{ "DE", "999999999" }, { "DK", "99999999" }, { "EE", "999999999" },
	{ "EL", "999999999" }, { "ES", "*9999999*" }, { "FI", "99999999" },
	{ "FR", "**999999999" }, { "GB", "999999999" }, { "GB", "999999999999" },
	{ "GB", "GD999" }, { "GB", "HA999" }, { "HR", "99999999999" },
	{ "HU", "99999999" }, { "IE", "9*99999@" }, { "IE", "9999999@@" },
	{ "IT", "99999999999" }, { "LT", "999999999" }, { "LT", "999999999999" },
	{ "LU", "99999999" }, { "LV", "99999999999" }, { "MT", "99999999" },
	{ "NL", "999999999B99" }, { "NO", "999999999" }, { "PL", "9999999999" },
	{ "PT", "999999999" }, { "RO", "99" }, { "RO", "999" }, { "RO", "9999" },
	{ "RO", "99999" }, { "RO", "999999" }, { "RO", "9999999" }, { "RO", "99999999" },
	{ "RO", "999999999" }, { "RO", "9999999999" }, { "SE", "999999999999" },
	{ "SI", "99999999" }, { "SK", "9999999999" }, { "XI", "999999999" },
	{ "XI", "999999999999" }, { "XI", "GD999" }, { "XI", "HA999" } };

static bool
fits_one(char c, char shape)
{
	switch (shape) {
	case '9':
		return is_digit(c);
	case '@':
		return !is_digit(c);
	case '*':
		return true;
	default:
		return c == shape;
	}
}

static bool
fits(const char *p, const char *shape)
{
	for (; *p != '\0' && *shape != '\0'; p++, shape++)
		if (!fits_one(*p, *shape))
			return false;
	return *p == *shape;
}

static bool
is_vat(const char *cc, const char *number)
{
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
		if (memcmp(shapes[i].cc, cc, 2) == 0 && fits(number, shapes[i].shape))
			return true;
	return false;
}

/* "NO 923 609 016 MVA", "CHE-116.281.710 MWST": the words behind the number. */
static void
cut_words(char *id, size_t *n)
{
	static const char *const words[] = { "MWST", "MVA", "TVA", "IVA" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		size_t w = strlen(words[i]);

		if (*n > w + 8 && memcmp(id + *n - w, words[i], w) == 0 &&
		    (memcmp(id, "NO", 2) == 0 || memcmp(id, "CHE", 3) == 0)) {
			*n -= w;
			id[*n] = '\0';
		}
	}
}

enum ov_drop
ov_normalise_vat(const struct ov_profile *p, char out[OV_TOKEN_VALUE_CAP], const char *in,
    size_t len, const char *cc)
{
	char id[ID_IN_MAX + 1], prefix[3];
	const char *number = id;
	enum ov_drop why;
	size_t n;

	(void)p; /* one rule in all profiles */
	out[0] = '\0';
	why = compact(id, &n, in, len);
	if (why != OV_DROP_NONE)
		return why;
	cut_words(id, &n);
	if (n > 2 && memcmp(id, "GR", 2) == 0)
		id[0] = 'E', id[1] = 'L'; /* Greece's prefix is EL */
	if (n > 2 && is_vat(id, id + 2)) {
		memcpy(prefix, id, 2);
		number += 2;
	} else if (cc != NULL && cc[0] != '\0') {
		memcpy(prefix, memcmp(cc, "GR", 2) == 0 ? "EL" : cc, 2);
	} else {
		return is_digit(id[0]) ? OV_DROP_NO_COUNTRY : OV_DROP_MALFORMED;
	}
	prefix[2] = '\0';
	if (!is_vat(prefix, number))
		return OV_DROP_MALFORMED;
	if (one_digit_repeated(number, strlen(number)))
		return OV_DROP_PLACEHOLDER;
	memcpy(out, prefix, 2);
	memcpy(out + 2, number, strlen(number) + 1);
	return OV_DROP_NONE;
}
