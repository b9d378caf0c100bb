/* Criteria of a partner: their form, numbers and countries as people write them, and what
 * is answered of a record. */
#include <string.h>
#include <strings.h>

#include "client/book/icp_asked.h"
#include "client/book/number.h"
#include "client/normalise/normalise.h"
#include "tests/vectors/exchange/scene.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* --- numbers --- */

static const char *const numbers[] = { "1000", "1,000", "1,234,567", "1.234.567",
	"1.234.567,89", "1,234,567.5", "1 234 567", "1'234'567", "1\u2019234",
	"1\u00a0234", "1\u202f234\u202f567", "1\u202f234\u2019567", "1.234", "1,234",
	"1,5", "1,50", "1,2345", "1.2", "0,123", "12,34,567", "1,2,3", "1,2,345",
	"1.2,3.4", "1,2.3,4", "1.2.3,4", "1,234.567,890", "1,234.567.890",
	"1 234 567,890", "1 234,567 890", "1.5 234", "1 23", "1' 234", "1..2", "1,,2",
	"1,", "1.", ".5", ",5", "007", "0", "-0", "-5", "- 5", "--5", "+5", "$5", "$-5",
	"-$5", "- $ 5", "$ - $ 5", "USD 5", "USD5", "USD $5", "$USD 5", "5USD", "5 USD",
	"5 $", "5\u20ac", "\u20ac 5", "\u00a35", "\u00a5 5", "US$ 7bn", "A$7", "C$7",
	"CA$7", "$$5", "$$$5", "usd 5", "USDX 5", "US 5", "EURO 5", "5 EURO", "5 EUR EUR",
	"1k", "1K", "1t", "1T", "1tsd", "1Tsd.", "1 thousand", "1 thousands", "1m", "1M",
	"1mm", "1MN", "1mio", "1 Mio.", "1 Mio..", "1mil", "1mill", "1million",
	"1 Millions", "1b", "1B", "1bn", "1mrd", "3 Mrd. EUR", "1md", "1bil", "1billion",
	"1billions", "1tn", "1Tn", "1trillion", "1trillions", "1kk", "1 k k", "2.5M",
	"2,5M", "1.005k", "1.1k", "8.2m", "0.0000001bn", "1.0000000000000000000001",
	"12345678901234567890123", "123456789012345678901234", "9007199254740993",
	"90071992547409.93", "51-200", "51 - 200", "51\u2013200", "51\u2014200",
	"51 to 200", "51 to200", "51to 200", "51 TO 200", "51 bis 200", "1-10M", "1k-10M",
	"1M-10", "500,000-1M", "$1M to $10M", "$1M - 10M USD", "-10--5", "-10 - -5",
	"-5--10", "10-5", "5-5", "5-", "5 - ", "-", "5-6-7", "5+", "5 +", "10,000+",
	"1M+", "5+ ", "5++", "5+6", "5+ EUR", "-5+", "\t5\v\f\r\n", "\u00a05\u00a0",
	"\u202f5", "\u20035", "\u0665", "\uff15", "5\uff0e5", "5\u00b2", "1e5", "1E5",
	"0x10", "5%", "~5", "<5", ">5", "5 employees", "12a", "a12", "NaN", "nan", "inf",
	"-inf", "Infinity", "none", "n/a", "N/A", "unknown", "-", "", " ", "$", "USD",
	"k", "1 000 EUR", "1 000 k", "EUR 1.000,50", "1.000.000,00 \u20ac",
	"\u20ac1,000,000.00", "(5)", "5;", "5\"" };

static void
add_number(struct ov_json *out, const char *text)
{
	struct ov_range r;
	uint8_t both[16];
	double end[2];

	if (!ov_number_read(&r, text, strlen(text))) {
		ov_json_text(out, NULL, "");
		return;
	}
	end[0] = r.low;
	end[1] = r.high;
	for (size_t i = 0; i < 2; i++) {
		uint64_t bits;

		memcpy(&bits, &end[i], sizeof(bits));
		ov_put64(both + 8 * i, bits);
	}
	HEX(out, NULL, both);
}

/* --- countries --- */

