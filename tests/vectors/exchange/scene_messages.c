/* Every message of messages.def at its least and with something in every field, and bytes
 * that a decoder takes or refuses. */
#include <string.h>

#include "tests/vectors/exchange/scene.h"

/* What fields are filled with: text of one, two and three bytes a character. */
static const char filling[] = "A\xc3\xa4\xe6\x97\xa5, with 33 bytes of text in all";

_Static_assert(sizeof(filling) - 1 >= 33, "more than a short string of msgpack holds");

enum variant { LEAST, SOME };

static size_t
length(enum variant v, size_t lo, size_t hi)
{
	size_t some = hi < 33 ? hi : 33;

	return v == LEAST || some < lo ? lo : some;
}

/* hi of each field, so that all widths of integers are there. */
#define FILL_U(S, name, lo, hi) m.name = v == LEAST ? (lo) : (hi);
#define FILL_B(S, name, n) memset(m.name, v == LEAST ? 0 : 0xa5, (n));
#define FILL_V(S, name, lo, hi) m.name = OV_BYTES(zeros, length(v, (lo), (hi)));
#define FILL_T(S, name, lo, hi) m.name = OV_BYTES(filling, length(v, (lo), (hi)));

#define WRITE_U(S, name, lo, hi) ov_json_number(in, #name, m.name);
#define WRITE_B(S, name, n) scene_hex(in, #name, OV_BYTES(m.name, (n)));
#define WRITE_V(S, name, lo, hi) scene_hex(in, #name, m.name);
#define WRITE_T(S, name, lo, hi) write_text(in, #name, m.name);

static const uint8_t zeros[512]; /* at least the greatest lower bound of a field */

static void
write_text(struct ov_json *in, const char *key, struct ov_bytes x)
{
	char text[64] = { 0 };

	memcpy(text, x.p, x.len);
	ov_json_text(in, key, text);
}

