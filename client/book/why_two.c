/* why_two.c - why two rows of the book are one account, or two (ov_book_why_two). */
#include <stdlib.h>
#include <string.h>

#include "client/book/alias.h"
#include "client/book/book.h"
#include "client/book/build.h"
#include "client/book/find.h"
#include "client/book/tokens.h"

#define CLAIMS_MAX 256 /* of one row: nobody reads more */

struct claimed {
	uint8_t rank, why; /* enum ov_merge_drop */
	char value[OV_TOKEN_VALUE_CAP];
};

struct side {
	int64_t row, record;
	char *name; /* as the row has it; owned */
	size_t n;
	struct claimed claim[CLAIMS_MAX];
};

/* --- which row is meant --- */

/* By its id or its name as it stands, an id first. */
static enum ov_status
find_exact(bool *found, struct side *s, struct ov_db *db, const char *text)
{
	struct ov_db_stmt *q = NULL;
	char *id = ov_find_id(text);
	enum ov_status st;

	OV_REQUIRE(id != NULL, OV_E_NOMEM);
	OV_TRY(ov_db_query(&q, db,
	    "SELECT r.row, m.record FROM book_row r JOIN book_member m ON m.row = r.row"
	    " WHERE (r.ext_id = ?1 OR r.name = ?2 COLLATE NOCASE) AND m.record < ?3"
	    " ORDER BY r.ext_id <> ?1, r.row LIMIT 1",
	    OV_DB_TEXT(id), OV_DB_TEXT(text), OV_DB_I64(OV_BOOK_PREVIOUS)));
	OV_TRY(ov_db_step(q, found));
	if (*found) {
		s->row = ov_db_i64(q, 0);
		s->record = ov_db_i64(q, 1);
	}
done:
	ov_db_finish(q);
	free(id);
	return st;
}

static enum ov_status
find_row(struct side *s, struct ov_db *db, const char *text)
{
	struct ov_db_stmt *q = NULL;
	bool found = false;
	enum ov_status st;

	OV_REQUIRE(text[0] != '\0', OV_E_NOT_FOUND);
	OV_TRY(find_exact(&found, s, db, text));
	if (found)
		goto done;
	OV_TRY(ov_find_records(&q, db, text));
	OV_TRY(ov_db_step(q, &found));
	OV_REQUIRE(found, OV_E_NOT_FOUND);
	s->record = ov_db_i64(q, 0);
	OV_TRY(ov_db_number(&s->row, db,
	    "SELECT min(row) FROM book_member WHERE record = ?", OV_DB_I64(s->record)));
done:
	ov_db_finish(q);
	return st;
}

/* --- what it claims --- */

static enum ov_status
take_claim(void *ctx, const struct ov_claim_try *t)
{
	struct side *s = ctx;
	struct claimed *c = &s->claim[s->n];

	if (t->why != OV_DROP_NONE || s->n == CLAIMS_MAX)
		return OV_OK;
	c->rank = (uint8_t)t->rank;
	c->why = OV_MERGE_KEPT;
	memcpy(c->value, t->value, sizeof(c->value));
	s->n++;
	return OV_OK;
}

static enum ov_status
read_drops(struct side *s, struct ov_db *db)
{
	struct ov_db_stmt *q = NULL;
	bool row;
	enum ov_status st;

	OV_TRY(
	    ov_db_query(&q, db, "SELECT rank, value, why FROM book_dropped WHERE row = ?",
		OV_DB_I64(s->row)));
	for (;;) {
		int64_t why;

		OV_TRY(ov_db_step(q, &row));
		if (!row)
			break;
		why = ov_db_i64(q, 2);
		OV_REQUIRE(why > 0 && why < OV_MERGE_DROPS, OV_E_DB_FAILED);
		for (size_t i = 0; i < s->n; i++)
			if (s->claim[i].rank == ov_db_i64(q, 0) &&
			    strcmp(s->claim[i].value, ov_db_text(q, 1)) == 0)
				s->claim[i].why = (uint8_t)why;
	}
done:
	ov_db_finish(q);
	return st;
}

