#include "client/book/claims.h"

#include <stdlib.h>
#include <string.h>

#define COUNT_MAX INT32_MAX

static const uint8_t hash_key[16] = "overlap merge 1";

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

/* Claims sorted by value, rows in order: counting sort. */
enum ov_status
ov_claims_index(struct ov_merge *m)
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

int
ov_claims_compare(const struct ov_merge *m, const struct value *a, const struct value *b)
{
	size_t n = a->len < b->len ? a->len : b->len;
	int c = memcmp(m->text + a->offset, m->text + b->offset, n);

	return c != 0 ? c : (a->len > b->len) - (a->len < b->len);
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
		return "accounts of many different names share it, so it says which "
		       "house "
		       "they belong to, not which company they are";
	case OV_MERGE_SHARED:
		return "another account of this book has it too";
	case OV_MERGE_OVER_CAP:
		return "the account has six stronger keys already";
	}
	return "";
}
