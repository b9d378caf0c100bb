/* What the broker checks of a signed step before it keeps it (PROTOCOL.md 7). */
#include <string.h>

#include "proto/agree.h"
#include "proto/keys.h"
#include "proto/slots.h"
#include "proto/terms.h"
#include "server/jobs.h"
#include "server/ledger.h"
#include "server/streams.h"

static const uint8_t *
low_of(const uint8_t one[OV_ID], const uint8_t other[OV_ID])
{
	return ov_is_low(one, other) ? one : other;
}

static const uint8_t *
high_of(const uint8_t one[OV_ID], const uint8_t other[OV_ID])
{
	return ov_is_low(one, other) ? other : one;
}

enum ov_status
ov_job_release(struct ov_release *out, struct ov_terms_row *row, struct ov_tx *tx,
    const struct ov_job *job)
{
	struct ov_terms_bytes text = { 0 };
	enum ov_status st = OV_OK;

	OV_TRY(ov_store_terms(
	    tx, row, &text, low_of(job->a, job->b), high_of(job->a, job->b), job->terms));
	OV_TRY(ov_release_decode(out, OV_BUF_BYTES(&text.release)));
done:
	ov_terms_bytes_free(&text);
	return st;
}

/* Fields that PROPOSE and ACCEPT share, so that one check reads both. */
struct offer {
	uint64_t version, slots, created, expiry, counts;
	const uint8_t *terms, *release;
	struct ov_bytes unchanged;
};
#define OFFER(m)                                                                         \
	{                                                                                \
		(m).version, (m).slots, (m).created, (m).expiry, (m).counts, (m).terms,  \
		    (m).release, (m).unchanged_since                                     \
	}

static enum ov_status
check_times(const struct offer *o, int64_t now)
{
	uint64_t t = (uint64_t)now;

	if (o->created > t + OV_CLOCK_SKEW)
		return OV_E_PROTO_CLOCK;
	if (o->expiry <= o->created || o->expiry - o->created > OV_EXPIRY_MAX)
		return OV_E_WIRE_RANGE;
	return o->expiry <= t ? OV_E_PROTO_EXPIRED : OV_OK;
}

/* Slots are padded, at most the cap padded, at least the minimum list padded. */
static enum ov_status
check_slots(uint64_t slots, const struct ov_release *r, const struct ov_broker *b)
{
	if (slots > OV_U32 || ov_padded_slots((uint32_t)slots) != slots)
		return OV_E_WIRE_RANGE;
	if (slots > ov_padded_bound(r->slots) || slots > b->limits.slots)
		return OV_E_LIST_TOO_LARGE;
	return slots < ov_padded_bound(r->minimum_list) ? OV_E_LIST_TOO_SMALL : OV_OK;
}

/* The terms in force between the two, and that the offer names them. */
static enum ov_status
check_terms(struct ov_release *r, uint64_t *sequence, const struct ov_put *put,
    const struct ov_job *job, const struct offer *o)
{
	struct ov_terms_bytes text = { 0 };
	struct ov_msg_terms_body body;
	struct ov_terms_row row;
	enum ov_status st = ov_store_terms(put->tx, &row, &text, low_of(job->a, job->b),
	    high_of(job->a, job->b), OV_STORE_TERMS_IN_FORCE);

	OV_REQUIRE(st != OV_E_NOT_FOUND, OV_E_TERMS_MISSING);
	OV_TRY(st);
	OV_TRY(ov_msg_decode(&body, OV_MSG_TERMS_BODY, OV_BUF_BYTES(&text.body)));
	OV_REQUIRE(memcmp(body.terms, o->terms, OV_DIGEST) == 0 &&
		       memcmp(body.release, o->release, OV_DIGEST) == 0,
	    OV_E_PROTO_MISMATCH);
	OV_TRY(ov_release_decode(r, OV_BUF_BYTES(&text.release)));
	*sequence = row.sequence;
done:
	ov_terms_bytes_free(&text);
	return st;
}

static enum ov_status
check_offer(struct ov_release *r, uint64_t *sequence, const struct ov_put *put,
    const struct ov_job *job, const struct offer *o)
{
	enum ov_status st = OV_OK;

	OV_REQUIRE(o->version == OV_PROTOCOL_VERSION, OV_E_PROTO_VERSION);
	OV_REQUIRE(o->unchanged.len == 0 || o->unchanged.len == OV_ID, OV_E_WIRE_RANGE);
	OV_TRY(check_times(o, put->now));
	OV_TRY(check_terms(r, sequence, put, job, o));
	OV_TRY(check_slots(o->slots, r, put->broker));
done:
	return st;
}

