/* Imports: deals find accounts, ids in two forms, three modes, what is held, dry runs. */
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

#define ACCOUNTS                                                                         \
	"Account ID,Account Name,Website,Type\n"                                         \
	"0015e00000Ab1Cd,Alder,alder.com,Prospect\n"                                     \
	"0015e00000Ab1CD,Birch,birch.com,\n"                                             \
	"0015e00000Ab1Ce,Cedar,cedar.com,Customer\n"                                     \
	"0015e00000Ab1Cf,Dogwood,dogwood.com,\n"

static enum ov_status
import_two(struct ov_db *db, const char *a, const char *b)
{
	return import_files(db, (const char *const[]){ a, b, NULL },
	    &(struct ov_import_options){ .accept = true });
}

static struct ov_import_options
mode(enum ov_import_mode m)
{
	return (struct ov_import_options){ .mode = m };
}

static void
short_ids_get_their_suffix(void **state)
{
	static const struct {
		const char *in, *out;
	} ids[] = { { "0015e00000Ab1Cd", "0015e00000Ab1CdAAJ" },
		{ "0015e00000Ab1CD", "0015e00000Ab1CDAAZ" },
		{ "001A0000006Vm9r", "001A0000006Vm9rIAC" },
		{ "0015e00000Ab1CdAAJ", "0015e00000Ab1CdAAJ" },
		{ "001000000000001", "001000000000001" },
		{ "0035e00000Ab1Cd", "0035e00000Ab1Cd" },
		{ "0015e00000Ab-Cd", "0015e00000Ab-Cd" }, { "9301001", "9301001" },
		{ "", "" } };
	char out[32];

	(void)state;
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		ov_crm_id(out, ids[i].in, strlen(ids[i].in));
		assert_string_equal(out, ids[i].out);
	}
}

/* A report has short ids, the API's file long ones, whose case may be all that differs.
 */
static void
deals_find_accounts_by_either_form_of_id(void **state)
{
	struct ov_db *db = new_db();

	(void)state;
	assert_int_equal(
	    import_two(db, ACCOUNTS,
		"Id,AccountId,Name,StageName,IsWon,IsClosed\n"
		"0065e00000Op001AAC,0015e00000Ab1CdAAJ,x,Signiert,true,true\n"
		"0065e00000Op002AAC,0015e00000Ab1CDAAZ,x,Angebot,false,false\n"
		"0065e00000Op003AAC,0015e00000Ab1CeAAJ,x,Angebot,false,false\n"
		"0065e00000Op004AAC,0015e00000Ab1CfAAJ,x,Verloren,false,true\n"
		"0065e00000Op005AAC,0015e00000ZzZzZAAV,x,Angebot,false,false\n"),
	    OV_OK);
	assert_int_equal(result.rows, 4);
	assert_int_equal(result.deals.deals, 5);
	assert_int_equal(result.deals.joined, 4);
	assert_int_equal(result.deals.lost, 1);
	assert_int_equal(result.deals.stand_ins, 0);
	assert_int_equal(stats_of(db).rows, 4);
	/* won; open; a customer stays one; lost says nothing better than prospect */
	assert_string_equal(freeze(db, 0, NO_BARE_NAMES, NULL),
	    "0/0/0 domain=alder.com\n1/0/0 domain=birch.com\n"
	    "0/0/0 domain=cedar.com\n2/0/0 domain=dogwood.com\n");
	ov_db_close(db);
}

/* In either order of the files; of several deals the first population counts. */
static void
deals_without_ids_find_accounts_by_name(void **state)
{
	static const char deals[] = "Opportunity Name,Account Name,Stage\n"
				    "x,birch,Negotiation\n"
				    "x,Birch,Closed Won\n"
				    "x,Birch,Closed Lost\n"
				    "x,Elm,Qualification\n"
				    "x,Elm,Closed Won\n"
				    "x,,Qualification\n";
	static const char *const want = "2/0/0 domain=alder.com\n"
					"0/0/0 domain=birch.com\n"
					"0/0/0 domain=cedar.com\n"
					"2/0/0 domain=dogwood.com\n";

	(void)state;
	for (int order = 0; order < 2; order++) {
		struct ov_db *db = new_db();

		assert_int_equal(import_two(db, order == 0 ? ACCOUNTS : deals,
				     order == 0 ? deals : ACCOUNTS),
		    OV_OK);
		assert_int_equal(result.deals.joined, 3);
		assert_int_equal(result.deals.stand_ins, 1);
		assert_int_equal(result.deals.lost, 1);
		/* Elm came with its deals: one row for both */
		assert_int_equal(stats_of(db).rows, 5);
		assert_int_equal(stats_of(db).population[0].rows, 3);
		assert_string_equal(freeze(db, 0, NO_BARE_NAMES, NULL), want);
		ov_db_close(db);
	}
}

