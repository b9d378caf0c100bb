#include "client/identity.h"

#include <stdlib.h>
#include <string.h>

#include "client/end.h"
#include "client/enrol.h"
#include "client/job/job.h"
#include "client/mail.h"
#include "client/partner.h"
#include "client/terms.h"
#include "common/crypto/memory.h"
#include "common/log.h"
#include "proto/keys.h"

#define CALL_TIMEOUT_MS 30000
#define CLOCK_SLACK_S 300 /* PROTOCOL 7.3 */
/* Of the mail: message || signature || receiver's company id. */
#define TAIL_LEN (OV_SIGNATURE_LEN + OV_ID)

const char ov_identity_schema_1[] =
    /* Keys that were drawn for a change that is not complete. */
    "CREATE TABLE identity_next(id INTEGER PRIMARY KEY CHECK(id = 1),"
    " identity BLOB NOT NULL, envelope BLOB NOT NULL, identity_sealed BLOB NOT NULL,"
    " envelope_sealed BLOB NOT NULL) STRICT;"
    /* Own ones that were: public keys alone.  token: digest of what changed it. */
    "CREATE TABLE identity_past(company BLOB PRIMARY KEY, identity BLOB NOT NULL,"
    " envelope BLOB NOT NULL, name TEXT NOT NULL, token BLOB NOT NULL,"
    " until INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    /* Of partners, with what they said and signed: statement, its digest. */
    "CREATE TABLE partner_past(id INTEGER PRIMARY KEY, was BLOB NOT NULL,"
    " identity BLOB NOT NULL, envelope BLOB NOT NULL, company BLOB NOT NULL,"
    " created INTEGER NOT NULL, at INTEGER NOT NULL, seen INTEGER NOT NULL DEFAULT 0,"
    " statement BLOB NOT NULL UNIQUE, signature BLOB NOT NULL) STRICT;";
/* What was said of the change, with its signature. */
const char ov_identity_schema_2[] = "ALTER TABLE identity_past ADD COLUMN statement BLOB";

/* --- own: keys --- */

struct next {
	uint8_t identity[32], envelope[32];
	uint8_t company[OV_ID];
	uint8_t token[OV_DIGEST];
	struct ov_buf identity_sealed, envelope_sealed;
	/* SECRET, guarded */
	uint8_t *identity_sk;
};

static void
free_next(struct next *n)
{
	ov_buf_free(&n->identity_sealed);
	ov_buf_free(&n->envelope_sealed);
	ov_secret_free(n->identity_sk);
}

/* OV_E_NOT_FOUND if none were drawn. */
static enum ov_status
load_next(struct next *n, struct ov_home *home)
{
	struct ov_db_stmt *q = NULL;
	struct ov_bytes identity, envelope;
	bool row;
	enum ov_status st;

	OV_TRY(ov_db_query(&q, home->db,
	    "SELECT identity, envelope, identity_sealed, envelope_sealed"
	    " FROM identity_next WHERE id = 1"));
	OV_TRY(ov_db_step(q, &row));
	OV_REQUIRE(row, OV_E_NOT_FOUND);
	OV_TRY(ov_db_copy(n->identity, 32, q, 0));
	OV_TRY(ov_db_copy(n->envelope, 32, q, 1));
	identity = ov_db_blob(q, 2);
	envelope = ov_db_blob(q, 3);
	OV_TRY(ov_home_open_sealed(
	    n->identity_sk, OV_SIGN_SECRET_LEN, home, "identity", identity));
	/* the public key stands in clear: a changed one must not be enrolled */
	OV_REQUIRE(memcmp(n->identity_sk + 32, n->identity, 32) == 0, OV_E_DB_FAILED);
	OV_TRY(ov_buf_append(&n->identity_sealed, identity.p, identity.len));
	OV_TRY(ov_buf_append(&n->envelope_sealed, envelope.p, envelope.len));
	ov_company_id(n->company, n->identity);
done:
	ov_db_finish(q);
	return st;
}

