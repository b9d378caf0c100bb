#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/log.h"
#include "common/transport/edge_impl.h"

enum {
	TICK_MIN_MS = 10,
	TICK_MAX_MS = 250,
	ACCEPT_PAUSE_MIN_MS = 20,
	ACCEPT_PAUSE_MAX_MS = 1000,
	REPLY_OVERHEAD = 256, /* of a reply's queue entry and heads */
	BATCH = 64
};

void
ov_edge_options_default(struct ov_edge_options *o)
{
	*o = (struct ov_edge_options){
		.workers = 4,
		.max_frame = 1U << 20,
		.max_connections = 4096,
		.max_connections_per_peer = 16,
		.max_in_flight = 256,
		.max_in_flight_bytes = 8U << 20,
		.requests_per_minute = 60000,
		.max_waiting_replies = 4U << 20,
		.memory_cap = 512U << 20,
		.handshake_ms = 5000,
		.partial_frame_ms = 30000,
		.idle_ms = 300000,
		.slow_reader_ms = 30000,
	};
}

void
ov_edge_ref(struct ov_edge *e)
{
	atomic_fetch_add(&e->refs, 1);
}

void
ov_edge_unref(struct ov_edge *e)
{
	if (atomic_fetch_sub(&e->refs, 1) != 1)
		return;
	ov_quota_fini(e);
	pthread_cond_destroy(&e->work);
	pthread_cond_destroy(&e->chore);
	pthread_mutex_destroy(&e->mx);
	free(e->workers);
	free(e);
}

/* --- connections that a rule concerns --- */

/* edge->mx held: collects referenced connections that `concerns` names. */
static size_t
collect(struct ov_edge *e, struct conn *out[BATCH],
    bool (*concerns)(struct conn *c, const void *arg), const void *arg)
{
	size_t n = 0;

	for (struct conn *c = e->all; c != NULL && n < BATCH; c = c->next)
		if (concerns(c, arg)) {
			ov_conn_ref(c);
			out[n++] = c;
		}
	return n;
}

static bool
is_due(struct conn *c, const void *now)
{
	return atomic_load(&c->deadline) <= *(const uint64_t *)now;
}

/* Each once: the mark keeps the collecting loop finite. */
static bool
is_marked_for(struct conn *c, const void *fingerprint)
{
	if (c->condemned || !c->known ||
	    memcmp(c->fingerprint, fingerprint, OV_FINGERPRINT_LEN) != 0)
		return false;
	c->condemned = true;
	return true;
}

static bool
is_left(struct conn *c, const void *arg)
{
	(void)arg;
	if (c->condemned)
		return false;
	c->condemned = true;
	return true;
}

static void
expire_due(struct ov_edge *e)
{
	struct conn *batch[BATCH];
	uint64_t now = ov_now_ms();
	size_t n;

	do {
		pthread_mutex_lock(&e->mx);
		n = collect(e, batch, is_due, &now);
		pthread_mutex_unlock(&e->mx);
		for (size_t i = 0; i < n; i++) {
			ov_conn_expire(batch[i], now);
			ov_conn_unref(batch[i]);
		}
	} while (n == BATCH);
}

void
ov_edge_close_peer(struct ov_edge *e, const uint8_t fingerprint[OV_FINGERPRINT_LEN])
{
	struct conn *batch[BATCH];
	size_t n;

	do {
		pthread_mutex_lock(&e->mx);
		n = collect(e, batch, is_marked_for, fingerprint);
		pthread_mutex_unlock(&e->mx);
		for (size_t i = 0; i < n; i++) {
			atomic_fetch_add(&e->revoked, 1);
			ov_conn_kill(batch[i], OV_E_BROKER_REVOKED);
			ov_conn_unref(batch[i]);
		}
	} while (n == BATCH);
}

static void
close_all(struct ov_edge *e)
{
	struct conn *batch[BATCH];
	size_t n;

	do {
		pthread_mutex_lock(&e->mx);
		n = collect(e, batch, is_left, NULL);
		pthread_mutex_unlock(&e->mx);
		for (size_t i = 0; i < n; i++) {
			ov_conn_goodbye(batch[i]);
			ov_conn_kill(batch[i], OV_E_BROKER_STOPPING);
			ov_conn_unref(batch[i]);
		}
	} while (n == BATCH);
}

/* --- accepting --- */

