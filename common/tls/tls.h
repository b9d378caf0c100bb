/* tls.h - TLS 1.3 sessions that do no input or output of their own (OpenSSL).
 *
 * A context holds certificates and rules and is shared by many sessions and
 * threads.  A session owns two buffers of ciphertext: the transport receives
 * into the space of one and sends what is pending in the other, while neither
 * moves.  Tickets and session caches are off on both sides, so every connection
 * shows its certificate again, and a revocation is seen by each.
 *
 * One session is used by one thread at a time.  Its errors are sticky: after a
 * failure every call gives the same status, and what is still pending to be
 * sent holds the alert that tells the peer why.
 */
#ifndef OV_COMMON_TLS_TLS_H
#define OV_COMMON_TLS_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/crypto/hash.h"
#include "common/status.h"
#include "common/tls/ca.h"

struct ov_tls_context;
struct ov_tls;

/* Plaintext of one TLS record, RFC 8446 section 5.1. */
#define OV_TLS_RECORD_MAX 16384
/* What a connection with a session costs while nothing travels, OpenSSL's part
 * included: 26 KiB measured over 1,000, and room for small buffers in use. */
#define OV_TLS_SESSION_COST (48U * 1024U)

struct ov_tls_server_options {
	const char *cert_pem, *key_pem; /* of ov_ca_issue_server */
	const char *ca_pem; /* sent along, so that a client that knows only its hash can
			     * check it; and the issuer of client certificates */
	/* Asked in the handshake, with the SHA-256 of a client certificate that is
	 * valid in all other respects; false refuses it as revoked.  Runs on the
	 * thread that drives the session: it must not block for long, and must not
	 * call back into the session's transport.  NULL: no client certificates are
	 * asked for at all (the enrolment listener). */
	bool (*allowed)(void *arg, const uint8_t fingerprint[OV_FINGERPRINT_LEN]);
	void *arg;
};

struct ov_tls_client_options {
	const char *cert_pem, *key_pem; /* both NULL: no client certificate */
	/* Exactly one of the two: the authority, or the SHA-256 of its certificate's
	 * DER, which the server then must send. */
	const char *ca_pem;
	const uint8_t *ca_sha256;
	const char *server_name; /* DNS name or IP address; must be in the SAN */
};

/* The texts are not needed afterwards.  OV_E_TLS_CERTIFICATE if one is malformed
 * or a key does not fit its certificate. */
OV_MUST_CHECK enum ov_status ov_tls_server_new(
    struct ov_tls_context **ctx, const struct ov_tls_server_options *o);
OV_MUST_CHECK enum ov_status ov_tls_client_new(
    struct ov_tls_context **ctx, const struct ov_tls_client_options *o);
/* Its sessions must be gone.  NULL is fine. */
void ov_tls_context_free(struct ov_tls_context *ctx);

/* What the context's `allowed` says of a fingerprint; true without one.  For asking
 * again after a connection is known to those who close revoked ones. */
bool ov_tls_allows(
    const struct ov_tls_context *ctx, const uint8_t fingerprint[OV_FINGERPRINT_LEN]);

/* A session of the context's side.  NULL: out of memory. */
struct ov_tls *ov_tls_new(struct ov_tls_context *ctx);
void ov_tls_free(struct ov_tls *t);

/* Moves the handshake on as far as the received bytes allow; a client begins so.
 * *done: finished.
 * OV_E_TLS_CERTIFICATE: the peer's certificate was refused here;
 * OV_E_BROKER_REVOKED: the peer refused ours as revoked; OV_E_TLS_HANDSHAKE:
 * anything else the peer did wrong or refused. */
OV_MUST_CHECK enum ov_status ov_tls_handshake(struct ov_tls *t, bool *done);

/* Plaintext, at most cap bytes; *len is 0 when more ciphertext is needed.
 * OV_E_NET_CLOSED after the peer's end.  In TLS 1.3 a client learns only here
 * that the server refused its certificate: the statuses of ov_tls_handshake. */
OV_MUST_CHECK enum ov_status ov_tls_read(
    struct ov_tls *t, uint8_t *out, size_t *len, size_t cap);

/* True when ov_tls_write takes a full record; false: drain first. */
bool ov_tls_writable(const struct ov_tls *t);

/* Seals 1 to OV_TLS_RECORD_MAX bytes as one record.  Only when writable and the
 * handshake is done. */
OV_MUST_CHECK enum ov_status ov_tls_write(struct ov_tls *t, const uint8_t *p, size_t len);

/* Adds the end-of-data alert to what is pending, if there is room. */
void ov_tls_close(struct ov_tls *t);

/* Where the transport receives: *cap > 0 bytes at *p, or *cap = 0 while unread
 * ciphertext is left.  The space stays where it is until ov_tls_received.
 * large: for a busy connection, OV_TLS_LARGE_BUFFER bytes; else 4 KiB. */
void ov_tls_space(struct ov_tls *t, uint8_t **p, size_t *cap, bool large);
void ov_tls_received(struct ov_tls *t, size_t len);
/* True while received ciphertext waits for ov_tls_handshake or ov_tls_read. */
bool ov_tls_has_unread(const struct ov_tls *t);
#define OV_TLS_LARGE_BUFFER (4U * (OV_TLS_RECORD_MAX + 1024U)) /* four sealed records */

/* What the transport sends: *len bytes at *p (0: nothing), which stay there until
 * ov_tls_sent says how many of them are gone.  large as above, for the next
 * buffer that is allocated. */
void ov_tls_pending(const struct ov_tls *t, const uint8_t **p, size_t *len);
void ov_tls_sent(struct ov_tls *t, size_t len);
void ov_tls_set_large(struct ov_tls *t, bool large);

/* Fingerprint of the peer's certificate; all zero if it has shown none. */
void ov_tls_peer(const struct ov_tls *t, uint8_t fingerprint[OV_FINGERPRINT_LEN]);

/* DER of the authority that the peer's chain ends in, to keep after a connection
 * pinned by ca_sha256.  *der is malloc'd.  OV_E_NOT_FOUND before the handshake is
 * done. */
OV_MUST_CHECK enum ov_status ov_tls_root(
    const struct ov_tls *t, uint8_t **der, size_t *len);

#endif /* OV_COMMON_TLS_TLS_H */
