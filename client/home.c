#include "client/home.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/home_key.h"
#include "client/schema.h"
#include "common/clock.h"
#include "common/crypto/memory.h"
#include "common/crypto/seal.h"
#include "proto/keys.h"

#define BUSY_TIMEOUT_MS 5000
#define PEM_MAX 16384
_Static_assert(
    OV_HOME_SEAL_OVERHEAD == OV_SEAL_NONCE_LEN + OV_SEAL_TAG_LEN, "nonce, tag");

/* Appends nonce || sealed. */
static enum ov_status
seal_under(struct ov_buf *out, const uint8_t key[OV_SEAL_KEY_LEN], const char *purpose,
    struct ov_bytes plain)
{
	enum ov_status st = OV_OK;

	OV_TRY(ov_buf_reserve(out, plain.len + OV_HOME_SEAL_OVERHEAD));
	ov_random(out->p + out->len, OV_SEAL_NONCE_LEN);
	ov_seal(out->p + out->len + OV_SEAL_NONCE_LEN, key, out->p + out->len,
	    OV_BYTES(purpose, strlen(purpose)), plain);
	out->len += plain.len + OV_HOME_SEAL_OVERHEAD;
done:
	return st;
}

static enum ov_status
open_under(uint8_t *plain, size_t len, const uint8_t key[OV_SEAL_KEY_LEN],
    const char *purpose, struct ov_bytes sealed)
{
	if (sealed.len != len + OV_HOME_SEAL_OVERHEAD) {
		ov_wipe(plain, len);
		return OV_E_CRYPTO_OPEN;
	}
	return ov_open(plain, key, sealed.p, OV_BYTES(purpose, strlen(purpose)),
	    OV_BYTES(sealed.p + OV_SEAL_NONCE_LEN, sealed.len - OV_SEAL_NONCE_LEN));
}

/* --- places --- */

static char *
default_path(void)
{
	const char *base = getenv("XDG_DATA_HOME");
	char *home, *path;

	if (base != NULL && base[0] == '/') /* relative ones are to be ignored */
		return ov_path_join(base, "overlap");
	if ((base = getenv("HOME")) == NULL || base[0] != '/')
		return NULL;
	if ((home = ov_path_join(base, ".local/share")) == NULL)
		return NULL;
	path = ov_path_join(home, "overlap");
	free(home);
	return path;
}

/* True if there is nothing in it. */
static bool
is_empty(const char *path)
{
	DIR *dir = opendir(path);
	const struct dirent *e;
	bool empty = dir != NULL;

	while (empty && (e = readdir(dir)) != NULL)
		empty = strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0;
	if (dir != NULL)
		closedir(dir);
	return empty;
}

/* The directory and what leads to it; ours alone.  One that others may enter is closed to
 * them only if it is empty: it might be anything. */
static enum ov_status
make_directory(const char *path)
{
	char *copy = strdup(path);
	struct stat s;
	enum ov_status st = OV_OK;

	OV_REQUIRE(copy != NULL, OV_E_NOMEM);
	for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		OV_REQUIRE(mkdir(copy, 0700) == 0 || errno == EEXIST, OV_E_IO);
		*slash = '/';
	}
	OV_REQUIRE(mkdir(copy, 0700) == 0 || errno == EEXIST, OV_E_IO);
	OV_REQUIRE(stat(copy, &s) == 0 && S_ISDIR(s.st_mode), OV_E_IO);
	OV_REQUIRE(s.st_uid == geteuid(), OV_E_IO);
	if ((s.st_mode & 077) != 0)
		OV_REQUIRE(is_empty(copy) && chmod(copy, 0700) == 0, OV_E_IO);
done:
	free(copy);
	return st;
}

static enum ov_status
open_database(struct ov_home *h)
{
	char *path = ov_path_join(h->path, "overlap.db");
	enum ov_status st = OV_OK;

	OV_REQUIRE(path != NULL, OV_E_NOMEM);
	OV_TRY(ov_db_open(&h->db, &(struct ov_db_options){ .path = path,
				      .migrations = ov_schema,
				      .n_migrations = ov_schema_n,
				      .application_id = OV_HOME_APPLICATION_ID,
				      .busy_timeout_ms = BUSY_TIMEOUT_MS,
				      .erase = OV_DB_ERASE_SECURE }));
done:
	free(path);
	return st;
}

