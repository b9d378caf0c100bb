#include "common/work/heap.h"

#include <stdint.h>
#include <stdlib.h> /* defines __GLIBC__ */
#include <sys/mman.h>

#ifdef __GLIBC__
#include <malloc.h>
#endif

void
ov_heap_init(void)
{
#ifdef __GLIBC__
	(void)mallopt(M_MMAP_THRESHOLD, 14 << 20);
	(void)mallopt(M_TRIM_THRESHOLD, 16 << 20);
#endif
}

void
ov_heap_trim(void)
{
#ifdef __GLIBC__
	(void)malloc_trim(0);
#endif
}

#ifdef MADV_HUGEPAGE
#define LARGE_PAGE ((uintptr_t)2 << 20)

/* Only advice.  Whole large pages alone: memory beside the block is not ours to speak of.
 */
static void
want_large_pages(void *p, size_t len)
{
	uintptr_t start = ((uintptr_t)p + LARGE_PAGE - 1) & ~(LARGE_PAGE - 1);
	uintptr_t end = ((uintptr_t)p + len) & ~(LARGE_PAGE - 1);

	if (start < end)
		(void)madvise((void *)start, end - start, MADV_HUGEPAGE);
}
#endif

void *
ov_heap_scattered(size_t n, size_t size)
{
	void *p = calloc(n, size);

#ifdef MADV_HUGEPAGE
	if (p != NULL)
		want_large_pages(p, n * size);
#endif
	return p;
}
