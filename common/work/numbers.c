#include "common/work/numbers.h"

#include <string.h>

#define PASSES 8

/* count[pass][byte]: numbers with this byte there. */
static void
count_bytes(uint32_t count[PASSES][256], const uint64_t *v, size_t n)
{
	memset(count, 0, PASSES * sizeof(count[0]));
	for (size_t i = 0; i < n; i++)
		for (unsigned int p = 0; p < PASSES; p++)
			count[p][v[i] >> (8 * p) & 255]++;
}

/* Makes each count the place where its byte begins. */
static void
to_places(uint32_t count[256])
{
	uint32_t at = 0;

	for (size_t b = 0; b < 256; b++) {
		uint32_t n = count[b];

		count[b] = at;
		at += n;
	}
}

void
ov_numbers_sort(uint64_t *v, uint64_t *spare, size_t n)
{
	uint32_t count[PASSES][256];
	uint64_t *from = v, *to = spare, *t;

	if (n < 2)
		return;
	count_bytes(count, v, n);
	for (unsigned int p = 0; p < PASSES; p++) {
		if (count[p][v[0] >> (8 * p) & 255] == n) /* all the same there */
			continue;
		to_places(count[p]);
		for (size_t i = 0; i < n; i++)
			to[count[p][from[i] >> (8 * p) & 255]++] = from[i];
		t = from;
		from = to;
		to = t;
	}
	if (from != v)
		memcpy(v, from, n * sizeof(*v));
}
