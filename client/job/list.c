#include "client/job/list.h"

#include <stdlib.h>
#include <string.h>

#include "common/crypto/memory.h"
#include "common/work/heap.h"
#include "proto/slots.h"

#define TOKENS_MAX 0x7fffffffU
#define VALUE_MAX 255U

void
ov_list_fini(struct ov_list *l)
{
	if (l->bytes != NULL)
		ov_wipe(l->bytes, l->n_bytes);
	free(l->records);
	free(l->token_start);
	free(l->token_record);
	free(l->bytes);
	*l = (struct ov_list){ 0 };
}

/* Room for need items of size bytes, of which n are there; moves by copy so that old
 * secrets are wiped. */
static enum ov_status
grow(void **p, size_t *cap, size_t n, size_t need, size_t size)
{
	size_t want = *cap > 0 ? *cap : 64;
	void *q;

	if (need <= *cap)
		return OV_OK;
	while (want < need)
		want += want / 2;	   /* need < 2^40: no overflow */
	q = ov_heap_scattered(want, size); /* a deck has an order of its own */
	if (q == NULL)
		return OV_E_NOMEM;
	if (*p != NULL) {
		memcpy(q, *p, n * size);
		ov_wipe(*p, n * size);
		free(*p);
	}
	*p = q;
	*cap = want;
	return OV_OK;
}

struct ov_list_token
ov_list_token(const struct ov_list *l, size_t i)
{
	const uint8_t *p = l->bytes + l->token_start[i];

	return (struct ov_list_token){ p[0],
		OV_BYTES(p + 1, l->token_start[i + 1] - l->token_start[i] - 1) };
}

/* List order: rank, then bytes of the value, the shorter first. */
static int
compare_tokens(const struct ov_list_token *a, const struct ov_list_token *b)
{
	size_t n = a->value.len < b->value.len ? a->value.len : b->value.len;
	int c;

	if (a->rank != b->rank)
		return a->rank < b->rank ? -1 : 1;
	c = memcmp(a->value.p, b->value.p, n);
	if (c != 0)
		return c;
	return a->value.len < b->value.len ? -1 : a->value.len > b->value.len;
}

static enum ov_status
check_record(const struct ov_list *l, const struct ov_list_token *tokens, size_t n)
{
	struct ov_token_parts parts;
	enum ov_status st = OV_OK;

	OV_REQUIRE(n > 0 && n <= OV_TOKENS_PER_RECORD, OV_E_BUG);
	OV_REQUIRE(l->n_tokens <= TOKENS_MAX - n, OV_E_LIST_TOO_LARGE);
	for (size_t i = 0; i < n; i++) {
		OV_REQUIRE(
		    ov_token_split(&parts, tokens[i].rank, tokens[i].value), OV_E_BUG);
		OV_REQUIRE(tokens[i].value.len <= VALUE_MAX, OV_E_BUG);
		for (size_t k = 0; k < tokens[i].value.len; k++)
			OV_REQUIRE(tokens[i].value.p[k] >= 0x20, OV_E_PSI_VALUE);
		OV_REQUIRE(
		    i == 0 || compare_tokens(&tokens[i - 1], &tokens[i]) < 0, OV_E_BUG);
	}
done:
	return st;
}

enum ov_status
ov_list_reserve(struct ov_list *l, size_t records, size_t tokens, size_t bytes)
{
	size_t n_start = l->token_start != NULL ? l->n_tokens + 1 : 0;
	size_t cap_start = l->token_start != NULL ? l->cap_tokens + 1 : 0;
	size_t cap = l->cap_tokens;
	enum ov_status st;

	OV_TRY(grow((void **)&l->bytes, &l->cap_bytes, l->n_bytes, bytes, 1));
	OV_TRY(grow((void **)&l->records, &l->cap_records, l->n_records, records,
	    sizeof(*l->records)));
	OV_TRY(grow((void **)&l->token_start, &cap_start, n_start, tokens + 1,
	    sizeof(*l->token_start)));
	OV_TRY(grow((void **)&l->token_record, &cap, l->n_tokens, tokens,
	    sizeof(*l->token_record)));
	l->cap_tokens = cap < cap_start - 1 ? cap : cap_start - 1;
done:
	return st;
}

