/* session.h - one conversation with the broker: calls that are repeated until they are
 * answered, and a log that may only grow.
 *
 * A session connects when it is first needed and again whenever the connection breaks:
 * every call of the protocol may be repeated, so the caller sees one answer or one
 * failure.  When the broker stays unreachable for the session's patience (by default 30 s
 * with growing pauses), the call fails with OV_E_NET_UNREACHABLE; nothing is lost.
 *
 * Replies to logged steps prove that the broker's log holds them and only grew since
 * the head that this home saw last.  The first failure of such a proof sets a durable
 * hold (client/hold.h): from then on every job of this home stops until a person has
 * looked.
 *
 * A session belongs to one thread at a time and uses its home's database.
 */
#ifndef OV_CLIENT_SESSION_H
#define OV_CLIENT_SESSION_H

#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include "client/home.h"
#include "proto/messages.h"

struct ov_session;
struct ov_pending;

/* Does not connect yet.  OV_E_HOME_NOT_JOINED; asks for the home's key if need be. */
OV_MUST_CHECK enum ov_status ov_session_open(
    struct ov_session **out, struct ov_home *home);
void ov_session_close(struct ov_session *s); /* NULL is fine */

/* The home was closed and opened anew, under another identity: the session goes on, as
 * who it was. */
void ov_session_move(struct ov_session *s, struct ov_home *home);

/* How long a call goes on trying to reach the broker. */
void ov_session_set_patience(struct ov_session *s, uint32_t patience_ms);

/* While *cancel is true, calls end with OV_E_CANCELLED, within a second.  NULL: never. */
void ov_session_cancel_on(struct ov_session *s, const atomic_bool *cancel);

/* Bytes on the wire, over all connections of the session.  Both may be NULL. */
void ov_session_bytes(const struct ov_session *s, uint64_t *sent, uint64_t *received);

/* One question, one answer.  Seven parameters because they read as question, answer and
 * bound: reply's variable fields borrow from owner, which is overwritten (start with { 0
 * }, may be reused, ov_buf_free at the end).  timeout_ms bounds the broker's answer; a
 * held call (wait_ms in the question) needs a bound above its wait. ERROR replies come
 * back as the status they name: OV_E_BROKER_WAIT means not there yet; faults that only
 * the caller's own checks can find come back as OV_E_PROTO_UNEXPECTED.  OV_E_NET_LIMIT,
 * OV_E_BROKER_QUOTA and OV_E_BROKER_STOPPING are waited out within the patience, as long
 * as the broker says how long.  OV_E_TIMEOUT: connected, no answer in time.  Any other
 * message than the expected: OV_E_PROTO_UNEXPECTED. */
OV_MUST_CHECK enum ov_status ov_session_call(struct ov_session *s, enum ov_msg type,
    const void *msg, enum ov_msg reply_type, void *reply, struct ov_buf *owner,
    uint32_t timeout_ms);

/* True if a failure of a call says nothing about what was asked: this machine, the
 * network, the connection (its certificate, version or log) or a limit that passes.  What
 * was asked for is kept and tried again later. */
bool ov_session_is_passing(enum ov_status st);

/* The same in two halves, for many calls under way at once (chunks).  A started call is
 * sent again after a reconnect.  msg is encoded at once and not needed afterwards.  At
 * most OV_SESSION_PENDING_MAX are under way: one more is OV_E_BUG. */
#define OV_SESSION_PENDING_MAX 32
OV_MUST_CHECK enum ov_status ov_session_start(
    struct ov_pending **out, struct ov_session *s, enum ov_msg type, const void *msg);
/* Frees pending and sets it to NULL, whatever comes back but OV_E_TIMEOUT, after which
 * it may be waited for again. */
OV_MUST_CHECK enum ov_status ov_session_wait(struct ov_session *s,
    struct ov_pending **pending, enum ov_msg reply_type, void *reply,
    struct ov_buf *owner, uint32_t timeout_ms);
/* Gives up a started call.  NULL is fine. */
void ov_session_forget(struct ov_session *s, struct ov_pending *pending);

/* The size that goes into `seen` of the next logged call. */
uint64_t ov_session_seen(const struct ov_session *s);

/* A head as HEAD, WELCOME and PROVEN carry it, with the consistency proof from
 * ov_session_seen at the time of the call.  Checks signature, log and consistency and
 * then remembers the head durably.
 * OV_E_LOG_IDENTITY, OV_E_LOG_ROLLBACK, OV_E_LOG_PROOF: the hold is set.  An empty head
 * is refused. */
OV_MUST_CHECK enum ov_status ov_session_check_head(struct ov_session *s,
    struct ov_bytes head, const uint8_t signature[64], struct ov_bytes consistency);

/* The fields OV_FIELDS_PROVEN of a message m (STEP, TERMS_SIGNED) into a PROVEN. */
#define OV_PROVEN_OF(p, m)                                                               \
	do {                                                                             \
		(p)->leaf_type = (m)->leaf_type;                                         \
		memcpy((p)->salt, (m)->salt, sizeof((p)->salt));                         \
		(p)->index = (m)->index;                                                 \
		(p)->proof = (m)->proof;                                                 \
		(p)->head = (m)->head;                                                   \
		memcpy((p)->head_signature, (m)->head_signature, 64);                    \
		(p)->consistency = (m)->consistency;                                     \
	} while (0)

/* Asks for the newest head and remembers it as above.  For the beginning of a job. */
OV_MUST_CHECK enum ov_status ov_session_refresh(struct ov_session *s);

/* That the leaf (type of the step, salt of proven, body as PROTOCOL 3.1 lists it) stands
 * in the log under the head of proven, which is checked and remembered as above. */
OV_MUST_CHECK enum ov_status ov_session_check_proven(struct ov_session *s,
    enum ov_leaf type, struct ov_bytes leaf_body, const struct ov_msg_proven *proven);

/* The same of a call that names no size (PUT_MAIL): the broker is asked to connect the
 * head with the one that was seen.  proven NULL: it took what it has to prove and proved
 * nothing, which is a wrong proof: OV_E_LOG_PROOF, and the hold is set. */
OV_MUST_CHECK enum ov_status ov_session_check_placed(struct ov_session *s,
    enum ov_leaf type, struct ov_bytes leaf_body, const struct ov_msg_proven *proven);

/* A head that a partner signed into PROPOSE, ACCEPT or CLOSE: of the same log and one
 * tree with ours; asks the broker to prove it (PROTOCOL 3.4).  Fails as check_head. */
OV_MUST_CHECK enum ov_status ov_session_check_partner_head(
    struct ov_session *s, struct ov_bytes head, const uint8_t signature[64]);

/* The newest head that this home has verified, as PROPOSE carries it; both empty if none
 * was seen.  Borrowed until the next check. */
void ov_session_head(
    const struct ov_session *s, struct ov_bytes *head, struct ov_bytes *signature);

/* HOST of HOST:PORT, without the brackets of IPv6.  OV_E_NET_ADDRESS. */
OV_MUST_CHECK enum ov_status ov_address_host(
    char host[OV_ADDRESS_MAX + 1], const char *address);

#endif /* OV_CLIENT_SESSION_H */
