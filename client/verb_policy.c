/* overlap policy: what a policy file lets a partner learn. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "client/book/book.h"
#include "client/cli_fault.h"
#include "client/screen.h"
#include "client/sheet.h"
#include "client/terms.h"
#include "client/verbs.h"

const char ov_help_policy[] =
    "usage: overlap policy show [FILE] [--partner PARTNER]\n"
    "       overlap policy check FILE\n"
    "\n"
    "show   says in plain words, with numbers, what a partner would learn under the\n"
    "       policy in FILE (without FILE: under the one that holds by default), what "
    "you\n"
    "       would learn, and what the broker sees.  --partner PARTNER takes what this\n"
    "       partner offers into account\n"
    "check  reads FILE and compares it with your book; says what is wrong, and where\n"
    "\n"
    "A policy file; all but the populations may be left out:\n"
    "  version: 1\n"
    "  populations:\n"
    "    customers: matches          # which of ITS accounts are among your customers\n"
    "    open_opportunities: hidden  # stay out of every job\n"
    "    prospects: counts           # how many accounts both have, with noise\n"
    "  reciprocal: no                # yes: no level above what the partner gives\n"
    "  icp_fit: yes                  # how many accounts of a cell fit your profile\n"
    "  icp: my.icp.yaml              # criteria that the partner is asked to evaluate\n"
    "                                # on its columns: a file, or the criteria here\n"
    "  icp_columns: [industry]       # your columns that its criteria may be about:\n"
    "                                # country, industry, type, lifecycle, stage (which\n"
    "                                # value), employees, revenue and kept ones "
    "(numbers)\n"
    "  name_only_keys: no            # names without a country, if both allow it\n"
    "  duns_must_agree: no           # yes: no match of accounts with different DUNS\n"
    "                                # numbers, whatever else they share, if both say "
    "so\n"
    "  size: 1000                    # tell the size of your list, rounded to this\n"
    "  noise: laplace                # none: exact counts, if both say so; the partner\n"
    "                                # can find out members then\n"
    "  epsilon: 1/3                  # of a view of counts: smaller is more noise\n"
    "  view_days: 28                 # from one view to the next\n"
    "  year_epsilon: 13/3            # of all views in 365 days\n"
    "  shown_from: 20                # smaller numbers are not shown\n"
    "  minimum_count: 10             # the same for exact counts, and for their rest\n"
    "  caps:\n"
    "    slots: 1_000_000            # keys that the partner may ask in one run\n"
    "    minimum_list: 100           # a shorter list is refused\n"
    "    runs_per_30_days: 31\n"
    "  group: emea                   # partners of one group share caps and epsilon\n"
    "\n"
    "example: overlap policy check globex.yaml\n"
    "         overlap policy show globex.yaml --partner Globex\n";

struct run {
	struct ov_cli *cli;
	const char *file, *who; /* NULL: none */
	bool show;
	struct ov_home *home; /* NULL: none yet */
	struct ov_partner partner;
	struct ov_terms_view view;
	bool has_book;
	struct ov_populations book; /* the built-in ones while there is none */
	struct ov_policy policy;
	struct ov_buf sheet;
};

static enum ov_status
print_json(const struct run *r)
{
	struct ov_json *doc = ov_json_new();
	struct ov_json *hidden = ov_json_array(doc, "hidden");
	enum ov_status st;

	for (size_t i = 0; i < r->book.n; i++)
		if (ov_policy_level(&r->policy, r->book.name[i]) == OV_LEVEL_HIDDEN)
			ov_json_text(hidden, NULL, r->book.name[i]);
	ov_json_text(doc, "group", r->policy.group[0] != '\0' ? r->policy.group : NULL);
	OV_TRY(ov_sheet_json(doc, OV_BUF_BYTES(&r->sheet)));
	if (r->view.theirs.len > 0)
		OV_TRY(ov_sheet_json(
		    ov_json_object(doc, "you_get"), OV_BUF_BYTES(&r->view.theirs)));
	OV_TRY(ov_json_write(r->cli->out, doc));
done:
	ov_json_free(doc);
	return st;
}

/* The home and what it knows: nothing is missed while there is none, unless somebody
 * names one. */
