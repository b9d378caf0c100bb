/* open.c - how a job begins: PROPOSE and ACCEPT (PROTOCOL.md 7.3 - 7.6). */
#include <string.h>

#include "client/hold.h"
#include "client/job/freeze.h"
#include "client/job/job.h"
#include "client/job/profile.h"
#include "client/ledger.h"
#include "client/normalise/normalise.h"
#include "common/clock.h"
#include "common/crypto/memory.h"
#include "common/log.h"
#include "proto/agree.h"
#include "proto/slots.h"

#define ANSWER_MS 60000

_Static_assert(OV_PROFILE_DIGEST_LEN == OV_DIGEST, "profile digest crosses the wire");

static enum ov_status
read_ledger(struct ov_ledger *l, struct ov_home *home, const uint8_t partner[OV_ID],
    const struct ov_terms *terms)
{
	const struct ov_ledger_query q = { .partner = partner,
		.now = (int64_t)ov_home_now(home),
		.epsilon = terms->release.epsilon_milli,
		.year_epsilon = terms->release.year_epsilon_milli };

	return ov_ledger_read(l, home->db, &q);
}

/* PROPOSE.counts: does this home's own ledger allow the partner a view of what it gives
 * at `counts`?  Exact counts are in every job and cost no epsilon. */
static enum ov_status
may_count(bool *counts, struct ov_home *home, const uint8_t partner[OV_ID],
    const struct ov_terms *terms)
{
	const struct ov_release *r = &terms->release;
	struct ov_budget_due due;
	struct ov_ledger ledger;
	enum ov_status st = OV_OK;

	*counts = false;
	if (r->exact || !ov_release_has(r->level[terms->low ? 0 : 1], OV_LEVEL_COUNTS))
		return OV_OK;
	OV_TRY(read_ledger(&ledger, home, partner, terms));
	ov_ledger_due(&due, &ledger, r, (int64_t)ov_home_now(home), false);
	*counts = due.due;
done:
	return st;
}

/* Everything that stands against a job with this partner before its list is looked at. */
static enum ov_status
may_run(struct ov_terms *terms, uint32_t *runs, struct ov_home *home,
    const struct ov_partner *partner)
{
	struct ov_ledger ledger;
	enum ov_status st;

	OV_TRY(ov_hold_check(home, partner->company));
	OV_REQUIRE(partner->state == OV_PARTNER_PAIRED, OV_E_PARTNER_UNPAIRED);
	OV_REQUIRE(!partner->suspended, OV_E_PARTNER_SUSPENDED);
	OV_TRY(ov_terms_in_force(terms, home, partner->company));
	OV_TRY(ov_terms_check_consent(home, partner->company));
	OV_TRY(read_ledger(&ledger, home, partner->company, terms));
	*runs = ledger.together.runs_month;
	OV_REQUIRE(*runs < terms->release.runs, OV_E_CAP_RUNS);
done:
	return st;
}

enum ov_status
ov_job_plan(
    struct ov_job_plan *out, struct ov_job_run *run, const struct ov_partner *partner)
{
	const struct ov_profile *profile;
	struct ov_list list = { 0 };
	uint64_t generation;
	enum ov_status st;

	memset(out, 0, sizeof(*out));
	OV_TRY(may_run(&out->terms, &out->runs, run->home, partner));
	OV_TRY(ov_job_profile(&profile, run->home, partner->company));
	OV_TRY(ov_freeze(&list, &generation, run->home, &out->terms, profile));
	out->runs_allowed = out->terms.release.runs;
	out->records = (uint32_t)list.n_records;
	out->tokens = (uint32_t)list.n_tokens;
	out->slots = ov_padded_slots(out->tokens);
	for (size_t i = 0; i < list.n_records; i++)
		out->per_population[OV_LABEL_POPULATION(list.records[i].label) - 1]++;
done:
	ov_list_fini(&list);
	return st;
}

/* --- a list before it is asked for --- */

struct preparing {
	struct ov_home *home;
	struct ov_partner partner;
	struct ov_terms terms;
	int64_t last; /* number of the last job with it */
	bool found;
};

