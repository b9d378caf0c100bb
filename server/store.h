/* store.h - everything the broker must not forget, behind one interface.
 *
 * A fact is one transaction: begin, read what it depends on, write, append its leaf
 * to the log, commit under a name.  What was committed survives any kill; what was
 * not never happened.  Nothing here decides: which step may follow, who may ask and
 * how much is the business of the handlers.
 *
 *     struct ov_tx *tx = NULL;
 *     OV_TRY(ov_tx_begin(&tx, store));
 *     ...
 *     OV_TRY(ov_tx_commit(&tx, "job.step"));
 * done:
 *     ov_tx_end(&tx);
 *
 * Any thread may begin; one transaction runs at a time, so keep them short: no
 * cryptography over streams, no waiting inside.  Ids of companies, jobs and mails
 * are 16 bytes, times are seconds since 1970.  Functions that look for one thing
 * return OV_E_NOT_FOUND without it; all may return OV_E_NOMEM and OV_E_DB_*.
 * Outputs into a struct ov_buf are appended.
 */
#ifndef OV_SERVER_STORE_H
#define OV_SERVER_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/merkle/merkle.h"
#include "proto/budget.h"
#include "proto/codec.h"
#include "proto/steps.h"

#define OV_NAME_MAX 64
#define OV_REASON_MAX 64

struct ov_store;
struct ov_tx;

/* Opens or creates the file, mode 0600, and migrates it. */
OV_MUST_CHECK enum ov_status ov_store_open(struct ov_store **out, const char *path);
void ov_store_close(struct ov_store *store); /* NULL is fine; no transaction is open */

/* A consistent copy while the broker works.  OV_E_DB_OPEN if the file exists. */
OV_MUST_CHECK enum ov_status ov_store_backup(struct ov_store *store, const char *path);

/* Empties the write-ahead log, so that what was deleted is in no file any more.  Now and
 * then; not while a transaction is open in this thread. */
OV_MUST_CHECK enum ov_status ov_store_sweep(struct ov_store *store);

/* begin waits for its turn.  commit sets *tx to NULL, whether it succeeds or not; name:
 * a literal.  end rolls back if there is something to roll back; *tx may be NULL. */
OV_MUST_CHECK enum ov_status ov_tx_begin(struct ov_tx **tx, struct ov_store *store);
#define ov_tx_commit(tx, name) ov_tx_commit_((tx), "" name)
OV_MUST_CHECK enum ov_status ov_tx_commit_(struct ov_tx **tx, const char *name);
void ov_tx_end(struct ov_tx **tx);

/* What putting a thing that has an id did.  A different second one is never kept in
 * place of the first. */
enum ov_put_result { OV_PUT_NEW, OV_PUT_SAME, OV_PUT_DIFFERENT };

/* --- settings that are facts: the log's id --- */
OV_MUST_CHECK enum ov_status ov_store_log_id(struct ov_tx *tx, uint8_t id[OV_ID]);
OV_MUST_CHECK enum ov_status ov_store_set_log_id(
    struct ov_tx *tx, const uint8_t id[OV_ID]);

/* --- companies --- */
enum ov_company_status {
	OV_COMPANY_ACTIVE = 1,
	OV_COMPANY_REVOKED = 2,
	OV_COMPANY_REMOVED = 3 /* its name is free again */
};
struct ov_company {
	uint8_t id[OV_ID];
	char name[OV_NAME_MAX + 1];
	uint8_t identity[32];
	uint8_t envelope[32];
	uint8_t fingerprint[32]; /* SHA-256 of the TLS certificate in force */
	enum ov_company_status status;
	int64_t enrolled;
	int64_t changed;
};

/* Adds a company.  OV_E_BROKER_EXISTS if an active or revoked one has that name, or any
 * has that id, identity or fingerprint. */
OV_MUST_CHECK enum ov_status ov_store_company_add(
    struct ov_tx *tx, const struct ov_company *c);
/* Overwrites envelope, fingerprint, status and changed of the company c->id. */
OV_MUST_CHECK enum ov_status ov_store_company_update(
    struct ov_tx *tx, const struct ov_company *c);
OV_MUST_CHECK enum ov_status ov_store_company(
    struct ov_tx *tx, struct ov_company *out, const uint8_t id[OV_ID]);
/* Removed companies have no name. */
OV_MUST_CHECK enum ov_status ov_store_company_named(
    struct ov_tx *tx, struct ov_company *out, const char *name);
