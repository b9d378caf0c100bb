/* kinship.h - how near the name of a company is to a domain. */
#ifndef OV_CLIENT_NORMALISE_KINSHIP_H
#define OV_CLIENT_NORMALISE_KINSHIP_H

#include <stdbool.h>

#include "common/crypto/hash.h"

enum ov_kinship {
	OV_KIN_UNIT, /* one of many of a house, and never the house */
	OV_KIN_NONE,
	OV_KIN_NEAR, /* one begins with the other, or there is no name */
	OV_KIN_HOUSE /* the name is the domain's */
};
#define OV_KINSHIPS 4

/* Borrowed: a bare name ("" if there is none), the same as it is written, its initials.
 */
struct ov_kin_name {
	struct ov_bytes name, written, initials;
	bool is_unit;
};

/* domain: a value of ov_normalise_domain. */
enum ov_kinship ov_kinship(const struct ov_kin_name *n, struct ov_bytes domain);

#endif /* OV_CLIENT_NORMALISE_KINSHIP_H */
