/* Terms from offer to two signatures: nothing is signed that a person here did not
 * consent to, and nothing comes into force that both did not sign and the log does not
 * hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include "client/criteria.h"
#include "client/hold.h"
#include "client/ledger.h"
#include "client/mail.h"
#include "client/pair.h"
#include "client/terms.h"
#include "fake_broker.h"
#include "proto/keys.h"

#define TIMEOUT_MS 30000

/* --- a post office and a registry of terms behind the fake broker --- */

#define MAILS 64
#define TERMS 32

struct kept_mail {
	uint8_t from[OV_ID], to[OV_ID], mail[OV_ID];
	unsigned int kind;
	bool dropped;
	struct ov_buf body;
};

struct kept_terms {
	uint64_t sequence;
	struct ov_buf body, release;
	bool has[2]; /* low, high */
	uint8_t signature[2][64];
	uint64_t leaf;
};

/* What the registry does to its answers. */
enum twist { TWIST_NONE, TWIST_BODY, TWIST_OWN_SIGNATURE, TWIST_OTHER_SIGNATURE };

struct company {
	struct ov_home *home;
	struct ov_session *session;
	uint8_t fingerprint[32];
	struct ov_partner other; /* as this one has it */
};

static struct fake_broker broker;
static struct company a, b;
static struct kept_mail mails[MAILS];
static struct kept_terms registry[TERMS];
static size_t n_mails, n_terms;
static enum twist twist;

#define MUST(cond)                                                                       \
	do {                                                                             \
		if (!(cond))                                                             \
			abort();                                                         \
	} while (0)

static struct company *
caller_of(const uint8_t fingerprint[32])
{
	return memcmp(a.fingerprint, fingerprint, 32) == 0 ? &a : &b;
}

static void
set(struct ov_buf *out, struct ov_bytes in)
{
	out->len = 0;
	MUST(ov_buf_append(out, in.p, in.len) == OV_OK);
}

static void
post(const struct company *from, const uint8_t to[OV_ID], const uint8_t mail[OV_ID],
    unsigned int kind, struct ov_bytes body)
{
	struct kept_mail *m;

	for (size_t i = 0; i < n_mails; i++)
		if (memcmp(mails[i].from, from->home->company, OV_ID) == 0 &&
		    memcmp(mails[i].mail, mail, OV_ID) == 0 &&
		    kind != OV_MAIL_TERMS_SIGNED)
			return;
	MUST(n_mails < MAILS);
	m = &mails[n_mails++];
	memcpy(m->from, from->home->company, OV_ID);
	memcpy(m->to, to, OV_ID);
	memcpy(m->mail, mail, OV_ID);
	m->kind = kind;
	m->dropped = false;
	set(&m->body, body);
}

static void
get_mail(struct ov_buf *reply, const struct company *who, uint64_t after)
{
	struct ov_msg_mail m = { 0 };

	for (size_t i = (size_t)after; i < n_mails; i++) {
		if (mails[i].dropped ||
		    memcmp(mails[i].to, who->home->company, OV_ID) != 0)
			continue;
		m.seq = i + 1;
		memcpy(m.from, mails[i].from, OV_ID);
		memcpy(m.mail, mails[i].mail, OV_ID);
		m.kind = mails[i].kind;
		m.body = OV_BUF_BYTES(&mails[i].body);
		MUST(ov_msg_encode(reply, OV_MSG_MAIL, &m) == OV_OK);
		return;
	}
	fake_error(reply, "E_BROKER_WAIT", 1000);
}

static void
drop_mail(struct ov_buf *reply, const struct company *who, uint64_t upto)
{
	struct ov_msg_done done = { 0 };

	for (size_t i = 0; i < n_mails && i < upto; i++)
		if (memcmp(mails[i].to, who->home->company, OV_ID) == 0)
			mails[i].dropped = true;
	MUST(ov_msg_encode(reply, OV_MSG_DONE, &done) == OV_OK);
}

static void
show_terms(struct ov_buf *reply, const struct company *who, const struct kept_terms *t,
    uint64_t seen)
{
	bool low = ov_is_low(who->home->company, who->other.company);
	struct ov_msg_terms_signed m = { .body = OV_BUF_BYTES(&t->body),
		.release = OV_BUF_BYTES(&t->release) };
	uint8_t signature[2][64];
	struct fake_proof p = { 0 };

	memcpy(signature, t->signature, sizeof(signature));
	if (twist == TWIST_OWN_SIGNATURE)
		signature[low ? 0 : 1][0] ^= 1;
	if (twist == TWIST_OTHER_SIGNATURE)
		signature[low ? 1 : 0][0] ^= 1;
	if (t->has[0])
		m.signature_low = OV_BYTES(signature[0], 64);
	if (t->has[1])
		m.signature_high = OV_BYTES(signature[1], 64);
	fake_head(&p.head, &broker, seen);
	if (t->has[0] && t->has[1]) {
		m.leaf_type = OV_LEAF_TERMS;
		fake_prove(&p, &broker, t->leaf, seen);
	}
	FAKE_PROVEN_INTO(&m, &p, t->leaf);
	if (twist == TWIST_BODY)
		m.body.len--;
	MUST(ov_msg_encode(reply, OV_MSG_TERMS_SIGNED, &m) == OV_OK);
}

static void
put_terms(
    struct ov_buf *reply, const struct company *who, const struct ov_msg_put_terms *m)
{
	bool low = ov_is_low(who->home->company, m->partner);
	struct kept_terms *t = NULL;
	struct ov_msg_terms_body body;
	struct ov_bytes parts[3];
	uint8_t leaf[64], id[16] = { 0 };

