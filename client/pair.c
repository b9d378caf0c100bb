#include "client/pair.h"

#include <string.h>

#include "client/mail.h"
#include "common/crypto/memory.h"
#include "proto/keys.h"

#define DAY_S 86400

/* A row of the table of invitations. */
struct invitation {
	bool mine, done;
	uint8_t secret[16]; /* SECRET; zero when done */
	uint64_t expiry;
	bool known; /* the four below are set */
	uint8_t company[OV_ID];
	uint8_t identity[32], envelope[32];
	char name[OV_NAME_MAX + 1];
	uint8_t request[OV_DIGEST]; /* that used it; zero: none */
};

static enum ov_status
read_company(struct invitation *inv, struct ov_db_stmt *q)
{
	const char *name = ov_db_text(q, 7);
	enum ov_status st = OV_OK;

	inv->known = true;
	OV_TRY(ov_db_copy(inv->company, sizeof(inv->company), q, 4));
	OV_TRY(ov_db_copy(inv->identity, sizeof(inv->identity), q, 5));
	OV_TRY(ov_db_copy(inv->envelope, sizeof(inv->envelope), q, 6));
	OV_REQUIRE(name != NULL && strlen(name) <= OV_NAME_MAX, OV_E_DB_FAILED);
	memcpy(inv->name, name, strlen(name) + 1);
done:
	return st;
}

/* OV_E_PAIR_EXPIRED if there is none. */
static enum ov_status
load(struct invitation *inv, struct ov_home *home, const uint8_t id[OV_ID])
{
	struct ov_db_stmt *q = NULL;
	enum ov_status st = OV_OK;
	bool row;

	memset(inv, 0, sizeof(*inv));
	OV_TRY(ov_db_query(&q, home->db,
	    "SELECT mine, done, secret_sealed, expiry, company, identity, envelope, "
	    "name, "
	    "request FROM invitation WHERE invitation = ?",
	    OV_DB_BLOB(id, OV_ID)));
	OV_TRY(ov_db_step(q, &row));
	OV_REQUIRE(row, OV_E_PAIR_EXPIRED);
	inv->mine = ov_db_i64(q, 0) != 0;
	inv->done = ov_db_i64(q, 1) != 0;
	inv->expiry = (uint64_t)ov_db_i64(q, 3);
	if (!ov_db_is_null(q, 2))
		OV_TRY(ov_home_open_sealed(inv->secret, sizeof(inv->secret), home,
		    "invitation", ov_db_blob(q, 2)));
	if (!ov_db_is_null(q, 4))
		OV_TRY(read_company(inv, q));
	if (!ov_db_is_null(q, 8))
		OV_TRY(ov_db_copy(inv->request, sizeof(inv->request), q, 8));
done:
	ov_db_finish(q);
	return st;
}

static struct ov_pair_party
self(const struct ov_home *home)
{
	return (struct ov_pair_party){ home->identity, home->envelope,
		OV_BYTES(home->name, strlen(home->name)) };
}

enum ov_status
ov_pair_invite(char text[OV_PAIR_CODE_TEXT], struct ov_home *home, unsigned int days)
{
	struct ov_pair_code code;
	struct ov_buf sealed = { 0 };
	uint8_t key[32], id[OV_ID];
	uint64_t now = ov_home_now(home);
	enum ov_status st;

	OV_TRY(ov_home_require_joined(home));
	OV_REQUIRE(days >= 1 && days <= OV_INVITATION_DAYS, OV_E_USAGE);
	memcpy(code.inviter, home->company, sizeof(code.inviter));
	ov_random(code.secret, sizeof(code.secret));
	ov_log_key_hash(code.log_key_hash, home->broker.log_key);
	ov_pair_key(key, id, code.secret);
	OV_TRY(ov_home_seal(
	    &sealed, home, "invitation", OV_BYTES(code.secret, sizeof(code.secret))));
	OV_TRY(ov_db_begin(home->db));
	OV_TRY(ov_db_run(home->db,
	    "INSERT INTO invitation(invitation, mine, secret_sealed, created, expiry) "
	    "VALUES (?, 1, ?, ?, ?)",
	    OV_DB_BLOB(id, OV_ID), OV_DB_BLOB(sealed.p, sealed.len), OV_DB_I64(now),
	    OV_DB_I64(now + (uint64_t)days * DAY_S)));
	OV_TRY(ov_db_commit(home->db, "pair.invite"));
	ov_pair_code_write(text, &code);
done:
	ov_db_rollback(home->db);
	ov_wipe(&code, sizeof(code));
	ov_wipe(key, sizeof(key));
	ov_buf_free(&sealed);
	return st;
}

