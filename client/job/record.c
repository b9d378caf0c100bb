#include "client/job/record.h"

#include <stdlib.h>
#include <string.h>

#include "client/ledger.h"
#include "common/crypto/memory.h"

#define LIST_PART 8192 /* records in one row of job_list */
#define SEEDS "job seeds"
#define ANSWER_MS 60000
#define JOB_COLUMNS                                                                      \
	"id, partner, role, state, created, expiry, closed, slots, tokens, records,"     \
	" list_digest, commitment_random, terms_sequence, reason, matches, "             \
	"unchanged_since, generation, profile"

void
ov_step_free(struct ov_step_text *s)
{
	ov_buf_free(&s->body);
}

static enum ov_status
insert_list(struct ov_home *home, const struct ov_job *j, const struct ov_list *list)
{
	struct ov_buf part = { 0 };
	enum ov_status st = OV_OK;

	for (size_t from = 0; from < list->n_records; from += LIST_PART) {
		size_t to = list->n_records - from < LIST_PART ? list->n_records
							       : from + LIST_PART;

		part.len = 0;
		OV_TRY(ov_list_save(&part, list, from, to));
		OV_TRY(ov_db_run(home->db,
		    "INSERT INTO job_list(job, part, data) VALUES (?, ?, ?)",
		    OV_DB_BLOB(j->id, OV_ID), OV_DB_I64(from / LIST_PART),
		    OV_DB_BYTES(OV_BUF_BYTES(&part))));
	}
done:
	if (part.p != NULL)
		ov_wipe(part.p, part.cap);
	ov_buf_free(&part);
	return st;
}

enum ov_status
ov_job_insert(struct ov_home *home, const struct ov_job *j,
    const struct ov_job_seeds *seeds, const struct ov_list *list)
{
	struct ov_buf sealed = { 0 };
	enum ov_status st;

	OV_TRY(ov_home_seal(&sealed, home, SEEDS, OV_BYTES(seeds, sizeof(*seeds))));
	OV_TRY(ov_db_run(home->db,
	    "INSERT INTO job(id, partner, role, state, created, expiry, slots, tokens, "
	    "records,"
	    " list_digest, commitment_random, terms_sequence, generation, profile, seeds,"
	    " number) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,"
	    " (SELECT coalesce(max(number), 0) + 1 FROM job))",
	    OV_DB_BLOB(j->id, OV_ID), OV_DB_BLOB(j->partner, OV_ID), OV_DB_I64(j->role),
	    OV_DB_I64(j->state), OV_DB_I64(j->created), OV_DB_I64(j->expiry),
	    OV_DB_I64(j->slots), OV_DB_I64(j->tokens), OV_DB_I64(j->records),
	    OV_DB_BLOB(j->list_digest, OV_HASH_LEN), OV_DB_BLOB(j->commitment_random, 32),
	    OV_DB_I64(j->terms_sequence), OV_DB_I64(j->generation),
	    OV_DB_BLOB(j->profile, OV_HASH_LEN), OV_DB_BYTES(OV_BUF_BYTES(&sealed))));
	OV_TRY(insert_list(home, j, list));
done:
	ov_buf_free(&sealed);
	return st;
}

static enum ov_status
read_job(struct ov_job *j, struct ov_db_stmt *q)
{
	const char *reason = ov_db_text(q, 13);
	enum ov_status st;

	memset(j, 0, sizeof(*j));
	OV_TRY(ov_db_copy(j->id, OV_ID, q, 0));
	OV_TRY(ov_db_copy(j->partner, OV_ID, q, 1));
	j->role = ov_db_i64(q, 2) == OV_ROLE_A ? OV_ROLE_A : OV_ROLE_B;
	j->state = (enum ov_job_state)ov_db_i64(q, 3);
	j->created = (uint64_t)ov_db_i64(q, 4);
	j->expiry = (uint64_t)ov_db_i64(q, 5);
	j->closed = (uint64_t)ov_db_i64(q, 6);
	j->slots = (uint32_t)ov_db_i64(q, 7);
	j->tokens = (uint32_t)ov_db_i64(q, 8);
	j->records = (uint32_t)ov_db_i64(q, 9);
	OV_TRY(ov_db_copy(j->list_digest, OV_HASH_LEN, q, 10));
	OV_TRY(ov_db_copy(j->commitment_random, 32, q, 11));
	j->terms_sequence = (uint64_t)ov_db_i64(q, 12);
	j->reason = reason != NULL ? ov_status_by_name(reason) : OV_OK;
	j->matches = (uint32_t)ov_db_i64(q, 14);
	if (!ov_db_is_null(q, 15))
		OV_TRY(ov_db_copy(j->unchanged_since, OV_ID, q, 15));
	j->generation = (uint64_t)ov_db_i64(q, 16);
	OV_TRY(ov_db_copy(j->profile, OV_HASH_LEN, q, 17));
done:
	return st;
}

