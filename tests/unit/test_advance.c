/* How jobs end here when they end at the broker: nothing is retried for ever, nothing
 * that stands is lost, and a fault of the connection ends nothing. */
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
#include "client/hold.h"
#include "client/job/job.h"
#include "client/job/legend.h"
#include "client/job/profile.h"
#include "client/job/verdict.h"
#include "client/ledger.h"
#include "client/mail.h"
#include "client/terms_impl.h"
#include "common/psi/psi.h"
#include "fake_broker.h"
#include "proto/chunk.h"
#include "proto/slots.h"
#include "proto/steps.h"
#include "proto/terms.h"

#define MUST(cond)                                                                       \
	do {                                                                             \
		if (!(cond))                                                             \
			abort();                                                         \
	} while (0)

#define RUNS 31	    /* in 30 days, of the terms */
#define EPSILON 333 /* of a view, in thousandths */

static struct fake_broker broker;
static struct ov_home *home;
static struct ov_session *session;
static struct ov_partner partner;
static uint8_t partner_sk[64];
static const uint8_t partner_e[32] = { 7 }; /* of its ephemeral key */
static struct ov_job job;
static struct ov_buf propose, accept_body;
static struct ov_buf points[2]; /* the partner's sealed chunks; empty: none is there */

/* What the broker says. */
static struct {
	const char *put, *other; /* ERRORs; put NULL: takes the step */
	const char *put_cancel;	 /* the same, of CANCEL */
	const char *get_job;	 /* ERROR, or NULL: state */
	enum ov_job_state state;
	bool accepted_late;	    /* ACCEPT is there from the second question on */
	const char *refusal;	    /* REFUSE is there, with this reason */
	const uint8_t *refused_by;  /* secret key that signed it */
	const uint8_t *accepted_by; /* the same of ACCEPT; NULL: the partner's */
	const char *close;	    /* the partner's CLOSE is there, with this verdict */
	const uint8_t *closed_by;   /* secret key that signed it */
	unsigned int calls;	    /* that came here */
	unsigned int asked;
	/* what this home said last of the end of the job */
	unsigned int verdict_step;
	char verdict[65];
} script;

static void
reply_step(struct ov_buf *reply, unsigned int step, struct ov_bytes body,
    const uint8_t signature[64], uint64_t seen, bool with_body)
{
	struct ov_bytes parts[] = { body, OV_BYTES(signature, 64) };
	struct ov_msg_proven r = { .leaf_type = ov_step_leaf(step) };
	struct ov_msg_step s = { .step = step, .leaf_type = ov_step_leaf(step) };
	uint8_t leaf[OV_HASH_LEN];
	struct fake_proof p;
	uint64_t at;

	ov_hash_parts(leaf, parts, 2);
	at = fake_append(&broker, ov_step_leaf(step), OV_BYTES(leaf, sizeof(leaf)));
	fake_prove(&p, &broker, at, seen);
	FAKE_PROVEN_INTO(&r, &p, at);
	FAKE_PROVEN_INTO(&s, &p, at);
	s.body = body;
	memcpy(s.signature, signature, 64);
	MUST((with_body ? ov_msg_encode(reply, OV_MSG_STEP, &s)
			: ov_msg_encode(reply, OV_MSG_PROVEN, &r)) == OV_OK);
}

static void
reply_job(struct ov_buf *reply)
{
	struct ov_msg_job m = { .state = script.state };

	memcpy(m.a, partner.company, OV_ID);
	memcpy(m.b, home->company, OV_ID);
	if (script.get_job != NULL)
		fake_error(reply, script.get_job, 0);
	else
		MUST(ov_msg_encode(reply, OV_MSG_JOB, &m) == OV_OK);
}

static void
reply_accept(struct ov_buf *reply, uint64_t seen)
{
	uint8_t signature[64];

	if (!script.accepted_late || script.asked++ == 0) {
		fake_error(reply, "E_BROKER_WAIT", 0);
		return;
	}
	ov_sign(signature, script.accepted_by != NULL ? script.accepted_by : partner_sk,
	    "accept", OV_BUF_BYTES(&accept_body));
	reply_step(
	    reply, OV_STEP_ACCEPT, OV_BUF_BYTES(&accept_body), signature, seen, true);
}

static void
reply_refuse(struct ov_buf *reply, uint64_t seen)
{
	struct ov_msg_refuse m = { .reason =
				       OV_BYTES(script.refusal, strlen(script.refusal)) };
	struct ov_buf body = { 0 };
	uint8_t signature[64];

	memcpy(m.job, job.id, OV_ID);
	ov_digest(m.propose, "propose", OV_BUF_BYTES(&propose));
	MUST(ov_msg_encode(&body, OV_MSG_REFUSE, &m) == OV_OK);
	ov_sign(signature, script.refused_by, "refuse", OV_BUF_BYTES(&body));
	reply_step(reply, OV_STEP_REFUSE, OV_BUF_BYTES(&body), signature, seen, true);
	ov_buf_free(&body);
}

static void
reply_close(struct ov_buf *reply, uint64_t seen)
{
	struct ov_msg_close m = { .verdict =
				      OV_BYTES(script.close, strlen(script.close)) };
	struct ov_buf body = { 0 };
	uint8_t signature[64];

	memcpy(m.job, job.id, OV_ID);
	MUST(ov_msg_encode(&body, OV_MSG_CLOSE, &m) == OV_OK);
	ov_sign(signature, script.closed_by, "close", OV_BUF_BYTES(&body));
	reply_step(reply, OV_STEP_CLOSE_B, OV_BUF_BYTES(&body), signature, seen, true);
	ov_buf_free(&body);
}

