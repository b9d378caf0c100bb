/* overlap status: how this home stands. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "client/book/book.h"
#include "client/hold.h"
#include "client/job/record.h"
#include "client/job/verdict.h"
#include "client/json.h"
#include "client/ledger_print.h"
#include "client/terms.h"
#include "client/verb_partner.h"
#include "client/verbs.h"
#include "common/crypto/memory.h"
#include "common/tls/ca.h"

#define JOBS_SHOWN 5
#define EXPIRY_WARNING_S (30 * 86400)

const char ov_help_status[] =
    "usage: overlap status [--json]\n"
    "\n"
    "Shows the home, the broker and what is pinned of it, partners and how the terms\n"
    "stand, what this home counted of runs, slots and epsilon with each, the last jobs,\n"
    "and warnings.  Asks nobody and needs no passphrase.\n"
    "\n"
    "example: overlap status --json\n";

struct report {
	struct ov_cli *cli;
	struct ov_home *home;
	struct ov_json *doc, *partners, *jobs, *warnings; /* with --json */
	unsigned int n_partners, n_jobs, n_holds, n_verdicts, n_warnings;
};

static void
warn(struct report *r, const char *name, const char *words)
{
	r->n_warnings++;
	if (r->cli->json)
		ov_json_text(r->warnings, NULL, name);
	else
		fprintf(r->cli->out, "Warning: %s\n", words);
}

/* --- home and broker --- */

static void
show_home(struct report *r)
{
	const struct ov_home *h = r->home;
	char hex[2 * OV_ID + 1];
	struct ov_json *o;

	if (r->cli->json) {
		o = ov_json_object(r->doc, "home");
		ov_json_text(o, "path", h->path);
		ov_json_hex(o, "company", h->company, OV_ID);
		ov_json_hex(o, "identity", h->identity, 32);
		ov_json_text(o, "name", h->joined ? h->name : NULL);
		ov_json_text(o, "key", h->key_kind == OV_KEY_BESIDE ? "beside" : "apart");
		return;
	}
	ov_hex(hex, h->company, OV_ID);
	fprintf(r->cli->out, "Home: %s\nCompany: ", h->path);
	if (h->joined) {
		ov_print_name(r->cli->out, h->name);
		fprintf(r->cli->out, ", ");
	}
	fprintf(r->cli->out, "id %s\n", hex);
}

static enum ov_status
show_broker(struct report *r)
{
	const struct ov_broker *b = &r->home->broker;
	char log[2 * OV_ID + 1];
	struct ov_json *o;
	int64_t size;
	enum ov_status st;

	if (!r->home->joined) {
		if (r->cli->json)
			ov_json_null(r->doc, "broker");
		else
			fprintf(r->cli->out, "Broker: none; see `overlap join`.\n");
		return OV_OK;
	}
	OV_TRY(ov_db_number(
	    &size, r->home->db, "SELECT coalesce(max(size), 0) FROM pin WHERE id = 1"));
	if (r->cli->json) {
		o = ov_json_object(r->doc, "broker");
		ov_json_text(o, "address", b->address);
		ov_json_hex(o, "log_key", b->log_key, 32);
		ov_json_hex(o, "report_key", b->report_key, 32);
		ov_json_hex(o, "log", b->log, OV_ID);
		ov_json_number(o, "log_size", (uint64_t)size);
		goto done;
	}
	ov_hex(log, b->log, OV_ID);
	fprintf(r->cli->out, "Broker: %s, log %.8s, seen up to entry %lld\n", b->address,
	    log, (long long)size);
done:
	return st;
}

