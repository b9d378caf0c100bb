/* digests.h - digests of streams that grow, so that COMPLETE need not read what it is
 * about.
 *
 * A memory of some dozens of streams, and nothing that a restart would need: a stream
 * that is not in it from its first chunk on is read from the store when its digest is
 * asked for.  Not locked: all calls are made inside transactions of the store, which has
 * turns, and take half a millisecond a chunk.
 */
#ifndef OV_SERVER_DIGESTS_H
#define OV_SERVER_DIGESTS_H

#include <stdbool.h>

#include "server/store.h"

struct ov_digests;

/* NULL without memory, which is not a failure. */
struct ov_digests *ov_digests_new(void);
void ov_digests_free(struct ov_digests *d); /* NULL is fine */

/* A chunk that is being stored, in the order of their indices.  Of one that does not
 * follow what is known, as after a transaction that failed, the stream is forgotten.  d
 * may be NULL. */
void ov_digests_add(
    struct ov_digests *d, const struct ov_chunk_at *at, struct ov_bytes body);

/* The digest of all that was added; the stream is forgotten.  False if its chunks from 0
 * to at->index have not all been seen, or d is NULL. */
bool ov_digests_end(
    struct ov_digests *d, uint8_t digest[OV_DIGEST], const struct ov_chunk_at *at);

#endif /* OV_SERVER_DIGESTS_H */
