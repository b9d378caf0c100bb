/* Published vectors, through every kernel this machine can run: RFC 9496 appendix A (the
 * group), RFC 9380 appendix K.3 (expand_message_xmd) and RFC 9497 appendix A.1 (both
 * together, in each mode).  Data files: lines "name hex", comments with #. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include <sodium.h>

#include "common/crypto/memory.h"
#include "common/psi/expand.h"
#include "common/psi/kernel.h"
#include "common/psi/psi.h"

#define LINES_MAX 64
#define VALUE_MAX 600

struct line {
	char name[16];
	uint8_t value[VALUE_MAX];
	size_t len;
};

struct file {
	struct line lines[LINES_MAX];
	size_t n;
};

static void
parse_line(struct line *l, const char *text)
{
	char hex[2 * VALUE_MAX + 1];

	assert_int_equal(sscanf(text, "%15s %1200s", l->name, hex), 2);
	l->len = strcmp(hex, "-") == 0 ? 0 : strlen(hex) / 2;
	assert_true(l->len == 0 || ov_unhex(l->value, l->len, hex));
}

/* The lines of tests/vectors/data/NAME, in order. */
static const struct file *
load(const char *name)
{
	static struct file f;
	char path[512], text[2 * VALUE_MAX + 64];
	FILE *in;

	(void)snprintf(
	    path, sizeof(path), "%s/tests/vectors/data/%s", OV_SOURCE_DIR, name);
	in = fopen(path, "r");
	assert_non_null(in);
	f.n = 0;
	while (fgets(text, sizeof(text), in) != NULL) {
		if (text[0] == '#' || text[0] == '\n')
			continue;
		assert_true(f.n < LINES_MAX);
		parse_line(&f.lines[f.n++], text);
	}
	fclose(in);
	return &f;
}

/* The next line, which has this name and (unless 0) this length. */
static const struct line *
take(const struct file *f, size_t *at, const char *name, size_t len)
{
	const struct line *l = &f->lines[*at];

	assert_true(*at < f->n);
	assert_string_equal(l->name, name);
	if (len != 0)
		assert_int_equal(l->len, len);
	(*at)++;
	return l;
}

#define FOR_KERNELS(k)                                                                   \
	for (const struct ov_psi_kernel *const *at_ = ov_psi_kernels, *k;                \
	     (k = *at_) != NULL; at_++)                                                  \
		if (k->usable())

static void
rfc9496_a1_multiples_of_the_generator(void **state)
{
	const struct file *f = load("rfc9496_a1_multiples.txt");
	const uint8_t *base = f->lines[1].value;
	uint8_t out[32], ok;

	(void)state;
	assert_int_equal(f->n, 16);
	FOR_KERNELS(k)
	{
		for (size_t i = 0; i < f->n; i++) {
			uint8_t s[32] = { (uint8_t)i }, one[32] = { 1 };

			k->blind_points(out, &ok, base, 1, s);
			assert_int_equal(ok, i != 0); /* 0 * B is the identity */
			assert_memory_equal(out, f->lines[i].value, 32);
			k->blind_points(out, &ok, f->lines[i].value, 1, one);
			assert_int_equal(ok, i != 0);
			assert_memory_equal(out, f->lines[i].value, 32);
		}
	}
}

static void
rfc9496_a2_bad_encodings(void **state)
{
	const struct file *f = load("rfc9496_a2_bad.txt");
	uint8_t in[2 * LINES_MAX * 32], out[2 * LINES_MAX * 32], ok[2 * LINES_MAX];
	const uint8_t one[32] = { 1 }, zero[32] = { 0 };
	uint8_t good[32];

	(void)state;
	assert_int_equal(f->n, 29);
	assert_true(ov_unhex(good, 32,
	    "e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76"));
	for (size_t i = 0; i < f->n; i++) { /* good and bad in turn */
		memcpy(in + 64 * i, good, 32);
		memcpy(in + 64 * i + 32, f->lines[i].value, 32);
	}
	FOR_KERNELS(k)
	{
		k->blind_points(out, ok, in, 2 * f->n, one);
		for (size_t i = 0; i < f->n; i++) {
			assert_int_equal(ok[2 * i], 1);
			assert_memory_equal(out + 64 * i, good, 32);
			assert_int_equal(ok[2 * i + 1], 0);
			assert_memory_equal(out + 64 * i + 32, zero, 32);
		}
	}
}

