#include "client/book/columns.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "client/book/headings.h"
#include "client/book/yaml.h"

#define BAD OV_E_IMPORT_COLUMNS

struct ov_map {
	struct ov_yaml_doc *doc;
	const struct ov_yaml *columns, *ignore, *keep; /* NULL if not there */
	bool has_populations;
	struct ov_populations populations;
};

const char *
ov_field_name(enum ov_field f)
{
	return ov_headings[f].name;
}

/* The scheme of "id:acme", which is not the name of a field; NULL: it is none. */
static const char *
scheme_of(const char *name)
{
	if (strncmp(name, "id:", 3) != 0 || !ov_scheme_ok(name + 3, strlen(name + 3)) ||
	    ov_field_by_name(name + 3) != OV_FIELD_NONE)
		return NULL;
	return name + 3;
}

enum ov_field
ov_field_by_name(const char *name)
{
	for (int f = OV_FIELD_ID; f < OV_FIELD_KEEP; f++)
		if (strcasecmp(name, ov_headings[f].name) == 0 && f != OV_FIELD_DEAL &&
		    f != OV_FIELD_SCHEME)
			return (enum ov_field)f;
	return scheme_of(name) != NULL ? OV_FIELD_SCHEME : OV_FIELD_NONE;
}

const char *
ov_column_name(char buf[OV_KIND_CAP], const struct ov_columns *c, size_t k)
{
	if (c->field[k] != OV_FIELD_SCHEME)
		return ov_headings[c->field[k]].name;
	snprintf(buf, OV_KIND_CAP, "id:%s", c->scheme[k]);
	return buf;
}

static bool
holds_many(enum ov_field f)
{
	return f == OV_FIELD_WEBSITE || f == OV_FIELD_EMAIL || f == OV_FIELD_KEEP;
}

/* Bytes of a mark that is no letter, or that nobody sees and tables copied from a web
 * page or saved twice have: curved apostrophe, no-break space, zero-width space,
 * byte-order mark.  0: none. */
static size_t
odd_mark(const unsigned char *p, size_t len)
{
	static const char *const marks[] = { "\xc2\xa0", "\xe2\x80\x8b", "\xef\xbb\xbf",
		"\xe2\x80\x99", "\xe2\x80\x98" };

	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		size_t n = strlen(marks[i]);

		if (len >= n && memcmp(p, marks[i], n) == 0)
			return n;
	}
	return 0;
}

/* Lower-case letters of ASCII and Latin-1 (c3 80 to 9e are capitals), digits, and what is
 * above; cut to OV_HEADING_MAX. */
static void
fold(char out[OV_HEADING_MAX + 1], const void *text, size_t len)
{
	const unsigned char *p = text;
	size_t n = 0, odd;

	for (size_t i = 0; i < len && n < OV_HEADING_MAX; i++) {
		if ((odd = odd_mark(p + i, len - i)) > 0)
			i += odd - 1;
		else if (p[i] < 0x80 && isalnum(p[i]))
			out[n++] = (char)tolower(p[i]);
		else if (i > 0 && p[i - 1] == 0xc3 && p[i] < 0x9f && p[i] != 0x97)
			out[n++] = (char)(p[i] | 0x20);
		else if (p[i] >= 0x80)
			out[n++] = (char)p[i];
	}
	out[n] = '\0';
}

/* Length of the text, cut between characters so that it has at most max bytes. */
static size_t
cut(const struct ov_bytes *text, size_t max)
{
	size_t n = text->len;

	if (n > max)
		for (n = max; n > 0 && (text->p[n] & 0xc0) == 0x80;)
			n--;
	return n;
}

static bool
same_heading(const char *a, const struct ov_bytes *b)
{
	char x[OV_HEADING_MAX + 1], y[OV_HEADING_MAX + 1];

	fold(x, a, strlen(a));
	fold(y, b->p, b->len);
	return strcmp(x, y) == 0;
}

/* The heading is this alias, also behind the name of its object, as custom reports of
 * Salesforce have it ("Account: Account Name"). */
