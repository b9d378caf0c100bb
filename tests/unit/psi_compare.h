/* psi_compare.h - inputs for the kernels, and every kernel of this machine beside
 * libsodium itself, one item at a time. */
#ifndef OV_TESTS_PSI_COMPARE_H
#define OV_TESTS_PSI_COMPARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/psi/kernel.h"

/* Every kernel that this machine can run. */
#define FOR_KERNELS(k)                                                                   \
	for (const struct ov_psi_kernel *const *at_ = ov_psi_kernels, *k;                \
	     (k = *at_) != NULL; at_++)                                                  \
		if (k->usable())

/* The next bytes of a repeatable stream, a scalar, and n valid encodings made of them. */
void fill(void *out, size_t len);
void fill_scalar(uint8_t s[32]);
void fill_points(uint8_t *points, size_t n);

/* What libsodium says of n items of OV_UNIFORM_LEN or OV_POINT_LEN bytes: as a kernel's
 * blind_uniform() or blind_points().  It lets bit 255 of a point pass, which RFC 9496
 * refuses, so that is looked at here. */
void reference(uint8_t *out, uint8_t *ok, const uint8_t *in, size_t item_len, size_t n,
    const uint8_t s[32]);

/* Asserts that all kernels give what libsodium gives on n inputs, of any number; returns
 * how many of them it accepts. */
size_t compare(const uint8_t *in, size_t item_len, size_t n, const uint8_t s[32]);

/* For programs whose tests take long: of the arguments `PROGRAM tokens|points` the second
 * says which half of the tests runs, by how their names end.  False if it says neither.
 */
bool choose_half(int argc, char **argv);

#endif /* OV_TESTS_PSI_COMPARE_H */