/* PAIR_REQUEST and PAIR_REPLY have the same fields: this company's own, with its proof.
 */
static enum ov_status
put_proof(struct ov_home *home, const uint8_t to[OV_ID], enum ov_mail kind,
    const uint8_t invitation[OV_ID], const uint8_t mac[64])
{
	struct ov_msg_pair_request m = { .version = OV_PROTOCOL_VERSION,
		.name = OV_BYTES(home->name, strlen(home->name)) };
	struct ov_msg_pair_reply r;
	struct ov_buf body = { 0 };
	enum ov_status st;

	_Static_assert(sizeof(m) == sizeof(r), "the same fields");
	memcpy(m.invitation, invitation, OV_ID);
	memcpy(m.identity, home->identity, 32);
	memcpy(m.envelope, home->envelope, 32);
	memcpy(m.mac, mac, 64);
	memcpy(&r, &m, sizeof(r));
	if (kind == OV_MAIL_PAIR_REQUEST)
		OV_TRY(ov_msg_encode(&body, OV_MSG_PAIR_REQUEST, &m));
	else
		OV_TRY(ov_msg_encode(&body, OV_MSG_PAIR_REPLY, &r));
	OV_TRY(ov_mail_put(home, to, kind, OV_BUF_BYTES(&body)));
done:
	ov_buf_free(&body);
	return st;
}

/* Stores an accepted invitation and its request, in one transaction. */
static enum ov_status
store_accepted(struct ov_home *home, const struct ov_pair_code *code,
    const struct ov_msg_company *who)
{
	struct ov_pair_party own = self(home);
	struct ov_pair_party inviter = { who->identity, who->envelope, who->name };
	struct ov_buf sealed = { 0 };
	char name[OV_NAME_MAX + 1] = { 0 };
	uint8_t key[32], id[OV_ID], mac[64];
	uint64_t now = ov_home_now(home);
	enum ov_status st;

	ov_pair_key(key, id, code->secret);
	ov_pair_mac(mac, key, "pair request", &inviter, &own, home->broker.log_key);
	memcpy(name, who->name.p, who->name.len); /* at most 64: its bound as a field */
	OV_TRY(ov_home_seal(
	    &sealed, home, "invitation", OV_BYTES(code->secret, sizeof(code->secret))));
	OV_TRY(ov_db_begin(home->db));
	OV_TRY(ov_db_run(home->db,
	    "INSERT INTO invitation(invitation, mine, secret_sealed, created, expiry, "
	    "company, identity, envelope, name) VALUES (?, 0, ?, ?, ?, ?, ?, ?, ?)",
	    OV_DB_BLOB(id, OV_ID), OV_DB_BLOB(sealed.p, sealed.len), OV_DB_I64(now),
	    OV_DB_I64(now + OV_INVITATION_DAYS * DAY_S), OV_DB_BLOB(code->inviter, OV_ID),
	    OV_DB_BLOB(who->identity, 32), OV_DB_BLOB(who->envelope, 32),
	    OV_DB_TEXT(name)));
	OV_TRY(put_proof(home, code->inviter, OV_MAIL_PAIR_REQUEST, id, mac));
	OV_TRY(ov_db_commit(home->db, "pair.accept"));
done:
	ov_db_rollback(home->db);
	ov_wipe(key, sizeof(key));
	ov_buf_free(&sealed);
	return st;
}

enum ov_status
ov_pair_accept(struct ov_home *home, const struct ov_pair_code *code,
    const struct ov_msg_company *who)
{
	struct invitation inv;
	uint8_t hash[16], id[OV_ID], key[32];
	enum ov_status st;

	OV_TRY(ov_home_require_joined(home));
	ov_log_key_hash(hash, home->broker.log_key);
	OV_REQUIRE(memcmp(hash, code->log_key_hash, sizeof(hash)) == 0, OV_E_PAIR_BROKER);
	OV_REQUIRE(memcmp(code->inviter, home->company, OV_ID) != 0, OV_E_USAGE);
	ov_company_id(id, who->identity);
	OV_REQUIRE(memcmp(id, code->inviter, OV_ID) == 0, OV_E_PAIR_PROOF);
	OV_REQUIRE(who->name.len <= OV_NAME_MAX, OV_E_WIRE_RANGE);
	ov_pair_key(key, id, code->secret);
	st = load(&inv, home, id);
	if (st == OV_E_PAIR_EXPIRED)
		st = store_accepted(home, code, who);
done:
	ov_wipe(key, sizeof(key));
	ov_wipe(&inv, sizeof(inv));
	return st;
}

