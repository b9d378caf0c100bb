#include "client/end.h"

#include <string.h>

#include "client/job/record.h"
#include "client/mail.h"
#include "client/terms_impl.h"
#include "common/crypto/sign.h"
#include "common/log.h"
#include "proto/keys.h"
#include "proto/steps.h"

#define ANSWERS_MAX 8 /* TERMS_ENDED to one partner of one partnership (PROTOCOL 6.5) */

/* --- what is kept of a partner --- */

#define COUNT(field, sql)                                                                \
	OV_TRY(ov_db_number(                                                             \
	    &n, home->db, sql, OV_DB_BLOB(partner, OV_ID), OV_DB_I64(OV_JOB_CLOSED)));   \
	out->field = (uint64_t)n

enum ov_status
ov_end_count(
    struct ov_end_counts *out, struct ov_home *home, const uint8_t partner[OV_ID])
{
	int64_t n;
	enum ov_status st;

	memset(out, 0, sizeof(*out));
	COUNT(jobs, "SELECT count(*) FROM job WHERE partner = ?1 AND ?2 IS NOT NULL");
	COUNT(open_jobs, "SELECT count(*) FROM job WHERE partner = ?1 AND state < ?2");
	COUNT(reports, "SELECT count(*) FROM job WHERE partner = ?1 AND state = ?2");
	COUNT(matches, "SELECT count(*) FROM job_match m JOIN job j ON j.id = m.job WHERE"
		       " j.partner = ?1 AND j.state = ?2");
	COUNT(terms, "SELECT count(*) FROM terms WHERE company = ?1 AND ?2 IS NOT NULL");
	COUNT(mails, "SELECT (SELECT count(*) FROM mail_out WHERE company = ?1 AND"
		     " length(body) > 0) + (SELECT count(*) FROM mail_in WHERE company ="
		     " ?1 AND body IS NOT NULL) WHERE ?2 IS NOT NULL");
done:
	return st;
}

#define OF_ITS_JOBS " WHERE job IN (SELECT id FROM job WHERE partner = ?)"
#define DELETE(sql) OV_TRY(ov_db_run(home->db, sql, OV_DB_BLOB(partner, OV_ID)))

static enum ov_status
delete_jobs(struct ov_home *home, const uint8_t partner[OV_ID])
{
	enum ov_status st;

	DELETE("DELETE FROM job_list" OF_ITS_JOBS);
	DELETE("DELETE FROM job_step" OF_ITS_JOBS);
	DELETE("DELETE FROM job_conflict" OF_ITS_JOBS);
	DELETE("DELETE FROM job_match" OF_ITS_JOBS);
	DELETE("DELETE FROM job_cell" OF_ITS_JOBS);
	DELETE("DELETE FROM job_held" OF_ITS_JOBS);
	DELETE("DELETE FROM job_band" OF_ITS_JOBS);
	DELETE("DELETE FROM job_population" OF_ITS_JOBS);
	DELETE("DELETE FROM egress" OF_ITS_JOBS);
	DELETE("DELETE FROM pledge WHERE partner = ?");
	DELETE("DELETE FROM job WHERE partner = ?");
	DELETE("DELETE FROM match_wrong WHERE partner = ?");
	OV_TRY(ov_job_drop_accounts(home));
done:
	return st;
}

/* In the caller's transaction. */
static enum ov_status
delete_all(struct ov_home *home, const uint8_t partner[OV_ID])
{
	enum ov_status st;

	OV_TRY(delete_jobs(home, partner));
	DELETE("DELETE FROM sheet WHERE company = ?");
	DELETE("DELETE FROM terms WHERE company = ?");
	DELETE("DELETE FROM ask WHERE company = ?");
	DELETE("DELETE FROM partner_profile WHERE company = ?");
	DELETE("DELETE FROM hold WHERE company = ?");
	DELETE("DELETE FROM mail_out WHERE company = ?");
	/* rows stay, so that the same mail again is known */
	DELETE("UPDATE mail_in SET body = NULL, state = 2, reason = NULL WHERE company ="
	       " ? AND state <> 1");
done:
	return st;
}

/* --- the numbers that ended --- */

enum ov_status
ov_end_sequence(uint64_t *out, struct ov_home *home, const uint8_t partner[OV_ID])
{
	int64_t n;
	enum ov_status st = ov_db_number(&n, home->db,
	    "SELECT coalesce(max(sequence), 0) FROM ended WHERE company = ?",
	    OV_DB_BLOB(partner, OV_ID));

	*out = (uint64_t)n;
	return st;
}

