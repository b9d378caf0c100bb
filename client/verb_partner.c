/* overlap partner: who the partners are. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "client/end.h"
#include "client/identity.h"
#include "client/json.h"
#include "client/mail.h"
#include "client/pair.h"
#include "client/terms.h"
#include "client/verb_partner.h"
#include "client/verbs.h"
#include "common/crypto/memory.h"

#define CALL_TIMEOUT_MS 30000

const char ov_help_partner[] =
    "usage: overlap partner invite [--days N]\n"
    "       overlap partner accept CODE\n"
    "       overlap partner list\n"
    "       overlap partner terms PARTNER [--policy FILE] [--yes]\n"
    "       overlap partner ask PARTNER --level counts|matches [POPULATION ...] [--text "
    "TEXT]\n"
    "       overlap partner suspend PARTNER\n"
    "       overlap partner end PARTNER [--yes]\n"
    "\n"
    "invite  prints an invitation code, good for one partner and N days (14).  Give it\n"
    "        to your partner over a channel you trust, not through the broker: whoever\n"
    "        has it can become your partner.\n"
    "accept  takes the code that a partner gave you (`-` reads it from standard input).\n"
    "        You are paired when the partner's overlap has answered.\n"
    "list    partners, open invitations and how the terms stand.\n"
    "terms   shows in plain words what PARTNER learns and what you learn, and offers or\n"
    "        signs it when you agree.  --policy FILE says what you give (see `overlap\n"
    "        policy`); --yes agrees without being asked.  Once you have agreed the\n"
    "        signature is finished without you, as long as nothing more is given away.\n"
    "        Exit code 4: not in force yet, it waits for the partner or for you.\n"
    "ask     asks for a higher level: of these populations of the partner's, or of all\n"
    "        that it offers below it.  A person there decides; nothing changes by "
    "asking.\n"
    "suspend stops jobs and signatures with PARTNER until `overlap inbox clear NUMBER`.\n"
    "end     ends the partnership: says what is deleted on both sides, and does it with\n"
    "        --yes.  What was charged stays and counts again if you pair anew.\n"
    "\n"
    "PARTNER is a partner's name, the beginning of it, or its id.  All print JSON with\n"
    "--json.\n"
    "\n"
    "example: overlap partner invite --days 3\n"
    "         overlap partner terms Globex --policy globex.yaml\n";

/* Mail in both directions, unless another process of the home does it already. */
enum ov_status
ov_partner_mail(bool *busy, struct ov_home *home, struct ov_session *s)
{
	enum ov_status st = ov_home_claim(home);

	*busy = st == OV_E_DB_BUSY;
	if (*busy)
		return OV_OK;
	if (st == OV_OK)
		st = ov_mail_process(NULL, home, s, NULL, 0);
	return st;
}

/* --- invite --- */

static enum ov_status
print_code(struct ov_cli *cli, const char *code, uint64_t expiry)
{
	char until[OV_TIME_TEXT];
	struct ov_json *doc;
	enum ov_status st;

	if (!cli->json) {
		ov_time_text(until, expiry);
		fprintf(cli->out,
		    "%s\n\nGood for one partner until %s.  Your partner runs:\n"
		    "  overlap partner accept CODE\n"
		    "Then `overlap inbox` or `overlap agent` here completes it.\n",
		    code, until);
		return OV_OK;
	}
	doc = ov_json_new();
	ov_json_text(doc, "code", code);
	ov_json_time(doc, "expiry", expiry);
	st = ov_json_write(cli->out, doc);
	ov_json_free(doc);
	return st;
}

static enum ov_status
read_days(unsigned int *days, struct ov_cli *cli, const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (end == text || *end != '\0' || n < 1 || n > OV_INVITATION_DAYS)
		return ov_cli_fail(
		    cli, OV_E_USAGE, "--days takes 1 to %d", OV_INVITATION_DAYS);
	*days = (unsigned int)n;
	return OV_OK;
}

static enum ov_status
invite(struct ov_cli *cli, int argc, char **argv)
{
	static const struct option options[] = { { "days", required_argument, NULL, 'd' },
		{ NULL, 0, NULL, 0 } };
	unsigned int days = OV_INVITATION_DAYS;
	char code[OV_PAIR_CODE_TEXT] = "";
	struct ov_home *home = NULL;
	enum ov_status st;

	for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		if (c != 'd')
			return ov_cli_bad_option(cli, argv, "partner");
		OV_TRY(read_days(&days, cli, optarg));
	}
	if (optind != argc)
		return ov_cli_fail(cli, OV_E_USAGE, "invite takes no arguments");
	OV_TRY(ov_cli_home(&home, cli));
	OV_TRY(ov_pair_invite(code, home, days));
	OV_TRY(print_code(cli, code, ov_home_now(home) + days * 86400ULL));
done:
	ov_wipe(code, sizeof(code));
	ov_home_close(home);
	return st;
}

/* --- accept --- */

static enum ov_status
read_code(struct ov_pair_code *code, char *text)
{
	char line[OV_CLI_CODE_TEXT];
	enum ov_status st;

	ov_cli_code(line, text);
	st = ov_pair_code_read(code, line);
	ov_wipe(line, sizeof(line));
	return st;
}

