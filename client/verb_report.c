/* overlap report: what the newest job with a partner showed. */
#include <getopt.h>

#include "client/cli_fault.h"
#include "client/outfile.h"
#include "client/report_open.h"
#include "client/report_print.h"
#include "client/verbs.h"

const char ov_help_report[] =
    "usage: overlap report [PARTNER] [--job ID] [--csv FILE|-] [--excel] [--json]\n"
    "\n"
    "Shows the newest report, or the newest with PARTNER, or that of a job (its id, or "
    "the\n"
    "first 8 digits or more): the matrix of your populations by theirs, how many pairs "
    "fit\n"
    "your profile and theirs, what was held back and why, what was charged and what is "
    "left,\n"
    "what was checked.  Asks nobody: everything is kept in this home.\n"
    "\n"
    "  --csv FILE  writes the matrix as CSV to FILE; `-` is standard output\n"
    "  --excel     with --csv: puts an apostrophe before values that a spreadsheet would "
    "run\n"
    "              as a formula (= + - @); they are not verbatim then\n"
    "\n"
    "CSV columns: my_population,their_population,level,pairs,plus_minus,fits_mine,\n"
    "fits_theirs,plus_minus_fits,held_back,next_view.  A number that is held back is "
    "empty.\n"
    "JSON: job, partner, partner_id, closed, terms, partner_verdict (what it says "
    "against "
    "its\n"
    "own report of this job, or null), unchanged, newer_job {job, state, reason, time} "
    "or "
    "null,\n"
    "mine [{number, name, accounts, matched, rows}], theirs\n"
    "[{number, name, level}], cells [{mine, theirs, pairs, fits_mine, fits_theirs,\n"
    "plus_minus, plus_minus_fits}], held_back [{theirs (null: all that are counted),\n"
    "reason (not_due, budget, small, partner), next_view}], greenfield {their_accounts,\n"
    "not_mine, approximate, at_most} or null, matches and rows (distinct accounts of "
    "yours,\n"
    "and their rows), wrong (matches that you found wrong, not counted in these),\n"
    "fits_my_icp {yes, no, unknown}, charged {slots, their_slots,\n"
    "slots_30_days, their_slots_30_days, runs_30_days, each also with _own_count, "
    "runs_left,\n"
    "group, group_runs_30_days, my_views and their_views {epsilon_milli,\n"
    "epsilon_milli_365_days, .._own_count, epsilon_milli_left, next_view} or null, "
    "differs}.\n"
    "A number that is held back is null.\n"
    "Exit codes: 0 done; 1 this machine failed; 2 no such report; 4 the first report "
    "with\n"
    "this partner is still to come.\n"
    "\n"
    "example: overlap report Globex\n";

struct printing {
	const struct ov_report *r;
	enum ov_csv kind;
};

static enum ov_status
print_csv(FILE *out, const void *arg)
{
	const struct printing *p = arg;

	return ov_report_print_csv(out, p->r, p->kind);
}

static enum ov_status
write_csv(struct ov_cli *cli, const struct ov_report *r, const char *path, bool excel)
{
	const struct printing p = { r, excel ? OV_CSV_SPREADSHEET : OV_CSV_VERBATIM };
	enum ov_status st = ov_outfile_print(path, cli->out, print_csv, &p);

	return st == OV_E_IO ? ov_cli_no_file(cli, path) : st;
}

enum ov_status
ov_verb_report(struct ov_cli *cli, int argc, char **argv)
{
	static const struct option options[] = { { "job", required_argument, NULL, 'j' },
		{ "csv", required_argument, NULL, 'c' },
		{ "excel", no_argument, NULL, 'x' }, { NULL, 0, NULL, 0 } };
	const char *job = NULL, *csv = NULL;
	struct ov_home *home = NULL;
	struct ov_report r;
	bool excel = false;
	enum ov_status st;

	for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		if (c == 'j')
			job = optarg;
		else if (c == 'c')
			csv = optarg;
		else if (c == 'x')
			excel = true;
		else
			return ov_cli_bad_option(cli, argv, "report");
	}
	if (argc - optind > 1)
		return ov_cli_fail(cli, OV_E_USAGE, "report takes one partner at most");
	if (csv != NULL && cli->json)
		return ov_cli_fail(cli, OV_E_USAGE, "either --csv or --json");
	if (csv == NULL && excel)
		return ov_cli_fail(cli, OV_E_USAGE, "--excel goes with --csv");
	OV_TRY(ov_report_open(&r, &home, cli, optind < argc ? argv[optind] : NULL, job));
	if (csv != NULL)
		st = write_csv(cli, &r, csv, excel);
	else if (cli->json)
		st = ov_report_print_json(cli->out, &r);
	else
		st = ov_report_print_text(cli->out, &r);
done:
	ov_home_close(home);
	return st;
}
