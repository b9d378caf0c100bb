#include "client/job/view.h"

#include <string.h>

#include "client/book/icp_asked.h"
#include "client/job/counted.h"
#include "client/job/verify.h"
#include "common/clock.h"
#include "common/crypto/memory.h"

#define ANSWER_MS 60000
#define ROWS_PER_CHUNK OV_CHUNK_SLOTS
#define FETCHED 128 /* rows whose memory is asked for together */

static enum ov_role
other_role(const struct ov_view_input *in)
{
	return in->job->role == OV_ROLE_A ? OV_ROLE_B : OV_ROLE_A;
}

/* A step that must come within the run's patience, unless the job ended. */
static enum ov_status
await_step(struct ov_step_text *out, const struct ov_view_input *in, unsigned int step,
    const uint8_t signer[32])
{
	uint64_t give_up = ov_clock_ms() + in->run->wait_ms;
	uint32_t wait = in->run->wait_ms < 10000 ? in->run->wait_ms : 10000;
	enum ov_status st;

	do {
		if (in->run->cancel != NULL && atomic_load(in->run->cancel))
			return OV_E_CANCELLED;
		st = ov_step_fetch(out, in->run->home, in->run->session, in->job->id,
		    step, signer, wait);
		if (st != OV_E_BROKER_WAIT)
			return st;
		out->body.len = 0;
	} while (ov_clock_ms() < give_up);
	return OV_E_JOB_WAITING;
}

static bool
sum_fits(const struct ov_msg_complete *m, const struct ov_stream_sum *s)
{
	return m->count == s->count && memcmp(m->plain, s->plain, OV_HASH_LEN) == 0 &&
	       memcmp(m->sent, s->sent, OV_HASH_LEN) == 0;
}

/* One COMPLETE: ours from the database, the partner's from the broker.  Its digest goes
 * where REPORT must have it. */
static enum ov_status
take_complete(
    uint8_t digest[OV_HASH_LEN], const struct ov_view_input *in, unsigned int stream)
{
	unsigned int step = ov_stream_complete_step(stream);
	bool mine = ov_stream_sender(stream) == in->job->role;
	struct ov_step_text t = { 0 };
	struct ov_msg_complete m;
	uint32_t count = stream == ov_stream_of(OV_STREAM_TAGS_A, other_role(in))
			     ? in->job->slots
			     : in->live->other_slots;
	enum ov_status st;

	OV_TRY(mine ? ov_step_load(&t, in->run->home, in->job->id, step)
		    : await_step(&t, in, step, in->live->partner.identity));
	OV_TRY(ov_msg_decode(&m, OV_MSG_COMPLETE, OV_BUF_BYTES(&t.body)));
	if (!mine) {
		OV_REQUIRE(memcmp(m.job, in->job->id, OV_ID) == 0 &&
			       memcmp(m.th, in->live->th, OV_HASH_LEN) == 0 &&
			       m.stream == stream,
		    OV_E_PROTO_DIGEST);
		OV_REQUIRE(m.count == count, OV_E_PROTO_COUNT);
	}
	if (stream == ov_stream_of(OV_STREAM_POINTS_A, other_role(in)))
		OV_REQUIRE(sum_fits(&m, &in->exchange->points_in), OV_E_PROTO_DIGEST);
	ov_digest(digest, "complete", OV_BUF_BYTES(&t.body));
done:
	ov_step_free(&t);
	return st;
}

static enum ov_status
check_report(
    struct ov_msg_report *m, struct ov_step_text *t, const struct ov_view_input *in)
{
	uint8_t want[6 * OV_HASH_LEN];
	enum ov_status st;

