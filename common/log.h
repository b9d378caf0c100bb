/* log.h - a log that cannot print data.
 *
 * A line is an event name, which must be a string literal, and typed fields:
 * numbers, statuses and the hex of short ids.  There is no way to pass a
 * string, so no name, domain, field or key can reach a log line.  Lines go to
 * standard error as `2026-01-31T12:00:00Z info job.accepted job=1f.. slots=1024`.
 * Thread-safe: one write per line.
 */
#ifndef OV_COMMON_LOG_H
#define OV_COMMON_LOG_H

#include <stddef.h>
#include <stdint.h>

#include "common/status.h"

enum ov_log_level { OV_LOG_ERROR, OV_LOG_WARN, OV_LOG_INFO, OV_LOG_DEBUG };

enum ov_log_kind { OV_LOG_END, OV_LOG_U64, OV_LOG_STATUS, OV_LOG_ID };

struct ov_log_field {
	enum ov_log_kind kind;
	const char *key;   /* literal */
	uint64_t number;   /* U64, STATUS */
	const uint8_t *id; /* ID: 8 bytes are printed */
};

/* The "" makes anything but a literal a compile error. */
#define OV_F_U64(key, v)                                                                 \
	((struct ov_log_field){ OV_LOG_U64, "" key, (uint64_t)(v), NULL })
#define OV_F_STATUS(v)                                                                   \
	((struct ov_log_field){ OV_LOG_STATUS, "status", (uint64_t)(v), NULL })
#define OV_F_ID(key, p) ((struct ov_log_field){ OV_LOG_ID, "" key, 0, (p) })
#define OV_F_END ((struct ov_log_field){ OV_LOG_END, "", 0, NULL })

/* ov_log(OV_LOG_INFO, "job.accepted", OV_F_ID("job", job), OV_F_U64("slots", n)); */
#define ov_log(level, ...) OV_LOG_SPLIT_(level, __VA_ARGS__, OV_F_END)
#define OV_LOG_SPLIT_(level, event, ...)                                                 \
	ov_log_write(level, "" event, (const struct ov_log_field[]){ __VA_ARGS__ })

void ov_log_write(
    enum ov_log_level level, const char *event, const struct ov_log_field *fields);

/* Lines above this level are dropped.  Default OV_LOG_WARN.  Call before threads start.
 */
void ov_log_set_level(enum ov_log_level level);

#endif /* OV_COMMON_LOG_H */
