#include "common/transport/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Bodies from this size on are worth a large buffer. */
enum { LARGE_FROM = OV_TLS_RECORD_MAX };

#define HOST_LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:"

enum ov_status
ov_wire_init(struct ov_wire *w, nng_stream *stream, struct ov_tls *tls,
    void (*rx_done)(void *), void (*tx_done)(void *), void *owner)
{
	memset(w, 0, sizeof(*w));
	w->stream = stream;
	w->tls = tls;
	w->owner = owner;
	w->last = &w->first;
	ov_frame_next(&w->in);
	if (tls == NULL || nng_aio_alloc(&w->rx, rx_done, owner) != 0 ||
	    nng_aio_alloc(&w->tx, tx_done, owner) != 0) {
		w->dead = true;
		ov_wire_fini(w);
		return OV_E_NOMEM;
	}
	(void)nng_stream_set_bool(stream, NNG_OPT_TCP_NODELAY, true);
	(void)nng_stream_set_bool(stream, NNG_OPT_TCP_KEEPALIVE, true);
	return OV_OK;
}

size_t
ov_wire_received(struct ov_wire *w)
{
	size_t n = nng_aio_count(w->rx);

	w->rx_busy = false;
	if (nng_aio_result(w->rx) != 0) {
		ov_wire_kill(w, OV_E_NET_CLOSED);
		return 0;
	}
	if (!w->dead)
		ov_tls_received(w->tls, n);
	w->bytes_in += n;
	return n;
}

size_t
ov_wire_sent(struct ov_wire *w)
{
	size_t n = nng_aio_count(w->tx);

	w->tx_busy = false;
	if (nng_aio_result(w->tx) != 0) {
		ov_wire_kill(w, OV_E_NET_CLOSED);
		return 0;
	}
	ov_tls_sent(w->tls, n);
	w->bytes_out += n;
	return n;
}

static enum ov_wire_event
failed(struct ov_wire *w, enum ov_status why)
{
	if (w->why == OV_OK)
		w->why = why;
	return OV_WIRE_FAILED;
}

static enum ov_wire_event
step_open(struct ov_wire *w)
{
	enum ov_frame_event e;
	enum ov_status st;
	uint8_t *p;
	size_t n, cap;

	while (w->in.at == OV_FRAME_MORE) {
		ov_frame_space(&w->in, &p, &cap);
		st = ov_tls_read(w->tls, p, &n, cap);
		if (st != OV_OK)
			return failed(w, st);
		if (n == 0)
			return OV_WIRE_WAIT;
		e = ov_frame_advance(&w->in, n);
		if (e != OV_FRAME_MORE)
			break;
	}
	return w->in.at == OV_FRAME_HEAD ? OV_WIRE_HEAD : OV_WIRE_FRAME;
}

enum ov_wire_event
ov_wire_step(struct ov_wire *w)
{
	enum ov_status st;

	if (w->dead || w->finishing || w->why != OV_OK)
		return OV_WIRE_WAIT;
	if (w->open)
		return step_open(w);
	st = ov_tls_handshake(w->tls, &w->open);
	if (st != OV_OK)
		return failed(w, st);
	return w->open ? OV_WIRE_OPENED : OV_WIRE_WAIT;
}

void
ov_wire_accept(struct ov_wire *w, uint8_t *body)
{
	(void)ov_frame_accept(&w->in, body);
}

uint8_t *
ov_wire_take(struct ov_wire *w)
{
	uint8_t *body = w->in.body;

	ov_frame_next(&w->in);
	return body;
}

struct ov_out *
ov_out_new(uint64_t id, struct ov_bytes first, uint8_t *body, size_t body_len)
{
	/* both parts come from memory, so their sum does not wrap 64 bits */
	size_t head_len = OV_FRAME_HEAD_LEN + first.len;
	struct ov_out *o;

	if (first.len + body_len > UINT32_MAX)
		return NULL;
	o = malloc(sizeof(*o) + head_len);
	if (o == NULL)
		return NULL;
	*o = (struct ov_out){ NULL, body, body_len, head_len, 0 };
	ov_frame_encode(o->head, id, (uint32_t)(first.len + body_len));
	if (first.len > 0)
		memcpy(o->head + OV_FRAME_HEAD_LEN, first.p, first.len);
	return o;
}

