/* mail.h - mail through the broker (PROTOCOL 4): an outbox, and the processing of what
 * comes.
 *
 * Both directions survive a crash at any point.  What is to be sent is stored with the
 * decision that causes it and sent again until the broker has it.  What comes is stored,
 * then dropped at the broker, then worked on; a mail whose processing failed for a
 * passing reason (no connection, no memory) stays and is worked on again.
 */
#ifndef OV_CLIENT_MAIL_H
#define OV_CLIENT_MAIL_H

#include "client/home.h"
#include "client/session.h"

/* Puts a mail into the outbox, inside the caller's transaction.  Its id is the first 16
 * bytes of the digest of its body, so the same mail twice is one. */
OV_MUST_CHECK enum ov_status ov_mail_put(struct ov_home *home, const uint8_t to[OV_ID],
    enum ov_mail kind, struct ov_bytes body);

/* Both inside the caller's transaction.  Mail that was fetched and not worked on goes,
 * but for partners' statements that wait; and: this very mail was worked on, so that a
 * crash right afterwards does not repeat it.
 */
OV_MUST_CHECK enum ov_status ov_mail_drop_new(struct ov_home *home);
OV_MUST_CHECK enum ov_status ov_mail_done_within(
    struct ov_home *home, const uint8_t from[OV_ID], struct ov_bytes body);

/* Sends what is in the outbox. */
OV_MUST_CHECK enum ov_status ov_mail_flush(struct ov_home *home, struct ov_session *s);

/* What the owner of jobs and of co-selling does with its mails; any may be NULL: such
 * mail is kept until somebody takes it.  OV_OK: done, the mail may go.  A status of class
 * HOST, or one that passes (ov_session_is_passing): keep it, try again later.  Else: the
 * mail is marked as refused for this reason and shown by `inbox`. */
struct ov_mail_handlers {
	enum ov_status (*job)(void *arg, const uint8_t job[OV_ID]);
	enum ov_status (*cosell)(
	    void *arg, const uint8_t from[OV_ID], struct ov_bytes body);
	void *arg;
};

/* Flushes the outbox, fetches mail in order, stores it, drops it at the broker and works
 * on it, until there is no more; waits up to wait_ms for the first one.  The caller has
 * claimed the home.  *n (may be NULL): how many were worked on.  handlers may be NULL.
 * Mail that is refused is no failure.  After it, terms with every partner were moved as
 * far as they go without a person. */
OV_MUST_CHECK enum ov_status ov_mail_process(size_t *n, struct ov_home *home,
    struct ov_session *s, const struct ov_mail_handlers *handlers, uint32_t wait_ms);

/* Stores statements of partners that change (PROTOCOL 5.4) and wait for who this company
 * was: s was opened before its own change.  ov_mail_process works on them.  Other mail is
 * for keys that are gone and stays where it is. */
OV_MUST_CHECK enum ov_status ov_mail_fetch_statements(
    struct ov_home *home, struct ov_session *s);

/* Waits up to wait_ms until the broker has mail for this company, and takes none: the
 * home need not be claimed meanwhile.  OV_OK also when there is none; else as the
 * session. */
OV_MUST_CHECK enum ov_status ov_mail_await(struct ov_session *s, uint32_t wait_ms);

/* A mail that was refused; of a kind that this release does not know: E_WIRE_UNKNOWN. */
struct ov_mail_note {
	uint8_t from[OV_ID];
	enum ov_mail kind;
	uint64_t received;
	enum ov_status reason;
};

/* Newest first.  visit's failure ends the walk; it does not write to the database. */
OV_MUST_CHECK enum ov_status ov_mail_each_note(struct ov_home *home,
    enum ov_status (*visit)(void *arg, const struct ov_mail_note *note), void *arg);

/* Proposals of partners that nobody has taken yet. */
OV_MUST_CHECK enum ov_status ov_mail_proposals(uint64_t *n, struct ov_home *home);

/* A person has seen the refusals: forgets them. */
OV_MUST_CHECK enum ov_status ov_mail_forget_refused(struct ov_home *home);

#endif /* OV_CLIENT_MAIL_H */
