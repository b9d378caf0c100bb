/* import_print.h - what an import found and did, as text and JSON, for the user's own
 * screen. */
#ifndef OV_CLIENT_IMPORT_PRINT_H
#define OV_CLIENT_IMPORT_PRINT_H

#include <stdio.h>

#include "client/book/book.h"
#include "client/json.h"

struct ov_import_report {
	const struct ov_import_options *options;
	const struct ov_import_result *result;
	const char *const *path; /* of each file */
	const char *const *rows; /* text of each file's first rows; NULL: not asked for */
	uint64_t accounts_before;
	const struct ov_book_stats *stats; /* NULL: held */
	const char *examples;		   /* text; NULL: not asked for */
};
void ov_import_print_text(FILE *out, const struct ov_import_report *r);

/* All but first rows and examples, which the caller adds where they are found. */
void ov_import_put_json(
    struct ov_json *doc, struct ov_json *const *files, const struct ov_import_report *r);

/* One row as text: "name \"Acme\", website acme.com"; as an object by field. */
void ov_import_print_row(FILE *out, const struct ov_columns *c, const struct ov_row *row);
void ov_import_put_row(
    struct ov_json *list, const struct ov_columns *c, const struct ov_row *row);

#endif /* OV_CLIENT_IMPORT_PRINT_H */