	MUST(ov_msg_decode(&body, OV_MSG_TERMS_BODY, m->body) == OV_OK);
	for (size_t i = 0; i < n_terms; i++)
		if (registry[i].sequence == body.sequence)
			t = &registry[i];
	if (t == NULL) {
		MUST(n_terms < TERMS);
		t = &registry[n_terms++];
		t->sequence = body.sequence;
		set(&t->body, m->body);
		set(&t->release, m->release);
	}
	if (t->body.len != m->body.len ||
	    memcmp(t->body.p, m->body.p, m->body.len) != 0) {
		fake_error(reply, "E_DB_CONFLICT", 0);
		return;
	}
	if (!t->has[low ? 0 : 1]) {
		t->has[low ? 0 : 1] = true;
		memcpy(t->signature[low ? 0 : 1], m->signature, 64);
		parts[0] = m->body;
		parts[1] = OV_BYTES(t->signature[0], 64);
		parts[2] = OV_BYTES(t->signature[1], 64);
		ov_hash_parts(leaf, parts, 3);
		if (t->has[0] && t->has[1])
			t->leaf = fake_append(&broker, OV_LEAF_TERMS, OV_BYTES(leaf, 64));
		post(who, m->partner, id, OV_MAIL_TERMS_SIGNED, OV_BYTES(NULL, 0));
	}
	show_terms(reply, who, t, m->seen);
}

static void
get_terms(struct ov_buf *reply, const struct company *who, uint64_t seen)
{
	const struct kept_terms *t = NULL;

	for (size_t i = 0; i < n_terms; i++)
		if (t == NULL || registry[i].sequence > t->sequence)
			t = &registry[i];
	if (t == NULL)
		fake_error(reply, "E_NOT_FOUND", 0);
	else
		show_terms(reply, who, t, seen);
}

static void
extra(void *arg, struct ov_buf *reply, struct ov_bytes in, const uint8_t fingerprint[32])
{
	const struct company *who = caller_of(fingerprint);
	struct ov_msg_done done = { 0 };
	union ov_msg_any m;
	enum ov_msg type = ov_msg_type(in);

	(void)arg;
	MUST(ov_msg_decode(&m, type, in) == OV_OK);
	if (type == OV_MSG_PUT_MAIL) {
		post(who, m.put_mail.to, m.put_mail.mail, (unsigned int)m.put_mail.kind,
		    m.put_mail.body);
		MUST(ov_msg_encode(reply, OV_MSG_DONE, &done) == OV_OK);
	} else if (type == OV_MSG_GET_MAIL) {
		get_mail(reply, who, m.get_mail.after);
	} else if (type == OV_MSG_DROP_MAIL) {
		drop_mail(reply, who, m.drop_mail.upto);
	} else if (type == OV_MSG_PUT_TERMS) {
		put_terms(reply, who, &m.put_terms);
	} else if (type == OV_MSG_GET_TERMS) {
		get_terms(reply, who, m.get_terms.seen);
	} else {
		fake_error(reply, "E_WIRE_UNKNOWN", 0);
	}
}

/* --- two companies --- */

static void
open_company(struct company *c, const char *name)
{
	struct ov_certificate cert;

	c->home = fake_home(&broker, name);
	assert_int_equal(
	    ov_certificate_read(&cert, c->home->broker.certificate_pem), OV_OK);
	memcpy(c->fingerprint, cert.fingerprint, 32);
	assert_int_equal(ov_session_open(&c->session, c->home), OV_OK);
}

static void
close_company(struct company *c)
{
	ov_session_close(c->session);
	ov_home_close(c->home);
	memset(c, 0, sizeof(*c));
}

static void
introduce(struct company *to, const struct company *c)
{
	struct ov_partner *p = &to->other;

	memset(p, 0, sizeof(*p));
	memcpy(p->company, c->home->company, OV_ID);
	memcpy(p->identity, c->home->identity, 32);
	memcpy(p->envelope, c->home->envelope, 32);
	memcpy(p->name, c->home->name, sizeof(p->name));
	p->state = OV_PARTNER_PAIRED;
	assert_int_equal(ov_db_begin(to->home->db), OV_OK);
	assert_int_equal(ov_partner_put(to->home, p), OV_OK);
	assert_int_equal(ov_db_commit(to->home->db, "test"), OV_OK);
}

static int
setup(void **state)
{
	if (site_setup(state) != 0)
		return -1;
	fake_start(&broker);
	broker.extra = extra;
	n_mails = n_terms = 0;
	memset(registry, 0, sizeof(registry));
	memset(mails, 0, sizeof(mails));
	twist = TWIST_NONE;
	open_company(&a, "Acme");
	open_company(&b, "Globex");
	introduce(&a, &b);
	introduce(&b, &a);
	return 0;
}

static int
teardown(void **state)
{
	close_company(&a);
	close_company(&b);
	fake_stop(&broker);
	for (size_t i = 0; i < MAILS; i++)
		ov_buf_free(&mails[i].body);
	for (size_t i = 0; i < TERMS; i++) {
		ov_buf_free(&registry[i].body);
		ov_buf_free(&registry[i].release);
	}
	return site_teardown(state);
}

#define BETWEEN(low)                                                                     \
	"threshold: 1\ncriteria:\n"                                                      \
	"  [{column: \"revenue\", between: [\"" low "\", \"9\"], weight: 1}]\n"
#define REVENUE_5 BETWEEN("5")
#define REVENUE_6 BETWEEN("6")
#define REVENUE_7 BETWEEN("7")