static const char *const countries[] = { "DE", "de", " Germany\t", "GERMANY",
	"Deutschland", "DEU", "276", "United States", "U.S.", "U. S. A.", "u s a", "US A",
	"USA", "Georgia, USA", "United States (US)", "US-CA", "US-CAL", "US-CALI",
	"DE-BY", "XX-DE", "FR/DE", "DE | FR", "[FR]", "-FR-", "C\u00f4te d\u2019Ivoire",
	"Cote d'Ivoire", "Cote dIvoire", "Cote d Ivoire", "Co\u0302te d\u00b4Ivoire",
	"\u00d6sterreich", "Osterreich", "Oesterreich", "T\u00fcrkiye", "Turkiye",
	"\u65e5\u672c", "\uff24\uff25", "Trinidad & Tobago", "Trinidad and Tobago",
	"Trinidad + Tobago", "Trinidad+Tobago", "Trinidad \uff06 Tobago", "Germany\u2122",
	"Ger\u00admany", "Ger`many", "Ger\u0300many", "Ger,many", "Danmark",
	"\u00d0anmark", "Germany\xc2\x85", "Germany\xc2\x85, FR", "Germany\x01",
	"Ger\nmany", "DE\n", "NA", "n/a", "N.A.", "n.a", "n\\a", "None", "-", "", " ",
	"Atlantis", "Atlantis, DE", "DE, Atlantis", "UK", "England", "EU",
	"The Netherlands", "P\u00f8land", "Ice\u0142and", "\u0110enmark", "\u00d0enmark",
	"Isr\u00e6l", "Far\u0153 Islands", "Ne\u00feerlands", "C\u0127ina", "Ch\u0131na",
	"New\tZealand", "New\rZealand", "New\u00aeZealand", "Cote d\u2032Ivoire",
	"Cote d\u02bcIvoire", "Germany\u3007", "DE-USA", "DE-PERU", "US-", " n/a\t",
	"\tN/A", "Georgia / USA" };

static void
add_country(struct ov_json *out, const char *text)
{
	char country[OV_COUNTRY_CAP];

	if (ov_normalise_country(ov_profile_current(), country, text, strlen(text)) !=
	    OV_DROP_NONE)
		country[0] = '\0';
	ov_json_text(out, NULL, country);
}

/* Of so many bytes, the first of which are one. */
#define COUNTRY_MAX 1024

static void
long_country(struct ov_json *in, struct ov_json *out, size_t len)
{
	char text[COUNTRY_MAX + 2] = { 0 };

	MUST(len < sizeof(text));
	memset(text, 'x', len);
	memcpy(text, "FR,", 3);
	ov_json_text(in, NULL, text);
	add_country(out, text);
}

/* --- form --- */

static const struct ov_shared_columns listed = { 24,
	{ "Industry", "employees", "COUNTRY", "Seats", "id:acme", "t", "type",
	    "lifecycle", "stage", "id", "name", "website", "email", "population", "lei",
	    "cik", "duns", "vat", "ticker", "exchange", "won", "lost", "closed",
	    "owner" } };

#define ONE(test) "threshold: 1\ncriteria:\n  [{" test ", weight: 1}]\n"
#define SEATS "column: \"Seats\", exists: yes"
#define TECH "column: \"T\", exists: no" /* short: 256 of it fit */
#define IN(group, part) group ": [{" part "}]"

