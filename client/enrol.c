#include "client/enrol.h"

#include <stdlib.h>
#include <string.h>

#include "client/session.h"
#include "common/crypto/memory.h"
#include "common/tls/ca.h"
#include "common/transport/link.h"

#define CONNECT_TIMEOUT_MS 15000
#define CALL_TIMEOUT_MS 30000
#define PEM_MAX 16384

/* A request as it was drawn; tls_key is SECRET. */
struct request {
	struct ov_buf body;
	char *tls_key;
};

static enum ov_status
read_drawn(struct request *r, struct ov_home *home, struct ov_db_stmt *q)
{
	struct ov_bytes body = ov_db_blob(q, 0), key = ov_db_blob(q, 1);
	size_t len;
	enum ov_status st = OV_OK;

	OV_REQUIRE(body.len > OV_HOME_SEAL_OVERHEAD && key.len > OV_HOME_SEAL_OVERHEAD &&
		       key.len <= PEM_MAX,
	    OV_E_DB_FAILED);
	len = body.len - OV_HOME_SEAL_OVERHEAD;
	OV_TRY(ov_buf_reserve(&r->body, len));
	OV_TRY(ov_home_open_sealed(r->body.p, len, home, "enrol", body));
	r->body.len = len;
	len = key.len - OV_HOME_SEAL_OVERHEAD;
	OV_REQUIRE((r->tls_key = ov_secret_alloc(len + 1)) != NULL, OV_E_NOMEM);
	OV_TRY(ov_home_open_sealed((uint8_t *)r->tls_key, len, home, "tls key", key));
	r->tls_key[len] = '\0';
done:
	return st;
}

/* Of bytes that hold the token's secret. */
static void
free_wiped(struct ov_buf *b)
{
	if (b->p != NULL)
		ov_wipe(b->p, b->cap);
	ov_buf_free(b);
}

/* OV_E_NOT_FOUND if nothing was drawn for this token. */
static enum ov_status
load(struct request *r, struct ov_home *home, const uint8_t token[OV_DIGEST])
{
	struct ov_db_stmt *q = NULL;
	enum ov_status st;
	bool row;

	OV_TRY(ov_db_query(&q, home->db,
	    "SELECT body_sealed, tls_key_sealed FROM joining WHERE id = 1 AND token = ?",
	    OV_DB_BLOB(token, OV_DIGEST)));
	OV_TRY(ov_db_step(q, &row));
	OV_REQUIRE(row, OV_E_NOT_FOUND);
	OV_TRY(read_drawn(r, home, q));
done:
	ov_db_finish(q);
	return st;
}

static enum ov_status
draw(struct request *r, struct ov_home *home, const struct ov_enrol_options *o)
{
	struct ov_msg_enrol_body m = { .version = OV_PROTOCOL_VERSION,
		.created = ov_home_now(home) };
	uint8_t spki[OV_TLS_SPKI_LEN];
	enum ov_status st;

	OV_TRY(ov_tls_key_create(&r->tls_key));
	OV_TRY(ov_tls_key_public(spki, r->tls_key));
	memcpy(m.token, o->token->secret, sizeof(m.token));
	memcpy(m.identity, o->as != NULL ? o->as->identity : home->identity, 32);
	memcpy(m.envelope, o->as != NULL ? o->as->envelope : home->envelope, 32);
	m.tls_key = OV_BYTES(spki, sizeof(spki));
	OV_TRY(ov_msg_encode(&r->body, OV_MSG_ENROL_BODY, &m));
done:
	ov_wipe(&m, sizeof(m));
	return st;
}

static enum ov_status
store(const struct request *r, struct ov_home *home, const uint8_t token[OV_DIGEST])
{
	struct ov_buf body = { 0 }, key = { 0 };
	enum ov_status st;

	OV_TRY(ov_home_seal(&body, home, "enrol", OV_BUF_BYTES(&r->body)));
	OV_TRY(ov_home_seal(
	    &key, home, "tls key", OV_BYTES(r->tls_key, strlen(r->tls_key))));
	OV_TRY(ov_db_begin(home->db));
	OV_TRY(ov_db_run(home->db,
	    "INSERT INTO joining(id, token, body_sealed, tls_key_sealed) VALUES (1, ?, "
	    "?, ?) "
	    "ON CONFLICT(id) DO UPDATE SET token = excluded.token, body_sealed = "
	    "excluded.body_sealed, tls_key_sealed = excluded.tls_key_sealed",
	    OV_DB_BLOB(token, OV_DIGEST), OV_DB_BYTES(OV_BUF_BYTES(&body)),
	    OV_DB_BYTES(OV_BUF_BYTES(&key))));
	OV_TRY(ov_db_commit(home->db, "home.joining"));
done:
	ov_db_rollback(home->db);
	ov_buf_free(&body);
	ov_buf_free(&key);
	return st;
}

