#include "server/report.h"

#include <stdlib.h>
#include <string.h>

#include "common/crypto/memory.h"
#include "common/crypto/sign.h"
#include "common/log.h"
#include "common/work/both.h"
#include "common/work/heap.h"
#include "proto/chunk.h"
#include "proto/keys.h"
#include "proto/slots.h"
#include "proto/terms.h"
#include "server/events.h"
#include "server/jobs.h"
#include "server/ledger.h"
#include "server/log.h"
#include "server/macs.h"
#include "server/streams.h"
#include "server/views.h"

_Static_assert((int)OV_JOIN_A == (int)OV_ROLE_A && (int)OV_JOIN_B == (int)OV_ROLE_B,
    "a side of the join is a role of the job");

/* One partner's list in memory: its roster, and its tags as the other computed them. */
struct list {
	size_t n, rows, tags; /* slots, read so far */
	uint8_t *tag;
	uint32_t *record;
	uint8_t *rank, *label, *fit;
};

struct work {
	const struct ov_broker *b;
	struct ov_job job;
	struct ov_release release;
	unsigned int giver[2]; /* by role: 0 low, 1 high */
	struct list list[2];
	struct ov_counts_due due[2]; /* by receiver */
	struct ov_views views;
	/* by receiver; drawn before both views are written at once, so that the same
	 * random numbers make the same report */
	uint8_t salt[2][32];
	uint8_t view_digest[2][OV_DIGEST];
	struct ov_macs proof[2], roster[2]; /* by role of who made them */
};

/* --- both sides at once --- */

/* One side's half of a stage.  The halves share nothing that changes but the store, which
 * has turns of its own. */
struct half {
	struct work *w;
	unsigned int role;
	enum ov_status (*fn)(struct work *w, unsigned int role);
	enum ov_status st;
};

static void
do_half(void *arg)
{
	struct half *h = arg;

	h->st = h->fn(h->w, h->role);
}

/* The clients wait for the report with nothing to do: a second core is free.  A's failure
 * counts before B's, whichever came first. */
static enum ov_status
do_both(struct work *w, enum ov_status (*fn)(struct work *w, unsigned int role))
{
	struct half a = { w, OV_ROLE_A, fn, OV_OK }, b = { w, OV_ROLE_B, fn, OV_OK };

	ov_both(do_half, &a, &b);
	return a.st != OV_OK ? a.st : b.st;
}

/* --- reading --- */

static void
list_fini(struct list *l)
{
	free(l->tag);
	free(l->record);
	free(l->rank);
	free(l->label);
	free(l->fit);
	*l = (struct list){ 0 };
}

static enum ov_status
list_init(struct list *l, size_t n)
{
	*l = (struct list){ .n = n };
	l->tag = ov_heap_scattered(n, OV_TAG_LEN);
	l->record = ov_heap_scattered(n, sizeof(*l->record));
	l->rank = malloc(n);
	l->label = ov_heap_scattered(n, 1);
	l->fit = malloc(n);
	if (l->tag == NULL || l->record == NULL || l->rank == NULL || l->label == NULL ||
	    l->fit == NULL) {
		list_fini(l);
		return OV_E_NOMEM;
	}
	return OV_OK;
}

static enum ov_status
take_roster(void *arg, struct ov_bytes chunk)
{
	struct list *l = arg;
	struct ov_roster_row row;

	if (chunk.len % OV_ROSTER_ROW != 0 || chunk.len / OV_ROSTER_ROW > l->n - l->rows)
		return OV_E_PROTO_COUNT;
	for (size_t at = 0; at < chunk.len; at += OV_ROSTER_ROW, l->rows++) {
		ov_roster_unpack(&row, chunk.p + at);
		l->record[l->rows] = row.record;
		l->rank[l->rows] = row.rank;
		l->label[l->rows] = row.label;
		l->fit[l->rows] = row.fit;
	}
	return OV_OK;
}

static enum ov_status
take_tags(void *arg, struct ov_bytes chunk)
{
	struct list *l = arg;

	if (chunk.len % OV_TAG_ROW != 0 || chunk.len / OV_TAG_ROW > l->n - l->tags)
		return OV_E_PROTO_COUNT;
	for (size_t at = 0; at < chunk.len; at += OV_TAG_ROW, l->tags++)
		memcpy(l->tag + l->tags * OV_TAG_LEN, chunk.p + at, OV_TAG_LEN);
	return OV_OK;
}

