#include "proto/rank.h"

#include <stddef.h>
#include <string.h>

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

bool
ov_scheme_ok(const char *p, size_t len)
{
	if (len == 0 || len > OV_SCHEME_MAX || p[0] < 'a' || p[0] > 'z')
		return false;
	for (size_t i = 1; i < len; i++)
		if (!(p[i] >= 'a' && p[i] <= 'z') && !(p[i] >= '0' && p[i] <= '9') &&
		    p[i] != '-')
			return false;
	return true;
}

bool
ov_token_split(struct ov_token_parts *out, uint8_t rank, struct ov_bytes value)
{
	const char *kind = ov_rank_kind(rank);
	const uint8_t *sign = NULL;
	size_t n;

	if (kind == NULL || value.len == 0)
		return false;
	memcpy(out->kind, kind, strlen(kind) + 1);
	out->value = value;
	if (rank == OV_RANK_VAT)
		sign = memchr(value.p, '=', value.len);
	if (sign == NULL)
		return true;
	n = (size_t)(sign - value.p);
	if (!ov_scheme_ok((const char *)value.p, n) || n + 1 == value.len)
		return false;
	memcpy(out->kind, "id:", 3);
	memcpy(out->kind + 3, value.p, n);
	out->kind[3 + n] = '\0';
	out->value = OV_BYTES(sign + 1, value.len - n - 1);
	return true;
}
