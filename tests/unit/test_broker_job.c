/* A whole job at the broker: six streams in, two views and a signed report out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/crypto/memory.h"
#include "common/crypto/sign.h"
#include "proto/terms.h"
#include "server/digests.h"
#include "server/enrol.h"
#include "server/jobs.h"
#include "server/report.h"
#include "server/site.h"
#include "server/store_db.h"
#include "server/streams.h"
#include "tests/unit/broker_exchange.h"

/* Every row of a view against the made-up lists. */
static void
check_matches(unsigned int role, struct ov_bytes rows)
{
	bool taken[MATCHES] = { false };
	uint8_t proof[OV_MAC_LEN], roster_mac[OV_MAC_LEN];
	uint32_t last = 0;

	/* the other's population 1 is at `matches`, 2 is not: half of them */
	assert_int_equal(rows.len, (size_t)MATCHES / 2 * OV_MATCH_ROW);
	for (size_t at = 0; at < rows.len; at += OV_MATCH_ROW) {
		struct ov_match_row m;

		ov_match_unpack(&m, rows.p + at);
		assert_true(m.own < MATCHES && !taken[m.own]);
		taken[m.own] = true;
		assert_int_equal(m.other, MATCHES - 1 - m.own);
		assert_int_equal(m.rank, OV_RANK_DOMAIN);
		assert_int_equal(m.label, OV_LABEL(1, 0));
		assert_int_equal(m.label, label_of(m.other));
		mark(proof, (uint8_t)(1 - role), 't', m.own);
		assert_memory_equal(m.proof, proof, OV_MAC_LEN);
		mark(roster_mac, (uint8_t)(1 - role), 'r', m.other);
		assert_memory_equal(m.roster, roster_mac, OV_MAC_LEN);
		assert_true(at == 0 || m.number > last);
		last = m.number;
	}
}

static void
check_cells(const struct ov_msg_view *view)
{
	uint32_t pairs = 0;

	assert_int_equal(view->cells.len % OV_CELL_ROW, 0);
	for (size_t at = 0; at < view->cells.len; at += OV_CELL_ROW) {
		struct ov_cell_row c;

		ov_cell_unpack(&c, view->cells.p + at);
		if (c.other != 1)
			continue; /* only counted: noise or held back */
		assert_int_equal(c.plus_minus, 0);
		/* slots of Ada's population 2 meet Bob's 1, and the other way round */
		assert_int_equal(c.pairs, c.own == 2 ? MATCHES / 2 : 0);
		assert_int_equal(c.fit_own, c.pairs);
		pairs += c.pairs;
	}
	assert_int_equal(pairs, MATCHES / 2);
}

static void
check_view(unsigned int role, const struct run *r, const uint8_t want[OV_DIGEST])
{
	unsigned int stream = ov_stream_of(OV_STREAM_VIEW_A, (enum ov_role)role);
	struct ov_msg_chunk chunk;
	struct ov_msg_view view;
	uint8_t digest[OV_DIGEST];
	struct ov_hash h;

	ov_stream_digest_init(&h, (uint8_t)stream);
	assert_int_equal(get_chunk(actor_of(role), r->p.job, stream, 0, &chunk), OV_OK);
	assert_false(chunk.last);
	ov_hash_lv(&h, chunk.body.p, chunk.body.len);
	assert_int_equal(ov_msg_decode(&view, OV_MSG_VIEW, chunk.body), OV_OK);
	assert_int_equal(view.receiver, role);
	assert_int_equal(view.matches, MATCHES / 2);
	check_cells(&view);
	assert_int_equal(get_chunk(actor_of(role), r->p.job, stream, 1, &chunk), OV_OK);
	assert_true(chunk.last);
	ov_hash_lv(&h, chunk.body.p, chunk.body.len);
	check_matches(role, chunk.body);
	ov_hash_final(&h, digest);
	assert_memory_equal(digest, want, OV_DIGEST);
	/* the other's view is not for this side */
	assert_int_equal(get_chunk(actor_of(1 - role), r->p.job, stream, 0, &chunk),
	    OV_E_BROKER_DENIED);
}

