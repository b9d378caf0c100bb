/* advance.c - a job from its first message to its end, step by step (job.h). */
#include <string.h>

#include "client/hold.h"
#include "client/job/exchange.h"
#include "client/job/job.h"
#include "client/job/legend.h"
#include "client/job/profile.h"
#include "client/job/view.h"
#include "common/clock.h"
#include "common/crypto/memory.h"
#include "common/psi/psi.h"
#include "proto/agree.h"

#define ANSWER_MS 60000

/* --- how the job stands at the broker --- */

static bool
is_past(const struct ov_job *j, const struct ov_job_run *run)
{
	return ov_home_now(run->home) > j->expiry;
}

/* The end of the job at the broker, taken over here.  A report that was checked and
 * stored stands, whatever the partner found in its own, or did afterwards. */
static enum ov_status
take_end(struct ov_job *j, struct ov_job_run *run, enum ov_job_state state)
{
	enum ov_job_state to = OV_JOB_FAILED;
	enum ov_status st, why = OV_E_JOB_FAILED;

	switch (state) {
	case OV_JOB_REFUSED:
		to = state;
		if ((st = ov_job_refusal(&why, run, j)) != OV_OK)
			return st;
		break;
	case OV_JOB_CANCELLED:
		to = state;
		why = OV_E_JOB_CANCELLED;
		break;
	case OV_JOB_EXPIRED:
		to = state;
		why = OV_E_PROTO_EXPIRED;
		break;
	case OV_JOB_EQUIVOCATION:
		to = state;
		why = OV_E_PROTO_EQUIVOCATION;
		break;
	case OV_JOB_MISBEHAVED:
		to = state;
		why = OV_E_PROTO_MISBEHAVED;
		break;
	case OV_JOB_UNCHANGED: /* ACCEPT came just now: asked for again, it is there */
		if (j->state == OV_JOB_PROPOSED && !is_past(j, run))
			return OV_OK;
		break;
	case OV_JOB_CLOSED:
	case OV_JOB_CONFIRM_FAILED:
	case OV_JOB_FAILED:
	case OV_JOB_NONE:
	case OV_JOB_PROPOSED:
	case OV_JOB_ACCEPTED:
	case OV_JOB_EXCHANGING:
	case OV_JOB_REPORTED:
	case OV_JOB_CONFIRMING:
	case OV_JOB_STATES:
		break;
	}
	if (j->state == OV_JOB_REPORTED)
		to = OV_JOB_CLOSED;
	return ov_job_set_state(run->home, j, to, why);
}

/* The broker does not know the job: a proposal that never reached it may still do so
 * until it expires; anything else is lost there. */
static enum ov_status
take_loss(struct ov_job *j, struct ov_job_run *run)
{
	if (j->state == OV_JOB_REPORTED)
		return ov_job_set_state(run->home, j, OV_JOB_CLOSED, OV_E_BROKER_UNKNOWN);
	if (j->state != OV_JOB_PROPOSED)
		return ov_job_set_state(run->home, j, OV_JOB_FAILED, OV_E_BROKER_UNKNOWN);
	if (!is_past(j, run))
		return OV_OK;
	return ov_job_set_state(run->home, j, OV_JOB_EXPIRED, OV_E_PROTO_EXPIRED);
}

/* The broker says the job is over: so it is over here. */
static enum ov_status
sync_state(struct ov_job *j, struct ov_job_run *run)
{
	struct ov_msg_get_job ask;
	struct ov_msg_job reply;
	struct ov_buf owner = { 0 };
	enum ov_job_state state;
	enum ov_status st;

	memcpy(ask.job, j->id, OV_ID);
	st = ov_session_call(
	    run->session, OV_MSG_GET_JOB, &ask, OV_MSG_JOB, &reply, &owner, ANSWER_MS);
	if (st == OV_E_BROKER_UNKNOWN) {
		st = take_loss(j, run);
		goto done;
	}
	OV_TRY(st);
	state = (enum ov_job_state)reply.state;
	if (ov_job_final(state) && state < OV_JOB_STATES)
		st = take_end(j, run, state);
done:
	ov_buf_free(&owner);
	return st;
}

