/* What becomes of a partnership: questions that a person answers, and its end, which each
 * side carries out on its own machine and signs for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include "client/ask.h"
#include "client/end.h"
#include "client/giving.h"
#include "client/hold.h"
#include "client/pair.h"
#include "client/terms.h"
#include "common/crypto/memory.h"
#include "common/crypto/sign.h"
#include "home_site.h"
#include "proto/keys.h"
#include "proto/steps.h"

struct company {
	struct ov_home *home;
	struct ov_partner other; /* as this one has it */
};

static struct company a, b;
static struct site_mail mail, old;

#define RUN(c, ...)                                                                      \
	do {                                                                             \
		assert_int_equal(ov_db_begin((c)->home->db), OV_OK);                     \
		assert_int_equal(ov_db_run((c)->home->db, __VA_ARGS__), OV_OK);          \
		assert_int_equal(ov_db_commit((c)->home->db, "test"), OV_OK);            \
	} while (0)

static void
introduce(struct company *to, const struct ov_home *h)
{
	struct ov_partner *p = &to->other;

	memset(p, 0, sizeof(*p));
	memcpy(p->company, h->company, OV_ID);
	memcpy(p->identity, h->identity, 32);
	memcpy(p->envelope, h->envelope, 32);
	memcpy(p->name, h->name, sizeof(p->name));
	p->state = OV_PARTNER_PAIRED;
	p->paired = 1;
	assert_int_equal(ov_db_begin(to->home->db), OV_OK);
	assert_int_equal(ov_partner_put(to->home, p), OV_OK);
	assert_int_equal(ov_db_commit(to->home->db, "test"), OV_OK);
}

static int
setup(void **state)
{
	if (site_setup(state) != 0)
		return -1;
	a.home = site_joined("Acme", NULL);
	b.home = site_joined("Globex", NULL);
	introduce(&a, b.home);
	introduce(&b, a.home);
	return 0;
}

static int
teardown(void **state)
{
	ov_home_close(a.home);
	ov_home_close(b.home);
	ov_buf_free(&mail.body);
	ov_buf_free(&old.body);
	mail = old = (struct site_mail){ .kind = 0 };
	return site_teardown(state);
}

/* The next mail of `from` must be of this kind. */
static void
take(struct company *from, unsigned int kind)
{
	assert_true(site_take_mail(&mail, from->home));
	assert_int_equal(mail.kind, kind);
	assert_memory_equal(mail.to, from->other.company, OV_ID);
}

/* --- asking --- */

static struct ov_ask
question(enum ov_level level, const char *text)
{
	struct ov_ask q = { .n = 1, .population = { { "customers", level } } };

	memcpy(q.text, text, strlen(text) + 1);
	return q;
}

static void
ask(struct company *who, enum ov_level level, const char *text)
{
	struct ov_ask q = question(level, text);

	assert_int_equal(ov_ask_send(who->home, &who->other, &q), OV_OK);
	take(who, OV_MAIL_TERMS_ASK);
}

static void
sheet_with(struct ov_buf *out, enum ov_level level)
{
	struct ov_policy p;

	ov_policy_default(&p);
	for (size_t i = 0; i < p.n_populations; i++)
		p.population[i].level = level;
	out->len = 0;
	assert_int_equal(ov_sheet_of_policy(out, &p), OV_OK);
}

