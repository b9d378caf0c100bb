/* overlap icp: the company's ideal customer profile, evaluated on its own book. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/book/book.h"
#include "client/cli_fault.h"
#include "client/job/freeze.h"
#include "client/json.h"
#include "client/screen.h"
#include "client/verbs.h"

const char ov_help_icp[] =
    "usage: overlap icp FILE [--json]\n"
    "       overlap icp --show [--json]\n"
    "       overlap icp --clear\n"
    "\n"
    "Reads an ideal customer profile (YAML; `-` is standard input), checks it against "
    "the\n"
    "columns of the book and keeps it for the next jobs.  Reports then say which\n"
    "of the overlapping accounts fit it.  It stays on this machine.\n"
    "\n"
    "  --show   prints the profile that is kept, and how many accounts fit it\n"
    "  --clear  forgets it\n"
    "\n"
    "A profile:\n"
    "\n"
    "  threshold: 3                  # points that an account must reach\n"
    "  bands: {A: 5, B: 3}           # may be left out\n"
    "  criteria:\n"
    "    - {column: industry, one_of: [Software, Banking], weight: 2, required: yes}\n"
    "    - {column: employees, between: [200, 10000]}\n"
    "    - any_of:\n"
    "        - {column: country, equals: DE}\n"
    "        - {column: Tech Stack, exists: yes}\n"
    "      weight: 2\n"
    "\n"
    "JSON: stored, text, accounts, fits {yes, no, unknown}, bands [{name, accounts}].\n"
    "Exit codes: 0 done; 1 this machine failed; 2 the profile has an error (file and "
    "line\n"
    "are told), or there is none to show.\n"
    "\n"
    "example: overlap icp icp.yaml\n";

#define ICP_BYTES_MAX (256U * 1024)

/* Whole file, with a bound. */
static enum ov_status
read_file(struct ov_buf *out, struct ov_cli *cli, const char *path)
{
	FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	size_t n;
	enum ov_status st = OV_OK;

	if (f == NULL)
		return ov_cli_no_file(cli, path);
	OV_TRY(ov_buf_reserve(out, ICP_BYTES_MAX + 1));
	while ((n = fread(out->p + out->len, 1, ICP_BYTES_MAX + 1 - out->len, f)) > 0)
		out->len += n;
	if (ferror(f))
		st = ov_cli_no_file(cli, path);
	else if (out->len > ICP_BYTES_MAX)
		st = ov_cli_fail(
		    cli, OV_E_ICP_INVALID, "%s: more than 256 KiB are no profile", path);
done:
	if (f != stdin)
		fclose(f);
	return st;
}

/* --- how many accounts fit --- */

struct fits {
	uint64_t accounts, fit[3], band[OV_ICP_BANDS_MAX + 1];
};

static enum ov_status
count_item(void *ctx, const struct ov_book_item *item)
{
	struct fits *f = ctx;

	f->accounts++;
	f->fit[item->fit]++;
	if (item->band <= OV_ICP_BANDS_MAX)
		f->band[item->band]++;
	return OV_OK;
}

/* Of the accounts that have a key: others are in no job. */
static enum ov_status
count_fits(struct fits *f, struct ov_db *db, const struct ov_icp *icp)
{
	const struct ov_freeze_options o = { .ranks = 0xfe, .icp = icp };

	memset(f, 0, sizeof(*f));
	return ov_book_freeze(db, &o, count_item, f);
}

static void
print_fits(FILE *out, const struct fits *f, const struct ov_icp *icp)
{
	char n[OV_COUNT_TEXT];

	fprintf(out, "Of %s accounts with a key ", ov_count_text(n, f->accounts));
	fprintf(out, "%s fit", ov_count_text(n, f->fit[OV_FIT_YES]));
	fprintf(out, ", %s do not", ov_count_text(n, f->fit[OV_FIT_NO]));
	fprintf(out, ", of %s too little is known.\n",
	    ov_count_text(n, f->fit[OV_FIT_UNKNOWN]));
	if (ov_icp_n_bands(icp) > 0)
		fputs("In bands, by points, whether or not they fit:\n", out);
	for (size_t b = 1; b <= ov_icp_n_bands(icp); b++) {
		fputs("  band ", out);
		ov_screen_cell(out, ov_icp_band_name(icp, (uint8_t)b), 0, OV_SCREEN_LEFT);
		fprintf(out, ": %s\n", ov_count_text(n, f->band[b]));
	}
}

