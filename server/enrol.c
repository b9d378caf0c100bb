#include "server/enrol.h"

#include <stdio.h>
#include <string.h>

#include "common/crypto/memory.h"
#include "common/crypto/sign.h"
#include "common/log.h"
#include "proto/code.h"
#include "proto/keys.h"
#include "server/dispatch.h"
#include "server/events.h"
#include "server/jobs.h"
#include "server/log.h"

#define SECRET_LEN 16

static void
hash_secret(uint8_t out[32], const uint8_t secret[SECRET_LEN])
{
	uint8_t h[OV_HASH_LEN];

	ov_digest(h, "token", OV_BYTES(secret, SECRET_LEN));
	memcpy(out, h, 32);
}

/* PROTOCOL.md 2.3 */
static void
write_token(
    char text[OV_TOKEN_TEXT], const struct ov_broker *b, const uint8_t secret[SECRET_LEN])
{
	struct ov_token_code code;

	memcpy(code.ca_sha256, b->ca_sha256, sizeof(code.ca_sha256));
	ov_log_key_hash(code.log_key_hash, b->log_pk);
	memcpy(code.secret, secret, SECRET_LEN);
	ov_token_write(text, &code);
	ov_wipe(&code, sizeof(code));
}

/* A name is what the wire takes for one: the codec knows what text is. */
static enum ov_status
check_name(const char *name)
{
	struct ov_msg_company m = { .name = OV_BYTES(name, strlen(name)) };
	struct ov_buf buf = { 0 };
	enum ov_status st = ov_msg_encode(&buf, OV_MSG_COMPANY, &m);

	ov_buf_free(&buf);
	return st == OV_E_WIRE_RANGE ? OV_E_USAGE : st;
}

enum ov_status
ov_enrol_token(char text[OV_TOKEN_TEXT], const struct ov_broker *b, const char *name)
{
	struct ov_token t = { .created = b->now(), .expiry = b->now() + OV_TOKEN_LIFE };
	uint8_t secret[SECRET_LEN];
	struct ov_tx *tx = NULL;
	enum ov_status st = OV_OK;
	uint64_t waiting;

	OV_TRY(check_name(name));
	memcpy(t.name, name, strlen(name)); /* at most 64 bytes, checked; zeros follow */
	ov_random(secret, sizeof(secret));
	hash_secret(t.hash, secret);
	OV_TRY(ov_tx_begin(&tx, b->store));
	OV_TRY(ov_store_tokens_expire(tx, t.created));
	OV_TRY(ov_store_tokens_waiting(tx, &waiting));
	OV_REQUIRE(waiting < b->limits.tokens, OV_E_BROKER_QUOTA);
	OV_TRY(ov_store_token_add(tx, &t));
	OV_TRY(ov_tx_commit(&tx, "token.add"));
	write_token(text, b, secret);
done:
	ov_wipe(secret, sizeof(secret));
	ov_tx_end(&tx);
	return st;
}

/* --- ENROL --- */

/* What makes two requests the same: who, and which keys. */
static void
request_digest(uint8_t out[OV_DIGEST], const struct ov_msg_enrol_body *m)
{
	struct ov_bytes parts[] = { OV_LITERAL("enrol"), OV_BYTES(m->identity, 32),
		OV_BYTES(m->envelope, 32), m->tls_key };

	ov_hash_parts(out, parts, 4);
}

