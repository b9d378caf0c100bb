#include "client/normalise/name.h"

#include <string.h>

#include "client/normalise/html.h"
#include "client/normalise/lists.h"
#include "client/normalise/normalise.h"
#include "client/normalise/tokens.h"

#define FORM_TEXT_MAX 120 /* bytes of the longest legal form, words joined */
#define FORM_WORDS_MAX 8
#define FORMS_MAX 2048
#define AFFIXES_MAX 64

/* legal_forms.txt, column 3 */
enum {
	FORM_SHORT = 1, /* a word or abbreviation elsewhere: last, and country agrees */
	FORM_WORD = 2,	/* so common a word that no country is not enough either */
	FORM_FRONT = 4, /* stands in front too */
	FORM_AFFIX = 8	/* written without a space, at either end */
};

struct form {
	const char *countries; /* "DE AT CH", or "*"; in the list */
	size_t countries_len;
	unsigned int flags;
};

struct affix {
	char text[96];
	size_t len;
};

static struct form forms[FORMS_MAX];
static size_t form_count;
static struct ov_table form_index, edgar, synonyms;
static struct affix affixes[AFFIXES_MAX];
static size_t affix_count;

/* --- lists --- */

static unsigned int
flags_of(const struct ov_field *f)
{
	unsigned int flags = 0;

	for (size_t i = 0; i < f->len; i++)
		switch (f->p[i]) {
		case 's':
			flags |= FORM_SHORT;
			break;
		case 'w':
			flags |= FORM_SHORT | FORM_WORD;
			break;
		case 'f':
			flags |= FORM_FRONT;
			break;
		case 'a':
			flags |= FORM_AFFIX;
			break;
		default:
			break;
		}
	return flags;
}

/* A list entry is written as people write it and goes through the same folding as
 * a name. */
static bool
canonical(char *out, size_t cap, const struct ov_field *f)
{
	static struct ov_words words; /* init is single-threaded */
	char folded[OV_FOLDED_CAP];
	size_t len;

	if (ov_unicode_fold(folded, &len, f->p, f->len) != OV_DROP_NONE)
		return false;
	if (ov_words_split(&words, folded, len) != OV_DROP_NONE)
		return false;
	return words.n > 0 && words.n <= FORM_WORDS_MAX &&
	       ov_words_join(out, cap, &words, 0, words.n, " ") > 0;
}

static enum ov_status
add_form(void *ctx, const struct ov_field *f, size_t n)
{
	char text[FORM_TEXT_MAX];
	struct form *form = &forms[form_count];

	(void)ctx;
	if (n < 2 || form_count == FORMS_MAX || !canonical(text, sizeof(text), &f[0]))
		return OV_E_BUG;
	*form = (struct form){ f[1].p, f[1].len, n > 2 ? flags_of(&f[2]) : 0 };
	if ((form->flags & FORM_AFFIX) != 0) {
		struct affix *a = &affixes[affix_count];

		if (affix_count++ == AFFIXES_MAX || strlen(text) >= sizeof(a->text))
			return OV_E_BUG;
		memcpy(a->text, text, strlen(text));
		a->len = strlen(text);
	}
	return ov_table_put(&form_index, text, strlen(text), form_count++);
}

static enum ov_status
add_word(void *ctx, const struct ov_field *f, size_t n)
{
	(void)ctx;
	if (n == 2 && f[0].len == 5 && memcmp(f[0].p, "edgar", 5) == 0)
		return ov_table_put(&edgar, f[1].p, f[1].len, 1);
	if (n == 3 && f[0].len == 4 && memcmp(f[0].p, "same", 4) == 0)
		/* the list is compiled in: its bytes stay where they are */
		return ov_table_put(
		    &synonyms, f[1].p, f[1].len, (uint64_t)(uintptr_t)&f[2].p[0]);
	return OV_E_BUG;
}

enum ov_status
ov_name_init(void)
{
	enum ov_status st;

	if (form_count > 0)
		return OV_OK;
	if ((st = ov_list_each(OV_LIST_LEGAL_FORMS, add_form, NULL)) != OV_OK)
		return st;
	return ov_list_each(OV_LIST_WORDS, add_word, NULL);
}

void
ov_name_fini(void)
{
	form_count = affix_count = 0;
	ov_table_fini(&form_index);
	ov_table_fini(&edgar);
	ov_table_fini(&synonyms);
}

