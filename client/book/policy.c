#include "client/book/policy.h"

#include <stdlib.h>
#include <string.h>

#include "client/book/yaml.h"

#define BAD OV_E_POLICY_INVALID
/* more would be no noise: a single account would show in the number */
#define EPSILON_MAX 2000
#define YEAR_EPSILON_MAX 100000

static const char *const level_names[] = { [OV_LEVEL_HIDDEN] = "hidden",
	[OV_LEVEL_COUNTS] = "counts",
	[OV_LEVEL_MATCHES] = "matches",
	[OV_LEVEL_FIELDS] = "fields" };

const char *
ov_level_name(enum ov_level level)
{
	return level_names[level];
}

/* Everything but the populations. */
static void
settings_default(struct ov_policy *out)
{
	memset(out, 0, sizeof(*out));
	out->version = 1;
	out->share_icp_fit = true;
	out->epsilon_milli = 333;
	out->view_days = 28;
	out->year_epsilon_milli = 4333;
	out->shown_from = 20;
	out->minimum_count = 10;
	out->slots = 1000000;
	out->minimum_list = 100;
	out->runs_per_30_days = 31;
}

void
ov_policy_default(struct ov_policy *out)
{
	struct ov_populations built_in;

	settings_default(out);
	ov_populations_default(&built_in);
	for (size_t i = 0; i < built_in.n; i++) {
		struct ov_population *p = &out->population[out->n_populations++];

		memcpy(p->name, built_in.name[i], sizeof(p->name));
		p->level = OV_LEVEL_MATCHES;
	}
}

static enum ov_status
read_level(enum ov_level *out, const struct ov_yaml *node, struct ov_fault *fault)
{
	const char *text = node->kind == OV_YAML_TEXT ? node->text : "";

	if (strcmp(text, level_names[OV_LEVEL_FIELDS]) == 0)
		return ov_fault_set(fault, BAD, node->line,
		    "level `fields` (for `%s`) comes with introductions later; use "
		    "`matches`",
		    node->key);
	for (int level = OV_LEVEL_HIDDEN; level <= OV_LEVEL_MATCHES; level++)
		if (strcmp(text, level_names[level]) == 0) {
			*out = (enum ov_level)level;
			return OV_OK;
		}
	return ov_fault_set(fault, BAD, node->line,
	    "the level of `%s` must be `matches`, `counts` or `hidden`", node->key);
}

static enum ov_status
read_populations(struct ov_policy *p, const struct ov_yaml *map, struct ov_fault *fault)
{
	struct ov_population *to;
	enum ov_status st;

	OV_TRY(ov_yaml_want(map, OV_YAML_MAP, BAD, "populations", fault));
	p->populations_line = map->line;
	for (const struct ov_yaml *n = map->first; n != NULL; n = n->next) {
		if (!ov_population_name_ok(n->key) ||
		    p->n_populations == OV_POPULATIONS_MAX) {
			st = ov_fault_set(fault, BAD, n->line,
			    "up to 15 populations, with names of 1 to 32 bytes");
			goto done;
		}
		to = &p->population[p->n_populations];
		memcpy(to->name, n->key, strlen(n->key) + 1);
		OV_TRY(read_level(&to->level, n, fault));
		p->population_line[p->n_populations++] = n->line;
	}
	st = OV_OK;
done:
	return st;
}

/* --- numbers --- */

struct number {
	const char *key;
	uint32_t *to;
	uint64_t min, max;
};

static enum ov_status
read_numbers(
    const struct number *n, size_t count, const struct ov_yaml *map, struct ov_fault *f)
{
	const struct ov_yaml *node;
	enum ov_status st = OV_OK;
	uint64_t v;

	for (size_t i = 0; i < count; i++) {
		if ((node = ov_yaml_get(map, n[i].key)) == NULL)
			continue;
		OV_TRY(ov_yaml_count(&v, node, n[i].min, n[i].max, BAD, f));
		*n[i].to = (uint32_t)v;
	}
done:
	return st;
}

/* Decimal digits at *p; false without any, or over nine of them. */
static bool
take_digits(uint64_t *out, unsigned int *n, const char **p)
{
	*out = 0;
	for (*n = 0; **p >= '0' && **p <= '9'; ++*p, ++*n)
		if (*n < 9)
			*out = *out * 10 + (uint64_t)(**p - '0');
	return *n > 0 && *n <= 9;
}

/* "1/3", "0.333" or "2" in thousandths, rounded down: no more than was allowed. */
static bool
read_fraction(uint64_t *milli, const char *p)
{
	uint64_t whole, part;
	unsigned int digits;

	if (!take_digits(&whole, &digits, &p))
		return false;
	*milli = whole * 1000;
	if (*p == '/') {
		p++;
		if (!take_digits(&part, &digits, &p) || part == 0)
			return false;
		*milli /= part;
	} else if (*p == '.') {
		p++;
		if (!take_digits(&part, &digits, &p))
			return false;
		for (part *= 1000; digits > 0; digits--)
			part /= 10;
		*milli += part;
	}
	return *p == '\0';
}

