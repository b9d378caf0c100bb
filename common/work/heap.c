#include "common/work/heap.h"

#include <stdlib.h> /* defines __GLIBC__ */

#ifdef __GLIBC__
#include <malloc.h>
#endif

void
ov_heap_init(void)
{
#ifdef __GLIBC__
	(void)mallopt(M_MMAP_THRESHOLD, 1 << 20);
	(void)mallopt(M_TRIM_THRESHOLD, 4 << 20);
#endif
}

void
ov_heap_trim(void)
{
#ifdef __GLIBC__
	(void)malloc_trim(0);
#endif
}
