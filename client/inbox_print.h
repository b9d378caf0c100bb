/* inbox_print.h - all that waits for a person, as text and JSON, for the user's own
 * screen. */
#ifndef OV_CLIENT_INBOX_PRINT_H
#define OV_CLIENT_INBOX_PRINT_H

#include <stdbool.h>

#include "client/cli.h"
#include "client/home.h"

/* Partners and terms in force at one moment: what came into force or ended since is
 * news. */
struct ov_inbox_before;
OV_MUST_CHECK enum ov_status ov_inbox_before_new(
    struct ov_inbox_before **out, struct ov_home *home);
void ov_inbox_before_free(struct ov_inbox_before *b); /* NULL is fine */

/* To cli->out; as JSON with cli->json.  before: NULL: nothing is news.  fetched: whether
 * the broker was asked, for the screen to say so. */
OV_MUST_CHECK enum ov_status ov_inbox_print(struct ov_cli *cli, struct ov_home *home,
    const struct ov_inbox_before *before, bool fetched);

#endif /* OV_CLIENT_INBOX_PRINT_H */
