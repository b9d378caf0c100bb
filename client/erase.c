#include "client/erase.h"

#include <stdlib.h>
#include <string.h>

#include "client/book/book.h"
#include "client/book/find.h"
#include "client/job/freeze.h"
#include "client/job/record.h"
#include "common/crypto/memory.h"
#include "common/log.h"

#define PURPOSE "erased accounts"
#define NO_RECORD (-1)

/* ?1 record or -1, ?2 an id or ''.  The account's ids, and the names of its rows without
 * one. */
#define ACCOUNT                                                                          \
	"WITH id(v) AS (SELECT r.ext_id FROM book_member m JOIN book_row r"              \
	" ON r.row = m.row WHERE m.record = ?1 AND r.ext_id <> '' UNION"                 \
	" SELECT ?2 WHERE ?2 <> ''), name(v) AS (SELECT r.name FROM book_member m"       \
	" JOIN book_row r ON r.row = m.row WHERE m.record = ?1 AND r.ext_id = ''"        \
	" AND r.name <> '') "
/* Of job_account a: an account of a report is known by all ids of its rows. */
#define IS_KEPT                                                                          \
	"(EXISTS (SELECT 1 FROM id WHERE instr(';' || a.ids || ';', ';' || v || ';'))"   \
	" OR (a.ids = '' AND a.name IN (SELECT v FROM name))) "

struct target {
	struct ov_home *home;
	int64_t record;
	char *id; /* as the book has ids */
	uint8_t key[OV_ERASED_KEY_LEN];
};
#define OF_TARGET(t) OV_DB_I64((t)->record), OV_DB_TEXT((t)->id)

/* --- the key of the digests --- */

/* OV_E_NOT_FOUND if there is none yet. */
static enum ov_status
load_key(uint8_t key[OV_ERASED_KEY_LEN], struct ov_home *home)
{
	struct ov_db_stmt *q = NULL;
	bool row;
	enum ov_status st;

	OV_TRY(ov_db_query(&q, home->db, "SELECT key_sealed FROM book_erased_key"));
	OV_TRY(ov_db_step(q, &row));
	OV_REQUIRE(row, OV_E_NOT_FOUND);
	OV_TRY(
	    ov_home_open_sealed(key, OV_ERASED_KEY_LEN, home, PURPOSE, ov_db_blob(q, 0)));
done:
	ov_db_finish(q);
	return st;
}

/* In the caller's transaction. */
static enum ov_status
load_or_draw_key(uint8_t key[OV_ERASED_KEY_LEN], struct ov_home *home)
{
	struct ov_buf sealed = { 0 };
	enum ov_status st = load_key(key, home);

	OV_REQUIRE(st == OV_E_NOT_FOUND, st);
	ov_random(key, OV_ERASED_KEY_LEN);
	OV_TRY(ov_home_seal(&sealed, home, PURPOSE, OV_BYTES(key, OV_ERASED_KEY_LEN)));
	OV_TRY(ov_db_run(home->db,
	    "INSERT INTO book_erased_key(id, key_sealed) VALUES(1, ?)",
	    OV_DB_BYTES(OV_BUF_BYTES(&sealed))));
done:
	ov_buf_free(&sealed);
	return st;
}

enum ov_status
ov_erase_memory(struct ov_erased **out, struct ov_home *home)
{
	uint8_t key[OV_ERASED_KEY_LEN] = { 0 };
	bool any;
	enum ov_status st;

	*out = NULL;
	OV_TRY(ov_erased_any(&any, home->db));
	if (!any)
		goto done;
	OV_TRY(load_key(key, home));
	OV_TRY(ov_erased_load(out, home->db, key));
done:
	ov_wipe(key, sizeof(key));
	return st;
}

enum ov_status
ov_erase_absent(struct ov_home *home, const char *text)
{
	uint8_t key[OV_ERASED_KEY_LEN] = { 0 };
	enum ov_status st = OV_OK;

	OV_REQUIRE(text[0] != '\0', OV_E_NOT_FOUND);
	OV_TRY(ov_home_unlock(home));
	OV_TRY(ov_db_begin(home->db));
	OV_TRY(load_or_draw_key(key, home));
	OV_TRY(ov_erased_remember_text(home->db, key, text, ov_home_now(home)));
	OV_TRY(ov_db_commit(home->db, "book.keep_out"));
done:
	ov_db_rollback(home->db);
	ov_wipe(key, sizeof(key));
	return st;
}

enum ov_status
ov_erase_undo(struct ov_home *home, const char *text)
{
	uint8_t key[OV_ERASED_KEY_LEN] = { 0 };
	enum ov_status st;

	OV_TRY(load_key(key, home));
	OV_TRY(ov_db_begin(home->db));
	OV_TRY(ov_erased_forget(home->db, key, text));
	OV_TRY(ov_db_commit(home->db, "book.unerase"));
done:
	ov_db_rollback(home->db);
	ov_wipe(key, sizeof(key));
	return st;
}

/* --- which account --- */