/* The stored request of this token, or a fresh one, stored. */
static enum ov_status
request_of(struct request *r, struct ov_home *home, const struct ov_enrol_options *o)
{
	struct ov_bytes parts[] = { OV_LITERAL("join"),
		OV_BYTES(o->token, sizeof(*o->token)),
		OV_BYTES(o->as != NULL ? o->as->identity : home->identity, 32) };
	uint8_t digest[OV_DIGEST];
	enum ov_status st;

	_Static_assert(sizeof(*o->token) == 64, "no padding in what is hashed");
	ov_hash_parts(digest, parts, 3);
	st = load(r, home, digest);
	OV_REQUIRE(st == OV_E_NOT_FOUND, st);
	OV_TRY(draw(r, home, o));
	OV_TRY(store(r, home, digest));
done:
	return st;
}

/* --- the conversation --- */

static enum ov_status
status_of_error(struct ov_bytes in)
{
	struct ov_msg_error e;
	char name[65] = { 0 };
	enum ov_status st;

	if (ov_msg_decode(&e, OV_MSG_ERROR, in) != OV_OK)
		return OV_E_PROTO_UNEXPECTED;
	memcpy(name, e.status.p, e.status.len);
	st = ov_status_by_name(name);
	if (st == OV_OK)
		return OV_E_PROTO_UNEXPECTED;
	return ov_status_class(st) == OV_CLASS_HOST || ov_status_class(st) == OV_CLASS_BUG
		   ? OV_E_BROKER_FAILED
		   : st;
}

/* answer->body is malloc'd. */
static enum ov_status
ask(struct ov_reply *answer, const struct ov_enrol_options *o, struct ov_bytes question)
{
	struct ov_tls_client_options tls = { .ca_sha256 = o->token->ca_sha256 };
	struct ov_tls_context *context = NULL;
	struct ov_link *link = NULL;
	char host[OV_ADDRESS_MAX + 1];
	enum ov_status st;

	OV_TRY(ov_address_host(host, o->enrol));
	tls.server_name = host;
	OV_TRY(ov_tls_client_new(&context, &tls));
	OV_TRY(ov_link_new(
	    &link, &(struct ov_link_options){ .address = o->enrol, .tls = context }));
	OV_TRY(ov_link_connect(link, CONNECT_TIMEOUT_MS));
	OV_TRY(ov_link_call(link, answer, question, CALL_TIMEOUT_MS));
	if (ov_msg_type(OV_BYTES(answer->body, answer->len)) == OV_MSG_ERROR)
		st = status_of_error(OV_BYTES(answer->body, answer->len));
done:
	ov_link_free(link);
	ov_tls_context_free(context);
	return st;
}

/* PEM text on the heap of a field that holds one. */
static enum ov_status
text_of(char **out, struct ov_bytes b)
{
	if (memchr(b.p, '\0', b.len) != NULL)
		return OV_E_TLS_CERTIFICATE;
	*out = strndup((const char *)b.p, b.len);
	return *out != NULL ? OV_OK : OV_E_NOMEM;
}

/* What was pinned by the token must be what came. */
static enum ov_status
check_pins(const struct ov_broker *b, const struct ov_token_code *token,
    const struct ov_msg_enrolled *m)
{
	struct ov_certificate ca;
	uint8_t hash[16];
	enum ov_status st = OV_OK;

	ov_log_key_hash(hash, m->log_key);
	OV_REQUIRE(
	    memcmp(hash, token->log_key_hash, sizeof(hash)) == 0, OV_E_PAIR_BROKER);
	OV_TRY(ov_certificate_read(&ca, b->ca_pem));
	OV_REQUIRE(memcmp(ca.fingerprint, token->ca_sha256, sizeof(ca.fingerprint)) == 0,
	    OV_E_TLS_CERTIFICATE);
	OV_TRY(ov_verify_vartime(m->head_signature, m->log_key, "head", m->head));
done:
	return st;
}

