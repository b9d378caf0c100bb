/* memory.h - secret memory, random bytes, constant-time comparison (libsodium).
 *
 * ov_crypto_init() comes first, once, before threads start: it also turns off
 * core dumps for the process.  Wiping cannot reach copies that the compiler
 * left in registers or spilled, nor pages that the system wrote to swap
 * before they were locked.
 */
#ifndef OV_COMMON_CRYPTO_MEMORY_H
#define OV_COMMON_CRYPTO_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/status.h"

/* Fails with OV_E_CRYPTO_INIT.  May be called again. */
OV_MUST_CHECK enum ov_status ov_crypto_init(void);

/* Guarded, locked, not dumped; NULL when out of memory.  len > 0 bytes, content
 * undefined.  ov_secret_free wipes; NULL is fine. */
void *ov_secret_alloc(size_t len);
void ov_secret_free(void *p);

/* Overwrites len bytes; not removed by the compiler. */
void ov_wipe(void *p, size_t len);

/* Overwrites 32 KiB of stack below the caller's frame: what calls that have returned left
 * there. */
void ov_wipe_stack(void);

/* Fills out with len bytes from the system's generator.  Cannot fail (aborts). */
void ov_random(void *out, size_t len);

/* True if equal.  Time depends on len alone. */
bool ov_equal_secret(const void *a, const void *b, size_t len);

/* Lower-case hex with a final NUL; out holds 2 * len + 1 bytes.  Public data. */
void ov_hex(char *out, const uint8_t *in, size_t len);

/* Decodes exactly len bytes of hex text; false on anything else.  Public data. */
bool ov_unhex(uint8_t *out, size_t len, const char *text);

#endif /* OV_COMMON_CRYPTO_MEMORY_H */
