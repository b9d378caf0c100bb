#include "common/psi/field_avx2.h"
/* the field comes first */
#include "common/psi/cpu.h"

#define kernel_usable ov_cpu_has_avx2
#define NO_OFFSET start_of(0)

static uint64_t
limb_below(int i)
{
	return CARRIED_BELOW(i);
}

static unsigned
limb_bits(int i)
{
	return BITS(i);
}

#include "tests/unit/field_trace.h"
