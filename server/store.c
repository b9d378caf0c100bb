#include "server/store.h"

#include <stdlib.h>
#include <string.h>

#include "server/store_db.h"

#define APPLICATION_ID 0x4f764264 /* "OvBd" */
#define BUSY_TIMEOUT_MS 10000	  /* another process: the operator's command line */
#define SWEEP_WAIT_MS 50 /* for readers: a backup reads for long, and calls wait */

/* Released entries never change; append. */
static const char *const migrations[] = {
	"CREATE TABLE setting(name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;"

	"CREATE TABLE company(id BLOB PRIMARY KEY, name TEXT, identity BLOB NOT NULL "
	"UNIQUE,"
	" envelope BLOB NOT NULL, fingerprint BLOB NOT NULL UNIQUE, status INTEGER NOT "
	"NULL,"
	" enrolled INTEGER NOT NULL, changed INTEGER NOT NULL) STRICT;"
	"CREATE UNIQUE INDEX company_name ON company(name) WHERE name IS NOT NULL;"

	"CREATE TABLE token(hash BLOB PRIMARY KEY, name TEXT NOT NULL, created INTEGER "
	"NOT NULL,"
	" expiry INTEGER NOT NULL, request BLOB, reply BLOB) STRICT;"

	"CREATE TABLE leaf(idx INTEGER PRIMARY KEY, type INTEGER NOT NULL, salt BLOB NOT "
	"NULL,"
	" body BLOB NOT NULL) STRICT;"
	"CREATE TABLE node(level INTEGER, idx INTEGER, hash BLOB NOT NULL,"
	" PRIMARY KEY(level, idx)) STRICT, WITHOUT ROWID;"

	/* body NULL: dropped by the receiver, kept to know a re-sent one */
	"CREATE TABLE mail(seq INTEGER PRIMARY KEY AUTOINCREMENT, sender BLOB NOT NULL,"
	" receiver BLOB NOT NULL, mail BLOB NOT NULL, kind INTEGER NOT NULL,"
	" sent INTEGER NOT NULL, digest BLOB NOT NULL, bytes INTEGER NOT NULL, body BLOB,"
	" UNIQUE(sender, mail)) STRICT;"
	"CREATE INDEX mail_box ON mail(receiver, seq) WHERE body IS NOT NULL;"
	"CREATE INDEX mail_age ON mail(sent);"

	"CREATE TABLE terms(low BLOB, high BLOB, sequence INTEGER, body BLOB NOT NULL,"
	" release BLOB NOT NULL, sealed_low BLOB NOT NULL, sealed_high BLOB NOT NULL,"
	" signature_low BLOB, signature_high BLOB, ended INTEGER NOT NULL,"
	" leaf INTEGER NOT NULL, PRIMARY KEY(low, high, sequence)) STRICT;"

	"CREATE TABLE job(seq INTEGER PRIMARY KEY AUTOINCREMENT, id BLOB NOT NULL UNIQUE,"
	" a BLOB NOT NULL, b BLOB NOT NULL, state INTEGER NOT NULL, open INTEGER NOT "
	"NULL,"
	" created INTEGER NOT NULL, deadline INTEGER NOT NULL, steps INTEGER NOT NULL,"
	" slots_a INTEGER NOT NULL, slots_b INTEGER NOT NULL, terms INTEGER NOT NULL,"
	" reason TEXT NOT NULL) STRICT;"
	"CREATE INDEX job_a ON job(a, seq);"
	"CREATE INDEX job_b ON job(b, seq);"
	"CREATE INDEX job_due ON job(deadline) WHERE open = 1;"
	"CREATE INDEX job_open ON job(seq) WHERE open = 1;"
	"CREATE INDEX job_open_a ON job(a) WHERE open = 1;"
	"CREATE INDEX job_open_b ON job(b) WHERE open = 1;"

	"CREATE TABLE step(job BLOB, step INTEGER, body BLOB NOT NULL,"
	" signature BLOB NOT NULL, leaf INTEGER NOT NULL, PRIMARY KEY(job, step)) STRICT;"
	"CREATE TABLE conflict(job BLOB, step INTEGER, body BLOB NOT NULL,"
	" signature BLOB NOT NULL, PRIMARY KEY(job, step)) STRICT;"

	"CREATE TABLE stream(job BLOB, stream INTEGER, owner BLOB, next INTEGER NOT NULL,"
	" last INTEGER NOT NULL, bytes INTEGER NOT NULL, PRIMARY KEY(job, stream)) "
	"STRICT;"
	"CREATE INDEX stream_owner ON stream(owner);"
	"CREATE TABLE chunk(job BLOB, stream INTEGER, idx INTEGER, body BLOB NOT NULL,"
	" PRIMARY KEY(job, stream, idx)) STRICT;"

	"CREATE TABLE charge(job BLOB PRIMARY KEY, low BLOB NOT NULL, high BLOB NOT NULL,"
	" at INTEGER NOT NULL, slots_low INTEGER NOT NULL, slots_high INTEGER NOT NULL,"
	" epsilon_low INTEGER NOT NULL, epsilon_high INTEGER NOT NULL) STRICT;"
	"CREATE INDEX charge_pair ON charge(low, high, at);",

	/* of a stream that has its last chunk, once it was measured */
	"ALTER TABLE stream ADD COLUMN digest BLOB;",

	/* What each company has stored, kept by triggers: asked with every write, so
	 * never summed up.  256: a row's own cost, also of a mail that is dropped. */
	"CREATE TABLE usage(owner BLOB PRIMARY KEY, bytes INTEGER NOT NULL) STRICT,"
	" WITHOUT ROWID;"
	"CREATE VIEW usage_now(owner, bytes) AS"
	" SELECT owner, bytes FROM stream WHERE owner IS NOT NULL"
	" UNION ALL SELECT sender, bytes + 256 FROM mail"
	" UNION ALL SELECT low, length(sealed_low) + length(body) + length(release) + 256"
	" FROM terms WHERE signature_low IS NOT NULL"
	" UNION ALL SELECT high, length(sealed_high) + length(body) + length(release) + "
	"256"
	" FROM terms WHERE signature_high IS NOT NULL;"
	"INSERT INTO usage SELECT owner, sum(bytes) FROM usage_now GROUP BY owner;"
	"CREATE TRIGGER stream_in AFTER INSERT ON stream WHEN new.owner IS NOT NULL BEGIN"
	" INSERT INTO usage VALUES (new.owner, new.bytes) ON CONFLICT(owner)"
	" DO UPDATE SET bytes = bytes + excluded.bytes; END;"
	"CREATE TRIGGER stream_set AFTER UPDATE OF bytes ON stream BEGIN"
	" UPDATE usage SET bytes = bytes + new.bytes - old.bytes"
	" WHERE owner = new.owner; END;"
	"CREATE TRIGGER stream_out AFTER DELETE ON stream BEGIN"
	" UPDATE usage SET bytes = bytes - old.bytes WHERE owner = old.owner; END;"
	"CREATE TRIGGER mail_in AFTER INSERT ON mail BEGIN"
	" INSERT INTO usage VALUES (new.sender, new.bytes + 256) ON CONFLICT(owner)"
	" DO UPDATE SET bytes = bytes + excluded.bytes; END;"
	"CREATE TRIGGER mail_set AFTER UPDATE OF bytes ON mail BEGIN"
	" UPDATE usage SET bytes = bytes + new.bytes - old.bytes"
	" WHERE owner = new.sender; END;"
	"CREATE TRIGGER mail_out AFTER DELETE ON mail BEGIN"
	" UPDATE usage SET bytes = bytes - old.bytes - 256"
	" WHERE owner = old.sender; END;"
	"CREATE TRIGGER terms_low_in AFTER INSERT ON terms"
	" WHEN new.signature_low IS NOT NULL BEGIN"
	" INSERT INTO usage VALUES (new.low, length(new.sealed_low) + "
	"length(new.body)"
	" + length(new.release) + 256) ON CONFLICT(owner)"
	" DO UPDATE SET bytes = bytes + excluded.bytes; END;"
	"CREATE TRIGGER terms_high_in AFTER INSERT ON terms"
	" WHEN new.signature_high IS NOT NULL BEGIN"
	" INSERT INTO usage VALUES (new.high, length(new.sealed_high) + "
	"length(new.body)"
	" + length(new.release) + 256) ON CONFLICT(owner)"
	" DO UPDATE SET bytes = bytes + excluded.bytes; END;"
	"CREATE TRIGGER terms_low_set AFTER UPDATE OF signature_low ON terms"
	" WHEN old.signature_low IS NULL AND new.signature_low IS NOT NULL BEGIN"
	" INSERT INTO usage VALUES (new.low, length(new.sealed_low) + "
	"length(new.body)"
	" + length(new.release) + 256) ON CONFLICT(owner)"
	" DO UPDATE SET bytes = bytes + excluded.bytes; END;"
	"CREATE TRIGGER terms_high_set AFTER UPDATE OF signature_high ON terms"
	" WHEN old.signature_high IS NULL AND new.signature_high IS NOT NULL BEGIN"
	" INSERT INTO usage VALUES (new.high, length(new.sealed_high) + "
	"length(new.body)"
	" + length(new.release) + 256) ON CONFLICT(owner)"
	" DO UPDATE SET bytes = bytes + excluded.bytes; END;",

	/* jobs whose streams are gone, but for chunks that are still to be erased */
	"CREATE TABLE doomed(job BLOB PRIMARY KEY) STRICT, WITHOUT ROWID;",

	/* an envelope that goes when the terms end; one that comes has the triggers above
	 */
	"CREATE TRIGGER terms_low_less AFTER UPDATE OF sealed_low ON terms"
	" WHEN old.signature_low IS NOT NULL BEGIN"
	" UPDATE usage SET bytes = bytes + length(new.sealed_low) - "
	"length(old.sealed_low)"
	" WHERE owner = new.low; END;"
	"CREATE TRIGGER terms_high_less AFTER UPDATE OF sealed_high ON terms"
	" WHEN old.signature_high IS NOT NULL BEGIN"
	" UPDATE usage SET bytes = bytes + length(new.sealed_high) -"
	" length(old.sealed_high) WHERE owner = new.high; END;",

	/* where a mail that is a leaf of the log, too, stands there */
	"ALTER TABLE mail ADD COLUMN leaf INTEGER;",
};

