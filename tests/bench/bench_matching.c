/* bench_matching.c - how many true pairs of real lists the normalised keys find.
 *
 * usage: bench_matching DATA_DIRECTORY [--verbose]
 *
 * DATA_DIRECTORY holds lists/ (CSV) and truth/ (pairs of rows with one external key).
 * Each pair of lists is tokenised (website to domain, name and country, CIK where both
 * lists have one and it is not itself the truth; bare names where a list has no
 * countries), rows of one list that share a domain or a name are one record, and
 * records are joined greedily one to one by strongest shared rank, then more shared
 * tokens, then smallest.  A found pair is false where either row has another partner in
 * the truth, or both have an external key; pairs of rows that the truth does not know
 * or that tests/bench/truth_errors.txt names are only counted.
 */
#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/normalise/normalise.h"
#include "proto/rank.h"

#define COLUMNS 16
#define HOUSE_NAMES 5 /* so many names on one domain are not one company */

struct row {
	char *cell[COLUMNS];
	uint32_t record; /* smallest row of its record */
	bool has_domain, has_country;
	char bare[OV_TOKEN_VALUE_CAP];
	struct ov_name_tail tail;
};

struct csv {
	char *text;
	struct row *rows;
	size_t n;
};

enum column { ID, NAME, WEBSITE, COUNTRY, TICKER, CIK, CB, COLUMN_KINDS };
static const char *const column_names[COLUMN_KINDS] = { "id", "name", "website",
	"country", "ticker", "cik", "cb" };

struct pair {
	const char *a, *b, *suffix;
	enum column key;
	bool names_only;
};

static const struct pair pairs[] = {
	{ "fortune1000_2015", "fortune1000_2022", "tk", TICKER, false },
	{ "yc_2014", "yc_2023", "cb", CB, false },
	{ "sp500", "sec", "cik", CIK, true },
	{ "fortune1000_2022", "sec", "tk", TICKER, true },
};

struct token {
	uint8_t rank, side;
	uint32_t row;
	char *value;
};

struct edge {
	uint32_t a, b;
	uint8_t rank, ranks;
	uint32_t shared;
	const char *value;
};

static bool verbose;

static void *
need(void *p)
{
	if (p == NULL) {
		fprintf(stderr, "bench_matching: out of memory\n");
		exit(1);
	}
	return p;
}

/* --- lists --- */

static char *
slurp(const char *dir, const char *sub, const char *name)
{
	char path[4096], *text;
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s/%s.csv", dir, sub, name);
	f = fopen(path, "rb");
	if (f == NULL)
		return NULL;
	text = need(malloc(16U << 20));
	n = fread(text, 1, (16U << 20) - 1, f);
	text[n] = '\0';
	fclose(f);
	return text;
}

/* One record of RFC 4180 in place; the start of the next. */
static char *
next_record(char *p, char *cell[COLUMNS])
{
	for (size_t c = 0; c < COLUMNS; c++)
		cell[c] = NULL;
	for (size_t c = 0; c < COLUMNS; c++) {
		bool quoted = *p == '"';
		char *out = quoted ? ++p : p;

		cell[c] = out;
		for (; *p != '\0'; p++) {
			if (quoted && *p == '"' && *++p != '"')
				quoted = false;
			if (!quoted && (*p == ',' || *p == '\n' || *p == '\r'))
				break;
			*out++ = *p;
			if (*p == '\0')
				break;
		}
		if (*p == '\r')
			p++;
		if (*p != ',') {
			char *end = *p == '\0' ? p : p + 1;

			*out = '\0';
			return end;
		}
		p++;
		*out = '\0';
	}
	return p;
}

static bool
load(struct csv *out, const char *dir, const char *sub, const char *name,
    const char *const *wanted, size_t n)
{
	char *cell[COLUMNS], *p;
	size_t at[COLUMNS], cap = 0;

	*out = (struct csv){ .text = slurp(dir, sub, name) };
	if (out->text == NULL)
		return false;
	p = next_record(out->text, cell);
	for (size_t k = 0; k < n; k++)
		for (at[k] = 0; at[k] < COLUMNS && cell[at[k]] != NULL &&
				strcmp(cell[at[k]], wanted[k]) != 0;)
			at[k]++;
	while (*p != '\0') {
		if (out->n == cap)
			out->rows = need(realloc(
			    out->rows, (cap = cap * 2 + 1024) * sizeof(*out->rows)));
		p = next_record(p, cell);
		for (size_t k = 0; k < n; k++)
			out->rows[out->n].cell[k] = at[k] < COLUMNS && cell[at[k]] != NULL
							? cell[at[k]]
							: p + strlen(p);
		out->rows[out->n].record = (uint32_t)out->n;
		out->rows[out->n].has_domain = out->rows[out->n].has_country = false;
		out->n++;
	}
	return true;
}

