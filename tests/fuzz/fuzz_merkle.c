/* Both verifiers on any bytes; and a true proof with any change to it is refused. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/merkle/merkle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define N 40
static uint8_t nodes[7][N][32];

static enum ov_status
read_node(void *arg, uint8_t out[32], unsigned int level, uint64_t index)
{
	(void)arg;
	memcpy(out, nodes[level][index], 32);
	return OV_OK;
}

static enum ov_status
write_node(void *arg, const uint8_t hash[32], unsigned int level, uint64_t index)
{
	(void)arg;
	memcpy(nodes[level][index], hash, 32);
	return OV_OK;
}

static const struct ov_merkle_store store = { read_node, write_node, NULL };

static void
must(int cond)
{
	if (!cond)
		abort();
}

/* XORs data into the proof and its length; true if nothing changed. */
static int
disturb(struct ov_merkle_proof *p, const uint8_t *data, size_t size)
{
	int same = 1;

	for (size_t i = 0; i < size && i < p->len; i++) {
		p->bytes[i] ^= data[i];
		same = same && data[i] == 0;
	}
	return same;
}

static void
changed_proofs(const uint8_t *data, size_t size)
{
	uint64_t n = 1 + data[0] % N, m = data[1] % n;
	uint8_t a[32], b[32];
	struct ov_merkle_proof p;
	int same;

	must(ov_merkle_root(b, &store, n) == OV_OK);
	must(ov_merkle_prove_inclusion(&p, &store, m, n) == OV_OK);
	same = disturb(&p, data + 2, size - 2);
	must((ov_merkle_verify_inclusion(
		  nodes[0][m], m, n, b, OV_BYTES(p.bytes, p.len)) == OV_OK) == same);
	must(ov_merkle_root(a, &store, m) == OV_OK);
	must(ov_merkle_prove_consistency(&p, &store, m, n) == OV_OK);
	same = disturb(&p, data + 2, size - 2);
	must((ov_merkle_verify_consistency(m, a, n, b, OV_BYTES(p.bytes, p.len)) ==
		 OV_OK) == same);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int built;
	uint64_t first, second;
	struct ov_bytes rest;

	for (uint8_t i = 0; !built && i < N; i++) {
		uint8_t leaf[32];

		ov_merkle_leaf(leaf, OV_BYTES(&i, 1));
		must(ov_merkle_append(&store, i, leaf) == OV_OK);
	}
	built = 1;
	if (size < 16 + 64)
		return 0;
	changed_proofs(data, size);
	memcpy(&first, data, 8);
	memcpy(&second, data + 8, 8);
	rest = OV_BYTES(data + 80, size - 80);
	/* not forgeable by chance: only the trivial cases may pass */
	if (ov_merkle_verify_inclusion(data + 16, first, second, data + 48, rest) ==
	    OV_OK)
		must(rest.len == 0);
	if (ov_merkle_verify_consistency(first, data + 16, second, data + 48, rest) ==
	    OV_OK)
		must(rest.len == 0);
	return 0;
}
