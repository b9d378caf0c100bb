#include "client/book/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Where the file system knows no files without names: one that loses it at once. */
static enum ov_status
open_named(int *fd, const char *directory)
{
	char *path;

	if (asprintf(&path, "%s/scratch.XXXXXX", directory) < 0)
		return OV_E_NOMEM;
	*fd = mkostemp(path, O_CLOEXEC); /* mode 0600 */
	if (*fd >= 0 && unlink(path) != 0) {
		close(*fd);
		*fd = -1;
	}
	free(path);
	return *fd >= 0 ? OV_OK : OV_E_IO;
}

enum ov_status
ov_scratch_open(int *fd, const char *directory)
{
	*fd = open(directory, O_TMPFILE | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
	if (*fd >= 0)
		return OV_OK;
	if (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)
		return open_named(fd, directory);
	return OV_E_IO;
}

enum ov_status
ov_scratch_write(int fd, uint64_t at, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;
	ssize_t n;

	while (len > 0) {
		n = pwrite(fd, p, len, (off_t)at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return OV_E_IO;
		p += n;
		at += (uint64_t)n;
		len -= (size_t)n;
	}
	return OV_OK;
}

enum ov_status
ov_scratch_read(void *bytes, size_t len, int fd, uint64_t at)
{
	uint8_t *p = bytes;
	ssize_t n;

	while (len > 0) {
		n = pread(fd, p, len, (off_t)at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return OV_E_IO;
		p += n;
		at += (uint64_t)n;
		len -= (size_t)n;
	}
	return OV_OK;
}
