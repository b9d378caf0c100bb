#include "client/outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OPEN_FILES "/proc/self/fd/" /* of this process, by number */

static bool
is_special(const char *path)
{
	struct stat sb;

	return stat(path, &sb) == 0 && !S_ISREG(sb.st_mode);
}

/* A file without a name in the folder of path: whatever ends this process, nothing of it
 * stays.  -1 where the file system has none, or no way to name it later. */
static int
open_nameless(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder =
	    slash == NULL ? strdup(".") : strndup(path, (size_t)(slash - path) + 1);
	int fd = -1;

	if (folder != NULL && access(OPEN_FILES, X_OK) == 0)
		fd = open(folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
	free(folder);
	return fd;
}

/* Beside path, under a name of its own. */
static int
open_named(char **name, const char *path)
{
	int fd;

	if (asprintf(name, "%s.XXXXXX", path) < 0) {
		*name = NULL;
		return -1;
	}
	fd = mkostemp(*name, O_CLOEXEC);
	if (fd < 0) { /* nothing to be deleted */
		free(*name);
		*name = NULL;
	}
	return fd;
}

enum ov_status
ov_outfile_open(struct ov_outfile *o, const char *path)
{
	int fd;
	enum ov_status st = OV_OK;

	*o = (struct ov_outfile){ .path = strdup(path) };
	OV_REQUIRE(o->path != NULL, OV_E_NOMEM);
	if (is_special(path)) {
		fd = open(path, O_WRONLY | O_CLOEXEC);
	} else {
		fd = open_nameless(path);
		o->nameless = fd >= 0;
		if (fd < 0)
			fd = open_named(&o->temporary, path);
	}
	OV_REQUIRE(fd >= 0, OV_E_IO);
	o->f = fdopen(fd, "w");
	if (o->f == NULL)
		close(fd);
	OV_REQUIRE(o->f != NULL, OV_E_NOMEM);
done:
	if (st != OV_OK)
		ov_outfile_abandon(o);
	return st;
}

/* Gives a file without a name one beside path, at the last moment, since no call puts it
 * in the place of another.  One that a kill left there is replaced. */
static enum ov_status
link_beside(struct ov_outfile *o)
{
	char self[sizeof(OPEN_FILES) + 12];
	enum ov_status st = OV_OK;

	snprintf(self, sizeof(self), OPEN_FILES "%d", fileno(o->f));
	if (asprintf(&o->temporary, "%s.unfinished", o->path) < 0)
		o->temporary = NULL;
	OV_REQUIRE(o->temporary != NULL, OV_E_NOMEM);
	OV_REQUIRE(unlink(o->temporary) == 0 || errno == ENOENT, OV_E_IO);
	OV_REQUIRE(linkat(AT_FDCWD, self, AT_FDCWD, o->temporary, AT_SYMLINK_FOLLOW) == 0,
	    OV_E_IO);
done:
	return st;
}

enum ov_status
ov_outfile_commit(struct ov_outfile *o)
{
	enum ov_status st = OV_OK;
	bool whole = o->nameless || o->temporary != NULL;
	FILE *f = o->f;
	bool written;

	written = fflush(f) == 0 && ferror(f) == 0 && (!whole || fsync(fileno(f)) == 0);
	if (written && o->nameless)
		OV_TRY(link_beside(o));
	o->f = NULL;
	OV_REQUIRE(fclose(f) == 0 && written, OV_E_IO);
	if (whole) {
		OV_REQUIRE(rename(o->temporary, o->path) == 0, OV_E_IO);
		free(o->temporary);
		o->temporary = NULL;
	}
done:
	ov_outfile_abandon(o);
	return st;
}

void
ov_outfile_abandon(struct ov_outfile *o)
{
	int why = errno; /* what went wrong is still to be told */

	if (o->f != NULL)
		fclose(o->f);
	if (o->temporary != NULL)
		(void)unlink(o->temporary);
	free(o->temporary);
	free(o->path);
	*o = (struct ov_outfile){ 0 };
	errno = why;
}

enum ov_status
ov_outfile_print(const char *path, FILE *standard,
    enum ov_status (*print)(FILE *out, const void *arg), const void *arg)
{
	struct ov_outfile file = { 0 };
	enum ov_status st;

	if (strcmp(path, "-") == 0)
		return print(standard, arg);
	OV_TRY(ov_outfile_open(&file, path));
	OV_TRY(print(file.f, arg));
	OV_TRY(ov_outfile_commit(&file));
done:
	ov_outfile_abandon(&file);
	return st;
}
