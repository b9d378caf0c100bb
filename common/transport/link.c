#include "common/transport/link.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/transport/wire.h"

enum { TICKET_BUCKETS = 256, DEFAULT_MAX_FRAME = 1 << 20 };

/* Lock: link->mx alone; tickets have a condition each, so that a reply wakes one
 * thread. */
struct ov_ticket {
	struct ov_link *link;
	struct ov_ticket *next, **back; /* in link->tickets while waiting */
	uint64_t id;
	pthread_cond_t cond;
	bool done;
	enum ov_status st;
	struct ov_reply reply;
};

enum link_state { LINK_DOWN, LINK_CONNECTING, LINK_UP };

struct ov_link {
	struct ov_tls_context *tls;
	char url[OV_WIRE_URL_MAX];
	size_t max_frame;
	pthread_mutex_t mx;
	pthread_cond_t changed; /* state, or the wire became quiet */
	enum link_state state;
	bool has_wire;
	bool ended;	  /* the wire's death is noted */
	bool cancelled;	  /* the connecting under way is to end */
	nng_aio *dialing; /* of the connecting thread; NULL: not dialling */
	struct ov_wire wire;
	enum ov_status why; /* of the last end */
	uint64_t last_id;
	struct ov_ticket *tickets[TICKET_BUCKETS];
	struct ov_link_counters counters;
};

static void
deadline_of(struct timespec *t, uint32_t ms)
{
	(void)clock_gettime(CLOCK_MONOTONIC, t);
	t->tv_sec += (time_t)(ms / 1000);
	t->tv_nsec += (long)(ms % 1000) * 1000000;
	if (t->tv_nsec >= 1000000000) {
		t->tv_nsec -= 1000000000;
		t->tv_sec++;
	}
}

static void
cond_init(pthread_cond_t *cond)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(cond, &attr);
	pthread_condattr_destroy(&attr);
}

static struct ov_ticket *
find(struct ov_link *l, uint64_t id)
{
	struct ov_ticket *t = l->tickets[id % TICKET_BUCKETS];

	while (t != NULL && t->id != id)
		t = t->next;
	return t;
}

static void
enter(struct ov_link *l, struct ov_ticket *t)
{
	struct ov_ticket **bucket = &l->tickets[t->id % TICKET_BUCKETS];

	t->next = *bucket;
	t->back = bucket;
	if (t->next != NULL)
		t->next->back = &t->next;
	*bucket = t;
}

static void
leave(struct ov_ticket *t)
{
	*t->back = t->next;
	if (t->next != NULL)
		t->next->back = t->back;
}

static void
complete(struct ov_ticket *t, enum ov_status st, uint8_t *body, size_t len)
{
	leave(t);
	t->done = true;
	t->st = st;
	t->reply = (struct ov_reply){ body, len };
	pthread_cond_signal(&t->cond);
}

static void
fail_all(struct ov_link *l, enum ov_status st)
{
	for (int i = 0; i < TICKET_BUCKETS; i++)
		while (l->tickets[i] != NULL)
			complete(l->tickets[i], st, NULL, 0);
}

/* The greeting makes the link usable; other frames are replies. */
static void
take(struct ov_link *l)
{
	uint64_t id = l->wire.in.id;
	size_t len = l->wire.in.len;
	uint8_t *body = ov_wire_take(&l->wire);
	struct ov_ticket *t = find(l, id);

	if (id == 0 && l->state == LINK_CONNECTING) {
		l->state = LINK_UP;
		pthread_cond_broadcast(&l->changed);
	}
	if (t != NULL)
		complete(t, OV_OK, body, len);
	else
		free(body); /* nobody waits for it any more */
}

