/* wrong.h - matches that a person of this company found to be wrong.
 *
 * They are left out of the lists and totals of every report with this partner, also of
 * later jobs: for the own account (by any of its ids, or its name where it has none), the
 * partner's population, and the kind of key.  By another kind of key, or in another
 * population, the account is shown again: that is new evidence.  Nothing of this leaves
 * the home, and no job changes by it.
 */
#ifndef OV_CLIENT_WRONG_H
#define OV_CLIENT_WRONG_H

#include <stdbool.h>
#include <stddef.h>

#include "common/db/db.h"
#include "common/status.h"
#include "proto/codec.h"

/* A match, as far as it matters here.  Borrowed. */
struct ov_wrong_match {
	uint8_t rank;
	const char *theirs;	/* name of the partner's population */
	const char *ids, *name; /* of the own account; ids joined by ';' */
};

struct ov_wrong; /* those of one partner, in memory: made by hand, so they are few */

/* *out NULL: there are none. */
OV_MUST_CHECK enum ov_status ov_wrong_load(
    struct ov_wrong **out, struct ov_db *db, const uint8_t partner[16]);
void ov_wrong_free(struct ov_wrong *w); /* NULL is fine */
/* w NULL: false. */
bool ov_wrong_has(const struct ov_wrong *w, const struct ov_wrong_match *m);

/* Inside the caller's transaction.  Marking twice is fine; ov_wrong_right says in *was
 * whether it was marked.  OV_E_NOT_FOUND: the account has neither id nor name. */
OV_MUST_CHECK enum ov_status ov_wrong_mark(struct ov_db *db, const uint8_t partner[16],
    const struct ov_wrong_match *m, uint64_t now);
OV_MUST_CHECK enum ov_status ov_wrong_right(bool *was, struct ov_db *db,
    const uint8_t partner[16], const struct ov_wrong_match *m);

/* Tables of this module. */
extern const char ov_wrong_schema_1[];

#endif /* OV_CLIENT_WRONG_H */
