/* population.h - the disjoint groups of a book, and the rules that put rows into them.
 *
 * Built in, in this order: customers, open_opportunities, prospects.  A mapping file
 * may rename, add and reorder (columns.h); the order is the owner's and decides where an
 * account that is in several goes: the first.
 */
#ifndef OV_CLIENT_BOOK_POPULATION_H
#define OV_CLIENT_BOOK_POPULATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/book/fault.h"
#include "client/book/yaml.h"
#include "common/crypto/hash.h"
#include "common/status.h"
#include "proto/terms.h"

#define OV_POPULATION_RULES_MAX 256
#define OV_POPULATION_VALUE_MAX 63 /* folded bytes; longer cell values match no rule */
#define OV_POPULATION_NONE 0xff

struct ov_populations {
	size_t n;
	char name[OV_POPULATIONS_MAX][OV_POPULATION_NAME_MAX + 1];
	uint8_t otherwise;  /* where a row without a sign goes */
	uint8_t open_stage; /* a deal stage that no rule names; or OV_POPULATION_NONE */
	size_t n_rules;
	struct ov_population_rule {
		char value[OV_POPULATION_VALUE_MAX + 1]; /* folded */
		uint8_t population; /* OV_POPULATION_NONE: says nothing */
	} rule[OV_POPULATION_RULES_MAX];
};

void ov_populations_default(struct ov_populations *out);

/* The `populations:` map of a mapping file, name: [values ...] in the owner's order,
 * `default:` and `open_stages:` (a name each; NULL nodes are fine).  A built-in name
 * keeps its built-in values.  Fails with OV_E_IMPORT_COLUMNS and the line. */
OV_MUST_CHECK enum ov_status ov_populations_read(struct ov_populations *out,
    const struct ov_yaml *populations, const struct ov_yaml *otherwise,
    const struct ov_yaml *open_stages, struct ov_fault *fault);

/* 1 to 32 bytes, no control character, no outer space. */
bool ov_population_name_ok(const char *name);

/* Index of the population called name, without regard to case, spaces and
 * underscores; OV_POPULATION_NONE if there is none. */
uint8_t ov_population_find(const struct ov_populations *p, const char *name, size_t len);

/* What a row says about itself; any of them may be empty.  won, lost and closed are a
 * deal's: yes or no, in a few spellings. */
struct ov_population_signs {
	struct ov_bytes population, type, lifecycle, stage, won, lost, closed;
};

/* The population of a row: what its population column says, else the first, in the
 * owner's order, of what type, lifecycle and deal say, else fallback.  A deal's stage
 * goes by the rules, else by won ("Closed Won"), lost or closed ("Closed Lost"), else it
 * is an open one.  False if the population column holds a value that is neither a
 * population nor in a rule: guessing there could show an account that its owner wanted
 * hidden. */
bool ov_population_of(uint8_t *out, const struct ov_populations *p,
    const struct ov_population_signs *signs, uint8_t fallback);

/* Whether a cell of a population column says something: it is neither empty nor "-". */
bool ov_population_is_told(struct ov_bytes cell);

#endif /* OV_CLIENT_BOOK_POPULATION_H */
