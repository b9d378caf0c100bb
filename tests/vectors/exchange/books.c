#include "tests/vectors/exchange/books.h"

#include "proto/slots.h"

#define LEI(v)                                                                           \
	{                                                                                \
		OV_RANK_LEI, v                                                           \
	}
#define CIK(v)                                                                           \
	{                                                                                \
		OV_RANK_CIK, v                                                           \
	}
#define DUNS(v)                                                                          \
	{                                                                                \
		OV_RANK_DUNS, v                                                          \
	}
#define VAT(v)                                                                           \
	{                                                                                \
		OV_RANK_VAT, v                                                           \
	}
#define SCHEME(v)                                                                        \
	{                                                                                \
		OV_RANK_VAT, v                                                           \
	}
#define DOMAIN(v)                                                                        \
	{                                                                                \
		OV_RANK_DOMAIN, v                                                        \
	}
#define PLACE(v)                                                                         \
	{                                                                                \
		OV_RANK_NAME_COUNTRY, v                                                  \
	}
#define NAME(v)                                                                          \
	{                                                                                \
		OV_RANK_NAME, v                                                          \
	}

/* Each comment says what becomes of the record. */
static const struct book_record ada[] = {
	/* matches by its strongest key, over three shared ones */
	{ 1, OV_FIT_YES, OV_BAND_NONE,
	    { PLACE("DE acme"), DOMAIN("acme.de"), LEI("5493001KJTIIGC8Y1R12") } },
	/* matches by CIK; the names stand in other countries */
	{ 1, OV_FIT_NO, OV_BAND_NONE,
	    { CIK("0000320193"), DOMAIN("globex.com"), PLACE("US globex"),
		NAME("globex") } },
	/* both on one domain, under different LEIs: vetoed */
	{ 3, OV_FIT_YES, OV_BAND_NONE,
	    { LEI("529900T8BM49AURSDO55"), DOMAIN("umbrella.com") } },
	/* the same with DUNS, which both let veto */
	{ 3, OV_FIT_UNKNOWN, OV_BAND_NONE, { DUNS("123456789"), DOMAIN("hooli.com") } },
	/* different VAT numbers veto nothing: matches by domain */
	{ 1, OV_FIT_UNKNOWN, OV_BAND_NONE,
	    { VAT("DE811907980"), DOMAIN("vandelay.com") } },
	/* two domains; the other side has them as two records: the one that shares two
	 * tags wins */
	{ 3, OV_FIT_NO, OV_BAND_NONE,
	    { DOMAIN("stark.com"), DOMAIN("stark.co.uk"), PLACE("US starkindustries") } },
	/* one bare name, two countries: vetoed */
	{ 1, OV_FIT_YES, OV_BAND_NONE, { PLACE("US wayne"), NAME("wayne") } },
	/* one bare name, two domains: vetoed */
	{ 1, OV_FIT_YES, OV_BAND_NONE, { DOMAIN("vector.dev"), NAME("vector") } },
	/* matches by bare name alone */
	{ 3, OV_FIT_YES, OV_BAND_NONE, { NAME("wonka") } },
	/* two of these compete for one record of the other side: equal but for the tag */
	{ 1, OV_FIT_YES, OV_BAND_NONE, { DOMAIN("tyrell.com") } },
	{ 3, OV_FIT_YES, OV_BAND_NONE, { DOMAIN("tyrell.net") } },
	/* counted only, on this side; the first by an identifier of a scheme */
	{ 2, OV_FIT_YES, OV_BAND_NONE,
	    { SCHEME("acme=P-1=2"), DOMAIN("cyberdyne.com"), PLACE("US cyberdyne") } },
	{ 2, OV_FIT_NO, OV_BAND_NONE, { DOMAIN("initech.com"), PLACE("US initech") } },
	{ 2, OV_FIT_UNKNOWN, OV_BAND_NONE,
	    { PLACE("JP \xe6\x97\xa5\xe7\xab\x8b"), NAME("hitachi") } },
	{ 4, OV_FIT_NO, OV_BAND_NONE, { DOMAIN("oceanic.example") } },
	{ 4, OV_FIT_YES, OV_BAND_NONE, { DOMAIN("virtucon.example"), NAME("virtucon") } },
	/* counted only, on the other side; the second one competes with a customer */
	{ 1, OV_FIT_YES, OV_BAND_NONE,
	    { DOMAIN("massive.example"), PLACE("GB massivedynamic") } },
	{ 1, OV_FIT_NO, OV_BAND_NONE, { DOMAIN("aperture.example") } },
	{ 1, OV_FIT_UNKNOWN, OV_BAND_NONE, { PLACE("GB blackmesa") } },
	/* alone: the other side has this identifier in another scheme */
	{ 3, OV_FIT_NO, OV_BAND_NONE,
	    { SCHEME("acme=P-7"), DOMAIN("soylent.com"), PLACE("US soylent") } },
};

