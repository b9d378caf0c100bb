/* Reports as a home keeps them: which one is meant, and how they are printed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include "client/job/record.h"
#include "client/report.h"
#include "client/report_print.h"
#include "client/schema.h"
#include "client/wrong.h"
#include "proto/codec.h"

#define DAY 86400U
#define CLOSED 1769860800U /* 2026-01-31 12:00 UTC */

static const uint8_t globex[OV_ID] = "globex", initech[OV_ID] = "initech";
static const uint8_t job1[OV_ID] = { 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 1 };
static const uint8_t job2[OV_ID] = { 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 2 };
static const uint8_t job3[OV_ID] = { 0x03 };
static const uint8_t job4[OV_ID] = { 0x04 };

static char dir[64], path[96];
static struct ov_db *db;

/* --- the home's tables --- */

static void
put_job(const uint8_t id[OV_ID], const uint8_t partner[OV_ID], enum ov_job_state state,
    uint64_t created)
{
	assert_int_equal(
	    ov_db_run(db,
		"INSERT INTO job(id, partner, role, state, created, expiry, closed,"
		" slots, tokens, records, list_digest, commitment_random,"
		" terms_sequence, generation, profile, reason, number)"
		" VALUES (?, ?, 1, ?, ?, 0, ?, 1024, 70, 50, x'', x'', 3, 1, x'', ?,"
		" (SELECT coalesce(max(number), 0) + 1 FROM job))",
		OV_DB_BLOB(id, OV_ID), OV_DB_BLOB(partner, OV_ID), OV_DB_I64(state),
		OV_DB_I64(created), OV_DB_I64(ov_job_final(state) ? created + 100 : 0),
		OV_DB_TEXT(
		    ov_status_name(state == OV_JOB_FAILED ? OV_E_JOB_FAILED : OV_OK))),
	    OV_OK);
}

static void
put_unchanged(const uint8_t id[OV_ID], const uint8_t partner[OV_ID], uint64_t created,
    const uint8_t since[OV_ID])
{
	put_job(id, partner, OV_JOB_UNCHANGED, created);
	assert_int_equal(ov_db_run(db, "UPDATE job SET unchanged_since = ? WHERE id = ?",
			     OV_DB_BLOB(since, OV_ID), OV_DB_BLOB(id, OV_ID)),
	    OV_OK);
}

static void
put_population(const uint8_t job[OV_ID], enum ov_report_side side, int number,
    const char *name, int accounts)
{
	assert_int_equal(
	    ov_db_run(db, "INSERT INTO job_population VALUES (?, ?, ?, ?, ?, 2)",
		OV_DB_BLOB(job, OV_ID), OV_DB_I64(side), OV_DB_I64(number),
		OV_DB_TEXT(name), OV_DB_I64(accounts)),
	    OV_OK);
}

static void
put_cell(const uint8_t job[OV_ID], struct ov_cell_row c)
{
	assert_int_equal(
	    ov_db_run(db, "INSERT INTO job_cell VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
		OV_DB_BLOB(job, OV_ID), OV_DB_I64(c.own), OV_DB_I64(c.other),
		OV_DB_I64(c.pairs), OV_DB_I64(c.fit_own), OV_DB_I64(c.fit_other),
		OV_DB_I64(c.plus_minus), OV_DB_I64(c.plus_minus_fit)),
	    OV_OK);
}

static void
put_match(const uint8_t job[OV_ID], const struct ov_report_match *m)
{
	/* the account of another generation of the book: its number is the record's */
	assert_int_equal(
	    ov_db_run(db, "INSERT INTO job_match VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
		OV_DB_BLOB(job, OV_ID), OV_DB_I64(m->number), OV_DB_I64(m->rank),
		OV_DB_I64(OV_LABEL(m->theirs, m->band)), OV_DB_I64(m->mine),
		OV_DB_I64(m->own_fit), OV_DB_I64(m->number),
		OV_DB_TEXT(m->kind != NULL ? m->kind : "")),
	    OV_OK);
	assert_int_equal(
	    ov_db_run(db,
		"INSERT OR REPLACE INTO job_account(generation, record, rows, name, ids)"
		" SELECT generation, ?, ?, ?, ? FROM job WHERE id = ?",
		OV_DB_I64(m->number), OV_DB_I64(m->rows), OV_DB_TEXT(m->name),
		OV_DB_TEXT(m->ids), OV_DB_BLOB(job, OV_ID)),
	    OV_OK);
}

/* The broker's report: own slots 1,024 as role B, theirs 2,048; 3 runs, 28 left. */
static void
put_report(const uint8_t job[OV_ID])
{
	static const uint8_t completes[384];
	uint8_t charges[OV_CHARGES_LEN];
	struct ov_msg_report m = { .completes = OV_BYTES(completes, sizeof(completes)),
		.charges = OV_BYTES(charges, sizeof(charges)),
		.created = CLOSED };
	struct ov_buf body = { 0 };
	uint8_t signature[64] = { 0 };

	ov_charges_pack(charges, &(struct ov_charges){ .slots = { 2048, 1024 },
				     .slots_month = { 6144, 3072 },
				     .runs_month = 3,
				     .runs_left = 28 });
	memcpy(m.job, job, OV_ID);
	assert_int_equal(ov_msg_encode(&body, OV_MSG_REPORT, &m), OV_OK);
	assert_int_equal(
	    ov_db_run(db,
		"INSERT INTO job_step(job, step, body, signature) VALUES (?, ?, ?, ?)",
		OV_DB_BLOB(job, OV_ID), OV_DB_I64(OV_STEP_REPORT),
		OV_DB_BYTES(OV_BUF_BYTES(&body)), OV_DB_BLOB(signature, 64)),
	    OV_OK);
	ov_buf_free(&body);
}

static void
put_charge(const uint8_t job[OV_ID], const uint8_t partner[OV_ID], uint64_t time)
{
	assert_int_equal(
	    ov_db_run(db,
		"INSERT INTO charge(job, partner, time, slots, other_slots)"
		" VALUES (?, ?, ?, 1024, 2048)",
		OV_DB_BLOB(job, OV_ID), OV_DB_BLOB(partner, OV_ID), OV_DB_I64(time)),
	    OV_OK);
}

