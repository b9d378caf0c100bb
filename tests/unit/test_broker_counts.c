/* Views of counts with noise at the broker: when they are drawn, what they cost, and that
 * nothing gives it back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include "common/crypto/memory.h"
#include "proto/terms.h"
#include "server/report.h"
#include "tests/unit/broker_exchange.h"

#define EPSILON 333
#define VIEW_DAYS 28
#define PLUS_MINUS 17 /* of pairs at EPSILON */
#define FAR 200	      /* a sum of four draws is not beyond, but for one in 10^25 */

/* Both give customers at `matches` and prospects at `counts`. */
static struct ov_msg_grants
noisy_grants(void)
{
	return (struct ov_msg_grants){ .version = 1,
		.fit = 1,
		.slots = 4096,
		.minimum_list = 1,
		.runs = 100,
		.epsilon_milli = EPSILON,
		.view_days = VIEW_DAYS,
		.year_epsilon_milli = 2 * EPSILON };
}

static void
encode_grants(struct ov_buf *out, struct ov_msg_grants g, enum ov_level prospects)
{
	struct ov_population p[2] = { { .name = "customers", .level = OV_LEVEL_MATCHES },
		{ .name = "prospects", .level = prospects } };
	struct ov_buf populations = { 0 };

	assert_int_equal(ov_populations_pack(&populations, p, 2), OV_OK);
	g.populations = OV_BUF_BYTES(&populations);
	assert_int_equal(ov_msg_encode(out, OV_MSG_GRANTS, &g), OV_OK);
	ov_buf_free(&populations);
}

/* New terms in force from what each gives. */
static void
agree(uint64_t sequence, const struct ov_buf *ada_gives, const struct ov_buf *bob_gives)
{
	bool ada_low = ov_is_low(ada.id, bob.id);
	struct ov_terms_input in = { .low = ada_low ? ada.pk : bob.pk,
		.high = ada_low ? bob.pk : ada.pk,
		.sequence = sequence,
		.grants_low = OV_BUF_BYTES(ada_low ? ada_gives : bob_gives),
		.grants_high = OV_BUF_BYTES(ada_low ? bob_gives : ada_gives) };
	struct ov_msg_terms_signed reply;

	deal_free(&deal);
	memset(&deal, 0, sizeof(deal));
	assert_int_equal(
	    ov_terms_derive(&deal.terms, &deal.release, &deal.body, &in), OV_OK);
	assert_int_equal(
	    ov_msg_encode(&deal.body_bytes, OV_MSG_TERMS_BODY, &deal.body), OV_OK);
	assert_int_equal(sign_deal(&ada, &bob, &deal, &reply), OV_OK);
	assert_int_equal(sign_deal(&bob, &ada, &deal, &reply), OV_OK);
}

static void
agree_on(uint64_t sequence, struct ov_msg_grants g)
{
	struct ov_buf gives = { 0 };

	encode_grants(&gives, g, OV_LEVEL_COUNTS);
	agree(sequence, &gives, &gives);
	ov_buf_free(&gives);
}

static int
noisy_setup(void **state)
{
	if (deal_setup(state) != 0)
		return -1;
	agree_on(2, noisy_grants());
	make_lists();
	return 0;
}

/* PROPOSE and ACCEPT; whether Ada and Bob allow the other's view. */
static void
start(struct run *r, uint8_t job, bool ada_allows, bool bob_allows)
{
	memset(r, 0, sizeof(*r));
	r->p = proposal(job);
	r->p.counts = ada_allows;
	assert_int_equal(
	    put_step(&ada, r->p.job, OV_STEP_PROPOSE, &r->p, &r->propose), OV_OK);
	r->a = acceptance(&r->p, &r->propose);
	r->a.counts = bob_allows;
	assert_int_equal(
	    put_step(&bob, r->p.job, OV_STEP_ACCEPT, &r->a, &r->accept), OV_OK);
	ov_transcript(r->th, OV_BUF_BYTES(&r->propose), OV_BUF_BYTES(&r->accept));
}

/* What one side's view says of the other's prospects. */
struct counted {
	struct ov_cell_row cell[2]; /* by own population - 1 */
	size_t n_cells, n_held, n_other;
	struct ov_held_row held;
};