/* The company of a certificate.  Needs no transaction and never waits for one: asked in
 * TLS handshakes. */
OV_MUST_CHECK enum ov_status ov_store_company_of_certificate(
    struct ov_store *store, struct ov_company *out, const uint8_t fingerprint[32]);
/* Calls visit for each company, by name; its failure ends the walk and is returned. */
OV_MUST_CHECK enum ov_status ov_store_companies(struct ov_tx *tx,
    enum ov_status (*visit)(void *arg, const struct ov_company *c), void *arg);

/* --- enrolment tokens: only their hashes --- */
struct ov_token {
	uint8_t hash[32];
	char name[OV_NAME_MAX + 1];
	int64_t created;
	int64_t expiry;
	bool used;
	uint8_t request[OV_DIGEST]; /* used: digest of the request it was used by */
};
OV_MUST_CHECK enum ov_status ov_store_token_add(
    struct ov_tx *tx, const struct ov_token *t);
OV_MUST_CHECK enum ov_status ov_store_token(
    struct ov_tx *tx, struct ov_token *out, const uint8_t hash[32]);
/* Marks it used and keeps the reply for the same request asked again.
 * OV_E_BROKER_TOKEN if it is used already. */
OV_MUST_CHECK enum ov_status ov_store_token_use(struct ov_tx *tx, const uint8_t hash[32],
    const uint8_t request[OV_DIGEST], struct ov_bytes reply);
OV_MUST_CHECK enum ov_status ov_store_token_reply(
    struct ov_tx *tx, struct ov_buf *reply, const uint8_t hash[32]);
OV_MUST_CHECK enum ov_status ov_store_tokens_waiting(struct ov_tx *tx, uint64_t *n);
OV_MUST_CHECK enum ov_status ov_store_tokens_expire(struct ov_tx *tx, int64_t before);
/* Deletes those of this name that nobody used. */
OV_MUST_CHECK enum ov_status ov_store_tokens_withdraw(struct ov_tx *tx, const char *name);

/* --- transparency log --- */
struct ov_log_leaf {
	uint64_t index;
	uint8_t type; /* enum ov_leaf */
	uint8_t salt[16];
};
/* Appends type || salt || body with a fresh salt, and the nodes it completes. */
OV_MUST_CHECK enum ov_status ov_store_log_append(
    struct ov_tx *tx, struct ov_log_leaf *out, enum ov_leaf type, struct ov_bytes body);
OV_MUST_CHECK enum ov_status ov_store_log_size(struct ov_tx *tx, uint64_t *size);
/* body may be NULL. */
OV_MUST_CHECK enum ov_status ov_store_log_leaf(
    struct ov_tx *tx, struct ov_log_leaf *out, struct ov_buf *body, uint64_t index);
/* Reader of the nodes, for roots and proofs; as long as tx is open. */
struct ov_merkle_store ov_store_log_nodes(struct ov_tx *tx);

/* --- mail between companies --- */
struct ov_mail_row {
	uint64_t seq; /* given by the store, growing */
	uint8_t from[OV_ID], to[OV_ID], mail[OV_ID];
	uint8_t kind; /* enum ov_mail */
	int64_t sent;
	bool logged; /* by ov_store_mail_put, for SAME: it is a leaf, too: */
	uint64_t leaf;
};
/* The same (from, mail) again is SAME or DIFFERENT; row->seq is set for NEW and SAME. */
OV_MUST_CHECK enum ov_status ov_store_mail_put(struct ov_tx *tx, enum ov_put_result *how,
    struct ov_mail_row *row, struct ov_bytes body);
/* The mail row->seq stands in the log as row->leaf. */
OV_MUST_CHECK enum ov_status ov_store_mail_logged(
    struct ov_tx *tx, const struct ov_mail_row *row);
/* The first mail to a company with seq > after. */
OV_MUST_CHECK enum ov_status ov_store_mail_next(struct ov_tx *tx, struct ov_mail_row *out,
    struct ov_buf *body, const uint8_t to[OV_ID], uint64_t after);
/* Bodies up to seq are deleted; ids are kept a while, so that re-sent mail stays SAME. */
OV_MUST_CHECK enum ov_status ov_store_mail_drop(
    struct ov_tx *tx, const uint8_t to[OV_ID], uint64_t upto);
