/* store_db.h - what the files of the store share; for server/store*.c alone.
 */
#ifndef OV_SERVER_STORE_DB_H
#define OV_SERVER_STORE_DB_H

#include <pthread.h>

#include "common/db/db.h"
#include "server/store.h"

struct ov_tx {
	struct ov_store *store;
	struct ov_db *db;
};

struct ov_store {
	struct ov_tx tx; /* the one transaction, of whose turn it is */
	pthread_mutex_t mx;
	pthread_cond_t turn;  /* `now` moved on */
	uint64_t next, now;   /* tickets, under mx: to be given, to be served */
	struct ov_db *lookup; /* second connection: certificates in handshakes */
	pthread_mutex_t looking;
	char *path;
};

/* Appends a blob column. */
OV_MUST_CHECK enum ov_status ov_store_append(
    struct ov_buf *out, struct ov_db_stmt *s, int column);

/* Copies a text column into cap bytes with NUL; longer text is OV_E_DB_FAILED. */
OV_MUST_CHECK enum ov_status ov_store_text(
    char *out, size_t cap, struct ov_db_stmt *s, int column);

/* Steps to the one row; OV_E_NOT_FOUND without it. */
OV_MUST_CHECK enum ov_status ov_store_row(struct ov_db_stmt *s);

bool ov_store_same(struct ov_db_stmt *s, int column, struct ov_bytes b);

#define ID(p) OV_DB_BLOB((p), OV_ID)

#endif /* OV_SERVER_STORE_DB_H */
