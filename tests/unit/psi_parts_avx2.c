#include "common/psi/field_avx2.h"
/* the field comes first */
#include "tests/unit/psi_forget.h"

#define STORE(i) "vmovdqu %%ymm" #i ", 32*" #i "(%0)\n\t"

static void
registers_after(uint8_t registers[PSI_REGISTERS_LEN], void *(*run)(void *), void *arg)
{
	(void)run(arg);
	__asm__ volatile(STORE(0) STORE(1) STORE(2) STORE(3) STORE(4) STORE(5) STORE(6)
			     STORE(7) STORE(8) STORE(9) STORE(10) STORE(11) STORE(12)
				 STORE(13) STORE(14) STORE(15)
			 :
			 : "r"(registers)
			 : "memory");
	memset(registers + 512, 0, PSI_REGISTERS_LEN - 512);
}

const struct psi_parts psi_parts_avx2 = { &ov_psi_kernel_avx2, forget, registers_after };
