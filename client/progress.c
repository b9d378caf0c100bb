#include "client/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define FIRST_MS 1000 /* work that is shorter shows nothing */
#define EVERY_MS 200

static uint64_t
clock_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

void
ov_progress_start(struct ov_progress *p, const char *what, const char *unit)
{
	*p = (struct ov_progress){ .what = what,
		.unit = unit,
		.start_ms = clock_ms(),
		.terminal = isatty(STDERR_FILENO) == 1 };
}

void
ov_progress_update(struct ov_progress *p, uint64_t done, uint64_t all)
{
	uint64_t now, spent, rate;

	if (!p->terminal)
		return;
	now = clock_ms();
	spent = now - p->start_ms;
	if (spent < FIRST_MS || now - p->shown_ms < EVERY_MS)
		return;
	p->shown_ms = now;
	p->shown = true;
	rate = done * 1000 / spent; /* counts stay far below 2^54 */
	fprintf(stderr, "\r\033[K%s: %" PRIu64 " %s, %" PRIu64 "/s", p->what, done,
	    p->unit, rate);
	if (all > done && rate > 0)
		fprintf(stderr, ", %" PRIu64 "%%, %" PRIu64 " s left", done * 100 / all,
		    (all - done + rate - 1) / rate);
	fflush(stderr);
}

void
ov_progress_end(struct ov_progress *p)
{
	if (!p->shown)
		return;
	fprintf(stderr, "\r\033[K");
	fflush(stderr);
	p->shown = false;
}
