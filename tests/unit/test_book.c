/* The book: import, records, populations, freezing, look-ups, and that a failed import
 * leaves the old book alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include "book_site.h"
#include "client/book/policy.h"
#include "common/crypto/hash.h"
#include "common/crypto/memory.h"

static void
rows_become_records(void **state)
{
	struct ov_db *db = new_db();
	struct ov_book_stats s;

	(void)state;
	import(db, "Id,Name,Website,Country,Type\n"
		   "1,Acme Inc.,https://www.acme.com/en,US,Prospect\n"
		   "2,ACME,,USA,Customer\n"
		   "3,Beta GmbH,beta.de,Germany,Prospect\n"
		   "4,,https://github.com/acme,,\n"
		   "5,Gamma,,,\n");
	assert_int_equal(result.rows, 5);
	s = stats_of(db);
	assert_int_equal(s.rows, 5);
	assert_int_equal(s.records, 4);
	assert_int_equal(s.matchable, 2);
	assert_int_equal(s.name_only, 1);
	assert_int_equal(s.unmatchable, 1);
	assert_int_equal(s.keys[OV_RANK_DOMAIN], 2);
	assert_int_equal(s.keys[OV_RANK_NAME_COUNTRY], 2);
	assert_int_equal(s.keys[OV_RANK_NAME], 3);
	assert_int_equal(s.dropped[OV_DROP_SHARED_HOST], 1);
	assert_int_equal(s.dropped[OV_DROP_NO_COUNTRY], 1);
	assert_int_equal(s.n_populations, 3);
	/* the merged account is in the first of its populations */
	assert_int_equal(s.population[0].rows, 1);
	assert_int_equal(s.population[0].records, 1);
	assert_int_equal(s.population[2].rows, 4);
	assert_int_equal(s.population[2].records, 3);
	assert_string_equal(freeze(db, 0, NO_BARE_NAMES, NULL),
	    "0/0/0 domain=acme.com namecc=US acme\n"
	    "2/0/0 domain=beta.de namecc=DE beta\n");
	assert_string_equal(freeze(db, 0, ALL_RANKS, NULL),
	    "0/0/0 domain=acme.com namecc=US acme name=acme\n"
	    "2/0/0 domain=beta.de namecc=DE beta name=beta\n"
	    "2/0/0 name=gamma\n");
	assert_string_equal(freeze(db, 0, OV_RANK_BIT(OV_RANK_NAME_COUNTRY), NULL),
	    "0/0/0 namecc=US acme\n2/0/0 namecc=DE beta\n");
	/* one row in a hidden population keeps the account out */
	assert_string_equal(freeze(db, 4, NO_BARE_NAMES, NULL), "");
	assert_string_equal(
	    freeze(db, 1, NO_BARE_NAMES, NULL), "2/0/0 domain=beta.de namecc=DE beta\n");
	ov_db_close(db);
}

static void
websites_go_before_email(void **state)
{
	struct ov_db *db = new_db();

	(void)state;
	import(db, "Name,Website,Domain,Email\n"
		   "Acme,https://www.acme.com,acme.de; acme.fr,\"Jane <jane@Acme.IO>, "
		   "info@acme.co.uk; x@gmail.com\"\n");
	assert_string_equal(freeze(db, 0, NO_BARE_NAMES, NULL),
	    "2/0/0 domain=acme.co.uk domain=acme.com domain=acme.de domain=acme.fr "
	    "domain=acme.io\n");
	assert_int_equal(stats_of(db).dropped[OV_DROP_FREE_MAIL], 1);
	ov_db_close(db);
}

