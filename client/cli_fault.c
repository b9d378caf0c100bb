#include "client/cli_fault.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define PATH_SHOWN 120

/* The end of a long path says more than its beginning. */
static const char *
shown(const char *file)
{
	size_t len = strlen(file);

	if (strcmp(file, "-") == 0)
		return "standard input";
	return len > PATH_SHOWN ? file + (len - PATH_SHOWN) : file;
}

enum ov_status
ov_cli_fault(
    struct ov_cli *cli, enum ov_status st, const char *file, const struct ov_fault *fault)
{
	file = shown(file);
	if (fault->text[0] == '\0')
		return ov_cli_fail(cli, st, "%s", file);
	if (fault->line == 0)
		(void)ov_cli_fail(cli, st, "%s: %s", file, fault->text);
	else
		(void)ov_cli_fail(
		    cli, st, "%s, line %" PRIu64 ": %s", file, fault->line, fault->text);
	cli->all_said = true;
	return st;
}

enum ov_status
ov_cli_no_file(struct ov_cli *cli, const char *file)
{
	int why = errno;
	bool named = why == ENOENT || why == ENOTDIR || why == EISDIR || why == EACCES ||
		     why == ENAMETOOLONG || why == ELOOP;

	return ov_cli_fail(
	    cli, named ? OV_E_NOT_FOUND : OV_E_IO, "%s: %s", shown(file), strerror(why));
}