/* How a final job is told to the caller: a report that stands is a success, whatever
 * ended the job afterwards. */
static enum ov_status
outcome(const struct ov_job *j)
{
	return j->state == OV_JOB_CLOSED ? OV_OK : j->reason;
}

/* What a wait that ran out, or a refusal of the broker, means for the job. */
static enum ov_status
after_failure(struct ov_job *j, struct ov_job_run *run, enum ov_status st)
{
	enum ov_status synced;

	switch ((int)st) {
	case OV_E_JOB_WAITING:
	case OV_E_JOB_REFUSED:
	case OV_E_JOB_CANCELLED:
	case OV_E_JOB_FAILED:
	case OV_E_NOT_FOUND:
	case OV_E_PROTO_UNEXPECTED:
	case OV_E_PROTO_EXPIRED:
	case OV_E_PROTO_EQUIVOCATION:
	case OV_E_BROKER_UNKNOWN:
		break;
	case OV_E_CANCELLED:
	case OV_E_NET_UNREACHABLE:
	case OV_E_LOG_PROOF: /* what such a broker says ends nothing */
	case OV_E_LOG_ROLLBACK:
	case OV_E_LOG_IDENTITY:
		return st;
	default: /* any other status says nothing about the job, but its time may be up */
		if (!is_past(j, run))
			return st;
		break;
	}
	synced = sync_state(j, run);
	if (synced != OV_OK && ov_session_is_passing(synced))
		return st;
	return ov_job_final(j->state) ? outcome(j) : st;
}

/* --- proposal and answer --- */

static enum ov_status
wait_for_accept(struct ov_job_live *live, const struct ov_job *j, struct ov_job_run *run)
{
	uint64_t give_up = ov_clock_ms() + run->wait_ms;
	uint32_t wait = run->wait_ms < 5000 ? run->wait_ms : 5000;
	struct ov_job now = *j;
	enum ov_status st;

	do {
		if (run->cancel != NULL && atomic_load(run->cancel))
			return OV_E_CANCELLED;
		st = ov_step_fetch(&live->accept, run->home, run->session, j->id,
		    OV_STEP_ACCEPT, live->partner.identity, wait);
		if (st != OV_E_BROKER_WAIT)
			return st;
		live->accept.body.len = 0;
		st = sync_state(&now, run); /* refused, cancelled or expired meanwhile */
		if (st != OV_OK || ov_job_final(now.state))
			return st != OV_OK ? st : OV_E_JOB_WAITING;
	} while (ov_clock_ms() < give_up);
	return OV_E_JOB_WAITING;
}

static enum ov_status
check_accept(struct ov_job_live *live, struct ov_job *j, struct ov_job_run *run)
{
	const struct ov_agree agree = { .a = run->home->identity,
		.b = live->partner.identity,
		.terms = live->terms.digest,
		.release = live->terms.release_digest,
		.profile = j->profile,
		.table = &live->terms.release,
		.now = ov_home_now(run->home) };
	struct ov_msg_propose p;
	struct ov_msg_accept m;
	enum ov_status st;

	OV_TRY(ov_msg_decode(&p, OV_MSG_PROPOSE, OV_BUF_BYTES(&live->propose.body)));
	OV_TRY(ov_msg_decode(&m, OV_MSG_ACCEPT, OV_BUF_BYTES(&live->accept.body)));
	if (j->state == OV_JOB_PROPOSED)
		OV_TRY(
		    ov_agree_accept(&m, &p, OV_BUF_BYTES(&live->propose.body), &agree));
	if (j->state == OV_JOB_PROPOSED && m.head.len > 0)
		OV_TRY(ov_session_check_partner_head(
		    run->session, m.head, m.head_signature.p));
done:
	return st;
}

