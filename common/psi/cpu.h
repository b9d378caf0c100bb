/* cpu.h - which vector instructions this process may use: the processor has them and the
 * system saves their registers (x86-64 only). */
#ifndef OV_COMMON_PSI_CPU_H
#define OV_COMMON_PSI_CPU_H

#include <stdbool.h>

/* AVX2 and BMI2. */
bool ov_cpu_has_avx2(void);

/* AVX-512 F, DQ, BW, VL and IFMA, and all of ov_cpu_has_avx2(). */
bool ov_cpu_has_ifma(void);

#endif /* OV_COMMON_PSI_CPU_H */