/* A sheet that gives `customers`, allows this many runs, and criteria on `revenue`. */
static void
sheet(struct ov_buf *out, uint64_t runs, const char *criteria)
{
	struct ov_population p = { "customers", OV_LEVEL_MATCHES };
	struct ov_buf packed = { 0 };
	struct ov_msg_grants g = { .version = 1,
		.slots = 4096,
		.minimum_list = 10,
		.runs = runs,
		.view_days = 28,
		.icp = OV_BYTES(criteria, strlen(criteria)),
		.icp_columns = OV_LITERAL("\007revenue") };

	assert_int_equal(ov_populations_pack(&packed, &p, 1), OV_OK);
	g.populations = OV_BUF_BYTES(&packed);
	out->len = 0;
	assert_int_equal(ov_msg_encode(out, OV_MSG_GRANTS, &g), OV_OK);
	ov_buf_free(&packed);
}

static struct ov_terms_view
view(struct company *c)
{
	struct ov_terms_view v;

	assert_int_equal(ov_terms_view(&v, c->home, c->other.company), OV_OK);
	ov_terms_view_free(&v);
	return v;
}
#define assert_state(c, s) assert_int_equal(view(&(c)).state, (s))

/* A policy of which the sheet of that many runs is made, all but its criteria. */
#define POLICY                                                                           \
	"populations: {customers: matches}\nicp_fit: no\nicp_columns: [revenue]\n"       \
	"caps: {slots: 4096, minimum_list: 10, runs_per_30_days: %u}\n"

static void
consent(struct company *c, uint64_t runs, const char *criteria)
{
	char policy[256];

	struct ov_buf s = { 0 };
	struct ov_terms_view v;

	sheet(&s, runs, criteria);
	snprintf(policy, sizeof(policy), POLICY, (unsigned int)runs);
	assert_int_equal(ov_terms_view(&v, c->home, c->other.company), OV_OK);
	assert_int_equal(ov_terms_consent(c->home, &c->other,
			     &(struct ov_terms_consent){ .sheet = OV_BUF_BYTES(&s),
				 .theirs = OV_BUF_BYTES(&v.theirs),
				 .policy = OV_BYTES(policy, strlen(policy)) }),
	    OV_OK);
	ov_terms_view_free(&v);
	ov_buf_free(&s);
}

static void
process(struct company *c)
{
	assert_int_equal(ov_mail_process(NULL, c->home, c->session, NULL, 0), OV_OK);
}

static unsigned int notes_of(struct company *c, enum ov_status reason);

static uint32_t
runs_in_force(struct company *c)
{
	struct ov_terms t;

	if (ov_terms_in_force(&t, c->home, c->other.company) != OV_OK)
		return 0;
	return t.release.runs;
}

static void
bring_into_force(uint64_t runs_a, uint64_t runs_b)
{
	consent(&a, runs_a, "");
	process(&a);
	process(&b);
	consent(&b, runs_b, "");
	process(&b);
	process(&a);
	process(&b);
	assert_state(a, OV_TERMS_IN_FORCE);
	assert_state(b, OV_TERMS_IN_FORCE);
}

/* --- tests --- */

static void
walks_from_offer_to_force(void **state)
{
	struct ov_terms ta, tb;
	struct ov_terms_text text;
	struct ov_buf policy = { 0 };

	(void)state;
	assert_state(a, OV_TERMS_NONE);
	assert_int_equal(
	    ov_terms_in_force(&ta, a.home, a.other.company), OV_E_TERMS_MISSING);
	consent(&a, 31, "");
	assert_state(a, OV_TERMS_OFFERED);
	process(&a);
	process(&b);
	assert_state(b, OV_TERMS_ASKED);
	process(&b);
	assert_int_equal(n_terms, 0); /* nobody here consented */
	consent(&b, 20, "");
	assert_state(b, OV_TERMS_READY);
	process(&b);
	assert_state(b, OV_TERMS_SIGNED);
	process(&a); /* finishes without a person */
	assert_state(a, OV_TERMS_IN_FORCE);
	process(&b);
	assert_state(b, OV_TERMS_IN_FORCE);
	assert_int_equal(ov_terms_in_force(&ta, a.home, a.other.company), OV_OK);
	assert_int_equal(ov_terms_in_force(&tb, b.home, b.other.company), OV_OK);
	assert_memory_equal(ta.digest, tb.digest, 64);
	assert_memory_equal(ta.release_digest, tb.release_digest, 64);
	assert_int_equal(ta.release.runs, 20);
	assert_int_equal(ta.sequence, 1);
	assert_int_not_equal(ta.low, tb.low);
	assert_string_equal(ta.theirs[0].name, "customers");
	assert_int_equal(ta.n_mine, 1);
	assert_int_equal(ov_terms_text(&text, a.home, a.other.company), OV_OK);
	assert_memory_equal(text.signature_low, registry[0].signature[0], 64);
	assert_memory_equal(text.signature_high, registry[0].signature[1], 64);
	ov_terms_text_free(&text);
	assert_int_equal(ov_terms_policy(&policy, a.home, a.other.company), OV_OK);
	assert_memory_equal(policy.p, "populations", 11);
	ov_buf_free(&policy);
}

static void
the_same_again_changes_nothing(void **state)
{
	size_t before;

	(void)state;
	bring_into_force(31, 31);
	before = n_mails;
	for (int i = 0; i < 3; i++) {
		consent(&a, 31, "");
		process(&a);
		process(&b);
	}
	assert_int_equal(n_mails, before);
	assert_int_equal(n_terms, 1);
}

static void
a_change_is_finished_without_the_other_person(void **state)
{
	(void)state;
	bring_into_force(31, 31);
	consent(&a, 12, "");
	assert_state(a, OV_TERMS_READY);
	process(&a);
	assert_int_equal(runs_in_force(&a), 31); /* until both signed */
	process(&b);
	process(&a);
	assert_int_equal(runs_in_force(&a), 12);
	assert_int_equal(runs_in_force(&b), 12);
	assert_int_equal(view(&b).force_sequence, 2);
}

