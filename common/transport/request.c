#include <stdlib.h>

#include "common/transport/edge_impl.h"

/* A request is always owned by exactly one: the queue (QUEUED), a handler
 * (RUNNING) or the upper layer (HELD).  on_gone is called only for HELD ones, so
 * that it never runs beside a handler of the same request. */

struct ov_request *
ov_request_new(struct conn *c, uint64_t id, uint8_t *body, size_t len)
{
	struct ov_request *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->conn = c;
	ov_conn_ref(c);
	atomic_init(&r->refs, 1);
	r->id = id;
	r->body = body;
	r->len = len;
	r->fresh = true;
	return r;
}

static void
unref(struct ov_request *r)
{
	struct conn *c = r->conn;

	if (atomic_fetch_sub(&r->refs, 1) != 1)
		return;
	free(r->body);
	free(r);
	ov_conn_unref(c);
}

static size_t
cost_of(const struct ov_request *r)
{
	return sizeof(*r) + r->len;
}

void
ov_request_queue(struct ov_request *r)
{
	struct conn *c = r->conn;

	r->state = REQUEST_QUEUED;
	r->next = NULL;
	*c->waiting_last = r;
	c->waiting_last = &r->next;
}

static struct ov_request *
next_waiting(struct conn *c)
{
	struct ov_request *r = c->waiting;

	if (r == NULL)
		return NULL;
	c->waiting = r->next;
	if (c->waiting == NULL)
		c->waiting_last = &c->waiting;
	return r;
}

static void
push_ready(struct ov_edge *e, struct conn *c)
{
	if (c->ready)
		return;
	c->ready = true;
	c->ready_next = NULL;
	*e->ready.last = c;
	e->ready.last = &c->ready_next;
	ov_conn_ref(c);
	pthread_cond_signal(&e->work);
}

void
ov_request_ready(struct conn *c)
{
	struct ov_edge *e = c->edge;

	if (c->waiting == NULL)
		return;
	if (!c->wire.dead && c->wire.queued >= e->o.max_waiting_replies)
		return; /* a slow reader's requests wait; its deadline runs */
	pthread_mutex_lock(&e->mx);
	push_ready(e, c);
	pthread_mutex_unlock(&e->mx);
}

static void
link_live(struct ov_request *r)
{
	struct conn *c = r->conn;

	r->live_next = c->live;
	r->live_back = &c->live;
	if (c->live != NULL)
		c->live->live_back = &r->live_next;
	c->live = r;
}

static void
unlink_live(struct ov_request *r)
{
	*r->live_back = r->live_next;
	if (r->live_next != NULL)
		r->live_next->live_back = r->live_back;
}

/* conn->mx held; r is HELD and its connection dead. */
static void
push_gone(struct ov_request *r)
{
	struct ov_edge *e = r->conn->edge;

	if (r->gone || e->o.on_gone == NULL)
		return;
	r->gone = true;
	atomic_fetch_add(&r->refs, 1);
	pthread_mutex_lock(&e->mx);
	r->gone_next = NULL;
	*e->gone_last = r;
	e->gone_last = &r->gone_next;
	pthread_cond_signal(&e->work);
	pthread_mutex_unlock(&e->mx);
}

static void
count_out(const struct ov_request *r)
{
	r->conn->in_flight--;
	r->conn->in_bytes -= r->len;
	atomic_fetch_sub(&r->conn->edge->in_flight, 1);
}

void
ov_request_bury(struct conn *c)
{
	struct ov_request *keep = NULL, **last = &keep, *r;
	size_t freed = 0;

	while ((r = next_waiting(c)) != NULL) {
		if (!r->fresh) { /* resumed: its handler ends it */
			r->next = NULL;
			*last = r;
			last = &r->next;
			continue;
		}
		freed += cost_of(r);
		count_out(r);
		unref(r); /* the caller has a reference to c */
	}
	c->waiting = keep;
	c->waiting_last = keep != NULL ? last : &c->waiting;
	ov_quota_discharge(c->edge, freed);
	for (r = c->live; r != NULL; r = r->live_next)
		if (r->state == REQUEST_HELD)
			push_gone(r);
}

/* --- workers --- */

/* edge->mx held. */
static bool
reserve(struct ov_edge *e)
{
	if (ov_quota_charge(e, e->reply_reserve, e->o.memory_cap))
		return true;
	atomic_store(&e->pressed, true);
	return ov_quota_charge(e, e->reply_reserve, e->o.memory_cap);
}

static struct ov_request *
begin(struct conn *c)
{
	struct ov_request *r;

	pthread_mutex_lock(&c->mx);
	r = next_waiting(c);
	if (r != NULL) {
		r->state = REQUEST_RUNNING;
		r->reserve = c->edge->reply_reserve;
		atomic_fetch_add(&r->refs, 1);
		if (r->fresh)
			link_live(r);
		r->fresh = false;
	}
	ov_request_ready(c);
	pthread_mutex_unlock(&c->mx);
	return r;
}

static void
finish(struct ov_request *r)
{
	struct conn *c = r->conn;
	size_t left;

	pthread_mutex_lock(&c->mx);
	left = r->reserve;
	r->reserve = 0;
	if (!r->ended && r->again) {
		r->again = false;
		ov_request_queue(r);
		ov_request_ready(c);
	} else if (!r->ended) {
		r->state = REQUEST_HELD;
		if (c->wire.dead)
			push_gone(r);
	}
	pthread_mutex_unlock(&c->mx);
	ov_quota_discharge(c->edge, left);
	unref(r);
}