/* The first row of a query as a job; OV_E_NOT_FOUND without one. */
static enum ov_status
first_job(struct ov_job *out, struct ov_db_stmt *q)
{
	bool row = false;
	enum ov_status st;

	OV_TRY(ov_db_step(q, &row));
	OV_REQUIRE(row, OV_E_NOT_FOUND);
	OV_TRY(read_job(out, q));
done:
	ov_db_finish(q);
	return st;
}

enum ov_status
ov_job_get(struct ov_job *out, struct ov_home *home, const uint8_t id[OV_ID])
{
	struct ov_db_stmt *q = NULL;
	enum ov_status st;

	OV_TRY(ov_db_query(&q, home->db, "SELECT " JOB_COLUMNS " FROM job WHERE id = ?",
	    OV_DB_BLOB(id, OV_ID)));
	return first_job(out, q);
done:
	return st;
}

enum ov_status
ov_job_open_with(struct ov_job *out, struct ov_home *home, const uint8_t partner[OV_ID])
{
	struct ov_db_stmt *q = NULL;
	enum ov_status st;

	OV_TRY(ov_db_query(&q, home->db,
	    "SELECT " JOB_COLUMNS " FROM job WHERE partner = ? AND state < ?"
	    " ORDER BY number DESC LIMIT 1",
	    OV_DB_BLOB(partner, OV_ID), OV_DB_I64(OV_JOB_CLOSED)));
	return first_job(out, q);
done:
	return st;
}

enum ov_status
ov_job_last_report(struct ov_job *out, struct ov_home *home, const uint8_t *partner)
{
	struct ov_db_stmt *q = NULL;
	enum ov_status st;

	OV_TRY(ov_db_query(&q, home->db,
	    "SELECT " JOB_COLUMNS
	    " FROM job WHERE (?1 IS NULL OR partner = ?1) AND state = ?2"
	    " ORDER BY number DESC LIMIT 1",
	    partner != NULL ? OV_DB_BLOB(partner, OV_ID) : OV_DB_NULL,
	    OV_DB_I64(OV_JOB_CLOSED)));
	return first_job(out, q);
done:
	return st;
}

enum ov_status
ov_job_each(struct ov_home *home,
    enum ov_status (*visit)(void *arg, const struct ov_job *j), void *arg)
{
	struct ov_db_stmt *q = NULL;
	struct ov_job j;
	bool row;
	enum ov_status st;

	OV_TRY(ov_db_query(
	    &q, home->db, "SELECT " JOB_COLUMNS " FROM job ORDER BY number DESC"));
	for (;;) {
		OV_TRY(ov_db_step(q, &row));
		if (!row)
			break;
		OV_TRY(read_job(&j, q));
		OV_TRY(visit(arg, &j));
	}
done:
	ov_db_finish(q);
	return st;
}

enum ov_status
ov_job_load_list(struct ov_list *out, struct ov_home *home, const struct ov_job *j)
{
	uint8_t digest[OV_HASH_LEN];
	struct ov_db_stmt *q = NULL;
	int64_t bytes;
	bool row;
	enum ov_status st;

	OV_TRY(ov_db_number(&bytes, home->db,
	    "SELECT coalesce(sum(length(data)), 0) FROM job_list WHERE job = ?",
	    OV_DB_BLOB(j->id, OV_ID)));
	OV_TRY(ov_list_reserve(out, j->records, j->tokens, (size_t)bytes));
	OV_TRY(ov_db_query(&q, home->db,
	    "SELECT data FROM job_list WHERE job = ? ORDER BY part",
	    OV_DB_BLOB(j->id, OV_ID)));
	for (;;) {
		OV_TRY(ov_db_step(q, &row));
		if (!row)
			break;
		OV_TRY(ov_list_load(out, ov_db_blob(q, 0)));
	}
	ov_list_digest(digest, out);
	OV_REQUIRE(memcmp(digest, j->list_digest, sizeof(digest)) == 0, OV_E_DB_FAILED);
done:
	ov_db_finish(q);
	return st;
}

