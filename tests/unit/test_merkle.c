/* The Merkle tree against a naive reading of RFC 9162 section 2.1, for every size and
 * every pair of sizes up to 70, and against the published vectors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include "common/crypto/memory.h"
#include "common/merkle/merkle.h"

#define N 70
#define LEVELS 8

static uint8_t leaf[N][32];
static uint8_t nodes[LEVELS][N][32];
static uint8_t present[LEVELS][N];

static enum ov_status
read_node(void *arg, uint8_t out[32], unsigned int level, uint64_t index)
{
	(void)arg;
	assert_true(level < LEVELS && index < N && present[level][index]);
	memcpy(out, nodes[level][index], 32);
	return OV_OK;
}

static enum ov_status
write_node(void *arg, const uint8_t hash[32], unsigned int level, uint64_t index)
{
	(void)arg;
	assert_true(level < LEVELS && index < N && !present[level][index]);
	memcpy(nodes[level][index], hash, 32);
	present[level][index] = 1;
	return OV_OK;
}

static const struct ov_merkle_store store = { read_node, write_node, NULL };

/* The definitions of section 2.1, word for word: recursive, from the leaves. */
static size_t
naive_split(size_t n)
{
	size_t k = 1;

	while (k * 2 < n)
		k *= 2;
	return k;
}

static void
naive_root(uint8_t out[32], size_t begin, size_t n)
{
	uint8_t l[32], r[32];
	size_t k;

	if (n == 1) {
		memcpy(out, leaf[begin], 32);
		return;
	}
	k = naive_split(n);
	naive_root(l, begin, k);
	naive_root(r, begin + k, n - k);
	ov_sha256_prefixed(out, 1, OV_BYTES(l, 32), OV_BYTES(r, 32));
}

static size_t
naive_path(uint8_t *out, size_t m, size_t begin, size_t n)
{
	size_t k, used;

	if (n == 1)
		return 0;
	k = naive_split(n);
	if (m < k) {
		used = naive_path(out, m, begin, k);
		naive_root(out + used, begin + k, n - k);
	} else {
		used = naive_path(out, m - k, begin + k, n - k);
		naive_root(out + used, begin, k);
	}
	return used + 32;
}

static size_t
naive_subproof(uint8_t *out, size_t m, size_t begin, size_t n, int b)
{
	size_t k, used;

	if (m == n) {
		if (b)
			return 0;
		naive_root(out, begin, n);
		return 32;
	}
	k = naive_split(n);
	if (m <= k) {
		used = naive_subproof(out, m, begin, k, b);
		naive_root(out + used, begin + k, n - k);
	} else {
		used = naive_subproof(out, m - k, begin + k, n - k, 0);
		naive_root(out + used, begin, k);
	}
	return used + 32;
}

static int
build(void **state)
{
	(void)state;
	for (uint8_t i = 0; i < N; i++) {
		ov_merkle_leaf(leaf[i], OV_BYTES(&i, 1));
		if (ov_merkle_append(&store, i, leaf[i]) != OV_OK)
			return -1;
	}
	return 0;
}

static void
known_roots(void **state)
{
	/* The eight leaves of the reference implementation of RFC 6962. */
	static const struct ov_bytes body[8] = { { (const uint8_t *)"", 0 },
		{ (const uint8_t *)"\x00", 1 }, { (const uint8_t *)"\x10", 1 },
		{ (const uint8_t *)"\x20\x21", 2 }, { (const uint8_t *)"\x30\x31", 2 },
		{ (const uint8_t *)"\x40\x41\x42\x43", 4 },
		{ (const uint8_t *)"\x50\x51\x52\x53\x54\x55\x56\x57", 8 },
		{ (const uint8_t *)"\x60\x61\x62\x63\x64\x65\x66\x67"
				   "\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
		    16 } };
	static const char *const roots[9] = {
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
		"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
		"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
		"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
		"4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
		"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
		"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
		"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
	};
	uint8_t want[32], got[32], hash[32];

	(void)state;
	memset(present, 0, sizeof(present));
	for (size_t n = 0; n <= 8; n++) {
		assert_true(ov_unhex(want, 32, roots[n]));
		assert_int_equal(ov_merkle_root(got, &store, n), OV_OK);
		assert_memory_equal(got, want, 32);
		if (n == 8)
			break;
		ov_merkle_leaf(hash, body[n]);
		assert_int_equal(ov_merkle_append(&store, n, hash), OV_OK);
	}
	memset(present, 0, sizeof(present));
	assert_int_equal(build(NULL), 0);
}

