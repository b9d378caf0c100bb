#include "client/work.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "client/job/profile.h"
#include "client/job/verdict.h"
#include "client/json.h"
#include "client/mail.h"
#include "client/normalise/normalise.h"
#include "common/crypto/memory.h"
#include "common/log.h"
#include "common/psi/psi.h"

#define WAIT_MAX_S (7 * 86400U)
#define PATIENCE_MIN_S 2U  /* a connection takes its time */
#define PATIENCE_MAX_S 30U /* of a session by itself */

static atomic_bool stop;

static void
on_signal(int signal_number)
{
	(void)signal_number;
	atomic_store(&stop, true);
}

bool
ov_work_stopped(void)
{
	return atomic_load(&stop);
}

static void
catch_signals(void)
{
	struct sigaction a;

	memset(&a, 0, sizeof(a));
	a.sa_handler = on_signal;
	a.sa_flags = (int)SA_RESETHAND; /* a second one ends at once */
	(void)sigaction(SIGINT, &a, NULL);
	(void)sigaction(SIGTERM, &a, NULL);
}

static void
show_progress(void *ctx, uint64_t done, uint64_t all)
{
	struct ov_work *w = ctx;

	ov_progress_update(&w->progress, done, all);
}

enum ov_status
ov_work_open(struct ov_work *w, struct ov_cli *cli, uint32_t wait_s)
{
	enum ov_status st;

	memset(w, 0, sizeof(*w));
	w->cli = cli;
	OV_TRY(ov_psi_init());
	OV_TRY(ov_normalise_init());
	OV_TRY(ov_cli_session(&w->home, &w->session, cli));
	OV_TRY(ov_home_claim_within(w->home, OV_HOME_CLAIM_WAIT_MS));
	catch_signals();
	/* a held call does not hold up the end */
	ov_session_cancel_on(w->session, &stop);
	if (wait_s < PATIENCE_MAX_S) /* a broker that is away is waited for no longer */
		ov_session_set_patience(w->session,
		    1000 * (wait_s > PATIENCE_MIN_S ? wait_s : PATIENCE_MIN_S));
	w->run = (struct ov_job_run){ .home = w->home,
		.session = w->session,
		.wait_ms = wait_s * 1000,
		.cancel = &stop,
		.progress = show_progress,
		.progress_ctx = w,
		.frozen = &w->frozen,
		.ready = &w->ready };
done:
	if (st != OV_OK)
		ov_work_close(w);
	return st;
}

void
ov_work_close(struct ov_work *w)
{
	ov_list_fini(&w->frozen.list);
	ov_ready_fini(&w->ready);
	ov_session_close(w->session);
	ov_home_close(w->home);
	w->session = NULL;
	w->home = NULL;
}

static enum ov_status
answer(void *arg, const uint8_t job[OV_ID])
{
	struct ov_work *w = arg;
	struct ov_job j;
	enum ov_status st;

	memset(&j, 0, sizeof(j));
	st = ov_job_answer(&j, &w->run, job);
	if (st == OV_OK && j.state == OV_JOB_REFUSED) {
		/* who lacks a profile is about to get another proposal */
		w->refused += j.reason != OV_E_PROTO_PROFILE;
		ov_log(OV_LOG_WARN, "job.refused", OV_F_ID("job", job),
		    OV_F_STATUS(j.reason));
		if (!w->cli->json)
			fprintf(w->cli->out, "Refused a proposal: %s.\n",
			    ov_status_text(j.reason));
	}
	return st;
}

enum ov_status
ov_work_mail(struct ov_work *w, uint32_t wait_ms)
{
	const struct ov_mail_handlers handlers = { .job = answer, .arg = w };
	enum ov_status st;

	/* first what proposals stand on: pairings and terms */
	OV_TRY(ov_mail_process(NULL, w->home, w->session, NULL, wait_ms));
	OV_TRY(ov_mail_process(NULL, w->home, w->session, &handlers, 0));
	(void)!ov_verdict_fetch(w->home, w->session); /* or in the next round */
done:
	return st;
}

static enum ov_status
advance(struct ov_work *w, struct ov_job *j)
{
	enum ov_status st;

	ov_progress_start(&w->progress, "exchanging", "slots");
	st = ov_job_advance(j, &w->run);
	ov_progress_end(&w->progress);
	return st;
}

/* The partner has not the profile of j: a proposal under an older one, if there is one,
 * in its place. */
static enum ov_status
propose_older(struct ov_work *w, struct ov_job *j)
{
	const struct ov_profile *older;
	struct ov_partner partner;
	enum ov_status st;

	OV_TRY(ov_job_profile(&older, w->home, j->partner));
	OV_REQUIRE(memcmp(ov_profile_digest(older), j->profile, OV_DIGEST) != 0,
	    OV_E_PROTO_PROFILE);
	OV_TRY(ov_partner_get(&partner, w->home, j->partner));
	ov_log(OV_LOG_INFO, "job.older_profile", OV_F_ID("job", j->id));
	OV_TRY(ov_job_propose(j, &w->run, &partner));
done:
	return st;
}