/* The other company is enrolled under this very key, and not revoked. */
static enum ov_status
check_partner(uint8_t id[OV_ID], struct ov_tx *tx, const uint8_t identity[32])
{
	struct ov_company other;
	enum ov_status st = OV_OK;

	ov_company_id(id, identity);
	st = ov_store_company(tx, &other, id);
	OV_REQUIRE(st != OV_E_NOT_FOUND, OV_E_BROKER_UNKNOWN);
	OV_TRY(st);
	OV_REQUIRE(other.status == OV_COMPANY_ACTIVE &&
		       memcmp(other.identity, identity, 32) == 0,
	    OV_E_BROKER_UNKNOWN);
done:
	return st;
}

enum ov_status
ov_check_propose(struct ov_job *job, const struct ov_put *put, const uint8_t a[OV_ID])
{
	const struct ov_msg_propose *m = &put->m.propose;
	struct offer o = OFFER(*m);
	struct ov_release release;
	struct ov_job open;
	enum ov_status st = OV_OK;

	OV_REQUIRE(memcmp(m->a, put->identity, 32) == 0, OV_E_BROKER_DENIED);
	OV_REQUIRE(memcmp(m->a, m->b, 32) != 0, OV_E_BROKER_DENIED);
	memcpy(job->id, m->job, OV_ID);
	memcpy(job->a, a, OV_ID);
	OV_TRY(check_partner(job->b, put->tx, m->b));
	/* Of two that cross the first is kept, and this one's sender answers it. */
	st = ov_store_job_between(put->tx, &open, job->a, job->b);
	OV_REQUIRE(st != OV_OK, OV_E_DB_CONFLICT);
	OV_REQUIRE(st == OV_E_NOT_FOUND, st);
	OV_TRY(check_offer(&release, &job->terms, put, job, &o));
	OV_REQUIRE(ov_agree_counts(
		       &release, ov_is_low(job->a, job->b), o.counts, o.unchanged.len),
	    OV_E_PROTO_MISMATCH);
	if (o.unchanged.len == 0) /* else it may turn out to cost nothing */
		OV_TRY(ov_ledger_runs_left(put->tx, job, &release, put->now));
	job->slots_a = (uint32_t)o.slots;
	job->created = put->now;
	job->deadline = (int64_t)o.expiry;
done:
	return st;
}

/* `unchanged` needs a job of the same two under the same terms that was closed. */
static enum ov_status
check_unchanged(struct ov_tx *tx, const struct ov_job *job, const uint8_t last_id[OV_ID])
{
	struct ov_job last;
	enum ov_status st = ov_store_job(tx, &last, last_id);

	OV_REQUIRE(st != OV_E_NOT_FOUND, OV_E_PROTO_MISMATCH);
	OV_TRY(st);
	OV_REQUIRE(
	    memcmp(low_of(last.a, last.b), low_of(job->a, job->b), OV_ID) == 0 &&
		memcmp(high_of(last.a, last.b), high_of(job->a, job->b), OV_ID) == 0 &&
		last.state == OV_JOB_CLOSED && last.terms == job->terms,
	    OV_E_PROTO_MISMATCH);
done:
	return st;
}

enum ov_status
ov_check_accept(struct ov_job *job, bool *unchanged, const struct ov_put *put)
{
	const struct ov_msg_accept *m = &put->m.accept;
	struct offer o = OFFER(*m);
	struct ov_buf stored = { 0 };
	struct ov_release release;
	struct ov_msg_propose p;
	struct ov_step_row row;
	uint8_t digest[OV_DIGEST];
	enum ov_status st = OV_OK;
	uint64_t sequence;

	OV_TRY(ov_store_step(put->tx, &row, &stored, job->id, OV_STEP_PROPOSE));
	OV_TRY(ov_msg_decode(&p, OV_MSG_PROPOSE, OV_BUF_BYTES(&stored)));
	ov_digest(digest, "propose", OV_BUF_BYTES(&stored));
	OV_REQUIRE(memcmp(digest, m->propose, OV_DIGEST) == 0 &&
		       memcmp(p.job, m->job, OV_ID) == 0 && memcmp(p.a, m->a, 32) == 0 &&
		       memcmp(p.b, m->b, 32) == 0 && p.version == m->version &&
		       memcmp(p.profile, m->profile, OV_DIGEST) == 0,
	    OV_E_PROTO_MISMATCH);
	OV_REQUIRE(put->now <= job->deadline, OV_E_PROTO_EXPIRED);
	OV_TRY(check_offer(&release, &sequence, put, job, &o));
	OV_REQUIRE(sequence == job->terms, OV_E_PROTO_MISMATCH);
	OV_REQUIRE(ov_agree_counts(
		       &release, ov_is_low(job->b, job->a), o.counts, o.unchanged.len),
	    OV_E_PROTO_MISMATCH);
	*unchanged = o.unchanged.len == OV_ID && p.unchanged_since.len == OV_ID &&
		     memcmp(o.unchanged.p, p.unchanged_since.p, OV_ID) == 0;
	if (*unchanged)
		OV_TRY(check_unchanged(put->tx, job, o.unchanged.p));
	else
		OV_TRY(ov_ledger_runs_left(put->tx, job, &release, put->now));
	job->slots_b = (uint32_t)o.slots;
	job->deadline = (int64_t)o.expiry;
done:
	ov_buf_free(&stored);
	return st;
}

