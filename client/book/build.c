#include <libgen.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "client/book/alias.h"
#include "client/book/book.h"
#include "client/book/build.h"
#include "client/book/tokens.h"

#define KEY_MAX (3 + OV_TOKEN_VALUE_MAX)
#define PROGRESS_ROWS 10000

/* What merging gives back of a row: its number in book_row, and its population. */
#define TAG(row, population) ((uint64_t)(row) << 4 | (uint64_t)(population))
#define TAG_ROW(tag) ((int64_t)((tag) >> 4))
#define TAG_POPULATION(tag) ((uint8_t)((tag)&15))
_Static_assert(OV_POPULATIONS_MAX <= 16, "a population fits into a tag");

struct build {
	struct ov_db *db;
	const struct ov_profile *profile;
	int64_t base; /* number of its first record */
	struct ov_merge *merge;
	struct ov_build_options options;
	struct ov_bytes id, name; /* of the row at hand */
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
	if (t->why != OV_DROP_NONE && b->options.examples != NULL)
		ov_examples_try(b->options.examples, t, b->id, b->name);
	if (t->rank == OV_RANK_NAME && t->source == OV_CLAIM_COLUMN)
		ov_merge_signs(b->merge, &t->signs);
	if (t->why != OV_DROP_NONE)
		return OV_OK;
	return ov_merge_claim(
	    b->merge, t->rank, t->source, OV_BYTES(t->value, strlen(t->value)));
}

static void
tell_progress(
    const struct build *b, enum ov_build_phase phase, uint64_t done, uint64_t all)
{
	if (b->options.progress != NULL && done % PROGRESS_ROWS == 0)
		b->options.progress(b->options.ctx, phase, done, all);
}

static enum ov_status
begin_row(struct build *b, int64_t row, int64_t population)
{
	enum ov_status st;

	if (population < 0 || (uint64_t)population >= b->stats.n_populations)
		return OV_E_DB_FAILED;
	tell_progress(b, OV_BUILD_KEYS, ++b->stats.rows, 0);
	b->stats.population[population].rows++;
	st = ov_merge_row(b->merge, TAG(row, population));
	ov_merge_marks(b->merge, (uint16_t)(1U << population));
	return st;
}

#define ROW_COLUMNS "SELECT row, population, " OV_ROW_CELL_COLUMNS ", ext_id, "

static enum ov_status
read_rows(struct build *b)
{
	struct ov_db_stmt *s = NULL;
	struct ov_row_cells c;
	bool row, aliases;
	enum ov_status st;

	OV_TRY(ov_alias_any(&aliases, b->db));
	if (aliases)
		OV_TRY(ov_db_query(&s, b->db,
		    ROW_COLUMNS OV_ALIAS_COLUMNS " FROM book_row r ORDER BY row"));
	else
		OV_TRY(ov_db_query(&s, b->db,
		    ROW_COLUMNS OV_ALIAS_NO_COLUMNS " FROM book_row r ORDER BY row"));
	for (;;) {
		OV_TRY(ov_db_step(s, &row));
		if (!row)
			break;
		OV_TRY(begin_row(b, ov_db_i64(s, 0), ov_db_i64(s, 1)));
		c = ov_row_cells_at(s, 2);
		c.alias_domains = ov_db_blob(s, 12);
		c.alias_names = ov_db_blob(s, 13);
		b->id = ov_db_blob(s, 11);
		b->name = c.name;
		OV_TRY(ov_row_claims(b->profile, &c, claim, b));
	}
done:
	ov_db_finish(s);
	return st;
}

static void
count_key(struct ov_book_stats *s, const struct ov_merge_token *t)
{
	if (t->rank == OV_RANK_VAT && memchr(t->value.p, '=', t->value.len) != NULL)
		s->scheme_ids++;
	else
		s->keys[t->rank]++;
}

/* The keys, packed as book_record has them; returns their length. */
static size_t
pack_keys(uint8_t out[OV_MERGE_TOKENS_MAX * KEY_MAX], struct build *b,
    const struct ov_merge_record *r)
{
	size_t len = 0;

	for (size_t i = 0; i < r->n; i++) {
		const struct ov_merge_token *t = &r->token[i];

		out[len++] = (uint8_t)t->rank;
		out[len++] = (uint8_t)t->source;
		out[len++] = (uint8_t)t->value.len;
		memcpy(out + len, t->value.p, t->value.len);
		len += t->value.len;
		count_key(&b->stats, t);
	}
	if (r->n > 0 && r->token[0].rank == OV_RANK_NAME)
		b->stats.name_only++;
	else if (r->n > 0)
		b->stats.matchable++;
	return len;
}

static enum ov_status
write_record(struct build *b, const struct ov_merge_record *r)
{
	uint8_t keys[OV_MERGE_TOKENS_MAX * KEY_MAX], population = OV_POPULATION_NONE;
	const int64_t number = b->base + r->number;
	size_t len = pack_keys(keys, b, r);
	uint64_t tag, rows = 0;
	bool any;
	enum ov_status st;

	for (;; rows++) {
		OV_TRY(ov_merge_next_member(&any, &tag, b->merge));
		if (!any)
			break;
		if (TAG_POPULATION(tag) < population)
			population = TAG_POPULATION(tag);
		OV_TRY(
		    ov_db_run(b->db, "INSERT INTO book_member(record, row) VALUES(?,?)",
			OV_DB_I64(number), OV_DB_I64(TAG_ROW(tag))));
	}
	OV_REQUIRE(population < b->stats.n_populations, OV_E_BUG);
	b->stats.population[population].records++;
	tell_progress(
	    b, OV_BUILD_RECORDS, ++b->stats.records, ov_merge_n_records(b->merge));
	OV_TRY(ov_db_run(b->db,
	    "INSERT INTO book_record(record, population, populations, rows, keys)"
	    " VALUES(?,?,?,?,?)",
	    OV_DB_I64(number), OV_DB_I64(population), OV_DB_I64(r->marks),
	    OV_DB_I64(rows), OV_DB_BLOB(keys, len)));
done:
	return st;
}

