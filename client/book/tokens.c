#include "client/book/tokens.h"

#include <string.h>

static enum ov_status
try_domains(struct ov_claim_try *t, struct ov_bytes list, enum ov_claim_source source,
    ov_claim_fn *fn, void *ctx)
{
	const char *p = (const char *)list.p, *end = p + list.len, *stop;
	enum ov_status st = OV_OK;

	t->rank = OV_RANK_DOMAIN;
	t->source = source;
	for (; st == OV_OK && p < end; p = stop + 1) {
		stop = memchr(p, '\n', (size_t)(end - p));
		if (stop == NULL)
			stop = end;
		if (stop == p)
			continue;
		t->raw = OV_BYTES(p, (size_t)(stop - p));
		t->why = ov_normalise_domain(t->value, p, t->raw.len,
		    source == OV_CLAIM_EMAIL ? OV_FROM_EMAIL : OV_FROM_WEBSITE);
		st = fn(ctx, t);
	}
	return st;
}

static enum ov_status
try_id(struct ov_claim_try *t, enum ov_rank rank, struct ov_bytes raw,
    enum ov_drop (*normalise)(char *, const char *, size_t), ov_claim_fn *fn, void *ctx)
{
	if (raw.len == 0)
		return OV_OK;
	t->rank = rank;
	t->source = OV_CLAIM_COLUMN;
	t->raw = raw;
	t->why = normalise(t->value, (const char *)raw.p, raw.len);
	return fn(ctx, t);
}

static enum ov_status
try_names(struct ov_claim_try *t, const struct ov_row_cells *c, const char *cc,
    enum ov_drop country, ov_claim_fn *fn, void *ctx)
{
	const char *name = (const char *)c->name.p;
	enum ov_status st;

	if (c->name.len == 0)
		return OV_OK;
	t->source = OV_CLAIM_COLUMN;
	t->raw = c->name;
	t->rank = OV_RANK_NAME_COUNTRY;
	t->value[0] = '\0';
	t->why = cc != NULL ? ov_normalise_name_country(t->value, name, c->name.len, cc)
			    : country;
	OV_TRY(fn(ctx, t));
	t->rank = OV_RANK_NAME;
	t->why = ov_normalise_name(t->value, name, c->name.len, NULL);
	OV_TRY(fn(ctx, t));
done:
	return st;
}

enum ov_status
ov_row_claims(const struct ov_row_cells *c, ov_claim_fn *fn, void *ctx)
{
	enum ov_drop country = OV_DROP_NO_COUNTRY;
	struct ov_claim_try t;
	char cc[OV_COUNTRY_CAP];
	const char *known = NULL;
	enum ov_status st;

	if (c->country.len > 0) {
		country =
		    ov_normalise_country(cc, (const char *)c->country.p, c->country.len);
		known = country == OV_DROP_NONE ? cc : NULL;
	}
	OV_TRY(try_id(&t, OV_RANK_LEI, c->lei, ov_normalise_lei, fn, ctx));
	OV_TRY(try_id(&t, OV_RANK_CIK, c->cik, ov_normalise_cik, fn, ctx));
	OV_TRY(try_id(&t, OV_RANK_DUNS, c->duns, ov_normalise_duns, fn, ctx));
	if (c->vat.len > 0) {
		t.rank = OV_RANK_VAT;
		t.source = OV_CLAIM_COLUMN;
		t.raw = c->vat;
		t.why =
		    ov_normalise_vat(t.value, (const char *)c->vat.p, c->vat.len, known);
		OV_TRY(fn(ctx, &t));
	}
	OV_TRY(try_domains(&t, c->websites, OV_CLAIM_WEBSITE, fn, ctx));
	OV_TRY(try_domains(&t, c->email_domains, OV_CLAIM_EMAIL, fn, ctx));
	OV_TRY(try_names(&t, c, known, country, fn, ctx));
done:
	return st;
}
