/* What the same two lists would show as counts with noise: the atoms, and what noise
 * makes of them.  The noise is drawn twice from the same bits, once to be written down.
 */
#include <string.h>

#include "client/job/counted.h"
#include "server/counts.h"
#include "tests/vectors/exchange/scene.h"

static uint32_t blocks; /* of the keystream that stands for the system's generator */

static void
fill(void *arg, void *out, size_t len)
{
	static const uint8_t key[32] = "noise of the test vectors";
	uint8_t block[64];

	(void)arg;
	for (size_t at = 0; at < len; at += sizeof(block)) {
		ov_keystream(block, sizeof(block), key, blocks++);
		memcpy((uint8_t *)out + at, block,
		    len - at < sizeof(block) ? len - at : sizeof(block));
	}
}

static void
same_bits(struct ov_noise *noise, enum ov_join_role receiver)
{
	blocks = receiver == OV_JOIN_A ? 0 : 1000;
	ov_noise_init_with(noise, fill, NULL);
}

/* --- a join of what the broker has --- */

struct columns {
	uint8_t tag[SCENE_SLOTS_MAX * OV_TAG_LEN];
	uint32_t record[SCENE_SLOTS_MAX];
	uint8_t rank[SCENE_SLOTS_MAX], label[SCENE_SLOTS_MAX], fit[SCENE_SLOTS_MAX];
};

static struct ov_join_side
side_of(struct columns *k, const struct company *c, const struct company *other,
    const struct ov_release *r, unsigned int giver)
{
	struct ov_join_side side = { .n = c->slots,
		.tag = k->tag,
		.record = k->record,
		.rank = k->rank,
		.label = k->label,
		.fit = k->fit,
		.ranks = r->ranks,
		.bands = r->bands[giver] };

	for (uint32_t i = 0; i < c->slots; i++) {
		struct ov_roster_row row;

		ov_roster_unpack(&row, c->roster + OV_ROSTER_ROW * i);
		k->record[i] = row.record;
		k->rank[i] = row.rank;
		k->label[i] = row.label;
		k->fit[i] = row.fit;
		memcpy(k->tag + OV_TAG_LEN * i, other->tags + OV_TAG_ROW * i, OV_TAG_LEN);
	}
	memcpy(side.level, r->level[giver], sizeof(side.level));
	return side;
}

/* --- counts.json --- */

enum ov_status
scene_verify_counted(const struct scene *s, const struct company *c,
    const struct ov_release *release, bool allowed, uint32_t epsilon_charged,
    const struct ov_msg_view *view)
{
	uint32_t accounts[OV_POPULATIONS_MAX + 1] = { 0 };
	const struct ov_counted_input in = { .release = release,
		.mine = c == s->low ? 0 : 1,
		.theirs = c == s->low ? 1 : 0,
		.allowed = allowed,
		.epsilon_charged = epsilon_charged,
		.accounts = accounts,
		.their_slots = c == &s->a ? s->b.slots : s->a.slots };

	for (size_t i = 0; i < c->list.n_records; i++)
		accounts[OV_LABEL_POPULATION(c->list.records[i].label)]++;
	return ov_counted_verify(&in, view);
}

/* Atoms as they are, and the noise of each, in the order in which it is drawn. */
static void
write_atoms(struct ov_json *in, struct ov_json *out, const struct ov_counts_input *c)
{
	const struct ov_release *r = c->release;
	const uint8_t *own = r->level[c->giver[c->receiver]];
	const uint8_t *theirs = r->level[c->giver[1 - c->receiver]];
	struct ov_json *z_at = ov_json_object(in, "noise");
	struct ov_json *atom_at = ov_json_object(out, "atoms");
	bool is_a = c->receiver == OV_JOIN_A;
	struct ov_join_atoms atoms;
	struct ov_noise noise;

	same_bits(&noise, c->receiver);
	MUST(ov_join_atoms(c->join, 1 - c->receiver, &atoms) == OV_OK);
	for (unsigned int q = 1; q <= OV_POPULATIONS_MAX; q++)
		for (unsigned int p = 1; p <= OV_POPULATIONS_MAX; p++) {
			if (theirs[q] != OV_LEVEL_COUNTS || own[p] == OV_LEVEL_HIDDEN)
				continue;
			for (unsigned int fits = 0; fits < 4; fits++) {
				unsigned int fits_a = fits >> 1, fits_b = fits & 1;
				int64_t z;
				char key[32];

				MUST(ov_noise_laplace(&z, &noise, r->epsilon_milli) ==
				     OV_OK);
				snprintf(key, sizeof(key), "%u,%u,%u,%u", p, q,
				    is_a ? fits_a : fits_b, is_a ? fits_b : fits_a);
				ov_json_real(z_at, key, (double)z);
				ov_json_number(atom_at, key,
				    is_a ? atoms.n[p][q][fits_a][fits_b]
					 : atoms.n[q][p][fits_a][fits_b]);
			}
		}
	ov_noise_fini(&noise);
}