/* Replies are only for ids that were sent; the greeting is empty. */
static void
admit(struct ov_link *l)
{
	const struct ov_frame_reader *in = &l->wire.in;
	uint8_t *body;

	if (in->len > l->max_frame || in->id > l->last_id ||
	    (in->id == 0 && (in->len > 0 || l->state == LINK_UP))) {
		ov_wire_kill(&l->wire, OV_E_WIRE_LIMIT);
		return;
	}
	body = malloc(in->len > 0 ? in->len : 1);
	if (body == NULL)
		ov_wire_kill(&l->wire, OV_E_NOMEM);
	else
		ov_wire_accept(&l->wire, body);
}

/* A connection that is closed in the handshake was with no broker; one that is
 * closed between handshake and greeting is over the broker's limits. */
static void
note_end(struct ov_link *l)
{
	if (!l->wire.dead || l->ended)
		return; /* or: late completions of a wire that a new one replaces */
	l->ended = true;
	l->why = l->wire.why;
	if (l->state == LINK_CONNECTING && l->why == OV_E_NET_CLOSED)
		l->why = l->wire.open ? OV_E_NET_LIMIT : OV_E_NET_UNREACHABLE;
	l->state = LINK_DOWN;
	fail_all(l, l->why);
}

static void
pump(struct ov_link *l)
{
	enum ov_wire_event event;

	while ((event = ov_wire_step(&l->wire)) != OV_WIRE_WAIT)
		if (event == OV_WIRE_HEAD)
			admit(l);
		else if (event == OV_WIRE_FRAME)
			take(l);
		else if (event == OV_WIRE_FAILED && l->wire.open)
			ov_wire_kill(&l->wire, l->wire.why);
		else if (event == OV_WIRE_FAILED)
			ov_wire_finish(&l->wire, l->wire.why); /* with the alert */
	(void)ov_wire_flush(&l->wire, true);
	note_end(l);
	if (ov_wire_is_quiet(&l->wire))
		pthread_cond_broadcast(&l->changed);
}

static void
rx_done(void *arg)
{
	struct ov_link *l = arg;

	pthread_mutex_lock(&l->mx);
	l->counters.bytes_received += ov_wire_received(&l->wire);
	pump(l);
	pthread_mutex_unlock(&l->mx);
}

static void
tx_done(void *arg)
{
	struct ov_link *l = arg;

	pthread_mutex_lock(&l->mx);
	l->counters.bytes_sent += ov_wire_sent(&l->wire);
	pump(l);
	pthread_mutex_unlock(&l->mx);
}

enum ov_status
ov_link_new(struct ov_link **out, const struct ov_link_options *o)
{
	struct ov_link *l = calloc(1, sizeof(*l));
	char host[OV_WIRE_URL_MAX];
	enum ov_status st;

	OV_REQUIRE(l != NULL, OV_E_NOMEM);
	OV_TRY(ov_wire_address(l->url, host, o->address));
	l->tls = o->tls;
	l->max_frame = o->max_frame > 0 ? o->max_frame : DEFAULT_MAX_FRAME;
	l->why = OV_E_NET_CLOSED;
	pthread_mutex_init(&l->mx, NULL);
	cond_init(&l->changed);
	*out = l;
	l = NULL;
done:
	free(l);
	return st;
}

#ifdef __SANITIZE_THREAD__
/* nng counts the users of a dialer with atomics that ThreadSanitizer does not see in
 * an uninstrumented library: when a dial fails, nng's reaper may be the last of them
 * and destroys the dialer's mutex, unordered for the tool with our freeing of it.
 * Mutexes of ours lie in memory that is freed next, where a race is still seen. */
const char *__tsan_default_suppressions(void);

const char *
__tsan_default_suppressions(void)
{
	return "race_top:pthread_mutex_destroy\n";
}
#endif

/* mx held; gives it up meanwhile.  Dials on this thread, DNS included.  Every
 * failure is the same to a user. */
