#include "client/home_key.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "common/crypto/memory.h"
#include "common/db/crash.h"

#define CTRL_C 3

struct key_text {
	size_t len;
	uint8_t p[OV_KEY_TEXT_MAX];
};

char *
ov_path_join(const char *dir, const char *name)
{
	char *path;

	return asprintf(&path, "%s/%s", dir, name) < 0 ? NULL : path;
}

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
	return OV_OK;
}

/* Reads to the end; more than cap bytes are OV_E_CRYPTO_PASSPHRASE. */
static enum ov_status
read_all(int fd, uint8_t *p, size_t *len, size_t cap)
{
	uint8_t more;

	*len = 0;
	for (;;) {
		bool full = *len == cap;
		ssize_t n = read(fd, full ? &more : p + *len, full ? 1 : cap - *len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return OV_E_IO;
		if (n == 0)
			return OV_OK;
		if (full)
			return OV_E_CRYPTO_PASSPHRASE;
		*len += (size_t)n;
	}
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

/* Written under another name first: a half-written key would lock the owner out. */
static enum ov_status
create_beside(const char *dir, const char *path)
{
	uint8_t key[OV_SEAL_KEY_LEN];
	char *temporary = ov_path_join(dir, "overlap.key.new");
	int fd = -1;
	enum ov_status st = OV_OK;

	OV_REQUIRE(temporary != NULL, OV_E_NOMEM);
	(void)unlink(temporary); /* of an init that was killed */
	fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	OV_REQUIRE(fd >= 0, OV_E_IO);
	ov_random(key, sizeof(key));
	OV_TRY(write_all(fd, key, sizeof(key)));
	OV_REQUIRE(fsync(fd) == 0, OV_E_IO);
	OV_CRASH_POINT("home.key before");
	OV_REQUIRE(rename(temporary, path) == 0, OV_E_IO);
	OV_TRY(sync_directory(dir));
	OV_CRASH_POINT("home.key after");
done:
	ov_wipe(key, sizeof(key));
	if (fd >= 0)
		close(fd);
	free(temporary);
	return st;
}

enum ov_status
ov_key_beside(uint8_t key[OV_SEAL_KEY_LEN], const char *dir, bool create)
{
	char *path = ov_path_join(dir, "overlap.key");
	size_t len;
	int fd = -1;
	enum ov_status st = OV_OK;

	OV_REQUIRE(path != NULL, OV_E_NOMEM);
	if (create && access(path, F_OK) != 0)
		OV_TRY(create_beside(dir, path));
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	OV_REQUIRE(fd >= 0, OV_E_CRYPTO_PASSPHRASE);
	OV_TRY(read_all(fd, key, &len, OV_SEAL_KEY_LEN));
	OV_REQUIRE(len == OV_SEAL_KEY_LEN, OV_E_CRYPTO_PASSPHRASE);
done:
	if (st != OV_OK)
		ov_wipe(key, OV_SEAL_KEY_LEN);
	if (fd >= 0)
		close(fd);
	free(path);
	return st;
}

static enum ov_status
text_of_file(struct key_text *t, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	enum ov_status st;

	if (fd < 0)
		return OV_E_IO;
	st = read_all(fd, t->p, &t->len, sizeof(t->p));
	close(fd);
	return st;
}

/* One line without echo.  Signals from the keyboard are read as characters meanwhile, so
 * that ^C cannot leave a terminal that shows nothing. */
static enum ov_status
ask_once(struct key_text *t, int tty, const char *prompt)
{
	struct termios before, quiet;
	enum ov_status st = OV_OK;

	OV_REQUIRE(tcgetattr(tty, &before) == 0, OV_E_CRYPTO_PASSPHRASE);
	quiet = before;
	quiet.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
	quiet.c_cc[VEOL] = CTRL_C; /* ends a line, so that it is read at once */
	OV_REQUIRE(tcsetattr(tty, TCSAFLUSH, &quiet) == 0, OV_E_IO);
	st = write_all(tty, (const uint8_t *)prompt, strlen(prompt));
	for (t->len = 0; st == OV_OK;) {
		uint8_t c;
		ssize_t n = read(tty, &c, 1);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0 || c == CTRL_C)
			st = OV_E_CANCELLED;
		else if (c == '\n')
			break;
		else if (t->len < sizeof(t->p))
			t->p[t->len++] = c;
		else
			st = OV_E_CRYPTO_PASSPHRASE;
	}
	(void)tcsetattr(tty, TCSAFLUSH, &before);
	(void)write_all(tty, (const uint8_t *)"\n", 1);
done:
	return st;
}

static enum ov_status
ask(struct key_text *t, bool twice)
{
	struct key_text *again = ov_secret_alloc(sizeof(*again));
	int tty = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	enum ov_status st = OV_OK;

	OV_REQUIRE(again != NULL, OV_E_NOMEM);
	OV_REQUIRE(tty >= 0, OV_E_CRYPTO_PASSPHRASE);
	OV_TRY(ask_once(t, tty, "Passphrase of this home: "));
	if (twice) {
		OV_TRY(ask_once(again, tty, "The same again: "));
		OV_REQUIRE(
		    t->len == again->len && ov_equal_secret(t->p, again->p, t->len),
		    OV_E_CRYPTO_PASSPHRASE);
	}
done:
	if (tty >= 0)
		close(tty);
	ov_secret_free(again);
	return st;
}

/* $CREDENTIALS_DIRECTORY/overlap.key if systemd gave one; NULL: none. */
static char *
credential_path(void)
{
	const char *dir = getenv("CREDENTIALS_DIRECTORY");
	char *path = dir != NULL ? ov_path_join(dir, "overlap.key") : NULL;

	if (path != NULL && access(path, R_OK) != 0) {
		free(path);
		path = NULL;
	}
	return path;
}

static enum ov_status
find_text(struct key_text *t, const struct ov_home_options *o, bool fresh)
{
	char *credential = NULL;
	enum ov_status st = OV_OK;

	if (o->key_file != NULL)
		return text_of_file(t, o->key_file);
	if (o->key_fd >= 0) {
		st = read_all(o->key_fd, t->p, &t->len, sizeof(t->p));
		close(o->key_fd);
		return st;
	}
	credential = credential_path();
	if (credential != NULL)
		st = text_of_file(t, credential);
	else if (o->ask)
		st = ask(t, fresh);
	else
		st = OV_E_CRYPTO_PASSPHRASE;
	free(credential);
	return st;
}

enum ov_status
ov_key_apart(uint8_t key[OV_SEAL_KEY_LEN], const struct ov_home_options *options,
    const uint8_t salt[16], bool fresh)
{
	struct key_text *t = ov_secret_alloc(sizeof(*t));
	enum ov_status st = OV_OK;

	OV_REQUIRE(t != NULL, OV_E_NOMEM);
	t->len = 0;
	OV_TRY(find_text(t, options, fresh));
	/* Editors end a file with a line feed; nobody types one. */
	if (t->len > 0 && t->p[t->len - 1] == '\n')
		t->len--;
	if (t->len > 0 && t->p[t->len - 1] == '\r')
		t->len--;
	OV_REQUIRE(t->len > 0, OV_E_CRYPTO_PASSPHRASE);
	OV_REQUIRE(!fresh || t->len >= OV_KEY_TEXT_MIN, OV_E_USAGE);
	OV_TRY(ov_passphrase_key(key, OV_BYTES(t->p, t->len), salt));
done:
	ov_secret_free(t);
	return st;
}
