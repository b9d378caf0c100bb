/* The session: one answer or one failure for every call, and a log that may only grow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include "client/hold.h"
#include "client/session.h"
#include "fake_broker.h"

#define TIMEOUT_MS 30000 /* a failure's limit, not a time that is waited */

static struct fake_broker broker;
static struct ov_home *home;
static struct ov_session *session;
static struct ov_buf owner;

static int
setup(void **state)
{
	if (site_setup(state) != 0)
		return -1;
	fake_start(&broker);
	home = fake_home(&broker, "Acme");
	return ov_session_open(&session, home) == OV_OK ? 0 : -1;
}

static int
teardown(void **state)
{
	ov_session_close(session);
	ov_home_close(home);
	fake_stop(&broker);
	ov_buf_free(&owner);
	session = NULL;
	return site_teardown(state);
}

static void
reopen(void)
{
	ov_session_close(session);
	assert_int_equal(ov_session_open(&session, home), OV_OK);
}

/* --- calls --- */

static enum ov_status
put_chunk(unsigned int index)
{
	struct ov_msg_put_chunk m = { .stream = 1, .index = index };
	struct ov_msg_done done;

	return ov_session_call(
	    session, OV_MSG_PUT_CHUNK, &m, OV_MSG_DONE, &done, &owner, TIMEOUT_MS);
}

static void
answers_and_reconnects_for_every_lost_connection(void **state)
{
	(void)state;
	assert_int_equal(put_chunk(1), OV_OK);
	assert_int_equal(broker.hellos, 1);
	for (unsigned int i = 0; i < 3; i++) {
		broker.drop = 2;
		assert_int_equal(put_chunk(2), OV_OK);
		assert_int_equal(broker.drop, 0);
	}
	assert_int_equal(broker.hellos, 7);
	assert_int_equal(broker.chunks[2], 3);
}

static void
survives_a_restart_of_the_broker(void **state)
{
	(void)state;
	assert_int_equal(put_chunk(1), OV_OK);
	fake_down(&broker);
	fake_up(&broker);
	assert_int_equal(put_chunk(2), OV_OK);
	assert_int_equal(broker.chunks[2], 1);
}

static void
gives_up_on_a_broker_that_stays_away(void **state)
{
	(void)state;
	ov_session_set_patience(session, 300);
	fake_down(&broker);
	assert_int_equal(put_chunk(1), OV_E_NET_UNREACHABLE);
	fake_up(&broker);
	assert_int_equal(put_chunk(1), OV_OK);
}

static void
passes_on_what_the_broker_says(void **state)
{
	static const struct {
		const char *said;
		enum ov_status heard;
	} errors[] = { { "E_BROKER_WAIT", OV_E_BROKER_WAIT },
		{ "E_BROKER_DENIED", OV_E_BROKER_DENIED },
		{ "E_DB_CONFLICT", OV_E_DB_CONFLICT },
		{ "E_PROTO_EQUIVOCATION", OV_E_PROTO_EQUIVOCATION },
		{ "E_DB_FAILED", OV_E_BROKER_FAILED }, { "E_BUG", OV_E_BROKER_FAILED },
		{ "E_NOT_YET_INVENTED", OV_E_BROKER_FAILED },
		{ "OK", OV_E_PROTO_UNEXPECTED },
		{ "E_CRYPTO_OPEN", OV_E_PROTO_UNEXPECTED },
		{ "E_PSI_POINT", OV_E_PROTO_UNEXPECTED },
		{ "E_PROTO_MISBEHAVED", OV_E_PROTO_UNEXPECTED } };

	(void)state;
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		broker.error = errors[i].said;
		broker.errors = 1;
		assert_int_equal(put_chunk(1), errors[i].heard);
	}
	assert_int_equal(broker.hellos, 1);
}

static void
waits_out_a_limit_that_passes(void **state)
{
	(void)state;
	broker.error = "E_NET_LIMIT";
	broker.retry_ms = 1;
	broker.errors = 3;
	assert_int_equal(put_chunk(1), OV_OK);
	assert_int_equal(broker.errors, 0);
	broker.retry_ms = 3600000; /* beyond all patience */
	broker.errors = 1;
	assert_int_equal(put_chunk(1), OV_E_NET_LIMIT);
}