void
ov_out_free(struct ov_out *o)
{
	if (o == NULL)
		return;
	free(o->body);
	free(o);
}

size_t
ov_out_cost(const struct ov_out *o)
{
	return sizeof(*o) + o->head_len + o->body_len;
}

void
ov_wire_queue(struct ov_wire *w, struct ov_out *o)
{
	*w->last = o;
	w->last = &o->next;
	w->queued += ov_out_cost(o);
}

static void
pop(struct ov_wire *w)
{
	struct ov_out *o = w->first;

	w->first = o->next;
	if (w->first == NULL)
		w->last = &w->first;
	w->queued -= ov_out_cost(o);
	ov_out_free(o);
}

/* The bytes of o from o->off on that lie together. */
static struct ov_bytes
next_piece(const struct ov_out *o)
{
	if (o->off < o->head_len)
		return OV_BYTES(o->head + o->off, o->head_len - o->off);
	if (o->body == NULL)
		return OV_BYTES(NULL, 0);
	return OV_BYTES(
	    o->body + (o->off - o->head_len), o->body_len - (o->off - o->head_len));
}

/* Seals one record: from a body as it lies if that fills it, else gathered from as
 * many frames as fit, so that small replies share records. */
static enum ov_status
seal_record(struct ov_wire *w)
{
	uint8_t gather[OV_TLS_RECORD_MAX];
	struct ov_bytes piece = next_piece(w->first);
	size_t n = 0;

	if (piece.len >= sizeof(gather)) {
		w->first->off += sizeof(gather);
		return ov_tls_write(w->tls, piece.p, sizeof(gather));
	}
	while (w->first != NULL && n < sizeof(gather)) {
		piece = next_piece(w->first);
		if (piece.len == 0) {
			pop(w);
			continue;
		}
		if (piece.len > sizeof(gather) - n)
			piece.len = sizeof(gather) - n;
		memcpy(gather + n, piece.p, piece.len);
		n += piece.len;
		w->first->off += piece.len;
		if (next_piece(w->first).len == 0)
			pop(w);
	}
	return n > 0 ? ov_tls_write(w->tls, gather, n) : OV_OK;
}

static void
choose_tx(struct ov_wire *w)
{
	const uint8_t *p;
	size_t len;

	ov_tls_pending(w->tls, &p, &len);
	if (len > 0 || w->tx_busy)
		return; /* a buffer is in use */
	if (w->tx_large && w->queued < LARGE_FROM) {
		w->tx_large = false;
		if (w->discharge != NULL)
			w->discharge(w->owner, OV_TLS_LARGE_BUFFER);
	} else if (!w->tx_large && w->queued >= LARGE_FROM) {
		w->tx_large =
		    w->charge == NULL || w->charge(w->owner, OV_TLS_LARGE_BUFFER);
	}
	ov_tls_set_large(w->tls, w->tx_large);
}

static void
start_sending(struct ov_wire *w)
{
	const uint8_t *p;
	nng_iov iov;
	size_t len;

	if (w->tx_busy)
		return;
	ov_tls_pending(w->tls, &p, &len);
	if (len == 0)
		return;
	iov = (nng_iov){ (void *)(uintptr_t)p, len };
	(void)nng_aio_set_iov(w->tx, 1, &iov);
	w->tx_busy = true;
	nng_stream_send(w->stream, w->tx);
}

static void
choose_rx(struct ov_wire *w)
{
	bool want = w->in.body != NULL && w->in.len - w->in.n >= LARGE_FROM;

	if (want == w->rx_large)
		return;
	if (!want && w->discharge != NULL)
		w->discharge(w->owner, OV_TLS_LARGE_BUFFER);
	w->rx_large =
	    want && (w->charge == NULL || w->charge(w->owner, OV_TLS_LARGE_BUFFER));
}

