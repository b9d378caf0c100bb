#include <stdbool.h>
#include <string.h>

#include "client/normalise/country.h"
#include "client/normalise/domain.h"
#include "client/normalise/forms.h"
#include "client/normalise/lists.h"
#include "client/normalise/normalise.h"
#include "client/normalise/suffix.h"
#include "common/crypto/hash.h"

_Static_assert(OV_PROFILE_DIGEST_LEN == OV_HASH_LEN, "SHA-512");

/* Current first.  When rules or lists change, the id goes up, the new set stands
 * first, and the one before it stays for one release. */
static struct ov_profile profiles[] = {
	{
	    .id = "ov-norm-1",
	    .domain = ov_normalise_domain,
	    .name = ov_normalise_name,
	    .name_parts = ov_normalise_name_parts,
	    .name_long = ov_normalise_name_long,
	    .name_country = ov_normalise_name_country,
	    .country = ov_normalise_country,
	    .lei = ov_normalise_lei,
	    .cik = ov_normalise_cik,
	    .duns = ov_normalise_duns,
	    .vat = ov_normalise_vat,
	},
};
#define PROFILES (sizeof(profiles) / sizeof(profiles[0]))

static void
set_digest(struct ov_profile *p)
{
	struct ov_hash h;

	ov_hash_init(&h);
	ov_hash_lv(&h, p->id, strlen(p->id));
	for (int i = 0; i < OV_LIST_COUNT; i++) {
		const struct ov_list_file file = ov_list_file((enum ov_list)i);
		uint8_t digest[OV_HASH_LEN];
		struct ov_hash one;

		ov_hash_init(&one);
		ov_hash_raw(&one, file.data, file.len);
		ov_hash_final(&one, digest);
		ov_hash_lv(&h, file.name, strlen(file.name));
		ov_hash_lv(&h, digest, sizeof(digest));
	}
	ov_hash_final(&h, p->digest);
}

static bool ready;

static enum ov_status
load(void)
{
	static enum ov_status (*const steps[])(
	    void) = { ov_suffix_init, ov_domain_init, ov_forms_init, ov_country_init };

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		enum ov_status st = steps[i]();

		if (st != OV_OK)
			return st;
	}
	return OV_OK;
}

enum ov_status
ov_normalise_init(void)
{
	enum ov_status st;

	if (ready)
		return OV_OK;
	st = load();
	if (st != OV_OK) {
		ov_normalise_fini(); /* half a list would be another profile */
		return st;
	}
	for (size_t i = 0; i < PROFILES; i++)
		set_digest(&profiles[i]);
	ready = true;
	return OV_OK;
}

void
ov_normalise_fini(void)
{
	ready = false;
	ov_suffix_fini();
	ov_domain_fini();
	ov_forms_fini();
	ov_country_fini();
}

const struct ov_profile *
ov_profile_at(size_t n)
{
	return n < PROFILES ? &profiles[n] : NULL;
}

const struct ov_profile *
ov_profile_by_id(const char *id)
{
	for (size_t i = 0; i < PROFILES; i++)
		if (strcmp(profiles[i].id, id) == 0)
			return &profiles[i];
	return NULL;
}

const char *
ov_profile_id(void)
{
	return profiles[0].id;
}

void
ov_profile_digest(uint8_t out[OV_PROFILE_DIGEST_LEN])
{
	memcpy(out, profiles[0].digest, OV_PROFILE_DIGEST_LEN);
}
