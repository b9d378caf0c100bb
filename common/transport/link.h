/* link.h - the client's side of the wire to the broker (nng).
 *
 * A link is one TLS connection with many requests in flight, from any threads.
 * It has no thread of its own.  A lost connection fails every request in flight
 * with OV_E_NET_CLOSED; the caller connects again and repeats: all calls of the
 * broker are idempotent.  All functions are thread-safe but ov_link_free.
 */
#ifndef OV_COMMON_TRANSPORT_LINK_H
#define OV_COMMON_TRANSPORT_LINK_H

#include <stddef.h>
#include <stdint.h>

#include "common/crypto/hash.h"
#include "common/status.h"
#include "common/tls/tls.h"

struct ov_link;
struct ov_ticket;

struct ov_reply {
	uint8_t *body; /* malloc'd; the receiver frees */
	size_t len;
};

struct ov_link_options {
	const char *address;	    /* HOST:PORT of the broker */
	struct ov_tls_context *tls; /* of ov_tls_client_new; outlives the link */
	size_t max_frame;	    /* of a reply; 0: 1 MiB */
};

/* Nothing is sent yet.  OV_E_NET_ADDRESS. */
OV_MUST_CHECK enum ov_status ov_link_new(
    struct ov_link **link, const struct ov_link_options *o);

/* No other thread may be in a call, and all tickets must be freed.  NULL is fine. */
void ov_link_free(struct ov_link *link);

/* Connects, up to the server's word that the certificate is accepted; returns at
 * once if connected; waits for another thread that is connecting.  Called again
 * after OV_E_NET_CLOSED.
 * OV_E_NET_UNREACHABLE: no TCP connection, or it ended during the handshake;
 * OV_E_TIMEOUT: it stands but the handshake does not end; OV_E_NET_LIMIT: the broker
 * has no room for it; OV_E_CANCELLED: by ov_link_cancel; OV_E_TLS_CERTIFICATE:
 * the server's certificate is not the authority's or for another name;
 * OV_E_BROKER_REVOKED, OV_E_TLS_HANDSHAKE: the server refuses ours. */
OV_MUST_CHECK enum ov_status ov_link_connect(struct ov_link *link, uint32_t timeout_ms);

/* Sends first || body as a request.  first is copied; body (malloc'd, may be NULL)
 * becomes the link's, on failure too.  How many are in flight is the caller's
 * choice: what is not sent yet stays in memory.  OV_E_NET_CLOSED. */
OV_MUST_CHECK enum ov_status ov_link_start(struct ov_link *link,
    struct ov_ticket **ticket, struct ov_bytes first, uint8_t *body, size_t body_len);

/* Waits for the reply.  OV_E_TIMEOUT: not yet, wait again or free the ticket;
 * OV_E_NET_CLOSED or the reason why the connection ended: no reply will come.
 * One thread per ticket, and a reply is given once. */
OV_MUST_CHECK enum ov_status ov_link_wait(
    struct ov_ticket *ticket, struct ov_reply *reply, uint32_t timeout_ms);

/* Forgets the request; a reply that still comes is dropped.  NULL is fine. */
void ov_ticket_free(struct ov_ticket *ticket);

/* The three above in one, with a copy of body. */
OV_MUST_CHECK enum ov_status ov_link_call(struct ov_link *link, struct ov_reply *reply,
    struct ov_bytes body, uint32_t timeout_ms);

/* Ends the connection; requests in flight fail with OV_E_CANCELLED.  For a thread
 * that wants the others to return. */
void ov_link_cancel(struct ov_link *link);

struct ov_link_counters {
	uint64_t bytes_sent, bytes_received; /* on the wire, over all connections */
	uint64_t connects;
};
void ov_link_read_counters(struct ov_link *link, struct ov_link_counters *c);

/* DER of the authority of the connection, malloc'd: after a first connection that
 * was pinned by hash.  OV_E_NET_CLOSED if not connected. */
OV_MUST_CHECK enum ov_status ov_link_root(
    struct ov_link *link, uint8_t **der, size_t *len);

#endif /* OV_COMMON_TRANSPORT_LINK_H */
