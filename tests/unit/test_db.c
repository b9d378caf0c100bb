/* The database helper: settings, upgrades from every version, and that nothing
 * acknowledged is lost when the process is killed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/crypto/memory.h"
#include "common/db/crash.h"
#include "common/db/db.h"

static const char *const migrations[] = {
	"CREATE TABLE fact(id INTEGER PRIMARY KEY, body BLOB NOT NULL UNIQUE) STRICT",
	"ALTER TABLE fact ADD COLUMN note TEXT",
	"CREATE TABLE child(id INTEGER PRIMARY KEY, fact INTEGER NOT NULL REFERENCES "
	"fact(id)) "
	"STRICT; UPDATE fact SET note = 'old' WHERE note IS NULL",
};
#define N_MIGRATIONS 3

static char dir[64], path[96];

static int
fresh_directory(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/overlap-db-XXXXXX");
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/file.db", dir);
	return 0;
}

static int
remove_directory(void **state)
{
	char command[160];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	return system(command);
}

static enum ov_status
open_with(struct ov_db **db, size_t version, bool large_values)
{
	return ov_db_open(db, &(struct ov_db_options){ .path = path,
				  .migrations = migrations,
				  .n_migrations = version,
				  .application_id = 0x4f566462,
				  .busy_timeout_ms = 50,
				  .erase = OV_DB_ERASE_SECURE,
				  .large_values = large_values });
}

static enum ov_status
open_at(struct ov_db **db, size_t version)
{
	return open_with(db, version, false);
}

static struct ov_db *
opened(void)
{
	struct ov_db *db;

	assert_int_equal(open_at(&db, N_MIGRATIONS), OV_OK);
	return db;
}

static enum ov_status
add(struct ov_db *db, const char *body)
{
	enum ov_status st = OV_OK;

	OV_TRY(ov_db_begin(db));
	OV_TRY(ov_db_run(
	    db, "INSERT INTO fact(body) VALUES (?)", OV_DB_BLOB(body, strlen(body))));
	OV_TRY(ov_db_commit(db, "test.add"));
done:
	ov_db_rollback(db);
	return st;
}

static int64_t
facts(struct ov_db *db)
{
	int64_t n;

	assert_int_equal(ov_db_number(&n, db, "SELECT count(*) FROM fact"), OV_OK);
	return n;
}

static void
file_is_private_and_settings_hold(void **state)
{
	struct ov_db *db = opened();
	struct stat sb;
	int64_t n;
	char wal[120];

	(void)state;
	assert_int_equal(add(db, "x"), OV_OK);
	assert_int_equal(stat(path, &sb), 0);
	assert_int_equal(sb.st_mode & 0777, 0600);
	snprintf(wal, sizeof(wal), "%s-wal", path);
	assert_int_equal(stat(wal, &sb), 0);
	assert_int_equal(sb.st_mode & 0777, 0600);
	assert_int_equal(ov_db_number(&n, db, "PRAGMA synchronous"), OV_OK);
	assert_int_equal(n, 2);
	assert_int_equal(ov_db_number(&n, db, "PRAGMA foreign_keys"), OV_OK);
	assert_int_equal(n, 1);
	assert_int_equal(ov_db_number(&n, db, "PRAGMA trusted_schema"), OV_OK);
	assert_int_equal(n, 0);
	assert_int_equal(ov_db_number(&n, db, "PRAGMA secure_delete"), OV_OK);
	assert_int_equal(n, 1);
	assert_int_equal(ov_db_number(&n, db, "PRAGMA cell_size_check"), OV_OK);
	assert_int_equal(n, 1);
	ov_db_close(db);
	/* a file that others could read is closed to them again */
	assert_int_equal(chmod(path, 0644), 0);
	db = opened();
	assert_int_equal(stat(path, &sb), 0);
	assert_int_equal(sb.st_mode & 0777, 0600);
	ov_db_close(db);
}

/* Opens with one setting and then with the other: the first one decides, for good. */
static void
check_page_size(bool large_values, int64_t page_size)
{
	struct ov_db *db;
	int64_t n;

	for (int again = 0; again < 2; again++) {
		assert_int_equal(
		    open_with(&db, N_MIGRATIONS, large_values != (again != 0)), OV_OK);
		assert_int_equal(ov_db_number(&n, db, "PRAGMA page_size"), OV_OK);
		assert_int_equal(n, page_size);
		assert_int_equal(add(db, again ? "second" : "first"), OV_OK);
		assert_int_equal(facts(db), again + 1);
		assert_int_equal(ov_db_verify(db), OV_OK);
		ov_db_close(db);
	}
}

