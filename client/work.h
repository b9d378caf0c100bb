/* work.h - what `run` and `agent` share: a session with all jobs of the home.
 *
 * Opens home, session and kernel, claims the home, turns SIGINT and SIGTERM into a clean
 * stop, answers proposals that come by mail, and goes on with open jobs.
 */
#ifndef OV_CLIENT_WORK_H
#define OV_CLIENT_WORK_H

#include "client/cli.h"
#include "client/job/job.h"
#include "client/progress.h"

struct ov_work {
	struct ov_cli *cli;
	struct ov_home *home;
	struct ov_session *session;
	struct ov_job_run run;
	struct ov_job_frozen frozen;
	struct ov_ready ready;
	struct ov_progress progress;
	unsigned int refused; /* proposals answered with REFUSE */
};

/* wait_s: how long each step waits for the partner. */
OV_MUST_CHECK enum ov_status ov_work_open(
    struct ov_work *w, struct ov_cli *cli, uint32_t wait_s);
void ov_work_close(struct ov_work *w);

/* Mail, with proposals answered; waits up to wait_ms for the first one. */
OV_MUST_CHECK enum ov_status ov_work_mail(struct ov_work *w, uint32_t wait_ms);

/* Goes on with one job, with progress on the terminal.  *j is another job afterwards if
 * the partner had not the profile of the first. */
OV_MUST_CHECK enum ov_status ov_work_advance(struct ov_work *w, struct ov_job *j);

/* Goes on with every open job.  *n (may be NULL): how many there were.  Prints how each
 * ended; the first failure that is not OV_E_JOB_WAITING is returned at the end. */
OV_MUST_CHECK enum ov_status ov_work_advance_all(struct ov_work *w, size_t *n);

/* True after SIGINT or SIGTERM. */
bool ov_work_stopped(void);

/* One job as the user reads it, or as JSON. */
OV_MUST_CHECK enum ov_status ov_work_print(struct ov_work *w, const struct ov_job *j);

/* Reads whole seconds, 0 to 7 days. */
OV_MUST_CHECK enum ov_status ov_work_seconds(
    uint32_t *out, struct ov_cli *cli, const char *text);

#endif /* OV_CLIENT_WORK_H */
