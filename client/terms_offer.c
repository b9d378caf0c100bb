#include <string.h>

#include "client/book/icp_asked.h"
#include "client/criteria.h"
#include "client/end.h"
#include "client/giving.h"
#include "client/ledger.h"
#include "client/mail.h"
#include "client/terms_impl.h"
#include "proto/keys.h"

/* --- reading sheets --- */

enum ov_status
ov_sheet_check(struct ov_msg_grants *g, struct ov_bytes sheet)
{
	struct ov_population p[OV_POPULATIONS_MAX];
	struct ov_shared_columns columns;
	struct ov_icp *icp = NULL;
	size_t n;
	enum ov_status st;

	OV_TRY(ov_msg_decode(g, OV_MSG_GRANTS, sheet));
	OV_REQUIRE(g->version == OV_PROTOCOL_VERSION, OV_E_PROTO_VERSION);
	OV_TRY(ov_populations_unpack(p, &n, g->populations));
	OV_TRY(ov_shared_columns_unpack(&columns, g->icp_columns));
	if (g->icp.len > 0)
		OV_TRY(ov_icp_read_asked(&icp, g->icp, NULL));
done:
	ov_icp_free(icp);
	return st;
}

static enum ov_status
criteria_digest(uint8_t out[OV_DIGEST], struct ov_bytes mine, struct ov_bytes theirs)
{
	struct ov_bytes criteria;
	enum ov_status st;

	OV_TRY(ov_criteria_of(&criteria, mine, theirs));
	ov_digest(out, "criteria", criteria);
done:
	return st;
}

/* Criteria that are no longer asked for need nobody. */
static enum ov_status
criteria_were_seen(bool *out, const struct ov_sheets *s)
{
	uint8_t none[OV_DIGEST], now[OV_DIGEST];
	enum ov_status st;

	ov_digest(none, "criteria", OV_BYTES(NULL, 0));
	OV_TRY(criteria_digest(now, OV_BUF_BYTES(&s->mine), OV_BUF_BYTES(&s->theirs)));
	*out = memcmp(now, none, sizeof(now)) == 0 ||
	       memcmp(now, s->consented, sizeof(now)) == 0;
done:
	return st;
}

enum ov_status
ov_sheets_consented(bool *out, const struct ov_sheets *s)
{
	struct ov_giving then, now;
	bool seen;
	enum ov_status st = OV_OK;

	*out = false;
	if (s->mine.len == 0)
		goto done;
	OV_TRY(criteria_were_seen(&seen, s));
	OV_TRY(ov_giving_of(&then, OV_BUF_BYTES(&s->mine), OV_BUF_BYTES(&s->seen)));
	OV_TRY(ov_giving_of(&now, OV_BUF_BYTES(&s->mine), OV_BUF_BYTES(&s->theirs)));
	then.bands = now.bands; /* told by the criteria */
	*out = seen && !ov_giving_is_more(&then, &now);
done:
	return st;
}

/* --- offers --- */

/* The newest own sheet under a new number, and its offer as mail; in the caller's
 * transaction. */
enum ov_status
ov_terms_put_offer(struct ov_home *home, const struct ov_partner *p, uint64_t sequence,
    struct ov_bytes sheet)
{
	struct ov_msg_terms_offer m = { .version = OV_PROTOCOL_VERSION,
		.sequence = sequence };
	struct ov_buf sealed = { 0 }, mail = { 0 };
	uint8_t signature[64];
	enum ov_status st;

	memcpy(m.from, home->company, OV_ID);
	memcpy(m.to, p->company, OV_ID);
	OV_TRY(ov_home_envelope_seal(
	    &sealed, home, p->identity, p->envelope, "terms offer", sheet));
	m.sealed = OV_BUF_BYTES(&sealed);
	OV_TRY(ov_msg_encode(&mail, OV_MSG_TERMS_OFFER, &m));
	OV_TRY(ov_home_sign(signature, home, "offer", OV_BUF_BYTES(&mail)));
	OV_TRY(ov_buf_append(&mail, signature, sizeof(signature)));
	OV_TRY(ov_mail_put(home, p->company, OV_MAIL_TERMS_OFFER, OV_BUF_BYTES(&mail)));
done:
	ov_buf_free(&sealed);
	ov_buf_free(&mail);
	return st;
}

