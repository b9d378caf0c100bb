/* clock - for LD_PRELOAD: the programs' wall clock goes OVERLAP_CLOCK seconds ahead (or
 * behind, if negative).  Waiting goes by the monotonic clock, which stays. */
#include <stdlib.h>
#include <time.h>

time_t
time(time_t *out)
{
	const char *ahead = getenv("OVERLAP_CLOCK");
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (ahead != NULL)
		now.tv_sec += (time_t)strtoll(ahead, NULL, 10);
	if (out != NULL)
		*out = now.tv_sec;
	return now.tv_sec;
}
