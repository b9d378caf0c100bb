/* A partner's changed identity: what is believed, and that all that is kept of it moves.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include "client/identity.h"
#include "client/mail.h"
#include "client/partner.h"
#include "common/crypto/memory.h"
#include "fake_broker.h"
#include "proto/keys.h"
#include "proto/steps.h"

static struct fake_broker broker;
static struct ov_home *home;
static struct ov_session *session;

/* The partner: its keys before and after, and what the broker says of it. */
static struct keys {
	uint8_t identity[32], sk[64], company[OV_ID];
} old, next;
static uint8_t envelope[32];
static struct ov_msg_company known;
static bool knows;

/* The open job, at the broker: a CANCEL of it comes too late. */
static enum ov_job_state job_state; /* OV_JOB_NONE: it does not know it */
static unsigned int cancels;

static void
answer_about_job(struct ov_buf *reply, enum ov_msg type)
{
	struct ov_msg_job job = { .state = job_state };

	if (type == OV_MSG_PUT_STEP) {
		cancels++;
		job_state = OV_JOB_REPORTED;
		fake_error(reply, "E_PROTO_UNEXPECTED", 0);
	} else if (ov_msg_encode(reply, OV_MSG_JOB, &job) != OV_OK) {
		abort();
	}
}

/* Mail that the broker has: a statement of `next`, then proposals of it, or in the place
 * of the last one the end of the partnership. */
static struct ov_buf first_mail;
static uint64_t n_mails;
static bool ends;

static void
answer_mail(struct ov_buf *reply, struct ov_bytes in)
{
	static uint8_t job[OV_ID];
	struct ov_msg_get_mail get;
	struct ov_msg_mail mail = { .kind = OV_MAIL_IDENTITY,
		.body = OV_BUF_BYTES(&first_mail) };

	if (ov_msg_decode(&get, OV_MSG_GET_MAIL, in) != OV_OK)
		abort();
	mail.seq = get.after + 1;
	memcpy(mail.from, next.company, OV_ID);
	memcpy(mail.mail, &mail.seq, sizeof(mail.seq));
	if (mail.seq > 1) {
		mail.kind = ends && mail.seq == n_mails ? OV_MAIL_TERMS_END : OV_MAIL_JOB;
		mail.body = OV_BYTES(job, sizeof(job));
	}
	if (mail.seq > n_mails)
		fake_error(reply, "E_BROKER_WAIT", 0);
	else if (ov_msg_encode(reply, OV_MSG_MAIL, &mail) != OV_OK)
		abort();
}

static void
answer(void *arg, struct ov_buf *reply, struct ov_bytes in, const uint8_t fingerprint[32])
{
	enum ov_msg type = ov_msg_type(in);

	(void)arg;
	(void)fingerprint;
	if ((type == OV_MSG_GET_JOB || type == OV_MSG_PUT_STEP) &&
	    job_state != OV_JOB_NONE) {
		answer_about_job(reply, type);
		return;
	}
	if (type == OV_MSG_GET_MAIL) {
		answer_mail(reply, in);
		return;
	}
	if (type == OV_MSG_DROP_MAIL) {
		if (ov_msg_encode(reply, OV_MSG_DONE, &(struct ov_msg_done){ 0 }) !=
		    OV_OK)
			abort();
		return;
	}
	if (ov_msg_type(in) == OV_MSG_WHO && knows) {
		if (ov_msg_encode(reply, OV_MSG_COMPANY, &known) != OV_OK)
			abort();
		return;
	}
	fake_error(reply, "E_BROKER_UNKNOWN", 0);
}

static void
draw(struct keys *k)
{
	ov_sign_keypair(k->identity, k->sk);
	ov_company_id(k->company, k->identity);
}

