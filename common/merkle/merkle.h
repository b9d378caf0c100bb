/* merkle.h - the Merkle tree of RFC 9162 section 2.1 with SHA-256: roots, inclusion
 * proofs, consistency proofs and their verification.
 *
 * Pure: nothing is stored here.  A tree of n leaves is kept by its owner as its
 * complete nodes: node (level, index) is the hash of leaves index << level up to
 * (index + 1) << level, and exists from the moment its last leaf is appended; it
 * never changes.  Sizes are below 2^63.  A proof is its hashes, 32 bytes each,
 * one after the other in the RFC's order.  All data is public.
 */
#ifndef OV_COMMON_MERKLE_MERKLE_H
#define OV_COMMON_MERKLE_MERKLE_H

#include <stddef.h>
#include <stdint.h>

#include "common/crypto/hash.h"
#include "common/status.h"

#define OV_MERKLE_LEN 32
#define OV_MERKLE_LEVELS 63 /* sizes below 2^63 */
#define OV_MERKLE_PROOF_MAX (64 * OV_MERKLE_LEN)

struct ov_merkle_proof {
	size_t len; /* bytes, a multiple of 32 */
	uint8_t bytes[OV_MERKLE_PROOF_MAX];
};

/* SHA-256(0x00 || body), SHA-256(0x01 || left || right), SHA-256(""). */
void ov_merkle_leaf(uint8_t out[OV_MERKLE_LEN], struct ov_bytes body);
void ov_merkle_node(uint8_t out[OV_MERKLE_LEN], const uint8_t left[OV_MERKLE_LEN],
    const uint8_t right[OV_MERKLE_LEN]);
void ov_merkle_empty(uint8_t out[OV_MERKLE_LEN]);

/* Reads and writes the owner's nodes.  A reader is asked only for complete nodes; its
 * failure is passed on. */
typedef enum ov_status ov_merkle_read(
    void *arg, uint8_t out[OV_MERKLE_LEN], unsigned int level, uint64_t index);
typedef enum ov_status ov_merkle_write(
    void *arg, const uint8_t hash[OV_MERKLE_LEN], unsigned int level, uint64_t index);

struct ov_merkle_store {
	ov_merkle_read *read;
	ov_merkle_write *write; /* may be NULL where only proofs are made */
	void *arg;
};

/* Writes the nodes that leaf number `size` completes, itself (level 0) first.
 * OV_E_BUG at 2^63 leaves. */
OV_MUST_CHECK enum ov_status ov_merkle_append(const struct ov_merkle_store *store,
    uint64_t size, const uint8_t leaf[OV_MERKLE_LEN]);

/* Root of the first `size` leaves; any size that was ever reached. */
OV_MUST_CHECK enum ov_status ov_merkle_root(
    uint8_t out[OV_MERKLE_LEN], const struct ov_merkle_store *store, uint64_t size);

/* That leaf `index` is in the tree of `size` leaves.  OV_E_NOT_FOUND if index >= size. */
OV_MUST_CHECK enum ov_status ov_merkle_prove_inclusion(struct ov_merkle_proof *out,
    const struct ov_merkle_store *store, uint64_t index, uint64_t size);

/* That the tree of `second` leaves begins with the tree of `first`.  Empty when first
 * is 0 or equal to second.  OV_E_NOT_FOUND if first > second. */
OV_MUST_CHECK enum ov_status ov_merkle_prove_consistency(struct ov_merkle_proof *out,
    const struct ov_merkle_store *store, uint64_t first, uint64_t second);

/* OV_E_LOG_PROOF unless `proof` shows that leaf `index` has hash `leaf` in the tree of
 * `size` leaves with root `root`.  Any bytes are safe. */
OV_MUST_CHECK enum ov_status ov_merkle_verify_inclusion(const uint8_t leaf[OV_MERKLE_LEN],
    uint64_t index, uint64_t size, const uint8_t root[OV_MERKLE_LEN],
    struct ov_bytes proof);

/* OV_E_LOG_ROLLBACK unless `proof` shows that tree (second, second_root) extends or
 * equals tree (first, first_root).  Any bytes are safe. */
OV_MUST_CHECK enum ov_status ov_merkle_verify_consistency(uint64_t first,
    const uint8_t first_root[OV_MERKLE_LEN], uint64_t second,
    const uint8_t second_root[OV_MERKLE_LEN], struct ov_bytes proof);

#endif /* OV_COMMON_MERKLE_MERKLE_H */
