/* schema.c - the tables of jobs, migration by migration (client/schema.c has their
 * order). */
#include "client/job/record.h"

const char ov_job_schema_1[] =
    "CREATE TABLE job(id BLOB PRIMARY KEY CHECK(length(id) = 16), partner BLOB NOT NULL,"
    " role INTEGER NOT NULL, state INTEGER NOT NULL, created INTEGER NOT NULL,"
    " expiry INTEGER NOT NULL, closed INTEGER NOT NULL DEFAULT 0, slots INTEGER NOT NULL,"
    " tokens INTEGER NOT NULL, records INTEGER NOT NULL, list_digest BLOB NOT NULL,"
    " commitment_random BLOB NOT NULL, terms_sequence INTEGER NOT NULL,"
    " generation INTEGER NOT NULL, profile BLOB NOT NULL,"
    " reason TEXT NOT NULL DEFAULT 'OK', matches INTEGER NOT NULL DEFAULT 0,"
    " unchanged_since BLOB, seeds BLOB) WITHOUT ROWID;"
    "CREATE INDEX job_by_partner ON job(partner, created);"
    "CREATE TABLE job_list(job BLOB NOT NULL REFERENCES job(id), part INTEGER NOT NULL,"
    " data BLOB NOT NULL, PRIMARY KEY(job, part));"
    "CREATE TABLE job_step(job BLOB NOT NULL, step INTEGER NOT NULL, body BLOB NOT NULL,"
    " signature BLOB NOT NULL, leaf_type INTEGER, salt BLOB, leaf_index INTEGER,"
    " PRIMARY KEY(job, step)) WITHOUT ROWID;"
    "CREATE TABLE charge(job BLOB PRIMARY KEY, partner BLOB NOT NULL,"
    " time INTEGER NOT NULL, slots INTEGER NOT NULL, other_slots INTEGER NOT NULL)"
    " WITHOUT ROWID;"
    "CREATE TABLE egress(job BLOB NOT NULL, stream INTEGER NOT NULL,"
    " chunk INTEGER NOT NULL, bytes INTEGER NOT NULL, digest BLOB NOT NULL,"
    " time INTEGER NOT NULL, PRIMARY KEY(job, stream, chunk)) WITHOUT ROWID;"
    "CREATE TABLE job_match(job BLOB NOT NULL, number INTEGER NOT NULL,"
    " rank INTEGER NOT NULL, label INTEGER NOT NULL, population INTEGER NOT NULL,"
    " fit INTEGER NOT NULL, record INTEGER NOT NULL, PRIMARY KEY(job, number))"
    " WITHOUT ROWID;"
    "CREATE TABLE job_cell(job BLOB NOT NULL, own INTEGER NOT NULL,"
    " other INTEGER NOT NULL, pairs INTEGER NOT NULL, fit_own INTEGER NOT NULL,"
    " fit_other INTEGER NOT NULL, plus_minus INTEGER NOT NULL,"
    " PRIMARY KEY(job, own, other)) WITHOUT ROWID;"
    "CREATE TABLE job_population(job BLOB NOT NULL, side INTEGER NOT NULL,"
    " number INTEGER NOT NULL, name TEXT NOT NULL, accounts INTEGER NOT NULL,"
    " PRIMARY KEY(job, side, number)) WITHOUT ROWID;"
    "CREATE TABLE job_account(generation INTEGER NOT NULL, record INTEGER NOT NULL,"
    " rows INTEGER NOT NULL, name TEXT NOT NULL, ids TEXT NOT NULL,"
    " PRIMARY KEY(generation, record)) WITHOUT ROWID;"
    /* matches with their accounts: from the book while it is the one that the job froze,
     * from what was kept of it afterwards */
    "CREATE VIEW match_account AS SELECT m.job, m.number, m.rank, m.label, m.population,"
    " m.fit, coalesce(a.rows, r.rows, 0) AS rows, coalesce(a.ids, (SELECT"
    " group_concat(ext_id, ';') FROM (SELECT DISTINCT k.ext_id FROM book_member b JOIN"
    " book_row k ON k.row = b.row WHERE b.record = r.record AND k.ext_id <> ''"
    " ORDER BY k.ext_id)), '') AS account_ids, coalesce(a.name, (SELECT k.name FROM"
    " book_member b JOIN book_row k ON k.row = b.row WHERE b.record = r.record AND"
    " k.name <> '' ORDER BY k.ext_id, k.name, k.row LIMIT 1), '') AS name"
    " FROM job_match m JOIN job j ON j.id = m.job"
    " LEFT JOIN job_account a ON a.generation = j.generation AND a.record = m.record"
    " LEFT JOIN book_record r ON a.record IS NULL AND r.record = m.record AND"
    " j.generation = (SELECT generation FROM book_state);"
    "CREATE TABLE setting(name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;";

