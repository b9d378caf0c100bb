/* The kernel for processors with AVX2; CMakeLists.txt has its flags. */
#include "common/psi/field_avx2.h"
/* the field comes first */
#include "common/psi/cpu.h"
#include "common/psi/vector_kernel.h"

const struct ov_psi_kernel ov_psi_kernel_avx2 = {
	.name = "avx2",
	.usable = ov_cpu_has_avx2,
	.expand = expand,
	.blind_uniform = blind_uniform,
	.blind_points = blind_points,
	.tag = tag,
};
