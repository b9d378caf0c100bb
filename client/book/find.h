/* find.h - which accounts of the book a person means. */
#ifndef OV_CLIENT_BOOK_FIND_H
#define OV_CLIENT_BOOK_FIND_H

#include "common/db/db.h"
#include "common/status.h"

/* Rows of record, population, rows, keys, populations, by record: the accounts that text
 * may mean, a row's id (in either form of Salesforce's), a name in any spelling, a
 * website or domain.  Reads the whole book. */
OV_MUST_CHECK enum ov_status ov_find_records(
    struct ov_db_stmt **out, struct ov_db *db, const char *text);

/* text in the form in which the book has ids: free it.  NULL: out of memory. */
char *ov_find_id(const char *text);

#endif /* OV_CLIENT_BOOK_FIND_H */
