#include "client/terms.h"

#include <string.h>

#include "client/hold.h"
#include "client/mail.h"
#include "common/log.h"
#include "proto/keys.h"

#define CALL_TIMEOUT_MS 30000
/* A partner may not use up the sequence numbers. */
#define SEQUENCE_STEP_MAX 1000

/* The newest sheets of both sides. */
struct sheets {
	struct ov_buf mine, theirs; /* encoded GRANTS; empty: none */
	uint64_t mine_sequence, theirs_sequence;
	uint8_t consented[OV_DIGEST];
};

/* What was signed here under one sequence number. */
struct signed_row {
	enum ov_terms_state state;
	uint64_t since;
	struct ov_buf terms, body, release, sealed;
	uint8_t mine[64], theirs[64];
};

static void
sheets_free(struct sheets *s)
{
	ov_buf_free(&s->mine);
	ov_buf_free(&s->theirs);
}

static void
row_free(struct signed_row *r)
{
	ov_buf_free(&r->terms);
	ov_buf_free(&r->body);
	ov_buf_free(&r->release);
	ov_buf_free(&r->sealed);
}

/* --- the store --- */

static enum ov_status
take_blob(struct ov_buf *out, struct ov_db_stmt *q, int column)
{
	struct ov_bytes b = ov_db_blob(q, column);

	out->len = 0;
	return ov_buf_append(out, b.p, b.len);
}

static enum ov_status
load_sheets(struct sheets *s, struct ov_home *home, const uint8_t partner[OV_ID])
{
	struct ov_db_stmt *q = NULL;
	enum ov_status st = OV_OK;
	bool row;

	OV_TRY(ov_db_query(&q, home->db,
	    "SELECT mine, sequence, grants, consented FROM sheet WHERE company = ?",
	    OV_DB_BLOB(partner, OV_ID)));
	for (;;) {
		OV_TRY(ov_db_step(q, &row));
		if (!row)
			break;
		if (ov_db_i64(q, 0) != 0) {
			s->mine_sequence = (uint64_t)ov_db_i64(q, 1);
			OV_TRY(take_blob(&s->mine, q, 2));
			OV_TRY(ov_db_copy(s->consented, sizeof(s->consented), q, 3));
		} else {
			s->theirs_sequence = (uint64_t)ov_db_i64(q, 1);
			OV_TRY(take_blob(&s->theirs, q, 2));
		}
	}
done:
	ov_db_finish(q);
	return st;
}

static uint64_t
sequence_of(const struct sheets *s)
{
	return s->mine_sequence > s->theirs_sequence ? s->mine_sequence
						     : s->theirs_sequence;
}

/* Columns state, since, terms, body, release, sealed, signature_mine, signature_theirs;
 * takes q over.  OV_E_NOT_FOUND without a row. */
static enum ov_status
take_row(struct signed_row *r, struct ov_db_stmt *q)
{
	enum ov_status st = OV_OK;
	bool row;

	OV_TRY(ov_db_step(q, &row));
	OV_REQUIRE(row, OV_E_NOT_FOUND);
	r->state = (enum ov_terms_state)ov_db_i64(q, 0);
	r->since = (uint64_t)ov_db_i64(q, 1);
	OV_TRY(take_blob(&r->terms, q, 2));
	OV_TRY(take_blob(&r->body, q, 3));
	OV_TRY(take_blob(&r->release, q, 4));
	OV_TRY(take_blob(&r->sealed, q, 5));
	OV_TRY(ov_db_copy(r->mine, sizeof(r->mine), q, 6));
	if (!ov_db_is_null(q, 7))
		OV_TRY(ov_db_copy(r->theirs, sizeof(r->theirs), q, 7));
done:
	ov_db_finish(q);
	return st;
}

#define ROW_COLUMNS                                                                      \
	"SELECT state, since, terms, body, release, sealed, signature_mine, "            \
	"signature_theirs FROM terms "

static enum ov_status
load_row(struct signed_row *r, struct ov_home *home, const uint8_t partner[OV_ID],
    uint64_t sequence)
{
	struct ov_db_stmt *q = NULL;
	enum ov_status st;

	OV_TRY(ov_db_query(&q, home->db, ROW_COLUMNS "WHERE company = ? AND sequence = ?",
	    OV_DB_BLOB(partner, OV_ID), OV_DB_I64(sequence)));
	OV_TRY(take_row(r, q));
done:
	return st;
}

