#include "client/normalise/name.h"

#include <string.h>

#include "client/normalise/html.h"
#include "client/normalise/lists.h"
#include "client/normalise/normalise.h"
#include "client/normalise/tokens.h"

#define FORM_TEXT_MAX 120 /* bytes of the longest legal form, words joined */
#define FORM_WORDS_MAX 8
#define SHORT_FORM_LEN 3 /* so short a form of some countries is ambiguous elsewhere */
#define FORMS_MAX 2048
#define AFFIXES_MAX 64
#define SYNONYMS_MAX 256

/* legal_forms.txt, column 3 */
enum {
	FORM_SHORT = 1, /* a word or abbreviation elsewhere: last, and country agrees */
	FORM_WORD = 2,	/* so common a word that no country is not enough either */
	FORM_FRONT = 4, /* stands in front too */
	FORM_AFFIX = 8, /* written without a space, at either end */
	FORM_STRUCTURE = 16, /* "group", "holdings": not a legal form */
	FORM_SILENT = 32     /* a kind of shares: tells no companies apart */
};

struct form {
	const char *countries; /* "DE AT CH", or "*"; in the list */
	size_t countries_len;
	unsigned int flags;
	uint32_t next; /* the same words in another line: index + 1, or 0 */
};

struct affix {
	char text[96];
	size_t len;
	unsigned int flags;
};

static struct form forms[FORMS_MAX];
static size_t form_count;
static struct ov_table form_index, edgar, places, given, tlds, cuts;
/* word -> the word that stands for it, as a pointer to its list field */
static struct ov_table synonyms;
static struct ov_field synonym_fields[SYNONYMS_MAX];
static size_t synonym_count;
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
		case 'g':
			flags |= FORM_STRUCTURE;
			break;
		case 'q':
			flags |= FORM_SILENT;
			break;
		default:
			break;
		}
	return flags;
}

/* One word for its variants, in place: the list never lengthens a word. */
static void
map_words(struct ov_words *t)
{
	for (size_t i = 0; i < t->n; i++) {
		uint64_t k;

		if (!ov_table_get(&synonyms, ov_word_text(t, i), t->w[i].len, &k))
			continue;
		memcpy(t->text + t->w[i].at, synonym_fields[k].p, synonym_fields[k].len);
		t->w[i].len = (uint16_t)synonym_fields[k].len;
	}
}

/* A list entry is written as people write it and goes through the same folding as
 * a name. */
static bool
canonical(char *out, size_t cap, const struct ov_field *f)
{
	struct ov_words words;
	char folded[OV_FOLDED_CAP];
	size_t len;

	if (ov_unicode_fold(folded, &len, f->p, f->len) != OV_DROP_NONE ||
	    ov_words_split(&words, folded, len) != OV_DROP_NONE)
		return false;
	map_words(&words);
	return words.n > 0 && words.n <= FORM_WORDS_MAX &&
	       ov_words_join(out, cap, &words, 0, words.n, " ") > 0;
}

static enum ov_status
add_affix(const char *text, size_t len, unsigned int flags)
{
	struct affix *a = &affixes[affix_count];

	if (affix_count == AFFIXES_MAX || len > sizeof(a->text))
		return OV_E_BUG;
	memcpy(a->text, text, len);
	a->len = len;
	a->flags = flags;
	affix_count++;
	return OV_OK;
}

static enum ov_status
add_form(void *ctx, const struct ov_field *f, size_t n)
{
	char text[FORM_TEXT_MAX];
	struct form *form = &forms[form_count];
	enum ov_status st;
	uint64_t before;

	(void)ctx;
	if (n < 2 || form_count == FORMS_MAX || !canonical(text, sizeof(text), &f[0]))
		return OV_E_BUG;
	*form = (struct form){ f[1].p, f[1].len, n > 2 ? flags_of(&f[2]) : 0, 0 };
	if (strlen(text) <= SHORT_FORM_LEN && f[1].p[0] != '*')
		form->flags |= FORM_SHORT;
	if ((form->flags & FORM_AFFIX) != 0 &&
	    (st = add_affix(text, strlen(text), form->flags)) != OV_OK)
		return st;
	if (ov_table_get(&form_index, text, strlen(text), &before))
		form->next = (uint32_t)before + 1;
	return ov_table_put(&form_index, text, strlen(text), form_count++);
}

static bool
field_is(const struct ov_field *f, const char *word)
{
	return f->len == strlen(word) && memcmp(f->p, word, f->len) == 0;
}

