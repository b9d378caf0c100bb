/* lists.h - the compiled-in list files, and small hash tables made of them.
 *
 * A list file is UTF-8 text: lines beginning with '#' are comments, fields are
 * parted by one tab.  The files are embedded by OverlapEmbed.cmake.
 */
#ifndef OV_CLIENT_NORMALISE_LISTS_H
#define OV_CLIENT_NORMALISE_LISTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/status.h"

enum ov_list {
#define LIST(symbol, name, current, previous) OV_LIST_##symbol,
#include "client/normalise/lists.def"
#undef LIST
	OV_LIST_COUNT
};

/* Which profile's data: the order of the columns in lists.def. */
enum ov_list_age { OV_LIST_CURRENT, OV_LIST_PREVIOUS };

struct ov_list_file {
	const char *name;
	const uint8_t *data; /* static; equal where two profiles have one list */
	size_t len;	     /* 0: the profile has no such list */
};

struct ov_list_file ov_list_file(enum ov_list which, enum ov_list_age age);

/* Byte strings to numbers; open addressing, keys copied into one arena. */
struct ov_table {
	struct ov_slot *slots;
	char *arena;
	size_t n, cap;		/* cap is a power of two or 0 */
	size_t used, arena_cap; /* bytes */
};

/* Adds or overwrites.  OV_E_NOMEM. */
OV_MUST_CHECK enum ov_status ov_table_put(
    struct ov_table *t, const char *key, size_t len, uint64_t value);
/* True and *value (may be NULL) if key is there. */
bool ov_table_get(const struct ov_table *t, const char *key, size_t len, uint64_t *value);
void ov_table_fini(struct ov_table *t);

/* A field of a line, borrowed from the list. */
struct ov_field {
	const char *p;
	size_t len;
};
#define OV_LIST_FIELDS 4

/* Calls each(ctx, fields, n) for every line that is neither empty nor a comment,
 * with up to OV_LIST_FIELDS fields; stops at the first failure and returns it. */
OV_MUST_CHECK enum ov_status ov_list_each(struct ov_list_file file,
    enum ov_status (*each)(void *ctx, const struct ov_field *f, size_t n), void *ctx);

#endif /* OV_CLIENT_NORMALISE_LISTS_H */