static void
keep_verdict(const struct ov_msg_put_step *put)
{
	bool cancel = put->step == OV_STEP_CANCEL_A;
	struct ov_msg_cancel m;
	struct ov_msg_close c;
	struct ov_bytes said;

	if (!cancel && put->step != OV_STEP_CLOSE_A)
		return;
	MUST((cancel ? ov_msg_decode(&m, OV_MSG_CANCEL, put->body)
		     : ov_msg_decode(&c, OV_MSG_CLOSE, put->body)) == OV_OK);
	said = cancel ? m.reason : c.verdict;
	MUST(said.len < sizeof(script.verdict));
	memset(script.verdict, 0, sizeof(script.verdict));
	memcpy(script.verdict, said.p, said.len);
	script.verdict_step = (unsigned int)put->step;
}

static void
reply_put(struct ov_buf *reply, const struct ov_msg_put_step *put)
{
	const char *error = put->step == OV_STEP_CANCEL_A && script.put_cancel != NULL
				? script.put_cancel
				: script.put;

	keep_verdict(put);
	if (error != NULL)
		fake_error(reply, error, 0);
	else
		reply_step(reply, (unsigned int)put->step, put->body, put->signature,
		    put->seen, false);
}

static void
reply_chunk(struct ov_buf *reply, const struct ov_msg_get_chunk *ask)
{
	struct ov_msg_chunk m = { .last = ask->index == 1 };

	MUST(ask->index < 2);
	m.body = OV_BUF_BYTES(&points[ask->index]);
	MUST(ov_msg_encode(reply, OV_MSG_CHUNK, &m) == OV_OK);
}

static void
play(void *arg, struct ov_buf *reply, struct ov_bytes in, const uint8_t fingerprint[32])
{
	const struct ov_msg_have_reply nothing = { 0 };
	union ov_msg_any m;
	enum ov_msg type = ov_msg_type(in);

	(void)arg;
	(void)fingerprint;
	MUST(ov_msg_decode(&m, type, in) == OV_OK);
	script.calls++;
	if (type == OV_MSG_PUT_STEP)
		reply_put(reply, &m.put_step);
	else if (type == OV_MSG_HAVE && points[0].len > 0)
		MUST(ov_msg_encode(reply, OV_MSG_HAVE_REPLY, &nothing) == OV_OK);
	else if (type == OV_MSG_GET_CHUNK && points[0].len > 0)
		reply_chunk(reply, &m.get_chunk);
	else if (type == OV_MSG_GET_JOB)
		reply_job(reply);
	else if (type == OV_MSG_GET_STEP && m.get_step.step == OV_STEP_CLOSE_B)
		script.close != NULL ? reply_close(reply, m.get_step.seen)
				     : fake_error(reply, "E_BROKER_WAIT", 0);
	else if (type == OV_MSG_GET_STEP && script.refusal != NULL)
		m.get_step.step == OV_STEP_REFUSE ? reply_refuse(reply, m.get_step.seen)
						  : fake_error(reply, "E_JOB_REFUSED", 0);
	else if (type == OV_MSG_GET_STEP)
		reply_accept(reply, m.get_step.seen);
	else
		fake_error(reply, script.other, 0);
}

/* --- a partner, terms, a job --- */

static void
in_one(enum ov_status st)
{
	assert_int_equal(st, OV_OK);
	assert_int_equal(ov_db_commit(home->db, "test"), OV_OK);
}

static void
begin(void)
{
	assert_int_equal(ov_db_begin(home->db), OV_OK);
}

static void
meet(const char *name)
{
	partner = (struct ov_partner){ .state = OV_PARTNER_PAIRED };
	snprintf(partner.name, sizeof(partner.name), "%s", name);
	ov_sign_keypair(partner.identity, partner_sk);
	ov_company_id(partner.company, partner.identity);
	begin();
	in_one(ov_partner_put(home, &partner));
}

