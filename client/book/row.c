#include "client/book/row.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "client/book/ticker.h"
#include "client/normalise/normalise.h"

enum ov_status
ov_text_add(struct ov_text *t, const void *bytes, size_t len)
{
	size_t want = t->cap == 0 ? 256 : t->cap;
	char *more;

	while (want < t->len + len + 1) /* a row is at most 1 MiB */
		want *= 2;
	if (want > t->cap) {
		if ((more = realloc(t->p, want)) == NULL)
			return OV_E_NOMEM;
		t->p = more;
		t->cap = want;
	}
	if (len > 0)
		memcpy(t->p + t->len, bytes, len);
	t->len += len;
	t->p[t->len] = '\0';
	return OV_OK;
}

static enum ov_status
text_clear(struct ov_text *t)
{
	t->len = 0;
	return ov_text_add(t, NULL, 0);
}

/* Adds the cell without control characters and outer spaces. */
static enum ov_status
add_cell(struct ov_text *t, struct ov_bytes cell)
{
	size_t from = t->len;
	enum ov_status st;

	while (cell.len > 0 && cell.p[0] <= ' ') {
		cell.p++;
		cell.len--;
	}
	while (cell.len > 0 && cell.p[cell.len - 1] <= ' ')
		cell.len--;
	if ((st = ov_text_add(t, cell.p, cell.len)) != OV_OK)
		return st;
	for (size_t i = from; i < t->len; i++)
		if ((unsigned char)t->p[i] < 0x20 || t->p[i] == 0x7f)
			t->p[i] = ' ';
	return OV_OK;
}

static bool
is_list_mark(uint8_t c)
{
	return c <= ' ' || c == ';' || c == ',' || c == '|';
}

struct ov_bytes
ov_row_next_part(struct ov_bytes *rest)
{
	struct ov_bytes part;

	while (rest->len > 0 && is_list_mark(rest->p[0])) {
		rest->p++;
		rest->len--;
	}
	part = OV_BYTES(rest->p, 0);
	while (rest->len > 0 && !is_list_mark(rest->p[0])) {
		rest->p++;
		rest->len--;
		part.len++;
	}
	return part;
}

struct ov_bytes
ov_row_next_line(struct ov_bytes *rest)
{
	const uint8_t *stop = memchr(rest->p, '\n', rest->len);
	struct ov_bytes line = *rest;

	if (stop == NULL) {
		rest->len = 0;
		return line;
	}
	line.len = (size_t)(stop - rest->p);
	rest->p = stop + 1;
	rest->len -= line.len + 1;
	return line;
}

/* The domain of one part of an e-mail cell: what follows the last @, up to a closing
 * bracket or quote.  A cell without any @ may be a domain by itself, and must then be a
 * good one; all else there ("Jane", "j.doe") may be a person's and is not taken. */
static struct ov_bytes
email_domain(struct ov_bytes part, bool cell_has_at)
{
	struct ov_bytes none = { NULL, 0 };
	char domain[OV_TOKEN_VALUE_CAP];
	const uint8_t *at = memrchr(part.p, '@', part.len);

	if (at == NULL) {
		if (cell_has_at ||
		    ov_normalise_domain(ov_profile_current(), domain,
			(const char *)part.p, part.len, OV_FROM_EMAIL) != OV_DROP_NONE)
			return none;
		return part;
	}
	part.len -= (size_t)(at + 1 - part.p);
	part.p = at + 1;
	for (size_t i = 0; i < part.len; i++)
		if (part.p[i] == '>' || part.p[i] == ')' || part.p[i] == '"')
			part.len = i;
	return part;
}

static enum ov_status
add_list(struct ov_text *t, struct ov_bytes cell, bool email)
{
	bool at = email && cell.len > 0 && memchr(cell.p, '@', cell.len) != NULL;
	enum ov_status st = OV_OK;
	struct ov_bytes part;

	while (st == OV_OK && (part = ov_row_next_part(&cell)).len > 0) {
		if (email)
			part = email_domain(part, at);
		if (part.len == 0)
			continue;
		if (t->len > 0)
			st = ov_text_add(t, "\n", 1);
		if (st == OV_OK)
			st = add_cell(t, part);
	}
	return st;
}

/* A line "scheme=value", if there is a value. */
static enum ov_status
add_scheme_id(struct ov_text *t, const char *scheme, struct ov_bytes cell)
{
	const size_t from = t->len;
	size_t empty;
	enum ov_status st = OV_OK;

	if (from > 0)
		OV_TRY(ov_text_add(t, "\n", 1));
	OV_TRY(ov_text_add(t, scheme, strlen(scheme)));
	OV_TRY(ov_text_add(t, "=", 1));
	empty = t->len;
	OV_TRY(add_cell(t, cell));
	if (t->len == empty) {
		t->len = from;
		t->p[from] = '\0';
	}
done:
	return st;
}

