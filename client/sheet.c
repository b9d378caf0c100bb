#include "client/sheet.h"

#include <inttypes.h>

#include "client/cli.h"
#include "proto/terms.h"

/* Counts are not in this release; these are what the protocol names as its defaults. */
#define EPSILON_MILLI 333
#define YEAR_EPSILON_MILLI 4333
#define VIEW_DAYS 28
#define MINIMUM_COUNT 10

enum ov_status
ov_sheet_of_policy(struct ov_buf *out, const struct ov_policy *p)
{
	struct ov_msg_grants g = { .version = OV_PROTOCOL_VERSION,
		.fit = p->share_icp_fit,
		.name_only = p->name_only_keys,
		.slots = p->slots,
		.minimum_list = p->minimum_list,
		.runs = p->runs_per_30_days,
		.epsilon_milli = EPSILON_MILLI,
		.view_days = VIEW_DAYS,
		.year_epsilon_milli = YEAR_EPSILON_MILLI,
		.minimum_count = MINIMUM_COUNT };
	struct ov_population granted[OV_POPULATIONS_MAX];
	struct ov_buf packed = { 0 };
	size_t n = 0;
	enum ov_status st = OV_OK;

	for (size_t i = 0; i < p->n_populations; i++)
		if (p->population[i].level != OV_LEVEL_HIDDEN)
			granted[n++] = p->population[i];
	OV_REQUIRE(n > 0 && p->runs_per_30_days > 0, OV_E_POLICY_REFUSED);
	OV_TRY(ov_populations_pack(&packed, granted, n));
	g.populations = OV_BUF_BYTES(&packed);
	OV_TRY(ov_msg_encode(out, OV_MSG_GRANTS, &g));
done:
	ov_buf_free(&packed);
	return st;
}

struct sheet {
	struct ov_msg_grants g;
	struct ov_population p[OV_POPULATIONS_MAX];
	size_t n;
};

static enum ov_status
read_sheet(struct sheet *s, struct ov_bytes in)
{
	enum ov_status st;

	OV_TRY(ov_msg_decode(&s->g, OV_MSG_GRANTS, in));
	OV_TRY(ov_populations_unpack(s->p, &s->n, s->g.populations));
done:
	return st;
}

static const char *
what_it_shows(enum ov_level level)
{
	switch (level) {
	case OV_LEVEL_HIDDEN:
		return "nothing";
	case OV_LEVEL_COUNTS:
		return "how many accounts both have";
	case OV_LEVEL_MATCHES:
		return "which accounts both have";
	case OV_LEVEL_FIELDS:
		return "which accounts both have, and named columns of them";
	}
	return "nothing";
}

static void
print_populations(FILE *out, const struct sheet *s, bool own)
{
	for (size_t i = 0; i < s->n; i++) {
		fprintf(out, "  - ");
		ov_print_name(out, s->p[i].name);
		fprintf(out, ": %s\n", what_it_shows(s->p[i].level));
	}
	fprintf(out, "  - everything else: nothing\n");
	if (s->g.fit == 1)
		fprintf(out,
		    "  and how many of the common accounts fit %s profile of accounts to "
		    "look for\n",
		    own ? "your" : "its");
	if (s->g.icp.len > 0)
		fprintf(out,
		    "  It asks for its own criteria to be evaluated by the other "
		    "side.\n");
}

static uint64_t
least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void
print_limits(FILE *out, const struct ov_msg_grants *a, const struct ov_msg_grants *b)
{
	uint64_t list =
	    a->minimum_list > b->minimum_list ? a->minimum_list : b->minimum_list;

	fprintf(out,
	    "Limits%s: at most %" PRIu64 " runs in 30 days, lists of %" PRIu64
	    " to %" PRIu64 " keys.\n",
	    a == b ? " that you set (the stricter of both sides' hold)"
		   : " that follow from both sides",
	    least(a->runs, b->runs), list, least(a->slots, b->slots));
	if (a->name_only == 1 && b->name_only == 1)
		fprintf(out, "Names without a country are used as keys.\n");
}

enum ov_status
ov_sheet_explain(
    FILE *out, const char *partner, struct ov_bytes mine, struct ov_bytes theirs)
{
	struct sheet m, t;
	enum ov_status st;

	OV_TRY(read_sheet(&m, mine));
	if (theirs.len > 0)
		OV_TRY(read_sheet(&t, theirs));
	ov_print_name(out, partner);
	fprintf(out, " learns, of accounts that are in ITS list too, from your:\n");
	print_populations(out, &m, true);
	if (theirs.len > 0) {
		fprintf(
		    out, "You learn, of accounts that are in YOUR list too, from its:\n");
		print_populations(out, &t, false);
	} else {
		fprintf(
		    out, "What you learn is for it to decide: it has not offered yet.\n");
	}
	print_limits(out, &m.g, theirs.len > 0 ? &t.g : &m.g);
	fprintf(out,
	    "Neither learns the other's accounts that it does not list itself.  A "
	    "partner "
	    "that\nlists companies it has never dealt with learns whether you have "
	    "them.\n"
	    "The broker sees sizes, times and which positions match, no names.\n");
done:
	return st;
}

enum ov_status
ov_sheet_json(struct ov_json *at, struct ov_bytes sheet)
{
	struct ov_json *list = ov_json_array(at, "populations");
	struct sheet s;
	enum ov_status st;

	OV_TRY(read_sheet(&s, sheet));
	for (size_t i = 0; i < s.n; i++) {
		struct ov_json *p = ov_json_object(list, NULL);

		ov_json_text(p, "name", s.p[i].name);
		ov_json_text(p, "level", ov_level_name(s.p[i].level));
	}
	ov_json_bool(at, "icp_fit", s.g.fit == 1);
	ov_json_bool(at, "name_only_keys", s.g.name_only == 1);
	ov_json_number(at, "slots", s.g.slots);
	ov_json_number(at, "minimum_list", s.g.minimum_list);
	ov_json_number(at, "runs_per_30_days", s.g.runs);
done:
	return st;
}
