/* enrol.h - how a home becomes known to a broker (PROTOCOL 2.4), with a token: once,
 * again when its certificate is to be renewed, and when its identity changes.
 */
#ifndef OV_CLIENT_ENROL_H
#define OV_CLIENT_ENROL_H

#include "client/home.h"
#include "proto/code.h"

/* Who enrols. */
struct ov_enrol_identity {
	const uint8_t *identity, *envelope;
	const uint8_t *identity_sk; /* SECRET */
};

struct ov_enrol_options {
	const struct ov_token_code *token;
	const char *broker; /* HOST:PORT of the main listener; NULL: as it was */
	const char *enrol;  /* HOST:PORT of the enrolment listener */
	const struct ov_enrol_identity *as; /* NULL: the home's own identity */
	/* What is done with the answer, durably; NULL: the home joins, or, if it has
	 * joined, gets this certificate in place of its own. */
	enum ov_status (*finish)(
	    void *arg, struct ov_home *home, const struct ov_joined *joined);
	void *arg;
};

/* Draws a TLS key and a request, stores both, sends the request until it is answered,
 * checks everything against the token, and, of a home that has joined, against what it
 * pinned, and finishes.  What was drawn is kept, so the same token may be tried again
 * after any failure or crash and gives the same answer.  After a renewal the home is to
 * be opened anew.
 * OV_E_BROKER_TOKEN, OV_E_BROKER_EXISTS: the broker's word; OV_E_TLS_CERTIFICATE: not the
 * authority of the token, or another than was pinned; OV_E_PAIR_BROKER: another log or
 * report key; OV_E_NET_*. */
OV_MUST_CHECK enum ov_status ov_enrol(
    struct ov_home *home, const struct ov_enrol_options *options);

#endif /* OV_CLIENT_ENROL_H */