static enum ov_status
draw_next(struct ov_home *home)
{
	struct ov_home_secrets *s = ov_secret_alloc(sizeof(*s));
	struct ov_buf identity = { 0 }, envelope = { 0 };
	uint8_t identity_pk[32], envelope_pk[32];
	enum ov_status st;

	OV_REQUIRE(s != NULL, OV_E_NOMEM);
	ov_sign_keypair(identity_pk, s->identity_sk);
	ov_random(s->envelope_sk, sizeof(s->envelope_sk));
	ov_dh_public(envelope_pk, s->envelope_sk);
	OV_TRY(ov_home_seal(&identity, home, "identity",
	    OV_BYTES(s->identity_sk, sizeof(s->identity_sk))));
	OV_TRY(ov_home_seal(&envelope, home, "envelope",
	    OV_BYTES(s->envelope_sk, sizeof(s->envelope_sk))));
	OV_TRY(ov_db_begin(home->db));
	OV_TRY(ov_db_run(home->db,
	    "INSERT INTO identity_next(id, identity, envelope, identity_sealed,"
	    " envelope_sealed) VALUES (1, ?, ?, ?, ?)",
	    OV_DB_BLOB(identity_pk, 32), OV_DB_BLOB(envelope_pk, 32),
	    OV_DB_BYTES(OV_BUF_BYTES(&identity)), OV_DB_BYTES(OV_BUF_BYTES(&envelope))));
	OV_TRY(ov_db_commit(home->db, "identity.drawn"));
done:
	ov_db_rollback(home->db);
	ov_secret_free(s);
	ov_buf_free(&identity);
	ov_buf_free(&envelope);
	return st;
}

/* --- own: the change --- */

/* Whom the end of the partnership was not told yet: for them it is one still. */
#define UNSAID                                                                           \
	"SELECT company FROM mail_out WHERE kind = ? AND sent IS NULL AND refused IS "   \
	"NULL"

/* The message and its signature by the old identity. */
static enum ov_status
make_statement(struct ov_buf *out, struct ov_home *home, const struct next *n)
{
	struct ov_msg_identity_change m = { .version = OV_PROTOCOL_VERSION,
		.created = ov_home_now(home) };
	uint8_t signature[OV_SIGNATURE_LEN];
	enum ov_status st;

	memcpy(m.old_identity, home->identity, 32);
	memcpy(m.identity, n->identity, 32);
	memcpy(m.envelope, n->envelope, 32);
	OV_TRY(ov_msg_encode(out, OV_MSG_IDENTITY_CHANGE, &m));
	OV_TRY(ov_home_sign(signature, home, "identity", OV_BUF_BYTES(out)));
	OV_TRY(ov_buf_append(out, signature, sizeof(signature)));
done:
	return st;
}

/* The same statement for each, but the mail's id must differ. */
static enum ov_status
put_statement(struct ov_home *home, const uint8_t to[OV_ID], struct ov_bytes statement)
{
	struct ov_buf mail = { 0 };
	enum ov_status st;

	OV_TRY(ov_buf_append(&mail, statement.p, statement.len));
	OV_TRY(ov_buf_append(&mail, to, OV_ID));
	OV_TRY(ov_mail_put(home, to, OV_MAIL_IDENTITY, OV_BUF_BYTES(&mail)));
done:
	ov_buf_free(&mail);
	return st;
}

static enum ov_status
put_statements(struct ov_home *home, struct ov_bytes statement)
{
	struct ov_db_stmt *q = NULL;
	uint8_t to[OV_ID];
	bool row;
	enum ov_status st;

	OV_TRY(ov_db_query(&q, home->db,
	    "SELECT company FROM partner WHERE state = ? OR company IN (" UNSAID
	    ") ORDER BY company",
	    OV_DB_I64(OV_PARTNER_PAIRED), OV_DB_I64(OV_MAIL_TERMS_END)));
	for (;;) {
		OV_TRY(ov_db_step(q, &row));
		if (!row)
			break;
		OV_TRY(ov_db_copy(to, OV_ID, q, 0));
		OV_TRY(put_statement(home, to, statement));
	}
done:
	ov_db_finish(q);
	return st;
}

