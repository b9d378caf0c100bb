#include "client/normalise/tokens.h"

#include <string.h>

static bool
is_word_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (uint8_t)c >= 0x80;
}

/* Starts a word at the end of the text; every word is preceded by a space but the
 * first. */
static bool
begin(struct ov_words *t)
{
	if (t->n == OV_WORDS_MAX)
		return false;
	if (t->n > 0)
		t->text[t->used++] = ' ';
	t->w[t->n++] = (struct ov_word){ .at = (uint16_t)t->used };
	return true;
}

static void
append(struct ov_words *t, const char *bytes, size_t len)
{
	memcpy(t->text + t->used, bytes, len);
	t->used += len;
	t->w[t->n - 1].len = (uint16_t)(t->w[t->n - 1].len + len);
}

static bool
is_initial(const struct ov_words *t, size_t i)
{
	char c = t->text[t->w[i].at];

	return t->w[i].len == 1 && c >= 'a' && c <= 'z';
}

/* Joins runs of single letters; the text is rewritten in place, never longer. */
static void
join_initials(struct ov_words *t)
{
	size_t out = 0, used = 0;

	for (size_t i = 0; i < t->n;) {
		size_t run = 1, at;

		if (is_initial(t, i))
			while (i + run < t->n && is_initial(t, i + run))
				run++;
		if (used > 0)
			t->text[used++] = ' ';
		at = used;
		for (size_t k = i; k < i + run; k++) {
			memmove(t->text + used, t->text + t->w[k].at, t->w[k].len);
			used += t->w[k].len;
		}
		t->w[out++] = (struct ov_word){ .at = (uint16_t)at,
			.len = (uint16_t)(used - at),
			.initials = is_initial(t, i),
			.dotted = t->w[i].dotted };
		i += run;
	}
	t->n = out;
	t->used = used;
}

static bool
is_spaced_plus(const char *text, size_t i, size_t len)
{
	return text[i] == '+' && i > 0 && i + 1 < len && text[i - 1] == ' ' &&
	       text[i + 1] == ' ';
}

enum ov_drop
ov_words_split(struct ov_words *out, const char *text, size_t len)
{
	bool in_word = false;

	out->n = 0;
	out->used = 0;
	/* Each byte gives at most five bytes (" and "): at most OV_FOLDED_CAP bytes
	 * could come from ampersands only if more than OV_WORDS_MAX words did. */
	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (c == '\'' || c == '`')
			continue;
		if (is_word_byte(c)) {
			if (!in_word && !begin(out))
				return OV_DROP_TOO_LONG;
			if (!in_word)
				out->w[out->n - 1].dotted = i >= 2 &&
							    text[i - 1] == '.' &&
							    is_word_byte(text[i - 2]);
			append(out, &c, 1);
			in_word = true;
			continue;
		}
		in_word = false;
		if (c == '&' || is_spaced_plus(text, i, len)) {
			if (!begin(out))
				return OV_DROP_TOO_LONG;
			append(out, "and", 3);
		}
	}
	join_initials(out);
	for (size_t i = 0; i < out->n; i++) {
		out->w[i].p = out->text + out->w[i].at;
		out->w[i].written = out->w[i].len;
	}
	return OV_DROP_NONE;
}

size_t
ov_words_join(char *out, size_t cap, const struct ov_words *t, size_t first, size_t n,
    const char *sep)
{
	size_t used = 0, gap = strlen(sep);

	out[0] = '\0';
	for (size_t i = first; i < first + n; i++) {
		size_t need = t->w[i].len + (i > first ? gap : 0);

		if (used + need >= cap) {
			out[0] = '\0';
			return 0;
		}
		if (i > first)
			memcpy(out + used, sep, gap);
		memcpy(out + used + need - t->w[i].len, t->w[i].p, t->w[i].len);
		used += need;
	}
	out[used] = '\0';
	return used;
}

size_t
ov_words_join_written(
    char *out, size_t cap, const struct ov_words *t, size_t first, size_t n)
{
	size_t used = 0;

	for (size_t i = first; i < first + n && used + t->w[i].written < cap; i++) {
		memcpy(out + used, t->text + t->w[i].at, t->w[i].written);
		used += t->w[i].written;
	}
	out[used] = '\0';
	return used;
}
