/* The thread that looks for jobs to be joined. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/log.h"
#include "server/jobs.h"
#include "server/report.h"

#define RETRY_SECONDS 30 /* after a failure of this machine */

struct ov_joiner {
	const struct ov_broker *b;
	pthread_t thread;
	pthread_mutex_t mx;
	pthread_cond_t wake;
	bool kicked, quit;
};

struct candidate {
	uint64_t seq;
	uint8_t id[OV_ID];
	bool found;
};

static enum ov_status
look(void *arg, const struct ov_job *job)
{
	struct candidate *c = arg;

	c->seq = job->seq;
	if (!c->found && ov_job_is_joinable(job)) {
		memcpy(c->id, job->id, OV_ID);
		c->found = true;
	}
	return OV_OK;
}

/* The first joinable job after c->seq; sets c->seq past it. */
static enum ov_status
next_job(struct candidate *c, const struct ov_broker *b)
{
	struct ov_job_walk walk = { .open_only = true, .limit = 1 };
	struct ov_tx *tx = NULL;
	enum ov_status st = OV_OK;
	uint64_t before;

	c->found = false;
	OV_TRY(ov_tx_begin(&tx, b->store));
	do {
		before = c->seq;
		walk.after = c->seq;
		OV_TRY(ov_store_jobs(tx, &walk, look, c));
	} while (!c->found && c->seq != before);
done:
	ov_tx_end(&tx);
	return st;
}

static bool
must_quit(struct ov_joiner *j)
{
	bool quit;

	pthread_mutex_lock(&j->mx);
	quit = j->quit;
	pthread_mutex_unlock(&j->mx);
	return quit;
}

/* All jobs that are ready now. */
static enum ov_status
work(struct ov_joiner *j)
{
	struct candidate c = { 0 };
	enum ov_status st = OV_OK, first = OV_OK;

	while (!must_quit(j)) {
		OV_TRY(next_job(&c, j->b));
		if (!c.found)
			break;
		st = ov_report_make(j->b, c.id);
		if (st != OV_OK)
			ov_log(OV_LOG_ERROR, "report.failed", OV_F_ID("job", c.id),
			    OV_F_STATUS(st));
		if (first == OV_OK)
			first = st; /* the others get their turn */
	}
	st = first;
done:
	return st;
}

static void *
joiner_main(void *arg)
{
	struct ov_joiner *j = arg;
	struct timespec until;

	pthread_mutex_lock(&j->mx);
	while (!j->quit) {
		enum ov_status st;

		if (!j->kicked) {
			pthread_cond_wait(&j->wake, &j->mx);
			continue;
		}
		j->kicked = false;
		pthread_mutex_unlock(&j->mx);
		st = work(j);
		pthread_mutex_lock(&j->mx);
		if (st == OV_OK || j->kicked || j->quit)
			continue;
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec += RETRY_SECONDS;
		(void)pthread_cond_timedwait(&j->wake, &j->mx, &until);
		j->kicked = true;
	}
	pthread_mutex_unlock(&j->mx);
	return NULL;
}

enum ov_status
ov_joiner_new(struct ov_joiner **out, const struct ov_broker *b)
{
	struct ov_joiner *j = calloc(1, sizeof(*j));

	*out = NULL;
	if (j == NULL)
		return OV_E_NOMEM;
	j->b = b;
	pthread_mutex_init(&j->mx, NULL);
	pthread_cond_init(&j->wake, NULL);
	if (pthread_create(&j->thread, NULL, joiner_main, j) != 0) {
		pthread_cond_destroy(&j->wake);
		pthread_mutex_destroy(&j->mx);
		free(j);
		return OV_E_THREAD;
	}
	*out = j;
	return OV_OK;
}

void
ov_joiner_kick(struct ov_joiner *j)
{
	if (j == NULL)
		return;
	pthread_mutex_lock(&j->mx);
	j->kicked = true;
	pthread_cond_signal(&j->wake);
	pthread_mutex_unlock(&j->mx);
}

void
ov_joiner_free(struct ov_joiner *j)
{
	if (j == NULL)
		return;
	pthread_mutex_lock(&j->mx);
	j->quit = true;
	pthread_cond_signal(&j->wake);
	pthread_mutex_unlock(&j->mx);
	pthread_join(j->thread, NULL);
	pthread_cond_destroy(&j->wake);
	pthread_mutex_destroy(&j->mx);
	free(j);
}
