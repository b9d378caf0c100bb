#include "client/mail.h"

#include <stdlib.h>
#include <string.h>

#include "client/ask.h"
#include "client/end.h"
#include "client/identity.h"
#include "client/pair.h"
#include "client/partner.h"
#include "client/terms.h"
#include "common/crypto/memory.h"
#include "common/log.h"

#define CALL_TIMEOUT_MS 30000
#define REFUSED_MAX 100 /* refused mails that are kept to be shown */
#define DONE_MAX 1000	/* mails that are known when they come again */
#define WAITING_MAX 64	/* proposals, and other mails, of one company (PROTOCOL 4) */

/* How a stored mail stands; in the database. */
enum mail_state { MAIL_NEW = 1, MAIL_DONE = 2, MAIL_REFUSED = 3 };

struct row {
	int64_t id;
	uint8_t company[OV_ID], mail[OV_ID];
	enum ov_mail kind;
	struct ov_buf body;
};

/* --- out --- */

enum ov_status
ov_mail_put(struct ov_home *home, const uint8_t to[OV_ID], enum ov_mail kind,
    struct ov_bytes body)
{
	uint8_t h[OV_HASH_LEN];
	struct ov_hash state;

	ov_hash_init(&state);
	ov_hash_raw(&state, body.p, body.len);
	ov_hash_final(&state, h);
	return ov_db_run(home->db,
	    "INSERT INTO mail_out(company, mail, kind, body, created) VALUES (?, ?, ?, "
	    "?, "
	    "?) ON CONFLICT(company, mail) DO NOTHING",
	    OV_DB_BLOB(to, OV_ID), OV_DB_BLOB(h, OV_ID), OV_DB_I64(kind),
	    OV_DB_BYTES(body), OV_DB_I64(ov_home_now(home)));
}

/* The next row of a statement with columns id, company, mail, kind, body; takes it over.
 * OV_E_NOT_FOUND after the last one. */
static enum ov_status
take_row(struct row *r, struct ov_db_stmt *q)
{
	struct ov_bytes body;
	enum ov_status st = OV_OK;
	bool row;

	OV_TRY(ov_db_step(q, &row));
	OV_REQUIRE(row, OV_E_NOT_FOUND);
	r->id = ov_db_i64(q, 0);
	OV_TRY(ov_db_copy(r->company, sizeof(r->company), q, 1));
	OV_TRY(ov_db_copy(r->mail, sizeof(r->mail), q, 2));
	r->kind = (enum ov_mail)ov_db_i64(q, 3);
	body = ov_db_blob(q, 4);
	r->body.len = 0;
	OV_TRY(ov_buf_append(&r->body, body.p, body.len));
done:
	ov_db_finish(q);
	return st;
}

static enum ov_status
next_out(struct row *r, struct ov_home *home, int64_t after)
{
	struct ov_db_stmt *q = NULL;
	enum ov_status st;

	OV_TRY(ov_db_query(&q, home->db,
	    "SELECT id, company, mail, kind, body FROM mail_out WHERE id > ? AND sent IS "
	    "NULL AND refused IS NULL ORDER BY id LIMIT 1",
	    OV_DB_I64(after)));
	OV_TRY(take_row(r, q));
done:
	return st;
}

/* refused: OV_OK if the broker has it, with the place in the log of a mail that has one.
 * The body goes: what it said is stored elsewhere. */
static enum ov_status
mark_out(struct ov_home *home, const struct row *r, enum ov_status refused,
    const struct ov_msg_proven *place)
{
	enum ov_status st;

	OV_TRY(ov_db_begin(home->db));
	if (refused == OV_OK && ov_end_is_logged(r->kind))
		OV_TRY(ov_end_keep_proof(
		    home, r->company, r->kind, OV_BUF_BYTES(&r->body), place));
	OV_TRY(ov_db_run(home->db,
	    "UPDATE mail_out SET body = x'', sent = ?, refused = ? WHERE id = ?",
	    OV_DB_I64(ov_home_now(home)),
	    OV_DB_TEXT(refused == OV_OK ? NULL : ov_status_name(refused)),
	    OV_DB_I64(r->id)));
	OV_TRY(ov_db_commit(home->db, "mail.sent"));
done:
	ov_db_rollback(home->db);
	return st;
}

