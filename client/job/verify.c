#include "client/job/verify.h"

#include <stdlib.h>
#include <string.h>

#include "common/crypto/memory.h"

enum ov_status
ov_verify_init(struct ov_verify *v, const struct ov_verify_input *in)
{
	memset(v, 0, sizeof(*v));
	v->in = *in;
	v->last_number = UINT64_MAX;
	v->own_seen = calloc(in->deck->list->n_records / 8 + 1, 1);
	v->other_seen = calloc(in->other_slots / 8 + 1, 1);
	if (v->own_seen != NULL && v->other_seen != NULL)
		return OV_OK;
	ov_verify_fini(v);
	return OV_E_NOMEM;
}

void
ov_verify_fini(struct ov_verify *v)
{
	free(v->own_seen);
	free(v->other_seen);
	v->own_seen = v->other_seen = NULL;
}

/* Sets bit i; false if it was set. */
static bool
take_bit(uint8_t *bits, size_t i)
{
	uint8_t bit = (uint8_t)(1U << (i & 7));

	if ((bits[i >> 3] & bit) != 0)
		return false;
	bits[i >> 3] |= bit;
	return true;
}

/* Whether a pair fits our ICP: our own word if we have one, else the partner's. */
static bool
fits(uint8_t own_fit, uint8_t label)
{
	uint8_t word = OV_FIT_OWN(own_fit);

	return word == OV_FIT_UNKNOWN ? ov_band_fit(OV_LABEL_BAND(label)) == OV_FIT_YES
				      : word == OV_FIT_YES;
}

static bool
macs_hold(const struct ov_verify_input *in, const struct ov_match_row *r)
{
	uint8_t proof[OV_MAC_LEN], roster[OV_MAC_LEN];
	bool proved, listed;

	ov_proof_mac(
	    proof, in->proof_key, r->own, in->tags + (size_t)r->other * OV_TAG_LEN);
	ov_roster_mac(roster, in->roster_key, r->other, r->rank, r->label);
	/* both, always */
	proved = ov_equal_secret(proof, r->proof, OV_MAC_LEN);
	listed = ov_equal_secret(roster, r->roster, OV_MAC_LEN);
	return proved && listed;
}

void
ov_verify_fetch(const struct ov_verify *v, const uint8_t *rows, size_t n)
{
	const struct ov_verify_input *in = &v->in;

	for (int step = 0; step < OV_DECK_STEPS; step++)
		for (size_t i = 0; i < n; i++) {
			struct ov_match_row r;

			ov_match_unpack(&r, rows + i * OV_MATCH_ROW);
			if (r.own >= in->deck->slots || r.other >= in->other_slots)
				continue; /* the row will be refused */
			ov_deck_fetch(in->deck, r.own, step, OV_DECK_ROW);
			if (step == 0)
				__builtin_prefetch(
				    in->tags + (size_t)r.other * OV_TAG_LEN);
		}
}

enum ov_status
ov_verify_row(struct ov_match *m, struct ov_verify *v, const uint8_t row[OV_MATCH_ROW])
{
	const struct ov_verify_input *in = &v->in;
	struct ov_match_row r;
	size_t record = 0;
	uint8_t rank = 0, own, other;
	enum ov_status st = OV_OK;

	ov_match_unpack(&r, row);
	OV_REQUIRE(
	    r.own < in->deck->slots && r.other < in->other_slots, OV_E_PROTO_MISBEHAVED);
	OV_REQUIRE(
	    ov_deck_record(&record, &rank, in->deck, r.own), OV_E_PROTO_MISBEHAVED);
	OV_REQUIRE(rank == r.rank, OV_E_PROTO_MISBEHAVED);
	other = OV_LABEL_POPULATION(r.label);
	OV_REQUIRE((in->visible >> other & 1) != 0, OV_E_PROTO_MISBEHAVED);
	OV_REQUIRE(ov_band_ok(r.label, OV_FIT(0, ov_band_fit(OV_LABEL_BAND(r.label))),
		       in->bands),
	    OV_E_PROTO_MISBEHAVED); /* the broker refuses such a roster */
	OV_REQUIRE(macs_hold(in, &r), OV_E_PROTO_MISBEHAVED);
	OV_REQUIRE(v->last_number == UINT64_MAX || r.number > v->last_number,
	    OV_E_PROTO_MISBEHAVED);
	OV_REQUIRE(take_bit(v->own_seen, record), OV_E_PROTO_MISBEHAVED);
	OV_REQUIRE(take_bit(v->other_seen, r.other), OV_E_PROTO_MISBEHAVED);
	v->last_number = r.number;
	v->matches++;
	*m = (struct ov_match){ r.number, r.rank, r.label,
		&in->deck->list->records[record], "" };
	OV_REQUIRE(ov_deck_kind(m->kind, in->deck, r.own), OV_E_BUG);
	own = OV_LABEL_POPULATION(m->record->label);
	v->pairs[own][other]++;
	v->fit_yes[own][other] += fits(m->record->fit, r.label);
done:
	return st;
}

static bool
cell_agrees(const struct ov_verify *v, const struct ov_cell_row *c)
{
	uint32_t pairs;

	if (c->own == 0 || c->own > 15 || c->other == 0 || c->other > 15)
		return false;
	if ((v->in.visible >> c->other & 1) == 0)
		return true; /* only counted: counted.h */
	pairs = v->pairs[c->own][c->other];
	if (c->pairs != pairs || c->plus_minus != 0 || c->plus_minus_fit != 0)
		return false;
	if (c->fit_own != v->fit_yes[c->own][c->other])
		return false;
	return v->in.fits ? c->fit_other <= pairs : c->fit_other == OV_HELD_BACK;
}

enum ov_status
ov_verify_view(const struct ov_verify *v, const struct ov_msg_view *view)
{
	enum ov_status st = OV_OK;

	OV_REQUIRE(view->matches == v->matches, OV_E_PROTO_MISBEHAVED);
	OV_REQUIRE(view->cells.len % OV_CELL_ROW == 0, OV_E_PROTO_MISBEHAVED);
	for (size_t i = 0; i < view->cells.len; i += OV_CELL_ROW) {
		struct ov_cell_row c;

		ov_cell_unpack(&c, view->cells.p + i);
		OV_REQUIRE(cell_agrees(v, &c), OV_E_PROTO_MISBEHAVED);
	}
done:
	return st;
}
