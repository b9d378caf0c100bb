#include "client/normalise/domain.h"

#include <string.h>
#include <strings.h>

#include "client/normalise/address.h"
#include "client/normalise/ascii.h"
#include "client/normalise/normalise.h"
#include "client/normalise/profile.h"
#include "client/normalise/suffix.h"

/* Letters of a name by which an address tells it by no accident: the whole, and the
 * beginning in a host or a path. */
#define PLACE_SAME_MIN 5
#define PLACE_HOST_MIN 4
#define PLACE_PATH_MIN 6

/* How a shared site gives each of its users a place (shared_hosts.txt). */
enum sharing {
	SHARE_SUBDOMAIN, /* a host of its own: it names the user */
	SHARE_PATH,	 /* a path: with one, nothing names the user */
	SHARE_BOTH,	 /* either */
	SHARE_NEVER,	 /* nothing here is anybody's */
	SHARE_OWN,	 /* the operator's own pages under a shared site */
	SHARE_HOST,	 /* a path of this very host */
	SHARE_CAMPUS,	 /* a suffix: hosts below a registered name are departments */
	SHARE_FILLER	 /* as never: typed where there is nothing */
};
#define SHARINGS 8

/* First labels of hosts under a shared site. */
enum label { LABEL_USER, LABEL_OPERATOR, LABEL_PORTAL };

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
		"own", "host", "campus", "filler" };
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
		if (!ov_is_slash(path[i])) {
			if (n < sizeof(word))
				word[n] = ov_lower(path[i]);
			n++;
			continue;
		}
		segments++;
		/* what follows is which one */
		if (n > 0 && n <= sizeof(word) && i + 1 < len &&
		    !ov_among(path[i + 1], "/\\?#") &&
		    ov_table_get(&h->units, word, n, NULL))
			return true;
		n = 0;
	}
	return false;
}

static bool
ends_with(const char *p, size_t len, const char *word)
{
	size_t n = strlen(word);

	return len > n && strncasecmp(p + len - n, word, n) == 0;
}

/* "/~jane/" */
static bool
is_users_page(const char *path, size_t len)
{
	return len > 2 && ov_is_slash(path[0]) && path[1] == '~';
}

/* "/qqq-etf/", "/us/growth-fund" */
static bool
is_fund_page(const char *path, size_t len)
{
	size_t n, end;

	for (end = 0; end < len && !ov_among(path[end], "?#"); end++)
		;
	for (size_t i = 0; i < end; i += n + 1) {
		for (n = 0; i + n < end && !ov_is_slash(path[i + n]); n++)
			;
		if (ends_with(path + i, n, "-etf") || ends_with(path + i, n, "-fund"))
			return true;
	}
	return false;
}

/* "agents.insurer.com/jane-roe": a host whose paths lead to one of many. */
static bool
is_unit_host(const struct ov_hosts *h, const char *host, const char *registrable,
    const struct ov_address *a)
{
	const size_t n = strcspn(host, ".");

	return a->has_path && registrable != NULL && registrable == host + n + 1 &&
	       ov_table_get(&h->units, host, n, NULL);
}

enum choice { USE_REGISTRABLE, USE_HOST, USE_NOTHING, USE_FILLER };

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
choose(const struct ov_hosts *h, const char *host, const struct ov_address *a)
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
	case SHARE_FILLER:
		return USE_FILLER;
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
	while (strncmp(host, "www.", 4) == 0 && strchr(host + 4, '.') != NULL)
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
    const struct ov_address *a)
{
	const char *registrable;
	enum ov_suffix kind;
	enum choice use;

	host = without_www(host);
	kind = ov_suffix_of(p->suffixes, host, &registrable);
	if (kind == OV_SUFFIX_UNKNOWN)
		return OV_DROP_UNKNOWN_TLD;
	use = choose(p->hosts, host, a);
	if (use == USE_FILLER)
		return OV_DROP_PLACEHOLDER;
	if (use == USE_NOTHING ||
	    (p->rules >= 2 && (is_unit_host(p->hosts, host, registrable, a) ||
				  is_fund_page(a->path, a->path_len) ||
				  is_users_page(a->path, a->path_len))))
		return OV_DROP_SHARED_HOST;
	*token = host;
	if (use == USE_HOST)
		return OV_DROP_NONE;
	if (kind == OV_SUFFIX_PRIVATE && p->rules >= 2 && a->has_path)
		return OV_DROP_SHARED_HOST; /* "s3.amazonaws.com/acme" */
	if (kind != OV_SUFFIX_BELOW)
		return suffix_account(p->hosts, token, host, kind);
	*token = without_www(registrable);
	if (*token != registrable) /* x.www.gov.uk */
		return suffix_account(p->hosts, token, *token,
		    ov_suffix_of(p->suffixes, *token, &registrable));
	/* a registered name has letters, digits and hyphens only */
	return strchr(*token, '_') != NULL ? OV_DROP_MALFORMED : OV_DROP_NONE;
}

