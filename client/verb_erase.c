/* overlap accounts erase: one account, from everything that this home keeps. */
#include "client/verb_erase.h"

#include <getopt.h>
#include <string.h>

#include "client/erase.h"
#include "client/json.h"
#include "client/partner.h"
#include "client/screen.h"
#include "common/crypto/memory.h"

struct erasing {
	struct ov_cli *cli;
	struct ov_home *home;
	bool yes, list, absent;
	const char *undo;
	struct ov_json *dates; /* of the list, with --json */
	uint64_t n;
};

/* --- what it is --- */

static void
print_line(FILE *out, uint64_t n, const char *one, const char *many)
{
	char count[OV_COUNT_TEXT];

	if (n > 0)
		fprintf(out, "  %s %s\n", ov_count_text(count, n), n == 1 ? one : many);
}

static void
print_counts(FILE *out, const struct ov_erase_counts *c)
{
	print_line(out, c->rows, "row of the book", "rows of the book");
	print_line(out, c->held_rows, "row of the import that waits",
	    "rows of the import that waits");
	print_line(out, c->aliases, "alias", "aliases");
	print_line(out, c->kept, "name kept for reports", "names kept for reports");
	print_line(
	    out, c->matches, "match in stored reports", "matches in stored reports");
	print_line(out, c->marks, "mark as a wrong match", "marks as a wrong match");
}

static enum ov_status
put_counts(struct ov_cli *cli, const struct ov_erase_counts *c)
{
	struct ov_json *doc = ov_json_new();
	enum ov_status st;

	ov_json_number(doc, "rows", c->rows);
	ov_json_number(doc, "held_rows", c->held_rows);
	ov_json_number(doc, "aliases", c->aliases);
	ov_json_number(doc, "kept_names", c->kept);
	ov_json_number(doc, "matches", c->matches);
	ov_json_number(doc, "marks", c->marks);
	st = ov_json_write(cli->out, doc);
	ov_json_free(doc);
	return st;
}

/* --- erasing --- */

static enum ov_status
explain(struct erasing *e, const struct ov_erase_counts *c, enum ov_status st)
{
	char hex[2 * OV_ID + 1], until[OV_TIME_TEXT];
	struct ov_partner p = { 0 };

	if (st == OV_E_NOT_FOUND)
		return ov_cli_fail(e->cli, st,
		    "nothing here is of an account of that id, name or domain; --absent "
		    "keeps it out of later imports all the same");
	if (st == OV_E_DB_CONFLICT)
		return ov_cli_fail(e->cli, OV_E_USAGE,
		    "several accounts have that name or domain; give the id (`overlap "
		    "accounts why` shows it)");
	if (st != OV_E_ERASE_JOB)
		return st;
	if (ov_partner_get(&p, e->home, c->partner) != OV_OK)
		memcpy(p.name, "PARTNER", sizeof("PARTNER"));
	ov_hex(hex, c->job, OV_ID);
	ov_time_text(until, c->expiry);
	return ov_cli_fail(e->cli, st,
	    "job %.8s has it in its list: finish it (`overlap run`, %.64s), or wait "
	    "until it expires, %s",
	    hex, p.name, until);
}

/* Nothing here has it: nothing is deleted, but it is not to come either. */
static enum ov_status
keep_out(struct erasing *e, const char *text)
{
	const struct ov_erase_counts none = { .rows = 0 };
	enum ov_status st;

	if (!e->yes && !ov_cli_confirm(e->cli,
			   "Nothing here has that id, domain or name.  Leave out of "
			   "later imports what has?"))
		return ov_cli_fail(
		    e->cli, OV_E_USAGE, "nothing was changed; agree with --yes");
	OV_TRY(ov_erase_absent(e->home, text));
	if (e->cli->json)
		return put_counts(e->cli, &none);
	fputs(
	    "Imports will leave out every row of that id, domain or name from now on.\n",
	    e->cli->out);
done:
	return st;
}

