/* Jobs, their signed steps and their streams. */
#include <string.h>

#include "server/store_db.h"

#define ERASED_AT_ONCE 16 /* chunks: some milliseconds of everybody's time */

/* --- jobs --- */

#define JOB_COLUMNS                                                                      \
	"seq, id, a, b, state, created, deadline, steps, slots_a, slots_b, terms, "      \
	"reason"

static enum ov_status
read_job(struct ov_job *out, struct ov_db_stmt *s)
{
	struct ov_job j = { 0 };
	enum ov_status st = OV_OK;

	j.seq = (uint64_t)ov_db_i64(s, 0);
	OV_TRY(ov_db_copy(j.id, OV_ID, s, 1));
	OV_TRY(ov_db_copy(j.a, OV_ID, s, 2));
	OV_TRY(ov_db_copy(j.b, OV_ID, s, 3));
	j.state = (enum ov_job_state)ov_db_i64(s, 4);
	j.created = ov_db_i64(s, 5);
	j.deadline = ov_db_i64(s, 6);
	j.steps = (uint32_t)ov_db_i64(s, 7);
	j.slots_a = (uint32_t)ov_db_i64(s, 8);
	j.slots_b = (uint32_t)ov_db_i64(s, 9);
	j.terms = (uint64_t)ov_db_i64(s, 10);
	OV_TRY(ov_store_text(j.reason, sizeof(j.reason), s, 11));
	*out = j;
done:
	return st;
}

/* Takes the statement, whatever happens. */
static enum ov_status
one_job(struct ov_job *out, struct ov_db_stmt *s)
{
	enum ov_status st = ov_store_row(s);

	if (st == OV_OK)
		st = read_job(out, s);
	ov_db_finish(s);
	return st;
}

enum ov_status
ov_store_job_add(struct ov_tx *tx, struct ov_job *job)
{
	enum ov_status st = OV_OK;

	OV_TRY(ov_db_run(tx->db,
	    "INSERT INTO job(id, a, b, state, open, created, deadline, steps, slots_a, "
	    "slots_b,"
	    " terms, reason) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	    ID(job->id), ID(job->a), ID(job->b), OV_DB_I64(job->state),
	    OV_DB_I64(!ov_job_final(job->state)), OV_DB_I64(job->created),
	    OV_DB_I64(job->deadline), OV_DB_I64(job->steps), OV_DB_I64(job->slots_a),
	    OV_DB_I64(job->slots_b), OV_DB_I64(job->terms), OV_DB_TEXT(job->reason)));
	job->seq = (uint64_t)ov_db_last_id(tx->db);
done:
	return st;
}

enum ov_status
ov_store_job_update(struct ov_tx *tx, const struct ov_job *job)
{
	enum ov_status st = OV_OK;

	OV_TRY(ov_db_run(tx->db,
	    "UPDATE job SET state = ?2, open = ?3, deadline = ?4, steps = ?5, slots_a = "
	    "?6,"
	    " slots_b = ?7, reason = ?8 WHERE id = ?1",
	    ID(job->id), OV_DB_I64(job->state), OV_DB_I64(!ov_job_final(job->state)),
	    OV_DB_I64(job->deadline), OV_DB_I64(job->steps), OV_DB_I64(job->slots_a),
	    OV_DB_I64(job->slots_b), OV_DB_TEXT(job->reason)));
	OV_REQUIRE(ov_db_changed(tx->db) == 1, OV_E_NOT_FOUND);
done:
	return st;
}

enum ov_status
ov_store_job(struct ov_tx *tx, struct ov_job *out, const uint8_t id[OV_ID])
{
	struct ov_db_stmt *s = NULL;
	enum ov_status st = ov_db_query(
	    &s, tx->db, "SELECT " JOB_COLUMNS " FROM job WHERE id = ?", ID(id));

	return st == OV_OK ? one_job(out, s) : st;
}

enum ov_status
ov_store_job_between(struct ov_tx *tx, struct ov_job *out, const uint8_t one[OV_ID],
    const uint8_t other[OV_ID])
{
	struct ov_db_stmt *s = NULL;
	enum ov_status st = ov_db_query(&s, tx->db,
	    "SELECT " JOB_COLUMNS " FROM job WHERE open = 1 AND ((a = ?1 AND b = ?2) OR"
	    " (a = ?2 AND b = ?1)) ORDER BY seq LIMIT 1",
	    ID(one), ID(other));

	return st == OV_OK ? one_job(out, s) : st;
}

