/* books.h - two small lists that meet in every way the join knows, and what each company
 * grants: the inputs of the vectors of a whole exchange.
 */
#ifndef OV_TESTS_BOOKS_H
#define OV_TESTS_BOOKS_H

#include "proto/codec.h"
#include "proto/rank.h"
#include "proto/terms.h"

struct book_token {
	uint8_t rank; /* 0 ends the tokens */
	const char *value;
};

struct book_record {
	uint8_t population, fit;
	uint8_t band; /* of the partner's criteria; 0: not evaluated */
	struct book_token tokens[OV_TOKENS_PER_RECORD + 1]; /* in no order */
};

struct company_book {
	const struct book_record *records;
	size_t n;
	struct ov_population populations[4];
	size_t n_populations;
	struct ov_msg_grants grants; /* without populations */
};

extern const struct company_book book_ada, book_bob;

/* The company's LEGEND of a list of n records, at these levels (by number), as the client
 * writes it; and whether its partner's client takes the chunk.  Apart from the scene,
 * since broker and client each have a struct ov_broker. */
enum ov_status book_legend(struct ov_buf *out, const struct company_book *book,
    const uint8_t *levels, uint64_t n);
bool book_legend_holds(
    const uint8_t *chunk, const struct company_book *book, const uint8_t *levels);

/* The size that a legend says of n records. */
uint32_t book_legend_size(uint64_t n, uint32_t step);

#endif /* OV_TESTS_BOOKS_H */