enum ov_status
ov_job_load_seeds(struct ov_job_seeds *out, struct ov_home *home, const struct ov_job *j)
{
	struct ov_db_stmt *q = NULL;
	bool row = false;
	enum ov_status st;

	OV_TRY(ov_db_query(&q, home->db, "SELECT seeds FROM job WHERE id = ?",
	    OV_DB_BLOB(j->id, OV_ID)));
	OV_TRY(ov_db_step(q, &row));
	OV_REQUIRE(row && !ov_db_is_null(q, 0), OV_E_NOT_FOUND);
	st = ov_home_open_sealed(
	    (uint8_t *)out, sizeof(*out), home, SEEDS, ov_db_blob(q, 0));
	/* a fault of this database, not of somebody who sealed something for us */
	OV_REQUIRE(st != OV_E_CRYPTO_OPEN, OV_E_DB_FAILED);
done:
	ov_db_finish(q);
	return st;
}

/* What was read of a view that is void, or was not checked to its end. */
static enum ov_status
forget_report(struct ov_home *home, struct ov_job *j)
{
	enum ov_status st;

	OV_TRY(ov_db_run(
	    home->db, "DELETE FROM job_match WHERE job = ?", OV_DB_BLOB(j->id, OV_ID)));
	OV_TRY(ov_db_run(
	    home->db, "DELETE FROM job_cell WHERE job = ?", OV_DB_BLOB(j->id, OV_ID)));
	OV_TRY(ov_db_run(
	    home->db, "DELETE FROM job_held WHERE job = ?", OV_DB_BLOB(j->id, OV_ID)));
	OV_TRY(ov_db_run(home->db, "UPDATE job SET matches = 0 WHERE id = ?",
	    OV_DB_BLOB(j->id, OV_ID)));
	j->matches = 0;
done:
	return st;
}

enum ov_status
ov_job_drop_accounts(struct ov_home *home)
{
	return ov_db_run(home->db,
	    "DELETE FROM job_account WHERE generation NOT IN"
	    " (SELECT generation FROM job WHERE state < ?) AND NOT EXISTS"
	    " (SELECT 1 FROM job j JOIN job_match m ON m.job = j.id"
	    "  WHERE j.generation = job_account.generation"
	    "  AND m.record = job_account.record)",
	    OV_DB_I64(OV_JOB_CLOSED));
}

/* Inside the caller's transaction. */
static enum ov_status
put_state(struct ov_home *home, struct ov_job *j, enum ov_job_state state,
    enum ov_status reason, uint64_t closed)
{
	bool final = ov_job_final(state);
	enum ov_status st;

	OV_TRY(ov_db_run(home->db,
	    "UPDATE job SET state = ?, reason = ?, closed = ? WHERE id = ?",
	    OV_DB_I64(state), OV_DB_TEXT(ov_status_name(reason)), OV_DB_I64(closed),
	    OV_DB_BLOB(j->id, OV_ID)));
	if (final && state != OV_JOB_CLOSED)
		OV_TRY(forget_report(home, j));
	if (final) {
		OV_TRY(ov_ledger_unpledge(home->db, j->id));
		OV_TRY(ov_db_run(home->db, "UPDATE job SET seeds = NULL WHERE id = ?",
		    OV_DB_BLOB(j->id, OV_ID)));
		OV_TRY(ov_db_run(home->db, "DELETE FROM job_list WHERE job = ?",
		    OV_DB_BLOB(j->id, OV_ID)));
		OV_TRY(ov_job_drop_accounts(home));
	}
done:
	return st;
}

enum ov_status
ov_job_end_open(struct ov_home *home, const uint8_t *partner, enum ov_status reason)
{
	struct ov_db_stmt *q;
	struct ov_job j;
	enum ov_status st;

	for (;;) {
		OV_TRY(ov_db_query(&q, home->db,
		    "SELECT " JOB_COLUMNS
		    " FROM job WHERE (?1 IS NULL OR partner = ?1) AND state < ?2 LIMIT 1",
		    partner != NULL ? OV_DB_BLOB(partner, OV_ID) : OV_DB_NULL,
		    OV_DB_I64(OV_JOB_CLOSED)));
		st = first_job(&j, q);
		if (st == OV_E_NOT_FOUND)
			return OV_OK;
		OV_TRY(st);
		OV_TRY(put_state(home, &j,
		    j.state == OV_JOB_REPORTED ? OV_JOB_CLOSED : OV_JOB_CANCELLED, reason,
		    ov_home_now(home)));
	}
done:
	return st;
}

