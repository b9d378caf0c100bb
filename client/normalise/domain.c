#include "client/normalise/domain.h"

#include <string.h>

#include "client/normalise/idn.h"
#include "client/normalise/normalise.h"
#include "client/normalise/profile.h"
#include "client/normalise/suffix.h"

#define URL_MAX 4096
#define HOST_MAX 253 /* RFC 1035 section 2.3.4, without the final dot */
#define LABEL_MAX 63

/* How a shared site gives each of its users a place (shared_hosts.txt). */
enum sharing {
	SHARE_SUBDOMAIN, /* a host of its own: it names the user */
	SHARE_PATH,	 /* a path: with one, nothing names the user */
	SHARE_BOTH,	 /* either */
	SHARE_NEVER,	 /* nothing here is anybody's */
	SHARE_OWN,	 /* the operator's own pages under a shared site */
	SHARE_HOST,	 /* a path of this very host */
	SHARE_CAMPUS	 /* a suffix: hosts below a registered name are departments */
};
#define SHARINGS 7

/* First labels of hosts under a shared site. */
enum label { LABEL_USER, LABEL_OPERATOR, LABEL_PORTAL };

struct address {
	const char *host;
	size_t host_len;
	bool has_path; /* beyond pages that every site has */
	const char *path;
	size_t path_len;
	bool from_mailbox;
};

/* --- lists --- */

static bool
field_is(const struct ov_field *f, const char *word)
{
	return f->len == strlen(word) && memcmp(f->p, word, f->len) == 0;
}

static enum ov_status
add_shared(void *ctx, const struct ov_field *f, size_t n)
{
	static const char *const modes[SHARINGS] = { "subdomain", "path", "both", "never",
		"own", "host", "campus" };
	struct ov_hosts *h = ctx;

	if (n != 2)
		return OV_E_BUG;
	if (field_is(&f[0], "label"))
		return ov_table_put(&h->labels, f[1].p, f[1].len, LABEL_OPERATOR);
	if (field_is(&f[0], "portal"))
		return ov_table_put(&h->labels, f[1].p, f[1].len, LABEL_PORTAL);
	if (field_is(&f[0], "unit"))
		return ov_table_put(&h->units, f[1].p, f[1].len, 1);
	for (uint64_t m = 0; m < SHARINGS; m++)
		if (field_is(&f[0], modes[m]))
			return ov_table_put(&h->shared, f[1].p, f[1].len, m);
	return OV_E_BUG;
}

static enum ov_status
add_first(void *ctx, const struct ov_field *f, size_t n)
{
	(void)n;
	return ov_table_put(ctx, f[0].p, f[0].len, 1);
}

enum ov_status
ov_hosts_load(struct ov_hosts *out, const struct ov_list_file files[4])
{
	enum ov_status st;

	OV_TRY(ov_list_each(files[0], add_shared, out));
	OV_TRY(ov_list_each(files[1], add_first, &out->free_mail));
	OV_TRY(ov_list_each(files[2], add_first, &out->suffix_accounts));
	OV_TRY(ov_list_each(files[3], add_first, &out->free_mail));
done:
	return st;
}

void
ov_hosts_fini(struct ov_hosts *h)
{
	ov_table_fini(&h->shared);
	ov_table_fini(&h->labels);
	ov_table_fini(&h->units);
	ov_table_fini(&h->free_mail);
	ov_table_fini(&h->suffix_accounts);
}