static struct counted
counted_of(unsigned int role, const struct run *r)
{
	struct counted v = { 0 };
	struct ov_msg_chunk chunk;
	struct ov_msg_view view;
	struct ov_cell_row c;

	memset(&c, 0, sizeof(c)); /* views are compared as memory */
	assert_int_equal(
	    get_chunk(actor_of(role), r->p.job,
		ov_stream_of(OV_STREAM_VIEW_A, (enum ov_role)role), 0, &chunk),
	    OV_OK);
	assert_int_equal(ov_msg_decode(&view, OV_MSG_VIEW, chunk.body), OV_OK);
	assert_int_equal(view.matches, MATCHES / 2);
	for (size_t at = 0; at < view.cells.len; at += OV_CELL_ROW) {
		ov_cell_unpack(&c, view.cells.p + at);
		assert_true(c.own == 1 || c.own == 2);
		if (c.other != 2) {
			v.n_other++;
			assert_int_equal(c.plus_minus, 0);
			continue;
		}
		v.cell[c.own - 1] = c;
		v.n_cells++;
	}
	v.n_held = view.held.len / OV_HELD_ROW;
	if (v.n_held > 0)
		ov_held_unpack(&v.held, view.held.p);
	return v;
}

/* The whole job: both views, and what was charged by role. */
struct outcome {
	struct counted view[2];
	struct ov_charges charged;
};

static struct outcome
finish(struct run *r)
{
	struct ov_buf body = { 0 };
	struct ov_msg_report m;
	struct outcome o;

	exchange_streams(r);
	assert_int_equal(ov_report_make(&broker, r->p.job), OV_OK);
	fetch_report(&m, &body, r);
	ov_charges_unpack(&o.charged, m.charges.p);
	for (unsigned int role = 0; role < 2; role++)
		o.view[role] = counted_of(role, r);
	close_job(r, &body);
	ov_buf_free(&body);
	return o;
}

static struct outcome
run_job(uint8_t job, bool ada_allows, bool bob_allows)
{
	struct run r;
	struct outcome o;

	start(&r, job, ada_allows, bob_allows);
	o = finish(&r);
	run_free(&r);
	return o;
}

static void
assert_drawn(const struct counted *v)
{
	assert_int_equal(v->n_cells, 2);
	assert_int_equal(v->n_other, 2);
	for (int own = 0; own < 2; own++) {
		const struct ov_cell_row *c = &v->cell[own];

		assert_int_equal(c->plus_minus, PLUS_MINUS);
		if (c->pairs != OV_HELD_BACK) /* below zero */
			assert_true(c->pairs < MATCHES / 2 + FAR);
		else
			assert_true(v->n_held == 1 && v->held.reason == OV_HELD_SMALL);
	}
}

static void
assert_held(const struct counted *v, enum ov_held_reason why, uint64_t next)
{
	assert_int_equal(v->n_cells, 0);
	assert_int_equal(v->n_other, 2); /* the exact ones are there */
	assert_int_equal(v->n_held, 1);
	assert_int_equal(v->held.population, 0);
	assert_int_equal(v->held.reason, why);
	assert_int_equal(v->held.next, next);
}

static void
due_view_is_drawn_and_charged(void **state)
{
	uint64_t next = (uint64_t)clock_now + VIEW_DAYS * 86400;
	struct outcome o = run_job(1, true, true);

	(void)state;
	for (unsigned int role = 0; role < 2; role++) {
		assert_drawn(&o.view[role]);
		assert_int_equal(o.charged.view[role].epsilon_milli, EPSILON);
		assert_int_equal(o.charged.view[role].epsilon_milli_year, EPSILON);
		assert_int_equal(o.charged.view[role].next, next);
	}
	assert_int_equal(o.charged.runs_left, 99);
}

static void
next_view_waits_for_its_day(void **state)
{
	int64_t first = clock_now, next = first + VIEW_DAYS * OV_DAY;
	struct outcome o, again;

	(void)state;
	o = run_job(1, true, true);
	for (uint8_t job = 2; job <= 3; job++) { /* a night later; two hours too early */
		clock_now = job == 2 ? first + OV_DAY : next - 2 * OV_HOUR;
		again = run_job(job, true, true);
		assert_held(&again.view[0], OV_HELD_NOT_DUE, (uint64_t)next);
		assert_held(&again.view[1], OV_HELD_NOT_DUE, (uint64_t)next);
		assert_int_equal(again.charged.view[0].epsilon_milli, 0);
		assert_int_equal(again.charged.view[0].epsilon_milli_year, EPSILON);
		assert_int_equal(again.charged.view[0].next, next);
	}
	clock_now = next - OV_HOUR / 2; /* within what clocks differ by */
	again = run_job(4, true, true);
	assert_drawn(&again.view[0]);
	assert_int_equal(again.charged.view[0].epsilon_milli_year, 2 * EPSILON);
	/* fresh: the same lists give other numbers (the same by chance: one in 10^4) */
	assert_memory_not_equal(o.view, again.view, sizeof(o.view));
}