static void
job_runs_to_its_end(void **state)
{
	struct ov_msg_report m;
	struct ov_msg_chunk chunk;
	struct ov_buf body = { 0 }, again = { 0 };
	struct ov_tx *tx = NULL;
	struct run r;
	uint64_t bytes, want;

	(void)state;
	assert_int_equal(ov_tx_begin(&tx, broker.store), OV_OK);
	assert_int_equal(ov_store_usage(tx, &want, ada.id), OV_OK);
	ov_tx_end(&tx);
	want += OV_ID + OV_STORE_ROW;
	make_lists();
	exchange(&r);
	assert_int_equal(job_state(&ada, r.p.job).state, OV_JOB_EXCHANGING);
	assert_int_equal(ov_report_make(&broker, r.p.job), OV_OK);
	assert_int_equal(job_state(&ada, r.p.job).state, OV_JOB_REPORTED);
	fetch_report(&m, &body, &r);
	assert_memory_equal(m.th, r.th, OV_DIGEST);
	assert_int_equal(ov_get64(m.charges.p), SLOTS_A);
	assert_int_equal(ov_get64(m.charges.p + 8), SLOTS_B);
	assert_int_equal(ov_get64(m.charges.p + 16), SLOTS_A);
	assert_int_equal(ov_get64(m.charges.p + 24), SLOTS_B);
	assert_int_equal(ov_get32(m.charges.p + 32), 1);
	assert_int_equal(ov_get32(m.charges.p + 36), 1);
	check_view(OV_ROLE_A, &r, m.view_a);
	check_view(OV_ROLE_B, &r, m.view_b);
	/* asked for again, after a restart too: the same report, not another one */
	site_reopen();
	assert_int_equal(ov_report_make(&broker, r.p.job), OV_OK);
	fetch_report(&m, &again, &r);
	assert_int_equal(again.len, body.len);
	assert_memory_equal(again.p, body.p, body.len);
	close_job(&r, &body);
	assert_int_equal(
	    get_chunk(&bob, r.p.job, OV_STREAM_POINTS_A, 0, &chunk), OV_E_NOT_FOUND);
	assert_int_equal(ov_tx_begin(&tx, broker.store), OV_OK);
	assert_int_equal(ov_store_usage(tx, &bytes, ada.id), OV_OK);
	assert_int_equal(bytes, want); /* the mail of the proposal, the terms */
	ov_tx_end(&tx);
	ov_buf_free(&body);
	ov_buf_free(&again);
	run_free(&r);
}

static struct ov_stream_row
stream_of(const uint8_t job[OV_ID], unsigned int stream)
{
	struct ov_stream_row row;
	struct ov_tx *tx = NULL;

	assert_int_equal(ov_tx_begin(&tx, broker.store), OV_OK);
	assert_int_equal(ov_store_stream(tx, &row, job, stream), OV_OK);
	ov_tx_end(&tx);
	return row;
}

/* Without the COMPLETEs, which read the streams that were not measured so. */
static void
digests_grow_with_their_streams(void **state)
{
	struct ov_msg_complete points, want;
	struct run r;

	(void)state;
	broker.digests = ov_digests_new();
	make_lists();
	start_run(&r, 1);
	send_points(OV_ROLE_A, &r, &points);
	send_roster(OV_ROLE_A, &r, &want);
	assert_true(stream_of(r.p.job, OV_STREAM_ROSTER_A).measured);
	assert_memory_equal(
	    stream_of(r.p.job, OV_STREAM_ROSTER_A).digest, want.sent, OV_DIGEST);
	assert_true(stream_of(r.p.job, OV_STREAM_POINTS_A).measured);
	assert_int_equal(complete(OV_ROLE_A, &r, &points), OV_OK);
	assert_int_equal(complete(OV_ROLE_A, &r, &want), OV_OK);
	want.sent[0] ^= 1;
	assert_int_equal(complete(OV_ROLE_A, &r, &want), OV_E_PROTO_EQUIVOCATION);
	run_free(&r);
}

static void
completes_that_do_not_fit_are_refused(void **state)
{
	struct ov_msg_complete good, m;
	struct run r;

	(void)state;
	make_lists();
	start_run(&r, 1);
	m = completion(&r, OV_STREAM_ROSTER_A, SLOTS_A);
	assert_int_equal(complete(OV_ROLE_A, &r, &m), OV_E_PROTO_UNEXPECTED);
	send_points(OV_ROLE_A, &r, &good); /* now it is exchanging */
	assert_int_equal(complete(OV_ROLE_A, &r, &m), OV_E_PROTO_UNEXPECTED);
	send_roster(OV_ROLE_A, &r, &good);
#define REFUSED(change, status)                                                          \
	do {                                                                             \
		m = good;                                                                \
		change;                                                                  \
		assert_int_equal(complete(OV_ROLE_A, &r, &m), (status));                 \
	} while (0)
	REFUSED(m.th[0] ^= 1, OV_E_PROTO_MISMATCH);
	REFUSED(m.job[0] ^= 1, OV_E_PROTO_MISMATCH);
	REFUSED(m.count--, OV_E_PROTO_COUNT);
	assert_false(stream_of(r.p.job, OV_STREAM_ROSTER_B).measured);
	REFUSED(m.sent[0] ^= 1, OV_E_PROTO_DIGEST);
	/* read once, however often it is tried */
	assert_true(stream_of(r.p.job, OV_STREAM_ROSTER_A).measured);
	assert_memory_equal(
	    stream_of(r.p.job, OV_STREAM_ROSTER_A).digest, good.sent, OV_DIGEST);
	REFUSED(m.sent[0] ^= 1, OV_E_PROTO_DIGEST);
	assert_int_equal(complete(OV_ROLE_B, &r, &good), OV_E_BROKER_DENIED);
	REFUSED((void)0, OV_OK); /* control */
	REFUSED((void)0, OV_OK); /* and again */
	REFUSED(m.plain[0] ^= 1, OV_E_PROTO_EQUIVOCATION);
#undef REFUSED
	run_free(&r);
}

