#include "client/partner.h"

#include <string.h>
#include <strings.h>

#include "client/hold.h"
#include "common/crypto/memory.h"

/* Reads company, identity, envelope, name, state, paired, suspended. */
static enum ov_status
read_row(struct ov_partner *p, struct ov_db_stmt *q)
{
	const char *name = ov_db_text(q, 3);
	enum ov_status st = OV_OK;

	memset(p, 0, sizeof(*p));
	OV_TRY(ov_db_copy(p->company, sizeof(p->company), q, 0));
	OV_TRY(ov_db_copy(p->identity, sizeof(p->identity), q, 1));
	OV_TRY(ov_db_copy(p->envelope, sizeof(p->envelope), q, 2));
	OV_REQUIRE(name != NULL && strlen(name) <= OV_NAME_MAX, OV_E_DB_FAILED);
	memcpy(p->name, name, strlen(name) + 1);
	p->state = (enum ov_partner_state)ov_db_i64(q, 4);
	p->paired = (uint64_t)ov_db_i64(q, 5);
	p->suspended = ov_db_i64(q, 6) != 0;
done:
	return st;
}

#define COLUMNS                                                                          \
	"SELECT company, identity, envelope, name, state, paired, EXISTS(SELECT 1 FROM " \
	"hold WHERE hold.company = partner.company AND kind = 2 AND cleared IS NULL) "   \
	"FROM partner "
_Static_assert(OV_HOLD_PARTNER == 2, "the number in COLUMNS");

/* Takes over q. */
static enum ov_status
any_row(struct ov_partner *out, struct ov_db_stmt *q)
{
	enum ov_status st = OV_OK;
	bool row;

	OV_TRY(ov_db_step(q, &row));
	OV_REQUIRE(row, OV_E_PARTNER_UNPAIRED);
	OV_TRY(read_row(out, q));
done:
	ov_db_finish(q);
	return st;
}

static enum ov_status
one_row(struct ov_partner *out, struct ov_db_stmt *q)
{
	struct ov_partner p;
	enum ov_status st;

	OV_TRY(any_row(&p, q));
	OV_REQUIRE(p.state == OV_PARTNER_PAIRED, OV_E_PARTNER_UNPAIRED);
	*out = p;
done:
	return st;
}

enum ov_status
ov_partner_get_any(
    struct ov_partner *out, struct ov_home *home, const uint8_t company[OV_ID])
{
	struct ov_db_stmt *q = NULL;
	enum ov_status st;

	OV_TRY(ov_db_query(
	    &q, home->db, COLUMNS "WHERE company = ?", OV_DB_BLOB(company, OV_ID)));
	OV_TRY(any_row(out, q));
done:
	return st;
}

enum ov_status
ov_partner_get(struct ov_partner *out, struct ov_home *home, const uint8_t company[OV_ID])
{
	struct ov_db_stmt *q = NULL;
	enum ov_status st;

	OV_TRY(ov_db_query(
	    &q, home->db, COLUMNS "WHERE company = ?", OV_DB_BLOB(company, OV_ID)));
	OV_TRY(one_row(out, q));
done:
	return st;
}

enum ov_status
ov_partner_of_identity(
    struct ov_partner *out, struct ov_home *home, const uint8_t identity[32])
{
	struct ov_db_stmt *q = NULL;
	enum ov_status st;

	OV_TRY(ov_db_query(
	    &q, home->db, COLUMNS "WHERE identity = ?", OV_DB_BLOB(identity, 32)));
	OV_TRY(one_row(out, q));
done:
	return st;
}

enum ov_status
ov_partner_each(struct ov_home *home,
    enum ov_status (*visit)(void *arg, const struct ov_partner *p), void *arg)
{
	struct ov_db_stmt *q = NULL;
	enum ov_status st = OV_OK;
	bool row;

	OV_TRY(ov_db_query(&q, home->db, COLUMNS "ORDER BY name, company"));
	for (;;) {
		struct ov_partner p;

		OV_TRY(ov_db_step(q, &row));
		if (!row)
			break;
		OV_TRY(read_row(&p, q));
		OV_TRY(visit(arg, &p));
	}
done:
	ov_db_finish(q);
	return st;
}

/* How well a partner fits what a person typed. */
enum fit { FIT_NONE, FIT_ID, FIT_PREFIX, FIT_EXACT };

struct search {
	const char *text;
	struct ov_partner best;
	enum fit fit;
	unsigned int n; /* partners that fit as well as best */
};

static enum fit
fit_of(const struct ov_partner *p, const char *text)
{
	char hex[2 * OV_ID + 1];
	size_t len = strlen(text);

	if (strcmp(p->name, text) == 0)
		return FIT_EXACT;
	if (len > 0 && strncasecmp(p->name, text, len) == 0)
		return FIT_PREFIX;
	ov_hex(hex, p->company, OV_ID);
	if (len >= 8 && strncasecmp(hex, text, len) == 0)
		return FIT_ID;
	return FIT_NONE;
}

static enum ov_status
compare(void *arg, const struct ov_partner *p)
{
	struct search *s = arg;
	enum fit fit = fit_of(p, s->text);

	if (fit == FIT_NONE || fit < s->fit)
		return OV_OK;
	s->n = fit == s->fit ? s->n + 1 : 1;
	s->fit = fit;
	s->best = *p;
	return OV_OK;
}

enum ov_status
ov_partner_find(struct ov_partner *out, struct ov_home *home, const char *text)
{
	struct search s = { .text = text };
	enum ov_status st;

	OV_TRY(ov_partner_each(home, compare, &s));
	OV_REQUIRE(s.n == 1, OV_E_PARTNER_UNKNOWN);
	*out = s.best;
done:
	return st;
}

enum ov_status
ov_partner_put(struct ov_home *home, const struct ov_partner *p)
{
	return ov_db_run(home->db,
	    "INSERT INTO partner(company, identity, envelope, name, state, paired) "
	    "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT(company) DO UPDATE SET envelope = "
	    "excluded.envelope, name = excluded.name, state = excluded.state, paired = "
	    "excluded.paired",
	    OV_DB_BLOB(p->company, OV_ID), OV_DB_BLOB(p->identity, 32),
	    OV_DB_BLOB(p->envelope, 32), OV_DB_TEXT(p->name), OV_DB_I64(p->state),
	    OV_DB_I64(p->paired));
}