static void
crossing_first_offers_meet(void **state)
{
	(void)state;
	consent(&a, 31, "");
	consent(&b, 30, "");
	for (int i = 0; i < 2; i++) {
		process(&a);
		process(&b);
	}
	process(&a);
	assert_int_equal(runs_in_force(&a), 30);
	assert_int_equal(runs_in_force(&b), 30);
	assert_int_equal(n_terms, 1);
}

static void
crossing_changes_meet(void **state)
{
	(void)state;
	bring_into_force(31, 31);
	consent(&a, 12, "");
	consent(&b, 11, "");
	process(&a); /* signs what follows from b's old sheet */
	for (int i = 0; i < 4; i++) {
		process(&b);
		process(&a);
	}
	assert_int_equal(runs_in_force(&a), 11);
	assert_int_equal(runs_in_force(&b), 11);
	assert_state(a, OV_TERMS_IN_FORCE);
	assert_state(b, OV_TERMS_IN_FORCE);
	assert_true(n_terms <= 4);
}

/* Lets the last change of the partner's criteria be 28 days ago. */
static void
age_criteria(struct company *c)
{
	assert_int_equal(ov_db_begin(c->home->db), OV_OK);
	assert_int_equal(
	    ov_db_run(c->home->db, "UPDATE criteria SET at = at - 28 * 86400"), OV_OK);
	assert_int_equal(ov_db_commit(c->home->db, "test"), OV_OK);
}

/* Both have agreed to what the other's newest sheet asks for. */
static void
settle_criteria(const char *criteria)
{
	consent(&a, 31, criteria);
	process(&a);
	process(&b);
	consent(&b, 31, "");
	for (int i = 0; i < 2; i++) {
		process(&b);
		process(&a);
	}
}

static enum ov_status
obstacle(struct company *c)
{
	struct ov_terms_view v;
	enum ov_status st;

	assert_int_equal(ov_terms_view(&v, c->home, c->other.company), OV_OK);
	st = v.obstacle;
	ov_terms_view_free(&v);
	return st;
}

static void
criteria_change_once_in_28_days(void **state)
{
	(void)state;
	settle_criteria(REVENUE_5);
	assert_state(b, OV_TERMS_IN_FORCE);
	assert_int_equal(view(&b).force_sequence, 1);
	settle_criteria(REVENUE_6);
	assert_state(b, OV_TERMS_ASKED); /* although its person agreed */
	assert_int_equal(obstacle(&b), OV_E_TERMS_TOO_SOON);
	assert_int_equal(view(&b).force_sequence, 1);
	/* a way round: none at all, then others */
	settle_criteria("");
	assert_state(b, OV_TERMS_IN_FORCE);
	settle_criteria(REVENUE_6);
	assert_int_equal(obstacle(&b), OV_E_TERMS_TOO_SOON);
	/* the last ones again are no change */
	settle_criteria(REVENUE_5);
	assert_state(b, OV_TERMS_IN_FORCE);
	assert_int_equal(obstacle(&b), OV_OK);
	age_criteria(&b);
	settle_criteria(REVENUE_6);
	assert_state(b, OV_TERMS_IN_FORCE);
	settle_criteria(REVENUE_5);
	assert_int_equal(obstacle(&b), OV_E_TERMS_TOO_SOON);
}

/* Accepted here of another company, as one that is not of this test would have it. */
static void
accept_of_sister(const uint8_t sister[OV_ID], const char *criteria)
{
	assert_int_equal(ov_db_begin(b.home->db), OV_OK);
	assert_int_equal(
	    ov_criteria_accept(b.home, sister, OV_BYTES(criteria, strlen(criteria))),
	    OV_OK);
	assert_int_equal(ov_db_commit(b.home->db, "test"), OV_OK);
}

static void
put_into_group(const uint8_t company[OV_ID], const char *name)
{
	assert_int_equal(ov_db_begin(b.home->db), OV_OK);
	assert_int_equal(ov_ledger_set_group(b.home->db, company, name), OV_OK);
	assert_int_equal(ov_db_commit(b.home->db, "test"), OV_OK);
}

/* Partners of one house could share the halving: their changes add up. */
static void
criteria_of_a_group_change_once_in_28_days(void **state)
{
	static const uint8_t sister[OV_ID] = { 66 };

	(void)state;
	put_into_group(sister, "the house");
	accept_of_sister(sister, REVENUE_6);
	/* the control: not of one group, its first criteria are nobody's change */
	settle_criteria(REVENUE_5);
	assert_state(b, OV_TERMS_IN_FORCE);
	age_criteria(&b);
	put_into_group(a.home->company, "the house");
	accept_of_sister(sister, REVENUE_7);
	settle_criteria(REVENUE_6);
	assert_state(b, OV_TERMS_ASKED);
	assert_int_equal(obstacle(&b), OV_E_TERMS_TOO_SOON);
	/* nor by leaving the group afterwards */
	put_into_group(sister, NULL);
	assert_int_equal(obstacle(&b), OV_E_TERMS_TOO_SOON);
	/* what the sister asks already is no new question */
	settle_criteria(REVENUE_7);
	assert_state(b, OV_TERMS_IN_FORCE);
	assert_int_equal(obstacle(&b), OV_OK);
	age_criteria(&b);
	settle_criteria(REVENUE_6);
	assert_state(b, OV_TERMS_IN_FORCE);
}

