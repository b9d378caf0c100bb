/* fuzz_table.c - any bytes as a CRM export: the reader, the headings, the populations. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/book/columns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
	struct ov_columns columns;
	struct ov_populations populations;
};

static enum ov_status
take(void *ctx, const struct ov_table_row *row)
{
	struct seen *s = ctx;
	struct ov_population_signs signs = { row->field[0], row->field[row->n / 2],
		row->field[row->n - 1], row->field[0] };
	struct ov_fault fault;
	uint8_t population;

	if (row->n == 0 || row->n > OV_TABLE_COLUMNS_MAX || row->line == 0)
		abort();
	for (size_t i = 0; i < row->n; i++)
		if (strlen((const char *)row->field[i].p) != row->field[i].len)
			abort(); /* a NUL inside, or none behind */
	if (row->number == 0)
		return ov_columns_guess(&s->columns, row, NULL, &fault);
	(void)ov_columns_is_footer(&s->columns, row);
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

	if (size == 0 || (f = fmemopen((void *)(uintptr_t)data, size, "rb")) == NULL)
		return 0;
	memset(&s, 0, sizeof(s));
	memset(&fault, 0, sizeof(fault));
	ov_populations_default(&s.populations);
	if (ov_table_read(f, 0, take, &s, &info, &fault) == OV_OK && info.rows == 0)
		abort();
	if (memchr(fault.text, 0, sizeof(fault.text)) == NULL)
		abort();
	fclose(f);
	return 0;
}
