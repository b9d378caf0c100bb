/* hostile_partner HOME MODE [WORD [NOTE]] - a paired company that cheats at one place of
 * a job and else does as it should, so that nothing else can be what ends it.
 *
 * As the one who answers a proposal:
 *   honest            the control: the other side gets its report
 *   accept-slots      ACCEPT for a list over the cap; also -terms (other terms), -clock
 *                     (an hour ahead), -version (a newer one), -unpadded (slots),
 *                     -since (a job by five bytes), -mirror (the proposer's own key and
 *                     commitment)
 *   accept-twice      a second ACCEPT, under another key
 *   accept-second     the same, but it goes, signed, into the file WORD, for a broker
 *                     that gives it out later
 *   accept-cancel     CANCEL right after ACCEPT; cancel-first: in its place
 *   random            32 random bytes in the place of a point; also bit255 (a good point
 *                     with bit 255 set), negative, above-p, identity, duplicate
 *   short, long       a point less or more than promised
 *   sealed            chunks for another transcript
 *   base              multiples of the base point, all different
 *   mirror            the other side's own points
 *   keep, replay      notes the other side's points in the file WORD; sends those
 *   legend            a name in the legend that the terms do not have; also -long (longer
 *                     than its room), -tail (something behind it)
 *   roster-label      a population that the terms do not have; also -rank, -record, -fit
 *   tags              a tag twice; tags-moved: each behind its position, with good MACs
 *   digest, th        COMPLETE with a wrong digest of the points, for another transcript
 *   cancel            CANCEL when the other side has sent all that it sends
 *   look              looks at its own view, and is gone
 *   verdict           looks at its own view, then says by CLOSE that it is false; also
 *                     -accept: looks, then gives another ACCEPT, and closes
 * As the one who proposes:
 *   propose           an honest PROPOSE
 *   propose-slots     over the cap; also -terms, -clock, -expired, -version, -unpadded,
 *                     -since, -old (terms that were superseded)
 *   propose-second    another one goes into the file NOTE, as with accept-second
 *   propose-cancel    CANCEL right after PROPOSE
 *   stranger          PROPOSE to the company WORD (hex), paired or not
 *
 * Prints "sent", or the status by which the broker, or the other side's end of the job,
 * stopped it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/home.h"
#include "client/job/deck.h"
#include "client/job/job.h"
#include "client/job/legend.h"
#include "client/job/outbox.h"
#include "client/mail.h"
#include "client/normalise/normalise.h"
#include "common/crypto/memory.h"
#include "common/psi/psi.h"
#include "proto/agree.h"
#include "proto/chunk.h"

#define ANSWER_MS 30000
#define WAIT_MS 20000
#define VICTIM 700 /* a slot in the middle of a batch */

struct hostile {
	const char *mode, *word, *note; /* note: a file for a broker's later use */
	struct ov_home *home;
	struct ov_session *session;
	struct ov_job_run run;
	struct ov_job job;
	struct ov_partner partner;
	uint8_t th[OV_HASH_LEN], scalar[32];
	uint32_t other_slots;
	struct ov_shared_keys shared;
	struct ov_list list;
	struct ov_deck deck;
	struct ov_buf points, theirs; /* own, as sent; the other side's */
};

static bool
is(const struct hostile *h, const char *mode)
{
	return strcmp(h->mode, mode) == 0;
}

/* --- steps --- */

/* Signs and puts a step without keeping it. */
static enum ov_status
put_step(
    struct hostile *h, const uint8_t job[OV_ID], unsigned int step, struct ov_bytes body)
{
	struct ov_msg_put_step put = { .step = step, .body = body };
	struct ov_msg_proven proven;
	struct ov_buf owner = { 0 };
	enum ov_status st;

	memcpy(put.job, job, OV_ID);
	OV_TRY(ov_home_sign(put.signature, h->home, ov_step_context(step), body));
	OV_TRY(ov_session_call(h->session, OV_MSG_PUT_STEP, &put, OV_MSG_PROVEN, &proven,
	    &owner, ANSWER_MS));
done:
	ov_buf_free(&owner);
	return st;
}

static enum ov_status
to_file(const char *path, struct ov_bytes b)
{
	FILE *f = fopen(path, "wb");
	bool good = f != NULL && fwrite(b.p, b.len, 1, f) == 1;

	if (f != NULL && fclose(f) != 0)
		good = false;
	return good ? OV_OK : OV_E_IO;
}

