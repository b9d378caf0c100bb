#include "client/book/number.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define DIGITS_MAX 24 /* one fewer may stand */

struct cursor {
	const char *p, *end;
};

static void
skip_spaces(struct cursor *c)
{
	while (c->p < c->end) {
		if (isspace((unsigned char)*c->p))
			c->p++;
		else if (c->end - c->p >= 2 && memcmp(c->p, "\xc2\xa0", 2) == 0)
			c->p += 2; /* no-break space */
		else
			break;
	}
}

/* "$", "US$", the signs of euro, pound and yen, "USD", "EUR": all capitals, so that no
 * suffix or word is taken for one. */
static void
skip_currency(struct cursor *c)
{
	static const char *const signs[] = { "US$", "A$", "C$", "$", "\xe2\x82\xac",
		"\xc2\xa3", "\xc2\xa5" };
	size_t n = 0, left;

	skip_spaces(c);
	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
		left = (size_t)(c->end - c->p);
		n = strlen(signs[i]);
		if (left >= n && memcmp(c->p, signs[i], n) == 0) {
			c->p += n;
			skip_spaces(c);
			return;
		}
	}
	for (n = 0; c->p + n < c->end && c->p[n] >= 'A' && c->p[n] <= 'Z'; n++)
		;
	if (n == 3 && (c->p + 3 == c->end || !isalpha((unsigned char)c->p[3]))) {
		c->p += 3;
		skip_spaces(c);
	}
}

/* Marks that may stand between digits; DOT and COMMA may be the decimal one. */
static const char *const marks[] = { ".", ",", "'", " ", "\xc2\xa0", "\xe2\x80\xaf",
	"\xe2\x80\x99" };
enum { DOT, COMMA, MARKS = sizeof(marks) / sizeof(marks[0]) };

/* The mark before the next digit; MARKS: none. */
static size_t
separator(const struct cursor *c, size_t *len)
{
	size_t i;

	for (i = 0; i < MARKS; i++) {
		*len = strlen(marks[i]);
		if ((size_t)(c->end - c->p) > *len && memcmp(c->p, marks[i], *len) == 0 &&
		    isdigit((unsigned char)c->p[*len]))
			break;
	}
	return i;
}

/* Separators of a number, in order. */
struct separators {
	size_t n, last;
	size_t of_kind[MARKS];
	int after; /* digits after the last */
};

/* 1,234 and 1.234.567 group; 1.234, 1,5 and 1.234,56 have decimals; false for what is
 * neither: 1.2,3.4 or 1,2,3. */
static bool
has_decimals(bool *out, const struct separators *s)
{
	bool alike = s->n > 0 && s->of_kind[s->last] == s->n;

	*out = false;
	if (s->n == 0)
		return true;
	if (s->n == 1)
		*out = s->last == DOT || (s->last == COMMA && s->after != 3);
	else if (!alike)
		*out = s->last <= COMMA;
	return (alike || s->of_kind[s->last] == 1) && (*out || s->after == 3);
}

/* A number in tens: its digits as one whole number, to be divided by 10^decimals. */
struct decimal {
	bool negative;
	char digits[DIGITS_MAX + 1];
	int decimals; /* below DIGITS_MAX */
};

/* Exact until the last step, so that "1.005k" is 1,005. */
static double
value_of(const struct decimal *d, int tens)
{
	char text[DIGITS_MAX + 16];

	snprintf(text, sizeof(text), "%s%se%d", d->negative ? "-" : "", d->digits,
	    tens - d->decimals);
	return strtod(text, NULL);
}

static bool
read_digits(struct cursor *c, struct decimal *out)
{
	struct separators s = { 0 };
	size_t n = 0, len, mark;
	bool decimals;

	while (c->p < c->end && n < DIGITS_MAX) {
		if (isdigit((unsigned char)*c->p)) {
			out->digits[n++] = *c->p++;
			s.after++;
		} else if (n > 0 && (mark = separator(c, &len)) < MARKS) {
			s.n++;
			s.of_kind[mark]++;
			s.last = mark;
			s.after = 0;
			c->p += len;
		} else {
			break;
		}
	}
	if (n == 0 || n == DIGITS_MAX || !has_decimals(&decimals, &s))
		return false;
	out->digits[n] = '\0';
	out->decimals = decimals ? s.after : 0;
	return true;
}

/* The power of ten of a suffix, 0 without one that is known. */
static int
read_tens(struct cursor *c)
{
	static const struct {
		const char *word;
		int tens;
	} words[] = { { "k", 3 }, { "t", 3 }, { "tsd", 3 }, { "thousand", 3 }, { "m", 6 },
		{ "mm", 6 }, { "mn", 6 }, { "mio", 6 }, { "mil", 6 }, { "mill", 6 },
		{ "million", 6 }, { "millions", 6 }, { "b", 9 }, { "bn", 9 },
		{ "mrd", 9 }, { "md", 9 }, { "bil", 9 }, { "billion", 9 },
		{ "billions", 9 }, { "tn", 12 }, { "trillion", 12 } };
	size_t n = 0;
	int tens = 0;

	skip_spaces(c);
	while (c->p + n < c->end && isalpha((unsigned char)c->p[n]))
		n++;
	if (n == 1 && *c->p == 'T')
		n = 0; /* 2T is read by nobody alike */
	for (size_t i = 0; n > 0 && i < sizeof(words) / sizeof(words[0]); i++)
		if (strlen(words[i].word) == n &&
		    strncasecmp(c->p, words[i].word, n) == 0) {
			tens = words[i].tens;
			c->p += n;
			if (c->p < c->end && *c->p == '.')
				c->p++; /* "Mio." */
			break;
		}
	skip_spaces(c);
	return tens;
}

static bool
read_one(struct cursor *c, struct decimal *out, int *tens)
{
	skip_currency(c);
	out->negative = c->p < c->end && *c->p == '-';
	c->p += out->negative ? 1 : 0;
	skip_currency(c);
	if (!read_digits(c, out))
		return false;
	*tens = read_tens(c);
	skip_currency(c);
	return true;
}

/* A dash of any kind or "to" between two numbers. */
static bool
skip_dash(struct cursor *c)
{
	static const char *const dashes[] = { "-", "\xe2\x80\x93", "\xe2\x80\x94",
		"to " };

	for (size_t i = 0; i < sizeof(dashes) / sizeof(dashes[0]); i++) {
		size_t n = strlen(dashes[i]);

		if ((size_t)(c->end - c->p) >= n && memcmp(c->p, dashes[i], n) == 0) {
			c->p += n;
			skip_spaces(c);
			return true;
		}
	}
	return false;
}

bool
ov_number_read(struct ov_range *out, const char *text, size_t len)
{
	struct cursor c = { text, text + len };
	struct decimal first, second;
	struct ov_range r;
	int tens, tens_high;

	if (!read_one(&c, &first, &tens))
		return false;
	r.high = value_of(&first, tens);
	if (c.p < c.end && *c.p == '+') {
		c.p++;
		r.high = HUGE_VAL;
	} else if (skip_dash(&c)) {
		if (!read_one(&c, &second, &tens_high))
			return false;
		if (tens == 0) /* "1-10M" */
			tens = tens_high;
		r.high = value_of(&second, tens_high);
	}
	r.low = value_of(&first, tens);
	skip_spaces(&c);
	if (c.p != c.end || r.low > r.high)
		return false;
	*out = r;
	return true;
}