#define MESSAGE(NAME, lower, number, meaning)                                            \
	static void write_##lower(                                                       \
	    struct ov_json *in, struct ov_json *out, const char *key, enum variant v)    \
	{                                                                                \
		struct ov_msg_##lower m = { 0 };                                         \
		struct ov_buf bytes = { 0 };                                             \
		OV_FIELDS_##NAME(lower, FILL_U, FILL_B, FILL_V, FILL_T)                  \
		    MUST(ov_msg_encode(&bytes, OV_MSG_##NAME, &m) == OV_OK);             \
		in = ov_json_object(in, key);                                            \
		OV_FIELDS_##NAME(lower, WRITE_U, WRITE_B, WRITE_V, WRITE_T)              \
		    scene_hex(out, key, OV_BUF_BYTES(&bytes));                           \
		ov_buf_free(&bytes);                                                     \
	}
#include "proto/messages.def"
#undef MESSAGE

static void
write_all(struct ov_json *in, struct ov_json *out)
{
#define MESSAGE(NAME, lower, number, meaning)                                            \
	do {                                                                             \
		struct ov_json *at = ov_json_object(in, #NAME);                          \
		struct ov_json *to = ov_json_object(out, #NAME);                         \
		write_##lower(at, to, "least", LEAST);                                   \
		write_##lower(at, to, "some", SOME);                                     \
	} while (0);
#include "proto/messages.def"
#undef MESSAGE
}

/* HELLO (1), ERROR (3), WHO (13) and the like, right and in every wrong way. */
#define RAW(s)                                                                           \
	{                                                                                \
		(const uint8_t *)("" s), sizeof(s) - 1                                   \
	}
static const struct ov_bytes raw[] = {
	RAW("\x94\x01\x01\x02\x03"),		     /* HELLO 1, 2, 3 */
	RAW("\x94\x01\x01\x02\xcd\x01\x00"),	     /* 256 in two bytes */
	RAW("\x94\x01\x01\x02\xcd\x00\xff"),	     /* 255 in two bytes */
	RAW("\x94\x01\xcc\x01\x02\x03"),	     /* 1 in one byte too many */
	RAW("\x94\x01\x01\x02\x7f"),		     /* 127 in one byte */
	RAW("\x94\x01\x01\x02\xcc\x7f"),	     /* and in two */
	RAW("\x94\x01\x01\x02\xcc\x80"),	     /* 128 */
	RAW("\x94\x01\x01\x02\xcc\xff"),	     /* 255 */
	RAW("\x94\x01\x01\x02\xcd\xff\xff"),	     /* 65535 */
	RAW("\x94\x01\x01\x02\xce\x00\x00\xff\xff"), /* in too many */
	RAW("\x94\x01\x01\x02\xce\x00\x01\x00\x00"), /* 65536 */
	RAW("\x94\x01\x01\x02\xd0\x03"),	     /* a signed integer */
	RAW("\x94\xcc\x01\x01\x02\x03"),	     /* the number so */
	RAW("\xdc\x00\x04\x01\x01\x02\x03"),	     /* a long array header */
	RAW("\x94\x01\x00\x02\x03"),		     /* version 0 */
	RAW("\x94\x01\x01\x02\xcf\x00\x00\x00\x01\x00\x00\x00\x00"), /* seen 2^32 */
	RAW("\x93\x01\x01\x02"),	 /* a field is missing */
	RAW("\x95\x01\x01\x02\x03\x04"), /* one too many */
	RAW("\x94\x01\x01\x02\x03\x00"), /* something behind it */
	RAW("\x94\x01\x01\x02"),	 /* cut off */
	RAW("\x94\x7f\x01\x02\x03"),	 /* a number that is none */
	RAW("\x94\x01\x01\x02\x91\x03"), /* an array inside */
	RAW("\x94\x01\x01\x02\xa1\x33"), /* text for a number */
	RAW("\x93\x03\xa1\x41\x00"),	 /* ERROR "A" */
	RAW("\x93\x03\xd9\x01\x41\x00"), /* a long header of text */
	RAW("\x93\x03\xbf"
	    "0123456789012345678901234567890"
	    "\x00"), /* 31 bytes of text */
	RAW("\x93\x03\xd9\x1f"
	    "0123456789012345678901234567890"
	    "\x00"), /* with a long header */
	RAW("\x93\x03\xd9\x20"
	    "01234567890123456789012345678901"
	    "\x00"),			 /* 32 */
	RAW("\x93\x03\xc4\x01\x41\x00"), /* bytes for text */
	RAW("\x93\x03\xa1\x1f\x00"),	 /* a control character */
	RAW("\x93\x03\xa1\x7f\x00"),	 /* another */
	RAW("\x93\x03\xa1\x20\x00"),	 /* a space */
	RAW("\x93\x03\xa1\x7e\x00"),	 /* a tilde */
	RAW("\x93\x03\xa2\xc2\x80\x00"), /* control characters of two bytes */
	RAW("\x93\x03\xa2\xc2\x85\x00"), RAW("\x93\x03\xa2\xc2\x9f\x00"),
	RAW("\x93\x03\xa2\xc2\xa0\x00"),	 /* and what comes after them */
	RAW("\x93\x03\xa2\xc3\xa4\x00"),	 /* a letter of two bytes */
	RAW("\x93\x03\xa2\xc1\x81\x00"),	 /* UTF-8 that is too long */
	RAW("\x93\x03\xa3\xed\xa0\x80\x00"),	 /* half a pair of UTF-16 */
	RAW("\x93\x03\xa4\xf4\x90\x80\x80\x00"), /* beyond Unicode */
	RAW("\x93\x03\xa1\xc3\x00"),		 /* half a character */
	RAW("\x93\x03\xa0\x00"),		 /* empty, where one is needed */
	RAW("\x92\x0d\xc4\x10"
	    "0123456789abcdef"), /* WHO */
	RAW("\x92\x0d\xc5\x00\x10"
	    "0123456789abcdef"), /* a long header of bytes */
	RAW("\x92\x0d\xc4\x0f"
	    "0123456789abcde"), /* too short */
};

static void
write_one(struct ov_json *in, struct ov_json *out, struct ov_bytes x)
{
	union ov_msg_any m;
	enum ov_msg type = ov_msg_type(x);
	bool taken = type != OV_MSG_NONE && ov_msg_decode(&m, type, x) == OV_OK;

	scene_hex(in, NULL, x);
	ov_json_number(out, NULL, taken);
}

/* CONSISTENCY (104) with so many bytes, under both headers that they fit into. */
static void
write_long(struct ov_json *in, struct ov_json *out, size_t n)
{
	uint8_t x[2 + 3 + 256] = { 0x92, 104, 0xc5, (uint8_t)(n >> 8), (uint8_t)n };

	MUST(n <= 256);
	write_one(in, out, OV_BYTES(x, 5 + n));
	x[2] = 0xc4;
	x[3] = (uint8_t)n;
	write_one(in, out, OV_BYTES(x, 4 + (n & 0xff)));
}

static void
write_raw(struct scene_file *f)
{
	struct ov_json *in = ov_json_array(f->in, "bytes");
	struct ov_json *out = ov_json_array(f->out, "taken");

	for (size_t i = 0; i < sizeof(raw) / sizeof(raw[0]); i++)
		write_one(in, out, raw[i]);
	write_long(in, out, 255);
	write_long(in, out, 256);
}

void
scene_messages(struct scene *s)
{
	struct scene_file f = scene_open("Every message at the lower bounds of its "
					 "fields, and with something in each; "
					 "and bytes of which a decoder takes (1) or "
					 "refuses (0) each whole (PROTOCOL.md "
					 "1.2).");

	write_all(ov_json_object(f.in, "messages"), ov_json_object(f.out, "messages"));
	write_raw(&f);
	scene_close(s, "messages", &f);
}
