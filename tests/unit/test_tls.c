/* The authority issues what TLS accepts, and sessions refuse everything else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include "tests/unit/pki.h"

#define DAY (24 * 60 * 60)

static struct pki pki, other;
static struct pair company;

static int
set_up(void **state)
{
	(void)state;
	pki_init(&pki);
	pki_init(&other);
	pki_issue_client(&pki, &company, 0);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	pair_free(&company);
	pki_fini(&pki);
	pki_fini(&other);
	return 0;
}

/* --- two sessions joined in memory --- */

struct ends {
	struct ov_tls_context *server_ctx, *client_ctx;
	struct ov_tls *server, *client;
	enum ov_status server_st, client_st;
};

static uint8_t refused[OV_FINGERPRINT_LEN];

static bool
allowed(void *arg, const uint8_t fingerprint[OV_FINGERPRINT_LEN])
{
	(*(int *)arg)++;
	return memcmp(fingerprint, refused, OV_FINGERPRINT_LEN) != 0;
}

static int asked;

/* The defaults of most tests; a case changes what it is about. */
static struct ov_tls_server_options
server_options(void)
{
	return (struct ov_tls_server_options){ pki.server.cert, pki.server.key,
		pki.root.cert, allowed, &asked };
}

static struct ov_tls_client_options
client_options(void)
{
	return (struct ov_tls_client_options){ company.cert, company.key, pki.root.cert,
		NULL, "127.0.0.1" };
}

static void
move(struct ov_tls *from, struct ov_tls *to)
{
	const uint8_t *p;
	uint8_t *space;
	size_t len, cap;

	ov_tls_pending(from, &p, &len);
	ov_tls_space(to, &space, &cap, false);
	if (len > cap)
		len = cap;
	if (len == 0)
		return;
	memcpy(space, p, len);
	ov_tls_received(to, len);
	ov_tls_sent(from, len);
}

/* Drives both until nothing moves; in TLS 1.3 the client must read once to learn
 * what the server thought of it. */
static void
shake(struct ends *e)
{
	bool server_done = false, client_done = false;
	uint8_t byte;
	size_t n;

	for (int i = 0; i < 20; i++) {
		if (e->client_st == OV_OK)
			e->client_st = client_done
					   ? ov_tls_read(e->client, &byte, &n, 1)
					   : ov_tls_handshake(e->client, &client_done);
		move(e->client, e->server);
		if (e->server_st == OV_OK && !server_done)
			e->server_st = ov_tls_handshake(e->server, &server_done);
		move(e->server, e->client);
	}
	if (e->client_st == OV_OK && e->server_st == OV_OK)
		assert_true(server_done && client_done);
}

static void
open_ends(struct ends *e, const struct ov_tls_server_options *so,
    const struct ov_tls_client_options *co)
{
	memset(e, 0, sizeof(*e));
	asked = 0;
	assert_int_equal(ov_tls_server_new(&e->server_ctx, so), OV_OK);
	assert_int_equal(ov_tls_client_new(&e->client_ctx, co), OV_OK);
	e->server = ov_tls_new(e->server_ctx);
	e->client = ov_tls_new(e->client_ctx);
	assert_non_null(e->server);
	assert_non_null(e->client);
	shake(e);
}

static void
close_ends(struct ends *e)
{
	ov_tls_free(e->server);
	ov_tls_free(e->client);
	ov_tls_context_free(e->server_ctx);
	ov_tls_context_free(e->client_ctx);
}

static void
expect(const struct ov_tls_server_options *so, const struct ov_tls_client_options *co,
    enum ov_status server_st, enum ov_status client_st)
{
	struct ends e;

	open_ends(&e, so, co);
	assert_string_equal(ov_status_name(e.server_st), ov_status_name(server_st));
	assert_string_equal(ov_status_name(e.client_st), ov_status_name(client_st));
	close_ends(&e);
}

/* --- certificates --- */

