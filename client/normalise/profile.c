#include "client/normalise/profile.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "client/normalise/country.h"
#include "common/crypto/hash.h"

/* Current first.  When rules or lists change, the id goes up, the new set stands first,
 * and the one before it stays for one release. */
static struct ov_profile profiles[] = {
	{ .id = "ov-norm-2", .rules = 2, .age = OV_LIST_CURRENT },
	{ .id = "ov-norm-1", .rules = 1, .age = OV_LIST_PREVIOUS },
};
#define PROFILES (sizeof(profiles) / sizeof(profiles[0]))

/* --- loading --- */

/* What is read from lists, and the lists that it is read from: up to four. */
#define LISTS 4
enum part { SUFFIXES, HOSTS, FORMS, NAMES_OF_COUNTRIES, PARTS };
static const enum ov_list part_lists[PARTS][LISTS] = {
	[SUFFIXES] = { OV_LIST_PUBLIC_SUFFIX, OV_LIST_PUBLIC_SUFFIX,
	    OV_LIST_PUBLIC_SUFFIX, OV_LIST_PUBLIC_SUFFIX },
	[HOSTS] = { OV_LIST_SHARED_HOSTS, OV_LIST_FREE_MAIL, OV_LIST_SUFFIX_ACCOUNTS,
	    OV_LIST_FREE_MAIL_MORE },
	[FORMS] = { OV_LIST_LEGAL_FORMS, OV_LIST_WORDS, OV_LIST_WORDS, OV_LIST_WORDS },
	[NAMES_OF_COUNTRIES] = { OV_LIST_COUNTRIES, OV_LIST_COUNTRIES, OV_LIST_COUNTRIES,
	    OV_LIST_COUNTRIES },
};

static bool
is_shared(const struct ov_profile *p, const struct ov_profile *other, enum part part)
{
	for (size_t i = 0; i < LISTS; i++)
		if (ov_list_file(part_lists[part][i], p->age).data !=
		    ov_list_file(part_lists[part][i], other->age).data)
			return false;
	return true;
}

static enum ov_status
load_part(struct ov_profile *p, enum part part)
{
	struct ov_list_file f[LISTS];

	for (size_t i = 0; i < LISTS; i++)
		f[i] = ov_list_file(part_lists[part][i], p->age);
	switch (part) {
	case SUFFIXES:
		return ov_suffixes_new(&p->suffixes, f[0]);
	case HOSTS:
		p->hosts = calloc(1, sizeof(*p->hosts));
		return p->hosts == NULL ? OV_E_NOMEM : ov_hosts_load(p->hosts, f);
	case FORMS:
		return ov_forms_new(&p->forms, f[0], f[1]);
	case NAMES_OF_COUNTRIES:
		p->countries = calloc(1, sizeof(*p->countries));
		return p->countries == NULL ? OV_E_NOMEM
					    : ov_countries_load(p->countries, f[0]);
	case PARTS:
		break;
	}
	return OV_E_BUG;
}

static void
share_part(struct ov_profile *p, const struct ov_profile *other, enum part part)
{
	if (part == SUFFIXES)
		p->suffixes = other->suffixes;
	else if (part == HOSTS)
		p->hosts = other->hosts;
	else if (part == FORMS)
		p->forms = other->forms;
	else
		p->countries = other->countries;
}

static void
drop_part(struct ov_profile *p, enum part part)
{
	if (part == SUFFIXES)
		ov_suffixes_free(p->suffixes);
	else if (part == FORMS)
		ov_forms_free(p->forms);
	if (part == HOSTS && p->hosts != NULL) {
		ov_hosts_fini(p->hosts);
		free(p->hosts);
	}
	if (part == NAMES_OF_COUNTRIES && p->countries != NULL) {
		ov_table_fini(p->countries);
		free(p->countries);
	}
}

static void
set_digest(struct ov_profile *p)
{
	struct ov_hash h;

	ov_hash_init(&h);
	ov_hash_lv(&h, p->id, strlen(p->id));
	for (int i = 0; i < OV_LIST_COUNT; i++) {
		const struct ov_list_file file = ov_list_file((enum ov_list)i, p->age);

		uint8_t digest[OV_HASH_LEN];
		struct ov_hash one;

		if (file.len == 0)
			continue;
		ov_hash_init(&one);
		ov_hash_raw(&one, file.data, file.len);
		ov_hash_final(&one, digest);
		ov_hash_lv(&h, file.name, strlen(file.name));
		ov_hash_lv(&h, digest, sizeof(digest));
	}
	ov_hash_final(&h, p->digest);
}

static bool ready;

enum ov_status
ov_normalise_init(void)
{
	enum ov_status st = OV_OK;

	if (ready)
		return OV_OK;
	for (size_t i = 0; i < PROFILES && st == OV_OK; i++) {
		struct ov_profile *p = &profiles[i];

		for (enum part part = SUFFIXES; part < PARTS && st == OV_OK; part++)
			if (i > 0 && is_shared(p, p - 1, part))
				share_part(p, p - 1, part);
			else
				st = load_part(p, part);
		if (st == OV_OK)
			st = ov_others_new(
			    &p->others, p, ov_list_file(OV_LIST_OTHER_NAMES, p->age));
		set_digest(p);
	}
	ready = st == OV_OK;
	if (!ready)
		ov_normalise_fini(); /* half a list would be another profile */
	return st;
}

void
ov_normalise_fini(void)
{
	ready = false;
	for (size_t i = PROFILES; i-- > 0;) {
		struct ov_profile *p = &profiles[i];

		for (enum part part = SUFFIXES; part < PARTS; part++)
			if (i == 0 || !is_shared(p, p - 1, part))
				drop_part(p, part);
		ov_others_free(p->others);
		p->others = NULL;
		p->suffixes = NULL;
		p->hosts = NULL;
		p->forms = NULL;
		p->countries = NULL;
	}
}

/* --- finding --- */

/* Test builds can be the release before this one, which has not the current profile:
 * with OVERLAP_OLD_PROFILES=1 in the environment. */
static size_t
first_profile(void)
{
#ifdef OVERLAP_OLD_PROFILES
	return getenv("OVERLAP_OLD_PROFILES") != NULL ? 1 : 0;
#else
	return 0;
#endif
}

const struct ov_profile *
ov_profile_at(size_t n)
{
	n += first_profile();
	return n < PROFILES ? &profiles[n] : NULL;
}

const struct ov_profile *
ov_profile_current(void)
{
	return ov_profile_at(0);
}

const struct ov_profile *
ov_profile_by_id(const char *id)
{
	const struct ov_profile *p;

	for (size_t i = 0; (p = ov_profile_at(i)) != NULL; i++)
		if (strcmp(p->id, id) == 0)
			return p;
	return NULL;
}

const struct ov_profile *
ov_profile_by_digest(const uint8_t digest[OV_PROFILE_DIGEST_LEN])
{
	const struct ov_profile *p;

	for (size_t i = 0; (p = ov_profile_at(i)) != NULL; i++)
		if (memcmp(p->digest, digest, OV_PROFILE_DIGEST_LEN) == 0)
			return p;
	return NULL;
}

const char *
ov_profile_id(const struct ov_profile *p)
{
	return p->id;
}

const uint8_t *
ov_profile_digest(const struct ov_profile *p)
{
	return p->digest;
}
