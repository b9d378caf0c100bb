#include "client/report_impl.h"

#include <string.h>

#include "client/wrong.h"

#define JOB_COLUMNS                                                                      \
	"id, partner, role, state, created, closed, terms_sequence, records, tokens, "   \
	"reason, unchanged_since, partner_verdict, number"

/* A row of the table of jobs. */
struct job_row {
	uint8_t id[OV_ID], partner[OV_ID], unchanged_since[OV_ID];
	enum ov_role role;
	enum ov_job_state state;
	enum ov_status reason, partner_verdict;
	uint64_t created, closed, terms_sequence, number;
	uint32_t records, tokens;
};

/* The first row of q, which is finished.  OV_E_NOT_FOUND without one. */
static enum ov_status
read_job(struct job_row *j, struct ov_db_stmt *q)
{
	bool row = false;
	enum ov_status st;

	memset(j, 0, sizeof(*j));
	OV_TRY(ov_db_step(q, &row));
	OV_REQUIRE(row, OV_E_NOT_FOUND);
	OV_TRY(ov_db_copy(j->id, OV_ID, q, 0));
	OV_TRY(ov_db_copy(j->partner, OV_ID, q, 1));
	j->role = ov_db_i64(q, 2) == OV_ROLE_A ? OV_ROLE_A : OV_ROLE_B;
	OV_REQUIRE(
	    ov_db_i64(q, 3) >= 0 && ov_db_i64(q, 3) < OV_JOB_STATES, OV_E_DB_FAILED);
	j->state = (enum ov_job_state)ov_db_i64(q, 3);
	j->created = (uint64_t)ov_db_i64(q, 4);
	j->closed = (uint64_t)ov_db_i64(q, 5);
	j->terms_sequence = (uint64_t)ov_db_i64(q, 6);
	j->records = (uint32_t)ov_db_i64(q, 7);
	j->tokens = (uint32_t)ov_db_i64(q, 8);
	j->reason = ov_db_is_null(q, 9) ? OV_OK : ov_status_by_name(ov_db_text(q, 9));
	if (!ov_db_is_null(q, 10))
		OV_TRY(ov_db_copy(j->unchanged_since, OV_ID, q, 10));
	if (!ov_db_is_null(q, 11) && ov_db_text(q, 11)[0] != '\0')
		j->partner_verdict = ov_status_by_name(ov_db_text(q, 11));
	j->number = (uint64_t)ov_db_i64(q, 12);
done:
	ov_db_finish(q);
	return st;
}

static enum ov_status
job_by_id(struct job_row *j, struct ov_db *db, const uint8_t id[OV_ID])
{
	struct ov_db_stmt *q = NULL;
	enum ov_status st;

	OV_TRY(ov_db_query(&q, db, "SELECT " JOB_COLUMNS " FROM job WHERE id = ?",
	    OV_DB_BLOB(id, OV_ID)));
	return read_job(j, q);
done:
	return st;
}

static enum ov_status
newest_closed(struct job_row *j, struct ov_db *db, const uint8_t *partner)
{
	struct ov_db_stmt *q = NULL;
	enum ov_status st;

	OV_TRY(ov_db_query(&q, db,
	    "SELECT " JOB_COLUMNS
	    " FROM job WHERE (?1 IS NULL OR partner = ?1) AND state = ?2"
	    " ORDER BY number DESC LIMIT 1",
	    partner != NULL ? OV_DB_BLOB(partner, OV_ID) : OV_DB_NULL,
	    OV_DB_I64(OV_JOB_CLOSED)));
	return read_job(j, q);
done:
	return st;
}

/* The newest job without a report that began after that one; 0: of all. */
static enum ov_status
newest_after(struct job_row *j, struct ov_db *db, const uint8_t *partner, uint64_t number)
{
	struct ov_db_stmt *q = NULL;
	enum ov_status st;

	OV_TRY(ov_db_query(&q, db,
	    "SELECT " JOB_COLUMNS " FROM job WHERE (?1 IS NULL OR partner = ?1) AND "
	    "state != ?2 AND number > ?3"
	    " ORDER BY number DESC LIMIT 1",
	    partner != NULL ? OV_DB_BLOB(partner, OV_ID) : OV_DB_NULL,
	    OV_DB_I64(OV_JOB_CLOSED), OV_DB_I64(number)));
	return read_job(j, q);
done:
	return st;
}