/* Takes p if it may propose a job and its last one is longer ago. */
static enum ov_status
find_next(void *arg, const struct ov_partner *p)
{
	struct preparing *z = arg;
	struct ov_terms terms;
	int64_t last;
	uint32_t runs;
	enum ov_status st;

	OV_TRY(ov_db_number(&last, z->home->db,
	    "SELECT coalesce(max(number), 0) FROM job WHERE partner = ?",
	    OV_DB_BLOB(p->company, OV_ID)));
	if ((z->found && last >= z->last) || may_run(&terms, &runs, z->home, p) != OV_OK)
		return OV_OK;
	z->found = true;
	z->last = last;
	z->partner = *p;
	z->terms = terms;
done:
	return st;
}

void
ov_job_prepare(struct ov_job_run *run)
{
	struct preparing z = { .home = run->home };
	const struct ov_profile *profile;
	uint64_t began = ov_clock_ms();
	enum ov_status st;

	OV_TRY(ov_partner_each(run->home, find_next, &z));
	if (!z.found)
		return;
	OV_TRY(ov_job_profile(&profile, run->home, z.partner.company));
	OV_TRY(ov_ready_make(run->ready, run->home, &z.terms, profile));
	run->stages.freeze_ms += ov_clock_ms() - began;
done:
	if (st != OV_OK)
		ov_log(OV_LOG_INFO, "job.not_ready", OV_F_STATUS(st));
}

/* A new job of this home with its list; seeds are SECRET. */
static enum ov_status
draw_job(struct ov_job *j, struct ov_job_seeds *seeds, struct ov_list *list,
    struct ov_job_run *run, const struct ov_terms *terms,
    const struct ov_profile *profile)
{
	uint64_t began = ov_clock_ms();
	enum ov_status st;

	OV_TRY(ov_ready_take(
	    list, j->list_digest, &j->generation, run->ready, run->home, terms, profile));
	memcpy(j->profile, ov_profile_digest(profile), OV_DIGEST);
	ov_random(seeds, sizeof(*seeds));
	ov_random(j->commitment_random, sizeof(j->commitment_random));
	j->state = OV_JOB_PROPOSED;
	j->tokens = (uint32_t)list->n_tokens;
	j->records = (uint32_t)list->n_records;
	j->slots = ov_padded_slots(j->tokens);
	j->created = ov_home_now(run->home);
	j->expiry = j->created + OV_PROPOSAL_LIFE_S;
	j->terms_sequence = terms->sequence;
	run->stages.freeze_ms += ov_clock_ms() - began;
done:
	return st;
}

/* The log of a head; false if there is none. */
static bool
log_of(uint8_t out[OV_ID], struct ov_bytes head)
{
	struct ov_msg_tree_head m;

	if (head.len == 0 || ov_msg_decode(&m, OV_MSG_TREE_HEAD, head) != OV_OK)
		return false;
	memcpy(out, m.log, OV_ID);
	return true;
}

/* Was the job reported in the log that this home knows now?  A broker that went on from a
 * backup, under a new one, may not know the job any more. */
static enum ov_status
is_of_this_log(bool *out, struct ov_job_run *run, const uint8_t job[OV_ID])
{
	struct ov_step_text report = { 0 };
	struct ov_bytes head, signature;
	uint8_t then[OV_ID], now[OV_ID];
	struct ov_msg_report m;
	enum ov_status st = ov_step_load(&report, run->home, job, OV_STEP_REPORT);

	*out = false;
	OV_REQUIRE(st != OV_E_NOT_FOUND, OV_OK);
	OV_TRY(st);
	OV_TRY(ov_msg_decode(&m, OV_MSG_REPORT, OV_BUF_BYTES(&report.body)));
	ov_session_head(run->session, &head, &signature);
	*out = log_of(then, m.head) && log_of(now, head) && memcmp(then, now, OV_ID) == 0;
done:
	ov_step_free(&report);
	return st;
}

/* The last job that carried data and whose report stands, if nothing changed since.  One
 * that the broker ended before both closed it is not named, nor one whose partner speaks
 * against its report, nor one of another log; nor is one after which a job failed, or a
 * broker that lost it would make every night fail the same way. */
