#include "client/ask.h"

#include <string.h>

#include "client/mail.h"
#include "client/terms_impl.h"
#include "common/crypto/sign.h"
#include "proto/keys.h"

/* --- out --- */

static enum ov_status
encode(struct ov_buf *out, const struct ov_ask *ask)
{
	struct ov_msg_terms_ask m = { .version = OV_PROTOCOL_VERSION,
		.sequence = ask->sequence,
		.text = OV_BYTES(ask->text, strlen(ask->text)) };
	struct ov_buf populations = { 0 };
	enum ov_status st = OV_OK;

	OV_REQUIRE(ask->n > 0, OV_E_USAGE);
	OV_TRY(ov_populations_pack(&populations, ask->population, ask->n));
	m.populations = OV_BUF_BYTES(&populations);
	OV_TRY(ov_msg_encode(out, OV_MSG_TERMS_ASK, &m));
done:
	ov_buf_free(&populations);
	return st == OV_E_WIRE_RANGE ? OV_E_USAGE : st;
}

enum ov_status
ov_ask_send(struct ov_home *home, const struct ov_partner *p, const struct ov_ask *ask)
{
	struct ov_buf message = { 0 }, mail = { 0 };
	uint8_t signature[64];
	enum ov_status st;

	OV_TRY(encode(&message, ask));
	OV_TRY(ov_home_envelope_seal(
	    &mail, home, p->identity, p->envelope, "ask", OV_BUF_BYTES(&message)));
	OV_TRY(ov_home_sign(signature, home, "ask", OV_BUF_BYTES(&mail)));
	OV_TRY(ov_buf_append(&mail, signature, sizeof(signature)));
	OV_TRY(ov_db_begin(home->db));
	OV_TRY(ov_mail_put(home, p->company, OV_MAIL_TERMS_ASK, OV_BUF_BYTES(&mail)));
	OV_TRY(ov_db_commit(home->db, "ask.send"));
done:
	ov_db_rollback(home->db);
	ov_buf_free(&message);
	ov_buf_free(&mail);
	return st;
}

/* --- in --- */

static enum ov_status
open_ask(struct ov_buf *message, struct ov_home *home, const struct ov_partner *p,
    struct ov_bytes body)
{
	struct ov_bytes sealed;
	enum ov_status st = OV_OK;

	OV_REQUIRE(body.len > OV_SIGNATURE, OV_E_WIRE_TRUNCATED);
	sealed = OV_BYTES(body.p, body.len - OV_SIGNATURE);
	OV_TRY(ov_verify_vartime(body.p + sealed.len, p->identity, "ask", sealed));
	OV_TRY(ov_home_envelope_open(message, home, p->identity, "ask", sealed));
done:
	return st;
}

/* Whether this very mail was stored before: a broker may bring it twice. */
static enum ov_status
was_seen(bool *out, struct ov_home *home, const struct ov_partner *p,
    const uint8_t digest[OV_DIGEST])
{
	int64_t n;
	enum ov_status st = ov_db_number(&n, home->db,
	    "SELECT count(*) FROM ask WHERE company = ? AND digest = ?",
	    OV_DB_BLOB(p->company, OV_ID), OV_DB_BLOB(digest, OV_DIGEST));

	*out = st == OV_OK && n > 0;
	return st;
}

static enum ov_status
store(struct ov_home *home, const struct ov_partner *p, const uint8_t digest[OV_DIGEST],
    const struct ov_msg_terms_ask *m)
{
	enum ov_status st;

	OV_TRY(ov_db_begin(home->db));
	OV_TRY(ov_db_run(home->db,
	    "INSERT OR REPLACE INTO ask(company, digest, sequence, populations, text, at,"
	    " done) VALUES (?, ?, ?, ?, ?, ?, 0)",
	    OV_DB_BLOB(p->company, OV_ID), OV_DB_BLOB(digest, OV_DIGEST),
	    OV_DB_I64(m->sequence), OV_DB_BYTES(m->populations), OV_DB_BYTES(m->text),
	    OV_DB_I64(ov_home_now(home))));
	OV_TRY(ov_db_commit(home->db, "ask.taken"));
done:
	ov_db_rollback(home->db);
	return st;
}

