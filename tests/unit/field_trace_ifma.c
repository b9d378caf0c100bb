#include "common/psi/field_ifma.h"
/* the field comes first */
#include "common/psi/cpu.h"

#define kernel_usable ov_cpu_has_ifma
#define NO_OFFSET 0

static uint64_t
limb_below(int i)
{
	(void)i;
	return CARRIED_BELOW;
}

static unsigned
limb_bits(int i)
{
	(void)i;
	return 51;
}

#include "tests/unit/field_trace.h"