	for (unsigned int stream = OV_STREAM_POINTS_A; stream <= OV_STREAM_TAGS_B;
	     stream++)
		OV_TRY(take_complete(want + (stream - 1) * OV_HASH_LEN, in, stream));
	st = await_step(t, in, OV_STEP_REPORT, in->run->home->broker.report_key);
	OV_REQUIRE(st != OV_E_CRYPTO_SIGNATURE, OV_E_PROTO_MISBEHAVED);
	OV_TRY(st);
	OV_REQUIRE(ov_msg_decode(m, OV_MSG_REPORT, OV_BUF_BYTES(&t->body)) == OV_OK,
	    OV_E_PROTO_MISBEHAVED);
	OV_REQUIRE(memcmp(m->job, in->job->id, OV_ID) == 0 &&
		       memcmp(m->th, in->live->th, OV_HASH_LEN) == 0 &&
		       memcmp(m->completes.p, want, sizeof(want)) == 0,
	    OV_E_PROTO_MISBEHAVED);
done:
	return st;
}

/* --- the view, chunk by chunk --- */

struct reader {
	const struct ov_view_input *in;
	struct ov_verify verify;
	struct ov_hash digest;
	struct ov_msg_view view;
	struct ov_buf head; /* chunk 0, which view borrows from */
	struct ov_charges charges;
};

static enum ov_status
get_chunk(struct ov_buf *owner, struct ov_bytes *body, struct reader *r, uint32_t index,
    bool last)
{
	const struct ov_view_input *in = r->in;
	struct ov_msg_get_chunk ask = {
		.stream = ov_stream_of(OV_STREAM_VIEW_A, in->job->role),
		.index = index,
		.wait_ms = 10000,
	};
	struct ov_msg_chunk reply;
	enum ov_status st;

	memcpy(ask.job, in->job->id, OV_ID);
	OV_TRY(ov_session_call(in->run->session, OV_MSG_GET_CHUNK, &ask, OV_MSG_CHUNK,
	    &reply, owner, ANSWER_MS));
	OV_REQUIRE(index == 0 || (reply.last == 1) == last, OV_E_PROTO_MISBEHAVED);
	*body = reply.body;
	ov_hash_lv(&r->digest, body->p, body->len);
done:
	return st;
}

/* The account behind the record is looked up when somebody reads the report. */
#define INSERT_MATCHES                                                                   \
	"INSERT INTO job_match(job, number, rank, label, population, fit, record, "      \
	"kind) "                                                                         \
	"VALUES "
#define MATCH "(?1, ?, ?, ?, ?, ?, ?, ?)"
#define M(m)                                                                             \
	OV_DB_I64((m).number), OV_DB_I64((m).rank), OV_DB_I64((m).label),                \
	    OV_DB_I64(OV_LABEL_POPULATION((m).record->label)),                           \
	    OV_DB_I64(OV_FIT_OWN((m).record->fit)), OV_DB_I64((m).record->account),      \
	    OV_DB_TEXT((m).kind)

/* Eight at a time: to begin and to end a statement costs as much as a row. */
#define AT_ONCE 8
static enum ov_status
keep_matches(struct reader *r, const struct ov_match *m, size_t n)
{
	struct ov_db *db = r->in->run->home->db;
	struct ov_db_value job = OV_DB_BLOB(r->in->job->id, OV_ID);
	enum ov_status st = OV_OK;

	if (n == AT_ONCE)
		return ov_db_run(db,
		    INSERT_MATCHES MATCH "," MATCH "," MATCH "," MATCH "," MATCH "," MATCH
					 "," MATCH "," MATCH,
		    job, M(m[0]), M(m[1]), M(m[2]), M(m[3]), M(m[4]), M(m[5]), M(m[6]),
		    M(m[7]));
	for (size_t i = 0; i < n; i++)
		OV_TRY(ov_db_run(db, INSERT_MATCHES MATCH, job, M(m[i])));
done:
	return st;
}

static enum ov_status
take_some(struct reader *r, const uint8_t *rows, size_t n)
{
	struct ov_match m[FETCHED];
	enum ov_status st = OV_OK;

	ov_verify_fetch(&r->verify, rows, n);
	for (size_t i = 0; i < n; i++)
		OV_TRY(ov_verify_row(&m[i], &r->verify, rows + i * OV_MATCH_ROW));
	for (size_t i = 0; i < n; i += AT_ONCE)
		OV_TRY(keep_matches(r, m + i, n - i < AT_ONCE ? n - i : AT_ONCE));
done:
	return st;
}

