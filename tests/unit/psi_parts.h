/* psi_parts.h - what a vector kernel holds while it works, for the test of what it wipes.
 * psi_parts_KERNEL.c has the kernel's flags. */
#ifndef OV_TESTS_PSI_PARTS_H
#define OV_TESTS_PSI_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/psi/kernel.h"

#define PSI_DIGITS 63
#define PSI_KEPT_MAX (320 * 1024)
#define PSI_REGISTERS_LEN (32 * 64)

/* The arguments of blind_points(), or of blind_uniform(). */
struct psi_call {
	bool points;
	const uint8_t *in, *scalar;
	size_t n;
};

struct psi_parts {
	const struct ov_psi_kernel *kernel;

	/* A kernel that forgets to wipe: computes what a call computes and returns with
	 * all of it on its stack and in registers.  digits: of the scalar, recoded. kept,
	 * of which the length in bytes is returned: copies of tables, coordinates, what
	 * the encoding holds, the inputs, and every table element as a search finds it.
	 */
	size_t (*forget)(
	    int8_t digits[PSI_DIGITS], uint8_t *kept, const struct psi_call *call);

	/* The vector registers as run(arg) leaves them, the rest zeroed. */
	void (*registers_after)(
	    uint8_t registers[PSI_REGISTERS_LEN], void *(*run)(void *), void *arg);
};

extern const struct psi_parts psi_parts_ifma, psi_parts_avx2;

#endif /* OV_TESTS_PSI_PARTS_H */
