/* overlapd: the broker and its operator's command line. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/crypto/memory.h"
#include "common/log.h"
#include "common/transport/control.h"
#include "server/admin.h"
#include "server/serve.h"
#include "server/site.h"

#define DEFAULT_HOME "/var/lib/overlapd"
#define HOSTS_MAX OV_CERT_HOSTS_MAX
#define CONTROL_TIMEOUT_MS 60000

/* Everything the command line can say. */
struct line {
	const char *home, *name;
	const char *hosts[HOSTS_MAX];
	size_t n_hosts;
	struct ov_serve_options serve;
	char **words; /* after the verb */
	int n_words;
	enum ov_log_level log_level; /* of serve */
};

static const char usage[] =
    "usage: overlapd VERB [OPTION...]\n"
    "\n"
    "  init              make a broker's directory: authority, keys, store\n"
    "  serve             take calls until SIGTERM\n"
    "  enroll COMPANY    print a token that lets a company in, once, for 24 hours\n"
    "  orgs              list the companies\n"
    "  revoke COMPANY    shut a company out at once\n"
    "  remove COMPANY    the same, and free its name\n"
    "  status            how the broker is\n"
    "  backup FILE       copy the store, also while the broker works\n"
    "  restore FILE      put a backup in the place of the store, under a new log id\n"
    "\n"
    "  --home DIR               the broker's directory (" DEFAULT_HOME ")\n"
    "  --name NAME              init: what the authority is called (overlapd)\n"
    "  --host NAME              init: a name or address of the listeners; may be "
    "repeated\n"
    "  --listen HOST:PORT       serve: for companies (0.0.0.0:7440)\n"
    "  --enrolment HOST:PORT    serve: for enrolment (0.0.0.0:7441)\n"
    "  --open-jobs N            serve: open jobs of a company (64)\n"
    "  --slots N                serve: slots of a list (16777216)\n"
    "  --stored-mib N           serve: stored by a company (4096)\n"
    "  --calls-per-minute N     serve: calls of a company (60000)\n"
    "  --connections N          serve: of all companies (4096)\n"
    "  --verbose                serve: log what happens, not only what fails\n"
    "\n"
    "Exit status: 0 done, 1 failed, 2 wrong use.\n";

static enum ov_status
number(uint32_t *out, const char *text, uint32_t least)
{
	char *end;
	unsigned long v = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end != '\0' || v < least || v > 0x7fffffff)
		return OV_E_USAGE;
	*out = (uint32_t)v;
	return OV_OK;
}

static enum ov_status
take_option(struct line *l, int option, const char *value)
{
	struct ov_limits *limits = &l->serve.limits;
	enum ov_status st = OV_OK;
	uint32_t mib;

	switch (option) {
	case 'h':
		l->home = value;
		break;
	case 'n':
		l->name = value;
		break;
	case 'H':
		OV_REQUIRE(l->n_hosts < HOSTS_MAX, OV_E_USAGE);
		l->hosts[l->n_hosts++] = value;
		break;
	case 'l':
		l->serve.listen = value;
		break;
	case 'e':
		l->serve.enrolment = value;
		break;
	case 'j':
		st = number(&limits->open_jobs, value, 1);
		break;
	case 's':
		st = number(&limits->slots, value, 1024);
		break;
	case 'm':
		OV_TRY(number(&mib, value, 1));
		limits->stored_bytes = (uint64_t)mib << 20;
		break;
	case 'c':
		st = number(&limits->calls_per_minute, value, 1);
		break;
	case 'C':
		st = number(&limits->connections, value, 1);
		break;
	case 'v':
		l->log_level = OV_LOG_INFO;
		break;
	default: /* getopt has said why */
		st = OV_E_USAGE;
	}
done:
	return st;
}