/* The streams that hold a role's list: its own ROSTER, and the TAGS that the other made
 * of its points. */
static unsigned int
roster_of(unsigned int role)
{
	return ov_stream_of(OV_STREAM_ROSTER_A, (enum ov_role)role);
}

static unsigned int
tags_made_by(unsigned int role)
{
	return ov_stream_of(OV_STREAM_TAGS_A, (enum ov_role)role);
}

static enum ov_status
read_list(struct work *w, unsigned int role)
{
	struct list *l = &w->list[role];
	size_t n = role == OV_ROLE_A ? w->job.slots_a : w->job.slots_b;
	enum ov_status st = OV_OK;

	OV_TRY(list_init(l, n));
	OV_TRY(ov_stream_read(w->b->store, w->job.id, roster_of(role), take_roster, l));
	OV_TRY(
	    ov_stream_read(w->b->store, w->job.id, tags_made_by(1 - role), take_tags, l));
	OV_REQUIRE(l->rows == n && l->tags == n, OV_E_PROTO_COUNT);
done:
	return st;
}

/* --- joining --- */

static void
side_of(struct ov_join_side *side, const struct work *w, unsigned int role)
{
	const struct list *l = &w->list[role];

	*side = (struct ov_join_side){ .n = l->n,
		.tag = l->tag,
		.record = l->record,
		.rank = l->rank,
		.label = l->label,
		.fit = l->fit,
		.ranks = w->release.ranks,
		.bands = w->release.bands[w->giver[role]] };
	for (unsigned int p = 1; p <= OV_POPULATIONS_MAX; p++)
		side->level[p] = w->release.level[w->giver[role]][p];
}

static enum ov_status
join(struct work *w)
{
	struct ov_join_side a, b;
	struct ov_join *j = NULL;
	enum ov_status st = OV_OK;

	side_of(&a, w, OV_ROLE_A);
	side_of(&b, w, OV_ROLE_B);
	OV_TRY(ov_join_new(&j, &a, &b, w->release.veto));
	for (unsigned int role = 0; role < 2; role++) {
		free(w->list[role].tag); /* the largest part of a list */
		w->list[role].tag = NULL;
	}
	const struct ov_views_input in = { j, &w->release, w->giver, w->due };
	OV_TRY(ov_views_draw(&w->views, &in));
done:
	ov_join_free(j);
	for (unsigned int role = 0; role < 2; role++) { /* labels are needed still */
		free(w->list[role].record);
		w->list[role].record = NULL;
	}
	return st;
}

/* --- the MACs of the rows that matched: a second pass, so that they are not in memory
 * beside the join, nor ever those of rows that nobody is shown --- */

struct macs_in {
	struct ov_macs *to;
	size_t width, at; /* of a row; where the MAC begins in it */
	uint32_t position;
};

static enum ov_status
take_macs(void *arg, struct ov_bytes chunk)
{
	struct macs_in *in = arg;

	/* As many rows as the first pass counted: the stream does not change. */
	for (size_t i = 0; i + in->width <= chunk.len; i += in->width)
		ov_macs_put(in->to, in->position++, chunk.p + i + in->at);
	return OV_OK;
}

/* What role made and the other is shown: proofs at the other's positions, its roster at
 * its own. */
static void
show_macs(struct work *w, unsigned int role)
{
	for (size_t i = 0; i < w->views.n; i++) {
		const struct ov_view_match *m = &w->views.match[i];

		if ((m->seen >> (1 - role) & 1) == 0)
			continue;
		ov_macs_show(&w->roster[role], role == OV_ROLE_A ? m->a : m->b);
		ov_macs_show(&w->proof[role], role == OV_ROLE_A ? m->b : m->a);
	}
}

static enum ov_status
read_macs(struct work *w, unsigned int role)
{
	struct macs_in proof = {
		.to = &w->proof[role], .width = OV_TAG_ROW, .at = OV_TAG_LEN
	};
	struct macs_in roster = { .to = &w->roster[role],
		.width = OV_ROSTER_ROW,
		.at = OV_ROSTER_ROW - OV_MAC_LEN };
	enum ov_status st;

	OV_TRY(ov_macs_init(proof.to, w->list[1 - role].n));
	OV_TRY(ov_macs_init(roster.to, w->list[role].n));
	show_macs(w, role);
	OV_TRY(ov_macs_ready(proof.to));
	OV_TRY(ov_macs_ready(roster.to));
	OV_TRY(ov_stream_read(
	    w->b->store, w->job.id, tags_made_by(role), take_macs, &proof));
	OV_TRY(
	    ov_stream_read(w->b->store, w->job.id, roster_of(role), take_macs, &roster));
done:
	return st;
}

