#include "client/normalise/unicode.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

/* One code point gives at most 18 (U+FDFA); a text of OV_TEXT_MAX bytes has at
 * most OV_TEXT_MAX / 3 of those. */
#define POINTS_MAX (OV_TEXT_MAX * 6 + 16)

#define OPTIONS                                                                          \
	(UTF8PROC_STABLE | UTF8PROC_COMPAT | UTF8PROC_DECOMPOSE | UTF8PROC_CASEFOLD |    \
	    UTF8PROC_IGNORE)

static bool
is_control(utf8proc_int32_t c)
{
	return (c < 0x20 && c != '\t' && c != '\n' && c != '\r') ||
	       (c >= 0x7f && c < 0xa0);
}

/* Before decomposition: signs whose compatibility form would be letters. */
static utf8proc_int32_t
before(utf8proc_int32_t c, void *data)
{
	(void)data;
	switch (c) {
	case 0x00a9: /* copyright */
	case 0x00ae: /* registered */
	case 0x2117: /* sound recording copyright */
	case 0x2120: /* service mark */
	case 0x2122: /* trade mark */
		return ' ';
	case 0x00b4: /* acute accent, typed for an apostrophe */
	case 0x2018:
	case 0x2019:
	case 0x201b:
	case 0x2032:
	case 0x02bc:
		return '\'';
	case 0x3014: /* tortoise shell and lenticular brackets */
	case 0x3010:
		return '(';
	case 0x3015:
	case 0x3011:
		return ')';
	default:
		return c;
	}
}

/* Combining marks of the alphabets where a name is also written without them. */
static bool
is_plain_mark(utf8proc_int32_t c)
{
	return (c >= 0x0300 && c <= 0x036f) || (c >= 0x0483 && c <= 0x0487) ||
	       (c >= 0x0591 && c <= 0x05c7) || (c >= 0x064b && c <= 0x065f) ||
	       c == 0x0670 || (c >= 0x1ab0 && c <= 0x1aff) ||
	       (c >= 0x1dc0 && c <= 0x1dff) || (c >= 0x20d0 && c <= 0x20ff) ||
	       (c >= 0xfe20 && c <= 0xfe2f);
}

static const char *
spelled(utf8proc_int32_t c)
{
	switch (c) {
	case 0x00f8: /* o with stroke */
		return "o";
	case 0x0142: /* l with stroke */
		return "l";
	case 0x0111: /* d with stroke */
	case 0x00f0: /* eth */
		return "d";
	case 0x00e6:
		return "ae";
	case 0x0153:
		return "oe";
	case 0x00fe:
		return "th";
	case 0x0127:
		return "h";
	case 0x0131: /* dotless i */
		return "i";
	default:
		return NULL;
	}
}

static bool
is_letter_like(utf8proc_int32_t c)
{
	utf8proc_category_t k = utf8proc_category(c);

	return (k >= UTF8PROC_CATEGORY_LU && k <= UTF8PROC_CATEGORY_NO);
}

/* After decomposition: drops marks, spells letters out, spaces the rest.  Works in
 * place: the longest spelling has two letters and comes from one point, so a
 * second buffer would be needed only for ae, oe, th; those take it. */
static size_t
filter(utf8proc_int32_t *out, const utf8proc_int32_t *in, size_t n)
{
	size_t used = 0;

	for (size_t i = 0; i < n; i++) {
		utf8proc_int32_t c = in[i];
		const char *s;

		if (is_plain_mark(c))
			continue;
		if (c < 0x80) {
			out[used++] = c < 0x20 ? ' ' : c;
		} else if ((s = spelled(c)) != NULL) {
			while (*s != '\0')
				out[used++] = *s++;
		} else {
			out[used++] = is_letter_like(c) ? c : ' ';
		}
	}
	return used;
}

static enum ov_drop
fold_any(char *out, size_t *out_len, const char *in, size_t len)
{
	utf8proc_int32_t points[POINTS_MAX], kept[2 * POINTS_MAX];
	utf8proc_ssize_t n;
	size_t k, used = 0;

	n = utf8proc_decompose_custom((const utf8proc_uint8_t *)in, (utf8proc_ssize_t)len,
	    points, POINTS_MAX, OPTIONS, before, NULL);
	if (n < 0)
		return OV_DROP_ENCODING;
	if (n > POINTS_MAX)
		return OV_DROP_TOO_LONG;
	k = filter(kept, points, (size_t)n);
	n = utf8proc_normalize_utf32(
	    kept, (utf8proc_ssize_t)k, UTF8PROC_STABLE | UTF8PROC_COMPOSE);
	if (n < 0)
		return OV_DROP_ENCODING;
	for (utf8proc_ssize_t i = 0; i < n; i++) {
		utf8proc_uint8_t b[4];
		size_t bytes = (size_t)utf8proc_encode_char(kept[i], b);

		if (used + bytes >= OV_FOLDED_CAP)
			return OV_DROP_TOO_LONG;
		memcpy(out + used, b, bytes);
		used += bytes;
	}
	out[used] = '\0';
	*out_len = used;
	return OV_DROP_NONE;
}

static enum ov_drop
check_controls(const char *in, size_t len)
{
	const utf8proc_uint8_t *p = (const utf8proc_uint8_t *)in;

	for (size_t i = 0; i < len;) {
		utf8proc_int32_t c;
		utf8proc_ssize_t n =
		    utf8proc_iterate(p + i, (utf8proc_ssize_t)(len - i), &c);

		if (n <= 0)
			return OV_DROP_ENCODING;
		if (is_control(c))
			return OV_DROP_CONTROL;
		i += (size_t)n;
	}
	return OV_DROP_NONE;
}

enum ov_drop
ov_unicode_fold(char *out, size_t *out_len, const char *in, size_t len)
{
	enum ov_drop why;
	size_t i;

	*out_len = 0;
	out[0] = '\0';
	if (len > OV_TEXT_MAX)
		return OV_DROP_TOO_LONG;
	/* Nineteen names in twenty are ASCII and need no tables. */
	for (i = 0; i < len && (uint8_t)in[i] < 0x80; i++) {
		char c = in[i];

		if (is_control(c))
			return OV_DROP_CONTROL;
		if (c >= 'A' && c <= 'Z')
			c = (char)(c + ('a' - 'A'));
		out[i] = c < 0x20 ? ' ' : c;
	}
	if (i == len) {
		out[len] = '\0';
		*out_len = len;
		return OV_DROP_NONE;
	}
	why = check_controls(in, len);
	if (why == OV_DROP_NONE)
		why = fold_any(out, out_len, in, len);
	if (why != OV_DROP_NONE)
		out[0] = '\0';
	return why;
}

int
ov_unicode_is_cjk(const char *p, size_t len)
{
	utf8proc_int32_t c;

	if (utf8proc_iterate((const utf8proc_uint8_t *)p, (utf8proc_ssize_t)len, &c) <= 0)
		return 0;
	return (c >= 0x3040 && c <= 0x30ff) || (c >= 0x3400 && c <= 0x4dbf) ||
	       (c >= 0x4e00 && c <= 0x9fff) || (c >= 0xac00 && c <= 0xd7af) ||
	       (c >= 0xf900 && c <= 0xfaff) || (c >= 0x20000 && c <= 0x3ffff) ||
	       (c >= 0x0e00 && c <= 0x0e7f);
}
