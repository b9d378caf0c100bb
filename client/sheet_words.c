/* sheet_words.c - two grant sheets in plain words, with the numbers that follow. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "client/cli.h"
#include "client/giving.h"
#include "client/screen.h"
#include "client/sheet.h"
#include "proto/budget.h"

#define NAME_TEXT (4 * OV_NAME_MAX + 1)
#define LINE_MAX_ 4096

struct words {
	FILE *out;
	char partner[NAME_TEXT]; /* as it may be printed */
	struct ov_msg_grants mine, theirs;
	bool both; /* theirs is known */
	struct ov_giving give, get;
	const struct ov_populations *book;
};

/* --- lines --- */

static void say(const struct words *w, size_t indent, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void
say(const struct words *w, size_t indent, const char *format, ...)
{
	char line[LINE_MAX_];
	va_list ap;

	va_start(ap, format);
	vsnprintf(line, sizeof(line), format, ap);
	va_end(ap);
	ov_screen_paragraph(w->out, indent, line);
}

/* A name from outside, as it may stand on a screen. */
static enum ov_status
clean_name(char out[NAME_TEXT], const char *name)
{
	FILE *f = fmemopen(out, NAME_TEXT, "w");

	if (f == NULL)
		return OV_E_NOMEM;
	ov_print_name(f, name);
	(void)fclose(f); /* what is too long is cut */
	out[NAME_TEXT - 1] = '\0';
	return OV_OK;
}

/* --- what one side learns of the other --- */

/* Who is told of: the words that differ between us and them. */
struct view {
	const char *own;   /* list of the one who learns: "its own", "your own" */
	const char *whose; /* giver: "your", "its" */
	const char *can;   /* the one who learns: "Globex", "you" */
	const struct ov_giving *g;
	const struct ov_msg_grants *giver;
	const struct ov_msg_grants *learner; /* its sheet; NULL: not known */
	bool giver_is_me;
};

/* No view is drawn at epsilon 0. */
static unsigned int
near(uint32_t epsilon_milli, uint32_t (*plus_minus)(uint32_t))
{
	return epsilon_milli > 0 ? plus_minus(epsilon_milli) : 0;
}

static void
say_noise(const struct words *w, const struct view *v)
{
	const struct ov_giving *g = v->g;
	unsigned int views =
	    g->epsilon_milli > 0 ? g->year_epsilon_milli / g->epsilon_milli : 0;

	say(w, 4,
	    "With noise: a number is right to about +/- %u, how many of it fit a profile "
	    "to about +/- %u, 19 times in 20.  Less than %u is not shown.  A new view "
	    "comes after %u days at the earliest, and %u times in 365 days at the most.",
	    near(g->epsilon_milli, ov_plus_minus_pairs),
	    near(g->epsilon_milli, ov_plus_minus_fits), g->shown_from, g->view_days,
	    views);
}

/* Exact counts, or why they are not. */
static void
say_counts(const struct words *w, const struct view *v)
{
	const char *who = v->giver_is_me ? w->partner : "you";

	if (v->g->exact && w->both) {
		say(w, 4,
		    "Without noise: %s can find out members, by changing %s list from "
		    "run "
		    "to run and watching the numbers.  Numbers under %u are not shown, "
		    "nor those whose rest is; that does not prevent it.",
		    who, v->own, v->g->minimum_count);
		return;
	}
	say_noise(w, v);
	if (v->giver->exact == 1 && w->both)
		say(w, 4,
		    "`noise: none` stands in %s policy, but not in the other's: both "
		    "must agree to exact counts.",
		    v->giver_is_me ? "your" : "its");
	else if (v->giver->exact == 1)
		say(w, 4,
		    "Without noise if the partner's policy says `noise: none`, too: then "
		    "the partner can find out members.");
}

static void
say_matches(const struct words *w, const struct view *v)
{
	say(w, 4,
	    "For each account on %s list that is in this population: that it is, and by "
	    "which kind of key it was found.  Nothing of accounts that are not on that "
	    "list, and no columns.",
	    v->own);
}

static enum ov_status
say_population(const struct words *w, const struct view *v, const struct ov_population *p)
{
	char name[NAME_TEXT];
	enum ov_status st;

	OV_TRY(clean_name(name, p->name));
	switch (p->level) {
	case OV_LEVEL_HIDDEN:
		say(w, 2, "%s: nothing, because nothing is given in return", name);
		break;
	case OV_LEVEL_COUNTS:
		say(w, 2, "%s: how many accounts both have", name);
		say_counts(w, v);
		break;
	case OV_LEVEL_MATCHES:
		say(w, 2, "%s: which accounts both have", name);
		say_matches(w, v);
		break;
	case OV_LEVEL_FIELDS:
		say(w, 2, "%s: which accounts both have, and named columns of them",
		    name);
		say_matches(w, v);
		break;
	}
done:
	return st;
}

static bool
is_given(const struct ov_giving *g, const char *name)
{
	for (size_t i = 0; i < g->n; i++)
		if (strcmp(g->population[i].name, name) == 0)
			return true;
	return false;
}

static enum ov_status
say_hidden(const struct words *w)
{
	char name[NAME_TEXT];
	size_t n = 0;
	enum ov_status st = OV_OK;

	for (size_t i = 0; w->book != NULL && i < w->book->n; i++) {
		if (is_given(&w->give, w->book->name[i]))
			continue;
		OV_TRY(clean_name(name, w->book->name[i]));
		say(w, 2, "%s: nothing", name);
		n++;
	}
	if (n > 0)
		say(w, 4,
		    "Hidden: these stay on this machine.  An account with a single row "
		    "in one of them stays, too.");
	else
		say(w, 2, "everything else: nothing");
done:
	return st;
}

/* Lines of a text from outside. */
static enum ov_status
say_text(const struct words *w, struct ov_bytes text)
{
	char *copy = strndup((const char *)text.p, text.len), *rest = copy, *line;

	if (copy == NULL)
		return OV_E_NOMEM;
	while ((line = strsep(&rest, "\n")) != NULL)
		if (line[0] != '\0')
			ov_screen_paragraph(w->out, 4, line);
	free(copy);
	return OV_OK;
}

/* "industry (equals, one_of, exists); employees (between, exists)" */
static enum ov_status
column_words(char out[LINE_MAX_], const struct ov_msg_grants *g)
{
	struct ov_shared_columns columns;
	char name[NAME_TEXT];
	size_t at = 0;
	enum ov_status st;

	OV_TRY(ov_shared_columns_unpack(&columns, g->icp_columns));
	out[0] = '\0';
	for (size_t i = 0; i < columns.n && at < LINE_MAX_; i++) {
		const char *askable = ov_icp_askable(columns.name[i]);

		OV_TRY(clean_name(name, columns.name[i]));
		at += (size_t)snprintf(out + at, LINE_MAX_ - at, "%s%s (%s)",
		    i > 0 ? "; " : "", name, askable != NULL ? askable : "nothing");
	}
done:
	return st;
}

/* Criteria of the one who learns, on columns of the giver. */
static enum ov_status
say_criteria(const struct words *w, const struct view *v)
{
	bool asked = v->learner != NULL && v->learner->icp.len > 0;
	char columns[LINE_MAX_];
	enum ov_status st = OV_OK;

	if (asked && v->giver->icp_columns.len == 0)
		say(w, 2,
		    "nothing by %s criteria: the other's policy lists no `icp_columns`",
		    v->giver_is_me ? "its" : "your");
	if (v->giver->icp_columns.len == 0)
		goto done;
	OV_TRY(column_words(columns, v->giver));
	if (!asked) {
		say(w, 2, "criteria may be sent about %s columns: %s", v->whose, columns);
		goto done;
	}
	say(w, 2,
	    "how each account above fits %s profile, and in which band, by %s columns: "
	    "%s.  The criteria may change once in 28 days, if the giver's person agrees:",
	    v->giver_is_me ? "its" : "your", v->whose, columns);
	OV_TRY(say_text(w, v->learner->icp));
done:
	return st;
}

static void
say_rest(const struct words *w, const struct view *v)
{
	char step[OV_COUNT_TEXT], slots[OV_COUNT_TEXT];
	const struct ov_giving *g = v->g;

	if (v->giver->reciprocal == 1)
		say(w, 2, "no level above the highest that %s in return (`reciprocal`)",
		    v->giver_is_me ? "the partner gives" : "you give");
	if (g->fit)
		say(w, 2,
		    "how many accounts of each cell fit %s profile (from a cell of one, "
		    "whether that one does); not the profile",
		    v->whose);
	if (v->giver->icp.len > 0)
		say(w, 2, "%s criteria, since they are sent to be evaluated (`icp`)",
		    v->whose);
	if (g->size > 0)
		say(w, 2,
		    "the size of %s list, rounded to %s: so about how many of %s "
		    "accounts are not on %s list",
		    v->whose, ov_count_text(step, g->size), v->whose, v->own);
	say(w, 2, "the padded size of %s list, and these terms", v->whose);
	say(w, 2,
	    "By listing companies that were never dealt with, %s can test up to %s keys "
	    "in a run, in %u runs in 30 days; the reports and the log say how many were "
	    "asked.  Lists of less than %u keys are refused.",
	    v->can, ov_count_text(slots, g->slots), g->runs, g->minimum_list);
}

static enum ov_status
say_side(const struct words *w, const struct view *v)
{
	enum ov_status st = OV_OK;

	for (size_t i = 0; i < v->g->n; i++)
		OV_TRY(say_population(w, v, &v->g->population[i]));
	if (v->giver_is_me)
		OV_TRY(say_hidden(w));
	else
		say(w, 2, "everything else: nothing");
	OV_TRY(say_criteria(w, v));
	say_rest(w, v);
done:
	return st;
}

static void
say_broker(const struct words *w)
{
	bool names = (w->give.ranks & OV_RANK_BIT(OV_RANK_NAME)) != 0;

	say(w, 0, "What the broker sees");
	say(w, 2,
	    "who, when, padded sizes; for each account how many keys of which kind, the "
	    "number of its population, whether it fits%s; which positions match, and so "
	    "the true counts",
	    w->give.bands || w->get.bands ? " its owner's profile and the other's" : "");
	say(w, 2, "no names, domains or columns, and not what the numbers stand for");
	say(w, 0, "Keys");
	say(w, 2,
	    "registry ids, VAT numbers and identifiers of agreed schemes, domains, names "
	    "with their country%s",
	    names ? "; also names without a country, which match more, and wrongly more "
		    "often"
	    : w->both || w->mine.name_only == 0
		? "; never a name alone"
		: "; also names without a country, if the partner agrees");
	if (w->give.duns_veto || (!w->both && w->mine.duns_veto == 1))
		say(w, 2,
		    "accounts whose DUNS numbers differ are never matched, whatever "
		    "weaker "
		    "key they share%s",
		    w->both ? ""
			    : ", if the partner's policy says `duns_must_agree`, too");
	else if (w->mine.duns_veto == 1 || w->theirs.duns_veto == 1)
		say(w, 2,
		    "DUNS numbers that differ forbid no match: both must say "
		    "`duns_must_agree`");
}

static enum ov_status
read_words(struct words *w, FILE *out, const struct ov_sheet_words *in)
{
	enum ov_status st;

	w->out = out;
	w->both = in->theirs.len > 0;
	w->book = in->book;
	OV_TRY(clean_name(w->partner, in->partner));
	OV_TRY(ov_msg_decode(&w->mine, OV_MSG_GRANTS, in->mine));
	OV_TRY(ov_giving_of(&w->give, in->mine, in->theirs));
	if (!w->both)
		goto done;
	OV_TRY(ov_msg_decode(&w->theirs, OV_MSG_GRANTS, in->theirs));
	OV_TRY(ov_giving_of(&w->get, in->theirs, in->mine));
done:
	return st;
}

enum ov_status
ov_sheet_explain(FILE *out, const struct ov_sheet_words *in)
{
	struct words *w = calloc(1, sizeof(*w));
	enum ov_status st = OV_OK;

	OV_REQUIRE(w != NULL, OV_E_NOMEM);
	OV_TRY(read_words(w, out, in));
	say(w, 0, "What %s learns of your accounts", w->partner);
	OV_TRY(say_side(w, &(struct view){ .own = "its own",
			       .whose = "your",
			       .can = w->partner,
			       .g = &w->give,
			       .giver = &w->mine,
			       .learner = w->both ? &w->theirs : NULL,
			       .giver_is_me = true }));
	say(w, 0, "What you learn of the accounts of %s", w->partner);
	if (w->both)
		OV_TRY(say_side(w, &(struct view){ .own = "your own",
				       .whose = "its",
				       .can = "you",
				       .g = &w->get,
				       .giver = &w->theirs,
				       .learner = &w->mine }));
	else
		say(w, 2, "what its policy for you grants: it has not offered yet");
	say_broker(w);
done:
	free(w);
	return st;
}

/* --- changes --- */

struct change_words {
	FILE *out;
	unsigned int n;
};

static void
say_change(void *arg, const struct ov_giving_change *c)
{
	struct change_words *w = arg;

	fprintf(w->out, "  %s ", c->more ? "+" : "-");
	ov_print_name(w->out, c->words);
	fprintf(w->out, ": %s -> %s\n", c->from, c->to);
	w->n++;
}

static enum ov_status
say_changes(FILE *out, struct ov_bytes giver_then, struct ov_bytes other_then,
    struct ov_bytes giver_now, struct ov_bytes other_now)
{
	struct change_words w = { out, 0 };
	struct ov_giving then, now;
	enum ov_status st;

	OV_TRY(ov_giving_of(&then, giver_then, other_then));
	OV_TRY(ov_giving_of(&now, giver_now, other_now));
	ov_giving_compare(&then, &now, say_change, &w);
	if (w.n == 0)
		fputs("  as before\n", out);
done:
	return st;
}

enum ov_status
ov_sheet_explain_change(
    FILE *out, const struct ov_sheet_words *then, const struct ov_sheet_words *now)
{
	enum ov_status st;

	fputs("Changes from the terms in force (+ more, - less)\nYou give\n", out);
	OV_TRY(say_changes(out, then->mine, then->theirs, now->mine, now->theirs));
	ov_print_name(out, now->partner);
	fputs(" gives\n", out);
	OV_TRY(say_changes(out, then->theirs, then->mine, now->theirs, now->mine));
done:
	return st;
}
