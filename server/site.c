#include "server/site.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/crypto/memory.h"
#include "common/crypto/sign.h"
#include "common/db/crash.h"

#define FILE_MAX_LEN 65536

static const char *const files[] = { "ca.key", "ca.pem", "tls.key", "tls.pem", "log.key",
	"report.key", "broker.db", "broker.db-wal", "broker.db-shm" };

enum ov_status
ov_site_path(char out[OV_PATH_MAX], const char *dir, const char *name)
{
	int n = snprintf(out, OV_PATH_MAX, "%s/%s", dir, name);

	return n > 0 && n < OV_PATH_MAX ? OV_OK : OV_E_USAGE;
}

/* --- files --- */

static enum ov_status
write_all(int fd, const uint8_t *p, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return OV_E_IO;
		p += n;
		len -= (size_t)n;
	}
	return fsync(fd) == 0 ? OV_OK : OV_E_IO;
}

static enum ov_status
write_file(const char *dir, const char *name, const void *p, size_t len)
{
	char path[OV_PATH_MAX];
	enum ov_status st = OV_OK;
	int fd = -1;

	OV_TRY(ov_site_path(path, dir, name));
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	OV_REQUIRE(fd >= 0, OV_E_IO);
	OV_TRY(write_all(fd, p, len));
done:
	if (fd >= 0)
		close(fd);
	return st;
}

/* *out: a NUL-terminated copy in guarded memory, ov_secret_free. */
static enum ov_status
read_file(char **out, size_t *len, const char *dir, const char *name)
{
	char path[OV_PATH_MAX], *text = NULL;
	enum ov_status st = OV_OK;
	ssize_t n;
	int fd = -1;

	OV_TRY(ov_site_path(path, dir, name));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	OV_REQUIRE(fd >= 0, errno == ENOENT ? OV_E_HOME_MISSING : OV_E_IO);
	text = ov_secret_alloc(FILE_MAX_LEN + 1);
	OV_REQUIRE(text != NULL, OV_E_NOMEM);
	n = read(fd, text, FILE_MAX_LEN);
	OV_REQUIRE(n > 0, OV_E_IO);
	text[n] = '\0';
	*len = (size_t)n;
	*out = text;
	text = NULL;
done:
	ov_secret_free(text);
	if (fd >= 0)
		close(fd);
	return st;
}

static enum ov_status
sync_directory(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	enum ov_status st = fd >= 0 && fsync(fd) == 0 ? OV_OK : OV_E_IO;

	if (fd >= 0)
		close(fd);
	return st;
}

/* --- creating --- */

static enum ov_status
create_certificates(const char *dir, const struct ov_site_options *o)
{
	char *ca_key = NULL, *ca_pem = NULL, *tls_key = NULL, *tls_pem = NULL;
	struct ov_ca *ca = NULL;
	int64_t now = ov_clock_now();
	enum ov_status st = OV_OK;

	OV_TRY(ov_ca_create(&ca_key, &ca_pem, o->name, now));
	OV_TRY(ov_ca_open(&ca, ca_key, ca_pem));
	OV_TRY(ov_tls_key_create(&tls_key));
	OV_TRY(ov_ca_issue_server(ca, &tls_pem, tls_key, o->hosts, o->n_hosts, now));
	OV_TRY(write_file(dir, "ca.key", ca_key, strlen(ca_key)));
	OV_TRY(write_file(dir, "ca.pem", ca_pem, strlen(ca_pem)));
	OV_TRY(write_file(dir, "tls.key", tls_key, strlen(tls_key)));
	OV_TRY(write_file(dir, "tls.pem", tls_pem, strlen(tls_pem)));
done:
	ov_ca_free(ca);
	ov_secret_free(ca_key);
	ov_secret_free(ca_pem);
	ov_secret_free(tls_key);
	ov_secret_free(tls_pem);
	return st;
}

static enum ov_status
create_signing_key(uint8_t pk[32], const char *dir, const char *name)
{
	uint8_t *sk = ov_secret_alloc(OV_SIGN_SECRET_LEN);
	enum ov_status st = OV_OK;

	OV_REQUIRE(sk != NULL, OV_E_NOMEM);
	ov_sign_keypair(pk, sk);
	OV_TRY(write_file(dir, name, sk, OV_SIGN_SECRET_LEN));
done:
	ov_secret_free(sk);
	return st;
}

