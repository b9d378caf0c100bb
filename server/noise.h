/* noise.h - whole numbers from the discrete Laplace distribution, exactly (Canonne,
 * Kamath, Steinke, "The Discrete Gaussian for Differential Privacy", 2020, Algorithms 1
 * and 2).
 *
 * P(z) = (1 - q) / (1 + q) * q^|z| with q = exp(-epsilon_milli / 1000): neighbours differ
 * by the factor q exactly.  No floating point: a rounded logarithm gives some numbers for
 * one true count only, and with them the count (Mironov, CCS 2012).
 *
 * Takes variable time: who could measure a draw to the microsecond inside a job of
 * seconds is the broker's operator, who knows the true counts.
 */
#ifndef OV_SERVER_NOISE_H
#define OV_SERVER_NOISE_H

#include <stddef.h>
#include <stdint.h>

#include "common/status.h"
#include "proto/budget.h"

#define OV_NOISE_EPSILON_MAX 100000 /* thousandths, as the terms have it */

/* A source of random bits; one thread at a time. */
struct ov_noise {
	void (*fill)(void *arg, void *out, size_t len);
	void *arg;
	uint64_t word[64];
	unsigned int left;
};

/* The system's generator. */
void ov_noise_init(struct ov_noise *n);
/* Another one, for tests: fill writes len bytes. */
void ov_noise_init_with(
    struct ov_noise *n, void (*fill)(void *arg, void *out, size_t len), void *arg);
void ov_noise_fini(struct ov_noise *n); /* wipes */

/* One draw.  0 < epsilon_milli <= OV_NOISE_EPSILON_MAX.  OV_E_BUG if the bits are not
 * random; *out is then 0. */
OV_MUST_CHECK enum ov_status ov_noise_laplace(
    int64_t *out, struct ov_noise *n, uint32_t epsilon_milli);

#endif /* OV_SERVER_NOISE_H */
