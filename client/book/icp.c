#include "client/book/icp.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "client/book/icp_impl.h"

#define CRITERIA_MAX 256
#define VALUES_MAX 4096
#define BAD OV_E_ICP_INVALID

static enum ov_status
read_column(
    size_t *out, struct ov_icp *icp, const struct ov_yaml *node, struct ov_fault *f)
{
	enum ov_status st;

	if ((st = ov_yaml_want(node, OV_YAML_TEXT, BAD, "column", f)) != OV_OK)
		return st;
	for (size_t i = 0; i < icp->n_columns; i++)
		if (strcasecmp(icp->column[i].name, node->text) == 0) {
			*out = i;
			return OV_OK;
		}
	if (icp->n_columns == OV_ICP_COLUMNS_MAX)
		return ov_fault_set(f, BAD, node->line, "over 64 columns are named");
	*out = icp->n_columns++;
	icp->column[*out].name = node->text;
	icp->column[*out].line = node->line;
	icp->column[*out].country = strcasecmp(node->text, "country") == 0;
	return OV_OK;
}

static enum ov_status
read_between(struct ov_icp_criterion *c, const struct ov_yaml *node, struct ov_fault *f)
{
	struct ov_range low, high;
	const struct ov_yaml *a = node->first, *b = a != NULL ? a->next : NULL;

	if (node->kind != OV_YAML_LIST || node->n != 2 || a->kind != OV_YAML_TEXT ||
	    b->kind != OV_YAML_TEXT || !ov_number_read(&low, a->text, strlen(a->text)) ||
	    !ov_number_read(&high, b->text, strlen(b->text)) || low.low > high.high)
		return ov_fault_set(f, BAD, node->line,
		    "`between` needs two numbers, the smaller first, as in [200, 10000]; "
		    "quote numbers with commas, as in [\"1,000\", \"2.5M\"]");
	c->test = OV_ICP_TEST_BETWEEN;
	c->between = (struct ov_range){ low.low, high.high };
	c->bound[0] = a->text;
	c->bound[1] = b->text;
	return OV_OK;
}

static enum ov_status
read_values(struct ov_icp_criterion *c, const struct ov_yaml *node, struct ov_fault *f)
{
	const struct ov_yaml *v = node->kind == OV_YAML_LIST ? node->first : node;
	size_t n = node->kind == OV_YAML_LIST ? node->n : 1;

	if (n == 0 || n > VALUES_MAX || node->kind == OV_YAML_MAP)
		return ov_fault_set(f, BAD, node->line,
		    "`%s` needs a value, or a list of up to 4096 of them", node->key);
	c->test = OV_ICP_TEST_ONE_OF;
	c->value = calloc(n, sizeof(*c->value));
	if (c->value == NULL)
		return OV_E_NOMEM;
	for (; c->n_values < n; v = v->next) {
		enum ov_status st = ov_yaml_want(v, OV_YAML_TEXT, BAD, node->key, f);

		if (st != OV_OK)
			return st;
		c->value[c->n_values++] = v->text;
	}
	return OV_OK;
}

static enum ov_status read_criterion(struct ov_icp_criterion *c, struct ov_icp *icp,
    const struct ov_yaml *node, bool top, struct ov_fault *f);

static enum ov_status
read_parts(struct ov_icp_criterion *c, struct ov_icp *icp, const struct ov_yaml *node,
    bool top, struct ov_fault *f)
{
	enum ov_status st = OV_OK;

	if (node->kind != OV_YAML_LIST || node->n == 0)
		return ov_fault_set(f, BAD, node->line,
		    "`%s` needs a list of criteria, each beginning with `- column:`",
		    node->key);
	if ((icp->n_criteria += node->n) > CRITERIA_MAX)
		return ov_fault_set(f, BAD, node->line, "over 256 criteria");
	c->part = calloc(node->n, sizeof(*c->part));
	if (c->part == NULL)
		return OV_E_NOMEM;
	for (const struct ov_yaml *n = node->first; n != NULL && st == OV_OK; n = n->next)
		st = read_criterion(&c->part[c->n_parts++], icp, n, top, f);
	return st;
}