/* What is answered with its place in the log, which is checked. */
static enum ov_status
send_logged(struct ov_msg_proven *place, struct ov_buf *owner, struct ov_session *s,
    const struct ov_msg_put_mail *put)
{
	enum ov_status st = ov_session_call(
	    s, OV_MSG_PUT_MAIL, put, OV_MSG_PROVEN, place, owner, CALL_TIMEOUT_MS);

	OV_REQUIRE(st == OV_OK || st == OV_E_PROTO_UNEXPECTED, st);
	st = ov_end_check_proof(s, put->body, st == OV_OK ? place : NULL);
done:
	return st;
}

/* place, of a mail that has one, borrows from owner. */
static enum ov_status
send_one(struct ov_msg_proven *place, struct ov_buf *owner, struct ov_session *s,
    const struct row *r)
{
	struct ov_msg_put_mail put = { .kind = r->kind, .body = OV_BUF_BYTES(&r->body) };
	struct ov_msg_done reply;

	memcpy(put.to, r->company, OV_ID);
	memcpy(put.mail, r->mail, OV_ID);
	if (ov_end_is_logged(r->kind))
		return send_logged(place, owner, s, &put);
	return ov_session_call(
	    s, OV_MSG_PUT_MAIL, &put, OV_MSG_DONE, &reply, owner, CALL_TIMEOUT_MS);
}

/* A full mailbox of one company must not hold up the mail to the others.  A statement is
 * made once, by keys that are gone, and that a partnership ended is said once: they wait
 * for a company that is revoked until the broker knows it again. */
static bool
is_passing(enum ov_status st, enum ov_mail kind)
{
	return st == OV_E_BROKER_QUOTA || st == OV_E_NET_LIMIT ||
	       st == OV_E_BROKER_WAIT ||
	       (st == OV_E_BROKER_UNKNOWN &&
		   (kind == OV_MAIL_IDENTITY || kind == OV_MAIL_TERMS_END ||
		       kind == OV_MAIL_TERMS_ENDED));
}

enum ov_status
ov_mail_flush(struct ov_home *home, struct ov_session *s)
{
	struct row r = { 0 };
	struct ov_msg_proven place;
	struct ov_buf owner = { 0 };
	enum ov_status st;

	for (;;) {
		st = next_out(&r, home, r.id);
		if (st == OV_E_NOT_FOUND)
			break;
		OV_TRY(st);
		st = send_one(&place, &owner, s, &r);
		if (is_passing(st, r.kind))
			continue;
		/* only what is said of this very mail ends it: its body is not kept */
		if (st != OV_OK && st != OV_E_DB_CONFLICT &&
		    (ov_session_is_passing(st) || ov_status_class(st) != OV_CLASS_PEER))
			goto done;
		OV_TRY(mark_out(home, &r, st, &place));
	}
	st = OV_OK;
done:
	ov_buf_free(&owner);
	ov_buf_free(&r.body);
	return st;
}

/* --- in --- */

/* Mail that cannot be worked on yet stays; nobody fills this disk with it.  Proposals,
 * which wait for `run` or `agent`, take no room from the rest. */
static enum ov_status
has_room(bool *out, struct ov_home *home, const struct ov_msg_mail *m)
{
	int64_t n = 0;
	enum ov_status st = ov_db_number(&n, home->db,
	    "SELECT count(*) FROM mail_in WHERE state = ?1 AND company = ?2 AND"
	    " (kind = ?4) = (?3 = ?4)",
	    OV_DB_I64(MAIL_NEW), OV_DB_BLOB(m->from, OV_ID), OV_DB_I64(m->kind),
	    OV_DB_I64(OV_MAIL_JOB));

	*out = n < WAITING_MAX;
	return st;
}