static enum ov_status
add_word(void *ctx, const struct ov_field *f, size_t n)
{
	static const struct {
		const char *kind;
		struct ov_table *table;
	} sets[] = { { "edgar", &edgar }, { "place", &places }, { "given", &given },
		{ "tld", &tlds }, { "cut", &cuts } };

	(void)ctx;
	for (size_t i = 0; n == 2 && i < sizeof(sets) / sizeof(sets[0]); i++)
		if (field_is(&f[0], sets[i].kind))
			return ov_table_put(sets[i].table, f[1].p, f[1].len, 1);
	if (n != 3 || !field_is(&f[0], "same") || f[2].len > f[1].len ||
	    synonym_count == SYNONYMS_MAX ||
	    ov_table_get(&synonyms, f[2].p, f[2].len, NULL))
		return OV_E_BUG;
	synonym_fields[synonym_count] = f[2];
	return ov_table_put(&synonyms, f[1].p, f[1].len, synonym_count++);
}

enum ov_status
ov_name_init(void)
{
	enum ov_status st;

	if (form_count > 0)
		return OV_OK;
	if ((st = ov_list_each(OV_LIST_WORDS, add_word, NULL)) != OV_OK)
		return st;
	return ov_list_each(OV_LIST_LEGAL_FORMS, add_form, NULL);
}

