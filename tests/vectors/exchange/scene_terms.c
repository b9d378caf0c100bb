/* Companies, their pairing, and the terms that both sign. */
#include <string.h>

#include "common/crypto/memory.h"
#include "common/crypto/sign.h"
#include "common/transport/frame.h"
#include "proto/code.h"
#include "proto/keys.h"
#include "tests/vectors/exchange/scene.h"
#include "tests/vectors/exchange/seeded_random.h"

/* --- companies.json --- */

static int
is_log_start(const void *log_id, const uint8_t *draw)
{
	const struct ov_bytes parts[] = { OV_LITERAL("log"), OV_BYTES(broker.log_pk, 32),
		OV_BYTES(draw, 16) };
	uint8_t h[OV_HASH_LEN];

	ov_hash_parts(h, parts, 3);
	return memcmp(h, log_id, OV_ID) == 0;
}

static void
write_broker(struct scene_file *f)
{
	const uint8_t *start = seeded_random_find(16, is_log_start, broker.log_id);
	struct ov_json *in = ov_json_object(f->in, "broker");
	struct ov_json *out = ov_json_object(f->out, "broker");

	MUST(start != NULL);
	scene_hex(in, "log_seed", OV_BYTES(broker.log_sk, 32));
	scene_hex(in, "report_seed", OV_BYTES(broker.report_sk, 32));
	scene_hex(in, "log_start", OV_BYTES(start, 16));
	HEX(out, "log_key", broker.log_pk);
	HEX(out, "report_key", broker.report_pk);
	HEX(out, "log_id", broker.log_id);
}

static void
write_company(struct scene_file *f, const char *key, const struct company *c)
{
	struct ov_json *in = ov_json_object(f->in, key);
	struct ov_json *out = ov_json_object(f->out, key);

	ov_json_text(in, "name", c->actor->name);
	scene_hex(in, "identity_seed", OV_BYTES(c->actor->sk, 32));
	HEX(in, "envelope_secret", c->envelope_secret);
	HEX(out, "identity", c->actor->pk);
	HEX(out, "envelope", c->actor->envelope);
	HEX(out, "company_id", c->actor->id);
}

/* A token and the request that Ada could have enrolled with: the real ones hold keys of
 * certificates, which nobody can make twice. */
static void
write_enrolment(const struct scene *s, struct scene_file *f)
{
	struct ov_json *in = ov_json_object(f->in, "enrolment");
	struct ov_token_code token;
	struct ov_msg_enrol_body body = { .version = 1, .created = (uint64_t)clock_now };
	struct ov_msg_enrol enrol = { 0 };
	struct signed_message m = { 0 };
	struct ov_buf message = { 0 };
	/* of the base point of P-256 */
	static const uint8_t tls_key[] = { 0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86,
		0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d,
		0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04, 0x6b, 0x17, 0xd1, 0xf2, 0xe1,
		0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63, 0xa4, 0x40, 0xf2, 0x77,
		0x03, 0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8,
		0x98, 0xc2, 0x96, 0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e,
		0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16, 0x2b, 0xce, 0x33, 0x57, 0x6b,
		0x31, 0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5 };
	uint8_t header[OV_FRAME_HEAD_LEN];
	char text[OV_TOKEN_TEXT];

	_Static_assert(sizeof(tls_key) == OV_TLS_SPKI_LEN, "as the broker takes it");

	scene_fixed(token.ca_sha256, 32, "CA certificate");
	scene_fixed(token.secret, 16, "token secret");
	ov_log_key_hash(token.log_key_hash, broker.log_pk);
	ov_token_write(text, &token);
	memcpy(body.token, token.secret, 16);
	memcpy(body.identity, s->a.actor->pk, 32);
	memcpy(body.envelope, s->a.actor->envelope, 32);
	body.tls_key = OV_BYTES(tls_key, sizeof(tls_key));
	MUST(ov_msg_encode(&m.bytes, OV_MSG_ENROL_BODY, &body) == OV_OK);
	scene_sign(&m, &s->a, "enrol");
	enrol.body = OV_BUF_BYTES(&m.bytes);
	memcpy(enrol.signature, m.signature, 64);
	MUST(ov_msg_encode(&message, OV_MSG_ENROL, &enrol) == OV_OK);
	ov_frame_encode(header, 1, (uint32_t)message.len);

	HEX(in, "ca_sha256", token.ca_sha256);
	HEX(in, "token_secret", token.secret);
	HEX(in, "tls_key", tls_key);
	ov_json_number(in, "created", body.created);
	ov_json_number(in, "request", 1);
	ov_json_text(f->out, "enrolment_token", text);
	scene_write_signed(f->out, "ENROL_BODY", &m);
	HEX(f->out, "ENROL_frame_head", header);
	scene_hex(f->out, "ENROL", OV_BUF_BYTES(&message));
	ov_buf_free(&m.bytes);
	ov_buf_free(&message);
}