static enum ov_status
connect_to(struct ov_db **out, const char *path)
{
	struct ov_db_options o = { .path = path,
		.migrations = migrations,
		.n_migrations = sizeof(migrations) / sizeof(migrations[0]),
		.application_id = APPLICATION_ID,
		.busy_timeout_ms = BUSY_TIMEOUT_MS,
		.erase = OV_DB_ERASE_SECURE,
		.large_values = true }; /* chunks */

	return ov_db_open(out, &o);
}

enum ov_status
ov_store_open(struct ov_store **out, const char *path)
{
	struct ov_store *store = calloc(1, sizeof(*store));
	enum ov_status st = OV_OK;

	*out = NULL;
	if (store == NULL)
		return OV_E_NOMEM;
	pthread_mutex_init(&store->mx, NULL);
	pthread_cond_init(&store->turn, NULL);
	pthread_mutex_init(&store->looking, NULL);
	store->tx.store = store;
	store->path = strdup(path);
	OV_REQUIRE(store->path != NULL, OV_E_NOMEM);
	OV_TRY(connect_to(&store->tx.db, path));
	OV_TRY(connect_to(&store->lookup, path));
	*out = store;
	store = NULL;
done:
	ov_store_close(store);
	return st;
}

void
ov_store_close(struct ov_store *store)
{
	if (store == NULL)
		return;
	ov_db_close(store->lookup);
	ov_db_close(store->tx.db);
	pthread_cond_destroy(&store->turn);
	pthread_mutex_destroy(&store->mx);
	pthread_mutex_destroy(&store->looking);
	free(store->path);
	free(store);
}