static void
another_message_than_expected_is_refused(void **state)
{
	struct ov_msg_get_head m = { 0 };
	struct ov_msg_done done;

	(void)state;
	assert_int_equal(ov_session_call(session, OV_MSG_GET_HEAD, &m, OV_MSG_DONE, &done,
			     &owner, TIMEOUT_MS),
	    OV_E_PROTO_UNEXPECTED);
}

static void
many_chunks_under_way_survive_lost_connections(void **state)
{
	struct ov_pending *p[OV_SESSION_PENDING_MAX] = { NULL }, *more;
	struct ov_msg_put_chunk m = { .stream = 1 };
	struct ov_msg_done done;

	(void)state;
	assert_int_equal(put_chunk(63), OV_OK);
	broker.drop = 5;
	for (unsigned int i = 0; i < OV_SESSION_PENDING_MAX; i++) {
		m.index = i;
		assert_int_equal(
		    ov_session_start(&p[i], session, OV_MSG_PUT_CHUNK, &m), OV_OK);
	}
	assert_int_equal(
	    ov_session_start(&more, session, OV_MSG_PUT_CHUNK, &m), OV_E_BUG);
	for (unsigned int i = 0; i < OV_SESSION_PENDING_MAX; i++) {
		assert_int_equal(ov_session_wait(session, &p[i], OV_MSG_DONE, &done,
				     &owner, TIMEOUT_MS),
		    OV_OK);
		assert_null(p[i]);
		assert_int_equal(done.seq, i);
		assert_true(broker.chunks[i] >= 1);
	}
	assert_int_equal(broker.drop, 0);
}

static void
started_calls_may_be_forgotten(void **state)
{
	struct ov_pending *p[2];
	struct ov_msg_put_chunk m = { .stream = 1 };

	(void)state;
	assert_int_equal(put_chunk(1), OV_OK);
	assert_int_equal(ov_session_start(&p[0], session, OV_MSG_PUT_CHUNK, &m), OV_OK);
	assert_int_equal(ov_session_start(&p[1], session, OV_MSG_PUT_CHUNK, &m), OV_OK);
	ov_session_forget(session, p[0]);
	assert_int_equal(put_chunk(2), OV_OK); /* p[1] is left for ov_session_close */
}

static void
another_version_is_said_clearly(void **state)
{
	(void)state;
	broker.lie = LIE_VERSION;
	assert_int_equal(put_chunk(1), OV_E_BROKER_VERSION);
}

static void
stops_when_it_is_cancelled(void **state)
{
	atomic_bool cancel = true;

	(void)state;
	fake_down(&broker);
	ov_session_cancel_on(session, &cancel);
	assert_int_equal(put_chunk(1), OV_E_CANCELLED);
}

/* --- the log --- */

static enum ov_status
put_step(const char *body)
{
	struct ov_msg_put_step m = { .step = 1,
		.body = OV_BYTES(body, strlen(body)),
		.seen = ov_session_seen(session) };
	struct ov_msg_proven proven;
	enum ov_status st;

	st = ov_session_call(
	    session, OV_MSG_PUT_STEP, &m, OV_MSG_PROVEN, &proven, &owner, TIMEOUT_MS);
	if (st != OV_OK)
		return st;
	return ov_session_check_proven(session, OV_LEAF_PROPOSED, m.body, &proven);
}

static void
remembers_a_log_that_grows(void **state)
{
	struct ov_bytes head, signature;

	(void)state;
	assert_int_equal(ov_session_seen(session), 0);
	for (unsigned int i = 1; i <= 20; i++) {
		assert_int_equal(put_step("step"), OV_OK);
		assert_int_equal(ov_session_seen(session), i);
	}
	ov_session_head(session, &head, &signature);
	assert_int_equal(signature.len, 64);
	assert_int_equal(
	    ov_verify_vartime(signature.p, site_log_pk, "head", head), OV_OK);
	reopen();
	assert_int_equal(ov_session_seen(session), 20);
	assert_int_equal(put_step("step"), OV_OK);
	assert_int_equal(ov_session_refresh(session), OV_OK);
	assert_int_equal(ov_hold_check(home, NULL), OV_OK);
}