static enum ov_status
new_home(struct ov_home **out, const struct ov_home_options *options)
{
	struct ov_home *h = calloc(1, sizeof(*h));
	enum ov_status st = OV_OK;

	OV_TRY(ov_crypto_init());
	OV_REQUIRE(h != NULL, OV_E_NOMEM);
	h->options = *options;
	h->lock_fd = -1;
	h->path = options->path != NULL ? strdup(options->path) : default_path();
	OV_REQUIRE(
	    h->path != NULL, options->path != NULL ? OV_E_NOMEM : OV_E_HOME_MISSING);
	OV_REQUIRE(h->path[0] != '\0', OV_E_USAGE);
	h->options.path = h->path;
	*out = h;
	h = NULL;
done:
	ov_home_close(h);
	return st;
}

/* --- keys --- */

static enum ov_status
key_of(uint8_t key[OV_SEAL_KEY_LEN], const struct ov_home *h, enum ov_key_kind kind,
    const uint8_t salt[16], bool fresh)
{
	switch (kind) {
	case OV_KEY_BESIDE:
		return ov_key_beside(key, h->path, fresh);
	case OV_KEY_APART:
		return ov_key_apart(key, &h->options, salt, fresh);
	}
	return OV_E_DB_FAILED;
}

/* Fresh keys and their row, in the caller's transaction. */
static enum ov_status
insert_keys(struct ov_home *h, enum ov_key_kind kind, const uint8_t key[OV_SEAL_KEY_LEN],
    const uint8_t salt[16])
{
	struct ov_home_secrets *s = ov_secret_alloc(sizeof(*s));
	struct ov_buf master = { 0 }, identity = { 0 }, envelope = { 0 };
	uint8_t identity_pk[32], envelope_pk[32];
	enum ov_status st = OV_OK;

	OV_REQUIRE(s != NULL, OV_E_NOMEM);
	ov_random(s->master, sizeof(s->master));
	ov_sign_keypair(identity_pk, s->identity_sk);
	ov_random(s->envelope_sk, sizeof(s->envelope_sk));
	ov_dh_public(envelope_pk, s->envelope_sk);
	OV_TRY(
	    seal_under(&master, key, "master", OV_BYTES(s->master, sizeof(s->master))));
	OV_TRY(seal_under(&identity, s->master, "identity",
	    OV_BYTES(s->identity_sk, sizeof(s->identity_sk))));
	OV_TRY(seal_under(&envelope, s->master, "envelope",
	    OV_BYTES(s->envelope_sk, sizeof(s->envelope_sk))));
	OV_TRY(ov_db_run(h->db,
	    "INSERT INTO home(id, key_kind, salt, master_sealed, identity, envelope, "
	    "identity_sealed, envelope_sealed, created) VALUES (1, ?, ?, ?, ?, ?, ?, ?, "
	    "?)",
	    OV_DB_I64(kind), OV_DB_BLOB(salt, 16), OV_DB_BLOB(master.p, master.len),
	    OV_DB_BLOB(identity_pk, 32), OV_DB_BLOB(envelope_pk, 32),
	    OV_DB_BLOB(identity.p, identity.len), OV_DB_BLOB(envelope.p, envelope.len),
	    OV_DB_I64(ov_home_now(h))));
done:
	ov_secret_free(s);
	ov_buf_free(&master);
	ov_buf_free(&identity);
	ov_buf_free(&envelope);
	return st;
}