/* Job 1: closed, with a held-back number, a noisy one, and a hole in the matrix. */
static void
put_job1(void)
{
	put_job(job1, globex, OV_JOB_CLOSED, CLOSED - 100);
	put_population(job1, OV_SIDE_MINE, 1, "customers", 30);
	put_population(job1, OV_SIDE_MINE, 2, "prospects", 1020);
	put_population(job1, OV_SIDE_THEIRS, 1, "Kunden", 0);
	put_population(job1, OV_SIDE_THEIRS, 2, "open_opportunities", 0);
	put_cell(job1, (struct ov_cell_row){ 1, 1, 1, 0, OV_HELD_BACK, 0, 0 });
	put_cell(job1,
	    (struct ov_cell_row){ 1, 2, OV_HELD_BACK, OV_HELD_BACK, OV_HELD_BACK, 0, 0 });
	put_cell(job1, (struct ov_cell_row){ 2, 1, 1234, 1, 0, 7, 0 });
	put_match(job1, &(struct ov_report_match){ 900, OV_RANK_LEI, 1, 1, 0, OV_FIT_YES,
			    0, 2, "A1;A7", "Ajax, \"the\" Co", "" });
	put_match(job1, &(struct ov_report_match){ 17, OV_RANK_DOMAIN, 2, 1, 0,
			    OV_FIT_UNKNOWN, 0, 1, "B2", "=1+1", "" });
	put_match(job1, &(struct ov_report_match){ 4000000000, OV_RANK_NAME_COUNTRY, 2, 2,
			    0, OV_FIT_NO, 0, 1, "-3", "M\xc3\xbcller", "" });
	put_report(job1);
	put_charge(job1, globex, CLOSED - 50);
	put_charge(job4, globex, CLOSED - 10 * DAY);
	put_charge(job3, globex, CLOSED - 31 * DAY); /* too long ago */
	put_charge(job2, initech, CLOSED - 50);	     /* somebody else */
}

static int
fresh_home(void **state)
{

	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/overlap-report-XXXXXX");
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/overlap.db", dir);
	if (ov_db_open(&db, &(struct ov_db_options){ .path = path,
				.migrations = ov_schema,
				.n_migrations = ov_schema_n,
				.application_id = 1,
				.busy_timeout_ms = 50 }) != OV_OK)
		return -1;
	return ov_db_begin(db) == OV_OK ? 0 : -1;
}

static int
remove_home(void **state)
{
	char command[160];

	(void)state;
	ov_db_close(db);
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	return system(command);
}

/* --- which report --- */

static enum ov_status
load(struct ov_report *r, const uint8_t *partner, const uint8_t *job)
{
	struct ov_report_choice choice = { .job = job, .partner = partner };

	return ov_report_load(r, db, &choice);
}

static void
reads_every_table(void **state)
{
	struct ov_report r;

	(void)state;
	put_job1();
	assert_int_equal(load(&r, globex, NULL), OV_OK);
	assert_memory_equal(r.job, job1, OV_ID);
	assert_int_equal(r.closed, CLOSED);
	assert_int_equal(r.terms_sequence, 3);
	assert_int_equal(r.n_mine, 2);
	assert_int_equal(r.n_theirs, 2);
	assert_int_equal(r.n_cells, 3);
	assert_int_equal(r.matches, 3);
	assert_int_equal(r.rows, 4);
	assert_int_equal(r.mine[1].accounts, 1020);
	assert_int_equal(r.mine[1].matched, 2);
	assert_int_equal(r.mine[0].rows, 2);
	assert_int_equal(r.fits[OV_FIT_YES], 1);
	assert_int_equal(r.charges.slots, 1024);
	assert_int_equal(r.charges.their_slots, 2048);
	assert_int_equal(r.charges.slots_month, 3072);
	assert_int_equal(r.charges.their_slots_month, 6144);
	assert_int_equal(r.charges.own_runs_month, 2);
	assert_false(r.newer.is);
	assert_null(ov_report_cell(&r, 2, 2));
	assert_string_equal(ov_report_theirs(&r, 2), "open_opportunities");
	assert_string_equal(ov_report_theirs(&r, 3), "?");
}

static void
newest_is_chosen_by_partner(void **state)
{
	struct ov_report r;

	(void)state;
	/* by the order in which they began: clocks are set back, and have whole seconds
	 */
	put_job(job4, globex, OV_JOB_CLOSED, CLOSED + DAY);
	put_report(job4);
	put_job1();
	put_job(job2, initech, OV_JOB_CLOSED, CLOSED - 100);
	put_report(job2);
	assert_int_equal(load(&r, globex, NULL), OV_OK);
	assert_memory_equal(r.job, job1, OV_ID);
	assert_int_equal(load(&r, NULL, NULL), OV_OK);
	assert_memory_equal(r.job, job2, OV_ID);
	assert_int_equal(load(&r, NULL, job4), OV_OK);
	assert_memory_equal(r.job, job4, OV_ID);
	assert_false(r.newer.is);
}

static void
unchanged_job_gives_the_standing_report(void **state)
{
	struct ov_report r;

	(void)state;
	put_job1();
	put_unchanged(job3, globex, CLOSED + DAY, job1);
	assert_int_equal(load(&r, globex, NULL), OV_OK);
	assert_memory_equal(r.job, job1, OV_ID);
	assert_true(r.newer.is);
	assert_int_equal(r.newer.state, OV_JOB_UNCHANGED);
	assert_memory_equal(r.newer.job, job3, OV_ID);
	assert_int_equal(load(&r, NULL, job3), OV_OK);
	assert_memory_equal(r.job, job1, OV_ID);
	assert_true(r.newer.is);
}

