/* forms.h - legal forms, and the other words that the name rules know.
 *
 * Read from legal_forms.txt and words.txt, whose head comments say what the columns mean.
 * List entries are written as people write them and go through the same folding as names.
 * All texts here are folded (unicode.h) and words of a form are parted by one space.
 */
#ifndef OV_CLIENT_NORMALISE_FORMS_H
#define OV_CLIENT_NORMALISE_FORMS_H

#include <stdbool.h>
#include <stddef.h>

#include "client/normalise/lists.h"
#include "client/normalise/tokens.h"
#include "common/status.h"

#define OV_FORM_WORDS_MAX 8
#define OV_FORM_TEXT_MAX 120 /* bytes of the longest legal form, words joined */

enum {
	OV_FORM_SHORT = 1,	/* a word elsewhere: only where the country agrees */
	OV_FORM_WORD = 2,	/* so common a word that no country is not enough */
	OV_FORM_FRONT = 4,	/* stands in front too */
	OV_FORM_AFFIX = 8,	/* written without a space, at either end */
	OV_FORM_STRUCTURE = 16, /* "group", "holdings": not a legal form */
	OV_FORM_SILENT = 32	/* a kind of shares: tells no companies apart */
};

struct ov_form {
	unsigned int flags;
	struct ov_field kind; /* forms of two kinds are two companies; "" for most */
};

struct ov_affix {
	char text[96];
	size_t len;
	struct ov_form form;
};

enum ov_word_set {
	OV_WORD_EDGAR,	/* marks of a register */
	OV_WORD_PLACE,	/* letters that are no person's initials */
	OV_WORD_GIVEN,	/* given names */
	OV_WORD_TLD,	/* endings of domains as names */
	OV_WORD_CUT,	/* what follows is another name of the same company */
	OV_WORD_PLAIN,	/* names nobody: keeps a word of structure behind it */
	OV_WORD_COMMON, /* many companies' name */
	OV_WORD_FUND,	/* of a fund */
	OV_WORD_NUMBER, /* the same, at the end of a name */
	OV_WORD_LINK,	/* "of", "and": initials may leave it out */
	OV_WORD_VOID,	/* stands where there is no name */
	OV_WORD_MANY,	/* a whole name that many bear */
	OV_WORD_OFFICE, /* of a place, with its name: every place has one */
	OV_WORD_TRADE,	/* with common words before it, many bear it */
	OV_WORD_SETS
};

struct ov_forms;

/* Read-only once loaded.  OV_E_NOMEM; OV_E_BUG if a list does not parse. */
OV_MUST_CHECK enum ov_status ov_forms_new(
    struct ov_forms **out, struct ov_list_file forms, struct ov_list_file words);
void ov_forms_free(struct ov_forms *f); /* NULL is fine */

bool ov_word_in(
    const struct ov_forms *f, enum ov_word_set set, const char *word, size_t len);

/* Puts the one word for its variants ("international" to "intl") in place of each. */
void ov_words_shorten(const struct ov_forms *f, struct ov_words *t);
/* The same of a name whose words are put together: of the whole, or of its end.  Returns
 * the new length, never larger, and does not write a NUL. */
size_t ov_name_shorten(const struct ov_forms *f, char *name, size_t len);

/* The length of the words at text that introduce another name of the same company
 * ("formerly"), with a space or colon behind them; 0 if there are none.  inside: text is
 * in brackets, where "now" is such a word, too. */
size_t ov_marker_at(const struct ov_forms *f, const char *text, size_t len, bool inside);

/* The form that the text is, if the country (NULL: none is given) agrees and it has all
 * of flags; else NULL. */
const struct ov_form *ov_form_find(const struct ov_forms *f, const char *text, size_t len,
    const char *cc, unsigned int flags);

/* The form written without a space at an end of the text, never the whole; or NULL. */
const struct ov_affix *ov_affix_find(
    const struct ov_forms *f, const char *text, size_t len, bool at_end);

#endif /* OV_CLIENT_NORMALISE_FORMS_H */
