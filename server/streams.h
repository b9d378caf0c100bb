/* streams.h - chunks between partners and to the broker.
 */
#ifndef OV_SERVER_STREAMS_H
#define OV_SERVER_STREAMS_H

#include "server/jobs.h"

/* For a COMPLETE that is being put by `who`: fills put->stream and put->sent with what is
 * stored.  Without a transaction open: a stream whose digest did not grow with it is
 * read, a chunk at a time; one that has its last chunk never changes. OV_E_BROKER_UNKNOWN
 * for a job of others. */
OV_MUST_CHECK enum ov_status ov_stream_measure(
    struct ov_put *put, const struct ov_company *who, const uint8_t job[OV_ID]);

/* Bytes that `chunks` chunks of a stream of `count` rows have together; 0 for FIELDS,
 * whose rows have a size that only the partners know. */
uint64_t ov_stream_bytes(unsigned int stream, uint64_t count, uint64_t chunks);

/* Rows of a stream that role sends in a job (slots of A or B); 0 for FIELDS. */
uint64_t ov_stream_rows(unsigned int stream, enum ov_role role, const struct ov_job *job);

/* Calls visit for each chunk of a stream in order, a transaction each.  OV_E_PROTO_COUNT
 * if it is not complete. */
OV_MUST_CHECK enum ov_status ov_stream_read(struct ov_store *store,
    const uint8_t job[OV_ID], unsigned int stream,
    enum ov_status (*visit)(void *arg, struct ov_bytes chunk), void *arg);

/* Erases what ended jobs left in the store, a few chunks a transaction, so that calls go
 * on meanwhile.  *more: there is still some, call again. */
OV_MUST_CHECK enum ov_status ov_streams_erase(const struct ov_broker *b, bool *more);

#endif /* OV_SERVER_STREAMS_H */
