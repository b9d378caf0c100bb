/* overlap: the client that each company runs. */
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/exit.h"
#include "client/screen.h"
#include "client/verbs.h"
#include "common/log.h"
#include "common/work/heap.h"

#define VERB(name, summary)                                                              \
	{                                                                                \
#name, ov_verb_##name, summary, ov_help_##name                           \
	}

const struct ov_verb ov_verbs[] = {
	VERB(init, "set up a home: keys and database of this company"),
	VERB(join, "join a broker with the token that its operator gave"),
	VERB(identity, "change this company's identity with a new token"),
	VERB(partner, "invite and accept partners, agree on terms"),
	VERB(policy, "show or check what a policy file lets a partner learn"),
	VERB(import, "read a CSV export of the CRM into the book"),
	VERB(accounts, "what is in the book, and why an account has its keys"),
	VERB(icp, "the profile of accounts that you look for"),
	VERB(run, "run an overlap job with a partner"),
	VERB(agent, "answer partners' proposals and finish what is open"),
	VERB(report, "the newest overlap with a partner: the matrix, what it cost"),
	VERB(matches, "the accounts that matched, as table, CSV or JSON"),
	VERB(inbox, "all that waits for a person"),
	VERB(status, "home, broker, partners, terms, last jobs, warnings"),
	{ NULL, NULL, NULL, NULL },
};

static void
print_help(FILE *out)
{
	fprintf(out,
	    "usage: overlap [--home DIR] [--key-file FILE] [--json] VERB ...\n\n"
	    "Two companies learn how their account lists overlap, and nothing else.\n\n");
	for (const struct ov_verb *v = ov_verbs; v->name != NULL; v++)
		fprintf(out, "  %-10s %s\n", v->name, v->summary);
	fprintf(out, "\n  --home DIR       the home (default $XDG_DATA_HOME/overlap)\n"
		     "  --key-file FILE  passphrase or key of the home, kept elsewhere\n"
		     "  --key-fd N       the same from a file descriptor\n"
		     "  --json           print data as JSON\n"
		     "  --version        print the version\n\n"
		     "Environment: OVERLAP_LOG=info|debug logs more to standard "
		     "error;\n"
		     "OVERLAP_KERNEL=portable|avx2|ifma takes a group kernel that is not "
		     "the fastest.\n\n"
		     "`overlap VERB --help` says more.  Exit codes: 0 done; 1 this "
		     "machine failed;\n"
		     "2 the command cannot be carried out as given; 3 the broker or the "
		     "partner is\n"
		     "at fault; 4 it waits for the partner or a person; 5 busy or "
		     "unreachable, the\n"
		     "same command later will do.\n");
}

static const struct ov_verb *
find_verb(const char *name)
{
	for (const struct ov_verb *v = ov_verbs; v->name != NULL; v++)
		if (strcmp(v->name, name) == 0)
			return v;
	return NULL;
}

static bool
asks_for_help(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
			return true;
	return false;
}

static void
print_failure(const struct ov_cli *cli, enum ov_status st)
{
	fprintf(stderr, "overlap: ");
	ov_screen_cell(stderr, cli->detail, 0, OV_SCREEN_LEFT); /* may quote a file */
	if (cli->detail[0] != '\0' && !cli->all_said)
		fprintf(stderr, ": ");
	if (cli->detail[0] == '\0' || !cli->all_said)
		fprintf(stderr, "%s", ov_status_text(st));
	fprintf(stderr, " (%s)\n", ov_status_name(st));
}

static enum ov_status
run_verb(struct ov_cli *cli, int argc, char **argv)
{
	const struct ov_verb *v;
	enum ov_status st;

	OV_TRY(ov_cli_globals(cli, &argc, argv));
	if (argc < 2) {
		print_help(stderr);
		return ov_cli_fail(cli, OV_E_USAGE, "a verb is missing; see above");
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
	    strcmp(argv[1], "help") == 0) {
		print_help(cli->out);
		return OV_OK;
	}
	if (strcmp(argv[1], "--version") == 0) {
		fputs("overlap " OVERLAP_VERSION "\n", cli->out);
		return OV_OK;
	}
	v = find_verb(argv[1]);
	if (v == NULL)
		return ov_cli_fail(cli, OV_E_USAGE,
		    "there is no %s `%.40s`; see `overlap --help`",
		    argv[1][0] == '-' ? "option" : "verb", argv[1]);
	if (asks_for_help(argc - 1, argv + 1)) {
		fputs(v->help, cli->out);
		return OV_OK;
	}
	opterr = 0; /* verbs say themselves what they do not understand */
	st = v->run(cli, argc - 1, argv + 1);
	if (st == OV_OK && (fflush(cli->out) != 0 || ferror(cli->out)))
		st = OV_E_IO;
done:
	return st;
}

/* `overlap matches | head`: who reads no more wants no complaint. */
static bool
is_unread(enum ov_status st)
{
	struct pollfd out = { .fd = STDOUT_FILENO };

	return st == OV_E_IO && poll(&out, 1, 0) == 1 && (out.revents & POLLERR) != 0;
}

/* OVERLAP_LOG as the level of what is logged to standard error. */
static enum ov_status
take_log_level(struct ov_cli *cli)
{
	static const char *const words[] = { "error", "warn", "info", "debug" };
	const char *asked = getenv("OVERLAP_LOG");

	if (asked == NULL || asked[0] == '\0')
		return OV_OK;
	for (int i = OV_LOG_ERROR; i <= OV_LOG_DEBUG; i++) {
		if (strcmp(asked, words[i]) == 0) {
			ov_log_set_level((enum ov_log_level)i);
			return OV_OK;
		}
	}
	return ov_cli_fail(cli, OV_E_USAGE, "OVERLAP_LOG is error, warn, info or debug");
}

int
main(int argc, char **argv)
{
	struct ov_cli cli = { .home = { .key_fd = -1, .ask = true }, .out = stdout };
	enum ov_status st;

	umask(077);
	signal(SIGPIPE, SIG_IGN);
	ov_heap_init();
	st = take_log_level(&cli);
	if (st == OV_OK)
		st = run_verb(&cli, argc, argv);
	if (st != OV_OK && !is_unread(st)) {
		fflush(cli.out); /* in a log of both, what was said first comes first */
		print_failure(&cli, st);
	}
	return (int)ov_exit_of(st);
}