/* Terms in force under this number. */
static void
agree(uint64_t sequence)
{
	bool low = ov_is_low(home->company, partner.company);
	struct ov_msg_grants g = { .version = 1,
		.slots = 4096,
		.minimum_list = 1,
		.runs = RUNS,
		.epsilon_milli = EPSILON,
		.view_days = 1,
		.year_epsilon_milli = 3 * EPSILON };
	const struct ov_population p[] = {
		{ .name = "customers", .level = OV_LEVEL_MATCHES },
		{ .name = "prospects", .level = OV_LEVEL_COUNTS },
	};
	struct ov_buf populations = { 0 }, sheet = { 0 }, terms = { 0 }, release = { 0 },
		      body = { 0 };
	struct ov_msg_terms_body m;
	uint8_t ours[64], theirs[64];

	assert_int_equal(ov_populations_pack(&populations, p, 2), OV_OK);
	g.populations = OV_BUF_BYTES(&populations);
	assert_int_equal(ov_msg_encode(&sheet, OV_MSG_GRANTS, &g), OV_OK);
	assert_int_equal(
	    ov_terms_derive(&terms, &release, &m,
		&(struct ov_terms_input){ .low = low ? home->identity : partner.identity,
		    .high = low ? partner.identity : home->identity,
		    .sequence = sequence,
		    .grants_low = OV_BUF_BYTES(&sheet),
		    .grants_high = OV_BUF_BYTES(&sheet) }),
	    OV_OK);
	assert_int_equal(ov_msg_encode(&body, OV_MSG_TERMS_BODY, &m), OV_OK);
	assert_int_equal(ov_home_sign(ours, home, "terms", OV_BUF_BYTES(&body)), OV_OK);
	ov_sign(theirs, partner_sk, "terms", OV_BUF_BYTES(&body));
	begin();
	in_one(ov_db_run(home->db,
	    "INSERT OR REPLACE INTO sheet(company, mine, sequence, grants, policy,"
	    " consented, at) VALUES (?, 1, ?, ?, x'', zeroblob(64), 1)",
	    OV_DB_BLOB(partner.company, OV_ID), OV_DB_I64(sequence),
	    OV_DB_BYTES(OV_BUF_BYTES(&sheet))));
	begin();
	in_one(ov_db_run(home->db,
	    "INSERT INTO terms(company, sequence, state, body, terms, release, sealed,"
	    " signature_mine, signature_theirs, since) VALUES (?, ?, ?, ?, ?, ?, x'', ?,"
	    " ?, 1)",
	    OV_DB_BLOB(partner.company, OV_ID), OV_DB_I64(sequence),
	    OV_DB_I64(OV_TERMS_IN_FORCE), OV_DB_BYTES(OV_BUF_BYTES(&body)),
	    OV_DB_BYTES(OV_BUF_BYTES(&terms)), OV_DB_BYTES(OV_BUF_BYTES(&release)),
	    OV_DB_BLOB(ours, 64), OV_DB_BLOB(theirs, 64)));
	ov_buf_free(&populations);
	ov_buf_free(&sheet);
	ov_buf_free(&terms);
	ov_buf_free(&release);
	ov_buf_free(&body);
}

#define COPY_U(S, name, lo, hi) m.name = p.name;
#define COPY_B(S, name, n) memcpy(m.name, p.name, (n));

/* PROPOSE of this home and the ACCEPT that the partner gives; of a job that begins, both
 * name the same last job. */
static void
write_messages(const struct ov_job_seeds *seeds)
{
	static const uint8_t last[OV_ID] = { 5 };
	const struct ov_ephemeral_input in = { seeds->e, job.id, OV_ROLE_A,
		partner.identity, job.list_digest };
	struct ov_msg_propose p = { .version = OV_PROTOCOL_VERSION,
		.slots = 1024,
		.created = job.created,
		.expiry = job.expiry,
		.counts = job.state != OV_JOB_PROPOSED,
		.unchanged_since =
		    OV_BYTES(last, job.state == OV_JOB_PROPOSED ? OV_ID : 0) };
	struct ov_msg_accept m = { 0 };
	struct ov_terms t;
	uint8_t e[32];

	assert_int_equal(ov_terms_in_force(&t, home, partner.company), OV_OK);
	memcpy(p.job, job.id, OV_ID);
	memcpy(p.a, home->identity, 32);
	memcpy(p.b, partner.identity, 32);
	memcpy(p.terms, t.digest, OV_DIGEST);
	memcpy(p.release, t.release_digest, OV_DIGEST);
	memcpy(p.profile, job.profile, OV_DIGEST);
	ov_ephemeral(e, &in);
	ov_dh_public(p.ephemeral, e);
	ov_commitment(p.commitment, job.commitment_random, job.list_digest);
	assert_int_equal(ov_msg_encode(&propose, OV_MSG_PROPOSE, &p), OV_OK);
	OV_FIELDS_PROPOSE(, COPY_U, COPY_B, COPY_U, COPY_U)
	ov_digest(m.propose, "propose", OV_BUF_BYTES(&propose));
	ov_dh_public(m.ephemeral, partner_e);
	m.commitment[0] ^= 1;
	assert_int_equal(ov_msg_encode(&accept_body, OV_MSG_ACCEPT, &m), OV_OK);
}

/* A job that this home proposed, in a state, with time left in seconds (or over). */
static void
start_job(enum ov_job_state state, int64_t left)
{
	const struct ov_list_token token = { OV_RANK_DOMAIN, OV_LITERAL("example.com") };
	struct ov_job_seeds seeds = { { 1 }, { 2 } };
	uint8_t none[64] = { 0 };
	struct ov_list list = { 0 };

	job = (struct ov_job){ .id = { 9 },
		.role = OV_ROLE_A,
		.state = state,
		.slots = 1024,
		.tokens = 1,
		.records = 1,
		.terms_sequence = 1 };
	job.expiry = (uint64_t)((int64_t)ov_home_now(home) + left);
	job.created = job.expiry - 3600;
	memcpy(job.partner, partner.company, OV_ID);
	memcpy(job.profile, ov_profile_digest(ov_profile_current()), OV_DIGEST);
	assert_int_equal(ov_list_add(&list, 1, 1, OV_FIT_UNKNOWN, &token, 1), OV_OK);
	ov_list_digest(job.list_digest, &list);
	write_messages(&seeds);
	begin();
	assert_int_equal(ov_job_insert(home, &job, &seeds, &list), OV_OK);
	if (state != OV_JOB_PROPOSED) {
		assert_int_equal(ov_step_keep(home, job.id, OV_STEP_ACCEPT,
				     OV_BUF_BYTES(&accept_body), none),
		    OV_OK);
		assert_int_equal(ov_step_keep(home, job.id, OV_STEP_REPORT,
				     OV_LITERAL("a report"), none),
		    OV_OK);
	}
	assert_int_equal(ov_db_run(home->db,
			     "INSERT INTO job_match(job, number, rank, label, "
			     "population, fit, record) VALUES (?, 1, 5, 1, 1, 0, 1)",
			     OV_DB_BLOB(job.id, OV_ID)),
	    OV_OK);
	in_one(ov_step_keep(home, job.id, OV_STEP_PROPOSE, OV_BUF_BYTES(&propose), none));
	ov_list_fini(&list);
}

