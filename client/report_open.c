#include "client/report_open.h"

#include <string.h>

#include "client/partner.h"
#include "common/crypto/memory.h"

/* The name of a partner, also of one that has ended. */
static enum ov_status
copy_name(void *arg, const struct ov_partner *p)
{
	struct ov_report *r = arg;

	if (memcmp(p->company, r->partner, OV_ID) == 0)
		memcpy(r->partner_name, p->name, sizeof(p->name));
	return OV_OK;
}
_Static_assert(sizeof(((struct ov_report *)0)->partner_name) ==
		   sizeof(((struct ov_partner *)0)->name),
    "a name fits");

/* There is no report: why, and what to do. */
static enum ov_status
explain(struct ov_cli *cli, const struct ov_report_newer *newer)
{
	char id[2 * OV_ID + 1];

	if (!newer->is)
		return ov_cli_fail(cli, OV_E_NOT_FOUND,
		    "no report yet; `overlap run PARTNER` makes one");
	ov_hex(id, newer->job, OV_ID);
	if (!ov_job_final(newer->state))
		return ov_cli_fail(cli, OV_E_JOB_WAITING, "no report yet; job %.8s is %s",
		    id, ov_job_state_name(newer->state));
	return ov_cli_fail(cli, OV_E_NOT_FOUND,
	    "no report: job %.8s ended as %s (%s); `overlap run PARTNER` begins another",
	    id, ov_job_state_name(newer->state), ov_status_text(newer->reason));
}

enum ov_status
ov_report_open(struct ov_report *out, struct ov_home **home, struct ov_cli *cli,
    const char *partner, const char *job)
{
	struct ov_report_choice choice = { 0 };
	struct ov_partner p;
	uint8_t id[OV_ID];
	enum ov_status st;

	*home = NULL;
	OV_TRY(ov_cli_home(home, cli));
	if (partner != NULL) {
		OV_TRY(ov_partner_find(&p, *home, partner));
		choice.partner = p.company;
	}
	if (job != NULL) {
		st = ov_report_find_job(id, (*home)->db, job);
		if (st == OV_E_NOT_FOUND)
			st = ov_cli_fail(cli, st,
			    "no job, or more than one, has an id that begins so (8 to 32 "
			    "hex digits); `overlap status` lists the last ones");
		OV_TRY(st);
		choice.job = id;
	}
	st = ov_report_load(out, (*home)->db, &choice);
	if (st == OV_E_NOT_FOUND)
		st = explain(cli, &out->newer);
	OV_TRY(st);
	if (partner != NULL && memcmp(out->partner, p.company, OV_ID) != 0) {
		st = ov_cli_fail(cli, OV_E_NOT_FOUND,
		    "that job was with another partner; leave the partner out");
		goto done;
	}
	OV_TRY(ov_partner_each(*home, copy_name, out));
done:
	if (st != OV_OK) {
		ov_home_close(*home);
		*home = NULL;
	}
	return st;
}