static bool
is_alias(const char *alias, const struct ov_bytes *heading)
{
	static const char *const objects[] = { "account", "accountname", "company",
		"companyname", "opportunity", "deal" };
	const uint8_t *colon =
	    heading->len > 0 ? memchr(heading->p, ':', heading->len) : NULL;
	struct ov_bytes object, rest;

	if (same_heading(alias, heading))
		return true;
	if (colon == NULL)
		return false;
	object = OV_BYTES(heading->p, (size_t)(colon - heading->p));
	rest = OV_BYTES(colon + 1, heading->len - object.len - 1);
	for (size_t i = 0; i < sizeof(objects) / sizeof(objects[0]); i++)
		if (same_heading(objects[i], &object))
			return same_heading(alias, &rest);
	return false;
}

/* The items of a list, or the one text. */
static const struct ov_yaml *
items(const struct ov_yaml *node)
{
	return node == NULL || node->kind == OV_YAML_TEXT ? node : node->first;
}

static const struct ov_yaml *
next_item(const struct ov_yaml *list, const struct ov_yaml *item)
{
	return list->kind == OV_YAML_LIST ? item->next : NULL;
}

/* A heading or a list of headings. */
static enum ov_status
check_headings(const struct ov_yaml *node, bool many, struct ov_fault *fault)
{
	enum ov_status st = OV_OK;

	if (node->kind == OV_YAML_MAP || (node->kind == OV_YAML_LIST && !many))
		return ov_fault_set(fault, BAD, node->line,
		    many ? "`%s` needs a heading or a list of headings"
			 : "`%s` needs one heading",
		    node->key);
	for (const struct ov_yaml *i = items(node); i != NULL && st == OV_OK;
	     i = next_item(node, i))
		st = ov_yaml_want(i, OV_YAML_TEXT, BAD, node->key, fault);
	return st;
}

static enum ov_status
check_columns(const struct ov_yaml *map, struct ov_fault *fault)
{
	enum ov_status st = OV_OK;

	for (const struct ov_yaml *n = map->first; n != NULL && st == OV_OK;
	     n = n->next) {
		enum ov_field f = ov_field_by_name(n->key);

		if (f == OV_FIELD_NONE)
			return ov_fault_set(fault, BAD, n->line,
			    "`%s` is no field; there are: id, name, website, email, "
			    "country, industry, employees, revenue, type, lifecycle, "
			    "stage, population, lei, cik, duns, vat, ticker, exchange, "
			    "won, lost, closed, owner, and id:<scheme>, of at most 16 "
			    "small letters, digits and hyphens",
			    n->key);
		st = check_headings(n, holds_many(f), fault);
	}
	return st;
}

static enum ov_status
read_map(struct ov_map *map, struct ov_fault *fault)
{
	static const char *const keys[] = { "version", "columns", "ignore", "keep",
		"populations", "default", "open_stages" };
	const struct ov_yaml *top = ov_yaml_top(map->doc), *populations;
	const struct ov_yaml *version = ov_yaml_get(top, "version");
	enum ov_status st;
	uint64_t one;

	OV_TRY(ov_yaml_only(top, keys, 7, BAD, fault));
	if (version != NULL)
		OV_TRY(ov_yaml_count(&one, version, 1, 1, BAD, fault));
	if ((map->columns = ov_yaml_get(top, "columns")) != NULL) {
		OV_TRY(ov_yaml_want(map->columns, OV_YAML_MAP, BAD, "columns", fault));
		OV_TRY(check_columns(map->columns, fault));
	}
	if ((map->ignore = ov_yaml_get(top, "ignore")) != NULL)
		OV_TRY(check_headings(map->ignore, true, fault));
	if ((map->keep = ov_yaml_get(top, "keep")) != NULL) {
		OV_TRY(check_headings(map->keep, true, fault));
		if (map->keep->n > OV_KEEP_MAX) {
			st = ov_fault_set(
			    fault, BAD, map->keep->line, "`keep` names over 16 columns");
			goto done;
		}
	}
	populations = ov_yaml_get(top, "populations");
	map->has_populations = populations != NULL;
	OV_TRY(ov_populations_read(&map->populations, populations,
	    ov_yaml_get(top, "default"), ov_yaml_get(top, "open_stages"), fault));
done:
	return st;
}

static enum ov_status
from_doc(struct ov_map **out, struct ov_yaml_doc *doc, struct ov_fault *fault)
{
	struct ov_map *map = calloc(1, sizeof(*map));
	enum ov_status st;

	*out = NULL;
	if (map == NULL) {
		ov_yaml_free(doc);
		return OV_E_NOMEM;
	}
	map->doc = doc;
	if ((st = read_map(map, fault)) == OV_OK)
		*out = map;
	else
		ov_map_free(map);
	return st;
}

