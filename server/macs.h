/* macs.h - the MACs of one stream's rows, of those rows alone that a report shows.
 *
 * Of a million positions mostly some thousands match.  First every position that is shown
 * is named, then the stream is read once, in order; the rest of it is not kept.  It takes
 * a bit and a half for each position and 8 bytes for each that is shown.
 */
#ifndef OV_SERVER_MACS_H
#define OV_SERVER_MACS_H

#include <stddef.h>
#include <stdint.h>

#include "common/status.h"
#include "proto/slots.h"

struct ov_macs {
	uint64_t *shown;  /* a bit for each position */
	uint32_t *before; /* for each word of shown: how many are in the words before */
	uint8_t *mac;	  /* OV_MAC_LEN each, in the order of their positions */
	size_t positions, next; /* next: of mac, to be filled */
};

/* Of so many positions, below 2^32, none of which is shown yet.  OV_E_NOMEM; free with
 * ov_macs_fini also then. */
OV_MUST_CHECK enum ov_status ov_macs_init(struct ov_macs *m, size_t positions);
void ov_macs_fini(struct ov_macs *m); /* { 0 } is fine; leaves it */

/* This position, below those of ov_macs_init, is shown; once more changes nothing. */
void ov_macs_show(struct ov_macs *m, uint32_t position);

/* All were named: makes room for their MACs.  OV_E_NOMEM. */
OV_MUST_CHECK enum ov_status ov_macs_ready(struct ov_macs *m);

/* After ov_macs_ready, of each position once and in ascending order: keeps the MAC if it
 * is shown. */
void ov_macs_put(struct ov_macs *m, uint32_t position, const uint8_t mac[OV_MAC_LEN]);

/* That of a position that is shown. */
const uint8_t *ov_macs_at(const struct ov_macs *m, uint32_t position);

#endif /* OV_SERVER_MACS_H */
