/* Tables: encodings, delimiters, quotes, line numbers, bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include "client/book/table.h"

/* Rows as text: fields in [], rows with their line: "1[a][b]\n2[c][d]\n". */
struct sheet {
	char text[65536];
	size_t len;
};

static enum ov_status
add_row(void *ctx, const struct ov_table_row *row)
{
	struct sheet *s = ctx;

	s->len += (size_t)snprintf(
	    s->text + s->len, sizeof(s->text) - s->len, "%d", (int)row->line);
	for (size_t i = 0; i < row->n; i++) {
		assert_int_equal(
		    strlen((const char *)row->field[i].p), row->field[i].len);
		if (row->field[i].len < 1000)
			s->len +=
			    (size_t)snprintf(s->text + s->len, sizeof(s->text) - s->len,
				"[%s]", (const char *)row->field[i].p);
	}
	s->len += (size_t)snprintf(s->text + s->len, sizeof(s->text) - s->len, "\n");
	return OV_OK;
}

static struct sheet sheet;
static struct ov_table_info info;
static struct ov_fault fault;

static enum ov_status
read_bytes(const void *bytes, size_t len)
{
	FILE *f = fmemopen((void *)(uintptr_t)bytes, len, "rb");
	enum ov_status st;

	assert_non_null(f);
	memset(&sheet, 0, sizeof(sheet));
	memset(&fault, 0, sizeof(fault));
	st = ov_table_read(f, 0, add_row, &sheet, &info, &fault);
	fclose(f);
	return st;
}

#define READ(literal) read_bytes("" literal, sizeof(literal) - 1)

static void
expect(enum ov_status st, const char *want)
{
	if (st != OV_OK)
		print_message("line %d: %s\n", (int)fault.line, fault.text);
	assert_int_equal(st, OV_OK);
	assert_string_equal(sheet.text, want);
}

static void
expect_fault(enum ov_status st, enum ov_status want, unsigned line, const char *words)
{
	assert_int_equal(st, want);
	if (strstr(fault.text, words) == NULL)
		print_message("%s\n", fault.text);
	assert_non_null(strstr(fault.text, words));
	assert_int_equal(fault.line, line);
}

static void
delimiter_is_guessed(void **state)
{
	(void)state;
	expect(READ("a,b\n1,2\n"), "1[a][b]\n2[1][2]\n");
	assert_int_equal(info.delimiter, ',');
	expect(READ("a;b\n1,5;2\n"), "1[a][b]\n2[1,5][2]\n");
	assert_int_equal(info.delimiter, ';');
	expect(READ("a\tb c\n1\t\n"), "1[a][b c]\n2[1][]\n");
	assert_int_equal(info.delimiter, '\t');
	expect(READ("\"a,b,c\";d\n"), "1[a,b,c][d]\n");
	expect(READ("sep=;\r\na;b,c,d\r\n"), "2[a][b,c,d]\n");
	expect(READ("alone\n1\n"), "1[alone]\n2[1]\n");
	/* without a last line end */
	expect(READ("a,b"), "1[a][b]\n");
	assert_int_equal(info.rows, 1);
}

static void
quoted_line_breaks_keep_line_numbers(void **state)
{
	(void)state;
	expect(READ("a,b\n\"one\ntwo\",\"x\"\"y\"\n3,4\n"),
	    "1[a][b]\n2[one\ntwo][x\"y]\n4[3][4]\n");
	expect(READ("a\r\n\"one\r\ntwo\"\r\n\r\n  \r\n3\r\n"),
	    "1[a]\n2[one\r\ntwo]\n6[3]\n");
	/* line ends of old Macs */
	expect(READ("a\rb\rc"), "1[a]\n2[b]\n3[c]\n");
	/* a row of empty cells is blank */
	expect(READ("a,b\n,\n\"\",\"\"\nx,\n"), "1[a][b]\n4[x][]\n");
}

static void
stray_quotes_are_kept(void **state)
{
	(void)state;
	expect(READ("a,b\n5\" pipes,x\n"), "1[a][b]\n2[5\" pipes][x]\n");
	assert_int_equal(info.stray_quotes, 1);
	expect(READ("a,b\nThe \"Best\" Co,x\n"), "1[a][b]\n2[The \"Best\" Co][x]\n");
	assert_int_equal(info.stray_quotes, 2);
}

static void
unbalanced_quote_names_the_line_where_it_opened(void **state)
{
	(void)state;
	expect_fault(READ("a,b\n1,2\n3,\"open\n5,6\n7,8\n"), OV_E_IMPORT_QUOTES, 3,
	    "never closed");
	expect_fault(READ("a,b\n1,\"open\n\"x\",y\n"), OV_E_IMPORT_QUOTES, 2,
	    "closing quotation mark (line 3)");
	expect_fault(READ("a\n\n\n\"x"), OV_E_IMPORT_QUOTES, 4, "never closed");
	expect_fault(READ("a,b\n\"x\"y,z\n"), OV_E_IMPORT_QUOTES, 2, "(line 2)");
}

