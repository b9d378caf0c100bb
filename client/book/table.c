#include "client/book/table.h"

#include <csv.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define READ_BLOCK 65536
#define HEAD_MAX 65536 /* text looked at for the delimiter */
#define HEAD_LINES 8   /* with anything in them */

static const char delimiters[] = { ',', ';', '\t' };
#define DELIMITERS sizeof(delimiters)

struct reader {
	struct csv_parser csv;
	struct ov_decoder decoder;
	ov_table_row_fn *fn;
	void *ctx;
	struct ov_fault *fault;
	enum ov_status st; /* first failure inside a callback of libcsv */
	char delimiter;	   /* 0: not known yet, text is gathered in head */
	uint8_t *head;
	size_t n_head, scanned, line_start;	/* of head, for the ends of its lines */
	bool head_quoted, head_filled;		/* at scanned */
	size_t head_lines, counted[DELIMITERS]; /* lines ended; of the last one */
	size_t likely;				/* by the first line alone */
	char guess;				/* 0: not yet */
	uint64_t line;				/* of the text being fed, 1-based */
	uint64_t field_line;			/* where the field now being read opens */
	uint64_t odd_line; /* where the text turned out to be Windows-1252 */
	uint64_t bad_line; /* of the two encodings that a file is in; 0: none */
	uint64_t row_line, rows, stray_quotes;
	bool in_row, after_cr;
	char *row; /* OV_TABLE_ROW_MAX bytes; fields with their NULs */
	size_t row_len, n;
	struct ov_bytes field[OV_TABLE_COLUMNS_MAX];
};

static void
fail(struct reader *r, enum ov_status st, uint64_t line, const char *what)
{
	if (r->st == OV_OK)
		r->st = ov_fault_set(r->fault, st, line, "%s", what);
}

static void
field_done(void *text, size_t len, void *ctx)
{
	struct reader *r = ctx;
	uint64_t opened = r->field_line;

	r->field_line = r->line;
	if (r->st != OV_OK)
		return;
	if (r->n == 0)
		r->row_line = opened;
	if (r->n == OV_TABLE_COLUMNS_MAX) {
		fail(r, OV_E_IMPORT_FORMAT, r->row_line, "the row has over 512 columns");
	} else if (len > OV_TABLE_FIELD_MAX) {
		fail(r, OV_E_IMPORT_FORMAT, opened, "a field is longer than 64 KiB");
	} else if (r->row_len + len + 1 > OV_TABLE_ROW_MAX) {
		fail(r, OV_E_IMPORT_FORMAT, r->row_line, "the row is longer than 1 MiB");
	} else {
		char *to = r->row + r->row_len;

		if (len > 0)
			memcpy(to, text, len);
		to[len] = '\0';
		r->field[r->n++] = OV_BYTES(to, len);
		r->row_len += len + 1;
	}
}

static bool
is_blank(const struct reader *r)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->field[i].len > 0)
			return false;
	return true;
}

static void
row_done(int end, void *ctx)
{
	struct reader *r = ctx;
	struct ov_table_row row;

	(void)end;
	r->in_row = false;
	if (r->st == OV_OK && r->n > 0 && !is_blank(r)) {
		row = (struct ov_table_row){ r->rows++, r->row_line, r->n, r->field };
		r->st = r->fn(r->ctx, &row);
	}
	r->n = r->row_len = 0;
}

/* A strict error of libcsv at text[0].  In a quoted field: what stood before it closed
 * the field too early.  In a bare field a quotation mark is kept as it stands, as Excel
 * does: that one character is parsed leniently. */
static size_t
forgive(struct reader *r, const uint8_t *text)
{
	size_t done;

	if (csv_error(&r->csv) == CSV_ENOMEM) {
		r->st = OV_E_NOMEM;
		return 1;
	}
	if (r->csv.quoted) {
		if (r->st == OV_OK)
			r->st = ov_fault_set(r->fault, OV_E_IMPORT_QUOTES, r->field_line,
			    "the quoted field that opens here has text after its closing "
			    "quotation mark (line %" PRIu64 "): close it, or double the "
			    "quotation marks inside it",
			    r->line);
		return 1;
	}
	(void)csv_set_opts(&r->csv, CSV_STRICT_FINI);
	done = csv_parse(&r->csv, text, 1, field_done, row_done, r);
	(void)csv_set_opts(&r->csv, CSV_STRICT | CSV_STRICT_FINI);
	r->stray_quotes++;
	if (done != 1)
		r->st = OV_E_NOMEM;
	return 1;
}

