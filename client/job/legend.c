#include "client/job/legend.h"

#include <string.h>

uint32_t
ov_legend_size(uint64_t n, uint32_t step)
{
	uint64_t rounded;

	if (step == 0)
		return 0;
	rounded = (n + step / 2) / step * step; /* n <= 2^31, step < 2^32 */
	return rounded < OV_U32 ? (uint32_t)rounded : OV_U32 / step * step;
}

enum ov_status
ov_legend_encode(struct ov_buf *out, const struct ov_terms *terms, uint64_t n)
{
	struct ov_buf populations = { 0 };
	struct ov_msg_legend m = { .version = OV_PROTOCOL_VERSION,
		.size = ov_legend_size(n, terms->size_mine) };
	enum ov_status st;

	OV_TRY(ov_populations_pack(&populations, terms->mine, terms->n_mine));
	m.populations = OV_BUF_BYTES(&populations);
	OV_TRY(ov_msg_encode(out, OV_MSG_LEGEND, &m));
done:
	ov_buf_free(&populations);
	return st;
}

static bool
is_zero(const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (p[i] != 0)
			return false;
	return true;
}

static bool
same_populations(struct ov_bytes said, const struct ov_terms *terms)
{
	struct ov_population p[OV_POPULATIONS_MAX];
	size_t n;

	if (ov_populations_unpack(p, &n, said) != OV_OK || n != terms->n_theirs)
		return false;
	for (size_t i = 0; i < n; i++)
		if (p[i].level != terms->theirs[i].level ||
		    strcmp(p[i].name, terms->theirs[i].name) != 0)
			return false;
	return true;
}

/* A multiple of the step that was granted, or nothing. */
static bool
is_size(uint64_t size, uint32_t step)
{
	return step == 0 ? size == 0 : size % step == 0;
}

enum ov_status
ov_legend_check(
    uint32_t *size, const uint8_t chunk[OV_LEGEND_LEN], const struct ov_terms *terms)
{
	size_t len = (size_t)chunk[0] << 8 | chunk[1];
	struct ov_msg_legend m;
	enum ov_status st = OV_OK;

	OV_REQUIRE(len <= OV_LEGEND_LEN - 2, OV_E_PROTO_LEGEND);
	OV_REQUIRE(ov_msg_decode(&m, OV_MSG_LEGEND, OV_BYTES(chunk + 2, len)) == OV_OK,
	    OV_E_PROTO_LEGEND);
	OV_REQUIRE(is_zero(chunk + 2 + len, OV_LEGEND_LEN - 2 - len), OV_E_PROTO_LEGEND);
	OV_REQUIRE(m.version == OV_PROTOCOL_VERSION && m.bands.len == 0 &&
		       same_populations(m.populations, terms) &&
		       is_size(m.size, terms->size_theirs),
	    OV_E_PROTO_LEGEND);
	*size = (uint32_t)m.size;
done:
	return st;
}
