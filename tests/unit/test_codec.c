/* Every message: round trip, truncation at every byte, trailing bytes, wrong types,
 * bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/codec.h"

/* A message of every type with each field at its lower or upper bound. */
#define FILL_U(S, name, lo, hi) m.S.name = high ? (hi) : (lo);
#define FILL_B(S, name, n) memset(m.S.name, high ? 0xff : 0, (n));
#define FILL_V(S, name, lo, hi)                                                          \
	m.S.name =                                                                       \
	    OV_BYTES(text, high ? ((hi) < sizeof(text) ? (hi) : sizeof(text)) : (lo));

static uint8_t text[OV_CHUNK_MAX];

static struct ov_buf
sample(enum ov_msg type, int high)
{
	union ov_msg_any m;
	struct ov_buf b = { 0 };

	memset(&m, 0, sizeof(m));
	memset(text, 'x', sizeof(text));
	switch (type) {
#define MESSAGE(NAME, lower, number, meaning)                                            \
	case OV_MSG_##NAME:                                                              \
		OV_FIELDS_##NAME(lower, FILL_U, FILL_B, FILL_V, FILL_V) break;
#include "proto/messages.def"
#undef MESSAGE
	case OV_MSG_NONE:
		break;
	}
	assert_int_equal(ov_msg_encode(&b, type, &m), OV_OK);
	return b;
}

static void
every_message_round_trips(void **state)
{
	(void)state;
	for (const enum ov_msg *t = ov_msg_all; *t != OV_MSG_NONE; t++)
		for (int high = 0; high < 2; high++) {
			struct ov_buf b = sample(*t, high), again = { 0 };
			union ov_msg_any m;

			memset(&m, 0, sizeof(m));
			assert_int_equal(ov_msg_type(OV_BUF_BYTES(&b)), *t);
			assert_int_equal(ov_msg_decode(&m, *t, OV_BUF_BYTES(&b)), OV_OK);
			assert_int_equal(ov_msg_encode(&again, *t, &m), OV_OK);
			assert_int_equal(again.len, b.len);
			assert_memory_equal(again.p, b.p, b.len);
			ov_buf_free(&b);
			ov_buf_free(&again);
		}
}

static void
rejects_truncation_at_every_byte(void **state)
{
	(void)state;
	for (const enum ov_msg *t = ov_msg_all; *t != OV_MSG_NONE; t++) {
		struct ov_buf b = sample(*t, 0);

		for (size_t len = 0; len < b.len; len++) {
			/* exactly len bytes on the heap, so that a sanitizer sees an
			 * over-read */
			uint8_t *cut = malloc(len + (len == 0));
			union ov_msg_any m;

			if (len > 0)
				memcpy(cut, b.p, len);
			assert_int_not_equal(
			    ov_msg_decode(&m, *t, OV_BYTES(cut, len)), OV_OK);
			free(cut);
		}
		ov_buf_free(&b);
	}
}

static void
rejects_trailing_bytes(void **state)
{
	(void)state;
	for (const enum ov_msg *t = ov_msg_all; *t != OV_MSG_NONE; t++) {
		struct ov_buf b = sample(*t, 0);
		union ov_msg_any m;

		assert_int_equal(ov_buf_append(&b, "\xc0", 1), OV_OK);
		assert_int_equal(
		    ov_msg_decode(&m, *t, OV_BUF_BYTES(&b)), OV_E_WIRE_TRAILING);
		ov_buf_free(&b);
	}
}

static void
rejects_another_messages_type(void **state)
{
	struct ov_buf b = sample(OV_MSG_GET_HEAD, 0);
	union ov_msg_any m;

	(void)state;
	assert_int_equal(
	    ov_msg_decode(&m, OV_MSG_DONE, OV_BUF_BYTES(&b)), OV_E_WIRE_TYPE);
	assert_int_equal(
	    ov_msg_decode(&m, (enum ov_msg)999, OV_BUF_BYTES(&b)), OV_E_WIRE_UNKNOWN);
	ov_buf_free(&b);
}

struct raw {
	const char *what;
	const char *bytes;
	size_t len;
	enum ov_status want;
};

