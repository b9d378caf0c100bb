/* overlap identity: another identity for this company. */
#include <getopt.h>
#include <string.h>

#include "client/identity.h"
#include "client/json.h"
#include "client/mail.h"
#include "client/verb_partner.h"
#include "client/verbs.h"
#include "common/crypto/memory.h"

const char ov_help_identity[] =
    "usage: overlap identity change TOKEN --enrol HOST:PORT [--broker HOST:PORT] "
    "[--yes]\n"
    "\n"
    "Gives this company a new identity, envelope key and certificate, for instance "
    "after\n"
    "somebody had access to the old ones, or when its certificate was revoked.  TOKEN is "
    "a\n"
    "fresh one of the same broker's operator (`-` reads it from standard input).  An\n"
    "enrolled company keeps its name, so the token is for another name, or the operator\n"
    "removes the old company first.\n"
    "\n"
    "Every partner gets a statement, signed with the old identity, and moves what it "
    "has\n"
    "of this company to the new one; terms are signed again from the same sheets, "
    "without\n"
    "anybody being asked, for nothing more is given.  Reports stay.  Open jobs end, "
    "open\n"
    "invitations are void.  If it breaks off, run it again with the same token.\n"
    "\n"
    "  --enrol HOST:PORT   where the broker takes in companies\n"
    "  --broker HOST:PORT  where it serves them, if that changed\n"
    "  --yes               ends open jobs without asking\n"
    "\n"
    "JSON: company, name, was {company, name}, statements_waiting.\n"
    "\n"
    "example: overlap identity change - --enrol broker.example:7401\n";

struct changing {
	struct ov_cli *cli;
	struct ov_home *home;
	struct ov_token_code token;
	struct ov_identity_options options;
	struct ov_session *old; /* as who the company was; NULL: the broker had no ear */
	bool yes;
};

/* What is under way in the name that the home has, as far as it still goes.  The session
 * that did it, or NULL. */
static struct ov_session *
finish_mail(struct ov_home *home)
{
	struct ov_session *s = NULL;
	enum ov_status st;

	OV_TRY(ov_session_open(&s, home));
	ov_session_set_patience(s, 2000);
	OV_TRY(ov_mail_process(NULL, home, s, NULL, 0));
	return s;
done:
	fprintf(stderr, "overlap: no mail was exchanged: %s (%s)\n", ov_status_text(st),
	    ov_status_name(st));
	ov_session_close(s);
	return NULL;
}

/* A partner that changed at the same time wrote to who this company was.  Both first say,
 * and then look: so at least one of the two finds what the other said. */
static void
look_back(struct changing *c, struct ov_session *now)
{
	enum ov_status st;

	ov_session_move(c->old, c->home);
	OV_TRY(ov_mail_fetch_statements(c->home, c->old));
	OV_TRY(ov_mail_process(NULL, c->home, now, NULL, 0));
done:
	if (st != OV_OK)
		fprintf(stderr,
		    "overlap: mail for the old identity was not looked at: %s (%s); a "
		    "partner that changes at this moment may have to be paired anew\n",
		    ov_status_text(st), ov_status_name(st));
}

static enum ov_status
ask(struct changing *c)
{
	uint64_t n;
	enum ov_status st;

	OV_TRY(ov_identity_open_jobs(&n, c->home));
	if (n > 0 && !c->yes &&
	    !ov_cli_confirm(c->cli, "Jobs are open, and end with it.  Go on?"))
		return ov_cli_fail(c->cli, OV_E_USAGE,
		    "nothing was changed: jobs are open, which it ends; finish them "
		    "(`overlap run`), or agree with --yes");
done:
	return st;
}

