#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include "common/crypto/sign.h"
#include "server/streams.h"
#include "tests/unit/broker_exchange.h"

uint8_t roster[2][SLOTS_B * OV_ROSTER_ROW];
uint8_t tags[2][SLOTS_B * OV_TAG_ROW]; /* by who made them */
static uint8_t points[SLOTS_B * OV_POINT_ROW + OV_CHUNK_OVERHEAD];
static uint8_t legend[LEGEND_CHUNK];
static const size_t slots[2] = { SLOTS_A, SLOTS_B };

/* What says whose row it is: who made it, what it is, where it stands. */
void
mark(uint8_t mac[OV_MAC_LEN], uint8_t who, uint8_t what, uint32_t position)
{
	memset(mac, 0, OV_MAC_LEN);
	mac[0] = who;
	mac[1] = what;
	ov_put32(mac + 4, position);
}

const struct actor *roles[2] = { &ada, &bob };

const struct actor *
actor_of(unsigned int role)
{
	return roles[role];
}

uint8_t
label_of(uint32_t slot)
{
	return OV_LABEL(slot < MATCHES / 2 ? 1 : 2, 0);
}

/* Every slot a record of its own; tags agree for the first MATCHES slots. */
void
make_lists(void)
{
	for (unsigned int role = 0; role < 2; role++)
		for (uint32_t i = 0; i < slots[role]; i++) {
			uint8_t *tag = tags[1 - role] + (size_t)i * OV_TAG_ROW;
			struct ov_roster_row row = { .record = i,
				.rank = OV_RANK_DOMAIN,
				.label = label_of(i),
				.fit = OV_FIT(OV_FIT_YES, OV_FIT_UNKNOWN) };

			mark(row.mac, (uint8_t)role, 'r', i);
			ov_roster_pack(roster[role] + (size_t)i * OV_ROSTER_ROW, &row);
			memset(tag, 0, OV_TAG_LEN);
			if (i < MATCHES) {
				tag[0] = 0xee;
				ov_put32(
				    tag + 4, role == OV_ROLE_A ? i : MATCHES - 1 - i);
			} else {
				tag[0] = (uint8_t)(1 + role);
				ov_put32(tag + 4, i);
			}
			mark(tag + OV_TAG_LEN, (uint8_t)(1 - role), 't', i);
		}
}

static void
send(unsigned int role, const uint8_t job[OV_ID], unsigned int stream, const uint8_t *p,
    size_t len, size_t chunk)
{
	uint32_t index = 0;

	for (size_t at = 0; at < len; index++) {
		size_t n = len - at < chunk ? len - at : chunk;

		assert_int_equal(put_chunk(actor_of(role), job, stream, index,
				     at + n == len, p + at, n),
		    OV_OK);
		at += n;
	}
}

void
digest_stream(uint8_t out[OV_DIGEST], unsigned int stream, const uint8_t *p, size_t len,
    size_t chunk)
{
	struct ov_hash h;

	ov_stream_digest_init(&h, (uint8_t)stream);
	for (size_t at = 0; at < len; at += chunk)
		ov_hash_lv(&h, p + at, len - at < chunk ? len - at : chunk);
	ov_hash_final(&h, out);
}

struct ov_msg_complete
completion(const struct run *r, unsigned int stream, size_t count)
{
	struct ov_msg_complete m = { .stream = stream, .count = count };

	memcpy(m.job, r->p.job, OV_ID);
	memcpy(m.th, r->th, OV_DIGEST);
	return m;
}

enum ov_status
complete(unsigned int role, const struct run *r, const struct ov_msg_complete *m)
{
	struct ov_buf bytes = { 0 };
	enum ov_status st = put_step(actor_of(role), r->p.job,
	    ov_stream_complete_step((unsigned int)m->stream), m, &bytes);

	ov_buf_free(&bytes);
	return st;
}

/* Chunk sizes that do not divide the streams evenly. */
#define ROSTER_CHUNK ((size_t)300 * OV_ROSTER_ROW)
#define TAGS_CHUNK ((size_t)700 * OV_TAG_ROW)

