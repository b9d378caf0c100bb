/* clock.h - the monotonic clock, for deadlines and durations, a thread's own CPU time,
 * and the time of day. */
#ifndef OV_COMMON_CLOCK_H
#define OV_COMMON_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t
ov_clock_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* CPU time of the calling thread, in nanoseconds. */
static inline uint64_t
ov_clock_thread_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* Seconds since 1970.  In builds for tests, which have crash points, the environment's
 * OVERLAP_CLOCK_SHIFT is added: so that a test can let weeks pass. */
int64_t ov_clock_now(void);

#endif /* OV_COMMON_CLOCK_H */
