/* wire.h - frames over TLS over an nng byte stream: what the server's connections
 * (conn.c) and the client's link (link.c) have in common.  Not for other modules.
 *
 * The owner has a lock and holds it in every call but ov_wire_stop and
 * ov_wire_fini.  The two completion callbacks are the owner's: each takes the
 * lock, calls ov_wire_received or ov_wire_sent, then steps and flushes.  Nothing
 * here blocks: a step decrypts at most one receive buffer, a flush seals at most
 * one send buffer.
 */
#ifndef OV_COMMON_TRANSPORT_WIRE_H
#define OV_COMMON_TRANSPORT_WIRE_H

#include <nng/nng.h>

#include "common/crypto/hash.h"
#include "common/status.h"
#include "common/tls/tls.h"
#include "common/transport/frame.h"

/* One frame to be sent. */
struct ov_out {
	struct ov_out *next;
	uint8_t *body; /* malloc'd, freed when sealed; may be NULL */
	size_t body_len;
	size_t head_len; /* frame head and the copied first part of the body */
	size_t off;	 /* bytes sealed so far, of head and body together */
	uint8_t head[];
};

enum ov_wire_event {
	OV_WIRE_WAIT,	/* nothing more before the next completion */
	OV_WIRE_OPENED, /* the handshake is done */
	OV_WIRE_HEAD,	/* in.id and in.len: ov_wire_accept, or flush without reading and
			 * step again later: it comes again */
	OV_WIRE_FRAME,	/* in.body is complete: ov_wire_take */
	OV_WIRE_FAILED	/* `why` is set; once */
};

struct ov_wire {
	nng_stream *stream;
	nng_aio *rx, *tx;
	struct ov_tls *tls;
	struct ov_frame_reader in;
	struct ov_out *first, **last;
	size_t queued;	       /* ov_out_cost of all frames in the queue */
	enum ov_status why;    /* why it failed or was closed */
	bool rx_busy, tx_busy; /* an aio is under way */
	bool open;	       /* handshake done */
	bool finishing;	       /* sends what is pending, then dies */
	bool dead;	       /* the stream is closed; nothing is started any more */
	bool rx_large, tx_large;
	uint64_t bytes_in, bytes_out; /* ciphertext */
	/* Asked before a large buffer is used, told after; NULL: always allowed. */
	bool (*charge)(void *owner, size_t n);
	void (*discharge)(void *owner, size_t n);
	void *owner;
};

/* Takes over stream and tls, on failure too.  The callbacks get owner. */
OV_MUST_CHECK enum ov_status ov_wire_init(struct ov_wire *w, nng_stream *stream,
    struct ov_tls *tls, void (*rx_done)(void *), void (*tx_done)(void *), void *owner);

/* What a completion brought; the number of bytes. */
size_t ov_wire_received(struct ov_wire *w);
size_t ov_wire_sent(struct ov_wire *w);

enum ov_wire_event ov_wire_step(struct ov_wire *w);
void ov_wire_accept(struct ov_wire *w, uint8_t *body); /* malloc'd, in.len bytes */
uint8_t *ov_wire_take(struct ov_wire *w);	       /* the caller frees */

/* A frame whose body is first || body; first is copied, body (malloc'd, may be
 * NULL) is taken over.  NULL: out of memory, body is the caller's still.  The sum
 * must fit 32 bits. */
struct ov_out *ov_out_new(
    uint64_t id, struct ov_bytes first, uint8_t *body, size_t body_len);
void ov_out_free(struct ov_out *o);
size_t ov_out_cost(const struct ov_out *o); /* bytes of memory */
void ov_wire_queue(struct ov_wire *w, struct ov_out *o);

/* Seals what fits, starts sending, and receiving if read.  Returns the cost of the
 * frames that left the queue. */
size_t ov_wire_flush(struct ov_wire *w, bool read);

/* Bytes wait to leave, sealed or not. */
bool ov_wire_is_sending(const struct ov_wire *w);

/* Says goodbye (or the alert of a failure), then dies when it is sent. */
void ov_wire_finish(struct ov_wire *w, enum ov_status why);
/* Dies now. */
void ov_wire_kill(struct ov_wire *w, enum ov_status why);
/* Dead and no completion to come. */
bool ov_wire_is_quiet(const struct ov_wire *w);

/* Both without the lock, after it is quiet: waits for the end of callbacks that
 * still return; then frees everything but w itself. */
void ov_wire_stop(struct ov_wire *w);
void ov_wire_fini(struct ov_wire *w);

/* "tcp://HOST:PORT" of "HOST:PORT" ("[::1]:7400" for IPv6), and the HOST alone
 * without brackets.  OV_E_NET_ADDRESS. */
#define OV_WIRE_URL_MAX 300
OV_MUST_CHECK enum ov_status ov_wire_address(
    char url[OV_WIRE_URL_MAX], char host[OV_WIRE_URL_MAX], const char *address);

#endif /* OV_COMMON_TRANSPORT_WIRE_H */
