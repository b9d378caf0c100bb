#include "common/tls/context.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "common/tls/x509.h"

/* A leaf and its root; a chain of ours is well under 2 KiB. */
enum { MAX_CERT_LIST = 16384 };

static struct ov_tls_context *
context_of(X509_STORE_CTX *store)
{
	SSL *ssl =
	    X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());

	return SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
}

/* OpenSSL lets a leaf without any extended key usage pass for both roles; the
 * authority always sets one, so its absence is refused too. */
static bool
has_usage(X509 *leaf, uint32_t usage)
{
	uint32_t have = X509_get_extended_key_usage(leaf);

	return have != UINT32_MAX && (have & usage) != 0;
}

static int
check_leaf(int ok, X509_STORE_CTX *store)
{
	const struct ov_tls_context *ctx = context_of(store);
	X509 *leaf = X509_STORE_CTX_get_current_cert(store);
	uint8_t fingerprint[OV_FINGERPRINT_LEN];

	if (ok != 1 || X509_STORE_CTX_get_error_depth(store) != 0)
		return ok;
	if (!has_usage(leaf, ctx->server ? XKU_SSL_CLIENT : XKU_SSL_SERVER)) {
		X509_STORE_CTX_set_error(store, X509_V_ERR_INVALID_PURPOSE);
		return 0;
	}
	if (ctx->allowed == NULL)
		return 1;
	if (ov_x509_fingerprint(fingerprint, leaf) != OV_OK ||
	    !ctx->allowed(ctx->arg, fingerprint)) {
		/* the alert of this error is certificate_revoked, which a client
		 * can tell from a certificate that was never good */
		X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REVOKED);
		return 0;
	}
	return 1;
}

/* Trusts the one certificate of the sent chain that has the pinned hash, then
 * verifies as usual: signature, dates, usage and server name are all checked. */
static int
verify_pinned(X509_STORE_CTX *store, void *arg)
{
	const struct ov_tls_context *ctx = arg;
	STACK_OF(X509) *sent = X509_STORE_CTX_get0_untrusted(store);
	STACK_OF(X509) *trusted = sk_X509_new_null();
	uint8_t hash[OV_FINGERPRINT_LEN];
	int ok = 0;

	X509_STORE_CTX_set_error(store, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT);
	for (int i = 0; trusted != NULL && i < sk_X509_num(sent); i++) {
		X509 *x = sk_X509_value(sent, i);

		if (ov_x509_fingerprint(hash, x) == OV_OK && X509_check_ca(x) == 1 &&
		    memcmp(hash, ctx->pin, sizeof(hash)) == 0) {
			(void)sk_X509_push(trusted, x);
			break;
		}
	}
	if (sk_X509_num(trusted) == 1) {
		X509_STORE_CTX_set0_trusted_stack(store, trusted);
		ok = X509_verify_cert(store) == 1;
	}
	sk_X509_free(trusted);
	return ok;
}

static void
set_rules(SSL_CTX *ssl)
{
	(void)SSL_CTX_set_min_proto_version(ssl, TLS1_3_VERSION);
	(void)SSL_CTX_set_max_proto_version(ssl, TLS1_3_VERSION);
	(void)SSL_CTX_set_options(ssl, SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION);
	(void)SSL_CTX_set_num_tickets(ssl, 0);
	(void)SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
	(void)SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
	SSL_CTX_set_max_cert_list(ssl, MAX_CERT_LIST);
	SSL_CTX_set_verify_depth(ssl, 1);
	/* the default order prefers AES-256; a job is bulk data, sealed already */
	(void)SSL_CTX_set_ciphersuites(ssl,
	    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:"
	    "TLS_CHACHA20_POLY1305_SHA256");
}

static enum ov_status
context_new(struct ov_tls_context **out, const SSL_METHOD *method, bool server)
{
	struct ov_tls_context *ctx = calloc(1, sizeof(*ctx));
	enum ov_status st = OV_OK;

	OV_REQUIRE(ctx != NULL, OV_E_NOMEM);
	ctx->server = server;
	ctx->ssl = SSL_CTX_new(method);
	OV_REQUIRE(ctx->ssl != NULL, OV_E_TLS_FAILED);
	SSL_CTX_set_app_data(ctx->ssl, ctx);
	set_rules(ctx->ssl);
	*out = ctx;
	ctx = NULL;
done:
	ov_tls_context_free(ctx);
	return st;
}