static void
criteria_on_columns_that_are_not_listed_are_refused_by_both(void **state)
{
	static const char *const bad[] = {
		"threshold: 1\ncriteria:\n"
		"  [{column: \"employees\", between: [\"1\", \"2\"], weight: 1}]\n",
		"threshold: 1\ncriteria:\n"
		"  [{column: \"revenue\", one_of: [\"5\"], weight: 1}]\n"
	};
	struct ov_fault fault = { 0 };
	struct ov_terms_view v;

	(void)state;
	bring_into_force(31, 31);
	for (size_t i = 0; i < 2; i++) {
		settle_criteria(bad[i]);
		assert_int_equal(obstacle(&a), OV_E_TERMS_CRITERIA);
		assert_int_equal(obstacle(&b), OV_E_TERMS_CRITERIA);
		assert_state(a, OV_TERMS_ASKED);
		assert_state(b, OV_TERMS_ASKED);
	}
	assert_int_equal(view(&a).force_sequence, 1);
	assert_int_equal(ov_terms_view(&v, b.home, b.other.company), OV_OK);
	assert_int_equal(ov_terms_obstacle(b.home, b.other.company, OV_BUF_BYTES(&v.mine),
			     OV_BUF_BYTES(&v.theirs), &fault),
	    OV_E_TERMS_CRITERIA);
	ov_terms_view_free(&v);
	assert_non_null(strstr(fault.text, "the partner's criteria, line 3"));
	settle_criteria(REVENUE_5);
	assert_int_equal(obstacle(&b), OV_OK);
	assert_state(b, OV_TERMS_IN_FORCE);
}

static void
criteria_need_a_person_again(void **state)
{
	(void)state;
	bring_into_force(31, 31);
	consent(&a, 31, REVENUE_5);
	process(&a);
	process(&b);
	assert_state(b, OV_TERMS_ASKED);
	process(&a);
	assert_int_equal(view(&a).force_sequence, 1);
	consent(&b, 31, ""); /* the same sheet, with the criteria seen */
	assert_state(b, OV_TERMS_READY);
	process(&b);
	process(&a);
	assert_int_equal(view(&a).force_sequence, 2);
	/* other criteria: again */
	age_criteria(&b);
	consent(&a, 31, REVENUE_6);
	process(&a);
	process(&b);
	assert_state(b, OV_TERMS_ASKED);
	/* none: b gives less, and its person is not needed */
	consent(&a, 31, "");
	process(&a);
	process(&b);
	process(&a);
	assert_state(b, OV_TERMS_IN_FORCE);
	assert_int_equal(view(&a).force_sequence, 4);
}

static void
a_partner_that_makes_me_give_more_needs_my_person(void **state)
{
	struct ov_buf mine = { 0 }, theirs = { 0 };

	(void)state;
	bring_into_force(31, 31); /* a's person saw no sheet; b's saw a's */
	consent(&b, 12, "");
	process(&b);
	process(&a); /* less: nobody */
	process(&b);
	assert_int_equal(runs_in_force(&a), 12);
	consent(&b, 20, "");
	process(&b);
	process(&a); /* not more than under the first that was signed */
	process(&b);
	assert_int_equal(runs_in_force(&a), 20);
	consent(&b, 31, "");
	process(&b);
	process(&a);
	assert_int_equal(runs_in_force(&a), 31);
	/* a sees the sheet with 31 runs, but now restricts itself to what 12 are */
	consent(&b, 12, "");
	process(&b);
	process(&a);
	process(&b);
	consent(&a, 30, ""); /* a's person saw 12 */
	process(&a);
	process(&b);
	process(&a);
	assert_int_equal(runs_in_force(&a), 12);
	consent(&b, 13, "");
	process(&b);
	process(&a);
	assert_state(a, OV_TERMS_ASKED);
	process(&a);
	assert_int_equal(runs_in_force(&a), 12);
	assert_int_equal(ov_terms_sheets(&mine, &theirs, a.home, a.other.company), OV_OK);
	assert_true(mine.len > 0 && theirs.len > 0);
	consent(&a, 30, ""); /* the same sheet, the new one seen */
	process(&a);
	process(&b);
	process(&a);
	assert_int_equal(runs_in_force(&a), 13);
	ov_buf_free(&mine);
	ov_buf_free(&theirs);
}

/* What a person saw is what it consented to, even if another sheet came meanwhile. */
static void
consent_is_to_the_criteria_that_were_shown(void **state)
{
	struct ov_buf s = { 0 };

	(void)state;
	consent(&a, 31, REVENUE_5);
	process(&a);
	process(&b);
	sheet(&s, 31, "");
	assert_int_equal(ov_terms_consent(b.home, &b.other,
			     &(struct ov_terms_consent){ .sheet = OV_BUF_BYTES(&s) }),
	    OV_OK);
	ov_buf_free(&s);
	assert_state(b, OV_TERMS_ASKED);
	process(&b);
	assert_int_equal(n_terms, 0);
}

/* --- what was consented to, against what is in force --- */

#define RUN(c, ...)                                                                      \
	do {                                                                             \
		assert_int_equal(ov_db_begin((c)->home->db), OV_OK);                     \
		assert_int_equal(ov_db_run((c)->home->db, __VA_ARGS__), OV_OK);          \
		assert_int_equal(ov_db_commit((c)->home->db, "test"), OV_OK);            \
	} while (0)

static enum ov_status
force_status(struct company *c)
{
	struct ov_terms t;

	return ov_terms_in_force(&t, c->home, c->other.company);
}

static enum ov_status
consent_status(struct company *c)
{
	return ov_terms_check_consent(c->home, c->other.company);
}

