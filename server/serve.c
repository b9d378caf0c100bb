#include "server/serve.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "common/crypto/memory.h"
#include "common/log.h"
#include "common/transport/control.h"
#include "common/transport/edge.h"
#include "common/work/heap.h"
#include "server/admin.h"
#include "server/digests.h"
#include "server/dispatch.h"
#include "server/events.h"
#include "server/jobs.h"
#include "server/report.h"
#include "server/site.h"
#include "server/streams.h"

#define FRAME_MAX ((size_t)640 * 1024) /* PROTOCOL.md 1.1 */
#define DRAIN_MS 10000
#define KEEPER_PAUSE_MAX 60 /* seconds */

/* Everything that runs. */
struct service {
	struct ov_broker broker;
	struct ov_tls_context *tls_companies, *tls_enrolment;
	struct ov_edge *companies, *enrolment;
	struct ov_control *control;
	struct ov_admin admin;
	pthread_t keeper;
	bool keeper_runs, quit;
	pthread_mutex_t mx;
	pthread_cond_t wake; /* quit */
	int lock;
};

/* --- calls --- */

static void
answer(struct service *s, struct ov_request *r, struct ov_buf *reply)
{
	ov_events_forget(s->broker.events, r);
	if (reply->len == 0) {
		ov_buf_free(reply);
		ov_request_drop(r);
	} else
		ov_request_reply_owned(r, OV_BYTES(NULL, 0), reply->p, reply->len);
}

static void
handle(struct service *s, enum ov_listener listener, struct ov_request *r)
{
	uint64_t mark = ov_events_mark(s->broker.events);
	bool late = ov_events_is_late(s->broker.events, r);
	struct ov_buf reply = { 0 };
	struct ov_call call;
	enum ov_status st = ov_dispatch(
	    &call, &s->broker, listener, ov_request_peer(r), ov_request_body(r), &reply);

	if (st == OV_E_BROKER_WAIT && call.wait_ms > 0 && !late &&
	    ov_events_hold(s->broker.events, r, call.wait_id, mark, call.wait_ms) ==
		OV_OK) {
		ov_buf_free(&reply); /* r is not ours any more */
		return;
	}
	answer(s, r, &reply);
}

static void
handle_company(void *ctx, struct ov_request *r)
{
	handle(ctx, OV_LISTENER_COMPANIES, r);
}

static void
handle_enrolment(void *ctx, struct ov_request *r)
{
	handle(ctx, OV_LISTENER_ENROLMENT, r);
}

static void
handle_limit(void *ctx, struct ov_request *r)
{
	struct ov_buf reply = { 0 };

	ov_dispatch_error(&reply, OV_E_NET_LIMIT);
	answer(ctx, r, &reply);
}

static void
handle_gone(void *ctx, struct ov_request *r)
{
	struct service *s = ctx;

	ov_events_gone(s->broker.events, r);
}

static bool
certificate_allowed(void *ctx, const uint8_t fingerprint[OV_FINGERPRINT_LEN])
{
	struct service *s = ctx;
	struct ov_company c;

	return ov_store_company_of_certificate(s->broker.store, &c, fingerprint) ==
		   OV_OK &&
	       c.status == OV_COMPANY_ACTIVE;
}

static void
handle_control(void *ctx, uint8_t **out, size_t *len, struct ov_bytes request)
{
	struct service *s = ctx;
	struct ov_buf reply = { 0 };

	ov_admin_answer(&reply, &s->admin, request);
	*out = reply.p; /* malloc'd */
	*len = reply.len;
}

/* --- deadlines --- */

/* Seconds to sleep until the next deadline. */
static int64_t
keep_house(struct service *s)
{
	int64_t now = s->broker.now(), next;
	enum ov_status st = ov_jobs_expire(&s->broker, &next);
	bool more = false;

	if (st == OV_OK)
		st = ov_streams_erase(&s->broker, &more);
	if (st == OV_OK)
		st = ov_store_sweep(s->broker.store);
	if (st != OV_OK)
		ov_log(OV_LOG_ERROR, "keeper.failed", OV_F_STATUS(st));
	if (st == OV_OK && more)
		return 0;
	if (st != OV_OK || next - now > KEEPER_PAUSE_MAX)
		return KEEPER_PAUSE_MAX; /* new deadlines may be nearer */
	return next > now ? next - now : 1;
}

static void *
keeper_main(void *arg)
{
	struct service *s = arg;

	pthread_mutex_lock(&s->mx);
	while (!s->quit) {
		struct timespec until;
		int64_t pause;

		pthread_mutex_unlock(&s->mx);
		pause = keep_house(s);
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec += (time_t)pause;
		pthread_mutex_lock(&s->mx);
		if (!s->quit)
			(void)pthread_cond_timedwait(&s->wake, &s->mx, &until);
	}
	pthread_mutex_unlock(&s->mx);
	return NULL;
}

/* --- start and stop --- */

static enum ov_status
open_tls(struct service *s, const char *dir)
{
	char *cert = NULL, *key = NULL;
	struct ov_tls_server_options o = { 0 };
	enum ov_status st = OV_OK;

	OV_TRY(ov_site_listener(&cert, &key, dir));
	o = (struct ov_tls_server_options){ .cert_pem = cert,
		.key_pem = key,
		.ca_pem = s->broker.ca_pem,
		.allowed = certificate_allowed,
		.arg = s };
	OV_TRY(ov_tls_server_new(&s->tls_companies, &o));
	o.allowed = NULL; /* no client certificates */
	OV_TRY(ov_tls_server_new(&s->tls_enrolment, &o));
done:
	ov_secret_free(cert);
	ov_secret_free(key);
	return st;
}

