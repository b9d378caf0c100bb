/* The edge and the link over real sockets: who gets in, what is held, what is cut,
 * and that nothing is left behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include <arpa/inet.h>
#include <dirent.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/transport/edge.h"
#include "common/transport/frame.h"
#include "common/transport/link.h"
#include "tests/unit/pki.h"

#define CHUNK (512U * 1024U)
#define PATIENCE_MS 60000 /* a failure's limit, not a time that is waited */
#define DAY (24 * 60 * 60)

static struct pki pki, other;
static struct pair company, rival;

static int
set_up(void **state)
{
	(void)state;
	pki_init(&pki);
	pki_init(&other);
	pki_issue_client(&pki, &company, 0);
	pki_issue_client(&pki, &rival, 0);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	pair_free(&company);
	pair_free(&rival);
	pki_fini(&pki);
	pki_fini(&other);
	return 0;
}

/* --- a broker that does as the first byte of a request says --- */

enum { MAX_HELD = 4096 };

struct broker {
	struct ov_tls_context *tls;
	struct ov_edge *edge;
	char address[64];
	pthread_mutex_t mx;
	uint8_t revoked[OV_FINGERPRINT_LEN];
	struct ov_request *held[MAX_HELD];
	size_t n_held;
	atomic_uint told, gone, ended_late, running;
	atomic_bool released;
};

static bool
is_allowed(void *arg, const uint8_t fingerprint[OV_FINGERPRINT_LEN])
{
	struct broker *b = arg;
	bool ok;

	pthread_mutex_lock(&b->mx);
	ok = memcmp(b->revoked, fingerprint, OV_FINGERPRINT_LEN) != 0;
	pthread_mutex_unlock(&b->mx);
	return ok;
}

static void
revoke_company(struct broker *b, const uint8_t fingerprint[OV_FINGERPRINT_LEN])
{
	pthread_mutex_lock(&b->mx);
	memcpy(b->revoked, fingerprint, OV_FINGERPRINT_LEN);
	pthread_mutex_unlock(&b->mx);
	ov_edge_close_peer(b->edge, fingerprint);
}

static void
hold(struct broker *b, struct ov_request *r)
{
	pthread_mutex_lock(&b->mx);
	assert_true(b->n_held < MAX_HELD);
	b->held[b->n_held++] = r;
	pthread_mutex_unlock(&b->mx);
}

/* Takes r out of the held ones; false if another thread had. */
static bool
unhold(struct broker *b, struct ov_request *r)
{
	bool found = false;

	pthread_mutex_lock(&b->mx);
	for (size_t i = 0; i < b->n_held && !found; i++)
		if (b->held[i] == r) {
			b->held[i] = b->held[--b->n_held];
			found = true;
		}
	pthread_mutex_unlock(&b->mx);
	return found;
}

static struct ov_request *
last_held(struct broker *b)
{
	struct ov_request *r = NULL;

	pthread_mutex_lock(&b->mx);
	if (b->n_held > 0)
		r = b->held[--b->n_held];
	pthread_mutex_unlock(&b->mx);
	return r;
}

static size_t
held_count(struct broker *b)
{
	size_t n;

	pthread_mutex_lock(&b->mx);
	n = b->n_held;
	pthread_mutex_unlock(&b->mx);
	return n;
}

/* 'e' echo; 'g' a chunk; 'h' held, then echoed when resumed; 'H' held each time;
 * 'd' dropped. */
static void
handle(void *ctx, struct ov_request *r)
{
	struct ov_bytes body = ov_request_body(r);
	struct broker *b = ctx;
	uint8_t *chunk;

	atomic_fetch_add(&b->running, 1);
	switch (body.len > 0 ? body.p[0] : 'e') {
	case 'g':
		chunk = malloc(CHUNK - 1);
		assert_non_null(chunk);
		memset(chunk, 'c', CHUNK - 1);
		ov_request_reply_owned(r, OV_LITERAL("g"), chunk, CHUNK - 1);
		break;
	case 'h':
		if (ov_request_tag(r) == NULL) {
			ov_request_set_tag(r, b);
			hold(b, r);
			break;
		}
		if (!ov_request_alive(r))
			atomic_fetch_add(&b->ended_late, 1);
		ov_request_reply(r, body);
		break;
	case 'H':
		hold(b, r);
		break;
	case 'd':
		ov_request_drop(r);
		break;
	default:
		ov_request_reply(r, body);
	}
	atomic_fetch_sub(&b->running, 1);
}

static void
refuse(void *ctx, struct ov_request *r)
{
	(void)ctx;
	ov_request_reply(r, OV_LITERAL("slow down"));
}

static void
gone(void *ctx, struct ov_request *r)
{
	struct broker *b = ctx;

	atomic_fetch_add(&b->told, 1);
	if (!unhold(b, r))
		return;
	atomic_fetch_add(&b->gone, 1);
	ov_request_drop(r);
}

static struct ov_edge_options
options(struct broker *b)
{
	struct ov_edge_options o;

	ov_edge_options_default(&o);
	o.address = "127.0.0.1:0";
	o.ctx = b;
	o.handle = handle;
	o.on_limit = refuse;
	o.on_gone = gone;
	o.max_connections_per_peer = 4096;
	o.max_in_flight = 4096;
	o.max_in_flight_bytes = 64U << 20;
	o.requests_per_minute = 10000000;
	return o;
}

static void
start(struct broker *b, struct ov_edge_options *o, bool enrolment)
{
	struct ov_tls_server_options so = { pki.server.cert, pki.server.key,
		pki.root.cert, enrolment ? NULL : is_allowed, b };

	pthread_mutex_init(&b->mx, NULL);
	assert_int_equal(ov_tls_server_new(&b->tls, &so), OV_OK);
	o->tls = b->tls;
	assert_int_equal(ov_edge_start(&b->edge, o), OV_OK);
	(void)snprintf(
	    b->address, sizeof(b->address), "127.0.0.1:%u", ov_edge_port(b->edge));
}

static void
start_default(struct broker *b)
{
	struct ov_edge_options o;

	memset(b, 0, sizeof(*b));
	o = options(b);
	start(b, &o, false);
}

