#include "client/book/merge.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define NONE UINT32_MAX
#define COUNT_MAX INT32_MAX

struct claim {
	uint32_t row, value;
	uint8_t source;
	uint8_t lost; /* OV_MERGE_FAMILY: this row's claim alone is no key */
};

/* A key value, once, whoever claims it. */
struct value {
	uint64_t hash;
	size_t offset; /* in text */
	uint8_t len, rank;
	uint8_t drop;   /* enum ov_merge_drop, for all its claims */
	uint8_t source; /* best of its live claims */
	bool links;     /* joins records in the present stage */
	uint32_t owner; /* root of the one record it is a key of, or NONE */
};

/* Groups of rows, as a forest: the root is the smallest row. */
struct forest {
	uint32_t *up;
};

/* Signs that a group has a claim of a rank. */
#define HAS_LEI 1U
#define HAS_CIK 2U
#define HAS_MORE_THAN_NAME 4U

struct ov_merge {
	uint32_t n_rows, rows_cap;
	uint32_t *name;  /* of each row: its bare name's value or NONE */
	uint8_t *signs;  /* of each row, then of each root */
	struct claim *claim;
	uint32_t n_claims, claims_cap, row_claims; /* row_claims: first of this row */
	struct value *value;
	uint32_t n_values, values_cap;
	char *text;
	size_t n_text, text_cap;
	uint32_t *slot; /* open addressing over values, NONE: free */
	uint32_t slots; /* a power of two */
	/* made by the run */
	uint32_t *begin; /* claims of value v: by_value[begin[v]] .. [begin[v + 1] - 1] */
	uint32_t *by_value;
	struct forest rows, stage;
	uint32_t *stamp; /* of each row, for counting distinct roots */
	uint32_t now;
	uint32_t n_records;
	uint32_t *record; /* of each row */
	uint32_t *key_begin, *key; /* keys of each record: value numbers */
};

static const uint8_t hash_key[16] = "overlap merge 1";

const char *
ov_merge_drop_text(enum ov_merge_drop why)
{
	switch (why) {
	case OV_MERGE_KEPT:
		return "it is a key of this account";
	case OV_MERGE_CONFLICT:
		return "it is shared by accounts whose registry ids say that they are "
		       "different companies; correct one of them";
	case OV_MERGE_FAMILY:
		return "accounts of many different names share it, so it says which house "
		       "they belong to, not which company they are";
	case OV_MERGE_SHARED:
		return "another account of this book has it too";
	case OV_MERGE_OVER_CAP:
		return "the account has six stronger keys already";
	}
	return "";
}

enum ov_status
ov_merge_new(struct ov_merge **out)
{
	struct ov_merge *m = calloc(1, sizeof(*m));

	*out = NULL;
	if (m == NULL)
		return OV_E_NOMEM;
	m->slots = 1024;
	m->slot = malloc(m->slots * sizeof(*m->slot));
	if (m->slot == NULL) {
		free(m);
		return OV_E_NOMEM;
	}
	memset(m->slot, 0xff, m->slots * sizeof(*m->slot));
	*out = m;
	return OV_OK;
}

void
ov_merge_free(struct ov_merge *m)
{
	if (m == NULL)
		return;
	free(m->name);
	free(m->signs);
	free(m->claim);
	free(m->value);
	free(m->text);
	free(m->slot);
	free(m->begin);
	free(m->by_value);
	free(m->rows.up);
	free(m->stage.up);
	free(m->stamp);
	free(m->record);
	free(m->key_begin);
	free(m->key);
	free(m);
}

/* Room for one more element: doubles *cap, which stays under 2^31. */
static enum ov_status
grow(void *array, uint32_t *cap, uint32_t n, size_t size)
{
	void **p = array, *more;
	uint32_t want = *cap == 0 ? 1024 : *cap * 2;

	if (n < *cap)
		return OV_OK;
	if (n >= COUNT_MAX / 2)
		return OV_E_LIST_TOO_LARGE;
	more = realloc(*p, want * size);
	if (more == NULL)
		return OV_E_NOMEM;
	*p = more;
	*cap = want;
	return OV_OK;
}

