/* fault.h - what is wrong with a file that the user wrote, where, and what to do.
 *
 * A fault is for the user's own screen: it may quote headings and settings of the
 * user's own file, so it is never logged and never sent.  Functions of client/book that
 * read a file take a struct ov_fault *; NULL is fine and drops the words.
 */
#ifndef OV_CLIENT_BOOK_FAULT_H
#define OV_CLIENT_BOOK_FAULT_H

#include <stdint.h>
#include <stdio.h>

#include "common/status.h"

struct ov_fault {
	uint64_t line;	/* 1-based; 0: the file as a whole */
	char text[640]; /* one or two sentences: what happened, then the remedy */
};

/* Fills *f (if not NULL) by a printf format and returns st, so that a reader can write
 * `return ov_fault_set(fault, OV_E_..., line, "...")`.  Control characters, which a
 * hostile file could use on a terminal, become '?'. */
enum ov_status ov_fault_set(struct ov_fault *f, enum ov_status st, uint64_t line,
    const char *format, ...) __attribute__((format(printf, 4, 5)));

/* "FILE, line 7: text" and a line feed; without words of its own, the text of st. */
void ov_fault_print(
    FILE *out, const char *file, enum ov_status st, const struct ov_fault *f);

#endif /* OV_CLIENT_BOOK_FAULT_H */
