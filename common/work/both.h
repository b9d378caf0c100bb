/* both.h - two pieces of work that have nothing to wait for in each other.
 */
#ifndef OV_COMMON_WORK_BOTH_H
#define OV_COMMON_WORK_BOTH_H

/* fn(a) on the caller's thread and fn(b) on another one; both have returned when it
 * returns.  Where there is no other thread to be had, one after the other. */
void ov_both(void (*fn)(void *arg), void *a, void *b);

#endif /* OV_COMMON_WORK_BOTH_H */
