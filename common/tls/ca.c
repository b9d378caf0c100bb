#include "common/tls/ca.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/crypto/memory.h"
#include "common/tls/x509.h"

enum {
	DAY = 24 * 60 * 60,
	CA_DAYS = 3653,	 /* 10 years */
	LEAF_DAYS = 731, /* 2 years */
	BACKDATE = 5 * 60,
	SERIAL_LEN = 20 /* RFC 5280 section 4.1.2.2: at most 20 bytes, positive */
};

struct ov_ca {
	EVP_PKEY *key;
	X509 *cert;
};

/* The text of a memory BIO as a NUL-terminated secret. */
static enum ov_status
take_text(char **out, BIO *b)
{
	char *data = NULL, *copy;
	long len = BIO_get_mem_data(b, &data);

	if (len <= 0)
		return OV_E_TLS_FAILED;
	copy = ov_secret_alloc((size_t)len + 1);
	if (copy == NULL)
		return OV_E_NOMEM;
	memcpy(copy, data, (size_t)len);
	copy[len] = '\0';
	*out = copy;
	return OV_OK;
}

static enum ov_status
key_text(char **out, const EVP_PKEY *key)
{
	/* of the secure kind, which wipes what it frees */
	BIO *b = BIO_new(BIO_s_secmem());
	enum ov_status st;

	OV_REQUIRE(b != NULL, OV_E_NOMEM);
	OV_REQUIRE(PEM_write_bio_PrivateKey(b, key, NULL, NULL, 0, NULL, NULL) == 1,
	    OV_E_TLS_FAILED);
	st = take_text(out, b);
done:
	BIO_free(b);
	return st;
}

static enum ov_status
certificate_text(char **out, X509 *x)
{
	BIO *b = BIO_new(BIO_s_mem());
	enum ov_status st;

	OV_REQUIRE(b != NULL, OV_E_NOMEM);
	OV_REQUIRE(PEM_write_bio_X509(b, x) == 1, OV_E_TLS_FAILED);
	st = take_text(out, b);
done:
	BIO_free(b);
	return st;
}

static bool
add_extension(X509 *x, const X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *e;
	bool ok;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, (X509 *)(uintptr_t)issuer, x, NULL, NULL, 0);
	/* value is always a literal of this file: its syntax is a small language */
	e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	ok = e != NULL && X509_add_ext(x, e, -1) == 1;
	X509_EXTENSION_free(e);
	return ok;
}

static bool
set_serial(X509 *x)
{
	uint8_t bytes[SERIAL_LEN];
	BIGNUM *n;
	bool ok;

	ov_random(bytes, sizeof(bytes));
	bytes[0] = (uint8_t)((bytes[0] & 0x7f) | 0x40); /* positive, full length */
	n = BN_bin2bn(bytes, sizeof(bytes), NULL);
	ok = n != NULL && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x)) != NULL;
	BN_free(n);
	return ok;
}

static bool
set_subject(X509 *x, const char *cn)
{
	return X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_UTF8,
		   (const unsigned char *)cn, -1, -1, 0) == 1;
}

static bool
set_times(X509 *x, int64_t now, int days)
{
	return ASN1_TIME_set(X509_getm_notBefore(x), (time_t)(now - BACKDATE)) != NULL &&
	       ASN1_TIME_set(
		   X509_getm_notAfter(x), (time_t)(now + (int64_t)days * DAY)) != NULL;
}

static bool
name_is_sane(const char *s, size_t max)
{
	size_t len = strlen(s);

	if (len == 0 || len > max)
		return false;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f)
			return false;
	return true;
}

/* Version, serial, times, subject, key: what all certificates have. */
static enum ov_status
begin_certificate(X509 **out, const char *cn, EVP_PKEY *key, int64_t now, int days)
{
	X509 *x = X509_new();
	enum ov_status st = OV_OK;

	OV_REQUIRE(name_is_sane(cn, OV_CERT_NAME_MAX), OV_E_TLS_CERTIFICATE);
	OV_REQUIRE(x != NULL, OV_E_NOMEM);
	OV_REQUIRE(X509_set_version(x, X509_VERSION_3) == 1 && set_serial(x) &&
		       set_times(x, now, days) && set_subject(x, cn) &&
		       X509_set_pubkey(x, key) == 1,
	    OV_E_TLS_FAILED);
	*out = x;
	x = NULL;
done:
	X509_free(x);
	ERR_clear_error();
	return st;
}