static void
set_newer(struct ov_report_newer *n, const struct job_row *j)
{
	n->is = true;
	memcpy(n->job, j->id, OV_ID);
	n->state = j->state;
	n->reason = j->reason;
	n->time = j->closed > 0 ? j->closed : j->created;
}

/* The job whose report is meant: into *j; a job that has none of its own: into newer. */
static enum ov_status
choose_named(struct job_row *j, struct ov_report_newer *newer, struct ov_db *db,
    const uint8_t id[OV_ID])
{
	enum ov_status st;

	OV_TRY(job_by_id(j, db, id));
	if (j->state != OV_JOB_CLOSED)
		set_newer(newer, j);
	if (j->state == OV_JOB_UNCHANGED)
		OV_TRY(job_by_id(j, db, j->unchanged_since));
	OV_REQUIRE(j->state == OV_JOB_CLOSED, OV_E_NOT_FOUND);
done:
	return st;
}

static enum ov_status
choose_newest(struct job_row *j, struct ov_report_newer *newer, struct ov_db *db,
    const uint8_t *partner)
{
	struct job_row later;
	enum ov_status found, st;

	found = newest_closed(j, db, partner);
	OV_REQUIRE(found == OV_OK || found == OV_E_NOT_FOUND, found);
	if (found == OV_OK)
		st = newest_after(&later, db, j->partner, j->number);
	else
		st = newest_after(&later, db, partner, 0);
	if (st == OV_OK)
		set_newer(newer, &later);
	OV_REQUIRE(st == OV_OK || st == OV_E_NOT_FOUND, st);
	st = found;
done:
	return st;
}

static enum ov_status
load_populations(struct ov_report *r, struct ov_db *db)
{
	struct ov_report_population *p;
	struct ov_db_stmt *q = NULL;
	const char *name;
	size_t *n;
	bool row, mine;
	enum ov_status st;

	OV_TRY(ov_db_query(&q, db,
	    "SELECT side, number, name, accounts, level FROM job_population WHERE job = ?"
	    " ORDER BY side, number",
	    OV_DB_BLOB(r->job, OV_ID)));
	for (;;) {
		OV_TRY(ov_db_step(q, &row));
		if (!row)
			break;
		mine = ov_db_i64(q, 0) == OV_SIDE_MINE;
		n = mine ? &r->n_mine : &r->n_theirs;
		name = ov_db_text(q, 2);
		OV_REQUIRE(*n < OV_POPULATIONS_MAX && ov_db_i64(q, 1) > 0 &&
			       ov_db_i64(q, 1) <= OV_POPULATIONS_MAX &&
			       ov_db_i64(q, 4) >= 0 &&
			       ov_db_i64(q, 4) <= OV_LEVEL_FIELDS &&
			       strlen(name) <= OV_POPULATION_NAME_MAX,
		    OV_E_DB_FAILED);
		p = &(mine ? r->mine : r->theirs)[(*n)++];
		p->number = (uint8_t)ov_db_i64(q, 1);
		memcpy(p->name, name, strlen(name) + 1);
		p->accounts = (uint64_t)ov_db_i64(q, 3);
		p->level = (enum ov_level)ov_db_i64(q, 4);
	}
done:
	ov_db_finish(q);
	return st;
}