enum ov_status
ov_home_init(const struct ov_home_options *options, enum ov_key_kind kind)
{
	struct ov_home *h = NULL;
	uint8_t salt[16], key[OV_SEAL_KEY_LEN];
	int64_t n;
	enum ov_status st = OV_OK;

	OV_TRY(new_home(&h, options));
	OV_TRY(make_directory(h->path));
	OV_TRY(ov_home_claim(h));
	OV_TRY(open_database(h));
	OV_TRY(ov_db_number(&n, h->db, "SELECT count(*) FROM home"));
	OV_REQUIRE(n == 0, OV_E_HOME_EXISTS);
	ov_random(salt, sizeof(salt));
	OV_TRY(key_of(key, h, kind, salt, true));
	OV_TRY(ov_db_begin(h->db));
	OV_TRY(insert_keys(h, kind, key, salt));
	OV_TRY(ov_db_commit(h->db, "home.init"));
done:
	ov_wipe(key, sizeof(key));
	ov_home_close(h);
	return st;
}

/* --- opening --- */

static enum ov_status
load_home(struct ov_home *h)
{
	struct ov_db_stmt *q = NULL;
	enum ov_status st = OV_OK;
	bool row;

	OV_TRY(ov_db_query(
	    &q, h->db, "SELECT key_kind, identity, envelope FROM home WHERE id = 1"));
	OV_TRY(ov_db_step(q, &row));
	OV_REQUIRE(row, OV_E_HOME_MISSING);
	h->key_kind = (enum ov_key_kind)ov_db_i64(q, 0);
	OV_TRY(ov_db_copy(h->identity, sizeof(h->identity), q, 1));
	OV_TRY(ov_db_copy(h->envelope, sizeof(h->envelope), q, 2));
	ov_company_id(h->company, h->identity);
done:
	ov_db_finish(q);
	return st;
}

static enum ov_status
copy_text(char *out, size_t cap, const char *text)
{
	if (text == NULL || strlen(text) >= cap)
		return OV_E_DB_FAILED;
	memcpy(out, text, strlen(text) + 1);
	return OV_OK;
}

static enum ov_status
load_broker(struct ov_home *h)
{
	struct ov_broker *b = &h->broker;
	struct ov_db_stmt *q = NULL;
	enum ov_status st = OV_OK;
	bool row;

	OV_TRY(ov_db_query(&q, h->db,
	    "SELECT b.name, b.address, b.log_key, b.report_key, b.ca, b.certificate, "
	    "p.log "
	    "FROM broker b LEFT JOIN pin p ON p.id = 1 WHERE b.id = 1"));
	OV_TRY(ov_db_step(q, &row));
	if (!row)
		goto done;
	OV_TRY(copy_text(h->name, sizeof(h->name), ov_db_text(q, 0)));
	OV_TRY(copy_text(b->address, sizeof(b->address), ov_db_text(q, 1)));
	OV_TRY(ov_db_copy(b->log_key, sizeof(b->log_key), q, 2));
	OV_TRY(ov_db_copy(b->report_key, sizeof(b->report_key), q, 3));
	OV_REQUIRE(!ov_db_is_null(q, 4) && !ov_db_is_null(q, 5), OV_E_DB_FAILED);
	b->ca_pem = strdup(ov_db_text(q, 4));
	b->certificate_pem = strdup(ov_db_text(q, 5));
	OV_REQUIRE(b->ca_pem != NULL && b->certificate_pem != NULL, OV_E_NOMEM);
	if (!ov_db_is_null(q, 6))
		OV_TRY(ov_db_copy(b->log, sizeof(b->log), q, 6));
	h->joined = true;
done:
	ov_db_finish(q);
	return st;
}

enum ov_status
ov_home_open(struct ov_home **out, const struct ov_home_options *options)
{
	struct ov_home *h = NULL;
	char *path = NULL;
	enum ov_status st = OV_OK;

	*out = NULL;
	OV_TRY(new_home(&h, options));
	/* Opening must not create: a mistyped --home is no home. */
	OV_REQUIRE((path = ov_path_join(h->path, "overlap.db")) != NULL, OV_E_NOMEM);
	OV_REQUIRE(access(path, F_OK) == 0, OV_E_HOME_MISSING);
	OV_TRY(open_database(h));
	OV_TRY(load_home(h));
	OV_TRY(load_broker(h));
	*out = h;
	h = NULL;
done:
	free(path);
	ov_home_close(h);
	return st;
}

