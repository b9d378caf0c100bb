#include "client/book/merge_rules.h"

#include <string.h>

static const uint8_t text_key[16] = "overlap merge 1";

void
ov_rules_count(struct ov_text_tally *t, struct ov_bytes text)
{
	uint8_t out[8];
	uint64_t hash;

	if (text.len == 0 || t->n > OV_MERGE_NAMES_MAX)
		return;
	ov_siphash(out, text_key, text);
	memcpy(&hash, out, sizeof(hash));
	for (size_t i = 0; i < t->n; i++)
		if (t->hash[i] == hash)
			return;
	t->hash[t->n++] = hash;
}

/* --- notes --- */

/* "ibm", or "ibm" and a separator behind it. */
static struct ov_bytes
without_mark(struct ov_bytes initials, bool *marked)
{
	*marked = initials.len > 0 && initials.p[initials.len - 1] == OV_NOTE_SEPARATOR;
	initials.len -= *marked;
	return initials;
}

/* The text before the next separator, and what is behind it. */
static struct ov_bytes
next_text(struct ov_bytes *rest)
{
	const uint8_t *end =
	    rest->len > 0 ? memchr(rest->p, OV_NOTE_SEPARATOR, rest->len) : NULL;
	struct ov_bytes text = *rest;

	if (end == NULL) {
		rest->len = 0;
		return text;
	}
	text.len = (size_t)(end - text.p);
	rest->p = end + 1;
	rest->len -= text.len + 1;
	return text;
}

struct ov_bytes
ov_rules_note_name(struct ov_bytes note)
{
	return next_text(&note);
}

enum ov_kinship
ov_rules_kinship(struct ov_bytes note, struct ov_bytes domain)
{
	struct ov_kin_name n;

	n.name = next_text(&note);
	n.written = next_text(&note);
	n.initials = without_mark(note, &n.is_unit);
	return ov_kinship(&n, domain);
}

/* --- verdicts --- */

/* LEIs veto all weaker ranks, CIKs all but LEI (proto/rank.h, ov_veto_default). */
bool
ov_rules_is_conflict(enum ov_rank rank, uint32_t lei, uint32_t cik)
{
	return (rank > OV_RANK_LEI && lei > 1) || (rank > OV_RANK_CIK && cik > 1);
}

/* Each domain is in one group when names come. */
bool
ov_rules_is_weak(enum ov_rank rank, uint32_t domains)
{
	return rank == OV_RANK_NAME_COUNTRY && domains > 1;
}

static bool
is_name(enum ov_rank rank)
{
	return rank == OV_RANK_NAME_COUNTRY || rank == OV_RANK_NAME;
}

/* Which rows keep a value that several have. */
static enum ov_kinship
least_kinship(const struct ov_shared_value *v)
{
	if (is_name(v->rank)) /* before a name that is only told */
		return v->house.groups > 0 ? OV_KIN_HOUSE : OV_KIN_NEAR;
	if (v->rank != OV_RANK_DOMAIN)
		return OV_KIN_NONE;
	if (v->all.groups > OV_MERGE_NAMES_MAX && v->notes.n > OV_MERGE_NAMES_MAX)
		return OV_KIN_HOUSE;
	if (v->other.groups < 2 || v->notes.n < 2)
		return OV_KIN_NONE;
	if (ov_rules_is_conflict(v->rank, v->other.lei, v->other.cik))
		return OV_KIN_NONE; /* dropped for all */
	return v->near.groups > 0 ? OV_KIN_NEAR : OV_KIN_NONE;
}

static const struct ov_group_tally *
tally_of(const struct ov_shared_value *v, enum ov_kinship least)
{
	switch (least) {
	case OV_KIN_HOUSE:
		return &v->house;
	case OV_KIN_NEAR:
		return &v->near;
	case OV_KIN_NONE:
		return &v->other;
	case OV_KIN_UNIT:
		break;
	}
	return &v->all;
}

struct ov_verdict
ov_rules_judge(const struct ov_shared_value *v)
{
	struct ov_verdict verdict = { OV_MERGE_KEPT, least_kinship(v), false };
	const struct ov_group_tally *t = tally_of(v, verdict.least);
	bool told = is_name(v->rank) && verdict.least == OV_KIN_NEAR;

	if (t->groups == 0)
		verdict.drop = OV_MERGE_FAMILY;
	else if (ov_rules_is_conflict(v->rank, t->lei, t->cik))
		verdict.drop = OV_MERGE_CONFLICT;
	else if (is_name(v->rank) && t->groups > 1 && v->notes.n > 1)
		verdict.drop = OV_MERGE_NAMESAKE;
	else if (told && t->groups > 1)
		verdict.drop = OV_MERGE_SHARED;
	else if (ov_rules_is_weak(v->rank, t->domain))
		verdict.drop = OV_MERGE_SHARED;
	else
		verdict.links = t->groups > 1;
	return verdict;
}
