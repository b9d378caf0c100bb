/* examples.h - a few values of the book that made no key, by reason, for the owner who
 * asks to see them.  They are the owner's data: never logged. */
#ifndef OV_CLIENT_BOOK_EXAMPLES_H
#define OV_CLIENT_BOOK_EXAMPLES_H

#include "client/book/tokens.h"
#include "common/db/db.h"
#include "common/status.h"

struct ov_example {
	const char *why;       /* a sentence */
	const char *id, *name; /* of the row; "" if it has none */
	const char *key;       /* the kind of key it would have been */
	const char *value;     /* as it stands in the file, cut to 80 bytes */
};

#define OV_EXAMPLES_EACH 3 /* for each reason */

struct ov_examples;
OV_MUST_CHECK enum ov_status ov_examples_new(struct ov_examples **out);
void ov_examples_free(struct ov_examples *g); /* NULL is fine */

/* While records are made: a value that was tried, of a row with this id and name. */
void ov_examples_try(struct ov_examples *g, const struct ov_claim_try *t,
    struct ov_bytes id, struct ov_bytes name);

/* Afterwards: calls visit for the first rows of each reason, reason by reason, those of
 * merging among them.  visit's failure ends the walk. */
OV_MUST_CHECK enum ov_status ov_examples_each(struct ov_examples *g, struct ov_db *db,
    enum ov_status (*visit)(void *arg, const struct ov_example *e), void *arg);

#endif /* OV_CLIENT_BOOK_EXAMPLES_H */
