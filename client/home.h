/* home.h - one company's directory: its database, its identity, its secrets, its lock.
 *
 * A home is a directory of mode 0700 with `overlap.db` (mode 0600, deleted content is
 * overwritten), `overlap.lock` and, by default, `overlap.key`.  Secrets in the
 * database (identity, envelope and TLS keys, invitation secrets, job seeds) are sealed
 * under a random master key, which is itself sealed under a key that comes
 *   - from `overlap.key` beside the database: the default, about which `status` warns;
 *   - from a passphrase or key that is kept elsewhere: a file (--key-file), a
 *     descriptor (--key-fd), systemd's $CREDENTIALS_DIRECTORY/overlap.key, or typed at
 *     the terminal.  All four hold the same text and go through Argon2id.
 *
 * Opening a home asks for no secret; the first call that needs one does (ov_home_unlock).
 * A home and its database belong to one thread at a time.  Several processes may have
 * one home open; work that must not run twice at once claims it (ov_home_claim).
 */
#ifndef OV_CLIENT_HOME_H
#define OV_CLIENT_HOME_H

#include <stdbool.h>
#include <stdint.h>

#include "common/crypto/sign.h"
#include "common/db/db.h"
#include "common/status.h"
#include "proto/codec.h"

#define OV_NAME_MAX 64	   /* bytes of a company's name */
#define OV_ADDRESS_MAX 261 /* HOST:PORT */

enum ov_key_kind {
	OV_KEY_BESIDE = 1, /* overlap.key in the home */
	OV_KEY_APART = 2   /* passphrase or key that is kept elsewhere */
};

/* Where to look for the home and for its key. */
struct ov_home_options {
	const char *path; /* NULL: $XDG_DATA_HOME/overlap, else ~/.local/share/overlap */
	const char *key_file; /* --key-file, or NULL */
	int key_fd;	      /* --key-fd, or -1; read to its end, then closed */
	bool ask;	      /* may ask at the terminal */
};

/* What was pinned when the company joined, and how to reach the broker. */
struct ov_broker {
	char address[OV_ADDRESS_MAX + 1]; /* HOST:PORT of the main listener */
	uint8_t log_key[32];
	uint8_t report_key[32];
	uint8_t log[OV_ID]; /* log id; zero until the first head was seen */
	char *ca_pem;	    /* freed with the home */
	char *certificate_pem;
};

struct ov_home_secrets {
	uint8_t master[32];
	uint8_t identity_sk[OV_SIGN_SECRET_LEN];
	uint8_t envelope_sk[OV_DH_LEN];
};

struct ov_home {
	char *path; /* of the directory */
	struct ov_db *db;
	enum ov_key_kind key_kind;
	uint8_t company[OV_ID]; /* id of identity */
	uint8_t identity[32], envelope[32];
	bool joined;
	char name[OV_NAME_MAX + 1]; /* as the broker wrote it into the certificate */
	struct ov_broker broker;    /* when joined */
	/* SECRET, guarded; NULL until ov_home_unlock. */
	struct ov_home_secrets *secret;
	struct ov_home_options options;
	int lock_fd;	       /* -1: not claimed */
	int64_t clock_shift_s; /* added to the system's clock; 0 outside tests */
};

/* Creates directory, database and keys.  A key apart is read and, when typed, asked for
 * twice.  OV_E_HOME_EXISTS if there is a home; then nothing is changed.  OV_E_IO also for
 * a directory of somebody else, or one with files in it that others may enter.  Repeating
 * an init that was killed half-way finishes it. */
OV_MUST_CHECK enum ov_status ov_home_init(
    const struct ov_home_options *options, enum ov_key_kind kind);

/* OV_E_HOME_MISSING if there is none; OV_E_DB_* of ov_db_open.  Not unlocked.  The
 * texts of options outlive the home. */
OV_MUST_CHECK enum ov_status ov_home_open(
    struct ov_home **out, const struct ov_home_options *options);

/* Wipes secrets, releases the claim.  NULL is fine. */
void ov_home_close(struct ov_home *home);

