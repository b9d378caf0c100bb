#include <inttypes.h>
#include <string.h>

#include "client/cli.h"
#include "client/report_print.h"
#include "client/screen.h"

#define LINE_WIDTH 96 /* columns of a matrix go on below what does not fit */
#define GAP 3
#define NUMBER_TEXT 48
#define FIT_MINE "  fit your ICP"
#define FIT_THEIRS "  fit their ICP"

enum number { PAIRS, FITS_MINE, FITS_THEIRS };

enum ov_status
ov_print_flushed(FILE *out)
{
	return fflush(out) == 0 && ferror(out) == 0 ? OV_OK : OV_E_IO;
}

const char *
ov_held_name(uint8_t reason)
{
	static const char *const name[] = { "?", "not_due", "budget", "small",
		"partner" };

	return name[reason <= OV_HELD_BY_PARTNER ? reason : 0];
}

/* What the matrix shows of one number of a cell. */
static void
number_text(char text[NUMBER_TEXT], const struct ov_report *r,
    const struct ov_report_population *mine, const struct ov_report_population *theirs,
    enum number which)
{
	const struct ov_cell_row *c = ov_report_cell(r, mine->number, theirs->number);
	char count[OV_COUNT_TEXT];
	uint32_t n, near;

	if (c == NULL && theirs->level != OV_LEVEL_COUNTS) {
		memcpy(text, "-", 2);
		return;
	}
	if (c == NULL) { /* no view of counts in this job */
		memcpy(text, "held back", 10);
		return;
	}
	n = which == PAIRS ? c->pairs : which == FITS_MINE ? c->fit_own : c->fit_other;
	if (n == OV_HELD_BACK) {
		memcpy(text, "held back", 10);
		return;
	}
	ov_count_text(count, n);
	near = which == PAIRS ? c->plus_minus : c->plus_minus_fit;
	if (near == 0 || near == OV_HELD_BACK)
		snprintf(text, NUMBER_TEXT, "%s", count);
	else
		snprintf(text, NUMBER_TEXT, "%s +/-%" PRIu32, count, near);
}

static size_t
larger(size_t a, size_t b)
{
	return a > b ? a : b;
}

static size_t
column_width(const struct ov_report *r, const struct ov_report_population *theirs)
{
	char text[NUMBER_TEXT];
	size_t width = ov_screen_width(theirs->name);

	for (size_t i = 0; i < r->n_mine; i++)
		for (int which = PAIRS; which <= FITS_THEIRS; which++) {
			number_text(text, r, &r->mine[i], theirs, (enum number)which);
			width = larger(width, strlen(text));
		}
	return width;
}

/* Columns of the matrix that stand side by side. */
struct block {
	size_t from, to, label, width[OV_POPULATIONS_MAX];
};

static void
print_gap(FILE *out)
{
	fprintf(out, "%*s", GAP, "");
}

static void
print_row(FILE *out, const struct ov_report *r, const struct block *b,
    const struct ov_report_population *mine, enum number which)
{
	static const char *const label[] = { "", FIT_MINE, FIT_THEIRS };
	char text[NUMBER_TEXT];

	ov_screen_cell(
	    out, which == PAIRS ? mine->name : label[which], b->label, OV_SCREEN_LEFT);
	for (size_t i = b->from; i < b->to; i++) {
		number_text(text, r, mine, &r->theirs[i], which);
		print_gap(out);
		ov_screen_cell(out, text, b->width[i], OV_SCREEN_RIGHT);
	}
	fputc('\n', out);
}

/* A matrix of zeros says less than a sentence: where nobody has a profile, they are many.
 */
static bool
is_shown(const struct ov_report *r, enum number which)
{
	const struct ov_cell_row *c;

	if (which == PAIRS)
		return true;
	for (size_t i = 0; i < r->n_mine; i++)
		for (size_t k = 0; k < r->n_theirs; k++) {
			c = ov_report_cell(r, r->mine[i].number, r->theirs[k].number);
			if (c != NULL &&
			    (which == FITS_MINE ? c->fit_own : c->fit_other) != 0)
				return true;
		}
	return false;
}