enum ov_status
ov_store_jobs_open(struct ov_tx *tx, uint64_t *n, const uint8_t company[OV_ID])
{
	int64_t count;
	enum ov_status st = ov_db_number(&count, tx->db,
	    "SELECT count(*) FROM job WHERE open = 1 AND (a = ?1 OR b = ?1)",
	    ID(company));

	*n = (uint64_t)count;
	return st;
}

enum ov_status
ov_store_job_due(struct ov_tx *tx, struct ov_job *out)
{
	struct ov_db_stmt *s = NULL;
	enum ov_status st = ov_db_query(&s, tx->db,
	    "SELECT " JOB_COLUMNS " FROM job WHERE open = 1 ORDER BY deadline LIMIT 1");

	return st == OV_OK ? one_job(out, s) : st;
}

/* Apart, so that each has its index: the open ones are few, whatever the history. */
static enum ov_status
query_jobs(struct ov_db_stmt **s, struct ov_tx *tx, const struct ov_job_walk *w)
{
	struct ov_db_value company = w->company != NULL ? ID(w->company) : OV_DB_NULL;

	if (w->open_only)
		return ov_db_query(s, tx->db,
		    "SELECT " JOB_COLUMNS " FROM job WHERE open = 1 AND seq > ?1"
		    " AND (?2 IS NULL OR a = ?2 OR b = ?2) ORDER BY seq LIMIT ?3",
		    OV_DB_I64(w->after), company, OV_DB_I64(w->limit));
	if (w->company != NULL)
		return ov_db_query(s, tx->db,
		    "SELECT " JOB_COLUMNS " FROM job WHERE seq IN ("
		    "SELECT seq FROM (SELECT seq FROM job WHERE a = ?2 AND seq > ?1"
		    " ORDER BY seq LIMIT ?3) UNION SELECT seq FROM (SELECT seq FROM job"
		    " WHERE b = ?2 AND seq > ?1 ORDER BY seq LIMIT ?3))"
		    " ORDER BY seq LIMIT ?3",
		    OV_DB_I64(w->after), company, OV_DB_I64(w->limit));
	return ov_db_query(s, tx->db,
	    "SELECT " JOB_COLUMNS " FROM job WHERE seq > ?1 ORDER BY seq LIMIT ?2",
	    OV_DB_I64(w->after), OV_DB_I64(w->limit));
}

enum ov_status
ov_store_jobs(struct ov_tx *tx, const struct ov_job_walk *w,
    enum ov_status (*visit)(void *arg, const struct ov_job *job), void *arg)
{
	struct ov_db_stmt *s = NULL;
	struct ov_job job;
	enum ov_status st = OV_OK;
	bool row;

	OV_TRY(query_jobs(&s, tx, w));
	for (;;) {
		OV_TRY(ov_db_step(s, &row));
		if (!row)
			break;
		OV_TRY(read_job(&job, s));
		OV_TRY(visit(arg, &job));
	}
done:
	ov_db_finish(s);
	return st;
}

/* --- steps --- */

/* SAME or DIFFERENT from the stored step; OV_E_NOT_FOUND if there is none. */
static enum ov_status
known_step(struct ov_tx *tx, enum ov_put_result *how, const uint8_t job[OV_ID],
    unsigned int step, struct ov_bytes body)
{
	struct ov_db_stmt *s = NULL;
	enum ov_status st = OV_OK;

	OV_TRY(ov_db_query(&s, tx->db, "SELECT body FROM step WHERE job = ? AND step = ?",
	    ID(job), OV_DB_I64(step)));
	OV_TRY(ov_store_row(s));
	/* Ed25519 has several valid signatures for one message; the message counts. */
	*how = ov_store_same(s, 0, body) ? OV_PUT_SAME : OV_PUT_DIFFERENT;
done:
	ov_db_finish(s);
	return st;
}

enum ov_status
ov_store_step_put(struct ov_tx *tx, enum ov_put_result *how, const uint8_t job[OV_ID],
    unsigned int step, const struct ov_step_row *row, struct ov_bytes body)
{
	enum ov_status st = known_step(tx, how, job, step, body);

	if (st == OV_OK && *how == OV_PUT_DIFFERENT)
		return ov_db_run(tx->db,
		    "INSERT INTO conflict(job, step, body, signature) VALUES (?, ?, ?, ?)"
		    " ON CONFLICT(job, step) DO NOTHING",
		    ID(job), OV_DB_I64(step), OV_DB_BYTES(body),
		    OV_DB_BLOB(row->signature, 64));
	if (st != OV_E_NOT_FOUND)
		return st;
	*how = OV_PUT_NEW;
	return ov_db_run(tx->db,
	    "INSERT INTO step(job, step, body, signature, leaf) VALUES (?, ?, ?, ?, ?)",
	    ID(job), OV_DB_I64(step), OV_DB_BYTES(body), OV_DB_BLOB(row->signature, 64),
	    OV_DB_I64(row->leaf));
}