/* A listing as one line, with its exchange if it has one. */
static enum ov_status
add_listing(void *ctx, struct ov_bytes exchange, struct ov_bytes symbol)
{
	struct ov_text both = { 0 };
	enum ov_status st;

	OV_TRY(ov_text_add(&both, exchange.p, exchange.len));
	if (exchange.len > 0)
		OV_TRY(ov_text_add(&both, ":", 1));
	OV_TRY(ov_text_add(&both, symbol.p, symbol.len));
	OV_TRY(add_scheme_id(ctx, OV_SCHEME_TICKER, OV_BYTES(both.p, both.len)));
done:
	free(both.p);
	return st;
}

static enum ov_status
gather_cell(struct ov_row *r, const struct ov_columns *c, size_t k, struct ov_bytes cell)
{
	enum ov_field f = (enum ov_field)c->field[k];

	if (f == OV_FIELD_NONE || f == OV_FIELD_DEAL)
		return OV_OK;
	if (f == OV_FIELD_WEBSITE || f == OV_FIELD_EMAIL)
		return add_list(&r->cell[f], cell, f == OV_FIELD_EMAIL);
	if (f == OV_FIELD_SCHEME)
		return add_scheme_id(&r->cell[f], c->scheme[k], cell);
	return add_cell(f == OV_FIELD_KEEP ? &r->kept[c->keep[k]] : &r->cell[f], cell);
}

/* The id in its one form.  Of several ids (HubSpot's deals), in a list, the first. */
static enum ov_status
settle_id(struct ov_text *id, enum ov_table_kind kind)
{
	struct ov_bytes rest = OV_BYTES(id->p, id->len), one = rest;
	char *copy;
	enum ov_status st;

	if (id->len == 0)
		return OV_OK;
	if (kind == OV_TABLE_DEALS)
		one = ov_row_next_part(&rest);
	if ((copy = malloc(one.len + 4)) == NULL)
		return OV_E_NOMEM;
	ov_crm_id(copy, (const char *)one.p, one.len);
	id->len = 0;
	st = ov_text_add(id, copy, strlen(copy));
	free(copy);
	return st;
}

/* The host that the text ends with in brackets, as HubSpot writes it behind an associated
 * company: "Acme Inc (acme.com)".  Empty if there is none. */
static struct ov_bytes
bracketed_host(struct ov_bytes text)
{
	char domain[OV_TOKEN_VALUE_CAP];
	size_t open = text.len;
	struct ov_bytes host;

	if (text.len < 4 || text.p[text.len - 1] != ')')
		return OV_BYTES("", 0);
	for (; open > 0 && text.p[open - 1] != '('; open--) {
		uint8_t c = text.p[open - 1];

		if (c == ' ' || c == '@' || (c == ')' && open != text.len))
			return OV_BYTES("", 0);
	}
	if (open < 2)
		return OV_BYTES("", 0);
	host = OV_BYTES(text.p + open, text.len - open - 1);
	return ov_normalise_domain(ov_profile_current(), domain, (const char *)host.p,
		   host.len, OV_FROM_WEBSITE) == OV_DROP_NONE
		   ? host
		   : OV_BYTES("", 0);
}

/* The first of a deal's companies: its name, and its site if no column tells one. */
static enum ov_status
settle_company(struct ov_text *name, struct ov_text *site)
{
	const uint8_t *end = name->len > 0 ? memchr(name->p, ';', name->len) : NULL;
	size_t len = end != NULL ? (size_t)(end - (const uint8_t *)name->p) : name->len;
	struct ov_bytes host = bracketed_host(OV_BYTES(name->p, len));
	enum ov_status st = OV_OK;

	if (host.len == 0)
		return OV_OK;
	if (site->len == 0)
		OV_TRY(add_list(site, host, false));
	len -= host.len + 2;
	while (len > 0 && name->p[len - 1] == ' ')
		len--;
	name->len = len;
	name->p[len] = '\0';
done:
	return st;
}

enum ov_status
ov_row_gather(
    struct ov_row *out, const struct ov_columns *c, const struct ov_table_row *row)
{
	struct ov_text *kept = &out->cell[OV_FIELD_KEEP];
	enum ov_status st;

