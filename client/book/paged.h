/* paged.h - an array of numbers, one for each row of a book, in bounded memory.
 *
 * It has no length: every element is 0 until it is set.  The pages used last are in
 * memory, OV_PAGED_MEMORY of them; the others are on a scratch file (scratch.h).
 *
 * A failure sticks: from then on every element reads 0 and nothing is set, and
 * ov_paged_status tells it, once for many accesses.  One thread.
 */
#ifndef OV_CLIENT_BOOK_PAGED_H
#define OV_CLIENT_BOOK_PAGED_H

#include <stdint.h>

#include "common/status.h"

#define OV_PAGED_MEMORY (4U << 20)

struct ov_paged;

/* directory is borrowed until the end. */
OV_MUST_CHECK enum ov_status ov_paged_new(struct ov_paged **out, const char *directory);
void ov_paged_free(struct ov_paged *a); /* NULL is fine */

uint32_t ov_paged_get(struct ov_paged *a, uint32_t i);
void ov_paged_set(struct ov_paged *a, uint32_t i, uint32_t value);

/* All elements are 0 again. */
void ov_paged_clear(struct ov_paged *a);

/* OV_E_IO, OV_E_NOMEM. */
OV_MUST_CHECK enum ov_status ov_paged_status(const struct ov_paged *a);

#endif /* OV_CLIENT_BOOK_PAGED_H */
