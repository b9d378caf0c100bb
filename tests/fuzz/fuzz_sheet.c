/* fuzz_sheet.c - what a partner's offer brings out of its envelope: a list of columns
 * (first byte even), or a whole sheet (odd).  What is taken can be made into terms. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "client/criteria.h"
#include "client/giving.h"
#include "client/terms_impl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

/* What is refused changes nothing; what is taken is written in one way alone. */
static void
take_columns(struct ov_bytes in)
{
	struct ov_shared_columns c = { .n = 99 };
	struct ov_buf again = { 0 };

	if (ov_shared_columns_unpack(&c, in) != OV_OK) {
		must(c.n == 99);
		return;
	}
	must(c.n <= OV_SHARED_COLUMNS_MAX);
	for (size_t i = 0; i < c.n; i++)
		must(ov_shared_columns_have(&c, c.name[i]));
	must(ov_shared_columns_pack(&again, &c) == OV_OK && again.len == in.len);
	must(in.len == 0 || memcmp(again.p, in.p, in.len) == 0);
	ov_buf_free(&again);
}

/* A sheet of this side, with criteria and columns of its own. */
static void
own_sheet(struct ov_buf *out)
{
	const struct ov_population p[] = { { "customers", OV_LEVEL_MATCHES },
		{ "prospects", OV_LEVEL_COUNTS } };
	struct ov_buf populations = { 0 };
	struct ov_msg_grants g = { .version = OV_PROTOCOL_VERSION,
		.slots = 4096,
		.minimum_list = 10,
		.runs = 31,
		.epsilon_milli = 333,
		.view_days = 28,
		.year_epsilon_milli = 4333,
		.icp = OV_LITERAL(
		    "threshold: 1\ncriteria:\n"
		    "  [{column: \"industry\", one_of: [\"Chemicals\"], weight: 1}]\n"),
		.icp_columns = OV_LITERAL("\010industry\011employees") };

	must(ov_populations_pack(&populations, p, 2) == OV_OK);
	g.populations = OV_BUF_BYTES(&populations);
	must(ov_msg_encode(out, OV_MSG_GRANTS, &g) == OV_OK);
	ov_buf_free(&populations);
}

static void
take_sheet(struct ov_bytes theirs)
{
	static const uint8_t low[32] = { 1 }, high[32] = { 2 };
	struct ov_buf mine = { 0 }, terms = { 0 }, release = { 0 };
	struct ov_terms_input in = { .low = low, .high = high, .sequence = 1 };
	struct ov_msg_terms_body body;
	struct ov_giving giving;
	struct ov_msg_grants g;
	struct ov_release r;
	struct ov_fault fault;
	enum ov_status st;

	if (ov_sheet_check(&g, theirs) != OV_OK)
		return;
	own_sheet(&mine);
	in.grants_low = OV_BUF_BYTES(&mine);
	in.grants_high = theirs;
	must(ov_terms_derive(&terms, &release, &body, &in) == OV_OK);
	must(ov_release_decode(&r, OV_BUF_BYTES(&release)) == OV_OK);
	must(ov_giving_of(&giving, OV_BUF_BYTES(&mine), theirs) == OV_OK);
	must(ov_giving_of(&giving, theirs, OV_BUF_BYTES(&mine)) == OV_OK);
	st = ov_criteria_check(OV_BUF_BYTES(&mine), theirs, &fault);
	must(st == OV_OK || st == OV_E_TERMS_CRITERIA);
	ov_buf_free(&mine);
	ov_buf_free(&terms);
	ov_buf_free(&release);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	if (data[0] % 2 == 0)
		take_columns(OV_BYTES(data + 1, size - 1));
	else
		take_sheet(OV_BYTES(data + 1, size - 1));
	return 0;
}
