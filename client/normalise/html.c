#include "client/normalise/html.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Longest reference: '&' + 10 characters + ';'.  What it stands for is at most
 * four bytes and never longer than the reference, so decoding in place fits. */
#define REFERENCE_MAX 12

struct name {
	const char *name;
	uint32_t point;
};

static const struct name names[] = {
#define NAME(n, c) { n, c },
#include "client/normalise/html_names.def"
#undef NAME
};

static int
compare(const void *key, const void *item)
{
	return strcmp(key, ((const struct name *)item)->name);
}

static uint32_t
number(const char *p)
{
	bool hex = p[0] == 'x' || p[0] == 'X';
	const char *digits = hex ? p + 1 : p;
	char *end;
	unsigned long v;

	if (!(hex ? strspn(digits, "0123456789abcdefABCDEF") : strspn(p, "0123456789")))
		return 0;
	v = strtoul(digits, &end, hex ? 16 : 10);
	if (*end != '\0' || v > 0x10ffff || (v >= 0xd800 && v <= 0xdfff))
		return 0;
	/* The C1 numbers are Windows-1252 in practice (HTML, "numeric character
	 * reference end state"): quotes for apostrophes, and signs. */
	if (v == 0x91 || v == 0x92)
		return '\'';
	if (v >= 0x80 && v < 0xa0)
		return ' ';
	return (uint32_t)v;
}

/* The code point of the reference text (between & and ;), or 0. */
static uint32_t
lookup(const char *text)
{
	const struct name *n;

	if (text[0] == '#')
		return number(text + 1);
	n = bsearch(
	    text, names, sizeof(names) / sizeof(names[0]), sizeof(names[0]), compare);
	return n != NULL ? n->point : 0;
}

static size_t
encode(char *out, uint32_t c)
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | (c >> 6));
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | (c >> 12));
		out[1] = (char)(0x80 | ((c >> 6) & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | (c >> 18));
	out[1] = (char)(0x80 | ((c >> 12) & 0x3f));
	out[2] = (char)(0x80 | ((c >> 6) & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

/* Length of the reference at p (p[0] == '&'), its code point in *point; 0 if none. */
static size_t
reference(const char *p, size_t len, uint32_t *point)
{
	char text[REFERENCE_MAX];
	size_t window = len < REFERENCE_MAX ? len : REFERENCE_MAX;
	const char *semi = memchr(p, ';', window);

	if (semi == NULL || semi - p < 2)
		return 0;
	memcpy(text, p + 1, (size_t)(semi - p) - 1);
	text[semi - p - 1] = '\0';
	*point = lookup(text);
	return *point != 0 ? (size_t)(semi - p) + 1 : 0;
}

static size_t
decode_once(char *text, size_t len)
{
	size_t used = 0;

	for (size_t i = 0; i < len;) {
		uint32_t point = 0;
		size_t take = text[i] == '&' ? reference(text + i, len - i, &point) : 0;

		if (take > 0) {
			/* shortest reference of n output bytes: "&#9;" 4 bytes */
			used += encode(text + used, point);
			i += take;
		} else {
			text[used++] = text[i++];
		}
	}
	return used;
}

size_t
ov_html_decode(char *text, size_t len)
{
	for (size_t before = len + 1; before != len && memchr(text, '&', len) != NULL;) {
		before = len;
		len = decode_once(text, len);
	}
	return len;
}