static enum ov_status
look_around(struct run *r)
{
	enum ov_status st = ov_cli_home(&r->home, r->cli);

	ov_populations_default(&r->book);
	if (st == OV_E_HOME_MISSING && r->cli->home.path == NULL && r->who == NULL)
		return OV_OK;
	OV_TRY(st);
	OV_TRY(ov_book_populations(&r->book, r->home->db));
	r->has_book = r->book.n > 0;
	if (!r->has_book)
		ov_populations_default(&r->book);
	if (r->who == NULL)
		goto done;
	OV_TRY(ov_partner_find(&r->partner, r->home, r->who));
	OV_TRY(ov_terms_view(&r->view, r->home, r->partner.company));
done:
	return st;
}

static enum ov_status
read_policy(struct run *r)
{
	const char *name = r->file != NULL ? r->file : "the default policy";
	struct ov_fault fault = { 0 };
	enum ov_status st = OV_OK;

	ov_policy_default(&r->policy);
	if (r->file != NULL)
		st = ov_policy_read_file(&r->policy, r->file, &fault);
	if (st == OV_OK)
		st = ov_policy_check(&r->policy, &r->book, &fault);
	if (st == OV_OK && r->has_book)
		st = ov_book_check_columns(r->home->db, &r->policy, &fault);
	if (st != OV_OK)
		return ov_cli_fault(r->cli, st, name, &fault);
	st = ov_sheet_of_policy(&r->sheet, &r->policy);
	if (st == OV_E_POLICY_REFUSED)
		(void)ov_fault_set(&fault, st, r->policy.populations_line,
		    "every population is hidden, so there is nothing to agree on");
	return st == OV_OK ? st : ov_cli_fault(r->cli, st, name, &fault);
}

/* Of this home alone: it is in no sheet. */
static void
print_group(const struct run *r)
{
	char line[256];

	if (r->policy.group[0] == '\0')
		return;
	fputs("Group\n", r->cli->out);
	snprintf(line, sizeof(line),
	    "%s: its partners together have the runs, the views and the changes of "
	    "criteria "
	    "of one, by this home's own count; nobody is told",
	    r->policy.group);
	ov_screen_paragraph(r->cli->out, 2, line);
}

static enum ov_status
run(struct run *r)
{
	const struct ov_sheet_words words = { .partner = r->who != NULL ? r->partner.name
									: "the partner",
		.mine = OV_BUF_BYTES(&r->sheet),
		.theirs = OV_BUF_BYTES(&r->view.theirs),
		.book = &r->book };
	enum ov_status st = OV_OK;

	if (r->cli->json)
		return print_json(r);
	if (r->show) {
		OV_TRY(ov_sheet_explain(r->cli->out, &words));
		print_group(r);
		goto done;
	}
	fprintf(r->cli->out, "The policy is good.\n");
	if (r->policy.exact)
		fputs("With `noise: none` in the partner's, too, it can find out which "
		      "accounts are among\nthose at `counts`: `overlap policy show` says "
		      "how.\n",
		    r->cli->out);
done:
	return st;
}

enum ov_status
ov_verb_policy(struct ov_cli *cli, int argc, char **argv)
{
	static const struct option options[] = {
		{ "partner", required_argument, NULL, 'p' }, { NULL, 0, NULL, 0 }
	};
	bool show = argc > 1 && strcmp(argv[1], "show") == 0;
	bool check = argc > 1 && strcmp(argv[1], "check") == 0;
	struct run *r = calloc(1, sizeof(*r));
	enum ov_status st = OV_OK;

	OV_REQUIRE(r != NULL, OV_E_NOMEM);
	r->cli = cli;
	r->show = show;
	for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		if (c != 'p') {
			st = ov_cli_bad_option(cli, argv, "policy");
			goto done;
		}
		r->who = optarg;
	}
	if ((!show && !check) || argc - optind > 2 || (check && argc - optind != 2) ||
	    (check && r->who != NULL)) {
		st = ov_cli_fail(cli, OV_E_USAGE,
		    "policy takes `show [FILE] [--partner PARTNER]` or `check FILE`; see "
		    "`overlap policy --help`");
		goto done;
	}
	r->file = argc - optind == 2 ? argv[optind + 1] : NULL;
	OV_TRY(look_around(r));
	OV_TRY(read_policy(r));
	OV_TRY(run(r));
done:
	if (r != NULL) {
		ov_terms_view_free(&r->view);
		ov_buf_free(&r->sheet);
		ov_home_close(r->home);
	}
	free(r);
	return st;
}