/* As if there had been none: start_job begins anew. */
static void
forget_job(void)
{
	begin();
	assert_int_equal(ov_db_run(home->db, "DELETE FROM job_list"), OV_OK);
	assert_int_equal(ov_db_run(home->db, "DELETE FROM job_match"), OV_OK);
	assert_int_equal(ov_db_run(home->db, "DELETE FROM job_step"), OV_OK);
	in_one(ov_db_run(home->db, "DELETE FROM job"));
	propose.len = accept_body.len = 0;
}

static enum ov_status
advance(uint32_t wait_ms)
{
	struct ov_job_run run = { .home = home, .session = session, .wait_ms = wait_ms };

	return ov_job_advance(&job, &run);
}

static int64_t
kept_matches(void)
{
	int64_t n;

	assert_int_equal(
	    ov_db_number(&n, home->db, "SELECT count(*) FROM job_match"), OV_OK);
	return n;
}

/* What stands in the database, not only in memory. */
static void
assert_ended(enum ov_job_state state, enum ov_status reason)
{
	struct ov_job stored;
	struct ov_job_seeds seeds;

	assert_int_equal(ov_job_get(&stored, home, job.id), OV_OK);
	assert_int_equal(stored.state, state);
	assert_int_equal(stored.reason, reason);
	assert_int_equal(job.state, state);
	assert_int_equal(
	    ov_job_open_with(&stored, home, partner.company), OV_E_NOT_FOUND);
	assert_int_equal(ov_job_load_seeds(&seeds, home, &job), OV_E_NOT_FOUND);
	assert_int_equal(kept_matches(), state == OV_JOB_CLOSED ? 1 : 0);
}

static int
setup(void **state)
{
	memset(&script, 0, sizeof(script));
	script.other = "E_BROKER_UNKNOWN";
	if (site_setup(state) != 0 || ov_psi_init() != OV_OK ||
	    ov_normalise_init() != OV_OK)
		return -1;
	fake_start(&broker);
	broker.extra = play;
	broker.extra_steps = true;
	home = fake_home(&broker, "Acme");
	meet("Globex");
	agree(1);
	return ov_session_open(&session, home) == OV_OK ? 0 : -1;
}

static int
teardown(void **state)
{
	ov_session_close(session);
	ov_home_close(home);
	fake_stop(&broker);
	ov_buf_free(&propose);
	ov_buf_free(&accept_body);
	ov_buf_free(&points[0]);
	ov_buf_free(&points[1]);
	return site_teardown(state);
}

/* --- the tests --- */

static void
proposal_that_never_left_ends_with_its_time(void **state)
{
	(void)state;
	start_job(OV_JOB_PROPOSED, -1);
	script.put = "E_PROTO_EXPIRED";
	script.get_job = "E_BROKER_UNKNOWN";
	assert_int_equal(advance(0), OV_E_PROTO_EXPIRED);
	assert_ended(OV_JOB_EXPIRED, OV_E_PROTO_EXPIRED);
}

static void
proposal_that_the_broker_does_not_take_waits_until_its_time(void **state)
{
	struct ov_job stored;

	(void)state;
	start_job(OV_JOB_PROPOSED, 3600);
	script.put = "E_CAP_RUNS";
	script.get_job = "E_BROKER_UNKNOWN";
	assert_int_equal(advance(0), OV_E_CAP_RUNS);
	assert_int_equal(ov_job_open_with(&stored, home, partner.company), OV_OK);
	home->clock_shift_s = 3700;
	assert_int_equal(advance(0), OV_E_PROTO_EXPIRED);
	assert_ended(OV_JOB_EXPIRED, OV_E_PROTO_EXPIRED);
}

static void
accept_that_comes_while_the_state_is_asked_is_taken(void **state)
{
	(void)state;
	start_job(OV_JOB_PROPOSED, 3600);
	script.state = OV_JOB_UNCHANGED;
	script.accepted_late = true;
	assert_int_equal(advance(60000), OV_OK);
	assert_int_equal(script.asked, 2);
	assert_ended(OV_JOB_UNCHANGED, OV_OK);
}

static const struct ov_profile *
profile_for_partner(void)
{
	const struct ov_profile *p = NULL;

	assert_int_equal(ov_job_profile(&p, home, partner.company), OV_OK);
	return p;
}

static void
partner_without_the_profile_is_met_with_the_one_before(void **state)
{
	(void)state;
	start_job(OV_JOB_PROPOSED, 3600);
	script.state = OV_JOB_REFUSED;
	script.refusal = "E_PROTO_PROFILE";
	script.refused_by = partner_sk;
	assert_ptr_equal(profile_for_partner(), ov_profile_current());
	assert_int_equal(advance(0), OV_E_PROTO_PROFILE);
	assert_ended(OV_JOB_REFUSED, OV_E_PROTO_PROFILE);
	assert_ptr_equal(profile_for_partner(), ov_profile_at(1));
	/* until the partner shows that it has it after all */
	assert_int_equal(
	    ov_job_profile_met(home, partner.company, ov_profile_at(1)), OV_OK);
	assert_ptr_equal(profile_for_partner(), ov_profile_at(1));
	assert_int_equal(
	    ov_job_profile_met(home, partner.company, ov_profile_current()), OV_OK);
	assert_ptr_equal(profile_for_partner(), ov_profile_current());
}

