/* deck.h - the slots of a list in their secret order, padding included
 * (PROTOCOL.md 7.12, 7.13).
 *
 * Everything follows from the list and three keys, so that a client that crashed,
 * and an auditor who replays a job, get the same slots.
 */
#ifndef OV_CLIENT_JOB_DECK_H
#define OV_CLIENT_JOB_DECK_H

#include <stdbool.h>

#include "client/job/list.h"
#include "proto/keys.h"
#include "proto/slots.h"

#define OV_DECK_TOKEN_MAX 300 /* kind, 0x1f, value */

struct ov_deck {
	const struct ov_list *list; /* borrowed */
	uint8_t padding_key[32];    /* SECRET */
	uint32_t slots, records;    /* padded; padding records included */
	uint32_t *slot_at;	    /* position -> slot; SECRET towards the broker */
	uint32_t *record_number;    /* record -> number on the wire; real ones first */
	uint32_t *model;	    /* padding record -> the real record it copies */
	uint32_t *pad_record;	    /* padding slot -> padding record (from 0) */
	uint8_t *pad_token;	    /* padding slot -> which token of the model */
};

/* slots: as both sides agreed, at least the list's tokens.  OV_E_BUG if the list is
 * empty or larger; OV_E_NOMEM. */
OV_MUST_CHECK enum ov_status ov_deck_init(struct ov_deck *d, const struct ov_list *list,
    uint32_t slots, const struct ov_local_keys *keys);
void ov_deck_fini(struct ov_deck *d); /* wipes */

/* A list is larger than the caches, and its order is random: whoever goes through many
 * positions has the memory of all of them on its way before the first is used.  Steps 0,
 * 1, 2 ask for what the step before has brought, each for some dozens of positions.  Any
 * position below slots. */
#define OV_DECK_STEPS 3
enum ov_deck_part { OV_DECK_BYTES, OV_DECK_ROW }; /* for ov_deck_token; for the others */
void ov_deck_fetch(
    const struct ov_deck *d, uint32_t position, int step, enum ov_deck_part part);

/* The bytes that are hashed for the slot at a position, into out of
 * OV_DECK_TOKEN_MAX bytes. */
size_t ov_deck_token(uint8_t *out, const struct ov_deck *d, uint32_t position);

/* Its roster row under the roster key of this side. */
void ov_deck_roster(struct ov_roster_row *row, const struct ov_deck *d, uint32_t position,
    const uint8_t roster_key[16]);

/* The real record at a position; false for padding.  *rank: of its token. */
bool ov_deck_record(
    size_t *record, uint8_t *rank, const struct ov_deck *d, uint32_t position);
/* Of that record's token at the position: its kind as it is hashed.  False for padding.
 */
bool ov_deck_kind(char out[OV_KIND_CAP], const struct ov_deck *d, uint32_t position);

#endif /* OV_CLIENT_JOB_DECK_H */