/* The part before the @ is a person's and stays in the file. */
static void
no_person_enters_the_book(void **state)
{
	struct ov_db *db = new_db();
	char path[128], *bytes = malloc(1 << 20);
	size_t len;
	FILE *f;

	(void)state;
	import(db, "Name,Email,Account Owner,Phone\n"
		   "Acme,\"B. Zaphodb <zaphodb@acme.com>\",Trillian McMillan,555-424242\n"
		   "Beta,zaphodb.beeble,,\nGamma,gamma.io,,\n");
	assert_string_equal(freeze(db, 0, NO_BARE_NAMES, NULL),
	    "2/0/0 domain=acme.com\n2/0/0 domain=gamma.io\n");
	assert_int_equal(ov_db_checkpoint(db), OV_OK);
	snprintf(path, sizeof(path), "%s", ov_db_path(db));
	ov_db_close(db);
	f = fopen(path, "rb");
	assert_true(f != NULL && bytes != NULL);
	len = fread(bytes, 1, 1 << 20, f);
	fclose(f);
	assert_non_null(memmem(bytes, len, "acme.com", 8)); /* the search works */
	assert_null(memmem(bytes, len, "zaphodb", 7));
	assert_null(memmem(bytes, len, "Zaphodb", 7));
	assert_null(memmem(bytes, len, "Trillian", 8));
	assert_null(memmem(bytes, len, "424242", 6));
	free(bytes);
}

static void
importing_again_replaces(void **state)
{
	struct ov_db *db = new_db();
	uint64_t before, after;

	(void)state;
	assert_int_equal(ov_book_generation(&before, db), OV_OK);
	assert_int_equal(before, 0);
	import(db, "Name,Website\nAcme,acme.com\nBeta,beta.com\n");
	assert_int_equal(ov_book_generation(&before, db), OV_OK);
	import(db, "Name,Website\nGamma,gamma.com\n");
	assert_int_equal(ov_book_generation(&after, db), OV_OK);
	assert_int_equal(before, 1);
	assert_int_equal(after, 2);
	assert_string_equal(
	    freeze(db, 0, NO_BARE_NAMES, NULL), "2/0/0 domain=gamma.com\n");
	assert_int_equal(stats_of(db).rows, 1);
	ov_db_close(db);
}

static void
importing_can_add(void **state)
{
	struct ov_import_options add = { .mode = OV_IMPORT_ADD,
		.population = "customers" };
	struct ov_db *db = new_db();

	(void)state;
	/* into an empty book too */
	assert_int_equal(
	    import_with(db, "Id,Name,Website\n1,Acme,acme.com\n", &add), OV_OK);
	add.population = "prospects";
	assert_int_equal(
	    import_with(
		db, "Id,Name,Website\n2,Beta,beta.com\n3,Acme,www.acme.com\n", &add),
	    OV_OK);
	assert_string_equal(freeze(db, 0, NO_BARE_NAMES, NULL),
	    "0/0/0 domain=acme.com\n2/0/0 domain=beta.com\n");
	assert_int_equal(stats_of(db).rows, 3);
	/* a row with an id that is there takes that row's place */
	assert_int_equal(
	    import_with(db, "Id,Name,Website\n1,Acme,acme.org\n", &add), OV_OK);
	assert_int_equal(result.ids.replaced, 1);
	assert_int_equal(stats_of(db).rows, 3);
	assert_string_equal(freeze(db, 0, NO_BARE_NAMES, NULL),
	    "2/0/0 domain=acme.com\n2/0/0 domain=acme.org\n2/0/0 domain=beta.com\n");
	ov_db_close(db);
}

/* Each bad file leaves the book that was there. */
static void
a_failed_import_changes_nothing(void **state)
{
	static const struct {
		const char *csv;
		enum ov_status st;
		unsigned line;
	} bad[] = {
		{ "Name,Website\n", OV_E_IMPORT_EMPTY, 0 },
		{ "Name,Website\n,\n\"Grand Totals (0 records)\"\n", OV_E_IMPORT_EMPTY,
		    0 },
		{ "Colour,Shape\nred,round\n", OV_E_IMPORT_COLUMNS, 1 },
		{ "Name,Website\nX,x.com\nY,\"y.com\n", OV_E_IMPORT_QUOTES, 3 },
		{ "Name,Website\n\xc3\xbc,x.com\n\xff,y.com\n", OV_E_IMPORT_ENCODING, 3 },
		{ "Name,Population\nX,customers\nY,no idea\n", OV_E_IMPORT_COLUMNS, 3 },
	};
	struct ov_db *db = new_db();

	(void)state;
	import(db, "Name,Website\nAcme,acme.com\n");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(
		    import_with(db, bad[i].csv, &(struct ov_import_options){ 0 }),
		    bad[i].st);
		if (fault.line != bad[i].line)
			fail_msg("%d: line %d: %s", (int)i, (int)fault.line, fault.text);
		assert_true(fault.text[0] != '\0');
	}
	assert_int_equal(import_with(db, "Name\nX\n",
			     &(struct ov_import_options){ .population = "nobody" }),
	    OV_E_IMPORT_COLUMNS);
	assert_string_equal(
	    freeze(db, 0, NO_BARE_NAMES, NULL), "2/0/0 domain=acme.com\n");
	assert_int_equal(stats_of(db).rows, 1);
	ov_db_close(db);
}