static enum ov_status
start_edges(struct service *s, const struct ov_serve_options *o)
{
	struct ov_edge_options e;
	enum ov_status st = OV_OK;

	ov_edge_options_default(&e);
	e.ctx = s;
	e.on_limit = handle_limit;
	e.on_gone = handle_gone;
	e.max_frame = FRAME_MAX;
	e.address = o->listen;
	e.tls = s->tls_companies;
	e.handle = handle_company;
	e.max_connections = o->limits.connections;
	e.max_connections_per_peer = o->limits.connections_per_company;
	e.requests_per_minute = o->limits.calls_per_minute;
	OV_TRY(ov_edge_start(&s->companies, &e));

	/* Strangers: little of everything. */
	e.address = o->enrolment;
	e.tls = s->tls_enrolment;
	e.handle = handle_enrolment;
	e.workers = 1;
	e.max_connections = 64;
	e.max_connections_per_peer = 64;
	e.max_in_flight = 4;
	e.max_frame = 65536;
	e.requests_per_minute = 600;
	e.memory_cap = 16U << 20;
	e.idle_ms = 30000;
	OV_TRY(ov_edge_start(&s->enrolment, &e));
done:
	return st;
}

static enum ov_status
start(struct service *s, const struct ov_serve_options *o)
{
	char path[OV_PATH_MAX];
	enum ov_status st = OV_OK;

	OV_TRY(ov_site_lock(&s->lock, o->dir));
	OV_TRY(ov_site_open(&s->broker, o->dir));
	s->broker.limits = o->limits;
	OV_TRY(open_tls(s, o->dir));
	s->broker.digests = ov_digests_new();
	OV_TRY(ov_events_new(&s->broker.events));
	OV_TRY(ov_joiner_new(&s->broker.joiner, &s->broker));
	OV_TRY(ov_site_path(path, o->dir, "control.sock"));
	s->admin = (struct ov_admin){ .broker = &s->broker, .started = s->broker.now() };
	OV_TRY(start_edges(s, o));
	s->admin.edge = s->companies; /* before the control socket is there */
	OV_TRY(ov_control_start(&s->control, path, handle_control, s));
	OV_REQUIRE(pthread_create(&s->keeper, NULL, keeper_main, s) == 0, OV_E_THREAD);
	s->keeper_runs = true;
	ov_joiner_kick(s->broker.joiner); /* what a restart left */
done:
	return st;
}

static void
stop_keeper(struct service *s)
{
	pthread_mutex_lock(&s->mx);
	s->quit = true;
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->mx);
	if (s->keeper_runs)
		pthread_join(s->keeper, NULL);
}

/* Also of a service that started only in part. */
static void
stop(struct service *s)
{
	ov_control_stop(s->control);
	stop_keeper(s);
	if (s->broker.events != NULL)
		ov_events_stop(s->broker.events); /* held calls get their answer */
	if (s->enrolment != NULL)
		ov_edge_stop(s->enrolment, DRAIN_MS);
	if (s->companies != NULL)
		ov_edge_stop(s->companies, DRAIN_MS);
	ov_edge_free(s->enrolment);
	ov_edge_free(s->companies);
	ov_joiner_free(s->broker.joiner);
	ov_events_free(s->broker.events);
	ov_digests_free(s->broker.digests);
	ov_tls_context_free(s->tls_enrolment);
	ov_tls_context_free(s->tls_companies);
	ov_site_close(&s->broker);
	if (s->lock >= 0)
		close(s->lock);
}

/* sd_notify(3), which needs no library: one datagram. */
static void
notify(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	size_t len = path != NULL ? strlen(path) : 0;
	int fd;

	if (len == 0 || len >= sizeof(to.sun_path) ||
	    (fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) < 0)
		return;
	memcpy(to.sun_path, path, len);
	if (to.sun_path[0] == '@')
		to.sun_path[0] = '\0'; /* an abstract address */
	(void)sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&to,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
	close(fd);
}

enum ov_status
ov_serve(const struct ov_serve_options *o)
{
	struct service s = { .lock = -1 };
	enum ov_status st = OV_OK;
	sigset_t ends;
	int which;

	ov_heap_init();
	/* Before any thread starts, so that all of them leave these to us. */
	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	(void)pthread_sigmask(SIG_BLOCK, &ends, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	pthread_mutex_init(&s.mx, NULL);
	pthread_cond_init(&s.wake, NULL);
	OV_TRY(start(&s, o));
	o->ready(ov_edge_port(s.companies), ov_edge_port(s.enrolment));
	notify("READY=1");
	ov_log(OV_LOG_INFO, "broker.ready", OV_F_ID("log", s.broker.log_id));
	(void)sigwait(&ends, &which);
	notify("STOPPING=1");
	ov_log(OV_LOG_INFO, "broker.stopping", OV_F_U64("signal", which));
done:
	stop(&s);
	pthread_cond_destroy(&s.wake);
	pthread_mutex_destroy(&s.mx);
	return st;
}
