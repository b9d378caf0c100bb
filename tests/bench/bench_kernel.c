/* bench_kernel - how fast each blinding kernel is, beside libsodium in the same process.
 *
 *     bench_kernel [--json] [--rounds N]
 *
 * A round times libsodium and every kernel one after the other, so that a busy machine
 * disturbs all alike; what is told is the 5th percentile over the rounds, and the ratio
 * of those.  Cycles are nanoseconds times the clock, which is measured before and after.
 */
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/crypto/memory.h"
#include "common/psi/expand.h"
#include "common/psi/kernel.h"
#include "common/psi/psi.h"
#include "common/work/pipeline.h"
#include "tests/bench/bench_kernel.h"

#define SODIUM_ITEMS PORTABLE_ITEMS
#define KERNELS_MAX 4
#define TOKEN_LEN 24

struct subject {
	const struct ov_psi_kernel *kernel;
	const struct bench_steps *steps;
	struct series first, second, step[STEPS_MAX];
	size_t n_steps;
};

struct bench {
	size_t rounds;
	double ghz_before, ghz_after;
	struct series sodium_first, sodium_second;
	struct subject subjects[KERNELS_MAX];
	size_t n;
	uint8_t uniform[OV_PSI_GROUP * OV_UNIFORM_LEN];
	uint8_t points[OV_PSI_GROUP * OV_POINT_LEN];
	struct ov_bytes tokens[OV_PSI_GROUP];
	uint8_t scalar[OV_SCALAR_LEN];
};

uint64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

void
series_add(struct series *s, uint64_t started_ns, size_t items)
{
	s->samples[s->n++] = (double)(now_ns() - started_ns) / (double)items;
}

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* 5th percentile, in nanoseconds an item. */
static double
p05(struct series *s)
{
	qsort(s->samples, s->n, sizeof(*s->samples), by_value);
	return s->samples[s->n / 20];
}

static struct series
series_new(const char *name, size_t rounds)
{
	struct series s = { name, calloc(rounds, sizeof(double)), 0 };

	if (s.samples == NULL) {
		(void)fprintf(stderr, "bench_kernel: out of memory\n");
		exit(1);
	}
	return s;
}

/* The clock in GHz, from a chain of rotations, one cycle each; 0 where there is none. */
static double
clock_ghz(void)
{
#ifdef __x86_64__
	double best = 0;

	for (int r = 0; r < 40; r++) {
		uint64_t x = 1, t = now_ns();
		double ghz;

		for (int i = 0; i < 20000; i++)
			__asm__ volatile("rol $3, %0\n\trol $5, %0\n\trol $3, %0\n\t"
					 "rol $5, %0\n\trol $3, %0"
					 : "+r"(x));
		ghz = 100000.0 / (double)(now_ns() - t);
		best = ghz > best ? ghz : best;
	}
	return best;
#else
	return 0;
#endif
}

static const struct bench_steps *
steps_of(const struct ov_psi_kernel *k)
{
#ifdef OVERLAP_SIMD
	if (strcmp(k->name, "ifma") == 0)
		return &bench_steps_ifma;
	if (strcmp(k->name, "avx2") == 0)
		return &bench_steps_avx2;
#endif
	(void)k;
	return &bench_steps_portable;
}

static void
add_subject(struct bench *b, const struct ov_psi_kernel *k)
{
	struct subject *s = &b->subjects[b->n++];

	s->kernel = k;
	s->steps = steps_of(k);
	s->first = series_new("first", b->rounds);
	s->second = series_new("second", b->rounds);
	for (size_t i = 0; s->steps->names[i] != NULL; i++)
		s->step[s->n_steps++] = series_new(s->steps->names[i], b->rounds);
}

static bool
setup(struct bench *b)
{
	static uint8_t text[OV_PSI_GROUP][TOKEN_LEN];
	uint8_t wide[64];

	ov_random(text, sizeof(text));
	ov_random(wide, sizeof(wide));
	ov_random(b->uniform, sizeof(b->uniform));
	for (size_t i = 0; i < OV_PSI_GROUP; i++)
		b->tokens[i] = OV_BYTES(text[i], TOKEN_LEN);
	b->sodium_first = series_new("first", b->rounds);
	b->sodium_second = series_new("second", b->rounds);
	for (size_t i = 0; ov_psi_kernels[i] != NULL; i++)
		if (ov_psi_kernels[i]->usable())
			add_subject(b, ov_psi_kernels[i]);
	return ov_psi_scalar(b->scalar, wide) == OV_OK &&
	       ov_psi_blind_tokens(b->points, b->tokens, OV_PSI_GROUP, b->scalar) ==
		   OV_OK;
}

