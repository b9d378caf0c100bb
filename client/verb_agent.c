/* overlap agent: answers what partners propose and finishes what is open. */
#include <getopt.h>
#include <string.h>

#include "client/hold.h"
#include "client/mail.h"
#include "client/verbs.h"
#include "client/work.h"
#include "common/clock.h"
#include "common/log.h"

#define WAIT_DEFAULT_S 60
#define POLL_MS 5000

const char ov_help_agent[] =
    "usage: overlap agent [--once] [--wait SECONDS] [--json]\n"
    "\n"
    "Answers proposals that the terms and the policy allow, exchanges, and stores the\n"
    "reports.  Finishes signatures under terms that a person here has consented to.\n"
    "Without --once it goes on until it is stopped.\n"
    "\n"
    "  --once          wait for work, do what there is, end; exit code 4 if a job still\n"
    "                  waits for its partner\n"
    "  --wait SECONDS  how long to wait, for work and for the partner at each step (60)\n"
    "\n"
    "example: overlap agent --once --wait 600\n";

/* One round: mail, then all open jobs.  *jobs: how many there were, refused ones too.
 * The home is claimed for the round only: while the agent waits, a person may import.
 * prepare: where there is nothing to do, what the next proposal needs. */
static enum ov_status
round_of_work(struct ov_work *w, size_t *jobs, bool prepare)
{
	unsigned int refused = w->refused;
	enum ov_status st;

	*jobs = 0;
	OV_TRY(ov_home_claim_within(w->home, OV_HOME_CLAIM_WAIT_MS));
	OV_TRY(ov_work_mail(w, 0));
	OV_TRY(ov_work_advance_all(w, jobs));
	*jobs += w->refused - refused;
	if (prepare && *jobs == 0)
		ov_job_prepare(&w->run);
done:
	ov_home_release(w->home);
	return st;
}

static enum ov_status
open_left(void *arg, const struct ov_job *j)
{
	*(size_t *)arg += !ov_job_final(j->state);
	return OV_OK;
}

static enum ov_status
once(struct ov_work *w, uint32_t wait_s)
{
	uint64_t give_up = ov_clock_ms() + (uint64_t)wait_s * 1000;
	size_t jobs = 0, open = 0;
	enum ov_status st;

	for (;;) {
		uint64_t now;

		OV_TRY(round_of_work(w, &jobs, true));
		OV_TRY(ov_hold_check(w->home, NULL)); /* a log that is wrong stops all */
		now = ov_clock_ms();
		if (jobs > 0 || now >= give_up || ov_work_stopped())
			break;
		OV_TRY(ov_mail_await(w->session,
		    give_up - now < POLL_MS ? (uint32_t)(give_up - now) : POLL_MS));
	}
	OV_TRY(ov_job_each(w->home, open_left, &open));
	OV_REQUIRE(open == 0, OV_E_JOB_WAITING);
done:
	return st;
}

/* Until the next round, or until the agent is stopped. */
static void
pause_ms(uint32_t ms)
{
	const struct timespec slice = { 0, 100 * 1000000L };

	for (uint64_t end = ov_clock_ms() + ms;
	     ov_clock_ms() < end && !ov_work_stopped();)
		(void)nanosleep(&slice, NULL);
}

/* Only what a person must mend ends the agent; the rest is told and tried again. */
static enum ov_status
forever(struct ov_work *w)
{
	enum ov_status st = OV_OK;
	size_t jobs;

	while (!ov_work_stopped()) {
		/* an idle agent keeps no list in memory */
		st = round_of_work(w, &jobs, false);
		if (st == OV_E_DB_BUSY)
			continue; /* an import takes its time */
		if (st == OV_OK)
			st = ov_mail_await(w->session, POLL_MS);
		if (st == OV_OK)
			continue;
		if (ov_work_stopped())
			break;
		ov_log(OV_LOG_WARN, "agent.round", OV_F_STATUS(st));
		if (ov_status_class(st) == OV_CLASS_BUG || st == OV_E_BROKER_REVOKED ||
		    st == OV_E_HOME_CHANGED)
			return st;
		pause_ms(POLL_MS);
	}
	return OV_OK;
}

enum ov_status
ov_verb_agent(struct ov_cli *cli, int argc, char **argv)
{
	static const struct option options[] = { { "once", no_argument, NULL, 'o' },
		{ "wait", required_argument, NULL, 'w' }, { NULL, 0, NULL, 0 } };
	uint32_t wait_s = WAIT_DEFAULT_S;
	bool only_once = false;
	struct ov_work w;
	enum ov_status st;

	memset(&w, 0, sizeof(w));
	for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		if (c == 'w')
			OV_TRY(ov_work_seconds(&wait_s, cli, optarg));
		else if (c == 'o')
			only_once = true;
		else
			return ov_cli_bad_option(cli, argv, "agent");
	}
	if (optind != argc)
		return ov_cli_fail(cli, OV_E_USAGE, "agent takes no arguments");
	OV_TRY(ov_work_open(&w, cli, wait_s));
	st = only_once ? once(&w, wait_s) : forever(&w);
done:
	ov_work_close(&w);
	return st;
}
