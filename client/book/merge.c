#include <string.h>

#include "client/book/merge_impl.h"
#include "proto/slots.h"

/* --- the forest --- */

uint32_t
ov_merge_find(struct ov_paged *up, uint32_t row)
{
	for (;;) {
		uint32_t one = ov_paged_get(up, row), two;

		if (one == 0)
			return row;
		two = ov_paged_get(up, row - one);
		if (two == 0)
			return row - one;
		ov_paged_set(up, row, one + two);
		row -= one + two;
	}
}

void
ov_merge_unite(struct ov_paged *up, uint32_t a, uint32_t b)
{
	a = ov_merge_find(up, a);
	b = ov_merge_find(up, b);
	if (a < b)
		ov_paged_set(up, b, b - a);
	else if (b < a)
		ov_paged_set(up, a, a - b);
}

/* After roots changed: the signs of a root are those of its group. */
static void
gather_signs(struct ov_merge *m)
{
	for (uint32_t r = 0; r < m->n_rows; r++) {
		uint32_t root = ov_merge_find(m->up, r), signs;

		if (root == r)
			continue;
		signs = ov_paged_get(m->signs, r) & ~KEEPS_SITE;
		ov_paged_set(m->signs, root, ov_paged_get(m->signs, root) | signs);
	}
}

/* --- claims, by rank, value and row --- */

static enum ov_status
parse_claim(struct claim *c, struct ov_bytes r)
{
	const uint8_t *zero = memchr(r.p + 1, 0, r.len - 1);
	size_t len = zero != NULL ? (size_t)(zero - r.p) - 1 : r.len;

	if (zero == NULL || r.len - len < 7)
		return OV_E_BUG;
	*c = (struct claim){ (enum ov_rank)r.p[0], OV_BYTES(r.p + 1, len),
		ov_get32(zero + 1), (enum ov_claim_source)zero[5],
		OV_BYTES(zero + 6, r.len - len - 7) };
	return OV_OK;
}

static bool
same_value(struct ov_bytes a, struct ov_bytes b)
{
	return a.len == b.len && memcmp(a.p, b.p, a.len) == 0;
}

enum ov_status
ov_merge_first_claim(struct ov_merge *m)
{
	struct ov_bytes r;
	enum ov_status st;

	OV_TRY(ov_sort_begin(m->claims));
	OV_TRY(ov_sort_next(&m->any, &r, m->claims));
	if (m->any)
		OV_TRY(parse_claim(&m->claim, r));
done:
	return st;
}

enum ov_status
ov_merge_next_claim(struct ov_merge *m)
{
	struct claim before = m->claim;
	uint8_t value[VALUE_MAX];
	struct ov_bytes r;
	enum ov_status st;

	memcpy(value, before.value.p, before.value.len);
	before.value.p = value;
	do {
		OV_TRY(ov_sort_next(&m->any, &r, m->claims));
		if (!m->any)
			break;
		OV_TRY(parse_claim(&m->claim, r));
		/* a row's sources of one value sort best first */
	} while (m->claim.rank == before.rank && m->claim.row == before.row &&
		 same_value(m->claim.value, before.value));
done:
	return st;
}

/* Not told to the root yet: gather_signs. */
static void
add_sign(struct ov_merge *m, uint32_t row, uint32_t sign)
{
	ov_paged_set(m->signs, row, ov_paged_get(m->signs, row) | sign);
}

enum ov_status
ov_merge_keep(struct ov_merge *m, const struct claim *c, enum ov_kinship least)
{
	uint8_t record[6 + VALUE_MAX + 2];

	ov_put32(record, c->row);
	record[4] = (uint8_t)c->rank;
	record[5] = (uint8_t)c->source;
	memcpy(record + 6, c->value.p, c->value.len);
	record[6 + c->value.len] = 0;
	record[7 + c->value.len] = (uint8_t)least;
	if (c->rank == OV_RANK_DOMAIN) {
		add_sign(m, c->row, HAS_DOMAIN);
		m->n_domains++;
	}
	return ov_tape_put(m->keys, record, 8 + c->value.len);
}

static bool
is_name(enum ov_rank rank)
{
	return rank == OV_RANK_NAME_COUNTRY || rank == OV_RANK_NAME;
}