/* In the order of asking, which a mutex does not promise: who makes one transaction after
 * the other (a stream read for its digest, a join) must not keep the others out. */
static void
take_turn(struct ov_store *store)
{
	uint64_t ticket;

	pthread_mutex_lock(&store->mx);
	ticket = store->next++;
	while (store->now != ticket)
		pthread_cond_wait(&store->turn, &store->mx);
	pthread_mutex_unlock(&store->mx);
}

static void
end_turn(struct ov_store *store)
{
	pthread_mutex_lock(&store->mx);
	store->now++;
	pthread_cond_broadcast(&store->turn);
	pthread_mutex_unlock(&store->mx);
}

enum ov_status
ov_store_backup(struct ov_store *store, const char *path)
{
	struct ov_db *db = NULL; /* of its own: calls and handshakes go on meanwhile */
	enum ov_status st = OV_OK;

	OV_TRY(connect_to(&db, store->path));
	OV_TRY(ov_db_backup(db, path));
done:
	ov_db_close(db);
	return st;
}

enum ov_status
ov_store_sweep(struct ov_store *store)
{
	enum ov_status st;

	take_turn(store);
	st = ov_db_checkpoint_within(store->tx.db, SWEEP_WAIT_MS);
	end_turn(store);
	return st == OV_E_DB_BUSY ? OV_OK : st; /* the next time will do */
}

