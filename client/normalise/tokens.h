/* tokens.h - a folded text as words.
 *
 * Letters, marks and digits make words; apostrophes vanish; & and a + between
 * spaces are the word "and"; everything else parts.  Runs of single letters are joined
 * ("S.A.R.L.", "A. O. Smith") and marked as initials.
 */
#ifndef OV_CLIENT_NORMALISE_TOKENS_H
#define OV_CLIENT_NORMALISE_TOKENS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/normalise/unicode.h"

#define OV_WORDS_MAX 256

struct ov_word {
	const char *p; /* len bytes, in text or of a list (ov_words_shorten) */
	uint16_t len;
	uint16_t at, written; /* as it stands in text, and its length */
	bool initials;	      /* a run of single letters, joined */
	bool dotted;	      /* hung on the word before by a dot, as in amazon.com */
};

struct ov_words {
	struct ov_word w[OV_WORDS_MAX];
	size_t n;
	char text[2 *
		  OV_FOLDED_CAP]; /* words parted by one space; & may grow to " and " */
	size_t used;
};

/* From folded text (ov_unicode_fold).  OV_DROP_TOO_LONG over OV_WORDS_MAX. */
enum ov_drop ov_words_split(struct ov_words *out, const char *text, size_t len);

/* Writes words first .. first + n - 1, `sep` between, and a NUL; the length, or 0
 * if cap is too small or n is 0. */
size_t ov_words_join(char *out, size_t cap, const struct ov_words *t, size_t first,
    size_t n, const char *sep);
/* The same of the words as they were written, without anything between. */
size_t ov_words_join_written(
    char *out, size_t cap, const struct ov_words *t, size_t first, size_t n);

#endif /* OV_CLIENT_NORMALISE_TOKENS_H */