static void
put_partner(const struct keys *k, enum ov_partner_state state, uint64_t paired)
{
	struct ov_partner p = { .name = "Acme", .state = state, .paired = paired };

	memcpy(p.company, k->company, OV_ID);
	memcpy(p.identity, k->identity, 32);
	memset(p.envelope, 1, 32);
	assert_int_equal(ov_db_begin(home->db), OV_OK);
	assert_int_equal(ov_partner_put(home, &p), OV_OK);
	assert_int_equal(ov_db_commit(home->db, "test"), OV_OK);
}

static void
be_known(const struct keys *k)
{
	known = (struct ov_msg_company){ .name = OV_LITERAL("Other") };
	memcpy(known.identity, k->identity, 32);
	memcpy(known.envelope, envelope, 32);
	knows = true;
}

static int
setup(void **state)
{
	if (site_setup(state) != 0)
		return -1;
	fake_start(&broker);
	broker.extra = answer;
	broker.extra_steps = true;
	home = fake_home(&broker, "Globex");
	if (ov_session_open(&session, home) != OV_OK)
		return -1;
	draw(&old);
	draw(&next);
	memset(envelope, 9, 32);
	be_known(&next);
	put_partner(&old, OV_PARTNER_PAIRED, ov_home_now(home) - 100);
	job_state = OV_JOB_NONE;
	cancels = 0;
	n_mails = 0;
	ends = false;
	return 0;
}

static int
teardown(void **state)
{
	ov_session_close(session);
	ov_home_close(home);
	fake_stop(&broker);
	return site_teardown(state);
}

/* The mail by which `from` says that it is `to` now. */
static struct ov_buf
statement(const struct keys *from, const struct keys *to, uint64_t created)
{
	struct ov_msg_identity_change m = { .version = OV_PROTOCOL_VERSION,
		.created = created };
	struct ov_buf mail = { 0 };
	uint8_t signature[64];

	memcpy(m.old_identity, from->identity, 32);
	memcpy(m.identity, to->identity, 32);
	memcpy(m.envelope, envelope, 32);
	assert_int_equal(ov_msg_encode(&mail, OV_MSG_IDENTITY_CHANGE, &m), OV_OK);
	ov_sign(signature, from->sk, "identity", OV_BUF_BYTES(&mail));
	assert_int_equal(ov_buf_append(&mail, signature, 64), OV_OK);
	assert_int_equal(ov_buf_append(&mail, home->company, OV_ID), OV_OK);
	return mail;
}

static enum ov_status
take(const struct keys *from, const struct keys *to, uint64_t created)
{
	struct ov_buf mail = statement(from, to, created);
	enum ov_status st =
	    ov_identity_take(home, session, to->company, OV_BUF_BYTES(&mail));

	ov_buf_free(&mail);
	return st;
}

static void
assert_partner(const struct keys *k)
{
	struct ov_partner p;

	assert_int_equal(ov_partner_find(&p, home, "Acme"), OV_OK);
	assert_memory_equal(p.company, k->company, OV_ID);
	assert_memory_equal(p.identity, k->identity, 32);
}

static void
a_good_statement_moves_the_partner_once(void **state)
{
	uint64_t now = ov_home_now(home), at;
	struct ov_partner p;
	int64_t n;

	(void)state;
	assert_int_equal(take(&old, &next, now), OV_OK);
	assert_partner(&next);
	assert_int_equal(ov_partner_get(&p, home, next.company), OV_OK);
	assert_memory_equal(p.envelope, envelope, 32);
	assert_string_equal(p.name, "Acme"); /* what was paired, not the broker's word */
	assert_int_equal(ov_identity_since(&at, home, next.company), OV_OK);
	assert_true(at >= now);
	assert_int_equal(take(&old, &next, now), OV_OK); /* known */
	assert_int_equal(
	    ov_db_number(&n, home->db, "SELECT count(*) FROM partner_past"), OV_OK);
	assert_int_equal(n, 1);
	assert_int_equal(take(&old, &next, now + 1), OV_E_PARTNER_UNPAIRED);
}

