/* country.h - the list that the country rule reads. */
#ifndef OV_CLIENT_NORMALISE_COUNTRY_H
#define OV_CLIENT_NORMALISE_COUNTRY_H

#include "client/normalise/lists.h"
#include "common/status.h"

/* Folded names, codes and aliases to the two letters, as first * 256 + second, added to
 * the table.  OV_E_NOMEM; OV_E_BUG if the list does not parse. */
OV_MUST_CHECK enum ov_status ov_countries_load(
    struct ov_table *out, struct ov_list_file file);

#endif /* OV_CLIENT_NORMALISE_COUNTRY_H */