/* The company as it will be, and whether it is enrolled already. */
static enum ov_status
company_of(struct ov_company *c, bool *known, struct ov_tx *tx,
    const struct ov_msg_enrol_body *m, const char *name, int64_t now)
{
	struct ov_company named;
	enum ov_status st = OV_OK;

	*c = (struct ov_company){ .enrolled = now };
	ov_company_id(c->id, m->identity);
	st = ov_store_company(tx, c, c->id);
	*known = st == OV_OK;
	OV_REQUIRE(st == OV_OK || st == OV_E_NOT_FOUND, st);
	/* One identity has one name: a token for another name is not for it. */
	OV_REQUIRE(!*known || strcmp(c->name, name) == 0, OV_E_BROKER_EXISTS);
	st = ov_store_company_named(tx, &named, name);
	OV_REQUIRE(st == OV_OK || st == OV_E_NOT_FOUND, st);
	OV_REQUIRE(st == OV_E_NOT_FOUND || memcmp(named.id, c->id, OV_ID) == 0,
	    OV_E_BROKER_EXISTS);
	st = OV_OK;
	memcpy(c->name, name, strlen(name) + 1); /* a token's: at most 64 bytes */
	memcpy(c->identity, m->identity, 32);
	memcpy(c->envelope, m->envelope, 32);
	c->status = OV_COMPANY_ACTIVE;
	c->changed = now;
done:
	return st;
}

static enum ov_status
certify(char **pem, struct ov_company *c, const struct ov_broker *b,
    struct ov_bytes tls_key, int64_t now)
{
	struct ov_certificate cert;
	char uri[64], hex[2 * OV_ID + 1];
	enum ov_status st = OV_OK;

	ov_hex(hex, c->id, OV_ID);
	snprintf(uri, sizeof(uri), "urn:overlap:company:%s", hex);
	OV_TRY(ov_ca_issue_client(b->ca, pem, tls_key, c->name, uri, now));
	OV_TRY(ov_certificate_read(&cert, *pem));
	memcpy(c->fingerprint, cert.fingerprint, 32);
done:
	return st;
}

static enum ov_status
reply_enrolled(struct ov_call *c, struct ov_tx *tx, const char *name, const char *pem)
{
	const struct ov_broker *b = c->broker;
	struct ov_msg_enrolled m = { .name = OV_BYTES(name, strlen(name)),
		.certificate = OV_BYTES(pem, strlen(pem)),
		.ca = OV_BYTES(b->ca_pem, strlen(b->ca_pem)) };
	struct ov_signed_head head;
	enum ov_status st = OV_OK;

	memcpy(m.log_key, b->log_pk, 32);
	memcpy(m.report_key, b->report_pk, 32);
	OV_TRY(ov_log_head(&head, b, tx, 0));
	m.head = OV_BYTES(head.bytes, head.len);
	memcpy(m.head_signature, head.signature, 64);
	OV_TRY(ov_call_reply(c, OV_MSG_ENROLLED, &m));
done:
	return st;
}

/* Takes the company in, with its certificate and its leaf. */
static enum ov_status
take_in(struct ov_call *c, struct ov_tx *tx, const struct ov_msg_enrol_body *m,
    const struct ov_token *t)
{
	struct ov_company company;
	struct ov_log_leaf leaf;
	char *pem = NULL;
	bool known;
	enum ov_status st = OV_OK;

	OV_TRY(company_of(&company, &known, tx, m, t->name, c->now));
	OV_TRY(certify(&pem, &company, c->broker, m->tls_key, c->now));
	OV_TRY(known ? ov_store_company_update(tx, &company)
		     : ov_store_company_add(tx, &company));
	OV_TRY(ov_store_log_append(
	    tx, &leaf, OV_LEAF_ENROLLED, OV_BYTES(company.id, OV_ID)));
	OV_TRY(reply_enrolled(c, tx, t->name, pem));
	ov_log(OV_LOG_INFO, "company.enrolled", OV_F_ID("company", company.id));
done:
	ov_secret_free(pem);
	return st;
}

