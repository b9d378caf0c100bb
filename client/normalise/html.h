/* html.h - character references, as web exports leave them in names. */
#ifndef OV_CLIENT_NORMALISE_HTML_H
#define OV_CLIENT_NORMALISE_HTML_H

#include <stddef.h>

/* Decodes numeric references and the named ones of HTML 4's Latin-1 set and usual
 * punctuation in place until none is left (exports escape twice), and returns
 * the new length, never larger.  A reference to NUL, a surrogate or beyond
 * U+10FFFF, and unknown names, stay as they are. */
size_t ov_html_decode(char *text, size_t len);

#endif /* OV_CLIENT_NORMALISE_HTML_H */
