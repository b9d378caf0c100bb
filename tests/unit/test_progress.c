/* The progress line: when it is drawn, what it says, that it goes away. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include "client/progress.h"
#include "client/screen.h"

#define ERASE "\r\033[K"

static uint64_t clock_now;
static char *text;
static size_t text_len, seen;
static FILE *out;

static uint64_t
now_ms(void *ctx)
{
	(void)ctx;
	return clock_now;
}

static void
start(struct ov_progress *p, bool terminal)
{
	struct ov_progress_place place = { out, terminal, now_ms, NULL };

	clock_now = 5000;
	ov_progress_start_at(p, "importing", "rows", &place);
}

static void
at(struct ov_progress *p, uint64_t ms, uint64_t done, uint64_t all)
{
	clock_now = 5000 + ms;
	ov_progress_update(p, done, all);
}

/* Printed since the last time. */
static void
expect(const char *want)
{
	fflush(out);
	assert_string_equal(text + seen, want);
	seen = text_len;
}

static int
open_text(void **state)
{
	(void)state;
	seen = 0;
	out = open_memstream(&text, &text_len);
	return out == NULL ? -1 : fflush(out);
}

static int
close_text(void **state)
{
	(void)state;
	fclose(out);
	free(text);
	return 0;
}

static void
says_how_much_how_fast_how_long(void **state)
{
	struct ov_progress p;

	(void)state;
	start(&p, true);
	at(&p, 0, 0, 0);
	at(&p, 2000, 120000, 500000);
	expect(ERASE "importing: 120,000 of 500,000 rows (24%), 60,000/s, 7 s left");
}

static void
says_nothing_in_the_first_second(void **state)
{
	struct ov_progress p;

	(void)state;
	start(&p, true);
	at(&p, 0, 0, 100);
	at(&p, 999, 50, 100);
	expect("");
	at(&p, 1000, 60, 100);
	expect(ERASE "importing: 60 of 100 rows (60%), 60/s, 1 s left");
	ov_progress_end(&p);
}

static void
draws_five_times_a_second_at_most(void **state)
{
	struct ov_progress p;

	(void)state;
	start(&p, true);
	at(&p, 0, 0, 0);
	at(&p, 1000, 1000, 0);
	expect(ERASE "importing: 1,000 rows, 1,000/s");
	at(&p, 1199, 1100, 0);
	expect("");
	at(&p, 1200, 1200, 0);
	expect(ERASE "importing: 1,200 rows, 1,000/s");
}

static void
is_silent_off_a_terminal(void **state)
{
	struct ov_progress p;

	(void)state;
	start(&p, false);
	at(&p, 0, 0, 100);
	at(&p, 5000, 50, 100);
	ov_progress_end(&p);
	expect("");
}

static void
end_erases_the_line_once(void **state)
{
	struct ov_progress p;

	(void)state;
	start(&p, true);
	ov_progress_end(&p);
	expect(""); /* nothing was drawn */
	at(&p, 2000, 1, 0);
	ov_progress_end(&p);
	ov_progress_end(&p);
	expect(ERASE "importing: 1 rows" ERASE);
}

static void
rate_leaves_out_what_was_done_before(void **state)
{
	struct ov_progress p;

	(void)state;
	start(&p, true);
	at(&p, 0, 900000, 1000000);
	at(&p, 10000, 910000, 1000000);
	expect(
	    ERASE "importing: 910,000 of 1,000,000 rows (91%), 1,000/s, 1 min 31 s left");
}

static void
long_waits_are_told_in_hours(void **state)
{
	struct ov_progress p;

	(void)state;
	start(&p, true);
	at(&p, 0, 0, 0);
	at(&p, 10000, 1000, 1000000);
	expect(ERASE "importing: 1,000 of 1,000,000 rows (0%), 100/s, 2 h 46 min left");
}

static void
an_estimate_that_was_too_small_is_not_passed(void **state)
{
	struct ov_progress p;

	(void)state;
	start(&p, true);
	at(&p, 0, 0, 0);
	at(&p, 1000, 200, 100);
	expect(ERASE "importing: 200 of 200 rows (100%), 200/s");
}

/* --- the screen's cells --- */

