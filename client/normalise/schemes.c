/* schemes.c - identifiers that are of no register: of schemes that partners agree on, and
 * tickers (ov_normalise_scheme_id). */
#include <stdbool.h>
#include <string.h>

#include "client/normalise/normalise.h"
#include "client/normalise/profile.h"
#include "client/normalise/unicode.h"

#define SYMBOL_MAX 16
#define EXCHANGE_MAX 64

/* What people write, capital letters and digits alone, and the operating market's code of
 * ISO 10383.  Tiers of one market are one: nobody lists a symbol twice in it.  Letters
 * that several markets go by (TSE, BSE, NSE, CSE, ISE, SSE) are none. */
static const struct {
	char name[32], mic[5];
} exchanges[] = { { "NYSE", "XNYS" }, { "NEWYORKSTOCKEXCHANGE", "XNYS" },
	{ "NASDAQ", "XNAS" }, { "NASDAQGS", "XNAS" }, { "NASDAQGM", "XNAS" },
	{ "NASDAQCM", "XNAS" }, { "XNGS", "XNAS" }, { "XNMS", "XNAS" },
	{ "XNCM", "XNAS" }, { "NASDAQGLOBALSELECTMARKET", "XNAS" },
	{ "NASDAQGLOBALSELECT", "XNAS" }, { "NASDAQGLOBALMARKET", "XNAS" },
	{ "NASDAQCAPITALMARKET", "XNAS" }, { "NASDAQSTOCKMARKET", "XNAS" },
	{ "NYSEAMERICAN", "XASE" }, { "NYSEMKT", "XASE" }, { "AMEX", "XASE" },
	{ "NYSEARCA", "ARCX" }, { "ARCA", "ARCX" }, { "ARCX", "ARCX" },
	{ "CBOE", "BATS" }, { "BATS", "BATS" }, { "TSX", "XTSE" },
	{ "TORONTOSTOCKEXCHANGE", "XTSE" }, { "TSXV", "XTSX" }, { "TSXVENTURE", "XTSX" },
	{ "LSE", "XLON" }, { "LON", "XLON" }, { "LONDONSTOCKEXCHANGE", "XLON" },
	{ "AIM", "XLON" }, { "XETRA", "XETR" }, { "ETR", "XETR" }, { "FRA", "XFRA" },
	{ "FRANKFURT", "XFRA" }, { "EURONEXTPARIS", "XPAR" }, { "EPA", "XPAR" },
	{ "PARIS", "XPAR" }, { "EURONEXTAMSTERDAM", "XAMS" }, { "AMS", "XAMS" },
	{ "AMSTERDAM", "XAMS" }, { "EURONEXTBRUSSELS", "XBRU" }, { "EBR", "XBRU" },
	{ "BRUSSELS", "XBRU" }, { "EURONEXTLISBON", "XLIS" }, { "ELI", "XLIS" },
	{ "LISBON", "XLIS" }, { "EURONEXTDUBLIN", "XDUB" }, { "EURONEXTOSLO", "XOSL" },
	{ "OSLOBORS", "XOSL" }, { "EURONEXTMILAN", "XMIL" }, { "BORSAITALIANA", "XMIL" },
	{ "BIT", "XMIL" }, { "MTAA", "XMIL" }, { "BME", "XMAD" }, { "MADRID", "XMAD" },
	{ "SIX", "XSWX" }, { "SWX", "XSWX" }, { "VTX", "XSWX" },
	{ "SIXSWISSEXCHANGE", "XSWX" }, { "VIE", "XWBO" }, { "WSE", "XWAR" },
	{ "NASDAQSTOCKHOLM", "XSTO" }, { "STO", "XSTO" }, { "NASDAQCOPENHAGEN", "XCSE" },
	{ "CPH", "XCSE" }, { "NASDAQHELSINKI", "XHEL" }, { "HEL", "XHEL" },
	{ "ASX", "XASX" }, { "NZX", "XNZE" }, { "HKEX", "XHKG" }, { "SEHK", "XHKG" },
	{ "HKG", "XHKG" }, { "TYO", "XTKS" }, { "JPX", "XTKS" },
	{ "TOKYOSTOCKEXCHANGE", "XTKS" }, { "SHA", "XSHG" }, { "SZSE", "XSHE" },
	{ "SHE", "XSHE" }, { "KRX", "XKRX" }, { "KOSDAQ", "XKOS" }, { "TWSE", "XTAI" },
	{ "SGX", "XSES" }, { "IDX", "XIDX" }, { "BURSAMALAYSIA", "XKLS" },
	{ "JSE", "XJSE" }, { "TASE", "XTAE" }, { "B3", "BVMF" }, { "BVMF", "BVMF" },
	{ "BMV", "XMEX" } };

static bool
is_alnum(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* Without spaces, ASCII letters in upper case; in place. */
static size_t
squeeze(char *text, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (c == ' ' || (c >= '\t' && c <= '\r'))
			continue;
		text[n++] = c >= 'a' && c <= 'z' ? (char)(c - ('a' - 'A')) : c;
	}
	text[n] = '\0';
	return n;
}

/* What people and programs write where there is nothing: letters or digits are in every
 * value, and one of zeros alone is none. */
