#include "client/book/sort.h"

#include <stdlib.h>
#include <string.h>

#define FAN_IN 32    /* pieces merged at once, 64 KiB of memory each */
#define RUNS_MAX 256 /* FAN_IN - 1 of each of 8 levels: FAN_IN^8 pieces */

/* Sorted records on the tape.  Merging FAN_IN of one level gives one of the next. */
struct run {
	uint64_t from, to;
	unsigned int level;
};

/* Of a record in the block: its first bytes as a number decide most comparisons. */
struct entry {
	uint64_t head;
	uint32_t at, len;
};

struct merge_head {
	struct ov_tape_reader reader;
	struct ov_bytes record;
};

struct ov_sort {
	const char *directory;
	size_t memory;	/* of the block */
	uint8_t *block; /* records from its front, entries from its back */
	size_t used, n; /* bytes of records; entries */
	size_t next;	/* entry to be read */
	bool sorted;
	struct ov_tape *tape; /* NULL: all is in the block */
	struct run run[RUNS_MAX];
	size_t n_runs;
	struct merge_head head[FAN_IN];
	struct merge_head *heap[FAN_IN]; /* the smallest record on top */
	size_t n_heap;
	bool given; /* the top was given, and is to move on */
};

enum ov_status
ov_sort_new(struct ov_sort **out, const char *directory, size_t memory)
{
	*out = calloc(1, sizeof(**out));
	if (*out == NULL)
		return OV_E_NOMEM;
	(*out)->directory = directory;
	(*out)->memory = memory;
	return OV_OK;
}

static void
close_heads(struct ov_sort *s)
{
	for (size_t i = 0; i < FAN_IN; i++)
		ov_tape_reader_fini(&s->head[i].reader);
	s->n_heap = 0;
}

void
ov_sort_free(struct ov_sort *s)
{
	if (s == NULL)
		return;
	close_heads(s);
	ov_tape_free(s->tape);
	free(s->block);
	free(s);
}

static int
compare(struct ov_bytes a, struct ov_bytes b)
{
	int c = memcmp(a.p, b.p, a.len < b.len ? a.len : b.len);

	return c != 0 ? c : (a.len > b.len) - (a.len < b.len);
}

static int
compare_entries(const void *x, const void *y, void *block)
{
	const struct entry *a = x, *b = y;
	const uint8_t *p = block;

	if (a->head != b->head)
		return a->head < b->head ? -1 : 1;
	return compare(OV_BYTES(p + a->at, a->len), OV_BYTES(p + b->at, b->len));
}

/* The last entry that was made is the first of the array. */
static struct entry *
entries(const struct ov_sort *s)
{
	return (struct entry *)(void *)(s->block + s->memory) - s->n;
}

static void
sort_block(struct ov_sort *s)
{
	if (s->n > 1)
		qsort_r(
		    entries(s), s->n, sizeof(struct entry), compare_entries, s->block);
}

static struct ov_bytes
entry_bytes(const struct ov_sort *s, size_t i)
{
	const struct entry *e = &entries(s)[i];

	return OV_BYTES(s->block + e->at, e->len);
}

/* --- merging runs --- */

static void
sift_down(struct ov_sort *s)
{
	size_t i = 0, least;
	struct merge_head *h = s->heap[0];

	for (;; i = least) {
		least = 2 * i + 1;
		if (least >= s->n_heap)
			break;
		if (least + 1 < s->n_heap &&
		    compare(s->heap[least + 1]->record, s->heap[least]->record) < 0)
			least++;
		if (compare(h->record, s->heap[least]->record) <= 0)
			break;
		s->heap[i] = s->heap[least];
	}
	s->heap[i] = h;
}

static void
sift_up(struct ov_sort *s, struct merge_head *h)
{
	size_t i = s->n_heap++;

	for (; i > 0 && compare(h->record, s->heap[(i - 1) / 2]->record) < 0;
	     i = (i - 1) / 2)
		s->heap[i] = s->heap[(i - 1) / 2];
	s->heap[i] = h;
}

/* The runs from number `first` on, at most FAN_IN, become readable as one. */
static enum ov_status
open_runs(struct ov_sort *s, size_t first)
{
	enum ov_status st = OV_OK;
	bool any;

	close_heads(s);
	s->given = false;
	for (size_t i = first; i < s->n_runs; i++) {
		struct merge_head *h = &s->head[i - first];

		OV_TRY(ov_tape_read(&h->reader, s->tape, s->run[i].from, s->run[i].to));
		OV_TRY(ov_tape_next(&any, &h->record, &h->reader));
		if (any)
			sift_up(s, h);
	}
done:
	return st;
}