static void
add_connection(struct ov_edge *e, nng_stream *s)
{
	struct conn *c;

	if (atomic_load(&e->connections) >= e->max_connections) {
		atomic_fetch_add(&e->refused, 1);
		nng_stream_free(s);
		return;
	}
	c = ov_conn_new(e, s);
	if (c == NULL) {
		atomic_fetch_add(&e->refused, 1);
		return;
	}
	atomic_fetch_add(&e->accepted, 1);
	atomic_fetch_add(&e->connections, 1);
	pthread_mutex_lock(&e->mx);
	c->number = ++e->next_number;
	c->next = e->all;
	c->back = &e->all;
	if (e->all != NULL)
		e->all->back = &c->next;
	e->all = c;
	pthread_mutex_unlock(&e->mx);
	ov_conn_begin(c);
}

/* Out of descriptors or memory: closing connections is what helps, so accepting
 * waits, twice as long each time. */
static void
pause_accepting(struct ov_edge *e)
{
	atomic_fetch_add(&e->accept_pauses, 1);
	pthread_mutex_lock(&e->mx);
	e->accept_pause_ms =
	    e->accept_pause_ms == 0 ? ACCEPT_PAUSE_MIN_MS : e->accept_pause_ms * 2;
	if (e->accept_pause_ms > ACCEPT_PAUSE_MAX_MS)
		e->accept_pause_ms = ACCEPT_PAUSE_MAX_MS;
	e->accept_at = ov_now_ms() + e->accept_pause_ms;
	pthread_mutex_unlock(&e->mx);
	ov_log(OV_LOG_WARN, "edge.accept_paused",
	    OV_F_U64("connections", atomic_load(&e->connections)));
}

static void
accepted(void *arg)
{
	struct ov_edge *e = arg;
	int rv = nng_aio_result(e->accept);

	if (rv == 0) {
		pthread_mutex_lock(&e->mx);
		e->accept_pause_ms = 0;
		pthread_mutex_unlock(&e->mx);
		if (atomic_load(&e->stopping))
			nng_stream_free(nng_aio_get_output(e->accept, 0));
		else
			add_connection(e, nng_aio_get_output(e->accept, 0));
	}
	if (rv == NNG_ECLOSED || rv == NNG_ECANCELED || atomic_load(&e->stopping))
		return;
	if (rv == 0 || rv == NNG_ECONNABORTED || rv == NNG_ECONNRESET)
		nng_stream_listener_accept(e->listener, e->accept);
	else
		pause_accepting(e);
}

/* --- the keeper --- */

static void
reap_one(struct ov_edge *e, struct conn *c)
{
	pthread_mutex_lock(&e->mx);
	*c->back = c->next;
	if (c->next != NULL)
		c->next->back = c->back;
	ov_quota_leave(e, c);
	pthread_mutex_unlock(&e->mx);
	ov_conn_free_wire(c);
	ov_conn_unref(c);
	atomic_fetch_sub(&e->connections, 1);
	pthread_mutex_lock(&e->mx);
	pthread_cond_broadcast(&e->chore);
	pthread_mutex_unlock(&e->mx);
}

static void
reap_all(struct ov_edge *e)
{
	struct conn *list, *c;

	pthread_mutex_lock(&e->mx);
	list = e->reap;
	e->reap = NULL;
	pthread_mutex_unlock(&e->mx);
	while ((c = list) != NULL) {
		list = c->reap_next;
		reap_one(e, c);
	}
}

static struct conn *
pop_starved(struct ov_edge *e)
{
	struct conn *c;

	pthread_mutex_lock(&e->mx);
	c = e->starved;
	if (c != NULL) {
		e->starved = c->starved_next;
		if (e->starved == NULL)
			e->starved_last = &e->starved;
		c->starved = false;
	}
	pthread_mutex_unlock(&e->mx);
	return c;
}

/* Lets connections that wait for memory try again, in turn, until one must go on
 * waiting. */
static void
feed_starved(struct ov_edge *e)
{
	struct conn *c;
	bool again = true;

	while (again && (c = pop_starved(e)) != NULL) {
		pthread_mutex_lock(&c->mx);
		ov_conn_pump(c);
		pthread_mutex_unlock(&c->mx);
		pthread_mutex_lock(&e->mx);
		again = !c->starved;
		pthread_mutex_unlock(&e->mx);
		ov_conn_unref(c);
	}
}

static void
accept_again(struct ov_edge *e, uint64_t now)
{
	bool due;

	pthread_mutex_lock(&e->mx);
	due = e->accept_at != 0 && e->accept_at <= now && !atomic_load(&e->stopping);
	if (due)
		e->accept_at = 0;
	pthread_mutex_unlock(&e->mx);
	if (due)
		nng_stream_listener_accept(e->listener, e->accept);
}