/* A's side until ACCEPT is here and good; B's until the broker has ours. */
static enum ov_status
reach_accepted(struct ov_job_live *live, struct ov_job *j, struct ov_job_run *run)
{
	enum ov_status st;

	if (j->role == OV_ROLE_A) {
		OV_TRY(ov_step_load(&live->propose, run->home, j->id, OV_STEP_PROPOSE));
		if (j->state == OV_JOB_PROPOSED)
			OV_TRY(ov_step_send(run->home, run->session, j->id,
			    OV_STEP_PROPOSE, OV_BUF_BYTES(&live->propose.body)));
		OV_TRY(wait_for_accept(live, j, run));
		OV_TRY(check_accept(live, j, run));
	} else {
		OV_TRY(ov_step_fetch(&live->propose, run->home, run->session, j->id,
		    OV_STEP_PROPOSE, live->partner.identity, 0));
		OV_TRY(ov_step_load(&live->accept, run->home, j->id, OV_STEP_ACCEPT));
		if (j->state == OV_JOB_PROPOSED)
			OV_TRY(ov_step_send(run->home, run->session, j->id,
			    OV_STEP_ACCEPT, OV_BUF_BYTES(&live->accept.body)));
	}
	if (j->state == OV_JOB_PROPOSED)
		OV_TRY(ov_job_set_state(run->home, j, OV_JOB_ACCEPTED, OV_OK));
done:
	return st;
}

static void
copy_id(uint8_t out[OV_ID], struct ov_bytes id)
{
	memset(out, 0, OV_ID);
	if (id.len == OV_ID)
		memcpy(out, id.p, OV_ID);
}

/* What both signed messages say, seen from here. */
static enum ov_status
read_both(struct ov_job_live *live, const struct ov_job *j)
{
	struct ov_msg_propose p;
	struct ov_msg_accept m;
	bool a = j->role == OV_ROLE_A;
	enum ov_status st;

	OV_TRY(ov_msg_decode(&p, OV_MSG_PROPOSE, OV_BUF_BYTES(&live->propose.body)));
	OV_TRY(ov_msg_decode(&m, OV_MSG_ACCEPT, OV_BUF_BYTES(&live->accept.body)));
	ov_transcript(live->th, OV_BUF_BYTES(&live->propose.body),
	    OV_BUF_BYTES(&live->accept.body));
	live->other_slots = (uint32_t)(a ? m.slots : p.slots);
	memcpy(live->other_ephemeral, a ? m.ephemeral : p.ephemeral, 32);
	live->own_counts = (a ? p.counts : m.counts) == 1;
	live->other_counts = (a ? m.counts : p.counts) == 1;
	copy_id(live->own_unchanged, a ? p.unchanged_since : m.unchanged_since);
	copy_id(live->other_unchanged, a ? m.unchanged_since : p.unchanged_since);
done:
	return st;
}

static bool
both_unchanged(const struct ov_job_live *live)
{
	static const uint8_t none[OV_ID] = { 0 };

	return memcmp(live->own_unchanged, none, OV_ID) != 0 &&
	       memcmp(live->own_unchanged, live->other_unchanged, OV_ID) == 0;
}

static enum ov_status
end_unchanged(struct ov_job *j, struct ov_job_run *run, const struct ov_job_live *live)
{
	struct ov_db *db = run->home->db;
	enum ov_status st;

	OV_TRY(ov_db_begin(db));
	OV_TRY(ov_db_run(db, "UPDATE job SET unchanged_since = ? WHERE id = ?",
	    OV_DB_BLOB(live->own_unchanged, OV_ID), OV_DB_BLOB(j->id, OV_ID)));
	OV_TRY(ov_db_commit(db, "job.unchanged"));
	memcpy(j->unchanged_since, live->own_unchanged, OV_ID);
	OV_TRY(ov_job_set_state(run->home, j, OV_JOB_UNCHANGED, OV_OK));
done:
	ov_db_rollback(db);
	return st;
}

