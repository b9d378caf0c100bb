#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/tls/context.h"
#include "common/tls/x509.h"

enum {
	RX_SMALL = 4096,
	/* one sealed record (16,384 + 5 + 17) and small alerts or key updates */
	RECORD_ROOM = OV_TLS_RECORD_MAX + 1024,
	TX_SMALL = RECORD_ROOM,
	TX_LARGE = OV_TLS_LARGE_BUFFER,
	/* alerts of RFC 8446 section 6 that speak of certificates */
	ALERT_BASE = 1000, /* OpenSSL's reason code of alert 0 */
	ALERT_REVOKED = 44
};

/* Bytes off..len of p are meant; p is NULL while cap is 0. */
struct window {
	uint8_t *p;
	size_t off, len, cap;
};

struct ov_tls {
	SSL *ssl;
	struct window rx, tx;
	enum ov_status failed; /* sticky */
	bool open, large;
};

/* The BIO between OpenSSL and the two windows: no copies beside OpenSSL's own, and
 * a full window pushes back instead of growing. */
static int
bio_read(BIO *b, char *out, int len)
{
	struct ov_tls *t = BIO_get_data(b);
	size_t n = t->rx.len - t->rx.off;

	BIO_clear_retry_flags(b);
	if (len <= 0)
		return 0;
	if (n == 0) {
		BIO_set_retry_read(b);
		return -1;
	}
	if (n > (size_t)len)
		n = (size_t)len;
	memcpy(out, t->rx.p + t->rx.off, n);
	t->rx.off += n;
	return (int)n; /* at most len */
}

static bool
tx_reserve(struct ov_tls *t)
{
	if (t->tx.cap > 0)
		return true;
	t->tx.cap = t->large ? TX_LARGE : TX_SMALL;
	t->tx.p = malloc(t->tx.cap);
	if (t->tx.p == NULL)
		t->tx.cap = 0;
	return t->tx.cap > 0;
}

static int
bio_write(BIO *b, const char *in, int len)
{
	struct ov_tls *t = BIO_get_data(b);

	BIO_clear_retry_flags(b);
	if (len <= 0)
		return 0;
	if (!tx_reserve(t))
		return -1;
	if (t->tx.cap - t->tx.len < (size_t)len) {
		BIO_set_retry_write(b);
		return -1;
	}
	memcpy(t->tx.p + t->tx.len, in, (size_t)len);
	t->tx.len += (size_t)len;
	return len;
}

static long
bio_ctrl(BIO *b, int cmd, long larg, void *parg)
{
	(void)b, (void)larg, (void)parg;
	return cmd == BIO_CTRL_FLUSH ? 1 : 0;
}

static BIO_METHOD *method;

static void
make_method(void)
{
	method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "ov_tls");
	if (method == NULL || BIO_meth_set_read(method, bio_read) != 1 ||
	    BIO_meth_set_write(method, bio_write) != 1 ||
	    BIO_meth_set_ctrl(method, bio_ctrl) != 1) {
		BIO_meth_free(method);
		method = NULL;
	}
}

static BIO *
new_bio(struct ov_tls *t)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	BIO *b;

	(void)pthread_once(&once, make_method);
	b = method != NULL ? BIO_new(method) : NULL;
	if (b != NULL) {
		BIO_set_data(b, t);
		BIO_set_init(b, 1);
	}
	return b;
}

/* DNS names go into SNI too; an IP address must not (RFC 6066 section 3). */
static bool
expect_server(SSL *ssl, const char *name)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(ssl);

	X509_VERIFY_PARAM_set_hostflags(
	    param, X509_CHECK_FLAG_NO_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
	if (X509_VERIFY_PARAM_set1_ip_asc(param, name) == 1)
		return true;
	ERR_clear_error();
	return name[0] != '\0' && SSL_set1_host(ssl, name) == 1 &&
	       SSL_set_tlsext_host_name(ssl, name) == 1;
}

struct ov_tls *
ov_tls_new(struct ov_tls_context *ctx)
{
	struct ov_tls *t = calloc(1, sizeof(*t));
	BIO *b;

	if (t == NULL)
		return NULL;
	t->ssl = SSL_new(ctx->ssl);
	b = t->ssl != NULL ? new_bio(t) : NULL;
	if (b == NULL || (!ctx->server && !expect_server(t->ssl, ctx->server_name))) {
		BIO_free(b);
		ov_tls_free(t);
		return NULL;
	}
	SSL_set_bio(t->ssl, b, b);
	if (ctx->server)
		SSL_set_accept_state(t->ssl);
	else
		SSL_set_connect_state(t->ssl);
	return t;
}

void
ov_tls_free(struct ov_tls *t)
{
	if (t == NULL)
		return;
	SSL_free(t->ssl);
	free(t->rx.p);
	free(t->tx.p);
	free(t);
}

/* What OpenSSL's failure means to a user.  The peer's alerts come as reasons
 * 1000 + alert; 42 to 49 and 116 speak of our certificate. */
static enum ov_status
reason_of(const struct ov_tls *t)
{
	unsigned long e = ERR_peek_error();
	int reason = ERR_GET_LIB(e) == ERR_LIB_SSL ? ERR_GET_REASON(e) : 0;

	if (reason == ALERT_BASE + ALERT_REVOKED)
		return OV_E_BROKER_REVOKED;
	if ((reason >= ALERT_BASE + 40 && reason <= ALERT_BASE + 51) ||
	    reason == ALERT_BASE + 116)
		return OV_E_TLS_HANDSHAKE;
	if (t->open)
		return OV_E_TLS_FAILED;
	if (SSL_get_verify_result(t->ssl) != X509_V_OK)
		return OV_E_TLS_CERTIFICATE;
	return OV_E_TLS_HANDSHAKE;
}

