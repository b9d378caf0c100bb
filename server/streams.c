#include "server/streams.h"

#include <string.h>

#include "common/log.h"
#include "proto/chunk.h"
#include "proto/slots.h"
#include "server/digests.h"
#include "server/dispatch.h"
#include "server/events.h"
#include "server/ledger.h"
#include "server/limits.h"

#define ERASE_ROUNDS 64 /* transactions before the caller looks around */
#define AHEAD_MAX 16	/* chunks that may come before their turn */
#define AHEAD_MS 10000	/* how long they are held for it */

/* Row width of the streams that the broker reads itself; 0: sealed. */
static size_t
row_width(unsigned int stream)
{
	if (stream == OV_STREAM_ROSTER_A || stream == OV_STREAM_ROSTER_B)
		return OV_ROSTER_ROW;
	if (stream == OV_STREAM_TAGS_A || stream == OV_STREAM_TAGS_B)
		return OV_TAG_ROW;
	return 0;
}

uint64_t
ov_stream_bytes(unsigned int stream, uint64_t count, uint64_t chunks)
{
	if (stream == OV_STREAM_POINTS_A || stream == OV_STREAM_POINTS_B)
		return OV_LEGEND_LEN + count * OV_POINT_ROW + chunks * OV_CHUNK_OVERHEAD;
	return count * row_width(stream);
}

uint64_t
ov_stream_rows(unsigned int stream, enum ov_role role, const struct ov_job *job)
{
	bool own = stream <= OV_STREAM_ROSTER_B; /* TAGS answer the other's points */

	if (stream > OV_STREAM_TAGS_B)
		return 0;
	return (role == OV_ROLE_A) == own ? job->slots_a : job->slots_b;
}

static enum ov_status
read_chunk(
    struct ov_buf *body, bool *last, struct ov_store *store, const struct ov_chunk_at *at)
{
	struct ov_tx *tx = NULL;
	enum ov_status st = OV_OK;

	body->len = 0;
	OV_TRY(ov_tx_begin(&tx, store));
	st = ov_store_chunk(tx, body, last, at);
	OV_REQUIRE(st != OV_E_NOT_FOUND, OV_E_PROTO_COUNT);
	OV_TRY(st);
done:
	ov_tx_end(&tx);
	return st;
}

enum ov_status
ov_stream_read(struct ov_store *store, const uint8_t job[OV_ID], unsigned int stream,
    enum ov_status (*visit)(void *arg, struct ov_bytes chunk), void *arg)
{
	struct ov_chunk_at at = { job, stream, 0 };
	struct ov_buf body = { 0 };
	enum ov_status st = OV_OK;
	bool last = false;

	for (; !last; at.index++) {
		OV_TRY(read_chunk(&body, &last, store, &at));
		OV_TRY(visit(arg, OV_BUF_BYTES(&body)));
	}
done:
	ov_buf_free(&body);
	return st;
}

static enum ov_status
add_to_digest(void *arg, struct ov_bytes chunk)
{
	ov_hash_lv(arg, chunk.p, chunk.len);
	return OV_OK;
}

/* Reads the whole stream, once: who sends COMPLETE after COMPLETE costs no more. */
static enum ov_status
measure(uint8_t digest[OV_DIGEST], struct ov_store *store, const uint8_t job[OV_ID],
    unsigned int stream)
{
	struct ov_hash h;
	struct ov_tx *tx = NULL;
	enum ov_status st = OV_OK;

	ov_stream_digest_init(&h, (uint8_t)stream);
	OV_TRY(ov_stream_read(store, job, stream, add_to_digest, &h));
	ov_hash_final(&h, digest);
	OV_TRY(ov_tx_begin(&tx, store));
	OV_TRY(ov_store_stream_measured(tx, job, stream, digest));
	OV_TRY(ov_tx_commit(&tx, "stream.measure"));
done:
	ov_tx_end(&tx);
	return st;
}

enum ov_status
ov_stream_measure(
    struct ov_put *put, const struct ov_company *who, const uint8_t id[OV_ID])
{
	unsigned int stream = (unsigned int)put->m.complete.stream;
	struct ov_job job;
	struct ov_tx *tx = NULL;
	enum ov_role role;
	enum ov_status st = OV_OK;

	OV_TRY(ov_tx_begin(&tx, put->broker->store));
	OV_TRY(ov_job_of(&job, &role, tx, id, who->id));
	OV_TRY(ov_store_stream(tx, &put->stream, id, stream));
	ov_tx_end(&tx);
	/* Already stored (a repeat), not the sender's stream or not a whole one: the
	 * step's checks say it. */
	if (!put->stream.last || (job.steps & 1U << put->step) != 0 ||
	    ov_stream_sender(stream) != role)
		return OV_OK;
	if (put->stream.measured)
		memcpy(put->sent, put->stream.digest, OV_DIGEST);
	else
		OV_TRY(measure(put->sent, put->broker->store, id, stream));
done:
	ov_tx_end(&tx);
	return st;
}