static enum ov_status
take_rows(struct reader *r, struct ov_bytes rows, uint32_t n)
{
	struct ov_db *db = r->in->run->home->db;
	enum ov_status st;

	OV_REQUIRE(rows.len == (size_t)n * OV_MATCH_ROW, OV_E_PROTO_MISBEHAVED);
	OV_TRY(ov_db_begin(db));
	for (uint32_t i = 0; i < n; i += FETCHED)
		OV_TRY(take_some(r, rows.p + (size_t)i * OV_MATCH_ROW,
		    n - i < FETCHED ? n - i : FETCHED));
	OV_TRY(ov_db_commit(db, "job.matches"));
done:
	ov_db_rollback(db);
	return st;
}

static enum ov_status
read_head(struct reader *r)
{
	struct ov_buf owner = { 0 };
	struct ov_bytes body;
	enum ov_status st;

	OV_TRY(get_chunk(&owner, &body, r, 0, false));
	OV_TRY(ov_buf_append(&r->head, body.p, body.len));
	OV_REQUIRE(ov_msg_decode(&r->view, OV_MSG_VIEW, OV_BUF_BYTES(&r->head)) == OV_OK,
	    OV_E_PROTO_MISBEHAVED);
	OV_REQUIRE(memcmp(r->view.job, r->in->job->id, OV_ID) == 0 &&
		       r->view.receiver == (uint64_t)r->in->job->role &&
		       r->view.matches <= r->in->job->records,
	    OV_E_PROTO_MISBEHAVED);
done:
	ov_buf_free(&owner);
	return st;
}

/* The part of the view that no proof is about. */
static enum ov_status
check_counted(const struct reader *r)
{
	const struct ov_terms *terms = &r->in->live->terms;
	const struct ov_list *list = r->in->deck->list;
	uint32_t accounts[OV_POPULATIONS_MAX + 1] = { 0 };
	const struct ov_counted_input in = { .release = &terms->release,
		.mine = terms->low ? 0 : 1,
		.theirs = terms->low ? 1 : 0,
		.allowed = r->in->live->other_counts,
		.epsilon_charged = r->charges.view[r->in->job->role].epsilon_milli,
		.accounts = accounts,
		.their_slots = r->in->live->other_slots };

	for (size_t i = 0; i < list->n_records; i++)
		accounts[OV_LABEL_POPULATION(list->records[i].label)]++;
	return ov_counted_verify(&in, &r->view);
}

static enum ov_status
read_view(struct reader *r, const uint8_t want[OV_HASH_LEN])
{
	struct ov_buf owner = { 0 };
	uint8_t digest[OV_HASH_LEN];
	uint32_t left;
	enum ov_status st;

	OV_TRY(read_head(r));
	left = (uint32_t)r->view.matches;
	for (uint32_t index = 1; left > 0; index++) {
		uint32_t n = left < ROWS_PER_CHUNK ? left : ROWS_PER_CHUNK;
		struct ov_bytes rows;

		left -= n;
		OV_TRY(get_chunk(&owner, &rows, r, index, left == 0));
		OV_TRY(take_rows(r, rows, n));
	}
	ov_hash_final(&r->digest, digest);
	OV_REQUIRE(memcmp(digest, want, sizeof(digest)) == 0, OV_E_PROTO_MISBEHAVED);
	OV_TRY(ov_verify_view(&r->verify, &r->view));
	OV_TRY(check_counted(r));
done:
	ov_buf_free(&owner);
	return st;
}

