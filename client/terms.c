#include "client/terms.h"

#include <string.h>

#include "client/criteria.h"
#include "client/hold.h"
#include "client/terms_impl.h"
#include "common/log.h"
#include "proto/keys.h"

#define CALL_TIMEOUT_MS 30000

/* --- signing --- */

static bool
same_bytes(const struct ov_buf *a, const struct ov_buf *b)
{
	return a->len == b->len && (a->len == 0 || memcmp(a->p, b->p, a->len) == 0);
}

/* TERMS, RELEASE and TERMS_BODY that follow from both sheets. */
static enum ov_status
derive(struct ov_signed_terms *r, const struct ov_home *home, const struct ov_partner *p,
    const struct ov_sheets *s)
{
	bool low = ov_is_low(home->company, p->company);
	struct ov_terms_input in = { .low = low ? home->identity : p->identity,
		.high = low ? p->identity : home->identity,
		.sequence = ov_sheets_sequence(s),
		.grants_low = OV_BUF_BYTES(low ? &s->mine : &s->theirs),
		.grants_high = OV_BUF_BYTES(low ? &s->theirs : &s->mine) };
	struct ov_msg_terms_body body;
	enum ov_status st;

	OV_TRY(ov_terms_derive(&r->terms, &r->release, &body, &in));
	OV_TRY(ov_msg_encode(&r->body, OV_MSG_TERMS_BODY, &body));
done:
	return st;
}

/* Signs what was derived and stores it before anybody sees it.  A person who consented
 * without the partner's sheet has, from now on, consented to this one. */
static enum ov_status
sign(struct ov_signed_terms *r, struct ov_home *home, const struct ov_partner *p,
    const struct ov_sheets *s)
{
	uint64_t sequence = ov_sheets_sequence(s);
	struct ov_bytes criteria;
	enum ov_status st;

	OV_TRY(
	    ov_criteria_of(&criteria, OV_BUF_BYTES(&s->mine), OV_BUF_BYTES(&s->theirs)));
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
	OV_TRY(ov_db_run(home->db,
	    "UPDATE sheet SET seen = ? WHERE company = ? AND mine = 1 AND seen IS NULL",
	    OV_DB_BYTES(OV_BUF_BYTES(&s->theirs)), OV_DB_BLOB(p->company, OV_ID)));
	OV_TRY(ov_criteria_accept(home, p->company, criteria));
	OV_TRY(ov_db_commit(home->db, "terms.signed"));
	r->state = OV_TERMS_SIGNED;
done:
	ov_db_rollback(home->db);
	return st;
}

/* Offers the own sheet again, above `sequence`: what was signed there does not follow
 * from the newest sheets. */
static enum ov_status
offer_again(struct ov_home *home, const struct ov_partner *p, const struct ov_sheets *s,
    uint64_t sequence)
{
	enum ov_status st;

	OV_REQUIRE(
	    sequence < ov_sheets_sequence(s) + OV_SEQUENCE_STEP_MAX, OV_E_TERMS_MISMATCH);
	ov_log(OV_LOG_INFO, "terms.again", OV_F_ID("partner", p->company),
	    OV_F_U64("sequence", sequence + 1));
	OV_TRY(ov_db_begin(home->db));
	OV_TRY(ov_db_run(home->db,
	    "UPDATE sheet SET sequence = ? WHERE company = ? AND mine = 1",
	    OV_DB_I64(sequence + 1), OV_DB_BLOB(p->company, OV_ID)));
	OV_TRY(ov_terms_put_offer(home, p, sequence + 1, OV_BUF_BYTES(&s->mine)));
	OV_TRY(ov_db_commit(home->db, "terms.again"));
done:
	ov_db_rollback(home->db);
	return st;
}