/* The greatest sequence number signed by both is in force. */
static enum ov_status
load_in_force(struct signed_row *r, struct ov_home *home, const uint8_t partner[OV_ID])
{
	struct ov_db_stmt *q = NULL;
	enum ov_status st;

	OV_TRY(ov_db_query(&q, home->db,
	    ROW_COLUMNS "WHERE company = ? AND state = ? ORDER BY sequence DESC LIMIT 1",
	    OV_DB_BLOB(partner, OV_ID), OV_DB_I64(OV_TERMS_IN_FORCE)));
	OV_TRY(take_row(r, q));
done:
	return st == OV_E_NOT_FOUND ? OV_E_TERMS_MISSING : st;
}

static enum ov_status
greatest_signed(uint64_t *sequence, struct ov_home *home, const uint8_t partner[OV_ID])
{
	int64_t n;
	enum ov_status st = ov_db_number(&n, home->db,
	    "SELECT coalesce(max(sequence), 0) FROM terms WHERE company = ?",
	    OV_DB_BLOB(partner, OV_ID));

	*sequence = (uint64_t)n;
	return st;
}

/* --- reading sheets --- */

static enum ov_status
check_sheet(struct ov_msg_grants *g, struct ov_bytes sheet)
{
	struct ov_population p[OV_POPULATIONS_MAX];
	size_t n;
	enum ov_status st;

	OV_TRY(ov_msg_decode(g, OV_MSG_GRANTS, sheet));
	OV_REQUIRE(g->version == OV_PROTOCOL_VERSION, OV_E_PROTO_VERSION);
	OV_TRY(ov_populations_unpack(p, &n, g->populations));
done:
	return st;
}

/* What of the partner's sheet asks for more than my own sheet says: its criteria. */
static enum ov_status
criteria_digest(uint8_t out[OV_DIGEST], struct ov_bytes their_sheet)
{
	struct ov_msg_grants g;
	enum ov_status st = OV_OK;

	if (their_sheet.len == 0) {
		ov_digest(out, "criteria", OV_BYTES(NULL, 0));
		goto done;
	}
	OV_TRY(check_sheet(&g, their_sheet));
	ov_digest(out, "criteria", g.icp);
done:
	return st;
}

static enum ov_status
is_consented(bool *out, const struct sheets *s)
{
	uint8_t digest[OV_DIGEST];
	enum ov_status st;

	OV_TRY(criteria_digest(digest, OV_BUF_BYTES(&s->theirs)));
	*out = s->mine.len > 0 && memcmp(digest, s->consented, sizeof(digest)) == 0;
done:
	return st;
}

/* --- offers --- */

/* The newest own sheet under a new number, and its offer as mail; in the caller's
 * transaction. */
static enum ov_status
put_offer(struct ov_home *home, const struct ov_partner *p, uint64_t sequence,
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
	    "INSERT INTO sheet(company, mine, sequence, grants, policy, consented, at) "
	    "VALUES (?, 1, ?, ?, ?, ?, ?) ON CONFLICT(company, mine) DO UPDATE SET "
	    "sequence = excluded.sequence, grants = excluded.grants, policy = "
	    "excluded.policy, consented = excluded.consented, at = excluded.at",
	    OV_DB_BLOB(p->company, OV_ID), OV_DB_I64(sequence), OV_DB_BYTES(c->sheet),
	    OV_DB_BYTES(c->policy), OV_DB_BLOB(consented, OV_DIGEST),
	    OV_DB_I64(ov_home_now(home)));
}

/* A first offer joins the partner's; a changed sheet goes above all that was seen, since
 * the partner may have signed those already. */
static uint64_t
next_sequence(const struct sheets *s, uint64_t signed_sequence)
{
	uint64_t n = sequence_of(s);

	if (s->mine_sequence > 0 || n == 0)
		n++;
	return n > signed_sequence ? n : signed_sequence + 1;
}

enum ov_status
ov_terms_consent(
    struct ov_home *home, const struct ov_partner *p, const struct ov_terms_consent *c)
{
	struct sheets s = { 0 };
	struct ov_msg_grants g;
	uint8_t consented[OV_DIGEST];
	uint64_t sequence, greatest;
	bool same;
	enum ov_status st;

