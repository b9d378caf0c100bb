#include "client/book/merge_rules.h"

#include <string.h>

static const uint8_t name_key[16] = "overlap merge 1";

void
ov_rules_count_name(struct ov_name_tally *t, struct ov_bytes name)
{
	uint8_t out[8];
	uint64_t hash;

	if (name.len == 0 || t->n > OV_MERGE_NAMES_MAX)
		return;
	ov_siphash(out, name_key, name);
	memcpy(&hash, out, sizeof(hash));
	for (size_t i = 0; i < t->n; i++)
		if (t->hash[i] == hash)
			return;
	t->hash[t->n++] = hash;
}

bool
ov_rules_is_house(struct ov_bytes name, struct ov_bytes domain)
{
	uint8_t compact[256], initials[256], label[256], whole[256];
	size_t nc = 0, ni = 0, nl = 0, nw = 0; /* values have at most 255 bytes */
	bool first = true, in_label = true;

	for (size_t i = 0; i < name.len; i++) {
		if (name.p[i] == ' ') {
			first = true;
			continue;
		}
		if (first)
			initials[ni++] = name.p[i];
		compact[nc++] = name.p[i];
		first = false;
	}
	for (size_t i = 0; i < domain.len; i++) {
		if (domain.p[i] == '.')
			in_label = false;
		else if (domain.p[i] != '-') {
			if (in_label)
				label[nl++] = domain.p[i];
			whole[nw++] = domain.p[i];
		}
	}
	return name.len > 0 &&
	       ((nc == nl && memcmp(compact, label, nl) == 0) ||
		   (nc == nw && memcmp(compact, whole, nw) == 0) ||
		   (ni > 1 && ni == nl && memcmp(initials, label, nl) == 0));
}

/* LEIs veto all weaker ranks, CIKs all but LEI (proto/rank.h, ov_veto_default). */
bool
ov_rules_is_conflict(enum ov_rank rank, uint32_t lei, uint32_t cik)
{
	return (rank > OV_RANK_LEI && lei > 1) || (rank > OV_RANK_CIK && cik > 1);
}

/* "US acme" of groups with different domains (each domain is in one group by now). */
static bool
is_weak_name(const struct ov_shared_value *v, const struct ov_group_tally *t)
{
	const uint8_t *space, *end = v->value.p + v->value.len;

	if (v->rank != OV_RANK_NAME_COUNTRY || t->domain < 2)
		return false;
	space = memchr(v->value.p, ' ', v->value.len);
	return space != NULL && memchr(space + 1, ' ', (size_t)(end - space - 1)) == NULL;
}

struct ov_verdict
ov_rules_judge(const struct ov_shared_value *v)
{
	const struct ov_group_tally *t = &v->all;
	struct ov_verdict verdict = { OV_MERGE_KEPT, false, false };

	verdict.family = v->rank == OV_RANK_DOMAIN && t->groups > OV_MERGE_NAMES_MAX &&
			 v->names.n > OV_MERGE_NAMES_MAX;
	if (verdict.family)
		t = &v->house;
	if (t->groups == 0)
		verdict.drop = OV_MERGE_FAMILY;
	else if (ov_rules_is_conflict(v->rank, t->lei, t->cik))
		verdict.drop = OV_MERGE_CONFLICT;
	else if (is_weak_name(v, t))
		verdict.drop = OV_MERGE_SHARED;
	else
		verdict.links = t->groups > 1;
	return verdict;
}
