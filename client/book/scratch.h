/* scratch.h - a file without a name, for data that is too much for memory.
 *
 * It lies in the directory of the home, mode 0600, and is gone with the process, however
 * that ends.  It holds a company's own accounts, as the database beside it does.
 */
#ifndef OV_CLIENT_BOOK_SCRATCH_H
#define OV_CLIENT_BOOK_SCRATCH_H

#include <stddef.h>
#include <stdint.h>

#include "common/status.h"

/* *fd is for the caller to close.  OV_E_IO. */
OV_MUST_CHECK enum ov_status ov_scratch_open(int *fd, const char *directory);

/* All len bytes at this offset, or OV_E_IO (a full disk; an end that comes too early). */
OV_MUST_CHECK enum ov_status ov_scratch_write(
    int fd, uint64_t at, const void *bytes, size_t len);
OV_MUST_CHECK enum ov_status ov_scratch_read(
    void *bytes, size_t len, int fd, uint64_t at);

#endif /* OV_CLIENT_BOOK_SCRATCH_H */
