#include "common/psi/field_ifma.h"
/* the field comes first */
#include "tests/unit/psi_forget.h"

#define STORE(i) "vmovdqu64 %%zmm" #i ", 64*" #i "(%0)\n\t"

static void
registers_after(uint8_t registers[PSI_REGISTERS_LEN], void *(*run)(void *), void *arg)
{
	(void)run(arg);
	__asm__ volatile(STORE(0) STORE(1) STORE(2) STORE(3) STORE(4) STORE(5) STORE(6)
			     STORE(7) STORE(8) STORE(9) STORE(10) STORE(11) STORE(12)
				 STORE(13) STORE(14) STORE(15) STORE(16) STORE(17)
				     STORE(18) STORE(19) STORE(20) STORE(21) STORE(22)
					 STORE(23) STORE(24) STORE(25) STORE(26) STORE(27)
					     STORE(28) STORE(29) STORE(30) STORE(31)
			 :
			 : "r"(registers)
			 : "memory");
}

const struct psi_parts psi_parts_ifma = { &ov_psi_kernel_ifma, forget, registers_after };