/* --- writing a view --- */

/* A VIEW stream while it is written: chunks go to the store, a transaction each so that
 * others have their turn, and into the digest.  Nobody can read it before REPORT. */
struct view_out {
	struct work *w;
	unsigned int receiver, stream;
	uint32_t index;
	struct ov_hash digest;
};

/* OV_E_PROTO_UNEXPECTED if the job ended meanwhile: what is put then would stay. */
static enum ov_status
begin_view(struct ov_tx **tx, const struct work *w)
{
	struct ov_job now;
	enum ov_status st = OV_OK;

	OV_TRY(ov_tx_begin(tx, w->b->store));
	OV_TRY(ov_store_job(*tx, &now, w->job.id));
	OV_REQUIRE(ov_job_is_joinable(&now), OV_E_PROTO_UNEXPECTED);
done:
	if (st != OV_OK)
		ov_tx_end(tx);
	return st;
}

static enum ov_status
write_chunk(struct view_out *v, struct ov_bytes chunk, bool last)
{
	struct ov_chunk_at at = { v->w->job.id, v->stream, v->index++ };
	enum ov_put_result how;
	struct ov_tx *tx = NULL;
	enum ov_status st = OV_OK;

	ov_hash_lv(&v->digest, chunk.p, chunk.len);
	OV_TRY(begin_view(&tx, v->w));
	OV_TRY(ov_store_chunk_put(tx, &how, &at, last, chunk, NULL));
	OV_REQUIRE(how == OV_PUT_NEW, OV_E_BUG);
	OV_TRY(ov_tx_commit(&tx, "view.chunk"));
done:
	ov_tx_end(&tx);
	return st;
}

/* What a report that was cut short left of the view. */
static enum ov_status
forget_view(struct view_out *v)
{
	struct ov_tx *tx = NULL;
	enum ov_status st = OV_OK;
	bool more = true;

	while (more) {
		OV_TRY(begin_view(&tx, v->w));
		OV_TRY(ov_store_stream_restart(tx, &more, v->w->job.id, v->stream));
		OV_TRY(ov_tx_commit(&tx, "view.forget"));
	}
done:
	ov_tx_end(&tx);
	return st;
}

static enum ov_status
write_head(struct view_out *v)
{
	const struct ov_views *views = &v->w->views;
	struct ov_msg_view m = { .receiver = v->receiver,
		.matches = views->seen[v->receiver],
		.cells = OV_BUF_BYTES(&views->cells[v->receiver]),
		.held = OV_BUF_BYTES(&views->held[v->receiver]) };
	struct ov_buf buf = { 0 };
	enum ov_status st = OV_OK;

	memcpy(m.job, v->w->job.id, OV_ID);
	memcpy(m.salt, v->w->salt[v->receiver], sizeof(m.salt));
	OV_TRY(ov_msg_encode(&buf, OV_MSG_VIEW, &m));
	OV_TRY(write_chunk(v, OV_BUF_BYTES(&buf), m.matches == 0));
done:
	ov_buf_free(&buf);
	return st;
}

static void
pack_match(uint8_t *p, const struct view_out *v, const struct ov_view_match *m)
{
	unsigned int other = 1 - v->receiver;
	const struct work *w = v->w;
	struct ov_match_row row = { .own = v->receiver == OV_JOIN_A ? m->a : m->b,
		.other = v->receiver == OV_JOIN_A ? m->b : m->a,
		.rank = m->rank,
		.number = m->number };

	row.label = w->list[other].label[row.other];
	memcpy(row.proof, ov_macs_at(&w->proof[other], row.own), OV_MAC_LEN);
	memcpy(row.roster, ov_macs_at(&w->roster[other], row.other), OV_MAC_LEN);
	ov_match_pack(p, &row);
}

/* Positions are random: what a row needs is asked for some rows ahead. */
#define AHEAD 16
static void
fetch_match(const struct view_out *v, size_t i)
{
	const struct ov_views *views = &v->w->views;
	unsigned int other = 1 - v->receiver;
	const struct ov_view_match *m;
	uint32_t own, theirs;

	if (i >= views->n || (views->match[i].seen >> v->receiver & 1) == 0)
		return;
	m = &views->match[i];
	own = v->receiver == OV_JOIN_A ? m->a : m->b;
	theirs = v->receiver == OV_JOIN_A ? m->b : m->a;
	__builtin_prefetch(ov_macs_at(&v->w->proof[other], own));
	__builtin_prefetch(ov_macs_at(&v->w->roster[other], theirs));
	__builtin_prefetch(&v->w->list[other].label[theirs]);
}

