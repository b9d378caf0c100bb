/* Accounts that were erased: what is remembered of them, and which rows are theirs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include "book_site.h"
#include "common/crypto/memory.h"

static const uint8_t key[OV_ERASED_KEY_LEN] = { 7 };

/* The book's only account, remembered. */
static struct ov_erased *
remember(struct ov_db *db, const char *csv, const uint8_t with[OV_ERASED_KEY_LEN])
{
	struct ov_erased *e;

	import(db, csv);
	assert_int_equal(stats_of(db).records, 1);
	assert_int_equal(ov_db_begin(db), OV_OK);
	assert_int_equal(ov_erased_remember(db, key, 0, "", 1000), OV_OK);
	assert_int_equal(ov_db_commit(db, "test"), OV_OK);
	assert_int_equal(ov_erased_load(&e, db, with), OV_OK);
	return e;
}

static bool
has(const struct ov_erased *e, const char *id, const char *name, const char *website)
{
	struct ov_row_cells c = { .name = OV_BYTES(name, strlen(name)),
		.websites = OV_BYTES(website, strlen(website)) };
	bool out;

	assert_int_equal(ov_erased_has(&out, e, OV_BYTES(id, strlen(id)), &c), OV_OK);
	return out;
}

/* left: the ids that are not struck. */
static void
assert_deal(const struct ov_erased *e, const char *ids, const char *name,
    enum ov_erased_deal expected, const char *left)
{
	struct ov_text t = { 0 };
	enum ov_erased_deal of;

	assert_int_equal(ov_text_add(&t, ids, strlen(ids)), OV_OK);
	assert_int_equal(
	    ov_erased_strike_deal(&of, e, &t, OV_BYTES(name, strlen(name))), OV_OK);
	assert_int_equal(of, expected);
	assert_int_equal(t.len, strlen(left));
	assert_string_equal(t.p, left);
	free(t.p);
}

static void
an_id_is_all_that_counts_where_both_have_one(void **state)
{
	struct ov_db *db = new_db();
	struct ov_erased *e =
	    remember(db, "Account ID,Account Name,Website\n7,Alder,alder.com\n", key);

	(void)state;
	assert_true(has(e, "7", "Renamed", "other.com"));
	assert_false(has(e, "8", "Alder", "alder.com")); /* a company beside it */
	assert_true(has(e, "", "Renamed", "alder.com")); /* a file that lost the ids */
	assert_false(has(e, "", "Alder", "other.com"));
	assert_deal(e, "7", "Alder", OV_DEAL_OF_ERASED, "");
	assert_deal(e, "7;8", "Alder", OV_DEAL_OF_BOTH, "8");
	assert_deal(e, "10, 7;8", "Birch", OV_DEAL_OF_BOTH, "10;8");
	assert_deal(e, "10;8", "Birch", OV_DEAL_OF_OTHERS, "10;8");
	assert_deal(e, "", "ALDER", OV_DEAL_OF_ERASED, "");
	assert_deal(e, "", "Birch", OV_DEAL_OF_OTHERS, "");
	ov_erased_free(e);
	ov_db_close(db);
}

static void
without_an_id_its_own_keys_count(void **state)
{
	struct ov_db *db = new_db();
	struct ov_erased *e =
	    remember(db, "Account Name,Website\nAlder,alder.com\n", key);

	(void)state;
	assert_true(has(e, "", "Renamed", "https://www.alder.com/x"));
	assert_true(has(e, "9", "Alder", "alder.com"));
	assert_false(has(e, "", "Alder", "other.com")); /* a name is not its own */
	assert_false(has(e, "", "Alder", ""));
	assert_deal(e, "", "alder", OV_DEAL_OF_ERASED, "");
	ov_erased_free(e);
	ov_db_close(db);
}

static void
an_id_of_a_scheme_counts(void **state)
{
	struct ov_db *db = new_db();
	struct ov_erased *e =
	    remember(db, "Account Name,Ticker,Exchange\nAlder,ALD,NYSE\n", key);
	static const struct {
		const char *ids;
		bool has;
	} rows[] = { { "ticker=XNYS:ALD", true }, { "ticker=XNAS:ALD", false },
		{ "acme=XNYS:ALD", false }, { "acme=1\nticker=nyse:ald", true } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *ids = rows[i].ids;
		struct ov_row_cells c = { .ids = OV_BYTES(ids, strlen(ids)) };
		bool out;

		assert_int_equal(ov_erased_has(&out, e, OV_BYTES("", 0), &c), OV_OK);
		assert_int_equal(out, rows[i].has);
	}
	ov_erased_free(e);
	ov_db_close(db);
}

/* Another spelling, or another name that the rules know: no account is made of the deal,
 * which may still be of one that is there. */