static enum ov_status
forget_beyond(struct ov_home *home, enum mail_state state, int64_t keep)
{
	return ov_db_run(home->db,
	    "DELETE FROM mail_in WHERE state = ?1 AND id NOT IN (SELECT id FROM mail_in "
	    "WHERE state = ?1 ORDER BY id DESC LIMIT ?2)",
	    OV_DB_I64(state), OV_DB_I64(keep));
}

/* Stores a mail of the broker; the same one again changes nothing. */
static enum ov_status
store_in(struct ov_home *home, const struct ov_msg_mail *m)
{
	bool room;
	enum ov_status st;

	OV_TRY(has_room(&room, home, m));
	if (!room)
		ov_log(OV_LOG_WARN, "mail.refused", OV_F_ID("from", m->from),
		    OV_F_U64("kind", m->kind), OV_F_STATUS(OV_E_MAIL_LIMIT));
	OV_TRY(ov_db_begin(home->db));
	OV_TRY(ov_db_run(home->db,
	    "INSERT INTO mail_in(seq, company, mail, kind, sent, received, body, state,"
	    " reason) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
	    " ON CONFLICT(seq, company, mail) DO NOTHING",
	    OV_DB_I64(m->seq), OV_DB_BLOB(m->from, OV_ID), OV_DB_BLOB(m->mail, OV_ID),
	    OV_DB_I64(m->kind), OV_DB_I64(m->sent), OV_DB_I64(ov_home_now(home)),
	    room ? OV_DB_BYTES(m->body) : OV_DB_NULL,
	    OV_DB_I64(room ? MAIL_NEW : MAIL_REFUSED),
	    OV_DB_TEXT(room ? NULL : ov_status_name(OV_E_MAIL_LIMIT))));
	OV_TRY(forget_beyond(home, MAIL_REFUSED, REFUSED_MAX));
	OV_TRY(ov_db_commit(home->db, "mail.stored"));
done:
	ov_db_rollback(home->db);
	return st;
}

/* Who sends a statement that waits is nobody's partner yet: its other mail waits behind.
 */
static enum ov_status
next_in(struct row *r, struct ov_home *home, int64_t after)
{
	struct ov_db_stmt *q = NULL;
	enum ov_status st;

	OV_TRY(ov_db_query(&q, home->db,
	    "SELECT id, company, mail, kind, body FROM mail_in m WHERE state = ?1 AND id "
	    "> ?2 AND NOT EXISTS (SELECT 1 FROM mail_in s WHERE s.state = ?1 AND s.kind ="
	    " ?3 AND s.company = m.company AND s.id < m.id) ORDER BY id LIMIT 1",
	    OV_DB_I64(MAIL_NEW), OV_DB_I64(after), OV_DB_I64(OV_MAIL_IDENTITY)));
	OV_TRY(take_row(r, q));
done:
	return st;
}

static enum ov_status
mark_in(struct ov_home *home, int64_t id, enum mail_state state, enum ov_status reason)
{
	enum ov_status st;

	OV_TRY(ov_db_begin(home->db));
	OV_TRY(ov_db_run(home->db,
	    "UPDATE mail_in SET state = ?, reason = ?, body = NULL WHERE id = ?",
	    OV_DB_I64(state), OV_DB_TEXT(reason == OV_OK ? NULL : ov_status_name(reason)),
	    OV_DB_I64(id)));
	OV_TRY(forget_beyond(home, MAIL_REFUSED, REFUSED_MAX));
	OV_TRY(forget_beyond(home, MAIL_DONE, DONE_MAX));
	OV_TRY(ov_db_commit(home->db, "mail.done"));
done:
	ov_db_rollback(home->db);
	return st;
}