static void
wait_until(struct ov_edge *e, pthread_cond_t *cond, uint64_t ms)
{
	struct timespec t = { (time_t)(ms / 1000), (long)(ms % 1000) * 1000000 };

	(void)pthread_cond_timedwait(cond, &e->mx, &t);
}

static void *
keeper_main(void *arg)
{
	struct ov_edge *e = arg;
	uint64_t now, tick = 0;

	pthread_mutex_lock(&e->mx);
	while (!e->quit_keeper || e->all != NULL) {
		pthread_mutex_unlock(&e->mx);
		now = ov_now_ms();
		reap_all(e);
		feed_starved(e);
		if (now >= tick) {
			expire_due(e);
			accept_again(e, now);
			ov_quota_sweep(e, now);
			tick = now + e->tick_ms;
		}
		pthread_mutex_lock(&e->mx);
		if (e->reap == NULL && !e->freed && !(e->quit_keeper && e->all == NULL))
			wait_until(e, &e->chore, tick);
		e->freed = false;
	}
	pthread_mutex_unlock(&e->mx);
	return NULL;
}

/* --- starting and stopping --- */

static uint32_t
tick_of(const struct ov_edge_options *o)
{
	uint32_t ms = TICK_MAX_MS;
	const uint32_t all[] = { o->handshake_ms, o->partial_frame_ms, o->idle_ms,
		o->slow_reader_ms };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (all[i] / 4 < ms)
			ms = all[i] / 4;
	return ms < TICK_MIN_MS ? TICK_MIN_MS : ms;
}

static bool
options_are_sane(const struct ov_edge_options *o)
{
	return o->address != NULL && o->tls != NULL && o->handle != NULL &&
	       o->workers > 0 && o->workers <= 1024 && o->max_frame > 0 &&
	       o->max_frame <= UINT32_MAX / 2 && o->max_connections > 0 &&
	       o->max_connections_per_peer > 0 && o->max_in_flight > 0 &&
	       o->max_in_flight_bytes > 0 && o->requests_per_minute > 0 &&
	       o->max_waiting_replies > 0 && o->handshake_ms > 0 &&
	       o->partial_frame_ms > 0 && o->idle_ms > 0 && o->slow_reader_ms > 0 &&
	       o->memory_cap >=
		   (o->workers + 2) * (o->max_frame + REPLY_OVERHEAD) + CONN_COST;
}

/* At least one, which the check of the options made room for. */
static unsigned int
connections_of(const struct ov_edge *e)
{
	size_t fit = e->soft_cap / 2 / CONN_COST;

	if (fit >= e->o.max_connections)
		return e->o.max_connections;
	return fit > 0 ? (unsigned int)fit : 1;
}

static enum ov_status
edge_new(struct ov_edge **out, const struct ov_edge_options *o)
{
	struct ov_edge *e = calloc(1, sizeof(*e));
	pthread_condattr_t attr;

	if (e == NULL)
		return OV_E_NOMEM;
	e->workers = calloc(o->workers, sizeof(*e->workers));
	if (e->workers == NULL) {
		free(e);
		return OV_E_NOMEM;
	}
	e->o = *o;
	e->o.address = NULL; /* the caller's */
	atomic_init(&e->refs, 1);
	e->reply_reserve = o->max_frame + REPLY_OVERHEAD;
	e->soft_cap = o->memory_cap - o->workers * e->reply_reserve;
	e->max_connections = connections_of(e);
	e->tick_ms = tick_of(o);
	e->ready.last = &e->ready.first;
	e->starved_last = &e->starved;
	e->gone_last = &e->gone;
	pthread_mutex_init(&e->mx, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&e->work, &attr);
	pthread_cond_init(&e->chore, &attr);
	pthread_condattr_destroy(&attr);
	*out = e;
	return OV_OK;
}

static enum ov_status
listen_on(struct ov_edge *e, const char *address)
{
	char url[OV_WIRE_URL_MAX], host[OV_WIRE_URL_MAX];
	enum ov_status st;
	int rv, port = 0;

	OV_TRY(ov_wire_address(url, host, address));
	rv = nng_stream_listener_alloc(&e->listener, url);
	OV_REQUIRE(rv != NNG_ENOMEM, OV_E_NOMEM);
	OV_REQUIRE(rv == 0, OV_E_NET_ADDRESS);
	rv = nng_stream_listener_listen(e->listener);
	OV_REQUIRE(rv != NNG_EADDRINUSE, OV_E_NET_BUSY);
	OV_REQUIRE(rv == 0, OV_E_NET_ADDRESS);
	OV_REQUIRE(nng_stream_listener_get_int(
		       e->listener, NNG_OPT_TCP_BOUND_PORT, &port) == 0 &&
		       port > 0 && port <= UINT16_MAX,
	    OV_E_NET_ADDRESS);
	e->port = (uint16_t)port;
	OV_REQUIRE(nng_aio_alloc(&e->accept, accepted, e) == 0, OV_E_NOMEM);
done:
	return st;
}