/* PROTOCOL.md 3.2 */
static enum ov_status
new_log_id(struct ov_store *store, const uint8_t log_pk[32])
{
	uint8_t start[16], h[OV_HASH_LEN];
	struct ov_bytes parts[] = { OV_LITERAL("log"), OV_BYTES(log_pk, 32),
		OV_BYTES(start, sizeof(start)) };
	struct ov_tx *tx = NULL;
	enum ov_status st = OV_OK;

	ov_random(start, sizeof(start));
	ov_hash_parts(h, parts, 3);
	OV_TRY(ov_tx_begin(&tx, store));
	OV_TRY(ov_store_set_log_id(tx, h));
	OV_TRY(ov_tx_commit(&tx, "log.id"));
done:
	ov_tx_end(&tx);
	return st;
}

static enum ov_status
create_in(const char *dir, const struct ov_site_options *o)
{
	uint8_t log_pk[32], report_pk[32];
	char path[OV_PATH_MAX];
	struct ov_store *store = NULL;
	enum ov_status st = OV_OK;

	OV_TRY(create_certificates(dir, o));
	OV_TRY(create_signing_key(log_pk, dir, "log.key"));
	OV_TRY(create_signing_key(report_pk, dir, "report.key"));
	OV_TRY(ov_site_path(path, dir, "broker.db"));
	OV_TRY(ov_store_open(&store, path));
	OV_TRY(new_log_id(store, log_pk));
	ov_store_close(store); /* before the directory moves */
	store = NULL;
	OV_TRY(sync_directory(dir));
done:
	ov_store_close(store);
	return st;
}

static void
remove_files(const char *dir)
{
	char path[OV_PATH_MAX];

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (ov_site_path(path, dir, files[i]) == OV_OK)
			(void)unlink(path);
	(void)rmdir(dir);
}

enum ov_status
ov_site_create(const char *dir, const struct ov_site_options *o)
{
	char building[OV_PATH_MAX];
	bool made = false;
	enum ov_status st = OV_OK;
	int n = snprintf(building, sizeof(building), "%s.new-XXXXXX", dir);

	OV_REQUIRE(n > 0 && n < OV_PATH_MAX, OV_E_USAGE);
	OV_REQUIRE(mkdtemp(building) != NULL, OV_E_IO); /* mode 0700 */
	made = true;
	OV_TRY(create_in(building, o));
	OV_CRASH_POINT("site.create");
	/* Takes the place of an empty directory too, never of a full one. */
	if (rename(building, dir) != 0) {
		st = errno == ENOTEMPTY || errno == EEXIST || errno == ENOTDIR
			 ? OV_E_HOME_EXISTS
			 : OV_E_IO;
		goto done;
	}
	made = false;
done:
	if (made)
		remove_files(building);
	return st;
}

/* --- opening --- */

static enum ov_status
read_signing_key(uint8_t **sk, uint8_t pk[32], const char *dir, const char *name)
{
	char *text = NULL;
	size_t len;
	enum ov_status st = OV_OK;

	OV_TRY(read_file(&text, &len, dir, name));
	OV_REQUIRE(len == OV_SIGN_SECRET_LEN, OV_E_IO);
	*sk = ov_secret_alloc(OV_SIGN_SECRET_LEN);
	OV_REQUIRE(*sk != NULL, OV_E_NOMEM);
	memcpy(*sk, text, OV_SIGN_SECRET_LEN);
	memcpy(pk, text + 32, 32); /* libsodium's seed || public */
done:
	ov_secret_free(text);
	return st;
}

static enum ov_status
read_authority(struct ov_broker *b, const char *dir)
{
	struct ov_certificate cert;
	char *key = NULL;
	size_t len;
	enum ov_status st = OV_OK;

	OV_TRY(read_file(&key, &len, dir, "ca.key"));
	OV_TRY(read_file(&b->ca_pem, &len, dir, "ca.pem"));
	OV_TRY(ov_ca_open(&b->ca, key, b->ca_pem));
	OV_TRY(ov_certificate_read(&cert, b->ca_pem));
	memcpy(b->ca_sha256, cert.fingerprint, 32);
done:
	ov_secret_free(key);
	return st;
}

static enum ov_status
read_log_id(struct ov_broker *b)
{
	struct ov_tx *tx = NULL;
	enum ov_status st = OV_OK;

	OV_TRY(ov_tx_begin(&tx, b->store));
	OV_TRY(ov_store_log_id(tx, b->log_id));
done:
	ov_tx_end(&tx);
	return st;
}

