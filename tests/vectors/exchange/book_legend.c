#include "client/job/legend.h"
#include "tests/vectors/exchange/books.h"

static size_t
given(struct ov_population out[OV_POPULATIONS_MAX], const struct company_book *book,
    const uint8_t *levels)
{
	for (size_t i = 0; i < book->n_populations; i++) {
		out[i] = book->populations[i];
		out[i].level = (enum ov_level)levels[i + 1];
	}
	return book->n_populations;
}

enum ov_status
book_legend(struct ov_buf *out, const struct company_book *book, const uint8_t *levels,
    uint64_t n)
{
	struct ov_terms terms = { .size_mine = (uint32_t)book->grants.size };

	terms.n_mine = given(terms.mine, book, levels);
	return ov_legend_encode(out, &terms, n);
}

bool
book_legend_holds(
    const uint8_t *chunk, const struct company_book *book, const uint8_t *levels)
{
	struct ov_terms terms = { .size_theirs = (uint32_t)book->grants.size };
	uint32_t size;

	terms.n_theirs = given(terms.theirs, book, levels);
	return ov_legend_check(&size, chunk, &terms) == OV_OK;
}

uint32_t
book_legend_size(uint64_t n, uint32_t step)
{
	return ov_legend_size(n, step);
}
