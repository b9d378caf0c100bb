/* serve.h - a broker at work: listeners, held calls, the joiner, deadlines.
 */
#ifndef OV_SERVER_SERVE_H
#define OV_SERVER_SERVE_H

#include "server/broker.h"

struct ov_serve_options {
	const char *dir;       /* the site */
	const char *listen;    /* HOST:PORT for companies */
	const char *enrolment; /* HOST:PORT for enrolment */
	struct ov_limits limits;
	void (*ready)(
	    uint16_t companies, uint16_t enrolment); /* ports; calls are taken */
};

/* Serves until SIGTERM or SIGINT, then drains.  Tells the service manager by
 * NOTIFY_SOCKET, if that is set, when it takes calls and when it stops.
 * OV_E_DB_BUSY: another broker serves this site. */
OV_MUST_CHECK enum ov_status ov_serve(const struct ov_serve_options *o);

#endif /* OV_SERVER_SERVE_H */