enum ov_status
ov_site_open(struct ov_broker *b, const char *dir)
{
	char path[OV_PATH_MAX];
	enum ov_status st = OV_OK;

	*b = (struct ov_broker){ .now = ov_clock_now,
		.limits = { .open_jobs = 64,
		    .slots = OV_SLOTS_DEFAULT,
		    .stored_bytes = UINT64_C(4) << 30,
		    .calls_per_minute = 60000,
		    .connections = 4096,
		    .connections_per_company = 16,
		    .tokens = 100 } };
	OV_TRY(read_authority(b, dir));
	OV_TRY(read_signing_key(&b->log_sk, b->log_pk, dir, "log.key"));
	OV_TRY(read_signing_key(&b->report_sk, b->report_pk, dir, "report.key"));
	OV_TRY(ov_site_path(path, dir, "broker.db"));
	OV_TRY(ov_store_open(&b->store, path));
	OV_TRY(read_log_id(b));
done:
	if (st != OV_OK)
		ov_site_close(b);
	return st;
}

void
ov_site_close(struct ov_broker *b)
{
	ov_store_close(b->store);
	ov_ca_free(b->ca);
	ov_secret_free(b->ca_pem);
	ov_secret_free(b->log_sk);
	ov_secret_free(b->report_sk);
	*b = (struct ov_broker){ 0 };
}

enum ov_status
ov_site_listener(char **cert_pem, char **key_pem, const char *dir)
{
	enum ov_status st = OV_OK;
	size_t len;

	*cert_pem = *key_pem = NULL;
	OV_TRY(read_file(cert_pem, &len, dir, "tls.pem"));
	OV_TRY(read_file(key_pem, &len, dir, "tls.key"));
done:
	if (st != OV_OK) {
		ov_secret_free(*cert_pem);
		*cert_pem = NULL;
	}
	return st;
}

enum ov_status
ov_site_lock(int *fd, const char *dir)
{
	char path[OV_PATH_MAX];
	enum ov_status st = OV_OK;

	OV_TRY(ov_site_path(path, dir, "lock"));
	*fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	OV_REQUIRE(*fd >= 0, errno == ENOENT ? OV_E_HOME_MISSING : OV_E_IO);
	if (flock(*fd, LOCK_EX | LOCK_NB) != 0) {
		close(*fd);
		*fd = -1;
		st = OV_E_DB_BUSY;
	}
done:
	return st;
}

/* --- restoring --- */

/* The backup under a new log id, as a file beside the store. */
static enum ov_status
prepare_restore(const char *fresh, const char *backup, const uint8_t log_pk[32])
{
	struct ov_store *from = NULL, *to = NULL;
	struct stat sb;
	enum ov_status st = OV_OK;

	OV_REQUIRE(stat(backup, &sb) == 0, OV_E_NOT_FOUND); /* opening would create it */
	OV_TRY(ov_store_open(&from, backup));
	OV_TRY(ov_store_backup(from, fresh));
	OV_TRY(ov_store_open(&to, fresh));
	OV_TRY(new_log_id(to, log_pk));
done:
	ov_store_close(from);
	ov_store_close(to);
	return st;
}

enum ov_status
ov_site_restore(const char *dir, const char *backup)
{
	char store[OV_PATH_MAX], fresh[OV_PATH_MAX], wal[OV_PATH_MAX], shm[OV_PATH_MAX];
	uint8_t *sk = NULL, log_pk[32];
	struct ov_store *old = NULL;
	enum ov_status st = OV_OK;
	int lock = -1;

	OV_TRY(ov_site_lock(&lock, dir));
	OV_TRY(read_signing_key(&sk, log_pk, dir, "log.key"));
	OV_TRY(ov_site_path(store, dir, "broker.db"));
	OV_TRY(ov_site_path(wal, dir, "broker.db-wal"));
	OV_TRY(ov_site_path(shm, dir, "broker.db-shm"));
	OV_TRY(ov_site_path(fresh, dir, "restored.db"));
	(void)unlink(fresh); /* of a restore that was cut short */
	OV_TRY(prepare_restore(fresh, backup, log_pk));
	/* What only the old WAL holds goes into the old file first, should we be cut
	 * short here; a store that does not open has nothing to lose. */
	if (ov_store_open(&old, store) == OV_OK)
		ov_store_close(old);
	(void)unlink(wal); /* the old store's; the new one has none */
	(void)unlink(shm);
	OV_CRASH_POINT("site.restore");
	OV_REQUIRE(rename(fresh, store) == 0, OV_E_IO);
	OV_TRY(sync_directory(dir));
done:
	ov_secret_free(sk);
	if (lock >= 0)
		close(lock);
	return st;
}
