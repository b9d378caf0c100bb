#include "server/digests.h"

#include <stdlib.h>
#include <string.h>

#include "proto/chunk.h"

#define STREAMS 64 /* at a time: some ten jobs with their six */

struct growing {
	uint8_t job[OV_ID];
	unsigned int stream;
	uint32_t next;	   /* chunks added; 0: nothing here */
	uint64_t last_use; /* the least recent one makes room */
	struct ov_hash hash;
};

struct ov_digests {
	struct growing stream[STREAMS];
	uint64_t uses;
};

struct ov_digests *
ov_digests_new(void)
{
	return calloc(1, sizeof(struct ov_digests));
}

void
ov_digests_free(struct ov_digests *d)
{
	free(d);
}

/* NULL if it is not known. */
static struct growing *
find(struct ov_digests *d, const struct ov_chunk_at *at)
{
	for (size_t i = 0; i < STREAMS; i++) {
		struct growing *g = &d->stream[i];

		if (g->next > 0 && g->stream == at->stream &&
		    memcmp(g->job, at->job, OV_ID) == 0)
			return g;
	}
	return NULL;
}

static struct growing *
make_room(struct ov_digests *d)
{
	struct growing *oldest = &d->stream[0];

	for (size_t i = 1; i < STREAMS; i++)
		if (d->stream[i].last_use < oldest->last_use)
			oldest = &d->stream[i];
	return oldest;
}

static void
forget(struct growing *g)
{
	*g = (struct growing){ 0 };
}

void
ov_digests_add(struct ov_digests *d, const struct ov_chunk_at *at, struct ov_bytes body)
{
	struct growing *g = d != NULL ? find(d, at) : NULL;

	if (g != NULL && g->next != at->index) {
		forget(g);
		g = NULL;
	}
	if (d == NULL || (g == NULL && at->index != 0))
		return;
	if (g == NULL) {
		g = make_room(d);
		forget(g);
		memcpy(g->job, at->job, OV_ID);
		g->stream = at->stream;
		ov_stream_digest_init(&g->hash, (uint8_t)at->stream);
	}
	ov_hash_lv(&g->hash, body.p, body.len);
	g->next = at->index + 1;
	g->last_use = ++d->uses;
}

bool
ov_digests_end(
    struct ov_digests *d, uint8_t digest[OV_DIGEST], const struct ov_chunk_at *at)
{
	struct growing *g = d != NULL ? find(d, at) : NULL;

	if (g == NULL || g->next != at->index + 1)
		return false;
	ov_hash_final(&g->hash, digest);
	forget(g);
	return true;
}