/* Deletes bodies and ids of mail sent before. */
OV_MUST_CHECK enum ov_status ov_store_mail_expire(struct ov_tx *tx, int64_t before);

/* --- terms: `low` is the company whose id is smaller --- */
struct ov_terms_row {
	uint8_t low[OV_ID], high[OV_ID];
	uint64_t sequence;
	bool has_low, has_high; /* signatures; with both, leaf is its place in the log */
	uint8_t signature_low[64], signature_high[64];
	bool ended;
	uint64_t leaf;
};
struct ov_terms_bytes {
	struct ov_buf body, release;
	struct ov_buf sealed_low, sealed_high; /* by that signer, for the other */
};
void ov_terms_bytes_free(struct ov_terms_bytes *t);
/* Adds the row, or overwrites all of it but body and release; the same sequence with
 * another body or release is OV_E_DB_CONFLICT. */
OV_MUST_CHECK enum ov_status ov_store_terms_put(
    struct ov_tx *tx, const struct ov_terms_row *row, const struct ov_terms_bytes *text);
/* Marks all terms of a pair as ended and deletes what is kept for it: envelopes of terms,
 * steps and rows of its jobs that are over, mail that waits between the two, but for the
 * word that it ended and the one by which the receiver knows who says so.  What was
 * signed of the terms, the log and the ledger stay. */
OV_MUST_CHECK enum ov_status ov_store_terms_end(
    struct ov_tx *tx, const uint8_t low[OV_ID], const uint8_t high[OV_ID]);
/* Which of a pair's terms: of one sequence number, the newest, or those in force
 * (signed by both, not ended, the greatest number).  text may be NULL. */
#define OV_STORE_TERMS_NEWEST 0
#define OV_STORE_TERMS_IN_FORCE UINT64_MAX
OV_MUST_CHECK enum ov_status ov_store_terms(struct ov_tx *tx, struct ov_terms_row *out,
    struct ov_terms_bytes *text, const uint8_t low[OV_ID], const uint8_t high[OV_ID],
    uint64_t sequence);

/* --- jobs --- */
struct ov_job {
	uint64_t seq; /* given by the store, growing */
	uint8_t id[OV_ID], a[OV_ID], b[OV_ID];
	enum ov_job_state state;
	int64_t created, deadline;
	uint32_t steps; /* bit s: step s is stored */
	uint32_t slots_a, slots_b;
	uint64_t terms; /* sequence of the terms it runs under */
	char reason[OV_REASON_MAX + 1];
};
/* OV_E_DB_CONFLICT if the id is taken. */
OV_MUST_CHECK enum ov_status ov_store_job_add(struct ov_tx *tx, struct ov_job *job);
/* Overwrites state, deadline, steps, slots and reason. */
OV_MUST_CHECK enum ov_status ov_store_job_update(
    struct ov_tx *tx, const struct ov_job *job);
OV_MUST_CHECK enum ov_status ov_store_job(
    struct ov_tx *tx, struct ov_job *out, const uint8_t id[OV_ID]);
/* The oldest job between two companies, whoever proposed it, that is not final. */
OV_MUST_CHECK enum ov_status ov_store_job_between(struct ov_tx *tx, struct ov_job *out,
    const uint8_t one[OV_ID], const uint8_t other[OV_ID]);
OV_MUST_CHECK enum ov_status ov_store_jobs_open(
    struct ov_tx *tx, uint64_t *n, const uint8_t company[OV_ID]);
/* The open job whose deadline is the earliest; OV_E_NOT_FOUND if none is open. */
OV_MUST_CHECK enum ov_status ov_store_job_due(struct ov_tx *tx, struct ov_job *out);
/* Walks jobs by seq from after + 1 on, at most limit; company may be NULL: all. */
struct ov_job_walk {
	const uint8_t *company;
	uint64_t after;
	bool open_only;
	uint32_t limit;
};
OV_MUST_CHECK enum ov_status ov_store_jobs(struct ov_tx *tx, const struct ov_job_walk *w,
    enum ov_status (*visit)(void *arg, const struct ov_job *job), void *arg);

/* --- signed steps --- */
struct ov_step_row {
	uint8_t signature[64];
	uint64_t leaf; /* its place in the log */
};
/* The first one for (job, step) wins.  A different second one is kept apart as
 * evidence (one of them) and reported as DIFFERENT. */