/* Matches of an interrupted or void reading are not kept. */
static enum ov_status
forget_matches(const struct ov_view_input *in)
{
	struct ov_db *db = in->run->home->db;
	enum ov_status st;

	OV_TRY(ov_db_begin(db));
	OV_TRY(ov_db_run(
	    db, "DELETE FROM job_match WHERE job = ?", OV_DB_BLOB(in->job->id, OV_ID)));
	OV_TRY(ov_db_commit(db, "job.forget"));
done:
	ov_db_rollback(db);
	return st;
}

static enum ov_status
keep_cells(struct ov_db *db, const struct ov_view_input *in, struct ov_bytes cells)
{
	enum ov_status st = OV_OK;

	for (size_t i = 0; i + OV_CELL_ROW <= cells.len; i += OV_CELL_ROW) {
		struct ov_cell_row c;

		ov_cell_unpack(&c, cells.p + i);
		OV_TRY(ov_db_run(db,
		    "INSERT INTO job_cell(job, own, other, pairs, fit_own, fit_other,"
		    " plus_minus, plus_minus_fit) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
		    OV_DB_BLOB(in->job->id, OV_ID), OV_DB_I64(c.own), OV_DB_I64(c.other),
		    OV_DB_I64(c.pairs), OV_DB_I64(c.fit_own), OV_DB_I64(c.fit_other),
		    OV_DB_I64(c.plus_minus), OV_DB_I64(c.plus_minus_fit)));
	}
done:
	return st;
}

static enum ov_status
keep_held(struct ov_db *db, const struct ov_view_input *in, struct ov_bytes held)
{
	enum ov_status st = OV_OK;

	for (size_t i = 0; i + OV_HELD_ROW <= held.len; i += OV_HELD_ROW) {
		struct ov_held_row h;

		ov_held_unpack(&h, held.p + i);
		OV_TRY(ov_db_run(db,
		    "INSERT INTO job_held(job, population, reason, next)"
		    " VALUES (?, ?, ?, ?)",
		    OV_DB_BLOB(in->job->id, OV_ID), OV_DB_I64(h.population),
		    OV_DB_I64(h.reason), OV_DB_I64(h.next)));
	}
done:
	return st;
}

/* The report stands from here on: one transaction. */
static enum ov_status
keep_report(struct reader *r)
{
	struct ov_db *db = r->in->run->home->db;
	struct ov_job *j = r->in->job;
	enum ov_status st;

	OV_TRY(ov_db_begin(db));
	OV_TRY(keep_cells(db, r->in, r->view.cells));
	OV_TRY(keep_held(db, r->in, r->view.held));
	OV_TRY(ov_db_run(db, "UPDATE job SET state = ?, matches = ? WHERE id = ?",
	    OV_DB_I64(OV_JOB_REPORTED), OV_DB_I64(r->view.matches),
	    OV_DB_BLOB(j->id, OV_ID)));
	OV_TRY(ov_db_commit(db, "job.report"));
	j->state = OV_JOB_REPORTED;
	j->matches = (uint32_t)r->view.matches;
done:
	ov_db_rollback(db);
	return st;
}

/* Populations of the partner whose records may stand in this view. */
static uint16_t
visible_populations(const struct ov_terms *terms)
{
	uint16_t bits = 0;

	for (size_t i = 0; i < terms->n_theirs; i++)
		if (terms->theirs[i].level >= OV_LEVEL_MATCHES)
			bits |= (uint16_t)(2U << i);
	return bits;
}

enum ov_status
ov_view_fetch(const struct ov_view_input *in)
{
	enum ov_role other = other_role(in);
	unsigned int theirs = in->live->terms.low ? 1 : 0;
	const struct ov_verify_input check = { in->deck, in->exchange->tags,
		in->live->other_slots, in->keys->proof[other], in->keys->roster[other],
		visible_populations(&in->live->terms),
		in->live->terms.release.bands[theirs],
		in->live->terms.release.fit[theirs] };
	struct reader r = { .in = in };
	struct ov_step_text report = { 0 };
	struct ov_msg_report m;
	enum ov_status st;

	OV_TRY(check_report(&m, &report, in));
	ov_charges_unpack(&r.charges, m.charges.p);
	OV_TRY(ov_verify_init(&r.verify, &check));
	ov_stream_digest_init(
	    &r.digest, (uint8_t)ov_stream_of(OV_STREAM_VIEW_A, in->job->role));
	OV_TRY(forget_matches(in));
	st = read_view(&r, in->job->role == OV_ROLE_A ? m.view_a : m.view_b);
	if (st == OV_OK)
		st = keep_report(&r);
	else if (st == OV_E_PROTO_MISBEHAVED && forget_matches(in) != OV_OK)
		st = OV_E_DB_FAILED;
done:
	ov_verify_fini(&r.verify);
	ov_buf_free(&r.head);
	ov_step_free(&report);
	return st;
}