static enum ov_status
load_cells(struct ov_report *r, struct ov_db *db)
{
	struct ov_db_stmt *q = NULL;
	bool row;
	enum ov_status st;

	OV_TRY(ov_db_query(&q, db,
	    "SELECT own, other, pairs, fit_own, fit_other, plus_minus, plus_minus_fit"
	    " FROM job_cell"
	    " WHERE job = ? ORDER BY own, other",
	    OV_DB_BLOB(r->job, OV_ID)));
	for (;;) {
		OV_TRY(ov_db_step(q, &row));
		if (!row)
			break;
		OV_REQUIRE(r->n_cells < OV_REPORT_CELLS_MAX, OV_E_DB_FAILED);
		r->cell[r->n_cells++] = (struct ov_cell_row){ (uint8_t)ov_db_i64(q, 0),
			(uint8_t)ov_db_i64(q, 1), (uint32_t)ov_db_i64(q, 2),
			(uint32_t)ov_db_i64(q, 3), (uint32_t)ov_db_i64(q, 4),
			(uint32_t)ov_db_i64(q, 5), (uint32_t)ov_db_i64(q, 6) };
	}
done:
	ov_db_finish(q);
	return st;
}

/* The own word if there is one, else the partner's. */
static uint8_t
pair_fit(uint8_t own, uint8_t band)
{
	return own != OV_FIT_UNKNOWN ? own : (uint8_t)ov_band_fit(band);
}

/* Names of my bands. */
static enum ov_status
load_bands(struct ov_report *r, struct ov_db *db)
{
	struct ov_db_stmt *q = NULL;
	const char *name;
	int64_t band;
	bool row;
	enum ov_status st;

	OV_TRY(ov_db_query(&q, db, "SELECT band, name FROM job_band WHERE job = ?",
	    OV_DB_BLOB(r->job, OV_ID)));
	for (;;) {
		OV_TRY(ov_db_step(q, &row));
		if (!row)
			break;
		band = ov_db_i64(q, 0);
		name = ov_db_text(q, 1);
		OV_REQUIRE(band > 0 && band <= (int64_t)OV_BANDS_MAX &&
			       strlen(name) <= OV_REPORT_BAND_MAX,
		    OV_E_DB_FAILED);
		memcpy(r->band[band], name, strlen(name) + 1);
	}
done:
	ov_db_finish(q);
	return st;
}

const char *
ov_report_band(const struct ov_report *r, uint8_t band)
{
	if (band == OV_BAND_NONE)
		return "";
	if (band > OV_BAND_YES && band <= OV_BAND_YES + OV_BANDS_MAX &&
	    r->band[band - OV_BAND_YES][0] != '\0')
		return r->band[band - OV_BAND_YES];
	return ov_fit_text((uint8_t)ov_band_fit(band));
}

/* Each match is another account of mine (ov_verify_row), so matches are accounts. */
static enum ov_status
load_totals(struct ov_report *r, struct ov_db *db)
{
	struct ov_db_stmt *q = NULL;
	uint64_t n, rows;
	uint8_t fit;
	bool row;
	enum ov_status st;

	OV_TRY(ov_db_query(&q, db,
	    "SELECT population, fit, count(*), sum(rows), label >> 4 FROM match_account"
	    " WHERE job = ? GROUP BY population, fit, label >> 4",
	    OV_DB_BLOB(r->job, OV_ID)));
	for (;;) {
		OV_TRY(ov_db_step(q, &row));
		if (!row)
			break;
		OV_REQUIRE(ov_db_i64(q, 1) >= 0 && ov_db_i64(q, 1) < 3, OV_E_DB_FAILED);
		n = (uint64_t)ov_db_i64(q, 2);
		rows = (uint64_t)ov_db_i64(q, 3);
		fit = pair_fit((uint8_t)ov_db_i64(q, 1), (uint8_t)(ov_db_i64(q, 4) & 15));
		r->fits[fit] += n;
		r->fits_by_theirs +=
		    fit == OV_FIT_YES && ov_db_i64(q, 1) == OV_FIT_UNKNOWN ? n : 0;
		r->bands |= (ov_db_i64(q, 4) & 15) != OV_BAND_NONE;
		r->matches += n;
		r->rows += rows;
		for (size_t i = 0; i < r->n_mine; i++)
			if (r->mine[i].number == ov_db_i64(q, 0)) {
				r->mine[i].matched += n;
				r->mine[i].rows += rows;
			}
	}
done:
	ov_db_finish(q);
	return st;
}