static void
tells_of_newer_jobs_without_report(void **state)
{
	struct ov_report r;

	(void)state;
	put_job(job3, globex, OV_JOB_FAILED, CLOSED - 2 * DAY); /* before the report */
	put_job1();
	put_job(job2, initech, OV_JOB_FAILED, CLOSED + DAY); /* somebody else */
	assert_int_equal(load(&r, globex, NULL), OV_OK);
	assert_false(r.newer.is);
	put_job(job4, globex, OV_JOB_EXCHANGING, CLOSED + DAY);
	assert_int_equal(load(&r, globex, NULL), OV_OK);
	assert_true(r.newer.is);
	assert_int_equal(r.newer.state, OV_JOB_EXCHANGING);
}

static void
without_report_says_what_there_is(void **state)
{
	static const uint8_t unknown[OV_ID] = { 9 };
	struct ov_report r;

	(void)state;
	assert_int_equal(load(&r, NULL, NULL), OV_E_NOT_FOUND);
	assert_false(r.newer.is);
	put_job(job3, globex, OV_JOB_ACCEPTED, CLOSED);
	assert_int_equal(load(&r, globex, NULL), OV_E_NOT_FOUND);
	assert_true(r.newer.is);
	assert_int_equal(r.newer.state, OV_JOB_ACCEPTED);
	assert_int_equal(load(&r, NULL, job3), OV_E_NOT_FOUND);
	assert_true(r.newer.is);
	assert_int_equal(load(&r, NULL, unknown), OV_E_NOT_FOUND);
	assert_false(r.newer.is);
	put_job(job4, initech, OV_JOB_FAILED, CLOSED);
	assert_int_equal(load(&r, initech, NULL), OV_E_NOT_FOUND);
	assert_int_equal(r.newer.reason, OV_E_JOB_FAILED);
}

static void
damaged_tables_are_refused(void **state)
{
	struct ov_report r;

	(void)state;
	put_job1();
	put_population(job1, OV_SIDE_MINE, 16, "one too many", 1);
	assert_int_equal(load(&r, globex, NULL), OV_E_DB_FAILED);
	assert_int_equal(
	    ov_db_run(db, "DELETE FROM job_population WHERE number = 16"), OV_OK);
	assert_int_equal(load(&r, globex, NULL), OV_OK);
	assert_int_equal(ov_db_run(db, "DELETE FROM job_step"), OV_OK);
	assert_int_equal(load(&r, globex, NULL), OV_E_DB_FAILED);
}

static void
jobs_are_found_by_their_first_digits(void **state)
{
	uint8_t id[OV_ID];

	(void)state;
	put_job1();
	put_job(job2, globex, OV_JOB_FAILED, CLOSED);
	put_job(job3, globex, OV_JOB_FAILED, CLOSED);
	assert_int_equal(ov_report_find_job(id, db, "03000000"), OV_OK);
	assert_memory_equal(id, job3, OV_ID);
	assert_int_equal(ov_report_find_job(id, db, "0123456789aBCDEf0"), OV_E_NOT_FOUND);
	assert_int_equal(ov_report_find_job(id, db, "0123456789aBCDEf01"), OV_OK);
	assert_memory_equal(id, job1, OV_ID);
	assert_int_equal(
	    ov_report_find_job(id, db, "0123456789abcdef0200000000000000"), OV_OK);
	assert_int_equal(ov_report_find_job(id, db, "0123456789abcdef02000000000000000"),
	    OV_E_NOT_FOUND);
	assert_int_equal(ov_report_find_job(id, db, "0300000"), OV_E_NOT_FOUND);
	assert_int_equal(ov_report_find_job(id, db, "0300000g"), OV_E_NOT_FOUND);
	assert_int_equal(ov_report_find_job(id, db, "05000000"), OV_E_NOT_FOUND);
}

/* --- printing --- */

static char *printed; /* by the last call of print; freed by the next */

static const char *
print(enum ov_status (*fn)(FILE *out, const struct ov_report *r, const void *arg),
    const struct ov_report *r, const void *arg)
{
	size_t len;
	FILE *f;

	free(printed);
	f = open_memstream(&printed, &len);
	assert_non_null(f);
	assert_int_equal(fn(f, r, arg), OV_OK);
	fclose(f);
	return printed;
}

static enum ov_status
as_text(FILE *out, const struct ov_report *r, const void *arg)
{
	(void)arg;
	return ov_report_print_text(out, r);
}

static enum ov_status
as_json(FILE *out, const struct ov_report *r, const void *arg)
{
	(void)arg;
	return ov_report_print_json(out, r);
}

static const struct ov_match_filter everything;

static enum ov_status
table(FILE *out, const struct ov_report *r, const void *arg)
{
	return ov_matches_print_table(out, db, r, arg);
}

static enum ov_status
csv(FILE *out, const struct ov_report *r, const void *arg)
{
	return ov_matches_print_csv(out, db, r, arg, OV_CSV_VERBATIM);
}

static enum ov_status
csv_for_excel(FILE *out, const struct ov_report *r, const void *arg)
{
	return ov_matches_print_csv(out, db, r, arg, OV_CSV_SPREADSHEET);
}

static enum ov_status
json_matches(FILE *out, const struct ov_report *r, const void *arg)
{
	return ov_matches_print_json(out, db, r, arg);
}

static void
load_job1(struct ov_report *r)
{
	put_job1();
	assert_int_equal(load(r, globex, NULL), OV_OK);
	snprintf(r->partner_name, sizeof(r->partner_name), "Globex");
}

