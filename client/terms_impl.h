/* terms_impl.h - what the three parts of the terms share: terms_store.c (what is stored),
 * terms_offer.c (sheets and offers), terms.c (signatures and answers).
 */
#ifndef OV_CLIENT_TERMS_IMPL_H
#define OV_CLIENT_TERMS_IMPL_H

#include "client/terms.h"

/* A partner may not use up the sequence numbers. */
#define OV_SEQUENCE_STEP_MAX 1000

/* The newest sheets of both sides. */
struct ov_sheets {
	struct ov_buf mine, theirs; /* encoded GRANTS; empty: none */
	/* the partner's sheet that the person saw who consented, or that was signed first
	 * under this consent; empty: none yet */
	struct ov_buf seen;
	uint64_t mine_sequence, theirs_sequence;
	uint8_t consented[OV_DIGEST]; /* of the criteria that the person saw */
};

/* What was signed here under one sequence number. */
struct ov_signed_terms {
	enum ov_terms_state state;
	uint64_t since;
	struct ov_buf terms, body, release, sealed;
	uint8_t mine[64], theirs[64];
};

/* Zero the struct first; free it whether or not the load succeeds. */
OV_MUST_CHECK enum ov_status ov_sheets_load(
    struct ov_sheets *s, struct ov_home *home, const uint8_t partner[OV_ID]);
void ov_sheets_free(struct ov_sheets *s);
/* Of the terms that follow from them: the greater of both. */
uint64_t ov_sheets_sequence(const struct ov_sheets *s);
/* Whether a person here consented to all that follows from both sheets: the criteria are
 * those that were seen, and nothing more is given than under the sheet that was seen. */
OV_MUST_CHECK enum ov_status ov_sheets_consented(bool *out, const struct ov_sheets *s);

/* OV_E_NOT_FOUND if nothing was signed under that number. */
OV_MUST_CHECK enum ov_status ov_signed_terms_load(struct ov_signed_terms *r,
    struct ov_home *home, const uint8_t partner[OV_ID], uint64_t sequence);
/* The greatest number signed by both is in force; OV_E_TERMS_MISSING. */
OV_MUST_CHECK enum ov_status ov_signed_terms_in_force(
    struct ov_signed_terms *r, struct ov_home *home, const uint8_t partner[OV_ID]);
/* The number in force; 0: none. */
OV_MUST_CHECK enum ov_status ov_signed_terms_in_force_sequence(
    uint64_t *sequence, struct ov_home *home, const uint8_t partner[OV_ID]);
/* The greatest number that was signed here, or has ended. */
OV_MUST_CHECK enum ov_status ov_signed_terms_greatest(
    uint64_t *sequence, struct ov_home *home, const uint8_t partner[OV_ID]);
void ov_signed_terms_free(struct ov_signed_terms *r);

/* Decodes a sheet and checks populations, columns and criteria. */
OV_MUST_CHECK enum ov_status ov_sheet_check(
    struct ov_msg_grants *g, struct ov_bytes sheet);
/* An offer of the sheet as mail; in the caller's transaction. */
OV_MUST_CHECK enum ov_status ov_terms_put_offer(struct ov_home *home,
    const struct ov_partner *p, uint64_t sequence, struct ov_bytes sheet);

#endif /* OV_CLIENT_TERMS_IMPL_H */