/* Another PROPOSE or ACCEPT goes, signed, into a file that the broker will find. */
static enum ov_status
leave_second(struct hostile *h, enum ov_msg type, const void *m)
{
	struct ov_buf text = { 0 };
	uint8_t signature[64];
	enum ov_status st;

	OV_TRY(ov_msg_encode(&text, type, m));
	OV_TRY(ov_home_sign(signature, h->home,
	    type == OV_MSG_PROPOSE ? "propose" : "accept", OV_BUF_BYTES(&text)));
	OV_TRY(ov_buf_append(&text, signature, sizeof(signature)));
	OV_TRY(to_file(h->note, OV_BUF_BYTES(&text)));
done:
	ov_buf_free(&text);
	return st;
}

/* What PROPOSE and ACCEPT have in common, and where modes change it. */
#define SPOIL(h, m, prefix)                                                              \
	do {                                                                             \
		if (is(h, prefix "slots"))                                               \
			(m)->slots = 1U << 24;                                           \
		else if (is(h, prefix "terms"))                                          \
			(m)->terms[0] ^= 1;                                              \
		else if (is(h, prefix "clock"))                                          \
			(m)->created += 3600, (m)->expiry = (m)->created + 3600;         \
		else if (is(h, prefix "expired"))                                        \
			(m)->created -= 7200, (m)->expiry = (m)->created + 3600;         \
		else if (is(h, prefix "version"))                                        \
			(m)->version = OV_PROTOCOL_VERSION + 1;                          \
		else if (is(h, prefix "unpadded"))                                       \
			(m)->slots += 1;                                                 \
		else if (is(h, prefix "since"))                                          \
			(m)->unchanged_since = OV_BYTES((m)->terms, 5);                  \
	} while (0)

static enum ov_status
answer(void *arg, const uint8_t id[OV_ID])
{
	struct hostile *h = arg;

	return ov_job_answer(&h->job, &h->run, id);
}

/* ACCEPT as ov_job_answer stored it, then as the mode wants it. */
static enum ov_status
spoil_accept(struct hostile *h, struct ov_buf *out, struct ov_bytes stored,
    const struct ov_msg_propose *p)
{
	struct ov_msg_accept m;
	enum ov_status st;

	OV_TRY(ov_msg_decode(&m, OV_MSG_ACCEPT, stored));
	SPOIL(h, &m, "accept-");
	if (is(h, "accept-mirror")) {
		memcpy(m.ephemeral, p->ephemeral, 32);
		memcpy(m.commitment, p->commitment, OV_DIGEST);
	}
	OV_TRY(ov_msg_encode(out, OV_MSG_ACCEPT, &m));
	if (is(h, "accept-second")) {
		struct ov_msg_accept other = m;

		other.ephemeral[0] ^= 1;
		OV_TRY(leave_second(h, OV_MSG_ACCEPT, &other));
	}
	if (is(h, "accept-twice")) {
		OV_TRY(put_step(h, h->job.id, OV_STEP_ACCEPT, OV_BUF_BYTES(out)));
		m.ephemeral[0] ^= 1;
		out->len = 0;
		OV_TRY(ov_msg_encode(out, OV_MSG_ACCEPT, &m));
	}
done:
	return st;
}

static enum ov_status
derive(struct hostile *h, const struct ov_msg_propose *p)
{
	struct ov_local_keys local;
	struct ov_job_seeds seeds;
	uint8_t e[32];
	enum ov_status st;

	OV_TRY(ov_job_load_seeds(&seeds, h->home, &h->job));
	const struct ov_ephemeral_input in = { seeds.e, h->job.id, OV_ROLE_B,
		h->partner.identity, h->job.list_digest };

	ov_ephemeral(e, &in);
	OV_TRY(ov_shared_keys_derive(&h->shared, h->th, e, p->ephemeral));
	ov_local_keys_derive(&local, h->th, seeds.r, h->job.list_digest);
	OV_TRY(ov_psi_scalar(h->scalar, local.scalar_wide));
	OV_TRY(ov_job_load_list(&h->list, h->home, &h->job));
	OV_TRY(ov_deck_init(&h->deck, &h->list, h->job.slots, &local));
	/* small lists only: one chunk */
	OV_REQUIRE(h->job.slots <= OV_CHUNK_SLOTS && h->other_slots <= OV_CHUNK_SLOTS,
	    OV_E_LIST_TOO_LARGE);
done:
	return st;
}

