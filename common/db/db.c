#include "common/db/db.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/db/crash.h"

struct ov_db_stmt {
	struct ov_db *db;
	const char *sql; /* literal: its address is the key */
	sqlite3_stmt *raw;
	bool busy; /* handed out; a second user of the same SQL gets another one */
	struct ov_db_stmt *next;
};

struct ov_db {
	sqlite3 *raw;
	struct ov_db_stmt *stmts;
	bool in_transaction;
	uint32_t busy_timeout_ms;
};

static enum ov_status
status_of(int rc)
{
	switch (rc & 0xff) { /* extended codes keep the primary one in the low byte */
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return OV_OK;
	case SQLITE_NOMEM:
		return OV_E_NOMEM;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return OV_E_DB_BUSY;
	case SQLITE_CONSTRAINT:
		return OV_E_DB_CONFLICT;
	case SQLITE_CANTOPEN:
	case SQLITE_NOTADB:
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return OV_E_DB_OPEN;
	case SQLITE_ERROR: /* wrong SQL */
	case SQLITE_MISUSE:
	case SQLITE_RANGE:
	case SQLITE_MISMATCH:
	case SQLITE_SCHEMA:
		return OV_E_BUG;
	default: /* not our enum: I/O, full, corrupt, too big and what else may come */
		return OV_E_DB_FAILED;
	}
}

static enum ov_status
exec_plain(struct ov_db *db, const char *sql)
{
	return status_of(sqlite3_exec(db->raw, sql, NULL, NULL, NULL));
}

/* SQLite would create the file by the umask.  An existing one is not opened here:
 * closing it again would drop the locks of other connections of this process. */
static enum ov_status
claim_file(const char *path)
{
	struct stat sb;
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd >= 0) {
		close(fd);
		return OV_OK;
	}
	if (lstat(path, &sb) != 0 || !S_ISREG(sb.st_mode))
		return OV_E_DB_OPEN;
	if ((sb.st_mode & 077) != 0 && chmod(path, 0600) != 0)
		return OV_E_DB_OPEN;
	return OV_OK;
}

/* SQLite says in a row, not in the return code, when the mode could not be had. */
static int
note_wal(void *is_wal, int columns, char **values, char **names)
{
	(void)names;
	*(bool *)is_wal =
	    columns == 1 && values[0] != NULL && strcmp(values[0], "wal") == 0;
	return 0;
}

static enum ov_status
use_wal(struct ov_db *db)
{
	bool is_wal = false;
	int rc =
	    sqlite3_exec(db->raw, "PRAGMA journal_mode = WAL", note_wal, &is_wal, NULL);

	if (rc != SQLITE_OK)
		return status_of(rc);
	return is_wal ? OV_OK : OV_E_DB_OPEN;
}

static enum ov_status
configure(struct ov_db *db, const struct ov_db_options *o)
{
	static const int switches[][2] = { { SQLITE_DBCONFIG_DEFENSIVE, 1 },
		{ SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0 }, { SQLITE_DBCONFIG_DQS_DML, 0 },
		{ SQLITE_DBCONFIG_DQS_DDL, 0 }, { SQLITE_DBCONFIG_ENABLE_FKEY, 1 } };
	enum ov_status st = OV_OK;

	for (size_t i = 0; i < sizeof(switches) / sizeof(switches[0]); i++)
		OV_TRY(status_of(sqlite3_db_config(
		    db->raw, switches[i][0], switches[i][1], (int *)NULL)));
	if (o->large_values) /* without effect on a file that has pages already */
		OV_TRY(exec_plain(db, "PRAGMA page_size = 16384"));
	OV_TRY(exec_plain(db, "PRAGMA cell_size_check = ON"));
	OV_TRY(exec_plain(db, "PRAGMA temp_store = MEMORY"));
	OV_TRY(exec_plain(db, o->erase == OV_DB_ERASE_SECURE
				  ? "PRAGMA secure_delete = ON"
				  : "PRAGMA secure_delete = OFF"));
	OV_TRY(use_wal(db));
	OV_TRY(exec_plain(db, "PRAGMA synchronous = FULL"));
done:
	return st;
}

