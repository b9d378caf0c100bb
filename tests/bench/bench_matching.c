/* bench_matching.c - how many true pairs of real lists are found, and how many false.
 *
 * usage: bench_matching [DATA_DIRECTORY] [--verbose] [--previous] [--rules-alone]
 *        bench_matching DATA_DIRECTORY LIST LIST [KEY]
 *
 * DATA_DIRECTORY (../shared/data) holds lists/ (CSV) and truth/ (pairs of rows that have
 * one external key).  Each pair of lists goes through import, merging, keys and join as
 * users' lists do (matching_lists.h), by one kind of key at a time and by all.  A pair
 * found is true if the truth has a pair of its rows, false where one of its rows is in
 * another pair of the truth or both have an external key, and unknown otherwise.  Pairs
 * that tests/bench/truth_errors.txt sets aside are left out of all three.  First come the
 * families of tests/data/lists.  --verbose
 * prints what was missed, false and unknown; --previous goes by the profile before;
 * --rules-alone leaves out the other names of well-known companies (other_names.txt),
 * which say nothing about lists of other companies.
 *
 * Precision and recall by all keys have floors, printed beside them: falling under one is
 * an error (exit 1), but for --previous and --rules-alone, which are there to compare.
 * Lists that are not there are skipped, saying so.  The second form measures any two
 * lists whose rows have an external key in the column KEY; without one it prints all that
 * matches but rows of the same name, to be read by eye.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "client/book/table.h"
#include "client/normalise/profile.h"
#include "common/crypto/memory.h"
#include "matching_lists.h"

struct pair {
	const char *a, *b;
	const char *suffix; /* of the file of truth; NULL: there is none */
	const char *key;
	bool names_only;
	struct floor {
		double precision, recall;
	} floor;
};

static const struct pair pairs[] = {
	{ "fortune1000_2015", "fortune1000_2022", "tk", "ticker", false, { .985, .98 } },
	{ "yc_2014", "yc_2023", "cb", "cb", false, { .96, .95 } },
	{ "sp500", "sec", "cik", "cik", true, { .99, .94 } },
	{ "fortune1000_2022", "sec", "tk", "ticker", true, { .99, .97 } },
};

/* Of tests/data/lists, by hand. */
static const struct pair families = { "families_a", "families_b", NULL, "org", false,
	{ .90, .98 } };

#define NAMES (OV_RANK_BIT(OV_RANK_NAME_COUNTRY) | OV_RANK_BIT(OV_RANK_NAME))
#define USUAL (OV_RANK_BIT(OV_RANK_DOMAIN) | OV_RANK_BIT(OV_RANK_NAME_COUNTRY))

static bool verbose, has_floors, failed;
static const struct ov_profile *profile;
static struct ov_profile alone; /* the same without other names */

/* --- truth --- */

struct known {
	struct bench_row *a, *b;
	bool aside;
};

struct truth {
	struct known *pair;
	size_t n, cap;
	char name[256];
	struct bench_list *a, *b;
};

/* Does truth_errors.txt have "PAIR TAB NAME TAB NAME TAB reason"? */
static bool
is_set_aside(const struct truth *t, const struct bench_row *a, const struct bench_row *b)
{
	char line[512], want[512];
	bool hit = false;
	FILE *f = fopen(OV_SOURCE_DIR "/tests/bench/truth_errors.txt", "r");

	if (f == NULL)
		return false;
	snprintf(want, sizeof(want), "%s\t%s\t%s\t", t->name, a->name, b->name);
	while (!hit && fgets(line, sizeof(line), f) != NULL)
		hit = strncmp(line, want, strlen(want)) == 0;
	fclose(f);
	return hit;
}

static void
add_known(struct truth *t, struct bench_row *a, struct bench_row *b)
{
	if (t->n == t->cap) {
		t->cap = t->cap * 2 + 1024;
		t->pair = bench_need(realloc(t->pair, t->cap * sizeof(*t->pair)));
	}
	t->pair[t->n++] = (struct known){ a, b, is_set_aside(t, a, b) };
}

static enum ov_status
take_known(void *ctx, const struct ov_table_row *row)
{
	struct truth *t = ctx;

	if (row->number > 0)
		add_known(t,
		    bench_need(bench_list_find(t->a, (const char *)row->field[0].p)),
		    bench_need(bench_list_find(t->b, (const char *)row->field[3].p)));
	return OV_OK;
}

