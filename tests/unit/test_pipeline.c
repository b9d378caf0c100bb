/* The pipeline keeps order, bounds what is in flight, and ends on failure and on request
 * with every thread gone.  Nothing here waits for time to pass: threads wait for each
 * other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include <pthread.h>

#include "common/work/pipeline.h"

#define SLOTS_MAX 17

enum stage { PRODUCE, WORK, CONSUME, NEVER };

struct probe {
	uint64_t chunks; /* produce says end here */
	size_t slots;

	enum stage fail_in;
	uint64_t fail_at;
	atomic_bool cancel;
	enum stage cancel_in;
	uint64_t cancel_at;

	pthread_t caller;
	uint64_t buffer[SLOTS_MAX];  /* as a user's: not atomic, tsan watches */
	uint64_t produced, consumed; /* only their own thread's */
	atomic_uint_fast64_t in_flight, in_flight_max, worked;
	atomic_int interrupts;
	uint64_t progress;
};

static enum ov_status
after(struct probe *p, enum stage stage, uint64_t chunk)
{
	if (p->cancel_in == stage && p->cancel_at == chunk)
		atomic_store(&p->cancel, true);
	return p->fail_in == stage && p->fail_at == chunk ? OV_E_IO : OV_OK;
}

/* cmocka's assertions are for the main thread alone: others return OV_E_BUG. */
static enum ov_status
produce(void *ctx, size_t slot, uint64_t chunk, bool *end)
{
	struct probe *p = ctx;
	uint64_t now, max;

	if (chunk == p->chunks) {
		*end = true;
		return OV_OK;
	}
	if (chunk != p->produced++ || slot != chunk % p->slots)
		return OV_E_BUG;
	now = atomic_fetch_add(&p->in_flight, 1) + 1;
	max = atomic_load(&p->in_flight_max);
	while (now > max && !atomic_compare_exchange_weak(&p->in_flight_max, &max, now))
		continue;
	p->buffer[slot] = chunk;
	return after(p, PRODUCE, chunk);
}

static enum ov_status
work(void *ctx, size_t slot, uint64_t chunk)
{
	struct probe *p = ctx;

	if (p->buffer[slot] != chunk)
		return OV_E_BUG;
	p->buffer[slot] = chunk * chunk + 1;
	atomic_fetch_add(&p->worked, 1);
	return after(p, WORK, chunk);
}

static enum ov_status
consume(void *ctx, size_t slot, uint64_t chunk)
{
	struct probe *p = ctx;

	if (chunk != p->consumed++ || p->buffer[slot] != chunk * chunk + 1 ||
	    !pthread_equal(p->caller, pthread_self()))
		return OV_E_BUG;
	atomic_fetch_sub(&p->in_flight, 1);
	return after(p, CONSUME, chunk);
}

static void
progress(void *ctx, uint64_t chunks)
{
	struct probe *p = ctx;

	p->progress = chunks;
}

static void
interrupt(void *ctx)
{
	struct probe *p = ctx;

	atomic_fetch_add(&p->interrupts, 1);
}

static struct probe
probe_of(uint64_t chunks, size_t slots)
{
	return (struct probe){ .chunks = chunks,
		.slots = slots,
		.fail_in = NEVER,
		.cancel_in = NEVER,
		.caller = pthread_self() };
}

static enum ov_status
run(struct probe *p, size_t workers)
{
	const struct ov_pipeline options = {
		.ctx = p,
		.slots = p->slots,
		.workers = workers,
		.produce = produce,
		.work = work,
		.consume = consume,
		.progress = progress,
		.interrupt = interrupt,
		.cancel = &p->cancel,
	};

	return ov_pipeline_run(&options);
}

static void
every_chunk_passes_in_order(void **state)
{
	(void)state;
	for (size_t workers = 0; workers <= 8; workers++) {
		for (size_t slots = 1; slots <= SLOTS_MAX; slots += 4) {
			struct probe p = probe_of(200, slots);

			assert_int_equal(run(&p, workers), OV_OK);
			assert_int_equal(p.consumed, 200);
			assert_int_equal(p.progress, 200);
			assert_int_equal(atomic_load(&p.worked), 200);
			assert_int_equal(atomic_load(&p.interrupts), 0);
		}
	}
}

static void
chunks_in_flight_stay_within_the_slots(void **state)
{
	(void)state;
	for (size_t slots = 1; slots <= 5; slots++) {
		struct probe p = probe_of(300, slots);

		assert_int_equal(run(&p, 8), OV_OK);
		assert_true(atomic_load(&p.in_flight_max) <= slots);
		assert_true(atomic_load(&p.in_flight_max) >= 1);
	}
}

static void
no_chunks_is_success(void **state)
{
	struct probe p = probe_of(0, 3);

	(void)state;
	assert_int_equal(run(&p, 4), OV_OK);
	assert_int_equal(p.consumed, 0);
	assert_int_equal(atomic_load(&p.worked), 0);
}

static void
no_slots_is_refused(void **state)
{
	struct probe p = probe_of(1, 0);

	(void)state;
	assert_int_equal(run(&p, 1), OV_E_BUG);
}