OV_MUST_CHECK enum ov_status ov_store_step_put(struct ov_tx *tx, enum ov_put_result *how,
    const uint8_t job[OV_ID], unsigned int step, const struct ov_step_row *row,
    struct ov_bytes body);
OV_MUST_CHECK enum ov_status ov_store_step(struct ov_tx *tx, struct ov_step_row *out,
    struct ov_buf *body, const uint8_t job[OV_ID], unsigned int step);

/* --- streams --- */
struct ov_stream_row {
	uint32_t next; /* chunks stored, from 0 without a gap */
	bool last;     /* the last of them ends the stream */
	uint64_t bytes;
	bool measured; /* its digest is known */
	uint8_t digest[OV_DIGEST];
};
struct ov_chunk_at {
	const uint8_t *job; /* 16 */
	unsigned int stream;
	uint32_t index;
};
/* Of a stream without chunks: zeros. */
OV_MUST_CHECK enum ov_status ov_store_stream(struct ov_tx *tx, struct ov_stream_row *out,
    const uint8_t job[OV_ID], unsigned int stream);
/* Remembers the digest of a stream that has its last chunk: it never changes again. */
OV_MUST_CHECK enum ov_status ov_store_stream_measured(struct ov_tx *tx,
    const uint8_t job[OV_ID], unsigned int stream, const uint8_t digest[OV_DIGEST]);
/* Chunks come in order: an index past the next, or after the last, is
 * OV_E_PROTO_UNEXPECTED.  owner: the company whose quota it uses, NULL for none. */
OV_MUST_CHECK enum ov_status ov_store_chunk_put(struct ov_tx *tx, enum ov_put_result *how,
    const struct ov_chunk_at *at, bool last, struct ov_bytes body,
    const uint8_t owner[OV_ID]);
OV_MUST_CHECK enum ov_status ov_store_chunk(
    struct ov_tx *tx, struct ov_buf *body, bool *last, const struct ov_chunk_at *at);
/* Takes all streams of a job away: from now on they have no chunks.  What these held is
 * erased by ov_store_streams_erase, since that takes long. */
OV_MUST_CHECK enum ov_status ov_store_streams_drop(
    struct ov_tx *tx, const uint8_t job[OV_ID]);
/* Erases a few chunks of dropped streams, securely; *more: call again. */
OV_MUST_CHECK enum ov_status ov_store_streams_erase(struct ov_tx *tx, bool *more);
/* Takes one stream of a job away and erases a few of its chunks; *more: call again
 * before anything is put. */
OV_MUST_CHECK enum ov_status ov_store_stream_restart(
    struct ov_tx *tx, bool *more, const uint8_t job[OV_ID], unsigned int stream);
/* Bytes of the mails, streams and signed terms that a company has stored, and
 * OV_STORE_ROW for each mail and each of the terms. */
#define OV_STORE_ROW 256
OV_MUST_CHECK enum ov_status ov_store_usage(
    struct ov_tx *tx, uint64_t *bytes, const uint8_t company[OV_ID]);

/* --- ledger of a pair: what was charged, never taken back --- */
struct ov_charge {
	uint8_t low[OV_ID], high[OV_ID];
	uint8_t job[OV_ID];
	int64_t at;
	/* [0]: low's: slots that it asked about, thousandths spent for its view */
	uint64_t slots[2], epsilon[2];
};
/* One a job; the same job again overwrites nothing and adds nothing. */
OV_MUST_CHECK enum ov_status ov_store_charge(struct ov_tx *tx, const struct ov_charge *c);
/* What a job was charged; OV_E_NOT_FOUND. */
OV_MUST_CHECK enum ov_status ov_store_charged(
    struct ov_tx *tx, struct ov_charge *out, const uint8_t job[OV_ID]);

/* A pair at a time, the job `except` left out (NULL: none); for what a view costs and
 * what may be spent on views in 365 days. */
struct ov_ledger_query {
	const uint8_t *low, *high, *except;
	int64_t now;
	uint64_t epsilon, year_epsilon;
};
struct ov_ledger {
	uint64_t runs_30d;
	uint64_t slots[2], slots_30d[2]; /* [0]: low's; ever, and lately */
	uint64_t epsilon_365d[2];	 /* thousandths, for that side's views */
	struct ov_budget_past views[2];
};
OV_MUST_CHECK enum ov_status ov_store_ledger(
    struct ov_tx *tx, struct ov_ledger *out, const struct ov_ledger_query *q);

#endif /* OV_SERVER_STORE_H */