static void
certificate_says_what_it_was_issued_for(void **state)
{
	struct ov_certificate c;
	int64_t now = (int64_t)time(NULL);

	(void)state;
	assert_int_equal(ov_certificate_read(&c, company.cert), OV_OK);
	assert_string_equal(c.uri, TEST_URI);
	assert_true(c.not_before < now && c.not_after > now + 729 * DAY &&
		    c.not_after < now + 733 * DAY);
	assert_int_equal(ov_certificate_read(&c, pki.root.cert), OV_OK);
	assert_true(c.not_after > now + 3650 * (int64_t)DAY);
	assert_int_equal(ov_certificate_read(&c, "no certificate"), OV_E_TLS_CERTIFICATE);
}

static void
authority_needs_its_own_key(void **state)
{
	struct ov_ca *ca = NULL;

	(void)state;
	assert_int_equal(
	    ov_ca_open(&ca, other.root.key, pki.root.cert), OV_E_TLS_CERTIFICATE);
	assert_int_equal(
	    ov_ca_open(&ca, pki.server.key, pki.server.cert), OV_E_TLS_CERTIFICATE);
	assert_int_equal(ov_ca_open(&ca, "", pki.root.cert), OV_E_TLS_CERTIFICATE);
	assert_null(ca);
}

static void
issuing_refuses_keys_that_are_not_canonical(void **state)
{
	uint8_t spki[OV_TLS_SPKI_LEN + 1] = { 0 };
	char *cert = NULL;

	(void)state;
	assert_int_equal(ov_tls_key_public(spki, company.key), OV_OK);
	for (size_t len = 0; len <= sizeof(spki); len++)
		if (len != OV_TLS_SPKI_LEN)
			assert_int_equal(ov_ca_issue_client(pki.ca, &cert,
					     OV_BYTES(spki, len), "c", TEST_URI, 0),
			    OV_E_TLS_CERTIFICATE);
	for (size_t i = 0; i < OV_TLS_SPKI_LEN; i++) {
		spki[i] ^= 0x01;
		assert_int_equal(ov_ca_issue_client(pki.ca, &cert,
				     OV_BYTES(spki, OV_TLS_SPKI_LEN), "c", TEST_URI, 0),
		    OV_E_TLS_CERTIFICATE);
		spki[i] ^= 0x01;
	}
	assert_int_equal(ov_ca_issue_client(pki.ca, &cert,
			     OV_BYTES(spki, OV_TLS_SPKI_LEN), "c\n", TEST_URI, 0),
	    OV_E_TLS_CERTIFICATE);
	assert_null(cert);
}

static void
issuing_refuses_hosts_that_are_none(void **state)
{
	static const char *const bad[] = { "", "*.example.org", "a b", "DNS:a,IP:::1",
		"ex\xc3\xa4mple.org" };
	char *cert = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(
		    ov_ca_issue_server(pki.ca, &cert, pki.server.key, &bad[i], 1, 0),
		    OV_E_NET_ADDRESS);
	assert_int_equal(ov_ca_issue_server(pki.ca, &cert, pki.server.key, bad, 0, 0),
	    OV_E_NET_ADDRESS);
	assert_null(cert);
}

/* --- who may speak with whom --- */

static void
company_and_broker_meet(void **state)
{
	struct ov_tls_server_options so = server_options();
	struct ov_tls_client_options co = client_options();
	uint8_t peer[OV_FINGERPRINT_LEN];
	struct ends e;

	(void)state;
	open_ends(&e, &so, &co);
	assert_int_equal(e.server_st, OV_OK);
	assert_int_equal(e.client_st, OV_OK);
	assert_int_equal(asked, 1);
	ov_tls_peer(e.server, peer);
	assert_memory_equal(peer, company.fingerprint, sizeof(peer));
	ov_tls_peer(e.client, peer);
	assert_memory_equal(peer, pki.server.fingerprint, sizeof(peer));
	close_ends(&e);
}

static void
revoked_company_is_refused_and_told(void **state)
{
	struct ov_tls_server_options so = server_options();
	struct ov_tls_client_options co = client_options();

	(void)state;
	memcpy(refused, company.fingerprint, sizeof(refused));
	expect(&so, &co, OV_E_TLS_CERTIFICATE, OV_E_BROKER_REVOKED);
	memset(refused, 0, sizeof(refused));
	expect(&so, &co, OV_OK, OV_OK);
}

