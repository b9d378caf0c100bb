#include "server/join_index.h"

#include <stdlib.h>
#include <string.h>

#include "common/crypto/hash.h"
#include "common/crypto/memory.h"
#include "common/work/both.h"
#include "common/work/heap.h"

/* Slots hashed ahead of their insertion, so that the table's lines are on their way. */
#define BLOCK 32

/* Slots fall into parts of about PART, equal tags into the same one, so that the table of
 * a part stays in the cache.  Which one is decided by a product with random numbers
 * (multiply-shift hashing): no list makes the parts uneven on purpose. */
#define PART 4096U
#define PART_BITS_MAX 16U

/* A cell holds (high half of the hash) << 32 | number + 1, 0 when empty.  A's slots have
 * the numbers 0 .. a->n - 1, B's follow: both together are under 2^29. */
struct index {
	const struct ov_join_side *a, *b;
	unsigned int bits; /* there are 2^bits parts */
	uint64_t factor[2];
	uint32_t *end;	  /* of each part in `number` */
	uint32_t *number; /* part by part, ascending in each: A's before B's */
	uint8_t key[16];
};

/* A run of parts, with a table that one part after the other lies in. */
struct run {
	const struct index *x;
	size_t first, last; /* parts: last is not one of them */
	uint32_t start;	    /* of the first one */
	uint64_t *cell;	    /* room for the largest part */
	uint64_t n_cells;   /* of the part at hand, 3/2 of its slots: under 2^30 */
	struct ov_join_hit *hits;
	size_t n_hits;
	enum ov_status st;
};

static const uint8_t *
tag_of(const struct index *x, uint32_t number)
{
	const struct ov_join_side *s = number < x->a->n ? x->a : x->b;
	size_t slot = number < x->a->n ? number : number - x->a->n;

	return s->tag + slot * OV_TAG_LEN;
}

static uint64_t
hash_of(const struct index *x, uint32_t number)
{
	uint64_t h;

	ov_siphash((uint8_t *)&h, x->key, OV_BYTES(tag_of(x, number), OV_TAG_LEN));
	return h;
}

/* The low half picks the cell, the high half is kept in it.  The product is under
 * 2^32 * 2^30. */
static uint64_t
home_of(const struct run *r, uint64_t hash)
{
	return ((hash & UINT32_MAX) * r->n_cells) >> 32;
}

/* Slot `number` holds the tag of slot `earlier`. */
static enum ov_status
meet(struct run *r, uint32_t earlier, uint32_t number)
{
	const struct index *x = r->x;
	uint32_t slot_b = (uint32_t)(number - x->a->n);

	if (number < x->a->n || earlier >= x->a->n)
		return OV_E_PSI_DUPLICATE;
	if (x->a->rank[earlier] == x->b->rank[slot_b])
		r->hits[r->n_hits++] =
		    (struct ov_join_hit){ earlier, slot_b, OV_JOIN_NONE };
	return OV_OK;
}

/* B's slot takes over the cell of A's equal one: a third equal tag is then a duplicate
 * in B, since all of A went in before. */
static enum ov_status
insert(struct run *r, uint32_t number, uint64_t hash)
{
	uint64_t pos = home_of(r, hash), high = hash & ~(uint64_t)UINT32_MAX;
	const uint8_t *tag = tag_of(r->x, number);
	enum ov_status st = OV_OK;

	for (; r->cell[pos] != 0; pos = pos + 1 == r->n_cells ? 0 : pos + 1) {
		uint32_t earlier = (uint32_t)r->cell[pos] - 1;

		if (((r->cell[pos] ^ high) >> 32) != 0)
			continue;
		if (memcmp(tag_of(r->x, earlier), tag, OV_TAG_LEN) != 0)
			continue;
		st = meet(r, earlier, number);
		break;
	}
	r->cell[pos] = high | (number + 1);
	return st;
}

/* --- parts --- */

static size_t
part_of(const struct index *x, uint32_t number)
{
	uint64_t tag[2];

	memcpy(tag, tag_of(x, number), sizeof(tag));
	return (tag[0] * x->factor[0] + tag[1] * x->factor[1]) >> (64 - PART_BITS_MAX) >>
	       (PART_BITS_MAX - x->bits);
}