static enum ov_status
dial(struct ov_link *l, nng_stream **out, uint32_t timeout_ms)
{
	nng_stream_dialer *d = NULL;
	nng_aio *aio = NULL;
	enum ov_status st = OV_OK;

	OV_REQUIRE(nng_aio_alloc(&aio, NULL, NULL) == 0, OV_E_NOMEM);
	OV_REQUIRE(nng_stream_dialer_alloc(&d, l->url) == 0, OV_E_NET_ADDRESS);
	nng_aio_set_timeout(
	    aio, timeout_ms < INT32_MAX ? (nng_duration)timeout_ms : INT32_MAX);
	nng_stream_dialer_dial(d, aio);
	l->dialing = aio; /* for ov_link_cancel */
	pthread_mutex_unlock(&l->mx);
	nng_aio_wait(aio);
	pthread_mutex_lock(&l->mx);
	l->dialing = NULL;
	OV_REQUIRE(nng_aio_result(aio) == 0, OV_E_NET_UNREACHABLE);
	*out = nng_aio_get_output(aio, 0);
done:
	if (d != NULL)
		nng_stream_dialer_free(d);
	if (aio != NULL)
		nng_aio_free(aio);
	return st;
}

/* mx held; gives it up meanwhile.  The wire is dead; waits until its completions
 * are over, then frees it. */
static void
drop_wire(struct ov_link *l)
{
	if (!l->has_wire)
		return;
	while (!ov_wire_is_quiet(&l->wire))
		pthread_cond_wait(&l->changed, &l->mx);
	pthread_mutex_unlock(&l->mx);
	ov_wire_stop(&l->wire);
	pthread_mutex_lock(&l->mx);
	ov_wire_fini(&l->wire);
	l->has_wire = false;
}

/* mx held; the state is LINK_CONNECTING, which keeps other threads away. */
static enum ov_status
connect_once(struct ov_link *l, uint32_t timeout_ms)
{
	struct timespec until;
	nng_stream *s = NULL;
	enum ov_status st = OV_OK;

	deadline_of(&until, timeout_ms);
	drop_wire(l);
	if (!l->cancelled)
		st = dial(l, &s, timeout_ms);
	if (l->cancelled) {
		if (s != NULL)
			nng_stream_free(s);
		return OV_E_CANCELLED;
	}
	if (st != OV_OK)
		return st;
	st = ov_wire_init(&l->wire, s, ov_tls_new(l->tls), rx_done, tx_done, l);
	if (st != OV_OK)
		return st;
	l->has_wire = true;
	l->ended = false;
	pump(l);
	while (l->state == LINK_CONNECTING)
		if (pthread_cond_timedwait(&l->changed, &l->mx, &until) != 0 &&
		    l->state == LINK_CONNECTING) {
			ov_wire_kill(&l->wire, OV_E_TIMEOUT);
			pump(l);
		}
	return l->state == LINK_UP ? OV_OK : l->why;
}

enum ov_status
ov_link_connect(struct ov_link *l, uint32_t timeout_ms)
{
	enum ov_status st = OV_OK;

	pthread_mutex_lock(&l->mx);
	while (l->state == LINK_CONNECTING)
		pthread_cond_wait(&l->changed, &l->mx);
	if (l->state == LINK_DOWN) {
		l->state = LINK_CONNECTING;
		l->cancelled = false;
		st = connect_once(l, timeout_ms);
		if (st == OV_OK) {
			l->counters.connects++;
		} else {
			l->state = LINK_DOWN;
			l->why = st;
		}
		pthread_cond_broadcast(&l->changed);
	}
	pthread_mutex_unlock(&l->mx);
	return st;
}

