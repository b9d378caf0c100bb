#include "common/work/pipeline.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>

/* Chunks move EMPTY -> FULL (produced) -> BUSY (a worker has it) -> DONE -> EMPTY. */
enum slot_state { EMPTY, FULL, BUSY, DONE };

struct run {
	const struct ov_pipeline *options;
	pthread_mutex_t mutex; /* guards all below */
	pthread_cond_t produced, worked, consumed;
	enum slot_state *slots;
	uint64_t next_work;  /* the lowest chunk no worker has taken */
	uint64_t next_clear; /* the lowest chunk not consumed */
	uint64_t end;	     /* number of chunks, UINT64_MAX until produce said so */
	enum ov_status failure;
	bool stopped;
};

static enum slot_state *
slot_of(struct run *r, uint64_t chunk)
{
	return &r->slots[chunk % r->options->slots];
}

/* With the mutex held.  Keeps the first failure, wakes everybody. */
static void
stop(struct run *r, enum ov_status st)
{
	if (r->stopped)
		return;
	r->stopped = true;
	r->failure = st;
	pthread_cond_broadcast(&r->produced);
	pthread_cond_broadcast(&r->worked);
	pthread_cond_broadcast(&r->consumed);
	if (r->options->interrupt != NULL)
		r->options->interrupt(r->options->ctx);
}

/* With the mutex held: may one more call start? */
static bool
going(struct run *r)
{
	const atomic_bool *cancel = r->options->cancel;

	if (!r->stopped && cancel != NULL && atomic_load(cancel))
		stop(r, OV_E_CANCELLED);
	return !r->stopped;
}

/* With the mutex held, but not during the call. */
static enum ov_status
call(struct run *r, ov_stage_fn fn, uint64_t chunk)
{
	const struct ov_pipeline *o = r->options;
	enum ov_status st;

	pthread_mutex_unlock(&r->mutex);
	st = fn(o->ctx, (size_t)(chunk % o->slots), chunk);
	pthread_mutex_lock(&r->mutex);
	if (st != OV_OK)
		stop(r, st);
	return st;
}

static void
produce_one(struct run *r, uint64_t chunk)
{
	const struct ov_pipeline *o = r->options;
	enum ov_status st;
	bool end = false;

	pthread_mutex_unlock(&r->mutex);
	st = o->produce(o->ctx, (size_t)(chunk % o->slots), chunk, &end);
	pthread_mutex_lock(&r->mutex);
	if (st != OV_OK) {
		stop(r, st);
	} else if (end) {
		r->end = chunk;
		pthread_cond_broadcast(&r->produced);
		pthread_cond_broadcast(&r->worked);
	} else {
		*slot_of(r, chunk) = FULL;
		pthread_cond_signal(&r->produced);
	}
}

static void *
producer(void *arg)
{
	struct run *r = arg;

	pthread_mutex_lock(&r->mutex);
	for (uint64_t chunk = 0; going(r) && r->end == UINT64_MAX; chunk++) {
		while (!r->stopped && *slot_of(r, chunk) != EMPTY)
			pthread_cond_wait(&r->consumed, &r->mutex);
		if (going(r))
			produce_one(r, chunk);
	}
	pthread_mutex_unlock(&r->mutex);
	return NULL;
}

static void *
worker(void *arg)
{
	struct run *r = arg;

	pthread_mutex_lock(&r->mutex);
	while (going(r) && r->next_work < r->end) {
		uint64_t chunk = r->next_work;

		if (*slot_of(r, chunk) != FULL) {
			pthread_cond_wait(&r->produced, &r->mutex);
			continue;
		}
		r->next_work++;
		*slot_of(r, chunk) = BUSY;
		if (call(r, r->options->work, chunk) == OV_OK) {
			*slot_of(r, chunk) = DONE;
			pthread_cond_signal(&r->worked);
		}
	}
	pthread_mutex_unlock(&r->mutex);
	return NULL;
}

/* On the caller's thread. */
static void
consume_all(struct run *r)
{
	pthread_mutex_lock(&r->mutex);
	while (going(r) && r->next_clear < r->end) {
		uint64_t chunk = r->next_clear;

		if (*slot_of(r, chunk) != DONE) {
			pthread_cond_wait(&r->worked, &r->mutex);
			continue;
		}
		if (call(r, r->options->consume, chunk) != OV_OK)
			break;
		*slot_of(r, chunk) = EMPTY;
		r->next_clear++;
		pthread_cond_signal(&r->consumed);
		if (r->options->progress != NULL) {
			pthread_mutex_unlock(&r->mutex);
			r->options->progress(r->options->ctx, r->next_clear);
			pthread_mutex_lock(&r->mutex);
		}
	}
	pthread_mutex_unlock(&r->mutex);
}

/* Starts the producer and `workers` workers; returns the number of threads started. */
static size_t
start_threads(struct run *r, pthread_t *threads, size_t workers)
{
	sigset_t all, before;
	size_t n = 0;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (n <= workers) {
		if (pthread_create(&threads[n], NULL, n == 0 ? producer : worker, r) != 0)
			break;
		n++;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return n;
}

static void
run_threads(struct run *r, pthread_t *threads, size_t workers)
{
	size_t started = start_threads(r, threads, workers);

	if (started < 2) { /* fewer workers are slower, none is a failure */
		pthread_mutex_lock(&r->mutex);
		stop(r, OV_E_THREAD);
		pthread_mutex_unlock(&r->mutex);
	}
	consume_all(r);
	for (size_t i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
}

size_t
ov_cores(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) != 0 || CPU_COUNT(&set) < 1)
		return 1;
	return (size_t)CPU_COUNT(&set);
}

enum ov_status
ov_pipeline_run(const struct ov_pipeline *options)
{
	size_t workers = options->workers != 0 ? options->workers : ov_cores();
	struct run r = { .options = options, .end = UINT64_MAX, .failure = OV_OK };
	pthread_t *threads;

	if (options->slots == 0)
		return OV_E_BUG;
	if (workers > options->slots) /* more would only wait */
		workers = options->slots;
	r.slots = calloc(options->slots, sizeof(*r.slots));
	threads = calloc(workers + 1, sizeof(*threads));
	if (r.slots == NULL || threads == NULL) {
		free(r.slots);
		free(threads);
		return OV_E_NOMEM;
	}
	pthread_mutex_init(&r.mutex, NULL);
	pthread_cond_init(&r.produced, NULL);
	pthread_cond_init(&r.worked, NULL);
	pthread_cond_init(&r.consumed, NULL);
	run_threads(&r, threads, workers);
	pthread_cond_destroy(&r.consumed);
	pthread_cond_destroy(&r.worked);
	pthread_cond_destroy(&r.produced);
	pthread_mutex_destroy(&r.mutex);
	free(r.slots);
	free(threads);
	return r.failure;
}
