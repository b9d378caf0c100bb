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
};

extern struct ov_broker broker;
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

#endif /* OV_TESTS_BROKER_SITE_H */