static void
byte_order_marks_decide(void **state)
{
	(void)state;
	expect(READ("\xef\xbb\xbf"
		    "a,\xc3\xbc\n"),
	    "1[a][\xc3\xbc]\n");
	assert_int_equal(info.encoding, OV_ENCODING_UTF8_BOM);
	expect(READ("\xff\xfe"
		    "a\0,\0\xfc\0\n\0\x3d\xd8\x00\xde\n\0"),
	    "1[a][\xc3\xbc]\n2[\xf0\x9f\x98\x80]\n");
	assert_int_equal(info.encoding, OV_ENCODING_UTF16LE);
	expect(READ("\xfe\xff"
		    "\0a\0,\0\xfc"),
	    "1[a][\xc3\xbc]\n");
	assert_int_equal(info.encoding, OV_ENCODING_UTF16BE);
	expect(READ("a,b"), "1[a][b]\n");
	assert_int_equal(info.encoding, OV_ENCODING_ASCII);
	expect(READ("\xc3\xbc"), "1[\xc3\xbc]\n");
	assert_int_equal(info.encoding, OV_ENCODING_UTF8);
}

static void
windows_1252_is_recognised(void **state)
{
	(void)state;
	expect(READ("a\nM\xfcller \x80\n"), "1[a]\n2[M\xc3\xbcller \xe2\x82\xac]\n");
	assert_int_equal(info.encoding, OV_ENCODING_WINDOWS1252);
	assert_string_equal(ov_encoding_name(info.encoding), "Windows-1252");
	expect(READ("Caf\xe9"), "1[Caf\xc3\xa9]\n");
	expect(READ("\xe9"), "1[\xc3\xa9]\n");
	/* low and high quotation marks: the high one with the sharp s before it would be
	 * UTF-8 by itself */
	expect(READ("\x84Strau\xdf\x93"), "1[\xe2\x80\x9eStrau\xc3\x9f\xe2\x80\x9c]\n");
	/* 0x81 is nothing in the code page */
	expect_fault(READ("a\nb\nx\xfcy\n\x81\n"), OV_E_IMPORT_ENCODING, 4,
	    "byte 9 of the file (0x81) is neither UTF-8 nor Windows-1252");
}

static void
wrong_encoding_names_byte_and_line(void **state)
{
	(void)state;
	expect_fault(READ("a\n\xc3\xbc\nM\xfcller\n"), OV_E_IMPORT_ENCODING, 3,
	    "byte 7 of the file (0xfc) is not valid UTF-8");
	expect_fault(READ("\xef\xbb\xbf"
			  "a\n\xe9\n"),
	    OV_E_IMPORT_ENCODING, 2, "byte 6");
	/* overlong, surrogate, above 0x10ffff, cut off */
	expect_fault(READ("\xc3\xbc,\xc0\xaf"), OV_E_IMPORT_ENCODING, 1, "byte 4");
	expect_fault(READ("\xc3\xbc,\xed\xa0\x80"), OV_E_IMPORT_ENCODING, 1, "byte 4");
	expect_fault(
	    READ("\xc3\xbc,\xf4\x90\x80\x80"), OV_E_IMPORT_ENCODING, 1, "byte 4");
	expect_fault(READ("\xc3\xbc\nx\xe2\x82"), OV_E_IMPORT_ENCODING, 2, "byte 5");
	/* the first high byte is odd, most others are UTF-8 */
	expect_fault(READ("a\nx\xe9y\n\xc3\xbc\n\xc3\xbc\n"), OV_E_IMPORT_ENCODING, 2,
	    "byte 4 of the file (0xe9) is the first that is not UTF-8");
	/* UTF-16 without its mark, and with half a pair */
	expect_fault(READ("a\0b\0"), OV_E_IMPORT_ENCODING, 1, "UTF-16 without");
	expect_fault(READ("\xff\xfe"
			  "a\0\0\xdc"),
	    OV_E_IMPORT_ENCODING, 1, "half of a UTF-16 pair");
	expect_fault(READ("\xff\xfe"
			  "a\0b"),
	    OV_E_IMPORT_ENCODING, 1, "cuts off");
	expect_fault(READ("PK\x03\x04zip"), OV_E_IMPORT_FORMAT, 0, "Excel workbook");
}

