/* erased.h - the accounts that were erased, so that no import brings them back.
 *
 * Nothing of such an account is kept but keyed digests: of the ids of its rows, and of
 * the keys by which they were known: all of rows without an id, and, where rows had one,
 * what tells them when a file has lost its column of ids; a key that others have, too,
 * only together with the name.  The key is the caller's
 * (sealed in the home), so the file alone tells nobody whether an account is among them.
 * A digest is 16 bytes of BLAKE2b under the key, over what it is of and the value.  Keys
 * are looked for as each profile of this release makes them: a digest stays as it was.
 */
#ifndef OV_CLIENT_BOOK_ERASED_H
#define OV_CLIENT_BOOK_ERASED_H

#include <stdbool.h>

#include "client/book/row.h"
#include "client/book/tokens.h"
#include "common/crypto/hash.h"
#include "common/db/db.h"
#include "common/status.h"

#define OV_ERASED_KEY_LEN 32

struct ov_erased;

/* Whether any account is remembered: only then the key is needed. */
OV_MUST_CHECK enum ov_status ov_erased_any(bool *any, struct ov_db *db);

/* All digests, in memory; key: SECRET, copied. */
OV_MUST_CHECK enum ov_status ov_erased_load(
    struct ov_erased **out, struct ov_db *db, const uint8_t key[OV_ERASED_KEY_LEN]);
void ov_erased_free(struct ov_erased *e); /* wipes; NULL is fine */

/* Whether a row is of an erased account: by its id; by a key of its own (the bare name
 * alone only where the row has nothing better), or one that was shared together with its
 * name, if the account or this row had no id; by its name where it has no key at all, or
 * where that was kept out by name.  By the rules of any profile of this release: what was
 * erased under the one before stays erased.  e NULL: false.  cells: as book_row has them,
 * id in its one form. */
OV_MUST_CHECK enum ov_status ov_erased_has(bool *has, const struct ov_erased *e,
    struct ov_bytes id, const struct ov_row_cells *c);

/* Whose a deal is. */
enum ov_erased_deal {
	OV_DEAL_OF_OTHERS,
	OV_DEAL_LIKE_ERASED, /* its name is an erased account's in another spelling: it
				joins accounts, but none is made of it */
	OV_DEAL_OF_BOTH, /* its name may be an erased account's: nothing is made of it */
	OV_DEAL_OF_ERASED
};
/* By the ids of its accounts (separated as ov_row_next_part has it), of which those that
 * were erased are struck, or, where it has none or the account had none, by name. */
OV_MUST_CHECK enum ov_status ov_erased_strike_deal(enum ov_erased_deal *of,
    const struct ov_erased *e, struct ov_text *ids, struct ov_bytes name);

/* Inside the caller's transaction: remembers the account of a record, before its rows are
 * deleted; record negative: only the id.  id may be "". */
OV_MUST_CHECK enum ov_status ov_erased_remember(struct ov_db *db,
    const uint8_t key[OV_ERASED_KEY_LEN], int64_t record, const char *id, uint64_t now);

/* Inside the caller's transaction: no row here is of it, and none is to be: of what has
 * this id, domain or name (as names are normalised, whoever has it). */
OV_MUST_CHECK enum ov_status ov_erased_remember_text(struct ov_db *db,
    const uint8_t key[OV_ERASED_KEY_LEN], const char *text, uint64_t now);

/* Inside the caller's transaction: forgets that the account was erased which `text` may
 * mean, an id, domain or name.  OV_E_NOT_FOUND; OV_E_DB_CONFLICT if several are meant. */
OV_MUST_CHECK enum ov_status ov_erased_forget(
    struct ov_db *db, const uint8_t key[OV_ERASED_KEY_LEN], const char *text);

/* When each was erased, oldest first.  visit's failure ends the walk. */
OV_MUST_CHECK enum ov_status ov_erased_each(
    struct ov_db *db, enum ov_status (*visit)(void *arg, uint64_t at), void *arg);

#endif /* OV_CLIENT_BOOK_ERASED_H */
