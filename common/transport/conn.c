#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/transport/edge_impl.h"

void
ov_conn_ref(struct conn *c)
{
	atomic_fetch_add(&c->refs, 1);
}

void
ov_conn_unref(struct conn *c)
{
	struct ov_edge *e = c->edge;

	if (atomic_fetch_sub(&c->refs, 1) != 1)
		return;
	pthread_mutex_destroy(&c->mx);
	free(c);
	ov_edge_unref(e);
}

static bool
charge_buffer(void *arg, size_t n)
{
	struct conn *c = arg;

	return ov_quota_charge(c->edge, n, c->edge->soft_cap);
}

static void
discharge_buffer(void *arg, size_t n)
{
	struct conn *c = arg;

	ov_quota_discharge(c->edge, n);
}

static void
rx_done(void *arg)
{
	struct conn *c = arg;

	pthread_mutex_lock(&c->mx);
	atomic_fetch_add(&c->edge->bytes_in, ov_wire_received(&c->wire));
	ov_conn_pump(c);
	pthread_mutex_unlock(&c->mx);
}

static void
tx_done(void *arg)
{
	struct conn *c = arg;
	size_t n;

	pthread_mutex_lock(&c->mx);
	n = ov_wire_sent(&c->wire);
	atomic_fetch_add(&c->edge->bytes_out, n);
	c->drained += n;
	ov_conn_pump(c);
	pthread_mutex_unlock(&c->mx);
}

struct conn *
ov_conn_new(struct ov_edge *e, nng_stream *s)
{
	struct conn *c = calloc(1, sizeof(*c));

	if (c == NULL || !ov_quota_charge(e, CONN_COST, e->soft_cap)) {
		nng_stream_free(s);
		free(c);
		return NULL;
	}
	if (ov_wire_init(&c->wire, s, ov_tls_new(e->o.tls), rx_done, tx_done, c) !=
	    OV_OK) {
		free(c);
		ov_quota_discharge(e, CONN_COST);
		return NULL;
	}
	c->wire.charge = charge_buffer;
	c->wire.discharge = discharge_buffer;
	c->edge = e;
	ov_edge_ref(e);
	atomic_init(&c->refs, 1);
	atomic_init(&c->deadline, NO_DEADLINE);
	pthread_mutex_init(&c->mx, NULL);
	c->waiting_last = &c->waiting;
	c->accepted_ms = ov_now_ms();
	return c;
}

void
ov_conn_begin(struct conn *c)
{
	pthread_mutex_lock(&c->mx);
	ov_conn_pump(c);
	pthread_mutex_unlock(&c->mx);
}

/* The handshake is done: enters the peer, then asks once more whether it is
 * allowed, for a revocation that came in between and found nothing to close. */
static void
opened(struct conn *c)
{
	struct ov_edge *e = c->edge;
	struct ov_out *hello;
	bool ok;

	c->active_ms = ov_now_ms();
	pthread_mutex_lock(&e->mx);
	ov_tls_peer(c->wire.tls, c->fingerprint);
	ok = ov_quota_enter(e, c);
	pthread_mutex_unlock(&e->mx);
	if (!ok) {
		atomic_fetch_add(&e->refused, 1);
		ov_wire_finish(&c->wire, OV_E_NET_LIMIT);
		return;
	}
	if (!ov_tls_allows(e->o.tls, c->fingerprint)) {
		atomic_fetch_add(&e->revoked, 1);
		ov_wire_finish(&c->wire, OV_E_BROKER_REVOKED);
		return;
	}
	hello = ov_out_new(0, OV_BYTES(NULL, 0), NULL, 0);
	if (hello == NULL) {
		ov_wire_kill(&c->wire, OV_E_NOMEM);
		return;
	}
	ov_quota_add(e, ov_out_cost(hello));
	ov_wire_queue(&c->wire, hello);
}

/* Waits for memory; true if some came free just now. */
static bool
starve(struct conn *c, size_t cost)
{
	struct ov_edge *e = c->edge;

	pthread_mutex_lock(&e->mx);
	if (!c->starved) {
		c->starved = true;
		c->starved_next = NULL;
		*e->starved_last = c;
		e->starved_last = &c->starved_next;
		ov_conn_ref(c);
	}
	pthread_mutex_unlock(&e->mx);
	atomic_store(&e->pressed, true);
	return ov_quota_charge(e, cost, e->soft_cap);
}