static void
roots_match_naive(void **state)
{
	uint8_t want[32], got[32];

	(void)state;
	for (size_t n = 1; n <= N; n++) {
		naive_root(want, 0, n);
		assert_int_equal(ov_merkle_root(got, &store, n), OV_OK);
		assert_memory_equal(got, want, 32);
	}
}

static void
inclusion_matches_naive_and_verifies(void **state)
{
	struct ov_merkle_proof p;
	uint8_t want[OV_MERKLE_PROOF_MAX], root[32];

	(void)state;
	for (size_t n = 1; n <= N; n++) {
		naive_root(root, 0, n);
		for (size_t m = 0; m < n; m++) {
			assert_int_equal(
			    ov_merkle_prove_inclusion(&p, &store, m, n), OV_OK);
			assert_int_equal(p.len, naive_path(want, m, 0, n));
			assert_memory_equal(p.bytes, want, p.len);
			assert_int_equal(ov_merkle_verify_inclusion(leaf[m], m, n, root,
					     OV_BYTES(p.bytes, p.len)),
			    OV_OK);
		}
		assert_int_equal(
		    ov_merkle_prove_inclusion(&p, &store, n, n), OV_E_NOT_FOUND);
		assert_int_equal(p.len, 0);
	}
}

static void
consistency_matches_naive_and_verifies(void **state)
{
	struct ov_merkle_proof p;
	uint8_t want[OV_MERKLE_PROOF_MAX], a[32], b[32];

	(void)state;
	for (size_t n = 1; n <= N; n++) {
		naive_root(b, 0, n);
		for (size_t m = 1; m <= n; m++) {
			naive_root(a, 0, m);
			assert_int_equal(
			    ov_merkle_prove_consistency(&p, &store, m, n), OV_OK);
			assert_int_equal(p.len, naive_subproof(want, m, 0, n, 1));
			assert_memory_equal(p.bytes, want, p.len);
			assert_int_equal(ov_merkle_verify_consistency(
					     m, a, n, b, OV_BYTES(p.bytes, p.len)),
			    OV_OK);
		}
		ov_merkle_empty(a);
		assert_int_equal(ov_merkle_prove_consistency(&p, &store, 0, n), OV_OK);
		assert_int_equal(p.len, 0);
		assert_int_equal(
		    ov_merkle_verify_consistency(0, a, n, b, OV_BYTES(NULL, 0)), OV_OK);
		assert_int_equal(
		    ov_merkle_prove_consistency(&p, &store, n + 1, n), OV_E_NOT_FOUND);
	}
}

/* Every single changed thing must be noticed. */
static void
inclusion_refuses_any_change(void **state)
{
	struct ov_merkle_proof p;
	uint8_t root[32];

	(void)state;
	for (size_t n = 1; n <= 20; n++) {
		naive_root(root, 0, n);
		for (size_t m = 0; m < n; m++) {
			assert_int_equal(
			    ov_merkle_prove_inclusion(&p, &store, m, n), OV_OK);
			for (size_t i = 0; i < p.len; i += 7) {
				p.bytes[i] ^= 0x10;
				assert_int_equal(ov_merkle_verify_inclusion(leaf[m], m, n,
						     root, OV_BYTES(p.bytes, p.len)),
				    OV_E_LOG_PROOF);
				p.bytes[i] ^= 0x10;
			}
			for (size_t i = 0; i < 32; i++) {
				uint8_t other[32];

				memcpy(other, root, 32);
				other[i] ^= 1;
				assert_int_equal(ov_merkle_verify_inclusion(leaf[m], m, n,
						     other, OV_BYTES(p.bytes, p.len)),
				    OV_E_LOG_PROOF);
				memcpy(other, leaf[m], 32);
				other[i] ^= 1;
				assert_int_equal(ov_merkle_verify_inclusion(other, m, n,
						     root, OV_BYTES(p.bytes, p.len)),
				    OV_E_LOG_PROOF);
			}
			for (size_t len = 0; len < p.len; len++)
				assert_int_equal(ov_merkle_verify_inclusion(leaf[m], m, n,
						     root, OV_BYTES(p.bytes, len)),
				    OV_E_LOG_PROOF);
			assert_int_equal(ov_merkle_verify_inclusion(leaf[m], m, n, root,
					     OV_BYTES(p.bytes, p.len + 32)),
			    OV_E_LOG_PROOF);
			for (size_t other = 0; other <= n + 1; other++)
				if (other != m)
					assert_int_equal(
					    ov_merkle_verify_inclusion(leaf[m], other, n,
						root, OV_BYTES(p.bytes, p.len)),
					    OV_E_LOG_PROOF);
		}
	}
}

