#include "server/join.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/work/both.h"
#include "common/work/heap.h"
#include "server/join_index.h"

/* What the slots of one record say; count 0: no slot yet. */
struct record {
	uint8_t label, fit, ranks, count;
};

struct edge {
	uint32_t a, b; /* slots of the smallest shared tag at the strongest shared rank */
	uint32_t low;  /* A's slot of the smallest shared tag at any rank */
	uint8_t rank;  /* strongest shared */
	uint8_t ranks; /* all shared */
	uint16_t count; /* shared tags, 1 .. OV_TOKENS_PER_RECORD */
};

struct ov_join {
	const struct ov_join_side *a, *b;
	uint8_t refusing[OV_RANK_MAX + 1];    /* by rank of an edge: what may veto it */
	struct record *records_a, *records_b; /* only while edges are made */
	struct ov_join_hit *hits;	      /* the same */
	uint32_t *head;			      /* the same: first hit of each A record */
	size_t n_hits;
	struct edge *edges; /* in order */
	size_t n_edges;
};

/* --- rosters --- */

static bool
slot_is_legal(const struct ov_join_side *s, size_t i)
{
	uint8_t population = OV_LABEL_POPULATION(s->label[i]);
	uint8_t own = OV_FIT_OWN(s->fit[i]), other = OV_FIT_OTHER(s->fit[i]);

	return s->record[i] < s->n && s->rank[i] >= OV_RANK_MIN &&
	       s->rank[i] <= OV_RANK_MAX && (s->ranks & OV_RANK_BIT(s->rank[i])) != 0 &&
	       population != 0 && s->level[population] != OV_LEVEL_HIDDEN &&
	       s->fit[i] < 16 && own <= OV_FIT_YES && other <= OV_FIT_YES &&
	       ov_band_ok(s->label[i], s->fit[i], s->bands);
}

/* Takes slot i into its record; false if it does not fit what is there. */
static bool
record_takes_slot(struct record *r, const struct ov_join_side *s, size_t i)
{
	if (r->count == 0) {
		r->label = s->label[i];
		r->fit = s->fit[i];
	}
	if (r->label != s->label[i] || r->fit != s->fit[i] ||
	    r->count == OV_TOKENS_PER_RECORD)
		return false;
	r->ranks |= OV_RANK_BIT(s->rank[i]);
	r->count++;
	return true;
}

static enum ov_status
read_roster(struct record **out, const struct ov_join_side *s)
{
	struct record *records = NULL;
	enum ov_status st = OV_OK;

	*out = NULL;
	OV_REQUIRE(s->n <= OV_JOIN_SLOTS_MAX, OV_E_PROTO_ROSTER);
	records = ov_heap_scattered(s->n + 1, sizeof(*records)); /* + 1: n may be 0 */
	OV_REQUIRE(records != NULL, OV_E_NOMEM);
	for (size_t i = 0; i < s->n; i++) {
		OV_REQUIRE(slot_is_legal(s, i), OV_E_PROTO_ROSTER);
		OV_REQUIRE(
		    record_takes_slot(&records[s->record[i]], s, i), OV_E_PROTO_ROSTER);
	}
	*out = records;
	records = NULL;
done:
	free(records);
	return st;
}

enum ov_status
ov_join_check(const struct ov_join_side *s)
{
	struct record *records;
	enum ov_status st = read_roster(&records, s);

	free(records);
	return st;
}

struct reading {
	const struct ov_join_side *side;
	struct record *records;
	enum ov_status st;
};

static void
read_half(void *arg)
{
	struct reading *r = arg;

	r->st = read_roster(&r->records, r->side);
}

/* A's failure counts before B's. */
static enum ov_status
read_rosters(struct ov_join *j)
{
	struct reading a = { .side = j->a }, b = { .side = j->b };

	ov_both(read_half, &a, &b);
	j->records_a = a.records;
	j->records_b = b.records;
	return a.st != OV_OK ? a.st : b.st;
}

/* --- edges --- */