/* Each blob that this home keeps of its terms, with one bit turned at a time. */
#define TAMPER(column)                                                                   \
	do {                                                                             \
		assert_int_equal(                                                        \
		    ov_db_query(&q, a.home->db, "SELECT " column " FROM terms"), OV_OK); \
		assert_int_equal(ov_db_step(q, &row), OV_OK);                            \
		set(&kept, ov_db_blob(q, 0));                                            \
		ov_db_finish(q);                                                         \
		for (size_t at = 0; at < kept.len; at += 11) {                           \
			kept.p[at] ^= 1;                                                 \
			RUN(&a, "UPDATE terms SET " column " = ?",                       \
			    OV_DB_BYTES(OV_BUF_BYTES(&kept)));                           \
			assert_int_equal(force_status(&a), OV_E_TERMS_DAMAGED);          \
			kept.p[at] ^= 1;                                                 \
		}                                                                        \
		RUN(&a, "UPDATE terms SET " column " = ?",                               \
		    OV_DB_BYTES(OV_BUF_BYTES(&kept)));                                   \
		assert_int_equal(force_status(&a), OV_OK);                               \
	} while (0)

static void
terms_that_were_tampered_with_are_not_used(void **state)
{
	struct ov_buf kept = { 0 };
	struct ov_db_stmt *q;
	bool row;

	(void)state;
	bring_into_force(31, 31);
	assert_int_equal(force_status(&a), OV_OK);
	TAMPER("terms");
	TAMPER("release");
	TAMPER("body");
	TAMPER("signature_mine");
	TAMPER("signature_theirs");
	ov_buf_free(&kept);
}

/* The newest word of the owner holds at once, and its text over what was made of it. */
static void
what_was_consented_to_bounds_what_is_in_force(void **state)
{
	char text[256];
	struct ov_buf wide = { 0 };

	(void)state;
	assert_int_equal(consent_status(&a), OV_E_POLICY_REFUSED); /* nothing yet */
	bring_into_force(31, 31);
	assert_int_equal(consent_status(&a), OV_OK);
	consent(&a, 12, ""); /* not signed by b yet */
	assert_int_equal(runs_in_force(&a), 31);
	assert_int_equal(consent_status(&a), OV_E_POLICY_REFUSED);
	process(&a);
	process(&b);
	process(&a);
	assert_int_equal(runs_in_force(&a), 12);
	assert_int_equal(consent_status(&a), OV_OK);
	/* a sheet in the database that gives more than the policy's text */
	sheet(&wide, 1000, "");
	RUN(&a, "UPDATE sheet SET grants = ? WHERE mine = 1",
	    OV_DB_BYTES(OV_BUF_BYTES(&wide)));
	assert_int_equal(consent_status(&a), OV_E_POLICY_REFUSED);
	sheet(&wide, 12, "");
	RUN(&a, "UPDATE sheet SET grants = ? WHERE mine = 1",
	    OV_DB_BYTES(OV_BUF_BYTES(&wide)));
	assert_int_equal(consent_status(&a), OV_OK);
	snprintf(text, sizeof(text), "populations: {customers: counts}\n");
	RUN(&a, "UPDATE sheet SET policy = ? WHERE mine = 1",
	    OV_DB_BLOB(text, strlen(text)));
	assert_int_equal(consent_status(&a), OV_E_POLICY_REFUSED);
	ov_buf_free(&wide);
}

static void
criteria_that_nobody_accepted_are_not_evaluated(void **state)
{
	(void)state;
	settle_criteria(REVENUE_5);
	assert_int_equal(consent_status(&b), OV_OK);
	RUN(&b, "DELETE FROM criteria");
	assert_int_equal(consent_status(&b), OV_E_POLICY_REFUSED);
}

/* --- what a partner or broker may try --- */

/* An offer mail of `from` to b. */
static void
craft(struct ov_buf *out, struct company *from, uint64_t sequence,
    const uint8_t to[OV_ID], uint64_t runs, const char *criteria)
{
	struct ov_msg_terms_offer m = { .version = 1, .sequence = sequence };
	struct ov_buf s = { 0 }, sealed = { 0 };
	uint8_t signature[64];

	sheet(&s, runs, criteria);
	memcpy(m.from, from->home->company, OV_ID);
	memcpy(m.to, to, OV_ID);
	assert_int_equal(ov_home_envelope_seal(&sealed, from->home, b.home->identity,
			     b.home->envelope, "terms offer", OV_BUF_BYTES(&s)),
	    OV_OK);
	m.sealed = OV_BUF_BYTES(&sealed);
	out->len = 0;
	assert_int_equal(ov_msg_encode(out, OV_MSG_TERMS_OFFER, &m), OV_OK);
	assert_int_equal(
	    ov_home_sign(signature, from->home, "offer", OV_BUF_BYTES(out)), OV_OK);
	assert_int_equal(ov_buf_append(out, signature, 64), OV_OK);
	ov_buf_free(&s);
	ov_buf_free(&sealed);
}

static void
offers_are_checked(void **state)
{
	uint8_t nobody[OV_ID] = { 9 };
	struct ov_buf m = { 0 };

	(void)state;
	craft(&m, &a, 1, b.home->company, 31, "");
	assert_int_equal(
	    ov_terms_take_offer(b.home, nobody, OV_BUF_BYTES(&m)), OV_E_PARTNER_UNPAIRED);
	for (size_t i = 0; i < m.len; i += 7) {
		m.p[i] ^= 1;
		assert_int_equal(
		    ov_terms_take_offer(b.home, a.home->company, OV_BUF_BYTES(&m)),
		    OV_E_CRYPTO_SIGNATURE);
		m.p[i] ^= 1;
	}
	craft(&m, &a, 1, nobody, 31, "");
	assert_int_equal(ov_terms_take_offer(b.home, a.home->company, OV_BUF_BYTES(&m)),
	    OV_E_PROTO_MISMATCH);
	craft(&m, &a, 1001, b.home->company, 31, ""); /* uses up numbers */
	assert_int_equal(ov_terms_take_offer(b.home, a.home->company, OV_BUF_BYTES(&m)),
	    OV_E_WIRE_RANGE);
	assert_state(b, OV_TERMS_NONE);
	craft(&m, &a, 5, b.home->company, 31, "");
	assert_int_equal(
	    ov_terms_take_offer(b.home, a.home->company, OV_BUF_BYTES(&m)), OV_OK);
	assert_int_equal(
	    ov_terms_take_offer(b.home, a.home->company, OV_BUF_BYTES(&m)), OV_OK);
	craft(&m, &a, 4, b.home->company, 30, ""); /* an old one that came late */
	assert_int_equal(
	    ov_terms_take_offer(b.home, a.home->company, OV_BUF_BYTES(&m)), OV_OK);
	assert_int_equal(view(&b).sequence, 5);
	craft(&m, &a, 5, b.home->company, 30, ""); /* two for one number */
	assert_int_equal(ov_terms_take_offer(b.home, a.home->company, OV_BUF_BYTES(&m)),
	    OV_E_PROTO_EQUIVOCATION);
	ov_buf_free(&m);
}