enum ov_status
ov_job_set_state(struct ov_home *home, struct ov_job *j, enum ov_job_state state,
    enum ov_status reason)
{
	bool final = ov_job_final(state);
	uint64_t closed = final ? ov_home_now(home) : 0;
	enum ov_status st;

	OV_TRY(ov_db_begin(home->db));
	OV_TRY(put_state(home, j, state, reason, closed));
	OV_TRY(ov_db_commit(home->db, "job.state"));
	j->state = state;
	j->reason = reason;
	j->closed = closed;
	/* so that what was erased is not in the WAL either; a reader only delays it */
	if (final)
		(void)!ov_db_checkpoint(home->db);
done:
	ov_db_rollback(home->db);
	return st;
}

/* Does the own ledger still allow the job what it is about to be charged for?  What the
 * job itself pledged must not count. */
static enum ov_status
check_ledger(
    struct ov_home *home, const struct ov_ledger_charge *c, const struct ov_release *r)
{
	const struct ov_ledger_query q = { .partner = c->partner,
		.now = (int64_t)c->time,
		.epsilon = r->epsilon_milli,
		.year_epsilon = r->year_epsilon_milli };
	struct ov_budget_due view;
	struct ov_ledger ledger;
	enum ov_status st;

	OV_TRY(ov_ledger_read(&ledger, home->db, &q));
	OV_REQUIRE(ledger.together.runs_month < r->runs, OV_E_CAP_GROUP);
	ov_ledger_due(&view, &ledger, r, q.now, false);
	OV_REQUIRE(c->epsilon_out == 0 || view.due, OV_E_CAP_GROUP);
done:
	return st;
}

enum ov_status
ov_job_charge(
    struct ov_home *home, const struct ov_job *j, const struct ov_job_cost *cost)
{
	const struct ov_ledger_charge c = { .job = j->id,
		.partner = j->partner,
		.time = ov_home_now(home),
		.slots = j->slots,
		.other_slots = cost->other_slots,
		.epsilon_out = cost->counts_out ? cost->release->epsilon_milli : 0,
		.epsilon_in = cost->counts_in ? cost->release->epsilon_milli : 0 };
	bool charged;
	enum ov_status st;

	OV_TRY(ov_db_begin(home->db));
	OV_TRY(ov_ledger_has(&charged, home->db, j->id));
	if (charged)
		goto done;
	OV_TRY(ov_ledger_unpledge(home->db, j->id));
	OV_TRY(check_ledger(home, &c, cost->release));
	OV_TRY(ov_ledger_charge(home->db, &c));
	OV_TRY(ov_db_commit(home->db, "job.charge"));
done:
	ov_db_rollback(home->db);
	return st;
}

/* --- steps --- */

enum ov_status
ov_step_keep(struct ov_home *home, const uint8_t job[OV_ID], unsigned int step,
    struct ov_bytes body, const uint8_t signature[64])
{
	return ov_db_run(home->db,
	    "INSERT INTO job_step(job, step, body, signature) VALUES (?, ?, ?, ?)",
	    OV_DB_BLOB(job, OV_ID), OV_DB_I64(step), OV_DB_BYTES(body),
	    OV_DB_BLOB(signature, 64));
}

enum ov_status
ov_step_load(struct ov_step_text *out, struct ov_home *home, const uint8_t job[OV_ID],
    unsigned int step)
{
	struct ov_db_stmt *q = NULL;
	bool row = false;
	struct ov_bytes body;
	enum ov_status st;

	OV_TRY(ov_db_query(&q, home->db,
	    "SELECT body, signature FROM job_step WHERE job = ? AND step = ?",
	    OV_DB_BLOB(job, OV_ID), OV_DB_I64(step)));
	OV_TRY(ov_db_step(q, &row));
	OV_REQUIRE(row, OV_E_NOT_FOUND);
	OV_TRY(ov_db_copy(out->signature, 64, q, 1));
	body = ov_db_blob(q, 0);
	OV_TRY(ov_buf_append(&out->body, body.p, body.len));
done:
	ov_db_finish(q);
	return st;
}

