/* overlap partner ask, suspend, end: what becomes of a partnership. */
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "client/ask.h"
#include "client/book/policy.h"
#include "client/end.h"
#include "client/hold.h"
#include "client/json.h"
#include "client/mail.h"
#include "client/verb_partner.h"

/* --- ask --- */

struct asking {
	struct ov_cli *cli;
	struct ov_home *home;
	struct ov_session *session;
	struct ov_partner partner;
	struct ov_ask ask;
	enum ov_level level;
	bool busy;
};

static enum ov_status
add_population(struct asking *a, const char *name)
{
	struct ov_population *p = &a->ask.population[a->ask.n];

	if (!ov_population_name_ok(name) || a->ask.n == OV_POPULATIONS_MAX)
		return ov_cli_fail(a->cli, OV_E_USAGE,
		    "up to 15 populations, with names of 1 to 32 bytes");
	for (size_t i = 0; i < a->ask.n; i++)
		if (strcmp(a->ask.population[i].name, name) == 0)
			return OV_OK;
	memcpy(p->name, name, strlen(name) + 1);
	p->level = a->level;
	a->ask.n++;
	return OV_OK;
}

/* All that the partner's sheet names below the level. */
static enum ov_status
add_what_it_offers(struct asking *a, struct ov_bytes theirs)
{
	struct ov_population p[OV_POPULATIONS_MAX];
	struct ov_msg_grants g;
	size_t n;
	enum ov_status st;

	OV_TRY(ov_msg_decode(&g, OV_MSG_GRANTS, theirs));
	OV_TRY(ov_populations_unpack(p, &n, g.populations));
	for (size_t i = 0; i < n; i++)
		if (p[i].level < a->level)
			OV_TRY(add_population(a, p[i].name));
done:
	return st;
}

static enum ov_status
choose_populations(struct asking *a, int argc, char **argv)
{
	struct ov_terms_view v = { 0 };
	enum ov_status st = OV_OK;

	for (int i = 0; i < argc; i++)
		OV_TRY(add_population(a, argv[i]));
	OV_TRY(ov_terms_view(&v, a->home, a->partner.company));
	a->ask.sequence = v.force_sequence;
	if (argc == 0 && v.theirs.len > 0)
		OV_TRY(add_what_it_offers(a, OV_BUF_BYTES(&v.theirs)));
	if (a->ask.n == 0)
		st = ov_cli_fail(a->cli, OV_E_USAGE,
		    "name the populations: the partner %s",
		    v.theirs.len > 0 ? "offers none below this level"
				     : "has offered nothing yet");
done:
	ov_terms_view_free(&v);
	return st;
}

static enum ov_status
print_asked(const struct asking *a)
{
	struct ov_json *doc, *list;
	enum ov_status st;

	if (!a->cli->json) {
		fprintf(a->cli->out, "Asked.  A person at ");
		ov_print_name(a->cli->out, a->partner.name);
		fprintf(a->cli->out,
		    " decides; its `overlap inbox` shows the question.\n%s",
		    a->busy ? "The agent of this home sends it.\n" : "");
		return OV_OK;
	}
	doc = ov_json_new();
	ov_json_text(doc, "partner", a->partner.name);
	ov_json_text(doc, "level", ov_level_name(a->level));
	list = ov_json_array(doc, "populations");
	for (size_t i = 0; i < a->ask.n; i++)
		ov_json_text(list, NULL, a->ask.population[i].name);
	st = ov_json_write(a->cli->out, doc);
	ov_json_free(doc);
	return st;
}

static enum ov_status
ask(struct asking *a, const char *who, int argc, char **argv)
{
	enum ov_status st;

	OV_TRY(ov_cli_session(&a->home, &a->session, a->cli));
	OV_TRY(ov_partner_mail(&a->busy, a->home, a->session));
	OV_TRY(ov_partner_find(&a->partner, a->home, who));
	OV_REQUIRE(a->partner.state == OV_PARTNER_PAIRED, OV_E_PARTNER_UNPAIRED);
	OV_TRY(choose_populations(a, argc, argv));
	st = ov_ask_send(a->home, &a->partner, &a->ask);
	if (st == OV_E_USAGE)
		st = ov_cli_fail(
		    a->cli, st, "--text takes up to %d bytes of text", OV_ASK_TEXT_MAX);
	OV_TRY(st);
	if (!a->busy)
		OV_TRY(ov_mail_flush(a->home, a->session));
	OV_TRY(print_asked(a));
done:
	return st;
}

