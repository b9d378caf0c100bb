/* terms_consent.c - do the terms in force give no more than a person here consented to?
 * Looked at before anything leaves, from the owner's own words: the text of the policy,
 * the sheet that was made of it, the criteria that were accepted. */
#include <stdlib.h>
#include <string.h>

#include "client/criteria.h"
#include "client/giving.h"
#include "client/terms_impl.h"

/* Every column of the sheet stands in the other. */
static enum ov_status
columns_within(bool *out, struct ov_bytes sheet, struct ov_bytes within)
{
	struct ov_shared_columns columns, most;
	struct ov_msg_grants a, b;
	enum ov_status st;

	OV_TRY(ov_msg_decode(&a, OV_MSG_GRANTS, sheet));
	OV_TRY(ov_msg_decode(&b, OV_MSG_GRANTS, within));
	OV_TRY(ov_shared_columns_unpack(&columns, a.icp_columns));
	OV_TRY(ov_shared_columns_unpack(&most, b.icp_columns));
	*out = true;
	for (size_t i = 0; i < columns.n; i++)
		*out = *out && ov_shared_columns_have(&most, columns.name[i]);
done:
	return st;
}

/* Whether a sheet, with the other side's, gives no more than `most` can with any. */
static enum ov_status
gives_within(
    bool *out, struct ov_bytes sheet, struct ov_bytes other, struct ov_bytes most)
{
	struct ov_giving now, then;
	bool columns;
	enum ov_status st;

	OV_TRY(ov_giving_of(&now, sheet, other));
	OV_TRY(ov_giving_of(&then, most, OV_BYTES(NULL, 0)));
	then.bands = now.bands; /* told by columns and criteria */
	OV_TRY(columns_within(&columns, sheet, most));
	*out = columns && !ov_giving_is_more(&then, &now);
done:
	return st;
}

/* The sheet that the policy's text stands for; empty if there is no text. */
static enum ov_status
sheet_of_text(struct ov_buf *out, struct ov_bytes text)
{
	struct ov_policy *policy = malloc(sizeof(*policy));
	enum ov_status st = OV_OK;

	OV_REQUIRE(policy != NULL, OV_E_NOMEM);
	if (text.len > 0) {
		OV_TRY(ov_policy_read(policy, NULL, text.p, text.len, NULL));
		OV_TRY(ov_sheet_of_policy(out, policy));
	}
done:
	free(policy);
	return st;
}

/* The newest sheet that was consented to, and what its policy says. */
static enum ov_status
check_sheet(bool *ok, struct ov_home *home, const struct ov_sheets *s,
    const uint8_t partner[OV_ID])
{
	struct ov_buf text = { 0 }, sheet = { 0 };
	enum ov_status st;

	*ok = true;
	OV_TRY(ov_terms_policy(&text, home, partner));
	OV_TRY(sheet_of_text(&sheet, OV_BUF_BYTES(&text)));
	if (sheet.len > 0)
		OV_TRY(gives_within(
		    ok, OV_BUF_BYTES(&s->mine), OV_BYTES(NULL, 0), OV_BUF_BYTES(&sheet)));
done:
	ov_buf_free(&text);
	ov_buf_free(&sheet);
	return st;
}

/* Criteria that are evaluated are those that were accepted last. */
static enum ov_status
check_criteria(bool *ok, struct ov_home *home, const uint8_t partner[OV_ID],
    struct ov_bytes mine, struct ov_bytes theirs)
{
	struct ov_bytes criteria;
	enum ov_status st;

	OV_TRY(ov_criteria_of(&criteria, mine, theirs));
	OV_TRY(ov_criteria_accepted(ok, home, partner, criteria));
done:
	return st;
}

enum ov_status
ov_terms_check_consent(struct ov_home *home, const uint8_t partner[OV_ID])
{
	struct ov_buf mine = { 0 }, theirs = { 0 };
	struct ov_sheets s = { 0 };
	bool sheet, giving, criteria;
	enum ov_status st;

	OV_TRY(ov_sheets_load(&s, home, partner));
	OV_REQUIRE(s.mine.len > 0, OV_E_POLICY_REFUSED);
	OV_TRY(ov_terms_sheets(&mine, &theirs, home, partner));
	OV_TRY(check_sheet(&sheet, home, &s, partner));
	OV_TRY(gives_within(
	    &giving, OV_BUF_BYTES(&mine), OV_BUF_BYTES(&theirs), OV_BUF_BYTES(&s.mine)));
	OV_TRY(check_criteria(
	    &criteria, home, partner, OV_BUF_BYTES(&mine), OV_BUF_BYTES(&theirs)));
	OV_REQUIRE(sheet && giving && criteria, OV_E_POLICY_REFUSED);
done:
	ov_sheets_free(&s);
	ov_buf_free(&mine);
	ov_buf_free(&theirs);
	return st;
}