/* Leaf body of a stored step: H(lv(message) || lv(signature)). */
static void
step_leaf(uint8_t out[OV_HASH_LEN], const struct ov_step_text *t)
{
	struct ov_bytes parts[] = { OV_BUF_BYTES(&t->body), OV_BYTES(t->signature, 64) };

	ov_hash_parts(out, parts, 2);
}

/* Where the leaf stands, for the audit file; inside the caller's transaction. */
static enum ov_status
put_proof(struct ov_home *home, const uint8_t job[OV_ID], unsigned int step,
    const struct ov_msg_proven *p)
{
	return ov_db_run(home->db,
	    "UPDATE job_step SET leaf_type = ?, salt = ?, leaf_index = ?"
	    " WHERE job = ? AND step = ?",
	    OV_DB_I64(p->leaf_type), OV_DB_BLOB(p->salt, sizeof(p->salt)),
	    OV_DB_I64(p->index), OV_DB_BLOB(job, OV_ID), OV_DB_I64(step));
}

static enum ov_status
keep_proof(struct ov_home *home, const uint8_t job[OV_ID], unsigned int step,
    const struct ov_msg_proven *p)
{
	enum ov_status st;

	OV_TRY(ov_db_begin(home->db));
	OV_TRY(put_proof(home, job, step, p));
	OV_TRY(ov_db_commit(home->db, "job.proof"));
done:
	ov_db_rollback(home->db);
	return st;
}

static enum ov_status
sign_and_keep(struct ov_step_text *t, struct ov_home *home, const uint8_t job[OV_ID],
    unsigned int step, struct ov_bytes body)
{
	enum ov_status st;

	OV_TRY(ov_buf_append(&t->body, body.p, body.len));
	OV_TRY(ov_home_sign(t->signature, home, ov_step_context(step), body));
	OV_TRY(ov_db_begin(home->db));
	OV_TRY(ov_step_keep(home, job, step, body, t->signature));
	OV_TRY(ov_db_commit(home->db, "job.step"));
done:
	ov_db_rollback(home->db);
	return st;
}

enum ov_status
ov_step_send(struct ov_home *home, struct ov_session *s, const uint8_t job[OV_ID],
    unsigned int step, struct ov_bytes body)
{
	struct ov_msg_put_step put = { .step = step };
	struct ov_msg_proven proven;
	struct ov_step_text t = { 0 };
	struct ov_buf owner = { 0 };
	uint8_t leaf[OV_HASH_LEN];
	enum ov_status st;

	st = ov_step_load(&t, home, job, step);
	if (st == OV_E_NOT_FOUND)
		st = sign_and_keep(&t, home, job, step, body);
	OV_TRY(st);
	put.body = OV_BUF_BYTES(&t.body);
	memcpy(put.job, job, OV_ID);
	memcpy(put.signature, t.signature, 64);
	put.seen = ov_session_seen(s);
	OV_TRY(ov_session_call(
	    s, OV_MSG_PUT_STEP, &put, OV_MSG_PROVEN, &proven, &owner, ANSWER_MS));
	step_leaf(leaf, &t);
	OV_TRY(ov_session_check_proven(
	    s, ov_step_leaf(step), OV_BYTES(leaf, sizeof(leaf)), &proven));
	OV_TRY(keep_proof(home, job, step, &proven));
done:
	ov_step_free(&t);
	ov_buf_free(&owner);
	return st;
}

static enum ov_status
ask_step(struct ov_step_text *out, struct ov_session *s, const uint8_t job[OV_ID],
    unsigned int step, uint32_t wait_ms, struct ov_msg_step *reply, struct ov_buf *owner)
{
	struct ov_msg_get_step ask = { .step = step, .wait_ms = wait_ms };
	enum ov_status st;

	memcpy(ask.job, job, OV_ID);
	ask.seen = ov_session_seen(s);
	OV_TRY(ov_session_call(
	    s, OV_MSG_GET_STEP, &ask, OV_MSG_STEP, reply, owner, ANSWER_MS + wait_ms));
	OV_REQUIRE(reply->step == step, OV_E_PROTO_UNEXPECTED);
	OV_TRY(ov_buf_append(&out->body, reply->body.p, reply->body.len));
	memcpy(out->signature, reply->signature, 64);
done:
	return st;
}

