/* heap.h - what becomes of memory that was freed.
 */
#ifndef OV_COMMON_WORK_HEAP_H
#define OV_COMMON_WORK_HEAP_H

#include <stddef.h>

/* Blocks of 14 MiB and more go back to the system when they are freed, and of what is
 * smaller up to 16 MiB stay, so that memory is not fetched again for every chunk and
 * every array of a join: a page of the system costs more than what is done with it, most
 * of all in a virtual machine.  glibc otherwise moves its bound up to the largest block
 * that was ever freed, takes the next ones from the heap, and keeps what lies between
 * them.  Once, before threads start; other C libraries: does nothing. */
void ov_heap_init(void);

/* As calloc, and free() frees it: an array of many MiB that is gone through in random
 * order.  Where the system has larger pages it is asked for them, so that the processor
 * need not look up where memory is at nearly every access. */
void *ov_heap_scattered(size_t n, size_t size);

/* Gives back what is free now, in smaller blocks, too: before a great need, and after. */
void ov_heap_trim(void);

#endif /* OV_COMMON_WORK_HEAP_H */
