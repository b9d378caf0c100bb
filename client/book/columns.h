/* columns.h - which column of a table is what: guessed from the headings, or told by a
 * mapping file.
 *
 * Headings are compared without case, spaces and punctuation, and cover Salesforce
 * reports and API exports, HubSpot labels and internal names, Crossbeam's sheet and
 * plain words.  Everything not recognised is not read into the book: so owners, contacts
 * and telephone numbers, which are persons, stay in the file, unless a mapping file names
 * them.
 *
 * A table is of accounts or of deals (opportunities), which its headings tell.  A deal's
 * own id and name are not its account's; that it was won, lost or is open says what
 * population the account is in.  A mapping file:
 *
 *     columns:
 *       name: Firma
 *       website: [Webseite, Shop]
 *       owner: Account Owner        # a person: kept because it is named here
 *       id:acme: Partner ID         # of a scheme that the partners agreed on
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
#include "proto/rank.h"

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
	OV_FIELD_TICKER,
	OV_FIELD_EXCHANGE, /* of the ticker */
	OV_FIELD_SCHEME,   /* id:<scheme>, named by the mapping file; its cell has the
			      ticker, too */
	OV_FIELD_WON,	   /* of a deal: yes or no */
	OV_FIELD_LOST,
	OV_FIELD_CLOSED,
	OV_FIELD_DEAL,	   /* its own id or name: so that it is taken for nothing else */
	OV_FIELD_OWNER,	   /* only where a mapping file names it */
	OV_FIELD_KEEP,	   /* named by the mapping file, for the ICP */
	OV_FIELD_ACCOUNTS, /* no column: the ids of a deal's accounts, as they stand */
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

enum ov_table_kind { OV_TABLE_ACCOUNTS, OV_TABLE_DEALS };

struct ov_columns {
	enum ov_table_kind kind;
	size_t n; /* columns of the headings */
	uint8_t field[OV_TABLE_COLUMNS_MAX];
	uint8_t keep[OV_TABLE_COLUMNS_MAX]; /* of OV_FIELD_KEEP: place in `keep:` */
	size_t n_kept; /* places, of which this table may lack some */
	char heading[OV_TABLE_COLUMNS_MAX][OV_HEADING_MAX + 1]; /* of taken columns */
	char scheme[OV_TABLE_COLUMNS_MAX][OV_SCHEME_CAP];	/* of OV_FIELD_SCHEME */
};

/* Decides from the row of headings.  map may be NULL.  Fails with OV_E_IMPORT_COLUMNS
 * when neither a name nor a website column nor a registry id is found (fault lists the
 * headings, cut to its size), nor, for deals, the account's id; or when a heading of the
 * mapping file is not in the table. */
enum ov_columns_need {
	OV_COLUMNS_ALL = 0,
	OV_COLUMNS_PARTIAL = 1, /* not all headings of the mapping file */
	OV_COLUMNS_BY_ID = 2	/* an id, and any other column, are enough */
};
OV_MUST_CHECK enum ov_status ov_columns_guess(struct ov_columns *out,
    const struct ov_table_row *headings, const struct ov_map *map, unsigned int need,
    struct ov_fault *fault);

/* Of several tables that were read with OV_COLUMNS_PARTIAL: refuses a heading of the
 * mapping file that none of them has. */
OV_MUST_CHECK enum ov_status ov_map_check_used(const struct ov_map *map,
    const struct ov_columns *const *tables, size_t n, struct ov_fault *fault);

/* The heading of a place in `keep:`, as the mapping file has it.  place < n_kept. */
const char *ov_map_kept(const struct ov_map *map, size_t place);

/* "name: \"Account Name\"" a line for each column taken, then what was left out. */
void ov_columns_explain(FILE *out, const struct ov_columns *c);

/* "name", "website" ...; of a scheme "ids", by name each as in "id:acme".  OV_FIELD_NONE
 * for an unknown one. */
const char *ov_field_name(enum ov_field f);
enum ov_field ov_field_by_name(const char *name);
/* Of column k: "name", "id:acme" ...  Borrowed from c or from buf. */
const char *ov_column_name(char buf[OV_KIND_CAP], const struct ov_columns *c, size_t k);

/* A line under the data that a report ends with ("Grand Totals", copyright,
 * confidentiality; "Total", "Subtotal", "Sum" or "Count" as the first cell, and nothing
 * but numbers beside it) or a line of another shape: one field where the headings have
 * more. */
bool ov_columns_is_footer(const struct ov_columns *c, const struct ov_table_row *row);

#endif /* OV_CLIENT_BOOK_COLUMNS_H */