static enum ov_status
store_in_force(struct ov_signed_terms *r, struct ov_home *home,
    const struct ov_partner *p, uint64_t sequence, const struct ov_msg_proven *proven)
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
settle(struct ov_signed_terms *r, struct ov_home *home, struct ov_session *s,
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
send(struct ov_signed_terms *r, bool *conflict, struct ov_home *home,
    struct ov_session *s, const struct ov_partner *p, uint64_t sequence)
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

enum ov_status
ov_terms_obstacle(struct ov_home *home, const uint8_t partner[OV_ID],
    struct ov_bytes mine, struct ov_bytes theirs, struct ov_fault *fault)
{
	struct ov_bytes criteria;
	uint64_t next = 0;
	enum ov_status st = OV_OK;

	if (mine.len == 0 || theirs.len == 0)
		goto done;
	OV_TRY(ov_criteria_check(mine, theirs, fault));
	OV_TRY(ov_criteria_of(&criteria, mine, theirs));
	st = ov_criteria_may(&next, home, partner, criteria);
	if (st == OV_E_TERMS_TOO_SOON)
		(void)ov_fault_set(fault, st, 0,
		    "the last change of criteria, by the partner or one of its group, is "
		    "less than %d days ago",
		    OV_CRITERIA_DAYS);
done:
	return st;
}

/* The same as a finding; fails where it cannot be found out. */
static enum ov_status
obstacle_of(enum ov_status *out, struct ov_home *home, const uint8_t partner[OV_ID],
    const struct ov_sheets *s)
{
	*out = ov_terms_obstacle(
	    home, partner, OV_BUF_BYTES(&s->mine), OV_BUF_BYTES(&s->theirs), NULL);
	return *out == OV_E_TERMS_CRITERIA || *out == OV_E_TERMS_TOO_SOON ? OV_OK : *out;
}

/* One pass.  *again: the own sheet was offered anew, under another number. */
static enum ov_status
advance(bool *again, struct ov_home *home, struct ov_session *session,
    const struct ov_partner *p)
{
	struct ov_sheets s = { 0 };
	struct ov_signed_terms derived = { 0 }, r = { 0 };
	uint64_t sequence, other;
	bool consented, conflict;
	enum ov_status obstacle, st;

	*again = false;
	OV_TRY(ov_sheets_load(&s, home, p->company));
	if (s.mine.len == 0 || s.theirs.len == 0)
		goto done;
	sequence = ov_sheets_sequence(&s);
	OV_TRY(derive(&derived, home, p, &s));
	st = ov_signed_terms_load(&r, home, p->company, sequence);
	if (st == OV_E_NOT_FOUND) {
		OV_TRY(ov_sheets_consented(&consented, &s));
		OV_TRY(obstacle_of(&obstacle, home, p->company, &s));
		if (!consented || obstacle != OV_OK)
			goto done;
		OV_TRY(sign(&derived, home, p, &s));
		OV_TRY(ov_signed_terms_load(&r, home, p->company, sequence));
	}
	OV_TRY(st);
	if (!same_bytes(&r.body, &derived.body)) {
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
	ov_sheets_free(&s);
	ov_signed_terms_free(&derived);
	ov_signed_terms_free(&r);
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
	struct ov_signed_terms r = { 0 };
	enum ov_status st = OV_OK;

	v->state = OV_TERMS_NONE;
	if (v->mine.len == 0 || v->theirs.len == 0) {
		if (v->mine.len > 0)
			v->state = OV_TERMS_OFFERED;
		if (v->theirs.len > 0)
			v->state = OV_TERMS_ASKED;
		goto done;
	}
	st = ov_signed_terms_load(&r, home, partner, v->sequence);
	if (st == OV_OK)
		v->state = r.state;
	else if (st == OV_E_NOT_FOUND) {
		v->state = v->consented && v->obstacle == OV_OK ? OV_TERMS_READY
								: OV_TERMS_ASKED;
		st = OV_OK;
	}
done:
	ov_signed_terms_free(&r);
	return st;
}

enum ov_status
ov_terms_view(
    struct ov_terms_view *out, struct ov_home *home, const uint8_t partner[OV_ID])
{
	struct ov_terms_view v = { 0 };
	struct ov_sheets s = { 0 };
	enum ov_status st;

	OV_TRY(ov_sheets_load(&s, home, partner));
	v.sequence = ov_sheets_sequence(&s);
	v.mine = s.mine;
	v.theirs = s.theirs;
	OV_TRY(ov_sheets_consented(&v.consented, &s));
	OV_TRY(obstacle_of(&v.obstacle, home, partner, &s));
	OV_TRY(state_of(&v, home, partner));
	OV_TRY(ov_signed_terms_in_force_sequence(&v.force_sequence, home, partner));
	*out = v;
	s.mine = s.theirs = (struct ov_buf){ 0 };
done:
	ov_sheets_free(&s);
	return st;
}

void
ov_terms_view_free(struct ov_terms_view *v)
{
	ov_buf_free(&v->mine);
	ov_buf_free(&v->theirs);
}

static enum ov_status
populations_of(struct ov_population p[OV_POPULATIONS_MAX], size_t *n,
    struct ov_msg_grants *g, struct ov_bytes sheet)
{
	enum ov_status st;

	OV_TRY(ov_msg_decode(g, OV_MSG_GRANTS, sheet));
	OV_TRY(ov_populations_unpack(p, n, g->populations));
done:
	return st;
}

/* What each side gives, the levels as the release table has them. */
static enum ov_status
take_populations(struct ov_terms *t, const struct ov_msg_terms *m)
{
	struct ov_population stated[OV_POPULATIONS_MAX];
	struct ov_msg_grants mine, theirs;
	enum ov_status st;

	OV_TRY(populations_of(
	    t->mine, &t->n_mine, &mine, t->low ? m->grants_low : m->grants_high));
	OV_TRY(populations_of(
	    t->theirs, &t->n_theirs, &theirs, t->low ? m->grants_high : m->grants_low));
	memcpy(stated, t->mine, sizeof(stated));
	t->size_mine = (uint32_t)mine.size;
	t->size_theirs = (uint32_t)theirs.size;
	if (mine.reciprocal == 1)
		ov_populations_reciprocate(t->mine, t->n_mine, t->theirs, t->n_theirs);
	if (theirs.reciprocal == 1)
		ov_populations_reciprocate(t->theirs, t->n_theirs, stated, t->n_mine);
done:
	return st;
}

/* The bytes against both signatures and each other. */
static enum ov_status
check_kept(const struct ov_signed_terms *r, struct ov_home *home,
    const uint8_t partner[OV_ID], const struct ov_msg_terms *m)
{
	bool low = ov_is_low(home->company, partner);
	struct ov_buf terms = { 0 }, release = { 0 }, text = { 0 };
	const struct ov_terms_input in = { .low = m->low,
		.high = m->high,
		.sequence = m->sequence,
		.grants_low = m->grants_low,
		.grants_high = m->grants_high };
	const uint8_t *theirs = low ? m->high : m->low;
	struct ov_msg_terms_body body;
	uint8_t id[OV_ID];
	enum ov_status st;

	ov_company_id(id, theirs);
	OV_REQUIRE(memcmp(id, partner, OV_ID) == 0, OV_E_TERMS_DAMAGED);
	OV_REQUIRE(
	    memcmp(low ? m->low : m->high, home->identity, 32) == 0, OV_E_TERMS_DAMAGED);
	OV_TRY(ov_terms_derive(&terms, &release, &body, &in));
	OV_TRY(ov_msg_encode(&text, OV_MSG_TERMS_BODY, &body));
	OV_REQUIRE(same_bytes(&terms, &r->terms) && same_bytes(&release, &r->release) &&
		       same_bytes(&text, &r->body),
	    OV_E_TERMS_DAMAGED);
	OV_TRY(
	    ov_verify_vartime(r->mine, home->identity, "terms", OV_BUF_BYTES(&r->body)));
	OV_TRY(ov_verify_vartime(r->theirs, theirs, "terms", OV_BUF_BYTES(&r->body)));
done:
	ov_buf_free(&terms);
	ov_buf_free(&release);
	ov_buf_free(&text);
	return st == OV_OK || st == OV_E_NOMEM ? st : OV_E_TERMS_DAMAGED;
}

/* What was signed by both, checked and as a job needs it. */
static enum ov_status
read_terms(struct ov_terms *out, const struct ov_signed_terms *r, struct ov_home *home,
    const uint8_t partner[OV_ID])
{
	struct ov_terms t = { 0 };
	struct ov_msg_terms m;
	struct ov_msg_terms_body body;
	enum ov_status st = OV_OK;

	OV_REQUIRE(ov_msg_decode(&m, OV_MSG_TERMS, OV_BUF_BYTES(&r->terms)) == OV_OK,
	    OV_E_TERMS_DAMAGED);
	OV_TRY(check_kept(r, home, partner, &m));
	OV_TRY(ov_msg_decode(&body, OV_MSG_TERMS_BODY, OV_BUF_BYTES(&r->body)));
	OV_TRY(ov_release_decode(&t.release, OV_BUF_BYTES(&r->release)));
	memcpy(t.partner, partner, OV_ID);
	t.sequence = body.sequence;
	t.low = ov_is_low(home->company, partner);
	memcpy(t.digest, body.terms, OV_DIGEST);
	memcpy(t.release_digest, body.release, OV_DIGEST);
	OV_TRY(take_populations(&t, &m));
	t.since = r->since;
	*out = t;
done:
	return st;
}

enum ov_status
ov_terms_in_force(
    struct ov_terms *out, struct ov_home *home, const uint8_t partner[OV_ID])
{
	struct ov_signed_terms r = { 0 };
	enum ov_status st;

	OV_TRY(ov_signed_terms_in_force(&r, home, partner));
	OV_TRY(read_terms(out, &r, home, partner));
done:
	ov_signed_terms_free(&r);
	return st;
}

enum ov_status
ov_terms_were_in_force(struct ov_terms *out, struct ov_home *home,
    const uint8_t partner[OV_ID], uint64_t sequence)
{
	struct ov_signed_terms r = { 0 };
	enum ov_status st = ov_signed_terms_load(&r, home, partner, sequence);

	OV_REQUIRE(st != OV_E_NOT_FOUND, OV_E_TERMS_MISSING);
	OV_TRY(st);
	OV_REQUIRE(r.state == OV_TERMS_IN_FORCE, OV_E_TERMS_MISSING);
	OV_TRY(read_terms(out, &r, home, partner));
done:
	ov_signed_terms_free(&r);
	return st;
}

enum ov_status
ov_terms_criteria(struct ov_buf *text, struct ov_shared_columns *columns,
    struct ov_home *home, const struct ov_terms *terms, enum ov_criteria_side side)
{
	bool low_asks = terms->low == (side == OV_CRITERIA_MINE);
	struct ov_signed_terms r = { 0 };
	struct ov_msg_grants asks, gives;
	struct ov_msg_terms m;
	enum ov_status st;

	OV_TRY(ov_signed_terms_load(&r, home, terms->partner, terms->sequence));
	OV_TRY(ov_msg_decode(&m, OV_MSG_TERMS, OV_BUF_BYTES(&r.terms)));
	OV_TRY(
	    ov_msg_decode(&asks, OV_MSG_GRANTS, low_asks ? m.grants_low : m.grants_high));
	OV_TRY(ov_msg_decode(
	    &gives, OV_MSG_GRANTS, low_asks ? m.grants_high : m.grants_low));
	OV_TRY(ov_shared_columns_unpack(columns, gives.icp_columns));
	OV_TRY(ov_buf_append(text, asks.icp.p, asks.icp.len));
done:
	ov_signed_terms_free(&r);
	return st;
}

enum ov_status
ov_terms_sheets(struct ov_buf *mine, struct ov_buf *theirs, struct ov_home *home,
    const uint8_t partner[OV_ID])
{
	bool low = ov_is_low(home->company, partner);
	struct ov_signed_terms r = { 0 };
	struct ov_msg_terms m;
	enum ov_status st;

	OV_TRY(ov_signed_terms_in_force(&r, home, partner));
	OV_TRY(ov_msg_decode(&m, OV_MSG_TERMS, OV_BUF_BYTES(&r.terms)));
	OV_TRY(ov_buf_append(low ? mine : theirs, m.grants_low.p, m.grants_low.len));
	OV_TRY(ov_buf_append(low ? theirs : mine, m.grants_high.p, m.grants_high.len));
done:
	ov_signed_terms_free(&r);
	return st;
}

enum ov_status
ov_terms_text(
    struct ov_terms_text *out, struct ov_home *home, const uint8_t partner[OV_ID])
{
	bool low = ov_is_low(home->company, partner);
	struct ov_signed_terms r = { 0 };
	enum ov_status st;

	OV_TRY(ov_signed_terms_in_force(&r, home, partner));
	*out = (struct ov_terms_text){
		.terms = r.terms, .body = r.body, .release = r.release
	};
	memcpy(low ? out->signature_low : out->signature_high, r.mine, 64);
	memcpy(low ? out->signature_high : out->signature_low, r.theirs, 64);
	r.terms = r.body = r.release = (struct ov_buf){ 0 };
done:
	ov_signed_terms_free(&r);
	return st;
}

void
ov_terms_text_free(struct ov_terms_text *t)
{
	ov_buf_free(&t->terms);
	ov_buf_free(&t->body);
	ov_buf_free(&t->release);
}