static void
start_receiving(struct ov_wire *w)
{
	nng_iov iov;
	uint8_t *p;
	size_t cap;

	if (w->rx_busy || ov_tls_has_unread(w->tls))
		return;
	choose_rx(w);
	ov_tls_space(w->tls, &p, &cap, w->rx_large);
	if (cap == 0) {
		ov_wire_kill(w, OV_E_NOMEM);
		return;
	}
	iov = (nng_iov){ p, cap };
	(void)nng_aio_set_iov(w->rx, 1, &iov);
	w->rx_busy = true;
	nng_stream_recv(w->stream, w->rx);
}

size_t
ov_wire_flush(struct ov_wire *w, bool read)
{
	size_t before = w->queued;

	if (w->dead)
		return 0;
	if (!w->finishing) {
		choose_tx(w);
		while (w->open && w->first != NULL && ov_tls_writable(w->tls))
			if (seal_record(w) != OV_OK) {
				ov_wire_kill(w, OV_E_TLS_FAILED);
				return before - w->queued;
			}
	}
	start_sending(w);
	if (w->finishing && !w->tx_busy)
		ov_wire_kill(w, w->why);
	else if (read && !w->finishing)
		start_receiving(w);
	return before - w->queued;
}

bool
ov_wire_is_sending(const struct ov_wire *w)
{
	return !w->dead && (w->first != NULL || w->tx_busy);
}

void
ov_wire_finish(struct ov_wire *w, enum ov_status why)
{
	if (w->dead || w->finishing)
		return;
	if (w->why == OV_OK)
		w->why = why;
	ov_tls_close(w->tls);
	w->finishing = true;
}

void
ov_wire_kill(struct ov_wire *w, enum ov_status why)
{
	if (w->dead)
		return;
	if (w->why == OV_OK)
		w->why = why;
	w->dead = true;
	nng_stream_close(w->stream);
}

bool
ov_wire_is_quiet(const struct ov_wire *w)
{
	return w->dead && !w->rx_busy && !w->tx_busy;
}

void
ov_wire_stop(struct ov_wire *w)
{
	nng_aio_stop(w->rx);
	nng_aio_stop(w->tx);
}

void
ov_wire_fini(struct ov_wire *w)
{
	if (w->rx != NULL)
		nng_aio_free(w->rx);
	if (w->tx != NULL)
		nng_aio_free(w->tx);
	if (w->stream != NULL)
		nng_stream_free(w->stream);
	ov_tls_free(w->tls);
	free(w->in.body);
	while (w->first != NULL)
		pop(w);
	if (w->discharge != NULL)
		w->discharge(w->owner, (w->rx_large ? OV_TLS_LARGE_BUFFER : 0) +
					   (w->tx_large ? OV_TLS_LARGE_BUFFER : 0));
	w->rx = w->tx = NULL;
	w->stream = NULL;
	w->tls = NULL;
	w->in.body = NULL;
	w->rx_large = w->tx_large = false;
}

enum ov_status
ov_wire_address(
    char url[OV_WIRE_URL_MAX], char host[OV_WIRE_URL_MAX], const char *address)
{
	const char *colon = strrchr(address, ':');
	size_t len = colon != NULL ? (size_t)(colon - address) : 0;
	const char *begin = address;
	char *end = NULL;
	unsigned long port;

	if (len == 0 || len > 255 || colon[1] < '0' || colon[1] > '9')
		return OV_E_NET_ADDRESS;
	port = strtoul(colon + 1, &end, 10);
	if (*end != '\0' || port > 65535 || strlen(colon) > 6)
		return OV_E_NET_ADDRESS;
	(void)snprintf(url, OV_WIRE_URL_MAX, "tcp://%s", address);
	if (address[0] == '[' && len > 2 && address[len - 1] == ']') {
		begin++;
		len -= 2;
	} else if (memchr(address, ':', len) != NULL) {
		return OV_E_NET_ADDRESS; /* IPv6 without brackets */
	}
	if (strspn(begin, HOST_LETTERS) < len)
		return OV_E_NET_ADDRESS;
	memcpy(host, begin, len);
	host[len] = '\0';
	return OV_OK;
}
