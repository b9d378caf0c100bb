/* vector_kernel.h - a kernel over one field: groups of points through map or decoding,
 * multiplication and encoding, and the wiping after it.
 *
 * Included by a kernel after its field; defines expand(), blind_uniform(),
 * blind_points() and tag().  They use up to half a megabyte of stack.
 */
#ifndef OV_COMMON_PSI_VECTOR_KERNEL_H
#define OV_COMMON_PSI_VECTOR_KERNEL_H

#include "common/crypto/memory.h"
#include "common/psi/encoding.h"
#include "common/psi/expand_lanes.h"
#include "common/psi/kernel.h"
#include "common/psi/points.h"
#include "common/psi/tag_lanes.h"

/* Tests and benchmarks include this file for its parts. */
#define PART static __attribute__((unused))

#define VECTORS (OV_PSI_GROUP / LANES)
_Static_assert(VECTORS % PAIR == 0, "decoding takes two vectors at a time");

/* Everything that outlives one call inside a group. */
struct scratch {
	struct multiply_scratch multiply;
	struct add_in point[PAIR];
	struct double_in product[VECTORS];
	struct half_encoded encoded[VECTORS];
	struct pair_mask valid[VECTORS / PAIR];
	unsigned refused[VECTORS]; /* bit i: lane i */
	int8_t digits[DIGITS];
	uint8_t magnitude[32]; /* of scalar / 2 */
	uint8_t in[OV_PSI_GROUP * OV_UNIFORM_LEN], out[OV_PSI_GROUP * OV_POINT_LEN];
};

static void
wipe_all(void *scratch, size_t len)
{
	ov_wipe(scratch, len);
	ov_wipe_stack(); /* digits, table elements, limbs */
	v_wipe_registers();
}

PART void
expand(uint8_t *uniform, const struct ov_bytes *tokens, size_t n)
{
	struct expand_scratch x;
	struct sha512_lanes start;

	memset(&x, 0, sizeof(x)); /* lanes without a message are hashed too */
	sha512_start(&start);
	for (size_t i = 0; i < n; i += LANES)
		expand_vector(uniform + OV_UNIFORM_LEN * i, &x, &start, tokens + i,
		    n - i < LANES ? n - i : LANES);
	wipe_all(&x, sizeof(x));
}

/* Doubling and encoding follows, so the points are multiplied by scalar / 2; by -(l -
 * that) where it is 2^251 or more, so that it has a digit less. */
static void
take_scalar(struct scratch *w, const uint8_t scalar[32])
{
	uint8_t half[32], negative, mask;

	ov_psi_scalar_half(half, w->magnitude, scalar);
	negative = (half[31] >> 3 | half[31] >> 4) & 1; /* bits 251 and 252 */
	mask = (uint8_t)-negative;
	for (size_t i = 0; i < sizeof(half); i++)
		w->magnitude[i] = (w->magnitude[i] & mask) | (half[i] & (uint8_t)~mask);
	recode(w->digits, w->magnitude, negative);
	ov_wipe(half, sizeof(half));
}

/* Whole pairs of vectors: copies in, fills the rest with zeros. */
static size_t
take_inputs(struct scratch *w, const uint8_t *in, size_t n, size_t item_len)
{
	size_t vectors = (n + LANES - 1) / LANES;

	vectors += vectors % PAIR;
	memcpy(w->in, in, n * item_len);
	memset(w->in + n * item_len, 0, (vectors * LANES - n) * item_len);
	return vectors;
}

/* Copies the encodings out; zeros for the items that are not ok. */
static void
give_outputs(uint8_t *out, const uint8_t *ok, const struct scratch *w, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t words[4], keep = 0 - (uint64_t)ok[i];

		memcpy(words, w->out + 32 * i, 32);
		for (size_t j = 0; j < 4; j++)
			words[j] &= keep;
		memcpy(out + 32 * i, words, 32);
	}
}

/* 1 if item i is not in `refused`. */
static uint8_t
is_ok(const unsigned *refused, size_t i)
{
	return ~(refused[i / LANES] >> (i % LANES)) & 1;
}

PART void
blind_uniform(
    uint8_t *out, uint8_t *ok, const uint8_t *uniform, size_t n, const uint8_t scalar[32])
{
	struct scratch w;
	size_t vectors = take_inputs(&w, uniform, n, OV_UNIFORM_LEN);

	take_scalar(&w, scalar);
	for (size_t i = 0; i < vectors; i++) {
		map_uniform(&w.point[0], w.in + OV_UNIFORM_LEN * LANES * i);
		point_multiply(&w.product[i], &w.multiply, &w.point[0], w.digits);
	}
	double_and_encode(w.out, w.refused, w.encoded, w.product, vectors);
	for (size_t i = 0; i < n; i++)
		ok[i] = is_ok(w.refused, i);
	give_outputs(out, ok, &w, n);
	wipe_all(&w, sizeof(w));
}

PART void
blind_points(
    uint8_t *out, uint8_t *ok, const uint8_t *points, size_t n, const uint8_t scalar[32])
{
	struct scratch w;
	size_t vectors = take_inputs(&w, points, n, OV_POINT_LEN);

	take_scalar(&w, scalar);
	for (size_t i = 0; i < vectors; i += PAIR) {
		decode_pair(w.point, &w.valid[i / PAIR], w.in + OV_POINT_LEN * LANES * i);
		for (size_t j = 0; j < PAIR; j++)
			point_multiply(
			    &w.product[i + j], &w.multiply, &w.point[j], w.digits);
	}
	double_and_encode(w.out, w.refused, w.encoded, w.product, vectors);
	for (size_t i = 0; i < vectors; i++)
		w.refused[i] |= ~mask_bits(w.valid[i / PAIR].m[i % PAIR]);
	for (size_t i = 0; i < n; i++)
		ok[i] = is_ok(w.refused, i) &
			(uint8_t)ov_psi_plausible_vartime(w.in + OV_POINT_LEN * i);
	give_outputs(out, ok, &w, n);
	wipe_all(&w, sizeof(w));
}

PART void
tag(uint8_t *tags, const uint8_t *points, size_t n, const uint8_t key[32])
{
	struct tag_scratch x;

	tag_start(&x, key);
	for (size_t i = 0; i < n; i += LANES)
		tag_vector(tags + TAG_LEN * i, &x, points + OV_POINT_LEN * i,
		    n - i < LANES ? n - i : LANES);
	wipe_all(&x, sizeof(x));
}

#endif /* OV_COMMON_PSI_VECTOR_KERNEL_H */
