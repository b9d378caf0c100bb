#include "common/crypto/memory.h"

#include <sodium.h>
#include <string.h>
#include <sys/resource.h>

enum ov_status
ov_crypto_init(void)
{
	static const struct rlimit none = { 0, 0 };

	if (sodium_init() < 0)
		return OV_E_CRYPTO_INIT;
	/* Best effort, both: a debugger's user may have reasons. */
	(void)setrlimit(RLIMIT_CORE, &none);
	return OV_OK;
}

void *
ov_secret_alloc(size_t len)
{
	return sodium_malloc(len);
}

void
ov_secret_free(void *p)
{
	sodium_free(p);
}

void
ov_wipe(void *p, size_t len)
{
	sodium_memzero(p, len);
}

/* Never expanded in its caller: its frame is where those of the caller's calls were. */
__attribute__((noinline)) void
ov_wipe_stack(void)
{
	uint8_t below[32 * 1024];

	sodium_memzero(below, sizeof(below));
}

void
ov_random(void *out, size_t len)
{
	randombytes_buf(out, len);
}

bool
ov_equal_secret(const void *a, const void *b, size_t len)
{
	return sodium_memcmp(a, b, len) == 0;
}

void
ov_hex(char *out, const uint8_t *in, size_t len)
{
	(void)sodium_bin2hex(out, 2 * len + 1, in, len);
}

bool
ov_unhex(uint8_t *out, size_t len, const char *text)
{
	size_t got = 0;

	if (strlen(text) != 2 * len)
		return false;
	return sodium_hex2bin(out, len, text, 2 * len, NULL, &got, NULL) == 0 &&
	       got == len;
}