/* The partner, what is left of the invitation, and nothing of the secret; in the
 * caller's transaction. */
static enum ov_status
store_partner(struct ov_home *home, const uint8_t invitation[OV_ID],
    const struct ov_partner *p, const uint8_t request[OV_DIGEST])
{
	enum ov_status st;

	OV_TRY(ov_db_run(home->db,
	    "UPDATE invitation SET done = 1, secret_sealed = NULL, company = ?, identity "
	    "= ?, envelope = ?, name = ?, request = ? WHERE invitation = ? AND done = 0",
	    OV_DB_BLOB(p->company, OV_ID), OV_DB_BLOB(p->identity, 32),
	    OV_DB_BLOB(p->envelope, 32), OV_DB_TEXT(p->name),
	    OV_DB_BLOB(request, OV_DIGEST), OV_DB_BLOB(invitation, OV_ID)));
	OV_REQUIRE(ov_db_changed(home->db) == 1, OV_E_PAIR_EXPIRED);
	OV_TRY(ov_partner_put(home, p));
done:
	return st;
}

static enum ov_status
partner_of(struct ov_partner *p, const struct ov_home *home, const uint8_t from[OV_ID],
    const struct ov_msg_pair_request *m)
{
	uint8_t id[OV_ID];
	enum ov_status st = OV_OK;

	memset(p, 0, sizeof(*p));
	OV_REQUIRE(m->version == OV_PROTOCOL_VERSION, OV_E_PROTO_VERSION);
	ov_company_id(id, m->identity);
	OV_REQUIRE(memcmp(id, from, OV_ID) == 0, OV_E_PAIR_PROOF);
	OV_REQUIRE(memcmp(id, home->company, OV_ID) != 0, OV_E_PAIR_PROOF);
	OV_REQUIRE(m->name.len <= OV_NAME_MAX, OV_E_WIRE_RANGE);
	memcpy(p->company, id, OV_ID);
	memcpy(p->identity, m->identity, 32);
	memcpy(p->envelope, m->envelope, 32);
	memcpy(p->name, m->name.p, m->name.len);
	p->state = OV_PARTNER_PAIRED;
	p->paired = ov_home_now(home);
done:
	return st;
}

/* Verifies the request against an invitation of ours and draws the reply's proof. */
static enum ov_status
verify_request(uint8_t reply_mac[64], const struct ov_home *home,
    const struct invitation *inv, const struct ov_msg_pair_request *m)
{
	struct ov_pair_party own = self(home);
	struct ov_pair_party acceptor = { m->identity, m->envelope, m->name };
	uint8_t key[32], id[OV_ID], mac[64];
	enum ov_status st = OV_OK;

	ov_pair_key(key, id, inv->secret);
	ov_pair_mac(mac, key, "pair request", &own, &acceptor, home->broker.log_key);
	OV_REQUIRE(ov_equal_secret(mac, m->mac, sizeof(mac)), OV_E_PAIR_PROOF);
	ov_pair_mac(reply_mac, key, "pair reply", &own, &acceptor, home->broker.log_key);
done:
	ov_wipe(key, sizeof(key));
	ov_wipe(mac, sizeof(mac)); /* the right one is worth a pairing */
	return st;
}

enum ov_status
ov_pair_take_request(
    struct ov_home *home, const uint8_t from[OV_ID], struct ov_bytes request)
{
	struct ov_msg_pair_request m;
	struct invitation inv = { 0 };
	struct ov_partner p;
	uint8_t digest[OV_DIGEST], mac[64];
	enum ov_status st;

	OV_TRY(ov_msg_decode(&m, OV_MSG_PAIR_REQUEST, request));
	OV_TRY(partner_of(&p, home, from, &m));
	OV_TRY(load(&inv, home, m.invitation));
	ov_digest(digest, "pair request", request);
	OV_REQUIRE(inv.mine, OV_E_PAIR_EXPIRED);
	if (inv.done && memcmp(inv.request, digest, sizeof(digest)) == 0)
		goto done; /* it came twice */
	OV_REQUIRE(!inv.done && inv.expiry > ov_home_now(home), OV_E_PAIR_EXPIRED);
	OV_TRY(verify_request(mac, home, &inv, &m));
	OV_TRY(ov_db_begin(home->db));
	OV_TRY(store_partner(home, m.invitation, &p, digest));
	OV_TRY(put_proof(home, p.company, OV_MAIL_PAIR_REPLY, m.invitation, mac));
	OV_TRY(ov_db_commit(home->db, "pair.request"));
done:
	ov_db_rollback(home->db);
	ov_wipe(&inv, sizeof(inv));
	return st;
}

