#include "proto/terms.h"

#include <string.h>
#include <strings.h>

#include "proto/keys.h"

bool
ov_is_low(const uint8_t a[16], const uint8_t b[16])
{
	return memcmp(a, b, 16) < 0;
}

enum ov_status
ov_populations_pack(struct ov_buf *out, const struct ov_population *p, size_t n)
{
	size_t start = out->len;
	enum ov_status st = OV_OK;

	OV_REQUIRE(n <= OV_POPULATIONS_MAX, OV_E_WIRE_RANGE);
	for (size_t i = 0; i < n; i++) {
		size_t len = strnlen(p[i].name, sizeof(p[i].name));
		uint8_t head[2] = { (uint8_t)p[i].level, (uint8_t)len };

		OV_REQUIRE(len > 0 && len <= OV_POPULATION_NAME_MAX, OV_E_WIRE_RANGE);
		OV_TRY(ov_buf_append(out, head, sizeof(head)));
		OV_TRY(ov_buf_append(out, p[i].name, len));
	}
done:
	if (st != OV_OK)
		out->len = start;
	return st;
}

/* A name as it stands in a sheet. */
static enum ov_status
check_name(const uint8_t *p, size_t len, size_t max)
{
	if (len == 0 || len > max)
		return OV_E_WIRE_RANGE;
	for (size_t i = 0; i < len; i++)
		if (p[i] < 0x20 || p[i] == 0x7f)
			return OV_E_WIRE_RANGE;
	return OV_OK;
}

static enum ov_status
take_population(struct ov_population *p, const uint8_t **at, size_t *left)
{
	size_t len;
	enum ov_status st = OV_OK;

	OV_REQUIRE(*left >= 2, OV_E_WIRE_TRUNCATED);
	OV_REQUIRE((*at)[0] <= OV_LEVEL_FIELDS, OV_E_WIRE_RANGE);
	len = (*at)[1];
	OV_REQUIRE(*left - 2 >= len, OV_E_WIRE_TRUNCATED);
	OV_TRY(check_name(*at + 2, len, OV_POPULATION_NAME_MAX));
	memset(p, 0, sizeof(*p));
	p->level = (enum ov_level)(*at)[0];
	memcpy(p->name, *at + 2, len);
	*at += 2 + len;
	*left -= 2 + len;
done:
	return st;
}

enum ov_status
ov_populations_unpack(
    struct ov_population p[OV_POPULATIONS_MAX], size_t *n, struct ov_bytes in)
{
	const uint8_t *at = in.p;
	size_t left = in.len, count = 0;
	enum ov_status st = OV_OK;

	while (left > 0) {
		OV_REQUIRE(count < OV_POPULATIONS_MAX, OV_E_WIRE_LIMIT);
		OV_TRY(take_population(&p[count], &at, &left));
		for (size_t i = 0; i < count; i++)
			OV_REQUIRE(
			    strcmp(p[i].name, p[count].name) != 0, OV_E_WIRE_RANGE);
		count++;
	}
	*n = count;
done:
	return st;
}

enum ov_status
ov_shared_columns_pack(struct ov_buf *out, const struct ov_shared_columns *c)
{
	size_t start = out->len;
	enum ov_status st = OV_OK;

	OV_REQUIRE(c->n <= OV_SHARED_COLUMNS_MAX, OV_E_WIRE_RANGE);
	for (size_t i = 0; i < c->n; i++) {
		size_t len = strnlen(c->name[i], sizeof(c->name[i]));
		uint8_t head = (uint8_t)len;

		OV_TRY(check_name((const uint8_t *)c->name[i], len, OV_COLUMN_NAME_MAX));
		OV_TRY(ov_buf_append(out, &head, 1));
		OV_TRY(ov_buf_append(out, c->name[i], len));
	}
done:
	if (st != OV_OK)
		out->len = start;
	return st;
}

bool
ov_shared_columns_have(const struct ov_shared_columns *c, const char *name)
{
	for (size_t i = 0; i < c->n; i++)
		if (strcasecmp(c->name[i], name) == 0)
			return true;
	return false;
}

