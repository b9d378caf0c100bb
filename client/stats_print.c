#include "client/stats_print.h"

#include "client/screen.h"

#define NUMBER_WIDTH 11

static void
print_number(FILE *out, uint64_t n)
{
	char text[OV_COUNT_TEXT];

	ov_screen_cell(out, ov_count_text(text, n), NUMBER_WIDTH, OV_SCREEN_RIGHT);
}

static void
print_populations(FILE *out, const struct ov_book_stats *s)
{
	fputs("\n   accounts        rows\n", out);
	for (size_t i = 0; i < s->n_populations; i++) {
		print_number(out, s->population[i].records);
		print_number(out, s->population[i].rows);
		fputs("  ", out);
		ov_screen_cell(out, s->population[i].name, 0, OV_SCREEN_LEFT);
		fputc('\n', out);
	}
	print_number(out, s->records);
	print_number(out, s->rows);
	fputs("  together\n", out);
}

static void
print_keys(FILE *out, const struct ov_book_stats *s)
{
	static const char *const text[OV_RANK_MAX + 1] = { [OV_RANK_LEI] = "LEI",
		[OV_RANK_CIK] = "CIK",
		[OV_RANK_DUNS] = "DUNS number",
		[OV_RANK_VAT] = "VAT number",
		[OV_RANK_DOMAIN] = "domain",
		[OV_RANK_NAME_COUNTRY] = "name with country",
		[OV_RANK_NAME] = "bare name (a key only where the terms allow it)" };

	fputs("\nKeys that can match\n", out);
	for (size_t r = OV_RANK_MIN; r <= OV_RANK_MAX; r++)
		if (s->keys[r] > 0) {
			print_number(out, s->keys[r]);
			fprintf(out, "  %s\n", text[r]);
		}
	if (s->scheme_ids > 0) {
		print_number(out, s->scheme_ids);
		fputs("  id of an agreed scheme, or ticker\n", out);
	}
	if (s->name_only > 0) {
		print_number(out, s->name_only);
		fputs("  accounts have nothing but a bare name\n", out);
	}
	if (s->unmatchable > 0) {
		print_number(out, s->unmatchable);
		fputs(s->unmatchable == 1
			  ? "  account has no key: it never leaves this machine and "
			    "cannot match\n"
			  : "  accounts have no key: they never leave this machine and "
			    "cannot match\n",
		    out);
	}
}

static void
print_dropped(FILE *out, const struct ov_book_stats *s)
{
	bool any = false;

	for (size_t i = OV_DROP_NONE + 1; i < OV_DROP_COUNT; i++)
		any = any || s->dropped[i] > 0;
	for (size_t i = OV_MERGE_KEPT + 1; i < OV_MERGE_DROPS; i++)
		any = any || s->unmerged[i] > 0;
	if (!any)
		return;
	fputs("\nValues that made no key\n", out);
	for (size_t i = OV_DROP_NONE + 1; i < OV_DROP_COUNT; i++)
		if (s->dropped[i] > 0) {
			print_number(out, s->dropped[i]);
			fprintf(out, "  %s\n", ov_drop_text((enum ov_drop)i));
		}
	for (size_t i = OV_MERGE_KEPT + 1; i < OV_MERGE_DROPS; i++)
		if (s->unmerged[i] > 0) {
			print_number(out, s->unmerged[i]);
			fprintf(out, "  %s\n", ov_merge_drop_text((enum ov_merge_drop)i));
		}
}

void
ov_stats_print(FILE *out, const struct ov_book_stats *s)
{
	if (s->rows == 0) {
		fputs("The book is empty: `overlap import FILE.csv`\n", out);
		return;
	}
	print_populations(out, s);
	print_keys(out, s);
	print_dropped(out, s);
}

static void
put_reason(struct ov_json *list, const char *why, uint64_t n)
{
	struct ov_json *at;

	if (n == 0)
		return;
	at = ov_json_object(list, NULL);
	ov_json_text(at, "why", why);
	ov_json_number(at, "values", n);
}

void
ov_stats_json(struct ov_json *at, const struct ov_book_stats *s)
{
	struct ov_json *list, *p;

	ov_json_number(at, "rows", s->rows);
	ov_json_number(at, "accounts", s->records);
	ov_json_number(at, "matchable", s->matchable);
	ov_json_number(at, "name_only", s->name_only);
	ov_json_number(at, "unmatchable", s->unmatchable);
	list = ov_json_array(at, "populations");
	for (size_t i = 0; i < s->n_populations; i++) {
		p = ov_json_object(list, NULL);
		ov_json_text(p, "name", s->population[i].name);
		ov_json_number(p, "accounts", s->population[i].records);
		ov_json_number(p, "rows", s->population[i].rows);
	}
	p = ov_json_object(at, "keys");
	for (uint8_t r = OV_RANK_MIN; r <= OV_RANK_MAX; r++)
		ov_json_number(p, ov_rank_kind(r), s->keys[r]);
	ov_json_number(p, "id", s->scheme_ids);
	list = ov_json_array(at, "dropped");
	for (size_t i = OV_DROP_NONE + 1; i < OV_DROP_COUNT; i++)
		put_reason(list, ov_drop_text((enum ov_drop)i), s->dropped[i]);
	for (size_t i = OV_MERGE_KEPT + 1; i < OV_MERGE_DROPS; i++)
		put_reason(
		    list, ov_merge_drop_text((enum ov_merge_drop)i), s->unmerged[i]);
}
