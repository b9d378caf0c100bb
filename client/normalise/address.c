#include "client/normalise/address.h"

#include <string.h>

#include "client/normalise/ascii.h"
#include "client/normalise/idn.h"

#define URL_MAX 4096
#define HOST_MAX 253 /* RFC 1035 section 2.3.4, without the final dot */
#define LABEL_MAX 63

static bool
has_control(const char *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (((uint8_t)p[i] < 0x20 && p[i] != '\t' && p[i] != '\n' &&
			p[i] != '\r') ||
		    p[i] == 0x7f)
			return true;
	return false;
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Spaces, quotes and angle brackets around the value, and UTF-8 no-break spaces
 * and byte-order marks. */
static void
trim(const char **p, size_t *len)
{
	static const char *const odd[] = { "\xc2\xa0", "\xef\xbb\xbf", "\xe2\x80\x8b" };
	bool again = true;

	while (again && *len > 0) {
		again = false;
		while (*len > 0 && (is_space((*p)[0]) || ov_among((*p)[0], "\"'<>")))
			(*p)++, (*len)--;
		while (*len > 0 &&
		       (is_space((*p)[*len - 1]) || ov_among((*p)[*len - 1], "\"'<>,;")))
			(*len)--;
		for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
			size_t n = strlen(odd[i]);

			if (*len >= n && memcmp(*p, odd[i], n) == 0)
				*p += n, *len -= n, again = true;
			if (*len >= n && memcmp(*p + *len - n, odd[i], n) == 0)
				*len -= n, again = true;
		}
	}
}

static bool
has_prefix(const char *p, size_t len, const char *word)
{
	size_t n = strlen(word);

	if (len < n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (ov_lower(p[i]) != word[i])
			return false;
	return true;
}

/* Length of one scheme at p with its slashes: "https://", "http:\\", "http//",
 * "mailto:", "//"; 0 if there is none. */
static size_t
scheme(const char *p, size_t len)
{
	static const char *const known[] = { "https", "http", "ftp", "mailto" };
	size_t n = 0, i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]) && n == 0; i++)
		if (has_prefix(p, len, known[i]))
			n = strlen(known[i]);
	if (n > 0 && n < len && p[n] == ':')
		for (n++; n < len && ov_is_slash(p[n]); n++)
			;
	else if (n > 0 && n + 1 < len && p[n] == '/' && p[n + 1] == '/')
		for (; n < len && ov_is_slash(p[n]); n++)
			;
	else
		n = 0;
	if (n > 0)
		return n;
	for (i = 0; i < len && (ov_is_alnum(p[i]) || ov_among(p[i], "+.-")); i++)
		;
	if (i > 0 && i + 2 < len && p[i] == ':' && ov_is_slash(p[i + 1]) &&
	    ov_is_slash(p[i + 2]))
		n = i + 3;
	else if (len >= 2 && ov_is_slash(p[0]) && ov_is_slash(p[1]))
		n = 2;
	while (n > 0 && n < len && ov_is_slash(p[n]))
		n++;
	return n;
}

/* Pages that lead to no user's place: "", "/", "/index.html", "/en-us/", "/home". */
static bool
is_plain_path(const char *p, size_t len)
{
	static const char *const plain[] = { "home", "about", "index.html", "index.htm",
		"index.php", "default.aspx" };
	size_t n = 0;

	while (len > 0 && ov_is_slash(p[0]))
		p++, len--;
	while (n < len && !ov_is_slash(p[n]) && p[n] != '?' && p[n] != '#')
		n++;
	for (size_t i = n; i < len && p[i] != '?' && p[i] != '#'; i++)
		if (!ov_is_slash(p[i]))
			return false; /* a second segment */
	if (n < len && memchr(p, '?', len) != NULL && n == 0)
		return false; /* "/?id=" names something */
	if (n == 0 || (n == 2 && ov_is_alnum(p[0]) && ov_is_alnum(p[1])))
		return true;
	if (n == 5 && (p[2] == '-' || p[2] == '_'))
		return true;
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		if (n == strlen(plain[i]) && has_prefix(p, n, plain[i]))
			return true;
	return false;
}

struct text {
	const char *p;
	size_t len;
};

