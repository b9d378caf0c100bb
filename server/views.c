#include "server/views.h"

#include <stdlib.h>
#include <string.h>

#include "common/crypto/memory.h"
#include "proto/slots.h"

/* --- matches --- */

static int
by_pair(const void *x, const void *y)
{
	const struct ov_view_match *m = x, *n = y;

	if (m->a != n->a)
		return m->a < n->a ? -1 : 1;
	return m->b < n->b ? -1 : m->b > n->b;
}

static int
by_number(const void *x, const void *y)
{
	const struct ov_view_match *m = x, *n = y;

	return m->number < n->number ? -1 : m->number > n->number;
}

static void
sort(struct ov_views *v, int (*order)(const void *, const void *))
{
	if (v->n > 1)
		qsort(v->match, v->n, sizeof(v->match[0]), order);
}

static void
add_list(struct ov_views *v, const struct ov_join_list *list, unsigned int receiver)
{
	for (size_t i = 0; i < list->n; i++)
		v->match[v->n++] = (struct ov_view_match){ .a = list->pairs[i].a,
			.b = list->pairs[i].b,
			.rank = list->pairs[i].rank,
			.seen = (uint8_t)(1U << receiver) };
	v->seen[receiver] = list->n;
}

/* A pair that both see is one match. */
static void
merge_same(struct ov_views *v)
{
	size_t kept = 0;

	sort(v, by_pair);
	for (size_t i = 0; i < v->n; i++) {
		if (kept > 0 && by_pair(&v->match[kept - 1], &v->match[i]) == 0)
			v->match[kept - 1].seen |= v->match[i].seen;
		else
			v->match[kept++] = v->match[i];
	}
	v->n = kept;
}

/* Random and distinct, so that neither the order nor the gaps say anything of the pairs
 * that only the other sees.  n is far below 2^32, so few rounds do. */
static void
draw_numbers(struct ov_views *v)
{
	bool again = true;

	for (size_t i = 0; i < v->n; i++)
		ov_random(&v->match[i].number, sizeof(v->match[i].number));
	while (again) {
		again = false;
		sort(v, by_number);
		for (size_t i = 1; i < v->n; i++)
			if (v->match[i].number == v->match[i - 1].number) {
				ov_random(&v->match[i - 1].number,
				    sizeof(v->match[i - 1].number));
				again = true;
			}
	}
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
	add_list(v, list, receiver);
done:
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
	v.match = calloc(list[0].n + list[1].n + 1, sizeof(v.match[0]));
	OV_REQUIRE(v.match != NULL, OV_E_NOMEM);
	for (unsigned int receiver = 0; receiver < 2; receiver++)
		OV_TRY(draw_receiver(&v, &list[receiver], receiver, in));
	merge_same(&v);
	draw_numbers(&v);
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
