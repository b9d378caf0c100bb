/* ca.h - the certificate authority of a broker's operator (X.509, ECDSA P-256).
 *
 * The authority issues two kinds of certificates, both told apart by their
 * extended key usage: one for the broker's listeners (serverAuth, names in the
 * SAN) and one for each company (clientAuth, a URI in the SAN).  Companies make
 * their TLS key themselves and send only its public half, as SPKI DER.
 *
 * PEM texts end with a NUL and are in memory of ov_secret_alloc, certificates
 * too, so that one call frees any of them: ov_secret_free.  Times are seconds
 * since 1970; certificates begin 5 minutes before `now`, since clocks differ.
 * All functions are thread-safe; outputs are untouched on failure.
 */
#ifndef OV_COMMON_TLS_CA_H
#define OV_COMMON_TLS_CA_H

#include <stddef.h>
#include <stdint.h>

#include "common/crypto/hash.h"
#include "common/status.h"

#define OV_FINGERPRINT_LEN 32 /* SHA-256 of a certificate's DER */
#define OV_TLS_SPKI_LEN 91    /* uncompressed P-256 point, RFC 5480 section 2 */
#define OV_CERT_NAME_MAX 64   /* a subject CN, RFC 5280 ub-common-name */
#define OV_CERT_URI_MAX 128
#define OV_CERT_HOSTS_MAX 32

struct ov_ca;

/* A fresh authority: SECRET key and self-signed certificate for 10 years, path
 * length 0.  name: its CN, 1 to OV_CERT_NAME_MAX bytes of UTF-8. */
OV_MUST_CHECK enum ov_status ov_ca_create(
    char **key_pem, char **cert_pem, const char *name, int64_t now);

/* Loads what ov_ca_create made; the texts may be freed afterwards.
 * OV_E_TLS_CERTIFICATE if they are malformed or do not belong together. */
OV_MUST_CHECK enum ov_status ov_ca_open(
    struct ov_ca **ca, const char *key_pem, const char *cert_pem);
void ov_ca_free(struct ov_ca *ca);

/* A fresh SECRET TLS key, and the public half of one. */
OV_MUST_CHECK enum ov_status ov_tls_key_create(char **key_pem);
OV_MUST_CHECK enum ov_status ov_tls_key_public(
    uint8_t spki[OV_TLS_SPKI_LEN], const char *key_pem);

/* A certificate of 2 years for the listeners of the broker under key_pem.
 * hosts: 1 to OV_CERT_HOSTS_MAX DNS names or IP addresses, as clients write
 * them; no wildcards.  OV_E_NET_ADDRESS if one is neither. */
OV_MUST_CHECK enum ov_status ov_ca_issue_server(const struct ov_ca *ca, char **cert_pem,
    const char *key_pem, const char *const *hosts, size_t n, int64_t now);

/* A certificate of 2 years for a company.  spki comes from the company: anything
 * but the canonical SPKI of a P-256 key is refused with OV_E_TLS_CERTIFICATE.
 * cn and uri come from the operator's enrolment token, never from the company.
 * Whoever presents the certificate proves possession of the key in the TLS
 * handshake, so issuing asks for no such proof. */
OV_MUST_CHECK enum ov_status ov_ca_issue_client(const struct ov_ca *ca, char **cert_pem,
    struct ov_bytes spki, const char *cn, const char *uri, int64_t now);

/* What a certificate says of itself; nothing is verified. */
struct ov_certificate {
	uint8_t fingerprint[OV_FINGERPRINT_LEN];
	int64_t not_before, not_after;
	char uri[OV_CERT_URI_MAX + 1]; /* first URI of the SAN, "" if none */
};

/* OV_E_TLS_CERTIFICATE if the text does not begin with one certificate. */
OV_MUST_CHECK enum ov_status ov_certificate_read(
    struct ov_certificate *out, const char *cert_pem);

/* A certificate's DER as PEM, for instance an authority's from ov_tls_root. */
OV_MUST_CHECK enum ov_status ov_certificate_pem(char **cert_pem, struct ov_bytes der);

#endif /* OV_COMMON_TLS_CA_H */
