/* outbox.h - chunks of one stream on their way to the broker, a few at a time.
 *
 * Each chunk that leaves is first written to the home's own egress log: stream, number,
 * bytes, digest.  Chunks that the broker has already are not sent again.
 */
#ifndef OV_CLIENT_JOB_OUTBOX_H
#define OV_CLIENT_JOB_OUTBOX_H

#include "client/session.h"
#include "common/crypto/hash.h"

#define OV_OUTBOX_WINDOW 4

struct ov_outbox {
	struct ov_home *home;
	struct ov_session *session;
	const uint8_t *job; /* 16 */
	uint8_t stream;
	uint32_t have; /* chunks at the broker when we began */
	struct ov_pending *pending[OV_OUTBOX_WINDOW];
	size_t n_pending; /* pending[0] is the oldest */
	struct ov_hash plain, sent;
	bool sealed; /* plain and sent differ */
};

/* Asks the broker how much of the stream it has. */
OV_MUST_CHECK enum ov_status ov_outbox_init(struct ov_outbox *b, struct ov_home *home,
    struct ov_session *session, const uint8_t job[16], uint8_t stream);

/* The next chunk: plain is what was sealed, sent what leaves (the same bytes for
 * streams to the broker). */
OV_MUST_CHECK enum ov_status ov_outbox_put(struct ov_outbox *b, uint32_t index, bool last,
    struct ov_bytes plain, struct ov_bytes sent);

/* Waits for all answers and gives the digests, which may not be the same buffer. */
OV_MUST_CHECK enum ov_status ov_outbox_flush(
    struct ov_outbox *b, uint8_t plain[OV_HASH_LEN], uint8_t sent[OV_HASH_LEN]);

/* Gives up what is under way; after a flush there is nothing. */
void ov_outbox_fini(struct ov_outbox *b);

#endif /* OV_CLIENT_JOB_OUTBOX_H */