/* ACCEPT goes out; the keys of the job follow. */
static enum ov_status
accept_job(struct hostile *h)
{
	struct ov_step_text propose = { 0 }, accept = { 0 };
	struct ov_buf body = { 0 };
	struct ov_msg_propose p;
	enum ov_status st;

	OV_TRY(ov_partner_get(&h->partner, h->home, h->job.partner));
	OV_TRY(ov_step_load(&propose, h->home, h->job.id, OV_STEP_PROPOSE));
	OV_TRY(ov_step_load(&accept, h->home, h->job.id, OV_STEP_ACCEPT));
	OV_TRY(ov_msg_decode(&p, OV_MSG_PROPOSE, OV_BUF_BYTES(&propose.body)));
	OV_TRY(spoil_accept(h, &body, OV_BUF_BYTES(&accept.body), &p));
	OV_TRY(put_step(h, h->job.id, OV_STEP_ACCEPT, OV_BUF_BYTES(&body)));
	ov_transcript(h->th, OV_BUF_BYTES(&propose.body), OV_BUF_BYTES(&body));
	h->other_slots = (uint32_t)p.slots;
	OV_TRY(derive(h, &p));
done:
	ov_step_free(&propose);
	ov_step_free(&accept);
	ov_buf_free(&body);
	return st;
}

static enum ov_status
send_complete(
    struct hostile *h, unsigned int stream, uint64_t n, uint8_t digest[2][OV_HASH_LEN])
{
	struct ov_msg_complete m = { .stream = stream, .count = n };
	struct ov_buf body = { 0 };
	enum ov_status st;

	memcpy(m.job, h->job.id, OV_ID);
	memcpy(m.th, h->th, OV_HASH_LEN);
	memcpy(m.plain, digest[0], OV_HASH_LEN);
	memcpy(m.sent, digest[1], OV_HASH_LEN);
	if (stream == OV_STREAM_POINTS_B) {
		m.plain[0] ^= is(h, "digest") ? 1 : 0;
		m.th[0] ^= is(h, "th") ? 1 : 0;
	}
	OV_TRY(ov_msg_encode(&body, OV_MSG_COMPLETE, &m));
	OV_TRY(
	    put_step(h, h->job.id, ov_stream_complete_step(stream), OV_BUF_BYTES(&body)));
done:
	ov_buf_free(&body);
	return st;
}

/* --- points --- */

/* Room for n points, and for those behind them that a mode may add. */
static enum ov_status
make_room(struct ov_buf *b, uint32_t n)
{
	enum ov_status st;

	OV_TRY(ov_buf_reserve(b, ((size_t)n + 1) * OV_POINT_ROW));
	memset(b->p, 0, b->cap);
	b->len = (size_t)n * OV_POINT_ROW;
done:
	return st;
}

static enum ov_status
honest_points(struct hostile *h)
{
	uint8_t token[OV_DECK_TOKEN_MAX];
	enum ov_status st = OV_OK;

	for (uint32_t i = 0; i < h->job.slots; i++) {
		struct ov_bytes t = OV_BYTES(token, ov_deck_token(token, &h->deck, i));

		OV_TRY(ov_psi_blind_tokens(
		    h->points.p + (size_t)i * OV_POINT_ROW, &t, 1, h->scalar));
	}
done:
	return st;
}

/* 1 G, 2 G, 3 G ... */
static void
multiples_of_base(struct hostile *h)
{
	static const uint8_t base[32] = { 0xe2, 0xf2, 0xae, 0x0a, 0x6a, 0xbc, 0x4e, 0x71,
		0xa8, 0x84, 0xa9, 0x61, 0xc5, 0x00, 0x51, 0x5f, 0x58, 0xe3, 0x0b, 0x6a,
		0xa5, 0x82, 0xdd, 0x8d, 0xb6, 0xa6, 0x59, 0x45, 0xe0, 0x8d, 0x2d, 0x76 };
	uint8_t scalar[32] = { 0 }, ok;

	for (uint32_t i = 0; i < h->job.slots; i++) {
		scalar[0] = (uint8_t)(i + 1);
		scalar[1] = (uint8_t)((i + 1) >> 8);
		(void)!ov_psi_blind_points(
		    h->points.p + (size_t)i * OV_POINT_ROW, &ok, base, 1, scalar);
	}
}

