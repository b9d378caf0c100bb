/* number.h - numbers as people write them in CRM fields: "1,000", "$2.5M", "51-200".
 *
 * The result is a range, because "51-200" and "10,000+" are ranges; a plain number is a
 * range of one value.
 */
#ifndef OV_CLIENT_BOOK_NUMBER_H
#define OV_CLIENT_BOOK_NUMBER_H

#include <stdbool.h>
#include <stddef.h>

struct ov_range {
	double low, high; /* low <= high; high is HUGE_VAL for "10,000+" */
};

/* Reads text of len bytes (UTF-8, any).  Understands currency signs and three-letter
 * currency codes, grouping by comma, dot, space or apostrophe, a decimal comma or dot
 * (the last separator, unless exactly three digits follow a comma), and k, M, mn, bn, B,
 * Mio, Mrd, tsd, thousand, million, billion, trillion; all of it in PROTOCOL 6.6.2.
 * False, *out untouched, for text that is no number. */
bool ov_number_read(struct ov_range *out, const char *text, size_t len);

#endif /* OV_CLIENT_BOOK_NUMBER_H */