static struct ov_map *
map_of(const char *yaml)
{
	struct ov_map *map = NULL;

	if (ov_map_read(&map, yaml, strlen(yaml), &fault) != OV_OK)
		fail_msg("line %d: %s", (int)fault.line, fault.text);
	return map;
}

static void
own_populations_are_kept_in_the_book(void **state)
{
	struct ov_map *map = map_of("populations:\n"
				    "  secret: [Do not share]\n"
				    "  clients: [Customer]\n"
				    "  others: []\n");
	static const char yaml[] = "populations: {clients: matches, others: matches}";
	struct ov_import_options with = { .map = map };
	struct ov_populations p;
	struct ov_policy policy;
	struct ov_db *db = new_db();

	(void)state;
	assert_int_equal(import_with(db,
			     "Name,Website,Type\nA,a.com,Customer\nB,b.com,\n"
			     "A,a.com,Do not share\n",
			     &with),
	    OV_OK);
	assert_int_equal(ov_book_populations(&p, db), OV_OK);
	assert_int_equal(p.n, 3);
	assert_string_equal(p.name[1], "clients");
	ov_policy_default(&policy);
	assert_int_equal(ov_policy_check(&policy, &p, &fault), OV_E_POLICY_INVALID);
	assert_int_equal(
	    ov_policy_read(&policy, NULL, yaml, strlen(yaml), &fault), OV_OK);
	assert_string_equal(
	    freeze(db, ov_policy_hidden_mask(&policy, &p), NO_BARE_NAMES, NULL),
	    "2/0/0 domain=b.com\n");
	/* adding without the mapping file would mean other populations */
	assert_int_equal(import_with(db, "Name\nX\n",
			     &(struct ov_import_options){ .mode = OV_IMPORT_ADD }),
	    OV_E_IMPORT_COLUMNS);
	ov_map_free(map);
	ov_db_close(db);
}

static struct ov_icp *
icp_of(const char *yaml)
{
	struct ov_icp *icp = NULL;

	if (ov_icp_read(&icp, yaml, strlen(yaml), &fault) != OV_OK)
		fail_msg("line %d: %s", (int)fault.line, fault.text);
	return icp;
}

static void
fits_are_of_the_whole_account(void **state)
{
	struct ov_map *map = map_of("keep: [Tech Stack, Colour]\n");
	struct ov_icp *icp = icp_of("bands: {A: 2, B: 1}\n"
				    "criteria:\n"
				    "  - {column: employees, between: [10, 20]}\n"
				    "  - {column: colour, equals: Red}\n"),
		      *lost;
	struct ov_db *db = new_db();

	(void)state;
	/* acme's two rows together have what the profile asks for */
	assert_int_equal(
	    import_with(db,
		"Name,Website,Employees,Tech Stack,Colour\n"
		"Acme,acme.com,15,x,\nAcme 2,acme.com,,,red\nBeta,beta.com,5,,red\n"
		"Gamma,gamma.com,,y\n",
		&(struct ov_import_options){ .map = map }),
	    OV_OK);
	assert_int_equal(ov_book_check_icp(db, icp, &fault), OV_OK);
	assert_string_equal(freeze(db, 0, NO_BARE_NAMES, icp),
	    "2/2/1 domain=acme.com\n2/1/2 domain=beta.com\n2/0/0 domain=gamma.com\n");
	ov_icp_free(icp);
	icp = icp_of("criteria:\n  - {column: population, equals: prospects}\n");
	assert_string_equal(freeze(db, 0, OV_RANK_BIT(OV_RANK_DOMAIN), icp),
	    "2/2/0 domain=acme.com\n2/2/0 domain=beta.com\n2/2/0 domain=gamma.com\n");
	lost = icp_of("criteria:\n  - {column: name, exists: yes}\n"
		      "  - {column: Budget, exists: yes}\n");
	assert_int_equal(ov_book_check_icp(db, lost, &fault), OV_E_ICP_INVALID);
	assert_int_equal(fault.line, 3);
	assert_non_null(strstr(fault.text, "`Budget`"));
	ov_icp_free(icp);
	ov_icp_free(lost);
	ov_map_free(map);
	ov_db_close(db);
}

