/* seeded_random.h - libsodium's random bytes from a fixed seed, with a memory of what was
 * drawn: so that a program that draws makes the same bytes every time, and a test can
 * tell which secret was drawn inside a call.
 */
#ifndef OV_TESTS_SEEDED_RANDOM_H
#define OV_TESTS_SEEDED_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* Once, before anything else of libsodium or of ours. */
void seeded_random_install(void);

/* The last draw of len bytes (at most 64) of which is(ctx, draw) is true; NULL if there
 * is none. */
const uint8_t *seeded_random_find(
    size_t len, int (*is)(const void *ctx, const uint8_t *draw), const void *ctx);

#endif /* OV_TESTS_SEEDED_RANDOM_H */
