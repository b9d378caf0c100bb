#include "client/schema.h"

#include "client/book/book.h"
#include "client/identity.h"
#include "client/job/profile.h"
#include "client/job/record.h"
#include "client/job/verdict.h"
#include "client/ledger.h"
#include "client/wrong.h"

/* Keys, the broker, the pinned head.
 * Sealed columns end in _sealed (home.h); times are seconds since 1970. */
static const char home_1[] =
    "CREATE TABLE home("
    "  id INTEGER PRIMARY KEY CHECK(id = 1),"
    "  key_kind INTEGER NOT NULL,"
    "  salt BLOB NOT NULL," /* of the passphrase */
    "  master_sealed BLOB NOT NULL,"
    "  identity BLOB NOT NULL,"
    "  envelope BLOB NOT NULL,"
    "  identity_sealed BLOB NOT NULL,"
    "  envelope_sealed BLOB NOT NULL,"
    "  created INTEGER NOT NULL) STRICT;"
    "CREATE TABLE broker("
    "  id INTEGER PRIMARY KEY CHECK(id = 1),"
    "  name TEXT NOT NULL," /* of this company */
    "  address TEXT NOT NULL,"
    "  log_key BLOB NOT NULL,"
    "  report_key BLOB NOT NULL,"
    "  ca TEXT NOT NULL,"
    "  certificate TEXT NOT NULL,"
    "  tls_key_sealed BLOB NOT NULL,"
    "  joined INTEGER NOT NULL) STRICT;"
    /* What a join drew before it asked the broker, so that asking again is the same. */
    "CREATE TABLE joining("
    "  id INTEGER PRIMARY KEY CHECK(id = 1),"
    "  token BLOB NOT NULL," /* digest */
    "  body_sealed BLOB NOT NULL,"
    "  tls_key_sealed BLOB NOT NULL) STRICT;"
    /* The newest tree head that was verified. */
    "CREATE TABLE pin("
    "  id INTEGER PRIMARY KEY CHECK(id = 1),"
    "  log BLOB NOT NULL,"
    "  size INTEGER NOT NULL,"
    "  root BLOB NOT NULL,"
    "  head BLOB NOT NULL,"
    "  signature BLOB NOT NULL) STRICT";

/* Partners, invitations, mail both ways, terms, holds. */
static const char home_2[] =
    "CREATE TABLE partner("
    "  company BLOB PRIMARY KEY,"
    "  identity BLOB NOT NULL UNIQUE,"
    "  envelope BLOB NOT NULL,"
    "  name TEXT NOT NULL,"
    "  state INTEGER NOT NULL,"
    "  paired INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    /* Invitations: mine = 1 were made here; 0 were accepted here.  The secret goes when
     * the pairing is done. */
    "CREATE TABLE invitation("
    "  invitation BLOB PRIMARY KEY,"
    "  mine INTEGER NOT NULL,"
    "  secret_sealed BLOB,"
    "  created INTEGER NOT NULL,"
    "  expiry INTEGER NOT NULL,"
    "  company BLOB," /* who used it, or who made it */
    "  identity BLOB,"
    "  envelope BLOB,"
    "  name TEXT,"
    "  request BLOB," /* digest of the request that used it */
    "  done INTEGER NOT NULL DEFAULT 0) STRICT, WITHOUT ROWID;"
    "CREATE TABLE mail_out("
    "  id INTEGER PRIMARY KEY,"
    "  company BLOB NOT NULL,"
    "  mail BLOB NOT NULL,"
    "  kind INTEGER NOT NULL,"
    "  body BLOB NOT NULL,"
    "  created INTEGER NOT NULL,"
    "  sent INTEGER,"
    "  refused TEXT," /* status by name: the broker will not have it */
    "  UNIQUE(company, mail)) STRICT;"
    "CREATE INDEX mail_out_waiting ON mail_out(id) WHERE sent IS NULL AND refused IS "
    "NULL;"
    "CREATE TABLE mail_in("
    "  id INTEGER PRIMARY KEY,"
    "  seq INTEGER NOT NULL,"
    "  company BLOB NOT NULL,"
    "  mail BLOB NOT NULL,"
    "  kind INTEGER NOT NULL,"
    "  sent INTEGER NOT NULL,"
    "  received INTEGER NOT NULL,"
    "  body BLOB," /* NULL when done */
    "  state INTEGER NOT NULL,"
    "  reason TEXT," /* of a refusal, a status by name */
    "  UNIQUE(seq, company, mail)) STRICT;"
    "CREATE INDEX mail_in_state ON mail_in(state, id);"
    /* The newest sheet of each side. */
    "CREATE TABLE sheet("
    "  company BLOB NOT NULL,"
    "  mine INTEGER NOT NULL,"
    "  sequence INTEGER NOT NULL,"
    "  grants BLOB NOT NULL,"
    "  policy BLOB,"	/* mine: the file it came from */
    "  consented BLOB," /* mine: digest of the partner's criteria that a person saw */
    "  at INTEGER NOT NULL,"
    "  PRIMARY KEY(company, mine)) STRICT, WITHOUT ROWID;"
    /* What was signed here, one body a sequence number. */
    "CREATE TABLE terms("
    "  company BLOB NOT NULL,"
    "  sequence INTEGER NOT NULL,"
    "  state INTEGER NOT NULL," /* enum ov_terms_state */
    "  body BLOB NOT NULL,"
    "  terms BLOB NOT NULL,"
    "  release BLOB NOT NULL,"
    "  sealed BLOB NOT NULL,"
    "  signature_mine BLOB NOT NULL,"
    "  signature_theirs BLOB,"
    "  proof BLOB," /* a PROVEN message: its place in the log */
    "  since INTEGER,"
    "  PRIMARY KEY(company, sequence)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE hold("
    "  id INTEGER PRIMARY KEY,"
    "  kind INTEGER NOT NULL,"
    "  company BLOB NOT NULL,"
    "  reason TEXT NOT NULL,"
    "  since INTEGER NOT NULL,"
    "  cleared INTEGER) STRICT;"
    "CREATE INDEX hold_open ON hold(kind, company) WHERE cleared IS NULL";