enum ov_status
ov_tx_begin(struct ov_tx **tx, struct ov_store *store)
{
	enum ov_status st;

	take_turn(store);
	st = ov_db_begin(store->tx.db);
	if (st == OV_OK)
		*tx = &store->tx;
	else
		end_turn(store);
	return st;
}

enum ov_status
ov_tx_commit_(struct ov_tx **tx, const char *name)
{
	struct ov_store *store = (*tx)->store;
	enum ov_status st = ov_db_commit_((*tx)->db, name);

	*tx = NULL;
	end_turn(store);
	return st;
}

void
ov_tx_end(struct ov_tx **tx)
{
	struct ov_store *store;

	if (*tx == NULL)
		return;
	store = (*tx)->store;
	ov_db_rollback((*tx)->db);
	*tx = NULL;
	end_turn(store);
}

enum ov_status
ov_store_append(struct ov_buf *out, struct ov_db_stmt *s, int column)
{
	struct ov_bytes b = ov_db_blob(s, column);

	return ov_buf_append(out, b.p, b.len);
}

enum ov_status
ov_store_text(char *out, size_t cap, struct ov_db_stmt *s, int column)
{
	const char *text = ov_db_text(s, column);
	size_t len = text != NULL ? strlen(text) : 0;

	if (len >= cap)
		return OV_E_DB_FAILED;
	memcpy(out, text != NULL ? text : "", len + 1);
	return OV_OK;
}

enum ov_status
ov_store_row(struct ov_db_stmt *s)
{
	bool row;
	enum ov_status st = ov_db_step(s, &row);

	return st == OV_OK && !row ? OV_E_NOT_FOUND : st;
}

bool
ov_store_same(struct ov_db_stmt *s, int column, struct ov_bytes b)
{
	struct ov_bytes have = ov_db_blob(s, column);

	return have.len == b.len && (b.len == 0 || memcmp(have.p, b.p, b.len) == 0);
}

/* --- settings --- */

enum ov_status
ov_store_log_id(struct ov_tx *tx, uint8_t id[OV_ID])
{
	struct ov_db_stmt *s = NULL;
	enum ov_status st = OV_OK;

	OV_TRY(ov_db_query(&s, tx->db, "SELECT value FROM setting WHERE name = 'log'"));
	OV_TRY(ov_store_row(s));
	OV_TRY(ov_db_copy(id, OV_ID, s, 0));
done:
	ov_db_finish(s);
	return st;
}

enum ov_status
ov_store_set_log_id(struct ov_tx *tx, const uint8_t id[OV_ID])
{
	return ov_db_run(tx->db,
	    "INSERT INTO setting(name, value) VALUES ('log', ?)"
	    " ON CONFLICT(name) DO UPDATE SET value = excluded.value",
	    ID(id));
}

/* --- companies --- */

#define COMPANY_COLUMNS                                                                  \
	"id, coalesce(name, ''), identity, envelope, fingerprint, status, enrolled, "    \
	"changed"

