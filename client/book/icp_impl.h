/* icp_impl.h - a profile as icp.c reads it, for the parts that use it: icp_evaluate.c and
 * icp_asked.c.
 */
#ifndef OV_CLIENT_BOOK_ICP_IMPL_H
#define OV_CLIENT_BOOK_ICP_IMPL_H

#include <stdbool.h>

#include "client/book/icp.h"
#include "client/book/number.h"
#include "client/book/yaml.h"

enum ov_icp_test {
	OV_ICP_TEST_ANY_OF,
	OV_ICP_TEST_ALL_OF,
	OV_ICP_TEST_BETWEEN,
	OV_ICP_TEST_EXISTS,
	OV_ICP_TEST_ONE_OF
};

struct ov_icp_criterion {
	enum ov_icp_test test;
	size_t column; /* not for groups */
	struct ov_range between;
	const char *bound[2]; /* of it, as written */
	bool exists;
	const char **value; /* OV_ICP_TEST_ONE_OF, borrowed from doc */
	size_t n_values;
	struct ov_icp_criterion *part; /* groups */
	size_t n_parts;
	uint32_t weight; /* top level */
	bool required;
};

struct ov_icp {
	struct ov_yaml_doc *doc;
	struct ov_icp_criterion top; /* all_of, as a container */
	uint32_t threshold;
	size_t n_bands;
	struct {
		char name[OV_ICP_BAND_NAME_MAX + 1];
		uint32_t score;
	} band[OV_ICP_BANDS_MAX];
	size_t n_columns, n_criteria;
	struct {
		const char *name; /* borrowed from doc */
		uint64_t line;
		bool country;
	} column[OV_ICP_COLUMNS_MAX];
};

static inline bool
ov_icp_is_group(const struct ov_icp_criterion *c)
{
	return c->test == OV_ICP_TEST_ANY_OF || c->test == OV_ICP_TEST_ALL_OF;
}

#endif /* OV_CLIENT_BOOK_ICP_IMPL_H */