static enum ov_status
take_out(void *arg, const struct ov_report_match *m)
{
	struct ov_report *r = arg;

	if (m->fit >= 3 || r->matches == 0 || r->fits[m->fit] == 0 || r->rows < m->rows)
		return OV_E_DB_FAILED;
	r->wrong++;
	r->matches--;
	r->fits[m->fit]--;
	if (m->fit == OV_FIT_YES && m->own_fit == OV_FIT_UNKNOWN)
		r->fits_by_theirs--;
	r->rows -= m->rows;
	for (size_t i = 0; i < r->n_mine; i++)
		if (r->mine[i].number == m->mine) {
			r->mine[i].matched--;
			r->mine[i].rows -= m->rows;
		}
	return OV_OK;
}

/* What a person found to be wrong counts no more. */
static enum ov_status
take_wrong_out(struct ov_report *r, struct ov_db *db)
{
	static const struct ov_match_filter wrong = { .wrong = OV_WRONG_ALONE };
	int64_t any;
	enum ov_status st;

	OV_TRY(ov_db_number(&any, db,
	    "SELECT EXISTS (SELECT 1 FROM match_wrong WHERE partner = ?)",
	    OV_DB_BLOB(r->partner, OV_ID)));
	if (any != 0)
		OV_TRY(ov_report_matches(db, r, &wrong, take_out, r));
done:
	return st;
}

enum ov_status
ov_report_load(
    struct ov_report *out, struct ov_db *db, const struct ov_report_choice *choice)
{
	struct job_row j;
	enum ov_status st;

	memset(out, 0, sizeof(*out));
	OV_TRY(choice->job != NULL ? choose_named(&j, &out->newer, db, choice->job)
				   : choose_newest(&j, &out->newer, db, choice->partner));
	memcpy(out->job, j.id, OV_ID);
	memcpy(out->partner, j.partner, OV_ID);
	out->role = j.role;
	out->closed = j.closed;
	out->terms_sequence = j.terms_sequence;
	out->partner_verdict = j.partner_verdict;
	out->records = j.records;
	out->tokens = j.tokens;
	OV_TRY(load_populations(out, db));
	OV_TRY(load_cells(out, db));
	OV_TRY(load_bands(out, db));
	OV_TRY(load_totals(out, db));
	OV_TRY(take_wrong_out(out, db));
	OV_TRY(ov_report_load_counts(out, db));
	OV_TRY(ov_report_load_charges(out, db));
done:
	return st;
}

