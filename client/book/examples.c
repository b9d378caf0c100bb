#include "client/book/examples.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VALUE_MAX 80
#define ID_MAX 40
#define NAME_MAX_ 80

struct kept {
	char id[ID_MAX + 1], name[NAME_MAX_ + 1], value[VALUE_MAX + 1];
	char kind[OV_KIND_CAP];
};

struct ov_examples {
	struct kept kept[OV_DROP_COUNT][OV_EXAMPLES_EACH];
	size_t n[OV_DROP_COUNT];
};

enum ov_status
ov_examples_new(struct ov_examples **out)
{
	*out = calloc(1, sizeof(**out));
	return *out != NULL ? OV_OK : OV_E_NOMEM;
}

void
ov_examples_free(struct ov_examples *g)
{
	free(g);
}

/* A text of at most max bytes, cut between characters. */
static void
cut(char *out, size_t max, struct ov_bytes in)
{
	size_t n = in.len;

	if (n > max)
		for (n = max; n > 0 && (in.p[n] & 0xc0) == 0x80;)
			n--;
	if (n > 0)
		memcpy(out, in.p, n);
	out[n] = '\0';
}

void
ov_examples_try(struct ov_examples *g, const struct ov_claim_try *t, struct ov_bytes id,
    struct ov_bytes name)
{
	struct kept *k;

	if (t->why == OV_DROP_NONE || t->why >= OV_DROP_COUNT ||
	    g->n[t->why] == OV_EXAMPLES_EACH)
		return;
	k = &g->kept[t->why][g->n[t->why]++];
	cut(k->id, ID_MAX, id);
	cut(k->name, NAME_MAX_, name);
	cut(k->value, VALUE_MAX, t->raw);
	snprintf(k->kind, sizeof(k->kind), "%s", t->kind);
}

/* The values that merging refused. */
static enum ov_status
visit_unmerged(struct ov_db *db, enum ov_merge_drop why,
    enum ov_status (*visit)(void *arg, const struct ov_example *e), void *arg)
{
	struct ov_token_parts parts;
	struct ov_db_stmt *q = NULL;
	struct ov_example e = { .why = ov_merge_drop_text(why) };
	bool row;
	enum ov_status st;

	OV_TRY(ov_db_query(&q, db,
	    "SELECT r.ext_id, r.name, d.rank, d.value FROM book_dropped d"
	    " JOIN book_row r ON r.row = d.row WHERE d.why = ? ORDER BY d.row LIMIT ?",
	    OV_DB_I64(why), OV_DB_I64(OV_EXAMPLES_EACH)));
	for (;;) {
		OV_TRY(ov_db_step(q, &row));
		if (!row)
			break;
		e.id = ov_db_text(q, 0);
		e.name = ov_db_text(q, 1);
		OV_REQUIRE(
		    ov_token_split(&parts, (uint8_t)ov_db_i64(q, 2), ov_db_blob(q, 3)),
		    OV_E_DB_FAILED);
		e.key = parts.kind;
		e.value = (const char *)parts.value.p; /* to the end of the text */
		OV_TRY(visit(arg, &e));
	}
done:
	ov_db_finish(q);
	return st;
}

enum ov_status
ov_examples_each(struct ov_examples *g, struct ov_db *db,
    enum ov_status (*visit)(void *arg, const struct ov_example *e), void *arg)
{
	enum ov_status st = OV_OK;

	for (size_t why = 0; why < OV_DROP_COUNT; why++)
		for (size_t i = 0; i < g->n[why]; i++) {
			const struct kept *k = &g->kept[why][i];

			OV_TRY(visit(
			    arg, &(struct ov_example){ ov_drop_text((enum ov_drop)why),
				     k->id, k->name, k->kind, k->value }));
		}
	for (unsigned int why = OV_MERGE_KEPT + 1; why < OV_MERGE_DROPS; why++)
		OV_TRY(visit_unmerged(db, (enum ov_merge_drop)why, visit, arg));
done:
	return st;
}
