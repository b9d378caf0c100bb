#include "client/inbox_print.h"

#include <stdlib.h>
#include <string.h>

#include "client/ask.h"
#include "client/book/held.h"
#include "client/hold.h"
#include "client/identity.h"
#include "client/job/verdict.h"
#include "client/json.h"
#include "client/mail.h"
#include "client/screen.h"
#include "client/sheet.h"
#include "client/terms.h"
#include "client/verb_partner.h"
#include "common/crypto/memory.h"

#define PARTNERS_SEEN 256 /* news of more partners is not told */

struct ov_inbox_before {
	struct {
		uint8_t company[OV_ID];
		uint64_t sequence; /* of the terms in force */
		bool paired;
	} seen[PARTNERS_SEEN];
	size_t n;
	struct ov_home *home; /* while it is read */
};

struct inbox {
	struct ov_cli *cli;
	struct ov_home *home;
	const struct ov_inbox_before *before;
	struct ov_json *holds, *terms, *asks, *identities, *verdicts,
	    *mail; /* with --json */
	unsigned int n;
	bool fetched;
};

/* --- what is news --- */

static enum ov_status
note_partner(void *arg, const struct ov_partner *p)
{
	struct ov_inbox_before *b = arg;
	struct ov_terms_view v = { 0 };
	enum ov_status st = OV_OK;

	if (b->n == PARTNERS_SEEN)
		goto done;
	OV_TRY(ov_terms_view(&v, b->home, p->company));
	memcpy(b->seen[b->n].company, p->company, OV_ID);
	b->seen[b->n].paired = p->state == OV_PARTNER_PAIRED;
	b->seen[b->n++].sequence = v.force_sequence;
done:
	ov_terms_view_free(&v);
	return st;
}

enum ov_status
ov_inbox_before_new(struct ov_inbox_before **out, struct ov_home *home)
{
	struct ov_inbox_before *b = calloc(1, sizeof(*b));
	enum ov_status st;

	OV_REQUIRE(b != NULL, OV_E_NOMEM);
	b->home = home;
	OV_TRY(ov_partner_each(home, note_partner, b));
	*out = b;
	b = NULL;
done:
	ov_inbox_before_free(b);
	return st;
}

void
ov_inbox_before_free(struct ov_inbox_before *b)
{
	free(b);
}

static bool
is_news(const struct ov_inbox_before *b, const struct ov_partner *p, uint64_t sequence)
{
	for (size_t i = 0; b != NULL && i < b->n; i++)
		if (memcmp(b->seen[i].company, p->company, OV_ID) == 0)
			return b->seen[i].sequence != sequence;
	return false;
}

static bool
was_paired(const struct ov_inbox_before *b, const struct ov_partner *p)
{
	for (size_t i = 0; b != NULL && i < b->n; i++)
		if (memcmp(b->seen[i].company, p->company, OV_ID) == 0)
			return b->seen[i].paired;
	return false;
}

/* --- items --- */

static const char *
hold_name(enum ov_hold_kind kind)
{
	switch (kind) {
	case OV_HOLD_LOG:
		return "log";
	case OV_HOLD_PARTNER:
		return "partner";
	case OV_HOLD_IMPORT:
		return "import";
	}
	return "?";
}

static const char *
hold_words(enum ov_hold_kind kind)
{
	switch (kind) {
	case OV_HOLD_LOG:
		return "every job is stopped: the broker's log failed a check";
	case OV_HOLD_PARTNER:
		return "a partner is suspended";
	case OV_HOLD_IMPORT:
		return "an import waits";
	}
	return "?";
}

static enum ov_status
put_import(struct ov_json *at, struct ov_home *home)
{
	struct ov_held held;
	enum ov_status st;

	OV_TRY(ov_held_get(&held, home->db));
	ov_json_number(at, "rows", held.rows);
	ov_json_number(at, "rows_before", held.rows_before);
	ov_json_text(at, "lost_columns", held.lost);
done:
	return st;
}