static void
another_spelling_of_the_name_brings_nothing_back(void **state)
{
	struct ov_db *db = new_db();
	struct ov_erased *e = remember(db,
	    "Account ID,Account Name,Website,Country\n"
	    "7,International Business Machines,ibm.com,US\n",
	    key);
	const struct ov_import_options options = { .accept = true, .erased = e };

	(void)state;
	assert_deal(e, "", "IBM Corp.", OV_DEAL_LIKE_ERASED, "");
	assert_deal(e, "8", "IBM Corp.", OV_DEAL_OF_OTHERS, "8");
	assert_int_equal(import_files(db,
			     (const char *const[]){
				 "Account Name,Website,Country\nAlder,alder.com,US\n"
				 "IBM,,US\n",
				 "Deal Name,Associated Company,Deal Stage\n"
				 "x,IBM Corp.,Closed Won\nx,Alder,Closed Won\n"
				 "x,I.B.M. (ibm.com),Closed Won\n",
				 NULL },
			     &options),
	    OV_OK);
	assert_int_equal(result.erased, 2);
	assert_int_equal(stats_of(db).rows, 1);
	ov_erased_free(e);
	ov_db_close(db);
}

/* A website tells names that may be another company's own: they are nobody's sign. */
static void
a_name_that_a_website_tells_is_no_sign(void **state)
{
	struct ov_db *db = new_db();
	struct ov_erased *e = remember(db,
	    "Account Name,Website,Country\nVelorix Communications,velorix.com,US\n", key);
	struct ov_row_cells c = { .name = OV_LITERAL("Velorix"),
		.country = OV_LITERAL("US") };
	bool out;

	(void)state;
	assert_int_equal(ov_erased_has(&out, e, OV_BYTES("", 0), &c), OV_OK);
	assert_false(out);
	c.name = OV_LITERAL("Velorix Communications");
	assert_int_equal(ov_erased_has(&out, e, OV_BYTES("", 0), &c), OV_OK);
	assert_true(out);
	ov_erased_free(e);
	ov_db_close(db);
}

static void
a_bare_name_counts_where_there_is_nothing_better(void **state)
{
	struct ov_db *db = new_db();
	struct ov_erased *e = remember(db, "Account Name\nAlder GmbH\n", key);

	(void)state;
	assert_true(has(e, "", "ALDER", ""));
	assert_false(has(e, "", "Alder GmbH", "alder.com"));
	assert_false(has(e, "", "Birch", ""));
	ov_erased_free(e);
	ov_db_close(db);
}

/* Companies of one house have one website, which is nobody's key. */
static void
a_shared_key_counts_together_with_the_name(void **state)
{
	struct ov_db *db = new_db();
	struct ov_erased *e;
	int64_t record;

	(void)state;
	import(db, "Account Name,Website,Country\n"
		   "Alder Shipping GmbH,house.com,Germany\n"
		   "Birch Brewing AG,house.com,Switzerland\n"
		   "Cedar Mining Ltd,house.com,Ireland\n"
		   "Dogwood Foods SA,house.com,France\n"
		   "Elm Insurance NV,house.com,Belgium\n");
	assert_int_equal(stats_of(db).records, 5);
	assert_int_equal(ov_db_number(&record, db,
			     "SELECT m.record FROM book_member m JOIN book_row r"
			     " ON r.row = m.row WHERE r.name LIKE 'Alder%'"),
	    OV_OK);
	assert_int_equal(ov_db_begin(db), OV_OK);
	assert_int_equal(ov_erased_remember(db, key, record, "", 1000), OV_OK);
	assert_int_equal(ov_db_commit(db, "test"), OV_OK);
	assert_int_equal(ov_erased_load(&e, db, key), OV_OK);
	/* alone in a file, where the website would be its own, and without a country */
	assert_true(has(e, "", "ALDER Shipping GmbH", "www.house.com"));
	assert_true(has(e, "9", "Alder Shipping GmbH", "house.com"));
	assert_false(has(e, "", "Birch Brewing AG", "house.com"));
	assert_false(has(e, "", "", "house.com"));
	assert_false(has(e, "", "Alder Shipping GmbH", "other.com"));
	ov_erased_free(e);
	ov_db_close(db);
}

static void
remember_text(struct ov_db *db, const char *text)
{
	assert_int_equal(ov_db_begin(db), OV_OK);
	assert_int_equal(ov_erased_remember_text(db, key, text, 1000), OV_OK);
	assert_int_equal(ov_db_commit(db, "test"), OV_OK);
}

