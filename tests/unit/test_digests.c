/* Digests that grow with their streams, against those of whole streams. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/crypto/memory.h"
#include "proto/chunk.h"
#include "server/digests.h"

#define CHUNKS 5
#define REMEMBERED 64 /* streams */

static const uint8_t text[] = "what crosses the wire";

/* Of 1 to 16 bytes. */
static struct ov_bytes
chunk(uint32_t i)
{
	return OV_BYTES(text, i % 16 + 1);
}

static void
digest_whole(uint8_t out[OV_DIGEST], unsigned int stream, uint32_t n)
{
	struct ov_hash h;

	ov_stream_digest_init(&h, (uint8_t)stream);
	for (uint32_t i = 0; i < n; i++)
		ov_hash_lv(&h, chunk(i).p, chunk(i).len);
	ov_hash_final(&h, out);
}

static void
add(struct ov_digests *d, uint8_t job, unsigned int stream, uint32_t index)
{
	uint8_t id[OV_ID] = { job };

	ov_digests_add(d, &(struct ov_chunk_at){ id, stream, index }, chunk(index));
}

/* Whether the stream is known up to this chunk; its digest is then looked at. */
static bool
ends(struct ov_digests *d, uint8_t job, unsigned int stream, uint32_t index)
{
	uint8_t id[OV_ID] = { job }, digest[OV_DIGEST], want[OV_DIGEST];

	if (!ov_digests_end(d, digest, &(struct ov_chunk_at){ id, stream, index }))
		return false;
	digest_whole(want, stream, index + 1);
	assert_memory_equal(digest, want, OV_DIGEST);
	return true;
}

static void
streams_grow_side_by_side(void **state)
{
	struct ov_digests *d = ov_digests_new();

	(void)state;
	assert_non_null(d);
	for (uint32_t i = 0; i < CHUNKS; i++) {
		add(d, 1, 3, i);
		add(d, 1, 4, i);
		add(d, 2, 3, i);
	}
	assert_false(ends(d, 1, 3, CHUNKS - 2)); /* it has more */
	assert_true(ends(d, 1, 3, CHUNKS - 1));
	assert_false(ends(d, 1, 3, CHUNKS - 1)); /* once */
	assert_true(ends(d, 1, 4, CHUNKS - 1));
	assert_true(ends(d, 2, 3, CHUNKS - 1));
	ov_digests_free(d);
}

static void
what_does_not_follow_is_forgotten(void **state)
{
	struct ov_digests *d = ov_digests_new();

	(void)state;
	add(d, 1, 3, 0);
	add(d, 1, 3, 2); /* a gap */
	assert_false(ends(d, 1, 3, 2));
	add(d, 1, 3, 1); /* began before this process did */
	assert_false(ends(d, 1, 3, 1));
	add(d, 1, 3, 0);
	add(d, 1, 3, 1);
	add(d, 1, 3, 1); /* the transaction failed, and the chunk came again */
	assert_false(ends(d, 1, 3, 1));
	add(d, 1, 3, 0);
	add(d, 1, 3, 0); /* the same with the first one: begun anew */
	assert_true(ends(d, 1, 3, 0));
	ov_digests_free(d);
}

static void
the_one_that_rested_longest_makes_room(void **state)
{
	struct ov_digests *d = ov_digests_new();

	(void)state;
	for (uint8_t job = 0; job < REMEMBERED; job++)
		add(d, job, 3, 0);
	add(d, 0, 3, 1);
	add(d, REMEMBERED, 3, 0); /* in the place of job 1's */
	assert_false(ends(d, 1, 3, 0));
	assert_true(ends(d, 0, 3, 1));
	for (uint8_t job = 2; job <= REMEMBERED; job++)
		assert_true(ends(d, job, 3, 0));
	ov_digests_free(d);
}

static void
without_memory_nothing_is_known(void **state)
{
	(void)state;
	add(NULL, 1, 3, 0);
	assert_false(ends(NULL, 1, 3, 0));
	ov_digests_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(streams_grow_side_by_side),
		cmocka_unit_test(what_does_not_follow_is_forgotten),
		cmocka_unit_test(the_one_that_rested_longest_makes_room),
		cmocka_unit_test(without_memory_nothing_is_known),
	};

	if (ov_crypto_init() != OV_OK)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
