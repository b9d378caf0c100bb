/* x509.h - PEM and fingerprints, shared by ca.c and context.c alone.
 */
#ifndef OV_COMMON_TLS_X509_H
#define OV_COMMON_TLS_X509_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "common/status.h"

/* NULL if the text does not begin with one; never asks for a passphrase.  The
 * caller frees. */
X509 *ov_x509_certificate(const char *pem);
EVP_PKEY *ov_x509_key(const char *pem);

/* SHA-256 of the DER.  OV_E_TLS_FAILED. */
OV_MUST_CHECK enum ov_status ov_x509_fingerprint(uint8_t out[32], const X509 *x);

#endif /* OV_COMMON_TLS_X509_H */
