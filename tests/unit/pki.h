/* pki.h - an operator's authority, the broker's certificate and companies' for the
 * tests of common/tls and common/transport.
 */
#ifndef OV_TESTS_UNIT_PKI_H
#define OV_TESTS_UNIT_PKI_H

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/crypto/memory.h"
#include "common/tls/ca.h"
#include "common/tls/tls.h"

#define TEST_URI "overlap:company:00112233445566778899aabbccddeeff"

struct pair {
	char *key, *cert;
	uint8_t fingerprint[OV_FINGERPRINT_LEN];
};

struct pki {
	struct pair root, server;
	struct ov_ca *ca;
};

static inline void
pair_free(struct pair *p)
{
	ov_secret_free(p->key);
	ov_secret_free(p->cert);
	*p = (struct pair){ NULL, NULL, { 0 } };
}

static inline void
pair_fingerprint(struct pair *p)
{
	struct ov_certificate c;

	if (ov_certificate_read(&c, p->cert) != OV_OK)
		abort();
	memcpy(p->fingerprint, c.fingerprint, sizeof(c.fingerprint));
}

static inline void
pki_issue_server(struct pki *p, struct pair *out, const char *host)
{
	const char *hosts[] = { host, "localhost" };

	if (ov_tls_key_create(&out->key) != OV_OK ||
	    ov_ca_issue_server(
		p->ca, &out->cert, out->key, hosts, 2, (int64_t)time(NULL)) != OV_OK)
		abort();
	pair_fingerprint(out);
}

static inline void
pki_init(struct pki *p)
{
	if (ov_crypto_init() != OV_OK ||
	    ov_ca_create(&p->root.key, &p->root.cert, "Test authority",
		(int64_t)time(NULL)) != OV_OK ||
	    ov_ca_open(&p->ca, p->root.key, p->root.cert) != OV_OK)
		abort();
	pair_fingerprint(&p->root);
	pki_issue_server(p, &p->server, "127.0.0.1");
}

static inline void
pki_fini(struct pki *p)
{
	ov_ca_free(p->ca);
	pair_free(&p->root);
	pair_free(&p->server);
}

/* age_s: how long ago it was issued; certificates last 2 years. */
static inline void
pki_issue_client(struct pki *p, struct pair *out, int64_t age_s)
{
	uint8_t spki[OV_TLS_SPKI_LEN];

	if (ov_tls_key_create(&out->key) != OV_OK ||
	    ov_tls_key_public(spki, out->key) != OV_OK ||
	    ov_ca_issue_client(p->ca, &out->cert, OV_BYTES(spki, sizeof(spki)), "company",
		TEST_URI, (int64_t)time(NULL) - age_s) != OV_OK)
		abort();
	pair_fingerprint(out);
}

#endif /* OV_TESTS_UNIT_PKI_H */
