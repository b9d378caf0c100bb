#include "client/criteria.h"

#include <string.h>

#include "client/book/icp_asked.h"
#include "proto/keys.h"

#define DAY_S 86400U

enum ov_status
ov_criteria_of(struct ov_bytes *out, struct ov_bytes mine, struct ov_bytes theirs)
{
	struct ov_msg_grants m, t;
	enum ov_status st = OV_OK;

	*out = OV_BYTES(NULL, 0);
	if (mine.len == 0 || theirs.len == 0)
		goto done;
	OV_TRY(ov_msg_decode(&m, OV_MSG_GRANTS, mine));
	OV_TRY(ov_msg_decode(&t, OV_MSG_GRANTS, theirs));
	if (m.icp_columns.len > 0)
		*out = t.icp;
done:
	return st;
}

/* The criteria of `asks`, called so, on the columns of `gives`. */
static enum ov_status
check_side(struct ov_bytes gives, struct ov_bytes asks, const char *called,
    struct ov_fault *fault)
{
	struct ov_fault inner = { 0 };
	struct ov_shared_columns columns;
	struct ov_icp *icp = NULL;
	struct ov_bytes criteria;
	struct ov_msg_grants g;
	enum ov_status st;

	OV_TRY(ov_criteria_of(&criteria, gives, asks));
	if (criteria.len == 0)
		goto done;
	OV_TRY(ov_msg_decode(&g, OV_MSG_GRANTS, gives));
	OV_TRY(ov_shared_columns_unpack(&columns, g.icp_columns));
	st = ov_icp_read_asked(&icp, criteria, &inner);
	if (st == OV_OK)
		st = ov_icp_check_asked(icp, &columns, &inner);
	if (st == OV_E_ICP_INVALID)
		st = ov_fault_set(fault, OV_E_TERMS_CRITERIA, 0, "%s, line %llu: %s",
		    called, (unsigned long long)inner.line, inner.text);
done:
	ov_icp_free(icp);
	return st;
}

enum ov_status
ov_criteria_check(struct ov_bytes mine, struct ov_bytes theirs, struct ov_fault *fault)
{
	enum ov_status st = check_side(mine, theirs, "the partner's criteria", fault);

	return st == OV_OK ? check_side(theirs, mine, "your criteria", fault) : st;
}

/* --- changes --- */

struct accepted {
	bool any;
	uint8_t digest[OV_DIGEST];
	uint64_t at;
};

static enum ov_status
load(struct accepted *a, struct ov_home *home, const uint8_t partner[OV_ID])
{
	struct ov_db_stmt *q = NULL;
	enum ov_status st;

	memset(a, 0, sizeof(*a));
	OV_TRY(
	    ov_db_query(&q, home->db, "SELECT digest, at FROM criteria WHERE company = ?",
		OV_DB_BLOB(partner, OV_ID)));
	OV_TRY(ov_db_step(q, &a->any));
	if (a->any) {
		OV_TRY(ov_db_copy(a->digest, sizeof(a->digest), q, 0));
		a->at = (uint64_t)ov_db_i64(q, 1);
	}
done:
	ov_db_finish(q);
	return st;
}

/* Whether they are others than the last ones. */
static enum ov_status
is_change(bool *out, struct accepted *last, struct ov_home *home,
    const uint8_t partner[OV_ID], struct ov_bytes criteria)
{
	uint8_t digest[OV_DIGEST];
	enum ov_status st;

	OV_TRY(load(last, home, partner));
	ov_digest(digest, "criteria", criteria);
	*out = criteria.len > 0 &&
	       !(last->any && memcmp(digest, last->digest, sizeof(digest)) == 0);
done:
	return st;
}

enum ov_status
ov_criteria_may(uint64_t *next, struct ov_home *home, const uint8_t partner[OV_ID],
    struct ov_bytes criteria)
{
	struct accepted last;
	bool change;
	enum ov_status st;

	*next = 0;
	OV_TRY(is_change(&change, &last, home, partner, criteria));
	if (!change || !last.any)
		goto done;
	*next = last.at + OV_CRITERIA_DAYS * DAY_S;
	OV_REQUIRE(ov_home_now(home) >= *next, OV_E_TERMS_TOO_SOON);
done:
	return st;
}

enum ov_status
ov_criteria_accepted(bool *out, struct ov_home *home, const uint8_t partner[OV_ID],
    struct ov_bytes criteria)
{
	struct accepted last;
	bool change;
	enum ov_status st;

	OV_TRY(is_change(&change, &last, home, partner, criteria));
	*out = !change;
done:
	return st;
}

enum ov_status
ov_criteria_accept(
    struct ov_home *home, const uint8_t partner[OV_ID], struct ov_bytes criteria)
{
	struct accepted last;
	uint8_t digest[OV_DIGEST];
	bool change;
	enum ov_status st;

	OV_TRY(is_change(&change, &last, home, partner, criteria));
	if (!change)
		goto done;
	ov_digest(digest, "criteria", criteria);
	OV_TRY(ov_db_run(home->db,
	    "INSERT OR REPLACE INTO criteria(company, digest, at) VALUES (?, ?, ?)",
	    OV_DB_BLOB(partner, OV_ID), OV_DB_BLOB(digest, OV_DIGEST),
	    OV_DB_I64(ov_home_now(home))));
done:
	return st;
}