static enum ov_drop
domain_of(
    const struct ov_profile *p, char out[OV_TOKEN_VALUE_CAP], const struct ov_address *a)
{
	const char *token = NULL;
	enum ov_drop why = pick(p, &token, a->host, a);

	if (why != OV_DROP_NONE)
		return why;
	if (a->from_mailbox && is_free_mail(p->hosts, a->host))
		return OV_DROP_FREE_MAIL;
	memcpy(out, token, strlen(token) + 1);
	return OV_DROP_NONE;
}

enum ov_drop
ov_normalise_domain(const struct ov_profile *p, char out[OV_TOKEN_VALUE_CAP],
    const char *in, size_t len, enum ov_domain_source source)
{
	struct ov_address a;
	enum ov_drop why;

	out[0] = '\0';
	why = ov_address_read(&a, in, len, source);
	return why != OV_DROP_NONE ? why : domain_of(p, out, &a);
}

/* --- an account on a site of another name --- */

/* One is the other, or begins with it for `least` letters. */
static bool
is_written_alike(const char *text, size_t len, const char *name, size_t least)
{
	char letters[OV_TOKEN_VALUE_CAP];
	size_t n = 0, name_len = strlen(name), shorter;

	for (size_t i = 0; i < len && n < sizeof(letters); i++)
		if (ov_is_alnum(text[i]))
			letters[n++] = ov_lower(text[i]);
	shorter = n < name_len ? n : name_len;
	if (n == name_len && n >= PLACE_SAME_MIN)
		return memcmp(letters, name, n) == 0;
	return shorter >= least && memcmp(letters, name, shorter) == 0;
}

/* Does one of the parts of the text say the name? */
static bool
is_told_in(
    const char *text, size_t len, const char *marks, const char *name, size_t least)
{
	size_t n;

	for (; len > 0; text += n, len -= n) {
		for (n = 0; n < len && !ov_among(text[n], marks); n++)
			;
		if (is_written_alike(text, n, name, least))
			return true;
		n += n < len;
	}
	return false;
}

/* A host of the account's own, in front of the domain: not one of those that every site
 * has. */
static bool
has_own_host(
    const struct ov_hosts *h, const char *host, const char *domain, const char *name)
{
	size_t n = strlen(host), front = n - strlen(domain);

	return n > front && front > 1 && front < n && strcmp(host + front, domain) == 0 &&
	       label_of(h, host, host + front) == LABEL_USER &&
	       is_told_in(host, front - 1, ".", name, PLACE_HOST_MIN);
}

/* "facebook.com" alone is nobody's but its operator's. */
static bool
is_of_operator(const struct ov_hosts *h, const char *domain)
{
	enum sharing mode;
	const char *site = shared_site(h, domain, &mode);

	return site == domain &&
	       (mode == SHARE_PATH || mode == SHARE_HOST || mode == SHARE_SUBDOMAIN);
}

/* A page that the path tells is of the name, or of what the name has beyond the domain's:
 * "subaru.com/retailers/reno-subaru", "siemens.com/energy" of "Siemens Energy". */
static bool
has_own_page(const struct ov_address *a, const char *domain, const char *name, bool near)
{
	static const char marks[] = "/\\?&=#.@:~!,;";
	const size_t n = strcspn(domain, ".");

	if (!near)
		return is_told_in(a->path, a->path_len, marks, name, PLACE_PATH_MIN);
	if (n >= strlen(name))
		return false;
	if (is_told_in(a->path, a->path_len, marks, name, SIZE_MAX))
		return true;
	return memcmp(name, domain, n) == 0 &&
	       is_told_in(a->path, a->path_len, marks, name + n, SIZE_MAX);
}

enum ov_drop
ov_normalise_site(const struct ov_profile *p, char out[OV_TOKEN_VALUE_CAP],
    const char *in, size_t len, const struct ov_kin_name *who)
{
	char name[OV_TOKEN_VALUE_CAP];
	struct ov_address a;
	const char *host;
	enum ov_drop why;
	bool near;

	out[0] = '\0';
	why = ov_address_read(&a, in, len, OV_FROM_WEBSITE);
	if (why == OV_DROP_NONE)
		why = domain_of(p, out, &a);
	if (why != OV_DROP_NONE || p->rules < 2 || who->written.len == 0 ||
	    who->written.len >= sizeof(name))
		return why;
	memcpy(name, who->written.p, who->written.len);
	name[who->written.len] = '\0';
	near = ov_kinship(who, OV_BYTES(out, strlen(out))) >= OV_KIN_NEAR;
	host = without_www(a.host);
	if (!near && has_own_host(p->hosts, host, out, name)) {
		memcpy(out, host, strlen(host) + 1);
		return OV_DROP_NONE;
	}
	if ((!near && is_of_operator(p->hosts, out)) ||
	    has_own_page(&a, out, name, near)) {
		out[0] = '\0';
		return OV_DROP_SHARED_HOST;
	}
	/* typed where there is no website */
	if (!near && is_free_mail(p->hosts, out)) {
		out[0] = '\0';
		return OV_DROP_FREE_MAIL;
	}
	return OV_DROP_NONE;
}