static void
print_block(FILE *out, const struct ov_report *r, const struct block *b)
{
	fprintf(out, "\n%*s", (int)b->label, "");
	for (size_t i = b->from; i < b->to; i++) {
		print_gap(out);
		ov_screen_cell(out, r->theirs[i].name, b->width[i], OV_SCREEN_RIGHT);
	}
	fputc('\n', out);
	for (size_t i = 0; i < r->n_mine; i++)
		for (int which = PAIRS; which <= FITS_THEIRS; which++)
			if (is_shown(r, (enum number)which))
				print_row(out, r, b, &r->mine[i], (enum number)which);
}

static void
print_matrix(FILE *out, const struct ov_report *r)
{
	struct block b = { .label = sizeof(FIT_THEIRS) - 1 };
	size_t line;

	fputs("\nPairs of accounts: your populations down, theirs across\n", out);
	for (size_t i = 0; i < r->n_mine; i++)
		b.label = larger(b.label, ov_screen_width(r->mine[i].name));
	for (size_t i = 0; i < r->n_theirs; i++)
		b.width[i] = column_width(r, &r->theirs[i]);
	while (b.to < r->n_theirs) {
		b.from = b.to;
		line = b.label;
		do
			line += GAP + b.width[b.to++];
		while (b.to < r->n_theirs && line + GAP + b.width[b.to] <= LINE_WIDTH);
		print_block(out, r, &b);
	}
	if (!is_shown(r, FITS_MINE) && !is_shown(r, FITS_THEIRS))
		fputs("\nNo pair is known to fit your ICP or theirs.\n", out);
	else if (!is_shown(r, FITS_MINE))
		fputs("\nNo pair is known to fit your ICP.\n", out);
	else if (!is_shown(r, FITS_THEIRS))
		fputs("\nNo pair is known to fit their ICP.\n", out);
}

static void
print_legend(FILE *out, const struct ov_report *r)
{
	bool held = false, noisy = false, missing = false;
	const struct ov_cell_row *c;

	for (size_t i = 0; i < r->n_mine; i++)
		for (size_t k = 0; k < r->n_theirs; k++)
			if (ov_report_cell(r, r->mine[i].number, r->theirs[k].number) ==
				NULL &&
			    r->theirs[k].level != OV_LEVEL_COUNTS)
				missing = true;
	for (size_t i = 0; i < r->n_cells; i++) {
		c = &r->cell[i];
		held = held || c->pairs == OV_HELD_BACK || c->fit_own == OV_HELD_BACK ||
		       c->fit_other == OV_HELD_BACK;
		noisy = noisy || (c->plus_minus != 0 && c->plus_minus != OV_HELD_BACK);
	}
	if (held || noisy || missing)
		fputc('\n', out);
	if (held)
		fputs("held back: the terms do not give this number, or it, or what it "
		      "leaves over,\nis too small to be shown under them.\n",
		    out);
	if (noisy)
		fputs("+/-: the broker added noise; in 95 of 100 cases the true number "
		      "is this "
		      "near.\n",
		    out);
	if (missing)
		fputs("-: not part of this report.\n", out);
}

static void
print_mine(FILE *out, const struct ov_report *r)
{
	char a[OV_COUNT_TEXT], b[OV_COUNT_TEXT], c[OV_COUNT_TEXT];
	size_t width = sizeof("population") - 1;
	uint64_t accounts = 0;

	fputs("\nYour accounts in this job\n\n", out);
	for (size_t i = 0; i < r->n_mine; i++)
		width = larger(width, ov_screen_width(r->mine[i].name));
	ov_screen_cell(out, "population", width, OV_SCREEN_LEFT);
	fprintf(out, "  %12s  %12s  %12s\n", "accounts", "matched", "in rows");
	for (size_t i = 0; i < r->n_mine; i++) {
		ov_screen_cell(out, r->mine[i].name, width, OV_SCREEN_LEFT);
		fprintf(out, "  %12s  %12s  %12s\n",
		    ov_count_text(a, r->mine[i].accounts),
		    ov_count_text(b, r->mine[i].matched),
		    ov_count_text(c, r->mine[i].rows));
		accounts += r->mine[i].accounts;
	}
	ov_screen_cell(out, "together", width, OV_SCREEN_LEFT);
	fprintf(out, "  %12s  %12s  %12s\n", ov_count_text(a, accounts),
	    ov_count_text(b, r->matches), ov_count_text(c, r->rows));
}

