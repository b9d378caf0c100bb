#include "tests/unit/psi_compare.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
/* cmocka wants these first */
#include <cmocka.h>

#include <sodium.h>

#include "common/crypto/memory.h"
#include "common/psi/expand.h"
#include "common/psi/psi.h"

void
fill(void *out, size_t len)
{
	static const uint8_t key[32] = "inputs of the kernel tests";
	static uint32_t block;

	ov_keystream(out, len, key, block);
	block += (uint32_t)(len / 64 + 1);
}

void
fill_scalar(uint8_t s[32])
{
	uint8_t wide[64];

	fill(wide, sizeof(wide));
	assert_int_equal(ov_psi_scalar(s, wide), OV_OK);
}

void
fill_points(uint8_t *points, size_t n)
{
	uint8_t hash[64];

	for (size_t i = 0; i < n; i++) {
		fill(hash, sizeof(hash));
		crypto_core_ristretto255_from_hash(points + 32 * i, hash);
	}
}

static uint8_t
sodium_multiply(uint8_t out[32], const uint8_t s[32], const uint8_t p[32])
{
	if (crypto_scalarmult_ristretto255(out, s, p) == 0)
		return 1;
	memset(out, 0, 32);
	return 0;
}

void
reference(uint8_t *out, uint8_t *ok, const uint8_t *in, size_t item_len, size_t n,
    const uint8_t s[32])
{
	for (size_t i = 0; i < n; i++) {
		const uint8_t *p = in + item_len * i;
		uint8_t mapped[32];

		if (item_len == OV_UNIFORM_LEN) {
			crypto_core_ristretto255_from_hash(mapped, p);
			p = mapped;
		}
		ok[i] = 0;
		if ((p[31] & 0x80) == 0)
			ok[i] = sodium_multiply(out + 32 * i, s, p);
		else
			memset(out + 32 * i, 0, 32);
	}
}

static void
run_kernel(const struct ov_psi_kernel *k, uint8_t *out, uint8_t *ok, const uint8_t *in,
    size_t item_len, size_t n, const uint8_t s[32])
{
	for (size_t done = 0, m; done < n; done += m) {
		m = n - done < OV_PSI_GROUP ? n - done : OV_PSI_GROUP;
		if (item_len == OV_UNIFORM_LEN)
			k->blind_uniform(
			    out + 32 * done, ok + done, in + item_len * done, m, s);
		else
			k->blind_points(
			    out + 32 * done, ok + done, in + item_len * done, m, s);
	}
}

size_t
compare(const uint8_t *in, size_t item_len, size_t n, const uint8_t s[32])
{
	uint8_t *want = test_malloc(32 * n), *out = test_malloc(32 * n);
	uint8_t *want_ok = test_malloc(n), *ok = test_malloc(n);
	size_t good = 0;

	reference(want, want_ok, in, item_len, n, s);
	FOR_KERNELS(k)
	{
		memset(out, 0xa5, 32 * n);
		memset(ok, 0xa5, n);
		run_kernel(k, out, ok, in, item_len, n, s);
		if (memcmp(out, want, 32 * n) != 0)
			print_error("kernel %s differs\n", k->name);
		assert_memory_equal(ok, want_ok, n);
		assert_memory_equal(out, want, 32 * n);
	}
	for (size_t i = 0; i < n; i++)
		good += want_ok[i];
	test_free(want);
	test_free(out);
	test_free(want_ok);
	test_free(ok);
	return good;
}

bool
choose_half(int argc, char **argv)
{
	if (argc != 2 ||
	    (strcmp(argv[1], "tokens") != 0 && strcmp(argv[1], "points") != 0))
		return false;
	cmocka_set_test_filter(strcmp(argv[1], "tokens") == 0 ? "*tokens" : "*points");
	return true;
}