const char ov_job_bands_schema_1[] =
    "CREATE TABLE job_band(job BLOB NOT NULL, band INTEGER NOT NULL, name TEXT NOT NULL,"
    " PRIMARY KEY(job, band)) WITHOUT ROWID;";

const char ov_job_schema_2[] =
    "ALTER TABLE job_cell ADD COLUMN plus_minus_fit INTEGER NOT NULL DEFAULT 0;";

/* other_size: of the partner's list, rounded, 0 where it is not told.  level: of a
 * population of the partner; the older ones were all at matches. */
const char ov_job_schema_3[] =
    "ALTER TABLE job ADD COLUMN other_size INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE job_population ADD COLUMN level INTEGER NOT NULL DEFAULT 2;"
    "CREATE TABLE job_held(job BLOB NOT NULL, population INTEGER NOT NULL,"
    " reason INTEGER NOT NULL, next INTEGER NOT NULL, PRIMARY KEY(job, population))"
    " STRICT, WITHOUT ROWID;";

/* Second messages of steps that have one already: evidence against who signed them. */
const char ov_job_schema_4[] =
    "CREATE TABLE job_conflict(job BLOB NOT NULL, step INTEGER NOT NULL,"
    " body BLOB NOT NULL, signature BLOB NOT NULL, leaf_index INTEGER NOT NULL,"
    " PRIMARY KEY(job, step)) STRICT, WITHOUT ROWID;";

/* By which kind of key, as it is hashed; '' in older matches: what the rank says. */
const char ov_job_schema_5[] =
    "ALTER TABLE job_match ADD COLUMN kind TEXT NOT NULL DEFAULT '';"
    "DROP VIEW match_account;"
    "CREATE VIEW match_account AS SELECT m.job, m.number, m.kind, m.rank, m.label, "
    "m.population,"
    " m.fit, coalesce(a.rows, r.rows, 0) AS rows, coalesce(a.ids, (SELECT"
    " group_concat(ext_id, ';') FROM (SELECT DISTINCT k.ext_id FROM book_member b JOIN"
    " book_row k ON k.row = b.row WHERE b.record = r.record AND k.ext_id <> ''"
    " ORDER BY k.ext_id)), '') AS account_ids, coalesce(a.name, (SELECT k.name FROM"
    " book_member b JOIN book_row k ON k.row = b.row WHERE b.record = r.record AND"
    " k.name <> '' ORDER BY k.ext_id, k.name, k.row LIMIT 1), '') AS name"
    " FROM job_match m JOIN job j ON j.id = m.job"
    " LEFT JOIN job_account a ON a.generation = j.generation AND a.record = m.record"
    " LEFT JOIN book_record r ON a.record IS NULL AND r.record = m.record AND"
    " j.generation = (SELECT generation FROM book_state)";

/* number: in the order in which jobs began here, whatever the clock said; times are whole
 * seconds, and two jobs may share one. */
const char ov_job_schema_6[] =
    "ALTER TABLE job ADD COLUMN number INTEGER NOT NULL DEFAULT 0;"
    "UPDATE job SET number = (SELECT count(*) FROM job j WHERE j.created < job.created"
    " OR (j.created = job.created AND j.id <= job.id));"
    "DROP INDEX job_by_partner;"
    "CREATE INDEX job_by_partner ON job(partner, number);"
    "CREATE INDEX job_by_number ON job(number);";
