/* admin.h - what an operator asks of a broker: one request, one text.
 *
 * The same whether it comes through the control socket of a running broker or works on
 * the site of one that does not run.  A request is words ended by NUL: verb, then its
 * arguments.  A reply is the name of a status, a newline, and text for the operator's
 * own eyes, names included.
 */
#ifndef OV_SERVER_ADMIN_H
#define OV_SERVER_ADMIN_H

#include "common/transport/edge.h"
#include "server/broker.h"

struct ov_admin {
	const struct ov_broker *broker;
	struct ov_edge *edge; /* NULL: no broker runs */
	int64_t started;
};

/* enroll NAME | orgs | revoke NAME | remove NAME | status | backup FILE.  Appends the
 * reply; a failure is in the reply. */
void ov_admin_answer(
    struct ov_buf *reply, const struct ov_admin *a, struct ov_bytes request);

/* Whether the verb is one of the above, with the right number of arguments. */
bool ov_admin_knows(const char *verb, int n_arguments);

#endif /* OV_SERVER_ADMIN_H */