/* What a person saw of the partner's sheet; NULL: nothing yet. */
static const char home_3[] = "ALTER TABLE sheet ADD COLUMN seen BLOB";

/* The partner's criteria that were accepted last. */
static const char home_4[] = "CREATE TABLE criteria("
			     "  company BLOB PRIMARY KEY,"
			     "  digest BLOB NOT NULL,"
			     "  at INTEGER NOT NULL) STRICT, WITHOUT ROWID";

/* What partners ask for; ends of partnerships: the last one of each company. */
static const char home_5[] =
    "CREATE TABLE ask("
    "  company BLOB PRIMARY KEY,"
    "  digest BLOB NOT NULL," /* of the mail */
    "  sequence INTEGER NOT NULL,"
    "  populations BLOB NOT NULL,"
    "  text BLOB NOT NULL,"
    "  at INTEGER NOT NULL,"
    "  done INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE ended("
    "  company BLOB PRIMARY KEY,"
    "  mine INTEGER NOT NULL,"
    "  digest BLOB NOT NULL," /* of TERMS_END */
    "  sequence INTEGER NOT NULL,"
    "  created INTEGER NOT NULL," /* by the clock of the side that ended it */
    "  at INTEGER NOT NULL,"
    "  confirmed INTEGER) STRICT, WITHOUT ROWID";

/* The group that the partner was in when its criteria were accepted. */
static const char home_6[] = "ALTER TABLE criteria ADD COLUMN group_name TEXT";

/* What this side said of ends of partnerships, as it was sent, with its place in the log.
 */
static const char home_7[] = "CREATE TABLE ended_proof("
			     "  company BLOB NOT NULL,"	  /* the partner */
			     "  kind INTEGER NOT NULL,"	  /* of the mail */
			     "  ending BLOB NOT NULL,"	  /* digest of TERMS_END */
			     "  statement BLOB NOT NULL," /* message, signature */
			     "  proof BLOB NOT NULL,"	  /* a PROVEN message */
			     "  PRIMARY KEY(company, kind, ending)) STRICT";

const char *const ov_schema[] = {
	home_1,
	home_2,
	ov_book_schema_1,
	ov_job_schema_1,
	ov_job_schema_2,
	ov_book_schema_2,
	ov_job_profile_schema_1,
	home_3,
	ov_ledger_schema_1,
	ov_job_schema_3,
	ov_book_schema_3,
	ov_book_schema_4,
	ov_wrong_schema_1,
	ov_book_schema_5,
	home_4,
	ov_job_bands_schema_1,
	ov_identity_schema_1,
	home_5,
	ov_verdict_schema_1,
	home_6,
	ov_book_schema_6,
	ov_job_schema_4,
	ov_book_schema_7,
	ov_job_schema_5,
	ov_job_schema_6,
	home_7,
	ov_identity_schema_2,
};
const size_t ov_schema_n = sizeof(ov_schema) / sizeof(ov_schema[0]);