static enum ov_status
read_epsilon(uint32_t *out, const struct ov_yaml *top, const char *key, uint32_t max,
    struct ov_fault *fault)
{
	const struct ov_yaml *node = ov_yaml_get(top, key);
	uint64_t milli;

	if (node == NULL)
		return OV_OK;
	if (node->kind != OV_YAML_TEXT || !read_fraction(&milli, node->text) ||
	    milli < 1 || milli > max)
		return ov_fault_set(fault, BAD, node->line,
		    "`%s` must be a number from 0.001 to %u, as in 1/3 or 0.333", key,
		    max / 1000);
	*out = (uint32_t)milli;
	return OV_OK;
}

/* How counts are shown. */
static enum ov_status
read_counts(struct ov_policy *p, const struct ov_yaml *top, struct ov_fault *fault)
{
	const struct number numbers[] = { { "view_days", &p->view_days, 1, 366 },
		{ "shown_from", &p->shown_from, 0, OV_POLICY_LIST_MAX },
		{ "minimum_count", &p->minimum_count, 1, OV_POLICY_LIST_MAX } };
	const struct ov_yaml *noise = ov_yaml_get(top, "noise");
	enum ov_status st;

	OV_TRY(read_numbers(numbers, 3, top, fault));
	OV_TRY(read_epsilon(&p->epsilon_milli, top, "epsilon", EPSILON_MAX, fault));
	OV_TRY(read_epsilon(
	    &p->year_epsilon_milli, top, "year_epsilon", YEAR_EPSILON_MAX, fault));
	if (p->year_epsilon_milli < p->epsilon_milli) {
		const struct ov_yaml *at = ov_yaml_get(top, "year_epsilon");

		at = at != NULL ? at : ov_yaml_get(top, "epsilon");
		st = ov_fault_set(fault, BAD, at->line,
		    "`year_epsilon` is less than `epsilon`: there would never be a view; "
		    "13 views a year are 13 times `epsilon`");
		goto done;
	}
	if (noise == NULL)
		goto done;
	p->exact = noise->kind == OV_YAML_TEXT && strcmp(noise->text, "none") == 0;
	if (!p->exact &&
	    (noise->kind != OV_YAML_TEXT || strcmp(noise->text, "laplace") != 0))
		st = ov_fault_set(fault, BAD, noise->line,
		    "`noise` must be `laplace`, or `none` for exact counts, from which "
		    "the partner can find out members");
done:
	return st;
}

static enum ov_status
read_caps(struct ov_policy *p, const struct ov_yaml *map, struct ov_fault *fault)
{
	const struct number numbers[] = { { "slots", &p->slots, OV_POLICY_SLOTS_MIN,
					      OV_POLICY_SLOTS_MAX },
		{ "minimum_list", &p->minimum_list, 1, OV_POLICY_LIST_MAX },
		{ "runs_per_30_days", &p->runs_per_30_days, 1, OV_POLICY_RUNS_MAX } };
	static const char *const keys[] = { "slots", "minimum_list", "runs_per_30_days" };
	enum ov_status st;

	OV_TRY(ov_yaml_want(map, OV_YAML_MAP, BAD, "caps", fault));
	OV_TRY(ov_yaml_only(map, keys, 3, BAD, fault));
	OV_TRY(read_numbers(numbers, 3, map, fault));
	if (p->minimum_list > p->slots)
		st = ov_fault_set(fault, BAD, map->line,
		    "`minimum_list` is over `slots`: every list would be refused");
done:
	return st;
}

/* --- criteria --- */

/* Keeps the criteria as they go to the partner. */
static enum ov_status
keep_icp(struct ov_policy *p, const struct ov_icp *icp, struct ov_fault *fault)
{
	struct ov_buf text = { 0 };
	enum ov_status st;

	OV_TRY(ov_icp_check_asked(icp, NULL, fault));
	OV_TRY(ov_icp_write(&text, icp, fault));
	memcpy(p->icp, text.p, text.len); /* at most OV_ICP_ASKED_MAX */
	p->icp_len = text.len;
done:
	ov_buf_free(&text);
	return st;
}

/* The file in the directory that path is in; the caller frees it. */
static enum ov_status
beside(char **out, const char *path, const char *file)
{
	const char *slash = strrchr(path, '/');
	size_t dir = file[0] == '/' || slash == NULL ? 0 : (size_t)(slash - path) + 1;
	size_t len = strlen(file);

	*out = malloc(dir + len + 1);
	if (*out == NULL)
		return OV_E_NOMEM;
	memcpy(*out, path, dir);
	memcpy(*out + dir, file, len + 1);
	return OV_OK;
}