static void
text_is_exact(void **state)
{
	struct ov_report r;

	(void)state;
	load_job1(&r);
	assert_string_equal(print(as_text, &r, NULL),
	    "Overlap with Globex, as of 2026-01-31 12:00 UTC\n"
	    "job 0123456789abcdef0100000000000000, terms 3\n"
	    "\n"
	    "Pairs of accounts: your populations down, theirs across\n"
	    "\n"
	    "                      Kunden   open_opportunities\n"
	    "customers                  1            held back\n"
	    "  fit your ICP             0            held back\n"
	    "  fit their ICP    held back            held back\n"
	    "prospects         1,234 +/-7                    -\n"
	    "  fit your ICP             1                    -\n"
	    "  fit their ICP            0                    -\n"
	    "\n"
	    "held back: the terms do not give this number, or it, or what it leaves "
	    "over,\n"
	    "is too small to be shown under them.\n"
	    "+/-: the broker added noise; in 95 of 100 cases the true number is this "
	    "near.\n"
	    "-: not part of this report.\n"
	    "\n"
	    "Your accounts in this job\n"
	    "\n"
	    "population      accounts       matched       in rows\n"
	    "customers             30             1             2\n"
	    "prospects          1,020             2             2\n"
	    "together           1,050             3             4\n"
	    "\n"
	    "Of the matched: 1 fit your ICP, 1 do not, 1 not known.\n"
	    "List them with `overlap matches`.\n"
	    "\n"
	    "Charged: one run, 1,024 slots of yours and 2,048 of theirs.\n"
	    "In 30 days with this partner: 3 runs (28 left), 3,072 slots of yours and "
	    "6,144 of theirs.\n"
	    "The broker and this home do not count the same; the stricter holds:\n"
	    "  runs in 30 days: broker 3, home 2\n"
	    "  slots of yours in 30 days: broker 3072, home 2048\n"
	    "  slots of theirs in 30 days: broker 6144, home 4096\n"
	    "\n"
	    "What was checked: the broker's signature under this report, both sides' "
	    "signed steps,\n"
	    "their place in the broker's log, and for every match two proofs that the "
	    "partner made.\n"
	    "\n"
	    "What it does not prove: that a list is all of a company's accounts or only "
	    "true ones;\n"
	    "that the broker left no match out; that a number beyond the matches is "
	    "right.\n");
}

static void
unchanged_is_said(void **state)
{
	struct ov_report r;

	(void)state;
	put_job1();
	put_unchanged(job3, globex, CLOSED + DAY - 100, job1);
	assert_int_equal(load(&r, globex, NULL), OV_OK);
	assert_non_null(strstr(print(as_text, &r, NULL),
	    "Unchanged on 2026-02-01 12:00 UTC (job 03000000000000000000000000000000): "
	    "neither list changed"));
	assert_non_null(strstr(print(as_json, &r, NULL), "\"unchanged\":\ttrue"));
}

static void
wide_matrix_goes_on_below(void **state)
{
	struct ov_report r;
	char name[40], *second;

	(void)state;
	put_job1();
	for (int i = 3; i <= 8; i++) {
		snprintf(name, sizeof(name), "a population with number %d", i);
		put_population(job1, OV_SIDE_THEIRS, i, name, 0);
	}
	assert_int_equal(load(&r, globex, NULL), OV_OK);
	print(as_text, &r, NULL);
	second = strstr(printed, "customers");
	assert_non_null(second);
	second = strstr(second + 1, "customers");
	assert_non_null(second);
	for (char *line = printed, *end; (end = strchr(line, '\n')) != NULL;
	     line = end + 1)
		assert_true(end - line <= 100);
}

static void
json_has_the_documented_keys(void **state)
{
	static const char *const keys[] = {
		"\"job\":\t\"0123456789abcdef0100000000000000\"",
		"\"partner\":\t\"Globex\"", "\"partner_id\":\t\"676c6f62657800",
		"\"closed\":\t\"2026-01-31T12:00:00Z\"", "\"terms\":\t3",
		"\"unchanged\":\tfalse", "\"newer_job\":\tnull", "\"matches\":\t3",
		"\"rows\":\t4", "\"runs_left\":\t28", "\"runs_30_days_own_count\":\t2"
	};
	struct ov_report r;

	(void)state;
	load_job1(&r);
	print(as_json, &r, NULL);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (strstr(printed, keys[i]) == NULL)
			fail_msg("no %s in\n%s", keys[i], printed);
	assert_non_null(strstr(printed, "\"pairs\":\tnull"));
	assert_non_null(strstr(printed, "\"pairs\":\t1234"));
	assert_non_null(strstr(printed, "\"plus_minus\":\t7"));
}

/* --- counts with noise --- */

static void
put_release(const uint8_t partner[OV_ID], bool exact)
{
	static const uint8_t low[] = { OV_LEVEL_MATCHES, OV_LEVEL_COUNTS };
	static const uint8_t high[] = { OV_LEVEL_MATCHES, OV_LEVEL_COUNTS };
	/* whichever is low: the levels are the same */
	struct ov_msg_terms_body body = { .version = 1, .sequence = 3 };
	struct ov_msg_release m = { .version = 1,
		.ranks = 0x7e,
		.buckets = 1,
		.slots = 4096,
		.minimum_list = 1,
		.runs = 31,
		.epsilon_milli = 333,
		.view_days = 28,
		.year_epsilon_milli = 4333,
		.shown_from = 20,
		.minimum_count = 10,
		.exact = exact,
		.levels_low = OV_BYTES(low, 2),
		.levels_high = OV_BYTES(high, 2) };
	struct ov_buf b = { 0 }, r = { 0 };

	assert_int_equal(ov_msg_encode(&b, OV_MSG_TERMS_BODY, &body), OV_OK);
	assert_int_equal(ov_msg_encode(&r, OV_MSG_RELEASE, &m), OV_OK);
	assert_int_equal(ov_db_run(db,
			     "INSERT INTO terms(company, sequence, state, body, terms, "
			     "release, sealed,"
			     " signature_mine) VALUES (?, 3, 5, ?, x'', ?, x'', x'')",
			     OV_DB_BLOB(partner, OV_ID), OV_DB_BYTES(OV_BUF_BYTES(&b)),
			     OV_DB_BYTES(OV_BUF_BYTES(&r))),
	    OV_OK);
	ov_buf_free(&b);
	ov_buf_free(&r);
}

static void
put_held(const uint8_t job[OV_ID], struct ov_held_row h)
{
	assert_int_equal(ov_db_run(db, "INSERT INTO job_held VALUES (?, ?, ?, ?)",
			     OV_DB_BLOB(job, OV_ID), OV_DB_I64(h.population),
			     OV_DB_I64(h.reason), OV_DB_I64(h.next)),
	    OV_OK);
}