static void
unload(struct csv *c)
{
	free(c->text);
	free(c->rows);
}

/* --- tokens --- */

struct tokens {
	struct token *t;
	size_t n, cap;
};

static void
add(struct tokens *list, uint8_t rank, uint8_t side, uint32_t row, const char *value)
{
	if (list->n == list->cap)
		list->t = need(realloc(
		    list->t, (list->cap = list->cap * 2 + 1024) * sizeof(*list->t)));
	list->t[list->n++] = (struct token){ rank, side, row, need(strdup(value)) };
}

static void
add_names(struct tokens *list, struct row *r, uint8_t side, uint32_t i, bool names_only,
    bool bare)
{
	char value[OV_TOKEN_VALUE_CAP], cc[OV_COUNTRY_CAP];
	const char *name = r->cell[NAME], *country = r->cell[COUNTRY];

	(void)ov_normalise_name_parts(
	    ov_profile_current(), r->bare, &r->tail, name, strlen(name), NULL);
	(void)ov_normalise_country(ov_profile_current(), cc, country, strlen(country));
	if (!names_only && ov_normalise_name_country(ov_profile_current(), value, name,
			       strlen(name), cc) == OV_DROP_NONE) {
		add(list, OV_RANK_NAME_COUNTRY, side, i, value);
		r->has_country = true;
	}
	if ((names_only || bare) && r->bare[0] != '\0')
		add(list, OV_RANK_NAME, side, i, r->bare);
}

static void
tokenise(
    struct tokens *list, struct csv *c, uint8_t side, const struct pair *p, bool bare)
{
	char value[OV_TOKEN_VALUE_CAP];

	for (uint32_t i = 0; i < c->n; i++) {
		struct row *r = &c->rows[i];
		const char *site = r->cell[WEBSITE];

		if (!p->names_only &&
		    ov_normalise_domain(ov_profile_current(), value, site, strlen(site),
			OV_FROM_WEBSITE) == OV_DROP_NONE)
			add(list, OV_RANK_DOMAIN, side, i, value);
		add_names(list, r, side, i, p->names_only, bare);
	}
}

static int
by_value(const void *x, const void *y)
{
	const struct token *a = x, *b = y;
	int d = strcmp(a->value, b->value);

	if (a->rank != b->rank)
		return a->rank < b->rank ? -1 : 1;
	if (d != 0)
		return d;
	if (a->side != b->side)
		return a->side < b->side ? -1 : 1;
	return a->row < b->row ? -1 : a->row > b->row;
}

static uint32_t
find(struct csv *c, uint32_t i)
{
	while (c->rows[i].record != i)
		i = c->rows[i].record = c->rows[c->rows[i].record].record;
	return i;
}

static bool
same_group(const struct token *a, const struct token *b)
{
	return a->rank == b->rank && strcmp(a->value, b->value) == 0;
}

static void
join_rows(struct csv *c, uint32_t a, uint32_t b)
{
	uint32_t x = find(c, a), y = find(c, b);

	c->rows[x > y ? x : y].record = x > y ? y : x;
}

static void
drop(struct token *t)
{
	t->rank = 0;
}

/* --- the rows of one book (client/normalise/NOTES.md) --- */

/* The bare name is the domain's first label without hyphens, or one begins the other. */
static bool
is_house(const struct row *r, const char *domain)
{
	char label[OV_TOKEN_VALUE_CAP];
	size_t n = 0, m = strlen(r->bare), least;

	for (; *domain != '.' && *domain != '\0'; domain++)
		if (*domain != '-')
			label[n++] = *domain;
	label[n] = '\0';
	least = n < m ? n : m;
	return strncmp(label, r->bare, least) == 0 && (n == m || least >= 4);
}