/* A row with exactly this id means itself, whatever else has such a name. */
static enum ov_status
find_by_id(struct target *t)
{
	enum ov_status st = ov_db_number(&t->record, t->home->db,
	    "SELECT m.record FROM book_row r JOIN book_member m ON m.row = r.row"
	    " WHERE r.ext_id = ? AND r.ext_id <> '' ORDER BY m.record LIMIT 1",
	    OV_DB_TEXT(t->id));

	if (st == OV_E_NOT_FOUND)
		t->record = NO_RECORD;
	return st;
}

static enum ov_status
find_by_name(struct target *t, const char *text)
{
	struct ov_db_stmt *s = NULL;
	bool row;
	enum ov_status st;

	OV_TRY(ov_find_records(&s, t->home->db, text));
	OV_TRY(ov_db_step(s, &row));
	OV_REQUIRE(row, OV_E_NOT_FOUND);
	t->record = ov_db_i64(s, 0);
	OV_TRY(ov_db_step(s, &row));
	OV_REQUIRE(!row, OV_E_DB_CONFLICT);
	t->id[0] = '\0'; /* it was a name */
done:
	ov_db_finish(s);
	return st;
}

/* What is in no book may still be an id elsewhere. */
static enum ov_status
find_target(struct target *t, const char *text)
{
	enum ov_status st;

	t->record = NO_RECORD;
	OV_REQUIRE(text[0] != '\0', OV_E_NOT_FOUND);
	OV_REQUIRE((t->id = ov_find_id(text)) != NULL, OV_E_NOMEM);
	st = find_by_id(t);
	if (st == OV_E_NOT_FOUND)
		st = find_by_name(t, text);
	if (st == OV_E_NOT_FOUND)
		st = OV_OK;
done:
	return st;
}

/* --- open jobs --- */

static enum ov_status
check_list(struct ov_erase_counts *out, struct ov_home *home, const uint8_t id[OV_ID],
    uint64_t account)
{
	struct ov_list list = { 0 };
	struct ov_job job;
	enum ov_status st;

	OV_TRY(ov_job_get(&job, home, id));
	OV_TRY(ov_job_load_list(&list, home, &job));
	for (size_t i = 0; i < list.n_records; i++) {
		if (list.records[i].account != account)
			continue;
		memcpy(out->job, job.id, OV_ID);
		memcpy(out->partner, job.partner, OV_ID);
		out->expiry = job.expiry;
		OV_REQUIRE(false, OV_E_ERASE_JOB);
	}
done:
	ov_list_fini(&list);
	return st;
}

/* Accounts of open jobs were kept (ov_freeze_keep_accounts), whatever book they are of.
 */
static enum ov_status
check_jobs(struct ov_erase_counts *out, const struct target *t)
{
	struct ov_db_stmt *s = NULL;
	uint8_t id[OV_ID];
	bool row;
	enum ov_status st;

	OV_TRY(ov_db_query(&s, t->home->db,
	    ACCOUNT "SELECT j.id, a.record FROM job j JOIN job_account a"
		    " ON a.generation = j.generation WHERE j.state < ?3 AND " IS_KEPT,
	    OF_TARGET(t), OV_DB_I64(OV_JOB_CLOSED)));
	for (;;) {
		OV_TRY(ov_db_step(s, &row));
		if (!row)
			break;
		OV_TRY(ov_db_copy(id, OV_ID, s, 0));
		OV_TRY(check_list(out, t->home, id, (uint64_t)ov_db_i64(s, 1)));
	}
done:
	ov_db_finish(s);
	return st;
}

/* --- deleting --- */

/* Rows to be deleted: a walk only reads. */
struct rows {
	int64_t *row;
	size_t n, cap;
};

static enum ov_status
add_row(struct rows *r, int64_t row)
{
	size_t cap = r->n < r->cap ? r->cap : 2 * r->cap + 16;
	int64_t *more = reallocarray(r->row, cap, sizeof(*more));

	if (more == NULL)
		return OV_E_NOMEM;
	r->row = more;
	r->cap = cap;
	r->row[r->n++] = row;
	return OV_OK;
}

#define CELLS "SELECT row, ext_id, " OV_ROW_CELL_COLUMNS

/* Rows that an import would leave out; takes s over. */
static enum ov_status
gather_rows(struct rows *r, struct ov_db_stmt *s, const struct ov_erased *e)
{
	struct ov_row_cells c;
	bool row, has;
	enum ov_status st;

	for (;;) {
		OV_TRY(ov_db_step(s, &row));
		if (!row)
			break;
		c = ov_row_cells_at(s, 2);
		OV_TRY(ov_erased_has(&has, e, ov_db_blob(s, 1), &c));
		if (has)
			OV_TRY(add_row(r, ov_db_i64(s, 0)));
	}
done:
	ov_db_finish(s);
	return st;
}

/* Of the book: those of the record, and, as the next import would leave them out, others
 * of the same account. */
static enum ov_status
delete_rows(
    struct ov_erase_counts *out, const struct target *t, const struct ov_erased *e)
{
	struct ov_db *db = t->home->db;
	struct ov_db_stmt *s = NULL;
	struct rows r = { 0 };
	enum ov_status st;

