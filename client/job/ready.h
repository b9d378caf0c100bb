/* ready.h - a list that is frozen before a partner asks for it, so that the answer does
 * not wait for it.
 *
 * It is used only if it is what ov_freeze would make now: the same terms, criteria of the
 * partner and profile, the same generation of the book, and no other process has written
 * to the home since.
 */
#ifndef OV_CLIENT_JOB_READY_H
#define OV_CLIENT_JOB_READY_H

#include "client/home.h"
#include "client/job/list.h"
#include "client/normalise/normalise.h"
#include "client/terms.h"

/* What a list follows from. */
struct ov_ready_basis {
	int64_t others; /* SQLite's data_version: what other processes wrote */
	uint64_t generation;
	const struct ov_profile *profile;
	uint8_t digest[OV_HASH_LEN]; /* over terms and the partner's criteria */
};

struct ov_ready {
	struct ov_ready_basis basis;
	struct ov_list list; /* empty: none */
	uint8_t digest[OV_HASH_LEN];
};

void ov_ready_fini(struct ov_ready *r); /* wipes; leaves { 0 } */

/* Freezes the list of these terms, unless that is what stands in r.  The failures of
 * ov_freeze; r is empty then. */
OV_MUST_CHECK enum ov_status ov_ready_make(struct ov_ready *r, struct ov_home *home,
    const struct ov_terms *terms, const struct ov_profile *profile);

/* ov_freeze with the list's digest: by moving the list of r (may be NULL) where that is
 * what it would make. */
OV_MUST_CHECK enum ov_status ov_ready_take(struct ov_list *out,
    uint8_t digest[OV_HASH_LEN], uint64_t *generation, struct ov_ready *r,
    struct ov_home *home, const struct ov_terms *terms, const struct ov_profile *profile);

#endif /* OV_CLIENT_JOB_READY_H */
