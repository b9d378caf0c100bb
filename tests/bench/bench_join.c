/* bench_join.c - time and peak memory of the broker's join.
 *
 * usage: bench_join [LOG2_SLOTS]      (20 if not given)
 *
 * Three pairs of books of 2^LOG2_SLOTS slots a side, one thread, each in a process of its
 * own: `typical` (1-3 keys a record, half of the records in both books, a tenth of those
 * with a rival), `all` (one key a record, every one in both), `forged` (as `all`, tags
 * that differ in the last bytes only).  Time is of ov_join_new and both receivers' lists,
 * the least and the median of RUNS; memory is the peak of the whole process over what it
 * had before the input arrays were made, by slots of both sides.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/crypto/hash.h"
#include "common/crypto/memory.h"
#include "common/work/heap.h"
#include "server/join.h"

#define RUNS 9

enum shape { TYPICAL, ALL, FORGED };

struct roster {
	struct ov_join_side side;
	uint8_t *tag, *rank, *label, *fit;
	uint32_t *record;
};

static uint64_t seed = 42;

static uint32_t
draw(uint32_t below)
{
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return (uint32_t)(((seed * 0x2545f4914f6cdd1dULL) >> 32) % below);
}

static void *
must(void *p)
{
	if (p == NULL) {
		perror("bench_join");
		exit(1);
	}
	return p;
}

static void
roster_new(struct roster *r, size_t n)
{
	r->tag = must(malloc(16 * n));
	r->record = must(malloc(4 * n));
	r->rank = must(malloc(n));
	r->label = must(malloc(n));
	r->fit = must(malloc(n));
	r->side = (struct ov_join_side){ 0, r->tag, r->record, r->rank, r->label, r->fit,
		0xfe, { 0, 1, 2, 3 }, false };
}

static void
roster_free(struct roster *r)
{
	free(r->tag);
	free(r->record);
	free(r->rank);
	free(r->label);
	free(r->fit);
}

static void
put(struct roster *r, uint32_t record, uint8_t rank, uint64_t key, enum shape shape)
{
	static const uint8_t hash_key[32] = { 1 };
	size_t i = r->side.n++;

	if (shape == FORGED) {
		memset(r->tag + 16 * i, 0, 8);
		memcpy(r->tag + 16 * i + 8, &key, 8);
	} else {
		ov_blake2b(r->tag + 16 * i, 16, hash_key, OV_BYTES(&key, sizeof(key)),
		    OV_BYTES(NULL, 0));
	}
	r->record[i] = record;
	r->rank[i] = rank;
	r->label[i] = (uint8_t)(1 + record % 3);
	r->fit[i] = (uint8_t)(record % 3);
}

/* Records of 1-3 keys; the first half of the companies is in both books, and every tenth
 * of them shares its domain with the next one's second key. */
static void
fill_typical(struct roster *r, size_t n, uint64_t first_company)
{
	static const uint8_t ranks[3] = { OV_RANK_DOMAIN, OV_RANK_NAME_COUNTRY,
		OV_RANK_DUNS };

	for (uint32_t record = 0; r->side.n < n; record++) {
		uint64_t company = first_company + record;
		uint32_t keys = 1 + (uint32_t)(company % 3);

		for (uint32_t k = 0; k < keys && r->side.n < n; k++) {
			uint64_t key = company * 8 + k;

			if (k == 1 && first_company != 0 && company % 10 == 1)
				key = (company + 3) * 8 + 1; /* a rival's */
			else if (k == 1 && first_company != 0 && company % 10 == 4)
				key = (company - 3) * 8 + 1;
			put(r, record, ranks[k], key, TYPICAL);
		}
	}
}

