#include "client/job/exchange.h"

#include <stdlib.h>
#include <string.h>

#include "client/job/outbox.h"
#include "common/clock.h"
#include "common/crypto/memory.h"
#include "common/psi/psi.h"
#include "common/work/heap.h"
#include "common/work/numbers.h"
#include "common/work/pipeline.h"

#define BATCH 256 /* tokens gathered at a time: the kernel's group */
#define CHUNK_BYTES (OV_CHUNK_SLOTS * OV_POINT_ROW)
#define SEALED_BYTES (CHUNK_BYTES + OV_CHUNK_OVERHEAD)
#define ASK_BUSY_MS 200	  /* broker holds a call this long while chunks are in work */
#define ASK_IDLE_MS 20000 /* and this long when there is nothing else to do */
#define ANSWER_MS 60000

_Static_assert(SEALED_BYTES <= OV_CHUNK_MAX, "a sealed chunk fits its message");
_Static_assert(OV_CHUNK_SLOTS % BATCH == 0, "whole batches");

/* One chunk in memory. */
struct chunk {
	uint32_t slots; /* rows in it; 0 for the legend */
	bool last;
	size_t plain_len, sealed_len;
	uint8_t plain[CHUNK_BYTES];
	uint8_t sealed[SEALED_BYTES];
	uint8_t rows[OV_CHUNK_SLOTS * OV_TAG_ROW]; /* receive: TAGS */
	uint32_t roster_slots;			   /* receive: of the own list */
	uint8_t roster[OV_CHUNK_SLOTS * OV_ROSTER_ROW];
};

/* One direction under way. */
struct run {
	struct ov_exchange *x;
	struct chunk *chunks; /* one per pipeline slot */
	size_t n_chunks;      /* fixed: the number of cores may change while we run */
	uint32_t slots;	      /* of the stream */
	uint32_t last_chunk;
	struct ov_chunk_key seal;
	struct ov_outbox out;	 /* POINTS, or TAGS */
	struct ov_outbox roster; /* receive */
	struct ov_hash plain_in, sent_in;
	uint64_t in_work; /* chunks produced and not consumed; under the lock */
};

enum ov_status
ov_exchange_init(struct ov_exchange *x, const struct ov_exchange_options *o)
{
	memset(x, 0, sizeof(*x));
	x->o = *o;
	if (o->legend.len > OV_LEGEND_LEN - 2)
		return OV_E_BUG;
	x->tags = ov_heap_scattered(o->other_slots, OV_TAG_LEN);
	if (x->tags == NULL)
		return OV_E_NOMEM;
	if (pthread_mutex_init(&x->lock, NULL) != 0) {
		free(x->tags);
		x->tags = NULL;
		return OV_E_THREAD;
	}
	return OV_OK;
}

void
ov_exchange_fini(struct ov_exchange *x)
{
	if (x->tags == NULL)
		return;
	ov_wipe(x->tags, (size_t)x->o.other_slots * OV_TAG_LEN);
	free(x->tags);
	x->tags = NULL;
	pthread_mutex_destroy(&x->lock);
}

/* Chunk 0 is the legend, chunk c the slots from (c - 1) * OV_CHUNK_SLOTS. */
static uint32_t
first_slot(uint64_t chunk)
{
	return (uint32_t)(chunk - 1) * OV_CHUNK_SLOTS;
}

static uint32_t
chunk_slots(const struct run *r, uint64_t chunk)
{
	uint32_t left;

	if (chunk == 0)
		return 0;
	left = r->slots - first_slot(chunk);
	return left < OV_CHUNK_SLOTS ? left : OV_CHUNK_SLOTS;
}

static enum ov_status
run_init(struct run *r, struct ov_exchange *x, enum ov_role sender, uint32_t slots)
{
	memset(r, 0, sizeof(*r));
	r->x = x;
	r->slots = slots;
	r->last_chunk = (slots + OV_CHUNK_SLOTS - 1) / OV_CHUNK_SLOTS;
	r->seal = (struct ov_chunk_key){ x->o.th, x->o.keys->points[sender],
		x->o.keys->nonce[sender],
		(uint8_t)ov_stream_of(OV_STREAM_POINTS_A, sender) };
	r->n_chunks = 2 * ov_cores() + 1;
	r->chunks = calloc(r->n_chunks, sizeof(*r->chunks));
	return r->chunks != NULL ? OV_OK : OV_E_NOMEM;
}