/* --- marks of registers and brackets, on folded text --- */

static bool
is_word_at(const char *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((p[i] >= 'a' && p[i] <= 'z') || (p[i] >= '0' && p[i] <= '9') ||
		    (uint8_t)p[i] >= 0x80)
			return true;
	return false;
}

/* Blanks bracketed text, unless nothing else would be left; an unpaired bracket is
 * punctuation like any other. */
static void
blank_brackets(char *text, size_t len)
{
	char kept[OV_FOLDED_CAP];
	size_t open[16], depth = 0;

	if (memchr(text, '(', len) == NULL && memchr(text, '[', len) == NULL &&
	    memchr(text, '{', len) == NULL)
		return;
	memcpy(kept, text, len);
	for (size_t i = 0; i < len; i++) {
		if (strchr("([{", text[i]) != NULL && depth < 16) {
			open[depth++] = i;
		} else if (strchr(")]}", text[i]) != NULL && depth > 0) {
			depth--;
			memset(kept + open[depth], ' ', i + 1 - open[depth]);
		}
	}
	if (is_word_at(kept, len))
		memcpy(text, kept, len);
}

static bool
is_slash(char c)
{
	return c == '/' || c == '\\';
}

/* "Horton D R Inc /De/", "Us Bancorp \De\", "Valero Energy Corp/Tx": cuts the
 * register's mark of a state or a changed name.  "A/S" is not one. */
static size_t
cut_edgar(const char *text, size_t len)
{
	size_t end = len, start, slash;
	bool closed;

	while (end > 0 && text[end - 1] == ' ')
		end--;
	closed = end > 0 && is_slash(text[end - 1]);
	if (closed)
		end--;
	while (end > 0 && text[end - 1] == ' ')
		end--;
	for (start = end; start > 0 && text[start - 1] >= 'a' && text[start - 1] <= 'z';)
		start--;
	for (slash = start; slash > 0 && text[slash - 1] == ' ';)
		slash--;
	if (slash < 2 || !is_slash(text[slash - 1]) || end - start < 2 || end - start > 8)
		return len;
	if (!closed && !ov_table_get(&edgar, text + start, end - start, NULL))
		return len;
	return is_word_at(text, slash - 1) ? slash - 1 : len;
}

/* --- legal forms, on words first .. first + n - 1 --- */

struct span {
	struct ov_words *t;
	size_t first, n;
	const char *cc;
};

static bool
word_is(const struct span *s, size_t i, const char *word)
{
	const struct ov_word *w = &s->t->w[s->first + i];

	return w->len == strlen(word) &&
	       memcmp(ov_word_text(s->t, s->first + i), word, w->len) == 0;
}

static bool
agrees(const struct form *f, const char *cc)
{
	if ((f->flags & FORM_SHORT) == 0)
		return true;
	if (cc == NULL)
		return (f->flags & FORM_WORD) == 0;
	for (size_t i = 0; i + 2 <= f->countries_len; i += 3)
		if (memcmp(f->countries + i, cc, 2) == 0)
			return true;
	return false;
}

static const struct form *
form_at(const struct span *s, size_t first, size_t n)
{
	char text[FORM_TEXT_MAX];
	uint64_t i;
	size_t len = ov_words_join(text, sizeof(text), s->t, first, n, " ");

	if (len == 0 || !ov_table_get(&form_index, text, len, &i))
		return NULL;
	return agrees(&forms[i], s->cc) ? &forms[i] : NULL;
}

/* Takes the longest form off the end, leaving at least one word. */
static bool
strip_last(struct span *s)
{
	for (size_t n = s->n < FORM_WORDS_MAX + 1 ? s->n - 1 : FORM_WORDS_MAX; n > 0; n--)
		if (form_at(s, s->first + s->n - n, n) != NULL) {
			s->n -= n;
			return true;
		}
	return false;
}

static bool
strip_first(struct span *s)
{
	for (size_t n = s->n < FORM_WORDS_MAX + 1 ? s->n - 1 : FORM_WORDS_MAX; n > 0;
	     n--) {
		const struct form *f = form_at(s, s->first, n);

		if (f != NULL && (f->flags & FORM_FRONT) != 0) {
			s->first += n;
			s->n -= n;
			return true;
		}
	}
	return false;
}

