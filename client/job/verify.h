/* verify.h - does the broker's view hold: every match, one by one (PROTOCOL.md 7.22).
 *
 * The broker alone cannot invent a match or a label: each row carries the partner's
 * MAC that its tag at our position is the tag we computed for its position, and the
 * partner's MAC over its rank and label there.  Any failure is
 * OV_E_PROTO_MISBEHAVED and voids the whole report.
 */
#ifndef OV_CLIENT_JOB_VERIFY_H
#define OV_CLIENT_JOB_VERIFY_H

#include "client/job/deck.h"
#include "proto/messages.h"

struct ov_verify_input {
	const struct ov_deck *deck; /* our slots */
	const uint8_t *tags; /* 16 bytes a slot: our tags of the partner's points */
	uint32_t other_slots;
	const uint8_t *proof_key;  /* 16: the partner's */
	const uint8_t *roster_key; /* 16: the partner's */
	uint16_t visible; /* bit n: population n of the partner is at `matches` */
	bool bands;	  /* the partner's labels tell how records fit our ICP */
	bool fits;	  /* the partner lets us see how many fit its ICP */
};

/* A match that holds. */
struct ov_match {
	uint32_t number;
	uint8_t rank, label;
	const struct ov_list_record *record; /* ours */
	char kind[OV_KIND_CAP];		     /* of our key */
};

struct ov_verify {
	struct ov_verify_input in;
	uint8_t *own_seen, *other_seen; /* bit sets: our records, partner's positions */
	uint32_t matches;		/* rows checked */
	uint64_t last_number;		/* numbers ascend; -1 wrapped at the start */
	uint32_t pairs[16][16], fit_yes[16][16]; /* by population: ours, the partner's */
};

OV_MUST_CHECK enum ov_status ov_verify_init(
    struct ov_verify *v, const struct ov_verify_input *in);
void ov_verify_fini(struct ov_verify *v);

/* Has what n rows will be checked against on its way from memory, as ov_deck_fetch; some
 * dozens of rows at a time. */
void ov_verify_fetch(const struct ov_verify *v, const uint8_t *rows, size_t n);

/* Checks one packed row and fills *m. */
OV_MUST_CHECK enum ov_status ov_verify_row(
    struct ov_match *m, struct ov_verify *v, const uint8_t row[OV_MATCH_ROW]);

/* After the last row: the number of matches and every cell of what is seen one by one
 * agree with the rows.  A fit that only the partner can know is bounded, not checked.
 * That no cell is missing is for ov_counted_verify. */
OV_MUST_CHECK enum ov_status ov_verify_view(
    const struct ov_verify *v, const struct ov_msg_view *view);

#endif /* OV_CLIENT_JOB_VERIFY_H */
