/* overlap partner terms: what both may learn, and a person's word on it. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "client/book/book.h"
#include "client/cli_fault.h"
#include "client/mail.h"
#include "client/sheet.h"
#include "client/verb_partner.h"

#define POLICY_MAX 65536

struct run {
	struct ov_cli *cli;
	struct ov_home *home;
	struct ov_session *session;
	struct ov_partner partner;
	const char *policy_file; /* NULL: none given */
	bool yes;
	enum ov_status obstacle;
	bool busy; /* another process does the mail */
	struct ov_terms_view view;
	struct ov_buf sheet, policy;		/* what would be given from now on */
	struct ov_buf force_mine, force_theirs; /* in force; empty: nothing is */
	struct ov_populations book;
	char group[OV_POLICY_GROUP_MAX + 1]; /* of the file */
};

/* --- the sheet --- */

static enum ov_status
read_file(struct ov_buf *out, struct ov_cli *cli, const char *path)
{
	FILE *f = fopen(path, "rb");
	enum ov_status st = OV_OK;
	size_t n;

	if (f == NULL)
		return ov_cli_no_file(cli, path);
	OV_TRY(ov_buf_reserve(out, POLICY_MAX + 1));
	n = fread(out->p, 1, POLICY_MAX + 1, f);
	OV_REQUIRE(ferror(f) == 0, OV_E_IO);
	OV_REQUIRE(n <= POLICY_MAX, OV_E_POLICY_INVALID);
	out->len = n;
done:
	if (f != NULL)
		fclose(f);
	return st;
}

/* A policy must fit the book, if there is one. */
static enum ov_status
check_book(struct run *r, const struct ov_policy *policy, struct ov_fault *fault)
{
	enum ov_status st = OV_OK;

	if (r->book.n == 0)
		goto done;
	OV_TRY(ov_policy_check(policy, &r->book, fault));
	OV_TRY(ov_book_check_columns(r->home->db, policy, fault));
done:
	return st;
}

static enum ov_status
sheet_of_file(struct run *r)
{
	struct ov_policy policy;
	struct ov_fault fault = { 0 };
	enum ov_status st;

	OV_TRY(read_file(&r->policy, r->cli, r->policy_file));
	OV_TRY(
	    ov_policy_read(&policy, r->policy_file, r->policy.p, r->policy.len, &fault));
	OV_TRY(check_book(r, &policy, &fault));
	memcpy(r->group, policy.group, sizeof(r->group));
	st = ov_sheet_of_policy(&r->sheet, &policy);
	if (st == OV_E_POLICY_REFUSED)
		(void)ov_fault_set(&fault, st, policy.populations_line,
		    "every population is hidden, so there is nothing to agree on");
done:
	if (st != OV_OK && fault.text[0] != '\0')
		return ov_cli_fault(r->cli, st, r->policy_file, &fault);
	return st;
}

static enum ov_status
sheet_by_default(struct run *r)
{
	struct ov_policy policy;
	struct ov_fault fault = { 0 };
	enum ov_status st;

	ov_policy_default(&policy);
	OV_TRY(check_book(r, &policy, &fault));
	OV_TRY(ov_sheet_of_policy(&r->sheet, &policy));
done:
	if (st != OV_OK)
		return ov_cli_fail(r->cli, st,
		    "your book has populations of its own: give --policy FILE");
	return st;
}

/* What is given: by the file, as agreed before, or by default. */
static enum ov_status
choose_sheet(struct run *r)
{
	enum ov_status st;

	if (r->policy_file != NULL)
		return sheet_of_file(r);
	if (r->view.mine.len == 0)
		return sheet_by_default(r);
	OV_TRY(ov_buf_append(&r->sheet, r->view.mine.p, r->view.mine.len));
	OV_TRY(ov_terms_policy(&r->policy, r->home, r->partner.company));
done:
	return st;
}

static bool
is_agreed(const struct run *r)
{
	return r->view.consented && r->view.mine.len == r->sheet.len &&
	       memcmp(r->view.mine.p, r->sheet.p, r->sheet.len) == 0;
}

/* --- what is shown --- */

