/* overlap matches: which accounts matched, as table, CSV or JSON. */
#include <getopt.h>
#include <string.h>
#include <strings.h>

#include "client/outfile.h"
#include "client/report_open.h"
#include "client/report_print.h"
#include "client/verbs.h"

const char ov_help_matches[] =
    "usage: overlap matches [PARTNER] [--job ID] [--csv FILE|-] [--excel] [--json]\n"
    "                       [--population MINE] [--theirs POP] [--icp yes|no|unknown]\n"
    "\n"
    "Lists your accounts that matched, in the newest report, or the newest with "
    "PARTNER,\n"
    "or that of a job.\n"
    "\n"
    "  --population MINE  only those in this population of yours; may be repeated\n"
    "  --theirs POP       only those in this population of the partner's; may be "
    "repeated\n"
    "  --icp FIT          only those that fit your profile: yes, no or unknown; may be\n"
    "                     repeated\n"
    "  --csv FILE         writes CSV to FILE; `-` is standard output\n"
    "  --excel            with --csv: puts an apostrophe before values that a "
    "spreadsheet\n"
    "                     would run as a formula (= + - @); they are not verbatim then\n"
    "\n"
    "CSV columns: match,account_id,name,my_population,their_population,key,rows,\n"
    "fits_my_icp.  account_id has the ids of all rows of the account, joined by `;`; key "
    "is\n"
    "lei, cik, duns, vat, domain, namecc or name.  JSON: report {job, partner, "
    "partner_id,\n"
    "closed, terms}, matches [{the columns of the CSV}].\n"
    "Exit codes: 0 done; 1 this machine failed; 2 no such report or population; 4 the "
    "first\n"
    "report with this partner is still to come.\n"
    "\n"
    "example: overlap matches Globex --population prospects --theirs customers --csv -\n";

struct options {
	struct ov_cli *cli;
	const char *partner, *job, *csv;
	const char *mine[OV_POPULATIONS_MAX], *theirs[OV_POPULATIONS_MAX];
	size_t n_mine, n_theirs;
	enum ov_csv kind;
	struct ov_match_filter filter;
};

static enum ov_status
add_name(struct options *o, const char *list[OV_POPULATIONS_MAX], size_t *n)
{
	if (*n == OV_POPULATIONS_MAX)
		return ov_cli_fail(o->cli, OV_E_USAGE, "too many populations");
	list[(*n)++] = optarg;
	return OV_OK;
}

static enum ov_status
add_fit(struct options *o)
{
	for (uint8_t fit = OV_FIT_UNKNOWN; fit <= OV_FIT_YES; fit++)
		if (strcmp(optarg, ov_fit_text(fit)) == 0) {
			o->filter.fits |= (uint8_t)(1U << fit);
			return OV_OK;
		}
	return ov_cli_fail(o->cli, OV_E_USAGE, "--icp takes yes, no or unknown");
}

static enum ov_status
read_option(struct options *o, int c)
{
	switch (c) {
	case 'j':
		o->job = optarg;
		return OV_OK;
	case 'c':
		o->csv = optarg;
		return OV_OK;
	case 'x':
		o->kind = OV_CSV_SPREADSHEET;
		return OV_OK;
	case 'm':
		return add_name(o, o->mine, &o->n_mine);
	case 't':
		return add_name(o, o->theirs, &o->n_theirs);
	case 'i':
		return add_fit(o);
	default:
		return OV_E_USAGE;
	}
}

