/* list.h - the frozen list of a job: records and tokens, as they stood when it began.
 *
 * An import may change the book while a job runs; the job goes on with its frozen
 * list.  A list is built record by record in list order (PROTOCOL.md 7.9), kept in
 * one block of memory for its tokens, and serialised for the database.
 *
 * Tokens are SECRET towards everyone outside, but not towards this process: their
 * memory is wiped when it is freed, not guarded.
 */
#ifndef OV_CLIENT_JOB_LIST_H
#define OV_CLIENT_JOB_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/crypto/hash.h"
#include "common/status.h"
#include "proto/codec.h"
#include "proto/rank.h"

struct ov_list_token {
	uint8_t rank;
	struct ov_bytes value; /* 1 to 255 bytes, none below 0x20 */
};

struct ov_list_record {
	uint64_t account;     /* the book's id of the record; never leaves */
	uint32_t first_token; /* its tokens are consecutive */
	uint8_t n_tokens;     /* 1 to OV_TOKENS_PER_RECORD */
	/* as in ROSTER (proto/slots.h): population in the own grant sheet and band of the
	 * partner's ICP; fit to the own ICP and to the partner's */
	uint8_t label, fit;
};

struct ov_list {
	struct ov_list_record *records;
	uint32_t *token_start;	/* n_tokens + 1 offsets into bytes */
	uint32_t *token_record; /* record of each token */
	uint8_t *bytes;		/* rank u8, value; per token */
	size_t n_records, n_tokens, n_bytes;
	size_t cap_records, cap_tokens, cap_bytes;
	bool disordered;
};

/* Start from { 0 }. */
void ov_list_fini(struct ov_list *l); /* wipes; leaves { 0 } */

/* Appends a record; its tokens in ascending order of (rank, bytes of the value).  A
 * record out of list order marks the list: ov_list_sort before use.
 * OV_E_BUG if the tokens are not in order, or a value is out of bounds; OV_E_PSI_VALUE
 * for a value with a control character; OV_E_LIST_TOO_LARGE at 2^31 tokens; OV_E_NOMEM.
 * The list is unchanged after a failure. */
OV_MUST_CHECK enum ov_status ov_list_add(struct ov_list *l, uint64_t account,
    uint8_t label, uint8_t fit, const struct ov_list_token *tokens, size_t n);

/* Room for so many in all, so that a list whose size is known need not move as it grows;
 * never less than there is.  OV_E_NOMEM. */
OV_MUST_CHECK enum ov_status ov_list_reserve(
    struct ov_list *l, size_t records, size_t tokens, size_t bytes);

/* Brings the records into list order; does nothing where they are.  OV_E_BUG if two
 * records begin with the same token; OV_E_NOMEM. */
OV_MUST_CHECK enum ov_status ov_list_sort(struct ov_list *l);

/* Token i. */
struct ov_list_token ov_list_token(const struct ov_list *l, size_t i);

/* The list digest of PROTOCOL.md 7.9. */
void ov_list_digest(uint8_t out[OV_HASH_LEN], const struct ov_list *l);

/* Serialised form of records from..to-1, appended to out; and back, appended to l.
 * Load refuses bytes that ov_list_save did not write (OV_E_DB_FAILED). */
OV_MUST_CHECK enum ov_status ov_list_save(
    struct ov_buf *out, const struct ov_list *l, size_t from, size_t to);
OV_MUST_CHECK enum ov_status ov_list_load(struct ov_list *l, struct ov_bytes in);

#endif /* OV_CLIENT_JOB_LIST_H */
