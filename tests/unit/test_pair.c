/* Pairing: only who has the invitation becomes a partner, and only under the identity,
 * envelope key and name that both sides saw. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include "client/pair.h"
#include "common/crypto/memory.h"
#include "home_site.h"
#include "proto/keys.h"

/* An inviter, an acceptor, and someone else of the same broker. */
static struct ov_home *inviter, *acceptor, *other;
static struct ov_pair_code code;
static struct site_mail mail;

static int
setup(void **state)
{
	char text[OV_PAIR_CODE_TEXT];

	if (site_setup(state) != 0)
		return -1;
	inviter = site_joined("Acme", NULL);
	acceptor = site_joined("Globex", NULL);
	other = site_joined("Initech", NULL);
	if (ov_pair_invite(text, inviter, 14) != OV_OK)
		return -1;
	return ov_pair_code_read(&code, text) == OV_OK ? 0 : -1;
}

static int
teardown(void **state)
{
	ov_home_close(inviter);
	ov_home_close(acceptor);
	ov_home_close(other);
	ov_buf_free(&mail.body);
	return site_teardown(state);
}

/* What the broker says when asked who that is. */
static struct ov_msg_company
who(const struct ov_home *h)
{
	struct ov_msg_company m = { .name = OV_BYTES(h->name, strlen(h->name)) };

	memcpy(m.identity, h->identity, 32);
	memcpy(m.envelope, h->envelope, 32);
	return m;
}

/* The acceptor's request is in `mail`. */
static void
accept_and_take(void)
{
	struct ov_msg_company m = who(inviter);

	assert_int_equal(ov_pair_accept(acceptor, &code, &m), OV_OK);
	assert_true(site_take_mail(&mail, acceptor));
	assert_int_equal(mail.kind, OV_MAIL_PAIR_REQUEST);
	assert_memory_equal(mail.to, inviter->company, OV_ID);
}

static void
both_become_partners(void **state)
{
	struct ov_partner p;

	(void)state;
	accept_and_take();
	assert_int_equal(
	    ov_partner_get(&p, acceptor, inviter->company), OV_E_PARTNER_UNPAIRED);
	assert_int_equal(
	    ov_pair_take_request(inviter, acceptor->company, OV_BUF_BYTES(&mail.body)),
	    OV_OK);
	assert_int_equal(ov_partner_get(&p, inviter, acceptor->company), OV_OK);
	assert_string_equal(p.name, "Globex");
	assert_memory_equal(p.envelope, acceptor->envelope, 32);
	assert_true(site_take_mail(&mail, inviter));
	assert_int_equal(mail.kind, OV_MAIL_PAIR_REPLY);
	assert_int_equal(
	    ov_pair_take_reply(acceptor, inviter->company, OV_BUF_BYTES(&mail.body)),
	    OV_OK);
	assert_int_equal(ov_partner_find(&p, acceptor, "acm"), OV_OK);
	assert_memory_equal(p.identity, inviter->identity, 32);
	assert_int_equal(ov_partner_of_identity(&p, acceptor, inviter->identity), OV_OK);
}

static void
the_same_again_changes_nothing(void **state)
{
	struct ov_msg_company m = who(inviter);

	(void)state;
	accept_and_take();
	assert_int_equal(ov_pair_accept(acceptor, &code, &m), OV_OK);
	assert_int_equal(site_count(acceptor, "mail_out"), 1);
	for (int i = 0; i < 3; i++)
		assert_int_equal(ov_pair_take_request(inviter, acceptor->company,
				     OV_BUF_BYTES(&mail.body)),
		    OV_OK);
	assert_int_equal(site_count(inviter, "mail_out"), 1);
	assert_true(site_take_mail(&mail, inviter));
	for (int i = 0; i < 3; i++)
		assert_int_equal(ov_pair_take_reply(acceptor, inviter->company,
				     OV_BUF_BYTES(&mail.body)),
		    OV_OK);
	assert_int_equal(ov_pair_accept(acceptor, &code, &m), OV_OK);
	assert_int_equal(site_count(acceptor, "partner"), 1);
	assert_int_equal(site_count(acceptor, "mail_out"), 1);
}