static const char *const forms[] = { ONE(SEATS), ONE("column: \"seats\", exists: no"),
	ONE("column: \"Seats\", between: [\"1\", \"2.5M\"]"),
	ONE("column: \"Seats\", between: [\"5-6\", \"1-5\"]"),
	ONE("column: \"Seats\", between: [\"5\", \"5\"]"),
	ONE("column: \"Seats\", between: [\"5\", \"4\"]"),
	ONE("column: \"Seats\", between: [\"5-6\", \"1-4\"]"),
	ONE("column: \"Seats\", between: [\"5\", \"many\"]"),
	ONE("column: \"Seats\", between: [\"many\", \"5\"]"),
	ONE("column: \"Seats\", between: [\"5\"]"),
	ONE("column: \"Seats\", between: [\"5\", \"6\", \"7\"]"),
	ONE("column: \"Seats\", between: [5, 6]"),
	ONE("column: \"Seats\", one_of: [\"5\"]"),
	ONE("column: \"employees\", one_of: [\"5\"]"),
	ONE("column: \"industry\", one_of: [\"a\", \"b\"]"),
	ONE("column: \"country\", one_of: [\"DE\"]"),
	ONE("column: \"industry\", equals: \"a\""),
	ONE("column: \"industry\", between: [\"1\", \"2\"]"),
	ONE("column: \"industry\", one_of: []"),
	ONE("column: \"industry\", one_of: [\"\"]"),
	ONE("column: \"type\", one_of: [\"a\"]"),
	ONE("column: \"stage\", one_of: [\"a\"]"),
	ONE("column: \"lifecycle\", one_of: [\"a\"]"),
	ONE("column: \"name\", exists: yes"), ONE("column: \"\", exists: yes"),
	ONE("column: \"Seats\", exists: true"), ONE("column: \"Seats\", exists: Yes"),
	ONE("column: 'Seats', exists: yes"), ONE("column: Seats, exists: yes"),
	ONE("exists: yes, column: \"Seats\""), ONE("column:  \"Seats\", exists: yes"),
	ONE(SEATS ", required: yes"),
	"threshold: 1\ncriteria:\n  [{" SEATS ", weight: 1, required: yes}]\n",
	"threshold: 1\ncriteria:\n  [{" SEATS ", weight: 1, required: no}]\n",
	"threshold: 1\ncriteria:\n  [{" SEATS "}]\n",
	"threshold: 1\ncriteria:\n  [{" SEATS ", weight: 0}]\n",
	"threshold: 1\ncriteria:\n  [{" SEATS ", weight: 01}]\n",
	"threshold: 1\ncriteria:\n  [{" SEATS ", weight: 1000}]\n",
	"threshold: 1\ncriteria:\n  [{" SEATS ", weight: 1001}]\n",
	"threshold: 0\ncriteria:\n  [{" SEATS ", weight: 1}]\n",
	"threshold: 2\ncriteria:\n  [{" SEATS ", weight: 1}]\n",
	"threshold: 1\ncriteria:\n  [{" SEATS ", weight: 0},\n  {" SEATS
	", weight: 1}]\n",
	"threshold: 1\ncriteria:\n  [{" SEATS ", weight: 0}, {" SEATS ", weight: 1}]\n",
	"threshold: 1\ncriteria:\n  []\n", "threshold: 1\ncriteria:\n  [{}]\n",
	"threshold: 1\ncriteria: []\n", "threshold: 1\n", "",
	"criteria:\n  [{" SEATS ", weight: 1}]\n",
	"threshold: 1\ncriteria:\n  [{" SEATS ", weight: 1}]",
	"threshold: 1\ncriteria:\n  [{" SEATS ", weight: 1}]\n\n",
	"threshold: 1\ncriteria:\n  [{" SEATS ", weight: 1}]\n# so\n",
	"threshold: 1\r\ncriteria:\n  [{" SEATS ", weight: 1}]\n",
	"version: 1\nthreshold: 1\ncriteria:\n  [{" SEATS ", weight: 1}]\n",
	/* groups */
	ONE(IN("any_of", SEATS)), ONE(IN("all_of", SEATS)), ONE("any_of: []"),
	ONE("any_of: [{" SEATS "}, {" SEATS "}]"),
	ONE("any_of: [{" SEATS "},{" SEATS "}]"), ONE("any_of: [{" SEATS ", weight: 1}]"),
	ONE("column: \"Seats\", any_of: [{" SEATS "}]"),
	ONE(IN("any_of", IN("all_of", IN("any_of", IN("all_of", SEATS))))),
	ONE(IN("any_of", IN("all_of", IN("any_of", IN("all_of", IN("any_of", SEATS)))))),
	ONE("any_of: [{" SEATS "}, {column: \"seats\", exists: no}]"),
	ONE("any_of: [{" SEATS "}, {column: \"name\", exists: no}]"),
	ONE("all_of: [{any_of: [{" SEATS "}, {column: \"Plan\", exists: no}]}]"),
/* bands; the sum of the weights is 9 */
#define BANDS(bands)                                                                     \
	"threshold: 1\nbands: {" bands "}\ncriteria:\n  [{" SEATS ", weight: 9}]\n"
	BANDS("\"A\": 5"), BANDS("\"A\": 9, \"B\": 1"), BANDS("\"A\": 10"),
	BANDS("\"A\": 0"), BANDS("\"A\": 5, \"B\": 5"), BANDS("\"A\": 5, \"B\": 6"),
	BANDS("\"A\": 5, \"A\": 4"), BANDS("\"A\": 5, \"a\": 4"), BANDS("A: 5"),
	BANDS("\"A\": \"5\""), BANDS(""), BANDS("\"A\": 5,\"B\": 4"),
	BANDS("\"123456789012345\": 5"), BANDS("\"1234567890123456\": 5"),
	BANDS("\"\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\": 5"),
	BANDS("\"\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\": 5"),
	BANDS("\"1\": 9, \"2\": 8, \"3\": 7, \"4\": 6, \"5\": 5, \"6\": 4, \"7\": 3, "
	      "\"8\": 2"),
	BANDS("\"1\": 9, \"2\": 8, \"3\": 7, \"4\": 6, \"5\": 5, \"6\": 4, \"7\": 3, "
	      "\"8\": 2, "
	      "\"9\": 1"),
/* characters */
#define CHAR(c) ONE("column: \"industry\", one_of: [\"a" c "b\"]")
	CHAR("\\\""), CHAR("\\\\"), CHAR("\\x09"), CHAR("\\t"), CHAR("\t"), CHAR("\\x1F"),
	CHAR("\\x1f"), CHAR("\\x7f"), CHAR("\\x20"), CHAR("\\x00"), CHAR("\\n"),
	CHAR("\n"), CHAR("\\x80"), CHAR("\\u00e9"), CHAR("\u00e9"), CHAR("\\/"),
	CHAR("/"), CHAR("'"), CHAR("#"), CHAR(": "), CHAR("  "), CHAR("\x7f"),
	CHAR("\xc2\x80"), CHAR("\xc2\x85"), CHAR("\xc2\x9f"), CHAR("\u00a0"),
	CHAR("\u2027"), CHAR("\u2028"), CHAR("\u2029"), CHAR("\u202a"), CHAR("\ufeff"),
	CHAR("\ufffd"), CHAR("\uffff"), CHAR("\U0001f600"), CHAR("\U0010ffff"),
	ONE("column: \"industry\", one_of: [\" a \"]"), "\ufeff" ONE(SEATS) };

