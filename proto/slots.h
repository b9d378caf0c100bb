/* slots.h - the packed rows of the streams (PROTOCOL.md 7.16 to 7.21).
 *
 * Rows have fixed width and big-endian integers; a chunk holds at most
 * OV_CHUNK_SLOTS of them.  Inline because they run once per slot.
 */
#ifndef OV_PROTO_SLOTS_H
#define OV_PROTO_SLOTS_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "common/crypto/hash.h"

#define OV_CHUNK_SLOTS 16384
#define OV_POINT_ROW 32
#define OV_ROSTER_ROW 15
#define OV_TAG_ROW 24
#define OV_MATCH_ROW 30
#define OV_CELL_ROW 22
#define OV_MAC_LEN 8
#define OV_TAG_LEN 16
#define OV_LEGEND_LEN 4096

static inline void
ov_put32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

static inline uint32_t
ov_get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline void
ov_put64(uint8_t *p, uint64_t v)
{
	ov_put32(p, (uint32_t)(v >> 32));
	ov_put32(p + 4, (uint32_t)v);
}

static inline uint64_t
ov_get64(const uint8_t *p)
{
	return (uint64_t)ov_get32(p) << 32 | ov_get32(p + 4);
}

/* label: population number 1..15, ICP band 0..15 */
#define OV_LABEL(population, band) ((uint8_t)((population) | (band) << 4))
#define OV_LABEL_POPULATION(label) ((uint8_t)((label)&15))
#define OV_LABEL_BAND(label) ((uint8_t)((label) >> 4))

/* fit: own ICP in bits 0-1, the other's in bits 2-3 */
enum ov_fit { OV_FIT_UNKNOWN = 0, OV_FIT_NO = 1, OV_FIT_YES = 2 };

/* band of a label: how the record fits the receiver's ICP by its owner's data.  From
 * OV_BAND_YES on it fits; OV_BAND_YES + b is the profile's band b, 1 the best. */
#define OV_BAND_NONE 0U	   /* not evaluated */
#define OV_BAND_UNKNOWN 1U /* no answer without data that the owner does not have */
#define OV_BAND_NO 2U
#define OV_BAND_YES 3U
#define OV_BANDS_MAX 8U
#define OV_FIT(own, other) ((uint8_t)((own) | (other) << 2))
#define OV_FIT_OWN(fit) ((uint8_t)((fit)&3))
#define OV_FIT_OTHER(fit) ((uint8_t)((fit) >> 2 & 3))

/* profile_band: 0 for none */
static inline uint8_t
ov_band_of(enum ov_fit fit, uint8_t profile_band)
{
	if (fit == OV_FIT_YES)
		return (uint8_t)(OV_BAND_YES + profile_band);
	return fit == OV_FIT_NO ? OV_BAND_NO : OV_BAND_UNKNOWN;
}

static inline enum ov_fit
ov_band_fit(uint8_t band)
{
	return band >= OV_BAND_YES  ? OV_FIT_YES
	       : band == OV_BAND_NO ? OV_FIT_NO
				    : OV_FIT_UNKNOWN;
}

/* Whether a roster may hold this label and fit: band and the other's fit say the same
 * where the terms release bands of this side, and nothing where they do not. */
static inline bool
ov_band_ok(uint8_t label, uint8_t fit, bool bands)
{
	uint8_t band = OV_LABEL_BAND(label);

	if (!bands)
		return band == OV_BAND_NONE && OV_FIT_OTHER(fit) == OV_FIT_UNKNOWN;
	return band != OV_BAND_NONE && band <= OV_BAND_YES + OV_BANDS_MAX &&
	       ov_band_fit(band) == OV_FIT_OTHER(fit);
}

/* ROSTER: record u32, rank, label, fit, MAC over position u32 || rank || label */
struct ov_roster_row {
	uint32_t record;
	uint8_t rank, label, fit;
	uint8_t mac[OV_MAC_LEN];
};

static inline void
ov_roster_pack(uint8_t *p, const struct ov_roster_row *r)
{
	ov_put32(p, r->record);
	p[4] = r->rank;
	p[5] = r->label;
	p[6] = r->fit;
	memcpy(p + 7, r->mac, OV_MAC_LEN);
}

static inline void
ov_roster_unpack(struct ov_roster_row *r, const uint8_t *p)
{
	r->record = ov_get32(p);
	r->rank = p[4];
	r->label = p[5];
	r->fit = p[6];
	memcpy(r->mac, p + 7, OV_MAC_LEN);
}

static inline void
ov_roster_mac(uint8_t mac[OV_MAC_LEN], const uint8_t key[16], uint32_t position,
    uint8_t rank, uint8_t label)
{
	uint8_t m[6];

	ov_put32(m, position);
	m[4] = rank;
	m[5] = label;
	ov_siphash(mac, key, OV_BYTES(m, sizeof(m)));
}

/* TAGS: tag, MAC over position u32 || tag */
static inline void
ov_proof_mac(uint8_t mac[OV_MAC_LEN], const uint8_t key[16], uint32_t position,
    const uint8_t tag[OV_TAG_LEN])
{
	uint8_t m[4 + OV_TAG_LEN];

	ov_put32(m, position);
	memcpy(m + 4, tag, OV_TAG_LEN);
	ov_siphash(mac, key, OV_BYTES(m, sizeof(m)));
}

/* VIEW rows: own position u32, other position u32, rank, label of the other,
 * match number u32, the partner's proof at the own position, the partner's
 * roster MAC at the other position */
struct ov_match_row {
	uint32_t own, other;
	uint8_t rank, label;
	uint32_t number;
	uint8_t proof[OV_MAC_LEN], roster[OV_MAC_LEN];
};

