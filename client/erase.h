/* erase.h - one account of this company erased: from the book, and from everything else
 * that this home keeps of it.
 *
 * Gone are its rows and what was made of them, its aliases, its rows in an import that
 * waits, its name and ids in stored reports with the matches that they are about, and its
 * marks as a wrong match.  Counts of reports stay: they name nobody.  What partner and
 * broker were sent stays theirs: no name was in it.  It is remembered so that imports
 * leave it out (client/book/erased.h).
 */
#ifndef OV_CLIENT_ERASE_H
#define OV_CLIENT_ERASE_H

#include "client/book/erased.h"
#include "client/home.h"

struct ov_erase_counts {
	uint64_t rows, held_rows; /* of the book; of an import that waits */
	uint64_t aliases, marks;
	uint64_t kept, matches; /* names kept for reports; matches of reports */
	bool erased; /* it is, whatever status came back: see OV_E_DB_BUSY below */
	/* OV_E_ERASE_JOB: */
	uint8_t job[OV_ID], partner[OV_ID];
	uint64_t expiry;
};

enum ov_erase_mode {
	OV_ERASE_COUNT, /* what it would delete: in the end, all is as before */
	OV_ERASE_DO
};

/* text: an id, or a name or domain of one account; an id that only old reports, aliases
 * or a held import have is fine, too.  The caller has claimed the home.  The book's
 * generation counts up, so the next job has another list.  Afterwards nothing of it is in
 * the database's files but digests; OV_E_DB_BUSY with out->erased means: another process
 * reads, and the write-ahead log holds it until that ends.
 * OV_E_NOT_FOUND; OV_E_DB_CONFLICT if several accounts are meant; OV_E_ERASE_JOB: an
 * open job froze it (out says which). */
OV_MUST_CHECK enum ov_status ov_erase(struct ov_erase_counts *out, struct ov_home *home,
    const char *text, enum ov_erase_mode mode);

/* Of an id, domain or name that nothing here has (ov_erase: OV_E_NOT_FOUND): later
 * imports leave out what has it. */
OV_MUST_CHECK enum ov_status ov_erase_absent(struct ov_home *home, const char *text);

/* The accounts that are remembered, for an import: NULL if there are none, and then no
 * key is asked for.  ov_erased_free it. */
OV_MUST_CHECK enum ov_status ov_erase_memory(
    struct ov_erased **out, struct ov_home *home);

/* Forgets that the account was erased: the next import may bring it again.  Fails as
 * ov_erased_forget. */
OV_MUST_CHECK enum ov_status ov_erase_undo(struct ov_home *home, const char *text);

#endif /* OV_CLIENT_ERASE_H */
