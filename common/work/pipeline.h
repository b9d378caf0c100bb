/* pipeline.h - numbered chunks through three stages, on all cores, in bounded memory.
 *
 *     produce   one thread, chunk 0, 1, 2, ... in order
 *     work      many threads, any order
 *     consume   the caller's thread, chunk 0, 1, 2, ... in order
 *
 * At most `slots` chunks are between the start of produce and the end of consume.  Chunk
 * c lives in slot c mod slots: the caller owns one buffer per slot and reuses it, so
 * memory is bounded by what the caller allocated.  No two calls ever work on one slot at
 * a time.
 *
 * The first failure in time stops everything: calls that run are waited for, none is
 * started after.  So does the cancel flag, which is looked at before each call.
 */
#ifndef OV_COMMON_WORK_PIPELINE_H
#define OV_COMMON_WORK_PIPELINE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/status.h"

/* A stage's call for one chunk.  ctx is shared by all threads. */
typedef enum ov_status (*ov_stage_fn)(void *ctx, size_t slot, uint64_t chunk);

struct ov_pipeline {
	void *ctx;    /* borrowed; handed to every call */
	size_t slots; /* 1 or more; one more than twice `workers` keeps all stages busy */
	size_t workers; /* threads for work; 0: one for each core this process may use */

	/* Fills the slot, or sets *end and leaves it: there is no such chunk, nor any
	 * after it. */
	enum ov_status (*produce)(void *ctx, size_t slot, uint64_t chunk, bool *end);
	ov_stage_fn work;
	ov_stage_fn consume;

	/* May be NULL: called after each consume, on its thread, with the chunks done. */
	void (*progress)(void *ctx, uint64_t chunks);

	/* May be NULL: called once when the pipeline stops early, from any thread, so
	 * that a produce or consume that waits for something outside can be made to
	 * return. */
	void (*interrupt)(void *ctx);

	/* May be NULL: true ends the run with OV_E_CANCELLED.  Safe to set from a signal
	 * handler; a call that waits for something outside must look at it itself. */
	const atomic_bool *cancel;
};

/* Runs to the end or to the first failure, which it returns; all threads have ended when
 * it returns.  Besides the failures of the calls: OV_E_CANCELLED, OV_E_THREAD,
 * OV_E_NOMEM, OV_E_BUG (no slots).  Signals stay with the caller's thread. */
OV_MUST_CHECK enum ov_status ov_pipeline_run(const struct ov_pipeline *options);

/* Number of cores this process may use, at least 1. */
size_t ov_cores(void);

#endif /* OV_COMMON_WORK_PIPELINE_H */
