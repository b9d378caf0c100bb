/* merge_chain.c - what the values of one rank would join together, where each alone joins
 * nothing that it must not. */
#include "client/book/merge_impl.h"

/* The forest that all links of the stage would make, over the roots that there are. */
static enum ov_status
plan_links(struct ov_merge *m, const struct shelf *shelf)
{
	struct shelf_walk w = { 0 };
	struct claim c;
	bool any, one;
	enum ov_status st;

	ov_paged_clear(m->stage);
	OV_TRY(ov_shelf_walk(&w, shelf));
	for (;;) {
		OV_TRY(ov_shelf_next(&any, &w));
		if (!any)
			break;
		while (w.value.verdict.links) {
			OV_TRY(ov_shelf_next_claim(&one, &c, &w));
			if (!one)
				break;
			if (ov_merge_is_live(m, &c, w.value.verdict.least))
				ov_merge_unite(m->stage,
				    ov_merge_find(m->up, w.value.first),
				    ov_merge_find(m->up, c.row));
		}
	}
done:
	ov_shelf_walk_end(&w);
	return st;
}

/* Of a tree of that forest: how many of its groups have an LEI, a CIK, a domain; two
 * bits each, 2 stands for more. */
#define LEIS 0
#define CIKS 2
#define DOMAINS 4

static uint32_t
count_of(uint32_t tree, unsigned int which)
{
	return tree >> which & 3;
}

static void
count_one(uint32_t *tree, unsigned int which, bool has)
{
	if (has && count_of(*tree, which) < 2)
		*tree += 1U << which;
}

static void
count_trees(struct ov_merge *m)
{
	ov_paged_clear(m->ids);
	for (uint32_t r = 0; r < m->n_rows; r++) {
		uint32_t signs = ov_paged_get(m->signs, r), top, tree;

		if ((signs & (HAS_LEI | HAS_CIK | HAS_DOMAIN)) == 0 ||
		    ov_merge_find(m->up, r) != r)
			continue;
		top = ov_merge_find(m->stage, r);
		tree = ov_paged_get(m->ids, top);
		count_one(&tree, LEIS, (signs & HAS_LEI) != 0);
		count_one(&tree, CIKS, (signs & HAS_CIK) != 0);
		count_one(&tree, DOMAINS, (signs & HAS_DOMAIN) != 0);
		ov_paged_set(m->ids, top, tree);
	}
}

enum ov_status
ov_merge_plan_chains(struct ov_merge *m, const struct shelf *shelf)
{
	enum ov_status st = plan_links(m, shelf);

	if (st == OV_OK)
		count_trees(m);
	return st;
}

enum ov_merge_drop
ov_merge_judge_chain(struct ov_merge *m, const struct shared *v)
{
	uint32_t tree, top;

	if (!v->verdict.links)
		return OV_MERGE_KEPT;
	top = ov_merge_find(m->stage, ov_merge_find(m->up, v->first));
	tree = ov_paged_get(m->ids, top);
	if (ov_rules_is_conflict(v->rank, count_of(tree, LEIS), count_of(tree, CIKS)))
		return OV_MERGE_CONFLICT;
	return ov_rules_is_weak(v->rank, count_of(tree, DOMAINS)) ? OV_MERGE_SHARED
								  : OV_MERGE_KEPT;
}