static void
rfc9496_a3_element_derivation(void **state)
{
	const struct file *f = load("rfc9496_a3_derivation.txt");
	const uint8_t one[32] = { 1 };
	uint8_t out[32], ok;

	(void)state;
	assert_int_equal(f->n, 22);
	FOR_KERNELS(k)
	{
		for (size_t at = 0; at < f->n;) {
			const struct line *in = take(f, &at, "uniform", 64);
			const struct line *want = take(f, &at, "element", 32);

			k->blind_uniform(out, &ok, in->value, 1, one);
			assert_int_equal(ok, 1);
			assert_memory_equal(out, want->value, 32);
		}
	}
}

static void
rfc9380_k3_expand_message_xmd_sha512(void **state)
{
	const struct file *f = load("rfc9380_k3_expand.txt");
	uint8_t out[128];
	size_t at = 0, n = 0;
	const struct line *dst = take(f, &at, "dst", 38);

	(void)state;
	for (; at < f->n; n++) {
		const struct line *msg = take(f, &at, "msg", 0);
		const struct line *want = take(f, &at, "uniform", n < 5 ? 32 : 128);

		assert_int_equal(
		    ov_psi_expand(out, want->len, OV_BYTES(msg->value, msg->len),
			OV_BYTES(dst->value, dst->len)),
		    OV_OK);
		assert_memory_equal(out, want->value, want->len);
	}
	assert_int_equal(n, 10);
}

/* blinded = blind * HashToGroup(input), evaluated = key * blinded: n items to the end. */
static void
check_elements(const struct file *f, size_t at, const struct line *dst,
    const uint8_t key[32], size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct line *in = take(f, &at, "input", 0);
		const struct line *blind = take(f, &at, "blind", 32);
		const struct line *blinded = take(f, &at, "blinded", 32);
		const struct line *evaluated = take(f, &at, "evaluated", 32);
		uint8_t uniform[64], out[32], ok;

		assert_int_equal(ov_psi_expand(uniform, 64, OV_BYTES(in->value, in->len),
				     OV_BYTES(dst->value, dst->len)),
		    OV_OK);
		FOR_KERNELS(k)
		{
			k->blind_uniform(out, &ok, uniform, 1, blind->value);
			assert_int_equal(ok, 1);
			assert_memory_equal(out, blinded->value, 32);
			k->blind_points(out, &ok, out, 1, key);
			assert_int_equal(ok, 1);
			assert_memory_equal(out, evaluated->value, 32);
		}
	}
	assert_int_equal(at, f->n);
}

static void
rfc9497_a11_oprf(void **state)
{
	const struct file *f = load("rfc9497_a1_oprf.txt");
	size_t at = 0;
	const struct line *dst = take(f, &at, "dst", 40);
	const struct line *sk = take(f, &at, "skSm", 32);

	(void)state;
	check_elements(f, at, dst, sk->value, 2);
}

static void
rfc9497_a12_voprf(void **state)
{
	const struct file *f = load("rfc9497_a1_voprf.txt");
	size_t at = 0;
	const struct line *dst = take(f, &at, "dst", 40);
	const struct line *sk = take(f, &at, "skSm", 32);

	(void)state;
	check_elements(f, at, dst, sk->value, 4);
}

static void
rfc9497_a13_poprf(void **state)
{
	const struct file *f = load("rfc9497_a1_poprf.txt");
	size_t at = 0;
	const struct line *dst = take(f, &at, "dst", 40);
	const struct line *sk = take(f, &at, "skSm", 32);
	const struct line *scalar_dst = take(f, &at, "scalar_dst", 41);
	const struct line *info = take(f, &at, "framed_info", 15);
	uint8_t wide[64], m[32], key[32];

	(void)state;
	assert_int_equal(ov_psi_expand(wide, 64, OV_BYTES(info->value, info->len),
			     OV_BYTES(scalar_dst->value, scalar_dst->len)),
	    OV_OK);
	assert_int_equal(ov_psi_scalar(m, wide), OV_OK);
	crypto_core_ristretto255_scalar_add(m, m, sk->value);
	assert_int_equal(crypto_core_ristretto255_scalar_invert(key, m), 0);
	check_elements(f, at, dst, key, 4);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc9496_a1_multiples_of_the_generator),
		cmocka_unit_test(rfc9496_a2_bad_encodings),
		cmocka_unit_test(rfc9496_a3_element_derivation),
		cmocka_unit_test(rfc9380_k3_expand_message_xmd_sha512),
		cmocka_unit_test(rfc9497_a11_oprf),
		cmocka_unit_test(rfc9497_a12_voprf),
		cmocka_unit_test(rfc9497_a13_poprf),
	};

	if (ov_crypto_init() != OV_OK)
		return 1;
	return cmocka_run_group_tests_name("ristretto", tests, NULL, NULL);
}
