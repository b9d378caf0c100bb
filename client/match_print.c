#include <inttypes.h>
#include <string.h>

#include "client/report_print.h"
#include "client/screen.h"

#define IDS_WIDTH 36 /* wider ones are cut on the screen; CSV and JSON have all */
#define NAME_WIDTH 40
#define POPULATION_WIDTH 24
#define NUMBER_TEXT 12

/* --- table --- */

enum { MATCH, IDS, NAME, MINE, THEIRS, KEY, FITS, BY_THEIRS, COLUMNS };

static const struct {
	const char *title;
	size_t most;
} columns[COLUMNS] = {
	[MATCH] = { "match", 10 },
	[IDS] = { "account id", IDS_WIDTH },
	[NAME] = { "name", NAME_WIDTH },
	[MINE] = { "yours in", POPULATION_WIDTH },
	[THEIRS] = { "theirs in", POPULATION_WIDTH },
	[KEY] = { "by", OV_KIND_CAP },
	[FITS] = { "fits your ICP", 13 },
	[BY_THEIRS] = { "by their data", OV_REPORT_BAND_MAX },
};

struct table {
	FILE *out;
	const struct ov_report *r;
	size_t width[COLUMNS];
	uint64_t n;
};

static void
cells_of(const char *cell[COLUMNS], char number[NUMBER_TEXT], const struct ov_report *r,
    const struct ov_report_match *m)
{
	snprintf(number, NUMBER_TEXT, "%" PRIu32, m->number);
	cell[MATCH] = number;
	cell[IDS] = m->ids;
	cell[NAME] = m->name;
	cell[MINE] = ov_report_mine(r, m->mine);
	cell[THEIRS] = ov_report_theirs(r, m->theirs);
	cell[KEY] = m->kind;
	cell[FITS] = ov_fit_text(m->fit);
	cell[BY_THEIRS] = ov_report_band(r, m->band);
}

static enum ov_status
measure(void *arg, const struct ov_report_match *m)
{
	struct table *t = arg;
	const char *cell[COLUMNS];
	char number[NUMBER_TEXT];
	size_t width;

	cells_of(cell, number, t->r, m);
	for (size_t i = 0; i < COLUMNS; i++) {
		width = ov_screen_width(cell[i]);
		if (width > columns[i].most)
			width = columns[i].most;
		if (width > t->width[i])
			t->width[i] = width;
	}
	t->n++;
	return OV_OK;
}

static void
print_cells(const struct table *t, const char *const cell[COLUMNS])
{
	/* the partner's word only where it was asked */
	size_t n = t->r->bands ? COLUMNS : COLUMNS - 1;

	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			fputs("  ", t->out);
		/* nothing stands right of the last one: no filling */
		ov_screen_cell(t->out, cell[i], i + 1 < n ? t->width[i] : 0,
		    i == MATCH ? OV_SCREEN_RIGHT : OV_SCREEN_LEFT);
	}
	fputc('\n', t->out);
}

static enum ov_status
print_line(void *arg, const struct ov_report_match *m)
{
	const char *cell[COLUMNS];
	struct table *t = arg;
	char number[NUMBER_TEXT];

	cells_of(cell, number, t->r, m);
	print_cells(t, cell);
	return OV_OK;
}

enum ov_status
ov_matches_print_table(FILE *out, struct ov_db *db, const struct ov_report *r,
    const struct ov_match_filter *filter)
{
	struct table t = { .out = out, .r = r };
	const char *title[COLUMNS];
	char n[OV_COUNT_TEXT];
	enum ov_status st;

	for (size_t i = 0; i < COLUMNS; i++) {
		title[i] = columns[i].title;
		t.width[i] = strlen(title[i]);
	}
	OV_TRY(ov_report_matches(db, r, filter, measure, &t));
	if (t.n > 0) {
		print_cells(&t, title);
		OV_TRY(ov_report_matches(db, r, filter, print_line, &t));
	}
	fprintf(out, "%s match%s\n", ov_count_text(n, t.n), t.n == 1 ? "" : "es");
	st = ov_print_flushed(out);
done:
	return st;
}

/* --- CSV --- */

struct csv {
	FILE *out;
	const struct ov_report *r;
	enum ov_csv kind;
};

/* Where a spreadsheet that splits at ; or tabs, as some do whatever stands in quotes, may
 * begin a cell. */
static bool
stays_at_start(char c, bool at_start)
{
	return strchr(";\t\r\n", c) != NULL || (at_start && (c == ' ' || c == '"'));
}

/* What begins a formula; also in full width, which some spreadsheets read alike. */
static bool
begins_formula(const char *text)
{
	static const char *const wide[] = { "\xef\xbc\x9d", "\xef\xbc\x8b",
		"\xef\xbc\x8d", "\xef\xbc\xa0" };

	for (size_t i = 0; i < sizeof(wide) / sizeof(wide[0]); i++)
		if (strncmp(text, wide[i], 3) == 0)
			return true;
	return strchr("=+-@", *text) != NULL;
}

void
ov_csv_field(FILE *out, const char *text, enum ov_csv kind)
{
	const bool sheet = kind == OV_CSV_SPREADSHEET;
	const bool quote = strpbrk(text, ",\"\r\n") != NULL || (sheet && text[0] != '\0');
	bool at_start = true;

	if (quote)
		fputc('"', out);
	if (sheet && (text[0] == '\t' || text[0] == '\r'))
		fputc('\'', out);
	for (; *text != '\0'; text++) {
		if (sheet && at_start && begins_formula(text))
			fputc('\'', out);
		if (*text == '"')
			fputc('"', out);
		fputc(*text, out);
		at_start = stays_at_start(*text, at_start);
	}
	if (quote)
		fputc('"', out);
}

static enum ov_status
put_match(void *arg, const struct ov_report_match *m)
{
	const struct csv *c = arg;
	fprintf(c->out, "%" PRIu32 ",", m->number);
	ov_csv_field(c->out, m->ids, c->kind);
	fputc(',', c->out);
	ov_csv_field(c->out, m->name, c->kind);
	fputc(',', c->out);
	ov_csv_field(c->out, ov_report_mine(c->r, m->mine), c->kind);
	fputc(',', c->out);
	ov_csv_field(c->out, ov_report_theirs(c->r, m->theirs), c->kind);
	fprintf(c->out, ",%s,%" PRIu64 ",%s,%s,%s,", m->kind, m->rows,
	    ov_fit_text(m->fit), ov_fit_text(m->own_fit),
	    m->band != OV_BAND_NONE ? ov_fit_text((uint8_t)ov_band_fit(m->band)) : "");
	ov_csv_field(
	    c->out, m->band > OV_BAND_YES ? ov_report_band(c->r, m->band) : "", c->kind);
	fputs("\r\n", c->out);
	return ferror(c->out) ? OV_E_IO : OV_OK;
}

enum ov_status
ov_matches_print_csv(FILE *out, struct ov_db *db, const struct ov_report *r,
    const struct ov_match_filter *filter, enum ov_csv kind)
{
	struct csv c = { out, r, kind };
	enum ov_status st;

	fputs("match,account_id,name,my_population,their_population,key,rows,fits_my_icp,"
	      "fits_by_my_data,fits_by_their_data,band_by_their_data\r\n",
	    out);
	OV_TRY(ov_report_matches(db, r, filter, put_match, &c));
	st = ov_print_flushed(out);
done:
	return st;
}