static struct ov_pair_party
party(const struct company *c)
{
	return (struct ov_pair_party){ c->actor->pk, c->actor->envelope,
		scene_text(c->actor->name) };
}

/* One of the two mails of a pairing, which have the same fields. */
static void
write_pair_mail(const struct scene *s, struct ov_json *out, const char *name,
    enum ov_msg type, const uint8_t secret[16])
{
	const struct ov_pair_party inviter = party(&s->a), acceptor = party(&s->b);
	const struct company *sender = type == OV_MSG_PAIR_REQUEST ? &s->b : &s->a;
	struct ov_msg_pair_request m = { .version = 1,
		.name = scene_text(sender->actor->name) };
	struct ov_buf bytes = { 0 };
	uint8_t key[32];

	_Static_assert(
	    sizeof(struct ov_msg_pair_request) == sizeof(struct ov_msg_pair_reply),
	    "the same fields");
	ov_pair_key(key, m.invitation, secret);
	memcpy(m.identity, sender->actor->pk, 32);
	memcpy(m.envelope, sender->actor->envelope, 32);
	ov_pair_mac(m.mac, key,
	    type == OV_MSG_PAIR_REQUEST ? "pair request" : "pair reply", &inviter,
	    &acceptor, broker.log_pk);
	MUST(ov_msg_encode(&bytes, type, &m) == OV_OK);
	scene_hex(out, name, OV_BUF_BYTES(&bytes));
	ov_buf_free(&bytes);
}

static void
write_pairing(const struct scene *s, struct scene_file *f)
{
	struct ov_pair_code code;
	char text[OV_PAIR_CODE_TEXT];
	uint8_t key[32], invitation[16];

	scene_fixed(code.secret, 16, "invitation secret");
	memcpy(code.inviter, s->a.actor->id, 16);
	ov_log_key_hash(code.log_key_hash, broker.log_pk);
	ov_pair_code_write(text, &code);
	ov_pair_key(key, invitation, code.secret);
	HEX(f->in, "invitation_secret", code.secret);
	ov_json_text(f->out, "invitation_code", text);
	HEX(f->out, "pair_key", key);
	HEX(f->out, "invitation", invitation);
	write_pair_mail(s, f->out, "PAIR_REQUEST", OV_MSG_PAIR_REQUEST, code.secret);
	write_pair_mail(s, f->out, "PAIR_REPLY", OV_MSG_PAIR_REPLY, code.secret);
}

static void
enrol(struct scene *s, struct company *c, struct actor *actor, const char *name)
{
	actor_enrol(actor, name);
	c->actor = actor;
	scene_secret_of(c->envelope_secret, actor->envelope);
	scene_leaf(s, name, OV_BYTES(actor->id, OV_ID));
}

void
scene_companies(struct scene *s)
{
	struct scene_file f = scene_open(
	    "Keys and ids of the broker and of two companies, an enrolment token and "
	    "request, and the pairing: a invites, b accepts (PROTOCOL.md 2, 3.2, 5).");

	enrol(s, &s->a, &ada, "Ada Ltd");
	enrol(s, &s->b, &bob, "Bob GmbH");
	s->low = ov_is_low(ada.id, bob.id) ? &s->a : &s->b;
	s->high = s->low == &s->a ? &s->b : &s->a;
	write_broker(&f);
	write_company(&f, "a", &s->a);
	write_company(&f, "b", &s->b);
	ov_json_text(f.out, "low", s->low == &s->a ? "a" : "b");
	write_enrolment(s, &f);
	write_pairing(s, &f);
	scene_close(s, "companies", &f);
}

/* --- terms.json --- */

static void
make_sheet(struct company *c)
{
	struct ov_msg_grants g = c->book->grants;

	MUST(ov_populations_pack(
		 &c->populations, c->book->populations, c->book->n_populations) == OV_OK);
	g.populations = OV_BUF_BYTES(&c->populations);
	MUST(ov_msg_encode(&c->grants, OV_MSG_GRANTS, &g) == OV_OK);
}

static void
make_offer(struct company *c, const struct company *to, uint64_t sequence)
{
	struct ov_msg_terms_offer m = { .version = 1, .sequence = sequence };

	scene_seal(&c->offer, c, to, "terms offer", OV_BUF_BYTES(&c->grants));
	memcpy(m.from, c->actor->id, OV_ID);
	memcpy(m.to, to->actor->id, OV_ID);
	m.sealed = OV_BUF_BYTES(&c->offer.bytes);
	MUST(ov_msg_encode(&c->offer_message.bytes, OV_MSG_TERMS_OFFER, &m) == OV_OK);
	scene_sign(&c->offer_message, c, "offer");
}