enum ov_status
ov_ask_take(struct ov_home *home, const uint8_t from[OV_ID], struct ov_bytes body)
{
	struct ov_population population[OV_POPULATIONS_MAX];
	uint8_t digest[OV_DIGEST];
	struct ov_buf message = { 0 };
	struct ov_msg_terms_ask m;
	struct ov_partner p;
	uint64_t greatest;
	bool seen;
	size_t n;
	enum ov_status st;

	OV_TRY(ov_partner_get(&p, home, from));
	OV_TRY(open_ask(&message, home, &p, body));
	OV_TRY(ov_msg_decode(&m, OV_MSG_TERMS_ASK, OV_BUF_BYTES(&message)));
	OV_REQUIRE(m.version == OV_PROTOCOL_VERSION, OV_E_PROTO_VERSION);
	OV_TRY(ov_populations_unpack(population, &n, m.populations));
	OV_REQUIRE(n > 0, OV_E_WIRE_RANGE);
	ov_digest(digest, "ask", body);
	OV_TRY(was_seen(&seen, home, &p, digest));
	OV_TRY(ov_signed_terms_in_force_sequence(&greatest, home, p.company));
	if (!seen && m.sequence >= greatest)
		OV_TRY(store(home, &p, digest, &m));
done:
	ov_buf_free(&message);
	return st;
}

/* --- waiting --- */

static enum ov_status
load(struct ov_ask *out, struct ov_home *home, const uint8_t partner[OV_ID])
{
	struct ov_db_stmt *q = NULL;
	struct ov_bytes text;
	bool row;
	enum ov_status st;

	memset(out, 0, sizeof(*out));
	OV_TRY(ov_db_query(&q, home->db,
	    "SELECT sequence, populations, text, at FROM ask WHERE company = ? AND done "
	    "= "
	    "0",
	    OV_DB_BLOB(partner, OV_ID)));
	OV_TRY(ov_db_step(q, &row));
	OV_REQUIRE(row, OV_E_NOT_FOUND);
	out->sequence = (uint64_t)ov_db_i64(q, 0);
	OV_TRY(ov_populations_unpack(out->population, &out->n, ov_db_blob(q, 1)));
	text = ov_db_blob(q, 2);
	OV_REQUIRE(text.len <= OV_ASK_TEXT_MAX, OV_E_DB_FAILED);
	if (text.len > 0)
		memcpy(out->text, text.p, text.len);
	out->at = (uint64_t)ov_db_i64(q, 3);
done:
	ov_db_finish(q);
	return st;
}

static bool
is_given(const struct ov_population *asked, const struct ov_population *given, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(given[i].name, asked->name) == 0)
			return given[i].level >= asked->level;
	return false;
}

enum ov_status
ov_ask_waiting(struct ov_ask *out, struct ov_home *home, const uint8_t partner[OV_ID],
    struct ov_bytes my_sheet)
{
	struct ov_population given[OV_POPULATIONS_MAX];
	struct ov_msg_grants g;
	size_t n = 0, left = 0;
	enum ov_status st;

	OV_TRY(load(out, home, partner));
	if (my_sheet.len > 0) {
		OV_TRY(ov_msg_decode(&g, OV_MSG_GRANTS, my_sheet));
		OV_TRY(ov_populations_unpack(given, &n, g.populations));
	}
	for (size_t i = 0; i < out->n; i++)
		if (!is_given(&out->population[i], given, n))
			out->population[left++] = out->population[i];
	out->n = left;
	OV_REQUIRE(left > 0, OV_E_NOT_FOUND);
done:
	return st;
}

enum ov_status
ov_ask_forget(struct ov_home *home, const uint8_t partner[OV_ID])
{
	enum ov_status st;

	OV_TRY(ov_db_begin(home->db));
	OV_TRY(ov_db_run(home->db,
	    "UPDATE ask SET done = 1, text = x'' WHERE company = ? AND done = 0",
	    OV_DB_BLOB(partner, OV_ID)));
	OV_REQUIRE(ov_db_changed(home->db) == 1, OV_E_NOT_FOUND);
	OV_TRY(ov_db_commit(home->db, "ask.forget"));
done:
	ov_db_rollback(home->db);
	return st;
}