/* The greatest number that this side knows of, ended ones too. */
static enum ov_status
known_sequence(uint64_t *out, struct ov_home *home, const uint8_t partner[OV_ID])
{
	struct ov_sheets s = { 0 };
	enum ov_status st;

	OV_TRY(ov_sheets_load(&s, home, partner));
	OV_TRY(ov_signed_terms_greatest(out, home, partner));
	if (*out < ov_sheets_sequence(&s))
		*out = ov_sheets_sequence(&s);
done:
	ov_sheets_free(&s);
	return st;
}

/* --- ending --- */

struct ending {
	struct ov_home *home;
	const struct ov_partner *partner;
	bool mine;
	uint8_t digest[OV_DIGEST]; /* of TERMS_END */
	uint64_t sequence, created;
};

/* In the caller's transaction: nothing is left but that it ended. */
static enum ov_status
close(const struct ending *e)
{
	const uint8_t *company = e->partner->company;
	struct ov_home *home = e->home;
	enum ov_status st;

	OV_TRY(delete_all(home, company));
	OV_TRY(ov_db_run(home->db, "UPDATE partner SET state = ? WHERE company = ?",
	    OV_DB_I64(OV_PARTNER_ENDED), OV_DB_BLOB(company, OV_ID)));
	OV_TRY(ov_db_run(home->db,
	    "INSERT OR REPLACE INTO ended(company, mine, digest, sequence, created, at)"
	    " VALUES (?, ?, ?, ?, ?, ?)",
	    OV_DB_BLOB(company, OV_ID), OV_DB_I64(e->mine),
	    OV_DB_BLOB(e->digest, OV_DIGEST), OV_DB_I64(e->sequence),
	    OV_DB_I64(e->created), OV_DB_I64(ov_home_now(home))));
	ov_log(OV_LOG_INFO, "partner.ended", OV_F_ID("partner", company),
	    OV_F_U64("mine", e->mine));
done:
	return st;
}

/* A signed message as mail: the message, then its signature. */
static enum ov_status
put_signed(struct ov_home *home, const uint8_t to[OV_ID], enum ov_mail kind,
    struct ov_buf *message)
{
	uint8_t signature[OV_SIGNATURE];
	enum ov_status st;

	OV_TRY(ov_home_sign(signature, home, "end", OV_BUF_BYTES(message)));
	OV_TRY(ov_buf_append(message, signature, sizeof(signature)));
	OV_TRY(ov_mail_put(home, to, kind, OV_BUF_BYTES(message)));
done:
	return st;
}

/* When the last one was created; 0: there was none. */
static enum ov_status
last_created(uint64_t *out, struct ov_home *home, const uint8_t partner[OV_ID])
{
	int64_t n;
	enum ov_status st = ov_db_number(&n, home->db,
	    "SELECT coalesce(max(created), 0) FROM ended WHERE company = ?",
	    OV_DB_BLOB(partner, OV_ID));

	*out = (uint64_t)n;
	return st;
}

static enum ov_status
write_end(struct ov_buf *out, struct ending *e)
{
	struct ov_msg_terms_end m = { .version = OV_PROTOCOL_VERSION };
	uint64_t last;
	enum ov_status st;

	OV_TRY(known_sequence(&e->sequence, e->home, e->partner->company));
	OV_TRY(last_created(&last, e->home, e->partner->company));
	e->created = ov_home_now(e->home);
	if (e->created <= last)
		e->created = last + 1;
	m.sequence = e->sequence;
	m.created = e->created;
	memcpy(m.from, e->home->company, OV_ID);
	memcpy(m.to, e->partner->company, OV_ID);
	OV_TRY(ov_msg_encode(out, OV_MSG_TERMS_END, &m));
	ov_digest(e->digest, "end", OV_BUF_BYTES(out));
done:
	return st;
}

