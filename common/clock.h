/* clock.h - the monotonic clock in milliseconds, for deadlines and durations. */
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

#endif /* OV_COMMON_CLOCK_H */