static enum ov_status
show_book(struct report *r)
{
	struct ov_book_stats *s = calloc(1, sizeof(*s));
	struct ov_json *o;
	enum ov_status st = OV_OK;

	OV_REQUIRE(s != NULL, OV_E_NOMEM);
	OV_TRY(ov_book_stats(s, r->home->db));
	if (r->cli->json) {
		o = ov_json_object(r->doc, "book");
		ov_json_number(o, "rows", s->rows);
		ov_json_number(o, "accounts", s->records);
		ov_json_number(o, "matchable", s->matchable);
	} else {
		fprintf(r->cli->out,
		    "Book: %llu accounts from %llu rows, %llu can be matched\n",
		    (unsigned long long)s->records, (unsigned long long)s->rows,
		    (unsigned long long)s->matchable);
	}
done:
	free(s);
	return st;
}

/* --- partners and jobs --- */

/* What this home counted of its jobs with the partner, where terms are in force. */
static enum ov_status
show_ledger(struct report *r, struct ov_json *o, const struct ov_partner *p)
{
	struct ov_ledger_query q = { .partner = p->company,
		.now = (int64_t)ov_home_now(r->home) };
	struct ov_terms terms;
	struct ov_ledger l;
	enum ov_status st = ov_terms_in_force(&terms, r->home, p->company);

	if (st == OV_E_TERMS_MISSING) {
		if (o != NULL)
			ov_json_null(o, "ledger");
		return OV_OK;
	}
	OV_TRY(st);
	q.epsilon = terms.release.epsilon_milli;
	q.year_epsilon = terms.release.year_epsilon_milli;
	OV_TRY(ov_ledger_read(&l, r->home->db, &q));
	if (o != NULL)
		ov_ledger_json(o, &l, &terms, q.now);
	else
		ov_ledger_print(r->cli->out, &l, &terms, q.now);
done:
	return st;
}

static enum ov_status
show_partner(void *arg, const struct ov_partner *p)
{
	struct report *r = arg;
	struct ov_terms_view v = { 0 };
	struct ov_json *o;
	enum ov_status st;

	OV_TRY(ov_terms_view(&v, r->home, p->company));
	r->n_partners++;
	if (r->cli->json) {
		o = ov_json_object(r->partners, NULL);
		ov_json_text(o, "name", p->name);
		ov_json_hex(o, "company", p->company, OV_ID);
		ov_json_text(
		    o, "state", p->state == OV_PARTNER_PAIRED ? "paired" : "ended");
		ov_json_bool(o, "suspended", p->suspended);
		ov_json_text(o, "terms", ov_terms_state_name(v.state));
		ov_json_number(o, "terms_in_force", v.force_sequence);
		OV_TRY(show_ledger(r, o, p));
		goto done;
	}
	fprintf(r->cli->out, "Partner: ");
	ov_print_name(r->cli->out, p->name);
	fprintf(r->cli->out, ", terms: %s\n",
	    p->state != OV_PARTNER_PAIRED ? "ended"
	    : p->suspended		  ? "SUSPENDED: see `overlap inbox`"
					  : ov_terms_state_words(v.state));
	OV_TRY(show_ledger(r, NULL, p));
done:
	ov_terms_view_free(&v);
	return st;
}

static enum ov_status
show_job(void *arg, const struct ov_job *j)
{
	struct report *r = arg;
	char hex[2 * OV_ID + 1], at[OV_TIME_TEXT];
	struct ov_partner p = { 0 };
	struct ov_json *o;

	if (r->n_jobs++ >= JOBS_SHOWN)
		return OV_OK;
	if (ov_partner_get(&p, r->home, j->partner) != OV_OK)
		memset(&p, 0, sizeof(p)); /* ended meanwhile */
	if (r->cli->json) {
		o = ov_json_object(r->jobs, NULL);
		ov_json_hex(o, "job", j->id, OV_ID);
		ov_json_hex(o, "company", j->partner, OV_ID);
		ov_json_text(o, "partner", p.name[0] != '\0' ? p.name : NULL);
		ov_json_text(o, "state", ov_job_state_name(j->state));
		ov_json_text(o, "status", ov_status_name(j->reason));
		ov_json_time(o, "created", j->created);
		ov_json_time(o, "closed", j->closed);
		ov_json_number(o, "matches", j->matches);
		return OV_OK;
	}
	ov_hex(hex, j->id, OV_ID);
	ov_time_text(at, j->created);
	fprintf(r->cli->out, "Job: %.8s, %s, ", hex, at);
	ov_print_name(r->cli->out, p.name);
	fprintf(r->cli->out, ", %s", ov_job_state_name(j->state));
	if (j->state == OV_JOB_CLOSED)
		fprintf(r->cli->out, ", %u matches", j->matches);
	fprintf(r->cli->out, "\n");
	return OV_OK;
}