void
ov_home_close(struct ov_home *h)
{
	if (h == NULL)
		return;
	ov_home_release(h);
	ov_secret_free(h->secret);
	ov_db_close(h->db);
	free(h->broker.ca_pem);
	free(h->broker.certificate_pem);
	free(h->path);
	free(h);
}

static enum ov_status
open_secrets(struct ov_home_secrets *s, struct ov_home *h)
{
	struct ov_db_stmt *q = NULL;
	uint8_t key[OV_SEAL_KEY_LEN] = { 0 }, salt[16], pk[32];
	enum ov_status st = OV_OK;
	bool row;

	OV_TRY(ov_db_query(&q, h->db,
	    "SELECT salt, master_sealed, identity_sealed, envelope_sealed FROM home "
	    "WHERE id = 1"));
	OV_TRY(ov_db_step(q, &row));
	OV_REQUIRE(row, OV_E_HOME_MISSING);
	OV_TRY(ov_db_copy(salt, sizeof(salt), q, 0));
	OV_TRY(key_of(key, h, h->key_kind, salt, false));
	if (open_under(s->master, sizeof(s->master), key, "master", ov_db_blob(q, 1)) !=
	    OV_OK)
		OV_REQUIRE(false, OV_E_CRYPTO_PASSPHRASE);
	OV_TRY(open_under(s->identity_sk, sizeof(s->identity_sk), s->master, "identity",
	    ov_db_blob(q, 2)));
	OV_TRY(open_under(s->envelope_sk, sizeof(s->envelope_sk), s->master, "envelope",
	    ov_db_blob(q, 3)));
	/* Public keys stand in clear: a changed one must not be signed for. */
	ov_dh_public(pk, s->envelope_sk);
	OV_REQUIRE(memcmp(pk, h->envelope, 32) == 0 &&
		       memcmp(s->identity_sk + 32, h->identity, 32) == 0,
	    OV_E_DB_FAILED);
done:
	ov_db_finish(q);
	ov_wipe(key, sizeof(key));
	return st;
}

enum ov_status
ov_home_unlock(struct ov_home *h)
{
	struct ov_home_secrets *s = NULL;
	enum ov_status st = OV_OK;

	if (h->secret != NULL)
		return OV_OK;
	s = ov_secret_alloc(sizeof(*s));
	OV_REQUIRE(s != NULL, OV_E_NOMEM);
	OV_TRY(open_secrets(s, h));
	h->secret = s;
	s = NULL;
done:
	ov_secret_free(s);
	return st;
}

/* --- joining --- */

enum ov_status
ov_home_require_joined(const struct ov_home *h)
{
	return h->joined ? OV_OK : OV_E_HOME_NOT_JOINED;
}

static enum ov_status
insert_pin(struct ov_home *h, const struct ov_joined *j)
{
	struct ov_msg_tree_head m;
	enum ov_status st;

	OV_TRY(ov_msg_decode(&m, OV_MSG_TREE_HEAD, j->head));
	OV_TRY(ov_db_run(h->db,
	    "INSERT INTO pin(id, log, size, root, head, signature) VALUES (1, ?, ?, ?, "
	    "?, "
	    "?)",
	    OV_DB_BLOB(m.log, OV_ID), OV_DB_I64(m.size), OV_DB_BLOB(m.root, 32),
	    OV_DB_BYTES(j->head), OV_DB_BLOB(j->head_signature, 64)));
done:
	return st;
}