static void
changes_follow_each_other_in_time(void **state)
{
	uint64_t now = ov_home_now(home);
	struct keys third;

	(void)state;
	draw(&third);
	assert_int_equal(take(&old, &next, now), OV_OK);
	be_known(&third);
	assert_int_equal(take(&next, &third, now), OV_E_IDENTITY_OLD);
	assert_partner(&next);
	assert_int_equal(take(&next, &third, now + 1), OV_OK);
	assert_partner(&third);
	be_known(&old); /* paired anew in its first name: what it said before is old */
	put_partner(&old, OV_PARTNER_PAIRED, now + 1000);
	be_known(&next);
	assert_int_equal(take(&old, &next, now), OV_E_IDENTITY_OLD);
	assert_int_equal(take(&old, &next, now + 2), OV_E_IDENTITY_OLD);
}

static void
time_and_company_must_fit(void **state)
{
	uint64_t now = ov_home_now(home);
	struct ov_buf mail = statement(&old, &next, now);

	(void)state;
	assert_int_equal(take(&old, &next, now + 1000), OV_E_PROTO_CLOCK);
	assert_int_equal(take(&old, &next, now - 1000), OV_E_IDENTITY_OLD);
	assert_int_equal(take(&old, &old, now), OV_E_PROTO_MISMATCH);
	/* sent by somebody else; for somebody else */
	assert_int_equal(
	    ov_identity_take(home, session, old.company, OV_BUF_BYTES(&mail)),
	    OV_E_PROTO_MISMATCH);
	mail.p[mail.len - 1] ^= 1;
	assert_int_equal(
	    ov_identity_take(home, session, next.company, OV_BUF_BYTES(&mail)),
	    OV_E_PROTO_MISMATCH);
	assert_partner(&old);
	ov_buf_free(&mail);
}

static void
only_the_old_identity_can_say_it(void **state)
{
	uint64_t now = ov_home_now(home);
	struct ov_buf mail = statement(&old, &next, now);
	struct keys thief = old;
	enum ov_status st;

	(void)state;
	memcpy(thief.sk, next.sk, 64);
	assert_int_equal(take(&thief, &next, now), OV_E_CRYPTO_SIGNATURE);
	draw(&thief);
	assert_int_equal(take(&thief, &next, now), OV_E_PARTNER_UNPAIRED);
	for (size_t i = 0; i < mail.len; i++) {
		mail.p[i] ^= 1;
		st = ov_identity_take(home, session, next.company, OV_BUF_BYTES(&mail));
		mail.p[i] ^= 1;
		assert_int_not_equal(st, OV_OK);
		st = ov_identity_take(home, session, next.company, OV_BYTES(mail.p, i));
		assert_int_not_equal(st, OV_OK);
	}
	assert_partner(&old);
	ov_buf_free(&mail);
}

static void
the_broker_must_know_exactly_these_keys(void **state)
{
	uint64_t now = ov_home_now(home);

	(void)state;
	knows = false;
	assert_int_equal(take(&old, &next, now), OV_E_IDENTITY_UNKNOWN);
	be_known(&old);
	assert_int_equal(take(&old, &next, now), OV_E_IDENTITY_UNKNOWN);
	be_known(&next);
	known.envelope[0] ^= 1;
	assert_int_equal(take(&old, &next, now), OV_E_IDENTITY_UNKNOWN);
	assert_partner(&old);
}

static void
an_end_and_another_pairing_stay(void **state)
{
	uint64_t now = ov_home_now(home);

	(void)state;
	put_partner(&next, OV_PARTNER_PAIRED, now - 50);
	assert_int_equal(take(&old, &next, now), OV_E_PROTO_MISMATCH);
	put_partner(&old, OV_PARTNER_ENDED, now - 100);
	assert_int_equal(take(&old, &next, now), OV_E_PARTNER_UNPAIRED);
}

/* --- the open job --- */