static void
certificate_of_another_authority_is_refused(void **state)
{
	struct ov_tls_server_options so = server_options();
	struct ov_tls_client_options co = client_options();
	struct pair stranger = { 0 };

	(void)state;
	pki_issue_client(&other, &stranger, 0);
	co.cert_pem = stranger.cert;
	co.key_pem = stranger.key;
	expect(&so, &co, OV_E_TLS_CERTIFICATE, OV_E_TLS_HANDSHAKE);
	assert_int_equal(asked, 0);
	pair_free(&stranger);
}

static void
expired_company_is_refused(void **state)
{
	struct ov_tls_server_options so = server_options();
	struct ov_tls_client_options co = client_options();
	struct pair old = { 0 };

	(void)state;
	pki_issue_client(&pki, &old, 732 * (int64_t)DAY);
	co.cert_pem = old.cert;
	co.key_pem = old.key;
	expect(&so, &co, OV_E_TLS_CERTIFICATE, OV_E_TLS_HANDSHAKE);
	pair_free(&old);
}

static void
missing_certificate_is_refused(void **state)
{
	struct ov_tls_server_options so = server_options();
	struct ov_tls_client_options co = client_options();

	(void)state;
	co.cert_pem = co.key_pem = NULL;
	expect(&so, &co, OV_E_TLS_HANDSHAKE, OV_E_TLS_HANDSHAKE);
}

/* A company's certificate is no broker's, nor the other way round. */
static void
usage_is_checked_both_ways(void **state)
{
	struct ov_tls_server_options so = server_options();
	struct ov_tls_client_options co = client_options();

	(void)state;
	co.cert_pem = pki.server.cert;
	co.key_pem = pki.server.key;
	expect(&so, &co, OV_E_TLS_CERTIFICATE, OV_E_TLS_HANDSHAKE);
	co = client_options();
	so.cert_pem = company.cert;
	so.key_pem = company.key;
	expect(&so, &co, OV_E_TLS_HANDSHAKE, OV_E_TLS_CERTIFICATE);
}

static void
server_name_must_be_in_the_certificate(void **state)
{
	static const char *const wrong[] = { "127.0.0.2", "example.org", "local",
		"localhost.example.org" };
	struct ov_tls_server_options so = server_options();
	struct ov_tls_client_options co = client_options();

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		co.server_name = wrong[i];
		expect(&so, &co, OV_E_TLS_HANDSHAKE, OV_E_TLS_CERTIFICATE);
	}
	co.server_name = "localhost";
	expect(&so, &co, OV_OK, OV_OK);
}

static void
server_of_another_authority_is_refused(void **state)
{
	struct ov_tls_server_options so = server_options();
	struct ov_tls_client_options co = client_options();

	(void)state;
	so.cert_pem = other.server.cert;
	so.key_pem = other.server.key;
	so.ca_pem = other.root.cert;
	expect(&so, &co, OV_E_TLS_HANDSHAKE, OV_E_TLS_CERTIFICATE);
}

/* --- enrolment: only a hash of the authority is known --- */

static void
pin_accepts_its_authority_and_shows_it(void **state)
{
	struct ov_tls_server_options so = server_options();
	struct ov_tls_client_options co = { .ca_sha256 = pki.root.fingerprint,
		.server_name = "127.0.0.1" };
	uint8_t peer[OV_FINGERPRINT_LEN], zero[OV_FINGERPRINT_LEN] = { 0 };
	char *pem = NULL;
	uint8_t *der = NULL;
	struct ends e;
	size_t len;

	(void)state;
	so.allowed = NULL;
	open_ends(&e, &so, &co);
	assert_int_equal(e.client_st, OV_OK);
	ov_tls_peer(e.server, peer);
	assert_memory_equal(peer, zero, sizeof(peer));
	assert_int_equal(ov_tls_root(e.client, &der, &len), OV_OK);
	assert_int_equal(ov_certificate_pem(&pem, OV_BYTES(der, len)), OV_OK);
	assert_string_equal(pem, pki.root.cert);
	ov_secret_free(pem);
	free(der);
	close_ends(&e);
}