/* Hits stand in no order that memory is in: what one needs is asked for so many before,
 * twice so many for what leads to it. */
#define AHEAD 16

static int
compare_tags(const struct ov_join_side *s, uint32_t x, uint32_t y)
{
	return memcmp(
	    s->tag + (size_t)x * OV_TAG_LEN, s->tag + (size_t)y * OV_TAG_LEN, OV_TAG_LEN);
}

/* Tags at equal rank are equal on both sides, so A's tags order for B as well. */
static void
edge_takes_hit(struct edge *e, const struct ov_join *j, const struct ov_join_hit *h)
{
	uint8_t rank = j->a->rank[h->a];
	int order = e->count == 0 ? -1 : compare_tags(j->a, h->a, e->low);

	if (order < 0)
		e->low = h->a;
	if (e->count == 0 || rank < e->rank ||
	    (rank == e->rank && compare_tags(j->a, h->a, e->a) < 0)) {
		e->rank = rank;
		e->a = h->a;
		e->b = h->b;
	}
	e->ranks |= OV_RANK_BIT(rank);
	e->count++;
}

/* Gathers the hits of one record of A by the records of B that they lead to.  At most
 * OV_TOKENS_PER_RECORD: a record has no more slots and a slot no more than one hit. */
static size_t
gather_edges(struct edge out[OV_TOKENS_PER_RECORD], const struct ov_join *j, uint32_t hit)
{
	size_t n = 0, i;

	for (; hit != OV_JOIN_NONE; hit = j->hits[hit].next) {
		const struct ov_join_hit *h = &j->hits[hit];

		for (i = 0; i < n; i++)
			if (j->b->record[out[i].b] == j->b->record[h->b])
				break;
		if (i == n)
			memset(&out[n++], 0, sizeof(out[0]));
		edge_takes_hit(&out[i], j, h);
	}
	return n;
}

static bool
is_vetoed(const struct ov_join *j, const struct edge *e)
{
	const struct record *x, *y;

	if (j->refusing[e->rank] == 0) /* most often: what follows is far in memory */
		return false;
	x = &j->records_a[j->a->record[e->a]];
	y = &j->records_b[j->b->record[e->b]];
	return (x->ranks & y->ranks & (uint8_t)~e->ranks & j->refusing[e->rank]) != 0;
}

static void
take_vetoes(struct ov_join *j, const uint8_t veto[OV_RANK_MAX + 1])
{
	for (uint8_t rank = OV_RANK_MIN; rank <= OV_RANK_MAX; rank++)
		for (uint8_t v = OV_RANK_MIN; v < rank; v++)
			if ((veto[v] & OV_RANK_BIT(rank)) != 0)
				j->refusing[rank] |= OV_RANK_BIT(v);
}

/* Chains the hits of each A record. */
static enum ov_status
chain_hits(struct ov_join *j)
{
	j->head = ov_heap_scattered(j->a->n + 1, sizeof(*j->head));
	if (j->head == NULL)
		return OV_E_NOMEM;
	memset(j->head, 0xff, (j->a->n + 1) * sizeof(*j->head)); /* OV_JOIN_NONE */
	for (size_t i = 0; i < j->n_hits; i++) {
		uint32_t *head = &j->head[j->a->record[j->hits[i].a]];

		if (i + 2 * AHEAD < j->n_hits) {
			__builtin_prefetch(&j->a->record[j->hits[i + 2 * AHEAD].a]);
			__builtin_prefetch(
			    &j->head[j->a->record[j->hits[i + AHEAD].a]], 1);
		}
		j->hits[i].next = *head;
		*head = (uint32_t)i;
	}
	return OV_OK;
}

static void
fetch_hits(const struct ov_join *j, size_t record)
{
	uint32_t first, second;

	if (record + 2 * AHEAD >= j->a->n)
		return;
	first = j->head[record + AHEAD];
	second = j->head[record + 2 * AHEAD];
	if (second != OV_JOIN_NONE)
		__builtin_prefetch(&j->hits[second]);
	if (first != OV_JOIN_NONE) {
		__builtin_prefetch(&j->a->rank[j->hits[first].a]);
		__builtin_prefetch(&j->b->record[j->hits[first].b]);
	}
}