static void
bad_offers_are_shown_and_stop_nothing(void **state)
{
	struct ov_buf m = { 0 };
	uint8_t id[OV_ID] = { 1 };

	(void)state;
	craft(&m, &a, 1, b.home->company, 31, "");
	m.p[m.len - 1] ^= 1;
	post(&a, b.home->company, id, OV_MAIL_TERMS_OFFER, OV_BUF_BYTES(&m));
	bring_into_force(31, 31);
	assert_int_equal(notes_of(&b, OV_E_CRYPTO_SIGNATURE), 1);
	assert_int_equal(ov_mail_forget_refused(b.home), OV_OK);
	assert_int_equal(notes_of(&b, OV_E_CRYPTO_SIGNATURE), 0);
	ov_buf_free(&m);
}

/* A newer release may send kinds that this one does not know. */
static void
mail_of_an_unknown_kind_is_dropped_and_shown(void **state)
{
	uint8_t id[OV_ID] = { 2 };

	(void)state;
	post(&a, b.home->company, id, OV_MAIL_SENDABLE_LAST + 1, OV_LITERAL("?"));
	process(&b);
	assert_int_equal(notes_of(&b, OV_E_WIRE_UNKNOWN), 1);
	assert_int_equal(ov_mail_forget_refused(b.home), OV_OK);
	assert_int_equal(notes_of(&b, OV_E_WIRE_UNKNOWN), 0);
}

/* Criteria that are none, cut at each byte too: the offer is refused whole and shown, and
 * what comes after it goes on. */
static void
offers_with_unreadable_criteria_are_refused(void **state)
{
	static const char good[] = "threshold: 1\ncriteria:\n  [{column: \"revenue\", "
				   "exists: yes, weight: 1}]\n";
	static const char *const bad[] = {
		"criteria: [", "\xff\xfe", "threshold: 1\n",
		"threshold: 1\ncriteria: {}\n", "&a [*a]", "!!x y",
		/* good, but not in the one form */
		"criteria: [{column: revenue, exists: yes}]\n",
		"threshold: 1\ncriteria:\n  [{column: revenue, exists: yes, weight: 1}]\n"
	};
	char cut[sizeof(good)];
	struct ov_buf m = { 0 };
	uint8_t id[OV_ID] = { 1 };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		craft(&m, &a, 1, b.home->company, 31, bad[i]);
		assert_int_equal(
		    ov_terms_take_offer(b.home, a.home->company, OV_BUF_BYTES(&m)),
		    OV_E_ICP_INVALID);
	}
	for (size_t n = 1; n < sizeof(good) - 1; n++) {
		memcpy(cut, good, n);
		cut[n] = '\0';
		craft(&m, &a, 1, b.home->company, 31, cut);
		assert_int_equal(
		    ov_terms_take_offer(b.home, a.home->company, OV_BUF_BYTES(&m)),
		    OV_E_ICP_INVALID);
	}
	assert_state(b, OV_TERMS_NONE);
	craft(&m, &a, 1, b.home->company, 31, bad[0]);
	post(&a, b.home->company, id, OV_MAIL_TERMS_OFFER, OV_BUF_BYTES(&m));
	bring_into_force(31, 31);
	assert_int_equal(notes_of(&b, OV_E_ICP_INVALID), 1);
	craft(&m, &a, 5, b.home->company, 31, good); /* the control */
	assert_int_equal(
	    ov_terms_take_offer(b.home, a.home->company, OV_BUF_BYTES(&m)), OV_OK);
	ov_buf_free(&m);
}

struct tally {
	enum ov_status reason;
	unsigned int n;
};

static enum ov_status
count_note(void *arg, const struct ov_mail_note *n)
{
	struct tally *t = arg;

	t->n += n->reason == t->reason;
	return OV_OK;
}

static unsigned int
notes_of(struct company *c, enum ov_status reason)
{
	struct tally t = { reason, 0 };

	assert_int_equal(ov_mail_each_note(c->home, count_note, &t), OV_OK);
	return t.n;
}

static void
answers_that_do_not_fit_bring_nothing_into_force(void **state)
{
	static const struct {
		enum twist twist;
		enum ov_status found;
	} twists[] = { { TWIST_BODY, OV_E_TERMS_MISMATCH },
		{ TWIST_OWN_SIGNATURE, OV_E_TERMS_MISMATCH },
		{ TWIST_OTHER_SIGNATURE, OV_E_CRYPTO_SIGNATURE } };

	(void)state;
	consent(&a, 31, "");
	process(&a);
	process(&b);
	consent(&b, 31, "");
	process(&b);
	for (size_t i = 0; i < 3; i++) {
		twist = twists[i].twist;
		process(&a);
		assert_int_equal(
		    ov_terms_advance(a.home, a.session, &a.other), twists[i].found);
		assert_state(a, OV_TERMS_SIGNED);
	}
	twist = TWIST_NONE;
	process(&a);
	assert_state(a, OV_TERMS_IN_FORCE);
}

