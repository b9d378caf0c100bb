#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "client/book/book.h"
#include "client/book/build.h"
#include "client/book/tokens.h"

#define KEY_MAX (3 + OV_TOKEN_VALUE_MAX)

struct build {
	struct ov_db *db;
	const struct ov_profile *profile;
	int64_t base; /* number of its first record */
	struct ov_merge *merge;
	uint32_t n_rows;
	int64_t *row;	     /* the number in book_row of each row merged */
	uint8_t *population; /* of each */
	size_t rows_cap;
	uint32_t *first, *member; /* rows by record: member[first[r]] .. */
	struct ov_book_stats stats;
};

bool
ov_book_next_key(struct ov_merge_token *out, size_t *at, struct ov_bytes keys, bool *ok)
{
	const uint8_t *p = keys.p + *at;

	*ok = true;
	if (*at == keys.len)
		return false;
	/* *at < len, so the subtraction holds */
	*ok = keys.len - *at > 3 && keys.len - *at - 3 >= p[2] && p[2] > 0 &&
	      p[0] >= OV_RANK_MIN && p[0] <= OV_RANK_MAX && p[1] <= OV_CLAIM_EMAIL;
	if (!*ok)
		return false;
	*out = (struct ov_merge_token){ (enum ov_rank)p[0], (enum ov_claim_source)p[1],
		OV_BYTES(p + 3, p[2]) };
	*at += 3 + (size_t)p[2];
	return true;
}

static enum ov_status
claim(void *ctx, const struct ov_claim_try *t)
{
	struct build *b = ctx;

	b->stats.dropped[t->why]++;
	if (t->why != OV_DROP_NONE)
		return OV_OK;
	return ov_merge_claim(
	    b->merge, t->rank, t->source, OV_BYTES(t->value, strlen(t->value)));
}

static enum ov_status
remember(struct build *b, int64_t row, int64_t population)
{
	size_t cap = b->rows_cap == 0 ? 1024 : b->rows_cap * 2;
	int64_t *rows;
	uint8_t *populations;

	if (population < 0 || (uint64_t)population >= b->stats.n_populations)
		return OV_E_DB_FAILED;
	if (b->n_rows == b->rows_cap) {
		if ((rows = realloc(b->row, cap * sizeof(*rows))) == NULL)
			return OV_E_NOMEM;
		b->row = rows;
		if ((populations = realloc(b->population, cap)) == NULL)
			return OV_E_NOMEM;
		b->population = populations;
		b->rows_cap = cap;
	}
	b->row[b->n_rows] = row;
	b->population[b->n_rows++] = (uint8_t)population;
	b->stats.population[population].rows++;
	return OV_OK;
}

static enum ov_status
read_rows(struct build *b)
{
	struct ov_db_stmt *s = NULL;
	struct ov_row_cells c;
	bool row;
	enum ov_status st;

	OV_TRY(ov_db_query(&s, b->db,
	    "SELECT row, population, name, websites, email_domains, country, lei, cik,"
	    " duns, vat FROM book_row ORDER BY row"));
	for (;;) {
		OV_TRY(ov_db_step(s, &row));
		if (!row)
			break;
		OV_TRY(ov_merge_row(b->merge));
		OV_TRY(remember(b, ov_db_i64(s, 0), ov_db_i64(s, 1)));
		c = (struct ov_row_cells){ ov_db_blob(s, 2), ov_db_blob(s, 3),
			ov_db_blob(s, 4), ov_db_blob(s, 5), ov_db_blob(s, 6),
			ov_db_blob(s, 7), ov_db_blob(s, 8), ov_db_blob(s, 9) };
		OV_TRY(ov_row_claims(b->profile, &c, claim, b));
	}
	b->stats.rows = b->n_rows;
done:
	ov_db_finish(s);
	return st;
}