enum ov_status
ov_merge_row(struct ov_merge *m)
{
	uint32_t cap = m->rows_cap;
	enum ov_status st;

	/* both arrays have one capacity; it is set when both have grown */
	OV_TRY(grow(&m->name, &cap, m->n_rows, sizeof(*m->name)));
	OV_TRY(grow(&m->signs, &m->rows_cap, m->n_rows, sizeof(*m->signs)));
	m->name[m->n_rows] = NONE;
	m->signs[m->n_rows] = 0;
	m->n_rows++;
	m->row_claims = m->n_claims;
done:
	return st;
}

static uint64_t
hash_of(enum ov_rank rank, struct ov_bytes v)
{
	uint8_t out[8];
	uint64_t h;

	ov_siphash(out, hash_key, v);
	memcpy(&h, out, sizeof(h));
	return h ^ (uint64_t)rank << 56;
}

static bool
is_value(const struct ov_merge *m, uint32_t at, uint64_t hash, enum ov_rank rank,
    struct ov_bytes v)
{
	const struct value *have = &m->value[at];

	return have->hash == hash && have->rank == rank && have->len == v.len &&
	    memcmp(m->text + have->offset, v.p, v.len) == 0;
}

static void
place(uint32_t *slot, uint32_t slots, uint64_t hash, uint32_t at)
{
	uint32_t i = (uint32_t)hash & (slots - 1);

	while (slot[i] != NONE)
		i = (i + 1) & (slots - 1);
	slot[i] = at;
}

static enum ov_status
rehash(struct ov_merge *m)
{
	uint32_t slots = m->slots * 2, *slot; /* values < 2^30, so slots <= 2^31 */

	slot = malloc(slots * sizeof(*slot));
	if (slot == NULL)
		return OV_E_NOMEM;
	memset(slot, 0xff, slots * sizeof(*slot));
	for (uint32_t v = 0; v < m->n_values; v++)
		place(slot, slots, m->value[v].hash, v);
	free(m->slot);
	m->slot = slot;
	m->slots = slots;
	return OV_OK;
}

static enum ov_status
add_text(struct ov_merge *m, struct ov_bytes v)
{
	size_t want = m->text_cap == 0 ? 65536 : m->text_cap * 2;
	char *more;

	if (m->n_text + v.len > m->text_cap) {
		if ((more = realloc(m->text, want)) == NULL)
			return OV_E_NOMEM;
		m->text = more;
		m->text_cap = want;
	}
	memcpy(m->text + m->n_text, v.p, v.len);
	m->n_text += v.len;
	return OV_OK;
}

/* The number of a value, new or known. */
static enum ov_status
intern(uint32_t *out, struct ov_merge *m, enum ov_rank rank, struct ov_bytes v)
{
	uint64_t hash = hash_of(rank, v);
	uint32_t i = (uint32_t)hash & (m->slots - 1);
	enum ov_status st;

	for (; m->slot[i] != NONE; i = (i + 1) & (m->slots - 1))
		if (is_value(m, m->slot[i], hash, rank, v)) {
			*out = m->slot[i];
			return OV_OK;
		}
	OV_TRY(grow(&m->value, &m->values_cap, m->n_values, sizeof(*m->value)));
	if (m->n_values >= m->slots / 2)
		OV_TRY(rehash(m));
	m->value[m->n_values] = (struct value){ .hash = hash,
		.offset = m->n_text,
		.len = (uint8_t)v.len,
		.rank = (uint8_t)rank,
		.source = OV_CLAIM_EMAIL,
		.owner = NONE };
	OV_TRY(add_text(m, v));
	place(m->slot, m->slots, hash, m->n_values);
	*out = m->n_values++;
done:
	return st;
}