/* Job 1 anew: their second population is only counted, and their list about 5,000. */
static void
put_counted(bool drawn)
{
	uint8_t charges[OV_CHARGES_LEN];
	static const uint8_t completes[384];
	struct ov_msg_report m = { .completes = OV_BYTES(completes, sizeof(completes)),
		.charges = OV_BYTES(charges, sizeof(charges)),
		.created = CLOSED };
	struct ov_charges said = { .slots = { 2048, 1024 },
		.slots_month = { 2048, 1024 },
		.runs_month = 1,
		.runs_left = 30,
		.view = { { 333, 333, CLOSED + 28 * DAY },
		    { drawn ? 333 : 0, 333, CLOSED + 28 * DAY } } };
	struct ov_ledger_charge own = { .job = job1,
		.partner = globex,
		.time = CLOSED - 50,
		.slots = 1024,
		.other_slots = 2048,
		.epsilon_out = 333,
		.epsilon_in = drawn ? 333 : 0 };
	struct ov_buf body = { 0 };

	put_job(job1, globex, OV_JOB_CLOSED, CLOSED - 100);
	put_population(job1, OV_SIDE_MINE, 1, "customers", 1000);
	put_population(job1, OV_SIDE_THEIRS, 1, "Kunden", 0);
	put_population(job1, OV_SIDE_THEIRS, 2, "prospects", 0);
	assert_int_equal(
	    ov_db_run(db, "UPDATE job_population SET level = 1 WHERE side = 1"
			  " AND number = 2"),
	    OV_OK);
	assert_int_equal(ov_db_run(db, "UPDATE job SET other_size = 5000"), OV_OK);
	put_cell(job1, (struct ov_cell_row){ 1, 1, 2, 0, 1, 0, 0 });
	if (drawn)
		put_cell(
		    job1, (struct ov_cell_row){ 1, 2, 140, 52, OV_HELD_BACK, 17, 12 });
	put_match(job1, &(struct ov_report_match){ 900, OV_RANK_LEI, 1, 1, 0, OV_FIT_YES,
			    0, 1, "A1", "Ajax", "" });
	put_match(job1, &(struct ov_report_match){ 901, OV_RANK_LEI, 1, 1, 0, OV_FIT_NO,
			    0, 1, "A2", "Bolt", "" });
	put_held(
	    job1, drawn ? (struct ov_held_row){ 2, OV_HELD_SMALL, 0 }
			: (struct ov_held_row){ 0, OV_HELD_NOT_DUE, CLOSED + 28 * DAY });
	ov_charges_pack(charges, &said);
	memcpy(m.job, job1, OV_ID);
	assert_int_equal(ov_msg_encode(&body, OV_MSG_REPORT, &m), OV_OK);
	assert_int_equal(ov_db_run(db,
			     "INSERT INTO job_step(job, step, body, signature)"
			     " VALUES (?, ?, ?, x'')",
			     OV_DB_BLOB(job1, OV_ID), OV_DB_I64(OV_STEP_REPORT),
			     OV_DB_BYTES(OV_BUF_BYTES(&body))),
	    OV_OK);
	ov_buf_free(&body);
	assert_int_equal(ov_ledger_charge(db, &own), OV_OK);
	put_release(globex, false);
}

static void
load_counted(struct ov_report *r, bool drawn)
{
	put_counted(drawn);
	assert_int_equal(load(r, globex, NULL), OV_OK);
	snprintf(r->partner_name, sizeof(r->partner_name), "Globex");
}

static void
assert_says(const char *words)
{
	if (strstr(printed, words) == NULL)
		fail_msg("no `%s` in\n%s", words, printed);
}

static void
counts_stand_with_their_plus_minus(void **state)
{
	struct ov_report r;

	(void)state;
	load_counted(&r, true);
	assert_false(r.charges.differs);
	assert_int_equal(r.charges.mine.left, 4000);
	assert_int_equal(r.charges.runs_left, 30);
	assert_int_equal(r.greenfield.accounts, 5000 - 2 - 140);
	assert_false(r.greenfield.at_most);
	print(as_text, &r, NULL);
	assert_says("customers              2   140 +/-17\n"
		    "  fit your ICP         0    52 +/-12\n"
		    "  fit their ICP        1   held back\n");
	assert_says("\nHeld back\n\nprospects: numbers below 20 are not shown.\n");
	assert_says(
	    "\nTheir list has about 5,000 accounts, so about 4,858 of them are not "
	    "in yours.\n");
	assert_says(
	    "Your views of their counts: epsilon 0.333 for this job, 0.333 in 365 "
	    "days,\n  4.000 left; next view due on 2026-02-28 12:00 UTC.\n");
	assert_says("Their views of your counts: epsilon 0.333 for this job");
	print(as_json, &r, NULL);
	assert_says("\"plus_minus_fits\":\t12");
	assert_says("\"reason\":\t\"small\"");
	assert_says("\"not_mine\":\t4858");
	assert_says("\"epsilon_milli_left\":\t4000");
	assert_says("\"differs\":\tfalse");
	assert_says("\"level\":\t\"counts\"");
}

static enum ov_status
matrix_csv(FILE *out, const struct ov_report *r, const void *arg)
{
	(void)arg;
	return ov_report_print_csv(out, r, OV_CSV_VERBATIM);
}

