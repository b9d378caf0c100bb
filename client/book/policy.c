#include "client/book/policy.h"

#include <string.h>

#include "client/book/yaml.h"

#define BAD OV_E_POLICY_INVALID

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

	if (strcmp(text, "hidden") == 0) {
		*out = OV_LEVEL_HIDDEN;
	} else if (strcmp(text, "matches") == 0) {
		*out = OV_LEVEL_MATCHES;
	} else if (strcmp(text, "counts") == 0 || strcmp(text, "fields") == 0) {
		return ov_fault_set(fault, BAD, node->line,
		    "level `%s` (for `%s`) is not in this release; use `matches`, or "
		    "`hidden` to keep the population out",
		    text, node->key);
	} else {
		return ov_fault_set(fault, BAD, node->line,
		    "the level of `%s` must be `matches` or `hidden`", node->key);
	}
	return OV_OK;
}

static enum ov_status
read_populations(struct ov_policy *p, const struct ov_yaml *map, struct ov_fault *fault)
{
	struct ov_population *to;
	enum ov_status st;

	OV_TRY(ov_yaml_want(map, OV_YAML_MAP, BAD, "populations", fault));
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
		p->n_populations++;
	}
	st = OV_OK;
done:
	return st;
}

static enum ov_status
read_count(uint32_t *out, const struct ov_yaml *map, const char *key, uint64_t min,
    uint64_t max, struct ov_fault *fault)
{
	const struct ov_yaml *node = ov_yaml_get(map, key);
	enum ov_status st;
	uint64_t v;

	if (node == NULL)
		return OV_OK;
	if ((st = ov_yaml_count(&v, node, min, max, BAD, fault)) == OV_OK)
		*out = (uint32_t)v;
	return st;
}

static enum ov_status
read_caps(struct ov_policy *p, const struct ov_yaml *map, struct ov_fault *fault)
{
	static const char *const keys[] = { "slots", "minimum_list", "runs_per_30_days" };
	enum ov_status st;

	OV_TRY(ov_yaml_want(map, OV_YAML_MAP, BAD, "caps", fault));
	OV_TRY(ov_yaml_only(map, keys, 3, BAD, fault));
	OV_TRY(read_count(
	    &p->slots, map, "slots", OV_POLICY_SLOTS_MIN, OV_POLICY_SLOTS_MAX, fault));
	OV_TRY(read_count(
	    &p->minimum_list, map, "minimum_list", 1, OV_POLICY_LIST_MAX, fault));
	OV_TRY(read_count(
	    &p->runs_per_30_days, map, "runs_per_30_days", 1, OV_POLICY_RUNS_MAX, fault));
done:
	return st;
}

/* Settings of the protocol that this release does not have: saying so beats ignoring. */
static enum ov_status
refuse_later(const struct ov_yaml *top, struct ov_fault *fault)
{
	static const char *const later[] = { "noise", "epsilon", "minimum_count", "size",
		"reciprocal", "fields", "retain_days" };

	for (size_t i = 0; i < sizeof(later) / sizeof(later[0]); i++) {
		const struct ov_yaml *n = ov_yaml_get(top, later[i]);

		if (n != NULL)
			return ov_fault_set(fault, BAD, n->line,
			    "`%s` is not in this release; take the line out", n->key);
	}
	return OV_OK;
}

static enum ov_status
read_top(struct ov_policy *p, const struct ov_yaml *top, struct ov_fault *fault)
{
	static const char *const keys[] = { "version", "populations", "icp_fit",
		"name_only_keys", "caps" };
	const struct ov_yaml *n;
	enum ov_status st;

	OV_TRY(refuse_later(top, fault));
	OV_TRY(ov_yaml_only(top, keys, 5, BAD, fault));
	OV_TRY(read_count(&p->version, top, "version", 1, 1, fault));
	if ((n = ov_yaml_get(top, "populations")) == NULL) {
		st = ov_fault_set(fault, BAD, 0,
		    "`populations:` is missing: name each with its level, for example "
		    "`customers: matches`");
		goto done;
	}
	OV_TRY(read_populations(p, n, fault));
	if ((n = ov_yaml_get(top, "icp_fit")) != NULL)
		OV_TRY(ov_yaml_bool(&p->share_icp_fit, n, BAD, fault));
	if ((n = ov_yaml_get(top, "name_only_keys")) != NULL)
		OV_TRY(ov_yaml_bool(&p->name_only_keys, n, BAD, fault));
	if ((n = ov_yaml_get(top, "caps")) != NULL)
		OV_TRY(read_caps(p, n, fault));
done:
	return st;
}

