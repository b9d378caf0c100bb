#include "server/views.h"

#include <stdlib.h>
#include <string.h>

#include "common/crypto/memory.h"
#include "common/work/heap.h"
#include "common/work/numbers.h"
#include "proto/slots.h"

/* --- matches --- */

/* The matches of both lists, each in the order of the edges; a pair that both see is one
 * match. */
static enum ov_status
merge_lists(struct ov_views *v, const struct ov_join_list list[2])
{
	const struct ov_join_list *a = &list[OV_JOIN_A], *b = &list[OV_JOIN_B];
	size_t i = 0, k = 0;

	v->match = ov_heap_scattered(a->n + b->n + 1, sizeof(v->match[0]));
	if (v->match == NULL)
		return OV_E_NOMEM;
	while (i < a->n || k < b->n) {
		bool of_a =
		    k == b->n || (i < a->n && a->pairs[i].edge <= b->pairs[k].edge);
		bool of_b =
		    i == a->n || (k < b->n && b->pairs[k].edge <= a->pairs[i].edge);
		const struct ov_join_pair *p = of_a ? &a->pairs[i] : &b->pairs[k];

		v->match[v->n++] = (struct ov_view_match){ .a = p->a,
			.b = p->b,
			.rank = p->rank,
			.seen = (uint8_t)(of_a << OV_JOIN_A | of_b << OV_JOIN_B) };
		i += of_a;
		k += of_b;
	}
	v->seen[OV_JOIN_A] = a->n;
	v->seen[OV_JOIN_B] = b->n;
	return OV_OK;
}

/* draw[i] = a random number << 32 | i. */
static void
draw_some(uint64_t *draw, size_t n)
{
	uint32_t random[256];

	for (size_t i = 0; i < n; i++) {
		if (i % 256 == 0)
			ov_random(random, sizeof(random));
		draw[i] = (uint64_t)random[i % 256] << 32 | i;
	}
}

/* False if a number stands twice; it is then drawn again, once. */
static bool
are_distinct(uint64_t *draw, size_t n)
{
	uint64_t again;
	bool distinct = true;

	for (size_t i = 1; i < n; i++)
		if (draw[i] >> 32 == draw[i - 1] >> 32) {
			ov_random(&again, sizeof(again));
			draw[i - 1] = again << 32 | (uint32_t)draw[i - 1];
			distinct = false;
		}
	return distinct;
}

/* Random and distinct, so that neither the order nor the gaps say anything of the pairs
 * that only the other sees; the matches move into the order of their numbers.  n is far
 * below 2^32, so few rounds do. */
static enum ov_status
draw_numbers(struct ov_views *v)
{
	uint64_t *draw = malloc((v->n + 1) * sizeof(*draw));
	uint64_t *spare = malloc((v->n + 1) * sizeof(*spare));
	struct ov_view_match *moved = malloc((v->n + 1) * sizeof(*moved));
	enum ov_status st = OV_OK;

	OV_REQUIRE(draw != NULL && spare != NULL && moved != NULL, OV_E_NOMEM);
	draw_some(draw, v->n);
	do
		ov_numbers_sort(draw, spare, v->n);
	while (!are_distinct(draw, v->n));
	for (size_t i = 0; i < v->n; i++) {
		moved[i] = v->match[(uint32_t)draw[i]];
		moved[i].number = (uint32_t)(draw[i] >> 32);
	}
	free(v->match);
	v->match = moved;
	moved = NULL;
done:
	free(draw);
	free(spare);
	free(moved);
	return st;
}

/* --- cells --- */

