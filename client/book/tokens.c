#include "client/book/tokens.h"

#include <string.h>

#include "client/book/row.h"

/* A name, and what it gives without a country. */
struct name {
	struct ov_name_part raw;
	char bare[OV_TOKEN_VALUE_CAP];
	enum ov_drop why;
	struct ov_name_signs signs;
};

/* One row under way. */
struct trying {
	const struct ov_profile *profile;
	struct ov_claim_try t;
	ov_claim_fn *fn;
	void *ctx;
	const char *cc;				/* of the row; NULL: */
	enum ov_drop no_country;		/* why there is none */
	char site[OV_TOKEN_VALUE_CAP];		/* its first domain of a website, or "" */
	struct ov_name_part part[OV_NAMES_MAX]; /* names in its cell, its own first */
	size_t n_parts;
	struct name own;
	bool has_domain, has_own_domain; /* one that is the name's own */
};

static enum ov_status
tell_kind(struct trying *y, enum ov_rank rank, const char *kind,
    enum ov_claim_source source, struct ov_bytes raw, enum ov_drop why)
{
	y->t.rank = rank;
	y->t.kind = kind;
	y->t.source = source;
	y->t.raw = raw;
	y->t.why = why;
	return y->fn(y->ctx, &y->t);
}

static enum ov_status
tell(struct trying *y, enum ov_rank rank, enum ov_claim_source source,
    struct ov_bytes raw, enum ov_drop why)
{
	return tell_kind(y, rank, ov_rank_kind((uint8_t)rank), source, raw, why);
}

#define TEXT(s) OV_BYTES((s), strlen(s))

static void
note_domain(struct trying *y, enum ov_claim_source source)
{
	y->has_domain = true;
	y->has_own_domain =
	    y->has_own_domain || ov_is_own_domain(y->t.value, &y->own.signs, y->cc);
	if (source == OV_CLAIM_WEBSITE && y->site[0] == '\0')
		memcpy(y->site, y->t.value, sizeof(y->site));
}

static enum ov_status
try_domains(struct trying *y, struct ov_bytes list, enum ov_claim_source source)
{
	const char *p = (const char *)list.p, *end = p + list.len, *stop;
	const struct ov_kin_name who = { TEXT(y->own.bare), TEXT(y->own.signs.written),
		TEXT(y->own.signs.initials), y->own.signs.is_unit };
	enum ov_drop why;
	enum ov_status st = OV_OK;

	for (; st == OV_OK && p < end; p = stop + 1) {
		size_t len;

		stop = memchr(p, '\n', (size_t)(end - p));
		if (stop == NULL)
			stop = end;
		if (stop == p)
			continue;
		len = (size_t)(stop - p);
		if (source == OV_CLAIM_WEBSITE)
			why = ov_normalise_site(y->profile, y->t.value, p, len, &who);
		else
			why = ov_normalise_domain(y->profile, y->t.value, p, len,
			    source == OV_CLAIM_EMAIL ? OV_FROM_EMAIL : OV_FROM_WEBSITE);
		if (why == OV_DROP_NONE)
			note_domain(y, source);
		st = tell(y, OV_RANK_DOMAIN, source, OV_BYTES(p, len), why);
	}
	return st;
}

typedef enum ov_drop id_rule(const struct ov_profile *, char *, const char *, size_t);

static enum ov_status
try_id(struct trying *y, enum ov_rank rank, struct ov_bytes raw, id_rule *normalise)
{
	if (raw.len == 0)
		return OV_OK;
	return tell(y, rank, OV_CLAIM_COLUMN, raw,
	    normalise(y->profile, y->t.value, (const char *)raw.p, raw.len));
}

static void
read_name(struct name *out, const struct ov_profile *p, struct ov_name_part raw)
{
	out->raw = raw;
	out->why =
	    ov_normalise_name_signs(p, out->bare, &out->signs, raw.p, raw.len, NULL);
}

enum whose { OWN, OTHER, ALIAS };

/* "Summit" at summit.io is not "Summit" at summit.com, which has the best right to it.  A
 * person's word is not doubted. */
