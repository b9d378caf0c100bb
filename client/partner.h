/* partner.h - the companies that this home is paired with (PROTOCOL 5).
 *
 * A partner is in the table when both pairing proofs were good: there is no other way
 * into it.  What is stored is what the proof covered: identity, envelope key and name.
 */
#ifndef OV_CLIENT_PARTNER_H
#define OV_CLIENT_PARTNER_H

#include "client/home.h"
#include "proto/messages.h"

enum ov_partner_state {
	OV_PARTNER_PAIRED = 1,
	OV_PARTNER_ENDED = 2 /* the partnership was ended; pairing again revives it */
};

struct ov_partner {
	uint8_t company[OV_ID];
	uint8_t identity[32], envelope[32];
	char name[OV_NAME_MAX + 1]; /* for the user's own screen only */
	enum ov_partner_state state;
	bool suspended; /* a hold stands on it */
	uint64_t paired;
};

/* The partner that a person means: its exact name, else the one partner whose name begins
 * so without regard to ASCII case, else its id in hex (at least 8 digits).
 * OV_E_PARTNER_UNKNOWN if none fits or more than one. */
OV_MUST_CHECK enum ov_status ov_partner_find(
    struct ov_partner *out, struct ov_home *home, const char *text);

/* OV_E_PARTNER_UNPAIRED if there is none or it has ended. */
OV_MUST_CHECK enum ov_status ov_partner_get(
    struct ov_partner *out, struct ov_home *home, const uint8_t company[OV_ID]);
/* The same whatever its state: what it signed counts after the end, too. */
OV_MUST_CHECK enum ov_status ov_partner_get_any(
    struct ov_partner *out, struct ov_home *home, const uint8_t company[OV_ID]);
/* The same as ov_partner_get by identity key, as PROPOSE names it. */
OV_MUST_CHECK enum ov_status ov_partner_of_identity(
    struct ov_partner *out, struct ov_home *home, const uint8_t identity[32]);

/* By name.  visit's failure ends the walk and is returned; visit does not write to the
 * database. */
OV_MUST_CHECK enum ov_status ov_partner_each(struct ov_home *home,
    enum ov_status (*visit)(void *arg, const struct ov_partner *p), void *arg);

/* Adds or renews a partner inside the caller's transaction.  A company that is known
 * under another identity cannot come in here: its id would differ. */
OV_MUST_CHECK enum ov_status ov_partner_put(
    struct ov_home *home, const struct ov_partner *p);

#endif /* OV_CLIENT_PARTNER_H */