/* --- the exchange --- */

/* SECRET: in guarded memory while an exchange runs. */
struct secrets {
	struct ov_job_seeds seeds;
	struct ov_shared_keys shared;
	struct ov_local_keys local;
	uint8_t e[32], scalar[32];
};

static enum ov_status
derive(struct secrets *k, const struct ov_job *j, const struct ov_job_live *live,
    struct ov_home *home)
{
	const struct ov_ephemeral_input in = { k->seeds.e, j->id, j->role,
		live->partner.identity, j->list_digest };
	enum ov_status st;

	OV_TRY(ov_job_load_seeds(&k->seeds, home, j));
	ov_ephemeral(k->e, &in);
	OV_TRY(ov_shared_keys_derive(&k->shared, live->th, k->e, live->other_ephemeral));
	ov_local_keys_derive(&k->local, live->th, k->seeds.r, j->list_digest);
	OV_TRY(ov_psi_scalar(k->scalar, k->local.scalar_wide));
done:
	return st;
}

struct admission {
	struct ov_home *home;
	const struct ov_job *job;
	const struct ov_job_live *live;
	const struct ov_exchange *exchange;
};

/* What the partner's numbers mean is as agreed, and the job is charged: from here on
 * something of this home's list leaves that the broker can count with. */
static enum ov_status
admit(void *ctx)
{
	const struct admission *a = ctx;
	const struct ov_release *r = &a->live->terms.release;
	const struct ov_job_cost cost = { .other_slots = a->live->other_slots,
		.counts_out = a->live->own_counts,
		.counts_in = a->live->other_counts,
		.release = r };
	uint32_t size;
	enum ov_status st;

	OV_TRY(ov_legend_check(&size, a->exchange->legend, &a->live->terms));
	OV_TRY(ov_job_charge(a->home, a->job, &cost));
	OV_TRY(ov_view_size(a->home, a->job, size));
done:
	return st;
}

static enum ov_status
send_complete(const struct ov_job *j, struct ov_job_run *run,
    const struct ov_job_live *live, unsigned int stream, const struct ov_stream_sum *sum)
{
	struct ov_msg_complete m = { .stream = stream, .count = sum->count };
	struct ov_buf body = { 0 };
	enum ov_status st;

	memcpy(m.job, j->id, OV_ID);
	memcpy(m.th, live->th, OV_HASH_LEN);
	memcpy(m.plain, sum->plain, OV_HASH_LEN);
	memcpy(m.sent, sum->sent, OV_HASH_LEN);
	OV_TRY(ov_msg_encode(&body, OV_MSG_COMPLETE, &m));
	OV_TRY(ov_step_send(run->home, run->session, j->id,
	    ov_stream_complete_step(stream), OV_BUF_BYTES(&body)));
done:
	ov_buf_free(&body);
	return st;
}

static enum ov_status
exchange_streams(struct ov_exchange *x, const struct ov_job *j, struct ov_job_run *run,
    const struct ov_job_live *live)
{
	uint64_t began = ov_clock_ms(), sent;
	enum ov_status st;

	OV_TRY(ov_exchange_send_points(x));
	OV_TRY(send_complete(
	    j, run, live, ov_stream_of(OV_STREAM_POINTS_A, j->role), &x->points_out));
	sent = ov_clock_ms();
	run->stages.send_ms += sent - began;
	OV_TRY(ov_exchange_receive(x));
	OV_TRY(send_complete(
	    j, run, live, ov_stream_of(OV_STREAM_ROSTER_A, j->role), &x->roster_out));
	OV_TRY(send_complete(
	    j, run, live, ov_stream_of(OV_STREAM_TAGS_A, j->role), &x->tags_out));
	run->stages.receive_ms += ov_clock_ms() - sent;
done:
	return st;
}