static enum ov_status
erase(struct erasing *e, const char *text)
{
	struct ov_erase_counts c;
	enum ov_status st;

	OV_TRY(ov_home_claim_within(e->home, OV_HOME_CLAIM_WAIT_MS));
	st = ov_erase(&c, e->home, text, OV_ERASE_COUNT);
	if (st == OV_E_NOT_FOUND && e->absent)
		return keep_out(e, text);
	if (st != OV_OK)
		return explain(e, &c, st);
	if (!e->cli->json) {
		fputs("This deletes from this home, for good:\n", e->cli->out);
		print_counts(e->cli->out, &c);
		fputs(
		    "and imports will leave the account out from now on.\n", e->cli->out);
	}
	if (!e->yes && !ov_cli_confirm(e->cli, "\nErase it?"))
		return ov_cli_fail(
		    e->cli, OV_E_USAGE, "nothing was erased; agree with --yes");
	st = ov_erase(&c, e->home, text, OV_ERASE_DO);
	if (st == OV_E_DB_BUSY && c.erased)
		return ov_cli_fail(e->cli, st,
		    "erased, but another overlap process reads: until it ends, old "
		    "content is in the file beside the database");
	if (st != OV_OK)
		return explain(e, &c, st);
	if (e->cli->json)
		return put_counts(e->cli, &c);
	fputs("Erased.  Your CRM, copies of the home and earlier exports are yours to "
	      "clear.\n",
	    e->cli->out);
done:
	return st;
}

/* --- the memory --- */

static enum ov_status
show(void *arg, uint64_t at)
{
	struct erasing *e = arg;
	char date[OV_TIME_TEXT];

	e->n++;
	if (e->cli->json) {
		ov_json_time(ov_json_object(e->dates, NULL), "erased", at);
		return OV_OK;
	}
	ov_time_text(date, at);
	fprintf(e->cli->out, "an account, erased %s\n", date);
	return OV_OK;
}

static enum ov_status
list(struct erasing *e)
{
	struct ov_json *doc = e->cli->json ? ov_json_new() : NULL;
	enum ov_status st;

	e->dates = ov_json_array(doc, "accounts");
	OV_TRY(ov_erased_each(e->home->db, show, e));
	if (e->cli->json) {
		ov_json_number(doc, "n", e->n);
		OV_TRY(ov_json_write(e->cli->out, doc));
	} else if (e->n == 0) {
		fputs("No account was erased.\n", e->cli->out);
	}
done:
	ov_json_free(doc);
	return st;
}

static enum ov_status
undo(struct erasing *e)
{
	struct ov_json *doc;
	enum ov_status st;

	OV_TRY(ov_home_claim_within(e->home, OV_HOME_CLAIM_WAIT_MS));
	st = ov_erase_undo(e->home, e->undo);
	if (st == OV_E_NOT_FOUND)
		return ov_cli_fail(e->cli, st,
		    "no account was erased by that id, name or domain; give what it was "
		    "erased by");
	if (st == OV_E_DB_CONFLICT)
		return ov_cli_fail(e->cli, OV_E_USAGE,
		    "several erased accounts had that name or domain; give the id");
	OV_TRY(st);
	if (!e->cli->json) {
		fputs("Forgotten: the next import takes the account in if the file has "
		      "it.\n",
		    e->cli->out);
		return OV_OK;
	}
	doc = ov_json_new();
	ov_json_bool(doc, "forgotten", true);
	st = ov_json_write(e->cli->out, doc);
	ov_json_free(doc);
done:
	return st;
}

/* --- the verb --- */

static enum ov_status
read_options(struct erasing *e, int argc, char **argv)
{
	static const struct option options[] = { { "yes", no_argument, NULL, 'y' },
		{ "list", no_argument, NULL, 'l' }, { "absent", no_argument, NULL, 'a' },
		{ "undo", required_argument, NULL, 'u' }, { NULL, 0, NULL, 0 } };

	for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		if (c == 'y')
			e->yes = true;
		else if (c == 'l')
			e->list = true;
		else if (c == 'a')
			e->absent = true;
		else if (c == 'u')
			e->undo = optarg;
		else
			return ov_cli_bad_option(e->cli, argv, "accounts");
	}
	if ((e->list || e->undo != NULL ? 0 : 1) != argc - optind ||
	    (e->list && e->undo != NULL))
		return ov_cli_fail(e->cli, OV_E_USAGE,
		    "erase takes ID-OR-NAME, or --list, or --undo ID");
	return OV_OK;
}

enum ov_status
ov_verb_erase(struct ov_cli *cli, int argc, char **argv)
{
	struct erasing e = { .cli = cli };
	enum ov_status st;

	OV_TRY(read_options(&e, argc, argv));
	OV_TRY(ov_cli_home(&e.home, cli));
	if (e.list)
		st = list(&e);
	else if (e.undo != NULL)
		st = undo(&e);
	else
		st = erase(&e, argv[optind]);
done:
	ov_home_close(e.home);
	return st;
}
