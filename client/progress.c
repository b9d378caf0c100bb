#include "client/progress.h"

#include <time.h>
#include <unistd.h>

#include "client/screen.h"

#define QUIET_MS 1000
#define REDRAW_MS 200
#define ERASE "\r\033[K"

static uint64_t
system_ms(void *ctx)
{
	struct timespec t;

	(void)ctx;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

void
ov_progress_start_at(struct ov_progress *p, const char *work, const char *unit,
    const struct ov_progress_place *place)
{
	*p = (struct ov_progress){ .place = *place, .work = work, .unit = unit };
	p->started = p->drawn_at = p->place.now_ms(p->place.ctx);
}

void
ov_progress_start(struct ov_progress *p, const char *work, const char *unit)
{
	struct ov_progress_place place = {
		.out = stderr, .terminal = isatty(STDERR_FILENO) == 1, .now_ms = system_ms
	};

	ov_progress_start_at(p, work, unit, &place);
}

/* "9 s", "3 min 20 s", "2 h 05 min": no more digits than the estimate is worth. */
static void
print_left(FILE *out, uint64_t s)
{
	if (s < 60)
		fprintf(out, ", %llu s left", (unsigned long long)s);
	else if (s < 3600)
		fprintf(out, ", %llu min %02llu s left", (unsigned long long)(s / 60),
		    (unsigned long long)(s % 60));
	else
		fprintf(out, ", %llu h %02llu min left", (unsigned long long)(s / 3600),
		    (unsigned long long)(s / 60 % 60));
}

static void
draw(struct ov_progress *p, uint64_t done, uint64_t all, uint64_t elapsed_ms)
{
	FILE *out = p->place.out;
	char text[OV_COUNT_TEXT];
	/* as double: exact enough for a screen, and nothing overflows */
	double rate = (double)(done - p->first) * 1000 / (double)elapsed_ms;

	fprintf(out, ERASE "%s: %s", p->work, ov_count_text(text, done));
	if (all > 0)
		fprintf(out, " of %s", ov_count_text(text, all));
	fprintf(out, " %s", p->unit);
	if (all > 0)
		fprintf(out, " (%.0f%%)", 100 * (double)done / (double)all);
	if (rate >= 1) {
		fprintf(out, ", %s/s", ov_count_text(text, (uint64_t)rate));
		/* over 1000 hours the estimate says nothing */
		if (all > done && (double)(all - done) / rate < 3600e3)
			print_left(out, (uint64_t)((double)(all - done) / rate) + 1);
	}
	fflush(out);
}

void
ov_progress_update(struct ov_progress *p, uint64_t done, uint64_t all)
{
	uint64_t now;

	if (!p->place.terminal)
		return;
	now = p->place.now_ms(p->place.ctx);
	if (!p->begun || done < p->first) {
		p->begun = true;
		p->first = done;
	}
	if (now - p->started < QUIET_MS || (p->drawn && now - p->drawn_at < REDRAW_MS))
		return;
	if (all > 0 && done > all)
		all = done; /* an estimate that was too small */
	draw(p, done, all, now - p->started);
	p->drawn = true;
	p->drawn_at = now;
}

void
ov_progress_end(struct ov_progress *p)
{
	if (!p->drawn)
		return;
	fputs(ERASE, p->place.out);
	fflush(p->place.out);
	p->drawn = false;
}