enum ov_status
ov_mail_drop_new(struct ov_home *home)
{
	return ov_db_run(home->db, "DELETE FROM mail_in WHERE state = ? AND kind <> ?",
	    OV_DB_I64(MAIL_NEW), OV_DB_I64(OV_MAIL_IDENTITY));
}

enum ov_status
ov_mail_done_within(struct ov_home *home, const uint8_t from[OV_ID], struct ov_bytes body)
{
	return ov_db_run(home->db,
	    "UPDATE mail_in SET state = ?, body = NULL WHERE state = ? AND company = ?"
	    " AND body = ?",
	    OV_DB_I64(MAIL_DONE), OV_DB_I64(MAIL_NEW), OV_DB_BLOB(from, OV_ID),
	    OV_DB_BYTES(body));
}

/* What to do with a mail. */
enum verdict { DID, LATER, REFUSED };

static enum verdict
verdict_of(enum ov_status st)
{
	if (st == OV_OK)
		return DID;
	return ov_session_is_passing(st) ? LATER : REFUSED;
}

/* One that is ahead of the clock is taken when its time has come, and one that would take
 * an unread report away when that is here: no other follows. */
static enum verdict
verdict_of_statement(enum ov_status st)
{
	return st == OV_E_PROTO_CLOCK || st == OV_E_JOB_WAITING ? LATER : verdict_of(st);
}

static enum ov_status
take_job(const struct row *r, const struct ov_mail_handlers *h)
{
	if (r->body.len != OV_ID)
		return OV_E_WIRE_RANGE;
	return h->job(h->arg, r->body.p);
}

static enum verdict
work_on(enum ov_status *why, struct ov_home *home, struct ov_session *s,
    const struct row *r, const struct ov_mail_handlers *h)
{
	struct ov_bytes body = OV_BUF_BYTES(&r->body);
	struct ov_partner p;

	*why = OV_OK;
	switch (r->kind) {
	case OV_MAIL_PAIR_REQUEST:
		return verdict_of(*why = ov_pair_take_request(home, r->company, body));
	case OV_MAIL_PAIR_REPLY:
		return verdict_of(*why = ov_pair_take_reply(home, r->company, body));
	case OV_MAIL_TERMS_OFFER:
		return verdict_of(*why = ov_terms_take_offer(home, r->company, body));
	case OV_MAIL_TERMS_SIGNED:
		return DID; /* ov_terms_advance asks for everything that is open */
	case OV_MAIL_JOB:
		if (h == NULL || h->job == NULL)
			return LATER;
		return verdict_of(*why = take_job(r, h));
	case OV_MAIL_TERMS_ASK:
		return verdict_of(*why = ov_ask_take(home, r->company, body));
	case OV_MAIL_TERMS_END:
		return verdict_of(*why = ov_end_take(home, r->company, body));
	case OV_MAIL_TERMS_ENDED:
		return verdict_of(
		    *why = ov_end_take_confirmation(home, r->company, body));
	case OV_MAIL_COSELL:
		break;
	case OV_MAIL_IDENTITY:
		return verdict_of_statement(
		    *why = ov_identity_take(home, s, r->company, body));
	}
	if ((*why = ov_partner_get(&p, home, r->company)) != OV_OK)
		return verdict_of(*why);
	if (r->kind != OV_MAIL_COSELL) /* of another release */
		return verdict_of(*why = OV_E_WIRE_UNKNOWN);
	if (h == NULL || h->cosell == NULL)
		return LATER;
	return verdict_of(*why = h->cosell(h->arg, r->company, body));
}

