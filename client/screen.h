/* screen.h - columns that stand under each other on a terminal, and text from outside
 * that does no harm there.
 *
 * Widths are columns of the terminal: wide (East Asian) characters take two, combining
 * ones none.  Control characters, marks that turn the direction of writing, and bytes
 * that are no UTF-8 come out as '?'.  Pure but for the printing; any thread.
 */
#ifndef OV_CLIENT_SCREEN_H
#define OV_CLIENT_SCREEN_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Columns that text takes. */
size_t ov_screen_width(const char *text);

enum ov_screen_side { OV_SCREEN_LEFT, OV_SCREEN_RIGHT };

/* Prints text in exactly width columns: filled with spaces, text at this side; text that
 * is wider is cut and ends in "..." (width 3 or more).  Width 0: as wide as it is. */
void ov_screen_cell(FILE *out, const char *text, size_t width, enum ov_screen_side side);

/* Prints words in lines of at most 79 columns that begin with `indent` spaces, all but
 * the first with two more, and a line feed. */
void ov_screen_paragraph(FILE *out, size_t indent, const char *text);

/* 1234567 as "1,234,567"; returns text. */
#define OV_COUNT_TEXT 28
const char *ov_count_text(char text[OV_COUNT_TEXT], uint64_t n);

/* Thousandths as a number: 4333 as "4.333"; returns text. */
#define OV_MILLI_TEXT 28
const char *ov_milli_text(char text[OV_MILLI_TEXT], uint64_t thousandths);

#endif /* OV_CLIENT_SCREEN_H */