static enum ov_status
print_json(FILE *out, const struct fits *f, const struct ov_icp *icp, const char *text)
{
	struct ov_json *doc = ov_json_new(), *at;
	enum ov_status st;

	ov_json_bool(doc, "stored", true);
	ov_json_text(doc, "text", text);
	ov_json_number(doc, "accounts", f->accounts);
	at = ov_json_object(doc, "fits");
	ov_json_number(at, "yes", f->fit[OV_FIT_YES]);
	ov_json_number(at, "no", f->fit[OV_FIT_NO]);
	ov_json_number(at, "unknown", f->fit[OV_FIT_UNKNOWN]);
	at = ov_json_array(doc, "bands");
	for (size_t b = 1; b <= ov_icp_n_bands(icp); b++) {
		struct ov_json *band = ov_json_object(at, NULL);

		ov_json_text(band, "name", ov_icp_band_name(icp, (uint8_t)b));
		ov_json_number(band, "accounts", f->band[b]);
	}
	st = ov_json_write(out, doc);
	ov_json_free(doc);
	return st;
}

/* --- what can be done --- */

static enum ov_status
print_profile(
    struct ov_cli *cli, struct ov_home *home, const struct ov_icp *icp, const char *text)
{
	struct fits f;
	enum ov_status st;

	OV_TRY(count_fits(&f, home->db, icp));
	if (cli->json)
		st = print_json(cli->out, &f, icp, text);
	else
		print_fits(cli->out, &f, icp);
done:
	return st;
}

static enum ov_status
store(struct ov_cli *cli, struct ov_home *home, const char *path)
{
	struct ov_icp *icp = NULL;
	struct ov_fault fault = { 0 };
	struct ov_buf text = { 0 };
	uint64_t generation;
	enum ov_status st;

	OV_TRY(read_file(&text, cli, path));
	OV_TRY(ov_buf_append(&text, "", 1));
	st = ov_icp_read(&icp, text.p, text.len - 1, &fault);
	if (st == OV_OK)
		st = ov_book_check_icp(home->db, icp, &fault);
	if (st != OV_OK) {
		st = ov_cli_fault(cli, st, path, &fault);
		goto done;
	}
	OV_TRY(ov_book_generation(&generation, home->db));
	OV_TRY(ov_icp_store(home, OV_BYTES(text.p, text.len - 1)));
	if (!cli->json)
		fputs("The profile is kept and counts from the next job on.\n", cli->out);
	if (!cli->json && generation == 0)
		fputs(
		    "There are no accounts yet: `overlap import FILE.csv`.\n", cli->out);
	else
		OV_TRY(print_profile(cli, home, icp, (const char *)text.p));
done:
	ov_icp_free(icp);
	ov_buf_free(&text);
	return st;
}

static enum ov_status
show(struct ov_cli *cli, struct ov_home *home)
{
	struct ov_icp *icp = NULL;
	struct ov_fault fault = { 0 };
	struct ov_buf text = { 0 };
	enum ov_status st;

	OV_TRY(ov_icp_text(&text, home));
	if (text.len == 0) {
		st = ov_cli_fail(cli, OV_E_NOT_FOUND,
		    "no profile is kept; `overlap icp FILE` reads one");
		goto done;
	}
	OV_TRY(ov_buf_append(&text, "", 1));
	if (!cli->json)
		fprintf(cli->out, "%s%s\n", (const char *)text.p,
		    text.len > 1 && text.p[text.len - 2] == '\n' ? "" : "\n");
	OV_TRY(ov_icp_read(&icp, text.p, text.len - 1, NULL));
	st = ov_book_check_icp(home->db, icp, &fault);
	if (st != OV_OK) { /* the book was imported anew, with other columns */
		st = ov_cli_fault(cli, st, "the profile that is kept", &fault);
		goto done;
	}
	OV_TRY(print_profile(cli, home, icp, (const char *)text.p));
done:
	ov_icp_free(icp);
	ov_buf_free(&text);
	return st;
}

static enum ov_status
clear(struct ov_cli *cli, struct ov_home *home)
{
	struct ov_json *doc;
	enum ov_status st;

	OV_TRY(ov_icp_store(home, OV_LITERAL("")));
	if (!cli->json) {
		fputs("No profile is kept any more.\n", cli->out);
		goto done;
	}
	doc = ov_json_new();
	ov_json_bool(doc, "stored", false);
	st = ov_json_write(cli->out, doc);
	ov_json_free(doc);
done:
	return st;
}

enum ov_status
ov_verb_icp(struct ov_cli *cli, int argc, char **argv)
{
	static const struct option options[] = { { "show", no_argument, NULL, 's' },
		{ "clear", no_argument, NULL, 'c' }, { NULL, 0, NULL, 0 } };
	struct ov_home *home = NULL;
	int what = 0;
	enum ov_status st;

	for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		if (c == '?' || what != 0)
			return ov_cli_bad_option(cli, argv, "icp");
		what = c;
	}
	if (argc - optind != (what == 0 ? 1 : 0))
		return ov_cli_fail(
		    cli, OV_E_USAGE, "icp takes one of FILE, --show and --clear");
	OV_TRY(ov_normalise_init());
	OV_TRY(ov_cli_home(&home, cli));
	st = what == 's'   ? show(cli, home)
	     : what == 'c' ? clear(cli, home)
			   : store(cli, home, argv[optind]);
done:
	ov_home_close(home);
	return st;
}
