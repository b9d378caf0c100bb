#include "client/session.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/session_impl.h"
#include "common/crypto/memory.h"
#include "common/log.h"

#define PATIENCE_MS 30000
#define CONNECT_TIMEOUT_MS 10000
#define HELLO_TIMEOUT_MS 20000
#define PAUSE_FIRST_MS 100
#define PAUSE_MAX_MS 5000
#define SLICE_MS 200 /* how often a wait looks whether it is cancelled */

/* One call under way. */
struct ov_pending {
	struct ov_pending *next;
	struct ov_buf question; /* encoded, for sending it again */
	struct ov_ticket *ticket;
	uint64_t connection; /* that the ticket is of */
};

/* --- time --- */

static uint64_t
clock_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void
sleep_ms(uint32_t ms)
{
	struct timespec t = { ms / 1000, (long)(ms % 1000) * 1000000 };

	while (clock_nanosleep(CLOCK_MONOTONIC, 0, &t, &t) != 0)
		;
}

static bool
is_cancelled(const struct ov_session *s)
{
	return s->cancel != NULL && atomic_load(s->cancel);
}

/* How long a call still tries; begins with its first failure. */
struct patience {
	uint64_t until; /* 0: no failure yet */
	uint32_t pause_ms;
};

/* Waits before the next try.  hint_ms: as long as the broker asked, 0: growing pauses.
 * False when patience is at its end, at once if the hint is beyond it. */
static bool
be_patient(struct patience *p, const struct ov_session *s, uint32_t hint_ms)
{
	uint64_t now = clock_ms();
	uint32_t pause, jitter;

	if (p->until == 0)
		*p = (struct patience){ now + s->patience_ms, PAUSE_FIRST_MS };
	pause = hint_ms > 0 ? hint_ms : p->pause_ms;
	if (now + pause > p->until)
		return false;
	/* Up to half as long again, so that many clients do not come back at once. */
	ov_random(&jitter, sizeof(jitter));
	pause += jitter % (pause / 2 + 1);
	for (; pause > 0 && !is_cancelled(s);
	     pause -= pause < SLICE_MS ? pause : SLICE_MS)
		sleep_ms(pause < SLICE_MS ? pause : SLICE_MS);
	p->pause_ms = p->pause_ms * 2 < PAUSE_MAX_MS ? p->pause_ms * 2 : PAUSE_MAX_MS;
	return true;
}

/* --- connecting --- */

enum ov_status
ov_address_host(char host[OV_ADDRESS_MAX + 1], const char *address)
{
	const char *colon = strrchr(address, ':');
	size_t len = colon != NULL ? (size_t)(colon - address) : 0;

	if (len > 2 && address[0] == '[' && address[len - 1] == ']') {
		address++;
		len -= 2;
	}
	if (len == 0 || len > OV_ADDRESS_MAX)
		return OV_E_NET_ADDRESS;
	memcpy(host, address, len);
	host[len] = '\0';
	return OV_OK;
}

enum ov_status
ov_session_open(struct ov_session **out, struct ov_home *home)
{
	struct ov_session *s = calloc(1, sizeof(*s));
	struct ov_tls_client_options tls = { 0 };
	char host[OV_ADDRESS_MAX + 1], *key = NULL;
	enum ov_status st = OV_OK;

	*out = NULL;
	OV_REQUIRE(s != NULL, OV_E_NOMEM);
	OV_TRY(ov_home_require_joined(home));
	s->home = home;
	s->patience_ms = PATIENCE_MS;
	OV_TRY(ov_pin_load(&s->pin, home));
	OV_TRY(ov_address_host(host, home->broker.address));
	OV_TRY(ov_home_tls_key(&key, home));
	tls.cert_pem = home->broker.certificate_pem;
	tls.key_pem = key;
	tls.ca_pem = home->broker.ca_pem;
	tls.server_name = host;
	OV_TRY(ov_tls_client_new(&s->tls, &tls));
	OV_TRY(ov_link_new(&s->link,
	    &(struct ov_link_options){ .address = home->broker.address, .tls = s->tls }));
	*out = s;
	s = NULL;
done:
	ov_secret_free(key);
	ov_session_close(s);
	return st;
}

void
ov_session_move(struct ov_session *s, struct ov_home *home)
{
	s->home = home;
}