/* Rows by record: counting sort. */
static enum ov_status
index_members(struct build *b)
{
	uint32_t n = ov_merge_n_records(b->merge), sum = 0, count;

	b->first = calloc((size_t)n + 2, sizeof(*b->first));
	b->member = malloc(((size_t)b->n_rows + 1) * sizeof(*b->member));
	if (b->first == NULL || b->member == NULL)
		return OV_E_NOMEM;
	for (uint32_t i = 0; i < b->n_rows; i++)
		b->first[ov_merge_record_of(b->merge, i) + 1]++;
	for (uint32_t r = 0; r <= n; r++) {
		count = b->first[r];
		sum += count;
		b->first[r] = sum;
	}
	for (uint32_t i = 0; i < b->n_rows; i++)
		b->member[b->first[ov_merge_record_of(b->merge, i)]++] = i;
	memmove(b->first + 1, b->first, (size_t)n * sizeof(*b->first));
	b->first[0] = 0;
	return OV_OK;
}

static size_t
pack_keys(uint8_t out[OV_MERGE_TOKENS_MAX * KEY_MAX], struct build *b, uint32_t record)
{
	struct ov_merge_token t[OV_MERGE_TOKENS_MAX];
	size_t n = ov_merge_tokens(t, b->merge, record), len = 0;

	for (size_t i = 0; i < n; i++) {
		out[len++] = (uint8_t)t[i].rank;
		out[len++] = (uint8_t)t[i].source;
		out[len++] = (uint8_t)t[i].value.len;
		memcpy(out + len, t[i].value.p, t[i].value.len);
		len += t[i].value.len;
		b->stats.keys[t[i].rank]++;
	}
	if (n > 0 && t[0].rank == OV_RANK_NAME)
		b->stats.name_only++;
	else if (n > 0)
		b->stats.matchable++;
	return len;
}

static enum ov_status
write_record(struct build *b, uint32_t record)
{
	const int64_t number = b->base + record;
	uint8_t keys[OV_MERGE_TOKENS_MAX * KEY_MAX];
	size_t len = pack_keys(keys, b, record);
	uint32_t mask = 0, from = b->first[record], to = b->first[record + 1];
	uint8_t population = OV_POPULATION_NONE;
	enum ov_status st;

	for (uint32_t i = from; i < to; i++) {
		uint8_t p = b->population[b->member[i]];

		mask |= UINT32_C(1) << p;
		population = p < population ? p : population;
	}
	b->stats.population[population].records++;
	OV_TRY(ov_db_run(b->db,
	    "INSERT INTO book_record(record, population, populations, rows, keys)"
	    " VALUES(?,?,?,?,?)",
	    OV_DB_I64(number), OV_DB_I64(population), OV_DB_I64(mask),
	    OV_DB_I64(to - from), OV_DB_BLOB(keys, len)));
	for (uint32_t i = from; i < to; i++)
		OV_TRY(
		    ov_db_run(b->db, "INSERT INTO book_member(record, row) VALUES(?,?)",
			OV_DB_I64(number), OV_DB_I64(b->row[b->member[i]])));
done:
	return st;
}

static enum ov_status
write_dropped(
    void *ctx, uint32_t row, const struct ov_merge_token *t, enum ov_merge_drop why)
{
	struct build *b = ctx;
	char value[OV_TOKEN_VALUE_CAP];

	b->stats.unmerged[why]++;
	memcpy(value, t->value.p, t->value.len); /* at most 255 bytes */
	value[t->value.len] = '\0';
	return ov_db_run(b->db,
	    "INSERT OR IGNORE INTO book_dropped(row, rank, value, why) VALUES(?,?,?,?)",
	    OV_DB_I64(b->row[row]), OV_DB_I64(t->rank), OV_DB_TEXT(value),
	    OV_DB_I64(why));
}

static enum ov_status
write_count(struct build *b, enum ov_book_count what, size_t which, uint64_t n)
{
	if (n == 0)
		return OV_OK;
	return ov_db_run(b->db, "INSERT INTO book_count(what, which, n) VALUES(?,?,?)",
	    OV_DB_I64(what), OV_DB_I64(which), OV_DB_I64(n));
}

