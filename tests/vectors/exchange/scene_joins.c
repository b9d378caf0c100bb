/* Small lists in which records compete: matches, exact counts, atoms and counts with
 * noise of both receivers, so that each rule of the join decides something. */
#include <string.h>

#include "server/counts.h"
#include "tests/unit/join_books.h"
#include "tests/vectors/exchange/scene.h"

#define CASES 16 /* drawn; then those that are made */
#define ROW_LEN 23

/* One case; draws stand for the broker's noise, and are an input. */
struct joined {
	struct book side[2];
	struct ov_release release;
	struct ov_join *join;
	uint32_t noise_block;
};

struct cases {
	struct ov_json *in, *out;
};

static uint32_t block;

static void
fill(void *arg, void *out, size_t len)
{
	static const uint8_t key[32] = "noise of the joins";

	(void)arg;
	ov_keystream(out, len, key, block);
	block += (uint32_t)((len + 63) / 64);
}

/* Even cases have two populations each, so that their counts are large enough to show. */
static void
draw_side(struct joined *c, unsigned int side, size_t number)
{
	struct book *k = &c->side[side];
	bool few = number % 2 == 0;

	book_draw(k, 14 + draw(6), 30 + draw(30));
	memset(c->release.level[side], 0, sizeof(c->release.level[side]));
	memcpy(c->release.level[side], k->side.level, sizeof(k->side.level));
	if (few) {
		memset(c->release.level[side], 0, sizeof(c->release.level[side]));
		c->release.level[side][1] = OV_LEVEL_COUNTS;
		c->release.level[side][2] = OV_LEVEL_MATCHES;
		for (size_t i = 0; i < k->side.n; i++)
			k->label[i] =
			    (uint8_t)((k->label[i] & 0xf0) | (1 + k->label[i] % 2));
	}
	memcpy(k->side.level, c->release.level[side], sizeof(k->side.level));
	c->release.fit[side] = draw(2) == 1;
	c->release.bands[side] = true;
}

static void
begin_case(struct joined *c, size_t number)
{
	static const uint8_t veto[8] = { 0, 0xfc, 0xf8, 0, 0, 0x80, 0x80, 0 };

	memset(c, 0, sizeof(*c));
	memcpy(c->release.veto, veto, sizeof(veto));
	if (number % 3 == 0)
		c->release.veto[OV_RANK_DUNS] = 0xf0;
	c->release.epsilon_milli = 300 + 200 * (uint32_t)number;
	c->release.shown_from = (uint32_t)number % 4;
	c->release.minimum_count = (uint32_t)(number / 2) % 3;
}

static void
draw_case(struct joined *c, size_t number)
{
	begin_case(c, number);
	draw_side(c, 0, number);
	draw_side(c, 1, number);
}

/* --- cases that are made, so that one rule decides --- */

static void
make_case(struct joined *c)
{
	begin_case(c, 1);
	c->release.minimum_count = 1;
	for (int x = 0; x < 2; x++) {
		book_init(&c->side[x]);
		memset(c->release.level[x], 0, sizeof(c->release.level[x]));
		c->release.level[x][1] = OV_LEVEL_COUNTS;
		c->release.level[x][2] = OV_LEVEL_MATCHES;
		memcpy(c->side[x].side.level, c->release.level[x],
		    sizeof(c->release.level[x]));
		c->release.fit[x] = c->release.bands[x] = true;
	}
}

/* A record of this population that says `word` of both ICPs, with one domain. */
static void
one(struct joined *c, unsigned int side, unsigned int tag, unsigned int population,
    enum ov_fit word)
{
	struct book *k = &c->side[side];

	book_add(k, (uint32_t)k->side.n, OV_RANK_DOMAIN, tag, OV_LABEL(population, 0U),
	    OV_FIT(word, word));
}

/* Four of population 1 on both sides, half of which fit; and one of population 2 of each
 * kind that meets one of population `other`, or nothing. */
static void
four(struct joined *c, enum ov_fit rest, bool rest_is_paired)
{
	make_case(c);
	for (unsigned int i = 0; i < 4; i++)
		for (unsigned int x = 0; x < 2; x++)
			one(c, x, i, 1, i < 2 ? OV_FIT_YES : OV_FIT_NO);
	for (unsigned int i = 0; i < 2; i++) {
		enum ov_fit word = rest != OV_FIT_UNKNOWN ? rest
				   : i == 0		  ? OV_FIT_YES
							  : OV_FIT_NO;

		for (unsigned int x = 0; x < 2; x++) {
			one(c, x, 10 + 10 * x + i, 1, word);
			if (rest_is_paired)
				one(c, 1 - x, 10 + 10 * x + i, 2, word);
		}
	}
}