void
ov_session_close(struct ov_session *s)
{
	if (s == NULL)
		return;
	while (s->pending != NULL)
		ov_session_forget(s, s->pending);
	ov_link_free(s->link);
	ov_tls_context_free(s->tls);
	free(s);
}

void
ov_session_set_patience(struct ov_session *s, uint32_t patience_ms)
{
	s->patience_ms = patience_ms;
}

void
ov_session_cancel_on(struct ov_session *s, const atomic_bool *cancel)
{
	s->cancel = cancel;
}

void
ov_session_bytes(const struct ov_session *s, uint64_t *sent, uint64_t *received)
{
	struct ov_link_counters c;

	ov_link_read_counters(s->link, &c);
	if (sent != NULL)
		*sent = c.bytes_sent;
	if (received != NULL)
		*received = c.bytes_received;
}

/* What only the own checks can find, of what the partner and the broker sent and of the
 * terms: said by the broker, it must not make this home sign that a job ends so. */
static bool
is_for_us_to_find(enum ov_status st)
{
	return st == OV_E_CRYPTO_OPEN || st == OV_E_CRYPTO_KEY ||
	       st == OV_E_CRYPTO_SIGNATURE || st == OV_E_PSI_POINT ||
	       st == OV_E_PSI_DUPLICATE || st == OV_E_PROTO_COUNT ||
	       st == OV_E_PROTO_DIGEST || st == OV_E_PROTO_MISBEHAVED ||
	       st == OV_E_TERMS_CHANGED || st == OV_E_PROTO_LEGEND ||
	       st == OV_E_CAP_GROUP || st == OV_E_IDENTITY_OLD ||
	       st == OV_E_IDENTITY_UNKNOWN || st == OV_E_IDENTITY_CHANGED ||
	       st == OV_E_POLICY_REFUSED;
}

/* What an ERROR means here.  Failures of the broker's own machine are not ours. */
static enum ov_status
status_of_error(const struct ov_msg_error *e)
{
	char name[65] = { 0 };
	enum ov_status st;

	memcpy(name, e->status.p, e->status.len < 64 ? e->status.len : 64);
	st = ov_status_by_name(name);
	if (st == OV_OK || is_for_us_to_find(st))
		return OV_E_PROTO_UNEXPECTED;
	if (st == OV_E_BROKER_WAIT || st == OV_E_BROKER_STOPPING ||
	    st == OV_E_DB_CONFLICT)
		return st;
	if (ov_status_class(st) == OV_CLASS_HOST || ov_status_class(st) == OV_CLASS_BUG)
		return OV_E_BROKER_FAILED;
	return st;
}

/* *hint_ms: when an ERROR says that trying again makes sense. */
static enum ov_status
read_reply(void *reply, uint32_t *hint_ms, enum ov_msg type, struct ov_bytes in)
{
	struct ov_msg_error e;
	enum ov_status st = OV_OK;

	*hint_ms = 0;
	if (ov_msg_type(in) == OV_MSG_ERROR) {
		OV_TRY(ov_msg_decode(&e, OV_MSG_ERROR, in));
		*hint_ms =
		    (uint32_t)e.retry_ms; /* at most an hour: its bound as a field */
		return status_of_error(&e);
	}
	OV_REQUIRE(ov_msg_type(in) == type, OV_E_PROTO_UNEXPECTED);
	OV_TRY(ov_msg_decode(reply, type, in));
done:
	return st;
}

static enum ov_status
exchange_hello(struct ov_session *s, struct ov_buf *question, struct ov_reply *answer)
{
	struct ov_msg_hello hello = { .version_min = OV_PROTOCOL_VERSION,
		.version_max = OV_PROTOCOL_VERSION,
		.seen = s->pin.size };
	enum ov_status st;

	OV_TRY(ov_msg_encode(question, OV_MSG_HELLO, &hello));
	OV_TRY(ov_link_call(s->link, answer, OV_BUF_BYTES(question), HELLO_TIMEOUT_MS));
done:
	return st;
}

bool
ov_session_is_passing(enum ov_status st)
{
	return st == OV_E_NET_LIMIT || st == OV_E_BROKER_QUOTA ||
	       st == OV_E_BROKER_REVOKED || st == OV_E_TLS_HANDSHAKE ||
	       st == OV_E_TLS_CERTIFICATE || st == OV_E_LOG_PROOF ||
	       st == OV_E_LOG_ROLLBACK || st == OV_E_LOG_IDENTITY ||
	       st == OV_E_CRYPTO_PASSPHRASE ||
	       (st != OV_OK && (ov_status_class(st) == OV_CLASS_HOST ||
				   ov_status_class(st) == OV_CLASS_BUG));
}

