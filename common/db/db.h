/* db.h - one SQLite file: settings, migrations, statements, transactions.
 *
 * The only user of SQLite.  Settings are the same for everyone: WAL, synchronous
 * FULL (a returned commit is on the disk), foreign keys, file mode 0600, temporary
 * data in memory, schema not trusted, cell sizes checked.  SQLite's own messages
 * quote data and therefore go nowhere: every failure is a status.
 *
 *   OV_TRY(ov_db_begin(db));
 *   OV_TRY(ov_db_run(db, "INSERT INTO job(id, state) VALUES (?, ?)",
 *       OV_DB_BLOB(id, 16), OV_DB_I64(OV_JOB_PROPOSED)));
 *   OV_TRY(ov_db_commit(db, "job.propose"));
 * done:
 *   ov_db_rollback(db);    (nothing to do after a commit)
 *
 * A statement that writes runs inside a transaction, else it is refused with
 * OV_E_BUG: so every durable write has the name that its commit gives, and tests
 * can kill the process before and after it (common/db/crash.h).
 *
 * A connection, its statements and its transaction belong to one thread at a time:
 * the owner locks.  Two connections, in one or more processes, may have one file
 * open; a writer waits busy_timeout_ms for the other.
 *
 * Failures of all functions: OV_E_NOMEM; OV_E_DB_BUSY; OV_E_DB_CONFLICT for a
 * violated constraint; OV_E_DB_FAILED (disk full, I/O, damage); OV_E_BUG for wrong
 * SQL or wrong use.
 */
#ifndef OV_COMMON_DB_DB_H
#define OV_COMMON_DB_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/crypto/hash.h"
#include "common/status.h"

struct ov_db;
struct ov_db_stmt;

enum ov_db_erase {
	OV_DB_ERASE_NO,
	OV_DB_ERASE_SECURE /* deleted content is overwritten; see ov_db_checkpoint */
};

struct ov_db_options {
	const char *path;
	/* Append-only: entry v is the SQL that takes a file from version v to v + 1.
	 * Released entries never change. */
	const char *const *migrations;
	size_t n_migrations;
	uint32_t application_id; /* tells our kinds of file apart; under 2^31, not 0 */
	uint32_t busy_timeout_ms;
	enum ov_db_erase erase;
	bool large_values; /* mostly blobs of many KiB: a new file gets larger pages */
};

/* Opens or creates the file and brings it to the newest version, each migration
 * in a transaction of its own.  OV_E_DB_OPEN: cannot be opened, not a regular
 * file, not a database, or one with another application_id.  OV_E_DB_NEWER: written
 * by a newer release; the file is untouched.  *out is NULL on failure. */
OV_MUST_CHECK enum ov_status ov_db_open(
    struct ov_db **out, const struct ov_db_options *options);

/* Rolls back an open transaction.  NULL is fine. */
void ov_db_close(struct ov_db *db);

/* Of the file, absolute; borrowed until close. */
const char *ov_db_path(const struct ov_db *db);

/* Transactions.  begin takes the write lock at once.  Nested begin, and commit
 * without begin: OV_E_BUG.  A failed commit has rolled back.  name: a literal, the
 * durable write's name.  rollback without a transaction does nothing. */
OV_MUST_CHECK enum ov_status ov_db_begin(struct ov_db *db);
#define ov_db_commit(db, name) ov_db_commit_((db), "" name)
void ov_db_rollback(struct ov_db *db);
bool ov_db_in_transaction(const struct ov_db *db);

/* Values of the ? of a statement, in order. */
enum ov_db_kind {
	OV_DB_KIND_END,
	OV_DB_KIND_I64,
	OV_DB_KIND_BLOB,
	OV_DB_KIND_TEXT,
	OV_DB_KIND_NULL
};
struct ov_db_value {
	enum ov_db_kind kind;
	int64_t number;
	struct ov_bytes bytes;
};
#define OV_DB_I64(v) ((struct ov_db_value){ OV_DB_KIND_I64, (int64_t)(v), { NULL, 0 } })
#define OV_DB_BLOB(ptr, n)                                                               \
	((struct ov_db_value){ OV_DB_KIND_BLOB, 0, { (const uint8_t *)(ptr), (n) } })
#define OV_DB_BYTES(b) ((struct ov_db_value){ OV_DB_KIND_BLOB, 0, (b) })
#define OV_DB_TEXT(s) ov_db_text_value(s) /* UTF-8 with NUL; NULL gives SQL NULL */
#define OV_DB_NULL ((struct ov_db_value){ OV_DB_KIND_NULL, 0, { NULL, 0 } })