static void
own_new_release_tries_its_current_profile_again(void **state)
{
	(void)state;
	start_job(OV_JOB_PROPOSED, 3600);
	script.state = OV_JOB_REFUSED;
	script.refusal = "E_PROTO_PROFILE";
	script.refused_by = partner_sk;
	assert_int_equal(advance(0), OV_E_PROTO_PROFILE);
	begin();
	in_one(ov_db_run(home->db, "UPDATE partner_profile SET current = zeroblob(64)"));
	assert_ptr_equal(profile_for_partner(), ov_profile_current());
}

static void
other_refusals_leave_the_profile(void **state)
{
	(void)state;
	start_job(OV_JOB_PROPOSED, 3600);
	script.state = OV_JOB_REFUSED;
	script.refusal = "E_CAP_RUNS";
	script.refused_by = partner_sk;
	assert_int_equal(advance(0), OV_E_JOB_REFUSED);
	assert_ended(OV_JOB_REFUSED, OV_E_JOB_REFUSED);
	assert_ptr_equal(profile_for_partner(), ov_profile_current());
}

static void
broker_cannot_speak_for_the_partner_about_profiles(void **state)
{
	uint8_t pk[32], forger[64];

	(void)state;
	ov_sign_keypair(pk, forger);
	start_job(OV_JOB_PROPOSED, 3600);
	script.state = OV_JOB_REFUSED;
	script.refusal = "E_PROTO_PROFILE";
	script.refused_by = forger;
	assert_int_equal(advance(0), OV_E_JOB_REFUSED);
	assert_ended(OV_JOB_REFUSED, OV_E_JOB_REFUSED);
	assert_ptr_equal(profile_for_partner(), ov_profile_current());
}

static void
job_that_the_broker_lost_ends(void **state)
{
	(void)state;
	start_job(OV_JOB_EXCHANGING, 3600);
	script.get_job = "E_BROKER_UNKNOWN";
	assert_int_equal(advance(0), OV_E_BROKER_UNKNOWN);
	assert_ended(OV_JOB_FAILED, OV_E_BROKER_UNKNOWN);
}

static void
stored_report_stands_when_the_job_expires_before_close(void **state)
{
	struct ov_job last;

	(void)state;
	start_job(OV_JOB_REPORTED, 3600);
	script.put = "E_PROTO_UNEXPECTED";
	script.state = OV_JOB_EXPIRED;
	assert_int_equal(advance(0), OV_OK);
	assert_ended(OV_JOB_CLOSED, OV_E_PROTO_EXPIRED);
	assert_int_equal(ov_job_last_report(&last, home, partner.company), OV_OK);
	assert_int_equal(advance(0), OV_OK);
}

static void
no_end_at_the_broker_takes_a_stored_report(void **state)
{
	(void)state;
	script.put = "E_PROTO_UNEXPECTED";
	for (unsigned int s = OV_JOB_CLOSED; s < OV_JOB_STATES; s++) {
		struct ov_job last;

		if (s == OV_JOB_REFUSED)
			continue; /* of what was never accepted */
		forget_job();
		script.state = (enum ov_job_state)s;
		start_job(OV_JOB_REPORTED, 3600);
		assert_int_equal(advance(0), OV_OK);
		assert_int_equal(job.state, OV_JOB_CLOSED);
		assert_int_equal(kept_matches(), 1);
		assert_int_equal(ov_job_last_report(&last, home, partner.company), OV_OK);
	}
}

static enum ov_status
take_note(void *arg, const struct ov_verdict_note *n)
{
	assert_memory_equal(n->job, job.id, OV_ID);
	assert_memory_equal(n->partner, partner.company, OV_ID);
	assert_false(n->mine);
	*(enum ov_status *)arg = n->verdict;
	return OV_OK;
}

/* The verdict that a person has not seen; OV_OK: none. */
static enum ov_status
unseen_verdict(void)
{
	enum ov_status verdict = OV_OK;

	assert_int_equal(ov_verdict_each(home, take_note, &verdict), OV_OK);
	return verdict;
}

static void
verdict_of_the_partner_is_shown_until_a_person_looked(void **state)
{
	(void)state;
	start_job(OV_JOB_REPORTED, 3600);
	script.closed_by = partner_sk;
	assert_int_equal(advance(0), OV_OK);
	assert_int_equal(ov_verdict_fetch(home, session), OV_OK);
	assert_int_equal(unseen_verdict(), OV_OK); /* it has not said anything yet */
	script.close = "E_PROTO_MISBEHAVED";
	assert_int_equal(ov_verdict_fetch(home, session), OV_OK);
	assert_int_equal(unseen_verdict(), OV_E_PROTO_MISBEHAVED);
	assert_int_equal(kept_matches(), 1);
	script.calls = 0;
	assert_int_equal(ov_verdict_fetch(home, session), OV_OK);
	assert_int_equal(script.calls, 0); /* known */
	assert_int_equal(ov_verdict_clear(home), OV_OK);
	assert_int_equal(unseen_verdict(), OV_OK);
}

static void
verdict_that_somebody_else_signed_is_none(void **state)
{
	uint8_t pk[32], forger[64];

	(void)state;
	ov_sign_keypair(pk, forger);
	start_job(OV_JOB_REPORTED, 3600);
	assert_int_equal(advance(0), OV_OK);
	script.close = "E_PROTO_MISBEHAVED";
	script.closed_by = forger;
	assert_int_equal(ov_verdict_fetch(home, session), OV_OK);
	assert_int_equal(unseen_verdict(), OV_OK);
}