/* A head is read: is there room for its body?  If not now, nothing more is read. */
static bool
admit(struct conn *c)
{
	struct ov_edge *e = c->edge;
	size_t len = c->wire.in.len, cost = sizeof(struct ov_request) + len;
	uint8_t *body;

	if (len > e->o.max_frame || c->wire.in.id == 0) {
		atomic_fetch_add(&e->oversized, 1);
		ov_wire_kill(&c->wire, OV_E_WIRE_LIMIT);
		return false;
	}
	if (atomic_load(&e->stopping) || c->in_flight >= e->o.max_in_flight)
		return false;
	/* one of any size is always let in */
	if (c->in_flight > 0 && c->in_bytes + len > e->o.max_in_flight_bytes)
		return false;
	if (!ov_quota_charge(e, cost, e->soft_cap) && !starve(c, cost))
		return false;
	body = malloc(len > 0 ? len : 1);
	if (body == NULL) {
		ov_quota_discharge(e, cost);
		ov_wire_kill(&c->wire, OV_E_NOMEM);
		return false;
	}
	c->incoming = cost;
	ov_wire_accept(&c->wire, body);
	return true;
}

static void
take(struct conn *c)
{
	struct ov_edge *e = c->edge;
	uint64_t id = c->wire.in.id, now = ov_now_ms();
	size_t len = c->wire.in.len;
	uint8_t *body = ov_wire_take(&c->wire);
	struct ov_request *r = ov_request_new(c, id, body, len);

	c->frame_ms = 0;
	c->active_ms = now;
	if (r == NULL) {
		free(body);
		ov_wire_kill(&c->wire, OV_E_NOMEM);
		return; /* its charge is given back with the connection's */
	}
	c->incoming = 0; /* the charge is the request's now */
	c->in_flight++;
	c->in_bytes += len;
	atomic_fetch_add(&e->in_flight, 1);
	atomic_fetch_add(&e->requests, 1);
	r->limited = !ov_quota_request(e, c, now);
	if (r->limited) {
		atomic_fetch_add(&e->limited, 1);
		if (e->o.on_limit == NULL)
			ov_wire_finish(&c->wire, OV_E_NET_LIMIT);
	}
	ov_request_queue(r);
}

/* True if more may be received. */
static bool
read_frames(struct conn *c)
{
	for (;;)
		switch (ov_wire_step(&c->wire)) {
		case OV_WIRE_WAIT:
			return true;
		case OV_WIRE_OPENED:
			opened(c);
			break;
		case OV_WIRE_HEAD:
			if (!admit(c))
				return false;
			break;
		case OV_WIRE_FRAME:
			take(c);
			break;
		case OV_WIRE_FAILED:
			ov_wire_finish(&c->wire, c->wire.why);
			break;
		}
}

static uint64_t
sooner(uint64_t deadline, uint64_t since, uint32_t ms)
{
	uint64_t d = since + ms;

	return since != 0 && d < deadline ? d : deadline;
}

static uint64_t
next_deadline(const struct conn *c)
{
	const struct ov_edge_options *o = &c->edge->o;
	uint64_t d = NO_DEADLINE;

	if (c->wire.dead)
		return d;
	if (c->wire.finishing)
		return sooner(d, c->finish_ms, FINISH_MS);
	if (!c->wire.open)
		return sooner(d, c->accepted_ms, o->handshake_ms);
	d = sooner(d, c->frame_ms, o->partial_frame_ms);
	d = sooner(d, c->slow_ms, o->slow_reader_ms);
	if (c->in_flight == 0 && c->slow_ms == 0 && !ov_frame_is_partial(&c->wire.in))
		d = sooner(d, c->active_ms, o->idle_ms);
	return d;
}

static void
note_sending(struct conn *c, bool sending, uint64_t now)
{
	if (sending == (c->slow_ms != 0)) {
		if (sending && c->drained >= SLOW_QUANTUM) {
			c->slow_ms = now;
			c->drained = 0;
		}
		return;
	}
	if (sending) {
		atomic_fetch_add(&c->edge->sending, 1);
		c->drained = 0;
	} else {
		atomic_fetch_sub(&c->edge->sending, 1);
		c->active_ms = now;
	}
	c->slow_ms = sending ? now : 0;
}