static inline void
ov_match_pack(uint8_t *p, const struct ov_match_row *m)
{
	ov_put32(p, m->own);
	ov_put32(p + 4, m->other);
	p[8] = m->rank;
	p[9] = m->label;
	ov_put32(p + 10, m->number);
	memcpy(p + 14, m->proof, OV_MAC_LEN);
	memcpy(p + 22, m->roster, OV_MAC_LEN);
}

static inline void
ov_match_unpack(struct ov_match_row *m, const uint8_t *p)
{
	m->own = ov_get32(p);
	m->other = ov_get32(p + 4);
	m->rank = p[8];
	m->label = p[9];
	m->number = ov_get32(p + 10);
	memcpy(m->proof, p + 14, OV_MAC_LEN);
	memcpy(m->roster, p + 22, OV_MAC_LEN);
}

/* VIEW cells: own population, other population, pairs, of them fit the own ICP,
 * fit the other's ICP, plus-minus of the pairs and plus-minus of both fits (0: exact),
 * each u32.  A number that is held back is OV_HELD_BACK. */
#define OV_HELD_BACK 0xffffffffU
struct ov_cell_row {
	uint8_t own, other;
	uint32_t pairs, fit_own, fit_other, plus_minus, plus_minus_fit;
};

static inline void
ov_cell_pack(uint8_t *p, const struct ov_cell_row *c)
{
	p[0] = c->own;
	p[1] = c->other;
	ov_put32(p + 2, c->pairs);
	ov_put32(p + 6, c->fit_own);
	ov_put32(p + 10, c->fit_other);
	ov_put32(p + 14, c->plus_minus);
	ov_put32(p + 18, c->plus_minus_fit);
}

static inline void
ov_cell_unpack(struct ov_cell_row *c, const uint8_t *p)
{
	c->own = p[0];
	c->other = p[1];
	c->pairs = ov_get32(p + 2);
	c->fit_own = ov_get32(p + 6);
	c->fit_other = ov_get32(p + 10);
	c->plus_minus = ov_get32(p + 14);
	c->plus_minus_fit = ov_get32(p + 18);
}

/* VIEW held rows: what of the view was held back, why, and from when it may come (UNIX
 * seconds, 0: never under these terms) */
#define OV_HELD_ROW 10
enum ov_held_reason {
	OV_HELD_NOT_DUE = 1, /* the days between two views are not over */
	OV_HELD_BUDGET = 2,  /* the epsilon of 365 days is spent */
	OV_HELD_SMALL = 3,   /* some numbers are below what is shown */
	OV_HELD_BY_PARTNER =
	    4 /* the giver's own ledger did not allow it (PROPOSE.counts) */
};
struct ov_held_row {
	uint8_t population; /* of the other; 0: all that are counted */
	uint8_t reason;
	uint64_t next;
};

static inline void
ov_held_pack(uint8_t *p, const struct ov_held_row *h)
{
	p[0] = h->population;
	p[1] = h->reason;
	ov_put64(p + 2, h->next);
}

static inline void
ov_held_unpack(struct ov_held_row *h, const uint8_t *p)
{
	h->population = p[0];
	h->reason = p[1];
	h->next = ov_get64(p + 2);
}

/* REPORT.charges: what the broker's ledger says after this job, by role */
struct ov_charges {
	uint64_t slots[2];	 /* of this job */
	uint64_t slots_month[2]; /* of this pair in 30 days */
	uint32_t runs_month, runs_left;
	struct ov_view_charge {
		uint32_t epsilon_milli;	     /* spent for this role's view of counts */
		uint32_t epsilon_milli_year; /* in 365 days, this job's too */
		uint64_t next;		     /* when its next view is due; 0: none */
	} view[2];
};

static inline void
ov_charges_pack(uint8_t *p, const struct ov_charges *c)
{
	for (int i = 0; i < 2; i++) {
		uint8_t *v = p + 40 + 16 * i;

		ov_put64(p + 8 * i, c->slots[i]);
		ov_put64(p + 16 + 8 * i, c->slots_month[i]);
		ov_put32(v, c->view[i].epsilon_milli);
		ov_put32(v + 4, c->view[i].epsilon_milli_year);
		ov_put64(v + 8, c->view[i].next);
	}
	ov_put32(p + 32, c->runs_month);
	ov_put32(p + 36, c->runs_left);
}

static inline void
ov_charges_unpack(struct ov_charges *c, const uint8_t *p)
{
	for (int i = 0; i < 2; i++) {
		const uint8_t *v = p + 40 + 16 * i;

		c->slots[i] = ov_get64(p + 8 * i);
		c->slots_month[i] = ov_get64(p + 16 + 8 * i);
		c->view[i].epsilon_milli = ov_get32(v);
		c->view[i].epsilon_milli_year = ov_get32(v + 4);
		c->view[i].next = ov_get64(v + 8);
	}
	c->runs_month = ov_get32(p + 32);
	c->runs_left = ov_get32(p + 36);
}

/* Padded number of slots for n tokens: 1, 1.25, 1.5 or 1.75 times a power of two,
 * at least 1024; 0 if n is over 2^31. */
static inline uint32_t
ov_padded_slots(uint32_t n)
{
	uint32_t step = 256; /* a quarter of the power of two */

	if (n <= 1024)
		return 1024;
	if (n > 0x80000000U)
		return 0;
	while (n > 8 * step) /* step <= 2^28: no overflow */
		step *= 2;
	return (n + step - 1) / step * step;
}

/* A number of the terms as slots.  Over 2^31 there is no such list: as a cap it allows
 * all, as a minimum none. */
static inline uint64_t
ov_padded_bound(uint32_t n)
{
	uint32_t slots = ov_padded_slots(n);

	return slots != 0 ? slots : UINT64_MAX;
}

#endif /* OV_PROTO_SLOTS_H */
