/* broker.h - what every part of the broker works with: store, keys, limits, clock.
 *
 * One struct for the life of the process, read-only after the start but for what the
 * pointers lead to, which lock for themselves.  No state here that a restart would
 * need: that is all in the store and the key files.
 */
#ifndef OV_SERVER_BROKER_H
#define OV_SERVER_BROKER_H

#include "common/tls/ca.h"
#include "server/store.h"

struct ov_digests;
struct ov_events;
struct ov_joiner;

struct ov_limits {
	uint32_t open_jobs;	   /* of one company */
	uint32_t slots;		   /* of a list: a join takes 48 bytes a slot of both */
	uint64_t stored_bytes;	   /* of one company: mails and streams */
	uint32_t calls_per_minute; /* of one company */
	uint32_t connections;
	uint32_t connections_per_company;
	uint32_t tokens; /* enrolment tokens that wait to be used */
};

struct ov_broker {
	struct ov_store *store;
	struct ov_events *events;   /* NULL: no call is held, and nobody is woken */
	struct ov_digests *digests; /* NULL: each COMPLETE reads its stream */
	struct ov_joiner *joiner;   /* NULL: reports are made by ov_report_make alone */
	struct ov_ca *ca;
	char *ca_pem;
	uint8_t ca_sha256[32];
	uint8_t *log_sk, *report_sk; /* SECRET, ov_secret_alloc'd */
	uint8_t log_pk[32], report_pk[32];
	uint8_t log_id[OV_ID];
	struct ov_limits limits;
	int64_t (*now)(void); /* seconds since 1970 */
};

/* Both lists of a job then take 1.5 GiB while they are joined. */
#define OV_SLOTS_DEFAULT (UINT32_C(1) << 24)

/* How long things live, in seconds. */
#define OV_HOUR INT64_C(3600)
#define OV_DAY (24 * OV_HOUR)
#define OV_CLOCK_SKEW (INT64_C(5) * 60) /* PROTOCOL.md 7.4 */
#define OV_EXPIRY_MAX (72 * OV_HOUR)	/* PROTOCOL.md 7.3 */
#define OV_REPORT_LIFE (7 * OV_DAY)	/* from REPORT to the second CLOSE */
#define OV_TOKEN_LIFE (24 * OV_HOUR)	/* PROTOCOL.md 2.3 */
#define OV_MAIL_LIFE (90 * OV_DAY)

#endif /* OV_SERVER_BROKER_H */
