/* progress.h - a line on the terminal for work over a second: how much, how fast, how
 * long still.  Silent when standard error is no terminal.
 */
#ifndef OV_CLIENT_PROGRESS_H
#define OV_CLIENT_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct ov_progress {
	const char *what, *unit; /* literals: "exchanging", "slots" */
	uint64_t start_ms, shown_ms;
	bool terminal, shown;
};

void ov_progress_start(struct ov_progress *p, const char *what, const char *unit);
/* all = 0: how much there will be is not known.  Cheap: call it often. */
void ov_progress_update(struct ov_progress *p, uint64_t done, uint64_t all);
/* Removes the line. */
void ov_progress_end(struct ov_progress *p);

#endif /* OV_CLIENT_PROGRESS_H */