/* What was said, asked or begun in the old name. */
static enum ov_status
end_old(struct ov_home *home)
{
	enum ov_status st;

	OV_TRY(ov_job_end_open(home, NULL, OV_E_IDENTITY_CHANGED));
	OV_TRY(ov_db_run(home->db, "UPDATE terms SET state = ? WHERE state <> ?1",
	    OV_DB_I64(OV_TERMS_ENDED)));
	OV_TRY(ov_db_run(home->db, "DELETE FROM invitation WHERE done = 0"));
	OV_TRY(ov_db_run(home->db,
	    "DELETE FROM mail_out WHERE sent IS NULL AND refused IS NULL AND kind <> ?",
	    OV_DB_I64(OV_MAIL_TERMS_END)));
	OV_TRY(ov_mail_drop_new(home));
done:
	return st;
}

static enum ov_status
put_keys(struct ov_home *home, const struct next *n, struct ov_bytes statement)
{
	enum ov_status st;

	OV_TRY(ov_db_run(home->db,
	    "INSERT INTO identity_past(company, identity, envelope, name, token, until,"
	    " statement) VALUES (?, ?, ?, ?, ?, ?, ?)",
	    OV_DB_BLOB(home->company, OV_ID), OV_DB_BLOB(home->identity, 32),
	    OV_DB_BLOB(home->envelope, 32), OV_DB_TEXT(home->name),
	    OV_DB_BLOB(n->token, OV_DIGEST), OV_DB_I64(ov_home_now(home)),
	    OV_DB_BYTES(statement)));
	OV_TRY(ov_db_run(home->db,
	    "UPDATE home SET identity = ?, envelope = ?, identity_sealed = ?,"
	    " envelope_sealed = ? WHERE id = 1",
	    OV_DB_BLOB(n->identity, 32), OV_DB_BLOB(n->envelope, 32),
	    OV_DB_BYTES(OV_BUF_BYTES(&n->identity_sealed)),
	    OV_DB_BYTES(OV_BUF_BYTES(&n->envelope_sealed))));
	OV_TRY(ov_db_run(home->db, "DELETE FROM identity_next"));
done:
	return st;
}

/* The broker knows the new identity: now it is the company's. */
static enum ov_status
complete(void *arg, struct ov_home *home, const struct ov_joined *joined)
{
	const struct next *n = arg;
	struct ov_buf statement = { 0 };
	enum ov_status st;

	OV_TRY(make_statement(&statement, home, n));
	OV_TRY(ov_db_begin(home->db));
	OV_TRY(end_old(home));
	OV_TRY(put_statements(home, OV_BUF_BYTES(&statement)));
	OV_TRY(ov_end_say_again(home, n->company, n->identity_sk));
	OV_TRY(put_keys(home, n, OV_BUF_BYTES(&statement)));
	OV_TRY(ov_home_put_certificate(home, joined));
	OV_TRY(ov_db_commit(home->db, "identity.change"));
	ov_log(OV_LOG_WARN, "identity.changed", OV_F_ID("was", home->company),
	    OV_F_ID("is", n->company));
	/* so that the old secrets are in no file; a reader only delays it */
	(void)!ov_db_checkpoint(home->db);
done:
	ov_db_rollback(home->db);
	ov_buf_free(&statement);
	return st;
}

