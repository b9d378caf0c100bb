/* hostile_broker.h - what the parts of the lying broker share.
 *
 * The program is overlapd itself, its main and its libraries, with ov_dispatch and the
 * checks of PROPOSE and ACCEPT replaced at link time.  Each call is answered by the
 * honest broker first; then the lie of the moment may put something else in the place of
 * its reply.  A lie is one line of the file named by OVERLAP_LIE, read at each call:
 *
 *     LIE HOW COMPANY      ("view twice *"; *: to every company)
 */
#ifndef OV_TESTS_HOSTILE_BROKER_H
#define OV_TESTS_HOSTILE_BROKER_H

#include <stdio.h>
#include <stdlib.h>

#include "server/dispatch.h"
#include "server/log.h"

/* Test code in somebody else's process: what must not fail ends it, and its log says
 * where. */
#define MUST(cond)                                                                       \
	do {                                                                             \
		if (!(cond)) {                                                           \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond);       \
			abort();                                                         \
		}                                                                        \
	} while (0)

struct scene {
	const struct ov_broker *b;
	const struct ov_company *who; /* asked */
	enum ov_msg asked;
	const union ov_msg_any *q; /* the question */
	struct ov_buf *reply;
	bool *said; /* the reply is the liar's */
	const char *how;
};

/* The reply as a message of this type; false if it is another.  Borrows from it. */
bool scene_reply(union ov_msg_any *m, const struct scene *s, enum ov_msg type);
/* Puts a message, which may borrow from the old reply, in its place. */
void scene_say(const struct scene *s, enum ov_msg type, const void *m);
void scene_error(const struct scene *s, const char *status);

/* The company's part in a job; false if it has none. */
bool scene_role(enum ov_role *role, const struct scene *s, const uint8_t job[OV_ID]);

/* Puts a signed step into the log, as a broker can, and proves that it is there to who
 * has seen so much of it. */
void scene_prove(struct ov_proven *out, const struct scene *s, enum ov_leaf type,
    struct ov_bytes body, const uint8_t signature[64]);

/* Lies, by file. */
typedef void lie(const struct scene *s);
lie lie_in_report, lie_with_other_view; /* hostile_report.c */
lie lie_about_log, lie_about_end;	/* hostile_log.c */

#endif /* OV_TESTS_HOSTILE_BROKER_H */