static enum ov_status
make_edges(struct ov_join *j)
{
	struct edge found[OV_TOKENS_PER_RECORD];

	/* every edge takes at least one hit */
	j->edges = malloc((j->n_hits + 1) * sizeof(*j->edges));
	if (j->edges == NULL)
		return OV_E_NOMEM;
	for (size_t record = 0; record < j->a->n; record++) {
		size_t n;

		fetch_hits(j, record);
		n = gather_edges(found, j, j->head[record]);

		for (size_t i = 0; i < n; i++)
			if (!is_vetoed(j, &found[i]))
				j->edges[j->n_edges++] = found[i];
	}
	return OV_OK;
}

/* --- order --- */

/* Edges fall into buckets by rank, number of shared tags and the first bits of the
 * smallest tag; tags look random, so a bucket is small enough for the cache.  A list of
 * forged tags only makes the buckets uneven: the sort in them is n log n. */
#define TAG_BITS 10
#define BUCKETS ((OV_RANK_MAX * OV_TOKENS_PER_RECORD) << TAG_BITS)

static size_t
bucket_of(const struct ov_join *j, const struct edge *e)
{
	const uint8_t *tag = j->a->tag + (size_t)e->low * OV_TAG_LEN;
	size_t class = (size_t)(e->rank - OV_RANK_MIN) * OV_TOKENS_PER_RECORD +
		       (size_t)(OV_TOKENS_PER_RECORD - e->count);

	return class << TAG_BITS | (size_t)(tag[0] << 2 | tag[1] >> 6);
}

static void
fetch_tag(const struct ov_join *j, size_t edge)
{
	if (edge < j->n_edges)
		__builtin_prefetch(j->a->tag + (size_t)j->edges[edge].low * OV_TAG_LEN);
}

/* Within a bucket, rank and number are equal. */
static int
compare_edges(const void *x, const void *y, void *join)
{
	const struct edge *e = x, *f = y;

	return compare_tags(((const struct ov_join *)join)->a, e->low, f->low);
}

/* Moves the edges to `sorted` bucket by bucket; end[k] becomes the end of bucket k. */
static void
scatter_edges(struct edge *sorted, uint32_t *end, const struct ov_join *j)
{
	uint32_t start = 0;

	for (size_t i = 0; i < j->n_edges; i++) {
		fetch_tag(j, i + AHEAD);
		end[bucket_of(j, &j->edges[i])]++;
	}
	for (size_t k = 0; k < BUCKETS; k++) {
		uint32_t size = end[k];

		end[k] = start;
		start += size;
	}
	for (size_t i = 0; i < j->n_edges; i++) {
		fetch_tag(j, i + AHEAD);
		sorted[end[bucket_of(j, &j->edges[i])]++] = j->edges[i];
	}
}

/* Buckets that are to be sorted: last is not one of them. */
struct sorting {
	struct ov_join *j;
	const uint32_t *end;
	size_t first, last;
};

static void
sort_buckets(void *arg)
{
	const struct sorting *s = arg;
	uint32_t start = s->first > 0 ? s->end[s->first - 1] : 0;

	for (size_t k = s->first; k < s->last; start = s->end[k++])
		if (s->end[k] - start > 1)
			qsort_r(s->j->edges + start, s->end[k] - start,
			    sizeof(*s->j->edges), compare_edges, s->j);
}

/* About half of the edges each. */
static void
sort_all_buckets(struct ov_join *j, const uint32_t *end)
{
	size_t middle = 0;

	while (middle < BUCKETS && end[middle] < j->n_edges / 2)
		middle++;
	ov_both(sort_buckets, &(struct sorting){ j, end, 0, middle },
	    &(struct sorting){ j, end, middle, BUCKETS });
}

