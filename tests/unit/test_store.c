/* The broker's store: each fact once, idempotent, still there after a kill. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/crypto/memory.h"
#include "server/store_db.h"

static char dir[64], path[96];
static struct ov_store *store;
static struct ov_tx *tx;

static int
setup(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/overlap-store-XXXXXX");
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/broker.db", dir);
	return ov_store_open(&store, path) == OV_OK ? 0 : -1;
}

static int
teardown(void **state)
{
	char command[160];

	(void)state;
	ov_tx_end(&tx);
	ov_store_close(store);
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	return system(command);
}

static void
begin(void)
{
	assert_int_equal(ov_tx_begin(&tx, store), OV_OK);
}

static void
commit(void)
{
	assert_int_equal(ov_tx_commit(&tx, "test"), OV_OK);
	assert_null(tx);
}

static const uint8_t *
id_of(uint8_t x)
{
	static uint8_t ids[256][OV_ID];

	memset(ids[x], x, OV_ID);
	return ids[x];
}

static struct ov_company
company(uint8_t x, const char *name)
{
	struct ov_company c = {
		.status = OV_COMPANY_ACTIVE, .enrolled = 5, .changed = 5
	};

	memset(c.id, x, sizeof(c.id));
	memset(c.identity, x, 32);
	memset(c.envelope, x, 32);
	memset(c.fingerprint, x, 32);
	snprintf(c.name, sizeof(c.name), "%s", name);
	return c;
}

static void
rollback_leaves_nothing(void **state)
{
	struct ov_company c = company(1, "Acme"), got;

	(void)state;
	begin();
	assert_int_equal(ov_store_company_add(tx, &c), OV_OK);
	ov_tx_end(&tx);
	begin();
	assert_int_equal(ov_store_company(tx, &got, c.id), OV_E_NOT_FOUND);
	ov_tx_end(&tx);
	ov_tx_end(&tx); /* again is fine */
}

static void
company_is_found_every_way_and_not_doubled(void **state)
{
	struct ov_company c = company(1, "Acme"), other, got;

	(void)state;
	begin();
	assert_int_equal(ov_store_company_add(tx, &c), OV_OK);
	other = company(2, "Acme"); /* the name is taken */
	assert_int_equal(ov_store_company_add(tx, &other), OV_E_BROKER_EXISTS);
	other = company(2, "Other");
	memcpy(other.identity, c.identity, 32);
	assert_int_equal(ov_store_company_add(tx, &other), OV_E_BROKER_EXISTS);
	assert_int_equal(ov_store_company(tx, &got, c.id), OV_OK);
	assert_memory_equal(&got, &c, sizeof(c));
	assert_int_equal(ov_store_company_named(tx, &got, "Acme"), OV_OK);
	assert_memory_equal(got.id, c.id, OV_ID);
	/* the second connection sees it once it is committed, not before */
	assert_int_equal(
	    ov_store_company_of_certificate(store, &got, c.fingerprint), OV_E_NOT_FOUND);
	commit();
	assert_int_equal(
	    ov_store_company_of_certificate(store, &got, c.fingerprint), OV_OK);
	assert_memory_equal(got.id, c.id, OV_ID);
}

static void
removed_company_frees_its_name(void **state)
{
	struct ov_company c = company(1, "Acme"), next = company(2, "Acme"), got;

	(void)state;
	begin();
	assert_int_equal(ov_store_company_add(tx, &c), OV_OK);
	c.status = OV_COMPANY_REVOKED;
	assert_int_equal(ov_store_company_update(tx, &c), OV_OK);
	assert_int_equal(ov_store_company_add(tx, &next), OV_E_BROKER_EXISTS);
	c.status = OV_COMPANY_REMOVED;
	assert_int_equal(ov_store_company_update(tx, &c), OV_OK);
	assert_int_equal(ov_store_company_add(tx, &next), OV_OK);
	assert_int_equal(ov_store_company_named(tx, &got, "Acme"), OV_OK);
	assert_int_equal(got.id[0], 2);
	assert_int_equal(ov_store_company(tx, &got, c.id), OV_OK);
	assert_int_equal(got.status, OV_COMPANY_REMOVED);
	next = company(9, "Nobody");
	assert_int_equal(ov_store_company_update(tx, &next), OV_E_NOT_FOUND);
}