/* Forms of scripts without spaces, at either end of a word, never the whole. */
static bool
strip_affix(struct span *s)
{
	struct ov_word *a = &s->t->w[s->first], *z = &s->t->w[s->first + s->n - 1];

	for (size_t i = 0; i < affix_count; i++) {
		const struct affix *f = &affixes[i];

		if (a->len > f->len && memcmp(s->t->text + a->at, f->text, f->len) == 0) {
			a->at = (uint16_t)(a->at + f->len);
			a->len = (uint16_t)(a->len - f->len);
			return true;
		}
		if (z->len > f->len &&
		    memcmp(s->t->text + z->at + z->len - f->len, f->text, f->len) == 0) {
			z->len = (uint16_t)(z->len - f->len);
			return true;
		}
	}
	return false;
}

/* "The" at either end, and the "and" that "& Co" leaves. */
static bool
strip_particles(struct span *s)
{
	if (s->n > 1 && (word_is(s, 0, "the") || word_is(s, 0, "and"))) {
		s->first++;
		s->n--;
		return true;
	}
	if (s->n > 1 && (word_is(s, s->n - 1, "the") || word_is(s, s->n - 1, "and"))) {
		s->n--;
		return true;
	}
	return false;
}

/* A register's surname first: "smith ao", "horton dr" to "ao smith", "dr horton". */
static void
turn_initials(struct span *s)
{
	struct ov_word *w = &s->t->w[s->first];

	if (s->n >= 2 && !w[0].initials && w[1].initials) {
		struct ov_word surname = w[0];

		w[0] = w[1];
		w[1] = surname;
	}
}

static enum ov_drop
prepare(struct ov_words *words, const char *in, size_t len)
{
	char text[OV_TEXT_MAX], folded[OV_FOLDED_CAP];
	enum ov_drop why;
	size_t n, cut;

	while (len > 0 && (in[0] == ' ' || in[0] == '\t'))
		in++, len--;
	while (len > 0 && (in[len - 1] == ' ' || in[len - 1] == '\t'))
		len--;
	if (len == 0)
		return OV_DROP_EMPTY;
	if (len > OV_TEXT_MAX)
		return OV_DROP_TOO_LONG;
	memcpy(text, in, len);
	why = ov_unicode_fold(folded, &n, text, ov_html_decode(text, len));
	if (why != OV_DROP_NONE)
		return why;
	while ((cut = cut_edgar(folded, n)) != n)
		n = cut;
	blank_brackets(folded, n);
	while ((cut = cut_edgar(folded, n)) != n)
		n = cut;
	return ov_words_split(words, folded, n);
}

enum ov_drop
ov_normalise_name(
    char out[OV_TOKEN_VALUE_CAP], const char *in, size_t len, const char *cc)
{
	struct ov_words words;
	struct span s;
	enum ov_drop why;

	out[0] = '\0';
	why = prepare(&words, in, len);
	if (why != OV_DROP_NONE)
		return why;
	if (words.n == 0)
		return OV_DROP_EMPTY;
	s = (struct span){ &words, 0, words.n, cc != NULL && cc[0] != '\0' ? cc : NULL };
	while (
	    strip_particles(&s) || strip_last(&s) || strip_first(&s) || strip_affix(&s))
		;
	turn_initials(&s);
	if (ov_words_join(out, OV_TOKEN_VALUE_CAP, &words, s.first, s.n, "") == 0)
		return OV_DROP_TOO_LONG;
	return OV_DROP_NONE;
}

enum ov_drop
ov_normalise_name_country(
    char out[OV_TOKEN_VALUE_CAP], const char *in, size_t len, const char *cc)
{
	char name[OV_TOKEN_VALUE_CAP];
	enum ov_drop why;
	size_t n;

	out[0] = '\0';
	if (cc == NULL || cc[0] == '\0')
		return OV_DROP_NO_COUNTRY;
	if (cc[0] < 'A' || cc[0] > 'Z' || cc[1] < 'A' || cc[1] > 'Z' || cc[2] != '\0')
		return OV_DROP_UNKNOWN_COUNTRY;
	why = ov_normalise_name(name, in, len, cc);
	if (why != OV_DROP_NONE)
		return why;
	n = strlen(name);
	if (n + 3 > OV_TOKEN_VALUE_MAX)
		return OV_DROP_TOO_LONG;
	memcpy(out, cc, 2);
	out[2] = ' ';
	memcpy(out + 3, name, n + 1);
	return OV_DROP_NONE;
}