static void
assert_signed_nothing(void)
{
	static const unsigned int verdicts[] = { OV_STEP_CANCEL_A, OV_STEP_CLOSE_A };
	struct ov_step_text t = { 0 };

	for (size_t i = 0; i < 2; i++)
		assert_int_equal(
		    ov_step_load(&t, home, job.id, verdicts[i]), OV_E_NOT_FOUND);
}

/* Whatever status the broker names, or none: while lists are exchanged its word ends no
 * job and gets no signature under anything. */
static void
broker_cannot_make_this_home_accuse_the_partner(void **state)
{
	static const char *const words[] = {
#define STATUS(name, class, text) #name,
#include "common/status.def"
#undef STATUS
		"OK",
		"E_SOMETHING_ELSE",
		"the partner cheats"
	};

	(void)state;
	start_job(OV_JOB_EXCHANGING, 3600);
	ov_session_set_patience(session, 0); /* "come back later" is not waited for */
	script.state = OV_JOB_EXCHANGING;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		script.other = words[i];
		assert_int_not_equal(advance(0), OV_OK);
		assert_int_equal(job.state, OV_JOB_EXCHANGING);
		assert_signed_nothing();
	}
}

/* It can end the job, which is to refuse service: without a signature either. */
static void
broker_that_ends_a_job_gets_no_signature(void **state)
{
	(void)state;
	script.other = "E_JOB_FAILED";
	for (unsigned int s = OV_JOB_CLOSED; s < OV_JOB_STATES; s++) {
		forget_job();
		script.state = (enum ov_job_state)s;
		script.refusal = s == OV_JOB_REFUSED ? "E_CAP_RUNS" : NULL;
		script.refused_by = partner_sk;
		start_job(OV_JOB_EXCHANGING, 3600);
		assert_int_not_equal(advance(0), OV_OK);
		assert_true(ov_job_final(job.state));
		assert_int_equal(kept_matches(), 0);
		assert_signed_nothing();
	}
}

/* The broker shows an ACCEPT that somebody else signed: no transcript comes of it. */
static void
answer_of_somebody_else_is_none(void **state)
{
	struct ov_step_text t = { 0 };
	uint8_t pk[32], forger[64];

	(void)state;
	ov_sign_keypair(pk, forger);
	start_job(OV_JOB_PROPOSED, 3600);
	script.state = OV_JOB_ACCEPTED;
	script.accepted_late = true;
	script.accepted_by = forger;
	assert_int_equal(advance(60000), OV_E_CRYPTO_SIGNATURE);
	assert_ended(OV_JOB_FAILED, OV_E_CRYPTO_SIGNATURE);
	assert_int_equal(ov_step_load(&t, home, job.id, OV_STEP_ACCEPT), OV_E_NOT_FOUND);
}

static enum ov_status
propose_and_answer(const uint8_t id[OV_ID], enum ov_status *answered)
{
	struct ov_job_run run = { .home = home, .session = session };
	struct ov_job out;

	*answered = ov_job_answer(&out, &run, id);
	return ov_job_propose(&out, &run, &partner);
}

/* In every state of a job, with a partner that is not one any more, or is suspended:
 * nothing is signed, and nothing but a question leaves. */
static void
who_is_no_partner_gets_no_step(void **state)
{
	static const enum ov_job_state states[] = { OV_JOB_PROPOSED, OV_JOB_ACCEPTED,
		OV_JOB_EXCHANGING, OV_JOB_REPORTED };
	static const uint8_t other_job[OV_ID] = { 77 };
	int64_t before, after;
	enum ov_status answered;

	(void)state;
	for (int suspended = 0; suspended < 2; suspended++) {
		enum ov_status want =
		    suspended ? OV_E_PARTNER_SUSPENDED : OV_E_PARTNER_UNPAIRED;

		partner.state = suspended ? OV_PARTNER_PAIRED : OV_PARTNER_ENDED;
		begin();
		in_one(ov_partner_put(home, &partner));
		if (suspended)
			assert_int_equal(ov_hold_set(home, OV_HOLD_PARTNER,
					     partner.company, OV_E_PARTNER_SUSPENDED),
			    OV_OK);
		for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
			forget_job();
			start_job(states[i], 3600);
			script.calls = 0;
			assert_int_equal(ov_db_number(&before, home->db,
					     "SELECT count(*) FROM job_step"),
			    OV_OK);
			assert_int_equal(advance(0), want);
			assert_int_equal(ov_db_number(&after, home->db,
					     "SELECT count(*) FROM job_step"),
			    OV_OK);
			assert_int_equal(before, after);
			assert_int_equal(script.calls, 0);
		}
		forget_job();
		script.state = OV_JOB_PROPOSED;
		assert_int_equal(propose_and_answer(other_job, &answered), want);
		if (!suspended)
			assert_int_equal(answered, OV_E_PARTNER_UNPAIRED);
		assert_int_equal(
		    ov_db_number(&after, home->db, "SELECT count(*) FROM job_step"),
		    OV_OK);
		assert_int_equal(after, 0);
	}
}

static void
new_terms_end_a_job_under_the_old_ones(void **state)
{
	(void)state;
	start_job(OV_JOB_PROPOSED, 3600);
	agree(2);
	assert_int_equal(advance(0), OV_E_TERMS_CHANGED);
	assert_ended(OV_JOB_FAILED, OV_E_TERMS_CHANGED);
}