static void
token_works_once_and_keeps_its_reply(void **state)
{
	struct ov_token t = { .name = "Acme", .created = 1, .expiry = 100 }, got;
	uint8_t request[OV_DIGEST] = { 7 };
	struct ov_buf reply = { 0 };

	(void)state;
	memset(t.hash, 3, 32);
	begin();
	assert_int_equal(ov_store_token_add(tx, &t), OV_OK);
	assert_int_equal(ov_store_token(tx, &got, t.hash), OV_OK);
	assert_false(got.used);
	assert_string_equal(got.name, "Acme");
	assert_int_equal(ov_store_token_reply(tx, &reply, t.hash), OV_E_NOT_FOUND);
	assert_int_equal(
	    ov_store_token_use(tx, t.hash, request, OV_LITERAL("reply")), OV_OK);
	assert_int_equal(ov_store_token_use(tx, t.hash, request, OV_LITERAL("other")),
	    OV_E_BROKER_TOKEN);
	assert_int_equal(ov_store_token_reply(tx, &reply, t.hash), OV_OK);
	assert_int_equal(reply.len, 5);
	assert_int_equal(ov_store_token(tx, &got, t.hash), OV_OK);
	assert_true(got.used);
	assert_memory_equal(got.request, request, OV_DIGEST);
	assert_int_equal(ov_store_tokens_expire(tx, 100), OV_OK);
	assert_int_equal(ov_store_token(tx, &got, t.hash), OV_OK);
	assert_int_equal(ov_store_tokens_expire(tx, 101), OV_OK);
	assert_int_equal(ov_store_token(tx, &got, t.hash), OV_E_NOT_FOUND);
	ov_buf_free(&reply);
}

/* A leaf rebuilt from what the store gives proves itself against the root. */
static void
log_leaf_is_provable_in_later_trees(void **state)
{
	struct ov_log_leaf leaf[20], got;
	struct ov_merkle_store nodes;
	struct ov_merkle_proof proof;
	uint8_t root[32], hash[32], whole[17 + 5];
	struct ov_buf body = { 0 };
	uint64_t size;

	(void)state;
	for (int i = 0; i < 20; i++) {
		begin();
		assert_int_equal(ov_store_log_append(
				     tx, &leaf[i], OV_LEAF_ENROLLED, OV_LITERAL("bodyX")),
		    OV_OK);
		assert_int_equal(leaf[i].index, i);
		commit();
	}
	begin();
	nodes = ov_store_log_nodes(tx);
	assert_int_equal(ov_store_log_size(tx, &size), OV_OK);
	assert_int_equal(size, 20);
	assert_int_equal(ov_merkle_root(root, &nodes, size), OV_OK);
	for (uint64_t i = 0; i < size; i++) {
		body.len = 0;
		assert_int_equal(ov_store_log_leaf(tx, &got, &body, i), OV_OK);
		assert_memory_equal(got.salt, leaf[i].salt, 16);
		whole[0] = got.type;
		memcpy(whole + 1, got.salt, 16);
		memcpy(whole + 17, body.p, 5);
		ov_merkle_leaf(hash, OV_BYTES(whole, sizeof(whole)));
		assert_int_equal(
		    ov_merkle_prove_inclusion(&proof, &nodes, i, size), OV_OK);
		assert_int_equal(ov_merkle_verify_inclusion(hash, i, size, root,
				     OV_BYTES(proof.bytes, proof.len)),
		    OV_OK);
	}
	assert_int_equal(ov_store_log_leaf(tx, &got, NULL, 20), OV_E_NOT_FOUND);
	assert_memory_not_equal(leaf[0].salt, leaf[1].salt, 16);
	ov_buf_free(&body);
}