enum ov_status
ov_shared_columns_unpack(struct ov_shared_columns *c, struct ov_bytes in)
{
	struct ov_shared_columns out = { .n = 0 };
	size_t at = 0, len;
	enum ov_status st = OV_OK;

	while (at < in.len) {
		char name[OV_COLUMN_NAME_MAX + 1] = "";

		OV_REQUIRE(out.n < OV_SHARED_COLUMNS_MAX, OV_E_WIRE_LIMIT);
		len = in.p[at++];
		OV_REQUIRE(len <= in.len - at, OV_E_WIRE_TRUNCATED);
		OV_TRY(check_name(in.p + at, len, OV_COLUMN_NAME_MAX));
		memcpy(name, in.p + at, len);
		OV_REQUIRE(!ov_shared_columns_have(&out, name), OV_E_WIRE_RANGE);
		memcpy(out.name[out.n++], name, sizeof(name));
		at += len;
	}
	*c = out;
done:
	return st;
}

void
ov_populations_reciprocate(
    struct ov_population *p, size_t n, const struct ov_population *other, size_t n_other)
{
	enum ov_level highest = OV_LEVEL_HIDDEN;

	for (size_t i = 0; i < n_other; i++)
		if (other[i].level > highest)
			highest = other[i].level;
	for (size_t i = 0; i < n; i++)
		if (p[i].level > highest)
			p[i].level = highest;
}

/* Levels by number: row i is population i + 1. */
static enum ov_status
levels_of(uint8_t levels[OV_POPULATIONS_MAX], size_t *n, const struct ov_msg_grants *g,
    const struct ov_msg_grants *of_other)
{
	struct ov_population p[OV_POPULATIONS_MAX], other[OV_POPULATIONS_MAX];
	size_t n_other;
	enum ov_status st;

	OV_TRY(ov_populations_unpack(p, n, g->populations));
	OV_TRY(ov_populations_unpack(other, &n_other, of_other->populations));
	if (g->reciprocal == 1)
		ov_populations_reciprocate(p, *n, other, n_other);
	for (size_t i = 0; i < *n; i++)
		levels[i] = (uint8_t)p[i].level;
done:
	return st;
}

