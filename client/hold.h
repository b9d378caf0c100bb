/* hold.h - what stops jobs until a person has looked.
 *
 * A hold is durable and has a reason, a status by name.  A hold on the log stops every
 * job of the home; a hold on a partner stops those with this partner.  `overlap inbox`
 * shows holds, `overlap inbox clear NUMBER` clears one.
 */
#ifndef OV_CLIENT_HOLD_H
#define OV_CLIENT_HOLD_H

#include "client/home.h"

enum ov_hold_kind {
	OV_HOLD_LOG = 1,     /* the broker's log failed a check */
	OV_HOLD_PARTNER = 2, /* the partner is suspended */
	OV_HOLD_IMPORT = 3 /* an import changed so much that a person must look: held.h */
};

struct ov_hold {
	int64_t number;
	enum ov_hold_kind kind;
	uint8_t partner[OV_ID]; /* zero unless OV_HOLD_PARTNER */
	enum ov_status reason;
	uint64_t since;
};

/* Sets a hold, in a transaction of its own; one of the same kind and partner that is not
 * cleared stays as it is. */
OV_MUST_CHECK enum ov_status ov_hold_set(struct ov_home *home, enum ov_hold_kind kind,
    const uint8_t partner[OV_ID], enum ov_status reason);

/* The same inside the caller's transaction; and: no hold of this kind is open any more,
 * for what it was about is decided (a partner's hold is cleared by its number). */
OV_MUST_CHECK enum ov_status ov_hold_put(struct ov_home *home, enum ov_hold_kind kind,
    const uint8_t partner[OV_ID], enum ov_status reason);
OV_MUST_CHECK enum ov_status ov_hold_end(struct ov_home *home, enum ov_hold_kind kind);

/* OV_OK if no hold stops a job with this partner (NULL: with anyone); else the reason of
 * a log hold, or OV_E_PARTNER_SUSPENDED.  Import holds stop no job. */
OV_MUST_CHECK enum ov_status ov_hold_check(
    struct ov_home *home, const uint8_t partner[OV_ID]);

/* A person has looked.  accept_log, for a log hold: the operator of the broker announced
 * a new log; pinned log id and head are forgotten and the next head is pinned in their
 * place. Without it they stay, so a log that is still wrong is held again.
 * OV_E_NOT_FOUND; OV_E_USAGE for an import, which is taken or dropped. */
OV_MUST_CHECK enum ov_status ov_hold_clear(
    struct ov_home *home, int64_t number, bool accept_log);

/* Calls visit for each hold that is not cleared, oldest first; its failure ends the walk.
 */
OV_MUST_CHECK enum ov_status ov_hold_each(struct ov_home *home,
    enum ov_status (*visit)(void *arg, const struct ov_hold *hold), void *arg);

#endif /* OV_CLIENT_HOLD_H */