static int
hex_digit(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

enum ov_status
ov_report_find_job(uint8_t job[OV_ID], struct ov_db *db, const char *hex)
{
	uint8_t low[OV_ID], high[OV_ID];
	struct ov_db_stmt *q = NULL;
	size_t len = strlen(hex);
	bool row = false;
	enum ov_status st = OV_OK;

	OV_REQUIRE(len >= 8 && len <= 2 * OV_ID, OV_E_NOT_FOUND);
	memset(low, 0, sizeof(low));
	memset(high, 0xff, sizeof(high));
	for (size_t i = 0; i < len; i++) {
		int shift = i % 2 == 0 ? 4 : 0, digit = hex_digit(hex[i]);

		OV_REQUIRE(digit >= 0, OV_E_NOT_FOUND);
		low[i / 2] = (uint8_t)(low[i / 2] | digit << shift);
		high[i / 2] = (uint8_t)((high[i / 2] & ~(15 << shift)) | digit << shift);
	}
	OV_TRY(ov_db_query(&q, db, "SELECT id FROM job WHERE id BETWEEN ? AND ? LIMIT 2",
	    OV_DB_BLOB(low, OV_ID), OV_DB_BLOB(high, OV_ID)));
	OV_TRY(ov_db_step(q, &row));
	OV_REQUIRE(row, OV_E_NOT_FOUND);
	OV_TRY(ov_db_copy(low, OV_ID, q, 0));
	OV_TRY(ov_db_step(q, &row));
	OV_REQUIRE(!row, OV_E_NOT_FOUND);
	memcpy(job, low, OV_ID);
done:
	ov_db_finish(q);
	return st;
}

const struct ov_cell_row *
ov_report_cell(const struct ov_report *r, uint8_t mine, uint8_t theirs)
{
	for (size_t i = 0; i < r->n_cells; i++)
		if (r->cell[i].own == mine && r->cell[i].other == theirs)
			return &r->cell[i];
	return NULL;
}

const char *
ov_fit_text(uint8_t fit)
{
	static const char *const text[] = {
		[OV_FIT_UNKNOWN] = "unknown", [OV_FIT_NO] = "no", [OV_FIT_YES] = "yes"
	};

	return fit < sizeof(text) / sizeof(text[0]) ? text[fit] : "?";
}

static const char *
name_of(const struct ov_report_population *p, size_t n, uint8_t number)
{
	for (size_t i = 0; i < n; i++)
		if (p[i].number == number)
			return p[i].name;
	return "?";
}

const char *
ov_report_mine(const struct ov_report *r, uint8_t number)
{
	return name_of(r->mine, r->n_mine, number);
}

const char *
ov_report_theirs(const struct ov_report *r, uint8_t number)
{
	return name_of(r->theirs, r->n_theirs, number);
}

static bool
is_wrong(const struct ov_wrong *wrong, const struct ov_report *r,
    const struct ov_report_match *m)
{
	return ov_wrong_has(wrong, &(struct ov_wrong_match){ m->rank,
				       ov_report_theirs(r, m->theirs), m->ids, m->name });
}

static bool
passes(const struct ov_match_filter *f, const struct ov_report_match *m)
{
	return (f->mine == 0 || (f->mine >> m->mine & 1) != 0) &&
	       (f->theirs == 0 || (f->theirs >> m->theirs & 1) != 0) &&
	       (f->fits == 0 || (f->fits >> m->fit & 1) != 0);
}

static const char *
kind_of(uint8_t rank, const char *kept)
{
	const char *kind = kept[0] != '\0' ? kept : ov_rank_kind(rank);

	return kind != NULL ? kind : "?";
}

enum ov_status
ov_report_matches(struct ov_db *db, const struct ov_report *r,
    const struct ov_match_filter *filter,
    enum ov_status (*visit)(void *arg, const struct ov_report_match *m), void *arg)
{
	struct ov_wrong *wrong = NULL;
	struct ov_db_stmt *q = NULL;
	struct ov_report_match m;
	bool row;
	enum ov_status st;

	OV_TRY(ov_wrong_load(&wrong, db, r->partner));
	OV_TRY(ov_db_query(&q, db,
	    "SELECT number, rank, label, population, fit, rows, account_ids, name, kind"
	    " FROM match_account WHERE job = ? ORDER BY number",
	    OV_DB_BLOB(r->job, OV_ID)));
	for (;;) {
		OV_TRY(ov_db_step(q, &row));
		if (!row)
			break;
		m.number = (uint32_t)ov_db_i64(q, 0);
		m.rank = (uint8_t)ov_db_i64(q, 1);
		m.theirs = OV_LABEL_POPULATION((uint8_t)ov_db_i64(q, 2));
		m.band = OV_LABEL_BAND((uint8_t)ov_db_i64(q, 2));
		m.mine = (uint8_t)ov_db_i64(q, 3) & 15;
		m.own_fit = (uint8_t)ov_db_i64(q, 4) & 3;
		m.fit = pair_fit(m.own_fit, m.band);
		m.rows = (uint64_t)ov_db_i64(q, 5);
		m.ids = ov_db_text(q, 6);
		m.name = ov_db_text(q, 7);
		m.kind = kind_of(m.rank, ov_db_text(q, 8));
		if (!passes(filter, &m))
			continue;
		if (filter->wrong != OV_WRONG_TOO &&
		    is_wrong(wrong, r, &m) != (filter->wrong == OV_WRONG_ALONE))
			continue;
		OV_TRY(visit(arg, &m));
	}
done:
	ov_db_finish(q);
	ov_wrong_free(wrong);
	return st;
}