static bool
is_taken(const char *text)
{
	struct ov_icp *icp = NULL;
	bool good = ov_icp_read_asked(&icp, scene_text(text), NULL) == OV_OK &&
		    ov_icp_check_asked(icp, &listed, NULL) == OV_OK;

	ov_icp_free(icp);
	return good;
}

static void
add_form(struct ov_json *in, struct ov_json *out, const char *text)
{
	ov_json_text(in, NULL, text);
	ov_json_number(out, NULL, is_taken(text));
}

/* One top with a group of n parts. */
static void
many(struct ov_json *in, struct ov_json *out, size_t n)
{
	char text[OV_ICP_ASKED_MAX + 1] = "threshold: 1\ncriteria:\n  [{any_of: [";
	size_t len = strlen(text);

	for (size_t i = 0; i < n; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
		    i == 0 ? "{" TECH "}" : ", {" TECH "}");
	snprintf(text + len, sizeof(text) - len, "], weight: 1}]\n");
	add_form(in, out, text);
}

/* A text of len bytes. */
static void
sized(struct ov_json *in, struct ov_json *out, size_t len)
{
	const char *head =
	    "threshold: 1\ncriteria:\n  [{column: \"industry\", one_of: [\"";
	const char *tail = "\"], weight: 1}]\n";
	char text[OV_ICP_ASKED_MAX + 2];

	MUST(len < sizeof(text));
	memset(text, 'x', len);
	memcpy(text, head, strlen(head));
	memcpy(text + len - strlen(tail), tail, strlen(tail) + 1);
	add_form(in, out, text);
}

static void
add_forms(struct scene_file *f)
{
	struct ov_json *columns = ov_json_array(f->in, "columns");
	struct ov_json *in = ov_json_array(f->in, "forms");
	struct ov_json *out = ov_json_array(f->out, "forms");

	for (size_t i = 0; i < listed.n; i++)
		ov_json_text(columns, NULL, listed.name[i]);
	for (size_t i = 0; i < COUNT(forms); i++)
		add_form(in, out, forms[i]);
	for (size_t i = 0; i < listed.n;
	     i++) { /* each column that is listed, and another */
		char text[256];

		snprintf(text, sizeof(text), ONE("column: \"%s\", exists: yes"),
		    listed.name[i]);
		add_form(in, out, text);
	}
	add_form(in, out, ONE("column: \"revenue\", exists: yes"));
	/* one top and 255 or 256 parts */
	many(in, out, 255);
	many(in, out, 256);
	sized(in, out, OV_ICP_ASKED_MAX);
	sized(in, out, OV_ICP_ASKED_MAX + 1);
}