static enum ov_status
store_consent(struct ov_home *home, const struct ov_partner *p, uint64_t sequence,
    const struct ov_terms_consent *c, const uint8_t consented[OV_DIGEST])
{
	return ov_db_run(home->db,
	    "INSERT INTO sheet(company, mine, sequence, grants, policy, consented, seen, "
	    "at) VALUES (?, 1, ?, ?, ?, ?, ?, ?) ON CONFLICT(company, mine) DO UPDATE "
	    "SET "
	    "sequence = excluded.sequence, grants = excluded.grants, policy = "
	    "excluded.policy, consented = excluded.consented, seen = excluded.seen, "
	    "at = excluded.at",
	    OV_DB_BLOB(p->company, OV_ID), OV_DB_I64(sequence), OV_DB_BYTES(c->sheet),
	    OV_DB_BYTES(c->policy), OV_DB_BLOB(consented, OV_DIGEST),
	    c->theirs.len > 0 ? OV_DB_BYTES(c->theirs) : OV_DB_NULL,
	    OV_DB_I64(ov_home_now(home)));
}

/* A first offer joins the partner's; a changed sheet goes above all that was seen, since
 * the partner may have signed those already. */
static uint64_t
next_sequence(const struct ov_sheets *s, uint64_t signed_sequence)
{
	uint64_t n = ov_sheets_sequence(s);

	if (s->mine_sequence > 0 || n == 0)
		n++;
	return n > signed_sequence ? n : signed_sequence + 1;
}

enum ov_status
ov_terms_consent(
    struct ov_home *home, const struct ov_partner *p, const struct ov_terms_consent *c)
{
	struct ov_sheets s = { 0 };
	struct ov_msg_grants g;
	uint8_t consented[OV_DIGEST];
	uint64_t sequence, greatest;
	bool same;
	enum ov_status st;

	OV_REQUIRE(p->state == OV_PARTNER_PAIRED, OV_E_PARTNER_UNPAIRED);
	OV_TRY(ov_sheet_check(&g, c->sheet));
	OV_TRY(criteria_digest(consented, c->sheet, c->theirs));
	OV_TRY(ov_home_unlock(home));
	OV_TRY(ov_db_begin(home->db));
	OV_TRY(ov_sheets_load(&s, home, p->company));
	OV_TRY(ov_signed_terms_greatest(&greatest, home, p->company));
	same =
	    s.mine.len == c->sheet.len && memcmp(s.mine.p, c->sheet.p, c->sheet.len) == 0;
	sequence = same ? s.mine_sequence : next_sequence(&s, greatest);
	OV_TRY(store_consent(home, p, sequence, c, consented));
	if (c->group != NULL)
		OV_TRY(ov_ledger_set_group(
		    home->db, p->company, c->group[0] != '\0' ? c->group : NULL));
	if (!same)
		OV_TRY(ov_terms_put_offer(home, p, sequence, c->sheet));
	OV_TRY(ov_db_commit(home->db, "terms.consent"));
done:
	ov_db_rollback(home->db);
	ov_sheets_free(&s);
	return st;
}

enum ov_status
ov_terms_policy(struct ov_buf *out, struct ov_home *home, const uint8_t partner[OV_ID])
{
	struct ov_db_stmt *q = NULL;
	struct ov_bytes text;
	enum ov_status st = OV_OK;
	bool row;

	OV_TRY(ov_db_query(&q, home->db,
	    "SELECT policy FROM sheet WHERE company = ? AND mine = 1",
	    OV_DB_BLOB(partner, OV_ID)));
	OV_TRY(ov_db_step(q, &row));
	OV_REQUIRE(row, OV_E_TERMS_MISSING);
	text = ov_db_blob(q, 0);
	OV_TRY(ov_buf_append(out, text.p, text.len));
done:
	ov_db_finish(q);
	return st;
}

