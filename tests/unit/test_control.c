/* The operator's control socket: answers, privacy of its file, and its ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/transport/control.h"

#define PATIENCE_MS 60000

static char dir[64], path[96];

static int
set_up(void **state)
{
	(void)state;
	(void)snprintf(dir, sizeof(dir), "/tmp/overlap-control-XXXXXX");
	if (mkdtemp(dir) == NULL)
		return -1;
	(void)snprintf(path, sizeof(path), "%s/control", dir);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	(void)unlink(path);
	return rmdir(dir);
}

struct gate {
	pthread_mutex_t mx;
	pthread_cond_t cond;
	bool open;
};

/* Echoes; "wait" first waits for the gate; an empty request has an empty reply. */
static void
answer(void *ctx, uint8_t **reply, size_t *len, struct ov_bytes request)
{
	struct gate *g = ctx;

	if (request.len == 4 && memcmp(request.p, "wait", 4) == 0) {
		pthread_mutex_lock(&g->mx);
		while (!g->open)
			pthread_cond_wait(&g->cond, &g->mx);
		pthread_mutex_unlock(&g->mx);
	}
	if (request.len == 0)
		return;
	*reply = malloc(request.len);
	assert_non_null(*reply);
	memcpy(*reply, request.p, request.len);
	*len = request.len;
}

static void
expect_echo(const uint8_t *p, size_t n)
{
	uint8_t *reply = NULL;
	size_t len = 0;

	assert_int_equal(
	    ov_control_call(path, &reply, &len, OV_BYTES(p, n), PATIENCE_MS), OV_OK);
	assert_int_equal(len, n);
	if (n > 0)
		assert_memory_equal(reply, p, n);
	free(reply);
}

static void
calls_are_answered(void **state)
{
	uint8_t *big = calloc(1, OV_CONTROL_MAX + 1), *reply;
	struct ov_control *c;
	size_t len;

	(void)state;
	assert_int_equal(ov_control_start(&c, path, answer, NULL), OV_OK);
	expect_echo((const uint8_t *)"status", 6);
	expect_echo(NULL, 0);
	expect_echo(big, OV_CONTROL_MAX);
	assert_int_equal(ov_control_call(path, &reply, &len,
			     OV_BYTES(big, OV_CONTROL_MAX + 1), PATIENCE_MS),
	    OV_E_WIRE_LIMIT);
	expect_echo((const uint8_t *)"still here", 10);
	ov_control_stop(c);
	free(big);
}

static void
socket_file_is_private_and_removed(void **state)
{
	struct ov_control *c;
	mode_t before = umask(0);
	struct stat st;

	(void)state;
	assert_int_equal(ov_control_start(&c, path, answer, NULL), OV_OK);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(umask(before), 0); /* put back as it was */
	ov_control_stop(c);
	assert_int_equal(stat(path, &st), -1);
}

static void
absent_server_is_told(void **state)
{
	uint8_t *reply;
	size_t len;

	(void)state;
	assert_int_equal(
	    ov_control_call(path, &reply, &len, OV_LITERAL("status"), PATIENCE_MS),
	    OV_E_NET_UNREACHABLE);
	assert_int_equal(
	    ov_control_call("", &reply, &len, OV_LITERAL("status"), PATIENCE_MS),
	    OV_E_NET_ADDRESS);
}

static void
second_server_is_refused(void **state)
{
	struct ov_control *c, *second = NULL;

	(void)state;
	assert_int_equal(ov_control_start(&c, path, answer, NULL), OV_OK);
	assert_int_equal(ov_control_start(&second, path, answer, NULL), OV_E_NET_BUSY);
	assert_null(second);
	expect_echo((const uint8_t *)"first", 5);
	ov_control_stop(c);
}

/* What kill -9 leaves: a bound socket file without a listener. */
static void
stale_socket_is_replaced(void **state)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	struct ov_control *c;

	(void)state;
	memcpy(a.sun_path, path, strlen(path) + 1);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	close(fd);
	assert_int_equal(access(path, F_OK), 0);
	assert_int_equal(ov_control_start(&c, path, answer, NULL), OV_OK);
	expect_echo((const uint8_t *)"fresh", 5);
	ov_control_stop(c);
}

static void
slow_handler_times_the_caller_out_only(void **state)
{
	struct gate g = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false };
	struct ov_control *c;
	uint8_t *reply = NULL;
	size_t len;

	(void)state;
	assert_int_equal(ov_control_start(&c, path, answer, &g), OV_OK);
	assert_int_equal(
	    ov_control_call(path, &reply, &len, OV_LITERAL("wait"), 50), OV_E_TIMEOUT);
	assert_null(reply);
	pthread_mutex_lock(&g.mx);
	g.open = true;
	pthread_cond_broadcast(&g.cond);
	pthread_mutex_unlock(&g.mx);
	expect_echo((const uint8_t *)"next", 4);
	ov_control_stop(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls_are_answered),
		cmocka_unit_test(socket_file_is_private_and_removed),
		cmocka_unit_test(absent_server_is_told),
		cmocka_unit_test(second_server_is_refused),
		cmocka_unit_test(stale_socket_is_replaced),
		cmocka_unit_test(slow_handler_times_the_caller_out_only),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
