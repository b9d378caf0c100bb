#include "client/book/book.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "client/book/build.h"
#include "client/book/tokens.h"

enum ov_status
ov_book_rebuild_within(struct ov_db *db)
{
	return ov_book_build(db, NULL);
}

enum ov_status
ov_book_rebuild(struct ov_db *db)
{
	enum ov_status st;

	OV_TRY(ov_db_begin(db));
	OV_TRY(ov_book_build(db, NULL));
	OV_TRY(ov_db_commit(db, "book.rebuild"));
done:
	ov_db_rollback(db);
	return st;
}

enum ov_status
ov_book_is_stale(bool *out, struct ov_db *db)
{
	int64_t n;
	enum ov_status st;

	OV_TRY(ov_db_number(&n, db,
	    "SELECT count(*) FROM book_state WHERE NOT EXISTS"
	    " (SELECT 1 FROM book_built WHERE base = 0 AND profile = ?)",
	    OV_DB_BLOB(ov_profile_digest(ov_profile_current()), OV_PROFILE_DIGEST_LEN)));
	*out = n > 0;
done:
	return st;
}

enum ov_status
ov_book_make_previous(struct ov_db *db, const struct ov_profile *p)
{
	int64_t n;
	enum ov_status st;

	OV_TRY(ov_db_number(&n, db,
	    "SELECT count(*) FROM book_built WHERE base = ? AND profile = ?",
	    OV_DB_I64(OV_BOOK_PREVIOUS),
	    OV_DB_BLOB(ov_profile_digest(p), OV_PROFILE_DIGEST_LEN)));
	if (n > 0)
		return OV_OK;
	OV_TRY(ov_db_begin(db));
	OV_TRY(ov_book_build_previous(db, p));
	OV_TRY(ov_db_commit(db, "book.previous"));
done:
	ov_db_rollback(db);
	return st;
}

enum ov_status
ov_book_generation(uint64_t *out, struct ov_db *db)
{
	int64_t n;
	enum ov_status st;

	OV_TRY(
	    ov_db_number(&n, db, "SELECT coalesce(max(generation), 0) FROM book_state"));
	*out = (uint64_t)n;
done:
	return st;
}

enum ov_status
ov_book_populations(struct ov_populations *out, struct ov_db *db)
{
	struct ov_db_stmt *s = NULL;
	const char *name;
	bool row;
	enum ov_status st;

	memset(out, 0, sizeof(*out));
	out->otherwise = out->open_stage = OV_POPULATION_NONE;
	OV_TRY(
	    ov_db_query(&s, db, "SELECT name FROM book_population ORDER BY population"));
	for (;;) {
		OV_TRY(ov_db_step(s, &row));
		if (!row)
			break;
		name = ov_db_text(s, 0);
		OV_REQUIRE(out->n < OV_POPULATIONS_MAX && ov_population_name_ok(name),
		    OV_E_DB_FAILED);
		memcpy(out->name[out->n++], name, strlen(name) + 1);
	}
done:
	ov_db_finish(s);
	return st;
}

static void
put_count(struct ov_book_stats *s, int64_t what, uint64_t which, uint64_t n)
{
	switch ((enum ov_book_count)what) {
	case OV_COUNT_ROWS:
		s->rows = n;
		break;
	case OV_COUNT_RECORDS:
		s->records = n;
		break;
	case OV_COUNT_MATCHABLE:
		s->matchable = n;
		break;
	case OV_COUNT_NAME_ONLY:
		s->name_only = n;
		break;
	case OV_COUNT_KEYS:
		if (which <= OV_RANK_MAX)
			s->keys[which] = n;
		break;
	case OV_COUNT_SCHEME_IDS:
		s->scheme_ids = n;
		break;
	case OV_COUNT_DROPPED:
		if (which < OV_DROP_COUNT)
			s->dropped[which] = n;
		break;
	case OV_COUNT_UNMERGED:
		if (which < OV_MERGE_DROPS)
			s->unmerged[which] = n;
		break;
	case OV_COUNT_POPULATION_ROWS:
		if (which < OV_POPULATIONS_MAX)
			s->population[which].rows = n;
		break;
	case OV_COUNT_POPULATION_RECORDS:
		if (which < OV_POPULATIONS_MAX)
			s->population[which].records = n;
		break;
	}
}

enum ov_status
ov_book_stats(struct ov_book_stats *out, struct ov_db *db)
{
	struct ov_populations *p = calloc(1, sizeof(*p));
	struct ov_db_stmt *s = NULL;
	bool row;
	enum ov_status st;

	memset(out, 0, sizeof(*out));
	OV_REQUIRE(p != NULL, OV_E_NOMEM);
	OV_TRY(ov_book_populations(p, db));
	out->n_populations = p->n;
	for (size_t i = 0; i < p->n; i++)
		memcpy(out->population[i].name, p->name[i], sizeof(p->name[i]));
	OV_TRY(ov_db_query(&s, db, "SELECT what, which, n FROM book_count"));
	for (;;) {
		OV_TRY(ov_db_step(s, &row));
		if (!row)
			break;
		put_count(out, ov_db_i64(s, 0), (uint64_t)ov_db_i64(s, 1),
		    (uint64_t)ov_db_i64(s, 2));
	}
	out->unmatchable = out->records - out->matchable - out->name_only;
done:
	ov_db_finish(s);
	free(p);
	return st;
}