/* OV_OK if OpenSSL only wants more bytes. */
static enum ov_status
settle(struct ov_tls *t, int ret)
{
	switch (SSL_get_error(t->ssl, ret)) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		return OV_OK;
	case SSL_ERROR_ZERO_RETURN:
		t->failed = OV_E_NET_CLOSED;
		break;
	default:
		t->failed = reason_of(t);
	}
	ERR_clear_error();
	return t->failed;
}

enum ov_status
ov_tls_handshake(struct ov_tls *t, bool *done)
{
	int ret;

	*done = t->open;
	if (t->failed != OV_OK || t->open)
		return t->failed;
	ERR_clear_error();
	ret = SSL_do_handshake(t->ssl);
	if (ret != 1)
		return settle(t, ret);
	t->open = *done = true;
	return OV_OK;
}

enum ov_status
ov_tls_read(struct ov_tls *t, uint8_t *out, size_t *len, size_t cap)
{
	*len = 0;
	if (t->failed != OV_OK)
		return t->failed;
	ERR_clear_error();
	if (SSL_read_ex(t->ssl, out, cap, len) == 1)
		return OV_OK;
	*len = 0;
	return settle(t, 0);
}

bool
ov_tls_writable(const struct ov_tls *t)
{
	return t->tx.cap == 0 || t->tx.cap - t->tx.len >= RECORD_ROOM;
}

enum ov_status
ov_tls_write(struct ov_tls *t, const uint8_t *p, size_t len)
{
	size_t n = 0;

	if (t->failed != OV_OK)
		return t->failed;
	ERR_clear_error();
	if (t->open && ov_tls_writable(t) && len > 0 && len <= OV_TLS_RECORD_MAX &&
	    SSL_write_ex(t->ssl, p, len, &n) == 1 && n == len)
		return OV_OK;
	ERR_clear_error();
	t->failed = OV_E_TLS_FAILED;
	return t->failed;
}

void
ov_tls_close(struct ov_tls *t)
{
	if (t->failed != OV_OK || !t->open)
		return;
	(void)SSL_shutdown(t->ssl);
	ERR_clear_error();
	t->failed = OV_E_NET_CLOSED;
}

static void
window_resize(struct window *w, size_t cap)
{
	uint8_t *p = malloc(cap);

	if (p == NULL)
		return; /* the old one still serves, if there is one */
	free(w->p);
	*w = (struct window){ p, 0, 0, cap };
}

void
ov_tls_space(struct ov_tls *t, uint8_t **p, size_t *cap, bool large)
{
	size_t want = large ? OV_TLS_LARGE_BUFFER : RX_SMALL;

	*p = NULL;
	*cap = 0;
	if (t->rx.off < t->rx.len)
		return;
	t->rx.off = t->rx.len = 0;
	if (t->rx.cap != want)
		window_resize(&t->rx, want);
	*p = t->rx.p;
	*cap = t->rx.cap;
}

void
ov_tls_received(struct ov_tls *t, size_t len)
{
	/* the transport received at most the space that it was given */
	t->rx.len = len <= t->rx.cap ? len : t->rx.cap;
	t->rx.off = 0;
}

bool
ov_tls_has_unread(const struct ov_tls *t)
{
	return t->rx.off < t->rx.len || SSL_pending(t->ssl) > 0;
}

void
ov_tls_pending(const struct ov_tls *t, const uint8_t **p, size_t *len)
{
	*len = t->tx.len - t->tx.off;
	*p = *len > 0 ? t->tx.p + t->tx.off : NULL;
}

void
ov_tls_sent(struct ov_tls *t, size_t len)
{
	size_t n = t->tx.len - t->tx.off;

	t->tx.off += len < n ? len : n;
	if (t->tx.off < t->tx.len)
		return;
	free(t->tx.p);
	t->tx = (struct window){ 0 };
}

void
ov_tls_set_large(struct ov_tls *t, bool large)
{
	t->large = large;
}

void
ov_tls_peer(const struct ov_tls *t, uint8_t fingerprint[OV_FINGERPRINT_LEN])
{
	X509 *x = SSL_get0_peer_certificate(t->ssl);

	if (x == NULL || ov_x509_fingerprint(fingerprint, x) != OV_OK)
		memset(fingerprint, 0, OV_FINGERPRINT_LEN);
}

enum ov_status
ov_tls_root(const struct ov_tls *t, uint8_t **der, size_t *len)
{
	STACK_OF(X509) *chain = SSL_get0_verified_chain(t->ssl);
	unsigned char *enc = NULL;
	enum ov_status st = OV_OK;
	uint8_t *copy;
	int n;

	OV_REQUIRE(t->open && sk_X509_num(chain) > 0, OV_E_NOT_FOUND);
	n = i2d_X509(sk_X509_value(chain, sk_X509_num(chain) - 1), &enc);
	OV_REQUIRE(n > 0, OV_E_TLS_FAILED);
	copy = malloc((size_t)n);
	OV_REQUIRE(copy != NULL, OV_E_NOMEM);
	memcpy(copy, enc, (size_t)n);
	*der = copy;
	*len = (size_t)n;
done:
	OPENSSL_free(enc);
	return st;
}