/* A request as someone would craft it who has the secret or not. */
static void
craft(struct ov_buf *out, const struct ov_home *from, const uint8_t secret[16],
    const char *kind, const char *name_in_mac)
{
	struct ov_msg_pair_request m = { .version = 1,
		.name = OV_BYTES(from->name, strlen(from->name)) };
	struct ov_pair_party in = { inviter->identity, inviter->envelope,
		OV_BYTES(inviter->name, strlen(inviter->name)) };
	struct ov_pair_party ac = { from->identity, from->envelope,
		OV_BYTES(name_in_mac, strlen(name_in_mac)) };
	uint8_t key[32], unused[16];

	memcpy(m.identity, from->identity, 32);
	memcpy(m.envelope, from->envelope, 32);
	ov_pair_key(key, m.invitation, code.secret); /* a broker sees this id */
	ov_pair_key(key, unused, secret);
	ov_pair_mac(m.mac, key, kind, &in, &ac, site_log_pk);
	out->len = 0;
	assert_int_equal(ov_msg_encode(out, OV_MSG_PAIR_REQUEST, &m), OV_OK);
}

static void
a_request_without_the_secret_is_refused(void **state)
{
	uint8_t wrong[16];
	struct ov_buf b = { 0 };

	(void)state;
	memcpy(wrong, code.secret, 16);
	wrong[15] ^= 1;
	craft(&b, other, wrong, "pair request", other->name);
	assert_int_equal(ov_pair_take_request(inviter, other->company, OV_BUF_BYTES(&b)),
	    OV_E_PAIR_PROOF);
	craft(&b, other, code.secret, "pair reply", other->name);
	assert_int_equal(ov_pair_take_request(inviter, other->company, OV_BUF_BYTES(&b)),
	    OV_E_PAIR_PROOF);
	craft(&b, other, code.secret, "pair request", "Globex");
	assert_int_equal(ov_pair_take_request(inviter, other->company, OV_BUF_BYTES(&b)),
	    OV_E_PAIR_PROOF);
	assert_int_equal(site_count(inviter, "partner"), 0);
	assert_int_equal(site_count(inviter, "mail_out"), 0);
	/* the control: with the secret and its own name it is a partner */
	craft(&b, other, code.secret, "pair request", other->name);
	assert_int_equal(
	    ov_pair_take_request(inviter, other->company, OV_BUF_BYTES(&b)), OV_OK);
	ov_buf_free(&b);
}

static void
a_failed_try_leaves_the_invitation_to_the_right_one(void **state)
{
	uint8_t wrong[16] = { 0 };
	struct ov_buf b = { 0 };

	(void)state;
	craft(&b, other, wrong, "pair request", other->name);
	assert_int_equal(ov_pair_take_request(inviter, other->company, OV_BUF_BYTES(&b)),
	    OV_E_PAIR_PROOF);
	accept_and_take();
	assert_int_equal(
	    ov_pair_take_request(inviter, acceptor->company, OV_BUF_BYTES(&mail.body)),
	    OV_OK);
	ov_buf_free(&b);
}

static void
every_changed_byte_of_a_request_is_refused(void **state)
{
	(void)state;
	accept_and_take();
	for (size_t i = 0; i < mail.body.len; i++) {
		enum ov_status st;

		mail.body.p[i] ^= (uint8_t)(1U << i % 8);
		st = ov_pair_take_request(
		    inviter, acceptor->company, OV_BUF_BYTES(&mail.body));
		assert_int_not_equal(st, OV_OK);
		mail.body.p[i] ^= (uint8_t)(1U << i % 8);
	}
	assert_int_equal(site_count(inviter, "partner"), 0);
}

static void
a_request_under_another_companys_certificate_is_refused(void **state)
{
	(void)state;
	accept_and_take();
	assert_int_equal(
	    ov_pair_take_request(inviter, other->company, OV_BUF_BYTES(&mail.body)),
	    OV_E_PAIR_PROOF);
	assert_int_equal(site_count(inviter, "partner"), 0);
}