/* Without a file of truth: rows that have the same key. */
static void
make_truth(struct truth *t)
{
	snprintf(t->name, sizeof(t->name), "%s__%s", t->a->name, t->b->name);
	for (size_t i = 0; i < t->a->n; i++)
		for (size_t k = 0; k < t->b->n && t->a->rows[i].key[0] != '\0'; k++)
			if (strcmp(t->a->rows[i].key, t->b->rows[k].key) == 0)
				add_known(t, &t->a->rows[i], &t->b->rows[k]);
}

static bool
read_truth(struct truth *t, const char *dir, const struct pair *p)
{
	struct ov_fault fault;
	char path[4096];
	FILE *f;

	snprintf(t->name, sizeof(t->name), "%s__%s__%s", p->a, p->b, p->suffix);
	snprintf(path, sizeof(path), "%s/truth/%s.csv", dir, t->name);
	f = fopen(path, "rb");
	if (f == NULL)
		return false;
	if (ov_table_read(f, ',', take_known, t, NULL, &fault) != OV_OK)
		exit(1);
	fclose(f);
	return true;
}

/* --- judging --- */

static void
show(const char *what, const struct bench_row *a, const struct bench_row *b,
    const char *value)
{
	printf("  %s: %s | %s | %s | %s  ==  %s | %s | %s | %s  (%s)\n", what, a->name,
	    a->website, a->country, a->key, b->name, b->website, b->country, b->key,
	    value);
}

/* The first row of each side in each pair, and whether any of its rows has a key. */
struct ends {
	struct bench_row *a, *b;
	bool key_a, key_b, is_true, touched, aside;
};

static void
gather_ends(struct ends *e, const struct truth *t)
{
	for (size_t i = 0; i < t->a->n; i++) {
		struct bench_row *r = &t->a->rows[i];

		if (r->pair == NO_PAIR)
			continue;
		e[r->pair].a = e[r->pair].a != NULL ? e[r->pair].a : r;
		e[r->pair].key_a = e[r->pair].key_a || r->key[0] != '\0';
	}
	for (size_t i = 0; i < t->b->n; i++) {
		struct bench_row *r = &t->b->rows[i];

		if (r->pair == NO_PAIR)
			continue;
		e[r->pair].b = e[r->pair].b != NULL ? e[r->pair].b : r;
		e[r->pair].key_b = e[r->pair].key_b || r->key[0] != '\0';
	}
	for (size_t k = 0; k < t->n; k++) {
		const struct known *w = &t->pair[k];

		if (w->aside)
			continue;
		if (w->a->pair != NO_PAIR && w->a->pair == w->b->pair)
			e[w->a->pair].is_true = true;
		if (w->a->pair != NO_PAIR)
			e[w->a->pair].touched = true;
		if (w->b->pair != NO_PAIR)
			e[w->b->pair].touched = true;
	}
}

/* The same company of the first list in pair k and in another: it has several rows in the
 * second one. */
static bool
is_same(const struct truth *t, size_t k, size_t other)
{
	return t->pair[k].a == t->pair[other].a && !t->pair[other].aside &&
	       strcmp(t->pair[k].b->key, t->pair[other].b->key) == 0;
}

static bool
is_first(const struct truth *t, size_t k)
{
	for (size_t i = 0; i < k; i++)
		if (is_same(t, k, i))
			return false;
	return true;
}

static bool
is_found(const struct truth *t, size_t k)
{
	for (size_t i = k; i < t->n; i++)
		if (is_same(t, k, i) && t->pair[i].a->pair != NO_PAIR &&
		    t->pair[i].a->pair == t->pair[i].b->pair)
			return true;
	return false;
}

struct score {
	size_t known, found, ok, wrong, unknown;
};

static void
judge(struct score *s, const struct bench_pairs *p, const struct truth *t, bool tell)
{
	struct ends *e = bench_need(calloc(p->n + 1, sizeof(*e)));

	gather_ends(e, t);
	for (size_t i = 0; i < p->n; i++) {
		if (e[i].a == NULL || e[i].b == NULL) {
			fprintf(stderr, "bench_matching: a pair without rows\n");
			exit(1);
		}
		if (e[i].is_true) {
			s->ok++;
			continue;
		}
		if (is_set_aside(t, e[i].a, e[i].b))
			continue;
		if (e[i].touched || (e[i].key_a && e[i].key_b))
			s->wrong++;
		else
			s->unknown++;
		if (tell)
			show(e[i].touched || (e[i].key_a && e[i].key_b) ? "false"
									: "unknown",
			    e[i].a, e[i].b, p->pair[i].value);
	}
	for (size_t k = 0; k < t->n; k++) {
		bool found;

		if (t->pair[k].aside || !is_first(t, k))
			continue;
		found = is_found(t, k);
		s->known++;
		s->found += found;
		if (!found && tell)
			show("missed", t->pair[k].a, t->pair[k].b, "");
	}
	free(e);
}