/* As many of other points as the list has; the rest stays. */
static void
take_over(struct hostile *h, struct ov_bytes points)
{
	memcpy(h->points.p, points.p,
	    points.len < h->points.len ? points.len : h->points.len);
}

static enum ov_status
from_file(struct hostile *h)
{
	FILE *f = fopen(h->word, "rb");
	size_t n = f != NULL ? fread(h->points.p, 1, h->points.len, f) : 0;

	if (f != NULL)
		fclose(f);
	return n > 0 ? OV_OK : OV_E_IO;
}

static enum ov_status
spoil_points(struct hostile *h)
{
	uint8_t *point = h->points.p + (size_t)VICTIM * OV_POINT_ROW;
	enum ov_status st = OV_OK;

	if (is(h, "random")) {
		memset(point, 0xfe, OV_POINT_ROW);
	} else if (is(h, "bit255")) {
		point[31] |= 0x80;
	} else if (is(h, "negative")) { /* an odd field element */
		point[0] |= 1;
	} else if (is(h, "above-p")) { /* p + 2, for 2 */
		memset(point, 0xff, OV_POINT_ROW);
		point[0] = 0xef;
		point[31] = 0x7f;
	} else if (is(h, "identity")) {
		memset(point, 0, OV_POINT_ROW);
	} else if (is(h, "duplicate")) {
		memcpy(point, h->points.p, OV_POINT_ROW);
	} else if (is(h, "short")) {
		h->points.len -= OV_POINT_ROW;
	} else if (is(h, "long")) {
		memcpy(h->points.p + h->points.len, h->points.p, OV_POINT_ROW);
		h->points.len += OV_POINT_ROW;
	} else if (is(h, "base")) {
		multiples_of_base(h);
	} else if (is(h, "mirror")) {
		take_over(h, OV_BUF_BYTES(&h->theirs));
	} else if (is(h, "replay")) {
		st = from_file(h);
	}
	return st;
}

/* The other side's points, opened. */
static enum ov_status
fetch_points(struct hostile *h)
{
	const struct ov_chunk_key k = { h->th, h->shared.points[OV_ROLE_A],
		h->shared.nonce[OV_ROLE_A], OV_STREAM_POINTS_A };
	struct ov_msg_get_chunk ask = {
		.stream = OV_STREAM_POINTS_A, .index = 1, .wait_ms = WAIT_MS
	};
	struct ov_msg_chunk reply;
	struct ov_buf owner = { 0 };
	enum ov_status st;

	memcpy(ask.job, h->job.id, OV_ID);
	OV_TRY(ov_session_call(h->session, OV_MSG_GET_CHUNK, &ask, OV_MSG_CHUNK, &reply,
	    &owner, ANSWER_MS + WAIT_MS));
	OV_REQUIRE(
	    reply.body.len == (size_t)h->other_slots * OV_POINT_ROW + OV_CHUNK_OVERHEAD,
	    OV_E_PROTO_COUNT);
	OV_TRY(make_room(&h->theirs, h->other_slots));
	OV_TRY(ov_chunk_open(h->theirs.p, &k, 1, true, reply.body));
done:
	ov_buf_free(&owner);
	return st;
}

static enum ov_status
write_legend(uint8_t out[OV_LEGEND_LEN], const struct hostile *h)
{
	struct ov_buf text = { 0 };
	struct ov_terms terms;
	enum ov_status st;

	OV_TRY(ov_terms_in_force(&terms, h->home, h->partner.company));
	if (is(h, "legend"))
		terms.mine[0].name[0] ^= 1;
	OV_TRY(ov_legend_encode(&text, &terms, h->job.records));
	memset(out, 0, OV_LEGEND_LEN);
	out[0] = (uint8_t)(text.len >> 8);
	out[1] = (uint8_t)text.len;
	memcpy(out + 2, text.p, text.len);
	if (is(h, "legend-long"))
		out[0] = 0xff;
	else if (is(h, "legend-tail"))
		out[OV_LEGEND_LEN - 1] = 1;
done:
	ov_buf_free(&text);
	return st;
}