/* What a broker that died while it wrote a view has left. */
static void
views_are_read_with_their_report_only(void **state)
{
	struct ov_msg_have have = { .stream = OV_STREAM_VIEW_A };
	struct ov_msg_have_reply is;
	struct ov_msg_report m;
	struct ov_msg_chunk chunk;
	struct ov_chunk_at at = { .stream = OV_STREAM_VIEW_A };
	struct ov_buf body = { 0 };
	enum ov_put_result how;
	struct ov_tx *tx = NULL;
	struct run r;

	(void)state;
	make_lists();
	exchange(&r);
	at.job = r.p.job;
	assert_int_equal(ov_tx_begin(&tx, broker.store), OV_OK);
	for (at.index = 0; at.index < 40; at.index++)
		assert_int_equal(
		    ov_store_chunk_put(tx, &how, &at, false, OV_LITERAL("half"), NULL),
		    OV_OK);
	assert_int_equal(ov_tx_commit(&tx, "test"), OV_OK);
	memcpy(have.job, r.p.job, OV_ID);
	assert_int_equal(
	    get_chunk(&ada, r.p.job, OV_STREAM_VIEW_A, 0, &chunk), OV_E_BROKER_WAIT);
	assert_int_equal(call(&ada, OV_MSG_HAVE, &have, OV_MSG_HAVE_REPLY, &is), OV_OK);
	assert_int_equal(is.next, 0);
	assert_int_equal(ov_report_make(&broker, r.p.job), OV_OK);
	fetch_report(&m, &body, &r);
	check_view(OV_ROLE_A, &r, m.view_a);
	check_view(OV_ROLE_B, &r, m.view_b);
	assert_int_equal(call(&ada, OV_MSG_HAVE, &have, OV_MSG_HAVE_REPLY, &is), OV_OK);
	assert_int_equal(is.next, 2);
	ov_buf_free(&body);
	run_free(&r);
}

static int64_t
chunks_in_store(void)
{
	struct ov_tx *tx = NULL;
	int64_t n;

	assert_int_equal(ov_tx_begin(&tx, broker.store), OV_OK);
	assert_int_equal(ov_db_number(&n, tx->db, "SELECT count(*) FROM chunk"), OV_OK);
	ov_tx_end(&tx);
	return n;
}

static void
streams_of_an_ended_job_are_erased(void **state)
{
	struct ov_msg_cancel m = { .reason = OV_LITERAL("enough") };
	struct ov_msg_chunk chunk;
	struct ov_buf bytes = { 0 };
	bool more = true;
	struct run r;

	(void)state;
	make_lists();
	exchange(&r);
	memcpy(m.job, r.p.job, OV_ID);
	assert_int_equal(put_step(&ada, r.p.job, OV_STEP_CANCEL_A, &m, &bytes), OV_OK);
	/* gone for everybody at once, from the file soon after, a restart in between */
	assert_int_equal(
	    get_chunk(&bob, r.p.job, OV_STREAM_POINTS_A, 0, &chunk), OV_E_JOB_CANCELLED);
	assert_false(stream_of(r.p.job, OV_STREAM_POINTS_A).last);
	assert_true(chunks_in_store() > 0);
	site_reopen();
	while (more)
		assert_int_equal(ov_streams_erase(&broker, &more), OV_OK);
	assert_int_equal(chunks_in_store(), 0);
	ov_buf_free(&bytes);
	run_free(&r);
}

/* --- grants that differ: what a side gives is its own word, whoever proposes --- */

static void
lopsided_grants(struct ov_buf *out, bool all)
{
	struct ov_population p[2] = { { .name = "customers", .level = OV_LEVEL_MATCHES },
		{ .name = "prospects",
		    .level = all ? OV_LEVEL_FIELDS : OV_LEVEL_COUNTS } };
	struct ov_msg_grants g = { .version = 1,
		.fit = all, /* and who gives all lets its fits be seen too */
		.slots = 4096,
		.minimum_list = 1,
		.runs = 2,
		.view_days = 28 };
	struct ov_buf populations = { 0 };

	assert_int_equal(ov_populations_pack(&populations, p, 2), OV_OK);
	g.populations = OV_BUF_BYTES(&populations);
	assert_int_equal(ov_msg_encode(out, OV_MSG_GRANTS, &g), OV_OK);
	ov_buf_free(&populations);
}

/* In the place of the deal in force: Ada gives matches of one population only, Bob of
 * both. */
static void
lopsided_deal(void)
{
	bool ada_low = ov_is_low(ada.id, bob.id);
	struct ov_buf ada_gives = { 0 }, bob_gives = { 0 };
	struct ov_terms_input in = { .low = ada_low ? ada.pk : bob.pk,
		.high = ada_low ? bob.pk : ada.pk,
		.sequence = 2 };
	struct ov_msg_terms_signed reply;

	lopsided_grants(&ada_gives, false);
	lopsided_grants(&bob_gives, true);
	in.grants_low = OV_BUF_BYTES(ada_low ? &ada_gives : &bob_gives);
	in.grants_high = OV_BUF_BYTES(ada_low ? &bob_gives : &ada_gives);
	deal_free(&deal);
	memset(&deal, 0, sizeof(deal));
	assert_int_equal(
	    ov_terms_derive(&deal.terms, &deal.release, &deal.body, &in), OV_OK);
	assert_int_equal(
	    ov_msg_encode(&deal.body_bytes, OV_MSG_TERMS_BODY, &deal.body), OV_OK);
	assert_int_equal(sign_deal(&ada, &bob, &deal, &reply), OV_OK);
	assert_int_equal(sign_deal(&bob, &ada, &deal, &reply), OV_OK);
	ov_buf_free(&ada_gives);
	ov_buf_free(&bob_gives);
}