static enum ov_status
change(struct changing *c)
{
	struct ov_session *now = NULL;
	enum ov_status st = ov_identity_change(c->home, &c->options);

	if (st == OV_E_BROKER_EXISTS)
		return ov_cli_fail(c->cli, st,
		    "the token's name is that of an enrolled company; the operator gives "
		    "a "
		    "token for another name, or removes the old company first");
	if (st == OV_E_PAIR_BROKER || st == OV_E_TLS_CERTIFICATE)
		return ov_cli_fail(c->cli, st,
		    "the token is of another broker; ask the operator of yours for one");
	OV_TRY(st);
	/* the new keys are in the database now */
	ov_home_close(c->home);
	c->home = NULL;
	OV_TRY(ov_cli_home(&c->home, c->cli));
	OV_TRY(ov_home_claim_within(c->home, OV_HOME_CLAIM_WAIT_MS));
	now = finish_mail(c->home);
	if (now != NULL && c->old != NULL)
		look_back(c, now);
done:
	ov_session_close(now);
	return st;
}

static enum ov_status
print(struct changing *c)
{
	char was[2 * OV_ID + 1], is[2 * OV_ID + 1], old_name[OV_NAME_MAX + 1];
	uint8_t was_id[OV_ID];
	struct ov_json *doc, *old;
	uint64_t unsent;
	enum ov_status st;

	OV_TRY(ov_identity_was(was_id, old_name, c->home));
	OV_TRY(ov_identity_unsent(&unsent, c->home));
	if (c->cli->json) {
		doc = ov_json_new();
		ov_json_hex(doc, "company", c->home->company, OV_ID);
		ov_json_text(doc, "name", c->home->name);
		old = ov_json_object(doc, "was");
		ov_json_hex(old, "company", was_id, OV_ID);
		ov_json_text(old, "name", old_name);
		ov_json_number(doc, "statements_waiting", unsent);
		st = ov_json_write(c->cli->out, doc);
		ov_json_free(doc);
		return st;
	}
	ov_hex(was, was_id, OV_ID);
	ov_hex(is, c->home->company, OV_ID);
	fprintf(c->cli->out, "This company is %s now; it was %s.\n", is, was);
	if (unsent > 0)
		fputs("Statements for partners wait: `overlap inbox` or `overlap agent` "
		      "sends them.\n",
		    c->cli->out);
	if (strcmp(old_name, c->home->name) != 0) {
		fputs(
		    "Next: the broker's operator ends the old identity: overlapd revoke ",
		    c->cli->out);
		ov_print_name(c->cli->out, old_name);
		fputc('\n', c->cli->out);
	}
done:
	return st;
}

static enum ov_status
read_options(struct changing *c, int argc, char **argv)
{
	static const struct option options[] = { { "broker", required_argument, NULL,
						     'b' },
		{ "enrol", required_argument, NULL, 'e' },
		{ "yes", no_argument, NULL, 'y' }, { NULL, 0, NULL, 0 } };

	for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		if (o == 'b')
			c->options.broker = optarg;
		else if (o == 'e')
			c->options.enrol = optarg;
		else if (o == 'y')
			c->yes = true;
		else
			return ov_cli_bad_option(c->cli, argv, "identity");
	}
	if (optind != argc - 2 || strcmp(argv[optind], "change") != 0 ||
	    c->options.enrol == NULL)
		return ov_cli_fail(c->cli, OV_E_USAGE,
		    "say how: overlap identity change TOKEN --enrol HOST:PORT");
	return ov_cli_token(&c->token, argv[optind + 1]);
}

enum ov_status
ov_verb_identity(struct ov_cli *cli, int argc, char **argv)
{
	struct changing c = { .cli = cli };
	enum ov_status st;

	c.options.token = &c.token;
	OV_TRY(read_options(&c, argc, argv));
	OV_TRY(ov_cli_home(&c.home, cli));
	OV_TRY(ov_home_require_joined(c.home));
	OV_TRY(ov_home_claim_within(c.home, OV_HOME_CLAIM_WAIT_MS));
	OV_TRY(ask(&c));
	c.old = finish_mail(c.home);
	OV_TRY(change(&c));
	OV_TRY(print(&c));
done:
	ov_wipe(&c.token, sizeof(c.token));
	ov_session_close(c.old);
	ov_home_close(c.home);
	return st;
}
