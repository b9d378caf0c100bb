#include "common/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static enum ov_log_level threshold = OV_LOG_WARN;

void
ov_log_set_level(enum ov_log_level level)
{
	threshold = level;
}

/* Bytes used of a buffer of cap bytes after snprintf returned n. */
static size_t
advance(size_t used, int n, size_t cap)
{
	if (n < 0)
		return used;
	used += (size_t)n;
	return used < cap ? used : cap - 1;
}

static size_t
print_field(char *out, size_t cap, const struct ov_log_field *f)
{
	size_t used = advance(0, snprintf(out, cap, " %s=", f->key), cap);

	switch (f->kind) {
	case OV_LOG_U64:
		return advance(
		    used, snprintf(out + used, cap - used, "%" PRIu64, f->number), cap);
	case OV_LOG_STATUS:
		return advance(used,
		    snprintf(out + used, cap - used, "%s",
			ov_status_name((enum ov_status)f->number)),
		    cap);
	case OV_LOG_ID:
		for (int i = 0; i < 8; i++)
			used = advance(used,
			    snprintf(out + used, cap - used, "%02x", f->id[i]), cap);
		return used;
	case OV_LOG_END:
		break;
	}
	return 0;
}

void
ov_log_write(
    enum ov_log_level level, const char *event, const struct ov_log_field *fields)
{
	static const char *const words[] = { "error", "warn", "info", "debug" };
	char line[512]; /* longer lines are cut: fields are short by construction */
	size_t used, cap = sizeof(line) - 1;
	time_t now = time(NULL);
	struct tm tm;

	if (level > threshold)
		return;
	gmtime_r(&now, &tm);
	used = strftime(line, cap, "%Y-%m-%dT%H:%M:%SZ ", &tm);
	used = advance(
	    used, snprintf(line + used, cap - used, "%s %s", words[level], event), cap);
	for (; fields->kind != OV_LOG_END; fields++)
		used += print_field(line + used, cap - used, fields);
	line[used++] = '\n';
	/* A log that cannot be written has nowhere to complain. */
	if (write(STDERR_FILENO, line, used) < 0)
		return;
}
