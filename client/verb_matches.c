/* overlap matches: which accounts matched, as table, CSV or JSON. */
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "client/cli_fault.h"
#include "client/outfile.h"
#include "client/report_open.h"
#include "client/report_print.h"
#include "client/screen.h"
#include "client/verbs.h"
#include "client/wrong.h"

const char ov_help_matches[] =
    "usage: overlap matches [PARTNER] [--job ID] [--csv FILE|-] [--excel] [--json]\n"
    "                       [--population MINE] [--theirs POP] [--icp yes|no|unknown]\n"
    "                       [--excluded]\n"
    "       overlap matches [PARTNER] [--job ID] --wrong MATCH...\n"
    "       overlap matches [PARTNER] [--job ID] --right MATCH...\n"
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
    "  --wrong MATCH      this match (its number, as listed) is wrong: it is left out of "
    "the\n"
    "                     lists and totals of this report and of later ones, until the\n"
    "                     account matches by another kind of key or in another "
    "population\n"
    "                     of the partner's.  Only here: the partner and the broker "
    "learn\n"
    "                     nothing of it, later jobs compare the account as before, and "
    "the\n"
    "                     pairs in the matrix, which the broker counts, have it still\n"
    "  --right MATCH      takes that back\n"
    "  --excluded         lists those that are left out so\n"
    "\n"
    "CSV columns: match,account_id,name,my_population,their_population,key,rows,\n"
    "fits_my_icp,fits_by_my_data,fits_by_their_data,band_by_their_data.  A pair fits by\n"
    "your data if they tell, else by the partner's, where it evaluates your criteria\n"
    "(policy: `icp`).  account_id has the ids of all rows of the account, joined by `;`; "
    "key "
    "is\n"
    "lei, cik, duns, vat, id:<scheme>, domain, namecc or name.  JSON: report {job, "
    "partner, "
    "partner_id,\n"
    "closed, terms}, matches [{the columns of the CSV}].\n"
    "Exit codes: 0 done; 1 this machine failed; 2 no such report or population; 4 the "
    "first\n"
    "report with this partner is still to come.\n"
    "\n"
    "example: overlap matches Globex --population prospects --theirs customers --csv -\n";

#define MARKS_MAX 64

