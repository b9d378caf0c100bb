/* normalise.h - one spelling for each domain, company name, country and registry id.
 *
 * Two partners find a common account only where both reach the same bytes, so
 * the rules are open and versioned, and the lists they read are those of the
 * release, compiled in, never the system's.  A profile names a set of rules
 * and lists; both sides of a job use the same one (PROTOCOL.md 7.10).
 *
 * All functions are pure, use no network, and may be called from any thread
 * after ov_normalise_init().  Applying one to its own output changes nothing (of
 * ov_normalise_name_country: to the name in its output).
 * An output is never empty, holds no byte below 0x20, is valid UTF-8 and ends
 * with NUL.  When a value is dropped the output is the empty string.
 * Inputs are UTF-8 without NUL, borrowed, of any length.
 */
#ifndef OV_CLIENT_NORMALISE_NORMALISE_H
#define OV_CLIENT_NORMALISE_NORMALISE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/normalise/kinship.h"
#include "common/status.h"

#define OV_TOKEN_VALUE_MAX 255			    /* bytes, without the NUL */
#define OV_TOKEN_VALUE_CAP (OV_TOKEN_VALUE_MAX + 1) /* what every `out` holds */
#define OV_COUNTRY_CAP 3
#define OV_PROFILE_DIGEST_LEN 64

/* Why a value makes no token.  The numbers are stored in books: append only. */
enum ov_drop {
	OV_DROP_NONE = 0,
	OV_DROP_EMPTY,
	OV_DROP_CONTROL,
	OV_DROP_ENCODING,
	OV_DROP_TOO_LONG,
	OV_DROP_MALFORMED,
	OV_DROP_IP_LITERAL,
	OV_DROP_UNKNOWN_TLD,
	OV_DROP_PUBLIC_SUFFIX,
	OV_DROP_SHARED_HOST,
	OV_DROP_FREE_MAIL,
	OV_DROP_BAD_CHECKSUM,
	OV_DROP_PLACEHOLDER,
	OV_DROP_NO_COUNTRY,
	OV_DROP_UNKNOWN_COUNTRY,
	OV_DROP_NO_EXCHANGE,
	OV_DROP_UNKNOWN_EXCHANGE,
	OV_DROP_NOT_IN_PROFILE,
	OV_DROP_COMMON_NAME,
	OV_DROP_COUNT
};

/* One sentence for the owner of the account.  Never NULL. */
const char *ov_drop_text(enum ov_drop why);

/* --- profiles --- */

/* Rules and lists under one name.  A release ships the current profile and the one before
 * it, so that partners need not upgrade on one day. */
struct ov_profile;

/* Loads the compiled-in lists, once; may be called again.  Call before threads
 * start.  OV_E_NOMEM, or OV_E_BUG if a list does not parse.  ov_normalise_fini
 * gives the memory back (for leak checkers; a program may just end). */
OV_MUST_CHECK enum ov_status ov_normalise_init(void);
void ov_normalise_fini(void);

/* Profiles of this release, current first; NULL from n on. */
const struct ov_profile *ov_profile_at(size_t n);
const struct ov_profile *ov_profile_current(void);
/* NULL: this release does not have it. */
const struct ov_profile *ov_profile_by_id(const char *id);
const struct ov_profile *ov_profile_by_digest(
    const uint8_t digest[OV_PROFILE_DIGEST_LEN]);

const char *ov_profile_id(const struct ov_profile *p); /* "ov-norm-2" */
/* SHA-512 over lv(id), then for each list lv(file name) lv(SHA-512 of the file), in the
 * order of lists.def.  Valid after ov_normalise_init. */
const uint8_t *ov_profile_digest(const struct ov_profile *p);

/* --- rules, each by the profile p --- */

enum ov_domain_source { OV_FROM_WEBSITE, OV_FROM_EMAIL };

/* The registrable domain, in ASCII (A-labels), of a web address, host name or
 * e-mail address.  Hosts that many companies share give the full host where
 * each has one of its own, else OV_DROP_SHARED_HOST.  Free-mail domains are
 * dropped where they come from an e-mail address. */
enum ov_drop ov_normalise_domain(const struct ov_profile *p, char out[OV_TOKEN_VALUE_CAP],
    const char *in, size_t len, enum ov_domain_source source);

/* As ov_normalise_domain, of the website of an account of that name.  On a site of
 * another name the address may give it a place: a host that tells the name is the value
 * ("acme.builder.example"), a path that does is OV_DROP_SHARED_HOST
 * ("guide.example/shops/acme"); and the site that users share is its operator's alone,
 * as a free-mail domain is (OV_DROP_FREE_MAIL).
 * ov-norm-1: as ov_normalise_domain. */
enum ov_drop ov_normalise_site(const struct ov_profile *p, char out[OV_TOKEN_VALUE_CAP],
    const char *in, size_t len, const struct ov_kin_name *who);

/* A company name without case, marks, spaces, punctuation and legal form: lists differ
 * in where they part words ("JP Morgan", "JPMorgan").  cc: the account's country (alpha-2
 * as ov_normalise_country gives it) or NULL; short legal forms that are words elsewhere
 * go only where the country agrees.  A bare-name token is made with NULL on both sides,
 * whatever the country. */
enum ov_drop ov_normalise_name(const struct ov_profile *p, char out[OV_TOKEN_VALUE_CAP],
    const char *in, size_t len, const char *cc);