/* Where accounts have no ids, the deals' ids cannot be compared. */
static void
deals_with_ids_find_accounts_without_by_name(void **state)
{
	struct ov_db *db = new_db();

	(void)state;
	assert_int_equal(
	    import_two(db, "Name,Website\nAlder,alder.com\n",
		"Deal Name,Associated Company IDs,Associated Company,Is Closed Won\n"
		"x,77,Alder,true\n"),
	    OV_OK);
	assert_string_equal(
	    freeze(db, 0, NO_BARE_NAMES, NULL), "0/0/0 domain=alder.com\n");
	ov_db_close(db);
}

/* A deal of several companies is one of each, and is counted once. */
static void
a_deal_of_several_companies_counts_for_each(void **state)
{
	struct ov_db *db = new_db();

	(void)state;
	assert_int_equal(import_two(db,
			     "Record ID,Company name,Company Domain Name\n"
			     "1,Alder,alder.com\n2,Birch,birch.com\n3,Cedar,cedar.com\n",
			     "Record ID,Deal Name,Deal Stage,Associated Company IDs\n"
			     "9,x,Closed Won,1;3\n"),
	    OV_OK);
	assert_int_equal(result.deals.joined, 1);
	assert_string_equal(freeze(db, 0, NO_BARE_NAMES, NULL),
	    "0/0/0 domain=alder.com\n2/0/0 domain=birch.com\n"
	    "0/0/0 domain=cedar.com\n");
	ov_db_close(db);
}

/* HubSpot writes the domain behind the name of a deal's company. */
static void
a_company_with_its_domain_in_brackets_is_taken_apart(void **state)
{
	struct ov_db *db = new_db();

	(void)state;
	assert_int_equal(import_two(db,
			     "Record ID,Company name,Company Domain Name\n"
			     "1,Alder,alder.com\n2,Birch (U.S.),birch.com\n",
			     "Record ID,Deal Name,Deal Stage,Associated Company\n"
			     "9,x,Closed Won,Alder (alder.com)\n"
			     "8,x,Closed Won,Birch (U.S.)\n"
			     "7,x,Closed Won,Elm (elm.com);Fir (fir.com)\n"),
	    OV_OK);
	assert_int_equal(result.deals.joined, 2);
	assert_int_equal(result.deals.stand_ins, 1);
	assert_string_equal(freeze(db, 0, NO_BARE_NAMES, NULL),
	    "0/0/0 domain=alder.com\n0/0/0 domain=birch.com\n0/0/0 domain=elm.com\n");
	ov_db_close(db);
}

