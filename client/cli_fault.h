/* cli_fault.h - a fault in a file of the user's as the failure of a verb. */
#ifndef OV_CLIENT_CLI_FAULT_H
#define OV_CLIENT_CLI_FAULT_H

#include "client/book/fault.h"
#include "client/cli.h"

/* "FILE, line 7: text" as the words of st, which is returned.  A fault without words
 * gives FILE alone; of a long path the end is shown; `-` is standard input. */
enum ov_status ov_cli_fault(struct ov_cli *cli, enum ov_status st, const char *file,
    const struct ov_fault *fault);

/* After errno says why `file`, which a person named, cannot be opened or read: `FILE:
 * Permission denied`.  OV_E_NOT_FOUND where another name would help, else OV_E_IO. */
enum ov_status ov_cli_no_file(struct ov_cli *cli, const char *file);

#endif /* OV_CLIENT_CLI_FAULT_H */