/* --- records --- */

#define CELLS 4
static const char *const cell_columns[CELLS] = { "Industry", "employees", "country",
	"Seats" };

static const char *const asked[] = {
	"threshold: 3\nbands: {\"A\": 5, \"B\": 3}\ncriteria:\n"
	"  [{column: \"INDUSTRY\", one_of: [\"Software\", \" banking \"], weight: 2, "
	"required: "
	"yes},\n"
	"  {column: \"employees\", between: [\"200\", \"10k\"], weight: 1},\n"
	"  {any_of: [{column: \"country\", one_of: [\"Germany\", \"Atlantis\"]}, "
	"{column: \"Seats\", exists: yes}], weight: 2}]\n",
	"threshold: 2\ncriteria:\n"
	"  [{all_of: [{column: \"Seats\", between: [\"-5\", \"5\"]}, "
	"{column: \"Seats\", between: [\"0\", \"1M+\"]}], weight: 1},\n"
	"  {column: \"industry\", exists: no, weight: 1},\n"
	"  {column: \"country\", one_of: [\"DE\", \"US\"], weight: 0, required: yes},\n"
	"  {column: \"employees\", between: [\"1.005k\", \"1.005k\"], weight: 1}]\n",
	"threshold: 1\nbands: {\"1\": 8, \"2\": 7, \"3\": 6, \"4\": 5, \"5\": 4, \"6\": "
	"3, \"7\": 2, "
	"\"8\": 1}\ncriteria:\n"
	"  [{column: \"employees\", between: [\"1\", \"9+\"], weight: 1, required: "
	"yes},\n"
	"  {column: \"employees\", between: [\"2\", \"9+\"], weight: 1},\n"
	"  {column: \"employees\", between: [\"3\", \"9+\"], weight: 1},\n"
	"  {column: \"employees\", between: [\"4\", \"9+\"], weight: 1},\n"
	"  {column: \"employees\", between: [\"5\", \"9+\"], weight: 1},\n"
	"  {column: \"employees\", between: [\"6\", \"9+\"], weight: 1},\n"
	"  {column: \"employees\", between: [\"7\", \"9+\"], weight: 1},\n"
	"  {column: \"employees\", between: [\"8\", \"9+\"], weight: 1}]\n",
	"threshold: 1\ncriteria:\n"
	"  [{column: \"industry\", one_of: [\"a\\x09b\", \"c\\\"d\", \"e\\\\f\", "
	"\"\\x09x\\x1f\", \"Germany\"], weight: 1, required: yes},\n"
	"  {column: \"employees\", between: [\"5-6\", \"8-9\"], weight: 1, required: "
	"yes}]\n",
};

static const char *const records[][CELLS] = { { "software", "200", "DE", "" },
	{ " BANKING\t", "10,000", "Deutschland", "x" }, { "Software", "199", "FR", "" },
	{ "Software", "10,001", "FR", "" }, { "Software", "51-200", "FR", "1" },
	{ "Software", "51-199", "fr", "1" }, { "Software", "200-10k", "Fr", "" },
	{ "Software", "200-10.001k", "FR", "" }, { "Software", "10,000+", "FR", "" },
	{ "Software", "10,001+", "FR", "" }, { "Software", "many", "FR", " \t" },
	{ "Software", "", "", "" }, { "Software", " ", "\t", "\u00a0" },
	{ "", "300", "DE", "" }, { "\u00a0", "300", "DE", "" },
	{ "Retail", "300", "DE", "7" }, { "software.", "300", "DE", "7" },
	{ "SOFTWARE", "", "ATLANTIS", "" }, { "software", "", "atlantis ", "" },
	{ "software", "", "Atlantis, DE", "" }, { "", "1005", "US", "0" },
	{ "", "1.005k", "U.S.A.", "-5" }, { "", "1,005", "Georgia, USA", "5" },
	{ "", "1004.9999", "DE", "5.0001" }, { "", "1,005.0001", "DE", "-6" },
	{ "", "1005", "FR", "3" }, { "", "1005", "", "3" }, { "", "5", "DE", "3" },
	{ "x", "5", "DE", "3" }, { "", "1005", "DE", "-1-1" },
	{ "", "1005", "DE", "NaN" }, { "", "1005", "DE", "" }, { "", "8", "", "" },
	{ "", "7", "", "" }, { "", "0", "", "" }, { "", "7-8", "", "" },
	{ "", "8-9", "", "" }, { "", "9+", "", "" }, { "", "1", "", "" },
	{ "", "2", "", "" }, { "", "3", "", "" }, { "", "4", "", "" },
	{ "", "5", "", "" }, { "", "6", "", "" }, { "", "4-5", "", "" },
	{ "", "0-1", "", "" }, { "a\tb", "5", "", "" }, { "A\tB", "9", "", "" },
	{ "c\"d", "4", "", "" }, { "e\\f", "10", "", "" }, { "x\x1f", "7", "", "" },
	{ "DE", "7", "", "" }, { "e\\f", "", "", "" }, { "", "7", "", "" },
	{ "a b", "5", "", "" } };