static enum ov_status
sort_edges(struct ov_join *j)
{
	struct edge *sorted = ov_heap_scattered(j->n_edges + 1, sizeof(*sorted));
	uint32_t *end = calloc(BUCKETS, sizeof(*end));
	enum ov_status st = OV_OK;

	OV_REQUIRE(sorted != NULL && end != NULL, OV_E_NOMEM);
	scatter_edges(sorted, end, j);
	free(j->edges); /* before qsort_r, which may take as much again */
	j->edges = sorted;
	sorted = NULL;
	sort_all_buckets(j, end);
done:
	free(end);
	free(sorted);
	return st;
}

static void
free_scaffold(struct ov_join *j)
{
	free(j->records_a);
	free(j->records_b);
	free(j->hits);
	free(j->head);
	j->records_a = j->records_b = NULL;
	j->hits = NULL;
	j->head = NULL;
}

enum ov_status
ov_join_new(struct ov_join **out, const struct ov_join_side *a,
    const struct ov_join_side *b, const uint8_t veto[OV_RANK_MAX + 1])
{
	struct ov_join *j = calloc(1, sizeof(*j));
	enum ov_status st = OV_OK;

	*out = NULL;
	OV_REQUIRE(j != NULL, OV_E_NOMEM);
	j->a = a;
	j->b = b;
	take_vetoes(j, veto);
	OV_TRY(read_rosters(j));
	j->hits = ov_heap_scattered((a->n < b->n ? a->n : b->n) + 1, sizeof(*j->hits));
	OV_REQUIRE(j->hits != NULL, OV_E_NOMEM);
	OV_TRY(ov_join_find_hits(j->hits, &j->n_hits, a, b));
	OV_TRY(chain_hits(j));
	OV_TRY(make_edges(j));
	free_scaffold(j);
	OV_TRY(sort_edges(j));
	*out = j;
	j = NULL;
done:
	ov_join_free(j);
	return st;
}

void
ov_join_free(struct ov_join *j)
{
	if (j == NULL)
		return;
	free_scaffold(j);
	free(j->edges);
	free(j);
}

/* --- views --- */

/* Sets bit i; true if it was clear. */
static bool
take(uint64_t *set, uint32_t i)
{
	uint64_t bit = (uint64_t)1 << (i % 64);
	bool was_clear = (set[i / 64] & bit) == 0;

	set[i / 64] |= bit;
	return was_clear;
}

static bool
is_taken(const uint64_t *set, uint32_t i)
{
	return (set[i / 64] >> (i % 64)) & 1;
}

static uint64_t *
new_set(size_t n)
{
	return calloc(n / 64 + 1, sizeof(uint64_t));
}

/* True if the other side's record stands at floor or higher. */
static bool
is_seen(const struct ov_join *j, const struct edge *e, enum ov_join_role receiver,
    enum ov_level floor)
{
	uint8_t level = receiver == OV_JOIN_A
			    ? j->b->level[OV_LABEL_POPULATION(j->b->label[e->b])]
			    : j->a->level[OV_LABEL_POPULATION(j->a->label[e->a])];

	return level >= (uint8_t)floor;
}

static void
fetch_edge(const struct ov_join *j, const struct edge *e)
{
	__builtin_prefetch(&j->a->record[e->a]);
	__builtin_prefetch(&j->b->record[e->b]);
	__builtin_prefetch(&j->a->label[e->a]);
	__builtin_prefetch(&j->b->label[e->b]);
}

enum ov_status
ov_join_list(const struct ov_join *j, enum ov_join_role receiver, enum ov_level floor,
    struct ov_join_list *out)
{
	uint64_t *taken_a = new_set(j->a->n), *taken_b = new_set(j->b->n);
	struct ov_join_pair *pairs = malloc((j->n_edges + 1) * sizeof(*pairs)), *less;
	enum ov_status st = OV_OK;
	size_t n = 0;