static void
merge_domain(struct token *t, size_t n, struct csv *c)
{
	size_t distinct = 0;

	for (size_t i = 0; i < n; i++) {
		bool seen = false;

		for (size_t k = 0; k < i && !seen; k++)
			seen =
			    strcmp(c->rows[t[k].row].bare, c->rows[t[i].row].bare) == 0;
		distinct += seen ? 0 : 1;
	}
	for (size_t i = 0, first = n; i < n; i++) {
		if (distinct >= HOUSE_NAMES &&
		    !is_house(&c->rows[t[i].row], t[i].value)) {
			drop(&t[i]);
			continue;
		}
		c->rows[t[i].row].has_domain = true;
		first = first == n ? i : first;
		join_rows(c, t[first].row, t[i].row);
	}
}

static bool
apart(const struct row *a, const struct row *b)
{
	if (a->record == b->record)
		return false;
	return strcmp(a->tail.structure, b->tail.structure) != 0 ||
	       (a->tail.form[0] != '\0' && b->tail.form[0] != '\0' &&
		   strcmp(a->tail.form, b->tail.form) != 0);
}

/* Row i has another domain than another row of its name, or, for bare names, another
 * country. */
static bool
rivals(const struct token *t, size_t n, struct csv *c, size_t i)
{
	const struct row *r = &c->rows[t[i].row];

	for (size_t k = 0; k < n; k++) {
		const struct row *o = &c->rows[t[k].row];
		bool both =
		    (r->has_domain && o->has_domain) ||
		    (t[i].rank == OV_RANK_NAME && r->has_country && o->has_country);

		if (both && find(c, t[i].row) != find(c, t[k].row))
			return true;
	}
	return false;
}

static bool
keeps_short(const struct token *t, size_t n, const struct csv *c, size_t i)
{
	const struct row *r = &c->rows[t[i].row];
	bool alone = true;

	for (size_t k = 0; k < n; k++) {
		const struct row *o = &c->rows[t[k].row];

		if (!apart(r, o))
			continue;
		alone = false;
		if (r->tail.structure[0] != '\0' || o->tail.structure[0] == '\0')
			return false;
	}
	return alone || r->tail.structure[0] == '\0';
}

static void
lengthen(struct token *t, const struct row *r)
{
	size_t n = strlen(t->value) + 2 * OV_NAME_TAIL_CAP;
	char *value = need(malloc(n));

	snprintf(value, n, "%s%s%s", t->value, r->tail.structure, r->tail.form);
	free(t->value);
	t->value = value;
}

static void
merge_name(struct token *t, size_t n, struct csv *c)
{
	enum { KEEP, LONG, GONE } *fate = need(calloc(n, sizeof(*fate)));

	for (size_t i = 0; i < n; i++)
		(void)find(c, t[i].row);
	for (size_t i = 0; i < n; i++)
		fate[i] = rivals(t, n, c, i)	    ? GONE
			  : keeps_short(t, n, c, i) ? KEEP
						    : LONG;
	for (size_t i = 0; i < n; i++)
		for (size_t k = i + 1; k < n; k++)
			if (fate[i] == fate[k] && fate[i] != GONE &&
			    !apart(&c->rows[t[i].row], &c->rows[t[k].row]))
				join_rows(c, t[i].row, t[k].row);
	for (size_t i = 0; i < n; i++) {
		if (fate[i] == GONE)
			drop(&t[i]);
		else if (fate[i] == LONG)
			lengthen(&t[i], &c->rows[t[i].row]);
	}
	free(fate);
}

static void
merge(struct tokens *list, struct csv *sides[2])
{
	size_t kept = 0;

	for (size_t i = 0, j; i < list->n; i = j) {
		struct token *t = &list->t[i];

		for (j = i; j < list->n && same_group(t, &list->t[j]) &&
			    list->t[j].side == t->side;)
			j++;
		if (t->rank == OV_RANK_DOMAIN)
			merge_domain(t, j - i, sides[t->side]);
		else
			merge_name(t, j - i, sides[t->side]);
	}
	for (size_t i = 0; i < list->n; i++) {
		if (list->t[i].rank == 0) {
			free(list->t[i].value);
			continue;
		}
		list->t[kept] = list->t[i];
		list->t[kept].row = find(sides[list->t[i].side], list->t[i].row);
		kept++;
	}
	list->n = kept;
	for (size_t i = 0; i < kept; i++)
		if (list->t[i].rank == OV_RANK_NAME_COUNTRY)
			sides[list->t[i].side]->rows[list->t[i].row].has_country = true;
	qsort(list->t, list->n, sizeof(*list->t), by_value);
}