static void
each_giver_decides_for_its_own_counts(void **state)
{
	struct outcome o = run_job(1, true, false);

	(void)state;
	assert_held(&o.view[OV_ROLE_A], OV_HELD_BY_PARTNER, 0);
	assert_drawn(&o.view[OV_ROLE_B]);
	assert_int_equal(o.charged.view[OV_ROLE_A].epsilon_milli, 0);
	assert_int_equal(o.charged.view[OV_ROLE_B].epsilon_milli, EPSILON);
	clock_now += OV_DAY; /* and the other direction has not begun to wait */
	o = run_job(2, true, true);
	assert_drawn(&o.view[OV_ROLE_A]);
	assert_held(&o.view[OV_ROLE_B], OV_HELD_NOT_DUE,
	    (uint64_t)(clock_now + (VIEW_DAYS - 1) * OV_DAY));
}

/* Cancelled after a look at what there may be: charged all the same. */
static void
charge_is_not_given_back(void **state)
{
	uint64_t next = (uint64_t)clock_now + VIEW_DAYS * 86400;
	static uint8_t legend[LEGEND_CHUNK];
	struct ov_msg_cancel cancel = { .reason = OV_LITERAL("seen enough") };
	struct ov_buf bytes = { 0 };
	struct outcome o;
	struct run r;

	(void)state;
	start(&r, 1, true, true);
	assert_int_equal(put_chunk(&bob, r.p.job, OV_STREAM_POINTS_B, 0, false, legend,
			     sizeof(legend)),
	    OV_OK);
	memcpy(cancel.job, r.p.job, OV_ID);
	assert_int_equal(
	    put_step(&ada, r.p.job, OV_STEP_CANCEL_A, &cancel, &bytes), OV_OK);
	run_free(&r);
	o = run_job(2, true, true);
	assert_held(&o.view[0], OV_HELD_NOT_DUE, next);
	assert_held(&o.view[1], OV_HELD_NOT_DUE, next);
	assert_int_equal(o.charged.runs_month, 2);
	/* control: a job that is cancelled before its first chunk is free */
	clock_now += VIEW_DAYS * OV_DAY;
	start(&r, 3, true, true);
	memcpy(cancel.job, r.p.job, OV_ID);
	assert_int_equal(
	    put_step(&bob, r.p.job, OV_STEP_CANCEL_B, &cancel, &bytes), OV_OK);
	run_free(&r);
	o = run_job(4, true, true);
	assert_drawn(&o.view[0]);
	ov_buf_free(&bytes);
}

static void
new_terms_forget_no_charge(void **state)
{
	struct ov_msg_grants g = noisy_grants();
	int64_t first = clock_now;
	struct outcome o;

	(void)state;
	(void)run_job(1, true, true);
	g.view_days = 7;
	g.epsilon_milli = 100;
	agree_on(3, g);
	clock_now = first + OV_DAY;
	o = run_job(2, true, true);
	assert_held(&o.view[0], OV_HELD_NOT_DUE, (uint64_t)(first + 7 * OV_DAY));
	assert_int_equal(o.charged.view[0].epsilon_milli_year, EPSILON);
	clock_now = first + 7 * OV_DAY;
	o = run_job(3, true, true);
	assert_int_equal(o.view[0].cell[0].plus_minus, 57); /* what is charged is drawn */
	assert_int_equal(o.charged.view[0].epsilon_milli, 100);
	assert_int_equal(o.charged.view[0].epsilon_milli_year, EPSILON + 100);
}

static void
year_that_is_spent_holds_back(void **state)
{
	int64_t first = clock_now;
	struct ov_msg_grants g = noisy_grants();
	struct outcome o;

	(void)state;
	for (uint8_t job = 1; job <= 2; job++, clock_now += 30 * OV_DAY)
		o = run_job(job, true, true);
	assert_drawn(&o.view[0]);
	assert_int_equal(o.charged.view[0].next, first + 365 * OV_DAY);
	o = run_job(3, true, true);
	assert_held(&o.view[0], OV_HELD_BUDGET, (uint64_t)(first + 365 * OV_DAY));
	clock_now = first + 365 * OV_DAY;
	o = run_job(4, true, true);
	assert_drawn(&o.view[0]);
	g.year_epsilon_milli = EPSILON - 1;
	agree_on(3, g);
	clock_now += 1000 * OV_DAY;
	o = run_job(5, true, true);
	assert_held(&o.view[0], OV_HELD_BUDGET, 0); /* never */
	assert_int_equal(o.charged.view[0].next, 0);
}