enum ov_status
ov_store_step(struct ov_tx *tx, struct ov_step_row *out, struct ov_buf *body,
    const uint8_t job[OV_ID], unsigned int step)
{
	struct ov_db_stmt *s = NULL;
	enum ov_status st = OV_OK;

	OV_TRY(ov_db_query(&s, tx->db,
	    "SELECT body, signature, leaf FROM step WHERE job = ? AND step = ?", ID(job),
	    OV_DB_I64(step)));
	OV_TRY(ov_store_row(s));
	OV_TRY(ov_db_copy(out->signature, 64, s, 1));
	out->leaf = (uint64_t)ov_db_i64(s, 2);
	OV_TRY(ov_store_append(body, s, 0));
done:
	ov_db_finish(s);
	return st;
}

/* --- streams --- */

enum ov_status
ov_store_stream(struct ov_tx *tx, struct ov_stream_row *out, const uint8_t job[OV_ID],
    unsigned int stream)
{
	struct ov_db_stmt *s = NULL;
	enum ov_status st = OV_OK;
	bool row;

	OV_TRY(ov_db_query(&s, tx->db,
	    "SELECT next, last, bytes, digest FROM stream WHERE job = ? AND stream = ?",
	    ID(job), OV_DB_I64(stream)));
	OV_TRY(ov_db_step(s, &row));
	*out = (struct ov_stream_row){ 0 };
	if (!row)
		goto done;
	*out = (struct ov_stream_row){ .next = (uint32_t)ov_db_i64(s, 0),
		.last = ov_db_i64(s, 1) != 0,
		.bytes = (uint64_t)ov_db_i64(s, 2),
		.measured = !ov_db_is_null(s, 3) };
	if (out->measured)
		OV_TRY(ov_db_copy(out->digest, OV_DIGEST, s, 3));
done:
	ov_db_finish(s);
	return st;
}

enum ov_status
ov_store_stream_measured(struct ov_tx *tx, const uint8_t job[OV_ID], unsigned int stream,
    const uint8_t digest[OV_DIGEST])
{
	return ov_db_run(tx->db,
	    "UPDATE stream SET digest = ?3 WHERE job = ?1 AND stream = ?2 AND last = 1",
	    ID(job), OV_DB_I64(stream), OV_DB_BLOB(digest, OV_DIGEST));
}

/* Whether a chunk that is stored is this one. */
static enum ov_status
compare_chunk(struct ov_tx *tx, enum ov_put_result *how, const struct ov_chunk_at *at,
    bool last, struct ov_bytes body)
{
	struct ov_stream_row row;
	struct ov_db_stmt *s = NULL;
	enum ov_status st = OV_OK;

	OV_TRY(ov_store_stream(tx, &row, at->job, at->stream));
	OV_TRY(ov_db_query(&s, tx->db,
	    "SELECT body FROM chunk WHERE job = ? AND stream = ? AND idx = ?",
	    ID(at->job), OV_DB_I64(at->stream), OV_DB_I64(at->index)));
	OV_TRY(ov_store_row(s));
	*how =
	    last == (row.last && at->index + 1 == row.next) && ov_store_same(s, 0, body)
		? OV_PUT_SAME
		: OV_PUT_DIFFERENT;
done:
	ov_db_finish(s);
	return st;
}

enum ov_status
ov_store_chunk_put(struct ov_tx *tx, enum ov_put_result *how,
    const struct ov_chunk_at *at, bool last, struct ov_bytes body,
    const uint8_t owner[OV_ID])
{
	struct ov_stream_row row;
	enum ov_status st = OV_OK;

	OV_TRY(ov_store_stream(tx, &row, at->job, at->stream));
	if (at->index < row.next)
		return compare_chunk(tx, how, at, last, body);
	OV_REQUIRE(at->index == row.next && !row.last, OV_E_PROTO_UNEXPECTED);
	OV_TRY(ov_db_run(tx->db,
	    "INSERT INTO chunk(job, stream, idx, body) VALUES (?, ?, ?, ?)", ID(at->job),
	    OV_DB_I64(at->stream), OV_DB_I64(at->index), OV_DB_BYTES(body)));
	OV_TRY(ov_db_run(tx->db,
	    "INSERT INTO stream(job, stream, owner, next, last, bytes) VALUES (?, ?, ?, "
	    "?, ?, ?)"
	    " ON CONFLICT(job, stream) DO UPDATE SET next = excluded.next,"
	    " last = excluded.last, bytes = bytes + excluded.bytes",
	    ID(at->job), OV_DB_I64(at->stream), owner != NULL ? ID(owner) : OV_DB_NULL,
	    OV_DB_I64(at->index + 1), OV_DB_I64(last), OV_DB_I64(body.len)));
	*how = OV_PUT_NEW;
done:
	return st;
}

