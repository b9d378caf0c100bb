/* The table of legal job steps, tried over every (state, sender, step). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proto/steps.h"

static enum ov_job_state
walk(const int (*path)[2], size_t n)
{
	enum ov_job_state s = OV_JOB_NONE;

	for (size_t i = 0; i < n; i++)
		assert_int_equal(ov_job_step(&s, s, (enum ov_role)path[i][0],
				     (enum ov_step)path[i][1]),
		    OV_OK);
	return s;
}

static void
happy_path_closes(void **state)
{
	static const int path[][2] = { { OV_ROLE_A, OV_STEP_PROPOSE },
		{ OV_ROLE_B, OV_STEP_ACCEPT }, { OV_ROLE_A, OV_STEP_CHUNK },
		{ OV_ROLE_B, OV_STEP_CHUNK }, { OV_ROLE_A, OV_STEP_COMPLETE_POINTS_A },
		{ OV_ROLE_B, OV_STEP_COMPLETE_POINTS_B },
		{ OV_ROLE_A, OV_STEP_COMPLETE_ROSTER_A },
		{ OV_ROLE_B, OV_STEP_COMPLETE_ROSTER_B },
		{ OV_ROLE_A, OV_STEP_COMPLETE_TAGS_A },
		{ OV_ROLE_B, OV_STEP_COMPLETE_TAGS_B }, { OV_ROLE_S, OV_STEP_REPORT },
		{ OV_ROLE_B, OV_STEP_CLOSE_B }, { OV_ROLE_A, OV_STEP_CLOSE_A },
		{ OV_ROLE_S, OV_STEP_BOTH_CLOSED } };

	(void)state;
	assert_int_equal(walk(path, sizeof(path) / sizeof(path[0])), OV_JOB_CLOSED);
}

/* Every triple: what passes keeps these rules, and exactly 50 pass. */
static void
every_triple_keeps_the_rules(void **state)
{
	int passed = 0;

	(void)state;
	for (int s = 0; s < OV_JOB_STATES; s++)
		for (int who = 0; who < OV_ROLES; who++)
			for (unsigned int step = 0; step < 64; step++) {
				enum ov_job_state to = OV_JOB_STATES;

				if (ov_job_step(&to, (enum ov_job_state)s,
					(enum ov_role)who, (enum ov_step)step) != OV_OK) {
					assert_int_equal(to, OV_JOB_STATES);
					continue;
				}
				passed++;
				assert_false(ov_job_final((enum ov_job_state)s));
				assert_true(step < OV_STEPS);
				if (step < OV_STEP_STORED)
					assert_int_equal(ov_step_sender(step), who);
				/* no second message takes a report away */
				assert_true(
				    step != OV_STEP_EQUIVOCATE || s < OV_JOB_REPORTED);
				/* nothing leads back to before ACCEPT */
				assert_true(to != OV_JOB_NONE);
				assert_true(to != OV_JOB_PROPOSED || s == OV_JOB_NONE);
			}
	assert_int_equal(passed, 50);
}

static void
streams_and_steps_agree(void **state)
{
	(void)state;
	for (unsigned int stream = 1; stream < OV_STREAMS; stream++) {
		unsigned int step = ov_stream_complete_step(stream);

		assert_true(ov_stream_sender(stream) != ov_stream_receiver(stream));
		if (step != 0) {
			assert_int_equal(ov_step_sender(step), ov_stream_sender(stream));
			assert_int_equal(ov_step_message(step), OV_MSG_COMPLETE);
		}
	}
	assert_int_equal(ov_stream_sender(0), OV_ROLES);
	assert_int_equal(ov_stream_receiver(OV_STREAMS), OV_ROLES);
	assert_int_equal(ov_step_message(OV_STEP_STORED), OV_MSG_NONE);
	assert_null(ov_step_context(OV_STEP_CHUNK));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(happy_path_closes),
		cmocka_unit_test(every_triple_keeps_the_rules),
		cmocka_unit_test(streams_and_steps_agree),
	};

	return cmocka_run_group_tests_name("steps", tests, NULL, NULL);
}
