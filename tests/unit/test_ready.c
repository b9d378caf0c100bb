/* A list that was frozen before it was asked for is used as long as it is what would be
 * frozen now, and no longer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include "client/book/book.h"
#include "client/job/ready.h"
#include "client/schema.h"
#include "home_site.h"

#define MARK 4711 /* an account that no book here has: the mark of the prepared list */

static struct ov_home *home;
static struct ov_terms terms;
static struct ov_ready ready;

static int
setup(void **state)
{
	if (site_setup(state) != 0 || ov_normalise_init() != OV_OK)
		return -1;
	home = site_home("a");
	site_import(home, "Name,Website\nHanse Ruder GmbH,hanse-ruder.de\n");
	memset(&terms, 0, sizeof(terms));
	terms.sequence = 1;
	terms.n_mine = 1;
	snprintf(terms.mine[0].name, sizeof(terms.mine[0].name), "customers");
	terms.mine[0].level = OV_LEVEL_MATCHES;
	terms.release.ranks = 0xfe;
	terms.release.minimum_list = 1;
	terms.release.slots = 1024;
	return 0;
}

static int
teardown(void **state)
{
	ov_ready_fini(&ready);
	ov_home_close(home);
	return site_teardown(state);
}

static void
prepare(void)
{
	assert_int_equal(
	    ov_ready_make(&ready, home, &terms, ov_profile_current()), OV_OK);
	assert_true(ready.list.n_records > 0);
	ready.list.records[0].account = MARK;
}

/* Takes a list, and says whether it was the prepared one. */
static bool
takes_prepared(struct ov_ready *from, const struct ov_profile *profile, size_t records)
{
	uint8_t digest[OV_HASH_LEN], right[OV_HASH_LEN];
	struct ov_list list = { 0 };
	uint64_t generation, now;
	bool prepared;

	assert_int_equal(
	    ov_ready_take(&list, digest, &generation, from, home, &terms, profile),
	    OV_OK);
	assert_int_equal(list.n_records, records);
	ov_list_digest(right, &list); /* accounts are no part of it */
	assert_memory_equal(digest, right, sizeof(right));
	assert_int_equal(ov_book_generation(&now, home->db), OV_OK);
	assert_int_equal(generation, now);
	prepared = list.records[0].account == MARK;
	ov_list_fini(&list);
	return prepared;
}

static void
prepared_list_is_taken_once(void **state)
{
	(void)state;
	prepare();
	assert_true(takes_prepared(&ready, ov_profile_current(), 1));
	assert_int_equal(ready.list.n_records, 0);
	assert_false(takes_prepared(&ready, ov_profile_current(), 1));
	assert_false(takes_prepared(NULL, ov_profile_current(), 1));
}

static void
standing_list_is_not_made_again(void **state)
{
	(void)state;
	prepare();
	assert_int_equal(
	    ov_ready_make(&ready, home, &terms, ov_profile_current()), OV_OK);
	assert_true(takes_prepared(&ready, ov_profile_current(), 1));
}

/* The own process writes (mail, the log's head) without end while it waits. */
static void
own_messages_leave_it(void **state)
{
	(void)state;
	prepare();
	assert_int_equal(ov_db_begin(home->db), OV_OK);
	assert_int_equal(
	    ov_db_run(home->db, "INSERT INTO setting(name, value) VALUES ('x', x'00')"),
	    OV_OK);
	assert_int_equal(ov_db_commit(home->db, "test"), OV_OK);
	assert_true(takes_prepared(&ready, ov_profile_current(), 1));
}

static void
import_makes_it_void(void **state)
{
	(void)state;
	prepare();
	site_import(home,
	    "Name,Website\nHanse Ruder GmbH,hanse-ruder.de\nElbe Segel,elbe-segel.de\n");
	assert_false(takes_prepared(&ready, ov_profile_current(), 2));
}

static void
write_as_another_process(void)
{
	struct ov_db *other;
	char path[128];

	snprintf(path, sizeof(path), "%s/a/overlap.db", site_dir);
	assert_int_equal(
	    ov_db_open(&other, &(struct ov_db_options){ .path = path,
				   .migrations = ov_schema,
				   .n_migrations = ov_schema_n,
				   .application_id = OV_HOME_APPLICATION_ID }),
	    OV_OK);
	assert_int_equal(ov_db_begin(other), OV_OK);
	assert_int_equal(
	    ov_db_run(other, "INSERT INTO setting(name, value) VALUES ('x', x'00')"),
	    OV_OK);
	assert_int_equal(ov_db_commit(other, "test"), OV_OK);
	ov_db_close(other);
}

/* Whatever it wrote: an import, an erased account, another profile of customers. */
static void
other_process_makes_it_void(void **state)
{
	(void)state;
	prepare();
	write_as_another_process();
	assert_false(takes_prepared(&ready, ov_profile_current(), 1));
}

/* Linked in the place of ov_list_digest: all was read, and nothing is kept yet. */
static bool written_while_frozen;

void __real_ov_list_digest(uint8_t out[OV_HASH_LEN], const struct ov_list *l);
void __wrap_ov_list_digest(uint8_t out[OV_HASH_LEN], const struct ov_list *l);

void
__wrap_ov_list_digest(uint8_t out[OV_HASH_LEN], const struct ov_list *l)
{
	if (written_while_frozen) {
		written_while_frozen = false;
		write_as_another_process();
	}
	__real_ov_list_digest(out, l);
}

static void
what_is_written_meanwhile_makes_it_void(void **state)
{
	(void)state;
	written_while_frozen = true;
	prepare();
	assert_false(written_while_frozen);
	assert_false(takes_prepared(&ready, ov_profile_current(), 1));
}

static void
other_terms_make_it_void(void **state)
{
	(void)state;
	prepare();
	terms.digest[0] ^= 1;
	assert_false(takes_prepared(&ready, ov_profile_current(), 1));
}

static void
other_profile_makes_it_void(void **state)
{
	(void)state;
	prepare();
	assert_non_null(ov_profile_at(1));
	assert_false(takes_prepared(&ready, ov_profile_at(1), 1));
}

static void
what_cannot_be_frozen_leaves_nothing(void **state)
{
	(void)state;
	prepare();
	terms.release.minimum_list = 100;
	terms.digest[0] ^= 1;
	assert_int_equal(ov_ready_make(&ready, home, &terms, ov_profile_current()),
	    OV_E_LIST_TOO_SMALL);
	assert_int_equal(ready.list.n_records, 0);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(prepared_list_is_taken_once),
		T(standing_list_is_not_made_again),
		T(own_messages_leave_it),
		T(import_makes_it_void),
		T(other_process_makes_it_void),
		T(what_is_written_meanwhile_makes_it_void),
		T(other_terms_make_it_void),
		T(other_profile_makes_it_void),
		T(what_cannot_be_frozen_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
