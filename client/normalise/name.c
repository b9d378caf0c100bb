#include <string.h>

#include "client/normalise/ascii.h"
#include "client/normalise/forms.h"
#include "client/normalise/html.h"
#include "client/normalise/normalise.h"
#include "client/normalise/profile.h"
#include "client/normalise/tokens.h"

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

/* "Lilly (Eli)", "Smucker (J.M.) Co": a given name or initials with dots, which a
 * list that is sorted by surname has put behind it. */
static bool
is_forename(const struct ov_forms *forms, const char *p, size_t len)
{
	char letters[8];
	size_t n = 0, dots = 0;

	if (ov_word_in(forms, OV_WORD_GIVEN, p, len))
		return true;
	for (size_t i = 0; i < len; i++) {
		if (p[i] == '.' && i > 0 && p[i - 1] != '.' && p[i - 1] != ' ')
			dots++;
		else if (p[i] >= 'a' && p[i] <= 'z' && n == dots && n < sizeof(letters))
			letters[n++] = p[i];
		else if (p[i] != ' ')
			return false;
	}
	return n > 0 && n <= 3 && n == dots &&
	       !ov_word_in(forms, OV_WORD_PLACE, letters, n) &&
	       ov_form_find(forms, letters, n, NULL, 0) == NULL;
}

/* Takes bracketed text out, unless nothing else would be left, and puts a forename
 * in front; an unpaired bracket is punctuation like any other.  The new length. */