static enum ov_status
show_import(struct inbox *in)
{
	char a[OV_COUNT_TEXT], b[OV_COUNT_TEXT];
	struct ov_held held;
	enum ov_status st;

	OV_TRY(ov_held_get(&held, in->home->db));
	fprintf(in->cli->out, ".\n  The file has %s rows, the book %s",
	    ov_count_text(a, held.rows), ov_count_text(b, held.rows_before));
	if (held.lost[0] != '\0')
		fprintf(in->cli->out, "; columns are missing: %s", held.lost);
	fputs(".\n  It becomes the book with `overlap inbox take import`; `overlap inbox "
	      "drop import`\n  deletes it.  The next whole file that is as it should be "
	      "settles it, too.\n",
	    in->cli->out);
done:
	return st;
}

static enum ov_status
show_hold(void *arg, const struct ov_hold *h)
{
	struct inbox *in = arg;
	struct ov_partner p = { 0 };
	char since[OV_TIME_TEXT];
	struct ov_json *o;

	if (h->kind == OV_HOLD_PARTNER &&
	    ov_partner_get(&p, in->home, h->partner) != OV_OK)
		memset(&p, 0, sizeof(p)); /* ended meanwhile */
	in->n++;
	if (in->cli->json) {
		o = ov_json_object(in->holds, NULL);
		ov_json_number(o, "number", (uint64_t)h->number);
		ov_json_text(o, "kind", hold_name(h->kind));
		ov_json_text(o, "reason", ov_status_name(h->reason));
		ov_json_text(o, "partner", p.name[0] != '\0' ? p.name : NULL);
		ov_json_time(o, "since", h->since);
		return h->kind == OV_HOLD_IMPORT ? put_import(o, in->home) : OV_OK;
	}
	ov_time_text(since, h->since);
	fprintf(in->cli->out, "Hold %lld, since %s: %s", (long long)h->number, since,
	    hold_words(h->kind));
	if (p.name[0] != '\0') {
		fprintf(in->cli->out, ": ");
		ov_print_name(in->cli->out, p.name);
	}
	if (h->kind == OV_HOLD_IMPORT)
		return show_import(in);
	fprintf(in->cli->out,
	    ".\n  %s.\n  When you have looked: overlap inbox clear %lld\n",
	    ov_status_text(h->reason), (long long)h->number);
	if (h->reason == OV_E_LOG_IDENTITY)
		fprintf(in->cli->out,
		    "  If the broker's operator told you, outside of the broker, that it "
		    "was "
		    "restored from a\n  backup: overlap inbox clear %lld "
		    "--accept-new-log\n",
		    (long long)h->number);
	return OV_OK;
}

/* How what both give would change; o: with --json. */
static enum ov_status
show_change(struct inbox *in, struct ov_json *o, const struct ov_partner *p,
    const struct ov_terms_view *v)
{
	struct ov_buf mine = { 0 }, theirs = { 0 };
	struct ov_sheet_words then = { .partner = p->name }, now = { .partner = p->name,
		.mine = OV_BUF_BYTES(&v->mine),
		.theirs = OV_BUF_BYTES(&v->theirs) };
	enum ov_status st = OV_OK;

	if (v->mine.len == 0 || v->theirs.len == 0 || v->force_sequence == 0)
		goto done;
	OV_TRY(ov_terms_sheets(&mine, &theirs, in->home, p->company));
	then.mine = OV_BUF_BYTES(&mine);
	then.theirs = OV_BUF_BYTES(&theirs);
	OV_TRY(o != NULL ? ov_sheet_change_json(o, &then, &now)
			 : ov_sheet_explain_change(in->cli->out, &then, &now));
done:
	ov_buf_free(&mine);
	ov_buf_free(&theirs);
	return st;
}

