/* The home: keys, sealing, the claim, upgrades, and an init that is killed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/hold.h"
#include "client/schema.h"
#include "common/crypto/memory.h"
#include "home_site.h"

static void
write_file(char path[128], const char *name, const char *text)
{
	FILE *f;

	snprintf(path, 128, "%s/%s", site_dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void
init_makes_private_files_once(void **state)
{
	struct ov_home *h = site_home("a");
	struct stat s;
	char path[256];

	(void)state;
	assert_int_equal(stat(h->path, &s), 0);
	assert_int_equal(s.st_mode & 0777, 0700);
	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/overlap.%s", h->path, i ? "db" : "key");
		assert_int_equal(stat(path, &s), 0);
		assert_int_equal(s.st_mode & 0777, 0600);
	}
	assert_int_equal(ov_home_init(&h->options, OV_KEY_BESIDE), OV_E_HOME_EXISTS);
	assert_int_equal(ov_home_require_joined(h), OV_E_HOME_NOT_JOINED);
	ov_home_close(h);
}

static void
open_creates_nothing(void **state)
{
	char path[128];
	struct ov_home_options o = { .path = path, .key_fd = -1 };
	struct ov_home *h = (void *)1;
	struct stat s;

	(void)state;
	snprintf(path, sizeof(path), "%s/none", site_dir);
	assert_int_equal(ov_home_open(&h, &o), OV_E_HOME_MISSING);
	assert_null(h);
	assert_int_not_equal(stat(path, &s), 0);
}

static void
a_key_apart_opens_the_home_and_another_does_not(void **state)
{
	char path[128], key[128], wrong[128];
	struct ov_home_options o = { .path = path, .key_file = key, .key_fd = -1 };
	struct ov_home *h;

	(void)state;
	snprintf(path, sizeof(path), "%s/apart", site_dir);
	write_file(key, "key", "correct horse battery\n");
	write_file(wrong, "wrong", "correct horse batterz\n");
	assert_int_equal(ov_home_init(&o, OV_KEY_APART), OV_OK);
	assert_int_equal(ov_home_open(&h, &o), OV_OK);
	assert_int_equal(ov_home_unlock(h), OV_OK);
	assert_non_null(h->secret);
	ov_home_close(h);
	o.key_file = wrong;
	assert_int_equal(ov_home_open(&h, &o), OV_OK);
	assert_int_equal(ov_home_unlock(h), OV_E_CRYPTO_PASSPHRASE);
	assert_null(h->secret);
	ov_home_close(h);
	/* none at all, and nobody to ask */
	o.key_file = NULL;
	unsetenv("CREDENTIALS_DIRECTORY");
	assert_int_equal(ov_home_open(&h, &o), OV_OK);
	assert_int_equal(ov_home_unlock(h), OV_E_CRYPTO_PASSPHRASE);
	ov_home_close(h);
}

static void
a_key_comes_from_a_descriptor_or_a_credential(void **state)
{
	char path[128], key[128];
	struct ov_home_options o = { .path = path, .key_fd = -1 };
	struct ov_home *h;

	(void)state;
	snprintf(path, sizeof(path), "%s/fd", site_dir);
	write_file(key, "overlap.key", "correct horse battery");
	o.key_fd = open(key, O_RDONLY | O_CLOEXEC);
	assert_int_equal(ov_home_init(&o, OV_KEY_APART), OV_OK);
	o.key_fd = -1;
	setenv("CREDENTIALS_DIRECTORY", site_dir, 1);
	assert_int_equal(ov_home_open(&h, &o), OV_OK);
	assert_int_equal(ov_home_unlock(h), OV_OK);
	ov_home_close(h);
	unsetenv("CREDENTIALS_DIRECTORY");
}