static void
run_fini(struct run *r)
{
	ov_outbox_fini(&r->out);
	ov_outbox_fini(&r->roster);
	if (r->chunks != NULL)
		ov_wipe(r->chunks, r->n_chunks * sizeof(*r->chunks));
	free(r->chunks);
}

static void
report_progress(struct ov_exchange *x, uint32_t slots)
{
	x->slots_done += slots;
	if (x->o.progress != NULL)
		x->o.progress(x->o.progress_ctx, x->slots_done,
		    (uint64_t)x->o.deck->slots + x->o.other_slots);
}

static enum ov_status
run_pipeline(struct run *r, struct ov_pipeline *p)
{
	p->ctx = r;
	p->slots = r->n_chunks;
	p->cancel = r->x->o.cancel;
	return ov_pipeline_run(p);
}

/* --- send --- */

static enum ov_status
send_produce(void *ctx, size_t slot, uint64_t chunk, bool *end)
{
	struct run *r = ctx;
	struct chunk *c = &r->chunks[slot];

	*end = chunk > r->last_chunk;
	if (*end)
		return OV_OK;
	c->slots = chunk_slots(r, chunk);
	c->last = chunk == r->last_chunk;
	c->plain_len = chunk == 0 ? OV_LEGEND_LEN : (size_t)c->slots * OV_POINT_ROW;
	return OV_OK;
}

static void
write_legend(uint8_t out[OV_LEGEND_LEN], struct ov_bytes legend)
{
	memset(out, 0, OV_LEGEND_LEN);
	out[0] = (uint8_t)(legend.len >> 8);
	out[1] = (uint8_t)legend.len;
	memcpy(out + 2, legend.p, legend.len);
}

static void
fetch_slots(const struct ov_deck *d, uint32_t position, size_t n, enum ov_deck_part part)
{
	for (int step = 0; step < OV_DECK_STEPS; step++)
		for (uint32_t i = 0; i < n; i++)
			ov_deck_fetch(d, position + i, step, part);
}

/* Hashes and blinds n <= BATCH tokens from a position on. */
static enum ov_status
blind_batch(uint8_t *out, struct ov_exchange *x, uint32_t position, size_t n)
{
	uint8_t bytes[BATCH][OV_DECK_TOKEN_MAX];
	struct ov_bytes tokens[BATCH];
	uint64_t began;
	enum ov_status st;

	fetch_slots(x->o.deck, position, n, OV_DECK_BYTES);
	for (size_t i = 0; i < n; i++)
		tokens[i] = OV_BYTES(
		    bytes[i], ov_deck_token(bytes[i], x->o.deck, position + (uint32_t)i));
	began = ov_clock_thread_ns();
	st = ov_psi_blind_tokens(out, tokens, n, x->o.scalar);
	atomic_fetch_add(&x->group_ns, ov_clock_thread_ns() - began);
	ov_wipe(bytes, sizeof(bytes));
	return st;
}

static enum ov_status
send_work(void *ctx, size_t slot, uint64_t chunk)
{
	struct run *r = ctx;
	struct chunk *c = &r->chunks[slot];
	uint64_t began;
	enum ov_status st = OV_OK;

	if (chunk == 0)
		write_legend(c->plain, r->x->o.legend);
	for (uint32_t i = 0; i < c->slots; i += BATCH)
		OV_TRY(blind_batch(c->plain + (size_t)i * OV_POINT_ROW, r->x,
		    first_slot(chunk) + i, c->slots - i < BATCH ? c->slots - i : BATCH));
	began = ov_clock_thread_ns();
	ov_chunk_seal(c->sealed, &r->seal, (uint32_t)chunk, c->last,
	    OV_BYTES(c->plain, c->plain_len));
	atomic_fetch_add(&r->x->seal_ns, ov_clock_thread_ns() - began);
	c->sealed_len = c->plain_len + OV_CHUNK_OVERHEAD;
done:
	return st;
}

static enum ov_status
send_consume(void *ctx, size_t slot, uint64_t chunk)
{
	struct run *r = ctx;
	struct chunk *c = &r->chunks[slot];
	enum ov_status st;

	st = ov_outbox_put(&r->out, (uint32_t)chunk, c->last,
	    OV_BYTES(c->plain, c->plain_len), OV_BYTES(c->sealed, c->sealed_len));
	report_progress(r->x, c->slots);
	return st;
}