/* A call that is repeated after a reconnect still names the size of before. */
static void
a_repeated_step_is_no_rollback(void **state)
{
	(void)state;
	assert_int_equal(put_step("step"), OV_OK);
	for (int i = 0; i < 5; i++)
		fake_append(&broker, OV_LEAF_CLOSED, OV_BYTES("of others", 9));
	broker.drop = 2;
	assert_int_equal(put_step("step"), OV_OK);
	assert_int_equal(ov_session_seen(session), 7);
	assert_int_equal(ov_hold_check(home, NULL), OV_OK);
}

static void
grow(unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		assert_int_equal(put_step("step"), OV_OK);
}

static void
every_lie_about_the_log_is_found_and_held(void **state)
{
	static const struct {
		enum lie lie;
		enum ov_status found;
	} lies[] = { { LIE_SMALLER, OV_E_LOG_ROLLBACK }, { LIE_FORK, OV_E_LOG_ROLLBACK },
		{ LIE_SIGNATURE, OV_E_LOG_PROOF }, { LIE_LOG, OV_E_LOG_IDENTITY },
		{ LIE_PROOF, OV_E_LOG_PROOF }, { LIE_CONSISTENCY, OV_E_LOG_ROLLBACK },
		{ LIE_SALT, OV_E_LOG_PROOF }, { LIE_TYPE, OV_E_LOG_PROOF } };

	(void)state;
	grow(5);
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		uint64_t before = ov_session_seen(session);

		broker.lie = lies[i].lie;
		assert_int_equal(put_step("step"), lies[i].found);
		assert_int_equal(ov_session_seen(session), before);
		assert_int_equal(site_count(home, "hold"), 1);
		assert_int_equal(ov_hold_check(home, NULL), lies[i].found);
		assert_int_equal(ov_hold_clear(home, (int64_t)i + 1, false), OV_OK);
		broker.lie = LIE_NONE; /* and the pin still fits the honest log */
		assert_int_equal(put_step("step"), OV_OK);
	}
}

static void
a_lie_in_the_greeting_is_found(void **state)
{
	(void)state;
	grow(4);
	broker.lie = LIE_SMALLER;
	reopen();
	assert_int_equal(put_chunk(1), OV_E_LOG_ROLLBACK);
	assert_int_equal(broker.chunks[1], 0);
	assert_int_equal(ov_hold_check(home, NULL), OV_E_LOG_ROLLBACK);
}

static void
a_hold_outlives_the_process(void **state)
{
	struct ov_home_options o = { .key_fd = -1 };
	char path[128];

	(void)state;
	grow(4);
	broker.lie = LIE_FORK;
	assert_int_equal(put_step("step"), OV_E_LOG_ROLLBACK);
	snprintf(path, sizeof(path), "%s/Acme", site_dir);
	o.path = path;
	ov_session_close(session);
	session = NULL;
	ov_home_close(home);
	assert_int_equal(ov_home_open(&home, &o), OV_OK);
	assert_int_equal(ov_hold_check(home, NULL), OV_E_LOG_ROLLBACK);
}

static void
a_new_log_is_taken_only_when_a_person_says_so(void **state)
{
	(void)state;
	grow(3);
	broker.lie = LIE_LOG;
	assert_int_equal(put_step("step"), OV_E_LOG_IDENTITY);
	assert_int_equal(ov_hold_clear(home, 1, false), OV_OK);
	reopen();
	assert_int_equal(put_step("step"), OV_E_LOG_IDENTITY);
	assert_int_equal(ov_hold_clear(home, 2, true), OV_OK);
	reopen();
	assert_int_equal(put_step("step"), OV_OK);
	assert_int_equal(put_step("step"), OV_OK);
	assert_int_equal(ov_hold_check(home, NULL), OV_OK);
	assert_int_equal(home->broker.log[0], 8);
}

/* Two processes of one home see the log grow at different times. */
static void
sessions_of_one_home_agree_on_the_log(void **state)
{
	struct ov_session *first = session, *second;

	(void)state;
	assert_int_equal(ov_session_open(&second, home), OV_OK);
	grow(2);
	session = second;
	grow(3); /* the stored pin was moved by `first` */
	session = first;
	grow(1);
	assert_int_equal(ov_session_seen(first), 6);
	session = second;
	broker.lie = LIE_NO_PROOF_OF_GROWTH;
	assert_int_equal(put_step("step"), OV_E_LOG_ROLLBACK);
	session = first;
	ov_session_close(second);
}