static EVP_PKEY *
new_key(void)
{
	return EVP_EC_gen("P-256");
}

static bool
sign_root(X509 *x, EVP_PKEY *key)
{
	return X509_set_issuer_name(x, X509_get_subject_name(x)) == 1 &&
	       add_extension(x, x, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
	       add_extension(x, x, NID_key_usage, "critical,keyCertSign,cRLSign") &&
	       add_extension(x, x, NID_subject_key_identifier, "hash") &&
	       X509_sign(x, key, EVP_sha256()) > 0;
}

enum ov_status
ov_ca_create(char **key_pem, char **cert_pem, const char *name, int64_t now)
{
	EVP_PKEY *key = new_key();
	char *key_out = NULL, *cert_out = NULL;
	X509 *x = NULL;
	enum ov_status st;

	OV_REQUIRE(key != NULL, OV_E_TLS_FAILED);
	OV_TRY(begin_certificate(&x, name, key, now, CA_DAYS));
	OV_REQUIRE(sign_root(x, key), OV_E_TLS_FAILED);
	OV_TRY(key_text(&key_out, key));
	OV_TRY(certificate_text(&cert_out, x));
	*key_pem = key_out;
	*cert_pem = cert_out;
	key_out = cert_out = NULL;
done:
	ov_secret_free(key_out);
	ov_secret_free(cert_out);
	X509_free(x);
	EVP_PKEY_free(key);
	ERR_clear_error();
	return st;
}

enum ov_status
ov_ca_open(struct ov_ca **out, const char *key_pem, const char *cert_pem)
{
	struct ov_ca *ca = calloc(1, sizeof(*ca));
	enum ov_status st = OV_OK;

	OV_REQUIRE(ca != NULL, OV_E_NOMEM);
	ca->key = ov_x509_key(key_pem);
	ca->cert = ov_x509_certificate(cert_pem);
	OV_REQUIRE(ca->key != NULL && ca->cert != NULL &&
		       X509_check_private_key(ca->cert, ca->key) == 1 &&
		       X509_check_ca(ca->cert) == 1,
	    OV_E_TLS_CERTIFICATE);
	*out = ca;
	ca = NULL;
done:
	ov_ca_free(ca);
	ERR_clear_error();
	return st;
}

void
ov_ca_free(struct ov_ca *ca)
{
	if (ca == NULL)
		return;
	EVP_PKEY_free(ca->key); /* OpenSSL wipes private numbers */
	X509_free(ca->cert);
	free(ca);
}

enum ov_status
ov_tls_key_create(char **key_pem)
{
	EVP_PKEY *key = new_key();
	enum ov_status st = key != NULL ? key_text(key_pem, key) : OV_E_TLS_FAILED;

	EVP_PKEY_free(key);
	ERR_clear_error();
	return st;
}

static enum ov_status
encode_public(uint8_t spki[OV_TLS_SPKI_LEN], EVP_PKEY *key)
{
	uint8_t *der = NULL;
	int len = i2d_PUBKEY(key, &der);
	enum ov_status st = OV_OK;

	OV_REQUIRE(len == OV_TLS_SPKI_LEN, OV_E_TLS_CERTIFICATE);
	memcpy(spki, der, OV_TLS_SPKI_LEN);
done:
	OPENSSL_free(der);
	ERR_clear_error();
	return st;
}

enum ov_status
ov_tls_key_public(uint8_t spki[OV_TLS_SPKI_LEN], const char *key_pem)
{
	EVP_PKEY *key = ov_x509_key(key_pem);
	enum ov_status st = key != NULL ? encode_public(spki, key) : OV_E_TLS_CERTIFICATE;

	EVP_PKEY_free(key);
	return st;
}

/* A P-256 key whose encoding is the one that was given; the group is checked by
 * name, since 91 bytes fit other 256-bit curves too. */
static enum ov_status
decode_public(EVP_PKEY **out, struct ov_bytes spki)
{
	const unsigned char *p = spki.p;
	uint8_t again[OV_TLS_SPKI_LEN];
	EVP_PKEY *key = NULL;
	char group[32] = "";
	size_t n = 0;
	enum ov_status st;

	OV_REQUIRE(spki.len == OV_TLS_SPKI_LEN, OV_E_TLS_CERTIFICATE);
	key = d2i_PUBKEY(NULL, &p, (long)spki.len);
	OV_REQUIRE(key != NULL && p == spki.p + spki.len &&
		       EVP_PKEY_is_a(key, "EC") == 1 &&
		       EVP_PKEY_get_group_name(key, group, sizeof(group), &n) == 1 &&
		       strcmp(group, "prime256v1") == 0,
	    OV_E_TLS_CERTIFICATE);
	OV_TRY(encode_public(again, key));
	OV_REQUIRE(memcmp(again, spki.p, sizeof(again)) == 0, OV_E_TLS_CERTIFICATE);
	*out = key;
	key = NULL;
done:
	EVP_PKEY_free(key);
	ERR_clear_error();
	return st;
}

static bool
host_is_sane(const char *host)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-";
	size_t len = strlen(host);

	return len > 0 && len <= 253 && strspn(host, letters) == len;
}