static struct ov_edge_counters
counters(struct broker *b)
{
	struct ov_edge_counters c;

	ov_edge_read_counters(b->edge, &c);
	return c;
}

static void
stop(struct broker *b)
{
	struct ov_edge_counters c;
	struct ov_request *r;

	ov_edge_stop(b->edge, 0);
	while ((r = last_held(b)) != NULL)
		ov_request_drop(r);
	c = counters(b);
	assert_int_equal(c.connections, 0);
	assert_int_equal(c.requests_in_flight, 0);
	assert_int_equal(c.memory, 0);
	ov_edge_free(b->edge);
	ov_tls_context_free(b->tls);
	pthread_mutex_destroy(&b->mx);
}

/* Looks again until the condition holds. */
#define WAIT_FOR(condition)                                                              \
	do {                                                                             \
		int tries_ = 0;                                                          \
		while (!(condition)) {                                                   \
			assert_true(tries_++ < PATIENCE_MS / 2);                         \
			(void)poll(NULL, 0, 2);                                          \
		}                                                                        \
	} while (0)

static size_t
descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	size_t n = 0;

	assert_non_null(d);
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

/* --- clients --- */

struct client {
	struct ov_tls_context *tls;
	struct ov_link *link;
};

static struct ov_tls_context *
client_tls(const struct pair *who)
{
	struct ov_tls_client_options o = { who->cert, who->key, pki.root.cert, NULL,
		"127.0.0.1" };
	struct ov_tls_context *tls = NULL;

	assert_int_equal(ov_tls_client_new(&tls, &o), OV_OK);
	return tls;
}

static enum ov_status
try_client_with(struct client *c, const char *address, struct ov_tls_context *tls)
{
	struct ov_link_options o = { .address = address, .tls = tls };

	c->tls = tls;
	assert_int_equal(ov_link_new(&c->link, &o), OV_OK);
	return ov_link_connect(c->link, PATIENCE_MS);
}

static enum ov_status
try_client(struct client *c, const struct broker *b, const struct pair *who)
{
	return try_client_with(c, b->address, client_tls(who));
}

static void
client_init(struct client *c, const struct broker *b, const struct pair *who)
{
	assert_int_equal(try_client(c, b, who), OV_OK);
}

static void
client_fini(struct client *c)
{
	ov_link_free(c->link);
	ov_tls_context_free(c->tls);
}

static void
call(struct client *c, struct ov_bytes body, struct ov_reply *reply)
{
	assert_int_equal(ov_link_call(c->link, reply, body, PATIENCE_MS), OV_OK);
}

static void
echo(struct client *c, struct ov_bytes body)
{
	struct ov_reply reply;

	call(c, body, &reply);
	assert_int_equal(reply.len, body.len);
	assert_memory_equal(reply.body, body.p, body.len);
	free(reply.body);
}

/* A client that can stop anywhere: a plain socket and a session of our own. */
struct raw {
	int fd;
	struct ov_tls_context *ctx;
	struct ov_tls *tls;
};

static int
raw_socket(const struct broker *b)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_port = htons(ov_edge_port(b->edge)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int small = 16384;

	assert_true(fd >= 0);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

static void
raw_send_pending(struct raw *r)
{
	const uint8_t *p;
	size_t len;

	for (ov_tls_pending(r->tls, &p, &len); len > 0;
	     ov_tls_pending(r->tls, &p, &len)) {
		ssize_t n = send(r->fd, p, len, MSG_NOSIGNAL);

		if (n <= 0)
			return;
		ov_tls_sent(r->tls, (size_t)n);
	}
}

/* False at the end of the connection. */
static bool
raw_receive(struct raw *r)
{
	uint8_t *p;
	size_t cap;
	ssize_t n;

	ov_tls_space(r->tls, &p, &cap, false);
	assert_true(cap > 0);
	n = recv(r->fd, p, cap, 0);
	if (n <= 0)
		return false;
	ov_tls_received(r->tls, (size_t)n);
	return true;
}

static void
raw_init(struct raw *r, const struct broker *b, const struct pair *who)
{
	uint8_t hello[OV_FRAME_HEAD_LEN];
	bool done = false;
	size_t got = 0, n;

	r->ctx = client_tls(who);
	r->tls = ov_tls_new(r->ctx);
	r->fd = raw_socket(b);
	while (!done) {
		assert_int_equal(ov_tls_handshake(r->tls, &done), OV_OK);
		raw_send_pending(r);
		if (!done)
			assert_true(raw_receive(r));
	}
	while (got < sizeof(hello)) {
		assert_int_equal(
		    ov_tls_read(r->tls, hello + got, &n, sizeof(hello) - got), OV_OK);
		got += n;
		if (n == 0)
			assert_true(raw_receive(r));
	}
}

static void
raw_write(struct raw *r, const void *p, size_t len)
{
	assert_int_equal(ov_tls_write(r->tls, p, len), OV_OK);
	raw_send_pending(r);
}

static void
raw_request(struct raw *r, uint64_t id, const char *body)
{
	uint8_t head[OV_FRAME_HEAD_LEN];

	ov_frame_encode(head, id, (uint32_t)strlen(body));
	raw_write(r, head, sizeof(head));
	raw_write(r, body, strlen(body));
}

/* Reads and forgets until the server closes. */
static void
raw_expect_close(struct raw *r)
{
	uint8_t sink[4096];
	ssize_t n;

	do
		n = recv(r->fd, sink, sizeof(sink), 0);
	while (n > 0);
}

static void
raw_fini(struct raw *r)
{
	close(r->fd);
	ov_tls_free(r->tls);
	ov_tls_context_free(r->ctx);
}

/* --- data passes --- */

static void
echoes_small_and_large(void **state)
{
	static const size_t lens[] = { 0, 1, 64, 16371, 16372, 16373, 16384, 32768, CHUNK,
		1U << 20 };
	uint8_t *body = calloc(1, 1U << 20);
	struct ov_link_counters n;
	struct broker b;
	struct client c;

	(void)state;
	start_default(&b);
	client_init(&c, &b, &company);
	ov_random(body, 1U << 20);
	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		body[0] = 'e';
		echo(&c, OV_BYTES(body, lens[i]));
	}
	ov_link_read_counters(c.link, &n);
	assert_true(n.bytes_sent > (1U << 20) + CHUNK);
	assert_true(n.bytes_received > (1U << 20) + CHUNK);
	client_fini(&c);
	WAIT_FOR(counters(&b).connections == 0);
	stop(&b);
	free(body);
}