/* The part of a view that is not in counts.json: what is seen one by one, here nothing.
 */
static void
matched_cells(struct ov_buf *out, const struct ov_counts_input *c)
{
	const uint8_t *own = c->release->level[c->giver[c->receiver]];
	const uint8_t *theirs = c->release->level[c->giver[1 - c->receiver]];
	uint8_t row[OV_CELL_ROW] = { 0 };

	for (row[0] = 1; row[0] <= OV_POPULATIONS_MAX; row[0]++)
		for (row[1] = 1; row[1] <= OV_POPULATIONS_MAX; row[1]++)
			if (own[row[0]] != OV_LEVEL_HIDDEN &&
			    theirs[row[1]] >= OV_LEVEL_MATCHES)
				MUST(ov_buf_append(out, row, sizeof(row)) == OV_OK);
}

static void
write_receiver(
    struct scene_file *f, const char *key, struct ov_counts_input *c, struct scene *s)
{
	const struct ov_counts_due due = { .how = OV_COUNTS_NOISY };
	struct ov_json *in = ov_json_object(f->in, key);
	struct ov_json *out = ov_json_object(f->out, key);
	struct company *who = c->receiver == OV_JOIN_A ? &s->a : &s->b;
	struct ov_buf cells = { 0 }, held = { 0 };
	struct ov_noise noise;

	write_atoms(in, out, c);
	same_bits(&noise, c->receiver);
	c->noise = &noise;
	MUST(ov_counts_draw(&cells, &held, c, &due) == OV_OK);
	ov_noise_fini(&noise);
	matched_cells(&who->noisy_cells, c);
	MUST(ov_buf_append(&who->noisy_cells, cells.p, cells.len) == OV_OK);
	MUST(scene_verify_counted(s, who, c->release, true, c->release->epsilon_milli,
		 &(struct ov_msg_view){ .cells = OV_BUF_BYTES(&who->noisy_cells),
		     .held = OV_BUF_BYTES(&held) }) == OV_OK);
	scene_hex(out, "cells", OV_BUF_BYTES(&cells));
	scene_hex(out, "held", OV_BUF_BYTES(&held));
	ov_buf_free(&cells);
	who->noisy_held = held;
}

void
scene_noisy_release(struct ov_release *r, const struct scene *s)
{
	MUST(ov_release_decode(r, OV_BUF_BYTES(&s->release)) == OV_OK);
	r->exact = false;
	r->epsilon_milli = 669; /* 670 has another plus-minus */
	r->shown_from = 3;
}

void
scene_counts(struct scene *s)
{
	static struct columns columns[2];
	const unsigned int giver[2] = { s->low == &s->a ? 0 : 1,
		s->low == &s->a ? 1 : 0 };
	struct ov_counts_input c = { .giver = giver };
	struct ov_join_side a, b;
	struct ov_release r;
	struct ov_join *join;
	struct scene_file f = scene_open(
	    "Counts with noise of the same lists, had the terms not said `exact` "
	    "(PROTOCOL.md 7.19.3).  Noise is drawn, so it is an input: by own "
	    "population, "
	    "other population, fits the own ICP, fits the other's.  Atoms are the true "
	    "numbers, which stay at the broker.");

	scene_noisy_release(&r, s);
	a = side_of(&columns[0], &s->a, &s->b, &r, giver[0]);
	b = side_of(&columns[1], &s->b, &s->a, &r, giver[1]);
	MUST(ov_join_new(&join, &a, &b, r.veto) == OV_OK);
	ov_json_number(f.in, "epsilon_milli", r.epsilon_milli);
	ov_json_number(f.in, "shown_from", r.shown_from);
	c.join = join;
	c.release = &r;
	c.receiver = OV_JOIN_A;
	write_receiver(&f, "a", &c, s);
	c.receiver = OV_JOIN_B;
	write_receiver(&f, "b", &c, s);
	ov_join_free(join);
	scene_close(s, "counts", &f);
}