/* A home stays with the broker that it joined. */
static enum ov_status
check_same(const struct ov_broker *b, const struct ov_home *home)
{
	struct ov_certificate was, is;
	enum ov_status st = OV_OK;

	if (!home->joined)
		goto done;
	OV_REQUIRE(memcmp(b->log_key, home->broker.log_key, 32) == 0 &&
		       memcmp(b->report_key, home->broker.report_key, 32) == 0,
	    OV_E_PAIR_BROKER);
	OV_TRY(ov_certificate_read(&was, home->broker.ca_pem));
	OV_TRY(ov_certificate_read(&is, b->ca_pem));
	OV_REQUIRE(memcmp(was.fingerprint, is.fingerprint, sizeof(was.fingerprint)) == 0,
	    OV_E_TLS_CERTIFICATE);
done:
	return st;
}

static enum ov_status
renew(struct ov_home *home, const struct ov_joined *joined)
{
	enum ov_status st;

	OV_TRY(ov_db_begin(home->db));
	OV_TRY(ov_home_put_certificate(home, joined));
	OV_TRY(ov_db_commit(home->db, "home.renew"));
done:
	ov_db_rollback(home->db);
	return st;
}

static enum ov_status
finish(struct ov_home *home, const struct ov_enrol_options *o, const char *tls_key,
    const struct ov_msg_enrolled *m)
{
	const char *address = o->broker != NULL ? o->broker : home->broker.address;
	struct ov_broker b = { 0 };
	char name[OV_NAME_MAX + 1] = { 0 };
	struct ov_joined joined = { .name = name,
		.broker = &b,
		.tls_key_pem = tls_key,
		.head = m->head,
		.head_signature = m->head_signature };
	enum ov_status st = OV_OK;

	OV_REQUIRE(strlen(address) <= OV_ADDRESS_MAX, OV_E_NET_ADDRESS);
	OV_REQUIRE(m->name.len <= OV_NAME_MAX, OV_E_WIRE_RANGE);
	memcpy(name, m->name.p, m->name.len);
	memcpy(b.address, address, strlen(address));
	memcpy(b.log_key, m->log_key, 32);
	memcpy(b.report_key, m->report_key, 32);
	OV_TRY(text_of(&b.ca_pem, m->ca));
	OV_TRY(text_of(&b.certificate_pem, m->certificate));
	OV_TRY(check_pins(&b, o->token, m));
	OV_TRY(check_same(&b, home));
	if (o->finish != NULL)
		st = o->finish(o->arg, home, &joined);
	else
		st = home->joined ? renew(home, &joined) : ov_home_join(home, &joined);
done:
	free(b.ca_pem);
	free(b.certificate_pem);
	return st;
}

enum ov_status
ov_enrol(struct ov_home *home, const struct ov_enrol_options *o)
{
	struct request r = { 0 };
	struct ov_msg_enrol enrol = { 0 };
	struct ov_msg_enrolled enrolled;
	struct ov_reply answer = { 0 };
	struct ov_buf question = { 0 };
	char host[OV_ADDRESS_MAX + 1];
	enum ov_status st;

	OV_REQUIRE(home->joined || o->broker != NULL, OV_E_NET_ADDRESS);
	if (o->broker != NULL) /* found wrong before, not after */
		OV_TRY(ov_address_host(host, o->broker));
	OV_TRY(request_of(&r, home, o));
	enrol.body = OV_BUF_BYTES(&r.body);
	if (o->as != NULL)
		ov_sign(enrol.signature, o->as->identity_sk, "enrol", enrol.body);
	else
		OV_TRY(ov_home_sign(enrol.signature, home, "enrol", enrol.body));
	OV_TRY(ov_msg_encode(&question, OV_MSG_ENROL, &enrol));
	OV_TRY(ask(&answer, o, OV_BUF_BYTES(&question)));
	OV_TRY(
	    ov_msg_decode(&enrolled, OV_MSG_ENROLLED, OV_BYTES(answer.body, answer.len)));
	OV_TRY(finish(home, o, r.tls_key, &enrolled));
done:
	free(answer.body);
	ov_secret_free(r.tls_key);
	free_wiped(&r.body);
	free_wiped(&question);
	return st;
}