static void
upload(struct client *c, struct ov_ticket **t, uint8_t first)
{
	uint8_t *body = malloc(CHUNK - 2);

	assert_non_null(body);
	memset(body, first, CHUNK - 2);
	assert_int_equal(ov_link_start(c->link, t,
			     OV_BYTES(((uint8_t[]){ 'e', first }), 2), body, CHUNK - 2),
	    OV_OK);
}

static void
pipelined_uploads_all_come_back(void **state)
{
	struct ov_ticket *t[32];
	struct ov_reply reply;
	struct broker b;
	struct client c;

	(void)state;
	start_default(&b);
	client_init(&c, &b, &company);
	for (uint8_t i = 0; i < 32; i++)
		upload(&c, &t[i], i);
	for (uint8_t i = 0; i < 32; i++) {
		assert_int_equal(ov_link_wait(t[i], &reply, PATIENCE_MS), OV_OK);
		assert_int_equal(reply.len, CHUNK);
		assert_int_equal(reply.body[0], 'e');
		assert_int_equal(reply.body[1], i);
		assert_int_equal(reply.body[CHUNK - 1], i);
		free(reply.body);
		ov_ticket_free(t[i]);
	}
	client_fini(&c);
	stop(&b);
}

static void
thousand_in_flight_are_answered_out_of_order(void **state)
{
	struct ov_ticket *t[1000];
	struct ov_request *r;
	struct ov_reply reply;
	struct broker b;
	struct client c;

	(void)state;
	start_default(&b);
	client_init(&c, &b, &company);
	for (uint32_t i = 0; i < 1000; i++) {
		uint8_t body[5] = { 'h' };

		memcpy(body + 1, &i, 4);
		assert_int_equal(
		    ov_link_start(c.link, &t[i], OV_BYTES(body, 5), NULL, 0), OV_OK);
	}
	WAIT_FOR(held_count(&b) == 1000);
	assert_int_equal(counters(&b).requests_in_flight, 1000);
	/* held requests do not stand in the way of others */
	echo(&c, OV_LITERAL("e while a thousand wait"));
	assert_int_equal(ov_link_wait(t[0], &reply, 0), OV_E_TIMEOUT);
	while ((r = last_held(&b)) != NULL) /* last come, first served */
		ov_request_reply(r, ov_request_body(r));
	for (uint32_t i = 0; i < 1000; i++) {
		assert_int_equal(ov_link_wait(t[i], &reply, PATIENCE_MS), OV_OK);
		assert_memory_equal(reply.body + 1, &i, 4);
		free(reply.body);
		ov_ticket_free(t[i]);
	}
	client_fini(&c);
	stop(&b);
}

struct caller {
	pthread_t thread;
	struct client *client;
	uint8_t mark;
};

static void *
call_often(void *arg)
{
	struct caller *me = arg;
	uint8_t body[200];

	memset(body, me->mark, sizeof(body));
	body[0] = 'e';
	for (int i = 0; i < 200; i++)
		echo(me->client, OV_BYTES(body, sizeof(body)));
	return NULL;
}

static void
threads_share_a_link(void **state)
{
	struct caller callers[8];
	struct broker b;
	struct client c;

	(void)state;
	start_default(&b);
	client_init(&c, &b, &company);
	for (uint8_t i = 0; i < 8; i++) {
		callers[i] = (struct caller){ .client = &c, .mark = i };
		assert_int_equal(
		    pthread_create(&callers[i].thread, NULL, call_often, &callers[i]), 0);
	}
	for (int i = 0; i < 8; i++)
		pthread_join(callers[i].thread, NULL);
	client_fini(&c);
	stop(&b);
}

static void
resumed_requests_reach_the_handler_again(void **state)
{
	struct ov_ticket *t;
	struct ov_reply reply;
	struct broker b;
	struct client c;

	(void)state;
	start_default(&b);
	client_init(&c, &b, &company);
	assert_int_equal(ov_link_start(c.link, &t, OV_LITERAL("hello"), NULL, 0), OV_OK);
	WAIT_FOR(held_count(&b) == 1);
	ov_request_resume(last_held(&b));
	assert_int_equal(ov_link_wait(t, &reply, PATIENCE_MS), OV_OK);
	assert_memory_equal(reply.body, "hello", 5);
	free(reply.body);
	ov_ticket_free(t);
	client_fini(&c);
	stop(&b);
}

static void
held_again_without_a_connection_is_told_again(void **state)
{
	struct ov_request *r;
	struct broker b;
	struct raw dying;

	(void)state;
	start_default(&b);
	raw_init(&dying, &b, &company);
	raw_request(&dying, 1, "Hold");
	WAIT_FOR(held_count(&b) == 1);
	r = last_held(&b); /* as a thread that is about to resume it */
	raw_fini(&dying);
	WAIT_FOR(atomic_load(&b.told) == 1);
	assert_int_equal(counters(&b).requests_in_flight, 1);
	ov_request_resume(r);
	WAIT_FOR(counters(&b).requests_in_flight == 0);
	assert_int_equal(atomic_load(&b.gone), 1);
	stop(&b);
}

/* --- who gets in --- */

static void
unreachable_broker_is_told_apart(void **state)
{
	static const char *const bad[] = { "", ":", "127.0.0.1", "127.0.0.1:", ":80",
		"::1:80", "a:65536", "a:1x", "a/b:1", "a@b:1", "a b:1", "[::1:1",
		"[]:1" };
	struct ov_link_options o = { .tls = NULL };
	struct ov_link *link = NULL;
	struct broker b;
	struct client c;
	char address[64];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		o.address = bad[i];
		assert_int_equal(ov_link_new(&link, &o), OV_E_NET_ADDRESS);
	}
	start_default(&b);
	memcpy(address, b.address, sizeof(address));
	stop(&b);
	assert_int_equal(
	    try_client_with(&c, address, client_tls(&company)), OV_E_NET_UNREACHABLE);
	client_fini(&c);
}

