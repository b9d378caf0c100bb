/* What the broker knows of a pair of companies: terms and the ledger. */
#include <string.h>

#include "server/store_db.h"

void
ov_terms_bytes_free(struct ov_terms_bytes *t)
{
	ov_buf_free(&t->body);
	ov_buf_free(&t->release);
	ov_buf_free(&t->sealed_low);
	ov_buf_free(&t->sealed_high);
}

static struct ov_db_value
signature_or_null(bool has, const uint8_t signature[64])
{
	return has ? OV_DB_BLOB(signature, 64) : OV_DB_NULL;
}

enum ov_status
ov_store_terms_put(
    struct ov_tx *tx, const struct ov_terms_row *row, const struct ov_terms_bytes *text)
{
	enum ov_status st = OV_OK;

	OV_TRY(ov_db_run(tx->db,
	    "INSERT INTO terms(low, high, sequence, body, release, sealed_low, "
	    "sealed_high,"
	    " signature_low, signature_high, ended, leaf) VALUES (?, ?, ?, ?, ?, ?, ?, "
	    "?, ?, ?, ?)"
	    " ON CONFLICT(low, high, sequence) DO UPDATE SET sealed_low = "
	    "excluded.sealed_low,"
	    " sealed_high = excluded.sealed_high, signature_low = excluded.signature_low,"
	    " signature_high = excluded.signature_high, ended = excluded.ended,"
	    " leaf = excluded.leaf WHERE body = excluded.body AND release = "
	    "excluded.release",
	    ID(row->low), ID(row->high), OV_DB_I64(row->sequence),
	    OV_DB_BYTES(OV_BUF_BYTES(&text->body)),
	    OV_DB_BYTES(OV_BUF_BYTES(&text->release)),
	    OV_DB_BYTES(OV_BUF_BYTES(&text->sealed_low)),
	    OV_DB_BYTES(OV_BUF_BYTES(&text->sealed_high)),
	    signature_or_null(row->has_low, row->signature_low),
	    signature_or_null(row->has_high, row->signature_high), OV_DB_I64(row->ended),
	    OV_DB_I64(row->leaf)));
	OV_REQUIRE(ov_db_changed(tx->db) == 1, OV_E_DB_CONFLICT);
done:
	return st;
}

#define ENDED_JOBS                                                                       \
	"(SELECT id FROM job WHERE open = 0 AND ((a = ?1 AND b = ?2) OR (a = ?2 AND b "  \
	"= "                                                                             \
	"?1)))"

enum ov_status
ov_store_terms_end(struct ov_tx *tx, const uint8_t low[OV_ID], const uint8_t high[OV_ID])
{
	enum ov_status st = OV_OK;

	OV_TRY(ov_db_run(tx->db,
	    "UPDATE terms SET ended = 1, sealed_low = x'', sealed_high = x'' WHERE low = "
	    "? AND high = ?",
	    ID(low), ID(high)));
	OV_TRY(ov_db_run(
	    tx->db, "DELETE FROM step WHERE job IN " ENDED_JOBS, ID(low), ID(high)));
	OV_TRY(ov_db_run(
	    tx->db, "DELETE FROM conflict WHERE job IN " ENDED_JOBS, ID(low), ID(high)));
	OV_TRY(ov_db_run(
	    tx->db, "DELETE FROM job WHERE id IN " ENDED_JOBS, ID(low), ID(high)));
	OV_TRY(ov_db_run(tx->db,
	    "UPDATE mail SET body = NULL, bytes = 0 WHERE body IS NOT NULL AND ((sender ="
	    " ?1 AND receiver = ?2) OR (sender = ?2 AND receiver = ?1)) AND kind NOT IN"
	    " (?3, ?4, ?5)",
	    ID(low), ID(high), OV_DB_I64(OV_MAIL_TERMS_END),
	    OV_DB_I64(OV_MAIL_TERMS_ENDED), OV_DB_I64(OV_MAIL_IDENTITY)));
done:
	return st;
}

static enum ov_status
read_terms(struct ov_terms_row *out, struct ov_terms_bytes *text, struct ov_db_stmt *s)
{
	struct ov_terms_row r = { 0 };
	enum ov_status st = OV_OK;

	OV_TRY(ov_db_copy(r.low, OV_ID, s, 0));
	OV_TRY(ov_db_copy(r.high, OV_ID, s, 1));
	r.sequence = (uint64_t)ov_db_i64(s, 2);
	r.has_low = !ov_db_is_null(s, 3);
	r.has_high = !ov_db_is_null(s, 4);
	if (r.has_low)
		OV_TRY(ov_db_copy(r.signature_low, 64, s, 3));
	if (r.has_high)
		OV_TRY(ov_db_copy(r.signature_high, 64, s, 4));
	r.ended = ov_db_i64(s, 5) != 0;
	r.leaf = (uint64_t)ov_db_i64(s, 6);
	if (text != NULL) {
		OV_TRY(ov_store_append(&text->body, s, 7));
		OV_TRY(ov_store_append(&text->release, s, 8));
		OV_TRY(ov_store_append(&text->sealed_low, s, 9));
		OV_TRY(ov_store_append(&text->sealed_high, s, 10));
	}
	*out = r;
done:
	return st;
}