/* Applies one migration, or none if another process was faster. */
static enum ov_status
migrate_once(struct ov_db *db, const struct ov_db_options *o, int64_t from)
{
	char pragma[96];
	enum ov_status st = OV_OK;
	int64_t now;

	OV_TRY(ov_db_begin(db));
	OV_TRY(ov_db_number(&now, db, "PRAGMA user_version"));
	if (now == from) {
		OV_TRY(exec_plain(db, o->migrations[from]));
		snprintf(pragma, sizeof(pragma),
		    "PRAGMA user_version = %d; PRAGMA application_id = %u", (int)from + 1,
		    (unsigned int)o->application_id);
		OV_TRY(exec_plain(db, pragma));
	}
	OV_TRY(ov_db_commit(db, "db.migrate"));
done:
	ov_db_rollback(db);
	return st;
}

/* A file of another kind, or a newer one, is left as it is. */
static enum ov_status
check_kind(struct ov_db *db, const struct ov_db_options *o, int64_t *version)
{
	int64_t id, tables;
	enum ov_status st = OV_OK;

	OV_TRY(ov_db_number(version, db, "PRAGMA user_version"));
	OV_TRY(ov_db_number(&id, db, "PRAGMA application_id"));
	OV_TRY(ov_db_number(&tables, db, "SELECT count(*) FROM sqlite_schema"));
	if (*version == 0) /* only an empty file may become ours */
		OV_REQUIRE(id == 0 && tables == 0, OV_E_DB_OPEN);
	else
		OV_REQUIRE(id == (int64_t)o->application_id, OV_E_DB_OPEN);
	OV_REQUIRE(*version >= 0 && *version <= (int64_t)o->n_migrations, OV_E_DB_NEWER);
done:
	return st;
}

static enum ov_status
migrate(struct ov_db *db, const struct ov_db_options *o)
{
	enum ov_status st = OV_OK;
	int64_t version;

	for (;;) {
		OV_TRY(check_kind(db, o, &version));
		if (version == (int64_t)o->n_migrations)
			break;
		OV_TRY(migrate_once(db, o, version));
	}
done:
	return st;
}

enum ov_status
ov_db_open(struct ov_db **out, const struct ov_db_options *o)
{
	struct ov_db *db = calloc(1, sizeof(*db));
	enum ov_status st = OV_OK;
	int64_t version;

	*out = NULL;
	OV_REQUIRE(db != NULL, OV_E_NOMEM);
	OV_REQUIRE(o->application_id > 0 && o->application_id <= INT32_MAX, OV_E_BUG);
	OV_TRY(claim_file(o->path));
	OV_TRY(status_of(sqlite3_open_v2(
	    o->path, &db->raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL)));
	OV_REQUIRE(o->busy_timeout_ms <= INT32_MAX, OV_E_BUG);
	db->busy_timeout_ms = o->busy_timeout_ms;
	OV_TRY(status_of(sqlite3_busy_timeout(db->raw, (int)o->busy_timeout_ms)));
	OV_TRY(check_kind(db, o, &version)); /* before any pragma writes */
	OV_TRY(configure(db, o));
	OV_TRY(migrate(db, o));
	*out = db;
	db = NULL;
done:
	ov_db_close(db);
	return st;
}

void
ov_db_close(struct ov_db *db)
{
	struct ov_db_stmt *s, *next;

	if (db == NULL)
		return;
	ov_db_rollback(db);
	for (s = db->stmts; s != NULL; s = next) {
		next = s->next;
		(void)sqlite3_finalize(s->raw);
		free(s);
	}
	(void)sqlite3_close(db->raw);
	free(db);
}

const char *
ov_db_path(const struct ov_db *db)
{
	return sqlite3_db_filename(db->raw, "main");
}

enum ov_status
ov_db_begin(struct ov_db *db)
{
	enum ov_status st = OV_OK;

	OV_REQUIRE(!db->in_transaction, OV_E_BUG);
	OV_TRY(exec_plain(db, "BEGIN IMMEDIATE"));
	db->in_transaction = true;
done:
	return st;
}

enum ov_status
ov_db_commit_(struct ov_db *db, const char *name)
{
	enum ov_status st = OV_OK;

	OV_REQUIRE(db->in_transaction, OV_E_BUG);
	ov_crash_point(name, " before");
	OV_TRY(exec_plain(db, "COMMIT"));
	db->in_transaction = false;
	ov_crash_point(name, " after");
done:
	ov_db_rollback(db);
	return st;
}

void
ov_db_rollback(struct ov_db *db)
{
	if (!db->in_transaction)
		return;
	db->in_transaction = false;
	/* SQLite may have rolled back on its own (disk full): not a failure. */
	if (sqlite3_get_autocommit(db->raw) == 0)
		(void)exec_plain(db, "ROLLBACK");
}