enum ov_status
ov_exchange_send_points(struct ov_exchange *x)
{
	struct ov_pipeline p = {
		.produce = send_produce, .work = send_work, .consume = send_consume
	};
	struct run r;
	enum ov_status st;

	OV_TRY(run_init(&r, x, x->o.role, x->o.deck->slots));
	OV_TRY(ov_outbox_init(&r.out, x->o.home, x->o.session, x->o.job, r.seal.stream));
	OV_TRY(run_pipeline(&r, &p));
	OV_TRY(ov_outbox_flush(&r.out, x->points_out.plain, x->points_out.sent));
	x->points_out.count = r.slots;
done:
	run_fini(&r);
	return st;
}

/* --- receive --- */

/* One question for a chunk; OV_E_BROKER_WAIT if it is not there yet. */
static enum ov_status
ask_chunk(struct run *r, struct chunk *c, uint64_t index)
{
	struct ov_exchange *x = r->x;
	struct ov_msg_get_chunk ask = { .stream = r->seal.stream, .index = index };
	struct ov_msg_chunk reply;
	struct ov_buf owner = { 0 };
	enum ov_status st;

	memcpy(ask.job, x->o.job, sizeof(ask.job));
	pthread_mutex_lock(&x->lock);
	ask.wait_ms = r->in_work > 0 ? ASK_BUSY_MS : ASK_IDLE_MS;
	if (ask.wait_ms > x->o.wait_ms)
		ask.wait_ms = x->o.wait_ms;
	OV_TRY(ov_session_call(x->o.session, OV_MSG_GET_CHUNK, &ask, OV_MSG_CHUNK, &reply,
	    &owner, ANSWER_MS));
	c->slots = chunk_slots(r, index);
	c->plain_len = index == 0 ? OV_LEGEND_LEN : (size_t)c->slots * OV_POINT_ROW;
	c->last = index == r->last_chunk;
	OV_REQUIRE((reply.last == 1) == c->last, OV_E_PROTO_COUNT);
	OV_REQUIRE(reply.body.len == c->plain_len + OV_CHUNK_OVERHEAD, OV_E_PROTO_COUNT);
	memcpy(c->sealed, reply.body.p, reply.body.len);
	c->sealed_len = reply.body.len;
	r->in_work++;
done:
	pthread_mutex_unlock(&x->lock);
	ov_buf_free(&owner);
	return st;
}

static enum ov_status
receive_produce(void *ctx, size_t slot, uint64_t chunk, bool *end)
{
	struct run *r = ctx;
	const struct ov_exchange_options *o = &r->x->o;
	uint64_t give_up = ov_clock_ms() + o->wait_ms;
	enum ov_status st;

	*end = chunk > r->last_chunk;
	if (*end)
		return OV_OK;
	do {
		st = ask_chunk(r, &r->chunks[slot], chunk);
		if (st != OV_E_BROKER_WAIT)
			return st;
		if (o->cancel != NULL && atomic_load(o->cancel))
			return OV_E_CANCELLED;
	} while (ov_clock_ms() < give_up);
	return OV_E_JOB_WAITING;
}

/* Rows of TAGS for the points of the chunk, the first of which stands at a position. */
static enum ov_status
tag_points(struct run *r, struct chunk *c, uint32_t position)
{
	const struct ov_exchange_options *o = &r->x->o;
	const uint8_t *proof = o->keys->proof[o->role];
	uint8_t ok[BATCH], blinded[BATCH * OV_POINT_ROW], tags[BATCH * OV_TAG_LEN];
	uint64_t began;
	size_t bad;
	enum ov_status st = OV_OK;

	for (uint32_t i = 0; i < c->slots; i += BATCH) {
		uint32_t n = c->slots - i < BATCH ? c->slots - i : BATCH;

		began = ov_clock_thread_ns();
		bad = ov_psi_blind_points(
		    blinded, ok, c->plain + (size_t)i * OV_POINT_ROW, n, o->scalar);
		atomic_fetch_add(&r->x->group_ns, ov_clock_thread_ns() - began);
		OV_REQUIRE(bad == 0, OV_E_PSI_POINT);
		ov_psi_tag(tags, blinded, n, o->keys->tag);
		for (uint32_t k = 0; k < n; k++) {
			uint8_t *row = c->rows + (size_t)(i + k) * OV_TAG_ROW;

			memcpy(row, tags + (size_t)k * OV_TAG_LEN, OV_TAG_LEN);
			ov_proof_mac(row + OV_TAG_LEN, proof, position + i + k, row);
		}
	}
done:
	ov_wipe(blinded, sizeof(blinded));
	return st;
}