static enum ov_status
find_unchanged(
    uint8_t out[OV_ID], bool *found, struct ov_job_run *run, const struct ov_job *j)
{
	struct ov_home *home = run->home;
	struct ov_job last;
	int64_t failed;
	enum ov_status st = ov_job_last_report(&last, home, j->partner);

	*found = false;
	if (st == OV_E_NOT_FOUND)
		return OV_OK;
	OV_TRY(st);
	OV_TRY(ov_db_number(&failed, home->db,
	    "SELECT count(*) FROM job WHERE (partner = ?1 AND state = ?2 AND closed >= "
	    "?3)"
	    " OR (id = ?4 AND partner_verdict NOT IN ('', ?5))",
	    OV_DB_BLOB(j->partner, OV_ID), OV_DB_I64(OV_JOB_FAILED),
	    OV_DB_I64(last.closed), OV_DB_BLOB(last.id, OV_ID),
	    OV_DB_TEXT(ov_status_name(OV_OK))));
	*found = last.reason == OV_OK && failed == 0 &&
		 last.terms_sequence == j->terms_sequence &&
		 memcmp(last.profile, j->profile, OV_DIGEST) == 0 &&
		 memcmp(last.list_digest, j->list_digest, OV_HASH_LEN) == 0;
	if (*found)
		OV_TRY(is_of_this_log(found, run, last.id));
	memcpy(out, last.id, OV_ID);
done:
	return st;
}

/* The fields that PROPOSE and ACCEPT share, from this home's side. */
static enum ov_status
fill_propose(struct ov_msg_propose *m, uint8_t unchanged[OV_ID], struct ov_job_run *run,
    const struct ov_job *j, const struct ov_job_seeds *seeds,
    const struct ov_partner *partner, const struct ov_terms *terms)
{
	const struct ov_ephemeral_input in = { seeds->e, j->id, j->role,
		partner->identity, j->list_digest };
	bool found = false, counts;
	uint8_t e[32];
	enum ov_status st;

	memset(m, 0, sizeof(*m));
	m->version = OV_PROTOCOL_VERSION;
	memcpy(m->job, j->id, OV_ID);
	memcpy(j->role == OV_ROLE_A ? m->a : m->b, run->home->identity, 32);
	memcpy(j->role == OV_ROLE_A ? m->b : m->a, partner->identity, 32);
	memcpy(m->terms, terms->digest, OV_DIGEST);
	memcpy(m->release, terms->release_digest, OV_DIGEST);
	memcpy(m->profile, j->profile, OV_DIGEST);
	m->slots = j->slots;
	ov_ephemeral(e, &in);
	ov_dh_public(m->ephemeral, e);
	ov_wipe(e, sizeof(e));
	ov_commitment(m->commitment, j->commitment_random, j->list_digest);
	OV_TRY(may_count(&counts, run->home, j->partner, terms));
	m->counts = counts;
	if (!counts) /* a view that is due is drawn, though nothing changed */
		OV_TRY(find_unchanged(unchanged, &found, run, j));
	m->unchanged_since = OV_BYTES(unchanged, found ? OV_ID : 0);
	ov_session_head(run->session, &m->head, &m->head_signature);
	m->created = j->created;
	m->expiry = j->expiry;
done:
	return st;
}

/* A job that begins here. */
struct opening {
	const struct ov_job *job;
	const struct ov_job_seeds *seeds;
	const struct ov_list *list;
	unsigned int step; /* the own first message */
	struct ov_bytes body;
	uint32_t pledge; /* epsilon of the view that it allows; 0: none */
};

/* Row, list, seeds, what may be spent and the own first message: one transaction. */
static enum ov_status
store_job(struct ov_home *home, const struct opening *o)
{
	const struct ov_job *j = o->job;
	uint8_t signature[64];
	enum ov_status st;

	OV_TRY(ov_home_sign(signature, home, ov_step_context(o->step), o->body));
	OV_TRY(ov_db_begin(home->db));
	OV_TRY(ov_job_insert(home, j, o->seeds, o->list));
	if (o->pledge > 0)
		OV_TRY(
		    ov_ledger_pledge(home->db, j->id, j->partner, j->created, o->pledge));
	OV_TRY(ov_step_keep(home, j->id, o->step, o->body, signature));
	OV_TRY(ov_db_commit(home->db, "job.create"));
done:
	ov_db_rollback(home->db);
	return st;
}

/* Moves the list to where the job finds it, if there is such a place. */
static void
keep_list(struct ov_job_run *run, const struct ov_job *j, struct ov_list *list)
{
	if (run->frozen == NULL)
		return;
	ov_list_fini(&run->frozen->list);
	memcpy(run->frozen->job, j->id, OV_ID);
	run->frozen->list = *list;
	*list = (struct ov_list){ 0 };
}