/* As HubSpot and Salesforce write headings and values in other languages. */
static void
exports_in_other_languages_are_understood(void **state)
{
	static const char *const files[][2] = {
		{ "Datensatz-ID,Name des Unternehmens,Unternehmens-Domain-Name,"
		  "Land/Region,Lifecycle-Phase\n1,Alder,alder.com,Deutschland,Kunde\n",
		    "0/0/0 domain=alder.com namecc=DE alder\n" },
		{ "ID d\xe2\x80\x99"
		  "enregistrement,Nom de l\xe2\x80\x99"
		  "entreprise,"
		  "Nom de domaine de l'entreprise,Pays/R\xc3\xa9gion,Phase du cycle de "
		  "vie\n"
		  "1,Alder,alder.com,France,Client\n",
		    "0/0/0 domain=alder.com namecc=FR alder\n" },
		{ "ID de registro,Nombre de la empresa,Nombre de dominio de la empresa,"
		  "PA\xc3\x8dS/REGI\xc3\x93N,Etapa del ciclo de vida\n"
		  "1,Alder,alder.com,Espa\xc3\xb1"
		  "a,Cliente\n",
		    "0/0/0 domain=alder.com namecc=ES alder\n" },
		{ "\xe4\xbc\x9a\xe7\xa4\xbe\xe5\x90\x8d,"
		  "\xe4\xbc\x9a\xe7\xa4\xbe\xe3\x81\xae\xe3\x83\x89\xe3\x83\xa1"
		  "\xe3\x82\xa4\xe3\x83\xb3\xe5\x90\x8d,"
		  "\xe5\x9b\xbd/\xe5\x9c\xb0\xe5\x9f\x9f\nAlder,alder.com,JP\n",
		    "2/0/0 domain=alder.com namecc=JP alder\n" },
		{ "Nom de la transaction,Entreprise associ\xc3\xa9"
		  "e,"
		  "Phase de la transaction\n"
		  "x,Alder (alder.com),Ferm\xc3\xa9"
		  "e gagn\xc3\xa9"
		  "e\n"
		  "x,Birch (birch.com),Ferm\xc3\xa9"
		  "e perdue\n"
		  "x,Cedar (cedar.com),N\xc3\xa9gociation\n",
		    "0/0/0 domain=alder.com\n2/0/0 domain=birch.com\n"
		    "1/0/0 domain=cedar.com\n" },
		{ "Opportunity-Name,Account-Name,Website,Phase\n"
		  "x,Alder,alder.com,Geschlossen und gewonnen\n"
		  "x,Birch,birch.com,Geschlossen und verloren\n",
		    "0/0/0 domain=alder.com\n2/0/0 domain=birch.com\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		struct ov_db *db = new_db();

		import(db, files[i][0]);
		assert_string_equal(freeze(db, 0, NO_BARE_NAMES, NULL), files[i][1]);
		ov_db_close(db);
	}
}

static void
deals_alone_stand_for_their_accounts(void **state)
{
	struct ov_db *db = new_db();

	(void)state;
	import(db, "Opportunity ID,Account ID,Account Name,Website,Stage\n"
		   "1,0015e00000Ab1Cd,Alder,alder.com,Prospecting\n"
		   "2,0015e00000Ab1CdAAJ,Alder,alder.com,Closed Won\n"
		   "3,0015e00000Ab1CD,Birch,birch.com,Closed Lost\n");
	assert_int_equal(stats_of(db).rows, 2);
	assert_string_equal(freeze(db, 0, NO_BARE_NAMES, NULL),
	    "0/0/0 domain=alder.com\n2/0/0 domain=birch.com\n");
	ov_db_close(db);
}

/* An owner who wrote the population down is not overruled by a deal. */
static void
a_population_column_goes_before_deals(void **state)
{
	struct ov_db *db = new_db();

	(void)state;
	assert_int_equal(
	    import_two(db,
		"Id,Name,Website,Population\n1,Alder,alder.com,prospects\n"
		"2,Birch,birch.com,-\n",
		"Deal Name,Company ID,Deal Stage\nx,1,Closed Won\nx,2,Closed Won\n"),
	    OV_OK);
	assert_string_equal(freeze(db, 0, NO_BARE_NAMES, NULL),
	    "2/0/0 domain=alder.com\n0/0/0 domain=birch.com\n");
	ov_db_close(db);
}

/* Nor by one that comes to the book later, or by a type: it may be there to hide an
 * account. */
static void
a_population_column_is_remembered(void **state)
{
	static const char won[] =
	    "Deal Name,Company ID,Deal Stage\nx,1,Closed Won\nx,2,Closed Won\n";
	static const char *const want = "2/0/0 domain=alder.com\n"
					"0/0/0 domain=birch.com\n";
	const enum ov_import_mode modes[] = { OV_IMPORT_ADD, OV_IMPORT_UPDATE };
	struct ov_import_options o = { .mode = OV_IMPORT_UPDATE };
	struct ov_db *db = new_db();

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		import(db,
		    "Id,Name,Website,Population,Type\n"
		    "1,Alder,alder.com,prospects,\n2,Birch,birch.com,-,Prospect\n");
		o.mode = modes[i];
		assert_int_equal(import_with(db, won, &o), OV_OK);
		assert_string_equal(freeze(db, 0, NO_BARE_NAMES, NULL), want);
	}
	assert_int_equal(
	    import_with(db, "Id,Name,Type\n1,Alder,Customer\n2,Birch,\n", &o), OV_OK);
	assert_string_equal(freeze(db, 0, NO_BARE_NAMES, NULL), want);
	/* what waited for a person remembers it, too */
	import(db, ACCOUNTS "1,Elm,elm.com,\n");
	o.mode = OV_IMPORT_REPLACE;
	assert_int_equal(
	    import_with(
		db, "Id,Name,Website,Population\n1,Alder,alder.com,prospects\n", &o),
	    OV_OK);
	assert_true(result.held);
	assert_int_equal(ov_db_begin(db), OV_OK);
	assert_int_equal(ov_held_take(db), OV_OK);
	assert_int_equal(ov_db_commit(db, "test.take"), OV_OK);
	o.mode = OV_IMPORT_ADD;
	assert_int_equal(import_with(db, won, &o), OV_OK);
	assert_string_equal(
	    freeze(db, 0, NO_BARE_NAMES, NULL), "2/0/0 domain=alder.com\n");
	/* the owner's next word counts */
	o.mode = OV_IMPORT_UPDATE;
	assert_int_equal(import_with(db, "Id,Population\n1,customers\n", &o), OV_OK);
	assert_string_equal(
	    freeze(db, 0, NO_BARE_NAMES, NULL), "0/0/0 domain=alder.com\n");
	ov_db_close(db);
}