/* start_run between roles[0] and roles[1]. */
static void
start_between(struct run *r)
{
	memset(r, 0, sizeof(*r));
	r->p = proposal(1);
	memcpy(r->p.a, actor_of(OV_ROLE_A)->pk, 32);
	memcpy(r->p.b, actor_of(OV_ROLE_B)->pk, 32);
	assert_int_equal(
	    put_step(actor_of(OV_ROLE_A), r->p.job, OV_STEP_PROPOSE, &r->p, &r->propose),
	    OV_OK);
	r->a = acceptance(&r->p, &r->propose);
	assert_int_equal(
	    put_step(actor_of(OV_ROLE_B), r->p.job, OV_STEP_ACCEPT, &r->a, &r->accept),
	    OV_OK);
	ov_transcript(r->th, OV_BUF_BYTES(&r->propose), OV_BUF_BYTES(&r->accept));
}

/* Match numbers of role's view by its own slot; UINT64_MAX: no match.  Returns how
 * many. */
static size_t
numbers_of(uint64_t number[MATCHES], unsigned int role, const struct run *r)
{
	struct ov_msg_chunk chunk;
	struct ov_match_row m;

	assert_int_equal(
	    get_chunk(actor_of(role), r->p.job,
		ov_stream_of(OV_STREAM_VIEW_A, (enum ov_role)role), 1, &chunk),
	    OV_OK);
	memset(number, 0xff, MATCHES * sizeof(number[0]));
	for (size_t at = 0; at < chunk.body.len; at += OV_MATCH_ROW) {
		ov_match_unpack(&m, chunk.body.p + at);
		assert_true(m.own < MATCHES && number[m.own] == UINT64_MAX);
		assert_int_equal(m.other, MATCHES - 1 - m.own);
		assert_int_equal(m.label, label_of(m.other));
		number[m.own] = m.number;
	}
	return chunk.body.len / OV_MATCH_ROW;
}

/* Every cell: a population of the other that is only counted has none. */
static void
check_lopsided_cells(const struct run *r, unsigned int role, bool sees_all)
{
	struct ov_msg_chunk chunk;
	struct ov_msg_view view;
	struct ov_cell_row c;
	uint32_t pairs = 0;

	assert_int_equal(
	    get_chunk(actor_of(role), r->p.job,
		ov_stream_of(OV_STREAM_VIEW_A, (enum ov_role)role), 0, &chunk),
	    OV_OK);
	assert_int_equal(ov_msg_decode(&view, OV_MSG_VIEW, chunk.body), OV_OK);
	assert_int_equal(view.cells.len, (sees_all ? 4 : 2) * OV_CELL_ROW);
	assert_int_equal(view.held.len, sees_all ? 0 : 10);
	for (size_t at = 0; at < view.cells.len; at += OV_CELL_ROW) {
		ov_cell_unpack(&c, view.cells.p + at);
		assert_true(sees_all || c.other == 1);
		/* Bob gives all and shows his fits; Ada shows hers to nobody */
		assert_int_equal(c.fit_own, c.pairs);
		assert_int_equal(c.fit_other, sees_all ? c.pairs : OV_HELD_BACK);
		pairs += c.pairs;
	}
	assert_int_equal(pairs, sees_all ? MATCHES : MATCHES / 2);
}

static void
check_lopsided(bool bob_proposes)
{
	unsigned int ada_is = bob_proposes ? OV_ROLE_B : OV_ROLE_A;
	uint64_t of_ada[MATCHES], of_bob[MATCHES];
	struct run r;

	roles[OV_ROLE_A] = bob_proposes ? &bob : &ada;
	roles[OV_ROLE_B] = bob_proposes ? &ada : &bob;
	lopsided_deal();
	make_lists();
	start_between(&r);
	exchange_streams(&r);
	assert_int_equal(ov_report_make(&broker, r.p.job), OV_OK);
	assert_int_equal(job_state(&ada, r.p.job).state, OV_JOB_REPORTED);
	assert_int_equal(numbers_of(of_ada, ada_is, &r), MATCHES);
	assert_int_equal(numbers_of(of_bob, 1 - ada_is, &r), MATCHES / 2);
	check_lopsided_cells(&r, ada_is, true);
	check_lopsided_cells(&r, 1 - ada_is, false);
	for (uint32_t i = 0; i < MATCHES; i++) { /* i: slot of Ada's */
		uint64_t number = of_bob[MATCHES - 1 - i];

		assert_int_not_equal(of_ada[i], UINT64_MAX);
		for (uint32_t k = 0; k < i; k++)
			assert_int_not_equal(of_ada[i], of_ada[k]);
		if (label_of(i) == OV_LABEL(1, 0)) /* both see it: one number */
			assert_int_equal(of_ada[i], number);
		else
			assert_int_equal(number, UINT64_MAX);
	}
	run_free(&r);
	roles[OV_ROLE_A] = &ada;
	roles[OV_ROLE_B] = &bob;
}

