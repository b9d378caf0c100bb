/* overlap join: this company becomes known to a broker. */
#include <getopt.h>
#include <string.h>

#include "client/enrol.h"
#include "client/json.h"
#include "client/verbs.h"
#include "common/crypto/memory.h"

const char ov_help_join[] =
    "usage: overlap join TOKEN --broker HOST:PORT --enrol HOST:PORT [--json]\n"
    "\n"
    "Joins a broker.  TOKEN comes from the broker's operator, over a channel you trust;\n"
    "it names the broker's keys, works once and for 24 hours.  `-` reads it from "
    "standard\n"
    "input, so that it is not seen in the list of processes.  If it breaks off, run it\n"
    "again.\n"
    "\n"
    "  --broker HOST:PORT  where the broker serves companies\n"
    "  --enrol HOST:PORT   where it takes in new ones\n"
    "\n"
    "example: overlap join - --broker broker.example:7400 --enrol "
    "broker.example:7401\n";

static enum ov_status
read_token(struct ov_token_code *token, char *text)
{
	char line[2 * OV_TOKEN_TEXT] = "";
	enum ov_status st = OV_OK;

	if (strcmp(text, "-") != 0) {
		st = ov_token_read(token, text);
		/* gone from the list of processes; `-` never puts it there */
		ov_wipe(text, strlen(text));
		return st;
	}
	OV_REQUIRE(fgets(line, sizeof(line), stdin) != NULL, OV_E_BROKER_TOKEN);
	OV_TRY(ov_token_read(token, line));
done:
	ov_wipe(line, sizeof(line));
	return st;
}

static enum ov_status
print(struct ov_cli *cli, const struct ov_home *home)
{
	struct ov_json *doc;
	enum ov_status st;

	if (!cli->json) {
		fprintf(cli->out, "Joined as ");
		ov_print_name(cli->out, home->name);
		fprintf(cli->out, ".\nNext: overlap partner invite, or overlap partner "
				  "accept CODE.\n");
		return OV_OK;
	}
	doc = ov_json_new();
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
	enum ov_status st;

	for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		if (c == 'b')
			o.broker = optarg;
		else if (c == 'e')
			o.enrol = optarg;
		else
			return ov_cli_bad_option(cli, argv, "join");
	}
	if (optind != argc - 1 || o.broker == NULL || o.enrol == NULL)
		return ov_cli_fail(cli, OV_E_USAGE,
		    "overlap join TOKEN --broker HOST:PORT --enrol HOST:PORT");
	OV_TRY(read_token(&token, argv[optind]));
	OV_TRY(ov_cli_home(&home, cli));
	if (home->joined) {
		st = ov_cli_fail(cli, OV_E_HOME_EXISTS, "it has joined a broker");
		goto done;
	}
	OV_TRY(ov_home_claim(home));
	OV_TRY(ov_enrol(home, &o));
	OV_TRY(print(cli, home));
done:
	ov_wipe(&token, sizeof(token));
	ov_home_close(home);
	return st;
}
