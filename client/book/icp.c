#include "client/book/icp.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "client/book/number.h"
#include "client/book/yaml.h"
#include "client/normalise/normalise.h"
#include "common/crypto/hash.h"

#define CRITERIA_MAX 256
#define VALUES_MAX 4096
#define BAD OV_E_ICP_INVALID

/* Three-valued logic after Kleene: ordered so that and is min, or is max. */
enum truth { FALSE_, UNKNOWN, TRUE_ };

enum test { TEST_ANY_OF, TEST_ALL_OF, TEST_BETWEEN, TEST_EXISTS, TEST_ONE_OF };

struct criterion {
	enum test test;
	size_t column; /* not for groups */
	struct ov_range between;
	bool exists;
	const char **value; /* TEST_ONE_OF, borrowed from doc */
	size_t n_values;
	struct criterion *part; /* groups */
	size_t n_parts;
	uint32_t weight; /* top level */
	bool required;
};

struct ov_icp {
	struct ov_yaml_doc *doc;
	struct criterion top; /* all_of, as a container */
	uint32_t threshold;
	size_t n_bands;
	struct {
		char name[OV_ICP_BAND_NAME_MAX + 1];
		uint32_t score;
	} band[OV_ICP_BANDS_MAX];
	size_t n_columns, n_criteria;
	struct {
		const char *name; /* borrowed from doc */
		uint64_t line;
		bool country;
	} column[OV_ICP_COLUMNS_MAX];
};

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
read_between(struct criterion *c, const struct ov_yaml *node, struct ov_fault *f)
{
	struct ov_range low, high;
	const struct ov_yaml *a = node->first, *b = a != NULL ? a->next : NULL;

	if (node->kind != OV_YAML_LIST || node->n != 2 || a->kind != OV_YAML_TEXT ||
	    b->kind != OV_YAML_TEXT || !ov_number_read(&low, a->text, strlen(a->text)) ||
	    !ov_number_read(&high, b->text, strlen(b->text)) || low.low > high.high)
		return ov_fault_set(f, BAD, node->line,
		    "`between` needs two numbers, the smaller first, as in [200, 10000]; "
		    "quote numbers with commas, as in [\"1,000\", \"2.5M\"]");
	c->test = TEST_BETWEEN;
	c->between = (struct ov_range){ low.low, high.high };
	return OV_OK;
}

static enum ov_status
read_values(struct criterion *c, const struct ov_yaml *node, struct ov_fault *f)
{
	const struct ov_yaml *v = node->kind == OV_YAML_LIST ? node->first : node;
	size_t n = node->kind == OV_YAML_LIST ? node->n : 1;

	if (n == 0 || n > VALUES_MAX || node->kind == OV_YAML_MAP)
		return ov_fault_set(f, BAD, node->line,
		    "`%s` needs a value, or a list of up to 4096 of them", node->key);
	c->test = TEST_ONE_OF;
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

static enum ov_status read_criterion(struct criterion *c, struct ov_icp *icp,
    const struct ov_yaml *node, bool top, struct ov_fault *f);

static enum ov_status
read_parts(struct criterion *c, struct ov_icp *icp, const struct ov_yaml *node, bool top,
    struct ov_fault *f)
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
read_test(struct criterion *c, struct ov_icp *icp, const struct ov_yaml *node,
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
		c->test = test->key[1] == 'n' ? TEST_ANY_OF : TEST_ALL_OF;
		return read_parts(c, icp, test, false, f);
	}
	if ((st = read_column(&c->column, icp, column, f)) != OV_OK)
		return st;
	if (strcmp(test->key, "between") == 0)
		return read_between(c, test, f);
	if (strcmp(test->key, "exists") == 0) {
		c->test = TEST_EXISTS;
		return ov_yaml_bool(&c->exists, test, BAD, f);
	}
	return read_values(c, test, f);
}