static void
each_side_gives_its_own_word_when_ada_proposes(void **state)
{
	(void)state;
	check_lopsided(false);
}

static void
each_side_gives_its_own_word_when_bob_proposes(void **state)
{
	(void)state;
	check_lopsided(true);
}

static void
bad_roster_fails_the_job_with_its_reason(void **state)
{
	struct ov_msg_job job;
	struct run r;

	(void)state;
	make_lists();
	roster[1][5] = OV_LABEL(9, 0); /* a population that the terms do not know */
	exchange(&r);
	assert_int_equal(ov_report_make(&broker, r.p.job), OV_OK);
	job = job_state(&ada, r.p.job);
	assert_int_equal(job.state, OV_JOB_FAILED);
	assert_memory_equal(job.reason.p, "E_PROTO_ROSTER", job.reason.len);
	run_free(&r);
}

static void
duplicate_tag_fails_the_job(void **state)
{
	struct ov_msg_job job;
	struct run r;

	(void)state;
	make_lists();
	memcpy(tags[0] + OV_TAG_ROW * 7, tags[0] + OV_TAG_ROW * 8, OV_TAG_LEN);
	exchange(&r);
	assert_int_equal(ov_report_make(&broker, r.p.job), OV_OK);
	job = job_state(&ada, r.p.job);
	assert_int_equal(job.state, OV_JOB_FAILED);
	assert_memory_equal(job.reason.p, "E_PSI_DUPLICATE", job.reason.len);
	run_free(&r);
}

static void
cancelled_job_gets_no_report(void **state)
{
	struct ov_msg_cancel cancel = { .reason = OV_LITERAL("late") };
	struct ov_buf bytes = { 0 };
	struct run r;

	(void)state;
	make_lists();
	exchange(&r);
	memcpy(cancel.job, r.p.job, OV_ID);
	assert_int_equal(
	    put_step(&bob, r.p.job, OV_STEP_CANCEL_B, &cancel, &bytes), OV_OK);
	assert_int_equal(ov_report_make(&broker, r.p.job), OV_OK);
	assert_int_equal(job_state(&ada, r.p.job).state, OV_JOB_CANCELLED);
	ov_buf_free(&bytes);
	run_free(&r);
}

static void
close_once(
    const struct run *r, unsigned int step, uint64_t confirmation, enum ov_status want)
{
	struct ov_msg_close m = { .verdict = OV_LITERAL("OK"),
		.confirmation = confirmation };
	struct ov_buf bytes = { 0 };

	memcpy(m.job, r->p.job, OV_ID);
	memcpy(m.th, r->th, OV_DIGEST);
	assert_int_equal(
	    put_step(step == OV_STEP_CLOSE_A ? &ada : &bob, r->p.job, step, &m, &bytes),
	    want);
	ov_buf_free(&bytes);
}

/* A report, of which bob has said that it is false. */
static void
speak_against(struct run *r)
{
	struct ov_msg_close m = { .verdict = OV_LITERAL("E_PROTO_MISBEHAVED") };
	struct ov_buf bytes = { 0 };

	make_lists();
	exchange(r);
	assert_int_equal(ov_report_make(&broker, r->p.job), OV_OK);
	memcpy(m.job, r->p.job, OV_ID);
	memcpy(m.th, r->th, OV_DIGEST);
	assert_int_equal(put_step(&bob, r->p.job, OV_STEP_CLOSE_B, &m, &bytes), OV_OK);
	ov_buf_free(&bytes);
}

static void
verdict_against_a_report_leaves_the_other_side_its_own(void **state)
{
	struct ov_buf body = { 0 };
	struct ov_msg_report m;
	struct run r;

	(void)state;
	speak_against(&r);
	assert_int_equal(job_state(&ada, r.p.job).state, OV_JOB_REPORTED);
	fetch_report(&m, &body, &r);
	check_view(OV_ROLE_A, &r, m.view_a);
	close_once(&r, OV_STEP_CLOSE_A, 0, OV_OK);
	assert_int_equal(job_state(&ada, r.p.job).state, OV_JOB_MISBEHAVED);
	assert_false(stream_of(r.p.job, OV_STREAM_VIEW_A).last);
	ov_buf_free(&body);
	run_free(&r);
}

static void
verdict_against_a_report_ends_the_job_with_its_time(void **state)
{
	int64_t next;
	struct run r;

	(void)state;
	speak_against(&r);
	clock_now += 7 * 24 * OV_HOUR + 1;
	assert_int_equal(ov_jobs_expire(&broker, &next), OV_OK);
	assert_int_equal(job_state(&ada, r.p.job).state, OV_JOB_MISBEHAVED);
	run_free(&r);
}

