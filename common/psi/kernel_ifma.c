/* The kernel for processors with AVX-512 IFMA; CMakeLists.txt has its flags. */
#include "common/psi/field_ifma.h"
/* the field comes first */
#include "common/psi/cpu.h"
#include "common/psi/vector_kernel.h"

const struct ov_psi_kernel ov_psi_kernel_ifma = {
	.name = "ifma",
	.usable = ov_cpu_has_ifma,
	.expand = expand,
	.blind_uniform = blind_uniform,
	.blind_points = blind_points,
	.tag = tag,
};