static void
open_job(uint64_t expiry)
{
	assert_int_equal(ov_db_begin(home->db), OV_OK);
	assert_int_equal(
	    ov_db_run(home->db,
		"INSERT OR REPLACE INTO job(id, partner, role, state, created,"
		" expiry, slots, tokens, records, list_digest,"
		" commitment_random, terms_sequence, generation, profile)"
		" VALUES (?, ?, 0, ?, 1, ?, 1024, 1, 1, zeroblob(64),"
		" zeroblob(32), 1, 1, zeroblob(64))",
		OV_DB_BLOB(old.company, OV_ID), OV_DB_BLOB(old.company, OV_ID),
		OV_DB_I64(OV_JOB_EXCHANGING), OV_DB_I64(expiry)),
	    OV_OK);
	assert_int_equal(ov_db_commit(home->db, "test"), OV_OK);
}

static enum ov_job_state
state_of_job(void)
{
	int64_t n;

	assert_int_equal(ov_db_number(&n, home->db, "SELECT state FROM job"), OV_OK);
	return (enum ov_job_state)n;
}

static void
a_report_that_is_not_read_yet_comes_first(void **state)
{
	uint64_t now = ov_home_now(home);

	(void)state;
	open_job(now + 3600);
	job_state = OV_JOB_REPORTED;
	assert_int_equal(take(&old, &next, now), OV_E_JOB_WAITING);
	assert_int_equal(cancels, 0);
	/* made while this side says that it gives the job up */
	job_state = OV_JOB_EXCHANGING;
	assert_int_equal(take(&old, &next, now), OV_E_JOB_WAITING);
	assert_int_equal(cancels, 1);
	assert_int_equal(state_of_job(), OV_JOB_EXCHANGING);
	assert_partner(&old);
	/* not longer than any broker may have it */
	open_job(now - 11 * 86400);
	assert_int_equal(take(&old, &next, now), OV_OK);
	assert_partner(&next);
	assert_int_equal(state_of_job(), OV_JOB_CANCELLED);
}

static void
a_job_that_is_over_at_the_broker_ends(void **state)
{
	uint64_t now = ov_home_now(home);

	(void)state;
	open_job(now + 3600);
	job_state = OV_JOB_EXPIRED;
	assert_int_equal(take(&old, &next, now), OV_OK);
	assert_int_equal(cancels, 0);
	assert_int_equal(state_of_job(), OV_JOB_CANCELLED);
}

static int64_t mails;

#define assert_mails(of, want)                                                           \
	do {                                                                             \
		assert_int_equal(ov_db_number(&mails, home->db,                          \
				     "SELECT count(*) FROM mail_in WHERE " of),          \
		    OV_OK);                                                              \
		assert_int_equal(mails, want);                                           \
	} while (0)

/* While a statement waits its sender's mail waits behind it: some of it. */
static void
mail_behind_a_statement_has_a_bound(void **state)
{
	(void)state;
	first_mail = statement(&old, &next, ov_home_now(home) + 3600);
	n_mails = 64;
	assert_int_equal(ov_mail_process(NULL, home, session, NULL, 0), OV_OK);
	assert_mails("body IS NOT NULL", 64); /* nothing is lost yet */
	n_mails = 300;
	ends = true; /* for which proposals leave room */
	assert_int_equal(ov_mail_process(NULL, home, session, NULL, 0), OV_OK);
	assert_mails("body IS NOT NULL AND kind = 5", 64);
	assert_mails("body IS NOT NULL AND kind <> 5", 2);
	assert_mails("reason = 'E_MAIL_LIMIT'", 100); /* to be shown */
	assert_mails("1", 166);
	assert_partner(&old);
	ov_buf_free(&first_mail);
}