	OV_REQUIRE(p->state == OV_PARTNER_PAIRED, OV_E_PARTNER_UNPAIRED);
	OV_TRY(check_sheet(&g, c->sheet));
	OV_TRY(criteria_digest(consented, c->theirs));
	OV_TRY(ov_home_unlock(home));
	OV_TRY(ov_db_begin(home->db));
	OV_TRY(load_sheets(&s, home, p->company));
	OV_TRY(greatest_signed(&greatest, home, p->company));
	same =
	    s.mine.len == c->sheet.len && memcmp(s.mine.p, c->sheet.p, c->sheet.len) == 0;
	sequence = same ? s.mine_sequence : next_sequence(&s, greatest);
	OV_TRY(store_consent(home, p, sequence, c, consented));
	if (!same)
		OV_TRY(put_offer(home, p, sequence, c->sheet));
	OV_TRY(ov_db_commit(home->db, "terms.consent"));
done:
	ov_db_rollback(home->db);
	sheets_free(&s);
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
	OV_TRY(check_sheet(&g, OV_BUF_BYTES(sheet)));
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
	struct sheets s = { 0 };
	struct ov_partner p;
	struct ov_buf sheet = { 0 };
	uint64_t sequence, greatest;
	enum ov_status st;

	OV_TRY(ov_partner_get(&p, home, from));
	OV_TRY(open_offer(&sheet, &sequence, home, &p, body));
	OV_TRY(load_sheets(&s, home, p.company));
	OV_TRY(greatest_signed(&greatest, home, p.company));
	if (sequence < s.theirs_sequence)
		goto done; /* a newer one came before it */
	if (sequence == s.theirs_sequence) {
		OV_REQUIRE(sheet.len == s.theirs.len &&
			       memcmp(sheet.p, s.theirs.p, sheet.len) == 0,
		    OV_E_PROTO_EQUIVOCATION);
		goto done;
	}
	if (greatest < sequence_of(&s))
		greatest = sequence_of(&s);
	OV_REQUIRE(sequence <= greatest + SEQUENCE_STEP_MAX, OV_E_WIRE_RANGE);
	OV_TRY(store_their_sheet(home, &p, sequence, OV_BUF_BYTES(&sheet)));
done:
	sheets_free(&s);
	ov_buf_free(&sheet);
	return st;
}

/* --- signing --- */

/* TERMS, RELEASE and TERMS_BODY that follow from both sheets. */
static enum ov_status
derive(struct signed_row *r, const struct ov_home *home, const struct ov_partner *p,
    const struct sheets *s)
{
	bool low = ov_is_low(home->company, p->company);
	struct ov_terms_input in = { .low = low ? home->identity : p->identity,
		.high = low ? p->identity : home->identity,
		.sequence = sequence_of(s),
		.grants_low = OV_BUF_BYTES(low ? &s->mine : &s->theirs),
		.grants_high = OV_BUF_BYTES(low ? &s->theirs : &s->mine) };
	struct ov_msg_terms_body body;
	enum ov_status st;

	OV_TRY(ov_terms_derive(&r->terms, &r->release, &body, &in));
	OV_TRY(ov_msg_encode(&r->body, OV_MSG_TERMS_BODY, &body));
done:
	return st;
}

/* Signs what was derived and stores it before anybody sees it. */
static enum ov_status
sign(struct signed_row *r, struct ov_home *home, const struct ov_partner *p,
    uint64_t sequence)
{
	enum ov_status st;

	OV_TRY(ov_home_envelope_seal(&r->sealed, home, p->identity, p->envelope, "terms",
	    OV_BUF_BYTES(&r->terms)));
	OV_TRY(ov_home_sign(r->mine, home, "terms", OV_BUF_BYTES(&r->body)));
	OV_TRY(ov_db_begin(home->db));
	OV_TRY(ov_db_run(home->db,
	    "INSERT INTO terms(company, sequence, state, body, terms, release, sealed, "
	    "signature_mine) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
	    OV_DB_BLOB(p->company, OV_ID), OV_DB_I64(sequence),
	    OV_DB_I64(OV_TERMS_SIGNED), OV_DB_BYTES(OV_BUF_BYTES(&r->body)),
	    OV_DB_BYTES(OV_BUF_BYTES(&r->terms)), OV_DB_BYTES(OV_BUF_BYTES(&r->release)),
	    OV_DB_BYTES(OV_BUF_BYTES(&r->sealed)), OV_DB_BLOB(r->mine, 64)));
	OV_TRY(ov_db_commit(home->db, "terms.signed"));
	r->state = OV_TERMS_SIGNED;
done:
	ov_db_rollback(home->db);
	return st;
}

/* Offers the own sheet again, above `sequence`: what was signed there does not follow
 * from the newest sheets. */