enum ov_status
ov_home_join(struct ov_home *h, const struct ov_joined *j)
{
	const struct ov_broker *b = j->broker;
	struct ov_buf sealed = { 0 };
	enum ov_status st = OV_OK;

	OV_REQUIRE(!h->joined, OV_E_HOME_EXISTS);
	OV_TRY(ov_home_seal(
	    &sealed, h, "tls key", OV_BYTES(j->tls_key_pem, strlen(j->tls_key_pem))));
	OV_TRY(ov_db_begin(h->db));
	OV_TRY(ov_db_run(h->db,
	    "INSERT INTO broker(id, name, address, log_key, report_key, ca, certificate, "
	    "tls_key_sealed, joined) VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?)",
	    OV_DB_TEXT(j->name), OV_DB_TEXT(b->address), OV_DB_BLOB(b->log_key, 32),
	    OV_DB_BLOB(b->report_key, 32), OV_DB_TEXT(b->ca_pem),
	    OV_DB_TEXT(b->certificate_pem), OV_DB_BLOB(sealed.p, sealed.len),
	    OV_DB_I64(ov_home_now(h))));
	OV_TRY(insert_pin(h, j));
	OV_TRY(ov_db_run(h->db, "DELETE FROM joining"));
	OV_TRY(ov_db_commit(h->db, "home.join"));
	OV_TRY(load_broker(h));
done:
	ov_db_rollback(h->db);
	ov_buf_free(&sealed);
	return st;
}

enum ov_status
ov_home_put_certificate(struct ov_home *h, const struct ov_joined *j)
{
	struct ov_buf sealed = { 0 };
	enum ov_status st = OV_OK;

	OV_TRY(ov_home_require_joined(h));
	OV_TRY(ov_home_seal(
	    &sealed, h, "tls key", OV_BYTES(j->tls_key_pem, strlen(j->tls_key_pem))));
	OV_TRY(ov_db_run(h->db,
	    "UPDATE broker SET name = ?, address = ?, certificate = ?, tls_key_sealed = ?"
	    " WHERE id = 1",
	    OV_DB_TEXT(j->name), OV_DB_TEXT(j->broker->address),
	    OV_DB_TEXT(j->broker->certificate_pem), OV_DB_BLOB(sealed.p, sealed.len)));
	OV_TRY(ov_db_run(h->db, "DELETE FROM joining"));
done:
	ov_buf_free(&sealed);
	return st;
}

enum ov_status
ov_home_tls_key(char **pem, struct ov_home *h)
{
	struct ov_db_stmt *q = NULL;
	struct ov_bytes sealed;
	char *text = NULL;
	size_t len;
	enum ov_status st = OV_OK;
	bool row;

	OV_TRY(ov_home_unlock(h));
	OV_TRY(ov_db_query(&q, h->db, "SELECT tls_key_sealed FROM broker WHERE id = 1"));
	OV_TRY(ov_db_step(q, &row));
	OV_REQUIRE(row, OV_E_HOME_NOT_JOINED);
	sealed = ov_db_blob(q, 0);
	OV_REQUIRE(
	    sealed.len > OV_HOME_SEAL_OVERHEAD && sealed.len <= PEM_MAX, OV_E_DB_FAILED);
	len = sealed.len - OV_HOME_SEAL_OVERHEAD;
	OV_REQUIRE((text = ov_secret_alloc(len + 1)) != NULL, OV_E_NOMEM);
	OV_TRY(ov_home_open_sealed((uint8_t *)text, len, h, "tls key", sealed));
	text[len] = '\0';
	*pem = text;
	text = NULL;
done:
	ov_db_finish(q);
	ov_secret_free(text);
	return st;
}

/* --- sealing, signing --- */

enum ov_status
ov_home_seal(
    struct ov_buf *out, struct ov_home *h, const char *purpose, struct ov_bytes plain)
{
	enum ov_status st;

	OV_TRY(ov_home_unlock(h));
	OV_TRY(seal_under(out, h->secret->master, purpose, plain));
done:
	return st;
}

enum ov_status
ov_home_open_sealed(uint8_t *plain, size_t len, struct ov_home *h, const char *purpose,
    struct ov_bytes sealed)
{
	enum ov_status st;

	OV_TRY(ov_home_unlock(h));
	OV_TRY(open_under(plain, len, h->secret->master, purpose, sealed));
done:
	return st;
}

enum ov_status
ov_home_envelope_seal(struct ov_buf *out, const struct ov_home *h,
    const uint8_t to_identity[32], const uint8_t to_envelope[32], const char *context,
    struct ov_bytes plain)
{
	uint8_t ad[64];
	enum ov_status st;