static bool
is_filler(const char *text, size_t n)
{
	static const char *const words[] = { "N/A", "#N/A", "NA", "NONE", "NULL", "NIL",
		"NAN", "UNKNOWN", "TBD", "TBA", "#REF!", "#VALUE!", "#NAME?", "PRIVATE",
		"UNLISTED" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(text, words[i]) == 0)
			return true;
	for (size_t i = 0; i < n; i++)
		if ((uint8_t)text[i] >= 0x80 || (is_alnum(text[i]) && text[i] != '0'))
			return false;
	return true;
}

/* Spaces between syllables may have kept them apart: what closed up is folded again. */
static enum ov_drop
fold(char out[OV_FOLDED_CAP], size_t *n, const char *in, size_t len)
{
	char once[OV_FOLDED_CAP];
	enum ov_drop why = ov_unicode_fold(once, n, in, len);

	if (why != OV_DROP_NONE)
		return why;
	if ((*n = squeeze(once, *n)) > OV_TEXT_MAX)
		return OV_DROP_TOO_LONG;
	why = ov_unicode_fold(out, n, once, *n);
	*n = squeeze(out, why == OV_DROP_NONE ? *n : 0);
	return why != OV_DROP_NONE ? why : *n == 0 ? OV_DROP_EMPTY : OV_DROP_NONE;
}

/* --- tickers --- */

/* The code of the exchange that the text names; one that looks like a code is taken as it
 * is. */
static bool
find_exchange(char mic[5], const char *text, size_t len)
{
	char name[EXCHANGE_MAX + 1];
	size_t n = 0;

	for (size_t i = 0; i < len && n < EXCHANGE_MAX; i++)
		if (is_alnum(text[i]))
			name[n++] = text[i];
	name[n] = '\0';
	for (size_t i = 0; i < sizeof(exchanges) / sizeof(exchanges[0]); i++)
		if (strcmp(exchanges[i].name, name) == 0) {
			memcpy(mic, exchanges[i].mic, 5);
			return true;
		}
	if (n != 4 || name[0] != 'X')
		return false;
	memcpy(mic, name, 5);
	return true;
}

/* "BRK.B", "BRK-B", "BRK/B" and "BRK B" are one. */
static enum ov_drop
add_symbol(char *out, const char *text, size_t len)
{
	char symbol[SYMBOL_MAX + 1];
	bool parted = false;
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		if (strchr(" .-/", text[i]) != NULL) {
			parted = n > 0;
			continue;
		}
		if (!is_alnum(text[i]))
			return OV_DROP_MALFORMED;
		if (n + parted + 1 > SYMBOL_MAX)
			return OV_DROP_TOO_LONG;
		if (parted)
			symbol[n++] = '.';
		symbol[n++] = text[i];
		parted = false;
	}
	if (n == 0)
		return OV_DROP_EMPTY;
	memcpy(out, symbol, n);
	out[n] = '\0';
	return OV_DROP_NONE;
}

static enum ov_drop
ticker(char out[OV_TOKEN_VALUE_CAP], char *text, size_t len)
{
	char squeezed[OV_FOLDED_CAP], mic[5];
	const char *colon = memchr(text, ':', len);
	size_t at = colon != NULL ? (size_t)(colon - text) : 0, n;
	const char *symbol = colon != NULL ? colon + 1 : text;
	enum ov_drop why;

	len -= (size_t)(symbol - text);
	memcpy(squeezed, symbol, len);
	n = squeeze(squeezed, len);
	/* NA is a bank's */
	if (n > 0 && strcmp(squeezed, "NA") != 0 && is_filler(squeezed, n))
		return OV_DROP_PLACEHOLDER;
	why = add_symbol(out + 5, symbol, len);
	if (why == OV_DROP_NONE && at == 0)
		why = OV_DROP_NO_EXCHANGE;
	if (why == OV_DROP_NONE && !find_exchange(mic, text, at))
		why = OV_DROP_UNKNOWN_EXCHANGE;
	if (why != OV_DROP_NONE) {
		out[0] = '\0';
		return why;
	}
	memcpy(out, mic, 4);
	out[4] = ':';
	return OV_DROP_NONE;
}

/* Its spaces count: they part a symbol from its class. */
static enum ov_drop
fold_ticker(char out[OV_TOKEN_VALUE_CAP], const char *in, size_t len)
{
	char text[OV_FOLDED_CAP];
	size_t n;
	enum ov_drop why = ov_unicode_fold(text, &n, in, len);

	if (why != OV_DROP_NONE)
		return why;
	for (size_t i = 0; i < n; i++)
		if (text[i] >= 'a' && text[i] <= 'z')
			text[i] = (char)(text[i] - ('a' - 'A'));
	return ticker(out, text, n);
}

enum ov_drop
ov_normalise_scheme_id(const struct ov_profile *p, char out[OV_TOKEN_VALUE_CAP],
    const char *scheme, const char *in, size_t len)
{
	char text[OV_FOLDED_CAP];
	enum ov_drop why;
	size_t n;

	out[0] = '\0';
	if (p->rules < 2)
		return OV_DROP_NOT_IN_PROFILE;
	if (strcmp(scheme, OV_SCHEME_TICKER) == 0)
		return fold_ticker(out, in, len);
	why = fold(text, &n, in, len);
	if (why != OV_DROP_NONE)
		return why;
	if (n > OV_SCHEME_VALUE_MAX)
		return OV_DROP_TOO_LONG;
	if (is_filler(text, n))
		return OV_DROP_PLACEHOLDER;
	memcpy(out, text, n + 1);
	return OV_DROP_NONE;
}