static enum ov_status
offer_again(struct ov_home *home, const struct ov_partner *p, const struct sheets *s,
    uint64_t sequence)
{
	enum ov_status st;

	OV_REQUIRE(sequence < sequence_of(s) + SEQUENCE_STEP_MAX, OV_E_TERMS_MISMATCH);
	ov_log(OV_LOG_INFO, "terms.again", OV_F_ID("partner", p->company),
	    OV_F_U64("sequence", sequence + 1));
	OV_TRY(ov_db_begin(home->db));
	OV_TRY(ov_db_run(home->db,
	    "UPDATE sheet SET sequence = ? WHERE company = ? AND mine = 1",
	    OV_DB_I64(sequence + 1), OV_DB_BLOB(p->company, OV_ID)));
	OV_TRY(put_offer(home, p, sequence + 1, OV_BUF_BYTES(&s->mine)));
	OV_TRY(ov_db_commit(home->db, "terms.again"));
done:
	ov_db_rollback(home->db);
	return st;
}

static enum ov_status
store_in_force(struct signed_row *r, struct ov_home *home, const struct ov_partner *p,
    uint64_t sequence, const struct ov_msg_proven *proven)
{
	struct ov_buf proof = { 0 };
	enum ov_status st;

	OV_TRY(ov_msg_encode(&proof, OV_MSG_PROVEN, proven));
	OV_TRY(ov_db_begin(home->db));
	OV_TRY(ov_db_run(home->db,
	    "UPDATE terms SET state = ?, signature_theirs = ?, proof = ?, since = ? "
	    "WHERE "
	    "company = ? AND sequence = ?",
	    OV_DB_I64(OV_TERMS_IN_FORCE), OV_DB_BLOB(r->theirs, 64),
	    OV_DB_BLOB(proof.p, proof.len), OV_DB_I64(ov_home_now(home)),
	    OV_DB_BLOB(p->company, OV_ID), OV_DB_I64(sequence)));
	OV_TRY(ov_db_commit(home->db, "terms.in_force"));
	r->state = OV_TERMS_IN_FORCE;
done:
	ov_db_rollback(home->db);
	ov_buf_free(&proof);
	return st;
}

/* The broker's answer about exactly what was signed here: with both signatures and its
 * place in the log it comes into force. */
static enum ov_status
settle(struct signed_row *r, struct ov_home *home, struct ov_session *s,
    const struct ov_partner *p, uint64_t sequence, const struct ov_msg_terms_signed *m)
{
	bool low = ov_is_low(home->company, p->company);
	const struct ov_bytes *mine = low ? &m->signature_low : &m->signature_high;
	const struct ov_bytes *theirs = low ? &m->signature_high : &m->signature_low;
	struct ov_bytes parts[] = { OV_BUF_BYTES(&r->body), m->signature_low,
		m->signature_high };
	struct ov_msg_proven proven;
	uint8_t leaf[OV_DIGEST];
	enum ov_status st = OV_OK;

	OV_REQUIRE(
	    m->body.len == r->body.len && memcmp(m->body.p, r->body.p, r->body.len) == 0,
	    OV_E_TERMS_MISMATCH);
	OV_REQUIRE(
	    mine->len == 64 && memcmp(mine->p, r->mine, 64) == 0, OV_E_TERMS_MISMATCH);
	if (theirs->len == 0) {
		OV_TRY(
		    ov_session_check_head(s, m->head, m->head_signature, m->consistency));
		goto done;
	}
	OV_REQUIRE(theirs->len == 64, OV_E_CRYPTO_SIGNATURE);
	OV_TRY(
	    ov_verify_vartime(theirs->p, p->identity, "terms", OV_BUF_BYTES(&r->body)));
	OV_PROVEN_OF(&proven, m);
	ov_hash_parts(leaf, parts, 3);
	OV_TRY(ov_session_check_proven(
	    s, OV_LEAF_TERMS, OV_BYTES(leaf, sizeof(leaf)), &proven));
	memcpy(r->theirs, theirs->p, 64);
	OV_TRY(store_in_force(r, home, p, sequence, &proven));
done:
	return st;
}