static enum ov_status
accept_code(struct ov_home *home, struct ov_session *s, const struct ov_pair_code *code)
{
	struct ov_msg_who who = { { 0 } };
	struct ov_msg_company company;
	struct ov_buf owner = { 0 };
	enum ov_status st;

	memcpy(who.company, code->inviter, OV_ID);
	OV_TRY(ov_session_call(
	    s, OV_MSG_WHO, &who, OV_MSG_COMPANY, &company, &owner, CALL_TIMEOUT_MS));
	OV_TRY(ov_pair_accept(home, code, &company));
done:
	ov_buf_free(&owner);
	return st;
}

static enum ov_status
print_accepted(struct ov_cli *cli, struct ov_home *home, const struct ov_pair_code *code)
{
	struct ov_partner p = { 0 };
	bool paired = ov_partner_get(&p, home, code->inviter) == OV_OK;
	struct ov_json *doc;
	enum ov_status st;

	if (!cli->json) {
		fprintf(cli->out,
		    paired ? "Paired.  Next: overlap partner terms PARTNER.\n"
			   : "The request is on its way.  You are paired when your "
			     "partner's overlap has\nanswered: see `overlap inbox`.\n");
		return OV_OK;
	}
	doc = ov_json_new();
	ov_json_hex(doc, "company", code->inviter, OV_ID);
	ov_json_bool(doc, "paired", paired);
	st = ov_json_write(cli->out, doc);
	ov_json_free(doc);
	return st;
}

static enum ov_status
accept(struct ov_cli *cli, int argc, char **argv)
{
	struct ov_pair_code code = { .secret = { 0 } };
	struct ov_session *s = NULL;
	struct ov_home *home = NULL;
	enum ov_status st;
	bool busy;

	if (argc != 2)
		return ov_cli_fail(cli, OV_E_USAGE,
		    "give the code of your partner: overlap partner accept CODE");
	OV_TRY(read_code(&code, argv[1]));
	OV_TRY(ov_cli_session(&home, &s, cli));
	if (memcmp(code.inviter, home->company, OV_ID) == 0) {
		st = ov_cli_fail(cli, OV_E_USAGE,
		    "this code is your own invitation: your partner accepts it");
		goto done;
	}
	OV_TRY(accept_code(home, s, &code));
	OV_TRY(ov_partner_mail(&busy, home, s));
	OV_TRY(print_accepted(cli, home, &code));
done:
	ov_wipe(&code, sizeof(code));
	ov_session_close(s);
	ov_home_close(home);
	return st;
}

/* --- list --- */

struct listing {
	struct ov_cli *cli;
	struct ov_home *home;
	struct ov_json *partners, *invitations; /* with --json */
	uint64_t now;
	unsigned int n;
};

const char *
ov_terms_state_name(enum ov_terms_state state)
{
	switch (state) {
	case OV_TERMS_NONE:
		return "none";
	case OV_TERMS_OFFERED:
		return "offered";
	case OV_TERMS_ASKED:
		return "asked";
	case OV_TERMS_READY:
		return "ready";
	case OV_TERMS_SIGNED:
		return "signed";
	case OV_TERMS_IN_FORCE:
		return "in_force";
	case OV_TERMS_ENDED:
		return "ended";
	}
	return "?";
}

const char *
ov_terms_state_words(enum ov_terms_state state)
{
	switch (state) {
	case OV_TERMS_NONE:
		return "none yet; `overlap partner terms` begins";
	case OV_TERMS_OFFERED:
		return "offered, waits for the partner";
	case OV_TERMS_ASKED:
		return "the partner offered: `overlap partner terms` decides";
	case OV_TERMS_READY:
		return "agreed, not signed yet";
	case OV_TERMS_SIGNED:
		return "signed here, waits for the partner";
	case OV_TERMS_IN_FORCE:
		return "in force";
	case OV_TERMS_ENDED:
		return "ended";
	}
	return "?";
}

static void
list_end(FILE *out, const struct ov_end *e)
{
	char at[OV_TIME_TEXT], confirmed[OV_TIME_TEXT];

	ov_time_text(at, e->at);
	ov_time_text(confirmed, e->confirmed);
	fprintf(out, "ended by %s on %s", e->mine ? "you" : "it", at);
	if (e->confirmed > 0)
		fprintf(out, "; it deleted its part, %s", confirmed);
	else if (e->mine)
		fprintf(out, "; not confirmed yet");
	if (e->logged)
		fprintf(out, "; entry %llu of the broker's log",
		    (unsigned long long)e->entry);
	fprintf(out, "\n");
}

