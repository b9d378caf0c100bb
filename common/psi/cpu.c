#include "common/psi/cpu.h"

#include <cpuid.h>

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

static bool
allow(const struct ov_cpu_words *w, uint32_t instructions, uint32_t state)
{
	return HAS(w->leaf1_ecx, OSXSAVE | AVX) && HAS(w->xcr0, state) &&
	       HAS(w->leaf7_ebx, instructions);
}

bool
ov_cpu_words_allow_avx2(const struct ov_cpu_words *w)
{
	return allow(w, AVX2 | BMI2, XCR0_AVX);
}

bool
ov_cpu_words_allow_ifma(const struct ov_cpu_words *w)
{
	return allow(w,
	    AVX2 | BMI2 | AVX512F | AVX512DQ | AVX512BW | AVX512VL | AVX512IFMA,
	    XCR0_AVX512);
}

static uint32_t
saved_by_system(void)
{
	uint32_t a, d;

	/* xgetbv with index 0; needs OSXSAVE */
	__asm__ volatile("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
	return a;
}

/* Words that are not there are 0. */
static struct ov_cpu_words
words_of_this_cpu(void)
{
	struct ov_cpu_words w = { 0 };
	uint32_t a, b, c, d;

	if (__get_cpuid(1, &a, &b, &c, &d))
		w.leaf1_ecx = c;
	if (__get_cpuid_count(7, 0, &a, &b, &c, &d))
		w.leaf7_ebx = b;
	if (HAS(w.leaf1_ecx, OSXSAVE))
		w.xcr0 = saved_by_system();
	return w;
}

bool
ov_cpu_has_avx2(void)
{
	const struct ov_cpu_words w = words_of_this_cpu();

	return ov_cpu_words_allow_avx2(&w);
}

bool
ov_cpu_has_ifma(void)
{
	const struct ov_cpu_words w = words_of_this_cpu();

	return ov_cpu_words_allow_ifma(&w);
}
