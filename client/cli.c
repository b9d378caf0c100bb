#include "client/cli.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "client/screen.h"
#include "common/crypto/memory.h"

enum ov_status
ov_cli_fail(struct ov_cli *cli, enum ov_status st, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(cli->detail, sizeof(cli->detail), format, ap);
	va_end(ap);
	cli->all_said = st == OV_E_USAGE || st == OV_E_NOT_FOUND;
	return st;
}

enum ov_status
ov_cli_bad_option(struct ov_cli *cli, char **argv, const char *verb)
{
	const char *option = optind > 0 ? argv[optind - 1] : NULL;

	if (option == NULL || option[0] != '-')
		return ov_cli_fail(cli, OV_E_USAGE, "see `overlap %s --help`", verb);
	return ov_cli_fail(cli, OV_E_USAGE, "`%.40s` %s; see `overlap %s --help`", option,
	    optopt != 0 ? "needs a value, or takes none" : "is no option here", verb);
}

/* --- options of every verb --- */

static enum ov_status
read_fd(struct ov_cli *cli, const char *text)
{
	char *end;
	long fd = strtol(text, &end, 10);

	if (end == text || *end != '\0' || fd < 0 || fd > 1023)
		return ov_cli_fail(cli, OV_E_USAGE, "--key-fd takes a file descriptor");
	cli->home.key_fd = (int)fd;
	return OV_OK;
}

/* The value of `--name VALUE` or `--name=VALUE` at argv[*i]; NULL: it is another one. */
static const char *
value_of(const char *name, int argc, char **argv, int *i)
{
	size_t len = strlen(name);

	if (strncmp(argv[*i], name, len) != 0)
		return NULL;
	if (argv[*i][len] == '=')
		return argv[*i] + len + 1;
	if (argv[*i][len] != '\0' || *i + 1 >= argc)
		return NULL;
	return argv[++*i];
}

enum ov_status
ov_cli_globals(struct ov_cli *cli, int *argc, char **argv)
{
	enum ov_status st = OV_OK;
	const char *value;
	int kept = 0;

	for (int i = 0; i < *argc; i++) {
		if (strcmp(argv[i], "--") == 0) {
			while (i < *argc)
				argv[kept++] = argv[i++];
			break;
		}
		if (strcmp(argv[i], "--json") == 0)
			cli->json = true;
		else if ((value = value_of("--home", *argc, argv, &i)) != NULL)
			cli->home.path = value;
		else if ((value = value_of("--key-file", *argc, argv, &i)) != NULL)
			cli->home.key_file = value;
		else if ((value = value_of("--key-fd", *argc, argv, &i)) != NULL)
			OV_TRY(read_fd(cli, value));
		else
			argv[kept++] = argv[i];
	}
	*argc = kept;
	argv[kept] = NULL;
done:
	return st;
}

enum ov_status
ov_cli_home(struct ov_home **home, struct ov_cli *cli)
{
	return ov_home_open(home, &cli->home);
}

enum ov_status
ov_cli_session(struct ov_home **home, struct ov_session **s, struct ov_cli *cli)
{
	enum ov_status st;

	*s = NULL;
	OV_TRY(ov_cli_home(home, cli));
	OV_TRY(ov_session_open(s, *home));
done:
	if (st != OV_OK) {
		ov_home_close(*home);
		*home = NULL;
	}
	return st;
}

bool
ov_cli_confirm(struct ov_cli *cli, const char *question)
{
	char line[16];

	if (!cli->home.ask || isatty(STDIN_FILENO) != 1)
		return false;
	fprintf(cli->out, "%s [y/N] ", question);
	fflush(cli->out);
	if (fgets(line, sizeof(line), stdin) == NULL)
		return false;
	line[strcspn(line, "\r\n")] = '\0';
	return strcasecmp(line, "y") == 0 || strcasecmp(line, "yes") == 0;
}

void
ov_cli_code(char line[OV_CLI_CODE_TEXT], char *text)
{
	size_t len = strlen(text);

	memset(line, 0, OV_CLI_CODE_TEXT);
	if (strcmp(text, "-") == 0) {
		if (fgets(line, OV_CLI_CODE_TEXT, stdin) == NULL)
			line[0] = '\0';
		return;
	}
	if (len < OV_CLI_CODE_TEXT)
		memcpy(line, text, len);
	ov_wipe(text, len); /* gone from the list of processes; `-` never puts it there */
}

enum ov_status
ov_cli_token(struct ov_token_code *token, char *text)
{
	char line[OV_CLI_CODE_TEXT];
	enum ov_status st;

	ov_cli_code(line, text);
	st = ov_token_read(token, line);
	ov_wipe(line, sizeof(line));
	return st;
}

/* --- printing --- */

void
ov_time_text(char out[OV_TIME_TEXT], uint64_t t)
{
	time_t seconds = (time_t)t;
	struct tm tm = { 0 };

	(void)gmtime_r(&seconds, &tm); /* fails beyond the year 2^31 */
	if (strftime(out, OV_TIME_TEXT, "%Y-%m-%d %H:%M UTC", &tm) == 0)
		memcpy(out, "?", 2);
}

void
ov_print_name(FILE *out, const char *name)
{
	ov_screen_cell(out, name, 0, OV_SCREEN_LEFT);
}
