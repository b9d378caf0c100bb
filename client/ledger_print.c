#include "client/ledger_print.h"

#include <inttypes.h>

#include "client/cli.h"
#include "client/screen.h"

/* Views of one direction. */
struct views {
	bool is; /* something is counted there, with noise */
	uint64_t year, left;
	struct ov_budget_due due;
};

static struct views
views_of(const struct ov_ledger *l, const struct ov_terms *terms, int64_t now, bool in)
{
	const struct ov_release *r = &terms->release;
	unsigned int mine = terms->low ? 0 : 1, giver = in ? 1 - mine : mine;
	struct views v = { 0 };

	v.is = !r->exact && ov_release_has(r->level[giver], OV_LEVEL_COUNTS);
	v.year = in ? l->together.epsilon_in_year : l->together.epsilon_out_year;
	v.left = r->year_epsilon_milli > v.year ? r->year_epsilon_milli - v.year : 0;
	ov_ledger_due(&v.due, l, r, now, in);
	return v;
}

static uint32_t
runs_left(const struct ov_ledger *l, const struct ov_terms *terms)
{
	return l->together.runs_month < terms->release.runs
		   ? terms->release.runs - l->together.runs_month
		   : 0;
}

/* --- text --- */

static void
print_views(FILE *out, const char *whose, const struct views *v)
{
	char year[OV_MILLI_TEXT], left[OV_MILLI_TEXT], when[OV_TIME_TEXT];

	if (!v->is)
		return;
	ov_time_text(when, v->due.next);
	fprintf(out, "  %s: epsilon %s in 365 days, %s left, next %s%s\n", whose,
	    ov_milli_text(year, v->year), ov_milli_text(left, v->left),
	    v->due.due	      ? "in the next job"
	    : v->due.next > 0 ? "from "
			      : "never under these terms",
	    !v->due.due && v->due.next > 0 ? when : "");
}

void
ov_ledger_print(
    FILE *out, const struct ov_ledger *l, const struct ov_terms *terms, int64_t now)
{
	struct views theirs = views_of(l, terms, now, false);
	struct views mine = views_of(l, terms, now, true);
	char a[OV_COUNT_TEXT], b[OV_COUNT_TEXT];

	fprintf(out, "  in 30 days: %" PRIu32 " run%s, %" PRIu32 " left",
	    l->partner.runs_month, l->partner.runs_month == 1 ? "" : "s",
	    runs_left(l, terms));
	fprintf(out, "; slots asked by you %s, by them %s",
	    ov_count_text(a, l->partner.slots_month),
	    ov_count_text(b, l->partner.their_slots_month));
	fprintf(out, " (ever %s and %s)\n", ov_count_text(a, l->partner.slots),
	    ov_count_text(b, l->partner.their_slots));
	if (l->group[0] != '\0') {
		fputs("  group ", out);
		ov_screen_cell(out, l->group, 0, OV_SCREEN_LEFT);
		fprintf(out, ", together: %" PRIu32 " run%s in 30 days\n",
		    l->together.runs_month, l->together.runs_month == 1 ? "" : "s");
	}
	print_views(out, "their views of your counts", &theirs);
	print_views(out, "your views of their counts", &mine);
}

/* --- JSON --- */

static void
json_views(struct ov_json *at, const char *key, const struct views *v)
{
	struct ov_json *o;

	if (!v->is) {
		ov_json_null(at, key);
		return;
	}
	o = ov_json_object(at, key);
	ov_json_number(o, "epsilon_milli_365_days", v->year);
	ov_json_number(o, "epsilon_milli_left", v->left);
	ov_json_bool(o, "due", v->due.due);
	ov_json_time(o, "next_view", v->due.next);
}

void
ov_ledger_json(struct ov_json *at, const struct ov_ledger *l,
    const struct ov_terms *terms, int64_t now)
{
	struct views theirs = views_of(l, terms, now, false);
	struct views mine = views_of(l, terms, now, true);
	struct ov_json *o = ov_json_object(at, "ledger");

	ov_json_number(o, "runs_30_days", l->partner.runs_month);
	ov_json_number(o, "runs_left", runs_left(l, terms));
	ov_json_number(o, "slots", l->partner.slots);
	ov_json_number(o, "slots_30_days", l->partner.slots_month);
	ov_json_number(o, "their_slots", l->partner.their_slots);
	ov_json_number(o, "their_slots_30_days", l->partner.their_slots_month);
	ov_json_text(o, "group", l->group[0] != '\0' ? l->group : NULL);
	ov_json_number(o, "group_runs_30_days", l->together.runs_month);
	json_views(o, "their_views", &theirs);
	json_views(o, "my_views", &mine);
}
