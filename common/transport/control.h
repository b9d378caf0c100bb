/* control.h - the operator's control socket of the broker (nng REQ/REP over ipc).
 *
 * Only who may open the socket file may speak: it is made with mode 0600.  Calls
 * are answered one after the other on a thread of the server.
 */
#ifndef OV_COMMON_TRANSPORT_CONTROL_H
#define OV_COMMON_TRANSPORT_CONTROL_H

#include <stddef.h>
#include <stdint.h>

#include "common/crypto/hash.h"
#include "common/status.h"

#define OV_CONTROL_MAX (1U << 20) /* bytes of a request or reply */

struct ov_control;

/* Answers a request: *reply is malloc'd (or NULL with *len 0) and freed by the
 * server.  Called on the server's thread. */
typedef void ov_control_handler(
    void *ctx, uint8_t **reply, size_t *len, struct ov_bytes request);

/* Listens on the socket file at path (at most 100 bytes); one that a dead server
 * left is replaced.  Sets the process's umask for a moment: call it before other
 * threads make files.  OV_E_NET_BUSY if a server lives there, OV_E_NET_ADDRESS,
 * OV_E_IO, OV_E_NOMEM, OV_E_THREAD. */
OV_MUST_CHECK enum ov_status ov_control_start(struct ov_control **control,
    const char *path, ov_control_handler *handler, void *ctx);

/* Waits for a handler that runs, then removes the socket file.  NULL is fine. */
void ov_control_stop(struct ov_control *control);

/* One call; *reply is malloc'd.  OV_E_NET_UNREACHABLE if no server listens,
 * OV_E_TIMEOUT, OV_E_NOMEM, OV_E_WIRE_LIMIT for a request over OV_CONTROL_MAX. */
OV_MUST_CHECK enum ov_status ov_control_call(const char *path, uint8_t **reply,
    size_t *len, struct ov_bytes request, uint32_t timeout_ms);

#endif /* OV_COMMON_TRANSPORT_CONTROL_H */
