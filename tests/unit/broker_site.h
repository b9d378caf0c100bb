/* broker_site.h - a broker in a temporary directory and companies that call it without a
 * network: for tests of what the broker does with messages.
 */
#ifndef OV_TESTS_BROKER_SITE_H
#define OV_TESTS_BROKER_SITE_H

#include "proto/keys.h"
#include "server/dispatch.h"
#include "server/log.h"

/* A company: its keys, and the certificate that it calls under. */
struct actor {
	const char *name;
	uint8_t pk[32], sk[64];
	uint8_t envelope[32];
	uint8_t id[OV_ID], fingerprint[32];
	char *tls_key; /* PEM */
	char certificate[4097];
};

extern struct ov_broker broker;
extern int64_t clock_start; /* what setup sets the clock to */
extern int64_t clock_now;
extern char site_dir[];

/* cmocka setup and teardown: a fresh site, opened; all gone again. */
int site_setup(void **state);
int site_teardown(void **state);
void site_reopen(void); /* as after a restart */

void actor_init(struct actor *a, const char *name);
/* Token, ENROL, certificate: asserts that all is well. */
void actor_enrol(struct actor *a, const char *name);
void actor_fini(struct actor *a);

/* One call.  The status of an ERROR, or OV_OK with the reply decoded; its variable fields
 * are good until the next call. */
enum ov_status call(const struct actor *a, enum ov_msg type, const void *m,
    enum ov_msg want, void *reply);
enum ov_status call_enrol(const void *m, struct ov_msg_enrolled *reply);
/* ENROL with these words of an actor. */
enum ov_status enrol_with(const struct actor *a, const uint8_t secret[16],
    const uint8_t *spki, struct ov_msg_enrolled *reply);
/* The secret inside a token's text. */
void token_secret(uint8_t secret[16], const char *text);

/* Checks inclusion, head and consistency of a PROVEN against what the test saw last, as a
 * client would; asserts. */
void check_proven(const struct ov_msg_proven *p, enum ov_leaf type, struct ov_bytes body);
extern uint64_t seen; /* size of the last head that check_proven saw */

/* Three companies, and what two of them agreed on. */
extern struct actor ada, bob, eve;
int companies_setup(void **state);
int companies_teardown(void **state);

struct deal {
	struct ov_buf terms, release, body_bytes;
	struct ov_msg_terms_body body;
};
/* Terms of Ada and Bob: two populations each, the first at `matches`, the second at
 * `counts`; two runs in 30 days. */
void make_deal(struct deal *d, uint64_t sequence);
void deal_free(struct deal *d);
enum ov_status sign_deal(const struct actor *a, const struct actor *partner,
    const struct deal *d, struct ov_msg_terms_signed *reply);

/* The same with `deal` in force. */
extern struct deal deal;
int deal_setup(void **state);
int deal_teardown(void **state);

/* Signs and puts a step: its bytes, or its struct (bytes are left in *bytes). */
enum ov_status put(const struct actor *a, const uint8_t job[OV_ID], unsigned int step,
    struct ov_bytes body, struct ov_msg_proven *reply);
enum ov_status put_step(const struct actor *a, const uint8_t job[OV_ID],
    unsigned int step, const void *body, struct ov_buf *bytes);
struct ov_msg_propose proposal(uint8_t job); /* Ada to Bob, 1024 slots, an hour */
struct ov_msg_accept acceptance(
    const struct ov_msg_propose *p, const struct ov_buf *bytes); /* 1280, two hours */
struct ov_msg_job job_state(const struct actor *a, const uint8_t job[OV_ID]);

/* A job under way: both steps as they were sent. */
struct run {
	struct ov_msg_propose p;
	struct ov_msg_accept a;
	struct ov_buf propose, accept;
	uint8_t th[OV_DIGEST];
};
void start_run(struct run *r, uint8_t job);
void run_free(struct run *r);

enum ov_status put_chunk(const struct actor *a, const uint8_t job[OV_ID],
    unsigned int stream, uint32_t index, bool last, const void *p, size_t len);
enum ov_status get_chunk(const struct actor *a, const uint8_t job[OV_ID],
    unsigned int stream, uint32_t index, struct ov_msg_chunk *reply);

/* The fields of OV_FIELDS_PROVEN of a message into a PROVEN. */
#define PROVEN_OF(p, m)                                                                  \
	do {                                                                             \
		(p)->leaf_type = (m)->leaf_type;                                         \
		memcpy((p)->salt, (m)->salt, 16);                                        \
		(p)->index = (m)->index;                                                 \
		(p)->proof = (m)->proof;                                                 \
		(p)->head = (m)->head;                                                   \
		memcpy((p)->head_signature, (m)->head_signature, 64);                    \
		(p)->consistency = (m)->consistency;                                     \
	} while (0)

#define LEGEND_CHUNK (4096 + 40) /* a sealed legend */

#endif /* OV_TESTS_BROKER_SITE_H */
