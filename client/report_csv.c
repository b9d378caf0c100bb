/* The matrix of a report as CSV: a line for each of my populations with each of theirs.
 */
#include <inttypes.h>
#include <time.h>

#include "client/report_print.h"

static void
put_number(FILE *out, const struct ov_cell_row *c, uint32_t n)
{
	if (c != NULL && n != OV_HELD_BACK)
		fprintf(out, "%" PRIu32, n);
	fputc(',', out);
}

/* Why something of a cell is not there: what holds for all counts, or for theirs. */
static const struct ov_held_row *
held_of(const struct ov_report *r, const struct ov_report_population *theirs)
{
	if (theirs->level != OV_LEVEL_COUNTS)
		return NULL;
	for (size_t i = 0; i < r->n_held; i++)
		if (r->held[i].population == 0 || r->held[i].population == theirs->number)
			return &r->held[i];
	return NULL;
}

static bool
is_whole(const struct ov_cell_row *c)
{
	return c != NULL && c->pairs != OV_HELD_BACK && c->fit_own != OV_HELD_BACK &&
	       c->fit_other != OV_HELD_BACK;
}

static void
put_next(FILE *out, uint64_t t)
{
	time_t seconds = (time_t)t;
	struct tm parts;
	char text[24];

	if (t > 0 && gmtime_r(&seconds, &parts) != NULL &&
	    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts) > 0)
		fputs(text, out);
}

static void
put_line(FILE *out, const struct ov_report *r, const struct ov_report_population *mine,
    const struct ov_report_population *theirs, enum ov_csv kind)
{
	const struct ov_cell_row *c = ov_report_cell(r, mine->number, theirs->number);
	const struct ov_held_row *h = is_whole(c) ? NULL : held_of(r, theirs);

	ov_csv_field(out, mine->name, kind);
	fputc(',', out);
	ov_csv_field(out, theirs->name, kind);
	fprintf(out, ",%s,", theirs->level == OV_LEVEL_COUNTS ? "counts" : "matches");
	put_number(out, c, c != NULL ? c->pairs : 0);
	put_number(out, c, c != NULL ? c->plus_minus : 0);
	put_number(out, c, c != NULL ? c->fit_own : 0);
	put_number(out, c, c != NULL ? c->fit_other : 0);
	put_number(out, c, c != NULL ? c->plus_minus_fit : 0);
	fprintf(out, "%s,", h != NULL ? ov_held_name(h->reason) : "");
	put_next(out, h != NULL ? h->next : 0);
	fputs("\r\n", out);
}

enum ov_status
ov_report_print_csv(FILE *out, const struct ov_report *r, enum ov_csv kind)
{
	fputs(
	    "my_population,their_population,level,pairs,plus_minus,fits_mine,fits_theirs,"
	    "plus_minus_fits,held_back,next_view\r\n",
	    out);
	for (size_t i = 0; i < r->n_mine; i++)
		for (size_t k = 0; k < r->n_theirs; k++)
			put_line(out, r, &r->mine[i], &r->theirs[k], kind);
	return ov_print_flushed(out);
}