static enum ov_status
take_list(struct ov_list *out, struct ov_job_run *run, const struct ov_job *j)
{
	struct ov_job_frozen *f = run->frozen;

	if (f == NULL || f->list.n_records == 0 || memcmp(f->job, j->id, OV_ID) != 0)
		return ov_job_load_list(out, run->home, j);
	*out = f->list;
	f->list = (struct ov_list){ 0 };
	return OV_OK;
}

/* Points, roster, tags, report: the whole of it, with keys and list in memory. */
static enum ov_status
exchange(struct ov_job *j, struct ov_job_run *run, const struct ov_job_live *live)
{
	struct secrets *k = ov_secret_alloc(sizeof(*k));
	struct ov_list list = { 0 };
	struct ov_deck deck = { 0 };
	struct ov_exchange x = { 0 };
	struct admission admission = { run->home, j, live, &x };
	struct ov_buf legend = { 0 };
	uint64_t began;
	enum ov_status st;

	OV_REQUIRE(k != NULL, OV_E_NOMEM);
	OV_TRY(derive(k, j, live, run->home));
	OV_TRY(take_list(&list, run, j));
	OV_TRY(ov_view_populations(run->home, j, &live->terms, &list));
	OV_TRY(ov_deck_init(&deck, &list, j->slots, &k->local));
	OV_TRY(ov_legend_encode(&legend, &live->terms, list.n_records));
	const struct ov_exchange_options o = { .home = run->home,
		.session = run->session,
		.job = j->id,
		.th = live->th,
		.role = j->role,
		.keys = &k->shared,
		.deck = &deck,
		.scalar = k->scalar,
		.legend = OV_BUF_BYTES(&legend),
		.other_slots = live->other_slots,
		.wait_ms = run->wait_ms,
		.cancel = run->cancel,
		.admit = admit,
		.admit_ctx = &admission,
		.progress = run->progress,
		.progress_ctx = run->progress_ctx };
	OV_TRY(ov_exchange_init(&x, &o));
	OV_TRY(exchange_streams(&x, j, run, live));
	run->stages.group_cpu_ms += x.group_ns / 1000000;
	run->stages.seal_cpu_ms += x.seal_ns / 1000000;
	began = ov_clock_ms();
	const struct ov_view_input view = { run, j, live, &x, &deck, &k->shared };
	OV_TRY(ov_view_fetch(&view));
	run->stages.report_ms += ov_clock_ms() - began;
done:
	ov_exchange_fini(&x);
	ov_deck_fini(&deck);
	ov_list_fini(&list);
	ov_buf_free(&legend);
	ov_secret_free(k);
	return st;
}

/* --- the end --- */

static enum ov_status
send_close(const struct ov_job *j, struct ov_job_run *run, const struct ov_job_live *live,
    enum ov_status verdict)
{
	const char *name = ov_status_name(verdict);
	struct ov_msg_close m = { .verdict = OV_BYTES(name, strlen(name)),
		.created = ov_home_now(run->home) };
	struct ov_step_text report = { 0 };
	struct ov_buf body = { 0 };
	enum ov_status st;

	st = ov_step_load(&report, run->home, j->id, OV_STEP_REPORT);
	OV_REQUIRE(st == OV_OK || st == OV_E_NOT_FOUND, st);
	if (st == OV_OK) /* else zeros: none could be kept */
		ov_digest(m.report, "report", OV_BUF_BYTES(&report.body));
	memcpy(m.job, j->id, OV_ID);
	memcpy(m.th, live->th, OV_HASH_LEN);
	ov_session_head(run->session, &m.head, &m.head_signature);
	OV_TRY(ov_msg_encode(&body, OV_MSG_CLOSE, &m));
	OV_TRY(ov_step_send(run->home, run->session, j->id,
	    j->role == OV_ROLE_A ? OV_STEP_CLOSE_A : OV_STEP_CLOSE_B,
	    OV_BUF_BYTES(&body)));
done:
	ov_step_free(&report);
	ov_buf_free(&body);
	return st;
}