static void
check_floor(const struct pair *p, double precision, double recall)
{
	if (!has_floors)
		return;
	printf("%s x %s\tfloors\tprecision %.4f\trecall %.4f\n", p->a, p->b,
	    p->floor.precision, p->floor.recall);
	if (precision >= p->floor.precision && recall >= p->floor.recall)
		return;
	fprintf(stderr,
	    "bench_matching: %s x %s: precision %.4f, recall %.4f are under the floors "
	    "%.4f, %.4f\n",
	    p->a, p->b, precision, recall, p->floor.precision, p->floor.recall);
	failed = true;
}

/* all: by all keys that are usual, which has the floors; what is wrong is told. */
static void
measure_with(
    const struct pair *p, const char *label, uint8_t ranks, struct truth *t, bool all)
{
	struct bench_pairs found;
	struct score s = { 0 };
	double precision, recall;

	bench_match(&found, t->a, t->b, profile, ranks);
	judge(&s, &found, t, all && verbose);
	precision = (double)s.ok / (double)(s.ok + s.wrong);
	recall = (double)s.found / (double)s.known;
	printf("%s x %s\t%s\tprecision %.4f\trecall %.4f\t(%zu true, %zu found, %zu "
	       "false, %zu unknown)\n",
	    p->a, p->b, label, precision, recall, s.known, s.found, s.wrong, s.unknown);
	if (all)
		check_floor(p, precision, recall);
	bench_pairs_free(&found);
}

static int
by_record(const void *x, const void *y)
{
	const struct bench_row *a = *(struct bench_row *const *)x;
	const struct bench_row *b = *(struct bench_row *const *)y;

	return a->record < b->record ? -1 : a->record > b->record;
}

/* Rows that became one account although their external keys differ. */
static void
measure_book(const struct bench_list *l)
{
	struct bench_row **rows = bench_need(malloc((l->n + 1) * sizeof(*rows)));
	size_t merged = 0, wrong = 0, n = 0;

	for (size_t i = 0; i < l->n; i++)
		if (l->rows[i].record >= 0)
			rows[n++] = &l->rows[i];
	qsort(rows, n, sizeof(*rows), by_record);
	for (size_t i = 1; i < n; i++) {
		struct bench_row *a = rows[i - 1], *b = rows[i];

		if (a->record != b->record)
			continue;
		merged++;
		if (a->key[0] == '\0' || b->key[0] == '\0' || strcmp(a->key, b->key) == 0)
			continue;
		wrong++;
		if (verbose)
			show("merged", a, b, "");
	}
	printf("%s\tbook\t%zu rows, %zu with keys, %zu merged into others, %zu of them "
	       "with another external key\n",
	    l->name, l->n, n, merged, wrong);
	free(rows);
}

static bool
measure(const char *dir, const struct pair *p)
{
	struct bench_list a, b;
	struct truth t = { .a = &a, .b = &b };
	bool there = bench_list_open(&a, dir, p->a, p->key);

	there = bench_list_open(&b, dir, p->b, p->key) && there;
	if (there && p->suffix == NULL)
		make_truth(&t);
	else
		there = there && read_truth(&t, dir, p);
	if (there && p->names_only) {
		measure_with(p, "names alone", NAMES, &t, true);
	} else if (there) {
		measure_with(p, "domain", OV_RANK_BIT(OV_RANK_DOMAIN), &t, false);
		measure_with(
		    p, "name+country", OV_RANK_BIT(OV_RANK_NAME_COUNTRY), &t, false);
		measure_with(p, "bare names too", USUAL | NAMES, &t, false);
		measure_with(p, "overall", USUAL, &t, true);
		measure_book(&a);
		measure_book(&b);
	}
	free(t.pair);
	bench_list_close(&a);
	bench_list_close(&b);
	return there;
}

/* --- by eye --- */

