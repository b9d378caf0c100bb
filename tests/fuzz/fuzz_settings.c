/* fuzz_settings.c - any bytes as mapping file, ICP and policy. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "client/book/columns.h"
#include "client/book/icp.h"
#include "client/book/number.h"
#include "client/book/policy.h"
#include "client/normalise/normalise.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *
value(void *ctx, size_t i)
{
	static const char *const values[] = { "US", "1,000", "", "51-200" };

	(void)ctx;
	return i % 5 == 4 ? NULL : values[i % 5];
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ov_map *map = NULL;
	struct ov_icp *icp = NULL;
	struct ov_icp_result result;
	struct ov_policy policy;
	struct ov_fault fault;
	struct ov_range range;

	if (ov_normalise_init() != OV_OK)
		return 0;
	if (ov_map_read(&map, data, size, &fault) == OV_OK &&
	    ov_map_populations(map)->n == 0)
		abort();
	ov_map_free(map);
	if (ov_icp_read(&icp, data, size, &fault) == OV_OK) {
		ov_icp_evaluate(&result, icp, value, NULL);
		if (result.score > result.highest || result.band > ov_icp_n_bands(icp))
			abort();
	}
	ov_icp_free(icp);
	if (ov_policy_read(&policy, data, size, &fault) == OV_OK &&
	    policy.n_populations > OV_POPULATIONS_MAX)
		abort();
	if (ov_number_read(&range, (const char *)data, size) &&
	    !(range.low <= range.high))
		abort();
	return 0;
}
