/* join_books.h - random small books, and the join written a second time, naively, from
 * the text of the protocol (for test_join.c).
 */
#ifndef OV_TESTS_JOIN_BOOKS_H
#define OV_TESTS_JOIN_BOOKS_H

#include <stdbool.h>

#include "server/join.h"

#define BOOK_SLOTS 96

struct book {
	struct ov_join_side side; /* points into the arrays below */
	uint8_t tag[BOOK_SLOTS][16];
	uint32_t record[BOOK_SLOTS];
	uint8_t rank[BOOK_SLOTS], label[BOOK_SLOTS], fit[BOOK_SLOTS];
};

/* The same numbers on every machine after the same seed (not 0). */
void draw_seed(uint64_t seed);
uint32_t draw(uint32_t below);

/* An empty book: populations 1..5 at levels counts, matches, fields, counts, matches, and
 * bands. */
void book_init(struct book *k);

/* Adds a slot; the number is spread over the first two bytes of the tag and the last, in
 * its own order.  A label without a band gets the one that fits. */
void book_add(struct book *k, uint32_t record, uint8_t rank, unsigned int tag,
    uint8_t label, uint8_t fit);
unsigned int book_tag(const struct book *k, size_t slot);

/* A dense book: few tags, so that records compete.  The rank follows from the tag, as it
 * does when both are honest, but for one slot in twenty. */
void book_draw(struct book *k, uint32_t records, uint32_t tags);

/* The same book without one record; where numbers then go past the number of slots, the
 * record stays with slots that meet nothing. */
void book_without(struct book *out, const struct book *k, uint32_t record);

struct naive_edge {
	bool exists;
	int strongest, shared;
	uint32_t a, b;	      /* slots to be reported */
	uint8_t smallest[16]; /* of all shared tags */
};

/* Fills the table of all edges of two books. */
void naive_edges(const struct book *a, const struct book *b, const uint8_t veto[8]);

/* The best edge between free records of A and free records of B, NULL if there is none.
 */
const struct naive_edge *naive_best(const bool *free_a, const bool *free_b);

#endif /* OV_TESTS_JOIN_BOOKS_H */