/* The sequence number of the newest terms that the broker has; 0: none. */
static enum ov_status
ask_sequence(uint64_t *sequence, struct ov_session *s, const struct ov_partner *p)
{
	struct ov_msg_get_terms get = { .seen = ov_session_seen(s) };
	struct ov_msg_terms_signed m;
	struct ov_msg_terms_body body;
	struct ov_buf owner = { 0 };
	enum ov_status st;

	*sequence = 0;
	memcpy(get.partner, p->company, OV_ID);
	st = ov_session_call(
	    s, OV_MSG_GET_TERMS, &get, OV_MSG_TERMS_SIGNED, &m, &owner, CALL_TIMEOUT_MS);
	if (st == OV_E_NOT_FOUND || st == OV_E_BROKER_UNKNOWN) {
		st = OV_OK;
		goto done;
	}
	OV_TRY(st);
	OV_TRY(ov_session_check_head(s, m.head, m.head_signature, m.consistency));
	OV_TRY(ov_msg_decode(&body, OV_MSG_TERMS_BODY, m.body));
	*sequence = body.sequence;
done:
	ov_buf_free(&owner);
	return st;
}

/* Sends the signature.  *conflict: the broker has other terms under this number, or
 * newer ones in force. */
static enum ov_status
send(struct signed_row *r, bool *conflict, struct ov_home *home, struct ov_session *s,
    const struct ov_partner *p, uint64_t sequence)
{
	struct ov_msg_put_terms put = { .body = OV_BUF_BYTES(&r->body),
		.release = OV_BUF_BYTES(&r->release),
		.sealed = OV_BUF_BYTES(&r->sealed),
		.seen = ov_session_seen(s) };
	struct ov_msg_terms_signed m;
	struct ov_buf owner = { 0 };
	enum ov_status st;

	*conflict = false;
	memcpy(put.partner, p->company, OV_ID);
	memcpy(put.signature, r->mine, 64);
	st = ov_session_call(
	    s, OV_MSG_PUT_TERMS, &put, OV_MSG_TERMS_SIGNED, &m, &owner, CALL_TIMEOUT_MS);
	*conflict = st == OV_E_DB_CONFLICT;
	if (*conflict) {
		st = OV_OK;
		goto done;
	}
	OV_TRY(st);
	OV_TRY(settle(r, home, s, p, sequence, &m));
done:
	ov_buf_free(&owner);
	return st;
}

/* One pass.  *again: the own sheet was offered anew, under another number. */
static enum ov_status
advance(bool *again, struct ov_home *home, struct ov_session *session,
    const struct ov_partner *p)
{
	struct sheets s = { 0 };
	struct signed_row derived = { 0 }, r = { 0 };
	uint64_t sequence, other;
	bool consented, conflict;
	enum ov_status st;

	*again = false;
	OV_TRY(load_sheets(&s, home, p->company));
	if (s.mine.len == 0 || s.theirs.len == 0)
		goto done;
	sequence = sequence_of(&s);
	OV_TRY(derive(&derived, home, p, &s));
	st = load_row(&r, home, p->company, sequence);
	if (st == OV_E_NOT_FOUND) {
		OV_TRY(is_consented(&consented, &s));
		if (!consented)
			goto done;
		OV_TRY(sign(&derived, home, p, sequence));
		OV_TRY(load_row(&r, home, p->company, sequence));
	}
	OV_TRY(st);
	if (r.body.len != derived.body.len ||
	    memcmp(r.body.p, derived.body.p, r.body.len) != 0) {
		*again = true; /* one body a number: never sign a second */
		OV_TRY(offer_again(home, p, &s, sequence));
		goto done;
	}
	if (r.state == OV_TERMS_IN_FORCE)
		goto done;
	OV_TRY(send(&r, &conflict, home, session, p, sequence));
	if (conflict) {
		OV_TRY(ask_sequence(&other, session, p));
		*again = true;
		OV_TRY(offer_again(home, p, &s, other > sequence ? other : sequence));
	}
done:
	sheets_free(&s);
	row_free(&derived);
	row_free(&r);
	return st;
}

enum ov_status
ov_terms_advance(
    struct ov_home *home, struct ov_session *s, const struct ov_partner *partner)
{
	enum ov_status st;
	bool again;

	OV_REQUIRE(partner->state == OV_PARTNER_PAIRED, OV_E_PARTNER_UNPAIRED);
	OV_TRY(ov_hold_check(home, partner->company));
	OV_TRY(ov_home_unlock(home));
	OV_TRY(advance(&again, home, s, partner));
	if (again) /* once: the offer leaves with the mail, the signature goes with it */
		OV_TRY(advance(&again, home, s, partner));
done:
	return st;
}

/* --- what others ask --- */

