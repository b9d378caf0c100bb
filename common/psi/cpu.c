#include "common/psi/cpu.h"

#include <cpuid.h>
#include <stdint.h>

/* CPUID leaf 1, ECX */
#define OSXSAVE (1U << 27)
#define AVX (1U << 28)
/* CPUID leaf 7, EBX */
#define AVX2 (1U << 5)
#define BMI2 (1U << 8)
#define AVX512F (1U << 16)
#define AVX512DQ (1U << 17)
#define AVX512IFMA (1U << 21)
#define AVX512BW (1U << 30)
#define AVX512VL (1U << 31)
/* XCR0: the system saves SSE and AVX state; opmask, upper halves of zmm0-15, zmm16-31 */
#define XCR0_AVX 0x06U
#define XCR0_AVX512 0xe6U

#define HAS(word, bits) (((word) & (bits)) == (bits))

static uint32_t
saved_by_system(void)
{
	uint32_t a, d;

	/* xgetbv with index 0; needs OSXSAVE */
	__asm__ volatile("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
	return a;
}

/* EBX of leaf 7 if the system saves `state`, else 0. */
static uint32_t
features(uint32_t state)
{
	uint32_t a, b, c, d;

	if (!__get_cpuid(1, &a, &b, &c, &d) || !HAS(c, OSXSAVE | AVX))
		return 0;
	if (!HAS(saved_by_system(), state))
		return 0;
	return __get_cpuid_count(7, 0, &a, &b, &c, &d) ? b : 0;
}

bool
ov_cpu_has_avx2(void)
{
	return HAS(features(XCR0_AVX), AVX2 | BMI2);
}

bool
ov_cpu_has_ifma(void)
{
	return HAS(features(XCR0_AVX512),
	    AVX2 | BMI2 | AVX512F | AVX512DQ | AVX512BW | AVX512VL | AVX512IFMA);
}