static void
new_terms_do_not_touch_a_report(void **state)
{
	(void)state;
	start_job(OV_JOB_REPORTED, 3600);
	agree(2);
	assert_int_equal(advance(0), OV_OK);
	assert_ended(OV_JOB_CLOSED, OV_OK);
}

/* --- a group of partners --- */

static const uint8_t sister[OV_ID] = { 66 }; /* of the partner's house */

static void
put_into_one_group(void)
{
	begin();
	assert_int_equal(ov_ledger_set_group(home->db, sister, "the house"), OV_OK);
	in_one(ov_ledger_set_group(home->db, partner.company, "the house"));
}

static void
charge_sister(uint8_t runs)
{
	begin();
	for (uint8_t i = 1; i <= runs; i++) {
		const uint8_t id[OV_ID] = { 200, i };
		const struct ov_ledger_charge c = {
			.job = id, .partner = sister, .time = ov_home_now(home)
		};

		assert_int_equal(ov_ledger_charge(home->db, &c), OV_OK);
	}
	assert_int_equal(ov_db_commit(home->db, "test"), OV_OK);
}

static void
seal_points(const struct ov_chunk_key *key, uint32_t index, struct ov_bytes plain)
{
	uint8_t *sealed = malloc(plain.len + OV_CHUNK_OVERHEAD);

	assert_non_null(sealed);
	ov_chunk_seal(sealed, key, index, index == 1, plain);
	points[index].len = 0;
	assert_int_equal(
	    ov_buf_append(&points[index], sealed, plain.len + OV_CHUNK_OVERHEAD), OV_OK);
	free(sealed);
}

/* What the partner of this job sends: its legend, and one good point again and again, so
 * that an exchange that nothing stops before ends with OV_E_PSI_DUPLICATE. */
static void
partner_sends(void)
{
	static uint8_t plain[1024 * OV_POINT_ROW];
	const struct ov_bytes token = OV_LITERAL("example.com");
	const uint8_t scalar[32] = { 3 };
	uint8_t legend[OV_LEGEND_LEN] = { 0 }, th[OV_HASH_LEN];
	struct ov_shared_keys keys;
	struct ov_buf text = { 0 };
	struct ov_terms t;
	struct ov_msg_propose p;
	const struct ov_chunk_key key = { th, keys.points[OV_ROLE_B],
		keys.nonce[OV_ROLE_B], OV_STREAM_POINTS_B };

	assert_int_equal(ov_terms_in_force(&t, home, partner.company), OV_OK);
	assert_int_equal(ov_legend_encode(&text, &t, 1), OV_OK); /* both give the same */
	legend[0] = (uint8_t)(text.len >> 8);
	legend[1] = (uint8_t)text.len;
	memcpy(legend + 2, text.p, text.len);
	ov_buf_free(&text);
	assert_int_equal(ov_psi_blind_tokens(plain, &token, 1, scalar), OV_OK);
	for (size_t i = 1; i < 1024; i++)
		memcpy(plain + i * OV_POINT_ROW, plain, OV_POINT_ROW);
	ov_transcript(th, OV_BUF_BYTES(&propose), OV_BUF_BYTES(&accept_body));
	assert_int_equal(
	    ov_msg_decode(&p, OV_MSG_PROPOSE, OV_BUF_BYTES(&propose)), OV_OK);
	assert_int_equal(ov_shared_keys_derive(&keys, th, partner_e, p.ephemeral), OV_OK);
	seal_points(&key, 0, OV_BYTES(legend, sizeof(legend)));
	seal_points(&key, 1, OV_BYTES(plain, sizeof(plain)));
}

/* A job that both agreed to and that was not charged yet. */
static void
start_uncharged(void)
{
	start_job(OV_JOB_EXCHANGING, 3600);
	begin();
	in_one(ov_ledger_pledge(
	    home->db, job.id, partner.company, ov_home_now(home), EPSILON));
	partner_sends();
}

/* Of the streams, the own POINTS went out and nothing else; which partners are a group
 * was told to nobody. */
static void
assert_stopped_at_the_charge(unsigned int step)
{
	int64_t pledges;
	bool charged;

	assert_int_equal(atomic_load(&broker.chunks[0]), 1); /* ROSTER has one, too */
	assert_int_equal(atomic_load(&broker.chunks[1]), 1);
	assert_int_equal(script.verdict_step, step);
	assert_string_equal(script.verdict, "E_CAP_RUNS");
	assert_int_equal(ov_ledger_has(&charged, home->db, job.id), OV_OK);
	assert_false(charged);
	assert_int_equal(
	    ov_db_number(&pledges, home->db, "SELECT count(*) FROM pledge WHERE job = ?",
		OV_DB_BLOB(job.id, OV_ID)),
	    OV_OK);
	assert_int_equal(pledges, 0);
	assert_ended(OV_JOB_FAILED, OV_E_CAP_GROUP);
}

/* The control of the tests below: charged, and ROSTER left. */
static void
assert_passed_the_charge(void)
{
	int64_t epsilon;

	assert_int_equal(advance(10000), OV_E_PSI_DUPLICATE);
	assert_string_equal(script.verdict, "E_PSI_DUPLICATE");
	assert_true(atomic_load(&broker.chunks[0]) > 1);
	assert_int_equal(ov_db_number(&epsilon, home->db,
			     "SELECT epsilon_out FROM charge WHERE job = ?",
			     OV_DB_BLOB(job.id, OV_ID)),
	    OV_OK);
	assert_int_equal(epsilon, EPSILON);
}