static enum ov_status
reserve(struct ov_list *l, const struct ov_list_token *tokens, size_t n)
{
	size_t bytes = l->n_bytes;

	for (size_t i = 0; i < n; i++)
		bytes += 1 + tokens[i].value.len;
	if (bytes > UINT32_MAX) /* offsets are 32 bits */
		return OV_E_LIST_TOO_LARGE;
	return ov_list_reserve(l, l->n_records + 1, l->n_tokens + n, bytes);
}

enum ov_status
ov_list_add(struct ov_list *l, uint64_t account, uint8_t label, uint8_t fit,
    const struct ov_list_token *tokens, size_t n)
{
	enum ov_status st;

	OV_REQUIRE(OV_LABEL_POPULATION(label) != 0 && OV_FIT_OWN(fit) <= OV_FIT_YES &&
		       ov_band_ok(label, fit, OV_LABEL_BAND(label) != OV_BAND_NONE),
	    OV_E_BUG);
	OV_TRY(check_record(l, tokens, n));
	OV_TRY(reserve(l, tokens, n));
	if (l->n_records > 0) {
		struct ov_list_token last =
		    ov_list_token(l, l->records[l->n_records - 1].first_token);

		if (compare_tokens(&last, &tokens[0]) >= 0)
			l->disordered = true;
	}
	l->records[l->n_records] = (struct ov_list_record){ account,
		(uint32_t)l->n_tokens, (uint8_t)n, label, fit };
	for (size_t i = 0; i < n; i++) {
		uint8_t *p = l->bytes + l->n_bytes;

		l->token_start[l->n_tokens] = (uint32_t)l->n_bytes;
		l->token_record[l->n_tokens] = (uint32_t)l->n_records;
		p[0] = tokens[i].rank;
		memcpy(p + 1, tokens[i].value.p, tokens[i].value.len);
		l->n_bytes += 1 + tokens[i].value.len;
		l->n_tokens++;
	}
	l->token_start[l->n_tokens] = (uint32_t)l->n_bytes;
	l->n_records++;
done:
	return st;
}

static int
compare_records(const void *a, const void *b, void *list)
{
	const struct ov_list *l = list;
	struct ov_list_token x =
	    ov_list_token(l, l->records[*(const uint32_t *)a].first_token);
	struct ov_list_token y =
	    ov_list_token(l, l->records[*(const uint32_t *)b].first_token);

	return compare_tokens(&x, &y);
}

static enum ov_status
copy_record(struct ov_list *to, const struct ov_list *from, uint32_t record)
{
	const struct ov_list_record *r = &from->records[record];
	struct ov_list_token tokens[OV_TOKENS_PER_RECORD];

	for (size_t i = 0; i < r->n_tokens; i++)
		tokens[i] = ov_list_token(from, r->first_token + i);
	return ov_list_add(to, r->account, r->label, r->fit, tokens, r->n_tokens);
}

enum ov_status
ov_list_sort(struct ov_list *l)
{
	struct ov_list sorted = { 0 };
	uint32_t *order = NULL;
	enum ov_status st = OV_OK;

	if (!l->disordered)
		return OV_OK;
	order = malloc(l->n_records * sizeof(*order));
	OV_REQUIRE(order != NULL, OV_E_NOMEM);
	for (size_t i = 0; i < l->n_records; i++)
		order[i] = (uint32_t)i;
	qsort_r(order, l->n_records, sizeof(*order), compare_records, l);
	OV_TRY(ov_list_reserve(&sorted, l->n_records, l->n_tokens, l->n_bytes));
	for (size_t i = 0; i < l->n_records; i++)
		OV_TRY(copy_record(&sorted, l, order[i]));
	OV_REQUIRE(!sorted.disordered, OV_E_BUG); /* a token in two records */
	ov_list_fini(l);
	*l = sorted;
	sorted = (struct ov_list){ 0 };
done:
	free(order);
	ov_list_fini(&sorted);
	return st;
}

