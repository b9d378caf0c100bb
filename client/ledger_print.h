/* ledger_print.h - this home's own ledger with a partner, for `overlap status`. */
#ifndef OV_CLIENT_LEDGER_PRINT_H
#define OV_CLIENT_LEDGER_PRINT_H

#include <stdio.h>

#include "client/json.h"
#include "client/ledger.h"
#include "client/terms.h"

/* now: UNIX seconds, of which l is. */
void ov_ledger_print(
    FILE *out, const struct ov_ledger *l, const struct ov_terms *terms, int64_t now);
void ov_ledger_json(struct ov_json *at, const struct ov_ledger *l,
    const struct ov_terms *terms, int64_t now);

#endif /* OV_CLIENT_LEDGER_PRINT_H */