static void
shuffle(struct roster *r)
{
	for (size_t i = r->side.n - 1; i > 0; i--) {
		size_t k = draw((uint32_t)i + 1);
		uint8_t t[16], b;
		uint32_t w;

		memcpy(t, r->tag + 16 * i, 16);
		memcpy(r->tag + 16 * i, r->tag + 16 * k, 16);
		memcpy(r->tag + 16 * k, t, 16);
		w = r->record[i], r->record[i] = r->record[k], r->record[k] = w;
		b = r->rank[i], r->rank[i] = r->rank[k], r->rank[k] = b;
		b = r->label[i], r->label[i] = r->label[k], r->label[k] = b;
		b = r->fit[i], r->fit[i] = r->fit[k], r->fit[k] = b;
	}
}

static void
fill(struct roster *r, size_t n, enum shape shape, int side)
{
	roster_new(r, n);
	if (shape == TYPICAL)
		fill_typical(r, n, side == 0 ? 0 : n / 4); /* n / 2 companies a side */
	else
		for (uint32_t i = 0; i < n; i++)
			put(r, i, OV_RANK_DOMAIN, i, shape);
	shuffle(r);
}

static double
now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Value of a line such as VmHWM in kB. */
static double
status_kib(const char *name)
{
	FILE *f = must(fopen("/proc/self/status", "r"));
	char line[256];
	double kib = 0;

	while (fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, name, strlen(name)) == 0)
			kib = strtod(line + strlen(name) + 1, NULL);
	fclose(f);
	return kib;
}

static double
run(const struct roster *a, const struct roster *b, size_t pairs[2])
{
	double start = now_s();
	struct ov_join_list list[2];
	struct ov_join *j;

	if (ov_join_new(&j, &a->side, &b->side, ov_veto_default) != OV_OK ||
	    ov_join_list(j, OV_JOIN_A, OV_LEVEL_MATCHES, &list[0]) != OV_OK ||
	    ov_join_list(j, OV_JOIN_B, OV_LEVEL_MATCHES, &list[1]) != OV_OK) {
		fprintf(stderr, "bench_join: the join failed\n");
		exit(1);
	}
	start = now_s() - start;
	for (int i = 0; i < 2; i++) {
		pairs[i] = list[i].n;
		ov_join_list_fini(&list[i]);
	}
	ov_join_free(j);
	return start;
}

static int
by_value(const void *x, const void *y)
{
	double a = *(const double *)x, b = *(const double *)y;

	return (a > b) - (a < b);
}

static void
bench(const char *name, enum shape shape, size_t n)
{
	double before = status_kib("VmRSS"), times[RUNS], bytes;
	struct roster a, b;
	size_t pairs[2] = { 0, 0 };

	fill(&a, n, shape, 0);
	fill(&b, n, shape, 1);
	for (int i = 0; i < RUNS; i++)
		times[i] = run(&a, &b, pairs);
	bytes = (status_kib("VmHWM") - before) * 1024;
	qsort(times, RUNS, sizeof(times[0]), by_value);
	printf("%-8s slots=%zu+%zu pairs=%zu/%zu least_s=%.3f median_s=%.3f "
	       "bytes_per_slot=%.1f\n",
	    name, n, n, pairs[0], pairs[1], times[0], times[RUNS / 2],
	    bytes / (2.0 * (double)n));
	roster_free(&a);
	roster_free(&b);
}

int
main(int argc, char **argv)
{
	static const char *const names[] = { "typical", "all", "forged" };
	long log2_n = argc > 1 ? strtol(argv[1], NULL, 10) : 20;
	int status = 0;

	if (argc > 2 || log2_n < 4 || log2_n > 27 || ov_crypto_init() != OV_OK) {
		fprintf(stderr, "usage: bench_join [LOG2_SLOTS from 4 to 27]\n");
		return 2;
	}
	ov_heap_init(); /* as the broker does */
	for (int shape = TYPICAL; shape <= FORGED; shape++) {
		pid_t child = fork();

		if (child == 0) {
			bench(names[shape], (enum shape)shape, (size_t)1 << log2_n);
			fflush(stdout);
			_exit(0);
		}
		if (child < 0 || waitpid(child, &status, 0) < 0 || status != 0)
			return 1;
	}
	return 0;
}