static enum ov_status
read_company(struct ov_company *out, struct ov_db_stmt *s)
{
	struct ov_company c = { 0 };
	enum ov_status st = OV_OK;

	OV_TRY(ov_db_copy(c.id, OV_ID, s, 0));
	OV_TRY(ov_store_text(c.name, sizeof(c.name), s, 1));
	OV_TRY(ov_db_copy(c.identity, 32, s, 2));
	OV_TRY(ov_db_copy(c.envelope, 32, s, 3));
	OV_TRY(ov_db_copy(c.fingerprint, 32, s, 4));
	c.status = (enum ov_company_status)ov_db_i64(s, 5);
	c.enrolled = ov_db_i64(s, 6);
	c.changed = ov_db_i64(s, 7);
	*out = c;
done:
	return st;
}

/* Takes the statement, whatever happens. */
static enum ov_status
one_company(struct ov_company *out, struct ov_db_stmt *s)
{
	enum ov_status st = ov_store_row(s);

	if (st == OV_OK)
		st = read_company(out, s);
	ov_db_finish(s);
	return st;
}

enum ov_status
ov_store_company_add(struct ov_tx *tx, const struct ov_company *c)
{
	enum ov_status st = ov_db_run(tx->db,
	    "INSERT INTO company(id, name, identity, envelope, fingerprint, status, "
	    "enrolled,"
	    " changed) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
	    ID(c->id), OV_DB_TEXT(c->name), OV_DB_BLOB(c->identity, 32),
	    OV_DB_BLOB(c->envelope, 32), OV_DB_BLOB(c->fingerprint, 32),
	    OV_DB_I64(c->status), OV_DB_I64(c->enrolled), OV_DB_I64(c->changed));

	return st == OV_E_DB_CONFLICT ? OV_E_BROKER_EXISTS : st;
}

enum ov_status
ov_store_company_update(struct ov_tx *tx, const struct ov_company *c)
{
	enum ov_status st = OV_OK;

	OV_TRY(ov_db_run(tx->db,
	    "UPDATE company SET envelope = ?2, fingerprint = ?3, status = ?4, changed = "
	    "?5,"
	    " name = CASE WHEN ?4 = 3 THEN NULL ELSE name END WHERE id = ?1",
	    ID(c->id), OV_DB_BLOB(c->envelope, 32), OV_DB_BLOB(c->fingerprint, 32),
	    OV_DB_I64(c->status), OV_DB_I64(c->changed)));
	OV_REQUIRE(ov_db_changed(tx->db) == 1, OV_E_NOT_FOUND);
done:
	return st;
}

enum ov_status
ov_store_company(struct ov_tx *tx, struct ov_company *out, const uint8_t id[OV_ID])
{
	struct ov_db_stmt *s = NULL;
	enum ov_status st = ov_db_query(
	    &s, tx->db, "SELECT " COMPANY_COLUMNS " FROM company WHERE id = ?", ID(id));

	return st == OV_OK ? one_company(out, s) : st;
}

enum ov_status
ov_store_company_named(struct ov_tx *tx, struct ov_company *out, const char *name)
{
	struct ov_db_stmt *s = NULL;
	enum ov_status st = ov_db_query(&s, tx->db,
	    "SELECT " COMPANY_COLUMNS " FROM company WHERE name = ?", OV_DB_TEXT(name));

	return st == OV_OK ? one_company(out, s) : st;
}

enum ov_status
ov_store_company_of_certificate(
    struct ov_store *store, struct ov_company *out, const uint8_t fingerprint[32])
{
	struct ov_db_stmt *s = NULL;
	enum ov_status st;

	pthread_mutex_lock(&store->looking);
	st = ov_db_query(&s, store->lookup,
	    "SELECT " COMPANY_COLUMNS " FROM company WHERE fingerprint = ?",
	    OV_DB_BLOB(fingerprint, 32));
	if (st == OV_OK)
		st = one_company(out, s);
	pthread_mutex_unlock(&store->looking);
	return st;
}

