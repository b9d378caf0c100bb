#include "client/screen.h"

#include <string.h>

struct character {
	uint32_t code; /* UINT32_MAX: bytes that are no UTF-8 */
	size_t len;    /* bytes, at least 1 */
};
#define NO_CHARACTER UINT32_MAX

/* The character at p, which is not at its NUL.  Overlong forms, surrogates and what ends
 * early are one bad byte. */
static struct character
next_character(const char *text)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const uint8_t *p = (const uint8_t *)text;
	size_t len = p[0] < 0x80	     ? 1
		     : (p[0] & 0xe0) == 0xc0 ? 2
		     : (p[0] & 0xf0) == 0xe0 ? 3
		     : (p[0] & 0xf8) == 0xf0 ? 4
					     : 0;
	uint32_t code;

	if (len == 0)
		return (struct character){ NO_CHARACTER, 1 };
	code = len == 1 ? p[0] : p[0] & (0x7fU >> len);
	for (size_t i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80) /* the NUL is none either */
			return (struct character){ NO_CHARACTER, 1 };
		code = code << 6 | (p[i] & 0x3fU);
	}
	if (code < least[len] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return (struct character){ NO_CHARACTER, 1 };
	return (struct character){ code, len };
}

struct range {
	uint32_t from, to;
};

static int
in_ranges(const struct range *r, size_t n, uint32_t code)
{
	for (size_t i = 0; i < n; i++)
		if (code >= r[i].from && code <= r[i].to)
			return 1;
	return 0;
}
#define IN(ranges, code) in_ranges(ranges, sizeof(ranges) / sizeof(ranges[0]), code)

/* Controls, and the marks of Unicode's bidirectional algorithm (UAX 9). */
static int
is_harmful(uint32_t code)
{
	static const struct range harmful[] = { { 0, 0x1f }, { 0x7f, 0x9f },
		{ 0x200e, 0x200f }, { 0x2028, 0x202e }, { 0x2066, 0x2069 },
		{ NO_CHARACTER, NO_CHARACTER } };

	return IN(harmful, code);
}

/* After Unicode's East Asian Width (UAX 11), in blocks. */
static size_t
columns_of(uint32_t code)
{
	static const struct range none[] = { { 0x300, 0x36f }, { 0x200b, 0x200d },
		{ 0xfe00, 0xfe0f }, { 0xfe20, 0xfe2f } };
	static const struct range wide[] = { { 0x1100, 0x115f }, { 0x2e80, 0xa4cf },
		{ 0xac00, 0xd7a3 }, { 0xf900, 0xfaff }, { 0xfe30, 0xfe6f },
		{ 0xff00, 0xff60 }, { 0xffe0, 0xffe6 }, { 0x1f300, 0x1faff },
		{ 0x20000, 0x3fffd } };

	if (is_harmful(code))
		return 1; /* printed as '?' */
	return IN(none, code) ? 0 : IN(wide, code) ? 2 : 1;
}

size_t
ov_screen_width(const char *text)
{
	size_t width = 0;

	while (*text != '\0') {
		struct character c = next_character(text);

		width += columns_of(c.code);
		text += c.len;
	}
	return width;
}

/* Prints as many characters as fit into width columns; returns the columns used. */
static size_t
print_part(FILE *out, const char *text, size_t width)
{
	size_t used = 0;

	while (*text != '\0') {
		struct character c = next_character(text);
		size_t columns = columns_of(c.code);

		if (used + columns > width)
			break;
		if (is_harmful(c.code))
			fputc('?', out);
		else
			(void)!fwrite(text, 1, c.len, out);
		used += columns;
		text += c.len;
	}
	return used;
}

static void
print_spaces(FILE *out, size_t n)
{
	while (n-- > 0)
		fputc(' ', out);
}

void
ov_screen_cell(FILE *out, const char *text, size_t width, enum ov_screen_side side)
{
	size_t wants = ov_screen_width(text), used;

	if (width == 0)
		width = wants;
	if (wants > width && width >= 3) {
		used = print_part(out, text, width - 3);
		fputs("...", out);
		print_spaces(out, width - 3 - used);
		return;
	}
	if (side == OV_SCREEN_RIGHT && wants < width)
		print_spaces(out, width - wants);
	used = print_part(out, text, width);
	if (side == OV_SCREEN_LEFT)
		print_spaces(out, width - used);
}

#define PARAGRAPH_WIDTH 79

/* Columns of the word that text begins with, and its bytes. */
static size_t
word_of(const char *text, size_t *bytes)
{
	size_t width = 0;

	*bytes = 0;
	while (text[*bytes] != '\0' && text[*bytes] != ' ') {
		struct character c = next_character(text + *bytes);

		width += columns_of(c.code);
		*bytes += c.len;
	}
	return width;
}

void
ov_screen_paragraph(FILE *out, size_t indent, const char *text)
{
	size_t at = 0, bytes, width;

	for (; *text != '\0'; text += bytes) {
		if (*text == ' ') {
			bytes = 1;
			continue;
		}
		width = word_of(text, &bytes);
		if (at > 0 && at + 1 + width > PARAGRAPH_WIDTH) {
			fputc('\n', out);
			print_spaces(out, indent + 2);
			at = indent + 2;
		} else if (at == 0) {
			print_spaces(out, indent);
			at = indent;
		} else {
			fputc(' ', out);
			at++;
		}
		at += print_part(out, text, width);
	}
	fputc('\n', out);
}

const char *
ov_count_text(char text[OV_COUNT_TEXT], uint64_t n)
{
	char digits[24];
	size_t len =
	    (size_t)snprintf(digits, sizeof(digits), "%llu", (unsigned long long)n);
	size_t at = 0;

	for (size_t i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			text[at++] = ',';
		text[at++] = digits[i];
	}
	text[at] = '\0'; /* 20 digits, 6 commas */
	return text;
}

const char *
ov_milli_text(char text[OV_MILLI_TEXT], uint64_t thousandths)
{
	snprintf(text, OV_MILLI_TEXT, "%llu.%03llu",
	    (unsigned long long)(thousandths / 1000),
	    (unsigned long long)(thousandths % 1000));
	return text;
}