enum ov_status
ov_merge_claim(struct ov_merge *m, enum ov_rank rank, enum ov_claim_source source,
    struct ov_bytes value)
{
	uint32_t row = m->n_rows - 1, v;
	enum ov_status st;

	OV_REQUIRE(m->n_rows > 0 && value.len >= 1 && value.len <= 255, OV_E_BUG);
	OV_TRY(intern(&v, m, rank, value));
	for (uint32_t i = m->row_claims; i < m->n_claims; i++)
		if (m->claim[i].value == v) {
			if (source < m->claim[i].source)
				m->claim[i].source = (uint8_t)source;
			goto done;
		}
	OV_TRY(grow(&m->claim, &m->claims_cap, m->n_claims, sizeof(*m->claim)));
	m->claim[m->n_claims++] = (struct claim){ row, v, (uint8_t)source, 0 };
	if (rank == OV_RANK_NAME)
		m->name[row] = v;
	else
		m->signs[row] |= HAS_MORE_THAN_NAME;
	if (rank == OV_RANK_LEI)
		m->signs[row] |= HAS_LEI;
	if (rank == OV_RANK_CIK)
		m->signs[row] |= HAS_CIK;
done:
	return st;
}

static uint32_t
find(struct forest f, uint32_t row)
{
	while (f.up[row] != row) {
		f.up[row] = f.up[f.up[row]];
		row = f.up[row];
	}
	return row;
}

static uint32_t
unite(struct forest f, uint32_t a, uint32_t b)
{
	a = find(f, a);
	b = find(f, b);
	if (a < b)
		f.up[b] = a;
	else
		f.up[a] = b;
	return a < b ? a : b;
}

/* Claims sorted by value, rows in order: counting sort. */
static enum ov_status
index_claims(struct ov_merge *m)
{
	uint32_t sum = 0, n;

	m->begin = calloc((size_t)m->n_values + 2, sizeof(*m->begin));
	m->by_value = malloc(((size_t)m->n_claims + 1) * sizeof(*m->by_value));
	if (m->begin == NULL || m->by_value == NULL)
		return OV_E_NOMEM;
	for (uint32_t i = 0; i < m->n_claims; i++)
		m->begin[m->claim[i].value + 1]++;
	for (uint32_t v = 0; v <= m->n_values; v++) {
		n = m->begin[v];
		sum += n;
		m->begin[v] = sum;
	}
	/* begin[v] is now where v starts; filling moves it to where v ends, and back */
	for (uint32_t i = 0; i < m->n_claims; i++)
		m->by_value[m->begin[m->claim[i].value]++] = i;
	memmove(m->begin + 1, m->begin, (size_t)m->n_values * sizeof(*m->begin));
	m->begin[0] = 0;
	return OV_OK;
}

/* Calls for each live claim of value v: `struct claim *c` is it. */
#define FOR_CLAIMS(m, v, c)                                                              \
	for (uint32_t i_ = (m)->begin[v]; i_ < (m)->begin[(v) + 1]; i_++)                \
		for (struct claim *c = &(m)->claim[(m)->by_value[i_]]; c != NULL; c = NULL)

/* Distinct roots among the live claims of v, and how many of them have an LEI and a CIK. */
struct tally {
	uint32_t groups, lei, cik;
};

static struct tally
count_groups(struct ov_merge *m, uint32_t v)
{
	struct tally t = { 0, 0, 0 };

	m->now++;
	FOR_CLAIMS(m, v, c)
	{
		uint32_t root = find(m->rows, c->row);

		if (c->lost || m->stamp[root] == m->now)
			continue;
		m->stamp[root] = m->now;
		t.groups++;
		t.lei += (m->signs[root] & HAS_LEI) != 0;
		t.cik += (m->signs[root] & HAS_CIK) != 0;
	}
	return t;
}