static enum ov_status
read_level(struct asking *a, const char *text)
{
	if (strcmp(text, "counts") == 0)
		a->level = OV_LEVEL_COUNTS;
	else if (strcmp(text, "matches") == 0)
		a->level = OV_LEVEL_MATCHES;
	else
		return ov_cli_fail(
		    a->cli, OV_E_USAGE, "--level takes `counts` or `matches`");
	return OV_OK;
}

static enum ov_status
read_text(struct asking *a, const char *text)
{
	if (strlen(text) > OV_ASK_TEXT_MAX)
		return ov_cli_fail(a->cli, OV_E_USAGE,
		    "--text takes up to %d bytes of text", OV_ASK_TEXT_MAX);
	memcpy(a->ask.text, text, strlen(text) + 1);
	return OV_OK;
}

enum ov_status
ov_verb_partner_ask(struct ov_cli *cli, int argc, char **argv)
{
	static const struct option options[] = { { "level", required_argument, NULL,
						     'l' },
		{ "text", required_argument, NULL, 't' }, { NULL, 0, NULL, 0 } };
	struct asking a = { .cli = cli };
	enum ov_status st = OV_OK;

	for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		if (c == '?')
			return ov_cli_bad_option(cli, argv, "partner");
		OV_TRY(c == 'l' ? read_level(&a, optarg) : read_text(&a, optarg));
	}
	if (optind >= argc || a.level == OV_LEVEL_HIDDEN)
		return ov_cli_fail(cli, OV_E_USAGE,
		    "overlap partner ask PARTNER --level counts|matches [POPULATION "
		    "...]");
	OV_TRY(ask(&a, argv[optind], argc - optind - 1, argv + optind + 1));
done:
	ov_session_close(a.session);
	ov_home_close(a.home);
	return st;
}

/* --- suspend --- */

struct finding {
	const uint8_t *company;
	int64_t number;
};

static enum ov_status
find_hold(void *arg, const struct ov_hold *h)
{
	struct finding *f = arg;

	if (h->kind == OV_HOLD_PARTNER && memcmp(h->partner, f->company, OV_ID) == 0)
		f->number = h->number;
	return OV_OK;
}

static enum ov_status
print_suspended(struct ov_cli *cli, const struct ov_partner *p, int64_t number)
{
	struct ov_json *doc;
	enum ov_status st;

	if (!cli->json) {
		ov_print_name(cli->out, p->name);
		fprintf(cli->out,
		    " is suspended: no job, no signature.  Until you clear it: overlap "
		    "inbox clear %lld\n",
		    (long long)number);
		return OV_OK;
	}
	doc = ov_json_new();
	ov_json_text(doc, "partner", p->name);
	ov_json_number(doc, "hold", (uint64_t)number);
	st = ov_json_write(cli->out, doc);
	ov_json_free(doc);
	return st;
}

enum ov_status
ov_verb_partner_suspend(struct ov_cli *cli, int argc, char **argv)
{
	struct ov_home *home = NULL;
	struct ov_partner p;
	struct finding f = { .number = 0 };
	enum ov_status st;

	if (argc != 2)
		return ov_cli_fail(
		    cli, OV_E_USAGE, "name one partner: overlap partner suspend PARTNER");
	OV_TRY(ov_cli_home(&home, cli));
	OV_TRY(ov_partner_find(&p, home, argv[1]));
	OV_REQUIRE(p.state == OV_PARTNER_PAIRED, OV_E_PARTNER_UNPAIRED);
	OV_TRY(ov_hold_set(home, OV_HOLD_PARTNER, p.company, OV_E_PARTNER_HELD));
	f.company = p.company;
	OV_TRY(ov_hold_each(home, find_hold, &f));
	OV_TRY(print_suspended(cli, &p, f.number));
done:
	ov_home_close(home);
	return st;
}

/* --- end --- */

struct closing {
	struct ov_cli *cli;
	struct ov_home *home;
	struct ov_session *session;
	struct ov_partner partner;
	struct ov_end_counts counts;
	bool yes;
};