/* --- join --- */

static int
by_pair(const void *x, const void *y)
{
	const struct edge *a = x, *b = y;

	if (a->a != b->a)
		return a->a < b->a ? -1 : 1;
	if (a->b != b->b)
		return a->b < b->b ? -1 : 1;
	return a->rank < b->rank ? -1 : a->rank > b->rank;
}

static int
by_order(const void *x, const void *y)
{
	const struct edge *a = x, *b = y;

	if (a->rank != b->rank)
		return a->rank < b->rank ? -1 : 1;
	if (a->shared != b->shared)
		return a->shared > b->shared ? -1 : 1;
	return strcmp(a->value, b->value);
}

static struct edge *
edges_of(const struct tokens *list, struct csv *sides[2], size_t *n)
{
	struct edge *e = NULL;
	size_t cap = 0, out = 0;

	*n = 0;
	for (size_t i = 0, j; i < list->n; i = j) {
		for (j = i; j < list->n && same_group(&list->t[i], &list->t[j]); j++)
			;
		for (size_t x = i; x < j && list->t[x].side == 0; x++)
			for (size_t y = x + 1; y < j; y++) {
				const struct token *a = &list->t[x], *b = &list->t[y];

				if (b->side == 0 || (x > i && a[-1].row == a->row) ||
				    (b[-1].side == 1 && b[-1].row == b->row && y > i + 1))
					continue;
				if (*n == cap)
					e = need(realloc(
					    e, (cap = cap * 2 + 1024) * sizeof(*e)));
				e[(*n)++] = (struct edge){ a->row, b->row, a->rank,
					OV_RANK_BIT(a->rank) & 0xff, 1, a->value };
			}
	}
	if (*n == 0)
		return e;
	qsort(e, *n, sizeof(*e), by_pair);
	for (size_t i = 1; i < *n; i++)
		if (e[i].a == e[out].a && e[i].b == e[out].b) {
			e[out].shared++;
			e[out].ranks |= e[i].ranks;
		} else {
			e[++out] = e[i];
		}
	cap = out + 1;
	*n = 0;
	/* name+country vetoes a bare name (ov_veto_default) */
	for (size_t i = 0; i < cap; i++)
		if (e[i].rank != OV_RANK_NAME || !sides[0]->rows[e[i].a].has_country ||
		    !sides[1]->rows[e[i].b].has_country)
			e[(*n)++] = e[i];
	qsort(e, *n, sizeof(*e), by_order);
	return e;
}

/* Keeps the accepted edges, in order. */
static size_t
accept(struct edge *e, size_t n, const struct csv *a, const struct csv *b)
{
	bool *used_a = need(calloc(a->n + 1, 1)), *used_b = need(calloc(b->n + 1, 1));
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		if (!used_a[e[i].a] && !used_b[e[i].b]) {
			used_a[e[i].a] = used_b[e[i].b] = true;
			e[kept++] = e[i];
		}
	free(used_a);
	free(used_b);
	return kept;
}

/* --- truth --- */

struct truth {
	struct csv csv;
	uint32_t (*pair)[2]; /* records, distinct */
	bool *found;
	size_t n;
	const char *name;
};

static const char *const truth_columns[] = { "a_id", "b_id" };

static uint32_t
row_of(struct csv *c, const char *id)
{
	for (uint32_t i = 0; i < c->n; i++)
		if (strcmp(c->rows[i].cell[ID], id) == 0)
			return find(c, i);
	fprintf(stderr, "bench_matching: the truth names row %s that is not there\n", id);
	exit(1);
}

/* True if tests/bench/truth_errors.txt has "pair TAB name TAB name TAB reason". */
static bool
set_aside(const char *pair, const char *a, const char *b)
{
	char line[512], want[512];
	bool hit = false;
	FILE *f = fopen(OV_SOURCE_DIR "/tests/bench/truth_errors.txt", "r");

	if (f == NULL)
		return false;
	snprintf(want, sizeof(want), "%s\t%s\t%s\t", pair, a, b);
	while (!hit && fgets(line, sizeof(line), f) != NULL)
		hit = strncmp(line, want, strlen(want)) == 0;
	fclose(f);
	return hit;
}