	for (size_t f = 0; f < OV_FIELD_COUNT; f++)
		OV_TRY(text_clear(&out->cell[f]));
	for (size_t i = 0; i < c->n_kept; i++)
		OV_TRY(text_clear(&out->kept[i]));
	for (size_t k = 0; k < c->n; k++)
		OV_TRY(
		    gather_cell(out, c, k, k < row->n ? row->field[k] : OV_BYTES("", 0)));
	OV_TRY(ov_text_add(&out->cell[OV_FIELD_ACCOUNTS], out->cell[OV_FIELD_ID].p,
	    out->cell[OV_FIELD_ID].len));
	OV_TRY(settle_id(&out->cell[OV_FIELD_ID], c->kind));
	OV_TRY(ov_ticker_each(ov_row_cell(out, OV_FIELD_TICKER),
	    ov_row_cell(out, OV_FIELD_EXCHANGE), add_listing,
	    &out->cell[OV_FIELD_SCHEME]));
	if (c->kind == OV_TABLE_DEALS)
		OV_TRY(settle_company(
		    &out->cell[OV_FIELD_NAME], &out->cell[OV_FIELD_WEBSITE]));
	for (size_t i = 0; i < c->n_kept; i++) {
		OV_TRY(ov_text_add(kept, out->kept[i].p, out->kept[i].len));
		OV_TRY(ov_text_add(kept, "\n", 1));
	}
done:
	return st;
}

void
ov_row_fini(struct ov_row *r)
{
	for (size_t f = 0; f < OV_FIELD_COUNT; f++)
		free(r->cell[f].p);
	for (size_t i = 0; i < OV_KEEP_MAX; i++)
		free(r->kept[i].p);
}

struct ov_bytes
ov_row_cell(const struct ov_row *r, enum ov_field f)
{
	return OV_BYTES(r->cell[f].p, r->cell[f].len);
}

static const enum ov_field keys[] = { OV_FIELD_NAME, OV_FIELD_WEBSITE, OV_FIELD_EMAIL,
	OV_FIELD_LEI, OV_FIELD_CIK, OV_FIELD_DUNS, OV_FIELD_VAT, OV_FIELD_SCHEME };
#define KEYS (sizeof(keys) / sizeof(keys[0]))

bool
ov_row_has_no_key(const struct ov_row *r)
{
	for (size_t i = 0; i < KEYS; i++)
		if (r->cell[keys[i]].len > 0)
			return false;
	return true;
}

enum ov_status
ov_row_leave_accounts(struct ov_row *r)
{
	enum ov_status st;

	OV_TRY(text_clear(&r->cell[OV_FIELD_ID]));
	for (size_t i = 0; i < KEYS; i++)
		OV_TRY(text_clear(&r->cell[keys[i]]));
done:
	return st;
}

static struct ov_bytes
scheme_of_line(struct ov_bytes line)
{
	const uint8_t *sign = memchr(line.p, '=', line.len);

	return OV_BYTES(line.p, sign != NULL ? (size_t)(sign - line.p) : line.len);
}

/* A ticker without its exchange, which is no key. */
static bool
is_bare_ticker(struct ov_bytes line)
{
	const size_t n = strlen(OV_SCHEME_TICKER);

	return scheme_of_line(line).len == n &&
	       memcmp(line.p, OV_SCHEME_TICKER, n) == 0 &&
	       memchr(line.p, ':', line.len) == NULL;
}

/* Does one of the lines stand in the place of the older one? */
static bool
replaces(struct ov_bytes lines, struct ov_bytes older)
{
	const struct ov_bytes scheme = scheme_of_line(older);

	while (lines.len > 0) {
		const struct ov_bytes line = ov_row_next_line(&lines);
		const struct ov_bytes has = scheme_of_line(line);

		if (has.len == scheme.len && memcmp(has.p, scheme.p, has.len) == 0 &&
		    (!is_bare_ticker(line) || is_bare_ticker(older)))
			return true;
	}
	return false;
}

enum ov_status
ov_row_join_ids(struct ov_text *ids, struct ov_bytes old)
{
	const size_t new_len = ids->len;
	enum ov_status st = OV_OK;

	while (old.len > 0) {
		const struct ov_bytes line = ov_row_next_line(&old);

		if (replaces(OV_BYTES(ids->p, new_len), line))
			continue;
		OV_TRY(ov_text_add(ids, "\n", 1));
		OV_TRY(ov_text_add(ids, line.p, line.len));
	}
done:
	return st;
}

static bool
is_short_id(const char *id, size_t len)
{
	bool letter = false;

	if (len != 15 || memcmp(id, "001", 3) != 0)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!isalnum((unsigned char)id[i]))
			return false;
		letter = letter || isalpha((unsigned char)id[i]);
	}
	return letter;
}

/* Each of the three says which of five characters are capitals. */
void
ov_crm_id(char *out, const char *id, size_t len)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";

	memcpy(out, id, len);
	out[len] = '\0';
	if (!is_short_id(id, len))
		return;
	for (size_t part = 0; part < 3; part++) {
		unsigned capitals = 0;

		for (size_t i = 0; i < 5; i++)
			if (isupper((unsigned char)id[5 * part + i]))
				capitals |= 1U << i;
		out[len + part] = digits[capitals];
	}
	out[len + 3] = '\0';
}
