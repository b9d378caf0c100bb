/* The client's ledger: sums of a partner and of its group, and when a view is due. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include <unistd.h>

#include "client/ledger.h"
#include "client/schema.h"
#include "common/crypto/memory.h"

#define DAYS(n) ((int64_t)(n)*86400)

static struct ov_db *db;
static char path[64];
static const uint8_t globex[OV_ID] = { 1 }, initech[OV_ID] = { 2 }, hooli[OV_ID] = { 3 };
static const struct ov_release terms = {
	.epsilon_milli = 333, .view_days = 28, .year_epsilon_milli = 999
};

static int
setup(void **state)
{
	struct ov_db_options o = { .path = path,
		.migrations = ov_schema,
		.n_migrations = ov_schema_n,
		.application_id = OV_HOME_APPLICATION_ID };
	int fd;

	(void)state;
	snprintf(path, sizeof(path), "/tmp/overlap-ledger-XXXXXX");
	fd = mkstemp(path);
	if (fd < 0 || close(fd) != 0)
		return -1;
	return ov_db_open(&db, &o) == OV_OK && ov_db_begin(db) == OV_OK ? 0 : -1;
}

static int
teardown(void **state)
{
	(void)state;
	ov_db_close(db);
	return unlink(path);
}

static void
charge(uint8_t job, const uint8_t partner[OV_ID], int64_t time, uint32_t out, uint32_t in)
{
	uint8_t id[OV_ID] = { job };
	const struct ov_ledger_charge c = { id, partner, (uint64_t)time, 1024, 2048, out,
		in };

	assert_int_equal(ov_ledger_charge(db, &c), OV_OK);
}

static struct ov_ledger
ledger(const uint8_t partner[OV_ID], int64_t now)
{
	const struct ov_ledger_query q = { .partner = partner,
		.now = now,
		.epsilon = terms.epsilon_milli,
		.year_epsilon = terms.year_epsilon_milli };
	struct ov_ledger l;

	assert_int_equal(ov_ledger_read(&l, db, &q), OV_OK);
	return l;
}

static struct ov_budget_due
due(const uint8_t partner[OV_ID], int64_t now, bool in)
{
	struct ov_ledger l = ledger(partner, now);
	struct ov_budget_due d;

	ov_ledger_due(&d, &l, &terms, now, in);
	return d;
}

static void
sums_are_of_one_partner_and_of_their_time(void **state)
{
	struct ov_ledger l;

	(void)state;
	charge(1, globex, DAYS(1000), 333, 100);
	charge(2, globex, DAYS(1380), 0, 0);
	charge(3, globex, DAYS(1390), 333, 0);
	charge(3, globex, DAYS(1391), 999, 999); /* once a job */
	charge(4, initech, DAYS(1395), 333, 333);
	l = ledger(globex, DAYS(1400));
	assert_string_equal(l.group, "");
	assert_int_equal(l.partner.runs_month, 2);
	assert_int_equal(l.partner.slots, 3 * 1024);
	assert_int_equal(l.partner.slots_month, 2 * 1024);
	assert_int_equal(l.partner.their_slots, 3 * 2048);
	assert_int_equal(l.partner.their_slots_month, 2 * 2048);
	assert_int_equal(l.partner.epsilon_out_year, 333);
	assert_int_equal(l.partner.epsilon_in_year, 0);
	assert_int_equal(l.partner.out.last, DAYS(1390));
	assert_int_equal(l.partner.in.last, DAYS(1000));
	assert_memory_equal(&l.partner, &l.together, sizeof(l.partner));
}

static void
view_is_due_after_days_and_within_the_year(void **state)
{
	struct ov_budget_due d;

	(void)state;
	assert_true(due(globex, DAYS(100), false).due);
	for (uint8_t i = 0; i < 3; i++) {
		charge(i, globex, DAYS(100 + 28 * i), 333, 0);
		d = due(globex, DAYS(100 + 28 * i), false);
		assert_false(d.due);
		assert_int_equal(d.reason, i < 2 ? OV_HELD_NOT_DUE : OV_HELD_BUDGET);
		assert_int_equal(d.next, i < 2 ? DAYS(128 + 28 * i) : DAYS(465));
	}
	assert_false(due(globex, DAYS(465) - 1, false).due); /* no slack here */
	assert_true(due(globex, DAYS(465), false).due);
	assert_true(due(globex, DAYS(200), true).due); /* the other direction */
	assert_true(due(initech, DAYS(200), false).due);
}

/* Three companies of one house are one partner to the ledger: what they learned together.
 * Who leaves the group, or ends, takes no charge along. */
static void
group_counts_as_one(void **state)
{
	struct ov_ledger l;

	(void)state;
	assert_int_equal(ov_ledger_set_group(db, globex, "the house"), OV_OK);
	assert_int_equal(ov_ledger_set_group(db, initech, "the house"), OV_OK);
	charge(1, globex, DAYS(100), 333, 0);
	charge(2, hooli, DAYS(90), 333, 0);
	assert_int_equal(due(initech, DAYS(110), false).next, DAYS(128));
	assert_int_equal(due(hooli, DAYS(110), false).next, DAYS(118));
	l = ledger(initech, DAYS(110));
	assert_string_equal(l.group, "the house");
	assert_int_equal(l.partner.runs_month, 0);
	assert_int_equal(l.together.runs_month, 1);
	assert_int_equal(l.together.epsilon_out_year, 333);
	/* charged before it came into the group: counts */
	assert_int_equal(ov_ledger_set_group(db, hooli, "the house"), OV_OK);
	l = ledger(initech, DAYS(110));
	assert_int_equal(l.together.runs_month, 2);
	/* charged while it was in it: counts still */
	assert_int_equal(ov_ledger_set_group(db, globex, NULL), OV_OK);
	assert_int_equal(due(initech, DAYS(110), false).next, DAYS(128));
	assert_int_equal(ledger(initech, DAYS(110)).together.runs_month, 2);
	assert_int_equal(ov_ledger_set_group(db, initech, ""), OV_E_POLICY_INVALID);
}

/* A view that was allowed in a job that is under way is as good as spent, or two partners
 * of one group would have one each. */
static void
pledge_counts_until_it_is_charged_or_ends(void **state)
{
	uint8_t one[OV_ID] = { 1 }, two[OV_ID] = { 2 };

	(void)state;
	assert_int_equal(ov_ledger_set_group(db, globex, "g"), OV_OK);
	assert_int_equal(ov_ledger_set_group(db, initech, "g"), OV_OK);
	assert_int_equal(ov_ledger_pledge(db, one, globex, DAYS(100), 333), OV_OK);
	assert_false(due(globex, DAYS(101), false).due);
	assert_false(due(initech, DAYS(101), false).due);
	assert_int_equal(ov_ledger_unpledge(db, one), OV_OK);
	assert_true(due(initech, DAYS(101), false).due);
	assert_int_equal(ov_ledger_pledge(db, two, globex, DAYS(101), 333), OV_OK);
	charge(2, globex, DAYS(102), 333, 0);
	assert_int_equal(ledger(globex, DAYS(103)).together.epsilon_out_year, 333);
	assert_int_equal(due(initech, DAYS(103), false).next, DAYS(130));
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(sums_are_of_one_partner_and_of_their_time),
		CASE(view_is_due_after_days_and_within_the_year),
		CASE(group_counts_as_one),
		CASE(pledge_counts_until_it_is_charged_or_ends),
	};

	if (ov_crypto_init() != OV_OK)
		return 1;
	return cmocka_run_group_tests_name("ledger", tests, NULL, NULL);
}
