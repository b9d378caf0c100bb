/* matching_lists.h - two real lists matched the way two companies' are, in one process.
 *
 * A list is imported into a book of its own with the client's import, frozen with the
 * client's keys, and joined with the broker's join.  Only the group and the network are
 * left out: a tag is a hash of its token.  Whatever fails ends the program.
 */
#ifndef OV_TESTS_BENCH_MATCHING_LISTS_H
#define OV_TESTS_BENCH_MATCHING_LISTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/normalise/normalise.h"
#include "common/db/db.h"
#include "proto/rank.h"

#define NO_PAIR UINT32_MAX

struct bench_row {
	char *id, *name, *website, *country;
	char *key;	/* of the column that the truth goes by, "" if none */
	int64_t record; /* of its book; -1 outside of it */
	uint32_t pair;	/* that its record is in, or NO_PAIR */
};

struct bench_list {
	const char *name;
	struct ov_db *db;
	struct bench_row *rows;
	size_t n;
};

/* Reads DIR/lists/NAME.csv, with the column `key` (or NULL).  False if it is not there.
 */
bool bench_list_open(
    struct bench_list *out, const char *dir, const char *name, const char *key);
void bench_list_close(struct bench_list *l);
/* NULL if there is none. */
struct bench_row *bench_list_find(const struct bench_list *l, const char *id);

struct bench_pair {
	uint8_t rank;
	char value[OV_TOKEN_VALUE_CAP]; /* the key that joins the two */
};

struct bench_pairs {
	struct bench_pair *pair;
	size_t n;
	size_t keys[2]; /* of each list */
};

/* Matches by keys of these OV_RANK_BITs and the profile, and sets `pair` of all rows. */
void bench_match(struct bench_pairs *out, struct bench_list *a, struct bench_list *b,
    const struct ov_profile *profile, uint8_t ranks);
void bench_pairs_free(struct bench_pairs *p);

void *bench_need(void *p); /* ends the program for NULL */

#endif /* OV_TESTS_BENCH_MATCHING_LISTS_H */