enum ov_status
ov_identity_change(struct ov_home *home, const struct ov_identity_options *o)
{
	struct next n = { .identity_sk = NULL };
	struct ov_enrol_options enrol = { .token = o->token,
		.broker = o->broker,
		.enrol = o->enrol,
		.finish = complete,
		.arg = &n };
	struct ov_enrol_identity as;
	int64_t done_before;
	enum ov_status st;

	OV_TRY(ov_home_require_joined(home));
	ov_digest(n.token, "identity token", OV_BYTES(o->token, sizeof(*o->token)));
	OV_TRY(ov_db_number(&done_before, home->db,
	    "SELECT count(*) FROM identity_past WHERE token = ?",
	    OV_DB_BLOB(n.token, OV_DIGEST)));
	if (done_before > 0)
		goto done;
	OV_REQUIRE(
	    (n.identity_sk = ov_secret_alloc(OV_SIGN_SECRET_LEN)) != NULL, OV_E_NOMEM);
	st = load_next(&n, home);
	if (st == OV_E_NOT_FOUND) {
		OV_TRY(draw_next(home));
		st = load_next(&n, home);
	}
	OV_TRY(st);
	as = (struct ov_enrol_identity){ n.identity, n.envelope, n.identity_sk };
	enrol.as = &as;
	OV_TRY(ov_enrol(home, &enrol));
done:
	free_next(&n);
	return st;
}

enum ov_status
ov_identity_open_jobs(uint64_t *n, struct ov_home *home)
{
	int64_t count;
	enum ov_status st = ov_db_number(&count, home->db,
	    "SELECT count(*) FROM job WHERE state < ?", OV_DB_I64(OV_JOB_REPORTED));

	*n = (uint64_t)count;
	return st;
}

enum ov_status
ov_identity_was(uint8_t company[OV_ID], char name[OV_NAME_MAX + 1], struct ov_home *home)
{
	struct ov_db_stmt *q = NULL;
	const char *text;
	bool row;
	enum ov_status st;

	OV_TRY(ov_db_query(&q, home->db,
	    "SELECT company, name FROM identity_past ORDER BY until DESC LIMIT 1"));
	OV_TRY(ov_db_step(q, &row));
	OV_REQUIRE(row, OV_E_NOT_FOUND);
	OV_TRY(ov_db_copy(company, OV_ID, q, 0));
	text = ov_db_text(q, 1);
	OV_REQUIRE(strlen(text) <= OV_NAME_MAX, OV_E_DB_FAILED);
	memcpy(name, text, strlen(text) + 1);
done:
	ov_db_finish(q);
	return st;
}

enum ov_status
ov_identity_unsent(uint64_t *n, struct ov_home *home)
{
	int64_t count;
	enum ov_status st = ov_db_number(&count, home->db,
	    "SELECT count(*) FROM mail_out WHERE kind = ? AND sent IS NULL"
	    " AND refused IS NULL",
	    OV_DB_I64(OV_MAIL_IDENTITY));

	*n = (uint64_t)count;
	return st;
}

/* --- a partner's: checks --- */

struct statement {
	struct ov_msg_identity_change m;
	struct ov_bytes message;
	const uint8_t *signature;
	uint8_t company[OV_ID]; /* of the new identity */
	struct ov_partner partner;
};

/* This company's id, or one that it had: the sender may not know of a change yet. */
static enum ov_status
check_receiver(struct ov_home *home, const uint8_t to[OV_ID])
{
	int64_t n = 0;
	enum ov_status st = OV_OK;

	if (memcmp(to, home->company, OV_ID) == 0)
		goto done;
	OV_TRY(ov_db_number(&n, home->db,
	    "SELECT count(*) FROM identity_past WHERE company = ?",
	    OV_DB_BLOB(to, OV_ID)));
	OV_REQUIRE(n > 0, OV_E_PROTO_MISMATCH);
done:
	return st;
}

static enum ov_status
read_statement(struct statement *t, struct ov_home *home, const uint8_t from[OV_ID],
    struct ov_bytes body)
{
	enum ov_status st = OV_OK;

	OV_REQUIRE(body.len > TAIL_LEN, OV_E_WIRE_TRUNCATED);
	t->message = OV_BYTES(body.p, body.len - TAIL_LEN);
	t->signature = body.p + t->message.len;
	OV_TRY(ov_msg_decode(&t->m, OV_MSG_IDENTITY_CHANGE, t->message));
	OV_REQUIRE(t->m.version == OV_PROTOCOL_VERSION, OV_E_PROTO_VERSION);
	ov_company_id(t->company, t->m.identity);
	OV_TRY(check_receiver(home, t->signature + OV_SIGNATURE_LEN));
	OV_REQUIRE(memcmp(t->company, from, OV_ID) == 0 &&
		       memcmp(t->m.identity, home->identity, 32) != 0 &&
		       memcmp(t->m.identity, t->m.old_identity, 32) != 0,
	    OV_E_PROTO_MISMATCH);
done:
	return st;
}