enum ov_status
ov_work_advance(struct ov_work *w, struct ov_job *j)
{
	enum ov_status st = advance(w, j);

	while (st == OV_E_PROTO_PROFILE) { /* at most once a profile */
		OV_TRY(propose_older(w, j));
		st = advance(w, j);
	}
	if (j->state == OV_JOB_CLOSED)
		(void)!ov_verdict_fetch(w->home, w->session); /* or in the next round */
done:
	return st;
}

/* --- all open jobs --- */

#define OPEN_MAX 256

struct open_jobs {
	struct ov_job *jobs;
	size_t n;
};

static enum ov_status
collect(void *arg, const struct ov_job *j)
{
	struct open_jobs *o = arg;

	if (!ov_job_final(j->state) && o->n < OPEN_MAX)
		o->jobs[o->n++] = *j;
	return OV_OK;
}

enum ov_status
ov_work_advance_all(struct ov_work *w, size_t *n)
{
	struct open_jobs o = { calloc(OPEN_MAX, sizeof(struct ov_job)), 0 };
	enum ov_status st, worst = OV_OK;

	OV_REQUIRE(o.jobs != NULL, OV_E_NOMEM);
	OV_TRY(ov_job_each(w->home, collect, &o));
	for (size_t i = o.n; i-- > 0 && !ov_work_stopped();) { /* the oldest first */
		st = ov_work_advance(w, &o.jobs[i]);
		if (st != OV_OK && st != OV_E_JOB_WAITING && worst == OV_OK)
			worst = st;
		if (ov_job_final(o.jobs[i].state))
			OV_TRY(ov_work_print(w, &o.jobs[i]));
	}
	st = worst;
	if (n != NULL)
		*n = o.n;
done:
	free(o.jobs);
	return st;
}

/* --- printing --- */

static enum ov_status
print_json(struct ov_work *w, const struct ov_job *j, const char *partner)
{
	struct ov_json *doc = ov_json_new();
	struct ov_json *stages = ov_json_object(doc, "stages");
	struct ov_json *cpu = ov_json_object(doc, "cpu");
	uint64_t sent = 0, received = 0;
	enum ov_status st;

	ov_json_hex(doc, "job", j->id, OV_ID);
	ov_json_text(doc, "partner", partner);
	ov_json_text(doc, "state", ov_job_state_name(j->state));
	ov_json_text(doc, "status", ov_status_name(j->reason));
	ov_json_number(doc, "accounts", j->records);
	ov_json_number(doc, "keys", j->tokens);
	ov_json_number(doc, "slots", j->slots);
	ov_json_number(doc, "matches", j->matches);
	ov_json_text(doc, "kernel", ov_psi_kernel());
	ov_json_real(stages, "freeze", (double)w->run.stages.freeze_ms / 1000);
	ov_json_real(stages, "send_points", (double)w->run.stages.send_ms / 1000);
	ov_json_real(stages, "receive_and_tag", (double)w->run.stages.receive_ms / 1000);
	ov_json_real(stages, "report", (double)w->run.stages.report_ms / 1000);
	ov_json_real(cpu, "group", (double)w->run.stages.group_cpu_ms / 1000);
	ov_json_real(cpu, "seal", (double)w->run.stages.seal_cpu_ms / 1000);
	ov_session_bytes(w->session, &sent, &received);
	ov_json_number(doc, "bytes_sent", sent);
	ov_json_number(doc, "bytes_received", received);
	st = ov_json_write(w->cli->out, doc);
	ov_json_free(doc);
	return st;
}

static void
print_text(FILE *out, const struct ov_job *j, const char *partner)
{
	char id[2 * OV_ID + 1];

	ov_hex(id, j->id, OV_ID);
	fprintf(out, "Job %.8s with ", id);
	ov_print_name(out, partner);
	if (j->state == OV_JOB_CLOSED)
		fprintf(out, ": closed; %u of your %u accounts matched", j->matches,
		    j->records);
	else if (j->state == OV_JOB_UNCHANGED)
		fprintf(out,
		    ": nothing changed on either side since the last report, which"
		    " stands");
	else
		fprintf(out, ": %s (%s)", ov_job_state_name(j->state),
		    ov_status_text(j->reason));
	if (j->state == OV_JOB_CLOSED || j->state == OV_JOB_UNCHANGED) {
		fprintf(out, ".  See: overlap report ");
		ov_print_name(out, partner);
		fprintf(out, "\n");
	} else {
		fprintf(out, ".\n");
	}
}

enum ov_status
ov_work_print(struct ov_work *w, const struct ov_job *j)
{
	struct ov_partner p;

	if (ov_partner_get(&p, w->home, j->partner) != OV_OK)
		memset(&p, 0, sizeof(p)); /* ended meanwhile */
	if (w->cli->json)
		return print_json(w, j, p.name);
	print_text(w->cli->out, j, p.name);
	(void)fflush(w->cli->out); /* an agent goes on, and its log is read meanwhile */
	return OV_OK;
}

enum ov_status
ov_work_seconds(uint32_t *out, struct ov_cli *cli, const char *text)
{
	char *end;
	unsigned long v;

	errno = 0;
	v = strtoul(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || v > WAIT_MAX_S || text[0] == '-')
		return ov_cli_fail(
		    cli, OV_E_USAGE, "--wait takes whole seconds, up to %u", WAIT_MAX_S);
	*out = (uint32_t)v;
	return OV_OK;
}