static char *
copy(const char *text)
{
	return strdup(text != NULL ? text : "");
}

/* The ids of a record's rows joined by ';', smallest first. */
static enum ov_status
read_ids(char **out, struct ov_db *db, int64_t record)
{
	struct ov_db_stmt *s = NULL;
	size_t len = 0, cap = 64;
	char *ids = malloc(cap), *more;
	struct ov_bytes id;
	bool row;
	enum ov_status st;

	OV_REQUIRE(ids != NULL, OV_E_NOMEM);
	ids[0] = '\0';
	OV_TRY(ov_db_query(&s, db,
	    "SELECT r.ext_id FROM book_member m JOIN book_row r ON r.row = m.row"
	    " WHERE m.record = ? AND r.ext_id != '' ORDER BY r.ext_id, r.row",
	    OV_DB_I64(record)));
	for (;;) {
		OV_TRY(ov_db_step(s, &row));
		if (!row)
			break;
		id = ov_db_blob(s, 0);
		if (len + id.len + 2 > cap) {
			cap = 2 * (len + id.len + 2);
			more = realloc(ids, cap);
			OV_REQUIRE(more != NULL, OV_E_NOMEM);
			ids = more;
		}
		if (len > 0)
			ids[len++] = ';';
		memcpy(ids + len, id.p, id.len);
		len += id.len;
		ids[len] = '\0';
	}
	*out = ids;
	ids = NULL;
done:
	ov_db_finish(s);
	free(ids);
	return st;
}

/* Display columns: of the rows in the order of their ids, the first that has each. */
static enum ov_status
read_display(struct ov_book_account *a, struct ov_db *db)
{
	char **field[] = { &a->name, &a->country, &a->industry, &a->employees,
		&a->revenue };
	struct ov_db_stmt *s = NULL;
	bool row;
	enum ov_status st;

	OV_TRY(ov_db_query(&s, db,
	    "SELECT r.name, r.country, r.industry, r.employees, r.revenue"
	    " FROM book_member m JOIN book_row r ON r.row = m.row WHERE m.record = ?"
	    " ORDER BY " OV_BOOK_ROW_ORDER,
	    OV_DB_I64(a->record)));
	for (;;) {
		OV_TRY(ov_db_step(s, &row));
		if (!row)
			break;
		for (int i = 0; i < 5; i++) {
			if (*field[i] != NULL && **field[i] != '\0')
				continue;
			free(*field[i]);
			*field[i] = copy(ov_db_text(s, i));
			OV_REQUIRE(*field[i] != NULL, OV_E_NOMEM);
		}
	}
	OV_REQUIRE(a->name != NULL, OV_E_NOT_FOUND);
done:
	ov_db_finish(s);
	return st;
}

void
ov_book_account_fini(struct ov_book_account *a)
{
	free(a->name);
	free(a->ids);
	free(a->country);
	free(a->industry);
	free(a->employees);
	free(a->revenue);
	memset(a, 0, sizeof(*a));
}

enum ov_status
ov_book_account(struct ov_book_account *out, struct ov_db *db, int64_t record)
{
	struct ov_book_account a;
	struct ov_db_stmt *s = NULL;
	bool row;
	enum ov_status st;

	memset(&a, 0, sizeof(a));
	a.record = record;
	OV_TRY(ov_db_query(&s, db,
	    "SELECT population, rows FROM book_record WHERE record = ?",
	    OV_DB_I64(record)));
	OV_TRY(ov_db_step(s, &row));
	OV_REQUIRE(row, OV_E_NOT_FOUND);
	a.population = (uint8_t)ov_db_i64(s, 0);
	a.rows = (uint64_t)ov_db_i64(s, 1);
	OV_TRY(read_display(&a, db));
	OV_TRY(read_ids(&a.ids, db, record));
	*out = a;
	memset(&a, 0, sizeof(a));
done:
	ov_db_finish(s);
	ov_book_account_fini(&a);
	return st;
}