bool
ov_db_in_transaction(const struct ov_db *db)
{
	return db->in_transaction;
}

struct ov_db_value
ov_db_text_value(const char *s)
{
	struct ov_db_value v = { OV_DB_KIND_NULL, 0, { NULL, 0 } };

	if (s != NULL) {
		v.kind = OV_DB_KIND_TEXT;
		v.bytes = OV_BYTES(s, strlen(s));
	}
	return v;
}

/* A free statement of this SQL, prepared now if there is none. */
static enum ov_status
take(struct ov_db_stmt **out, struct ov_db *db, const char *sql)
{
	struct ov_db_stmt *s;
	enum ov_status st = OV_OK;

	*out = NULL;
	for (s = db->stmts; s != NULL; s = s->next)
		if (s->sql == sql && !s->busy) {
			s->busy = true;
			*out = s;
			return OV_OK;
		}
	if ((s = calloc(1, sizeof(*s))) == NULL)
		return OV_E_NOMEM;
	st = status_of(sqlite3_prepare_v3(
	    db->raw, sql, -1, SQLITE_PREPARE_PERSISTENT, &s->raw, NULL));
	if (st != OV_OK || s->raw == NULL) {
		free(s);
		return st != OV_OK ? st : OV_E_BUG;
	}
	*s = (struct ov_db_stmt){ db, sql, s->raw, true, db->stmts };
	db->stmts = s;
	*out = s;
	return OV_OK;
}

typedef void (*lifetime)(void *); /* SQLITE_STATIC or SQLITE_TRANSIENT */

static int
bind_one(sqlite3_stmt *raw, int i, const struct ov_db_value *v, lifetime keep)
{
	switch (v->kind) {
	case OV_DB_KIND_I64:
		return sqlite3_bind_int64(raw, i, v->number);
	case OV_DB_KIND_BLOB: /* a NULL pointer would bind NULL */
		if (v->bytes.len == 0)
			return sqlite3_bind_zeroblob(raw, i, 0);
		return sqlite3_bind_blob64(raw, i, v->bytes.p, v->bytes.len, keep);
	case OV_DB_KIND_TEXT:
		return sqlite3_bind_text64(
		    raw, i, (const char *)v->bytes.p, v->bytes.len, keep, SQLITE_UTF8);
	case OV_DB_KIND_NULL:
		return sqlite3_bind_null(raw, i);
	case OV_DB_KIND_END:
		break;
	}
	return SQLITE_MISUSE;
}

static enum ov_status
bind_all(struct ov_db_stmt *s, const struct ov_db_value *v, lifetime keep)
{
	int n = 0;
	enum ov_status st = OV_OK;

	for (; v[n].kind != OV_DB_KIND_END; n++)
		OV_TRY(status_of(bind_one(s->raw, n + 1, &v[n], keep)));
	OV_REQUIRE(n == sqlite3_bind_parameter_count(s->raw), OV_E_BUG);
	/* Every durable write is part of a named commit. */
	OV_REQUIRE(s->db->in_transaction || sqlite3_stmt_readonly(s->raw), OV_E_BUG);
done:
	return st;
}

enum ov_status
ov_db_query_(struct ov_db_stmt **out, struct ov_db *db, const char *sql,
    const struct ov_db_value *values)
{
	enum ov_status st = OV_OK;

	OV_TRY(take(out, db, sql));
	OV_TRY(bind_all(*out, values, SQLITE_TRANSIENT));
done:
	if (st != OV_OK) {
		ov_db_finish(*out);
		*out = NULL;
	}
	return st;
}

enum ov_status
ov_db_run_(struct ov_db *db, const char *sql, const struct ov_db_value *values)
{
	struct ov_db_stmt *s;
	enum ov_status st = OV_OK;
	bool row = true;

	OV_TRY(take(&s, db, sql));
	OV_TRY(bind_all(s, values, SQLITE_STATIC)); /* unbound before we return */
	while (row)
		OV_TRY(ov_db_step(s, &row));
done:
	ov_db_finish(s);
	return st;
}

enum ov_status
ov_db_number_(
    int64_t *out, struct ov_db *db, const char *sql, const struct ov_db_value *values)
{
	struct ov_db_stmt *s;
	enum ov_status st = OV_OK;
	bool row;

	*out = 0;
	OV_TRY(ov_db_query_(&s, db, sql, values));
	OV_TRY(ov_db_step(s, &row));
	OV_REQUIRE(row, OV_E_NOT_FOUND);
	*out = ov_db_i64(s, 0);
done:
	ov_db_finish(s);
	return st;
}

