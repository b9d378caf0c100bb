#include "common/psi/psi.h"

#include <stdlib.h>
#include <string.h>

#include "common/crypto/memory.h"
#include "common/log.h"
#include "common/psi/expand.h"
#include "common/psi/kernel.h"

const struct ov_psi_kernel *const ov_psi_kernels[] = {
#ifdef OVERLAP_SIMD
	&ov_psi_kernel_ifma,
	&ov_psi_kernel_avx2,
#endif
	&ov_psi_kernel_portable,
	NULL,
};

/* Written by ov_psi_init() alone, before threads start. */
static const struct ov_psi_kernel *in_use = &ov_psi_kernel_portable;

#define SELFTEST_N 19 /* fills no vector: the padding of a short group is tried too */

static enum ov_status
selftest_inputs(uint8_t uniform[SELFTEST_N * OV_UNIFORM_LEN], uint8_t scalar[32])
{
	static const uint8_t key[32] = "start-up vectors of the kernels";
	uint8_t wide[64];

	ov_keystream(wide, sizeof(wide), key, 0);
	ov_keystream(uniform, SELFTEST_N * OV_UNIFORM_LEN, key, 1);
	return ov_psi_scalar(scalar, wide);
}

static bool
same_tokens(const struct ov_psi_kernel *k, const uint8_t *bytes)
{
	struct ov_bytes tokens[SELFTEST_N];
	uint8_t a[SELFTEST_N * OV_UNIFORM_LEN], b[SELFTEST_N * OV_UNIFORM_LEN];

	for (size_t i = 0; i < SELFTEST_N; i++)
		tokens[i] = OV_BYTES(bytes, i * OV_TOKEN_MAX / SELFTEST_N);
	k->expand(a, tokens, SELFTEST_N);
	ov_psi_kernel_portable.expand(b, tokens, SELFTEST_N);
	return memcmp(a, b, sizeof(a)) == 0;
}

enum ov_status
ov_psi_selftest(const struct ov_psi_kernel *k)
{
	const struct ov_psi_kernel *ref = &ov_psi_kernel_portable;
	uint8_t uniform[SELFTEST_N * OV_UNIFORM_LEN], scalar[32];
	uint8_t a[SELFTEST_N * 32], b[SELFTEST_N * 32], ok_a[SELFTEST_N],
	    ok_b[SELFTEST_N];
	bool same;

	if (selftest_inputs(uniform, scalar) != OV_OK)
		return OV_E_PSI_SELFTEST;
	same = same_tokens(k, uniform);
	k->blind_uniform(a, ok_a, uniform, SELFTEST_N, scalar);
	ref->blind_uniform(b, ok_b, uniform, SELFTEST_N, scalar);
	same =
	    same && memcmp(a, b, sizeof(a)) == 0 && memcmp(ok_a, ok_b, SELFTEST_N) == 0;
	memset(b + 32 * 5, 0, 32); /* one that is refused among good ones */
	b[32 * 7] ^= 1;
	k->blind_points(a, ok_a, b, SELFTEST_N, scalar);
	ref->blind_points(b, ok_b, b, SELFTEST_N, scalar);
	same =
	    same && memcmp(a, b, sizeof(a)) == 0 && memcmp(ok_a, ok_b, SELFTEST_N) == 0;
	k->tag(a, uniform, SELFTEST_N, scalar);
	ref->tag(b, uniform, SELFTEST_N, scalar);
	same = same && memcmp(a, b, SELFTEST_N * OV_PSI_TAG_LEN) == 0;
	return same && ok_b[0] == 1 && ok_b[5] == 0 && ok_b[7] == 0 ? OV_OK
								    : OV_E_PSI_SELFTEST;
}