const char ov_book_schema_1[] =
    "CREATE TABLE book_row(row INTEGER PRIMARY KEY, ext_id TEXT NOT NULL,"
    " name TEXT NOT NULL, population INTEGER NOT NULL, websites TEXT NOT NULL,"
    " email_domains TEXT NOT NULL, country TEXT NOT NULL, lei TEXT NOT NULL,"
    " cik TEXT NOT NULL, duns TEXT NOT NULL, vat TEXT NOT NULL,"
    " industry TEXT NOT NULL, employees TEXT NOT NULL, revenue TEXT NOT NULL,"
    " type TEXT NOT NULL, lifecycle TEXT NOT NULL, stage TEXT NOT NULL,"
    " kept TEXT NOT NULL);"
    "CREATE TABLE book_record(record INTEGER PRIMARY KEY,"
    " population INTEGER NOT NULL, populations INTEGER NOT NULL,"
    " rows INTEGER NOT NULL, keys BLOB NOT NULL);"
    "CREATE TABLE book_member(record INTEGER NOT NULL, row INTEGER NOT NULL,"
    " PRIMARY KEY(record, row)) WITHOUT ROWID;"
    "CREATE TABLE book_dropped(row INTEGER NOT NULL, rank INTEGER NOT NULL,"
    " value TEXT NOT NULL, why INTEGER NOT NULL,"
    " PRIMARY KEY(row, rank, value)) WITHOUT ROWID;"
    "CREATE TABLE book_population(population INTEGER PRIMARY KEY,"
    " name TEXT NOT NULL UNIQUE);"
    "CREATE TABLE book_kept(place INTEGER PRIMARY KEY, heading TEXT NOT NULL);"
    "CREATE TABLE book_count(what INTEGER NOT NULL, which INTEGER NOT NULL,"
    " n INTEGER NOT NULL, PRIMARY KEY(what, which)) WITHOUT ROWID;"
    "CREATE TABLE book_state(id INTEGER PRIMARY KEY CHECK(id = 1),"
    " generation INTEGER NOT NULL, profile TEXT NOT NULL);";

/* Which records there are: number of the first one, digest of the profile.  A book of
 * before has no row here, so it is made anew. */
const char ov_book_schema_2[] =
    "CREATE TABLE book_built(base INTEGER PRIMARY KEY, profile BLOB NOT NULL) STRICT";

/* The account's owner, where a mapping file names the column.  How many columns of each
 * field the files had that are the book.  An import that waits (held.h): rows as in
 * book_row, and the lists that go with them. */
const char ov_book_schema_3[] =
    "ALTER TABLE book_row ADD COLUMN owner TEXT NOT NULL DEFAULT '';"
    "CREATE TABLE book_column(field TEXT PRIMARY KEY, n INTEGER NOT NULL)"
    " STRICT, WITHOUT ROWID;"
    "CREATE TABLE book_held(id INTEGER PRIMARY KEY CHECK(id = 1),"
    " rows INTEGER NOT NULL, rows_before INTEGER NOT NULL, shrank INTEGER NOT NULL,"
    " lost TEXT NOT NULL) STRICT;"
    "CREATE TABLE book_held_row(row INTEGER PRIMARY KEY, ext_id TEXT NOT NULL,"
    " name TEXT NOT NULL, population INTEGER NOT NULL, websites TEXT NOT NULL,"
    " email_domains TEXT NOT NULL, country TEXT NOT NULL, lei TEXT NOT NULL,"
    " cik TEXT NOT NULL, duns TEXT NOT NULL, vat TEXT NOT NULL,"
    " industry TEXT NOT NULL, employees TEXT NOT NULL, revenue TEXT NOT NULL,"
    " type TEXT NOT NULL, lifecycle TEXT NOT NULL, stage TEXT NOT NULL,"
    " kept TEXT NOT NULL, owner TEXT NOT NULL DEFAULT '');"
    "CREATE TABLE book_held_list(kind INTEGER NOT NULL, place INTEGER NOT NULL,"
    " name TEXT NOT NULL, n INTEGER NOT NULL, PRIMARY KEY(kind, place))"
    " STRICT, WITHOUT ROWID;";

const char ov_book_schema_4[] =
    "CREATE TABLE book_alias(account TEXT NOT NULL, kind INTEGER NOT NULL,"
    " value TEXT NOT NULL, PRIMARY KEY(account, kind, value)) STRICT, WITHOUT ROWID;";

/* Accounts that were erased (erased.h): when, and digests of what they were known by;
 * the key of the digests, sealed by the home. */
const char ov_book_schema_5[] =
    "CREATE TABLE book_erased(account INTEGER PRIMARY KEY, at INTEGER NOT NULL) STRICT;"
    "CREATE TABLE book_erased_digest(digest BLOB NOT NULL, account INTEGER NOT NULL,"
    " PRIMARY KEY(digest, account)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE book_erased_key(id INTEGER PRIMARY KEY CHECK(id = 1),"
    " key_sealed BLOB NOT NULL) STRICT;";

/* Whether the account's population stands in a column of its own. */
const char ov_book_schema_6[] =
    "ALTER TABLE book_row ADD COLUMN told INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE book_held_row ADD COLUMN told INTEGER NOT NULL DEFAULT 0";

/* Identifiers of agreed schemes, and the ticker: lines. */
const char ov_book_schema_7[] =
    "ALTER TABLE book_row ADD COLUMN ids TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE book_held_row ADD COLUMN ids TEXT NOT NULL DEFAULT '';";