static struct ov_mail_row
mail(uint8_t from, uint8_t to, uint8_t id)
{
	struct ov_mail_row m = { .kind = 6, .sent = 1000 };

	memset(m.from, from, OV_ID);
	memset(m.to, to, OV_ID);
	memset(m.mail, id, OV_ID);
	return m;
}

static void
mail_is_kept_in_order_until_dropped(void **state)
{
	struct ov_mail_row m, got;
	struct ov_buf body = { 0 };
	enum ov_put_result how;
	uint64_t first, bytes;

	(void)state;
	begin();
	m = mail(1, 2, 10);
	assert_int_equal(ov_store_mail_put(tx, &how, &m, OV_LITERAL("one")), OV_OK);
	assert_int_equal(how, OV_PUT_NEW);
	first = m.seq;
	assert_false(m.logged);
	m.leaf = 0; /* the first of all leaves, too, is one */
	assert_int_equal(ov_store_mail_logged(tx, &m), OV_OK);
	m = mail(1, 2, 11);
	assert_int_equal(ov_store_mail_put(tx, &how, &m, OV_LITERAL("three")), OV_OK);
	assert_int_equal(ov_store_mail_put(tx, &how, &m, OV_LITERAL("three")), OV_OK);
	assert_false(m.logged);
	m = mail(1, 2, 10);
	m.leaf = 7;
	assert_int_equal(ov_store_mail_put(tx, &how, &m, OV_LITERAL("one")), OV_OK);
	assert_int_equal(how, OV_PUT_SAME);
	assert_int_equal(m.seq, first);
	assert_true(m.logged);
	assert_int_equal(m.leaf, 0);
	m = mail(1, 2, 10);
	assert_int_equal(ov_store_mail_put(tx, &how, &m, OV_LITERAL("two")), OV_OK);
	assert_int_equal(how, OV_PUT_DIFFERENT);
	assert_int_equal(ov_store_usage(tx, &bytes, id_of(1)), OV_OK);
	assert_int_equal(bytes, 8 + 2 * OV_STORE_ROW);

	assert_int_equal(
	    ov_store_mail_next(tx, &got, &body, id_of(1), 0), OV_E_NOT_FOUND);
	assert_int_equal(ov_store_mail_next(tx, &got, &body, id_of(2), 0), OV_OK);
	assert_int_equal(got.seq, first);
	assert_int_equal(got.kind, 6);
	assert_memory_equal(body.p, "one", 3);
	assert_int_equal(
	    ov_store_mail_drop(tx, id_of(1), got.seq), OV_OK); /* not theirs */
	assert_int_equal(ov_store_mail_drop(tx, id_of(2), got.seq), OV_OK);
	body.len = 0;
	assert_int_equal(ov_store_mail_next(tx, &got, &body, id_of(2), 0), OV_OK);
	assert_memory_equal(body.p, "three", 5);
	/* sent again after the receiver dropped it: not a new mail */
	m = mail(1, 2, 10);
	assert_int_equal(ov_store_mail_put(tx, &how, &m, OV_LITERAL("one")), OV_OK);
	assert_int_equal(how, OV_PUT_SAME);
	assert_int_equal(ov_store_mail_expire(tx, 1001), OV_OK);
	assert_int_equal(
	    ov_store_mail_next(tx, &got, &body, id_of(2), 0), OV_E_NOT_FOUND);
	ov_buf_free(&body);
}

static void
set_buf(struct ov_buf *b, const char *text)
{
	b->len = 0;
	assert_int_equal(ov_buf_append(b, text, strlen(text)), OV_OK);
}

