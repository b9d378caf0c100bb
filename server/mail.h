/* mail.h - mails that the broker writes in a company's name (PROTOCOL.md 4).
 */
#ifndef OV_SERVER_MAIL_H
#define OV_SERVER_MAIL_H

#include "server/store.h"

/* Puts a mail into the box of `to`, inside the caller's transaction; the caller fires
 * the event of `to` after its commit.  A mail of that (from, mail) again changes nothing.
 */
OV_MUST_CHECK enum ov_status ov_mail_write(struct ov_tx *tx, int64_t now,
    enum ov_mail kind, const uint8_t from[OV_ID], const uint8_t to[OV_ID],
    const uint8_t mail[OV_ID], struct ov_bytes body);

#endif /* OV_SERVER_MAIL_H */