	OV_TRY(ov_db_query(&s, db, CELLS " FROM book_row"));
	OV_TRY(gather_rows(&r, s, e));
	OV_TRY(ov_db_run(db,
	    "DELETE FROM book_row WHERE row IN (SELECT row FROM book_member"
	    " WHERE record = ?)",
	    OV_DB_I64(t->record)));
	out->rows = (uint64_t)ov_db_changed(db);
	for (size_t i = 0; i < r.n; i++) {
		OV_TRY(ov_db_run(
		    db, "DELETE FROM book_row WHERE row = ?", OV_DB_I64(r.row[i])));
		out->rows += (uint64_t)ov_db_changed(db);
	}
done:
	free(r.row);
	return st;
}

static enum ov_status
delete_held_rows(
    struct ov_erase_counts *out, const struct target *t, const struct ov_erased *e)
{
	struct ov_db *db = t->home->db;
	struct ov_db_stmt *s = NULL;
	struct rows r = { 0 };
	enum ov_status st;

	OV_TRY(ov_db_query(&s, db, CELLS " FROM book_held_row"));
	OV_TRY(gather_rows(&r, s, e));
	for (size_t i = 0; i < r.n; i++)
		OV_TRY(ov_db_run(
		    db, "DELETE FROM book_held_row WHERE row = ?", OV_DB_I64(r.row[i])));
	OV_TRY(ov_db_run(
	    db, "UPDATE book_held SET rows = (SELECT count(*) FROM book_held_row)"));
	out->held_rows = r.n;
done:
	free(r.row);
	return st;
}

/* Needs the rows: by them the ids are known. */
static enum ov_status
delete_elsewhere(struct ov_erase_counts *out, const struct target *t)
{
	struct ov_db *db = t->home->db;
	enum ov_status st;

	OV_TRY(ov_db_run(db,
	    ACCOUNT "DELETE FROM book_alias WHERE account IN (SELECT v FROM id)",
	    OF_TARGET(t)));
	out->aliases = (uint64_t)ov_db_changed(db);
	OV_TRY(ov_db_run(db,
	    ACCOUNT "DELETE FROM match_wrong WHERE account IN (SELECT 'i' || v FROM id"
		    " UNION SELECT 'n' || v FROM name)",
	    OF_TARGET(t)));
	out->marks = (uint64_t)ov_db_changed(db);
	OV_TRY(ov_db_run(db,
	    ACCOUNT "DELETE FROM job_match WHERE EXISTS (SELECT 1 FROM job j"
		    " JOIN job_account a ON a.generation = j.generation"
		    " AND a.record = job_match.record WHERE j.id = job_match.job"
		    " AND " IS_KEPT ")",
	    OF_TARGET(t)));
	out->matches = (uint64_t)ov_db_changed(db);
	OV_TRY(ov_db_run(
	    db, ACCOUNT "DELETE FROM job_account AS a WHERE " IS_KEPT, OF_TARGET(t)));
	out->kept = (uint64_t)ov_db_changed(db);
	OV_TRY(ov_db_run(db,
	    "UPDATE job SET matches = (SELECT count(*) FROM job_match m"
	    " WHERE m.job = job.id) WHERE matches > (SELECT count(*) FROM job_match m"
	    " WHERE m.job = job.id)"));
done:
	return st;
}

static enum ov_status
delete_all(struct ov_erase_counts *out, struct target *t)
{
	struct ov_erased *e = NULL;
	enum ov_status st;

	OV_TRY(load_or_draw_key(t->key, t->home));
	OV_TRY(ov_erased_remember(
	    t->home->db, t->key, t->record, t->id, ov_home_now(t->home)));
	OV_TRY(ov_erased_load(&e, t->home->db, t->key));
	OV_TRY(delete_elsewhere(out, t));
	OV_TRY(delete_rows(out, t, e));
	OV_TRY(delete_held_rows(out, t, e));
	OV_REQUIRE(out->rows + out->held_rows + out->aliases + out->marks + out->kept > 0,
	    OV_E_NOT_FOUND);
done:
	ov_erased_free(e);
	return st;
}

enum ov_status
ov_erase(struct ov_erase_counts *out, struct ov_home *home, const char *text,
    enum ov_erase_mode mode)
{
	struct target t = { .home = home };
	enum ov_status st;

	memset(out, 0, sizeof(*out));
	OV_TRY(ov_home_unlock(home));
	OV_TRY(ov_freeze_keep_accounts(home)); /* so that all reports have their own */
	OV_TRY(ov_db_begin(home->db));
	OV_TRY(find_target(&t, text));
	OV_TRY(check_jobs(out, &t));
	OV_TRY(delete_all(out, &t));
	if (mode == OV_ERASE_COUNT)
		goto done;
	if (out->rows > 0)
		OV_TRY(ov_book_rebuild_within(home->db));
	OV_TRY(ov_db_commit(home->db, "book.erase"));
	out->erased = true;
	ov_log(OV_LOG_INFO, "book.erased", OV_F_U64("rows", out->rows));
	OV_TRY(ov_db_checkpoint(home->db));
done:
	ov_db_rollback(home->db);
	ov_wipe(t.key, sizeof(t.key));
	free(t.id);
	return st;
}
