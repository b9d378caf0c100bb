/* The two sample books: which rows match, against pairs written by hand. */
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

#include "client/book/book.h"
#include "common/crypto/memory.h"

#define NO_BARE_NAMES 0x7e

static char directory[] = "/tmp/ov-samples-XXXXXX";
static unsigned n_databases;
static struct ov_import_result result;
static struct ov_fault fault;

static struct ov_db *
new_db(void)
{
	const char *const migrations[] = { ov_book_schema_1, ov_book_schema_2,
		ov_book_schema_3, ov_book_schema_4, ov_book_schema_5, ov_book_schema_6,
		ov_book_schema_7 };
	char path[64];
	struct ov_db *db;

	snprintf(path, sizeof(path), "%s/%u.db", directory, n_databases++);
	assert_int_equal(ov_db_open(&db, &(struct ov_db_options){ .path = path,
					     .migrations = migrations,
					     .n_migrations = 7,
					     .application_id = 1,
					     .busy_timeout_ms = 1000,
					     .erase = OV_DB_ERASE_SECURE }),
	    OV_OK);
	return db;
}

static void
import_file(struct ov_db *db, const char *name)
{
	struct ov_import_file table = { 0 };
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", OV_TEST_DATA, name);
	table.f = fopen(path, "rb");
	assert_non_null(table.f);
	result = (struct ov_import_result){ .file = &table, .n_files = 1 };
	if (ov_book_import(&result, db, &(struct ov_import_options){ 0 }, &fault) !=
	    OV_OK)
		fail_msg("line %d: %s", (int)fault.line, fault.text);
	fclose(table.f);
}

struct keyed {
	struct ov_db *db;
	FILE *out; /* "rank=value\tids\n" */
};

static enum ov_status
write_keys(void *ctx, const struct ov_book_item *item)
{
	struct keyed *k = ctx;
	struct ov_book_account a;

	assert_int_equal(ov_book_account(&a, k->db, item->record), OV_OK);
	for (size_t i = 0; i < item->n; i++)
		fprintf(k->out, "%u=%.*s\t%s\n", item->token[i].rank,
		    (int)item->token[i].value.len, (const char *)item->token[i].value.p,
		    a.ids);
	ov_book_account_fini(&a);
	return OV_OK;
}

static char *
keys_of_sample(const char *name)
{
	struct ov_freeze_options options = { .ranks = NO_BARE_NAMES };
	struct ov_db *db = new_db();
	char *text = NULL;
	size_t len = 0;
	struct keyed k = { db, open_memstream(&text, &len) };

	import_file(db, name);
	assert_int_equal(ov_book_freeze(db, &options, write_keys, &k), OV_OK);
	fclose(k.out);
	ov_db_close(db);
	return text;
}

/* Whether the ids (joined by ';') hold id. */
static bool
holds(const char *ids, size_t len, const char *id)
{
	const char *at = memmem(ids, len, id, strlen(id));

	return at != NULL && (at == ids || at[-1] == ';') &&
	       (at + strlen(id) == ids + len || at[strlen(id)] == ';');
}

/* Is there a key that both sides have, on rows a of the one and b of the other? */
static bool
is_matched(const char *keys_a, const char *keys_b, const char *a, const char *b)
{
	for (const char *p = keys_a; *p != '\0'; p = strchr(p, '\n') + 1) {
		size_t key = strcspn(p, "\t") + 1, ids = strcspn(p + key, "\n");

		if (!holds(p + key, ids, a))
			continue;
		for (const char *q = keys_b; *q != '\0'; q = strchr(q, '\n') + 1) {
			size_t len = strcspn(q, "\t") + 1;

			if (len == key && strncmp(p, q, key) == 0 &&
			    holds(q + len, strcspn(q + len, "\n"), b))
				return true;
		}
	}
	return false;
}

