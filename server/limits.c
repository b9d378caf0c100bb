#include "server/limits.h"

enum ov_status
ov_limit_stored(const struct ov_call *c, struct ov_tx *tx, uint64_t more)
{
	uint64_t limit = c->broker->limits.stored_bytes, used;
	enum ov_status st = ov_store_usage(tx, &used, c->who.id);

	if (st == OV_OK && (used > limit || more > limit - used))
		return OV_E_BROKER_QUOTA;
	return st;
}

enum ov_status
ov_limit_jobs(const struct ov_call *c, struct ov_tx *tx)
{
	uint64_t open;
	enum ov_status st = ov_store_jobs_open(tx, &open, c->who.id);

	if (st == OV_OK && open >= c->broker->limits.open_jobs)
		return OV_E_BROKER_QUOTA;
	return st;
}