static enum ov_status
next_merged(bool *any, struct ov_bytes *record, struct ov_sort *s)
{
	enum ov_status st = OV_OK;

	if (s->given) {
		OV_TRY(ov_tape_next(any, &s->heap[0]->record, &s->heap[0]->reader));
		if (!*any)
			s->heap[0] = s->heap[--s->n_heap];
		if (s->n_heap > 0)
			sift_down(s);
	}
	s->given = *any = s->n_heap > 0;
	if (*any)
		*record = s->heap[0]->record;
done:
	return st;
}

/* The runs from number `first` on become one. */
static enum ov_status
merge_runs(struct ov_sort *s, size_t first)
{
	struct run one = { ov_tape_end(s->tape), 0, s->run[first].level + 1 };
	struct ov_bytes record;
	bool any;
	enum ov_status st;

	OV_TRY(open_runs(s, first));
	for (;;) {
		OV_TRY(next_merged(&any, &record, s));
		if (!any)
			break;
		OV_TRY(ov_tape_put(s->tape, record.p, record.len));
	}
	one.to = ov_tape_end(s->tape);
	s->run[first] = one;
	s->n_runs = first + 1;
done:
	return st;
}

static bool
has_level_full(const struct ov_sort *s)
{
	return s->n_runs >= FAN_IN &&
	       s->run[s->n_runs - FAN_IN].level == s->run[s->n_runs - 1].level;
}

static enum ov_status
file_block(struct ov_sort *s)
{
	enum ov_status st = OV_OK;

	if (s->tape == NULL)
		OV_TRY(ov_tape_new(&s->tape, s->directory));
	OV_REQUIRE(s->n_runs < RUNS_MAX, OV_E_BUG);
	s->run[s->n_runs].level = 0;
	s->run[s->n_runs].from = ov_tape_end(s->tape);
	sort_block(s);
	for (size_t i = 0; i < s->n; i++) {
		struct ov_bytes r = entry_bytes(s, i);

		OV_TRY(ov_tape_put(s->tape, r.p, r.len));
	}
	s->run[s->n_runs++].to = ov_tape_end(s->tape);
	s->used = s->n = 0;
	while (has_level_full(s))
		OV_TRY(merge_runs(s, s->n_runs - FAN_IN));
done:
	return st;
}

/* --- the whole --- */

enum ov_status
ov_sort_add(struct ov_sort *s, const void *record, size_t len)
{
	const uint8_t *p = record;
	struct entry e = { 0, 0, (uint32_t)len };
	enum ov_status st = OV_OK;

	OV_REQUIRE(len > 0 && len <= OV_SORT_RECORD_MAX && !s->sorted, OV_E_BUG);
	if (s->block == NULL)
		s->block = malloc(s->memory);
	OV_REQUIRE(s->block != NULL, OV_E_NOMEM);
	if (s->used + len + (s->n + 1) * sizeof(e) > s->memory)
		OV_TRY(file_block(s));
	for (size_t i = 0; i < 8; i++)
		e.head = e.head << 8 | (i < len ? p[i] : 0);
	e.at = (uint32_t)s->used;
	memcpy(s->block + s->used, record, len);
	s->used += len;
	s->n++;
	*entries(s) = e;
done:
	return st;
}

enum ov_status
ov_sort_begin(struct ov_sort *s)
{
	enum ov_status st = OV_OK;

	if (!s->sorted && s->tape == NULL) {
		sort_block(s);
	} else if (!s->sorted) {
		OV_TRY(file_block(s));
		free(s->block);
		s->block = NULL;
		while (s->n_runs > FAN_IN)
			OV_TRY(merge_runs(s, s->n_runs - FAN_IN));
	}
	s->sorted = true;
	s->next = 0;
	if (s->tape != NULL)
		OV_TRY(open_runs(s, 0));
done:
	return st;
}

enum ov_status
ov_sort_next(bool *any, struct ov_bytes *record, struct ov_sort *s)
{
	*any = false;
	if (!s->sorted)
		return OV_E_BUG;
	if (s->tape != NULL)
		return next_merged(any, record, s);
	*any = s->next < s->n;
	if (*any)
		*record = entry_bytes(s, s->next++);
	return OV_OK;
}
