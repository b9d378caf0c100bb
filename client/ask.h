/* ask.h - a partner asks for a higher level (PROTOCOL 6.7): mail that a person answers,
 * or does not.
 *
 * Asking changes nothing: the terms change when the asked side offers another sheet.  The
 * newest question of each partner is kept until a person gives as much, or forgets it.
 */
#ifndef OV_CLIENT_ASK_H
#define OV_CLIENT_ASK_H

#include "client/partner.h"
#include "proto/terms.h"

#define OV_ASK_TEXT_MAX 500

struct ov_ask {
	uint64_t sequence; /* of the terms in force where it was asked; 0: none */
	size_t n;
	struct ov_population population[OV_POPULATIONS_MAX]; /* at least this level */
	char text[OV_ASK_TEXT_MAX + 1]; /* of the person who asks; may be "" */
	uint64_t at;			/* when it came */
};

/* Puts a TERMS_ASK into the outbox.  OV_E_USAGE for a text that is too long or has
 * control characters, or no populations. */
OV_MUST_CHECK enum ov_status ov_ask_send(
    struct ov_home *home, const struct ov_partner *partner, const struct ov_ask *ask);

/* A TERMS_ASK mail came.  One that was seen before, or asked under older terms than are
 * in force, is dropped. */
OV_MUST_CHECK enum ov_status ov_ask_take(
    struct ov_home *home, const uint8_t from[OV_ID], struct ov_bytes body);

/* The question of a partner that waits: what of it the sheet does not give at the level
 * asked for is left in out->population.  OV_E_NOT_FOUND if nothing waits. */
OV_MUST_CHECK enum ov_status ov_ask_waiting(struct ov_ask *out, struct ov_home *home,
    const uint8_t partner[OV_ID], struct ov_bytes my_sheet);

/* A person has looked.  OV_E_NOT_FOUND. */
OV_MUST_CHECK enum ov_status ov_ask_forget(
    struct ov_home *home, const uint8_t partner[OV_ID]);

#endif /* OV_CLIENT_ASK_H */
