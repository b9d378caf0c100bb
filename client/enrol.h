/* enrol.h - how a home becomes known to a broker (PROTOCOL 2.4): once, with a token. */
#ifndef OV_CLIENT_ENROL_H
#define OV_CLIENT_ENROL_H

#include "client/home.h"
#include "proto/code.h"

struct ov_enrol_options {
	const struct ov_token_code *token;
	const char *broker; /* HOST:PORT of the main listener, to be remembered */
	const char *enrol;  /* HOST:PORT of the enrolment listener */
};

/* Draws a TLS key and a request, stores both, sends the request until it is answered,
 * checks everything against the token and joins.  What was drawn is kept, so the same
 * token may be tried again after any failure or crash and gives the same answer.
 * OV_E_HOME_EXISTS if the home has joined; OV_E_BROKER_TOKEN, OV_E_BROKER_EXISTS: the
 * broker's word; OV_E_TLS_CERTIFICATE: not the authority of the token; OV_E_PAIR_BROKER:
 * another log key than the token's; OV_E_NET_*. */
OV_MUST_CHECK enum ov_status ov_enrol(
    struct ov_home *home, const struct ov_enrol_options *options);

#endif /* OV_CLIENT_ENROL_H */