/* A record as it is digested; returns its end. */
#define DIGESTED_MAX (3 + OV_TOKENS_PER_RECORD * (1 + 8 + VALUE_MAX))
static uint8_t *
write_digested(uint8_t *p, const struct ov_list *l, const struct ov_list_record *rec)
{
	*p++ = rec->label;
	*p++ = rec->fit;
	*p++ = rec->n_tokens;
	for (size_t i = 0; i < rec->n_tokens; i++) {
		struct ov_list_token t = ov_list_token(l, rec->first_token + i);

		*p++ = t.rank;
		ov_put64(p, t.value.len);
		memcpy(p + 8, t.value.p, t.value.len);
		p += 8 + t.value.len;
	}
	return p;
}

void
ov_list_digest(uint8_t out[OV_HASH_LEN], const struct ov_list *l)
{
	uint8_t some[4 * DIGESTED_MAX], *end = some; /* many small parts hash slowly */
	struct ov_hash h;

	ov_hash_init(&h);
	ov_hash_lv(&h, "list", 4);
	for (size_t r = 0; r < l->n_records; r++) {
		end = write_digested(end, l, &l->records[r]);
		if (end - some > 3 * DIGESTED_MAX) {
			ov_hash_raw(&h, some, (size_t)(end - some));
			end = some;
		}
	}
	ov_hash_raw(&h, some, (size_t)(end - some));
	ov_hash_final(&h, out);
	ov_wipe(some, sizeof(some));
}

/* Record: account u64, label, fit, tokens u8; token: rank u8, length u8, value. */
enum ov_status
ov_list_save(struct ov_buf *out, const struct ov_list *l, size_t from, size_t to)
{
	enum ov_status st = OV_OK;

	for (size_t r = from; r < to; r++) {
		const struct ov_list_record *rec = &l->records[r];
		uint8_t head[11];

		ov_put64(head, rec->account);
		head[8] = rec->label;
		head[9] = rec->fit;
		head[10] = rec->n_tokens;
		OV_TRY(ov_buf_append(out, head, sizeof(head)));
		for (size_t i = 0; i < rec->n_tokens; i++) {
			struct ov_list_token t = ov_list_token(l, rec->first_token + i);
			const uint8_t th[2] = { t.rank, (uint8_t)t.value.len };

			OV_TRY(ov_buf_append(out, th, sizeof(th)));
			OV_TRY(ov_buf_append(out, t.value.p, t.value.len));
		}
	}
done:
	return st;
}

static enum ov_status
load_record(struct ov_list *l, const uint8_t **p, size_t *left)
{
	struct ov_list_token tokens[OV_TOKENS_PER_RECORD];
	const uint8_t *head = *p;
	enum ov_status st = OV_OK;

	OV_REQUIRE(*left >= 11 && head[10] <= OV_TOKENS_PER_RECORD, OV_E_DB_FAILED);
	*p += 11;
	*left -= 11;
	for (size_t i = 0; i < head[10]; i++) {
		OV_REQUIRE(*left >= 2 && *left - 2 >= (*p)[1], OV_E_DB_FAILED);
		tokens[i] = (struct ov_list_token){ (*p)[0], OV_BYTES(*p + 2, (*p)[1]) };
		*left -= 2 + (size_t)(*p)[1];
		*p += 2 + (size_t)(*p)[1];
	}
	OV_REQUIRE(
	    ov_list_add(l, ov_get64(head), head[8], head[9], tokens, head[10]) == OV_OK,
	    OV_E_DB_FAILED);
done:
	return st;
}

enum ov_status
ov_list_load(struct ov_list *l, struct ov_bytes in)
{
	enum ov_status st = OV_OK;

	while (in.len > 0)
		OV_TRY(load_record(l, &in.p, &in.len));
done:
	return st;
}