enum ov_status
ov_handle_enrol(struct ov_call *c, const union ov_msg_any *any)
{
	const struct ov_msg_enrol *m = &any->enrol;
	struct ov_msg_enrol_body body;
	struct ov_token t;
	uint8_t hash[32], request[OV_DIGEST];
	struct ov_tx *tx = NULL;
	enum ov_status st = OV_OK;

	OV_TRY(ov_msg_decode(&body, OV_MSG_ENROL_BODY, m->body));
	OV_REQUIRE(body.version == OV_PROTOCOL_VERSION, OV_E_PROTO_VERSION);
	OV_TRY(ov_verify_vartime(m->signature, body.identity, "enrol", m->body));
	hash_secret(hash, body.token);
	request_digest(request, &body);
	OV_TRY(ov_tx_begin(&tx, c->broker->store));
	st = ov_store_token(tx, &t, hash);
	OV_REQUIRE(st != OV_E_NOT_FOUND, OV_E_BROKER_TOKEN);
	OV_TRY(st);
	OV_REQUIRE(t.expiry > c->now, OV_E_BROKER_TOKEN);
	if (t.used) {
		OV_REQUIRE(memcmp(t.request, request, OV_DIGEST) == 0, OV_E_BROKER_TOKEN);
		OV_TRY(ov_store_token_reply(tx, c->reply, hash));
		goto done;
	}
	OV_TRY(take_in(c, tx, &body, &t));
	OV_TRY(ov_store_token_use(tx, hash, request, OV_BUF_BYTES(c->reply)));
	OV_TRY(ov_tx_commit(&tx, "enrol"));
done:
	ov_tx_end(&tx);
	ov_wipe(&body, sizeof(body));
	return st;
}

/* --- what an operator does --- */

/* One open job of the company, ended; OV_E_NOT_FOUND when none is left. */
struct first_job {
	struct ov_job job;
	bool found;
};

static enum ov_status
keep_job(void *arg, const struct ov_job *job)
{
	struct first_job *f = arg;

	f->job = *job;
	f->found = true;
	return OV_OK;
}

/* But for those that are reported: the other side may still read its own. */
static enum ov_status
end_jobs(struct ov_tx *tx, const struct ov_broker *b, const uint8_t company[OV_ID])
{
	struct ov_job_walk walk = { .company = company, .open_only = true, .limit = 1 };
	struct first_job f;
	enum ov_status st = OV_OK;

	for (;;) {
		f.found = false;
		OV_TRY(ov_store_jobs(tx, &walk, keep_job, &f));
		if (!f.found)
			break;
		walk.after = f.job.seq;
		if (f.job.state >= OV_JOB_REPORTED)
			continue;
		OV_TRY(ov_job_conclude(&f.job, tx, OV_STEP_FAIL, OV_E_BROKER_REVOKED));
		ov_events_fire(b->events, f.job.id);
	}
done:
	return st;
}

enum ov_status
ov_enrol_revoke(uint8_t fingerprint[32], const struct ov_broker *b, const char *name,
    enum ov_company_status status)
{
	struct ov_company c;
	struct ov_log_leaf leaf;
	struct ov_tx *tx = NULL;
	enum ov_status st = OV_OK;

	OV_TRY(ov_tx_begin(&tx, b->store));
	OV_TRY(ov_store_company_named(tx, &c, name));
	memcpy(fingerprint, c.fingerprint, 32);
	/* one that was given before would undo this */
	OV_TRY(ov_store_tokens_withdraw(tx, name));
	if (c.status == status) {
		OV_TRY(ov_tx_commit(&tx, "token.withdraw"));
		goto done;
	}
	c.status = status;
	c.changed = b->now();
	OV_TRY(ov_store_company_update(tx, &c));
	OV_TRY(ov_store_log_append(tx, &leaf, OV_LEAF_REVOKED, OV_BYTES(c.id, OV_ID)));
	OV_TRY(end_jobs(tx, b, c.id));
	OV_TRY(ov_tx_commit(&tx, "company.revoke"));
	ov_events_fire(b->events, c.id);
	ov_log(OV_LOG_INFO, "company.revoked", OV_F_ID("company", c.id),
	    OV_F_U64("status", status));
done:
	ov_tx_end(&tx);
	return st;
}