static enum ov_status
write_matches(struct view_out *v)
{
	const struct ov_views *views = &v->w->views;
	size_t left = views->seen[v->receiver], n = 0;
	uint8_t *rows = malloc(OV_CHUNK_SLOTS * OV_MATCH_ROW);
	enum ov_status st = OV_OK;

	OV_REQUIRE(rows != NULL, OV_E_NOMEM);
	for (size_t i = 0; i < views->n && left > 0; i++) {
		fetch_match(v, i + AHEAD);
		if ((views->match[i].seen >> v->receiver & 1) == 0)
			continue;
		pack_match(rows + n++ * OV_MATCH_ROW, v, &views->match[i]);
		left--;
		if (n == OV_CHUNK_SLOTS || left == 0) {
			OV_TRY(
			    write_chunk(v, OV_BYTES(rows, n * OV_MATCH_ROW), left == 0));
			n = 0;
		}
	}
done:
	free(rows);
	return st;
}

static enum ov_status
write_view(struct work *w, unsigned int receiver)
{
	struct view_out v = { .w = w,
		.receiver = receiver,
		.stream = ov_stream_of(OV_STREAM_VIEW_A, (enum ov_role)receiver) };
	enum ov_status st = OV_OK;

	ov_stream_digest_init(&v.digest, (uint8_t)v.stream);
	OV_TRY(forget_view(&v));
	OV_TRY(write_head(&v));
	OV_TRY(write_matches(&v));
	ov_hash_final(&v.digest, w->view_digest[receiver]);
done:
	return st;
}

/* --- REPORT --- */

/* Digests of the six COMPLETEs, in the order of their steps. */
static enum ov_status
digest_completes(uint8_t out[6 * OV_DIGEST], struct ov_tx *tx, const uint8_t job[OV_ID])
{
	struct ov_buf body = { 0 };
	struct ov_step_row row;
	enum ov_status st = OV_OK;

	for (unsigned int i = 0; i < 6; i++) {
		body.len = 0;
		OV_TRY(
		    ov_store_step(tx, &row, &body, job, OV_STEP_COMPLETE_POINTS_A + i));
		ov_digest(out + (size_t)i * OV_DIGEST, "complete", OV_BUF_BYTES(&body));
	}
done:
	ov_buf_free(&body);
	return st;
}

static enum ov_status
keep_report(struct work *w, struct ov_tx *tx, struct ov_bytes body)
{
	struct ov_step_row row = { 0 };
	struct ov_log_leaf leaf;
	enum ov_put_result how;
	enum ov_job_state to;
	enum ov_status st = OV_OK;

	OV_TRY(ov_job_step(&to, w->job.state, OV_ROLE_S, OV_STEP_REPORT));
	ov_sign(row.signature, w->b->report_sk, "report", body);
	OV_TRY(ov_log_signed(
	    &leaf, tx, OV_LEAF_RELEASED, body, OV_BYTES(row.signature, 64)));
	row.leaf = leaf.index;
	OV_TRY(ov_store_step_put(tx, &how, w->job.id, OV_STEP_REPORT, &row, body));
	OV_REQUIRE(how == OV_PUT_NEW, OV_E_BUG);
	w->job.steps |= 1U << OV_STEP_REPORT;
	w->job.state = to;
	w->job.deadline = w->b->now() + OV_REPORT_LIFE;
	OV_TRY(ov_store_job_update(tx, &w->job));
done:
	return st;
}

