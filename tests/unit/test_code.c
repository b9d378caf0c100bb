/* Codes that people copy: what is written is read, what is mistyped is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include <ctype.h>

#include "proto/code.h"

static const char letters[] = "0123456789abcdefghjkmnpqrstvwxyz";

/* Fixed, so that the two check bytes either find a mistake or never did. */
static struct ov_pair_code
some_code(void)
{
	struct ov_pair_code c;

	memset(c.inviter, 0x12, sizeof(c.inviter));
	memset(c.secret, 0xfe, sizeof(c.secret));
	memset(c.log_key_hash, 0x7a, sizeof(c.log_key_hash));
	return c;
}

static void
invitations_come_back(void **state)
{
	struct ov_pair_code c = some_code(), back;
	char text[OV_PAIR_CODE_TEXT];

	(void)state;
	for (int i = 0; i < 256; i++) {
		memset(c.secret, i, sizeof(c.secret));
		ov_pair_code_write(text, &c);
		assert_int_equal(strlen(text), 5 + 82);
		assert_int_equal(ov_pair_code_read(&back, text), OV_OK);
		assert_memory_equal(&back, &c, sizeof(c));
	}
}

static void
tokens_come_back(void **state)
{
	struct ov_token_code c, back;
	char text[OV_TOKEN_TEXT];

	(void)state;
	for (int i = 0; i < 256; i++) {
		memset(&c, i, sizeof(c));
		c.secret[15] = 1;
		ov_token_write(text, &c);
		assert_int_equal(strlen(text), 5 + 104);
		assert_int_equal(ov_token_read(&back, text), OV_OK);
		assert_memory_equal(&back, &c, sizeof(c));
	}
}

static void
finds_every_single_mistyped_character(void **state)
{
	struct ov_pair_code c = some_code(), back;
	char text[OV_PAIR_CODE_TEXT];

	(void)state;
	memset(&back, 0x55, sizeof(back));
	ov_pair_code_write(text, &c);
	for (size_t i = 0; text[i] != '\0'; i++) {
		char right = text[i];

		for (const char *l = letters; *l != '\0'; l++) {
			if (*l == right)
				continue;
			text[i] = *l;
			assert_int_equal(ov_pair_code_read(&back, text), OV_E_PAIR_CODE);
		}
		text[i] = right;
	}
	assert_int_equal(back.inviter[0], 0x55); /* untouched */
	assert_int_equal(ov_pair_code_read(&back, text), OV_OK);
}

static void
finds_swapped_missing_and_added_characters(void **state)
{
	struct ov_pair_code c = some_code(), back;
	char text[OV_PAIR_CODE_TEXT], other[OV_PAIR_CODE_TEXT + 1];
	size_t len;

	(void)state;
	ov_pair_code_write(text, &c);
	len = strlen(text);
	for (size_t i = 5; i < len; i++) {
		memcpy(other, text, i);
		memcpy(other + i, text + i + 1, len - i);
		assert_int_equal(ov_pair_code_read(&back, other), OV_E_PAIR_CODE);
		memcpy(other, text, i);
		other[i] = 'z';
		memcpy(other + i + 1, text + i, len - i + 1);
		assert_int_equal(ov_pair_code_read(&back, other), OV_E_PAIR_CODE);
		memcpy(other, text, len + 1);
		if (i + 1 < len && text[i] != text[i + 1]) {
			other[i] = text[i + 1];
			other[i + 1] = text[i];
			assert_int_equal(ov_pair_code_read(&back, other), OV_E_PAIR_CODE);
		}
	}
}

static void
truncation_is_found_at_every_character(void **state)
{
	struct ov_pair_code c = some_code(), back;
	struct ov_token_code t = { { 1 }, { 2 }, { 3 } }, token;
	char text[OV_TOKEN_TEXT], cut[OV_TOKEN_TEXT];

	(void)state;
	ov_pair_code_write(text, &c);
	for (size_t n = 0; n < strlen(text); n++) {
		memcpy(cut, text, n);
		cut[n] = '\0';
		assert_int_equal(ov_pair_code_read(&back, cut), OV_E_PAIR_CODE);
	}
	ov_token_write(text, &t);
	for (size_t n = 0; n < strlen(text); n++) {
		memcpy(cut, text, n);
		cut[n] = '\0';
		assert_int_equal(ov_token_read(&token, cut), OV_E_BROKER_TOKEN);
	}
}

/* Upper case, hyphens, spaces, a line's end, O for 0, I and L for 1. */
static void
reads_what_people_write(void **state)
{
	struct ov_pair_code c = some_code(), back;
	char text[OV_PAIR_CODE_TEXT], typed[3 * OV_PAIR_CODE_TEXT];
	size_t n = 0;

	(void)state;
	ov_pair_code_write(text, &c);
	typed[n++] = ' ';
	for (size_t i = 0; text[i] != '\0'; i++) {
		typed[n] = (char)toupper((unsigned char)text[i]);
		if (i >= 5 && typed[n] == '0')
			typed[n] = 'O';
		if (i >= 5 && typed[n] == '1')
			typed[n] = i % 2 == 0 ? 'I' : 'l';
		n++;
		if (i >= 5 && i % 6 == 0)
			typed[n++] = i % 4 == 0 ? '-' : ' ';
	}
	memcpy(typed + n, "\r\n", 3);
	assert_int_equal(ov_pair_code_read(&back, typed), OV_OK);
	assert_memory_equal(&back, &c, sizeof(c));
}

static void
one_kind_of_code_is_not_the_other(void **state)
{
	struct ov_pair_code c = some_code(), back;
	struct ov_token_code t = { { 1 }, { 2 }, { 3 } }, token;
	char text[OV_TOKEN_TEXT];

	(void)state;
	ov_pair_code_write(text, &c);
	assert_int_equal(ov_token_read(&token, text), OV_E_BROKER_TOKEN);
	ov_token_write(text, &t);
	assert_int_equal(ov_pair_code_read(&back, text), OV_E_PAIR_CODE);
	assert_int_equal(ov_pair_code_read(&back, ""), OV_E_PAIR_CODE);
	text[3] = '2'; /* another version's prefix */
	assert_int_equal(ov_token_read(&token, text), OV_E_BROKER_TOKEN);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(invitations_come_back),
		cmocka_unit_test(tokens_come_back),
		cmocka_unit_test(finds_every_single_mistyped_character),
		cmocka_unit_test(finds_swapped_missing_and_added_characters),
		cmocka_unit_test(truncation_is_found_at_every_character),
		cmocka_unit_test(reads_what_people_write),
		cmocka_unit_test(one_kind_of_code_is_not_the_other),
	};

	return cmocka_run_group_tests_name("code", tests, NULL, NULL);
}