/* Splits the first address of the text into host, which is given back, and path. */
static struct text
locate(struct ov_address *a, const char *p, size_t len)
{
	size_t n, end, at, schemes = 0;

	while ((n = scheme(p, len)) > 0)
		p += n, len -= n, schemes++;
	for (end = 0; end < len && !ov_is_slash(p[end]) && p[end] != '?' && p[end] != '#';
	     end++)
		;
	/* userinfo ends at the last @ before the path (RFC 3986 section 3.2.1) */
	for (at = end; at > 0 && p[at - 1] != '@'; at--)
		;
	a->from_mailbox = at > 0 && (schemes == 0 || len > 0);
	for (n = at; n < end && !is_space(p[n]) && !ov_among(p[n], ",;|<>\""); n++)
		;
	a->path = p + end;
	a->path_len = n == end ? len - end : 0;
	a->has_path = n == end && !is_plain_path(p + end, len - end);
	return (struct text){ p + at, n - at };
}

/* A mailbox list: only the first address counts. */
static size_t
first_mailbox(const char *p, size_t len)
{
	const char *at = memchr(p, '@', len);
	size_t n;

	if (at == NULL)
		return len;
	for (n = (size_t)(at - p); n < len && !is_space(p[n]) && !ov_among(p[n], ",;|>");
	     n++)
		;
	return n;
}

/* --- the host itself --- */

/* Checks the labels of a lower-case ASCII host without final dot.  Underscores
 * are in use below registered names (RFC 8552). */
static enum ov_drop
check_labels(const char *host)
{
	size_t label = 0, dots = 0;
	const char *last = host;

	for (const char *p = host;; p++) {
		if (*p == '.' || *p == '\0') {
			if (label == 0 || label > LABEL_MAX || p[-1] == '-')
				return OV_DROP_MALFORMED;
			if (*p == '\0')
				break;
			label = 0;
			dots++;
			last = p + 1;
			continue;
		}
		if (!ov_is_alnum(*p) && *p != '_' && (*p != '-' || label == 0))
			return OV_DROP_MALFORMED;
		label++;
	}
	/* a last label of digits is an address (WHATWG URL, "ends in a number") */
	if (strspn(last, "0123456789") == strlen(last) ||
	    (last[0] == '0' && last[1] == 'x' &&
		strspn(last + 2, "0123456789abcdef") == strlen(last + 2)))
		return OV_DROP_IP_LITERAL;
	return dots > 0 ? OV_DROP_NONE : OV_DROP_MALFORMED;
}

static size_t
without_port(const char *host, size_t len)
{
	size_t n = len;

	while (n > 0 && host[n - 1] >= '0' && host[n - 1] <= '9')
		n--;
	return n > 0 && host[n - 1] == ':' ? n - 1 : len;
}

/* Host text to lower-case ASCII without dots at its ends. */
static enum ov_drop
to_ascii(char out[OV_TOKEN_VALUE_CAP], const char *host, size_t len)
{
	bool plain = true;

	if (len > 0 && host[0] == '[')
		return OV_DROP_IP_LITERAL;
	len = without_port(host, len);
	while (len > 0 && host[len - 1] == '.')
		len--;
	while (len > 0 && host[0] == '.')
		host++, len--;
	if (len == 0)
		return OV_DROP_EMPTY;
	for (size_t i = 0; i < len; i++) {
		if ((uint8_t)host[i] >= 0x80 ||
		    ((i == 0 || host[i - 1] == '.') &&
			has_prefix(host + i, len - i, "xn--")))
			plain = false;
	}
	if (!plain) {
		size_t n;

		if (!ov_idn_to_ascii(out, OV_TOKEN_VALUE_CAP, host, len))
			return OV_DROP_MALFORMED;
		for (n = strlen(out); n > 0 && out[n - 1] == '.'; n--)
			out[n - 1] = '\0';
	} else {
		if (len > HOST_MAX)
			return OV_DROP_TOO_LONG;
		for (size_t i = 0; i < len; i++)
			out[i] = ov_lower(host[i]);
		out[len] = '\0';
	}
	return strlen(out) > HOST_MAX ? OV_DROP_TOO_LONG : check_labels(out);
}

enum ov_drop
ov_address_read(
    struct ov_address *a, const char *in, size_t len, enum ov_domain_source source)
{
	struct text host;

	trim(&in, &len);
	if (len == 0)
		return OV_DROP_EMPTY;
	if (len > URL_MAX)
		return OV_DROP_TOO_LONG;
	if (has_control(in, len))
		return OV_DROP_CONTROL;
	if (source == OV_FROM_EMAIL)
		len = first_mailbox(in, len);
	host = locate(a, in, len);
	a->from_mailbox = a->from_mailbox || source == OV_FROM_EMAIL;
	return to_ascii(a->host, host.p, host.len);
}