enum ov_status
ov_store_chunk(
    struct ov_tx *tx, struct ov_buf *body, bool *last, const struct ov_chunk_at *at)
{
	struct ov_stream_row row;
	struct ov_db_stmt *s = NULL;
	enum ov_status st = OV_OK;

	OV_TRY(ov_store_stream(tx, &row, at->job, at->stream));
	OV_REQUIRE(at->index < row.next, OV_E_NOT_FOUND); /* or only to be erased */
	OV_TRY(ov_db_query(&s, tx->db,
	    "SELECT body FROM chunk WHERE job = ? AND stream = ? AND idx = ?",
	    ID(at->job), OV_DB_I64(at->stream), OV_DB_I64(at->index)));
	OV_TRY(ov_store_row(s));
	OV_TRY(ov_store_append(body, s, 0));
	*last = row.last && at->index + 1 == row.next;
done:
	ov_db_finish(s);
	return st;
}

enum ov_status
ov_store_streams_drop(struct ov_tx *tx, const uint8_t job[OV_ID])
{
	enum ov_status st = OV_OK;

	OV_TRY(ov_db_run(tx->db, "DELETE FROM stream WHERE job = ?", ID(job)));
	if (ov_db_changed(tx->db) > 0)
		OV_TRY(ov_db_run(tx->db,
		    "INSERT INTO doomed(job) VALUES (?) ON CONFLICT(job) DO NOTHING",
		    ID(job)));
done:
	return st;
}

enum ov_status
ov_store_streams_erase(struct ov_tx *tx, bool *more)
{
	uint8_t job[OV_ID];
	struct ov_db_stmt *s = NULL;
	enum ov_status st = OV_OK;

	*more = false;
	OV_TRY(ov_db_query(&s, tx->db, "SELECT job FROM doomed LIMIT 1"));
	OV_TRY(ov_db_step(s, more));
	if (!*more)
		goto done;
	OV_TRY(ov_db_copy(job, OV_ID, s, 0));
	ov_db_finish(s);
	OV_TRY(ov_db_run(tx->db,
	    "DELETE FROM chunk WHERE rowid IN"
	    " (SELECT rowid FROM chunk WHERE job = ? LIMIT ?)",
	    ID(job), OV_DB_I64(ERASED_AT_ONCE)));
	if (ov_db_changed(tx->db) < ERASED_AT_ONCE)
		OV_TRY(ov_db_run(tx->db, "DELETE FROM doomed WHERE job = ?", ID(job)));
done:
	ov_db_finish(s);
	return st;
}

enum ov_status
ov_store_stream_restart(
    struct ov_tx *tx, bool *more, const uint8_t job[OV_ID], unsigned int stream)
{
	enum ov_status st = OV_OK;

	*more = false;
	OV_TRY(ov_db_run(tx->db, "DELETE FROM stream WHERE job = ? AND stream = ?",
	    ID(job), OV_DB_I64(stream)));
	OV_TRY(ov_db_run(tx->db,
	    "DELETE FROM chunk WHERE rowid IN"
	    " (SELECT rowid FROM chunk WHERE job = ? AND stream = ? LIMIT ?)",
	    ID(job), OV_DB_I64(stream), OV_DB_I64(ERASED_AT_ONCE)));
	*more = ov_db_changed(tx->db) == ERASED_AT_ONCE;
done:
	return st;
}

enum ov_status
ov_store_usage(struct ov_tx *tx, uint64_t *bytes, const uint8_t company[OV_ID])
{
	int64_t n;
	enum ov_status st = ov_db_number(&n, tx->db,
	    "SELECT coalesce((SELECT bytes FROM usage WHERE owner = ?1), 0)",
	    ID(company));

	*bytes = (uint64_t)n;
	return st;
}
