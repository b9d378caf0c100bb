/* edge.h - the server's side of the wire between companies and broker (nng).
 *
 * An edge listens on one address, takes TLS connections, reads frames (frame.h)
 * as requests and gives each to a handler on one of its own threads, without any
 * lock held.  A handler replies at once, or keeps the request and replies later
 * from any thread, in any order: a held request costs some 200 bytes and its
 * body.  What the bodies say is not known here.
 *
 * Everything a peer can make the edge hold is bounded.  Over a limit the edge
 * stops reading from the connection (back-pressure) rather than dropping it,
 * except where a deadline says otherwise.  What is held for a connection is
 * charged to one counter with one cap; see `memory_cap`.
 *
 * Where no client certificates are asked for, all callers are one peer.
 * All functions are thread-safe.
 */
#ifndef OV_COMMON_TRANSPORT_EDGE_H
#define OV_COMMON_TRANSPORT_EDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/crypto/hash.h"
#include "common/status.h"
#include "common/tls/tls.h"

struct ov_edge;
struct ov_request;

struct ov_edge_options {
	const char *address;	    /* HOST:PORT; port 0 takes a free one */
	struct ov_tls_context *tls; /* of ov_tls_server_new; outlives the edge */
	void *ctx;		    /* for the handlers */
	/* A request, or one that ov_request_resume brings back.  Must be given. */
	void (*handle)(void *ctx, struct ov_request *r);
	/* In place of `handle` for a request over the rate; NULL closes the
	 * connection instead. */
	void (*on_limit)(void *ctx, struct ov_request *r);
	/* The connection of a request that is held, not in a handler, is gone; told
	 * again if it is held again afterwards.  The request stays
	 * valid until this returns, even if another thread ends it meanwhile; whoever
	 * keeps it still ends it once, here or elsewhere.  May be NULL. */
	void (*on_gone)(void *ctx, struct ov_request *r);

	unsigned int workers; /* threads that run handlers */
	/* Of a body, both ways.  A larger request closes its connection. */
	size_t max_frame;
	/* More are closed when accepted; also those whose sessions would take more than
	 * half of memory_cap, so that there is room for what they ask. */
	unsigned int max_connections;
	unsigned int max_connections_per_peer; /* more are closed after handshake */
	unsigned int max_in_flight;	       /* requests of a connection */
	size_t max_in_flight_bytes;	       /* their bodies, unless it is one */
	unsigned int requests_per_minute;      /* of a peer; the burst is a minute's */
	/* A connection with more reply bytes waiting has no further request handled. */
	size_t max_waiting_replies;
	/* Cap of what connections, bodies, replies and buffers take, in bytes.  A
	 * handler is started only when its largest possible reply still fits, and a
	 * body is read only when all threads' replies would.  Only replies that come
	 * from outside a handler may pass the cap: bring back held requests with
	 * ov_request_resume where replies are large.  At least
	 * (workers + 2) * max_frame and a session (OV_E_BUG). */
	size_t memory_cap;

	uint32_t handshake_ms;	   /* from accept to end of handshake */
	uint32_t partial_frame_ms; /* from its first byte to its last, while read */
	uint32_t idle_ms;	   /* nothing in flight, either way */
	uint32_t slow_reader_ms;   /* within it, waiting replies must shrink by 64 KiB,
				    * or be gone */
};

/* The broker's defaults; address, tls and handlers are left for the caller. */
void ov_edge_options_default(struct ov_edge_options *o);

/* Listens and serves.  Strings are copied.  OV_E_NET_ADDRESS, OV_E_NET_BUSY,
 * OV_E_NOMEM, OV_E_THREAD, OV_E_BUG on missing options. */
OV_MUST_CHECK enum ov_status ov_edge_start(
    struct ov_edge **edge, const struct ov_edge_options *o);

/* The port it listens on. */
uint16_t ov_edge_port(const struct ov_edge *edge);

/* Closes the live connections of a peer.  The TLS context's `allowed` must refuse
 * it before: then no connection of it is left or comes later, also not one that
 * was in its handshake.  Not under a lock that `allowed` takes. */
void ov_edge_close_peer(
    struct ov_edge *edge, const uint8_t fingerprint[OV_FINGERPRINT_LEN]);

/* Stops accepting and reading, serves what was read, waits up to drain_ms until
 * all requests have their replies and these are sent, closes all connections and
 * ends the threads.  Held requests delay it: answer them before, or they get
 * on_gone.  Not from a handler.  Once. */
void ov_edge_stop(struct ov_edge *edge, uint32_t drain_ms);

/* After ov_edge_stop.  Requests that are still held stay valid and must still be
 * ended.  NULL is fine. */
void ov_edge_free(struct ov_edge *edge);

struct ov_edge_counters {
	uint64_t connections;	      /* now */
	uint64_t requests_in_flight;  /* now */
	uint64_t memory, memory_peak; /* charged bytes, replies to come included */
	uint64_t accepted, refused;   /* refused: by a limit, before any request */
	uint64_t handshakes_failed;
	uint64_t timeouts_handshake, timeouts_frame, timeouts_idle, timeouts_slow;
	uint64_t requests, limited;  /* limited: over the rate */
	uint64_t oversized, revoked; /* connections closed for it */
	uint64_t accept_pauses;	     /* descriptors or memory ran out */
	uint64_t bytes_in, bytes_out;
};

void ov_edge_read_counters(struct ov_edge *edge, struct ov_edge_counters *c);

/* --- requests.  Each is ended exactly once, by a reply or ov_request_drop, and
 * not touched afterwards.  These calls do not wait for peers and may be made with
 * locks of the upper layer held. */

/* Valid until the request is ended. */
struct ov_bytes ov_request_body(const struct ov_request *r);

/* Fingerprint of the connection's certificate; all zero where none is asked for. */
const uint8_t *ov_request_peer(const struct ov_request *r);

/* A number of the connection, unique in the life of the edge. */
uint64_t ov_request_connection(const struct ov_request *r);

/* False once the connection is gone: a reply would go nowhere. */
bool ov_request_alive(struct ov_request *r);

/* Ends r with a copy of body. */
void ov_request_reply(struct ov_request *r, struct ov_bytes body);

/* Ends r with first || body; first is copied, body (malloc'd, may be NULL) becomes
 * the edge's.  A reply over max_frame, or without memory for it, closes the
 * connection. */
void ov_request_reply_owned(
    struct ov_request *r, struct ov_bytes first, uint8_t *body, size_t body_len);

/* Ends r without a reply; a live connection is closed, since its client would wait
 * for ever. */
void ov_request_drop(struct ov_request *r);

/* Gives a held request to the handler again, under the memory cap's discipline;
 * if the connection is gone, on_gone came or comes and nothing else happens.  Not
 * for a request that is in a handler or already resumed. */
void ov_request_resume(struct ov_request *r);

/* A pointer of the upper layer's, NULL at first. */
void ov_request_set_tag(struct ov_request *r, void *tag);
void *ov_request_tag(const struct ov_request *r);

#endif /* OV_COMMON_TRANSPORT_EDGE_H */
