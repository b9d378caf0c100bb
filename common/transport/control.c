#include "common/transport/control.h"

#include <nng/nng.h>
#include <nng/protocol/reqrep0/rep.h>
#include <nng/protocol/reqrep0/req.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/crypto/memory.h"

enum {
	PATH_LEN_MAX = 100, /* sun_path holds 108 */
	URL_MAX = 128,
	/* nng counts REQ/REP's own header, 4 bytes a hop */
	MESSAGE_MAX = OV_CONTROL_MAX + 64
};

struct ov_control {
	nng_socket socket;
	pthread_t thread;
	ov_control_handler *handler;
	void *ctx;
};

static enum ov_status
url_of(char url[URL_MAX], const char *path)
{
	size_t len = strlen(path);

	if (len == 0 || len > PATH_LEN_MAX)
		return OV_E_NET_ADDRESS;
	(void)snprintf(url, URL_MAX, "ipc://%s", path);
	return OV_OK;
}

/* Turns the request's message into the reply's. */
static bool
answer(struct ov_control *c, nng_msg *m)
{
	uint8_t *reply = NULL;
	size_t len = 0;
	bool ok;

	c->handler(c->ctx, &reply, &len, OV_BYTES(nng_msg_body(m), nng_msg_len(m)));
	nng_msg_clear(m);
	ok = len <= OV_CONTROL_MAX && (len == 0 || nng_msg_append(m, reply, len) == 0);
	if (reply != NULL)
		ov_wipe(reply, len); /* may hold a token */
	free(reply);
	return ok;
}

static void *
serve(void *arg)
{
	struct ov_control *c = arg;
	nng_msg *m;
	int rv;

	for (;;) {
		rv = nng_recvmsg(c->socket, &m, 0);
		if (rv == NNG_ECLOSED)
			return NULL;
		if (rv != 0)
			continue; /* the caller went away */
		if (!answer(c, m) || nng_sendmsg(c->socket, m, 0) != 0)
			nng_msg_free(m);
	}
}

/* nng's listener, when it fails because a server lives at the path, removes that
 * server's file.  So ask first. */
static bool
is_served(const char *url)
{
	nng_socket s;
	bool up;

	if (nng_req0_open(&s) != 0)
		return false;
	up = nng_dial(s, url, NULL, 0) == 0;
	(void)nng_close(s);
	return up;
}

static enum ov_status
listen_private(nng_socket s, const char *url)
{
	/* nng sets modes after binding; the umask leaves no moment between */
	mode_t before = umask(0177);
	nng_listener l;
	int rv = nng_listener_create(&l, s, url);

	if (rv == 0)
		rv = nng_listener_set_int(l, NNG_OPT_IPC_PERMISSIONS, 0600);
	if (rv == 0)
		rv = nng_listener_start(l, 0);
	(void)umask(before);
	switch (rv) {
	case 0:
		return OV_OK;
	case NNG_EADDRINUSE:
		return OV_E_NET_BUSY;
	case NNG_ENOMEM:
		return OV_E_NOMEM;
	default:
		return OV_E_IO;
	}
}

enum ov_status
ov_control_start(
    struct ov_control **out, const char *path, ov_control_handler *handler, void *ctx)
{
	struct ov_control *c = calloc(1, sizeof(*c));
	char url[URL_MAX];
	bool open = false;
	enum ov_status st;

	OV_REQUIRE(c != NULL, OV_E_NOMEM);
	OV_TRY(url_of(url, path));
	OV_REQUIRE(!is_served(url), OV_E_NET_BUSY);
	c->handler = handler;
	c->ctx = ctx;
	open = nng_rep0_open(&c->socket) == 0;
	OV_REQUIRE(open, OV_E_NOMEM);
	OV_REQUIRE(nng_socket_set_size(c->socket, NNG_OPT_RECVMAXSZ, MESSAGE_MAX) == 0,
	    OV_E_BUG);
	OV_TRY(listen_private(c->socket, url));
	OV_REQUIRE(pthread_create(&c->thread, NULL, serve, c) == 0, OV_E_THREAD);
	*out = c;
	c = NULL;
done:
	if (c != NULL && open)
		(void)nng_close(c->socket);
	free(c);
	return st;
}

void
ov_control_stop(struct ov_control *c)
{
	if (c == NULL)
		return;
	(void)nng_close(c->socket);
	pthread_join(c->thread, NULL);
	free(c);
}

static enum ov_status
exchange(nng_socket s, uint8_t **reply, size_t *len, struct ov_bytes request)
{
	nng_msg *m = NULL;
	enum ov_status st = OV_OK;
	uint8_t *copy;
	int rv;

	OV_REQUIRE(nng_msg_alloc(&m, 0) == 0, OV_E_NOMEM);
	OV_REQUIRE(request.len == 0 || nng_msg_append(m, request.p, request.len) == 0,
	    OV_E_NOMEM);
	rv = nng_sendmsg(s, m, 0);
	OV_REQUIRE(rv == 0, rv == NNG_ETIMEDOUT ? OV_E_TIMEOUT : OV_E_NET_CLOSED);
	m = NULL; /* sent: nng's */
	rv = nng_recvmsg(s, &m, 0);
	OV_REQUIRE(rv == 0, rv == NNG_ETIMEDOUT ? OV_E_TIMEOUT : OV_E_NET_CLOSED);
	copy = malloc(nng_msg_len(m) + 1);
	OV_REQUIRE(copy != NULL, OV_E_NOMEM);
	memcpy(copy, nng_msg_body(m), nng_msg_len(m));
	*reply = copy;
	*len = nng_msg_len(m);
done:
	nng_msg_free(m);
	return st;
}

/* A resend would run the handler twice for one call of a patient operator. */
static bool
set_client_options(nng_socket s, uint32_t timeout_ms)
{
	nng_duration ms = timeout_ms < INT32_MAX ? (nng_duration)timeout_ms : INT32_MAX;

	return nng_socket_set_ms(s, NNG_OPT_SENDTIMEO, ms) == 0 &&
	       nng_socket_set_ms(s, NNG_OPT_RECVTIMEO, ms) == 0 &&
	       nng_socket_set_ms(s, NNG_OPT_REQ_RESENDTIME, NNG_DURATION_INFINITE) == 0 &&
	       nng_socket_set_size(s, NNG_OPT_RECVMAXSZ, MESSAGE_MAX) == 0;
}

enum ov_status
ov_control_call(const char *path, uint8_t **reply, size_t *len, struct ov_bytes request,
    uint32_t timeout_ms)
{
	char url[URL_MAX];
	bool open = false;
	enum ov_status st;
	nng_socket s;

	OV_TRY(url_of(url, path));
	OV_REQUIRE(request.len <= OV_CONTROL_MAX, OV_E_WIRE_LIMIT);
	open = nng_req0_open(&s) == 0;
	OV_REQUIRE(open && set_client_options(s, timeout_ms), OV_E_NOMEM);
	OV_REQUIRE(nng_dial(s, url, NULL, 0) == 0, OV_E_NET_UNREACHABLE);
	st = exchange(s, reply, len, request);
done:
	if (open)
		(void)nng_close(s);
	return st;
}