static void
updates_change_cells_of_known_ids(void **state)
{
	struct ov_import_options update = mode(OV_IMPORT_UPDATE);
	struct ov_db *db = new_db();

	(void)state;
	assert_int_equal(
	    import_with(db, "Id,Website\n1,alder.com\n", &update), OV_E_BOOK_EMPTY);
	import(db, ACCOUNTS);
	assert_int_equal(import_with(db,
			     "Account ID,Website,Type,DUNS Number\n"
			     "0015e00000Ab1CdAAJ,alder.org,,\n"
			     "0015e00000Ab1CD,,Customer,15048333\n"
			     "0015e00000Ab1CD,,,\n" /* the last line of an id counts */
			     "0015e00000Ab1Cf,,,60704780\n"
			     "0015e00000ZzZzZ,new.com,,\n,none.com,,\n",
			     &update),
	    OV_OK);
	assert_int_equal(result.ids.updated, 3);
	assert_int_equal(result.ids.unknown_ids, 1);
	assert_int_equal(result.ids.repeated_ids, 1);
	assert_int_equal(stats_of(db).rows, 4);
	assert_string_equal(freeze(db, 0, NO_BARE_NAMES, NULL),
	    "2/0/0 duns=060704780 domain=dogwood.com\n2/0/0 domain=alder.org\n"
	    "2/0/0 domain=birch.com\n0/0/0 domain=cedar.com\n");
	/* deals alone move accounts of the book, and back */
	assert_int_equal(import_with(db,
			     "Deal Name,Account ID,Deal Stage\n"
			     "x,0015e00000Ab1CDAAZ,Angebot\nx,77,Closed Won\n",
			     &update),
	    OV_OK);
	assert_int_equal(result.deals.joined, 1);
	assert_int_equal(stats_of(db).population[1].rows, 1);
	assert_int_equal(import_with(db,
			     "Deal Name,Account ID,Deal Stage\n"
			     "x,0015e00000Ab1CDAAZ,Closed Lost\n",
			     &update),
	    OV_OK);
	assert_int_equal(stats_of(db).population[1].rows, 0);
	assert_int_equal(stats_of(db).rows, 4);
	ov_db_close(db);
}

static void
adding_takes_deals_too(void **state)
{
	struct ov_import_options add = mode(OV_IMPORT_ADD);
	struct ov_db *db = new_db();

	(void)state;
	import(db, ACCOUNTS);
	assert_int_equal(import_with(db,
			     "Deal Name,Account ID,Account Name,Deal Stage\n"
			     "x,0015e00000Ab1CD,Birch,Angebot\n"
			     "x,0015e00000Ab1Cz,Elm,Closed Won\n",
			     &add),
	    OV_OK);
	assert_int_equal(result.deals.joined, 1);
	assert_int_equal(result.deals.stand_ins, 1);
	assert_int_equal(result.ids.replaced, 0);
	assert_int_equal(stats_of(db).rows, 5);
	assert_int_equal(stats_of(db).population[0].rows, 2);
	assert_int_equal(stats_of(db).population[1].rows, 1);
	ov_db_close(db);
}

/* A customer by a deal of yesterday's file stays one, whatever is offered today. */
static void
added_deals_come_beside_those_before(void **state)
{
	static const char deal[] =
	    "Deal Name,Account ID,Deal Stage\nx,0015e00000Ab1CD,%s\n";
	static const struct {
		const char *stage;
		unsigned population;
	} cases[] = { { "Angebot", 1 }, { "Closed Lost", 1 }, { "Closed Won", 0 },
		{ "Angebot", 0 }, { "Closed Lost", 0 } };
	struct ov_import_options add = mode(OV_IMPORT_ADD),
				 update = mode(OV_IMPORT_UPDATE);
	struct ov_db *db = new_db();
	char csv[128], want[32];

	(void)state;
	import(db, ACCOUNTS);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(csv, sizeof(csv), deal, cases[i].stage);
		snprintf(
		    want, sizeof(want), "%u/0/0 domain=birch.com", cases[i].population);
		assert_int_equal(import_with(db, csv, &add), OV_OK);
		assert_non_null(strstr(freeze(db, 0, NO_BARE_NAMES, NULL), want));
	}
	/* an update brings the deals as they are now */
	assert_int_equal(import_with(db, csv, &update), OV_OK);
	assert_non_null(
	    strstr(freeze(db, 0, NO_BARE_NAMES, NULL), "2/0/0 domain=birch.com"));
	ov_db_close(db);
}

static bool
is_held(struct ov_db *db)
{
	struct ov_held held;

	return ov_held_get(&held, db) == OV_OK;
}