static enum ov_status
write_counts(struct build *b)
{
	const struct ov_book_stats *s = &b->stats;
	enum ov_status st;

	OV_TRY(write_count(b, OV_COUNT_ROWS, 0, s->rows));
	OV_TRY(write_count(b, OV_COUNT_RECORDS, 0, ov_merge_n_records(b->merge)));
	OV_TRY(write_count(b, OV_COUNT_MATCHABLE, 0, s->matchable));
	OV_TRY(write_count(b, OV_COUNT_NAME_ONLY, 0, s->name_only));
	for (size_t i = 0; i <= OV_RANK_MAX; i++)
		OV_TRY(write_count(b, OV_COUNT_KEYS, i, s->keys[i]));
	for (size_t i = 1; i < OV_DROP_COUNT; i++)
		OV_TRY(write_count(b, OV_COUNT_DROPPED, i, s->dropped[i]));
	for (size_t i = 1; i < OV_MERGE_DROPS; i++)
		OV_TRY(write_count(b, OV_COUNT_UNMERGED, i, s->unmerged[i]));
	for (size_t i = 0; i < s->n_populations; i++) {
		OV_TRY(
		    write_count(b, OV_COUNT_POPULATION_ROWS, i, s->population[i].rows));
		OV_TRY(write_count(
		    b, OV_COUNT_POPULATION_RECORDS, i, s->population[i].records));
	}
done:
	return st;
}

/* Those with numbers from `base` on make place for those of b. */
static enum ov_status
write_records(struct build *b)
{
	enum ov_status st;

	OV_TRY(ov_db_run(
	    b->db, "DELETE FROM book_record WHERE record >= ?", OV_DB_I64(b->base)));
	OV_TRY(ov_db_run(
	    b->db, "DELETE FROM book_member WHERE record >= ?", OV_DB_I64(b->base)));
	OV_TRY(ov_db_run(
	    b->db, "DELETE FROM book_built WHERE base >= ?", OV_DB_I64(b->base)));
	for (uint32_t r = 0; r < ov_merge_n_records(b->merge); r++)
		OV_TRY(write_record(b, r));
	OV_TRY(ov_db_run(b->db, "INSERT INTO book_built(base, profile) VALUES(?,?)",
	    OV_DB_I64(b->base),
	    OV_DB_BLOB(ov_profile_digest(b->profile), OV_PROFILE_DIGEST_LEN)));
done:
	return st;
}

/* What the owner is told of the present records. */
static enum ov_status
write_state(struct build *b)
{
	enum ov_status st;

	OV_TRY(ov_db_run(b->db, "DELETE FROM book_dropped"));
	OV_TRY(ov_db_run(b->db, "DELETE FROM book_count"));
	OV_TRY(ov_merge_dropped(b->merge, write_dropped, b));
	OV_TRY(write_counts(b));
	OV_TRY(ov_db_run(b->db,
	    "INSERT INTO book_state(id, generation, profile) VALUES(1, 1, ?)"
	    " ON CONFLICT(id) DO UPDATE SET generation = generation + 1,"
	    " profile = excluded.profile",
	    OV_DB_TEXT(ov_profile_id(b->profile))));
done:
	return st;
}

static enum ov_status
build(struct ov_db *db, const struct ov_profile *profile, int64_t base)
{
	struct build *b = calloc(1, sizeof(*b));
	struct ov_populations *p = calloc(1, sizeof(*p));
	enum ov_status st;

	OV_REQUIRE(b != NULL && p != NULL, OV_E_NOMEM);
	b->db = db;
	b->profile = profile;
	b->base = base;
	OV_TRY(ov_book_populations(p, db));
	b->stats.n_populations = p->n;
	OV_TRY(ov_merge_new(&b->merge));
	OV_TRY(read_rows(b));
	OV_TRY(ov_merge_run(b->merge));
	OV_TRY(index_members(b));
	OV_TRY(write_records(b));
	if (base == 0)
		OV_TRY(write_state(b));
done:
	if (b != NULL) {
		ov_merge_free(b->merge);
		free(b->row);
		free(b->population);
		free(b->first);
		free(b->member);
	}
	free(b);
	free(p);
	return st;
}

enum ov_status
ov_book_build(struct ov_db *db)
{
	return build(db, ov_profile_current(), 0);
}

enum ov_status
ov_book_build_previous(struct ov_db *db, const struct ov_profile *p)
{
	return build(db, p, OV_BOOK_PREVIOUS);
}