enum ov_status
ov_streams_erase(const struct ov_broker *b, bool *more)
{
	struct ov_tx *tx = NULL;
	enum ov_status st = OV_OK;

	*more = true;
	for (unsigned int i = 0; i < ERASE_ROUNDS && *more; i++) {
		OV_TRY(ov_tx_begin(&tx, b->store));
		OV_TRY(ov_store_streams_erase(tx, more));
		OV_TRY(ov_tx_commit(&tx, "streams.erase"));
	}
done:
	ov_tx_end(&tx);
	return st;
}

/* A chunk of this stream from this side, now. */
static enum ov_status
check_chunk(enum ov_job_state *to, const struct ov_job *job, enum ov_role role,
    const struct ov_msg_put_chunk *m)
{
	unsigned int stream = (unsigned int)m->stream;
	bool fields = stream == OV_STREAM_FIELDS_A || stream == OV_STREAM_FIELDS_B;
	size_t width = row_width(stream);

	if (ov_stream_sender(stream) != role)
		return OV_E_BROKER_DENIED;
	if (m->body.len == 0) /* would count for nothing */
		return OV_E_PROTO_COUNT;
	if (width > 0 &&
	    (m->body.len % width != 0 || m->body.len / width > OV_CHUNK_SLOTS))
		return OV_E_PROTO_COUNT;
	/* CLOSE is the last word of a side. */
	if ((job->steps &
		1U << (role == OV_ROLE_A ? OV_STEP_CLOSE_A : OV_STEP_CLOSE_B)) != 0)
		return OV_E_PROTO_UNEXPECTED;
	/* FIELDS, and nothing else, after both confirmations. */
	if (fields != (job->state == OV_JOB_CONFIRMING))
		return OV_E_PROTO_UNEXPECTED;
	if (fields && (job->steps & 1U << OV_STEP_CONFIRMED_A) == 0)
		return OV_E_PROTO_UNEXPECTED;
	return ov_job_step(to, job->state, role, OV_STEP_CHUNK);
}

/* Not more than the rows that were announced. */
static enum ov_status
check_size(struct ov_tx *tx, const struct ov_job *job, enum ov_role role,
    const struct ov_msg_put_chunk *m)
{
	unsigned int stream = (unsigned int)m->stream;
	uint64_t rows = ov_stream_rows(stream, role, job);
	struct ov_stream_row row;
	enum ov_status st = ov_store_stream(tx, &row, job->id, stream);

	if (st == OV_OK && rows > 0 &&
	    row.bytes + m->body.len > ov_stream_bytes(stream, rows, m->index + 1))
		return OV_E_PROTO_COUNT;
	return st;
}

/* The digest grows with the stream, and stands with the last chunk, if all chunks came to
 * this process. */
static enum ov_status
grow_digest(struct ov_call *c, struct ov_tx *tx, const struct ov_chunk_at *at,
    const struct ov_msg_put_chunk *m)
{
	uint8_t digest[OV_DIGEST];

	if (at->stream > OV_STREAM_TAGS_B) /* has no COMPLETE */
		return OV_OK;
	ov_digests_add(c->broker->digests, at, m->body);
	if (m->last == 0 || !ov_digests_end(c->broker->digests, digest, at))
		return OV_OK;
	return ov_store_stream_measured(tx, at->job, at->stream, digest);
}

/* A chunk that was not there before; the first one of a job charges it. */
static enum ov_status
take_chunk(struct ov_call *c, struct ov_tx *tx, struct ov_job *job, enum ov_role role,
    const struct ov_msg_put_chunk *m)
{
	struct ov_chunk_at at = { job->id, (unsigned int)m->stream, (uint32_t)m->index };
	enum ov_job_state to;
	enum ov_put_result how;
	enum ov_status st = OV_OK;

	OV_TRY(check_chunk(&to, job, role, m));
	OV_TRY(check_size(tx, job, role, m));
	OV_TRY(ov_limit_stored(c, tx, m->body.len));
	OV_TRY(ov_store_chunk_put(tx, &how, &at, m->last != 0, m->body, c->who.id));
	OV_REQUIRE(how == OV_PUT_NEW, OV_E_BUG);
	OV_TRY(grow_digest(c, tx, &at, m));
	if (job->state == OV_JOB_ACCEPTED)
		OV_TRY(ov_ledger_charge(tx, job, c->now));
	if (job->state != to) {
		job->state = to;
		OV_TRY(ov_store_job_update(tx, job));
	}
done:
	return st;
}

/* A chunk that is stored: the same again is carried out. */
static enum ov_status
repeat_chunk(struct ov_tx *tx, const struct ov_msg_put_chunk *m, const struct ov_job *job)
{
	struct ov_chunk_at at = { job->id, (unsigned int)m->stream, (uint32_t)m->index };
	enum ov_put_result how;
	enum ov_status st =
	    ov_store_chunk_put(tx, &how, &at, m->last != 0, m->body, NULL);

	return st == OV_OK && how != OV_PUT_SAME ? OV_E_DB_CONFLICT : st;
}

