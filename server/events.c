#include "server/events.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Lists are by hash of the id; ids are random, so a byte of it will do. */
#define BUCKETS 256

/* A request's tag, from its first hold until it is ended. */
struct held {
	struct ov_request *r;
	uint8_t id[16];
	uint64_t deadline_ms;
	bool linked; /* waits; otherwise a handler has it, or will have it soon */
	struct held *next, **back;
};

struct ov_events {
	pthread_mutex_t mx;
	pthread_cond_t nearer; /* the nearest deadline changed, or stopping */
	pthread_t timer;
	bool stopping, quit;
	uint64_t mark;
	struct held *list[BUCKETS];
	uint64_t nearest_ms;
};

static uint64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void
link_held(struct ov_events *ev, struct held *h)
{
	struct held **list = &ev->list[h->id[0]];

	h->linked = true;
	h->next = *list;
	h->back = list;
	if (*list != NULL)
		(*list)->back = &h->next;
	*list = h;
}

static void
unlink_held(struct held *h)
{
	h->linked = false;
	*h->back = h->next;
	if (h->next != NULL)
		h->next->back = h->back;
}

/* With the lock held, so that a request is never resumed and dropped at once.  The edge
 * calls nothing of ours back from within. */
static void
bring_back(struct held *h)
{
	unlink_held(h);
	ov_request_resume(h->r);
}

/* Brings back what is late; the nearest deadline of the rest. */
static void
sweep(struct ov_events *ev, uint64_t now)
{
	ev->nearest_ms = UINT64_MAX;
	for (size_t i = 0; i < BUCKETS; i++) {
		struct held *h, *next;

		for (h = ev->list[i]; h != NULL; h = next) {
			next = h->next;
			if (ev->stopping || h->deadline_ms <= now)
				bring_back(h);
			else if (h->deadline_ms < ev->nearest_ms)
				ev->nearest_ms = h->deadline_ms;
		}
	}
}

static void *
timer_main(void *arg)
{
	struct ov_events *ev = arg;

	pthread_mutex_lock(&ev->mx);
	while (!ev->quit) {
		uint64_t now = now_ms();

		if (ev->nearest_ms == UINT64_MAX) {
			pthread_cond_wait(&ev->nearer, &ev->mx);
		} else if (ev->nearest_ms > now) {
			struct timespec until = { .tv_sec =
						      (time_t)(ev->nearest_ms / 1000),
				.tv_nsec = (long)(ev->nearest_ms % 1000) * 1000000 };

			(void)pthread_cond_timedwait(&ev->nearer, &ev->mx, &until);
		} else {
			sweep(ev, now);
		}
	}
	pthread_mutex_unlock(&ev->mx);
	return NULL;
}

enum ov_status
ov_events_new(struct ov_events **out)
{
	struct ov_events *ev = calloc(1, sizeof(*ev));
	pthread_condattr_t attr;

	*out = NULL;
	if (ev == NULL)
		return OV_E_NOMEM;
	ev->nearest_ms = UINT64_MAX;
	pthread_mutex_init(&ev->mx, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&ev->nearer, &attr);
	pthread_condattr_destroy(&attr);
	if (pthread_create(&ev->timer, NULL, timer_main, ev) != 0) {
		pthread_cond_destroy(&ev->nearer);
		pthread_mutex_destroy(&ev->mx);
		free(ev);
		return OV_E_THREAD;
	}
	*out = ev;
	return OV_OK;
}

void
ov_events_free(struct ov_events *ev)
{
	if (ev == NULL)
		return;
	pthread_mutex_lock(&ev->mx);
	ev->quit = true;
	pthread_cond_signal(&ev->nearer);
	pthread_mutex_unlock(&ev->mx);
	pthread_join(ev->timer, NULL);
	pthread_cond_destroy(&ev->nearer);
	pthread_mutex_destroy(&ev->mx);
	free(ev);
}

uint64_t
ov_events_mark(struct ov_events *ev)
{
	uint64_t mark;

	pthread_mutex_lock(&ev->mx);
	mark = ev->mark;
	pthread_mutex_unlock(&ev->mx);
	return mark;
}

void
ov_events_fire(struct ov_events *ev, const uint8_t id[16])
{
	struct held *h, *next;

	if (ev == NULL)
		return;
	pthread_mutex_lock(&ev->mx);
	ev->mark++;
	for (h = ev->list[id[0]]; h != NULL; h = next) {
		next = h->next;
		if (memcmp(h->id, id, 16) == 0)
			bring_back(h);
	}
	pthread_mutex_unlock(&ev->mx);
}

bool
ov_events_is_late(struct ov_events *ev, struct ov_request *r)
{
	const struct held *h;
	bool late;

	pthread_mutex_lock(&ev->mx);
	h = ov_request_tag(r);
	late = ev->stopping || (h != NULL && h->deadline_ms <= now_ms());
	pthread_mutex_unlock(&ev->mx);
	return late;
}

enum ov_status
ov_events_hold(struct ov_events *ev, struct ov_request *r, const uint8_t id[16],
    uint64_t mark, uint32_t wait_ms)
{
	struct held *h;

	pthread_mutex_lock(&ev->mx);
	h = ov_request_tag(r);
	if (h == NULL) {
		if ((h = calloc(1, sizeof(*h))) == NULL) {
			pthread_mutex_unlock(&ev->mx);
			return OV_E_NOMEM;
		}
		h->r = r;
		h->deadline_ms = now_ms() + wait_ms;
		ov_request_set_tag(r, h);
	}
	memcpy(h->id, id, 16);
	if (ev->stopping || ev->mark != mark) {
		ov_request_resume(r); /* it happened meanwhile */
	} else {
		link_held(ev, h);
		if (h->deadline_ms < ev->nearest_ms) {
			ev->nearest_ms = h->deadline_ms;
			pthread_cond_signal(&ev->nearer);
		}
	}
	pthread_mutex_unlock(&ev->mx);
	return OV_OK;
}

void
ov_events_forget(struct ov_events *ev, struct ov_request *r)
{
	pthread_mutex_lock(&ev->mx);
	free(ov_request_tag(r)); /* a handler has r, so it is not linked */
	ov_request_set_tag(r, NULL);
	pthread_mutex_unlock(&ev->mx);
}

void
ov_events_gone(struct ov_events *ev, struct ov_request *r)
{
	struct held *h;

	pthread_mutex_lock(&ev->mx);
	h = ov_request_tag(r);
	/* Not linked: a handler has it or gets it, and ends it. */
	if (h != NULL && h->linked) {
		unlink_held(h);
		free(h);
		ov_request_set_tag(r, NULL);
		ov_request_drop(r);
	}
	pthread_mutex_unlock(&ev->mx);
}

void
ov_events_stop(struct ov_events *ev)
{
	pthread_mutex_lock(&ev->mx);
	ev->stopping = true;
	sweep(ev, now_ms());
	pthread_mutex_unlock(&ev->mx);
}