/* A name that the website tells. */
static bool
is_told(const struct claim *c)
{
	return is_name(c->rank) && c->source == OV_CLAIM_WEBSITE;
}

enum ov_status
ov_merge_drop(struct ov_merge *m, const struct claim *c, enum ov_merge_drop why)
{
	uint8_t record[5 + VALUE_MAX + 3];

	if (is_told(c)) /* nobody wrote it: not worth a word */
		return OV_OK;
	ov_put32(record, c->row);
	record[4] = (uint8_t)c->rank;
	memcpy(record + 5, c->value.p, c->value.len);
	record[5 + c->value.len] = 0;
	record[6 + c->value.len] = (uint8_t)c->source;
	record[7 + c->value.len] = (uint8_t)why;
	return ov_sort_add(m->dropped, record, 8 + c->value.len);
}

/* A name is its row's own, or told by a website that is the row's. */
static enum ov_kinship
kinship_of(struct ov_merge *m, const struct claim *c)
{
	if (c->rank == OV_RANK_DOMAIN)
		return ov_rules_kinship(c->note, c->value);
	if (!is_told(c))
		return OV_KIN_HOUSE;
	return ov_paged_get(m->signs, c->row) & KEEPS_SITE ? OV_KIN_NEAR : OV_KIN_UNIT;
}

bool
ov_merge_is_live(struct ov_merge *m, const struct claim *c, enum ov_kinship least)
{
	return kinship_of(m, c) >= least;
}

/* --- a stage: the values of one rank join rows --- */

/* What the passing claims of a value add up to. */
struct tally {
	struct ov_shared_value v;
	uint32_t first[OV_KINSHIPS]; /* row that is at least so near; NO_ROW: none */
	uint16_t marks[OV_KINSHIPS]; /* of rows that are just so near */
};

static void
count_group(struct ov_group_tally *t, uint32_t signs)
{
	t->groups++;
	t->lei += (signs & HAS_LEI) != 0;
	t->cik += (signs & HAS_CIK) != 0;
	t->domain += (signs & HAS_DOMAIN) != 0;
}

/* A root's stamp is m->now plus the nearest kinship that it was counted for. */
static void
count_claim(struct tally *t, struct ov_merge *m, const struct claim *c)
{
	enum ov_kinship kin = kinship_of(m, c);
	uint32_t root = ov_merge_find(m->up, c->row);
	uint32_t stamp = ov_paged_get(m->stamp, root);
	uint32_t signs = ov_paged_get(m->signs, root);

	if (stamp < m->now)
		count_group(&t->v.all, signs);
	if (kin >= OV_KIN_NONE && stamp < m->now + OV_KIN_NONE)
		count_group(&t->v.other, signs);
	if (kin >= OV_KIN_NEAR && stamp < m->now + OV_KIN_NEAR)
		count_group(&t->v.near, signs);
	if (kin == OV_KIN_HOUSE && stamp < m->now + OV_KIN_HOUSE)
		count_group(&t->v.house, signs);
	if (stamp < m->now + kin)
		ov_paged_set(m->stamp, root, m->now + kin);
	for (unsigned int k = 0; k <= (unsigned int)kin; k++)
		if (t->first[k] == NO_ROW)
			t->first[k] = c->row;
	t->marks[kin] |= (uint16_t)(signs >> MARKS_SHIFT);
	if (!is_told(c))
		ov_rules_count(&t->v.notes, ov_rules_note_name(c->note));
}

static void
add_up_marks(struct shared *v, const struct tally *t)
{
	v->marks_kept = v->marks_lost = 0;
	for (unsigned int k = 0; k < OV_KINSHIPS && v->rank == OV_RANK_DOMAIN; k++)
		if (k >= (unsigned int)v->verdict.least)
			v->marks_kept |= t->marks[k];
		else
			v->marks_lost |= t->marks[k];
}

/* All claims of the value of which m->claim is the second one. */
static enum ov_status
shelve_value(
    struct ov_merge *m, struct shelf *shelf, struct shared *v, const struct claim *first)
{
	struct tally t = { .v = { .rank = v->rank },
		.first = { NO_ROW, NO_ROW, NO_ROW, NO_ROW } };
	enum ov_status st;