/* ov_db_run(db, "SQL", values...): runs a statement to its end, rows ignored.
 * ov_db_query(&stmt, db, "SQL", values...): a statement with its values bound, to be
 * stepped.  Values are copied.  The SQL is a literal: the prepared statement is
 * kept and found again by its address.  On failure *stmt is NULL. */
#define ov_db_run(db, ...) OV_DB_RUN_((db), __VA_ARGS__, OV_DB_END_)
#define ov_db_query(out, db, ...) OV_DB_QUERY_((out), (db), __VA_ARGS__, OV_DB_END_)

/* *row: whether there is a row to read.  Without one, the statement is finished. */
OV_MUST_CHECK enum ov_status ov_db_step(struct ov_db_stmt *s, bool *row);

/* Gives the statement back; its row is gone.  NULL, or finished already: fine. */
void ov_db_finish(struct ov_db_stmt *s);

/* Columns of the present row, from 0.  Pointers are borrowed until the next step or
 * finish.  A NULL column reads as 0, empty, NULL. */
int64_t ov_db_i64(struct ov_db_stmt *s, int column);
struct ov_bytes ov_db_blob(struct ov_db_stmt *s, int column);
const char *ov_db_text(struct ov_db_stmt *s, int column);
bool ov_db_is_null(struct ov_db_stmt *s, int column);

/* Copies a blob of exactly len bytes; another length is OV_E_DB_FAILED. */
OV_MUST_CHECK enum ov_status ov_db_copy(
    void *out, size_t len, struct ov_db_stmt *s, int column);

/* ov_db_number(&out, db, "SQL", values...): first column of the first row.
 * OV_E_NOT_FOUND without a row; *out is then 0. */
#define ov_db_number(out, db, ...) OV_DB_NUMBER_((out), (db), __VA_ARGS__, OV_DB_END_)

/* Rows changed by the last INSERT, UPDATE or DELETE, and the rowid of the last INSERT. */
int64_t ov_db_changed(const struct ov_db *db);
int64_t ov_db_last_id(const struct ov_db *db);

/* Moves all of the WAL into the file and empties the WAL, so that securely erased
 * content is in neither.  What the disk itself keeps of old blocks is out of reach.
 * OV_E_DB_BUSY while another connection reads.  _within waits for it at most wait_ms
 * instead of busy_timeout_ms. */
OV_MUST_CHECK enum ov_status ov_db_checkpoint(struct ov_db *db);
OV_MUST_CHECK enum ov_status ov_db_checkpoint_within(struct ov_db *db, uint32_t wait_ms);

/* Writes a consistent copy to a new file, mode 0600, while others read and write.
 * OV_E_DB_OPEN if the file exists. */
OV_MUST_CHECK enum ov_status ov_db_backup(struct ov_db *db, const char *path);

/* Walks the whole file.  OV_E_DB_FAILED if it is damaged. */
OV_MUST_CHECK enum ov_status ov_db_verify(struct ov_db *db);

/* What the macros above stand for. */
#define OV_DB_END_ ((struct ov_db_value){ OV_DB_KIND_END, 0, { NULL, 0 } })
#define OV_DB_RUN_(db, sql, ...)                                                         \
	ov_db_run_(db, "" sql, (const struct ov_db_value[]){ __VA_ARGS__ })
#define OV_DB_QUERY_(out, db, sql, ...)                                                  \
	ov_db_query_(out, db, "" sql, (const struct ov_db_value[]){ __VA_ARGS__ })
#define OV_DB_NUMBER_(out, db, sql, ...)                                                 \
	ov_db_number_(out, db, "" sql, (const struct ov_db_value[]){ __VA_ARGS__ })
struct ov_db_value ov_db_text_value(const char *s);
OV_MUST_CHECK enum ov_status ov_db_run_(
    struct ov_db *db, const char *sql, const struct ov_db_value *values);
OV_MUST_CHECK enum ov_status ov_db_query_(struct ov_db_stmt **out, struct ov_db *db,
    const char *sql, const struct ov_db_value *values);
OV_MUST_CHECK enum ov_status ov_db_number_(
    int64_t *out, struct ov_db *db, const char *sql, const struct ov_db_value *values);
OV_MUST_CHECK enum ov_status ov_db_commit_(struct ov_db *db, const char *name);

#endif /* OV_COMMON_DB_DB_H */