/* LEIs veto all weaker ranks, CIKs all but LEI (proto/rank.h, ov_veto_default). */
static bool
is_conflict(uint8_t rank, uint32_t lei, uint32_t cik)
{
	return (rank > OV_RANK_LEI && lei > 1) || (rank > OV_RANK_CIK && cik > 1);
}

static uint32_t
count_names(struct ov_merge *m, uint32_t v)
{
	uint32_t names = 0;

	/* stamps of values: a second array would be n_values long, so sort of reuse the
	 * owner field, which is not set yet */
	m->now++;
	FOR_CLAIMS(m, v, c)
	{
		uint32_t name = m->name[c->row];

		if (name == NONE || m->value[name].owner == m->now)
			continue;
		m->value[name].owner = m->now;
		names++;
	}
	return names;
}

/* The letters of name without spaces, or its initials, are those of the domain's first
 * label without hyphens, or of the whole domain without dots ("booking com"). */
static bool
is_name_of_domain(const struct ov_merge *m, const struct value *name, const struct value *d)
{
	char compact[256], initials[256], label[256], whole[256];
	size_t nc = 0, ni = 0, nl = 0, nw = 0;
	bool first = true, in_label = true;

	for (size_t i = 0; i < name->len; i++) {
		char ch = m->text[name->offset + i];

		if (ch == ' ') {
			first = true;
			continue;
		}
		if (first)
			initials[ni++] = ch;
		compact[nc++] = ch;
		first = false;
	}
	for (size_t i = 0; i < d->len; i++) {
		char ch = m->text[d->offset + i];

		if (ch == '.')
			in_label = false;
		else if (ch != '-') {
			if (in_label)
				label[nl++] = ch;
			whole[nw++] = ch;
		}
	}
	return (nc == nl && memcmp(compact, label, nl) == 0) ||
	    (nc == nw && memcmp(compact, whole, nw) == 0) ||
	    (ni > 1 && ni == nl && memcmp(initials, label, nl) == 0);
}

/* Takes the domain v of a family from the rows that have another name. */
static void
leave_to_house(struct ov_merge *m, uint32_t v)
{
	uint32_t kept = 0;

	FOR_CLAIMS(m, v, c)
	{
		uint32_t name = m->name[c->row];

		if (name != NONE && is_name_of_domain(m, &m->value[name], &m->value[v]))
			kept++;
		else
			c->lost = OV_MERGE_FAMILY;
	}
	if (kept == 0)
		m->value[v].drop = OV_MERGE_FAMILY;
}

/* Does v join groups, and may it?  Marks it as dropped or linking. */
static void
judge_value(struct ov_merge *m, uint32_t v)
{
	struct value *val = &m->value[v];
	struct tally t;

	if (m->begin[v + 1] - m->begin[v] < 2)
		return;
	t = count_groups(m, v);
	if (val->rank == OV_RANK_DOMAIN && t.groups > OV_MERGE_NAMES_MAX &&
	    count_names(m, v) > OV_MERGE_NAMES_MAX) {
		leave_to_house(m, v);
		t = count_groups(m, v);
	}
	if (val->drop != OV_MERGE_KEPT)
		return;
	if (is_conflict(val->rank, t.lei, t.cik)) {
		val->drop = OV_MERGE_CONFLICT;
		return;
	}
	val->links = t.groups > 1;
}

static void
link_value(struct ov_merge *m, uint32_t v, struct forest f)
{
	uint32_t first = NONE;

	FOR_CLAIMS(m, v, c)
	{
		if (c->lost)
			continue;
		if (first == NONE)
			first = c->row;
		else
			(void)unite(f, first, c->row);
	}
}

static uint32_t
first_row(struct ov_merge *m, uint32_t v)
{
	FOR_CLAIMS(m, v, c)
	{
		if (!c->lost)
			return c->row;
	}
	return NONE;
}

