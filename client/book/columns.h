/* columns.h - which column of a table is what: guessed from the headings, or told by a
 * mapping file.
 *
 * Headings are compared without case, spaces and punctuation, and cover Salesforce
 * reports and API exports, HubSpot labels and internal names, Crossbeam's sheet and
 * plain words.  Everything not recognised is not read into the book: so owners, contacts
 * and telephone numbers, which are persons, stay in the file.  A mapping file:
 *
 *     columns:
 *       name: Firma
 *       website: [Webseite, Shop]
 *     ignore: [Email]
 *     keep: [Tech Stack]          # further columns for the ICP
 *     populations:                # population.h
 *       customers: [Kunde]
 *       prospects: []
 *     default: prospects
 *     open_stages: prospects
 */
#ifndef OV_CLIENT_BOOK_COLUMNS_H
#define OV_CLIENT_BOOK_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "client/book/fault.h"
#include "client/book/population.h"
#include "client/book/table.h"
#include "common/status.h"

/* Fields of a row.  WEBSITE and EMAIL may have several columns, the others have one. */
enum ov_field {
	OV_FIELD_NONE,
	OV_FIELD_ID,
	OV_FIELD_NAME,
	OV_FIELD_WEBSITE, /* also domains; several in one cell by ; or , or space */
	OV_FIELD_EMAIL,	  /* only the part after the @ is read */
	OV_FIELD_COUNTRY,
	OV_FIELD_INDUSTRY,
	OV_FIELD_EMPLOYEES,
	OV_FIELD_REVENUE,
	OV_FIELD_TYPE,
	OV_FIELD_LIFECYCLE,
	OV_FIELD_STAGE,
	OV_FIELD_POPULATION,
	OV_FIELD_LEI,
	OV_FIELD_CIK,
	OV_FIELD_DUNS,
	OV_FIELD_VAT,
	OV_FIELD_TICKER, /* recognised, so that it is taken for nothing else; no key */
	OV_FIELD_KEEP,	 /* named by the mapping file, for the ICP */
	OV_FIELD_COUNT
};

#define OV_KEEP_MAX 16
#define OV_HEADING_MAX 127

struct ov_map; /* a mapping file */

/* Fails with OV_E_IMPORT_COLUMNS and the line, OV_E_IO, OV_E_NOMEM. */
OV_MUST_CHECK enum ov_status ov_map_read(
    struct ov_map **out, const void *bytes, size_t len, struct ov_fault *fault);
OV_MUST_CHECK enum ov_status ov_map_read_file(
    struct ov_map **out, const char *path, struct ov_fault *fault);
void ov_map_free(struct ov_map *map); /* NULL is fine */

/* The populations that the file sets up; the built-in ones for NULL or without. */
const struct ov_populations *ov_map_populations(const struct ov_map *map);
/* Whether the file has a `populations:` of its own. */
bool ov_map_has_populations(const struct ov_map *map);

struct ov_columns {
	size_t n; /* columns of the headings */
	uint8_t field[OV_TABLE_COLUMNS_MAX];
	char heading[OV_TABLE_COLUMNS_MAX][OV_HEADING_MAX + 1]; /* of taken columns */
};

/* Decides from the first row.  map may be NULL.  Fails with OV_E_IMPORT_COLUMNS when
 * neither a name nor a website column nor a registry id is found (fault lists the
 * headings, cut to its size), or a heading of the mapping file is not in the table. */
OV_MUST_CHECK enum ov_status ov_columns_guess(struct ov_columns *out,
    const struct ov_table_row *headings, const struct ov_map *map,
    struct ov_fault *fault);

/* "name: \"Account Name\"" a line for each column taken, then what was left out. */
void ov_columns_explain(FILE *out, const struct ov_columns *c);

/* "name", "website" ...; OV_FIELD_NONE for an unknown one. */
const char *ov_field_name(enum ov_field f);
enum ov_field ov_field_by_name(const char *name);

/* A line under the data that a Salesforce report ends with ("Grand Totals", copyright,
 * confidentiality) or a line of another shape: one field where the headings have more. */
bool ov_columns_is_footer(const struct ov_columns *c, const struct ov_table_row *row);

#endif /* OV_CLIENT_BOOK_COLUMNS_H */