static void
terms_in_force_are_the_greatest_signed_by_both(void **state)
{
	struct ov_terms_row row = { .sequence = 1, .has_low = true, .leaf = 4 }, got;
	struct ov_terms_bytes text = { 0 }, read = { 0 };

	(void)state;
	memset(row.low, 1, OV_ID);
	memset(row.high, 2, OV_ID);
	memset(row.signature_low, 0x11, 64);
	set_buf(&text.body, "body 1");
	set_buf(&text.release, "release");
	set_buf(&text.sealed_low, "from low");
	begin();
	assert_int_equal(ov_store_terms_put(tx, &row, &text), OV_OK);
	assert_int_equal(
	    ov_store_terms(tx, &got, NULL, row.low, row.high, OV_STORE_TERMS_IN_FORCE),
	    OV_E_NOT_FOUND);
	row.has_high = true;
	assert_int_equal(ov_store_terms_put(tx, &row, &text), OV_OK);
	set_buf(&text.body, "another body");
	assert_int_equal(ov_store_terms_put(tx, &row, &text), OV_E_DB_CONFLICT);
	row.sequence = 2;
	row.has_high = false;
	assert_int_equal(ov_store_terms_put(tx, &row, &text), OV_OK);
	assert_int_equal(
	    ov_store_terms(tx, &got, &read, row.low, row.high, OV_STORE_TERMS_IN_FORCE),
	    OV_OK);
	assert_int_equal(got.sequence, 1);
	assert_memory_equal(read.body.p, "body 1", 6);
	assert_int_equal(
	    ov_store_terms(tx, &got, NULL, row.low, row.high, OV_STORE_TERMS_NEWEST),
	    OV_OK);
	assert_int_equal(got.sequence, 2);
	assert_true(got.has_low && !got.has_high);
	assert_int_equal(ov_store_terms_end(tx, row.low, row.high), OV_OK);
	assert_int_equal(
	    ov_store_terms(tx, &got, NULL, row.low, row.high, OV_STORE_TERMS_IN_FORCE),
	    OV_E_NOT_FOUND);
	ov_terms_bytes_free(&text);
	ov_terms_bytes_free(&read);
}

static struct ov_job
job(uint8_t id, uint8_t a, uint8_t b)
{
	struct ov_job j = { .state = OV_JOB_PROPOSED,
		.created = 1,
		.deadline = 100 + id,
		.steps = 2,
		.slots_a = 1024,
		.terms = 1 };

	memset(j.id, id, OV_ID);
	memset(j.a, a, OV_ID);
	memset(j.b, b, OV_ID);
	return j;
}

static enum ov_status
count_job(void *arg, const struct ov_job *j)
{
	int *n = arg;

	(void)j;
	(*n)++;
	return OV_OK;
}

static void
jobs_are_listed_by_party_and_deadline(void **state)
{
	struct ov_job j = job(5, 1, 2), got;
	uint64_t open;
	int n = 0;

	(void)state;
	begin();
	assert_int_equal(ov_store_job_due(tx, &got), OV_E_NOT_FOUND);
	assert_int_equal(ov_store_job_add(tx, &j), OV_OK);
	assert_int_equal(ov_store_job_add(tx, &j), OV_E_DB_CONFLICT);
	j = job(4, 3, 1);
	assert_int_equal(ov_store_job_add(tx, &j), OV_OK);
	assert_int_equal(ov_store_job_between(tx, &got, id_of(2), id_of(1)), OV_OK);
	assert_int_equal(got.id[0], 5);
	assert_int_equal(
	    ov_store_job_between(tx, &got, id_of(2), id_of(3)), OV_E_NOT_FOUND);
	assert_int_equal(ov_store_jobs_open(tx, &open, id_of(1)), OV_OK);
	assert_int_equal(open, 2);
	assert_int_equal(ov_store_job_due(tx, &got), OV_OK);
	assert_int_equal(got.id[0], 4);
	got.state = OV_JOB_FAILED;
	snprintf(got.reason, sizeof(got.reason), "E_PROTO_ROSTER");
	assert_int_equal(ov_store_job_update(tx, &got), OV_OK);
	assert_int_equal(ov_store_job(tx, &got, id_of(4)), OV_OK);
	assert_int_equal(got.state, OV_JOB_FAILED);
	assert_string_equal(got.reason, "E_PROTO_ROSTER");
	assert_int_equal(ov_store_job_due(tx, &got), OV_OK);
	assert_int_equal(got.id[0], 5);
	assert_int_equal(
	    ov_store_jobs(tx, &(struct ov_job_walk){ .company = id_of(1), .limit = 10 },
		count_job, &n),
	    OV_OK);
	assert_int_equal(n, 2);
	n = 0;
	assert_int_equal(ov_store_jobs(tx,
			     &(struct ov_job_walk){
				 .company = id_of(1), .open_only = true, .limit = 10 },
			     count_job, &n),
	    OV_OK);
	assert_int_equal(n, 1);
}