static void
a_used_invitation_is_used(void **state)
{
	struct ov_buf b = { 0 };

	(void)state;
	accept_and_take();
	assert_int_equal(
	    ov_pair_take_request(inviter, acceptor->company, OV_BUF_BYTES(&mail.body)),
	    OV_OK);
	craft(&b, other, code.secret, "pair request", other->name);
	assert_int_equal(ov_pair_take_request(inviter, other->company, OV_BUF_BYTES(&b)),
	    OV_E_PAIR_EXPIRED);
	assert_int_equal(site_count(inviter, "partner"), 1);
	ov_buf_free(&b);
}

static void
an_old_invitation_is_expired(void **state)
{
	(void)state;
	accept_and_take();
	inviter->clock_shift_s = 14 * 86400 + 60;
	assert_int_equal(
	    ov_pair_take_request(inviter, acceptor->company, OV_BUF_BYTES(&mail.body)),
	    OV_E_PAIR_EXPIRED);
	inviter->clock_shift_s = 14 * 86400 - 60;
	assert_int_equal(
	    ov_pair_take_request(inviter, acceptor->company, OV_BUF_BYTES(&mail.body)),
	    OV_OK);
}

/* The broker answers WHO with keys of its own. */
static void
a_swapped_identity_is_found_before_anything_leaves(void **state)
{
	struct ov_msg_company m = who(inviter);

	(void)state;
	memcpy(m.identity, other->identity, 32);
	assert_int_equal(ov_pair_accept(acceptor, &code, &m), OV_E_PAIR_PROOF);
	assert_int_equal(site_count(acceptor, "mail_out"), 0);
}

static void
a_swapped_envelope_key_or_name_is_found_by_the_proof(void **state)
{
	struct ov_msg_company m = who(inviter);

	(void)state;
	m.envelope[0] ^= 1;
	assert_int_equal(ov_pair_accept(acceptor, &code, &m), OV_OK);
	assert_true(site_take_mail(&mail, acceptor));
	assert_int_equal(
	    ov_pair_take_request(inviter, acceptor->company, OV_BUF_BYTES(&mail.body)),
	    OV_E_PAIR_PROOF);
	m = who(inviter);
	m.name = OV_BYTES("Acne", 4);
	assert_int_equal(ov_pair_accept(other, &code, &m), OV_OK);
	assert_true(site_take_mail(&mail, other));
	assert_int_equal(
	    ov_pair_take_request(inviter, other->company, OV_BUF_BYTES(&mail.body)),
	    OV_E_PAIR_PROOF);
}

static void
an_invitation_of_another_broker_is_refused(void **state)
{
	struct ov_msg_company m = who(inviter);

	(void)state;
	code.log_key_hash[0] ^= 1;
	assert_int_equal(ov_pair_accept(acceptor, &code, &m), OV_E_PAIR_BROKER);
	code.log_key_hash[0] ^= 1;
	assert_int_equal(ov_pair_accept(acceptor, &code, &m), OV_OK);
}

static void
ones_own_invitation_is_refused(void **state)
{
	struct ov_msg_company m = who(inviter);

	(void)state;
	assert_int_equal(ov_pair_accept(inviter, &code, &m), OV_E_USAGE);
}

static void
every_changed_byte_of_a_reply_is_refused(void **state)
{
	(void)state;
	accept_and_take();
	assert_int_equal(
	    ov_pair_take_request(inviter, acceptor->company, OV_BUF_BYTES(&mail.body)),
	    OV_OK);
	assert_true(site_take_mail(&mail, inviter));
	for (size_t i = 0; i < mail.body.len; i++) {
		mail.body.p[i] ^= (uint8_t)(1U << i % 8);
		assert_int_not_equal(ov_pair_take_reply(acceptor, inviter->company,
					 OV_BUF_BYTES(&mail.body)),
		    OV_OK);
		mail.body.p[i] ^= (uint8_t)(1U << i % 8);
	}
	assert_int_equal(site_count(acceptor, "partner"), 0);
	assert_int_equal(
	    ov_pair_take_reply(acceptor, other->company, OV_BUF_BYTES(&mail.body)),
	    OV_E_PAIR_PROOF);
	assert_int_equal(
	    ov_pair_take_reply(other, inviter->company, OV_BUF_BYTES(&mail.body)),
	    OV_E_PAIR_EXPIRED);
	assert_int_equal(
	    ov_pair_take_reply(acceptor, inviter->company, OV_BUF_BYTES(&mail.body)),
	    OV_OK);
}