static enum ov_status
show_terms(struct inbox *in, const struct ov_partner *p, const struct ov_terms_view *v)
{
	struct ov_json *o = NULL;

	in->n++;
	if (in->cli->json) {
		o = ov_json_object(in->terms, NULL);
		ov_json_text(o, "partner", p->name);
		ov_json_hex(o, "company", p->company, OV_ID);
		ov_json_text(o, "terms", ov_terms_state_name(v->state));
		ov_json_text(o, "obstacle",
		    v->obstacle != OV_OK ? ov_status_name(v->obstacle) : NULL);
		return show_change(in, o, p, v);
	}
	ov_print_name(in->cli->out, p->name);
	fputs(v->state == OV_TERMS_NONE ? ": is paired; no terms yet.  "
	      : v->force_sequence > 0	? ": offers other terms.  "
					: ": offers terms.  ",
	    in->cli->out);
	fprintf(in->cli->out, "See and decide: overlap partner terms ");
	ov_print_name(in->cli->out, p->name);
	fprintf(in->cli->out, "\n");
	if (v->obstacle != OV_OK)
		fprintf(in->cli->out, "  %s (%s)\n", ov_status_text(v->obstacle),
		    ov_status_name(v->obstacle));
	return show_change(in, o, p, v);
}

/* What a person need not decide, but likes to know. */
static void
tell_terms(
    const struct inbox *in, const struct ov_partner *p, const struct ov_terms_view *v)
{
	bool news =
	    v->state == OV_TERMS_IN_FORCE && is_news(in->before, p, v->force_sequence);

	if (in->cli->json ||
	    (v->state != OV_TERMS_OFFERED && v->state != OV_TERMS_READY &&
		v->state != OV_TERMS_SIGNED && !news))
		return;
	ov_print_name(in->cli->out, p->name);
	fprintf(in->cli->out, ": terms: %s.", ov_terms_state_words(v->state));
	if (news) {
		fprintf(in->cli->out, "  Next: overlap run ");
		ov_print_name(in->cli->out, p->name);
		fprintf(in->cli->out, ", while its side runs `overlap agent`.");
	}
	fprintf(in->cli->out, "\n");
}

/* The partner's word came with this mail: reports are gone, and nothing else says so. */
static void
tell_ended(struct inbox *in, const struct ov_partner *p)
{
	if (in->cli->json || !was_paired(in->before, p))
		return;
	ov_print_name(in->cli->out, p->name);
	fputs(
	    " ended the partnership: reports, matches and terms with it are deleted "
	    "here.\n  See `overlap partner list`; `overlap partner invite` pairs anew.\n",
	    in->cli->out);
}

static void
put_ask(struct ov_json *o, const struct ov_partner *p, const struct ov_ask *ask)
{
	struct ov_json *list, *q;

	ov_json_text(o, "partner", p->name);
	ov_json_text(o, "text", ask->text);
	ov_json_time(o, "received", ask->at);
	list = ov_json_array(o, "populations");
	for (size_t i = 0; i < ask->n; i++) {
		q = ov_json_object(list, NULL);
		ov_json_text(q, "name", ask->population[i].name);
		ov_json_text(q, "level", ov_level_name(ask->population[i].level));
	}
}

/* What a partner asks for, and the lines of the policy that would give it. */
static enum ov_status
show_ask(struct inbox *in, const struct ov_partner *p, const struct ov_terms_view *v)
{
	FILE *out = in->cli->out;
	struct ov_ask ask;
	enum ov_status st =
	    ov_ask_waiting(&ask, in->home, p->company, OV_BUF_BYTES(&v->mine));

	if (st != OV_OK)
		return st == OV_E_NOT_FOUND ? OV_OK : st;
	in->n++;
	if (in->cli->json) {
		put_ask(ov_json_object(in->asks, NULL), p, &ask);
		return OV_OK;
	}
	ov_print_name(out, p->name);
	fprintf(out, " asks for more%s", ask.text[0] != '\0' ? ": " : ".");
	ov_print_name(out, ask.text);
	fprintf(out, "\n  It would have, under `populations:` of your policy for it:\n");
	for (size_t i = 0; i < ask.n; i++) {
		fprintf(out, "    ");
		ov_print_name(out, ask.population[i].name);
		fprintf(out, ": %s\n", ov_level_name(ask.population[i].level));
	}
	fprintf(out, "  Yes: overlap partner terms ");
	ov_print_name(out, p->name);
	fprintf(out, " --policy FILE; no: overlap inbox drop ask ");
	ov_print_name(out, p->name);
	fprintf(out, "\n");
	return OV_OK;
}

