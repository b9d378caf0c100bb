#include "client/normalise/forms.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SHORT_FORM_LEN 3 /* so short a form of some countries is ambiguous elsewhere */
#define FORMS_MAX 2048
#define AFFIXES_MAX 64
#define SYNONYMS_MAX 256
#define MARKERS_MAX 64

struct form {
	struct ov_form public;
	const char *countries; /* "DE AT CH", or "*"; in the list */
	size_t countries_len;
	uint32_t next; /* the same words in another line: index + 1, or 0 */
};

/* Words that introduce another name. */
struct marker {
	struct ov_field words;
	bool inside; /* brackets alone */
};

/* One word for another, never longer. */
struct synonym {
	struct ov_field from, to; /* in the list */
	bool at_end;		  /* of a name, too */
};

struct ov_forms {
	struct form form[FORMS_MAX];
	size_t form_count;
	struct ov_table index, sets[OV_WORD_SETS];
	struct ov_table synonyms; /* word -> index */
	struct synonym synonym[SYNONYMS_MAX];
	size_t synonym_count;
	struct ov_affix affix[AFFIXES_MAX];
	size_t affix_count;
	struct marker marker[MARKERS_MAX];
	size_t marker_count;
};

static unsigned int
flags_of(const struct ov_field *f)
{
	unsigned int flags = 0;

	for (size_t i = 0; i < f->len; i++)
		switch (f->p[i]) {
		case 's':
			flags |= OV_FORM_SHORT;
			break;
		case 'w':
			flags |= OV_FORM_SHORT | OV_FORM_WORD;
			break;
		case 'f':
			flags |= OV_FORM_FRONT;
			break;
		case 'a':
			flags |= OV_FORM_AFFIX;
			break;
		case 'g':
			flags |= OV_FORM_STRUCTURE;
			break;
		case 'q':
			flags |= OV_FORM_SILENT;
			break;
		default:
			break;
		}
	return flags;
}

void
ov_words_shorten(const struct ov_forms *f, struct ov_words *t)
{
	uint64_t k;

	for (size_t i = 0; i < t->n; i++)
		if (ov_table_get(&f->synonyms, t->w[i].p, t->w[i].len, &k)) {
			t->w[i].p = f->synonym[k].to.p;
			t->w[i].len = (uint16_t)f->synonym[k].to.len;
		}
}

/* Puts the word for the end of the name in its place; false if it has none. */
static bool
shorten_end(const struct ov_forms *f, char *name, size_t *len)
{
	for (size_t i = 0; i < f->synonym_count; i++) {
		const struct synonym *s = &f->synonym[i];
		size_t at = *len - s->from.len;

		if (!s->at_end || *len <= s->from.len ||
		    memcmp(name + at, s->from.p, s->from.len) != 0)
			continue;
		memcpy(name + at, s->to.p, s->to.len);
		*len = at + s->to.len;
		return true;
	}
	return false;
}

size_t
ov_name_shorten(const struct ov_forms *f, char *name, size_t len)
{
	uint64_t k;

	if (ov_table_get(&f->synonyms, name, len, &k)) {
		memcpy(name, f->synonym[k].to.p, f->synonym[k].to.len);
		return f->synonym[k].to.len;
	}
	while (shorten_end(f, name, &len)) /* each is shorter than the one before */
		;
	return len;
}

/* A list entry is written as people write it and goes through the same folding as
 * a name. */
static bool
canonical(const struct ov_forms *forms, char *out, size_t cap, const struct ov_field *f)
{
	struct ov_words words;
	char folded[OV_FOLDED_CAP];
	size_t len;

	if (ov_unicode_fold(folded, &len, f->p, f->len) != OV_DROP_NONE ||
	    ov_words_split(&words, folded, len) != OV_DROP_NONE)
		return false;
	ov_words_shorten(forms, &words);
	return words.n > 0 && words.n <= OV_FORM_WORDS_MAX &&
	       ov_words_join(out, cap, &words, 0, words.n, " ") > 0;
}

static enum ov_status
add_affix(struct ov_forms *forms, const char *text, size_t len, const struct ov_form *f)
{
	struct ov_affix *a = &forms->affix[forms->affix_count];

	if (forms->affix_count == AFFIXES_MAX || len > sizeof(a->text))
		return OV_E_BUG;
	memcpy(a->text, text, len);
	a->len = len;
	a->form = *f;
	forms->affix_count++;
	return OV_OK;
}

static enum ov_status
add_form(void *ctx, const struct ov_field *f, size_t n)
{
	struct ov_forms *forms = ctx;
	char text[OV_FORM_TEXT_MAX];
	struct form *form = &forms->form[forms->form_count];
	enum ov_status st;
	uint64_t before;

	if (n < 2 || forms->form_count == FORMS_MAX ||
	    !canonical(forms, text, sizeof(text), &f[0]))
		return OV_E_BUG;
	*form = (struct form){ { n > 2 ? flags_of(&f[2]) : 0,
				   n > 3 ? f[3] : (struct ov_field){ "", 0 } },
		f[1].p, f[1].len, 0 };
	if (strlen(text) <= SHORT_FORM_LEN && f[1].p[0] != '*')
		form->public.flags |= OV_FORM_SHORT;
	if ((form->public.flags & OV_FORM_AFFIX) != 0 &&
	    (st = add_affix(forms, text, strlen(text), &form->public)) != OV_OK)
		return st;
	if (ov_table_get(&forms->index, text, strlen(text), &before))
		form->next = (uint32_t)before + 1;
	return ov_table_put(&forms->index, text, strlen(text), forms->form_count++);
}

static bool
field_is(const struct ov_field *f, const char *word)
{
	return f->len == strlen(word) && memcmp(f->p, word, f->len) == 0;
}