/* n <= BATCH rows from a position on. */
static void
write_roster(uint8_t *rows, const struct ov_exchange *x, uint32_t position, uint32_t n)
{
	struct ov_roster_row row;

	fetch_slots(x->o.deck, position, n, OV_DECK_ROW);
	for (uint32_t i = 0; i < n; i++) {
		ov_deck_roster(
		    &row, x->o.deck, position + i, x->o.keys->roster[x->o.role]);
		ov_roster_pack(rows + (size_t)i * OV_ROSTER_ROW, &row);
	}
}

/* ROSTER chunk number index of the own list; none past its end. */
static void
make_roster(struct chunk *c, const struct ov_exchange *x, uint32_t index)
{
	uint64_t from = (uint64_t)index * OV_CHUNK_SLOTS, left;

	left = from < x->o.deck->slots ? x->o.deck->slots - from : 0;
	c->roster_slots = (uint32_t)(left < OV_CHUNK_SLOTS ? left : OV_CHUNK_SLOTS);
	for (uint32_t i = 0; i < c->roster_slots; i += BATCH)
		write_roster(c->roster + (size_t)i * OV_ROSTER_ROW, x, (uint32_t)from + i,
		    c->roster_slots - i < BATCH ? c->roster_slots - i : BATCH);
}

static enum ov_status
put_roster(struct run *r, const struct chunk *c, uint32_t index)
{
	struct ov_bytes rows =
	    OV_BYTES(c->roster, (size_t)c->roster_slots * OV_ROSTER_ROW);
	uint64_t end = (uint64_t)index * OV_CHUNK_SLOTS + c->roster_slots;

	if (c->roster_slots == 0)
		return OV_OK;
	return ov_outbox_put(&r->roster, index, end == r->x->o.deck->slots, rows, rows);
}

/* What a list that is longer than the partner's has left. */
static enum ov_status
finish_roster(struct run *r)
{
	struct ov_exchange *x = r->x;
	struct chunk *c = &r->chunks[0];
	enum ov_status st = OV_OK;

	for (uint32_t index = r->last_chunk;; index++) {
		make_roster(c, x, index);
		if (c->roster_slots == 0)
			break;
		OV_TRY(put_roster(r, c, index));
	}
	OV_TRY(ov_outbox_flush(&r->roster, x->roster_out.plain, x->roster_out.sent));
	x->roster_out.count = x->o.deck->slots;
done:
	return st;
}

static enum ov_status
receive_work(void *ctx, size_t slot, uint64_t chunk)
{
	struct run *r = ctx;
	struct chunk *c = &r->chunks[slot];
	uint64_t began;
	enum ov_status st;

	began = ov_clock_thread_ns();
	st = ov_chunk_open(c->plain, &r->seal, (uint32_t)chunk, c->last,
	    OV_BYTES(c->sealed, c->sealed_len));
	atomic_fetch_add(&r->x->seal_ns, ov_clock_thread_ns() - began);
	OV_TRY(st);
	if (chunk == 0) /* the legend */
		goto done;
	OV_TRY(tag_points(r, c, first_slot(chunk)));
	make_roster(c, r->x, (uint32_t)chunk - 1);
done:
	return st;
}

static enum ov_status
send_tags(struct run *r, struct chunk *c, uint64_t chunk)
{
	struct ov_bytes rows = OV_BYTES(c->rows, (size_t)c->slots * OV_TAG_ROW);

	for (uint32_t i = 0; i < c->slots; i++)
		memcpy(r->x->tags + (size_t)(first_slot(chunk) + i) * OV_TAG_LEN,
		    c->rows + (size_t)i * OV_TAG_ROW, OV_TAG_LEN);
	return ov_outbox_put(&r->out, (uint32_t)chunk - 1, c->last, rows, rows);
}