static void
address_in_use_is_told(void **state)
{
	struct ov_edge_options o;
	struct ov_edge *second = NULL;
	struct broker b;

	(void)state;
	start_default(&b);
	o = options(&b);
	o.tls = b.tls;
	o.address = b.address;
	assert_int_equal(ov_edge_start(&second, &o), OV_E_NET_BUSY);
	stop(&b);
}

static void
strangers_and_expired_certificates_stay_out(void **state)
{
	struct pair stranger = { 0 }, old = { 0 };
	struct broker b;
	struct client c;

	(void)state;
	start_default(&b);
	pki_issue_client(&other, &stranger, 0);
	pki_issue_client(&pki, &old, 732 * (int64_t)DAY);
	assert_int_equal(try_client(&c, &b, &stranger), OV_E_TLS_HANDSHAKE);
	client_fini(&c);
	assert_int_equal(try_client(&c, &b, &old), OV_E_TLS_HANDSHAKE);
	client_fini(&c);
	assert_int_equal(
	    try_client(&c, &b, &(struct pair){ NULL, NULL, { 0 } }), OV_E_TLS_HANDSHAKE);
	client_fini(&c);
	assert_int_equal(try_client(&c, &b, &company), OV_OK);
	client_fini(&c);
	WAIT_FOR(counters(&b).connections == 0);
	assert_int_equal(counters(&b).handshakes_failed, 3);
	stop(&b);
	pair_free(&stranger);
	pair_free(&old);
}

static void
wrong_server_name_is_refused(void **state)
{
	struct ov_tls_client_options o = { company.cert, company.key, pki.root.cert, NULL,
		"broker.example.org" };
	struct ov_tls_context *tls;
	struct broker b;
	struct client c;

	(void)state;
	start_default(&b);
	assert_int_equal(ov_tls_client_new(&tls, &o), OV_OK);
	assert_int_equal(try_client_with(&c, b.address, tls), OV_E_TLS_CERTIFICATE);
	client_fini(&c);
	stop(&b);
}

static void
enrolment_pins_the_authority(void **state)
{
	struct ov_tls_client_options o = { .ca_sha256 = pki.root.fingerprint,
		.server_name = "127.0.0.1" };
	struct ov_tls_context *tls;
	struct ov_edge_options so;
	struct broker b = { 0 };
	struct client c;
	uint8_t *der;
	size_t len;

	(void)state;
	so = options(&b);
	start(&b, &so, true);
	assert_int_equal(ov_tls_client_new(&tls, &o), OV_OK);
	assert_int_equal(try_client_with(&c, b.address, tls), OV_OK);
	echo(&c, OV_LITERAL("enrol"));
	assert_int_equal(ov_link_root(c.link, &der, &len), OV_OK);
	free(der);
	client_fini(&c);
	o.ca_sha256 = other.root.fingerprint;
	assert_int_equal(ov_tls_client_new(&tls, &o), OV_OK);
	assert_int_equal(try_client_with(&c, b.address, tls), OV_E_TLS_CERTIFICATE);
	client_fini(&c);
	stop(&b);
}

static void
revocation_acts_on_live_connections_and_at_handshake(void **state)
{
	struct ov_ticket *t;
	struct ov_reply reply;
	struct client c, d;
	struct broker b;

	(void)state;
	start_default(&b);
	client_init(&c, &b, &company);
	client_init(&d, &b, &rival);
	assert_int_equal(ov_link_start(c.link, &t, OV_LITERAL("hold"), NULL, 0), OV_OK);
	WAIT_FOR(held_count(&b) == 1);
	revoke_company(&b, company.fingerprint);
	assert_int_equal(ov_link_wait(t, &reply, PATIENCE_MS), OV_E_NET_CLOSED);
	ov_ticket_free(t);
	WAIT_FOR(atomic_load(&b.gone) == 1);
	assert_int_equal(ov_link_connect(c.link, PATIENCE_MS), OV_E_BROKER_REVOKED);
	echo(&d, OV_LITERAL("e still here"));
	client_fini(&c);
	client_fini(&d);
	stop(&b);
}

static void
connections_are_limited_in_all_and_per_peer(void **state)
{
	struct client c[3], d;
	struct ov_edge_options o;
	struct broker b = { 0 };

	(void)state;
	o = options(&b);
	o.max_connections = 3;
	o.max_connections_per_peer = 2;
	start(&b, &o, false);
	client_init(&c[0], &b, &company);
	client_init(&c[1], &b, &company);
	assert_int_equal(try_client(&c[2], &b, &company), OV_E_NET_LIMIT);
	client_fini(&c[2]);
	WAIT_FOR(counters(&b).connections == 2);
	client_init(&d, &b, &rival);
	assert_int_equal(try_client(&c[2], &b, &rival), OV_E_NET_UNREACHABLE);
	client_fini(&c[2]);
	assert_int_equal(counters(&b).refused, 2);
	client_fini(&d);
	WAIT_FOR(counters(&b).connections == 2);
	client_init(&d, &b, &rival);
	client_fini(&d);
	client_fini(&c[0]);
	client_fini(&c[1]);
	stop(&b);
}

static void
rate_is_limited_per_peer(void **state)
{
	struct ov_edge_options o;
	struct ov_reply reply;
	struct broker b = { 0 };
	struct client c, d;

	(void)state;
	o = options(&b);
	o.requests_per_minute = 5;
	start(&b, &o, false);
	client_init(&c, &b, &company);
	client_init(&d, &b, &rival);
	for (int i = 0; i < 5; i++)
		echo(&c, OV_LITERAL("e"));
	call(&c, OV_LITERAL("e"), &reply);
	assert_memory_equal(reply.body, "slow down", 9);
	free(reply.body);
	/* a new connection has no new credit */
	client_fini(&c);
	client_init(&c, &b, &company);
	call(&c, OV_LITERAL("e"), &reply);
	assert_memory_equal(reply.body, "slow down", 9);
	free(reply.body);
	echo(&d, OV_LITERAL("e others are not concerned"));
	assert_int_equal(counters(&b).limited, 2);
	client_fini(&c);
	client_fini(&d);
	stop(&b);
}