/* text holds at most one line end, as its last byte. */
static void
feed_line(struct reader *r, const uint8_t *text, size_t len)
{
	for (size_t i = 0; i < len && !r->in_row; i++)
		if (text[i] != ' ' && text[i] != '\t' && text[i] != '\r' &&
		    text[i] != '\n') {
			r->in_row = true;
			r->field_line = r->line;
		}
	for (size_t i = 0; i < len && r->st == OV_OK;) {
		i += csv_parse(&r->csv, text + i, len - i, field_done, row_done, r);
		if (i < len && r->st == OV_OK)
			i += forgive(r, text + i);
	}
	if (r->st == OV_OK && r->csv.entry_pos > OV_TABLE_FIELD_MAX)
		fail(r, r->csv.quoted ? OV_E_IMPORT_QUOTES : OV_E_IMPORT_FORMAT,
		    r->field_line,
		    r->csv.quoted
			? "the quoted field that opens here goes on for over 64 KiB: its "
			  "closing quotation mark is missing"
			: "a field is longer than 64 KiB: this is not a table");
	if (len > 0 && text[len - 1] == '\r')
		r->line++;
	else if (len > 0 && text[len - 1] == '\n' && !(len == 1 && r->after_cr))
		r->line++;
	r->after_cr = len > 0 && text[len - 1] == '\r';
}

static enum ov_status
feed(struct reader *r, const uint8_t *text, size_t len)
{
	size_t from = 0;

	for (size_t i = 0; i < len && r->st == OV_OK; i++)
		if (text[i] == '\n' || text[i] == '\r') {
			feed_line(r, text + from, i + 1 - from);
			from = i + 1;
		}
	if (from < len && r->st == OV_OK)
		feed_line(r, text + from, len - from);
	return r->st;
}

/* How often each candidate stands in a line, outside quotation marks. */
static void
count_delimiters(size_t count[DELIMITERS], const uint8_t *text, size_t len)
{
	bool quoted = false;

	memset(count, 0, DELIMITERS * sizeof(*count));
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '"')
			quoted = !quoted;
		for (size_t c = 0; c < DELIMITERS && !quoted; c++)
			count[c] += text[i] == (uint8_t)delimiters[c];
	}
}

/* The end of the next line with anything in it, outside quotation marks; 0: not yet.
 * Goes on where it stopped: text comes in small pieces. */
static size_t
next_line(struct reader *r)
{
	while (r->scanned < r->n_head) {
		uint8_t c = r->head[r->scanned++];

		if (c == '"')
			r->head_quoted = !r->head_quoted;
		if (c != '\n' && c != '\r') {
			r->head_filled = true;
		} else if (r->head_quoted) {
			continue;
		} else if (r->head_filled) {
			r->head_filled = false;
			return r->scanned;
		} else {
			r->line_start = r->scanned;
		}
	}
	return 0;
}

/* What one more line of the head says.  The candidate that stands twice or more in the
 * first line is it, or once there and in the next; else that line was a title, and it is
 * the one that two lines in a row have equally often, and more than once. */
static void
weigh_line(struct reader *r, size_t end)
{
	size_t count[DELIMITERS], most = 0, best = 0;
	bool first = r->head_lines == 0, second = r->head_lines == 1;

	count_delimiters(count, r->head + r->line_start, end - r->line_start);
	for (size_t c = 0; c < DELIMITERS; c++)
		if (count[c] > most &&
		    (first || (count[c] == r->counted[c] && count[c] > 1))) {
			most = count[c];
			best = c;
		}
	if (first && most > 0)
		r->likely = best;
	if (most > 1)
		r->guess = delimiters[best];
	else if (second && r->counted[r->likely] == 1 && count[r->likely] == 1)
		r->guess = delimiters[r->likely];
	memcpy(r->counted, count, sizeof(count));
	r->line_start = end;
	if (++r->head_lines == HEAD_LINES && r->guess == 0)
		r->guess = delimiters[r->likely];
}

/* Text is gathered until the delimiter can be told.  at_end: now it must be. */
static bool
has_guess(struct reader *r, bool at_end)
{
	size_t end;

	while (r->guess == 0 && (end = next_line(r)) > 0)
		weigh_line(r, end);
	if (r->guess == 0 && at_end)
		weigh_line(r, r->n_head);
	if (r->guess == 0 && at_end)
		r->guess = delimiters[r->likely];
	return r->guess != 0;
}

/* The line that the decoder is at: what was gathered is not counted as fed yet. */
static uint64_t
line_now(const struct reader *r)
{
	uint64_t line = r->line;

	for (size_t i = 0; i < r->n_head && r->delimiter == 0; i++)
		line += r->head[i] == '\n' ||
			(r->head[i] == '\r' &&
			    (i + 1 == r->n_head || r->head[i + 1] != '\n'));
	return line;
}

