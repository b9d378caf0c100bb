/* icp_evaluate.c - what a profile says of an account (PROTOCOL 6.6.2 to 6.6.4). */
#include <string.h>
#include <strings.h>

#include "client/book/icp_impl.h"
#include "client/normalise/normalise.h"

/* Three-valued logic after Kleene: ordered so that and is min, or is max. */
enum truth { FALSE_, UNKNOWN, TRUE_ };

static enum truth
not_known(bool known, bool holds)
{
	return !known ? UNKNOWN : holds ? TRUE_ : FALSE_;
}

/* A range of which a part lies inside is neither in nor out. */
static enum truth
is_between(const struct ov_range *want, const char *text)
{
	struct ov_range have;

	if (!ov_number_read(&have, text, strlen(text)))
		return UNKNOWN;
	if (have.low >= want->low && have.high <= want->high)
		return TRUE_;
	return have.high < want->low || have.low > want->high ? FALSE_ : UNKNOWN;
}

static const char *
trimmed(const char *text, size_t *len)
{
	while (*text == ' ' || *text == '\t')
		text++;
	*len = strlen(text);
	while (*len > 0 && (text[*len - 1] == ' ' || text[*len - 1] == '\t'))
		--*len;
	return text;
}

static bool
same_text(const char *a, const char *b)
{
	size_t n, m;

	a = trimmed(a, &n);
	b = trimmed(b, &m);
	return n == m && strncasecmp(a, b, n) == 0;
}

/* Both as ISO codes if both are countries. */
static bool
same_country(const char *a, const char *b)
{
	char x[3], y[3];

	if (ov_normalise_country(ov_profile_current(), x, a, strlen(a)) == OV_DROP_NONE &&
	    ov_normalise_country(ov_profile_current(), y, b, strlen(b)) == OV_DROP_NONE)
		return memcmp(x, y, 2) == 0;
	return same_text(a, b);
}

static enum truth
is_one_of(const struct ov_icp *icp, const struct ov_icp_criterion *c, const char *text)
{
	bool country = icp->column[c->column].country;

	for (size_t i = 0; i < c->n_values; i++)
		if (country ? same_country(c->value[i], text)
			    : same_text(c->value[i], text))
			return TRUE_;
	return FALSE_;
}

struct evaluation {
	const struct ov_icp *icp;
	ov_icp_value_fn *value;
	void *ctx;
};

static enum truth evaluate(const struct evaluation *e, const struct ov_icp_criterion *c);

static enum truth
evaluate_group(const struct evaluation *e, const struct ov_icp_criterion *c)
{
	enum truth all = TRUE_, any = FALSE_, t;

	for (size_t i = 0; i < c->n_parts; i++) {
		t = evaluate(e, &c->part[i]);
		all = t < all ? t : all;
		any = t > any ? t : any;
	}
	return c->test == OV_ICP_TEST_ALL_OF ? all : any;
}

static enum truth
evaluate(const struct evaluation *e, const struct ov_icp_criterion *c)
{
	const char *text = NULL;
	size_t len = 0;

	if (ov_icp_is_group(c))
		return evaluate_group(e, c);
	if ((text = e->value(e->ctx, c->column)) != NULL)
		(void)trimmed(text, &len);
	if (c->test == OV_ICP_TEST_EXISTS)
		return not_known(true, (len > 0) == c->exists);
	if (len == 0)
		return UNKNOWN;
	return c->test == OV_ICP_TEST_BETWEEN ? is_between(&c->between, text)
					      : is_one_of(e->icp, c, text);
}

static uint8_t
band_of(const struct ov_icp *icp, uint32_t score)
{
	for (size_t i = 0; i < icp->n_bands; i++)
		if (score >= icp->band[i].score)
			return (uint8_t)(i + 1);
	return 0;
}

void
ov_icp_evaluate(struct ov_icp_result *out, const struct ov_icp *icp,
    ov_icp_value_fn *value, void *ctx)
{
	struct evaluation e = { icp, value, ctx };
	struct ov_icp_result r = { OV_FIT_UNKNOWN, 0, 0, 0 };
	enum truth required = TRUE_, t;

	for (size_t i = 0; i < icp->top.n_parts; i++) {
		const struct ov_icp_criterion *c = &icp->top.part[i];

		t = evaluate(&e, c);
		/* at most 256 criteria of weight 1000 */
		r.score += t == TRUE_ ? c->weight : 0;
		r.highest += t == FALSE_ ? 0 : c->weight;
		if (c->required && t < required)
			required = t;
	}
	if (required == FALSE_ || r.highest < icp->threshold)
		r.fit = OV_FIT_NO;
	else if (required == TRUE_ && r.score >= icp->threshold)
		r.fit = OV_FIT_YES;
	if (required == TRUE_)
		r.band = band_of(icp, r.score);
	*out = r;
}
