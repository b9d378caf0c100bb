/* overlap inbox: all that waits for a person. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "client/ask.h"
#include "client/book/book.h"
#include "client/hold.h"
#include "client/identity.h"
#include "client/inbox_print.h"
#include "client/job/freeze.h"
#include "client/job/verdict.h"
#include "client/mail.h"
#include "client/verb_partner.h"
#include "client/verbs.h"

const char ov_help_inbox[] =
    "usage: overlap inbox [--offline]\n"
    "       overlap inbox clear NUMBER [--accept-new-log]\n"
    "       overlap inbox clear mail | identities | verdicts\n"
    "       overlap inbox take import\n"
    "       overlap inbox drop import\n"
    "       overlap inbox drop ask PARTNER\n"
    "\n"
    "Fetches what has come and shows all that waits for a person: terms that a partner\n"
    "offers, what it asks for, partners without terms, holds that stop jobs, mail that\n"
    "was refused, reports of which a side says that they are false, and how many "
    "proposals\n"
    "wait for `overlap agent`.\n"
    "\n"
    "  --offline         does not ask the broker\n"
    "  clear NUMBER      a person has looked: the hold of that number no longer stops "
    "jobs\n"
    "  --accept-new-log  for a hold on the broker's log: its operator announced that a\n"
    "                    restored backup begins a new log, and you believe it\n"
    "  clear mail        forgets the refused mail\n"
    "  clear identities  partners' changed identities were looked at\n"
    "  clear verdicts    so were the reports that are said to be false\n"
    "  take import       the list that was held becomes the book\n"
    "  drop import       the list that was held is deleted; the book stays as it is\n"
    "  drop ask PARTNER  forgets what the partner asks for\n"
    "\n"
    "JSON: fetched (the broker was asked), proposals, holds, terms, asks, identities,\n"
    "verdicts, mail.\n"
    "\n"
    "example: overlap inbox --json\n";

/* Whatever keeps the mail from coming does not keep back what is here.  *fetched: by this
 * process, or by the agent of this home, which works on it. */
static void
fetch(bool *fetched, struct ov_home *home)
{
	struct ov_session *s = NULL;
	enum ov_status st;
	bool busy;

	OV_TRY(ov_session_open(&s, home));
	ov_session_set_patience(s, 2000);
	OV_TRY(ov_partner_mail(&busy, home, s));
	if (!busy)
		OV_TRY(ov_verdict_fetch(home, s));
	*fetched = true;
done:
	if (st != OV_OK)
		fprintf(stderr, "overlap: nothing was fetched: %s (%s)\n",
		    ov_status_text(st), ov_status_name(st));
	ov_session_close(s);
}

static enum ov_status
show(struct ov_cli *cli, struct ov_home *home, bool ask_broker)
{
	struct ov_inbox_before *before = NULL;
	bool fetched = false;
	enum ov_status st;

	if (ask_broker) {
		OV_TRY(ov_inbox_before_new(&before, home));
		fetch(&fetched, home);
	}
	OV_TRY(ov_inbox_print(cli, home, before, fetched));
done:
	ov_inbox_before_free(before);
	return st;
}

/* What was done, to a person. */
static enum ov_status
told(struct ov_cli *cli, enum ov_status st, const char *done)
{
	if (st == OV_OK && !cli->json)
		fprintf(cli->out, "%s\n", done);
	return st;
}

static enum ov_status
clear(struct ov_cli *cli, struct ov_home *home, const char *what, bool accept_log)
{
	char *end;
	long long number = strtoll(what, &end, 10);
	enum ov_status st;

	if (strcmp(what, "mail") == 0)
		return told(cli, ov_mail_forget_refused(home), "Forgotten.");
	if (strcmp(what, "identities") == 0)
		return told(cli, ov_identity_clear(home), "Noted.");
	if (strcmp(what, "verdicts") == 0)
		return told(cli, ov_verdict_clear(home), "Noted.");
	if (end == what || *end != '\0')
		return ov_cli_fail(cli, OV_E_USAGE,
		    "clear takes a hold's number, `mail`, `identities` or `verdicts`");
	st = ov_hold_clear(home, number, accept_log);
	if (st == OV_E_USAGE)
		return ov_cli_fail(cli, st,
		    "a held import is taken or dropped: `overlap inbox take import` or "
		    "`overlap inbox drop import`");
	if (st == OV_E_NOT_FOUND)
		return ov_cli_fail(
		    cli, st, "no hold %lld; `overlap inbox` lists them", number);
	return told(cli, st,
	    "Cleared: what it stopped goes on with the next `overlap run` or agent.");
}