static void
a_question_waits_until_it_is_answered(void **state)
{
	struct ov_buf sheet = { 0 };
	struct ov_ask got;

	(void)state;
	ask(&a, OV_LEVEL_MATCHES, "for the spring campaign");
	/* the broker sees neither what nor why */
	assert_null(memmem(mail.body.p, mail.body.len, "customers", 9));
	assert_null(memmem(mail.body.p, mail.body.len, "spring", 6));
	assert_int_equal(
	    ov_ask_take(b.home, a.home->company, OV_BUF_BYTES(&mail.body)), OV_OK);
	assert_int_equal(
	    ov_ask_waiting(&got, b.home, b.other.company, OV_BYTES(NULL, 0)), OV_OK);
	assert_string_equal(got.population[0].name, "customers");
	assert_int_equal(got.population[0].level, OV_LEVEL_MATCHES);
	assert_string_equal(got.text, "for the spring campaign");
	sheet_with(&sheet, OV_LEVEL_COUNTS);
	assert_int_equal(
	    ov_ask_waiting(&got, b.home, b.other.company, OV_BUF_BYTES(&sheet)), OV_OK);
	sheet_with(&sheet, OV_LEVEL_MATCHES); /* given */
	assert_int_equal(
	    ov_ask_waiting(&got, b.home, b.other.company, OV_BUF_BYTES(&sheet)),
	    OV_E_NOT_FOUND);
	assert_int_equal(ov_ask_forget(b.home, b.other.company), OV_OK);
	assert_int_equal(ov_ask_forget(b.home, b.other.company), OV_E_NOT_FOUND);
	/* brought again by the broker, it stays forgotten */
	assert_int_equal(
	    ov_ask_take(b.home, a.home->company, OV_BUF_BYTES(&mail.body)), OV_OK);
	assert_int_equal(ov_ask_waiting(&got, b.home, b.other.company, OV_BYTES(NULL, 0)),
	    OV_E_NOT_FOUND);
	ask(&a, OV_LEVEL_COUNTS, "");
	assert_int_equal(
	    ov_ask_take(b.home, a.home->company, OV_BUF_BYTES(&mail.body)), OV_OK);
	assert_int_equal(
	    ov_ask_waiting(&got, b.home, b.other.company, OV_BYTES(NULL, 0)), OV_OK);
	ov_buf_free(&sheet);
}

static void
questions_are_checked(void **state)
{
	struct ov_home *other = site_joined("Initech", NULL);
	struct ov_ask q = question(OV_LEVEL_MATCHES, "a\nb"), got;

	(void)state;
	assert_int_equal(ov_ask_send(a.home, &a.other, &q), OV_E_USAGE);
	q = question(OV_LEVEL_MATCHES, "");
	q.n = 0;
	assert_int_equal(ov_ask_send(a.home, &a.other, &q), OV_E_USAGE);
	ask(&a, OV_LEVEL_MATCHES, "");
	for (size_t i = 0; i < mail.body.len; i += 7) {
		mail.body.p[i] ^= 1;
		assert_int_equal(
		    ov_ask_take(b.home, a.home->company, OV_BUF_BYTES(&mail.body)),
		    OV_E_CRYPTO_SIGNATURE);
		mail.body.p[i] ^= 1;
	}
	for (size_t len = 0; len < mail.body.len; len += 5)
		assert_int_not_equal(
		    ov_ask_take(b.home, a.home->company, OV_BYTES(mail.body.p, len)),
		    OV_OK);
	assert_int_equal(ov_ask_take(b.home, other->company, OV_BUF_BYTES(&mail.body)),
	    OV_E_PARTNER_UNPAIRED);
	/* for b, whoever carries it to somebody else */
	assert_int_equal(ov_ask_take(other, a.home->company, OV_BUF_BYTES(&mail.body)),
	    OV_E_PARTNER_UNPAIRED);
	assert_int_equal(ov_ask_waiting(&got, b.home, b.other.company, OV_BYTES(NULL, 0)),
	    OV_E_NOT_FOUND);
	ov_home_close(other);
}

/* --- the end --- */

/* Rows that would tell of the partnership. */
static int64_t
left_of(struct company *c)
{
	int64_t n;

	assert_int_equal(
	    ov_db_number(&n, c->home->db,
		"SELECT (SELECT count(*) FROM job) + (SELECT count(*) FROM job_list) +"
		" (SELECT count(*) FROM job_step) + (SELECT count(*) FROM job_match) +"
		" (SELECT count(*) FROM job_cell) + (SELECT count(*) FROM job_held) +"
		" (SELECT count(*) FROM job_band) + (SELECT count(*) FROM job_population)"
		" + (SELECT count(*) FROM egress) + (SELECT count(*) FROM sheet) +"
		" (SELECT count(*) FROM terms) + (SELECT count(*) FROM ask) +"
		" (SELECT count(*) FROM partner_profile) + (SELECT count(*) FROM hold) +"
		" (SELECT count(*) FROM pledge) + (SELECT count(*) FROM match_wrong) +"
		" (SELECT count(*) FROM job_account)"),
	    OV_OK);
	return n;
}

static int64_t
charges_of(struct company *c)
{
	int64_t n;

	assert_int_equal(
	    ov_db_number(&n, c->home->db, "SELECT count(*) FROM charge"), OV_OK);
	return n;
}