enum ov_status
ov_handle_put_chunk(struct ov_call *c, const union ov_msg_any *any)
{
	const struct ov_msg_put_chunk *m = &any->put_chunk;
	struct ov_msg_done reply = { .seq = m->index };
	struct ov_stream_row row;
	struct ov_job job;
	struct ov_tx *tx = NULL;
	enum ov_role role;
	enum ov_status st = OV_OK;

	OV_TRY(ov_call_begin(&tx, c));
	OV_TRY(ov_job_of(&job, &role, tx, m->job, c->who.id));
	OV_REQUIRE(!ov_job_final(job.state), ov_job_why_not(&job));
	OV_REQUIRE(ov_stream_sender((unsigned int)m->stream) == role, OV_E_BROKER_DENIED);
	OV_TRY(ov_store_stream(tx, &row, job.id, (unsigned int)m->stream));
	if (!row.last && m->index > row.next && m->index - row.next <= AHEAD_MAX) {
		/* calls of one connection are handled side by side: the chunk before this
		 * one is under way, and the call is held until it is there */
		memcpy(c->wait_id, m->job, OV_ID);
		c->wait_ms = AHEAD_MS;
		st = OV_E_BROKER_WAIT;
		goto done;
	}
	if (m->index < row.next)
		OV_TRY(repeat_chunk(tx, m, &job));
	else
		OV_TRY(take_chunk(c, tx, &job, role, m));
	OV_TRY(ov_call_reply(c, OV_MSG_DONE, &reply));
	OV_TRY(ov_tx_commit(&tx, "chunk.put"));
	ov_events_fire(c->broker->events, job.id);
done:
	ov_tx_end(&tx);
	return st;
}

/* A view is written chunk by chunk and may be begun anew: it is there with its REPORT. */
static bool
is_withheld(const struct ov_job *job, unsigned int stream)
{
	return ov_stream_sender(stream) == OV_ROLE_S &&
	       (job->steps & 1U << OV_STEP_REPORT) == 0;
}

enum ov_status
ov_handle_get_chunk(struct ov_call *c, const union ov_msg_any *any)
{
	const struct ov_msg_get_chunk *m = &any->get_chunk;
	struct ov_chunk_at at = { m->job, (unsigned int)m->stream, (uint32_t)m->index };
	struct ov_msg_chunk reply = { 0 };
	struct ov_buf body = { 0 };
	struct ov_stream_row row;
	struct ov_job job;
	struct ov_tx *tx = NULL;
	enum ov_role role;
	enum ov_status st = OV_OK;
	bool last;

	memcpy(c->wait_id, m->job, OV_ID);
	c->wait_ms = (uint32_t)m->wait_ms;
	OV_TRY(ov_call_begin(&tx, c));
	OV_TRY(ov_job_of(&job, &role, tx, m->job, c->who.id));
	OV_REQUIRE(ov_stream_receiver(at.stream) == role, OV_E_BROKER_DENIED);
	OV_REQUIRE(!is_withheld(&job, at.stream), ov_job_why_not(&job));
	OV_TRY(ov_store_stream(tx, &row, job.id, at.stream));
	/* Past the last chunk there will never be one. */
	OV_REQUIRE(at.index < row.next || !row.last, OV_E_NOT_FOUND);
	st = ov_store_chunk(tx, &body, &last, &at);
	OV_REQUIRE(st != OV_E_NOT_FOUND, ov_job_why_not(&job));
	OV_TRY(st);
	ov_tx_end(&tx); /* before the copy into the answer */
	reply.last = last;
	reply.body = OV_BUF_BYTES(&body);
	OV_TRY(ov_call_reply(c, OV_MSG_CHUNK, &reply));
done:
	ov_tx_end(&tx);
	ov_buf_free(&body);
	return st;
}

enum ov_status
ov_handle_have(struct ov_call *c, const union ov_msg_any *m)
{
	unsigned int stream = (unsigned int)m->have.stream;
	struct ov_msg_have_reply reply = { 0 };
	struct ov_stream_row row;
	struct ov_job job;
	struct ov_tx *tx = NULL;
	enum ov_role role;
	enum ov_status st = OV_OK;

	OV_TRY(ov_call_begin(&tx, c));
	OV_TRY(ov_job_of(&job, &role, tx, m->have.job, c->who.id));
	OV_REQUIRE(ov_stream_sender(stream) == role || ov_stream_receiver(stream) == role,
	    OV_E_BROKER_DENIED);
	OV_TRY(ov_store_stream(tx, &row, job.id, stream));
	if (!is_withheld(&job, stream)) {
		reply.next = row.next;
		reply.last = row.last;
	}
	OV_TRY(ov_call_reply(c, OV_MSG_HAVE_REPLY, &reply));
done:
	ov_tx_end(&tx);
	return st;
}