/* A's record shares two keys with each of two: the smallest tag of all decides. */
static void
tie(struct joined *c)
{
	static const unsigned int tags[2][2] = { { 1, 9 }, { 2, 3 } };

	make_case(c);
	for (unsigned int i = 0; i < 2; i++)
		for (unsigned int k = 0; k < 2; k++) {
			book_add(&c->side[0], 0, OV_RANK_DOMAIN, tags[i][k], 2, 0);
			book_add(&c->side[1], 1 - i, OV_RANK_DOMAIN, tags[i][k], 2, 0);
		}
}

/* So that the view has one cell. */
static void
hide_second(struct joined *c)
{
	for (int x = 0; x < 2; x++)
		c->release.level[x][2] = c->side[x].side.level[2] = OV_LEVEL_HIDDEN;
}

/* Noise under which the fits of a cell are shown, and its pairs are not. */
static void
fits_above_pairs(struct joined *c)
{
	four(c, OV_FIT_YES, false);
	hide_second(c);
	c->release.epsilon_milli = 100;
	c->release.shown_from = 4;
}

static bool
shows_fits_alone(struct joined *c)
{
	static const unsigned int giver[2] = { 0, 1 };
	const struct ov_counts_due due = { .how = OV_COUNTS_NOISY };
	struct ov_buf cells = { 0 }, held = { 0 };
	struct ov_noise noise;
	struct ov_counts_input in = { c->join, &c->release, giver, OV_JOIN_A, &noise };
	struct ov_cell_row cell;

	block = c->noise_block;
	ov_noise_init_with(&noise, fill, NULL);
	MUST(ov_counts_draw(&cells, &held, &in, &due) == OV_OK &&
	     cells.len == OV_CELL_ROW);
	ov_noise_fini(&noise);
	ov_cell_unpack(&cell, cells.p);
	ov_buf_free(&cells);
	ov_buf_free(&held);
	return cell.pairs == OV_HELD_BACK && cell.fit_own != OV_HELD_BACK &&
	       cell.fit_other != OV_HELD_BACK;
}

static void
write_side(struct ov_json *at, const char *key, const struct book *k)
{
	uint8_t rows[BOOK_SLOTS * ROW_LEN];

	for (size_t i = 0; i < k->side.n; i++) {
		uint8_t *p = rows + i * ROW_LEN;

		ov_put32(p, k->record[i]);
		p[4] = k->rank[i];
		p[5] = k->label[i];
		p[6] = k->fit[i];
		memcpy(p + 7, k->tag[i], 16);
	}
	scene_hex(at, key, OV_BYTES(rows, k->side.n * ROW_LEN));
}

static void
write_matches(struct ov_json *out, const struct joined *c, enum ov_join_role receiver)
{
	struct ov_json *rows = ov_json_array(out, "matches");
	struct ov_join_list list;

	MUST(ov_join_list(c->join, receiver, OV_LEVEL_MATCHES, &list) == OV_OK);
	for (size_t i = 0; i < list.n; i++) {
		struct ov_json *row = ov_json_array(rows, NULL);

		ov_json_number(row, NULL, list.pairs[i].a);
		ov_json_number(row, NULL, list.pairs[i].b);
		ov_json_number(row, NULL, list.pairs[i].rank);
	}
	ov_join_list_fini(&list);
}

static void
write_counts(struct ov_json *out, const char *key, const struct joined *c,
    enum ov_join_role receiver, enum ov_counts_how how)
{
	static const unsigned int giver[2] = { 0, 1 };
	const struct ov_counts_due due = { .how = how };
	struct ov_buf cells = { 0 }, held = { 0 };
	struct ov_noise noise;
	struct ov_counts_input in = { c->join, &c->release, giver, receiver, &noise };

	block = c->noise_block;
	ov_noise_init_with(&noise, fill, NULL);
	MUST(ov_counts_draw(&cells, &held, &in, &due) == OV_OK);
	ov_noise_fini(&noise);
	out = ov_json_object(out, key);
	scene_hex(out, "cells", OV_BUF_BYTES(&cells));
	scene_hex(out, "held", OV_BUF_BYTES(&held));
	ov_buf_free(&cells);
	ov_buf_free(&held);
}

/* In the order of the noise: the giver's population, the receiver's, fits A's and B's. */
static void
write_atoms(struct ov_json *in, struct ov_json *out, const struct joined *c,
    enum ov_join_role receiver)
{
	const uint8_t *own = c->release.level[receiver],
		      *theirs = c->release.level[1 - receiver];
	struct ov_json *drawn = ov_json_array(in, "noise"),
		       *n = ov_json_array(out, "atoms");
	struct ov_join_atoms atoms;
	struct ov_noise noise;
	int64_t z;

