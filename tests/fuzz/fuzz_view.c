/* What a receiver reads that partner and broker wrote: a legend (first byte even), or
 * a view: which cells it has, and what it says of what is only counted (odd).  What is
 * accepted is as the terms say. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "client/job/counted.h"
#include "client/job/legend.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
read_legend(const uint8_t *data, size_t size)
{
	const struct ov_terms t = { .theirs = { { "customers", OV_LEVEL_MATCHES },
					{ "prospects", OV_LEVEL_COUNTS } },
		.n_theirs = 2,
		.size_theirs = 1000 };
	uint8_t chunk[OV_LEGEND_LEN] = { 0 };
	uint32_t list = 1;

	if (size > sizeof(chunk))
		return;
	memcpy(chunk, data, size);
	if (ov_legend_check(&list, chunk, &t) == OV_OK && list % 1000 != 0)
		abort();
}

/* Of an accepted view: the two cells of what is seen one by one, the four that are
 * counted if there is a charge, and no other. */
static void
check_view(const struct ov_msg_view *view, const struct ov_counted_input *in)
{
	static const uint8_t due[][2] = { { 1, 1 }, { 2, 1 }, { 1, 2 }, { 2, 2 },
		{ 1, 3 }, { 2, 3 } };
	size_t n = in->release->exact || in->epsilon_charged > 0 ? 6 : 2;

	if (view->cells.len != n * OV_CELL_ROW)
		abort();
	for (size_t i = 0; i < n; i++)
		if (memcmp(view->cells.p + i * OV_CELL_ROW, due[i], 2) != 0)
			abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint32_t accounts[OV_POPULATIONS_MAX + 1] = { 0, 100, 200 };
	struct ov_release r = { .epsilon_milli = 333,
		.year_epsilon_milli = 4333,
		.shown_from = 20,
		.minimum_count = 10,
		.fit = { true, true },
		.level = { { 0, 2, 2 }, { 0, 2, 1, 1 } } };
	struct ov_counted_input in = {
		.release = &r, .theirs = 1, .accounts = accounts, .their_slots = 1024
	};
	struct ov_msg_view view;

	if (size == 0)
		return 0;
	if (data[0] % 2 == 0) {
		read_legend(data + 1, size - 1);
		return 0;
	}
	r.exact = (data[0] & 2) != 0;
	in.allowed = (data[0] & 4) != 0;
	in.epsilon_charged = (data[0] & 8) != 0 ? 333 : 0;
	if (ov_msg_decode(&view, OV_MSG_VIEW, OV_BYTES(data + 1, size - 1)) == OV_OK &&
	    ov_counted_verify(&in, &view) == OV_OK)
		check_view(&view, &in);
	return 0;
}