static void
read_truth(struct truth *t, const char *name, struct csv *sides[2])
{
	t->name = name;
	t->pair = need(calloc(t->csv.n + 1, sizeof(*t->pair)));
	t->found = need(calloc(t->csv.n + 1, 1));
	for (size_t i = 0; i < t->csv.n; i++) {
		char **cell = t->csv.rows[i].cell;
		uint32_t a = row_of(sides[0], cell[0]), b = row_of(sides[1], cell[1]);
		bool known = set_aside(
		    name, sides[0]->rows[a].cell[NAME], sides[1]->rows[b].cell[NAME]);

		for (size_t k = 0; k < t->n; k++)
			known = known || (t->pair[k][0] == a && t->pair[k][1] == b);
		if (known)
			continue;
		t->pair[t->n][0] = a;
		t->pair[t->n++][1] = b;
	}
}

enum verdict { TRUE_PAIR, FALSE_PAIR, UNKNOWN_PAIR };

static enum verdict
judge(struct truth *t, const struct edge *e, const struct pair *p, struct csv *sides[2])
{
	bool touched = false;

	for (size_t k = 0; k < t->n; k++) {
		bool a = t->pair[k][0] == e->a, b = t->pair[k][1] == e->b;

		if (a && b) {
			t->found[k] = true;
			return TRUE_PAIR;
		}
		touched = touched || a || b;
	}
	if (set_aside(t->name, sides[0]->rows[e->a].cell[NAME],
		sides[1]->rows[e->b].cell[NAME]))
		return UNKNOWN_PAIR;
	if (touched)
		return FALSE_PAIR;
	return sides[0]->rows[e->a].cell[p->key][0] != '\0' &&
		       sides[1]->rows[e->b].cell[p->key][0] != '\0'
		   ? FALSE_PAIR
		   : UNKNOWN_PAIR;
}

static void
show(const char *what, struct csv *sides[2], uint32_t a, uint32_t b, const char *value)
{
	char *const *x = sides[0]->rows[a].cell, *const *y = sides[1]->rows[b].cell;

	if (verbose)
		printf("  %s: %s | %s | %s | %s  ==  %s | %s | %s | %s  (%s)\n", what,
		    x[NAME], x[WEBSITE], x[COUNTRY], x[TICKER], y[NAME], y[WEBSITE],
		    y[COUNTRY], y[TICKER], value);
}

/* A truth pair is also met where either of its records is in another true pair: one
 * company with several rows that did not merge. */
static size_t
count_found(const struct truth *t, struct csv *sides[2])
{
	size_t found = 0;

	for (size_t k = 0; k < t->n; k++) {
		bool hit = t->found[k];

		for (size_t j = 0; j < t->n && !hit; j++)
			hit = t->found[j] && (t->pair[j][0] == t->pair[k][0] ||
						 t->pair[j][1] == t->pair[k][1]);
		found += hit ? 1 : 0;
		if (!hit)
			show("missed", sides, t->pair[k][0], t->pair[k][1], "");
	}
	return found;
}

static void
measure_with(const struct pair *p, const char *label, uint8_t ranks,
    const struct edge *all, size_t n, struct csv *sides[2], struct truth *t)
{
	struct edge *e = need(malloc((n + 1) * sizeof(*e)));
	size_t verdicts[3] = { 0 }, kept = 0, found;
	bool was = verbose;

	verbose = verbose && ranks == 0xff;
	for (size_t i = 0; i < n; i++)
		if ((all[i].ranks & ranks) != 0)
			e[kept++] = all[i];
	kept = accept(e, kept, sides[0], sides[1]);
	memset(t->found, 0, t->csv.n + 1);
	for (size_t i = 0; i < kept; i++) {
		enum verdict v = judge(t, &e[i], p, sides);

		verdicts[v]++;
		if (v != TRUE_PAIR)
			show(v == FALSE_PAIR ? "false" : "unknown", sides, e[i].a, e[i].b,
			    e[i].value);
	}
	found = count_found(t, sides);
	printf(
	    "%s x %s\t%s\tprecision %.4f\trecall %.4f\t(%zu true, %zu found, %zu false, "
	    "%zu unknown)\n",
	    p->a, p->b, label,
	    (double)verdicts[TRUE_PAIR] /
		(double)(verdicts[TRUE_PAIR] + verdicts[FALSE_PAIR]),
	    (double)found / (double)t->n, t->n, found, verdicts[FALSE_PAIR],
	    verdicts[UNKNOWN_PAIR]);
	verbose = was;
	free(e);
}

