#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "client/book/book.h"
#include "client/book/build.h"

/* Columns of the cursor over rows: record, then these by field, then the kept ones. */
static const enum ov_field row_columns[] = { OV_FIELD_ID, OV_FIELD_NAME, OV_FIELD_COUNTRY,
	OV_FIELD_INDUSTRY, OV_FIELD_EMPLOYEES, OV_FIELD_REVENUE, OV_FIELD_TYPE,
	OV_FIELD_LIFECYCLE, OV_FIELD_STAGE };
#define ROW_COLUMNS (sizeof(row_columns) / sizeof(row_columns[0]))
#define POPULATION_COLUMN (-2)
#define NO_COLUMN (-1)

/* A profile with what it reads of an account. */
struct evaluator {
	const struct ov_icp *icp; /* NULL: none */
	size_t n_columns;
	int column[OV_ICP_COLUMNS_MAX]; /* in the cursor; or place in kept, from KEPT_ */
	char *value[OV_ICP_COLUMNS_MAX];
	size_t cap[OV_ICP_COLUMNS_MAX];
};
#define KEPT_ 1000

struct freeze {
	struct ov_db_stmt *rows; /* NULL without any profile */
	bool row;		 /* rows stands on one */
	struct evaluator own, asked;
};

/* Where the ICP's column i is found. */
static enum ov_status
bind_column(int *out, struct ov_db *db, const char *name)
{
	enum ov_field f = ov_field_by_name(name);
	struct ov_db_stmt *s = NULL;
	bool row;
	enum ov_status st = OV_OK;

	*out = NO_COLUMN;
	if (f == OV_FIELD_POPULATION)
		*out = POPULATION_COLUMN;
	for (size_t i = 0; i < ROW_COLUMNS; i++)
		if (f == row_columns[i])
			*out = (int)i + 1;
	if (*out != NO_COLUMN)
		return OV_OK;
	OV_TRY(ov_db_query(&s, db, "SELECT heading FROM book_kept ORDER BY place"));
	for (int place = 0;; place++) {
		OV_TRY(ov_db_step(s, &row));
		if (!row)
			break;
		if (strcasecmp(ov_db_text(s, 0), name) == 0)
			*out = KEPT_ + place;
	}
done:
	ov_db_finish(s);
	return st;
}

enum ov_status
ov_book_check_icp(struct ov_db *db, const struct ov_icp *icp, struct ov_fault *fault)
{
	enum ov_status st;
	int column;

	for (size_t i = 0; i < ov_icp_n_columns(icp); i++) {
		if ((st = bind_column(&column, db, ov_icp_column(icp, i))) != OV_OK)
			return st;
		if (column == NO_COLUMN)
			return ov_fault_set(fault, OV_E_ICP_INVALID,
			    ov_icp_column_line(icp, i),
			    "the book has no column `%s`; there are country, industry, "
			    "employees, revenue, type, lifecycle, stage, population, and "
			    "those that a mapping file names under `keep:` at import",
			    ov_icp_column(icp, i));
	}
	return OV_OK;
}

enum ov_status
ov_book_check_columns(
    struct ov_db *db, const struct ov_policy *policy, struct ov_fault *fault)
{
	const struct ov_shared_columns *columns = &policy->icp_columns;
	enum ov_status st = OV_OK;
	int column;

	for (size_t i = 0; i < columns->n; i++) {
		OV_TRY(bind_column(&column, db, columns->name[i]));
		if (column == NO_COLUMN)
			return ov_fault_set(fault, OV_E_POLICY_INVALID,
			    policy->icp_column_line[i],
			    "the book has no column `%s`; a mapping file names further "
			    "ones under `keep:` at import",
			    columns->name[i]);
	}
done:
	return st;
}

static enum ov_status
set_value(struct evaluator *z, size_t i, const char *text, size_t len)
{
	char *more;

	if (z->value[i] == NULL || len + 1 > z->cap[i]) {
		if ((more = realloc(z->value[i], len + 1)) == NULL)
			return OV_E_NOMEM;
		z->value[i] = more;
		z->cap[i] = len + 1;
	}
	if (len > 0)
		memcpy(z->value[i], text, len);
	z->value[i][len] = '\0';
	return OV_OK;
}

/* Line number `place` of the kept cells. */
static struct ov_bytes
kept_cell(struct ov_bytes kept, int place)
{
	const uint8_t *stop;

	for (;; place--) {
		stop = kept.len > 0 ? memchr(kept.p, '\n', kept.len) : NULL;
		if (stop == NULL)
			return OV_BYTES(NULL, 0);
		if (place == 0)
			return OV_BYTES(kept.p, (size_t)(stop - kept.p));
		kept.len -= (size_t)(stop - kept.p) + 1;
		kept.p = stop + 1;
	}
}

/* Takes from the present row what earlier rows of the record did not have. */
static enum ov_status
take_row(struct evaluator *z, struct ov_db_stmt *rows)
{
	enum ov_status st;

	for (size_t i = 0; i < z->n_columns; i++) {
		struct ov_bytes cell = { NULL, 0 };

		if (z->value[i] != NULL && z->value[i][0] != '\0')
			continue;
		if (z->column[i] >= KEPT_)
			cell = kept_cell(
			    ov_db_blob(rows, (int)ROW_COLUMNS + 1), z->column[i] - KEPT_);
		else if (z->column[i] > 0)
			cell = ov_db_blob(rows, z->column[i]);
		if ((st = set_value(z, i, (const char *)cell.p, cell.len)) != OV_OK)
			return st;
	}
	return OV_OK;
}