/* Fills `number` and `end`; returns the size of the largest part. */
static uint32_t
deal(struct index *x, uint32_t total)
{
	size_t parts = (size_t)1 << x->bits;
	uint32_t start = 0, largest = 0;

	for (uint32_t i = 0; i < total; i++)
		x->end[part_of(x, i)]++;
	for (size_t p = 0; p < parts; p++) {
		uint32_t n = x->end[p];

		largest = n > largest ? n : largest;
		x->end[p] = start;
		start += n;
	}
	for (uint32_t i = 0; i < total; i++)
		x->number[x->end[part_of(x, i)]++] = i;
	return largest;
}

static enum ov_status
index_part(struct run *r, const uint32_t *number, uint32_t n)
{
	uint64_t hash[BLOCK];
	enum ov_status st = OV_OK;

	r->n_cells = (uint64_t)n + n / 2 + 1; /* always one empty cell */
	memset(r->cell, 0, r->n_cells * sizeof(*r->cell));
	for (uint32_t base = 0; base < n; base += BLOCK) {
		uint32_t block = n - base < BLOCK ? n - base : BLOCK;

		for (uint32_t i = base + BLOCK; i < n && i < base + 2 * BLOCK; i++)
			__builtin_prefetch(tag_of(r->x, number[i]));
		for (uint32_t i = 0; i < block; i++) {
			hash[i] = hash_of(r->x, number[base + i]);
			__builtin_prefetch(&r->cell[home_of(r, hash[i])], 1);
		}
		for (uint32_t i = 0; i < block; i++)
			OV_TRY(insert(r, number[base + i], hash[i]));
	}
done:
	return st;
}

static void
index_run(void *arg)
{
	struct run *r = arg;
	const struct index *x = r->x;
	uint32_t start = r->start;

	for (size_t p = r->first; p < r->last && r->st == OV_OK; start = x->end[p++])
		r->st = index_part(r, x->number + start, x->end[p] - start);
}

/* --- two runs side by side --- */

/* Splits the parts in the middle; each run writes hits where it cannot reach the other's:
 * a run of a slots of A and b of B has at most the lesser of them, and two runs together
 * no more than both lists have. */
static void
split(struct run r[2], const struct index *x, struct ov_join_hit *hits)
{
	size_t parts = (size_t)1 << x->bits, middle = parts / 2;
	uint32_t start = middle > 0 ? x->end[middle - 1] : 0, in_a = 0;

	for (uint32_t i = 0; i < start; i++)
		in_a += x->number[i] < x->a->n;
	r[0] = (struct run){ .x = x, .last = middle, .hits = hits };
	r[1] = (struct run){ .x = x, .first = middle, .last = parts, .start = start };
	r[1].hits = hits + (in_a < start - in_a ? in_a : start - in_a);
}

static enum ov_status
index_both(size_t *n, struct run r[2], uint32_t largest)
{
	enum ov_status st = OV_OK;

	for (int i = 0; i < 2; i++) {
		r[i].cell =
		    malloc(((size_t)largest + largest / 2 + 1) * sizeof(*r[i].cell));
		OV_REQUIRE(r[i].cell != NULL, OV_E_NOMEM);
	}
	ov_both(index_run, &r[0], &r[1]);
	OV_TRY(r[0].st);
	OV_TRY(r[1].st);
	memmove(r[0].hits + r[0].n_hits, r[1].hits, r[1].n_hits * sizeof(*r[1].hits));
	*n = r[0].n_hits + r[1].n_hits;
done:
	free(r[0].cell);
	free(r[1].cell);
	return st;
}

enum ov_status
ov_join_find_hits(struct ov_join_hit *hits, size_t *n, const struct ov_join_side *a,
    const struct ov_join_side *b)
{
	struct index x = { .a = a, .b = b };
	uint32_t total = (uint32_t)(a->n + b->n), largest; /* <= 2^29 */
	struct run r[2];
	enum ov_status st = OV_OK;

	while (x.bits < PART_BITS_MAX && total >> x.bits > PART)
		x.bits++;
	x.end = calloc((size_t)1 << x.bits, sizeof(*x.end));
	x.number = ov_heap_scattered((size_t)total + 1, sizeof(*x.number));
	OV_REQUIRE(x.end != NULL && x.number != NULL, OV_E_NOMEM);
	ov_random(x.factor, sizeof(x.factor));
	ov_random(x.key, sizeof(x.key));
	largest = deal(&x, total);
	split(r, &x, hits);
	OV_TRY(index_both(n, r, largest));
done:
	free(x.end);
	free(x.number);
	return st;
}
