#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include "client/book/book.h"
#include "common/crypto/memory.h"
#include "common/crypto/sign.h"
#include "common/merkle/merkle.h"
#include "home_site.h"

uint8_t site_log_pk[32], site_log_sk[64];
char site_dir[64];

int
site_setup(void **state)
{
	(void)state;
	if (ov_crypto_init() != OV_OK)
		return -1;
	ov_sign_keypair(site_log_pk, site_log_sk);
	snprintf(site_dir, sizeof(site_dir), "/tmp/overlap-home-XXXXXX");
	return mkdtemp(site_dir) != NULL ? 0 : -1;
}

int
site_teardown(void **state)
{
	char command[96];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", site_dir);
	return system(command);
}

struct ov_home *
site_home(const char *name)
{
	char path[128];
	struct ov_home_options o = { .path = path, .key_fd = -1 };
	struct ov_home *h;

	snprintf(path, sizeof(path), "%s/%s", site_dir, name);
	assert_int_equal(ov_home_init(&o, OV_KEY_BESIDE), OV_OK);
	assert_int_equal(ov_home_open(&h, &o), OV_OK);
	return h;
}

void
site_join(struct ov_home *h, const char *name, const struct site_broker *b)
{
	struct ov_msg_tree_head m = { .time = 1 };
	struct ov_broker broker = { .address = "127.0.0.1:1" };
	struct ov_buf head = { 0 };
	uint8_t signature[64];

	ov_merkle_empty(m.root);
	memset(m.log, 7, sizeof(m.log));
	assert_int_equal(ov_msg_encode(&head, OV_MSG_TREE_HEAD, &m), OV_OK);
	ov_sign(signature, site_log_sk, "head", OV_BUF_BYTES(&head));
	memcpy(broker.log_key, site_log_pk, 32);
	if (b != NULL && b->address != NULL)
		snprintf(broker.address, sizeof(broker.address), "%s", b->address);
	broker.ca_pem = strdup(b != NULL ? b->ca_pem : "none");
	broker.certificate_pem = strdup(b != NULL ? b->certificate_pem : "none");
	assert_int_equal(
	    ov_home_join(h, &(struct ov_joined){ .name = name,
				.broker = &broker,
				.tls_key_pem = b != NULL ? b->tls_key_pem : "none",
				.head = OV_BUF_BYTES(&head),
				.head_signature = signature }),
	    OV_OK);
	free(broker.ca_pem);
	free(broker.certificate_pem);
	ov_buf_free(&head);
}

struct ov_home *
site_joined(const char *name, const struct site_broker *b)
{
	struct ov_home *h = site_home(name);

	site_join(h, name, b);
	return h;
}

bool
site_take_mail(struct site_mail *m, struct ov_home *h)
{
	struct ov_db_stmt *q;
	struct ov_bytes body;
	int64_t id;
	bool row;

	assert_int_equal(
	    ov_db_query(&q, h->db,
		"SELECT id, company, kind, body FROM mail_out WHERE sent IS NULL "
		"ORDER BY id LIMIT 1"),
	    OV_OK);
	assert_int_equal(ov_db_step(q, &row), OV_OK);
	if (!row)
		return false;
	id = ov_db_i64(q, 0);
	assert_int_equal(ov_db_copy(m->to, OV_ID, q, 1), OV_OK);
	m->kind = (unsigned int)ov_db_i64(q, 2);
	body = ov_db_blob(q, 3);
	m->body.len = 0;
	assert_int_equal(ov_buf_append(&m->body, body.p, body.len), OV_OK);
	ov_db_finish(q);
	assert_int_equal(ov_db_begin(h->db), OV_OK);
	assert_int_equal(
	    ov_db_run(h->db, "UPDATE mail_out SET sent = 1 WHERE id = ?", OV_DB_I64(id)),
	    OV_OK);
	assert_int_equal(ov_db_commit(h->db, "test"), OV_OK);
	return true;
}

int64_t
site_count(struct ov_home *h, const char *table)
{
	int64_t n = -1;

	if (strcmp(table, "partner") == 0)
		assert_int_equal(
		    ov_db_number(&n, h->db, "SELECT count(*) FROM partner"), OV_OK);
	else if (strcmp(table, "mail_out") == 0)
		assert_int_equal(
		    ov_db_number(&n, h->db, "SELECT count(*) FROM mail_out"), OV_OK);
	else if (strcmp(table, "hold") == 0)
		assert_int_equal(ov_db_number(&n, h->db,
				     "SELECT count(*) FROM hold WHERE cleared IS NULL"),
		    OV_OK);
	else
		fail();
	return n;
}

void
site_import(struct ov_home *h, const char *csv)
{
	struct ov_import_file file = { .f = fmemopen(
					   (void *)(uintptr_t)csv, strlen(csv), "rb") };
	struct ov_import_result result = { .file = &file, .n_files = 1 };
	struct ov_fault fault = { 0 };

	assert_non_null(file.f);
	assert_int_equal(
	    ov_book_import(&result, h->db,
		&(struct ov_import_options){ .population = "customers", .accept = true },
		&fault),
	    OV_OK);
	fclose(file.f);
}