static void
first_step_wins(void **state)
{
	struct ov_step_row row = { .leaf = 3 }, got;
	struct ov_buf body = { 0 };
	enum ov_put_result how;

	(void)state;
	memset(row.signature, 1, 64);
	begin();
	assert_int_equal(ov_store_step_put(tx, &how, id_of(1), OV_STEP_ACCEPT, &row,
			     OV_LITERAL("first")),
	    OV_OK);
	assert_int_equal(how, OV_PUT_NEW);
	memset(row.signature, 2, 64);
	row.leaf = 9;
	assert_int_equal(ov_store_step_put(tx, &how, id_of(1), OV_STEP_ACCEPT, &row,
			     OV_LITERAL("first")),
	    OV_OK);
	assert_int_equal(how, OV_PUT_SAME);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(ov_store_step_put(tx, &how, id_of(1), OV_STEP_ACCEPT,
				     &row, OV_LITERAL("second")),
		    OV_OK);
		assert_int_equal(how, OV_PUT_DIFFERENT);
	}
	assert_int_equal(ov_store_step(tx, &got, &body, id_of(1), OV_STEP_ACCEPT), OV_OK);
	assert_int_equal(body.len, 5);
	assert_int_equal(got.leaf, 3);
	assert_int_equal(got.signature[0], 1);
	assert_int_equal(
	    ov_store_step(tx, &got, &body, id_of(1), OV_STEP_PROPOSE), OV_E_NOT_FOUND);
	ov_buf_free(&body);
}

static void
chunks_come_in_order_and_go_with_the_job(void **state)
{
	struct ov_chunk_at at = { id_of(1), OV_STREAM_POINTS_A, 0 };
	struct ov_stream_row row;
	struct ov_buf body = { 0 };
	enum ov_put_result how;
	uint64_t bytes;
	bool last;

	(void)state;
	begin();
	assert_int_equal(
	    ov_store_chunk_put(tx, &how, &at, false, OV_LITERAL("zero"), id_of(7)),
	    OV_OK);
	assert_int_equal(how, OV_PUT_NEW);
	at.index = 2;
	assert_int_equal(
	    ov_store_chunk_put(tx, &how, &at, false, OV_LITERAL("two"), id_of(7)),
	    OV_E_PROTO_UNEXPECTED);
	at.index = 1;
	assert_int_equal(
	    ov_store_chunk_put(tx, &how, &at, true, OV_LITERAL("one"), id_of(7)), OV_OK);
	at.index = 2;
	assert_int_equal(
	    ov_store_chunk_put(tx, &how, &at, false, OV_LITERAL("two"), id_of(7)),
	    OV_E_PROTO_UNEXPECTED); /* after the last */
	at.index = 1;
	assert_int_equal(
	    ov_store_chunk_put(tx, &how, &at, true, OV_LITERAL("one"), id_of(7)), OV_OK);
	assert_int_equal(how, OV_PUT_SAME);
	assert_int_equal(
	    ov_store_chunk_put(tx, &how, &at, false, OV_LITERAL("one"), id_of(7)), OV_OK);
	assert_int_equal(how, OV_PUT_DIFFERENT); /* another last flag */
	assert_int_equal(
	    ov_store_chunk_put(tx, &how, &at, true, OV_LITERAL("eno"), id_of(7)), OV_OK);
	assert_int_equal(how, OV_PUT_DIFFERENT);
	assert_int_equal(ov_store_stream(tx, &row, at.job, at.stream), OV_OK);
	assert_true(row.next == 2 && row.last && row.bytes == 7);
	assert_int_equal(ov_store_chunk(tx, &body, &last, &at), OV_OK);
	assert_true(last && body.len == 3);
	assert_int_equal(ov_store_usage(tx, &bytes, id_of(7)), OV_OK);
	assert_int_equal(bytes, 7);
	assert_int_equal(ov_store_streams_drop(tx, at.job), OV_OK);
	assert_int_equal(ov_store_usage(tx, &bytes, id_of(7)), OV_OK);
	assert_int_equal(bytes, 0);
	assert_int_equal(ov_store_chunk(tx, &body, &last, &at), OV_E_NOT_FOUND);
	assert_int_equal(ov_store_stream(tx, &row, at.job, at.stream), OV_OK);
	assert_int_equal(row.next, 0);
	ov_buf_free(&body);
}

