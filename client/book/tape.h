/* tape.h - records one after another: put at the end, read from the front, any number of
 * them in the memory of a few.
 *
 * What does not fit into the buffer of 64 KiB is on a scratch file (scratch.h); a tape
 * that is shorter has none.  A tape and its readers belong to one thread.  Functions fail
 * with OV_E_IO and OV_E_NOMEM; a tape that failed is only good to be freed.
 */
#ifndef OV_CLIENT_BOOK_TAPE_H
#define OV_CLIENT_BOOK_TAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/crypto/hash.h"
#include "common/status.h"

#define OV_TAPE_RECORD_MAX 8192

struct ov_tape;

/* directory is borrowed until the end. */
OV_MUST_CHECK enum ov_status ov_tape_new(struct ov_tape **out, const char *directory);
void ov_tape_free(struct ov_tape *t); /* NULL is fine */

/* Records of 1 to OV_TAPE_RECORD_MAX bytes, else OV_E_BUG. */
OV_MUST_CHECK enum ov_status ov_tape_put(
    struct ov_tape *t, const void *record, size_t len);

/* Bytes so far: where the next record will begin. */
uint64_t ov_tape_end(const struct ov_tape *t);

/* Reads the records between two places that ov_tape_end gave.  Others may read, and
 * records be put, meanwhile. */
struct ov_tape_reader {
	const struct ov_tape *tape;
	uint64_t at, end; /* of what is not in the buffer yet */
	uint8_t *buffer;
	size_t from, to; /* of the buffer, not given yet */
};
OV_MUST_CHECK enum ov_status ov_tape_read(
    struct ov_tape_reader *r, const struct ov_tape *t, uint64_t from, uint64_t to);
/* *any: whether there is one.  The record is borrowed until the next call. */
OV_MUST_CHECK enum ov_status ov_tape_next(
    bool *any, struct ov_bytes *record, struct ov_tape_reader *r);
void ov_tape_reader_fini(struct ov_tape_reader *r); /* zeroed is fine */

#endif /* OV_CLIENT_BOOK_TAPE_H */