/* Of the partner's criteria: its answers stand beside the own ones. */
static enum ov_status
add_asked(void *ctx, const struct ov_book_item *item)
{
	fprintf(ctx, "%d/%u %d/%u\n", (int)item->fit, item->band, (int)item->asked_fit,
	    item->asked_band);
	return OV_OK;
}

static void
freezes_asked(struct ov_db *db, const struct ov_freeze_options *options, const char *want)
{
	char text[256] = "";
	FILE *out = fmemopen(text, sizeof(text), "w");

	assert_non_null(out);
	assert_int_equal(ov_book_freeze(db, options, add_asked, out), OV_OK);
	fclose(out);
	assert_string_equal(text, want);
}

static void
a_partners_criteria_are_answered_beside_the_own(void **state)
{
	struct ov_icp *own = icp_of("criteria: [{column: country, equals: US}]\n");
	struct ov_icp *asked = icp_of("threshold: 1\nbands: {A: 2, B: 1}\n"
				      "criteria:\n"
				      "  - {column: industry, one_of: [Banking]}\n"
				      "  - {column: employees, between: [10, 20]}\n");
	static const struct ov_shared_columns kept = { 2, { "Industry", "tech stack" } };
	static const char lost[] = "populations: {a: matches}\nicp_columns:\n"
				   "  - industry\n  - Budget\n";
	struct ov_policy policy = { .icp_columns = kept };
	struct ov_map *map = map_of("keep: [Tech Stack]\n");
	struct ov_freeze_options o = {
		.ranks = NO_BARE_NAMES, .icp = own, .asked = asked
	};
	struct ov_db *db = new_db();

	(void)state;
	assert_int_equal(import_with(db,
			     "Name,Website,Country,Industry,Employees,Tech Stack\n"
			     "A,a.com,US,banking,15,x\nB,b.com,,Banking,,y\n"
			     "C,c.com,FR,Mining,9,\nD,d.com,US,,,\n",
			     &(struct ov_import_options){ .map = map }),
	    OV_OK);
	freezes_asked(db, &o, "2/0 2/1\n0/0 2/2\n1/0 1/0\n2/0 0/0\n");
	o.icp = NULL; /* each stands for itself */
	freezes_asked(db, &o, "0/0 2/1\n0/0 2/2\n0/0 1/0\n0/0 0/0\n");
	o.icp = own;
	o.asked = NULL;
	freezes_asked(db, &o, "2/0 0/0\n0/0 0/0\n1/0 0/0\n2/0 0/0\n");
	assert_int_equal(ov_book_check_columns(db, &policy, &fault), OV_OK);
	assert_int_equal(
	    ov_policy_read(&policy, NULL, lost, strlen(lost), &fault), OV_OK);
	assert_int_equal(ov_book_check_columns(db, &policy, &fault), OV_E_POLICY_INVALID);
	assert_int_equal(fault.line, 4);
	assert_non_null(strstr(fault.text, "`Budget`"));
	ov_icp_free(own);
	ov_icp_free(asked);
	ov_map_free(map);
	ov_db_close(db);
}

