#include "server/macs.h"

#include <stdlib.h>
#include <string.h>

#include "common/work/heap.h"

static size_t
words_of(const struct ov_macs *m)
{
	return m->positions / 64 + 1;
}

enum ov_status
ov_macs_init(struct ov_macs *m, size_t positions)
{
	*m = (struct ov_macs){ .positions = positions };
	m->shown = calloc(words_of(m), sizeof(*m->shown));
	m->before = malloc(words_of(m) * sizeof(*m->before));
	return m->shown != NULL && m->before != NULL ? OV_OK : OV_E_NOMEM;
}

void
ov_macs_fini(struct ov_macs *m)
{
	free(m->shown);
	free(m->before);
	free(m->mac);
	*m = (struct ov_macs){ 0 };
}

void
ov_macs_show(struct ov_macs *m, uint32_t position)
{
	m->shown[position / 64] |= UINT64_C(1) << position % 64;
}

enum ov_status
ov_macs_ready(struct ov_macs *m)
{
	uint32_t n = 0; /* at most the positions */

	for (size_t i = 0; i < words_of(m); i++) {
		m->before[i] = n;
		n += (uint32_t)__builtin_popcountll(m->shown[i]);
	}
	m->mac = ov_heap_scattered((size_t)n + 1, OV_MAC_LEN); /* there may be none */
	return m->mac != NULL ? OV_OK : OV_E_NOMEM;
}

void
ov_macs_put(struct ov_macs *m, uint32_t position, const uint8_t mac[OV_MAC_LEN])
{
	if (position < m->positions &&
	    (m->shown[position / 64] >> position % 64 & 1) != 0)
		memcpy(m->mac + m->next++ * OV_MAC_LEN, mac, OV_MAC_LEN);
}

const uint8_t *
ov_macs_at(const struct ov_macs *m, uint32_t position)
{
	uint64_t below = m->shown[position / 64] & ((UINT64_C(1) << position % 64) - 1);
	size_t place = m->before[position / 64] + (size_t)__builtin_popcountll(below);

	return m->mac + place * OV_MAC_LEN;
}