/* Who may be called so. */
enum ov_bearers {
	OV_BEARER_ONE,
	OV_BEARER_SEVERAL, /* "Summit", "Oak County": on one site it is not who it is on
			      another */
	OV_BEARER_MANY	   /* "First National Bank" */
};

/* What a name says beside its value, for merging rows of one book. */
struct ov_name_signs {
	char written[OV_TOKEN_VALUE_CAP]; /* its words without form, as they are written:
					     what a domain may begin with */
	char kind[8]; /* of legal form, where two kinds are two companies ("ag", "gmbh");
			 else "": "inc", "ltd" and the like are left out and mixed up */
	char initials[16]; /* of a name of two words or more ("ibm"), else "" */
	bool is_unit;	   /* a fund ("Growth Fund", "Partners IV") or a branch ("4521"):
			      one of many of a house */
	/* How it is spelt: its words as written, with the forms behind them, up to the
	 * last that fits; after which letter each ends (bit 0: the first); and where the
	 * name is whole without forms.  own is 0 if the name does not fit. */
	char spelt[64];
	uint64_t ends;
	uint8_t own;
	enum ov_bearers bearers;
};

/* As ov_normalise_name; signs may be NULL. */
enum ov_drop ov_normalise_name_signs(const struct ov_profile *p,
    char out[OV_TOKEN_VALUE_CAP], struct ov_name_signs *signs, const char *in, size_t len,
    const char *cc);

/* Whether the domain is a name's own, by which it is known best: its words or initials,
 * and .com or the ending of the country (cc, or NULL). */
bool ov_is_own_domain(
    const char *domain, const struct ov_name_signs *signs, const char *cc);

/* The names of one company that a cell holds: its own first, then what brackets,
 * "formerly" or a slash tell ("Meta (formerly Facebook)", "Acme d/b/a Widgets",
 * "Optilly/Monetizer"). Parts of in; returns their number, 1 or more. */
#define OV_NAMES_MAX 4
struct ov_name_part {
	const char *p;
	size_t len;
};
size_t ov_normalise_names(const struct ov_profile *p,
    struct ov_name_part out[OV_NAMES_MAX], const char *in, size_t len);

/* The other name that a website tells: a longer one ("True Link" at
 * truelinkfinancial.com), where there is a country the first words ("Capital One
 * Financial" at capitalone.com), the beginnings of all words, of 3 letters or more
 * ("Westinghouse Air Brake" at wab.com, "wabrake.com"), or the word of which many are
 * called that the site is named by ("Summit Systems" at summit.com).  domain: a value of
 * ov_normalise_domain; signs: of the name. OV_DROP_EMPTY if it tells none. */
enum ov_drop ov_normalise_label_name(const struct ov_profile *p,
    char out[OV_TOKEN_VALUE_CAP], const char *domain, const struct ov_name_signs *signs,
    const char *cc);

/* ISO 3166-1 alpha-2 of a name, code or alias in any of many languages. */
enum ov_drop ov_normalise_country(
    const struct ov_profile *p, char out[OV_COUNTRY_CAP], const char *in, size_t len);

/* The name+country value "CC name".  cc as ov_normalise_country gives it;
 * NULL or "" is OV_DROP_NO_COUNTRY. */
enum ov_drop ov_normalise_name_country(const struct ov_profile *p,
    char out[OV_TOKEN_VALUE_CAP], const char *in, size_t len, const char *cc);

/* Legal Entity Identifier (ISO 17442): 20 characters, checked mod 97-10. */
enum ov_drop ov_normalise_lei(
    const struct ov_profile *p, char out[OV_TOKEN_VALUE_CAP], const char *in, size_t len);
/* SEC Central Index Key: up to 10 digits, without leading zeros. */
enum ov_drop ov_normalise_cik(
    const struct ov_profile *p, char out[OV_TOKEN_VALUE_CAP], const char *in, size_t len);
/* D-U-N-S: 9 digits; leading zeros that a spreadsheet ate are put back. */
enum ov_drop ov_normalise_duns(
    const struct ov_profile *p, char out[OV_TOKEN_VALUE_CAP], const char *in, size_t len);
/* VAT identification number with its country prefix, by the shapes of the
 * member states (and GB, XI, CH, NO).  cc, or NULL, gives a missing prefix. */
enum ov_drop ov_normalise_vat(const struct ov_profile *p, char out[OV_TOKEN_VALUE_CAP],
    const char *in, size_t len, const char *cc);

/* An identifier of a scheme that the partners agreed on: folded as a name is, in upper
 * case, without spaces, at most OV_SCHEME_VALUE_MAX bytes.  Of OV_SCHEME_TICKER it is
 * "EXCHANGE:SYMBOL", and comes out with the exchange as its ISO 10383 code (MIC) and the
 * class of share behind a dot: "XNYS:BRK.B".  ov-norm-1 knows none:
 * OV_DROP_NOT_IN_PROFILE. */
#define OV_SCHEME_TICKER "ticker"
#define OV_SCHEME_VALUE_MAX 64
enum ov_drop ov_normalise_scheme_id(const struct ov_profile *p,
    char out[OV_TOKEN_VALUE_CAP], const char *scheme, const char *in, size_t len);

#endif /* OV_CLIENT_NORMALISE_NORMALISE_H */
