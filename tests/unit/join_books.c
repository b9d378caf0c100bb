#include "tests/unit/join_books.h"

#include <stdlib.h>
#include <string.h>

/* --- books --- */

static uint64_t state;

void
draw_seed(uint64_t seed)
{
	state = seed;
}

/* xorshift64* */
uint32_t
draw(uint32_t below)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (uint32_t)((state * 0x2545f4914f6cdd1dULL) >> 33) % below;
}

void
book_init(struct book *k)
{
	static const uint8_t levels[16] = { 0, 1, 2, 3, 1, 2 };

	memset(k, 0, sizeof(*k));
	k->side.tag = k->tag[0];
	k->side.record = k->record;
	k->side.rank = k->rank;
	k->side.label = k->label;
	k->side.fit = k->fit;
	memcpy(k->side.level, levels, sizeof(levels));
	k->side.ranks = 0xfe;
	k->side.bands = true;
}

void
book_add(struct book *k, uint32_t record, uint8_t rank, unsigned int tag, uint8_t label,
    uint8_t fit)
{
	size_t i = k->side.n++;

	if (i >= BOOK_SLOTS)
		abort();
	if (OV_LABEL_BAND(label) == OV_BAND_NONE)
		label = OV_LABEL(label, ov_band_of(OV_FIT_OTHER(fit), 0));
	memset(k->tag[i], 0, 16);
	k->tag[i][0] = (uint8_t)(tag >> 8);
	k->tag[i][1] = (uint8_t)(tag & 0xc0);
	k->tag[i][15] = (uint8_t)tag;
	k->record[i] = record;
	k->rank[i] = rank;
	k->label[i] = label;
	k->fit[i] = fit;
}

unsigned int
book_tag(const struct book *k, size_t slot)
{
	return (unsigned int)(k->tag[slot][0] << 8 | k->tag[slot][15]);
}

static bool
book_has_tag(const struct book *k, unsigned int tag)
{
	for (size_t i = 0; i < k->side.n; i++)
		if (book_tag(k, i) == tag)
			return true;
	return false;
}

static void
book_shuffle(struct book *k)
{
	for (size_t i = k->side.n; i > 1; i--) {
		size_t x = i - 1, y = draw((uint32_t)i);
		struct book old = *k;

		memcpy(k->tag[x], old.tag[y], 16);
		memcpy(k->tag[y], old.tag[x], 16);
		k->record[x] = old.record[y], k->record[y] = old.record[x];
		k->rank[x] = old.rank[y], k->rank[y] = old.rank[x];
		k->label[x] = old.label[y], k->label[y] = old.label[x];
		k->fit[x] = old.fit[y], k->fit[y] = old.fit[x];
	}
}

void
book_draw(struct book *k, uint32_t records, uint32_t tags)
{
	static const uint8_t fits[] = { 0, 1, 2, 4, 5, 6, 8, 9, 10 };

	book_init(k);
	for (uint32_t r = 0; r < records; r++) {
		uint8_t fit = fits[draw(9)];
		uint8_t band = ov_band_of(OV_FIT_OTHER(fit), (uint8_t)draw(4));
		uint8_t label = OV_LABEL(1 + draw(5), (uint32_t)band);
		uint32_t slots = 1 + draw(OV_TOKENS_PER_RECORD);

		for (uint32_t i = 0; i < slots && k->side.n < BOOK_SLOTS; i++) {
			uint32_t tag = draw(tags) * 37;
			uint8_t rank = (uint8_t)(1 + (draw(20) == 0 ? draw(7) : tag % 7));

			if (!book_has_tag(k, tag))
				book_add(k, r, rank, tag, label, fit);
		}
	}
	/* record numbers stay under the number of slots */
	for (size_t i = 0; i < k->side.n; i++)
		while (k->record[i] >= k->side.n)
			k->side.n--, i = 0;
	book_shuffle(k);
}

void
book_without(struct book *out, const struct book *k, uint32_t record)
{
	book_init(out);
	for (size_t i = 0; i < k->side.n; i++)
		if (k->record[i] != record)
			book_add(out, k->record[i], k->rank[i], book_tag(k, i),
			    k->label[i], k->fit[i]);
	for (size_t i = 0; i < out->side.n; i++)
		if (out->record[i] >= out->side.n) {
			book_add(out, record, 7, (unsigned int)(0xe000 + out->side.n),
			    0x01, 0);
			i = (size_t)-1;
		}
}

/* --- the reference --- */

static struct naive_edge
naive_edge(const struct book *a, uint32_t x, const struct book *b, uint32_t y,
    const uint8_t veto[8])
{
	struct naive_edge e = { .strongest = 99 };
	uint8_t best[16];
	bool has_x[8] = { false }, has_y[8] = { false }, both[8] = { false };

	for (size_t i = 0; i < a->side.n; i++)
		for (size_t k = 0; k < b->side.n; k++) {
			if (a->record[i] != x || b->record[k] != y)
				continue;
			has_x[a->rank[i]] = has_y[b->rank[k]] = true;
			if (a->rank[i] != b->rank[k] ||
			    memcmp(a->tag[i], b->tag[k], 16) != 0)
				continue;
			both[a->rank[i]] = true;
			if (e.shared++ == 0 || memcmp(a->tag[i], e.smallest, 16) < 0)
				memcpy(e.smallest, a->tag[i], 16);
			if (a->rank[i] > e.strongest ||
			    (a->rank[i] == e.strongest &&
				memcmp(a->tag[i], best, 16) > 0))
				continue;
			e.strongest = a->rank[i];
			memcpy(best, a->tag[i], 16);
			e.a = (uint32_t)i;
			e.b = (uint32_t)k;
		}
	e.exists = e.shared > 0;
	for (int v = 1; v < e.strongest && e.exists; v++)
		if (has_x[v] && has_y[v] && !both[v] && (veto[v] >> e.strongest & 1))
			e.exists = false;
	return e;
}

static bool
naive_better(const struct naive_edge *e, const struct naive_edge *f)
{
	if (e->strongest != f->strongest)
		return e->strongest < f->strongest;
	if (e->shared != f->shared)
		return e->shared > f->shared;
	return memcmp(e->smallest, f->smallest, 16) < 0;
}

/* All edges of two books, by record numbers. */
static struct naive_edge edges[BOOK_SLOTS][BOOK_SLOTS];

void
naive_edges(const struct book *a, const struct book *b, const uint8_t veto[8])
{
	for (uint32_t x = 0; x < BOOK_SLOTS; x++)
		for (uint32_t y = 0; y < BOOK_SLOTS; y++)
			edges[x][y].exists = false;
	for (size_t i = 0; i < a->side.n; i++)
		for (size_t k = 0; k < b->side.n; k++)
			if (memcmp(a->tag[i], b->tag[k], 16) == 0)
				edges[a->record[i]][b->record[k]] =
				    naive_edge(a, a->record[i], b, b->record[k], veto);
}

const struct naive_edge *
naive_best(const bool *free_a, const bool *free_b)
{
	const struct naive_edge *best = NULL;

	for (uint32_t x = 0; x < BOOK_SLOTS; x++)
		for (uint32_t y = 0; y < BOOK_SLOTS; y++)
			if (edges[x][y].exists && free_a[x] && free_b[y] &&
			    (best == NULL || naive_better(&edges[x][y], best)))
				best = &edges[x][y];
	return best;
}