static void
a_partners_head_is_of_our_tree_or_all_stops(void **state)
{
	struct fake_head early, late, forked, newer;

	(void)state;
	grow(3);
	fake_head(&early, &broker, 0);
	grow(3);
	fake_head(&late, &broker, 0);
	broker.lie = LIE_FORK;
	fake_head(&forked, &broker, 0);
	broker.lie = LIE_NONE;
#define CHECK(h)                                                                         \
	ov_session_check_partner_head(                                                   \
	    session, OV_BYTES((h).bytes, (h).len), (h).signature)
	assert_int_equal(CHECK(early), OV_OK);
	assert_int_equal(CHECK(late), OV_OK);
	fake_append(&broker, OV_LEAF_CLOSED, OV_BYTES("of others", 9));
	fake_head(&newer, &broker, 0);
	assert_int_equal(CHECK(newer), OV_OK);
	/* what the log key did not sign is the partner's fault alone */
	late.signature[0] ^= 1;
	assert_int_equal(CHECK(late), OV_E_PROTO_MISMATCH);
	assert_int_equal(
	    ov_session_check_partner_head(session, OV_BYTES(NULL, 0), late.signature),
	    OV_E_PROTO_MISMATCH);
	assert_int_equal(ov_hold_check(home, NULL), OV_OK);
	assert_int_equal(CHECK(forked), OV_E_LOG_ROLLBACK);
	assert_int_equal(ov_hold_check(home, NULL), OV_E_LOG_ROLLBACK);
}

/* Of another size the roots cannot be compared: only the proof tells. */
static void
a_partners_head_of_a_fork_is_found_at_any_size(void **state)
{
	struct fake_head forked[2];

	(void)state;
	grow(3);
	broker.lie = LIE_FORK;
	fake_head(&forked[0], &broker, 0);
	broker.lie = LIE_NONE;
	grow(3);
	fake_append(&broker, OV_LEAF_CLOSED, OV_BYTES("of others", 9));
	broker.lie = LIE_FORK;
	fake_head(&forked[1], &broker, 0);
	broker.lie = LIE_NONE;
	for (int i = 0; i < 2; i++) { /* smaller than what was seen, and larger */
		assert_int_equal(CHECK(forked[i]), OV_E_LOG_ROLLBACK);
		assert_int_equal(ov_hold_check(home, NULL), OV_E_LOG_ROLLBACK);
	}
}

static void
hosts_are_read_from_addresses(void **state)
{
	char host[OV_ADDRESS_MAX + 1];

	(void)state;
	assert_int_equal(ov_address_host(host, "broker.example:7440"), OV_OK);
	assert_string_equal(host, "broker.example");
	assert_int_equal(ov_address_host(host, "[::1]:7440"), OV_OK);
	assert_string_equal(host, "::1");
	assert_int_equal(ov_address_host(host, "broker.example"), OV_E_NET_ADDRESS);
	assert_int_equal(ov_address_host(host, ":7440"), OV_E_NET_ADDRESS);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(answers_and_reconnects_for_every_lost_connection),
		T(survives_a_restart_of_the_broker),
		T(gives_up_on_a_broker_that_stays_away),
		T(passes_on_what_the_broker_says),
		T(waits_out_a_limit_that_passes),
		T(another_message_than_expected_is_refused),
		T(many_chunks_under_way_survive_lost_connections),
		T(started_calls_may_be_forgotten),
		T(another_version_is_said_clearly),
		T(stops_when_it_is_cancelled),
		T(remembers_a_log_that_grows),
		T(a_repeated_step_is_no_rollback),
		T(every_lie_about_the_log_is_found_and_held),
		T(a_lie_in_the_greeting_is_found),
		T(a_hold_outlives_the_process),
		T(a_new_log_is_taken_only_when_a_person_says_so),
		T(sessions_of_one_home_agree_on_the_log),
		T(a_partners_head_is_of_our_tree_or_all_stops),
		T(a_partners_head_of_a_fork_is_found_at_any_size),
		cmocka_unit_test(hosts_are_read_from_addresses),
	};

	return cmocka_run_group_tests_name("session", tests, NULL, NULL);
}