/* The list that was held becomes the book, or goes. */
static enum ov_status
decide_import(struct ov_cli *cli, struct ov_home *home, bool take)
{
	struct ov_held held;
	enum ov_status st;

	OV_TRY(ov_normalise_init());
	OV_TRY(ov_home_claim_within(home, OV_HOME_CLAIM_WAIT_MS));
	OV_TRY(ov_held_get(&held, home->db));
	if (take)
		OV_TRY(ov_freeze_keep_accounts(home));
	OV_TRY(ov_db_begin(home->db));
	OV_TRY(take ? ov_held_take(home->db) : ov_held_drop(home->db));
	OV_TRY(ov_hold_end(home, OV_HOLD_IMPORT));
	OV_TRY(ov_db_commit(home->db, "inbox.import"));
	if (!cli->json)
		fputs(take ? "It is the book now: `overlap accounts stats`\n"
			   : "Deleted; the book is as it was.\n",
		    cli->out);
done:
	ov_db_rollback(home->db);
	if (st == OV_E_NOT_FOUND)
		st = ov_cli_fail(
		    cli, st, "no import is held; `overlap inbox` shows what waits");
	return st;
}

static enum ov_status
drop_ask(struct ov_cli *cli, struct ov_home *home, const char *who)
{
	struct ov_partner p;
	enum ov_status st;

	OV_TRY(ov_partner_find(&p, home, who));
	st = ov_ask_forget(home, p.company);
	if (st == OV_E_NOT_FOUND)
		return ov_cli_fail(cli, st,
		    "that partner asks for nothing; `overlap inbox` shows what waits");
	return told(cli, st, "Dropped; the partner is not told.");
done:
	return st;
}

/* n words */
static enum ov_status
act(struct ov_cli *cli, struct ov_home *home, int n, char **word, bool accept_log)
{
	const char *verb = word[0], *what = n > 1 ? word[1] : "";

	if (n == 3 && strcmp(verb, "drop") == 0 && strcmp(what, "ask") == 0)
		return drop_ask(cli, home, word[2]);
	if (n > 2)
		what = "";
	if (strcmp(verb, "clear") == 0)
		return clear(cli, home, what, accept_log);
	if (strcmp(what, "import") == 0 &&
	    (strcmp(verb, "take") == 0 || strcmp(verb, "drop") == 0))
		return decide_import(cli, home, verb[0] == 't');
	return ov_cli_fail(cli, OV_E_USAGE,
	    "inbox takes nothing, or `clear NUMBER`, `clear mail`, `clear identities`, "
	    "`clear verdicts`, "
	    "`take import`, `drop import` or `drop ask PARTNER`");
}

enum ov_status
ov_verb_inbox(struct ov_cli *cli, int argc, char **argv)
{
	static const struct option options[] = { { "offline", no_argument, NULL, 'o' },
		{ "accept-new-log", no_argument, NULL, 'l' }, { NULL, 0, NULL, 0 } };
	struct ov_home *home = NULL;
	bool offline = false, accept_log = false;
	enum ov_status st;

	for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		if (c == 'o')
			offline = true;
		else if (c == 'l')
			accept_log = true;
		else
			return ov_cli_bad_option(cli, argv, "inbox");
	}
	OV_TRY(ov_cli_home(&home, cli));
	if (optind != argc) {
		st = act(cli, home, argc - optind, argv + optind, accept_log);
		goto done;
	}
	OV_TRY(show(cli, home, !offline && home->joined));
done:
	ov_home_close(home);
	return st;
}
