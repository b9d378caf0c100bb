#include "client/outfile.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool
is_special(const char *path)
{
	struct stat sb;

	return stat(path, &sb) == 0 && !S_ISREG(sb.st_mode);
}

static enum ov_status
open_beside(struct ov_outfile *o)
{
	int fd;

	if (asprintf(&o->temporary, "%s.XXXXXX", o->path) < 0) {
		o->temporary = NULL;
		return OV_E_NOMEM;
	}
	fd = mkostemp(o->temporary, O_CLOEXEC);
	if (fd < 0) {
		free(o->temporary);
		o->temporary = NULL;
		return OV_E_IO;
	}
	o->f = fdopen(fd, "w");
	if (o->f == NULL)
		close(fd);
	return o->f != NULL ? OV_OK : OV_E_NOMEM;
}

enum ov_status
ov_outfile_open(struct ov_outfile *o, const char *path)
{
	enum ov_status st = OV_OK;

	*o = (struct ov_outfile){ .path = strdup(path) };
	OV_REQUIRE(o->path != NULL, OV_E_NOMEM);
	if (is_special(path)) {
		o->f = fopen(path, "we");
		OV_REQUIRE(o->f != NULL, OV_E_IO);
	} else {
		OV_TRY(open_beside(o));
	}
done:
	if (st != OV_OK)
		ov_outfile_abandon(o);
	return st;
}

enum ov_status
ov_outfile_commit(struct ov_outfile *o)
{
	enum ov_status st = OV_OK;
	FILE *f = o->f;
	bool written;

	written = fflush(f) == 0 && ferror(f) == 0 &&
		  (o->temporary == NULL || fsync(fileno(f)) == 0);
	o->f = NULL;
	OV_REQUIRE(fclose(f) == 0 && written, OV_E_IO);
	if (o->temporary != NULL) {
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
	if (o->f != NULL)
		fclose(o->f);
	if (o->temporary != NULL)
		(void)unlink(o->temporary);
	free(o->temporary);
	free(o->path);
	*o = (struct ov_outfile){ 0 };
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
