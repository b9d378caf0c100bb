/* crash.h - named places where a test may kill the process, around durable writes.
 *
 * Every durable write has a name: ov_db_commit passes `NAME before` and `NAME
 * after`; writes to plain files and sends that promise something pass their own.
 * Compiled in only with OVERLAP_CRASH_POINTS; then two environment variables
 * matter:
 *   OVERLAP_CRASH_AT=n        raise SIGKILL at the n-th point passed (from 1)
 *   OVERLAP_CRASH_AT=NAME     raise SIGKILL when the point NAME is first passed
 *   OVERLAP_CRASH_LIST=FILE   append each point's name to FILE, one a line
 * A test lists the points of a run, then runs again once for every n.
 * Thread-safe.
 */
#ifndef OV_COMMON_DB_CRASH_H
#define OV_COMMON_DB_CRASH_H

#ifdef OVERLAP_CRASH_POINTS
void ov_crash_point(const char *name, const char *suffix);
#else
static inline void
ov_crash_point(const char *name, const char *suffix)
{
	(void)name;
	(void)suffix;
}
#endif

/* name: a literal such as "export.rename". */
#define OV_CRASH_POINT(name) ov_crash_point("" name, "")

#endif /* OV_COMMON_DB_CRASH_H */