static enum ov_status
use_own(SSL_CTX *ssl, const char *cert_pem, const char *key_pem)
{
	X509 *x = ov_x509_certificate(cert_pem);
	EVP_PKEY *k = ov_x509_key(key_pem);
	enum ov_status st = OV_OK;

	OV_REQUIRE(x != NULL && k != NULL && SSL_CTX_use_certificate(ssl, x) == 1 &&
		       SSL_CTX_use_PrivateKey(ssl, k) == 1 &&
		       SSL_CTX_check_private_key(ssl) == 1,
	    OV_E_TLS_CERTIFICATE);
done:
	X509_free(x);
	EVP_PKEY_free(k);
	ERR_clear_error();
	return st;
}

/* send: the root also goes into the chain that is sent. */
static enum ov_status
use_authority(SSL_CTX *ssl, const char *ca_pem, bool send)
{
	X509 *x = ov_x509_certificate(ca_pem);
	enum ov_status st = OV_OK;

	OV_REQUIRE(x != NULL, OV_E_TLS_CERTIFICATE);
	OV_REQUIRE(X509_STORE_add_cert(SSL_CTX_get_cert_store(ssl), x) == 1 &&
		       (!send || SSL_CTX_add1_chain_cert(ssl, x) == 1),
	    OV_E_TLS_FAILED);
done:
	X509_free(x);
	ERR_clear_error();
	return st;
}

enum ov_status
ov_tls_server_new(struct ov_tls_context **out, const struct ov_tls_server_options *o)
{
	struct ov_tls_context *ctx = NULL;
	enum ov_status st;

	OV_TRY(context_new(&ctx, TLS_server_method(), true));
	OV_TRY(use_own(ctx->ssl, o->cert_pem, o->key_pem));
	OV_TRY(use_authority(ctx->ssl, o->ca_pem, true));
	ctx->allowed = o->allowed;
	ctx->arg = o->arg;
	if (o->allowed != NULL)
		SSL_CTX_set_verify(ctx->ssl,
		    SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, check_leaf);
	*out = ctx;
	ctx = NULL;
done:
	ov_tls_context_free(ctx);
	return st;
}

enum ov_status
ov_tls_client_new(struct ov_tls_context **out, const struct ov_tls_client_options *o)
{
	struct ov_tls_context *ctx = NULL;
	enum ov_status st;

	OV_REQUIRE((o->ca_pem == NULL) != (o->ca_sha256 == NULL), OV_E_BUG);
	OV_REQUIRE((o->cert_pem == NULL) == (o->key_pem == NULL), OV_E_BUG);
	OV_TRY(context_new(&ctx, TLS_client_method(), false));
	ctx->server_name = strdup(o->server_name);
	OV_REQUIRE(ctx->server_name != NULL, OV_E_NOMEM);
	if (o->cert_pem != NULL)
		OV_TRY(use_own(ctx->ssl, o->cert_pem, o->key_pem));
	SSL_CTX_set_verify(ctx->ssl, SSL_VERIFY_PEER, check_leaf);
	if (o->ca_pem != NULL) {
		OV_TRY(use_authority(ctx->ssl, o->ca_pem, false));
	} else {
		memcpy(ctx->pin, o->ca_sha256, sizeof(ctx->pin));
		SSL_CTX_set_cert_verify_callback(ctx->ssl, verify_pinned, ctx);
	}
	*out = ctx;
	ctx = NULL;
done:
	ov_tls_context_free(ctx);
	return st;
}

void
ov_tls_context_free(struct ov_tls_context *ctx)
{
	if (ctx == NULL)
		return;
	SSL_CTX_free(ctx->ssl);
	free(ctx->server_name);
	free(ctx);
}

bool
ov_tls_allows(
    const struct ov_tls_context *ctx, const uint8_t fingerprint[OV_FINGERPRINT_LEN])
{
	return ctx->allowed == NULL || ctx->allowed(ctx->arg, fingerprint);
}