struct cells {
	const struct ov_icp *icp;
	const char *const *cell;
};

static const char *
cell_of(void *ctx, size_t i)
{
	const struct cells *c = ctx;

	for (size_t k = 0; k < CELLS; k++)
		if (strcasecmp(cell_columns[k], ov_icp_column(c->icp, i)) == 0)
			return c->cell[k];
	return NULL;
}

static void
add_answers(struct scene_file *f)
{
	struct ov_json *in = ov_json_array(f->in, "records");
	struct ov_json *texts = ov_json_array(f->in, "asked");
	struct ov_json *names = ov_json_array(f->in, "cells");
	struct ov_json *out = ov_json_array(f->out, "answers");

	for (size_t k = 0; k < CELLS; k++)
		ov_json_text(names, NULL, cell_columns[k]);
	for (size_t i = 0; i < COUNT(records); i++) {
		struct ov_json *row = ov_json_array(in, NULL);

		for (size_t k = 0; k < CELLS; k++)
			ov_json_text(row, NULL, records[i][k]);
	}
	for (size_t a = 0; a < COUNT(asked); a++) {
		struct ov_json *list = ov_json_array(out, NULL);
		struct ov_icp *icp;

		ov_json_text(texts, NULL, asked[a]);
		MUST(ov_icp_read_asked(&icp, scene_text(asked[a]), NULL) == OV_OK);
		for (size_t i = 0; i < COUNT(records); i++) {
			struct cells c = { icp, records[i] };
			struct ov_json *pair = ov_json_array(list, NULL);
			struct ov_icp_result r;

			ov_icp_evaluate(&r, icp, cell_of, &c);
			ov_json_number(
			    pair, NULL, OV_LABEL(1, ov_band_of(r.fit, r.band)));
			ov_json_number(pair, NULL, OV_FIT(OV_FIT_UNKNOWN, r.fit));
		}
		ov_icp_free(icp);
	}
}

static void
add_countries(struct scene_file *f)
{
	struct ov_json *in = ov_json_array(f->in, "countries");
	struct ov_json *out = ov_json_array(f->out, "countries");

	for (size_t i = 0; i < COUNT(countries); i++) {
		ov_json_text(in, NULL, countries[i]);
		add_country(out, countries[i]);
	}
	long_country(in, out, COUNTRY_MAX);
	long_country(in, out, COUNTRY_MAX + 1);
}

static void
add_numbers(struct scene_file *f)
{
	struct ov_json *in = ov_json_array(f->in, "numbers");
	struct ov_json *out = ov_json_array(f->out, "numbers");

	for (size_t i = 0; i < COUNT(numbers); i++) {
		ov_json_text(in, NULL, numbers[i]);
		add_number(out, numbers[i]);
	}
}

void
scene_criteria(struct scene *s)
{
	struct scene_file f = scene_open(
	    "Criteria of a partner (6.6).  forms: texts for GRANTS.icp, and whether each "
	    "is "
	    "taken by a side that lists these columns (6.6, 6.6.1).  numbers: both ends "
	    "as "
	    "binary64, big-endian, or nothing (6.6.2).  countries: two letters or "
	    "nothing "
	    "(6.6.3).  answers: for each of the texts asked, label and fit of each "
	    "record, "
	    "in population 1 and without an own ICP (6.6.4, 7.16); cells are by column.");

	MUST(ov_normalise_init() == OV_OK);
	add_forms(&f);
	add_numbers(&f);
	add_countries(&f);
	add_answers(&f);
	scene_close(s, "criteria", &f);
}
