/* MACs of the positions that a report shows, against an array of all of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include "server/macs.h"

#define POSITIONS_MAX 1300

static void
mac_of(uint8_t mac[OV_MAC_LEN], uint32_t position)
{
	ov_put64(mac, position * UINT64_C(0x9e3779b97f4a7c15) + 1);
}

static void
each_shown_position_has_its_own(void **state)
{
	/* of how many positions, and every which one is shown; 0: none */
	static const uint32_t cases[][2] = { { 1, 1 }, { 63, 1 }, { 64, 1 }, { 65, 64 },
		{ 128, 3 }, { 1024, 1 }, { 1024, 7 }, { 1280, 200 }, { 1300, 0 } };
	uint8_t mac[OV_MAC_LEN];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint32_t n = cases[i][0], step = cases[i][1];
		struct ov_macs m;

		assert_int_equal(ov_macs_init(&m, n), OV_OK);
		/* in any order, and some twice */
		for (uint32_t k = n; step > 0 && k-- > 0;)
			if (k % step == 0)
				ov_macs_show(&m, k);
		if (step > 0)
			ov_macs_show(&m, 0);
		assert_int_equal(ov_macs_ready(&m), OV_OK);
		for (uint32_t k = 0; k < POSITIONS_MAX; k++) { /* and beyond the end */
			mac_of(mac, k);
			ov_macs_put(&m, k, mac);
		}
		for (uint32_t k = 0; step > 0 && k < n; k += step) {
			mac_of(mac, k);
			assert_memory_equal(ov_macs_at(&m, k), mac, OV_MAC_LEN);
		}
		ov_macs_fini(&m);
		assert_null(m.mac);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_shown_position_has_its_own),
	};

	return cmocka_run_group_tests_name("macs", tests, NULL, NULL);
}