static void
a_failure_in_any_stage_is_returned(void **state)
{
	static const uint64_t places[] = { 0, 1, 7, 99 };

	(void)state;
	for (enum stage stage = PRODUCE; stage <= CONSUME; stage++) {
		for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
			struct probe p = probe_of(100, 4);

			p.fail_in = stage;
			p.fail_at = places[i];
			assert_int_equal(run(&p, 3), OV_E_IO);
			assert_int_equal(atomic_load(&p.interrupts), 1);
			/* not one chunk after the failing one was consumed */
			assert_true(p.consumed <= places[i] + (stage == CONSUME));
			/* and no more was begun than may be in flight */
			assert_true(p.produced <= places[i] + 1 + p.slots);
		}
	}
}

static void
the_cancel_flag_ends_the_run(void **state)
{
	(void)state;
	for (enum stage stage = PRODUCE; stage <= CONSUME; stage++) {
		struct probe p = probe_of(UINT64_MAX, 4); /* would never end */

		p.cancel_in = stage;
		p.cancel_at = 20;
		assert_int_equal(run(&p, 2), OV_E_CANCELLED);
		assert_true(p.consumed <= 20 + 4);
		assert_int_equal(atomic_load(&p.interrupts), 1);
	}
}

static void
a_flag_set_before_lets_nothing_start(void **state)
{
	struct probe p = probe_of(10, 4);

	(void)state;
	atomic_store(&p.cancel, true);
	assert_int_equal(run(&p, 2), OV_E_CANCELLED);
	assert_int_equal(p.produced, 0);
	assert_int_equal(atomic_load(&p.worked), 0);
}

/* A produce that waits for the outside, until interrupted. */
struct waiting {
	pthread_mutex_t mutex;
	pthread_cond_t cond;
	bool interrupted;
};

static enum ov_status
produce_waiting(void *ctx, size_t slot, uint64_t chunk, bool *end)
{
	struct waiting *w = ctx;

	(void)slot;
	(void)end;
	if (chunk == 0)
		return OV_OK;
	pthread_mutex_lock(&w->mutex);
	while (!w->interrupted)
		pthread_cond_wait(&w->cond, &w->mutex);
	pthread_mutex_unlock(&w->mutex);
	return OV_E_TIMEOUT;
}

static enum ov_status
work_failing(void *ctx, size_t slot, uint64_t chunk)
{
	(void)ctx;
	(void)slot;
	(void)chunk;
	return OV_E_NOMEM;
}

static void
interrupt_waiting(void *ctx)
{
	struct waiting *w = ctx;

	pthread_mutex_lock(&w->mutex);
	w->interrupted = true;
	pthread_cond_broadcast(&w->cond);
	pthread_mutex_unlock(&w->mutex);
}

static void
interrupt_frees_a_waiting_stage_and_the_first_failure_wins(void **state)
{
	struct waiting w = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false };
	const struct ov_pipeline options = {
		.ctx = &w,
		.slots = 4,
		.workers = 2,
		.produce = produce_waiting,
		.work = work_failing,
		.consume = work_failing,
		.interrupt = interrupt_waiting,
	};

	(void)state;
	assert_int_equal(ov_pipeline_run(&options), OV_E_NOMEM);
	assert_true(w.interrupted);
}

/* Both workers must be inside `work` at once for either to leave. */
static enum ov_status
produce_two(void *ctx, size_t slot, uint64_t chunk, bool *end)
{
	(void)ctx;
	(void)slot;
	*end = chunk == 2;
	return OV_OK;
}

static enum ov_status
work_meeting(void *ctx, size_t slot, uint64_t chunk)
{
	(void)slot;
	(void)chunk;
	pthread_barrier_wait(ctx);
	return OV_OK;
}

static enum ov_status
consume_nothing(void *ctx, size_t slot, uint64_t chunk)
{
	(void)ctx;
	(void)slot;
	(void)chunk;
	return OV_OK;
}

static void
workers_run_side_by_side(void **state)
{
	pthread_barrier_t barrier;
	const struct ov_pipeline options = {
		.ctx = &barrier,
		.slots = 2,
		.workers = 2,
		.produce = produce_two,
		.work = work_meeting,
		.consume = consume_nothing,
	};

	(void)state;
	assert_int_equal(pthread_barrier_init(&barrier, NULL, 2), 0);
	assert_int_equal(ov_pipeline_run(&options), OV_OK);
	pthread_barrier_destroy(&barrier);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_chunk_passes_in_order),
		cmocka_unit_test(chunks_in_flight_stay_within_the_slots),
		cmocka_unit_test(no_chunks_is_success),
		cmocka_unit_test(no_slots_is_refused),
		cmocka_unit_test(a_failure_in_any_stage_is_returned),
		cmocka_unit_test(the_cancel_flag_ends_the_run),
		cmocka_unit_test(a_flag_set_before_lets_nothing_start),
		cmocka_unit_test(
		    interrupt_frees_a_waiting_stage_and_the_first_failure_wins),
		cmocka_unit_test(workers_run_side_by_side),
	};

	return cmocka_run_group_tests_name("pipeline", tests, NULL, NULL);
}