/* Records from `base` on make place.  To delete a whole table is the faster way. */
static enum ov_status
delete_records(struct build *b)
{
	enum ov_status st;

	if (b->base == 0) {
		OV_TRY(ov_db_run(b->db, "DELETE FROM book_record"));
		OV_TRY(ov_db_run(b->db, "DELETE FROM book_member"));
		OV_TRY(ov_db_run(b->db, "DELETE FROM book_built"));
		goto done;
	}
	OV_TRY(ov_db_run(
	    b->db, "DELETE FROM book_record WHERE record >= ?", OV_DB_I64(b->base)));
	OV_TRY(ov_db_run(
	    b->db, "DELETE FROM book_member WHERE record >= ?", OV_DB_I64(b->base)));
	OV_TRY(ov_db_run(
	    b->db, "DELETE FROM book_built WHERE base >= ?", OV_DB_I64(b->base)));
done:
	return st;
}

static enum ov_status
write_records(struct build *b)
{
	struct ov_merge_record r;
	bool any;
	enum ov_status st;

	OV_TRY(delete_records(b));
	for (;;) {
		OV_TRY(ov_merge_next_record(&any, &r, b->merge));
		if (!any)
			break;
		OV_TRY(write_record(b, &r));
	}
	OV_TRY(ov_db_run(b->db, "INSERT INTO book_built(base, profile) VALUES(?,?)",
	    OV_DB_I64(b->base),
	    OV_DB_BLOB(ov_profile_digest(b->profile), OV_PROFILE_DIGEST_LEN)));
done:
	return st;
}

static enum ov_status
write_dropped(struct build *b)
{
	char value[OV_TOKEN_VALUE_CAP];
	struct ov_merge_dropped d;
	bool any;
	enum ov_status st;

	for (;;) {
		OV_TRY(ov_merge_next_dropped(&any, &d, b->merge));
		if (!any)
			break;
		b->stats.unmerged[d.why]++;
		memcpy(value, d.claim.value.p, d.claim.value.len); /* at most 255 */
		value[d.claim.value.len] = '\0';
		OV_TRY(ov_db_run(b->db,
		    "INSERT INTO book_dropped(row, rank, value, why) VALUES(?,?,?,?)",
		    OV_DB_I64(TAG_ROW(d.tag)), OV_DB_I64(d.claim.rank), OV_DB_TEXT(value),
		    OV_DB_I64(d.why)));
	}
done:
	return st;
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
	OV_TRY(write_count(b, OV_COUNT_RECORDS, 0, s->records));
	OV_TRY(write_count(b, OV_COUNT_MATCHABLE, 0, s->matchable));
	OV_TRY(write_count(b, OV_COUNT_NAME_ONLY, 0, s->name_only));
	for (size_t i = 0; i <= OV_RANK_MAX; i++)
		OV_TRY(write_count(b, OV_COUNT_KEYS, i, s->keys[i]));
	OV_TRY(write_count(b, OV_COUNT_SCHEME_IDS, 0, s->scheme_ids));
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

/* What the owner is told of the present records. */
static enum ov_status
write_state(struct build *b)
{
	enum ov_status st;

	OV_TRY(ov_db_run(b->db, "DELETE FROM book_dropped"));
	OV_TRY(ov_db_run(b->db, "DELETE FROM book_count"));
	OV_TRY(write_dropped(b));
	OV_TRY(write_counts(b));
	OV_TRY(ov_db_run(b->db,
	    "INSERT INTO book_state(id, generation, profile) VALUES(1, 1, ?)"
	    " ON CONFLICT(id) DO UPDATE SET generation = generation + 1,"
	    " profile = excluded.profile",
	    OV_DB_TEXT(ov_profile_id(b->profile))));
done:
	return st;
}

/* Scratch files lie where the database does. */
static enum ov_status
new_merge(struct ov_merge **out, struct ov_db *db)
{
	char *path = strdup(ov_db_path(db));
	enum ov_status st;

	*out = NULL;
	if (path == NULL)
		return OV_E_NOMEM;
	st = ov_merge_new(out, dirname(path));
	free(path);
	return st;
}

static enum ov_status
build(struct ov_db *db, const struct ov_profile *profile, int64_t base,
    const struct ov_build_options *options)
{
	struct build *b = calloc(1, sizeof(*b));
	struct ov_populations *p = calloc(1, sizeof(*p));
	enum ov_status st;

	OV_REQUIRE(b != NULL && p != NULL, OV_E_NOMEM);
	b->db = db;
	b->profile = profile;
	b->base = base;
	if (options != NULL)
		b->options = *options;
	OV_TRY(ov_book_populations(p, db));
	b->stats.n_populations = p->n;
	OV_TRY(new_merge(&b->merge, db));
	OV_TRY(read_rows(b));
	OV_TRY(ov_merge_run(b->merge));
	OV_TRY(write_records(b));
	if (base == 0)
		OV_TRY(write_state(b));
done:
	if (b != NULL)
		ov_merge_free(b->merge);
	free(b);
	free(p);
	return st;
}

enum ov_status
ov_book_build(struct ov_db *db, const struct ov_build_options *options)
{
	return build(db, ov_profile_current(), 0, options);
}

enum ov_status
ov_book_build_previous(struct ov_db *db, const struct ov_profile *p)
{
	return build(db, p, OV_BOOK_PREVIOUS, NULL);
}