/* Asked again, after a restart too, the numbers are those that were stored; a report that
 * was cut short before it was signed is begun anew, and nobody saw the first numbers. */
static void
retry_returns_the_stored_numbers(void **state)
{
	struct counted first, again;
	struct ov_msg_chunk chunk;
	struct run r;

	(void)state;
	start(&r, 1, true, true);
	exchange_streams(&r);
	assert_int_equal(
	    get_chunk(&ada, r.p.job, OV_STREAM_VIEW_A, 0, &chunk), OV_E_BROKER_WAIT);
	assert_int_equal(ov_report_make(&broker, r.p.job), OV_OK);
	first = counted_of(OV_ROLE_A, &r);
	assert_drawn(&first);
	for (int i = 0; i < 3; i++) {
		site_reopen();
		assert_int_equal(ov_report_make(&broker, r.p.job), OV_OK);
		again = counted_of(OV_ROLE_A, &r);
		assert_memory_equal(&first, &again, sizeof(first));
	}
	run_free(&r);
}

static void
counts_are_said_only_where_there_are_some(void **state)
{
	struct ov_buf all = { 0 }, some = { 0 }, bytes = { 0 };
	struct ov_msg_grants g = noisy_grants();
	struct ov_msg_propose p;
	struct ov_msg_accept a;

	(void)state;
	/* with a job named as unchanged the view would not be drawn */
	p = proposal(1);
	p.counts = 1;
	p.unchanged_since = OV_BYTES(p.job, OV_ID);
	assert_int_equal(
	    put_step(&ada, p.job, OV_STEP_PROPOSE, &p, &bytes), OV_E_PROTO_MISMATCH);
	/* Ada gives nothing at `counts` */
	encode_grants(&all, g, OV_LEVEL_MATCHES);
	encode_grants(&some, g, OV_LEVEL_COUNTS);
	agree(3, &all, &some);
	p = proposal(1);
	p.counts = 1;
	assert_int_equal(
	    put_step(&ada, p.job, OV_STEP_PROPOSE, &p, &bytes), OV_E_PROTO_MISMATCH);
	p.counts = 0;
	assert_int_equal(put_step(&ada, p.job, OV_STEP_PROPOSE, &p, &bytes), OV_OK);
	a = acceptance(&p, &bytes);
	a.counts = 1; /* Bob does */
	assert_int_equal(put_step(&bob, p.job, OV_STEP_ACCEPT, &a, &bytes), OV_OK);
	ov_buf_free(&all);
	ov_buf_free(&some);
	ov_buf_free(&bytes);
}

/* `noise: none` of both: in each job, without epsilon, and with rests that are large. */
static void
exact_counts_cost_no_epsilon(void **state)
{
	struct ov_msg_grants g = noisy_grants();
	struct outcome o;

	(void)state;
	g.exact = 1;
	for (uint8_t job = 1; job <= 3; job++) {
		g.minimum_count = job < 3 ? 0 : 10; /* nothing is left of own customers */
		agree_on(2 + job, g);
		o = run_job(job, false, false);
		assert_int_equal(o.view[0].n_cells, 2);
		assert_int_equal(
		    o.view[0].cell[0].pairs, job < 3 ? MATCHES / 2 : OV_HELD_BACK);
		assert_int_equal(o.view[0].cell[1].pairs, job < 3 ? 0 : OV_HELD_BACK);
		assert_int_equal(o.view[0].cell[0].plus_minus, 0);
		assert_int_equal(o.view[0].n_held, job < 3 ? 0 : 1);
		assert_int_equal(o.charged.view[0].epsilon_milli_year, 0);
		assert_int_equal(o.charged.view[0].next, 0);
	}
	assert_int_equal(o.view[0].held.reason, OV_HELD_SMALL);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, noisy_setup, deal_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(due_view_is_drawn_and_charged),
		CASE(next_view_waits_for_its_day),
		CASE(each_giver_decides_for_its_own_counts),
		CASE(charge_is_not_given_back),
		CASE(new_terms_forget_no_charge),
		CASE(year_that_is_spent_holds_back),
		CASE(retry_returns_the_stored_numbers),
		CASE(counts_are_said_only_where_there_are_some),
		CASE(exact_counts_cost_no_epsilon),
	};

	if (ov_crypto_init() != OV_OK)
		return 1;
	return cmocka_run_group_tests_name("broker_counts", tests, NULL, NULL);
}
