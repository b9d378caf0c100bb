#include "server/admin.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/crypto/memory.h"
#include "server/enrol.h"
#include "server/events.h"

#define LINE_MAX_LEN 512

typedef enum ov_status verb(
    struct ov_buf *text, const struct ov_admin *a, const char *argument);

__attribute__((format(printf, 2, 3))) static enum ov_status
say(struct ov_buf *text, const char *format, ...)
{
	char line[LINE_MAX_LEN];
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(line, sizeof(line), format, ap);
	va_end(ap);
	if (n < 0 || n >= LINE_MAX_LEN)
		return OV_E_BUG; /* every line is short by construction */
	return ov_buf_append(text, line, (size_t)n);
}

static enum ov_status
enroll(struct ov_buf *text, const struct ov_admin *a, const char *name)
{
	char token[OV_TOKEN_TEXT];
	enum ov_status st = OV_OK;

	OV_TRY(ov_enrol_token(token, a->broker, name));
	OV_TRY(say(text, "%s\n", token));
done:
	ov_wipe(token, sizeof(token));
	return st;
}

static enum ov_status
list_company(void *arg, const struct ov_company *c)
{
	static const char *const words[] = { "?", "active", "revoked", "removed" };
	char id[2 * OV_ID + 1], day[32];
	time_t enrolled = (time_t)c->enrolled;
	struct tm tm;

	ov_hex(id, c->id, OV_ID);
	gmtime_r(&enrolled, &tm);
	strftime(day, sizeof(day), "%Y-%m-%d", &tm);
	return say(arg, "%s\t%s\t%s\t%s\n", id,
	    words[(unsigned int)c->status <= 3 ? c->status : 0], day, c->name);
}

static enum ov_status
orgs(struct ov_buf *text, const struct ov_admin *a, const char *argument)
{
	struct ov_tx *tx = NULL;
	enum ov_status st = OV_OK;

	(void)argument;
	OV_TRY(ov_tx_begin(&tx, a->broker->store));
	OV_TRY(ov_store_companies(tx, list_company, text));
done:
	ov_tx_end(&tx);
	return st;
}

static enum ov_status
shut_out(const struct ov_admin *a, const char *name, enum ov_company_status status)
{
	uint8_t fingerprint[32];
	enum ov_status st = OV_OK;

	OV_TRY(ov_enrol_revoke(fingerprint, a->broker, name, status));
	if (a->edge != NULL)
		ov_edge_close_peer(a->edge, fingerprint);
done:
	return st;
}

static enum ov_status
revoke_company(struct ov_buf *text, const struct ov_admin *a, const char *name)
{
	enum ov_status st = shut_out(a, name, OV_COMPANY_REVOKED);

	return st == OV_OK ? say(text, "revoked; its connections are closed\n") : st;
}

static enum ov_status
remove_company(struct ov_buf *text, const struct ov_admin *a, const char *name)
{
	enum ov_status st = shut_out(a, name, OV_COMPANY_REMOVED);

	return st == OV_OK ? say(text, "removed; the name is free again\n") : st;
}

struct tally {
	uint64_t active, shut, open_jobs;
};

static enum ov_status
tally_company(void *arg, const struct ov_company *c)
{
	struct tally *t = arg;

	if (c->status == OV_COMPANY_ACTIVE)
		t->active++;
	else
		t->shut++;
	return OV_OK;
}

static enum ov_status
tally_job(void *arg, const struct ov_job *job)
{
	struct tally *t = arg;

	(void)job;
	t->open_jobs++;
	return OV_OK;
}