/* Signature, addresses, sheet.  Appends the sheet. */
static enum ov_status
open_offer(struct ov_buf *sheet, uint64_t *sequence, struct ov_home *home,
    const struct ov_partner *p, struct ov_bytes body)
{
	struct ov_msg_terms_offer m;
	struct ov_msg_grants g;
	struct ov_bytes message;
	enum ov_status st = OV_OK;

	OV_REQUIRE(body.len > OV_SIGNATURE, OV_E_WIRE_TRUNCATED);
	message = OV_BYTES(body.p, body.len - OV_SIGNATURE);
	OV_TRY(ov_verify_vartime(body.p + message.len, p->identity, "offer", message));
	OV_TRY(ov_msg_decode(&m, OV_MSG_TERMS_OFFER, message));
	OV_REQUIRE(m.version == OV_PROTOCOL_VERSION, OV_E_PROTO_VERSION);
	OV_REQUIRE(memcmp(m.from, p->company, OV_ID) == 0 &&
		       memcmp(m.to, home->company, OV_ID) == 0,
	    OV_E_PROTO_MISMATCH);
	OV_TRY(ov_home_envelope_open(sheet, home, p->identity, "terms offer", m.sealed));
	OV_TRY(ov_sheet_check(&g, OV_BUF_BYTES(sheet)));
	*sequence = m.sequence;
done:
	return st;
}

static enum ov_status
store_their_sheet(struct ov_home *home, const struct ov_partner *p, uint64_t sequence,
    struct ov_bytes sheet)
{
	enum ov_status st;

	OV_TRY(ov_db_begin(home->db));
	OV_TRY(ov_db_run(home->db,
	    "INSERT INTO sheet(company, mine, sequence, grants, at) VALUES (?, 0, ?, ?, "
	    "?) "
	    "ON CONFLICT(company, mine) DO UPDATE SET sequence = excluded.sequence, "
	    "grants "
	    "= excluded.grants, at = excluded.at",
	    OV_DB_BLOB(p->company, OV_ID), OV_DB_I64(sequence), OV_DB_BYTES(sheet),
	    OV_DB_I64(ov_home_now(home))));
	OV_TRY(ov_db_commit(home->db, "terms.offered"));
done:
	ov_db_rollback(home->db);
	return st;
}

enum ov_status
ov_terms_take_offer(struct ov_home *home, const uint8_t from[OV_ID], struct ov_bytes body)
{
	struct ov_sheets s = { 0 };
	struct ov_partner p;
	struct ov_buf sheet = { 0 };
	uint64_t sequence, greatest, ended;
	enum ov_status st;

	OV_TRY(ov_partner_get(&p, home, from));
	OV_TRY(open_offer(&sheet, &sequence, home, &p, body));
	OV_TRY(ov_sheets_load(&s, home, p.company));
	OV_TRY(ov_signed_terms_greatest(&greatest, home, p.company));
	OV_TRY(ov_end_sequence(&ended, home, p.company));
	if (sequence < s.theirs_sequence || sequence <= ended)
		goto done; /* a newer one came before it, or the end of all these */
	if (sequence == s.theirs_sequence) {
		OV_REQUIRE(sheet.len == s.theirs.len &&
			       memcmp(sheet.p, s.theirs.p, sheet.len) == 0,
		    OV_E_PROTO_EQUIVOCATION);
		goto done;
	}
	if (greatest < ov_sheets_sequence(&s))
		greatest = ov_sheets_sequence(&s);
	OV_REQUIRE(sequence <= greatest + OV_SEQUENCE_STEP_MAX, OV_E_WIRE_RANGE);
	OV_TRY(store_their_sheet(home, &p, sequence, OV_BUF_BYTES(&sheet)));
done:
	ov_sheets_free(&s);
	ov_buf_free(&sheet);
	return st;
}