static enum ov_status
first_record(void *ctx, const struct ov_book_item *item)
{
	*(int64_t *)ctx = item->record;
	return OV_E_CANCELLED;
}

static void
accounts_are_looked_up(void **state)
{
	struct ov_freeze_options options = { .ranks = NO_BARE_NAMES };
	struct ov_book_account a;
	struct ov_db *db = new_db();
	int64_t record = -1;

	(void)state;
	import(db, "Id,Name,Website,Country,Type\n"
		   "0015g00000XyZaBAAV,Acme Inc,acme.com,,Customer\n"
		   "0015g00000AbCdEAAV,ACME,acme.com,US,\n");
	assert_int_equal(
	    ov_book_freeze(db, &options, first_record, &record), OV_E_CANCELLED);
	assert_int_equal(ov_book_account(&a, db, record), OV_OK);
	assert_string_equal(a.name, "ACME"); /* of the smallest id */
	assert_string_equal(a.ids, "0015g00000AbCdEAAV;0015g00000XyZaBAAV");
	assert_string_equal(a.country, "US");
	assert_string_equal(a.industry, "");
	assert_int_equal(a.rows, 2);
	assert_int_equal(a.population, 0);
	ov_book_account_fini(&a);
	assert_int_equal(ov_book_account(&a, db, 99), OV_E_NOT_FOUND);
	ov_db_close(db);
}

static char *
why_of(struct ov_db *db, const char *name, enum ov_status want)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	assert_int_equal(ov_book_why(out, db, name), want);
	fclose(out);
	return text;
}

static void
why_says_what_is_a_key_and_what_is_not(void **state)
{
	struct ov_db *db = new_db();
	char *text;

	(void)state;
	import(db, "Id,Name,Website,Country,LEI,Email\n"
		   "1,Acme,acme.com,US,HWUPKR0MPOU8FGXBT394,a@gmail.com\n"
		   "2,Other,acme.com,US,INR2EJN1ERAN0W5ZP974,\n"
		   "3,Lonely,https://www.linkedin.com/company/lonely,,,\n"
		   "4,Hollow,https://,US,-,\n5,Blank, ,US, ,\n");
	text = why_of(db, "acme", OV_OK);
	assert_non_null(strstr(text, "account in prospects, 1 row, keys by ov-norm-2\n"));
	assert_non_null(strstr(text, "key lei HWUPKR0MPOU8FGXBT394\n"));
	assert_non_null(strstr(text, "key namecc US acme\n"));
	assert_non_null(
	    strstr(text, "no domain acme.com: it is shared by accounts whose"));
	assert_non_null(strstr(text, "no domain from \"gmail.com\": "));
	free(text);
	text = why_of(db, "3", OV_OK);
	assert_non_null(strstr(text, "no domain from \"https://www.linkedin.com"));
	free(text);
	/* what is empty but for its signs was counted, so it is told; a blank is nothing
	 */
	text = why_of(db, "4", OV_OK);
	assert_non_null(strstr(text, "no domain from \"https://\": nothing is left of"));
	assert_non_null(strstr(text, "no lei from \"-\": nothing is left of"));
	free(text);
	text = why_of(db, "5", OV_OK);
	assert_null(strstr(text, "no domain from"));
	assert_null(strstr(text, "no lei from"));
	free(text);
	/* in any spelling, by a site, and by what is no key */
	free(why_of(db, "LONELY Inc.", OV_OK));
	text = why_of(db, "https://www.acme.com/about", OV_OK);
	assert_non_null(strstr(text, "\"Acme\""));
	assert_non_null(strstr(text, "\"Other\""));
	assert_null(strstr(text, "\"Lonely\""));
	free(text);
	free(why_of(db, "nobody", OV_E_NOT_FOUND));
	free(why_of(db, "", OV_E_NOT_FOUND));
	ov_db_close(db);
}

static char *
why_two_of(struct ov_db *db, const char *a, const char *b, enum ov_status want)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	assert_int_equal(ov_book_why_two(out, db, a, b), want);
	fclose(out);
	return text;
}

