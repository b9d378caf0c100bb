/* fuzz_join.c - two arbitrary rosters: refused, or joined with the promised properties.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "server/join.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SLOTS_MAX 512
#define SLOT_LEN 5

/* Not assert(): it must hold in every build. */
#define MUST(cond)                                                                       \
	do {                                                                             \
		if (!(cond))                                                             \
			abort();                                                         \
	} while (0)

struct roster {
	struct ov_join_side side;
	uint8_t tag[SLOTS_MAX][16];
	uint32_t record[SLOTS_MAX];
	uint8_t rank[SLOTS_MAX], label[SLOTS_MAX], fit[SLOTS_MAX];
};

/* Slots of tag, record, rank, label, fit. */
static void
read_roster(struct roster *r, const uint8_t *in, size_t n)
{
	static const uint8_t levels[16] = { 0, 1, 2, 3, 1, 2, 3 };

	memset(r, 0, sizeof(*r));
	r->side = (struct ov_join_side){ .n = n,
		.tag = r->tag[0],
		.record = r->record,
		.rank = r->rank,
		.label = r->label,
		.fit = r->fit,
		.ranks = 0xfe };
	memcpy(r->side.level, levels, sizeof(levels));
	for (size_t i = 0; i < n; i++, in += SLOT_LEN) {
		r->tag[i][i % 2] = in[0]; /* two values of position: 512 tags */
		r->tag[i][15] = (uint8_t)(i % 2);
		r->record[i] = in[1] == 255 ? UINT32_MAX : in[1];
		r->rank[i] = in[2];
		r->label[i] = in[3];
		r->fit[i] = in[4];
	}
	r->side.bands = n > 0 && OV_LABEL_BAND(r->label[0]) != OV_BAND_NONE;
}

static void
check_list(const struct roster *a, const struct roster *b, const struct ov_join_list *one,
    const struct ov_join_list *two)
{
	uint8_t seen_a[SLOTS_MAX] = { 0 }, seen_b[SLOTS_MAX] = { 0 };

	MUST(one->n == two->n);
	for (size_t i = 0; i < one->n; i++) {
		const struct ov_join_pair *p = &one->pairs[i];

		MUST(p->a < a->side.n && p->b < b->side.n);
		MUST(p->a == two->pairs[i].b && p->b == two->pairs[i].a);
		MUST(memcmp(a->tag[p->a], b->tag[p->b], 16) == 0);
		MUST(p->rank == a->rank[p->a] && p->rank == b->rank[p->b]);
		MUST(seen_a[a->record[p->a]]++ == 0);
		MUST(seen_b[b->record[p->b]]++ == 0);
		MUST(b->side.level[b->label[p->b] & 15] >= OV_LEVEL_MATCHES);
	}
}

static void
check_atoms(const struct ov_join *j, const struct ov_join_list *list)
{
	struct ov_join_atoms atoms;
	const uint32_t *n = atoms.n[0][0][0];
	size_t sum = 0;

	MUST(ov_join_atoms(j, OV_JOIN_B, &atoms) == OV_OK);
	for (size_t i = 0; i < sizeof(atoms.n) / sizeof(*n); i++)
		sum += n[i];
	MUST(sum >= list->n);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct roster a, b;
	struct ov_join_list one, two;
	struct ov_join *j, *k;
	enum ov_status st;
	size_t n_a, n_b;

	if (size < 1)
		return 0;
	n_b = (size - 1) / SLOT_LEN;
	n_a = data[0] < n_b ? data[0] : n_b;
	n_b -= n_a;
	if (n_a > SLOTS_MAX || n_b > SLOTS_MAX)
		return 0;
	read_roster(&a, data + 1, n_a);
	read_roster(&b, data + 1 + n_a * SLOT_LEN, n_b);
	st = ov_join_new(&j, &a.side, &b.side, ov_veto_default);
	if (st != OV_OK) {
		MUST(j == NULL);
		return 0;
	}
	MUST(ov_join_new(&k, &b.side, &a.side, ov_veto_default) == OV_OK);
	MUST(ov_join_list(j, OV_JOIN_A, OV_LEVEL_MATCHES, &one) == OV_OK);
	MUST(ov_join_list(k, OV_JOIN_B, OV_LEVEL_MATCHES, &two) == OV_OK);
	check_list(&a, &b, &one, &two);
	check_atoms(j, &one);
	ov_join_list_fini(&one);
	ov_join_list_fini(&two);
	ov_join_free(j);
	ov_join_free(k);
	return 0;
}