/* c was taken from the ready queue and its memory reserved. */
static void
run(struct ov_edge *e, struct conn *c)
{
	struct ov_request *r = begin(c);

	if (r == NULL) {
		ov_quota_discharge(e, e->reply_reserve);
	} else {
		bool limited = r->limited;

		r->limited = false; /* a resumed request was let through before */
		if (limited && e->o.on_limit != NULL)
			e->o.on_limit(e->o.ctx, r);
		else if (limited)
			ov_request_drop(r);
		else
			e->o.handle(e->o.ctx, r);
		finish(r);
	}
	ov_conn_unref(c);
}

static struct conn *
pop_ready(struct ov_edge *e)
{
	struct conn *c = e->ready.first;

	e->ready.first = c->ready_next;
	if (e->ready.first == NULL)
		e->ready.last = &e->ready.first;
	c->ready = false;
	return c;
}

static struct ov_request *
pop_gone(struct ov_edge *e)
{
	struct ov_request *r = e->gone;

	e->gone = r->gone_next;
	if (e->gone == NULL)
		e->gone_last = &e->gone;
	return r;
}

/* Once it is told, it may be told again: the upper layer may have been about to
 * resume r, and its handler may hold r another time. */
static void
tell_gone(struct ov_edge *e, struct ov_request *r)
{
	pthread_mutex_lock(&r->conn->mx);
	r->gone = false;
	pthread_mutex_unlock(&r->conn->mx);
	e->o.on_gone(e->o.ctx, r);
	unref(r);
}

void *
ov_worker_main(void *arg)
{
	struct ov_edge *e = arg;

	pthread_mutex_lock(&e->mx);
	for (;;) {
		if (e->gone != NULL) {
			struct ov_request *r = pop_gone(e);

			pthread_mutex_unlock(&e->mx);
			tell_gone(e, r);
			pthread_mutex_lock(&e->mx);
		} else if (e->ready.first != NULL && reserve(e)) {
			struct conn *c = pop_ready(e);

			pthread_mutex_unlock(&e->mx);
			run(e, c);
			pthread_mutex_lock(&e->mx);
		} else if (e->quit_workers && e->ready.first == NULL) {
			break;
		} else {
			pthread_cond_wait(&e->work, &e->mx);
		}
	}
	pthread_mutex_unlock(&e->mx);
	return NULL;
}

/* --- what the upper layer does with a request --- */

struct ov_bytes
ov_request_body(const struct ov_request *r)
{
	return OV_BYTES(r->body, r->len);
}

const uint8_t *
ov_request_peer(const struct ov_request *r)
{
	return r->conn->fingerprint;
}

uint64_t
ov_request_connection(const struct ov_request *r)
{
	return r->conn->number;
}

bool
ov_request_alive(struct ov_request *r)
{
	bool alive;

	pthread_mutex_lock(&r->conn->mx);
	alive = !r->conn->wire.dead && !r->conn->wire.finishing;
	pthread_mutex_unlock(&r->conn->mx);
	return alive;
}

/* Turns the handler's reserve into the reply's charge; never shortly gives back
 * what is needed again at once. */
static void
recharge(struct ov_edge *e, size_t reserved, size_t cost)
{
	if (cost > reserved)
		ov_quota_add(e, cost - reserved);
	else
		ov_quota_discharge(e, reserved - cost);
}

/* o: the reply, or NULL to close the connection. */
static void
end(struct ov_request *r, struct ov_out *o)
{
	struct conn *c = r->conn;
	size_t reserved;

	pthread_mutex_lock(&c->mx);
	reserved = r->reserve;
	r->reserve = 0;
	r->ended = true;
	unlink_live(r);
	count_out(r);
	if (c->wire.dead || c->wire.finishing) {
		ov_out_free(o);
		ov_quota_discharge(c->edge, reserved);
	} else if (o == NULL) {
		ov_quota_discharge(c->edge, reserved);
		ov_wire_kill(&c->wire, OV_E_NET_CLOSED);
	} else {
		recharge(c->edge, reserved, ov_out_cost(o));
		ov_wire_queue(&c->wire, o);
	}
	c->active_ms = ov_now_ms();
	ov_conn_pump(c);
	pthread_mutex_unlock(&c->mx);
	ov_quota_discharge(c->edge, cost_of(r));
	unref(r);
}

void
ov_request_reply(struct ov_request *r, struct ov_bytes body)
{
	struct ov_out *o = NULL;

	if (body.len <= r->conn->edge->o.max_frame)
		o = ov_out_new(r->id, body, NULL, 0);
	end(r, o);
}

void
ov_request_reply_owned(
    struct ov_request *r, struct ov_bytes first, uint8_t *body, size_t body_len)
{
	size_t max = r->conn->edge->o.max_frame;
	struct ov_out *o = NULL;

	if (first.len <= max && body_len <= max - first.len)
		o = ov_out_new(r->id, first, body, body_len);
	if (o == NULL)
		free(body);
	end(r, o);
}

void
ov_request_drop(struct ov_request *r)
{
	end(r, NULL);
}

void
ov_request_resume(struct ov_request *r)
{
	struct conn *c = r->conn;
	struct ov_edge *e = c->edge;
	bool late;

	pthread_mutex_lock(&c->mx);
	pthread_mutex_lock(&e->mx);
	late = e->quit_workers;
	if (!late && r->state == REQUEST_HELD) {
		ov_request_queue(r);
		push_ready(e, c);
	} else if (!late) {
		r->again = true;
	}
	pthread_mutex_unlock(&e->mx);
	pthread_mutex_unlock(&c->mx);
	if (late)
		ov_request_drop(r);
}

void
ov_request_set_tag(struct ov_request *r, void *tag)
{
	r->tag = tag;
}

void *
ov_request_tag(const struct ov_request *r)
{
	return r->tag;
}