/* *known: this very statement led to what the partner is now, so there is nothing to do:
 * it is said twice where both change at once. */
static enum ov_status
was_taken(bool *known, const struct statement *t, struct ov_home *home)
{
	int64_t n, now;
	enum ov_status st;

	OV_TRY(ov_db_number(&n, home->db,
	    "SELECT count(*) FROM partner_past WHERE statement = ?",
	    OV_DB_BYTES(t->message)));
	OV_TRY(ov_db_number(&now, home->db,
	    "SELECT count(*) FROM partner_past WHERE statement = ? AND company = ?",
	    OV_DB_BYTES(t->message), OV_DB_BLOB(t->company, OV_ID)));
	OV_REQUIRE(n == now, OV_E_IDENTITY_OLD);
	*known = n > 0;
done:
	return st;
}

/* Newer than the pairing and than every change that led to the present identity. */
static enum ov_status
check_time(const struct statement *t, struct ov_home *home)
{
	const uint64_t now = ov_home_now(home);
	int64_t last;
	enum ov_status st;

	OV_TRY(ov_db_number(&last, home->db,
	    "SELECT coalesce(max(created), 0) FROM partner_past WHERE company = ?",
	    OV_DB_BLOB(t->partner.company, OV_ID)));
	OV_REQUIRE(t->m.created <= now + CLOCK_SLACK_S, OV_E_PROTO_CLOCK);
	OV_REQUIRE(t->m.created + CLOCK_SLACK_S >= t->partner.paired &&
		       t->m.created > (uint64_t)last,
	    OV_E_IDENTITY_OLD);
done:
	return st;
}

/* A partner under its new identity already is paired with that one: no change. */
static enum ov_status
check_free(const struct statement *t, struct ov_home *home)
{
	int64_t n;
	enum ov_status st;

	OV_TRY(
	    ov_db_number(&n, home->db, "SELECT count(*) FROM partner WHERE company = ?",
		OV_DB_BLOB(t->company, OV_ID)));
	OV_REQUIRE(n == 0, OV_E_PROTO_MISMATCH);
done:
	return st;
}

/* The broker must have enrolled exactly these keys. */
static enum ov_status
check_broker(const struct statement *t, struct ov_session *s)
{
	struct ov_msg_who who;
	struct ov_msg_company c;
	struct ov_buf owner = { 0 };
	enum ov_status st;

	memcpy(who.company, t->company, OV_ID);
	st = ov_session_call(
	    s, OV_MSG_WHO, &who, OV_MSG_COMPANY, &c, &owner, CALL_TIMEOUT_MS);
	OV_REQUIRE(st != OV_E_BROKER_UNKNOWN, OV_E_IDENTITY_UNKNOWN);
	OV_TRY(st);
	OV_REQUIRE(memcmp(c.identity, t->m.identity, 32) == 0 &&
		       memcmp(c.envelope, t->m.envelope, 32) == 0,
	    OV_E_IDENTITY_UNKNOWN);
done:
	ov_buf_free(&owner);
	return st;
}

/* --- a partner's: the move --- */

/* Everything that is kept by the partner's company id.  Invitations and mail that went
 * stay as history. */
