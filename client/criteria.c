#include "client/criteria.h"

#include <string.h>

#include "client/book/icp_asked.h"
#include "client/ledger.h"
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

/* What was accepted before, of this partner and of its group. */
struct past {
	bool own;	   /* these are its own last ones */
	bool known;	   /* they are the last ones of somebody in the group */
	uint64_t known_at; /* known: since when */
	uint64_t last;	   /* when something was accepted; 0: never */
};

/* A group is whom this home holds to be one now, and who was one of them when something
 * was accepted of it (ledger.h).  ?1 the partner, ?2 its group. */
#define IN_SCOPE                                                                         \
	"company = ?1 OR group_name = ?2 OR company IN"                                  \
	" (SELECT company FROM partner_group WHERE name = ?2)"

static enum ov_status
load(struct past *out, struct ov_home *home, const uint8_t partner[OV_ID],
    const uint8_t digest[OV_DIGEST])
{
	char group[OV_GROUP_MAX + 1];
	struct ov_db_stmt *q = NULL;
	uint64_t at;
	bool row;
	enum ov_status st;

	memset(out, 0, sizeof(*out));
	OV_TRY(ov_ledger_group(group, home->db, partner));
	OV_TRY(ov_db_query(&q, home->db,
	    "SELECT digest = ?3, company = ?1, at FROM criteria WHERE " IN_SCOPE,
	    OV_DB_BLOB(partner, OV_ID), group[0] != '\0' ? OV_DB_TEXT(group) : OV_DB_NULL,
	    OV_DB_BLOB(digest, OV_DIGEST)));
	for (;;) {
		OV_TRY(ov_db_step(q, &row));
		if (!row)
			break;
		at = (uint64_t)ov_db_i64(q, 2);
		if (at > out->last)
			out->last = at;
		if (ov_db_i64(q, 0) == 0)
			continue;
		out->own = out->own || ov_db_i64(q, 1) != 0;
		if (!out->known || at > out->known_at)
			out->known_at = at;
		out->known = true;
	}
done:
	ov_db_finish(q);
	return st;
}

enum ov_status
ov_criteria_may(uint64_t *next, struct ov_home *home, const uint8_t partner[OV_ID],
    struct ov_bytes criteria)
{
	uint8_t digest[OV_DIGEST];
	struct past past;
	enum ov_status st = OV_OK;

	*next = 0;
	if (criteria.len == 0)
		goto done;
	ov_digest(digest, "criteria", criteria);
	OV_TRY(load(&past, home, partner, digest));
	if (past.known || past.last == 0)
		goto done;
	*next = past.last + OV_CRITERIA_DAYS * DAY_S;
	OV_REQUIRE(ov_home_now(home) >= *next, OV_E_TERMS_TOO_SOON);
done:
	return st;
}

enum ov_status
ov_criteria_accepted(bool *out, struct ov_home *home, const uint8_t partner[OV_ID],
    struct ov_bytes criteria)
{
	uint8_t digest[OV_DIGEST];
	struct past past;
	enum ov_status st;

	ov_digest(digest, "criteria", criteria);
	OV_TRY(load(&past, home, partner, digest));
	*out = criteria.len == 0 || past.own;
done:
	return st;
}

enum ov_status
ov_criteria_accept(
    struct ov_home *home, const uint8_t partner[OV_ID], struct ov_bytes criteria)
{
	uint8_t digest[OV_DIGEST];
	struct past past;
	enum ov_status st;

	ov_digest(digest, "criteria", criteria);
	OV_TRY(load(&past, home, partner, digest));
	if (criteria.len == 0 || past.own)
		goto done;
	/* what one of the group asks already is no new question, and no new date */
	OV_TRY(ov_db_run(home->db,
	    "INSERT OR REPLACE INTO criteria(company, digest, at, group_name)"
	    " VALUES (?1, ?2, ?3, (SELECT name FROM partner_group WHERE company = ?1))",
	    OV_DB_BLOB(partner, OV_ID), OV_DB_BLOB(digest, OV_DIGEST),
	    OV_DB_I64(past.known ? past.known_at : ov_home_now(home))));
done:
	return st;
}
