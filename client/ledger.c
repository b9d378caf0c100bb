#include "client/ledger.h"

#include <string.h>

const char ov_ledger_schema_1[] =
    "ALTER TABLE charge ADD COLUMN epsilon_out INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE charge ADD COLUMN epsilon_in INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE charge ADD COLUMN group_name TEXT;" /* when it was charged */
    "CREATE INDEX charge_by_partner ON charge(partner, time);"
    "CREATE TABLE partner_group(company BLOB PRIMARY KEY, name TEXT NOT NULL)"
    " STRICT, WITHOUT ROWID;"
    "CREATE TABLE pledge(job BLOB PRIMARY KEY, partner BLOB NOT NULL,"
    " group_name TEXT, time INTEGER NOT NULL, epsilon INTEGER NOT NULL)"
    " STRICT, WITHOUT ROWID;"
    "CREATE VIEW view_out(partner, group_name, time, epsilon) AS"
    " SELECT partner, group_name, time, epsilon_out FROM charge WHERE epsilon_out > 0"
    " UNION ALL SELECT partner, group_name, time, epsilon FROM pledge;"
    "CREATE VIEW view_in(partner, group_name, time, epsilon) AS"
    " SELECT partner, group_name, time, epsilon_in FROM charge WHERE epsilon_in > 0;";

/* ?1 a partner, ?2 a group or NULL, ?6 until when */
#define IN_SCOPE                                                                         \
	"(partner = ?1 OR (?2 IS NOT NULL AND (group_name = ?2 OR partner IN (SELECT "   \
	"company FROM partner_group WHERE name = ?2))) AND time <= ?6)"
#define GROUP_OF "(SELECT name FROM partner_group WHERE company = ?2)"

enum ov_status
ov_ledger_charge(struct ov_db *db, const struct ov_ledger_charge *c)
{
	enum ov_status st;

	OV_TRY(ov_db_run(db,
	    "INSERT OR IGNORE INTO charge(job, partner, time, slots, other_slots,"
	    " epsilon_out, epsilon_in, group_name)"
	    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, " GROUP_OF ")",
	    OV_DB_BLOB(c->job, OV_ID), OV_DB_BLOB(c->partner, OV_ID), OV_DB_I64(c->time),
	    OV_DB_I64(c->slots), OV_DB_I64(c->other_slots), OV_DB_I64(c->epsilon_out),
	    OV_DB_I64(c->epsilon_in)));
	OV_TRY(ov_ledger_unpledge(db, c->job));
done:
	return st;
}

enum ov_status
ov_ledger_has(bool *charged, struct ov_db *db, const uint8_t job[OV_ID])
{
	int64_t n;
	enum ov_status st = ov_db_number(
	    &n, db, "SELECT count(*) FROM charge WHERE job = ?", OV_DB_BLOB(job, OV_ID));

	*charged = n > 0;
	return st;
}

enum ov_status
ov_ledger_pledge(struct ov_db *db, const uint8_t job[OV_ID], const uint8_t partner[OV_ID],
    uint64_t time, uint32_t epsilon)
{
	return ov_db_run(db,
	    "INSERT OR IGNORE INTO pledge(job, partner, time, epsilon, group_name)"
	    " VALUES (?1, ?2, ?3, ?4, " GROUP_OF ")",
	    OV_DB_BLOB(job, OV_ID), OV_DB_BLOB(partner, OV_ID), OV_DB_I64(time),
	    OV_DB_I64(epsilon));
}

enum ov_status
ov_ledger_unpledge(struct ov_db *db, const uint8_t job[OV_ID])
{
	return ov_db_run(db, "DELETE FROM pledge WHERE job = ?", OV_DB_BLOB(job, OV_ID));
}

enum ov_status
ov_ledger_set_group(struct ov_db *db, const uint8_t partner[OV_ID], const char *name)
{
	if (name == NULL)
		return ov_db_run(db, "DELETE FROM partner_group WHERE company = ?",
		    OV_DB_BLOB(partner, OV_ID));
	if (name[0] == '\0' || strlen(name) > OV_GROUP_MAX)
		return OV_E_POLICY_INVALID;
	return ov_db_run(db,
	    "INSERT OR REPLACE INTO partner_group(company, name) VALUES (?, ?)",
	    OV_DB_BLOB(partner, OV_ID), OV_DB_TEXT(name));
}

enum ov_status
ov_ledger_group(
    char out[OV_GROUP_MAX + 1], struct ov_db *db, const uint8_t partner[OV_ID])
{
	struct ov_db_stmt *s = NULL;
	const char *name;
	bool row;
	enum ov_status st;

	OV_TRY(ov_db_query(&s, db, "SELECT name FROM partner_group WHERE company = ?",
	    OV_DB_BLOB(partner, OV_ID)));
	OV_TRY(ov_db_step(s, &row));
	name = row ? ov_db_text(s, 0) : "";
	OV_REQUIRE(strlen(name) <= OV_GROUP_MAX, OV_E_DB_FAILED);
	memcpy(out, name, strlen(name) + 1);
done:
	ov_db_finish(s);
	return st;
}