enum ov_status
ov_db_step(struct ov_db_stmt *s, bool *row)
{
	int rc;

	*row = false;
	if (!s->busy)
		return OV_E_BUG; /* finished: a step would run it again */
	rc = sqlite3_step(s->raw);
	*row = rc == SQLITE_ROW;
	if (!*row)
		ov_db_finish(s);
	return status_of(rc);
}

void
ov_db_finish(struct ov_db_stmt *s)
{
	if (s == NULL || !s->busy)
		return;
	(void)sqlite3_reset(s->raw); /* repeats the failure of the last step */
	(void)sqlite3_clear_bindings(s->raw);
	s->busy = false;
}

int64_t
ov_db_i64(struct ov_db_stmt *s, int column)
{
	return sqlite3_column_int64(s->raw, column);
}

struct ov_bytes
ov_db_blob(struct ov_db_stmt *s, int column)
{
	const void *p = sqlite3_column_blob(s->raw, column);
	int len = sqlite3_column_bytes(s->raw, column);

	return OV_BYTES(p, p != NULL && len > 0 ? (size_t)len : 0);
}

const char *
ov_db_text(struct ov_db_stmt *s, int column)
{
	return (const char *)sqlite3_column_text(s->raw, column);
}

bool
ov_db_is_null(struct ov_db_stmt *s, int column)
{
	return sqlite3_column_type(s->raw, column) == SQLITE_NULL;
}

enum ov_status
ov_db_copy(void *out, size_t len, struct ov_db_stmt *s, int column)
{
	struct ov_bytes b = ov_db_blob(s, column);

	if (b.len != len)
		return OV_E_DB_FAILED;
	if (len > 0)
		memcpy(out, b.p, len);
	return OV_OK;
}

int64_t
ov_db_changed(const struct ov_db *db)
{
	return sqlite3_changes64(db->raw);
}

int64_t
ov_db_last_id(const struct ov_db *db)
{
	return sqlite3_last_insert_rowid(db->raw);
}

enum ov_status
ov_db_checkpoint(struct ov_db *db)
{
	return ov_db_checkpoint_within(db, db->busy_timeout_ms);
}

enum ov_status
ov_db_checkpoint_within(struct ov_db *db, uint32_t wait_ms)
{
	enum ov_status st = OV_OK;

	OV_REQUIRE(!db->in_transaction && wait_ms <= INT32_MAX, OV_E_BUG);
	OV_TRY(status_of(sqlite3_busy_timeout(db->raw, (int)wait_ms)));
	st = status_of(sqlite3_wal_checkpoint_v2(
	    db->raw, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL));
	(void)sqlite3_busy_timeout(db->raw, (int)db->busy_timeout_ms);
done:
	return st;
}

static enum ov_status
flush(int fd)
{
	return fsync(fd) == 0 ? OV_OK : OV_E_DB_FAILED;
}

enum ov_status
ov_db_backup(struct ov_db *db, const char *path)
{
	sqlite3_stmt *raw = NULL;
	enum ov_status st = OV_OK;
	int fd = -1;

	OV_REQUIRE(!db->in_transaction, OV_E_BUG);
	/* Ours, empty and private; VACUUM INTO takes an empty file. */
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	OV_REQUIRE(fd >= 0, OV_E_DB_OPEN);
	OV_TRY(status_of(sqlite3_prepare_v2(db->raw, "VACUUM INTO ?", -1, &raw, NULL)));
	OV_TRY(status_of(sqlite3_bind_text(raw, 1, path, -1, SQLITE_STATIC)));
	OV_TRY(status_of(sqlite3_step(raw)));
	OV_TRY(flush(fd)); /* VACUUM INTO does not sync */
done:
	(void)sqlite3_finalize(raw);
	if (fd >= 0)
		close(fd);
	if (fd >= 0 && st != OV_OK)
		unlink(path);
	return st;
}

enum ov_status
ov_db_verify(struct ov_db *db)
{
	struct ov_db_stmt *s;
	enum ov_status st = OV_OK;
	const char *text;
	bool row;

	OV_TRY(ov_db_query(&s, db, "PRAGMA integrity_check(1)"));
	OV_TRY(ov_db_step(s, &row));
	text = row ? ov_db_text(s, 0) : NULL;
	OV_REQUIRE(text != NULL && strcmp(text, "ok") == 0, OV_E_DB_FAILED);
done:
	ov_db_finish(s);
	return st;
}