static void
note_times(struct conn *c)
{
	bool partial = ov_frame_is_partial(&c->wire.in);
	uint64_t now = ov_now_ms();

	if (!partial || c->held_back)
		c->frame_ms = 0;
	else if (c->frame_ms == 0)
		c->frame_ms = now;
	if (c->wire.finishing && c->finish_ms == 0)
		c->finish_ms = now;
	note_sending(c, c->wire.open && ov_wire_is_sending(&c->wire), now);
	atomic_store(&c->deadline, next_deadline(c));
}

/* Peers come and go: what they do without a fault is not worth a line. */
static void
log_end(const struct conn *c)
{
	enum ov_status why = c->wire.why;

	if (why == OV_E_NET_CLOSED || why == OV_E_BROKER_STOPPING)
		return;
	ov_log(OV_LOG_INFO, "edge.closed", OV_F_U64("connection", c->number),
	    OV_F_ID("peer", c->fingerprint), OV_F_STATUS(why));
}

/* Dead for the first time: its requests learn of it. */
static void
bury(struct conn *c)
{
	c->buried = true;
	log_end(c);
	if (!c->wire.open)
		atomic_fetch_add(&c->edge->handshakes_failed, 1);
	ov_request_bury(c);
}

static void
give_to_keeper(struct conn *c)
{
	struct ov_edge *e = c->edge;

	c->given = true;
	pthread_mutex_lock(&e->mx);
	c->reap_next = e->reap;
	e->reap = c;
	pthread_cond_broadcast(&e->chore);
	pthread_mutex_unlock(&e->mx);
}

void
ov_conn_pump(struct conn *c)
{
	size_t released;

	if (c->given)
		return; /* the keeper frees the wire now, or has */
	c->held_back = !read_frames(c);
	released = ov_wire_flush(&c->wire, !c->held_back);
	ov_quota_discharge(c->edge, released);
	note_times(c);
	if (c->wire.dead && !c->buried)
		bury(c);
	ov_request_ready(c);
	if (ov_wire_is_quiet(&c->wire))
		give_to_keeper(c);
}

void
ov_conn_kill(struct conn *c, enum ov_status why)
{
	pthread_mutex_lock(&c->mx);
	ov_wire_kill(&c->wire, why);
	ov_conn_pump(c);
	pthread_mutex_unlock(&c->mx);
}

void
ov_conn_goodbye(struct conn *c)
{
	pthread_mutex_lock(&c->mx);
	if (!c->wire.finishing) {
		ov_wire_finish(&c->wire, OV_E_BROKER_STOPPING);
		ov_conn_pump(c);
	}
	pthread_mutex_unlock(&c->mx);
}

/* Which of the deadlines it was; NULL if none is past any more. */
static _Atomic uint64_t *
which_deadline(struct conn *c, uint64_t now)
{
	struct ov_edge *e = c->edge;

	if (c->wire.dead || next_deadline(c) > now)
		return NULL;
	if (!c->wire.open)
		return &e->timeouts_handshake;
	if (sooner(NO_DEADLINE, c->frame_ms, e->o.partial_frame_ms) <= now)
		return &e->timeouts_frame;
	if (c->wire.finishing || c->slow_ms != 0)
		return &e->timeouts_slow;
	return &e->timeouts_idle;
}

void
ov_conn_expire(struct conn *c, uint64_t now)
{
	_Atomic uint64_t *counter;

	pthread_mutex_lock(&c->mx);
	counter = which_deadline(c, now);
	if (counter != NULL) {
		atomic_fetch_add(counter, 1);
		ov_wire_kill(&c->wire, OV_E_TIMEOUT);
		ov_conn_pump(c);
	} else {
		atomic_store(&c->deadline, next_deadline(c));
	}
	pthread_mutex_unlock(&c->mx);
}

void
ov_conn_free_wire(struct conn *c)
{
	ov_wire_stop(&c->wire); /* waits for callbacks that still hold mx */
	pthread_mutex_lock(&c->mx);
	pthread_mutex_unlock(&c->mx);
	ov_quota_discharge(c->edge, c->wire.queued + c->incoming + CONN_COST);
	ov_wire_fini(&c->wire);
}
