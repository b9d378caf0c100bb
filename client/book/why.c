#include <inttypes.h>
#include <string.h>

#include "client/book/alias.h"
#include "client/book/book.h"
#include "client/book/build.h"
#include "client/book/find.h"
#include "client/book/tokens.h"

struct listing {
	FILE *out;
	struct ov_db *db;
	const struct ov_populations *populations;
	int64_t row;
	uint32_t seen; /* populations of the account's rows, as bits */
};

/* Cells hold no control characters (import.c), so they may go to a terminal. */
static void
print_bytes(FILE *out, struct ov_bytes b)
{
	(void)fwrite(b.p, 1, b.len, out);
}

static enum ov_status
print_keys(struct listing *l, struct ov_bytes keys)
{
	static const char *const from[] = { [OV_CLAIM_COLUMN] = "",
		[OV_CLAIM_WEBSITE] = " (website)",
		[OV_CLAIM_EMAIL] = " (e-mail)" };
	struct ov_token_parts parts;
	struct ov_merge_token t;
	size_t at = 0;
	bool ok = true;

	if (keys.len == 0)
		fputs(
		    "  no key: it never leaves this machine and cannot match\n", l->out);
	while (ov_book_next_key(&t, &at, keys, &ok)) {
		if (!ov_token_split(&parts, (uint8_t)t.rank, t.value))
			return OV_E_DB_FAILED;
		fprintf(l->out, "  key %s ", parts.kind);
		print_bytes(l->out, parts.value);
		fprintf(l->out, "%s%s\n", from[t.source],
		    t.rank == OV_RANK_NAME
			? " (only where a policy allows name_only_keys)"
			: "");
	}
	return ok ? OV_OK : OV_E_DB_FAILED;
}

static bool
is_blank(struct ov_bytes b)
{
	for (size_t i = 0; i < b.len; i++)
		if (b.p[i] != ' ' && b.p[i] != '\t')
			return false;
	return true;
}

static enum ov_status
print_try(void *ctx, const struct ov_claim_try *t)
{
	struct listing *l = ctx;

	if (t->why == OV_DROP_NONE || is_blank(t->raw))
		return OV_OK;
	fprintf(l->out, "    no %s from \"", t->kind);
	print_bytes(l->out, t->raw);
	fprintf(l->out, "\": %s\n", ov_drop_text(t->why));
	return OV_OK;
}

static enum ov_status
print_alias(void *arg, const struct ov_alias *a)
{
	struct listing *l = arg;

	fprintf(l->out, "    alias: %s %s\n",
	    a->kind == OV_ALIAS_DOMAIN ? "domain" : "name", a->value);
	return OV_OK;
}

static enum ov_status
print_dropped(struct listing *l)
{
	struct ov_token_parts parts;
	struct ov_db_stmt *s = NULL;
	int64_t why;
	bool row;
	enum ov_status st;

	OV_TRY(ov_db_query(&s, l->db,
	    "SELECT rank, value, why FROM book_dropped WHERE row = ? ORDER BY rank, "
	    "value",
	    OV_DB_I64(l->row)));
	for (;;) {
		OV_TRY(ov_db_step(s, &row));
		if (!row)
			break;
		why = ov_db_i64(s, 2);
		OV_REQUIRE(why > 0 && why < OV_MERGE_DROPS &&
			       ov_token_split(
				   &parts, (uint8_t)ov_db_i64(s, 0), ov_db_blob(s, 1)),
		    OV_E_DB_FAILED);
		fprintf(l->out, "    no %s ", parts.kind);
		print_bytes(l->out, parts.value);
		fprintf(l->out, ": %s\n", ov_merge_drop_text((enum ov_merge_drop)why));
	}
done:
	ov_db_finish(s);
	return st;
}

static enum ov_status
print_rows(struct listing *l, int64_t record)
{
	struct ov_row_cells c;
	struct ov_db_stmt *s = NULL;
	bool row;
	enum ov_status st;

	OV_TRY(ov_db_query(&s, l->db,
	    "SELECT r.row, population, " OV_ROW_CELL_COLUMNS ", " OV_ALIAS_COLUMNS
	    ", r.ext_id, r.owner"
	    " FROM book_member m"
	    " JOIN book_row r ON r.row = m.row WHERE m.record = ?"
	    " ORDER BY " OV_BOOK_ROW_ORDER,
	    OV_DB_I64(record)));
	for (;;) {
		OV_TRY(ov_db_step(s, &row));
		if (!row)
			break;
		c = ov_row_cells_at(s, 2);
		c.alias_domains = ov_db_blob(s, 11);
		c.alias_names = ov_db_blob(s, 12);
		l->row = ov_db_i64(s, 0);
		OV_REQUIRE((uint64_t)ov_db_i64(s, 1) < l->populations->n, OV_E_DB_FAILED);
		l->seen |= UINT32_C(1) << ov_db_i64(s, 1);
		fprintf(l->out, "  row %s \"%s\", %s\n", ov_db_text(s, 13),
		    ov_db_text(s, 2), l->populations->name[ov_db_i64(s, 1)]);
		if (ov_db_text(s, 14)[0] != '\0')
			fprintf(l->out, "    owner %s\n", ov_db_text(s, 14));
		if (ov_db_text(s, 13)[0] != '\0')
			OV_TRY(ov_alias_each(l->db, ov_db_text(s, 13), print_alias, l));
		OV_TRY(ov_row_claims(ov_profile_current(), &c, print_try, l));
		OV_TRY(print_dropped(l));
	}
done:
	ov_db_finish(s);
	return st;
}

/* Populations in which only others of the account's house are; begins anew. */
static void
print_relatives(struct listing *l, uint32_t populations)
{
	for (size_t i = 0; i < l->populations->n; i++)
		if ((populations & ~l->seen) >> i & 1)
			fprintf(l->out,
			    "  stays out, too, where %s are hidden: another account of "
			    "its house, on the same domain, is there\n",
			    l->populations->name[i]);
	l->seen = 0;
}

enum ov_status
ov_book_why(FILE *out, struct ov_db *db, const char *name)
{
	struct ov_populations populations;
	struct listing l = { out, db, &populations, 0, 0 };
	struct ov_db_stmt *s = NULL;
	bool row, any = false;
	enum ov_status st;

	OV_REQUIRE(name[0] != '\0', OV_E_NOT_FOUND); /* else: all rows without a name */
	OV_TRY(ov_book_populations(&populations, db));
	OV_TRY(ov_find_records(&s, db, name));
	for (;;) {
		OV_TRY(ov_db_step(s, &row));
		if (!row)
			break;
		any = true;
		OV_REQUIRE((uint64_t)ov_db_i64(s, 1) < populations.n, OV_E_DB_FAILED);
		fprintf(out, "account in %s, %" PRId64 " row%s, keys by %s\n",
		    populations.name[ov_db_i64(s, 1)], ov_db_i64(s, 2),
		    ov_db_i64(s, 2) == 1 ? "" : "s", ov_profile_id(ov_profile_current()));
		OV_TRY(print_keys(&l, ov_db_blob(s, 3)));
		OV_TRY(print_rows(&l, ov_db_i64(s, 0)));
		print_relatives(&l, (uint32_t)ov_db_i64(s, 4));
	}
	OV_REQUIRE(any, OV_E_NOT_FOUND);
done:
	ov_db_finish(s);
	return st;
}