static void
empty_files_are_refused(void **state)
{
	FILE *f = tmpfile();

	(void)state;
	assert_non_null(f);
	assert_int_equal(
	    ov_table_read(f, 0, add_row, &sheet, NULL, &fault), OV_E_IMPORT_EMPTY);
	fclose(f);
	assert_int_equal(READ("\n \n\r\n"), OV_E_IMPORT_EMPTY);
	assert_int_equal(READ(",,,\n"), OV_E_IMPORT_EMPTY);
	assert_int_equal(READ("\xef\xbb\xbf"), OV_E_IMPORT_EMPTY);
}

/* "h\n" and then n times c, with a quotation mark before if asked. */
static enum ov_status
read_long(const char *before, char c, size_t n)
{
	size_t len = strlen(before);
	char *text = malloc(len + n);
	enum ov_status st;

	assert_non_null(text);
	memcpy(text, before, len);
	memset(text + len, c, n);
	st = read_bytes(text, len + n);
	free(text);
	return st;
}

static void
sizes_are_bounded(void **state)
{
	(void)state;
	assert_int_equal(read_long("h\n", 'x', OV_TABLE_FIELD_MAX), OV_OK);
	expect_fault(read_long("h\n", 'x', OV_TABLE_FIELD_MAX + 1), OV_E_IMPORT_FORMAT, 2,
	    "64 KiB");
	expect_fault(read_long("h\n\"", 'x', 200000), OV_E_IMPORT_QUOTES, 2,
	    "its closing quotation mark is missing");
	assert_int_equal(read_long("h", ',', OV_TABLE_COLUMNS_MAX - 1), OV_OK);
	expect_fault(read_long("h", ',', OV_TABLE_COLUMNS_MAX), OV_E_IMPORT_FORMAT, 1,
	    "512 columns");
	/* line feeds outside a row cost nothing */
	expect(read_long("h", '\n', 300000), "1[h]\n");
}

static void
rows_over_the_bound_are_refused(void **state)
{
	size_t field = 60000, n = 20, at = 0; /* 1.2 MB */
	char *text = malloc(n * (field + 1));

	(void)state;
	assert_non_null(text);
	for (size_t i = 0; i < n; i++) {
		memset(text + at, 'x', field);
		at += field;
		text[at++] = ',';
	}
	expect_fault(read_bytes(text, at), OV_E_IMPORT_FORMAT, 1, "1 MiB");
	free(text);
}

/* The same text in blocks that end anywhere gives the same rows: the reader's block is
 * 64 KiB, so shift a two-byte character, a quoted line break and a CR LF over its end. */
static void
blocks_may_end_anywhere(void **state)
{
	static const char tail[] = "\xc3\xbc,\"p\r\nq\"\r\nx,y\r\n";
	char *text = malloc(65536 + sizeof(tail));

	(void)state;
	assert_non_null(text);
	for (size_t shift = 0; shift < sizeof(tail) + 2; shift++) {
		size_t fill = 65536 - shift;

		memset(text, 'f', fill);
		memcpy(text, "a,b\n", 4);
		text[fill - 1] = '\n';
		for (size_t i = 2000; i < fill; i += 2000)
			text[i] = '\n';
		memcpy(text + fill, tail, sizeof(tail) - 1);
		assert_int_equal(read_bytes(text, fill + sizeof(tail) - 1), OV_OK);
		assert_non_null(strstr(sheet.text, "[\xc3\xbc][p\r\nq]\n"));
		assert_non_null(strstr(sheet.text, "[x][y]\n"));
	}
	free(text);
}

static enum ov_status
stop(void *ctx, const struct ov_table_row *row)
{
	(void)ctx;
	return row->number == 1 ? OV_E_CANCELLED : OV_OK;
}

static void
a_failing_callback_ends_the_reading(void **state)
{
	char text[] = "a\nb\n\"never";
	FILE *f = fmemopen(text, sizeof(text) - 1, "rb");

	(void)state;
	assert_int_equal(ov_table_read(f, 0, stop, NULL, NULL, NULL), OV_E_CANCELLED);
	fclose(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(delimiter_is_guessed),
		cmocka_unit_test(quoted_line_breaks_keep_line_numbers),
		cmocka_unit_test(stray_quotes_are_kept),
		cmocka_unit_test(unbalanced_quote_names_the_line_where_it_opened),
		cmocka_unit_test(byte_order_marks_decide),
		cmocka_unit_test(windows_1252_is_recognised),
		cmocka_unit_test(wrong_encoding_names_byte_and_line),
		cmocka_unit_test(empty_files_are_refused),
		cmocka_unit_test(sizes_are_bounded),
		cmocka_unit_test(rows_over_the_bound_are_refused),
		cmocka_unit_test(blocks_may_end_anywhere),
		cmocka_unit_test(a_failing_callback_ends_the_reading),
	};

	return cmocka_run_group_tests_name("table", tests, NULL, NULL);
}
