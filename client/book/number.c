#include "client/book/number.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define DIGITS_MAX 24

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

static bool
is_separator(const struct cursor *c, size_t *len)
{
	static const char *const marks[] = { ",", ".", "'", " ", "\xc2\xa0",
		"\xe2\x80\xaf", "\xe2\x80\x99" };

	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		*len = strlen(marks[i]);
		if ((size_t)(c->end - c->p) > *len && memcmp(c->p, marks[i], *len) == 0)
			return isdigit((unsigned char)c->p[*len]);
	}
	return false;
}

/* Separators of a number, in order. */
struct separators {
	size_t n, after; /* digits after the last */
	char last;
	bool alike; /* all of them */
	bool again; /* the last one stands earlier too */
};

/* 1,234 and 1.234.567 group; 1.234, 1,5 and 1.234,56 have decimals; false for what is
 * neither: 1.2,3.4 or 1,2,3. */
static bool
has_decimals(bool *out, const struct separators *s)
{
	bool mark = s->last == '.' || s->last == ',';

	*out = false;
	if (s->n == 0)
		return true;
	if (s->n == 1)
		*out = s->last == '.' || (s->last == ',' && s->after != 3);
	else if (!s->alike)
		*out = mark;
	return (s->alike || !s->again) && (*out || s->after == 3);
}

static void
add_separator(struct separators *s, char c)
{
	s->alike = s->n == 0 || (s->alike && c == s->last);
	s->again = s->n > 0 && c == s->last;
	s->last = c;
	s->n++;
	s->after = 0;
}

static bool
read_digits(struct cursor *c, double *out)
{
	struct separators s = { 0, 0, 0, true, false };
	char digits[DIGITS_MAX + 1];
	size_t n = 0, len;
	bool decimals;

	while (c->p < c->end && n < DIGITS_MAX) {
		if (isdigit((unsigned char)*c->p)) {
			digits[n++] = *c->p++;
			s.after++;
		} else if (n > 0 && is_separator(c, &len)) {
			add_separator(&s, *c->p);
			c->p += len;
		} else {
			break;
		}
	}
	if (n == 0 || n == DIGITS_MAX || !has_decimals(&decimals, &s))
		return false;
	digits[n] = '\0';
	*out = strtod(digits, NULL);
	if (decimals)
		*out /= pow(10, (double)s.after);
	return true;
}

/* The factor of a suffix; false if letters follow that are none. */
static bool
read_factor(struct cursor *c, double *factor)
{
	static const struct {
		const char *word;
		double factor;
	} words[] = { { "k", 1e3 }, { "t", 1e3 }, { "tsd", 1e3 }, { "thousand", 1e3 },
		{ "m", 1e6 }, { "mm", 1e6 }, { "mn", 1e6 }, { "mio", 1e6 },
		{ "mil", 1e6 }, { "mill", 1e6 }, { "million", 1e6 }, { "millions", 1e6 },
		{ "b", 1e9 }, { "bn", 1e9 }, { "mrd", 1e9 }, { "md", 1e9 },
		{ "bil", 1e9 }, { "billion", 1e9 }, { "billions", 1e9 }, { "tn", 1e12 },
		{ "trillion", 1e12 } };
	size_t n = 0;

	skip_spaces(c);
	*factor = 1;
	while (c->p + n < c->end && isalpha((unsigned char)c->p[n]))
		n++;
	for (size_t i = 0; n > 0 && i < sizeof(words) / sizeof(words[0]); i++)
		if (strlen(words[i].word) == n &&
		    strncasecmp(c->p, words[i].word, n) == 0) {
			if (words[i].factor == 1e3 && n == 1 && *c->p == 'T')
				continue; /* 2T is read by nobody alike */
			*factor = words[i].factor;
			c->p += n;
			if (c->p < c->end && *c->p == '.')
				c->p++; /* "Mio." */
			break;
		}
	skip_spaces(c);
	return true;
}

static bool
read_one(struct cursor *c, double *value, double *factor)
{
	double sign = 1;

	skip_currency(c);
	if (c->p < c->end && *c->p == '-') {
		sign = -1;
		c->p++;
	}
	skip_currency(c);
	if (!read_digits(c, value))
		return false;
	*value *= sign;
	if (!read_factor(c, factor))
		return false;
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
	double low, high, f_low, f_high;

	if (!read_one(&c, &low, &f_low))
		return false;
	high = low * f_low;
	if (c.p < c.end && *c.p == '+') {
		c.p++;
		high = HUGE_VAL;
	} else if (skip_dash(&c)) {
		if (!read_one(&c, &high, &f_high))
			return false;
		if (f_low == 1 && f_high > 1) /* "1-10M" */
			f_low = f_high;
		high *= f_high;
	}
	skip_spaces(&c);
	low *= f_low;
	if (c.p != c.end || low > high)
		return false;
	*out = (struct ov_range){ low, high };
	return true;
}