/* One token or point at a time, as libsodium offers it. */
static bool
round_sodium(struct bench *b)
{
	uint8_t p[32], q[32], uniform[64];
	bool good = true;
	uint64_t t = now_ns();

	for (size_t i = 0; i < SODIUM_ITEMS; i++) {
		good &= ov_psi_expand(uniform, sizeof(uniform), b->tokens[i],
			    OV_LITERAL(OV_PSI_DST)) == OV_OK;
		crypto_core_ristretto255_from_hash(p, uniform);
		good &= crypto_scalarmult_ristretto255(q, b->scalar, p) == 0;
	}
	series_add(&b->sodium_first, t, SODIUM_ITEMS);
	t = now_ns();
	for (size_t i = 0; i < SODIUM_ITEMS; i++)
		good &= crypto_scalarmult_ristretto255(
			    q, b->scalar, b->points + OV_POINT_LEN * i) == 0;
	series_add(&b->sodium_second, t, SODIUM_ITEMS);
	return good;
}

static void
round_kernel(struct bench *b, struct subject *s)
{
	static uint8_t uniform[OV_PSI_GROUP * OV_UNIFORM_LEN];
	static uint8_t out[OV_PSI_GROUP * OV_POINT_LEN], ok[OV_PSI_GROUP];
	size_t n = s->kernel == &ov_psi_kernel_portable ? PORTABLE_ITEMS : OV_PSI_GROUP;
	uint64_t t;

	/* a processor takes some microseconds to power its wide units up */
	s->kernel->blind_points(out, ok, b->points, SODIUM_ITEMS, b->scalar);
	t = now_ns();
	s->kernel->expand(uniform, b->tokens, n);
	s->kernel->blind_uniform(out, ok, uniform, n, b->scalar);
	series_add(&s->first, t, n);
	t = now_ns();
	s->kernel->blind_points(out, ok, b->points, n, b->scalar);
	series_add(&s->second, t, n);
	s->steps->round(s->step, b->uniform, b->points, b->scalar);
}

static bool
run_rounds(struct bench *b)
{
	bool good = true;

	b->ghz_before = clock_ghz();
	for (size_t r = 0; r < b->rounds && good; r++) {
		good = round_sodium(b);
		for (size_t i = 0; i < b->n; i++)
			round_kernel(b, &b->subjects[i]);
	}
	b->ghz_after = clock_ghz();
	return good;
}

/* Thread scaling: second blindings of chunks through the pipeline. */
struct scaling {
	const struct bench *b;
	uint64_t chunks;
	uint8_t *out; /* slots * CHUNK_ITEMS * (32 + 1) */
};
#define CHUNK_ITEMS 2048
#define CHUNK_LEN (CHUNK_ITEMS * (size_t)(OV_POINT_LEN + 1))

static enum ov_status
scaling_produce(void *ctx, size_t slot, uint64_t chunk, bool *end)
{
	const struct scaling *s = ctx;
	uint8_t *points = s->out + CHUNK_LEN * slot;

	*end = chunk == s->chunks;
	for (size_t i = 0; !*end && i < CHUNK_ITEMS / OV_PSI_GROUP; i++)
		memcpy(points + sizeof(s->b->points) * i, s->b->points,
		    sizeof(s->b->points));
	return OV_OK;
}

static enum ov_status
scaling_work(void *ctx, size_t slot, uint64_t chunk)
{
	const struct scaling *s = ctx;
	uint8_t *points = s->out + CHUNK_LEN * slot;

	(void)chunk;
	return ov_psi_blind_points(points, points + (size_t)CHUNK_ITEMS * OV_POINT_LEN,
		   points, CHUNK_ITEMS, s->b->scalar) == 0
		   ? OV_OK
		   : OV_E_BUG;
}

static enum ov_status
scaling_consume(void *ctx, size_t slot, uint64_t chunk)
{
	(void)ctx;
	(void)slot;
	(void)chunk;
	return OV_OK;
}

/* Items a second with that many workers, the best of three runs; 0 on failure. */
static double
items_per_second(const struct bench *b, size_t workers)
{
	size_t slots = 2 * workers + 1;
	struct scaling s = { b, 8 * workers, malloc(slots * CHUNK_LEN) };
	const struct ov_pipeline p = { .ctx = &s,
		.slots = slots,
		.workers = workers,
		.produce = scaling_produce,
		.work = scaling_work,
		.consume = scaling_consume };
	double best = 0;

	for (int r = 0; s.out != NULL && r < 3; r++) {
		uint64_t t = now_ns();
		double rate;

		if (ov_pipeline_run(&p) != OV_OK)
			break;
		rate = 1e9 * (double)(s.chunks * CHUNK_ITEMS) / (double)(now_ns() - t);
		best = rate > best ? rate : best;
	}
	free(s.out);
	return best;
}