/* The answer begins so, and has this line. */
static void
expect_why_two(
    struct ov_db *db, const char *a, const char *b, const char *verdict, const char *line)
{
	char *text = why_two_of(db, a, b, OV_OK);

	if (strncmp(text, verdict, strlen(verdict)) != 0 || strstr(text, line) == NULL)
		fail_msg("%s, %s: %s", a, b, text);
	free(text);
}

static void
why_says_what_joins_two_rows_and_what_does_not(void **state)
{
	struct ov_db *db = new_db();

	(void)state;
	import(db, "Id,Name,Website,Country\n"
		   "1,Acme Inc,acme.com,US\n2,ACME Widgets,www.acme.com,US\n"
		   "3,Deutsche Bank AG,,DE\n4,Deutsche Bank GmbH,,DE\n"
		   "5,Archrock,archrock.com,US\n6,OneMain,archrock.com,US\n"
		   "7,Velorix,velorix.io,US\n8,Velorix,velorix.com,US\n9,Solo,solo.com,\n"
		   "10,Acme,,FR\n11,,mid.com; one.com,\n12,One,one.com,\n"
		   "13,Mid,mid.com,\n14,Twin,twin.com,\n15,Twin Inc,twin.com,\n");
	expect_why_two(db, "1", "2", "one account by the rules of ov-norm-2",
	    "acme.com: that makes");
	expect_why_two(db, "deutsche bank ag", "Deutsche Bank GmbH", "two accounts",
	    "both have namecc DE deutschebank: another account of this book has this "
	    "name "
	    "with another legal form");
	expect_why_two(db, "5", "6", "two accounts",
	    "both have domain archrock.com: accounts of different names share it");
	expect_why_two(db, "7", "velorix.com", "two accounts",
	    "both have namecc US velorix: another account of this book has it too");
	expect_why_two(db, "1", "9", "two accounts",
	    "  they share no key\n  \"Acme Inc\" has domain acme.com, namecc US acme, "
	    "name acme\n  \"Solo\" has domain solo.com, name solo\n");
	expect_why_two(db, "1", "10", "two accounts",
	    "both have name acme: another account of this book has it too");
	expect_why_two(db, "14", "15", "one account",
	    "both have domain twin.com: that makes them one\n"
	    "  both have name twin: this kind of key joins no rows by itself\n");
	expect_why_two(db, "12", "13", "one account",
	    "they share no key: other rows of the account have some with each");
	free(why_two_of(db, "1", "1", OV_E_DB_CONFLICT));
	free(why_two_of(db, "1", "nobody", OV_E_NOT_FOUND));
	free(why_two_of(db, "", "1", OV_E_NOT_FOUND));
	ov_db_close(db);
}

static void
footers_and_repeated_ids_are_counted(void **state)
{
	struct ov_db *db = new_db();

	(void)state;
	import(db, "\"Account ID\",\"Account Name\",\"Billing Street\"\r\n"
		   "\"1\",\"Acme\",\"1 Main St\nSuite 2\"\r\n"
		   "\"1\",\"Beta\",\"\"\r\n\"\",\"\",\"nowhere\"\r\n\r\n"
		   "\"Grand Totals (2 records)\"\r\n"
		   "\"Confidential Information - Do Not Distribute\"\r\n");
	assert_int_equal(result.rows, 2);
	assert_int_equal(table[0].footers, 2);
	assert_int_equal(table[0].empty, 1);
	assert_int_equal(result.ids.repeated_ids, 1);
	ov_db_close(db);
}

static void
rebuilding_gives_the_same_records(void **state)
{
	struct ov_db *db = new_db();
	char *before;
	bool stale = true;

	(void)state;
	import_file(db, "sample_a.csv");
	before = strdup(freeze(db, 0, ALL_RANKS, NULL));
	assert_non_null(before);
	assert_int_equal(ov_book_is_stale(&stale, db), OV_OK);
	assert_false(stale);
	assert_int_equal(ov_book_rebuild(db), OV_OK);
	assert_string_equal(before, freeze(db, 0, ALL_RANKS, NULL));
	free(before);
	/* as of a release that did not know the current profile */
	assert_int_equal(ov_db_begin(db), OV_OK);
	assert_int_equal(ov_db_run(db, "UPDATE book_built SET profile = x'00'"), OV_OK);
	assert_int_equal(ov_db_commit(db, "test"), OV_OK);
	assert_int_equal(ov_book_is_stale(&stale, db), OV_OK);
	assert_true(stale);
	assert_int_equal(ov_book_rebuild(db), OV_OK);
	assert_int_equal(ov_book_is_stale(&stale, db), OV_OK);
	assert_false(stale);
	ov_db_close(db);
}