static int
print_matches(const char *dir, const char *first, const char *second)
{
	struct bench_list a, b;
	struct truth t = { .a = &a, .b = &b };
	struct bench_pairs found;
	struct ends *e;

	if (!bench_list_open(&a, dir, first, NULL) ||
	    !bench_list_open(&b, dir, second, NULL)) {
		fprintf(stderr, "bench_matching: no such list in %s/lists\n", dir);
		return 2;
	}
	bench_match(&found, &a, &b, profile, USUAL | NAMES);
	e = bench_need(calloc(found.n + 1, sizeof(*e)));
	gather_ends(e, &t);
	for (size_t i = 0; i < found.n; i++)
		if (strcasecmp(e[i].a->name, e[i].b->name) != 0 ||
		    found.pair[i].rank != OV_RANK_DOMAIN)
			show(ov_rank_kind(found.pair[i].rank), e[i].a, e[i].b,
			    found.pair[i].value);
	printf("%zu matches of %zu and %zu rows\n", found.n, a.n, b.n);
	free(e);
	bench_pairs_free(&found);
	bench_list_close(&a);
	bench_list_close(&b);
	return 0;
}

/* --- speed --- */

static void
speed(const char *dir)
{
	enum { ROUNDS = 20 };
	char value[OV_TOKEN_VALUE_CAP];
	struct timespec from, to;
	struct bench_list l;
	size_t n = 0;
	double us;

	if (!bench_list_open(&l, dir, "yc_2023", NULL))
		return;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
	for (int r = 0; r < ROUNDS; r++)
		for (size_t i = 0; i < l.n; i++, n++) {
			const char *name = l.rows[i].name, *site = l.rows[i].website;

			(void)ov_normalise_name_country(
			    profile, value, name, strlen(name), "US");
			(void)ov_normalise_domain(
			    profile, value, site, strlen(site), OV_FROM_WEBSITE);
		}
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
	us = (double)(to.tv_sec - from.tv_sec) * 1e6 +
	     (double)(to.tv_nsec - from.tv_nsec) / 1e3;
	printf("speed\tname+country and domain\t%.2f us of one core a row\n",
	    us / (double)n);
	bench_list_close(&l);
}

static const char usage[] =
    "usage: bench_matching [DATA_DIRECTORY] [--verbose] [--previous] [--rules-alone]\n"
    "       bench_matching DATA_DIRECTORY LIST LIST [KEY]\n"
    "\n"
    "Precision and recall of every pair of lists with truth, by each key and by all.\n"
    "Exits with 1 where all keys together are under the floors that are printed beside\n"
    "them; --previous (the profile before) and --rules-alone (without the names of\n"
    "well-known companies) have none.  --verbose prints what was missed, and false "
    "pairs.\n"
    "The second form measures two other lists by the column KEY, or prints their "
    "pairs.\n";

static int
measure_all(const char *dir)
{
	(void)measure(OV_SOURCE_DIR "/tests/data", &families);
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		if (!measure(dir, &pairs[i]))
			printf("skipped: %s holds no %s and %s with their truth\n", dir,
			    pairs[i].a, pairs[i].b);
	speed(dir);
	return failed ? 1 : 0;
}

int
main(int argc, char **argv)
{
	const char *words[4] = { OV_SOURCE_DIR "/../shared/data" };
	bool rules_alone = false;
	int status;
	size_t n = 0;

	if (ov_crypto_init() != OV_OK || ov_normalise_init() != OV_OK)
		return 1;
	profile = ov_profile_current();
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--help") == 0) {
			fputs(usage, stdout);
			return 0;
		}
		if (strcmp(argv[i], "--verbose") == 0)
			verbose = true;
		else if (strcmp(argv[i], "--previous") == 0)
			profile = ov_profile_at(1);
		else if (strcmp(argv[i], "--rules-alone") == 0)
			rules_alone = true;
		else if (argv[i][0] != '-' && n < 4)
			words[n++] = argv[i];
		else
			n = 5;
	}
	if (n == 2 || n > 4) {
		fputs(usage, stderr);
		return 2;
	}
	if (rules_alone) {
		alone = *profile;
		alone.others = NULL;
		profile = &alone;
	}
	if (n == 3)
		return print_matches(words[0], words[1], words[2]);
	if (n == 4)
		return measure(words[0], &(struct pair){ words[1], words[2], NULL,
					     words[3], false, { 0, 0 } })
			   ? 0
			   : 2;
	has_floors = !rules_alone && profile == ov_profile_current();
	status = measure_all(words[0]);
	ov_normalise_fini();
	return status;
}