/* After roots changed: the signs of a root are those of its groups. */
static void
gather_signs(struct ov_merge *m)
{
	for (uint32_t r = 0; r < m->n_rows; r++)
		m->signs[find(m->rows, r)] |= m->signs[r];
}

/* Chains: groups that values of this rank would join to one with two LEIs or CIKs. */
static enum ov_status
drop_chains(struct ov_merge *m, uint8_t rank)
{
	uint8_t *lei = calloc((size_t)m->n_rows + 1, 1), *cik = calloc((size_t)m->n_rows + 1, 1);
	enum ov_status st = OV_OK;

	OV_REQUIRE(lei != NULL && cik != NULL, OV_E_NOMEM);
	for (uint32_t r = 0; r < m->n_rows; r++) {
		uint32_t top = find(m->stage, r);

		if (find(m->rows, r) != r)
			continue;
		if ((m->signs[r] & HAS_LEI) && lei[top] < 2)
			lei[top]++;
		if ((m->signs[r] & HAS_CIK) && cik[top] < 2)
			cik[top]++;
	}
	for (uint32_t v = 0; v < m->n_values; v++) {
		uint32_t top;

		if (m->value[v].rank != rank || !m->value[v].links)
			continue;
		top = find(m->stage, first_row(m, v));
		if (is_conflict(rank, lei[top], cik[top])) {
			m->value[v].drop = OV_MERGE_CONFLICT;
			m->value[v].links = false;
		}
	}
done:
	free(lei);
	free(cik);
	return st;
}

static enum ov_status
run_stage(struct ov_merge *m, uint8_t rank)
{
	enum ov_status st;

	memcpy(m->stage.up, m->rows.up, (size_t)m->n_rows * sizeof(*m->rows.up));
	for (uint32_t v = 0; v < m->n_values; v++)
		if (m->value[v].rank == rank) {
			judge_value(m, v);
			if (m->value[v].links)
				link_value(m, v, m->stage);
		}
	OV_TRY(drop_chains(m, rank));
	for (uint32_t v = 0; v < m->n_values; v++)
		if (m->value[v].rank == rank && m->value[v].links)
			link_value(m, v, m->rows);
	gather_signs(m);
done:
	return st;
}

/* Rows with nothing but the same bare name. */
static void
join_bare_names(struct ov_merge *m)
{
	for (uint32_t v = 0; v < m->n_values; v++) {
		uint32_t first = NONE;

		if (m->value[v].rank != OV_RANK_NAME)
			continue;
		FOR_CLAIMS(m, v, c)
		{
			if (m->signs[c->row] & HAS_MORE_THAN_NAME)
				continue;
			if (first == NONE)
				first = c->row;
			else
				(void)unite(m->rows, first, c->row);
		}
	}
}

/* Sets owner and source of each value; drops those of two records. */
static void
settle_values(struct ov_merge *m)
{
	for (uint32_t v = 0; v < m->n_values; v++) {
		struct value *val = &m->value[v];
		uint32_t owner = NONE;

		val->owner = NONE;
		val->source = OV_CLAIM_EMAIL;
		if (val->drop != OV_MERGE_KEPT)
			continue;
		FOR_CLAIMS(m, v, c)
		{
			uint32_t root = find(m->rows, c->row);

			if (c->lost)
				continue;
			if (owner != NONE && owner != root)
				val->drop = OV_MERGE_SHARED;
			owner = root;
			if (c->source < val->source)
				val->source = c->source;
		}
		if (val->drop == OV_MERGE_KEPT)
			val->owner = owner;
	}
}

static int
compare_bytes(const struct ov_merge *m, const struct value *a, const struct value *b)
{
	size_t n = a->len < b->len ? a->len : b->len;
	int c = memcmp(m->text + a->offset, m->text + b->offset, n);

	return c != 0 ? c : (a->len > b->len) - (a->len < b->len);
}