static enum ov_status
keep_population(struct ov_db *db, const struct ov_job *j, int side, size_t number,
    const struct ov_population *p, uint32_t accounts)
{
	return ov_db_run(db,
	    "INSERT OR IGNORE INTO job_population(job, side, number, name, accounts, "
	    "level)"
	    " VALUES (?, ?, ?, ?, ?, ?)",
	    OV_DB_BLOB(j->id, OV_ID), OV_DB_I64(side), OV_DB_I64(number),
	    OV_DB_TEXT(p->name), OV_DB_I64(accounts), OV_DB_I64(p->level));
}

enum ov_status
ov_view_size(struct ov_home *home, const struct ov_job *j, uint32_t size)
{
	enum ov_status st;

	OV_TRY(ov_db_begin(home->db));
	OV_TRY(ov_db_run(home->db, "UPDATE job SET other_size = ? WHERE id = ?",
	    OV_DB_I64(size), OV_DB_BLOB(j->id, OV_ID)));
	OV_TRY(ov_db_commit(home->db, "job.size"));
done:
	ov_db_rollback(home->db);
	return st;
}

/* Names of the own bands, by which the partner answers. */
static enum ov_status
keep_bands(struct ov_home *home, const struct ov_job *j, const struct ov_terms *terms)
{
	struct ov_shared_columns columns;
	struct ov_buf text = { 0 };
	struct ov_icp *icp = NULL;
	enum ov_status st = OV_OK;

	if (!terms->release.bands[terms->low ? 1 : 0])
		goto done;
	OV_TRY(ov_terms_criteria(&text, &columns, home, terms, OV_CRITERIA_MINE));
	OV_TRY(ov_icp_read_asked(&icp, OV_BUF_BYTES(&text), NULL));
	for (uint8_t b = 1; b <= ov_icp_n_bands(icp); b++)
		OV_TRY(ov_db_run(home->db,
		    "INSERT OR IGNORE INTO job_band(job, band, name) VALUES (?, ?, ?)",
		    OV_DB_BLOB(j->id, OV_ID), OV_DB_I64(b),
		    OV_DB_TEXT(ov_icp_band_name(icp, b))));
done:
	ov_icp_free(icp);
	ov_buf_free(&text);
	return st;
}

enum ov_status
ov_view_populations(struct ov_home *home, const struct ov_job *j,
    const struct ov_terms *terms, const struct ov_list *list)
{
	uint32_t accounts[OV_POPULATIONS_MAX + 1] = { 0 };
	enum ov_status st;

	for (size_t i = 0; i < list->n_records; i++)
		accounts[OV_LABEL_POPULATION(list->records[i].label)]++;
	OV_TRY(ov_db_begin(home->db));
	for (size_t i = 0; i < terms->n_mine; i++)
		OV_TRY(keep_population(
		    home->db, j, 0, i + 1, &terms->mine[i], accounts[i + 1]));
	for (size_t i = 0; i < terms->n_theirs; i++)
		OV_TRY(keep_population(home->db, j, 1, i + 1, &terms->theirs[i], 0));
	OV_TRY(keep_bands(home, j, terms));
	OV_TRY(ov_db_commit(home->db, "job.populations"));
done:
	ov_db_rollback(home->db);
	return st;
}