/* The one test of a criterion: which of the keys below it has. */
static const struct ov_yaml *
find_test(const struct ov_yaml *node, size_t *n)
{
	static const char *const tests[] = { "any_of", "all_of", "between", "exists",
		"equals", "one_of" };
	const struct ov_yaml *found = NULL, *t;

	*n = 0;
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		if ((t = ov_yaml_get(node, tests[i])) != NULL) {
			found = t;
			++*n;
		}
	return found;
}

static enum ov_status
read_test(struct ov_icp_criterion *c, struct ov_icp *icp, const struct ov_yaml *node,
    struct ov_fault *f)
{
	const struct ov_yaml *column = ov_yaml_get(node, "column"), *test;
	enum ov_status st;
	bool group;
	size_t n;

	test = find_test(node, &n);
	if (n != 1)
		return ov_fault_set(f, BAD, node->line,
		    "a criterion needs exactly one of: equals, one_of, between, exists, "
		    "any_of, all_of");
	group = strcmp(test->key, "any_of") == 0 || strcmp(test->key, "all_of") == 0;
	if (group != (column == NULL))
		return ov_fault_set(f, BAD, node->line,
		    group ? "`%s` groups criteria: the columns stand inside it"
			  : "`%s` needs a `column:` beside it",
		    test->key);
	if (group) {
		c->test = test->key[1] == 'n' ? OV_ICP_TEST_ANY_OF : OV_ICP_TEST_ALL_OF;
		return read_parts(c, icp, test, false, f);
	}
	if ((st = read_column(&c->column, icp, column, f)) != OV_OK)
		return st;
	if (strcmp(test->key, "between") == 0)
		return read_between(c, test, f);
	if (strcmp(test->key, "exists") == 0) {
		c->test = OV_ICP_TEST_EXISTS;
		return ov_yaml_bool(&c->exists, test, BAD, f);
	}
	return read_values(c, test, f);
}

static enum ov_status
read_criterion(struct ov_icp_criterion *c, struct ov_icp *icp, const struct ov_yaml *node,
    bool top, struct ov_fault *f)
{
	static const char *const keys[] = { "column", "equals", "one_of", "between",
		"exists", "any_of", "all_of", "weight", "required" };
	const struct ov_yaml *weight, *required;
	uint64_t w = 1;
	enum ov_status st;

	OV_TRY(ov_yaml_want(node, OV_YAML_MAP, BAD, "criteria", f));
	/* weights count at the top; a group has one of its own */
	OV_TRY(ov_yaml_only(node, keys, top ? 9 : 7, BAD, f));
	OV_TRY(read_test(c, icp, node, f));
	weight = ov_yaml_get(node, "weight");
	required = ov_yaml_get(node, "required");
	if (weight != NULL)
		OV_TRY(ov_yaml_count(&w, weight, 0, OV_ICP_WEIGHT_MAX, BAD, f));
	if (required != NULL)
		OV_TRY(ov_yaml_bool(&c->required, required, BAD, f));
	c->weight = (uint32_t)w;
done:
	return st;
}

static enum ov_status
read_bands(
    struct ov_icp *icp, const struct ov_yaml *node, uint64_t max, struct ov_fault *f)
{
	uint64_t score, above = max + 1;
	enum ov_status st;

	if (node->kind != OV_YAML_MAP || node->n > OV_ICP_BANDS_MAX)
		return ov_fault_set(f, BAD, node->line,
		    "`bands` needs up to 8 lines `name: lowest score`, the best first");
	for (const struct ov_yaml *b = node->first; b != NULL; b = b->next) {
		if (strlen(b->key) == 0 || strlen(b->key) > OV_ICP_BAND_NAME_MAX)
			return ov_fault_set(
			    f, BAD, b->line, "a band's name has 1 to 15 letters");
		if ((st = ov_yaml_count(&score, b, 1, max, BAD, f)) != OV_OK)
			return st;
		if (score >= above)
			return ov_fault_set(f, BAD, b->line,
			    "bands stand from the best to the least: `%s` must be lower",
			    b->key);
		above = score;
		memcpy(icp->band[icp->n_bands].name, b->key, strlen(b->key) + 1);
		icp->band[icp->n_bands++].score = (uint32_t)score;
	}
	return OV_OK;
}