/* Over its limits a connection is not read from, and loses nothing. */
static void
requests_in_flight_are_limited_by_back_pressure(void **state)
{
	enum { N = 12, LIMIT = 4 };
	struct ov_edge_options o;
	struct ov_ticket *t[N];
	struct ov_reply reply;
	struct broker b = { 0 };
	struct client c, d;

	(void)state;
	o = options(&b);
	o.max_in_flight = LIMIT;
	start(&b, &o, false);
	client_init(&c, &b, &company);
	client_init(&d, &b, &company);
	for (int i = 0; i < N; i++)
		assert_int_equal(
		    ov_link_start(c.link, &t[i], OV_LITERAL("hold"), NULL, 0), OV_OK);
	WAIT_FOR(held_count(&b) == LIMIT);
	echo(&d, OV_LITERAL("e another connection is not concerned"));
	assert_int_equal(counters(&b).requests, LIMIT + 1);
	for (int i = 0; i < N; i++) {
		WAIT_FOR(held_count(&b) > 0);
		ov_request_reply(last_held(&b), OV_LITERAL("done"));
	}
	for (int i = 0; i < N; i++) {
		assert_int_equal(ov_link_wait(t[i], &reply, PATIENCE_MS), OV_OK);
		free(reply.body);
		ov_ticket_free(t[i]);
	}
	client_fini(&c);
	client_fini(&d);
	stop(&b);
}

static void
bytes_in_flight_are_limited_by_back_pressure(void **state)
{
	struct ov_edge_options o;
	struct ov_ticket *t[3];
	struct ov_reply reply;
	struct broker b = { 0 };
	struct client c;

	(void)state;
	o = options(&b);
	o.max_in_flight_bytes = 10;
	start(&b, &o, false);
	client_init(&c, &b, &company);
	for (int i = 0; i < 3; i++) /* the first alone is over, and let in */
		assert_int_equal(ov_link_start(c.link, &t[i],
				     OV_LITERAL("hold of more than ten"), NULL, 0),
		    OV_OK);
	for (int i = 0; i < 3; i++) {
		WAIT_FOR(held_count(&b) == 1);
		assert_int_equal(counters(&b).requests, i + 1);
		ov_request_reply(last_held(&b), OV_LITERAL("done"));
		assert_int_equal(ov_link_wait(t[i], &reply, PATIENCE_MS), OV_OK);
		free(reply.body);
		ov_ticket_free(t[i]);
	}
	client_fini(&c);
	stop(&b);
}

/* Client and server share the process's limit: the client's sockets are made first,
 * then the limit comes down to what is open. */
