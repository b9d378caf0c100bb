/* country.h - the list that the country rule reads. */
#ifndef OV_CLIENT_NORMALISE_COUNTRY_H
#define OV_CLIENT_NORMALISE_COUNTRY_H

#include "common/status.h"

OV_MUST_CHECK enum ov_status ov_country_init(void);
void ov_country_fini(void);

#endif /* OV_CLIENT_NORMALISE_COUNTRY_H */