static void
last_run_of_a_group_is_had_once(void **state)
{
	(void)state;
	put_into_one_group();
	start_uncharged();
	charge_sister(RUNS);
	assert_int_equal(advance(10000), OV_E_CAP_GROUP);
	assert_stopped_at_the_charge(OV_STEP_CANCEL_A);
}

static void
group_is_not_told_in_close_either(void **state)
{
	(void)state;
	put_into_one_group();
	start_uncharged();
	charge_sister(RUNS);
	script.put_cancel = "E_PROTO_UNEXPECTED"; /* as after its report */
	assert_int_equal(advance(10000), OV_E_CAP_GROUP);
	assert_stopped_at_the_charge(OV_STEP_CLOSE_A);
}

static void
last_run_of_a_group_is_had(void **state)
{
	(void)state;
	put_into_one_group();
	start_uncharged();
	charge_sister(RUNS - 1);
	assert_passed_the_charge();
}

/* Another partner's job that is under way, too, and allows a view. */
static void
pledge_to_sister(void)
{
	static const uint8_t other_job[OV_ID] = { 10 };

	begin();
	in_one(ov_ledger_pledge(home->db, other_job, sister, ov_home_now(home), EPSILON));
}

/* Each was allowed its view; then a person saw that the two are one. */
static void
partners_that_become_a_group_have_one_view(void **state)
{
	(void)state;
	start_uncharged();
	pledge_to_sister();
	put_into_one_group();
	assert_int_equal(advance(10000), OV_E_CAP_GROUP);
	assert_stopped_at_the_charge(OV_STEP_CANCEL_A);
}

static void
partners_that_are_no_group_have_a_view_each(void **state)
{
	(void)state;
	start_uncharged();
	pledge_to_sister();
	assert_passed_the_charge();
}

/* PROPOSE.counts of a new job with a partner. */
static uint64_t
proposed_counts(const struct ov_partner *p)
{
	struct ov_job_run run = { .home = home, .session = session };
	struct ov_step_text t = { 0 };
	struct ov_msg_propose m;
	struct ov_job out;

	assert_int_equal(ov_job_propose(&out, &run, p), OV_OK);
	assert_int_equal(ov_step_load(&t, home, out.id, OV_STEP_PROPOSE), OV_OK);
	assert_int_equal(ov_msg_decode(&m, OV_MSG_PROPOSE, OV_BUF_BYTES(&t.body)), OV_OK);
	ov_step_free(&t);
	return m.counts;
}

/* While one partner's proposal is open, its view is as good as spent for the others of
 * its group, and for nobody else. */
static void
open_proposal_holds_the_view_of_its_group(void **state)
{
	static const char *const names[] = { "Initech", "Hooli" };

	(void)state;
	site_import(home, "Name,Website\nHanse Ruder GmbH,hanse-ruder.de\n");
	begin();
	in_one(ov_ledger_set_group(home->db, partner.company, "the house"));
	assert_int_equal(proposed_counts(&partner), 1);
	for (size_t i = 0; i < 2; i++) {
		bool grouped = i == 0;

		meet(names[i]);
		agree(1);
		begin();
		in_one(ov_ledger_set_group(
		    home->db, partner.company, grouped ? "the house" : NULL));
		assert_int_equal(proposed_counts(&partner), grouped ? 0 : 1);
	}
}

static void
mail_outlives_a_log_that_is_wrong(void **state)
{
	int64_t n;

	(void)state;
	begin();
	in_one(
	    ov_mail_put(home, partner.company, OV_MAIL_COSELL, OV_LITERAL("said once")));
	broker.lie = LIE_SIGNATURE;
	assert_int_equal(ov_mail_flush(home, session), OV_E_LOG_PROOF);
	assert_int_equal(
	    ov_db_number(&n, home->db,
		"SELECT count(*) FROM mail_out WHERE sent IS NULL AND length(body) > 0"),
	    OV_OK);
	assert_int_equal(n, 1);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(proposal_that_never_left_ends_with_its_time),
		T(proposal_that_the_broker_does_not_take_waits_until_its_time),
		T(accept_that_comes_while_the_state_is_asked_is_taken),
		T(partner_without_the_profile_is_met_with_the_one_before),
		T(own_new_release_tries_its_current_profile_again),
		T(other_refusals_leave_the_profile),
		T(broker_cannot_speak_for_the_partner_about_profiles),
		T(job_that_the_broker_lost_ends),
		T(stored_report_stands_when_the_job_expires_before_close),
		T(no_end_at_the_broker_takes_a_stored_report),
		T(verdict_of_the_partner_is_shown_until_a_person_looked),
		T(verdict_that_somebody_else_signed_is_none),
		T(broker_cannot_make_this_home_accuse_the_partner),
		T(broker_that_ends_a_job_gets_no_signature),
		T(answer_of_somebody_else_is_none),
		T(who_is_no_partner_gets_no_step),
		T(new_terms_end_a_job_under_the_old_ones),
		T(new_terms_do_not_touch_a_report),
		T(last_run_of_a_group_is_had_once),
		T(group_is_not_told_in_close_either),
		T(last_run_of_a_group_is_had),
		T(partners_that_become_a_group_have_one_view),
		T(partners_that_are_no_group_have_a_view_each),
		T(open_proposal_holds_the_view_of_its_group),
		T(mail_outlives_a_log_that_is_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