static struct ov_sheet_words
words_of(const struct run *r)
{
	return (struct ov_sheet_words){ .partner = r->partner.name,
		.mine = OV_BUF_BYTES(&r->sheet),
		.theirs = OV_BUF_BYTES(&r->view.theirs),
		.book = r->book.n > 0 ? &r->book : NULL };
}

static struct ov_sheet_words
words_in_force(const struct run *r)
{
	return (struct ov_sheet_words){ .partner = r->partner.name,
		.mine = OV_BUF_BYTES(&r->force_mine),
		.theirs = OV_BUF_BYTES(&r->force_theirs) };
}

static enum ov_status
print_json(const struct run *r)
{
	const struct ov_sheet_words now = words_of(r), then = words_in_force(r);
	struct ov_json *doc = ov_json_new();
	enum ov_status st;

	ov_json_text(doc, "partner", r->partner.name);
	ov_json_hex(doc, "company", r->partner.company, OV_ID);
	ov_json_text(doc, "state", ov_terms_state_name(r->view.state));
	ov_json_number(doc, "sequence", r->view.sequence);
	ov_json_number(doc, "in_force", r->view.force_sequence);
	ov_json_bool(doc, "agreed", is_agreed(r));
	ov_json_text(
	    doc, "obstacle", r->obstacle != OV_OK ? ov_status_name(r->obstacle) : NULL);
	OV_TRY(ov_sheet_json(ov_json_object(doc, "you_give"), OV_BUF_BYTES(&r->sheet)));
	if (r->view.theirs.len > 0)
		OV_TRY(ov_sheet_json(
		    ov_json_object(doc, "you_get"), OV_BUF_BYTES(&r->view.theirs)));
	else
		ov_json_null(doc, "you_get");
	if (r->force_mine.len > 0)
		OV_TRY(ov_sheet_change_json(doc, &then, &now));
	OV_TRY(ov_json_write(r->cli->out, doc));
done:
	ov_json_free(doc);
	return st;
}

/* The words before the question; with --json the document comes at the end. */
static enum ov_status
show(const struct run *r)
{
	const struct ov_sheet_words now = words_of(r), then = words_in_force(r);
	FILE *out = r->cli->json ? stderr : r->cli->out;
	enum ov_status st = OV_OK;

	if (r->cli->json && is_agreed(r))
		goto done;
	OV_TRY(ov_sheet_explain(out, &now));
	if (r->force_mine.len > 0 && r->view.theirs.len > 0)
		OV_TRY(ov_sheet_explain_change(out, &then, &now));
done:
	return st;
}

/* What is in force before anything is decided. */
static enum ov_status
load_in_force(struct run *r)
{
	enum ov_status st = ov_terms_sheets(
	    &r->force_mine, &r->force_theirs, r->home, r->partner.company);

	return st == OV_E_TERMS_MISSING ? OV_OK : st;
}

static enum ov_status
reload(struct run *r)
{
	ov_terms_view_free(&r->view);
	r->view = (struct ov_terms_view){ 0 };
	return ov_terms_view(&r->view, r->home, r->partner.company);
}

static void
print_state(const struct run *r)
{
	FILE *out = r->cli->out;

	fprintf(out, "\nThe terms: %s.\n", ov_terms_state_words(r->view.state));
	if (r->view.state != OV_TERMS_IN_FORCE && r->view.force_sequence > 0)
		fprintf(out, "The earlier terms stay in force until then.\n");
	if (r->busy)
		fprintf(out, "The agent of this home sends what is to be sent.\n");
	if (r->view.state == OV_TERMS_OFFERED)
		fprintf(out, "Next: your partner runs `overlap partner terms`.\n");
	if (r->view.state == OV_TERMS_SIGNED)
		fprintf(out, "Next: your partner's `overlap inbox` or agent signs, then "
			     "yours takes it.\n");
}

/* How it stands now; 4 unless it is in force. */
static enum ov_status
finish(struct run *r)
{
	enum ov_status st;

	OV_TRY(reload(r));
	if (r->cli->json)
		OV_TRY(print_json(r));
	else
		print_state(r);
	OV_REQUIRE(r->view.state == OV_TERMS_IN_FORCE, OV_E_TERMS_WAITING);
done:
	return st;
}