/* Pairs of rows joined by any key. */
static size_t
count_pairs(const char *keys_a, const char *keys_b)
{
	char *seen = calloc(1, 1 << 20);
	size_t n = 0, used = 0;

	assert_non_null(seen);
	for (const char *p = keys_a; *p != '\0'; p = strchr(p, '\n') + 1)
		for (const char *q = keys_b; *q != '\0'; q = strchr(q, '\n') + 1) {
			size_t key = strcspn(p, "\t") + 1;
			char pair[4096];

			if (strncmp(p, q, key) != 0)
				continue;
			snprintf(pair, sizeof(pair), "\n%.*s>%.*s\n",
			    (int)strcspn(p + key, "\n"), p + key,
			    (int)strcspn(q + key, "\n"), q + key);
			if (strstr(seen, pair) != NULL)
				continue;
			assert_true(used + strlen(pair) < 1 << 20);
			memcpy(seen + used, pair, strlen(pair));
			used += strlen(pair);
			for (size_t a = 1, i = key; p[i] != '\n'; i++) {
				a += p[i] == ';';
				if (p[i + 1] != '\n')
					continue;
				for (size_t b = 1, j = key; q[j] != '\n'; j++) {
					b += q[j] == ';';
					if (q[j + 1] == '\n')
						n += a * b;
				}
			}
		}
	free(seen);
	return n;
}

static void
samples_match_the_pairs_written_by_hand(void **state)
{
	char *a = keys_of_sample("sample_a.csv"), *b = keys_of_sample("sample_b.csv");
	size_t found = 0, pairs = 0, all;
	char line[256], *comma;
	FILE *f;

	(void)state;
	snprintf(line, sizeof(line), "%s/sample_a.truth.csv", OV_TEST_DATA);
	f = fopen(line, "rb");
	assert_non_null(f);
	assert_non_null(fgets(line, sizeof(line), f)); /* headings */
	while (fgets(line, sizeof(line), f) != NULL) {
		line[strcspn(line, "\r\n")] = '\0';
		comma = strchr(line, ',');
		assert_non_null(comma);
		*comma = '\0';
		pairs++;
		found += is_matched(a, b, line, comma + 1);
	}
	fclose(f);
	all = count_pairs(a, b);
	print_message(
	    "%d of %d pairs found, %d pairs in all\n", (int)found, (int)pairs, (int)all);
	assert_int_equal(pairs, 115);
	assert_true(found >= 112);
	assert_int_equal(all, found); /* nothing that is not in the list */
	free(a);
	free(b);
}

static enum ov_status
count_fit(void *ctx, const struct ov_book_item *item)
{
	((size_t *)ctx)[item->fit]++;
	return OV_OK;
}

static void
sample_profiles_fit_their_books(void **state)
{
	static const char *const which[] = { "a", "b" };
	struct ov_icp *icp;
	struct ov_db *db;
	char path[512], csv[32];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		size_t n[3] = { 0, 0, 0 };

		db = new_db();
		snprintf(csv, sizeof(csv), "sample_%s.csv", which[i]);
		import_file(db, csv);
		snprintf(
		    path, sizeof(path), "%s/sample_%s.icp.yaml", OV_TEST_DATA, which[i]);
		if (ov_icp_read_file(&icp, path, &fault) != OV_OK)
			fail_msg("line %d: %s", (int)fault.line, fault.text);
		assert_int_equal(ov_book_check_icp(db, icp, &fault), OV_OK);
		assert_int_equal(
		    ov_book_freeze(db,
			&(struct ov_freeze_options){ .ranks = NO_BARE_NAMES, .icp = icp },
			count_fit, n),
		    OV_OK);
		assert_true(n[OV_FIT_NO] > 0 && n[OV_FIT_YES] > 0);
		ov_icp_free(icp);
		ov_db_close(db);
	}
}

static int
set_up(void **state)
{
	(void)state;
	return mkdtemp(directory) == NULL ? -1 : 0;
}

static int
tear_down(void **state)
{
	static const char *const ends[] = { "", "-wal", "-shm" };
	char path[80];

	(void)state;
	for (unsigned i = 0; i < n_databases; i++)
		for (size_t e = 0; e < 3; e++) {
			snprintf(path, sizeof(path), "%s/%u.db%s", directory, i, ends[e]);
			(void)unlink(path); /* the last two need not be there */
		}
	return rmdir(directory);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(samples_match_the_pairs_written_by_hand),
		cmocka_unit_test(sample_profiles_fit_their_books),
	};
	int failed;

	if (ov_crypto_init() != OV_OK || ov_normalise_init() != OV_OK)
		return 1;
	failed = cmocka_run_group_tests_name("samples", tests, set_up, tear_down);
	ov_normalise_fini();
	return failed;
}
