#include "matching_lists.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/book/book.h"
#include "client/schema.h"
#include "common/crypto/hash.h"
#include "proto/slots.h"
#include "server/join.h"

static void
must(enum ov_status st, const char *what)
{
	if (st == OV_OK)
		return;
	fprintf(stderr, "bench_matching: %s: %s\n", what, ov_status_text(st));
	exit(1);
}

void *
bench_need(void *p)
{
	if (p == NULL)
		must(OV_E_NOMEM, "memory");
	return p;
}

/* --- reading --- */

enum column { ID, NAME, WEBSITE, COUNTRY, KEY, COLUMNS };

struct reading {
	struct bench_list *list;
	const char *key;
	size_t at[COLUMNS], cap;
};

static char *
cell(const struct ov_table_row *row, size_t at)
{
	return bench_need(strdup(at < row->n ? (const char *)row->field[at].p : ""));
}

static void
find_columns(struct reading *r, const struct ov_table_row *headings)
{
	const char *names[COLUMNS] = { "id", "name", "website", "country", r->key };

	for (size_t c = 0; c < COLUMNS; c++) {
		r->at[c] = SIZE_MAX;
		for (size_t k = 0; names[c] != NULL && k < headings->n; k++)
			if (strcmp((const char *)headings->field[k].p, names[c]) == 0)
				r->at[c] = k;
	}
}

static enum ov_status
take_row(void *ctx, const struct ov_table_row *row)
{
	struct reading *r = ctx;
	struct bench_list *l = r->list;

	if (row->number == 0) {
		find_columns(r, row);
		return OV_OK;
	}
	if (l->n == r->cap) {
		r->cap = r->cap * 2 + 1024;
		l->rows = bench_need(realloc(l->rows, r->cap * sizeof(*l->rows)));
	}
	l->rows[l->n++] = (struct bench_row){ cell(row, r->at[ID]),
		cell(row, r->at[NAME]), cell(row, r->at[WEBSITE]),
		cell(row, r->at[COUNTRY]), cell(row, r->at[KEY]), -1, NO_PAIR };
	return OV_OK;
}

static void
open_book(struct bench_list *l)
{
	char path[] = "/tmp/bench_matching_XXXXXX";
	int fd = mkstemp(path);
	const char *const ends[] = { "", "-wal", "-shm" };
	char file[sizeof(path) + 8];

	if (fd < 0)
		must(OV_E_IO, path);
	close(fd);
	must(ov_db_open(&l->db, &(struct ov_db_options){ .path = path,
				    .migrations = ov_schema,
				    .n_migrations = ov_schema_n,
				    .application_id = 1,
				    .busy_timeout_ms = 1000 }),
	    path);
	for (size_t i = 0; i < 3; i++) { /* open files outlive their names */
		snprintf(file, sizeof(file), "%s%s", path, ends[i]);
		(void)unlink(file);
	}
}

static void
import(struct bench_list *l, FILE *f)
{
	struct ov_import_file *file = bench_need(calloc(1, sizeof(*file)));
	struct ov_import_result result = { .file = file, .n_files = 1 };
	const struct ov_import_options options = { .mode = OV_IMPORT_REPLACE };
	struct ov_fault fault;

	rewind(f);
	file->f = f;
	must(ov_book_import(&result, l->db, &options, &fault), l->name);
	free(file);
}

bool
bench_list_open(
    struct bench_list *out, const char *dir, const char *name, const char *key)
{
	struct reading r = { .list = out, .key = key };
	struct ov_fault fault;
	char path[4096];
	FILE *f;

	*out = (struct bench_list){ .name = name };
	snprintf(path, sizeof(path), "%s/lists/%s.csv", dir, name);
	f = fopen(path, "rb");
	if (f == NULL)
		return false;
	must(ov_table_read(f, ',', take_row, &r, NULL, &fault), path);
	open_book(out);
	import(out, f);
	fclose(f);
	return true;
}

void
bench_list_close(struct bench_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->rows[i].id);
		free(l->rows[i].name);
		free(l->rows[i].website);
		free(l->rows[i].country);
		free(l->rows[i].key);
	}
	free(l->rows);
	ov_db_close(l->db);
	*l = (struct bench_list){ 0 };
}

struct bench_row *
bench_list_find(const struct bench_list *l, const char *id)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->rows[i].id, id) == 0)
			return &l->rows[i];
	return NULL;
}

/* --- a frozen list as one side of the join --- */

struct side {
	struct bench_list *list;
	struct ov_join_side join;
	uint8_t *tag, *rank, *label, *fit;
	uint32_t *record;
	char (*value)[OV_TOKEN_VALUE_CAP];
	int64_t *account; /* of each record */
	uint32_t n_records;
	size_t cap;
};

static void
grow(struct side *s)
{
	s->cap = s->cap * 2 + 4096;
	s->tag = bench_need(realloc(s->tag, 16 * s->cap));
	s->rank = bench_need(realloc(s->rank, s->cap));
	s->label = bench_need(realloc(s->label, s->cap));
	s->fit = bench_need(realloc(s->fit, s->cap));
	s->record = bench_need(realloc(s->record, s->cap * sizeof(*s->record)));
	s->value = bench_need(realloc(s->value, s->cap * sizeof(*s->value)));
	s->account = bench_need(realloc(s->account, s->cap * sizeof(*s->account)));
}