/* Version and log of the broker that was reached. */
static enum ov_status
greet(struct ov_session *s)
{
	struct ov_msg_welcome w;
	struct ov_buf question = { 0 };
	struct ov_reply answer = { 0 };
	uint32_t hint_ms;
	enum ov_status st;

	OV_TRY(exchange_hello(s, &question, &answer));
	st = read_reply(&w, &hint_ms, OV_MSG_WELCOME, OV_BYTES(answer.body, answer.len));
	/* not the fault of whoever a call is about */
	OV_REQUIRE(st != OV_E_PROTO_VERSION, OV_E_BROKER_VERSION);
	OV_TRY(st);
	OV_REQUIRE(w.version == OV_PROTOCOL_VERSION, OV_E_BROKER_VERSION);
	OV_TRY(ov_session_compare_head(s, w.head, w.head_signature, w.consistency));
	s->greeted = true;
	s->connection++;
done:
	free(answer.body);
	ov_buf_free(&question);
	return st;
}

/* The network or the broker may be well again in a moment. */
static bool
is_passing(enum ov_status st)
{
	return st == OV_E_NET_UNREACHABLE || st == OV_E_NET_CLOSED ||
	       st == OV_E_BROKER_STOPPING || st == OV_E_BROKER_FAILED ||
	       st == OV_E_NET_LIMIT;
}

static enum ov_status
connect_once(struct ov_session *s)
{
	enum ov_status st;

	s->greeted = false;
	st = ov_link_connect(s->link, CONNECT_TIMEOUT_MS);
	if (st == OV_OK)
		st = greet(s);
	return st == OV_E_TIMEOUT ? OV_E_NET_UNREACHABLE : st;
}

static enum ov_status
connect_patiently(struct ov_session *s, struct patience *p)
{
	enum ov_status st;

	while ((st = connect_once(s)) != OV_OK) {
		if (!is_passing(st))
			return st;
		if (is_cancelled(s))
			return OV_E_CANCELLED;
		ov_log(OV_LOG_INFO, "broker.unreachable", OV_F_STATUS(st));
		if (!be_patient(p, s, 0))
			return st == OV_E_NET_CLOSED ? OV_E_NET_UNREACHABLE : st;
	}
	return OV_OK;
}

/* --- calls --- */

enum ov_status
ov_session_start(
    struct ov_pending **out, struct ov_session *s, enum ov_msg type, const void *msg)
{
	struct ov_pending *p = calloc(1, sizeof(*p));
	enum ov_status st = OV_OK;

	*out = NULL;
	OV_REQUIRE(p != NULL, OV_E_NOMEM);
	OV_REQUIRE(s->n_pending < OV_SESSION_PENDING_MAX, OV_E_BUG);
	OV_TRY(ov_msg_encode(&p->question, type, msg));
	/* Not connected, or just not any more: ov_session_wait sends it. */
	if (s->greeted && ov_link_start(s->link, &p->ticket, OV_BUF_BYTES(&p->question),
			      NULL, 0) == OV_OK)
		p->connection = s->connection;
	p->next = s->pending;
	s->pending = p;
	s->n_pending++;
	*out = p;
	p = NULL;
done:
	if (p != NULL)
		ov_buf_free(&p->question);
	free(p);
	return st;
}

void
ov_session_forget(struct ov_session *s, struct ov_pending *pending)
{
	struct ov_pending **at = &s->pending;

	if (pending == NULL)
		return;
	while (*at != NULL && *at != pending)
		at = &(*at)->next;
	if (*at != NULL) {
		*at = pending->next;
		s->n_pending--;
	}
	ov_ticket_free(pending->ticket);
	ov_buf_free(&pending->question);
	free(pending);
}

/* Sends it if the present connection has not got it. */
static enum ov_status
send_again(struct ov_session *s, struct ov_pending *p)
{
	enum ov_status st;

	if (p->ticket != NULL && p->connection == s->connection)
		return OV_OK;
	ov_ticket_free(p->ticket);
	p->ticket = NULL;
	st = ov_link_start(s->link, &p->ticket, OV_BUF_BYTES(&p->question), NULL, 0);
	if (st == OV_OK)
		p->connection = s->connection;
	return st;
}