static void
what_is_in_no_list_can_be_kept_out(void **state)
{
	struct ov_db *db = new_db();
	struct ov_erased *e;

	(void)state;
	remember_text(db, "Alder Shipping GmbH");
	remember_text(db, "https://www.birch.com/");
	assert_int_equal(ov_erased_load(&e, db, key), OV_OK);
	assert_true(has(e, "", "Alder Shipping", ""));
	assert_true(has(e, "9", "ALDER SHIPPING GMBH", "alder.com"));
	assert_true(has(e, "9", "Birch", "birch.com"));
	assert_false(has(e, "9", "Alder Ships", "alder.com"));
	assert_false(has(e, "", "Birch", ""));
	assert_deal(e, "", "alder shipping gmbh", OV_DEAL_OF_ERASED, "");
	ov_erased_free(e);
	assert_int_equal(ov_db_begin(db), OV_OK);
	assert_int_equal(ov_erased_forget(db, key, "Alder Shipping"), OV_OK);
	assert_int_equal(ov_erased_forget(db, key, "birch.com"), OV_OK);
	assert_int_equal(ov_db_commit(db, "test"), OV_OK);
	assert_int_equal(ov_erased_load(&e, db, key), OV_OK);
	assert_false(has(e, "9", "Alder Shipping GmbH", "alder.com"));
	assert_false(has(e, "9", "Birch", "birch.com"));
	ov_erased_free(e);
	ov_db_close(db);
}

static void
a_digest_is_worth_nothing_without_its_key(void **state)
{
	static const uint8_t another[OV_ERASED_KEY_LEN] = { 8 };
	struct ov_db *db = new_db();
	struct ov_erased *e =
	    remember(db, "Account ID,Account Name,Website\n7,Alder,alder.com\n", another);

	(void)state;
	assert_false(has(e, "7", "Alder", "alder.com"));
	assert_false(has(NULL, "7", "Alder", "alder.com"));
	ov_erased_free(e);
	ov_db_close(db);
}

static enum ov_status
forget(struct ov_db *db, const char *text)
{
	enum ov_status st;

	assert_int_equal(ov_db_begin(db), OV_OK);
	st = ov_erased_forget(db, key, text);
	if (st == OV_OK)
		assert_int_equal(ov_db_commit(db, "test"), OV_OK);
	ov_db_rollback(db);
	return st;
}

/* The keys were made by the release before, whose rules were others. */
static void
it_stays_out_after_an_upgrade(void **state)
{
	static const char name[] = "Splunk, a Cisco company";
	struct ov_db *db = new_db();
	struct ov_erased *e;

	(void)state;
	assert_int_equal(setenv("OVERLAP_OLD_PROFILES", "1", 1), 0);
	if (ov_profile_at(1) != NULL)
		skip(); /* this build cannot be that release */
	e = remember(db, "Account Name\n\"Splunk, a Cisco company\"\n", key);
	assert_int_equal(unsetenv("OVERLAP_OLD_PROFILES"), 0);
	assert_true(has(e, "", name, ""));
	assert_false(has(e, "", "Splunk", "")); /* as the new rules have it: another */
	assert_int_equal(forget(db, name), OV_OK);
	ov_erased_free(e);
	ov_db_close(db);
}

static void
what_was_erased_can_be_forgotten(void **state)
{
	struct ov_db *db = new_db();
	bool any;

	(void)state;
	ov_erased_free(
	    remember(db, "Account ID,Account Name,Website\n7,Alder,alder.com\n", key));
	ov_erased_free(
	    remember(db, "Account ID,Account Name,Website\n8,Alder,birch.com\n", key));
	assert_int_equal(forget(db, ""), OV_E_NOT_FOUND);
	assert_int_equal(forget(db, "9"), OV_E_NOT_FOUND);
	assert_int_equal(forget(db, "alder"), OV_E_DB_CONFLICT);
	assert_int_equal(forget(db, "7"), OV_OK);
	assert_int_equal(forget(db, "7"), OV_E_NOT_FOUND);
	assert_int_equal(
	    forget(db, "https://birch.com"), OV_OK); /* of one with an id, too */
	assert_int_equal(ov_erased_any(&any, db), OV_OK);
	assert_false(any);
	ov_db_close(db);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_id_is_all_that_counts_where_both_have_one),
		cmocka_unit_test(without_an_id_its_own_keys_count),
		cmocka_unit_test(an_id_of_a_scheme_counts),
		cmocka_unit_test(another_spelling_of_the_name_brings_nothing_back),
		cmocka_unit_test(a_name_that_a_website_tells_is_no_sign),
		cmocka_unit_test(a_bare_name_counts_where_there_is_nothing_better),
		cmocka_unit_test(a_shared_key_counts_together_with_the_name),
		cmocka_unit_test(what_is_in_no_list_can_be_kept_out),
		cmocka_unit_test(a_digest_is_worth_nothing_without_its_key),
		cmocka_unit_test(it_stays_out_after_an_upgrade),
		cmocka_unit_test(what_was_erased_can_be_forgotten),
	};

	if (ov_crypto_init() != OV_OK || ov_normalise_init() != OV_OK)
		return 1;
	return cmocka_run_group_tests(tests, site_setup, site_teardown);
}