/* An acceptor's own request sent back to it is no reply. */
static void
a_request_is_no_reply(void **state)
{
	struct ov_msg_pair_request m;
	struct ov_msg_pair_reply r;
	struct ov_buf b = { 0 };

	(void)state;
	accept_and_take();
	assert_int_equal(
	    ov_msg_decode(&m, OV_MSG_PAIR_REQUEST, OV_BUF_BYTES(&mail.body)), OV_OK);
	memcpy(&r, &m, sizeof(r));
	memcpy(r.identity, inviter->identity, 32);
	memcpy(r.envelope, inviter->envelope, 32);
	r.name = OV_BYTES("Acme", 4);
	assert_int_equal(ov_msg_encode(&b, OV_MSG_PAIR_REPLY, &r), OV_OK);
	assert_int_equal(ov_pair_take_reply(acceptor, inviter->company, OV_BUF_BYTES(&b)),
	    OV_E_PAIR_PROOF);
	ov_buf_free(&b);
}

static void
partners_are_found_by_what_people_type(void **state)
{
	struct ov_partner p = { .state = OV_PARTNER_PAIRED }, out;
	static const char *const names[] = { "Globex", "Globe Bank", "Acme" };
	char hex[33];

	(void)state;
	assert_int_equal(ov_db_begin(inviter->db), OV_OK);
	for (size_t i = 0; i < 3; i++) {
		memset(p.identity, (int)i + 1, 32);
		ov_company_id(p.company, p.identity);
		memcpy(p.name, names[i], strlen(names[i]) + 1);
		assert_int_equal(ov_partner_put(inviter, &p), OV_OK);
	}
	assert_int_equal(ov_db_commit(inviter->db, "test"), OV_OK);
	assert_int_equal(ov_partner_find(&out, inviter, "globe b"), OV_OK);
	assert_string_equal(out.name, "Globe Bank");
	assert_int_equal(ov_partner_find(&out, inviter, "GLOBEX"), OV_OK);
	assert_string_equal(out.name, "Globex");
	assert_int_equal(ov_partner_find(&out, inviter, "globe"), OV_E_PARTNER_UNKNOWN);
	assert_int_equal(ov_partner_find(&out, inviter, ""), OV_E_PARTNER_UNKNOWN);
	assert_int_equal(ov_partner_find(&out, inviter, "nobody"), OV_E_PARTNER_UNKNOWN);
	ov_hex(hex, p.company, 16);
	assert_int_equal(ov_partner_find(&out, inviter, hex), OV_OK);
	assert_string_equal(out.name, "Acme");
	hex[8] = '\0';
	assert_int_equal(ov_partner_find(&out, inviter, hex), OV_OK);
	hex[7] = '\0';
	assert_int_equal(ov_partner_find(&out, inviter, hex), OV_E_PARTNER_UNKNOWN);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(both_become_partners),
		T(the_same_again_changes_nothing),
		T(a_request_without_the_secret_is_refused),
		T(a_failed_try_leaves_the_invitation_to_the_right_one),
		T(every_changed_byte_of_a_request_is_refused),
		T(a_request_under_another_companys_certificate_is_refused),
		T(a_used_invitation_is_used),
		T(an_old_invitation_is_expired),
		T(a_swapped_identity_is_found_before_anything_leaves),
		T(a_swapped_envelope_key_or_name_is_found_by_the_proof),
		T(an_invitation_of_another_broker_is_refused),
		T(ones_own_invitation_is_refused),
		T(every_changed_byte_of_a_reply_is_refused),
		T(a_request_is_no_reply),
		T(partners_are_found_by_what_people_type),
	};

	return cmocka_run_group_tests_name("pair", tests, NULL, NULL);
}
