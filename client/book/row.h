/* row.h - the cells of one row of a table, as the book keeps them.
 *
 * Cells lose control characters and outer spaces.  Lists of websites and of e-mail
 * addresses become lines, of an e-mail address only the domain.  Of what is not a field
 * (columns.h), nothing is taken.
 */
#ifndef OV_CLIENT_BOOK_ROW_H
#define OV_CLIENT_BOOK_ROW_H

#include <stdbool.h>

#include "client/book/columns.h"
#include "client/book/table.h"

/* Text under construction, reused row after row; always ends with a NUL. */
struct ov_text {
	char *p;
	size_t len, cap;
};
OV_MUST_CHECK enum ov_status ov_text_add(
    struct ov_text *t, const void *bytes, size_t len);

/* Zeroed to begin with. */
struct ov_row {
	/* WEBSITE, EMAIL and KEEP: lines; SCHEME: lines "scheme=value" */
	struct ov_text cell[OV_FIELD_COUNT];
	struct ov_text kept[OV_KEEP_MAX]; /* before they are lines */
};
void ov_row_fini(struct ov_row *r);

/* OV_E_NOMEM. */
OV_MUST_CHECK enum ov_status ov_row_gather(
    struct ov_row *out, const struct ov_columns *c, const struct ov_table_row *row);

struct ov_bytes ov_row_cell(const struct ov_row *r, enum ov_field f);

/* Empties what a deal has of its accounts but the list of their ids, so that no account
 * can be seen in it.  OV_E_NOMEM. */
OV_MUST_CHECK enum ov_status ov_row_leave_accounts(struct ov_row *r);

/* Neither name nor website, e-mail domain or registry id: no account can be seen. */
bool ov_row_has_no_key(const struct ov_row *r);

/* The next part of a cell that may hold several, by ; , | or space; empty at its end. */
struct ov_bytes ov_row_next_part(struct ov_bytes *rest);

/* The next line of a cell that holds lines, without its end; rest is not empty. */
struct ov_bytes ov_row_next_line(struct ov_bytes *rest);

/* Of two cells SCHEME: adds to the new one the lines of the old one of whose schemes it
 * has none; a ticker without its exchange takes no place of one that has it.
 * OV_E_NOMEM. */
OV_MUST_CHECK enum ov_status ov_row_join_ids(struct ov_text *ids, struct ov_bytes old);

/* A Salesforce id of an account in its form of 18 characters, which differs from others
 * even where case is lost: 15 characters that begin with 001, letters among them, get the
 * three that follow from them.  All else stays as it is.  out: len + 4 bytes. */
void ov_crm_id(char *out, const char *id, size_t len);

#endif /* OV_CLIENT_BOOK_ROW_H */