/* GET_HEAD is [101, seen]; DROP_MAIL [23, upto]; ERROR [3, status, retry]. */
static void
rejects_non_canonical_forms(void **state)
{
	static const struct raw cases[] = {
		{ "fine", "\x92\x65\x05", 3, OV_OK },
		{ "integer in a longer form", "\x92\x65\xcc\x05", 4,
		    OV_E_WIRE_CANONICAL },
		{ "number in a longer form", "\x92\xcc\x65\x05", 4, OV_E_WIRE_CANONICAL },
		{ "array in a longer form", "\xdc\x00\x02\x65\x05", 5,
		    OV_E_WIRE_CANONICAL },
		{ "array of 32-bit length", "\xdd\x00\x00\x00\x02\x65\x05", 7,
		    OV_E_WIRE_TYPE },
		{ "negative", "\x92\x65\xff", 3, OV_E_WIRE_TYPE },
		{ "nil", "\x92\x65\xc0", 3, OV_E_WIRE_TYPE },
		{ "float", "\x92\x65\xca\x00\x00\x00\x00", 7, OV_E_WIRE_TYPE },
		{ "nested array", "\x92\x65\x91\x05", 4, OV_E_WIRE_TYPE },
		{ "map", "\x92\x65\x80", 3, OV_E_WIRE_TYPE },
		{ "extension", "\x92\x65\xd4\x01\x00", 5, OV_E_WIRE_TYPE },
		{ "text for a number", "\x92\x65\xa1x", 4, OV_E_WIRE_TYPE },
		{ "one field too many", "\x93\x65\x05\x05", 4, OV_E_WIRE_TYPE },
		{ "one field too few", "\x91\x65", 2, OV_E_WIRE_TYPE },
		{ "over its bound", "\x92\x65\xcf\x00\x00\x00\x01\x00\x00\x00\x00", 11,
		    OV_E_WIRE_RANGE },
		{ "declares 67 million elements", "\xdd\x04\x00\x00\x00", 5,
		    OV_E_WIRE_TYPE },
		{ "declares 65535 elements", "\xdc\xff\xff", 3, OV_E_WIRE_LIMIT },
		{ "reserved byte", "\x92\x65\xc1", 3, OV_E_WIRE_TYPE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ov_msg_get_head m;
		enum ov_status st = ov_msg_decode(
		    &m, OV_MSG_GET_HEAD, OV_BYTES(cases[i].bytes, cases[i].len));

		if (st != cases[i].want)
			fail_msg("%s: %s", cases[i].what, ov_status_name(st));
	}
}

static void
text_is_utf8_without_controls(void **state)
{
	static const struct raw cases[] = {
		{ "ascii", "abc", 3, OV_OK },
		{ "two bytes", "\xc3\xa9", 2, OV_OK },
		{ "four bytes", "\xf0\x9f\x98\x80", 4, OV_OK },
		{ "line feed", "a\n", 2, OV_E_WIRE_RANGE },
		{ "delete", "a\x7f", 2, OV_E_WIRE_RANGE },
		{ "C1 control", "\xc2\x85", 2, OV_E_WIRE_RANGE },
		{ "overlong", "\xc0\xaf", 2, OV_E_WIRE_RANGE },
		{ "overlong three", "\xe0\x80\xaf", 3, OV_E_WIRE_RANGE },
		{ "surrogate", "\xed\xa0\x80", 3, OV_E_WIRE_RANGE },
		{ "beyond Unicode", "\xf4\x90\x80\x80", 4, OV_E_WIRE_RANGE },
		{ "cut", "\xc3", 1, OV_E_WIRE_RANGE },
		{ "lone continuation", "\x80", 1, OV_E_WIRE_RANGE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ov_msg_error m = { .status =
					      OV_BYTES(cases[i].bytes, cases[i].len) };
		struct ov_buf b = { 0 };
		enum ov_status st = ov_msg_encode(&b, OV_MSG_ERROR, &m);

		if (st != cases[i].want)
			fail_msg("%s: %s", cases[i].what, ov_status_name(st));
		ov_buf_free(&b);
	}
}

static void
encoder_refuses_what_decoder_would(void **state)
{
	struct ov_msg_get_mail m = { .after = 0, .wait_ms = OV_WAIT_MAX + 1 };
	struct ov_buf b = { 0 };

	(void)state;
	assert_int_equal(ov_msg_encode(&b, OV_MSG_GET_MAIL, &m), OV_E_WIRE_RANGE);
	assert_int_equal(b.len, 0);
	ov_buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_message_round_trips),
		cmocka_unit_test(rejects_truncation_at_every_byte),
		cmocka_unit_test(rejects_trailing_bytes),
		cmocka_unit_test(rejects_another_messages_type),
		cmocka_unit_test(rejects_non_canonical_forms),
		cmocka_unit_test(text_is_utf8_without_controls),
		cmocka_unit_test(encoder_refuses_what_decoder_would),
	};

	return cmocka_run_group_tests_name("codec", tests, NULL, NULL);
}
