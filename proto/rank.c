#include "proto/rank.h"

#include <stddef.h>

const uint8_t ov_veto_default[OV_RANK_MAX + 1] = {
	[OV_RANK_LEI] = 0xfc, /* all weaker: CIK .. bare name */
	[OV_RANK_CIK] = 0xf8, /* DUNS .. bare name */
	[OV_RANK_DOMAIN] = 0x80,
	[OV_RANK_NAME_COUNTRY] = 0x80,
};

const char *
ov_rank_kind(uint8_t rank)
{
	static const char *const kinds[OV_RANK_MAX + 1] = { NULL, "lei", "cik", "duns",
		"vat", "domain", "namecc", "name" };

	return rank <= OV_RANK_MAX ? kinds[rank] : NULL;
}