/* --- from text to host --- */

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

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static bool
is_alnum(char c)
{
	c = lower(c);
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool
among(char c, const char *set)
{
	return c != '\0' && strchr(set, c) != NULL;
}

static bool
is_slash(char c)
{
	return c == '/' || c == '\\';
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
		while (*len > 0 && (is_space((*p)[0]) || among((*p)[0], "\"'<>")))
			(*p)++, (*len)--;
		while (*len > 0 &&
		       (is_space((*p)[*len - 1]) || among((*p)[*len - 1], "\"'<>,;")))
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
		if (lower(p[i]) != word[i])
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
		for (n++; n < len && is_slash(p[n]); n++)
			;
	else if (n > 0 && n + 1 < len && p[n] == '/' && p[n + 1] == '/')
		for (; n < len && is_slash(p[n]); n++)
			;
	else
		n = 0;
	if (n > 0)
		return n;
	for (i = 0; i < len && (is_alnum(p[i]) || among(p[i], "+.-")); i++)
		;
	if (i > 0 && i + 2 < len && p[i] == ':' && is_slash(p[i + 1]) &&
	    is_slash(p[i + 2]))
		n = i + 3;
	else if (len >= 2 && is_slash(p[0]) && is_slash(p[1]))
		n = 2;
	while (n > 0 && n < len && is_slash(p[n]))
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

	while (len > 0 && is_slash(p[0]))
		p++, len--;
	while (n < len && !is_slash(p[n]) && p[n] != '?' && p[n] != '#')
		n++;
	for (size_t i = n; i < len && p[i] != '?' && p[i] != '#'; i++)
		if (!is_slash(p[i]))
			return false; /* a second segment */
	if (n < len && memchr(p, '?', len) != NULL && n == 0)
		return false; /* "/?id=" names something */
	if (n == 0 || (n == 2 && is_alnum(p[0]) && is_alnum(p[1])))
		return true;
	if (n == 5 && (p[2] == '-' || p[2] == '_'))
		return true;
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		if (n == strlen(plain[i]) && has_prefix(p, n, plain[i]))
			return true;
	return false;
}

/* Splits the first address of the text into host and path. */
static void
locate(struct address *a, const char *p, size_t len)
{
	size_t n, end, at, schemes = 0;

	while ((n = scheme(p, len)) > 0)
		p += n, len -= n, schemes++;
	for (end = 0; end < len && !is_slash(p[end]) && p[end] != '?' && p[end] != '#';
	     end++)
		;
	/* userinfo ends at the last @ before the path (RFC 3986 section 3.2.1) */
	for (at = end; at > 0 && p[at - 1] != '@'; at--)
		;
	a->from_mailbox = at > 0 && (schemes == 0 || len > 0);
	for (n = at; n < end && !is_space(p[n]) && !among(p[n], ",;|<>\""); n++)
		;
	a->host = p + at;
	a->host_len = n - at;
	a->path = p + end;
	a->path_len = n == end ? len - end : 0;
	a->has_path = n == end && !is_plain_path(p + end, len - end);
}

/* A mailbox list: only the first address counts. */
static size_t
first_mailbox(const char *p, size_t len)
{
	const char *at = memchr(p, '@', len);
	size_t n;

	if (at == NULL)
		return len;
	for (n = (size_t)(at - p); n < len && !is_space(p[n]) && !among(p[n], ",;|>");
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
		if (!is_alnum(*p) && *p != '_' && (*p != '-' || label == 0))
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
			out[i] = lower(host[i]);
		out[len] = '\0';
	}
	return strlen(out) > HOST_MAX ? OV_DROP_TOO_LONG : check_labels(out);
}

/* --- from host to token --- */

static const char *
parent(const char *host)
{
	const char *dot = strchr(host, '.');

	return dot != NULL ? dot + 1 : NULL;
}

static bool
is_free_mail(const struct ov_hosts *h, const char *host)
{
	for (; host != NULL; host = parent(host))
		if (ov_table_get(&h->free_mail, host, strlen(host), NULL))
			return true;
	return false;
}

/* The longest listed name that host is or stands under; NULL if none. */
static const char *
shared_site(const struct ov_hosts *h, const char *host, enum sharing *mode)
{
	uint64_t m;

	for (; host != NULL; host = parent(host))
		if (ov_table_get(&h->shared, host, strlen(host), &m)) {
			*mode = (enum sharing)m;
			return host;
		}
	return NULL;
}

bool
ov_domain_is_lent(const struct ov_hosts *h, const char *domain)
{
	enum sharing mode;
	const char *site = shared_site(h, domain, &mode);

	return site != NULL && site != domain && mode != SHARE_CAMPUS &&
	       mode != SHARE_HOST;
}

/* What the one label in front of the site says. */
static enum label
label_of(const struct ov_hosts *h, const char *host, const char *site)
{
	size_t n = (size_t)(site - host);
	uint64_t label;

	/* n counts the label's dot */
	if (n <= 1 || memchr(host, '.', n - 1) != NULL ||
	    !ov_table_get(&h->labels, host, n - 1, &label))
		return LABEL_USER;
	return (enum label)label;
}

/* "/en/locations/boise": the page of one of many, in the first segments. */
static bool
is_unit_page(const struct ov_hosts *h, const char *path, size_t len)
{
	char word[32];
	size_t segments = 0, n = 0;

	for (size_t i = 0; i < len && segments < 4; i++) {
		if (path[i] == '?' || path[i] == '#')
			return false;
		if (!is_slash(path[i])) {
			if (n < sizeof(word))
				word[n] = lower(path[i]);
			n++;
			continue;
		}
		segments++;
		/* what follows is which one */
		if (n > 0 && n <= sizeof(word) && i + 1 < len &&
		    !among(path[i + 1], "/\\?#") &&
		    ov_table_get(&h->units, word, n, NULL))
			return true;
		n = 0;
	}
	return false;
}

enum choice { USE_REGISTRABLE, USE_HOST, USE_NOTHING };

/* Who works at a department is still of the university. */
static enum choice
choose_on_campus(
    const struct ov_hosts *h, const char *host, const char *suffix, bool mail)
{
	const char *registered = suffix;

	if (mail || registered == host)
		return USE_REGISTRABLE;
	for (registered--; registered > host && registered[-1] != '.'; registered--)
		;
	return registered == host || label_of(h, host, registered) == LABEL_OPERATOR
		   ? USE_REGISTRABLE
		   : USE_HOST;
}

static enum choice
choose(const struct ov_hosts *h, const char *host, const struct address *a)
{
	const enum choice by_path = a->has_path ? USE_NOTHING : USE_REGISTRABLE;
	enum sharing mode;
	const char *site = shared_site(h, host, &mode);
	enum label label;

	if (is_unit_page(h, a->path, a->path_len))
		return USE_NOTHING;
	if (site == NULL)
		return USE_REGISTRABLE;
	label = site == host ? LABEL_OPERATOR : label_of(h, host, site);
	switch (mode) {
	case SHARE_OWN:
		return USE_REGISTRABLE;
	case SHARE_NEVER:
		return USE_NOTHING;
	case SHARE_CAMPUS:
		return choose_on_campus(h, host, site, a->from_mailbox);
	case SHARE_PATH:
		return by_path;
	case SHARE_HOST:
		return site == host ? by_path : USE_REGISTRABLE;
	case SHARE_BOTH:
		return label == LABEL_USER ? USE_HOST : by_path;
	case SHARE_SUBDOMAIN:
		return label == LABEL_USER     ? USE_HOST
		       : label == LABEL_PORTAL ? by_path
					       : USE_REGISTRABLE;
	}
	return USE_REGISTRABLE;
}

/* www.gov.uk is not a company called www; www.com is one. */
static const char *
without_www(const char *host)
{
	while (has_prefix(host, strlen(host), "www.") && strchr(host + 4, '.') != NULL)
		host += 4;
	return host;
}

/* Public suffixes that are accounts: all that a company declared (github.io is
 * GitHub's), and those of registries that are listed (gov.uk). */
static enum ov_drop
suffix_account(
    const struct ov_hosts *h, const char **token, const char *host, enum ov_suffix kind)
{
	if (kind == OV_SUFFIX_ICANN &&
	    !ov_table_get(&h->suffix_accounts, host, strlen(host), NULL))
		return OV_DROP_PUBLIC_SUFFIX;
	*token = host;
	return OV_DROP_NONE;
}

static enum ov_drop
pick(const struct ov_profile *p, const char **token, const char *host,
    const struct address *a)
{
	const char *registrable;
	enum ov_suffix kind;
	enum choice use;

	host = without_www(host);
	kind = ov_suffix_of(p->suffixes, host, &registrable);
	if (kind == OV_SUFFIX_UNKNOWN)
		return OV_DROP_UNKNOWN_TLD;
	use = choose(p->hosts, host, a);
	if (use == USE_NOTHING)
		return OV_DROP_SHARED_HOST;
	*token = host;
	if (use == USE_HOST)
		return OV_DROP_NONE;
	if (kind != OV_SUFFIX_BELOW)
		return suffix_account(p->hosts, token, host, kind);
	*token = without_www(registrable);
	if (*token != registrable) /* x.www.gov.uk */
		return suffix_account(p->hosts, token, *token,
		    ov_suffix_of(p->suffixes, *token, &registrable));
	/* a registered name has letters, digits and hyphens only */
	return strchr(*token, '_') != NULL ? OV_DROP_MALFORMED : OV_DROP_NONE;
}

enum ov_drop
ov_normalise_domain(const struct ov_profile *p, char out[OV_TOKEN_VALUE_CAP],
    const char *in, size_t len, enum ov_domain_source source)
{
	char host[OV_TOKEN_VALUE_CAP];
	const char *token = NULL;
	struct address a;
	enum ov_drop why;

	out[0] = '\0';
	trim(&in, &len);
	if (len == 0)
		return OV_DROP_EMPTY;
	if (len > URL_MAX)
		return OV_DROP_TOO_LONG;
	if (has_control(in, len))
		return OV_DROP_CONTROL;
	if (source == OV_FROM_EMAIL)
		len = first_mailbox(in, len);
	locate(&a, in, len);
	a.from_mailbox = a.from_mailbox || source == OV_FROM_EMAIL;
	why = to_ascii(host, a.host, a.host_len);
	if (why != OV_DROP_NONE)
		return why;
	why = pick(p, &token, host, &a);
	if (why != OV_DROP_NONE)
		return why;
	if (a.from_mailbox && is_free_mail(p->hosts, host))
		return OV_DROP_FREE_MAIL;
	memcpy(out, token, strlen(token) + 1);
	return OV_DROP_NONE;
}