static enum ov_status
parse(struct line *l, int argc, char **argv)
{
	static const struct option options[] = { { "home", required_argument, NULL, 'h' },
		{ "name", required_argument, NULL, 'n' },
		{ "host", required_argument, NULL, 'H' },
		{ "listen", required_argument, NULL, 'l' },
		{ "enrolment", required_argument, NULL, 'e' },
		{ "open-jobs", required_argument, NULL, 'j' },
		{ "slots", required_argument, NULL, 's' },
		{ "stored-mib", required_argument, NULL, 'm' },
		{ "calls-per-minute", required_argument, NULL, 'c' },
		{ "connections", required_argument, NULL, 'C' },
		{ "verbose", no_argument, NULL, 'v' }, { NULL, 0, NULL, 0 } };
	enum ov_status st = OV_OK;
	int option;

	*l = (struct line){ .home = DEFAULT_HOME,
		.name = "overlapd",
		.log_level = OV_LOG_WARN,
		.serve = { .listen = "0.0.0.0:7440",
		    .enrolment = "0.0.0.0:7441",
		    .limits = { .open_jobs = 64,
			.slots = OV_SLOTS_DEFAULT,
			.stored_bytes = UINT64_C(4) << 30,
			.calls_per_minute = 60000,
			.connections = 4096,
			.connections_per_company = 16,
			.tokens = 100 } } };
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
		OV_TRY(take_option(l, option, optarg));
	l->words = argv + optind;
	l->n_words = argc - optind;
	l->serve.dir = l->home;
done:
	return st;
}

/* --- verbs --- */

static enum ov_status
verb_init(const struct line *l)
{
	static const char *const local[] = { "localhost", "127.0.0.1" };
	struct ov_site_options o = { .name = l->name,
		.hosts = l->n_hosts > 0 ? l->hosts : local,
		.n_hosts = l->n_hosts > 0 ? l->n_hosts : 2 };
	enum ov_status st = ov_site_create(l->home, &o);

	if (st == OV_OK)
		printf("made %s, for the name%s %s%s\n"
		       "next: overlapd serve --home %s\n"
		       "      overlapd enroll --home %s COMPANY\n",
		    l->home, o.n_hosts > 1 ? "s" : "", o.hosts[0],
		    o.n_hosts > 1 ? " and others" : "", l->home, l->home);
	if (st == OV_OK && l->n_hosts == 0)
		printf("companies on other machines need a name: begin again with --host "
		       "NAME\n");
	return st;
}

/* For whoever started it: a script, a test, a person. */
static void
say_ready(uint16_t companies, uint16_t enrolment)
{
	printf("companies %u\nenrolment %u\nready\n", (unsigned int)companies,
	    (unsigned int)enrolment);
	fflush(stdout);
}

static enum ov_status
verb_serve(const struct line *l)
{
	struct ov_serve_options o = l->serve;

	o.ready = say_ready;
	ov_log_set_level(l->log_level);
	return ov_serve(&o);
}

static enum ov_status
verb_restore(const struct line *l)
{
	enum ov_status st = ov_site_restore(l->home, l->words[0]);

	if (st == OV_OK)
		printf(
		    "restored under a new log id: every client asks its person "
		    "before it goes on\n"
		    "companies revoked since the backup are let in again: see overlapd "
		    "orgs, overlapd revoke\n");
	return st;
}

/* By the broker that runs, or else here. */
static enum ov_status
ask(struct ov_buf *reply, const char *home, struct ov_bytes request)
{
	struct ov_broker broker = { 0 };
	struct ov_admin admin = { .broker = &broker };
	char path[OV_PATH_MAX];
	uint8_t *body = NULL;
	size_t len = 0;
	enum ov_status st = OV_OK;

	OV_TRY(ov_site_path(path, home, "control.sock"));
	st = ov_control_call(path, &body, &len, request, CONTROL_TIMEOUT_MS);
	if (st == OV_OK) {
		OV_TRY(ov_buf_append(reply, body, len));
		goto done;
	}
	OV_REQUIRE(st == OV_E_NET_UNREACHABLE, st);
	OV_TRY(ov_site_open(&broker, home));
	ov_admin_answer(reply, &admin, request);
done:
	free(body);
	ov_site_close(&broker);
	return st;
}

/* The status that the reply begins with; its text goes to standard output. */
static enum ov_status
show(const struct ov_buf *reply)
{
	const char *text = (const char *)reply->p;
	const char *end = reply->len > 0 ? memchr(text, '\n', reply->len) : NULL;
	char name[64];

	if (end == NULL || (size_t)(end - text) >= sizeof(name))
		return OV_E_NET_CLOSED;
	memcpy(name, text, (size_t)(end - text));
	name[end - text] = '\0';
	end++;
	if (fwrite(end, 1, reply->len - (size_t)(end - text), stdout) !=
		reply->len - (size_t)(end - text) ||
	    fflush(stdout) != 0)
		return OV_E_IO;
	return ov_status_by_name(name);
}

