/* codec.h - messages to canonical msgpack and back (the only msgpack user).
 *
 * A message is one array: its number, then its fields (messages.def).  Canonical
 * means: every integer, length and array header in its shortest form, nothing
 * after the array.  The decoder scans the bytes with bounds first and hands them
 * to msgpack-c only then.  Pure; any thread.
 */
#ifndef OV_PROTO_CODEC_H
#define OV_PROTO_CODEC_H

#include "common/status.h"
#include "proto/messages.h"

/* A growing byte string on the heap.  Start with { 0 }; ov_buf_free resets to that. */
struct ov_buf {
	uint8_t *p;
	size_t len;
	size_t cap;
};

void ov_buf_free(struct ov_buf *b);
/* Makes room for n more bytes (OV_E_NOMEM). */
OV_MUST_CHECK enum ov_status ov_buf_reserve(struct ov_buf *b, size_t n);
OV_MUST_CHECK enum ov_status ov_buf_append(struct ov_buf *b, const void *p, size_t n);
#define OV_BUF_BYTES(b) OV_BYTES((b)->p, (b)->len)

/* Appends the encoding of msg (a struct ov_msg_<type>) to out.  OV_E_WIRE_RANGE
 * if a field is outside its bounds: what is encoded can be decoded. */
OV_MUST_CHECK enum ov_status ov_msg_encode(
    struct ov_buf *out, enum ov_msg type, const void *msg);

/* Number of the message in in; OV_MSG_NONE if it has none that is known. */
enum ov_msg ov_msg_type(struct ov_bytes in);

/* Decodes in as a message of this type into msg, whose variable fields borrow
 * from in.  Any deviation is a failure (OV_E_WIRE_*) and leaves msg untouched. */
OV_MUST_CHECK enum ov_status ov_msg_decode(
    void *msg, enum ov_msg type, struct ov_bytes in);

/* Name of a message ("PROPOSE") for logs and tests; "?" when unknown. */
const char *ov_msg_name(enum ov_msg type);

/* sizeof of its struct; 0 when unknown. */
size_t ov_msg_size(enum ov_msg type);

/* All message numbers, in order, ended by OV_MSG_NONE. */
extern const enum ov_msg ov_msg_all[];

#endif /* OV_PROTO_CODEC_H */