/* A job with a row in each of its tables, and terms under a number. */
static void
fill(struct company *c, uint64_t sequence)
{
	const struct ov_db_value p = OV_DB_BLOB(c->other.company, OV_ID);

	RUN(c,
	    "INSERT INTO job(id, partner, role, state, created, expiry, closed, slots,"
	    " tokens, records, list_digest, commitment_random, terms_sequence,"
	    " generation, profile) VALUES (x'01020304050607080910111213141516', ?1, 0, "
	    "?2,"
	    " 1, 2, 3, 1024, 1, 1, x'', x'', 1, 1, x'')",
	    p, OV_DB_I64(OV_JOB_CLOSED));
#define ROW(table, values)                                                               \
	RUN(c, "INSERT INTO " table " SELECT " values " FROM job WHERE partner = ?", p)
	ROW("job_list", "id, 0, x'00'");
	ROW("job_step", "id, 1, x'00', x'00', NULL, NULL, NULL");
	ROW("job_match(job, number, rank, label, population, fit, record)",
	    "id, 1, 5, 1, 1, 0, 1");
	ROW("job_cell", "id, 1, 1, 1, 1, 1, 0, 0");
	ROW("job_held(job, population, reason, next)", "id, 1, 1, 1");
	ROW("job_band", "id, 1, 'A'");
	ROW("job_population(job, side, number, name, accounts)", "id, 0, 1, 'x', 1");
	ROW("job_account", "1, 1, 1, 'Secret Ltd', 'X1'");
	ROW("egress", "id, 1, 0, 10, x'00', 1");
	ROW("pledge(job, partner, time, epsilon)", "id, partner, 1, 333");
	ROW("charge(job, partner, time, slots, other_slots)", "id, partner, 1, 1, 1");
	ROW("match_wrong", "partner, 'x', 5, 'iX1', 1");
	ROW("ask", "partner, x'00', 0, x'00', x'', 1, 0");
	ROW("hold(kind, company, reason, since)", "2, partner, 'E_PARTNER_HELD', 1");
	RUN(c, "INSERT INTO partner_profile SELECT ?, x'00', x'00'", p);
	RUN(c,
	    "INSERT INTO sheet(company, mine, sequence, grants, consented, at) VALUES (?,"
	    " 1, ?, x'', zeroblob(64), 1)",
	    p, OV_DB_I64(sequence));
	RUN(c,
	    "INSERT INTO terms(company, sequence, state, body, terms, release, sealed,"
	    " signature_mine) VALUES (?, ?, ?, x'00', x'00', x'00', x'00', zeroblob(64))",
	    p, OV_DB_I64(sequence), OV_DB_I64(OV_TERMS_IN_FORCE));
	assert_true(left_of(c) >= 16);
}

static enum ov_partner_state
state_of(struct company *c)
{
	struct ov_partner p;

	assert_int_equal(ov_partner_get_any(&p, c->home, c->other.company), OV_OK);
	return p.state;
}

static void
both_sides_delete_and_one_confirms(void **state)
{
	struct ov_end_counts n;
	struct ov_end e;

	(void)state;
	fill(&a, 3);
	fill(&b, 3);
	assert_int_equal(ov_end_count(&n, a.home, a.other.company), OV_OK);
	assert_int_equal(n.jobs, 1);
	assert_int_equal(n.open_jobs, 0);
	assert_int_equal(n.reports, 1);
	assert_int_equal(n.matches, 1);
	assert_int_equal(n.terms, 1);
	assert_int_equal(ov_end_begin(a.home, &a.other), OV_OK);
	assert_int_equal(left_of(&a), 0);
	assert_int_equal(charges_of(&a), 1);
	assert_int_equal(state_of(&a), OV_PARTNER_ENDED);
	assert_int_equal(
	    ov_end_begin(a.home, &(struct ov_partner){ .state = OV_PARTNER_ENDED }),
	    OV_E_PARTNER_UNPAIRED);
	take(&a, OV_MAIL_TERMS_END);
	assert_int_equal(
	    ov_end_take(b.home, a.home->company, OV_BUF_BYTES(&mail.body)), OV_OK);
	assert_int_equal(left_of(&b), 0);
	assert_int_equal(charges_of(&b), 1);
	assert_int_equal(state_of(&b), OV_PARTNER_ENDED);
	assert_int_equal(ov_end_of(&e, b.home, b.other.company), OV_OK);
	assert_false(e.mine);
	assert_int_equal(ov_end_of(&e, a.home, a.other.company), OV_OK);
	assert_true(e.mine);
	assert_int_equal(e.confirmed, 0);
	/* the same again says nothing more */
	assert_int_equal(
	    ov_end_take(b.home, a.home->company, OV_BUF_BYTES(&mail.body)), OV_OK);
	take(&b, OV_MAIL_TERMS_ENDED);
	assert_int_equal(
	    ov_end_take_confirmation(a.home, b.home->company, OV_BUF_BYTES(&mail.body)),
	    OV_OK);
	assert_int_equal(ov_end_of(&e, a.home, a.other.company), OV_OK);
	assert_true(e.confirmed > 0);
	assert_false(site_take_mail(&mail, b.home));
}