static enum ov_status
send_points(struct hostile *h)
{
	struct ov_chunk_key k = { h->th, h->shared.points[OV_ROLE_B],
		h->shared.nonce[OV_ROLE_B], OV_STREAM_POINTS_B };
	uint8_t legend[OV_LEGEND_LEN], digest[2][OV_HASH_LEN];
	uint8_t other[OV_HASH_LEN];
	struct ov_buf sealed = { 0 };
	struct ov_outbox out = { 0 };
	struct ov_bytes plain = OV_BYTES(legend, sizeof(legend));
	enum ov_status st;

	memcpy(other, h->th, sizeof(other));
	other[0] ^= 1;
	if (is(h, "sealed"))
		k.th = other;
	OV_TRY(write_legend(legend, h));
	OV_TRY(
	    ov_buf_reserve(&sealed, h->points.len + OV_LEGEND_LEN + OV_CHUNK_OVERHEAD));
	OV_TRY(ov_outbox_init(&out, h->home, h->session, h->job.id, OV_STREAM_POINTS_B));
	ov_chunk_seal(sealed.p, &k, 0, false, plain);
	OV_TRY(ov_outbox_put(
	    &out, 0, false, plain, OV_BYTES(sealed.p, plain.len + OV_CHUNK_OVERHEAD)));
	plain = OV_BUF_BYTES(&h->points);
	ov_chunk_seal(sealed.p, &k, 1, true, plain);
	OV_TRY(ov_outbox_put(
	    &out, 1, true, plain, OV_BYTES(sealed.p, plain.len + OV_CHUNK_OVERHEAD)));
	OV_TRY(ov_outbox_flush(&out, digest[0], digest[1]));
	if (!is(h, "short")) /* the broker counts, too */
		OV_TRY(send_complete(h, OV_STREAM_POINTS_B, h->job.slots, digest));
done:
	ov_outbox_fini(&out);
	ov_buf_free(&sealed);
	return st;
}

/* --- what goes to the broker --- */

static enum ov_status
send_rows(struct hostile *h, unsigned int stream, struct ov_bytes rows, uint64_t n)
{
	uint8_t digest[2][OV_HASH_LEN];
	struct ov_outbox out = { 0 };
	enum ov_status st;

	OV_TRY(ov_outbox_init(&out, h->home, h->session, h->job.id, (uint8_t)stream));
	OV_TRY(ov_outbox_put(&out, 0, true, rows, rows));
	OV_TRY(ov_outbox_flush(&out, digest[0], digest[1]));
	OV_TRY(send_complete(h, stream, n, digest));
done:
	ov_outbox_fini(&out);
	return st;
}

static enum ov_status
send_roster(struct hostile *h)
{
	struct ov_buf rows = { 0 };
	enum ov_status st;

	OV_TRY(ov_buf_reserve(&rows, (size_t)h->job.slots * OV_ROSTER_ROW));
	for (uint32_t i = 0; i < h->job.slots; i++) {
		struct ov_roster_row row;
		uint8_t packed[OV_ROSTER_ROW];

		ov_deck_roster(&row, &h->deck, i, h->shared.roster[OV_ROLE_B]);
		if (is(h, "roster-label"))
			row.label = OV_LABEL(9, 0);
		else if (is(h, "roster-rank") && i == VICTIM)
			row.rank = 0;
		else if (is(h, "roster-record") && i == VICTIM)
			row.record = h->job.slots;
		else if (is(h, "roster-fit") && i == VICTIM)
			row.fit = 0xff;
		ov_roster_pack(packed, &row);
		OV_TRY(ov_buf_append(&rows, packed, sizeof(packed)));
	}
	OV_TRY(send_rows(h, OV_STREAM_ROSTER_B, OV_BUF_BYTES(&rows), h->job.slots));
done:
	ov_buf_free(&rows);
	return st;
}

