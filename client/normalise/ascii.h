/* ascii.h - letters of addresses, in no locale. */
#ifndef OV_CLIENT_NORMALISE_ASCII_H
#define OV_CLIENT_NORMALISE_ASCII_H

#include <stdbool.h>
#include <string.h>

static inline char
ov_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static inline bool
ov_is_alnum(char c)
{
	c = ov_lower(c);
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* set: a text; NUL is in none. */
static inline bool
ov_among(char c, const char *set)
{
	return c != '\0' && strchr(set, c) != NULL;
}

static inline bool
ov_is_slash(char c)
{
	return c == '/' || c == '\\';
}

#endif /* OV_CLIENT_NORMALISE_ASCII_H */