	/* values here are at most half of 2^30 claims: no overflow */
	m->now += OV_KINSHIPS;
	v->n = 1;
	count_claim(&t, m, first);
	OV_TRY(ov_shelf_put_claim(shelf, first));
	while (m->any && m->claim.rank == v->rank &&
	       same_value(m->claim.value, first->value)) {
		count_claim(&t, m, &m->claim);
		OV_TRY(ov_shelf_put_claim(shelf, &m->claim));
		v->n++;
		OV_TRY(ov_merge_next_claim(m));
	}
	v->verdict = ov_rules_judge(&t.v);
	v->first = t.first[v->verdict.least];
	add_up_marks(v, &t);
	OV_TRY(ov_shelf_put(shelf, v));
done:
	return st;
}

/* A value that one row alone claims. */
static enum ov_status
settle_single(struct ov_merge *m, const struct claim *c)
{
	if (!ov_merge_is_live(m, c, OV_KIN_NONE))
		return ov_merge_drop(m, c, OV_MERGE_FAMILY);
	if (c->rank == OV_RANK_DOMAIN)
		add_sign(m, c->row, KEEPS_SITE);
	return ov_merge_keep(m, c, OV_KIN_NONE);
}

/* The values of a rank: those of one row are its keys, the others go to the shelf. */
static enum ov_status
judge_rank(struct ov_merge *m, enum ov_rank rank, struct shelf *shelf)
{
	uint8_t note[NOTE_MAX];
	struct shared v;
	struct claim first;
	enum ov_status st;

	OV_TRY(ov_shelf_open(shelf, m));
	while (m->any && m->claim.rank == rank) {
		first = m->claim;
		v.rank = rank;
		v.len = (uint8_t)first.value.len;
		memcpy(v.value, first.value.p, first.value.len);
		if (first.note.len > 0)
			memcpy(note, first.note.p, first.note.len);
		first.value.p = v.value;
		first.note.p = note;
		OV_TRY(ov_merge_next_claim(m));
		if (m->any && m->claim.rank == rank &&
		    same_value(m->claim.value, first.value))
			OV_TRY(shelve_value(m, shelf, &v, &first));
		else
			OV_TRY(settle_single(m, &first));
	}
done:
	return st;
}

/* Rows that lose a domain to others of their house, and those others. */
static void
share_marks(struct ov_merge *m, const struct shared *v, const struct claim *loser)
{
	if (v->rank != OV_RANK_DOMAIN || v->verdict.drop != OV_MERGE_KEPT)
		return;
	add_sign(m, loser->row, (uint32_t)v->marks_kept << MARKS_SHIFT);
	add_sign(m, v->first, (uint32_t)v->marks_lost << MARKS_SHIFT);
}

/* One value of the shelf, decided: its claims are dropped, or joined and a key. */
static enum ov_status
carry_out(struct ov_merge *m, struct shelf_walk *w)
{
	const struct shared *v = &w->value;
	struct claim best = { v->rank, OV_BYTES(v->value, v->len), v->first,
		OV_CLAIM_EMAIL, OV_BYTES("", 0) };
	struct claim c;
	bool any;
	enum ov_status st;

	for (;;) {
		OV_TRY(ov_shelf_next_claim(&any, &c, w));
		if (!any)
			break;
		if (!ov_merge_is_live(m, &c, v->verdict.least)) {
			share_marks(m, v, &c);
			OV_TRY(ov_merge_drop(m, &c, OV_MERGE_FAMILY));
		} else if (v->verdict.drop != OV_MERGE_KEPT) {
			OV_TRY(ov_merge_drop(m, &c, v->verdict.drop));
		} else {
			ov_merge_unite(m->up, v->first, c.row);
			if (v->rank == OV_RANK_DOMAIN)
				add_sign(m, c.row, KEEPS_SITE);
			if (c.source < best.source)
				best.source = c.source;
		}
	}
	if (v->verdict.drop == OV_MERGE_KEPT)
		OV_TRY(ov_merge_keep(m, &best, v->verdict.least));
done:
	return st;
}

