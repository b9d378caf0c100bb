/* merge_impl.h - the insides of merge.h, shared by merge_in.c (rows come in), merge.c
 * (stages), merge_chain.c (chains of values), merge_settle.c (what values end as) and
 * merge_out.c (records go out).
 *
 * Everything is a stream of byte records that sort as they should, numbers big-endian:
 *
 *   claims    rank value 0 row source note   note: what rules need beside the value
 *   keys      row rank source value 0 least  kinship of the rows whose key it is
 *   by_root   the same, row being the root of a record
 *   dropped   row rank value 0 source why
 *   records   rank value 0 root keys...      of the first key; 0xff root without one
 *   members   record row tag
 *
 * The note of a domain is the row's bare name, the same as it is written, and its
 * initials, parted by 0x1f (merge_rules.h); of a name, its kind.
 *
 * Rows are joined in a forest, whose roots are the smallest rows.  An element of `up` is
 * how far above its row the next one is: 0 for a root, as for a row never heard of.
 */
#ifndef OV_CLIENT_BOOK_MERGE_IMPL_H
#define OV_CLIENT_BOOK_MERGE_IMPL_H

#include "client/book/merge_rules.h"
#include "client/book/paged.h"
#include "client/book/sort.h"

#define VALUE_MAX 255
#define NOTE_MAX (VALUE_MAX + 3 + sizeof(struct ov_name_signs))
#define NO_ROW UINT32_MAX
#define NO_KEY 0xff /* for a rank: sorts last */

/* Signs of a row, then of a root: its group has a claim of a rank. */
#define HAS_LEI 1U
#define HAS_CIK 2U
#define HAS_MORE_THAN_NAME 4U
#define HAS_DOMAIN 8U  /* that is a key; known after the domains are done */
#define KEEPS_SITE 16U /* of a row alone: a domain that it claims is a key */
/* Above them its marks. */
#define MARKS_SHIFT 16

struct claim {
	enum ov_rank rank;
	struct ov_bytes value;
	uint32_t row;
	enum ov_claim_source source;
	struct ov_bytes note;
};

/* A value that two rows or more claim, while its claims pass by again. */
struct shared {
	uint32_t n;			 /* claims */
	uint32_t first;			 /* row that keeps it; NO_ROW: none */
	uint16_t marks_kept, marks_lost; /* of the rows that keep a domain, or lose it */
	struct ov_verdict verdict;
	enum ov_rank rank;
	uint8_t len, value[VALUE_MAX];
};

/* Values of one rank that are claimed twice or more: their claims, and what was decided.
 */
struct shelf {
	struct ov_tape *claims;	  /* row source note */
	struct ov_tape *verdicts; /* struct shared, packed */
};

struct ov_merge {
	char *directory;
	bool ran;
	uint32_t n_rows, n_claims, n_leis, n_ciks, n_records;
	uint32_t n_domains; /* that are keys */
	/* of the row that is being built: rank, source, length, value ... */
	uint8_t *built;
	size_t n_built, built_cap;
	struct ov_name_signs name_signs;
	bool has_signs;
	uint16_t marks;
	struct ov_sort *claims;
	struct claim claim; /* the one at hand; borrowed */
	bool any;	    /* there is one */
	struct ov_tape *tags;
	struct ov_paged *up, *signs;
	/* of one stage: the forest over roots that its links would make; what the groups
	 * of its trees have; which value a root was last counted for */
	struct ov_paged *stage, *ids, *stamp;
	uint32_t now;
	struct shelf stage_shelf, vats, names;
	struct ov_tape *keys;
	struct ov_sort *by_root, *over_cap, *dropped, *records, *members;
	/* reading */
	struct ov_tape_reader drop_tags;
	uint32_t drop_row;
	uint64_t drop_tag;
	uint32_t given;		/* records given */
	uint32_t member_record; /* of the member at hand */
	uint64_t member_tag;
	bool any_member;
};

/* The row is whole: its claims go to the others. */
OV_MUST_CHECK enum ov_status ov_merge_end_row(struct ov_merge *m);

/* The smallest row of row's group. */
uint32_t ov_merge_find(struct ov_paged *up, uint32_t row);
void ov_merge_unite(struct ov_paged *up, uint32_t a, uint32_t b);

/* The next claim, each row's best source of a value once, into m->claim. */
OV_MUST_CHECK enum ov_status ov_merge_next_claim(struct ov_merge *m);
OV_MUST_CHECK enum ov_status ov_merge_first_claim(struct ov_merge *m);

OV_MUST_CHECK enum ov_status ov_merge_drop(
    struct ov_merge *m, const struct claim *c, enum ov_merge_drop why);
OV_MUST_CHECK enum ov_status ov_merge_keep(
    struct ov_merge *m, const struct claim *c, enum ov_kinship least);

OV_MUST_CHECK enum ov_status ov_shelf_open(struct shelf *s, const struct ov_merge *m);
void ov_shelf_close(struct shelf *s);
OV_MUST_CHECK enum ov_status ov_shelf_put_claim(struct shelf *s, const struct claim *c);
OV_MUST_CHECK enum ov_status ov_shelf_put(struct shelf *s, const struct shared *v);

/* Walks over a shelf: values, and for each its claims. */
struct shelf_walk {
	struct ov_tape_reader claims, verdicts;
	struct shared value;
	uint32_t left; /* claims of the value not given yet */
};
OV_MUST_CHECK enum ov_status ov_shelf_walk(struct shelf_walk *w, const struct shelf *s);
void ov_shelf_walk_end(struct shelf_walk *w);
/* Claims of the value before that were not taken are skipped. */
OV_MUST_CHECK enum ov_status ov_shelf_next(bool *any, struct shelf_walk *w);
OV_MUST_CHECK enum ov_status ov_shelf_next_claim(
    bool *any, struct claim *c, struct shelf_walk *w);

/* Before the values of a shelf are carried out: looks at all their links together. */
OV_MUST_CHECK enum ov_status ov_merge_plan_chains(
    struct ov_merge *m, const struct shelf *shelf);
/* Then: would this value, in a chain with others of its rank, join different companies,
 * or names different domains?  Why it joins nothing; OV_MERGE_KEPT: it may. */
enum ov_merge_drop ov_merge_judge_chain(struct ov_merge *m, const struct shared *v);

/* Whether the claim is not lost to rows that are nearer to the value. */
bool ov_merge_is_live(struct ov_merge *m, const struct claim *c, enum ov_kinship least);

/* The last steps of ov_merge_run: values of ranks that join nothing, then keys of
 * records (merge_settle.c), then their order (merge_out.c). */
OV_MUST_CHECK enum ov_status ov_merge_settle(struct ov_merge *m, const struct shelf *s);
OV_MUST_CHECK enum ov_status ov_merge_collect_keys(struct ov_merge *m);
OV_MUST_CHECK enum ov_status ov_merge_number_records(struct ov_merge *m);

#endif /* OV_CLIENT_BOOK_MERGE_IMPL_H */
