#include "book_site.h"

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

char site_dir[64];
static unsigned n_databases;
struct ov_import_file table[OV_IMPORT_FILES_MAX];
struct ov_import_result result;
struct ov_fault fault;

struct ov_db *
new_db(void)
{
	const char *const migrations[] = { ov_book_schema_1, ov_book_schema_2,
		ov_book_schema_3, ov_book_schema_4, ov_book_schema_5, ov_book_schema_6,
		ov_book_schema_7 };
	char path[96];
	struct ov_db *db;

	snprintf(path, sizeof(path), "%s/%u.db", site_dir, n_databases++);
	assert_int_equal(ov_db_open(&db, &(struct ov_db_options){ .path = path,
					     .migrations = migrations,
					     .n_migrations = 7,
					     .application_id = 1,
					     .busy_timeout_ms = 1000,
					     .erase = OV_DB_ERASE_SECURE }),
	    OV_OK);
	return db;
}

/* Files as text, ended by NULL. */
enum ov_status
import_files(
    struct ov_db *db, const char *const *text, const struct ov_import_options *options)
{
	enum ov_status st;

	memset(&fault, 0, sizeof(fault));
	memset(table, 0, sizeof(table));
	result = (struct ov_import_result){ .file = table };
	for (; text[result.n_files] != NULL; result.n_files++) {
		const char *p = text[result.n_files];

		table[result.n_files].f = fmemopen((void *)(uintptr_t)p, strlen(p), "rb");
		assert_non_null(table[result.n_files].f);
	}
	st = ov_book_import(&result, db, options, &fault);
	for (size_t i = 0; i < result.n_files; i++)
		fclose(table[i].f);
	return st;
}

enum ov_status
import_with(struct ov_db *db, const char *csv, const struct ov_import_options *options)
{
	return import_files(db, (const char *const[]){ csv, NULL }, options);
}

/* A person has looked: tests replace what they like. */
static const struct ov_import_options plain = { .accept = true };

void
import(struct ov_db *db, const char *csv)
{
	if (import_with(db, csv, &plain) != OV_OK)
		fail_msg("line %d: %s", (int)fault.line, fault.text);
}

static void
import_stream(struct ov_db *db, FILE *f)
{
	assert_non_null(f);
	memset(table, 0, sizeof(table));
	result = (struct ov_import_result){ .file = table, .n_files = 1 };
	table[0].f = f;
	if (ov_book_import(&result, db, &plain, &fault) != OV_OK)
		fail_msg("line %d: %s", (int)fault.line, fault.text);
	fclose(f);
}

void
import_bytes(struct ov_db *db, const void *bytes, size_t len)
{
	import_stream(db, fmemopen((void *)(uintptr_t)bytes, len, "rb"));
}

void
import_file(struct ov_db *db, const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", OV_TEST_DATA, name);
	import_stream(db, fopen(path, "rb"));
}

struct ov_book_stats
stats_of(struct ov_db *db)
{
	struct ov_book_stats s;

	assert_int_equal(ov_book_stats(&s, db), OV_OK);
	return s;
}

/* The frozen list as text: "population/fit/band rank=value ...\n". */
struct list {
	char text[1 << 17];
	size_t len, n;
};

static enum ov_status
add_item(void *ctx, const struct ov_book_item *item)
{
	struct list *l = ctx;

	l->n++;
	l->len += (size_t)snprintf(l->text + l->len, sizeof(l->text) - l->len, "%u/%d/%u",
	    item->population, (int)item->fit, item->band);
	for (size_t i = 0; i < item->n; i++) {
		struct ov_token_parts t;

		assert_true(
		    ov_token_split(&t, item->token[i].rank, item->token[i].value));
		l->len += (size_t)snprintf(l->text + l->len, sizeof(l->text) - l->len,
		    " %s=%.*s", t.kind, (int)t.value.len, (const char *)t.value.p);
	}
	l->len += (size_t)snprintf(l->text + l->len, sizeof(l->text) - l->len, "\n");
	assert_true(l->len + 4096 < sizeof(l->text)); /* an item is shorter */
	return OV_OK;
}

const char *
freeze_as(struct ov_db *db, const struct ov_freeze_options *options)
{
	static struct list l;

	memset(&l, 0, sizeof(l));
	assert_int_equal(ov_book_freeze(db, options, add_item, &l), OV_OK);
	return l.text;
}

const char *
freeze(struct ov_db *db, uint32_t hidden, uint8_t ranks, const struct ov_icp *icp)
{
	return freeze_as(db,
	    &(struct ov_freeze_options){ .hidden = hidden, .ranks = ranks, .icp = icp });
}

int
site_setup(void **state)
{
	(void)state;
	n_databases = 0;
	snprintf(site_dir, sizeof(site_dir), "/tmp/ov-book-XXXXXX");
	return mkdtemp(site_dir) == NULL ? -1 : 0;
}

int
site_teardown(void **state)
{
	static const char *const ends[] = { "", "-wal", "-shm" };
	char path[96];

	(void)state;
	for (unsigned i = 0; i < n_databases; i++)
		for (size_t e = 0; e < 3; e++) {
			snprintf(path, sizeof(path), "%s/%u.db%s", site_dir, i, ends[e]);
			(void)unlink(path); /* the last two need not be there */
		}
	return rmdir(site_dir);
}