static enum ov_status
read_side(struct side *s, struct ov_db *db, const char *text)
{
	struct ov_db_stmt *q = NULL;
	struct ov_row_cells c;
	bool row;
	enum ov_status st;

	OV_TRY(find_row(s, db, text));
	OV_TRY(ov_db_query(&q, db,
	    "SELECT " OV_ROW_CELL_COLUMNS ", " OV_ALIAS_COLUMNS
	    " FROM book_row r WHERE r.row = ?",
	    OV_DB_I64(s->row)));
	OV_TRY(ov_db_step(q, &row));
	OV_REQUIRE(row, OV_E_DB_FAILED);
	s->name = strdup(ov_db_text(q, 0));
	OV_REQUIRE(s->name != NULL, OV_E_NOMEM);
	c = ov_row_cells_at(q, 0);
	c.alias_domains = ov_db_blob(q, 9);
	c.alias_names = ov_db_blob(q, 10);
	OV_TRY(ov_row_claims(ov_profile_current(), &c, take_claim, s));
	OV_TRY(read_drops(s, db));
done:
	ov_db_finish(q);
	return st;
}

/* --- what is told --- */

static const struct claimed *
find_claim(const struct side *s, const struct claimed *c)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->claim[i].rank == c->rank &&
		    strcmp(s->claim[i].value, c->value) == 0)
			return &s->claim[i];
	return NULL;
}

static void
tell_claim(FILE *out, const char *before, const struct claimed *c)
{
	struct ov_token_parts parts;

	if (ov_token_split(&parts, c->rank, OV_BYTES(c->value, strlen(c->value))))
		fprintf(out, "%s%s %.*s", before, parts.kind, (int)parts.value.len,
		    (const char *)parts.value.p);
}

static void
tell_shared(FILE *out, const struct claimed *c, const struct claimed *other, bool one)
{
	enum ov_merge_drop why =
	    (enum ov_merge_drop)(c->why != OV_MERGE_KEPT ? c->why : other->why);

	tell_claim(out, "  both have ", c);
	fputs(": ", out);
	if (why != OV_MERGE_KEPT)
		fprintf(out, "%s\n", ov_merge_drop_text(why));
	else if (c->rank == OV_RANK_VAT || c->rank == OV_RANK_NAME)
		fputs("this kind of key joins no rows by itself\n", out);
	else
		fputs(
		    one ? "that makes them one\n" : "it is a key of one of them\n", out);
}

static void
tell_claims(FILE *out, const struct side *s)
{
	fprintf(out, "  \"%s\" has", s->name);
	for (size_t i = 0; i < s->n; i++)
		tell_claim(out, i > 0 ? ", " : " ", &s->claim[i]);
	fputs(s->n == 0 ? " no key\n" : "\n", out);
}

static void
tell(FILE *out, const struct side *a, const struct side *b)
{
	bool one = a->record == b->record, any = false;

	fprintf(out, "%s by the rules of %s: \"%s\" and \"%s\"\n",
	    one ? "one account" : "two accounts", ov_profile_id(ov_profile_current()),
	    a->name, b->name);
	for (size_t i = 0; i < a->n; i++) {
		const struct claimed *c = &a->claim[i], *other = find_claim(b, c);

		if (other == NULL || find_claim(a, c) != c)
			continue;
		tell_shared(out, c, other, one);
		any = true;
	}
	if (any)
		return;
	fputs(one ? "  they share no key: other rows of the account have some with each\n"
		  : "  they share no key\n",
	    out);
	tell_claims(out, a);
	tell_claims(out, b);
}

enum ov_status
ov_book_why_two(FILE *out, struct ov_db *db, const char *first, const char *second)
{
	struct side *s = calloc(2, sizeof(*s));
	enum ov_status st;

	OV_REQUIRE(s != NULL, OV_E_NOMEM);
	OV_TRY(read_side(&s[0], db, first));
	OV_TRY(read_side(&s[1], db, second));
	OV_REQUIRE(s[0].row != s[1].row, OV_E_DB_CONFLICT);
	tell(out, &s[0], &s[1]);
done:
	if (s != NULL) {
		free(s[0].name);
		free(s[1].name);
	}
	free(s);
	return st;
}