static enum ov_status
read_criterion(struct criterion *c, struct ov_icp *icp, const struct ov_yaml *node,
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
read_profile(struct ov_icp *icp, struct ov_fault *f)
{
	static const char *const keys[] = { "version", "threshold", "bands", "criteria" };
	const struct ov_yaml *top = ov_yaml_top(icp->doc), *node;
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
	icp->top.test = TEST_ALL_OF;
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

static enum ov_status
from_doc(struct ov_icp **out, struct ov_yaml_doc *doc, struct ov_fault *f)
{
	struct ov_icp *icp = calloc(1, sizeof(*icp));
	enum ov_status st;

	*out = NULL;
	if (icp == NULL) {
		ov_yaml_free(doc);
		return OV_E_NOMEM;
	}
	icp->doc = doc;
	if ((st = read_profile(icp, f)) == OV_OK)
		*out = icp;
	else
		ov_icp_free(icp);
	return st;
}

enum ov_status
ov_icp_read(struct ov_icp **out, const void *bytes, size_t len, struct ov_fault *fault)
{
	struct ov_yaml_doc *doc;
	enum ov_status st = ov_yaml_read(&doc, BAD, bytes, len, fault);

	*out = NULL;
	return st == OV_OK ? from_doc(out, doc, fault) : st;
}

enum ov_status
ov_icp_read_file(struct ov_icp **out, const char *path, struct ov_fault *fault)
{
	struct ov_yaml_doc *doc;
	enum ov_status st = ov_yaml_read_file(&doc, BAD, path, fault);

	*out = NULL;
	return st == OV_OK ? from_doc(out, doc, fault) : st;
}

static void
free_criterion(struct criterion *c)
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
is_one_of(const struct ov_icp *icp, const struct criterion *c, const char *text)
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

static enum truth evaluate(const struct evaluation *e, const struct criterion *c);

static enum truth
evaluate_group(const struct evaluation *e, const struct criterion *c)
{
	enum truth all = TRUE_, any = FALSE_, t;

	for (size_t i = 0; i < c->n_parts; i++) {
		t = evaluate(e, &c->part[i]);
		all = t < all ? t : all;
		any = t > any ? t : any;
	}
	return c->test == TEST_ALL_OF ? all : any;
}

static enum truth
evaluate(const struct evaluation *e, const struct criterion *c)
{
	const char *text = NULL;
	size_t len = 0;

	if (c->test == TEST_ANY_OF || c->test == TEST_ALL_OF)
		return evaluate_group(e, c);
	if ((text = e->value(e->ctx, c->column)) != NULL)
		(void)trimmed(text, &len);
	if (c->test == TEST_EXISTS)
		return not_known(true, (len > 0) == c->exists);
	if (len == 0)
		return UNKNOWN;
	return c->test == TEST_BETWEEN ? is_between(&c->between, text)
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
		const struct criterion *c = &icp->top.part[i];

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

static void
digest_number(struct ov_hash *h, double v)
{
	uint8_t bytes[sizeof(v)];

	memcpy(bytes, &v, sizeof(v));
	ov_hash_lv(h, bytes, sizeof(bytes));
}

static void
digest_criterion(struct ov_hash *h, const struct ov_icp *icp, const struct criterion *c)
{
	ov_hash_len(h, (uint64_t)c->test);
	ov_hash_len(h, c->weight);
	ov_hash_len(h, (uint64_t)c->required << 1 | (uint64_t)c->exists);
	if (c->test != TEST_ANY_OF && c->test != TEST_ALL_OF)
		ov_hash_lv(
		    h, icp->column[c->column].name, strlen(icp->column[c->column].name));
	digest_number(h, c->between.low);
	digest_number(h, c->between.high);
	ov_hash_len(h, c->n_values);
	for (size_t i = 0; i < c->n_values; i++)
		ov_hash_lv(h, c->value[i], strlen(c->value[i]));
	ov_hash_len(h, c->n_parts);
	for (size_t i = 0; i < c->n_parts; i++)
		digest_criterion(h, icp, &c->part[i]);
}

void
ov_icp_digest(uint8_t out[64], const struct ov_icp *icp)
{
	struct ov_hash h;

	ov_hash_init(&h);
	ov_hash_lv(&h, "icp 1", 5);
	ov_hash_len(&h, icp->threshold);
	ov_hash_len(&h, icp->n_bands);
	for (size_t i = 0; i < icp->n_bands; i++) {
		ov_hash_lv(&h, icp->band[i].name, strlen(icp->band[i].name));
		ov_hash_len(&h, icp->band[i].score);
	}
	digest_criterion(&h, icp, &icp->top);
	ov_hash_final(&h, out);
}