/* An end that has not left: the same, of another sender and by its key. */
static enum ov_status
say_again(struct ov_home *home, const struct ending *e, const uint8_t company[OV_ID],
    const uint8_t identity_sk[OV_SIGN_SECRET_LEN])
{
	struct ov_msg_terms_end m = { .version = OV_PROTOCOL_VERSION,
		.sequence = e->sequence,
		.created = e->created };
	const uint8_t *to = e->partner->company;
	uint8_t digest[OV_DIGEST], signature[OV_SIGNATURE];
	struct ov_buf mail = { 0 };
	enum ov_status st;

	memcpy(m.from, company, OV_ID);
	memcpy(m.to, to, OV_ID);
	OV_TRY(ov_msg_encode(&mail, OV_MSG_TERMS_END, &m));
	ov_digest(digest, "end", OV_BUF_BYTES(&mail));
	ov_sign(signature, identity_sk, "end", OV_BUF_BYTES(&mail));
	OV_TRY(ov_buf_append(&mail, signature, sizeof(signature)));
	OV_TRY(ov_db_run(home->db,
	    "DELETE FROM mail_out WHERE company = ? AND kind = ? AND sent IS NULL",
	    OV_DB_BLOB(to, OV_ID), OV_DB_I64(OV_MAIL_TERMS_END)));
	OV_TRY(ov_mail_put(home, to, OV_MAIL_TERMS_END, OV_BUF_BYTES(&mail)));
	OV_TRY(ov_db_run(home->db, "UPDATE ended SET digest = ? WHERE company = ?",
	    OV_DB_BLOB(digest, OV_DIGEST), OV_DB_BLOB(to, OV_ID)));
done:
	ov_buf_free(&mail);
	return st;
}

/* The first company after *p whose end, said here, has not left. */
static enum ov_status
next_unsaid(struct ending *e, struct ov_partner *p, struct ov_home *home)
{
	struct ov_db_stmt *q = NULL;
	bool row;
	enum ov_status st;

	OV_TRY(ov_db_query(&q, home->db,
	    "SELECT company, sequence, created FROM ended WHERE company > ? AND mine = 1"
	    " AND company IN (SELECT company FROM mail_out WHERE kind = ? AND sent IS "
	    "NULL"
	    " AND refused IS NULL) ORDER BY company LIMIT 1",
	    OV_DB_BLOB(p->company, OV_ID), OV_DB_I64(OV_MAIL_TERMS_END)));
	OV_TRY(ov_db_step(q, &row));
	OV_REQUIRE(row, OV_E_NOT_FOUND);
	OV_TRY(ov_db_copy(p->company, OV_ID, q, 0));
	e->sequence = (uint64_t)ov_db_i64(q, 1);
	e->created = (uint64_t)ov_db_i64(q, 2);
done:
	ov_db_finish(q);
	return st;
}

enum ov_status
ov_end_say_again(struct ov_home *home, const uint8_t company[OV_ID],
    const uint8_t identity_sk[OV_SIGN_SECRET_LEN])
{
	struct ov_partner p = { .name = "" };
	struct ending e = { .home = home, .partner = &p, .mine = true };
	enum ov_status st;

	while ((st = next_unsaid(&e, &p, home)) == OV_OK)
		OV_TRY(say_again(home, &e, company, identity_sk));
	OV_REQUIRE(st == OV_E_NOT_FOUND, st);
	st = OV_OK;
done:
	return st;
}

enum ov_status
ov_end_begin(struct ov_home *home, const struct ov_partner *partner)
{
	struct ending e = { .home = home, .partner = partner, .mine = true };
	struct ov_buf mail = { 0 };
	enum ov_status st;

	OV_REQUIRE(partner->state == OV_PARTNER_PAIRED, OV_E_PARTNER_UNPAIRED);
	OV_TRY(ov_home_unlock(home));
	OV_TRY(write_end(&mail, &e));
	OV_TRY(ov_db_begin(home->db));
	OV_TRY(close(&e));
	OV_TRY(put_signed(home, partner->company, OV_MAIL_TERMS_END, &mail));
	OV_TRY(ov_db_commit(home->db, "partner.end"));
	/* so that it is not in the WAL either; a reader only delays it */
	(void)!ov_db_checkpoint(home->db);
done:
	ov_db_rollback(home->db);
	ov_buf_free(&mail);
	return st;
}

/* --- the other side --- */

/* The message of a mail, if it is signed by the partner and from it to us. */
static enum ov_status
open_signed(struct ov_bytes *message, const struct ov_partner *p, struct ov_bytes body)
{
	enum ov_status st = OV_OK;

	OV_REQUIRE(body.len > OV_SIGNATURE, OV_E_WIRE_TRUNCATED);
	*message = OV_BYTES(body.p, body.len - OV_SIGNATURE);
	OV_TRY(ov_verify_vartime(body.p + message->len, p->identity, "end", *message));
done:
	return st;
}

/* This very end has been taken. */
static enum ov_status
was_taken(bool *out, const struct ending *e)
{
	int64_t n;
	enum ov_status st = ov_db_number(&n, e->home->db,
	    "SELECT count(*) FROM ended WHERE company = ? AND digest = ?",
	    OV_DB_BLOB(e->partner->company, OV_ID), OV_DB_BLOB(e->digest, OV_DIGEST));

	*out = st == OV_OK && n > 0;
	return st;
}