/* The other side broke the rules: say so, in the log too, and end. */
static enum ov_status
end_at_fault(struct ov_job *j, struct ov_job_run *run, const struct ov_job_live *live,
    enum ov_status why)
{
	bool broker = why == OV_E_PROTO_MISBEHAVED;
	/* which partners are a group is named to nobody */
	enum ov_status told = why == OV_E_CAP_GROUP ? OV_E_CAP_RUNS : why;
	enum ov_job_state to = OV_JOB_FAILED;
	enum ov_status st;

	if (broker)
		to = OV_JOB_MISBEHAVED;
	else if (why == OV_E_PROTO_EQUIVOCATION)
		to = OV_JOB_EQUIVOCATION;
	st = broker ? send_close(j, run, live, told)
		    : ov_job_cancel(run->home, run->session, j, told);
	if (!broker && st == OV_E_PROTO_UNEXPECTED) /* the broker has made its report */
		st = send_close(j, run, live, told);
	if (ov_session_is_passing(st))
		return st; /* not told yet: the next advance comes here again */
	st = ov_job_set_state(run->home, j, to, why);
	return st != OV_OK ? st : why;
}

/* What does not fit the terms in PROPOSE or ACCEPT.  Afterwards only the broker can say
 * it, whose word ends nothing. */
static bool
is_disagreement(enum ov_status st)
{
	return st == OV_E_PROTO_MISMATCH || st == OV_E_PROTO_VERSION ||
	       st == OV_E_PROTO_CLOCK || st == OV_E_WIRE_RANGE ||
	       st == OV_E_LIST_TOO_SMALL || st == OV_E_LIST_TOO_LARGE;
}

/* What no repetition mends: faults in what the partner or the broker sent, terms that are
 * not those of the job any more or not what was consented to, runs or a view that another
 * job of a group has had. */
static bool
is_fault(enum ov_status st, enum ov_job_state state)
{
	return st == OV_E_CRYPTO_OPEN || st == OV_E_CRYPTO_KEY || st == OV_E_PSI_POINT ||
	       st == OV_E_PSI_DUPLICATE || st == OV_E_PROTO_COUNT ||
	       st == OV_E_PROTO_DIGEST || st == OV_E_PROTO_MISBEHAVED ||
	       st == OV_E_CRYPTO_SIGNATURE || st == OV_E_TERMS_CHANGED ||
	       st == OV_E_PROTO_LEGEND || st == OV_E_CAP_GROUP ||
	       st == OV_E_POLICY_REFUSED ||
	       (state == OV_JOB_PROPOSED && is_disagreement(st));
}

/* Whether nothing of this list is left to send: then the partner has what it gets, and no
 * terms of its that came since are to take our report away. */
static enum ov_status
has_given_all(bool *out, struct ov_home *home, const struct ov_job *j)
{
	unsigned int tags = ov_stream_of(OV_STREAM_TAGS_A, j->role);
	int64_t n;
	enum ov_status st = ov_db_number(&n, home->db,
	    "SELECT count(*) FROM job_step WHERE job = ? AND step = ?"
	    " AND leaf_index IS NOT NULL",
	    OV_DB_BLOB(j->id, OV_ID), OV_DB_I64(ov_stream_complete_step(tags)));

	*out = st == OV_OK && n > 0;
	return st;
}