static void
a_new_file_for_large_values_has_large_pages(void **state)
{
	(void)state;
	check_page_size(true, 16384);
}

static void
an_old_file_keeps_its_pages(void **state)
{
	(void)state;
	check_page_size(false, 4096);
}

static void
upgrades_from_every_version(void **state)
{
	(void)state;
	for (size_t from = 1; from <= N_MIGRATIONS; from++) {
		struct ov_db *db;
		int64_t n;

		assert_int_equal(open_at(&db, from), OV_OK);
		assert_int_equal(add(db, "kept"), OV_OK);
		ov_db_close(db);
		db = opened();
		assert_int_equal(facts(db), 1);
		assert_int_equal(ov_db_number(&n, db, "PRAGMA user_version"), OV_OK);
		assert_int_equal(n, N_MIGRATIONS);
		assert_int_equal(
		    ov_db_number(&n, db, "SELECT count(*) FROM child"), OV_OK);
		ov_db_close(db);
		assert_int_equal(unlink(path), 0);
	}
}

static size_t
slurp(uint8_t *out, size_t cap)
{
	FILE *f = fopen(path, "rb");
	size_t n;

	assert_non_null(f);
	n = fread(out, 1, cap, f);
	fclose(f);
	return n;
}

static void
newer_file_is_refused_and_untouched(void **state)
{
	static uint8_t before[1 << 16], after[1 << 16];
	struct ov_db *db = opened();
	size_t n;

	(void)state;
	assert_int_equal(add(db, "x"), OV_OK);
	ov_db_close(db);
	n = slurp(before, sizeof(before));
	assert_int_equal(open_at(&db, N_MIGRATIONS - 1), OV_E_DB_NEWER);
	assert_null(db);
	assert_int_equal(slurp(after, sizeof(after)), n);
	assert_memory_equal(before, after, n);
}

static void
other_files_are_refused(void **state)
{
	struct ov_db_options other = { .path = path,
		.migrations = migrations,
		.n_migrations = N_MIGRATIONS,
		.application_id = 7,
		.busy_timeout_ms = 50,
		.erase = OV_DB_ERASE_NO };
	struct ov_db *db = opened();
	char link[120];
	FILE *f;

	(void)state;
	ov_db_close(db);
	assert_int_equal(ov_db_open(&db, &other), OV_E_DB_OPEN);
	snprintf(link, sizeof(link), "%s/link.db", dir);
	assert_int_equal(symlink(path, link), 0);
	other.path = link;
	other.application_id = 0x4f566462;
	assert_int_equal(ov_db_open(&db, &other), OV_E_DB_OPEN);
	other.path = dir;
	assert_int_equal(ov_db_open(&db, &other), OV_E_DB_OPEN);
	f = fopen(path, "wb");
	assert_non_null(f);
	fputs("this is a text file and no database, long enough to have a header", f);
	for (int i = 0; i < 100; i++)
		fputs("................", f);
	fclose(f);
	assert_int_equal(open_at(&db, N_MIGRATIONS), OV_E_DB_OPEN);
}

static void
failed_migration_leaves_last_good_version(void **state)
{
	static const char *const bad[] = {
		"CREATE TABLE fact(id INTEGER PRIMARY KEY, body BLOB)",
		"CREATE TABLE half(x); INSERT INTO nowhere VALUES (1)"
	};
	struct ov_db_options o = { .path = path,
		.migrations = bad,
		.n_migrations = 2,
		.application_id = 9,
		.busy_timeout_ms = 50,
		.erase = OV_DB_ERASE_NO };
	struct ov_db *db;
	int64_t n;

	(void)state;
	assert_int_equal(ov_db_open(&db, &o), OV_E_BUG);
	o.n_migrations = 1;
	assert_int_equal(ov_db_open(&db, &o), OV_OK);
	assert_int_equal(
	    ov_db_number(&n, db, "SELECT count(*) FROM sqlite_schema"), OV_OK);
	assert_int_equal(n, 1);
	ov_db_close(db);
}