/* The exact numbers of one receiver's list, for populations that it sees matches of. */
static enum ov_status
pack_cells(struct ov_buf *out, const struct ov_join_cells *c, unsigned int receiver,
    const struct ov_release *r, const unsigned int giver[2])
{
	unsigned int other = 1 - receiver;
	uint8_t row[OV_CELL_ROW];
	enum ov_status st = OV_OK;

	for (unsigned int own = 1; own <= OV_POPULATIONS_MAX; own++)
		for (unsigned int theirs = 1; theirs <= OV_POPULATIONS_MAX; theirs++) {
			unsigned int a = receiver == OV_JOIN_A ? own : theirs;
			unsigned int b = receiver == OV_JOIN_A ? theirs : own;
			struct ov_cell_row cell = { (uint8_t)own, (uint8_t)theirs,
				c->pairs[a][b], c->fits_a[a][b], c->fits_b[a][b], 0, 0 };

			if (r->level[giver[receiver]][own] == OV_LEVEL_HIDDEN ||
			    r->level[giver[other]][theirs] < OV_LEVEL_MATCHES)
				continue;
			if (receiver == OV_JOIN_B) {
				cell.fit_own = c->fits_b[a][b];
				cell.fit_other = c->fits_a[a][b];
			}
			if (!r->fit[giver[other]])
				cell.fit_other = OV_HELD_BACK;
			ov_cell_pack(row, &cell);
			OV_TRY(ov_buf_append(out, row, sizeof(row)));
		}
done:
	return st;
}

static enum ov_status
draw_counts(struct ov_views *v, const struct ov_views_input *in, unsigned int receiver)
{
	struct ov_noise noise;
	const struct ov_counts_input counts = { .join = in->join,
		.release = in->release,
		.giver = in->giver,
		.receiver = (enum ov_join_role)receiver,
		.noise = &noise };
	enum ov_status st;

	ov_noise_init(&noise);
	st = ov_counts_draw(
	    &v->cells[receiver], &v->held[receiver], &counts, &in->due[receiver]);
	ov_noise_fini(&noise);
	return st;
}

static enum ov_status
draw_receiver(struct ov_views *v, const struct ov_join_list *list, unsigned int receiver,
    const struct ov_views_input *in)
{
	struct ov_join_cells *cells = malloc(sizeof(*cells));
	enum ov_status st = OV_OK;

	OV_REQUIRE(cells != NULL, OV_E_NOMEM);
	ov_join_count(in->join, list, cells);
	OV_TRY(pack_cells(&v->cells[receiver], cells, receiver, in->release, in->giver));
	OV_TRY(draw_counts(v, in, receiver));
done:
	if (cells != NULL)
		ov_wipe(cells, sizeof(*cells)); /* exact numbers */
	free(cells);
	return st;
}

enum ov_status
ov_views_draw(struct ov_views *out, const struct ov_views_input *in)
{
	struct ov_join_list list[2] = { { 0 } };
	struct ov_views v = { 0 };
	enum ov_status st = OV_OK;

	*out = (struct ov_views){ 0 };
	OV_TRY(ov_join_list(in->join, OV_JOIN_A, OV_LEVEL_MATCHES, &list[OV_JOIN_A]));
	OV_TRY(ov_join_list(in->join, OV_JOIN_B, OV_LEVEL_MATCHES, &list[OV_JOIN_B]));
	for (unsigned int receiver = 0; receiver < 2; receiver++)
		OV_TRY(draw_receiver(&v, &list[receiver], receiver, in));
	OV_TRY(merge_lists(&v, list));
	ov_join_list_fini(&list[OV_JOIN_A]); /* numbers take as much again */
	ov_join_list_fini(&list[OV_JOIN_B]);
	OV_TRY(draw_numbers(&v));
	*out = v;
	v = (struct ov_views){ 0 };
done:
	ov_join_list_fini(&list[0]);
	ov_join_list_fini(&list[1]);
	ov_views_fini(&v);
	return st;
}

void
ov_views_fini(struct ov_views *v)
{
	free(v->match);
	for (unsigned int i = 0; i < 2; i++) {
		ov_buf_free(&v->cells[i]);
		ov_buf_free(&v->held[i]);
	}
	*v = (struct ov_views){ 0 };
}