static enum ov_status
add_synonym(struct ov_forms *forms, const struct ov_field *f, bool at_end)
{
	struct synonym *s = &forms->synonym[forms->synonym_count];

	/* never longer, at the end of a name shorter, and never itself a word that has
	 * another */
	if (f[1].len > f[0].len - at_end || forms->synonym_count == SYNONYMS_MAX ||
	    ov_table_get(&forms->synonyms, f[1].p, f[1].len, NULL))
		return OV_E_BUG;
	*s = (struct synonym){ f[0], f[1], at_end };
	return ov_table_put(&forms->synonyms, f[0].p, f[0].len, forms->synonym_count++);
}

static enum ov_status
add_marker(struct ov_forms *forms, const struct ov_field *f, bool inside)
{
	if (forms->marker_count == MARKERS_MAX)
		return OV_E_BUG;
	forms->marker[forms->marker_count++] = (struct marker){ *f, inside };
	return OV_OK;
}

static enum ov_status
add_word(void *ctx, const struct ov_field *f, size_t n)
{
	static const char *const kinds[OV_WORD_SETS] = { [OV_WORD_EDGAR] = "edgar",
		[OV_WORD_PLACE] = "place",
		[OV_WORD_GIVEN] = "given",
		[OV_WORD_TLD] = "tld",
		[OV_WORD_CUT] = "cut",
		[OV_WORD_PLAIN] = "plain",
		[OV_WORD_COMMON] = "common",
		[OV_WORD_FUND] = "fund",
		[OV_WORD_NUMBER] = "number",
		[OV_WORD_LINK] = "link",
		[OV_WORD_VOID] = "void",
		[OV_WORD_MANY] = "many",
		[OV_WORD_OFFICE] = "office",
		[OV_WORD_TRADE] = "trade" };
	struct ov_forms *forms = ctx;

	if (n == 3 && field_is(&f[0], "same"))
		return add_synonym(forms, f + 1, false);
	if (n == 3 && field_is(&f[0], "ends"))
		return add_synonym(forms, f + 1, true);
	if (n == 2 && field_is(&f[0], "also"))
		return add_marker(forms, &f[1], false);
	if (n == 2 && field_is(&f[0], "inside"))
		return add_marker(forms, &f[1], true);
	for (size_t i = 0; n == 2 && i < OV_WORD_SETS; i++)
		if (field_is(&f[0], kinds[i])) {
			/* it would never be seen */
			if ((i == OV_WORD_PLAIN || i == OV_WORD_COMMON) &&
			    ov_table_get(&forms->synonyms, f[1].p, f[1].len, NULL))
				return OV_E_BUG;
			return ov_table_put(&forms->sets[i], f[1].p, f[1].len, 1);
		}
	return OV_E_BUG;
}

enum ov_status
ov_forms_new(struct ov_forms **out, struct ov_list_file forms, struct ov_list_file words)
{
	struct ov_forms *f = calloc(1, sizeof(*f));
	enum ov_status st;

	*out = NULL;
	OV_REQUIRE(f != NULL, OV_E_NOMEM);
	/* forms are written with the words that stand for others */
	OV_TRY(ov_list_each(words, add_word, f));
	OV_TRY(ov_list_each(forms, add_form, f));
	*out = f;
	f = NULL;
done:
	ov_forms_free(f);
	return st;
}

void
ov_forms_free(struct ov_forms *f)
{
	if (f == NULL)
		return;
	ov_table_fini(&f->index);
	ov_table_fini(&f->synonyms);
	for (size_t i = 0; i < OV_WORD_SETS; i++)
		ov_table_fini(&f->sets[i]);
	free(f);
}

bool
ov_word_in(const struct ov_forms *f, enum ov_word_set set, const char *word, size_t len)
{
	return ov_table_get(&f->sets[set], word, len, NULL);
}

static bool
agrees(const struct form *f, const char *cc)
{
	if ((f->public.flags & OV_FORM_SHORT) == 0)
		return true;
	if (cc == NULL)
		return (f->public.flags & OV_FORM_WORD) == 0;
	for (size_t i = 0; i + 2 <= f->countries_len; i += 3)
		if (memcmp(f->countries + i, cc, 2) == 0)
			return true;
	return false;
}

const struct ov_form *
ov_form_find(const struct ov_forms *forms, const char *text, size_t len, const char *cc,
    unsigned int flags)
{
	uint64_t i;

	if (!ov_table_get(&forms->index, text, len, &i))
		return NULL;
	for (const struct form *f = &forms->form[i];; f = &forms->form[f->next - 1]) {
		if (agrees(f, cc) && (f->public.flags & flags) == flags)
			return &f->public;
		if (f->next == 0)
			return NULL;
	}
}

const struct ov_affix *
ov_affix_find(const struct ov_forms *forms, const char *text, size_t len, bool at_end)
{
	for (size_t i = 0; i < forms->affix_count; i++) {
		const struct ov_affix *f = &forms->affix[i];

		if (len > f->len &&
		    memcmp(at_end ? text + len - f->len : text, f->text, f->len) == 0)
			return f;
	}
	return NULL;
}

size_t
ov_marker_at(const struct ov_forms *forms, const char *text, size_t len, bool inside)
{
	size_t longest = 0;

	for (size_t i = 0; i < forms->marker_count; i++) {
		const struct ov_field *m = &forms->marker[i].words;

		if (m->len > longest && m->len < len &&
		    (inside || !forms->marker[i].inside) &&
		    strncasecmp(text, m->p, m->len) == 0 &&
		    (text[m->len] == ' ' || text[m->len] == ':'))
			longest = m->len;
	}
	return longest;
}