/* What would be deleted, before anything is. */
static void
print_plan(const struct closing *c)
{
	FILE *out = c->cli->json ? stderr : c->cli->out;
	const struct ov_end_counts *n = &c->counts;

	fprintf(out, "Ending the partnership with ");
	ov_print_name(out, c->partner.name);
	fprintf(out,
	    " deletes\n"
	    "  here: %" PRIu64 " report%s with %" PRIu64
	    " match%s, everything else of %" PRIu64 " job%s (%" PRIu64 " open), both\n"
	    "    grant sheets, %" PRIu64 " signed terms, %" PRIu64 " mail%s\n"
	    "  at its home: the same, by its `overlap` when it takes your signed word; "
	    "it\n"
	    "    confirms that by its own.  Copies that people made are beyond both.\n"
	    "  at the broker: streams and steps of jobs, envelopes, mail between you\n"
	    "What stays: that it ended, in the broker's log; what was charged, here, "
	    "there\n"
	    "and at the broker, which counts again if you pair anew; your own lists.\n",
	    n->reports, n->reports == 1 ? "" : "s", n->matches,
	    n->matches == 1 ? "" : "es", n->jobs, n->jobs == 1 ? "" : "s", n->open_jobs,
	    n->terms, n->mails, n->mails == 1 ? "" : "s");
}

static enum ov_status
print_ended(const struct closing *c, bool sent)
{
	struct ov_json *doc;
	enum ov_status st;

	if (!c->cli->json) {
		fprintf(c->cli->out,
		    "Ended.  %s  `overlap partner list` shows when the other side has "
		    "confirmed.\n",
		    sent ? "Your word is at the broker."
			 : "Your word leaves with the next `overlap inbox` or agent.");
		return OV_OK;
	}
	doc = ov_json_new();
	ov_json_text(doc, "partner", c->partner.name);
	ov_json_hex(doc, "company", c->partner.company, OV_ID);
	ov_json_bool(doc, "sent", sent);
	ov_json_number(doc, "reports", c->counts.reports);
	ov_json_number(doc, "matches", c->counts.matches);
	ov_json_number(doc, "jobs", c->counts.jobs);
	st = ov_json_write(c->cli->out, doc);
	ov_json_free(doc);
	return st;
}

/* The own word is durable; a broker that cannot be reached only delays it. */
static enum ov_status
send_word(bool *sent, struct closing *c)
{
	enum ov_status st;

	*sent = false;
	OV_TRY(ov_session_open(&c->session, c->home));
	ov_session_set_patience(c->session, 2000);
	OV_TRY(ov_mail_flush(c->home, c->session));
	*sent = true;
done:
	return ov_session_is_passing(st) ? OV_OK : st;
}

static enum ov_status
end(struct closing *c, const char *who)
{
	bool sent = false;
	enum ov_status st;

	OV_TRY(ov_cli_home(&c->home, c->cli));
	OV_TRY(ov_home_require_joined(c->home));
	OV_TRY(ov_partner_find(&c->partner, c->home, who));
	OV_REQUIRE(c->partner.state == OV_PARTNER_PAIRED, OV_E_PARTNER_UNPAIRED);
	OV_TRY(ov_end_count(&c->counts, c->home, c->partner.company));
	print_plan(c);
	if (!c->yes && !ov_cli_confirm(c->cli, "\nEnd it, and delete?"))
		return ov_cli_fail(
		    c->cli, OV_E_USAGE, "nothing was ended or deleted; do it with --yes");
	OV_TRY(ov_home_claim_within(c->home, OV_HOME_CLAIM_WAIT_MS));
	OV_TRY(ov_end_begin(c->home, &c->partner));
	OV_TRY(send_word(&sent, c));
	OV_TRY(print_ended(c, sent));
done:
	return st;
}

enum ov_status
ov_verb_partner_end(struct ov_cli *cli, int argc, char **argv)
{
	static const struct option options[] = { { "yes", no_argument, NULL, 'y' },
		{ NULL, 0, NULL, 0 } };
	struct closing c = { .cli = cli };
	enum ov_status st;

	for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		if (o != 'y')
			return ov_cli_bad_option(cli, argv, "partner");
		c.yes = true;
	}
	if (optind != argc - 1)
		return ov_cli_fail(
		    cli, OV_E_USAGE, "name one partner: overlap partner end PARTNER");
	st = end(&c, argv[optind]);
	ov_session_close(c.session);
	ov_home_close(c.home);
	return st;
}