/* Works on everything that is stored and new, once. */
static enum ov_status
work(size_t *n, struct ov_home *home, struct ov_session *s,
    const struct ov_mail_handlers *h)
{
	struct row r = { 0 };
	enum ov_status st, why;

	for (;;) {
		st = next_in(&r, home, r.id);
		if (st == OV_E_NOT_FOUND)
			break;
		OV_TRY(st);
		switch (work_on(&why, home, s, &r, h)) {
		case DID:
			OV_TRY(mark_in(home, r.id, MAIL_DONE, OV_OK));
			++*n;
			break;
		case LATER:
			break;
		case REFUSED:
			ov_log(OV_LOG_WARN, "mail.refused", OV_F_ID("from", r.company),
			    OV_F_U64("kind", r.kind), OV_F_STATUS(why));
			OV_TRY(mark_in(home, r.id, MAIL_REFUSED, why));
			break;
		}
	}
	st = OV_OK;
done:
	ov_buf_free(&r.body);
	return st;
}

/* Stores the next mail after *after and drops it at the broker.  OV_E_BROKER_WAIT: none.
 */
static enum ov_status
fetch(uint64_t *after, struct ov_home *home, struct ov_session *s, uint32_t wait_ms)
{
	struct ov_msg_get_mail get = { .after = *after, .wait_ms = wait_ms };
	struct ov_msg_drop_mail drop;
	struct ov_msg_mail mail;
	struct ov_msg_done reply;
	struct ov_buf owner = { 0 }, owner2 = { 0 };
	enum ov_status st;

	OV_TRY(ov_session_call(s, OV_MSG_GET_MAIL, &get, OV_MSG_MAIL, &mail, &owner,
	    CALL_TIMEOUT_MS + wait_ms));
	OV_REQUIRE(mail.seq > *after, OV_E_PROTO_UNEXPECTED);
	OV_TRY(store_in(home, &mail));
	drop.upto = mail.seq;
	OV_TRY(ov_session_call(
	    s, OV_MSG_DROP_MAIL, &drop, OV_MSG_DONE, &reply, &owner2, CALL_TIMEOUT_MS));
	*after = mail.seq;
done:
	ov_buf_free(&owner);
	ov_buf_free(&owner2);
	return st;
}

/* Who is paired, taken before anything is written: a walk only reads. */
struct crowd {
	size_t n, cap;
	struct ov_partner *p;
};

static enum ov_status
join_crowd(void *arg, const struct ov_partner *p)
{
	struct crowd *c = arg;

	if (p->state != OV_PARTNER_PAIRED || p->suspended)
		return OV_OK;
	if (c->n == c->cap) {
		size_t cap = c->cap > 0 ? 2 * c->cap : 16;
		struct ov_partner *more = reallocarray(c->p, cap, sizeof(*more));

		if (more == NULL)
			return OV_E_NOMEM;
		c->p = more;
		c->cap = cap;
	}
	c->p[c->n++] = *p;
	return OV_OK;
}

/* A partner whose terms cannot go on does not stop the others. */
static enum ov_status
advance_terms(struct ov_home *home, struct ov_session *s)
{
	struct crowd c = { 0 };
	enum ov_status st;

	OV_TRY(ov_partner_each(home, join_crowd, &c));
	for (size_t i = 0; i < c.n; i++) {
		st = ov_terms_advance(home, s, &c.p[i]);
		OV_REQUIRE(st == OV_OK || ov_status_class(st) != OV_CLASS_HOST, st);
		if (st != OV_OK)
			ov_log(OV_LOG_WARN, "terms.stuck",
			    OV_F_ID("partner", c.p[i].company), OV_F_STATUS(st));
	}
	st = OV_OK;
done:
	free(c.p);
	return st;
}

enum ov_status
ov_mail_process(size_t *n, struct ov_home *home, struct ov_session *s,
    const struct ov_mail_handlers *handlers, uint32_t wait_ms)
{
	uint64_t after = 0;
	size_t count = 0;
	enum ov_status st;

	OV_TRY(ov_home_unlock(home)); /* a mail is not refused for want of a key */
	OV_TRY(ov_mail_flush(home, s));
	OV_TRY(work(&count, home, s, handlers));
	if (wait_ms > OV_WAIT_MAX)
		wait_ms = OV_WAIT_MAX;
	for (;;) {
		st = fetch(&after, home, s, count == 0 ? wait_ms : 0);
		if (st == OV_E_BROKER_WAIT)
			break;
		OV_TRY(st);
		wait_ms = 0;
		OV_TRY(work(&count, home, s, handlers));
	}
	OV_TRY(advance_terms(home, s));
	OV_TRY(ov_mail_flush(home, s));
done:
	if (n != NULL)
		*n = count;
	return st;
}

