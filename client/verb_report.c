/* overlap report: what the newest job with a partner showed. */
#include <getopt.h>

#include "client/report_open.h"
#include "client/report_print.h"
#include "client/verbs.h"

const char ov_help_report[] =
    "usage: overlap report [PARTNER] [--job ID] [--json]\n"
    "\n"
    "Shows the newest report, or the newest with PARTNER, or that of a job (its id, or "
    "the\n"
    "first 8 digits or more): the matrix of your populations by theirs, how many pairs "
    "fit\n"
    "your profile and theirs, what was charged, what was checked.  Asks nobody: "
    "everything\n"
    "is kept in this home.\n"
    "\n"
    "JSON: job, partner, partner_id, closed, terms, unchanged, newer_job {job, state,\n"
    "reason, time} or null, mine [{number, name, accounts, matched, rows}], theirs\n"
    "[{number, name}], cells [{mine, theirs, pairs, fits_mine, fits_theirs, "
    "plus_minus}],\n"
    "matches and rows (distinct accounts of yours, and their rows), fits_my_icp {yes, "
    "no,\n"
    "unknown}, charged {slots, their_slots, slots_30_days, their_slots_30_days,\n"
    "runs_30_days, runs_30_days_own_count, runs_left}.  A number that is held back is "
    "null.\n"
    "Exit codes: 0 done; 1 this machine failed; 2 no such report; 4 the first report "
    "with\n"
    "this partner is still to come.\n"
    "\n"
    "example: overlap report Globex\n";

enum ov_status
ov_verb_report(struct ov_cli *cli, int argc, char **argv)
{
	static const struct option options[] = { { "job", required_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 } };
	const char *job = NULL;
	struct ov_home *home = NULL;
	struct ov_report r;
	enum ov_status st;

	for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		if (c != 'j')
			return ov_cli_bad_option(cli, argv, "report");
		job = optarg;
	}
	if (argc - optind > 1)
		return ov_cli_fail(cli, OV_E_USAGE, "report takes one partner at most");
	OV_TRY(ov_report_open(&r, &home, cli, optind < argc ? argv[optind] : NULL, job));
	st = cli->json ? ov_report_print_json(cli->out, &r)
		       : ov_report_print_text(cli->out, &r);
done:
	ov_home_close(home);
	return st;
}