static bool
is_too_common(const struct trying *y, const struct name *n, enum whose whose)
{
	if (whose == ALIAS)
		return false;
	return n->signs.bearers == OV_BEARER_MANY ||
	       (n->signs.bearers == OV_BEARER_SEVERAL && y->has_domain &&
		   !(whose == OWN && y->has_own_domain));
}

/* One name, as name+country and bare.  Another name that makes no key is not worth a
 * word. */
static enum ov_status
try_name(struct trying *y, const struct name *n, enum whose whose)
{
	const struct ov_bytes raw = OV_BYTES(n->raw.p, n->raw.len);
	const bool common = is_too_common(y, n, whose);
	enum ov_drop why = y->no_country, why_bare = n->why;
	enum ov_status st = OV_OK;

	y->t.signs = n->signs;
	y->t.value[0] = '\0';
	if (y->cc != NULL)
		why = ov_normalise_name_country(
		    y->profile, y->t.value, n->raw.p, n->raw.len, y->cc);
	if (why == OV_DROP_NONE && common)
		why = OV_DROP_COMMON_NAME;
	if (why != OV_DROP_NONE)
		y->t.value[0] = '\0';
	if (whose == OWN || why == OV_DROP_NONE)
		OV_TRY(tell(y, OV_RANK_NAME_COUNTRY, OV_CLAIM_COLUMN, raw, why));
	if (why_bare == OV_DROP_NONE && n->signs.bearers == OV_BEARER_MANY && common)
		why_bare = OV_DROP_COMMON_NAME;
	memcpy(y->t.value, why_bare == OV_DROP_NONE ? n->bare : "",
	    why_bare == OV_DROP_NONE ? strlen(n->bare) + 1 : 1);
	if (whose == OWN || why_bare == OV_DROP_NONE)
		OV_TRY(tell(y, OV_RANK_NAME, OV_CLAIM_COLUMN, raw, why_bare));
done:
	return st;
}

/* The longer name that the website tells; signs: of the row's own name. */
static enum ov_status
try_label(struct trying *y, const struct ov_name_signs *signs)
{
	char name[OV_TOKEN_VALUE_CAP];
	enum ov_drop why;
	enum ov_status st = OV_OK;

	why = ov_normalise_label_name(y->profile, name, y->site, signs, y->cc);
	if (why != OV_DROP_NONE)
		return OV_OK;
	if (y->cc != NULL) {
		why = ov_normalise_name_country(
		    y->profile, y->t.value, name, strlen(name), y->cc);
		if (why == OV_DROP_NONE)
			OV_TRY(tell(y, OV_RANK_NAME_COUNTRY, OV_CLAIM_WEBSITE,
			    OV_BYTES(y->site, strlen(y->site)), why));
	}
	why = ov_normalise_label_name(y->profile, y->t.value, y->site, signs, NULL);
	if (why == OV_DROP_NONE)
		OV_TRY(tell(y, OV_RANK_NAME, OV_CLAIM_WEBSITE,
		    OV_BYTES(y->site, strlen(y->site)), why));
done:
	return st;
}

/* The names of the row's own cell. */
static enum ov_status
try_names(struct trying *y)
{
	struct name other;
	enum ov_status st = OV_OK;

	if (y->n_parts == 0)
		return OV_OK;
	OV_TRY(try_name(y, &y->own, OWN));
	for (size_t i = 1; i < y->n_parts; i++) {
		read_name(&other, y->profile, y->part[i]);
		OV_TRY(try_name(y, &other, OTHER));
	}
	OV_TRY(try_label(y, &y->own.signs));
done:
	return st;
}

static enum ov_status
try_alias(struct trying *y, struct ov_bytes raw)
{
	struct ov_name_part part[OV_NAMES_MAX];
	struct name name = { .bare = "" };
	enum ov_status st = OV_OK;

	if (raw.len == 0)
		return OV_OK;
	for (size_t i =
		 ov_normalise_names(y->profile, part, (const char *)raw.p, raw.len);
	     i > 0; i--) {
		read_name(&name, y->profile, part[i - 1]);
		OV_TRY(try_name(y, &name, ALIAS));
	}
	OV_TRY(try_label(y, &name.signs));
done:
	return st;
}

