/* outfile.h - a file that is there whole or not at all.
 *
 * What is written goes to a new file beside it, mode 0600 (it holds a company's own
 * data), which takes its name when all of it is on the disk.  Until then it has no name,
 * where the file system can have that, so that nothing stays of what was interrupted.
 * Something that is there and is no regular file (a pipe, a terminal) is written to
 * directly.
 */
#ifndef OV_CLIENT_OUTFILE_H
#define OV_CLIENT_OUTFILE_H

#include <stdbool.h>
#include <stdio.h>

#include "common/status.h"

struct ov_outfile {
	FILE *f;
	char *path;
	char *temporary; /* its name for now, if it has one */
	bool nameless;	 /* else, and without it, path is written to directly */
};

/* OV_E_IO, and errno says why; OV_E_NOMEM.  Then nothing is left behind and *o is zero.
 */
OV_MUST_CHECK enum ov_status ov_outfile_open(struct ov_outfile *o, const char *path);

/* Writes out, gives the file its name and closes.  On failure it is abandoned. */
OV_MUST_CHECK enum ov_status ov_outfile_commit(struct ov_outfile *o);

/* Closes and deletes what was written; what had the name keeps it.  After a commit, and
 * on { 0 }, does nothing. */
void ov_outfile_abandon(struct ov_outfile *o);

/* All of it at once: what print writes, into the file, or to standard if path is "-".
 * OV_E_IO, OV_E_NOMEM, and print's failures; then there is no file. */
OV_MUST_CHECK enum ov_status ov_outfile_print(const char *path, FILE *standard,
    enum ov_status (*print)(FILE *out, const void *arg), const void *arg);

#endif /* OV_CLIENT_OUTFILE_H */