static bool
push_name(GENERAL_NAMES *names, int type, const char *text)
{
	GENERAL_NAME *g = GENERAL_NAME_new();
	ASN1_IA5STRING *s = ASN1_IA5STRING_new();

	if (g == NULL || s == NULL || ASN1_STRING_set(s, text, -1) != 1) {
		ASN1_IA5STRING_free(s);
		GENERAL_NAME_free(g);
		return false;
	}
	GENERAL_NAME_set0_value(g, type, s);
	if (sk_GENERAL_NAME_push(names, g) > 0)
		return true;
	GENERAL_NAME_free(g);
	return false;
}

static bool
push_address(GENERAL_NAMES *names, ASN1_OCTET_STRING *ip)
{
	GENERAL_NAME *g = GENERAL_NAME_new();

	if (g == NULL) {
		ASN1_OCTET_STRING_free(ip);
		return false;
	}
	GENERAL_NAME_set0_value(g, GEN_IPADD, ip);
	if (sk_GENERAL_NAME_push(names, g) > 0)
		return true;
	GENERAL_NAME_free(g);
	return false;
}

static enum ov_status
push_host(GENERAL_NAMES *names, const char *host)
{
	ASN1_OCTET_STRING *ip = a2i_IPADDRESS(host);

	if (ip != NULL)
		return push_address(names, ip) ? OV_OK : OV_E_NOMEM;
	if (!host_is_sane(host))
		return OV_E_NET_ADDRESS;
	return push_name(names, GEN_DNS, host) ? OV_OK : OV_E_NOMEM;
}

/* Issuer, extensions of a leaf, signature.  eku: "serverAuth" or "clientAuth". */
static enum ov_status
finish_leaf(const struct ov_ca *ca, X509 *x, GENERAL_NAMES *names, const char *eku)
{
	if (X509_set_issuer_name(x, X509_get_subject_name(ca->cert)) == 1 &&
	    add_extension(x, ca->cert, NID_basic_constraints, "critical,CA:FALSE") &&
	    add_extension(x, ca->cert, NID_key_usage, "critical,digitalSignature") &&
	    add_extension(x, ca->cert, NID_ext_key_usage, eku) &&
	    add_extension(x, ca->cert, NID_subject_key_identifier, "hash") &&
	    add_extension(x, ca->cert, NID_authority_key_identifier, "keyid:always") &&
	    X509_add1_ext_i2d(x, NID_subject_alt_name, names, 0, 0) == 1 &&
	    X509_sign(x, ca->key, EVP_sha256()) > 0)
		return OV_OK;
	return OV_E_TLS_FAILED;
}