static void
values_round_trip(void **state)
{
	struct ov_db *db = opened();
	struct ov_db_stmt *s;
	uint8_t four[4];
	bool row;

	(void)state;
	assert_int_equal(ov_db_query(&s, db, "SELECT ?, ?, ?, ?, ?, ?", OV_DB_I64(-5),
			     OV_DB_BLOB("a\0b", 3), OV_DB_TEXT("text"), OV_DB_NULL,
			     OV_DB_BLOB(NULL, 0), OV_DB_TEXT(NULL)),
	    OV_OK);
	assert_int_equal(ov_db_step(s, &row), OV_OK);
	assert_true(row);
	assert_int_equal(ov_db_i64(s, 0), -5);
	assert_int_equal(ov_db_blob(s, 1).len, 3);
	assert_memory_equal(ov_db_blob(s, 1).p, "a\0b", 3);
	assert_int_equal(ov_db_copy(four, 4, s, 1), OV_E_DB_FAILED);
	assert_int_equal(ov_db_copy(four, 3, s, 1), OV_OK);
	assert_string_equal(ov_db_text(s, 2), "text");
	assert_true(ov_db_is_null(s, 3));
	assert_false(ov_db_is_null(s, 4));
	assert_int_equal(ov_db_blob(s, 4).len, 0);
	assert_true(ov_db_is_null(s, 5));
	assert_int_equal(ov_db_step(s, &row), OV_OK);
	assert_false(row);
	assert_int_equal(ov_db_step(s, &row), OV_E_BUG);
	ov_db_close(db);
}

/* The same SQL in use twice, as in a loop whose body asks again. */
static void
statement_in_use_is_not_shared(void **state)
{
	struct ov_db *db = opened();
	struct ov_db_stmt *s[2];
	bool row;

	(void)state;
	assert_int_equal(add(db, "one"), OV_OK);
	assert_int_equal(add(db, "two"), OV_OK);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(
		    ov_db_query(&s[i], db, "SELECT id FROM fact ORDER BY id"), OV_OK);
		assert_int_equal(ov_db_step(s[i], &row), OV_OK);
		assert_true(row);
		assert_int_equal(ov_db_i64(s[i], 0), 1);
	}
	assert_ptr_not_equal(s[0], s[1]);
	assert_int_equal(ov_db_step(s[0], &row), OV_OK);
	assert_true(row);
	assert_int_equal(ov_db_i64(s[0], 0), 2);
	ov_db_finish(s[0]);
	ov_db_finish(s[1]);
	ov_db_close(db);
}

static void
misuse_fails_closed(void **state)
{
	struct ov_db *db = opened();
	int64_t n;

	(void)state;
	assert_int_equal(
	    ov_db_run(db, "INSERT INTO fact(body) VALUES (?)", OV_DB_BLOB("x", 1)),
	    OV_E_BUG); /* outside a transaction */
	assert_int_equal(ov_db_commit(db, "test.none"), OV_E_BUG);
	assert_int_equal(ov_db_begin(db), OV_OK);
	assert_int_equal(ov_db_begin(db), OV_E_BUG);
	assert_int_equal(ov_db_run(db, "INSERT INTO fact(body) VALUES (?)"), OV_E_BUG);
	assert_int_equal(ov_db_run(db, "INSERT INTO fact(body) VALUES (?)",
			     OV_DB_BLOB("x", 1), OV_DB_I64(1)),
	    OV_E_BUG); /* values do not fit the statement */
	assert_int_equal(ov_db_run(db, "NOT SQL"), OV_E_BUG);
	ov_db_rollback(db);
	assert_int_equal(facts(db), 0);
	assert_int_equal(ov_db_number(&n, db, "SELECT id FROM fact"), OV_E_NOT_FOUND);
	ov_db_close(db);
}

static void
constraints_are_conflicts(void **state)
{
	struct ov_db *db = opened();

	(void)state;
	assert_int_equal(add(db, "same"), OV_OK);
	assert_int_equal(add(db, "same"), OV_E_DB_CONFLICT);
	assert_int_equal(ov_db_begin(db), OV_OK);
	assert_int_equal(
	    ov_db_run(db, "INSERT INTO child(fact) VALUES (?)", OV_DB_I64(99)),
	    OV_E_DB_CONFLICT);
	ov_db_rollback(db);
	assert_int_equal(facts(db), 1);
	ov_db_close(db);
}

static void
second_writer_is_told_busy(void **state)
{
	struct ov_db *a = opened(), *b = opened();

	(void)state;
	assert_int_equal(ov_db_begin(a), OV_OK);
	assert_int_equal(ov_db_begin(b), OV_E_DB_BUSY);
	assert_false(ov_db_in_transaction(b));
	assert_int_equal(facts(b), 0); /* readers go on */
	ov_db_rollback(a);
	assert_int_equal(add(b, "x"), OV_OK);
	ov_db_close(a);
	ov_db_close(b);
}

