/* stats_print.h - what is in the book and what was left out of it, as text and JSON. */
#ifndef OV_CLIENT_STATS_PRINT_H
#define OV_CLIENT_STATS_PRINT_H

#include <stdio.h>

#include "client/book/book.h"
#include "client/json.h"

void ov_stats_print(FILE *out, const struct ov_book_stats *s);

/* Adds rows, accounts, matchable, name_only, unmatchable, populations, keys, dropped to
 * the object `at`. */
void ov_stats_json(struct ov_json *at, const struct ov_book_stats *s);

#endif /* OV_CLIENT_STATS_PRINT_H */