enum ov_status
ov_ca_issue_server(const struct ov_ca *ca, char **cert_pem, const char *key_pem,
    const char *const *hosts, size_t n, int64_t now)
{
	EVP_PKEY *key = ov_x509_key(key_pem);
	GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
	X509 *x = NULL;
	enum ov_status st;

	OV_REQUIRE(names != NULL, OV_E_NOMEM);
	OV_REQUIRE(key != NULL, OV_E_TLS_CERTIFICATE);
	OV_REQUIRE(n > 0 && n <= OV_CERT_HOSTS_MAX, OV_E_NET_ADDRESS);
	for (size_t i = 0; i < n; i++)
		OV_TRY(push_host(names, hosts[i]));
	OV_TRY(begin_certificate(&x, "Overlap broker", key, now, LEAF_DAYS));
	OV_TRY(finish_leaf(ca, x, names, "serverAuth"));
	st = certificate_text(cert_pem, x);
done:
	X509_free(x);
	GENERAL_NAMES_free(names);
	EVP_PKEY_free(key);
	ERR_clear_error();
	return st;
}

enum ov_status
ov_ca_issue_client(const struct ov_ca *ca, char **cert_pem, struct ov_bytes spki,
    const char *cn, const char *uri, int64_t now)
{
	GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
	EVP_PKEY *key = NULL;
	X509 *x = NULL;
	enum ov_status st;

	OV_REQUIRE(names != NULL, OV_E_NOMEM);
	OV_REQUIRE(name_is_sane(uri, OV_CERT_URI_MAX), OV_E_TLS_CERTIFICATE);
	OV_TRY(decode_public(&key, spki));
	OV_REQUIRE(push_name(names, GEN_URI, uri), OV_E_NOMEM);
	OV_TRY(begin_certificate(&x, cn, key, now, LEAF_DAYS));
	OV_TRY(finish_leaf(ca, x, names, "clientAuth"));
	st = certificate_text(cert_pem, x);
done:
	X509_free(x);
	EVP_PKEY_free(key);
	GENERAL_NAMES_free(names);
	ERR_clear_error();
	return st;
}

static int64_t
seconds_of(const ASN1_TIME *t)
{
	struct tm tm;

	return ASN1_TIME_to_tm(t, &tm) == 1 ? (int64_t)timegm(&tm) : 0;
}

static void
copy_uri(char out[OV_CERT_URI_MAX + 1], X509 *x)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);

	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *g = sk_GENERAL_NAME_value(names, i);
		const ASN1_IA5STRING *s = g->type == GEN_URI ? g->d.ia5 : NULL;

		if (s == NULL || s->length < 0 || s->length > OV_CERT_URI_MAX)
			continue;
		memcpy(out, s->data, (size_t)s->length);
		out[s->length] = '\0';
		break;
	}
	GENERAL_NAMES_free(names);
}

enum ov_status
ov_certificate_read(struct ov_certificate *out, const char *cert_pem)
{
	X509 *x = ov_x509_certificate(cert_pem);
	struct ov_certificate c = { .uri = "" };
	enum ov_status st;

	OV_REQUIRE(x != NULL, OV_E_TLS_CERTIFICATE);
	OV_TRY(ov_x509_fingerprint(c.fingerprint, x));
	c.not_before = seconds_of(X509_get0_notBefore(x));
	c.not_after = seconds_of(X509_get0_notAfter(x));
	copy_uri(c.uri, x);
	*out = c;
done:
	X509_free(x);
	ERR_clear_error();
	return st;
}

enum ov_status
ov_certificate_pem(char **cert_pem, struct ov_bytes der)
{
	const unsigned char *p = der.p;
	X509 *x = NULL;
	enum ov_status st;

	OV_REQUIRE(der.len > 0 && der.len <= 65536, OV_E_TLS_CERTIFICATE);
	x = d2i_X509(NULL, &p, (long)der.len);
	OV_REQUIRE(x != NULL && p == der.p + der.len, OV_E_TLS_CERTIFICATE);
	st = certificate_text(cert_pem, x);
done:
	X509_free(x);
	ERR_clear_error();
	return st;
}