static void
what_is_held_back_says_why_and_until_when(void **state)
{
	struct ov_report r;

	(void)state;
	load_counted(&r, false);
	assert_true(r.greenfield.at_most);
	print(as_text, &r, NULL);
	assert_says("customers              2   held back\n");
	assert_says("\nHeld back\n\ncounts of prospects: the terms allow one view in 28 "
		    "days. The next is due on\n  2026-02-28 12:00 UTC.\n");
	assert_says("at most about 4,998");
	assert_says(
	    "Your views of their counts: epsilon 0.000 for this job, 0.333 in 365 "
	    "days");
	/* the broker says 333 in the year, this home 0 of its own views */
	assert_says(
	    "The broker and this home do not count the same; the stricter holds:\n"
	    "  epsilon of your views in 365 days: broker 0.333, home 0.000\n");
	print(as_json, &r, NULL);
	assert_says("\"reason\":\t\"not_due\"");
	assert_says("\"next_view\":\t\"2026-02-28T12:00:00Z\"");
	assert_says("\"at_most\":\ttrue");
	assert_says("\"differs\":\ttrue");
	print(matrix_csv, &r, NULL);
	assert_string_equal(printed,
	    "my_population,their_population,level,pairs,plus_minus,fits_mine,fits_theirs,"
	    "plus_minus_fits,held_back,next_view\r\n"
	    "customers,Kunden,matches,2,0,0,1,0,,\r\n"
	    "customers,prospects,counts,,,,,,not_due,2026-02-28T12:00:00Z\r\n");
	r.held[0] = (struct ov_held_row){ 0, OV_HELD_BUDGET, 0 };
	print(as_text, &r, NULL);
	assert_says(
	    "counts of prospects: these terms allow no view: one costs more than");
	r.held[0].next = CLOSED + 300 * DAY;
	print(as_text, &r, NULL);
	assert_says("what may be spent on views in 365 days is spent.");
	r.held[0] = (struct ov_held_row){ 0, OV_HELD_BY_PARTNER, 0 };
	print(as_text, &r, NULL);
	assert_says("the partner did not allow a view in this job");
}

/* A job of 30 days ago less or more a minute, at broker and home: no difference. */
static void
ledgers_differ_by_more_than_the_clocks(void **state)
{
	struct ov_ledger_charge old = {
		.job = job4, .partner = globex, .slots = 1024, .other_slots = 2048
	};
	struct ov_report r;

	(void)state;
	old.time = CLOSED - 30 * DAY + 60; /* the broker has it no more */
	assert_int_equal(ov_ledger_charge(db, &old), OV_OK);
	load_counted(&r, true);
	assert_false(r.charges.differs);
	assert_int_equal(
	    ov_db_run(db, "UPDATE charge SET time = time + 7200 WHERE job = ?",
		OV_DB_BLOB(job4, OV_ID)),
	    OV_OK);
	assert_int_equal(load(&r, globex, NULL), OV_OK);
	assert_true(r.charges.differs);
	assert_int_equal(r.charges.own_runs_month, 2);
}

/* What the group had counts; who is in it is this home's alone. */
static void
group_takes_from_what_is_left(void **state)
{
	const uint8_t other_job[OV_ID] = { 9 };
	const struct ov_ledger_charge other = { .job = other_job,
		.partner = initech,
		.time = CLOSED - 5 * DAY,
		.slots = 1024,
		.other_slots = 1024,
		.epsilon_out = 1000 };
	struct ov_report r;

	(void)state;
	assert_int_equal(ov_ledger_set_group(db, globex, "the house"), OV_OK);
	assert_int_equal(ov_ledger_set_group(db, initech, "the house"), OV_OK);
	assert_int_equal(ov_ledger_charge(db, &other), OV_OK);
	load_counted(&r, true);
	assert_int_equal(r.charges.group_runs_month, 2);
	assert_int_equal(r.charges.runs_left, 29);
	assert_int_equal(r.charges.theirs.left, 3000);
	assert_int_equal(r.charges.mine.left, 4000);
	assert_false(r.charges.differs); /* of the pair alone */
	print(as_text, &r, NULL);
	assert_says(
	    "With its group (the house), by this home's count: 2 runs in 30 days.");
	print(as_json, &r, NULL);
	assert_says("\"group\":\t\"the house\"");
}

static void
table_is_exact(void **state)
{
	struct ov_report r;

	(void)state;
	load_job1(&r);
	assert_string_equal(print(table, &r, &everything),
	    "     match  account id  name            yours in   theirs in           by   "
	    "   fits your ICP\n"
	    "        17  B2          =1+1            prospects  Kunden              "
	    "domain  unknown\n"
	    "       900  A1;A7       Ajax, \"the\" Co  customers  Kunden              "
	    "lei "
	    "    yes\n"
	    "4000000000  -3          M\xc3\xbcller          prospects  "
	    "open_opportunities "
	    " namecc  no\n"
	    "3 matches\n");
}

#define HEADER                                                                           \
	"match,account_id,name,my_population,their_population,key,rows,fits_my_icp,"     \
	"fits_by_my_data,fits_by_their_data,band_by_their_data\r\n"

static void
csv_is_exact(void **state)
{
	struct ov_report r;

	(void)state;
	load_job1(&r);
	assert_string_equal(print(csv, &r, &everything), HEADER
	    "17,B2,=1+1,prospects,Kunden,domain,1,unknown,unknown,,\r\n"
	    "900,A1;A7,\"Ajax, \"\"the\"\" Co\",customers,Kunden,lei,2,yes,yes,,\r\n"
	    "4000000000,-3,M\xc3\xbcller,prospects,open_opportunities,namecc,1,no,no,,"
	    "\r\n");
}

static void
csv_for_spreadsheets_runs_nothing(void **state)
{
	struct ov_report r;

	(void)state;
	load_job1(&r);
	assert_string_equal(print(csv_for_excel, &r, &everything), HEADER
	    "17,\"B2\",\"'=1+1\",\"prospects\",\"Kunden\",domain,1,unknown,unknown,,\r\n"
	    "900,\"A1;A7\",\"Ajax, \"\"the\"\" Co\",\"customers\",\"Kunden\",lei,2,yes,"
	    "yes,,\r\n"
	    "4000000000,\"'-3\",\"M\xc3\xbcller\",\"prospects\",\"open_opportunities\","
	    "namecc,1,no,no,,\r\n");
}

static enum ov_status
field_for_excel(FILE *out, const struct ov_report *r, const void *arg)
{
	(void)r;
	ov_csv_field(out, arg, OV_CSV_SPREADSHEET);
	return OV_OK;
}

