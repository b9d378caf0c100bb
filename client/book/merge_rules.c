#include "client/book/merge_rules.h"

#include <string.h>

#define NEAR_MIN 3 /* letters that two beginnings have in common by no accident */

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

/* --- names and domains --- */

struct letters {
	uint8_t p[256]; /* values have at most 255 bytes */
	size_t n;
};

/* The domain's letters without hyphens and dots: of its first label, or of all. */
static void
spell(struct letters *out, struct ov_bytes domain, bool whole)
{
	out->n = 0;
	for (size_t i = 0; i < domain.len; i++) {
		if (domain.p[i] == '.' && !whole)
			break;
		if (domain.p[i] != '.' && domain.p[i] != '-')
			out->p[out->n++] = domain.p[i];
	}
}

static bool
is_same(const struct letters *a, struct ov_bytes b)
{
	return a->n == b.len && memcmp(a->p, b.p, b.len) == 0;
}

static bool
begin_alike(const struct letters *a, struct ov_bytes b)
{
	size_t least = a->n < b.len ? a->n : b.len;

	return least >= NEAR_MIN && memcmp(a->p, b.p, least) == 0;
}

/* "hartford" of thehartford.com, "robert bosch" of bosch.com */
static bool
end_alike(const struct letters *a, struct ov_bytes b)
{
	size_t least = a->n < b.len ? a->n : b.len;

	return least > NEAR_MIN &&
	       memcmp(a->p + a->n - least, b.p + b.len - least, least) == 0;
}

static bool
is_fund(struct ov_bytes name)
{
	static const char *const words[] = { "fund", "etf", "portfolio" };
	const struct ov_bytes *n = &name;

	if (memmem(n->p, n->len, words[0], strlen(words[0])) != NULL)
		return true;
	for (size_t i = 1; i < sizeof(words) / sizeof(words[0]); i++) {
		size_t len = strlen(words[i]);

		if (n->len > len && memcmp(n->p + n->len - len, words[i], len) == 0)
			return true;
	}
	return false;
}

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
	const struct ov_bytes name = next_text(&note), written = next_text(&note);
	bool marked;
	const struct ov_bytes initials = without_mark(note, &marked);
	struct letters label, whole;

	if (name.len == 0)
		return OV_KIN_NEAR;
	spell(&label, domain, false);
	spell(&whole, domain, true);
	if (is_same(&label, name) || is_same(&label, written) || is_same(&whole, name) ||
	    is_same(&whole, written) || /* "booking com" */
	    (initials.len > 1 && is_same(&label, initials)))
		return OV_KIN_HOUSE;
	if ((marked || is_fund(name)) && !is_fund(OV_BYTES(label.p, label.n)))
		return OV_KIN_UNIT;
	return begin_alike(&label, name) || begin_alike(&label, written) ||
		       end_alike(&label, written)
		   ? OV_KIN_NEAR
		   : OV_KIN_NONE;
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