static enum ov_status
from_doc(struct ov_policy *out, struct ov_yaml_doc *doc, struct ov_fault *fault)
{
	struct ov_policy p;
	enum ov_status st;

	settings_default(&p);
	st = read_top(&p, ov_yaml_top(doc), fault);
	ov_yaml_free(doc);
	if (st == OV_OK)
		*out = p;
	return st;
}

enum ov_status
ov_policy_read(
    struct ov_policy *out, const void *bytes, size_t len, struct ov_fault *fault)
{
	struct ov_yaml_doc *doc;
	enum ov_status st = ov_yaml_read(&doc, BAD, bytes, len, fault);

	return st == OV_OK ? from_doc(out, doc, fault) : st;
}

enum ov_status
ov_policy_read_file(struct ov_policy *out, const char *path, struct ov_fault *fault)
{
	struct ov_yaml_doc *doc;
	enum ov_status st = ov_yaml_read_file(&doc, BAD, path, fault);

	return st == OV_OK ? from_doc(out, doc, fault) : st;
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
			return ov_fault_set(fault, BAD, 0,
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

static void
list_level(FILE *out, const struct ov_policy *p, const struct ov_populations *book,
    enum ov_level level)
{
	size_t n = 0;

	for (size_t i = 0; i < book->n; i++)
		if (ov_policy_level(p, book->name[i]) == level)
			fprintf(out, "%s%s", n++ > 0 ? ", " : "", book->name[i]);
	if (n == 0)
		fputs("none", out);
}

void
ov_policy_explain(FILE *out, const struct ov_policy *p, const struct ov_populations *book,
    const char *partner)
{
	fprintf(out, "What %s learns of our accounts\n  matches: ", partner);
	list_level(out, p, book, OV_LEVEL_MATCHES);
	fprintf(out,
	    "\n    For each account that is in both books: that we have it, in which of "
	    "these\n    populations, and by which kind of key it was found. Nothing "
	    "about "
	    "accounts\n    that are not in %s's own list, and no columns.\n  hidden: ",
	    partner);
	list_level(out, p, book, OV_LEVEL_HIDDEN);
	fputs("\n    Stay on this machine. An account with a single row in one of these "
	      "stays too.\n",
	    out);
	fprintf(out, "  our ICP: %s\n",
	    p->share_icp_fit
		? "in each cell, how many of the common accounts fit our "
		  "profile (a cell of\n    one tells of that one); not the profile"
		: "nothing");
	fprintf(
	    out, "  our list's padded size (a step of 1,024 or more), and these terms\n");
	fprintf(out,
	    "  by listing companies it does not have, %s could test for up to %u keys a "
	    "run,\n    %u runs in 30 days, which is logged; lists under %u keys are "
	    "refused\n",
	    partner, p->slots, p->runs_per_30_days, p->minimum_list);
	fprintf(out,
	    "What we learn\n  what %s's policy for us grants: the signed terms say which "
	    "populations\n",
	    partner);
	fputs("What the broker sees\n  padded sizes, kinds of keys per account, which "
	      "positions match, counts per\n  numbered population; no names, domains, "
	      "columns or population names\n",
	    out);
	fprintf(out, "Keys\n  registry ids, domains, name with country%s\n",
	    p->name_only_keys ? "; also names without a country, which match more, and "
				"wrongly more often"
			      : "; never a name alone");
}