static void
print_wrong(FILE *out, const struct ov_report *r)
{
	char a[OV_COUNT_TEXT];

	if (r->wrong > 0)
		fprintf(out,
		    "\n%s match%s that you found wrong %s left out here and in `overlap "
		    "matches`; the\npairs above are the broker's count and have them "
		    "still.\n",
		    ov_count_text(a, r->wrong), r->wrong == 1 ? "" : "es",
		    r->wrong == 1 ? "is" : "are");
}

static void
print_fits(FILE *out, const struct ov_report *r)
{
	char a[OV_COUNT_TEXT];

	if (r->matches == 0)
		return;
	fprintf(out, "\nOf the matched: %s fit your ICP",
	    ov_count_text(a, r->fits[OV_FIT_YES]));
	if (r->bands)
		fprintf(out, " (%s of them by the partner's data alone)",
		    ov_count_text(a, r->fits_by_theirs));
	fprintf(out, ", %s do not", ov_count_text(a, r->fits[OV_FIT_NO]));
	fprintf(out, ", %s not known%s.\n", ov_count_text(a, r->fits[OV_FIT_UNKNOWN]),
	    r->fits[OV_FIT_UNKNOWN] == r->matches ? " (see `overlap icp --help`)" : "");
	fputs("List them with `overlap matches`.\n", out);
}

static void
print_hex(FILE *out, const uint8_t id[OV_ID])
{
	for (size_t i = 0; i < OV_ID; i++)
		fprintf(out, "%02x", id[i]);
}

static void
print_proof(FILE *out)
{
	fputs("\nWhat was checked: the broker's signature under this report, both sides' "
	      "signed steps,\ntheir place in the broker's log, and for every match two "
	      "proofs that the partner made.\n"
	      "\nWhat it does not prove: that a list is all of a company's accounts or "
	      "only true ones;\nthat the broker left no match out; that a number beyond "
	      "the matches is right.\n",
	    out);
}

static void
print_newer(FILE *out, const struct ov_report_newer *n)
{
	char when[OV_TIME_TEXT];

	if (!n->is)
		return;
	ov_time_text(when, n->time);
	if (n->state == OV_JOB_UNCHANGED) {
		fprintf(out, "Unchanged on %s (job ", when);
		print_hex(out, n->job);
		fputs(
		    "): neither list changed, so nothing\nwas sent or charged, and this "
		    "report stands.\n",
		    out);
		return;
	}
	fputs("A newer job, ", out);
	print_hex(out, n->job);
	fprintf(out, ", is %s since %s%s%s.\n", ov_job_state_name(n->state), when,
	    n->reason != OV_OK ? ": " : "",
	    n->reason != OV_OK ? ov_status_text(n->reason) : "");
}

static void
print_verdict(FILE *out, const struct ov_report *r)
{
	char line[512];

	if (r->partner_verdict == OV_OK)
		return;
	snprintf(line, sizeof(line),
	    "The partner %s: %s (%s).  Yours passed all its checks and stands.  Ask the "
	    "partner what it has.",
	    r->partner_verdict == OV_E_PROTO_EQUIVOCATION
		? "was told another report of this job"
		: "says of its own report of this job",
	    ov_status_text(r->partner_verdict), ov_status_name(r->partner_verdict));
	fputc('\n', out);
	ov_screen_paragraph(out, 0, line);
}

enum ov_status
ov_report_print_text(FILE *out, const struct ov_report *r)
{
	char when[OV_TIME_TEXT];

	ov_time_text(when, r->closed);
	fputs("Overlap with ", out);
	ov_screen_cell(out, r->partner_name, 0, OV_SCREEN_LEFT);
	fprintf(out, ", as of %s\njob ", when);
	print_hex(out, r->job);
	fprintf(out, ", terms %" PRIu64 "\n", r->terms_sequence);
	print_newer(out, &r->newer);
	print_verdict(out, r);
	print_matrix(out, r);
	print_legend(out, r);
	ov_report_print_held(out, r);
	ov_report_print_greenfield(out, r);
	print_mine(out, r);
	print_wrong(out, r);
	print_fits(out, r);
	ov_report_print_charges(out, r);
	print_proof(out);
	return ov_print_flushed(out);
}