enum ov_status
ov_job_propose(
    struct ov_job *out, struct ov_job_run *run, const struct ov_partner *partner)
{
	struct ov_job j = { .role = OV_ROLE_A };
	struct ov_job_seeds seeds;
	struct ov_list list = { 0 };
	struct ov_terms terms;
	const struct ov_profile *profile;
	struct ov_msg_propose m;
	struct ov_buf body = { 0 };
	uint8_t unchanged[OV_ID];
	uint32_t runs;
	enum ov_status st;

	memset(&seeds, 0, sizeof(seeds));
	OV_TRY(ov_hold_check(run->home, partner->company));
	st = ov_job_open_with(out, run->home, partner->company);
	if (st != OV_E_NOT_FOUND)
		goto done;
	OV_TRY(may_run(&terms, &runs, run->home, partner));
	ov_random(j.id, OV_ID);
	memcpy(j.partner, partner->company, OV_ID);
	OV_TRY(ov_job_profile(&profile, run->home, partner->company));
	OV_TRY(draw_job(&j, &seeds, &list, run, &terms, profile));
	OV_TRY(fill_propose(&m, unchanged, run, &j, &seeds, partner, &terms));
	OV_TRY(ov_msg_encode(&body, OV_MSG_PROPOSE, &m));
	const struct opening o = { &j, &seeds, &list, OV_STEP_PROPOSE,
		OV_BUF_BYTES(&body), m.counts == 1 ? terms.release.epsilon_milli : 0 };
	OV_TRY(store_job(run->home, &o));
	keep_list(run, &j, &list);
	*out = j;
done:
	ov_wipe(&seeds, sizeof(seeds));
	ov_list_fini(&list);
	ov_buf_free(&body);
	return st;
}

/* --- answering --- */

static enum ov_status
partner_of_job(struct ov_partner *p, struct ov_job_run *run, const uint8_t id[OV_ID])
{
	struct ov_msg_get_job ask;
	struct ov_msg_job reply;
	struct ov_buf owner = { 0 };
	enum ov_status st;

	memcpy(ask.job, id, OV_ID);
	OV_TRY(ov_session_call(
	    run->session, OV_MSG_GET_JOB, &ask, OV_MSG_JOB, &reply, &owner, ANSWER_MS));
	OV_REQUIRE(memcmp(reply.b, run->home->company, OV_ID) == 0, OV_E_PROTO_MISMATCH);
	OV_REQUIRE(reply.state == OV_JOB_PROPOSED, OV_E_PROTO_EXPIRED);
	OV_TRY(ov_partner_get(p, run->home, reply.a));
done:
	ov_buf_free(&owner);
	return st;
}

/* P2's checks of PROPOSE against this home. */
static enum ov_status
check_propose(struct ov_msg_propose *m, struct ov_terms *terms, struct ov_job_run *run,
    const struct ov_job *j, const struct ov_partner *partner, struct ov_bytes body)
{
	struct ov_job other;
	uint32_t runs;
	struct ov_agree agree = { .a = partner->identity,
		.b = run->home->identity,
		.terms = terms->digest,
		.release = terms->release_digest,
		.profile = m->profile,
		.table = &terms->release,
		.now = ov_home_now(run->home) };
	enum ov_status st;

	OV_TRY(may_run(terms, &runs, run->home, partner));
	OV_TRY(ov_msg_decode(m, OV_MSG_PROPOSE, body));
	OV_REQUIRE(memcmp(m->job, j->id, OV_ID) == 0, OV_E_PROTO_MISMATCH);
	OV_REQUIRE(ov_profile_by_digest(m->profile) != NULL, OV_E_PROTO_PROFILE);
	OV_TRY(ov_agree_propose(m, &agree));
	if (m->head.len > 0)
		OV_TRY(ov_session_check_partner_head(
		    run->session, m->head, m->head_signature.p));
	/* one job with a partner at a time; the broker kept this one of two that crossed
	 */
	st = ov_job_open_with(&other, run->home, partner->company);
	if (st == OV_OK && other.state == OV_JOB_PROPOSED && other.role == OV_ROLE_A)
		st = ov_job_set_state(
		    run->home, &other, OV_JOB_CANCELLED, OV_E_DB_CONFLICT);
	else if (st == OV_OK)
		st = OV_E_JOB_WAITING; /* finish the open one first */
	if (st == OV_E_NOT_FOUND)
		st = OV_OK;
done:
	return st;
}