static size_t
cut_brackets(const struct ov_forms *forms, char *text, size_t len)
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
			if (is_forename(forms, text + from + 1, i - from - 1)) {
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

/* "Horton D R Inc /De/", "Us Bancorp \De\", "Valero Energy Corp/Tx": cuts the
 * register's mark of a state or a changed name.  "A/S" is not one, nor is the end of
 * "R/GA". */
static size_t
cut_edgar(const struct ov_forms *forms, const char *text, size_t len)
{
	size_t end = len, start, slash;
	bool closed;

	while (end > 0 && text[end - 1] == ' ')
		end--;
	closed = end > 0 && ov_is_slash(text[end - 1]);
	if (closed)
		end--;
	while (end > 0 && text[end - 1] == ' ')
		end--;
	for (start = end; start > 0 && text[start - 1] >= 'a' && text[start - 1] <= 'z';)
		start--;
	for (slash = start; slash > 0 && text[slash - 1] == ' ';)
		slash--;
	if (slash < 2 || !ov_is_slash(text[slash - 1]) || end - start < 2)
		return len;
	if (closed ? end - start > 8 : memchr(text, ' ', slash - 1) == NULL)
		return len;
	if (!closed && !ov_word_in(forms, OV_WORD_EDGAR, text + start, end - start))
		return len;
	return is_word_at(text, slash - 1) ? slash - 1 : len;
}

/* --- legal forms, on words first .. first + n - 1 --- */

struct span {
	const struct ov_forms *forms;
	struct ov_words *t;
	size_t first, n;
	const char *cc;
	struct ov_name_signs *signs; /* or NULL */
	unsigned int rules;
};

/* Notes the kind of a form that was taken off; the last of the name counts. */
static void
note(struct span *s, const struct ov_form *f)
{
	if (s->signs == NULL || s->signs->kind[0] != '\0' || f->kind.len == 0 ||
	    f->kind.len >= sizeof(s->signs->kind))
		return;
	memcpy(s->signs->kind, f->kind.p, f->kind.len);
	s->signs->kind[f->kind.len] = '\0';
}

static bool
word_is(const struct span *s, size_t i, const char *word)
{
	const struct ov_word *w = &s->t->w[s->first + i];

	return w->len == strlen(word) && memcmp(w->p, word, w->len) == 0;
}

/* The form that the words are, with the flags that are needed, or NULL. */
static const struct ov_form *
form_at(const struct span *s, size_t first, size_t n, unsigned int flags)
{
	char text[OV_FORM_TEXT_MAX];
	size_t len = ov_words_join(text, sizeof(text), s->t, first, n, " ");

	return len > 0 ? ov_form_find(s->forms, text, len, s->cc, flags) : NULL;
}

static bool
word_in(const struct span *s, size_t i, enum ov_word_set set)
{
	return ov_word_in(
	    s->forms, set, s->t->w[s->first + i].p, s->t->w[s->first + i].len);
}

/* Of a word alone: many are called so. */
static bool
is_common_word(const struct span *s, size_t i)
{
	return word_in(s, i, OV_WORD_PLAIN) ||
	       (s->rules >= 2 &&
		   (word_in(s, i, OV_WORD_COMMON) || word_in(s, i, OV_WORD_GIVEN)));
}

/* "American Group", "Summit Systems": the word that would be left, at i, names nobody, or
 * many. */
static bool
holds_name(const struct span *s, const struct ov_form *f, size_t n, size_t i)
{
	return (f->flags & OV_FORM_STRUCTURE) != 0 && s->n == n + 1 &&
	       is_common_word(s, i);
}

/* "Summit Systems" is written "summit" in a domain. */
static size_t
holds_structure(const struct span *s)
{
	return s->n == 2 && !word_in(s, 0, OV_WORD_PLAIN) && is_common_word(s, 0) &&
	       form_at(s, s->first + 1, 1, OV_FORM_STRUCTURE) != NULL;
}

/* Takes the longest form off the end, leaving at least one word. */
static bool
strip_last(struct span *s)
{
	const struct ov_form *f;

	for (size_t n = s->n < OV_FORM_WORDS_MAX + 1 ? s->n - 1 : OV_FORM_WORDS_MAX;
	     n > 0; n--)
		if ((f = form_at(s, s->first + s->n - n, n, 0)) != NULL &&
		    !holds_name(s, f, n, 0)) {
			s->n -= n;
			note(s, f);
			return true;
		}
	return false;
}

static bool
strip_first(struct span *s)
{
	for (size_t n = s->n < OV_FORM_WORDS_MAX + 1 ? s->n - 1 : OV_FORM_WORDS_MAX;
	     n > 0; n--) {
		const struct ov_form *f = form_at(s, s->first, n, OV_FORM_FRONT);

		if (f != NULL && !holds_name(s, f, n, n)) {
			note(s, f);
			s->first += n;
			s->n -= n;
			return true;
		}
	}
	return false;
}

static bool
strip_affix(struct span *s)
{
	struct ov_word *a = &s->t->w[s->first], *z = &s->t->w[s->first + s->n - 1];
	const struct ov_affix *f;

	if ((f = ov_affix_find(s->forms, a->p, a->len, false)) != NULL) {
		a->p += f->len;
		a->len = (uint16_t)(a->len - f->len);
	} else if ((f = ov_affix_find(s->forms, z->p, z->len, true)) != NULL) {
		z->len = (uint16_t)(z->len - f->len);
	} else {
		return false;
	}
	note(s, &f->form);
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
	const char *text = w->p;

	if (s->n < 2 || !ov_word_in(s->forms, OV_WORD_TLD, text, w->len))
		return false;
	if (!w->dotted && !word_is(s, s->n - 1, "com"))
		return false;
	s->n--;
	return true;
}

#define SURNAME_MIN 3

/* Surname first, as registers sort: "smith ao", "schwab charles", "gallagher arthur j",
 * "price t rowe".  Turning maps no two names to one but those that differ in this order
 * alone. */
static void
turn_forename(struct span *s, unsigned int rules)
{
	struct ov_word *w = &s->t->w[s->first], surname = w[0];
	size_t n = 1; /* words of the forename */

	if (s->n < 2 || w[0].initials || word_in(s, 0, OV_WORD_GIVEN))
		return;
	if (rules >= 2 && w[0].len < SURNAME_MIN) /* "RE/MAX" */
		return;
	if (!w[1].initials) {
		if (!word_in(s, 1, OV_WORD_GIVEN))
			return;
		if (rules >= 2 && s->n > 2 && w[2].initials && w[2].len == 1)
			n = 2;
	} else if (rules >= 2 && s->n == 3 && w[1].len == 1) {
		/* "Toys R Us", "Make A Wish" */
		if (word_in(s, 2, OV_WORD_PLACE) || word_is(s, 1, "a"))
			return;
		n = 2;
	} else if (word_in(s, 1, OV_WORD_PLACE) || w[1].len < 2 || w[1].len > 3) {
		return; /* one letter is as often a name: "Plan B" */
	}
	memmove(w, w + 1, n * sizeof(*w));
	w[n] = surname;
}

/* "Acme Corp d/b/a Widgets": the company, not what it trades as. */
static void
cut_alias(struct span *s)
{
	for (size_t i = 1; i + 1 < s->n; i++)
		if (word_in(s, i, OV_WORD_CUT))
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

static void
note_initials(struct span *s)
{
	char *out = s->signs->initials;
	size_t n = 0;

	for (size_t i = 0; i < s->n && n + 1 < sizeof(s->signs->initials); i++) {
		char c = s->t->w[s->first + i].p[0];

		if (word_in(s, i, OV_WORD_LINK))
			continue;
		if ((uint8_t)c >= 0x80) { /* domains that are initials are ASCII */
			n = 0;
			break;
		}
		out[n++] = c;
	}
	out[n > 1 ? n : 0] = '\0';
}

/* Words of the name and of the forms behind it, all `n` of them. */
static void
note_spelling(const struct span *s, size_t n)
{
	struct ov_name_signs *out = s->signs;
	size_t used = 0;

	for (size_t i = 0; i < n; i++) {
		const struct ov_word *w = &s->t->w[s->first + i];

		if (used + w->written >= sizeof(out->spelt))
			break;
		memcpy(out->spelt + used, s->t->text + w->at, w->written);
		used += w->written;
		out->ends |= UINT64_C(1) << (used - 1);
		if (i + 1 == s->n)
			out->own = (uint8_t)used;
	}
	out->spelt[used] = '\0';
}

static bool
is_branch_number(const struct ov_word *w)
{
	for (size_t i = 0; i < w->len; i++)
		if (w->p[i] < '0' || w->p[i] > '9')
			return false;
	return w->len >= 4; /* not "Phillips 66", "Office 365" */
}

/* n: with the words that were taken off the end. */
static bool
is_unit(const struct span *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (word_in(s, i, OV_WORD_FUND))
			return true;
	return s->n > 1 && (word_in(s, s->n - 1, OV_WORD_NUMBER) ||
			       is_branch_number(&s->t->w[s->first + s->n - 1]));
}

/* "Summit"; "Lincoln High School", "Citizens Bank"; "City of X", "X
 * County". */
static bool
is_common(const struct span *s)
{
	bool trade = false;

	if (s->n == 1)
		return is_common_word(s, 0);
	if (word_in(s, s->n - 1, OV_WORD_OFFICE) ||
	    (word_in(s, 0, OV_WORD_OFFICE) && word_is(s, 1, "of")))
		return true;
	for (size_t i = 0; i < s->n; i++) {
		trade = trade || word_in(s, i, OV_WORD_TRADE);
		if (!is_common_word(s, i) && !word_in(s, i, OV_WORD_TRADE) &&
		    !word_in(s, i, OV_WORD_LINK))
			return false;
	}
	return trade;
}

/* "Splunk, a Cisco company": the company, not whose it is. */
static size_t
cut_owner(const char *text, size_t len)
{
	static const char *const openings[] = { ", a ", ", an ", "- a ", "- an " };
	static const char ending[] = " company";
	size_t end = len;

	while (end > 0 && (text[end - 1] == ' ' || text[end - 1] == '.'))
		end--;
	if (end < sizeof(ending) ||
	    memcmp(text + end - strlen(ending), ending, strlen(ending)) != 0)
		return len;
	for (size_t i = end; i-- > 1;)
		for (size_t k = 0; k < sizeof(openings) / sizeof(openings[0]); k++) {
			size_t n = strlen(openings[k]);

			if (end - i > n && memcmp(text + i, openings[k], n) == 0)
				return is_word_at(text, i) ? i : len;
		}
	return len;
}

static enum ov_drop
prepare(const struct ov_profile *p, struct ov_words *words, const char *in, size_t len)
{
	const struct ov_forms *forms = p->forms;
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
	while ((cut = cut_edgar(forms, folded, n)) != n)
		n = cut;
	if (p->rules >= 2)
		n = cut_owner(folded, n);
	n = cut_brackets(forms, folded, n);
	while ((cut = cut_edgar(forms, folded, n)) != n)
		n = cut;
	why = ov_words_split(words, folded, n);
	if (why == OV_DROP_NONE)
		ov_words_shorten(forms, words);
	return why;
}

static bool
among(const char *cc, const char *countries)
{
	for (; *countries != '\0'; countries += 2)
		if (memcmp(countries, cc, 2) == 0)
			return true;
	return false;
}

/* Umlauts have lost their dots: "mueller" goes to "muller" where it is one, and
 * "aarhus" to "arhus".  Not "bauer", "quelle", "neue".  What was decided stands in what
 * is written already, so doing it again changes nothing.  The new length. */
static size_t
undo_umlauts(char *name, size_t len, const char *cc)
{
	bool german = cc != NULL && among(cc, "DEATCHLI");
	bool danish = cc != NULL && among(cc, "DKNO");
	size_t out = 0;

	for (size_t i = 0; i < len; i++) {
		char before = out > 0 ? name[out - 1] : ' ';
		char two_before = out > 1 ? name[out - 2] : ' ';

		if (german && name[i] == 'e' && strchr("aou", before) != NULL &&
		    strchr("aeiouq", two_before) == NULL)
			continue;
		if (danish && ((name[i] == 'a' && before == 'a') ||
				  (name[i] == 'e' && before == 'o')))
			continue;
		name[out++] = name[i];
	}
	return out;
}

static enum ov_drop
once(const struct ov_profile *p, char out[OV_TOKEN_VALUE_CAP],
    struct ov_name_signs *signs, const char *in, size_t len, const char *cc)
{
	const struct ov_forms *forms = p->forms;
	struct ov_words words;
	struct span s;
	enum ov_drop why = prepare(p, &words, in, len);

	if (why != OV_DROP_NONE)
		return why;
	if (words.n == 0)
		return OV_DROP_EMPTY;
	s = (struct span){ forms, &words, 0, words.n, cc, signs, p->rules };
	cut_alias(&s);
	while (strip_particles(&s) || strip_last(&s) || strip_first(&s) ||
	       strip_affix(&s) || strip_tld(&s))
		;
	turn_forename(&s, p->rules);
	if (signs != NULL && signs->written[0] == '\0')
		note_spelling(&s, words.n - s.first);
	if (signs != NULL && signs->written[0] == '\0') {
		signs->is_unit = is_unit(&s, words.n - s.first);
		if (p->rules >= 2 && is_common(&s))
			signs->bearers = OV_BEARER_SEVERAL;
	}
	drop_and(&s);
	if (signs != NULL && signs->written[0] == '\0') {
		note_initials(&s);
		(void)ov_words_join_written(signs->written, sizeof(signs->written),
		    &words, s.first, s.n - holds_structure(&s));
	}
	len = ov_words_join(out, OV_TOKEN_VALUE_CAP, &words, s.first, s.n, "");
	if (len == 0)
		return OV_DROP_TOO_LONG;
	/* "inter national" has become a word that has a shorter one */
	len = ov_name_shorten(forms, out, len);
	if (p->rules >= 2)
		len = undo_umlauts(out, len, cc);
	out[len] = '\0';
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

/* The name under which a well-known company is known, in place of another one. */
static void
take_known(const struct ov_profile *p, char out[OV_TOKEN_VALUE_CAP], const char *cc)
{
	const char *known = ov_others_find(p->others, out, strlen(out), cc);

	if (known != NULL)
		memcpy(out, known, strlen(known) + 1);
}

/* An ASCII result is one word of letters and digits, which no rule touches again.  In
 * other scripts words that are put together may compose, or make a form. */
enum ov_drop
ov_normalise_name_signs(const struct ov_profile *p, char out[OV_TOKEN_VALUE_CAP],
    struct ov_name_signs *signs, const char *in, size_t len, const char *cc)
{
	enum { ROUNDS = 8 };
	char before[OV_TOKEN_VALUE_CAP];
	enum ov_drop why;

	out[0] = '\0';
	if (signs != NULL)
		memset(signs, 0, sizeof(*signs));
	if (cc != NULL && cc[0] == '\0')
		cc = NULL;
	why = once(p, out, signs, in, len, cc);
	for (int i = 0; why == OV_DROP_NONE && !is_ascii(out); i++) {
		memcpy(before, out, sizeof(before));
		why = i < ROUNDS ? once(p, out, signs, before, strlen(before), cc)
				 : OV_DROP_MALFORMED;
		if (strcmp(before, out) == 0)
			break;
	}
	if (why == OV_DROP_NONE && ov_word_in(p->forms, OV_WORD_VOID, out, strlen(out)))
		why = OV_DROP_PLACEHOLDER;
	if (signs != NULL && why == OV_DROP_NONE &&
	    ov_word_in(p->forms, OV_WORD_MANY, out, strlen(out)))
		signs->bearers = OV_BEARER_MANY;
	if (why == OV_DROP_NONE)
		take_known(p, out, cc);
	else
		out[0] = '\0';
	return why;
}

enum ov_drop
ov_normalise_name(const struct ov_profile *p, char out[OV_TOKEN_VALUE_CAP],
    const char *in, size_t len, const char *cc)
{
	return ov_normalise_name_signs(p, out, NULL, in, len, cc);
}

enum ov_drop
ov_normalise_name_country(const struct ov_profile *p, char out[OV_TOKEN_VALUE_CAP],
    const char *in, size_t len, const char *cc)
{
	char name[OV_TOKEN_VALUE_CAP];
	enum ov_drop why;
	size_t n;

	out[0] = '\0';
	if (cc == NULL || cc[0] == '\0')
		return OV_DROP_NO_COUNTRY;
	if (cc[0] < 'A' || cc[0] > 'Z' || cc[1] < 'A' || cc[1] > 'Z' || cc[2] != '\0')
		return OV_DROP_UNKNOWN_COUNTRY;
	why = ov_normalise_name(p, name, in, len, cc);
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
