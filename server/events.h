/* events.h - calls that wait: held until something happens to a company or a job, or
 * their time is over.
 *
 * Nothing here is state: a call that a restart loses is asked again by its client.
 *
 *     mark = ov_events_mark(ev)           before the store is read
 *     ... not there yet ...
 *     ov_events_hold(ev, r, id, mark, wait_ms)
 *
 * Any event between the two brings the request back at once, so none is missed.  What
 * waits is known by an id of 16 bytes (a company's for its mail, a job's for its
 * steps and streams).  Thread-safe.
 */
#ifndef OV_SERVER_EVENTS_H
#define OV_SERVER_EVENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/status.h"
#include "common/transport/edge.h"

struct ov_events;

OV_MUST_CHECK enum ov_status ov_events_new(struct ov_events **out);
void ov_events_free(struct ov_events *ev); /* nothing is held any more; NULL is fine */

/* Grows with every event. */
uint64_t ov_events_mark(struct ov_events *ev);

/* Something happened to id: requests that wait for it come back to their handler.
 * ev may be NULL. */
void ov_events_fire(struct ov_events *ev, const uint8_t id[16]);

/* True if r was held before and its time is over: it must be answered now. */
bool ov_events_is_late(struct ov_events *ev, struct ov_request *r);

/* Holds r for at most wait_ms since it was first held; the caller does not touch r any
 * more.  OV_E_NOMEM: not held, still the caller's. */
OV_MUST_CHECK enum ov_status ov_events_hold(struct ov_events *ev, struct ov_request *r,
    const uint8_t id[16], uint64_t mark, uint32_t wait_ms);

/* Forgets that r was held; before the reply that ends it. */
void ov_events_forget(struct ov_events *ev, struct ov_request *r);

/* For ov_edge_options.on_gone. */
void ov_events_gone(struct ov_events *ev, struct ov_request *r);

/* Brings all back and lets none be held any more: ov_events_is_late is true for all. */
void ov_events_stop(struct ov_events *ev);

#endif /* OV_SERVER_EVENTS_H */
