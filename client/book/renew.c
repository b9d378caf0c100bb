#include "client/book/renew.h"

#include <stdlib.h>
#include <string.h>

#include "client/book/deals.h"
#include "client/book/row.h"
#include "client/book/sort.h"
#include "proto/slots.h"

/* What stands behind an id in a record: 0, whether the row is of the book, its number. */
#define TAIL 10

struct ov_renew {
	struct ov_db *db;
	int64_t last_old;
	struct ov_sort *ids; /* id 0 flag row: of one id, new rows come before old ones */
	enum ov_renew_as as;
	struct ov_renewed out;
};

enum ov_status
ov_renew_new(
    struct ov_renew **out, struct ov_db *db, const char *directory, int64_t last_old)
{
	struct ov_renew *r = calloc(1, sizeof(*r));
	enum ov_status st;

	OV_REQUIRE(r != NULL, OV_E_NOMEM);
	r->db = db;
	r->last_old = last_old;
	OV_TRY(ov_sort_new(&r->ids, directory, OV_SORT_MEMORY));
	*out = r;
	r = NULL;
done:
	ov_renew_free(r);
	return st;
}

void
ov_renew_free(struct ov_renew *r)
{
	if (r == NULL)
		return;
	ov_sort_free(r->ids);
	free(r);
}

enum ov_status
ov_renew_add(struct ov_renew *r, struct ov_bytes id, int64_t row)
{
	uint8_t record[OV_SORT_RECORD_MAX];

	if (id.len == 0 || id.len > sizeof(record) - TAIL)
		return OV_OK;
	memcpy(record, id.p, id.len);
	record[id.len] = 0;
	record[id.len + 1] = row <= r->last_old;
	ov_put64(record + id.len + 2, (uint64_t)row);
	return ov_sort_add(r->ids, record, id.len + TAIL);
}

enum ov_status
ov_renew_add_book(struct ov_renew *r)
{
	struct ov_db_stmt *s = NULL;
	bool row;
	enum ov_status st;

	OV_TRY(ov_db_query(&s, r->db, "SELECT row, ext_id FROM book_row WHERE row <= ?",
	    OV_DB_I64(r->last_old)));
	for (;;) {
		OV_TRY(ov_db_step(s, &row));
		if (!row)
			break;
		OV_TRY(ov_renew_add(r, ov_db_blob(s, 1), ov_db_i64(s, 0)));
	}
done:
	ov_db_finish(s);
	return st;
}

/* --- one row into another --- */

/* clang-format off */
#define KEEP_OLD(column)                                                                 \
	column " = CASE n." column " WHEN '' THEN book_row." column " ELSE n." column " END"
/* Of each scheme the new one, else the old one. */
#define ALL_IDS                                                                          \
	"CASE WHEN n.ids = '' OR book_row.ids = '' THEN book_row.ids || n.ids"           \
	" ELSE ?4 END"
#define KEEP_ALL_OLD                                                                     \
	KEEP_OLD("name") ", " KEEP_OLD("websites") ", " KEEP_OLD("email_domains") ", "   \
	KEEP_OLD("country") ", " KEEP_OLD("lei") ", " KEEP_OLD("cik") ", "               \
	KEEP_OLD("duns") ", " KEEP_OLD("vat") ", " KEEP_OLD("industry") ", "             \
	KEEP_OLD("employees") ", " KEEP_OLD("revenue") ", " KEEP_OLD("type") ", "        \
	KEEP_OLD("lifecycle") ", " KEEP_OLD("stage") ", " KEEP_OLD("kept") ", "          \
	KEEP_OLD("owner") ", ids = " ALL_IDS
/* clang-format on */