static enum ov_status
start_threads(struct ov_edge *e)
{
	if (pthread_create(&e->keeper, NULL, keeper_main, e) != 0)
		return OV_E_THREAD;
	e->keeper_started = true;
	while (e->n_workers < e->o.workers) {
		if (pthread_create(&e->workers[e->n_workers], NULL, ov_worker_main, e) !=
		    0)
			return OV_E_THREAD;
		e->n_workers++;
	}
	return OV_OK;
}

enum ov_status
ov_edge_start(struct ov_edge **out, const struct ov_edge_options *o)
{
	struct ov_edge *e = NULL;
	enum ov_status st;

	OV_REQUIRE(options_are_sane(o), OV_E_BUG);
	OV_TRY(edge_new(&e, o));
	OV_TRY(listen_on(e, o->address));
	OV_TRY(start_threads(e));
	nng_stream_listener_accept(e->listener, e->accept);
	*out = e;
	e = NULL;
done:
	if (e != NULL) {
		ov_edge_stop(e, 0);
		ov_edge_free(e);
	}
	return st;
}

uint16_t
ov_edge_port(const struct ov_edge *e)
{
	return e->port;
}

/* The counters fall under several locks; looking again every few milliseconds is
 * simpler than waking on each, and happens once in the life of an edge. */
static void
drain(struct ov_edge *e, uint32_t drain_ms)
{
	uint64_t now = ov_now_ms(), until = now + drain_ms;

	pthread_mutex_lock(&e->mx);
	while (now < until &&
	       (atomic_load(&e->in_flight) > 0 || atomic_load(&e->sending) > 0)) {
		wait_until(e, &e->chore, now + 5 < until ? now + 5 : until);
		now = ov_now_ms();
	}
	pthread_mutex_unlock(&e->mx);
}

static void
stop_threads(struct ov_edge *e)
{
	pthread_mutex_lock(&e->mx);
	e->quit_keeper = true;
	pthread_cond_broadcast(&e->chore);
	pthread_mutex_unlock(&e->mx);
	if (e->keeper_started)
		pthread_join(e->keeper, NULL);
	pthread_mutex_lock(&e->mx);
	e->quit_workers = true;
	pthread_cond_broadcast(&e->work);
	pthread_mutex_unlock(&e->mx);
	while (e->n_workers > 0)
		pthread_join(e->workers[--e->n_workers], NULL);
}

void
ov_edge_stop(struct ov_edge *e, uint32_t drain_ms)
{
	atomic_store(&e->stopping, true);
	if (e->listener != NULL)
		nng_stream_listener_close(e->listener);
	if (e->accept != NULL)
		nng_aio_stop(e->accept);
	drain(e, drain_ms);
	close_all(e);
	stop_threads(e);
	feed_starved(e); /* references of connections that were dead already */
}

void
ov_edge_free(struct ov_edge *e)
{
	if (e == NULL)
		return;
	if (e->listener != NULL)
		nng_stream_listener_free(e->listener);
	if (e->accept != NULL)
		nng_aio_free(e->accept);
	ov_edge_unref(e);
}

void
ov_edge_read_counters(struct ov_edge *e, struct ov_edge_counters *c)
{
	*c = (struct ov_edge_counters){
		.connections = atomic_load(&e->connections),
		.requests_in_flight = atomic_load(&e->in_flight),
		.memory = atomic_load(&e->memory),
		.memory_peak = atomic_load(&e->memory_peak),
		.accepted = atomic_load(&e->accepted),
		.refused = atomic_load(&e->refused),
		.handshakes_failed = atomic_load(&e->handshakes_failed),
		.timeouts_handshake = atomic_load(&e->timeouts_handshake),
		.timeouts_frame = atomic_load(&e->timeouts_frame),
		.timeouts_idle = atomic_load(&e->timeouts_idle),
		.timeouts_slow = atomic_load(&e->timeouts_slow),
		.requests = atomic_load(&e->requests),
		.limited = atomic_load(&e->limited),
		.oversized = atomic_load(&e->oversized),
		.revoked = atomic_load(&e->revoked),
		.accept_pauses = atomic_load(&e->accept_pauses),
		.bytes_in = atomic_load(&e->bytes_in),
		.bytes_out = atomic_load(&e->bytes_out),
	};
}
