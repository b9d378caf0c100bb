/* messages.h - one struct per message of messages.def.
 *
 * Fields of variable length point into the bytes they were decoded from and
 * live as long as those.
 */
#ifndef OV_PROTO_MESSAGES_H
#define OV_PROTO_MESSAGES_H

#include <stddef.h>
#include <stdint.h>

#include "common/crypto/hash.h"
#include "proto/messages.def"

#define OV_PROTOCOL_VERSION 1
#define OV_SIGNATURE 64

#define OV_STRUCT_U(S, name, lo, hi) uint64_t name;
#define OV_STRUCT_B(S, name, n) uint8_t name[n];
#define OV_STRUCT_V(S, name, lo, hi) struct ov_bytes name;

/* struct ov_msg_hello, struct ov_msg_welcome, ... */
#define MESSAGE(NAME, lower, number, text)                                               \
	struct ov_msg_##lower {                                                          \
		OV_FIELDS_##NAME(                                                        \
		    lower, OV_STRUCT_U, OV_STRUCT_B, OV_STRUCT_V, OV_STRUCT_V)           \
	};
#include "proto/messages.def"
#undef MESSAGE

/* OV_MSG_HELLO = 1, ... */
enum ov_msg {
	OV_MSG_NONE = 0,
#define MESSAGE(NAME, lower, number, text) OV_MSG_##NAME = (number),
#include "proto/messages.def"
#undef MESSAGE
};

/* Big enough for every message struct. */
union ov_msg_any {
#define MESSAGE(NAME, lower, number, text) struct ov_msg_##lower lower;
#include "proto/messages.def"
#undef MESSAGE
};

/* Kinds of mail. */
enum ov_mail {
	OV_MAIL_PAIR_REQUEST = 1,
	OV_MAIL_PAIR_REPLY = 2,
	OV_MAIL_TERMS_OFFER =
	    3, /* TERMS_OFFER, then 64 bytes of signature, context `offer` */
	OV_MAIL_TERMS_SIGNED =
	    4, /* from the broker's hand: partner signed; body empty, ask GET_TERMS */
	OV_MAIL_JOB = 5, /* from the broker's hand: a PROPOSE waits; body is the job id */
	OV_MAIL_TERMS_ASK = 6,
	OV_MAIL_TERMS_END = 7,
	OV_MAIL_COSELL = 8,
	OV_MAIL_IDENTITY = 9,
	OV_MAIL_TERMS_ENDED = 10
};
#define OV_MAIL_SENDABLE_LAST OV_MAIL_TERMS_ENDED

/* Types of log leaves: first byte of a leaf, then 16 bytes of salt, then the body. */
enum ov_leaf {
	OV_LEAF_ENROLLED = 1,
	OV_LEAF_REVOKED = 2,
	OV_LEAF_TERMS = 3,
	OV_LEAF_ENDED = 4,
	OV_LEAF_PROPOSED = 5,
	OV_LEAF_ACCEPTED = 6,
	OV_LEAF_COMPLETE = 7,
	OV_LEAF_JOINED = 8,
	OV_LEAF_RELEASED = 9,
	OV_LEAF_HELD_BACK = 10,
	OV_LEAF_CONFIRMED = 11,
	OV_LEAF_FAILED = 12,
	OV_LEAF_CLOSED = 13,
	OV_LEAF_EXPIRED = 14
};

#endif /* OV_PROTO_MESSAGES_H */