/* POINTS: legend and one chunk.  Its digest as sent. */
void
send_points(unsigned int role, const struct run *r, struct ov_msg_complete *m)
{
	unsigned int stream = ov_stream_of(OV_STREAM_POINTS_A, (enum ov_role)role);
	size_t len = slots[role] * OV_POINT_ROW + OV_CHUNK_OVERHEAD;
	struct ov_hash h;

	*m = completion(r, stream, slots[role]);
	assert_int_equal(
	    put_chunk(actor_of(role), r->p.job, stream, 0, false, legend, sizeof(legend)),
	    OV_OK);
	assert_int_equal(
	    put_chunk(actor_of(role), r->p.job, stream, 1, true, points, len), OV_OK);
	ov_stream_digest_init(&h, (uint8_t)stream);
	ov_hash_lv(&h, legend, sizeof(legend));
	ov_hash_lv(&h, points, len);
	ov_hash_final(&h, m->sent);
}

void
send_roster(unsigned int role, const struct run *r, struct ov_msg_complete *m)
{
	unsigned int stream = ov_stream_of(OV_STREAM_ROSTER_A, (enum ov_role)role);
	size_t len = slots[role] * OV_ROSTER_ROW;

	*m = completion(r, stream, slots[role]);
	send(role, r->p.job, stream, roster[role], len, ROSTER_CHUNK);
	digest_stream(m->sent, stream, roster[role], len, ROSTER_CHUNK);
}

void
send_tags(unsigned int role, const struct run *r, struct ov_msg_complete *m)
{
	unsigned int stream = ov_stream_of(OV_STREAM_TAGS_A, (enum ov_role)role);
	size_t len = slots[1 - role] * OV_TAG_ROW;

	*m = completion(r, stream, slots[1 - role]);
	send(role, r->p.job, stream, tags[role], len, TAGS_CHUNK);
	digest_stream(m->sent, stream, tags[role], len, TAGS_CHUNK);
}

void
exchange_streams(struct run *r)
{
	struct ov_msg_complete m;

	for (unsigned int role = 0; role < 2; role++) {
		send_points(role, r, &m);
		assert_int_equal(complete(role, r, &m), OV_OK);
		send_roster(role, r, &m);
		assert_int_equal(complete(role, r, &m), OV_OK);
		send_tags(role, r, &m);
		assert_int_equal(complete(role, r, &m), OV_OK);
	}
}

void
exchange(struct run *r)
{
	start_run(r, 1);
	exchange_streams(r);
}

void
fetch_report(struct ov_msg_report *m, struct ov_buf *body, const struct run *r)
{
	struct ov_msg_get_step get = { .step = OV_STEP_REPORT, .seen = seen };
	struct ov_msg_step step;
	struct ov_msg_proven proven;
	uint8_t leaf[OV_DIGEST];

	memcpy(get.job, r->p.job, OV_ID);
	assert_int_equal(call(&ada, OV_MSG_GET_STEP, &get, OV_MSG_STEP, &step), OV_OK);
	assert_int_equal(
	    ov_verify_vartime(step.signature, broker.report_pk, "report", step.body),
	    OV_OK);
	{
		struct ov_bytes parts[] = { step.body, OV_BYTES(step.signature, 64) };

		ov_hash_parts(leaf, parts, 2);
	}
	PROVEN_OF(&proven, &step);
	check_proven(&proven, OV_LEAF_RELEASED, OV_BYTES(leaf, sizeof(leaf)));
	body->len = 0;
	assert_int_equal(ov_buf_append(body, step.body.p, step.body.len), OV_OK);
	assert_int_equal(ov_msg_decode(m, OV_MSG_REPORT, OV_BUF_BYTES(body)), OV_OK);
}

void
close_job(const struct run *r, const struct ov_buf *report)
{
	struct ov_msg_close m = { .verdict = OV_LITERAL("OK") };
	struct ov_buf bytes = { 0 };

	memcpy(m.job, r->p.job, OV_ID);
	memcpy(m.th, r->th, OV_DIGEST);
	ov_digest(m.report, "report", OV_BUF_BYTES(report));
	assert_int_equal(put_step(&ada, r->p.job, OV_STEP_CLOSE_A, &m, &bytes), OV_OK);
	assert_int_equal(job_state(&ada, r->p.job).state, OV_JOB_REPORTED);
	assert_int_equal(put_step(&bob, r->p.job, OV_STEP_CLOSE_B, &m, &bytes), OV_OK);
	assert_int_equal(job_state(&ada, r->p.job).state, OV_JOB_CLOSED);
	ov_buf_free(&bytes);
}
