#include "client/hold.h"

#include <string.h>

static const uint8_t nobody[OV_ID];

enum ov_status
ov_hold_put(struct ov_home *home, enum ov_hold_kind kind, const uint8_t partner[OV_ID],
    enum ov_status reason)
{
	const uint8_t *company = partner != NULL ? partner : nobody;

	return ov_db_run(home->db,
	    "INSERT INTO hold(kind, company, reason, since) SELECT ?1, ?2, ?3, ?4 WHERE "
	    "NOT EXISTS (SELECT 1 FROM hold WHERE kind = ?1 AND company = ?2 AND cleared "
	    "IS NULL)",
	    OV_DB_I64(kind), OV_DB_BLOB(company, OV_ID),
	    OV_DB_TEXT(ov_status_name(reason)), OV_DB_I64(ov_home_now(home)));
}

enum ov_status
ov_hold_set(struct ov_home *home, enum ov_hold_kind kind, const uint8_t partner[OV_ID],
    enum ov_status reason)
{
	enum ov_status st = OV_OK;

	OV_TRY(ov_db_begin(home->db));
	OV_TRY(ov_hold_put(home, kind, partner, reason));
	OV_TRY(ov_db_commit(home->db, "hold.set"));
done:
	ov_db_rollback(home->db);
	return st;
}

enum ov_status
ov_hold_end(struct ov_home *home, enum ov_hold_kind kind)
{
	return ov_db_run(home->db,
	    "UPDATE hold SET cleared = ? WHERE kind = ? AND cleared IS NULL",
	    OV_DB_I64(ov_home_now(home)), OV_DB_I64(kind));
}

static enum ov_status
reason_of(struct ov_db_stmt *q, int column)
{
	const char *name = ov_db_text(q, column);
	enum ov_status st = name != NULL ? ov_status_by_name(name) : OV_E_BUG;

	return st == OV_OK ? OV_E_BUG : st; /* a hold is never a success */
}

enum ov_status
ov_hold_check(struct ov_home *home, const uint8_t partner[OV_ID])
{
	struct ov_db_stmt *q = NULL;
	enum ov_status st = OV_OK;
	bool row;

	OV_TRY(ov_db_query(&q, home->db,
	    "SELECT kind, reason FROM hold WHERE cleared IS NULL AND (kind = ? OR "
	    "(kind = ? AND company = ?)) ORDER BY kind, id",
	    OV_DB_I64(OV_HOLD_LOG), OV_DB_I64(OV_HOLD_PARTNER),
	    OV_DB_BLOB(partner != NULL ? partner : nobody, OV_ID)));
	OV_TRY(ov_db_step(q, &row));
	if (row)
		st = ov_db_i64(q, 0) == OV_HOLD_LOG ? reason_of(q, 1)
						    : OV_E_PARTNER_SUSPENDED;
done:
	ov_db_finish(q);
	return st;
}

static enum ov_status
kind_of(int64_t *kind, struct ov_home *home, int64_t number)
{
	return ov_db_number(kind, home->db,
	    "SELECT kind FROM hold WHERE id = ? AND cleared IS NULL", OV_DB_I64(number));
}

enum ov_status
ov_hold_clear(struct ov_home *home, int64_t number, bool accept_log)
{
	int64_t kind;
	enum ov_status st = OV_OK;

	OV_TRY(ov_db_begin(home->db));
	OV_TRY(kind_of(&kind, home, number));
	OV_REQUIRE(kind != OV_HOLD_IMPORT, OV_E_USAGE);
	OV_TRY(ov_db_run(home->db, "UPDATE hold SET cleared = ? WHERE id = ?",
	    OV_DB_I64(ov_home_now(home)), OV_DB_I64(number)));
	if (kind == OV_HOLD_LOG && accept_log)
		OV_TRY(ov_db_run(home->db, "DELETE FROM pin"));
	OV_TRY(ov_db_commit(home->db, "hold.clear"));
	if (kind == OV_HOLD_LOG && accept_log)
		memset(home->broker.log, 0, sizeof(home->broker.log));
done:
	ov_db_rollback(home->db);
	return st;
}

enum ov_status
ov_hold_each(struct ov_home *home,
    enum ov_status (*visit)(void *arg, const struct ov_hold *hold), void *arg)
{
	struct ov_db_stmt *q = NULL;
	enum ov_status st = OV_OK;
	bool row;

	OV_TRY(ov_db_query(&q, home->db,
	    "SELECT id, kind, company, reason, since FROM hold WHERE cleared IS NULL "
	    "ORDER BY id"));
	for (;;) {
		struct ov_hold h;

		OV_TRY(ov_db_step(q, &row));
		if (!row)
			break;
		h.number = ov_db_i64(q, 0);
		h.kind = (enum ov_hold_kind)ov_db_i64(q, 1);
		OV_TRY(ov_db_copy(h.partner, sizeof(h.partner), q, 2));
		h.reason = reason_of(q, 3);
		h.since = (uint64_t)ov_db_i64(q, 4);
		OV_TRY(visit(arg, &h));
	}
done:
	ov_db_finish(q);
	return st;
}