/* A line of the cell: "acme=42". */
static enum ov_status
try_scheme_id(struct trying *y, struct ov_bytes line)
{
	const uint8_t *sign = memchr(line.p, '=', line.len);
	const size_t n = sign != NULL ? (size_t)(sign - line.p) : 0;
	char kind[OV_KIND_CAP] = "id:", value[OV_TOKEN_VALUE_CAP];
	struct ov_bytes raw;
	enum ov_drop why;

	if (!ov_scheme_ok((const char *)line.p, n))
		return OV_E_DB_FAILED; /* row.c wrote it */
	memcpy(kind + 3, line.p, n);
	kind[3 + n] = '\0';
	raw = OV_BYTES(sign + 1, line.len - n - 1);
	why = ov_normalise_scheme_id(
	    y->profile, value, kind + 3, (const char *)raw.p, raw.len);
	memcpy(y->t.value, line.p, n + 1);
	memcpy(y->t.value + n + 1, value, strlen(value) + 1); /* is short: normalise.h */
	if (why != OV_DROP_NONE)
		y->t.value[0] = '\0';
	return tell_kind(y, OV_RANK_VAT, kind, OV_CLAIM_COLUMN, raw, why);
}

struct ov_row_cells
ov_row_cells_at(struct ov_db_stmt *s, int first)
{
	return (struct ov_row_cells){ .name = ov_db_blob(s, first),
		.websites = ov_db_blob(s, first + 1),
		.email_domains = ov_db_blob(s, first + 2),
		.country = ov_db_blob(s, first + 3),
		.lei = ov_db_blob(s, first + 4),
		.cik = ov_db_blob(s, first + 5),
		.duns = ov_db_blob(s, first + 6),
		.vat = ov_db_blob(s, first + 7),
		.ids = ov_db_blob(s, first + 8) };
}

enum ov_status
ov_row_claims(
    const struct ov_profile *p, const struct ov_row_cells *c, ov_claim_fn *fn, void *ctx)
{
	struct trying y = {
		.profile = p, .fn = fn, .ctx = ctx, .no_country = OV_DROP_NO_COUNTRY
	};
	char cc[OV_COUNTRY_CAP];
	enum ov_status st;

	if (c->country.len > 0) {
		y.no_country = ov_normalise_country(
		    p, cc, (const char *)c->country.p, c->country.len);
		y.cc = y.no_country == OV_DROP_NONE ? cc : NULL;
	}
	if (c->name.len > 0) {
		y.n_parts =
		    ov_normalise_names(p, y.part, (const char *)c->name.p, c->name.len);
		read_name(&y.own, p, y.part[0]);
	}
	OV_TRY(try_id(&y, OV_RANK_LEI, c->lei, ov_normalise_lei));
	OV_TRY(try_id(&y, OV_RANK_CIK, c->cik, ov_normalise_cik));
	OV_TRY(try_id(&y, OV_RANK_DUNS, c->duns, ov_normalise_duns));
	if (c->vat.len > 0)
		OV_TRY(tell(&y, OV_RANK_VAT, OV_CLAIM_COLUMN, c->vat,
		    ov_normalise_vat(
			p, y.t.value, (const char *)c->vat.p, c->vat.len, y.cc)));
	for (struct ov_bytes rest = c->ids; rest.len > 0;)
		OV_TRY(try_scheme_id(&y, ov_row_next_line(&rest)));
	OV_TRY(try_domains(&y, c->websites, OV_CLAIM_WEBSITE));
	OV_TRY(try_domains(&y, c->email_domains, OV_CLAIM_EMAIL));
	OV_TRY(try_domains(&y, c->alias_domains, OV_CLAIM_COLUMN));
	OV_TRY(try_names(&y));
	for (struct ov_bytes rest = c->alias_names; rest.len > 0;)
		OV_TRY(try_alias(&y, ov_row_next_line(&rest)));
done:
	return st;
}