static enum ov_status
move_rows(struct ov_db *db, const uint8_t was[OV_ID], const uint8_t is[OV_ID])
{
	const struct ov_db_value old = OV_DB_BLOB(was, OV_ID),
				 now = OV_DB_BLOB(is, OV_ID);
	enum ov_status st;

	OV_TRY(ov_db_run(db, "UPDATE sheet SET company = ? WHERE company = ?", now, old));
	OV_TRY(ov_db_run(db, "UPDATE terms SET company = ? WHERE company = ?", now, old));
	OV_TRY(ov_db_run(db, "UPDATE hold SET company = ? WHERE company = ?", now, old));
	OV_TRY(
	    ov_db_run(db, "UPDATE criteria SET company = ? WHERE company = ?", now, old));
	OV_TRY(ov_db_run(
	    db, "UPDATE partner_group SET company = ? WHERE company = ?", now, old));
	OV_TRY(ov_db_run(
	    db, "UPDATE partner_past SET company = ? WHERE company = ?", now, old));
	OV_TRY(ov_db_run(
	    db, "UPDATE partner_profile SET company = ? WHERE company = ?", now, old));
	OV_TRY(ov_db_run(db, "UPDATE ask SET company = ? WHERE company = ?", now, old));
	OV_TRY(ov_db_run(db, "UPDATE ended SET company = ? WHERE company = ?", now, old));
	OV_TRY(ov_db_run(
	    db, "UPDATE ended_proof SET company = ? WHERE company = ?", now, old));
	OV_TRY(ov_db_run(db, "UPDATE job SET partner = ? WHERE partner = ?", now, old));
	OV_TRY(
	    ov_db_run(db, "UPDATE charge SET partner = ? WHERE partner = ?", now, old));
	OV_TRY(
	    ov_db_run(db, "UPDATE pledge SET partner = ? WHERE partner = ?", now, old));
	OV_TRY(ov_db_run(
	    db, "UPDATE match_wrong SET partner = ? WHERE partner = ?", now, old));
done:
	return st;
}

static enum ov_status
put_past(struct ov_home *home, const struct statement *t)
{
	const struct ov_partner *p = &t->partner;

	return ov_db_run(home->db,
	    "INSERT INTO partner_past(was, identity, envelope, company, created, at,"
	    " statement, signature) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
	    OV_DB_BLOB(p->company, OV_ID), OV_DB_BLOB(p->identity, 32),
	    OV_DB_BLOB(p->envelope, 32), OV_DB_BLOB(t->company, OV_ID),
	    OV_DB_I64(t->m.created), OV_DB_I64(ov_home_now(home)),
	    OV_DB_BYTES(t->message), OV_DB_BLOB(t->signature, OV_SIGNATURE_LEN));
}

/* Without terms in force the partner may not have heard of this company's own change,
 * because it lost the mail of its old identity with that: it is said again. */
static enum ov_status
say_again(struct ov_home *home, const struct statement *t)
{
	struct ov_db_stmt *q = NULL;
	struct ov_buf statement = { 0 };
	bool row;
	enum ov_status st;

	OV_TRY(ov_db_query(&q, home->db,
	    "SELECT statement FROM identity_past WHERE until >= ? AND NOT EXISTS"
	    " (SELECT 1 FROM terms WHERE company = ? AND state = ?)"
	    /* the last one names what this company is now, whatever the clock said */
	    " AND instr(statement, ?) > 0",
	    OV_DB_I64(t->partner.paired), OV_DB_BLOB(t->partner.company, OV_ID),
	    OV_DB_I64(OV_TERMS_IN_FORCE), OV_DB_BLOB(home->identity, 32)));
	OV_TRY(ov_db_step(q, &row));
	if (!row)
		goto done;
	OV_TRY(ov_buf_append(&statement, ov_db_blob(q, 0).p, ov_db_blob(q, 0).len));
	ov_db_finish(q);
	q = NULL;
	OV_TRY(put_statement(home, t->company, OV_BUF_BYTES(&statement)));
done:
	ov_db_finish(q);
	ov_buf_free(&statement);
	return st;
}

/* Terms were signed by the old identity: they end, and follow anew from the same sheets.
 */
