/* sort.h - sorts any number of records in bounded memory.
 *
 * Records are bytes, in the order of memcmp, the shorter of two equal beginnings first.
 * As many as fit into the memory that the caller grants are gathered and sorted; then
 * they go, in order, to a tape (tape.h), and such pieces are merged while they are read.
 * A sorter takes at its peak one and a half times that memory, and 2 MiB while it reads
 * from a tape.  One thread.  Functions fail with OV_E_IO and OV_E_NOMEM; then only
 * freeing is left.
 */
#ifndef OV_CLIENT_BOOK_SORT_H
#define OV_CLIENT_BOOK_SORT_H

#include "client/book/tape.h"

#define OV_SORT_RECORD_MAX OV_TAPE_RECORD_MAX
#define OV_SORT_MEMORY_MIN (2 * OV_SORT_RECORD_MAX)
#define OV_SORT_MEMORY (12U << 20) /* what is usual here */

struct ov_sort;

/* memory: a multiple of 16, OV_SORT_MEMORY_MIN or more, below 4 GiB.  directory is
 * borrowed until the end. */
OV_MUST_CHECK enum ov_status ov_sort_new(
    struct ov_sort **out, const char *directory, size_t memory);
void ov_sort_free(struct ov_sort *s); /* NULL is fine */

/* A record of 1 to OV_SORT_RECORD_MAX bytes, copied.  OV_E_BUG after ov_sort_begin. */
OV_MUST_CHECK enum ov_status ov_sort_add(
    struct ov_sort *s, const void *record, size_t len);

/* After the last record: the next one read is the first.  Again: reads all once more. */
OV_MUST_CHECK enum ov_status ov_sort_begin(struct ov_sort *s);

/* *any: whether there is one.  The record is borrowed until the next call. */
OV_MUST_CHECK enum ov_status ov_sort_next(
    bool *any, struct ov_bytes *record, struct ov_sort *s);

#endif /* OV_CLIENT_BOOK_SORT_H */