static enum ov_status
show_partner(void *arg, const struct ov_partner *p)
{
	struct inbox *in = arg;
	struct ov_terms_view v = { 0 };
	enum ov_status st = OV_OK;

	if (p->state == OV_PARTNER_ENDED)
		tell_ended(in, p);
	if (p->state != OV_PARTNER_PAIRED)
		goto done;
	OV_TRY(ov_terms_view(&v, in->home, p->company));
	if (v.state == OV_TERMS_ASKED || v.state == OV_TERMS_NONE)
		OV_TRY(show_terms(in, p, &v));
	else
		tell_terms(in, p, &v);
	OV_TRY(show_ask(in, p, &v));
done:
	ov_terms_view_free(&v);
	return st;
}

/* Nobody is asked, but whoever is surprised should ask the partner. */
static enum ov_status
show_identity(void *arg, const struct ov_identity_note *n)
{
	struct inbox *in = arg;
	char was[2 * OV_ID + 1], is[2 * OV_ID + 1], at[OV_TIME_TEXT];
	struct ov_partner p = { 0 };
	struct ov_json *o;

	if (n->seen)
		return OV_OK;
	if (ov_partner_get(&p, in->home, n->company) != OV_OK)
		memset(&p, 0, sizeof(p)); /* ended meanwhile */
	in->n++;
	if (in->cli->json) {
		o = ov_json_object(in->identities, NULL);
		ov_json_text(o, "partner", p.name[0] != '\0' ? p.name : NULL);
		ov_json_hex(o, "was", n->was, OV_ID);
		ov_json_hex(o, "company", n->company, OV_ID);
		ov_json_time(o, "at", n->at);
		return OV_OK;
	}
	ov_hex(was, n->was, OV_ID);
	ov_hex(is, n->company, OV_ID);
	ov_time_text(at, n->at);
	ov_print_name(in->cli->out, p.name);
	fprintf(in->cli->out,
	    " changed its identity, %s: company %.8s is %.8s now, by a statement that\n"
	    "  its old identity signed.  If that surprises you, ask it by another "
	    "channel.\n"
	    "  When you have looked: overlap inbox clear identities\n",
	    at, was, is);
	return OV_OK;
}

/* One of two reports of a job did not pass its checks: nobody can say here whose fault
 * that is. */
static enum ov_status
show_verdict(void *arg, const struct ov_verdict_note *n)
{
	struct inbox *in = arg;
	char job[2 * OV_ID + 1], at[OV_TIME_TEXT];
	struct ov_partner p = { 0 };
	struct ov_json *o;

	if (ov_partner_get(&p, in->home, n->partner) != OV_OK)
		memset(&p, 0, sizeof(p)); /* ended meanwhile */
	in->n++;
	if (in->cli->json) {
		o = ov_json_object(in->verdicts, NULL);
		ov_json_hex(o, "job", n->job, OV_ID);
		ov_json_text(o, "partner", p.name[0] != '\0' ? p.name : NULL);
		ov_json_bool(o, "mine", n->mine);
		ov_json_text(o, "verdict", ov_status_name(n->verdict));
		ov_json_time(o, "closed", n->closed);
		return OV_OK;
	}
	ov_hex(job, n->job, OV_ID);
	ov_time_text(at, n->closed);
	fprintf(in->cli->out, "Job %.8s with ", job);
	ov_print_name(in->cli->out, p.name);
	fprintf(in->cli->out,
	    n->mine ? ", %s: your report is void: %s (%s).\n"
	    : n->verdict == OV_E_PROTO_EQUIVOCATION
		? ", %s: the partner was told another report than you: %s (%s).\n"
		  "  Yours passed all its checks and stands, but matches may be missing "
		  "in it.\n"
		: ", %s: the partner says of its report: %s (%s).  Yours passed all "
		  "its\n  checks and stands.\n",
	    at, ov_status_text(n->verdict), ov_status_name(n->verdict));
	fprintf(in->cli->out, "  The broker, the partner or a release is at fault; if it "
			      "comes again, ask the "
			      "partner.\n"
			      "  Until then: overlap partner suspend PARTNER.  When you "
			      "have looked: overlap "
			      "inbox clear verdicts\n");
	return OV_OK;
}