static void
cell(const char *value, size_t width, enum ov_screen_side side, const char *want)
{
	ov_screen_cell(out, value, width, side);
	expect(want);
}

static void
cells_are_filled_and_cut_by_columns(void **state)
{
	(void)state;
	cell("abc", 5, OV_SCREEN_LEFT, "abc  ");
	cell("abc", 5, OV_SCREEN_RIGHT, "  abc");
	cell("abcdefgh", 6, OV_SCREEN_LEFT, "abc...");
	cell("M\xc3\xbcller", 8, OV_SCREEN_LEFT, "M\xc3\xbcller  ");
	/* two wide characters are four columns; one of them does not fit into three */
	cell("\xe6\x97\xa5\xe6\x9c\xac", 5, OV_SCREEN_RIGHT, " \xe6\x97\xa5\xe6\x9c\xac");
	cell(
	    "\xe6\x97\xa5\xe6\x9c\xac\xe6\x97\xa5", 5, OV_SCREEN_LEFT, "\xe6\x97\xa5...");
	cell("\xe6\x97\xa5\xe6\x9c\xac\xe6\x97\xa5\xe6\x9c\xac", 6, OV_SCREEN_LEFT,
	    "\xe6\x97\xa5... ");
	/* a combining mark takes none */
	assert_int_equal(ov_screen_width("e\xcc\x81"), 1);
}

static void
harmful_characters_become_question_marks(void **state)
{
	(void)state;
	cell("a\033[2Jb", 0, OV_SCREEN_LEFT, "a?[2Jb");
	cell("a\xc2\x9bz", 0, OV_SCREEN_LEFT, "a?z");	  /* C1 */
	cell("a\xe2\x80\xaez", 0, OV_SCREEN_LEFT, "a?z"); /* right-to-left override */
	cell("a\xff\xc3", 0, OV_SCREEN_LEFT, "a??");	  /* no UTF-8 */
	cell(
	    "\xc0\xaf\xed\xa0\x80", 0, OV_SCREEN_LEFT, "?????"); /* overlong, surrogate */
}

static void
paragraphs_break_between_words(void **state)
{
	(void)state;
	ov_screen_paragraph(out, 2, "one  two\nthree"); /* a line feed is no space */
	expect("  one two?three\n");
	ov_screen_paragraph(out, 0, "");
	expect("\n");
	ov_screen_paragraph(out, 2,
	    "aaaaaaaaa aaaaaaaaa aaaaaaaaa aaaaaaaaa aaaaaaaaa aaaaaaaaa aaaaaaaaa "
	    "1234567 b");
	expect("  aaaaaaaaa aaaaaaaaa aaaaaaaaa aaaaaaaaa aaaaaaaaa aaaaaaaaa aaaaaaaaa "
	       "1234567\n    b\n");
	ov_screen_paragraph(out, 60, "\xe6\x97\xa5\xe6\x9c\xac long-enough-to-break-it");
	expect("                                                            "
	       "\xe6\x97\xa5\xe6\x9c\xac\n"
	       "                                                              "
	       "long-enough-to-break-it\n");
}

static void
counts_are_grouped_by_three(void **state)
{
	char t[OV_COUNT_TEXT];

	(void)state;
	assert_string_equal(ov_count_text(t, 0), "0");
	assert_string_equal(ov_count_text(t, 999), "999");
	assert_string_equal(ov_count_text(t, 1000), "1,000");
	assert_string_equal(ov_count_text(t, UINT64_MAX), "18,446,744,073,709,551,615");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_text, close_text)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(says_how_much_how_fast_how_long),
		TEST(says_nothing_in_the_first_second),
		TEST(draws_five_times_a_second_at_most),
		TEST(is_silent_off_a_terminal),
		TEST(end_erases_the_line_once),
		TEST(rate_leaves_out_what_was_done_before),
		TEST(long_waits_are_told_in_hours),
		TEST(an_estimate_that_was_too_small_is_not_passed),
		TEST(cells_are_filled_and_cut_by_columns),
		TEST(harmful_characters_become_question_marks),
		TEST(paragraphs_break_between_words),
		TEST(counts_are_grouped_by_three),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
