/* profile.h - a profile from within: what the rules read.
 *
 * For the rules alone; normalise.h shows profiles closed.  Where the text of a rule
 * changed, it asks `rules`, and the branch for the older number goes with its profile.
 */
#ifndef OV_CLIENT_NORMALISE_PROFILE_H
#define OV_CLIENT_NORMALISE_PROFILE_H

#include "client/normalise/domain.h"
#include "client/normalise/forms.h"
#include "client/normalise/lists.h"
#include "client/normalise/normalise.h"
#include "client/normalise/others.h"
#include "client/normalise/suffix.h"

struct ov_profile {
	const char *id;
	unsigned int rules; /* the number in id */
	enum ov_list_age age;
	uint8_t digest[OV_PROFILE_DIGEST_LEN];
	/* read-only; of the profile before this one where their lists are equal */
	struct ov_suffixes *suffixes;
	struct ov_hosts *hosts;
	struct ov_forms *forms;
	struct ov_table *countries;
	struct ov_others *others; /* never shared: made by the profile's own rules */
};

#endif /* OV_CLIENT_NORMALISE_PROFILE_H */