/* Who has looked could else undo it all by contradicting itself. */
static void
second_accept_after_the_report_is_evidence_alone(void **state)
{
	struct ov_buf body = { 0 };
	struct ov_msg_report m;
	struct run r;

	(void)state;
	make_lists();
	exchange(&r);
	assert_int_equal(ov_report_make(&broker, r.p.job), OV_OK);
	r.a.commitment[0] ^= 1;
	assert_int_equal(put_step(&bob, r.p.job, OV_STEP_ACCEPT, &r.a, &r.accept),
	    OV_E_PROTO_EQUIVOCATION);
	assert_int_equal(job_state(&ada, r.p.job).state, OV_JOB_REPORTED);
	fetch_report(&m, &body, &r);
	check_view(OV_ROLE_A, &r, m.view_a);
	ov_buf_free(&body);
	run_free(&r);
}

/* Nor has its leaving: an operator puts out the old company of one that changed its
 * identity. */
static void
revocation_after_the_report_leaves_the_other_side_its_own(void **state)
{
	struct ov_buf body = { 0 };
	struct ov_msg_report m;
	struct ov_msg_chunk chunk;
	struct run r;
	uint8_t fp[32];
	int64_t next;

	(void)state;
	make_lists();
	exchange(&r);
	assert_int_equal(ov_report_make(&broker, r.p.job), OV_OK);
	assert_int_equal(
	    ov_enrol_revoke(fp, &broker, "Bob GmbH", OV_COMPANY_REMOVED), OV_OK);
	assert_int_equal(job_state(&ada, r.p.job).state, OV_JOB_REPORTED);
	fetch_report(&m, &body, &r);
	for (uint32_t i = 0; i < 2; i++)
		assert_int_equal(
		    get_chunk(&ada, r.p.job, OV_STREAM_VIEW_A, i, &chunk), OV_OK);
	assert_true(chunk.last);
	assert_int_equal(
	    get_chunk(&bob, r.p.job, OV_STREAM_VIEW_B, 0, &chunk), OV_E_BROKER_REVOKED);
	close_once(&r, OV_STEP_CLOSE_A, 0, OV_OK);
	clock_now += 7 * 24 * OV_HOUR + 1;
	assert_int_equal(ov_jobs_expire(&broker, &next), OV_OK);
	assert_int_equal(job_state(&ada, r.p.job).state, OV_JOB_EXPIRED);
	assert_false(stream_of(r.p.job, OV_STREAM_VIEW_A).last);
	ov_buf_free(&body);
	run_free(&r);
}

static void
fields_need_both_confirmations(void **state)
{
	struct ov_msg_confirm_a ca = { .ya = { 1 } };
	struct ov_msg_confirm_b cb = { .yb = { 2 } };
	struct ov_msg_confirmed_a done = { .mac = { 3 } };
	struct ov_buf bytes = { 0 };
	struct ov_msg_complete m;
	struct run r;

	(void)state;
	make_lists();
	exchange(&r);
	assert_int_equal(ov_report_make(&broker, r.p.job), OV_OK);
#define NAMES(x)                                                                         \
	do {                                                                             \
		memcpy((x).job, r.p.job, OV_ID);                                         \
		memcpy((x).th, r.th, OV_DIGEST);                                         \
	} while (0)
	NAMES(ca);
	NAMES(cb);
	NAMES(done);
#undef NAMES
	assert_int_equal(put_step(&bob, r.p.job, OV_STEP_CONFIRM_B, &cb, &bytes),
	    OV_E_PROTO_UNEXPECTED);
	assert_int_equal(put_step(&ada, r.p.job, OV_STEP_CONFIRM_A, &ca, &bytes), OV_OK);
	assert_int_equal(put_step(&ada, r.p.job, OV_STEP_CONFIRMED_A, &done, &bytes),
	    OV_E_PROTO_UNEXPECTED);
	assert_int_equal(put_step(&bob, r.p.job, OV_STEP_CONFIRM_B, &cb, &bytes), OV_OK);
	assert_int_equal(put_chunk(&ada, r.p.job, OV_STREAM_FIELDS_A, 0, true, "row", 3),
	    OV_E_PROTO_UNEXPECTED);
	assert_int_equal(
	    put_step(&ada, r.p.job, OV_STEP_CONFIRMED_A, &done, &bytes), OV_OK);
	assert_int_equal(
	    put_chunk(&ada, r.p.job, OV_STREAM_FIELDS_A, 0, true, "row", 3), OV_OK);
	m = completion(&r, OV_STREAM_FIELDS_A, 1);
	digest_stream(m.sent, OV_STREAM_FIELDS_A, (const uint8_t *)"row", 3, 3);
	assert_int_equal(complete(OV_ROLE_A, &r, &m), OV_OK);
	close_once(&r, OV_STEP_CLOSE_B, 1, OV_OK);
	assert_int_equal(put_chunk(&bob, r.p.job, OV_STREAM_FIELDS_B, 0, true, "row", 3),
	    OV_E_PROTO_UNEXPECTED);
	close_once(&r, OV_STEP_CLOSE_A, 2, OV_OK);
	assert_int_equal(job_state(&ada, r.p.job).state, OV_JOB_CONFIRM_FAILED);
	ov_buf_free(&bytes);
	run_free(&r);
}

