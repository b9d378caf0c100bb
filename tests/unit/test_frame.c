/* Frames come out as they went in, however the bytes are cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include "common/transport/frame.h"

/* Reads the n bytes at p in pieces of at most cut bytes into body; the number of
 * bytes used when the first frame is done, 0 if it is not. */
static size_t
read_frame(
    struct ov_frame_reader *r, uint8_t *body, const uint8_t *p, size_t n, size_t cut)
{
	size_t used = 0, cap;
	uint8_t *space;

	ov_frame_next(r);
	while (used < n) {
		ov_frame_space(r, &space, &cap);
		assert_true(cap > 0);
		if (cap > cut)
			cap = cut;
		if (cap > n - used)
			cap = n - used;
		memcpy(space, p + used, cap);
		used += cap;
		if (ov_frame_advance(r, cap) == OV_FRAME_HEAD)
			(void)ov_frame_accept(r, body);
		if (r->at == OV_FRAME_DONE)
			return used;
	}
	return 0;
}

static void
frame_is_twelve_bytes_and_a_body(void **state)
{
	static const uint8_t want[] = { 0, 0, 1, 2, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66,
		0x77, 0x88 };
	uint8_t head[OV_FRAME_HEAD_LEN];

	(void)state;
	ov_frame_encode(head, 0x1122334455667788, 0x102);
	assert_memory_equal(head, want, sizeof(want));
}

static void
every_cut_gives_the_same_frame(void **state)
{
	uint8_t wire[OV_FRAME_HEAD_LEN + 40], body[40];
	struct ov_frame_reader r;

	(void)state;
	ov_frame_encode(wire, 77, 40);
	for (uint8_t i = 0; i < 40; i++)
		wire[OV_FRAME_HEAD_LEN + i] = i;
	for (size_t cut = 1; cut <= sizeof(wire); cut++) {
		memset(body, 0xff, sizeof(body));
		assert_int_equal(
		    read_frame(&r, body, wire, sizeof(wire), cut), sizeof(wire));
		assert_int_equal(r.id, 77);
		assert_int_equal(r.len, 40);
		assert_memory_equal(body, wire + OV_FRAME_HEAD_LEN, 40);
	}
}

static void
every_truncation_is_partial(void **state)
{
	uint8_t wire[OV_FRAME_HEAD_LEN + 40] = { 0 }, body[40];
	struct ov_frame_reader r;

	(void)state;
	ov_frame_encode(wire, 1, 40);
	for (size_t n = 0; n < sizeof(wire); n++) {
		assert_int_equal(read_frame(&r, body, wire, n, sizeof(wire)), 0);
		assert_int_equal(ov_frame_is_partial(&r), n > 0);
	}
}

static void
empty_body_is_done_at_its_head(void **state)
{
	uint8_t wire[OV_FRAME_HEAD_LEN], none;
	struct ov_frame_reader r;
	uint8_t *p;
	size_t cap;

	(void)state;
	ov_frame_encode(wire, 5, 0);
	assert_int_equal(read_frame(&r, &none, wire, sizeof(wire), 3), sizeof(wire));
	assert_false(ov_frame_is_partial(&r));
	ov_frame_space(&r, &p, &cap);
	assert_int_equal(cap, 0); /* until it is taken */
}

/* The head waits for a decision before a byte of the body has a place. */
static void
length_is_known_before_the_body_has_a_place(void **state)
{
	uint8_t wire[OV_FRAME_HEAD_LEN];
	struct ov_frame_reader r;
	uint8_t *p;
	size_t cap;

	(void)state;
	ov_frame_encode(wire, 5, UINT32_MAX);
	ov_frame_next(&r);
	ov_frame_space(&r, &p, &cap);
	assert_int_equal(cap, sizeof(wire));
	memcpy(p, wire, sizeof(wire));
	assert_int_equal(ov_frame_advance(&r, sizeof(wire)), OV_FRAME_HEAD);
	assert_int_equal(r.len, UINT32_MAX);
	ov_frame_space(&r, &p, &cap);
	assert_int_equal(cap, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frame_is_twelve_bytes_and_a_body),
		cmocka_unit_test(every_cut_gives_the_same_frame),
		cmocka_unit_test(every_truncation_is_partial),
		cmocka_unit_test(empty_body_is_done_at_its_head),
		cmocka_unit_test(length_is_known_before_the_body_has_a_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