static enum ov_status
say_edge(struct ov_buf *text, const struct ov_admin *a)
{
	struct ov_edge_counters c;

	if (a->edge == NULL)
		return say(text, "broker: not running\n");
	ov_edge_read_counters(a->edge, &c);
	return say(text,
	    "broker: running for %" PRId64 " s\nconnections: %" PRIu64 "\ncalls: %" PRIu64
	    " (%" PRIu64 " under way, %" PRIu64 " over the rate)\nmemory: %" PRIu64
	    " bytes (peak %" PRIu64 ")\n",
	    a->broker->now() - a->started, c.connections, c.requests,
	    c.requests_in_flight, c.limited, c.memory, c.memory_peak);
}

static enum ov_status
status(struct ov_buf *text, const struct ov_admin *a, const char *argument)
{
	struct ov_job_walk open = { .open_only = true, .limit = UINT32_MAX };
	char log_id[2 * OV_ID + 1];
	struct tally t = { 0 };
	struct ov_tx *tx = NULL;
	enum ov_status st = OV_OK;
	uint64_t leaves;

	(void)argument;
	ov_hex(log_id, a->broker->log_id, OV_ID);
	OV_TRY(say_edge(text, a));
	OV_TRY(ov_tx_begin(&tx, a->broker->store));
	OV_TRY(ov_store_companies(tx, tally_company, &t));
	OV_TRY(ov_store_jobs(tx, &open, tally_job, &t));
	OV_TRY(ov_store_log_size(tx, &leaves));
	OV_TRY(say(text,
	    "companies: %" PRIu64 " active, %" PRIu64
	    " revoked or removed\nopen jobs: %" PRIu64 "\nlog: %s, %" PRIu64 " entries\n",
	    t.active, t.shut, t.open_jobs, log_id, leaves));
done:
	ov_tx_end(&tx);
	return st;
}

static enum ov_status
backup(struct ov_buf *text, const struct ov_admin *a, const char *path)
{
	enum ov_status st = ov_store_backup(a->broker->store, path);

	return st == OV_OK ? say(text, "written\n") : st;
}

static const struct {
	const char *name;
	int n_arguments;
	verb *answer;
} verbs[] = {
	{ "enroll", 1, enroll },
	{ "orgs", 0, orgs },
	{ "revoke", 1, revoke_company },
	{ "remove", 1, remove_company },
	{ "status", 0, status },
	{ "backup", 1, backup },
};

bool
ov_admin_knows(const char *name, int n_arguments)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(verbs[i].name, name) == 0)
			return verbs[i].n_arguments == n_arguments;
	return false;
}

/* The next word, ended by NUL within the request; NULL if there is none. */
static const char *
next_word(struct ov_bytes *rest)
{
	const char *word = (const char *)rest->p;
	const uint8_t *end = rest->len > 0 ? memchr(rest->p, 0, rest->len) : NULL;

	if (end == NULL)
		return NULL;
	rest->len -= (size_t)(end - rest->p) + 1;
	rest->p = end + 1;
	return word;
}

static enum ov_status
answer(struct ov_buf *text, const struct ov_admin *a, struct ov_bytes request)
{
	const char *name = next_word(&request);
	const char *argument = next_word(&request);

	if (name == NULL || request.len != 0 ||
	    !ov_admin_knows(name, argument != NULL ? 1 : 0))
		return OV_E_USAGE;
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(verbs[i].name, name) == 0)
			return verbs[i].answer(text, a, argument);
	return OV_E_USAGE;
}

void
ov_admin_answer(struct ov_buf *reply, const struct ov_admin *a, struct ov_bytes request)
{
	struct ov_buf text = { 0 };
	enum ov_status st = answer(&text, a, request);
	const char *name = ov_status_name(st);

	if (st != OV_OK)
		text.len = 0;
	if (ov_buf_append(reply, name, strlen(name)) != OV_OK ||
	    ov_buf_append(reply, "\n", 1) != OV_OK ||
	    ov_buf_append(reply, text.p, text.len) != OV_OK)
		reply->len = 0; /* no memory: an empty reply is a failure */
	if (text.p != NULL)
		ov_wipe(text.p, text.len); /* may hold a token */
	ov_buf_free(&text);
}