/* Whether some build for some machine has a kernel of that name. */
static bool
is_known(const char *name)
{
	static const char *const names[] = { "portable", "avx2", "ifma" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

/* The fastest usable one, or the one of that name, which is NULL for any. */
static enum ov_status
choose(const struct ov_psi_kernel **k, const char *name)
{
	if (name != NULL && !is_known(name))
		return OV_E_PSI_KERNEL;
	for (size_t i = 0; ov_psi_kernels[i] != NULL; i++) {
		*k = ov_psi_kernels[i];
		if ((name == NULL || strcmp(name, (*k)->name) == 0) && (*k)->usable())
			return OV_OK;
	}
	return OV_E_PSI_UNAVAILABLE;
}

/* A log line holds no strings, so the choice is told by the event. */
static void
log_choice(const struct ov_psi_kernel *k)
{
	if (strcmp(k->name, "ifma") == 0)
		ov_log(OV_LOG_INFO, "psi.kernel_ifma");
	else if (strcmp(k->name, "avx2") == 0)
		ov_log(OV_LOG_INFO, "psi.kernel_avx2");
	else
		ov_log(OV_LOG_INFO, "psi.kernel_portable");
}

enum ov_status
ov_psi_init(void)
{
	const char *forced = getenv("OVERLAP_KERNEL");
	const struct ov_psi_kernel *k;
	enum ov_status st;

	OV_TRY(choose(&k, forced != NULL && forced[0] != '\0' ? forced : NULL));
	OV_TRY(ov_psi_selftest(k));
	in_use = k;
	log_choice(k);
done:
	return st;
}

const char *
ov_psi_kernel(void)
{
	return in_use->name;
}

static size_t
group_len(size_t left)
{
	return left < OV_PSI_GROUP ? left : OV_PSI_GROUP;
}

static size_t
count_zeros(const uint8_t *ok, size_t n)
{
	size_t zeros = 0;

	for (size_t i = 0; i < n; i++)
		zeros += ok[i] == 0;
	return zeros;
}

enum ov_status
ov_psi_blind_tokens(uint8_t *out, const struct ov_bytes *tokens, size_t n,
    const uint8_t scalar[OV_SCALAR_LEN])
{
	uint8_t s[OV_SCALAR_LEN], ok[OV_PSI_GROUP],
	    uniform[OV_PSI_GROUP * OV_UNIFORM_LEN];
	enum ov_status st = OV_OK;

	memcpy(s, scalar, sizeof(s));
	OV_REQUIRE(ov_psi_scalar_reduce(s), OV_E_BUG);
	for (size_t i = 0; i < n; i++)
		OV_REQUIRE(tokens[i].len <= OV_TOKEN_MAX, OV_E_BUG);
	for (size_t done = 0, m; done < n; done += m) {
		m = group_len(n - done);
		in_use->expand(uniform, tokens + done, m);
		in_use->blind_uniform(out + OV_POINT_LEN * done, ok, uniform, m, s);
		OV_REQUIRE(count_zeros(ok, m) == 0, OV_E_BUG);
	}
done:
	if (st != OV_OK && n > 0)
		memset(out, 0, OV_POINT_LEN * n);
	ov_wipe(s, sizeof(s));
	ov_wipe(uniform, sizeof(uniform));
	return st;
}

size_t
ov_psi_blind_points(uint8_t *out, uint8_t *ok, const uint8_t *points, size_t n,
    const uint8_t scalar[OV_SCALAR_LEN])
{
	uint8_t s[OV_SCALAR_LEN];
	size_t rejected = 0;

	memcpy(s, scalar, sizeof(s));
	/* A scalar of 0 gives the identity, which the kernels refuse item by item. */
	(void)ov_psi_scalar_reduce(s);
	for (size_t done = 0, m; done < n; done += m) {
		m = group_len(n - done);
		in_use->blind_points(out + OV_POINT_LEN * done, ok + done,
		    points + OV_POINT_LEN * done, m, s);
		rejected += count_zeros(ok + done, m);
	}
	ov_wipe(s, sizeof(s));
	return rejected;
}

void
ov_psi_tag(uint8_t *tags, const uint8_t *points, size_t n, const uint8_t key[32])
{
	in_use->tag(tags, points, n, key);
}