/* base: nanoseconds of the same with libsodium, 0 where there is no such thing. */
static void
print_row(
    const struct bench *b, const char *kernel, struct series *s, double base, bool json)
{
	static bool first_row = true;
	double ns = p05(s);

	if (json) {
		printf("%s\n  {\"kernel\": \"%s\", \"what\": \"%s\", \"us\": %.4f, "
		       "\"cycles\": %.0f",
		    first_row ? "" : ",", kernel, s->name, ns / 1e3, ns * b->ghz_before);
		if (base > 0)
			printf(", \"ratio\": %.3f", base / ns);
		printf("}");
		first_row = false;
		return;
	}
	printf("%-10s %-9s %9.3f %9.0f", kernel, s->name, ns / 1e3, ns * b->ghz_before);
	if (base > 0)
		printf(" %8.2f", base / ns);
	printf("\n");
}

static void
print_head(const struct bench *b, bool json)
{
	if (json) {
		printf("{\"libsodium\": \"%s\", \"kernel_in_use\": \"%s\", "
		       "\"rounds\": %zu, \"ghz_before\": %.3f, \"ghz_after\": %.3f,\n"
		       " \"rows\": [",
		    sodium_version_string(), ov_psi_kernel(), b->rounds, b->ghz_before,
		    b->ghz_after);
		return;
	}
	printf("libsodium %s; in use: %s; clock %.2f GHz before, %.2f GHz after; "
	       "5th percentile of %zu rounds\n\n",
	    sodium_version_string(), ov_psi_kernel(), b->ghz_before, b->ghz_after,
	    b->rounds);
	printf("%-10s %-9s %9s %9s %8s\n", "kernel", "an item", "us", "cycles", "ratio");
}

/* One thread, twice as many, and so on to one for each core.  False on failure. */
static bool
print_scaling_of(const struct bench *b, const char *kernel, bool json)
{
	static bool first_row = true;
	size_t cores = ov_cores();
	double one = 0;

	for (size_t workers = 1;; workers = 2 * workers < cores ? 2 * workers : cores) {
		double rate = items_per_second(b, workers);

		if (rate <= 0)
			return false;
		one = workers == 1 ? rate : one;
		if (json)
			printf("%s\n  {\"kernel\": \"%s\", \"threads\": %zu, "
			       "\"items_per_second\": %.0f, \"scaling\": %.3f}",
			    first_row ? "" : ",", kernel, workers, rate, rate / one);
		else
			printf("%-10s %7zu %12.0f %8.2f\n", kernel, workers, rate,
			    rate / one);
		first_row = false;
		if (workers >= cores)
			return true;
	}
}

/* Every kernel takes its turn as the one in use.  False if it cannot be. */
static bool
print_scaling(const struct bench *b, bool json)
{
	bool good = true;

	if (json)
		printf("\n ],\n \"threads\": [");
	else
		printf(
		    "\n%-10s %7s %12s %8s\n", "kernel", "threads", "second/s", "scaling");
	for (size_t i = 0; i < b->n && good; i++) {
		const char *name = b->subjects[i].kernel->name;

		good = setenv("OVERLAP_KERNEL", name, 1) == 0 && ov_psi_init() == OV_OK &&
		       print_scaling_of(b, name, json);
	}
	if (json)
		printf("\n ]}\n");
	return good;
}

static bool
print_all(struct bench *b, bool json)
{
	double first = p05(&b->sodium_first), second = p05(&b->sodium_second);

	print_head(b, json);
	print_row(b, "libsodium", &b->sodium_first, first, json);
	print_row(b, "libsodium", &b->sodium_second, second, json);
	for (size_t i = 0; i < b->n; i++) {
		struct subject *s = &b->subjects[i];

		print_row(b, s->kernel->name, &s->first, first, json);
		print_row(b, s->kernel->name, &s->second, second, json);
		for (size_t j = 0; j < s->n_steps; j++)
			print_row(b, s->kernel->name, &s->step[j], 0, json);
	}
	return print_scaling(b, json);
}

int
main(int argc, char **argv)
{
	static struct bench b = { .rounds = 200 };
	bool json = false;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0) {
			json = true;
		} else if (strcmp(argv[i], "--rounds") == 0 && i + 1 < argc) {
			b.rounds = strtoul(argv[++i], NULL, 10);
		} else {
			(void)fprintf(
			    stderr, "usage: bench_kernel [--json] [--rounds N]\n");
			return 2;
		}
	}
	if (b.rounds == 0 || b.rounds > 100000)
		return 2;
	if (ov_crypto_init() != OV_OK || ov_psi_init() != OV_OK || !setup(&b) ||
	    !run_rounds(&b)) {
		(void)fprintf(stderr, "bench_kernel: a kernel failed\n");
		return 1;
	}
	return print_all(&b, json) ? 0 : 1;
}