	memcpy(ad, h->identity, 32);
	memcpy(ad + 32, to_identity, 32);
	OV_TRY(ov_buf_reserve(out, plain.len + OV_ENVELOPE_OVERHEAD));
	OV_TRY(ov_envelope_seal(
	    out->p + out->len, to_envelope, context, OV_BYTES(ad, sizeof(ad)), plain));
	out->len += plain.len + OV_ENVELOPE_OVERHEAD;
done:
	return st;
}

enum ov_status
ov_home_envelope_open(struct ov_buf *out, struct ov_home *h,
    const uint8_t from_identity[32], const char *context, struct ov_bytes sealed)
{
	uint8_t ad[64];
	enum ov_status st;

	OV_TRY(ov_home_unlock(h));
	OV_REQUIRE(sealed.len >= OV_ENVELOPE_OVERHEAD, OV_E_CRYPTO_OPEN);
	memcpy(ad, from_identity, 32);
	memcpy(ad + 32, h->identity, 32);
	OV_TRY(ov_buf_reserve(out, sealed.len - OV_ENVELOPE_OVERHEAD));
	OV_TRY(ov_envelope_open(out->p + out->len, h->secret->envelope_sk, context,
	    OV_BYTES(ad, sizeof(ad)), sealed));
	out->len += sealed.len - OV_ENVELOPE_OVERHEAD;
done:
	return st;
}

enum ov_status
ov_home_sign(uint8_t signature[OV_SIGNATURE_LEN], struct ov_home *h, const char *context,
    struct ov_bytes message)
{
	enum ov_status st;

	OV_TRY(ov_home_unlock(h));
	ov_sign(signature, h->secret->identity_sk, context, message);
done:
	return st;
}

/* --- claim, clock --- */

/* What this process has in memory must be what the next one signs with. */
static enum ov_status
check_unchanged(struct ov_home *h)
{
	int64_t same;
	enum ov_status st;

	OV_TRY(ov_db_number(&same, h->db,
	    "SELECT EXISTS (SELECT 1 FROM home WHERE identity = ?1)"
	    " AND NOT EXISTS (SELECT 1 FROM broker WHERE certificate <> ?2)",
	    OV_DB_BLOB(h->identity, 32), OV_DB_TEXT(h->broker.certificate_pem)));
	OV_REQUIRE(same != 0, OV_E_HOME_CHANGED);
done:
	return st;
}

enum ov_status
ov_home_claim(struct ov_home *h)
{
	char *path = NULL;
	int fd = -1;
	enum ov_status st = OV_OK;

	if (h->lock_fd >= 0)
		return OV_OK;
	OV_REQUIRE((path = ov_path_join(h->path, "overlap.lock")) != NULL, OV_E_NOMEM);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	OV_REQUIRE(fd >= 0, OV_E_IO);
	if (flock(fd, LOCK_EX | LOCK_NB) != 0)
		OV_REQUIRE(false, errno == EWOULDBLOCK ? OV_E_DB_BUSY : OV_E_IO);
	if (h->db != NULL) /* else it is being made */
		OV_TRY(check_unchanged(h));
	h->lock_fd = fd;
	fd = -1;
done:
	if (fd >= 0)
		close(fd);
	free(path);
	return st;
}

enum ov_status
ov_home_claim_within(struct ov_home *h, uint32_t wait_ms)
{
	const struct timespec slice = { 0, 20 * 1000000L };
	uint64_t give_up = ov_clock_ms() + wait_ms;
	enum ov_status st;

	while ((st = ov_home_claim(h)) == OV_E_DB_BUSY && ov_clock_ms() < give_up)
		(void)nanosleep(&slice, NULL);
	return st;
}

void
ov_home_release(struct ov_home *h)
{
	if (h->lock_fd >= 0)
		close(h->lock_fd);
	h->lock_fd = -1;
}

uint64_t
ov_home_now(const struct ov_home *h)
{
	return (uint64_t)(ov_clock_now() + h->clock_shift_s);
}