/* What the triggers keep is the sum over all that is there. */
static void
check_usage(uint8_t company, bool is_some)
{
	uint64_t bytes;
	int64_t sum;

	assert_int_equal(ov_store_usage(tx, &bytes, id_of(company)), OV_OK);
	assert_int_equal(
	    ov_db_number(&sum, tx->db,
		"SELECT coalesce(sum(bytes), 0) FROM usage_now WHERE owner = ?",
		ID(id_of(company))),
	    OV_OK);
	assert_int_equal(bytes, sum);
	assert_int_equal(bytes > 0, is_some);
}

static void
usage_is_the_sum_of_what_is_stored(void **state)
{
	struct ov_mail_row mail = { .kind = 8, .sent = 5 };
	struct ov_terms_row terms = { .sequence = 1 };
	struct ov_terms_bytes text = { 0 };
	enum ov_put_result how;

	(void)state;
	memcpy(mail.from, id_of(1), OV_ID);
	memcpy(terms.low, id_of(1), OV_ID);
	memcpy(terms.high, id_of(2), OV_ID);
	begin();
	check_usage(1, false);
	assert_int_equal(
	    ov_store_mail_put(tx, &how, &mail, OV_LITERAL("some text")), OV_OK);
	check_usage(1, true);
	assert_int_equal(ov_store_mail_drop(tx, mail.to, mail.seq), OV_OK);
	check_usage(1, true); /* its id is kept */
	assert_int_equal(ov_store_mail_expire(tx, 6), OV_OK);
	check_usage(1, false);
	assert_int_equal(ov_buf_append(&text.body, "body", 4), OV_OK);
	assert_int_equal(ov_buf_append(&text.sealed_low, "to high", 7), OV_OK);
	terms.has_low = true;
	assert_int_equal(ov_store_terms_put(tx, &terms, &text), OV_OK);
	check_usage(1, true);
	check_usage(2, false);
	terms.has_high = true;
	assert_int_equal(ov_store_terms_put(tx, &terms, &text), OV_OK);
	assert_int_equal(ov_store_terms_put(tx, &terms, &text), OV_OK);
	assert_int_equal(ov_store_terms_end(tx, terms.low, terms.high), OV_OK);
	check_usage(1, true);
	check_usage(2, true);
	ov_terms_bytes_free(&text);
}

#define DAYS(n) ((int64_t)(n)*86400)

static struct ov_ledger
ledger_at(const struct ov_charge *pair, int64_t now, const uint8_t *except)
{
	const struct ov_ledger_query q = { .low = pair->low,
		.high = pair->high,
		.except = except,
		.now = now,
		.epsilon = 333,
		.year_epsilon = 999 };
	struct ov_ledger l;

	assert_int_equal(ov_store_ledger(tx, &l, &q), OV_OK);
	return l;
}