static enum ov_status
show_note(void *arg, const struct ov_mail_note *n)
{
	struct inbox *in = arg;
	char hex[2 * OV_ID + 1], at[OV_TIME_TEXT];
	struct ov_json *o;

	in->n++;
	if (in->cli->json) {
		o = ov_json_object(in->mail, NULL);
		ov_json_hex(o, "from", n->from, OV_ID);
		ov_json_number(o, "kind", (uint64_t)n->kind);
		ov_json_time(o, "received", n->received);
		ov_json_text(o, "refused", ov_status_name(n->reason));
		return OV_OK;
	}
	ov_hex(hex, n->from, OV_ID);
	ov_time_text(at, n->received);
	fprintf(in->cli->out, "Refused mail from company %.8s, %s: %s (%s).\n", hex, at,
	    ov_status_text(n->reason), ov_status_name(n->reason));
	return OV_OK;
}

static enum ov_status
show_proposals(struct inbox *in, struct ov_json *doc)
{
	uint64_t n;
	enum ov_status st;

	OV_TRY(ov_mail_proposals(&n, in->home));
	if (in->cli->json)
		ov_json_number(doc, "proposals", n);
	else if (n > 0)
		fprintf(in->cli->out,
		    "Proposals that wait for `overlap agent` (or `overlap run`): %llu\n",
		    (unsigned long long)n);
	in->n += n > 0;
done:
	return st;
}

static void
open_lists(struct inbox *in, struct ov_json *doc)
{
	ov_json_bool(doc, "fetched", in->fetched);
	in->holds = ov_json_array(doc, "holds");
	in->terms = ov_json_array(doc, "terms");
	in->asks = ov_json_array(doc, "asks");
	in->identities = ov_json_array(doc, "identities");
	in->verdicts = ov_json_array(doc, "verdicts");
	in->mail = ov_json_array(doc, "mail");
}

enum ov_status
ov_inbox_print(struct ov_cli *cli, struct ov_home *home,
    const struct ov_inbox_before *before, bool fetched)
{
	struct inbox in = {
		.cli = cli, .home = home, .before = before, .fetched = fetched
	};
	struct ov_json *doc = NULL;
	enum ov_status st;

	if (cli->json) {
		doc = ov_json_new();
		open_lists(&in, doc);
	}
	OV_TRY(show_proposals(&in, doc));
	OV_TRY(ov_hold_each(home, show_hold, &in));
	OV_TRY(ov_partner_each(home, show_partner, &in));
	OV_TRY(ov_identity_each(home, show_identity, &in));
	OV_TRY(ov_verdict_each(home, show_verdict, &in));
	OV_TRY(ov_mail_each_note(home, show_note, &in));
	if (cli->json)
		OV_TRY(ov_json_write(cli->out, doc));
	else if (in.n == 0)
		fputs(fetched ? "Nothing waits for you.\n"
			      : "Of what was fetched before, nothing waits for you.\n",
		    cli->out);
done:
	ov_json_free(doc);
	return st;
}