enum ov_status
ov_map_read(struct ov_map **out, const void *bytes, size_t len, struct ov_fault *fault)
{
	struct ov_yaml_doc *doc;
	enum ov_status st = ov_yaml_read(&doc, BAD, bytes, len, fault);

	*out = NULL;
	return st == OV_OK ? from_doc(out, doc, fault) : st;
}

enum ov_status
ov_map_read_file(struct ov_map **out, const char *path, struct ov_fault *fault)
{
	struct ov_yaml_doc *doc;
	enum ov_status st = ov_yaml_read_file(&doc, BAD, path, fault);

	*out = NULL;
	return st == OV_OK ? from_doc(out, doc, fault) : st;
}

void
ov_map_free(struct ov_map *map)
{
	if (map == NULL)
		return;
	ov_yaml_free(map->doc);
	free(map);
}

const struct ov_populations *
ov_map_populations(const struct ov_map *map)
{
	return &map->populations;
}

bool
ov_map_has_populations(const struct ov_map *map)
{
	return map != NULL && map->has_populations;
}

static bool
is_named(const struct ov_yaml *list, const struct ov_bytes *heading)
{
	if (list == NULL)
		return false;
	for (const struct ov_yaml *i = items(list); i != NULL; i = next_item(list, i))
		if (same_heading(i->text, heading))
			return true;
	return false;
}

static void
take(struct ov_columns *c, size_t column, enum ov_field f, const struct ov_bytes *heading)
{
	size_t len = cut(heading, OV_HEADING_MAX);

	c->field[column] = (uint8_t)f;
	memcpy(c->heading[column], heading->p, len);
	c->heading[column][len] = '\0';
	for (size_t i = 0; i < len; i++) /* it may go to a terminal */
		if ((unsigned char)c->heading[column][i] < 0x20 ||
		    c->heading[column][i] == 0x7f)
			c->heading[column][i] = '?';
}

/* The columns that the mapping file assigns to f. */
static enum ov_status
take_named(struct ov_columns *c, const struct ov_table_row *h, const struct ov_yaml *list,
    enum ov_field f, unsigned int need, struct ov_fault *fault)
{
	uint8_t place = 0;

	for (const struct ov_yaml *i = items(list); i != NULL;
	     i = next_item(list, i), place++) {
		bool found = false, more = f == OV_FIELD_WEBSITE || f == OV_FIELD_EMAIL;

		for (size_t k = 0; k < h->n && (!found || more); k++)
			if (c->field[k] == OV_FIELD_NONE &&
			    same_heading(i->text, &h->field[k])) {
				take(c, k, f, &h->field[k]);
				c->keep[k] = place;
				found = true;
			}
		if (!found && (need & OV_COLUMNS_PARTIAL) == 0)
			return ov_fault_set(fault, BAD, i->line,
			    "the mapping file names a column \"%s\", which the table "
			    "does "
			    "not have, or names it twice",
			    i->text);
	}
	return OV_OK;
}

/* The column that was taken last for a scheme is of this one. */
static void
name_scheme(struct ov_columns *c, const char *scheme)
{
	for (size_t k = 0; k < c->n; k++)
		if (c->field[k] == OV_FIELD_SCHEME && c->scheme[k][0] == '\0')
			memcpy(c->scheme[k], scheme, strlen(scheme) + 1);
}

static enum ov_status
apply_map(struct ov_columns *c, const struct ov_table_row *h, const struct ov_map *map,
    bool told[OV_FIELD_COUNT], unsigned int need, struct ov_fault *fault)
{
	enum ov_status st = OV_OK;

	for (const struct ov_yaml *n = map->columns != NULL ? map->columns->first : NULL;
	     n != NULL && st == OV_OK; n = n->next) {
		enum ov_field f = ov_field_by_name(n->key);

		st = take_named(c, h, n, f, need, fault);
		if (f == OV_FIELD_SCHEME)
			name_scheme(c, n->key + 3);
		told[f] = (need & OV_COLUMNS_PARTIAL) == 0 ||
			  memchr(c->field, (int)f, c->n) != NULL;
	}
	if (map->keep != NULL)
		c->n_kept = map->keep->kind == OV_YAML_TEXT ? 1 : map->keep->n;
	if (st == OV_OK && map->keep != NULL)
		st = take_named(c, h, map->keep, OV_FIELD_KEEP, need, fault);
	return st;
}