/* The broker that writes the file has a working directory of its own. */
static enum ov_status
make_absolute(char out[OV_PATH_MAX], const char *path)
{
	char here[OV_PATH_MAX];

	if (path[0] != '/' && getcwd(here, sizeof(here)) == NULL)
		return OV_E_IO;
	return path[0] != '/' ? ov_site_path(out, here, path)
			      : ov_site_path(out, "", path + 1);
}

static enum ov_status
admin_verb(const struct line *l, const char *verb)
{
	struct ov_buf request = { 0 }, reply = { 0 };
	char path[OV_PATH_MAX];
	enum ov_status st = OV_OK;

	OV_TRY(ov_buf_append(&request, verb, strlen(verb) + 1));
	for (int i = 0; i < l->n_words; i++) {
		const char *word = l->words[i];

		if (strcmp(verb, "backup") == 0) {
			OV_TRY(make_absolute(path, word));
			word = path;
		}
		OV_TRY(ov_buf_append(&request, word, strlen(word) + 1));
	}
	OV_TRY(ask(&reply, l->home, OV_BUF_BYTES(&request)));
	st = show(&reply);
done:
	if (reply.p != NULL)
		ov_wipe(reply.p, reply.len); /* may hold a token */
	ov_buf_free(&request);
	ov_buf_free(&reply);
	return st;
}

static enum ov_status
run(const struct line *l, const char *verb)
{
	static const struct {
		const char *name;
		int n_words;
		enum ov_status (*run)(const struct line *l);
	} verbs[] = {
		{ "init", 0, verb_init },
		{ "serve", 0, verb_serve },
		{ "restore", 1, verb_restore },
	};

	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(verb, verbs[i].name) == 0)
			return l->n_words == verbs[i].n_words ? verbs[i].run(l)
							      : OV_E_USAGE;
	return ov_admin_knows(verb, l->n_words) ? admin_verb(l, verb) : OV_E_USAGE;
}

/* The general sentence speaks to a company; an operator's own is here. */
static const char *
words_of(enum ov_status st, const char *verb)
{
	if (st == OV_E_USAGE && strcmp(verb, "enroll") == 0)
		return "enroll takes the company's name: text of 1 to 64 bytes";
	if (st == OV_E_USAGE)
		return "no such verb or option, or too many or few words; see `overlapd "
		       "--help`";
	if (st == OV_E_HOME_MISSING)
		return "no broker here; run `overlapd init` first, or give --home";
	if (st == OV_E_HOME_EXISTS)
		return "there is a broker here already; it is left as it is";
	if (st == OV_E_DB_BUSY)
		return "a broker works in this directory; stop it first";
	if (st == OV_E_NOT_FOUND &&
	    (strcmp(verb, "revoke") == 0 || strcmp(verb, "remove") == 0))
		return "no company of that name; see `overlapd orgs`";
	if (st == OV_E_DB_OPEN && strcmp(verb, "backup") == 0)
		return "the copy was not written: the file exists, or its directory "
		       "does not or is closed to the broker";
	if (st == OV_E_BROKER_QUOTA && strcmp(verb, "enroll") == 0)
		return "100 tokens wait to be used; they expire after 24 hours";
	return ov_status_text(st);
}

int
main(int argc, char **argv)
{
	struct line line;
	enum ov_status st;

	if (argc > 1 && strcmp(argv[1], "help") == 0) {
		fputs(usage, stdout);
		return 0;
	}
	if (argc > 1 && strcmp(argv[1], "--version") == 0) {
		puts("overlapd " OVERLAP_VERSION);
		return 0;
	}
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "--help") == 0) {
			fputs(usage, stdout);
			return 0;
		}
	if (argc < 2)
		fputs(usage, stderr);
	st = ov_crypto_init();
	if (st == OV_OK)
		st = argc > 1 ? parse(&line, argc - 1, argv + 1) : OV_E_USAGE;
	if (st == OV_OK)
		st = run(&line, argv[1]);
	if (st == OV_OK)
		return 0;
	fprintf(stderr, "overlapd: %s (%s)\n", words_of(st, argc > 1 ? argv[1] : ""),
	    ov_status_name(st));
	return ov_status_class(st) == OV_CLASS_USAGE ? 2 : 1;
}