enum ov_status
ov_store_companies(struct ov_tx *tx,
    enum ov_status (*visit)(void *arg, const struct ov_company *c), void *arg)
{
	struct ov_db_stmt *s = NULL;
	struct ov_company c;
	enum ov_status st = OV_OK;
	bool row;

	OV_TRY(ov_db_query(&s, tx->db,
	    "SELECT " COMPANY_COLUMNS " FROM company ORDER BY name, enrolled"));
	for (;;) {
		OV_TRY(ov_db_step(s, &row));
		if (!row)
			break;
		OV_TRY(read_company(&c, s));
		OV_TRY(visit(arg, &c));
	}
done:
	ov_db_finish(s);
	return st;
}

/* --- tokens --- */

enum ov_status
ov_store_token_add(struct ov_tx *tx, const struct ov_token *t)
{
	return ov_db_run(tx->db,
	    "INSERT INTO token(hash, name, created, expiry) VALUES (?, ?, ?, ?)",
	    OV_DB_BLOB(t->hash, 32), OV_DB_TEXT(t->name), OV_DB_I64(t->created),
	    OV_DB_I64(t->expiry));
}

enum ov_status
ov_store_token(struct ov_tx *tx, struct ov_token *out, const uint8_t hash[32])
{
	struct ov_db_stmt *s = NULL;
	struct ov_token t = { 0 };
	enum ov_status st = OV_OK;

	OV_TRY(ov_db_query(&s, tx->db,
	    "SELECT hash, name, created, expiry, request FROM token WHERE hash = ?",
	    OV_DB_BLOB(hash, 32)));
	OV_TRY(ov_store_row(s));
	OV_TRY(ov_db_copy(t.hash, 32, s, 0));
	OV_TRY(ov_store_text(t.name, sizeof(t.name), s, 1));
	t.created = ov_db_i64(s, 2);
	t.expiry = ov_db_i64(s, 3);
	t.used = !ov_db_is_null(s, 4);
	if (t.used)
		OV_TRY(ov_db_copy(t.request, OV_DIGEST, s, 4));
	*out = t;
done:
	ov_db_finish(s);
	return st;
}

enum ov_status
ov_store_token_use(struct ov_tx *tx, const uint8_t hash[32],
    const uint8_t request[OV_DIGEST], struct ov_bytes reply)
{
	enum ov_status st = OV_OK;

	OV_TRY(ov_db_run(tx->db,
	    "UPDATE token SET request = ?2, reply = ?3 WHERE hash = ?1 AND request IS "
	    "NULL",
	    OV_DB_BLOB(hash, 32), OV_DB_BLOB(request, OV_DIGEST), OV_DB_BYTES(reply)));
	OV_REQUIRE(ov_db_changed(tx->db) == 1, OV_E_BROKER_TOKEN);
done:
	return st;
}

enum ov_status
ov_store_token_reply(struct ov_tx *tx, struct ov_buf *reply, const uint8_t hash[32])
{
	struct ov_db_stmt *s = NULL;
	enum ov_status st = OV_OK;

	OV_TRY(ov_db_query(&s, tx->db,
	    "SELECT reply FROM token WHERE hash = ? AND reply IS NOT NULL",
	    OV_DB_BLOB(hash, 32)));
	OV_TRY(ov_store_row(s));
	OV_TRY(ov_store_append(reply, s, 0));
done:
	ov_db_finish(s);
	return st;
}

enum ov_status
ov_store_tokens_waiting(struct ov_tx *tx, uint64_t *n)
{
	int64_t count;
	enum ov_status st = ov_db_number(
	    &count, tx->db, "SELECT count(*) FROM token WHERE request IS NULL");

	*n = (uint64_t)count;
	return st;
}

enum ov_status
ov_store_tokens_expire(struct ov_tx *tx, int64_t before)
{
	return ov_db_run(tx->db, "DELETE FROM token WHERE expiry < ?", OV_DB_I64(before));
}

enum ov_status
ov_store_tokens_withdraw(struct ov_tx *tx, const char *name)
{
	return ov_db_run(tx->db, "DELETE FROM token WHERE name = ? AND request IS NULL",
	    OV_DB_TEXT(name));
}
