/* table.h - reads a CSV or tab-separated file of any size, row by row.
 *
 * The only user of libcsv.  Takes UTF-8 with and without byte-order mark, UTF-16 with
 * one and Windows-1252 (encoding.h), line ends of every system, quoted line breaks, and
 * guesses comma, semicolon or tab from the first line, or, below a title, from the next
 * ones (Excel's `sep=;` line is obeyed).
 * Fields are passed on as UTF-8.  Memory does not grow with the file: one row is held.
 */
#ifndef OV_CLIENT_BOOK_TABLE_H
#define OV_CLIENT_BOOK_TABLE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "client/book/encoding.h"
#include "client/book/fault.h"
#include "common/crypto/hash.h"
#include "common/status.h"

#define OV_TABLE_COLUMNS_MAX 512
#define OV_TABLE_FIELD_MAX 65536 /* bytes of UTF-8 */
#define OV_TABLE_ROW_MAX (1U << 20)

struct ov_table_row {
	uint64_t number; /* 0: the first row with anything in it, the headings */
	uint64_t line;	 /* of the file, 1-based, where the row begins */
	size_t n;	 /* 1 .. OV_TABLE_COLUMNS_MAX */
	/* Borrowed for the call; each is followed by a NUL and holds none. */
	const struct ov_bytes *field;
};

/* Called for every row that is not blank.  A failure ends the reading and is passed on;
 * the callback fills the fault itself (it has the line). */
typedef enum ov_status ov_table_row_fn(void *ctx, const struct ov_table_row *row);

struct ov_table_info {
	enum ov_encoding encoding;
	char delimiter;
	uint64_t rows;	       /* with the headings */
	uint64_t stray_quotes; /* quotation marks kept as they stand in unquoted fields */
};

/* Reads f to its end and calls fn(ctx, row).  delimiter: ',', ';', '\t' or 0 to guess.
 * info may be NULL.  Fails, with the line in fault, with OV_E_IMPORT_ENCODING;
 * OV_E_IMPORT_QUOTES (the line where the field opens); OV_E_IMPORT_FORMAT when a field,
 * row or number of columns is over its bound or the file is no text; OV_E_IMPORT_EMPTY
 * when it has no row at all; OV_E_IO, OV_E_NOMEM; or as fn.  Rows before the failing one
 * have been delivered, so a caller works inside a transaction. */
OV_MUST_CHECK enum ov_status ov_table_read(FILE *f, char delimiter, ov_table_row_fn *fn,
    void *ctx, struct ov_table_info *info, struct ov_fault *fault);

#endif /* OV_CLIENT_BOOK_TABLE_H */
