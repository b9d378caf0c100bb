#include "client/cli_fault.h"

#include <inttypes.h>
#include <string.h>

#define PATH_SHOWN 120

enum ov_status
ov_cli_fault(
    struct ov_cli *cli, enum ov_status st, const char *file, const struct ov_fault *fault)
{
	size_t len = strlen(file);

	if (strcmp(file, "-") == 0)
		file = "standard input";
	else if (len > PATH_SHOWN)
		file += len - PATH_SHOWN;
	if (fault->text[0] == '\0')
		return ov_cli_fail(cli, st, "%s", file);
	if (fault->line == 0)
		return ov_cli_fail(cli, st, "%s: %s", file, fault->text);
	return ov_cli_fail(
	    cli, st, "%s, line %" PRIu64 ": %s", file, fault->line, fault->text);
}