static enum ov_status
confirm(const struct ending *e)
{
	struct ov_msg_terms_ended m = { .version = OV_PROTOCOL_VERSION,
		.sequence = e->sequence,
		.created = ov_home_now(e->home) };
	struct ov_buf mail = { 0 };
	enum ov_status st;

	memcpy(m.from, e->home->company, OV_ID);
	memcpy(m.to, e->partner->company, OV_ID);
	memcpy(m.end, e->digest, OV_DIGEST);
	OV_TRY(ov_msg_encode(&mail, OV_MSG_TERMS_ENDED, &m));
	OV_TRY(put_signed(e->home, e->partner->company, OV_MAIL_TERMS_ENDED, &mail));
done:
	ov_buf_free(&mail);
	return st;
}

/* A partnership that is over ends once more where two ends cross.  Who goes on ending it
 * gets no answer, of which each is kept here with its proof.  (close deletes the answers
 * of the partnership before.) */
static enum ov_status
has_said_enough(bool *out, const struct ending *e)
{
	int64_t n;
	enum ov_status st = ov_db_number(&n, e->home->db,
	    "SELECT count(*) FROM mail_out WHERE company = ? AND kind = ?",
	    OV_DB_BLOB(e->partner->company, OV_ID), OV_DB_I64(OV_MAIL_TERMS_ENDED));

	*out = st == OV_OK && e->partner->state != OV_PARTNER_PAIRED && n >= ANSWERS_MAX;
	return st;
}

enum ov_status
ov_end_take(struct ov_home *home, const uint8_t from[OV_ID], struct ov_bytes body)
{
	struct ov_partner p;
	struct ending e = { .home = home, .partner = &p };
	struct ov_msg_terms_end m;
	struct ov_bytes message;
	uint64_t known, last;
	bool taken, enough;
	enum ov_status st;

	OV_TRY(ov_partner_get_any(&p, home, from));
	OV_TRY(open_signed(&message, &p, body));
	OV_TRY(ov_msg_decode(&m, OV_MSG_TERMS_END, message));
	OV_REQUIRE(m.version == OV_PROTOCOL_VERSION, OV_E_PROTO_VERSION);
	OV_REQUIRE(memcmp(m.from, p.company, OV_ID) == 0 &&
		       memcmp(m.to, home->company, OV_ID) == 0,
	    OV_E_PROTO_MISMATCH);
	OV_TRY(ov_signed_terms_in_force_sequence(&known, home, p.company));
	OV_TRY(last_created(&last, home, p.company));
	ov_digest(e.digest, "end", message);
	OV_TRY(was_taken(&taken, &e));
	OV_TRY(has_said_enough(&enough, &e));
	if (taken || enough ||
	    (p.state == OV_PARTNER_PAIRED && (m.sequence < known || m.created <= last)))
		goto done; /* one of before */
	OV_TRY(known_sequence(&known, home, p.company));
	e.sequence = known > m.sequence ? known : m.sequence;
	e.created = m.created > last ? m.created : last;
	OV_TRY(ov_db_begin(home->db));
	if (p.state == OV_PARTNER_PAIRED)
		OV_TRY(close(&e));
	OV_TRY(confirm(&e)); /* of two ends that cross each is confirmed */
	OV_TRY(ov_db_commit(home->db, "partner.ended"));
	(void)!ov_db_checkpoint(home->db);
done:
	ov_db_rollback(home->db);
	return st;
}

enum ov_status
ov_end_take_confirmation(
    struct ov_home *home, const uint8_t from[OV_ID], struct ov_bytes body)
{
	struct ov_msg_terms_ended m;
	struct ov_bytes message;
	struct ov_partner p;
	enum ov_status st;

	OV_TRY(ov_partner_get_any(&p, home, from));
	OV_TRY(open_signed(&message, &p, body));
	OV_TRY(ov_msg_decode(&m, OV_MSG_TERMS_ENDED, message));
	OV_REQUIRE(m.version == OV_PROTOCOL_VERSION, OV_E_PROTO_VERSION);
	OV_REQUIRE(memcmp(m.from, p.company, OV_ID) == 0 &&
		       memcmp(m.to, home->company, OV_ID) == 0,
	    OV_E_PROTO_MISMATCH);
	OV_TRY(ov_db_begin(home->db));
	/* its numbers may be ahead of ours; of an end that is not the last, nothing */
	OV_TRY(ov_db_run(home->db,
	    "UPDATE ended SET confirmed = coalesce(confirmed, ?1), sequence ="
	    " max(sequence, ?2) WHERE company = ?3 AND digest = ?4 AND mine = 1",
	    OV_DB_I64(ov_home_now(home)), OV_DB_I64(m.sequence),
	    OV_DB_BLOB(p.company, OV_ID), OV_DB_BLOB(m.end, OV_DIGEST)));
	OV_TRY(ov_db_commit(home->db, "partner.confirmed"));
done:
	ov_db_rollback(home->db);
	return st;
}