static void
descriptor_exhaustion_pauses_accepting(void **state)
{
	struct rlimit before, low;
	struct sockaddr_in a = { .sin_family = AF_INET };
	struct broker b;
	struct client c;
	int fd, top;

	(void)state;
	start_default(&b);
	a.sin_port = htons(ov_edge_port(b.edge));
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	top = dup(fd);
	close(top); /* the lowest free number */
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	low = (struct rlimit){ (rlim_t)top, before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	WAIT_FOR(counters(&b).accept_pauses >= 2);
	assert_int_equal(counters(&b).accepted, 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	WAIT_FOR(counters(&b).accepted == 1);
	client_init(&c, &b, &company);
	echo(&c, OV_LITERAL("e"));
	client_fini(&c);
	close(fd);
	stop(&b);
}

/* --- what is cut --- */

static void
half_open_handshakes_are_cut(void **state)
{
	struct ov_edge_options o;
	struct broker b = { 0 };
	struct raw silent = { 0 }, half = { 0 };
	bool done;

	(void)state;
	o = options(&b);
	o.handshake_ms = 100;
	start(&b, &o, false);
	silent.fd = raw_socket(&b);
	half.fd = raw_socket(&b);
	half.ctx = client_tls(&company);
	half.tls = ov_tls_new(half.ctx);
	assert_int_equal(ov_tls_handshake(half.tls, &done), OV_OK);
	raw_send_pending(&half); /* a ClientHello, and nothing after the answer */
	raw_expect_close(&silent);
	raw_expect_close(&half);
	WAIT_FOR(counters(&b).connections == 0);
	assert_int_equal(counters(&b).timeouts_handshake, 2);
	assert_int_equal(counters(&b).handshakes_failed, 2);
	raw_fini(&silent);
	raw_fini(&half);
	stop(&b);
}

static void
half_frames_are_cut(void **state)
{
	uint8_t head[OV_FRAME_HEAD_LEN];
	struct ov_edge_options o;
	struct broker b = { 0 };
	struct raw in_head, in_body;

	(void)state;
	o = options(&b);
	o.partial_frame_ms = 100;
	start(&b, &o, false);
	raw_init(&in_head, &b, &company);
	raw_init(&in_body, &b, &company);
	ov_frame_encode(head, 1, 1000);
	raw_write(&in_head, head, 5);
	raw_write(&in_body, head, sizeof(head));
	raw_write(&in_body, head, 10);
	raw_expect_close(&in_head);
	raw_expect_close(&in_body);
	WAIT_FOR(counters(&b).connections == 0);
	assert_int_equal(counters(&b).timeouts_frame, 2);
	assert_int_equal(counters(&b).requests, 0);
	raw_fini(&in_head);
	raw_fini(&in_body);
	stop(&b);
}

/* A held request keeps its connection; once it is answered, idle time runs. */
static void
idle_connections_are_cut_but_not_waiting_ones(void **state)
{
	struct ov_edge_options o;
	struct broker b = { 0 };
	struct raw idle, waiting;
	struct ov_request *r;

	(void)state;
	o = options(&b);
	o.idle_ms = 500;
	start(&b, &o, false);
	raw_init(&waiting, &b, &company);
	raw_request(&waiting, 1, "hold");
	WAIT_FOR(held_count(&b) == 1);
	raw_init(&idle, &b, &company);
	raw_expect_close(&idle);
	WAIT_FOR(counters(&b).connections == 1);
	assert_int_equal(counters(&b).timeouts_idle, 1);
	r = last_held(&b);
	ov_request_reply(r, OV_LITERAL("now"));
	raw_expect_close(&waiting);
	WAIT_FOR(counters(&b).connections == 0);
	assert_int_equal(counters(&b).timeouts_idle, 2);
	raw_fini(&idle);
	raw_fini(&waiting);
	stop(&b);
}

static void
slow_reader_is_cut_and_others_go_on(void **state)
{
	struct ov_edge_options o;
	struct ov_reply reply;
	struct broker b = { 0 };
	struct client c;
	struct raw slow;

	(void)state;
	o = options(&b);
	o.slow_reader_ms = 1000;
	o.max_waiting_replies = 2 * CHUNK;
	start(&b, &o, false);
	client_init(&c, &b, &rival);
	raw_init(&slow, &b, &company);
	for (uint64_t id = 1; id <= 64; id++)
		raw_request(&slow, id, "get"); /* 32 MiB that are never read */
	while (counters(&b).timeouts_slow == 0) {
		call(&c, OV_LITERAL("get"), &reply);
		assert_int_equal(reply.len, CHUNK);
		free(reply.body);
	}
	WAIT_FOR(counters(&b).connections == 1);
	assert_true(counters(&b).memory_peak < 16U << 20); /* far from all 64 replies */
	echo(&c, OV_LITERAL("e"));
	raw_fini(&slow);
	client_fini(&c);
	stop(&b);
}

static void
oversized_frame_and_reserved_id_close(void **state)
{
	uint8_t head[OV_FRAME_HEAD_LEN];
	struct broker b;
	struct raw big, zero;

	(void)state;
	start_default(&b);
	raw_init(&big, &b, &company);
	ov_frame_encode(head, 1, (1U << 20) + 1);
	raw_write(&big, head, sizeof(head));
	raw_expect_close(&big);
	raw_init(&zero, &b, &company);
	ov_frame_encode(head, 0, 1);
	raw_write(&zero, head, sizeof(head));
	raw_expect_close(&zero);
	WAIT_FOR(counters(&b).connections == 0);
	assert_int_equal(counters(&b).oversized, 2);
	raw_fini(&big);
	raw_fini(&zero);
	stop(&b);
}

static void
dropped_request_closes_its_connection(void **state)
{
	struct ov_reply reply;
	struct broker b;
	struct client c;

	(void)state;
	start_default(&b);
	client_init(&c, &b, &company);
	assert_int_equal(ov_link_call(c.link, &reply, OV_LITERAL("drop"), PATIENCE_MS),
	    OV_E_NET_CLOSED);
	assert_int_equal(
	    ov_link_call(c.link, &reply, OV_LITERAL("e"), PATIENCE_MS), OV_E_NET_CLOSED);
	assert_int_equal(ov_link_connect(c.link, PATIENCE_MS), OV_OK);
	echo(&c, OV_LITERAL("e again"));
	client_fini(&c);
	stop(&b);
}

/* --- memory --- */

struct fetcher {
	pthread_t thread;
	struct client client;
	int rounds;
};

static void *
fetch(void *arg)
{
	struct fetcher *me = arg;
	struct ov_ticket *t[4];
	struct ov_reply reply;

	for (int i = 0; i < me->rounds; i++) {
		for (int k = 0; k < 4; k++)
			if (k % 2 == 0)
				assert_int_equal(ov_link_start(me->client.link, &t[k],
						     OV_LITERAL("get"), NULL, 0),
				    OV_OK);
			else
				upload(&me->client, &t[k], (uint8_t)k);
		for (int k = 0; k < 4; k++) {
			assert_int_equal(ov_link_wait(t[k], &reply, PATIENCE_MS), OV_OK);
			assert_int_equal(reply.len, CHUNK);
			free(reply.body);
			ov_ticket_free(t[k]);
		}
	}
	return NULL;
}

static void
memory_cap_holds_and_nobody_is_dropped(void **state)
{
	enum { N = 24 };
	struct fetcher f[N];
	struct ov_edge_options o;
	struct broker b = { 0 };

	(void)state;
	o = options(&b);
	o.workers = 2;
	o.max_frame = CHUNK;
	/* 24 clients' sessions and hardly more than what the two workers may reply */
	o.memory_cap = N * (OV_TLS_SESSION_COST + 4096) + 5 * (CHUNK + 512);
	start(&b, &o, false);
	for (int i = 0; i < N; i++) {
		f[i] = (struct fetcher){ .rounds = 4 };
		client_init(&f[i].client, &b, &company);
	}
	for (int i = 0; i < N; i++)
		assert_int_equal(pthread_create(&f[i].thread, NULL, fetch, &f[i]), 0);
	for (int i = 0; i < N; i++)
		pthread_join(f[i].thread, NULL);
	for (int i = 0; i < N; i++)
		client_fini(&f[i].client);
	assert_true(counters(&b).memory_peak <= o.memory_cap + CHUNK);
	assert_true(
	    counters(&b).memory_peak > o.memory_cap - 2 * CHUNK); /* was pressed */
	assert_int_equal(counters(&b).requests, N * 4 * 4);
	WAIT_FOR(counters(&b).connections == 0);
	assert_int_equal(counters(&b).memory, 0);
	stop(&b);
}

static void
connections_over_the_cap_are_refused(void **state)
{
	struct ov_edge_options o;
	struct broker b = { 0 };
	struct client c, d;

	(void)state;
	o = options(&b);
	o.workers = 1;
	o.max_frame = 1024;
	o.memory_cap = OV_TLS_SESSION_COST + 16384;
	start(&b, &o, false);
	client_init(&c, &b, &company);
	assert_int_equal(try_client(&d, &b, &company), OV_E_NET_UNREACHABLE);
	assert_int_equal(counters(&b).refused, 1);
	echo(&c, OV_LITERAL("e"));
	client_fini(&c);
	client_fini(&d);
	stop(&b);
}

/* --- ends --- */

static void
killed_clients_leave_nothing(void **state)
{
	size_t before;
	struct broker b;
	struct client c;

	(void)state;
	start_default(&b);
	client_init(&c, &b, &company);
	before = descriptors();
	for (int round = 0; round < 20; round++) {
		struct raw r[5];

		for (int i = 0; i < 5; i++) {
			raw_init(&r[i], &b, &rival);
			raw_request(&r[i], 1, "hold");
			raw_request(&r[i], 2, "get");
			raw_request(&r[i], 3, "get");
		}
		for (int i = 0; i < 5; i++) {
			/* with bytes unread this is a reset, as a killed process's */
			raw_fini(&r[i]);
		}
	}
	WAIT_FOR(counters(&b).connections == 1);
	WAIT_FOR(held_count(&b) == 0);
	WAIT_FOR(counters(&b).requests_in_flight == 0);
	WAIT_FOR(descriptors() == before);
	echo(&c, OV_LITERAL("e"));
	client_fini(&c);
	stop(&b);
}

static void
stop_drains_what_is_under_way(void **state)
{
	struct ov_ticket *t[16];
	struct ov_reply reply;
	struct broker b;
	struct client c;

	(void)state;
	start_default(&b);
	client_init(&c, &b, &company);
	for (int i = 0; i < 16; i++)
		assert_int_equal(
		    ov_link_start(c.link, &t[i], OV_LITERAL("get"), NULL, 0), OV_OK);
	WAIT_FOR(counters(&b).requests == 16);
	ov_edge_stop(b.edge, PATIENCE_MS);
	for (int i = 0; i < 16; i++) {
		assert_int_equal(ov_link_wait(t[i], &reply, PATIENCE_MS), OV_OK);
		assert_int_equal(reply.len, CHUNK);
		free(reply.body);
		ov_ticket_free(t[i]);
	}
	assert_int_equal(counters(&b).connections, 0);
	assert_int_equal(counters(&b).memory, 0);
	client_fini(&c);
	ov_edge_free(b.edge);
	ov_tls_context_free(b.tls);
	pthread_mutex_destroy(&b.mx);
}

/* Without on_gone the upper layer keeps its requests; they outlive the edge. */
static void
held_requests_outlive_the_edge(void **state)
{
	struct ov_edge_options o;
	struct ov_ticket *t[3];
	struct ov_reply reply;
	struct broker b = { 0 };
	struct client c;

	(void)state;
	o = options(&b);
	o.on_gone = NULL;
	start(&b, &o, false);
	client_init(&c, &b, &company);
	for (int i = 0; i < 3; i++)
		assert_int_equal(
		    ov_link_start(c.link, &t[i], OV_LITERAL("hold"), NULL, 0), OV_OK);
	WAIT_FOR(held_count(&b) == 3);
	ov_edge_stop(b.edge, 0);
	ov_edge_free(b.edge);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(
		    ov_link_wait(t[i], &reply, PATIENCE_MS), OV_E_NET_CLOSED);
		ov_ticket_free(t[i]);
	}
	assert_false(ov_request_alive(b.held[0]));
	ov_request_reply(b.held[0], OV_LITERAL("too late"));
	ov_request_resume(b.held[1]);
	ov_request_drop(b.held[2]);
	client_fini(&c);
	ov_tls_context_free(b.tls);
	pthread_mutex_destroy(&b.mx);
}

struct resumer {
	pthread_t thread;
	struct broker *broker;
	atomic_bool quit;
};

static void *
resume_all(void *arg)
{
	struct resumer *me = arg;
	struct ov_request *r;

	while (!atomic_load(&me->quit)) {
		while ((r = last_held(me->broker)) != NULL)
			ov_request_resume(r);
		(void)sched_yield();
	}
	return NULL;
}

/* Clients die while their held requests are resumed: each request is ended once,
 * by the handler or by on_gone. */
static void
resuming_races_with_dying_clients(void **state)
{
	struct resumer re = { 0 };
	struct broker b;

	(void)state;
	start_default(&b);
	re.broker = &b;
	assert_int_equal(pthread_create(&re.thread, NULL, resume_all, &re), 0);
	for (int round = 0; round < 40; round++) {
		struct raw r;

		raw_init(&r, &b, &company);
		for (uint64_t id = 1; id <= 20; id++)
			raw_request(&r, id, "hold");
		raw_fini(&r);
	}
	WAIT_FOR(counters(&b).connections == 0);
	WAIT_FOR(counters(&b).requests_in_flight == 0);
	atomic_store(&re.quit, true);
	pthread_join(re.thread, NULL);
	stop(&b);
}

static void *
cancel_link(void *arg)
{
	ov_link_cancel(arg);
	return NULL;
}

static void
cancel_ends_what_is_in_flight(void **state)
{
	struct ov_ticket *t;
	struct ov_reply reply;
	pthread_t thread;
	struct broker b;
	struct client c;

	(void)state;
	start_default(&b);
	client_init(&c, &b, &company);
	assert_int_equal(ov_link_start(c.link, &t, OV_LITERAL("hold"), NULL, 0), OV_OK);
	assert_int_equal(pthread_create(&thread, NULL, cancel_link, c.link), 0);
	assert_int_equal(ov_link_wait(t, &reply, PATIENCE_MS), OV_E_CANCELLED);
	pthread_join(thread, NULL);
	ov_ticket_free(t);
	client_fini(&c);
	stop(&b);
}

/* Completions of the old connection may still come while the new one begins. */
static void
link_connects_again_at_once(void **state)
{
	struct ov_ticket *t;
	struct broker b;
	struct client c;

	(void)state;
	start_default(&b);
	client_init(&c, &b, &company);
	for (int i = 0; i < 50; i++) {
		upload(&c, &t, 'u'); /* something is under way */
		ov_link_cancel(c.link);
		ov_ticket_free(t);
		assert_int_equal(ov_link_connect(c.link, PATIENCE_MS), OV_OK);
		echo(&c, OV_LITERAL("e"));
	}
	client_fini(&c);
	stop(&b);
}

struct rider {
	pthread_t thread;
	struct broker *broker;
	const struct pair *who;
	uint32_t seed;
};

/* A small generator, so that a failing storm can be had again by its seed. */
static uint32_t
draw(struct rider *me, uint32_t n)
{
	me->seed = me->seed * 1664525U + 1013904223U;
	return (me->seed >> 16) % n;
}

static struct ov_ticket *
start_something(struct rider *me, struct client *c)
{
	struct ov_ticket *t = NULL;
	enum ov_status st;
	uint8_t *body;

	switch (draw(me, 3)) {
	case 0:
		st = ov_link_start(c->link, &t, OV_LITERAL("get"), NULL, 0);
		break;
	case 1:
		st = ov_link_start(c->link, &t, OV_LITERAL("hold"), NULL, 0);
		break;
	default:
		body = calloc(1, CHUNK / 2);
		assert_non_null(body);
		st = ov_link_start(c->link, &t, OV_LITERAL("e"), body, CHUNK / 2);
	}
	assert_true(st == OV_OK || st == OV_E_NET_CLOSED);
	return t;
}

static void *
ride(void *arg)
{
	struct rider *me = arg;
	struct ov_ticket *t[8];
	struct ov_reply reply;
	struct client c;

	if (try_client(&c, me->broker, me->who) == OV_E_TIMEOUT)
		fail();
	for (int round = 0; round < 12; round++) {
		/* may be closed again by now; then the requests say so */
		if (ov_link_connect(c.link, PATIENCE_MS) == OV_E_TIMEOUT)
			fail();
		for (int i = 0; i < 8; i++)
			t[i] = start_something(me, &c);
		for (uint32_t i = draw(me, 8); i < 8; i++)
			if (t[i] != NULL &&
			    ov_link_wait(t[i], &reply, PATIENCE_MS) == OV_OK)
				free(reply.body);
		for (int i = 0; i < 8; i++)
			ov_ticket_free(t[i]);
		if (draw(me, 3) == 0)
			ov_link_cancel(c.link);
	}
	client_fini(&c);
	return NULL;
}

/* Clients that fetch, hold, send, leave without waiting and come again, while their
 * held requests are resumed and one company's connections are closed: no request is
 * ended twice or never, and nothing stays behind. */
static void
storm_leaves_nothing(void **state)
{
	enum { N = 6 };
	struct rider riders[N];
	struct resumer re = { 0 };
	struct ov_edge_options o;
	struct broker b = { 0 };

	(void)state;
	o = options(&b);
	o.memory_cap = 12U << 20;
	o.max_in_flight = 6;
	start(&b, &o, false);
	re.broker = &b;
	assert_int_equal(pthread_create(&re.thread, NULL, resume_all, &re), 0);
	for (uint32_t i = 0; i < N; i++) {
		riders[i] = (struct rider){
			.broker = &b, .who = i % 2 == 0 ? &company : &rival, .seed = i
		};
		assert_int_equal(
		    pthread_create(&riders[i].thread, NULL, ride, &riders[i]), 0);
	}
	for (int i = 0; i < 10; i++) {
		uint64_t seen = counters(&b).requests;

		WAIT_FOR(
		    counters(&b).requests > seen + 10 || counters(&b).connections == 0);
		ov_edge_close_peer(b.edge, rival.fingerprint);
	}
	for (int i = 0; i < N; i++)
		pthread_join(riders[i].thread, NULL);
	WAIT_FOR(counters(&b).connections == 0);
	WAIT_FOR(counters(&b).requests_in_flight == 0);
	assert_true(counters(&b).memory_peak <= o.memory_cap + CHUNK);
	atomic_store(&re.quit, true);
	pthread_join(re.thread, NULL);
	stop(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(echoes_small_and_large),
		cmocka_unit_test(pipelined_uploads_all_come_back),
		cmocka_unit_test(thousand_in_flight_are_answered_out_of_order),
		cmocka_unit_test(threads_share_a_link),
		cmocka_unit_test(resumed_requests_reach_the_handler_again),
		cmocka_unit_test(held_again_without_a_connection_is_told_again),
		cmocka_unit_test(unreachable_broker_is_told_apart),
		cmocka_unit_test(address_in_use_is_told),
		cmocka_unit_test(strangers_and_expired_certificates_stay_out),
		cmocka_unit_test(wrong_server_name_is_refused),
		cmocka_unit_test(enrolment_pins_the_authority),
		cmocka_unit_test(revocation_acts_on_live_connections_and_at_handshake),
		cmocka_unit_test(connections_are_limited_in_all_and_per_peer),
		cmocka_unit_test(rate_is_limited_per_peer),
		cmocka_unit_test(requests_in_flight_are_limited_by_back_pressure),
		cmocka_unit_test(bytes_in_flight_are_limited_by_back_pressure),
		cmocka_unit_test(descriptor_exhaustion_pauses_accepting),
		cmocka_unit_test(half_open_handshakes_are_cut),
		cmocka_unit_test(half_frames_are_cut),
		cmocka_unit_test(idle_connections_are_cut_but_not_waiting_ones),
		cmocka_unit_test(slow_reader_is_cut_and_others_go_on),
		cmocka_unit_test(oversized_frame_and_reserved_id_close),
		cmocka_unit_test(dropped_request_closes_its_connection),
		cmocka_unit_test(memory_cap_holds_and_nobody_is_dropped),
		cmocka_unit_test(connections_over_the_cap_are_refused),
		cmocka_unit_test(killed_clients_leave_nothing),
		cmocka_unit_test(stop_drains_what_is_under_way),
		cmocka_unit_test(held_requests_outlive_the_edge),
		cmocka_unit_test(resuming_races_with_dying_clients),
		cmocka_unit_test(cancel_ends_what_is_in_flight),
		cmocka_unit_test(link_connects_again_at_once),
		cmocka_unit_test(storm_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