static void
a_whole_book_that_shrank_is_held(void **state)
{
	struct ov_import_options replace = mode(OV_IMPORT_REPLACE);
	struct ov_db *db = new_db();
	struct ov_held held;
	uint64_t before, after;
	char was[512];

	(void)state;
	assert_int_equal(import_with(db, ACCOUNTS, &replace), OV_OK);
	assert_false(result.held); /* there was nothing before */
	assert_int_equal(import_with(db,
			     "Account ID,Account Name,Website,Type\n1,Alder,a.com,\n"
			     "2,Birch,b.com,\n",
			     &replace),
	    OV_OK);
	assert_false(result.held); /* half of it */
	import(db, ACCOUNTS);
	snprintf(was, sizeof(was), "%s", freeze(db, 0, ALL_RANKS, NULL));
	assert_int_equal(ov_book_generation(&before, db), OV_OK);
	assert_int_equal(
	    import_with(
		db, "Account ID,Account Name,Website,Type\n1,Elm,elm.com,\n", &replace),
	    OV_OK);
	assert_true(result.held);
	assert_int_equal(ov_held_get(&held, db), OV_OK);
	assert_true(held.shrank && held.rows == 1 && held.rows_before == 4);
	assert_string_equal(held.lost, "");
	assert_int_equal(ov_book_generation(&after, db), OV_OK);
	assert_int_equal(before, after);
	assert_string_equal(freeze(db, 0, ALL_RANKS, NULL), was);
	/* what comes to the book does not touch what waits */
	assert_int_equal(import_with(db, "Account ID,Account Name\n2,Fir\n",
			     &(struct ov_import_options){ .mode = OV_IMPORT_ADD }),
	    OV_OK);
	assert_true(is_held(db));
	assert_int_equal(ov_db_begin(db), OV_OK);
	assert_int_equal(ov_held_take(db), OV_OK);
	assert_int_equal(ov_db_commit(db, "test.take"), OV_OK);
	assert_false(is_held(db));
	assert_string_equal(freeze(db, 0, NO_BARE_NAMES, NULL), "2/0/0 domain=elm.com\n");
	ov_db_close(db);
}

static void
a_whole_book_that_lost_a_column_is_held(void **state)
{
	struct ov_import_options replace = mode(OV_IMPORT_REPLACE);
	struct ov_db *db = new_db();

	(void)state;
	import(db, "Id,Name,Website,Domain,Country,Owner\n1,Alder,alder.com,,DE,Jo\n");
	assert_int_equal(
	    import_with(db, "Id,Name,Website\n1,Alder,alder.com\n", &replace), OV_OK);
	assert_true(result.held);
	assert_false(result.why.shrank);
	assert_string_equal(result.why.lost, "country, website");
	assert_true(is_held(db));
	/* the next one that is as it should be settles it; a column that was never read
	 * is not missed */
	assert_int_equal(
	    import_with(
		db, "Id,Name,Website,Domain,Country\n1,Birch,b.com,,DE\n", &replace),
	    OV_OK);
	assert_false(result.held);
	assert_false(is_held(db));
	/* neither adding nor updating is about the whole */
	assert_int_equal(import_with(db, "Id,Name\n2,Cedar\n",
			     &(struct ov_import_options){ .mode = OV_IMPORT_ADD }),
	    OV_OK);
	assert_false(result.held);
	/* a person has looked */
	assert_int_equal(import_with(db, "Id,Name\n3,Dogwood\n",
			     &(struct ov_import_options){ .accept = true }),
	    OV_OK);
	assert_int_equal(stats_of(db).rows, 1);
	ov_db_close(db);
}

static void
what_waits_is_dropped(void **state)
{
	struct ov_import_options replace = mode(OV_IMPORT_REPLACE);
	struct ov_db *db = new_db();

	(void)state;
	import(db, ACCOUNTS);
	assert_int_equal(ov_db_begin(db), OV_OK);
	assert_int_equal(ov_held_take(db), OV_E_NOT_FOUND);
	ov_db_rollback(db);
	assert_int_equal(import_with(db, "Name\nAlder\n", &replace), OV_OK);
	assert_true(result.held);
	assert_int_equal(ov_db_begin(db), OV_OK);
	assert_int_equal(ov_held_drop(db), OV_OK);
	assert_int_equal(ov_db_commit(db, "test.drop"), OV_OK);
	assert_false(is_held(db));
	assert_int_equal(stats_of(db).rows, 4);
	ov_db_close(db);
}

static enum ov_status
count_preview(void *ctx, const struct ov_import_file *file, const struct ov_row *row)
{
	assert_ptr_equal(file, &table[0]);
	assert_true(row->cell[OV_FIELD_NAME].len > 0);
	++*(unsigned *)ctx;
	return OV_OK;
}

static void
a_dry_run_tells_all_and_changes_nothing(void **state)
{
	unsigned seen = 0;
	struct ov_import_options dry = {
		.dry = true, .preview = count_preview, .ctx = &seen
	};
	struct ov_db *db = new_db();
	uint64_t generation;

	(void)state;
	assert_int_equal(
	    import_with(db, ACCOUNTS "5,Elm,elm.com,\n6,Fir,fir.com,\n", &dry), OV_OK);
	assert_int_equal(seen, OV_IMPORT_PREVIEW);
	assert_int_equal(result.rows, 6);
	assert_int_equal(stats_of(db).rows, 0);
	import(db, ACCOUNTS);
	assert_int_equal(import_with(db, "Account Name\nAlder\n", &dry), OV_OK);
	assert_true(result.held);
	assert_false(is_held(db));
	assert_int_equal(ov_book_generation(&generation, db), OV_OK);
	assert_int_equal(generation, 1);
	assert_int_equal(stats_of(db).rows, 4);
	ov_db_close(db);
}