static enum ov_status
state_of(struct ov_terms_view *v, struct ov_home *home, const uint8_t partner[OV_ID])
{
	struct signed_row r = { 0 };
	enum ov_status st = OV_OK;

	v->state = OV_TERMS_NONE;
	if (v->mine.len == 0 || v->theirs.len == 0) {
		if (v->mine.len > 0)
			v->state = OV_TERMS_OFFERED;
		if (v->theirs.len > 0)
			v->state = OV_TERMS_ASKED;
		goto done;
	}
	st = load_row(&r, home, partner, v->sequence);
	if (st == OV_OK)
		v->state = r.state;
	else if (st == OV_E_NOT_FOUND) {
		v->state = v->consented ? OV_TERMS_READY : OV_TERMS_ASKED;
		st = OV_OK;
	}
done:
	row_free(&r);
	return st;
}

enum ov_status
ov_terms_view(
    struct ov_terms_view *out, struct ov_home *home, const uint8_t partner[OV_ID])
{
	struct ov_terms_view v = { 0 };
	struct sheets s = { 0 };
	int64_t force;
	enum ov_status st;

	OV_TRY(load_sheets(&s, home, partner));
	v.sequence = sequence_of(&s);
	v.mine = s.mine;
	v.theirs = s.theirs;
	OV_TRY(is_consented(&v.consented, &s));
	OV_TRY(state_of(&v, home, partner));
	OV_TRY(ov_db_number(&force, home->db,
	    "SELECT coalesce(max(sequence), 0) FROM terms WHERE company = ? AND state = "
	    "?",
	    OV_DB_BLOB(partner, OV_ID), OV_DB_I64(OV_TERMS_IN_FORCE)));
	v.force_sequence = (uint64_t)force;
	*out = v;
	s = (struct sheets){ 0 };
done:
	sheets_free(&s);
	return st;
}

void
ov_terms_view_free(struct ov_terms_view *v)
{
	ov_buf_free(&v->mine);
	ov_buf_free(&v->theirs);
}

static enum ov_status
populations_of(
    struct ov_population p[OV_POPULATIONS_MAX], size_t *n, struct ov_bytes sheet)
{
	struct ov_msg_grants g;
	enum ov_status st;

	OV_TRY(ov_msg_decode(&g, OV_MSG_GRANTS, sheet));
	OV_TRY(ov_populations_unpack(p, n, g.populations));
done:
	return st;
}

enum ov_status
ov_terms_in_force(
    struct ov_terms *out, struct ov_home *home, const uint8_t partner[OV_ID])
{
	struct signed_row r = { 0 };
	struct ov_terms t = { 0 };
	struct ov_msg_terms m;
	struct ov_msg_terms_body body;
	enum ov_status st;

	OV_TRY(load_in_force(&r, home, partner));
	OV_TRY(ov_msg_decode(&m, OV_MSG_TERMS, OV_BUF_BYTES(&r.terms)));
	OV_TRY(ov_msg_decode(&body, OV_MSG_TERMS_BODY, OV_BUF_BYTES(&r.body)));
	OV_TRY(ov_release_decode(&t.release, OV_BUF_BYTES(&r.release)));
	t.sequence = body.sequence;
	t.low = ov_is_low(home->company, partner);
	memcpy(t.digest, body.terms, OV_DIGEST);
	memcpy(t.release_digest, body.release, OV_DIGEST);
	OV_TRY(populations_of(t.mine, &t.n_mine, t.low ? m.grants_low : m.grants_high));
	OV_TRY(
	    populations_of(t.theirs, &t.n_theirs, t.low ? m.grants_high : m.grants_low));
	t.since = r.since;
	*out = t;
done:
	row_free(&r);
	return st;
}

enum ov_status
ov_terms_text(
    struct ov_terms_text *out, struct ov_home *home, const uint8_t partner[OV_ID])
{
	bool low = ov_is_low(home->company, partner);
	struct signed_row r = { 0 };
	enum ov_status st;

	OV_TRY(load_in_force(&r, home, partner));
	*out = (struct ov_terms_text){
		.terms = r.terms, .body = r.body, .release = r.release
	};
	memcpy(low ? out->signature_low : out->signature_high, r.mine, 64);
	memcpy(low ? out->signature_high : out->signature_low, r.theirs, 64);
	r.terms = r.body = r.release = (struct ov_buf){ 0 };
done:
	row_free(&r);
	return st;
}

void
ov_terms_text_free(struct ov_terms_text *t)
{
	ov_buf_free(&t->terms);
	ov_buf_free(&t->body);
	ov_buf_free(&t->release);
}
