/* frame.h - the frames between companies and broker, without any input or output.
 *
 * A frame is a body length (u32 big-endian), a request id (u64 big-endian) and
 * the body.  A request and its reply have the same id; ids are the client's and
 * begin at 1.  Right after the handshake the server sends one empty frame of id
 * 0: by it the client knows that its certificate was accepted, which in TLS 1.3
 * the end of its own handshake does not say.
 *
 * The reader says where the next bytes belong, so that they are decrypted
 * straight into the body.  It allocates nothing and checks no limit: its user
 * does both when the head is known, before a byte of the body is read.
 */
#ifndef OV_COMMON_TRANSPORT_FRAME_H
#define OV_COMMON_TRANSPORT_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OV_FRAME_HEAD_LEN 12

enum ov_frame_event {
	OV_FRAME_MORE, /* give it more bytes */
	OV_FRAME_HEAD, /* id and len are known: ov_frame_accept or give up */
	OV_FRAME_DONE  /* the body is complete: take it, then ov_frame_next */
};

struct ov_frame_reader {
	uint8_t head[OV_FRAME_HEAD_LEN];
	size_t head_n; /* bytes of head so far */
	uint64_t id;
	size_t len;    /* of the body, as the head says */
	uint8_t *body; /* the user's; NULL before ov_frame_accept */
	size_t n;      /* bytes of body so far */
	enum ov_frame_event at;
};

void ov_frame_encode(uint8_t head[OV_FRAME_HEAD_LEN], uint64_t id, uint32_t len);

void ov_frame_next(struct ov_frame_reader *r); /* also the initial state */

/* Where up to *cap bytes go; *cap is 0 unless `at` is OV_FRAME_MORE. */
void ov_frame_space(struct ov_frame_reader *r, uint8_t **p, size_t *cap);

/* n <= *cap bytes were put there.  Returns and keeps the state in `at`. */
enum ov_frame_event ov_frame_advance(struct ov_frame_reader *r, size_t n);

/* body holds r->len bytes (any pointer but NULL for 0).  An empty body is done at
 * once. */
enum ov_frame_event ov_frame_accept(struct ov_frame_reader *r, uint8_t *body);

/* Bytes of a frame were read, but not all. */
bool ov_frame_is_partial(const struct ov_frame_reader *r);

#endif /* OV_COMMON_TRANSPORT_FRAME_H */
