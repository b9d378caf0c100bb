/* name.h - lists that the name and country rules read. */
#ifndef OV_CLIENT_NORMALISE_NAME_H
#define OV_CLIENT_NORMALISE_NAME_H

#include "common/status.h"

OV_MUST_CHECK enum ov_status ov_name_init(void);
void ov_name_fini(void);
OV_MUST_CHECK enum ov_status ov_country_init(void);
void ov_country_fini(void);

#endif /* OV_CLIENT_NORMALISE_NAME_H */