/* --- warnings --- */

static enum ov_status
count_verdict(void *arg, const struct ov_verdict_note *n)
{
	(void)n;
	((struct report *)arg)->n_verdicts++;
	return OV_OK;
}

static enum ov_status
count_hold(void *arg, const struct ov_hold *h)
{
	(void)h;
	((struct report *)arg)->n_holds++;
	return OV_OK;
}

static void
warn_certificate(struct report *r)
{
	struct ov_certificate c;
	int64_t now = (int64_t)ov_home_now(r->home);

	if (!r->home->joined ||
	    ov_certificate_read(&c, r->home->broker.certificate_pem) != OV_OK)
		return;
	if (c.not_after < now)
		warn(r, "certificate_expired",
		    "this company's certificate has expired; `overlap join` renews it "
		    "with a "
		    "new token of the broker's operator.");
	else if (c.not_after < now + EXPIRY_WARNING_S)
		warn(r, "certificate_expires",
		    "this company's certificate expires within 30 days; `overlap join` "
		    "renews it with a new token of the broker's operator.");
}

static enum ov_status
show_warnings(struct report *r)
{
	struct stat s;
	enum ov_status st;

	if (r->home->key_kind == OV_KEY_BESIDE)
		warn(r, "key_beside_data",
		    "the key of this home (overlap.key) lies beside the data it "
		    "protects; "
		    "whoever copies the home can read its secrets.  See `overlap init "
		    "--help`.");
	if (stat(r->home->path, &s) == 0 && (s.st_mode & 077) != 0)
		warn(r, "home_open_to_others",
		    "other users of this machine may enter the home; chmod it to 0700.");
	warn_certificate(r);
	OV_TRY(ov_hold_each(r->home, count_hold, r));
	if (r->n_holds > 0)
		warn(r, "holds", "something is held; see `overlap inbox`.");
	OV_TRY(ov_verdict_each(r->home, count_verdict, r));
	if (r->n_verdicts > 0)
		warn(r, "verdicts",
		    "a report of a job is void, by a check here or by the partner's "
		    "word; "
		    "see `overlap inbox`.");
done:
	return st;
}

static enum ov_status
show(struct report *r)
{
	enum ov_status st;

	if (r->cli->json)
		r->doc = ov_json_new();
	show_home(r);
	OV_TRY(show_broker(r));
	OV_TRY(show_book(r));
	if (r->cli->json) {
		r->partners = ov_json_array(r->doc, "partners");
		r->jobs = ov_json_array(r->doc, "jobs");
		r->warnings = ov_json_array(r->doc, "warnings");
	}
	OV_TRY(ov_partner_each(r->home, show_partner, r));
	OV_TRY(ov_job_each(r->home, show_job, r));
	OV_TRY(show_warnings(r));
	if (r->cli->json)
		OV_TRY(ov_json_write(r->cli->out, r->doc));
done:
	return st;
}

enum ov_status
ov_verb_status(struct ov_cli *cli, int argc, char **argv)
{
	struct report r = { .cli = cli };
	enum ov_status st;

	(void)argv;
	if (argc != 1)
		return ov_cli_fail(cli, OV_E_USAGE, "status takes no arguments");
	OV_TRY(ov_cli_home(&r.home, cli));
	OV_TRY(show(&r));
done:
	ov_json_free(r.doc);
	ov_home_close(r.home);
	return st;
}