/* Beside the present records, once an import; accounts are found by either number. */
static void
previous_profile_has_records_of_its_own(void **state)
{
	const struct ov_profile *previous = ov_profile_at(1);
	struct ov_freeze_options options = { .ranks = NO_BARE_NAMES,
		.profile = previous };
	struct ov_book_stats before, after;
	struct ov_book_account a;
	struct ov_db *db = new_db();
	uint64_t generation, same;
	int64_t record = -1;
	char *text;

	(void)state;
	import(db, "Id,Name,Website,Country\n1,Acme Inc,acme.com,US\n"
		   "2,Beta,beta.io,US\n");
	before = stats_of(db);
	assert_int_equal(ov_book_generation(&generation, db), OV_OK);
	assert_string_equal(freeze_as(db, &options), ""); /* nobody asked for them */
	assert_int_equal(ov_book_make_previous(db, previous), OV_OK);
	assert_int_equal(ov_book_make_previous(db, previous), OV_OK);
	assert_string_equal(freeze_as(db, &options),
	    "2/0/0 domain=acme.com namecc=US acme\n"
	    "2/0/0 domain=beta.io namecc=US beta\n");
	assert_int_equal(
	    ov_book_freeze(db, &options, first_record, &record), OV_E_CANCELLED);
	assert_int_equal(ov_book_account(&a, db, record), OV_OK);
	assert_string_equal(a.ids, "1");
	ov_book_account_fini(&a);
	/* the owner sees those of the current profile alone */
	after = stats_of(db);
	assert_memory_equal(&before, &after, sizeof(before));
	assert_int_equal(ov_book_generation(&same, db), OV_OK);
	assert_int_equal(same, generation);
	text = why_of(db, "Acme", OV_OK);
	assert_ptr_equal(strstr(text, "account in"), text);
	assert_null(strstr(text + 1, "account in"));
	free(text);
	/* an import makes those of both again, the previous ones when asked for */
	import(db, "Id,Name,Website,Country\n3,Gamma,gamma.io,US\n");
	assert_string_equal(freeze_as(db, &options), "");
	assert_int_equal(ov_book_make_previous(db, previous), OV_OK);
	assert_string_equal(
	    freeze_as(db, &options), "2/0/0 domain=gamma.io namecc=US gamma\n");
	ov_db_close(db);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_become_records),
		cmocka_unit_test(websites_go_before_email),
		cmocka_unit_test(no_person_enters_the_book),
		cmocka_unit_test(importing_again_replaces),
		cmocka_unit_test(importing_can_add),
		cmocka_unit_test(a_failed_import_changes_nothing),
		cmocka_unit_test(own_populations_are_kept_in_the_book),
		cmocka_unit_test(fits_are_of_the_whole_account),
		cmocka_unit_test(a_partners_criteria_are_answered_beside_the_own),
		cmocka_unit_test(accounts_are_looked_up),
		cmocka_unit_test(why_says_what_is_a_key_and_what_is_not),
		cmocka_unit_test(why_says_what_joins_two_rows_and_what_does_not),
		cmocka_unit_test(footers_and_repeated_ids_are_counted),
		cmocka_unit_test(rebuilding_gives_the_same_records),
		cmocka_unit_test(previous_profile_has_records_of_its_own),
	};
	int failed;

	if (ov_crypto_init() != OV_OK || ov_normalise_init() != OV_OK)
		return 1;
	failed = cmocka_run_group_tests_name("book", tests, site_setup, site_teardown);
	ov_normalise_fini();
	return failed;
}