enum ov_status
ov_link_start(struct ov_link *l, struct ov_ticket **out, struct ov_bytes first,
    uint8_t *body, size_t body_len)
{
	struct ov_ticket *t = calloc(1, sizeof(*t));
	struct ov_out *o = NULL;
	enum ov_status st = OV_OK;

	pthread_mutex_lock(&l->mx);
	OV_REQUIRE(t != NULL, OV_E_NOMEM);
	OV_REQUIRE(l->state == LINK_UP, OV_E_NET_CLOSED);
	o = ov_out_new(l->last_id + 1, first, body, body_len);
	OV_REQUIRE(o != NULL, OV_E_NOMEM);
	body = NULL;
	t->link = l;
	t->id = ++l->last_id;
	cond_init(&t->cond);
	enter(l, t);
	ov_wire_queue(&l->wire, o);
	*out = t; /* if the connection ends in the next line, ov_link_wait says so */
	t = NULL;
	pump(l);
done:
	pthread_mutex_unlock(&l->mx);
	free(body);
	free(t);
	return st;
}

enum ov_status
ov_link_wait(struct ov_ticket *t, struct ov_reply *reply, uint32_t timeout_ms)
{
	struct timespec until;
	enum ov_status st = OV_E_TIMEOUT;
	int rv = 0;

	deadline_of(&until, timeout_ms);
	pthread_mutex_lock(&t->link->mx);
	while (!t->done && rv == 0)
		rv = pthread_cond_timedwait(&t->cond, &t->link->mx, &until);
	if (t->done) {
		st = t->st;
		if (st == OV_OK && t->reply.body == NULL)
			st = OV_E_BUG; /* asked twice */
		if (st == OV_OK)
			*reply = t->reply;
		t->reply.body = NULL;
	}
	pthread_mutex_unlock(&t->link->mx);
	return st;
}

void
ov_ticket_free(struct ov_ticket *t)
{
	if (t == NULL)
		return;
	pthread_mutex_lock(&t->link->mx);
	if (!t->done)
		leave(t);
	pthread_mutex_unlock(&t->link->mx);
	pthread_cond_destroy(&t->cond);
	free(t->reply.body);
	free(t);
}

enum ov_status
ov_link_call(
    struct ov_link *l, struct ov_reply *reply, struct ov_bytes body, uint32_t timeout_ms)
{
	struct ov_ticket *t = NULL;
	enum ov_status st;

	OV_TRY(ov_link_start(l, &t, body, NULL, 0));
	st = ov_link_wait(t, reply, timeout_ms);
done:
	ov_ticket_free(t);
	return st;
}

void
ov_link_cancel(struct ov_link *l)
{
	pthread_mutex_lock(&l->mx);
	if (l->state != LINK_DOWN && l->has_wire && !l->wire.dead) {
		ov_wire_kill(&l->wire, OV_E_CANCELLED);
		pump(l);
	} else if (l->state == LINK_CONNECTING) {
		l->cancelled = true;
		if (l->dialing != NULL)
			nng_aio_cancel(l->dialing);
	}
	pthread_mutex_unlock(&l->mx);
}

void
ov_link_read_counters(struct ov_link *l, struct ov_link_counters *c)
{
	pthread_mutex_lock(&l->mx);
	*c = l->counters;
	pthread_mutex_unlock(&l->mx);
}

enum ov_status
ov_link_root(struct ov_link *l, uint8_t **der, size_t *len)
{
	enum ov_status st = OV_E_NET_CLOSED;

	pthread_mutex_lock(&l->mx);
	if (l->state == LINK_UP)
		st = ov_tls_root(l->wire.tls, der, len);
	pthread_mutex_unlock(&l->mx);
	return st;
}

void
ov_link_free(struct ov_link *l)
{
	if (l == NULL)
		return;
	pthread_mutex_lock(&l->mx);
	if (l->has_wire) {
		ov_wire_finish(&l->wire, OV_E_NET_CLOSED);
		pump(l); /* the goodbye is handed to the system at once, if it can be */
		ov_wire_kill(&l->wire, OV_E_NET_CLOSED);
		pump(l);
	}
	drop_wire(l);
	pthread_mutex_unlock(&l->mx);
	pthread_cond_destroy(&l->changed);
	pthread_mutex_destroy(&l->mx);
	free(l);
}
