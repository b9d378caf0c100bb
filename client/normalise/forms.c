#include "client/normalise/forms.h"

#include <string.h>

#include "client/normalise/lists.h"

#define SHORT_FORM_LEN 3 /* so short a form of some countries is ambiguous elsewhere */
#define FORMS_MAX 2048
#define AFFIXES_MAX 64
#define SYNONYMS_MAX 256

struct form {
	struct ov_form public;
	const char *countries; /* "DE AT CH", or "*"; in the list */
	size_t countries_len;
	uint32_t next; /* the same words in another line: index + 1, or 0 */
};

static struct form forms[FORMS_MAX];
static size_t form_count;
static struct ov_table form_index, sets[OV_WORD_SETS];
static struct ov_table synonyms; /* word -> index of the field that stands for it */
static struct ov_field synonym_fields[SYNONYMS_MAX];
static size_t synonym_count;
static struct ov_affix affixes[AFFIXES_MAX];
static size_t affix_count;

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

size_t
ov_word_shorten(char *word, size_t len)
{
	uint64_t k;

	if (!ov_table_get(&synonyms, word, len, &k))
		return len;
	memcpy(word, synonym_fields[k].p, synonym_fields[k].len);
	return synonym_fields[k].len;
}

void
ov_words_shorten(struct ov_words *t)
{
	for (size_t i = 0; i < t->n; i++)
		t->w[i].len =
		    (uint16_t)ov_word_shorten(t->text + t->w[i].at, t->w[i].len);
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
	ov_words_shorten(&words);
	return words.n > 0 && words.n <= OV_FORM_WORDS_MAX &&
	       ov_words_join(out, cap, &words, 0, words.n, " ") > 0;
}

static enum ov_status
add_affix(const char *text, size_t len, unsigned int flags)
{
	struct ov_affix *a = &affixes[affix_count];

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
	char text[OV_FORM_TEXT_MAX];
	struct form *form = &forms[form_count];
	enum ov_status st;
	uint64_t before;

	(void)ctx;
	if (n < 2 || form_count == FORMS_MAX || !canonical(text, sizeof(text), &f[0]))
		return OV_E_BUG;
	*form = (struct form){ { n > 2 ? flags_of(&f[2]) : 0 }, f[1].p, f[1].len, 0 };
	if (strlen(text) <= SHORT_FORM_LEN && f[1].p[0] != '*')
		form->public.flags |= OV_FORM_SHORT;
	if ((form->public.flags & OV_FORM_AFFIX) != 0 &&
	    (st = add_affix(text, strlen(text), form->public.flags)) != OV_OK)
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
add_synonym(const struct ov_field *word, const struct ov_field *to)
{
	/* never longer, and never itself a word that has another */
	if (to->len > word->len || synonym_count == SYNONYMS_MAX ||
	    ov_table_get(&synonyms, to->p, to->len, NULL))
		return OV_E_BUG;
	synonym_fields[synonym_count] = *to;
	return ov_table_put(&synonyms, word->p, word->len, synonym_count++);
}

static enum ov_status
add_word(void *ctx, const struct ov_field *f, size_t n)
{
	static const char *const kinds[OV_WORD_SETS] = { [OV_WORD_EDGAR] = "edgar",
		[OV_WORD_PLACE] = "place",
		[OV_WORD_GIVEN] = "given",
		[OV_WORD_TLD] = "tld",
		[OV_WORD_CUT] = "cut" };

	(void)ctx;
	if (n == 3 && field_is(&f[0], "same"))
		return add_synonym(&f[1], &f[2]);
	for (size_t i = 0; n == 2 && i < OV_WORD_SETS; i++)
		if (field_is(&f[0], kinds[i]))
			return ov_table_put(&sets[i], f[1].p, f[1].len, 1);
	return OV_E_BUG;
}

enum ov_status
ov_forms_init(void)
{
	enum ov_status st;

	if (form_count > 0)
		return OV_OK;
	if ((st = ov_list_each(OV_LIST_WORDS, add_word, NULL)) != OV_OK)
		return st;
	return ov_list_each(OV_LIST_LEGAL_FORMS, add_form, NULL);
}

void
ov_forms_fini(void)
{
	form_count = affix_count = synonym_count = 0;
	ov_table_fini(&form_index);
	ov_table_fini(&synonyms);
	for (size_t i = 0; i < OV_WORD_SETS; i++)
		ov_table_fini(&sets[i]);
}

bool
ov_word_in(enum ov_word_set set, const char *word, size_t len)
{
	return ov_table_get(&sets[set], word, len, NULL);
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
ov_form_find(const char *text, size_t len, const char *cc, unsigned int flags)
{
	uint64_t i;

	if (!ov_table_get(&form_index, text, len, &i))
		return NULL;
	for (const struct form *f = &forms[i];; f = &forms[f->next - 1]) {
		if (agrees(f, cc) && (f->public.flags & flags) == flags)
			return &f->public;
		if (f->next == 0)
			return NULL;
	}
}

const struct ov_affix *
ov_affix_find(const char *text, size_t len, bool at_end)
{
	for (size_t i = 0; i < affix_count; i++) {
		const struct ov_affix *f = &affixes[i];

		if (len > f->len &&
		    memcmp(at_end ? text + len - f->len : text, f->text, f->len) == 0)
			return f;
	}
	return NULL;
}