#define COPY_U(S, name, lo, hi) a.name = p.name;
#define COPY_B(S, name, n) memcpy(a.name, p.name, (n));

static enum ov_status
encode_accept(
    struct ov_buf *out, struct ov_bytes propose, const struct ov_msg_propose *own)
{
	const struct ov_msg_propose p = *own;
	struct ov_msg_accept a;

	memset(&a, 0, sizeof(a));
	ov_digest(a.propose, "propose", propose);
	OV_FIELDS_PROPOSE(, COPY_U, COPY_B, COPY_U, COPY_U)
	return ov_msg_encode(out, OV_MSG_ACCEPT, &a);
}

static enum ov_status
accept_job(struct ov_job *j, struct ov_job_run *run, const struct ov_partner *partner,
    const struct ov_terms *terms, struct ov_bytes propose,
    const struct ov_profile *profile)
{
	struct ov_job_seeds seeds;
	struct ov_list list = { 0 };
	struct ov_msg_propose own;
	struct ov_buf body = { 0 };
	uint8_t unchanged[OV_ID];
	enum ov_status st;

	memset(&seeds, 0, sizeof(seeds));
	OV_TRY(ov_job_profile_met(run->home, partner->company, profile));
	OV_TRY(draw_job(j, &seeds, &list, run, terms, profile));
	OV_TRY(fill_propose(&own, unchanged, run, j, &seeds, partner, terms));
	OV_TRY(encode_accept(&body, propose, &own));
	const struct opening o = { j, &seeds, &list, OV_STEP_ACCEPT, OV_BUF_BYTES(&body),
		own.counts == 1 ? terms->release.epsilon_milli : 0 };
	OV_TRY(store_job(run->home, &o));
	keep_list(run, j, &list);
done:
	ov_wipe(&seeds, sizeof(seeds));
	ov_list_fini(&list);
	ov_buf_free(&body);
	return st;
}

static enum ov_status
refuse_job(
    struct ov_job *j, struct ov_job_run *run, struct ov_bytes propose, enum ov_status why)
{
	const char *name = ov_status_name(why);
	struct ov_msg_refuse m = { .reason = OV_BYTES(name, strlen(name)),
		.created = ov_home_now(run->home) };
	struct ov_buf body = { 0 };
	enum ov_status st;

	memcpy(m.job, j->id, OV_ID);
	ov_digest(m.propose, "propose", propose);
	OV_TRY(ov_msg_encode(&body, OV_MSG_REFUSE, &m));
	OV_TRY(ov_step_send(
	    run->home, run->session, j->id, OV_STEP_REFUSE, OV_BUF_BYTES(&body)));
	j->state = OV_JOB_REFUSED;
	j->reason = why;
done:
	ov_buf_free(&body);
	return st;
}

enum ov_status
ov_job_answer(struct ov_job *out, struct ov_job_run *run, const uint8_t id[OV_ID])
{
	struct ov_job j = { .role = OV_ROLE_B };
	struct ov_step_text propose = { 0 };
	struct ov_partner partner;
	struct ov_msg_propose m;
	struct ov_terms terms;
	enum ov_status st;

	st = ov_job_get(out, run->home, id);
	if (st != OV_E_NOT_FOUND)
		return st;
	memcpy(j.id, id, OV_ID);
	OV_TRY(partner_of_job(&partner, run, id));
	memcpy(j.partner, partner.company, OV_ID);
	OV_TRY(ov_step_fetch(
	    &propose, run->home, run->session, id, OV_STEP_PROPOSE, partner.identity, 0));
	st = check_propose(&m, &terms, run, &j, &partner, OV_BUF_BYTES(&propose.body));
	if (st == OV_OK)
		st = accept_job(&j, run, &partner, &terms, OV_BUF_BYTES(&propose.body),
		    ov_profile_by_digest(m.profile));
	/* a fault of this machine or of its connection is no answer: the proposal waits
	 */
	if (st != OV_OK && !ov_session_is_passing(st))
		st = refuse_job(&j, run, OV_BUF_BYTES(&propose.body), st);
	OV_TRY(st);
	*out = j;
done:
	ov_step_free(&propose);
	return st;
}
