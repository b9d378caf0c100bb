/* What was held back of a report and what was charged, in words. */
#include <inttypes.h>
#include <string.h>

#include "client/cli.h"
#include "client/report_print.h"
#include "client/screen.h"

#define WORDS 1024 /* 15 names of 32 bytes and a sentence */

/* --- held back --- */

/* "prospects, leads": the partner's populations that are only counted. */
static void
counted_names(char out[WORDS], const struct ov_report *r)
{
	size_t len = 0;

	out[0] = '\0';
	for (size_t i = 0; i < r->n_theirs; i++)
		if (r->theirs[i].level == OV_LEVEL_COUNTS)
			len += (size_t)snprintf(out + len, WORDS - len, "%s%s",
			    len > 0 ? ", " : "", r->theirs[i].name);
}

static void
not_due(char out[WORDS], const struct ov_report *r, const char *when)
{
	if (r->has_terms)
		snprintf(out, WORDS,
		    "the terms allow one view in %" PRIu32
		    " days.  The next is due on %s.",
		    r->release.view_days, when);
	else
		snprintf(out, WORDS, "the next view is due on %s.", when);
}

static void
held_words(char out[WORDS], const struct ov_report *r, const struct ov_held_row *h)
{
	char when[OV_TIME_TEXT];

	ov_time_text(when, h->next);
	switch ((enum ov_held_reason)h->reason) {
	case OV_HELD_NOT_DUE:
		not_due(out, r, when);
		return;
	case OV_HELD_BUDGET:
		if (h->next == 0)
			snprintf(out, WORDS,
			    "these terms allow no view: one costs more than may be spent "
			    "in 365 days.");
		else
			snprintf(out, WORDS,
			    "what may be spent on views in 365 days is spent.  The next "
			    "is due on %s.",
			    when);
		return;
	case OV_HELD_SMALL:
		if (r->has_terms && r->release.exact)
			snprintf(out, WORDS,
			    "numbers below %" PRIu32
			    ", and those that leave less than that over, are not shown.",
			    r->release.minimum_count);
		else if (r->has_terms)
			snprintf(out, WORDS, "numbers below %" PRIu32 " are not shown.",
			    r->release.shown_from);
		else
			snprintf(out, WORDS, "small numbers are not shown.");
		return;
	case OV_HELD_BY_PARTNER:
		snprintf(out, WORDS,
		    "the partner did not allow a view in this job, by its own count of "
		    "what was learned of it.  It does not say until when.");
		return;
	}
	snprintf(out, WORDS, "no reason that this release knows.");
}

void
ov_report_print_held(FILE *out, const struct ov_report *r)
{
	char names[WORDS], words[WORDS], line[2 * WORDS + 32];

	if (r->n_held > 0)
		fputs("\nHeld back\n\n", out);
	for (size_t i = 0; i < r->n_held; i++) {
		const struct ov_held_row *h = &r->held[i];

		held_words(words, r, h);
		counted_names(names, r);
		snprintf(line, sizeof(line), "%s%s: %s",
		    h->population == 0 ? "counts of " : "",
		    h->population == 0 ? names : ov_report_theirs(r, h->population),
		    words);
		ov_screen_paragraph(out, 0, line);
	}
}

void
ov_report_print_greenfield(FILE *out, const struct ov_report *r)
{
	const struct ov_report_greenfield *g = &r->greenfield;
	char size[OV_COUNT_TEXT], rest[OV_COUNT_TEXT], line[WORDS];

	if (!g->is)
		return;
	snprintf(line, sizeof(line),
	    "Their list has about %s accounts, so %s %s of them are not in yours%s.",
	    ov_count_text(size, g->size), g->at_most ? "at most about" : "about",
	    ov_count_text(rest, g->accounts),
	    g->at_most ? " (some counts are held back)" : "");
	fputc('\n', out);
	ov_screen_paragraph(out, 0, line);
}

/* --- charged --- */

static void
print_epsilon(FILE *out, const char *whose, const struct ov_report_epsilon *e)
{
	char a[OV_MILLI_TEXT], b[OV_MILLI_TEXT], c[OV_MILLI_TEXT], when[OV_TIME_TEXT];
	char line[WORDS];

	if (!e->is)
		return;
	ov_time_text(when, e->next);
	snprintf(line, sizeof(line),
	    "%s: epsilon %s for this job, %s in 365 days, %s left; next view %s%s.",
	    whose, ov_milli_text(a, e->job), ov_milli_text(b, e->year),
	    ov_milli_text(c, e->left),
	    e->next > 0 ? "due on " : "never under these terms", e->next > 0 ? when : "");
	ov_screen_paragraph(out, 0, line);
}

static void
print_count(FILE *out, const char *what, uint64_t broker, uint64_t home)
{
	if (broker != home)
		fprintf(out, "  %s: broker %" PRIu64 ", home %" PRIu64 "\n", what, broker,
		    home);
}

static void
print_milli(FILE *out, const char *what, const struct ov_report_epsilon *e)
{
	char a[OV_MILLI_TEXT], b[OV_MILLI_TEXT];

	if (e->is && e->year != e->own_year)
		fprintf(out, "  %s: broker %s, home %s\n", what,
		    ov_milli_text(a, e->year), ov_milli_text(b, e->own_year));
}

static void
print_difference(FILE *out, const struct ov_report_charges *c)
{
	if (!c->differs)
		return;
	fputs(
	    "The broker and this home do not count the same; the stricter holds:\n", out);
	print_count(out, "slots of yours in this job", c->slots, c->own_slots);
	print_count(
	    out, "slots of theirs in this job", c->their_slots, c->own_their_slots);
	print_count(out, "runs in 30 days", c->runs_month, c->own_runs_month);
	print_count(out, "slots of yours in 30 days", c->slots_month, c->own_slots_month);
	print_count(out, "slots of theirs in 30 days", c->their_slots_month,
	    c->own_their_slots_month);
	print_milli(out, "epsilon of your views in 365 days", &c->mine);
	print_milli(out, "epsilon of their views in 365 days", &c->theirs);
}

void
ov_report_print_charges(FILE *out, const struct ov_report *r)
{
	const struct ov_report_charges *c = &r->charges;
	char a[OV_COUNT_TEXT], b[OV_COUNT_TEXT];

	fprintf(out, "\nCharged: one run, %s slots of yours and %s of theirs.\n",
	    ov_count_text(a, c->slots), ov_count_text(b, c->their_slots));
	fprintf(out,
	    "In 30 days with this partner: %" PRIu32 " run%s (%" PRIu32 " left), ",
	    c->runs_month, c->runs_month == 1 ? "" : "s", c->runs_left);
	fprintf(out, "%s slots of yours and %s of theirs.\n",
	    ov_count_text(a, c->slots_month), ov_count_text(b, c->their_slots_month));
	if (c->group[0] != '\0') {
		fputs("With its group (", out);
		ov_screen_cell(out, c->group, 0, OV_SCREEN_LEFT);
		fprintf(out, "), by this home's count: %" PRIu32 " run%s in 30 days.\n",
		    c->group_runs_month, c->group_runs_month == 1 ? "" : "s");
	}
	print_epsilon(out, "Your views of their counts", &c->mine);
	print_epsilon(out, "Their views of your counts", &c->theirs);
	print_difference(out, c);
}
