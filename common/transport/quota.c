#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/transport/edge_impl.h"

enum { CREDIT_OF_REQUEST = 60000 };

uint64_t
ov_now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void
note_peak(struct ov_edge *e, uint64_t now)
{
	uint64_t peak = atomic_load(&e->memory_peak);

	while (now > peak && !atomic_compare_exchange_weak(&e->memory_peak, &peak, now))
		;
}

bool
ov_quota_charge(struct ov_edge *e, size_t n, size_t limit)
{
	uint64_t have = atomic_load(&e->memory);

	do {
		if (n > limit || have > limit - n)
			return false;
	} while (!atomic_compare_exchange_weak(&e->memory, &have, have + n));
	note_peak(e, have + n);
	return true;
}

void
ov_quota_add(struct ov_edge *e, size_t n)
{
	note_peak(e, atomic_fetch_add(&e->memory, n) + n);
}

/* Whoever waits sets `pressed` first and tries once more after it, so either that
 * second try or this load sees the other's write. */
void
ov_quota_discharge(struct ov_edge *e, size_t n)
{
	if (n == 0)
		return;
	atomic_fetch_sub(&e->memory, n);
	if (!atomic_exchange(&e->pressed, false))
		return;
	pthread_mutex_lock(&e->mx);
	e->freed = true;
	pthread_cond_broadcast(&e->work);
	pthread_cond_broadcast(&e->chore);
	pthread_mutex_unlock(&e->mx);
}

static struct peer *
find_peer(struct ov_edge *e, const uint8_t fingerprint[OV_FINGERPRINT_LEN])
{
	/* a SHA-256 of a certificate that we issued: its bytes are even enough */
	struct peer *p = e->peers[fingerprint[0] % PEER_BUCKETS];

	while (p != NULL && memcmp(p->fingerprint, fingerprint, OV_FINGERPRINT_LEN) != 0)
		p = p->next;
	return p;
}

static struct peer *
add_peer(struct ov_edge *e, const uint8_t fingerprint[OV_FINGERPRINT_LEN])
{
	struct peer **bucket = &e->peers[fingerprint[0] % PEER_BUCKETS];
	struct peer *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	memcpy(p->fingerprint, fingerprint, OV_FINGERPRINT_LEN);
	p->credit = (uint64_t)e->o.requests_per_minute * CREDIT_OF_REQUEST;
	p->credited_ms = ov_now_ms();
	p->next = *bucket;
	*bucket = p;
	return p;
}

bool
ov_quota_enter(struct ov_edge *e, struct conn *c)
{
	struct peer *p = find_peer(e, c->fingerprint);

	if (p == NULL)
		p = add_peer(e, c->fingerprint);
	if (p == NULL || p->connections >= e->o.max_connections_per_peer)
		return false;
	p->connections++;
	c->peer = p;
	c->known = true;
	return true;
}

void
ov_quota_leave(struct ov_edge *e, struct conn *c)
{
	(void)e;
	if (c->peer != NULL)
		c->peer->connections--;
	c->peer = NULL;
	c->known = false;
}

/* requests_per_minute is 32 bits, and a pause of more than a minute fills the
 * credit, so the products stay under 2^49. */
static void
refill(const struct ov_edge *e, struct peer *p, uint64_t now)
{
	uint64_t full = (uint64_t)e->o.requests_per_minute * CREDIT_OF_REQUEST;
	uint64_t ms = now > p->credited_ms ? now - p->credited_ms : 0;

	if (ms > CREDIT_OF_REQUEST)
		ms = CREDIT_OF_REQUEST;
	p->credit += ms * e->o.requests_per_minute;
	if (p->credit > full)
		p->credit = full;
	p->credited_ms = now;
}

bool
ov_quota_request(struct ov_edge *e, struct conn *c, uint64_t now)
{
	bool ok = false;

	pthread_mutex_lock(&e->mx);
	if (c->peer != NULL) {
		refill(e, c->peer, now);
		ok = c->peer->credit >= CREDIT_OF_REQUEST;
		if (ok)
			c->peer->credit -= CREDIT_OF_REQUEST;
	}
	pthread_mutex_unlock(&e->mx);
	return ok;
}

/* A peer whose credit is not full stays, so that reconnecting does not refill it. */
void
ov_quota_sweep(struct ov_edge *e, uint64_t now)
{
	uint64_t full = (uint64_t)e->o.requests_per_minute * CREDIT_OF_REQUEST;

	pthread_mutex_lock(&e->mx);
	for (int i = 0; i < PEER_BUCKETS; i++)
		for (struct peer **at = &e->peers[i]; *at != NULL;) {
			struct peer *p = *at;

			refill(e, p, now);
			if (p->connections > 0 || p->credit < full) {
				at = &p->next;
				continue;
			}
			*at = p->next;
			free(p);
		}
	pthread_mutex_unlock(&e->mx);
}

void
ov_quota_fini(struct ov_edge *e)
{
	for (int i = 0; i < PEER_BUCKETS; i++)
		while (e->peers[i] != NULL) {
			struct peer *p = e->peers[i];

			e->peers[i] = p->next;
			free(p);
		}
}
