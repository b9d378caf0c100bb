/* overlap join: this company becomes known to a broker. */
#include <getopt.h>
#include <string.h>

#include "client/enrol.h"
#include "client/json.h"
#include "client/verbs.h"
#include "common/crypto/memory.h"

const char ov_help_join[] =
    "usage: overlap join TOKEN --broker HOST:PORT --enrol HOST:PORT [--json]\n"
    "       overlap join TOKEN --enrol HOST:PORT [--broker HOST:PORT]\n"
    "\n"
    "Joins a broker.  TOKEN comes from the broker's operator, over a channel you trust;\n"
    "it names the broker's keys, works once and for 24 hours.  `-` reads it from "
    "standard\n"
    "input, so that it is not seen in the list of processes.  If it breaks off, run it\n"
    "again.\n"
    "\n"
    "In a home that has joined, a new token of the same broker, for the same name, "
    "renews\n"
    "the certificate: identity, partners and terms stay, the old certificate ends.  An\n"
    "agent that runs meanwhile ends with exit code 5: start it again.\n"
    "\n"
    "  --broker HOST:PORT  where the broker serves companies\n"
    "  --enrol HOST:PORT   where it takes in new ones\n"
    "\n"
    "example: overlap join - --broker broker.example:7400 --enrol "
    "broker.example:7401\n";

static enum ov_status
print(struct ov_cli *cli, const struct ov_home *home, bool renewed)
{
	struct ov_json *doc;
	enum ov_status st;

	if (!cli->json && renewed) {
		fputs(
		    "Renewed: the certificate of this company is a new one.\n", cli->out);
		return OV_OK;
	}
	if (!cli->json) {
		fprintf(cli->out, "Joined as ");
		ov_print_name(cli->out, home->name);
		fprintf(cli->out, ".\nNext: overlap partner invite, or overlap partner "
				  "accept CODE.\n");
		return OV_OK;
	}
	doc = ov_json_new();
	ov_json_bool(doc, "renewed", renewed);
	ov_json_text(doc, "name", home->name);
	ov_json_hex(doc, "company", home->company, OV_ID);
	ov_json_text(doc, "broker", home->broker.address);
	ov_json_hex(doc, "log", home->broker.log, OV_ID);
	st = ov_json_write(cli->out, doc);
	ov_json_free(doc);
	return st;
}

enum ov_status
ov_verb_join(struct ov_cli *cli, int argc, char **argv)
{
	static const struct option options[] = { { "broker", required_argument, NULL,
						     'b' },
		{ "enrol", required_argument, NULL, 'e' }, { NULL, 0, NULL, 0 } };
	struct ov_token_code token = { 0 };
	struct ov_enrol_options o = { .token = &token };
	struct ov_home *home = NULL;
	bool renewed;
	enum ov_status st;

	for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		if (c == 'b')
			o.broker = optarg;
		else if (c == 'e')
			o.enrol = optarg;
		else
			return ov_cli_bad_option(cli, argv, "join");
	}
	if (optind != argc - 1 || o.enrol == NULL)
		return ov_cli_fail(cli, OV_E_USAGE,
		    "say where the broker is: overlap join TOKEN --broker HOST:PORT "
		    "--enrol HOST:PORT");
	OV_TRY(ov_cli_token(&token, argv[optind]));
	OV_TRY(ov_cli_home(&home, cli));
	renewed = home->joined;
	if (!renewed && o.broker == NULL) {
		st = ov_cli_fail(cli, OV_E_USAGE,
		    "say where the broker is: overlap join TOKEN --broker HOST:PORT "
		    "--enrol HOST:PORT");
		goto done;
	}
	OV_TRY(ov_home_claim_within(home, OV_HOME_CLAIM_WAIT_MS));
	st = ov_enrol(home, &o);
	if (renewed && (st == OV_E_PAIR_BROKER || st == OV_E_TLS_CERTIFICATE))
		st = ov_cli_fail(cli, st,
		    "this home has joined a broker, and the token is of another");
	OV_TRY(st);
	OV_TRY(print(cli, home, renewed));
done:
	ov_wipe(&token, sizeof(token));
	ov_home_close(home);
	return st;
}
