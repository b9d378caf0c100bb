/* profile.h - under which normaliser profile to propose to a partner (PROTOCOL.md 7.10).
 *
 * The highest that both have: the current one, until the partner refused it; then the one
 * before, until this home has another release or the partner itself proposes under the
 * current one.
 */
#ifndef OV_CLIENT_JOB_PROFILE_H
#define OV_CLIENT_JOB_PROFILE_H

#include "client/job/job.h"
#include "client/normalise/normalise.h"

OV_MUST_CHECK enum ov_status ov_job_profile(
    const struct ov_profile **out, struct ov_home *home, const uint8_t partner[OV_ID]);

/* The broker says that the partner refused j, which this home proposed: *why by the
 * partner's signed word, OV_E_PROTO_PROFILE or OV_E_JOB_REFUSED.  If it has not the
 * profile of j, the one before it is remembered, if this release has one.  Fails only as
 * long as asking again may help. */
OV_MUST_CHECK enum ov_status ov_job_refusal(
    enum ov_status *why, struct ov_job_run *run, const struct ov_job *j);

/* The partner proposed under p: if that is the current one, a refusal is forgotten. */
OV_MUST_CHECK enum ov_status ov_job_profile_met(
    struct ov_home *home, const uint8_t partner[OV_ID], const struct ov_profile *p);

extern const char ov_job_profile_schema_1[];

#endif /* OV_CLIENT_JOB_PROFILE_H */
