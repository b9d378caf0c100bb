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

/* The same bytes as criteria of a partner. */
static void
take_asked(const uint8_t *data, size_t size)
{
	static const struct ov_shared_columns columns = { 3,
		{ "industry", "employees", "tech stack" } };
	struct ov_buf text = { 0 };
	struct ov_icp *icp = NULL;
	struct ov_fault fault;

	if (ov_icp_read_asked(&icp, OV_BYTES(data, size), &fault) == OV_OK) {
		(void)!ov_icp_check_asked(icp, &columns, &fault);
		/* they have one form */
		if (ov_icp_write(&text, icp, &fault) != OV_OK || text.len != size ||
		    memcmp(text.p, data, size) != 0)
			abort();
	}
	ov_icp_free(icp);
	ov_buf_free(&text);
}

static void
take_policy(const uint8_t *data, size_t size)
{
	static struct ov_policy policy;
	struct ov_buf columns = { 0 };
	struct ov_fault fault;

	if (ov_policy_read(&policy, NULL, data, size, &fault) != OV_OK)
		return;
	if (policy.n_populations > OV_POPULATIONS_MAX ||
	    policy.icp_len > OV_ICP_ASKED_MAX || policy.epsilon_milli == 0 ||
	    policy.epsilon_milli > policy.year_epsilon_milli ||
	    ov_shared_columns_pack(&columns, &policy.icp_columns) != OV_OK)
		abort();
	ov_buf_free(&columns);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ov_map *map = NULL;
	struct ov_icp *icp = NULL;
	struct ov_icp_result result;
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
	take_policy(data, size);
	take_asked(data, size);
	if (ov_number_read(&range, (const char *)data, size) &&
	    !(range.low <= range.high))
		abort();
	return 0;
}