static enum ov_status
check_complete(const struct ov_job *job, const struct ov_put *put)
{
	const struct ov_msg_complete *m = &put->m.complete;
	unsigned int stream = (unsigned int)m->stream;
	uint64_t count = ov_stream_rows(stream, put->role, job);
	uint64_t bytes = ov_stream_bytes(stream, count, put->stream.next);

	if (ov_stream_complete_step(stream) != put->step)
		return OV_E_PROTO_MISMATCH;
	if (!put->stream.last)
		return OV_E_PROTO_UNEXPECTED;
	if (count != 0 && (m->count != count || put->stream.bytes != bytes))
		return OV_E_PROTO_COUNT;
	return memcmp(put->sent, m->sent, OV_DIGEST) == 0 ? OV_OK : OV_E_PROTO_DIGEST;
}

static enum ov_status
same_job(const uint8_t named[OV_ID], const struct ov_job *job)
{
	return memcmp(named, job->id, OV_ID) == 0 ? OV_OK : OV_E_PROTO_MISMATCH;
}

static enum ov_status
same_th(
    const uint8_t named[OV_DIGEST], const struct ov_put *put, const struct ov_job *job)
{
	uint8_t th[OV_DIGEST];
	enum ov_status st = ov_job_transcript(th, put->tx, job->id);

	if (st == OV_OK && memcmp(named, th, OV_DIGEST) != 0)
		return OV_E_PROTO_MISMATCH;
	return st;
}

/* All messages after ACCEPT begin with job and transcript. */
#define CHECK_BOTH(message)                                                              \
	do {                                                                             \
		OV_TRY(same_job((message).job, job));                                    \
		OV_TRY(same_th((message).th, put, job));                                 \
	} while (0)

static enum ov_status
check_refuse(const struct ov_job *job, const struct ov_put *put)
{
	struct ov_buf propose = { 0 };
	struct ov_step_row row;
	uint8_t digest[OV_DIGEST];
	enum ov_status st = OV_OK;

	OV_TRY(same_job(put->m.refuse.job, job));
	OV_TRY(ov_store_step(put->tx, &row, &propose, job->id, OV_STEP_PROPOSE));
	ov_digest(digest, "propose", OV_BUF_BYTES(&propose));
	OV_REQUIRE(
	    memcmp(digest, put->m.refuse.propose, OV_DIGEST) == 0, OV_E_PROTO_MISMATCH);
done:
	ov_buf_free(&propose);
	return st;
}

enum ov_status
ov_check_step(const struct ov_job *job, const struct ov_put *put)
{
	enum ov_msg type = ov_step_message(put->step);
	unsigned int own_close =
	    put->role == OV_ROLE_A ? OV_STEP_CLOSE_A : OV_STEP_CLOSE_B;
	enum ov_status st = OV_OK;

	/* CLOSE is the last word of a side. */
	OV_REQUIRE((job->steps & 1U << own_close) == 0, OV_E_PROTO_UNEXPECTED);
	if (type == OV_MSG_REFUSE) {
		OV_TRY(check_refuse(job, put));
	} else if (type == OV_MSG_CANCEL) {
		OV_TRY(same_job(put->m.cancel.job, job));
	} else if (type == OV_MSG_COMPLETE) {
		CHECK_BOTH(put->m.complete);
		OV_TRY(check_complete(job, put));
	} else if (type == OV_MSG_CONFIRM_A) {
		CHECK_BOTH(put->m.confirm_a);
	} else if (type == OV_MSG_CONFIRM_B) {
		CHECK_BOTH(put->m.confirm_b);
	} else if (type == OV_MSG_CONFIRMED_A) {
		CHECK_BOTH(put->m.confirmed_a);
		OV_REQUIRE(
		    (job->steps & 1U << OV_STEP_CONFIRM_B) != 0, OV_E_PROTO_UNEXPECTED);
	} else if (type == OV_MSG_CLOSE) {
		CHECK_BOTH(put->m.close);
	} else {
		st = OV_E_BUG;
	}
done:
	return st;
}
