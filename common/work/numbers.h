/* numbers.h - sorting of many numbers in a time that their values have no say in.
 */
#ifndef OV_COMMON_WORK_NUMBERS_H
#define OV_COMMON_WORK_NUMBERS_H

#include <stddef.h>
#include <stdint.h>

/* Ascending; spare has room for n as well and holds rubbish afterwards.  Eight passes
 * over the bytes, less those in which all numbers agree: n, not n log n, whoever chose
 * them. n < 2^32.  v and spare may be NULL where n is 0. */
void ov_numbers_sort(uint64_t *v, uint64_t *spare, size_t n);

#endif /* OV_COMMON_WORK_NUMBERS_H */
