/* exchange.h - the streams of a job: points out, points in, tags and roster to the
 * broker.
 *
 *     send:     gather -> hash, blind, seal (all cores) -> put chunk
 *     receive:  get chunk -> open, blind, tag; own roster (all cores) -> put both
 *
 * Both directions run chunk by chunk as chunks are there, with a few of them in memory.
 * ROSTER and TAGS leave only after a chunk of the partner opened: proof that it holds
 * the same transcript.  Everything sent follows from keys and list, so an exchange that
 * was interrupted is simply run again: chunks that the broker has are not sent twice.
 */
#ifndef OV_CLIENT_JOB_EXCHANGE_H
#define OV_CLIENT_JOB_EXCHANGE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "client/job/deck.h"
#include "client/session.h"
#include "proto/chunk.h"
#include "proto/keys.h"
#include "proto/steps.h"

/* What COMPLETE says of a stream. */
struct ov_stream_sum {
	uint32_t count;
	uint8_t plain[OV_HASH_LEN];
	uint8_t sent[OV_HASH_LEN];
};

struct ov_exchange_options {
	struct ov_home *home;
	struct ov_session *session;
	const uint8_t *job; /* 16 */
	const uint8_t *th;  /* 64 */
	enum ov_role role;
	const struct ov_shared_keys *keys;
	const struct ov_deck *deck;
	const uint8_t *scalar;	/* 32, SECRET */
	struct ov_bytes legend; /* encoded LEGEND, at most OV_LEGEND_LEN - 2 bytes */
	uint32_t other_slots;
	uint32_t wait_ms;	   /* how long to wait for a chunk of the partner */
	const atomic_bool *cancel; /* may be NULL */
	/* Called once, when the partner's legend is there and before the first byte of
	 * ROSTER or TAGS leaves: checks the one and charges the other.  Its failure ends
	 * the exchange. */
	enum ov_status (*admit)(void *ctx);
	void *admit_ctx;
	/* May be NULL.  done and all in slots, both directions together. */
	void (*progress)(void *ctx, uint64_t done, uint64_t all);
	void *progress_ctx;
};

struct ov_exchange {
	struct ov_exchange_options o;
	pthread_mutex_t lock; /* session and database are used by two threads in turn */
	uint8_t *tags;	      /* 16 bytes for each of the partner's slots */
	uint8_t legend[OV_LEGEND_LEN]; /* the partner's, when admit is called */
	struct ov_stream_sum points_out, points_in, tags_out, roster_out;
	uint64_t slots_done;
	/* CPU time of all threads: hashing to the group and blinding; sealing and opening
	 */
	atomic_uint_fast64_t group_ns, seal_ns;
};

OV_MUST_CHECK enum ov_status ov_exchange_init(
    struct ov_exchange *x, const struct ov_exchange_options *o);
void ov_exchange_fini(struct ov_exchange *x);

/* Sends the own POINTS.  Network failures as session.h; OV_E_CANCELLED. */
OV_MUST_CHECK enum ov_status ov_exchange_send_points(struct ov_exchange *x);

/* Receives the partner's POINTS and sends ROSTER and TAGS.  OV_E_JOB_WAITING if the
 * partner sends nothing for wait_ms; OV_E_CRYPTO_OPEN, OV_E_PSI_POINT,
 * OV_E_PSI_DUPLICATE, OV_E_PROTO_COUNT: the partner is at fault and the job ends. */
OV_MUST_CHECK enum ov_status ov_exchange_receive(struct ov_exchange *x);

#endif /* OV_CLIENT_JOB_EXCHANGE_H */