static int
compare_keys(const void *x, const void *y, void *ctx)
{
	const struct ov_merge *m = ctx;
	const struct value *a = &m->value[*(const uint32_t *)x];
	const struct value *b = &m->value[*(const uint32_t *)y];

	if (a->rank != b->rank)
		return a->rank < b->rank ? -1 : 1;
	if (a->source != b->source)
		return a->source < b->source ? -1 : 1;
	return compare_bytes(m, a, b);
}

/* Keys of each root in key[key_begin[root]] .., sorted and cut to the cap. */
static enum ov_status
collect_keys(struct ov_merge *m)
{
	uint32_t *begin = calloc((size_t)m->n_rows + 2, sizeof(*begin)), sum = 0, n;

	m->key_begin = begin;
	m->key = malloc(((size_t)m->n_values + 1) * sizeof(*m->key));
	if (begin == NULL || m->key == NULL)
		return OV_E_NOMEM;
	for (uint32_t v = 0; v < m->n_values; v++)
		if (m->value[v].owner != NONE)
			begin[m->value[v].owner + 1]++;
	for (uint32_t r = 0; r <= m->n_rows; r++) {
		n = begin[r];
		sum += n;
		begin[r] = sum;
	}
	for (uint32_t v = 0; v < m->n_values; v++)
		if (m->value[v].owner != NONE)
			m->key[begin[m->value[v].owner]++] = v;
	memmove(begin + 1, begin, (size_t)m->n_rows * sizeof(*begin));
	begin[0] = 0;
	for (uint32_t r = 0; r < m->n_rows; r++)
		qsort_r(m->key + begin[r], begin[r + 1] - begin[r], sizeof(*m->key),
		    compare_keys, m);
	return OV_OK;
}

/* Over the cap: the weakest go, bare names counted apart. */
static void
cut_keys(struct ov_merge *m)
{
	for (uint32_t r = 0; r < m->n_rows; r++) {
		uint32_t strong = 0, bare = 0;

		for (uint32_t k = m->key_begin[r]; k < m->key_begin[r + 1]; k++) {
			struct value *val = &m->value[m->key[k]];
			uint32_t *n = val->rank == OV_RANK_NAME ? &bare : &strong;

			if (++*n > OV_TOKENS_PER_RECORD)
				val->drop = OV_MERGE_OVER_CAP;
		}
	}
}

/* For ordering the records: a root by its first key. */
struct place {
	uint64_t head; /* rank and first seven bytes; all ones: no key */
	uint32_t root, key;
};

static int
compare_places(const void *x, const void *y, void *ctx)
{
	const struct place *a = x, *b = y;
	const struct ov_merge *m = ctx;
	int c = 0;

	if (a->head != b->head)
		return a->head < b->head ? -1 : 1;
	if (a->key != NONE && b->key != NONE)
		c = compare_bytes(m, &m->value[a->key], &m->value[b->key]);
	return c != 0 ? c : (a->root > b->root) - (a->root < b->root);
}

static struct place
place_of(const struct ov_merge *m, uint32_t root)
{
	struct place p = { UINT64_MAX, root, NONE };
	const struct value *v;

	if (m->key_begin[root] == m->key_begin[root + 1])
		return p;
	p.key = m->key[m->key_begin[root]];
	v = &m->value[p.key];
	p.head = v->rank;
	for (size_t i = 0; i < 7; i++)
		p.head = p.head << 8 | (i < v->len ? (uint8_t)m->text[v->offset + i] : 0);
	return p;
}

