/* overlap init: a home. */
#include <getopt.h>

#include "client/json.h"
#include "client/verbs.h"
#include "common/crypto/memory.h"

const char ov_help_init[] =
    "usage: overlap init [--passphrase] [--home DIR] [--key-file FILE] [--json]\n"
    "\n"
    "Sets up a home: a directory with the keys and the database of this company.\n"
    "Secrets in it are encrypted by a key.  By default the key is a file in the home\n"
    "itself: whoever copies the home has both.  Better is a key that is kept elsewhere:\n"
    "\n"
    "  --passphrase     a passphrase that is typed, now and whenever a secret is needed\n"
    "  --key-file FILE  the text of FILE; also systemd's credential `overlap.key`\n"
    "  --key-fd N       the text that is read from descriptor N\n"
    "\n"
    "example: overlap init --key-file /etc/overlap/home.key\n";

static enum ov_status
print(struct ov_cli *cli, const struct ov_home *home)
{
	char hex[2 * OV_ID + 1];
	struct ov_json *doc;
	enum ov_status st;

	if (!cli->json) {
		ov_hex(hex, home->company, OV_ID);
		fprintf(cli->out, "This home is %s.\nThe company's id is %s.\n",
		    home->path, hex);
		if (home->key_kind == OV_KEY_BESIDE)
			fprintf(cli->out,
			    "Its key lies beside the data (overlap.key): keep it out of "
			    "backups, or begin\nagain with --key-file or "
			    "--passphrase.\n");
		fprintf(cli->out, "Next: overlap join TOKEN --broker HOST:PORT --enrol "
				  "HOST:PORT\n");
		return OV_OK;
	}
	doc = ov_json_new();
	ov_json_text(doc, "home", home->path);
	ov_json_hex(doc, "company", home->company, OV_ID);
	ov_json_bool(doc, "key_beside_data", home->key_kind == OV_KEY_BESIDE);
	st = ov_json_write(cli->out, doc);
	ov_json_free(doc);
	return st;
}

enum ov_status
ov_verb_init(struct ov_cli *cli, int argc, char **argv)
{
	static const struct option options[] = { { "passphrase", no_argument, NULL, 'p' },
		{ NULL, 0, NULL, 0 } };
	bool apart = cli->home.key_file != NULL || cli->home.key_fd >= 0;
	struct ov_home *home = NULL;
	enum ov_status st;

	for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		if (c != 'p')
			return ov_cli_bad_option(cli, argv, "init");
		apart = true;
	}
	if (optind != argc)
		return ov_cli_fail(cli, OV_E_USAGE, "init takes no arguments");
	st = ov_home_init(&cli->home, apart ? OV_KEY_APART : OV_KEY_BESIDE);
	if (st == OV_E_USAGE && apart)
		return ov_cli_fail(cli, st, "a key or passphrase has at least 12 bytes");
	if (st == OV_E_CRYPTO_PASSPHRASE && apart)
		return ov_cli_fail(
		    cli, st, "no passphrase, or not twice the same; nothing was set up");
	if (st == OV_E_IO)
		return ov_cli_fail(cli, st,
		    "a home is a directory of your own, new, empty, or closed to others");
	OV_TRY(st);
	OV_TRY(ov_cli_home(&home, cli));
	OV_TRY(print(cli, home));
done:
	ov_home_close(home);
	return st;
}