static void
nothing_of_it_is_left_in_the_file(void **state)
{
	char path[128], *bytes;
	FILE *f;
	size_t n;

	(void)state;
	fill(&a, 1);
	assert_int_equal(ov_end_begin(a.home, &a.other), OV_OK);
	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/Acme/overlap.db%s", site_dir,
		    i == 0 ? "" : "-wal");
		f = fopen(path, "rb");
		if (f == NULL)
			continue;
		bytes = calloc(1, 1 << 22);
		assert_non_null(bytes);
		n = fread(bytes, 1, 1 << 22, f);
		assert_true(i == 1 || n > 0);
		assert_null(memmem(bytes, n, "Secret Ltd", 10));
		free(bytes);
		fclose(f);
	}
}

static void
an_end_is_believed_of_the_partner_alone(void **state)
{
	struct ov_home *other = site_joined("Initech", NULL);

	(void)state;
	fill(&b, 1);
	assert_int_equal(ov_end_begin(a.home, &a.other), OV_OK);
	take(&a, OV_MAIL_TERMS_END);
	for (size_t i = 0; i < mail.body.len; i++) {
		mail.body.p[i] ^= 1;
		assert_int_not_equal(
		    ov_end_take(b.home, a.home->company, OV_BUF_BYTES(&mail.body)),
		    OV_OK);
		mail.body.p[i] ^= 1;
	}
	for (size_t len = 0; len < mail.body.len; len++)
		assert_int_not_equal(
		    ov_end_take(b.home, a.home->company, OV_BYTES(mail.body.p, len)),
		    OV_OK);
	assert_int_equal(ov_end_take(b.home, other->company, OV_BUF_BYTES(&mail.body)),
	    OV_E_PARTNER_UNPAIRED);
	assert_int_not_equal(
	    ov_end_take_confirmation(b.home, a.home->company, OV_BUF_BYTES(&mail.body)),
	    OV_OK);
	assert_int_equal(state_of(&b), OV_PARTNER_PAIRED);
	ov_home_close(other);
}