/* Exports with a title above the headings; the delimiter is found below it. */
static void
titles_above_the_headings_are_passed(void **state)
{
	struct ov_db *db = new_db();

	(void)state;
	import(db, "All accounts, as of today\n\nExported by nobody\n"
		   "Account Name;Website;Billing Country\n"
		   "Alder;alder.com, alder.de;DE\nBirch;birch.com;DE\n");
	assert_int_equal(stats_of(db).rows, 2);
	assert_int_equal(stats_of(db).keys[OV_RANK_DOMAIN], 3);
	/* one column has no delimiter to be found */
	import(db, "Website\nalder.com;alder.de\nbirch.com\n");
	assert_int_equal(stats_of(db).keys[OV_RANK_DOMAIN], 3);
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

/* One mapping for all files: each heading must be in one of them. */
static void
a_mapping_is_for_all_files(void **state)
{
	struct ov_map *map = map_of("columns:\n  name: Kunde\n  stage: Stufe\n"
				    "keep: [Region, Kanal]\n");
	struct ov_map *wrong = map_of("columns:\n  name: Kunde\n  stage: Phase2\n");
	struct ov_import_options with = { .map = map, .accept = true };
	static const char *const files[] = { "Kunde,Website,Kanal\nAlder,alder.com,K\n",
		"Deal,Kunde,Stufe,Region\nx,Alder,Closed Won,R\nx,Birch,Offen,R\n",
		NULL };
	struct ov_db *db = new_db();

	(void)state;
	assert_int_equal(import_files(db, files, &with), OV_OK);
	assert_int_equal(stats_of(db).population[0].rows, 1);
	assert_int_equal(stats_of(db).population[1].rows, 1);
	with.map = wrong;
	assert_int_equal(import_files(db, files, &with), OV_E_IMPORT_COLUMNS);
	assert_non_null(strstr(fault.text, "Phase2"));
	ov_map_free(map);
	ov_map_free(wrong);
	ov_db_close(db);
}

/* A key of its own kind, kept scheme by scheme when rows are updated; a file without the
 * column is held; what was erased stays out by it. */
static void
ids_of_schemes_are_keys(void **state)
{
	struct ov_map *map = map_of("columns: {id:acme: Partner, id:other: Other}\n");
	struct ov_map *one = map_of("columns: {id:acme: Partner}\n");
	struct ov_import_options with = { .map = map, .accept = true };
	char *why = NULL;
	size_t len = 0;
	struct ov_book_stats s;
	struct ov_db *db = new_db();
	FILE *out;

	(void)state;
	assert_int_equal(import_with(db,
			     "Id,Name,Partner,Other,Ticker,VAT\n"
			     "1,Alder, p 1,o1,NYSE:ALD,DE811569869\n"
			     "2,Birch,p2,,BRCH,\n3,,p3,,,\n4,Cedar,n/a,,,\n",
			     &with),
	    OV_OK);
	assert_string_equal(freeze(db, 0, NO_BARE_NAMES, NULL),
	    "2/0/0 vat=DE811569869 id:acme=P1 id:other=O1 id:ticker=XNYS:ALD\n"
	    "2/0/0 id:acme=P2\n2/0/0 id:acme=P3\n");
	s = stats_of(db);
	assert_int_equal(s.keys[OV_RANK_VAT], 1);
	assert_int_equal(s.scheme_ids, 5);
	assert_int_equal(s.dropped[OV_DROP_NO_EXCHANGE], 1);
	assert_int_equal(s.dropped[OV_DROP_PLACEHOLDER], 1);
	out = open_memstream(&why, &len);
	assert_int_equal(ov_book_why(out, db, "Birch"), OV_OK);
	fclose(out);
	assert_non_null(strstr(why, "key id:acme P2\n"));
	assert_non_null(strstr(why, "no id:ticker from \"BRCH\": a ticker without"));
	free(why);

	with.map = one;
	with.mode = OV_IMPORT_UPDATE;
	assert_int_equal(
	    import_with(db, "Id,Name,Partner\n1,Alder,p9\n4,Cedar,p4\n", &with), OV_OK);
	assert_string_equal(freeze(db, 0, NO_BARE_NAMES, NULL),
	    "2/0/0 vat=DE811569869 id:acme=P9 id:other=O1 id:ticker=XNYS:ALD\n"
	    "2/0/0 id:acme=P2\n2/0/0 id:acme=P3\n2/0/0 id:acme=P4\n");

	with = (struct ov_import_options){ .map = one };
	assert_int_equal(import_with(db,
			     "Id,Name,Partner,VAT,Ticker\n1,A,p1,,\n2,B,p2,,\n"
			     "3,C,p3,,\n",
			     &with),
	    OV_OK);
	assert_true(result.held);
	assert_string_equal(result.why.lost, "id:other");
	assert_int_equal(ov_db_begin(db), OV_OK);
	assert_int_equal(ov_held_take(db), OV_OK);
	assert_int_equal(ov_db_commit(db, "test.take"), OV_OK);
	assert_string_equal(freeze(db, 0, NO_BARE_NAMES, NULL),
	    "2/0/0 id:acme=P1\n2/0/0 id:acme=P2\n2/0/0 id:acme=P3\n");
	ov_map_free(map);
	ov_map_free(one);
	ov_db_close(db);
}

/* A file with a ticker and no exchange takes no key away, however often it comes. */
static void
a_ticker_without_exchange_replaces_none(void **state)
{
	static const char bare[] = "Id,Name,Ticker\n1,Alder,ALD\n2,Birch,BRCH\n";
	struct ov_import_options with = { .mode = OV_IMPORT_UPDATE };
	struct ov_db *db = new_db();
	int64_t len, again;

	(void)state;
	import(db, "Id,Name,Ticker\n1,Alder,NYSE:ALD\n2,Birch,\"LSE:BRC, NYSE:BRCH\"\n");
	assert_int_equal(import_with(db, bare, &with), OV_OK);
	assert_string_equal(freeze(db, 0, NO_BARE_NAMES, NULL),
	    "2/0/0 id:ticker=XLON:BRC id:ticker=XNYS:BRCH\n"
	    "2/0/0 id:ticker=XNYS:ALD\n");
	assert_int_equal(
	    ov_db_number(&len, db, "SELECT sum(length(ids)) FROM book_row"), OV_OK);
	assert_int_equal(import_with(db, bare, &with), OV_OK);
	assert_int_equal(
	    ov_db_number(&again, db, "SELECT sum(length(ids)) FROM book_row"), OV_OK);
	assert_int_equal(len, again);
	assert_int_equal(import_with(db, "Id,Ticker\n2,NYSE:NEW\n", &with), OV_OK);
	assert_string_equal(freeze(db, 0, NO_BARE_NAMES, NULL),
	    "2/0/0 id:ticker=XNYS:ALD\n2/0/0 id:ticker=XNYS:NEW\n");
	ov_db_close(db);
}

/* A file that updates needs no names; any other does. */
static void
an_update_needs_an_id_and_one_column(void **state)
{
	static const char csv[] = "Id,Country\n2,Canada\n";
	struct ov_import_options with = { .mode = OV_IMPORT_UPDATE };
	struct ov_db *db = new_db();

	(void)state;
	import(db, "Id,Name,Country\n1,Velorix,US\n2,Zephyrix,US\n");
	assert_int_equal(import_with(db, csv, &with), OV_OK);
	assert_string_equal(freeze(db, 0, NO_BARE_NAMES, NULL),
	    "2/0/0 namecc=CA zephyrix\n2/0/0 namecc=US velorix\n");
	assert_int_equal(
	    import_with(db, "Id,Colour\n2,red\n", &with), OV_E_IMPORT_COLUMNS);
	assert_int_equal(
	    import_with(db, "Country,Industry\nUS,Mining\n", &with), OV_E_IMPORT_COLUMNS);
	with.mode = OV_IMPORT_ADD;
	assert_int_equal(import_with(db, csv, &with), OV_E_IMPORT_COLUMNS);
	ov_db_close(db);
}

/* Only where the mapping file names it; and it is no key. */
static void
an_owner_is_kept_on_request(void **state)
{
	static const char csv[] = "Id,Name,Website,Account Owner\n"
				  "1,Alder,alder.com,Trillian McMillan\n";
	struct ov_map *map = map_of("columns: {owner: Account Owner}\n");
	struct ov_import_options with = { .map = map, .accept = true };
	struct ov_db *db = new_db();
	int64_t n;

	(void)state;
	import(db, csv);
	assert_int_equal(
	    ov_db_number(&n, db, "SELECT count(*) FROM book_row WHERE owner != ''"),
	    OV_OK);
	assert_int_equal(n, 0);
	assert_int_equal(import_with(db, csv, &with), OV_OK);
	assert_int_equal(ov_db_number(&n, db,
			     "SELECT count(*) FROM book_row WHERE owner ="
			     " 'Trillian McMillan'"),
	    OV_OK);
	assert_int_equal(n, 1);
	assert_string_equal(
	    freeze(db, 0, ALL_RANKS, NULL), "2/0/0 domain=alder.com name=alder\n");
	ov_map_free(map);
	ov_db_close(db);
}

static void
alias(struct ov_db *db, const char *id, enum ov_alias_kind kind, const char *value,
    bool add)
{
	assert_int_equal(ov_db_begin(db), OV_OK);
	assert_int_equal(add ? ov_alias_add(db, id, kind, value)
			     : ov_alias_remove(db, id, kind, value),
	    OV_OK);
	assert_int_equal(ov_book_rebuild_within(db), OV_OK);
	assert_int_equal(ov_db_commit(db, "test.alias"), OV_OK);
}

static void
aliases_make_keys_and_outlive_imports(void **state)
{
	static const char csv[] = "Account ID,Account Name,Website,Billing Country\n"
				  "0015e00000Ab1Cd,Alder GmbH,alder.com,DE\n"
				  "0015e00000Ab1CD,Birch,birch.com,\n,Cedar,cedar.com,\n";
	struct ov_db *db = new_db();

	(void)state;
	import(db, csv);
	alias(db, "0015e00000Ab1CdAAJ", OV_ALIAS_DOMAIN, "https://www.alder.net/x", true);
	alias(db, "0015e00000Ab1CdAAJ", OV_ALIAS_DOMAIN, "https://www.alder.net/x", true);
	alias(db, "0015e00000Ab1CdAAJ", OV_ALIAS_NAME, "Elder & Co. KG", true);
	import(db, csv);
	assert_string_equal(freeze(db, 0, NO_BARE_NAMES, NULL),
	    "2/0/0 domain=alder.com domain=alder.net namecc=DE alder namecc=DE elder\n"
	    "2/0/0 domain=birch.com\n2/0/0 domain=cedar.com\n");
	/* a domain that another account has makes them one, as in a file */
	alias(db, "0015e00000Ab1CDAAZ", OV_ALIAS_DOMAIN, "alder.net", true);
	assert_int_equal(stats_of(db).records, 2);
	alias(db, "0015e00000Ab1CDAAZ", OV_ALIAS_DOMAIN, "ALDER.net", false);
	alias(db, "0015e00000Ab1CdAAJ", OV_ALIAS_NAME, "elder & co. kg", false);
	assert_string_equal(freeze(db, 0, NO_BARE_NAMES, NULL),
	    "2/0/0 domain=alder.com domain=alder.net namecc=DE alder\n"
	    "2/0/0 domain=birch.com\n2/0/0 domain=cedar.com\n");
	ov_db_close(db);
}

static void
aliases_are_of_one_account_with_an_id(void **state)
{
	struct ov_db *db = new_db();
	char *id;

	(void)state;
	import(db, "Account ID,Account Name,Website\n0015e00000Ab1Cd,Alder,alder.com\n"
		   "7,Birch,birch.com\n8,Birch,birch.org\n,Cedar,cedar.com\n");
	assert_int_equal(ov_alias_account(&id, db, "0015e00000Ab1Cd"), OV_OK);
	assert_string_equal(id, "0015e00000Ab1CdAAJ");
	free(id);
	assert_int_equal(ov_alias_account(&id, db, "www.birch.org"), OV_OK);
	assert_string_equal(id, "8");
	free(id);
	assert_int_equal(ov_alias_account(&id, db, "ALDER"), OV_OK);
	free(id);
	assert_int_equal(ov_alias_account(&id, db, "Birch"), OV_E_DB_CONFLICT);
	assert_int_equal(ov_alias_account(&id, db, "cedar.com"), OV_E_BOOK_EMPTY);
	assert_int_equal(ov_alias_account(&id, db, "dogwood"), OV_E_NOT_FOUND);
	assert_int_equal(ov_alias_account(&id, db, ""), OV_E_NOT_FOUND);
	ov_db_close(db);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(short_ids_get_their_suffix),
		cmocka_unit_test(deals_find_accounts_by_either_form_of_id),
		cmocka_unit_test(deals_without_ids_find_accounts_by_name),
		cmocka_unit_test(deals_with_ids_find_accounts_without_by_name),
		cmocka_unit_test(a_deal_of_several_companies_counts_for_each),
		cmocka_unit_test(a_company_with_its_domain_in_brackets_is_taken_apart),
		cmocka_unit_test(exports_in_other_languages_are_understood),
		cmocka_unit_test(deals_alone_stand_for_their_accounts),
		cmocka_unit_test(a_population_column_goes_before_deals),
		cmocka_unit_test(a_population_column_is_remembered),
		cmocka_unit_test(updates_change_cells_of_known_ids),
		cmocka_unit_test(adding_takes_deals_too),
		cmocka_unit_test(added_deals_come_beside_those_before),
		cmocka_unit_test(a_whole_book_that_shrank_is_held),
		cmocka_unit_test(a_whole_book_that_lost_a_column_is_held),
		cmocka_unit_test(what_waits_is_dropped),
		cmocka_unit_test(a_dry_run_tells_all_and_changes_nothing),
		cmocka_unit_test(titles_above_the_headings_are_passed),
		cmocka_unit_test(a_mapping_is_for_all_files),
		cmocka_unit_test(an_owner_is_kept_on_request),
		cmocka_unit_test(ids_of_schemes_are_keys),
		cmocka_unit_test(an_update_needs_an_id_and_one_column),
		cmocka_unit_test(a_ticker_without_exchange_replaces_none),
		cmocka_unit_test(aliases_make_keys_and_outlive_imports),
		cmocka_unit_test(aliases_are_of_one_account_with_an_id),
	};
	int failed;

	if (ov_crypto_init() != OV_OK || ov_normalise_init() != OV_OK)
		return 1;
	failed = cmocka_run_group_tests_name("import", tests, site_setup, site_teardown);
	ov_normalise_fini();
	return failed;
}