static void
pin_refuses_others(void **state)
{
	struct ov_tls_server_options so = server_options();
	struct ov_tls_client_options co = { .ca_sha256 = other.root.fingerprint,
		.server_name = "127.0.0.1" };

	(void)state;
	so.allowed = NULL;
	expect(&so, &co, OV_E_TLS_HANDSHAKE, OV_E_TLS_CERTIFICATE);
	/* the right authority, but pinned by the hash of the server's own leaf */
	co.ca_sha256 = pki.server.fingerprint;
	expect(&so, &co, OV_E_TLS_HANDSHAKE, OV_E_TLS_CERTIFICATE);
	/* the pin does not turn the name check off */
	co.ca_sha256 = pki.root.fingerprint;
	co.server_name = "example.org";
	expect(&so, &co, OV_E_TLS_HANDSHAKE, OV_E_TLS_CERTIFICATE);
}

/* --- data --- */

static void
bytes_pass_both_ways_and_buffers_shrink(void **state)
{
	struct ov_tls_server_options so = server_options();
	struct ov_tls_client_options co = client_options();
	static uint8_t out[OV_TLS_RECORD_MAX], in[OV_TLS_RECORD_MAX];
	size_t got = 0, n;
	const uint8_t *p;
	struct ends e;

	(void)state;
	open_ends(&e, &so, &co);
	ov_random(out, sizeof(out));
	for (int round = 0; round < 50; round++) {
		assert_true(ov_tls_writable(e.server));
		assert_int_equal(ov_tls_write(e.server, out, sizeof(out)), OV_OK);
		assert_false(ov_tls_writable(e.server)); /* one record, not large */
		for (got = 0; got < sizeof(in); got += n) {
			move(e.server, e.client);
			assert_int_equal(
			    ov_tls_read(e.client, in + got, &n, sizeof(in) - got), OV_OK);
		}
		assert_memory_equal(in, out, sizeof(out));
	}
	ov_tls_pending(e.server, &p, &n);
	assert_int_equal(n, 0);
	ov_tls_close(e.server);
	move(e.server, e.client);
	assert_int_equal(ov_tls_read(e.client, in, &n, sizeof(in)), OV_E_NET_CLOSED);
	assert_int_equal(ov_tls_read(e.client, in, &n, sizeof(in)), OV_E_NET_CLOSED);
	close_ends(&e);
}

static void
changed_ciphertext_is_a_sticky_failure(void **state)
{
	struct ov_tls_server_options so = server_options();
	struct ov_tls_client_options co = client_options();
	uint8_t in[8], *space;
	const uint8_t *p;
	size_t len, cap, n;
	struct ends e;

	(void)state;
	open_ends(&e, &so, &co);
	assert_int_equal(ov_tls_write(e.client, (const uint8_t *)"request", 7), OV_OK);
	ov_tls_pending(e.client, &p, &len);
	ov_tls_space(e.server, &space, &cap, false);
	assert_true(len < cap);
	memcpy(space, p, len);
	space[len - 1] ^= 1;
	ov_tls_received(e.server, len);
	assert_int_equal(ov_tls_read(e.server, in, &n, sizeof(in)), OV_E_TLS_FAILED);
	assert_int_equal(n, 0);
	assert_int_equal(ov_tls_read(e.server, in, &n, sizeof(in)), OV_E_TLS_FAILED);
	assert_int_equal(ov_tls_write(e.server, in, 1), OV_E_TLS_FAILED);
	close_ends(&e);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(certificate_says_what_it_was_issued_for),
		cmocka_unit_test(authority_needs_its_own_key),
		cmocka_unit_test(issuing_refuses_keys_that_are_not_canonical),
		cmocka_unit_test(issuing_refuses_hosts_that_are_none),
		cmocka_unit_test(company_and_broker_meet),
		cmocka_unit_test(revoked_company_is_refused_and_told),
		cmocka_unit_test(certificate_of_another_authority_is_refused),
		cmocka_unit_test(expired_company_is_refused),
		cmocka_unit_test(missing_certificate_is_refused),
		cmocka_unit_test(usage_is_checked_both_ways),
		cmocka_unit_test(server_name_must_be_in_the_certificate),
		cmocka_unit_test(server_of_another_authority_is_refused),
		cmocka_unit_test(pin_accepts_its_authority_and_shows_it),
		cmocka_unit_test(pin_refuses_others),
		cmocka_unit_test(bytes_pass_both_ways_and_buffers_shrink),
		cmocka_unit_test(changed_ciphertext_is_a_sticky_failure),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