static const struct book_record bob[] = {
	{ 2, OV_FIT_NO, OV_BAND_YES + 1,
	    { DOMAIN("acme.de"), LEI("5493001KJTIIGC8Y1R12"), PLACE("DE acme") } },
	{ 2, OV_FIT_YES, OV_BAND_NO,
	    { CIK("0000320193"), PLACE("CA globex"), NAME("globex") } },
	{ 2, OV_FIT_YES, OV_BAND_YES,
	    { LEI("213800WAVVOPS85N2205"), DOMAIN("umbrella.com") } },
	{ 2, OV_FIT_YES, OV_BAND_YES + 2, { DUNS("987654321"), DOMAIN("hooli.com") } },
	{ 2, OV_FIT_NO, OV_BAND_UNKNOWN, { VAT("DE136695976"), DOMAIN("vandelay.com") } },
	{ 2, OV_FIT_UNKNOWN, OV_BAND_YES + 8,
	    { DOMAIN("stark.com"), PLACE("US starkindustries") } },
	{ 1, OV_FIT_YES, OV_BAND_NO, { DOMAIN("stark.co.uk") } },
	{ 2, OV_FIT_YES, OV_BAND_YES + 1, { PLACE("GB wayne"), NAME("wayne") } },
	{ 2, OV_FIT_YES, OV_BAND_NO, { DOMAIN("getvector.ai"), NAME("vector") } },
	{ 2, OV_FIT_UNKNOWN, OV_BAND_NO, { NAME("wonka"), DUNS("555555555") } },
	{ 2, OV_FIT_NO, OV_BAND_YES + 2, { DOMAIN("tyrell.com"), DOMAIN("tyrell.net") } },
	{ 2, OV_FIT_YES, OV_BAND_YES,
	    { SCHEME("acme=P-1=2"), SCHEME("other=P-7"), VAT("FR40303265045") } },
	{ 1, OV_FIT_NO, OV_BAND_UNKNOWN, { DOMAIN("initech.com"), PLACE("US initech") } },
	{ 2, OV_FIT_YES, OV_BAND_YES + 1,
	    { PLACE("JP \xe6\x97\xa5\xe7\xab\x8b"), DOMAIN("hitachi.example") } },
	{ 1, OV_FIT_UNKNOWN, OV_BAND_NO,
	    { DOMAIN("massive.example"), PLACE("GB massivedynamic") } },
	{ 1, OV_FIT_YES, OV_BAND_YES,
	    { DOMAIN("aperture.example"), VAT("GB999999973") } },
	{ 1, OV_FIT_YES, OV_BAND_UNKNOWN,
	    { PLACE("GB blackmesa"), DOMAIN("blackmesa.example") } },
	{ 2, OV_FIT_NO, OV_BAND_NO, { DOMAIN("oceanic.example"), PLACE("AU oce=anic") } },
	{ 2, OV_FIT_UNKNOWN, OV_BAND_YES + 1, { NAME("virtucon") } },
	{ 1, OV_FIT_NO, OV_BAND_NO, { DOMAIN("oscorp.com") } },
};

/* Ada's criteria, and Bob's columns that they may be about: so Bob's records have bands.
 */
static const char criteria[] = "threshold: 2\nbands: {\"A\": 3}\ncriteria:\n"
			       "  [{column: \"country\", one_of: [\"DE\"], weight: 2},\n"
			       "  {column: \"employees\", exists: yes, weight: 1}]\n";
static const char columns[] = "\7country\11employees";

#define TEXT(s)                                                                          \
	{                                                                                \
		(const uint8_t *)(s), sizeof(s) - 1                                      \
	}
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

const struct company_book book_ada = { .records = ada,
	.n = COUNT(ada),
	.populations = { { "customers", OV_LEVEL_MATCHES }, { "open", OV_LEVEL_COUNTS },
	    { "prospects", OV_LEVEL_MATCHES }, { "former", OV_LEVEL_COUNTS } },
	.n_populations = 4,
	.grants = { .version = 1,
	    .fit = 1,
	    .name_only = 1,
	    .duns_veto = 1,
	    .slots = 4096,
	    .minimum_list = 10,
	    .runs = 31,
	    .epsilon_milli = 333,
	    .view_days = 28,
	    .year_epsilon_milli = 4333,
	    .minimum_count = 1,
	    .exact = 1,
	    .size = 8, /* the list has 20 records: half a step, up */
	    .icp = TEXT(criteria),
	    .shown_from = 20 } };

const struct company_book book_bob = { .records = bob,
	.n = COUNT(bob),
	.populations = { { "resellers", OV_LEVEL_COUNTS },
	    { "customers", OV_LEVEL_FIELDS } },
	.n_populations = 2,
	.grants = { .version = 1,
	    .reciprocal = 1,
	    .name_only = 1,
	    .duns_veto = 1,
	    .slots = 2048,
	    .minimum_list = 5,
	    .runs = 62,
	    .epsilon_milli = 1000,
	    .view_days = 14,
	    .year_epsilon_milli = 2000,
	    .minimum_count = 1,
	    .exact = 1,
	    .icp_columns = TEXT(columns),
	    .shown_from = 10 } };
