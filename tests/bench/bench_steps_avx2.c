#include "common/psi/field_avx2.h"
/* the field comes first */
#include "tests/bench/bench_steps.h"

const struct bench_steps bench_steps_avx2 = { step_names, round_of_steps };
