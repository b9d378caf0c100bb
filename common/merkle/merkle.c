#include "common/merkle/merkle.h"

#include <stdbool.h>
#include <string.h>

#define SIZE_LIMIT (UINT64_C(1) << OV_MERKLE_LEVELS)

void
ov_merkle_leaf(uint8_t out[OV_MERKLE_LEN], struct ov_bytes body)
{
	ov_sha256_prefixed(out, 0x00, body, OV_BYTES(NULL, 0));
}

void
ov_merkle_node(uint8_t out[OV_MERKLE_LEN], const uint8_t left[OV_MERKLE_LEN],
    const uint8_t right[OV_MERKLE_LEN])
{
	ov_sha256_prefixed(
	    out, 0x01, OV_BYTES(left, OV_MERKLE_LEN), OV_BYTES(right, OV_MERKLE_LEN));
}

void
ov_merkle_empty(uint8_t out[OV_MERKLE_LEN])
{
	/* SHA-256 of nothing (FIPS 180-4); our hash has no unprefixed form. */
	static const uint8_t none[OV_MERKLE_LEN] = { 0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc,
		0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27, 0xae,
		0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52,
		0xb8, 0x55 };

	memcpy(out, none, OV_MERKLE_LEN);
}

enum ov_status
ov_merkle_append(
    const struct ov_merkle_store *store, uint64_t size, const uint8_t leaf[OV_MERKLE_LEN])
{
	uint8_t hash[OV_MERKLE_LEN], left[OV_MERKLE_LEN];
	uint64_t index = size;
	unsigned int level = 0;
	enum ov_status st = OV_OK;

	OV_REQUIRE(size < SIZE_LIMIT - 1, OV_E_BUG);
	memcpy(hash, leaf, OV_MERKLE_LEN);
	OV_TRY(store->write(store->arg, hash, 0, index));
	/* An odd index is a right child: its parent is complete now. */
	for (; (index & 1) != 0; index >>= 1) {
		OV_TRY(store->read(store->arg, left, level, index - 1));
		ov_merkle_node(hash, left, hash);
		level++;
		OV_TRY(store->write(store->arg, hash, level, index >> 1));
	}
done:
	return st;
}

/* MTH(D[begin : begin + n]), n > 0.  Every power of two in n, taken from the top, is a
 * complete node, since begin is a multiple of the largest: fold them from the right. */
static enum ov_status
range_hash(uint8_t out[OV_MERKLE_LEN], const struct ov_merkle_store *store,
    uint64_t begin, uint64_t n)
{
	uint8_t left[OV_MERKLE_LEN];
	enum ov_status st = OV_OK;
	bool first = true;

	for (unsigned int level = 0; level < OV_MERKLE_LEVELS; level++) {
		uint64_t bit = UINT64_C(1) << level;
		uint64_t start;

		if ((n & bit) == 0)
			continue;
		start = begin + (n & ~(2 * bit - 1)); /* 2 * bit <= 2^63 */
		if (first)
			OV_TRY(store->read(store->arg, out, level, start >> level));
		else {
			OV_TRY(store->read(store->arg, left, level, start >> level));
			ov_merkle_node(out, left, out);
		}
		first = false;
	}
done:
	return st;
}

enum ov_status
ov_merkle_root(
    uint8_t out[OV_MERKLE_LEN], const struct ov_merkle_store *store, uint64_t size)
{
	if (size == 0) {
		ov_merkle_empty(out);
		return OV_OK;
	}
	if (size >= SIZE_LIMIT)
		return OV_E_BUG;
	return range_hash(out, store, 0, size);
}

/* The largest power of two below n; n > 1. */
static uint64_t
split(uint64_t n)
{
	uint64_t k = 1;

	while (k < n - k) /* 2k < n without overflow; k <= n - 1 always */
		k *= 2;
	return k;
}

/* Proofs are found from the top and written from the bottom: fill from the end.
 * At most one hash a level and one more, so 64 suffice for sizes below 2^63. */
static enum ov_status
push(struct ov_merkle_proof *p, const struct ov_merkle_store *store, uint64_t begin,
    uint64_t n)
{
	if (p->len + OV_MERKLE_LEN > OV_MERKLE_PROOF_MAX)
		return OV_E_BUG;
	p->len += OV_MERKLE_LEN;
	return range_hash(p->bytes + OV_MERKLE_PROOF_MAX - p->len, store, begin, n);
}

static void
settle(struct ov_merkle_proof *p)
{
	memmove(p->bytes, p->bytes + OV_MERKLE_PROOF_MAX - p->len, p->len);
}

/* RFC 9162 section 2.1.3.1, from the root down. */
enum ov_status
ov_merkle_prove_inclusion(struct ov_merkle_proof *out,
    const struct ov_merkle_store *store, uint64_t index, uint64_t size)
{
	uint64_t begin = 0, n = size;
	enum ov_status st = OV_OK;

	out->len = 0;
	OV_REQUIRE(index < size && size < SIZE_LIMIT, OV_E_NOT_FOUND);
	while (n > 1) {
		uint64_t k = split(n);

		if (index - begin < k) {
			OV_TRY(push(out, store, begin + k, n - k));
			n = k;
		} else {
			OV_TRY(push(out, store, begin, k));
			begin += k;
			n -= k;
		}
	}
	settle(out);
done:
	if (st != OV_OK)
		out->len = 0;
	return st;
}

