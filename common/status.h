/* status.h - why a call failed, and the two macros that pass it on.
 *
 * Every fallible function returns enum ov_status and writes results through
 * pointers.  On failure outputs are untouched or zeroed, never half-written.
 */
#ifndef OV_COMMON_STATUS_H
#define OV_COMMON_STATUS_H

#define OV_MUST_CHECK __attribute__((warn_unused_result))

enum ov_status {
	OV_OK = 0,
#define STATUS(name, class, text) OV_##name,
#include "common/status.def"
#undef STATUS
	OV_STATUS_COUNT
};

enum ov_class {
	OV_CLASS_NONE,
	OV_CLASS_PEER,
	OV_CLASS_HOST,
	OV_CLASS_USAGE,
	OV_CLASS_BUG
};

/* Symbolic name ("E_NOMEM"), sentence, and class of st.  Never NULL. */
const char *ov_status_name(enum ov_status st);
const char *ov_status_text(enum ov_status st);
enum ov_class ov_status_class(enum ov_status st);

/* The status called name ("E_NOMEM"), OV_E_BUG for an unknown name: names, not
 * numbers, cross the wire and the database, so that the list may grow. */
enum ov_status ov_status_by_name(const char *name);

/* Both need a local `st` and one label `done:` that releases everything.
 * One exit per function is where secrets get wiped, so there is only one. */
#define OV_TRY(expr)                                                                     \
	do {                                                                             \
		if ((st = (expr)) != OV_OK)                                              \
			goto done;                                                       \
	} while (0)
#define OV_REQUIRE(cond, reason)                                                         \
	do {                                                                             \
		if (!(cond)) {                                                           \
			st = (reason);                                                   \
			goto done;                                                       \
		}                                                                        \
	} while (0)

#endif /* OV_COMMON_STATUS_H */
