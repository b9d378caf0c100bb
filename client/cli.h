/* cli.h - what every verb gets, and the table of verbs.
 *
 * A verb is one function in a file of its own.  It reads its options with getopt_long
 * from argv (argv[0] is the verb), prints to cli->out, and returns a status; main prints
 * the failure once and turns it into an exit code.  ov_cli_fail keeps words for that
 * message.
 */
#ifndef OV_CLIENT_CLI_H
#define OV_CLIENT_CLI_H

#include <stdio.h>

#include "client/home.h"
#include "client/session.h"
#include "proto/code.h"

struct ov_cli {
	struct ov_home_options home; /* from --home, --key-file, --key-fd */
	bool json;		     /* --json, before or after the verb */
	FILE *out;
	char detail[512]; /* of the failure, for the user's own screen */
	bool all_said;	  /* detail needs no general sentence after it */
};

struct ov_verb {
	const char *name;
	enum ov_status (*run)(struct ov_cli *cli, int argc, char **argv);
	const char *summary; /* one line of `overlap --help` */
	const char *help;    /* printed by `overlap VERB --help` */
};

/* In the order of `overlap --help`, ended by a NULL name. */
extern const struct ov_verb ov_verbs[];

/* Keeps words for the failure message and returns st: `return ov_cli_fail(cli,
 * OV_E_USAGE, "--wait takes seconds")`.  main adds st's own sentence, but for OV_E_USAGE
 * and OV_E_NOT_FOUND, where the words say it all. */
enum ov_status ov_cli_fail(struct ov_cli *cli, enum ov_status st, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* After getopt_long said '?': names the option that is not understood, or lacks its
 * value, and the verb's help.  verb: as a person types it, such as "partner invite". */
enum ov_status ov_cli_bad_option(struct ov_cli *cli, char **argv, const char *verb);

/* Options that every verb understands: reads them out of argv, wherever they stand before
 * `--`, and removes them. */
OV_MUST_CHECK enum ov_status ov_cli_globals(struct ov_cli *cli, int *argc, char **argv);

/* The usual beginnings.  Both outputs NULL on failure. */
OV_MUST_CHECK enum ov_status ov_cli_home(struct ov_home **home, struct ov_cli *cli);
OV_MUST_CHECK enum ov_status ov_cli_session(
    struct ov_home **home, struct ov_session **s, struct ov_cli *cli);

/* Asks a yes/no question at the terminal; false without one.  Nothing but y or yes is
 * yes. */
bool ov_cli_confirm(struct ov_cli *cli, const char *question);

/* A code as an argument, which is wiped so that it leaves the list of processes; `-`
 * takes a line of standard input.  "" where there is none, or one that is longer than any
 * code. SECRET: wipe line. */
#define OV_CLI_CODE_TEXT (2 * OV_TOKEN_TEXT) /* typed with blanks in it */
void ov_cli_code(char line[OV_CLI_CODE_TEXT], char *text);

/* An enrolment token so.  SECRET: wipe it.  OV_E_BROKER_TOKEN. */
OV_MUST_CHECK enum ov_status ov_cli_token(struct ov_token_code *token, char *text);

/* "2026-01-31 12:00 UTC". */
#define OV_TIME_TEXT 24
void ov_time_text(char out[OV_TIME_TEXT], uint64_t t);

/* Prints text from outside (names of partners): control characters become '?'. */
void ov_print_name(FILE *out, const char *name);

#endif /* OV_CLIENT_CLI_H */