static uint64_t
least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t
most(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static void
merge(struct ov_msg_release *r, const struct ov_msg_grants *a,
    const struct ov_msg_grants *b)
{
	bool name_only = a->name_only == 1 && b->name_only == 1;

	r->version = OV_PROTOCOL_VERSION;
	r->ranks = 0x7e; /* ranks 1 to 6 */
	if (name_only)
		r->ranks |= OV_RANK_BIT(OV_RANK_NAME);
	memcpy(r->veto, ov_veto_default, sizeof(r->veto));
	if (a->duns_veto == 1 && b->duns_veto == 1)
		r->veto[OV_RANK_DUNS] = 0xf0; /* all weaker than DUNS */
	r->buckets = 1;
	r->slots = least(a->slots, b->slots);
	r->minimum_list = most(a->minimum_list, b->minimum_list);
	r->runs = least(a->runs, b->runs);
	r->epsilon_milli = least(a->epsilon_milli, b->epsilon_milli);
	r->view_days = most(a->view_days, b->view_days);
	r->year_epsilon_milli = least(a->year_epsilon_milli, b->year_epsilon_milli);
	r->minimum_count = most(a->minimum_count, b->minimum_count);
	r->shown_from = most(a->shown_from, b->shown_from);
	r->exact = least(a->exact, b->exact);
}

enum ov_status
ov_terms_derive(struct ov_buf *terms, struct ov_buf *release,
    struct ov_msg_terms_body *body, const struct ov_terms_input *in)
{
	size_t terms_at = terms->len, release_at = release->len;
	struct ov_msg_grants low, high;
	struct ov_msg_release r;
	struct ov_msg_terms t = { .version = OV_PROTOCOL_VERSION,
		.sequence = in->sequence,
		.grants_low = in->grants_low,
		.grants_high = in->grants_high };
	struct ov_shared_columns columns; /* only to see that there are such */
	uint8_t levels[2][OV_POPULATIONS_MAX];
	size_t n[2];
	enum ov_status st;

	memset(&r, 0, sizeof(r));
	OV_TRY(ov_msg_decode(&low, OV_MSG_GRANTS, in->grants_low));
	OV_TRY(ov_msg_decode(&high, OV_MSG_GRANTS, in->grants_high));
	OV_REQUIRE(
	    low.version == OV_PROTOCOL_VERSION && high.version == OV_PROTOCOL_VERSION,
	    OV_E_PROTO_VERSION);
	OV_TRY(ov_shared_columns_unpack(&columns, low.icp_columns));
	OV_TRY(ov_shared_columns_unpack(&columns, high.icp_columns));
	OV_TRY(levels_of(levels[0], &n[0], &low, &high));
	OV_TRY(levels_of(levels[1], &n[1], &high, &low));
	merge(&r, &low, &high);
	r.fit_low = low.fit;
	r.fit_high = high.fit;
	/* one side's criteria, columns of the other that they may be about */
	r.bands_low = high.icp.len > 0 && low.icp_columns.len > 0;
	r.bands_high = low.icp.len > 0 && high.icp_columns.len > 0;
	r.levels_low = OV_BYTES(levels[0], n[0]);
	r.levels_high = OV_BYTES(levels[1], n[1]);
	memcpy(t.low, in->low, 32);
	memcpy(t.high, in->high, 32);
	OV_TRY(ov_msg_encode(terms, OV_MSG_TERMS, &t));
	OV_TRY(ov_msg_encode(release, OV_MSG_RELEASE, &r));
	memset(body, 0, sizeof(*body));
	body->version = OV_PROTOCOL_VERSION;
	body->sequence = in->sequence;
	memcpy(body->low, in->low, 32);
	memcpy(body->high, in->high, 32);
	ov_digest(
	    body->terms, "terms", OV_BYTES(terms->p + terms_at, terms->len - terms_at));
	ov_digest(body->release, "release",
	    OV_BYTES(release->p + release_at, release->len - release_at));
done:
	return st;
}

static enum ov_status
take_levels(uint8_t level[OV_POPULATIONS_MAX + 1], struct ov_bytes in)
{
	if (in.len > OV_POPULATIONS_MAX)
		return OV_E_WIRE_LIMIT;
	for (size_t i = 0; i < in.len; i++) {
		if (in.p[i] > OV_LEVEL_FIELDS)
			return OV_E_WIRE_RANGE;
		level[i + 1] = in.p[i];
	}
	return OV_OK;
}

enum ov_status
ov_release_decode(struct ov_release *r, struct ov_bytes in)
{
	struct ov_msg_release m;
	struct ov_release out;
	enum ov_status st;

	memset(&out, 0, sizeof(out));
	OV_TRY(ov_msg_decode(&m, OV_MSG_RELEASE, in));
	OV_REQUIRE(m.version == OV_PROTOCOL_VERSION, OV_E_PROTO_VERSION);
	OV_REQUIRE((m.ranks & 1) == 0, OV_E_WIRE_RANGE);
	/* a rank may refuse edges of weaker ranks only */
	for (unsigned int v = 0; v <= OV_RANK_MAX; v++)
		OV_REQUIRE((m.veto[v] & ((2U << v) - 1U)) == 0, OV_E_WIRE_RANGE);
	out.ranks = (uint8_t)m.ranks;
	memcpy(out.veto, m.veto, sizeof(out.veto));
	out.slots = (uint32_t)m.slots;
	out.minimum_list = (uint32_t)m.minimum_list;
	out.runs = (uint32_t)m.runs;
	out.epsilon_milli = (uint32_t)m.epsilon_milli;
	out.view_days = (uint32_t)m.view_days;
	out.year_epsilon_milli = (uint32_t)m.year_epsilon_milli;
	out.shown_from = (uint32_t)m.shown_from;
	out.minimum_count = (uint32_t)m.minimum_count;
	out.exact = m.exact == 1;
	out.fit[0] = m.fit_low == 1;
	out.fit[1] = m.fit_high == 1;
	out.bands[0] = m.bands_low == 1;
	out.bands[1] = m.bands_high == 1;
	OV_TRY(take_levels(out.level[0], m.levels_low));
	OV_TRY(take_levels(out.level[1], m.levels_high));
	*r = out;
done:
	return st;
}