	*out = (struct ov_join_list){ NULL, 0 };
	OV_REQUIRE(taken_a != NULL && taken_b != NULL && pairs != NULL, OV_E_NOMEM);
	for (size_t i = 0; i < j->n_edges; i++) {
		const struct edge *e = &j->edges[i];
		uint32_t x = j->a->record[e->a], y = j->b->record[e->b];

		if (i + AHEAD < j->n_edges)
			fetch_edge(j, &e[AHEAD]);
		if (!is_seen(j, e, receiver, floor) || is_taken(taken_a, x) ||
		    is_taken(taken_b, y))
			continue;
		(void)take(taken_a, x);
		(void)take(taken_b, y);
		pairs[n++] = (struct ov_join_pair){ e->a, e->b, (uint32_t)i, e->rank };
	}
	less = realloc(pairs, (n + 1) * sizeof(*pairs)); /* shrinks; may refuse to */
	*out = (struct ov_join_list){ less != NULL ? less : pairs, n };
	pairs = NULL;
done:
	free(taken_a);
	free(taken_b);
	free(pairs);
	return st;
}

void
ov_join_list_fini(struct ov_join_list *list)
{
	free(list->pairs);
	*list = (struct ov_join_list){ NULL, 0 };
}

/* A side's own word if it has one, else what the other says of that side's ICP. */
static bool
fits(uint8_t own_fit, uint8_t other_fit)
{
	uint8_t word = OV_FIT_OWN(own_fit);

	if (word == OV_FIT_UNKNOWN)
		word = OV_FIT_OTHER(other_fit);
	return word == OV_FIT_YES;
}

/* Where a pair of slots is counted. */
struct place {
	uint8_t pa, pb;
	bool fits_a, fits_b;
};

static struct place
place_of(const struct ov_join *j, uint32_t a, uint32_t b)
{
	return (struct place){ OV_LABEL_POPULATION(j->a->label[a]),
		OV_LABEL_POPULATION(j->b->label[b]), fits(j->a->fit[a], j->b->fit[b]),
		fits(j->b->fit[b], j->a->fit[a]) };
}

void
ov_join_count(
    const struct ov_join *j, const struct ov_join_list *list, struct ov_join_cells *out)
{
	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < list->n; i++) {
		struct place p = place_of(j, list->pairs[i].a, list->pairs[i].b);

		out->pairs[p.pa][p.pb]++;
		out->fits_a[p.pa][p.pb] += p.fits_a;
		out->fits_b[p.pa][p.pb] += p.fits_b;
		/* a record is in one pair at most */
		out->records_a[p.pa]++;
		out->records_b[p.pb]++;
	}
}

enum ov_status
ov_join_atoms(
    const struct ov_join *j, enum ov_join_role protected_side, struct ov_join_atoms *out)
{
	const struct ov_join_side *s = protected_side == OV_JOIN_A ? j->a : j->b;
	uint64_t *counted = new_set(s->n);

	memset(out, 0, sizeof(*out));
	if (counted == NULL)
		return OV_E_NOMEM;
	for (size_t i = 0; i < j->n_edges; i++) {
		const struct edge *e = &j->edges[i];
		struct place p = place_of(j, e->a, e->b);

		/* edges stand best first */
		if (take(counted, s->record[protected_side == OV_JOIN_A ? e->a : e->b]))
			out->n[p.pa][p.pb][p.fits_a][p.fits_b]++;
	}
	free(counted);
	return OV_OK;
}

enum ov_status
ov_join_records(
    const struct ov_join *j, enum ov_join_role side, struct ov_join_records *out)
{
	const struct ov_join_side *s = side == OV_JOIN_A ? j->a : j->b;
	uint64_t *counted = new_set(s->n);

	memset(out, 0, sizeof(*out));
	if (counted == NULL)
		return OV_E_NOMEM;
	for (size_t i = 0; i < s->n; i++) {
		uint8_t p = OV_LABEL_POPULATION(s->label[i]);

		if (!take(counted, s->record[i]))
			continue;
		out->n[p]++;
		out->own[p][OV_FIT_OWN(s->fit[i])]++;
		out->other[p][OV_FIT_OTHER(s->fit[i])]++;
	}
	free(counted);
	return OV_OK;
}
