/* icp.h - a company's ideal customer profile, evaluated on its own columns.
 *
 * A YAML file of criteria, each with a weight:
 *
 *     threshold: 3
 *     bands: {A: 5, B: 3}
 *     criteria:
 *       - {column: industry, one_of: [Software, Banking], weight: 2, required: yes}
 *       - {column: employees, between: [200, 10000]}
 *       - any_of:
 *           - {column: country, equals: DE}
 *           - {column: Tech Stack, exists: yes}
 *         weight: 2
 *
 * A criterion is true, false, or unknown when the account has no data for it; the answer
 * for the account is yes or no only where no missing datum could change it.  Text is
 * compared without regard to ASCII case and outer spaces, countries by their code.
 */
#ifndef OV_CLIENT_BOOK_ICP_H
#define OV_CLIENT_BOOK_ICP_H

#include <stddef.h>
#include <stdint.h>

#include "client/book/fault.h"
#include "client/book/yaml.h"
#include "common/status.h"
#include "proto/slots.h"

#define OV_ICP_BANDS_MAX 8
#define OV_ICP_COLUMNS_MAX 64
#define OV_ICP_BAND_NAME_MAX 15
#define OV_ICP_WEIGHT_MAX 1000

struct ov_icp;

/* Reads the profile from len bytes or a file.  Fails with OV_E_ICP_INVALID and the line
 * in fault, OV_E_IO or OV_E_NOMEM; *out is then NULL.  Free with ov_icp_free. */
OV_MUST_CHECK enum ov_status ov_icp_read(
    struct ov_icp **out, const void *bytes, size_t len, struct ov_fault *fault);
OV_MUST_CHECK enum ov_status ov_icp_read_file(
    struct ov_icp **out, const char *path, struct ov_fault *fault);
/* The same of a map inside another document, which must outlive *out. */
OV_MUST_CHECK enum ov_status ov_icp_of_map(
    struct ov_icp **out, const struct ov_yaml *map, struct ov_fault *fault);
void ov_icp_free(struct ov_icp *icp); /* NULL is fine */

/* The columns that the criteria name, each once, as written: a field name of columns.h
 * ("employees") or a heading.  i < ov_icp_n_columns. */
size_t ov_icp_n_columns(const struct ov_icp *icp);
const char *ov_icp_column(const struct ov_icp *icp, size_t i);
uint64_t ov_icp_column_line(const struct ov_icp *icp, size_t i); /* first use */

/* The text of column i of one account; NULL or "" where there is none.  Borrowed until
 * the next call. */
typedef const char *ov_icp_value_fn(void *ctx, size_t i);

struct ov_icp_result {
	enum ov_fit fit;
	uint32_t score;	  /* sum of the weights that are certainly met */
	uint32_t highest; /* the same if all that is unknown were met */
	uint8_t band;	  /* 1: the best; 0: below all bands, or no bands */
};

/* Evaluates one account.  Thread-safe for one icp if value is. */
void ov_icp_evaluate(struct ov_icp_result *out, const struct ov_icp *icp,
    ov_icp_value_fn *value, void *ctx);

/* Bands from the best to the least; the name of band 1 .. n, NULL otherwise. */
size_t ov_icp_n_bands(const struct ov_icp *icp);
const char *ov_icp_band_name(const struct ov_icp *icp, uint8_t band);

#endif /* OV_CLIENT_BOOK_ICP_H */
