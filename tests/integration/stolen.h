/* stolen.h - what somebody makes of a home that is not his: the keys of its jobs, and
 * chunks that were recorded. */
#ifndef OV_TESTS_STOLEN_H
#define OV_TESTS_STOLEN_H

#include <stdio.h>

#include "client/home.h"
#include "client/job/record.h"
#include "proto/keys.h"

/* Opens a home that has its key file beside it.  Close with ov_home_close. */
OV_MUST_CHECK enum ov_status stolen_home(struct ov_home **out, const char *path);

struct stolen_keys {
	uint8_t th[OV_HASH_LEN];
	struct ov_shared_keys shared;
	struct ov_local_keys local;
};

/* What the home's seeds of a job and its two first messages give.  OV_E_NOT_FOUND without
 * seeds. */
OV_MUST_CHECK enum ov_status stolen_keys(
    struct stolen_keys *out, struct ov_home *home, const struct ov_job *j);

/* A chunk as it was recorded: job (16) || stream u8 || index u32 || length u32 || body.
 */
struct stolen_chunk {
	uint8_t job[OV_ID];
	unsigned int stream;
	uint32_t index;
	struct ov_bytes body; /* good until the next one is read */
};

/* The next one of the file; false at its end. */
bool stolen_next(struct stolen_chunk *out, FILE *f);

/* Opens a chunk of POINTS into plain, of body.len bytes; false if no key of these does.
 * *len: of what was sealed. */
bool stolen_open(uint8_t *plain, size_t *len, const struct stolen_chunk *c,
    const struct stolen_keys *k);

#endif /* OV_TESTS_STOLEN_H */