static void
short_and_endless_keys_are_refused(void **state)
{
	char path[128], key[128], text[1200];
	struct ov_home_options o = { .path = path, .key_file = key, .key_fd = -1 };

	(void)state;
	snprintf(path, sizeof(path), "%s/short", site_dir);
	write_file(key, "short.key", "elevenbytes\n");
	assert_int_equal(ov_home_init(&o, OV_KEY_APART), OV_E_USAGE);
	write_file(key, "empty.key", "\n");
	assert_int_equal(ov_home_init(&o, OV_KEY_APART), OV_E_CRYPTO_PASSPHRASE);
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	write_file(key, "long.key", text);
	assert_int_equal(ov_home_init(&o, OV_KEY_APART), OV_E_CRYPTO_PASSPHRASE);
}

static void
sealed_data_opens_for_its_purpose_alone(void **state)
{
	struct ov_home *h = site_home("a"), *other = site_home("b");
	struct ov_buf sealed = { 0 }, again = { 0 };
	uint8_t plain[5];

	(void)state;
	assert_int_equal(
	    ov_home_seal(&sealed, h, "job seed", OV_BYTES("hello", 5)), OV_OK);
	assert_int_equal(
	    ov_home_seal(&again, h, "job seed", OV_BYTES("hello", 5)), OV_OK);
	assert_int_equal(sealed.len, 5 + OV_HOME_SEAL_OVERHEAD);
	assert_memory_not_equal(sealed.p, again.p, sealed.len);
	assert_int_equal(
	    ov_home_open_sealed(plain, 5, h, "job seed", OV_BUF_BYTES(&sealed)), OV_OK);
	assert_memory_equal(plain, "hello", 5);
	assert_int_equal(
	    ov_home_open_sealed(plain, 5, h, "job seeds", OV_BUF_BYTES(&sealed)),
	    OV_E_CRYPTO_OPEN);
	assert_int_equal(
	    ov_home_open_sealed(plain, 5, other, "job seed", OV_BUF_BYTES(&sealed)),
	    OV_E_CRYPTO_OPEN);
	assert_int_equal(
	    ov_home_open_sealed(plain, 4, h, "job seed", OV_BUF_BYTES(&sealed)),
	    OV_E_CRYPTO_OPEN);
	for (size_t i = 0; i < sealed.len; i++) {
		sealed.p[i] ^= 1;
		assert_int_equal(
		    ov_home_open_sealed(plain, 5, h, "job seed", OV_BUF_BYTES(&sealed)),
		    OV_E_CRYPTO_OPEN);
		sealed.p[i] ^= 1;
	}
	ov_buf_free(&sealed);
	ov_buf_free(&again);
	ov_home_close(h);
	ov_home_close(other);
}

static void
envelopes_open_for_the_recipient_from_the_sender_alone(void **state)
{
	struct ov_home *a = site_home("a"), *b = site_home("b");
	struct ov_buf sealed = { 0 }, plain = { 0 };

	(void)state;
	assert_int_equal(ov_home_envelope_seal(&sealed, a, b->identity, b->envelope,
			     "terms", OV_BYTES("sheet", 5)),
	    OV_OK);
	assert_int_equal(
	    ov_home_envelope_open(&plain, b, a->identity, "terms", OV_BUF_BYTES(&sealed)),
	    OV_OK);
	assert_int_equal(plain.len, 5);
	assert_memory_equal(plain.p, "sheet", 5);
	assert_int_equal(
	    ov_home_envelope_open(&plain, b, b->identity, "terms", OV_BUF_BYTES(&sealed)),
	    OV_E_CRYPTO_OPEN);
	assert_int_equal(ov_home_envelope_open(
			     &plain, b, a->identity, "cosell", OV_BUF_BYTES(&sealed)),
	    OV_E_CRYPTO_OPEN);
	assert_int_equal(
	    ov_home_envelope_open(&plain, a, a->identity, "terms", OV_BUF_BYTES(&sealed)),
	    OV_E_CRYPTO_OPEN);
	assert_int_equal(plain.len, 5);
	ov_buf_free(&sealed);
	ov_buf_free(&plain);
	ov_home_close(a);
	ov_home_close(b);
}

