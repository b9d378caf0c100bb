/* broker_exchange.h - a job between Ada and Bob at the broker of broker_site.h: streams,
 * report, close.
 *
 * The partners' cryptography is made up: tags and MACs are plain patterns, so that each
 * row of a view can be told from where it must have come.
 */
#ifndef OV_TESTS_BROKER_EXCHANGE_H
#define OV_TESTS_BROKER_EXCHANGE_H

#include "proto/chunk.h"
#include "proto/slots.h"
#include "tests/unit/broker_site.h"

#define SLOTS_A 1024 /* as proposal() and acceptance() say */
#define SLOTS_B 1280
#define MATCHES 40 /* Ada's slot i is Bob's slot MATCHES - 1 - i, for i < MATCHES */

extern uint8_t roster[2][SLOTS_B * OV_ROSTER_ROW];
extern uint8_t tags[2][SLOTS_B * OV_TAG_ROW]; /* by who made them */

/* Who is A, who is B; Ada and Bob unless a test changes it. */
extern const struct actor *roles[2];
const struct actor *actor_of(unsigned int role);

/* What says whose row it is: who made it, what it is, where it stands. */
void mark(uint8_t mac[OV_MAC_LEN], uint8_t who, uint8_t what, uint32_t position);
uint8_t label_of(uint32_t slot);

/* Every slot a record of its own; tags agree for the first MATCHES slots. */
void make_lists(void);

/* A COMPLETE but for its digest, and sending one. */
struct ov_msg_complete completion(const struct run *r, unsigned int stream, size_t count);
enum ov_status complete(
    unsigned int role, const struct run *r, const struct ov_msg_complete *m);
void digest_stream(uint8_t out[OV_DIGEST], unsigned int stream, const uint8_t *p,
    size_t len, size_t chunk);

/* One stream of a role, whole; *m: its COMPLETE, not sent. */
void send_points(unsigned int role, const struct run *r, struct ov_msg_complete *m);
void send_roster(unsigned int role, const struct run *r, struct ov_msg_complete *m);
void send_tags(unsigned int role, const struct run *r, struct ov_msg_complete *m);

/* All six streams of an accepted job with their COMPLETEs; the same from PROPOSE on. */
void exchange_streams(struct run *r);
void exchange(struct run *r);

/* REPORT as Ada gets it, with its proof; m borrows from body, which is overwritten. */
void fetch_report(struct ov_msg_report *m, struct ov_buf *body, const struct run *r);
/* Both CLOSE. */
void close_job(const struct run *r, const struct ov_buf *report);

#endif /* OV_TESTS_BROKER_EXCHANGE_H */