/* A spreadsheet that splits at ; or tabs sees other cells than there are. */
static void
no_part_of_a_field_runs_either(void **state)
{
	static const char *const cases[][2] = {
		{ "", "" },
		{ "A-1;A=7", "\"A-1;A=7\"" },
		{ "A1;-7", "\"A1;'-7\"" },
		{ "x; =1", "\"x; '=1\"" },
		{ "x\t@y", "\"x\t'@y\"" },
		{ "x\n+1", "\"x\n'+1\"" },
		{ "\tx", "\"'\tx\"" },
		{ "x;\"=1\"", "\"x;\"\"'=1\"\"\"" },
		{ "\"-1\"", "\"\"\"'-1\"\"\"" },
		{ "\xef\xbc\x9d"
		  "1",
		    "\"'\xef\xbc\x9d"
		    "1\"" }, /* in full width */
		{ "\xef\xbc\xa1", "\"\xef\xbc\xa1\"" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(
		    print(field_for_excel, NULL, cases[i][0]), cases[i][1]);
}

static void
filters_choose_matches(void **state)
{
	const struct ov_match_filter prospects = { .mine = 1U << 2 };
	const struct ov_match_filter both = { .mine = 1U << 2, .theirs = 1U << 2 };
	const struct ov_match_filter fit = { .fits = 1U << OV_FIT_YES | 1U << OV_FIT_NO };
	struct ov_report r;

	(void)state;
	load_job1(&r);
	assert_null(strstr(print(csv, &r, &prospects), "Ajax"));
	assert_non_null(strstr(printed, "17,B2"));
	assert_null(strstr(print(csv, &r, &both), "17,B2"));
	assert_non_null(strstr(printed, "4000000000"));
	assert_null(strstr(print(csv, &r, &fit), "17,B2"));
	assert_non_null(strstr(printed, "Ajax"));
}

static bool
mark(const struct ov_wrong_match *m, const uint8_t partner[OV_ID], bool wrong)
{
	bool was = false;

	if (wrong)
		assert_int_equal(ov_wrong_mark(db, partner, m, CLOSED), OV_OK);
	else
		assert_int_equal(ov_wrong_right(&was, db, partner, m), OV_OK);
	return was;
}

/* By any id of the account, the kind of key and the partner's population. */
static void
wrong_matches_are_left_out(void **state)
{
	static const struct ov_match_filter alone = { .wrong = OV_WRONG_ALONE };
	static const struct ov_match_filter too = { .wrong = OV_WRONG_TOO };
	struct ov_wrong_match ajax = { OV_RANK_LEI, "Kunden", "A0;A7", "Ajax" };
	const struct ov_wrong_match other[] = { { OV_RANK_DOMAIN, "Kunden", "A7", "" },
		{ OV_RANK_LEI, "prospects", "A7", "" },
		{ OV_RANK_LEI, "Kunden", "A", "" }, { OV_RANK_LEI, "Kunden", "", "A7" } };
	struct ov_report before, r;

	(void)state;
	load_job1(&before);
	assert_int_equal(before.wrong, 0);
	for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++)
		mark(&other[i], globex, true);
	mark(&ajax, initech, true); /* another partner's */
	assert_int_equal(load(&r, globex, NULL), OV_OK);
	assert_int_equal(r.wrong, 0);
	assert_non_null(strstr(print(csv, &r, &everything), "Ajax"));
	mark(&ajax, globex, true);
	mark(&ajax, globex, true);
	assert_int_equal(load(&r, globex, NULL), OV_OK);
	assert_int_equal(r.wrong, 1);
	assert_int_equal(r.matches, before.matches - 1);
	assert_int_equal(r.rows, before.rows - 2);
	assert_int_equal(r.fits[OV_FIT_YES], before.fits[OV_FIT_YES] - 1);
	assert_int_equal(r.mine[0].matched, before.mine[0].matched - 1);
	assert_memory_equal(r.cell, before.cell, sizeof(r.cell)); /* the broker's word */
	assert_null(strstr(print(csv, &r, &everything), "Ajax"));
	assert_non_null(strstr(printed, "17,B2"));
	assert_non_null(strstr(print(csv, &r, &alone), "Ajax"));
	assert_null(strstr(printed, "17,B2"));
	assert_non_null(strstr(print(csv, &r, &too), "Ajax"));
	assert_non_null(strstr(print(as_text, &r, NULL), "1 match that you found wrong"));
	assert_true(mark(&ajax, globex, false));
	assert_false(mark(&ajax, globex, false));
	assert_int_equal(load(&r, globex, NULL), OV_OK);
	assert_int_equal(r.wrong, 0);
	assert_int_equal(r.matches, before.matches);
}

static void
an_account_without_id_is_remembered_by_name(void **state)
{
	const struct ov_wrong_match named = { OV_RANK_DOMAIN, "Kunden", "", "Zeta" };
	const struct ov_wrong_match nobody = { OV_RANK_DOMAIN, "Kunden", "", "" };
	const struct ov_report_match m = { .number = 5,
		.rank = OV_RANK_DOMAIN,
		.mine = 2,
		.theirs = 1,
		.rows = 1,
		.ids = "",
		.name = "Zeta" };
	struct ov_report r;

	(void)state;
	load_job1(&r);
	put_match(job1, &m);
	assert_int_equal(ov_wrong_mark(db, globex, &nobody, CLOSED), OV_E_NOT_FOUND);
	assert_non_null(strstr(print(csv, &r, &everything), "Zeta"));
	mark(&named, globex, true);
	assert_null(strstr(print(csv, &r, &everything), "Zeta"));
}

static void
json_matches_are_one_document(void **state)
{
	const struct ov_match_filter one = { .fits = 1U << OV_FIT_YES };
	struct ov_report r;

	(void)state;
	load_job1(&r);
	assert_string_equal(print(json_matches, &r, &one),
	    "{\"report\":{\n"
	    "\t\"job\":\t\"0123456789abcdef0100000000000000\",\n"
	    "\t\"partner\":\t\"Globex\",\n"
	    "\t\"partner_id\":\t\"676c6f62657800000000000000000000\",\n"
	    "\t\"closed\":\t\"2026-01-31T12:00:00Z\",\n"
	    "\t\"terms\":\t3\n"
	    "}\n"
	    ",\"matches\":[{\n"
	    "\t\"match\":\t900,\n"
	    "\t\"account_id\":\t\"A1;A7\",\n"
	    "\t\"name\":\t\"Ajax, \\\"the\\\" Co\",\n"
	    "\t\"my_population\":\t\"customers\",\n"
	    "\t\"their_population\":\t\"Kunden\",\n"
	    "\t\"key\":\t\"lei\",\n"
	    "\t\"rows\":\t2,\n"
	    "\t\"fits_my_icp\":\t\"yes\",\n"
	    "\t\"fits_by_my_data\":\t\"yes\",\n"
	    "\t\"fits_by_their_data\":\tnull,\n"
	    "\t\"band_by_their_data\":\tnull\n"
	    "}\n"
	    "]}\n");
	print(json_matches, &r, &everything);
	assert_non_null(strstr(printed, "}\n,{"));
}

/* The partner evaluated my criteria: its word counts where mine is missing. */
static void
fits_by_the_partners_data_stand_beside_the_own(void **state)
{
	static const struct {
		uint8_t band, own;
	} cases[] = { { OV_BAND_YES + 1, OV_FIT_UNKNOWN }, { OV_BAND_YES, OV_FIT_NO },
		{ OV_BAND_NO, OV_FIT_YES }, { OV_BAND_NO, OV_FIT_UNKNOWN },
		{ OV_BAND_UNKNOWN, OV_FIT_UNKNOWN }, { OV_BAND_YES + 2, OV_FIT_YES } };
	const struct ov_match_filter yes = { .fits = 1U << OV_FIT_YES };
	struct ov_report r;

	(void)state;
	put_job(job1, globex, OV_JOB_CLOSED, CLOSED - 100);
	put_population(job1, OV_SIDE_MINE, 1, "customers", 30);
	put_population(job1, OV_SIDE_THEIRS, 1, "Kunden", 0);
	put_report(job1);
	assert_int_equal(ov_db_run(db, "INSERT INTO job_band VALUES (?, 1, 'Gold')",
			     OV_DB_BLOB(job1, OV_ID)),
	    OV_OK);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		put_match(
		    job1, &(struct ov_report_match){ (uint32_t)i, OV_RANK_LEI, 1, 1,
			      cases[i].band, cases[i].own, 0, 1, "id", "name", "" });
	assert_int_equal(load(&r, globex, NULL), OV_OK);
	assert_true(r.bands);
	assert_int_equal(r.fits[OV_FIT_YES], 3);
	assert_int_equal(r.fits[OV_FIT_NO], 2);
	assert_int_equal(r.fits[OV_FIT_UNKNOWN], 1);
	assert_int_equal(r.fits_by_theirs, 1);
	assert_string_equal(print(csv, &r, &everything),
	    HEADER "0,id,name,customers,Kunden,lei,1,yes,unknown,yes,Gold\r\n"
		   "1,id,name,customers,Kunden,lei,1,no,no,yes,\r\n"
		   "2,id,name,customers,Kunden,lei,1,yes,yes,no,\r\n"
		   "3,id,name,customers,Kunden,lei,1,no,unknown,no,\r\n"
		   "4,id,name,customers,Kunden,lei,1,unknown,unknown,unknown,\r\n"
		   "5,id,name,customers,Kunden,lei,1,yes,yes,yes,yes\r\n");
	print(csv, &r, &yes);
	assert_null(strstr(printed, "\r\n1,"));
	assert_non_null(strstr(printed, "\r\n2,"));
	print(table, &r, &everything);
	assert_non_null(strstr(printed, "by their data\n"));
	assert_non_null(strstr(printed, "  yes            Gold\n"));
	print(json_matches, &r, &everything);
	assert_non_null(strstr(printed, "\"band_by_their_data\":\t\"Gold\""));
	/* all are of one account, which is found wrong: of nothing it is so many */
	mark(&(struct ov_wrong_match){ OV_RANK_LEI, "Kunden", "id", "name" }, globex,
	    true);
	assert_int_equal(load(&r, globex, NULL), OV_OK);
	assert_int_equal(r.fits[OV_FIT_YES], 0);
	assert_int_equal(r.fits_by_theirs, 0);
	assert_int_equal(ov_db_run(db, "UPDATE job_band SET band = 9"), OV_OK);
	assert_int_equal(load(&r, globex, NULL), OV_E_DB_FAILED);
}

static void
full_disk_is_told(void **state)
{
	struct ov_report r;
	FILE *full = fopen("/dev/full", "w");

	(void)state;
	assert_non_null(full);
	load_job1(&r);
	assert_int_equal(ov_report_print_text(full, &r), OV_E_IO);
	assert_int_equal(
	    ov_matches_print_csv(full, db, &r, &everything, OV_CSV_VERBATIM), OV_E_IO);
	fclose(full);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fresh_home, remove_home)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(reads_every_table),
		TEST(newest_is_chosen_by_partner),
		TEST(unchanged_job_gives_the_standing_report),
		TEST(tells_of_newer_jobs_without_report),
		TEST(without_report_says_what_there_is),
		TEST(damaged_tables_are_refused),
		TEST(jobs_are_found_by_their_first_digits),
		TEST(text_is_exact),
		TEST(unchanged_is_said),
		TEST(wide_matrix_goes_on_below),
		TEST(json_has_the_documented_keys),
		TEST(counts_stand_with_their_plus_minus),
		TEST(what_is_held_back_says_why_and_until_when),
		TEST(ledgers_differ_by_more_than_the_clocks),
		TEST(group_takes_from_what_is_left),
		TEST(table_is_exact),
		TEST(csv_is_exact),
		TEST(csv_for_spreadsheets_runs_nothing),
		TEST(no_part_of_a_field_runs_either),
		TEST(filters_choose_matches),
		TEST(wrong_matches_are_left_out),
		TEST(an_account_without_id_is_remembered_by_name),
		TEST(json_matches_are_one_document),
		TEST(fits_by_the_partners_data_stand_beside_the_own),
		TEST(full_disk_is_told),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	free(printed);
	return failed;
}