/* --- the place in the log of what this side said --- */

bool
ov_end_is_logged(enum ov_mail kind)
{
	return kind == OV_MAIL_TERMS_END || kind == OV_MAIL_TERMS_ENDED;
}

enum ov_status
ov_end_check_proof(
    struct ov_session *s, struct ov_bytes body, const struct ov_msg_proven *proven)
{
	uint8_t leaf[OV_HASH_LEN];

	if (body.len < OV_SIGNATURE)
		return OV_E_BUG;
	struct ov_bytes parts[] = { OV_BYTES(body.p, body.len - OV_SIGNATURE),
		OV_BYTES(body.p + body.len - OV_SIGNATURE, OV_SIGNATURE) };

	ov_hash_parts(leaf, parts, 2);
	return ov_session_check_placed(
	    s, OV_LEAF_ENDED, OV_BYTES(leaf, sizeof(leaf)), proven);
}

/* The digest of the TERMS_END that a message is, or answers. */
static enum ov_status
ending_of(uint8_t out[OV_DIGEST], enum ov_mail kind, struct ov_bytes message)
{
	struct ov_msg_terms_ended m;
	enum ov_status st = OV_OK;

	if (kind == OV_MAIL_TERMS_END) {
		ov_digest(out, "end", message);
		return OV_OK;
	}
	OV_TRY(ov_msg_decode(&m, OV_MSG_TERMS_ENDED, message));
	memcpy(out, m.end, OV_DIGEST);
done:
	return st;
}

enum ov_status
ov_end_keep_proof(struct ov_home *home, const uint8_t partner[OV_ID], enum ov_mail kind,
    struct ov_bytes body, const struct ov_msg_proven *proven)
{
	struct ov_buf proof = { 0 };
	uint8_t ending[OV_DIGEST];
	enum ov_status st;

	OV_REQUIRE(body.len > OV_SIGNATURE, OV_E_BUG);
	OV_TRY(ending_of(ending, kind, OV_BYTES(body.p, body.len - OV_SIGNATURE)));
	OV_TRY(ov_msg_encode(&proof, OV_MSG_PROVEN, proven));
	OV_TRY(ov_db_run(home->db,
	    "INSERT OR REPLACE INTO ended_proof(company, kind, ending, statement, proof)"
	    " VALUES (?, ?, ?, ?, ?)",
	    OV_DB_BLOB(partner, OV_ID), OV_DB_I64(kind), OV_DB_BLOB(ending, OV_DIGEST),
	    OV_DB_BYTES(body), OV_DB_BYTES(OV_BUF_BYTES(&proof))));
done:
	ov_buf_free(&proof);
	return st;
}

enum ov_status
ov_end_of(struct ov_end *out, struct ov_home *home, const uint8_t partner[OV_ID])
{
	struct ov_db_stmt *q = NULL;
	struct ov_msg_proven proven;
	bool row;
	enum ov_status st;

	OV_TRY(ov_db_query(&q, home->db,
	    "SELECT mine, at, coalesce(confirmed, 0), proof FROM ended e LEFT JOIN"
	    " ended_proof p ON p.company = e.company AND p.ending = e.digest AND p.kind ="
	    " CASE mine WHEN 0 THEN ?2 ELSE ?3 END WHERE e.company = ?1",
	    OV_DB_BLOB(partner, OV_ID), OV_DB_I64(OV_MAIL_TERMS_ENDED),
	    OV_DB_I64(OV_MAIL_TERMS_END)));
	OV_TRY(ov_db_step(q, &row));
	OV_REQUIRE(row, OV_E_NOT_FOUND);
	*out = (struct ov_end){ .mine = ov_db_i64(q, 0) != 0,
		.at = (uint64_t)ov_db_i64(q, 1),
		.confirmed = (uint64_t)ov_db_i64(q, 2),
		.logged = !ov_db_is_null(q, 3) };
	if (out->logged) {
		OV_TRY(ov_msg_decode(&proven, OV_MSG_PROVEN, ov_db_blob(q, 3)));
		out->entry = proven.index;
	}
done:
	ov_db_finish(q);
	return st;
}
