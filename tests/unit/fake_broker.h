/* fake_broker.h - a broker for tests of the client: real TLS and frames, a real log, and
 * it lies when it is told to.
 */
#ifndef OV_TESTS_FAKE_BROKER_H
#define OV_TESTS_FAKE_BROKER_H

#include <pthread.h>
#include <stdatomic.h>

#include "common/merkle/merkle.h"
#include "common/transport/edge.h"
#include "home_site.h"
#include "pki.h"

enum lie {
	LIE_NONE,
	LIE_SMALLER,	       /* a head of fewer leaves than were shown */
	LIE_FORK,	       /* a head of another tree */
	LIE_SIGNATURE,	       /* a head that the log key did not sign */
	LIE_LOG,	       /* a head of another log id */
	LIE_PROOF,	       /* a changed inclusion proof */
	LIE_CONSISTENCY,       /* no consistency proof */
	LIE_SALT,	       /* a leaf with another salt */
	LIE_TYPE,	       /* a leaf of another type */
	LIE_VERSION,	       /* another protocol version */
	LIE_NO_PROOF_OF_GROWTH /* GET_CONSISTENCY is answered with E_NOT_FOUND */
};

#define FAKE_LEAVES 64

struct fake_tree {
	uint64_t size;
	uint8_t leaf[FAKE_LEAVES][32];
};

struct fake_broker {
	struct pki pki;
	struct pair company;
	struct ov_tls_context *tls;
	struct ov_edge *edge;
	char address[64];
	pthread_mutex_t mx;
	struct fake_tree tree, other;
	enum lie lie;
	atomic_uint drop;   /* this many requests are dropped with their connection */
	atomic_uint errors; /* this many requests are answered with `error` */
	const char *error;
	uint32_t retry_ms;
	atomic_uint requests, hellos;
	/* chunks by index: how often each came */
	atomic_uint chunks[64];
	/* Messages that this broker does not know itself; NULL: E_WIRE_UNKNOWN.  Appends
	 * the reply.  Under mx. */
	void (*extra)(void *arg, struct ov_buf *reply, struct ov_bytes in,
	    const uint8_t fingerprint[32]);
	void *arg;
	bool extra_steps; /* PUT_STEP goes to extra, too */
};

void fake_start(struct fake_broker *b);
void fake_stop(struct fake_broker *b); /* and forgets everything */
void fake_down(struct fake_broker *b); /* takes no connections any more */
void fake_up(struct fake_broker *b);   /* again, on the same port */

/* A joined home of this broker. */
struct ov_home *fake_home(struct fake_broker *b, const char *name);

/* Appends a leaf type || salt (of zeros) || body; its index. */
uint64_t fake_append(struct fake_broker *b, unsigned int type, struct ov_bytes body);

/* A signed head of size leaves; consistency from seen. */
struct fake_head {
	uint8_t bytes[OV_HEAD_MAX];
	size_t len;
	uint8_t signature[64];
	struct ov_merkle_proof consistency;
};
void fake_head(struct fake_head *h, struct fake_broker *b, uint64_t seen);

/* Fills the fields OV_FIELDS_PROVEN of m for leaf `index`. */
struct fake_proof {
	struct fake_head head;
	struct ov_merkle_proof inclusion;
};
void fake_prove(
    struct fake_proof *p, struct fake_broker *b, uint64_t index, uint64_t seen);
#define FAKE_PROVEN_INTO(m, p, at)                                                       \
	do {                                                                             \
		(m)->index = (at);                                                       \
		(m)->proof = OV_BYTES((p)->inclusion.bytes, (p)->inclusion.len);         \
		(m)->head = OV_BYTES((p)->head.bytes, (p)->head.len);                    \
		memcpy((m)->head_signature, (p)->head.signature, 64);                    \
		(m)->consistency =                                                       \
		    OV_BYTES((p)->head.consistency.bytes, (p)->head.consistency.len);    \
	} while (0)

void fake_error(struct ov_buf *reply, const char *status, uint32_t retry_ms);

#endif /* OV_TESTS_FAKE_BROKER_H */
