/* progress.h - one line on the terminal that says how far long work is: how much, how
 * fast, how long still.
 *
 *   importing: 120,000 of 500,000 rows (24%), 41,300/s, 9 s left
 *
 * Nothing is drawn in the first second, when standard error is no terminal, or more than
 * five times a second: call ov_progress_update as often as convenient.  The line is
 * erased at the end.  Belongs to one thread.
 */
#ifndef OV_CLIENT_PROGRESS_H
#define OV_CLIENT_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Where the line goes and what time it is. */
struct ov_progress_place {
	FILE *out;
	bool terminal;
	uint64_t (*now_ms)(void *ctx); /* never goes back */
	void *ctx;
};

struct ov_progress {
	struct ov_progress_place place;
	const char *work, *unit;    /* borrowed until the end */
	uint64_t started, drawn_at; /* ms */
	uint64_t first;		    /* done when the work was taken up again */
	bool begun, drawn;
};

/* work: "importing"; unit: "rows".  Literals, or texts that outlive the work; never data
 * of anyone. */
void ov_progress_start(struct ov_progress *p, const char *work, const char *unit);
/* The same at a place of the caller's. */
void ov_progress_start_at(struct ov_progress *p, const char *work, const char *unit,
    const struct ov_progress_place *place);

/* done of all; all 0: not known.  What the first call says was done is not counted into
 * the rate, so that work which is taken up half-way shows the speed of this half. */
void ov_progress_update(struct ov_progress *p, uint64_t done, uint64_t all);

/* Erases the line.  Before anything else is printed; calling it again is fine. */
void ov_progress_end(struct ov_progress *p);

#endif /* OV_CLIENT_PROGRESS_H */
