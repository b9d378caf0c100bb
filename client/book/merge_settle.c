#include <string.h>

#include "client/book/merge_impl.h"
#include "proto/slots.h"

/* Rows that have the value on w are in one record, or not. */
static enum ov_status
is_one_record(bool *one, struct ov_merge *m, struct shelf_walk *w)
{
	uint32_t root;
	struct claim c;
	bool any;
	enum ov_status st = OV_OK;

	*one = w->value.first != NO_ROW;
	if (!*one)
		return OV_OK;
	root = ov_merge_find(m->up, w->value.first);
	for (;;) {
		OV_TRY(ov_shelf_next_claim(&any, &c, w));
		if (!any)
			break;
		if (ov_merge_is_live(m, &c, w->value.verdict.least))
			*one = *one && ov_merge_find(m->up, c.row) == root;
	}
done:
	return st;
}

/* The best of the value's claims is a key, or all of them are none. */
static enum ov_status
settle_value(struct ov_merge *m, struct shelf_walk *w, bool one)
{
	struct claim c, best = { .row = NO_ROW };
	bool any;
	enum ov_status st;

	for (;;) {
		OV_TRY(ov_shelf_next_claim(&any, &c, w));
		if (!any)
			break;
		if (!one)
			OV_TRY(ov_merge_drop(m, &c,
			    w->value.verdict.drop == OV_MERGE_NAMESAKE
				? OV_MERGE_NAMESAKE
				: OV_MERGE_SHARED));
		if (!ov_merge_is_live(m, &c, w->value.verdict.least))
			continue;
		if (best.row == NO_ROW || c.source < best.source)
			best = c;
	}
	if (one)
		OV_TRY(ov_merge_keep(m, &best, w->value.verdict.least));
done:
	return st;
}

/* Two walks over one shelf: the first is a value ahead, and decides for the second. */
enum ov_status
ov_merge_settle(struct ov_merge *m, const struct shelf *s)
{
	struct shelf_walk ahead = { 0 }, w = { 0 };
	bool any, one;
	enum ov_status st;

	OV_TRY(ov_shelf_walk(&ahead, s));
	OV_TRY(ov_shelf_walk(&w, s));
	for (;;) {
		OV_TRY(ov_shelf_next(&any, &ahead));
		if (!any)
			break;
		OV_TRY(is_one_record(&one, m, &ahead));
		OV_TRY(ov_shelf_next(&any, &w));
		OV_TRY(settle_value(m, &w, one));
	}
done:
	ov_shelf_walk_end(&ahead);
	ov_shelf_walk_end(&w);
	return st;
}

/* --- keys of records --- */

/* Keys by root, instead of by one of its rows. */
static enum ov_status
sort_by_root(struct ov_merge *m)
{
	struct ov_tape_reader r = { 0 };
	uint8_t record[OV_TAPE_RECORD_MAX];
	struct ov_bytes key;
	bool any;
	enum ov_status st;

	OV_TRY(ov_tape_read(&r, m->keys, 0, ov_tape_end(m->keys)));
	for (;;) {
		OV_TRY(ov_tape_next(&any, &key, &r));
		if (!any)
			break;
		memcpy(record, key.p, key.len);
		ov_put32(record, ov_merge_find(m->up, ov_get32(key.p)));
		OV_TRY(ov_sort_add(m->by_root, record, key.len));
	}
	OV_TRY(ov_sort_begin(m->by_root));
	ov_tape_free(m->keys);
	m->keys = NULL;
done:
	ov_tape_reader_fini(&r);
	return st;
}

/* The keys of one record, as they come: rank, source, value. */
struct gathered {
	uint32_t root;
	size_t strong, bare, n;
	struct {
		uint8_t rank, source, len, value[VALUE_MAX];
	} key[OV_MERGE_TOKENS_MAX];
};

/* Puts the key at its place by rank and bytes. */
static void
insert_key(struct gathered *g, const uint8_t *key, size_t len)
{
	size_t i = g->n++;

	for (; i > 0; i--) {
		size_t n = len < g->key[i - 1].len ? len : g->key[i - 1].len;
		int c = memcmp(key + 2, g->key[i - 1].value, n);

		if (g->key[i - 1].rank < key[0] ||
		    (g->key[i - 1].rank == key[0] &&
			(c > 0 || (c == 0 && len > g->key[i - 1].len))))
			break;
		g->key[i] = g->key[i - 1];
	}
	g->key[i].rank = key[0];
	g->key[i].source = key[1];
	g->key[i].len = (uint8_t)len;
	memcpy(g->key[i].value, key + 2, len);
}

