#include "client/normalise/lists.h"

#include <stdlib.h>
#include <string.h>

#define DECLARE(data)                                                                    \
	extern const uint8_t ov_list_data_##data[];                                      \
	extern const size_t ov_list_len_##data;
#define LIST(symbol, name, current, previous) DECLARE(current) DECLARE(previous)
#include "client/normalise/lists.def"
#undef LIST

/* A list that a profile has not. */
extern const uint8_t ov_list_data_NONE[];
extern const size_t ov_list_len_NONE;
const uint8_t ov_list_data_NONE[] = { 0 };
const size_t ov_list_len_NONE = 0;

struct ov_slot {
	uint64_t hash; /* 0: free */
	uint64_t value;
	uint32_t at, len; /* key in the arena */
};

struct ov_list_file
ov_list_file(enum ov_list which, enum ov_list_age age)
{
	static const struct {
		const char *name;
		const uint8_t *data[2];
		const size_t *len[2];
	} files[OV_LIST_COUNT] = {
#define LIST(symbol, name, current, previous)                                            \
	[OV_LIST_##symbol] = { name,                                                     \
		{ ov_list_data_##current, ov_list_data_##previous },                     \
		{ &ov_list_len_##current, &ov_list_len_##previous } },
#include "client/normalise/lists.def"
#undef LIST
	};

	return (struct ov_list_file){ files[which].name, files[which].data[age],
		*files[which].len[age] };
}

/* FNV-1a: the keys come from our own lists, so nobody can choose collisions that
 * matter; lookups of hostile values only compare with few of our keys. */
static uint64_t
hash_of(const char *key, size_t len)
{
	uint64_t h = 0xcbf29ce484222325U;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (uint8_t)key[i]) * 0x100000001b3U;
	h ^= h >> 32;
	return h | 1;
}

/* The slot that holds key, or the free one where it belongs.  n < cap. */
static struct ov_slot *
find(const struct ov_table *t, uint64_t hash, const char *key, size_t len)
{
	size_t i = (size_t)(hash >> 1) & (t->cap - 1);

	for (;; i = (i + 1) & (t->cap - 1)) {
		struct ov_slot *s = &t->slots[i];

		if (s->hash == 0)
			return s;
		if (s->hash == hash && s->len == len &&
		    memcmp(t->arena + s->at, key, len) == 0)
			return s;
	}
}

static enum ov_status
grow_slots(struct ov_table *t)
{
	size_t cap = t->cap > 0 ? t->cap * 2 : 64;
	struct ov_slot *old = t->slots, *slots = calloc(cap, sizeof(*slots));
	size_t old_cap = t->cap;

	if (slots == NULL)
		return OV_E_NOMEM;
	t->slots = slots;
	t->cap = cap;
	for (size_t i = 0; i < old_cap; i++)
		if (old[i].hash != 0)
			*find(t, old[i].hash, t->arena + old[i].at, old[i].len) = old[i];
	free(old);
	return OV_OK;
}

static enum ov_status
grow_arena(struct ov_table *t, size_t len)
{
	size_t cap = t->arena_cap > 0 ? t->arena_cap : 1024;
	char *arena;

	while (cap - t->used < len)
		cap *= 2; /* lists are compiled in: far below 4 GiB */
	if (cap == t->arena_cap)
		return OV_OK;
	arena = realloc(t->arena, cap);
	if (arena == NULL)
		return OV_E_NOMEM;
	t->arena = arena;
	t->arena_cap = cap;
	return OV_OK;
}

enum ov_status
ov_table_put(struct ov_table *t, const char *key, size_t len, uint64_t value)
{
	uint64_t hash = hash_of(key, len);
	enum ov_status st;
	struct ov_slot *s;

	if ((t->n + 1) * 2 > t->cap && (st = grow_slots(t)) != OV_OK)
		return st;
	if ((st = grow_arena(t, len)) != OV_OK)
		return st;
	s = find(t, hash, key, len);
	if (s->hash == 0) {
		memcpy(t->arena + t->used, key, len);
		*s = (struct ov_slot){ hash, value, (uint32_t)t->used, (uint32_t)len };
		t->used += len;
		t->n++;
	}
	s->value = value;
	return OV_OK;
}

bool
ov_table_get(const struct ov_table *t, const char *key, size_t len, uint64_t *value)
{
	const struct ov_slot *s;

	if (t->n == 0)
		return false;
	s = find(t, hash_of(key, len), key, len);
	if (s->hash == 0)
		return false;
	if (value != NULL)
		*value = s->value;
	return true;
}

void
ov_table_fini(struct ov_table *t)
{
	free(t->slots);
	free(t->arena);
	*t = (struct ov_table){ 0 };
}

static size_t
split(struct ov_field *f, const char *line, size_t len)
{
	size_t n = 0;

	while (n < OV_LIST_FIELDS) {
		const char *tab = memchr(line, '\t', len);
		size_t take = tab != NULL ? (size_t)(tab - line) : len;

		f[n++] = (struct ov_field){ line, take };
		if (tab == NULL)
			break;
		line += take + 1;
		len -= take + 1;
	}
	return n;
}

enum ov_status
ov_list_each(struct ov_list_file file,
    enum ov_status (*each)(void *ctx, const struct ov_field *f, size_t n), void *ctx)
{
	const char *p = (const char *)file.data, *end = p + file.len;
	struct ov_field f[OV_LIST_FIELDS];
	enum ov_status st;

	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		size_t len = (size_t)((nl != NULL ? nl : end) - p);

		if (len > 0 && p[0] != '#') {
			st = each(ctx, f, split(f, p, len));
			if (st != OV_OK)
				return st;
		}
		p += len + 1;
	}
	return OV_OK;
}