/* RFC 9162 section 2.1.4.1, from the root down.  `whole`: the old tree is still one
 * subtree here, whose hash the verifier has (the RFC's b). */
enum ov_status
ov_merkle_prove_consistency(struct ov_merkle_proof *out,
    const struct ov_merkle_store *store, uint64_t first, uint64_t second)
{
	uint64_t begin = 0, m = first, n = second;
	enum ov_status st = OV_OK;
	bool whole = true;

	out->len = 0;
	OV_REQUIRE(first <= second && second < SIZE_LIMIT, OV_E_NOT_FOUND);
	while (m > 0 && m < n) {
		uint64_t k = split(n);

		if (m <= k) {
			OV_TRY(push(out, store, begin + k, n - k));
			n = k;
		} else {
			OV_TRY(push(out, store, begin, k));
			begin += k;
			m -= k;
			n -= k;
			whole = false;
		}
	}
	if (!whole)
		OV_TRY(push(out, store, begin, m));
	settle(out);
done:
	if (st != OV_OK)
		out->len = 0;
	return st;
}

static bool
proof_shape_ok(struct ov_bytes proof)
{
	return proof.len % OV_MERKLE_LEN == 0 && proof.len <= OV_MERKLE_PROOF_MAX;
}

/* RFC 9162 section 2.1.3.2; fn, sn and r are its names. */
enum ov_status
ov_merkle_verify_inclusion(const uint8_t leaf[OV_MERKLE_LEN], uint64_t index,
    uint64_t size, const uint8_t root[OV_MERKLE_LEN], struct ov_bytes proof)
{
	uint8_t r[OV_MERKLE_LEN];
	uint64_t fn = index, sn = size - 1;

	if (index >= size || !proof_shape_ok(proof))
		return OV_E_LOG_PROOF;
	memcpy(r, leaf, OV_MERKLE_LEN);
	for (size_t at = 0; at < proof.len; at += OV_MERKLE_LEN) {
		const uint8_t *p = proof.p + at;

		if (sn == 0)
			return OV_E_LOG_PROOF;
		if ((fn & 1) != 0 || fn == sn) {
			ov_merkle_node(r, p, r);
			for (; (fn & 1) == 0 && fn != 0; fn >>= 1)
				sn >>= 1;
		} else
			ov_merkle_node(r, r, p);
		fn >>= 1;
		sn >>= 1;
	}
	return sn == 0 && memcmp(r, root, OV_MERKLE_LEN) == 0 ? OV_OK : OV_E_LOG_PROOF;
}

/* RFC 9162 section 2.1.4.2 from step 3 on, 0 < first < second; fn, sn, fr and sr are
 * its names, `start` its first value of both. */
static bool
consistent(uint64_t first, const uint8_t *first_root, uint64_t second,
    const uint8_t *second_root, const uint8_t *start, struct ov_bytes rest)
{
	uint8_t fr[OV_MERKLE_LEN], sr[OV_MERKLE_LEN];
	uint64_t fn = first - 1, sn = second - 1;

	for (; (fn & 1) != 0; fn >>= 1)
		sn >>= 1;
	memcpy(fr, start, OV_MERKLE_LEN);
	memcpy(sr, start, OV_MERKLE_LEN);
	for (size_t at = 0; at < rest.len; at += OV_MERKLE_LEN) {
		const uint8_t *c = rest.p + at;

		if (sn == 0)
			return false;
		if ((fn & 1) != 0 || fn == sn) {
			ov_merkle_node(fr, c, fr);
			ov_merkle_node(sr, c, sr);
			for (; (fn & 1) == 0 && fn != 0; fn >>= 1)
				sn >>= 1;
		} else
			ov_merkle_node(sr, sr, c);
		fn >>= 1;
		sn >>= 1;
	}
	return sn == 0 && memcmp(fr, first_root, OV_MERKLE_LEN) == 0 &&
	       memcmp(sr, second_root, OV_MERKLE_LEN) == 0;
}

enum ov_status
ov_merkle_verify_consistency(uint64_t first, const uint8_t first_root[OV_MERKLE_LEN],
    uint64_t second, const uint8_t second_root[OV_MERKLE_LEN], struct ov_bytes proof)
{
	const uint8_t *start = first_root; /* a whole subtree: the verifier has it */
	uint8_t none[OV_MERKLE_LEN];
	bool ok;

	if (first > second || !proof_shape_ok(proof))
		return OV_E_LOG_ROLLBACK;
	if (first == 0) { /* nothing was promised: only the empty root is its root */
		ov_merkle_empty(none);
		ok = proof.len == 0 && memcmp(first_root, none, OV_MERKLE_LEN) == 0 &&
		     (second > 0 || memcmp(second_root, none, OV_MERKLE_LEN) == 0);
		return ok ? OV_OK : OV_E_LOG_ROLLBACK;
	}
	if (first == second) {
		ok =
		    proof.len == 0 && memcmp(first_root, second_root, OV_MERKLE_LEN) == 0;
		return ok ? OV_OK : OV_E_LOG_ROLLBACK;
	}
	if (proof.len == 0)
		return OV_E_LOG_ROLLBACK;
	if ((first & (first - 1)) != 0) { /* not a power of two: the proof begins so */
		start = proof.p;
		proof = OV_BYTES(proof.p + OV_MERKLE_LEN, proof.len - OV_MERKLE_LEN);
	}
	ok = consistent(first, first_root, second, second_root, start, proof);
	return ok ? OV_OK : OV_E_LOG_ROLLBACK;
}