/* Over the cap the weakest go, bare names counted apart: keys come by rank and source. */
static enum ov_status
gather_key(struct gathered *g, struct ov_merge *m, struct ov_bytes record)
{
	const uint8_t *key = record.p + 4;
	size_t len = record.len - 8; /* less root, rank, source, 0 and least */
	size_t *count = key[0] == OV_RANK_NAME ? &g->bare : &g->strong;
	uint8_t over[1 + VALUE_MAX + 2];

	if (++*count <= OV_TOKENS_PER_RECORD) {
		insert_key(g, key, len);
		return OV_OK;
	}
	over[0] = key[0];
	memcpy(over + 1, key + 2, len + 2);
	return ov_sort_add(m->over_cap, over, len + 3);
}

static enum ov_status
end_record(struct ov_merge *m, const struct gathered *g)
{
	uint8_t record[2 + VALUE_MAX + 4 + OV_MERGE_TOKENS_MAX * (3 + VALUE_MAX)];
	size_t len = 0;

	record[len++] = g->n > 0 ? g->key[0].rank : NO_KEY;
	if (g->n > 0) {
		memcpy(record + len, g->key[0].value, g->key[0].len);
		len += g->key[0].len;
		record[len++] = 0;
	}
	ov_put32(record + len, g->root);
	len += 4;
	for (size_t i = 0; i < g->n; i++) {
		record[len++] = g->key[i].rank;
		record[len++] = g->key[i].source;
		record[len++] = g->key[i].len;
		memcpy(record + len, g->key[i].value, g->key[i].len);
		len += g->key[i].len;
	}
	m->n_records++;
	return ov_sort_add(m->records, record, len);
}

/* Roots from `from` to before `to` have no keys. */
static enum ov_status
end_bare_records(struct ov_merge *m, uint32_t from, uint32_t to)
{
	struct gathered g;
	enum ov_status st = OV_OK;

	g.n = 0;
	for (uint32_t r = from; r < to; r++) {
		g.root = r;
		if (ov_merge_find(m->up, r) == r)
			OV_TRY(end_record(m, &g));
	}
done:
	return st;
}

/* Every claim of the values that are over the cap; both come by rank and value. */
static enum ov_status
drop_over_cap(struct ov_merge *m)
{
	struct ov_bytes over;
	enum ov_status st;
	bool any;

	OV_TRY(ov_sort_begin(m->over_cap));
	OV_TRY(ov_sort_next(&any, &over, m->over_cap));
	if (any)
		OV_TRY(ov_merge_first_claim(m));
	while (any && m->any) {
		struct ov_bytes value = OV_BYTES(over.p + 1, over.len - 3);
		const struct claim *c = &m->claim;
		size_t n = value.len < c->value.len ? value.len : c->value.len;
		int order = (over.p[0] > c->rank) - (over.p[0] < c->rank);

		if (order == 0)
			order = memcmp(value.p, c->value.p, n);
		if (order == 0)
			order = (value.len > c->value.len) - (value.len < c->value.len);
		if (order < 0) {
			OV_TRY(ov_sort_next(&any, &over, m->over_cap));
			continue;
		}
		/* what the family rule took is dropped already */
		if (order == 0 &&
		    ov_merge_is_live(m, c, (enum ov_kinship)over.p[over.len - 1]))
			OV_TRY(ov_merge_drop(m, c, OV_MERGE_OVER_CAP));
		OV_TRY(ov_merge_next_claim(m));
	}
done:
	return st;
}

enum ov_status
ov_merge_collect_keys(struct ov_merge *m)
{
	struct gathered g = { .root = NO_ROW };
	struct ov_bytes record;
	uint32_t next = 0; /* rows before it are in records that are done */
	bool any;
	enum ov_status st;

	OV_TRY(sort_by_root(m));
	for (;;) {
		OV_TRY(ov_sort_next(&any, &record, m->by_root));
		if (g.root != NO_ROW && (!any || ov_get32(record.p) != g.root)) {
			OV_TRY(end_bare_records(m, next, g.root));
			OV_TRY(end_record(m, &g));
			next = g.root + 1;
			g.strong = g.bare = g.n = 0;
		}
		if (!any)
			break;
		g.root = ov_get32(record.p);
		OV_TRY(gather_key(&g, m, record));
	}
	OV_TRY(end_bare_records(m, next, m->n_rows));
	OV_TRY(drop_over_cap(m));
	ov_sort_free(m->by_root);
	ov_sort_free(m->claims);
	m->by_root = m->claims = NULL;
done:
	return st;
}
