/* edge_impl.h - the parts of an edge: edge.c (listening, stopping, the keeper
 * thread), conn.c (one connection), request.c (requests and workers), quota.c
 * (memory and peers).  For these four alone.
 *
 * Locks: conn->mx, then edge->mx; never the other way, and no two conn->mx.
 * Threads: nng's task threads run completions (conn->mx, short); workers run
 * handlers (no lock); the keeper enforces deadlines and frees connections, since
 * nng's aio may only be freed where waiting is allowed.
 * References: a conn is freed with its last request, an edge with its last conn.
 */
#ifndef OV_COMMON_TRANSPORT_EDGE_IMPL_H
#define OV_COMMON_TRANSPORT_EDGE_IMPL_H

#include <pthread.h>
#include <stdatomic.h>

#include "common/transport/edge.h"
#include "common/transport/wire.h"

enum {
	PEER_BUCKETS = 256,
	/* a dying connection may take this long to send its last alert */
	FINISH_MS = 1000,
	SLOW_QUANTUM = 64 * 1024
};
#define NO_DEADLINE UINT64_MAX

/* What is known of the owner of a certificate, while it is connected or its rate
 * is not yet recovered.  All under edge->mx. */
struct peer {
	struct peer *next;
	uint8_t fingerprint[OV_FINGERPRINT_LEN];
	unsigned int connections;
	uint64_t credit; /* in requests * 60,000: each ms adds requests_per_minute */
	uint64_t credited_ms;
};

enum request_state { REQUEST_QUEUED, REQUEST_RUNNING, REQUEST_HELD };

struct ov_request {
	struct conn *conn; /* a reference */
	atomic_uint refs;  /* the owner's, the worker's, one in the gone queue */
	uint64_t id;
	uint8_t *body;
	size_t len;
	void *tag;
	/* under conn->mx */
	struct ov_request *next;		   /* conn->waiting */
	struct ov_request *live_next, **live_back; /* conn->live, once dispatched */
	size_t reserve; /* memory set aside for a reply from the handler */
	enum request_state state;
	bool fresh;   /* no handler has seen it */
	bool again;   /* resumed while its handler still runs */
	bool limited; /* over the rate */
	bool ended;
	bool gone; /* in the edge's gone queue */
	/* under edge->mx */
	struct ov_request *gone_next;
};

struct conn {
	struct ov_edge *edge;
	atomic_uint refs;
	uint64_t number;
	_Atomic uint64_t deadline; /* when the keeper looks after it, ms */
	pthread_mutex_t mx;
	/* under mx */
	struct ov_wire wire;
	struct ov_request *waiting, **waiting_last; /* for a worker */
	struct ov_request *live;		    /* seen by a handler, not ended */
	unsigned int in_flight;			    /* of both kinds */
	size_t in_bytes;			    /* their bodies */
	size_t incoming;			    /* charge of the body being read */
	bool held_back; /* not read from, for our reasons: no frame deadline */
	bool buried;	/* its requests know that it is dead */
	bool given;	/* to the keeper */
	uint64_t accepted_ms, active_ms, frame_ms, slow_ms, finish_ms; /* 0: not set */
	size_t drained; /* bytes sent since slow_ms */
	/* under edge->mx */
	struct conn *next, **back; /* all */
	struct conn *ready_next, *starved_next, *reap_next;
	bool ready, starved, condemned, known;
	uint8_t fingerprint[OV_FINGERPRINT_LEN]; /* set once, before known */
	struct peer *peer;
};

struct conn_queue {
	struct conn *first, **last;
};

struct ov_edge {
	struct ov_edge_options o;
	atomic_uint refs;
	size_t reply_reserve, soft_cap; /* of memory: of one handler; for bodies */
	unsigned int max_connections;	/* the option, or what half the memory takes */
	uint32_t tick_ms;
	nng_stream_listener *listener;
	nng_aio *accept;
	uint16_t port;
	pthread_t keeper, *workers;
	unsigned int n_workers; /* started */
	bool keeper_started;

	atomic_bool stopping; /* no new connection, no new request */
	atomic_bool pressed;  /* somebody waits for memory */
	_Atomic uint64_t memory, memory_peak, connections, in_flight, sending;
	_Atomic uint64_t accepted, refused, handshakes_failed, requests, limited;
	_Atomic uint64_t timeouts_handshake, timeouts_frame, timeouts_idle, timeouts_slow;
	_Atomic uint64_t oversized, revoked, accept_pauses, bytes_in, bytes_out;

	pthread_mutex_t mx;
	pthread_cond_t work;  /* for workers */
	pthread_cond_t chore; /* for the keeper and ov_edge_stop */
	/* under mx */
	bool quit_workers, quit_keeper;
	bool freed; /* memory came free since the keeper last looked */
	struct conn *all;
	struct conn_queue ready; /* connections with requests that may run: taken in
				  * turn, so that one cannot crowd out the others */
	struct conn *starved, **starved_last;
	struct conn *reap;
	struct ov_request *gone, **gone_last;
	uint64_t accept_at; /* when to accept again after descriptors ran out; 0: is on */
	uint32_t accept_pause_ms;
	uint64_t next_number;
	struct peer *peers[PEER_BUCKETS];
};

uint64_t ov_now_ms(void); /* monotonic */

/* quota.c: limit is soft_cap or memory_cap; false: it does not fit. */
bool ov_quota_charge(struct ov_edge *e, size_t n, size_t limit);
void ov_quota_add(struct ov_edge *e, size_t n); /* past any limit */
/* Never with edge->mx held: it wakes who waits for memory. */
void ov_quota_discharge(struct ov_edge *e, size_t n);
/* edge->mx held: enters c's fingerprint; false over the limit of connections. */
bool ov_quota_enter(struct ov_edge *e, struct conn *c);
void ov_quota_leave(struct ov_edge *e, struct conn *c);
bool ov_quota_request(
    struct ov_edge *e, struct conn *c, uint64_t now); /* takes edge->mx */
void ov_quota_sweep(struct ov_edge *e, uint64_t now); /* takes edge->mx */
void ov_quota_fini(struct ov_edge *e);

/* What a connection is charged from accept to its end. */
#define CONN_COST (sizeof(struct conn) + OV_TLS_SESSION_COST)

/* conn.c: takes over the stream, also on failure (NULL). */
struct conn *ov_conn_new(struct ov_edge *e, nng_stream *s);
void ov_conn_begin(struct conn *c);
void ov_conn_ref(struct conn *c);
void ov_conn_unref(struct conn *c);
/* c->mx held: reads, admits, seals, sends, sets the deadline; after every change. */
void ov_conn_pump(struct conn *c);
void ov_conn_kill(struct conn *c, enum ov_status why); /* takes c->mx */
void ov_conn_expire(struct conn *c, uint64_t now);     /* takes c->mx */
void ov_conn_goodbye(struct conn *c);		       /* takes c->mx */
void ov_conn_free_wire(struct conn *c);		       /* the keeper, after reaping */

/* request.c */
struct ov_request *ov_request_new(struct conn *c, uint64_t id, uint8_t *body, size_t len);
void ov_request_queue(struct ov_request *r); /* conn->mx held */
/* conn->mx held: puts c in the ready queue if a request of it may run. */
void ov_request_ready(struct conn *c);
/* conn->mx held, the wire is dead: frees fresh requests, tells of held ones. */
void ov_request_bury(struct conn *c);
void *ov_worker_main(void *edge);

void ov_edge_ref(struct ov_edge *e);
void ov_edge_unref(struct ov_edge *e);

#endif /* OV_COMMON_TRANSPORT_EDGE_IMPL_H */