enum ov_status
ov_step_fetch(struct ov_step_text *out, struct ov_home *home, struct ov_session *s,
    const uint8_t job[OV_ID], unsigned int step, const uint8_t signer[32],
    uint32_t wait_ms)
{
	struct ov_msg_step reply;
	struct ov_msg_proven proven;
	struct ov_buf owner = { 0 };
	uint8_t leaf[OV_HASH_LEN];
	enum ov_status st;

	st = ov_step_load(out, home, job, step);
	if (st != OV_E_NOT_FOUND)
		return st;
	if (wait_ms > OV_WAIT_MAX)
		wait_ms = OV_WAIT_MAX;
	OV_TRY(ask_step(out, s, job, step, wait_ms, &reply, &owner));
	OV_TRY(ov_verify_vartime(
	    out->signature, signer, ov_step_context(step), OV_BUF_BYTES(&out->body)));
	step_leaf(leaf, out);
	OV_PROVEN_OF(&proven, &reply);
	OV_TRY(ov_session_check_proven(
	    s, ov_step_leaf(step), OV_BYTES(leaf, sizeof(leaf)), &proven));
	OV_TRY(ov_db_begin(home->db));
	OV_TRY(ov_step_keep(home, job, step, OV_BUF_BYTES(&out->body), out->signature));
	OV_TRY(put_proof(home, job, step, &proven)); /* never asked for again */
	OV_TRY(ov_db_commit(home->db, "job.step"));
done:
	ov_db_rollback(home->db);
	ov_buf_free(&owner);
	return st;
}

static enum ov_status
keep_conflict(
    struct ov_home *home, const uint8_t job[OV_ID], const struct ov_msg_step *second)
{
	enum ov_status st;

	OV_TRY(ov_db_begin(home->db));
	OV_TRY(ov_db_run(home->db,
	    "INSERT OR IGNORE INTO job_conflict(job, step, body, signature, leaf_index)"
	    " VALUES (?, ?, ?, ?, ?)",
	    OV_DB_BLOB(job, OV_ID), OV_DB_I64(second->step), OV_DB_BYTES(second->body),
	    OV_DB_BLOB(second->signature, 64), OV_DB_I64(second->index)));
	OV_TRY(ov_db_commit(home->db, "job.conflict"));
done:
	ov_db_rollback(home->db);
	return st;
}

/* *twice: what the broker told just now is another message than the first one. */
static enum ov_status
compare(bool *twice, struct ov_home *home, struct ov_session *s, const uint8_t job[OV_ID],
    const struct ov_step_text *first, const struct ov_step_text *now,
    const struct ov_msg_step *reply)
{
	struct ov_msg_proven proven;
	uint8_t leaf[OV_HASH_LEN];
	enum ov_status st;

	step_leaf(leaf, now);
	OV_PROVEN_OF(&proven, reply);
	OV_TRY(ov_session_check_proven(s, ov_step_leaf((unsigned int)reply->step),
	    OV_BYTES(leaf, sizeof(leaf)), &proven));
	*twice = now->body.len != first->body.len ||
		 memcmp(now->body.p, first->body.p, first->body.len) != 0;
	if (*twice)
		OV_TRY(keep_conflict(home, job, reply));
done:
	return st;
}

enum ov_status
ov_step_compare(bool *twice, struct ov_home *home, struct ov_session *s,
    const uint8_t job[OV_ID], unsigned int step, const uint8_t signer[32])
{
	struct ov_step_text first = { 0 }, now = { 0 };
	struct ov_buf owner = { 0 };
	struct ov_msg_step reply;
	enum ov_status st;

	*twice = false;
	st = ov_step_load(&first, home, job, step);
	if (st == OV_E_NOT_FOUND) {
		st = OV_OK;
		goto done;
	}
	OV_TRY(st);
	if (ask_step(&now, s, job, step, 0, &reply, &owner) == OV_OK &&
	    ov_verify_vartime(now.signature, signer, ov_step_context(step),
		OV_BUF_BYTES(&now.body)) == OV_OK)
		OV_TRY(compare(twice, home, s, job, &first, &now, &reply));
done:
	ov_step_free(&first);
	ov_step_free(&now);
	ov_buf_free(&owner);
	return st;
}