static bool
file_holds(const char *name, const char *needle)
{
	static char text[1 << 20];
	FILE *f = fopen(name, "rb");
	size_t n;

	if (f == NULL)
		return false;
	n = fread(text, 1, sizeof(text), f);
	fclose(f);
	return memmem(text, n, needle, strlen(needle)) != NULL;
}

static void
erased_content_is_gone_after_checkpoint(void **state)
{
	struct ov_db *db = opened();
	char wal[120];

	(void)state;
	snprintf(wal, sizeof(wal), "%s-wal", path);
	assert_int_equal(add(db, "a secret that must go"), OV_OK);
	assert_int_equal(ov_db_checkpoint(db), OV_OK);
	assert_true(file_holds(path, "secret that must go")); /* control */
	assert_int_equal(ov_db_begin(db), OV_OK);
	assert_int_equal(ov_db_run(db, "DELETE FROM fact"), OV_OK);
	assert_int_equal(ov_db_changed(db), 1);
	assert_int_equal(ov_db_commit(db, "test.erase"), OV_OK);
	assert_int_equal(ov_db_checkpoint(db), OV_OK);
	assert_false(file_holds(path, "secret that must go"));
	assert_false(file_holds(wal, "secret that must go"));
	ov_db_close(db);
}

static void
backup_is_whole_and_private(void **state)
{
	struct ov_db *db = opened(), *reader = opened(), *copy;
	char to[96];
	struct stat sb;

	(void)state;
	assert_int_equal(add(db, "one"), OV_OK);
	assert_int_equal(ov_db_begin(db), OV_OK); /* a writer is at work meanwhile */
	snprintf(to, sizeof(to), "%s/backup.db", dir);
	assert_int_equal(ov_db_backup(reader, to), OV_OK);
	ov_db_rollback(db);
	assert_int_equal(ov_db_backup(reader, to), OV_E_DB_OPEN);
	ov_db_close(reader);
	ov_db_close(db);
	assert_int_equal(stat(to, &sb), 0);
	assert_int_equal(sb.st_mode & 0777, 0600);
	snprintf(path, sizeof(path), "%s", to);
	assert_int_equal(open_at(&copy, N_MIGRATIONS), OV_OK);
	assert_int_equal(ov_db_verify(copy), OV_OK);
	assert_int_equal(facts(copy), 1);
	ov_db_close(copy);
}

static void
damage_is_found(void **state)
{
	struct ov_db *db = opened();
	uint8_t junk[2048];
	char body[32];
	int fd;

	(void)state;
	for (int i = 0; i < 500; i++) {
		snprintf(body, sizeof(body), "body number %d", i);
		assert_int_equal(add(db, body), OV_OK);
	}
	assert_int_equal(ov_db_verify(db), OV_OK);
	assert_int_equal(ov_db_checkpoint(db), OV_OK);
	ov_db_close(db);
	memset(junk, 0xa5, sizeof(junk));
	fd = open(path, O_WRONLY);
	assert_int_equal(pwrite(fd, junk, sizeof(junk), 4096 * 2), sizeof(junk));
	close(fd);
	db = opened();
	assert_int_equal(ov_db_verify(db), OV_E_DB_FAILED);
	ov_db_close(db);
}

