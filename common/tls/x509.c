#include "common/tls/x509.h"

#include <openssl/err.h>
#include <openssl/pem.h>

/* An encrypted key is malformed here: without this OpenSSL asks on the terminal. */
static int
no_passphrase(char *buf, int size, int rwflag, void *arg)
{
	(void)buf, (void)size, (void)rwflag, (void)arg;
	return -1;
}

X509 *
ov_x509_certificate(const char *pem)
{
	BIO *b = BIO_new_mem_buf(pem, -1);
	X509 *x = NULL;

	if (b != NULL)
		x = PEM_read_bio_X509(b, NULL, no_passphrase, NULL);
	BIO_free(b);
	ERR_clear_error();
	return x;
}

EVP_PKEY *
ov_x509_key(const char *pem)
{
	BIO *b = BIO_new_mem_buf(pem, -1);
	EVP_PKEY *k = NULL;

	if (b != NULL)
		k = PEM_read_bio_PrivateKey(b, NULL, no_passphrase, NULL);
	BIO_free(b);
	ERR_clear_error();
	return k;
}

enum ov_status
ov_x509_fingerprint(uint8_t out[32], const X509 *x)
{
	unsigned int n = 32;

	if (X509_digest(x, EVP_sha256(), out, &n) != 1 || n != 32)
		return OV_E_TLS_FAILED;
	return OV_OK;
}