static void
no_secret_stands_in_the_database(void **state)
{
	struct ov_home *h = site_joined("a", NULL);
	struct ov_home_secrets *s;
	static uint8_t file[1 << 20];
	char path[256];

	(void)state;
	assert_int_equal(ov_home_unlock(h), OV_OK);
	s = h->secret;
	assert_int_equal(ov_db_checkpoint(h->db), OV_OK);
	snprintf(path, sizeof(path), "%s/overlap.db", h->path);
	FILE *f = fopen(path, "rb");
	assert_non_null(f);
	size_t n = fread(file, 1, sizeof(file), f);
	fclose(f);
	assert_true(n > 4096 && n < sizeof(file));
	assert_null(memmem(file, n, s->master, 32));
	assert_null(memmem(file, n, s->identity_sk, 32));
	assert_null(memmem(file, n, s->envelope_sk, 32));
	assert_non_null(memmem(file, n, h->identity, 32)); /* the search finds things */
	ov_home_close(h);
}

static void
two_processes_do_not_claim_one_home(void **state)
{
	struct ov_home *h = site_home("a"), *second;
	int status;
	pid_t pid;

	(void)state;
	assert_int_equal(ov_home_claim(h), OV_OK);
	assert_int_equal(ov_home_claim(h), OV_OK);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (ov_home_open(&second, &h->options) != OV_OK)
			_exit(1);
		_exit(ov_home_claim(second) == OV_E_DB_BUSY ? 0 : 2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	ov_home_release(h);
	assert_int_equal(ov_home_open(&second, &h->options), OV_OK);
	assert_int_equal(ov_home_claim(second), OV_OK);
	assert_int_equal(ov_home_claim(h), OV_E_DB_BUSY);
	ov_home_close(second);
	assert_int_equal(ov_home_claim(h), OV_OK);
	ov_home_close(h);
}

static void
upgrades_from_every_version(void **state)
{
	(void)state;
	for (size_t v = 1; v < ov_schema_n; v++) {
		char dir[128], path[160];
		struct ov_home_options o = { .path = dir, .key_fd = -1 };
		struct ov_home *h;
		struct ov_db *db;
		int64_t version;

		snprintf(dir, sizeof(dir), "%s/v%zu", site_dir, v);
		snprintf(path, sizeof(path), "%s/overlap.db", dir);
		assert_int_equal(mkdir(dir, 0700), 0);
		assert_int_equal(
		    ov_db_open(&db, &(struct ov_db_options){ .path = path,
					.migrations = ov_schema,
					.n_migrations = v,
					.application_id = OV_HOME_APPLICATION_ID,
					.busy_timeout_ms = 100,
					.erase = OV_DB_ERASE_SECURE }),
		    OV_OK);
		ov_db_close(db);
		assert_int_equal(ov_home_open(&h, &o), OV_E_HOME_MISSING);
		assert_int_equal(ov_home_init(&o, OV_KEY_BESIDE), OV_OK);
		assert_int_equal(ov_home_open(&h, &o), OV_OK);
		assert_int_equal(
		    ov_db_number(&version, h->db, "PRAGMA user_version"), OV_OK);
		assert_int_equal(version, ov_schema_n);
		ov_home_close(h);
	}
}

/* Runs init in a child that dies at the n-th durable write; true if it died. */
static bool
init_dies_at(const struct ov_home_options *o, int n)
{
	char at[16];
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		snprintf(at, sizeof(at), "%d", n);
		setenv("OVERLAP_CRASH_AT", at, 1);
		_exit(ov_home_init(o, OV_KEY_BESIDE) == OV_OK ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status))
		return true;
	assert_int_equal(status, 0);
	return false;
}

static void
an_init_that_is_killed_anywhere_is_finished_by_the_next(void **state)
{
	int n = 1;

	(void)state;
	for (bool died = true; died; n++) {
		char path[128];
		struct ov_home_options o = { .path = path, .key_fd = -1 };
		struct ov_home *h;
		enum ov_status st;

		snprintf(path, sizeof(path), "%s/crash%d", site_dir, n);
		died = init_dies_at(&o, n);
		st = ov_home_init(&o, OV_KEY_BESIDE);
		assert_true(st == OV_OK || st == OV_E_HOME_EXISTS);
		assert_int_equal(ov_home_open(&h, &o), OV_OK);
		assert_int_equal(ov_home_unlock(h), OV_OK);
		ov_home_close(h);
	}
	assert_true(n > 4); /* it did die: the key file and the rows */
}