/* Runs body in a child; returns its wait status. */
static int
in_child(void (*body)(int ack), int *acked)
{
	int ends[2], status;
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(ends[0]);
		body(ends[1]);
		_exit(0);
	}
	close(ends[1]);
	for (*acked = 0; read(ends[0], &byte, 1) == 1;)
		(*acked)++;
	close(ends[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void
killed_in_third_transaction(int ack)
{
	struct ov_db *db;

	if (open_at(&db, N_MIGRATIONS) != OV_OK || add(db, "one") != OV_OK ||
	    write(ack, "x", 1) != 1 || add(db, "two") != OV_OK ||
	    write(ack, "x", 1) != 1 || ov_db_begin(db) != OV_OK ||
	    ov_db_run(db, "DELETE FROM fact") != OV_OK ||
	    ov_db_run(db, "INSERT INTO fact(body) VALUES (?)", OV_DB_BLOB("three", 5)) !=
		OV_OK)
		_exit(1);
	raise(SIGKILL);
}

static void
kill_inside_transaction_loses_nothing_acknowledged(void **state)
{
	struct ov_db *db;
	int acked, status;

	(void)state;
	status = in_child(killed_in_third_transaction, &acked);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_int_equal(acked, 2);
	db = opened();
	assert_int_equal(facts(db), 2);
	assert_int_equal(ov_db_verify(db), OV_OK);
	ov_db_close(db);
}

#ifdef OVERLAP_CRASH_POINTS
static void
three_acknowledged_writes(int ack)
{
	static const char *const bodies[] = { "one", "two", "three" };
	struct ov_db *db;

	if (open_at(&db, N_MIGRATIONS) != OV_OK)
		_exit(1);
	for (int i = 0; i < 3; i++)
		if (add(db, bodies[i]) != OV_OK || write(ack, "x", 1) != 1)
			_exit(1);
	ov_db_close(db);
}

static int
lines_of(const char *file)
{
	FILE *f = fopen(file, "r");
	int n = 0, c;

	assert_non_null(f);
	while ((c = getc(f)) != EOF)
		n += c == '\n';
	fclose(f);
	return n;
}

/* Three migrations and three writes, each killed before and after its commit. */
static void
kill_at_every_crash_point_loses_nothing_acknowledged(void **state)
{
	char list[120], at[16];
	int points, acked, status;

	(void)state;
	snprintf(list, sizeof(list), "%s/points", dir);
	setenv("OVERLAP_CRASH_LIST", list, 1);
	status = in_child(three_acknowledged_writes, &acked);
	unsetenv("OVERLAP_CRASH_LIST");
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	points = lines_of(list);
	assert_int_equal(points, 12);
	for (int n = 1; n <= points; n++) {
		struct ov_db *db;
		int64_t kept;

		unlink(path);
		snprintf(at, sizeof(at), "%d", n);
		setenv("OVERLAP_CRASH_AT", at, 1);
		status = in_child(three_acknowledged_writes, &acked);
		unsetenv("OVERLAP_CRASH_AT");
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		db = opened();
		kept = facts(db);
		assert_true(kept == acked || kept == acked + 1);
		/* odd points are `before` a commit: that write is not there */
		if (n > 6)
			assert_int_equal(kept, (n - 6) / 2);
		ov_db_close(db);
		assert_int_equal(unlink(path), 0);
	}
}

static void
crash_point_can_be_named(void **state)
{
	int acked, status;

	(void)state;
	setenv("OVERLAP_CRASH_AT", "test.add after", 1);
	status = in_child(three_acknowledged_writes, &acked);
	unsetenv("OVERLAP_CRASH_AT");
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_int_equal(acked, 0);
}
#endif

#define IN_FRESH_DIRECTORY(f)                                                            \
	cmocka_unit_test_setup_teardown(f, fresh_directory, remove_directory)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FRESH_DIRECTORY(file_is_private_and_settings_hold),
		IN_FRESH_DIRECTORY(a_new_file_for_large_values_has_large_pages),
		IN_FRESH_DIRECTORY(an_old_file_keeps_its_pages),
		IN_FRESH_DIRECTORY(upgrades_from_every_version),
		IN_FRESH_DIRECTORY(newer_file_is_refused_and_untouched),
		IN_FRESH_DIRECTORY(other_files_are_refused),
		IN_FRESH_DIRECTORY(failed_migration_leaves_last_good_version),
		IN_FRESH_DIRECTORY(values_round_trip),
		IN_FRESH_DIRECTORY(statement_in_use_is_not_shared),
		IN_FRESH_DIRECTORY(misuse_fails_closed),
		IN_FRESH_DIRECTORY(constraints_are_conflicts),
		IN_FRESH_DIRECTORY(second_writer_is_told_busy),
		IN_FRESH_DIRECTORY(erased_content_is_gone_after_checkpoint),
		IN_FRESH_DIRECTORY(backup_is_whole_and_private),
		IN_FRESH_DIRECTORY(damage_is_found),
		IN_FRESH_DIRECTORY(kill_inside_transaction_loses_nothing_acknowledged),
#ifdef OVERLAP_CRASH_POINTS
		IN_FRESH_DIRECTORY(kill_at_every_crash_point_loses_nothing_acknowledged),
		IN_FRESH_DIRECTORY(crash_point_can_be_named),
#endif
	};

	if (ov_crypto_init() != OV_OK)
		return 1;
	return cmocka_run_group_tests_name("db", tests, NULL, NULL);
}