static enum ov_status
read_icp_file(struct ov_policy *p, const struct ov_yaml *node, const char *path,
    struct ov_fault *fault)
{
	struct ov_fault inner = { 0 };
	struct ov_icp *icp = NULL;
	char *file = NULL;
	enum ov_status st;

	OV_TRY(beside(&file, path, node->text));
	st = ov_icp_read_file(&icp, file, &inner);
	if (st == OV_OK)
		st = keep_icp(p, icp, &inner);
	if (st == OV_OK || st == OV_E_NOMEM)
		goto done;
	if (inner.line == 0)
		st = ov_fault_set(
		    fault, BAD, node->line, "`icp: %s`: %s", node->text, inner.text);
	else
		st = ov_fault_set(fault, BAD, node->line, "`icp: %s`, line %llu: %s",
		    node->text, (unsigned long long)inner.line, inner.text);
done:
	ov_icp_free(icp);
	free(file);
	return st;
}

static enum ov_status
read_icp(struct ov_policy *p, const struct ov_yaml *node, const char *path,
    struct ov_fault *fault)
{
	struct ov_icp *icp = NULL;
	enum ov_status st = OV_OK;

	if (node->kind == OV_YAML_TEXT && node->text[0] != '\0') {
		if (path != NULL)
			st = read_icp_file(p, node, path, fault);
		return st;
	}
	if (node->kind != OV_YAML_MAP)
		return ov_fault_set(fault, BAD, node->line,
		    "`icp` must be a file of criteria, or `criteria:` below it");
	st = ov_icp_of_map(&icp, node, fault);
	if (st == OV_OK)
		st = keep_icp(p, icp, fault);
	ov_icp_free(icp);
	if (fault != NULL && fault->line == 0) /* of the criteria as a whole */
		fault->line = node->line;
	return st == OV_E_ICP_INVALID ? BAD : st;
}

static enum ov_status
read_column(struct ov_policy *p, const struct ov_yaml *node, struct ov_fault *fault)
{
	struct ov_shared_columns *c = &p->icp_columns;
	size_t len = node->kind == OV_YAML_TEXT ? strlen(node->text) : 0;

	if (len == 0 || len > OV_COLUMN_NAME_MAX || c->n == OV_SHARED_COLUMNS_MAX)
		return ov_fault_set(fault, BAD, node->line,
		    "`icp_columns` lists up to %d columns, with names of 1 to %d bytes",
		    OV_SHARED_COLUMNS_MAX, OV_COLUMN_NAME_MAX);
	if (ov_shared_columns_have(c, node->text))
		return ov_fault_set(
		    fault, BAD, node->line, "column `%s` stands twice", node->text);
	if (ov_icp_askable(node->text) == NULL)
		return ov_fault_set(fault, BAD, node->line,
		    "column `%s` cannot be listed: a partner's criteria may be about "
		    "country, industry, type, lifecycle, stage, employees, revenue and "
		    "the columns that a mapping file keeps",
		    node->text);
	p->icp_column_line[c->n] = node->line;
	memcpy(c->name[c->n++], node->text, len + 1);
	return OV_OK;
}

static enum ov_status
read_columns(struct ov_policy *p, const struct ov_yaml *list, struct ov_fault *fault)
{
	enum ov_status st;

	OV_TRY(ov_yaml_want(list, OV_YAML_LIST, BAD, "icp_columns", fault));
	for (const struct ov_yaml *n = list->first; n != NULL; n = n->next)
		OV_TRY(read_column(p, n, fault));
done:
	return st;
}

/* --- the rest --- */

static enum ov_status
read_group(struct ov_policy *p, const struct ov_yaml *node, struct ov_fault *fault)
{
	size_t len = node->kind == OV_YAML_TEXT ? strlen(node->text) : 0;

	if (len == 0 || len > OV_POLICY_GROUP_MAX)
		return ov_fault_set(fault, BAD, node->line,
		    "`group` must be a name of 1 to %d bytes", OV_POLICY_GROUP_MAX);
	memcpy(p->group, node->text, len + 1);
	return OV_OK;
}

/* Settings of the protocol that this release does not have: saying so beats ignoring. */
static enum ov_status
refuse_later(const struct ov_yaml *top, struct ov_fault *fault)
{
	static const char *const later[] = { "fields", "retain_days" };

	for (size_t i = 0; i < sizeof(later) / sizeof(later[0]); i++) {
		const struct ov_yaml *n = ov_yaml_get(top, later[i]);

		if (n != NULL)
			return ov_fault_set(fault, BAD, n->line,
			    "`%s` is not in this release; take the line out", n->key);
	}
	return OV_OK;
}

