/* bench_kernel.h - timing shared by the kernel benchmark and the per-kernel step timings.
 */
#ifndef OV_TESTS_BENCH_KERNEL_H
#define OV_TESTS_BENCH_KERNEL_H

#include <stddef.h>
#include <stdint.h>

#define STEPS_MAX 8
#define PORTABLE_ITEMS 8 /* that kernel takes items one by one: few of them do */

/* One thing timed: nanoseconds an item, one sample a round. */
struct series {
	const char *name;
	double *samples;
	size_t n;
};

uint64_t now_ns(void);
void series_add(struct series *s, uint64_t started_ns, size_t items);

/* The steps inside a kernel, one sample each for a group of 256, or PORTABLE_ITEMS; NULL
 * ends `names`.  uniform: 256 * 64 bytes; encodings: 256 * 32 bytes, all good. */
struct bench_steps {
	const char *const *names;
	void (*round)(struct series *steps, const uint8_t *uniform,
	    const uint8_t *encodings, const uint8_t scalar[32]);
};

extern const struct bench_steps bench_steps_portable;
extern const struct bench_steps bench_steps_ifma,
    bench_steps_avx2; /* with OVERLAP_SIMD */

#endif /* OV_TESTS_BENCH_KERNEL_H */