enum ov_status
ov_mail_fetch_statements(struct ov_home *home, struct ov_session *s)
{
	struct ov_msg_get_mail get = { 0 };
	struct ov_msg_mail mail;
	struct ov_buf owner = { 0 };
	enum ov_status st;

	for (;;) {
		st = ov_session_call(s, OV_MSG_GET_MAIL, &get, OV_MSG_MAIL, &mail, &owner,
		    CALL_TIMEOUT_MS);
		if (st == OV_E_BROKER_WAIT)
			break;
		OV_TRY(st);
		OV_REQUIRE(mail.seq > get.after, OV_E_PROTO_UNEXPECTED);
		if (mail.kind == OV_MAIL_IDENTITY)
			OV_TRY(store_in(home, &mail));
		get.after = mail.seq;
	}
	st = OV_OK;
done:
	ov_buf_free(&owner);
	return st;
}

enum ov_status
ov_mail_await(struct ov_session *s, uint32_t wait_ms)
{
	uint32_t wait = wait_ms < OV_WAIT_MAX ? wait_ms : OV_WAIT_MAX;
	struct ov_msg_get_mail get = { .after = 0, .wait_ms = wait };
	struct ov_msg_mail mail;
	struct ov_buf owner = { 0 };
	enum ov_status st;

	st = ov_session_call(
	    s, OV_MSG_GET_MAIL, &get, OV_MSG_MAIL, &mail, &owner, CALL_TIMEOUT_MS + wait);
	ov_buf_free(&owner);
	return st == OV_E_BROKER_WAIT ? OV_OK : st;
}

/* --- what a person may want to see --- */

enum ov_status
ov_mail_each_note(struct ov_home *home,
    enum ov_status (*visit)(void *arg, const struct ov_mail_note *note), void *arg)
{
	struct ov_db_stmt *q = NULL;
	enum ov_status st = OV_OK;
	bool row;

	OV_TRY(ov_db_query(&q, home->db,
	    "SELECT company, kind, received, reason FROM mail_in WHERE state = ?"
	    " ORDER BY id DESC",
	    OV_DB_I64(MAIL_REFUSED)));
	for (;;) {
		struct ov_mail_note n;

		OV_TRY(ov_db_step(q, &row));
		if (!row)
			break;
		OV_TRY(ov_db_copy(n.from, sizeof(n.from), q, 0));
		n.kind = (enum ov_mail)ov_db_i64(q, 1);
		n.received = (uint64_t)ov_db_i64(q, 2);
		n.reason = ov_status_by_name(ov_db_text(q, 3));
		OV_TRY(visit(arg, &n));
	}
done:
	ov_db_finish(q);
	return st;
}

enum ov_status
ov_mail_proposals(uint64_t *n, struct ov_home *home)
{
	int64_t count;
	enum ov_status st = ov_db_number(&count, home->db,
	    "SELECT count(*) FROM mail_in WHERE state = ? AND kind = ?",
	    OV_DB_I64(MAIL_NEW), OV_DB_I64(OV_MAIL_JOB));

	*n = (uint64_t)count;
	return st;
}

enum ov_status
ov_mail_forget_refused(struct ov_home *home)
{
	enum ov_status st;

	OV_TRY(ov_db_begin(home->db));
	OV_TRY(ov_db_run(
	    home->db, "DELETE FROM mail_in WHERE state = ?", OV_DB_I64(MAIL_REFUSED)));
	OV_TRY(ov_db_commit(home->db, "mail.forget"));
done:
	ov_db_rollback(home->db);
	return st;
}