static void
ledger_sums_what_was_charged(void **state)
{
	struct ov_charge c = { .slots = { 1024, 2048 } }, got;
	struct ov_ledger l;

	(void)state;
	memset(c.low, 1, OV_ID);
	memset(c.high, 2, OV_ID);
	begin();
	for (uint8_t i = 0; i < 3; i++) { /* days 1, 11, 21; each charged twice */
		memset(c.job, i, OV_ID);
		c.at = DAYS(1 + 10 * i);
		c.epsilon[0] = i == 1 ? 333 : 0;
		assert_int_equal(ov_store_charge(tx, &c), OV_OK);
		c.epsilon[0] = 999; /* what was charged first stays */
		assert_int_equal(ov_store_charge(tx, &c), OV_OK);
	}
	l = ledger_at(&c, DAYS(32), NULL);
	assert_int_equal(l.runs_30d, 2);
	assert_int_equal(l.slots[0], 3 * 1024);
	assert_int_equal(l.slots_30d[1], 2 * 2048);
	assert_int_equal(l.epsilon_365d[0], 333);
	assert_int_equal(l.epsilon_365d[1], 0);
	assert_int_equal(l.views[0].last, DAYS(11));
	assert_int_equal(l.views[1].last, 0);
	l = ledger_at(&c, DAYS(32), id_of(1));
	assert_int_equal(l.runs_30d, 1);
	assert_int_equal(l.views[0].last, 0);
	assert_int_equal(ov_store_charged(tx, &got, id_of(1)), OV_OK);
	assert_int_equal(got.at, DAYS(11));
	assert_int_equal(got.epsilon[0], 333);
	assert_int_equal(got.slots[1], 2048);
	assert_memory_equal(got.high, c.high, OV_ID);
	assert_int_equal(ov_store_charged(tx, &got, id_of(9)), OV_E_NOT_FOUND);
	memcpy(c.low, id_of(2), OV_ID);
	l = ledger_at(&c, DAYS(32), NULL);
	assert_int_equal(l.runs_30d, 0);
}

/* Three views of 333 fill 999: the next is due when the oldest of three is a year old. */
static void
ledger_knows_when_a_year_is_full(void **state)
{
	struct ov_charge c = { .slots = { 1024, 2048 } };

	(void)state;
	memset(c.low, 1, OV_ID);
	memset(c.high, 2, OV_ID);
	begin();
	for (uint8_t i = 0; i < 5; i++) { /* days 10, 110, 210 ...: the third has none */
		memset(c.job, i, OV_ID);
		c.at = DAYS(10 + 100 * i);
		c.epsilon[1] = i == 2 ? 0 : 333;
		assert_int_equal(ov_store_charge(tx, &c), OV_OK);
		assert_int_equal(
		    ledger_at(&c, c.at, NULL).views[1].full, i < 3    ? 0
							     : i == 3 ? DAYS(10)
								      : DAYS(110));
	}
	assert_int_equal(ledger_at(&c, DAYS(410), NULL).views[0].full, 0);
	assert_int_equal(ledger_at(&c, DAYS(410), id_of(3)).views[1].full, 0);
	assert_int_equal(ledger_at(&c, DAYS(474), NULL).views[1].full, DAYS(110));
	assert_int_equal(ledger_at(&c, DAYS(475), NULL).views[1].full, 0);
}