static void
sign_terms(struct scene *s, struct company *c, const struct company *partner)
{
	struct ov_msg_put_terms m = { .body = OV_BUF_BYTES(&s->terms_body),
		.release = OV_BUF_BYTES(&s->release) };
	struct ov_msg_terms_signed reply;

	scene_seal(&c->sealed_terms, c, partner, "terms", OV_BUF_BYTES(&s->terms));
	memcpy(m.partner, partner->actor->id, OV_ID);
	ov_sign(c->terms_signature, c->actor->sk, "terms", m.body);
	memcpy(m.signature, c->terms_signature, 64);
	m.sealed = OV_BUF_BYTES(&c->sealed_terms.bytes);
	MUST(call(c->actor, OV_MSG_PUT_TERMS, &m, OV_MSG_TERMS_SIGNED, &reply) == OV_OK);
}

static void
write_populations(struct ov_json *at, const struct company_book *book)
{
	struct ov_json *list = ov_json_array(at, "populations");

	for (size_t i = 0; i < book->n_populations; i++) {
		struct ov_json *p = ov_json_array(list, NULL);

		ov_json_number(p, NULL, book->populations[i].level);
		ov_json_text(p, NULL, book->populations[i].name);
	}
}

#define GRANT_U(S, name, lo, hi) ov_json_number(at, #name, g->name);
#define GRANT_B(S, name, n)
#define GRANT_V(S, name, lo, hi) write_bytes(at, #name, g->name);

static void
write_bytes(struct ov_json *at, const char *key, struct ov_bytes x)
{
	if (strcmp(key, "populations") != 0)
		scene_hex(at, key, x);
}

/* Every field of GRANTS, whatever it has; populations as the list they are. */
static void
write_grants(struct ov_json *in, const struct company_book *book)
{
	const struct ov_msg_grants *g = &book->grants;
	struct ov_json *at = ov_json_object(in, "grants");

	write_populations(at, book);
	OV_FIELDS_GRANTS(grants, GRANT_U, GRANT_B, GRANT_V, GRANT_V)
}

static void
write_terms_side(struct scene_file *f, const char *key, const struct company *c)
{
	struct ov_json *in = ov_json_object(f->in, key);
	struct ov_json *out = ov_json_object(f->out, key);

	write_grants(in, c->book);
	HEX(in, "offer_ephemeral", c->offer.ephemeral);
	scene_hex(in, "offer_nonce", OV_BYTES(c->offer.bytes.p + 32, 24));
	HEX(in, "terms_ephemeral", c->sealed_terms.ephemeral);
	scene_hex(in, "terms_nonce", OV_BYTES(c->sealed_terms.bytes.p + 32, 24));
	scene_hex(out, "GRANTS", OV_BUF_BYTES(&c->grants));
	scene_write_signed(out, "TERMS_OFFER", &c->offer_message);
	scene_hex(out, "sealed_terms", OV_BUF_BYTES(&c->sealed_terms.bytes));
	HEX(out, "TERMS_BODY_signature", c->terms_signature);
}

static void
leaf_of_terms(struct scene *s)
{
	const struct ov_bytes parts[] = { OV_BUF_BYTES(&s->terms_body),
		OV_BYTES(s->low->terms_signature, 64),
		OV_BYTES(s->high->terms_signature, 64) };
	uint8_t body[OV_HASH_LEN];

	ov_hash_parts(body, parts, 3);
	scene_leaf(s, "TERMS_BODY", OV_BYTES(body, sizeof(body)));
}

void
scene_terms(struct scene *s)
{
	const uint64_t sequence = 7;
	struct ov_terms_input in = {
		.low = s->low->actor->pk, .high = s->high->actor->pk, .sequence = sequence
	};
	struct scene_file f = scene_open("Both grant sheets, the terms and the release "
					 "table that follow from them, and "
					 "both signatures (PROTOCOL.md 6).");

	s->a.book = &book_ada;
	s->b.book = &book_bob;
	make_sheet(&s->a);
	make_sheet(&s->b);
	make_offer(&s->a, &s->b, sequence);
	make_offer(&s->b, &s->a, sequence);
	in.grants_low = OV_BUF_BYTES(&s->low->grants);
	in.grants_high = OV_BUF_BYTES(&s->high->grants);
	MUST(ov_terms_derive(&s->terms, &s->release, &s->body, &in) == OV_OK);
	MUST(ov_msg_encode(&s->terms_body, OV_MSG_TERMS_BODY, &s->body) == OV_OK);
	sign_terms(s, &s->a, &s->b);
	sign_terms(s, &s->b, &s->a);
	leaf_of_terms(s);

	ov_json_number(f.in, "sequence", sequence);
	write_terms_side(&f, "a", &s->a);
	write_terms_side(&f, "b", &s->b);
	scene_hex(f.out, "TERMS", OV_BUF_BYTES(&s->terms));
	scene_hex(f.out, "RELEASE", OV_BUF_BYTES(&s->release));
	HEX(f.out, "terms_digest", s->body.terms);
	HEX(f.out, "release_digest", s->body.release);
	scene_hex(f.out, "TERMS_BODY", OV_BUF_BYTES(&s->terms_body));
	scene_close(s, "terms", &f);
}