enum ov_status
ov_store_terms(struct ov_tx *tx, struct ov_terms_row *out, struct ov_terms_bytes *text,
    const uint8_t low[OV_ID], const uint8_t high[OV_ID], uint64_t sequence)
{
	bool in_force = sequence == OV_STORE_TERMS_IN_FORCE;
	struct ov_db_stmt *s = NULL;
	enum ov_status st = OV_OK;

	OV_TRY(ov_db_query(&s, tx->db,
	    "SELECT low, high, sequence, signature_low, signature_high, ended, leaf, "
	    "body,"
	    " release, sealed_low, sealed_high FROM terms WHERE low = ?1 AND high = ?2"
	    " AND (?3 = 0 OR sequence = ?3) AND (?4 = 0 OR (signature_low IS NOT NULL"
	    " AND signature_high IS NOT NULL AND ended = 0))"
	    " ORDER BY sequence DESC LIMIT 1",
	    ID(low), ID(high), OV_DB_I64(in_force ? 0 : sequence), OV_DB_I64(in_force)));
	OV_TRY(ov_store_row(s));
	OV_TRY(read_terms(out, text, s));
done:
	ov_db_finish(s);
	return st;
}

enum ov_status
ov_store_charge(struct ov_tx *tx, const struct ov_charge *c)
{
	return ov_db_run(tx->db,
	    "INSERT INTO charge(job, low, high, at, slots_low, slots_high, epsilon_low,"
	    " epsilon_high) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(job) DO NOTHING",
	    ID(c->job), ID(c->low), ID(c->high), OV_DB_I64(c->at), OV_DB_I64(c->slots[0]),
	    OV_DB_I64(c->slots[1]), OV_DB_I64(c->epsilon[0]), OV_DB_I64(c->epsilon[1]));
}

enum ov_status
ov_store_charged(struct ov_tx *tx, struct ov_charge *out, const uint8_t job[OV_ID])
{
	struct ov_charge c = { 0 };
	struct ov_db_stmt *s = NULL;
	enum ov_status st = OV_OK;

	OV_TRY(ov_db_query(&s, tx->db,
	    "SELECT low, high, at, slots_low, slots_high, epsilon_low, epsilon_high"
	    " FROM charge WHERE job = ?",
	    ID(job)));
	OV_TRY(ov_store_row(s));
	memcpy(c.job, job, OV_ID);
	OV_TRY(ov_db_copy(c.low, OV_ID, s, 0));
	OV_TRY(ov_db_copy(c.high, OV_ID, s, 1));
	c.at = ov_db_i64(s, 2);
	for (int side = 0; side < 2; side++) {
		c.slots[side] = (uint64_t)ov_db_i64(s, 3 + side);
		c.epsilon[side] = (uint64_t)ov_db_i64(s, 5 + side);
	}
	*out = c;
done:
	ov_db_finish(s);
	return st;
}

/* Sums from the newest view backwards: the first that is too much is the newest view
 * after which no more may be spent. */
#define FULL(epsilon)                                                                    \
	"(SELECT coalesce(max(at), 0) FROM (SELECT at, sum(" epsilon ") OVER (ORDER BY " \
	"at DESC) AS spent FROM charge WHERE low = ?1 AND high = ?2 AND (?5 IS NULL OR " \
	"job != ?5) AND at > ?4 AND " epsilon " > 0) WHERE spent + ?6 > ?7)"

enum ov_status
ov_store_ledger(struct ov_tx *tx, struct ov_ledger *out, const struct ov_ledger_query *q)
{
	struct ov_ledger l = { 0 };
	struct ov_db_stmt *s = NULL;
	enum ov_status st = OV_OK;

	OV_TRY(ov_db_query(&s, tx->db,
	    "SELECT coalesce(sum(at > ?3), 0), coalesce(sum(slots_low), 0),"
	    " coalesce(sum(slots_high), 0),"
	    " coalesce(sum(CASE WHEN at > ?3 THEN slots_low ELSE 0 END), 0),"
	    " coalesce(sum(CASE WHEN at > ?3 THEN slots_high ELSE 0 END), 0),"
	    " coalesce(sum(CASE WHEN at > ?4 THEN epsilon_low ELSE 0 END), 0),"
	    " coalesce(sum(CASE WHEN at > ?4 THEN epsilon_high ELSE 0 END), 0),"
	    " coalesce(max(CASE WHEN epsilon_low > 0 THEN at END), 0),"
	    " coalesce(max(CASE WHEN epsilon_high > 0 THEN at END), 0), " FULL(
		"epsilon_low") ", " FULL("epsilon_high") " FROM charge WHERE low = ?1"
							 " AND high = ?2 AND (?5 IS NULL "
							 "OR job != ?5)",
	    ID(q->low), ID(q->high), OV_DB_I64(q->now - 30 * OV_BUDGET_DAY),
	    OV_DB_I64(q->now - OV_BUDGET_YEAR),
	    q->except != NULL ? ID(q->except) : OV_DB_NULL, OV_DB_I64(q->epsilon),
	    OV_DB_I64(q->year_epsilon)));
	OV_TRY(ov_store_row(s));
	l.runs_30d = (uint64_t)ov_db_i64(s, 0);
	for (int side = 0; side < 2; side++) {
		l.slots[side] = (uint64_t)ov_db_i64(s, 1 + side);
		l.slots_30d[side] = (uint64_t)ov_db_i64(s, 3 + side);
		l.epsilon_365d[side] = (uint64_t)ov_db_i64(s, 5 + side);
		l.views[side].last = ov_db_i64(s, 7 + side);
		l.views[side].full = ov_db_i64(s, 9 + side);
	}
	*out = l;
done:
	ov_db_finish(s);
	return st;
}
