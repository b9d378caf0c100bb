/* domain.h - lists that the domain rules read (shared hosts, free mail). */
#ifndef OV_CLIENT_NORMALISE_DOMAIN_H
#define OV_CLIENT_NORMALISE_DOMAIN_H

#include "common/status.h"

OV_MUST_CHECK enum ov_status ov_domain_init(void);
void ov_domain_fini(void);

#endif /* OV_CLIENT_NORMALISE_DOMAIN_H */