/* Empty, but for the population. */
static enum ov_status
begin_account(struct evaluator *z, const char *population)
{
	enum ov_status st = OV_OK;

	for (size_t i = 0; i < z->n_columns; i++)
		OV_TRY(set_value(z, i, population,
		    z->column[i] == POPULATION_COLUMN ? strlen(population) : 0));
done:
	return st;
}

static const char *
value_of(void *ctx, size_t i)
{
	return ((struct evaluator *)ctx)->value[i];
}

static void
answer(enum ov_fit *fit, uint8_t *band, struct evaluator *z)
{
	struct ov_icp_result r;

	if (z->icp == NULL)
		return;
	ov_icp_evaluate(&r, z->icp, value_of, z);
	*fit = r.fit;
	*band = r.band;
}

/* The fits of the item's record: both cursors run in the order of the records. */
static enum ov_status
evaluate(struct ov_book_item *item, struct freeze *z, const char *population)
{
	enum ov_status st;

	OV_TRY(begin_account(&z->own, population));
	OV_TRY(begin_account(&z->asked, population));
	while (z->row && ov_db_i64(z->rows, 0) <= item->record) {
		if (ov_db_i64(z->rows, 0) == item->record) {
			OV_TRY(take_row(&z->own, z->rows));
			OV_TRY(take_row(&z->asked, z->rows));
		}
		OV_TRY(ov_db_step(z->rows, &z->row));
	}
	answer(&item->fit, &item->band, &z->own);
	answer(&item->asked_fit, &item->asked_band, &z->asked);
done:
	return st;
}

static enum ov_status
bind_all(struct evaluator *z, struct ov_db *db, const struct ov_icp *icp)
{
	enum ov_status st = OV_OK;

	z->icp = icp;
	z->n_columns = icp != NULL ? ov_icp_n_columns(icp) : 0;
	for (size_t i = 0; i < z->n_columns; i++)
		OV_TRY(bind_column(&z->column[i], db, ov_icp_column(icp, i)));
done:
	return st;
}

static void
free_values(struct evaluator *z)
{
	for (size_t i = 0; i < OV_ICP_COLUMNS_MAX; i++)
		free(z->value[i]);
}

static enum ov_status
open_rows(struct freeze *z, struct ov_db *db, const struct ov_freeze_options *o)
{
	enum ov_status st;

	OV_TRY(bind_all(&z->own, db, o->icp));
	OV_TRY(bind_all(&z->asked, db, o->asked));
	if (o->icp == NULL && o->asked == NULL)
		goto done;
	OV_TRY(ov_db_query(&z->rows, db,
	    "SELECT m.record, r.ext_id, r.name, r.country, r.industry, r.employees,"
	    " r.revenue, r.type, r.lifecycle, r.stage, r.kept"
	    " FROM book_member m CROSS JOIN book_row r ON r.row = m.row"
	    " ORDER BY m.record, " OV_BOOK_ROW_ORDER));
	OV_TRY(ov_db_step(z->rows, &z->row));
done:
	return st;
}

/* The allowed keys, up to the cap; false: none. */
static enum ov_status
take_keys(struct ov_book_item *item, struct ov_bytes keys, uint8_t ranks)
{
	struct ov_merge_token t;
	size_t at = 0;
	bool ok = true;

	item->n = 0;
	while (item->n < OV_TOKENS_PER_RECORD && ov_book_next_key(&t, &at, keys, &ok))
		if (ranks & OV_RANK_BIT(t.rank)) {
			item->token[item->n].rank = (uint8_t)t.rank;
			item->token[item->n++].value = t.value;
		}
	return ok ? OV_OK : OV_E_DB_FAILED;
}

static int64_t
first_record(const struct ov_profile *p)
{
	return p == NULL || p == ov_profile_current() ? 0 : OV_BOOK_PREVIOUS;
}

enum ov_status
ov_book_freeze(struct ov_db *db, const struct ov_freeze_options *options,
    ov_book_item_fn *fn, void *ctx)
{
	struct freeze *z = calloc(1, sizeof(*z));
	struct ov_populations *p = calloc(1, sizeof(*p));
	struct ov_db_stmt *s = NULL;
	struct ov_book_item item;
	int64_t base = first_record(options->profile);
	bool row;
	enum ov_status st;

	OV_REQUIRE(z != NULL && p != NULL, OV_E_NOMEM);
	OV_TRY(ov_book_populations(p, db));
	OV_TRY(open_rows(z, db, options));
	OV_TRY(ov_db_query(&s, db,
	    "SELECT record, population, populations, keys FROM book_record"
	    " WHERE record >= ? AND record < ? ORDER BY record",
	    OV_DB_I64(base), OV_DB_I64(base + OV_BOOK_PREVIOUS)));
	for (;;) {
		OV_TRY(ov_db_step(s, &row));
		if (!row)
			break;
		memset(&item, 0, sizeof(item));
		item.record = ov_db_i64(s, 0);
		item.population = (uint8_t)ov_db_i64(s, 1);
		OV_REQUIRE(item.population < p->n, OV_E_DB_FAILED);
		if ((uint32_t)ov_db_i64(s, 2) & options->hidden)
			continue;
		OV_TRY(take_keys(&item, ov_db_blob(s, 3), options->ranks));
		if (item.n == 0)
			continue;
		if (z->rows != NULL)
			OV_TRY(evaluate(&item, z, p->name[item.population]));
		OV_TRY(fn(ctx, &item));
	}
done:
	ov_db_finish(s);
	if (z != NULL) {
		ov_db_finish(z->rows);
		free_values(&z->own);
		free_values(&z->asked);
	}
	free(z);
	free(p);
	return st;
}