static enum ov_status
send_tags(struct hostile *h)
{
	uint8_t point[OV_POINT_ROW], row[OV_TAG_ROW], ok;
	struct ov_buf rows = { 0 };
	enum ov_status st = OV_OK;

	for (uint32_t i = 0; i < h->other_slots; i++) {
		uint32_t of = is(h, "tags-moved") && i > 0 ? i - 1
			      : is(h, "tags-moved")	   ? h->other_slots - 1
							   : i;

		(void)!ov_psi_blind_points(
		    point, &ok, h->theirs.p + (size_t)of * OV_POINT_ROW, 1, h->scalar);
		if (!is(h, "tags") || i != VICTIM) /* else the one before again */
			ov_blake2b(row, OV_TAG_LEN, h->shared.tag,
			    OV_BYTES(point, sizeof(point)), OV_BYTES(NULL, 0));
		ov_proof_mac(row + OV_TAG_LEN, h->shared.proof[OV_ROLE_B], i, row);
		OV_TRY(ov_buf_append(&rows, row, sizeof(row)));
	}
	OV_TRY(send_rows(h, OV_STREAM_TAGS_B, OV_BUF_BYTES(&rows), h->other_slots));
done:
	ov_buf_free(&rows);
	return st;
}

static enum ov_status
cancel(struct hostile *h)
{
	unsigned int step =
	    h->job.role == OV_ROLE_A ? OV_STEP_CANCEL_A : OV_STEP_CANCEL_B;
	struct ov_msg_cancel m = { .reason = OV_LITERAL("OK") };
	struct ov_buf body = { 0 };
	enum ov_status st;

	memcpy(m.job, h->job.id, OV_ID);
	OV_TRY(ov_msg_encode(&body, OV_MSG_CANCEL, &m));
	OV_TRY(put_step(h, h->job.id, step, OV_BUF_BYTES(&body)));
done:
	ov_buf_free(&body);
	return st;
}

static enum ov_status
refuse(struct hostile *h)
{
	struct ov_msg_refuse m = { .reason = OV_LITERAL("OK") };
	struct ov_step_text propose = { 0 };
	struct ov_buf body = { 0 };
	enum ov_status st;

	OV_TRY(ov_step_load(&propose, h->home, h->job.id, OV_STEP_PROPOSE));
	memcpy(m.job, h->job.id, OV_ID);
	ov_digest(m.propose, "propose", OV_BUF_BYTES(&propose.body));
	OV_TRY(ov_msg_encode(&body, OV_MSG_REFUSE, &m));
	OV_TRY(put_step(h, h->job.id, OV_STEP_REFUSE, OV_BUF_BYTES(&body)));
done:
	ov_step_free(&propose);
	ov_buf_free(&body);
	return st;
}

/* The own view, as far as it says how much there is. */
static enum ov_status
look(const struct hostile *h)
{
	struct ov_msg_get_chunk ask = {
		.stream = OV_STREAM_VIEW_B, .index = 0, .wait_ms = WAIT_MS
	};
	struct ov_msg_chunk reply;
	struct ov_msg_view view;
	struct ov_buf owner = { 0 };
	enum ov_status st;

	memcpy(ask.job, h->job.id, OV_ID);
	OV_TRY(ov_session_call(h->session, OV_MSG_GET_CHUNK, &ask, OV_MSG_CHUNK, &reply,
	    &owner, ANSWER_MS + WAIT_MS));
	OV_TRY(ov_msg_decode(&view, OV_MSG_VIEW, reply.body));
	OV_REQUIRE(view.matches > 0, OV_E_NOT_FOUND);
done:
	ov_buf_free(&owner);
	return st;
}

/* The ACCEPT of this job, and another one. */
static enum ov_status
accept_again(struct hostile *h)
{
	struct ov_step_text accept = { 0 };
	struct ov_buf body = { 0 };
	struct ov_msg_accept m;
	enum ov_status st;

	OV_TRY(ov_step_load(&accept, h->home, h->job.id, OV_STEP_ACCEPT));
	OV_TRY(ov_msg_decode(&m, OV_MSG_ACCEPT, OV_BUF_BYTES(&accept.body)));
	m.ephemeral[0] ^= 1;
	OV_TRY(ov_msg_encode(&body, OV_MSG_ACCEPT, &m));
	st = put_step(h, h->job.id, OV_STEP_ACCEPT, OV_BUF_BYTES(&body));
	st = st == OV_E_PROTO_EQUIVOCATION ? OV_OK : OV_E_BUG; /* noticed, at least */
done:
	ov_step_free(&accept);
	ov_buf_free(&body);
	return st;
}