/* A reconnect sends everything that is under way again, not only what is waited for: the
 * order of chunks stays. */
static enum ov_status
send_all(struct ov_session *s)
{
	struct ov_pending *list[OV_SESSION_PENDING_MAX];
	size_t n = 0;
	enum ov_status st = OV_OK;

	for (struct ov_pending *p = s->pending; p != NULL; p = p->next)
		list[n++] = p; /* the newest first */
	while (n > 0)
		OV_TRY(send_again(s, list[--n]));
done:
	return st;
}

static void
drop_ticket(struct ov_pending *p)
{
	ov_ticket_free(p->ticket);
	p->ticket = NULL;
}

/* ov_link_wait in slices, so that a stop of the program is noticed. */
static enum ov_status
wait_sliced(struct ov_reply *answer, const struct ov_session *s, struct ov_ticket *t,
    uint32_t timeout_ms)
{
	enum ov_status st;

	if (s->cancel == NULL)
		return ov_link_wait(t, answer, timeout_ms);
	for (;;) {
		uint32_t slice = timeout_ms < SLICE_MS ? timeout_ms : SLICE_MS;

		st = ov_link_wait(t, answer, slice);
		timeout_ms -= slice;
		if (st != OV_E_TIMEOUT || timeout_ms == 0)
			return st;
		if (is_cancelled(s))
			return OV_E_CANCELLED;
	}
}

/* One try: connected, sent, answered. */
static enum ov_status
try_once(struct ov_reply *answer, struct ov_session *s, struct ov_pending *p,
    struct patience *patience, uint32_t timeout_ms)
{
	enum ov_status st = OV_OK;

	if (!s->greeted)
		OV_TRY(connect_patiently(s, patience));
	st = send_all(s);
	if (st == OV_OK)
		st = wait_sliced(answer, s, p->ticket, timeout_ms);
	if (st != OV_OK && st != OV_E_TIMEOUT && st != OV_E_NOMEM && st != OV_E_CANCELLED)
		s->greeted = false; /* whatever ended it: connect anew to learn why */
done:
	return st;
}

static void
take_over(struct ov_buf *owner, const struct ov_reply *answer)
{
	ov_buf_free(owner);
	*owner = (struct ov_buf){ answer->body, answer->len, answer->len };
}

static enum ov_status
wait_for(struct ov_session *s, struct ov_pending *p, enum ov_msg reply_type, void *reply,
    struct ov_buf *owner, uint32_t timeout_ms)
{
	struct patience patience = { 0 };
	enum ov_status st;

	for (;;) {
		struct ov_reply answer = { 0 };
		uint32_t hint_ms = 0;

		st = try_once(&answer, s, p, &patience, timeout_ms);
		if (st == OV_OK) {
			drop_ticket(p);
			take_over(owner, &answer);
			st = read_reply(reply, &hint_ms, reply_type, OV_BUF_BYTES(owner));
			/* A limit is waited out only if the broker says how long. */
			if (hint_ms == 0 || st == OV_E_BROKER_WAIT ||
			    st == OV_E_DB_CONFLICT)
				return st;
		} else if (st != OV_E_NET_CLOSED) {
			return st; /* connect_patiently was patient already */
		}
		if (!be_patient(&patience, s, hint_ms))
			return st == OV_E_NET_CLOSED ? OV_E_NET_UNREACHABLE : st;
	}
}

enum ov_status
ov_session_wait(struct ov_session *s, struct ov_pending **pending, enum ov_msg reply_type,
    void *reply, struct ov_buf *owner, uint32_t timeout_ms)
{
	enum ov_status st = wait_for(s, *pending, reply_type, reply, owner, timeout_ms);

	if (st != OV_E_TIMEOUT) {
		ov_session_forget(s, *pending);
		*pending = NULL;
	}
	return st;
}

enum ov_status
ov_session_call(struct ov_session *s, enum ov_msg type, const void *msg,
    enum ov_msg reply_type, void *reply, struct ov_buf *owner, uint32_t timeout_ms)
{
	struct ov_pending *p = NULL;
	enum ov_status st;

	OV_TRY(ov_session_start(&p, s, type, msg));
	OV_TRY(ov_session_wait(s, &p, reply_type, reply, owner, timeout_ms));
done:
	ov_session_forget(s, p);
	return st;
}
