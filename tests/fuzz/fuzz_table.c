/* fuzz_table.c - any bytes as a CRM export: the reader, the headings, the populations. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/book/row.h"
#include "client/normalise/normalise.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
	struct ov_columns columns;
	struct ov_populations populations;
	struct ov_row row;
	bool ready;
};

/* What is stored of a row holds no control characters but the ends of lines in lists. */
static void
check_row(const struct ov_row *r)
{
	for (int f = OV_FIELD_ID; f < OV_FIELD_COUNT; f++) {
		struct ov_bytes cell = ov_row_cell(r, (enum ov_field)f);
		bool list = f == OV_FIELD_WEBSITE || f == OV_FIELD_EMAIL ||
			    f == OV_FIELD_KEEP || f == OV_FIELD_SCHEME;

		if (strlen((const char *)cell.p) != cell.len)
			abort();
		for (size_t i = 0; i < cell.len; i++)
			if ((cell.p[i] < 0x20 || cell.p[i] == 0x7f) &&
			    !(list && cell.p[i] == '\n'))
				abort();
	}
	if (memchr(r->cell[OV_FIELD_EMAIL].p, '@', r->cell[OV_FIELD_EMAIL].len) != NULL)
		abort(); /* an address, not a domain */
}

static enum ov_status
take(void *ctx, const struct ov_table_row *row)
{
	struct seen *s = ctx;
	struct ov_population_signs signs = { row->field[0], row->field[row->n / 2],
		row->field[row->n - 1], row->field[0], row->field[row->n / 3],
		row->field[row->n / 4], row->field[row->n / 5] };
	struct ov_fault fault;
	uint8_t population;
	enum ov_status st;

	if (row->n == 0 || row->n > OV_TABLE_COLUMNS_MAX || row->line == 0)
		abort();
	for (size_t i = 0; i < row->n; i++)
		if (strlen((const char *)row->field[i].p) != row->field[i].len)
			abort(); /* a NUL inside, or none behind */
	if (!s->ready) {
		st = ov_columns_guess(&s->columns, row, NULL, OV_COLUMNS_ALL, &fault);
		s->ready = st == OV_OK;
		return row->number < 3 && st == OV_E_IMPORT_COLUMNS ? OV_OK : st;
	}
	(void)ov_columns_is_footer(&s->columns, row);
	if (ov_row_gather(&s->row, &s->columns, row) == OV_OK)
		check_row(&s->row);
	if (ov_population_of(&population, &s->populations, &signs, 0) &&
	    population >= s->populations.n)
		abort();
	return OV_OK;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct seen s;
	struct ov_table_info info;
	struct ov_fault fault;
	FILE *f;

	if (ov_normalise_init() != OV_OK)
		return 0;
	if (size == 0 || (f = fmemopen((void *)(uintptr_t)data, size, "rb")) == NULL)
		return 0;
	memset(&s, 0, sizeof(s));
	memset(&fault, 0, sizeof(fault));
	ov_populations_default(&s.populations);
	if (ov_table_read(f, 0, take, &s, &info, &fault) == OV_OK && info.rows == 0)
		abort();
	if (memchr(fault.text, 0, sizeof(fault.text)) == NULL)
		abort();
	ov_row_fini(&s.row);
	fclose(f);
	return 0;
}