static enum ov_status
write_report(struct work *w, struct ov_tx *tx)
{
	uint8_t completes[6 * OV_DIGEST], charges[OV_CHARGES_LEN];
	struct ov_msg_report m = { .completes = OV_BYTES(completes, sizeof(completes)),
		.charges = OV_BYTES(charges, sizeof(charges)),
		.created = (uint64_t)w->b->now() };
	struct ov_charges charged;
	struct ov_signed_head head;
	struct ov_buf body = { 0 };
	enum ov_status st = OV_OK;

	memcpy(m.job, w->job.id, OV_ID);
	OV_TRY(ov_job_transcript(m.th, tx, w->job.id));
	OV_TRY(digest_completes(completes, tx, w->job.id));
	OV_TRY(ov_ledger_report(&charged, tx, &w->job, &w->release, w->b->now()));
	ov_charges_pack(charges, &charged);
	memcpy(m.view_a, w->view_digest[OV_JOIN_A], OV_DIGEST);
	memcpy(m.view_b, w->view_digest[OV_JOIN_B], OV_DIGEST);
	OV_TRY(ov_log_event(tx, OV_LEAF_JOINED, w->job.id, w->job.state));
	if (w->views.held[0].len > 0 || w->views.held[1].len > 0)
		OV_TRY(ov_log_event(tx, OV_LEAF_HELD_BACK, w->job.id, w->job.state));
	OV_TRY(ov_log_head(&head, w->b, tx, 0));
	m.head = OV_BYTES(head.bytes, head.len);
	m.head_signature = OV_BYTES(head.signature, 64);
	OV_TRY(ov_msg_encode(&body, OV_MSG_REPORT, &m));
	OV_TRY(keep_report(w, tx, OV_BUF_BYTES(&body)));
done:
	ov_buf_free(&body);
	return st;
}

/* --- the whole --- */

/* *ready: the job can be joined now. */
static enum ov_status
look(struct work *w, bool *ready, const uint8_t id[OV_ID])
{
	struct ov_terms_row row;
	struct ov_tx *tx = NULL;
	enum ov_status st = OV_OK;

	*ready = false;
	OV_TRY(ov_tx_begin(&tx, w->b->store));
	OV_TRY(ov_store_job(tx, &w->job, id));
	if (!ov_job_is_joinable(&w->job))
		goto done;
	OV_TRY(ov_job_release(&w->release, &row, tx, &w->job));
	w->giver[OV_ROLE_A] = ov_is_low(w->job.a, w->job.b) ? 0 : 1;
	w->giver[OV_ROLE_B] = 1 - w->giver[OV_ROLE_A];
	OV_TRY(ov_ledger_views(w->due, tx, &w->job, &w->release));
	*ready = true;
done:
	ov_tx_end(&tx);
	return st;
}

/* All that is drawn becomes a fact at once, with its REPORT, if the job still waits for
 * it; why: OV_OK, or the reason why the job fails instead. */
static enum ov_status
finish(struct work *w, enum ov_status why)
{
	struct ov_job now;
	struct ov_tx *tx = NULL;
	enum ov_status st = OV_OK;

	OV_TRY(ov_tx_begin(&tx, w->b->store));
	OV_TRY(ov_store_job(tx, &now, w->job.id));
	if (!ov_job_is_joinable(&now))
		goto done; /* cancelled or expired meanwhile */
	w->job = now;
	if (why == OV_OK)
		OV_TRY(write_report(w, tx));
	else
		OV_TRY(ov_job_conclude(&w->job, tx, OV_STEP_FAIL, why));
	OV_TRY(ov_tx_commit(&tx, "job.report"));
	ov_events_fire(w->b->events, w->job.id);
	ov_log(OV_LOG_INFO, "job.reported", OV_F_ID("job", w->job.id), OV_F_STATUS(why));
done:
	ov_tx_end(&tx);
	return st;
}

static enum ov_status
draw(struct work *w)
{
	enum ov_status st = OV_OK;

	OV_TRY(do_both(w, read_list));
	OV_TRY(join(w));
	OV_TRY(do_both(w, read_macs));
	for (unsigned int role = 0; role < 2; role++)
		ov_random(w->salt[role], sizeof(w->salt[role]));
	OV_TRY(do_both(w, write_view)); /* the role is the receiver's */
done:
	return st;
}

enum ov_status
ov_report_make(const struct ov_broker *b, const uint8_t id[OV_ID])
{
	struct work w = { .b = b };
	enum ov_status st = OV_OK, drawn;
	bool ready = false;

	OV_TRY(look(&w, &ready, id));
	if (!ready)
		goto done;
	ov_heap_trim();
	drawn = draw(&w);
	/* What a partner did wrong ends the job; what failed here is tried again. */
	OV_REQUIRE(drawn == OV_OK || ov_status_class(drawn) == OV_CLASS_PEER, drawn);
	OV_TRY(finish(&w, drawn));
done:
	for (unsigned int role = 0; role < 2; role++) {
		list_fini(&w.list[role]);
		ov_macs_fini(&w.proof[role]);
		ov_macs_fini(&w.roster[role]);
	}
	ov_views_fini(&w.views);
	if (ready)
		ov_heap_trim();
	return st;
}