static void
a_home_joins_once(void **state)
{
	struct ov_home *h = site_joined("a", NULL);
	struct ov_home_options o = h->options;
	char path[128];
	char *pem;

	(void)state;
	snprintf(path, sizeof(path), "%s/a", site_dir);
	o.path = path;
	assert_true(h->joined);
	assert_string_equal(h->name, "a");
	assert_int_equal(h->broker.log[0], 7);
	assert_int_equal(
	    ov_home_join(h, &(struct ov_joined){ .name = "b" }), OV_E_HOME_EXISTS);
	ov_home_close(h);
	assert_int_equal(ov_home_open(&h, &o), OV_OK);
	assert_int_equal(ov_home_require_joined(h), OV_OK);
	assert_memory_equal(h->broker.log_key, site_log_pk, 32);
	assert_int_equal(ov_home_tls_key(&pem, h), OV_OK);
	assert_string_equal(pem, "none");
	ov_secret_free(pem);
	ov_home_close(h);
}

static enum ov_status
keep_last(void *arg, const struct ov_hold *h)
{
	*(struct ov_hold *)arg = *h;
	return OV_OK;
}

static void
holds_stop_until_they_are_cleared(void **state)
{
	struct ov_home *h = site_joined("a", NULL);
	uint8_t p[OV_ID] = { 1 }, q[OV_ID] = { 2 };
	struct ov_hold hold = { 0 };

	(void)state;
	assert_int_equal(ov_hold_check(h, p), OV_OK);
	assert_int_equal(ov_hold_set(h, OV_HOLD_PARTNER, p, OV_E_PROTO_MISMATCH), OV_OK);
	assert_int_equal(ov_hold_set(h, OV_HOLD_PARTNER, p, OV_E_PROTO_MISMATCH), OV_OK);
	assert_int_equal(site_count(h, "hold"), 1);
	assert_int_equal(ov_hold_check(h, p), OV_E_PARTNER_SUSPENDED);
	assert_int_equal(ov_hold_check(h, q), OV_OK);
	assert_int_equal(ov_hold_check(h, NULL), OV_OK);
	assert_int_equal(ov_hold_set(h, OV_HOLD_LOG, NULL, OV_E_LOG_ROLLBACK), OV_OK);
	assert_int_equal(ov_hold_check(h, q), OV_E_LOG_ROLLBACK);
	assert_int_equal(ov_hold_check(h, NULL), OV_E_LOG_ROLLBACK);
	assert_int_equal(ov_hold_each(h, keep_last, &hold), OV_OK);
	assert_int_equal(hold.kind, OV_HOLD_LOG);
	assert_int_equal(ov_hold_clear(h, hold.number, false), OV_OK);
	assert_int_equal(ov_hold_clear(h, hold.number, false), OV_E_NOT_FOUND);
	assert_int_equal(h->broker.log[0], 7); /* still pinned */
	assert_int_equal(ov_hold_check(h, q), OV_OK);
	assert_int_equal(ov_hold_check(h, p), OV_E_PARTNER_SUSPENDED);
	ov_home_close(h);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, site_setup, site_teardown)
	const struct CMUnitTest tests[] = {
		T(init_makes_private_files_once),
		T(open_creates_nothing),
		T(a_key_apart_opens_the_home_and_another_does_not),
		T(a_key_comes_from_a_descriptor_or_a_credential),
		T(short_and_endless_keys_are_refused),
		T(sealed_data_opens_for_its_purpose_alone),
		T(envelopes_open_for_the_recipient_from_the_sender_alone),
		T(no_secret_stands_in_the_database),
		T(two_processes_do_not_claim_one_home),
		T(upgrades_from_every_version),
		T(an_init_that_is_killed_anywhere_is_finished_by_the_next),
		T(a_home_joins_once),
		T(holds_stop_until_they_are_cleared),
	};

	return cmocka_run_group_tests_name("home", tests, NULL, NULL);
}