/* But for the modes that look, without a look at the own view. */
static enum ov_status
close_job(struct hostile *h)
{
	struct ov_msg_close m = { .verdict = is(h, "verdict")
						 ? OV_LITERAL("E_PROTO_MISBEHAVED")
						 : OV_LITERAL("OK") };
	struct ov_step_text report = { 0 };
	struct ov_buf body = { 0 };
	enum ov_status st;

	OV_TRY(ov_step_fetch(&report, h->home, h->session, h->job.id, OV_STEP_REPORT,
	    h->home->broker.report_key, WAIT_MS));
	memcpy(m.job, h->job.id, OV_ID);
	memcpy(m.th, h->th, OV_HASH_LEN);
	ov_digest(m.report, "report", OV_BUF_BYTES(&report.body));
	if (strncmp(h->mode, "verdict", 7) == 0 || is(h, "look"))
		OV_TRY(look(h));
	if (is(h, "look"))
		goto done;
	if (is(h, "verdict-accept"))
		OV_TRY(accept_again(h));
	OV_TRY(ov_msg_encode(&body, OV_MSG_CLOSE, &m));
	OV_TRY(put_step(h, h->job.id, OV_STEP_CLOSE_B, OV_BUF_BYTES(&body)));
done:
	ov_step_free(&report);
	ov_buf_free(&body);
	return st;
}

/* Waits until the other side has sent its last list, and ends the job. */
static enum ov_status
look_and_cancel(struct hostile *h)
{
	struct ov_step_text last = { 0 };
	enum ov_status st;

	OV_TRY(ov_step_fetch(&last, h->home, h->session, h->job.id,
	    OV_STEP_COMPLETE_TAGS_A, h->partner.identity, WAIT_MS));
	OV_TRY(cancel(h));
done:
	ov_step_free(&last);
	return st;
}

/* --- the whole --- */

/* All that follows ACCEPT. */
static enum ov_status
exchange(struct hostile *h)
{
	enum ov_status st;

	OV_TRY(make_room(&h->points, h->job.slots));
	OV_TRY(honest_points(h));
	if (is(h, "mirror") || is(h, "keep"))
		OV_TRY(fetch_points(h));
	if (is(h, "keep"))
		OV_TRY(to_file(h->word, OV_BUF_BYTES(&h->theirs)));
	OV_TRY(spoil_points(h));
	OV_TRY(send_points(h));
	if (is(h, "cancel"))
		return look_and_cancel(h);
	OV_TRY(fetch_points(h));
	OV_TRY(send_roster(h));
	OV_TRY(send_tags(h));
	OV_TRY(close_job(h));
done:
	return st;
}

/* What stops it ends the job, too, if the other side has not done so. */
static enum ov_status
play_answer(struct hostile *h)
{
	const struct ov_mail_handlers handlers = { .job = answer, .arg = h };
	enum ov_status st;

	OV_TRY(ov_mail_process(NULL, h->home, h->session, &handlers, WAIT_MS));
	OV_REQUIRE(h->job.state == OV_JOB_PROPOSED, OV_E_JOB_WAITING);
	if (is(h, "cancel-first"))
		return cancel(h);
	st = accept_job(h);
	if (st != OV_OK)
		(void)!refuse(h);
	else if (is(h, "accept-cancel"))
		st = cancel(h);
	else if (strncmp(h->mode, "accept-", 7) == 0)
		goto done; /* it is the other side's turn to say no */
	else if ((st = exchange(h)) != OV_OK)
		(void)!cancel(h);
done:
	return st;
}

/* Digests of the first terms that both signed, which others have superseded. */
static enum ov_status
take_old_terms(struct hostile *h, struct ov_msg_propose *m)
{
	struct ov_msg_terms_body body;
	struct ov_db_stmt *q = NULL;
	bool row;
	enum ov_status st;

	OV_TRY(ov_db_query(&q, h->home->db,
	    "SELECT body FROM terms WHERE company = ? ORDER BY sequence LIMIT 1",
	    OV_DB_BLOB(h->job.partner, OV_ID)));
	OV_TRY(ov_db_step(q, &row));
	OV_REQUIRE(row, OV_E_NOT_FOUND);
	OV_TRY(ov_msg_decode(&body, OV_MSG_TERMS_BODY, ov_db_blob(q, 0)));
	memcpy(m->terms, body.terms, OV_DIGEST);
	memcpy(m->release, body.release, OV_DIGEST);
done:
	ov_db_finish(q);
	return st;
}