static enum ov_status
receive_consume(void *ctx, size_t slot, uint64_t chunk)
{
	struct run *r = ctx;
	struct chunk *c = &r->chunks[slot];
	enum ov_status st;

	pthread_mutex_lock(&r->x->lock);
	ov_hash_lv(&r->plain_in, c->plain, c->plain_len);
	ov_hash_lv(&r->sent_in, c->sealed, c->sealed_len);
	if (chunk == 0) {
		memcpy(r->x->legend, c->plain, OV_LEGEND_LEN);
		st = r->x->o.admit(r->x->o.admit_ctx);
	} else {
		st = put_roster(r, c, (uint32_t)chunk - 1);
		if (st == OV_OK)
			st = send_tags(r, c, chunk);
	}
	r->in_work--;
	pthread_mutex_unlock(&r->x->lock);
	report_progress(r->x, c->slots);
	return st;
}

/* Parts of tags are as secret as tags are. */
static void
wipe_free(void *p, size_t len)
{
	if (p != NULL)
		ov_wipe(p, len);
	free(p);
}

static int
compare_tags(const void *a, const void *b)
{
	return memcmp(a, b, OV_TAG_LEN);
}

/* True if no tag stands twice.  Sorts, so that no choice of tags makes it slow: first
 * the halves of the tags, which decides all but one case in 2^25, then the tags. */
static enum ov_status
tags_distinct(bool *distinct, const uint8_t *tags, size_t n)
{
	uint64_t *half = malloc(n * sizeof(*half)), *spare = malloc(n * sizeof(*half));
	uint8_t *whole = NULL;
	enum ov_status st = OV_OK;

	*distinct = true;
	OV_REQUIRE(half != NULL && spare != NULL, OV_E_NOMEM);
	for (size_t i = 0; i < n; i++)
		memcpy(&half[i], tags + i * OV_TAG_LEN, sizeof(half[i]));
	ov_numbers_sort(half, spare, n);
	for (size_t i = 1; i < n && *distinct; i++)
		*distinct = half[i - 1] != half[i];
	if (*distinct)
		goto done;
	whole = malloc(n * OV_TAG_LEN);
	OV_REQUIRE(whole != NULL, OV_E_NOMEM);
	memcpy(whole, tags, n * OV_TAG_LEN);
	qsort(whole, n, OV_TAG_LEN, compare_tags);
	*distinct = true;
	for (size_t i = 1; i < n && *distinct; i++)
		*distinct = memcmp(whole + (i - 1) * OV_TAG_LEN, whole + i * OV_TAG_LEN,
				OV_TAG_LEN) != 0;
done:
	wipe_free(half, n * sizeof(*half));
	wipe_free(spare, n * sizeof(*spare));
	wipe_free(whole, n * OV_TAG_LEN);
	return st;
}

enum ov_status
ov_exchange_receive(struct ov_exchange *x)
{
	enum ov_role other = x->o.role == OV_ROLE_A ? OV_ROLE_B : OV_ROLE_A;
	struct ov_pipeline p = { .produce = receive_produce,
		.work = receive_work,
		.consume = receive_consume };
	struct run r;
	bool distinct;
	enum ov_status st;

	OV_TRY(run_init(&r, x, other, x->o.other_slots));
	ov_stream_digest_init(&r.plain_in, r.seal.stream);
	ov_stream_digest_init(&r.sent_in, r.seal.stream);
	OV_TRY(ov_outbox_init(&r.out, x->o.home, x->o.session, x->o.job,
	    (uint8_t)ov_stream_of(OV_STREAM_TAGS_A, x->o.role)));
	OV_TRY(ov_outbox_init(&r.roster, x->o.home, x->o.session, x->o.job,
	    (uint8_t)ov_stream_of(OV_STREAM_ROSTER_A, x->o.role)));
	OV_TRY(run_pipeline(&r, &p));
	OV_TRY(finish_roster(&r));
	/* equal points give equal tags, and only those do */
	OV_TRY(tags_distinct(&distinct, x->tags, r.slots));
	OV_REQUIRE(distinct, OV_E_PSI_DUPLICATE);
	OV_TRY(ov_outbox_flush(&r.out, x->tags_out.plain, x->tags_out.sent));
	ov_hash_final(&r.plain_in, x->points_in.plain);
	ov_hash_final(&r.sent_in, x->points_in.sent);
	x->points_in.count = x->tags_out.count = r.slots;
done:
	run_fini(&r);
	return st;
}
