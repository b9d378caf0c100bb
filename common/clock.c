#include "common/clock.h"

#include <stdlib.h>

int64_t
ov_clock_now(void)
{
	int64_t shift = 0;

#ifdef OVERLAP_CRASH_POINTS
	const char *text = getenv("OVERLAP_CLOCK_SHIFT");

	if (text != NULL)
		shift = strtoll(text, NULL, 10);
#endif
	return (int64_t)time(NULL) + shift;
}