static bool
has_heading(const struct ov_columns *c, const char *text)
{
	for (size_t k = 0; k < c->n; k++) {
		struct ov_bytes have = OV_BYTES(c->heading[k], strlen(c->heading[k]));

		if (c->field[k] != OV_FIELD_NONE && same_heading(text, &have))
			return true;
	}
	return false;
}

static enum ov_status
check_used(const struct ov_yaml *list, const struct ov_columns *const *tables, size_t n,
    struct ov_fault *fault)
{
	for (const struct ov_yaml *i = list != NULL ? items(list) : NULL; i != NULL;
	     i = next_item(list, i)) {
		bool found = false;

		for (size_t t = 0; t < n && !found; t++)
			found = has_heading(tables[t], i->text);
		if (!found)
			return ov_fault_set(fault, BAD, i->line,
			    "the mapping file names a column \"%s\", which none of the "
			    "files has",
			    i->text);
	}
	return OV_OK;
}

enum ov_status
ov_map_check_used(const struct ov_map *map, const struct ov_columns *const *tables,
    size_t n, struct ov_fault *fault)
{
	enum ov_status st = OV_OK;

	if (map == NULL)
		return OV_OK;
	for (const struct ov_yaml *f = map->columns != NULL ? map->columns->first : NULL;
	     f != NULL && st == OV_OK; f = f->next)
		st = check_used(f, tables, n, fault);
	return st == OV_OK ? check_used(map->keep, tables, n, fault) : st;
}

const char *
ov_map_kept(const struct ov_map *map, size_t place)
{
	const struct ov_yaml *i = items(map->keep);

	for (; place > 0; place--)
		i = i->next;
	return i->text;
}

static void
guess_field(struct ov_columns *c, const struct ov_table_row *h, enum ov_field f,
    const struct ov_yaml *ignore)
{
	const char *const *alias = ov_headings[f].alias;

	if (c->kind == OV_TABLE_DEALS && ov_deal_headings[f].name != NULL)
		alias = ov_deal_headings[f].alias;
	for (size_t a = 0; a < OV_ALIASES_MAX && alias[a] != NULL; a++)
		for (size_t k = 0; k < h->n; k++) {
			if (c->field[k] != OV_FIELD_NONE ||
			    !is_alias(alias[a], &h->field[k]) ||
			    is_named(ignore, &h->field[k]))
				continue;
			take(c, k, f, &h->field[k]);
			if (!holds_many(f))
				return;
		}
}

static bool
has_field(const struct ov_columns *c, enum ov_field f)
{
	return memchr(c->field, (int)f, c->n) != NULL;
}

static size_t
count_fields(const struct ov_columns *c)
{
	size_t n = 0;

	for (size_t k = 0; k < c->n; k++)
		n += c->field[k] != OV_FIELD_NONE;
	return n;
}

static enum ov_status
refuse_headings(const struct ov_table_row *h, struct ov_fault *fault)
{
	char list[400] = "";
	size_t len = 0;

	for (size_t k = 0; k < h->n && len < sizeof(list) - 60; k++) {
		int n = (int)cut(&h->field[k], 40);

		len += (size_t)snprintf(list + len, sizeof(list) - len, "%s\"%.*s\"",
		    k > 0 ? ", " : "", n, (const char *)h->field[k].p);
	}
	return ov_fault_set(fault, BAD, h->line,
	    "no column with a name, a website or a registry id is recognised; say which "
	    "it "
	    "is with --map FILE. Headings seen: %s",
	    list);
}

static enum ov_table_kind
kind_of(const struct ov_table_row *h)
{
	for (size_t k = 0; k < h->n; k++)
		for (size_t i = 0; i < OV_DEAL_SIGNS && ov_deal_signs[i] != NULL; i++)
			if (is_alias(ov_deal_signs[i], &h->field[k]))
				return OV_TABLE_DEALS;
	return OV_TABLE_ACCOUNTS;
}