/* Fetches the key and opens the secrets; does nothing the second time.
 * OV_E_CRYPTO_PASSPHRASE if the key is wrong or not to be had. */
OV_MUST_CHECK enum ov_status ov_home_unlock(struct ov_home *home);

/* OV_OK if the home has joined a broker, else OV_E_HOME_NOT_JOINED. */
OV_MUST_CHECK enum ov_status ov_home_require_joined(const struct ov_home *home);

/* What a company learned when it enrolled. */
struct ov_joined {
	const char *name;
	const struct ov_broker *broker;
	const char *tls_key_pem; /* SECRET */
	struct ov_bytes head;	 /* verified TREE_HEAD, the first to be pinned */
	const uint8_t *head_signature;
};

/* Remembers a broker, everything in one transaction.  A home joins one broker once:
 * OV_E_HOME_EXISTS. */
OV_MUST_CHECK enum ov_status ov_home_join(
    struct ov_home *home, const struct ov_joined *joined);

/* A new certificate of the same broker, its key, name and address, in the caller's
 * transaction; the pinned keys stay.  In memory the home is as it was: open it anew. */
OV_MUST_CHECK enum ov_status ov_home_put_certificate(
    struct ov_home *home, const struct ov_joined *joined);

/* The TLS key as PEM, SECRET: ov_secret_free it.  Unlocks. */
OV_MUST_CHECK enum ov_status ov_home_tls_key(char **pem, struct ov_home *home);

/* Sealing for the database: nonce || XChaCha20-Poly1305 under the master key, `purpose`
 * (a literal such as "job seed") as associated data.  out is appended.  Both unlock.
 * ov_home_open_sealed: plain holds exactly len bytes; OV_E_CRYPTO_OPEN (plain zeroed) if
 * the bytes were not sealed for this purpose or have another length. */
#define OV_HOME_SEAL_OVERHEAD 40
OV_MUST_CHECK enum ov_status ov_home_seal(
    struct ov_buf *out, struct ov_home *home, const char *purpose, struct ov_bytes plain);
OV_MUST_CHECK enum ov_status ov_home_open_sealed(uint8_t *plain, size_t len,
    struct ov_home *home, const char *purpose, struct ov_bytes sealed);

/* Claims the home for work that must not run twice at once (runs, the agent, mail).
 * OV_E_DB_BUSY if another process has it, at once.  The system releases the claim when
 * the process ends, however it ends.  OV_E_HOME_CHANGED if identity or certificate are
 * not those any more with which the home was opened.  Claiming twice is fine; one release
 * ends it. */
OV_MUST_CHECK enum ov_status ov_home_claim(struct ov_home *home);
/* The same, but waits up to wait_ms for the other process. */
OV_MUST_CHECK enum ov_status ov_home_claim_within(struct ov_home *home, uint32_t wait_ms);
/* How long a person's command waits: an agent between two jobs has the home for less. */
#define OV_HOME_CLAIM_WAIT_MS 10000
void ov_home_release(struct ov_home *home);

/* Seconds since 1970. */
uint64_t ov_home_now(const struct ov_home *home);

/* Sealed envelopes between companies (PROTOCOL 5.5): associated data is sender's identity
 * || recipient's identity.  Both append to out.  Open unlocks. */
OV_MUST_CHECK enum ov_status ov_home_envelope_seal(struct ov_buf *out,
    const struct ov_home *home, const uint8_t to_identity[32],
    const uint8_t to_envelope[32], const char *context, struct ov_bytes plain);
OV_MUST_CHECK enum ov_status ov_home_envelope_open(struct ov_buf *out,
    struct ov_home *home, const uint8_t from_identity[32], const char *context,
    struct ov_bytes sealed);

/* Signs with the identity (PROTOCOL 1.3).  Unlocks. */
OV_MUST_CHECK enum ov_status ov_home_sign(uint8_t signature[OV_SIGNATURE_LEN],
    struct ov_home *home, const char *context, struct ov_bytes message);

#endif /* OV_CLIENT_HOME_H */
