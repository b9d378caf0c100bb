/* context.h - what a session needs of its context; for common/tls alone. */
#ifndef OV_COMMON_TLS_CONTEXT_H
#define OV_COMMON_TLS_CONTEXT_H

#include <openssl/ssl.h>
#include <stdbool.h>

#include "common/tls/tls.h"

struct ov_tls_context {
	SSL_CTX *ssl; /* its application data point back here */
	bool server;
	bool (*allowed)(void *arg, const uint8_t fingerprint[OV_FINGERPRINT_LEN]);
	void *arg;
	uint8_t pin[OV_FINGERPRINT_LEN];
	char *server_name;
};

#endif /* OV_COMMON_TLS_CONTEXT_H */