static enum ov_status
read_profile(struct ov_icp *icp, const struct ov_yaml *top, struct ov_fault *f)
{
	static const char *const keys[] = { "version", "threshold", "bands", "criteria" };
	const struct ov_yaml *node;
	uint64_t sum = 0, value;
	enum ov_status st;

	OV_TRY(ov_yaml_only(top, keys, 4, BAD, f));
	if ((node = ov_yaml_get(top, "version")) != NULL)
		OV_TRY(ov_yaml_count(&value, node, 1, 1, BAD, f));
	if ((node = ov_yaml_get(top, "criteria")) == NULL) {
		st = ov_fault_set(f, BAD, 0,
		    "`criteria:` is missing: a list such as "
		    "`- {column: industry, one_of: [Software], weight: 2}`");
		goto done;
	}
	icp->top.test = OV_ICP_TEST_ALL_OF;
	OV_TRY(read_parts(&icp->top, icp, node, true, f));
	for (size_t i = 0; i < icp->top.n_parts; i++)
		sum += icp->top.part[i].weight;
	if (sum == 0) {
		st = ov_fault_set(f, BAD, node->line, "all weights are 0");
		goto done;
	}
	value = sum;
	if ((node = ov_yaml_get(top, "threshold")) != NULL)
		OV_TRY(ov_yaml_count(&value, node, 1, sum, BAD, f));
	icp->threshold = (uint32_t)value;
	if ((node = ov_yaml_get(top, "bands")) != NULL)
		OV_TRY(read_bands(icp, node, sum, f));
done:
	return st;
}

/* doc: owned from now on; NULL: somebody else's. */
static enum ov_status
from_map(struct ov_icp **out, const struct ov_yaml *top, struct ov_yaml_doc *doc,
    struct ov_fault *f)
{
	struct ov_icp *icp = calloc(1, sizeof(*icp));
	enum ov_status st;

	*out = NULL;
	if (icp == NULL) {
		ov_yaml_free(doc);
		return OV_E_NOMEM;
	}
	icp->doc = doc;
	if ((st = read_profile(icp, top, f)) == OV_OK)
		*out = icp;
	else
		ov_icp_free(icp);
	return st;
}

enum ov_status
ov_icp_of_map(struct ov_icp **out, const struct ov_yaml *map, struct ov_fault *fault)
{
	enum ov_status st = ov_yaml_want(map, OV_YAML_MAP, BAD, "icp", fault);

	*out = NULL;
	return st == OV_OK ? from_map(out, map, NULL, fault) : st;
}

enum ov_status
ov_icp_read(struct ov_icp **out, const void *bytes, size_t len, struct ov_fault *fault)
{
	struct ov_yaml_doc *doc;
	enum ov_status st = ov_yaml_read(&doc, BAD, bytes, len, fault);

	*out = NULL;
	return st == OV_OK ? from_map(out, ov_yaml_top(doc), doc, fault) : st;
}

enum ov_status
ov_icp_read_file(struct ov_icp **out, const char *path, struct ov_fault *fault)
{
	struct ov_yaml_doc *doc;
	enum ov_status st = ov_yaml_read_file(&doc, BAD, path, fault);

	*out = NULL;
	return st == OV_OK ? from_map(out, ov_yaml_top(doc), doc, fault) : st;
}

static void
free_criterion(struct ov_icp_criterion *c)
{
	for (size_t i = 0; i < c->n_parts; i++)
		free_criterion(&c->part[i]);
	free(c->part);
	free(c->value);
}

void
ov_icp_free(struct ov_icp *icp)
{
	if (icp == NULL)
		return;
	free_criterion(&icp->top);
	ov_yaml_free(icp->doc);
	free(icp);
}

size_t
ov_icp_n_columns(const struct ov_icp *icp)
{
	return icp->n_columns;
}

const char *
ov_icp_column(const struct ov_icp *icp, size_t i)
{
	return icp->column[i].name;
}

uint64_t
ov_icp_column_line(const struct ov_icp *icp, size_t i)
{
	return icp->column[i].line;
}

size_t
ov_icp_n_bands(const struct ov_icp *icp)
{
	return icp->n_bands;
}

const char *
ov_icp_band_name(const struct ov_icp *icp, uint8_t band)
{
	return band >= 1 && band <= icp->n_bands ? icp->band[band - 1].name : NULL;
}