static void
consistency_refuses_any_change(void **state)
{
	struct ov_merkle_proof p;
	uint8_t a[32], b[32], other[32];

	(void)state;
	for (size_t n = 2; n <= 20; n++) {
		naive_root(b, 0, n);
		for (size_t m = 1; m < n; m++) {
			struct ov_bytes proof;

			naive_root(a, 0, m);
			assert_int_equal(
			    ov_merkle_prove_consistency(&p, &store, m, n), OV_OK);
			proof = OV_BYTES(p.bytes, p.len);
			for (size_t i = 0; i < p.len; i += 7) {
				p.bytes[i] ^= 0x10;
				assert_int_equal(
				    ov_merkle_verify_consistency(m, a, n, b, proof),
				    OV_E_LOG_ROLLBACK);
				p.bytes[i] ^= 0x10;
			}
			for (size_t len = 0; len < p.len; len++)
				assert_int_equal(ov_merkle_verify_consistency(
						     m, a, n, b, OV_BYTES(p.bytes, len)),
				    OV_E_LOG_ROLLBACK);
			for (size_t i = 0; i < 64; i++) {
				uint8_t *root = i < 32 ? a : b;

				root[i % 32] ^= 1;
				assert_int_equal(
				    ov_merkle_verify_consistency(m, a, n, b, proof),
				    OV_E_LOG_ROLLBACK);
				root[i % 32] ^= 1;
			}
			naive_root(other, 1, m); /* another history of that size */
			assert_int_equal(
			    ov_merkle_verify_consistency(m, other, n, b, proof),
			    OV_E_LOG_ROLLBACK);
			assert_int_equal(ov_merkle_verify_consistency(n, b, m, a, proof),
			    OV_E_LOG_ROLLBACK);
			assert_int_equal(
			    ov_merkle_verify_consistency(n, a, n, b, OV_BYTES(NULL, 0)),
			    OV_E_LOG_ROLLBACK);
			assert_int_equal(
			    ov_merkle_verify_consistency(0, a, n, b, OV_BYTES(NULL, 0)),
			    OV_E_LOG_ROLLBACK);
		}
	}
}

static void
extreme_sizes_are_safe(void **state)
{
	static uint8_t many[OV_MERKLE_PROOF_MAX + 32];
	uint8_t h[32] = { 0 };
	struct ov_merkle_proof p;

	(void)state;
	assert_int_equal(ov_merkle_verify_inclusion(h, UINT64_MAX - 1, UINT64_MAX, h,
			     OV_BYTES(many, OV_MERKLE_PROOF_MAX)),
	    OV_E_LOG_PROOF);
	assert_int_equal(
	    ov_merkle_verify_inclusion(h, 0, 0, h, OV_BYTES(NULL, 0)), OV_E_LOG_PROOF);
	assert_int_equal(
	    ov_merkle_verify_inclusion(h, 0, UINT64_MAX, h, OV_BYTES(many, sizeof(many))),
	    OV_E_LOG_PROOF);
	assert_int_equal(ov_merkle_verify_consistency(UINT64_MAX - 1, h, UINT64_MAX, h,
			     OV_BYTES(many, OV_MERKLE_PROOF_MAX)),
	    OV_E_LOG_ROLLBACK);
	assert_int_equal(
	    ov_merkle_prove_inclusion(&p, &store, 1, UINT64_MAX), OV_E_NOT_FOUND);
	assert_int_equal(ov_merkle_append(&store, UINT64_MAX, h), OV_E_BUG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_roots),
		cmocka_unit_test(roots_match_naive),
		cmocka_unit_test(inclusion_matches_naive_and_verifies),
		cmocka_unit_test(consistency_matches_naive_and_verifies),
		cmocka_unit_test(inclusion_refuses_any_change),
		cmocka_unit_test(consistency_refuses_any_change),
		cmocka_unit_test(extreme_sizes_are_safe),
	};

	if (ov_crypto_init() != OV_OK)
		return 1;
	return cmocka_run_group_tests_name("merkle", tests, build, NULL);
}
