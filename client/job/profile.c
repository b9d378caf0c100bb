#include "client/job/profile.h"

#include <string.h>

#include "proto/keys.h"

/* current: digest of the current profile of the release that was refused. */
const char ov_job_profile_schema_1[] =
    "CREATE TABLE partner_profile(company BLOB PRIMARY KEY, current BLOB NOT NULL,"
    " profile BLOB NOT NULL) STRICT, WITHOUT ROWID";

static struct ov_db_value
digest_of(const struct ov_profile *p)
{
	return OV_DB_BLOB(ov_profile_digest(p), OV_PROFILE_DIGEST_LEN);
}

enum ov_status
ov_job_profile(
    const struct ov_profile **out, struct ov_home *home, const uint8_t partner[OV_ID])
{
	uint8_t digest[OV_PROFILE_DIGEST_LEN];
	const struct ov_profile *remembered = NULL;
	struct ov_db_stmt *q = NULL;
	bool row = false;
	enum ov_status st;

	OV_TRY(ov_db_query(&q, home->db,
	    "SELECT profile FROM partner_profile WHERE company = ? AND current = ?",
	    OV_DB_BLOB(partner, OV_ID), digest_of(ov_profile_current())));
	OV_TRY(ov_db_step(q, &row));
	if (row) {
		OV_TRY(ov_db_copy(digest, sizeof(digest), q, 0));
		remembered = ov_profile_by_digest(digest);
	}
	*out = remembered != NULL ? remembered : ov_profile_current();
done:
	ov_db_finish(q);
	return st;
}

/* To be tried next: the profile before the one that was refused, if there is one. */
static enum ov_status
remember_older(struct ov_home *home, const struct ov_job *refused)
{
	const struct ov_profile *p = NULL;
	enum ov_status st;

	for (size_t n = 0; (p = ov_profile_at(n)) != NULL; n++)
		if (memcmp(ov_profile_digest(p), refused->profile, OV_DIGEST) == 0) {
			p = ov_profile_at(n + 1);
			break;
		}
	if (p == NULL)
		return OV_OK;
	OV_TRY(ov_db_begin(home->db));
	OV_TRY(ov_db_run(home->db,
	    "INSERT OR REPLACE INTO partner_profile(company, current, profile)"
	    " VALUES (?, ?, ?)",
	    OV_DB_BLOB(refused->partner, OV_ID), digest_of(ov_profile_current()),
	    digest_of(p)));
	OV_TRY(ov_db_commit(home->db, "job.profile"));
done:
	ov_db_rollback(home->db);
	return st;
}

/* Is this REFUSE about our PROPOSE, and for want of its profile? */
static bool
is_for_profile(struct ov_bytes refuse, struct ov_bytes propose, const struct ov_job *j)
{
	const char *name = ov_status_name(OV_E_PROTO_PROFILE);
	uint8_t digest[OV_HASH_LEN];
	struct ov_msg_refuse m;

	if (ov_msg_decode(&m, OV_MSG_REFUSE, refuse) != OV_OK)
		return false;
	ov_digest(digest, "propose", propose);
	return memcmp(m.job, j->id, OV_ID) == 0 &&
	       memcmp(m.propose, digest, OV_DIGEST) == 0 &&
	       m.reason.len == strlen(name) &&
	       memcmp(m.reason.p, name, m.reason.len) == 0;
}

enum ov_status
ov_job_refusal(enum ov_status *why, struct ov_job_run *run, const struct ov_job *j)
{
	struct ov_step_text propose = { 0 }, refuse = { 0 };
	struct ov_partner partner;
	enum ov_status st;

	*why = OV_E_JOB_REFUSED;
	OV_TRY(ov_partner_get(&partner, run->home, j->partner));
	OV_TRY(ov_step_load(&propose, run->home, j->id, OV_STEP_PROPOSE));
	OV_TRY(ov_step_fetch(&refuse, run->home, run->session, j->id, OV_STEP_REFUSE,
	    partner.identity, 0));
	if (is_for_profile(OV_BUF_BYTES(&refuse.body), OV_BUF_BYTES(&propose.body), j)) {
		OV_TRY(remember_older(run->home, j));
		*why = OV_E_PROTO_PROFILE;
	}
done:
	ov_step_free(&propose);
	ov_step_free(&refuse);
	/* a refusal whose word does not verify is one all the same */
	return ov_session_is_passing(st) ? st : OV_OK;
}

enum ov_status
ov_job_profile_met(
    struct ov_home *home, const uint8_t partner[OV_ID], const struct ov_profile *p)
{
	enum ov_status st = OV_OK;

	if (p != ov_profile_current())
		return OV_OK;
	OV_TRY(ov_db_begin(home->db));
	OV_TRY(ov_db_run(home->db, "DELETE FROM partner_profile WHERE company = ?",
	    OV_DB_BLOB(partner, OV_ID)));
	OV_TRY(ov_db_commit(home->db, "job.profile"));
done:
	ov_db_rollback(home->db);
	return st;
}