enum ov_status
ov_columns_guess(struct ov_columns *out, const struct ov_table_row *headings,
    const struct ov_map *map, unsigned int need, struct ov_fault *fault)
{
	static const enum ov_field enough[] = { OV_FIELD_NAME, OV_FIELD_WEBSITE,
		OV_FIELD_LEI, OV_FIELD_CIK, OV_FIELD_DUNS, OV_FIELD_VAT, OV_FIELD_TICKER,
		OV_FIELD_SCHEME };
	bool told[OV_FIELD_COUNT] = { false };
	enum ov_status st;

	memset(out, 0, sizeof(*out));
	out->n = headings->n;
	out->kind = kind_of(headings);
	if (map != NULL &&
	    (st = apply_map(out, headings, map, told, need, fault)) != OV_OK)
		return st;
	for (int f = OV_FIELD_ID; f < OV_FIELD_KEEP; f++)
		if (!told[f])
			guess_field(out, headings, (enum ov_field)f,
			    map != NULL ? map->ignore : NULL);
	for (size_t i = 0; i < sizeof(enough) / sizeof(enough[0]); i++)
		if (has_field(out, enough[i]))
			return OV_OK;
	if ((out->kind == OV_TABLE_DEALS ||
		((need & OV_COLUMNS_BY_ID) != 0 && count_fields(out) > 1)) &&
	    has_field(out, OV_FIELD_ID))
		return OV_OK;
	return refuse_headings(headings, fault);
}

void
ov_columns_explain(FILE *out, const struct ov_columns *c)
{
	char name[OV_KIND_CAP];
	size_t left = 0;

	for (size_t k = 0; k < c->n; k++) {
		if (c->field[k] == OV_FIELD_NONE)
			left++;
		else
			fprintf(out, "  %-10s from column %zu, \"%s\"\n",
			    ov_column_name(name, c, k), k + 1, c->heading[k]);
	}
	if (left > 0)
		fprintf(out, "  %zu other %s not read\n", left,
		    left == 1 ? "column is" : "columns are");
}

static bool
starts_with(const struct ov_bytes *text, const char *prefix)
{
	size_t n = strlen(prefix);

	return text->len >= n && strncasecmp((const char *)text->p, prefix, n) == 0;
}

/* "", "7", "1,234.50", "$12", "EUR 9.000": a sum, or no sum. */
static bool
is_sum(const struct ov_bytes *text)
{
	bool currency = text->len > 4 && text->p[3] == ' ' && isupper(text->p[0]) &&
			isupper(text->p[1]) && isupper(text->p[2]);
	bool digits = text->len == 0;

	for (size_t i = currency ? 4 : 0; i < text->len; i++) {
		digits |= isdigit(text->p[i]) != 0;
		if (isalpha(text->p[i]))
			return false;
	}
	return digits;
}

static bool
is_word_of_sums(const struct ov_bytes *text)
{
	static const char *const words[] = { "Total", "Totals", "Subtotal", "Subtotals",
		"Sum", "Count" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (text->len == strlen(words[i]) && starts_with(text, words[i]))
			return true;
	return false;
}

/* "Total,7,,": such a word comes first, and sums are all that is beside it.  A company of
 * that name has a site, a country, an id before or with letters, or a registry id. */
static bool
is_line_of_sums(const struct ov_columns *c, const struct ov_table_row *row)
{
	bool named = false;

	for (size_t k = 0; k < row->n && k < c->n; k++) {
		enum ov_field f = c->field[k];
		bool registry = f == OV_FIELD_LEI || f == OV_FIELD_CIK ||
				f == OV_FIELD_DUNS || f == OV_FIELD_VAT ||
				f == OV_FIELD_SCHEME;

		if (row->field[k].len == 0)
			continue;
		if (registry || !(is_word_of_sums(&row->field[k]) ||
				    (named && is_sum(&row->field[k]))))
			return false;
		named = true;
	}
	return named && c->n > 1;
}

bool
ov_columns_is_footer(const struct ov_columns *c, const struct ov_table_row *row)
{
	static const char *const footers[] = { "Grand Total",
		"Confidential Information -", "Copyright (c) 20", "Copyright \xc2\xa9 20",
		"Generated By:", "Total Records" };
	size_t filled = 0, at = 0;

	if ((row->n == 1 && c->n > 1) || is_line_of_sums(c, row))
		return true;
	for (size_t k = row->n; k > 0; k--)
		if (row->field[k - 1].len > 0) {
			filled++;
			at = k - 1;
		}
	/* an account of such a name has more than a line's first cells */
	if (filled > 2)
		return false;
	for (size_t i = 0; i < sizeof(footers) / sizeof(footers[0]); i++)
		if (starts_with(&row->field[at], footers[i]))
			return true;
	return false;
}