static enum ov_status
read_options(struct options *o, int argc, char **argv)
{
	static const struct option options[] = { { "job", required_argument, NULL, 'j' },
		{ "csv", required_argument, NULL, 'c' },
		{ "excel", no_argument, NULL, 'x' },
		{ "population", required_argument, NULL, 'm' },
		{ "theirs", required_argument, NULL, 't' },
		{ "icp", required_argument, NULL, 'i' }, { NULL, 0, NULL, 0 } };
	enum ov_status st = OV_OK;

	for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		if (c == '?')
			return ov_cli_bad_option(o->cli, argv, "matches");
		OV_TRY(read_option(o, c));
	}
	if (argc - optind > 1)
		return ov_cli_fail(
		    o->cli, OV_E_USAGE, "matches takes one partner at most");
	if (o->csv != NULL && o->cli->json)
		return ov_cli_fail(o->cli, OV_E_USAGE, "either --csv or --json");
	if (o->csv == NULL && o->kind != OV_CSV_VERBATIM)
		return ov_cli_fail(o->cli, OV_E_USAGE, "--excel goes with --csv");
	o->partner = optind < argc ? argv[optind] : NULL;
done:
	return st;
}

/* Case, spaces and underscores make no difference. */
static bool
same_name(const char *a, const char *b)
{
	for (; *a != '\0' && *b != '\0'; a++, b++) {
		char x = *a == '_' ? ' ' : *a, y = *b == '_' ? ' ' : *b;

		if (strncasecmp(&x, &y, 1) != 0)
			return false;
	}
	return *a == *b;
}

/* Sets the bit of the population called name. */
static enum ov_status
find_population(uint16_t *bits, struct ov_cli *cli, const struct ov_report_population *p,
    size_t n, const char *name)
{
	char have[256] = "";
	size_t len = 0;

	for (size_t i = 0; i < n; i++) {
		if (same_name(p[i].name, name)) {
			*bits |= (uint16_t)(1U << p[i].number);
			return OV_OK;
		}
		if (len + strlen(p[i].name) + 3 <= sizeof(have))
			len += (size_t)snprintf(have + len, sizeof(have) - len, "%s%s",
			    i > 0 ? ", " : "", p[i].name);
	}
	return ov_cli_fail(cli, OV_E_USAGE,
	    "no population `%.40s` in this report; there are: %s", name, have);
}

static enum ov_status
choose_populations(struct options *o, const struct ov_report *r)
{
	enum ov_status st = OV_OK;

	for (size_t i = 0; i < o->n_mine; i++)
		OV_TRY(find_population(
		    &o->filter.mine, o->cli, r->mine, r->n_mine, o->mine[i]));
	for (size_t i = 0; i < o->n_theirs; i++)
		OV_TRY(find_population(
		    &o->filter.theirs, o->cli, r->theirs, r->n_theirs, o->theirs[i]));
done:
	return st;
}

struct printing {
	const struct options *o;
	struct ov_db *db;
	const struct ov_report *r;
};

static enum ov_status
print_csv(FILE *out, const void *arg)
{
	const struct printing *p = arg;

	return ov_matches_print_csv(out, p->db, p->r, &p->o->filter, p->o->kind);
}

static enum ov_status
write_csv(const struct options *o, struct ov_db *db, const struct ov_report *r)
{
	const struct printing p = { o, db, r };
	enum ov_status st = ov_outfile_print(o->csv, o->cli->out, print_csv, &p);

	return st == OV_E_IO ? ov_cli_fail(o->cli, st, "%s was not written", o->csv) : st;
}

enum ov_status
ov_verb_matches(struct ov_cli *cli, int argc, char **argv)
{
	struct options o = { .cli = cli };
	struct ov_home *home = NULL;
	struct ov_report r;
	enum ov_status st;

	OV_TRY(read_options(&o, argc, argv));
	OV_TRY(ov_report_open(&r, &home, cli, o.partner, o.job));
	OV_TRY(choose_populations(&o, &r));
	if (o.csv != NULL)
		st = write_csv(&o, home->db, &r);
	else if (cli->json)
		st = ov_matches_print_json(cli->out, home->db, &r, &o.filter);
	else
		st = ov_matches_print_table(cli->out, home->db, &r, &o.filter);
done:
	ov_home_close(home);
	return st;
}