static void
put_own_past(uint8_t n, const uint8_t is[32], uint64_t until)
{
	uint8_t said[48] = { n }, was[OV_ID] = { n };

	memcpy(said + 16, is, 32);
	assert_int_equal(
	    ov_db_run(home->db,
		"INSERT INTO identity_past(company, identity, envelope, name, token, "
		"until,"
		" statement) VALUES (?, zeroblob(32), zeroblob(32), 'Globex', x'', ?, ?)",
		OV_DB_BLOB(was, OV_ID), OV_DB_I64(until), OV_DB_BLOB(said, sizeof(said))),
	    OV_OK);
}

/* A clock that was set back between two changes makes no other one the last. */
static void
the_own_last_statement_is_said_again(void **state)
{
	uint64_t now = ov_home_now(home);
	struct site_mail mail = { 0 };

	(void)state;
	assert_int_equal(ov_db_begin(home->db), OV_OK);
	put_own_past(1, old.identity, now + 5000);
	put_own_past(2, home->identity, now);
	assert_int_equal(ov_db_commit(home->db, "test"), OV_OK);
	assert_int_equal(take(&old, &next, now), OV_OK);
	assert_true(site_take_mail(&mail, home));
	assert_int_equal(mail.kind, OV_MAIL_IDENTITY);
	assert_memory_equal(mail.to, next.company, OV_ID);
	assert_int_equal(mail.body.p[0], 2);
	ov_buf_free(&mail.body);
}

/* Every table with a column for a partner's company id: moved, or here with the reason.
 */
static void
no_table_is_forgotten(void **state)
{
	static const char *const known_tables[] = {
		"ask", "charge", "criteria", "ended", "ended_proof", "hold", "job",
		"match_wrong", "partner", "partner_group", "partner_past",
		"partner_profile", "pledge", "sheet", "terms",
		"identity_past",       /* own ones */
		"invitation",	       /* history of pairings */
		"mail_in", "mail_out", /* history; what is unsent goes */
	};
	struct ov_db_stmt *q;
	bool row, found;

	(void)state;
	assert_int_equal(
	    ov_db_query(&q, home->db,
		"SELECT DISTINCT m.name FROM sqlite_schema m, pragma_table_info(m.name) c"
		" WHERE m.type = 'table' AND c.name IN ('company', 'partner')"),
	    OV_OK);
	for (;;) {
		assert_int_equal(ov_db_step(q, &row), OV_OK);
		if (!row)
			break;
		found = false;
		for (size_t i = 0; i < sizeof(known_tables) / sizeof(*known_tables); i++)
			found = found || strcmp(ov_db_text(q, 0), known_tables[i]) == 0;
		if (!found)
			fail_msg("table %s does not follow a changed identity",
			    ov_db_text(q, 0));
	}
}

static void
a_process_with_the_old_keys_cannot_go_on(void **state)
{
	struct ov_home *other;

	(void)state;
	assert_int_equal(ov_home_open(&other, &home->options), OV_OK);
	assert_int_equal(ov_home_claim(other), OV_OK);
	ov_home_release(other);
	assert_int_equal(ov_db_begin(home->db), OV_OK);
	assert_int_equal(
	    ov_db_run(home->db, "UPDATE home SET identity = ?", OV_DB_BLOB(next.sk, 32)),
	    OV_OK);
	assert_int_equal(ov_db_commit(home->db, "test"), OV_OK);
	assert_int_equal(ov_home_claim(other), OV_E_HOME_CHANGED);
	ov_home_close(other);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_good_statement_moves_the_partner_once),
		T(changes_follow_each_other_in_time),
		T(time_and_company_must_fit),
		T(only_the_old_identity_can_say_it),
		T(the_broker_must_know_exactly_these_keys),
		T(an_end_and_another_pairing_stay),
		T(a_report_that_is_not_read_yet_comes_first),
		T(a_job_that_is_over_at_the_broker_ends),
		T(mail_behind_a_statement_has_a_bound),
		T(the_own_last_statement_is_said_again),
		T(no_table_is_forgotten),
		T(a_process_with_the_old_keys_cannot_go_on),
	};

	return cmocka_run_group_tests_name("identity", tests, NULL, NULL);
}