/* The terms that the job goes on under: those in force, as long as something leaves. */
static enum ov_status
find_terms(struct ov_terms *out, struct ov_home *home, const struct ov_job *j)
{
	bool given;
	enum ov_status st;

	OV_TRY(has_given_all(&given, home, j));
	if (given)
		return ov_terms_were_in_force(out, home, j->partner, j->terms_sequence);
	OV_TRY(ov_terms_in_force(out, home, j->partner));
	if (j->state == OV_JOB_REPORTED) /* nothing but CLOSE is left to send */
		goto done;
	OV_REQUIRE(out->sequence == j->terms_sequence, OV_E_TERMS_CHANGED);
	OV_TRY(ov_terms_check_consent(home, j->partner));
done:
	return st;
}

/* A run that comes back to a job goes on from messages that were stored before: do they
 * still stand for their steps, or has somebody signed others since?  *twice: so it is,
 * and nothing more may leave. */
static enum ov_status
check_firsts(bool *twice, const struct ov_job *j, struct ov_job_run *run,
    const struct ov_job_live *live)
{
	unsigned int theirs = j->role == OV_ROLE_A ? OV_STEP_ACCEPT : OV_STEP_PROPOSE;
	enum ov_status st;

	OV_TRY(ov_step_compare(
	    twice, run->home, run->session, j->id, theirs, live->partner.identity));
	if (!*twice)
		OV_TRY(ov_step_compare(twice, run->home, run->session, j->id,
		    OV_STEP_REPORT, run->home->broker.report_key));
done:
	return st;
}

/* *twice: some step of somebody else has two messages. */
static enum ov_status
go_on(bool *twice, struct ov_job *j, struct ov_job_run *run, struct ov_job_live *live)
{
	bool back = j->state == OV_JOB_ACCEPTED || j->state == OV_JOB_EXCHANGING;
	enum ov_status st;

	OV_TRY(ov_hold_check(run->home, j->partner));
	OV_TRY(ov_partner_get(&live->partner, run->home, j->partner));
	OV_TRY(find_terms(&live->terms, run->home, j));
	OV_TRY(reach_accepted(live, j, run));
	OV_TRY(read_both(live, j));
	if (back)
		OV_TRY(check_firsts(twice, j, run, live));
	OV_REQUIRE(!*twice, OV_E_PROTO_EQUIVOCATION);
	if (both_unchanged(live))
		return end_unchanged(j, run, live);
	if (back) { /* nothing more leaves for a job that ended meanwhile */
		OV_TRY(sync_state(j, run));
		OV_REQUIRE(!ov_job_final(j->state), outcome(j));
	}
	if (j->state == OV_JOB_ACCEPTED)
		OV_TRY(ov_job_set_state(run->home, j, OV_JOB_EXCHANGING, OV_OK));
	if (j->state == OV_JOB_EXCHANGING)
		OV_TRY(exchange(j, run, live));
	OV_TRY(send_close(j, run, live, OV_OK));
	OV_TRY(ov_job_set_state(run->home, j, OV_JOB_CLOSED, OV_OK));
done:
	return st;
}

enum ov_status
ov_job_advance(struct ov_job *j, struct ov_job_run *run)
{
	struct ov_job_live live;
	bool twice = false;
	enum ov_status st;

	if (ov_job_final(j->state))
		return outcome(j);
	memset(&live, 0, sizeof(live));
	st = go_on(&twice, j, run, &live);
	if (ov_job_final(j->state)) {
		; /* over: nothing of it is said any more */
	} else if (st == OV_E_DB_CONFLICT && j->role == OV_ROLE_A &&
		   j->state == OV_JOB_PROPOSED) {
		/* the partner's proposal came first: answer that one */
		st = ov_job_set_state(run->home, j, OV_JOB_CANCELLED, OV_E_DB_CONFLICT);
		if (st == OV_OK)
			st = OV_E_DB_CONFLICT;
	} else if ((twice && st == OV_E_PROTO_EQUIVOCATION) || is_fault(st, j->state)) {
		st = end_at_fault(j, run, &live, st);
	} else {
		st = after_failure(j, run, st);
	}
	ov_step_free(&live.propose);
	ov_step_free(&live.accept);
	return st;
}