/* Paired anew, an old end ends nothing, and numbers go on above all that ended. */
static void
an_old_end_does_not_end_a_new_partnership(void **state)
{
	struct ov_buf sheet = { 0 };
	struct ov_terms_view v;
	uint64_t ended;

	(void)state;
	fill(&a, 7);
	fill(&b, 9); /* b is ahead: what a does not know yet */
	assert_int_equal(ov_end_begin(a.home, &a.other), OV_OK);
	take(&a, OV_MAIL_TERMS_END);
	old.body.len = 0;
	assert_int_equal(ov_buf_append(&old.body, mail.body.p, mail.body.len), OV_OK);
	/* b has 9 in force, so this end is one of before */
	assert_int_equal(
	    ov_end_take(b.home, a.home->company, OV_BUF_BYTES(&old.body)), OV_OK);
	assert_int_equal(state_of(&b), OV_PARTNER_PAIRED);
	RUN(&b, "UPDATE terms SET sequence = 7");
	assert_int_equal(
	    ov_end_take(b.home, a.home->company, OV_BUF_BYTES(&old.body)), OV_OK);
	assert_int_equal(state_of(&b), OV_PARTNER_ENDED);
	take(&b, OV_MAIL_TERMS_ENDED);
	assert_int_equal(
	    ov_end_take_confirmation(a.home, b.home->company, OV_BUF_BYTES(&mail.body)),
	    OV_OK);
	assert_int_equal(ov_end_sequence(&ended, a.home, a.other.company), OV_OK);
	assert_int_equal(ended, 9); /* b's offer had that number */
	introduce(&a, b.home);
	introduce(&b, a.home);
	assert_int_equal(
	    ov_end_take(b.home, a.home->company, OV_BUF_BYTES(&old.body)), OV_OK);
	assert_int_equal(state_of(&b), OV_PARTNER_PAIRED);
	sheet_with(&sheet, OV_LEVEL_MATCHES);
	assert_int_equal(ov_terms_consent(a.home, &a.other,
			     &(struct ov_terms_consent){ .sheet = OV_BUF_BYTES(&sheet) }),
	    OV_OK);
	assert_int_equal(ov_terms_view(&v, a.home, a.other.company), OV_OK);
	assert_int_equal(v.sequence, 10);
	ov_terms_view_free(&v);
	take(&a, OV_MAIL_TERMS_OFFER);
	old.body.len = 0;
	assert_int_equal(ov_buf_append(&old.body, mail.body.p, mail.body.len), OV_OK);
	assert_int_equal(
	    ov_terms_take_offer(b.home, a.home->company, OV_BUF_BYTES(&old.body)), OV_OK);
	/* ended again, that offer is one of before, too */
	assert_int_equal(ov_end_begin(b.home, &b.other), OV_OK);
	introduce(&b, a.home);
	assert_int_equal(
	    ov_terms_take_offer(b.home, a.home->company, OV_BUF_BYTES(&old.body)), OV_OK);
	assert_int_equal(ov_terms_view(&v, b.home, b.other.company), OV_OK);
	assert_int_equal(v.theirs.len, 0);
	ov_terms_view_free(&v);
	ov_buf_free(&sheet);
}

static void
two_ends_that_cross_are_both_confirmed(void **state)
{
	struct ov_end e;

	(void)state;
	assert_int_equal(ov_end_begin(a.home, &a.other), OV_OK);
	assert_int_equal(ov_end_begin(b.home, &b.other), OV_OK);
	for (int i = 0; i < 2; i++) {
		struct company *from = i == 0 ? &a : &b, *to = i == 0 ? &b : &a;

		take(from, OV_MAIL_TERMS_END);
		assert_int_equal(
		    ov_end_take(to->home, from->home->company, OV_BUF_BYTES(&mail.body)),
		    OV_OK);
	}
	for (int i = 0; i < 2; i++) {
		struct company *from = i == 0 ? &a : &b, *to = i == 0 ? &b : &a;

		take(from, OV_MAIL_TERMS_ENDED);
		assert_int_equal(ov_end_take_confirmation(to->home, from->home->company,
				     OV_BUF_BYTES(&mail.body)),
		    OV_OK);
		assert_int_equal(ov_end_of(&e, to->home, to->other.company), OV_OK);
		assert_true(e.mine && e.confirmed > 0);
	}
}

/* Each answer is kept with its proof for good: who ends what is over gets few. */
static void
ends_without_end_are_not_all_answered(void **state)
{
	int64_t n;

	(void)state;
	assert_int_equal(ov_end_begin(a.home, &a.other), OV_OK);
	take(&a, OV_MAIL_TERMS_END);
	for (int i = 0; i < 20; i++) {
		introduce(&b, a.home); /* as if nothing had ended there */
		assert_int_equal(ov_end_begin(b.home, &b.other), OV_OK);
		take(&b, OV_MAIL_TERMS_END);
		assert_int_equal(
		    ov_end_take(a.home, b.home->company, OV_BUF_BYTES(&mail.body)),
		    OV_OK);
	}
	assert_int_equal(
	    ov_db_number(&n, a.home->db, "SELECT count(*) FROM mail_out WHERE kind = 10"),
	    OV_OK);
	assert_int_equal(n, 8);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_question_waits_until_it_is_answered),
		T(questions_are_checked),
		T(both_sides_delete_and_one_confirms),
		T(nothing_of_it_is_left_in_the_file),
		T(an_end_is_believed_of_the_partner_alone),
		T(an_old_end_does_not_end_a_new_partnership),
		T(two_ends_that_cross_are_both_confirmed),
		T(ends_without_end_are_not_all_answered),
	};

	return cmocka_run_group_tests_name("life", tests, NULL, NULL);
}