static void
terms_that_the_log_does_not_hold_stop_all_jobs(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) /* a tree of one leaf needs no proof */
		fake_append(&broker, OV_LEAF_CLOSED, OV_BYTES("of others", 9));
	consent(&a, 31, "");
	process(&a);
	process(&b);
	consent(&b, 31, "");
	process(&b);
	broker.lie = LIE_PROOF;
	process(&a);
	assert_state(a, OV_TERMS_SIGNED);
	assert_int_equal(ov_hold_check(a.home, a.other.company), OV_E_LOG_PROOF);
	broker.lie = LIE_NONE;
	process(&a); /* held until a person looks */
	assert_state(a, OV_TERMS_SIGNED);
	assert_int_equal(ov_hold_clear(a.home, 1, false), OV_OK);
	process(&a);
	assert_state(a, OV_TERMS_IN_FORCE);
}

static void
a_suspended_partner_gets_no_signature(void **state)
{
	(void)state;
	consent(&a, 31, "");
	process(&a);
	process(&b);
	consent(&b, 31, "");
	assert_int_equal(
	    ov_hold_set(b.home, OV_HOLD_PARTNER, b.other.company, OV_E_PROTO_MISMATCH),
	    OV_OK);
	process(&b);
	assert_int_equal(n_terms, 0);
	assert_int_equal(
	    ov_terms_advance(b.home, b.session, &b.other), OV_E_PARTNER_SUSPENDED);
}

/* --- jobs in the mail --- */

static enum ov_status job_answer;
static unsigned int jobs_seen;

static enum ov_status
take_job(void *arg, const uint8_t job[OV_ID])
{
	(void)arg;
	jobs_seen += job[0];
	return job_answer;
}

static void
jobs_wait_for_somebody_who_takes_them(void **state)
{
	const struct ov_mail_handlers handlers = { .job = take_job };
	uint8_t job[OV_ID] = { 1 };
	size_t n;

	(void)state;
	jobs_seen = 0;
	post(&a, b.home->company, job, OV_MAIL_JOB, OV_BYTES(job, sizeof(job)));
	process(&b);
	job_answer = OV_E_NET_UNREACHABLE; /* passing: kept */
	assert_int_equal(ov_mail_process(&n, b.home, b.session, &handlers, 0), OV_OK);
	assert_int_equal(jobs_seen, 1);
	assert_int_equal(n, 0);
	job_answer = OV_OK;
	assert_int_equal(ov_mail_process(&n, b.home, b.session, &handlers, 0), OV_OK);
	assert_int_equal(n, 1);
	assert_int_equal(ov_mail_process(&n, b.home, b.session, &handlers, 0), OV_OK);
	assert_int_equal(jobs_seen, 2);
	job[1] = 1;
	post(&a, b.home->company, job, OV_MAIL_JOB, OV_BYTES(job, sizeof(job)));
	job_answer = OV_E_PROTO_EXPIRED;
	assert_int_equal(ov_mail_process(&n, b.home, b.session, &handlers, 0), OV_OK);
	assert_int_equal(notes_of(&b, OV_E_PROTO_EXPIRED), 1);
}

static void
pairing_by_mail(void **state)
{
	char text[OV_PAIR_CODE_TEXT];
	struct ov_msg_company who = { .name = OV_LITERAL("Acme") };
	struct ov_pair_code code;
	struct ov_partner p;

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct ov_db *db = i == 0 ? a.home->db : b.home->db;

		assert_int_equal(ov_db_begin(db), OV_OK);
		assert_int_equal(ov_db_run(db, "DELETE FROM partner"), OV_OK);
		assert_int_equal(ov_db_commit(db, "test"), OV_OK);
	}
	assert_int_equal(ov_pair_invite(text, a.home, 1), OV_OK);
	assert_int_equal(ov_pair_code_read(&code, text), OV_OK);
	memcpy(who.identity, a.home->identity, 32);
	memcpy(who.envelope, a.home->envelope, 32);
	assert_int_equal(ov_pair_accept(b.home, &code, &who), OV_OK);
	broker.drop = 3; /* the network is bad, too */
	process(&b);
	process(&a);
	process(&b);
	assert_int_equal(ov_partner_get(&p, a.home, b.home->company), OV_OK);
	assert_int_equal(ov_partner_get(&p, b.home, a.home->company), OV_OK);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(walks_from_offer_to_force),
		T(the_same_again_changes_nothing),
		T(a_change_is_finished_without_the_other_person),
		T(crossing_first_offers_meet),
		T(crossing_changes_meet),
		T(criteria_need_a_person_again),
		T(criteria_change_once_in_28_days),
		T(mail_of_an_unknown_kind_is_dropped_and_shown),
		T(criteria_of_a_group_change_once_in_28_days),
		T(criteria_on_columns_that_are_not_listed_are_refused_by_both),
		T(a_partner_that_makes_me_give_more_needs_my_person),
		T(consent_is_to_the_criteria_that_were_shown),
		T(terms_that_were_tampered_with_are_not_used),
		T(what_was_consented_to_bounds_what_is_in_force),
		T(criteria_that_nobody_accepted_are_not_evaluated),
		T(offers_are_checked),
		T(bad_offers_are_shown_and_stop_nothing),
		T(offers_with_unreadable_criteria_are_refused),
		T(answers_that_do_not_fit_bring_nothing_into_force),
		T(terms_that_the_log_does_not_hold_stop_all_jobs),
		T(a_suspended_partner_gets_no_signature),
		T(jobs_wait_for_somebody_who_takes_them),
		T(pairing_by_mail),
	};

	return cmocka_run_group_tests_name("terms", tests, NULL, NULL);
}