/* Numbers the records by their first key. */
static enum ov_status
number_records(struct ov_merge *m)
{
	struct place *p = malloc(((size_t)m->n_rows + 1) * sizeof(*p));
	uint32_t n = 0, *keys = malloc(((size_t)m->n_values + 1) * sizeof(*keys));
	uint32_t *begin = malloc(((size_t)m->n_rows + 1) * sizeof(*begin)), at = 0;
	enum ov_status st = OV_OK;

	OV_REQUIRE(p != NULL && keys != NULL && begin != NULL, OV_E_NOMEM);
	for (uint32_t r = 0; r < m->n_rows; r++)
		if (find(m->rows, r) == r)
			p[n++] = place_of(m, r);
	qsort_r(p, n, sizeof(*p), compare_places, m);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t root = p[i].root;

		m->record[root] = i;
		begin[i] = at;
		for (uint32_t k = m->key_begin[root]; k < m->key_begin[root + 1]; k++)
			if (m->value[m->key[k]].drop == OV_MERGE_KEPT)
				keys[at++] = m->key[k];
	}
	begin[n] = at;
	for (uint32_t r = 0; r < m->n_rows; r++)
		m->record[r] = m->record[find(m->rows, r)];
	m->n_records = n;
	free(m->key_begin);
	free(m->key);
	m->key_begin = begin;
	m->key = keys;
	begin = keys = NULL;
done:
	free(p);
	free(keys);
	free(begin);
	return st;
}

static enum ov_status
prepare(struct ov_merge *m)
{
	size_t bytes = ((size_t)m->n_rows + 1) * sizeof(uint32_t);

	m->rows.up = malloc(bytes);
	m->stage.up = malloc(bytes);
	m->stamp = calloc(1, bytes);
	m->record = malloc(bytes);
	if (m->rows.up == NULL || m->stage.up == NULL || m->stamp == NULL ||
	    m->record == NULL)
		return OV_E_NOMEM;
	for (uint32_t r = 0; r < m->n_rows; r++)
		m->rows.up[r] = r;
	return index_claims(m);
}

enum ov_status
ov_merge_run(struct ov_merge *m)
{
	static const uint8_t stages[] = { OV_RANK_LEI, OV_RANK_CIK, OV_RANK_DUNS,
		OV_RANK_DOMAIN, OV_RANK_NAME_COUNTRY };
	enum ov_status st;

	OV_REQUIRE(m->rows.up == NULL, OV_E_BUG);
	OV_TRY(prepare(m));
	for (size_t i = 0; i < sizeof(stages); i++)
		OV_TRY(run_stage(m, stages[i]));
	join_bare_names(m);
	settle_values(m);
	OV_TRY(collect_keys(m));
	cut_keys(m);
	OV_TRY(number_records(m));
done:
	return st;
}

uint32_t
ov_merge_n_rows(const struct ov_merge *m)
{
	return m->n_rows;
}

uint32_t
ov_merge_n_records(const struct ov_merge *m)
{
	return m->n_records;
}

uint32_t
ov_merge_record_of(const struct ov_merge *m, uint32_t row)
{
	return m->record[row];
}

static struct ov_merge_token
token_of(const struct ov_merge *m, uint32_t v, uint8_t source)
{
	const struct value *val = &m->value[v];

	return (struct ov_merge_token){ (enum ov_rank)val->rank,
		(enum ov_claim_source)source, OV_BYTES(m->text + val->offset, val->len) };
}

size_t
ov_merge_tokens(struct ov_merge_token out[OV_MERGE_TOKENS_MAX], const struct ov_merge *m,
    uint32_t record)
{
	size_t n = 0;

	for (uint32_t k = m->key_begin[record]; k < m->key_begin[record + 1]; k++)
		out[n++] = token_of(m, m->key[k], m->value[m->key[k]].source);
	return n;
}

enum ov_status
ov_merge_dropped(const struct ov_merge *m, ov_merge_drop_fn *fn, void *ctx)
{
	enum ov_status st = OV_OK;

	for (uint32_t i = 0; i < m->n_claims && st == OV_OK; i++) {
		const struct claim *c = &m->claim[i];
		uint8_t why = c->lost ? c->lost : m->value[c->value].drop;
		struct ov_merge_token t = token_of(m, c->value, c->source);

		if (why != OV_MERGE_KEPT)
			st = fn(ctx, c->row, &t, (enum ov_merge_drop)why);
	}
	return st;
}
