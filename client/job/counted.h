/* counted.h - does a view have the cells that the terms call for, and does what it says
 * of populations that are only counted hold, as far as this home can tell
 * (PROTOCOL.md 7.22, 7.22.1).
 *
 * The numbers themselves nobody can check: the broker alone knows them.  What can be is
 * that they are of populations that are counted, noisy as the terms say or exact, drawn
 * only where the partner allowed it and the broker charged it, and that what is held back
 * has its reason.  Pure.
 */
#ifndef OV_CLIENT_JOB_COUNTED_H
#define OV_CLIENT_JOB_COUNTED_H

#include "proto/messages.h"
#include "proto/slots.h"
#include "proto/terms.h"

struct ov_counted_input {
	const struct ov_release *release;
	unsigned int mine, theirs; /* rows of release: who is low, who is high */
	bool allowed;		   /* the partner said `counts` 1 */
	uint32_t epsilon_charged;  /* REPORT.charges, for this home's view */
	const uint32_t *accounts;  /* of my list, by population number */
	uint32_t their_slots;
};

/* Whether the cells are all that the terms call for, each once, zeros too, in their
 * order: which are there says nothing.  ov_counted_verify asks it. */
bool ov_counted_cells_are_due(const struct ov_counted_input *in, struct ov_bytes cells);

/* OV_E_PROTO_MISBEHAVED if anything is not as it must be.  What cells of populations at
 * `matches` say is for verify.h; that all of them are there, each once, is for here. */
OV_MUST_CHECK enum ov_status ov_counted_verify(
    const struct ov_counted_input *in, const struct ov_msg_view *view);

#endif /* OV_CLIENT_JOB_COUNTED_H */