static enum ov_status
move(struct ov_home *home, const struct statement *t)
{
	const uint8_t *was = t->partner.company;
	enum ov_status st;

	OV_TRY(say_again(home, t));
	OV_TRY(ov_job_end_open(home, was, OV_E_IDENTITY_CHANGED));
	OV_TRY(ov_db_run(home->db,
	    "UPDATE partner SET company = ?, identity = ?, envelope = ? WHERE company = "
	    "?",
	    OV_DB_BLOB(t->company, OV_ID), OV_DB_BLOB(t->m.identity, 32),
	    OV_DB_BLOB(t->m.envelope, 32), OV_DB_BLOB(was, OV_ID)));
	OV_TRY(ov_db_run(home->db,
	    "UPDATE terms SET state = ? WHERE company = ? AND state <> ?1",
	    OV_DB_I64(OV_TERMS_ENDED), OV_DB_BLOB(was, OV_ID)));
	OV_TRY(ov_db_run(home->db,
	    "DELETE FROM mail_out WHERE company = ? AND sent IS NULL AND refused IS NULL",
	    OV_DB_BLOB(was, OV_ID)));
	OV_TRY(move_rows(home->db, was, t->company));
	OV_TRY(put_past(home, t));
done:
	return st;
}

enum ov_status
ov_identity_take(struct ov_home *home, struct ov_session *s, const uint8_t from[OV_ID],
    struct ov_bytes body)
{
	struct statement t;
	bool known;
	enum ov_status st;

	OV_TRY(read_statement(&t, home, from, body));
	OV_TRY(was_taken(&known, &t, home));
	if (known)
		goto done;
	OV_TRY(ov_partner_of_identity(&t.partner, home, t.m.old_identity));
	OV_TRY(ov_verify_vartime(t.signature, t.partner.identity, "identity", t.message));
	OV_TRY(check_time(&t, home));
	OV_TRY(check_free(&t, home));
	OV_TRY(check_broker(&t, s));
	/* who has looked at its report does not take ours away so */
	OV_TRY(ov_job_leave(home, s, t.partner.company, OV_E_IDENTITY_CHANGED));
	OV_TRY(ov_db_begin(home->db));
	OV_TRY(move(home, &t));
	OV_TRY(ov_mail_done_within(home, from, body));
	OV_TRY(ov_db_commit(home->db, "identity.taken"));
	ov_log(OV_LOG_WARN, "partner.identity_changed", OV_F_ID("was", t.partner.company),
	    OV_F_ID("is", t.company));
done:
	ov_db_rollback(home->db);
	return st;
}

/* --- what a person may want to see --- */

enum ov_status
ov_identity_each(struct ov_home *home,
    enum ov_status (*visit)(void *arg, const struct ov_identity_note *note), void *arg)
{
	struct ov_identity_note n;
	struct ov_db_stmt *q = NULL;
	bool row;
	enum ov_status st;

	OV_TRY(ov_db_query(
	    &q, home->db, "SELECT was, company, at, seen FROM partner_past ORDER BY id"));
	for (;;) {
		OV_TRY(ov_db_step(q, &row));
		if (!row)
			break;
		OV_TRY(ov_db_copy(n.was, OV_ID, q, 0));
		OV_TRY(ov_db_copy(n.company, OV_ID, q, 1));
		n.at = (uint64_t)ov_db_i64(q, 2);
		n.seen = ov_db_i64(q, 3) != 0;
		OV_TRY(visit(arg, &n));
	}
done:
	ov_db_finish(q);
	return st;
}

enum ov_status
ov_identity_clear(struct ov_home *home)
{
	enum ov_status st;

	OV_TRY(ov_db_begin(home->db));
	OV_TRY(ov_db_run(home->db, "UPDATE partner_past SET seen = 1"));
	OV_TRY(ov_db_commit(home->db, "identity.seen"));
done:
	ov_db_rollback(home->db);
	return st;
}

enum ov_status
ov_identity_since(uint64_t *at, struct ov_home *home, const uint8_t company[OV_ID])
{
	int64_t t;
	enum ov_status st = ov_db_number(&t, home->db,
	    "SELECT coalesce(max(at), 0) FROM partner_past WHERE company = ?",
	    OV_DB_BLOB(company, OV_ID));

	*at = (uint64_t)t;
	return st;
}
