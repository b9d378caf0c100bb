/* overlap run: one overlap job with a partner. */
#include <getopt.h>
#include <string.h>

#include "client/book/policy.h"
#include "client/json.h"
#include "client/verbs.h"
#include "client/work.h"

#define WAIT_DEFAULT_S 300

const char ov_help_run[] =
    "usage: overlap run PARTNER [--wait SECONDS] [--dry-run] [--json]\n"
    "\n"
    "Proposes an overlap job to PARTNER, or goes on with the one that is open, until "
    "the\n"
    "report is here.  The partner's side is `overlap agent` or `overlap run`.\n"
    "\n"
    "  --wait SECONDS  how long to wait for the partner at each step (300); when it "
    "runs\n"
    "                  out the exit code is 4 and nothing is lost: run it again\n"
    "  --dry-run       says what would leave this machine and what could be learnt; "
    "sends\n"
    "                  nothing\n"
    "\n"
    "JSON: job, partner, state, status, accounts, keys, slots, matches, kernel, stages\n"
    "and cpu (seconds), bytes_sent, bytes_received.  JSON of --dry-run: dry_run, "
    "partner, accounts, keys,\n"
    "slots, populations [{name, accounts, level}] that the partner could learn of,\n"
    "runs_30_days, runs_allowed.\n"
    "\n"
    "example: overlap run Globex --wait 3600\n";

/* Once more if the partner's proposal crossed ours. */
static enum ov_status
run_job(struct ov_job *j, struct ov_work *w, const struct ov_partner *partner)
{
	enum ov_status st;

	OV_TRY(ov_job_propose(j, &w->run, partner));
	st = ov_work_advance(w, j);
	if (st != OV_E_DB_CONFLICT)
		return st;
	OV_TRY(ov_work_mail(w, 5000));
	st = ov_job_open_with(j, w->home, partner->company);
	/* nothing to answer: the job before this one is still open on the other side */
	OV_REQUIRE(st != OV_E_NOT_FOUND, OV_E_JOB_WAITING);
	OV_TRY(st);
	OV_TRY(ov_work_advance(w, j));
done:
	return st;
}

/* The populations at this level, under a line that says what it means. */
static void
print_given(
    FILE *out, const struct ov_job_plan *p, enum ov_level level, const char *meaning)
{
	bool said = false;

	for (size_t i = 0; i < p->terms.n_mine; i++) {
		if (p->terms.mine[i].level != level)
			continue;
		if (!said)
			fprintf(out, "  %s:\n", meaning);
		said = true;
		fprintf(out, "  %8u  ", p->per_population[i]);
		ov_print_name(out, p->terms.mine[i].name);
		fprintf(out, "\n");
	}
}

static void
print_plan(FILE *out, const struct ov_job_plan *p, const char *partner)
{
	fprintf(out,
	    "What would leave: %u accounts with %u keys, as %u slots.  A slot is a curve "
	    "point\n"
	    "that says nothing without the partner's secret; the padding to %u hides how "
	    "many\n"
	    "accounts there are.  No name, domain or other field leaves.\n\n",
	    p->records, p->tokens, p->slots, p->slots);
	fprintf(out, "What ");
	ov_print_name(out, partner);
	fprintf(out, " could learn:\n");
	print_given(
	    out, p, OV_LEVEL_MATCHES, "which accounts of ITS list are among these");
	print_given(out, p, OV_LEVEL_COUNTS,
	    "only how many are among these, when a view is due (`overlap status`)");
	fprintf(out,
	    "and nothing of your accounts that are not in its list.  The broker sees "
	    "sizes,\n"
	    "times and which positions match, no names.\n\n"
	    "Runs in 30 days: %u of %u.\n",
	    p->runs, p->runs_allowed);
}

static enum ov_status
print_plan_json(FILE *out, const struct ov_job_plan *p, const char *partner)
{
	struct ov_json *doc = ov_json_new(), *list, *at;
	enum ov_status st;

	ov_json_bool(doc, "dry_run", true);
	ov_json_text(doc, "partner", partner);
	ov_json_number(doc, "accounts", p->records);
	ov_json_number(doc, "keys", p->tokens);
	ov_json_number(doc, "slots", p->slots);
	list = ov_json_array(doc, "populations");
	for (size_t i = 0; i < p->terms.n_mine; i++) {
		if (p->terms.mine[i].level == OV_LEVEL_HIDDEN)
			continue;
		at = ov_json_object(list, NULL);
		ov_json_text(at, "name", p->terms.mine[i].name);
		ov_json_number(at, "accounts", p->per_population[i]);
		ov_json_text(at, "level", ov_level_name(p->terms.mine[i].level));
	}
	ov_json_number(doc, "runs_30_days", p->runs);
	ov_json_number(doc, "runs_allowed", p->runs_allowed);
	st = ov_json_write(out, doc);
	ov_json_free(doc);
	return st;
}

static enum ov_status
plan(struct ov_work *w, const struct ov_partner *partner)
{
	struct ov_job_plan p;
	enum ov_status st;

	OV_TRY(ov_job_plan(&p, &w->run, partner));
	if (w->cli->json)
		OV_TRY(print_plan_json(w->cli->out, &p, partner->name));
	else
		print_plan(w->cli->out, &p, partner->name);
done:
	return st;
}

enum ov_status
ov_verb_run(struct ov_cli *cli, int argc, char **argv)
{
	static const struct option options[] = { { "wait", required_argument, NULL, 'w' },
		{ "dry-run", no_argument, NULL, 'n' }, { NULL, 0, NULL, 0 } };
	uint32_t wait_s = WAIT_DEFAULT_S;
	bool dry = false;
	struct ov_partner partner;
	struct ov_work w;
	struct ov_job j;
	enum ov_status st;

	memset(&w, 0, sizeof(w));
	for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		if (c == 'w')
			OV_TRY(ov_work_seconds(&wait_s, cli, optarg));
		else if (c == 'n')
			dry = true;
		else
			return ov_cli_bad_option(cli, argv, "run");
	}
	if (optind != argc - 1)
		return ov_cli_fail(
		    cli, OV_E_USAGE, "name one partner: overlap run PARTNER");
	OV_TRY(ov_work_open(&w, cli, wait_s));
	OV_TRY(ov_partner_find(&partner, w.home, argv[optind]));
	if (dry) {
		OV_TRY(plan(&w, &partner));
		goto done;
	}
	OV_TRY(ov_work_mail(&w, 0));
	memset(&j, 0, sizeof(j));
	st = run_job(&j, &w, &partner);
	if (ov_job_final(j.state)) {
		enum ov_status printed = ov_work_print(&w, &j);

		st = st == OV_OK ? printed : st;
	}
	if (st == OV_E_BROKER_UNKNOWN)
		(void)ov_cli_fail(cli, st,
		    "%.64s may have been shut out by the broker's operator",
		    argv[optind]);
done:
	ov_work_close(&w);
	return st;
}