static void
unchanged_job_carries_and_charges_nothing(void **state)
{
	struct ov_msg_propose p;
	struct ov_msg_accept a;
	struct ov_buf body = { 0 }, bytes = { 0 };
	struct ov_tx *tx = NULL;
	struct ov_msg_terms_signed signed_terms;
	struct ov_msg_cancel cancel = { .created = (uint64_t)clock_now };
	struct ov_msg_report m;
	struct ov_ledger ledger;
	struct run r;
	uint8_t last[OV_ID];
	bool low = ov_is_low(ada.id, bob.id);
	const struct ov_ledger_query q = { .low = low ? ada.id : bob.id,
		.high = low ? bob.id : ada.id,
		.now = clock_now };

	(void)state;
	make_lists();
	exchange(&r);
	assert_int_equal(ov_report_make(&broker, r.p.job), OV_OK);
	fetch_report(&m, &body, &r);
	close_job(&r, &body);
	for (uint8_t job = 2; job <= 3; job++) {
		p = proposal(job);
		p.unchanged_since = OV_BYTES(r.p.job, OV_ID);
		assert_int_equal(
		    put_step(&ada, p.job, OV_STEP_PROPOSE, &p, &bytes), OV_OK);
		a = acceptance(&p, &bytes);
		a.unchanged_since = OV_BYTES(r.p.job, OV_ID);
		assert_int_equal(
		    put_step(&bob, p.job, OV_STEP_ACCEPT, &a, &bytes), OV_OK);
		assert_int_equal(job_state(&bob, p.job).state, OV_JOB_UNCHANGED);
	}
	assert_int_equal(ov_tx_begin(&tx, broker.store), OV_OK);
	assert_int_equal(ov_store_ledger(tx, &ledger, &q), OV_OK);
	assert_int_equal(ledger.runs_30d, 1);
	ov_tx_end(&tx);
	/* a job that carried nothing is no base for another one */
	memcpy(last, a.job, OV_ID);
	p = proposal(4);
	p.unchanged_since = OV_BYTES(last, OV_ID);
	assert_int_equal(put_step(&ada, p.job, OV_STEP_PROPOSE, &p, &bytes), OV_OK);
	a = acceptance(&p, &bytes);
	a.unchanged_since = p.unchanged_since;
	assert_int_equal(
	    put_step(&bob, p.job, OV_STEP_ACCEPT, &a, &bytes), OV_E_PROTO_MISMATCH);
	/* nor is one under terms that were */
	cancel.reason = OV_LITERAL("E_CANCELLED");
	memcpy(cancel.job, p.job, OV_ID);
	assert_int_equal(put_step(&ada, p.job, OV_STEP_CANCEL_A, &cancel, &bytes), OV_OK);
	deal_free(&deal);
	memset(&deal, 0, sizeof(deal));
	make_deal(&deal, 2);
	assert_int_equal(sign_deal(&ada, &bob, &deal, &signed_terms), OV_OK);
	assert_int_equal(sign_deal(&bob, &ada, &deal, &signed_terms), OV_OK);
	p = proposal(5);
	p.unchanged_since = OV_BYTES(r.p.job, OV_ID);
	assert_int_equal(put_step(&ada, p.job, OV_STEP_PROPOSE, &p, &bytes), OV_OK);
	a = acceptance(&p, &bytes);
	a.unchanged_since = p.unchanged_since;
	assert_int_equal(
	    put_step(&bob, p.job, OV_STEP_ACCEPT, &a, &bytes), OV_E_PROTO_MISMATCH);
	ov_buf_free(&body);
	ov_buf_free(&bytes);
	run_free(&r);
}

#ifdef OVERLAP_CRASH_POINTS
/* --- killed at every write --- */

/* The whole job; after each answer the size of the log, as a client saw it, goes out. */
static void
acknowledge(int fd)
{
	struct ov_msg_get_head get = { 0 };
	struct ov_msg_tree_head head;
	struct ov_msg_head reply;
	uint8_t ack[sizeof(head.size) + 32];

	if (fd < 0)
		return;
	assert_int_equal(call(&ada, OV_MSG_GET_HEAD, &get, OV_MSG_HEAD, &reply), OV_OK);
	assert_int_equal(ov_msg_decode(&head, OV_MSG_TREE_HEAD, reply.head), OV_OK);
	memcpy(ack, &head.size, sizeof(head.size));
	memcpy(ack + sizeof(head.size), head.root, 32);
	assert_int_equal(
	    write(fd, ack, sizeof(ack)), sizeof(ack)); /* whole: <= PIPE_BUF */
}

static void
whole_job(int fd)
{
	struct ov_msg_complete m;
	struct ov_msg_report report;
	struct ov_buf body = { 0 };
	struct run r;

	make_lists();
	start_run(&r, 1);
	acknowledge(fd);
	if (job_state(&ada, r.p.job).state == OV_JOB_CLOSED)
		goto done; /* died after its last write */
	for (unsigned int role = 0; role < 2; role++) {
		send_points(role, &r, &m);
		assert_int_equal(complete(role, &r, &m), OV_OK);
		acknowledge(fd);
		send_roster(role, &r, &m);
		assert_int_equal(complete(role, &r, &m), OV_OK);
		acknowledge(fd);
		send_tags(role, &r, &m);
		assert_int_equal(complete(role, &r, &m), OV_OK);
		acknowledge(fd);
	}
	assert_int_equal(ov_report_make(&broker, r.p.job), OV_OK);
	fetch_report(&report, &body, &r);
	acknowledge(fd);
	check_view(OV_ROLE_A, &r, report.view_a);
	close_job(&r, &body);
	acknowledge(fd);
done:
	ov_buf_free(&body);
	run_free(&r);
}

