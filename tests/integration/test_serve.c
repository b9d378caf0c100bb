/* A real overlapd process, real TLS: calls that wait, revocation, kill and restart,
 * shutdown.  Companies are enrolled before it starts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/crypto/memory.h"
#include "common/transport/control.h"
#include "common/transport/link.h"
#include "server/site.h"
#include "tests/unit/broker_site.h"

#define PATIENCE_MS 60000 /* only failures take it */

static pid_t process;
static char address[64];

static pid_t
start_process(int *out)
{
	int ends[2];
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		dup2(ends[1], STDOUT_FILENO);
		close(ends[0]);
		close(ends[1]);
		execl(OV_OVERLAPD, "overlapd", "serve", "--home", site_dir, "--listen",
		    "127.0.0.1:0", "--enrolment", "127.0.0.1:0", (char *)NULL);
		_exit(127);
	}
	close(ends[1]);
	*out = ends[0];
	return pid;
}

static void
serve(void)
{
	unsigned int port = 0;
	char line[64];
	FILE *f;
	int fd;

	process = start_process(&fd);
	f = fdopen(fd, "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL && strcmp(line, "ready\n") != 0)
		if (strncmp(line, "companies ", 10) == 0)
			port = (unsigned int)strtoul(line + 10, NULL, 10);
	fclose(f);
	assert_true(port > 0);
	snprintf(address, sizeof(address), "127.0.0.1:%u", port);
}

/* Its wait status. */
static int
end_process(int signal_number)
{
	int status;

	assert_int_equal(kill(process, signal_number), 0);
	assert_int_equal(waitpid(process, &status, 0), process);
	process = 0;
	return status;
}

static int
setup(void **state)
{
	return companies_setup(state);
}

static int
teardown(void **state)
{
	if (process != 0)
		(void)end_process(SIGKILL);
	return companies_teardown(state);
}

/* --- a company on the wire --- */

struct line {
	struct ov_tls_context *tls;
	struct ov_link *link;
};

static void
line_open(struct line *l, const struct actor *a)
{
	struct ov_tls_client_options tls = { .cert_pem = a->certificate,
		.key_pem = a->tls_key,
		.ca_pem = broker.ca_pem,
		.server_name = "localhost" };
	struct ov_link_options o = { .address = address };

	assert_int_equal(ov_tls_client_new(&l->tls, &tls), OV_OK);
	o.tls = l->tls;
	assert_int_equal(ov_link_new(&l->link, &o), OV_OK);
}

static void
line_close(struct line *l)
{
	ov_link_free(l->link);
	ov_tls_context_free(l->tls);
}

static struct ov_ticket *
ask(struct line *l, enum ov_msg type, const void *m)
{
	struct ov_ticket *ticket;
	struct ov_buf q = { 0 };

	assert_int_equal(ov_link_connect(l->link, PATIENCE_MS), OV_OK);
	assert_int_equal(ov_msg_encode(&q, type, m), OV_OK);
	assert_int_equal(
	    ov_link_start(l->link, &ticket, OV_BUF_BYTES(&q), NULL, 0), OV_OK);
	ov_buf_free(&q);
	return ticket;
}

/* The message that answers, to be freed; asserts its type. */
static uint8_t *
answer(struct ov_ticket *ticket, enum ov_msg want, void *m)
{
	struct ov_reply reply;

	assert_int_equal(ov_link_wait(ticket, &reply, PATIENCE_MS), OV_OK);
	ov_ticket_free(ticket);
	assert_int_equal(ov_msg_type(OV_BYTES(reply.body, reply.len)), want);
	assert_int_equal(ov_msg_decode(m, want, OV_BYTES(reply.body, reply.len)), OV_OK);
	return reply.body;
}

static void
answer_is(struct ov_ticket *ticket, enum ov_status want)
{
	const char *name = ov_status_name(want);
	struct ov_msg_error m;
	uint8_t *body = answer(ticket, OV_MSG_ERROR, &m);

	assert_int_equal(m.status.len, strlen(name));
	assert_memory_equal(m.status.p, name, m.status.len);
	free(body);
}

static void
post(struct line *l, const struct actor *to, uint8_t id)
{
	struct ov_msg_put_mail m = { .kind = OV_MAIL_COSELL, .body = OV_BYTES(&id, 1) };
	struct ov_msg_done done;

	memcpy(m.to, to->id, OV_ID);
	memset(m.mail, id, OV_ID);
	free(answer(ask(l, OV_MSG_PUT_MAIL, &m), OV_MSG_DONE, &done));
}

/* True when a call of that company is held in the broker: a call after it on the same
 * connection was answered, and the broker says so. */
static void
wait_until_held(unsigned int n)
{
	char path[OV_PATH_MAX], want[64];
	bool held = false;

	snprintf(want, sizeof(want), "(%u under way", n);
	assert_int_equal(ov_site_path(path, site_dir, "control.sock"), OV_OK);
	while (!held) {
		uint8_t *reply;
		size_t len;

		assert_int_equal(ov_control_call(path, &reply, &len,
				     OV_BYTES("status", 7), PATIENCE_MS),
		    OV_OK);
		held = memmem(reply, len, want, strlen(want)) != NULL;
		free(reply);
	}
}

static void
operate(const char *words, size_t len)
{
	char path[OV_PATH_MAX];
	uint8_t *reply;

	assert_int_equal(ov_site_path(path, site_dir, "control.sock"), OV_OK);
	assert_int_equal(
	    ov_control_call(path, &reply, &len, OV_BYTES(words, len), PATIENCE_MS),
	    OV_OK);
	assert_true(len >= 3);
	assert_memory_equal(reply, "OK\n", 3);
	free(reply);
}

/* --- tests --- */

static void
held_call_is_answered_when_it_happens(void **state)
{
	struct ov_msg_get_mail get = { .wait_ms = OV_WAIT_MAX };
	struct ov_msg_mail mail;
	struct ov_ticket *ticket;
	struct line a, b;

	(void)state;
	serve();
	line_open(&a, &ada);
	line_open(&b, &bob);
	ticket = ask(&b, OV_MSG_GET_MAIL, &get);
	wait_until_held(1);
	post(&a, &bob, 7);
	free(answer(ticket, OV_MSG_MAIL, &mail));
	assert_memory_equal(mail.from, ada.id, OV_ID);
	line_close(&a);
	line_close(&b);
}

static void
held_call_is_answered_when_its_time_is_over(void **state)
{
	struct ov_msg_get_mail get = { .wait_ms = 20 };
	struct line b;

	(void)state;
	serve();
	line_open(&b, &bob);
	answer_is(ask(&b, OV_MSG_GET_MAIL, &get), OV_E_BROKER_WAIT);
	get.wait_ms = 0;
	answer_is(ask(&b, OV_MSG_GET_MAIL, &get), OV_E_BROKER_WAIT);
	line_close(&b);
}

static void
held_call_of_a_lost_connection_is_forgotten(void **state)
{
	struct ov_msg_get_mail get = { .wait_ms = OV_WAIT_MAX };
	struct line a, b;

	(void)state;
	serve();
	line_open(&a, &ada);
	line_open(&b, &bob);
	for (int i = 0; i < 5; i++)
		ov_ticket_free(ask(&b, OV_MSG_GET_MAIL, &get));
	wait_until_held(5);
	line_close(&b);
	wait_until_held(0);
	post(&a, &bob, 1); /* wakes nobody, harms nobody */
	line_close(&a);
	assert_int_equal(end_process(SIGTERM), 0);
}

static void
revocation_cuts_live_connections(void **state)
{
	struct ov_msg_get_mail get = { .wait_ms = OV_WAIT_MAX };
	struct ov_msg_get_head head = { 0 };
	struct ov_msg_head reply;
	struct ov_ticket *ticket;
	struct ov_msg_error error;
	struct ov_reply none;
	struct line a, e;

	(void)state;
	serve();
	line_open(&a, &ada);
	line_open(&e, &eve);
	free(answer(ask(&a, OV_MSG_GET_HEAD, &head), OV_MSG_HEAD, &reply));
	ticket = ask(&e, OV_MSG_GET_MAIL, &get);
	wait_until_held(1);
	operate("revoke\0Eve Inc", sizeof("revoke\0Eve Inc"));
	/* told so, or cut off before */
	if (ov_link_wait(ticket, &none, PATIENCE_MS) == OV_OK) {
		assert_int_equal(
		    ov_msg_decode(&error, OV_MSG_ERROR, OV_BYTES(none.body, none.len)),
		    OV_OK);
		assert_memory_equal(error.status.p, "E_BROKER_REVOKED", error.status.len);
		free(none.body);
	}
	ov_ticket_free(ticket);
	while (ov_link_connect(e.link, PATIENCE_MS) == OV_OK)
		; /* until the link has seen its end */
	assert_int_equal(ov_link_connect(e.link, PATIENCE_MS), OV_E_BROKER_REVOKED);
	/* the others stay */
	free(answer(ask(&a, OV_MSG_GET_HEAD, &head), OV_MSG_HEAD, &reply));
	line_close(&a);
	line_close(&e);
}

static void
kill_loses_nothing_acknowledged(void **state)
{
	struct ov_msg_get_mail get = { 0 };
	struct ov_msg_mail mail;
	struct line a, b;

	(void)state;
	serve();
	line_open(&a, &ada);
	for (uint8_t i = 1; i <= 20; i++)
		post(&a, &bob, i);
	(void)end_process(SIGKILL);
	line_close(&a);
	serve();
	line_open(&b, &bob);
	for (uint8_t i = 1; i <= 20; i++) {
		free(answer(ask(&b, OV_MSG_GET_MAIL, &get), OV_MSG_MAIL, &mail));
		get.after = mail.seq;
	}
	answer_is(ask(&b, OV_MSG_GET_MAIL, &get), OV_E_BROKER_WAIT);
	line_close(&b);
}

static void
shutdown_answers_held_calls(void **state)
{
	struct ov_msg_get_mail get = { .wait_ms = OV_WAIT_MAX };
	struct ov_ticket *ticket;
	struct line b;
	int status;

	(void)state;
	serve();
	line_open(&b, &bob);
	ticket = ask(&b, OV_MSG_GET_MAIL, &get);
	wait_until_held(1);
	status = end_process(SIGTERM);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	answer_is(ticket, OV_E_BROKER_WAIT);
	line_close(&b);
}

static void
second_broker_of_a_site_is_refused(void **state)
{
	int fd, status;
	pid_t second;

	(void)state;
	serve();
	second = start_process(&fd);
	close(fd);
	assert_int_equal(waitpid(second, &status, 0), second);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
}

#define ON_SITE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ON_SITE(held_call_is_answered_when_it_happens),
		ON_SITE(held_call_is_answered_when_its_time_is_over),
		ON_SITE(held_call_of_a_lost_connection_is_forgotten),
		ON_SITE(revocation_cuts_live_connections),
		ON_SITE(kill_loses_nothing_acknowledged),
		ON_SITE(shutdown_answers_held_calls),
		ON_SITE(second_broker_of_a_site_is_refused),
	};

	if (ov_crypto_init() != OV_OK)
		return 1;
	(void)signal(SIGPIPE, SIG_IGN);
	clock_start = (int64_t)time(NULL); /* certificates are checked for real */
	return cmocka_run_group_tests_name("serve", tests, NULL, NULL);
}