void
ov_name_fini(void)
{
	form_count = affix_count = synonym_count = 0;
	ov_table_fini(&form_index);
	ov_table_fini(&edgar);
	ov_table_fini(&places);
	ov_table_fini(&given);
	ov_table_fini(&tlds);
	ov_table_fini(&cuts);
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

/* True of "sa" and "llc", not of "ao", which is a form in one country only. */
static bool
is_plain_form(const char *text, size_t len)
{
	uint64_t i;

	return ov_table_get(&form_index, text, len, &i) &&
	       (forms[i].flags & FORM_WORD) == 0;
}

/* "Lilly (Eli)", "Smucker (J.M.) Co": a given name or initials with dots, which a
 * list that is sorted by surname has put behind it. */
static bool
is_forename(const char *p, size_t len)
{
	char letters[8];
	size_t n = 0, dots = 0;

	if (ov_table_get(&given, p, len, NULL))
		return true;
	for (size_t i = 0; i < len; i++) {
		if (p[i] == '.' && i > 0 && p[i - 1] != '.' && p[i - 1] != ' ')
			dots++;
		else if (p[i] >= 'a' && p[i] <= 'z' && n == dots && n < sizeof(letters))
			letters[n++] = p[i];
		else if (p[i] != ' ')
			return false;
	}
	return n > 0 && n <= 3 && n == dots && !ov_table_get(&places, letters, n, NULL) &&
	       !is_plain_form(letters, n);
}

/* Takes bracketed text out, unless nothing else would be left, and puts a forename
 * in front; an unpaired bracket is punctuation like any other.  The new length. */
static size_t
cut_brackets(char *text, size_t len)
{
	char kept[OV_FOLDED_CAP];
	size_t open[16], depth = 0, front = 0, front_at = 0;

	if (memchr(text, '(', len) == NULL && memchr(text, '[', len) == NULL &&
	    memchr(text, '{', len) == NULL)
		return len;
	memcpy(kept, text, len);
	for (size_t i = 0; i < len; i++) {
		if (text[i] != '\0' && strchr("([{", text[i]) != NULL && depth < 16) {
			open[depth++] = i;
		} else if (text[i] != '\0' && strchr(")]}", text[i]) != NULL &&
			   depth > 0) {
			size_t from = open[--depth];

			memset(kept + from, ' ', i + 1 - from);
			if (is_forename(text + from + 1, i - from - 1)) {
				front_at = from + 1;
				front = i - from - 1;
			}
		}
	}
	if (!is_word_at(kept, len))
		return len;
	/* what moves to the front was blanked with its two brackets: it fits */
	if (front > 0) {
		char name[OV_FOLDED_CAP];
		size_t used = front + 1;

		memcpy(name, text + front_at, front);
		name[front] = ' ';
		for (size_t i = 0; i < len; i++)
			if (i < front_at - 1 || i > front_at + front)
				name[used++] = kept[i];
		memcpy(kept, name, used);
		len = used;
	}
	memcpy(text, kept, len);
	return len;
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
	struct ov_name_tail *tail; /* or NULL */
};

/* Notes what was taken off, in the order of the name, as far as it fits. */
static void
note(struct span *s, unsigned int flags, const char *text, size_t len)
{
	char *out;
	size_t had;

	if (s->tail == NULL || (flags & FORM_SILENT) != 0)
		return;
	out = (flags & FORM_STRUCTURE) != 0 ? s->tail->structure : s->tail->form;
	had = strlen(out);
	if (had + len >= OV_NAME_TAIL_CAP)
		return;
	memmove(out + len, out, had + 1);
	memcpy(out, text, len);
}

/* As note, for n words from the first-th on. */
static void
note_words(struct span *s, const struct form *f, size_t first, size_t n)
{
	char text[OV_NAME_TAIL_CAP];

	note(s, f->flags, text, ov_words_join(text, sizeof(text), s->t, first, n, ""));
}

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

/* The form that the words are, with the flags that are needed, or NULL. */
static const struct form *
form_at(const struct span *s, size_t first, size_t n, unsigned int flags)
{
	char text[FORM_TEXT_MAX];
	uint64_t i;
	size_t len = ov_words_join(text, sizeof(text), s->t, first, n, " ");

	if (len == 0 || !ov_table_get(&form_index, text, len, &i))
		return NULL;
	for (const struct form *f = &forms[i];; f = &forms[f->next - 1]) {
		if (agrees(f, s->cc) && (f->flags & flags) == flags)
			return f;
		if (f->next == 0)
			return NULL;
	}
}

/* Takes the longest form off the end, leaving at least one word. */
static bool
strip_last(struct span *s)
{
	const struct form *f;

	for (size_t n = s->n < FORM_WORDS_MAX + 1 ? s->n - 1 : FORM_WORDS_MAX; n > 0; n--)
		if ((f = form_at(s, s->first + s->n - n, n, 0)) != NULL) {
			s->n -= n;
			note_words(s, f, s->first + s->n, n);
			return true;
		}
	return false;
}

static bool
strip_first(struct span *s)
{
	for (size_t n = s->n < FORM_WORDS_MAX + 1 ? s->n - 1 : FORM_WORDS_MAX; n > 0;
	     n--) {
		const struct form *f = form_at(s, s->first, n, FORM_FRONT);

		if (f != NULL) {
			note_words(s, f, s->first, n);
			s->first += n;
			s->n -= n;
			return true;
		}
	}
	return false;
}

/* Forms of scripts without spaces, at either end of a text, never the whole: the
 * one found, or NULL. */
static const struct affix *
affix_of(const char *text, size_t len, bool at_end)
{
	for (size_t i = 0; i < affix_count; i++) {
		const struct affix *f = &affixes[i];

		if (len > f->len &&
		    memcmp(at_end ? text + len - f->len : text, f->text, f->len) == 0)
			return f;
	}
	return NULL;
}

static bool
strip_affix(struct span *s)
{
	struct ov_word *a = &s->t->w[s->first], *z = &s->t->w[s->first + s->n - 1];
	const struct affix *f;

	if ((f = affix_of(s->t->text + a->at, a->len, false)) != NULL) {
		a->at = (uint16_t)(a->at + f->len);
		a->len = (uint16_t)(a->len - f->len);
	} else if ((f = affix_of(s->t->text + z->at, z->len, true)) != NULL) {
		z->len = (uint16_t)(z->len - f->len);
	} else {
		return false;
	}
	note(s, f->flags, f->text, f->len);
	return true;
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

/* "Amazon.com", "Amazon Com": the name is what stands before. */
static bool
strip_tld(struct span *s)
{
	const struct ov_word *w = &s->t->w[s->first + s->n - 1];
	const char *text = s->t->text + w->at;

	if (s->n < 2 || !ov_table_get(&tlds, text, w->len, NULL))
		return false;
	if (!w->dotted && !word_is(s, s->n - 1, "com"))
		return false;
	s->n--;
	return true;
}

static bool
in_table(const struct span *s, size_t i, const struct ov_table *t)
{
	return ov_table_get(
	    t, ov_word_text(s->t, s->first + i), s->t->w[s->first + i].len, NULL);
}

/* Surname first, as registers sort: "smith ao", "schwab charles".  Swapping maps no
 * two names to one but those that differ in this order alone. */
static void
turn_forename(struct span *s)
{
	struct ov_word *w = &s->t->w[s->first], surname = w[0];

	if (s->n < 2 || w[0].initials || in_table(s, 0, &given))
		return;
	/* one letter is as often a name: "Plan B", "Toys R Us" */
	if (w[1].initials ? in_table(s, 1, &places) || w[1].len < 2 || w[1].len > 3
			  : !in_table(s, 1, &given))
		return;
	w[0] = w[1];
	w[1] = surname;
}

/* "Acme Corp d/b/a Widgets": the company, not what it trades as. */
static void
cut_alias(struct span *s)
{
	for (size_t i = 1; i + 1 < s->n; i++)
		if (in_table(s, i, &cuts))
			s->n = i;
}

/* "Marsh & McLennan" is also written without; "H&M" is not HM. */
static void
drop_and(struct span *s)
{
	struct ov_word *w = &s->t->w[s->first];
	size_t out = 0;

	for (size_t i = 0; i < s->n; i++)
		if (i == 0 || i + 1 == s->n || !word_is(s, i, "and") ||
		    w[i - 1].len < 3 || w[i + 1].len < 3)
			w[out++] = w[i];
	s->n = out;
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
	n = cut_brackets(folded, n);
	while ((cut = cut_edgar(folded, n)) != n)
		n = cut;
	why = ov_words_split(words, folded, n);
	if (why == OV_DROP_NONE)
		map_words(words);
	return why;
}

static enum ov_drop
once(char out[OV_TOKEN_VALUE_CAP], struct ov_name_tail *tail, const char *in, size_t len,
    const char *cc)
{
	struct ov_words words;
	struct span s;
	uint64_t k;
	enum ov_drop why = prepare(&words, in, len);

	if (why != OV_DROP_NONE)
		return why;
	if (words.n == 0)
		return OV_DROP_EMPTY;
	s = (struct span){ &words, 0, words.n, cc, tail };
	cut_alias(&s);
	while (strip_particles(&s) || strip_last(&s) || strip_first(&s) ||
	       strip_affix(&s) || strip_tld(&s))
		;
	turn_forename(&s);
	drop_and(&s);
	len = ov_words_join(out, OV_TOKEN_VALUE_CAP, &words, s.first, s.n, "");
	if (len == 0)
		return OV_DROP_TOO_LONG;
	/* "inter national" has become a word that has a shorter one */
	if (ov_table_get(&synonyms, out, len, &k)) {
		memcpy(out, synonym_fields[k].p, synonym_fields[k].len);
		out[synonym_fields[k].len] = '\0';
	}
	return OV_DROP_NONE;
}

static bool
is_ascii(const char *text)
{
	for (; *text != '\0'; text++)
		if ((uint8_t)*text >= 0x80)
			return false;
	return true;
}

/* An ASCII result is one word of letters and digits, which no rule touches again.  In
 * other scripts words that are put together may compose, or make a form. */
enum ov_drop
ov_normalise_name_parts(char out[OV_TOKEN_VALUE_CAP], struct ov_name_tail *tail,
    const char *in, size_t len, const char *cc)
{
	enum { ROUNDS = 8 };
	char before[OV_TOKEN_VALUE_CAP];
	enum ov_drop why;

	out[0] = '\0';
	if (tail != NULL)
		*tail = (struct ov_name_tail){ "", "" };
	if (cc != NULL && cc[0] == '\0')
		cc = NULL;
	why = once(out, tail, in, len, cc);
	for (int i = 0; why == OV_DROP_NONE && !is_ascii(out); i++) {
		memcpy(before, out, sizeof(before));
		why = i < ROUNDS ? once(out, tail, before, strlen(before), cc)
				 : OV_DROP_MALFORMED;
		if (strcmp(before, out) == 0)
			break;
	}
	if (why != OV_DROP_NONE)
		out[0] = '\0';
	return why;
}

enum ov_drop
ov_normalise_name(
    char out[OV_TOKEN_VALUE_CAP], const char *in, size_t len, const char *cc)
{
	return ov_normalise_name_parts(out, NULL, in, len, cc);
}

enum ov_drop
ov_normalise_name_long(
    char out[OV_TOKEN_VALUE_CAP], const char *in, size_t len, const char *cc)
{
	struct ov_name_tail tail;
	enum ov_drop why = ov_normalise_name_parts(out, &tail, in, len, cc);
	size_t n = strlen(out), m = strlen(tail.structure), k = strlen(tail.form);

	if (why != OV_DROP_NONE)
		return why;
	if (n + m + k > OV_TOKEN_VALUE_MAX) {
		out[0] = '\0';
		return OV_DROP_TOO_LONG;
	}
	memcpy(out + n, tail.structure, m);
	memcpy(out + n + m, tail.form, k + 1);
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
