#include "client/job/outbox.h"

#include <string.h>

#include "common/crypto/memory.h"
#include "proto/chunk.h"

#define ANSWER_MS 60000

enum ov_status
ov_outbox_init(struct ov_outbox *b, struct ov_home *home, struct ov_session *session,
    const uint8_t job[16], uint8_t stream)
{
	struct ov_msg_have ask = { .stream = stream };
	struct ov_msg_have_reply have;
	struct ov_buf owner = { 0 };
	enum ov_status st;

	memset(b, 0, sizeof(*b));
	b->home = home;
	b->session = session;
	b->job = job;
	b->stream = stream;
	ov_stream_digest_init(&b->plain, stream);
	ov_stream_digest_init(&b->sent, stream);
	memcpy(ask.job, job, sizeof(ask.job));
	OV_TRY(ov_session_call(
	    session, OV_MSG_HAVE, &ask, OV_MSG_HAVE_REPLY, &have, &owner, ANSWER_MS));
	b->have = (uint32_t)have.next;
done:
	ov_buf_free(&owner);
	return st;
}

static enum ov_status
wait_oldest(struct ov_outbox *b)
{
	struct ov_msg_done reply;
	struct ov_buf owner = { 0 };
	enum ov_status st;

	st = ov_session_wait(
	    b->session, &b->pending[0], OV_MSG_DONE, &reply, &owner, ANSWER_MS);
	ov_buf_free(&owner);
	if (b->pending[0] != NULL) {
		ov_session_forget(b->session, b->pending[0]);
		b->pending[0] = NULL;
	}
	b->n_pending--;
	memmove(&b->pending[0], &b->pending[1], b->n_pending * sizeof(b->pending[0]));
	b->pending[b->n_pending] = NULL;
	return st;
}

/* The digest in the egress log is of the bytes that leave. */
static enum ov_status
log_egress(struct ov_outbox *b, uint32_t index, struct ov_bytes sent)
{
	static const uint8_t no_key[32] = { 0 };
	uint8_t digest[32];
	enum ov_status st;

	ov_blake2b(digest, sizeof(digest), no_key, sent, OV_BYTES(NULL, 0));
	OV_TRY(ov_db_begin(b->home->db));
	OV_TRY(ov_db_run(b->home->db,
	    "INSERT OR IGNORE INTO egress(job, stream, chunk, bytes, digest, time)"
	    " VALUES (?, ?, ?, ?, ?, ?)",
	    OV_DB_BLOB(b->job, 16), OV_DB_I64(b->stream), OV_DB_I64(index),
	    OV_DB_I64(sent.len), OV_DB_BLOB(digest, sizeof(digest)),
	    OV_DB_I64(ov_home_now(b->home))));
	OV_TRY(ov_db_commit(b->home->db, "job.egress"));
done:
	ov_db_rollback(b->home->db);
	return st;
}

enum ov_status
ov_outbox_put(struct ov_outbox *b, uint32_t index, bool last, struct ov_bytes plain,
    struct ov_bytes sent)
{
	struct ov_msg_put_chunk m = {
		.stream = b->stream, .index = index, .last = last, .body = sent
	};
	enum ov_status st = OV_OK;

	ov_hash_lv(&b->sent, sent.p, sent.len);
	if (plain.p != sent.p) {
		ov_hash_lv(&b->plain, plain.p, plain.len);
		b->sealed = true;
	}
	if (index < b->have)
		return OV_OK;
	OV_TRY(log_egress(b, index, sent));
	while (b->n_pending == OV_OUTBOX_WINDOW)
		OV_TRY(wait_oldest(b));
	memcpy(m.job, b->job, sizeof(m.job));
	OV_TRY(ov_session_start(
	    &b->pending[b->n_pending], b->session, OV_MSG_PUT_CHUNK, &m));
	b->n_pending++;
done:
	return st;
}

enum ov_status
ov_outbox_flush(
    struct ov_outbox *b, uint8_t plain[OV_HASH_LEN], uint8_t sent[OV_HASH_LEN])
{
	enum ov_status st = OV_OK;

	while (b->n_pending > 0)
		OV_TRY(wait_oldest(b));
	ov_hash_final(&b->sent, sent);
	if (b->sealed)
		ov_hash_final(&b->plain, plain);
	else
		memcpy(plain, sent, OV_HASH_LEN);
done:
	return st;
}

void
ov_outbox_fini(struct ov_outbox *b)
{
	for (size_t i = 0; i < b->n_pending; i++)
		ov_session_forget(b->session, b->pending[i]);
	b->n_pending = 0;
	ov_wipe(&b->plain, sizeof(b->plain));
	ov_wipe(&b->sent, sizeof(b->sent));
}