/* The site as it was before the job, again; or kept for that. */
static void
past(bool again)
{
	char command[256];

	if (again)
		snprintf(command, sizeof(command), "rm -r '%s' && cp -r '%s.past' '%s'",
		    site_dir, site_dir, site_dir);
	else
		snprintf(
		    command, sizeof(command), "cp -r '%s' '%s.past'", site_dir, site_dir);
	assert_int_equal(system(command), 0);
}

/* Runs the job in a child that dies at crash point n (0: lists the points instead).
 * What it acknowledged last: size and root of the log, size 0 for nothing. */
static int
job_in_child(uint64_t *size, uint8_t root[32], const char *variable, const char *value)
{
	uint8_t ack[sizeof(*size) + 32];
	int ends[2], status;
	pid_t pid;

	*size = 0;
	assert_int_equal(pipe(ends), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(ends[0]);
		setenv(variable, value, 1);
		seen = 0; /* of a run that this site knows nothing of */
		site_reopen();
		whole_job(ends[1]);
		_exit(0);
	}
	close(ends[1]);
	while (read(ends[0], ack, sizeof(ack)) == (ssize_t)sizeof(ack)) {
		memcpy(size, ack, sizeof(*size));
		memcpy(root, ack + sizeof(*size), 32);
	}
	close(ends[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static unsigned int
lines_of(const char *path)
{
	FILE *f = fopen(path, "r");
	unsigned int n = 0;
	int c;

	assert_non_null(f);
	while ((c = getc(f)) != EOF)
		n += c == '\n';
	fclose(f);
	return n;
}

/* The log still begins with what was acknowledged. */
static void
check_acknowledged(uint64_t size, const uint8_t root[32])
{
	uint8_t now[32];
	struct ov_merkle_store nodes;
	struct ov_tx *tx = NULL;
	uint64_t have;

	assert_int_equal(ov_tx_begin(&tx, broker.store), OV_OK);
	assert_int_equal(ov_store_log_size(tx, &have), OV_OK);
	assert_true(have >= size);
	nodes = ov_store_log_nodes(tx);
	assert_int_equal(ov_merkle_root(now, &nodes, size), OV_OK);
	if (size > 0)
		assert_memory_equal(now, root, 32);
	ov_tx_end(&tx);
}

static void
killed_at_any_write_the_same_calls_bring_it_to_the_end(void **state)
{
	char list[96], at[16];
	uint8_t root[32];
	unsigned int n_points;
	uint64_t size;
	int status;

	(void)state;
	snprintf(list, sizeof(list), "%s.points", site_dir);
	ov_site_close(&broker);
	past(false);
	status = job_in_child(&size, root, "OVERLAP_CRASH_LIST", list);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	n_points = lines_of(list);
	assert_true(n_points > 50);
	for (unsigned int n = 1; n <= n_points; n++) {
		past(true);
		seen = 0;
		snprintf(at, sizeof(at), "%u", n);
		status = job_in_child(&size, root, "OVERLAP_CRASH_AT", at);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		site_reopen();
		check_acknowledged(size, root);
		seen = 0;
		whole_job(-1);
		ov_site_close(&broker);
	}
	site_reopen();
}
#endif

#define WITH_DEAL(f) cmocka_unit_test_setup_teardown(f, deal_setup, deal_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_DEAL(job_runs_to_its_end),
		WITH_DEAL(digests_grow_with_their_streams),
		WITH_DEAL(completes_that_do_not_fit_are_refused),
		WITH_DEAL(views_are_read_with_their_report_only),
		WITH_DEAL(streams_of_an_ended_job_are_erased),
		WITH_DEAL(each_side_gives_its_own_word_when_ada_proposes),
		WITH_DEAL(each_side_gives_its_own_word_when_bob_proposes),
		WITH_DEAL(bad_roster_fails_the_job_with_its_reason),
		WITH_DEAL(duplicate_tag_fails_the_job),
		WITH_DEAL(cancelled_job_gets_no_report),
		WITH_DEAL(verdict_against_a_report_leaves_the_other_side_its_own),
		WITH_DEAL(verdict_against_a_report_ends_the_job_with_its_time),
		WITH_DEAL(second_accept_after_the_report_is_evidence_alone),
		WITH_DEAL(revocation_after_the_report_leaves_the_other_side_its_own),
		WITH_DEAL(fields_need_both_confirmations),
		WITH_DEAL(unchanged_job_carries_and_charges_nothing),
#ifdef OVERLAP_CRASH_POINTS
		WITH_DEAL(killed_at_any_write_the_same_calls_bring_it_to_the_end),
#endif
	};

	if (ov_crypto_init() != OV_OK)
		return 1;
	return cmocka_run_group_tests_name("broker_job", tests, NULL, NULL);
}
