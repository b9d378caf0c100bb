/* overlap policy: what a policy file lets a partner learn. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "client/book/book.h"
#include "client/book/policy.h"
#include "client/cli_fault.h"
#include "client/json.h"
#include "client/verbs.h"

const char ov_help_policy[] =
    "usage: overlap policy show [FILE]\n"
    "       overlap policy check FILE\n"
    "\n"
    "show   says in plain words what a partner would learn under the policy in FILE\n"
    "       (without FILE: under the policy that holds by default)\n"
    "check  reads FILE and compares it with your book; says what is wrong and where\n"
    "\n"
    "A policy file:\n"
    "  version: 1\n"
    "  populations:\n"
    "    customers: matches          # which of ITS accounts are among your customers\n"
    "    open_opportunities: hidden  # stay out of every job\n"
    "    prospects: matches\n"
    "  caps:\n"
    "    slots: 1_000_000            # keys that the partner may ask in one run\n"
    "    minimum_list: 100           # a shorter list is refused\n"
    "    runs_per_30_days: 31\n"
    "\n"
    "example: overlap policy check globex.yaml\n";

static enum ov_status
print_json(struct ov_cli *cli, const struct ov_policy *p)
{
	struct ov_json *doc = ov_json_new();
	struct ov_json *list = ov_json_array(doc, "populations");
	enum ov_status st;

	for (size_t i = 0; i < p->n_populations; i++) {
		struct ov_json *o = ov_json_object(list, NULL);

		ov_json_text(o, "name", p->population[i].name);
		ov_json_text(o, "level", ov_level_name(p->population[i].level));
	}
	ov_json_bool(doc, "icp_fit", p->share_icp_fit);
	ov_json_bool(doc, "name_only_keys", p->name_only_keys);
	ov_json_number(doc, "slots", p->slots);
	ov_json_number(doc, "minimum_list", p->minimum_list);
	ov_json_number(doc, "runs_per_30_days", p->runs_per_30_days);
	st = ov_json_write(cli->out, doc);
	ov_json_free(doc);
	return st;
}

/* The book's populations; the built-in ones while there is no book, or no home. */
static enum ov_status
populations_of(struct ov_populations *book, struct ov_cli *cli)
{
	struct ov_home *home = NULL;
	enum ov_status st = ov_cli_home(&home, cli);

	ov_populations_default(book);
	if (st == OV_E_HOME_MISSING && cli->home.path == NULL)
		return OV_OK;
	OV_TRY(st);
	OV_TRY(ov_book_populations(book, home->db));
	if (book->n == 0)
		ov_populations_default(book);
done:
	ov_home_close(home);
	return st;
}

static enum ov_status
run(struct ov_cli *cli, const char *file, bool show, struct ov_populations *book)
{
	struct ov_policy policy;
	struct ov_fault fault = { 0 };
	enum ov_status st = OV_OK;

	OV_TRY(populations_of(book, cli));
	ov_policy_default(&policy);
	if (file != NULL)
		st = ov_policy_read_file(&policy, file, &fault);
	if (st == OV_OK)
		st = ov_policy_check(&policy, book, &fault);
	if (st != OV_OK)
		return ov_cli_fault(
		    cli, st, file != NULL ? file : "the default policy", &fault);
	if (cli->json)
		OV_TRY(print_json(cli, &policy));
	else if (show)
		ov_policy_explain(cli->out, &policy, book, "the partner");
	else
		fprintf(cli->out, "The policy is good.\n");
done:
	return st;
}

enum ov_status
ov_verb_policy(struct ov_cli *cli, int argc, char **argv)
{
	bool show = argc > 1 && strcmp(argv[1], "show") == 0;
	bool check = argc > 1 && strcmp(argv[1], "check") == 0;
	struct ov_populations *book;
	enum ov_status st;

	if ((!show && !check) || argc > 3 || (check && argc != 3))
		return ov_cli_fail(cli, OV_E_USAGE,
		    "policy takes `show [FILE]` or `check FILE`; see `overlap policy "
		    "--help`");
	book = calloc(1, sizeof(*book));
	st = book != NULL ? run(cli, argc == 3 ? argv[2] : NULL, show, book) : OV_E_NOMEM;
	free(book);
	return st;
}