	block = c->noise_block;
	ov_noise_init_with(&noise, fill, NULL);
	MUST(ov_join_atoms(c->join, 1 - receiver, &atoms) == OV_OK);
	for (unsigned int q = 1; q <= OV_POPULATIONS_MAX; q++)
		for (unsigned int p = 1; p <= OV_POPULATIONS_MAX; p++)
			for (unsigned int f = 0; f < 4; f++) {
				if (theirs[q] != OV_LEVEL_COUNTS ||
				    own[p] == OV_LEVEL_HIDDEN)
					continue;
				MUST(ov_noise_laplace(
					 &z, &noise, c->release.epsilon_milli) == OV_OK);
				ov_json_real(drawn, NULL, (double)z);
				ov_json_number(n, NULL,
				    receiver == OV_JOIN_A ? atoms.n[p][q][f >> 1][f & 1]
							  : atoms.n[q][p][f >> 1][f & 1]);
			}
	ov_noise_fini(&noise);
}

static void
write_release(struct ov_json *in, const struct ov_release *r)
{
	scene_hex(in, "veto", OV_BYTES(r->veto, sizeof(r->veto)));
	scene_hex(in, "levels_a", OV_BYTES(r->level[0] + 1, 5));
	scene_hex(in, "levels_b", OV_BYTES(r->level[1] + 1, 5));
	ov_json_number(in, "fit_a", r->fit[0]);
	ov_json_number(in, "fit_b", r->fit[1]);
	ov_json_number(in, "epsilon_milli", r->epsilon_milli);
	ov_json_number(in, "shown_from", r->shown_from);
	ov_json_number(in, "minimum_count", r->minimum_count);
}

/* Noise begins behind `at` blocks. */
static void
write_case(struct cases *to, struct joined *c, uint32_t at)
{
	static const char *const names[2] = { "a", "b" };
	struct ov_json *in = ov_json_object(to->in, NULL);
	struct ov_json *out = ov_json_object(to->out, NULL);

	write_release(in, &c->release);
	for (unsigned int x = OV_JOIN_A; x <= OV_JOIN_B; x++) {
		struct ov_json *i = ov_json_object(in, names[x]);
		struct ov_json *o = ov_json_object(out, names[x]);

		c->noise_block = at + 1000 * x;
		write_side(i, "rows", &c->side[x]);
		write_matches(o, c, x);
		write_counts(o, "exact", c, x, OV_COUNTS_EXACT);
		write_atoms(i, o, c, x);
		write_counts(o, "noisy", c, x, OV_COUNTS_NOISY);
	}
}

static void
add_case(struct cases *to, struct joined *c, bool seek)
{
	uint32_t at = 0;

	MUST(ov_join_new(&c->join, &c->side[0].side, &c->side[1].side, c->release.veto) ==
	     OV_OK);
	for (; seek; at += 64) {
		c->noise_block = at;
		if (shows_fits_alone(c))
			break;
	}
	write_case(to, c, at);
	ov_join_free(c->join);
}

void
scene_joins(struct scene *s)
{
	static struct joined c;
	struct scene_file f = scene_open(
	    "Joins of small lists in which records compete (7.19 to 7.20).  rows: a slot "
	    "each, record u32, rank u8, label u8, fit u8, tag (16); levels by "
	    "population, from "
	    "1.  matches: positions in A and in B, and rank, in the order in which they "
	    "are "
	    "taken, of this receiver.  exact: cells and rows of what is held back, did "
	    "the "
	    "terms say `exact`; noisy: the same with this noise.  Atoms and noise are by "
	    "the "
	    "giver's population, the receiver's, whether the pair fits A's ICP, and "
	    "B's.");
	struct cases to = { ov_json_array(f.in, "cases"), ov_json_array(f.out, "cases") };

	draw_seed(7);
	for (size_t i = 0; i < CASES; i++) {
		draw_case(&c, i);
		add_case(&to, &c, false);
	}
	four(&c, OV_FIT_NO, false); /* no yes is left beside the pairs */
	add_case(&to, &c, false);
	four(&c, OV_FIT_YES, false); /* no no */
	add_case(&to, &c, false);
	four(&c, OV_FIT_UNKNOWN, true); /* nobody at all */
	add_case(&to, &c, false);
	four(&c, OV_FIT_UNKNOWN, false); /* B's ICP alone has a small number */
	for (size_t i = 0; i < c.side[1].side.n; i++)
		c.side[1].fit[i] = OV_FIT(OV_FIT_NO, OV_FIT_OTHER(c.side[1].fit[i]));
	hide_second(&c);
	add_case(&to, &c, false);
	tie(&c);
	add_case(&to, &c, false);
	fits_above_pairs(&c);
	add_case(&to, &c, true);
	scene_close(s, "joins", &f);
}
