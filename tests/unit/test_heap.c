/* Memory that is gone through in no order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/work/heap.h"

/* Zero at first and ours to write to its last byte, whether it has room for large pages
 * or not. */
static void
scattered_memory_is_as_calloc_gives_it(void **state)
{
	static const size_t sizes[] = { 1, 4096, (2 << 20) - 1, (2 << 20) + 1, 9 << 20 };

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		uint8_t *p = ov_heap_scattered(sizes[i], 1), any = 0;

		assert_non_null(p);
		for (size_t k = 0; k < sizes[i]; k++)
			any |= p[k];
		assert_int_equal(any, 0);
		memset(p, 1, sizes[i]);
		free(p);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scattered_memory_is_as_calloc_gives_it),
	};

	ov_heap_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