struct options {
	struct ov_cli *cli;
	const char *partner, *job, *csv;
	const char *mine[OV_POPULATIONS_MAX], *theirs[OV_POPULATIONS_MAX];
	size_t n_mine, n_theirs;
	enum ov_csv kind;
	struct ov_match_filter filter;
	size_t n_marks; /* matches to be marked as wrong, or as right after all */
	bool wrong;
	uint32_t mark[MARKS_MAX];
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
add_mark(struct options *o, const char *text, bool wrong)
{
	char *end;
	unsigned long long number = strtoull(text, &end, 10);

	if (end == text || *end != '\0' || number > UINT32_MAX)
		return ov_cli_fail(o->cli, OV_E_USAGE,
		    "--wrong and --right take the number of a match, as `overlap "
		    "matches` "
		    "lists it");
	if (o->n_marks == MARKS_MAX || (o->n_marks > 0 && o->wrong != wrong))
		return ov_cli_fail(o->cli, OV_E_USAGE,
		    "either --wrong or --right, for at most %d matches at once",
		    MARKS_MAX);
	o->wrong = wrong;
	o->mark[o->n_marks++] = (uint32_t)number;
	return OV_OK;
}

static enum ov_status
read_option(struct options *o, int c)
{
	switch (c) {
	case 'w':
	case 'r':
		return add_mark(o, optarg, c == 'w');
	case 'e':
		o->filter.wrong = OV_WRONG_ALONE;
		return OV_OK;
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

/* The words that are no options: a partner; behind --wrong and --right, more numbers. */
static enum ov_status
take_partner(struct options *o, int argc, char **argv)
{
	enum ov_status st = OV_OK;

	for (int i = optind; i < argc; i++) {
		const char *word = argv[i];

		if (o->n_marks > 0 && strspn(word, "0123456789") == strlen(word)) {
			OV_TRY(add_mark(o, word, o->wrong));
			continue;
		}
		if (o->partner != NULL)
			return ov_cli_fail(
			    o->cli, OV_E_USAGE, "matches takes one partner at most");
		o->partner = word;
	}
done:
	return st;
}

static enum ov_status
read_options(struct options *o, int argc, char **argv)
{
	static const struct option options[] = { { "job", required_argument, NULL, 'j' },
		{ "csv", required_argument, NULL, 'c' },
		{ "excel", no_argument, NULL, 'x' },
		{ "population", required_argument, NULL, 'm' },
		{ "theirs", required_argument, NULL, 't' },
		{ "icp", required_argument, NULL, 'i' },
		{ "wrong", required_argument, NULL, 'w' },
		{ "right", required_argument, NULL, 'r' },
		{ "excluded", no_argument, NULL, 'e' }, { NULL, 0, NULL, 0 } };
	enum ov_status st = OV_OK;

	for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		if (c == '?')
			return ov_cli_bad_option(o->cli, argv, "matches");
		OV_TRY(read_option(o, c));
	}
	OV_TRY(take_partner(o, argc, argv));
	if (o->csv != NULL && o->cli->json)
		return ov_cli_fail(o->cli, OV_E_USAGE, "either --csv or --json");
	if (o->csv == NULL && o->kind != OV_CSV_VERBATIM)
		return ov_cli_fail(o->cli, OV_E_USAGE, "--excel goes with --csv");
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

	return st == OV_E_IO ? ov_cli_no_file(o->cli, o->csv) : st;
}

/* --- marking --- */

struct marking {
	const struct options *o;
	const struct ov_report *r;
	struct ov_home *home;
	FILE *told; /* what is said once all are marked */
	bool done[MARKS_MAX];
};

static void
tell_mark(const struct marking *k, const struct ov_report_match *m, bool was)
{
	FILE *out = k->told;

	fprintf(out, "%" PRIu32 " ", m->number);
	ov_screen_cell(out, m->name[0] != '\0' ? m->name : m->ids, 0, OV_SCREEN_LEFT);
	if (k->o->wrong)
		fprintf(out, ": left out from now on; `--right %" PRIu32 "` undoes it\n",
		    m->number);
	else
		fputs(was ? ": listed again\n" : ": was not marked as wrong\n", out);
}

static enum ov_status
mark_match(void *arg, const struct ov_report_match *m)
{
	struct marking *k = arg;
	struct ov_wrong_match w = { m->rank, ov_report_theirs(k->r, m->theirs), m->ids,
		m->name };
	bool was = false;
	enum ov_status st = OV_OK;

	for (size_t i = 0; i < k->o->n_marks; i++) {
		if (k->o->mark[i] != m->number || k->done[i])
			continue;
		st = k->o->wrong ? ov_wrong_mark(k->home->db, k->r->partner, &w,
				       ov_home_now(k->home))
				 : ov_wrong_right(&was, k->home->db, k->r->partner, &w);
		if (st == OV_E_NOT_FOUND)
			st = ov_cli_fail(k->o->cli, OV_E_USAGE,
			    "match %" PRIu32 " has neither id nor name to remember it by",
			    m->number);
		OV_TRY(st);
		k->done[i] = true;
		tell_mark(k, m, was);
	}
done:
	return st;
}

static enum ov_status
mark_all(struct marking *k)
{
	static const struct ov_match_filter all = { .wrong = OV_WRONG_TOO };
	const struct options *o = k->o;
	enum ov_status st;

	OV_TRY(ov_db_begin(k->home->db));
	OV_TRY(ov_report_matches(k->home->db, k->r, &all, mark_match, k));
	for (size_t i = 0; i < o->n_marks; i++)
		if (!k->done[i]) {
			st = ov_cli_fail(o->cli, OV_E_NOT_FOUND,
			    "this report has no match %" PRIu32
			    "; nothing was marked; `overlap matches` lists "
			    "them",
			    o->mark[i]);
			goto done;
		}
	OV_TRY(ov_db_commit(k->home->db, "matches.wrong"));
done:
	ov_db_rollback(k->home->db);
	return st;
}

static enum ov_status
mark(const struct options *o, struct ov_home *home, const struct ov_report *r)
{
	struct marking k = { .o = o, .r = r, .home = home };
	char *text = NULL;
	size_t len = 0;
	enum ov_status st;

	k.told = open_memstream(&text, &len);
	OV_REQUIRE(k.told != NULL, OV_E_NOMEM);
	st = mark_all(&k);
	if (fclose(k.told) != 0 && st == OV_OK)
		st = OV_E_NOMEM;
	if (st == OV_OK && !o->cli->json)
		fputs(text, o->cli->out);
done:
	free(text);
	return st;
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
	if (o.n_marks > 0)
		OV_TRY(mark(&o, home, &r));
	if (o.n_marks > 0 && !cli->json)
		goto done;
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