/* The newest view; and, from the newest backwards, the first with which one more would
 * be over the year's epsilon (?4 of one, ?5 of a year, ?3 a year ago). */
#define PAST(views)                                                                      \
	"SELECT coalesce((SELECT max(time) FROM " views " WHERE " IN_SCOPE "), 0),"      \
	" coalesce((SELECT sum(epsilon) FROM " views " WHERE " IN_SCOPE                  \
	" AND time > ?3), 0), coalesce((SELECT max(time) FROM (SELECT time, "            \
	"sum(epsilon) OVER (ORDER BY time DESC) AS spent FROM " views " WHERE " IN_SCOPE \
	" AND time > ?3) WHERE spent + ?4 > ?5), 0)"

/* Takes q over. */
static enum ov_status
take_past(struct ov_budget_past *past, uint64_t *spent, struct ov_db_stmt *q)
{
	bool row;
	enum ov_status st;

	OV_TRY(ov_db_step(q, &row));
	OV_REQUIRE(row, OV_E_DB_FAILED);
	past->last = ov_db_i64(q, 0);
	*spent = (uint64_t)ov_db_i64(q, 1);
	past->full = ov_db_i64(q, 2);
done:
	ov_db_finish(q);
	return st;
}

static struct ov_db_value
until_of(const struct ov_ledger_query *q)
{
	return OV_DB_I64(q->until > 0 ? q->until : INT64_MAX);
}

static enum ov_status
read_views(struct ov_ledger_sums *out, struct ov_db *db, const struct ov_ledger_query *q,
    struct ov_db_value group)
{
	const struct ov_db_value partner = OV_DB_BLOB(q->partner, OV_ID);
	const struct ov_db_value until = until_of(q);
	const struct ov_db_value since = OV_DB_I64(q->now - OV_BUDGET_YEAR);
	struct ov_db_stmt *s = NULL;
	enum ov_status st;

	OV_TRY(ov_db_query(&s, db, PAST("view_out"), partner, group, since,
	    OV_DB_I64(q->epsilon), OV_DB_I64(q->year_epsilon), until));
	OV_TRY(take_past(&out->out, &out->epsilon_out_year, s));
	OV_TRY(ov_db_query(&s, db, PAST("view_in"), partner, group, since,
	    OV_DB_I64(q->epsilon), OV_DB_I64(q->year_epsilon), until));
	OV_TRY(take_past(&out->in, &out->epsilon_in_year, s));
done:
	return st;
}

static enum ov_status
read_sums(struct ov_ledger_sums *out, struct ov_db *db, const struct ov_ledger_query *q,
    const char *group_name)
{
	struct ov_db_value group =
	    group_name != NULL ? OV_DB_TEXT(group_name) : OV_DB_NULL;
	struct ov_db_stmt *s = NULL;
	bool row;
	enum ov_status st;

	OV_TRY(ov_db_query(&s, db,
	    "SELECT coalesce(sum(time > ?3), 0), coalesce(sum(slots), 0),"
	    " coalesce(sum(CASE WHEN time > ?3 THEN slots ELSE 0 END), 0),"
	    " coalesce(sum(other_slots), 0),"
	    " coalesce(sum(CASE WHEN time > ?3 THEN other_slots ELSE 0 END), 0)"
	    " FROM charge WHERE " IN_SCOPE,
	    OV_DB_BLOB(q->partner, OV_ID), group, OV_DB_I64(q->now - 30 * OV_BUDGET_DAY),
	    OV_DB_NULL, OV_DB_NULL, until_of(q)));
	OV_TRY(ov_db_step(s, &row));
	OV_REQUIRE(row, OV_E_DB_FAILED);
	out->runs_month = (uint32_t)ov_db_i64(s, 0);
	out->slots = (uint64_t)ov_db_i64(s, 1);
	out->slots_month = (uint64_t)ov_db_i64(s, 2);
	out->their_slots = (uint64_t)ov_db_i64(s, 3);
	out->their_slots_month = (uint64_t)ov_db_i64(s, 4);
	ov_db_finish(s);
	s = NULL;
	OV_TRY(read_views(out, db, q, group));
done:
	ov_db_finish(s);
	return st;
}

enum ov_status
ov_ledger_read(struct ov_ledger *out, struct ov_db *db, const struct ov_ledger_query *q)
{
	struct ov_ledger l;
	enum ov_status st;

	memset(&l, 0, sizeof(l));
	OV_TRY(ov_ledger_group(l.group, db, q->partner));
	OV_TRY(read_sums(&l.partner, db, q, NULL));
	l.together = l.partner;
	if (l.group[0] != '\0')
		OV_TRY(read_sums(&l.together, db, q, l.group));
	*out = l;
done:
	return st;
}

void
ov_ledger_due(struct ov_budget_due *out, const struct ov_ledger *l,
    const struct ov_release *r, int64_t now, bool in)
{
	/* all of a partner's views are among those of its group */
	ov_budget_due(out, r, in ? &l->together.in : &l->together.out, now, 0);
}