static enum ov_status
verify_reply(const struct ov_home *home, const struct invitation *inv,
    const struct ov_msg_pair_request *m)
{
	struct ov_pair_party own = self(home);
	struct ov_pair_party inviter = { inv->identity, inv->envelope,
		OV_BYTES(inv->name, strlen(inv->name)) };
	uint8_t key[32], id[OV_ID], mac[64];
	enum ov_status st = OV_OK;

	/* What the broker said first is what the proof must be about. */
	OV_REQUIRE(memcmp(m->identity, inv->identity, 32) == 0, OV_E_PAIR_PROOF);
	OV_REQUIRE(memcmp(m->envelope, inv->envelope, 32) == 0, OV_E_PAIR_PROOF);
	OV_REQUIRE(m->name.len == strlen(inv->name) &&
		       memcmp(m->name.p, inv->name, m->name.len) == 0,
	    OV_E_PAIR_PROOF);
	ov_pair_key(key, id, inv->secret);
	ov_pair_mac(mac, key, "pair reply", &inviter, &own, home->broker.log_key);
	OV_REQUIRE(ov_equal_secret(mac, m->mac, sizeof(mac)), OV_E_PAIR_PROOF);
done:
	ov_wipe(key, sizeof(key));
	ov_wipe(mac, sizeof(mac));
	return st;
}

enum ov_status
ov_pair_take_reply(struct ov_home *home, const uint8_t from[OV_ID], struct ov_bytes reply)
{
	struct ov_msg_pair_reply r;
	struct ov_msg_pair_request m;
	struct invitation inv = { 0 };
	struct ov_partner p;
	uint8_t digest[OV_DIGEST];
	enum ov_status st;

	OV_TRY(ov_msg_decode(&r, OV_MSG_PAIR_REPLY, reply));
	memcpy(&m, &r, sizeof(m)); /* the same fields */
	OV_TRY(partner_of(&p, home, from, &m));
	OV_TRY(load(&inv, home, m.invitation));
	OV_REQUIRE(!inv.mine && inv.known, OV_E_PAIR_EXPIRED);
	OV_REQUIRE(memcmp(inv.company, from, OV_ID) == 0, OV_E_PAIR_PROOF);
	if (inv.done)
		goto done; /* it came twice */
	OV_TRY(verify_reply(home, &inv, &m));
	ov_digest(digest, "pair reply", reply);
	OV_TRY(ov_db_begin(home->db));
	OV_TRY(store_partner(home, m.invitation, &p, digest));
	OV_TRY(ov_db_commit(home->db, "pair.reply"));
done:
	ov_db_rollback(home->db);
	ov_wipe(&inv, sizeof(inv));
	return st;
}

enum ov_status
ov_pair_each(struct ov_home *home,
    enum ov_status (*visit)(void *arg, const struct ov_invitation *inv), void *arg)
{
	struct ov_db_stmt *q = NULL;
	enum ov_status st = OV_OK;
	bool row;

	OV_TRY(ov_db_query(&q, home->db,
	    "SELECT invitation, mine, created, expiry, name FROM invitation WHERE done = "
	    "0 "
	    "ORDER BY created, invitation"));
	for (;;) {
		struct ov_invitation inv = { 0 };
		const char *name;

		OV_TRY(ov_db_step(q, &row));
		if (!row)
			break;
		OV_TRY(ov_db_copy(inv.id, sizeof(inv.id), q, 0));
		inv.mine = ov_db_i64(q, 1) != 0;
		inv.created = (uint64_t)ov_db_i64(q, 2);
		inv.expiry = (uint64_t)ov_db_i64(q, 3);
		name = ov_db_text(q, 4);
		OV_REQUIRE(name == NULL || strlen(name) <= OV_NAME_MAX, OV_E_DB_FAILED);
		if (name != NULL)
			memcpy(inv.name, name, strlen(name) + 1);
		OV_TRY(visit(arg, &inv));
	}
done:
	ov_db_finish(q);
	return st;
}
