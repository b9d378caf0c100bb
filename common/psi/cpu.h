/* cpu.h - which vector instructions this process may use: the processor has them and the
 * system saves their registers (x86-64 only). */
#ifndef OV_COMMON_PSI_CPU_H
#define OV_COMMON_PSI_CPU_H

#include <stdbool.h>
#include <stdint.h>

/* What the two depend on.  xcr0 says which registers the system saves; it can be read,
 * and counts, only where leaf 1 says OSXSAVE. */
struct ov_cpu_words {
	uint32_t leaf1_ecx, leaf7_ebx, xcr0;
};

/* The rules alone, for any words. */
bool ov_cpu_words_allow_avx2(const struct ov_cpu_words *w);
bool ov_cpu_words_allow_ifma(const struct ov_cpu_words *w);

/* AVX2 and BMI2. */
bool ov_cpu_has_avx2(void);

/* AVX-512 F, DQ, BW, VL and IFMA, and all of ov_cpu_has_avx2(). */
bool ov_cpu_has_ifma(void);

#endif /* OV_COMMON_PSI_CPU_H */
