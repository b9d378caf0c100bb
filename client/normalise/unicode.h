/* unicode.h - one plain form for text of any script (the only user of utf8proc).
 *
 * NFKC with case folding and without ignorable characters; marks on Latin,
 * Greek and Cyrillic letters off (those of Indic scripts and kana are
 * letters); o-slash, l-stroke, d-stroke, ae, oe, thorn, dotless i and sharp s
 * to ASCII; every punctuation, symbol and space outside ASCII to a space, but
 * apostrophes to ', trade-mark signs to nothing, the ideographic brackets to
 * ASCII ones.  So all that is left outside ASCII is letters, marks and digits.
 */
#ifndef OV_CLIENT_NORMALISE_UNICODE_H
#define OV_CLIENT_NORMALISE_UNICODE_H

#include <stddef.h>

#include "client/normalise/normalise.h"

/* Longest text that is looked at; what is longer is OV_DROP_TOO_LONG. */
#define OV_TEXT_MAX 1024
#define OV_FOLDED_CAP 4096 /* of a folded text of OV_TEXT_MAX bytes, with NUL */

/* Folds len bytes to out (OV_FOLDED_CAP bytes), *out_len without the NUL.  Tabs
 * and line ends are spaces; other control characters are OV_DROP_CONTROL. */
enum ov_drop ov_unicode_fold(char *out, size_t *out_len, const char *in, size_t len);

/* True if the code point at *p is a CJK ideograph, kana or hangul (scripts
 * written without spaces between words).  len > 0 bytes of valid UTF-8. */
int ov_unicode_is_cjk(const char *p, size_t len);

#endif /* OV_CLIENT_NORMALISE_UNICODE_H */
