#include "common/work/both.h"

#include <pthread.h>
#include <stdbool.h>

struct half {
	void (*fn)(void *arg);
	void *arg;
};

static void *
run_half(void *half)
{
	const struct half *h = half;

	h->fn(h->arg);
	return NULL;
}

void
ov_both(void (*fn)(void *arg), void *a, void *b)
{
	struct half other = { fn, b };
	pthread_t thread;
	bool beside = pthread_create(&thread, NULL, run_half, &other) == 0;

	fn(a);
	if (beside)
		pthread_join(thread, NULL);
	else
		fn(b);
}
