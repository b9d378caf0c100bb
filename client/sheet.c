#include "client/sheet.h"

#include <string.h>

#include "proto/terms.h"

static void
counts_json(struct ov_json *at, const struct ov_msg_grants *g)
{
	ov_json_text(at, "noise", g->exact == 1 ? "none" : "laplace");
	ov_json_number(at, "epsilon_milli", g->epsilon_milli);
	ov_json_number(at, "view_days", g->view_days);
	ov_json_number(at, "year_epsilon_milli", g->year_epsilon_milli);
	ov_json_number(at, "shown_from", g->shown_from);
	ov_json_number(at, "minimum_count", g->minimum_count);
}

static enum ov_status
criteria_json(struct ov_json *at, const struct ov_msg_grants *g)
{
	struct ov_json *list = ov_json_array(at, "icp_columns");
	struct ov_shared_columns columns;
	char text[OV_ICP_ASKED_MAX + 1];
	enum ov_status st;

	OV_TRY(ov_shared_columns_unpack(&columns, g->icp_columns));
	for (size_t i = 0; i < columns.n; i++)
		ov_json_text(list, NULL, columns.name[i]);
	OV_REQUIRE(g->icp.len < sizeof(text), OV_E_WIRE_LIMIT);
	if (g->icp.len > 0)
		memcpy(text, g->icp.p, g->icp.len);
	text[g->icp.len] = '\0';
	ov_json_text(at, "icp", g->icp.len > 0 ? text : NULL);
done:
	return st;
}

enum ov_status
ov_sheet_json(struct ov_json *at, struct ov_bytes sheet)
{
	struct ov_json *list = ov_json_array(at, "populations");
	struct ov_population p[OV_POPULATIONS_MAX];
	struct ov_msg_grants g;
	size_t n;
	enum ov_status st;

	OV_TRY(ov_msg_decode(&g, OV_MSG_GRANTS, sheet));
	OV_TRY(ov_populations_unpack(p, &n, g.populations));
	for (size_t i = 0; i < n; i++) {
		struct ov_json *o = ov_json_object(list, NULL);

		ov_json_text(o, "name", p[i].name);
		ov_json_text(o, "level", ov_level_name(p[i].level));
	}
	ov_json_bool(at, "reciprocal", g.reciprocal == 1);
	ov_json_bool(at, "icp_fit", g.fit == 1);
	ov_json_bool(at, "name_only_keys", g.name_only == 1);
	ov_json_bool(at, "duns_must_agree", g.duns_veto == 1);
	ov_json_number(at, "size", g.size);
	OV_TRY(criteria_json(at, &g));
	counts_json(at, &g);
	ov_json_number(at, "slots", g.slots);
	ov_json_number(at, "minimum_list", g.minimum_list);
	ov_json_number(at, "runs_per_30_days", g.runs);
done:
	return st;
}

/* --- changes --- */

struct change_list {
	struct ov_json *list;
	const char *by;
};

static void
add_change(void *arg, const struct ov_giving_change *c)
{
	struct change_list *l = arg;
	struct ov_json *o = ov_json_object(l->list, NULL);

	ov_json_text(o, "by", l->by);
	ov_json_text(o, "what", c->key);
	ov_json_text(o, "from", c->from);
	ov_json_text(o, "to", c->to);
	ov_json_bool(o, "more", c->more);
}

enum ov_status
ov_sheet_change_json(struct ov_json *at, const struct ov_sheet_words *then,
    const struct ov_sheet_words *now)
{
	struct change_list l = { ov_json_array(at, "changes"), "you" };
	struct ov_giving from, to;
	enum ov_status st;

	OV_TRY(ov_giving_of(&from, then->mine, then->theirs));
	OV_TRY(ov_giving_of(&to, now->mine, now->theirs));
	ov_giving_compare(&from, &to, add_change, &l);
	l.by = "partner";
	OV_TRY(ov_giving_of(&from, then->theirs, then->mine));
	OV_TRY(ov_giving_of(&to, now->theirs, now->mine));
	ov_giving_compare(&from, &to, add_change, &l);
done:
	return st;
}