static void
kill_inside_a_fact_loses_nothing_acknowledged(void **state)
{
	struct ov_job j = job(5, 1, 2), got;
	struct ov_log_leaf leaf;
	uint64_t size;
	int status;
	pid_t pid;

	(void)state;
	ov_store_close(store);
	store = NULL;
	pid = fork();
	if (pid == 0) {
		if (ov_store_open(&store, path) != OV_OK ||
		    ov_tx_begin(&tx, store) != OV_OK ||
		    ov_store_job_add(tx, &j) != OV_OK ||
		    ov_store_log_append(tx, &leaf, OV_LEAF_PROPOSED, OV_LITERAL("x")) !=
			OV_OK ||
		    ov_tx_commit(&tx, "test") != OV_OK ||
		    ov_tx_begin(&tx, store) != OV_OK ||
		    ov_store_log_append(tx, &leaf, OV_LEAF_ACCEPTED, OV_LITERAL("y")) !=
			OV_OK)
			_exit(1);
		j.state = OV_JOB_ACCEPTED;
		if (ov_store_job_update(tx, &j) != OV_OK)
			_exit(1);
		raise(SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(ov_store_open(&store, path), OV_OK);
	begin();
	assert_int_equal(ov_store_job(tx, &got, j.id), OV_OK);
	assert_int_equal(got.state, OV_JOB_PROPOSED);
	assert_int_equal(ov_store_log_size(tx, &size), OV_OK);
	assert_int_equal(size, 1);
}

static void
backup_opens_as_a_store(void **state)
{
	struct ov_company c = company(1, "Acme"), got;
	struct ov_store *copy;
	char to[120];

	(void)state;
	begin();
	assert_int_equal(ov_store_company_add(tx, &c), OV_OK);
	commit();
	snprintf(to, sizeof(to), "%s/copy.db", dir);
	begin(); /* a writer is at work, and so is a handshake */
	pthread_mutex_lock(&store->looking);
	assert_int_equal(ov_store_backup(store, to), OV_OK);
	pthread_mutex_unlock(&store->looking);
	ov_tx_end(&tx);
	assert_int_equal(ov_store_open(&copy, to), OV_OK);
	assert_int_equal(
	    ov_store_company_of_certificate(copy, &got, c.fingerprint), OV_OK);
	ov_store_close(copy);
}

/* Waits for its turn and takes note of it. */
static void *
take_one_turn(void *was_served)
{
	struct ov_tx *own = NULL;

	if (ov_tx_begin(&own, store) == OV_OK)
		*(bool *)was_served = true; /* under the turn */
	ov_tx_end(&own);
	return NULL;
}

static void
who_waits_is_next(void **state)
{
	bool was_served = false, waits = false;
	pthread_t other;

	(void)state;
	for (int i = 0; i < 20; i++) {
		was_served = waits = false;
		begin();
		assert_int_equal(
		    pthread_create(&other, NULL, take_one_turn, &was_served), 0);
		while (!waits) {
			pthread_mutex_lock(&store->mx);
			waits = store->next == store->now + 2;
			pthread_mutex_unlock(&store->mx);
			sched_yield();
		}
		assert_false(was_served);
		ov_tx_end(&tx);
		begin(); /* at once again, but not before the other */
		assert_true(was_served);
		ov_tx_end(&tx);
		assert_int_equal(pthread_join(other, NULL), 0);
	}
}

static void
log_id_is_kept(void **state)
{
	uint8_t id[OV_ID];

	(void)state;
	begin();
	assert_int_equal(ov_store_log_id(tx, id), OV_E_NOT_FOUND);
	assert_int_equal(ov_store_set_log_id(tx, id_of(3)), OV_OK);
	assert_int_equal(ov_store_set_log_id(tx, id_of(4)), OV_OK);
	assert_int_equal(ov_store_log_id(tx, id), OV_OK);
	assert_memory_equal(id, id_of(4), OV_ID);
}

#define WITH_STORE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_STORE(rollback_leaves_nothing),
		WITH_STORE(company_is_found_every_way_and_not_doubled),
		WITH_STORE(removed_company_frees_its_name),
		WITH_STORE(token_works_once_and_keeps_its_reply),
		WITH_STORE(log_leaf_is_provable_in_later_trees),
		WITH_STORE(mail_is_kept_in_order_until_dropped),
		WITH_STORE(terms_in_force_are_the_greatest_signed_by_both),
		WITH_STORE(jobs_are_listed_by_party_and_deadline),
		WITH_STORE(first_step_wins),
		WITH_STORE(chunks_come_in_order_and_go_with_the_job),
		WITH_STORE(ledger_sums_what_was_charged),
		WITH_STORE(ledger_knows_when_a_year_is_full),
		WITH_STORE(kill_inside_a_fact_loses_nothing_acknowledged),
		WITH_STORE(backup_opens_as_a_store),
		WITH_STORE(who_waits_is_next),
		WITH_STORE(usage_is_the_sum_of_what_is_stored),
		WITH_STORE(log_id_is_kept),
	};

	if (ov_crypto_init() != OV_OK)
		return 1;
	return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
