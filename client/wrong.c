#include "client/wrong.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BY_ID 'i'
#define BY_NAME 'n'

/* One row for each id of an account.  account: 'i' and the id, or 'n' and the name. */
const char ov_wrong_schema_1[] =
    "CREATE TABLE match_wrong(partner BLOB NOT NULL, theirs TEXT NOT NULL,"
    " rank INTEGER NOT NULL, account TEXT NOT NULL, since INTEGER NOT NULL,"
    " PRIMARY KEY(partner, theirs, rank, account)) STRICT, WITHOUT ROWID;";

/* What a match is known by: by rank, population and account, a text each. */
struct ov_wrong {
	size_t n, cap;
	char **key; /* sorted */
};

static char *
key_of(uint8_t rank, const char *theirs, const char *account)
{
	char *key;

	/* no name holds a line feed */
	return asprintf(&key, "%u\n%s\n%s", rank, theirs, account) < 0 ? NULL : key;
}

void
ov_wrong_free(struct ov_wrong *w)
{
	if (w == NULL)
		return;
	for (size_t i = 0; i < w->n; i++)
		free(w->key[i]);
	free(w->key);
	free(w);
}

static int
compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static enum ov_status
add(struct ov_wrong *w, char *key)
{
	size_t cap = w->n < w->cap ? w->cap : 2 * w->cap + 64;
	char **more = realloc(w->key, cap * sizeof(*more));

	if (key == NULL || more == NULL) {
		free(key);
		w->key = more != NULL ? more : w->key;
		return OV_E_NOMEM;
	}
	w->key = more;
	w->cap = cap;
	w->key[w->n++] = key;
	return OV_OK;
}

enum ov_status
ov_wrong_load(struct ov_wrong **out, struct ov_db *db, const uint8_t partner[16])
{
	struct ov_wrong *w = calloc(1, sizeof(*w));
	struct ov_db_stmt *q = NULL;
	bool row;
	enum ov_status st;

	*out = NULL;
	OV_REQUIRE(w != NULL, OV_E_NOMEM);
	OV_TRY(ov_db_query(&q, db,
	    "SELECT rank, theirs, account FROM match_wrong WHERE partner = ?",
	    OV_DB_BLOB(partner, 16)));
	for (;;) {
		OV_TRY(ov_db_step(q, &row));
		if (!row)
			break;
		OV_TRY(add(w, key_of((uint8_t)ov_db_i64(q, 0), ov_db_text(q, 1),
				  ov_db_text(q, 2))));
	}
	if (w->n > 0) {
		qsort(w->key, w->n, sizeof(*w->key), compare);
		*out = w;
		w = NULL;
	}
done:
	ov_db_finish(q);
	ov_wrong_free(w);
	return st;
}

/* The texts by which an account is known, one after another: each id, else the name.
 * *at: 0 at first.  NULL after the last one, and (*failed) without memory. */
static char *
next_account(const struct ov_wrong_match *m, size_t *at, bool *failed)
{
	bool named = m->ids[0] == '\0';
	const char *from = named ? m->name : m->ids + *at;
	size_t len = named ? strlen(from) : strcspn(from, ";");
	char *account = NULL;

	*failed = false;
	if (len == 0 || (named && *at > 0))
		return NULL;
	*failed =
	    asprintf(&account, "%c%.*s", named ? BY_NAME : BY_ID, (int)len, from) < 0;
	*at += len + (from[len] == ';'); /* within ids, or beyond the one name */
	return *failed ? NULL : account;
}

/* Without memory nothing is hidden. */
bool
ov_wrong_has(const struct ov_wrong *w, const struct ov_wrong_match *m)
{
	bool found = false, failed;
	char *account, *key;

	if (w == NULL)
		return false;
	for (size_t at = 0; !found && (account = next_account(m, &at, &failed)) != NULL;
	     free(account)) {
		key = key_of(m->rank, m->theirs, account);
		found = key != NULL &&
			bsearch(&key, w->key, w->n, sizeof(*w->key), compare) != NULL;
		free(key);
	}
	return found;
}

enum ov_status
ov_wrong_mark(struct ov_db *db, const uint8_t partner[16], const struct ov_wrong_match *m,
    uint64_t now)
{
	char *account = NULL;
	size_t at = 0;
	bool failed;
	enum ov_status st = OV_E_NOT_FOUND;

	while ((account = next_account(m, &at, &failed)) != NULL) {
		OV_TRY(ov_db_run(db,
		    "INSERT OR IGNORE INTO match_wrong(partner, theirs, rank, account,"
		    " since) VALUES(?,?,?,?,?)",
		    OV_DB_BLOB(partner, 16), OV_DB_TEXT(m->theirs), OV_DB_I64(m->rank),
		    OV_DB_TEXT(account), OV_DB_I64(now)));
		free(account);
	}
	OV_REQUIRE(!failed, OV_E_NOMEM);
done:
	free(account);
	return st;
}

enum ov_status
ov_wrong_right(bool *was, struct ov_db *db, const uint8_t partner[16],
    const struct ov_wrong_match *m)
{
	char *account = NULL;
	size_t at = 0;
	bool failed;
	enum ov_status st = OV_OK;

	*was = false;
	while ((account = next_account(m, &at, &failed)) != NULL) {
		OV_TRY(ov_db_run(db,
		    "DELETE FROM match_wrong WHERE partner = ? AND theirs = ?"
		    " AND rank = ? AND account = ?",
		    OV_DB_BLOB(partner, 16), OV_DB_TEXT(m->theirs), OV_DB_I64(m->rank),
		    OV_DB_TEXT(account)));
		*was = *was || ov_db_changed(db) > 0;
		free(account);
	}
	OV_REQUIRE(!failed, OV_E_NOMEM);
done:
	free(account);
	return st;
}