static enum ov_status
read_bool(bool *out, const struct ov_yaml *top, const char *key, struct ov_fault *fault)
{
	const struct ov_yaml *node = ov_yaml_get(top, key);

	return node != NULL ? ov_yaml_bool(out, node, BAD, fault) : OV_OK;
}

static enum ov_status
read_top(struct ov_policy *p, const struct ov_yaml *top, const char *path,
    struct ov_fault *fault)
{
	static const char *const keys[] = { "version", "populations", "reciprocal",
		"icp_fit", "icp", "icp_columns", "name_only_keys", "duns_must_agree",
		"size", "noise", "epsilon", "view_days", "year_epsilon", "shown_from",
		"minimum_count", "caps", "group" };
	const struct number numbers[] = { { "version", &p->version, 1, 1 },
		{ "size", &p->size, 10, OV_POLICY_LIST_MAX } };
	const struct ov_yaml *n;
	enum ov_status st;

	OV_TRY(refuse_later(top, fault));
	OV_TRY(ov_yaml_only(top, keys, sizeof(keys) / sizeof(keys[0]), BAD, fault));
	OV_TRY(read_numbers(numbers, 2, top, fault));
	if ((n = ov_yaml_get(top, "populations")) == NULL) {
		st = ov_fault_set(fault, BAD, 0,
		    "`populations:` is missing: name each with its level, for example "
		    "`customers: matches`");
		goto done;
	}
	OV_TRY(read_populations(p, n, fault));
	OV_TRY(read_bool(&p->reciprocal, top, "reciprocal", fault));
	OV_TRY(read_bool(&p->share_icp_fit, top, "icp_fit", fault));
	OV_TRY(read_bool(&p->name_only_keys, top, "name_only_keys", fault));
	OV_TRY(read_bool(&p->duns_must_agree, top, "duns_must_agree", fault));
	OV_TRY(read_counts(p, top, fault));
	if ((n = ov_yaml_get(top, "icp")) != NULL)
		OV_TRY(read_icp(p, n, path, fault));
	if ((n = ov_yaml_get(top, "icp_columns")) != NULL)
		OV_TRY(read_columns(p, n, fault));
	if ((n = ov_yaml_get(top, "caps")) != NULL)
		OV_TRY(read_caps(p, n, fault));
	if ((n = ov_yaml_get(top, "group")) != NULL)
		OV_TRY(read_group(p, n, fault));
done:
	return st;
}

static enum ov_status
from_doc(struct ov_policy *out, struct ov_yaml_doc *doc, const char *path,
    struct ov_fault *fault)
{
	struct ov_policy *p = malloc(sizeof(*p));
	enum ov_status st = OV_OK;

	OV_REQUIRE(p != NULL, OV_E_NOMEM);
	settings_default(p);
	OV_TRY(read_top(p, ov_yaml_top(doc), path, fault));
	*out = *p;
done:
	free(p);
	ov_yaml_free(doc);
	return st;
}

enum ov_status
ov_policy_read(struct ov_policy *out, const char *path, const void *bytes, size_t len,
    struct ov_fault *fault)
{
	struct ov_yaml_doc *doc;
	enum ov_status st = ov_yaml_read(&doc, BAD, bytes, len, fault);

	return st == OV_OK ? from_doc(out, doc, path, fault) : st;
}

enum ov_status
ov_policy_read_file(struct ov_policy *out, const char *path, struct ov_fault *fault)
{
	struct ov_yaml_doc *doc;
	enum ov_status st = ov_yaml_read_file(&doc, BAD, path, fault);

	return st == OV_OK ? from_doc(out, doc, path, fault) : st;
}

enum ov_level
ov_policy_level(const struct ov_policy *p, const char *population)
{
	for (size_t i = 0; i < p->n_populations; i++)
		if (strcmp(p->population[i].name, population) == 0)
			return p->population[i].level;
	return OV_LEVEL_HIDDEN;
}

enum ov_status
ov_policy_check(
    const struct ov_policy *p, const struct ov_populations *book, struct ov_fault *fault)
{
	for (size_t i = 0; i < p->n_populations; i++) {
		bool found = false;

		for (size_t j = 0; j < book->n && !found; j++)
			found = strcmp(p->population[i].name, book->name[j]) == 0;
		if (!found)
			return ov_fault_set(fault, BAD, p->population_line[i],
			    "the policy names population `%s`, which the book does not "
			    "have; correct the spelling, or add it with a mapping file",
			    p->population[i].name);
	}
	return OV_OK;
}

uint32_t
ov_policy_hidden_mask(const struct ov_policy *p, const struct ov_populations *book)
{
	uint32_t mask = 0;

	for (size_t i = 0; i < book->n; i++)
		if (ov_policy_level(p, book->name[i]) == OV_LEVEL_HIDDEN)
			mask |= UINT32_C(1) << i;
	return mask;
}
