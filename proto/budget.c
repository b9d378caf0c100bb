#include "proto/budget.h"

void
ov_budget_due(struct ov_budget_due *out, const struct ov_release *r,
    const struct ov_budget_past *past, int64_t now, int64_t slack_s)
{
	/* view_days <= 3660: no overflow for any time of 40 bits */
	int64_t days =
	    past->last > 0 ? past->last + (int64_t)r->view_days * OV_BUDGET_DAY : 0;
	int64_t year = past->full > 0 ? past->full + OV_BUDGET_YEAR : 0;
	int64_t next = days > year ? days : year;

	*out = (struct ov_budget_due){ .reason = OV_HELD_BUDGET };
	if (r->epsilon_milli == 0 || r->epsilon_milli > r->year_epsilon_milli)
		return; /* never under these terms */
	out->due = next <= now + slack_s;
	out->reason = year > days ? OV_HELD_BUDGET : OV_HELD_NOT_DUE;
	out->next = (uint64_t)(next > now ? next : now);
}

bool
ov_release_has(const uint8_t level[OV_POPULATIONS_MAX + 1], enum ov_level wanted)
{
	for (unsigned int p = 1; p <= OV_POPULATIONS_MAX; p++)
		if (level[p] == (uint8_t)wanted)
			return true;
	return false;
}

/* thousandths / epsilon_milli to the nearest whole, halves up: 2 * 5693 + 100,000 and the
 * like are far below 2^32. */
static uint32_t
plus_minus(uint32_t thousandths, uint32_t epsilon_milli)
{
	uint32_t n = (2 * thousandths + epsilon_milli) / (2 * epsilon_milli);

	return n > 0 ? n : 1;
}

/* A sum of k Laplace variables of scale 1 is beyond x on either side with probability
 * exp(-x) (x^3 + 9x^2 + 33x + 48) / 48 for k = 4 and exp(-x) (x + 2) / 2 for k = 2: that
 * is 5 in 100 at 5.6926 and 4.1130.  A whole number n stands for all up to n + 1/2. */
uint32_t
ov_plus_minus_pairs(uint32_t epsilon_milli)
{
	return plus_minus(5693, epsilon_milli);
}

uint32_t
ov_plus_minus_fits(uint32_t epsilon_milli)
{
	return plus_minus(4114, epsilon_milli);
}