static void
measure_keys(const struct pair *p, bool bare, struct csv *sides[2], struct truth *t,
    const char *name)
{
	struct tokens list = { 0 };
	struct edge *e;
	size_t n;

	tokenise(&list, sides[0], 0, p, bare);
	tokenise(&list, sides[1], 1, p, bare);
	qsort(list.t, list.n, sizeof(*list.t), by_value);
	merge(&list, sides);
	read_truth(t, name, sides);
	e = edges_of(&list, sides, &n);
	if (!p->names_only && !bare) {
		measure_with(p, "domain", OV_RANK_BIT(OV_RANK_DOMAIN), e, n, sides, t);
		measure_with(
		    p, "name+country", OV_RANK_BIT(OV_RANK_NAME_COUNTRY), e, n, sides, t);
	}
	measure_with(
	    p, bare ? "overall, bare names too" : "overall", 0xff, e, n, sides, t);
	for (size_t i = 0; i < list.n; i++)
		free(list.t[i].value);
	free(list.t);
	free(e);
	free(t->pair);
	free(t->found);
}

static bool
measure(const char *dir, const struct pair *p, bool bare)
{
	struct csv a, b, *sides[2] = { &a, &b };
	struct truth t = { 0 };
	char name[256];
	bool there;

	snprintf(name, sizeof(name), "%s__%s__%s", p->a, p->b, p->suffix);
	there = load(&a, dir, "lists", p->a, column_names, COLUMN_KINDS);
	there = load(&b, dir, "lists", p->b, column_names, COLUMN_KINDS) && there;
	there = load(&t.csv, dir, "truth", name, truth_columns, 2) && there;
	if (there)
		measure_keys(p, bare, sides, &t, name);
	unload(&a);
	unload(&b);
	unload(&t.csv);
	return there;
}

/* --- speed --- */

static void
speed(const char *dir)
{
	enum { ROUNDS = 20 };
	char value[OV_TOKEN_VALUE_CAP];
	struct timespec from, to;
	size_t n = 0;
	struct csv c;
	double us;

	if (!load(&c, dir, "lists", "yc_2023", column_names, COLUMN_KINDS))
		return;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
	for (int r = 0; r < ROUNDS; r++)
		for (size_t i = 0; i < c.n; i++, n++) {
			const char *name = c.rows[i].cell[NAME],
				   *site = c.rows[i].cell[WEBSITE];

			(void)ov_normalise_name_country(
			    ov_profile_current(), value, name, strlen(name), "US");
			(void)ov_normalise_domain(ov_profile_current(), value, site,
			    strlen(site), OV_FROM_WEBSITE);
		}
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
	us = (double)(to.tv_sec - from.tv_sec) * 1e6 +
	     (double)(to.tv_nsec - from.tv_nsec) / 1e3;
	printf("speed\tname+country and domain\t%.2f us of one core a row\n",
	    us / (double)n);
	unload(&c);
}

int
main(int argc, char **argv)
{
	if (argc < 2 || (argc == 3 && strcmp(argv[2], "--verbose") != 0) || argc > 3) {
		fprintf(stderr, "usage: %s DATA_DIRECTORY [--verbose]\n", argv[0]);
		return 2;
	}
	verbose = argc == 3;
	if (ov_normalise_init() != OV_OK)
		return 1;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		if (!measure(argv[1], &pairs[i], false) ||
		    (!pairs[i].names_only && !measure(argv[1], &pairs[i], true))) {
			printf("skipped: %s holds no %s and %s with their truth\n",
			    argv[1], pairs[i].a, pairs[i].b);
			return 0;
		}
	speed(argv[1]);
	ov_normalise_fini();
	return 0;
}
