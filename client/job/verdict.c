#include "client/job/verdict.h"

#include <string.h>

#include "client/job/record.h"
#include "client/partner.h"
#include "common/log.h"
#include "proto/keys.h"

#define ASKED_FOR (8 * 86400) /* the broker waits 7 days for it */
#define NONE ""		      /* asked for, and there is none to be had */

/* partner_verdict: a status by name; NULL until it is known. */
const char ov_verdict_schema_1[] =
    "ALTER TABLE job ADD COLUMN partner_verdict TEXT;"
    "ALTER TABLE job ADD COLUMN verdict_seen INTEGER NOT NULL DEFAULT 0";

static enum ov_status
keep(struct ov_home *home, const struct ov_job *j, const char *verdict)
{
	enum ov_status st;

	OV_TRY(ov_db_begin(home->db));
	OV_TRY(ov_db_run(home->db, "UPDATE job SET partner_verdict = ? WHERE id = ?",
	    OV_DB_TEXT(verdict), OV_DB_BLOB(j->id, OV_ID)));
	OV_TRY(ov_db_commit(home->db, "job.verdict"));
done:
	ov_db_rollback(home->db);
	return st;
}

/* The broker makes one REPORT for both: a partner that keeps another one was told
 * something else, or says so. */
static enum ov_status
compare_reports(enum ov_status *verdict, struct ov_home *home, const struct ov_job *j,
    const uint8_t theirs[OV_HASH_LEN])
{
	static const uint8_t none[OV_HASH_LEN]; /* it could keep none */
	struct ov_step_text report = { 0 };
	uint8_t mine[OV_HASH_LEN];
	enum ov_status st;

	OV_TRY(ov_step_load(&report, home, j->id, OV_STEP_REPORT));
	ov_digest(mine, "report", OV_BUF_BYTES(&report.body));
	if (memcmp(theirs, none, OV_HASH_LEN) != 0 &&
	    memcmp(theirs, mine, OV_HASH_LEN) != 0)
		*verdict = OV_E_PROTO_EQUIVOCATION;
done:
	ov_step_free(&report);
	return st;
}

/* The partner's word, as one of the statuses that this release knows. */
static enum ov_status
read_close(enum ov_status *verdict, struct ov_home *home, const struct ov_job *j,
    struct ov_bytes body)
{
	struct ov_msg_close m;
	char name[65] = { 0 };
	enum ov_status st;

	OV_TRY(ov_msg_decode(&m, OV_MSG_CLOSE, body));
	OV_REQUIRE(memcmp(m.job, j->id, OV_ID) == 0, OV_E_PROTO_MISMATCH);
	memcpy(name, m.verdict.p, m.verdict.len < 64 ? m.verdict.len : 64);
	*verdict = ov_status_by_name(name);
	if (*verdict == OV_E_BUG) /* a word of another release */
		*verdict = OV_E_JOB_FAILED;
	if (*verdict == OV_OK)
		OV_TRY(compare_reports(verdict, home, j, m.report));
done:
	return st;
}

static enum ov_status
ask(struct ov_home *home, struct ov_session *s, const struct ov_job *j)
{
	unsigned int step = j->role == OV_ROLE_A ? OV_STEP_CLOSE_B : OV_STEP_CLOSE_A;
	enum ov_status st, verdict = OV_OK;
	struct ov_step_text t = { 0 };
	struct ov_partner p;

	OV_TRY(ov_partner_get(&p, home, j->partner));
	OV_TRY(ov_step_fetch(&t, home, s, j->id, step, p.identity, 0));
	OV_TRY(read_close(&verdict, home, j, OV_BUF_BYTES(&t.body)));
	if (verdict != OV_OK)
		ov_log(OV_LOG_WARN, "job.partner_verdict", OV_F_ID("job", j->id),
		    OV_F_STATUS(verdict));
done:
	ov_step_free(&t);
	if (st == OV_E_BROKER_WAIT) /* not there yet */
		return OV_OK;
	if (ov_session_is_passing(st))
		return st;
	return keep(home, j, st == OV_OK ? ov_status_name(verdict) : NONE);
}

/* The first job, by id, after this one that is to be asked about; after's id is its own
 * then. */
static enum ov_status
next(struct ov_job *out, uint8_t after[OV_ID], struct ov_home *home)
{
	struct ov_db_stmt *q = NULL;
	bool row = false;
	enum ov_status st;

	OV_TRY(ov_db_query(&q, home->db,
	    "SELECT id FROM job WHERE id > ? AND state = ? AND closed > ?"
	    " AND partner_verdict IS NULL ORDER BY id LIMIT 1",
	    OV_DB_BLOB(after, OV_ID), OV_DB_I64(OV_JOB_CLOSED),
	    OV_DB_I64((int64_t)ov_home_now(home) - ASKED_FOR)));
	OV_TRY(ov_db_step(q, &row));
	OV_REQUIRE(row, OV_E_NOT_FOUND);
	OV_TRY(ov_db_copy(after, OV_ID, q, 0));
	ov_db_finish(q);
	return ov_job_get(out, home, after);
done:
	ov_db_finish(q);
	return st;
}

enum ov_status
ov_verdict_fetch(struct ov_home *home, struct ov_session *s)
{
	uint8_t after[OV_ID] = { 0 };
	struct ov_job j;
	enum ov_status st;

	for (;;) {
		st = next(&j, after, home);
		if (st == OV_E_NOT_FOUND)
			return OV_OK;
		OV_TRY(st);
		OV_TRY(ask(home, s, &j));
	}
done:
	return st;
}

enum ov_status
ov_verdict_each(struct ov_home *home,
    enum ov_status (*visit)(void *arg, const struct ov_verdict_note *note), void *arg)
{
	struct ov_verdict_note n;
	struct ov_db_stmt *q = NULL;
	bool row;
	enum ov_status st;

	OV_TRY(ov_db_query(&q, home->db,
	    "SELECT id, partner, state = ?1, CASE state WHEN ?1 THEN reason"
	    " ELSE partner_verdict END, closed FROM job WHERE verdict_seen = 0"
	    " AND (state = ?1 OR partner_verdict NOT IN (?2, ?3)) ORDER BY closed",
	    OV_DB_I64(OV_JOB_MISBEHAVED), OV_DB_TEXT(ov_status_name(OV_OK)),
	    OV_DB_TEXT(NONE)));
	for (;;) {
		OV_TRY(ov_db_step(q, &row));
		if (!row)
			break;
		OV_TRY(ov_db_copy(n.job, OV_ID, q, 0));
		OV_TRY(ov_db_copy(n.partner, OV_ID, q, 1));
		n.mine = ov_db_i64(q, 2) != 0;
		n.verdict = ov_status_by_name(ov_db_text(q, 3));
		n.closed = (uint64_t)ov_db_i64(q, 4);
		OV_TRY(visit(arg, &n));
	}
done:
	ov_db_finish(q);
	return st;
}

enum ov_status
ov_verdict_clear(struct ov_home *home)
{
	enum ov_status st;

	OV_TRY(ov_db_begin(home->db));
	OV_TRY(ov_db_run(home->db,
	    "UPDATE job SET verdict_seen = 1 WHERE state = ? OR partner_verdict IS NOT "
	    "NULL",
	    OV_DB_I64(OV_JOB_MISBEHAVED)));
	OV_TRY(ov_db_commit(home->db, "verdict.seen"));
done:
	ov_db_rollback(home->db);
	return st;
}