/* Nobody is asked for what cannot be signed. */
static enum ov_status
check_obstacle(struct run *r)
{
	struct ov_fault fault = { 0 };
	enum ov_status st = ov_terms_obstacle(r->home, r->partner.company,
	    OV_BUF_BYTES(&r->sheet), OV_BUF_BYTES(&r->view.theirs), &fault);

	if (st != OV_E_TERMS_CRITERIA && st != OV_E_TERMS_TOO_SOON)
		return st;
	r->obstacle = st;
	if (r->cli->json)
		OV_TRY(print_json(r));
	return ov_cli_fail(r->cli, r->obstacle, "%s", fault.text);
done:
	return st;
}

static enum ov_status
decide(struct run *r)
{
	enum ov_status st;

	OV_TRY(check_obstacle(r));
	if (is_agreed(r) && r->policy_file == NULL)
		return OV_OK; /* a file may say another group */
	if (!is_agreed(r) && !r->yes &&
	    !ov_cli_confirm(r->cli, "\nDo you agree to these terms?")) {
		if (r->cli->json)
			OV_TRY(print_json(r));
		return ov_cli_fail(r->cli, OV_E_TERMS_WAITING,
		    "nothing was offered or signed; agree with --yes");
	}
	OV_TRY(ov_terms_consent(r->home, &r->partner,
	    &(struct ov_terms_consent){ .sheet = OV_BUF_BYTES(&r->sheet),
		.theirs = OV_BUF_BYTES(&r->view.theirs),
		.policy = OV_BUF_BYTES(&r->policy),
		.group = r->policy_file != NULL ? r->group : NULL }));
	if (!r->busy) {
		OV_TRY(ov_terms_advance(r->home, r->session, &r->partner));
		OV_TRY(ov_mail_flush(r->home, r->session));
	}
done:
	return st;
}

static enum ov_status
work(struct run *r, const char *who)
{
	enum ov_status st;

	OV_TRY(ov_cli_session(&r->home, &r->session, r->cli));
	OV_TRY(ov_partner_mail(&r->busy, r->home, r->session));
	OV_TRY(ov_partner_find(&r->partner, r->home, who));
	OV_REQUIRE(r->partner.state == OV_PARTNER_PAIRED, OV_E_PARTNER_UNPAIRED);
	OV_TRY(ov_book_populations(&r->book, r->home->db));
	OV_TRY(reload(r));
	OV_TRY(load_in_force(r));
	OV_TRY(choose_sheet(r));
	OV_TRY(show(r));
	OV_TRY(decide(r));
	OV_TRY(finish(r));
done:
	return st;
}

enum ov_status
ov_verb_partner_terms(struct ov_cli *cli, int argc, char **argv)
{
	static const struct option options[] = { { "policy", required_argument, NULL,
						     'p' },
		{ "yes", no_argument, NULL, 'y' }, { NULL, 0, NULL, 0 } };
	struct run *r = calloc(1, sizeof(*r));
	enum ov_status st = OV_OK;

	OV_REQUIRE(r != NULL, OV_E_NOMEM);
	r->cli = cli;
	for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		if (c != 'p' && c != 'y') {
			st = ov_cli_bad_option(cli, argv, "partner");
			goto done;
		}
		if (c == 'p')
			r->policy_file = optarg;
		else
			r->yes = true;
	}
	if (optind != argc - 1) {
		st = ov_cli_fail(
		    cli, OV_E_USAGE, "name one partner: overlap partner terms PARTNER");
		goto done;
	}
	OV_TRY(work(r, argv[optind]));
done:
	if (r != NULL) {
		ov_terms_view_free(&r->view);
		ov_buf_free(&r->sheet);
		ov_buf_free(&r->policy);
		ov_buf_free(&r->force_mine);
		ov_buf_free(&r->force_theirs);
		ov_session_close(r->session);
		ov_home_close(r->home);
	}
	free(r);
	return st;
}