static enum ov_status
take_item(void *ctx, const struct ov_book_item *item)
{
	struct side *s = ctx;

	while (s->join.n + item->n > s->cap)
		grow(s);
	for (size_t i = 0; i < item->n; i++) {
		size_t slot = s->join.n++;
		struct ov_bytes v = item->token[i].value;
		uint8_t digest[OV_HASH_LEN];

		ov_hash_parts(digest,
		    (const struct ov_bytes[]){ OV_BYTES(&item->token[i].rank, 1), v }, 2);
		memcpy(s->tag + 16 * slot, digest, 16);
		s->rank[slot] = item->token[i].rank;
		s->label[slot] = OV_LABEL(1, 0);
		s->fit[slot] = 0;
		s->record[slot] = s->n_records;
		memcpy(s->value[slot], v.p, v.len);
		s->value[slot][v.len] = '\0';
	}
	s->account[s->n_records++] = item->record;
	return OV_OK;
}

static void
freeze(
    struct side *s, struct bench_list *l, const struct ov_profile *profile, uint8_t ranks)
{
	const struct ov_freeze_options o = { .ranks = ranks, .profile = profile };

	*s = (struct side){ .list = l };
	grow(s);
	if (profile != ov_profile_current())
		must(ov_book_make_previous(l->db, profile), l->name);
	must(ov_book_freeze(l->db, &o, take_item, s), l->name);
	s->join.tag = s->tag;
	s->join.record = s->record;
	s->join.rank = s->rank;
	s->join.label = s->label;
	s->join.fit = s->fit;
	s->join.ranks = ranks;
	s->join.level[1] = OV_LEVEL_MATCHES;
	for (size_t i = 0; i < l->n; i++) {
		l->rows[i].record = -1;
		l->rows[i].pair = NO_PAIR;
	}
}

static void
release(struct side *s)
{
	free(s->tag);
	free(s->rank);
	free(s->label);
	free(s->fit);
	free(s->record);
	free(s->value);
	free(s->account);
}

/* Tells the rows of every record which one that is. */
static void
place_rows(struct side *s)
{
	for (uint32_t r = 0; r < s->n_records; r++) {
		struct ov_book_account a;
		char *rest, *id;

		must(ov_book_account(&a, s->list->db, s->account[r]), s->list->name);
		rest = a.ids;
		while ((id = strsep(&rest, ";")) != NULL) {
			struct bench_row *row = bench_list_find(s->list, id);

			if (row != NULL)
				row->record = (int64_t)r;
		}
		ov_book_account_fini(&a);
	}
}

static void
set_pairs(const struct side *s, const uint32_t *pair_of)
{
	for (size_t i = 0; i < s->list->n; i++)
		if (s->list->rows[i].record >= 0)
			s->list->rows[i].pair = pair_of[s->list->rows[i].record];
}

static void
take_pairs(struct bench_pairs *out, struct side *a, struct side *b,
    const struct ov_join_list *found)
{
	size_t most = (a->n_records > b->n_records ? a->n_records : b->n_records) + 1;
	uint32_t *of_a = bench_need(malloc(most * sizeof(*of_a)));
	uint32_t *of_b = bench_need(malloc(most * sizeof(*of_b)));

	memset(of_a, 0xff, most * sizeof(*of_a));
	memset(of_b, 0xff, most * sizeof(*of_b));
	out->n = found->n;
	out->keys[0] = a->join.n;
	out->keys[1] = b->join.n;
	out->pair = bench_need(calloc(found->n + 1, sizeof(*out->pair)));
	for (size_t i = 0; i < found->n; i++) {
		const struct ov_join_pair *p = &found->pairs[i];

		out->pair[i].rank = p->rank;
		memcpy(out->pair[i].value, a->value[p->a], sizeof(out->pair[i].value));
		of_a[a->record[p->a]] = of_b[b->record[p->b]] = (uint32_t)i;
	}
	set_pairs(a, of_a);
	set_pairs(b, of_b);
	free(of_a);
	free(of_b);
}

void
bench_match(struct bench_pairs *out, struct bench_list *a, struct bench_list *b,
    const struct ov_profile *profile, uint8_t ranks)
{
	struct side sides[2];
	struct ov_join *join;
	struct ov_join_list found;

	freeze(&sides[0], a, profile, ranks);
	freeze(&sides[1], b, profile, ranks);
	must(ov_join_new(&join, &sides[0].join, &sides[1].join, ov_veto_default), "join");
	must(ov_join_list(join, OV_JOIN_A, OV_LEVEL_MATCHES, &found), "join");
	place_rows(&sides[0]);
	place_rows(&sides[1]);
	take_pairs(out, &sides[0], &sides[1], &found);
	ov_join_list_fini(&found);
	ov_join_free(join);
	release(&sides[0]);
	release(&sides[1]);
}

void
bench_pairs_free(struct bench_pairs *p)
{
	free(p->pair);
	*p = (struct bench_pairs){ 0 };
}