static void
list_partner_json(struct ov_json *at, const struct ov_partner *p,
    const struct ov_terms_view *v, const struct ov_end *e, uint64_t changed)
{
	struct ov_json *o = ov_json_object(at, NULL);

	ov_json_text(o, "name", p->name);
	ov_json_hex(o, "company", p->company, OV_ID);
	ov_json_text(o, "state", p->state == OV_PARTNER_PAIRED ? "paired" : "ended");
	ov_json_bool(o, "suspended", p->suspended);
	ov_json_time(o, "paired", p->paired);
	ov_json_time(o, "identity_changed", changed);
	ov_json_text(o, "terms", ov_terms_state_name(v->state));
	ov_json_number(o, "terms_sequence", v->sequence);
	ov_json_number(o, "terms_in_force", v->force_sequence);
	ov_json_time(o, "ended", e->at);
	ov_json_text(o, "ended_by", e->at == 0 ? NULL : e->mine ? "you" : "partner");
	ov_json_time(o, "confirmed", e->confirmed);
	if (e->logged)
		ov_json_number(o, "log_entry", e->entry);
	else
		ov_json_null(o, "log_entry");
}

static enum ov_status
list_partner(void *arg, const struct ov_partner *p)
{
	struct listing *l = arg;
	struct ov_terms_view v = { 0 };
	struct ov_end e = { 0 };
	char hex[2 * OV_ID + 1], at[OV_TIME_TEXT];
	uint64_t changed;
	enum ov_status st;

	OV_TRY(ov_terms_view(&v, l->home, p->company));
	OV_TRY(ov_identity_since(&changed, l->home, p->company));
	if (p->state == OV_PARTNER_ENDED) {
		st = ov_end_of(&e, l->home, p->company);
		OV_REQUIRE(st == OV_OK || st == OV_E_NOT_FOUND, st);
		st = OV_OK;
	}
	l->n++;
	if (l->cli->json) {
		list_partner_json(l->partners, p, &v, &e, changed);
		goto done;
	}
	ov_hex(hex, p->company, OV_ID);
	ov_print_name(l->cli->out, p->name);
	fprintf(l->cli->out, "  %.8s  ", hex);
	if (p->state == OV_PARTNER_ENDED)
		list_end(l->cli->out, &e);
	else
		fprintf(l->cli->out, "terms: %s%s\n", ov_terms_state_words(v.state),
		    p->suspended ? "; SUSPENDED, see `overlap inbox`" : "");
	if (changed > 0) {
		ov_time_text(at, changed);
		fprintf(l->cli->out, "    its identity changed %s\n", at);
	}
done:
	ov_terms_view_free(&v);
	return st;
}

static enum ov_status
list_invitation(void *arg, const struct ov_invitation *inv)
{
	struct listing *l = arg;
	struct ov_json *o;
	char until[OV_TIME_TEXT];

	if (inv->expiry <= l->now)
		return OV_OK;
	l->n++;
	if (l->cli->json) {
		o = ov_json_object(l->invitations, NULL);
		ov_json_bool(o, "mine", inv->mine);
		ov_json_text(o, "name", inv->mine ? NULL : inv->name);
		ov_json_time(o, "created", inv->created);
		ov_json_time(o, "expiry", inv->expiry);
		return OV_OK;
	}
	ov_time_text(until, inv->expiry);
	if (inv->mine) {
		fprintf(l->cli->out, "(an invitation, not used yet, until %s)\n", until);
		return OV_OK;
	}
	ov_print_name(l->cli->out, inv->name);
	fprintf(l->cli->out, "  accepted here, waits for its answer\n");
	return OV_OK;
}

static enum ov_status
list(struct ov_cli *cli, int argc, char **argv)
{
	struct listing l = { .cli = cli };
	struct ov_json *doc = NULL;
	enum ov_status st;

	(void)argv;
	if (argc != 1)
		return ov_cli_fail(cli, OV_E_USAGE, "list takes no arguments");
	OV_TRY(ov_cli_home(&l.home, cli));
	l.now = ov_home_now(l.home);
	if (cli->json) {
		doc = ov_json_new();
		l.partners = ov_json_array(doc, "partners");
		l.invitations = ov_json_array(doc, "invitations");
	}
	OV_TRY(ov_partner_each(l.home, list_partner, &l));
	OV_TRY(ov_pair_each(l.home, list_invitation, &l));
	if (cli->json)
		OV_TRY(ov_json_write(cli->out, doc));
	else if (l.n == 0)
		fprintf(cli->out, "No partners yet: overlap partner invite, or overlap "
				  "partner accept CODE.\n");
done:
	ov_json_free(doc);
	ov_home_close(l.home);
	return st;
}

enum ov_status
ov_verb_partner(struct ov_cli *cli, int argc, char **argv)
{
	static const struct {
		const char *name;
		enum ov_status (*run)(struct ov_cli *cli, int argc, char **argv);
	} verbs[] = { { "invite", invite }, { "accept", accept }, { "list", list },
		{ "terms", ov_verb_partner_terms }, { "ask", ov_verb_partner_ask },
		{ "suspend", ov_verb_partner_suspend }, { "end", ov_verb_partner_end } };

	for (size_t i = 0; argc > 1 && i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(argv[1], verbs[i].name) == 0)
			return verbs[i].run(cli, argc - 1, argv + 1);
	return ov_cli_fail(cli, OV_E_USAGE,
	    "partner takes `invite`, `accept`, `list`, `terms`, `ask`, `suspend` or "
	    "`end`; see `overlap partner --help`");
}