static enum ov_status
play_propose(struct hostile *h)
{
	struct ov_step_text stored = { 0 };
	struct ov_msg_propose m;
	struct ov_buf body = { 0 };
	struct ov_partner only;
	enum ov_status st;

	OV_TRY(ov_partner_find(&only, h->home, h->word));
	OV_TRY(ov_job_propose(&h->job, &h->run, &only));
	OV_TRY(ov_step_load(&stored, h->home, h->job.id, OV_STEP_PROPOSE));
	OV_TRY(ov_msg_decode(&m, OV_MSG_PROPOSE, OV_BUF_BYTES(&stored.body)));
	SPOIL(h, &m, "propose-");
	if (is(h, "propose-old"))
		OV_TRY(take_old_terms(h, &m));
	OV_TRY(ov_msg_encode(&body, OV_MSG_PROPOSE, &m));
	if (is(h, "propose-second")) {
		m.ephemeral[0] ^= 1;
		OV_TRY(leave_second(h, OV_MSG_PROPOSE, &m));
	}
	OV_TRY(put_step(h, h->job.id, OV_STEP_PROPOSE, OV_BUF_BYTES(&body)));
	if (is(h, "propose-cancel"))
		OV_TRY(cancel(h));
done:
	ov_step_free(&stored);
	ov_buf_free(&body);
	return st;
}

/* PROPOSE to whom one is not paired with: nothing of it is in the home. */
static enum ov_status
play_stranger(struct hostile *h)
{
	struct ov_msg_propose m = { .version = OV_PROTOCOL_VERSION, .slots = 1024 };
	struct ov_msg_who ask;
	struct ov_msg_company who;
	struct ov_buf owner = { 0 }, body = { 0 };
	enum ov_status st;

	OV_REQUIRE(ov_unhex(ask.company, OV_ID, h->word), OV_E_USAGE);
	OV_TRY(ov_session_call(
	    h->session, OV_MSG_WHO, &ask, OV_MSG_COMPANY, &who, &owner, ANSWER_MS));
	ov_random(m.job, OV_ID);
	memcpy(m.a, h->home->identity, 32);
	memcpy(m.b, who.identity, 32);
	memcpy(m.profile, ov_profile_digest(ov_profile_current()), OV_DIGEST);
	ov_random(m.ephemeral, sizeof(m.ephemeral));
	m.created = ov_home_now(h->home);
	m.expiry = m.created + 3600;
	OV_TRY(ov_msg_encode(&body, OV_MSG_PROPOSE, &m));
	OV_TRY(put_step(h, m.job, OV_STEP_PROPOSE, OV_BUF_BYTES(&body)));
done:
	ov_buf_free(&owner);
	ov_buf_free(&body);
	return st;
}

static enum ov_status
play(struct hostile *h, const char *path)
{
	const struct ov_home_options options = { .path = path, .key_fd = -1 };
	enum ov_status st;

	OV_TRY(ov_crypto_init());
	OV_TRY(ov_psi_init());
	OV_TRY(ov_normalise_init());
	OV_TRY(ov_home_open(&h->home, &options));
	OV_TRY(ov_session_open(&h->session, h->home));
	h->run = (struct ov_job_run){
		.home = h->home, .session = h->session, .wait_ms = WAIT_MS
	};
	if (is(h, "stranger"))
		st = play_stranger(h);
	else if (strncmp(h->mode, "propose", 7) == 0)
		st = play_propose(h);
	else
		st = play_answer(h);
	/* as if it had not been: the next one begins anew */
	if (h->job.state == OV_JOB_PROPOSED &&
	    ov_job_set_state(h->home, &h->job, OV_JOB_FAILED, OV_E_JOB_FAILED) != OV_OK)
		st = OV_E_BUG;
done:
	ov_deck_fini(&h->deck);
	ov_list_fini(&h->list);
	ov_buf_free(&h->points);
	ov_buf_free(&h->theirs);
	ov_session_close(h->session);
	ov_home_close(h->home);
	return st;
}

int
main(int argc, char **argv)
{
	struct hostile h = { 0 };
	enum ov_status st;

	if (argc < 3 || argc > 5) {
		fprintf(stderr, "usage: hostile_partner HOME MODE [WORD [NOTE]]\n");
		return 2;
	}
	h.mode = argv[2];
	h.word = argc > 3 ? argv[3] : "";
	h.note = argc > 4 ? argv[4] : h.word;
	st = play(&h, argv[1]);
	puts(st == OV_OK ? "sent" : ov_status_name(st));
	return 0;
}