static enum ov_status
begin(struct reader *r)
{
	const uint8_t *p = r->head;
	size_t skip = 0;

	r->delimiter = r->guess;
	if (r->n_head >= 6 && memcmp(p, "sep=", 4) == 0 &&
	    memchr(",;\t|", p[4], 4) != NULL && (p[5] == '\r' || p[5] == '\n')) {
		r->delimiter = (char)p[4];
		skip = 6;
		if (p[5] == '\r' && r->n_head > 6 && p[6] == '\n')
			skip = 7;
		r->line = 2;
	}
	csv_set_delim(&r->csv, (unsigned char)r->delimiter);
	return feed(r, r->head + skip, r->n_head - skip);
}

static enum ov_status
take_text(void *ctx, const uint8_t *text, size_t len)
{
	struct reader *r = ctx;
	size_t take;
	enum ov_status st;

	if (r->odd_line == 0 && r->decoder.encoding == OV_ENCODING_WINDOWS1252)
		r->odd_line = line_now(r);
	if (r->delimiter != 0)
		return feed(r, text, len);
	take = len < HEAD_MAX - r->n_head ? len : HEAD_MAX - r->n_head;
	memcpy(r->head + r->n_head, text, take);
	r->n_head += take;
	if (!has_guess(r, r->n_head == HEAD_MAX))
		return OV_OK;
	st = begin(r);
	return st == OV_OK && take < len ? feed(r, text + take, len - take) : st;
}

static enum ov_status
finish(struct reader *r)
{
	enum ov_status st;

	st = ov_decoder_end(&r->decoder, r->fault);
	if (st == OV_E_IMPORT_ENCODING)
		r->bad_line = r->odd_line;
	OV_TRY(st);
	if (r->delimiter == 0 && has_guess(r, true))
		OV_TRY(begin(r));
	if (csv_fini(&r->csv, field_done, row_done, r) != 0)
		fail(r,
		    csv_error(&r->csv) == CSV_ENOMEM ? OV_E_NOMEM : OV_E_IMPORT_QUOTES,
		    r->field_line,
		    "the quotation mark that opens a field here is never closed");
	OV_TRY(r->st);
	if (r->rows == 0)
		st = ov_fault_set(
		    r->fault, OV_E_IMPORT_EMPTY, 0, "the file holds no rows");
done:
	return st;
}

static enum ov_status
read_all(struct reader *r, FILE *f)
{
	uint8_t *block = malloc(READ_BLOCK);
	enum ov_status st = OV_OK;
	size_t n;

	OV_REQUIRE(block != NULL, OV_E_NOMEM);
	while ((n = fread(block, 1, READ_BLOCK, f)) > 0)
		OV_TRY(ov_decoder_feed(&r->decoder, block, n, r->fault));
	OV_REQUIRE(!ferror(f), OV_E_IO);
	OV_TRY(finish(r));
done:
	/* the decoder knows the byte, this reader the line */
	if (st == OV_E_IMPORT_ENCODING && r->fault != NULL)
		r->fault->line = r->bad_line > 0 ? r->bad_line : line_now(r);
	free(block);
	return st;
}

enum ov_status
ov_table_read(FILE *f, char delimiter, ov_table_row_fn *fn, void *ctx,
    struct ov_table_info *info, struct ov_fault *fault)
{
	struct reader *r = calloc(1, sizeof(*r));
	enum ov_status st = OV_OK;

	OV_REQUIRE(r != NULL, OV_E_NOMEM);
	r->fn = fn;
	r->ctx = ctx;
	r->fault = fault;
	r->line = 1;
	r->row = malloc(OV_TABLE_ROW_MAX);
	r->head = malloc(HEAD_MAX);
	OV_REQUIRE(r->row != NULL && r->head != NULL, OV_E_NOMEM);
	OV_REQUIRE(csv_init(&r->csv, CSV_STRICT | CSV_STRICT_FINI) == 0, OV_E_NOMEM);
	csv_set_blk_size(&r->csv, 4096);
	r->delimiter = delimiter;
	if (delimiter != 0)
		csv_set_delim(&r->csv, (unsigned char)delimiter);
	ov_decoder_init(&r->decoder, take_text, r);
	st = read_all(r, f);
	if (st == OV_OK && info != NULL)
		*info = (struct ov_table_info){ r->decoder.encoding, r->delimiter,
			r->rows, r->stray_quotes };
	csv_free(&r->csv);
done:
	if (r != NULL) {
		free(r->row);
		free(r->head);
	}
	free(r);
	return st;
}
