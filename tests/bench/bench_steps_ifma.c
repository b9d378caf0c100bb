#include "common/psi/field_ifma.h"
/* the field comes first */
#include "tests/bench/bench_steps.h"

const struct bench_steps bench_steps_ifma = { step_names, round_of_steps };