/* The identifiers of schemes of two rows; empty unless both have some. */
static enum ov_status
join_ids(struct ov_text *ids, struct ov_renew *r, int64_t to, int64_t from)
{
	struct ov_db_stmt *s = NULL;
	struct ov_bytes new_ids;
	bool row;
	enum ov_status st = ov_text_add(ids, "", 0);

	OV_REQUIRE(st == OV_OK, st);
	OV_TRY(ov_db_query(&s, r->db,
	    "SELECT a.ids, b.ids FROM book_row a, book_row b WHERE a.row = ? AND"
	    " b.row = ? AND a.ids <> '' AND b.ids <> ''",
	    OV_DB_I64(to), OV_DB_I64(from)));
	OV_TRY(ov_db_step(s, &row));
	if (!row)
		goto done;
	new_ids = ov_db_blob(s, 1);
	OV_TRY(ov_text_add(ids, new_ids.p, new_ids.len));
	OV_TRY(ov_row_join_ids(ids, ov_db_blob(s, 0)));
done:
	ov_db_finish(s);
	return st;
}

/* Cells of `from` that are not empty take the place of those of `to`. */
static enum ov_status
update_row(struct ov_renew *r, int64_t to, int64_t from)
{
	struct ov_text ids = { 0 };
	enum ov_status st;

	OV_TRY(join_ids(&ids, r, to, from));
	r->out.updated++;
	OV_TRY(ov_db_run(r->db,
	    "UPDATE book_row SET population = CASE WHEN n.population = ?3"
	    " OR (book_row.told AND NOT n.told) THEN book_row.population"
	    " ELSE n.population & 63 END, told = max(book_row.told, "
	    "n.told), " KEEP_ALL_OLD
	    " FROM (SELECT * FROM book_row WHERE row = ?2) AS n WHERE book_row.row = ?1",
	    OV_DB_I64(to), OV_DB_I64(from), OV_DB_I64(OV_PENDING_NONE),
	    OV_DB_TEXT(ids.p)));
done:
	free(ids.p);
	return st;
}

static enum ov_status
replace_row(struct ov_renew *r, int64_t old)
{
	r->out.replaced++;
	return ov_db_run(r->db, "DELETE FROM book_row WHERE row = ?", OV_DB_I64(old));
}

/* --- all of them --- */

/* The rows of one id: new ones, of which the last counts, then old ones. */
struct id_group {
	uint8_t id[OV_SORT_RECORD_MAX];
	size_t len;
	int64_t newest; /* 0: none */
	bool met;	/* an old row */
};

static enum ov_status
take_id(struct ov_renew *r, struct id_group *g, bool old, int64_t row)
{
	if (!old) {
		r->out.repeated_ids += g->newest > 0;
		g->newest = row;
		return OV_OK;
	}
	g->met = true;
	if (g->newest == 0)
		return OV_OK;
	return r->as == OV_RENEW_REPLACE ? replace_row(r, row)
					 : update_row(r, row, g->newest);
}

static void
end_id(struct ov_renew *r, struct id_group *g)
{
	if (g->newest > 0 && !g->met)
		r->out.unknown_ids++;
	g->newest = 0;
	g->met = false;
}

enum ov_status
ov_renew_rows(struct ov_renewed *out, struct ov_renew *r, enum ov_renew_as as)
{
	struct id_group *g = calloc(1, sizeof(*g));
	struct ov_bytes id;
	size_t len;
	bool any;
	enum ov_status st;

	OV_REQUIRE(g != NULL, OV_E_NOMEM);
	r->as = as;
	OV_TRY(ov_sort_begin(r->ids));
	for (;;) {
		OV_TRY(ov_sort_next(&any, &id, r->ids));
		len = any ? id.len - TAIL : 0;
		if (!any || len != g->len || memcmp(id.p, g->id, len) != 0) {
			end_id(r, g);
			if (!any)
				break;
			memcpy(g->id, id.p, len);
			g->len = len;
		}
		OV_TRY(
		    take_id(r, g, id.p[len + 1] != 0, (int64_t)ov_get64(id.p + len + 2)));
	}
	*out = r->out;
	ov_sort_free(r->ids); /* what follows needs the memory */
	r->ids = NULL;
done:
	free(g);
	return st;
}