static enum ov_status
carry_out_all(struct ov_merge *m, const struct shelf *shelf, bool chains)
{
	struct shelf_walk w = { 0 };
	enum ov_merge_drop why;
	bool any;
	enum ov_status st;

	OV_TRY(ov_shelf_walk(&w, shelf));
	for (;;) {
		OV_TRY(ov_shelf_next(&any, &w));
		if (!any)
			break;
		why = chains ? ov_merge_judge_chain(m, &w.value) : OV_MERGE_KEPT;
		if (why != OV_MERGE_KEPT)
			w.value.verdict =
			    (struct ov_verdict){ why, w.value.verdict.least, false };
		OV_TRY(carry_out(m, &w));
	}
done:
	ov_shelf_walk_end(&w);
	return st;
}

static enum ov_status
run_stage(struct ov_merge *m, enum ov_rank rank)
{
	/* where nothing can conflict, there are no chains to look for */
	bool chains = (m->n_leis > 1 && rank > OV_RANK_LEI) ||
		      (m->n_ciks > 1 && rank > OV_RANK_CIK) ||
		      ov_rules_is_weak(rank, m->n_domains);
	enum ov_status st;

	OV_TRY(judge_rank(m, rank, &m->stage_shelf));
	if (chains)
		OV_TRY(ov_merge_plan_chains(m, &m->stage_shelf));
	OV_TRY(carry_out_all(m, &m->stage_shelf, chains));
	gather_signs(m);
done:
	return st;
}

/* Rows with nothing but the same bare name. */
static enum ov_status
join_bare_names(struct ov_merge *m, const struct shelf *shelf)
{
	struct shelf_walk w = { 0 };
	struct claim c;
	uint32_t first;
	bool any, one;
	enum ov_status st;

	OV_TRY(ov_shelf_walk(&w, shelf));
	for (;;) {
		OV_TRY(ov_shelf_next(&any, &w));
		if (!any)
			break;
		if (w.value.verdict.drop == OV_MERGE_NAMESAKE)
			continue;
		for (first = NO_ROW;;) {
			OV_TRY(ov_shelf_next_claim(&one, &c, &w));
			if (!one)
				break;
			if (ov_paged_get(m->signs, c.row) & HAS_MORE_THAN_NAME)
				continue;
			if (first == NO_ROW)
				first = c.row;
			ov_merge_unite(m->up, first, c.row);
		}
	}
done:
	ov_shelf_walk_end(&w);
	return st;
}

static enum ov_status
status_of_pages(const struct ov_merge *m)
{
	const struct ov_paged *all[] = { m->up, m->signs, m->stage, m->ids, m->stamp };
	enum ov_status st = OV_OK;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		OV_TRY(ov_paged_status(all[i]));
done:
	return st;
}

enum ov_status
ov_merge_run(struct ov_merge *m)
{
	enum ov_status st;

	OV_REQUIRE(!m->ran, OV_E_BUG);
	m->ran = true;
	OV_TRY(ov_merge_end_row(m));
	OV_TRY(ov_merge_first_claim(m));
	OV_TRY(run_stage(m, OV_RANK_LEI));
	OV_TRY(run_stage(m, OV_RANK_CIK));
	OV_TRY(run_stage(m, OV_RANK_DUNS));
	OV_TRY(judge_rank(m, OV_RANK_VAT, &m->vats));
	OV_TRY(run_stage(m, OV_RANK_DOMAIN));
	OV_TRY(run_stage(m, OV_RANK_NAME_COUNTRY));
	OV_TRY(judge_rank(m, OV_RANK_NAME, &m->names));
	OV_TRY(join_bare_names(m, &m->names));
	gather_signs(m);
	OV_TRY(ov_merge_settle(m, &m->vats));
	OV_TRY(ov_merge_settle(m, &m->names));
	OV_TRY(ov_merge_collect_keys(m));
	OV_TRY(ov_merge_number_records(m));
	OV_TRY(status_of_pages(m));
done:
	return st;
}

uint32_t
ov_merge_n_rows(const struct ov_merge *m)
{
	return m->n_rows;
}

uint32_t
ov_merge_n_records(const struct ov_merge *m)
{
	return m->n_records;
}
